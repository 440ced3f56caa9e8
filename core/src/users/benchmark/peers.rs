//! Users and their peers: four metrics of each user, compared over all users or within groups. Definitions D78 to D81.

use super::standings;
use crate::base::calendar::Micros;
use crate::base::days::Day;
use crate::base::error::Result;
use crate::base::memory::{self, Claim};
use crate::base::user_table::{UserKey, UserKind};
use crate::function::{Argument, Call, Clock, NO_DEFAULT, Role, Type};
use crate::history::{Fold, Id, Ids, Table, Timeline};
use crate::sessions::{self, Ending, Limits, MAX_IDLE, Session};
use crate::stats::sum::Sum;
use crate::stats::sum::sum_of;
use crate::users::preferences::shrunk_mean;
use std::borrow::Cow;

/// The argument that defines the peers.
pub(crate) const PEERS_ARGUMENT: Argument = Argument {
    name: "peers",
    kind: Type::Text,
    role: Role::Column,
    default: NO_DEFAULT,
    about: "column or property that defines peers: users with the same most recent value of it",
};

/// The argument for the fewest peers.
pub(super) const MIN_PEERS_ARGUMENT: Argument = Argument {
    name: "min_peers",
    kind: Type::Integer,
    role: Role::Value,
    default: "10",
    about: "fewest peers for a comparison, 1 or more",
};

/// The default number of peers required.
pub(crate) const MIN_PEERS: u64 = 10;

/// The fewest peers of a call, or an error.
pub(super) fn min_peers(call: &Call<'_>) -> Result<u64> {
    match call.integer("min_peers") {
        Some(least @ 1..) => Ok(least as u64),
        given => {
            let given = given.map_or("NULL".to_owned(), |given| given.to_string());
            call.refuse("min_peers", given, "a number of users of 1 or more")
        }
    }
}

/// The columns that are read.
pub(crate) const COLUMNS: [&str; 6] = ["session_id", "feature", "latency_ms", "succeeded", "rating", "peers"];
/// The index of the last of them.
const PEERS: usize = 5;

/// The metrics that are compared, in the order of rows.
pub(crate) const METRICS: [&str; 4] =
    ["requests_per_day", "requests_per_completed_session", "features_used", "satisfaction"];
/// The number of ratings with the group's mean that are added to a user's own.
const PRIOR_RATINGS: f64 = 5.0;

/// The numbers of days over which requests per day are compared: 1, 2, 4 weeks and so on, to ten years. First days are busier
/// than those that follow, so users are compared at the same age, and not in their first week.
const SPANS: [Day; 10] = [7, 14, 28, 56, 112, 224, 448, 896, 1792, 3584];

/// A metric of a user compared with the peers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Measured {
    /// The user's value.
    pub(crate) value: Option<f64>,
    /// The median of the peers.
    pub(crate) median: Option<f64>,
    /// The share of peers with a lower value.
    pub(crate) percentile: Option<f64>,
    /// The number of peers with a value.
    pub(crate) peers: Option<u64>,
}

impl Measured {
    /// The part of it that may be shown, given the fewest peers of a comparison.
    pub(crate) fn shown(self, call: &Call<'_>, min_peers: u64) -> Self {
        let peers = self.peers.filter(|peers| !call.hides(*peers));
        let is_compared = peers.is_some_and(|peers| peers >= min_peers);
        let of_peers = |figure: Option<f64>| figure.filter(|_| is_compared);
        Measured { median: of_peers(self.median), percentile: of_peers(self.percentile), peers, ..self }
    }
}

/// The values of a user.
#[derive(Debug)]
struct User {
    id: Id,
    group: u32,
    /// The requests of the first days, as many as [`SPANS`] has.
    requests: [u32; SPANS.len()],
    first_day: Day,
    closed_requests: u64,
    completed_sessions: u64,
    features: u64,
    rated: u64,
    rating: Option<f64>,
}

/// The fold.
pub(crate) struct Peers<'a> {
    call: &'a Call<'a>,
    clock: Clock<'a>,
    columns: [Option<usize>; 6],
    users: Vec<User>,
    ids: Ids,
    parts: Vec<Session>,
    sessions: Vec<Session>,
    codes: Vec<u32>,
    claim: Claim,
}

