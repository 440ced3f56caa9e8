//! When users first met an experiment, in which variant, and how many requests they made from then on. Definition D84.
//! [`Exposure`] is of one user, for queries that group by user; [`Exposures`] is of all of them.
//!
//! A request that bears a variant is an exposure. One that bears none counts from the first exposure on, which need not have
//! come yet when it comes: as long as all such requests turn out to lie before it, counting needs one pass only. A user who
//! bore several variants is mixed and belongs to none.

use crate::calendar::Micros;
use crate::error::{Error, Result};
use crate::experiment::{MOST_VARIANTS, too_many_variants};
use crate::host::{self, Claim};
use crate::state::State;
use crate::users::{UNKNOWN, UserKey, UserKind, Users, is_blank, read_keys};
use crate::wire::{Kind, Reader, Writer};

/// The version of the layout of their bytes, which are not stored.
pub const VERSION: u8 = 1;

/// The state: a user's first exposure.
#[derive(Debug, Default)]
pub struct Exposure {
    /// The first instant with a variant, and the variant; of several the least by its bytes.
    first: Option<(Micros, Vec<u8>)>,
    mixed: bool,
    claim: Claim,
}

impl Exposure {
    /// No request yet.
    pub fn new() -> Self {
        Exposure::default()
    }

    /// Takes in a request and the variant it bears; a blank one is none.
    #[inline]
    pub fn observe(&mut self, at: Micros, variant: Option<&[u8]>) -> Result<()> {
        let Some(variant) = variant.filter(|variant| !is_blank(variant)) else { return Ok(()) };
        match &mut self.first {
            Some((first, kept)) if kept[..] == *variant => {
                *first = (*first).min(at);
                Ok(())
            }
            _ => self.meet(at, variant),
        }
    }

    #[cold]
    fn meet(&mut self, at: Micros, variant: &[u8]) -> Result<()> {
        let (first, mut kept) = match self.first.take() {
            Some((first, kept)) => {
                self.mixed |= kept[..] != *variant;
                if kept[..] <= *variant {
                    self.first = Some((first.min(at), kept));
                    return Ok(());
                }
                (first.min(at), kept)
            }
            None => (at, Vec::new()),
        };
        kept.clear();
        self.claim.reserve(&mut kept, variant.len())?;
        kept.extend_from_slice(variant);
        self.first = Some((first, kept));
        Ok(())
    }

    /// When the user first met the experiment; `None` if they never did.
    pub fn first_at(&self) -> Option<Micros> {
        self.first.as_ref().map(|(first, _)| *first)
    }

    /// The variant; of several the least by its bytes.
    pub fn variant(&self) -> Option<&[u8]> {
        self.first.as_ref().map(|(_, variant)| &variant[..])
    }

    /// Whether the user bore several variants.
    pub fn is_mixed(&self) -> bool {
        self.mixed
    }
}

impl State for Exposure {
    fn empty(&self) -> Self {
        Exposure::new()
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        if let Some((first, variant)) = &other.first {
            self.observe(*first, Some(variant))?;
        }
        self.mixed |= other.mixed;
        Ok(())
    }

    fn settle(&mut self) -> Result<()> {
        Ok(())
    }

    fn encode(&self) -> Result<Vec<u8>> {
        let mut out = Writer::new(Kind::Exposure, VERSION, 48 + self.variant().map_or(0, <[u8]>::len))?;
        out.maybe_int(self.first_at())?;
        out.bytes(self.variant().unwrap_or_default())?;
        out.uint(u64::from(self.mixed))?;
        Ok(out.finish())
    }

    fn decode(bytes: &[u8]) -> Result<Self> {
        let corrupt = |what| Err(Error::Corrupt { what });
        let mut body = Reader::open(bytes, Kind::Exposure, VERSION)?;
        let (first, variant, mixed) = (body.maybe_int()?, body.bytes()?, body.uint()?);
        let mut exposure = Exposure::new();
        match first {
            Some(first) if !is_blank(variant) => exposure.meet(first, variant)?,
            None if variant.is_empty() && mixed == 0 => {}
            _ => return corrupt("an exposure to nothing"),
        }
        exposure.mixed = match mixed {
            0 => false,
            1 => true,
            _ => return corrupt("neither mixed nor not"),
        };
        body.finish()?;
        Ok(exposure)
    }
}

fn added(ours: u64, theirs: u64) -> Result<u64> {
    ours.checked_add(theirs).ok_or(Error::Corrupt { what: "more requests than can be counted" })
}

/// No variant, and several of them, where [`Met`] has the number of one.
const NONE: u16 = u16::MAX;
const SEVERAL: u16 = u16::MAX - 1;
/// Users from which on rows are put off and taken in by the batch: fewer stay in the processor's caches.
const MANY: usize = 4096;
/// Rows of a batch.
const BATCH: usize = 512;

