//! Active users: for each user the exact set of local days with a request.
//!
//! One pass over a log builds an [`Activity`]; active users, engagement, lifecycle, stickiness and retention are read from
//! its bytes through a [`View`], which never builds a table. Values with the same time zone and the same type of user id can
//! be merged, by day, shard or parallel worker, and give the same bytes.
//!
//! The body of its bytes, after the frame of [`wire`](crate::base::wire): type of user ids; time zone; 0, or 1 and the last
//! instant (signed); number of users; and if there are users: first day (signed); last day minus first day; the keys,
//! ascending, 16 bytes each; then the set of each key. A set is its first day minus the first day of all; `(days - 1) * 2 +
//! form`; and for more than one day either (form 0) the distance of each next day minus one, or (form 1) a length and a
//! bitmap of the days after the first. The shorter form is written, form 0 if they are equal; any other encoding is
//! rejected.

use crate::base::calendar::{LocalDays, Micros, Segment};
use crate::base::days::{Day, DayArena, DaySet};
use crate::base::error::{Error, Result};
use crate::base::memory::{self, Claim};
use crate::base::state::State;
use crate::base::user_table::{UNKNOWN, UserKey, UserKind, Users};
use crate::base::wire::{Kind, Writer, uint_len};
use crate::function::aggregate::{Aggregate, Form};
use crate::function::{Function, Type};

pub mod active_user_list;
pub mod active_users;
pub mod cohort_table;
pub mod engagement;
pub mod lifecycle;
pub mod lifecycle_users;
mod members;
pub(crate) mod over_log;
pub(crate) mod periods;
pub mod retention;
pub mod retention_curve;
pub mod retention_matrix;
pub mod retention_users;
mod returns;
pub mod stickiness;
mod view;

pub(crate) use retention::HOURS;
pub use view::View;

/// The functions that read it.
pub const FUNCTIONS: &[&Function] = &[
    &active_users::FUNCTION,
    &active_user_list::FUNCTION,
    &engagement::FUNCTION,
    &stickiness::FUNCTION,
    &lifecycle::FUNCTION,
    &lifecycle_users::FUNCTION,
    &retention_matrix::FUNCTION,
    &retention_curve::FUNCTION,
    &retention_users::FUNCTION,
    &cohort_table::FUNCTION,
];

/// Those of them that also answer from the requests of a log, where days do not suffice.
pub const OF_REQUESTS: &[&Function] = &[
    &active_users::of_requests::FUNCTION,
    &engagement::of_requests::FUNCTION,
    &stickiness::of_requests::FUNCTION,
    &lifecycle::of_requests::FUNCTION,
    &retention_matrix::of_requests::FUNCTION,
    &retention_curve::of_requests::FUNCTION,
];

/// The aggregate that builds it.
pub static AGGREGATE: Aggregate = Aggregate {
    name: "activity",
    value: "activity",
    module: "activity",
    is_internal: false,
    volatility: "STABLE",
    forms: &[
        Form {
            arguments: &[],
            about: "active local days of each user, in the time zone of the setting user_metrics.timezone",
        },
        Form {
            arguments: &[("timezone", Type::Text)],
            about: "active local days of each user, in the given time zone",
        },
    ],
};

/// The version of the byte layout.
pub const VERSION: u8 = 1;

/// From this number of users on, pairs of user and day are buffered and added in batches: fewer users stay in the CPU
/// caches.
const MANY: usize = 4096;
/// Pairs of a batch.
const BATCH: usize = 512;
/// Pairs remembered as added or buffered. Requests of a session follow each other closely, so most rows of a log in time
/// order repeat one of these and never reach the table.
const RECENT: usize = 2048;
/// No log contains this day, so no row is taken for a repetition of an empty entry.
const NEVER: (UserKey, Day) = (UserKey::ZERO, Day::MIN);

/// The state: built from requests, or merged from other states.
#[derive(Debug)]
pub struct Activity {
    kind: UserKind,
    zone: String,
    local: LocalDays,
    last_at: Option<Micros>,
    users: Users<DaySet>,
    arena: DayArena,
    /// Buffered pairs, at most [`BATCH`].
    pending: Vec<(UserKey, Day)>,
    /// [`RECENT`] pairs, each at its user's place; empty while there are few users.
    recent: Vec<(UserKey, Day)>,
    claim: Claim,
}

