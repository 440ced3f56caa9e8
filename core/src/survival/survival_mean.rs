//! `survival_mean`: the restricted mean time to the event.

use super::Survival;
use super::readout::{CONFIDENCE, shown};
use crate::base::error::Result;
use crate::base::state::State;
use crate::function::{Argument, Call, Function, NO_DEFAULT, Reads, Role, Rows, Stored, Type, column};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "survival_mean",
    path: "survival::survival_mean",
    example: "",
    summary: "restricted mean time to the event in seconds, counting longer times as until_seconds, with confidence \
              bounds; NULL if observation ends before",
    arguments: &[
        Argument {
            name: "until_seconds",
            kind: Type::Double,
            role: Role::Value,
            default: NO_DEFAULT,
            about: "the longest time that counts, in seconds; by default the longest duration",
        },
        CONFIDENCE,
    ],
    columns: &[
        column("until_seconds", Type::Double, "the longest time that counts"),
        column(
            "mean_seconds",
            Type::Double,
            "mean of the time to the event or until_seconds, whichever is shorter: the area under the curve; NULL if \
             observation ends before",
        ),
        column("mean_low", Type::Double, "its lower bound; NULL without an event before until_seconds"),
        column("mean_high", Type::Double, "its upper bound"),
    ],
    reads: Reads::Value(Stored::Survival),
    segmented: false,
    scalar: false,
    zoned: false,
    rows: 1,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let curve = shown(call, call.value(0, Survival::decode)?.as_ref())?.unwrap_or_default();
    let mean = curve.mean(call.double("until_seconds"))?;
    let (low, high) = mean.bounds.unzip();
    rows.row(&mut [mean.until.into(), mean.seconds.into(), low.into(), high.into()])
}
