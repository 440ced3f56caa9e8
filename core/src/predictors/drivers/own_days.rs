//! The local days of one user's requests.

use crate::base::calendar::Micros;
use crate::base::days::Day;
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::function::Clock;

/// The local days of one user's requests: the day of each request, and the distinct days.
pub(crate) struct OwnDays<'a> {
    clock: Clock<'a>,
    /// The day of each request, in their order.
    pub(crate) of_requests: Vec<Day>,
    /// The days with requests, distinct, ascending.
    pub(crate) active: Vec<Day>,
    claim: Claim,
}

impl<'a> OwnDays<'a> {
    /// Without requests.
    pub(crate) fn new(clock: Clock<'a>) -> Self {
        OwnDays { clock, of_requests: Vec::new(), active: Vec::new(), claim: Claim::temporary() }
    }

    /// Reads requests of a user, given by index in time order.
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
        // If a clock is set back over midnight, a day recurs.
        if !active.is_sorted() {
            active.sort_unstable();
            active.dedup();
        }
        Ok(())
    }
}
