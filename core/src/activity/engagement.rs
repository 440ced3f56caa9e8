//! `engagement`: daily, trailing weekly and trailing monthly users of every day, and stickiness as a ratio. Definitions
//! D1 to D3.
//!
//! The trailing week of a day is that day and the six before, the trailing month that day and the 29 before. Stickiness here
//! is the ratio of daily to monthly users; the distribution of active days is [`stickiness`](super::stickiness).

use super::View;
use super::periods::shown_days;
use crate::base::calendar::{Period, Window};
use crate::base::days::Day;
use crate::base::error::Result;
use crate::base::memory::{self, Claim};
use crate::function::{Call, Cell, Function, Past, Reads, Rows, Type, column, column_about};

/// Days of the trailing windows.
const WEEK: i32 = 7;
const MONTH: i32 = 30;

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "engagement",
    path: "activity::engagement",
    example: "",
    summary: "daily, trailing 7-day and trailing 30-day active users of each local day, and stickiness, the ratio of \
              daily to monthly users; complete: the day has elapsed and the 30 days lie within the log",
    arguments: &[],
    columns: &[
        column("day", Type::Date, "local day"),
        column_about(&["daily_users"], "daily_users", Type::Bigint, "users active on the day"),
        column_about(
            &["weekly_users"],
            "weekly_users",
            Type::Bigint,
            "users active on the day or in the 6 days before",
        ),
        column_about(
            &["monthly_users"],
            "monthly_users",
            Type::Bigint,
            "users active on the day or in the 29 days before",
        ),
        column_about(
            &["daily_users", "monthly_users"],
            "stickiness",
            Type::Double,
            "daily_users / monthly_users, 0 to 1; NULL without monthly users",
        ),
        column("complete", Type::Boolean, "whether the day has elapsed and the 30 days lie within the log"),
    ],
    reads: Reads::Activity(Past::All),
    segmented: true,
    scalar: false,
    zoned: false,
    rows: 400,
    run,
};

crate::activity::over_log::of_requests!(
    "activity::engagement::of_requests",
    &[crate::function::BY_VALUE_EACH],
    |call, rows| crate::activity::over_log::run(call, rows, super::run)
);

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let Some(view) = call.value(0, View::open)? else { return Ok(()) };
    let window = call.window(view.zone(), view.last_at())?;
    engagement(&view, &window)?.into_iter().try_for_each(|row| {
        rows.row(&mut [
            Cell::Date(row.day),
            row.daily.into(),
            row.weekly.into(),
            row.monthly.into(),
            row.stickiness().into(),
            row.complete.into(),
        ])
    })
}

/// Trailing active users of one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engagement {
    /// The local day.
    pub day: Day,
    /// Users active on it.
    pub daily: u64,
    /// Users active on it or the six days before.
    pub weekly: u64,
    /// Users active on it or the 29 days before.
    pub monthly: u64,
    /// Whether the day has elapsed and the 30 days lie within the log.
    pub complete: bool,
}

impl Engagement {
    /// Daily over monthly users; `None` without monthly users.
    pub fn stickiness(&self) -> Option<f64> {
        (self.monthly > 0).then(|| self.daily as f64 / self.monthly as f64)
    }
}

/// Daily, trailing weekly and trailing monthly users of every day.
///
/// Each active day of a user covers the days until the window ends or until the next active day, so a difference array
/// counts every user once per day, in one step per active day.
pub fn engagement(view: &View<'_>, window: &Window) -> Result<Vec<Engagement>> {
    let (Some((first, last)), Some((log_first, _))) = (shown_days(view, window)?, view.bounds()) else {
        return Ok(Vec::new());
    };
    let (mut claim, length) = (Claim::temporary(), (i64::from(last) - i64::from(first) + 1) as usize);
    let mut changes = claim.filled([0i64; 3], length + 1)?;
    view.each(|_, days| {
        for (i, &day) in days.iter().enumerate().take_while(|&(_, &day)| day <= last) {
            let next = days.get(i + 1).copied().unwrap_or(Day::MAX);
            for (window, length) in [1, WEEK, MONTH].into_iter().enumerate() {
                let (from, until) = (day.max(first), day.saturating_add(length).min(next).min(last + 1));
                if from < until {
                    changes[(from - first) as usize][window] += 1;
                    changes[(until - first) as usize][window] -= 1;
                }
            }
        }
        Ok(())
    })?;
    let mut rows = Vec::new();
    claim.reserve(&mut rows, length)?;
    let mut now = [0i64; 3];
    for (day, change) in (first..=last).zip(changes) {
        if rows.len() % memory::POLL_EVERY == memory::POLL_EVERY - 1 {
            memory::poll();
        }
        (0..3).for_each(|i| now[i] += change[i]);
        let look_back = i64::from(log_first) + i64::from(MONTH) - 1 <= i64::from(day);
        let complete = look_back && window.is_complete(&Period { index: day, start: day, end: day + 1 });
        let [daily, weekly, monthly] = now.map(|n| n as u64);
        rows.push(Engagement { day, daily, weekly, monthly, complete });
    }
    Ok(rows)
}
