//! `retention_curve`: retention in every period, pooled over all cohorts. Definitions D53-D57; computed in
//! [`retention`](super::retention).

use super::View;
use super::retention::{
    ABOUT, ARGUMENTS, COMPLETE, Cell, Cohort, ELIGIBLE, HIGH, LOW, NUMBER, Question, RATE, RETAINED, cohorts,
    push_cells,
};
use crate::base::calendar::Window;
use crate::base::error::Result;
use crate::base::memory::Claim;
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

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let question = Question::of(call)?;
    let Some(view) = call.value(0, View::open)? else { return Ok(()) };
    let window = call.window(view.zone(), view.last_at())?;
    curve(&view, &question, &window)?.into_iter().try_for_each(|cell| {
        let [users, eligible, retained, rate, low, high] = cell.told();
        rows.row(&mut [cell.number.into(), users, eligible, retained, rate, low, high, cell.complete().into()])
    })
}

/// The curve: the matrix summed over its cohorts.
pub fn curve(view: &View<'_>, question: &Question, window: &Window) -> Result<Vec<Cell>> {
    let mut claim = Claim::temporary();
    let cohorts = cohorts(view, question, window, &mut claim)?;
    let mut all = Cohort { users: 0, eligible: Vec::new(), retained: Vec::new() };
    for cohort in cohorts.values() {
        all.users += cohort.users;
        all.reach(cohort.eligible.len(), &mut claim)?;
        let add = |sum: &mut Vec<i64>, counts: &[i64]| sum.iter_mut().zip(counts).for_each(|(s, c)| *s += c);
        add(&mut all.eligible, &cohort.eligible);
        add(&mut all.retained, &cohort.retained);
    }
    let mut cells = Vec::new();
    if all.users > 0 {
        push_cells(None, &all, question, &mut cells, &mut claim)?;
    }
    Ok(cells)
}
