//! Time to an event: durations, some of which ended with the event and some of which are censored.
//!
//! A duration that ended with the event of interest is an *event*; one that was still running when observation ended is
//! *censored*: it is only known to be longer. Both are counted exactly by distinct duration, so values merge exactly. They
//! are evaluated by [`curve`] and [`logrank`](mod@logrank).
//!
//! Observation may begin *late*, some time after the start of the duration (left truncation): such a subject is at risk only
//! after that entry, because without it an earlier event would have kept them out of the data.
//!
//! A duration that is negative or not a number is invalid, as is one that does not end after a late entry; it is left out and
//! counted.
//!
//! The body of its bytes, after the frame of [`wire`](crate::base::wire): durations left out; number of distinct durations;
//! then for each duration, ascending, the bits of its IEEE 754 form minus those of the previous one (at first minus 0), its
//! events and its censored. If there are late entries, the number of distinct ones follows, and for each of them, ascending,
//! the difference of the bits in the same way and the number of subjects.

use crate::base::error::{Error, Result};
use crate::base::memory::{self, Claim};
use crate::base::state::State;
use crate::base::wire::{Kind, Reader, Writer};
use crate::function::Function;

mod curve;
mod logrank;
mod readout;
pub mod survival_curve;
pub mod survival_mean;
pub mod survival_median;
pub mod survival_quantile;
pub mod survival_quantiles;
pub mod survival_summary;

pub use curve::{Bounds, Curve, Mean, Quantile, Step};
pub use logrank::{Labels, Logrank, MOST_GROUPS, Sample, Weighting, logrank, logrank_of};

/// The functions that read it.
pub const FUNCTIONS: &[&Function] = &[
    &survival_curve::FUNCTION,
    &survival_summary::FUNCTION,
    &survival_median::FUNCTION,
    &survival_quantile::FUNCTION,
    &survival_quantiles::FUNCTION,
    &survival_mean::FUNCTION,
];

/// The version of the byte layout.
pub const VERSION: u8 = 1;

/// The count of equal durations saturates here: more than will ever occur, and few enough that the sum over as many
/// durations as a value can hold does not overflow.
const MOST: u64 = 1 << 34;

/// Up to this number of entries, sorting does not pay off.
const FEW: usize = 256;

/// The count of durations of the same length, with or without event. The key is the duration's bits, which order as the
/// durations do because none is negative, followed by a bit for the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    key: u64,
    count: u64,
}

impl Entry {
    fn new(seconds: f64, happened: bool, count: u64) -> Self {
        Entry { key: (seconds.to_bits() << 1) | u64::from(happened), count }
    }
}

/// Equal durations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// The duration, in seconds.
    pub seconds: f64,
    /// The number that ended with the event.
    pub events: u64,
    /// The number still running.
    pub censored: u64,
}

/// Subjects whose observation begins at the same time after the start of their duration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LateEntry {
    /// That time, in seconds.
    pub seconds: f64,
    /// The number of subjects.
    pub subjects: u64,
}

/// Counts by key.
#[derive(Debug, Default)]
struct Counts {
    /// Sorted by key, each key once, unless `unsorted`.
    entries: Vec<Entry>,
    unsorted: bool,
}

impl Counts {
    #[inline]
    fn add(&mut self, entry: Entry, claim: &mut Claim) -> Result<()> {
        if self.entries.len() == self.entries.capacity() {
            self.make_room(claim)?;
        }
        self.unsorted |= self.entries.last().is_some_and(|last| last.key >= entry.key);
        self.entries.push(entry);
        Ok(())
    }

    /// Unites equal keys, and doubles the capacity if that frees too little of it.
    #[cold]
    fn make_room(&mut self, claim: &mut Claim) -> Result<()> {
        if self.entries.len() >= FEW {
            self.sort();
        }
        if self.entries.len() > self.entries.capacity() / 2 || self.entries.capacity() < FEW {
            let more = self.entries.len().max(4);
            claim.reserve(&mut self.entries, more)?;
        }
        Ok(())
    }

    /// An interrupt during the sort leaves all entries, in some order.
    fn sort(&mut self) {
        if !self.unsorted {
            return;
        }
        let mut steps = 0usize;
        let mut step = || {
            steps = steps.wrapping_add(1);
            if steps.is_multiple_of(16 * memory::POLL_EVERY) {
                memory::poll();
            }
        };
        memory::poll();
        self.entries.sort_unstable_by(|a, b| {
            step();
            a.key.cmp(&b.key)
        });
        self.entries.dedup_by(|next, kept| {
            let same = next.key == kept.key;
            if same {
                kept.count = kept.count.saturating_add(next.count).min(MOST);
            }
            same
        });
        self.unsorted = false;
    }

