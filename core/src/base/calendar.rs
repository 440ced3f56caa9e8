//! Local days, the periods they form, and which of them have elapsed.
//!
//! Days are subtracted as numbers, never as seconds / 86400: a day of 23, 25 or 24½ hours is one day.

use crate::base::days::Day;
use crate::base::error::{Error, Result};
use chrono::{Datelike, NaiveDate};

/// Microseconds since 2000-01-01 00:00 UTC, as PostgreSQL's `timestamptz` counts them.
pub type Micros = i64;

/// Microseconds of a UTC day.
pub const DAY_MICROS: i64 = 86_400_000_000;

/// 2000-01-01 UTC. Earlier requests are left out: no product of this kind is that old, and a time of 1970 is one that was
/// never set.
pub const BEGINNING: Micros = 0;

/// 2000-01-01 in chrono's count of days.
const EPOCH_FROM_CE: i32 = 730_120;

/// A range of time over which a zone keeps one offset: `from <= t < until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// First instant.
    pub from: Micros,
    /// First instant after.
    pub until: Micros,
    /// Local time minus UTC.
    pub offset: Micros,
}

/// Converts instants to local days, and remembers the offsets it was given.
#[derive(Debug, Default)]
pub struct LocalDays {
    segments: Vec<Segment>,
    /// The part of the local day that contained the last instant: rows mostly come in time order.
    recent: Today,
}

/// A range of one local day under one offset: `from <= t < until`. The default is empty.
#[derive(Clone, Copy, Debug, Default)]
struct Today {
    from: Micros,
    until: Micros,
    offset: Micros,
    day: Day,
}

impl LocalDays {
    /// The most segments kept; beyond that the cache is emptied. No zone has a tenth of it within the range of a log.
    const MOST: usize = 4096;

    /// The local day of an instant; `find` returns the segment around an instant not seen before.
    #[inline]
    pub fn day(&mut self, at: Micros, find: impl FnOnce(Micros) -> Result<Segment>) -> Result<Day> {
        if !(self.recent.from <= at && at < self.recent.until) {
            self.recent = self.today(at, find)?;
        }
        Ok(self.recent.day)
    }

    /// The local time of an instant, as microseconds of a clock that shows UTC.
    #[inline]
    pub fn local(&mut self, at: Micros, find: impl FnOnce(Micros) -> Result<Segment>) -> Result<Micros> {
        self.day(at, find)?;
        Ok(at.saturating_add(self.recent.offset))
    }

    /// The range of constant offset around an instant, as far as it is known; `find` as for [`day`](LocalDays::day).
    pub fn segment(&mut self, at: Micros, find: impl FnOnce(Micros) -> Result<Segment>) -> Result<Segment> {
        let i = self.segments.partition_point(|s| s.until <= at);
        match self.segments.get(i) {
            Some(&known) if known.from <= at => Ok(known),
            _ => Ok(self.remember(i, find(at)?)),
        }
    }

    #[cold]
    #[inline(never)]
    fn today(&mut self, at: Micros, find: impl FnOnce(Micros) -> Result<Segment>) -> Result<Today> {
        let segment = self.segment(at, find)?;
        let local = at.saturating_add(segment.offset);
        let midnight = at.saturating_sub(local.rem_euclid(DAY_MICROS));
        Ok(Today {
            from: midnight.max(segment.from),
            until: midnight.saturating_add(DAY_MICROS).min(segment.until),
            offset: segment.offset,
            day: local.div_euclid(DAY_MICROS) as Day,
        })
    }

    /// Inserts a new segment, merged with adjacent ones of the same offset.
    fn remember(&mut self, mut i: usize, mut new: Segment) -> Segment {
        if self.segments.len() >= Self::MOST {
            self.segments.clear();
            i = 0;
        }
        if let Some(after) = self.segments.get(i).filter(|s| s.from == new.until && s.offset == new.offset) {
            new.until = after.until;
            self.segments.remove(i);
        }
        if let Some(before) = i.checked_sub(1).and_then(|j| self.segments.get_mut(j))
            && before.until == new.from
            && before.offset == new.offset
        {
            before.until = new.until;
            return *before;
        }
        self.segments.insert(i, new);
        new
    }
}

