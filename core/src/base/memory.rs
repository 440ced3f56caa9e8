//! Memory accounting and interrupts, provided by the surrounding process.
//!
//! A failed allocation in Rust aborts the process, and a loop without interrupt checks cannot be cancelled. So every growth
//! of a state is first entered in the memory accounting through a [`Claim`], which is released when it is dropped (also
//! during unwinding), and every long loop calls [`poll`]. Accounting is per thread: a PostgreSQL backend has one.

use crate::base::error::{Error, Result};
use std::cell::Cell;

thread_local! {
    static LIMIT: Cell<usize> = const { Cell::new(usize::MAX) };
    static USED: Cell<usize> = const { Cell::new(0) };
    static OF_STATES: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
    static CLAIMS: Cell<usize> = const { Cell::new(0) };
    static POLL: Cell<fn()> = const { Cell::new(|| ()) };
}

/// The number of items a loop may process between two calls of [`poll`].
pub const POLL_EVERY: usize = 4096;

/// Sets the most bytes that all claims of this thread may hold together.
pub fn set_limit(bytes: usize) {
    LIMIT.set(bytes);
}

/// The most bytes that all claims of this thread may hold together.
pub fn limit() -> usize {
    LIMIT.get()
}

/// Sets the function called by [`poll`]. It may unwind; states remain valid.
pub fn set_poll(check: fn()) {
    POLL.set(check);
}

/// Allows a long loop to be interrupted.
#[inline]
pub fn poll() {
    POLL.get()()
}

/// Bytes held by all claims of this thread.
pub fn used() -> usize {
    USED.get()
}

/// The peak memory of states since the last [`reset_peak`], without temporary claims.
pub fn peak() -> usize {
    PEAK.get()
}

/// Resets [`peak`] to the memory held now.
pub fn reset_peak() {
    PEAK.set(OF_STATES.get());
}

/// The number of claims of states alive in this thread: zero if there is no state.
pub fn claims() -> usize {
    CLAIMS.get()
}

/// The error for the current limit.
pub fn out_of_memory() -> Error {
    Error::OutOfMemory { limit: LIMIT.get() }
}

/// A share of the memory accounting, released on drop.
#[derive(Debug)]
pub struct Claim {
    bytes: usize,
    of_state: bool,
}

impl Claim {
    /// An empty claim of a state.
    pub fn new() -> Self {
        CLAIMS.set(CLAIMS.get() + 1);
        Claim { bytes: 0, of_state: true }
    }

    /// A claim for temporary memory while a state is merged or read.
    pub fn temporary() -> Self {
        Claim { bytes: 0, of_state: false }
    }

    /// Adds `bytes`, or fails if the limit would be exceeded.
    pub fn grow(&mut self, bytes: usize) -> Result<()> {
        let used = USED.get().checked_add(bytes).filter(|&used| used <= LIMIT.get()).ok_or_else(out_of_memory)?;
        USED.set(used);
        self.bytes += bytes;
        if self.of_state {
            OF_STATES.set(OF_STATES.get() + bytes);
            PEAK.set(PEAK.get().max(OF_STATES.get()));
        }
        Ok(())
    }

    /// Releases `bytes`.
    pub fn shrink(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        USED.set(USED.get() - bytes);
        if self.of_state {
            OF_STATES.set(OF_STATES.get() - bytes);
        }
    }

    /// Moves what another claim holds into this one.
    pub fn take_over(&mut self, mut other: Claim) {
        let bytes = std::mem::take(&mut other.bytes);
        match (self.of_state, other.of_state) {
            (true, false) => OF_STATES.set(OF_STATES.get() + bytes),
            (false, true) => OF_STATES.set(OF_STATES.get() - bytes),
            _ => {}
        }
        self.bytes += bytes;
    }

    /// Bytes held by this claim.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Reserves capacity for `more` items in `vec`, after entering it in the memory accounting.
    pub fn reserve<T>(&mut self, vec: &mut Vec<T>, more: usize) -> Result<()> {
        let (capacity, needed) = (vec.capacity(), vec.len().checked_add(more).ok_or_else(out_of_memory)?);
        if needed > capacity {
            let added = (needed - capacity).checked_mul(size_of::<T>()).ok_or_else(out_of_memory)?;
            self.grow(added)?;
            if vec.try_reserve_exact(more).is_err() {
                self.shrink(added);
                return Err(out_of_memory());
            }
        }
        Ok(())
    }

    /// As [`reserve`](Claim::reserve), but capacity at least doubles when it grows.
    #[inline]
    pub fn reserve_doubling<T>(&mut self, vec: &mut Vec<T>, more: usize) -> Result<()> {
        if vec.capacity() - vec.len() < more { self.reserve(vec, more.max(vec.len())) } else { Ok(()) }
    }

    /// Appends an item, doubling the vector's capacity when it is full.
    #[inline]
    pub fn push<T>(&mut self, vec: &mut Vec<T>, item: T) -> Result<()> {
        if vec.len() == vec.capacity() {
            self.reserve(vec, vec.len().max(4))?;
        }
        vec.push(item);
        Ok(())
    }

    /// Extends a vector to `len` items with defaults, if it is shorter; its capacity at least doubles when it grows.
    pub fn extend_to<T: Clone + Default>(&mut self, vec: &mut Vec<T>, len: usize) -> Result<()> {
        if len > vec.len() {
            if len > vec.capacity() {
                self.reserve(vec, (len - vec.len()).max(vec.len()))?;
            }
            vec.resize(len, T::default());
        }
        Ok(())
    }

    /// The items of an iterator of known length, entered in the memory accounting: `collect` for sizes that grow with data.
    pub fn collected<T>(&mut self, items: impl ExactSizeIterator<Item = T>) -> Result<Vec<T>> {
        let mut vec = Vec::new();
        self.reserve(&mut vec, items.len())?;
        for (i, item) in items.take(vec.capacity()).enumerate() {
            if i % POLL_EVERY == POLL_EVERY - 1 {
                poll();
            }
            vec.push(item);
        }
        Ok(vec)
    }

    /// A vector of `len` copies of `item`, entered in the memory accounting.
    pub fn filled<T: Clone>(&mut self, item: T, len: usize) -> Result<Vec<T>> {
        let mut vec = Vec::new();
        self.reserve(&mut vec, len)?;
        vec.resize(len, item);
        Ok(vec)
    }
}

impl Default for Claim {
    fn default() -> Self {
        Claim::new()
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.shrink(self.bytes);
        if self.of_state {
            CLAIMS.set(CLAIMS.get() - 1);
        }
    }
}
