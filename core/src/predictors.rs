//! Predictors of retention: behaviour, volume in the first days, and the season in which users begin; and churn by period.

use crate::function::Function;

pub mod churn_rate;
pub mod drivers;
pub mod seasonality;
pub mod threshold;

/// The functions about predictors.
pub const FUNCTIONS: &[&[&Function]] =
    &[drivers::FUNCTIONS, &[&churn_rate::FUNCTION], threshold::FUNCTIONS, seasonality::FUNCTIONS];
