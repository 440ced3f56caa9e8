//! What each user did, by name: how much, on how many days, when first and last, and how much lately.
//!
//! Values know users by their keys alone, which is all that counting needs; functions that name users need the names too.
//! A tally keeps them, and so gives in one pass over a log what a GROUP BY user would, faster. It lives for one query and
//! is never stored. Definitions D30-D35.
//!
//! The body of its bytes, after the frame of [`wire`](crate::wire): type of user ids; time zone; 0, or 1 and the begin of
//! what is shown (signed); the end of observation (signed); recent weeks; base weeks; number of users; and per user, by
//! key: the key, 16 bytes; the name's length and bytes, if ids are text; first and last request (signed, then the
//! distance); requests shown and, if there are any, the number of their days less one, the first (signed) and the
//! distances less one; recent requests; requests of the base.

use crate::calendar::{DAY_MICROS, LocalDays, Micros, Segment};
use crate::days::{Day, DayArena, DaySet};
use crate::error::{Error, Result};
use crate::host::{self, Claim};
use crate::state::State;
use crate::users::{UserKey, UserKind, Users};
use crate::wire::{Kind, Reader, Writer};

/// The version of the layout of its bytes.
pub const VERSION: u8 = 1;
/// More requests of one user than any log has: what is reckoned with them takes longer the more they are.
const MOST_REQUESTS: u64 = 1 << 40;
/// Seven times 24 hours, whatever the clocks do.
const WEEK: Micros = 7 * DAY_MICROS;

/// What is told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spans {
    /// The time zone of days.
    pub zone: String,
    /// Requests before it are known, but not among those shown.
    pub since: Option<Micros>,
    /// Where observation ends: the last instant of the recent weeks.
    pub end: Micros,
    /// How many weeks are recent.
    pub recent_weeks: u32,
    /// How many weeks before them they are compared with.
    pub base_weeks: u32,
}

impl Spans {
    /// The instants after which the recent weeks and those before them begin.
    fn begins(&self) -> (Micros, Micros) {
        let recent = self.end.saturating_sub(WEEK.saturating_mul(self.recent_weeks.into()));
        (recent, recent.saturating_sub(WEEK.saturating_mul(self.base_weeks.into())))
    }
}

impl std::fmt::Display for Spans {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Spans { zone, since, end, recent_weeks, base_weeks } = self;
        write!(f, "{zone}, since {since:?}, until {end}, {recent_weeks} weeks after {base_weeks}")
    }
}

/// What is kept for a user.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    /// Days of the requests shown; meaningless without any.
    days: DaySet,
    first: Micros,
    last: Micros,
    requests: u64,
    recent: u64,
    base: u64,
    name: (u32, u32),
}

/// A user and what they did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person<'a> {
    /// The key.
    pub key: UserKey,
    /// The id's bytes, if ids are text.
    pub name: &'a [u8],
    /// The first request there is.
    pub first: Micros,
    /// The last one.
    pub last: Micros,
    /// Requests shown.
    pub requests: u64,
    /// The local days they fall on.
    pub active_days: u32,
    /// Requests of the recent weeks.
    pub recent: u64,
    /// Requests of the weeks before.
    pub base: u64,
}

/// The state: fed with requests, or merged from other states.
#[derive(Debug)]
pub struct Tally {
    kind: UserKind,
    spans: Spans,
    recent_after: Micros,
    base_after: Micros,
    local: LocalDays,
    users: Users<Entry>,
    arena: DayArena,
    names: Vec<u8>,
    claim: Claim,
}

impl Tally {
    /// Nobody yet.
    pub fn new(kind: UserKind, spans: Spans) -> Self {
        let (recent_after, base_after) = spans.begins();
        Tally {
            kind,
            spans,
            recent_after,
            base_after,
            local: LocalDays::default(),
            users: Users::new(),
            arena: DayArena::new(),
            names: Vec::new(),
            claim: Claim::new(),
        }
    }

    /// The type of its user ids.
    pub fn kind(&self) -> UserKind {
        self.kind
    }

    /// What it tells apart.
    pub fn spans(&self) -> &Spans {
        &self.spans
    }

    /// How many users there are.
    pub fn users(&self) -> usize {
        self.users.len()
    }

