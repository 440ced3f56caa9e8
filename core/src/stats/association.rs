//! Association of a behaviour with an outcome: comparison of two proportions, unadjusted and adjusted by stratification, and
//! control of the false discovery rate.
//!
//! An association does not show causation.

use crate::stats::interval::wilson;
use statrs::function::erf::erfc;

/// The 97.5 % point of the standard normal distribution: two-sided 95 % bounds.
const Z: f64 = 1.959_963_984_540_054;
/// The smallest expected count of a cell for the normal approximation of the test.
const ENOUGH_EXPECTED: f64 = 5.0;
/// A variance below this is a rounding error.
const ROUNDING: f64 = 1e-15;

/// Users with and without a behaviour, and those of each group with the outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Users with the behaviour.
    pub with: u64,
    /// Those of them with the outcome.
    pub with_outcome: u64,
    /// Users without the behaviour.
    pub without: u64,
    /// Those of them with the outcome.
    pub without_outcome: u64,
}

impl Comparison {
    fn floats(&self) -> (f64, f64, f64, f64) {
        (self.with_outcome as f64, self.with as f64, self.without_outcome as f64, self.without as f64)
    }

    /// The sum of two comparisons of different users.
    pub fn plus(self, other: Comparison) -> Comparison {
        Comparison {
            with: self.with + other.with,
            with_outcome: self.with_outcome + other.with_outcome,
            without: self.without + other.without,
            without_outcome: self.without_outcome + other.without_outcome,
        }
    }

    /// The rate of the outcome with the behaviour; `None` for an empty group.
    pub fn rate_with(&self) -> Option<f64> {
        (self.with > 0).then(|| self.with_outcome as f64 / self.with as f64)
    }

    /// The rate of the outcome without the behaviour; `None` for an empty group.
    pub fn rate_without(&self) -> Option<f64> {
        (self.without > 0).then(|| self.without_outcome as f64 / self.without as f64)
    }

    /// Rate with minus rate without, and its 95 % bounds; `None` if either group is empty.
    ///
    /// Source: R. G. Newcombe, "Interval estimation for the difference between independent proportions", Statistics in
    /// Medicine 17 (1998), method 10: a combination of the Wilson bounds of the two rates.
    ///
    /// ```
    /// # use user_metrics_core::stats::association::Comparison;
    /// // Newcombe's table II, example (a): 56/70 less 48/80 lies between 0.0524 and 0.3339.
    /// let (difference, low, high) =
    ///     Comparison { with: 70, with_outcome: 56, without: 80, without_outcome: 48 }.difference().unwrap();
    /// assert!((difference - 0.2).abs() < 1e-12 && (low - 0.0524).abs() < 5e-5 && (high - 0.3339).abs() < 5e-5);
    /// ```
    pub fn difference(&self) -> Option<(f64, f64, f64)> {
        let (with, without) = (self.rate_with()?, self.rate_without()?);
        let (with_low, with_high) = wilson(self.with_outcome, self.with)?;
        let (without_low, without_high) = wilson(self.without_outcome, self.without)?;
        let difference = with - without;
        let low = difference - (with - with_low).hypot(without_high - without);
        let high = difference + (with_high - with).hypot(without - without_low);
        Some((difference, low.max(-1.0), high.min(1.0)))
    }

    /// Rate with divided by rate without; `None` if either group is empty or the outcome never occurs without the behaviour.
    pub fn ratio(&self) -> Option<f64> {
        self.rate_without().filter(|&rate| rate > 0.0).and_then(|without| Some(self.rate_with()? / without))
    }

    /// The 95 % bounds of the ratio; `None` also if the outcome never occurs with the behaviour.
    ///
    /// Source: D. Katz et al., "Obtaining confidence intervals for the risk ratio in cohort studies", Biometrics 34 (1978):
    /// the ratio's logarithm is approximately normal.
    pub fn ratio_bounds(&self) -> Option<(f64, f64)> {
        let ratio = self.ratio().filter(|&ratio| ratio > 0.0)?;
        let (a, n, b, m) = self.floats();
        // The two terms of a group cancel if the outcome occurs for all of it.
        let spread = Z * ((1.0 / a - 1.0 / n).max(0.0) + (1.0 / b - 1.0 / m).max(0.0)).sqrt();
        Some((ratio * (-spread).exp(), ratio * spread.exp()))
    }