impl Activity {
    /// No users yet, with the days of the given time zone.
    pub fn new(kind: UserKind, zone: &str) -> Self {
        Activity {
            kind,
            zone: zone.to_owned(),
            local: LocalDays::default(),
            last_at: None,
            users: Users::new(),
            arena: DayArena::new(),
            pending: Vec::new(),
            recent: Vec::new(),
            claim: Claim::new(),
        }
    }

    /// The time zone of its days.
    pub fn zone(&self) -> &str {
        &self.zone
    }

    /// The type of its user ids.
    pub fn kind(&self) -> UserKind {
        self.kind
    }

    /// Adds a request at a finite instant. A request without a user only extends the observation.
    ///
    /// `find` returns the zone's offset around an instant not seen before.
    #[inline]
    pub fn observe(
        &mut self,
        user: Option<UserKey>,
        at: Micros,
        find: impl FnOnce(&str, Micros) -> Result<Segment>,
    ) -> Result<()> {
        self.last_at = self.last_at.max(Some(at));
        let Some(user) = user else { return Ok(()) };
        let day = self.local.day(at, |at| find(&self.zone, at))?;
        if self.users.len() < MANY { self.add(user, day) } else { self.put_off(user, day) }
    }

    /// Buffers a pair, unless it was seen recently.
    #[inline]
    fn put_off(&mut self, user: UserKey, day: Day) -> Result<()> {
        let place = user.spread() as usize % RECENT;
        if self.recent.get(place) == Some(&(user, day)) {
            return Ok(());
        }
        if self.pending.len() == self.pending.capacity() {
            self.make_room()?;
        }
        self.recent[place] = (user, day);
        self.pending.push((user, day));
        Ok(())
    }

    #[cold]
    fn make_room(&mut self) -> Result<()> {
        if self.recent.is_empty() {
            self.recent = self.claim.filled(NEVER, RECENT)?;
        }
        self.settle()?;
        self.claim.reserve(&mut self.pending, BATCH)
    }

    /// Adds the pairs of a batch.
    fn take_in(&mut self, batch: &[(UserKey, Day)]) -> Result<()> {
        let (mut numbers, keys) = ([UNKNOWN; BATCH], batch.iter().map(|&(user, _)| user));
        let numbers = &mut numbers[..batch.len()];
        self.users.find_all(keys, numbers);
        let known = || batch.iter().zip(&*numbers).filter(|&(_, &i)| i != UNKNOWN);
        let touched = known()
            .fold(0, |sum: u64, (&(_, day), &i)| sum.wrapping_add(self.arena.touch(self.users.value(i as usize), day)));
        std::hint::black_box(touched);
        batch.iter().zip(&*numbers).try_for_each(|(&(user, day), &i)| match i {
            UNKNOWN => self.add(user, day),
            i => self.arena.insert(self.users.value_mut(i as usize), day, &mut self.claim),
        })
    }

    /// Records that a user was active on a day.
    #[inline]
    pub fn add(&mut self, user: UserKey, day: Day) -> Result<()> {
        let (i, new) = self.users.number(user, DaySet::of(day), &mut self.claim)?;
        if new { Ok(()) } else { self.arena.insert(self.users.value_mut(i), day, &mut self.claim) }
    }

    fn bounds(&self) -> Option<(Day, Day)> {
        let sets = || (0..self.users.len()).map(|i| self.users.value(i));
        Some((sets().map(|s| self.arena.first(s)).min()?, sets().map(|s| self.arena.last(s)).max()?))
    }

    fn encode_set(&self, set: &DaySet, all_first: Day, out: &mut Writer) -> Result<()> {
        let (first, last, days) = (self.arena.first(set), self.arena.last(set), self.arena.count(set));
        let span = (i64::from(last) - i64::from(first)) as usize;
        let as_bitmap = days > 1 && bitmap_len(span) < self.gaps_len(set, days, span);
        out.uint((i64::from(first) - i64::from(all_first)) as u64)?;
        out.uint(u64::from(days - 1) * 2 + u64::from(as_bitmap))?;
        if as_bitmap {
            return out.filled(span.div_ceil(8), |bitmap| self.arena.write_after_first(set, bitmap));
        }
        let (mut before, mut written) = (first, Ok(()));
        self.arena.each(set, |day| {
            if day != first && written.is_ok() {
                written = out.uint((i64::from(day) - i64::from(before) - 1) as u64);
            }
            before = day;
        });
        written
    }

