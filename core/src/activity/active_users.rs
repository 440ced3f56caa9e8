//! `active_users`: distinct users of each period, and how many of them are new. Definitions D1, D2.

use super::View;
use super::periods::{is_complete, shown_days};
use crate::base::calendar::{Calendar, Window};
use crate::base::days::Day;
use crate::base::error::Result;
use crate::base::series::Series;
use crate::function::{Argument, Call, Cell, Function, Past, Reads, Role, Rows, Type, column, column_about};

const ABOUT: &[&str] = &["active_users"];

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "active_users",
    path: "activity::active_users",
    example: "",
    summary: "distinct active users per day, week, month, quarter or year; users are new in the period of their first \
              request in the log; complete: the period has elapsed, lies within \
              the log and is not cut by since",
    arguments: &[Argument {
        name: "period",
        kind: Type::Text,
        role: Role::Value,
        default: "'day'",
        about: "day, week, month, quarter or year",
    }],
    columns: &[
        column("period_start", Type::Date, "first local day of the period"),
        column_about(ABOUT, "active_users", Type::Bigint, "users with at least one request in the period"),
        column_about(
            ABOUT,
            "new_users",
            Type::Bigint,
            "active users whose first request in the log lies in the period",
        ),
        column_about(ABOUT, "returning_users", Type::Bigint, "active users who are not new"),
        column(
            "complete",
            Type::Boolean,
            "whether the period has elapsed, lies within the log and is not cut by since",
        ),
    ],
    reads: Reads::Activity(Past::All),
    segmented: true,
    scalar: false,
    zoned: false,
    rows: 100,
    run,
};

crate::activity::over_log::of_requests!(
    "activity::active_users::of_requests",
    &[super::FUNCTION.arguments[0], crate::function::BY_VALUE_EACH],
    |call, rows| crate::activity::over_log::run(call, rows, super::run)
);

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let calendar = call.calendar("period", "day")?;
    let Some(view) = call.value(0, View::open)? else { return Ok(()) };
    let window = call.window(view.zone(), view.last_at())?;
    active_users(&view, calendar, &window)?.into_iter().try_for_each(|row| {
        rows.row(&mut [
            Cell::Date(row.start),
            row.active.into(),
            row.new.into(),
            (row.active - row.new).into(),
            row.complete.into(),
        ])
    })
}

/// Active users of one period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveUsers {
    /// First day of the period.
    pub start: Day,
    /// Users with at least one request in it.
    pub active: u64,
    /// Users whose first request ever is in it.
    pub new: u64,
    /// Whether it has elapsed, lies within the log and is shown in full.
    pub complete: bool,
}

/// Active users per period, without gaps, from the first of the log to the last that had begun.
pub fn active_users(view: &View<'_>, calendar: Calendar, window: &Window) -> Result<Vec<ActiveUsers>> {
    let Some((first, last)) = shown_days(view, window)? else { return Ok(Vec::new()) };
    let mut series = Series::<(u64, u64)>::new(calendar, (first, last))?;
    view.each(|_, days| {
        let mut counted = None;
        for (i, &day) in days.iter().enumerate().take_while(|&(_, &day)| day <= last) {
            if day < first {
                continue;
            }
            let index = series.index(day)?;
            if let Some((active, new)) = series.at(index) {
                *active += u64::from(counted != Some(index));
                *new += u64::from(i == 0);
            }
            counted = Some(index);
        }
        Ok(())
    })?;
    series.into_rows(|period, (active, new)| ActiveUsers {
        start: period.start,
        active,
        new,
        complete: is_complete(view, window, &period),
    })
}
