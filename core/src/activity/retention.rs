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
use super::periods::last_day;
use crate::base::calendar::{Calendar, Grain, Period, Periods, Window};
use crate::base::days::Day;
use crate::base::error::{Error, Result};
use crate::base::memory::Claim;
use crate::function::{Argument, Call, Cell as Told, Column, Role, Type, column, column_about};
use crate::stats::interval::wilson;
use std::collections::BTreeMap;

/// The largest period number a caller may ask for.
const MOST_OFFSET: i32 = 100_000;

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
}

impl Clock {
    /// The clock of the given name, for periods of `calendar`.
    pub fn parse(given: &str, calendar: Calendar) -> Result<Self> {
        if given.eq_ignore_ascii_case("calendar") {
            return Ok(Clock::Calendar(calendar));
        }
        if !given.eq_ignore_ascii_case("rolling") {
            return Err(Error::not_one_of("clock", given, &["calendar", "rolling"]));
        }
        match calendar.grain {
            Grain::Day => Ok(Clock::Rolling(1)),
            Grain::Week => Ok(Clock::Rolling(7)),
            Grain::Month => Ok(Clock::Rolling(30)),
            Grain::Quarter | Grain::Year => {
                let (given, accepted) =
                    (format!("{:?}", calendar.grain).to_lowercase(), "day, week or month with the rolling clock");
                Err(Error::Argument { name: "period", given, accepted: accepted.to_owned() })
            }
        }
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
        about: "how periods are counted: calendar (calendar periods) or rolling (blocks of 1, 7 or 30 days from the \
                first day)",
    },
];

impl Question {
    /// The parameters of a call.
    pub(super) fn of(call: &Call<'_>) -> Result<Self> {
        let period = call.calendar("period", "week")?;
        Ok(Question {
            cohort: call.calendar("cohort", "week")?,
            clock: Clock::parse(call.text("clock").unwrap_or("calendar"), period)?,
            kind: Kind::parse(call.text("kind").unwrap_or("on"))?,
            offsets: call
                .integers("offsets")
                .map(|given| Question::offsets(given.iter().copied().flatten().collect()))
                .transpose()?,
        })
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
    pub fn complete(&self) -> bool {
        self.eligible == self.users
    }
}

/// Members of a cohort and their returns, as differences: entry k is the change from period k - 1.
pub(super) struct Cohort {
    pub(super) users: u64,
    pub(super) eligible: Vec<i64>,
    pub(super) retained: Vec<i64>,
}

impl Cohort {
    pub(super) fn reach(&mut self, length: usize, claim: &mut Claim) -> Result<()> {
        for counts in [&mut self.eligible, &mut self.retained] {
            claim.extend_to(counts, length)?;
        }
        Ok(())
    }

    /// Counts a member in the periods `from..until`.
    fn count(counts: &mut [i64], from: usize, until: usize) {
        if from < until {
            counts[from] += 1;
            counts[until] -= 1;
        }
    }
}

/// The periods of one member.
struct Member {
    clock: Clock,
    first_day: Day,
    first: Period,
}

impl Member {
    fn new(clock: Clock, first_day: Day) -> Result<Self> {
        let first = match clock {
            Clock::Calendar(calendar) => calendar.period(first_day)?,
            Clock::Rolling(days) => Period { index: 0, start: first_day, end: first_day.saturating_add(days) },
        };
        Ok(Member { clock, first_day, first })
    }

    fn period(&self, day: Day) -> Result<Period> {
        match self.clock {
            _ if day < self.first.end => Ok(self.first),
            Clock::Calendar(calendar) => calendar.period(day),
            Clock::Rolling(days) => {
                let index = (day - self.first_day) / days;
                let start = self.first_day + index * days;
                Ok(Period { index, start, end: start + days })
            }
        }
    }

