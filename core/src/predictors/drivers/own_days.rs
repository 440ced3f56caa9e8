//! The local days of one user's requests.

use crate::base::calendar::Micros;
use crate::base::days::Day;
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::function::Clock;

/// The local days of one user's requests: those of each, and on which there were any.
pub(crate) struct OwnDays<'a> {
    clock: Clock<'a>,
    /// The day of each request, in their order.
    pub(crate) of_requests: Vec<Day>,
    /// The days with requests, each once, ascending.
    pub(crate) active: Vec<Day>,
    claim: Claim,
}

impl<'a> OwnDays<'a> {
    /// Nobody's yet.
    pub(crate) fn new(clock: Clock<'a>) -> Self {
        OwnDays { clock, of_requests: Vec::new(), active: Vec::new(), claim: Claim::temporary() }
    }

    /// Looks at requests of a user by their numbers, in order of time.
    pub(crate) fn look_at(&mut self, at: &[Micros], requests: &[u32]) -> Result<()> {
        let OwnDays { clock, of_requests, active, claim } = self;
        of_requests.clear();
        active.clear();
        claim.reserve_doubling(of_requests, requests.len())?;
        for &request in requests {
            let day = clock.day(at[request as usize])?;
            of_requests.push(day);
            if active.last() != Some(&day) {
                claim.push(active, day)?;
            }
        }
        // Where a clock is set back over midnight, a day comes again.
        if !active.is_sorted() {
            active.sort_unstable();
            active.dedup();
        }
        Ok(())
    }
}
