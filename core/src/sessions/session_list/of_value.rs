//! `session_list` over a value, which has hashed keys instead of session and user ids. Definitions D15, D16, D19.

use super::figures;
use crate::base::error::{Error, Result};
use crate::function::{Call, Cell, Function, Reads, Rows, Stored, Type, column};
use crate::sessions::View;
use crate::sessions::{Ending, list};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "session_list",
    path: "sessions::session_list::of_value",
    example: "",
    summary: "sessions of a stored value with their user, start, end, requests, errors and outcome (completed, \
              abandoned, open, or NULL if not known)",
    arguments: &[],
    columns: &[
        column(
            "session_number",
            Type::Bigint,
            "ordinal number of the session among the user's sessions, regardless of since",
        ),
        column("session_key", Type::Bigint, "hash of the session id; NULL for a session formed by the gap"),
        column("started_at", Type::Instant, "time of the first request"),
        column("ended_at", Type::Instant, "time at which the last answer was complete"),
        column("active_seconds", Type::Double, "time between start and end without pauses above session_gap"),
        column("span_seconds", Type::Double, "time between start and end"),
        column("requests", Type::Bigint, "number of requests"),
        column("errors", Type::Bigint, "number of failed requests"),
        column("outcome", Type::Text, "completed, abandoned, open, or NULL if not known"),
    ],
    reads: Reads::Value(Stored::Sessions),
    segmented: false,
    scalar: false,
    zoned: false,
    rows: 1000,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    // A value may be shared with those who must not read the log it was built from.
    if call.environment.min_group_size > 1 {
        return Err(Error::SingleUsers {
            instead: "Use session_stats, or call session_list over the log, which requires the privilege to read it.",
        });
    }
    let Some(view) = call.value(0, View::open)? else { return Ok(()) };
    let observed = call.span(view.last_at());
    list(&view, &observed)?.iter().try_for_each(|(number, session)| {
        let [started_at, ended_at, active, span, requests, errors] = figures(session);
        rows.row(&mut [
            (*number).into(),
            session.key.bits().map_or(Cell::Null, Cell::Bigint),
            started_at,
            ended_at,
            active,
            span,
            requests,
            errors,
            session.ending(view.rules(), observed.end).map(Ending::name).into(),
        ])
    })
}
