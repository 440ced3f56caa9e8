//! What the readouts mean, as plainly as it can be said: sets of (user, day), and loops over every period and every user.
//! Shares with the crate the types its answers come in, and no rule.

use chrono::{Datelike, Days, Months, NaiveDate};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use user_metrics_core::activity::active_users::ActiveUsers;
use user_metrics_core::activity::cohort_table::{CohortRow, TABLE_WEEKS};
use user_metrics_core::activity::engagement::Engagement;
use user_metrics_core::activity::lifecycle::Lifecycle;
use user_metrics_core::activity::retention::{Cell, Clock, Kind, Question};
use user_metrics_core::activity::stickiness::Stickiness;
use user_metrics_core::base::calendar::{Calendar, Grain, Window};
use user_metrics_core::base::days::Day;

type User = u32;
type Users = BTreeSet<User>;

/// A log as its rows, and what of it is looked at.
#[derive(Clone, Debug)]
pub struct Log {
    pub rows: BTreeSet<(User, Day)>,
    pub window: Window,
}

pub fn date(day: Day) -> NaiveDate {
    let (epoch, days) = (NaiveDate::from_ymd_opt(2000, 1, 1), Days::new(day.unsigned_abs().into()));
    let date = epoch.and_then(|e| if day < 0 { e.checked_sub_days(days) } else { e.checked_add_days(days) });
    date.expect("a day of the calendar")
}

pub fn day(date: NaiveDate) -> Day {
    date.signed_duration_since(self::date(0)).num_days() as Day
}

/// The first day of the period a day lies in.
pub fn start_of(calendar: Calendar, day: Day) -> Day {
    let date = date(day);
    let months_back = |months: i32| {
        let back = (date.month0() as i32 - i32::from(calendar.year_start)).rem_euclid(months) as u32;
        let first = date.with_day(1).expect("a first of a month");
        self::day(first.checked_sub_months(Months::new(back)).expect("a month of the calendar"))
    };
    match calendar.grain {
        Grain::Day => day,
        Grain::Week => {
            let weekday = date.weekday().num_days_from_monday() as Day;
            day - (weekday - Day::from(calendar.week_start)).rem_euclid(7)
        }
        Grain::Month => months_back(1),
        Grain::Quarter => months_back(3),
        Grain::Year => months_back(12),
    }
}

/// The first day of the period after the one that starts on a day.
pub fn next(calendar: Calendar, start: Day) -> Day {
    let months = |n| day(date(start).checked_add_months(Months::new(n)).expect("a month of the calendar"));
    match calendar.grain {
        Grain::Day => start + 1,
        Grain::Week => start + 7,
        Grain::Month => months(1),
        Grain::Quarter => months(3),
        Grain::Year => months(12),
    }
}

/// The periods from the one of `first` to the one of `last`.
fn periods(calendar: Calendar, first: Day, last: Day) -> Vec<Range<Day>> {
    let start = start_of(calendar, first);
    let starts = std::iter::successors(Some(start), |&start| Some(next(calendar, start)));
    starts.take_while(|&start| start <= last).map(|start| start..next(calendar, start)).collect()
}

impl Log {
    /// The last day that had begun when observation ended. A request in that very instant, if it counts, shows its day.
    fn last_day(&self) -> Day {
        if !self.window.at_end {
            return self.window.begun;
        }
        let active = self.rows.iter().map(|row| row.1).filter(|&day| day <= self.window.elapsed).max();
        self.window.begun.max(active.unwrap_or(self.window.begun))
    }

    /// Per user the days observed, those before `since` among them.
    fn users(&self) -> BTreeMap<User, BTreeSet<Day>> {
        let (mut users, last) = (BTreeMap::<_, BTreeSet<_>>::new(), self.last_day());
        for &(user, day) in self.rows.iter().filter(|row| row.1 <= last) {
            users.entry(user).or_default().insert(day);
        }
        users
    }

    /// The days a series shows.
    fn shown(&self) -> Option<(Day, Day)> {
        let first = self.users().values().flatten().min().copied()?;
        let shown = (first.max(self.window.since.unwrap_or(first)), self.last_day());
        (shown.0 <= shown.1).then_some(shown)
    }

    /// Who was active on any of the days.
    fn active(&self, days: Range<Day>) -> Users {
        self.rows.iter().filter(|row| days.contains(&row.1)).map(|row| row.0).collect()
    }

