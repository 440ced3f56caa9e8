//! `session_hazard`: at which request sessions are abandoned, among those that reach it. Definition D70.

use super::stats::ratio;
use super::{Ending, View};
use crate::base::calendar::Span;
use crate::base::error::{Error, Result};
use crate::base::memory::Claim;
use crate::function::{Argument, Call, Cell, Function, Reads, Role, Rows, Type, column};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "session_hazard",
    path: "sessions::session_hazard",
    example: "",
    summary: "abandonment hazard: probability that a session is abandoned at its 1st, 2nd, 3rd ... request, among \
              sessions that reach it",
    arguments: &[Argument {
        name: "max_requests",
        kind: Type::Integer,
        role: Role::Value,
        default: "50",
        about: "largest request number to report, from 1 to 10000",
    }],
    columns: &[
        column("request_number", Type::Integer, "number of the request within its session, from 1"),
        column("sessions_reaching", Type::Bigint, "sessions that reach it and are known to continue or to end there"),
        column("abandoned_here", Type::Bigint, "those of them that end there with a failed request"),
        column("hazard", Type::Double, "abandoned_here / sessions_reaching, 0 to 1"),
    ],
    reads: Reads::Sessions,
    segmented: true,
    scalar: false,
    zoned: false,
    rows: 50,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let most = call.integer("max_requests").unwrap_or(50);
    let most = u32::try_from(most).ok().filter(|most| (1..=10_000).contains(most)).ok_or_else(|| Error::Argument {
        name: "max_requests",
        given: most.to_string(),
        accepted: "a number from 1 to 10000".to_owned(),
    })?;
    let Some(view) = call.value(0, View::open)? else { return Ok(()) };
    hazard(&view, &call.span(view.last_at()), most)?.into_iter().try_for_each(|row| {
        let shown = !call.hides(row.users);
        let number = i32::try_from(row.number).unwrap_or(i32::MAX);
        rows.row(&mut [
            number.into(),
            Cell::from(Some(row.reaching).filter(|_| shown)),
            Cell::from(Some(row.abandoned).filter(|_| shown)),
            row.hazard().filter(|_| shown).into(),
        ])
    })
}

/// The sessions that reach a request, and those abandoned there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hazard {
    /// The ordinal number of the request in its session, from 1.
    pub number: u32,
    /// Users with a session that reaches it.
    pub users: u64,
    /// Sessions that reach it and are known to go on or to end there.
    pub reaching: u64,
    /// Sessions abandoned there.
    pub abandoned: u64,
}

impl Hazard {
    /// The probability of abandonment here among the sessions that reach it.
    pub fn hazard(&self) -> Option<f64> {
        ratio(self.abandoned, self.reaching)
    }
}

/// The hazard of the first `most` requests. A session that is open, or of unknown outcome, is known to go on up to the
/// request before its last, and does not count at its last.
pub fn hazard(view: &View<'_>, span: &Span, most: u32) -> Result<Vec<Hazard>> {
    let (mut claim, mut found) = (Claim::temporary(), Vec::<Hazard>::new());
    view.each_session(|_, sessions| {
        let mut furthest = 0;
        for session in sessions.iter().filter(|session| span.shows(session.start)) {
            let ending = session.ending(view.rules(), span.end);
            let known = matches!(ending, Some(Ending::Completed | Ending::Abandoned));
            claim.extend_to(&mut found, session.requests.min(most) as usize)?;
            let reached = session.requests - u32::from(!known);
            furthest = furthest.max(reached);
            // Counted at the end of the session; cumulative sums from the end give those that reach a request.
            if let Some(at) = found.get_mut((reached.min(most) as usize).wrapping_sub(1)) {
                at.reaching += 1;
            }
            if ending == Some(Ending::Abandoned)
                && let Some(at) = found.get_mut(session.requests as usize - 1)
            {
                at.abandoned += 1;
            }
        }
        if let Some(at) = found.get_mut((furthest.min(most) as usize).wrapping_sub(1)) {
            at.users += 1;
        }
        Ok(())
    })?;
    let (mut reaching, mut users) = (0, 0);
    for (i, at) in found.iter_mut().enumerate().rev() {
        (reaching, users) = (reaching + at.reaching, users + at.users);
        *at = Hazard { number: i as u32 + 1, users, reaching, ..*at };
    }
    Ok(found)
}
