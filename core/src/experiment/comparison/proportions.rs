//! Comparison of two proportions. Definition D86.
//!
//! One test decides: the bounds of the difference and of the lift are the values that it does not reject.

use super::Alternative;
use crate::base::memory;
use crate::stats::tails::probability;

/// Successes and users of one variant.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    /// Successes.
    pub successes: u64,
    /// Users.
    pub users: u64,
}

impl Share {
    /// Their rate.
    pub fn rate(self) -> f64 {
        self.successes as f64 / self.users as f64
    }
}

/// The standard error of the difference of two proportions if they are equal.
pub fn pooled_error(one: Share, other: Share) -> f64 {
    let (n, m) = (one.users as f64, other.users as f64);
    let together = (one.successes as f64 + other.successes as f64) / (n + m);
    (together * (1.0 - together) * (1.0 / n + 1.0 / m)).sqrt()
}

/// The z statistic for equality of two proportions, with the pooled standard error; `None` if no user or every user
/// succeeded, so that there is no variance.
pub fn pooled_z(one: Share, other: Share) -> Option<f64> {
    let error = pooled_error(one, other);
    (error > 0.0).then(|| (one.rate() - other.rate()) / error)
}

/// The z statistic for a difference `d` of two proportions, with the standard error under that difference.
///
/// Source: O. Miettinen and M. Nurminen, "Comparative analysis of two rates", Statistics in Medicine 4 (1985), without their
/// correction of the variance, so that it is the pooled z for a difference of 0.
pub fn z_of_difference(one: Share, other: Share, d: f64) -> f64 {
    let all = one.users as f64 + other.users as f64;
    let (n, m) = (one.users as f64 / all, other.users as f64 / all);
    let (x, y) = (n * one.rate(), m * other.rate());
    // The likeliest rates that differ by d: the root of a cubic between 0 and 1.
    let (square, linear) = ((n + 2.0 * m) * d - 1.0 - x - y, (m * d - 1.0 - 2.0 * y) * d + x + y);
    let constant = y * d * (1.0 - d);
    let third = square / 3.0;
    let q = third.powi(3) - third * linear / 2.0 + constant / 2.0;
    let p = (third * third - linear / 3.0).max(0.0).sqrt().copysign(q);
    let angle = if p == 0.0 { 0.0 } else { (std::f64::consts::PI + (q / p.powi(3)).clamp(-1.0, 1.0).acos()) / 3.0 };
    let base = (2.0 * p * angle.cos() - third).clamp((-d).max(0.0), (1.0 - d).min(1.0));
    let rate = (base + d).clamp(0.0, 1.0);
    standardized(
        one.rate() - other.rate() - d,
        rate * (1.0 - rate) / one.users as f64,
        base * (1.0 - base) / other.users as f64,
    )
}

/// The z statistic for a ratio of two proportions, with the standard error under that ratio.
///
/// Source: P. A. R. Koopman, "Confidence intervals for the ratio of two binomial proportions", Biometrics 40 (1984).
fn z_of_ratio(one: Share, other: Share, ratio: f64) -> f64 {
    let all = one.users as f64 + other.users as f64;
    let (n, m) = (one.users as f64 / all, other.users as f64 / all);
    let (x, y) = (n * one.rate(), m * other.rate());
    // The likeliest rates of this ratio: the smaller root of ratio·r² - half·r + x + y.
    let half = n * ratio + x + m + y * ratio;
    let base = 2.0 * (x + y) / (half + (half * half - 4.0 * ratio * (x + y)).max(0.0).sqrt());
    let (base, rate) = (base.min(1.0), (ratio * base).min(1.0));
    let error = rate * (1.0 - rate) / one.users as f64;
    standardized(one.rate() - ratio * other.rate(), error, ratio * ratio * base * (1.0 - base) / other.users as f64)
}

fn standardized(off: f64, error: f64, other_error: f64) -> f64 {
    let error = (error + other_error).sqrt();
    if off == 0.0 { 0.0 } else { off / error.max(f64::MIN_POSITIVE) }
}

/// Where a falling function has a value, by bisection.
fn crossing(falling: impl Fn(f64) -> f64, value: f64, (mut low, mut high): (f64, f64)) -> f64 {
    for _ in 0..200 {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            break;
        }
        if falling(middle) > value { low = middle } else { high = middle }
    }
    low + (high - low) / 2.0
}

