//! Rows packed in blocks: every column with as many bits as the largest value in the block needs.
//!
//! ```text
//! rows (u16) · first time (i64) · length of the tail (u32)
//! bits of each column (u8 each) · scale of each column of numbers (u8 each) · new sessions of each column of sessions (u16 each)
//! words: columns one after the other in words of at most 64 bits, each written in whole bytes, row by row
//! new sessions (u64 each) · tail: the bytes of ids
//! ```
//!
//! The columns are users, as indexes of their table; times, as distances from the previous row; then those of the plan:
//! codes and flags unchanged, numbers as decimals of the block's scale or, if that is impossible, as the bits of doubles,
//! sessions as 0 for "same as in the user's last row" or 1 for the next new one, ids as lengths plus 1.

use super::plan::Kind;
use crate::base::error::{Error, Result};
use crate::base::memory::Claim;
use crate::stats::sum;

/// The most rows of a block.
pub(super) const MOST_ROWS: usize = 128;
/// Zero bytes after the last block of a chunk, so that any value can be read as eight bytes.
pub(super) const PADDING: usize = 8;
/// Words of an open row before its columns: the key and the time.
pub(super) const FRONT: usize = 3;

/// An unknown number.
pub(super) const UNKNOWN: u64 = 0x7ff8_0000_0000_0001;
/// Scales of decimals: the number of decimal places.
const SCALES: [(u8, f64); 5] = [(0, 1.0), (2, 1e2), (4, 1e4), (6, 1e6), (8, 1e8)];
/// The scale of numbers kept as the bits of doubles.
const BITS: u8 = u8::MAX;

#[inline]
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

#[inline]
fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// A double as a decimal of a scale, if it has few enough digits.
#[inline]
fn decimal(number: f64, power: f64) -> Option<i64> {
    // An integer cannot represent -0.
    sum::decimal(number, power).filter(|_| number.to_bits() != 1 << 63).map(|whole| whole as i64)
}

/// The position of a column's values in a row of a block.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// The offset of its word from the beginning of the body.
    offset: usize,
    /// Bytes from one row to the next.
    step: usize,
    shift: u32,
    mask: u64,
}

/// The layout of the columns of rows in blocks.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) kinds: Vec<Kind>,
    numbers: usize,
    sessions: usize,
}

impl Layout {
    pub(super) fn new(kinds: Vec<Kind>) -> Self {
        let count = |of: &[Kind]| kinds.iter().filter(|kind| of.contains(kind)).count();
        let (numbers, sessions) = (count(&[Kind::Count, Kind::Number]), count(&[Kind::Session]));
        Layout { kinds, numbers, sessions }
    }

    /// Words of an open row.
    pub(super) fn stride(&self) -> usize {
        FRONT + self.kinds.len()
    }

    /// The number of packed columns: user, time, and those of the plan.
    fn packed(&self) -> usize {
        2 + self.kinds.len()
    }

    fn head(&self) -> usize {
        2 + 8 + 4 + self.packed() + self.numbers + 2 * self.sessions
    }

    /// Calls `each` with the position of every column in words of at most 64 bits, for a body of the given number of rows.
    /// Returns the end of the last word.
    fn place(&self, rows: usize, widths: &[u8], places: &mut Vec<Place>) -> usize {
        places.clear();
        let (mut offset, mut bits, mut first) = (0, 0u32, 0);
        let mut close = |places: &mut Vec<Place>, first: &mut usize, bits: &mut u32| {
            let step = (*bits as usize).div_ceil(8);
            for place in &mut places[*first..] {
                (place.offset, place.step) = (offset, step);
            }
            offset += rows * step;
            (*first, *bits) = (places.len(), 0);
        };
        for &width in widths {
            let width = u32::from(width);
            if bits + width > 64 {
                close(places, &mut first, &mut bits);
            }
            let mask = if width == 0 { 0 } else { u64::MAX >> (64 - width) };
            places.push(Place { offset: 0, step: 0, shift: bits % 64, mask });
            bits += width;
        }
        close(places, &mut first, &mut bits);
        offset
    }
}

