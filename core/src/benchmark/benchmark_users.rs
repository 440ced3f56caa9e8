//! `benchmark_users`: every user's metrics compared with those of their peers. Definition D78.

use super::standings;
use crate::calendar::Micros;
use crate::days::Day;
use crate::error::Result;
use crate::function::{
    Argument, Call, Cell, Clock, Function, NO_DEFAULT, Past, Reads, Requests, Role, Rows, Type, column,
};
use crate::history::{Fold, Table, Timeline};
use crate::host::{self, Claim};
use crate::preferences::own::sum_of;
use crate::preferences::shrunk_mean;
use crate::sessions::{self, Ending, Limits, MAX_IDLE, Session};
use crate::stats::sum::Sum;
use crate::users::UserKey;

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "benchmark_users",
    path: "benchmark::benchmark_users",
    summary: "every user's requests per day, requests per completed session, features used and satisfaction compared with \
              those of their peers: all others, or those with the same value of the property peers",
    arguments: &[
        Argument {
            name: "peers",
            kind: Type::Text,
            role: Role::Column,
            default: NO_DEFAULT,
            about: "a column or property: peers are users whose most recent value of it is the same",
        },
        Argument {
            name: "min_peers",
            kind: Type::Integer,
            role: Role::Value,
            default: "10",
            about: "how many peers there must be for a comparison, 1 or more",
        },
    ],
    columns: &[
        column("user_id", Type::Text, "the user"),
        column("peer_group", Type::Text, "the user's most recent value of peers"),
        column("metric", Type::Text, "requests_per_day, requests_per_completed_session, features_used or satisfaction"),
        column("value", Type::Double, "the user's own"),
        column("peer_median", Type::Double, "median of the peers; NULL with too few of them"),
        column("percentile", Type::Double, "share of the peers who have less, those who have as much counted half"),
        column("peer_users", Type::Bigint, "peers of whom the metric is known"),
    ],
    reads: Reads::Requests(&Requests {
        past: Past::Nothing,
        columns: &["session_id", "feature", "latency_ms", "succeeded", "rating"],
        needed: &[],
        names: true,
        order: "r.user_id COLLATE \"C\", pg_catalog.array_position('{requests_per_day, requests_per_completed_session, \
                features_used, satisfaction}', r.metric)",
    }),
    segmented: false,
    zoned: true,
    serves: None,
    rows: 1000,
    run,
};

const METRICS: [&str; 4] = ["requests_per_day", "requests_per_completed_session", "features_used", "satisfaction"];
/// Ratings as the peers give them that are added to a user's own.
const PRIOR_RATINGS: f64 = 5.0;

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let least = match call.integer("min_peers") {
        Some(least @ 1..) => least as u64,
        given => {
            let given = given.map_or("NULL".to_owned(), |given| given.to_string());
            return call.refuse("min_peers", given, "a number of users of 1 or more");
        }
    };
    let columns = ["session_id", "feature", "latency_ms", "succeeded", "rating", "peers"].map(|name| call.column(name));
    let mut fold = call.fold(&columns, || Users::new(call, columns))?;
    let metrics = fold.metrics(call)?;
    let kind = call.history.map(|history| history.kind());
    for (i, user) in fold.users.iter().enumerate() {
        if i % host::POLL_EVERY == host::POLL_EVERY - 1 {
            host::poll();
        }
        let written = kind.and_then(|kind| user.key.written(kind));
        let name = fold.names.get(user.name.0..user.name.1).filter(|name| !name.is_empty());
        let name = name.map(Cell::Bytes).or(written.as_deref().map(Cell::Text)).unwrap_or(Cell::Null);
        for (metric, measured) in METRICS.iter().zip(&metrics) {
            let measured = measured[i];
            let peers = measured.peers.filter(|peers| !call.hides(*peers));
            let is_compared = peers.is_some_and(|peers| peers >= least);
            rows.row(&mut [
                name,
                call.text_of(columns[5], user.group).into(),
                (*metric).into(),
                measured.value.into(),
                measured.median.filter(|_| is_compared).into(),
                measured.percentile.filter(|_| is_compared).into(),
                peers.into(),
            ])?;
        }
    }
    Ok(())
}

/// A metric of a user among those of their peers.
#[derive(Clone, Copy, Debug, Default)]
struct Measured {
    value: Option<f64>,
    median: Option<f64>,
    percentile: Option<f64>,
    peers: Option<u64>,
}

