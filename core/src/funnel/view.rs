//! A stored funnel, read in place. The layout is described in [`funnel`](super).

use super::{Event, Mode, Rules, VERSION, head};
use crate::calendar::Micros;
use crate::error::{Error, Result};
use crate::grouping::Owned;
use crate::host::{self, Claim};
use crate::users::{Leaving, UserKey, UserKind, read_keys};
use crate::wire::{Kind, Reader};

/// The instants PostgreSQL can represent: from 4714-11-24 BC to 294276-12-31.
const FIRST_INSTANT: Micros = -211_813_488_000_000_000;
const LAST_INSTANT: Micros = 9_223_371_331_199_999_999;

/// A stored funnel, read in place.
#[derive(Clone, Debug)]
pub struct View<'a> {
    kind: UserKind,
    rules: Rules,
    last_at: Option<Micros>,
    keys: &'a [[u8; 16]],
    events: Reader<'a>,
}

fn corrupt<T>(what: &'static str) -> Result<T> {
    Err(Error::Corrupt { what })
}

impl<'a> View<'a> {
    /// Checks the frame and reads the head; the events are checked as they are visited.
    pub fn open(bytes: &'a [u8]) -> Result<Self> {
        let mut body = Reader::open(bytes, Kind::Funnel, VERSION)?;
        let kind = UserKind::from_number(u8::try_from(body.uint()?).unwrap_or(u8::MAX))?;
        let steps = usize::try_from(body.uint()?).unwrap_or(usize::MAX);
        let mode = Mode::from_number(body.uint()?)?;
        let Ok(window) = Micros::try_from(body.uint()?) else { return corrupt("a window beyond all time") };
        let Ok(rules) = Rules::new(steps, window, mode) else { return corrupt("a funnel of no or too many steps") };
        let last_at = body.maybe_int()?;
        let users = body.uint()?;
        let keys = read_keys(&mut body, users)?;
        Ok(View { kind, rules, last_at, keys, events: body })
    }

    /// The type of its user ids.
    pub fn kind(&self) -> UserKind {
        self.kind
    }

    /// What it looks for.
    pub fn rules(&self) -> Rules {
        self.rules
    }

    /// How many users have events.
    pub fn users(&self) -> usize {
        self.keys.len()
    }

    /// The instant of the last row, whoever's and whatever it was.
    pub fn last_at(&self) -> Option<Micros> {
        self.last_at
    }

    /// Visits every user and their events, by instant and marks, and refuses bytes that are not canonical.
    pub fn each(&self, mut visit: impl FnMut(UserKey, &[Event]) -> Result<()>) -> Result<()> {
        self.each_stored(|key, events, _| visit(u128::from_be_bytes(*key).into(), events))
    }

    /// As [`each`](View::each), with the key and the bytes of the events as they are stored.
    fn each_stored(&self, mut visit: impl FnMut(&[u8; 16], &[Event], &'a [u8]) -> Result<()>) -> Result<()> {
        let (mut from, mut claim, mut events) = (self.events.clone(), Claim::passing(), Vec::new());
        for (i, key) in self.keys.iter().enumerate() {
            if i % host::POLL_EVERY == 0 {
                host::poll();
            }
            let mut stored = from.clone();
            read_events(&mut from, self.rules, &mut events, &mut claim)?;
            visit(key, &events, stored.raw(stored.left() - from.left())?)?;
        }
        from.finish()
    }

    /// The bytes of the same funnel without some users; `None` if it has none of them.
    pub fn without(&self, users: &[UserKey]) -> Result<Option<Vec<u8>>> {
        let leaving = Leaving::from(self.keys, users);
        if leaving.is_empty() {
            return Ok(None);
        }
        let mut out = head(self.kind, self.rules, self.last_at, self.keys.len() - leaving.len(), self.events.left())?;
        self.keys.iter().filter(|key| leaving.spares(key)).try_for_each(|key| out.raw(key))?;
        self.each_stored(|key, _, stored| if leaving.spares(key) { out.raw(stored) } else { Ok(()) })?;
        Ok(Some(out.finish()))
    }
}

/// Reads the events of one user.
fn read_events(from: &mut Reader<'_>, rules: Rules, events: &mut Vec<Event>, claim: &mut Claim) -> Result<()> {
    let count = from.uint()?;
    if count == 0 {
        return corrupt("a user without events");
    }
    events.clear();
    for _ in 0..count {
        let before = events.last().copied();
        let event = read_event(from, rules, before.as_ref())?;
        if before.is_some_and(|before| before.order() >= event.order()) {
            return corrupt("events out of order");
        }
        if events.len().is_multiple_of(host::POLL_EVERY) && !events.is_empty() {
            host::poll();
        }
        claim.push(events, event)?;
    }
    Ok(())
}

fn read_event(from: &mut Reader<'_>, rules: Rules, before: Option<&Event>) -> Result<Event> {
    let head = from.uint()?;
    let (number, excluded, several) = (head >> 2, head & 2 != 0, head & 1 != 0);
    let at = match before {
        None => Some(from.int()?),
        Some(before) => Micros::try_from(from.uint()?).ok().and_then(|distance| before.at.checked_add(distance)),
    };
    let Some(at) = at.filter(|at| (FIRST_INSTANT..=LAST_INSTANT).contains(at)) else {
        return corrupt("an instant no calendar has");
    };
    let steps = match number {
        0 if !excluded && !rules.mode.keeps_others() => return corrupt("an event that is nothing to the funnel"),
        0 => 0,
        one if one <= rules.steps as u64 => 1 << (one - 1),
        more if more == rules.steps as u64 + 1 => {
            let steps = from.uint()?;
            if steps.count_ones() < 2 || steps & !rules.all() != 0 {
                return corrupt("steps the funnel does not have");
            }
            steps
        }
        _ => return corrupt("a step the funnel does not have"),
    };
    let mut copies = 1;
    if several {
        copies = from.uint()?.saturating_add(2);
        if copies > u64::from(rules.most_copies(steps)) {
            return corrupt("more events than can matter");
        }
    }
    Ok(Event { at, steps, whose: 0, copies: copies as u16, excluded })
}