    /// Takes in one request of a user; `name` is the id's bytes if ids are text, else empty.
    ///
    /// `find` tells the zone's offset around an instant not met before.
    #[inline]
    pub fn observe(
        &mut self,
        user: UserKey,
        name: &[u8],
        at: Micros,
        find: impl FnOnce(&str, Micros) -> Result<Segment>,
    ) -> Result<()> {
        let shown = self.spans.since.is_none_or(|since| at >= since);
        let day = if shown { self.local.day(at, |at| find(&self.spans.zone, at))? } else { 0 };
        let i = self.number(user, name, Entry { first: at, last: at, ..Entry::default() })?;
        let entry = self.users.value_mut(i);
        entry.first = entry.first.min(at);
        entry.last = entry.last.max(at);
        let recent = at > self.recent_after && at <= self.spans.end;
        entry.recent += u64::from(recent);
        entry.base += u64::from(at > self.base_after && at <= self.recent_after);
        if shown {
            if entry.requests == 0 {
                entry.days = DaySet::of(day);
            } else {
                self.arena.insert(&mut entry.days, day, &mut self.claim)?;
            }
            entry.requests += 1;
        }
        Ok(())
    }

    /// The number of a user, who is entered if new.
    #[inline]
    fn number(&mut self, user: UserKey, name: &[u8], first: Entry) -> Result<usize> {
        // Room for the name comes first: nobody must be left without.
        if self.names.capacity() - self.names.len() < name.len() {
            self.make_room(name.len())?;
        }
        let (i, new) = self.users.number(user, first, &mut self.claim)?;
        if new {
            self.users.value_mut(i).name = (self.names.len() as u32, name.len() as u32);
            self.names.extend_from_slice(name);
        }
        Ok(i)
    }

    #[cold]
    fn make_room(&mut self, more: usize) -> Result<()> {
        let (held, bytes) = (self.names.len(), self.names.len().saturating_add(more));
        if u32::try_from(bytes).is_err() {
            return Err(Error::TooLarge { bytes });
        }
        self.claim.reserve(&mut self.names, more.max(held))
    }

    fn name(&self, entry: &Entry) -> &[u8] {
        let (from, len) = (entry.name.0 as usize, entry.name.1 as usize);
        self.names.get(from..from + len).unwrap_or_default()
    }

    /// User number `i`, in the order they came.
    pub fn person(&self, i: usize) -> Person<'_> {
        let entry = self.users.value(i);
        Person {
            key: self.users.key(i),
            name: self.name(entry),
            first: entry.first,
            last: entry.last,
            requests: entry.requests,
            active_days: if entry.requests == 0 { 0 } else { self.arena.count(&entry.days) },
            recent: entry.recent,
            base: entry.base,
        }
    }

    fn encode_days(&self, entry: &Entry, out: &mut Writer) -> Result<()> {
        out.uint(u64::from(self.arena.count(&entry.days)) - 1)?;
        let (mut before, mut written) = (None, Ok(()));
        self.arena.each(&entry.days, |day| {
            if written.is_ok() {
                written = match before {
                    None => out.int(day.into()),
                    Some(before) => out.uint((i64::from(day) - i64::from(before) - 1) as u64),
                };
            }
            before = Some(day);
        });
        written
    }

    fn decode_days(&mut self, from: &mut Reader<'_>, requests: u64) -> Result<DaySet> {
        let more = from.uint()?;
        if more >= requests {
            return corrupt("more days than requests");
        }
        let mut day = day(from.int()?)?;
        let mut days = DaySet::of(day);
        for n in 0..more {
            if (n as usize).is_multiple_of(host::POLL_EVERY) {
                host::poll();
            }
            let gap = i64::try_from(from.uint()?).unwrap_or(i64::MAX);
            day = self::day(i64::from(day).saturating_add(gap).saturating_add(1))?;
            self.arena.insert(&mut days, day, &mut self.claim)?;
        }
        Ok(days)
    }
}

fn corrupt<T>(what: &'static str) -> Result<T> {
    Err(Error::Corrupt { what })
}

fn day(number: i64) -> Result<Day> {
    Day::try_from(number).or_else(|_| corrupt("a day no calendar has"))
}

