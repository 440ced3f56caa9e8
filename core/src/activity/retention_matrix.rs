//! `retention_matrix`: retention of every cohort in every period. Definitions D53-D57; computed in
//! [`retention`](super::retention).

use super::View;
use super::retention::{
    ABOUT, ARGUMENTS, Cell, ELIGIBLE, HIGH, LOW, NUMBER, Question, RATE, RETAINED, WHOLE, cohorts, of_days,
};
use crate::base::calendar::Window;
use crate::base::error::Result;
use crate::function::{self, Call, Function, Past, Reads, Rows, Type, column, column_about};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "retention_matrix",
    path: "activity::retention_matrix",
    example: "",
    summary: "retention by cohort and period, among users whose own period has elapsed, with 95 % Wilson bounds; kind: \
              on, on_or_after, on_or_before, streak; clock: calendar, rolling, 24_hours",
    arguments: ARGUMENTS,
    columns: &[
        column("cohort_start", Type::Date, "first local day of the period that contains the users' first active day"),
        column_about(ABOUT, "cohort_users", Type::Bigint, "users of the cohort"),
        NUMBER,
        ELIGIBLE,
        RETAINED,
        RATE,
        LOW,
        HIGH,
        WHOLE,
    ],
    reads: Reads::Activity(Past::All),
    segmented: true,
    scalar: false,
    zoned: false,
    rows: 500,
    run,
};

crate::activity::over_log::of_requests!(
    "activity::retention_matrix::of_requests",
    super::super::retention::OF_REQUESTS,
    |call, rows| super::super::returns::run(call, rows, |cohorts, window, rows| super::tell(
        cohorts.matrix(window)?,
        rows
    ))
);

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let question = of_days(call)?;
    let Some(view) = call.value(0, View::open)? else { return Ok(()) };
    let window = call.window(view.zone(), view.last_at())?;
    tell(matrix(&view, &question, &window)?, rows)
}

fn tell(cells: Vec<Cell>, rows: &mut dyn Rows) -> Result<()> {
    cells.into_iter().try_for_each(|cell| {
        let [users, eligible, retained, rate, low, high] = cell.told();
        let start = cell.cohort.map_or(function::Cell::Null, function::Cell::Date);
        rows.row(&mut [start, users, cell.number.into(), eligible, retained, rate, low, high, cell.complete().into()])
    })
}

/// The matrix: every cohort that has members, by its periods.
pub fn matrix(view: &View<'_>, question: &Question, window: &Window) -> Result<Vec<Cell>> {
    cohorts(view, question, window)?.matrix(window)
}
