//! Sessions: requests of each user grouped into sessions, exact, from requests in any order.
//!
//! A request lasts from when it was made until its answer is complete. A user's requests with the same session id form
//! sessions, cut at pauses longer than [`Limits::idle`]. A run of them with only one request carries no information (some
//! gateways generate a new id for each request) and is treated like requests without an id. Those form sessions cut at
//! pauses longer than [`Limits::gap`]. A pause of exactly the limit does not cut, nor does midnight. Definitions D15, D16,
//! D19.
//!
//! What is kept are *parts*: stretches of a user's requests with one id and pauses of at most [`Limits::gap`], or
//! [`Limits::idle`] if that is shorter. This closure does not depend on the order of requests, so parts merge exactly, and
//! memory grows with visits, not with requests. Which parts make a session is decided when a value is read, see [`View`]. A
//! session with an id may have longer pauses than `gap`: they lie between its parts, and the user was away in them.
//!
//! The body of its bytes, after the frame of [`wire`](crate::base::wire): type of user ids; gap; idle; 0, or 1 and the last
//! instant (signed); number of users; the keys, ascending, 16 bytes each; then per key the number of its parts and the
//! parts, by session key and start. A part is `(requests - 1) * 8 + outcome * 2 + other`, where `other` is 1 for another
//! session key than that of the part before (at first: none), and the key (8 bytes) follows; its start less that of the
//! part before (signed); its length; and for more than one request the start of the last one less the part's, and the
//! number of errors.

use crate::base::calendar::Micros;
use crate::base::error::{Error, Result};
use crate::base::memory::Claim;
use crate::base::sort_by_user::{self, Owned};
use crate::base::state::State;
use crate::base::user_lists::{self, Head, LAST_INSTANT, Runs};
use crate::base::user_table::{UNKNOWN, UserKey, UserKind, Users, is_blank};
use crate::function::aggregate::{Aggregate, Form};
use crate::function::{Call, Function, Type};
use crate::history::Timeline;
use xxhash_rust::xxh3::xxh3_64;

mod members;
pub mod session_hazard;
pub mod session_list;
pub mod session_stats;
pub mod session_time;
mod stats;
mod time;
mod view;
mod visits;

pub use crate::function::MAX_IDLE;
pub use session_hazard::{Hazard, hazard};
pub use stats::{Ending, Stats, list, stats, times};
pub use time::{Time, UNDER_WAY};
pub use view::{View, resolve};

/// The functions that read it.
pub const FUNCTIONS: &[&Function] = &[
    &session_stats::FUNCTION,
    &session_time::of_value::FUNCTION,
    &session_time::FUNCTION,
    &session_hazard::FUNCTION,
    &session_list::FUNCTION,
    &session_list::of_value::FUNCTION,
];

/// The aggregate that builds it.
pub static AGGREGATE: Aggregate = Aggregate {
    name: "sessions",
    value: "sessions",
    module: "sessions",
    is_internal: false,
    volatility: "STABLE",
    forms: &[
        Form {
            arguments: &[],
            about: "sessions of each user: requests with pauses of at most user_metrics.session_gap",
        },
        Form {
            arguments: &[
                ("session_id", Type::Text),
                ("latency_ms", Type::Double),
                ("succeeded", Type::Boolean),
                ("session_gap", Type::Interval),
                ("max_idle", Type::Interval),
            ],
            about: "sessions of each user: requests with the same session id and pauses of at most max_idle, or \
                    without an id (or alone with theirs) and pauses of at most session_gap, measured from the end of \
                    the answer; values that are not known may be NULL",
        },
    ],
};

/// The version of the byte layout.
pub const VERSION: u8 = 1;

/// From this number of users on, rows are buffered and added in batches: fewer users stay in the CPU caches.
const MANY: usize = 4096;
/// Rows of a batch.
const BATCH: usize = 512;
/// Parts remembered by user and session id, so that most rows of a log in time order find theirs directly.
const RECENT: usize = 2048;
/// A user without a part.
const NO_PART: u32 = u32::MAX;
/// The number of parts that may touch earlier ones before they are checked.
const DOUBTS: usize = 1024;

