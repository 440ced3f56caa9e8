//! `survival_quantiles`: several quantiles of the time to the event.

use super::Survival;
use super::readout::{BOUNDS, CONFIDENCE, shown};
use crate::base::error::Result;
use crate::base::state::State;
use crate::function::{Argument, Call, Function, Reads, Role, Rows, Stored, Type, column};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "survival_quantiles",
    path: "survival::survival_quantiles",
    example: "",
    summary: "quantiles of the time to the event in seconds, with confidence bounds; NULL if observation ends before",
    arguments: &[
        Argument {
            name: "quantiles",
            kind: Type::Doubles,
            role: Role::Value,
            default: "'{0.25,0.5,0.75,0.9}'",
            about: "the quantiles, as shares between 0 and 1",
        },
        CONFIDENCE,
        BOUNDS,
    ],
    columns: &[
        column("quantile", Type::Double, "the share"),
        column(
            "seconds",
            Type::Double,
            "time by which the event has happened to that share; NULL if observation ends before",
        ),
        column("seconds_low", Type::Double, "its lower bound"),
        column("seconds_high", Type::Double, "its upper bound"),
    ],
    reads: Reads::Value(Stored::Survival),
    segmented: false,
    scalar: false,
    zoned: false,
    rows: 4,
    run,
};

/// The default quantiles.
const QUANTILES: [Option<f64>; 4] = [Some(0.25), Some(0.5), Some(0.75), Some(0.9)];

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let curve = shown(call, call.value(0, Survival::decode)?.as_ref())?.unwrap_or_default();
    let shares = call.doubles("quantiles").unwrap_or(&QUANTILES);
    shares.iter().flatten().try_for_each(|&share| {
        let time = curve.quantile("quantiles", share)?;
        rows.row(&mut [share.into(), time.seconds.into(), time.low.into(), time.high.into()])
    })
}
