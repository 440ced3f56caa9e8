//! Confidence bounds: of a rate, of differences of rates and of means.

use crate::base::error::{Error, Result};
use crate::stats::tails::student_exceeded;
use statrs::distribution::{ContinuousCDF, Normal};

/// The 97.5 % point of the standard normal distribution: two-sided 95 % bounds.
const Z: f64 = 1.959_963_984_540_054;

/// The 95 % Wilson score bounds of `successes` out of `trials`, `None` without trials.
///
/// Unlike the textbook `p ± z·√(p(1-p)/n)` they stay within 0..1 and are accurate for small groups and for rates of 0 and 1.
/// Source: E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22 (1927).
///
/// ```
/// # use user_metrics_core::stats::interval::wilson;
/// let (low, high) = wilson(0, 10).unwrap();
/// assert_eq!(low, 0.0);
/// assert!((high - 0.277_532_799_862_889).abs() < 1e-12);
/// assert_eq!(wilson(0, 0), None);
/// ```
pub fn wilson(successes: u64, trials: u64) -> Option<(f64, f64)> {
    wilson_at(successes, trials, Z)
}

/// The same for a normal quantile `z` instead of that of 95 %.
pub fn wilson_at(successes: u64, trials: u64, z: f64) -> Option<(f64, f64)> {
    if trials == 0 {
        return None;
    }
    let (n, p) = (trials as f64, successes as f64 / trials as f64);
    let (z2, denominator) = (z * z, 1.0 + z * z / n);
    let centre = (p + z2 / (2.0 * n)) / denominator;
    let half = z / denominator * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    // At rates of 0 and 1 the bound is exact; rounding must not move it.
    let low = if successes == 0 { 0.0 } else { (centre - half).max(0.0) };
    let high = if successes == trials { 1.0 } else { (centre + half).min(1.0) };
    Some((low, high))
}

/// A rate with these bounds.
pub fn rate_with_bounds(successes: u64, trials: u64) -> Option<(f64, f64, f64)> {
    let (low, high) = wilson(successes, trials)?;
    Some((successes as f64 / trials as f64, low, high))
}

/// The normal quantile of two-sided bounds with a given confidence, which is the argument `name`.
///
/// ```
/// # use user_metrics_core::stats::interval::two_sided;
/// assert!((two_sided("confidence", 0.95).unwrap() - 1.959_963_984_540_054).abs() < 1e-12);
/// assert!(two_sided("confidence", 95.0).is_err());
/// ```
pub fn two_sided(name: &'static str, confidence: f64) -> Result<f64> {
    if confidence > 0.0 && confidence < 1.0 {
        // From the smaller tail, which keeps its digits if the confidence is close to 1.
        return Ok(-Normal::standard().inverse_cdf((1.0 - confidence) / 2.0));
    }
    Err(Error::Argument {
        name,
        given: confidence.to_string(),
        accepted: "a number between 0 and 1, such as 0.95".into(),
    })
}

/// A difference and its bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// One value minus the other.
    pub difference: f64,
    /// The lower 95 % bound.
    pub low: f64,
    /// The upper 95 % bound.
    pub high: f64,
}

impl Difference {
    /// The absolute difference in units of half the interval's width: more than 1 if the bounds exclude 0. Rounded to twelve
    /// decimals, since values that are equal on paper differ in their last bits and must rank equal.
    ///
    /// ```
    /// # use user_metrics_core::stats::interval::rate_difference;
    /// let clearness = |one, other| rate_difference(one, other).unwrap().clearness();
    /// assert_eq!(clearness((1, 1), (1, 2)), clearness((0, 1), (1, 2)));
    /// ```
    pub fn clearness(&self) -> f64 {
        let half = (self.high - self.low) / 2.0;
        if half > 0.0 { (self.difference.abs() / half * 1e12).round() / 1e12 } else { 0.0 }
    }
}

/// The difference of two rates with its 95 % bounds, `None` if either has no trials.
///
/// Source: R. G. Newcombe, "Interval estimation for the difference between independent proportions", Statistics in Medicine
/// 17 (1998), method 10.
///
/// ```
/// # use user_metrics_core::stats::interval::rate_difference;
/// // Newcombe's table II, example (a): 56/70 less 48/80 lies between 0.0524 and 0.3339.
/// let found = rate_difference((56, 70), (48, 80)).unwrap();
/// assert!((found.low - 0.0524).abs() < 5e-5 && (found.high - 0.3339).abs() < 5e-5);
/// ```
pub fn rate_difference(one: (u64, u64), other: (u64, u64)) -> Option<Difference> {
    rate_difference_at(one, other, Z)
}