/// What is known of a user, or of one request.
#[derive(Clone, Copy, Debug)]
struct Met {
    /// The first instant with a variant; the last of all if there is none.
    first: Micros,
    /// The last instant of a request that bears none; the first of all if there is none.
    last_without: Micros,
    /// Requests that bear a variant.
    with: u64,
    variant: u16,
}

impl Default for Met {
    fn default() -> Self {
        Met { first: Micros::MAX, last_without: Micros::MIN, with: 0, variant: NONE }
    }
}

impl Met {
    #[inline]
    fn unite(&mut self, other: Met) -> Result<()> {
        self.with = added(self.with, other.with)?;
        self.first = self.first.min(other.first);
        self.last_without = self.last_without.max(other.last_without);
        self.variant = match (self.variant, other.variant) {
            (ours, NONE) => ours,
            (NONE, theirs) => theirs,
            (ours, theirs) if ours == theirs => ours,
            _ => SEVERAL,
        };
        Ok(())
    }
}

/// A user who met the experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exposed<'a> {
    /// Who.
    pub user: UserKey,
    /// The variant; `None` for one who bore several.
    pub variant: Option<&'a [u8]>,
    /// When they first bore one.
    pub first_at: Micros,
    /// Requests from then on; `None` where a later one bears no variant, so that they must be counted.
    pub requests: Option<u64>,
}

/// The state: all users of a log. Instants are finite.
#[derive(Debug)]
pub struct Exposures {
    kind: UserKind,
    /// The variants, in the order they came.
    variants: Vec<Vec<u8>>,
    users: Users<Met>,
    /// Rows put off, at most [`BATCH`].
    pending: Vec<(UserKey, Met)>,
    claim: Claim,
}

impl Exposures {
    /// Nobody yet.
    pub fn new(kind: UserKind) -> Self {
        Exposures { kind, variants: Vec::new(), users: Users::new(), pending: Vec::new(), claim: Claim::new() }
    }

    /// The type of its user ids.
    pub fn kind(&self) -> UserKind {
        self.kind
    }

    /// Takes in a request and the variant it bears; a blank one is none. A request by nobody is nothing.
    #[inline]
    pub fn observe(&mut self, user: Option<UserKey>, at: Micros, variant: Option<&[u8]>) -> Result<()> {
        let Some(user) = user else { return Ok(()) };
        let met = match variant.filter(|variant| !is_blank(variant)) {
            None => Met { last_without: at, ..Met::default() },
            Some(variant) => Met { first: at, with: 1, variant: self.number(variant)?, ..Met::default() },
        };
        if self.users.len() < MANY {
            return self.add(user, met);
        }
        if self.pending.len() == self.pending.capacity() {
            self.settle()?;
            self.claim.reserve(&mut self.pending, BATCH)?;
        }
        self.pending.push((user, met));
        Ok(())
    }

    /// The number of a variant.
    #[inline]
    fn number(&mut self, variant: &[u8]) -> Result<u16> {
        match self.variants.iter().position(|known| known[..] == *variant) {
            Some(number) => Ok(number as u16),
            None => self.begin(variant),
        }
    }

    #[cold]
    fn begin(&mut self, variant: &[u8]) -> Result<u16> {
        if self.variants.len() >= MOST_VARIANTS {
            return Err(too_many_variants(variant));
        }
        let mut name = Vec::new();
        self.claim.reserve(&mut name, variant.len())?;
        name.extend_from_slice(variant);
        self.claim.push(&mut self.variants, name)?;
        Ok((self.variants.len() - 1) as u16)
    }

    #[inline]
    fn add(&mut self, user: UserKey, met: Met) -> Result<()> {
        let (number, new) = self.users.number(user, met, &mut self.claim)?;
        if new { Ok(()) } else { self.users.value_mut(number).unite(met) }
    }

    fn take_in(&mut self, batch: &[(UserKey, Met)]) -> Result<()> {
        let mut numbers = [UNKNOWN; BATCH];
        let numbers = &mut numbers[..batch.len()];
        self.users.find_all(batch.iter().map(|&(user, _)| user), numbers);
        for (&(user, met), &number) in batch.iter().zip(&*numbers) {
            match number {
                UNKNOWN => self.add(user, met)?,
                known => self.users.value_mut(known as usize).unite(met)?,
            }
        }
        Ok(())
    }

    /// Everybody who met the experiment. Nothing is put off in what has been decoded or settled.
    pub fn exposed(&self) -> impl Iterator<Item = Exposed<'_>> {
        let users = (0..self.users.len()).map(|i| (self.users.key(i), *self.users.value(i)));
        users.filter(|(_, met)| met.variant != NONE).map(|(user, met)| Exposed {
            user,
            variant: self.variants.get(usize::from(met.variant)).map(|variant| &variant[..]),
            first_at: met.first,
            requests: (met.last_without < met.first).then_some(met.with),
        })
    }
}

