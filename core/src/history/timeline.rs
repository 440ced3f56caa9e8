//! One user's requests in time order, as ranges of arrays by column.

use super::Kind;
use crate::base::calendar::Micros;
use crate::base::encoding;
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::base::user_table::UserKey;
use std::ops::Range;

/// The values of a column, request by request.
#[derive(Debug)]
pub enum Values {
    /// Codes of texts; see [`Dictionary`](super::Dictionary).
    Codes(Vec<u32>),
    /// Hashes of session ids; 0 for no session.
    Sessions(Vec<u64>),
    /// Positions of ids and their lengths plus 1; 0 for none.
    Ids(Vec<(u32, u32)>),
    /// Numbers; NaN for an unknown one.
    Numbers(Vec<f64>),
    /// 0 for unknown, 1 for false, 2 for true.
    Flags(Vec<u8>),
}

/// Resizes a buffer to the given number of items with any content. Partitions have about the same size: its capacity grows
/// to what is needed and no further.
pub(super) fn sized<T: Clone + Default>(buffer: &mut Vec<T>, items: usize, claim: &mut Claim) -> Result<()> {
    if buffer.capacity() < items {
        buffer.clear();
        claim.reserve(buffer, items)?;
    }
    buffer.resize(items, T::default());
    Ok(())
}

/// Reorders values: `order` has, for each position, the position from which its value comes.
pub(super) fn permuted<T: Copy>(values: &mut [T], order: &[u32]) -> Result<()> {
    let mut claim = Claim::temporary();
    let old = claim.collected(values.iter().copied())?;
    values.iter_mut().zip(order).for_each(|(value, &from)| *value = old[from as usize]);
    Ok(())
}

impl Values {
    pub(super) fn new(kind: Kind) -> Self {
        match kind {
            Kind::Text => Values::Codes(Vec::new()),
            Kind::Session => Values::Sessions(Vec::new()),
            Kind::Id => Values::Ids(Vec::new()),
            Kind::Count | Kind::Number => Values::Numbers(Vec::new()),
            Kind::Flag | Kind::Status => Values::Flags(Vec::new()),
        }
    }

    /// Prepares for the given number of requests.
    pub(super) fn prepare(&mut self, rows: usize, claim: &mut Claim) -> Result<()> {
        match self {
            Values::Codes(values) => sized(values, rows, claim),
            Values::Sessions(values) => sized(values, rows, claim),
            Values::Ids(values) => sized(values, rows, claim),
            Values::Numbers(values) => sized(values, rows, claim),
            Values::Flags(values) => sized(values, rows, claim),
        }
    }

    /// Bytes of a value.
    pub(super) fn width(&self) -> usize {
        match self {
            Values::Codes(_) => 4,
            Values::Sessions(_) | Values::Ids(_) | Values::Numbers(_) => 8,
            Values::Flags(_) => 1,
        }
    }

    /// Reorders a range: `order` has, for each position, the position from which its value comes.
    pub(super) fn permute(&mut self, range: Range<usize>, order: &[u32]) -> Result<()> {
        match self {
            Values::Codes(values) => permuted(&mut values[range], order),
            Values::Sessions(values) => permuted(&mut values[range], order),
            Values::Ids(values) => permuted(&mut values[range], order),
            Values::Numbers(values) => permuted(&mut values[range], order),
            Values::Flags(values) => permuted(&mut values[range], order),
        }
    }
}

/// One user's requests in order of time.
#[derive(Clone, Copy, Debug)]
pub struct Timeline<'a> {
    /// The user.
    pub user: UserKey,
    /// The user's id, if the history keeps it.
    pub name: Option<&'a [u8]>,
    /// When the requests were made.
    pub at: &'a [Micros],
    pub(super) from: usize,
    pub(super) columns: &'a [Option<Values>],
    pub(super) ids: &'a [u8],
    /// A text column whose codes are replaced, and codes of at least that many requests, all the same.
    pub(super) instead: Option<(usize, &'a [u32])>,
}

impl<'a> Timeline<'a> {
    fn values(&self, column: Option<usize>) -> Option<(&'a Values, Range<usize>)> {
        let values = self.columns.get(column?)?.as_ref()?;
        Some((values, self.from..self.from + self.at.len()))
    }

    /// The requests from an instant on; all of them for `None`.
    pub fn since(&self, since: Option<Micros>) -> Self {
        let before = since.map_or(0, |since| self.at.partition_point(|at| *at < since));
        Timeline { at: &self.at[before..], from: self.from + before, ..*self }
    }

    /// The requests before an instant.
    pub fn before(&self, until: Micros) -> Self {
        Timeline { at: &self.at[..self.at.partition_point(|at| *at < until)], ..*self }
    }

    /// The same requests with one code in a text column: as many times as there are requests, or more.
    pub fn with_codes(&self, column: usize, codes: &'a [u32]) -> Self {
        Timeline { instead: Some((column, codes)), ..*self }
    }

    /// The codes of a text column, if the log has it.
    #[inline]
    pub fn codes(&self, column: Option<usize>) -> Option<&'a [u32]> {
        if let Some((instead, codes)) = self.instead
            && column == Some(instead)
        {
            return codes.get(..self.at.len());
        }
        match self.values(column)? {
            (Values::Codes(codes), range) => Some(&codes[range]),
            _ => None,
        }
    }

    /// The sessions of a session column, if the log has it.
    #[inline]
    pub fn sessions(&self, column: Option<usize>) -> Option<&'a [u64]> {
        match self.values(column)? {
            (Values::Sessions(sessions), range) => Some(&sessions[range]),
            _ => None,
        }
    }

    /// The numbers of a numeric column, if the log has it; NaN for an unknown one.
    #[inline]
    pub fn numbers(&self, column: Option<usize>) -> Option<&'a [f64]> {
        match self.values(column)? {
            (Values::Numbers(numbers), range) => Some(&numbers[range]),
            _ => None,
        }
    }

    /// The flag of a request in a column, if it is known.
    #[inline]
    pub fn flag(&self, column: Option<usize>, request: usize) -> Option<bool> {
        match self.values(column)? {
            (Values::Flags(flags), range) => match flags[range][request] {
                0 => None,
                flag => Some(flag == 2),
            },
            _ => None,
        }
    }

    /// The flags of a boolean column, if the log has it: 0 for unknown, 1 for false, 2 for true.
    #[inline]
    pub fn flags(&self, column: Option<usize>) -> Option<&'a [u8]> {
        match self.values(column)? {
            (Values::Flags(flags), range) => Some(&flags[range]),
            _ => None,
        }
    }

    /// The id of a request in a column.
    #[inline]
    pub fn id(&self, column: Option<usize>, request: usize) -> Option<&'a [u8]> {
        match self.values(column)? {
            (Values::Ids(places), range) => id(self.ids, places[range][request]),
            _ => None,
        }
    }
}

pub(super) fn id(ids: &[u8], (place, length): (u32, u32)) -> Option<&[u8]> {
    let length = length.checked_sub(1)?;
    ids.get(place as usize..place as usize + length as usize)
}

/// The number of characters of an id; each byte that is no text counts as one.
pub(super) fn characters(id: &[u8]) -> usize {
    if id.is_ascii() { id.len() } else { encoding::decoded(id).chars().count() }
}
