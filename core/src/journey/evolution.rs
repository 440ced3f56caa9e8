//! Usage by week since users' first day. Definition D52.

use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::function::{Argument, Call, Function, Role, Type};
use crate::journey::rating::Scale;
use crate::sessions::Limits;

mod panels;
pub mod usage_evolution;
pub mod usage_evolution_json;

/// The functions about usage evolution.
pub const FUNCTIONS: &[&Function] = &[&usage_evolution::FUNCTION, &usage_evolution_json::FUNCTION];

/// The argument for the weeks to report.
const WEEKS: Argument = Argument {
    name: "weeks",
    kind: Type::Integers,
    role: Role::Value,
    default: "'{1,4,12}'",
    about: "weeks to report, from 1 to 520; week 1 is the user's first local day and the six days after it",
};

/// The panels, in the order of rows.
const PANELS: [&str; 2] = ["all", "same_users"];

/// The parameters.
#[derive(Debug)]
struct Terms {
    /// The weeks, distinct, ascending.
    weeks: Vec<i32>,
    scale: Option<Scale>,
    limits: Limits,
}

/// The weeks of a call, distinct, ascending; or an error.
fn weeks(call: &Call<'_>, claim: &mut Claim) -> Result<Vec<i32>> {
    let given = call.integers(WEEKS.name).unwrap_or_default();
    let mut weeks = claim.collected(given.iter().map(|week| week.unwrap_or(0)))?;
    if weeks.is_empty() || !weeks.iter().all(|week| (1..=520).contains(week)) {
        return call.refuse("weeks", format!("{weeks:?}"), "numbers of weeks from 1 to 520, such as '{1,4,12}'");
    }
    weeks.sort_unstable();
    weeks.dedup();
    Ok(weeks)
}

impl Terms {
    /// The terms of a call, or an error for an invalid argument.
    fn of(call: &Call<'_>, weeks: Vec<i32>) -> Result<Self> {
        let scale = Scale::of(call)?;
        let limits = Limits::given(call)?;
        Ok(Terms { weeks, scale, limits })
    }
}
