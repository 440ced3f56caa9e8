//! The contract of every mergeable value.

use crate::base::error::Result;

/// A partial answer: fed row by row, merged in any order, carried as bytes.
///
/// The laws, checked for every state by `tests/laws.rs`: merging is associative and commutative, the empty state is
/// neutral, any split of the rows merges to the same bytes as the whole, `decode(encode(x))` is `x`, and `decode` answers
/// any bytes with a value or an [`Error`](crate::Error), never a panic. Every state enters its memory in the memory account of
/// [`memory`](crate::base::memory).
pub trait State: Sized {
    /// A state of the same kind (same users, same zone, same options) that has seen nothing.
    fn empty(&self) -> Self;

    /// Takes in what `other` has seen.
    fn merge(&mut self, other: &Self) -> Result<()>;

    /// As [`merge`](State::merge), of a state that nobody else needs.
    fn absorb(&mut self, other: Self) -> Result<()> {
        self.merge(&other)
    }

    /// Takes in what was put off while rows came; merging and encoding give the same without, only slower.
    fn settle(&mut self) -> Result<()>;

    /// The canonical bytes: equal states have equal bytes. See [`wire`](crate::base::wire) for the frame.
    fn encode(&self) -> Result<Vec<u8>>;

    /// Reads what [`encode`](State::encode) wrote.
    fn decode(bytes: &[u8]) -> Result<Self>;

    /// As [`decode`](State::decode), of bytes whose inside was looked at already, when they were written or stored: only
    /// their frame must be checked. What is wrong inside is refused at the latest where it is merged or read.
    fn adopt(bytes: &[u8]) -> Result<Self> {
        Self::decode(bytes)
    }
}
