//! The contract of every mergeable value.

use crate::base::error::Result;

/// A partial result: built row by row, merged in any order, stored as bytes.
///
/// The laws, checked for every state by `tests/laws.rs`: merging is associative and commutative, the empty state is neutral,
/// any split of the rows merges to the same bytes as the whole, `decode(encode(x))` is `x`, and `decode` answers any bytes
/// with a value or an [`Error`](crate::Error), never a panic. Every state enters its memory in the memory account of
/// [`memory`](crate::base::memory).
pub trait State: Sized {
    /// A state of the same kind (same users, same zone, same options) without rows.
    fn empty(&self) -> Self;

    /// Merges `other`.
    fn merge(&mut self, other: &Self) -> Result<()>;

    /// As [`merge`](State::merge), of a state that is no longer needed.
    fn absorb(&mut self, other: Self) -> Result<()> {
        self.merge(&other)
    }

    /// Adds what was buffered while rows came; merging and encoding give the same without it, only more slowly.
    fn settle(&mut self) -> Result<()>;

    /// The canonical bytes: equal states have equal bytes. See [`wire`](crate::base::wire) for the frame.
    fn encode(&self) -> Result<Vec<u8>>;

    /// Decodes the bytes written by [`encode`](State::encode).
    fn decode(bytes: &[u8]) -> Result<Self>;

    /// As [`decode`](State::decode), for bytes whose content was already checked when they were written or stored: only
    /// their frame is checked. Invalid content is detected at the latest when it is merged or read.
    fn adopt(bytes: &[u8]) -> Result<Self> {
        Self::decode(bytes)
    }
}