/// The length of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grain {
    /// A local day.
    Day,
    /// Seven days.
    Week,
    /// A calendar month.
    Month,
    /// Three calendar months.
    Quarter,
    /// A calendar year.
    Year,
}

impl Grain {
    const WORDS: [(&'static str, Grain); 5] = [
        ("day", Grain::Day),
        ("week", Grain::Week),
        ("month", Grain::Month),
        ("quarter", Grain::Quarter),
        ("year", Grain::Year),
    ];

    /// The grain given by the caller in argument `name`.
    pub fn parse(name: &'static str, given: &str) -> Result<Self> {
        let found = Self::WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(given));
        found.map(|&(_, grain)| grain).ok_or_else(|| Error::not_one_of(name, given, &Self::WORDS.map(|(word, _)| word)))
    }

    /// Its name in SQL.
    pub fn name(self) -> &'static str {
        Self::WORDS.iter().find(|(_, grain)| *grain == self).map_or("", |(word, _)| word)
    }
}

/// One period: days `start..end`, numbered consecutively.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its number.
    pub index: i32,
    /// Its first day.
    pub start: Day,
    /// The first day after it.
    pub end: Day,
}

/// Divides days into periods.
#[derive(Clone, Copy, Debug)]
pub struct Calendar {
    /// The length of a period.
    pub grain: Grain,
    /// The first day of the week: 0 is Monday … 6 is Sunday.
    pub week_start: u8,
    /// The first month of the year, and with it the quarters: 0 is January … 11 is December.
    pub year_start: u8,
}

impl Calendar {
    /// Weeks from Monday and years from January.
    pub const fn plain(grain: Grain) -> Self {
        Calendar { grain, week_start: 0, year_start: 0 }
    }

    /// The period that contains a day. Only days that [`NaiveDate`] can represent (±262,000 years) have months.
    pub fn period(&self, day: Day) -> Result<Period> {
        match self.grain {
            Grain::Day => Ok(Period { index: day, start: day, end: day.saturating_add(1) }),
            Grain::Week => {
                // 2000-01-03, day 2, was a Monday.
                let anchor = 2 + i32::from(self.week_start);
                let index = (i64::from(day) - i64::from(anchor)).div_euclid(7) as i32;
                Self::days_of(index, 7 * i64::from(index) + i64::from(anchor), 7)
            }
            Grain::Month | Grain::Quarter | Grain::Year => {
                let (months, from) = (self.months(), self.first_month());
                let date = day.checked_add(EPOCH_FROM_CE).and_then(NaiveDate::from_num_days_from_ce_opt);
                let date = date.ok_or_else(|| out_of_range(day))?;
                let index = (date.year() * 12 + date.month0() as i32 - from).div_euclid(months);
                let start = index * months + from;
                Ok(Period { index, start: first_of_month(start)?, end: first_of_month(start + months)? })
            }
        }
    }

    /// The period with a number returned by [`period`](Calendar::period), or near it.
    pub fn numbered(&self, index: i32) -> Result<Period> {
        match self.grain {
            Grain::Day => self.period(index),
            Grain::Week => Self::days_of(index, 7 * i64::from(index) + 2 + i64::from(self.week_start), 7),
            Grain::Month | Grain::Quarter | Grain::Year => {
                let first = index.checked_mul(self.months()).and_then(|first| first.checked_add(self.first_month()));
                let first = first.ok_or_else(|| out_of_range(index))?;
                let next = first.checked_add(self.months()).ok_or_else(|| out_of_range(index))?;
                Ok(Period { index, start: first_of_month(first)?, end: first_of_month(next)? })
            }
        }
    }

