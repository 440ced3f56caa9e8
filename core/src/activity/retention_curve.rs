//! `retention_curve`: retention in every period, pooled over all cohorts. Definitions D53-D57; computed in
//! [`retention`](super::retention).

use super::View;
use super::retention::{
    ABOUT, ARGUMENTS, COMPLETE, Cell, ELIGIBLE, HIGH, LOW, NUMBER, Question, RATE, RETAINED, cohorts, of_days,
};
use crate::base::calendar::Window;
use crate::base::error::Result;
use crate::function::{Call, Function, Past, Reads, Rows, Type, column_about};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "retention_curve",
    path: "activity::retention_curve",
    example: "",
    summary: "retention pooled over all cohorts: sum of retained users over sum of eligible users, with 95 % Wilson \
              bounds",
    arguments: ARGUMENTS,
    columns: &[
        NUMBER,
        column_about(ABOUT, "cohort_users", Type::Bigint, "users of all cohorts"),
        ELIGIBLE,
        RETAINED,
        RATE,
        LOW,
        HIGH,
        COMPLETE,
    ],
    reads: Reads::Activity(Past::All),
    segmented: true,
    scalar: false,
    zoned: false,
    rows: 60,
    run,
};

crate::activity::over_log::of_requests!(
    "activity::retention_curve::of_requests",
    super::super::retention::OF_REQUESTS,
    |call, rows| super::super::returns::run(call, rows, |cohorts, _, rows| super::tell(cohorts.curve()?, rows))
);

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let question = of_days(call)?;
    let Some(view) = call.value(0, View::open)? else { return Ok(()) };
    let window = call.window(view.zone(), view.last_at())?;
    tell(curve(&view, &question, &window)?, rows)
}

fn tell(cells: Vec<Cell>, rows: &mut dyn Rows) -> Result<()> {
    cells.into_iter().try_for_each(|cell| {
        let [users, eligible, retained, rate, low, high] = cell.told();
        rows.row(&mut [cell.number.into(), users, eligible, retained, rate, low, high, cell.complete().into()])
    })
}

/// The curve: the matrix summed over its cohorts.
pub fn curve(view: &View<'_>, question: &Question, window: &Window) -> Result<Vec<Cell>> {
    cohorts(view, question, window)?.curve()
}
