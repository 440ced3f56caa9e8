//! Values with a list of items for every user: byte layout, reading in place, and merging.
//!
//! The body of such a value, after the frame of [`wire`](crate::base::wire): type of user ids; the rules, as written by the
//! items; 0, or 1 and the last instant (signed); number of users; the keys, ascending, 16 bytes each; then for each key the
//! number of its items and the items in order. Users without items are not contained.
//!
//! Since users are sorted by key and items within a user, values are merged while they are read side by side, and the bytes
//! of the result are written meanwhile: no table of users is built, no user is looked up, and nothing is sorted. See
//! [`Runs`].

use crate::base::calendar::Micros;
use crate::base::error::{Error, Result};
use crate::base::memory::{self, Claim};
use crate::base::sort_by_user::{self, Owned};
use crate::base::user_table::{ExcludedUsers, UserKey, UserKind, Users, read_keys};
use crate::base::wire::{Kind, Reader, Writer};
use std::fmt::Display;

mod runs;

pub use runs::Runs;

/// The first instant PostgreSQL can represent: 4714-11-24 BC.
const FIRST_INSTANT: Micros = -211_813_488_000_000_000;
/// The last one: 294276-12-31.
pub const LAST_INSTANT: Micros = 9_223_371_331_199_999_999;

/// The items of a value.
pub trait Listed: Owned {
    /// What values must have in common to be merged.
    type Rules: Copy + PartialEq + Display;
    /// The kind of value.
    const KIND: Kind;
    /// The version of the layout of its bytes.
    const VERSION: u8;
    /// What differs between values of different rules, for the error message.
    const RULES: &'static str;
    /// A user with an empty list, for the error message.
    const NOTHING: &'static str;

    /// Writes the common rules.
    fn write_rules(rules: Self::Rules, out: &mut Writer) -> Result<()>;
    /// Reads the common rules.
    fn read_rules(from: &mut Reader<'_>) -> Result<Self::Rules>;
    /// Writes an item that follows `before` in its user's list, or is the first.
    fn write(&self, rules: Self::Rules, before: Option<&Self>, out: &mut Writer) -> Result<()>;
    /// Reads an item, and rejects one that is not valid at that position.
    fn read(rules: Self::Rules, before: Option<&Self>, from: &mut Reader<'_>) -> Result<Self>;
    /// Merges the next item into this one, if both are one.
    fn unite(&mut self, rules: Self::Rules, next: &Self) -> Result<bool>;
}

pub(crate) fn corrupt<T>(what: &'static str) -> Result<T> {
    Err(Error::Corrupt { what })
}

/// A valid instant, or an error.
pub(crate) fn instant(at: Option<Micros>) -> Result<Micros> {
    let at = at.filter(|at| (FIRST_INSTANT..=LAST_INSTANT).contains(at));
    at.ok_or(Error::Corrupt { what: "an instant no calendar has" })
}

/// The common head of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<R> {
    /// The type of user ids.
    pub kind: UserKind,
    /// What values must have in common to be merged.
    pub rules: R,
    /// The last instant observed, with or without a user.
    pub last_at: Option<Micros>,
}

impl<R: Copy + PartialEq + Display> Head<R> {
    /// Whether values with this head and the other can be merged; if not, an error with the reason.
    pub fn fits<T: Listed<Rules = R>>(&self, other: &Self) -> Result<()> {
        if self.kind != other.kind {
            let (ours, theirs) = (self.kind.name().to_owned(), other.kind.name().to_owned());
            return Err(Error::Mixed { what: "types of user ids", ours, theirs });
        }
        if self.rules != other.rules {
            return Err(Error::Mixed { what: T::RULES, ours: self.rules.to_string(), theirs: other.rules.to_string() });
        }
        Ok(())
    }

