//! The steps that one user reached, when, and whether more can still be reached.
//!
//! A *match* of length k is k different rows of a user, the i-th of which matches step i, each at the instant of the
//! previous one or later, the last at most a window after the first, and with no event in between that is excluded or
//! forbidden by the mode. Between means strictly between: rows at the same instant have no order, so the order that fits is
//! taken. The user's level is the length of the longest match, whichever row it begins with.
//!
//! It is found in one pass over the instants. For each k only the match that began last among those that can still go on
//! matters: it can be continued by whatever continues another, and its window closes last. An instant with one row extends
//! matches by one step; for an instant with several rows, the number of steps that different rows can fill is a bipartite
//! matching, whose augmenting paths are kept while the first step wanted moves on. The work is events × steps, apart from
//! instants that many rows share.
//!
//! The match reported, with its times, is the one completed first; of those the one that began last; of those the one whose
//! second step was earliest, and so on.
//!
//! With mode unordered, a match is a set of rows that each fill a different step. Such sets form a matroid (J. Edmonds and
//! D. R. Fulkerson, "Transversals and Matroid Partition", 1965), so the greedy set of the latest rows contains a largest set
//! of every interval that ends now: it is maintained row by row, dropping the oldest row that a new one can replace.

use super::course::{Course, Term};
use super::{Event, Mode, Rules};
use crate::base::calendar::{Micros, has_elapsed};
use crate::base::error::{Error, Result};
use crate::base::memory::{self, Claim};
use crate::function::Call;

/// The semantics of levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compatibility {
    /// What [`Matcher`] describes.
    Standard,
    /// The levels of ClickHouse's `windowFunnel`, as documented.
    ClickHouse,
}

impl Compatibility {
    const ALL: [(&'static str, Compatibility); 2] =
        [("standard", Compatibility::Standard), ("clickhouse", Compatibility::ClickHouse)];

    /// The semantics of the given name.
    pub fn parse(given: &str) -> Result<Self> {
        let found = Self::ALL.iter().find(|(word, _)| *word == given);
        let unknown = || Error::not_one_of("compatibility", given, &Self::ALL.map(|(word, _)| word));
        found.map(|&(_, compatibility)| compatibility).ok_or_else(unknown)
    }

    /// The semantics of a call.
    pub(super) fn given(call: &Call<'_>) -> Result<Self> {
        call.text("compatibility").map_or(Ok(Compatibility::Standard), Compatibility::parse)
    }

    /// Its name in SQL.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }

    /// Rejects a mode that is not defined for these semantics.
    pub fn check(self, mode: Mode) -> Result<()> {
        let refused = |accepted: &str| {
            Err(Error::Argument { name: "mode", given: mode.name().to_owned(), accepted: accepted.to_owned() })
        };
        match (self, mode) {
            (Compatibility::Standard, Mode::AllowReentry) => {
                refused("another mode, or compatibility => 'clickhouse' besides")
            }
            (Compatibility::ClickHouse, Mode::Unordered) => {
                refused("a mode that windowFunnel has, or compatibility => 'standard'")
            }
            _ => Ok(()),
        }
    }

    /// Rejects excluded events if they are not defined for these semantics.
    pub fn check_exclusion(self) -> Result<()> {
        match self {
            Compatibility::Standard => Ok(()),
            Compatibility::ClickHouse => Err(Error::Argument {
                name: "exclude",
                given: "a filter".to_owned(),
                accepted: "no exclude with compatibility => 'clickhouse', for windowFunnel has none".to_owned(),
            }),
        }
    }
}

/// The steps reached by a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journey {
    /// When each step was reached; with mode unordered, when one, two, … of the steps were done.
    pub reached: Vec<Micros>,
    /// In a funnel with conditions on single steps, which steps these are: bit 0 is the first. Otherwise 0: the first ones.
    pub steps: u64,
    /// Whether the window counted from the user's first entry has elapsed: what the user has reached by then is final for
    /// rates.
    pub eligible: bool,
}

impl Journey {
    /// The steps reached: bit 0 is the first.
    pub fn done(&self) -> u64 {
        match (self.steps, self.reached.len()) {
            (0, 0) => 0,
            (0, level) => u64::MAX >> (64 - level),
            (steps, _) => steps,
        }
    }

