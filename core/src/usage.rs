//! Usage: how much, when, and with which features and models. Folds over users' requests, one file each.

use crate::function::{Function, Past, Requests};
use crate::stats::sum::Sum;

pub mod feature_usage;
pub mod model_stickiness;
pub mod model_switches;
pub mod model_usage;
mod names;
pub mod peak_hours;
pub mod request_complexity;
pub mod usage_heatmap;
pub mod usage_patterns;

/// The functions about usage.
pub const FUNCTIONS: &[&Function] = &[
    &usage_patterns::FUNCTION,
    &peak_hours::FUNCTION,
    &usage_heatmap::FUNCTION,
    &feature_usage::FUNCTION,
    &model_usage::FUNCTION,
    &model_stickiness::FUNCTION,
    &model_switches::FUNCTION,
    &request_complexity::FUNCTION,
];

/// What functions about transitions between models read.
static OF_TRANSITIONS: Requests =
    Requests { past: Past::Nothing, columns: &["request_id", "succeeded"], needed: &["model"], names: false };

/// The largest double that fits a bigint.
const MOST: f64 = 9_223_372_036_854_774_784.0;

/// A sum of tokens as a whole number, which is the largest bigint if it is beyond; `None` if none are known.
fn tokens(sum: &Sum) -> Option<u64> {
    sum.value().map(|sum| sum.min(MOST).round_ties_even() as u64)
}