    /// The number of the member's periods that have elapsed when the days before `elapsed` have.
    fn elapsed(&self, elapsed: Day) -> Result<usize> {
        if elapsed < self.first.end {
            return Ok(0);
        }
        // The period that contains the first open day has not elapsed; those before it have.
        Ok((self.period(elapsed)?.index - self.first.index) as usize)
    }
}

/// Turns a cohort's differences into its cells.
pub(super) fn push_cells(
    start: Option<Day>,
    from: &Cohort,
    question: &Question,
    to: &mut Vec<Cell>,
    claim: &mut Claim,
) -> Result<()> {
    let users = from.users;
    let (mut eligible, mut retained, mut next) = (0i64, 0i64, 0usize);
    // The last entry only closes the differences; it is no period.
    let periods = from.eligible.len().saturating_sub(1);
    let mut cell = |number: usize, claim: &mut Claim| {
        while next <= number && next < periods {
            eligible += from.eligible[next];
            retained += from.retained[next];
            next += 1;
        }
        let known = number < periods;
        let counts = if known { (eligible as u64, retained as u64) } else { (0, 0) };
        claim.push(to, Cell { cohort: start, users, number: number as i32, eligible: counts.0, retained: counts.1 })
    };
    match &question.offsets {
        Some(offsets) => offsets.iter().try_for_each(|&k| cell(k as usize, claim)),
        None => (0..periods).try_for_each(|k| cell(k, claim)),
    }
}

pub(super) fn cohorts(
    view: &View<'_>,
    question: &Question,
    window: &Window,
    claim: &mut Claim,
) -> Result<BTreeMap<Day, Cohort>> {
    let last = last_day(view, window)?;
    let mut cohorts = BTreeMap::<Day, Cohort>::new();
    let mut periods = Periods::new(question.cohort);
    view.each(|_, days| {
        let days = &days[..days.partition_point(|&day| day <= last)];
        let Some(&first_day) = days.first().filter(|&&day| window.shows(day)) else { return Ok(()) };
        let period = periods.of(first_day)?;
        let cohort = match cohorts.entry(period.start) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                claim.grow(size_of::<(Day, Cohort)>() * 2)?;
                entry.insert(Cohort { users: 0, eligible: Vec::new(), retained: Vec::new() })
            }
        };
        let member = Member::new(question.clock, first_day)?;
        // Periods 0 to the one of the last day have begun; one more entry closes the differences. A day skipped by the time
        // zone has elapsed without ever having begun.
        let last_begun = last.max(window.elapsed.saturating_sub(1));
        let begun = (member.period(last_begun)?.index - member.first.index) as usize + 1;
        let elapsed = member.elapsed(window.elapsed)?;
        cohort.reach(begun + 1, claim)?;
        cohort.users += 1;
        Cohort::count(&mut cohort.eligible, 0, elapsed);
        count_retained(&member, days, question.kind, elapsed, &mut cohort.retained)
    })?;
    Ok(cohorts)
}

/// Counts a member as retained in the elapsed periods, by the kind of retention.
fn count_retained(member: &Member, days: &[Day], kind: Kind, elapsed: usize, retained: &mut [i64]) -> Result<()> {
    if elapsed == 0 {
        return Ok(());
    }
    let number = |day: Day| member.period(day).map(|p| (p, (p.index - member.first.index) as usize));
    match kind {
        Kind::On | Kind::Streak => {
            let (mut within, mut streak) = (member.first, 0);
            Cohort::count(retained, 0, 1);
            for &day in days.iter().filter(|&&day| day >= member.first.end) {
                if day < within.end {
                    continue;
                }
                let (period, k) = number(day)?;
                within = period;
                if k >= elapsed || (kind == Kind::Streak && k != streak + 1) {
                    break;
                }
                streak = k;
                Cohort::count(retained, k, k + 1);
            }
        }
        Kind::OnOrAfter => {
            let (_, k) = days.last().map_or(Ok((member.first, 0)), |&day| number(day))?;
            Cohort::count(retained, 0, elapsed.min(k + 1));
        }
        Kind::OnOrBefore => {
            Cohort::count(retained, 0, 1);
            if let Some(&day) = days.iter().find(|&&day| day >= member.first.end) {
                Cohort::count(retained, number(day)?.1, elapsed);
            }
        }
    }
    Ok(())
}
