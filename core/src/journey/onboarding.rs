//! Onboarding: the first session, the time to it, and milestones. Definitions D37-D46.

use crate::base::calendar::Micros;
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::function::{Argument, Function, NO_DEFAULT, Role, Type};
use crate::history::{BySegment, Timeline};
use crate::stats::interval::wilson;

pub mod activation_milestones;
pub mod first_session_list;
pub mod first_sessions;
mod firsts;
mod members;

/// The functions about onboarding.
pub const FUNCTIONS: &[&Function] =
    &[&first_sessions::FUNCTION, &first_session_list::FUNCTION, &activation_milestones::FUNCTION];

/// The argument for the relation of signups.
const SIGNUPS: Argument = Argument {
    name: "signups",
    kind: Type::Relation,
    role: Role::Signups,
    default: NO_DEFAULT,
    about: "table or view of users and their signup times, with columns like those of a log; the earliest row of a \
            user counts",
};

/// Times of a user's requests, separated from the rows that are signups.
struct Comings {
    signups: Option<usize>,
    segment: Option<usize>,
    by_segment: BySegment,
    requests: Vec<u32>,
    claim: Claim,
}

impl Comings {
    fn new(segment: Option<usize>, signups: Option<usize>) -> Self {
        let (by_segment, requests, claim) = (BySegment::default(), Vec::new(), Claim::temporary());
        Comings { signups, segment, by_segment, requests, claim }
    }

    /// The time of the signup, if it is known.
    fn signed_up(&self, user: &Timeline<'_>) -> Option<Micros> {
        self.signups?;
        let first = (0..user.at.len()).find(|&row| user.flag(self.signups, row) == Some(true))?;
        user.at.get(first).copied()
    }

    /// Calls `each` with the code of every segment and the indexes of its requests, in order. Returns whether there are any.
    fn each(&mut self, user: &Timeline<'_>, mut each: impl FnMut(u32, &[u32]) -> Result<()>) -> Result<bool> {
        let Comings { signups, segment, by_segment, requests, claim } = self;
        let mut has_come = false;
        by_segment.each(user, *segment, |code, rows| {
            let made = match signups {
                None => rows,
                Some(_) => {
                    requests.clear();
                    claim.reserve(requests, rows.len())?;
                    requests.extend(rows.iter().filter(|&&row| user.flag(*signups, row as usize) != Some(true)));
                    &requests[..]
                }
            };
            has_come |= !made.is_empty();
            if made.is_empty() { Ok(()) } else { each(code, made) }
        })?;
        Ok(has_come)
    }
}

/// A share with its 95 % bounds; `None` for 0 of 0.
fn rate(part: u64, whole: u64) -> Option<(f64, f64, f64)> {
    let (low, high) = wilson(part, whole)?;
    Some((part as f64 / whole as f64, low, high))
}

/// The seconds from one instant to another.
fn seconds(from: Micros, to: Micros) -> f64 {
    to.saturating_sub(from) as f64 / 1e6
}