    /// Writes everything before the keys, with capacity for the keys and the given number of bytes of lists.
    fn begin<T: Listed<Rules = R>>(&self, users: usize, lists: usize) -> Result<Writer> {
        let mut out = Writer::new(T::KIND, T::VERSION, 64 + 16 * users + lists)?;
        out.uint(self.kind as u64)?;
        T::write_rules(self.rules, &mut out)?;
        out.maybe_int(self.last_at)?;
        out.uint(users as u64)?;
        Ok(out)
    }
}

/// Sorts the items of a table of users in the order in which [`encode`] writes them: by key and by their own order. Adjacent
/// items that belong together are united. `claim` is that of the items, whose capacity may change.
pub fn settle<T: Listed, V: Copy + Default>(
    rules: T::Rules,
    users: &Users<V>,
    items: &mut Vec<T>,
    claim: &mut Claim,
) -> Result<()> {
    let mut meanwhile = Claim::temporary();
    let order = users.sorted(&mut meanwhile)?;
    let mut places = meanwhile.filled(0u32, order.len())?;
    for (place, &number) in (0..).zip(&order) {
        places[number as usize] = place;
    }
    sort_by_user::sort(items, users.len(), |number| places[number as usize], claim);
    close(rules, items)
}

/// The bytes of a value of settled items.
pub fn encode<T: Listed, V: Copy + Default>(head: &Head<T::Rules>, users: &Users<V>, items: &[T]) -> Result<Vec<u8>> {
    let lists = || items.chunk_by(|a, b| a.user_index() == b.user_index());
    let mut out = head.begin::<T>(lists().count(), 8 * items.len())?;
    for list in lists() {
        out.raw(&users.key(list[0].user_index() as usize).to_bytes())?;
    }
    for (n, list) in lists().enumerate() {
        if n % memory::POLL_EVERY == 0 {
            memory::poll();
        }
        write(head.rules, list, &mut out)?;
    }
    Ok(out.finish())
}

/// Unites adjacent items that belong together.
pub(crate) fn close<T: Listed>(rules: T::Rules, items: &mut Vec<T>) -> Result<()> {
    let mut kept = 0usize;
    for i in 0..items.len() {
        if i % memory::POLL_EVERY == memory::POLL_EVERY - 1 {
            memory::poll();
        }
        let item = items[i];
        let before = kept.checked_sub(1).and_then(|before| items.get_mut(before));
        let is_one = match before.filter(|before| before.user_index() == item.user_index()) {
            Some(before) => before.unite(rules, &item)?,
            None => false,
        };
        if !is_one {
            items[kept] = item;
            kept += 1;
        }
    }
    items.truncate(kept);
    Ok(())
}

/// Writes the list of one user.
fn write<T: Listed>(rules: T::Rules, items: &[T], out: &mut Writer) -> Result<()> {
    out.uint(items.len() as u64)?;
    let mut before = None;
    for item in items {
        item.write(rules, before, out)?;
        before = Some(item);
    }
    Ok(())
}

/// Reads the list of one user and appends it to `items`.
fn read<T: Listed>(rules: T::Rules, from: &mut Reader<'_>, items: &mut Vec<T>, claim: &mut Claim) -> Result<()> {
    let count = from.uint()?;
    if count == 0 {
        return corrupt(T::NOTHING);
    }
    let mut before: Option<T> = None;
    for n in 1..=count {
        if n.is_multiple_of(memory::POLL_EVERY as u64) {
            memory::poll();
        }
        let item = T::read(rules, before.as_ref(), from)?;
        claim.push(items, item)?;
        before = Some(item);
    }
    Ok(())
}

/// A stored value, read in place.
#[derive(Clone, Debug)]
pub struct View<'a, T: Listed> {
    head: Head<T::Rules>,
    keys: &'a [[u8; 16]],
    lists: Reader<'a>,
}

