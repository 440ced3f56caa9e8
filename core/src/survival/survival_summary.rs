//! `survival_summary`: how many durations there are, how many ended with the event, and the median time.

use super::Curve;
use super::readout::{CONFIDENCE, shown};
use crate::error::Result;
use crate::function::{Call, Cell, Function, Reads, Rows, Stored, Type, column};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "survival_summary",
    path: "survival::survival_summary",
    summary: "how many durations there are, how many ended with the event, and the median time with bounds; NULL where fewer than \
              half have been seen to",
    arguments: &[CONFIDENCE],
    columns: &[
        column("observed", Type::Bigint, "durations that are counted"),
        column("events", Type::Bigint, "those that ended with the event"),
        column("censored", Type::Bigint, "those that were still running"),
        column("left_out", Type::Bigint, "durations left out because they are below 0 or not finite"),
        column("median_seconds", Type::Double, "the time by which it has happened to half of them"),
        column("median_low", Type::Double, "its lower bound"),
        column("median_high", Type::Double, "its upper bound"),
    ],
    reads: Reads::Value(Stored::Survival),
    segmented: false,
    scalar: false,
    zoned: false,
    rows: 1,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let survival = call.survival()?;
    let curve = match (shown(call, survival.as_ref())?, &survival) {
        (Some(curve), _) => curve,
        (None, None) => Curve::default(),
        (None, Some(_)) => return rows.row(&mut [Cell::Null; 7]),
    };
    let time = curve.quantile("quantile", 0.5)?;
    rows.row(&mut [
        curve.observed().into(),
        curve.events().into(),
        curve.observed().saturating_sub(curve.events()).into(),
        survival.map_or(0, |survival| survival.left_out()).into(),
        time.seconds.into(),
        time.low.into(),
        time.high.into(),
    ])
}