    fn is_complete(&self, period: &Range<Day>) -> bool {
        let cut = self.window.whole_from.is_some_and(|from| period.start < from);
        period.end <= self.window.elapsed && !cut
    }

    /// The first day of the log.
    fn begins(&self) -> Day {
        self.rows.iter().map(|row| row.1).min().unwrap_or(Day::MAX)
    }

    /// The period is complete and lies within the log.
    fn is_whole(&self, period: &Range<Day>) -> bool {
        self.begins() <= period.start && self.is_complete(period)
    }

    /// Whose first day ever is one of the days.
    fn newcomers(&self, days: Range<Day>) -> Users {
        let first = |days: &BTreeSet<Day>| days.first().copied();
        self.users().into_iter().filter(|(_, d)| first(d).is_some_and(|d| days.contains(&d))).map(|(u, _)| u).collect()
    }

    pub fn active_users(&self, calendar: Calendar) -> Vec<ActiveUsers> {
        let Some((first, last)) = self.shown() else { return Vec::new() };
        let row = |period: Range<Day>| {
            let shown = period.start.max(first)..period.end.min(last + 1);
            ActiveUsers {
                start: period.start,
                active: self.active(shown.clone()).len() as u64,
                new: self.newcomers(shown).len() as u64,
                complete: self.is_whole(&period),
            }
        };
        periods(calendar, first, last).into_iter().map(row).collect()
    }

    pub fn engagement(&self) -> Vec<Engagement> {
        let Some((first, last)) = self.shown() else { return Vec::new() };
        let log_begins = self.rows.iter().map(|row| row.1).min().unwrap_or(first);
        let trailing = |day: Day, days: Day| self.active(day - days + 1..day + 1).len() as u64;
        let row = |day| Engagement {
            day,
            daily: trailing(day, 1),
            weekly: trailing(day, 7),
            monthly: trailing(day, 30),
            complete: self.is_complete(&(day..day + 1)) && day - 29 >= log_begins,
        };
        (first..=last).map(row).collect()
    }

    pub fn lifecycle(&self, calendar: Calendar) -> Vec<Lifecycle> {
        let Some((first, last)) = self.shown() else { return Vec::new() };
        let mut before = {
            let start = start_of(calendar, first);
            self.active(start_of(calendar, start - 1)..start)
        };
        let row = |period: Range<Day>| {
            let shown = period.start.max(first)..period.end.min(last + 1);
            let (active, new) = (self.active(shown.clone()), self.newcomers(shown));
            let old = active.difference(&new);
            let (retained, resurrected): (Users, Users) = old.partition(|user| before.contains(user));
            let complete = self.is_whole(&period);
            let is_known = complete && self.begins() <= start_of(calendar, period.start - 1);
            let row = Lifecycle {
                start: period.start,
                before: (self.rows.iter().map(|row| row.1).min() < Some(period.start)).then_some(before.len() as u64),
                active: active.len() as u64,
                new: new.len() as u64,
                retained: retained.len() as u64,
                resurrected: resurrected.len() as u64,
                churned: is_known.then(|| before.difference(&active).count() as u64),
                complete,
            };
            before = self.active(period.start..period.end.min(last + 1));
            row
        };
        periods(calendar, first, last).into_iter().map(row).collect()
    }

    pub fn stickiness(&self, days: Day) -> Vec<Stickiness> {
        let (last, since) = (self.last_day(), self.window.since.unwrap_or(Day::MIN));
        if !self.rows.iter().any(|row| (since..=last).contains(&row.1)) {
            return Vec::new();
        }
        let first = (last - days + 1).max(since);
        let within =
            |user_days: BTreeSet<Day>| user_days.iter().filter(|day| (first..=last).contains(day)).count() as Day;
        let counts = self.users().into_values().map(within).filter(|&n| n > 0).collect::<Vec<_>>();
        let having = |holds: &dyn Fn(Day) -> bool| counts.iter().filter(|&&n| holds(n)).count() as u64;
        let row = |k| Stickiness {
            active_days: k,
            users: having(&|n| n == k),
            at_least: having(&|n| n >= k),
            all: counts.len() as u64,
        };
        (1..=days).map(row).collect()
    }

