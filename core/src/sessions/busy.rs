//! How much of a session somebody waited for answers: the union of its requests, from when each was made until its answer
//! was complete. Definition D16.
//!
//! A union is no sum, for requests overlap, and lengths alone cannot be merged. But sessions whose limits are zero are
//! exactly the stretches of time in which something was under way: so a second value of the same requests says it, which
//! merges as exactly as the first, and whose size only matters to those who ask.

use super::{Limits, Session, SessionKey, View};
use crate::base::calendar::Micros;
use crate::base::error::{Error, Result};
use crate::base::memory::Claim;
use crate::base::user_lists::Walk;
use crate::base::user_table::UserKey;

/// The limits of the value that says when something was under way.
pub const UNDER_WAY: Limits = Limits { gap: 0, idle: 0 };

/// Finds out the busy time of one user's sessions after the other.
pub(super) struct Busy<'a> {
    walk: Walk<'a, Session>,
    parts: Vec<Session>,
    /// The number of a session and a stretch of it.
    stretches: Vec<(u32, Micros, Micros)>,
    busy: Vec<Micros>,
    claim: Claim,
}

fn of_others<T>() -> Result<T> {
    Err(Error::Argument {
        name: "busy",
        given: "sessions of other requests".to_owned(),
        accepted: "sessions of the same requests as the first, made with session_gap and max_idle of 0".to_owned(),
    })
}

impl<'a> Busy<'a> {
    /// Over a value whose limits are [`UNDER_WAY`].
    pub(super) fn open(view: &View<'a>) -> Result<Self> {
        if view.rules() != UNDER_WAY {
            return Err(Error::Argument {
                name: "busy",
                given: view.rules().to_string(),
                accepted: "sessions made with session_gap and max_idle of 0".to_owned(),
            });
        }
        Ok(Busy {
            walk: view.walk(),
            parts: Vec::new(),
            stretches: Vec::new(),
            busy: Vec::new(),
            claim: Claim::temporary(),
        })
    }

    /// The busy time of each of a user's sessions, which are all there are, by start. Users come by key, all of them.
    pub(super) fn of(&mut self, user: UserKey, sessions: &[Session]) -> Result<&[Micros]> {
        let next = self.walk.next(&mut self.parts, &mut self.claim)?;
        if next.is_none_or(|(key, _)| *key != user.to_bytes()) {
            return of_others();
        }
        let Busy { parts, stretches, busy, claim, .. } = self;
        for list_is_short in [sessions.len() > busy.capacity(), parts.len() > stretches.capacity()] {
            if list_is_short {
                busy.clear();
                claim.reserve(busy, sessions.len())?;
                stretches.clear();
                claim.reserve(stretches, parts.len())?;
            }
        }
        busy.clear();
        busy.resize(sessions.len(), 0);
        stretches.clear();
        for part in parts.iter() {
            let Some(at) = home(sessions, part) else { return of_others() };
            stretches.push((at as u32, part.start, part.end));
        }
        // Stretches of one id do not overlap, but of several ids they may, and a session of none has several.
        stretches.sort_unstable();
        let mut before = (u32::MAX, Micros::MIN);
        for &(at, start, end) in stretches.iter() {
            let from = if before.0 == at { start.max(before.1) } else { start };
            if let Some(busy) = busy.get_mut(at as usize) {
                *busy = busy.saturating_add(end.saturating_sub(from).max(0));
            }
            before = (at, if before.0 == at { end.max(before.1) } else { end });
        }
        Ok(busy)
    }
}

/// The session that a stretch lies in: that of its id, or else one of requests that bear none.
fn home(sessions: &[Session], part: &Session) -> Option<usize> {
    let holds = |session: &Session| session.start <= part.start && part.end <= session.end;
    let begun = sessions.partition_point(|session| session.start <= part.start);
    // Sessions of one id, and those of none, do not overlap: the nearest to begin is the one.
    let nearest = |key| sessions[..begun].iter().rposition(|session| session.key == key);
    let of_id = || nearest(part.key).filter(|&at| holds(&sessions[at]));
    of_id().or_else(|| nearest(SessionKey::NONE).filter(|&at| holds(&sessions[at])))
}
