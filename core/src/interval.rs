//! Confidence bounds of a rate.

use crate::error::{Error, Result};
use statrs::distribution::{ContinuousCDF, Normal};

/// The 97.5 % point of the standard normal distribution: two-sided 95 % bounds.
const Z: f64 = 1.959_963_984_540_054;

/// The Wilson score bounds (95 %) of `successes` out of `trials`, `None` for no trials.
///
/// Unlike the textbook `p ± z·√(p(1-p)/n)` they stay within 0..1 and are honest for small groups and for rates of 0 and 1.
/// Source: E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22 (1927).
///
/// ```
/// # use user_metrics_core::interval::wilson;
/// let (low, high) = wilson(0, 10).unwrap();
/// assert_eq!(low, 0.0);
/// assert!((high - 0.277_532_799_862_889).abs() < 1e-12);
/// assert_eq!(wilson(0, 0), None);
/// ```
pub fn wilson(successes: u64, trials: u64) -> Option<(f64, f64)> {
    if trials == 0 {
        return None;
    }
    let (n, p) = (trials as f64, successes as f64 / trials as f64);
    let (z2, denominator) = (Z * Z, 1.0 + Z * Z / n);
    let centre = (p + z2 / (2.0 * n)) / denominator;
    let half = Z / denominator * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    // At 0 and 1 the bound is exact; rounding must not leave it a hair outside.
    let low = if successes == 0 { 0.0 } else { (centre - half).max(0.0) };
    let high = if successes == trials { 1.0 } else { (centre + half).min(1.0) };
    Some((low, high))
}

/// How many standard deviations two-sided bounds of a confidence, the argument `name`, are away from the middle.
///
/// ```
/// # use user_metrics_core::interval::two_sided;
/// assert!((two_sided("confidence", 0.95).unwrap() - 1.959_963_984_540_054).abs() < 1e-12);
/// assert!(two_sided("confidence", 95.0).is_err());
/// ```
pub fn two_sided(name: &'static str, confidence: f64) -> Result<f64> {
    if confidence > 0.0 && confidence < 1.0 {
        // Of the smaller tail, which keeps its digits where the confidence is next to 1.
        return Ok(-Normal::standard().inverse_cdf((1.0 - confidence) / 2.0));
    }
    Err(Error::Argument {
        name,
        given: confidence.to_string(),
        accepted: "a number between 0 and 1, such as 0.95".into(),
    })
}