    /// The members of every cohort.
    fn cohorts(&self, cohort: Calendar, clock: Clock) -> BTreeMap<Day, Vec<Member>> {
        let mut cohorts = BTreeMap::<Day, Vec<Member>>::new();
        for days in self.users().into_values() {
            if let Some(&first) = days.first()
                && self.window.since.is_none_or(|since| since <= first)
            {
                let member = Member::new(&days, first, clock, self.last_day().max(self.window.elapsed));
                cohorts.entry(start_of(cohort, first)).or_default().push(member);
            }
        }
        cohorts
    }

    /// The figures of some members in the periods asked for, or in all whose first day has begun or elapsed for any of them.
    fn cells(&self, cohort: Option<Day>, members: &[&Member], question: &Question) -> Vec<Cell> {
        let starts_by = |m: &Member, k: i32, day| m.starts.get(k as usize).is_some_and(|&start| start <= day);
        let has_elapsed = |m: &Member, k| starts_by(m, k + 1, self.window.elapsed);
        // A day that a zone skipped has elapsed without ever having begun, and so has what begins with it.
        let last = self.last_day().max(self.window.elapsed - 1);
        let all = || (0..).take_while(|&k| members.iter().any(|m| starts_by(m, k, last))).collect();
        let row = |number| {
            let eligible = members.iter().filter(|m| has_elapsed(m, number)).collect::<Vec<_>>();
            Cell {
                cohort,
                users: members.len() as u64,
                number,
                eligible: eligible.len() as u64,
                retained: eligible.iter().filter(|m| m.is_retained(question.kind, number)).count() as u64,
                whole: cohort.is_none_or(|start| self.is_whole(&(start..next(question.cohort, start)))),
            }
        };
        question.offsets.clone().unwrap_or_else(all).into_iter().map(row).collect()
    }

    pub fn matrix(&self, question: &Question) -> Vec<Cell> {
        let cohorts = self.cohorts(question.cohort, question.clock);
        let rows = cohorts.iter().map(|(&start, ms)| self.cells(Some(start), &ms.iter().collect::<Vec<_>>(), question));
        rows.flatten().collect()
    }

    pub fn curve(&self, question: &Question) -> Vec<Cell> {
        let cohorts = self.cohorts(question.cohort, question.clock);
        match &cohorts.values().flatten().collect::<Vec<_>>()[..] {
            [] => Vec::new(),
            everyone => self.cells(None, everyone, question),
        }
    }

    pub fn cohort_table(&self) -> Vec<CohortRow> {
        let months = Calendar::plain(Grain::Month);
        let rows = self.cohorts(months, Clock::Rolling(7)).into_iter().map(|(cohort, members)| {
            let share = |week: i32| {
                let over = |m: &Member| m.starts.get(week as usize).is_some_and(|&end| end <= self.window.elapsed);
                let active = members.iter().filter(|m| m.active.contains(&(week - 1))).count();
                members.iter().all(over).then(|| active as f64 / members.len() as f64)
            };
            CohortRow { cohort, users: members.len() as u64, weeks: TABLE_WEEKS.map(share) }
        });
        rows.collect()
    }
}

/// A user with periods of their own.
struct Member {
    /// The first day of each period, up to the first that is of no interest.
    starts: Vec<Day>,
    /// The numbers of the periods with a request.
    active: BTreeSet<i32>,
}

impl Member {
    fn new(days: &BTreeSet<Day>, first: Day, clock: Clock, until: Day) -> Self {
        let start = match clock {
            Clock::Calendar(calendar) => start_of(calendar, first),
            Clock::Rolling(_) | Clock::Hours(_) => first,
        };
        let after = |&start: &Day| match clock {
            Clock::Calendar(calendar) => Some(next(calendar, start)),
            Clock::Rolling(length) => Some(start + length),
            // Of days there is none.
            Clock::Hours(_) => None,
        };
        let mut starts: Vec<Day> =
            std::iter::successors(Some(start), after).take_while(|&start| start <= until).collect();
        starts.extend(starts.last().and_then(after));
        let number = |day| starts.iter().filter(|&&start| start <= day).count() as i32 - 1;
        let active = days.iter().map(|&day| number(day)).collect();
        Member { starts, active }
    }

    fn is_retained(&self, kind: Kind, k: i32) -> bool {
        match kind {
            _ if k == 0 => true,
            Kind::On => self.active.contains(&k),
            Kind::OnOrAfter => self.active.iter().any(|&n| n >= k),
            Kind::OnOrBefore => self.active.iter().any(|n| (1..=k).contains(n)),
            Kind::Streak => (1..=k).all(|n| self.active.contains(&n)),
        }
    }
}
