//! The bytes of stored values: a common frame, and checked decoding.
//!
//! ```text
//! offset 0   kind of value (u8), see [`Kind`]
//!        1   version of its layout (u8)
//!        2   zero (u16)
//!        4   length of the body in bytes (u32, little endian)
//!        8   XXH3-64 of the body (u64, little endian)
//!       16   body
//! ```
//!
//! Integers in a body are LEB128 varints, signed ones zigzag encoded. A value is decoded only if kind, version, length and
//! checksum are right and the body is consumed completely.

use crate::base::error::{Error, Result};
use crate::base::memory::Claim;
use xxhash_rust::xxh3::xxh3_64;

/// The kinds of stored values; the numbers are on disk and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// [`crate::activity::Activity`]
    Activity = 1,
    /// [`crate::sessions::Sessions`]
    Sessions = 2,
    /// [`crate::funnel::Funnel`]
    Funnel = 4,
    /// [`crate::survival::Survival`]
    Survival = 5,
    /// [`crate::experiment::Experiment`]
    Experiment = 6,
    /// [`crate::history::History`]: only between processes
    History = 18,
}

/// The length of the frame before the body. It holds the body's checksum, so that it nearly identifies a value.
pub const HEADER: usize = 16;
/// The largest value written: a PostgreSQL datum is smaller than 1 GB.
const MOST_BYTES: usize = (1 << 30) - 64;

fn corrupt<T>(what: &'static str) -> Result<T> {
    Err(Error::Corrupt { what })
}

/// The kind and the version of a value, given its first bytes.
pub fn header(start: &[u8]) -> Result<(u8, u8)> {
    match start.first_chunk::<HEADER>() {
        Some([kind, version, ..]) => Ok((*kind, *version)),
        None => corrupt("shorter than its header"),
    }
}

/// Builds the bytes of a value.
pub struct Writer {
    /// The bytes written, followed by zeros up to the capacity.
    bytes: Vec<u8>,
    len: usize,
    claim: Claim,
}

/// The most bytes a number takes.
const LONGEST: usize = 10;

impl Writer {
    /// Begins a value with capacity for about `size` bytes of body, up to the maximum.
    pub fn new(kind: Kind, version: u8, size: usize) -> Result<Self> {
        let mut writer = Writer { bytes: Vec::new(), len: HEADER, claim: Claim::temporary() };
        writer.grow(HEADER + size.min(MOST_BYTES - HEADER))?;
        writer.bytes[0] = kind as u8;
        writer.bytes[1] = version;
        Ok(writer)
    }

    #[inline(always)]
    fn room(&mut self, more: usize) -> Result<()> {
        if self.bytes.len() - self.len >= more { Ok(()) } else { self.grow(more) }
    }

    #[cold]
    fn grow(&mut self, more: usize) -> Result<()> {
        let needed = self.len.saturating_add(more);
        if needed > MOST_BYTES {
            return Err(Error::TooLarge { bytes: needed });
        }
        // By a quarter instead of doubling: finally a large value exists together with the state it came from.
        let so_far = self.bytes.len();
        let room = needed.max((so_far + so_far / 4).min(MOST_BYTES));
        self.claim.reserve(&mut self.bytes, room - so_far)?;
        self.bytes.resize(room, 0);
        Ok(())
    }

    /// Appends bytes unchanged.
    #[inline]
    pub fn raw(&mut self, bytes: &[u8]) -> Result<()> {
        self.room(bytes.len())?;
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
        Ok(())
    }

    /// Appends an unsigned integer.
    #[inline(always)]
    pub fn uint(&mut self, value: u64) -> Result<()> {
        self.room(LONGEST)?;
        let to = &mut self.bytes[self.len..self.len + LONGEST];
        if value < 0x80 {
            to[0] = value as u8;
            self.len += 1;
        } else if value < 1 << 56 {
            let len = uint_len(value);
            let more = CONTINUED & !(u64::MAX << (8 * len - 8));
            to[..8].copy_from_slice(&(spread(value) | more).to_le_bytes());
            self.len += len;
        } else {
            self.len += long_uint(value, to);
        }
        Ok(())
    }

    /// Appends a signed integer.
    #[inline(always)]
    pub fn int(&mut self, value: i64) -> Result<()> {
        self.uint(((value << 1) ^ (value >> 63)) as u64)
    }

    /// Appends 0, or 1 and a signed integer.
    pub fn maybe_int(&mut self, value: Option<i64>) -> Result<()> {
        match value {
            None => self.uint(0),
            Some(value) => self.uint(1).and_then(|()| self.int(value)),
        }
    }

    /// Appends a length and that many bytes.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.uint(bytes.len() as u64)?;
        self.raw(bytes)
    }

    /// Appends a length and that many zero bytes, which `fill` overwrites.
    pub fn filled(&mut self, length: usize, fill: impl FnOnce(&mut [u8])) -> Result<()> {
        self.uint(length as u64)?;
        self.room(length)?;
        fill(&mut self.bytes[self.len..self.len + length]);
        self.len += length;
        Ok(())
    }

    /// Completes the header.
    pub fn finish(mut self) -> Vec<u8> {
        self.bytes.truncate(self.len);
        let (length, checksum) = ((self.len - HEADER) as u32, xxh3_64(&self.bytes[HEADER..]));
        self.bytes[4..8].copy_from_slice(&length.to_le_bytes());
        self.bytes[8..16].copy_from_slice(&checksum.to_le_bytes());
        self.bytes
    }
}

/// The continuation bit of every byte of a varint.
const CONTINUED: u64 = 0x8080_8080_8080_8080;

