//! `lifecycle`: growth accounting, the composition of active users by period, and churned users.
//!
//! A user active in a period is *new* if it contains their first request ever, *retained* if they were active in the period
//! before, *resurrected* if they returned after missing it. *Churned* users were active in the period before and not in this
//! one. Always active = new + retained + resurrected, and retained + churned = the active users of the period before
//! (definition D5; the quick ratio, (new + resurrected) / churned, is Amplitude's "pulse"). Users may still return in a
//! period that has not elapsed, so churn is given only for complete periods; and only after a period that lies within the log,
//! because of the one in which the log begins not all users are known. The churn rate (definition D62) is churned
//! divided by the active users of the period before.

use super::View;
use super::periods::{is_complete, is_in_log, shown_days};
use crate::base::calendar::{Calendar, Window};
use crate::base::days::Day;
use crate::base::error::Result;
use crate::base::series::Series;
use crate::function::{Argument, Call, Cell, Function, Past, Reads, Role, Rows, Type, column, column_about};
use crate::stats::interval::wilson;

const ABOUT: &[&str] = &["active_users"];
// Together with the other numbers, the ratio would reveal the churned users.
const CHURNED: &[&str] = &["active_users", "churned_users"];

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "lifecycle",
    path: "activity::lifecycle",
    example: "",
    summary: "growth accounting: active = new + retained + resurrected, active in the previous period = retained + \
              churned; churned_users and quick_ratio are NULL until the period is complete, and unless the previous period \
              lies within the log",
    arguments: &[Argument {
        name: "period",
        kind: Type::Text,
        role: Role::Value,
        default: "'week'",
        about: "day, week, month, quarter or year",
    }],
    columns: &[
        column("period_start", Type::Date, "first local day of the period"),
        column_about(ABOUT, "active_users", Type::Bigint, "users with at least one request in the period"),
        column_about(ABOUT, "new_users", Type::Bigint, "users active for the first time in the log"),
        column_about(ABOUT, "retained_users", Type::Bigint, "users who were also active in the previous period"),
        column_about(
            ABOUT,
            "resurrected_users",
            Type::Bigint,
            "users who were active earlier, but not in the previous period",
        ),
        column_about(
            CHURNED,
            "churned_users",
            Type::Bigint,
            "users active in the previous period but not in this one; NULL until complete, and unless the previous \
             period lies within the log",
        ),
        column_about(
            CHURNED,
            "quick_ratio",
            Type::Double,
            "(new + resurrected) / churned; NULL if churned_users is NULL or 0",
        ),
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
    rows: 60,
    run,
};

crate::activity::over_log::of_requests!(
    "activity::lifecycle::of_requests",
    &[super::FUNCTION.arguments[0], crate::function::BY_VALUE_FIRST],
    |call, rows| crate::activity::over_log::run(call, rows, super::run)
);

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let calendar = call.calendar("period", "week")?;
    let Some(view) = call.value(0, View::open)? else { return Ok(()) };
    let window = call.window(view.zone(), view.last_at())?;
    lifecycle(&view, calendar, &window)?.into_iter().try_for_each(|row| {
        rows.row(&mut [
            Cell::Date(row.start),
            row.active.into(),
            row.new.into(),
            row.retained.into(),
            row.resurrected.into(),
            row.churned.into(),
            row.quick_ratio().into(),
            row.complete.into(),
        ])
    })
}

/// The lifecycle of one period.
#[derive(Clone, Debug, PartialEq)]
pub struct Lifecycle {
    /// First day of the period.
    pub start: Day,
    /// Users active in the period before; `None` in the log's first period.
    pub before: Option<u64>,
    /// Users with a request in it.
    pub active: u64,
    /// Active for the first time ever.
    pub new: u64,
    /// Active in the period before too.
    pub retained: u64,
    /// Active before, but not in the period before.
    pub resurrected: u64,
    /// Active in the period before and not in this one; `None` unless complete, and unless the period before lies within
    /// the log.
    pub churned: Option<u64>,
    /// Whether the period has elapsed, lies within the log and is shown in full.
    pub complete: bool,
}

impl Lifecycle {
    /// Churned divided by those active in the period before, with 95 % bounds; `None` if there were none, and unless
    /// complete.
    pub fn churn_rate(&self) -> Option<(f64, f64, f64)> {
        let (before, churned) = (self.before?, self.churned?);
        let (low, high) = wilson(churned, before)?;
        Some((churned as f64 / before as f64, low, high))
    }

    /// (new + resurrected) / churned; `None` if no user churned or churn is not known yet.
    pub fn quick_ratio(&self) -> Option<f64> {
        let churned = self.churned.filter(|&churned| churned > 0)?;
        Some((self.new + self.resurrected) as f64 / churned as f64)
    }
}

#[derive(Clone, Default)]
struct Counts {
    new: u64,
    retained: u64,
    resurrected: u64,
}

/// The lifecycle of every period, without gaps.
pub fn lifecycle(view: &View<'_>, calendar: Calendar, window: &Window) -> Result<Vec<Lifecycle>> {
    let Some((first, last)) = shown_days(view, window)? else { return Ok(Vec::new()) };
    let mut series = Series::<Counts>::new(calendar, (first, last))?;
    let first_index = series.index(first)?;
    // All users active in the period before the first shown, and in the first shown, of which `since` may hide a part: the
    // base of the churn of the first two rows.
    let (mut before, mut in_first) = (0, 0);
    view.each(|_, days| {
        let (mut earlier, mut known, mut counted) = (None, None, None);
        for (i, &day) in days.iter().enumerate().take_while(|&(_, &day)| day <= last) {
            let index = series.index(day)?;
            if known != Some(index) {
                (earlier, known) = (known, Some(index));
                before += u64::from(index == first_index - 1);
                in_first += u64::from(index == first_index);
            }
            if day < first || counted == Some(index) {
                continue;
            }
            counted = Some(index);
            if let Some(counts) = series.at(index) {
                let count = match (i, earlier == Some(index - 1)) {
                    (0, _) => &mut counts.new,
                    (_, true) => &mut counts.retained,
                    (_, false) => &mut counts.resurrected,
                };
                *count += 1;
            }
        }
        Ok(())
    })?;
    let mut in_first = Some(in_first);
    let begins = view.bounds().map(|(begins, _)| begins);
    series.into_rows(|period, Counts { new, retained, resurrected }| {
        let (active, complete) = (new + retained + resurrected, is_complete(view, window, &period));
        let is_known = complete && calendar.numbered(period.index - 1).is_ok_and(|earlier| is_in_log(view, &earlier));
        let churned = is_known.then(|| before - retained);
        let known = begins.is_some_and(|begins| begins < period.start).then_some(before);
        before = in_first.take().unwrap_or(active);
        Lifecycle { start: period.start, before: known, active, new, retained, resurrected, churned, complete }
    })
}