    /// Whether all or none of the users have the behaviour, or the outcome, so that there is nothing to compare.
    fn is_degenerate(&self) -> bool {
        let outcomes = self.with_outcome + self.without_outcome;
        self.with == 0 || self.without == 0 || outcomes == 0 || outcomes == self.with + self.without
    }

    /// The phi coefficient of behaviour and outcome, -1 to 1; `None` if there is nothing to compare.
    ///
    /// Source: G. U. Yule, "On the methods of measuring association between two attributes", JRSS 75 (1912).
    pub fn phi(&self) -> Option<f64> {
        if self.is_degenerate() {
            return None;
        }
        let (a, n, b, m) = self.floats();
        let (outcomes, rest) = (a + b, n + m - a - b);
        let phi = (a * (m - b) - b * (n - a)) / (n.sqrt() * m.sqrt() * outcomes.sqrt() * rest.sqrt());
        Some(phi.clamp(-1.0, 1.0))
    }

    /// The two-sided p value of the difference; `None` if there is nothing to compare.
    ///
    /// If at least five users are expected in each of the four cells, Pearson's χ² test without correction, which is the z
    /// test of two proportions with a pooled rate; otherwise Fisher's exact test, two-sided by all tables no more likely
    /// than the observed one.
    pub fn p_value(&self) -> Option<f64> {
        let phi = self.phi()?;
        let (_, n, _, m) = self.floats();
        let outcomes = (self.with_outcome + self.without_outcome) as f64;
        let least = n.min(m) * outcomes.min(n + m - outcomes) / (n + m);
        if least < ENOUGH_EXPECTED {
            return self.fisher();
        }
        // χ² with one degree of freedom is phi² times the users, and the square of a standard normal variable.
        Some(erfc(phi.abs() * ((n + m) / 2.0).sqrt()).clamp(0.0, 1.0))
    }

    /// The probabilities of all tables with the same margins follow from one another; only their ratios matter.
    ///
    /// Source: R. A. Fisher, "The logic of inductive inference", JRSS 98 (1935).
    fn fisher(&self) -> Option<f64> {
        let (_, n, _, m) = self.floats();
        let outcomes = self.with_outcome + self.without_outcome;
        let (least, most) = (outcomes.saturating_sub(self.without), outcomes.min(self.with));
        let all = outcomes as f64;
        // The probability of k + 1 outcomes with the behaviour, divided by that of k.
        let step = |k: u64| {
            let k = k as f64;
            (all - k) * (n - k) / ((k + 1.0) * (m - all + k + 1.0))
        };
        // From the most likely one on, so that nothing overflows.
        let likeliest = (((all + 1.0) * (n + 1.0) / (n + m + 2.0)) as u64).clamp(least, most);
        let chances = |visit: &mut dyn FnMut(u64, f64)| {
            let mut chance = 1.0;
            for k in likeliest..=most {
                visit(k, chance);
                chance *= step(k);
            }
            chance = 1.0;
            for k in (least..likeliest).rev() {
                chance /= step(k);
                visit(k, chance);
            }
        };
        let (mut whole, mut seen, mut extreme) = (0.0, 0.0, 0.0);
        chances(&mut |k, chance| {
            whole += chance;
            if k == self.with_outcome {
                seen = chance;
            }
        });
        // Tables as likely as the observed one may come out slightly more likely by rounding.
        chances(&mut |_, chance| extreme += if chance <= seen * (1.0 + 1e-7) { chance } else { 0.0 });
        Some((extreme / whole).clamp(0.0, 1.0))
    }
}

