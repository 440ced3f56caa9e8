//! `session_time`: where the time of sessions goes, busy while an answer is awaited and think time, which is the rest.
//! Definition D16; how the busy time is found is in the second value, see [`busy`](super::busy).

use super::View;
use super::session_stats::PERIOD;
use super::{Stats, stats, times};
use crate::base::error::Result;
use crate::function::{Call, Cell, Function, Reads, Rows, Type, column, column_about};

const ABOUT: &[&str] = &["users"];

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "session_time",
    path: "sessions::session_time",
    example: "",
    summary: "breakdown of the time of closed sessions into busy time, in which at least one answer is awaited, and \
              think time, which is the rest",
    arguments: &[PERIOD],
    columns: &[
        column("period_start", Type::Date, "first local day of the period; NULL for all time"),
        column_about(ABOUT, "users", Type::Bigint, "users with at least one session that started in the period"),
        column_about(ABOUT, "sessions", Type::Bigint, "closed sessions that started in the period"),
        column_about(ABOUT, "duration_seconds", Type::Double, "total duration of these sessions"),
        column_about(ABOUT, "busy_seconds", Type::Double, "time in which at least one answer was awaited"),
        column_about(ABOUT, "think_seconds", Type::Double, "rest of the duration"),
        column_about(ABOUT, "busy_share", Type::Double, "busy_seconds / duration_seconds, 0 to 1"),
        column_about(ABOUT, "busy_mean_seconds", Type::Double, "mean busy time per session"),
        column_about(ABOUT, "think_mean_seconds", Type::Double, "mean think time per session"),
    ],
    reads: Reads::Sessions { busy: true },
    segmented: true,
    scalar: false,
    zoned: true,
    rows: 60,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let (calendar, days) = (call.periods("period")?, call.days()?);
    let (sessions, busy) = (call.value(0, View::open)?, call.value(1, View::open)?);
    let told = match (&sessions, &busy) {
        (None, _) => Stats::of_nothing(calendar),
        (Some(view), None) => stats(view, calendar, &call.span(view.last_at()), days)?,
        (Some(view), Some(busy)) => times(view, busy, calendar, &call.span(view.last_at()), days)?,
    };
    // Without the second value nothing is known of it.
    let is_known = busy.is_some() || sessions.is_none();
    told.into_iter().try_for_each(|row| {
        let known = |seconds: f64| Cell::from(Some(seconds).filter(|_| is_known));
        let mean = |sum: f64| (row.closed() > 0).then(|| sum / row.closed() as f64).map_or(Cell::Null, known);
        rows.row(&mut [
            row.start.map_or(Cell::Null, Cell::Date),
            row.users.into(),
            row.closed().into(),
            row.duration().into(),
            known(row.busy()),
            known(row.think()),
            row.busy_share().map_or(Cell::Null, known),
            mean(row.busy()),
            mean(row.think()),
        ])
    })
}
