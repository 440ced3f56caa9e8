//! The mean of a variant and its error, of plain figures, of adjusted ones, of ratios and of quantiles.

use super::{Entry, Method, finite, quantiles};
use crate::base::error::Result;
use crate::experiment::{Arm, Moments, Purpose};
use xxhash_rust::xxh3::xxh3_64;

/// A share of a variance that rounding may leave of one that has been taken out.
const ROUNDING: f64 = 1e-12;

/// The mean of a variant's figures and their variance, as the comparison takes them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Estimate {
    pub(super) users: u64,
    pub(super) mean: f64,
    pub(super) variance: f64,
}

impl Estimate {
    /// The squared error of the mean.
    pub(super) fn error(&self) -> f64 {
        self.variance / self.users as f64
    }
}

/// How estimates are made of moments.
#[derive(Clone, Copy, Debug)]
pub(super) enum Maker {
    Plain,
    /// The quantile of this share of all figures.
    Quantile(f64),
    /// Less `slope` times what the second figure is off its mean over all variants.
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
        // What rounding leaves of a variance that is explained in full is no variance.
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
