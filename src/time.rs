//! Conversion of PostgreSQL's instants, dates and time zones to and from the integers of core.
//!
//! Time zones come from PostgreSQL: the local time of an instant is obtained from the function behind `AT TIME ZONE`, once
//! per UTC day that occurs, and core remembers the result. A day in which the offset changes is bisected to the microsecond.
//! No zone changes its offset twice within a day (the two closest changes in the tz database are 95 hours apart: Freetown,
//! 1939), so the result is exact.

use pgrx::datum::datetime_support::statement_timestamp;
use pgrx::prelude::*;
use user_metrics_core::base::calendar::{BEGINNING, DAY_MICROS, LocalDays, Micros, Segment};
use user_metrics_core::base::days::Day;
use user_metrics_core::base::memory;
use user_metrics_core::{Error, Result};

/// A range that holds every finite timestamp.
const ALWAYS: Segment = Segment { from: Micros::MIN, until: Micros::MAX, offset: 0 };

/// The largest distance of a zone from UTC, POSIX zones such as `XYZ+167` included: a week.
const FARTHEST_ZONE: Micros = 8 * DAY_MICROS;
/// PostgreSQL knows the local time of every instant in every zone from here on: 4714-12-02 BC, UTC midnight.
const FIRST: Micros = -211_813_488_000_000_000 + FARTHEST_ZONE;
/// And until here: 294276-12-24, UTC midnight.
const LAST: Micros = 9_223_371_331_200_000_000 - FARTHEST_ZONE;

fn unknown_zone(zone: &str) -> Error {
    let accepted = "a name of pg_timezone_names, such as 'Europe/Berlin'".to_owned();
    Error::Argument { name: "timezone", given: zone.to_owned(), accepted }
}

/// Local time minus UTC at an instant from `FIRST` to `LAST`, where only the zone can be invalid: if an error is caught, it
/// is one that ends the call.
fn offset(zone: &str, at: Micros) -> Result<Micros> {
    let instant = TimestampWithTimeZone::try_from(at.clamp(FIRST, LAST)).map_err(|_| unknown_zone(zone))?;
    let local = instant.at_timezone(zone).map_err(|_| unknown_zone(zone))?;
    Ok(local.into_inner() - instant.into_inner())
}

/// The range around an instant over which a zone keeps its offset. Within a week of either end of PostgreSQL's range, where
/// not every instant has a local time, the offset is taken to be constant.
pub fn segment(zone: &str, at: Micros) -> Result<Segment> {
    if zone.eq_ignore_ascii_case("UTC") {
        return Ok(ALWAYS);
    }
    if at < FIRST {
        return Ok(Segment { from: Micros::MIN, until: FIRST, offset: offset(zone, FIRST)? });
    }
    if at >= LAST {
        return Ok(Segment { from: LAST, until: Micros::MAX, offset: offset(zone, LAST)? });
    }
    let from = at - at.rem_euclid(DAY_MICROS);
    let until = from + DAY_MICROS;
    let (before, after) = (offset(zone, from)?, offset(zone, until)?);
    if before == after {
        return Ok(Segment { from, until, offset: before });
    }
    let (mut low, mut high) = (from, until);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if offset(zone, middle)? == before { low = middle } else { high = middle }
    }
    if at < high {
        Ok(Segment { from, until: high, offset: before })
    } else {
        Ok(Segment { from: high, until, offset: after })
    }
}

/// Rejects a zone unknown to PostgreSQL, before any row is read.
pub fn check_zone(zone: &str) -> Result<()> {
    offset(zone, 0).map(drop)
}

/// The start of the statement.
pub fn now() -> Micros {
    statement_timestamp().into_inner()
}

/// Whether requests at an instant are counted: it is finite, and not before the beginning.
#[inline]
pub fn is_counted(at: Micros) -> bool {
    (BEGINNING..Micros::MAX).contains(&at)
}

fn is_finite(at: Micros) -> bool {
    at != Micros::MIN && at != Micros::MAX
}

/// An instant that PostgreSQL has: what lies before its first one is -infinity.
pub fn in_range(at: Micros) -> TimestampWithTimeZone {
    TimestampWithTimeZone::try_from(at).unwrap_or_else(|_| TimestampWithTimeZone::negative_infinity())
}

/// A day as an SQL date.
pub fn date(day: Day) -> Option<Date> {
    Date::try_from(day).ok()
}

/// An interval in the form of core.
pub fn interval(given: Interval) -> user_metrics_core::function::Interval {
    user_metrics_core::function::Interval { months: given.months(), days: given.days(), micros: given.micros() }
}

/// The first instant of the local day of an instant. At the start of PostgreSQL's range it is that start.
pub fn day_start(zone: &str, at: TimestampWithTimeZone) -> Result<Micros> {
    let (mut at, mut days) = (at.into_inner(), LocalDays::default());
    let mut day = |at: Micros| days.day(at, |at| segment(zone, at));
    let today = day(at)?;
    loop {
        memory::poll();
        let here = segment(zone, at)?;
        let since_midnight = at.saturating_add(here.offset).rem_euclid(DAY_MICROS);
        let start = here.from.max(at.saturating_sub(since_midnight));
        if start == Micros::MIN || day(start - 1)? != today {
            return Ok(start);
        }
        // The offset changed within the day, which began under the previous one. Segments are UTC days or the two parts of
        // one, so the start of a local day is found after a few of them.
        at = start - 1;
    }
}

/// Whether an instant lies within a local day rather than at its start.
pub fn is_within_day(zone: &str, at: TimestampWithTimeZone) -> Result<bool> {
    Ok(is_finite(at.into_inner()) && day_start(zone, at)? != at.into_inner())
}