/// When a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest pause within a session of requests without an id.
    pub gap: Micros,
    /// The longest pause within a session of requests with the same id.
    pub idle: Micros,
}

impl std::fmt::Display for Limits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "session_gap {} s, max_idle {} s", self.gap as f64 / 1e6, self.idle as f64 / 1e6)
    }
}

impl Limits {
    /// The limits of a call that takes [`SESSION_LIMITS`](crate::function::SESSION_LIMITS).
    pub fn given(call: &Call<'_>) -> Result<Self> {
        let (gap, idle) = call.session_limits()?;
        Ok(Limits { gap, idle })
    }

    /// The longest pause within a session.
    #[inline]
    fn of(self, key: SessionKey) -> Micros {
        if key == SessionKey::NONE { self.gap } else { self.idle }
    }

    /// The longest pause within a part.
    #[inline]
    fn of_part(self, key: SessionKey) -> Micros {
        if key == SessionKey::NONE { self.gap } else { self.gap.min(self.idle) }
    }
}

/// A session id: 64 bits of XXH3 with seed 0, unique only within one user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionKey(u64);

impl SessionKey {
    /// No id.
    pub const NONE: SessionKey = SessionKey(0);

    /// The key of an id; an empty or blank id counts as none.
    #[inline]
    pub fn text(id: &[u8]) -> Self {
        if is_blank(id) { Self::NONE } else { SessionKey(xxh3_64(id).max(1)) }
    }

    /// The key of a hash of an id; 0 means none.
    pub fn of_hash(hash: u64) -> Self {
        SessionKey(hash)
    }

    /// Its bits; `None` for no id.
    pub fn bits(self) -> Option<i64> {
        (self != Self::NONE).then_some(self.0 as i64)
    }
}

/// The outcome of a request. The order decides between requests made at the same instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Outcome {
    /// Unknown.
    #[default]
    Unknown = 0,
    /// It failed.
    Failed = 1,
    /// It succeeded.
    Succeeded = 2,
}

impl From<Option<bool>> for Outcome {
    #[inline]
    fn from(succeeded: Option<bool>) -> Self {
        match succeeded {
            None => Outcome::Unknown,
            Some(false) => Outcome::Failed,
            Some(true) => Outcome::Succeeded,
        }
    }
}

/// A request or a run of requests: the parts that sessions are made of, and finally a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// When its first request was made.
    pub start: Micros,
    /// When its last answer was complete.
    pub end: Micros,
    /// When its last request was made.
    pub last: Micros,
    /// How long its pauses are that exceed the gap; 0 for a part.
    pub away: Micros,
    /// The session id of its requests.
    pub key: SessionKey,
    /// The number of requests.
    pub requests: u32,
    /// The number of failed ones.
    pub errors: u32,
    /// The index of its user in a table of users.
    user_index: u32,
    /// The outcome of its last request.
    pub outcome: Outcome,
}

impl Session {
    /// A single request. A latency that is not a number of 0 or more is ignored.
    #[inline]
    pub fn request(at: Micros, latency_ms: Option<f64>, key: SessionKey, succeeded: Option<bool>) -> Self {
        let latency =
            latency_ms.filter(|ms| *ms > 0.0 && ms.is_finite()).map_or(0, |ms| (ms * 1000.0).round() as Micros);
        let outcome = Outcome::from(succeeded);
        let end = at.saturating_add(latency).min(LAST_INSTANT).max(at);
        let errors = u32::from(outcome == Outcome::Failed);
        Session { start: at, end, last: at, away: 0, key, requests: 1, errors, user_index: 0, outcome }
    }

    /// The time from its first request to the end of its last answer; at most 292,000 years, which the calendar exceeds by a
    /// little.
    pub fn span(&self) -> Micros {
        self.end.saturating_sub(self.start)
    }

    /// The same without pauses above the gap.
    pub fn active(&self) -> Micros {
        self.span().saturating_sub(self.away).max(0)
    }

    /// Whether a pause of at most `limit` lies between this and another.
    #[inline]
    fn touches(&self, other: &Session, limit: Micros) -> bool {
        other.start <= self.end.saturating_add(limit) && self.start <= other.end.saturating_add(limit)
    }

