//! `session_list`: every session with its user, by id. Definitions D15, D16, D19.

use super::{Limits, Session, SessionKey, of_requests, requests};
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::function::{Call, Cell, Function, Past, Reads, Requests, Rows, SESSION_LIMITS, Type, column};
use crate::history::{History, Timeline};

pub mod of_value;

/// The session id shown in rows, in the plan of a history.
pub(crate) const SHOWN_ID: &str = "session_id as text";

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "session_list",
    path: "sessions::session_list",
    example: "",
    summary: "sessions with their user, start, end, requests, errors and outcome",
    arguments: &SESSION_LIMITS,
    columns: &[
        column("user_id", Type::Text, "user of the session"),
        column(
            "session_number",
            Type::Bigint,
            "ordinal number of the session among the user's sessions from the start of the log, regardless of since",
        ),
        column("session_id", Type::Text, "session id; NULL for a session formed by the gap"),
        column("started_at", Type::Instant, "time of the first request"),
        column("ended_at", Type::Instant, "time at which the last answer was complete"),
        column("active_seconds", Type::Double, "time between start and end without pauses above session_gap"),
        column("span_seconds", Type::Double, "time between start and end"),
        column("requests", Type::Bigint, "number of requests"),
        column("errors", Type::Bigint, "number of failed requests"),
        column("outcome", Type::Text, "completed, abandoned, open, or NULL if not known"),
    ],
    reads: Reads::Requests(&Requests {
        past: Past::All,
        columns: &["session_id", SHOWN_ID, "latency_ms", "succeeded"],
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
    let limits = Limits::given(call)?;
    let observed = call.span(call.history.and_then(History::last_at));
    let columns = ["session_id", "latency_ms", "succeeded", SHOWN_ID].map(|name| call.column(name));
    let [session, latency, succeeded, id] = columns;
    let (mut parts, mut sessions, mut claim) = (Vec::new(), Vec::new(), Claim::temporary());
    let mut ids = Ids::default();
    // A user's rows are returned at once and not kept.
    call.each_user(&columns, |user| {
        of_requests(requests(user, session, latency, succeeded), limits, &mut parts, &mut sessions, &mut claim)?;
        ids.learn(user, session, id, &sessions)?;
        let user_id = call.user_id(user.user, user.name);
        for (number, session) in (1u64..).zip(&sessions).filter(|(_, session)| observed.shows(session.start)) {
            let id = call.text_of(id, ids.code(session.key));
            let ending = session.ending(limits, observed.end);
            let [started_at, ended_at, active, span, requests, errors] = figures(session);
            rows.row(&mut [
                Cell::Bytes(&user_id),
                number.into(),
                id.into(),
                started_at,
                ended_at,
                active,
                span,
                requests,
                errors,
                ending.map(|ending| ending.name()).into(),
            ])?;
        }
        Ok(())
    })
}

/// The cells of a session: start, end, active time and span in seconds, requests and errors.
pub(crate) fn figures(session: &Session) -> [Cell<'static>; 6] {
    [
        Cell::Instant(session.start),
        Cell::Instant(session.end),
        (session.active() as f64 / 1e6).into(),
        (session.span() as f64 / 1e6).into(),
        u64::from(session.requests).into(),
        u64::from(session.errors).into(),
    ]
}

/// The ids of one user's sessions, as codes of their texts.
#[derive(Debug)]
struct Ids {
    /// Ascending.
    codes: Vec<(SessionKey, u32)>,
    claim: Claim,
}

impl Default for Ids {
    fn default() -> Self {
        Ids { codes: Vec::new(), claim: Claim::temporary() }
    }
}

impl Ids {
    /// Collects the session ids from the requests of the sessions.
    fn learn(
        &mut self,
        user: &Timeline<'_>,
        session: Option<usize>,
        id: Option<usize>,
        sessions: &[Session],
    ) -> Result<()> {
        self.codes.clear();
        let (Some(keys), Some(codes)) = (user.sessions(session), user.codes(id)) else { return Ok(()) };
        if sessions.iter().all(|session| session.key == SessionKey::NONE) {
            return Ok(());
        }
        for (&key, &code) in keys.iter().zip(codes) {
            let found = (SessionKey::of_hash(key), code);
            if key != 0 && self.codes.last() != Some(&found) {
                self.claim.push(&mut self.codes, found)?;
            }
        }
        self.codes.sort_unstable();
        self.codes.dedup();
        Ok(())
    }

    /// The code of a session's id; 0 without one.
    fn code(&self, key: SessionKey) -> u32 {
        let at = self.codes.partition_point(|(known, _)| *known < key);
        self.codes.get(at).filter(|(known, _)| *known == key).map_or(0, |(_, code)| *code)
    }
}
