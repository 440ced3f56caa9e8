//! Lifecycle stages of users, transitions between them, and acquisition. Definitions D97-D103.
//!
//! Each user is in exactly one stage on each day: the first that fits of lapsed, dormant, growth, retention, activation,
//! acquisition.

use crate::function::{Argument, Function, NO_DEFAULT, Role, Type};

pub mod acquisition;
mod judged;
pub mod lifecycle_stage;
pub mod lifecycle_transitions;
mod lives;

/// The functions about stages.
pub const FUNCTIONS: &[&Function] =
    &[&lifecycle_stage::FUNCTION, &lifecycle_transitions::FUNCTION, &acquisition::FUNCTION];

/// A stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// None of the others.
    Acquisition,
    /// Has been activated.
    Activation,
    /// Active in at least three of the last four weeks.
    Retention,
    /// As retention, and a power user or upgraded.
    Growth,
    /// No request in the last 28 days, but on so many of the 28 days before that this is unlikely by chance.
    Lapsed,
    /// No request in the last 28 days, and not lapsed.
    Dormant,
}

impl Stage {
    /// All stages, in the order of the lifecycle.
    pub const ALL: [Stage; 6] =
        [Stage::Acquisition, Stage::Activation, Stage::Retention, Stage::Growth, Stage::Lapsed, Stage::Dormant];

    /// Its name in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Acquisition => "acquisition",
            Stage::Activation => "activation",
            Stage::Retention => "retention",
            Stage::Growth => "growth",
            Stage::Lapsed => "lapsed",
            Stage::Dormant => "dormant",
        }
    }
}

/// The argument for the order of tiers.
const TIERS: Argument = Argument {
    name: "tiers",
    kind: Type::Texts,
    role: Role::Value,
    default: NO_DEFAULT,
    about: "tiers, from the lowest to the highest; by default no upgrade is known",
};

/// The argument for the property that holds a request's tier.
const TIER_PROPERTY: Argument = Argument {
    name: "tier_property",
    kind: Type::Text,
    role: Role::ColumnFor("tiers"),
    default: "'UserTier'",
    about: "column or property that holds the tier; read only with tiers",
};