/// Working memory of packing, kept from block to block.
#[derive(Debug, Default)]
pub(super) struct Packer {
    /// The last scale of each numeric column: the next block mostly has the same.
    scales: Vec<u8>,
    widths: Vec<u8>,
    places: Vec<Place>,
    /// New sessions, by column.
    news: Vec<u64>,
    counts: Vec<u16>,
}

impl Packer {
    /// Packs open rows, whose users have the given indexes, and appends them to `out`; the rows are overwritten. `lasts` are
    /// the sessions of users' last rows, by session column; `ids` holds the bytes of ids, of which rows hold position and
    /// length.
    pub(super) fn pack(
        &mut self,
        layout: &Layout,
        rows: &mut [u64],
        users: &[u32],
        lasts: &mut [Vec<u64>],
        ids: &[u8],
        target: &mut Target<'_>,
    ) -> Result<()> {
        let stride = layout.stride();
        let count = users.len();
        self.news.clear();
        self.counts.clear();
        self.scales.resize(layout.numbers, 0);
        let first = rows[2] as i64;
        let mut before = first;
        for (row, &user) in rows.chunks_exact_mut(stride).zip(users) {
            row[1] = u64::from(user);
            let at = row[2] as i64;
            row[2] = zigzag(at.wrapping_sub(before));
            before = at;
        }
        let (mut numbers, mut sessions, mut tail) = (0, 0, 0usize);
        for (c, kind) in layout.kinds.iter().enumerate() {
            let at = FRONT + c;
            match kind {
                Kind::Count | Kind::Number => {
                    self.scales[numbers] = scale(rows, stride, at, self.scales[numbers]);
                    numbers += 1;
                }
                Kind::Session => {
                    let (lasts, so_far) = (&mut lasts[sessions], self.news.len());
                    for (row, &user) in rows.chunks_exact_mut(stride).zip(users) {
                        let last = &mut lasts[user as usize];
                        if *last != row[at] {
                            *last = row[at];
                            target.claim.push(&mut self.news, row[at])?;
                            row[at] = 1;
                        } else {
                            row[at] = 0;
                        }
                    }
                    self.counts.push((self.news.len() - so_far) as u16);
                    sessions += 1;
                }
                Kind::Id => tail += rows.chunks_exact(stride).map(|row| id_length(row[at])).sum::<usize>(),
                Kind::Text | Kind::Flag | Kind::Status => {}
            }
        }
        self.widths.clear();
        for c in 0..layout.packed() {
            let all = rows.chunks_exact(stride).fold(0, |all, row| all | row[c + 1]);
            let ids = c >= 2 && layout.kinds[c - 2] == Kind::Id;
            let all = if ids {
                rows.chunks_exact(stride).map(|row| row[c + 1] >> ID_PLACE).fold(0, |a, b| a | b)
            } else {
                all
            };
            self.widths.push((64 - all.leading_zeros()) as u8);
        }
        let body = layout.place(count, &self.widths, &mut self.places);
        let out = target.room(layout.head() + body + 8 * self.news.len() + tail + PADDING)?;
        out.extend_from_slice(&(count as u16).to_le_bytes());
        out.extend_from_slice(&first.to_le_bytes());
        out.extend_from_slice(&(tail as u32).to_le_bytes());
        out.extend_from_slice(&self.widths);
        out.extend_from_slice(&self.scales);
        self.counts.iter().for_each(|count| out.extend_from_slice(&count.to_le_bytes()));
        let from = out.len();
        out.resize(from + body + PADDING, 0);
        self.words(layout, rows, &mut out[from..]);
        out.truncate(from + body);
        self.news.iter().for_each(|session| out.extend_from_slice(&session.to_le_bytes()));
        for (c, _) in layout.kinds.iter().enumerate().filter(|(_, kind)| **kind == Kind::Id) {
            for row in rows.chunks_exact(stride) {
                let (place, length) = (row[FRONT + c] & ID_OFFSET, id_length(row[FRONT + c]));
                out.extend_from_slice(&ids[place as usize..place as usize + length]);
            }
        }
        Ok(())
    }

