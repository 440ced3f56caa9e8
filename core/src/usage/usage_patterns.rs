//! `usage_patterns`: volume and regularity of requests. Definitions D10, D21.

use crate::base::calendar::Micros;
use crate::base::days::Day;
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::function::{Call, Cell, Clock, Function, Past, Reads, Requests, Rows, Type, column_about};
use crate::function::{named, text_order};
use crate::history::{BySegment, Fold, Table, Timeline};
use crate::stats::{median::Medians, sum::Sum};
use std::cmp::Ordering;
use std::collections::BTreeMap;

const ABOUT: &[&str] = &["users"];

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "usage_patterns",
    path: "usage::usage_patterns",
    example: "",
    summary: "volume and regularity of usage: requests per active day and per calendar day, median time between \
              requests, usage interval (80th percentile of users' median gap between active days), tokens and cost",
    arguments: &[],
    columns: &[
        column_about(ABOUT, "users", Type::Bigint, "users with at least one request"),
        column_about(ABOUT, "requests", Type::Bigint, "their requests"),
        column_about(ABOUT, "active_days", Type::Bigint, "local days with a request, summed over users"),
        column_about(ABOUT, "requests_per_active_day", Type::Double, "requests / active_days"),
        column_about(
            ABOUT,
            "requests_per_calendar_day",
            Type::Double,
            "requests over all days from the user's first request, or since if that is later, to the end of observation, summed \
             over users",
        ),
        column_about(
            ABOUT,
            "median_seconds_between_requests",
            Type::Double,
            "median time between successive requests of a user, over all pairs",
        ),
        column_about(
            ABOUT,
            "usage_interval_days",
            Type::Double,
            "80th percentile of users' median number of days between active days",
        ),
        column_about(ABOUT, "prompt_tokens", Type::Bigint, "prompt tokens; NULL if none are known"),
        column_about(ABOUT, "completion_tokens", Type::Bigint, "completion tokens; NULL if none are known"),
        column_about(ABOUT, "cost_usd", Type::Double, "cost in US dollars; NULL if none is known"),
    ],
    reads: Reads::Requests(&Requests {
        // When a user began determines the days over which requests are averaged.
        past: Past::All,
        columns: &["prompt_tokens", "completion_tokens", "cost_usd"],
        needed: &[],
        names: false,
    }),
    segmented: true,
    scalar: false,
    zoned: true,
    rows: 10,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let columns = ["segment", "prompt_tokens", "completion_tokens", "cost_usd"].map(|name| call.column(name));
    let mut patterns = call.fold(&columns, || Patterns::new(call, columns))?;
    if !patterns.pauses.is_complete() {
        patterns.pauses.look_again(&mut patterns.claim);
        call.each_user(&[patterns.segment], |user| patterns.look_again(user))?;
    }
    patterns.rows(call, rows)
}

/// The sums of a segment.
#[derive(Debug, Default)]
struct Totals {
    users: u64,
    requests: u64,
    active_days: u64,
    first_days: i64,
    /// The latest first day of users, and how many users have it.
    latest: (Day, u64),
    users_again: u64,
    /// Users by twice the median number of days between successive active days.
    intervals: BTreeMap<u32, u64>,
    sums: [Sum; 3],
}

/// About the memory of an entry of `intervals`.
const INTERVAL: usize = 32;

impl Totals {
    fn add_latest(&mut self, (day, users): (Day, u64)) {
        match day.cmp(&self.latest.0) {
            _ if self.latest.1 == 0 => self.latest = (day, users),
            Ordering::Greater => self.latest = (day, users),
            Ordering::Equal => self.latest.1 += users,
            Ordering::Less => {}
        }
    }
}

/// The fold.
struct Patterns<'a> {
    clock: Clock<'a>,
    since: Option<Micros>,
    segment: Option<usize>,
    /// The columns that are summed.
    numbers: [Option<usize>; 3],
    totals: Table<Totals>,
    /// Pauses in seconds, by the number of the segment.
    pauses: Medians,
    last_at: Option<Micros>,
    by_segment: BySegment,
    days: Vec<Day>,
    claim: Claim,
}

/// The largest double that fits a bigint.
const MOST: f64 = 9_223_372_036_854_774_784.0;

impl<'a> Patterns<'a> {
    fn new(call: &'a Call<'_>, [segment, numbers @ ..]: [Option<usize>; 4]) -> Result<Self> {
        Ok(Patterns {
            clock: call.clock()?,
            since: call.since,
            segment,
            numbers,
            totals: Table::default(),
            pauses: Medians::default(),
            last_at: None,
            by_segment: BySegment::default(),
            days: Vec::new(),
            claim: Claim::temporary(),
        })
    }

    fn look_again(&mut self, user: &Timeline<'_>) -> Result<()> {
        let Patterns { totals, pauses, by_segment, claim, segment, since, .. } = self;
        by_segment.each(user, *segment, |code, requests| {
            let requests = shown(user, requests, *since);
            if requests.is_empty() {
                return Ok(());
            }
            let (number, _) = totals.entry([0, 0, code], claim)?;
            seconds_between(user, requests).try_for_each(|pause| pauses.again(number, pause, claim))
        })
    }

