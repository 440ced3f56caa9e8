//! `cohort_table`: monthly cohorts and their retention in selected weeks, one row per cohort. Definitions D53-D57; computed
//! in [`retention`](super::retention).

use super::View;
use super::retention::{Clock, Kind, Question};
use super::retention_matrix::matrix;
use crate::base::calendar::{Calendar, Grain, Window};
use crate::base::days::Day;
use crate::base::error::Result;
use crate::function::{Call, Cell, Function, Past, Reads, Rows, Type, column, column_about};

const ABOUT: &[&str] = &["users"];

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "cohort_table",
    path: "activity::cohort_table",
    example: "",
    summary: "monthly cohorts and the share of their users active in weeks 1, 2, 4, 8 and 12, each of seven days, from \
              the user's first day; NULL until the week has elapsed for every user of the cohort",
    arguments: &[],
    columns: &[
        column("cohort", Type::Date, "first day of the month that contains the users' first active day"),
        column_about(ABOUT, "users", Type::Bigint, "users whose first active day lies in the month"),
        column_about(
            ABOUT,
            "week_1",
            Type::Double,
            "share of these users active on days 0 to 6 after their first day, 0 to 1",
        ),
        column_about(
            ABOUT,
            "week_2",
            Type::Double,
            "share of these users active on days 7 to 13 after their first day",
        ),
        column_about(
            ABOUT,
            "week_4",
            Type::Double,
            "share of these users active on days 21 to 27 after their first day",
        ),
        column_about(
            ABOUT,
            "week_8",
            Type::Double,
            "share of these users active on days 49 to 55 after their first day",
        ),
        column_about(
            ABOUT,
            "week_12",
            Type::Double,
            "share of these users active on days 77 to 83 after their first day",
        ),
    ],
    reads: Reads::Activity(Past::All),
    segmented: false,
    scalar: false,
    zoned: false,
    rows: 24,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let Some(view) = call.value(0, View::open)? else { return Ok(()) };
    let window = call.window(view.zone(), view.last_at())?;
    cohort_table(&view, &window)?.into_iter().try_for_each(|row| {
        let [w1, w2, w4, w8, w12] = row.weeks.map(Cell::from);
        rows.row(&mut [Cell::Date(row.cohort), row.users.into(), w1, w2, w4, w8, w12])
    })
}

/// The weeks of a [`cohort_table`], counted from 1.
pub const TABLE_WEEKS: [i32; 5] = [1, 2, 4, 8, 12];

/// One cohort of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct CohortRow {
    /// First day of the cohort's month.
    pub cohort: Day,
    /// Members.
    pub users: u64,
    /// Retention in each of [`TABLE_WEEKS`]; `None` until the week has elapsed for every member.
    pub weeks: [Option<f64>; 5],
}

/// Monthly cohorts by rolling weeks: week 1 is each member's own first seven days.
pub fn cohort_table(view: &View<'_>, window: &Window) -> Result<Vec<CohortRow>> {
    let question = Question {
        offsets: Some(TABLE_WEEKS.map(|week| week - 1).to_vec()),
        ..Question::new(Calendar::plain(Grain::Month), Clock::Rolling(7), Kind::On)
    };
    let cells = matrix(view, &question, window)?;
    let rows = cells.chunk_by(|a, b| a.cohort == b.cohort).filter_map(|cells| {
        let mut weeks = [None; 5];
        for (week, cell) in weeks.iter_mut().zip(cells) {
            *week = cell.rate().filter(|_| cell.all_eligible()).map(|(rate, _, _)| rate);
        }
        cells.first().and_then(|c| c.cohort.map(|cohort| CohortRow { cohort, users: c.users, weeks }))
    });
    Ok(rows.collect())
}
