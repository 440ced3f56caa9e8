//! How usage changes with the weeks since users began. Definition D52.

use crate::base::calendar::Micros;
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::function::{Argument, Call, Function, Reads, Role, Type};
use crate::journey::rating::Scale;
use crate::sessions::{Limits, MAX_IDLE};

mod panels;
pub mod usage_evolution;
pub mod usage_evolution_json;

/// The functions that tell it.
pub const FUNCTIONS: &[&Function] = &[&usage_evolution::FUNCTION, &usage_evolution_json::FUNCTION];

/// The argument that says which weeks are told.
const WEEKS: Argument = Argument {
    name: "weeks",
    kind: Type::Integers,
    role: Role::Value,
    default: "'{1,4,12}'",
    about: "weeks to report, from 1 to 520; week 1 is the user's first local day and the six days after it",
};

/// The arguments that say when a session ends.
const OF_SESSIONS: &[Argument] = Reads::Sessions { busy: false }.making();

/// The panels, in the order of rows.
const PANELS: [&str; 2] = ["all", "same_users"];

/// What is asked for.
#[derive(Debug)]
struct Terms {
    /// The weeks, each once, ascending.
    weeks: Vec<i32>,
    scale: Option<Scale>,
    limits: Limits,
}

/// The weeks of a call, each once, ascending; or a refusal of them.
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
    /// The terms of a call, or a refusal of the argument that is wrong.
    fn of(call: &Call<'_>, weeks: Vec<i32>) -> Result<Self> {
        let scale = Scale::of(call)?;
        let length = |name, default: Micros| Ok(call.length(name)?.unwrap_or(default));
        let limits =
            Limits { gap: length("session_gap", call.environment.session_gap)?, idle: length("max_idle", MAX_IDLE)? };
        Ok(Terms { weeks, scale, limits })
    }
}
