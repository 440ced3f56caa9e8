//! Retention by cohort of first activity, for `retention_matrix`, `retention_curve` and `cohort_table`: definitions D53-D57.
//!
//! A cohort is the set of users whose first active day lies in one calendar period; the period of cohorts and the period of
//! return are independent. Return is counted in periods from each user's own first: with the *calendar* clock by the
//! difference of calendar periods, with the *rolling* clock in blocks of 1, 7 or 30 days from the user's first day. Period 0
//! contains the first day, so every member is retained in it.
//!
//! A user whose period has not completely elapsed must not be counted as lost. A member is *eligible* for a period once
//! their own period has elapsed, and rates are retained eligible users divided by eligible users. Pooled rates are ratios of
//! sums, never means of rates.

use super::View;
use super::returns::{BY_VALUE, MIN_REQUESTS, RETURN_EVENT, SIGNUPS, START_EVENT};
use crate::base::calendar::{Calendar, DAY_MICROS, Grain, Period, Periods, Window};
use crate::base::days::Day;
use crate::base::error::{Error, Result};
use crate::base::memory::{self, Claim};
use crate::function::{Argument, Call, Cell as Told, Column, Role, Type, column, column_about};
use crate::stats::interval::wilson;
use std::collections::BTreeMap;

/// The largest period number a caller may ask for.
pub(super) const MOST_OFFSET: i32 = 100_000;

/// When a member counts as retained in period k > 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Active in period k.
    On,
    /// Active in period k or later. Comparable only between cohorts observed equally long.
    OnOrAfter,
    /// Active in any of the periods 1 to k.
    OnOrBefore,
    /// Active in every one of the periods 1 to k.
    Streak,
}

impl Kind {
    const WORDS: [(&'static str, Kind); 4] = [
        ("on", Kind::On),
        ("on_or_after", Kind::OnOrAfter),
        ("on_or_before", Kind::OnOrBefore),
        ("streak", Kind::Streak),
    ];

    /// The kind of the given name.
    pub fn parse(given: &str) -> Result<Self> {
        let found = Self::WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(given));
        found.map(|&(_, k)| k).ok_or_else(|| Error::not_one_of("kind", given, &Self::WORDS.map(|(word, _)| word)))
    }
}

/// How a member's periods are counted from the first day.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// Calendar periods, numbered by their difference from the one of the first day.
    Calendar(Calendar),
    /// Blocks of that many days from the first day.
    Rolling(i32),
    /// Blocks of that many microseconds from the first request.
    Hours(i64),
}

/// The name of the clock of [`Clock::Hours`], which needs instants.
pub(crate) const HOURS: &str = "24_hours";

impl Clock {
    /// The clock of the given name, for periods of `calendar`.
    pub fn parse(given: &str, calendar: Calendar) -> Result<Self> {
        if given.eq_ignore_ascii_case("calendar") {
            return Ok(Clock::Calendar(calendar));
        }
        let is_hours = given.eq_ignore_ascii_case(HOURS);
        if !is_hours && !given.eq_ignore_ascii_case("rolling") {
            return Err(Error::not_one_of("clock", given, &["calendar", "rolling", HOURS]));
        }
        let days = match calendar.grain {
            Grain::Day => 1,
            Grain::Week => 7,
            Grain::Month => 30,
            Grain::Quarter | Grain::Year => {
                let given = format!("{:?}", calendar.grain).to_lowercase();
                let accepted = "day, week or month with the clocks rolling and 24_hours";
                return Err(Error::Argument { name: "period", given, accepted: accepted.to_owned() });
            }
        };
        Ok(if is_hours { Clock::Hours(i64::from(days) * DAY_MICROS) } else { Clock::Rolling(days) })
    }
}

/// The parameters of a retention query.
#[derive(Clone, Debug)]
pub struct Question {
    /// The period of cohorts.
    pub cohort: Calendar,
    /// How return is counted.
    pub clock: Clock,
    /// The kind of retention.
    pub kind: Kind,
    /// The period numbers wanted, ascending; `None` for all that have begun.
    pub offsets: Option<Vec<i32>>,
    /// The ranges of period numbers wanted instead, ascending and disjoint, each counted as one period.
    pub brackets: Option<Vec<(i32, i32)>>,
    /// Whether users join a cohort in each of its periods in which they are active, and not only in the first.
    pub recurring: bool,
    /// The fewest returns in a period that count.
    pub least: u64,
}

