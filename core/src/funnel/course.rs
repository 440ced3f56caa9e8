//! The steps that one user reached in a funnel with conditions on single steps: the time from the step before, steps that may
//! be skipped, and steps with which a user may enter.
//!
//! A *match* is a sequence of different rows, each of a later step than the one before and at its instant or later. Its first
//! step is one with which users may enter; steps that it skips are optional; the time between two successive rows is at least
//! `after` and at most `within` of the second one's step. The window and excluded rows limit it as in any ordered funnel
//! (see [`Matcher`](super::Matcher)).
//!
//! Reported is the match that came furthest; of those the one with the most steps; of those the one completed first, begun
//! last, with the earliest times, and with the earliest steps.
//!
//! It is found in one pass over the instants. For every last step and number of steps the best match that ends with an
//! instant is kept: the one that began last can be continued by whatever continues another. A match with fewer steps is
//! kept only if it began later. Which of the earlier matches a row continues is the best of those that end in a range of
//! time, whose ends only move forward: for each step and number of steps, a queue has them in descending order. The work is
//! events × steps², apart from instants that many rows share. There, the most steps that different rows can fill, among
//! them all that must not be skipped, are found by augmenting paths: such sets form a matroid, so adding the steps in
//! their order gives a largest set, and of those the earliest steps.

use super::Event;
use super::matcher::Slots;
use crate::base::calendar::Micros;
use crate::base::error::Result;
use crate::base::memory::{self, Claim};
use std::cmp::Ordering;

/// The conditions on a single step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// The longest time from the step before, inclusive.
    pub within: Micros,
    /// The least time from it, inclusive.
    pub after: Micros,
    /// Whether it may be skipped.
    pub optional: bool,
    /// Whether a match may begin with it.
    pub entry: bool,
}

impl Default for Term {
    fn default() -> Self {
        Term { within: Micros::MAX, after: 0, optional: false, entry: false }
    }
}

/// No earlier match.
const NONE: u32 = u32::MAX;

/// A match by its last instant: the steps filled there, and the match that it continues.
#[derive(Clone, Copy, Debug)]
struct End {
    at: Micros,
    /// When the match began.
    start: Micros,
    /// The steps filled at this instant.
    filled: u64,
    /// The index of the match that it continues.
    before: u32,
    /// The number of steps.
    count: u8,
}

impl End {
    fn last(&self) -> usize {
        63 - self.filled.leading_zeros() as usize
    }
}

/// Matches in order of time, each worse than the one before: the first one still in range is the best.
#[derive(Clone, Debug, Default)]
struct Queue {
    ends: Vec<u32>,
    head: usize,
}

/// Finds the steps reached, user by user.
#[derive(Debug)]
pub(super) struct Course {
    terms: Vec<Term>,
    window: Micros,
    /// The steps with which a match may begin, and those that may be skipped.
    pub(super) entries: u64,
    pub(super) optional: u64,
    ends: Vec<End>,
    /// The instants at which matches end, and the index of the first one that does.
    instants: Vec<(Micros, usize)>,
    /// For each step, and number of steps before it.
    queues: Vec<Queue>,
    /// For each step, the number of instants whose matches are in its queues.
    admitted: Vec<usize>,
    /// The matches that end at the present instant, and the index plus 1 of each by last step and number of steps.
    here: Vec<End>,
    places: Vec<u32>,
    /// Which steps the rows of the present instant can fill one after the other.
    runs: Vec<u64>,
    slots: Slots,
    claim: Claim,
}

/// The bits of the steps strictly between two.
fn between(from: usize, to: usize) -> u64 {
    if to <= from + 1 { 0 } else { u64::MAX >> (64 - (to - from - 1)) << (from + 1) }
}

fn bits(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = bits.trailing_zeros() as usize;
        (bits != 0).then(|| {
            bits &= bits - 1;
            bit
        })
    })
}

impl Course {
    pub(super) fn new(terms: &[Term], window: Micros) -> Result<Self> {
        let (mut claim, n) = (Claim::temporary(), terms.len());
        let mask =
            |is: fn(&Term) -> bool| terms.iter().enumerate().fold(0, |mask, (n, term)| mask | u64::from(is(term)) << n);
        Ok(Course {
            entries: mask(|term| term.entry) | 1,
            optional: mask(|term| term.optional),
            terms: claim.collected(terms.iter().copied())?,
            window,
            ends: Vec::new(),
            instants: Vec::new(),
            queues: claim.filled(Queue::default(), n * n)?,
            admitted: claim.filled(0, n)?,
            here: Vec::new(),
            places: claim.filled(0, n * n)?,
            runs: Vec::new(),
            slots: Slots::default(),
            claim,
        })
    }

