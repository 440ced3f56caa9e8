//! `retention_matrix`: retention of every cohort in every period. Definitions D53-D57; how it is counted is in
//! [`retention`](super::retention).

use super::View;
use super::retention::{ARGUMENTS, Cell, Question, cohorts, push_cells};
use crate::calendar::Window;
use crate::error::Result;
use crate::function::{self, Call, Function, Past, Reads, Rows, Type, column, column_about};
use crate::host::{self, Claim};

const ABOUT: &[&str] = &["cohort_users"];

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "retention_matrix",
    path: "activity::retention_matrix",
    summary: "per cohort and period how many members came back, among those whose period has elapsed, with Wilson 95 % bounds; \
              kind: on, on_or_after, on_or_before, streak; clock: calendar, rolling",
    arguments: ARGUMENTS,
    columns: &[
        column("cohort_start", Type::Date, "first local day of the period that holds the members' first day"),
        column_about(ABOUT, "cohort_users", Type::Bigint, "members"),
        column("period_number", Type::Integer, "number of the period, 0 for the one of the first day"),
        column_about(ABOUT, "eligible_users", Type::Bigint, "members whose period has elapsed"),
        column_about(
            ABOUT,
            "retained_users",
            Type::Bigint,
            "those of them who were retained; NULL where nobody is eligible",
        ),
        column_about(ABOUT, "retention_rate", Type::Double, "retained over eligible users, 0 to 1"),
        column_about(ABOUT, "rate_low", Type::Double, "lower 95 % bound of the rate (Wilson)"),
        column_about(ABOUT, "rate_high", Type::Double, "upper 95 % bound of the rate (Wilson)"),
        column("complete", Type::Boolean, "whether every member is eligible"),
    ],
    reads: Reads::Activity(Past::All),
    segmented: true,
    zoned: false,
    rows: 500,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let question = Question::of(call)?;
    let Some(view) = call.activity()? else { return Ok(()) };
    let window = call.window(view.zone(), view.last_at())?;
    matrix(&view, &question, &window)?.into_iter().try_for_each(|cell| {
        let [users, eligible, retained, rate, low, high] = cell.told();
        let start = cell.cohort.map_or(function::Cell::Null, function::Cell::Date);
        rows.row(&mut [start, users, cell.number.into(), eligible, retained, rate, low, high, cell.complete().into()])
    })
}

/// The matrix: every cohort that has members, by its periods.
pub fn matrix(view: &View<'_>, question: &Question, window: &Window) -> Result<Vec<Cell>> {
    let mut claim = Claim::passing();
    let cohorts = cohorts(view, question, window, &mut claim)?;
    let mut cells = Vec::new();
    for (start, cohort) in &cohorts {
        push_cells(Some(*start), cohort, question, &mut cells, &mut claim)?;
        host::poll();
    }
    Ok(cells)
}