    /// Writes the words of all rows. Each write has eight bytes, of which the next one overwrites those after the word.
    fn words(&self, layout: &Layout, rows: &[u64], body: &mut [u8]) {
        let stride = layout.stride();
        let mut from = 0;
        while from < self.places.len() {
            let Place { offset, step, .. } = self.places[from];
            let of_word = |place: &&Place| place.offset == offset && place.step == step;
            let until = from + self.places[from..].iter().take_while(of_word).count();
            if step > 0 {
                let columns = &self.places[from..until];
                for (i, row) in rows.chunks_exact(stride).enumerate() {
                    let values = &row[from + 1..until + 1];
                    let word = values.iter().zip(columns).enumerate().fold(0, |word, (c, (value, place))| {
                        let id = from + c >= 2 && layout.kinds[from + c - 2] == Kind::Id;
                        let value = if id { value >> ID_PLACE } else { *value };
                        word | value << place.shift
                    });
                    let at = offset + i * step;
                    body[at..at + 8].copy_from_slice(&word.to_le_bytes());
                }
            }
            from = until;
        }
    }
}

/// An id in an open row: its length plus 1, above the position of its bytes; 0 for none.
const ID_PLACE: u32 = 32;
const ID_OFFSET: u64 = (1 << ID_PLACE) - 1;

fn id_length(id: u64) -> usize {
    (id >> ID_PLACE).saturating_sub(1) as usize
}

/// The bytes of an id in an open row.
pub(super) fn id(ids: &[u8], value: u64) -> &[u8] {
    let place = (value & ID_OFFSET) as usize;
    ids.get(place..place + id_length(value)).unwrap_or_default()
}

/// An id in an open row, by the position and the number of its bytes.
pub(super) fn open_id(place: usize, length: usize) -> Option<u64> {
    let fits = place <= ID_OFFSET as usize && length < u32::MAX as usize;
    fits.then_some((length as u64 + 1) << ID_PLACE | place as u64)
}

/// Finds the smallest scale of which all numbers of a column are decimals, starting with the given one, and replaces the
/// numbers by such decimals plus 1.
fn scale(rows: &mut [u64], stride: usize, at: usize, last: u8) -> u8 {
    let fits = |power: f64| {
        let mut bits = rows.chunks_exact(stride).map(|row| row[at]);
        bits.all(|bits| bits == UNKNOWN || decimal(f64::from_bits(bits), power).is_some())
    };
    let known =
        SCALES.iter().filter(|(scale, _)| *scale == last).chain(SCALES.iter().filter(|(scale, _)| *scale != last));
    // Bits stay bits: such a column is not tried again for every block.
    let found = if last == BITS { None } else { known.copied().find(|(_, power)| fits(*power)) };
    let Some((scale, power)) = found else { return BITS };
    for row in rows.chunks_exact_mut(stride) {
        row[at] = match row[at] {
            UNKNOWN => 0,
            bits => decimal(f64::from_bits(bits), power).map_or(0, |whole| zigzag(whole) + 1),
        };
    }
    scale
}

/// The destination of packed blocks: the current chunk, and how it grows.
pub(super) struct Target<'a> {
    pub(super) chunk: &'a mut Vec<u8>,
    pub(super) full: &'a mut Vec<Vec<u8>>,
    pub(super) claim: &'a mut Claim,
}

/// Bytes of a chunk.
const CHUNK: usize = 32 * 1024;

impl Target<'_> {
    /// The chunk, with capacity for that many more bytes. A chunk of the maximum size is moved to the full ones.
    fn room(&mut self, bytes: usize) -> Result<&mut Vec<u8>> {
        if self.chunk.capacity() - self.chunk.len() < bytes {
            if self.chunk.len() + bytes > CHUNK && !self.chunk.is_empty() {
                self.chunk.resize(self.chunk.len() + PADDING, 0);
                let full = std::mem::take(self.chunk);
                self.claim.push(self.full, full)?;
                self.claim.reserve(self.chunk, bytes.max(CHUNK))?;
            } else {
                self.claim.reserve(self.chunk, bytes.max(self.chunk.capacity()))?;
            }
        }
        Ok(self.chunk)
    }
}

