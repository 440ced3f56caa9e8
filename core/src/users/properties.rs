//! User properties: values logged with requests in a JSON object.

use crate::function::Function;

mod object;
pub mod property_history;
pub mod user_properties;

/// The functions about properties.
pub const FUNCTIONS: &[&Function] = &[&user_properties::FUNCTION, &property_history::FUNCTION];
