//! Local days, the periods they form, and what has elapsed.
//!
//! Days are subtracted as numbers, never as seconds / 86400: a day of 23, 25 or 24½ hours is one day.

use crate::base::days::Day;
use crate::base::error::{Error, Result};
use chrono::{Datelike, NaiveDate};

/// Microseconds since 2000-01-01 00:00 UTC, as PostgreSQL's `timestamptz` counts them.
pub type Micros = i64;

/// Microseconds of a UTC day.
pub const DAY_MICROS: i64 = 86_400_000_000;

/// 2000-01-01 in chrono's count of days.
const EPOCH_FROM_CE: i32 = 730_120;

/// A stretch of time over which a zone keeps one offset: `from <= t < until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// First instant.
    pub from: Micros,
    /// First instant after.
    pub until: Micros,
    /// Local time minus UTC.
    pub offset: Micros,
}

/// Turns instants into local days, remembering the offsets it was told.
#[derive(Debug, Default)]
pub struct LocalDays {
    segments: Vec<Segment>,
    /// The part of its local day that held the last instant: rows mostly come in time order.
    recent: Today,
}

/// A stretch of one local day under one offset: `from <= t < until`. The default holds nothing.
#[derive(Clone, Copy, Debug, Default)]
struct Today {
    from: Micros,
    until: Micros,
    offset: Micros,
    day: Day,
}

impl LocalDays {
    /// Segments kept at most; beyond that the memory starts again. No zone has a tenth of it within a log's life.
    const MOST: usize = 4096;

    /// The local day of an instant; `find` is asked for the segment around an instant not met before.
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

    /// The stretch of constant offset around an instant, as far as it is known; `find` as for [`day`](LocalDays::day).
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

    /// Keeps a new segment at its place, as one with its neighbours where they touch under the same offset.
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

/// How long a period is.
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

    /// The grain a caller named in argument `name`.
    pub fn parse(name: &'static str, given: &str) -> Result<Self> {
        let found = Self::WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(given));
        found.map(|&(_, grain)| grain).ok_or_else(|| Error::not_one_of(name, given, &Self::WORDS.map(|(word, _)| word)))
    }
}

/// One period: days `start..end`, numbered so that the next has the next number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its number.
    pub index: i32,
    /// Its first day.
    pub start: Day,
    /// The first day after it.
    pub end: Day,
}

/// Cuts days into periods.
#[derive(Clone, Copy, Debug)]
pub struct Calendar {
    /// How long a period is.
    pub grain: Grain,
    /// The day weeks start with: 0 is Monday … 6 is Sunday.
    pub week_start: u8,
}

impl Calendar {
    /// The period a day lies in. Only days that [`NaiveDate`] can count (±262,000 years) have months.
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
                let months = self.months();
                let date = day.checked_add(EPOCH_FROM_CE).and_then(NaiveDate::from_num_days_from_ce_opt);
                let date = date.ok_or_else(|| out_of_range(day))?;
                let index = (date.year() * 12 + date.month0() as i32).div_euclid(months);
                Ok(Period { index, start: first_of_month(index * months)?, end: first_of_month((index + 1) * months)? })
            }
        }
    }

    /// The period of a number that [`period`](Calendar::period) gave, or near it.
    pub fn numbered(&self, index: i32) -> Result<Period> {
        match self.grain {
            Grain::Day => self.period(index),
            Grain::Week => Self::days_of(index, 7 * i64::from(index) + 2 + i64::from(self.week_start), 7),
            Grain::Month | Grain::Quarter | Grain::Year => {
                let first = index.checked_mul(self.months()).ok_or_else(|| out_of_range(index))?;
                let next = first.checked_add(self.months()).ok_or_else(|| out_of_range(index))?;
                Ok(Period { index, start: first_of_month(first)?, end: first_of_month(next)? })
            }
        }
    }

    fn days_of(index: i32, start: i64, days: i64) -> Result<Period> {
        let day = |d: i64| Day::try_from(d).map_err(|_| out_of_range(index));
        Ok(Period { index, start: day(start)?, end: day(start + days)? })
    }

    fn months(&self) -> i32 {
        match self.grain {
            Grain::Quarter => 3,
            Grain::Year => 12,
            _ => 1,
        }
    }
}

/// The first day of a month counted from year 0.
fn first_of_month(months: i32) -> Result<Day> {
    let date = NaiveDate::from_ymd_opt(months.div_euclid(12), months.rem_euclid(12) as u32 + 1, 1);
    date.map(|d| d.num_days_from_ce() - EPOCH_FROM_CE).ok_or_else(|| out_of_range(months))
}

fn out_of_range(given: i32) -> Error {
    Error::Argument {
        name: "as_of",
        given: format!("day {given}"),
        accepted: "a date whose periods lie between the years -262000 and 262000".to_owned(),
    }
}

/// Where observation ends: at `as_of`, by default at `until` or else at the last request; never later than now.
pub fn observed_until(until: Option<Micros>, as_of: Option<Micros>, last_at: Option<Micros>, now: Micros) -> Micros {
    as_of.or(until).or(last_at).unwrap_or(now).min(until.unwrap_or(now)).min(now).max(Micros::MIN + 1)
}

/// What a readout may look at and what it can know: the observed range as local days.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// The first day shown, if the caller asked for one. Days before it only tell who is new and who came before.
    pub since: Option<Day>,
    /// The first day shown in full: `since`, or the day after where `since` is not a local midnight.
    pub whole_from: Option<Day>,
    /// Days before this one have elapsed: it is the local day of `as_of`.
    pub elapsed: Day,
    /// The last day that had begun before `as_of`.
    pub begun: Day,
    /// Whether a request at the very moment of `as_of`, a local midnight, may show its day. Not where `until` is that moment.
    pub at_end: bool,
}

impl Window {
    /// The window of a caller's `since`, `until` and `as_of`. Observation ends at `as_of`, by default at `until` or else at
    /// the last request; never later than `now`. `day` gives the local day of an instant.
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

    /// A window over everything up to a moment on day `elapsed`, which had begun.
    pub fn up_to(elapsed: Day) -> Self {
        Window { since: None, whole_from: None, elapsed, begun: elapsed, at_end: true }
    }

    /// Whether a day is one to show.
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

/// The observed range as instants: what begins in `since <= start < until`, as known at `end`.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// The first instant shown.
    pub since: Option<Micros>,
    /// The first instant shown no more.
    pub until: Option<Micros>,
    /// Where observation ends.
    pub end: Micros,
}

impl Span {
    /// Whether what begins at `start` is shown.
    pub fn shows(&self, start: Micros) -> bool {
        let (since, until) = (self.since.unwrap_or(Micros::MIN), self.until.unwrap_or(Micros::MAX));
        start <= self.end && since <= start && start < until
    }
}
