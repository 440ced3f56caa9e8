//! The number of times each hour of the local clock begins within a range of time.

use crate::base::calendar::{DAY_MICROS, Micros, Segment};
use crate::base::error::Result;
use crate::base::memory;

const HOUR_MICROS: i64 = DAY_MICROS / 24;

/// The number of times each hour of the local clock began, from the hour of `first`, which counts, up to and including
/// `last`.
///
/// An hour begins when the clock reaches it, or is set into it from another hour: a change to daylight saving time skips one
/// hour, the change back repeats one. `segment` returns the range of constant offset around an instant.
pub fn hour_begins(
    first: Micros,
    last: Micros,
    mut segment: impl FnMut(Micros) -> Result<Segment>,
) -> Result<[u64; 24]> {
    let mut begins = [0; 24];
    if last < first {
        return Ok(begins);
    }
    let mut here = segment(first)?;
    begins[hour(first, here.offset)] += 1;
    let mut at = first.saturating_add(1);
    loop {
        memory::poll();
        // Full hours under this offset: the same number of each, and the remainder from the first on.
        let through = last.min(here.until.saturating_sub(1));
        if at <= through {
            let before = (i128::from(at) + i128::from(here.offset) - 1).div_euclid(HOUR_MICROS.into());
            let full = (i128::from(through) + i128::from(here.offset)).div_euclid(HOUR_MICROS.into()) - before;
            let (of_each, rest) = ((full / 24) as u64, full % 24);
            begins.iter_mut().for_each(|begun| *begun += of_each);
            (1..=rest).for_each(|i| begins[(before + i).rem_euclid(24) as usize] += 1);
        }
        at = here.until;
        if at > last || at == Micros::MAX {
            return Ok(begins);
        }
        let before = here.offset;
        here = segment(at)?;
        let is_full = at.saturating_add(here.offset).rem_euclid(HOUR_MICROS) == 0;
        if !is_full && number(at, here.offset) != number(at - 1, before) {
            begins[hour(at, here.offset)] += 1;
        }
    }
}

/// The ordinal number of a local hour, counted from 2000-01-01.
fn number(at: Micros, offset: Micros) -> i64 {
    at.saturating_add(offset).div_euclid(HOUR_MICROS)
}

/// The hour of the local clock.
fn hour(at: Micros, offset: Micros) -> usize {
    number(at, offset).rem_euclid(24) as usize
}
