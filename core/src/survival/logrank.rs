//! The log-rank test: whether the event happens sooner in one group than in another.

use super::Survival;
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

/// How much the times with an event count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weighting {
    /// All the same.
    #[default]
    Logrank,
    /// By the number at risk, so that early times count most: Gehan's and Breslow's test, which generalizes Wilcoxon's.
    Wilcoxon,
    /// By the square root of the number at risk.
    TaroneWare,
    /// By the share without the event in all groups together, which, unlike the number at risk, does not depend on censoring.
    Peto,
}

impl Weighting {
    /// The weighting of the given name.
    pub fn parse(name: &str) -> Result<Self> {
        match name {
            "logrank" => Ok(Weighting::Logrank),
            "wilcoxon" => Ok(Weighting::Wilcoxon),
            "tarone_ware" => Ok(Weighting::TaroneWare),
            "peto" => Ok(Weighting::Peto),
            _ => Err(Error::not_one_of("weighting", name, &["logrank", "wilcoxon", "tarone_ware", "peto"])),
        }
    }
}

/// Settled durations of a group, or of its part in a stratum.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// The durations.
    pub durations: &'a Survival,
    /// The number of the group, from 0 on.
    pub group: usize,
    /// The stratum.
    pub stratum: usize,
}

/// The numbers of values and of labels given for them, which must agree.
#[derive(Clone, Copy, Debug)]
pub struct Labels {
    /// The number of values.
    pub durations: usize,
    /// The number of names of groups, if any are given.
    pub group_names: Option<usize>,
    /// The number of names of strata, if any are given.
    pub strata: Option<usize>,
}

impl Labels {
    /// An error for a number that does not agree, and for strata alone: each value would be a group in one stratum only.
    pub fn check(&self) -> Result<()> {
        let named = [("group_names", self.group_names), ("strata", self.strata)];
        for (name, count) in named.into_iter().filter_map(|(name, count)| Some((name, count?))) {
            if count != self.durations {
                let accepted = format!("as many elements as durations, which has {}", self.durations);
                return Err(Error::Argument { name, given: format!("{count} elements"), accepted });
            }
        }
        if self.strata.is_some() && self.group_names.is_none() {
            let accepted = "Give the name of the group of each value, because strata are given.";
            return Err(Error::Null { name: "group_names", accepted });
        }
        Ok(())
    }
}

/// The log-rank test over settled durations, one value per group.
pub fn logrank(groups: &[Survival]) -> Result<Logrank> {
    let sample = |(group, durations)| Sample { durations, group, stratum: 0 };
    logrank_of(&mut groups.iter().enumerate().map(sample).collect::<Vec<_>>(), groups.len(), Weighting::default()) // few: of an argument
}

/// What happens in a group at a time.
struct Change {
    seconds: f64,
    group: usize,
    /// Late entries, who are at risk after this time.
    enter: u64,
    events: u64,
    /// Those who leave, with the event or censored.
    leave: u64,
}

/// The test of a number of groups over samples, which are brought in order.
///
/// At every time with an event, the events of each group are compared with those expected if they occurred at random among
/// those at risk in the same stratum. A group with no one at risk at any such time cannot be compared. Sources: N. Mantel,
/// "Evaluation of survival data and two new rank order statistics", Cancer Chemotherapy Reports 50 (1966); for several groups
/// and the weighting `Peto` R. Peto and J. Peto, "Asymptotically efficient rank invariant test procedures", JRSS A 135
/// (1972); for `Wilcoxon` N. Breslow, "A generalized Kruskal-Wallis test for comparing K samples subject to unequal patterns
/// of censorship", Biometrika 57 (1970); R. E. Tarone and J. Ware, "On distribution-free tests for equality of survival
/// distributions", Biometrika 64 (1977).
pub fn logrank_of(samples: &mut [Sample<'_>], groups: usize, weighting: Weighting) -> Result<Logrank> {
    let k = groups;
    if k > MOST_GROUPS {
        let accepted = format!("{MOST_GROUPS} groups or fewer");
        return Err(Error::Argument { name: "durations", given: format!("{k} groups"), accepted });
    }
    let (mut excess, mut covariance) = (vec![0.0; k], vec![0.0; k * k]);
    samples.sort_by_key(|sample| sample.stratum);
    for stratum in samples.chunk_by(|a, b| a.stratum == b.stratum) {
        memory::poll();
        add(stratum, k, weighting, &mut excess, &mut covariance)?;
    }
    let (statistic, degrees_of_freedom) = quadratic_form(&mut excess, &mut covariance);
    let statistic = (degrees_of_freedom > 0).then_some(statistic);
    let p_value = statistic.and_then(|x| ChiSquared::new(degrees_of_freedom as f64).ok().map(|chi| chi.sf(x)));
    Ok(Logrank { groups: k, statistic, degrees_of_freedom, p_value })
}

/// Adds a stratum's events in excess of those expected, and their covariance.
fn add(
    samples: &[Sample<'_>],
    k: usize,
    weighting: Weighting,
    excess: &mut [f64],
    covariance: &mut [f64],
) -> Result<()> {
    let mut claim = Claim::temporary();
    let mut changes = Vec::new();
    let mut at_risk = vec![0u64; k];
    for &Sample { durations, group, .. } in samples {
        at_risk[group] = at_risk[group].saturating_add(durations.early());
        let leaving = durations.points().map(|point| Change {
            seconds: point.seconds,
            group,
            enter: 0,
            events: point.events,
            leave: point.events + point.censored,
        });
        let entering = durations.late_entries().map(|late| Change {
            seconds: late.seconds,
            group,
            enter: late.subjects,
            events: 0,
            leave: 0,
        });
        for (i, change) in leaving.chain(entering).enumerate() {
            if i % memory::POLL_EVERY == 0 {
                memory::poll();
            }
            claim.push(&mut changes, change)?;
        }
    }
    changes.sort_unstable_by(|a, b| a.seconds.total_cmp(&b.seconds));
    let mut share_left = 1.0;
    for (i, now) in changes.chunk_by(|a, b| a.seconds == b.seconds).enumerate() {
        if i % memory::POLL_EVERY == 0 {
            memory::poll();
        }
        let events = now.iter().map(|change| change.events).sum::<u64>();
        let all = at_risk.iter().sum::<u64>();
        if events > 0 && all > 0 {
            let (n, d) = (all as f64, events as f64);
            share_left *= 1.0 - (d / (n + 1.0)).min(1.0);
            let weight = match weighting {
                Weighting::Logrank => 1.0,
                Weighting::Wilcoxon => n,
                Weighting::TaroneWare => n.sqrt(),
                Weighting::Peto => share_left,
            };
            // Not below 0 where counts are at their limit.
            let spread = if all > 1 { (weight * weight * (d * (n - d) / (n - 1.0))).max(0.0) } else { 0.0 };
            for change in now {
                excess[change.group] += weight * change.events as f64;
            }
            for a in 0..k {
                let share = at_risk[a] as f64 / n;
                excess[a] -= weight * (d * share);
                for b in 0..k {
                    let same = if a == b { share } else { 0.0 };
                    covariance[a * k + b] += spread * (same - share * at_risk[b] as f64 / n);
                }
            }
        }
        for change in now {
            at_risk[change.group] = at_risk[change.group].saturating_sub(change.leave);
        }
        for change in now {
            at_risk[change.group] = at_risk[change.group].saturating_add(change.enter);
        }
    }
    Ok(())
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
