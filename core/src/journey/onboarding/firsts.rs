//! The first session of every user, or only the signup of users without a request. Definitions D37 to D40.

use super::Comings;
use super::members::Members;
use crate::base::calendar::Micros;
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::function::Call;
use crate::history::Timeline;
use crate::sessions::session_list::SHOWN_ID;
use crate::sessions::{Ending, Limits, Session, SessionKey, of_requests, request};

/// The start of a user, in a segment.
pub(super) struct First {
    /// The code of the segment.
    pub(super) segment: u32,
    /// The first session; `None` for a user without a request.
    pub(super) session: Option<FirstSession>,
    /// The time of the signup, if it is known.
    pub(super) signed_up: Option<Micros>,
}

/// A user's first session.
pub(super) struct FirstSession {
    pub(super) session: Session,
    /// Its ending; `None` if the outcome is unknown.
    pub(super) ending: Option<Ending>,
    /// The code of its id; 0 without one.
    pub(super) id: u32,
    /// Whether its first request succeeded, if known.
    pub(super) succeeded: Option<bool>,
    /// The number of features named by its requests.
    pub(super) features: u64,
}

/// Finds them, user by user.
pub(super) struct Firsts<'a> {
    call: &'a Call<'a>,
    limits: Limits,
    end: Micros,
    /// The columns of session, latency and success.
    of_sessions: [Option<usize>; 3],
    request_id: Option<usize>,
    feature: Option<usize>,
    id: Option<usize>,
    comings: Comings,
    members: Members,
    parts: Vec<Session>,
    sessions: Vec<Session>,
    features: Vec<u32>,
    claim: Claim,
}

impl<'a> Firsts<'a> {
    pub(super) fn new(call: &'a Call<'_>) -> Result<Self> {
        let column = |name: &str| call.column(name);
        Ok(Firsts {
            call,
            limits: Limits::given(call)?,
            end: call.end(),
            of_sessions: ["session_id", "latency_ms", "succeeded"].map(column),
            request_id: column("request_id"),
            feature: column("feature"),
            id: column(SHOWN_ID),
            comings: Comings::new(column("segment"), column("signups")),
            members: Members::default(),
            parts: Vec::new(),
            sessions: Vec::new(),
            features: Vec::new(),
            claim: Claim::temporary(),
        })
    }

    /// The columns it reads.
    pub(super) fn columns(&self) -> [Option<usize>; 8] {
        let [session, latency, succeeded] = self.of_sessions;
        let Comings { segment, signups, .. } = self.comings;
        [session, latency, succeeded, self.request_id, self.feature, self.id, segment, signups]
    }

    /// Where observation ends.
    pub(super) fn end(&self) -> Micros {
        self.end
    }

    /// Calls `each` with the start of a user, in every segment, unless it was before `since`. A user who signed up without
    /// any request belongs to no segment.
    pub(super) fn each(&mut self, user: &Timeline<'_>, mut each: impl FnMut(&First) -> Result<()>) -> Result<()> {
        let Firsts { limits, end, of_sessions, feature, id, members, parts, sessions, features, claim, .. } = self;
        let signed_up = self.comings.signed_up(user);
        let is_shown = |at: Micros| self.call.since.is_none_or(|since| since <= at);
        let (request, keys) = (request(user, *of_sessions), user.sessions(of_sessions[0]));
        let (ids, names) = (user.codes(*id), user.codes(*feature));
        let has_come = self.comings.each(user, |segment, requests| {
            let made = requests.iter().map(|&row| request(row as usize));
            of_requests(made, *limits, parts, sessions, claim)?;
            let Some(session) = sessions.first().copied().filter(|first| is_shown(first.start)) else { return Ok(()) };
            members.of(&session, sessions)?;
            features.clear();
            let mut first = None;
            for row in requests.iter().map(|&row| row as usize) {
                let key = keys.map_or(SessionKey::NONE, |keys| SessionKey::of_hash(keys[row]));
                if user.at[row] > session.end {
                    break;
                }
                if members.has(user.at[row], key) {
                    first.get_or_insert(row);
                    let feature = names.map_or(0, |names| names[row]);
                    if feature != 0 && features.last() != Some(&feature) {
                        claim.push(features, feature)?;
                    }
                }
            }
            features.sort_unstable();
            features.dedup();
            let id = first.filter(|_| session.key != SessionKey::NONE).zip(ids).map_or(0, |(row, ids)| ids[row]);
            each(&First {
                segment,
                session: Some(FirstSession {
                    session,
                    ending: session.ending(*limits, *end),
                    id,
                    succeeded: first.and_then(|row| user.flag(of_sessions[2], row)),
                    features: features.len() as u64,
                }),
                signed_up,
            })
        })?;
        let is_waiting = !has_come && !self.call.by && signed_up.is_some_and(|at| at <= *end && is_shown(at));
        if is_waiting { each(&First { segment: 0, session: None, signed_up }) } else { Ok(()) }
    }
}