/// The count that decides whether the columns of a [`Cell`] are hidden.
pub(super) const ABOUT: &[&str] = &["cohort_users"];

// The columns of a cell, in the curve as in the matrix.
pub(super) const NUMBER: Column =
    column("period_number", Type::Integer, "number of the period; 0 contains the first active day");
pub(super) const ELIGIBLE: Column =
    column_about(ABOUT, "eligible_users", Type::Bigint, "users whose own period has elapsed");
pub(super) const RETAINED: Column = column_about(
    ABOUT,
    "retained_users",
    Type::Bigint,
    "eligible users who were retained; NULL without eligible users",
);
pub(super) const RATE: Column =
    column_about(ABOUT, "retention_rate", Type::Double, "retained_users / eligible_users, 0 to 1");
pub(super) const LOW: Column = column_about(ABOUT, "rate_low", Type::Double, "lower 95 % bound of the rate (Wilson)");
pub(super) const HIGH: Column = column_about(ABOUT, "rate_high", Type::Double, "upper 95 % bound of the rate (Wilson)");
pub(super) const COMPLETE: Column = column("complete", Type::Boolean, "whether all users are eligible");

/// The same of a cohort, which may have been cut.
pub(super) const WHOLE: Column = column(
    "complete",
    Type::Boolean,
    "whether all users are eligible, and the cohort's period has elapsed, lies within the log and is not cut by since",
);

/// The arguments of a [`Question`].
pub(super) const ARGUMENTS: &[Argument] = &[
    Argument {
        name: "cohort",
        kind: Type::Text,
        role: Role::Value,
        default: "'week'",
        about: "period that defines cohorts by first active day: day, week, month, quarter or year",
    },
    Argument {
        name: "period",
        kind: Type::Text,
        role: Role::Value,
        default: "'week'",
        about: "period of return: day, week, month, quarter or year",
    },
    Argument {
        name: "offsets",
        kind: Type::Integers,
        role: Role::Value,
        default: "NULL",
        about: "period numbers to report, from 0 to 100000; by default all that have started",
    },
    Argument {
        name: "kind",
        kind: Type::Text,
        role: Role::Value,
        default: "'on'",
        about: "kind of retention: on (active in the period), on_or_after, on_or_before, streak (active in every \
                period so far)",
    },
    Argument {
        name: "clock",
        kind: Type::Text,
        role: Role::Value,
        default: "'calendar'",
        about: "how periods are counted: calendar (calendar periods), rolling (blocks of 1, 7 or 30 days from the first \
                day) or, over a log, 24_hours (blocks of 24 hours, 7 or 30 times 24 hours from the first request)",
    },
    Argument {
        name: "cohorts",
        kind: Type::Text,
        role: Role::Value,
        default: "'first'",
        about: "first (users belong to the cohort of their first active day) or recurring (users join the cohort of each \
                period in which they are active)",
    },
    Argument {
        name: "brackets",
        kind: Type::Texts,
        role: Role::Value,
        default: "NULL",
        about: "ranges of period numbers, such as {1-3,4-7,8-30}, each counted as one period; instead of offsets",
    },
];

/// The arguments over the requests of a log.
pub(super) const OF_REQUESTS: &[Argument] = &[
    ARGUMENTS[0],
    ARGUMENTS[1],
    ARGUMENTS[2],
    ARGUMENTS[3],
    ARGUMENTS[4],
    ARGUMENTS[5],
    ARGUMENTS[6],
    START_EVENT,
    RETURN_EVENT,
    MIN_REQUESTS,
    SIGNUPS,
    BY_VALUE,
];

impl Question {
    /// Retention in all periods that have begun, of first-time cohorts.
    pub fn new(cohort: Calendar, clock: Clock, kind: Kind) -> Self {
        Question { cohort, clock, kind, offsets: None, brackets: None, recurring: false, least: 1 }
    }

    /// The parameters of a call.
    pub(super) fn of(call: &Call<'_>) -> Result<Self> {
        let period = call.calendar("period", "week")?;
        Question {
            cohort: call.calendar("cohort", "week")?,
            clock: Clock::parse(call.text("clock").unwrap_or("calendar"), period)?,
            kind: Kind::parse(call.text("kind").unwrap_or("on"))?,
            offsets: call
                .integers("offsets")
                .map(|given| Question::offsets(given.iter().copied().flatten().collect()))
                .transpose()?,
            brackets: call.texts("brackets").map(|given| Question::brackets(&given)).transpose()?,
            recurring: recurring(call.text("cohorts").unwrap_or("first"))?,
            least: 1,
        }
        .checked()
    }

