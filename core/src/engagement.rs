//! How many are active, and how often: active users a period, trailing daily, weekly and monthly users, stickiness.
//!
//! A user is active in a period or on a day with at least one request in it; counts are of distinct users, exact.
//! Definitions D1-D4. The trailing week of a day is that day and the six before, the trailing month that day and the 29
//! before. Peers mix stickiness as a ratio (daily over monthly users) with stickiness as a distribution (how many were
//! active on exactly k days); [`engagement`] gives the one, [`stickiness`] the other.

use crate::activity::View;
use crate::calendar::{Calendar, Period, Window};
use crate::days::Day;
use crate::error::{Error, Result};
use crate::host::{self, Claim};

/// Days of the trailing windows.
const WEEK: i32 = 7;
const MONTH: i32 = 30;
/// The longest window stickiness looks back.
const MOST_DAYS: i32 = 3660;

/// The last day of a series: the last that had begun, or a later one with activity that has not elapsed.
pub(crate) fn last_day(view: &View<'_>, window: &Window) -> Result<Day> {
    let mut last = window.begun;
    if window.at_end && last < window.elapsed && view.bounds().is_some_and(|(_, latest)| latest >= window.elapsed) {
        view.each(|_, days| {
            if days.binary_search(&window.elapsed).is_ok() {
                last = window.elapsed;
            }
            Ok(())
        })?;
    }
    Ok(last)
}

/// The days a series shows, from the first of the log (not before `since`) to the last; `None` where there are none.
pub(crate) fn shown_days(view: &View<'_>, window: &Window) -> Result<Option<(Day, Day)>> {
    let Some((first, _)) = view.bounds() else { return Ok(None) };
    let (first, last) = (first.max(window.since.unwrap_or(first)), last_day(view, window)?);
    Ok((first <= last).then_some((first, last)))
}

/// A figure per period, from the period of one day to that of another.
pub(crate) struct Series<T> {
    calendar: Calendar,
    first: i32,
    figures: Vec<T>,
    /// The period the last day asked about lies in: days come in order.
    recent: Option<Period>,
    _claim: Claim,
}

impl<T: Clone + Default> Series<T> {
    pub(crate) fn new(calendar: Calendar, (from, to): (Day, Day)) -> Result<Self> {
        let (first, last) = (calendar.period(from)?.index, calendar.period(to)?.index);
        let mut claim = Claim::passing();
        let figures = claim.filled(T::default(), (i64::from(last) - i64::from(first) + 1) as usize)?;
        Ok(Series { calendar, first, figures, recent: None, _claim: claim })
    }

    /// The number of a day's period.
    #[inline]
    pub(crate) fn index(&mut self, day: Day) -> Result<i32> {
        match self.recent {
            Some(p) if p.start <= day && day < p.end => Ok(p.index),
            _ => {
                let period = self.calendar.period(day)?;
                self.recent = Some(period);
                Ok(period.index)
            }
        }
    }

    #[inline]
    pub(crate) fn at(&mut self, index: i32) -> Option<&mut T> {
        self.figures.get_mut(usize::try_from(i64::from(index) - i64::from(self.first)).ok()?)
    }

    /// What is made of each period and its figure, in order.
    pub(crate) fn into_rows<R>(self, mut row: impl FnMut(Period, T) -> R) -> Result<Vec<R>> {
        let (mut claim, mut rows) = (Claim::passing(), Vec::new());
        claim.reserve(&mut rows, self.figures.len())?;
        for (index, figure) in (self.first..).zip(self.figures) {
            if rows.len() % host::POLL_EVERY == host::POLL_EVERY - 1 {
                host::poll();
            }
            rows.push(row(self.calendar.numbered(index)?, figure));
        }
        Ok(rows)
    }
}

/// Active users of one period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveUsers {
    /// First day of the period.
    pub start: Day,
    /// Users with at least one request in it.
    pub active: u64,
    /// Those whose first request ever lies in it.
    pub new: u64,
    /// Whether it has elapsed and is shown in full.
    pub complete: bool,
}

/// Active users per period, without gaps, from the first of the log to the last that had begun.
pub fn active_users(view: &View<'_>, calendar: Calendar, window: &Window) -> Result<Vec<ActiveUsers>> {
    let Some((first, last)) = shown_days(view, window)? else { return Ok(Vec::new()) };
    let mut series = Series::<(u64, u64)>::new(calendar, (first, last))?;
    view.each(|_, days| {
        let mut counted = None;
        for (i, &day) in days.iter().enumerate().take_while(|&(_, &day)| day <= last) {
            if day < first {
                continue;
            }
            let index = series.index(day)?;
            if let Some((active, new)) = series.at(index) {
                *active += u64::from(counted != Some(index));
                *new += u64::from(i == 0);
            }
            counted = Some(index);
        }
        Ok(())
    })?;
    series.into_rows(|period, (active, new)| ActiveUsers {
        start: period.start,
        active,
        new,
        complete: window.is_complete(&period),
    })
}

