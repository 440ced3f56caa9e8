//! The days and periods that readouts of an activity show, and a value for each.

use super::View;
use crate::calendar::{Calendar, Period, Window};
use crate::days::Day;
use crate::error::Result;
use crate::host::{self, Claim};

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