/// What is known of a user.
#[derive(Debug)]
struct User {
    key: UserKey,
    name: (usize, usize),
    group: u32,
    requests: u64,
    first_day: Day,
    closed_requests: u64,
    completed_sessions: u64,
    features: u64,
    rated: u64,
    rating: Option<f64>,
}

/// The fold.
struct Users<'a> {
    call: &'a Call<'a>,
    clock: Clock<'a>,
    columns: [Option<usize>; 6],
    users: Vec<User>,
    names: Vec<u8>,
    last_at: Option<Micros>,
    parts: Vec<Session>,
    sessions: Vec<Session>,
    codes: Vec<u32>,
    claim: Claim,
}

impl<'a> Users<'a> {
    fn new(call: &'a Call<'_>, columns: [Option<usize>; 6]) -> Result<Self> {
        Ok(Users {
            call,
            clock: call.clock()?,
            columns,
            users: Vec::new(),
            names: Vec::new(),
            last_at: None,
            parts: Vec::new(),
            sessions: Vec::new(),
            codes: Vec::new(),
            claim: Claim::passing(),
        })
    }

    /// Each metric of each user.
    fn metrics(&mut self, call: &Call<'_>) -> Result<[Vec<Measured>; 4]> {
        let Users { users, clock, last_at, claim, .. } = self;
        let last = last_at.unwrap_or(Micros::MIN).max(call.end().saturating_sub(1));
        let last_day = if users.is_empty() { 0 } else { clock.day(last)? };
        // The ratings of each group together.
        let mut groups = Table::<(Sum, u64)>::default();
        for user in users.iter().filter(|user| user.rated > 0) {
            let (_, (sum, count)) = groups.entry([0, 0, user.group], claim)?;
            sum.add(user.rating.unwrap_or_default(), claim)?;
            *count += user.rated;
        }
        let value = |metric: usize, user: &User| match metric {
            0 => Some(user.requests as f64 / (i64::from(last_day) - i64::from(user.first_day) + 1).max(1) as f64),
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
                host::poll();
                let mut meanwhile = Claim::passing();
                let (mut members, mut values) = (Vec::new(), Vec::new());
                for &i in group {
                    measured[i].value = value(metric, &users[i]);
                    if let Some(value) = measured[i].value {
                        meanwhile.push(&mut members, i)?;
                        meanwhile.push(&mut values, value)?;
                    }
                }
                for (&i, standing) in members.iter().zip(standings(&values)?) {
                    let peers = Some(standing.peers as u64);
                    let (median, percentile) = (standing.median, standing.percentile);
                    measured[i] = Measured { median, percentile, peers, ..measured[i] };
                }
            }
        }
        Ok(all)
    }
}

impl Fold for Users<'_> {
    fn observe(&mut self, user: &Timeline<'_>) -> Result<()> {
        let [session, feature, latency, succeeded, rating, peers] = self.columns;
        let Users { call, clock, users, names, last_at, parts, sessions, codes, claim, .. } = self;
        *last_at = (*last_at).max(user.at.last().copied());
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
        let name = user.name.unwrap_or_default();
        claim.reserve_doubling(names, name.len())?;
        names.extend_from_slice(name);
        let completed = closed().filter(|session| session.ending(limits, end) == Some(Ending::Completed)).count();
        let user = User {
            key: user.user,
            name: (names.len() - name.len(), names.len()),
            group: user
                .codes(peers)
                .map_or(0, |codes| call.told_last(peers, codes.iter().copied().zip(user.at.iter().copied()))),
            requests: user.at.len() as u64,
            first_day: clock.day(user.at.first().copied().unwrap_or_default())?,
            closed_requests: closed().map(|session| u64::from(session.requests)).sum(),
            completed_sessions: completed as u64,
            features: codes.len() as u64,
            rated: ratings.count(),
            rating: ratings.value(),
        };
        claim.push(users, user)
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        self.last_at = self.last_at.max(other.last_at);
        let from = self.names.len();
        self.claim.reserve_doubling(&mut self.names, other.names.len())?;
        self.names.extend_from_slice(&other.names);
        for user in other.users {
            let name = (from + user.name.0, from + user.name.1);
            self.claim.push(&mut self.users, User { name, ..user })?;
        }
        Ok(())
    }
}
