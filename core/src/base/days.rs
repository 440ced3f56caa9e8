//! Compact sets of days, one per user, which keep an exact activity small.
//!
//! A set is stored in the user's entry: its first day and a bitmap of 192 days from it, a little over 26 weeks, so that it
//! is found and changed with the user's entry. Longer spans use a bitmap in a shared arena, in blocks of 384 days and
//! multiples by doubling. A span beyond the largest block (such as a stray date in year 1) is a sorted list instead.

use crate::base::chunked::Chunks;
use crate::base::error::{Error, Result};
use crate::base::memory::Claim;

/// A local day: days since 2000-01-01, as PostgreSQL's `date` counts them.
pub type Day = i32;

/// Words of 64 days in the set itself.
const OWN_WORDS: usize = 3;
/// Bits of a link for the block number; the other three are the class, 0 for a set without a block.
const LINK_BITS: u32 = 29;
const LINK_MASK: u32 = (1 << LINK_BITS) - 1;
/// Sizes of blocks: 384, 768 … 12288 days (33 years).
const BLOCK_CLASSES: usize = 6;
const SPARSE: u32 = BLOCK_CLASSES as u32 + 1;
/// No free block.
const NONE: u32 = u32::MAX;

/// One user's set; meaningful only together with the [`DayArena`] that made it. The default is the set of day 0.
#[derive(Clone, Copy, Debug)]
pub struct DaySet {
    first: Day,
    link: u32,
    own: [u64; OWN_WORDS],
}

impl DaySet {
    /// The set that contains one day.
    #[inline]
    pub fn of(day: Day) -> Self {
        DaySet { first: day, link: 0, own: [1, 0, 0] }
    }

    /// The part of the set outside the arena: all of it if it has no block, otherwise its first day.
    pub fn alone(&self) -> Self {
        if self.class() == 0 { *self } else { DaySet::of(self.first) }
    }

    #[inline]
    fn class(&self) -> u32 {
        self.link >> LINK_BITS
    }

    #[inline]
    fn block(&self) -> usize {
        (self.link & LINK_MASK) as usize
    }

    fn linked(first: Day, class: u32, block: usize) -> Result<Self> {
        let block = u32::try_from(block).ok().filter(|&b| b <= LINK_MASK);
        let block = block.ok_or(Error::TooLarge { bytes: usize::MAX })?;
        Ok(DaySet { first, link: class << LINK_BITS | block, own: [0; OWN_WORDS] })
    }
}

impl Default for DaySet {
    fn default() -> Self {
        DaySet::of(0)
    }
}

/// The memory of longer sets.
#[derive(Debug)]
pub struct DayArena {
    blocks: [Chunks<u64>; BLOCK_CLASSES],
    /// Head of the free list of each class; a free block holds the number of the next in its first word.
    outgrown: [u32; BLOCK_CLASSES],
    lists: Vec<Vec<Day>>,
}

/// Words of a bitmap of a class; class 0 is the bitmap in the set itself.
fn words(class: u32) -> usize {
    OWN_WORDS << class
}

fn distance(from: Day, to: Day) -> i64 {
    i64::from(to) - i64::from(from)
}

/// Shifts all bits by `by` positions towards later days. No bit may be shifted out.
fn shift_later(words: &mut [u64], by: usize) {
    let (whole, bits) = (by / 64, by % 64);
    for i in (0..words.len()).rev() {
        let word = |j: Option<usize>| j.map_or(0, |j| words[j]);
        let (near, far) = (word(i.checked_sub(whole)), word(i.checked_sub(whole + 1)));
        words[i] = if bits == 0 { near } else { near << bits | far >> (64 - bits) };
    }
}

impl DayArena {
    /// An empty arena.
    pub fn new() -> Self {
        DayArena {
            blocks: std::array::from_fn(|i| Chunks::new(words(i as u32 + 1))),
            outgrown: [NONE; BLOCK_CLASSES],
            lists: Vec::new(),
        }
    }

