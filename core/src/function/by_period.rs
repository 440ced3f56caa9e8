//! Rows by period: the argument `period` of folds that otherwise report all of what is read.

use super::{Argument, Call, Cell, Clock, Column, NO_DEFAULT, Role, Type, column};
use crate::base::calendar::{Calendar, Micros, Period, Periods, Window};
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::history::{History, Table, Timeline};
use std::ops::Range;

/// The argument of functions that report periods or all time.
pub const PERIOD: Argument = Argument {
    name: "period",
    kind: Type::Text,
    role: Role::Value,
    default: NO_DEFAULT,
    about: "day, week, month, quarter or year; by default all time",
};

/// The period of a row.
pub const PERIOD_START: Column =
    column("period_start", Type::Date, "first local day of the period; NULL without period");

/// Whether it may be compared with others.
pub const COMPLETE: Column = column(
    "complete",
    Type::Boolean,
    "whether the period has elapsed, lies within the log and is not cut by since; NULL without period",
);

/// The periods of a call, if it asks for any, and where the log of each segment begins.
#[derive(Debug)]
pub struct ByPeriod {
    periods: Option<(Calendar, Periods)>,
    /// The first request of each segment.
    begins: Table<Option<Micros>>,
    /// A user's requests in order of their periods, of those by time, and the code and range of each period.
    order: Vec<(i32, u32)>,
    requests: Vec<u32>,
    parts: Vec<(u32, Range<usize>)>,
    claim: Claim,
}

impl ByPeriod {
    /// The periods that a call asks for.
    pub fn of(call: &Call<'_>) -> Result<Self> {
        let periods = call.periods(PERIOD.name)?.map(|calendar| (calendar, Periods::new(calendar)));
        let (begins, claim) = (Table::default(), Claim::temporary());
        Ok(ByPeriod { periods, begins, order: Vec::new(), requests: Vec::new(), parts: Vec::new(), claim })
    }

    /// Whether there are periods.
    #[inline]
    pub fn is_asked(&self) -> bool {
        self.periods.is_some()
    }

    /// The period of an instant as a code of a table; 0 without periods.
    #[inline]
    pub fn code(&mut self, at: Micros, clock: &mut Clock<'_>) -> Result<u32> {
        match &mut self.periods {
            None => Ok(0),
            Some((_, periods)) => Ok(periods.of(clock.day(at)?)?.index as u32),
        }
    }

    /// A user's requests by period: codes, and the indexes of their requests in order. Without periods all have code 0.
    pub fn parts<'r>(
        &'r mut self,
        user: &Timeline<'_>,
        requests: &'r [u32],
        clock: &mut Clock<'_>,
    ) -> Result<impl Iterator<Item = (u32, &'r [u32])> + use<'r>> {
        self.parts.clear();
        if !self.is_asked() {
            self.claim.push(&mut self.parts, (0, 0..requests.len()))?;
            return Ok(Self::listed(&self.parts, requests));
        }
        self.order.clear();
        self.claim.reserve(&mut self.order, requests.len())?;
        for &request in requests {
            let code = self.code(user.at[request as usize], clock)?;
            self.order.push((Self::order(code), request));
        }
        // If a clock is set back over midnight, a day recurs.
        if !self.order.is_sorted() {
            self.order.sort_unstable();
        }
        self.requests.clear();
        self.claim.reserve(&mut self.requests, requests.len())?;
        self.requests.extend(self.order.iter().map(|&(_, request)| request));
        let mut from = 0;
        for part in self.order.chunk_by(|(a, _), (b, _)| a == b) {
            let code = part.first().map_or(0, |&(code, _)| code as u32);
            self.claim.push(&mut self.parts, (code, from..from + part.len()))?;
            from += part.len();
        }
        Ok(Self::listed(&self.parts, &self.requests))
    }

    fn listed<'r>(parts: &'r [(u32, Range<usize>)], requests: &'r [u32]) -> impl Iterator<Item = (u32, &'r [u32])> {
        parts.iter().map(|(code, range)| (*code, &requests[range.clone()]))
    }

    /// Takes in that a segment has a request at an instant; of a user's requests the first is enough.
    #[inline]
    pub fn begin(&mut self, segment: u32, at: Micros, claim: &mut Claim) -> Result<()> {
        let (_, begins) = self.begins.entry([0, 0, segment], claim)?;
        *begins = Some(begins.map_or(at, |begins| begins.min(at)));
        Ok(())
    }

    /// The first request of a segment, if it was taken in.
    pub fn first_at(&self, segment: u32) -> Option<Micros> {
        *self.begins.find([0, 0, segment])?
    }

    /// Merges what another fold has seen.
    pub fn merge(&mut self, other: Self, claim: &mut Claim) -> Result<()> {
        for ([.., segment], at) in other.begins.into_values() {
            if let Some(at) = at {
                self.begin(segment, at, claim)?;
            }
        }
        Ok(())
    }

    /// Their calendar, if there are any.
    pub fn calendar(&self) -> Option<Calendar> {
        self.periods.map(|(calendar, _)| calendar)
    }

    /// The order of a code among others, which is the number of its period.
    pub fn order(code: u32) -> i32 {
        code as i32
    }

    /// The period of a code, if there are any.
    pub fn period(&self, code: u32) -> Result<Option<Period>> {
        self.calendar().map(|calendar| calendar.numbered(Self::order(code))).transpose()
    }

    /// [`PERIOD_START`] and [`COMPLETE`] of a code.
    pub fn cells<'c>(
        &self,
        [code, segment]: [u32; 2],
        window: &Window,
        clock: &mut Clock<'_>,
    ) -> Result<[Cell<'c>; 2]> {
        let Some(period) = self.period(code)? else { return Ok([Cell::Null; 2]) };
        let first_day = self.first_at(segment).map(|at| clock.day(at)).transpose()?;
        let is_in_log = first_day.is_some_and(|first| first <= period.start);
        Ok([Cell::Date(period.start), (is_in_log && window.is_complete(&period)).into()])
    }
}

impl Call<'_> {
    /// The observed range as local days, of a fold.
    pub fn window_of_history(&self) -> Result<Window> {
        self.window(self.zone(), self.history.and_then(History::last_at))
    }
}
