//! Comparison of two proportions. Definition D86.

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
    fn rate(self) -> f64 {
        self.successes as f64 / self.users as f64
    }
}

/// The z statistic for equality of two proportions, with the pooled standard error; `None` if no user or every user
/// succeeded, so that there is no variance.
pub fn pooled_z(one: Share, other: Share) -> Option<f64> {
    let (n, m) = (one.users as f64, other.users as f64);
    let together = (one.successes as f64 + other.successes as f64) / (n + m);
    let error = (together * (1.0 - together) * (1.0 / n + 1.0 / m)).sqrt();
    (error > 0.0).then(|| (one.rate() - other.rate()) / error)
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
