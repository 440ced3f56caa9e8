//! The stages of a user's life with the product, how they follow one another, and where users come from. Definitions
//! D97-D103.
//!
//! A user is in exactly one stage on each day: the first that fits of dormant, growth, retention, activation, acquisition.

use crate::function::{Argument, Function, NO_DEFAULT, Role, Type};

pub mod acquisition;
mod judged;
pub mod lifecycle_stage;
pub mod lifecycle_transitions;
mod lives;

/// The functions that tell them.
pub const FUNCTIONS: &[&Function] =
    &[&lifecycle_stage::FUNCTION, &lifecycle_transitions::FUNCTION, &acquisition::FUNCTION];

/// A stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// None of the others.
    Acquisition,
    /// Has at some time been activated.
    Activation,
    /// Active in at least three of the last four weeks.
    Retention,
    /// The same, and asks most or has gone up.
    Growth,
    /// No request in the last 28 days.
    Dormant,
}

impl Stage {
    /// All of them, in the order of a life.
    pub const ALL: [Stage; 5] =
        [Stage::Acquisition, Stage::Activation, Stage::Retention, Stage::Growth, Stage::Dormant];

    /// Its name in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Acquisition => "acquisition",
            Stage::Activation => "activation",
            Stage::Retention => "retention",
            Stage::Growth => "growth",
            Stage::Dormant => "dormant",
        }
    }
}

/// The argument that says which tiers there are.
const TIERS: Argument = Argument {
    name: "tiers",
    kind: Type::Texts,
    role: Role::Value,
    default: NO_DEFAULT,
    about: "tiers, from the lowest to the highest; by default no upgrade is known",
};

/// The argument that says where a request's tier stands.
const TIER_PROPERTY: Argument = Argument {
    name: "tier_property",
    kind: Type::Text,
    role: Role::ColumnFor("tiers"),
    default: "'UserTier'",
    about: "column or property that holds the tier; read only with tiers",
};
