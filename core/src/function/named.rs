//! Values of a fold with the texts of their codes.

use super::Call;
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::history::Table;

/// The value of a combination of codes, with the texts of the codes.
pub(crate) struct Named<'a, T> {
    pub(crate) codes: [u32; 3],
    pub(crate) texts: [Option<&'a [u8]>; 3],
    pub(crate) number: usize,
    pub(crate) value: &'a T,
}

/// The order of texts in results: by bytes, no text last.
pub(crate) fn text_order(text: Option<&[u8]>) -> (bool, &[u8]) {
    (text.is_none(), text.unwrap_or_default())
}

/// The content of a table with the texts of its codes in the given columns.
pub(crate) fn named<'a, T: Default>(
    call: &'a Call<'_>,
    columns: [Option<usize>; 3],
    table: &'a Table<T>,
    claim: &mut Claim,
) -> Result<Vec<Named<'a, T>>> {
    let name = |(codes, number, value): ([u32; 3], usize, &'a T)| {
        let text = |n: usize| call.text_of(columns[n], codes[n]);
        Named { codes, texts: [text(0), text(1), text(2)], number, value }
    };
    claim.collected(table.iter().map(name))
}

/// Values of segments, with their names.
pub(crate) type ByName<'a, T> = Vec<(Option<&'a [u8]>, T)>;

/// The values of segments, ordered by name.
pub(crate) fn by_name<'a, T: Default>(
    call: &'a Call<'_>,
    segments: Table<T>,
    claim: &mut Claim,
) -> Result<ByName<'a, T>> {
    let (mut named, column) = (Vec::new(), call.column("segment"));
    claim.reserve(&mut named, segments.len())?;
    named.extend(segments.into_values().map(|([.., code], value)| (call.text_of(column, code), value)));
    named.sort_by_key(|(name, _)| text_order(*name));
    Ok(named)
}
