//! `survival_quantile`: by when it has happened to a share of them.

use super::readout::shown;
use crate::error::Result;
use crate::function::{Argument, Call, Function, REQUIRED, Reads, Role, Rows, Stored, Type, column};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "survival_quantile",
    path: "survival::survival_quantile",
    summary: "the time in seconds by which it has happened to a share of them; NULL where observation ends before",
    arguments: &[Argument {
        name: "quantile",
        kind: Type::Double,
        role: Role::Value,
        default: REQUIRED,
        about: "the share, between 0 and 1; NULL gives NULL",
    }],
    columns: &[column("seconds", Type::Double, "the time in seconds; NULL where observation ends before")],
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

/// Gives the time of a share.
pub(super) fn tell(call: &Call<'_>, share: f64, rows: &mut dyn Rows) -> Result<()> {
    let Some(curve) = shown(call, call.survival()?.as_ref())? else { return Ok(()) };
    rows.row(&mut [curve.quantile("quantile", share)?.seconds.into()])
}