    /// When a step was reached: 0 is the first.
    pub fn at(&self, step: usize) -> Option<Micros> {
        let done = self.done();
        let place = (done & ((1 << step) - 1)).count_ones() as usize;
        if done >> step & 1 == 0 { None } else { self.reached.get(place).copied() }
    }
}

/// Rows at one instant, all copies separate, and which step each fills.
#[derive(Debug, Default)]
pub(super) struct Slots {
    steps: Vec<u64>,
    filled: Vec<u8>,
    /// The step from which a search reached it.
    from: Vec<u8>,
}

/// A row of the greedy set of the latest rows, for mode unordered.
#[derive(Clone, Copy, Debug, Default)]
struct Done {
    at: Micros,
    steps: u64,
    /// The step it fills.
    fills: u8,
}

/// For mode unordered the latest rows that may begin a match, if matches may begin before an instant only: a match of later
/// rows needs one of them.
#[derive(Debug, Default)]
struct Entries {
    at: Option<Micros>,
    steps: Vec<u64>,
    /// The greedy set with one of them in place of another row.
    with_entry: Vec<Done>,
    times: Vec<Micros>,
}

const NOTHING: u8 = u8::MAX;

/// Computes the steps reached, user by user, in memory allocated once.
#[derive(Debug)]
pub struct Matcher {
    rules: Rules,
    compatibility: Compatibility,
    end: Micros,
    /// Matches begin before this instant.
    until: Micros,
    /// Which lengths have a match that can go on: bit 0 is length 1.
    live: u64,
    /// The times of the matches, by length, each in `rules.steps` elements.
    times: Vec<Micros>,
    /// How many steps from each one on the rows of an instant can fill.
    runs: Vec<u8>,
    slots: Slots,
    done: Vec<Done>,
    entries: Entries,
    /// Whether no later event can change the result.
    over: bool,
    /// The search in a funnel with conditions on single steps.
    course: Option<Course>,
    journey: Journey,
    claim: Claim,
}

impl Matcher {
    /// For the users of a funnel observed up to `end`.
    pub fn new(rules: Rules, compatibility: Compatibility, end: Micros) -> Result<Self> {
        compatibility.check(rules.mode)?;
        let (mut claim, n) = (Claim::temporary(), rules.steps);
        let mut journey = Journey::default();
        claim.reserve(&mut journey.reached, n)?;
        let mut done = Vec::new();
        claim.reserve(&mut done, n)?;
        let mut entries = Entries::default();
        claim.reserve(&mut entries.with_entry, n)?;
        claim.reserve(&mut entries.times, n)?;
        Ok(Matcher {
            rules,
            compatibility,
            end,
            until: Micros::MAX,
            live: 0,
            times: claim.filled(0, n * n)?,
            runs: claim.filled(0, n + 1)?,
            slots: Slots::default(),
            done,
            entries,
            over: false,
            course: None,
            journey,
            claim,
        })
    }

    /// The same for users who enter before an instant.
    pub fn until(mut self, until: Option<Micros>) -> Self {
        self.until = until.unwrap_or(Micros::MAX);
        self
    }

    /// The same with conditions on single steps, for the mode ordered.
    pub fn with_terms(mut self, terms: &[Term]) -> Result<Self> {
        self.course = Some(Course::new(terms, self.rules.window)?);
        Ok(self)
    }

    /// The instant before which matches begin, from now on.
    pub(super) fn enter_until(&mut self, until: Micros) {
        self.until = until;
    }

    /// The instant of the first event from which a match may begin.
    pub(super) fn entry(&self, events: &[Event]) -> Option<Micros> {
        let begins = match &self.course {
            _ if self.rules.mode == Mode::Unordered => u64::MAX,
            None => 1,
            Some(course) => course.entries,
        };
        let first = events.iter().find(|event| event.steps & begins != 0)?;
        Some(first.at).filter(|&at| self.enters(at))
    }

    /// Whether a match may begin at an instant.
    #[inline]
    pub(super) fn enters(&self, at: Micros) -> bool {
        at < self.until && at <= self.end
    }

