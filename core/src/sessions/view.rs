//! Stored sessions, read in place: what the readouts look at. The layout is described in [`sessions`](super).

use super::{Limits, Outcome, Session, SessionKey, VERSION, close, head};
use crate::calendar::Micros;
use crate::error::{Error, Result};
use crate::host::{self, Claim};
use crate::users::{Leaving, UserKey, UserKind, read_keys};
use crate::wire::{Kind, Reader};

/// The instants PostgreSQL can represent: from 4714-11-24 BC to 294276-12-31.
const FIRST_INSTANT: Micros = -211_813_488_000_000_000;
pub(super) const LAST_INSTANT: Micros = 9_223_371_331_199_999_999;

/// Stored sessions, read in place.
#[derive(Clone, Debug)]
pub struct View<'a> {
    kind: UserKind,
    limits: Limits,
    last_at: Option<Micros>,
    keys: &'a [[u8; 16]],
    parts: Reader<'a>,
}

fn corrupt<T>(what: &'static str) -> Result<T> {
    Err(Error::Corrupt { what })
}

fn limit(number: u64) -> Result<Micros> {
    Micros::try_from(number).or_else(|_| corrupt("a limit beyond all time"))
}

impl<'a> View<'a> {
    /// Checks the frame and reads the head; the parts are checked as they are visited.
    pub fn open(bytes: &'a [u8]) -> Result<Self> {
        let mut body = Reader::open(bytes, Kind::Sessions, VERSION)?;
        let kind = UserKind::from_number(u8::try_from(body.uint()?).unwrap_or(u8::MAX))?;
        let limits = Limits { gap: limit(body.uint()?)?, idle: limit(body.uint()?)? };
        let last_at = body.maybe_int()?;
        let users = body.uint()?;
        let keys = read_keys(&mut body, users)?;
        Ok(View { kind, limits, last_at, keys, parts: body })
    }

    /// The type of its user ids.
    pub fn kind(&self) -> UserKind {
        self.kind
    }

    /// When its sessions end.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// How many users have sessions.
    pub fn users(&self) -> usize {
        self.keys.len()
    }

    /// The instant of the last request, identified or not.
    pub fn last_at(&self) -> Option<Micros> {
        self.last_at
    }

    /// Visits every user and their parts as they are stored, and refuses bytes that are not canonical.
    pub fn each(&self, mut visit: impl FnMut(UserKey, &[Session]) -> Result<()>) -> Result<()> {
        self.each_stored(|key, parts, _| visit(u128::from_be_bytes(*key).into(), parts))
    }

    /// One user after the other, for who reads two values side by side.
    pub(super) fn walk(&self) -> Walk<'a> {
        Walk { limits: self.limits, keys: self.keys.iter(), from: self.parts.clone() }
    }

    /// As [`each`](View::each), with the key and the bytes of the parts as they are stored.
    fn each_stored(&self, mut visit: impl FnMut(&[u8; 16], &[Session], &'a [u8]) -> Result<()>) -> Result<()> {
        let (mut from, mut claim, mut parts) = (self.parts.clone(), Claim::passing(), Vec::new());
        for (i, key) in self.keys.iter().enumerate() {
            if i % host::POLL_EVERY == 0 {
                host::poll();
            }
            let mut stored = from.clone();
            read_parts(&mut from, self.limits, &mut parts, &mut claim)?;
            visit(key, &parts, stored.raw(stored.left() - from.left())?)?;
        }
        from.finish()
    }

    /// Visits every user and their sessions, by start, those of no id first where several begin together.
    pub fn each_session(&self, mut visit: impl FnMut(UserKey, &[Session]) -> Result<()>) -> Result<()> {
        let (mut claim, mut sessions) = (Claim::passing(), Vec::new());
        self.each(|key, parts| {
            if sessions.capacity() < parts.len() {
                sessions.clear();
                claim.reserve(&mut sessions, parts.len().next_power_of_two())?;
            }
            resolve(parts, self.limits.gap, &mut sessions)?;
            visit(key, &sessions)
        })
    }

    /// The bytes of the same sessions without those of some users; `None` if it has none of them.
    pub fn without(&self, users: &[UserKey]) -> Result<Option<Vec<u8>>> {
        let leaving = Leaving::from(self.keys, users);
        if leaving.is_empty() {
            return Ok(None);
        }
        let mut out = head(self.kind, self.limits, self.last_at, self.keys.len() - leaving.len(), self.parts.left())?;
        self.keys.iter().filter(|key| leaving.spares(key)).try_for_each(|key| out.raw(key))?;
        self.each_stored(|key, _, stored| if leaving.spares(key) { out.raw(stored) } else { Ok(()) })?;
        Ok(Some(out.finish()))
    }
}

