//! What is made of users' requests: a fold looks at one user after the other.

use super::Timeline;
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::base::user_table::{UserKey, Users};
use crate::stats::amount::Amount;

/// A partial answer over users: fed user by user, merged in any order.
///
/// The laws, checked by `tests/laws/folds.rs`: merging is associative and commutative, a fold that has seen nobody is neutral,
/// any split of the users merges to the same answer as the whole, and what is taken out of a sum leaves no trace.
pub trait Fold: Sized {
    /// Takes in one user's requests.
    fn observe(&mut self, user: &Timeline<'_>) -> Result<()>;

    /// Takes in what a fold over other users has seen.
    fn merge(&mut self, other: Self) -> Result<()>;

    /// Takes out what a fold over some of the same users has seen, of a fold that is a sum over users: what is left is as if these
    /// had never been seen. Gives whether it is one; if not, nothing has changed.
    fn subtract(&mut self, gone: Self) -> Result<bool> {
        drop(gone);
        Ok(false)
    }
}

/// The requests of a user by the segment that each bears, which a user's requests mostly have in common.
#[derive(Debug)]
pub struct BySegment {
    /// The numbers of all requests, as far as they were needed.
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
    /// Gives `each` the code of every segment and the numbers of its requests, in their order.
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

/// Numbers for combinations of codes, in the order they came.
#[derive(Debug, Default)]
pub struct Cells {
    codes: Vec<[u32; 3]>,
    /// Of a code by itself, the numbers plus 1 by the code; 0 for none. Codes of a dictionary are dense.
    single: Vec<u32>,
    /// The numbers of the other combinations.
    others: Users<u32>,
    /// The combination found last.
    last: Option<([u32; 3], usize)>,
}

/// Codes below it are found by their place.
const DENSE: usize = 1 << 20;

fn combination(codes: [u32; 3]) -> UserKey {
    UserKey::from(codes.iter().fold(0u128, |all, &code| all << 32 | u128::from(code)))
}

/// The place of a combination that is one code by itself.
#[inline]
fn single([first, second, code]: [u32; 3]) -> Option<usize> {
    (first == 0 && second == 0 && (code as usize) < DENSE).then_some(code as usize)
}

impl Cells {
    /// The number of a combination, and whether it is new.
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

    /// The number of a combination, if it has one.
    pub fn find(&self, codes: [u32; 3]) -> Option<usize> {
        match single(codes) {
            Some(place) => (*self.single.get(place)? as usize).checked_sub(1),
            None => self.others.get(combination(codes)).map(|i| *self.others.value(i) as usize),
        }
    }

    /// The combination of a number.
    pub fn codes(&self, number: usize) -> [u32; 3] {
        self.codes[number]
    }
}

/// Places for the codes of one user, in the order they came: mostly a few, which are looked through, but there may be many.
#[derive(Debug, Default)]
pub struct Places {
    codes: Vec<u32>,
    cells: Option<Cells>,
}

impl Places {
    /// Codes that are looked through.
    const FEW: usize = 32;

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.codes.clear();
        self.cells = None;
    }

    /// The place of a code, and whether it is new.
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

/// What is kept for every combination of codes.
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
    /// What is kept for a combination, and its number.
    #[inline]
    pub fn entry(&mut self, codes: [u32; 3], claim: &mut Claim) -> Result<(usize, &mut T)> {
        let (number, is_new) = self.cells.number(codes, claim)?;
        if is_new {
            claim.push(&mut self.values, T::default())?;
        }
        Ok((number, &mut self.values[number]))
    }

    /// Takes in what another table has, as `merge` says of two that are kept for one combination. Gives the number here for
    /// each of the other's.
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

    /// Adds what another table has, of what adds up.
    pub fn add(&mut self, other: Self, claim: &mut Claim) -> Result<()>
    where
        T: Amount,
    {
        self.merge(other, claim, T::add).map(drop)
    }

    /// Takes out what another table has, which was added before. Combinations of which nothing is left are gone.
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

    /// What is kept for a combination, if anything.
    pub fn find(&self, codes: [u32; 3]) -> Option<&T> {
        self.cells.find(codes).map(|number| &self.values[number])
    }

    /// Combinations, their numbers and what is kept for them, as they came.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = ([u32; 3], usize, &T)> {
        self.values.iter().enumerate().map(|(number, value)| (self.cells.codes(number), number, value))
    }

    /// The same, giving away what is kept.
    pub fn into_values(self) -> impl Iterator<Item = ([u32; 3], T)> {
        let cells = self.cells;
        self.values.into_iter().enumerate().map(move |(number, value)| (cells.codes(number), value))
    }

    /// How many combinations there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// What is kept for a number.
    pub fn value(&self, number: usize) -> &T {
        &self.values[number]
    }
}
