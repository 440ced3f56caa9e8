//! How far users get on a way of several steps: per user the events that are steps, exact, from rows in any order.
//!
//! A row says which of up to [`MOST_STEPS`] steps it is (none, one or several) and whether it is one that must not come in
//! between. What is kept are the rows that are a step or must not come in between, and in the modes in which anything else
//! breaks a way ([`Mode::keeps_others`]) the instants of all others. So memory grows with step events. Rows of one user,
//! instant and marks are counted together, up to as many as could ever matter, which keeps merging exact: a sum cut off at
//! a bound is the same in any order. How far a user got is decided when a value is read, see [`Matcher`]. Definitions D46
//! and D47.
//!
//! The body of its bytes, after the frame of [`wire`](crate::wire): type of user ids; number of steps; mode; window;
//! 0, or 1 and the last instant (signed); number of users; the keys, ascending, 16 bytes each; then per key the number of
//! its events and the events, by instant and marks. An event is `steps * 4 + excluded * 2 + several`, where `steps` is 0
//! for no step, the step's number for one, and one more than there are for more than one; its instant (the first signed,
//! then the distance to the one before); for more than one step their bits; and if it is `several` their number less 2.

use crate::calendar::Micros;
use crate::error::{Error, Result};
use crate::grouping::{self, Owned};
use crate::host::{self, Claim};
use crate::state::State;
use crate::users::{UNKNOWN, UserKey, UserKind, Users};
use crate::wire::{Kind, Short, Writer};

mod matcher;
mod plan;
mod readout;
mod view;

pub use matcher::{Compatibility, Journey, Matcher};
pub use plan::Plan;
pub use readout::{Progress, Standing, Step, names, progress, steps};
pub use view::View;

/// The version of the layout of its bytes.
pub const VERSION: u8 = 1;
/// The most steps a funnel has.
pub const MOST_STEPS: usize = 64;

/// Users from which on rows are put off and taken in by the batch: fewer stay in the processor's caches.
const MANY: usize = 4096;
/// Rows of a batch.
const BATCH: usize = 512;

/// What must hold between one step and the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mode {
    /// One after the other or at the same instant; anything may happen in between.
    Ordered = 0,
    /// Nothing else happens strictly between two steps.
    StrictOrder = 1,
    /// Strictly between two steps comes neither the second of them nor, but for the first of all, a step done before: what
    /// comes twice ends the way.
    StrictDedup = 2,
    /// Each step is later than the one before.
    StrictIncrease = 3,
    /// As ordered: one event is one step, which in ClickHouse has to be asked for.
    Once = 4,
    /// In any order.
    Unordered = 5,
    /// ClickHouse's strict order in which steps that come too early are passed over.
    AllowReentry = 6,
}

impl Mode {
    const ALL: [(&'static str, Mode); 7] = [
        ("ordered", Mode::Ordered),
        ("strict_order", Mode::StrictOrder),
        ("strict_dedup", Mode::StrictDedup),
        ("strict_increase", Mode::StrictIncrease),
        ("once", Mode::Once),
        ("unordered", Mode::Unordered),
        ("allow_reentry", Mode::AllowReentry),
    ];

    /// The mode a caller named.
    pub fn parse(given: &str) -> Result<Self> {
        let found = Self::ALL.iter().find(|(word, _)| *word == given);
        let unknown = || Error::not_one_of("mode", given, &Self::ALL.map(|(word, _)| word));
        found.map(|&(_, mode)| mode).ok_or_else(unknown)
    }

    /// Its name in SQL.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }

    /// The mode behind a stored number.
    fn from_number(number: u64) -> Result<Self> {
        let found = usize::try_from(number).ok().and_then(|i| Self::ALL.get(i));
        found.map(|&(_, mode)| mode).ok_or(Error::Corrupt { what: "unknown mode of a funnel" })
    }

    /// Whether rows that are no step matter.
    pub fn keeps_others(self) -> bool {
        matches!(self, Mode::StrictOrder | Mode::AllowReentry)
    }
}

/// What a funnel is, its steps' meaning apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How many steps: 1 to [`MOST_STEPS`].
    pub steps: usize,
    /// The longest time from the first step to the last, inclusive.
    pub window: Micros,
    /// What must hold between steps.
    pub mode: Mode,
}

