//! The log-rank test: whether the event happens sooner in one group than in another.

use super::{Point, Survival};
use crate::base::error::{Error, Result};
use crate::base::memory::{self, Claim};
use statrs::distribution::{ChiSquared, ContinuousCDF};

/// The most groups compared: the covariance has a cell for each pair.
pub const MOST_GROUPS: usize = 100;

/// Pivots below this fraction of the largest are rounding errors.
const ROUNDING: f64 = 1e-10;

/// The result of the test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Logrank {
    /// The groups compared.
    pub groups: usize,
    /// The χ² statistic; `None` if no groups can be compared.
    pub statistic: Option<f64>,
    /// Its degrees of freedom: groups that can be compared, minus one.
    pub degrees_of_freedom: usize,
    /// The probability of a statistic at least that large if all groups have the same time to the event.
    pub p_value: Option<f64>,
}

/// The log-rank test over settled durations, one value per group.
///
/// At every time with an event, the events of each group are compared with those expected if they occurred at random among
/// those at risk. A group with no one at risk at any such time cannot be compared. Sources: N. Mantel, "Evaluation of
/// survival data and two new rank order statistics", Cancer Chemotherapy Reports 50 (1966); for several groups R. Peto and
/// J. Peto, "Asymptotically efficient rank invariant test procedures", JRSS A 135 (1972).
pub fn logrank(groups: &[Survival]) -> Result<Logrank> {
    let k = groups.len();
    if k > MOST_GROUPS {
        let accepted = format!("{MOST_GROUPS} groups or fewer");
        return Err(Error::Argument { name: "durations", given: format!("{k} groups"), accepted });
    }
    let mut claim = Claim::temporary();
    let mut points: Vec<(usize, Point)> = Vec::new();
    let mut at_risk = vec![0u64; k];
    for (group, survival) in groups.iter().enumerate() {
        for (i, point) in survival.points().enumerate() {
            if i % memory::POLL_EVERY == 0 {
                memory::poll();
            }
            claim.push(&mut points, (group, point))?;
            at_risk[group] = at_risk[group].saturating_add(point.events + point.censored);
        }
    }
    points.sort_unstable_by(|(_, a), (_, b)| a.seconds.total_cmp(&b.seconds));
    let (mut excess, mut covariance) = (vec![0.0; k], vec![0.0; k * k]);
    for (i, now) in points.chunk_by(|(_, a), (_, b)| a.seconds == b.seconds).enumerate() {
        if i % memory::POLL_EVERY == 0 {
            memory::poll();
        }
        let events = now.iter().map(|(_, point)| point.events).sum::<u64>();
        let all = at_risk.iter().sum::<u64>();
        if events > 0 {
            let (n, d) = (all as f64, events as f64);
            let spread = if all > 1 { d * (n - d) / (n - 1.0) } else { 0.0 };
            for &(group, point) in now {
                excess[group] += point.events as f64;
            }
            for a in 0..k {
                let share = at_risk[a] as f64 / n;
                excess[a] -= d * share;
                for b in 0..k {
                    let same = if a == b { share } else { 0.0 };
                    covariance[a * k + b] += spread * (same - share * at_risk[b] as f64 / n);
                }
            }
        }
        for &(group, point) in now {
            at_risk[group] = at_risk[group].saturating_sub(point.events + point.censored);
        }
    }
    let (statistic, degrees_of_freedom) = quadratic_form(&mut excess, &mut covariance);
    let statistic = (degrees_of_freedom > 0).then_some(statistic);
    let p_value = statistic.and_then(|x| ChiSquared::new(degrees_of_freedom as f64).ok().map(|chi| chi.sf(x)));
    Ok(Logrank { groups: k, statistic, degrees_of_freedom, p_value })
}

/// `x' V⁻ x` and the rank of V, for a singular covariance V: the components of x add up to 0. By elimination, the largest
/// pivot first.
fn quadratic_form(x: &mut [f64], v: &mut [f64]) -> (f64, usize) {
    let k = x.len();
    let largest = (0..k).map(|i| v[i * k + i]).fold(0.0, f64::max);
    let mut left = (0..k).collect::<Vec<_>>();
    let (mut sum, mut rank) = (0.0, 0);
    while let Some((place, &pivot)) =
        left.iter().enumerate().max_by(|(_, a), (_, b)| v[**a * k + **a].total_cmp(&v[**b * k + **b]))
    {
        let diagonal = v[pivot * k + pivot];
        if diagonal <= largest * ROUNDING || diagonal <= 0.0 {
            break;
        }
        left.swap_remove(place);
        sum += x[pivot] * x[pivot] / diagonal;
        rank += 1;
        for &row in &left {
            let factor = v[row * k + pivot] / diagonal;
            x[row] -= factor * x[pivot];
            for &column in &left {
                v[row * k + column] -= factor * v[pivot * k + column];
            }
        }
    }
    (sum, rank)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::state::State;

    fn survival(rows: impl IntoIterator<Item = (f64, bool)>) -> Survival {
        let mut survival = Survival::new();
        rows.into_iter().for_each(|(seconds, happened)| survival.observe(seconds, happened).unwrap());
        survival.settle().unwrap();
        survival
    }

    #[test]
    fn by_hand() {
        // At 1: one of two in a has the event, of four at risk: expected in a 1/2, variance 1/4. At 2: the one left of a, of
        // three: expected 1/3, variance 2/9. At 3 and 4 only b is at risk. Excess of a: 2 - 5/6 = 7/6; variance 17/36; 49/36
        // / (17/36) = 49/17.
        let a = survival([(1.0, true), (2.0, true)]);
        let b = survival([(3.0, true), (4.0, true)]);
        let test = logrank(&[a, b]).unwrap();
        assert!((test.statistic.unwrap() - 49.0 / 17.0).abs() < 1e-12, "{test:?}");
        assert_eq!(test.degrees_of_freedom, 1);
    }

    #[test]
    fn what_cannot_be_compared_is_not() {
        let nothing = Logrank { groups: 0, statistic: None, degrees_of_freedom: 0, p_value: None };
        assert_eq!(logrank(&[]).unwrap(), nothing);
        let one = || survival([(1.0, true), (2.0, false)]);
        assert_eq!(logrank(&[one()]).unwrap(), Logrank { groups: 1, ..nothing });
        let none = || survival([(1.0, false)]);
        assert_eq!(logrank(&[none(), none()]).unwrap(), Logrank { groups: 2, ..nothing });
        // All at once: the variance is 0, and the groups cannot be distinguished.
        let both = || survival([(1.0, true)]);
        assert_eq!(logrank(&[both(), both()]).unwrap(), Logrank { groups: 2, ..nothing });
        // A third group that is censored before the first event takes no part.
        let (a, b) = (survival([(1.0, true), (2.0, true)]), survival([(3.0, true), (4.0, true)]));
        let test = logrank(&[a, b, survival([(0.5, false)])]).unwrap();
        assert_eq!((test.groups, test.degrees_of_freedom), (3, 1));
        assert!((test.statistic.unwrap() - 49.0 / 17.0).abs() < 1e-12);
    }
}