    #[inline]
    fn absorb(&mut self, other: &Session) -> Result<()> {
        const TOO_MANY: Error = Error::Corrupt { what: "a session of more than four billion requests" };
        self.requests = self.requests.checked_add(other.requests).ok_or(TOO_MANY)?;
        self.errors = self.errors.checked_add(other.errors).ok_or(TOO_MANY)?;
        (self.last, self.outcome) = (self.last, self.outcome).max((other.last, other.outcome));
        (self.start, self.end) = (self.start.min(other.start), self.end.max(other.end));
        Ok(())
    }
}

impl Owned for Session {
    type Order = (SessionKey, Micros);

    fn user_index(&self) -> u32 {
        self.user_index
    }

    fn order(&self) -> Self::Order {
        (self.key, self.start)
    }
}

/// The last position of the part of a user's requests with one session id.
#[derive(Clone, Copy, Debug)]
struct Recent {
    user: UserKey,
    key: SessionKey,
    part: u32,
}

impl Recent {
    const NOBODY: Recent = Recent { user: UserKey::ZERO, key: SessionKey::NONE, part: NO_PART };
}

/// The state: built from requests, merged with other states, or both.
#[derive(Debug)]
pub struct Sessions {
    /// The head of the requests added here.
    head: Head<Limits>,
    /// The most recently begun part of each user.
    users: Users<u32>,
    parts: Vec<Session>,
    /// Whether parts are sorted, none touches another, and none are buffered.
    settled: bool,
    /// The number of parts that may touch an earlier one.
    doubts: usize,
    /// The number of parts at the last check.
    undoubted: usize,
    /// Buffered rows, at most [`BATCH`].
    pending: Vec<(UserKey, Session)>,
    /// [`RECENT`] entries, each shared by its users and ids; empty while there are few users.
    recent: Vec<Recent>,
    /// Merged values.
    runs: Runs<Session>,
    claim: Claim,
}

impl Sessions {
    /// No users yet.
    pub fn new(kind: UserKind, limits: Limits) -> Self {
        Sessions {
            head: Head { kind, rules: limits, last_at: None },
            users: Users::new(),
            parts: Vec::new(),
            settled: true,
            doubts: 0,
            undoubted: 0,
            pending: Vec::new(),
            recent: Vec::new(),
            runs: Runs::new(),
            claim: Claim::new(),
        }
    }

    /// The type of its user ids.
    pub fn kind(&self) -> UserKind {
        self.head.kind
    }

    /// The limits of its sessions.
    pub fn limits(&self) -> Limits {
        self.head.rules
    }

    /// Adds a request. A request without a user only extends the observation.
    #[inline]
    pub fn observe(&mut self, user: Option<UserKey>, request: Session) -> Result<()> {
        self.head.last_at = self.head.last_at.max(Some(request.start));
        match user {
            Some(user) => self.put(user, request),
            None => Ok(()),
        }
    }

    #[inline]
    fn put(&mut self, user: UserKey, request: Session) -> Result<()> {
        if std::mem::take(&mut self.settled) {
            self.look_up();
        }
        if self.users.len() < MANY {
            let (number, _) = self.users.number(user, NO_PART, &mut self.claim)?;
            return self.take(number, &request).map(drop);
        }
        let place = Self::place(user, request.key);
        match self.recent.get(place) {
            Some(recent) if recent.user == user && recent.key == request.key && recent.part != NO_PART => {
                let part = &mut self.parts[recent.part as usize];
                if part.touches(&request, self.head.rules.of_part(request.key)) {
                    return part.absorb(&request);
                }
                let number = part.user_index as usize;
                self.recent[place].part = self.begin(number, &request)?;
                self.look()
            }
            _ => self.put_off(user, request),
        }
    }

    #[inline]
    fn place(user: UserKey, key: SessionKey) -> usize {
        (user.spread() ^ key.0) as usize % RECENT
    }

    fn put_off(&mut self, user: UserKey, request: Session) -> Result<()> {
        if self.pending.len() == self.pending.capacity() {
            self.make_room()?;
        }
        self.pending.push((user, request));
        Ok(())
    }

