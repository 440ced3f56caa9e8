//! Values merged as bytes: kept as they came, and merged side by side when the result is needed.

use super::{Head, Listed, View, Walk, close, write};
use crate::base::error::Result;
use crate::base::memory::{self, Claim};
use std::marker::PhantomData;

/// This many runs of about the same length are merged into one, of about eight times the length. So each item of many small
/// values is copied once per power of eight, and memory stays close to the size of the values together: the tiers of a
/// log-structured merge tree (O'Neil and others 1996, <https://doi.org/10.1007/s002360050048>).
const ALIKE: usize = 8;

/// The lengths of runs of one tier differ by at most a factor of eight.
fn tier(run: &[u8]) -> u32 {
    run.len().max(1).ilog2() / 3
}

/// The bytes of values to be merged. They are entered in the claim of the state that contains them.
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

    /// Adds a copy of a value.
    pub fn take(&mut self, bytes: &[u8], claim: &mut Claim) -> Result<()> {
        claim.reserve(&mut self.runs, 1)?;
        let mut run = Vec::new();
        claim.reserve(&mut run, bytes.len())?;
        run.extend_from_slice(bytes);
        self.push(run, claim)
    }

    /// Adds copies of all values of another.
    pub fn take_all(&mut self, others: &Self, claim: &mut Claim) -> Result<()> {
        others.runs.iter().try_for_each(|run| self.take(run, claim))
    }

    /// Moves all values of another. `theirs` must hold these and nothing else.
    pub fn take_over(&mut self, others: Self, claim: &mut Claim, theirs: Claim) -> Result<()> {
        claim.reserve(&mut self.runs, others.runs.len())?;
        // Their vector goes with them: a few bytes too many stay in the accounting until the state is dropped.
        claim.take_over(theirs);
        others.runs.into_iter().try_for_each(|run| self.push(run, claim))
    }

    /// Adds a run, for which there is capacity; merges runs as long as there are too many of the last tier.
    fn push(&mut self, run: Vec<u8>, claim: &mut Claim) -> Result<()> {
        let mut of = tier(&run);
        self.runs.push(run);
        while self.runs.iter().filter(|run| tier(run) == of).count() >= ALIKE {
            of = self.unite(of, claim)?;
        }
        Ok(())
    }

    /// Merges the runs of a tier; returns the tier of the result.
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

    /// The bytes of all values added, merged with one more.
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

/// The merged bytes of several values.
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

/// Merges several sorted lists that follow each other in `items`: a bottom-up merge sort. `ends` contains the end of each;
/// `room` has capacity for all items.
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

/// Appends the merge of two lists. The order is unpredictable, so the code is free of branches.
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

/// The keys of all walks, distinct, ascending.
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
