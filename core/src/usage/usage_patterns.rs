//! `usage_patterns`: volume and regularity of requests. Definitions D10, D21.

use super::tokens;
use crate::base::calendar::Micros;
use crate::base::days::Day;
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::function::{
    ByPeriod, COMPLETE, Call, Cell, Clock, Function, PER, PERIOD, PERIOD_START, Past, Reads, Requests, Rows, Type,
    column, column_about,
};
use crate::function::{named, text_order};
use crate::history::{BySegment, Fold, Table, Timeline};
use crate::stats::{median::Medians, sum::Sum};
use std::cmp::Ordering;
use std::collections::BTreeMap;

const ABOUT: &[&str] = &["users"];
/// The columns that are summed.
const NUMBERS: usize = 5;

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "usage_patterns",
    path: "usage::usage_patterns",
    example: "",
    summary: "volume and regularity of usage: requests per active day and per calendar day, median time between \
              requests, usage interval (80th percentile of users' median gap between active days), tokens and cost; of all time or of each period",
    arguments: &[PER, PERIOD],
    columns: &[
        column("name", Type::Text, "value of per; NULL for requests without one, and without per"),
        PERIOD_START,
        COMPLETE,
        column_about(ABOUT, "users", Type::Bigint, "users with at least one request"),
        column_about(ABOUT, "requests", Type::Bigint, "their requests"),
        column_about(ABOUT, "active_days", Type::Bigint, "local days with a request, summed over users"),
        column_about(ABOUT, "requests_per_active_day", Type::Double, "requests / active_days"),
        column_about(
            ABOUT,
            "requests_per_calendar_day",
            Type::Double,
            "requests over all days of the period from the user's first request, or since if that is later, to the end of \
             observation, summed over users",
        ),
        column_about(
            ABOUT,
            "median_seconds_between_requests",
            Type::Double,
            "median time between successive requests of a user, over all pairs within the period",
        ),
        column_about(
            ABOUT,
            "usage_interval_days",
            Type::Double,
            "80th percentile of users' median number of days between active days of the period",
        ),
        column_about(ABOUT, "prompt_tokens", Type::Bigint, "prompt tokens; NULL if none are known"),
        column_about(ABOUT, "completion_tokens", Type::Bigint, "completion tokens; NULL if none are known"),
        column_about(ABOUT, "cached_tokens", Type::Bigint, "prompt tokens read from a cache; NULL if none are known"),
        column_about(ABOUT, "reasoning_tokens", Type::Bigint, "completion tokens of reasoning; NULL if none are known"),
        column_about(ABOUT, "cost_usd", Type::Double, "cost in US dollars; NULL if none is known"),
        column_about(ABOUT, "requests_without_cost", Type::Bigint, "requests whose cost is not known"),
    ],
    reads: Reads::Requests(&Requests {
        // When a user began determines the days over which requests are averaged.
        past: Past::All,
        columns: &["prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens", "cost_usd"],
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
    let columns =
        ["segment", "per", "prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens", "cost_usd"]
            .map(|name| call.column(name));
    let mut patterns = call.fold(&columns, || Patterns::new(call, columns))?;
    if !patterns.pauses.is_complete() {
        patterns.pauses.look_again(&mut patterns.claim);
        call.each_user(&[patterns.segment, patterns.name], |user| patterns.look_again(user))?;
    }
    patterns.rows(call, rows)
}

/// The sums of a name in a segment, in a period.
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
    sums: [Sum; NUMBERS],
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

impl Totals {
    /// Adds a user whose calendar days begin on a day, with the requests of a period and their distinct days, whose content
    /// is lost.
    fn add(
        &mut self,
        user: &Timeline<'_>,
        (first_day, requests): (Day, &[u32]),
        days: &mut Vec<Day>,
        numbers: &[Option<usize>],
        claim: &mut Claim,
    ) -> Result<()> {
        self.users += 1;
        self.requests += requests.len() as u64;
        self.users_again += u64::from(requests.len() > 1);
        self.active_days += days.len() as u64;
        self.first_days += i64::from(first_day);
        self.add_latest((first_day, 1));
        if days.len() > 1 {
            // They are replaced by the numbers of days between successive ones.
            (1..days.len()).for_each(|i| days[i - 1] = days[i] - days[i - 1]);
            days.pop();
            days.sort_unstable();
            let (low, high) = (days[(days.len() - 1) / 2], days[days.len() / 2]);
            let twice = low.unsigned_abs() + high.unsigned_abs();
            if !self.intervals.contains_key(&twice) {
                claim.grow(INTERVAL)?;
            }
            *self.intervals.entry(twice).or_default() += 1;
        }
        for (sum, &column) in self.sums.iter_mut().zip(numbers) {
            let Some(numbers) = user.numbers(column) else { continue };
            let mut known = requests.iter().map(|&request| numbers[request as usize]).filter(|n| !n.is_nan());
            known.try_for_each(|number| sum.add(number, claim))?;
        }
        Ok(())
    }
}

/// The fold.
struct Patterns<'a> {
    clock: Clock<'a>,
    by_period: ByPeriod,
    since: Option<Micros>,
    segment: Option<usize>,
    name: Option<usize>,
    /// The columns that are summed.
    numbers: [Option<usize>; NUMBERS],
    /// By period, segment and name.
    totals: Table<Totals>,
    /// Pauses in seconds, by the number of these.
    pauses: Medians,
    last_at: Option<Micros>,
    by_segment: BySegment,
    by_name: ByName,
    days: Vec<Day>,
    claim: Claim,
}