    fn merge(&mut self, other: &Self, claim: &mut Claim) -> Result<()> {
        for (i, entry) in other.entries.iter().enumerate() {
            if i % memory::POLL_EVERY == 0 {
                memory::poll();
            }
            self.add(*entry, claim)?;
        }
        Ok(())
    }
}

/// The state: durations and whether they ended with the event, and when observation began if late.
#[derive(Debug, Default)]
pub struct Survival {
    durations: Counts,
    late: Counts,
    left_out: u64,
    claim: Claim,
}

impl Survival {
    /// Without durations.
    pub fn new() -> Self {
        Survival::default()
    }

    /// Adds a duration in seconds, and whether it ended with the event.
    #[inline]
    pub fn observe(&mut self, seconds: f64, happened: bool) -> Result<()> {
        if !(0.0..f64::INFINITY).contains(&seconds) {
            self.left_out = self.left_out.saturating_add(1);
            return Ok(());
        }
        // -0 becomes 0.
        self.durations.add(Entry::new(seconds.abs(), happened, 1), &mut self.claim)
    }

    /// Adds a duration of which only the part after `entry` was observed; an entry of 0 is not late.
    #[inline]
    pub fn observe_from(&mut self, entry: f64, seconds: f64, happened: bool) -> Result<()> {
        if entry == 0.0 {
            return self.observe(seconds, happened);
        }
        if !(entry > 0.0 && entry < seconds && seconds.is_finite()) {
            self.left_out = self.left_out.saturating_add(1);
            return Ok(());
        }
        self.durations.add(Entry::new(seconds, happened, 1), &mut self.claim)?;
        self.late.add(Entry::new(entry, false, 1), &mut self.claim)
    }

    /// The number of durations left out because they are invalid.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The number of durations added.
    pub fn observed(&self) -> u64 {
        self.durations.entries.iter().fold(0, |sum, entry| entry.count.saturating_add(sum))
    }

    /// The distinct durations. They are ascending only in a settled state, such as a decoded one.
    pub fn points(&self) -> impl Iterator<Item = Point> + '_ {
        debug_assert!(!self.durations.unsorted, "settle before reading");
        self.durations.entries.chunk_by(|a, b| a.key >> 1 == b.key >> 1).map(|alike| {
            let of = |happened| alike.iter().filter(|e| e.key & 1 == happened).map(|e| e.count).sum::<u64>();
            let seconds = alike.first().map_or(0.0, |entry| f64::from_bits(entry.key >> 1));
            Point { seconds, events: of(1), censored: of(0) }
        })
    }

    /// The distinct late entries, ascending in a settled state.
    pub fn late_entries(&self) -> impl Iterator<Item = LateEntry> + '_ {
        debug_assert!(!self.late.unsorted, "settle before reading");
        let of = |entry: &Entry| LateEntry { seconds: f64::from_bits(entry.key >> 1), subjects: entry.count };
        self.late.entries.iter().map(of)
    }

    /// The number of subjects who are at risk from the start.
    fn early(&self) -> u64 {
        self.late_entries().fold(self.observed(), |early, late| early.saturating_sub(late.subjects))
    }
}

impl State for Survival {
    fn empty(&self) -> Self {
        Survival::new()
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        self.durations.merge(&other.durations, &mut self.claim)?;
        self.late.merge(&other.late, &mut self.claim)?;
        self.left_out = self.left_out.saturating_add(other.left_out);
        Ok(())
    }

    fn settle(&mut self) -> Result<()> {
        self.durations.sort();
        self.late.sort();
        Ok(())
    }

    fn encode(&self) -> Result<Vec<u8>> {
        if self.durations.unsorted || self.late.unsorted {
            let mut sorted = Survival::new();
            sorted.merge(self)?;
            sorted.settle()?;
            return sorted.encode();
        }
        let distinct = self.points().count();
        let late = self.late.entries.len();
        let mut out = Writer::new(Kind::Survival, VERSION, 20 + 10 * (distinct + late))?;
        out.uint(self.left_out)?;
        out.uint(distinct as u64)?;
        let mut before = 0;
        for (i, point) in self.points().enumerate() {
            if i % memory::POLL_EVERY == 0 {
                memory::poll();
            }
            let bits = point.seconds.to_bits();
            out.uint(bits - before)?;
            out.uint(point.events)?;
            out.uint(point.censored)?;
            before = bits;
        }
        if late > 0 {
            out.uint(late as u64)?;
        }
        before = 0;
        for (i, entry) in self.late_entries().enumerate() {
            if i % memory::POLL_EVERY == 0 {
                memory::poll();
            }
            let bits = entry.seconds.to_bits();
            out.uint(bits - before)?;
            out.uint(entry.subjects)?;
            before = bits;
        }
        Ok(out.finish())
    }