    /// The times of the match reported, and its steps, of events that are sorted and not after the end of observation;
    /// matches begin before `until`.
    pub(super) fn reached(&mut self, events: &[Event], until: Micros, times: &mut Vec<Micros>) -> Result<u64> {
        let n = self.terms.len();
        self.ends.clear();
        self.instants.clear();
        self.admitted.fill(0);
        for queue in &mut self.queues {
            queue.ends.clear();
            queue.head = 0;
        }
        // The last instant with an excluded row.
        let mut barrier = Micros::MIN;
        let mut best: Option<(usize, u8, u32)> = None;
        for group in events.chunk_by(|a, b| a.at == b.at) {
            memory::poll();
            let at = group[0].at;
            self.fill_runs(group)?;
            for run in 0..self.runs.len() {
                self.continue_with(self.runs[run], at, barrier, until)?;
            }
            self.keep_here(at)?;
            let first =
                self.instants.last().filter(|(last, _)| *last == at).map_or(self.ends.len(), |&(_, first)| first);
            for (place, end) in self.ends.iter().enumerate().skip(first) {
                if best.is_none_or(|(last, count, _)| (end.last(), end.count) > (last, count)) {
                    best = Some((end.last(), end.count, place as u32));
                }
            }
            if best.is_some_and(|(last, count, _)| last == n - 1 && usize::from(count) == n) {
                break;
            }
            if group.iter().any(|event| event.excluded) {
                barrier = at;
            }
        }
        times.clear();
        let Some((_, count, mut place)) = best else { return Ok(0) };
        let mut steps = 0;
        // There is capacity for as many as there are steps.
        times.resize(usize::from(count), 0);
        let mut to = usize::from(count);
        while let Some(end) = self.ends.get(place as usize) {
            let from = to.saturating_sub(end.filled.count_ones() as usize);
            times[from..to].fill(end.at);
            (steps, to, place) = (steps | end.filled, from, end.before);
        }
        Ok(steps)
    }

    /// Determines the steps that different rows of an instant can fill one after the other: for each first and last step
    /// the most.
    fn fill_runs(&mut self, group: &[Event]) -> Result<()> {
        self.runs.clear();
        let steps = group.iter().fold(0, |steps, event| steps | event.steps);
        if matches!(group, [event] if event.copies == 1) {
            for step in bits(steps) {
                self.claim.push(&mut self.runs, 1 << step)?;
            }
            return Ok(());
        }
        self.slots.fill(group, self.terms.len(), &mut self.claim)?;
        for first in bits(steps) {
            self.claim.push(&mut self.runs, 1 << first)?;
            for last in first + 1..self.terms.len() {
                memory::poll();
                let later = between(first, last);
                let at_once = |step: &usize| self.terms[*step].after == 0;
                if !bits(later & !self.optional).all(|step| at_once(&step)) {
                    break;
                }
                if steps >> last & 1 == 0 || !at_once(&last) {
                    continue;
                }
                self.slots.clear();
                let (slots, mut filled) = (&mut self.slots, 0u64);
                let mut add = |step: usize| {
                    let added = slots.add(step as u8);
                    filled |= u64::from(added) << step;
                    added
                };
                let required = [first, last].into_iter().chain(bits(later & !self.optional));
                if !required.into_iter().all(&mut add) {
                    continue;
                }
                for step in bits(later & self.optional & steps).filter(at_once) {
                    add(step);
                }
                self.claim.push(&mut self.runs, filled)?;
            }
        }
        Ok(())
    }