/// The differences that the score test does not reject, with a normal quantile. They exclude 0 if and only if the pooled z
/// exceeds it.
pub fn bounds_of_difference(one: Share, other: Share, critical: f64) -> (f64, f64) {
    let z = |d: f64| z_of_difference(one, other, d);
    let (found, none) = (one.rate() - other.rate(), pooled_z(one, other).unwrap_or(0.0));
    let low = if none > critical { (0.0, found) } else { (-1.0, found.min(0.0)) };
    let high = if none < -critical { (found, 0.0) } else { (found.max(0.0), 1.0) };
    (crossing(z, critical, low), crossing(z, -critical, high))
}

/// The largest ratio that is tried: a bound beyond it is none.
const MOST: f64 = 1e100;

/// The same for the ratio of the rates minus 1; `None` if nobody of the other variant succeeded. Without an upper bound it is
/// infinite.
pub fn bounds_of_lift(one: Share, other: Share, critical: f64) -> Option<(f64, f64)> {
    if other.successes == 0 {
        return None;
    }
    let z = |ratio: f64| z_of_ratio(one, other, ratio);
    let (found, none) = (one.rate() / other.rate(), pooled_z(one, other).unwrap_or(0.0));
    let mut most = found.max(1.0);
    while z(most) > -critical && most < MOST {
        most *= 2.0;
    }
    let low = if none > critical { (1.0, found) } else { (0.0, found.min(1.0)) };
    let high = if none < -critical { (found, 1.0) } else { (found.max(1.0), most) };
    let upper = if most < MOST { crossing(z, -critical, high) - 1.0 } else { f64::INFINITY };
    Some((crossing(z, critical, low) - 1.0, upper))
}

/// The smallest expected count of the four cells if the proportions are equal.
pub fn least_expected(one: Share, other: Share) -> f64 {
    let all = one.users as f64 + other.users as f64;
    let successes = one.successes as f64 + other.successes as f64;
    let smaller = one.users.min(other.users) as f64;
    smaller * successes.min(all - successes) / all
}

/// The odds ratio of success; `None` if it is not finite.
pub fn odds_ratio(one: Share, other: Share) -> Option<f64> {
    let failures = |share: Share| (share.users - share.successes) as f64;
    let odds = one.successes as f64 * failures(other) / (failures(one) * other.successes as f64);
    odds.is_finite().then_some(odds)
}

/// Fisher's exact test: the probability of the observed table or a no more likely one, given the total number of successes.
///
/// Source: R. A. Fisher, "The logic of inductive inference", Journal of the Royal Statistical Society 98 (1935).
pub fn fisher(one: Share, other: Share, alternative: Alternative) -> Option<f64> {
    let (n, m, k) = (one.users, other.users, one.successes.checked_add(other.successes)?);
    let (least, most) = (k.saturating_sub(m), k.min(n));
    // Probabilities of the number of successes in the first group relative to the likeliest, which has weight 1.
    let likeliest = ((k as f64 + 1.0) * (n as f64 + 1.0) / (n as f64 + m as f64 + 2.0)) as u64;
    let likeliest = likeliest.clamp(least, most);
    // One more success in the first group, and one fewer in the other.
    let step = |x: u64| ((k - x) as f64 / (x + 1) as f64) * ((n - x) as f64 / (m - (k - x) + 1) as f64);
    let mut seen = 1.0;
    let (from, to) = (likeliest.min(one.successes), likeliest.max(one.successes));
    for x in from..to {
        polled(x);
        seen *= if one.successes > likeliest { step(x) } else { 1.0 / step(x) };
    }
    // Equally likely tables must not be separated by rounding.
    let counts = |x: u64, weight: f64| match alternative {
        Alternative::Greater => x >= one.successes,
        Alternative::Less => x <= one.successes,
        Alternative::TwoSided => weight <= seen * (1.0 + 1e-7),
    };
    let (mut all, mut extreme) = (0.0, 0.0);
    let mut add = |x: u64, weight: f64| {
        polled(x);
        all += weight;
        if counts(x, weight) {
            extreme += weight;
        }
    };
    let mut weight = 1.0;
    for x in likeliest..=most {
        add(x, weight);
        if x == most || weight == 0.0 {
            break;
        }
        weight *= step(x);
    }
    weight = 1.0;
    for x in (least..likeliest).rev() {
        weight /= step(x);
        add(x, weight);
        if weight == 0.0 {
            break;
        }
    }
    probability(extreme / all)
}

fn polled(x: u64) {
    if x.is_multiple_of(memory::POLL_EVERY as u64) {
        memory::poll();
    }
}
