//! Folds over users' requests, user by user.

use super::Timeline;
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::base::user_table::{UserKey, Users};
use crate::stats::amount::Amount;

/// A partial result over users: built user by user, merged in any order.
///
/// The laws, checked by `tests/laws/folds.rs`: merging is associative and commutative, a fold without users is neutral, any
/// split of the users merges to the same result as the whole, and what is subtracted from a sum leaves no trace.
pub trait Fold: Sized {
    /// Adds one user's requests.
    fn observe(&mut self, user: &Timeline<'_>) -> Result<()>;

    /// Merges a fold over other users.
    fn merge(&mut self, other: Self) -> Result<()>;

    /// Subtracts a fold over some of the same users, if folds are sums over users: the result is as if these users had never
    /// been added. Returns whether they are; if not, nothing has changed.
    fn subtract(&mut self, gone: Self) -> Result<bool> {
        drop(gone);
        Ok(false)
    }
}

/// The requests of a user by segment; mostly all requests of a user have the same segment.
#[derive(Debug)]
pub struct BySegment {
    /// The indexes of all requests, as far as needed.
    all: Vec<u32>,
    order: Vec<u32>,
    claim: Claim,
}

impl Default for BySegment {
    fn default() -> Self {
        BySegment { all: Vec::new(), order: Vec::new(), claim: Claim::temporary() }
    }
}

impl BySegment {
    /// Calls `each` with the code of every segment and the indexes of its requests, in order.
    pub fn each(
        &mut self,
        user: &Timeline<'_>,
        segment: Option<usize>,
        mut each: impl FnMut(u32, &[u32]) -> Result<()>,
    ) -> Result<()> {
        let (count, known) = (user.at.len(), self.all.len());
        if known < count {
            self.claim.reserve_doubling(&mut self.all, count - known)?;
            self.all.extend(known as u32..count as u32);
        }
        let Some(codes) = user.codes(segment) else { return each(0, &self.all[..count]) };
        let Some(&first) = codes.first() else { return Ok(()) };
        if codes.iter().all(|&code| code == first) {
            return each(first, &self.all[..count]);
        }
        self.order.clear();
        self.claim.reserve(&mut self.order, count)?;
        self.order.extend(0..count as u32);
        self.order.sort_by_key(|&request| codes[request as usize]);
        self.order
            .chunk_by(|&a, &b| codes[a as usize] == codes[b as usize])
            .try_for_each(|requests| each(requests.first().map_or(0, |&request| codes[request as usize]), requests))
    }
}

/// Indexes of combinations of codes, in order of arrival.
#[derive(Debug, Default)]
pub struct Cells {
    codes: Vec<[u32; 3]>,
    /// For single codes, the index plus 1 by code; 0 for none. Codes of a dictionary are dense.
    single: Vec<u32>,
    /// The indexes of other combinations.
    others: Users<u32>,
    /// The last combination found.
    last: Option<([u32; 3], usize)>,
}

/// Codes below this are found by array access.
const DENSE: usize = 1 << 20;

fn combination(codes: [u32; 3]) -> UserKey {
    UserKey::from(codes.iter().fold(0u128, |all, &code| all << 32 | u128::from(code)))
}

/// The array position of a combination that is a single code.
#[inline]
fn single([first, second, code]: [u32; 3]) -> Option<usize> {
    (first == 0 && second == 0 && (code as usize) < DENSE).then_some(code as usize)
}

impl Cells {
    /// The index of a combination, and whether it is new.
    #[inline]
    pub fn number(&mut self, codes: [u32; 3], claim: &mut Claim) -> Result<(usize, bool)> {
        match self.last {
            Some((last, number)) if last == codes => Ok((number, false)),
            _ => {
                let (number, is_new) = match single(codes) {
                    Some(place) => self.number_of_single(place, claim)?,
                    None => {
                        let next = self.codes.len() as u32;
                        let (i, is_new) = self.others.number(combination(codes), next, claim)?;
                        (*self.others.value(i) as usize, is_new)
                    }
                };
                if is_new {
                    claim.push(&mut self.codes, codes)?;
                }
                self.last = Some((codes, number));
                Ok((number, is_new))
            }
        }
    }

    #[inline]
    fn number_of_single(&mut self, place: usize, claim: &mut Claim) -> Result<(usize, bool)> {
        if self.single.len() <= place {
            claim.extend_to(&mut self.single, (place + 1).next_power_of_two())?;
        }
        let next = self.codes.len();
        let number = &mut self.single[place];
        if *number > 0 {
            return Ok((*number as usize - 1, false));
        }
        *number = next as u32 + 1;
        Ok((next, true))
    }

