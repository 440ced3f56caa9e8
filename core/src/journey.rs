//! The journey of users: onboarding, adoption of features, and how usage evolves.

use crate::function::Function;

pub mod adoption;
pub mod evolution;
pub mod milestones;
pub mod onboarding;
pub mod rating;

/// The functions about the journey.
pub const FUNCTIONS: &[&[&Function]] = &[onboarding::FUNCTIONS, adoption::FUNCTIONS, evolution::FUNCTIONS];
