//! What users did in a span of days of their own: how much, with which features and models, how it went. The value behind
//! [`drivers`](crate::drivers), which compares them.
//!
//! The users and their days are given first, as the bytes of [`Subjects`]; of all other requests a state takes no notice.
//! All that is kept are counts, sets, and earliest instants, which merge exactly and in any order. A session of two
//! requests or more is told from what has been seen once: as soon as one is met again, its user has had such a session, and
//! their others do not matter any more.
//!
//! The body of its bytes, after the frame of [`wire`](crate::wire): length and bytes of the subjects, none where nobody was
//! told yet; the number of features and, ascending, length and bytes of each; then per subject the number of requests, and
//! where there are some: how many in the second half of the days; twice 0, or 1 and an instant (signed), of the first
//! request that succeeded and the first that failed; marks; flags ([`RATED`], [`SEVERAL_MODELS`], [`LONG_SESSION`],
//! [`ONE_MODEL`], the key of which follows in 8 bytes); for each of the first days, [`DAILY`] at most, a byte: the requests
//! made on it, or 255 for more; the number of features and the place of each, ascending, less the
//! one before; and the number of sessions seen once with their keys (8 bytes), ascending.

use crate::calendar::{LocalDays, Micros, Segment};
use crate::days::Day;
use crate::drivers::Subject;
use crate::error::{Error, Result};
use crate::host::{self, Claim};
use crate::sessions::SessionKey;
use crate::state::State;
use crate::users::{UserKey, UserKind, Users, read_keys};
use crate::wire::{Kind, Reader, Writer};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// The version of the layout of its bytes.
pub const VERSION: u8 = 1;

/// The first days whose requests are counted one by one.
pub const DAILY: usize = 15;

/// An answer was rated.
pub const RATED: u8 = 1;
/// More than one model was used.
pub const SEVERAL_MODELS: u8 = 2;
/// A session had more than one request.
pub const LONG_SESSION: u8 = 4;
/// Exactly one model was used.
pub const ONE_MODEL: u8 = 8;

fn corrupt<T>(what: &'static str) -> Result<T> {
    Err(Error::Corrupt { what })
}

/// Users with the days that count for them, and what became of them.
#[derive(Debug)]
pub struct Subjects {
    /// The type of the user ids.
    pub kind: UserKind,
    /// The time zone of the days.
    pub zone: String,
    /// The users, ascending.
    pub list: Vec<Subject>,
}

impl Subjects {
    /// Their bytes: type of user ids; time zone; number of subjects; their keys, 16 bytes each; then for each the first day
    /// (signed), the number of days, on how many of them active, and 1 for the outcome or 0.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let mut out = Writer::new(Kind::Subjects, VERSION, 64 + 24 * self.list.len())?;
        out.uint(self.kind as u64)?;
        out.bytes(self.zone.as_bytes())?;
        out.uint(self.list.len() as u64)?;
        for (i, subject) in self.list.iter().enumerate() {
            if i % host::POLL_EVERY == 0 {
                host::poll();
            }
            out.raw(&subject.user.to_bytes())?;
        }
        for subject in &self.list {
            out.int(i64::from(subject.from))?;
            out.uint((i64::from(subject.until) - i64::from(subject.from)).max(0) as u64)?;
            out.uint(u64::from(subject.active_days))?;
            out.uint(u64::from(subject.outcome))?;
        }
        Ok(out.finish())
    }

    /// Reads what [`encode`](Subjects::encode) wrote.
    pub fn decode(bytes: &[u8], claim: &mut Claim) -> Result<Self> {
        let mut body = Reader::open(bytes, Kind::Subjects, VERSION)?;
        let kind = UserKind::from_number(u8::try_from(body.uint()?).unwrap_or(u8::MAX))?;
        let Ok(zone) = str::from_utf8(body.bytes()?) else { return corrupt("a time zone that is no text") };
        let subjects = body.uint()?;
        let keys = read_keys(&mut body, subjects)?;
        let mut list = Vec::new();
        claim.reserve(&mut list, keys.len())?;
        for (i, key) in keys.iter().enumerate() {
            if i % host::POLL_EVERY == 0 {
                host::poll();
            }
            let from = Day::try_from(body.int()?).or_else(|_| corrupt("a day no calendar has"))?;
            let days = Day::try_from(body.uint()?).or_else(|_| corrupt("a day no calendar has"))?;
            let Some(until) = from.checked_add(days) else { return corrupt("a day no calendar has") };
            let active_days = u32::try_from(body.uint()?).or_else(|_| corrupt("too many days"))?;
            let outcome = match body.uint()? {
                0 => false,
                1 => true,
                _ => return corrupt("neither yes nor no"),
            };
            list.push(Subject { user: u128::from_be_bytes(*key).into(), from, until, active_days, outcome });
        }
        body.finish()?;
        Ok(Subjects { kind, zone: zone.to_owned(), list })
    }
}

