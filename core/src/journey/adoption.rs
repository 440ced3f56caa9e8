//! Feature adoption: stages, barriers, and the timing of first use. Definitions D48, D50, D51.

use crate::base::days::Day;
use crate::base::encoding;
use crate::base::error::Result;
use crate::function::{Argument, Call, Function, REQUIRED, Role, Type};

pub mod adoption_barriers;
pub mod feature_adoption;
pub mod feature_timing;
mod prompts;

/// The functions about feature adoption.
pub const FUNCTIONS: &[&Function] =
    &[&feature_adoption::FUNCTION, &adoption_barriers::FUNCTION, &feature_timing::FUNCTION];

/// The argument that names a feature.
const FEATURE: Argument = Argument {
    name: "feature",
    kind: Type::Text,
    role: Role::Value,
    default: REQUIRED,
    about: "the feature, as named in the log",
};

/// The argument for the days of use required for adoption.
const MIN_DAYS: Argument = Argument {
    name: "min_days",
    kind: Type::Integer,
    role: Role::Value,
    default: "3",
    about: "number of days of use that counts as adoption, from 1 to 3650",
};

/// The argument for the number of days within which.
const WITHIN_DAYS: Argument = Argument {
    name: "within_days",
    kind: Type::Integer,
    role: Role::Value,
    default: "28",
    about: "number of days for adoption, the first day of use included, from min_days to 3650",
};

/// The largest number of days of an argument.
const MOST_DAYS: i32 = 3650;

/// A whole-number argument, or an error if it is out of range.
fn whole(call: &Call<'_>, name: &'static str, least: i32, most: i32) -> Result<i32> {
    match call.integer(name) {
        Some(given) if (least..=most).contains(&given) => Ok(given),
        given => {
            let given = given.map_or("NULL".to_owned(), |given| given.to_string());
            call.refuse(name, given, &format!("a whole number from {least} to {most}"))
        }
    }
}

/// The feature of a call, or an error if there is none.
fn feature<'c>(call: &Call<'c>) -> Result<&'c str> {
    match call.text("feature") {
        Some(feature) => Ok(feature),
        None => call.refuse("feature", "NULL", "the name of a feature, as the log has it"),
    }
}

/// The code of a text in a text column, if the log contains it.
fn code(call: &Call<'_>, column: Option<usize>, text: &str) -> Option<u32> {
    let (dictionary, text) = (call.history?.dictionary(column?), encoding::encoded(text).ok()?);
    let place = dictionary.texts().position(|known| known == &*text)?;
    u32::try_from(place + 1).ok()
}

/// The terms of adoption.
#[derive(Clone, Copy, Debug)]
struct Terms {
    min_days: usize,
    within_days: Day,
}

impl Terms {
    /// The terms of the arguments min_days and within_days, each checked by itself.
    fn of(call: &Call<'_>) -> Result<Self> {
        let min_days = whole(call, "min_days", 1, MOST_DAYS)?;
        let within_days = whole(call, "within_days", 1, MOST_DAYS)?;
        Ok(Terms { min_days: min_days as usize, within_days })
    }

    /// Rejects more days of use than the period has.
    fn check(&self, call: &Call<'_>) -> Result<()> {
        match self.min_days > self.within_days as usize {
            true => call.refuse("min_days", self.min_days, "no more days than within_days"),
            false => Ok(()),
        }
    }

    /// Whether the period has elapsed, for a user whose first use was on `first`.
    fn has_elapsed(&self, first: Day, end: Day) -> bool {
        first.saturating_add(self.within_days) <= end
    }

    /// Whether the feature is adopted: `days` are the distinct days of use, ascending.
    fn is_adopted(&self, mut days: impl Iterator<Item = Day> + Clone) -> bool {
        let enough = days.clone().nth(self.min_days - 1);
        let first = days.next();
        first.zip(enough).is_some_and(|(first, enough)| enough < first.saturating_add(self.within_days))
    }
}
