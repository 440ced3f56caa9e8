//! Common part of `feature_usage` and `model_usage`: users and requests by the value of a column. Definition D23.

use super::tokens;
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::function::{
    Argument, ByPeriod, COMPLETE, Call, Clock, Column, PERIOD, PERIOD_START, Rows, Type, column, column_about,
};
use crate::function::{named, text_order};
use crate::history::{Fold, Table, Timeline};
use crate::stats::{median::Medians, sum::Sum};
use std::cmp::Reverse;

const ABOUT: &[&str] = &["users"];

/// What is read of requests, besides the name.
pub(super) const READ: &[&str] =
    &["succeeded", "cost_usd", "latency_ms", "ttft_ms", "cached_tokens", "reasoning_tokens"];

/// The arguments.
pub(super) const ARGUMENTS: &[Argument] = &[PERIOD];

/// The columns of the result.
pub(super) const COLUMNS: &[Column] = &[
    column("name", Type::Text, "the name; NULL for requests without one"),
    PERIOD_START,
    COMPLETE,
    column_about(ABOUT, "users", Type::Bigint, "distinct users"),
    column_about(ABOUT, "reach", Type::Double, "users / all users of the segment, in the period"),
    column_about(ABOUT, "requests", Type::Bigint, "number of requests"),
    column_about(
        ABOUT,
        "share",
        Type::Double,
        "share of the segment's requests in the period; NULL if any row of these is too small to show",
    ),
    column_about(ABOUT, "requests_per_user", Type::Double, "requests / users"),
    column_about(ABOUT, "answered_rate", Type::Double, "share of answered requests among those whose outcome is known"),
    column_about(ABOUT, "cached_tokens", Type::Bigint, "prompt tokens read from a cache; NULL if none are known"),
    column_about(ABOUT, "reasoning_tokens", Type::Bigint, "completion tokens of reasoning; NULL if none are known"),
    column_about(ABOUT, "cost_usd", Type::Double, "cost in US dollars; NULL if none is known"),
    column_about(ABOUT, "requests_without_cost", Type::Bigint, "requests whose cost is not known"),
    column_about(
        ABOUT,
        "median_ttft_ms",
        Type::Double,
        "median time to the first token in milliseconds of the requests that are not known to have failed",
    ),
    column_about(
        ABOUT,
        "median_latency_ms",
        Type::Double,
        "median latency in milliseconds of the requests that are not known to have failed",
    ),
    column_about(ABOUT, "p95_latency_ms", Type::Double, "95th percentile of these latencies, interpolated"),
    column_about(
        ABOUT,
        "median_failed_latency_ms",
        Type::Double,
        "median latency in milliseconds of the requests that failed",
    ),
];

/// Runs the fold over the names in a column.
pub(super) fn run(call: &Call<'_>, column: &str, rows: &mut dyn Rows) -> Result<()> {
    let columns =
        ["segment", column, "succeeded", "latency_ms", "ttft_ms", "cached_tokens", "reasoning_tokens", "cost_usd"]
            .map(|name| call.column(name));
    let mut names = call.fold(&columns, || Names::new(call, columns))?;
    if !names.times.iter().all(Medians::is_complete) {
        names.times.iter_mut().for_each(|times| times.look_again(&mut names.claim));
        let columns = [names.segment, names.name, names.succeeded, names.latency, names.ttft];
        call.each_user(&columns, |user| names.look_again(user))?;
    }
    names.rows(call, rows)
}

/// The quantiles of latencies that are told.
const LATENCIES: [f64; 2] = [0.5, 0.95];
/// Where those of answers, those of failures and times to the first token are kept.
const ANSWERED: usize = 0;
const FAILED: usize = 1;
const TTFT: usize = 2;

/// The counts of a segment, in a period.
#[derive(Debug, Default)]
struct Whole {
    users: u64,
    requests: u64,
    last_user: u64,
}

