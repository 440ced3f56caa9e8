//! Comparison of two variants by the ranks of their values. It complements D85: means are not assumed to be meaningful.

use super::Alternative;
use crate::base::memory;
use crate::stats::tails::normal_above;

/// The Mann-Whitney test: the number of ordered pairs of one value of each, ties counted half, and its p value; the p value
/// is `None` if all values are equal.
///
/// It uses the normal approximation, corrected for ties and for continuity. Both lists are in ascending order. Source: H. B.
/// Mann and D. R. Whitney, "On a test of whether one of two random variables is stochastically larger than the other",
/// Annals of Mathematical Statistics 18 (1947).
pub fn mann_whitney(one: &[f64], other: &[f64], alternative: Alternative) -> (f64, Option<f64>) {
    let (n, m) = (one.len() as f64, other.len() as f64);
    let (mut i, mut j, mut ranks, mut ties) = (0usize, 0usize, 0.0f64, 0.0f64);
    let mut groups = 0usize;
    while i < one.len() || j < other.len() {
        groups += 1;
        if groups.is_multiple_of(memory::POLL_EVERY) {
            memory::poll();
        }
        let least = match (one.get(i), other.get(j)) {
            (Some(a), Some(b)) => a.min(*b),
            (Some(a), None) | (None, Some(a)) => *a,
            (None, None) => break,
        };
        let of = |list: &[f64], from: usize| list[from..].iter().take_while(|figure| **figure == least).count();
        let (a, b) = (of(one, i), of(other, j));
        let alike = (a + b) as f64;
        // The mean rank of this group of ties.
        ranks += a as f64 * ((i + j) as f64 + (alike + 1.0) / 2.0);
        ties += alike * (alike * alike - 1.0);
        (i, j) = (i + a, j + b);
    }
    let statistic = ranks - n * (n + 1.0) / 2.0;
    let all = n + m;
    let variance = n * m / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)));
    if variance.is_nan() || variance <= 0.0 {
        return (statistic, None);
    }
    let excess = statistic - n * m / 2.0;
    let above = |excess: f64| normal_above((excess - 0.5) / variance.sqrt());
    let p = match alternative {
        Alternative::TwoSided => 2.0 * above(excess.abs()),
        Alternative::Greater => above(excess),
        Alternative::Less => above(-excess),
    };
    (statistic, crate::stats::tails::probability(p))
}