    /// Adds the matches that fill these steps at an instant.
    fn continue_with(&mut self, run: u64, at: Micros, barrier: Micros, until: Micros) -> Result<()> {
        let (n, first) = (self.terms.len(), run.trailing_zeros() as usize);
        let filled = run.count_ones() as u8;
        if self.entries >> first & 1 != 0 && at < until {
            self.add(End { at, start: at, filled: run, before: NONE, count: filled })?;
        }
        if first == 0 {
            return Ok(());
        }
        self.admit(first, at)?;
        let opens = at.saturating_sub(self.window);
        let from = at.saturating_sub(self.terms[first].within).max(barrier).max(opens);
        for count in 1..=first {
            let queue = &mut self.queues[first * n + count - 1];
            while queue.ends.get(queue.head).is_some_and(|&end| self.ends[end as usize].at < from) {
                queue.head += 1;
            }
            let Some(&before) = queue.ends.get(queue.head) else { continue };
            let start = self.ends[before as usize].start;
            if start >= opens {
                self.add(End { at, start, filled: run, before, count: count as u8 + filled })?;
            }
        }
        Ok(())
    }

    /// Puts the matches that a step may continue at an instant into its queues.
    fn admit(&mut self, step: usize, at: Micros) -> Result<()> {
        let (n, latest) = (self.terms.len(), at.saturating_sub(self.terms[step].after));
        while let Some(&(_, first)) = self.instants.get(self.admitted[step]).filter(|(ended, _)| *ended <= latest) {
            self.admitted[step] += 1;
            let next = self.instants.get(self.admitted[step]).map_or(self.ends.len(), |&(_, first)| first);
            for place in first..next {
                let end = self.ends[place];
                if end.last() >= step || between(end.last(), step) & !self.optional != 0 {
                    continue;
                }
                let number = step * n + usize::from(end.count) - 1;
                while let Some(&last) = self.queues[number].ends.get(self.queues[number].head..).and_then(<[u32]>::last)
                    && self.is_better(&end, &self.ends[last as usize])
                {
                    self.queues[number].ends.pop();
                }
                self.claim.push(&mut self.queues[number].ends, place as u32)?;
            }
        }
        Ok(())
    }

    /// Takes note of a match that ends here, unless there is a better one of the same last step and length.
    fn add(&mut self, end: End) -> Result<()> {
        let place = end.last() * self.terms.len() + usize::from(end.count) - 1;
        match self.places[place] {
            0 => {
                self.claim.push(&mut self.here, end)?;
                self.places[place] = self.here.len() as u32;
            }
            known => {
                let known = known as usize - 1;
                if self.is_better(&end, &self.here[known]) {
                    self.here[known] = end;
                }
            }
        }
        Ok(())
    }

    /// Keeps the matches that end here, except those that began no later than one with more steps.
    fn keep_here(&mut self, at: Micros) -> Result<()> {
        let Course { here, places, ends, instants, claim, terms, .. } = self;
        for end in &*here {
            places[end.last() * terms.len() + usize::from(end.count) - 1] = 0;
        }
        here.sort_unstable_by_key(|end| (end.last(), std::cmp::Reverse(end.count)));
        let (first, mut latest) = (ends.len(), None);
        for end in here.drain(..) {
            if latest.is_none_or(|(last, start)| last != end.last() || start < end.start) {
                latest = Some((end.last(), end.start));
                claim.push(ends, end)?;
            }
        }
        if ends.len() > first { claim.push(instants, (at, first)) } else { Ok(()) }
    }

    /// Whether a match is better than another of the same number of steps: it began later, or else has the earlier times,
    /// or else the earlier steps.
    fn is_better(&self, one: &End, other: &End) -> bool {
        if one.start != other.start {
            return one.start > other.start;
        }
        let [one, other] = [one, other].map(|end| self.written(end));
        let count = usize::from(one.2);
        let by_time = one.0[..count].cmp(&other.0[..count]);
        by_time.then_with(|| one.1[..count].cmp(&other.1[..count])) == Ordering::Less
    }

    /// The times and steps of a match, and their number.
    fn written(&self, end: &End) -> ([Micros; 64], [u8; 64], u8) {
        let (mut times, mut steps, mut to) = ([0; 64], [0; 64], usize::from(end.count));
        let mut next = Some(end);
        while let Some(end) = next {
            let from = to.saturating_sub(end.filled.count_ones() as usize);
            times[from..to].fill(end.at);
            bits(end.filled).zip(&mut steps[from..to]).for_each(|(step, to)| *to = step as u8);
            (to, next) = (from, self.ends.get(end.before as usize));
        }
        (times, steps, end.count)
    }
}
