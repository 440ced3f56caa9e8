//! The mean of a variant and its standard error: of plain values, adjusted ones, ratios and quantiles.

use super::{Entry, Method, finite, quantiles};
use crate::base::error::Result;
use crate::experiment::{Arm, Moments, Purpose};
use xxhash_rust::xxh3::xxh3_64;

/// The share of a variance that rounding may leave when all of it is explained.
const ROUNDING: f64 = 1e-12;

/// The mean of a variant's values and their variance, as used in the comparison.
#[derive(Clone, Copy, Debug)]
pub(super) struct Estimate {
    pub(super) users: u64,
    pub(super) mean: f64,
    pub(super) variance: f64,
}

impl Estimate {
    /// The squared standard error of the mean.
    pub(super) fn error(&self) -> f64 {
        self.variance / self.users as f64
    }
}

/// How estimates are computed from moments.
#[derive(Clone, Copy, Debug)]
pub(super) enum Maker {
    Plain,
    /// This quantile of all values.
    Quantile(f64),
    /// Minus `slope` times the deviation of the second value from its mean over all variants.
    Adjusted {
        slope: f64,
        mean: f64,
    },
    Ratio,
}

impl Maker {
    pub(super) fn of(entry: &Entry<'_>) -> Result<(Self, Option<&'static str>)> {
        let experiment = entry.experiment;
        if entry.method == Method::Quantile {
            return Ok((Maker::Quantile(entry.quantile), None));
        }
        Ok(match experiment.purpose() {
            Purpose::Mean | Purpose::Sample => (Maker::Plain, None),
            Purpose::Ratio | Purpose::Lists => (Maker::Ratio, None),
            Purpose::Adjusted => {
                let all = experiment.pooled()?.moments();
                let slope = all.covariance / all.second_variance;
                match finite(slope) {
                    Some(slope) => (Maker::Adjusted { slope, mean: all.second_mean }, None),
                    None => (Maker::Plain, Some("the covariate does not vary, so nothing is adjusted")),
                }
            }
        })
    }

    pub(super) fn estimate(self, arm: &Arm) -> Result<Estimate> {
        let Moments { users, mean, variance, second_mean, second_variance, covariance } = arm.moments();
        // The rounding error left of a fully explained variance counts as 0.
        let rest = |variance: f64, of: f64| if variance <= of * ROUNDING { 0.0 } else { variance };
        Ok(match self {
            Maker::Plain => Estimate { users, mean, variance },
            Maker::Quantile(share) => {
                let found = quantiles::quantile(arm.lists(), share, xxh3_64(arm.name()))?;
                let (mean, error) = found.unwrap_or((f64::NAN, f64::NAN));
                Estimate { users, mean, variance: error * error * users as f64 }
            }
            Maker::Adjusted { slope, mean: centre } => {
                let explained = slope * slope * second_variance;
                let left = variance - 2.0 * slope * covariance + explained;
                Estimate {
                    users,
                    mean: mean - slope * (second_mean - centre),
                    variance: rest(left, variance + explained),
                }
            }
            Maker::Ratio => {
                let ratio = mean / second_mean;
                let explained = ratio * ratio * second_variance;
                let left = variance - 2.0 * ratio * covariance + explained;
                let variance = rest(left, variance + explained) / (second_mean * second_mean);
                Estimate { users, mean: ratio, variance }
            }
        })
    }
}