    /// Adds a day to a set.
    #[inline]
    pub fn insert(&mut self, set: &mut DaySet, day: Day, claim: &mut Claim) -> Result<()> {
        let ahead = distance(set.first, day);
        match set.class() {
            0 if (0..64 * OWN_WORDS as i64).contains(&ahead) => {
                set.own[ahead as usize / 64] |= 1 << (ahead % 64);
                Ok(())
            }
            class @ 1..SPARSE if ahead >= 0 && ahead < 64 * words(class) as i64 => {
                self.blocks[class as usize - 1].get_mut(set.block())[ahead as usize / 64] |= 1 << (ahead % 64);
                Ok(())
            }
            _ => self.insert_outside(set, day, claim),
        }
    }

    /// Adds all days of a set of another arena.
    pub fn unite(&mut self, set: &mut DaySet, theirs: &DaySet, arena: &DayArena, claim: &mut Claim) -> Result<()> {
        if set.class() == 0 && theirs.class() == 0 {
            let first = set.first.min(theirs.first);
            if distance(first, self.last(set).max(arena.last(theirs))) < 64 * OWN_WORDS as i64 {
                let mut own = theirs.own;
                shift_later(&mut own, distance(first, theirs.first) as usize);
                shift_later(&mut set.own, distance(first, set.first) as usize);
                set.first = first;
                set.own.iter_mut().zip(own).for_each(|(ours, theirs)| *ours |= theirs);
                return Ok(());
            }
        }
        let mut added = Ok(());
        arena.each(theirs, |day| {
            if added.is_ok() {
                added = self.insert(set, day, claim);
            }
        });
        added
    }

    /// Prefetches the memory of a day of a set; the returned number has no meaning. See
    /// [`Users::find_all`](crate::base::user_table::Users::find_all) for the reason.
    #[inline]
    pub fn touch(&self, set: &DaySet, day: Day) -> u64 {
        if set.class() == SPARSE {
            return 0;
        }
        let bits = self.bits(set);
        bits[distance(set.first, day).clamp(0, 64 * bits.len() as i64 - 1) as usize / 64]
    }

    /// Adds a day outside the current bitmap of the set.
    #[cold]
    fn insert_outside(&mut self, set: &mut DaySet, day: Day, claim: &mut Claim) -> Result<()> {
        if set.class() == SPARSE {
            let list = &mut self.lists[set.block()];
            if let Err(at) = list.binary_search(&day) {
                claim.push(list, day)?;
                list[at..].rotate_right(1);
                set.first = list[0];
            }
            return Ok(());
        }
        let first = set.first.min(day);
        let span = distance(first, self.last(set).max(day)) + 1;
        let earlier = distance(first, set.first) as usize;
        let fits = |class: &u32| span <= 64 * words(*class) as i64;
        match (set.class()..SPARSE).find(fits) {
            None => self.make_sparse(set, claim)?,
            Some(class) if class == set.class() => {
                match class {
                    0 => shift_later(&mut set.own, earlier),
                    _ => shift_later(self.blocks[class as usize - 1].get_mut(set.block()), earlier),
                }
                set.first = first;
            }
            Some(class) => self.move_to(set, class, first, earlier, claim)?,
        }
        self.insert(set, day, claim)
    }

    /// Copies a set into a block of a larger class that begins `earlier` days before.
    fn move_to(&mut self, set: &mut DaySet, class: u32, first: Day, earlier: usize, claim: &mut Claim) -> Result<()> {
        let block = self.block_of(class, claim)?;
        let moved = DaySet::linked(first, class, block)?;
        if set.class() == 0 {
            self.blocks[class as usize - 1].get_mut(block)[..OWN_WORDS].copy_from_slice(&set.own);
        } else {
            let (smaller, larger) = self.blocks.split_at_mut(class as usize - 1);
            let old = smaller[set.class() as usize - 1].get_mut(set.block());
            larger[0].get_mut(block)[..old.len()].copy_from_slice(old);
            self.outgrow(*set);
        }
        shift_later(self.blocks[class as usize - 1].get_mut(block), earlier);
        *set = moved;
        Ok(())
    }