    /// The index of a combination, if it has one.
    pub fn find(&self, codes: [u32; 3]) -> Option<usize> {
        match single(codes) {
            Some(place) => (*self.single.get(place)? as usize).checked_sub(1),
            None => self.others.get(combination(codes)).map(|i| *self.others.value(i) as usize),
        }
    }

    /// The combination of an index.
    pub fn codes(&self, number: usize) -> [u32; 3] {
        self.codes[number]
    }
}

/// Indexes of the codes of one user, in order of arrival: mostly a few, which are scanned, but there may be many.
#[derive(Debug, Default)]
pub struct Places {
    codes: Vec<u32>,
    cells: Option<Cells>,
}

impl Places {
    /// The number of codes that are scanned.
    const FEW: usize = 32;

    /// Removes all of them.
    pub fn clear(&mut self) {
        self.codes.clear();
        self.cells = None;
    }

    /// The index of a code, and whether it is new.
    #[inline]
    pub fn place(&mut self, code: u32, claim: &mut Claim) -> Result<(usize, bool)> {
        if let Some(cells) = &mut self.cells {
            return cells.number([0, 0, code], claim);
        }
        if let Some(place) = self.codes.iter().position(|known| *known == code) {
            return Ok((place, false));
        }
        if self.codes.len() < Self::FEW {
            claim.push(&mut self.codes, code)?;
            return Ok((self.codes.len() - 1, true));
        }
        let mut cells = Cells::default();
        for &known in &self.codes {
            cells.number([0, 0, known], claim)?;
        }
        self.cells.insert(cells).number([0, 0, code], claim)
    }
}

/// A value for every combination of codes.
#[derive(Debug)]
pub struct Table<T> {
    cells: Cells,
    values: Vec<T>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Table { cells: Cells::default(), values: Vec::new() }
    }
}

impl<T: Default> Table<T> {
    /// The value of a combination, and its index.
    #[inline]
    pub fn entry(&mut self, codes: [u32; 3], claim: &mut Claim) -> Result<(usize, &mut T)> {
        let (number, is_new) = self.cells.number(codes, claim)?;
        if is_new {
            claim.push(&mut self.values, T::default())?;
        }
        Ok((number, &mut self.values[number]))
    }

    /// Merges another table; `merge` combines two values of the same combination. Returns the index here for each of the
    /// other's.
    pub fn merge(
        &mut self,
        other: Self,
        claim: &mut Claim,
        mut merge: impl FnMut(&mut T, T, &mut Claim) -> Result<()>,
    ) -> Result<Vec<usize>> {
        let mut numbers = Vec::new();
        claim.reserve(&mut numbers, other.len())?;
        for (codes, theirs) in other.into_values() {
            let (number, ours) = self.entry(codes, claim)?;
            merge(ours, theirs, claim)?;
            numbers.push(number);
        }
        Ok(numbers)
    }

    /// Adds another table of amounts.
    pub fn add(&mut self, other: Self, claim: &mut Claim) -> Result<()>
    where
        T: Amount,
    {
        self.merge(other, claim, T::add).map(drop)
    }

    /// Subtracts another table that was added before. Combinations without any amount left are removed.
    pub fn subtract(&mut self, other: Self, claim: &mut Claim) -> Result<()>
    where
        T: Amount,
    {
        for (codes, theirs) in other.into_values() {
            self.entry(codes, claim)?.1.subtract(theirs, claim)?;
        }
        for (codes, value) in std::mem::take(self).into_values().filter(|(_, value)| !value.is_zero()) {
            *self.entry(codes, claim)?.1 = value;
        }
        Ok(())
    }

    /// The value of a combination, if there is one.
    pub fn find(&self, codes: [u32; 3]) -> Option<&T> {
        self.cells.find(codes).map(|number| &self.values[number])
    }

    /// Combinations, their indexes and values, in order of arrival.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = ([u32; 3], usize, &T)> {
        self.values.iter().enumerate().map(|(number, value)| (self.cells.codes(number), number, value))
    }

    /// The same, by value.
    pub fn into_values(self) -> impl Iterator<Item = ([u32; 3], T)> {
        let cells = self.cells;
        self.values.into_iter().enumerate().map(move |(number, value)| (cells.codes(number), value))
    }

    /// The number of combinations.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The value of an index.
    pub fn value(&self, number: usize) -> &T {
        &self.values[number]
    }
}