    fn decode(bytes: &[u8]) -> Result<Self> {
        let corrupt = |what| Err(Error::Corrupt { what });
        let mut body = Reader::open(bytes, Kind::Survival, VERSION)?;
        let mut survival = Survival { left_out: body.uint()?, ..Survival::new() };
        let distinct = body.uint()?;
        if distinct > body.left() as u64 / 3 {
            return corrupt("fewer durations than it says");
        }
        let mut bits = 0u64;
        for i in 0..distinct {
            if i % memory::POLL_EVERY as u64 == 0 {
                memory::poll();
            }
            let gap = body.uint()?;
            bits = match bits.checked_add(gap).filter(|&bits| bits < f64::INFINITY.to_bits()) {
                Some(_) if gap == 0 && i > 0 => return corrupt("a duration twice"),
                Some(bits) => bits,
                None => return corrupt("a duration that cannot be"),
            };
            let (events, censored) = (body.uint()?, body.uint()?);
            match events.max(censored) {
                0 => return corrupt("a duration of nobody"),
                1..=MOST => {}
                _ => return corrupt("more durations than can be"),
            }
            for (happened, count) in [(false, censored), (true, events)] {
                if count > 0 {
                    let entry = Entry::new(f64::from_bits(bits), happened, count);
                    survival.durations.add(entry, &mut survival.claim)?;
                }
            }
        }
        let late = if body.left() > 0 { Some(body.uint()?) } else { None };
        match late {
            Some(0) => return corrupt("bytes after its end"),
            Some(late) if late > body.left() as u64 / 2 => return corrupt("fewer late entries than it says"),
            _ => {}
        }
        bits = 0;
        for i in 0..late.unwrap_or(0) {
            if i % memory::POLL_EVERY as u64 == 0 {
                memory::poll();
            }
            let gap = body.uint()?;
            bits = match bits.checked_add(gap).filter(|&bits| gap > 0 && bits < f64::INFINITY.to_bits()) {
                Some(bits) => bits,
                None => return corrupt("a late entry that cannot be"),
            };
            match body.uint()? {
                count @ 1..=MOST => {
                    survival.late.add(Entry::new(f64::from_bits(bits), false, count), &mut survival.claim)?
                }
                _ => return corrupt("a late entry of nobody, or of more than can be"),
            }
        }
        body.finish()?;
        Ok(survival)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_left_out_and_counted() {
        let mut survival = Survival::new();
        for seconds in [-1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.0, 5.0] {
            survival.observe(seconds, seconds == 0.0).unwrap();
        }
        survival.settle().unwrap();
        assert_eq!(survival.left_out(), 4);
        let zero = Point { seconds: 0.0, events: 2, censored: 0 };
        let five = Point { seconds: 5.0, events: 0, censored: 1 };
        assert_eq!(survival.points().collect::<Vec<_>>(), [zero, five]);
    }

    #[test]
    fn a_late_entry_precedes_the_end() {
        let mut survival = Survival::new();
        for entry in [5.0, 6.0, -1.0, f64::NAN, f64::INFINITY, -0.0, 0.0, 2.0, 2.0, 4.9] {
            survival.observe_from(entry, 5.0, true).unwrap();
        }
        survival.settle().unwrap();
        assert_eq!((survival.left_out(), survival.observed(), survival.early()), (5, 5, 2));
        let late = |seconds, subjects| LateEntry { seconds, subjects };
        assert_eq!(survival.late_entries().collect::<Vec<_>>(), [late(2.0, 2), late(4.9, 1)]);
        assert_eq!(Survival::decode(&survival.encode().unwrap()).unwrap().late_entries().count(), 2);
    }

    #[test]
    fn equal_durations_take_no_more_room() {
        let mut survival = Survival::new();
        for i in 0..100_000 {
            survival.observe(f64::from(i % 40), i % 3 == 0).unwrap();
        }
        assert!(memory::used() < 20_000, "{} bytes", memory::used());
        survival.settle().unwrap();
        assert_eq!(survival.points().map(|point| point.events + point.censored).sum::<u64>(), 100_000);
    }
}