    #[cold]
    fn make_room(&mut self) -> Result<()> {
        if self.recent.is_empty() {
            self.recent = self.claim.filled(Recent::NOBODY, RECENT)?;
        }
        self.take_in()?;
        self.claim.reserve(&mut self.pending, BATCH)?;
        self.look()
    }

    /// Adds the buffered rows.
    fn take_in(&mut self) -> Result<()> {
        let (mut pending, mut numbers) = (std::mem::take(&mut self.pending), [UNKNOWN; BATCH]);
        self.users.find_all(pending.iter().map(|&(user, _)| user), &mut numbers[..pending.len()]);
        // Each part is loaded without waiting for the one before, so that the loads overlap.
        let parts = numbers[..pending.len()]
            .iter()
            .filter(|&&number| number != UNKNOWN)
            .filter_map(|&number| self.parts.get(*self.users.value(number as usize) as usize).map(|part| part.end));
        std::hint::black_box(parts.fold(0, Micros::wrapping_add));
        for (&(user, request), &number) in pending.iter().zip(&numbers) {
            let number = match number {
                UNKNOWN => self.users.number(user, NO_PART, &mut self.claim)?.0,
                known => known as usize,
            };
            let part = self.take(number, &request)?;
            if let Some(recent) = self.recent.get_mut(Self::place(user, request.key)) {
                *recent = Recent { user, key: request.key, part };
            }
        }
        pending.clear();
        self.pending = pending;
        Ok(())
    }

    /// Adds a request to its user's newest part or begins one; returns the index of the part.
    #[inline]
    fn take(&mut self, number: usize, request: &Session) -> Result<u32> {
        let newest = *self.users.value(number);
        if let Some(part) = self.parts.get_mut(newest as usize)
            && part.key == request.key
            && part.touches(request, self.head.rules.of_part(request.key))
        {
            return part.absorb(request).map(|()| newest);
        }
        let begun = self.begin(number, request);
        if self.recent.is_empty() {
            self.look()?;
        }
        begun
    }

    fn begin(&mut self, number: usize, request: &Session) -> Result<u32> {
        let part = u32::try_from(self.parts.len()).ok().filter(|&part| part != NO_PART);
        let part = part.ok_or(Error::TooLarge { bytes: self.parts.len() * size_of::<Session>() })?;
        let newest = self.users.value_mut(number);
        let before = self.parts.get(*newest as usize);
        let follows = before.is_none_or(|before| before.key == SessionKey::NONE && before.end < request.start);
        self.doubts += usize::from(!follows || request.key != SessionKey::NONE);
        self.claim.push(&mut self.parts, Session { user_index: number as u32, ..*request })?;
        *self.users.value_mut(number) = part;
        Ok(part)
    }

    /// Unites touching parts when enough of them may touch.
    #[inline]
    fn look(&mut self) -> Result<()> {
        if self.doubts < DOUBTS.max(2 * self.undoubted) { Ok(()) } else { self.unite() }
    }

    #[cold]
    fn unite(&mut self) -> Result<()> {
        sort_by_user::sort(&mut self.parts, self.users.len(), |number| number, &mut self.claim);
        user_lists::close(self.head.rules, &mut self.parts)?;
        self.look_up();
        Ok(())
    }

    /// Finds each user's newest part again.
    #[cold]
    fn look_up(&mut self) {
        self.recent.fill(Recent::NOBODY);
        for (i, part) in self.parts.iter().enumerate() {
            let newest = self.users.value_mut(part.user_index as usize);
            let known = self
                .parts
                .get(*newest as usize)
                .filter(|known| (*newest as usize) < i && known.user_index == part.user_index);
            if known.is_none_or(|known| known.start < part.start) {
                *newest = i as u32;
            }
        }
        (self.doubts, self.undoubted) = (0, self.parts.len());
    }

