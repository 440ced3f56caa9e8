//! A value for each period of a range of days.

use crate::base::calendar::{Calendar, Period, Periods};
use crate::base::days::Day;
use crate::base::error::Result;
use crate::base::memory::{self, Claim};

/// A value per period, from the period of one day to that of another.
pub(crate) struct Series<T> {
    calendar: Calendar,
    first: i32,
    figures: Vec<T>,
    periods: Periods,
    _claim: Claim,
}

impl<T: Clone + Default> Series<T> {
    pub(crate) fn new(calendar: Calendar, (from, to): (Day, Day)) -> Result<Self> {
        let (first, last) = (calendar.period(from)?.index, calendar.period(to)?.index);
        let mut claim = Claim::temporary();
        let figures = claim.filled(T::default(), (i64::from(last) - i64::from(first) + 1) as usize)?;
        Ok(Series { calendar, first, figures, periods: Periods::new(calendar), _claim: claim })
    }

    /// The index of a day's period.
    #[inline]
    pub(crate) fn index(&mut self, day: Day) -> Result<i32> {
        Ok(self.periods.of(day)?.index)
    }

    #[inline]
    pub(crate) fn at(&mut self, index: i32) -> Option<&mut T> {
        self.figures.get_mut(usize::try_from(i64::from(index) - i64::from(self.first)).ok()?)
    }

    /// The rows made from each period and its value, in order.
    pub(crate) fn into_rows<R>(self, mut row: impl FnMut(Period, T) -> R) -> Result<Vec<R>> {
        let (mut claim, mut rows) = (Claim::temporary(), Vec::new());
        claim.reserve(&mut rows, self.figures.len())?;
        for (index, figure) in (self.first..).zip(self.figures) {
            if rows.len() % memory::POLL_EVERY == memory::POLL_EVERY - 1 {
                memory::poll();
            }
            rows.push(row(self.calendar.numbered(index)?, figure));
        }
        Ok(rows)
    }
}
