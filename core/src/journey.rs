//! User journeys: onboarding, feature adoption, and usage evolution.

use crate::function::Function;

pub mod adoption;
pub mod evolution;
pub mod milestones;
pub mod onboarding;
pub mod rating;

/// The functions about user journeys.
pub const FUNCTIONS: &[&[&Function]] = &[onboarding::FUNCTIONS, adoption::FUNCTIONS, evolution::FUNCTIONS];