impl State for Tally {
    fn empty(&self) -> Self {
        Tally::new(self.kind, self.spans.clone())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        if self.kind != other.kind {
            let (ours, theirs) = (self.kind.name().to_owned(), other.kind.name().to_owned());
            return Err(Error::Mixed { what: "types of user ids", ours, theirs });
        }
        if self.spans != other.spans {
            let (ours, theirs) = (self.spans.to_string(), other.spans.to_string());
            return Err(Error::Mixed { what: "spans of time", ours, theirs });
        }
        for i in 0..other.users.len() {
            if i % host::POLL_EVERY == 0 {
                host::poll();
            }
            let theirs = other.users.value(i);
            let new = Entry { first: theirs.first, last: theirs.last, ..Entry::default() };
            let n = self.number(other.users.key(i), other.name(theirs), new)?;
            let ours = self.users.value_mut(n);
            if theirs.requests > 0 {
                if ours.requests == 0 {
                    ours.days = theirs.days.alone();
                }
                self.arena.unite(&mut ours.days, &theirs.days, &other.arena, &mut self.claim)?;
            }
            ours.first = ours.first.min(theirs.first);
            ours.last = ours.last.max(theirs.last);
            ours.requests = ours.requests.saturating_add(theirs.requests);
            ours.recent = ours.recent.saturating_add(theirs.recent);
            ours.base = ours.base.saturating_add(theirs.base);
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<()> {
        Ok(())
    }

    fn encode(&self) -> Result<Vec<u8>> {
        let mut meanwhile = Claim::passing();
        let order = self.users.sorted(&mut meanwhile)?;
        let mut out = Writer::new(Kind::Tally, VERSION, 64 + 64 * order.len() + self.names.len())?;
        out.uint(self.kind as u64)?;
        out.bytes(self.spans.zone.as_bytes())?;
        out.maybe_int(self.spans.since)?;
        out.int(self.spans.end)?;
        out.uint(self.spans.recent_weeks.into())?;
        out.uint(self.spans.base_weeks.into())?;
        out.uint(order.len() as u64)?;
        for (n, &i) in order.iter().enumerate() {
            if n % host::POLL_EVERY == 0 {
                host::poll();
            }
            let entry = self.users.value(i as usize);
            out.raw(&self.users.key(i as usize).to_bytes())?;
            if self.kind == UserKind::Text {
                out.bytes(self.name(entry))?;
            }
            out.int(entry.first)?;
            out.uint((i128::from(entry.last) - i128::from(entry.first)) as u64)?;
            out.uint(entry.requests)?;
            if entry.requests > 0 {
                self.encode_days(entry, &mut out)?;
            }
            out.uint(entry.recent)?;
            out.uint(entry.base)?;
        }
        Ok(out.finish())
    }

    fn decode(bytes: &[u8]) -> Result<Self> {
        let mut body = Reader::open(bytes, Kind::Tally, VERSION)?;
        let kind = UserKind::from_number(u8::try_from(body.uint()?).unwrap_or(u8::MAX))?;
        // few: what the frame of the bytes holds at most of a zone's name
        let zone = std::str::from_utf8(body.bytes()?).or_else(|_| corrupt("a zone that is no text"))?.to_owned();
        let (since, end) = (body.maybe_int()?, body.int()?);
        let mut weeks = || u32::try_from(body.uint()?).or_else(|_| corrupt("weeks beyond all time"));
        let (recent_weeks, base_weeks) = (weeks()?, weeks()?);
        let users = body.uint()?;
        let mut tally = Tally::new(kind, Spans { zone, since, end, recent_weeks, base_weeks });
        let mut before = None;
        for n in 0..users {
            if (n as usize).is_multiple_of(host::POLL_EVERY) {
                host::poll();
            }
            let (keys, _) = body.raw(16)?.as_chunks::<16>();
            let key: UserKey = keys.iter().fold(0, |_, key| u128::from_be_bytes(*key)).into();
            let name = if kind == UserKind::Text { body.bytes()? } else { &[] };
            if before >= Some(key) || kind == UserKind::Text && UserKey::text(name) != Some(key) {
                return corrupt("users out of order");
            }
            before = Some(key);
            let first = body.int()?;
            // All of time is longer than what a signed number of microseconds holds.
            let last = Micros::try_from(i128::from(first) + i128::from(body.uint()?));
            let Ok(last) = last else { return corrupt("an instant no calendar has") };
            let requests = body.uint()?;
            let days = if requests > 0 { tally.decode_days(&mut body, requests)? } else { DaySet::default() };
            let (recent, base) = (body.uint()?, body.uint()?);
            if recent.saturating_add(base) > MOST_REQUESTS {
                return corrupt("more requests than a log has");
            }
            if tally.names.capacity() - tally.names.len() < name.len() {
                tally.make_room(name.len())?;
            }
            let named = (tally.names.len() as u32, name.len() as u32);
            let entry = Entry { days, first, last, requests, recent, base, name: named };
            tally.users.append(key, entry, &mut tally.claim)?;
            tally.names.extend_from_slice(name);
        }
        body.finish()?;
        Ok(tally)
    }
}