/// The number whose seven-bit groups are in eight bytes.
#[inline]
fn gathered(word: u64) -> u64 {
    let word = word & !CONTINUED;
    let word = word & 0x007f_007f_007f_007f | (word & 0x7f00_7f00_7f00_7f00) >> 1;
    let word = word & 0x0000_3fff_0000_3fff | (word & 0x3fff_0000_3fff_0000) >> 2;
    word & 0x0fff_ffff | (word & 0x0fff_ffff_0000_0000) >> 4
}

/// The inverse of [`gathered`], for numbers below 2⁵⁶.
#[inline]
fn spread(value: u64) -> u64 {
    let word = value & 0x0fff_ffff | (value & 0x00ff_ffff_f000_0000) << 4;
    let word = word & 0x0000_3fff_0000_3fff | (word & 0x0fff_c000_0fff_c000) << 2;
    word & 0x007f_007f_007f_007f | (word & 0x3f80_3f80_3f80_3f80) << 1
}

/// Writes a number byte by byte; returns the number of bytes.
#[cold]
fn long_uint(mut value: u64, to: &mut [u8]) -> usize {
    let mut len = 0;
    for byte in to {
        len += 1;
        *byte = value as u8 & 0x7f;
        value >>= 7;
        if value == 0 {
            break;
        }
        *byte |= 0x80;
    }
    len
}

/// The length of an unsigned varint in bytes.
#[inline]
pub fn uint_len(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

/// Reads a body, and fails at missing bytes.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Checks the frame and begins reading the body.
    pub fn open(bytes: &'a [u8], kind: Kind, version: u8) -> Result<Self> {
        let Some((header, body)) = bytes.split_first_chunk::<HEADER>() else {
            return corrupt("shorter than its header");
        };
        let [k, v, z0, z1, l0, l1, l2, l3, checksum @ ..] = *header;
        if k != kind as u8 {
            return corrupt("another kind of value");
        }
        if v != version {
            return Err(Error::UnknownVersion { given: v });
        }
        if [z0, z1] != [0, 0] {
            return corrupt("reserved bytes are set");
        }
        if u32::from_le_bytes([l0, l1, l2, l3]) as usize != body.len() {
            return corrupt("length does not match");
        }
        if u64::from_le_bytes(checksum) != xxh3_64(body) {
            return corrupt("checksum does not match");
        }
        Ok(Reader { rest: body })
    }

    /// The next `len` bytes.
    #[inline]
    pub fn raw(&mut self, len: usize) -> Result<&'a [u8]> {
        match self.rest.split_at_checked(len) {
            Some((head, rest)) => {
                self.rest = rest;
                Ok(head)
            }
            None => corrupt("ends too early"),
        }
    }

    /// The next unsigned integer; only the shortest form is accepted.
    #[inline(always)]
    pub fn uint(&mut self) -> Result<u64> {
        match self.soon_uint() {
            Some(value) => Ok(value),
            None => self.any_uint(),
        }
    }

    /// The next unsigned integer, if it has up to eight bytes, as most have, and is not at the very end. It is not a
    /// [`Result`], which is too large to be returned in registers.
    #[inline(always)]
    fn soon_uint(&mut self) -> Option<u64> {
        match *self.rest {
            [byte, ref rest @ ..] if byte < 0x80 => {
                self.rest = rest;
                Some(u64::from(byte))
            }
            _ => {
                let word = u64::from_le_bytes(*self.rest.first_chunk::<8>()?);
                let ends = !word & CONTINUED;
                let bits = ends.trailing_zeros() + 1;
                // More than eight bytes, or an empty last group.
                if ends == 0 || word >> (bits - 8) & 0x7f == 0 {
                    return None;
                }
                self.rest = &self.rest[bits as usize / 8..];
                Some(gathered(word & (u64::MAX >> (64 - bits))))
            }
        }
    }

    /// The next unsigned integer in any case.
    #[cold]
    fn any_uint(&mut self) -> Result<u64> {
        let mut value = 0u64;
        for (i, &byte) in self.rest.iter().enumerate().take(10) {
            let part = u64::from(byte & 0x7f);
            if i == 9 && part > 1 {
                break;
            }
            value |= part << (7 * i);
            if byte < 0x80 {
                if byte == 0 && i > 0 {
                    return corrupt("a number is padded");
                }
                self.rest = &self.rest[i + 1..];
                return Ok(value);
            }
        }
        corrupt("a number does not end")
    }

    /// The number of following items: no more than there are bytes.
    pub fn uint_before_end(&mut self) -> Result<u64> {
        let count = self.uint()?;
        if count > self.left() as u64 { corrupt("ends too early") } else { Ok(count) }
    }

    /// The next signed integer.
    #[inline(always)]
    pub fn int(&mut self) -> Result<i64> {
        let value = self.uint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// The next optional signed integer.
    pub fn maybe_int(&mut self) -> Result<Option<i64>> {
        match self.uint()? {
            0 => Ok(None),
            1 => self.int().map(Some),
            _ => corrupt("neither with nor without a number"),
        }
    }

    /// The next length and that many bytes.
    pub fn bytes(&mut self) -> Result<&'a [u8]> {
        let len = self.uint()?;
        self.raw(usize::try_from(len).unwrap_or(usize::MAX))
    }

    /// Bytes not read yet.
    pub fn left(&self) -> usize {
        self.rest.len()
    }

    /// Rejects bytes after the end.
    pub fn finish(self) -> Result<()> {
        if self.rest.is_empty() { Ok(()) } else { corrupt("bytes after its end") }
    }
}
