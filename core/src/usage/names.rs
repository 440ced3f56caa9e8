//! Common part of `feature_usage` and `model_usage`: users and requests by the value of a column. Definition D23.

use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::function::{Call, Column, Rows, Type, column, column_about};
use crate::function::{named, text_order};
use crate::history::{Fold, Table, Timeline};
use crate::stats::{median::Medians, sum::Sum};
use std::cmp::Reverse;

const ABOUT: &[&str] = &["users"];

/// The columns of the result.
pub(super) const COLUMNS: &[Column] = &[
    column("name", Type::Text, "the name; NULL for requests without one"),
    column_about(ABOUT, "users", Type::Bigint, "distinct users"),
    column_about(ABOUT, "reach", Type::Double, "users / all users of the segment"),
    column_about(ABOUT, "requests", Type::Bigint, "number of requests"),
    column_about(
        ABOUT,
        "share",
        Type::Double,
        "share of the segment's requests; NULL if any row of the segment is too small to show",
    ),
    column_about(ABOUT, "requests_per_user", Type::Double, "requests / users"),
    column_about(ABOUT, "answered_rate", Type::Double, "share of answered requests among those whose outcome is known"),
    column_about(ABOUT, "cost_usd", Type::Double, "cost in US dollars; NULL if none is known"),
    column_about(
        ABOUT,
        "median_latency_ms",
        Type::Double,
        "median latency in milliseconds of the requests that are not known to have failed",
    ),
    column_about(
        ABOUT,
        "median_failed_latency_ms",
        Type::Double,
        "median latency in milliseconds of the requests that failed",
    ),
];

/// Runs the fold over the names in a column.
pub(super) fn run(call: &Call<'_>, column: &str, rows: &mut dyn Rows) -> Result<()> {
    call.clock()?;
    let columns = ["segment", column, "succeeded", "cost_usd", "latency_ms"].map(|name| call.column(name));
    let mut names = call.fold(&columns, || Ok(Names::new(columns)))?;
    if !names.latencies.iter().all(Medians::is_complete) {
        names.latencies.iter_mut().for_each(|latencies| latencies.look_again(&mut names.claim));
        let columns = [names.segment, names.name, names.latency, names.succeeded];
        call.each_user(&columns, |user| names.look_again(user))?;
    }
    names.rows(call, rows)
}

/// The counts of a segment.
#[derive(Debug, Default)]
struct Whole {
    users: u64,
    requests: u64,
    last_user: u64,
}

/// The counts of a name in a segment.
#[derive(Debug, Default)]
struct Name {
    users: u64,
    requests: u64,
    known: u64,
    succeeded: u64,
    cost: Sum,
    last_user: u64,
}

/// The fold.
struct Names {
    segment: Option<usize>,
    name: Option<usize>,
    succeeded: Option<usize>,
    cost: Option<usize>,
    latency: Option<usize>,
    segments: Table<Whole>,
    names: Table<Name>,
    /// Latencies in milliseconds by the number of the name: of requests not known to have failed, and of failures. How long
    /// a failure takes says nothing about the time to an answer.
    latencies: [Medians; 2],
    /// The number of users so far, which is the number of the current one.
    users: u64,
    claim: Claim,
}

impl Names {
    fn new([segment, name, succeeded, cost, latency]: [Option<usize>; 5]) -> Self {
        Names {
            segment,
            name,
            succeeded,
            cost,
            latency,
            segments: Table::default(),
            names: Table::default(),
            latencies: Default::default(),
            users: 0,
            claim: Claim::temporary(),
        }
    }

    fn look_again(&mut self, user: &Timeline<'_>) -> Result<()> {
        let Some(latencies) = user.numbers(self.latency) else { return Ok(()) };
        let (segments, names) = (user.codes(self.segment), user.codes(self.name));
        for (i, &latency) in latencies.iter().enumerate().filter(|(_, latency)| !latency.is_nan()) {
            let codes = [0, segments.map_or(0, |codes| codes[i]), names.map_or(0, |codes| codes[i])];
            let (number, _) = self.names.entry(codes, &mut self.claim)?;
            let failed = user.flag(self.succeeded, i) == Some(false);
            self.latencies[usize::from(failed)].again(number, latency, &mut self.claim)?;
        }
        Ok(())
    }

