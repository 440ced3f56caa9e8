//! `stickiness`: distribution of users by their number of active days in the last days. Definition D4.

use super::View;
use super::periods::last_day;
use crate::base::calendar::Window;
use crate::base::error::{Error, Result};
use crate::function::{Argument, Call, Cell, Function, Past, Reads, Role, Rows, Type, column, column_about};

/// The longest window of stickiness, in days.
const MOST_DAYS: i32 = 3660;

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "stickiness",
    path: "activity::stickiness",
    example: "",
    summary: "distribution of users by number of active days in a window (power user curve): users with exactly and \
              with at least each number, and their share of all active users",
    arguments: &[Argument {
        name: "days",
        kind: Type::Integer,
        role: Role::Value,
        default: "28",
        about: "number of days to look back, from 1 to 3660",
    }],
    columns: &[
        column("active_days", Type::Integer, "number of active days, from 1 to days"),
        column_about(&["users"], "users", Type::Bigint, "users active on exactly this many days"),
        column(
            "users_at_least",
            Type::Bigint,
            "users active on this many days or more; NULL if any row is too small to show",
        ),
        column("share", Type::Double, "users / all users active in the window; NULL if any row is too small to show"),
    ],
    reads: Reads::Activity(Past::Nothing),
    segmented: true,
    scalar: false,
    zoned: false,
    rows: 28,
    run,
};

crate::activity::over_log::of_requests!(
    "activity::stickiness::of_requests",
    &[super::FUNCTION.arguments[0], crate::function::BY_VALUE_EACH],
    |call, rows| crate::activity::over_log::run(call, rows, super::run)
);

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let days = window_days(call.integer("days").unwrap_or(28))?;
    let Some(view) = call.value(0, View::open)? else { return Ok(()) };
    let window = call.window(view.zone(), view.last_at())?;
    let told = stickiness(&view, days, &window)?;
    // A hidden row could be derived from the sums and shares of the others.
    let all_shown = !told.iter().any(|row| call.hides(row.users));
    told.into_iter().try_for_each(|row| {
        rows.row(&mut [
            row.active_days.into(),
            row.users.into(),
            Cell::from(Some(row.at_least).filter(|_| all_shown)),
            row.share().filter(|_| all_shown).into(),
        ])
    })
}

/// The users active on exactly the given number of days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stickiness {
    /// Days active within the window, from 1.
    pub active_days: i32,
    /// Users active on exactly that many days.
    pub users: u64,
    /// Users active on that many days or more.
    pub at_least: u64,
    /// Users active on at least one day.
    pub all: u64,
}

impl Stickiness {
    /// The users as a share of all active in the window; `None` if there were none.
    pub fn share(&self) -> Option<f64> {
        (self.all > 0).then(|| self.users as f64 / self.all as f64)
    }
}

/// The window of [`stickiness`] given by the caller.
pub fn window_days(given: i32) -> Result<i32> {
    if (1..=MOST_DAYS).contains(&given) {
        return Ok(given);
    }
    let accepted = format!("a number of days from 1 to {MOST_DAYS}");
    Err(Error::Argument { name: "days", given: given.to_string(), accepted })
}

/// The distribution of active days over the last `days` days.
pub fn stickiness(view: &View<'_>, days: i32, window: &Window) -> Result<Vec<Stickiness>> {
    window_days(days)?;
    if view.users() == 0 {
        return Ok(Vec::new());
    }
    let last = last_day(view, window)?;
    let first = (last - days + 1).max(window.since.unwrap_or(last - days + 1));
    let mut users = vec![0u64; days as usize + 1]; // few: MOST_DAYS
    let mut anybody = false;
    view.each(|_, active| {
        let active = &active[..active.partition_point(|&day| day <= last)];
        anybody |= active.last().is_some_and(|&day| window.shows(day));
        users[active.len() - active.partition_point(|&day| day < first)] += 1;
        Ok(())
    })?;
    if !anybody {
        return Ok(Vec::new());
    }
    let all = users.iter().skip(1).sum();
    let mut at_least = all;
    let rows = users.iter().zip(0..).skip(1).map(|(&users, active_days)| {
        let row = Stickiness { active_days, users, at_least, all };
        at_least -= users;
        row
    });
    Ok(rows.collect()) // few: MOST_DAYS
}
