//! The value of `by` at a step of a funnel.

use super::way::Way;
use super::{Journey, Mode};
use crate::base::error::Result;
use crate::function::{Call, STEP};
use crate::history::Timeline;

/// The index of the step whose value counts, or an error; `None` if it is not that of a step.
pub(super) fn step_given(call: &Call<'_>, way: &Way) -> Result<Option<usize>> {
    let given = call.text("by_value").unwrap_or("first");
    let Some(number) = given.strip_prefix(STEP) else { return Ok(None) };
    if way.rules.mode == Mode::Unordered {
        let accepted = "first, last or each, for with mode unordered no request is a certain step";
        return call.refuse("by_value", given, accepted);
    }
    let steps = way.rules.steps;
    match number.parse() {
        Ok(number) if (1..=steps).contains(&number) => Ok(Some(number - 1)),
        _ => call.refuse("by_value", given, &format!("first, last, each, or one of step 1 to step {steps}")),
    }
}

/// The value at a step of a match, of several requests at that instant the greatest told by its bytes; 0 if the step was not
/// reached, or if none is told.
pub(super) fn at_step(
    call: &Call<'_>,
    user: &Timeline<'_>,
    segment: Option<usize>,
    marks: &[u64],
    journey: &Journey,
    step: usize,
) -> u32 {
    let Some(at) = journey.at(step) else { return 0 };
    let codes = user.codes(segment).unwrap_or_default();
    let from = user.at.partition_point(|&other| other < at);
    let here = (from..user.at.len()).take_while(|&request| user.at[request] == at);
    let told =
        here.filter(|&request| marks[request] >> step & 1 != 0).filter_map(|request| codes.get(request).copied());
    told.filter(|&code| code != 0).max_by(|a, b| call.text_of(segment, *a).cmp(&call.text_of(segment, *b))).unwrap_or(0)
}