    /// Bytes of the distances between the days of a set.
    fn gaps_len(&self, set: &DaySet, days: u32, span: usize) -> usize {
        // In a span this short no distance needs a second byte.
        if span <= 0x80 {
            return days as usize - 1;
        }
        let (mut before, mut bytes) = (self.arena.first(set), 0);
        self.arena.each(set, |day| {
            if day != before {
                bytes += uint_len((i64::from(day) - i64::from(before) - 1) as u64);
            }
            before = day;
        });
        bytes
    }
}

/// Writes everything before the keys. Without users there are no bounds.
fn head(
    kind: UserKind,
    zone: &str,
    last_at: Option<Micros>,
    users: usize,
    bounds: Option<(Day, Day)>,
) -> Result<Writer> {
    let mut out = Writer::new(Kind::Activity, VERSION, 64 + 24 * users)?;
    out.uint(kind as u64)?;
    out.bytes(zone.as_bytes())?;
    out.maybe_int(last_at)?;
    out.uint(users as u64)?;
    if let Some((first, last)) = bounds {
        out.int(i64::from(first))?;
        out.uint((i64::from(last) - i64::from(first)) as u64)?;
    }
    Ok(out)
}

/// Bytes of a bitmap over `span` days, with its length.
fn bitmap_len(span: usize) -> usize {
    span.div_ceil(8) + uint_len(span.div_ceil(8) as u64)
}

impl State for Activity {
    fn empty(&self) -> Self {
        Activity::new(self.kind, &self.zone)
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        if self.kind != other.kind {
            let (ours, theirs) = (self.kind.name().to_owned(), other.kind.name().to_owned());
            return Err(Error::Mixed { what: "types of user ids", ours, theirs });
        }
        if self.zone != other.zone {
            return Err(Error::Mixed { what: "time zones", ours: self.zone.clone(), theirs: other.zone.clone() });
        }
        self.last_at = self.last_at.max(other.last_at);
        let mut numbers = [UNKNOWN; BATCH];
        for from in (0..other.users.len()).step_by(BATCH) {
            memory::poll();
            let batch = from..other.users.len().min(from + BATCH);
            self.users.find_all(batch.clone().map(|i| other.users.key(i)), &mut numbers[..batch.len()]);
            for (i, &number) in batch.zip(&numbers) {
                let theirs = other.users.value(i);
                let ours = match number {
                    UNKNOWN => self.users.number(other.users.key(i), theirs.alone(), &mut self.claim)?.0,
                    known => known as usize,
                };
                self.arena.unite(self.users.value_mut(ours), theirs, &other.arena, &mut self.claim)?;
            }
        }
        other.pending.iter().try_for_each(|&(user, day)| self.add(user, day))
    }

    fn settle(&mut self) -> Result<()> {
        let mut pending = std::mem::take(&mut self.pending);
        let taken_in = self.take_in(&pending);
        match taken_in {
            Ok(()) => pending.clear(),
            // Pairs that could not be added stay buffered, and must not be taken for added when they occur again.
            Err(_) => self.recent.fill(NEVER),
        }
        self.pending = pending;
        taken_in
    }

    fn encode(&self) -> Result<Vec<u8>> {
        if !self.pending.is_empty() {
            let mut whole = self.empty();
            whole.merge(self)?;
            return whole.encode();
        }
        let mut meanwhile = Claim::temporary();
        let order = self.users.sorted(&mut meanwhile)?;
        let bounds = self.bounds();
        let mut out = head(self.kind, &self.zone, self.last_at, order.len(), bounds)?;
        let Some((first, _)) = bounds else { return Ok(out.finish()) };
        for (n, &i) in order.iter().enumerate() {
            if n % memory::POLL_EVERY == 0 {
                memory::poll();
            }
            out.raw(&self.users.key(i as usize).to_bytes())?;
        }
        for (n, &i) in order.iter().enumerate() {
            if n % memory::POLL_EVERY == 0 {
                memory::poll();
            }
            self.encode_set(self.users.value(i as usize), first, &mut out)?;
        }
        Ok(out.finish())
    }

    fn decode(bytes: &[u8]) -> Result<Self> {
        let view = View::open(bytes)?;
        let mut activity = Activity::new(view.kind(), view.zone());
        activity.last_at = view.last_at();
        view.each(|key, days| {
            let [first, rest @ ..] = days else { return Ok(()) };
            let i = activity.users.append(key, DaySet::of(*first), &mut activity.claim)?;
            let set = activity.users.value_mut(i);
            rest.iter().try_for_each(|&day| activity.arena.insert(set, day, &mut activity.claim))
        })?;
        Ok(activity)
    }
}
