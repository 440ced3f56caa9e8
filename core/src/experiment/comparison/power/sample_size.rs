//! `sample_size`: users that each variant needs to find an effect (the difference of the means or rates) with the given
//! power. Definition D95.

use super::{PLAN, asked, planned};
use crate::base::error::Result;
use crate::function::{Argument, Call, Function, Reads, Rows, Type, column};

/// The first argument, and the plan.
const ARGUMENTS: [Argument; 8] = {
    let [baseline, sd, power, confidence, alternative, comparisons, weights] = PLAN;
    let effect = asked("effect", Type::Double, "difference of the means or rates to detect");
    [effect, baseline, sd, power, confidence, alternative, comparisons, weights]
};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "sample_size",
    path: "experiment::comparison::power::sample_size",
    example: "0.02, baseline => 0.1",
    summary: "number of users in each variant needed to detect an effect (a difference of means or rates) with the \
              given power; requires baseline for a rate, sd for a mean",
    arguments: &ARGUMENTS,
    columns: &[column(
        "users",
        Type::Bigint,
        "users in each variant; with weights, in the smaller of the two compared",
    )],
    reads: Reads::Nothing,
    segmented: false,
    scalar: true,
    zoned: false,
    rows: 1,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let (figure, plan) = planned(call)?;
    let effect = call.double("effect");
    let Some(effect) = effect else { return call.refuse("effect", "NULL", "a number") };
    rows.row(&mut [super::sample_size(effect, figure, plan)?.into()])
}
