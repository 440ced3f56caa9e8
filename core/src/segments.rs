//! User segments: every user in exactly one, with the values that decided it. Definitions D30-D35.

use crate::base::error::{Error, Result};
use crate::function::{Argument, Call, Function, NO_DEFAULT, Role, Type};

mod decline;
pub(crate) mod members;
mod power;
pub mod segment_summary;
pub mod segment_user;
pub mod segment_users;

pub use decline::decline_p;
pub use power::power_cutoff;
pub(crate) use power::{ceil_of_share, shown_cutoff};

/// The functions about segments.
pub const FUNCTIONS: &[&Function] = &[&segment_users::FUNCTION, &segment_user::FUNCTION, &segment_summary::FUNCTION];

/// A segment; each user is in the first that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment {
    /// First request less than the given number of days ago.
    New,
    /// Recently active, on at most half as many days as before, unlikely by chance.
    AtRisk,
    /// Among the users with the most requests.
    Power,
    /// Recently active, and none of the above.
    Casual,
    /// Not recently active, but on so many days before that this is unlikely by chance.
    Lapsed,
    /// Not recently active, and none of the above.
    Dormant,
}

impl Segment {
    /// All segments, in the order in which they are tried.
    pub const ALL: [Segment; 6] =
        [Segment::New, Segment::AtRisk, Segment::Power, Segment::Casual, Segment::Lapsed, Segment::Dormant];

    /// Its name in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Segment::New => "new",
            Segment::AtRisk => "at_risk",
            Segment::Power => "power",
            Segment::Casual => "casual",
            Segment::Lapsed => "lapsed",
            Segment::Dormant => "dormant",
        }
    }
}

/// The limits of the segments.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// The terms of power users.
    pub power: power::Terms,
    /// The number of 24-hour spans for which a user is new.
    pub new_days: u32,
    /// The number of recent weeks.
    pub recent_weeks: u32,
    /// The number of weeks before them that they are compared with.
    pub base_weeks: u32,
    /// The largest ratio of recent to earlier active days per week that is a decline.
    pub max_decline_ratio: f64,
    /// The p value below which it is one.
    pub max_decline_p: f64,
    /// The fewest earlier active days for a decline.
    pub min_base_days: u64,
}

const fn argument(name: &'static str, kind: Type, default: &'static str, about: &'static str) -> Argument {
    Argument { name, kind, role: Role::Value, default, about }
}

/// The arguments for the limits, and for custom rules in their place.
pub(crate) const TERMS: [Argument; 10] = [
    argument(
        "power_share",
        Type::Double,
        "0.10",
        "share of the recently active users who are power users, from 0 to 1, rounded up to whole users",
    ),
    argument(
        "ties",
        Type::Text,
        "'include'",
        "whether users with exactly as many requests as the last within the share are power users if not all fit: \
         include for all of them, exclude for none",
    ),
    argument("min_users", Type::Integer, "10", "fewest recently active users for there to be power users, 1 or more"),
    argument(
        "new_days",
        Type::Integer,
        "30",
        "users whose first request is less than this many spans of 24 hours ago are new, from 0 to 36500",
    ),
    argument("recent_weeks", Type::Integer, "4", "number of recent weeks of 168 hours, from 1 to 520"),
    argument(
        "base_weeks",
        Type::Integer,
        "4",
        "number of base weeks before them, with which they are compared, from 1 to 520",
    ),
    argument(
        "max_decline_ratio",
        Type::Double,
        "0.5",
        "largest ratio of active days per week, recent over base, of a user at risk or lapsed, from 0 to 1",
    ),
    argument(
        "max_decline_p",
        Type::Double,
        "0.05",
        "probability of the decline below which a user is at risk or lapsed, from 0 to 1",
    ),
    argument("min_base_days", Type::Integer, "5", "fewest base days of a user at risk or lapsed, 1 or more"),
    Argument {
        name: "rules",
        kind: Type::Json,
        role: Role::Rules,
        default: NO_DEFAULT,
        about: "custom segments in place of the six: a JSON array of rules, of which the first that matches applies",
    },
];

impl Terms {
    /// The terms of a call, or an error for an invalid argument.
    pub(crate) fn of(call: &Call<'_>) -> Result<Self> {
        let share = |name| match call.double(name) {
            Some(share @ 0.0..=1.0) => Ok(share),
            given => {
                call.refuse(name, given.map_or("NULL".to_owned(), |given| given.to_string()), "a number from 0 to 1")
            }
        };
        let count = |name, range: std::ops::RangeInclusive<i32>, accepted: &str| match call.integer(name) {
            Some(given) if range.contains(&given) => Ok(given.unsigned_abs()),
            given => call.refuse(name, given.map_or("NULL".to_owned(), |given| given.to_string()), accepted),
        };
        let (any, weeks) = ("a number of 1 or more", "a number of weeks from 1 to 520");
        let power_share = share("power_share")?;
        let (max_decline_ratio, max_decline_p) = (share("max_decline_ratio")?, share("max_decline_p")?);
        let ties_included = match call.text("ties") {
            Some("include") => true,
            Some("exclude") => false,
            given => return Err(Error::not_one_of("ties", given.unwrap_or("NULL"), &["include", "exclude"])),
        };
        Ok(Terms {
            power: power::Terms {
                power_share,
                ties_included,
                min_users: count("min_users", 1..=i32::MAX, any)?.into(),
            },
            new_days: count("new_days", 0..=36_500, "a number of days from 0 to 36500")?,
            recent_weeks: count("recent_weeks", 1..=520, weeks)?,
            base_weeks: count("base_weeks", 1..=520, weeks)?,
            max_decline_ratio,
            max_decline_p,
            min_base_days: count("min_base_days", 1..=i32::MAX, any)?.into(),
        })
    }

    /// The fewest base days of a user without recent requests who has lapsed.
    pub(crate) fn least_lapsed(&self) -> Result<u64> {
        let (recent, base) = (f64::from(self.recent_weeks), f64::from(self.base_weeks));
        let mut days = self.min_base_days;
        while decline_p(0, days, recent / (recent + base))?.is_none_or(|chance| chance >= self.max_decline_p) {
            days += 1;
        }
        Ok(days)
    }

    /// The default terms.
    pub(crate) const STANDARD: Terms = Terms {
        power: power::Terms { power_share: 0.10, ties_included: true, min_users: 10 },
        new_days: 30,
        recent_weeks: 4,
        base_weeks: 4,
        max_decline_ratio: 0.5,
        max_decline_p: 0.05,
        min_base_days: 5,
    };
}