impl Rules {
    /// The rules of so many steps.
    pub fn new(steps: usize, window: Micros, mode: Mode) -> Result<Self> {
        if !(1..=MOST_STEPS).contains(&steps) {
            let (given, accepted) = (format!("{steps} steps"), format!("1 to {MOST_STEPS} steps"));
            return Err(Error::Argument { name: "steps", given, accepted });
        }
        Ok(Rules { steps, window, mode })
    }

    /// All steps' bits.
    pub fn all(self) -> u64 {
        u64::MAX >> (MOST_STEPS - self.steps)
    }

    /// The most rows of one user, instant and marks that could ever matter: as many as they can be steps, and two to see
    /// that a step came again.
    fn most_copies(self, steps: u64) -> u32 {
        if steps == 0 { 1 } else { steps.count_ones().max(2) }
    }
}

impl std::fmt::Display for Rules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} steps within {} s, {}", self.steps, self.window as f64 / 1e6, self.mode.name())
    }
}

/// Rows of one user at one instant with the same marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Micros,
    /// Which steps they are: bit 0 is the first.
    pub steps: u64,
    /// The number of its user in a table of users.
    whose: u32,
    /// How many rows, as far as it can matter.
    pub copies: u16,
    /// Whether they must not come between two steps.
    pub excluded: bool,
}

impl Event {
    /// One row.
    #[inline]
    pub fn new(at: Micros, steps: u64, excluded: bool) -> Self {
        Event { at, steps, whose: 0, copies: 1, excluded }
    }

    /// Counts as many rows more.
    fn add(&mut self, copies: u16, rules: Rules) {
        self.copies = self.copies.saturating_add(copies).min(rules.most_copies(self.steps) as u16);
    }
}

impl Owned for Event {
    type Order = (Micros, u64, bool);

    fn whose(&self) -> u32 {
        self.whose
    }

    fn order(&self) -> Self::Order {
        (self.at, self.steps, self.excluded)
    }
}

/// The state: fed with rows, or merged from other states.
#[derive(Debug)]
pub struct Funnel {
    kind: UserKind,
    rules: Rules,
    last_at: Option<Micros>,
    users: Users<()>,
    events: Vec<Event>,
    /// Whether events are in order, each once, and nothing is put off.
    settled: bool,
    /// Whether that is so and users are in the order of their keys, as they are in bytes.
    by_key: bool,
    /// Rows put off, at most [`BATCH`].
    pending: Vec<(UserKey, Event)>,
    claim: Claim,
}

impl Funnel {
    /// Nobody yet.
    pub fn new(kind: UserKind, rules: Rules) -> Self {
        Funnel {
            kind,
            rules,
            last_at: None,
            users: Users::new(),
            events: Vec::new(),
            settled: true,
            by_key: true,
            pending: Vec::new(),
            claim: Claim::new(),
        }
    }

    /// The type of its user ids.
    pub fn kind(&self) -> UserKind {
        self.kind
    }

    /// What it looks for.
    pub fn rules(&self) -> Rules {
        self.rules
    }

    /// Takes in one row. One of nobody, or that is nothing to the funnel, only moves the end of what was observed; whose
    /// it is is not asked then.
    #[inline]
    pub fn observe(&mut self, event: Event, user: impl FnOnce() -> Option<UserKey>) -> Result<()> {
        self.last_at = self.last_at.max(Some(event.at));
        let steps = event.steps & self.rules.all();
        if steps == 0 && !event.excluded && !self.rules.mode.keeps_others() {
            return Ok(());
        }
        let Some(user) = user() else { return Ok(()) };
        (self.settled, self.by_key) = (false, false);
        self.put(user, Event { steps, ..event })
    }

    fn put(&mut self, user: UserKey, event: Event) -> Result<()> {
        if self.users.len() < MANY {
            let (number, _) = self.users.number(user, (), &mut self.claim)?;
            return self.claim.push(&mut self.events, Event { whose: number as u32, ..event });
        }
        if self.pending.len() == self.pending.capacity() {
            self.take_in()?;
            self.claim.reserve(&mut self.pending, BATCH)?;
        }
        self.pending.push((user, event));
        Ok(())
    }