/// A request as far as it matters here.
#[derive(Clone, Copy, Debug, Default)]
pub struct Deed<'a> {
    /// The feature it used.
    pub feature: Option<&'a [u8]>,
    /// The model it asked.
    pub model: Option<&'a [u8]>,
    /// The session it belongs to.
    pub session: SessionKey,
    /// Whether it was answered.
    pub succeeded: Option<bool>,
    /// Whether the answer was rated.
    pub rated: bool,
    /// Which of the caller's own behaviours it is, by bits.
    pub marks: u32,
}

/// What one subject did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// Requests.
    pub requests: u32,
    /// Those of them in the second half of the days.
    pub late: u32,
    /// The first that succeeded.
    pub succeeded_at: Option<Micros>,
    /// The first that failed.
    pub failed_at: Option<Micros>,
    /// The caller's own behaviours, by bits.
    pub marks: u32,
    /// [`RATED`], [`SEVERAL_MODELS`], [`LONG_SESSION`], [`ONE_MODEL`].
    pub flags: u8,
    /// The key of the one model.
    model: u64,
}

const NOTHING: Done = Done { requests: 0, late: 0, succeeded_at: None, failed_at: None, marks: 0, flags: 0, model: 0 };

fn earlier(one: Option<Micros>, other: Option<Micros>) -> Option<Micros> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        _ => one.or(other),
    }
}

impl Done {
    /// Whether this has it.
    pub fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    fn absorb(&mut self, other: &Done) -> Result<()> {
        const TOO_MANY: Error = Error::Corrupt { what: "more than four billion requests of one user" };
        self.requests = self.requests.checked_add(other.requests).ok_or(TOO_MANY)?;
        self.late = self.late.checked_add(other.late).ok_or(TOO_MANY)?;
        self.succeeded_at = earlier(self.succeeded_at, other.succeeded_at);
        self.failed_at = earlier(self.failed_at, other.failed_at);
        self.marks |= other.marks;
        let differ = self.has(ONE_MODEL) && other.has(ONE_MODEL) && self.model != other.model;
        let model = if self.has(ONE_MODEL) { self.model } else { other.model };
        self.flags |= other.flags;
        if differ || self.has(SEVERAL_MODELS) {
            (self.flags, self.model) = (self.flags & !ONE_MODEL | SEVERAL_MODELS, 0);
        } else {
            self.model = model;
        }
        Ok(())
    }
}

/// A subject and something of theirs, as one key.
fn pair(subject: usize, thing: u64) -> UserKey {
    ((subject as u128) << 64 | u128::from(thing)).into()
}

fn parts(pair: UserKey) -> (usize, u64) {
    let pair = u128::from(pair);
    ((pair >> 64) as usize, pair as u64)
}

/// The state: fed with requests, or merged from other states.
#[derive(Debug, Default)]
pub struct Deeds {
    /// The bytes of the subjects; empty until they were told.
    told: Vec<u8>,
    subjects: Vec<Subject>,
    zone: String,
    local: LocalDays,
    /// The subjects' numbers.
    users: Users<()>,
    done: Vec<Done>,
    /// For each subject the requests of the first days, up to 255 each.
    daily: Vec<[u8; DAILY]>,
    /// Features by the hash of their names, in the order they came.
    features: Users<()>,
    names: Vec<Vec<u8>>,
    /// Subjects and the numbers of their features.
    used: Users<()>,
    /// Subjects and the keys of the sessions they have been seen in once.
    once: Users<()>,
    claim: Claim,
}

impl Deeds {
    /// Nothing yet, of nobody yet.
    pub fn new() -> Self {
        Deeds::default()
    }