impl<'a> Patterns<'a> {
    fn new(call: &'a Call<'_>, [segment, name, numbers @ ..]: [Option<usize>; NUMBERS + 2]) -> Result<Self> {
        Ok(Patterns {
            clock: call.clock()?,
            by_period: ByPeriod::of(call)?,
            since: call.since,
            segment,
            name,
            numbers,
            totals: Table::default(),
            pauses: Medians::default(),
            last_at: None,
            by_segment: BySegment::default(),
            by_name: ByName::default(),
            days: Vec::new(),
            claim: Claim::temporary(),
        })
    }

    fn look_again(&mut self, user: &Timeline<'_>) -> Result<()> {
        let Patterns { clock, by_period, totals, pauses, by_segment, by_name, claim, segment, name, since, .. } = self;
        by_segment.each(user, *segment, |code, requests| {
            by_name.each(user, *name, requests, |name, requests| {
                let requests = shown(user, requests, *since);
                for (period, requests) in by_period.parts(user, requests, clock)?.filter(|(_, of)| !of.is_empty()) {
                    let (number, _) = totals.entry([period, code, name], claim)?;
                    seconds_between(user, requests).try_for_each(|pause| pauses.again(number, pause, claim))?;
                }
                Ok(())
            })
        })
    }

    fn rows(mut self, call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
        if self.totals.is_empty() && !(call.by || call.is_given("per") || self.by_period.is_asked()) {
            let mut row = [Cell::Null; 1 + FUNCTION.columns.len()];
            row[4..7].fill(Cell::Bigint(0));
            row[FUNCTION.columns.len()] = Cell::Bigint(0);
            return rows.row(&mut row);
        }
        let last_at = self.last_at.unwrap_or(Micros::MIN).max(call.end().saturating_sub(1));
        let last_day = self.clock.day(last_at)?;
        let window = call.window_of_history()?;
        let mut found = named(call, [None, self.segment, self.name], &self.totals, &mut self.claim)?;
        found.sort_by_key(|found| {
            (text_order(found.texts[1]), text_order(found.texts[2]), ByPeriod::order(found.codes[0]))
        });
        for found in found {
            let ([period, segment, _], totals) = (found.codes, found.value);
            let of_period = self.by_period.cells([period, segment], &window, &mut self.clock)?;
            let last_day = self.by_period.period(period)?.map_or(last_day, |period| last_day.min(period.end - 1));
            let calendar_days = totals.users as i64 * (i64::from(last_day) + 1) - totals.first_days;
            // If a clock is set back over midnight, the end may be on a day before that of a first request: it counts as one
            // day.
            let (latest, users) = totals.latest;
            let calendar_days = calendar_days + i64::from(latest).saturating_sub(last_day.into()).max(0) * users as i64;
            let users_another_day = totals.intervals.values().sum::<u64>();
            let [prompt, completion, cached, reasoning, cost] = &totals.sums;
            rows.row(&mut [
                found.texts[1].into(),
                found.texts[2].into(),
                of_period[0],
                of_period[1],
                totals.users.into(),
                totals.requests.into(),
                totals.active_days.into(),
                (totals.requests as f64 / totals.active_days as f64).into(),
                (totals.requests as f64 / calendar_days as f64).into(),
                self.pauses.median(found.number).filter(|_| !call.hides(totals.users_again)).into(),
                interval(&totals.intervals).filter(|_| !call.hides(users_another_day)).into(),
                tokens(prompt).into(),
                tokens(completion).into(),
                tokens(cached).into(),
                tokens(reasoning).into(),
                cost.value().into(),
                (totals.requests - cost.count()).into(),
            ])?;
        }
        Ok(())
    }
}

