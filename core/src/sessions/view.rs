//! Encoding and decoding of the parts of sessions, and how parts are joined to sessions. The layout is described in
//! [`sessions`](super).

use super::{Limits, Outcome, Session, SessionKey};
use crate::base::calendar::Micros;
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::base::user_lists::{self, Listed, close, corrupt, instant};
use crate::base::user_table::UserKey;
use crate::base::wire::{Kind, Reader, Writer};

/// Stored sessions, read in place.
pub type View<'a> = user_lists::View<'a, Session>;

fn limit(number: u64) -> Result<Micros> {
    Micros::try_from(number).or_else(|_| corrupt("a limit beyond all time"))
}

impl Listed for Session {
    type Rules = Limits;
    const KIND: Kind = Kind::Sessions;
    const VERSION: u8 = super::VERSION;
    const RULES: &'static str = "session limits";
    const NOTHING: &'static str = "a user without requests";

    fn write_rules(limits: Limits, out: &mut Writer) -> Result<()> {
        out.uint(limits.gap as u64)?;
        out.uint(limits.idle as u64)
    }

    fn read_rules(from: &mut Reader<'_>) -> Result<Limits> {
        Ok(Limits { gap: limit(from.uint()?)?, idle: limit(from.uint()?)? })
    }

    #[inline]
    fn write(&self, _: Limits, before: Option<&Self>, out: &mut Writer) -> Result<()> {
        let (key, start) = before.map_or((SessionKey::NONE, 0), |before| (before.key, before.start));
        let other = self.key != key;
        out.uint(u64::from(self.requests - 1) << 3 | (self.outcome as u64) << 1 | u64::from(other))?;
        if other {
            out.raw(&self.key.0.to_le_bytes())?;
        }
        out.int(self.start.wrapping_sub(start))?;
        // The calendar exceeds the range of a signed difference, so the difference of two instants is written unsigned.
        out.uint(self.end.wrapping_sub(self.start) as u64)?;
        if self.requests > 1 {
            out.uint(self.last.wrapping_sub(self.start) as u64)?;
            out.uint(u64::from(self.errors))?;
        }
        Ok(())
    }

    #[inline(always)]
    fn read(limits: Limits, before: Option<&Self>, from: &mut Reader<'_>) -> Result<Self> {
        let part = read_part(from, before)?;
        match before.filter(|before| before.key == part.key) {
            Some(before) if part.start < before.start || before.touches(&part, limits.of_part(part.key)) => {
                corrupt("parts of sessions that touch")
            }
            _ => Ok(part),
        }
    }

    #[inline]
    fn unite(&mut self, limits: Limits, next: &Self) -> Result<bool> {
        let belongs = self.key == next.key && self.touches(next, limits.of_part(self.key));
        if belongs {
            self.absorb(next)?;
        }
        Ok(belongs)
    }
}

impl View<'_> {
    /// Visits every user and their sessions, by start; of sessions that begin together, those without an id first.
    pub fn each_session(&self, mut visit: impl FnMut(UserKey, &[Session]) -> Result<()>) -> Result<()> {
        self.each_with_parts(|key, _, sessions| visit(key, sessions))
    }

    /// The same, with the parts of which the sessions are made.
    pub(super) fn each_with_parts(
        &self,
        mut visit: impl FnMut(UserKey, &[Session], &[Session]) -> Result<()>,
    ) -> Result<()> {
        let (mut claim, mut sessions) = (Claim::temporary(), Vec::new());
        self.each(|key, parts| {
            if sessions.capacity() < parts.len() {
                sessions.clear();
                claim.reserve(&mut sessions, parts.len().next_power_of_two())?;
            }
            resolve(parts, self.rules(), &mut sessions)?;
            visit(key, parts, &sessions)
        })
    }
}

/// Whether parts that follow each other are of one session with an id.
fn are_of_one(part: &Session, next: &Session, limits: Limits) -> bool {
    part.key == next.key && part.key != SessionKey::NONE && part.touches(next, limits.idle)
}

/// The session made of parts with its id. Pauses between them exceed the gap; otherwise they would be one part.
fn joined(parts: &[Session]) -> Result<Session> {
    let mut session = parts.first().copied().unwrap_or_default();
    for next in parts.iter().skip(1) {
        session.away = session.away.saturating_add(next.start.saturating_sub(session.end));
        session.absorb(next)?;
    }
    Ok(session)
}

/// Joins a user's parts to sessions: a request that is alone with its id is treated as having none.
///
/// `sessions` needs no more capacity than there are parts.
pub fn resolve(parts: &[Session], limits: Limits, sessions: &mut Vec<Session>) -> Result<()> {
    sessions.clear();
    // Without any id the parts are closed under the gap already.
    if parts.iter().all(|part| part.key == SessionKey::NONE) {
        sessions.extend_from_slice(parts);
        return Ok(());
    }
    let bears_none = |parts: &&[Session]| matches!(parts, [part] if part.key == SessionKey::NONE || part.requests == 1);
    let joint = || parts.chunk_by(|part, next| are_of_one(part, next, limits));
    let without_id = joint().filter(bears_none).flatten();
    sessions.extend(without_id.map(|part| Session { key: SessionKey::NONE, ..*part }));
    if !sessions.is_sorted_by_key(|session| session.start) {
        sessions.sort_unstable_by_key(|session| session.start);
    }
    close(Limits { gap: limits.gap, idle: limits.gap }, sessions)?;
    let formed = sessions.len();
    for parts in joint().filter(|parts| !bears_none(parts)) {
        sessions.push(joined(parts)?);
    }
    if formed < sessions.len() {
        sessions.sort_unstable_by_key(|session| (session.start, session.key));
    }
    Ok(())
}

#[inline(always)]
fn read_part(from: &mut Reader<'_>, before: Option<&Session>) -> Result<Session> {
    let (before_key, before_start) = before.map_or((SessionKey::NONE, 0), |before| (before.key, before.start));
    let head = from.uint()?;
    let Ok(more) = u32::try_from(head >> 3) else { return corrupt("too many requests in a session") };
    let Some(requests) = more.checked_add(1) else { return corrupt("too many requests in a session") };
    let outcome = match head >> 1 & 3 {
        0 => Outcome::Unknown,
        1 => Outcome::Failed,
        2 => Outcome::Succeeded,
        _ => return corrupt("an unknown outcome"),
    };
    let mut key = before_key;
    if head & 1 == 1 {
        let (bytes, _) = from.raw(8)?.as_chunks::<8>();
        key = SessionKey(bytes.iter().fold(0, |_, bytes| u64::from_le_bytes(*bytes)));
        if key <= before_key {
            return corrupt("session ids out of order");
        }
    }
    let start = instant(Some(before_start.wrapping_add(from.int()?)))?;
    let after = |distance: u64| start.checked_add_unsigned(distance);
    let end = instant(after(from.uint()?))?;
    let (mut last, mut errors) = (start, u32::from(outcome == Outcome::Failed));
    if more > 0 {
        match after(from.uint()?) {
            Some(at) if at <= end => last = at,
            _ => return corrupt("a last request after the end"),
        }
        errors = u32::try_from(from.uint()?).unwrap_or(u32::MAX);
    }
    let most = requests - u32::from(outcome == Outcome::Succeeded);
    if errors > most || (errors == 0 && outcome == Outcome::Failed) {
        return corrupt("errors that do not fit the requests");
    }
    Ok(Session { start, end, last, key, away: 0, requests, errors, user_index: 0, outcome })
}