    /// The question, if its parts fit together.
    fn checked(self) -> Result<Self> {
        if self.brackets.is_none() {
            return Ok(self);
        }
        let wrong = |name: &'static str, given: &str, accepted: &str| {
            Err(Error::Argument { name, given: given.to_owned(), accepted: accepted.to_owned() })
        };
        let word = Kind::WORDS.iter().find(|(_, kind)| *kind == self.kind).map_or("", |(word, _)| word);
        match (&self.offsets, self.kind) {
            (Some(_), _) => wrong("offsets", "a list", "offsets without brackets, or brackets without offsets"),
            (None, Kind::On) => Ok(self),
            (None, _) => wrong("kind", word, "on with brackets"),
        }
    }

    /// The given brackets.
    pub fn brackets(given: &[String]) -> Result<Vec<(i32, i32)>> {
        let mut brackets: Vec<(i32, i32)> = Vec::new();
        for text in given {
            let number = |text: &str| {
                let digits = text.trim();
                let number = digits.parse().ok().filter(|k| (0..=MOST_OFFSET).contains(k));
                number.filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()))
            };
            let (from, to) = text.split_once('-').unwrap_or((text, text));
            let bracket = number(from).zip(number(to)).filter(|(from, to)| from <= to);
            let follows = |(from, _): &(i32, i32)| brackets.last().is_none_or(|(_, before)| before < from);
            let Some(bracket) = bracket.filter(follows) else {
                let accepted =
                    format!("ranges of period numbers from 0 to {MOST_OFFSET} in order, such as {{1-3,4-7,8-30}}");
                return Err(Error::Argument { name: "brackets", given: text.clone(), accepted });
            };
            brackets.push(bracket); // few: brackets of an argument
        }
        Ok(brackets)
    }

    /// The index under which a period is counted: its number, or that of its bracket.
    fn slot(&self, number: usize) -> Option<usize> {
        let Some(brackets) = &self.brackets else { return Some(number) };
        let place = brackets.partition_point(|&(_, to)| (to as usize) < number);
        brackets.get(place).filter(|&&(from, _)| from as usize <= number).map(|_| place)
    }

    /// The number of slots of which all periods are among the first `periods`.
    fn slots(&self, periods: usize) -> usize {
        let Some(brackets) = &self.brackets else { return periods };
        brackets.partition_point(|&(_, to)| (to as usize) < periods)
    }

    /// The given offsets, sorted and distinct.
    pub fn offsets(mut given: Vec<i32>) -> Result<Vec<i32>> {
        if let Some(wrong) = given.iter().find(|k| !(0..=MOST_OFFSET).contains(*k)) {
            let accepted = format!("period numbers from 0 to {MOST_OFFSET}");
            return Err(Error::Argument { name: "offsets", given: wrong.to_string(), accepted });
        }
        given.sort_unstable();
        given.dedup();
        Ok(given)
    }
}

/// Members and returns of one cohort in one period, or of all cohorts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// First day of the cohort's period; `None` if cohorts are pooled.
    pub cohort: Option<Day>,
    /// Members.
    pub users: u64,
    /// The period's number.
    pub number: i32,
    /// Members whose period has elapsed.
    pub eligible: u64,
    /// Eligible members who were retained.
    pub retained: u64,
    /// Whether the cohort's own period has elapsed, lies within the log and is shown in full.
    pub whole: bool,
}

impl Cell {
    /// Retained divided by eligible with 95 % bounds; `None` if no member is eligible.
    pub fn rate(&self) -> Option<(f64, f64, f64)> {
        let (low, high) = wilson(self.retained, self.eligible)?;
        Some((self.retained as f64 / self.eligible as f64, low, high))
    }

    /// Members, eligible and retained members, and the rate with its bounds, for a row. Without eligible members the result
    /// is unknown, which differs from no member being retained.
    pub(super) fn told(&self) -> [Told<'static>; 6] {
        let rate = self.rate();
        let [share, low, high] = crate::function::with_bounds(rate);
        [self.users.into(), self.eligible.into(), rate.map(|_| self.retained).into(), share, low, high]
    }