    /// The steps reached by the user of these events, which must be sorted. Events after the end of observation are ignored.
    pub fn journey(&mut self, events: &[Event]) -> Result<&Journey> {
        (self.live, self.over, self.journey.eligible, self.journey.steps) = (0, false, false, 0);
        self.journey.reached.clear();
        self.done.clear();
        self.entries.at = None;
        let window = self.rules.window;
        // What lies a window after the last entry follows none.
        let last = self.end.min(self.until.saturating_add(window));
        let events = &events[..events.partition_point(|event| event.at <= last)];
        let Some(entered) = self.entry(events) else { return Ok(&self.journey) };
        self.journey.eligible = has_elapsed(entered, window, self.end);
        if let Some(course) = &mut self.course {
            self.journey.steps = course.reached(events, self.until, &mut self.journey.reached)?;
            return Ok(&self.journey);
        }
        for (i, group) in events.chunk_by(|a, b| a.at == b.at).enumerate() {
            if i % memory::POLL_EVERY == memory::POLL_EVERY - 1 {
                memory::poll();
            }
            match (self.compatibility, self.rules.mode) {
                (_, Mode::Unordered) => self.any_order(group)?,
                (
                    Compatibility::ClickHouse,
                    Mode::Ordered | Mode::StrictOrder | Mode::StrictDedup | Mode::AllowReentry,
                ) => {
                    self.as_clickhouse(group);
                }
                _ => self.in_order(group)?,
            }
            if self.over || self.journey.reached.len() == self.rules.steps {
                break;
            }
        }
        Ok(&self.journey)
    }

    /// When the match of a length began.
    #[inline]
    fn start(&self, length: usize) -> Micros {
        self.times[(length - 1) * self.rules.steps]
    }

    #[inline]
    fn is_live(&self, length: usize) -> bool {
        self.live & 1 << (length - 1) != 0
    }

    /// Whether the match of a length can be extended at an instant; one of length 0 begins there.
    #[inline]
    fn reaches(&self, length: usize, at: Micros) -> bool {
        match length {
            0 => at < self.until,
            _ => self.is_live(length) && at <= self.start(length).saturating_add(self.rules.window),
        }
    }

    /// Replaces the match of length `to` by that of length `from`, extended by the steps in between at an instant.
    #[inline]
    fn lengthen(&mut self, from: usize, to: usize, at: Micros) {
        let (source, target) = (from.saturating_sub(1) * self.rules.steps, (to - 1) * self.rules.steps);
        self.times.copy_within(source..source + from, target);
        self.times[target + from..target + to].fill(at);
        self.live |= 1 << (to - 1);
    }

    /// Records that a length has been reached, if it is the first time.
    #[inline]
    fn reach(&mut self, length: usize) {
        if length > self.journey.reached.len() {
            let from = (length - 1) * self.rules.steps;
            self.journey.reached.clear();
            self.journey.reached.extend_from_slice(&self.times[from..from + length]);
        }
    }

    /// Processes the events of one instant.
    fn in_order(&mut self, group: &[Event]) -> Result<()> {
        let Some(&Event { at, .. }) = group.first() else { return Ok(()) };
        let steps = group.iter().fold(0, |steps, event| steps | event.steps);
        let excluded = group.iter().any(|event| event.excluded);
        // The lengths whose matches may be continued later though not at this instant.
        let stay = match self.rules.mode {
            Mode::StrictOrder => 0,
            _ if excluded => 0,
            Mode::StrictDedup => {
                // None of the steps done, except the first, nor the next one.
                let repeats = |length: usize| steps & (u64::MAX >> (63 - length.min(63))) & !1 != 0;
                lengths(self.live).filter(|&length| !repeats(length)).fold(0, |stay, length| stay | 1 << (length - 1))
            }
            _ => self.live,
        };
        let one_row = matches!(group, [event] if event.copies == 1);
        let (mut longest, mut fresh) = (0, 0u64);
        if one_row || self.rules.mode == Mode::StrictIncrease {
            // The longest first: each reads the previous state of the one below.
            let mut targets = (self.live << 1 | 1) & steps;
            while targets != 0 {
                let to = 64 - targets.leading_zeros() as usize;
                targets &= !(1 << (to - 1));
                if self.reaches(to - 1, at) && self.is_better(to - 1, to, at, stay) {
                    self.lengthen(to - 1, to, at);
                    fresh |= 1 << (to - 1);
                    longest = longest.max(to);
                }
            }
        } else {
            self.count_runs(group)?;
            for to in (1..=self.rules.steps).rev() {
                let sources =
                    (0..to).rev().filter(|&from| usize::from(self.runs[from]) >= to && self.reaches(from, at));
                // The one that began last; of several the longest, whose steps were earlier.
                let best = sources.map(|from| (if from == 0 { at } else { self.start(from) }, from)).max();
                if let Some((_, from)) = best
                    && self.is_better(from, to, at, stay)
                {
                    self.lengthen(from, to, at);
                    fresh |= 1 << (to - 1);
                    longest = longest.max(to);
                }
            }
        }
        self.live &= stay | fresh;
        if longest > 0 {
            self.reach(longest);
        }
        Ok(())
    }