/// Trailing active users of one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engagement {
    /// The local day.
    pub day: Day,
    /// Users active on it.
    pub daily: u64,
    /// Users active on it or the six days before.
    pub weekly: u64,
    /// Users active on it or the 29 days before.
    pub monthly: u64,
    /// Whether the day has elapsed and the 30 days lie within the log.
    pub complete: bool,
}

impl Engagement {
    /// Daily over monthly users; `None` without monthly users.
    pub fn stickiness(&self) -> Option<f64> {
        (self.monthly > 0).then(|| self.daily as f64 / self.monthly as f64)
    }
}

/// Daily, trailing weekly and trailing monthly users of every day.
///
/// Each active day of a user covers the days until the window ends or the next active day takes over, so a difference
/// array counts every user once a day, in one step per active day.
pub fn engagement(view: &View<'_>, window: &Window) -> Result<Vec<Engagement>> {
    let (Some((first, last)), Some((log_first, _))) = (shown_days(view, window)?, view.bounds()) else {
        return Ok(Vec::new());
    };
    let (mut claim, length) = (Claim::passing(), (i64::from(last) - i64::from(first) + 1) as usize);
    let mut changes = claim.filled([0i64; 3], length + 1)?;
    view.each(|_, days| {
        for (i, &day) in days.iter().enumerate().take_while(|&(_, &day)| day <= last) {
            let next = days.get(i + 1).copied().unwrap_or(Day::MAX);
            for (window, length) in [1, WEEK, MONTH].into_iter().enumerate() {
                let (from, until) = (day.max(first), day.saturating_add(length).min(next).min(last + 1));
                if from < until {
                    changes[(from - first) as usize][window] += 1;
                    changes[(until - first) as usize][window] -= 1;
                }
            }
        }
        Ok(())
    })?;
    let mut rows = Vec::new();
    claim.reserve(&mut rows, length)?;
    let mut now = [0i64; 3];
    for (day, change) in (first..=last).zip(changes) {
        if rows.len() % host::POLL_EVERY == host::POLL_EVERY - 1 {
            host::poll();
        }
        (0..3).for_each(|i| now[i] += change[i]);
        let look_back = i64::from(log_first) + i64::from(MONTH) - 1 <= i64::from(day);
        let complete = look_back && window.is_complete(&Period { index: day, start: day, end: day + 1 });
        let [daily, weekly, monthly] = now.map(|n| n as u64);
        rows.push(Engagement { day, daily, weekly, monthly, complete });
    }
    Ok(rows)
}

/// How many users were active on exactly so many days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stickiness {
    /// Days active within the window, from 1.
    pub active_days: i32,
    /// Users active on exactly so many.
    pub users: u64,
    /// Users active on so many or more.
    pub at_least: u64,
    /// Users active on at least one.
    pub all: u64,
}

impl Stickiness {
    /// The users as a share of all active in the window; `None` if nobody was.
    pub fn share(&self) -> Option<f64> {
        (self.all > 0).then(|| self.users as f64 / self.all as f64)
    }
}

/// The number of days a caller asked [`stickiness`] for.
pub fn window_days(given: i32) -> Result<i32> {
    if (1..=MOST_DAYS).contains(&given) {
        return Ok(given);
    }
    let accepted = format!("a number of days from 1 to {MOST_DAYS}");
    Err(Error::Argument { name: "days", given: given.to_string(), accepted })
}

/// The distribution of active days over the last `days` days.
pub fn stickiness(view: &View<'_>, days: i32, window: &Window) -> Result<Vec<Stickiness>> {
    window_days(days)?;
    if view.users() == 0 {
        return Ok(Vec::new());
    }
    let last = last_day(view, window)?;
    let first = (last - days + 1).max(window.since.unwrap_or(last - days + 1));
    let mut users = vec![0u64; days as usize + 1]; // few: MOST_DAYS
    let mut anybody = false;
    view.each(|_, active| {
        let active = &active[..active.partition_point(|&day| day <= last)];
        anybody |= active.last().is_some_and(|&day| window.shows(day));
        users[active.len() - active.partition_point(|&day| day < first)] += 1;
        Ok(())
    })?;
    if !anybody {
        return Ok(Vec::new());
    }
    let all = users.iter().skip(1).sum();
    let mut at_least = all;
    let rows = users.iter().zip(0..).skip(1).map(|(&users, active_days)| {
        let row = Stickiness { active_days, users, at_least, all };
        at_least -= users;
        row
    });
    Ok(rows.collect()) // few: MOST_DAYS
}