/// A packed block.
pub(super) struct Block<'a> {
    pub(super) rows: usize,
    first: i64,
    places: &'a [Place],
    scales: &'a [u8],
    counts: &'a [u8],
    /// The words, and what follows them.
    body: &'a [u8],
    news: &'a [u8],
    pub(super) tail: &'a [u8],
}

fn corrupt<T>() -> Result<T> {
    Err(Error::Corrupt { what: "a block of a history that is none" })
}

/// The blocks of a chunk, one after the other.
#[derive(Default)]
pub(super) struct Blocks {
    places: Vec<Place>,
}

impl Blocks {
    /// Reads the block at the beginning of `chunk` and advances past it; `None` at the end.
    pub(super) fn next<'a, 'c: 'a>(&'a mut self, layout: &Layout, chunk: &mut &'c [u8]) -> Result<Option<Block<'a>>> {
        let bytes: &'c [u8] = chunk;
        if bytes.len() <= PADDING {
            return if bytes.len() == PADDING || bytes.is_empty() { Ok(None) } else { corrupt() };
        }
        let Some((head, body)) = bytes.split_at_checked(layout.head()) else { return corrupt() };
        let (Some(rows), Some(first), Some(tail)) =
            (head.first_chunk::<2>(), head[2..].first_chunk::<8>(), head[10..].first_chunk::<4>())
        else {
            return corrupt();
        };
        let (rows, first) = (usize::from(u16::from_le_bytes(*rows)), i64::from_le_bytes(*first));
        let tail = u32::from_le_bytes(*tail) as usize;
        let (widths, rest) = head[14..].split_at(layout.packed());
        let (scales, counts) = rest.split_at(layout.numbers);
        if rows == 0 || rows > MOST_ROWS || widths.iter().any(|&width| width > 64) {
            return corrupt();
        }
        let words = layout.place(rows, widths, &mut self.places);
        let news =
            counts.chunks_exact(2).map(|count| usize::from(u16::from_le_bytes([count[0], count[1]]))).sum::<usize>();
        let length = words + 8 * news + tail;
        if body.len() < length + PADDING {
            return corrupt();
        }
        *chunk = &body[length..];
        let (news, tail) = (&body[words..words + 8 * news], &body[words + 8 * news..length]);
        Ok(Some(Block { rows, first, places: &self.places, scales, counts, body, news, tail }))
    }
}

