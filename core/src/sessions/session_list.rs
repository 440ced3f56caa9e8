//! `session_list`: every session with its user, by id. Definitions D15, D16, D19.

use super::members::Members;
use super::{Limits, Session, SessionKey, of_requests, requests};
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::base::user_table::is_blank;
use crate::function::{
    Argument, Call, Cell, Function, NO_DEFAULT, Past, Reads, Requests, Role, Rows, SESSION_LIMITS, Type, column,
};
use crate::history::{History, Timeline};
use crate::stats::sum::Sum;

pub mod of_value;

/// The session id shown in rows, in the plan of a history.
pub(crate) const SHOWN_ID: &str = "session_id as text";

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "session_list",
    path: "sessions::session_list",
    example: "",
    summary: "sessions with their user, start, end, requests, errors and outcome",
    arguments: &[
        SESSION_LIMITS[0],
        SESSION_LIMITS[1],
        Argument {
            name: "containing",
            kind: Type::Json,
            role: Role::Condition,
            default: NO_DEFAULT,
            about: "list only sessions with a request that has these values, as whole sessions; the syntax is that of filter",
        },
    ],
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
        column("cost_usd", Type::Double, "sum of the known costs of its requests"),
        column("tokens", Type::Bigint, "sum of their known prompt and completion tokens"),
        column("features", Type::Text, "features used, by name, separated by commas"),
        column("models", Type::Text, "models used, by name, separated by commas"),
    ],
    reads: Reads::Requests(&Requests {
        past: Past::All,
        columns: &[
            "session_id",
            SHOWN_ID,
            "latency_ms",
            "succeeded",
            "cost_usd",
            "prompt_tokens",
            "completion_tokens",
            "feature",
            "model",
        ],
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
    let (mut ids, mut members) = (Ids::default(), Members::default());
    let [cost, prompt, completion, feature, model, containing] = Content::COLUMNS.map(|name| call.column(name));
    let tokens = [prompt, completion];
    let mut content = Content { cost, tokens, containing, features: Names::of(feature), models: Names::of(model) };
    let read = columns.into_iter().chain(content.columns()).collect::<Vec<_>>(); // few: columns
    // A user's rows are returned at once and not kept.
    call.each_user(&read, |user| {
        of_requests(requests(user, session, latency, succeeded), limits, &mut parts, &mut sessions, &mut claim)?;
        ids.learn(user, session, id, &sessions)?;
        if content.is_known() {
            members.find(&sessions, requests(user, session, latency, succeeded))?;
        }
        let user_id = call.user_id(user.user, user.name);
        for (n, session) in sessions.iter().enumerate().filter(|(_, session)| observed.shows(session.start)) {
            if containing.is_some() && !members.of(n).any(|request| user.flag(containing, request) == Some(true)) {
                continue;
            }
            let id = call.text_of(id, ids.code(session.key));
            let ending = session.ending(limits, observed.end);
            let [started_at, ended_at, active, span, requests, errors] = figures(session);
            let [cost, tokens, features, models] = content.cells(call, user, members.of(n))?;
            rows.row(&mut [
                Cell::Bytes(&user_id),
                (n as u64 + 1).into(),
                id.into(),
                started_at,
                ended_at,
                active,
                span,
                requests,
                errors,
                ending.map(|ending| ending.name()).into(),
                cost,
                tokens,
                features,
                models,
            ])?;
        }
        Ok(())
    })
}

/// What the requests of a session have in common: cost, tokens, features and models.
struct Content {
    cost: Option<usize>,
    tokens: [Option<usize>; 2],
    containing: Option<usize>,
    features: Names,
    models: Names,
}

impl Content {
    const COLUMNS: [&str; 6] = ["cost_usd", "prompt_tokens", "completion_tokens", "feature", "model", "containing"];

    fn columns(&self) -> [Option<usize>; 6] {
        let [prompt, completion] = self.tokens;
        [self.cost, prompt, completion, self.features.column, self.models.column, self.containing]
    }

    /// Whether the log has any of the columns.
    fn is_known(&self) -> bool {
        self.columns().iter().any(Option::is_some)
    }

    fn cells<'n>(
        &'n mut self,
        call: &Call<'_>,
        user: &Timeline<'_>,
        requests: impl Iterator<Item = usize> + Clone,
    ) -> Result<[Cell<'n>; 4]> {
        if !self.is_known() {
            return Ok([Cell::Null; 4]);
        }
        let mut claim = Claim::temporary();
        let mut sum = |columns: &[Option<usize>]| {
            let mut sum = Sum::default();
            for numbers in columns.iter().filter_map(|column| user.numbers(*column)) {
                let mut known = requests.clone().map(|request| numbers[request]).filter(|number| !number.is_nan());
                known.try_for_each(|number| sum.add(number, &mut claim))?;
            }
            Ok(sum.value())
        };
        let (cost, tokens) = (sum(&[self.cost])?, sum(&self.tokens)?);
        let features = self.features.list(call, user, requests.clone())?;
        let tokens = tokens.map(|tokens| tokens.round().min(i64::MAX as f64) as u64);
        Ok([cost.into(), tokens.into(), features.into(), self.models.list(call, user, requests)?.into()])
    }
}

/// The names of a column that a session has.
struct Names {
    column: Option<usize>,
    codes: Vec<u32>,
    text: Vec<u8>,
    claim: Claim,
}

impl Names {
    fn of(column: Option<usize>) -> Self {
        Names { column, codes: Vec::new(), text: Vec::new(), claim: Claim::temporary() }
    }

    /// Those of some requests, by their bytes, separated by commas; `None` without any.
    fn list(
        &mut self,
        call: &Call<'_>,
        user: &Timeline<'_>,
        requests: impl Iterator<Item = usize>,
    ) -> Result<Option<&[u8]>> {
        let Names { column, codes, text, claim } = self;
        codes.clear();
        text.clear();
        let Some(of_user) = user.codes(*column) else { return Ok(None) };
        for code in requests.map(|request| of_user[request]).filter(|code| *code != 0) {
            if codes.last() != Some(&code) {
                claim.push(codes, code)?;
            }
        }
        codes.sort_unstable();
        codes.dedup();
        codes.sort_unstable_by_key(|code| call.text_of(*column, *code));
        let names = codes.iter().filter_map(|code| call.text_of(*column, *code));
        for name in names.filter(|name| !is_blank(name)) {
            claim.reserve_doubling(text, name.len() + 1)?;
            if !text.is_empty() {
                text.push(b',');
            }
            text.extend_from_slice(name);
        }
        Ok((!text.is_empty()).then_some(&text[..]))
    }
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
