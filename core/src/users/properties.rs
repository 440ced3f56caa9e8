//! What requests tell of their users in a JSON object, their properties.

use crate::function::Function;

mod object;
pub mod user_properties;

/// The functions that tell them.
pub const FUNCTIONS: &[&Function] = &[&user_properties::FUNCTION];