    /// Whether every member is eligible.
    pub fn all_eligible(&self) -> bool {
        self.eligible == self.users
    }

    /// Whether every member is eligible, and the cohort is not cut.
    pub fn complete(&self) -> bool {
        self.whole && self.all_eligible()
    }
}

/// The given kind of cohorts: whether they are recurring.
fn recurring(given: &str) -> Result<bool> {
    match given {
        _ if given.eq_ignore_ascii_case("first") => Ok(false),
        _ if given.eq_ignore_ascii_case("recurring") => Ok(true),
        _ => Err(Error::not_one_of("cohorts", given, &["first", "recurring"])),
    }
}

/// Members of a cohort and their returns, as differences: entry k is the change from slot k - 1.
struct Cohort {
    period: Period,
    users: u64,
    eligible: Vec<i64>,
    retained: Vec<i64>,
    /// The number of periods that have begun, without and with the one that begins at the end of observation.
    begun: [usize; 2],
}

impl Cohort {
    fn reach(&mut self, length: usize, claim: &mut Claim) -> Result<()> {
        for counts in [&mut self.eligible, &mut self.retained] {
            claim.extend_to(counts, length)?;
        }
        Ok(())
    }

    /// Counts a member in the slots `from..until`.
    fn count(counts: &mut [i64], from: usize, until: usize) {
        if from < until {
            counts[from] += 1;
            counts[until] -= 1;
        }
    }

    /// Adds the members of another cohort.
    fn add(&mut self, other: &Cohort, claim: &mut Claim) -> Result<()> {
        self.reach(other.eligible.len(), claim)?;
        self.users += other.users;
        let add = |sum: &mut Vec<i64>, counts: &[i64]| sum.iter_mut().zip(counts).for_each(|(s, c)| *s += c);
        add(&mut self.eligible, &other.eligible);
        add(&mut self.retained, &other.retained);
        for (ours, theirs) in self.begun.iter_mut().zip(other.begun) {
            *ours = (*ours).max(theirs);
        }
        Ok(())
    }
}

/// A member's period in points.
#[derive(Clone, Copy)]
struct Stretch {
    index: i64,
    start: i64,
    end: i64,
}

impl From<Period> for Stretch {
    fn from(period: Period) -> Self {
        Stretch { index: period.index.into(), start: period.start.into(), end: period.end.into() }
    }
}

/// The periods of one member, in points: local days, or instants with the clock of hours.
struct Member {
    clock: Clock,
    first: Stretch,
}

impl Member {
    fn new(clock: Clock, start: i64) -> Result<Self> {
        let block = |length: i64| Stretch { index: 0, start, end: start.saturating_add(length) };
        let first = match clock {
            Clock::Calendar(calendar) => calendar.period(start as Day)?.into(),
            Clock::Rolling(days) => block(days.into()),
            Clock::Hours(micros) => block(micros),
        };
        Ok(Member { clock, first })
    }

    fn period(&self, point: i64) -> Result<Stretch> {
        let length = match self.clock {
            _ if point < self.first.end => return Ok(self.first),
            Clock::Calendar(calendar) => return calendar.period(point as Day).map(Stretch::from),
            Clock::Rolling(days) => i64::from(days),
            Clock::Hours(micros) => micros,
        };
        let index = point.saturating_sub(self.first.start) / length;
        let start = self.first.start + index * length;
        Ok(Stretch { index, start, end: start.saturating_add(length) })
    }

    /// The number of the period that contains a point.
    fn number(&self, point: i64) -> Result<usize> {
        Ok((self.period(point)?.index - self.first.index) as usize)
    }

    /// The number of the member's periods that have elapsed when the points before `elapsed` have.
    fn elapsed(&self, elapsed: i64) -> Result<usize> {
        // The period that contains the first open point has not elapsed; those before it have.
        if elapsed < self.first.end { Ok(0) } else { self.number(elapsed) }
    }
}

/// A moment in which a user may join a cohort.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    /// Its local day, which decides on the cohort.
    pub(super) day: Day,
    /// Its point: the day, or the instant with the clock of hours.
    pub(super) point: i64,
    /// The index of the first return that is not before it.
    pub(super) from: usize,
    /// Whether it is not before `since`.
    pub(super) shown: bool,
}

/// The end of observation in points.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sight {
    /// Points before this one have elapsed.
    pub(super) elapsed: i64,
    /// The last point that has begun, unless a user was active at the very end.
    pub(super) begun: i64,
}