/// Stratified difference of the rates: the difference within each stratum, averaged, and its 95 % bounds. The bounds are
/// `None` if there is no variance; the result is `None` if no stratum has both groups.
///
/// Source of the weights: N. Mantel and W. Haenszel, JNCI 22 (1959), for the difference of rates as in S. Greenland and J.
/// M. Robins, "Estimation of a common effect parameter from sparse follow-up data", Biometrics 41 (1985); of the variance,
/// which is valid for few large and for many small strata: T. Sato, "On the variance estimator for the Mantel-Haenszel risk
/// difference", Biometrics 45 (1989).
///
/// ```
/// # use user_metrics_core::stats::association::{Comparison, mantel_haenszel};
/// // Deaths under tolbutamide and placebo, the young and the old (UGDP 1970, as told by Rothman, Greenland and Lash, "Modern
/// // Epidemiology", 3rd edition, chapter 15).
/// let young = Comparison { with: 106, with_outcome: 8, without: 120, without_outcome: 5 };
/// let old = Comparison { with: 98, with_outcome: 22, without: 85, without_outcome: 16 };
/// let (difference, bounds) = mantel_haenszel(&[young, old]).unwrap();
/// let (low, high) = bounds.unwrap();
/// assert!((difference - 0.0349).abs() < 5e-5 && (low + 0.0276).abs() < 5e-5 && (high - 0.0974).abs() < 5e-5);
/// ```
pub fn mantel_haenszel(strata: &[Comparison]) -> Option<(f64, Option<(f64, f64)>)> {
    let (mut weights, mut differences, mut p, mut q) = (0.0, 0.0, 0.0, 0.0);
    for stratum in strata.iter().filter(|stratum| stratum.with > 0 && stratum.without > 0) {
        let (a, n, b, m) = stratum.floats();
        let all = n + m;
        weights += n * m / all;
        differences += (a * m - b * n) / all;
        p += (n * n * b - m * m * a + n * m * (m - n) / 2.0) / (all * all);
        q += (a * (m - b) + b * (n - a)) / (2.0 * all);
    }
    if weights == 0.0 {
        return None;
    }
    let difference = differences / weights;
    let variance = (difference * p + q) / (weights * weights);
    let bounds = (variance > ROUNDING).then(|| {
        let half = Z * variance.sqrt();
        ((difference - half).max(-1.0), (difference + half).min(1.0))
    });
    Some((difference, bounds))
}