    /// The subjects, by number.
    pub fn subjects(&self) -> &[Subject] {
        &self.subjects
    }

    /// What each subject did, by number.
    pub fn done(&self) -> &[Done] {
        &self.done
    }

    /// The requests of the first days of each subject, by number; 255 stands for more, too.
    pub fn daily(&self) -> &[[u8; DAILY]] {
        &self.daily
    }

    /// The names of the features.
    pub fn features(&self) -> &[Vec<u8>] {
        &self.names
    }

    /// The pairs of a subject's and a feature's number, in no order: who used what.
    pub fn used(&self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.used.len()).map(|i| parts(self.used.key(i))).map(|(subject, feature)| (subject, feature as usize))
    }

    /// Says whose requests matter, and when.
    #[cold]
    pub fn tell(&mut self, subjects: &[u8]) -> Result<()> {
        let mut claim = Claim::new();
        let read = Subjects::decode(subjects, &mut claim)?;
        let (mut users, mut told) = (Users::new(), Vec::new());
        for subject in &read.list {
            users.append(subject.user, (), &mut claim)?;
        }
        let done = claim.filled(NOTHING, read.list.len())?;
        let daily = claim.filled([0; DAILY], read.list.len())?;
        claim.reserve(&mut told, subjects.len())?;
        told.extend_from_slice(subjects);
        self.claim.take_over(claim);
        (self.told, self.subjects, self.zone, self.users, self.done) = (told, read.list, read.zone, users, done);
        self.daily = daily;
        Ok(())
    }

    /// Whether it has been said whose requests matter.
    #[inline]
    pub fn knows_subjects(&self) -> bool {
        !self.told.is_empty()
    }

    /// Takes in one request at a finite instant. `find` tells the zone's offset around an instant not met before.
    #[inline]
    pub fn observe(
        &mut self,
        user: Option<UserKey>,
        at: Micros,
        deed: &Deed<'_>,
        find: impl FnOnce(&str, Micros) -> Result<Segment>,
    ) -> Result<()> {
        let Some(user) = user else { return Ok(()) };
        let Some(number) = self.users.find(user, &mut self.claim)? else { return Ok(()) };
        let day = self.local.day(at, |at| find(&self.zone, at))?;
        match self.subjects.get(number) {
            Some(subject) if subject.from <= day && day < subject.until => {
                let late = day >= subject.until - (subject.until - subject.from) / 2;
                let nth = (day - subject.from) as usize;
                self.take(number, at, late, deed)?;
                if let Some(count) = self.daily[number].get_mut(nth) {
                    *count = count.saturating_add(1);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn take(&mut self, number: usize, at: Micros, late: bool, deed: &Deed<'_>) -> Result<()> {
        if let Some(name) = deed.feature {
            let feature = self.feature(name)?;
            self.used.number(pair(number, feature as u64), (), &mut self.claim)?;
        }
        let model = deed.model.map_or(0, xxh3_64);
        let mut flags = if deed.rated { RATED } else { 0 };
        flags |= if deed.model.is_some() { ONE_MODEL } else { 0 };
        if let Some(session) = deed.session.bits()
            && self.met_again(number, session as u64)?
        {
            flags |= LONG_SESSION;
        }
        let one = Done {
            requests: 1,
            late: u32::from(late),
            succeeded_at: (deed.succeeded == Some(true)).then_some(at),
            failed_at: (deed.succeeded == Some(false)).then_some(at),
            marks: deed.marks,
            flags,
            model,
        };
        self.done[number].absorb(&one)
    }

    /// Notes a session; whether it had been seen before.
    fn met_again(&mut self, number: usize, session: u64) -> Result<bool> {
        if self.done[number].has(LONG_SESSION) {
            return Ok(true);
        }
        Ok(!self.once.number(pair(number, session), (), &mut self.claim)?.1)
    }

    /// The number of a feature.
    #[inline]
    fn feature(&mut self, name: &[u8]) -> Result<usize> {
        let key = xxh3_128(name).into();
        match self.features.find(key, &mut self.claim)? {
            Some(number) => Ok(number),
            None => self.new_feature(key, name),
        }
    }

    /// Room first, so that a refusal leaves no feature without a name.
    #[cold]
    fn new_feature(&mut self, key: UserKey, name: &[u8]) -> Result<usize> {
        let (mut kept, more) = (Vec::new(), self.names.len().max(4));
        if self.names.len() == self.names.capacity() {
            self.claim.reserve(&mut self.names, more)?;
        }
        self.claim.reserve(&mut kept, name.len())?;
        kept.extend_from_slice(name);
        let (number, _) = self.features.number(key, (), &mut self.claim)?;
        self.names.push(kept);
        Ok(number)
    }

    /// What of a table of pairs belongs to each subject, in order: (subject, thing).
    fn in_order(
        table: &Users<()>,
        claim: &mut Claim,
        wanted: impl Fn(usize, u64) -> Option<u64>,
    ) -> Result<Vec<(usize, u64)>> {
        let mut pairs = Vec::new();
        claim.reserve(&mut pairs, table.len())?;
        for i in 0..table.len() {
            if i % host::POLL_EVERY == 0 {
                host::poll();
            }
            let (subject, thing) = parts(table.key(i));
            pairs.extend(wanted(subject, thing).map(|thing| (subject, thing)));
        }
        pairs.sort_unstable();
        Ok(pairs)
    }
}

/// How many of a subject's days are counted one by one.
fn counted_days(subject: &Subject) -> usize {
    usize::try_from(subject.until - subject.from).unwrap_or(0).min(DAILY)
}

/// The pairs at the head of a slice that are a subject's; the slice goes on behind them.
fn of<'a>(subject: usize, pairs: &mut &'a [(usize, u64)]) -> &'a [(usize, u64)] {
    let (own, rest) = pairs.split_at(pairs.iter().take_while(|pair| pair.0 == subject).count());
    *pairs = rest;
    own
}

impl State for Deeds {
    fn empty(&self) -> Self {
        Deeds::new()
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        if !other.knows_subjects() {
            return Ok(());
        }
        if !self.knows_subjects() {
            self.tell(&other.told)?;
        }
        if self.told != other.told {
            let [ours, theirs] = [&self.subjects, &other.subjects].map(|list| format!("{} users", list.len()));
            return Err(Error::Mixed { what: "subjects", ours, theirs });
        }
        let mut meanwhile = Claim::passing();
        let mut numbers = Vec::new();
        meanwhile.reserve(&mut numbers, other.names.len())?;
        for name in &other.names {
            numbers.push(self.feature(name)? as u64);
        }
        for (i, (subject, feature)) in other.used().enumerate() {
            if i % host::POLL_EVERY == 0 {
                host::poll();
            }
            self.used.number(pair(subject, numbers[feature]), (), &mut self.claim)?;
        }
        for i in 0..other.once.len() {
            if i % host::POLL_EVERY == 0 {
                host::poll();
            }
            let (subject, session) = parts(other.once.key(i));
            if self.met_again(subject, session)? {
                self.done[subject].flags |= LONG_SESSION;
            }
        }
        self.done.iter_mut().zip(&other.done).try_for_each(|(ours, theirs)| ours.absorb(theirs))?;
        for (ours, theirs) in self.daily.iter_mut().zip(&other.daily) {
            ours.iter_mut().zip(theirs).for_each(|(ours, theirs)| *ours = ours.saturating_add(*theirs));
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<()> {
        Ok(())
    }

    fn encode(&self) -> Result<Vec<u8>> {
        let mut claim = Claim::passing();
        // Places of the features in the order of their names.
        let (mut order, mut places) = (Vec::new(), claim.filled(0u64, self.names.len())?);
        claim.reserve(&mut order, self.names.len())?;
        order.extend(0..self.names.len());
        order.sort_unstable_by_key(|&i| &self.names[i]);
        order.iter().zip(0..).for_each(|(&i, place)| places[i] = place);
        let used = Self::in_order(&self.used, &mut claim, |_, feature| Some(places[feature as usize]))?;
        let once = Self::in_order(&self.once, &mut claim, |subject, session| {
            (!self.done[subject].has(LONG_SESSION)).then_some(session)
        })?;
        let (mut used, mut once) = (&used[..], &once[..]);

        let mut out = Writer::new(Kind::Deeds, VERSION, 64 + self.told.len() + 16 * self.done.len())?;
        out.bytes(&self.told)?;
        out.uint(self.names.len() as u64)?;
        order.iter().try_for_each(|&i| out.bytes(&self.names[i]))?;
        for (i, done) in self.done.iter().enumerate() {
            if i % host::POLL_EVERY == 0 {
                host::poll();
            }
            out.uint(u64::from(done.requests))?;
            if done.requests == 0 {
                continue;
            }
            out.uint(u64::from(done.late))?;
            out.maybe_int(done.succeeded_at)?;
            out.maybe_int(done.failed_at)?;
            out.uint(u64::from(done.marks))?;
            out.uint(u64::from(done.flags))?;
            if done.has(ONE_MODEL) {
                out.raw(&done.model.to_le_bytes())?;
            }
            out.raw(&self.daily[i][..counted_days(&self.subjects[i])])?;
            let own = of(i, &mut used);
            out.uint(own.len() as u64)?;
            let mut before = 0;
            for &(_, place) in own {
                out.uint(place - before)?;
                before = place;
            }
            let own = of(i, &mut once);
            out.uint(own.len() as u64)?;
            own.iter().try_for_each(|(_, session)| out.raw(&session.to_be_bytes()))?;
        }
        Ok(out.finish())
    }

    fn decode(bytes: &[u8]) -> Result<Self> {
        let mut body = Reader::open(bytes, Kind::Deeds, VERSION)?;
        let (told, names) = (body.bytes()?, body.uint_before_end()?);
        let mut deeds = Deeds::new();
        if !told.is_empty() {
            deeds.tell(told)?;
        }
        let mut before: Option<&[u8]> = None;
        for _ in 0..names {
            let name = body.bytes()?;
            if before.is_some_and(|before| before >= name) {
                return corrupt("features out of order");
            }
            before = Some(name);
            deeds.feature(name)?;
        }
        for number in 0..deeds.done.len() {
            if number % host::POLL_EVERY == 0 {
                host::poll();
            }
            deeds.done[number] = deeds.read_done(number, &mut body)?;
        }
        body.finish()?;
        Ok(deeds)
    }
}

impl Deeds {
    fn read_done(&mut self, number: usize, body: &mut Reader<'_>) -> Result<Done> {
        let small = |count: u64| u32::try_from(count).or_else(|_| corrupt("too many requests"));
        let requests = small(body.uint()?)?;
        if requests == 0 {
            return Ok(NOTHING);
        }
        let late = small(body.uint()?)?;
        let (succeeded_at, failed_at) = (body.maybe_int()?, body.maybe_int()?);
        let (marks, flags) = (small(body.uint()?)?, u8::try_from(body.uint()?).unwrap_or(u8::MAX));
        let models = flags & (ONE_MODEL | SEVERAL_MODELS);
        if late > requests || flags >= 2 * ONE_MODEL || models == ONE_MODEL | SEVERAL_MODELS {
            return corrupt("what cannot have been done");
        }
        let mut model = 0;
        if flags & ONE_MODEL != 0 {
            let key = body.raw(8)?;
            model = key.iter().rev().fold(0, |model, &byte| model << 8 | u64::from(byte));
        }
        let days = counted_days(&self.subjects[number]);
        self.daily[number][..days].copy_from_slice(body.raw(days)?);
        let (features, mut place) = (body.uint_before_end()?, 0u64);
        for i in 0..features {
            let further = body.uint()?;
            place = place.saturating_add(further);
            if place >= self.names.len() as u64 || (i > 0 && further == 0) {
                return corrupt("features out of order");
            }
            self.used.append(pair(number, place), (), &mut self.claim)?;
        }
        let sessions = body.uint_before_end()?;
        if sessions > 0 && flags & LONG_SESSION != 0 {
            return corrupt("sessions that do not matter");
        }
        let mut before = None;
        for _ in 0..sessions {
            let session = body.raw(8)?.iter().fold(0, |session, &byte| session << 8 | u64::from(byte));
            if before.is_some_and(|before| before >= session) {
                return corrupt("sessions out of order");
            }
            before = Some(session);
            self.once.append(pair(number, session), (), &mut self.claim)?;
        }
        Ok(Done { requests, late, succeeded_at, failed_at, marks, flags, model })
    }
}
