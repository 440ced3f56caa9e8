//! Values merged as bytes: kept as they came, and read side by side when the whole is asked for.

use super::{Head, Listed, View, Walk, close, write};
use crate::base::error::Result;
use crate::base::memory::{self, Claim};
use std::marker::PhantomData;

/// So many runs of about the same length become one, of about eight times it. So each item of many little values is copied
/// once for every power of eight, and what is kept stays near what the values hold together: the tiers of a log-structured
/// merge tree (O'Neil and others 1996, <https://doi.org/10.1007/s002360050048>).
const ALIKE: usize = 8;

/// Runs of one tier are at most eight times as long as each other.
fn tier(run: &[u8]) -> u32 {
    run.len().max(1).ilog2() / 3
}

/// The bytes of values that are to be one. What is kept is entered in the claim of the state that has them.
#[derive(Debug)]
pub struct Runs<T> {
    runs: Vec<Vec<u8>>,
    of: PhantomData<T>,
}

impl<T: Listed> Runs<T> {
    /// None yet.
    pub fn new() -> Self {
        Runs { runs: Vec::new(), of: PhantomData }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Takes in a copy of a value.
    pub fn take(&mut self, bytes: &[u8], claim: &mut Claim) -> Result<()> {
        claim.reserve(&mut self.runs, 1)?;
        let mut run = Vec::new();
        claim.reserve(&mut run, bytes.len())?;
        run.extend_from_slice(bytes);
        self.push(run, claim)
    }

    /// Takes in copies of all of another's.
    pub fn take_all(&mut self, others: &Self, claim: &mut Claim) -> Result<()> {
        others.runs.iter().try_for_each(|run| self.take(run, claim))
    }

    /// Takes in all of another's. What `theirs` holds must be these and nothing else.
    pub fn take_over(&mut self, others: Self, claim: &mut Claim, theirs: Claim) -> Result<()> {
        claim.reserve(&mut self.runs, others.runs.len())?;
        // The places they lay in go with them: a few bytes too many stay in the memory account until the state goes.
        claim.take_over(theirs);
        others.runs.into_iter().try_for_each(|run| self.push(run, claim))
    }

    /// Adds a run, for which there is room; as long as many are as long as the last, makes them one.
    fn push(&mut self, run: Vec<u8>, claim: &mut Claim) -> Result<()> {
        let mut of = tier(&run);
        self.runs.push(run);
        while self.runs.iter().filter(|run| tier(run) == of).count() >= ALIKE {
            of = self.unite(of, claim)?;
        }
        Ok(())
    }

    /// Makes one of the runs of a tier; gives the tier of that.
    #[cold]
    fn unite(&mut self, of: u32, claim: &mut Claim) -> Result<u32> {
        self.runs.sort_by_key(|run| tier(run) == of);
        let alike = self.runs.partition_point(|run| tier(run) != of);
        let one = merged::<T>(&self.runs[alike..])?;
        claim.grow(one.capacity())?;
        claim.shrink(self.runs.drain(alike..).map(|run| run.capacity()).sum());
        let of = tier(&one);
        self.runs.push(one);
        Ok(of)
    }

    /// The bytes of the whole: of all that were taken in, and of one more.
    pub fn with(&self, one: Option<Vec<u8>>) -> Result<Vec<u8>> {
        match one {
            Some(one) if self.runs.is_empty() => Ok(one),
            one => {
                let all = self.runs.iter().map(Vec::as_slice).chain(one.as_deref());
                let (mut runs, mut claim) = (Vec::new(), Claim::temporary());
                claim.reserve(&mut runs, self.runs.len() + 1)?;
                runs.extend(all);
                merged::<T>(&runs)
            }
        }
    }
}

impl<T: Listed> Default for Runs<T> {
    fn default() -> Self {
        Runs::new()
    }
}

/// The bytes of several values as one.
fn merged<T: Listed>(runs: &[impl AsRef<[u8]>]) -> Result<Vec<u8>> {
    let (mut walks, mut claim, mut bytes) = (Vec::<Walk<'_, T>>::new(), Claim::temporary(), 0);
    if let [one] = runs {
        let (one, mut copy) = (one.as_ref(), Vec::new());
        claim.reserve(&mut copy, one.len())?;
        copy.extend_from_slice(one);
        return Ok(copy);
    }
    claim.reserve(&mut walks, runs.len())?;
    let mut head: Option<Head<T::Rules>> = None;
    for run in runs {
        let view = View::<T>::open(run.as_ref())?;
        if let Some(head) = &head {
            head.fits::<T>(view.head())?;
        }
        let last_at = head.and_then(|head| head.last_at).max(view.last_at());
        head = Some(Head { last_at, ..*view.head() });
        bytes += view.lists.left();
        walks.push(view.walk());
    }
    let keys = union(&walks, &mut claim)?;
    let mut out = match head {
        Some(head) => head.begin::<T>(keys.len(), bytes)?,
        None => return Ok(Vec::new()),
    };
    keys.iter().try_for_each(|key| out.raw(key))?;
    let (mut items, mut room, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    claim.reserve(&mut ends, walks.len())?;
    for (n, key) in keys.iter().enumerate() {
        if n % memory::POLL_EVERY == 0 {
            memory::poll();
        }
        items.clear();
        ends.clear();
        let mut bytes: &[u8] = &[];
        for walk in walks.iter_mut().filter(|walk| walk.key() == Some(key)) {
            bytes = walk.append(&mut items, &mut claim)?;
            ends.push(items.len());
        }
        match head {
            Some(head) if ends.len() > 1 => {
                room.clear();
                claim.reserve(&mut room, items.len())?;
                side_by_side(&mut items, &mut ends, &mut room);
                close(head.rules, &mut items)?;
                write(head.rules, &items, &mut out)?;
            }
            _ => out.raw(bytes)?,
        }
    }
    walks.iter().try_for_each(Walk::finish)?;
    Ok(out.finish())
}

/// Makes one list of several that lie one behind the other in `items`, each in order: the bottom-up merge sort of what is
/// sorted already. `ends` says where each ends; `room` takes as many items.
fn side_by_side<T: Listed>(items: &mut Vec<T>, ends: &mut Vec<usize>, room: &mut Vec<T>) {
    while ends.len() > 1 {
        room.clear();
        let (mut from, mut pairs) = (0, 0);
        for at in (0..ends.len()).step_by(2) {
            let (middle, end) = (ends[at], ends.get(at + 1).copied().unwrap_or(ends[at]));
            both(&items[from..middle], &items[middle..end], room);
            (from, ends[pairs]) = (end, end);
            pairs += 1;
        }
        ends.truncate(pairs);
        std::mem::swap(items, room);
    }
}

/// Appends two lists as one. Which is next cannot be foretold, so nothing is left to the processor's guess.
fn both<T: Listed>(one: &[T], other: &[T], to: &mut Vec<T>) {
    let (mut i, mut j) = (0, 0);
    while let (Some(a), Some(b)) = (one.get(i), other.get(j)) {
        let second = b.order() < a.order();
        to.push(if second { *b } else { *a });
        i += usize::from(!second);
        j += usize::from(second);
    }
    to.extend_from_slice(&one[i..]);
    to.extend_from_slice(&other[j..]);
}

/// The keys of all, each once, ascending.
fn union<T: Listed>(walks: &[Walk<'_, T>], claim: &mut Claim) -> Result<Vec<[u8; 16]>> {
    let (mut keys, mut rests) = (Vec::new(), Vec::new());
    claim.reserve(&mut rests, walks.len())?;
    rests.extend(walks.iter().map(|walk| walk.keys));
    while let Some(&least) = rests.iter().filter_map(|rest| rest.first()).min() {
        if keys.len() % memory::POLL_EVERY == 0 {
            memory::poll();
        }
        claim.push(&mut keys, least)?;
        for rest in &mut rests {
            *rest = rest.strip_prefix(&[least]).unwrap_or(rest);
        }
    }
    Ok(keys)
}