impl<'a> Peers<'a> {
    pub(crate) fn new(call: &'a Call<'_>) -> Result<Self> {
        let columns = COLUMNS.map(|name| call.column(name));
        Ok(Peers {
            call,
            clock: call.clock()?,
            columns,
            users: Vec::new(),
            ids: Ids::default(),
            parts: Vec::new(),
            sessions: Vec::new(),
            codes: Vec::new(),
            claim: Claim::temporary(),
        })
    }

    /// All users except excluded ones, and each of their metrics.
    pub(super) fn of(call: &'a Call<'_>, min_peers: u64) -> Result<(Self, [Vec<Measured>; 4])> {
        let columns = COLUMNS.map(|name| call.column(name));
        let mut peers = call.fold(&columns, || Peers::new(call))?;
        let metrics = peers.metrics(min_peers)?;
        Ok((peers, metrics))
    }

    /// The indexes of all users, ordered by id.
    pub(super) fn by_id(&self) -> Result<Vec<usize>> {
        let mut claim = Claim::temporary();
        let mut numbers = claim.collected(0..self.users.len())?;
        memory::poll();
        if self.call.history.is_some_and(|history| history.kind() == UserKind::Text) {
            numbers.sort_unstable_by_key(|&number| self.ids.text(&self.users[number].id));
        } else {
            // Ids in text form: 10 before 9.
            claim.grow(numbers.len().saturating_mul(64))?;
            numbers.sort_by_cached_key(|&number| self.id(number).into_owned());
        }
        Ok(numbers)
    }

    /// The index of a user.
    pub(crate) fn number(&self, key: UserKey) -> Option<usize> {
        self.users.iter().position(|user| user.id.user == key)
    }

    /// The id of a user as shown in rows.
    pub(super) fn id(&self, number: usize) -> Cow<'_, [u8]> {
        self.call.shown(&self.ids, &self.users[number].id)
    }

    /// The value that defines a user's peer group.
    pub(super) fn group(&self, number: usize) -> Option<&[u8]> {
        self.call.text_of(self.columns[PEERS], self.users[number].group)
    }

    /// Each metric of each user, given the fewest peers of a comparison.
    pub(crate) fn metrics(&mut self, min_peers: u64) -> Result<[Vec<Measured>; 4]> {
        let Peers { call, users, clock, claim, .. } = self;
        let elapsed = if users.is_empty() { 0 } else { clock.day(call.end())? };
        // Whether the days of a span have passed since the user's first.
        let has_had =
            |user: &User, span: usize| i64::from(elapsed) - i64::from(user.first_day) >= i64::from(SPANS[span]);
        let enough = min_peers.max(call.environment.min_group_size) as usize;
        // The ratings of each group.
        let mut groups = Table::<(Sum, u64)>::default();
        for user in users.iter().filter(|user| user.rated > 0) {
            let (_, (sum, count)) = groups.entry([0, 0, user.group], claim)?;
            sum.add(user.rating.unwrap_or_default(), claim)?;
            *count += user.rated;
        }
        let value = |metric: usize, user: &User| match metric {
            1 => (user.completed_sessions > 0).then(|| user.closed_requests as f64 / user.completed_sessions as f64),
            2 => (user.features > 0).then_some(user.features as f64),
            _ => {
                let (sum, count) = groups.find([0, 0, user.group])?;
                let (rated, prior) = (user.rated as f64, sum.value()? / *count as f64);
                user.rating.map(|rating| shrunk_mean(rated, rating / rated, prior, PRIOR_RATINGS))
            }
        };
        let mut order = claim.collected(0..users.len())?;
        order.sort_unstable_by_key(|&i| (users[i].group, i));
        let mut all: [Vec<Measured>; 4] = Default::default();
        for (metric, measured) in all.iter_mut().enumerate() {
            *measured = claim.filled(Measured::default(), users.len())?;
            for group in order.chunk_by(|&a, &b| users[a].group == users[b].group) {
                if metric > 0 {
                    compare(group, |i| value(metric, &users[i]), |_| true, measured)?;
                    continue;
                }
                // Of the spans that a user has had the longest that enough peers have had, too: otherwise nobody could be
                // compared with the oldest users. Each is compared with all who have had it.
                let have_had = |span: usize| group.iter().filter(|&&i| has_had(&users[i], span)).count();
                let longest = (0..SPANS.len()).rev().find(|&span| have_had(span) > enough).unwrap_or(0);
                for (span, &days) in SPANS.iter().enumerate().take(longest + 1) {
                    let pace = |i: usize| f64::from(users[i].requests[span]) / f64::from(days);
                    let pace = |i: usize| has_had(&users[i], span).then(|| pace(i));
                    compare(group, pace, |i| span == longest || !has_had(&users[i], span + 1), measured)?;
                }
            }
        }
        Ok(all)
    }
}