    fn rows(mut self, call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
        if self.totals.is_empty() && !call.by {
            let zero = Cell::Bigint(0);
            let none = Cell::Null;
            return rows.row(&mut [none, zero, zero, zero, none, none, none, none, none, none, none]);
        }
        let last_at = self.last_at.unwrap_or(Micros::MIN).max(call.end().saturating_sub(1));
        let last_day = self.clock.day(last_at)?;
        let mut segments = named(call, [None, None, self.segment], &self.totals, &mut self.claim)?;
        segments.sort_by_key(|segment| text_order(segment.texts[2]));
        for segment in segments {
            let totals = segment.value;
            let calendar_days = totals.users as i64 * (i64::from(last_day) + 1) - totals.first_days;
            // If a clock is set back over midnight, the end may be on a day before that of a first request: it counts as one
            // day.
            let (latest, users) = totals.latest;
            let calendar_days = calendar_days + i64::from(latest).saturating_sub(last_day.into()).max(0) * users as i64;
            let users_another_day = totals.intervals.values().sum::<u64>();
            let [prompt_tokens, completion_tokens, cost_usd] = &totals.sums;
            let tokens = |sum: &Sum| sum.value().map(|sum| sum.min(MOST).round_ties_even() as u64);
            rows.row(&mut [
                segment.texts[2].into(),
                totals.users.into(),
                totals.requests.into(),
                totals.active_days.into(),
                (totals.requests as f64 / totals.active_days as f64).into(),
                (totals.requests as f64 / calendar_days as f64).into(),
                self.pauses.median(segment.number).filter(|_| !call.hides(totals.users_again)).into(),
                interval(&totals.intervals).filter(|_| !call.hides(users_another_day)).into(),
                tokens(prompt_tokens).into(),
                tokens(completion_tokens).into(),
                cost_usd.value().into(),
            ])?;
        }
        Ok(())
    }
}

/// The requests that are not before `since`.
fn shown<'r>(user: &Timeline<'_>, requests: &'r [u32], since: Option<Micros>) -> &'r [u32] {
    let before = |since| requests.partition_point(|&request| user.at[request as usize] < since);
    since.map_or(requests, |since| &requests[before(since)..])
}

/// The seconds between successive requests of each user.
fn seconds_between<'u>(user: &'u Timeline<'_>, requests: &'u [u32]) -> impl Iterator<Item = f64> + 'u {
    let at = |request: u32| user.at[request as usize];
    requests.windows(2).map(move |pair| at(pair[1]).saturating_sub(at(pair[0])) as f64 / 1e6)
}

/// The number of days that at least 80 % of users' medians do not exceed.
fn interval(intervals: &BTreeMap<u32, u64>) -> Option<f64> {
    let rank = (intervals.values().sum::<u64>() as f64 * 0.8).ceil().max(1.0) as u64;
    let mut so_far = 0;
    let found = intervals.iter().find(|(_, users)| {
        so_far += **users;
        so_far >= rank
    });
    found.map(|(&twice, _)| f64::from(twice) / 2.0)
}

impl Fold for Patterns<'_> {
    fn observe(&mut self, user: &Timeline<'_>) -> Result<()> {
        let Patterns { clock, totals, pauses, by_segment, days, claim, numbers, segment, last_at, since, .. } = self;
        *last_at = (*last_at).max(user.at.last().copied().filter(|&at| since.is_none_or(|since| at >= since)));
        by_segment.each(user, *segment, |code, requests| {
            let first_ever = requests.first().map(|&request| user.at[request as usize]);
            let requests = shown(user, requests, *since);
            let Some(begins) = first_ever.max(*since).filter(|_| !requests.is_empty()) else { return Ok(()) };
            let (number, totals) = totals.entry([0, 0, code], claim)?;
            clock.distinct_days(requests.iter().map(|&request| user.at[request as usize]), days, claim)?;
            totals.users += 1;
            totals.requests += requests.len() as u64;
            totals.users_again += u64::from(requests.len() > 1);
            totals.active_days += days.len() as u64;
            let first_day = clock.day(begins)?;
            totals.first_days += i64::from(first_day);
            totals.add_latest((first_day, 1));
            if days.len() > 1 {
                // They are replaced by the numbers of days between successive ones.
                (1..days.len()).for_each(|i| days[i - 1] = days[i] - days[i - 1]);
                days.pop();
                days.sort_unstable();
                let (low, high) = (days[(days.len() - 1) / 2], days[days.len() / 2]);
                let twice = low.unsigned_abs() + high.unsigned_abs();
                if !totals.intervals.contains_key(&twice) {
                    claim.grow(INTERVAL)?;
                }
                *totals.intervals.entry(twice).or_default() += 1;
            }
            seconds_between(user, requests).try_for_each(|pause| pauses.add(number, pause, claim))?;
            for (sum, &column) in totals.sums.iter_mut().zip(&*numbers) {
                let Some(numbers) = user.numbers(column) else { continue };
                let mut known = requests.iter().map(|&request| numbers[request as usize]).filter(|n| !n.is_nan());
                known.try_for_each(|number| sum.add(number, claim))?;
            }
            Ok(())
        })
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        self.last_at = self.last_at.max(other.last_at);
        let numbers = self.totals.merge(other.totals, &mut self.claim, |ours, theirs, claim| {
            ours.users += theirs.users;
            ours.requests += theirs.requests;
            ours.active_days += theirs.active_days;
            ours.first_days += theirs.first_days;
            ours.users_again += theirs.users_again;
            if theirs.latest.1 > 0 {
                ours.add_latest(theirs.latest);
            }
            theirs.intervals.into_iter().for_each(|(days, users)| *ours.intervals.entry(days).or_default() += users);
            ours.sums.iter_mut().zip(theirs.sums).try_for_each(|(ours, theirs)| ours.merge(theirs, claim))
        })?;
        self.pauses.merge(other.pauses, &numbers, &mut self.claim)
    }
}
