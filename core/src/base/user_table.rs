//! Users as 128-bit keys, and a table with a value for each.

use crate::base::chunked::Chunks;
use crate::base::error::{Error, Result};
use crate::base::memory::{self, Claim};
use crate::base::wire::Reader;
use xxhash_rust::xxh3::xxh3_128;

/// Which type the user ids have; keys of different types are never merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum UserKind {
    /// Text of any encoding, compared byte by byte.
    Text = 0,
    /// A uuid.
    Uuid = 1,
    /// An integer.
    Bigint = 2,
}

impl UserKind {
    /// The kind of a stored number.
    pub fn from_number(number: u8) -> Result<Self> {
        match number {
            0 => Ok(UserKind::Text),
            1 => Ok(UserKind::Uuid),
            2 => Ok(UserKind::Bigint),
            _ => Err(Error::Corrupt { what: "unknown type of user ids" }),
        }
    }

    /// The key of an id given as text; `None` if it is not an id of this type.
    pub fn key(self, id: &[u8]) -> Option<UserKey> {
        let text = std::str::from_utf8(id);
        match self {
            UserKind::Text => UserKey::text(id),
            UserKind::Uuid => u128::from_str_radix(&uuid_digits(text.ok()?)?, 16).ok().map(UserKey::from),
            UserKind::Bigint => text.ok()?.trim().parse().ok().map(UserKey::bigint),
        }
    }

    /// The type with a given SQL name.
    pub fn named(name: &[u8]) -> Option<Self> {
        [UserKind::Text, UserKind::Uuid, UserKind::Bigint].into_iter().find(|kind| kind.name().as_bytes() == name)
    }

    /// The SQL name of the type.
    pub fn name(self) -> &'static str {
        match self {
            UserKind::Text => "text",
            UserKind::Uuid => "uuid",
            UserKind::Bigint => "bigint",
        }
    }
}

/// The 32 digits of a uuid in any form that PostgreSQL reads; `None` if it is no uuid.
pub fn uuid_digits(id: &str) -> Option<String> {
    // few: the digits of a uuid, or of what is refused as one
    let digits: String = id.trim().chars().filter(|c| !matches!(c, '-' | '{' | '}')).collect();
    (digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())).then_some(digits)
}

/// ASCII white space as in C's `isspace`, vertical tab included.
#[inline]
fn is_space(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// Whether an id is blank: empty, or white space only.
#[inline]
pub fn is_blank(id: &[u8]) -> bool {
    id.first().is_none_or(|first| is_space(first) && id.iter().all(is_space))
}

/// A user: 128 bits. uuid and bigint are stored directly; text is hashed by XXH3-128 with seed 0, a function on which stored
/// values depend and which must not change between releases. The probability that two of a billion texts collide is below
/// 10⁻²⁰.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct UserKey {
    high: u64,
    low: u64,
}

impl UserKey {
    /// The key whose bits are all zero, which a uuid or an integer may have too.
    pub const ZERO: UserKey = UserKey { high: 0, low: 0 };

    /// The key of a text id, or `None` for one that is empty or blank (ASCII white space only) and so no user.
    #[inline]
    pub fn text(id: &[u8]) -> Option<Self> {
        (!is_blank(id)).then(|| xxh3_128(id).into())
    }

    /// The key of a uuid.
    #[inline]
    pub fn uuid(id: [u8; 16]) -> Self {
        u128::from_be_bytes(id).into()
    }

    /// The key of an integer id.
    #[inline]
    pub fn bigint(id: i64) -> Self {
        UserKey { high: 0, low: id as u64 }
    }

    /// The integer of a bigint key.
    pub fn to_bigint(self) -> i64 {
        self.low as i64
    }

    /// The id in PostgreSQL's text form; `None` for text, of which a key is only a hash.
    pub fn written(self, kind: UserKind) -> Option<String> {
        let bits = u128::from(self);
        let part = |from: u32, digits: u32| (bits >> from) & ((1 << (4 * digits)) - 1);
        match kind {
            UserKind::Text => None,
            UserKind::Uuid => Some(format!(
                "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
                part(96, 8),
                part(80, 4),
                part(64, 4),
                part(48, 4),
                part(0, 12)
            )),
            UserKind::Bigint => Some(self.to_bigint().to_string()),
        }
    }

    /// The 16 bytes in stored values, most significant first.
    pub fn to_bytes(self) -> [u8; 16] {
        u128::from(self).to_be_bytes()
    }

    /// A number whose lower bits differ between most users who are active at the same time, whatever generates their ids:
    /// text is hashed, integers and random uuids differ in `low`, uuids made of a time and a machine in the upper half of
    /// `high`.
    #[inline]
    pub fn spread(self) -> u64 {
        self.low ^ self.high >> 32
    }

