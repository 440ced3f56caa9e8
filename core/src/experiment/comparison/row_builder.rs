//! Builder of rows: the effect, the estimates based on its standard error, and the verdict.

use super::estimate::Estimate;
use super::{Alternative, Better, Question, Row, Verdict, finite};
use crate::stats::tails::{normal_above, normal_density, probability};

/// The number of users for which the always-valid bounds are narrowest.
const TUNED_FOR: f64 = 5000.0;
/// The standard deviation of the prior of lifts: two of three experiments change less than this.
const PRIOR_SD: f64 = 0.3;

/// The variance of the mixture for which the always-valid bounds are narrowest at that number of users.
fn tuned(chance: f64) -> f64 {
    let spent = -2.0 * chance.ln();
    (spent + (spent + 1.0).ln()) / TUNED_FOR
}

/// The always-valid p value: the level at which bounds of this mixture just exclude an effect of `z` standard errors less.
fn always_valid_p(z: f64, users: f64, chance: f64) -> f64 {
    let grown = users * tuned(chance) + 1.0;
    (grown.ln() / 2.0 - z * z / 2.0 * (1.0 - 1.0 / grown)).exp().min(1.0)
}

/// Half the width of the always-valid bounds, given the squared standard error of an effect.
fn always_valid(error: f64, users: f64, chance: f64) -> f64 {
    let rho2 = tuned(chance);
    let grown = users * rho2 + 1.0;
    (error * users * 2.0 * grown / (users * users * rho2) * (grown.sqrt() / chance).ln()).sqrt()
}

/// The posterior probability of a lift above 0, and the expected loss.
fn posterior(lift: f64, error: f64) -> Option<(f64, f64)> {
    let precision = 1.0 / (PRIOR_SD * PRIOR_SD) + 1.0 / error;
    let (mean, sd) = (lift / error / precision, (1.0 / precision).sqrt());
    let z = mean / sd;
    let loss = sd * normal_density(z) - mean * normal_above(z);
    Some((finite(normal_above(-z))?, finite(loss)?.max(0.0)))
}

/// A row under construction, with its remarks.
pub(super) struct RowBuilder {
    pub(super) row: Row,
    reasons: Vec<String>,
    /// Users of the smaller of the two variants, and the number required.
    pub(super) fewest: Option<(u64, u64)>,
    pub(super) upwards: bool,
}

impl RowBuilder {
    pub(super) fn new(row: Row) -> Self {
        RowBuilder { row, reasons: Vec::new(), fewest: None, upwards: false }
    }

    pub(super) fn says(&mut self, reason: impl Into<String>) {
        let reason = reason.into();
        if !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
    }

    /// The effect, and its always-valid bounds: all that does not depend on the test.
    pub(super) fn effect(&mut self, variant: Estimate, control: Estimate, question: &Question) {
        let size = control.mean.abs();
        let all = variant.error() + control.error();
        let row = &mut self.row;
        row.error = finite(all.sqrt());
        row.lift = finite((variant.mean - control.mean) / size).filter(|_| size > 0.0);
        if let Some(half) = finite(always_valid(all, variant.users as f64 + control.users as f64, question.chance()))
            && all > 0.0
        {
            let difference = variant.mean - control.mean;
            (row.always_low, row.always_high) = (finite(difference - half), finite(difference + half));
            let off = difference - question.null();
            let is_against = match question.alternative {
                Alternative::TwoSided => true,
                Alternative::Greater => off > 0.0,
                Alternative::Less => off < 0.0,
            };
            let users = variant.users as f64 + control.users as f64;
            let p = if is_against { always_valid_p(off / all.sqrt(), users, question.chance()) } else { 1.0 };
            row.always_p = probability(p);
        }
        if size == 0.0 {
            self.says("the control's mean is 0, so that there is no lift");
        }
    }

    /// The bounds of the lift that the test does not reject, and the posterior of the lift. `error` is the standard error of
    /// the difference with which the test decides by the normal distribution, so that the posterior is never surer of a
    /// direction than the test is.
    pub(super) fn judged_lift(
        &mut self,
        bounds: Option<(f64, f64)>,
        (error, control): (f64, Estimate),
        better: Better,
        question: &Question,
    ) {
        let Some(lift) = self.row.lift else { return };
        let Some((low, high)) = bounds else {
            self.says("the control's mean is not clear of 0, so that the lift has no bounds");
            return;
        };
        (self.row.lift_low, self.row.lift_high) = question.alternative.sides(low, high);
        let error = (error / control.mean).powi(2);
        if error > 0.0 && error.is_finite() {
            let good = if better == Better::Lower { -lift } else { lift };
            (self.row.probability_better, self.row.expected_loss) = posterior(good, error).unzip();
        }
    }
}

/// The row with its verdict by the adjusted p value.
pub(super) fn judged(mut making: RowBuilder, better: Better, p_adjusted: Option<f64>, question: &Question) -> Row {
    making.row.p_adjusted = p_adjusted;
    if making.row.verdict.is_none() && making.row.users.is_some() {
        let few = making.fewest.is_some_and(|(fewest, enough)| fewest < enough);
        let verdict = match p_adjusted {
            _ if few => Verdict::TooSmall,
            Some(p) if p < question.chance() && question.margin.is_some() => Verdict::NotInferior,
            Some(p) if p < question.chance() => match (better, making.upwards) {
                (Better::Higher, true) | (Better::Lower, false) => Verdict::Better,
                (Better::Higher, false) | (Better::Lower, true) => Verdict::Worse,
                (Better::Neither, true) => Verdict::Higher,
                (Better::Neither, false) => Verdict::Lower,
            },
            _ => Verdict::NoEvidence,
        };
        if let Some((fewest, enough)) = making.fewest.filter(|_| few) {
            making.says(format!("the smaller variant has the figures of {fewest}, and a verdict needs {enough}"));
        }
        making.row.verdict = Some(verdict);
    }
    making.row.reason = (!making.reasons.is_empty()).then(|| making.reasons.join("; "));
    making.row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_always_valid_p_value_is_the_level_at_which_bounds_exclude_no_effect() {
        for (users, chance) in [(100.0, 0.05), (5000.0, 0.05), (1e6, 0.01), (40.0, 0.2)] {
            let half = always_valid(0.04, users, chance);
            let p = always_valid_p(half / 0.2, users, chance);
            assert!((p - chance).abs() < 1e-12, "{users} {chance} {p}");
        }
        assert_eq!(always_valid_p(0.0, 100.0, 0.05), 1.0);
    }
}