    /// Takes in what was put off.
    #[cold]
    fn take_in(&mut self) -> Result<()> {
        let (mut pending, mut numbers) = (std::mem::take(&mut self.pending), [UNKNOWN; BATCH]);
        self.users.find_all(pending.iter().map(|&(user, _)| user), &mut numbers[..pending.len()]);
        for (&(user, event), &number) in pending.iter().zip(&numbers) {
            let whose = match number {
                UNKNOWN => self.users.number(user, (), &mut self.claim)?.0 as u32,
                known => known,
            };
            self.claim.push(&mut self.events, Event { whose, ..event })?;
        }
        pending.clear();
        self.pending = pending;
        Ok(())
    }

    /// Both states as one where both are in the order of keys: users and events side by side, without looking anybody up.
    fn side_by_side(&self, other: &Self) -> Result<Self> {
        let mut both = self.empty();
        both.claim.reserve(&mut both.events, self.events.len() + other.events.len())?;
        let (mut ours, mut theirs) = (self.people(), other.people());
        let (mut our, mut their) = (ours.next(), theirs.next());
        for n in 0.. {
            if n % host::POLL_EVERY == host::POLL_EVERY - 1 {
                host::poll();
            }
            let key = match (our, their) {
                (None, None) => break,
                (Some((key, _)), None) | (None, Some((key, _))) => key,
                (Some((key, _)), Some((other, _))) => key.min(other),
            };
            let whose = both.users.append(key, (), &mut both.claim)? as u32;
            let (mut a, mut b): (&[Event], &[Event]) = (&[], &[]);
            if let Some((_, events)) = our.filter(|(own, _)| *own == key) {
                (a, our) = (events, ours.next());
            }
            if let Some((_, events)) = their.filter(|(own, _)| *own == key) {
                (b, their) = (events, theirs.next());
            }
            let from = both.events.len();
            while let Some(&event) = match (a.first(), b.first()) {
                (Some(one), Some(other)) if one.order() > other.order() => b.split_off_first(),
                (Some(_), _) => a.split_off_first(),
                (None, _) => b.split_off_first(),
            } {
                match both.events[from..].last_mut() {
                    Some(before) if before.order() == event.order() => before.add(event.copies, self.rules),
                    _ => both.events.push(Event { whose, ..event }),
                }
            }
        }
        both.last_at = self.last_at.max(other.last_at);
        Ok(both)
    }

    /// Every user with their events, of a state in the order of keys.
    fn people(&self) -> impl Iterator<Item = (UserKey, &[Event])> {
        let own = self.events.chunk_by(|a, b| a.whose == b.whose);
        own.filter_map(|events| events.first().map(|event| (self.users.key(event.whose as usize), events)))
    }

    /// Counts rows alike as one event.
    fn unite(&mut self) {
        let mut kept = 0usize;
        for i in 0..self.events.len() {
            if i % host::POLL_EVERY == host::POLL_EVERY - 1 {
                host::poll();
            }
            let event = self.events[i];
            match kept.checked_sub(1).and_then(|before| self.events.get_mut(before)) {
                Some(before) if before.whose == event.whose && before.order() == event.order() => {
                    let (copies, most) =
                        (before.copies.saturating_add(event.copies), self.rules.most_copies(event.steps));
                    before.copies = copies.min(most as u16);
                }
                _ => {
                    self.events[kept] = event;
                    kept += 1;
                }
            }
        }
        self.events.truncate(kept);
    }
}

/// Begins the bytes of a value: all that comes before its keys, with room for those and so many bytes of events.
fn head(kind: UserKind, rules: Rules, last_at: Option<Micros>, users: usize, events: usize) -> Result<Writer> {
    let mut out = Writer::new(Kind::Funnel, VERSION, 64 + 16 * users + events)?;
    out.uint(kind as u64)?;
    out.uint(rules.steps as u64)?;
    out.uint(rules.mode as u64)?;
    out.uint(rules.window as u64)?;
    out.maybe_int(last_at)?;
    out.uint(users as u64)?;
    Ok(out)
}

