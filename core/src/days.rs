//! Sets of days, one per user, packed close: what makes an exact activity small enough to keep.
//!
//! A set is eight bytes in the user's entry: its first day and a link. Up to 29 consecutive days fit in the link itself.
//! Longer spans are a bitmap in a shared arena, in blocks of 192 days and its doublings, so that half a year of use is
//! 24 bytes; growing from the link straight to 192 days leaves no trail of outgrown blocks. A span beyond the largest
//! block (a stray date of the year 1 beside this year's) is a sorted list instead.

use crate::chunks::Chunks;
use crate::error::{Error, Result};
use crate::host::Claim;

/// A local day: days since 2000-01-01, as PostgreSQL's `date` counts them.
pub type Day = i32;

/// Bits of a link that carry days or a block number; the other three say which.
const LINK_BITS: u32 = 29;
const LINK_MASK: u32 = (1 << LINK_BITS) - 1;
/// Words of 64 days in the smallest block: 192 days, 26 weeks and a little.
const SMALLEST_BLOCK: usize = 3;
/// Sizes of blocks: 192, 384 … 6144 days (16.8 years).
const BLOCK_CLASSES: usize = 6;
const SPARSE: u32 = BLOCK_CLASSES as u32 + 1;
/// No outgrown block to use again.
const NONE: u32 = u32::MAX;

/// One user's set; meaningful only together with the [`DayArena`] that made it. The default is the set of day 0.
#[derive(Clone, Copy, Debug)]
pub struct DaySet {
    first: Day,
    link: u32,
}

impl DaySet {
    /// The set of one day.
    #[inline]
    pub fn of(day: Day) -> Self {
        DaySet { first: day, link: 1 }
    }

    #[inline]
    fn class(self) -> u32 {
        self.link >> LINK_BITS
    }

    #[inline]
    fn block(self) -> usize {
        (self.link & LINK_MASK) as usize
    }

    fn linked(first: Day, class: u32, block: usize) -> Result<Self> {
        let block = u32::try_from(block).ok().filter(|&b| b <= LINK_MASK);
        let block = block.ok_or(Error::TooLarge { bytes: usize::MAX })?;
        Ok(DaySet { first, link: class << LINK_BITS | block })
    }
}

impl Default for DaySet {
    fn default() -> Self {
        DaySet::of(0)
    }
}

/// Where the longer sets are kept.
#[derive(Debug)]
pub struct DayArena {
    blocks: [Chunks<u64>; BLOCK_CLASSES],
    /// Head of the list of outgrown blocks of each class; each holds the number of the next in its first word.
    outgrown: [u32; BLOCK_CLASSES],
    lists: Vec<Vec<Day>>,
}

fn words(class: u32) -> usize {
    SMALLEST_BLOCK << (class - 1)
}

fn distance(from: Day, to: Day) -> i64 {
    i64::from(to) - i64::from(from)
}

/// Moves all bits `by` places towards later days. The caller knows that none falls off.
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
            0 if (0..i64::from(LINK_BITS)).contains(&ahead) => {
                set.link |= 1 << ahead;
                Ok(())
            }
            class @ 1..SPARSE if ahead >= 0 && ahead < 64 * words(class) as i64 => {
                self.blocks[class as usize - 1].get_mut(set.block())[ahead as usize / 64] |= 1 << (ahead % 64);
                Ok(())
            }
            _ => self.insert_outside(set, day, claim),
        }
    }

    /// Fetches the place where a day of a set is noted; the number returned means nothing. See
    /// [`Users::find_all`](crate::users::Users::find_all) for why.
    #[inline]
    pub fn touch(&self, set: &DaySet, day: Day) -> u64 {
        match set.class() {
            class @ 1..SPARSE => {
                let ahead = distance(set.first, day).clamp(0, 64 * words(class) as i64 - 1);
                self.blocks[class as usize - 1].get(set.block())[ahead as usize / 64]
            }
            _ => 0,
        }
    }

    /// Adds a day that the set's present form has no place for.
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
        if set.class() == 0 && span <= i64::from(LINK_BITS) {
            *set = DaySet { first, link: set.link << earlier | 1 };
            return Ok(());
        }
        let fits = |class: &u32| span <= 64 * words(*class) as i64;
        match (set.class().max(1)..SPARSE).find(fits) {
            None => self.make_sparse(set, claim)?,
            Some(class) if class == set.class() => {
                shift_later(self.blocks[class as usize - 1].get_mut(set.block()), earlier);
                set.first = first;
            }
            Some(class) => self.move_to(set, class, first, earlier, claim)?,
        }
        self.insert(set, day, claim)
    }

    /// Copies a set into a block of a larger class that begins `earlier` days sooner.
    fn move_to(&mut self, set: &mut DaySet, class: u32, first: Day, earlier: usize, claim: &mut Claim) -> Result<()> {
        let block = self.block_of(class, claim)?;
        let moved = DaySet::linked(first, class, block)?;
        if set.class() == 0 {
            self.blocks[class as usize - 1].get_mut(block)[0] = u64::from(set.link);
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

    /// The bits of a set that is not a list, from its first day on.
    fn bits<'a>(&'a self, set: &DaySet, inline: &'a mut [u64; 1]) -> &'a [u64] {
        match set.class() {
            0 => {
                inline[0] = u64::from(set.link);
                inline
            }
            class => self.blocks[class as usize - 1].get(set.block()),
        }
    }

    /// The earliest day of a set.
    #[inline]
    pub fn first(&self, set: &DaySet) -> Day {
        set.first
    }

    /// The latest day of a set.
    pub fn last(&self, set: &DaySet) -> Day {
        if set.class() == SPARSE {
            return self.lists[set.block()].last().copied().unwrap_or(set.first);
        }
        let mut inline = [0];
        let bits = self.bits(set, &mut inline);
        let ahead =
            bits.iter().rposition(|&w| w != 0).map_or(0, |i| 64 * i as i32 + 63 - bits[i].leading_zeros() as i32);
        set.first + ahead
    }

    /// How many days a set has.
    pub fn count(&self, set: &DaySet) -> u32 {
        match set.class() {
            SPARSE => self.lists[set.block()].len() as u32,
            _ => self.bits(set, &mut [0]).iter().map(|w| w.count_ones()).sum(),
        }
    }

    /// Visits the days of a set from the earliest to the latest.
    #[inline]
    pub fn each(&self, set: &DaySet, mut visit: impl FnMut(Day)) {
        if set.class() == SPARSE {
            self.lists[set.block()].iter().copied().for_each(visit);
            return;
        }
        for (i, &word) in self.bits(set, &mut [0]).iter().enumerate() {
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
