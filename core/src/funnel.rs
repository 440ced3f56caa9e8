//! Funnels: for each user the events that match a step, exact, from rows in any order.
//!
//! A row states which of up to [`MOST_STEPS`] steps it matches (none, one or several) and whether it is excluded between
//! steps. Rows that match a step or are excluded are kept, and in the modes in which any other event breaks a match
//! ([`Mode::keeps_others`]) the instants of all others. So memory grows with step events. Rows with the same user, instant
//! and marks are counted together, up to the largest number that can matter, which keeps merging exact: a sum capped at a
//! bound does not depend on the order. The steps reached by a user are computed when a value is read, see [`Matcher`].
//! Definition D47.
//!
//! The body of its bytes, after the frame of [`wire`](crate::base::wire): type of user ids; number of steps; mode; window;
//! 0, or 1 and the last instant (signed); number of users; the keys, ascending, 16 bytes each; then per key the number of
//! its events and the events, by instant and marks. An event is `steps * 4 + excluded * 2 + several`, where `steps` is 0
//! for no step, the step's number for one, and one more than there are for more than one; its instant (the first signed,
//! then the distance to the one before); for more than one step their bits; and if it is `several` their number less 2.

use crate::base::calendar::Micros;
use crate::base::error::{Error, Result};
use crate::base::memory::Claim;
use crate::base::sort_by_user::Owned;
use crate::base::state::State;
use crate::base::user_lists::{self, Head, Runs};
use crate::base::user_table::{UNKNOWN, UserKey, UserKind, Users};
use crate::function::aggregate::{Aggregate, Form};
use crate::function::{Function, Type};

mod by_value;
mod course;
pub mod funnel_over_log;
pub mod funnel_steps;
pub mod funnel_users;
mod matcher;
pub mod paths;
mod plan;
mod readout;
mod view;
mod way;

/// The functions over funnels and paths.
pub const FUNCTIONS: &[&Function] =
    &[&funnel_over_log::FUNCTION, &funnel_steps::FUNCTION, &funnel_users::FUNCTION, &paths::FUNCTION];

/// The aggregate that builds it.
pub static AGGREGATE: Aggregate = Aggregate {
    name: "funnel",
    value: "funnel",
    module: "funnel",
    is_internal: false,
    volatility: "IMMUTABLE",
    forms: &[
        Form {
            arguments: &[("steps", Type::Booleans), ("window_size", Type::Interval)],
            about: "funnel events of each user: steps holds the conditions of the steps, one each, and window_size is \
                    the longest time from the first step to the last",
        },
        Form {
            arguments: &[("steps", Type::Booleans), ("window_size", Type::Interval), ("mode", Type::Text)],
            about: "funnel events of each user: steps holds the conditions of the steps, one each, window_size is the \
                    longest time from the first step to the last, and mode is the condition between steps: ordered, \
                    strict_order, strict_dedup, strict_increase, once or unordered",
        },
        Form {
            arguments: &[
                ("steps", Type::Booleans),
                ("window_size", Type::Interval),
                ("mode", Type::Text),
                ("excluded", Type::Boolean),
            ],
            about: "funnel events of each user: steps holds the conditions of the steps, one each, window_size is the \
                    longest time from the first step to the last, mode is the condition between steps, and excluded is \
                    whether the row must not occur between them",
        },
    ],
};

pub use course::Term;
pub use matcher::{Compatibility, Journey, Matcher};
pub use plan::Plan;
pub use readout::{Progress, Standing, Step, names, progress, shown, steps};
pub use view::View;

/// The version of the byte layout.
pub const VERSION: u8 = 1;
/// The most steps a funnel has.
pub const MOST_STEPS: usize = 64;

/// From this number of users on, rows are buffered and added in batches: fewer users stay in the CPU caches.
const MANY: usize = 4096;
/// Rows of a batch.
const BATCH: usize = 512;

