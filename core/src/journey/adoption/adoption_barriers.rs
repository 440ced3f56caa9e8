//! `adoption_barriers`: the first day with a feature, compared between users who did not adopt it and those who did.
//! Definition D50.

use super::prompts::Prompts;
use super::{FEATURE, MIN_DAYS, Terms, WITHIN_DAYS, code, feature};
use crate::base::calendar::Micros;
use crate::base::days::Day;
use crate::base::error::Result;
use crate::base::memory::{self, Claim};
use crate::function::{BY_VALUE_FIRST, Call, Clock, Function, Past, Reads, Requests, Rows, Type, column, column_about};
use crate::function::{named, text_order};
use crate::history::{BySegment, Fold, Table, Timeline};
use crate::journey::rating::{RATING_SCALE, Scale};
use crate::stats::interval::{Difference, Moments, mean_difference, rate_difference};
use crate::stats::sum::Sum;
use std::cmp::Reverse;

const NOT_ADOPTED: &[&str] = &["not_adopted_users"];
const ADOPTED: &[&str] = &["adopted_users"];
const BOTH: &[&str] = &["not_adopted_users", "adopted_users"];

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "adoption_barriers",
    path: "journey::adoption::adoption_barriers",
    example: "'code'",
    summary: "barriers to adoption: errors, retried prompts, bad ratings and latency on the first day with a feature, \
              of users who tried it and did not adopt it, compared with users who did; clearest difference first",
    arguments: &[FEATURE, RATING_SCALE, MIN_DAYS, WITHIN_DAYS, BY_VALUE_FIRST],
    columns: &[
        column("barrier_rank", Type::Bigint, "rank; 1 is the clearest difference between the two groups"),
        column("barrier", Type::Text, "what happened to users on their first local day with the feature"),
        column_about(
            NOT_ADOPTED,
            "not_adopted_users",
            Type::Bigint,
            "users who did not adopt the feature and for whom the log shows it",
        ),
        column_about(
            BOTH,
            "not_adopted_value",
            Type::Double,
            "share of them with the barrier; for latency, the mean of the users' means",
        ),
        column_about(ADOPTED, "adopted_users", Type::Bigint, "the same for users who adopted the feature"),
        column_about(BOTH, "adopted_value", Type::Double, "share of them with the barrier, or the mean"),
        column_about(BOTH, "difference", Type::Double, "not_adopted_value - adopted_value"),
        column_about(
            BOTH,
            "difference_low",
            Type::Double,
            "its lower 95 % bound: Newcombe's for shares, Welch's for means",
        ),
        column_about(BOTH, "difference_high", Type::Double, "its upper 95 % bound"),
    ],
    reads: Reads::Requests(&Requests {
        past: Past::All,
        // Requests at the same instant are ordered by id, then by prompt.
        columns: &["request_id", "prompt", "succeeded", "latency_ms", "rating"],
        needed: &["feature"],
        names: false,
    }),
    segmented: true,
    scalar: false,
    zoned: true,
    rows: 5,
    run,
};

/// The barriers that a user has or has not met.
const EVENTS: [&str; 4] = [
    "the first request failed",
    "a request of the first day failed",
    "a prompt of the first day was repeated",
    "an answer of the first day was rated badly",
];

const LATENCY: &str = "latency of the first day, in ms";

/// The longest time until a repeated prompt.
const SOON: Micros = 5 * 60 * 1_000_000;

/// The columns that are read.
const COLUMNS: [&str; 7] = ["segment", "feature", "request_id", "prompt", "succeeded", "latency_ms", "rating"];

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let terms = Terms::of(call)?;
    terms.check(call)?;
    let (feature, scale) = (feature(call)?, Scale::of(call)?);
    let columns = COLUMNS.map(|name| call.column(name));
    let [segment, column, _, prompt, succeeded, latency, rating] = columns;
    let feature = code(call, column, feature);
    let barriers = call.fold(&columns, || {
        let mut clock = call.clock()?;
        Ok(Barriers {
            end: clock.day(call.end())?,
            clock,
            call,
            terms,
            scale,
            segment,
            column,
            feature,
            prompt,
            succeeded,
            latency,
            rating,
            groups: Table::default(),
            latencies: Vec::new(),
            uses: Vec::new(),
            days: Vec::new(),
            prompts: Prompts::default(),
            by_segment: BySegment::default(),
            claim: Claim::temporary(),
        })
    })?;
    barriers.rows(rows)
}

/// The counts of users who adopted a feature, or of those who did not.
#[derive(Debug, Default)]
struct Group {
    /// For each event the users for whom it is known, and those who had it.
    events: [(u64, u64); EVENTS.len()],
    /// The sum of users' mean latencies.
    latency: Sum,
}

/// The mean latency of a user.
#[derive(Clone, Copy, Debug)]
struct Latency {
    /// The index of the segment.
    segment: u32,
    is_adopted: bool,
    mean: f64,
}