    fn days_of(index: i32, start: i64, days: i64) -> Result<Period> {
        let day = |d: i64| Day::try_from(d).map_err(|_| out_of_range(index));
        Ok(Period { index, start: day(start)?, end: day(start + days)? })
    }

    /// The month in which periods begin, of those that are longer than a month.
    fn first_month(&self) -> i32 {
        if self.grain == Grain::Month { 0 } else { i32::from(self.year_start) }
    }

    fn months(&self) -> i32 {
        match self.grain {
            Grain::Quarter => 3,
            Grain::Year => 12,
            _ => 1,
        }
    }
}

/// The day on which the periods of a [`Cycle`] begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The first of a month, and the first day of the week as set.
    Standard,
    /// The day of the month, from 1 to 31 and at most the last one, or of the week, from 1 for Monday.
    Day(u8),
    /// The day of the month or of the week on which something began.
    First,
}

/// Days, weeks or months that begin on a day of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// The length of a period; quarters and years begin as those of a calendar.
    pub grain: Grain,
    /// Where periods begin.
    pub anchor: Anchor,
}

impl Cycle {
    /// The period of a day, for what began on the day `first`; weeks and years begin as those of a calendar of any grain.
    pub fn period(&self, day: Day, first: Day, standard: Calendar) -> Result<Period> {
        let months = Calendar { grain: Grain::Month, ..standard };
        let anchor = match (self.anchor, self.grain) {
            (Anchor::Standard, _) => None,
            (Anchor::Day(day), _) => Some(i32::from(day)),
            // 2000-01-03, day 2, was a Monday.
            (Anchor::First, Grain::Week) => Some((i64::from(first) - 2).rem_euclid(7) as i32 + 1),
            (Anchor::First, _) => Some(first - months.period(first)?.start + 1),
        };
        match (self.grain, anchor) {
            (Grain::Week, Some(weekday)) => {
                let week_start = (weekday - 1).clamp(0, 6) as u8;
                Calendar { grain: Grain::Week, week_start, ..standard }.period(day)
            }
            (Grain::Month, Some(anchor)) => {
                let index = months.period(day)?.index;
                let start = |index: i32| -> Result<Day> {
                    let month = months.numbered(index)?;
                    Ok(month.start + (anchor.max(1) - 1).min(month.end - month.start - 1))
                };
                let index = if start(index)? <= day { index } else { index - 1 };
                Ok(Period { index, start: start(index)?, end: start(index + 1)? })
            }
            _ => Calendar { grain: self.grain, ..standard }.period(day),
        }
    }
}

/// The periods of days that mostly come in order: the last one found is tried first.
#[derive(Clone, Copy, Debug)]
pub struct Periods {
    calendar: Calendar,
    recent: Option<Period>,
}

impl Periods {
    /// Of a calendar.
    pub fn new(calendar: Calendar) -> Self {
        Periods { calendar, recent: None }
    }

    /// The period of a day.
    #[inline]
    pub fn of(&mut self, day: Day) -> Result<Period> {
        match self.recent {
            Some(period) if period.start <= day && day < period.end => Ok(period),
            _ => Ok(*self.recent.insert(self.calendar.period(day)?)),
        }
    }
}

/// The first day of a month counted from year 0.
fn first_of_month(months: i32) -> Result<Day> {
    let date = NaiveDate::from_ymd_opt(months.div_euclid(12), months.rem_euclid(12) as u32 + 1, 1);
    date.map(|d| d.num_days_from_ce() - EPOCH_FROM_CE).ok_or_else(|| out_of_range(months))
}

/// A day as a date, for messages.
pub fn date_text(day: Day) -> String {
    match day {
        Day::MIN => return "-infinity".to_owned(),
        Day::MAX => return "infinity".to_owned(),
        _ => (),
    }
    let date = day.checked_add(EPOCH_FROM_CE).and_then(NaiveDate::from_num_days_from_ce_opt);
    date.map_or_else(|| format!("day {day}"), |date| date.to_string())
}