    fn rows(mut self, call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
        let mut names = named(call, [None, self.segment, self.name], &self.names, &mut self.claim)?;
        // Hidden rows come after shown ones, so that their position reveals nothing.
        let shown = |name: &Name| Some(name.requests).filter(|_| !call.hides(name.users));
        names.sort_by_key(|found| {
            let ([_, segment, name], requests) = (found.texts, shown(found.value));
            (text_order(segment), name.is_none(), requests.is_none(), Reverse(requests), name)
        });
        let hidden = names
            .chunk_by(|a, b| a.codes[1] == b.codes[1])
            .map(|of| (of.len(), of.iter().any(|found| call.hides(found.value.users))));
        let hidden = hidden.flat_map(|(names, is_hidden)| std::iter::repeat_n(is_hidden, names));
        // Together with a share, requests would reveal the total and so the hidden counts.
        for (found, any_hidden) in names.iter().zip(hidden) {
            let Some(whole) = self.segments.find([0, 0, found.codes[1]]) else { continue };
            let name = found.value;
            let share = |part: u64, whole: u64| part as f64 / whole as f64;
            rows.row(&mut [
                found.texts[1].into(),
                found.texts[2].into(),
                name.users.into(),
                share(name.users, whole.users).into(),
                name.requests.into(),
                (!any_hidden).then(|| share(name.requests, whole.requests)).into(),
                share(name.requests, name.users).into(),
                (name.known > 0).then(|| share(name.succeeded, name.known)).into(),
                name.cost.value().into(),
                self.latencies[0].median(found.number).into(),
                self.latencies[1].median(found.number).into(),
            ])?;
        }
        Ok(())
    }
}

impl Fold for Names {
    fn observe(&mut self, user: &Timeline<'_>) -> Result<()> {
        self.users += 1;
        let (segments, names) = (user.codes(self.segment), user.codes(self.name));
        let (costs, latencies) = (user.numbers(self.cost), user.numbers(self.latency));
        let claim = &mut self.claim;
        for i in 0..user.at.len() {
            let segment = segments.map_or(0, |codes| codes[i]);
            let (_, whole) = self.segments.entry([0, 0, segment], claim)?;
            whole.requests += 1;
            whole.users += u64::from(whole.last_user != self.users);
            whole.last_user = self.users;
            let (number, name) = self.names.entry([0, segment, names.map_or(0, |codes| codes[i])], claim)?;
            name.requests += 1;
            name.users += u64::from(name.last_user != self.users);
            name.last_user = self.users;
            let outcome = user.flag(self.succeeded, i);
            if let Some(succeeded) = outcome {
                name.known += 1;
                name.succeeded += u64::from(succeeded);
            }
            if let Some(cost) = costs.map(|costs| costs[i]).filter(|cost| !cost.is_nan()) {
                name.cost.add(cost, claim)?;
            }
            if let Some(latency) = latencies.map(|latencies| latencies[i]).filter(|latency| !latency.is_nan()) {
                self.latencies[usize::from(outcome == Some(false))].add(number, latency, claim)?;
            }
        }
        Ok(())
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        // The numbering of users continues after those of both.
        self.users += other.users;
        self.segments.merge(other.segments, &mut self.claim, |ours, theirs, _| {
            (ours.users, ours.requests) = (ours.users + theirs.users, ours.requests + theirs.requests);
            Ok(())
        })?;
        let numbers = self.names.merge(other.names, &mut self.claim, |ours, theirs, claim| {
            (ours.users, ours.requests) = (ours.users + theirs.users, ours.requests + theirs.requests);
            (ours.known, ours.succeeded) = (ours.known + theirs.known, ours.succeeded + theirs.succeeded);
            ours.cost.merge(theirs.cost, claim)
        })?;
        let mut latencies = self.latencies.iter_mut().zip(other.latencies);
        latencies.try_for_each(|(ours, theirs)| ours.merge(theirs, &numbers, &mut self.claim))
    }
}