/// The condition on successive steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mode {
    /// In time order or at the same instant; any other event may occur in between.
    Ordered = 0,
    /// No other event occurs strictly between two steps.
    StrictOrder = 1,
    /// Strictly between two steps, neither the second of them nor a step already done, except the first step, occurs: a
    /// repetition ends the match.
    StrictDedup = 2,
    /// Each step is later than the one before.
    StrictIncrease = 3,
    /// As ordered, but one event is one step, which ClickHouse does only on request.
    Once = 4,
    /// In any order.
    Unordered = 5,
    /// ClickHouse's strict order with steps that come too early skipped.
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

    /// The mode of the given name.
    pub fn parse(given: &str) -> Result<Self> {
        let found = Self::ALL.iter().find(|(word, _)| *word == given);
        let unknown = || Error::not_one_of("mode", given, &Self::ALL.map(|(word, _)| word));
        found.map(|&(_, mode)| mode).ok_or_else(unknown)
    }

    /// Its name in SQL.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }

    /// The mode of a stored number.
    fn from_number(number: u64) -> Result<Self> {
        let found = usize::try_from(number).ok().and_then(|i| Self::ALL.get(i));
        found.map(|&(_, mode)| mode).ok_or(Error::Corrupt { what: "unknown mode of a funnel" })
    }

    /// Whether rows that match no step matter.
    pub fn keeps_others(self) -> bool {
        matches!(self, Mode::StrictOrder | Mode::AllowReentry)
    }
}

/// The rules of a funnel, without the meaning of its steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The number of steps: 1 to [`MOST_STEPS`].
    pub steps: usize,
    /// The longest time from the first step to the last, inclusive.
    pub window: Micros,
    /// The condition on successive steps.
    pub mode: Mode,
}

impl Rules {
    /// The rules for the given number of steps.
    pub fn new(steps: usize, window: Micros, mode: Mode) -> Result<Self> {
        if !(1..=MOST_STEPS).contains(&steps) {
            let (given, accepted) = (format!("{steps} steps"), format!("1 to {MOST_STEPS} steps"));
            return Err(Error::Argument { name: "steps", given, accepted });
        }
        Ok(Rules { steps, window, mode })
    }

    /// The bits of all steps.
    pub fn all(self) -> u64 {
        u64::MAX >> (MOST_STEPS - self.steps)
    }

    /// The most rows of one user, instant and marks that can matter: as many as they match steps, and two to detect that a
    /// step is repeated.
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
    /// The instant.
    pub at: Micros,
    /// Which steps they are: bit 0 is the first.
    pub steps: u64,
    /// The index of its user in a table of users.
    user_index: u32,
    /// The number of rows, capped where more make no difference.
    pub copies: u16,
    /// Whether they are excluded between two steps.
    pub excluded: bool,
}

impl Event {
    /// One row.
    #[inline]
    pub fn new(at: Micros, steps: u64, excluded: bool) -> Self {
        Event { at, steps, user_index: 0, copies: 1, excluded }
    }
}

impl Owned for Event {
    type Order = (Micros, u64, bool);

    fn user_index(&self) -> u32 {
        self.user_index
    }

    fn order(&self) -> Self::Order {
        (self.at, self.steps, self.excluded)
    }
}

/// The state: built from rows, merged with other states, or both.
#[derive(Debug)]
pub struct Funnel {
    /// The head of the rows added here.
    head: Head<Rules>,
    users: Users<()>,
    events: Vec<Event>,
    /// Whether events are sorted and distinct, and none are buffered.
    settled: bool,
    /// Buffered rows, at most [`BATCH`].
    pending: Vec<(UserKey, Event)>,
    /// Merged values.
    runs: Runs<Event>,
    claim: Claim,
}

impl Funnel {
    /// No users yet.
    pub fn new(kind: UserKind, rules: Rules) -> Self {
        Funnel {
            head: Head { kind, rules, last_at: None },
            users: Users::new(),
            events: Vec::new(),
            settled: true,
            pending: Vec::new(),
            runs: Runs::new(),
            claim: Claim::new(),
        }
    }

    /// The type of its user ids.
    pub fn kind(&self) -> UserKind {
        self.head.kind
    }

    /// The rules of the funnel.
    pub fn rules(&self) -> Rules {
        self.head.rules
    }