    /// The bytes of the requests added here.
    fn encode_own(&self) -> Result<Vec<u8>> {
        if self.settled {
            return user_lists::encode(&self.head, &self.users, &self.parts);
        }
        let mut own = self.empty();
        own.head.last_at = self.head.last_at;
        let parts = self.parts.iter().map(|part| (self.users.key(part.user_index as usize), *part));
        parts.chain(self.pending.iter().copied()).try_for_each(|(user, part)| own.put(user, part))?;
        own.settle()?;
        own.encode_own()
    }

    /// Whether any requests were added here.
    fn is_fed(&self) -> bool {
        self.head.last_at.is_some()
    }
}

impl State for Sessions {
    fn empty(&self) -> Self {
        Sessions::new(self.head.kind, self.head.rules)
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        self.head.fits::<Session>(&other.head)?;
        self.runs.take_all(&other.runs, &mut self.claim)?;
        if other.is_fed() { self.runs.take(&other.encode_own()?, &mut self.claim) } else { Ok(()) }
    }

    fn absorb(&mut self, other: Self) -> Result<()> {
        if other.is_fed() {
            return self.merge(&other);
        }
        self.head.fits::<Session>(&other.head)?;
        self.runs.take_over(other.runs, &mut self.claim, other.claim)
    }

    fn settle(&mut self) -> Result<()> {
        if !self.settled {
            self.take_in()?;
            user_lists::settle(self.head.rules, &self.users, &mut self.parts, &mut self.claim)?;
            self.settled = true;
        }
        Ok(())
    }

    fn encode(&self) -> Result<Vec<u8>> {
        let own = self.is_fed() || self.runs.is_empty();
        self.runs.with(own.then(|| self.encode_own()).transpose()?)
    }

    fn decode(bytes: &[u8]) -> Result<Self> {
        View::open(bytes)?.each(|_, _| Ok(()))?;
        Self::adopt(bytes)
    }

    fn adopt(bytes: &[u8]) -> Result<Self> {
        let view = View::open(bytes)?;
        let mut sessions = Sessions::new(view.kind(), view.rules());
        sessions.runs.take(bytes, &mut sessions.claim)?;
        Ok(sessions)
    }
}

/// One user's sessions from their requests; `parts` is working memory. Both must be empty.
pub fn of_requests(
    requests: impl ExactSizeIterator<Item = Session>,
    limits: Limits,
    parts: &mut Vec<Session>,
    sessions: &mut Vec<Session>,
    claim: &mut Claim,
) -> Result<()> {
    parts.clear();
    sessions.clear();
    claim.reserve(parts, requests.len())?;
    parts.extend(requests);
    parts.sort_unstable_by_key(Owned::order);
    user_lists::close(limits, parts)?;
    claim.reserve(sessions, parts.len())?;
    resolve(parts, limits, sessions)
}

/// One user's requests as single-request sessions.
pub fn requests<'u>(
    user: &'u Timeline<'_>,
    session: Option<usize>,
    latency: Option<usize>,
    succeeded: Option<usize>,
) -> impl ExactSizeIterator<Item = Session> + 'u {
    (0..user.at.len()).map(request(user, [session, latency, succeeded]))
}

/// Some of them, by index.
pub fn requests_among<'u>(
    user: &'u Timeline<'_>,
    among: &'u [u32],
    session: Option<usize>,
    latency: Option<usize>,
    succeeded: Option<usize>,
) -> impl ExactSizeIterator<Item = Session> + 'u {
    let request = request(user, [session, latency, succeeded]);
    among.iter().map(move |&number| request(number as usize))
}

/// Returns a function that gives one of a user's requests, by index, as a single-request session. The columns are those of
/// the session, the latency and the success.
pub fn request<'u>(user: &'u Timeline<'_>, columns: [Option<usize>; 3]) -> impl Fn(usize) -> Session + 'u {
    let [session, latency, succeeded] = columns;
    let (sessions, latencies) = (user.sessions(session), user.numbers(latency));
    move |i| {
        let latency = latencies.map(|latencies| latencies[i]).filter(|latency| !latency.is_nan());
        let key = sessions.map_or(SessionKey::NONE, |sessions| SessionKey::of_hash(sessions[i]));
        Session::request(user.at[i], latency, key, user.flag(succeeded, i))
    }
}