/// The same for a normal quantile `z` instead of that of 95 %.
pub fn rate_difference_at(one: (u64, u64), other: (u64, u64), z: f64) -> Option<Difference> {
    let rate = |(successes, trials)| Some((successes as f64 / trials as f64, wilson_at(successes, trials, z)?));
    let ((a, (a_low, a_high)), (b, (b_low, b_high))) = (rate(one)?, rate(other)?);
    let difference = a - b;
    let (low, high) = (difference - (a - a_low).hypot(b_high - b), difference + (a_high - a).hypot(b - b_low));
    Some(Difference { difference, low: low.max(-1.0), high: high.min(1.0) })
}

/// Fieller's bounds of the lift `(mean - base) / |base|`, given the squared standard errors of both means and the quantile of
/// the test; `None` if the base is not clear of 0 by that quantile, for which the bounds would be unlimited.
///
/// They exclude 0 if and only if the test of the difference with the same quantile does. Source: E. C. Fieller, "Some problems
/// in interval estimation", JRSS B 16 (1954).
///
/// ```
/// # use user_metrics_core::stats::interval::fieller;
/// // 2 with an error of 1 against 4 without any: as the difference, -2 ± 1.96, over 4.
/// let (low, high) = fieller((2.0, 1.0), (4.0, 0.0), 1.96).unwrap();
/// assert!((low + 0.99).abs() < 1e-12 && (high + 0.01).abs() < 1e-12);
/// assert_eq!(fieller((2.0, 1.0), (1.9, 1.0), 1.96), None);
/// ```
pub fn fieller((mean, error): (f64, f64), (base, base_error): (f64, f64), critical: f64) -> Option<(f64, f64)> {
    let size = base.abs();
    // In units of the base.
    let (lift, half) = ((mean - base) / size, critical * (error + base_error).sqrt() / size);
    let unclear = (critical * base_error.sqrt() / size).powi(2);
    if !(unclear < 1.0 && half.is_finite() && lift.is_finite()) {
        return None;
    }
    // The roots of a·x² - 2b·x + c, of the lift over a positive base; c is below 0 if the test finds no difference.
    let sign = base.signum();
    let (a, b, c) = (1.0 - unclear, sign * lift + unclear, (lift - half) * (lift + half));
    // b² - a·c, without cancellation.
    let own = (critical * error.sqrt() / size).powi(2);
    let root = (unclear * (mean / base).powi(2) + own * a).sqrt();
    let far = if b < 0.0 { b - root } else { b + root };
    let (one, other) = (far / a, if far == 0.0 { 0.0 } else { c / far });
    let (low, high) = (sign * one.min(other), sign * one.max(other));
    (low.is_finite() && high.is_finite()).then_some((low.min(high), low.max(high)))
}

/// Number, mean and variance of a group's values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    /// The number of values.
    pub count: u64,
    /// Their mean.
    pub mean: f64,
    /// Their sample variance.
    pub variance: f64,
}

/// The difference of two means with its 95 % bounds; `None` if either group has fewer than two values or neither varies.
///
/// Source: B. L. Welch, "The generalization of Student's problem when several different population variances are involved",
/// Biometrika 34 (1947).
///
/// ```
/// # use user_metrics_core::stats::interval::{Moments, mean_difference};
/// // 1, 2, 3 against 2, 4, 6, 8: a difference of -3, 1/3 + 5/3 the square of its error, 12/3.4 degrees of freedom.
/// let one = Moments { count: 3, mean: 2.0, variance: 1.0 };
/// let other = Moments { count: 4, mean: 5.0, variance: 20.0 / 3.0 };
/// let found = mean_difference(one, other).unwrap();
/// assert!((found.difference + 3.0).abs() < 1e-12 && (found.low + 6.897_975).abs() < 1e-6 && (found.high - 0.897_975).abs() < 1e-6);
/// // Six times 0.1 has no variance, but PostgreSQL's var_samp says this.
/// let same = Moments { count: 6, mean: 0.1, variance: 8.2e-35 };
/// assert_eq!(mean_difference(same, Moments { mean: 0.2, ..same }), None);
/// ```
pub fn mean_difference(one: Moments, other: Moments) -> Option<Difference> {
    if one.count < 2 || other.count < 2 {
        return None;
    }
    // A deviation below the precision of the mean is a rounding error, not variance.
    let varies = |group: Moments| group.variance > (1e-12 * group.mean).powi(2);
    let share = |group: Moments| if varies(group) { group.variance / group.count as f64 } else { 0.0 };
    let (a, b) = (share(one), share(other));
    let squares = a * a / (one.count - 1) as f64 + b * b / (other.count - 1) as f64;
    if !(squares > 0.0 && squares.is_finite()) {
        return None;
    }
    // Not by the library's inverse, which is wrong for ten million degrees of freedom and does not terminate for more.
    let half = student_exceeded(0.025, (a + b) * (a + b) / squares) * (a + b).sqrt();
    let difference = one.mean - other.mean;
    Some(Difference { difference, low: difference - half, high: difference + half })
}
