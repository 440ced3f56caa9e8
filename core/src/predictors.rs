//! Predictors of retention and churn: behaviour, early usage volume and seasonality; and the churn rate by period.

use crate::function::Function;

pub mod churn_rate;
pub mod drivers;
pub mod seasonality;
pub mod threshold;

/// Those of them that read an activity, over the requests of a log.
pub const OF_REQUESTS: &[&Function] = &[&churn_rate::of_requests::FUNCTION, &seasonality::of_requests::FUNCTION];

/// The functions about predictors.
pub const FUNCTIONS: &[&[&Function]] =
    &[drivers::FUNCTIONS, &[&churn_rate::FUNCTION], threshold::FUNCTIONS, seasonality::FUNCTIONS];
