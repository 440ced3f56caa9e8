//! A stored activity, read in place by the functions over it. The layout is described in [`activity`](super).

use super::{VERSION, bitmap_len, head};
use crate::base::calendar::Micros;
use crate::base::days::Day;
use crate::base::error::{Error, Result};
use crate::base::memory::{self, Claim};
use crate::base::user_table::{ExcludedUsers, UserKey, UserKind, read_keys};
use crate::base::wire::{Kind, Reader, uint_len};

/// Days of a PostgreSQL timestamp in any zone: 4714-11-24 BC … 294276-12-31, and a day around.
const FIRST_DAY: i64 = -2_451_546;
const LAST_DAY: i64 = 106_751_992;

/// A stored activity, read in place.
#[derive(Clone, Debug)]
pub struct View<'a> {
    kind: UserKind,
    zone: &'a str,
    last_at: Option<Micros>,
    bounds: Option<(Day, Day)>,
    keys: &'a [[u8; 16]],
    sets: Reader<'a>,
}

fn corrupt<T>(what: &'static str) -> Result<T> {
    Err(Error::Corrupt { what })
}

fn day(number: i64) -> Result<Day> {
    if (FIRST_DAY..=LAST_DAY).contains(&number) { Ok(number as Day) } else { corrupt("a day no calendar has") }
}

impl<'a> View<'a> {
    /// Checks the frame and reads the head; the sets are checked as they are visited.
    pub fn open(bytes: &'a [u8]) -> Result<Self> {
        let mut body = Reader::open(bytes, Kind::Activity, VERSION)?;
        let kind = UserKind::from_number(u8::try_from(body.uint()?).unwrap_or(u8::MAX))?;
        let Ok(zone) = str::from_utf8(body.bytes()?) else { return corrupt("a time zone that is no text") };
        let last_at = body.maybe_int()?;
        let users = body.uint()?;
        if users == 0 {
            body.clone().finish()?;
            return Ok(View { kind, zone, last_at, bounds: None, keys: &[], sets: body });
        }
        let first = body.int()?;
        let last = i64::try_from(body.uint()?).ok().and_then(|span| first.checked_add(span)).unwrap_or(i64::MAX);
        let keys = read_keys(&mut body, users)?;
        Ok(View { kind, zone, last_at, bounds: Some((day(first)?, day(last)?)), keys, sets: body })
    }

    /// The time zone of its days.
    pub fn zone(&self) -> &'a str {
        self.zone
    }

    /// The type of its user ids.
    pub fn kind(&self) -> UserKind {
        self.kind
    }

    /// The number of active users.
    pub fn users(&self) -> usize {
        self.keys.len()
    }

    /// The first and the last day with activity.
    pub fn bounds(&self) -> Option<(Day, Day)> {
        self.bounds
    }

    /// The instant of the last request, with or without a user.
    pub fn last_at(&self) -> Option<Micros> {
        self.last_at
    }

    /// Visits every user and their active days, ascending, and rejects bytes that are not canonical.
    pub fn each(&self, mut visit: impl FnMut(UserKey, &[Day]) -> Result<()>) -> Result<()> {
        self.each_set(|key, days, _| visit(u128::from_be_bytes(*key).into(), days))
    }

    /// As [`each`](View::each), with the key as it is stored and the bytes of the set that follow its first day.
    fn each_set(&self, mut visit: impl FnMut(&[u8; 16], &[Day], &'a [u8]) -> Result<()>) -> Result<()> {
        let (mut sets, mut claim, mut days) = (self.sets.clone(), Claim::temporary(), Vec::new());
        let Some((all_first, all_last)) = self.bounds else { return Ok(()) };
        let (mut least, mut most) = (i64::MAX, i64::MIN);
        for (i, key) in self.keys.iter().enumerate() {
            if i % memory::POLL_EVERY == 0 {
                memory::poll();
            }
            let rest = read_set(&mut sets, i64::from(all_first), &mut days, &mut claim)?;
            if let (Some(&first), Some(&last)) = (days.first(), days.last()) {
                (least, most) = (least.min(i64::from(first)), most.max(i64::from(last)));
            }
            visit(key, &days, rest)?;
        }
        if (least, most) != (i64::from(all_first), i64::from(all_last)) {
            return corrupt("first and last day do not match");
        }
        sets.finish()
    }

    /// The bytes of the same activity without the given users; `None` if it contains none of them.
    pub fn without(&self, users: &[UserKey]) -> Result<Option<Vec<u8>>> {
        let leaving = ExcludedUsers::from(self.keys, users)?;
        if leaving.is_empty() {
            return Ok(None);
        }
        let mut bounds: Option<(Day, Day)> = None;
        self.each_set(|key, days, _| {
            if let (Some(&first), Some(&last), true) = (days.first(), days.last(), leaving.spares(key)) {
                bounds = Some(bounds.map_or((first, last), |(least, most)| (least.min(first), most.max(last))));
            }
            Ok(())
        })?;
        let mut bytes = head(self.kind, self.zone, self.last_at, self.keys.len() - leaving.len(), bounds)?;
        self.keys.iter().filter(|key| leaving.spares(key)).try_for_each(|key| bytes.raw(key))?;
        let all_first = bounds.map_or(0, |(first, _)| i64::from(first));
        self.each_set(|key, days, rest| match days.first() {
            // A set is relative to the first day of all, which may have changed; its own bytes stay the same.
            Some(&first) if leaving.spares(key) => {
                bytes.uint((i64::from(first) - all_first) as u64)?;
                bytes.raw(rest)
            }
            _ => Ok(()),
        })?;
        Ok(Some(bytes.finish()))
    }
}

