//! `session_list` over a value, which knows keys of sessions in place of their ids and of users. Definitions D15, D16, D19.

use super::figures;
use crate::error::Result;
use crate::function::{Call, Cell, Function, Reads, Rows, Stored, Type, column};
use crate::sessions::{Ending, list};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "session_list",
    path: "sessions::session_list::of_value",
    summary: "every session with its user: begin, end, requests, errors and outcome (completed, abandoned, open, or NULL where \
              the log does not tell); read from sessions",
    arguments: &[],
    columns: &[
        column("session_number", Type::Bigint, "the how-manyth session of its user it is, whatever since says"),
        column("session_key", Type::Bigint, "a hash of its id; NULL for a session formed by the gap"),
        column("started_at", Type::Instant, "when its first request was made"),
        column("ended_at", Type::Instant, "when its last answer was complete"),
        column("duration_seconds", Type::Double, "the time between the two"),
        column("requests", Type::Bigint, "its requests"),
        column("errors", Type::Bigint, "those of them that failed"),
        column("outcome", Type::Text, "completed, abandoned, open, or NULL where the log does not tell"),
    ],
    reads: Reads::Value(Stored::Sessions),
    segmented: false,
    scalar: false,
    zoned: false,
    rows: 1000,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let Some(view) = call.sessions(0)? else { return Ok(()) };
    let span = call.span(view.last_at());
    list(&view, &span)?.iter().try_for_each(|(number, session)| {
        let [started_at, ended_at, duration, requests, errors] = figures(session);
        rows.row(&mut [
            (*number).into(),
            session.key.bits().map_or(Cell::Null, Cell::Bigint),
            started_at,
            ended_at,
            duration,
            requests,
            errors,
            session.ending(view.rules(), span.end).map(Ending::name).into(),
        ])
    })
}