/// The fold.
struct Barriers<'a> {
    call: &'a Call<'a>,
    clock: Clock<'a>,
    terms: Terms,
    scale: Option<Scale>,
    /// The day on which observation ends.
    end: Day,
    segment: Option<usize>,
    column: Option<usize>,
    /// The feature; `None` if the log does not contain it.
    feature: Option<u32>,
    prompt: Option<usize>,
    succeeded: Option<usize>,
    latency: Option<usize>,
    rating: Option<usize>,
    /// Users who did not adopt it and users who did, by segment.
    groups: Table<[Group; 2]>,
    /// The input of the variance, once the mean is known.
    latencies: Vec<Latency>,
    /// A user's requests with the feature, by index.
    uses: Vec<u32>,
    days: Vec<Day>,
    prompts: Prompts,
    by_segment: BySegment,
    claim: Claim,
}

/// A barrier as shown in a row.
struct Compared {
    name: &'static str,
    users: [u64; 2],
    values: [Option<f64>; 2],
    difference: Option<f64>,
    bounds: Option<Difference>,
}

/// Whether an event occurred for a user: `None` while unknown.
fn any(known: &mut Option<bool>, happened: bool) {
    *known = Some(known.unwrap_or(false) || happened);
}

impl Barriers<'_> {
    /// The sums of squared deviations of users' latencies from the mean of their group, by segment.
    fn squares(&mut self) -> Result<Vec<[Sum; 2]>> {
        let Barriers { groups, latencies, claim, .. } = self;
        let mut squares = claim.filled([Sum::default(), Sum::default()], groups.len())?;
        let means =
            |[gone, stayed]: &[Group; 2]| [gone.latency.mean(), stayed.latency.mean()].map(Option::unwrap_or_default);
        let means = claim.collected(groups.iter().map(|(_, _, groups)| means(groups)))?;
        for (i, latency) in latencies.iter().enumerate() {
            if i % memory::POLL_EVERY == 0 {
                memory::poll();
            }
            let (segment, group) = (latency.segment as usize, usize::from(latency.is_adopted));
            squares[segment][group].add((latency.mean - means[segment][group]).powi(2), claim)?;
        }
        Ok(squares)
    }

    fn rows(mut self, rows: &mut dyn Rows) -> Result<()> {
        let squares = self.squares()?;
        let Barriers { call, segment, groups, claim, .. } = &mut self;
        let mut segments = named(call, [None, None, *segment], groups, claim)?;
        segments.sort_by_key(|segment| text_order(segment.texts[2]));
        for segment in segments {
            let mut compared: [Compared; EVENTS.len() + 1] = std::array::from_fn(|n| match EVENTS.get(n) {
                Some(name) => of_event(name, segment.value, n),
                None => of_latency(segment.value, &squares[segment.number]),
            });
            // Hidden rows sort like rows without bounds.
            let clearness = |of: &Compared| {
                let shown = of.bounds.filter(|_| !of.users.iter().any(|users| call.hides(*users)));
                shown.map(|bounds| bounds.clearness())
            };
            compared.sort_by(|a, b| match (clearness(a), clearness(b)) {
                (Some(a), Some(b)) => b.total_cmp(&a),
                (a, b) => Reverse(a.is_some()).cmp(&Reverse(b.is_some())),
            });
            for (rank, of) in (1u64..).zip(&compared) {
                let [gone, stayed] = of.users;
                let [gone_value, stayed_value] = of.values;
                rows.row(&mut [
                    segment.texts[2].into(),
                    rank.into(),
                    of.name.into(),
                    gone.into(),
                    gone_value.into(),
                    stayed.into(),
                    stayed_value.into(),
                    of.difference.into(),
                    of.bounds.map(|bounds| bounds.low).into(),
                    of.bounds.map(|bounds| bounds.high).into(),
                ])?;
            }
        }
        Ok(())
    }
}

fn of_event(name: &'static str, groups: &[Group; 2], event: usize) -> Compared {
    let counts = [groups[0].events[event], groups[1].events[event]];
    let [gone, stayed] = counts.map(|(known, happened)| (happened, known));
    let bounds = rate_difference(gone, stayed);
    Compared {
        name,
        users: [gone.1, stayed.1],
        values: [gone, stayed].map(|(happened, known)| (known > 0).then(|| happened as f64 / known as f64)),
        difference: bounds.map(|bounds| bounds.difference),
        bounds,
    }
}

