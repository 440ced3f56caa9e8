//! Busy time of sessions: how long at least one answer was awaited, which is the length of the union of a session's
//! requests, each from its time to the end of its answer. Definition D16.
//!
//! Requests overlap, so lengths can neither be added nor merged. A stored value of sessions whose limits are zero contains
//! exactly the intervals in which a request was in progress; it merges like any other, and gives the busy time of the
//! sessions in a value of the same requests.

use super::{Limits, Session, SessionKey, View};
use crate::base::calendar::Micros;
use crate::base::error::{Error, Result};
use crate::base::memory::Claim;
use crate::base::user_lists::Walk;
use crate::base::user_table::UserKey;

/// The limits of a value that contains the intervals in which a request was in progress.
pub const UNDER_WAY: Limits = Limits { gap: 0, idle: 0 };

/// Computes the busy time of sessions, user by user.
pub(super) struct Busy {
    /// The user's sessions by key and start, as their indexes.
    by_key: Vec<(SessionKey, Micros, u32)>,
    /// The index of a session, and an interval of it.
    stretches: Vec<(u32, Micros, Micros)>,
    busy: Vec<Micros>,
    claim: Claim,
}

impl Default for Busy {
    fn default() -> Self {
        Busy { by_key: Vec::new(), stretches: Vec::new(), busy: Vec::new(), claim: Claim::temporary() }
    }
}

impl Busy {
    /// The busy time of each of a user's sessions, which are given by start; `parts` are all of the user's requests, or the
    /// intervals that they cover. `None` if one of these lies in no session.
    pub(super) fn of(
        &mut self,
        sessions: &[Session],
        parts: impl ExactSizeIterator<Item = Session>,
    ) -> Result<Option<&[Micros]>> {
        let Busy { by_key, stretches, busy, claim } = self;
        by_key.clear();
        claim.reserve(by_key, sessions.len())?;
        by_key.extend((0..).zip(sessions).map(|(number, session)| (session.key, session.start, number)));
        by_key.sort_unstable();
        stretches.clear();
        claim.reserve(stretches, parts.len())?;
        for part in parts {
            let Some(number) = home(sessions, by_key, &part) else { return Ok(None) };
            stretches.push((number, part.start, part.end));
        }
        // Intervals of one session overlap if requests do.
        stretches.sort_unstable();
        busy.clear();
        claim.reserve(busy, sessions.len())?;
        busy.resize(sessions.len(), 0);
        let mut before = (u32::MAX, Micros::MIN);
        for &(number, start, end) in stretches.iter() {
            let from = if before.0 == number { start.max(before.1) } else { start };
            if let Some(busy) = busy.get_mut(number as usize) {
                *busy = busy.saturating_add(end.saturating_sub(from).max(0));
            }
            before = (number, if before.0 == number { end.max(before.1) } else { end });
        }
        Ok(Some(busy))
    }
}

/// The session that contains an interval: one with the same id, otherwise one of requests without an id.
fn home(sessions: &[Session], by_key: &[(SessionKey, Micros, u32)], part: &Session) -> Option<u32> {
    // Sessions with the same key do not overlap, so only the last one that starts before the interval ends can contain it.
    let of_key = |key: SessionKey| {
        let begun = by_key.partition_point(|&(other, start, _)| (other, start) <= (key, part.start));
        let &(found, _, number) = by_key.get(begun.checked_sub(1)?)?;
        let session = sessions.get(number as usize)?;
        (found == key && session.start <= part.start && part.end <= session.end).then_some(number)
    };
    of_key(part.key).or_else(|| of_key(SessionKey::NONE))
}

/// The same over a stored value that contains the intervals in which a request was in progress.
pub(super) struct BusyOfValue<'a> {
    walk: Walk<'a, Session>,
    parts: Vec<Session>,
    busy: Busy,
    claim: Claim,
}

fn refuse<T>(given: String, accepted: &str) -> Result<T> {
    Err(Error::Argument { name: "busy", given, accepted: accepted.to_owned() })
}

impl<'a> BusyOfValue<'a> {
    /// Reads a value whose limits are [`UNDER_WAY`].
    pub(super) fn open(view: &View<'a>) -> Result<Self> {
        if view.rules() != UNDER_WAY {
            return refuse(view.rules().to_string(), "sessions made with session_gap and max_idle of 0");
        }
        Ok(BusyOfValue { walk: view.walk(), parts: Vec::new(), busy: Busy::default(), claim: Claim::temporary() })
    }

    /// The busy time of each session of a user; all of them are given, by start. All users are given in key order.
    pub(super) fn of(&mut self, user: UserKey, sessions: &[Session]) -> Result<&[Micros]> {
        let next = self.walk.next(&mut self.parts, &mut self.claim)?;
        if next.is_some_and(|(key, _)| *key == user.to_bytes())
            && let Some(busy) = self.busy.of(sessions, self.parts.iter().copied())?
        {
            return Ok(busy);
        }
        refuse(
            "sessions of other requests".to_owned(),
            "sessions of the same requests as the first, made with session_gap and max_idle of 0",
        )
    }
}