/// The q values of several tests: for each p value the smallest false discovery rate at which it is a finding. Unknown p
/// values stay unknown and do not count.
///
/// Source: Y. Benjamini and Y. Hochberg, "Controlling the false discovery rate", JRSS B 57 (1995).
///
/// ```
/// # use user_metrics_core::stats::association::false_discovery;
/// let q = false_discovery(&[Some(0.01), Some(0.04), None, Some(0.03)]);
/// assert_eq!(q, [Some(0.03), Some(0.04), None, Some(0.04)]);
/// ```
pub fn false_discovery(p_values: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut known: Vec<(usize, f64)> = p_values.iter().enumerate().filter_map(|(i, p)| Some((i, (*p)?))).collect();
    known.sort_by(|a, b| a.1.total_cmp(&b.1));
    let (tests, mut least, mut q_values) = (known.len() as f64, 1.0f64, vec![None; p_values.len()]);
    for (rank, &(i, p)) in known.iter().enumerate().rev() {
        least = least.min(p * tests / (rank + 1) as f64);
        q_values[i] = Some(least);
    }
    q_values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparison(with_outcome: u64, with: u64, without_outcome: u64, without: u64) -> Comparison {
        Comparison { with, with_outcome, without, without_outcome }
    }

    /// Newcombe (1998), table II, method 10.
    #[test]
    fn differences_have_newcombes_bounds() {
        let cases = [
            ((56, 70, 48, 80), (0.0524, 0.3339)),
            ((9, 10, 3, 10), (0.1705, 0.8090)),
            ((6, 7, 2, 7), (0.0582, 0.8062)),
            ((5, 56, 0, 29), (-0.0381, 0.1926)),
            ((0, 10, 0, 20), (-0.1611, 0.2775)),
            ((0, 10, 0, 10), (-0.2775, 0.2775)),
            ((10, 10, 0, 20), (0.6791, 1.0)),
            ((10, 10, 0, 10), (0.6075, 1.0)),
        ];
        for ((a, n, b, m), (low, high)) in cases {
            let found = comparison(a, n, b, m).difference().unwrap();
            assert!((found.1 - low).abs() < 5.1e-5 && (found.2 - high).abs() < 5.1e-5, "{a}/{n} {b}/{m}: {found:?}");
        }
    }

    /// Swapping the groups reverses all signs, as does swapping the outcome.
    #[test]
    fn it_is_symmetric() {
        for (a, n, b, m) in [(56, 70, 48, 80), (3, 9, 0, 4), (1, 400, 7, 900)] {
            let (one, other) = (comparison(a, n, b, m), comparison(b, m, a, n));
            let ((d, low, high), (e, e_low, e_high)) = (one.difference().unwrap(), other.difference().unwrap());
            assert!((d + e).abs() < 1e-12 && (low + e_high).abs() < 1e-12 && (high + e_low).abs() < 1e-12);
            assert!((one.phi().unwrap() + other.phi().unwrap()).abs() < 1e-12);
            assert!((one.p_value().unwrap() / other.p_value().unwrap() - 1.0).abs() < 1e-9);
            let complement = comparison(n - a, n, m - b, m);
            assert!((one.phi().unwrap() + complement.phi().unwrap()).abs() < 1e-12);
            assert!((one.p_value().unwrap() / complement.p_value().unwrap() - 1.0).abs() < 1e-9);
        }
    }

    /// Fisher's lady tasting eight cups of tea: all four right by chance in 1 of 70 tables, and equally likely all four
    /// wrong.
    #[test]
    fn small_tables_are_tested_exactly() {
        assert!((comparison(4, 4, 0, 4).p_value().unwrap() - 2.0 / 70.0).abs() < 1e-12);
        assert!((comparison(3, 4, 1, 4).p_value().unwrap() - 34.0 / 70.0).abs() < 1e-12);
        assert!((comparison(2, 4, 2, 4).p_value().unwrap() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn nothing_to_compare_is_not_known() {
        for (a, n, b, m) in [(0, 0, 3, 9), (3, 9, 0, 0), (0, 5, 0, 7), (5, 5, 7, 7), (0, 0, 0, 0)] {
            let nothing = comparison(a, n, b, m);
            assert_eq!((nothing.phi(), nothing.p_value()), (None, None), "{a}/{n} {b}/{m}");
        }
        assert_eq!(comparison(0, 0, 3, 9).difference(), None);
        assert_eq!(comparison(3, 9, 0, 5).ratio(), None);
        assert_eq!(comparison(0, 9, 2, 5).ratio(), Some(0.0));
        assert_eq!(comparison(0, 9, 2, 5).ratio_bounds(), None);
        assert_eq!(comparison(5, 5, 5, 5).ratio_bounds(), Some((1.0, 1.0)));
        assert_eq!(mantel_haenszel(&[comparison(1, 3, 0, 0), comparison(0, 0, 1, 3)]), None);
        assert_eq!(mantel_haenszel(&[]), None);
    }

    /// Within each stratum there is no difference, though the pooled rates differ.
    #[test]
    fn strata_take_away_what_volume_explains() {
        let strata = [comparison(10, 100, 90, 900), comparison(720, 900, 80, 100)];
        let pooled = strata[0].plus(strata[1]).difference().unwrap();
        let (adjusted, bounds) = mantel_haenszel(&strata).unwrap();
        assert!(pooled.0 > 0.5 && adjusted.abs() < 1e-12, "{pooled:?} {adjusted}");
        assert!(bounds.is_some_and(|(low, high)| low < 0.0 && 0.0 < high));
        let (one, _) = mantel_haenszel(&strata[..1]).unwrap();
        assert!((one - strata[0].difference().unwrap().0).abs() < 1e-12);
    }

    #[test]
    fn q_values_rise_with_p_values() {
        let p: Vec<Option<f64>> = [0.9, 0.001, 0.2, 0.04, 0.04, 1.0].map(Some).to_vec();
        let q: Vec<f64> = false_discovery(&p).into_iter().flatten().collect();
        let expected = [1.0, 0.006, 0.3, 0.08, 0.08, 1.0];
        assert!(q.iter().zip(expected).all(|(q, expected)| (q - expected).abs() < 1e-12), "{q:?}");
        assert_eq!(false_discovery(&[]), []);
        assert_eq!(false_discovery(&[None]), [None]);
    }
}
