//! Local time in the time zone of a call.

use crate::base::calendar::{DAY_MICROS, LocalDays, Micros, Segment};
use crate::base::days::Day;
use crate::base::error::Result;
use crate::base::memory::Claim;

/// Local time in the time zone of a call.
pub struct Clock<'a> {
    zone: &'a str,
    segment: &'a dyn Fn(&str, Micros) -> Result<Segment>,
    days: LocalDays,
}

impl<'a> Clock<'a> {
    /// The clock of a zone; `segment` returns its offsets.
    pub(super) fn new(zone: &'a str, segment: &'a dyn Fn(&str, Micros) -> Result<Segment>) -> Self {
        Clock { zone, segment, days: LocalDays::default() }
    }

    /// The local day of an instant.
    #[inline]
    pub fn day(&mut self, at: Micros) -> Result<Day> {
        self.days.day(at, |at| (self.segment)(self.zone, at))
    }

    /// The distinct local days of instants that are in order, ascending.
    pub fn distinct_days(
        &mut self,
        instants: impl IntoIterator<Item = Micros>,
        days: &mut Vec<Day>,
        claim: &mut Claim,
    ) -> Result<()> {
        days.clear();
        for at in instants {
            let day = self.day(at)?;
            if days.last() != Some(&day) {
                claim.push(days, day)?;
            }
        }
        // If a clock is set back over midnight, a day recurs.
        if !days.is_sorted() {
            days.sort_unstable();
            days.dedup();
        }
        Ok(())
    }

    /// The local time of an instant, as microseconds of a clock that shows UTC.
    #[inline]
    pub fn local(&mut self, at: Micros) -> Result<Micros> {
        self.days.local(at, |at| (self.segment)(self.zone, at))
    }

    /// The range of constant offset around an instant.
    pub fn segment(&mut self, at: Micros) -> Result<Segment> {
        self.days.segment(at, |at| (self.segment)(self.zone, at))
    }

    /// The instant of a local day's midnight, as PostgreSQL reads it: if the clock skips it, by the earlier offset; if it
    /// occurs twice, by the later one.
    pub fn midnight(&mut self, day: Day) -> Result<Micros> {
        let local = i64::from(day) * DAY_MICROS;
        // No zone differs from UTC by more than a week.
        let mut here = self.segment(local.saturating_sub(8 * DAY_MICROS))?;
        loop {
            let at = local.saturating_sub(here.offset);
            if at < here.until && here.until == Micros::MAX {
                return Ok(at);
            }
            let next = self.segment(here.until)?;
            let after = local.saturating_sub(next.offset);
            match (at < here.until, after >= next.from) {
                (true, true) => return Ok(after),
                (true, false) | (false, false) => return Ok(at),
                (false, true) => here = next,
            }
        }
    }
}