    /// Whether extending a match gives a better one than the existing match of that length.
    #[inline]
    fn is_better(&self, from: usize, to: usize, at: Micros, stay: u64) -> bool {
        let start = if from == 0 { at } else { self.start(from) };
        stay & self.live & 1 << (to - 1) == 0 || start > self.start(to)
    }

    /// For every length, up to which step different rows of an instant can extend a match of that length.
    fn count_runs(&mut self, group: &[Event]) -> Result<()> {
        self.slots.fill(group, self.rules.steps, &mut self.claim)?;
        let mut to = 0;
        for from in 0..self.rules.steps {
            to = to.max(from);
            if from == 0 || self.is_live(from) {
                while to < self.rules.steps && self.slots.add(to as u8) {
                    to += 1;
                }
                self.runs[from] = to as u8;
            } else {
                self.runs[from] = from as u8;
            }
            self.slots.free(from as u8);
        }
        Ok(())
    }

    /// Processes the events of one instant as windowFunnel does: sorted by instant and step, a row once for each step it
    /// matches; each step replaces the existing one; an event forbidden by the mode ends everything.
    fn as_clickhouse(&mut self, group: &[Event]) {
        let mode = self.rules.mode;
        let Some(&Event { at, .. }) = group.first() else { return };
        let strict = matches!(mode, Mode::StrictOrder | Mode::AllowReentry);
        if strict && self.live != 0 && group.iter().any(|event| event.steps == 0) {
            self.over = true;
            return;
        }
        let (mut steps, mut again) = (0u64, 0u64);
        for event in group {
            again |= event.steps & if event.copies > 1 { u64::MAX } else { steps };
            steps |= event.steps;
        }
        while steps != 0 {
            let to = steps.trailing_zeros() as usize + 1;
            let bit = 1 << (to - 1);
            steps &= !bit;
            if to == 1 {
                if at < self.until {
                    self.lengthen(0, 1, at);
                }
            } else if mode == Mode::StrictDedup && self.is_live(to) {
                self.over = true;
            } else if strict && self.live != 0 && !self.is_live(to - 1) {
                self.over = mode == Mode::StrictOrder;
            } else if self.reaches(to - 1, at) {
                self.lengthen(to - 1, to, at);
                self.over = mode == Mode::StrictDedup && again & bit != 0;
            }
            if self.live & bit != 0 {
                self.reach(to);
            }
            if self.over {
                return;
            }
        }
    }

    /// Processes the events of one instant with mode unordered.
    fn any_order(&mut self, group: &[Event]) -> Result<()> {
        let Some(&Event { at, .. }) = group.first() else { return Ok(()) };
        self.take_done(group);
        let from = at.saturating_sub(self.rules.window);
        if at < self.until && self.until < Micros::MAX {
            self.entries.steps.clear();
            for event in group.iter().filter(|event| event.steps != 0) {
                self.entries.at = Some(at);
                self.claim.push(&mut self.entries.steps, event.steps)?;
            }
        }
        let enters = at < self.until || self.entries.at.is_some_and(|entry| entry >= from);
        let level = self.done.iter().filter(|row| row.at >= from).count();
        if enters && level > self.journey.reached.len() {
            self.journey.reached.clear();
            self.journey.reached.extend(self.done.iter().filter(|row| row.at >= from).map(|row| row.at));
            self.journey.reached.sort_unstable();
            if self.journey.reached.first().is_some_and(|&first| first >= self.until) {
                self.begin_with_entry(from);
            }
        }
        if group.iter().any(|event| event.excluded) {
            // Rows before this instant cannot be combined with rows after it; rows at this instant can be with both.
            self.done.clear();
            self.take_done(group);
            self.entries.at = self.entries.at.filter(|&entry| entry == at);
        }
        Ok(())
    }

    /// Reports the match that has an entry in place of one of the latest rows, all of which are too late to begin one. All
    /// largest sets have the same size, so an entry can be exchanged for some row; the oldest possible one leaves.
    fn begin_with_entry(&mut self, from: Micros) {
        let Entries { at: Some(entry), steps, with_entry, times } = &mut self.entries else { return };
        let mut is_first = true;
        for &steps in &*steps {
            memory::poll();
            with_entry.clear();
            with_entry.extend(self.done.iter().filter(|row| row.at >= from));
            take_latest(with_entry, *entry, steps, true);
            times.clear();
            times.extend(with_entry.iter().map(|row| row.at));
            times.sort_unstable();
            if std::mem::take(&mut is_first) || *times > self.journey.reached {
                self.journey.reached.clear();
                self.journey.reached.extend_from_slice(times);
            }
        }
    }