impl Block<'_> {
    /// The values of packed column `c`, as stored.
    #[inline(always)]
    fn packed(&self, c: usize, mut each: impl FnMut(usize, u64)) {
        let Place { offset, step, shift, mask } = self.places[c];
        if mask == 0 {
            return (0..self.rows).for_each(|i| each(i, 0));
        }
        // There are at least eight bytes from the last word on.
        let words = &self.body[offset..offset + (self.rows - 1) * step + 8];
        for i in 0..self.rows {
            let at = i * step;
            let word = words.get(at..at + 8).and_then(|word| word.first_chunk::<8>());
            each(i, word.map_or(0, |word| u64::from_le_bytes(*word) >> shift & mask));
        }
    }

    /// The indexes of the rows' users.
    #[inline]
    pub(super) fn users(&self, each: impl FnMut(usize, u64)) {
        self.packed(0, each);
    }

    /// The rows' times.
    #[inline]
    pub(super) fn times(&self, mut each: impl FnMut(usize, i64)) {
        let mut at = self.first;
        self.packed(1, |i, distance| {
            at = at.wrapping_add(unzigzag(distance));
            each(i, at);
        });
    }

    /// The values of a column of codes or flags, or the lengths of ids plus 1.
    #[inline]
    pub(super) fn small(&self, column: usize, each: impl FnMut(usize, u64)) {
        self.packed(2 + column, each);
    }

    /// The values of the `n`-th numeric column; NaN for an unknown number.
    #[inline]
    pub(super) fn numbers(&self, column: usize, n: usize, mut each: impl FnMut(usize, f64)) -> Result<()> {
        let scale = self.scales.get(n).copied().unwrap_or(BITS);
        if scale == BITS {
            self.packed(2 + column, |i, bits| each(i, f64::from_bits(bits)));
            return Ok(());
        }
        let Some((_, power)) = SCALES.iter().find(|(known, _)| *known == scale) else { return corrupt() };
        self.packed(2 + column, |i, value| {
            each(i, if value == 0 { f64::NAN } else { unzigzag(value - 1) as f64 / power });
        });
        Ok(())
    }

    /// The values of the `n`-th session column; `user` returns a row's user, `lasts` holds the sessions of users' previous
    /// rows.
    pub(super) fn sessions(
        &self,
        (column, n): (usize, usize),
        lasts: &mut [u64],
        users: &[u32],
        mut each: impl FnMut(usize, u64),
    ) -> Result<()> {
        let count = |pair: &[u8]| usize::from(u16::from_le_bytes([pair[0], pair[1]]));
        let before = self.counts.chunks_exact(2).take(n).map(count).sum::<usize>();
        let mut news = self.news.as_chunks::<8>().0.iter().skip(before);
        let mut is_wrong = false;
        self.packed(2 + column, |i, new| {
            let Some(last) = users.get(i).and_then(|&user| lasts.get_mut(user as usize)) else {
                is_wrong = true;
                return;
            };
            if new != 0 {
                *last = news.next().map_or(0, |session| u64::from_le_bytes(*session));
            }
            each(i, *last);
        });
        if is_wrong { corrupt() } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Numbers are restored to the bit.
        #[test]
        fn numbers_come_back(cents in proptest::collection::vec((any::<bool>(), -1_000_000i64..1_000_000), 1..50), odd in any::<f64>()) {
            let layout = Layout::new(vec![Kind::Number]);
            let value = |(known, cents): (bool, i64)| if known { cents as f64 / 1e4 } else { f64::from_bits(UNKNOWN) };
            for odd in [None, Some(odd)] {
                let mut numbers: Vec<f64> = cents.iter().map(|&c| value(c)).collect();
                numbers.extend(odd.filter(|odd| odd.is_finite()));
                let mut rows: Vec<u64> = numbers.iter().flat_map(|number| [0, 0, 7, number.to_bits()]).collect();
                let (mut chunk, mut full, mut claim) = (Vec::new(), Vec::new(), Claim::new());
                let mut target = Target { chunk: &mut chunk, full: &mut full, claim: &mut claim };
                let users = vec![0; numbers.len()];
                Packer::default().pack(&layout, &mut rows, &users, &mut [], &[], &mut target).unwrap();
                chunk.resize(chunk.len() + PADDING, 0);
                let (mut blocks, mut rest) = (Blocks::default(), &chunk[..]);
                let block = blocks.next(&layout, &mut rest).unwrap().unwrap();
                let mut found = Vec::new();
                block.numbers(0, 0, |_, number| found.push(number)).unwrap();
                let same = |a: f64, b: f64| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
                prop_assert!(found.len() == numbers.len() && found.iter().zip(&numbers).all(|(a, b)| same(*a, *b)));
            }
        }

        /// Any bytes give blocks or an error.
        #[test]
        fn bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let layout = Layout::new(vec![Kind::Number, Kind::Session, Kind::Id, Kind::Text]);
            let mut rest = &bytes[..];
            let mut blocks = Blocks::default();
            while let Ok(Some(block)) = blocks.next(&layout, &mut rest) {
                block.users(|_, _| ());
                block.times(|_, _| ());
                let _ = block.numbers(0, 0, |_, _| ());
                let _ = block.sessions((1, 0), &mut [0; 4], &vec![0; block.rows], |_, _| ());
                block.small(3, |_, _| ());
            }
        }
    }
}
