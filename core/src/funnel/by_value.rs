//! The value of `by` under which a user is counted in a funnel.

use super::way::Way;
use super::{Journey, Mode};
use crate::base::error::Result;
use crate::base::user_table::is_blank;
use crate::function::Call;
use crate::history::Timeline;

/// Which value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByValue {
    /// The first one told.
    First,
    /// The last one told.
    Last,
    /// Every one: the requests with each value have a funnel of their own.
    Each,
    /// That of the request that is a step of the match reported: 0 is the first. Users who did not reach it have none.
    Step(usize),
}

impl ByValue {
    /// The one of a call, or an error.
    pub(super) fn given(call: &Call<'_>, way: &Way) -> Result<Self> {
        let given = call.text("by_value").unwrap_or("first");
        let steps = way.rules.steps;
        let step = given.strip_prefix("step ").and_then(|number| number.parse().ok());
        match (given, step) {
            ("first", _) => Ok(ByValue::First),
            ("last", _) => Ok(ByValue::Last),
            ("each", _) => Ok(ByValue::Each),
            (_, Some(_)) if way.rules.mode == Mode::Unordered => call.refuse(
                "by_value",
                given,
                "first, last or each, for with mode unordered no request is a certain step",
            ),
            (_, Some(number)) if (1..=steps).contains(&number) => Ok(ByValue::Step(number - 1)),
            _ => call.refuse("by_value", given, &format!("first, last, each, or one of step 1 to step {steps}")),
        }
    }

    /// The value of a user, if it does not depend on the match; 0 for none.
    pub(super) fn of_user(self, call: &Call<'_>, user: &Timeline<'_>, segment: Option<usize>) -> u32 {
        let mut told = user.codes(segment).unwrap_or_default().iter().copied().zip(user.at.iter().copied());
        match self {
            ByValue::First => {
                let Some((_, first)) = told.find(|&(code, _)| is_told(call, segment, code)) else { return 0 };
                let from = user.at.partition_point(|&at| at < first);
                least(call, user, segment, (from..user.at.len()).take_while(|&request| user.at[request] == first))
            }
            ByValue::Last => call.told_last(segment, told.filter(|&(code, _)| is_told(call, segment, code))),
            ByValue::Each | ByValue::Step(_) => 0,
        }
    }

    /// The value of a user with a match; `known` is that of the user.
    pub(super) fn of_journey(
        self,
        call: &Call<'_>,
        user: &Timeline<'_>,
        segment: Option<usize>,
        marks: &[u64],
        journey: &Journey,
        known: u32,
    ) -> u32 {
        let ByValue::Step(step) = self else { return known };
        let Some(at) = journey.at(step) else { return 0 };
        let from = user.at.partition_point(|&other| other < at);
        let here = (from..user.at.len()).take_while(|&request| user.at[request] == at);
        least(call, user, segment, here.filter(|&request| marks[request] >> step & 1 != 0))
    }
}

/// Of several requests at one instant, the least value told.
fn least(call: &Call<'_>, user: &Timeline<'_>, segment: Option<usize>, requests: impl Iterator<Item = usize>) -> u32 {
    let codes = user.codes(segment).unwrap_or_default();
    let told = requests.filter_map(|request| codes.get(request).copied()).filter(|&code| is_told(call, segment, code));
    told.min_by(|a, b| call.text_of(segment, *a).cmp(&call.text_of(segment, *b))).unwrap_or(0)
}

fn is_told(call: &Call<'_>, segment: Option<usize>, code: u32) -> bool {
    call.text_of(segment, code).is_some_and(|text| !is_blank(text))
}