    /// A hash of all 128 bits for lookups: a folded multiplication, because uuids and integers are not uniform.
    #[inline]
    pub fn hash(self) -> u64 {
        let product = u128::from(self.low ^ 0x9e37_79b9_7f4a_7c15)
            * u128::from(self.high.rotate_left(32) ^ 0xd1b5_4a32_d192_ed03);
        let folded = (product >> 64) as u64 ^ product as u64;
        (folded ^ self.low.rotate_left(17)).wrapping_mul(0xff51_afd7_ed55_8ccd)
    }
}

impl From<u128> for UserKey {
    #[inline]
    fn from(key: u128) -> Self {
        UserKey { high: (key >> 64) as u64, low: key as u64 }
    }
}

impl From<UserKey> for u128 {
    #[inline]
    fn from(key: UserKey) -> Self {
        u128::from(key.high) << 64 | u128::from(key.low)
    }
}

/// Reads the keys of the given number of users from a stored value: ascending.
pub fn read_keys<'a>(from: &mut Reader<'a>, users: u64) -> Result<&'a [[u8; 16]]> {
    let users = usize::try_from(users).unwrap_or(usize::MAX);
    let (keys, _) = from.raw(users.saturating_mul(16))?.as_chunks::<16>();
    if keys.is_sorted_by(|a, b| a < b) { Ok(keys) } else { Err(Error::Corrupt { what: "users out of order" }) }
}

/// The users to remove from a stored value.
#[derive(Debug)]
pub struct ExcludedUsers(Vec<[u8; 16]>);

impl ExcludedUsers {
    /// Those of `users` who are among the ascending `keys`.
    pub fn from(keys: &[[u8; 16]], users: &[UserKey]) -> Result<Self> {
        let mut leaving = Claim::temporary().collected(users.iter().map(|user| user.to_bytes()))?;
        leaving.retain(|key| keys.binary_search(key).is_ok());
        leaving.sort_unstable();
        leaving.dedup();
        Ok(ExcludedUsers(leaving))
    }