/// Reads one set into `days`; returns its bytes after the first day.
fn read_set<'a>(from: &mut Reader<'a>, all_first: i64, days: &mut Vec<Day>, claim: &mut Claim) -> Result<&'a [u8]> {
    let offset = i64::try_from(from.uint()?).unwrap_or(i64::MAX);
    let first = day(all_first.saturating_add(offset))?;
    let mut rest = from.clone();
    let head = from.uint()?;
    let (more, as_bitmap) = ((head / 2) as usize, head % 2 == 1);
    days.clear();
    claim.push(days, first)?;
    let before = from.left();
    if as_bitmap {
        read_bitmap(from, days, claim)?
    } else {
        read_gaps(from, more, days, claim)?
    }
    if days.len() != more + 1 {
        return corrupt("a set of another size");
    }
    if more > 0 {
        let written = before - from.left();
        let last = days.last().copied().unwrap_or(first);
        let gaps = || days.windows(2).map(|pair| uint_len((i64::from(pair[1]) - i64::from(pair[0]) - 1) as u64)).sum();
        let other = if as_bitmap { gaps() } else { bitmap_len((i64::from(last) - i64::from(first)) as usize) };
        if (as_bitmap && other <= written) || (!as_bitmap && other < written) {
            return corrupt("a set in its longer form");
        }
    } else if as_bitmap {
        return corrupt("a set in its longer form");
    }
    rest.raw(rest.left() - from.left())
}

fn read_gaps(from: &mut Reader<'_>, more: usize, days: &mut Vec<Day>, claim: &mut Claim) -> Result<()> {
    for _ in 0..more {
        let gap = i64::try_from(from.uint()?).unwrap_or(i64::MAX);
        let last = days.last().copied().map_or(0, i64::from);
        claim.push(days, day(last.saturating_add(gap).saturating_add(1))?)?;
    }
    Ok(())
}

fn read_bitmap(from: &mut Reader<'_>, days: &mut Vec<Day>, claim: &mut Claim) -> Result<()> {
    let (bits, first) = (from.bytes()?, days.first().copied().map_or(0, i64::from));
    if bits.last() == Some(&0) {
        return corrupt("a bitmap with an empty end");
    }
    for (i, &byte) in bits.iter().enumerate() {
        let mut byte = byte;
        while byte != 0 {
            claim.push(days, day(first + 1 + 8 * i as i64 + i64::from(byte.trailing_zeros()))?)?;
            byte &= byte - 1;
        }
    }
    Ok(())
}