fn out_of_range(given: i32) -> Error {
    Error::Argument {
        name: "as_of",
        given: format!("day {given}"),
        accepted: "a date whose periods lie between the years -262000 and 262000".to_owned(),
    }
}

/// The end of observation: `as_of`, by default `until` or else the last request; never later than now.
pub fn observed_until(until: Option<Micros>, as_of: Option<Micros>, last_at: Option<Micros>, now: Micros) -> Micros {
    as_of.or(until).or(last_at).unwrap_or(now).min(until.unwrap_or(now)).min(now).max(Micros::MIN + 1)
}

/// Whether a length of time from an instant on, both ends included, has elapsed at the end of observation: then a user is
/// *eligible* for what may happen in it.
pub fn has_elapsed(from: Micros, length: Micros, end: Micros) -> bool {
    from.saturating_add(length) < end
}

/// The observed range as local days: what a function shows and what it can know.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// The first day shown, if the caller gave one. Earlier days only tell which users are new or were active before.
    pub since: Option<Day>,
    /// The first day shown in full: `since`, or the next day if `since` is not a local midnight.
    pub whole_from: Option<Day>,
    /// Days before this one have elapsed: it is the local day of `as_of`.
    pub elapsed: Day,
    /// The last day that began before `as_of`.
    pub begun: Day,
    /// Whether a request exactly at `as_of`, a local midnight, may show its day. False if `until` is the same instant.
    pub at_end: bool,
}

impl Window {
    /// The window for `since`, `until` and `as_of` of a caller. Observation ends at `as_of`, by default at `until` or else
    /// at the last request; never later than `now`. `day` returns the local day of an instant.
    pub fn observed(
        (since, until, as_of): (Option<Micros>, Option<Micros>, Option<Micros>),
        last_at: Option<Micros>,
        now: Micros,
        mut day: impl FnMut(Micros) -> Result<Day>,
    ) -> Result<Self> {
        let since = since.filter(|&since| since != Micros::MIN);
        let end = observed_until(until, as_of, last_at, now);
        let (elapsed, begun) = (day(end)?, day(end.saturating_sub(1))?);
        let since_day = since.map(|since| day(since.min(now.saturating_add(DAY_MICROS)))).transpose()?;
        let whole_from = match since {
            Some(since) if Some(day(since.saturating_sub(1))?) == since_day => since_day.map(|day| day + 1),
            _ => since_day,
        };
        Ok(Window { since: since_day, whole_from, elapsed, begun, at_end: until.is_none_or(|until| end < until) })
    }

    /// A window over everything up to a moment on day `elapsed`, which has begun.
    pub fn up_to(elapsed: Day) -> Self {
        Window { since: None, whole_from: None, elapsed, begun: elapsed, at_end: true }
    }

    /// Whether a day is shown.
    #[inline]
    pub fn shows(&self, day: Day) -> bool {
        self.since.is_none_or(|since| since <= day)
    }

    /// Whether all of a period has elapsed.
    #[inline]
    pub fn has_elapsed(&self, period: &Period) -> bool {
        period.end <= self.elapsed
    }

    /// Whether a period has elapsed and is shown in full.
    pub fn is_complete(&self, period: &Period) -> bool {
        self.has_elapsed(period) && self.whole_from.is_none_or(|from| from <= period.start)
    }
}

/// The observed range as instants: events with `since <= start < until`, as known at `end`.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// The first instant shown.
    pub since: Option<Micros>,
    /// The end of the range shown, exclusive.
    pub until: Option<Micros>,
    /// The end of observation.
    pub end: Micros,
}

impl Span {
    /// Whether an event that begins at `start` is shown.
    pub fn shows(&self, start: Micros) -> bool {
        let (since, until) = (self.since.unwrap_or(Micros::MIN), self.until.unwrap_or(Micros::MAX));
        start <= self.end && since <= start && start < until
    }
}