fn of_latency(groups: &[Group; 2], squares: &[Sum; 2]) -> Compared {
    let moments = |group: usize| {
        let latency = &groups[group].latency;
        let (count, squares) = (latency.count(), squares[group].value().unwrap_or_default());
        // For a single value there is no variance, and it is not used.
        Some(Moments { count, mean: latency.mean()?, variance: squares / count.saturating_sub(1).max(1) as f64 })
    };
    let [gone, stayed] = [0, 1].map(moments);
    let values = [gone, stayed].map(|of| of.map(|of| of.mean));
    Compared {
        name: LATENCY,
        users: [0, 1].map(|group| groups[group].latency.count()),
        values,
        // Without bounds there is still a difference.
        difference: values[0].zip(values[1]).map(|(gone, stayed)| gone - stayed),
        bounds: gone.zip(stayed).and_then(|(gone, stayed)| mean_difference(gone, stayed)),
    }
}

impl Fold for Barriers<'_> {
    fn observe(&mut self, user: &Timeline<'_>) -> Result<()> {
        let Barriers { call, clock, terms, scale, end, segment, feature, prompt, succeeded, .. } = self;
        let Barriers { latency, rating, groups, latencies, uses, days, prompts, by_segment, claim, .. } = self;
        let (Some(codes), Some(feature)) = (user.codes(self.column), *feature) else { return Ok(()) };
        let (prompt_codes, latency, ratings) = (user.codes(*prompt), user.numbers(*latency), user.numbers(*rating));
        by_segment.each(user, *segment, |segment, requests| {
            uses.clear();
            for &request in requests.iter().filter(|&&request| codes[request as usize] == feature) {
                claim.push(uses, request)?;
            }
            clock.distinct_days(uses.iter().map(|&request| user.at[request as usize]), days, claim)?;
            let first_at = uses.first().map(|&request| user.at[request as usize]);
            let (Some(first_at), Some(&first_day)) = (first_at, days.first()) else { return Ok(()) };
            if !terms.has_elapsed(first_day, *end) || call.since.is_some_and(|since| first_at < since) {
                return Ok(());
            }
            let is_adopted = terms.is_adopted(days.iter().copied());
            let (mut first_succeeded, mut failed, mut repeated, mut bad) = (None, None, None, None);
            let mut latencies_of_user = Sum::default();
            let mut before: Option<(Micros, u32)> = None;
            for (n, &request) in uses.iter().enumerate() {
                if n % memory::POLL_EVERY == memory::POLL_EVERY - 1 {
                    memory::poll();
                }
                let (request, at) = (request as usize, user.at[request as usize]);
                if clock.day(at)? != first_day {
                    continue;
                }
                let outcome = user.flag(*succeeded, request);
                if let Some(succeeded) = outcome {
                    any(&mut failed, !succeeded);
                    // Of several requests at the first instant, one success is enough.
                    if at == first_at {
                        any(&mut first_succeeded, succeeded);
                    }
                }
                let prompt_code = prompt_codes.map_or(0, |codes| codes[request]);
                if prompt_code != 0 {
                    let again = match before {
                        Some((before_at, before)) if before != 0 && at.saturating_sub(before_at) <= SOON => {
                            prompts.are_alike([before, prompt_code], |code| call.text_of(*prompt, code), claim)?
                        }
                        _ => false,
                    };
                    any(&mut repeated, again);
                }
                before = Some((at, prompt_code));
                if let Some((scale, rating)) = scale.zip(ratings.map(|ratings| ratings[request]))
                    && scale.holds(rating)
                {
                    any(&mut bad, scale.is_bad(rating));
                }
                // Failures have barriers of their own; how fast they come is not how fast answers do.
                let latency = latency.map(|latency| latency[request]).filter(|latency| *latency >= 0.0);
                if let Some(latency) = latency.filter(|_| outcome != Some(false)) {
                    latencies_of_user.add(latency, claim)?;
                }
            }
            let (number, groups) = groups.entry([0, 0, segment], claim)?;
            let group = &mut groups[usize::from(is_adopted)];
            let events = [first_succeeded.map(|succeeded: bool| !succeeded), failed, repeated, bad];
            for ((known, happened), event) in group.events.iter_mut().zip(events) {
                *known += u64::from(event.is_some());
                *happened += u64::from(event == Some(true));
            }
            if let Some(mean) = latencies_of_user.mean() {
                group.latency.add(mean, claim)?;
                claim.push(latencies, Latency { segment: number as u32, is_adopted, mean })?;
            }
            Ok(())
        })
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        let numbers = self.groups.merge(other.groups, &mut self.claim, |ours, theirs, claim| {
            ours.iter_mut().zip(theirs).try_for_each(|(ours, theirs)| {
                for (ours, theirs) in ours.events.iter_mut().zip(theirs.events) {
                    *ours = (ours.0 + theirs.0, ours.1 + theirs.1);
                }
                ours.latency.merge(theirs.latency, claim)
            })
        })?;
        for latency in other.latencies {
            let segment = numbers[latency.segment as usize] as u32;
            self.claim.push(&mut self.latencies, Latency { segment, ..latency })?;
        }
        Ok(())
    }
}