    fn make_sparse(&mut self, set: &mut DaySet, claim: &mut Claim) -> Result<()> {
        let mut list = Vec::new();
        claim.reserve(&mut list, self.count(set) as usize)?;
        self.each(set, |day| list.push(day));
        claim.push(&mut self.lists, list)?;
        let sparse = DaySet::linked(set.first, SPARSE, self.lists.len() - 1)?;
        self.outgrow(*set);
        *set = sparse;
        Ok(())
    }

    fn block_of(&mut self, class: u32, claim: &mut Claim) -> Result<usize> {
        let i = class as usize - 1;
        if self.outgrown[i] == NONE {
            return self.blocks[i].push(claim);
        }
        let block = self.outgrown[i] as usize;
        let words = self.blocks[i].get_mut(block);
        self.outgrown[i] = words[0] as u32;
        words.fill(0);
        Ok(block)
    }

    fn outgrow(&mut self, set: DaySet) {
        if let class @ 1..SPARSE = set.class() {
            let i = class as usize - 1;
            self.blocks[i].get_mut(set.block())[0] = u64::from(self.outgrown[i]);
            self.outgrown[i] = set.block() as u32;
        }
    }

    /// The bits of a set that is not a list, starting with its first day.
    fn bits<'a>(&'a self, set: &'a DaySet) -> &'a [u64] {
        match set.class() {
            0 => &set.own,
            class => self.blocks[class as usize - 1].get(set.block()),
        }
    }

    /// The first day of a set.
    #[inline]
    pub fn first(&self, set: &DaySet) -> Day {
        set.first
    }

    /// The last day of a set.
    pub fn last(&self, set: &DaySet) -> Day {
        if set.class() == SPARSE {
            return self.lists[set.block()].last().copied().unwrap_or(set.first);
        }
        let bits = self.bits(set);
        let ahead =
            bits.iter().rposition(|&w| w != 0).map_or(0, |i| 64 * i as i32 + 63 - bits[i].leading_zeros() as i32);
        set.first + ahead
    }

    /// The number of days of a set.
    pub fn count(&self, set: &DaySet) -> u32 {
        match set.class() {
            SPARSE => self.lists[set.block()].len() as u32,
            _ => self.bits(set).iter().map(|w| w.count_ones()).sum(),
        }
    }

    /// Writes the days after the first into a zeroed bitmap of sufficient size: the lowest bit is the day after the first.
    pub fn write_after_first(&self, set: &DaySet, bitmap: &mut [u8]) {
        if set.class() == SPARSE {
            for ahead in self.lists[set.block()].iter().map(|&day| distance(set.first, day) as usize).filter(|&a| a > 0)
            {
                bitmap[(ahead - 1) / 8] |= 1 << ((ahead - 1) % 8);
            }
            return;
        }
        let bits = self.bits(set);
        for (i, bytes) in bitmap.chunks_mut(8).enumerate() {
            let word = bits[i] >> 1 | bits.get(i + 1).map_or(0, |next| next << 63);
            bytes.copy_from_slice(&word.to_le_bytes()[..bytes.len()]);
        }
    }

    /// Visits the days of a set in ascending order.
    #[inline]
    pub fn each(&self, set: &DaySet, mut visit: impl FnMut(Day)) {
        if set.class() == SPARSE {
            self.lists[set.block()].iter().copied().for_each(visit);
            return;
        }
        for (i, &word) in self.bits(set).iter().enumerate() {
            let mut word = word;
            while word != 0 {
                visit(set.first + 64 * i as i32 + word.trailing_zeros() as i32);
                word &= word - 1;
            }
        }
    }
}

impl Default for DayArena {
    fn default() -> Self {
        DayArena::new()
    }
}