    /// The number of users.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a user is kept.
    pub fn spares(&self, key: &[u8; 16]) -> bool {
        self.0.binary_search(key).is_err()
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry<V> {
    key: UserKey,
    value: V,
}

/// An empty slot of the index.
const EMPTY: u32 = u32::MAX;
/// The result of [`Users::find_all`] for a user that is unknown, or not found at the first probe.
pub const UNKNOWN: u32 = u32::MAX;

/// One small value per user. Users are numbered in order of arrival; the index over them is built when it is first needed,
/// so a table that is only scanned or merged from never pays for one.
///
/// The index uses open addressing with four-byte slots, filled to at most seven eighths. A slot is a user's number and, in
/// the bits not needed for numbers of this table, a part of the key's hash, so that other users' entries are rarely read. A
/// lookup in a large table mostly waits for memory, at three uncached addresses. Hence [`find_all`](Users::find_all), which
/// processes a batch of keys step by step and so overlaps the waits; row by row it was five times slower on ten million rows
/// in random order.
#[derive(Debug)]
pub struct Users<V> {
    entries: Chunks<Entry<V>>,
    slots: Vec<u32>,
    indexed: usize,
}

impl<V: Copy + Default> Users<V> {
    /// An empty table.
    pub fn new() -> Self {
        Users { entries: Chunks::new(1), slots: Vec::new(), indexed: 0 }
    }

    /// The number of users.
    #[inline]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Bytes claimed for the table.
    pub fn held(&self) -> usize {
        self.entries.held() + size_of_val(&self.slots[..])
    }

    /// Whether there are no users.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The key of user number `i`.
    #[inline]
    pub fn key(&self, i: usize) -> UserKey {
        self.entries.item(i).key
    }

    /// The value of user number `i`.
    #[inline]
    pub fn value(&self, i: usize) -> &V {
        &self.entries.item(i).value
    }

    /// The value of user number `i`, mutable.
    #[inline]
    pub fn value_mut(&mut self, i: usize) -> &mut V {
        &mut self.entries.item_mut(i).value
    }

    /// The number of a user, who is added with `first` if new. The flag tells whether the user was added.
    #[inline]
    pub fn number(&mut self, key: UserKey, first: V, claim: &mut Claim) -> Result<(usize, bool)> {
        if self.indexed < self.len() || self.slots.is_empty() {
            self.index_all(claim)?;
        }
        let (mut at, tag) = self.place(key.hash());
        loop {
            let slot = self.slots[at];
            if slot == EMPTY {
                break;
            }
            let i = self.number_in(slot);
            if slot ^ i == tag && self.key(i as usize) == key {
                return Ok((i as usize, false));
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
        let i = self.append(key, first, claim)?;
        self.index_all(claim)?;
        Ok((i, true))
    }

    /// The number of a user, if they are in the table.
    #[inline]
    pub fn find(&mut self, key: UserKey, claim: &mut Claim) -> Result<Option<usize>> {
        if self.indexed < self.len() || self.slots.is_empty() {
            self.index_all(claim)?;
        }
        let (mut at, tag) = self.place(key.hash());
        loop {
            let slot = self.slots[at];
            if slot == EMPTY {
                return Ok(None);
            }
            let i = self.number_in(slot);
            if slot ^ i == tag && self.key(i as usize) == key {
                return Ok(Some(i as usize));
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    /// The number of a user, for a table without users appended outside the index.
    pub fn get(&self, key: UserKey) -> Option<usize> {
        if self.slots.is_empty() {
            return None;
        }
        let (mut at, tag) = self.place(key.hash());
        loop {
            let slot = self.slots[at];
            if slot == EMPTY {
                return None;
            }
            let i = self.number_in(slot);
            if slot ^ i == tag && self.key(i as usize) == key {
                return Some(i as usize);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    /// The numbers of a batch of users, or [`UNKNOWN`], for which [`number`](Users::number) decides.
    pub fn find_all(&self, keys: impl Iterator<Item = UserKey> + Clone, numbers: &mut [u32]) {
        if self.slots.is_empty() || self.indexed < self.len() {
            numbers.fill(UNKNOWN);
            return;
        }
        // Each pass loads one address for every key without waiting for the previous one, so that the loads overlap.
        let slots = keys.clone().fold(0u32, |sum, key| sum.wrapping_add(self.slots[self.place(key.hash()).0]));
        std::hint::black_box(slots);
        for (number, key) in numbers.iter_mut().zip(keys.clone()) {
            let (mut at, tag) = self.place(key.hash());
            *number = loop {
                let slot = self.slots[at];
                let i = self.number_in(slot);
                if slot == EMPTY {
                    break UNKNOWN;
                }
                if slot ^ i == tag {
                    break i;
                }
                at = (at + 1) & (self.slots.len() - 1);
            };
        }
        for (number, key) in numbers.iter_mut().zip(keys) {
            if *number != UNKNOWN && self.key(*number as usize) != key {
                *number = UNKNOWN;
            }
        }
    }

    /// Adds a user known to be new, without the index.
    pub fn append(&mut self, key: UserKey, first: V, claim: &mut Claim) -> Result<usize> {
        let i = self.entries.push(claim)?;
        *self.entries.item_mut(i) = Entry { key, value: first };
        Ok(i)
    }

    /// The first slot of a hash, and the tag of its slots in the bits above the number.
    #[inline]
    fn place(&self, hash: u64) -> (usize, u32) {
        let mask = self.slots.len() - 1;
        (hash as usize & mask, (hash >> 32) as u32 & !(mask as u32))
    }

    #[inline]
    fn number_in(&self, slot: u32) -> u32 {
        slot & (self.slots.len() - 1) as u32
    }

    /// Extends the index to the last user.
    fn index_all(&mut self, claim: &mut Claim) -> Result<()> {
        if self.slots.len() * 7 < (self.len() + 1) * 8 {
            let length = ((self.len() + 1) * 8 / 7 + 1).next_power_of_two().max(8);
            let mut meanwhile = Claim::new();
            let slots = meanwhile.filled(EMPTY, length)?;
            claim.shrink(size_of_val(&self.slots[..]));
            self.slots = slots;
            claim.take_over(meanwhile);
            self.indexed = 0;
        }
        for i in self.indexed..self.len() {
            if i % memory::POLL_EVERY == 0 {
                // After an interrupt indexing continues from here: a user entered twice would fill the index.
                self.indexed = i;
                memory::poll();
            }
            let (mut at, tag) = self.place(self.key(i).hash());
            while self.slots[at] != EMPTY {
                at = (at + 1) & (self.slots.len() - 1);
            }
            self.slots[at] = tag | i as u32;
        }
        self.indexed = self.len();
        Ok(())
    }

    /// The user numbers in key order.
    pub fn sorted(&self, claim: &mut Claim) -> Result<Vec<u32>> {
        let (mut order, mut meanwhile) = (Vec::new(), Claim::temporary());
        meanwhile.reserve(&mut order, self.len())?;
        order.extend((0..self.len()).map(|i| (self.key(i), i as u32)));
        if !order.is_sorted() {
            let mut compared = 0u32;
            order.sort_unstable_by(|a, b| {
                compared = compared.wrapping_add(1);
                if compared.is_multiple_of(16 * memory::POLL_EVERY as u32) {
                    memory::poll();
                }
                a.cmp(b)
            });
        }
        let mut numbers = Vec::new();
        claim.reserve(&mut numbers, self.len())?;
        numbers.extend(order.into_iter().map(|(_, i)| i));
        Ok(numbers)
    }
}

impl<V: Copy + Default> Default for Users<V> {
    fn default() -> Self {
        Users::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Among very many keys, some share the tag of another slot on their probe path.
    #[test]
    fn every_user_is_found() {
        let (mut users, mut claim) = (Users::<()>::new(), Claim::new());
        assert_eq!(users.get(UserKey::bigint(0)), None);
        for i in 0..300_000 {
            users.number(UserKey::bigint(i * 7), (), &mut claim).unwrap();
        }
        for i in 0..300_000 {
            assert_eq!(users.get(UserKey::bigint(i * 7)), Some(i as usize));
            assert_eq!(users.get(UserKey::bigint(i * 7 + 1)), None);
        }
    }
}
