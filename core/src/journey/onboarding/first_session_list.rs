//! `first_session_list`: the first session of every user. Definitions D37 to D40.

use super::firsts::{First, Firsts};
use super::{SIGNUPS, seconds};
use crate::base::error::Result;
use crate::function::{Argument, Call, Cell, Function, Past, Reads, Requests, Rows, SESSION_LIMITS, Type, column};
use crate::sessions::session_list::{SHOWN_ID, figures};

pub(super) const ARGUMENTS: [Argument; 3] = [SIGNUPS, SESSION_LIMITS[0], SESSION_LIMITS[1]];

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "first_session_list",
    path: "journey::onboarding::first_session_list",
    example: "",
    summary: "first session of each user: start, end, requests, errors, outcome, success of the first request, number \
              of features, and time since signup",
    arguments: &ARGUMENTS,
    columns: &[
        column("user_id", Type::Text, "the user"),
        column("session_id", Type::Text, "session id; NULL for a session formed by the gap"),
        column(
            "started_at",
            Type::Instant,
            "time of the first request; this and the following columns of the session are NULL for users without a \
             request",
        ),
        column("ended_at", Type::Instant, "time at which the last answer was complete"),
        column("active_seconds", Type::Double, "time between start and end without pauses above session_gap"),
        column("span_seconds", Type::Double, "time between start and end"),
        column("requests", Type::Bigint, "number of requests"),
        column("errors", Type::Bigint, "number of failed requests"),
        column("outcome", Type::Text, "completed, abandoned, open, or NULL if not known"),
        column("first_request_succeeded", Type::Boolean, "whether the first request succeeded; NULL if not known"),
        column(
            "features_discovered",
            Type::Bigint,
            "number of distinct features used; NULL if no first session has one",
        ),
        column("signed_up_at", Type::Instant, "time of signup; NULL if signups does not contain it"),
        column("seconds_to_first_request", Type::Double, "time from signup to the first request"),
    ],
    reads: Reads::Requests(&Requests {
        past: Past::All,
        // Of requests with the same instant and id, a failed one comes first.
        columns: &["request_id", "succeeded", "session_id", SHOWN_ID, "feature", "latency_ms"],
        needed: &[],
        names: true,
    }),
    segmented: false,
    scalar: false,
    zoned: false,
    rows: 1000,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let mut firsts = Firsts::new(call)?;
    let (columns, id) = (firsts.columns(), call.column(SHOWN_ID));
    // If no first session names a feature, the number of features is unknown.
    let mut tells_features = false;
    if call.column("feature").is_some() {
        call.each_user(&columns, |user| match tells_features {
            true => Ok(()),
            false => firsts.each(user, |first| {
                tells_features |= first.session.as_ref().is_some_and(|first| first.features > 0);
                Ok(())
            }),
        })?;
    }
    // A user's row is returned at once and not kept.
    call.each_user(&columns, |user| {
        let user_id = call.user_id(user.user, user.name);
        firsts.each(user, |First { session: first, signed_up, .. }| {
            let mut cells = [Cell::Null; 13];
            cells[0] = Cell::Bytes(&user_id);
            if let Some(first) = first {
                cells[1] = call.text_of(id, first.id).into();
                cells[2..8].copy_from_slice(&figures(&first.session));
                cells[8] = first.ending.map(|ending| ending.name()).into();
                cells[9] = first.succeeded.into();
                cells[10] = Some(first.features).filter(|_| tells_features).into();
                cells[12] = signed_up.map(|at| seconds(at, first.session.start)).into();
            }
            cells[11] = signed_up.map_or(Cell::Null, Cell::Instant);
            rows.row(&mut cells)
        })
    })
}
