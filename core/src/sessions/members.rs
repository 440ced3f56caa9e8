//! The requests of each of one user's sessions.

use super::Session;
use super::time::Homes;
use crate::base::error::{Error, Result};
use crate::base::memory::Claim;

/// Tells which requests belong to a session.
pub(super) struct Members {
    homes: Homes,
    /// The index of a session among its user's, and that of a request of it.
    requests: Vec<(u32, u32)>,
    claim: Claim,
}

impl Default for Members {
    fn default() -> Self {
        Members { homes: Homes::default(), requests: Vec::new(), claim: Claim::temporary() }
    }
}

impl Members {
    /// Finds the session of each of a user's requests; all sessions are given, by start.
    pub(super) fn find(
        &mut self,
        sessions: &[Session],
        requests: impl ExactSizeIterator<Item = Session>,
    ) -> Result<()> {
        self.homes.learn(sessions)?;
        self.requests.clear();
        self.claim.reserve(&mut self.requests, requests.len())?;
        for (number, request) in (0..).zip(requests) {
            let Some(session) = self.homes.find(sessions, &request) else {
                return Err(Error::Corrupt { what: "a request in none of its user's sessions" });
            };
            self.requests.push((session, number));
        }
        self.requests.sort_unstable();
        Ok(())
    }

    /// The indexes of a session's requests, given its own.
    pub(super) fn of(&self, session: usize) -> impl Iterator<Item = usize> + Clone + '_ {
        let from = self.requests.partition_point(|&(of, _)| (of as usize) < session);
        self.requests[from..].iter().take_while(move |&&(of, _)| of as usize == session).map(|&(_, n)| n as usize)
    }
}