fn encode_events(rules: Rules, events: &[Event], out: &mut Writer) -> Result<()> {
    out.uint(events.len() as u64)?;
    let mut before = None;
    for event in events {
        let number = match event.steps.count_ones() {
            0 => 0,
            1 => u64::from(event.steps.trailing_zeros()) + 1,
            _ => rules.steps as u64 + 1,
        };
        let mut bytes = Short::default();
        bytes.uint(number << 2 | u64::from(event.excluded) << 1 | u64::from(event.copies > 1));
        match before {
            None => bytes.int(event.at),
            Some(before) => bytes.uint(event.at.wrapping_sub(before) as u64),
        }
        if number > rules.steps as u64 {
            bytes.uint(event.steps);
        }
        if event.copies > 1 {
            bytes.uint(u64::from(event.copies) - 2);
        }
        out.raw(bytes.as_slice())?;
        before = Some(event.at);
    }
    Ok(())
}

impl State for Funnel {
    fn empty(&self) -> Self {
        Funnel::new(self.kind, self.rules)
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        if self.kind != other.kind {
            let (ours, theirs) = (self.kind.name().to_owned(), other.kind.name().to_owned());
            return Err(Error::Mixed { what: "types of user ids", ours, theirs });
        }
        if self.rules != other.rules {
            let (ours, theirs) = (self.rules.to_string(), other.rules.to_string());
            return Err(Error::Mixed { what: "funnels", ours, theirs });
        }
        // Not for each of many little ones, since that goes through all there is. Where there is no room for a copy, in place.
        if self.by_key && other.by_key && other.events.len() >= self.events.len() / 4 {
            match self.side_by_side(other) {
                Err(Error::OutOfMemory { .. }) => (),
                both => return both.map(|both| *self = both),
            }
        }
        self.last_at = self.last_at.max(other.last_at);
        (self.settled, self.by_key) = (false, false);
        let mut meanwhile = Claim::passing();
        let mut numbers = meanwhile.filled(UNKNOWN, other.users.len())?;
        for (from, numbers) in (0..).step_by(BATCH).zip(numbers.chunks_mut(BATCH)) {
            host::poll();
            let keys = (from..from + numbers.len()).map(|i| other.users.key(i));
            self.users.find_all(keys.clone(), numbers);
            for (key, number) in keys.zip(numbers).filter(|(_, number)| **number == UNKNOWN) {
                *number = self.users.number(key, (), &mut self.claim)?.0 as u32;
            }
        }
        self.claim.reserve(&mut self.events, other.events.len())?;
        for events in other.events.chunks(host::POLL_EVERY) {
            host::poll();
            self.events.extend(events.iter().map(|event| Event { whose: numbers[event.whose as usize], ..*event }));
        }
        other.pending.iter().try_for_each(|&(user, event)| self.put(user, event))
    }

    fn settle(&mut self) -> Result<()> {
        if !self.settled {
            self.take_in()?;
            grouping::sort(&mut self.events, self.users.len(), &mut self.claim);
            self.unite();
            self.settled = true;
        }
        Ok(())
    }

    fn encode(&self) -> Result<Vec<u8>> {
        if !self.settled {
            let mut whole = self.empty();
            whole.merge(self)?;
            whole.settle()?;
            return whole.encode();
        }
        let mut meanwhile = Claim::passing();
        let order = self.users.sorted(&mut meanwhile)?;
        let begins = grouping::begins(&self.events, self.users.len(), &mut meanwhile)?;
        let mut out = head(self.kind, self.rules, self.last_at, order.len(), 8 * self.events.len())?;
        order.iter().try_for_each(|&i| out.raw(&self.users.key(i as usize).to_bytes()))?;
        for (n, &i) in order.iter().enumerate() {
            if n % host::POLL_EVERY == 0 {
                host::poll();
            }
            let own = begins[i as usize] as usize..begins[i as usize + 1] as usize;
            encode_events(self.rules, &self.events[own], &mut out)?;
        }
        Ok(out.finish())
    }

    fn decode(bytes: &[u8]) -> Result<Self> {
        let view = View::open(bytes)?;
        let mut funnel = Funnel::new(view.kind(), view.rules());
        funnel.last_at = view.last_at();
        view.each(|key, events| {
            let whose = funnel.users.append(key, (), &mut funnel.claim)? as u32;
            let mut events = events.iter().map(|event| Event { whose, ..*event });
            events.try_for_each(|event| funnel.claim.push(&mut funnel.events, event))
        })?;
        Ok(funnel)
    }
}