/// A way through stored sessions, user by user.
pub(super) struct Walk<'a> {
    limits: Limits,
    keys: std::slice::Iter<'a, [u8; 16]>,
    from: Reader<'a>,
}

impl Walk<'_> {
    /// The next user and their parts as they are stored; `None` after the last.
    pub(super) fn next(&mut self, parts: &mut Vec<Session>, claim: &mut Claim) -> Result<Option<UserKey>> {
        let Some(key) = self.keys.next() else { return Ok(None) };
        read_parts(&mut self.from, self.limits, parts, claim)?;
        Ok(Some(u128::from_be_bytes(*key).into()))
    }
}

/// Makes a user's sessions of their parts: a part of one request goes with those that bear no id.
///
/// `sessions` needs no more room than there are parts.
pub fn resolve(parts: &[Session], gap: Micros, sessions: &mut Vec<Session>) -> Result<()> {
    sessions.clear();
    // Without any id, the parts are closed under the gap already.
    if parts.iter().all(|part| part.key == SessionKey::NONE) {
        sessions.extend_from_slice(parts);
        return Ok(());
    }
    let bears_none = |part: &&Session| part.key == SessionKey::NONE || part.requests == 1;
    sessions.extend(parts.iter().filter(bears_none).map(|part| Session { key: SessionKey::NONE, ..*part }));
    if !sessions.is_sorted_by_key(|session| session.start) {
        sessions.sort_unstable_by_key(|session| session.start);
    }
    close(sessions, |before, part| before.touches(part, gap))?;
    let formed = sessions.len();
    sessions.extend(parts.iter().filter(|part| !bears_none(part)));
    if formed < sessions.len() {
        sessions.sort_unstable_by_key(|session| (session.start, session.key));
    }
    Ok(())
}

/// Reads the parts of one user.
fn read_parts(from: &mut Reader<'_>, limits: Limits, parts: &mut Vec<Session>, claim: &mut Claim) -> Result<()> {
    let count = from.uint()?;
    if count == 0 {
        return corrupt("a user without requests");
    }
    parts.clear();
    for _ in 0..count {
        let before = parts.last().copied();
        let part = read_part(from, before.as_ref())?;
        match before {
            Some(before)
                if before.key == part.key
                    && (part.start < before.start || before.touches(&part, limits.of(part.key))) =>
            {
                return corrupt("parts of sessions that touch");
            }
            _ => claim.push(parts, part)?,
        }
    }
    Ok(())
}

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
    let start = before_start.checked_add(from.int()?).filter(|start| (FIRST_INSTANT..=LAST_INSTANT).contains(start));
    let Some(start) = start else { return corrupt("an instant no calendar has") };
    let after = |distance: u64| Micros::try_from(distance).ok().and_then(|distance| start.checked_add(distance));
    let Some(end) = after(from.uint()?).filter(|&end| end <= LAST_INSTANT) else {
        return corrupt("an instant no calendar has");
    };
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
    Ok(Session { start, end, last, key, requests, errors, whose: 0, outcome })
}