impl<'a, T: Listed> View<'a, T> {
    /// Checks the frame and reads the head; the lists are checked as they are visited.
    pub fn open(bytes: &'a [u8]) -> Result<Self> {
        let mut body = Reader::open(bytes, T::KIND, T::VERSION)?;
        let kind = UserKind::from_number(u8::try_from(body.uint()?).unwrap_or(u8::MAX))?;
        let rules = T::read_rules(&mut body)?;
        let last_at = body.maybe_int()?;
        let users = body.uint()?;
        let keys = read_keys(&mut body, users)?;
        Ok(View { head: Head { kind, rules, last_at }, keys, lists: body })
    }

    /// The common head.
    pub fn head(&self) -> &Head<T::Rules> {
        &self.head
    }

    /// The type of its user ids.
    pub fn kind(&self) -> UserKind {
        self.head.kind
    }

    /// The rules of its items.
    pub fn rules(&self) -> T::Rules {
        self.head.rules
    }

    /// The number of users with items.
    pub fn users(&self) -> usize {
        self.keys.len()
    }

    /// The last instant observed, with or without a user.
    pub fn last_at(&self) -> Option<Micros> {
        self.head.last_at
    }

    /// Visits every user and their items as stored, and rejects bytes that are not canonical.
    pub fn each(&self, mut visit: impl FnMut(UserKey, &[T]) -> Result<()>) -> Result<()> {
        let (mut walk, mut items, mut claim) = (self.walk(), Vec::new(), Claim::temporary());
        for n in 0.. {
            if n % memory::POLL_EVERY == 0 {
                memory::poll();
            }
            match walk.next(&mut items, &mut claim)? {
                Some((key, _)) => visit(u128::from_be_bytes(*key).into(), &items)?,
                None => break,
            }
        }
        Ok(())
    }

    /// An iteration over users, for reading several values side by side.
    pub(crate) fn walk(&self) -> Walk<'a, T> {
        Walk { rules: self.head.rules, keys: self.keys, from: self.lists.clone() }
    }

    /// The bytes of the same value without the given users; `None` if it contains none of them.
    pub fn without(&self, users: &[UserKey]) -> Result<Option<Vec<u8>>> {
        let leaving = ExcludedUsers::from(self.keys, users)?;
        if leaving.is_empty() {
            return Ok(None);
        }
        let mut out = self.head.begin::<T>(self.keys.len() - leaving.len(), self.lists.left())?;
        self.keys.iter().filter(|key| leaving.spares(key)).try_for_each(|key| out.raw(key))?;
        let (mut walk, mut items, mut claim) = (self.walk(), Vec::new(), Claim::temporary());
        while let Some((key, list)) = walk.next(&mut items, &mut claim)? {
            if leaving.spares(key) {
                out.raw(list)?;
            }
        }
        Ok(Some(out.finish()))
    }
}

/// An iteration through a stored value, user by user.
pub(crate) struct Walk<'a, T: Listed> {
    rules: T::Rules,
    keys: &'a [[u8; 16]],
    from: Reader<'a>,
}

impl<'a, T: Listed> Walk<'a, T> {
    /// The key of the next user; `None` after the last.
    fn key(&self) -> Option<&'a [u8; 16]> {
        self.keys.first()
    }

    /// The next user; the list is read into `items`; `None` after the last.
    pub(crate) fn next(&mut self, items: &mut Vec<T>, claim: &mut Claim) -> Result<Option<(&'a [u8; 16], &'a [u8])>> {
        items.clear();
        let Some(key) = self.key() else { return self.finish().map(|()| None) };
        Ok(Some((key, self.append(items, claim)?)))
    }

    /// Rejects bytes after the last user's list.
    fn finish(&self) -> Result<()> {
        if self.key().is_none() { self.from.clone().finish() } else { Ok(()) }
    }

    /// Appends the next user's list to `items`; returns its bytes.
    fn append(&mut self, items: &mut Vec<T>, claim: &mut Claim) -> Result<&'a [u8]> {
        self.keys = self.keys.get(1..).unwrap_or_default();
        let mut list = self.from.clone();
        read(self.rules, &mut self.from, items, claim)?;
        list.raw(list.left() - self.from.left())
    }
}
