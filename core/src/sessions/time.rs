//! The time of sessions: how long they span, for how much of that the user was active, and how long at least one answer was
//! awaited. Each is the length of a union, over all sessions of a user that are counted together, since two of them may go on
//! at once. Definition D16.
//!
//! Lengths of unions can neither be added nor merged. A stored value of sessions whose limits are zero contains exactly the
//! intervals in which a request was in progress; it merges like any other, and gives the busy time of the sessions in a value
//! of the same requests.

use super::{Limits, Session, SessionKey, View};
use crate::base::calendar::Micros;
use crate::base::error::{Error, Result};
use crate::base::memory::Claim;
use crate::base::user_lists::Walk;
use crate::base::user_table::UserKey;

/// The limits of a value that contains the intervals in which a request was in progress.
pub const UNDER_WAY: Limits = Limits { gap: 0, idle: 0 };

/// The time of some sessions, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Time {
    /// From first requests to the ends of last answers.
    pub span: i128,
    /// The same without pauses above the gap.
    pub active: i128,
    /// Time in which at least one answer was awaited.
    pub busy: i128,
}

impl Time {
    pub(super) fn add(&mut self, other: &Time) {
        self.span += other.span;
        self.active += other.active;
        self.busy += other.busy;
    }
}

/// Finds the session of a request, or of a stretch of requests, among one user's sessions.
pub(super) struct Homes {
    /// The user's sessions by key and start, as their indexes.
    by_key: Vec<(SessionKey, Micros, u32)>,
    claim: Claim,
}

impl Default for Homes {
    fn default() -> Self {
        Homes { by_key: Vec::new(), claim: Claim::temporary() }
    }
}

impl Homes {
    /// For all sessions of a user.
    pub(super) fn learn(&mut self, sessions: &[Session]) -> Result<()> {
        self.by_key.clear();
        self.claim.reserve(&mut self.by_key, sessions.len())?;
        self.by_key.extend((0..).zip(sessions).map(|(number, session)| (session.key, session.start, number)));
        self.by_key.sort_unstable();
        Ok(())
    }

    /// The session that contains an interval: one with the same id, otherwise one of requests without an id.
    pub(super) fn find(&self, sessions: &[Session], part: &Session) -> Option<u32> {
        // Sessions with the same key do not overlap, so only the last one that starts before the interval ends can contain it.
        let of_key = |key: SessionKey| {
            let begun = self.by_key.partition_point(|&(other, start, _)| (other, start) <= (key, part.start));
            let &(found, _, number) = self.by_key.get(begun.checked_sub(1)?)?;
            let session = sessions.get(number as usize)?;
            (found == key && session.start <= part.start && part.end <= session.end).then_some(number)
        };
        of_key(part.key).or_else(|| of_key(SessionKey::NONE))
    }
}

/// Computes the time of one user's sessions at a time.
#[derive(Default)]
pub(super) struct Times {
    homes: Homes,
    /// The group in which a session counts, and an interval of it.
    intervals: Vec<(i32, Micros, Micros)>,
    claim: Claim,
}

/// One user's sessions: all of them by start, the group in which each counts, if any, and the parts of which they are made.
#[derive(Clone, Copy)]
pub(super) struct Grouped<'a> {
    pub(super) sessions: &'a [Session],
    pub(super) groups: &'a [Option<i32>],
    pub(super) parts: &'a [Session],
}

impl Times {
    /// The time of the sessions of each group, which `add` takes in several pieces. `requests` are all of the user's requests,
    /// or the intervals that they cover; without them the busy time is 0. Returns whether all of these lie in a session.
    pub(super) fn of(
        &mut self,
        of: Grouped<'_>,
        requests: Option<impl ExactSizeIterator<Item = Session>>,
        mut add: impl FnMut(i32, Time) -> Result<()>,
    ) -> Result<bool> {
        let Times { homes, intervals, claim } = self;
        let Grouped { sessions, groups, parts } = of;
        homes.learn(sessions)?;

        intervals.clear();
        claim.reserve(intervals, sessions.len())?;
        let counted = || sessions.iter().zip(groups).filter_map(|(session, group)| Some((session, (*group)?)));
        intervals.extend(counted().map(|(session, group)| (group, session.start, session.end)));
        each_length(intervals, |group, span| add(group, Time { span, ..Time::default() }))?;

        // Only sessions with an id have pauses above the gap, which lie between their parts.
        intervals.clear();
        claim.reserve(intervals, sessions.len() + parts.len())?;
        let whole = counted().filter(|(session, _)| session.key == SessionKey::NONE);
        intervals.extend(whole.map(|(session, group)| (group, session.start, session.end)));
        for part in parts.iter().filter(|part| part.key != SessionKey::NONE) {
            let Some(number) = homes.find(sessions, part) else { return Ok(false) };
            if let Some(group) = groups.get(number as usize).copied().flatten() {
                intervals.push((group, part.start, part.end));
            }
        }
        each_length(intervals, |group, active| add(group, Time { active, ..Time::default() }))?;

        let Some(requests) = requests else { return Ok(true) };
        intervals.clear();
        claim.reserve(intervals, requests.len())?;
        for request in requests {
            let Some(number) = homes.find(sessions, &request) else { return Ok(false) };
            if let Some(group) = groups.get(number as usize).copied().flatten() {
                intervals.push((group, request.start, request.end));
            }
        }
        each_length(intervals, |group, busy| add(group, Time { busy, ..Time::default() }))?;
        Ok(true)
    }
}

/// The length of the union of the intervals of each group.
fn each_length(intervals: &mut [(i32, Micros, Micros)], mut add: impl FnMut(i32, i128) -> Result<()>) -> Result<()> {
    if !intervals.is_sorted() {
        intervals.sort_unstable();
    }
    for of_group in intervals.chunk_by(|one, other| one.0 == other.0) {
        let (mut length, mut covered) = (0i128, Micros::MIN);
        for &(_, start, end) in of_group {
            length += i128::from(end.saturating_sub(start.max(covered)).max(0));
            covered = covered.max(end);
        }
        if let Some(&(group, ..)) = of_group.first() {
            add(group, length)?;
        }
    }
    Ok(())
}

/// The requests of a stored value that contains the intervals in which a request was in progress.
pub(super) struct UnderWay<'a> {
    walk: Walk<'a, Session>,
    parts: Vec<Session>,
    claim: Claim,
}

fn refuse<T>(given: String, accepted: &str) -> Result<T> {
    Err(Error::Argument { name: "busy", given, accepted: accepted.to_owned() })
}

/// The error for a value of other requests.
pub(super) fn refuse_others<T>() -> Result<T> {
    refuse(
        "sessions of other requests".to_owned(),
        "sessions of the same requests as the first, made with session_gap and max_idle of 0",
    )
}

impl<'a> UnderWay<'a> {
    /// Reads a value whose limits are [`UNDER_WAY`].
    pub(super) fn open(view: &View<'a>) -> Result<Self> {
        if view.rules() != UNDER_WAY {
            return refuse(view.rules().to_string(), "sessions made with session_gap and max_idle of 0");
        }
        Ok(UnderWay { walk: view.walk(), parts: Vec::new(), claim: Claim::temporary() })
    }

    /// Those of a user. All users are given in key order.
    pub(super) fn of(&mut self, user: UserKey) -> Result<&[Session]> {
        let next = self.walk.next(&mut self.parts, &mut self.claim)?;
        if next.is_some_and(|(key, _)| *key == user.to_bytes()) { Ok(&self.parts) } else { refuse_others() }
    }
}
