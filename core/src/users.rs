//! Single users, and comparison with peers: profile, preferences, properties, and usage against plan limits.

use crate::function::Function;

pub mod benchmark;
pub mod plans;
pub mod preferences;
pub mod profile;
pub mod properties;

/// The functions about users.
pub const FUNCTIONS: &[&[&Function]] =
    &[profile::FUNCTIONS, preferences::FUNCTIONS, benchmark::FUNCTIONS, properties::FUNCTIONS, plans::FUNCTIONS];