impl Sight {
    /// In days.
    pub(super) fn of_days(window: &Window) -> Self {
        // A day skipped by the time zone has elapsed without ever having begun.
        let begun = window.begun.max(window.elapsed.saturating_sub(1));
        Sight { elapsed: window.elapsed.into(), begun: begun.into() }
    }
}

/// The cohorts of a log, built user by user.
pub(super) struct Cohorts<'q> {
    question: &'q Question,
    sight: Sight,
    cohorts: BTreeMap<Day, Cohort>,
    periods: Periods,
    /// The first day of the log.
    begins: Option<Day>,
    /// Whether a user was active at the very end of observation.
    at_end: bool,
    claim: Claim,
}

impl<'q> Cohorts<'q> {
    pub(super) fn new(question: &'q Question, sight: Sight) -> Self {
        let (cohorts, periods) = (BTreeMap::new(), Periods::new(question.cohort));
        Cohorts { question, sight, cohorts, periods, begins: None, at_end: false, claim: Claim::temporary() }
    }

    /// Takes note of a user's first active day, and of whether the user was active at the very end of observation.
    pub(super) fn saw(&mut self, first_day: Day, at_end: bool) {
        self.begins = Some(self.begins.map_or(first_day, |begins| begins.min(first_day)));
        self.at_end |= at_end;
    }

    /// Adds a user with the points of their returns, both in order.
    pub(super) fn observe<P: Copy + Into<i64>>(
        &mut self,
        mut starts: impl Iterator<Item = Start>,
        returns: &[P],
    ) -> Result<()> {
        if !self.question.recurring {
            return match starts.next().filter(|start| start.shown) {
                Some(start) => self.join(&start, returns),
                None => Ok(()),
            };
        }
        let mut joined = None;
        for start in starts.filter(|start| start.shown) {
            if joined.is_none_or(|end| end <= start.day) {
                joined = Some(self.periods.of(start.day)?.end);
                self.join(&start, returns)?;
            }
        }
        Ok(())
    }

    fn join<P: Copy + Into<i64>>(&mut self, start: &Start, returns: &[P]) -> Result<()> {
        let period = self.periods.of(start.day)?;
        let Cohorts { question, sight, cohorts, claim, .. } = self;
        let cohort = match cohorts.entry(period.start) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                claim.grow(size_of::<(Day, Cohort)>() * 2)?;
                entry.insert(Cohort { period, users: 0, eligible: Vec::new(), retained: Vec::new(), begun: [0; 2] })
            }
        };
        let member = Member::new(question.clock, start.point)?;
        let begun = [member.number(sight.begun)? + 1, member.number(sight.begun.max(sight.elapsed))? + 1];
        let elapsed = question.slots(member.elapsed(sight.elapsed)?);
        // One more entry closes the differences.
        cohort.reach(question.brackets.as_ref().map_or(begun[1], Vec::len) + 1, claim)?;
        cohort.users += 1;
        for (all, own) in cohort.begun.iter_mut().zip(begun) {
            *all = (*all).max(own);
        }
        Cohort::count(&mut cohort.eligible, 0, elapsed);
        count_retained(question, &member, returns.get(start.from..).unwrap_or_default(), elapsed, &mut cohort.retained)
    }

    /// The cells of every cohort that has members.
    pub(super) fn matrix(mut self, window: &Window) -> Result<Vec<Cell>> {
        let mut cells = Vec::new();
        for (start, cohort) in &self.cohorts {
            let in_log = self.begins.is_some_and(|begins| begins <= cohort.period.start);
            let whole = in_log && window.is_complete(&cohort.period);
            push_cells(Some(*start), whole, cohort, self.question, self.at_end, &mut cells, &mut self.claim)?;
            memory::poll();
        }
        Ok(cells)
    }

    /// The cells of all cohorts together.
    pub(super) fn curve(mut self) -> Result<Vec<Cell>> {
        let (mut all, mut cells) = (None::<Cohort>, Vec::new());
        for cohort in std::mem::take(&mut self.cohorts).into_values() {
            memory::poll();
            match &mut all {
                None => all = Some(cohort),
                Some(all) => all.add(&cohort, &mut self.claim)?,
            }
        }
        if let Some(all) = all {
            push_cells(None, true, &all, self.question, self.at_end, &mut cells, &mut self.claim)?;
        }
        Ok(cells)
    }
}

