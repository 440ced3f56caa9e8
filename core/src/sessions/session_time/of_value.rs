//! `session_time` over two values of the same requests. Definition D16.

use super::{COLUMNS, SUMMARY, Total};
use crate::base::error::Result;
use crate::function::{Call, Function, PERIOD, Reads, Rows, Stored};
use crate::sessions::{Stats, View, times};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "session_time",
    path: "sessions::session_time::of_value",
    example: "",
    summary: SUMMARY,
    arguments: &[PERIOD],
    columns: &COLUMNS,
    reads: Reads::Value(Stored::SessionsAndBusy),
    segmented: false,
    scalar: false,
    zoned: true,
    rows: 60,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let (calendar, days) = (call.periods("period")?, call.days()?);
    let (sessions, busy) = (call.value(0, View::open)?, call.value(1, View::open)?);
    let found = match &sessions {
        None => Stats::of_nothing(calendar),
        Some(view) => times(view, busy.as_ref(), calendar, &call.span(view.last_at()), days)?,
    };
    // Without the second value the busy time is unknown.
    let is_busy_known = busy.is_some() || sessions.is_none();
    found.into_iter().try_for_each(|stats| {
        let total = Total { users: stats.users, closed: stats.closed(), time: stats.time };
        rows.row(&mut total.cells(stats.start, is_busy_known))
    })
}
