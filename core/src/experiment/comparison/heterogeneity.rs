//! Test whether an effect differs between segments. Definition D94.

use super::finite;
use crate::stats::tails::{chi_squared_above, probability};

/// Cochran's Q for effects in segments: the statistic, its degrees of freedom and its p value; `None` for fewer than two
/// effects with a known standard error. Definition D94.
///
/// `effects` are differences and their standard errors, as [`Row::error`](super::Row::error). Source: W. G. Cochran, "The
/// combination of estimates from different experiments", Biometrics 10 (1954).
pub fn heterogeneity(effects: &[(f64, f64)]) -> Option<(f64, f64, f64)> {
    let known = effects.iter().filter(|(effect, error)| effect.is_finite() && *error > 0.0 && error.is_finite());
    let known = known.map(|(effect, error)| (*effect, 1.0 / (error * error))).collect::<Vec<_>>();
    if known.len() < 2 {
        return None;
    }
    let weight = known.iter().map(|(_, weight)| weight).sum::<f64>();
    let mean = known.iter().map(|(effect, share)| effect * (share / weight)).sum::<f64>();
    let statistic = known.iter().map(|(effect, weight)| weight * (effect - mean) * (effect - mean)).sum::<f64>();
    let df = (known.len() - 1) as f64;
    let p = probability(chi_squared_above(statistic, df))?;
    finite(statistic).map(|statistic| (statistic, df, p))
}