/// The counts of a name in a segment, in a period.
#[derive(Debug, Default)]
struct Name {
    users: u64,
    requests: u64,
    known: u64,
    succeeded: u64,
    /// Cached tokens, reasoning tokens, cost.
    sums: [Sum; 3],
    last_user: u64,
}

/// The fold.
struct Names<'a> {
    clock: Clock<'a>,
    by_period: ByPeriod,
    segment: Option<usize>,
    name: Option<usize>,
    succeeded: Option<usize>,
    latency: Option<usize>,
    ttft: Option<usize>,
    /// The columns that are summed.
    numbers: [Option<usize>; 3],
    /// By period and segment.
    segments: Table<Whole>,
    /// By period, segment and name.
    names: Table<Name>,
    /// Times in milliseconds by the number of the name: latencies of requests not known to have failed, those of failures, and
    /// times to the first token. How long a failure takes says nothing about the time to an answer.
    times: [Medians; 3],
    /// The number of users so far, which is the number of the current one.
    users: u64,
    claim: Claim,
}

impl<'a> Names<'a> {
    fn new(
        call: &'a Call<'_>,
        [segment, name, succeeded, latency, ttft, numbers @ ..]: [Option<usize>; 8],
    ) -> Result<Self> {
        Ok(Names {
            clock: call.clock()?,
            by_period: ByPeriod::of(call)?,
            segment,
            name,
            succeeded,
            latency,
            ttft,
            numbers,
            segments: Table::default(),
            names: Table::default(),
            times: [Medians::and(&LATENCIES), Medians::default(), Medians::default()],
            users: 0,
            claim: Claim::temporary(),
        })
    }

    fn look_again(&mut self, user: &Timeline<'_>) -> Result<()> {
        let columns = [self.latency, self.ttft].map(|column| user.numbers(column));
        let (segments, names) = (user.codes(self.segment), user.codes(self.name));
        for i in 0..user.at.len() {
            let times = columns.map(|numbers| numbers.map_or(f64::NAN, |numbers| numbers[i]));
            if times.iter().all(|time| time.is_nan()) {
                continue;
            }
            let period = self.by_period.code(user.at[i], &mut self.clock)?;
            let codes = [period, segments.map_or(0, |codes| codes[i]), names.map_or(0, |codes| codes[i])];
            let (number, _) = self.names.entry(codes, &mut self.claim)?;
            for (kind, time) in kinds(times, user.flag(self.succeeded, i)) {
                self.times[kind].again(number, time, &mut self.claim)?;
            }
        }
        Ok(())
    }

    fn rows(mut self, call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
        let mut names = named(call, [None, self.segment, self.name], &self.names, &mut self.claim)?;
        // Hidden rows come after shown ones, so that their position reveals nothing.
        let shown = |name: &Name| Some(name.requests).filter(|_| !call.hides(name.users));
        names.sort_by_key(|found| {
            let ([_, segment, name], requests) = (found.texts, shown(found.value));
            let period = ByPeriod::order(found.codes[0]);
            (text_order(segment), period, name.is_none(), requests.is_none(), Reverse(requests), name)
        });
        let window = call.window_of_history()?;
        let hidden = names
            .chunk_by(|a, b| a.codes[..2] == b.codes[..2])
            .map(|of| (of.len(), of.iter().any(|found| call.hides(found.value.users))));
        let hidden = hidden.flat_map(|(names, is_hidden)| std::iter::repeat_n(is_hidden, names));
        // Together with a share, requests would reveal the total and so the hidden counts.
        for (found, any_hidden) in names.iter().zip(hidden) {
            let [period, segment, _] = found.codes;
            let Some(whole) = self.segments.find([0, period, segment]) else { continue };
            let of_period = self.by_period.cells([period, segment], &window, &mut self.clock)?;
            let name = found.value;
            let share = |part: u64, whole: u64| part as f64 / whole as f64;
            rows.row(&mut [
                found.texts[1].into(),
                found.texts[2].into(),
                of_period[0],
                of_period[1],
                name.users.into(),
                share(name.users, whole.users).into(),
                name.requests.into(),
                (!any_hidden).then(|| share(name.requests, whole.requests)).into(),
                share(name.requests, name.users).into(),
                (name.known > 0).then(|| share(name.succeeded, name.known)).into(),
                tokens(&name.sums[0]).into(),
                tokens(&name.sums[1]).into(),
                name.sums[2].value().into(),
                (name.requests - name.sums[2].count()).into(),
                self.times[TTFT].median(found.number).into(),
                self.times[ANSWERED].median(found.number).into(),
                self.times[ANSWERED].quantile(found.number, LATENCIES[1]).into(),
                self.times[FAILED].median(found.number).into(),
            ])?;
        }
        Ok(())
    }
}

