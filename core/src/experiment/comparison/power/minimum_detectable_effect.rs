//! `minimum_detectable_effect`: the smallest increase found with the given users in each variant and the given power.
//! Definition D95.

use super::{PLAN, asked, planned};
use crate::base::error::Result;
use crate::function::{Argument, Call, Function, Reads, Rows, Type, column};

/// The first argument, and the plan.
const ARGUMENTS: [Argument; 8] = {
    let [baseline, sd, power, confidence, alternative, comparisons, weights] = PLAN;
    let users = asked("users", Type::Bigint, "users in each variant; with weights, in the smaller of the two compared");
    [users, baseline, sd, power, confidence, alternative, comparisons, weights]
};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "minimum_detectable_effect",
    path: "experiment::comparison::power::minimum_detectable_effect",
    example: "5000, baseline => 0.1",
    summary: "smallest increase that an experiment with this many users in each variant detects with the given power; \
              requires baseline for a rate, sd for a mean",
    arguments: &ARGUMENTS,
    columns: &[column(
        "effect",
        Type::Double,
        "the increase; NULL, with a notice, if no increase up to a rate of 1 can be detected",
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
    let Some(users) = call.bigint("users") else { return call.refuse("users", "NULL", "a number") };
    let users = u64::try_from(users).unwrap_or(0);
    let effect = super::minimum_detectable_effect(users, figure, plan)?;
    if effect.is_none() {
        rows.notice(
            "no increase of this rate can be detected with so few users",
            "A rate cannot exceed 1. Plan with more users, less power or a lower confidence.",
        );
    }
    rows.row(&mut [effect.into()])
}
