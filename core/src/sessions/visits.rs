//! Visits: a user's requests, whatever their session ids, with pauses of at most the gap. A user who goes on in another chat
//! has not been away, so it is the begin of a visit that is a return. Definition D18.

use super::{Session, SessionKey};
use crate::base::calendar::Micros;
use crate::base::error::Result;
use crate::base::memory::Claim;

/// Unites intervals with at most `pause` between them; they are sorted by start afterwards.
pub(super) fn unite(intervals: &mut Vec<(Micros, Micros)>, pause: Micros) {
    if !intervals.is_sorted() {
        intervals.sort_unstable();
    }
    intervals.dedup_by(|next, last| {
        let is_near = next.0 <= last.1.saturating_add(pause);
        if is_near {
            last.1 = last.1.max(next.1);
        }
        is_near
    });
}

/// The visits of a user, each from its first request to the end of its last answer, by start. `parts` are those of the user's
/// sessions.
pub(super) fn visits(
    parts: &[Session],
    gap: Micros,
    visits: &mut Vec<(Micros, Micros)>,
    claim: &mut Claim,
) -> Result<()> {
    visits.clear();
    if visits.capacity() < parts.len() {
        claim.reserve(visits, parts.len().next_power_of_two())?;
    }
    visits.extend(parts.iter().map(|part| (part.start, part.end)));
    // Without any id the parts are closed under the gap already.
    if parts.iter().any(|part| part.key != SessionKey::NONE) {
        unite(visits, gap);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_of_the_gap_does_not_cut() {
        let mut intervals = vec![(40, 50), (0, 30), (5, 10), (61, 62)];
        unite(&mut intervals, 10);
        assert_eq!(intervals, [(0, 50), (61, 62)]);
        unite(&mut intervals, 11);
        assert_eq!(intervals, [(0, 62)]);
    }
}
