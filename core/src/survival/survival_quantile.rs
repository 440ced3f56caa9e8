//! `survival_quantile`: a quantile of the time to the event.

use super::Survival;
use super::readout::shown;
use crate::base::error::Result;
use crate::base::state::State;
use crate::function::{Argument, Call, Function, REQUIRED, Reads, Role, Rows, Stored, Type, column};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "survival_quantile",
    path: "survival::survival_quantile",
    example: "0.9",
    summary: "quantile of the time to the event in seconds; NULL if observation ends before",
    arguments: &[Argument {
        name: "quantile",
        kind: Type::Double,
        role: Role::Value,
        default: REQUIRED,
        about: "the quantile, as a share between 0 and 1; NULL gives NULL",
    }],
    columns: &[column("seconds", Type::Double, "time in seconds; NULL if observation ends before")],
    reads: Reads::Value(Stored::Survival),
    segmented: false,
    scalar: true,
    zoned: false,
    rows: 1,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    call.double("quantile").map_or(Ok(()), |share| tell(call, share, rows))
}

/// Returns the time of a quantile.
pub(super) fn tell(call: &Call<'_>, share: f64, rows: &mut dyn Rows) -> Result<()> {
    let Some(curve) = shown(call, call.value(0, Survival::decode)?.as_ref())? else { return Ok(()) };
    rows.row(&mut [curve.quantile("quantile", share)?.seconds.into()])
}