/// Compares the known values of a group, and notes those of users who are wanted.
fn compare(
    group: &[usize],
    value: impl Fn(usize) -> Option<f64>,
    is_wanted: impl Fn(usize) -> bool,
    measured: &mut [Measured],
) -> Result<()> {
    memory::poll();
    let mut claim = Claim::temporary();
    let (mut members, mut values) = (Vec::new(), Vec::new());
    for &i in group {
        if let Some(value) = value(i) {
            claim.push(&mut members, i)?;
            claim.push(&mut values, value)?;
        }
    }
    let compared = members.iter().zip(&values).zip(standings(&values)?);
    for ((&i, &value), standing) in compared.filter(|((i, _), _)| is_wanted(**i)) {
        let (median, percentile, peers) = (standing.median, standing.percentile, Some(standing.peers as u64));
        measured[i] = Measured { value: Some(value), median, percentile, peers };
    }
    Ok(())
}

/// The requests before each of the spans has passed since a day.
fn requests_of_spans(at: &[Micros], first_day: Day, clock: &mut Clock<'_>) -> Result<[u32; SPANS.len()]> {
    let count = |requests: usize| u32::try_from(requests).unwrap_or(u32::MAX);
    let mut requests = [count(at.len()); SPANS.len()];
    for (requests, days) in requests.iter_mut().zip(SPANS) {
        let end = clock.midnight(first_day.saturating_add(days))?;
        if at.last().is_none_or(|last| *last < end) {
            break;
        }
        *requests = count(at.partition_point(|at| *at < end));
    }
    Ok(requests)
}

impl Fold for Peers<'_> {
    fn observe(&mut self, user: &Timeline<'_>) -> Result<()> {
        let first_ever = user.at.first().copied();
        // A user without a request since then is not compared.
        let user = &user.since(self.call.since);
        let Some(&first) = user.at.first() else { return Ok(()) };
        let [session, feature, latency, succeeded, rating, peers] = self.columns;
        let Peers { call, clock, users, ids, parts, sessions, codes, claim, .. } = self;
        let limits = Limits { gap: call.environment.session_gap, idle: MAX_IDLE };
        sessions::of_requests(sessions::requests(user, session, latency, succeeded), limits, parts, sessions, claim)?;
        let end = call.end();
        let closed = || sessions.iter().filter(|session| !session.is_open(limits, end));
        codes.clear();
        let known = user.codes(feature).unwrap_or_default().iter().copied().filter(|code| *code != 0);
        for code in known {
            claim.push(codes, code)?;
        }
        codes.sort_unstable();
        codes.dedup();
        let ratings = sum_of(user.numbers(rating), claim)?;
        let completed = closed().filter(|session| session.ending(limits, end) == Some(Ending::Completed)).count();
        let first_day = clock.day(first_ever.max(call.since).unwrap_or(first))?;
        let user = User {
            id: ids.keep(user, claim)?,
            group: user
                .codes(peers)
                .map_or(0, |codes| call.told_last(peers, codes.iter().copied().zip(user.at.iter().copied()))),
            requests: requests_of_spans(user.at, first_day, clock)?,
            first_day,
            closed_requests: closed().map(|session| u64::from(session.requests)).sum(),
            completed_sessions: completed as u64,
            features: codes.len() as u64,
            rated: ratings.count(),
            rating: ratings.value(),
        };
        claim.push(users, user)
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        let ours = self.ids.merge(other.ids, &mut self.claim)?;
        for user in other.users {
            self.claim.push(&mut self.users, User { id: ours(user.id), ..user })?;
        }
        Ok(())
    }
}