impl State for Exposures {
    fn empty(&self) -> Self {
        Exposures::new(self.kind)
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        if self.kind != other.kind {
            let (ours, theirs) = (self.kind.name().to_owned(), other.kind.name().to_owned());
            return Err(Error::Mixed { what: "types of user ids", ours, theirs });
        }
        let (mut ours, mut meanwhile) = (Vec::new(), Claim::passing());
        meanwhile.reserve(&mut ours, other.variants.len())?;
        for variant in &other.variants {
            ours.push(self.number(variant)?);
        }
        let translated =
            |met: Met| Met { variant: ours.get(usize::from(met.variant)).copied().unwrap_or(met.variant), ..met };
        self.settle()?;
        for i in 0..other.users.len() {
            if i.is_multiple_of(host::POLL_EVERY) {
                host::poll();
            }
            self.add(other.users.key(i), translated(*other.users.value(i)))?;
        }
        other.pending.iter().try_for_each(|&(user, met)| self.add(user, translated(met)))
    }

    fn settle(&mut self) -> Result<()> {
        let mut pending = std::mem::take(&mut self.pending);
        let taken_in = self.take_in(&pending);
        pending.clear();
        self.pending = pending;
        taken_in
    }

    fn encode(&self) -> Result<Vec<u8>> {
        if !self.pending.is_empty() {
            let mut whole = self.empty();
            whole.merge(self)?;
            return whole.encode();
        }
        let mut meanwhile = Claim::passing();
        let (mut order, mut places) = (Vec::new(), meanwhile.filled(0u64, self.variants.len())?);
        meanwhile.reserve(&mut order, self.variants.len())?;
        order.extend(0..self.variants.len());
        order.sort_unstable_by_key(|&number| &self.variants[number]);
        let mut out = Writer::new(Kind::Exposures, VERSION, 16 + 32 * self.users.len())?;
        out.uint(self.kind as u64)?;
        out.uint(self.variants.len() as u64)?;
        for (place, number) in order.into_iter().enumerate() {
            places[number] = place as u64;
            out.bytes(&self.variants[number])?;
        }
        let users = self.users.sorted(&mut meanwhile)?;
        out.uint(users.len() as u64)?;
        for (n, &i) in users.iter().enumerate() {
            if n % host::POLL_EVERY == 0 {
                host::poll();
            }
            out.raw(&self.users.key(i as usize).to_bytes())?;
        }
        for (n, &i) in users.iter().enumerate() {
            if n % host::POLL_EVERY == 0 {
                host::poll();
            }
            let met = self.users.value(i as usize);
            match met.variant {
                NONE => out.uint(0)?,
                SEVERAL => out.uint(1)?,
                number => out.uint(2 + places[usize::from(number)])?,
            }
            if met.variant != NONE {
                out.int(met.first)?;
                out.uint(met.with)?;
            }
            out.maybe_int((met.last_without != Micros::MIN).then_some(met.last_without))?;
        }
        Ok(out.finish())
    }

    fn decode(bytes: &[u8]) -> Result<Self> {
        let corrupt = |what| Err(Error::Corrupt { what });
        let mut body = Reader::open(bytes, Kind::Exposures, VERSION)?;
        let kind = UserKind::from_number(u8::try_from(body.uint()?).unwrap_or(u8::MAX))?;
        let mut exposures = Exposures::new(kind);
        let variants = body.uint()?;
        if variants > MOST_VARIANTS as u64 {
            return corrupt("more variants than an experiment can have");
        }
        for _ in 0..variants {
            let variant = body.bytes()?;
            if is_blank(variant) || exposures.variants.last().is_some_and(|last| last[..] >= *variant) {
                return corrupt("variants are not in order");
            }
            exposures.begin(variant)?;
        }
        let users = body.uint()?;
        for (n, key) in read_keys(&mut body, users)?.iter().enumerate() {
            if n % host::POLL_EVERY == 0 {
                host::poll();
            }
            let variant = match body.uint()? {
                0 => NONE,
                1 => SEVERAL,
                number if number - 2 < variants => (number - 2) as u16,
                _ => return corrupt("a variant of no name"),
            };
            let mut met = Met { variant, ..Met::default() };
            if variant != NONE {
                (met.first, met.with) = (body.int()?, body.uint()?);
            }
            let without = body.maybe_int()?;
            met.last_without = without.unwrap_or(Micros::MIN);
            if (variant == NONE && without.is_none())
                || (variant != NONE && met.with == 0)
                || without == Some(Micros::MIN)
            {
                return corrupt("a user without requests");
            }
            let key = UserKey::from(u128::from_be_bytes(*key));
            exposures.users.append(key, met, &mut exposures.claim)?;
        }
        body.finish()?;
        Ok(exposures)
    }
}