    fn take_done(&mut self, group: &[Event]) {
        for event in group {
            for _ in 0..event.copies {
                take_latest(&mut self.done, event.at, event.steps, false);
            }
        }
    }
}

/// Adds a row to the greedy set of the latest rows: in addition to those in it if possible, otherwise in place of the oldest
/// one that it can replace, if that one is older or the row must be in the set.
fn take_latest(done: &mut Vec<Done>, at: Micros, steps: u64, must: bool) {
    // Steps seen, from which row each was reached (none: from the new one), and those to continue from.
    let (mut seen, mut to_do) = (steps, steps);
    let mut from = [NOTHING; 64];
    let mut oldest: Option<usize> = None;
    let mut free = None;
    while to_do != 0 && free.is_none() {
        let step = to_do.trailing_zeros() as u8;
        to_do &= to_do - 1;
        match done.iter().position(|row| row.fills == step) {
            None => free = Some(step),
            Some(owner) => {
                let mut further = done[owner].steps & !seen;
                seen |= further;
                to_do |= further;
                while further != 0 {
                    from[further.trailing_zeros() as usize] = owner as u8;
                    further &= further - 1;
                }
                if oldest.is_none_or(|oldest| done[owner].at < done[oldest].at) {
                    oldest = Some(owner);
                }
            }
        }
    }
    let (mut step, place) = match (free, oldest) {
        (Some(step), _) => (step, None),
        (None, Some(oldest)) if must || done[oldest].at < at => (done[oldest].fills, Some(oldest)),
        _ => return,
    };
    // Each row on the path takes the step that it led to.
    while from[usize::from(step)] != NOTHING {
        let row = &mut done[usize::from(from[usize::from(step)])];
        step = std::mem::replace(&mut row.fills, step);
    }
    let row = Done { at, steps, fills: step };
    match place {
        Some(place) => done[place] = row,
        // There is capacity for as many as there are steps.
        None => done.push(row),
    }
}

/// The lengths whose bits are set.
fn lengths(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let length = bits.trailing_zeros() as usize + 1;
        (bits != 0).then(|| {
            bits &= bits - 1;
            length
        })
    })
}

impl Slots {
    /// All copies of the events of an instant; of identical rows no more than there are steps.
    pub(super) fn fill(&mut self, group: &[Event], most: usize, claim: &mut Claim) -> Result<()> {
        self.steps.clear();
        for (i, event) in group.iter().enumerate() {
            if i % memory::POLL_EVERY == memory::POLL_EVERY - 1 {
                memory::poll();
            }
            for _ in 0..usize::from(event.copies).min(most).min(event.steps.count_ones() as usize) {
                claim.push(&mut self.steps, event.steps)?;
            }
        }
        self.filled.clear();
        claim.extend_to(&mut self.filled, self.steps.len())?;
        self.filled.fill(NOTHING);
        claim.extend_to(&mut self.from, self.steps.len())?;
        Ok(())
    }

    /// Lets a further step be filled, by other rows than those in use, if possible.
    pub(super) fn add(&mut self, step: u8) -> bool {
        self.from.fill(NOTHING);
        let mut to_do = 1u64 << step;
        while to_do != 0 {
            let wanted = to_do.trailing_zeros() as u8;
            to_do &= to_do - 1;
            memory::poll();
            for slot in 0..self.steps.len() {
                if self.from[slot] != NOTHING || self.steps[slot] & 1 << wanted == 0 || self.filled[slot] == wanted {
                    continue;
                }
                self.from[slot] = wanted;
                match self.filled[slot] {
                    NOTHING => {
                        self.shift(slot, step);
                        return true;
                    }
                    other => to_do |= 1 << other,
                }
            }
        }
        false
    }

    /// Gives a free row to the step that wants it, the previous row of that step to the next, and so on.
    fn shift(&mut self, mut slot: usize, last: u8) {
        loop {
            let step = self.from[slot];
            let had = self.filled.iter().position(|&filled| filled == step);
            self.filled[slot] = step;
            match had {
                Some(had) if step != last => slot = had,
                _ => return,
            }
        }
    }

    /// Releases all rows.
    pub(super) fn clear(&mut self) {
        self.filled.fill(NOTHING);
    }

    /// Releases the row that fills a step.
    fn free(&mut self, step: u8) {
        self.filled.iter_mut().filter(|filled| **filled == step).for_each(|filled| *filled = NOTHING);
    }
}
