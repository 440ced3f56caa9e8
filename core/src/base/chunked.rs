//! A growing array in chunks: large arrays are not doubled, so memory stays close to what is used.

use crate::base::error::{Error, Result};
use crate::base::memory::Claim;

/// Elements in a full chunk; the first chunk grows by doubling up to this, so that a small state stays small.
const PER_CHUNK: usize = 4096;

/// An array of elements of `unit` items each, numbered from 0.
#[derive(Debug)]
pub struct Chunks<T> {
    unit: usize,
    len: usize,
    chunks: Vec<Vec<T>>,
}

impl<T: Copy + Default> Chunks<T> {
    /// An empty array whose elements are slices of `unit` items.
    pub fn new(unit: usize) -> Self {
        Chunks { unit, len: 0, chunks: Vec::new() }
    }

    /// The number of elements.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes claimed for the array.
    pub fn held(&self) -> usize {
        let chunks = self.chunks.iter().map(|chunk| chunk.capacity() * size_of::<T>()).sum::<usize>();
        chunks + self.chunks.capacity() * size_of::<Vec<T>>()
    }

    /// The element at `i`.
    #[inline]
    pub fn get(&self, i: usize) -> &[T] {
        let at = i % PER_CHUNK * self.unit;
        &self.chunks[i / PER_CHUNK][at..at + self.unit]
    }

    /// The element at `i`, mutable.
    #[inline]
    pub fn get_mut(&mut self, i: usize) -> &mut [T] {
        let at = i % PER_CHUNK * self.unit;
        &mut self.chunks[i / PER_CHUNK][at..at + self.unit]
    }

    /// Appends an element of defaults and returns its index.
    pub fn push(&mut self, claim: &mut Claim) -> Result<usize> {
        let (number, within) = (self.len, self.len % PER_CHUNK);
        if u32::try_from(number).is_err() {
            return Err(Error::TooLarge { bytes: number.saturating_mul(size_of::<T>() * self.unit) });
        }
        // A chunk that was added but could not be allocated is still there, empty.
        if number / PER_CHUNK == self.chunks.len() {
            claim.push(&mut self.chunks, Vec::new())?;
        }
        if let Some(chunk) = self.chunks.last_mut() {
            if chunk.len() == chunk.capacity() {
                let elements = if number >= PER_CHUNK { PER_CHUNK } else { within.max(4) };
                claim.reserve(chunk, elements * self.unit)?;
            }
            chunk.resize(chunk.len() + self.unit, T::default());
        }
        self.len += 1;
        Ok(number)
    }
}

impl<T: Copy + Default> Chunks<T> {
    /// The first item of the element at `i`: the element itself if `unit` is 1.
    #[inline]
    pub fn item(&self, i: usize) -> &T {
        &self.chunks[i / PER_CHUNK][i % PER_CHUNK * self.unit]
    }

    /// As [`item`](Chunks::item), mutable.
    #[inline]
    pub fn item_mut(&mut self, i: usize) -> &mut T {
        &mut self.chunks[i / PER_CHUNK][i % PER_CHUNK * self.unit]
    }
}
