//! How a product is used: how much, when, which features and which models. Folds over users' requests, a file each.

use crate::calendar::{DAY_MICROS, Micros, Segment};
use crate::error::Result;
use crate::function::{Call, Function, Past, Requests};
use crate::history::Table;
use crate::host::{self, Claim};

pub mod feature_usage;
pub mod model_stickiness;
pub mod model_switches;
pub mod model_usage;
mod names;
pub mod peak_hours;
pub mod request_complexity;
pub mod usage_heatmap;
pub mod usage_patterns;

/// The functions that read them.
pub const FUNCTIONS: &[&Function] = &[
    &usage_patterns::FUNCTION,
    &peak_hours::FUNCTION,
    &usage_heatmap::FUNCTION,
    &feature_usage::FUNCTION,
    &model_usage::FUNCTION,
    &model_stickiness::FUNCTION,
    &model_switches::FUNCTION,
    &request_complexity::FUNCTION,
];

/// What functions about a user's way from one model to the next read.
static OF_TRANSITIONS: Requests = Requests {
    past: Past::Nothing,
    columns: &["request_id", "succeeded"],
    needed: &["model"],
    names: false,
    order: "",
};

/// What is kept for a combination of codes, with the texts of the codes.
struct Named<'a, T> {
    codes: [u32; 3],
    texts: [Option<&'a [u8]>; 3],
    number: usize,
    value: &'a T,
}

/// The order of texts in results: byte by byte, none last.
pub(crate) fn text_order(text: Option<&[u8]>) -> (bool, &[u8]) {
    (text.is_none(), text.unwrap_or_default())
}

/// Everything in a table with the texts of its codes in the given columns.
fn named<'a, T: Default>(
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

const HOUR_MICROS: i64 = DAY_MICROS / 24;

/// How often each hour of the local clock began from the hour of `first` on, which counts, up to and including `last`.
///
/// An hour begins when the clock shows it to the full, or is set into it from another hour: a change to summer time skips
/// one, a change back repeats one. `segment` gives the stretch of constant offset around an instant.
pub fn hour_begins(
    first: Micros,
    last: Micros,
    mut segment: impl FnMut(Micros) -> Result<Segment>,
) -> Result<[u64; 24]> {
    let mut begins = [0; 24];
    if last < first {
        return Ok(begins);
    }
    let mut here = segment(first)?;
    begins[hour(first, here.offset)] += 1;
    let mut at = first.saturating_add(1);
    loop {
        host::poll();
        // Full hours under this offset: an equal number of each, and the rest from the first on.
        let through = last.min(here.until.saturating_sub(1));
        if at <= through {
            let before = (i128::from(at) + i128::from(here.offset) - 1).div_euclid(HOUR_MICROS.into());
            let full = (i128::from(through) + i128::from(here.offset)).div_euclid(HOUR_MICROS.into()) - before;
            let (of_each, rest) = ((full / 24) as u64, full % 24);
            begins.iter_mut().for_each(|begun| *begun += of_each);
            (1..=rest).for_each(|i| begins[(before + i).rem_euclid(24) as usize] += 1);
        }
        at = here.until;
        if at > last || at == Micros::MAX {
            return Ok(begins);
        }
        let before = here.offset;
        here = segment(at)?;
        let is_full = at.saturating_add(here.offset).rem_euclid(HOUR_MICROS) == 0;
        if !is_full && number(at, here.offset) != number(at - 1, before) {
            begins[hour(at, here.offset)] += 1;
        }
    }
}

/// The number of a local hour, counted from 2000-01-01.
fn number(at: Micros, offset: Micros) -> i64 {
    at.saturating_add(offset).div_euclid(HOUR_MICROS)
}

/// The hour that the local clock shows.
fn hour(at: Micros, offset: Micros) -> usize {
    number(at, offset).rem_euclid(24) as usize
}
