//! `survival_summary`: the number of durations, the number of events, and the median time.

use super::Curve;
use super::Survival;
use super::readout::{BOUNDS, CONFIDENCE, shown};
use crate::base::error::Result;
use crate::base::state::State;
use crate::function::{Call, Cell, Function, Reads, Rows, Stored, Type, column};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "survival_summary",
    path: "survival::survival_summary",
    example: "",
    summary: "number of durations, number of events, and median time to the event with confidence bounds; NULL if \
              observation ends before",
    arguments: &[CONFIDENCE, BOUNDS],
    columns: &[
        column("observed", Type::Bigint, "number of durations that are counted"),
        column("events", Type::Bigint, "number of durations that ended with the event"),
        column("censored", Type::Bigint, "number of censored durations, without the event so far"),
        column(
            "left_out",
            Type::Bigint,
            "number of durations left out because they are below 0 or not finite, or do not end after their entry",
        ),
        column("median_seconds", Type::Double, "median time to the event"),
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
    let survival = call.value(0, Survival::decode)?;
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