/// Turns a cohort's differences into its cells.
fn push_cells(
    start: Option<Day>,
    whole: bool,
    from: &Cohort,
    question: &Question,
    at_end: bool,
    to: &mut Vec<Cell>,
    claim: &mut Claim,
) -> Result<()> {
    let users = from.users;
    let (mut eligible, mut retained, mut next) = (0i64, 0i64, 0usize);
    let begun = from.begun[usize::from(at_end)];
    let slots = question.brackets.as_ref().map_or(begun, Vec::len);
    let mut cell = |slot: usize, number: i32, claim: &mut Claim| {
        while next <= slot && next < slots {
            eligible += from.eligible[next];
            retained += from.retained[next];
            next += 1;
        }
        let counts = if slot < slots { (eligible as u64, retained as u64) } else { (0, 0) };
        claim.push(to, Cell { cohort: start, users, number, eligible: counts.0, retained: counts.1, whole })
    };
    match (&question.brackets, &question.offsets) {
        (Some(brackets), _) => brackets.iter().enumerate().try_for_each(|(slot, &(k, _))| cell(slot, k, claim)),
        (None, Some(offsets)) => offsets.iter().try_for_each(|&k| cell(k as usize, k, claim)),
        (None, None) => (0..slots).try_for_each(|k| cell(k, k as i32, claim)),
    }
}

/// The question of a call over an activity.
pub(super) fn of_days(call: &Call<'_>) -> Result<Question> {
    let question = Question::of(call)?;
    if matches!(question.clock, Clock::Hours(_)) {
        let accepted = "calendar or rolling over an activity, which has days; 24_hours needs a log";
        return call.refuse("clock", HOURS, accepted);
    }
    Ok(question)
}

/// The cohorts of an activity. The clock is not that of hours.
pub(super) fn cohorts<'q>(view: &View<'_>, question: &'q Question, window: &Window) -> Result<Cohorts<'q>> {
    let last = if window.at_end { window.begun.max(window.elapsed) } else { window.begun };
    let mut cohorts = Cohorts::new(question, Sight::of_days(window));
    view.each(|_, days| {
        let days = &days[..days.partition_point(|&day| day <= last)];
        let (Some(&first_day), Some(&last_day)) = (days.first(), days.last()) else { return Ok(()) };
        cohorts.saw(first_day, last_day >= window.elapsed);
        let start = |(from, &day)| Start { day, point: i64::from(day), from, shown: window.shows(day) };
        cohorts.observe(days.iter().enumerate().map(start), days)
    })?;
    Ok(cohorts)
}

/// Counts a member as retained in the elapsed slots, by the kind of retention.
fn count_retained<P: Copy + Into<i64>>(
    question: &Question,
    member: &Member,
    returns: &[P],
    elapsed: usize,
    retained: &mut [i64],
) -> Result<()> {
    if elapsed == 0 {
        return Ok(());
    }
    let kind = question.kind;
    if kind == Kind::OnOrAfter && question.least == 1 {
        let last = returns.last().map(|&last| member.number(last.into())).transpose()?;
        Cohort::count(retained, 0, last.map_or(0, |last| elapsed.min(last + 1)));
        return Ok(());
    }
    let (mut within, mut slot, mut found) = (i64::MIN, None, 0u64);
    let (mut streak, mut reach) = (0, 0);
    for &point in returns {
        let point = point.into();
        if point >= within {
            let period = member.period(point)?;
            within = period.end;
            let next = question.slot((period.index - member.first.index) as usize);
            if next != slot {
                (slot, found) = (next, 0);
            }
        }
        let Some(slot) = slot else { continue };
        if slot >= elapsed && kind != Kind::OnOrAfter {
            break;
        }
        found += 1;
        // The return that makes them enough decides.
        if found != question.least {
            continue;
        }
        match kind {
            Kind::On => Cohort::count(retained, slot, slot + 1),
            Kind::OnOrAfter => reach = slot + 1,
            _ if slot == 0 => Cohort::count(retained, 0, 1),
            Kind::OnOrBefore => {
                Cohort::count(retained, slot, elapsed);
                break;
            }
            Kind::Streak if slot == streak + 1 => {
                streak = slot;
                Cohort::count(retained, slot, slot + 1);
            }
            Kind::Streak => break,
        }
    }
    Cohort::count(retained, 0, reach.min(elapsed));
    Ok(())
}