/// The requests of a user by the values of a second column.
#[derive(Debug)]
struct ByName {
    /// Their codes, and the indexes of the requests.
    order: Vec<(u32, u32)>,
    requests: Vec<u32>,
    claim: Claim,
}

impl Default for ByName {
    fn default() -> Self {
        ByName { order: Vec::new(), requests: Vec::new(), claim: Claim::temporary() }
    }
}

impl ByName {
    /// Calls `each` with the code of every value and its requests of those given, in order; without the column with code 0
    /// and all of them.
    fn each(
        &mut self,
        user: &Timeline<'_>,
        name: Option<usize>,
        requests: &[u32],
        mut each: impl FnMut(u32, &[u32]) -> Result<()>,
    ) -> Result<()> {
        let Some(codes) = user.codes(name) else { return each(0, requests) };
        let ByName { order, requests: listed, claim } = self;
        order.clear();
        claim.reserve(order, requests.len())?;
        order.extend(requests.iter().map(|&request| (codes[request as usize], request)));
        order.sort_unstable();
        for of_name in order.chunk_by(|(a, _), (b, _)| a == b) {
            listed.clear();
            claim.reserve(listed, of_name.len())?;
            listed.extend(of_name.iter().map(|&(_, request)| request));
            each(of_name.first().map_or(0, |&(code, _)| code), listed)?;
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
        let Patterns { clock, by_period, totals, pauses, by_segment, by_name, claim, .. } = self;
        let (days, numbers, segment, name, since) =
            (&mut self.days, &self.numbers, self.segment, self.name, self.since);
        self.last_at = self.last_at.max(user.at.last().copied());
        by_segment.each(user, segment, |code, requests| {
            if let Some(&first) = requests.first() {
                by_period.begin(code, user.at[first as usize], claim)?;
            }
            by_name.each(user, name, requests, |name, requests| {
                let first_ever = requests.first().map(|&request| user.at[request as usize]);
                let requests = shown(user, requests, since);
                let Some(begins) = first_ever.max(since).filter(|_| !requests.is_empty()) else { return Ok(()) };
                let (began, calendar) = (clock.day(begins)?, by_period.calendar());
                for (period, requests) in by_period.parts(user, requests, clock)? {
                    let (number, totals) = totals.entry([period, code, name], claim)?;
                    let start = calendar.map(|calendar| calendar.numbered(ByPeriod::order(period))).transpose()?;
                    let first_day = start.map_or(began, |period| began.max(period.start));
                    clock.distinct_days(requests.iter().map(|&request| user.at[request as usize]), days, claim)?;
                    totals.add(user, (first_day, requests), days, numbers, claim)?;
                    seconds_between(user, requests).try_for_each(|pause| pauses.add(number, pause, claim))?;
                }
                Ok(())
            })
        })
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        self.last_at = self.last_at.max(other.last_at);
        self.by_period.merge(other.by_period, &mut self.claim)?;
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