/// The known times of a request, its latency and that to the first token, and where they count.
fn kinds([latency, ttft]: [f64; 2], succeeded: Option<bool>) -> impl Iterator<Item = (usize, f64)> {
    let failed = succeeded == Some(false);
    let kinds = [(if failed { FAILED } else { ANSWERED }, latency), (TTFT, if failed { f64::NAN } else { ttft })];
    kinds.into_iter().filter(|(_, time)| !time.is_nan())
}

impl Fold for Names<'_> {
    fn observe(&mut self, user: &Timeline<'_>) -> Result<()> {
        self.users += 1;
        let (segments, names) = (user.codes(self.segment), user.codes(self.name));
        let numbers = self.numbers.map(|column| user.numbers(column));
        let times = [self.latency, self.ttft].map(|column| user.numbers(column));
        let claim = &mut self.claim;
        for i in 0..user.at.len() {
            let segment = segments.map_or(0, |codes| codes[i]);
            let period = self.by_period.code(user.at[i], &mut self.clock)?;
            if self.by_period.is_asked() {
                self.by_period.begin(segment, user.at[i], claim)?;
            }
            let (_, whole) = self.segments.entry([0, period, segment], claim)?;
            whole.requests += 1;
            whole.users += u64::from(whole.last_user != self.users);
            whole.last_user = self.users;
            let (number, name) = self.names.entry([period, segment, names.map_or(0, |codes| codes[i])], claim)?;
            name.requests += 1;
            name.users += u64::from(name.last_user != self.users);
            name.last_user = self.users;
            let outcome = user.flag(self.succeeded, i);
            if let Some(succeeded) = outcome {
                name.known += 1;
                name.succeeded += u64::from(succeeded);
            }
            for (sum, numbers) in name.sums.iter_mut().zip(numbers) {
                if let Some(known) = numbers.map(|numbers| numbers[i]).filter(|number| !number.is_nan()) {
                    sum.add(known, claim)?;
                }
            }
            let times = times.map(|numbers| numbers.map_or(f64::NAN, |numbers| numbers[i]));
            for (kind, time) in kinds(times, outcome) {
                self.times[kind].add(number, time, claim)?;
            }
        }
        Ok(())
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        // The numbering of users continues after those of both.
        self.users += other.users;
        self.by_period.merge(other.by_period, &mut self.claim)?;
        self.segments.merge(other.segments, &mut self.claim, |ours, theirs, _| {
            (ours.users, ours.requests) = (ours.users + theirs.users, ours.requests + theirs.requests);
            Ok(())
        })?;
        let numbers = self.names.merge(other.names, &mut self.claim, |ours, theirs, claim| {
            (ours.users, ours.requests) = (ours.users + theirs.users, ours.requests + theirs.requests);
            (ours.known, ours.succeeded) = (ours.known + theirs.known, ours.succeeded + theirs.succeeded);
            ours.sums.iter_mut().zip(theirs.sums).try_for_each(|(ours, theirs)| ours.merge(theirs, claim))
        })?;
        let mut times = self.times.iter_mut().zip(other.times);
        times.try_for_each(|(ours, theirs)| ours.merge(theirs, &numbers, &mut self.claim))
    }
}
