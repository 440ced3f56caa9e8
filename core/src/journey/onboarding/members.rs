//! Membership of a user's requests in a session.

use crate::base::calendar::Micros;
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::sessions::{Session, SessionKey};

/// Distinguishes the requests of one session from the user's others.
pub(super) struct Members {
    session: Session,
    /// The sessions with an id that overlap a session without one, by id and start.
    named: Vec<(SessionKey, Micros, Micros)>,
    claim: Claim,
}

impl Default for Members {
    fn default() -> Self {
        Members { session: Session::default(), named: Vec::new(), claim: Claim::temporary() }
    }
}

impl Members {
    /// For a session among all of its user's.
    pub(super) fn of(&mut self, session: &Session, sessions: &[Session]) -> Result<()> {
        self.session = *session;
        self.named.clear();
        if session.key != SessionKey::NONE {
            return Ok(());
        }
        let begun = sessions.partition_point(|other| other.start <= session.end);
        let is_near = |other: &&Session| other.key != SessionKey::NONE && other.end >= session.start;
        for other in sessions[..begun].iter().filter(is_near) {
            self.claim.push(&mut self.named, (other.key, other.start, other.end))?;
        }
        self.named.sort_unstable();
        Ok(())
    }

    /// Whether a request belongs to it: it has the session's id, or, if the session has none, is in no session that has one.
    pub(super) fn has(&self, at: Micros, key: SessionKey) -> bool {
        let Session { start, end, key: of, .. } = self.session;
        if at < start || at > end {
            return false;
        }
        if of != SessionKey::NONE || key == SessionKey::NONE {
            return of == key;
        }
        // Sessions with the same id do not overlap.
        let until = self.named.partition_point(|(named, start, _)| (*named, *start) <= (key, at));
        let last = until.checked_sub(1).and_then(|last| self.named.get(last));
        !last.is_some_and(|(named, _, end)| *named == key && at <= *end)
    }
}