    /// Adds a row. A row without a user, or that is irrelevant to the funnel, only extends the observation; in the latter
    /// case its user is not evaluated.
    #[inline]
    pub fn observe(&mut self, event: Event, user: impl FnOnce() -> Option<UserKey>) -> Result<()> {
        self.head.last_at = self.head.last_at.max(Some(event.at));
        let steps = event.steps & self.head.rules.all();
        if steps == 0 && !event.excluded && !self.head.rules.mode.keeps_others() {
            return Ok(());
        }
        let Some(user) = user() else { return Ok(()) };
        self.put(user, Event { steps, ..event })
    }

    fn put(&mut self, user: UserKey, event: Event) -> Result<()> {
        self.settled = false;
        if self.users.len() < MANY {
            let (number, _) = self.users.number(user, (), &mut self.claim)?;
            return self.claim.push(&mut self.events, Event { user_index: number as u32, ..event });
        }
        if self.pending.len() == self.pending.capacity() {
            self.take_in()?;
            self.claim.reserve(&mut self.pending, BATCH)?;
        }
        self.pending.push((user, event));
        Ok(())
    }

    /// Adds the buffered rows.
    #[cold]
    fn take_in(&mut self) -> Result<()> {
        let (mut pending, mut numbers) = (std::mem::take(&mut self.pending), [UNKNOWN; BATCH]);
        self.users.find_all(pending.iter().map(|&(user, _)| user), &mut numbers[..pending.len()]);
        for (&(user, event), &number) in pending.iter().zip(&numbers) {
            let user_index = match number {
                UNKNOWN => self.users.number(user, (), &mut self.claim)?.0 as u32,
                known => known,
            };
            self.claim.push(&mut self.events, Event { user_index, ..event })?;
        }
        pending.clear();
        self.pending = pending;
        Ok(())
    }

    /// The bytes of the rows added here.
    fn encode_own(&self) -> Result<Vec<u8>> {
        if self.settled {
            return user_lists::encode(&self.head, &self.users, &self.events);
        }
        let mut own = self.empty();
        own.head.last_at = self.head.last_at;
        let events = self.events.iter().map(|event| (self.users.key(event.user_index as usize), *event));
        events.chain(self.pending.iter().copied()).try_for_each(|(user, event)| own.put(user, event))?;
        own.settle()?;
        own.encode_own()
    }

    /// Whether any rows were added here.
    fn is_fed(&self) -> bool {
        self.head.last_at.is_some()
    }
}

impl State for Funnel {
    fn empty(&self) -> Self {
        Funnel::new(self.head.kind, self.head.rules)
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        self.head.fits::<Event>(&other.head)?;
        self.runs.take_all(&other.runs, &mut self.claim)?;
        if other.is_fed() { self.runs.take(&other.encode_own()?, &mut self.claim) } else { Ok(()) }
    }

    fn absorb(&mut self, other: Self) -> Result<()> {
        if other.is_fed() {
            return self.merge(&other);
        }
        self.head.fits::<Event>(&other.head)?;
        self.runs.take_over(other.runs, &mut self.claim, other.claim)
    }

    fn settle(&mut self) -> Result<()> {
        if !self.settled {
            self.take_in()?;
            user_lists::settle(self.head.rules, &self.users, &mut self.events, &mut self.claim)?;
            self.settled = true;
        }
        Ok(())
    }

    fn encode(&self) -> Result<Vec<u8>> {
        let own = self.is_fed() || self.runs.is_empty();
        self.runs.with(own.then(|| self.encode_own()).transpose()?)
    }

    fn decode(bytes: &[u8]) -> Result<Self> {
        View::open(bytes)?.each(|_, _| Ok(()))?;
        Self::adopt(bytes)
    }

    fn adopt(bytes: &[u8]) -> Result<Self> {
        let view = View::open(bytes)?;
        let mut funnel = Funnel::new(view.kind(), view.rules());
        funnel.runs.take(bytes, &mut funnel.claim)?;
        Ok(funnel)
    }
}
