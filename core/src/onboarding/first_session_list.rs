//! `first_session_list`: the first session of every user. Definitions D37-D41.

use super::firsts::{First, Firsts};
use super::{SIGNUPS, seconds};
use crate::error::Result;
use crate::function::{Argument, Call, Cell, Function, Past, Reads, Requests, Rows, SESSION_LIMITS, Type, column};
use crate::sessions::session_list::{SHOWN_ID, figures};

pub(super) const ARGUMENTS: [Argument; 3] = [SIGNUPS, SESSION_LIMITS[0], SESSION_LIMITS[1]];

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "first_session_list",
    path: "onboarding::first_session_list",
    summary: "the first session of every user: begin, end, requests, errors, outcome, whether the first request succeeded, how many \
              features, and how long after signing up",
    arguments: &ARGUMENTS,
    columns: &[
        column("user_id", Type::Text, "the user"),
        column("session_id", Type::Text, "the session's id; NULL for one formed by the gap"),
        column(
            "started_at",
            Type::Instant,
            "when its first request was made; this and what follows of it NULL for a user who has made none",
        ),
        column("ended_at", Type::Instant, "when its last answer was complete"),
        column("duration_seconds", Type::Double, "the time between the two"),
        column("requests", Type::Bigint, "its requests"),
        column("errors", Type::Bigint, "those of them that failed"),
        column("outcome", Type::Text, "completed, abandoned, open, or NULL where the log does not tell"),
        column(
            "first_request_succeeded",
            Type::Boolean,
            "whether its first request succeeded; NULL where the log does not tell",
        ),
        column(
            "features_discovered",
            Type::Bigint,
            "distinct features of its requests; NULL where no first session has one",
        ),
        column("signed_up_at", Type::Instant, "when the user signed up; NULL where signups does not tell"),
        column("seconds_to_first_request", Type::Double, "the time from signing up to the first request"),
    ],
    reads: Reads::Requests(&Requests {
        past: Past::All,
        // Of requests of one instant and id, one that failed is the first.
        columns: &["request_id", "succeeded", "session_id", SHOWN_ID, "feature", "latency_ms"],
        needed: &[],
        names: true,
        order: &["user_id"],
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
    // Where no first session bears a feature, the log does not tell.
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
    // A user's row is given at once: nothing of it is kept.
    call.each_user(&columns, |user| {
        let user_id = call.user_id(user.user, user.name);
        firsts.each(user, |First { session: first, signed_up, .. }| {
            let mut cells = [Cell::Null; 12];
            cells[0] = Cell::Bytes(&user_id);
            if let Some(first) = first {
                cells[1] = call.text_of(id, first.id).into();
                cells[2..7].copy_from_slice(&figures(&first.session));
                cells[7] = first.ending.map(|ending| ending.name()).into();
                cells[8] = first.succeeded.into();
                cells[9] = Some(first.features).filter(|_| tells_features).into();
                cells[11] = signed_up.map(|at| seconds(at, first.session.start)).into();
            }
            cells[10] = signed_up.map_or(Cell::Null, Cell::Instant);
            rows.row(&mut cells)
        })
    })
}
