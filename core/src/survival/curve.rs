//! The Kaplan-Meier estimate: the share without the event, over time.

use super::{Point, Survival};
use crate::base::error::{Error, Result};
use crate::base::memory::{self, Claim};
use crate::stats::interval::two_sided;

/// The curve at one duration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The duration, in seconds.
    pub seconds: f64,
    /// The number observed for that long without the event before.
    pub at_risk: u64,
    /// The number of events after the previous step and by this one.
    pub events: u64,
    /// The number censored after the previous step and by this one.
    pub censored: u64,
    /// The share with the event later than that; `None` if none was observed for that long.
    pub survival: Option<f64>,
    /// Confidence bounds of that share; `None` also if all or none are left, where the variance is unknown.
    pub bounds: Option<(f64, f64)>,
}

/// A quantile of the time to the event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantile {
    /// The time in seconds; `None` if observation ends before.
    pub seconds: Option<f64>,
    /// The lower confidence bound of that time.
    pub low: Option<f64>,
    /// The upper confidence bound of that time.
    pub high: Option<f64>,
}

/// Rounding tolerance for comparing shares.
const ROUNDING: f64 = 1e-12;

/// The Kaplan-Meier estimate with Greenwood's variance, and bounds on the scale of log(-log S), which keeps them between 0
/// and 1. An event at the same time as a censoring precedes it.
///
/// Sources: E. L. Kaplan and P. Meier, "Nonparametric Estimation from Incomplete Observations", JASA 53 (1958); bounds:
/// J. D. Kalbfleisch and R. L. Prentice, "The Statistical Analysis of Failure Time Data" (1980), p. 15; bounds of a
/// quantile: R. Brookmeyer and J. Crowley, "A Confidence Interval for the Median Survival Time", Biometrics 38 (1982).
#[derive(Debug)]
pub struct Curve {
    steps: Vec<Step>,
    observed: u64,
    _claim: Claim,
}

/// The running estimate over the durations.
///
/// Between two censorings the product telescopes to the ratio of those left to those at risk after the first. So it is a
/// product over censorings, and exact without any.
struct Estimate {
    z: f64,
    /// The share before the last censoring, the number at risk after it, and how many of them are left.
    base: f64,
    began: u64,
    left: u64,
    /// Greenwood's sum of d / (n (n - d)).
    variance: f64,
}

impl Estimate {
    fn share(&self) -> f64 {
        if self.began == 0 { self.base } else { self.base * (self.left as f64 / self.began as f64) }
    }

    fn pass(&mut self, point: &Point) {
        if point.events > 0 {
            let (n, d) = (self.left as f64, point.events as f64);
            self.variance += d / (n * (n - d));
            self.left = self.left.saturating_sub(point.events);
        }
        if point.censored > 0 {
            self.base = self.share();
            self.left = self.left.saturating_sub(point.censored);
            self.began = self.left;
        }
    }

    fn bounds(&self) -> Option<(f64, f64)> {
        let share = self.share();
        if !(share > 0.0 && share < 1.0) {
            return None;
        }
        let log = share.ln();
        let (centre, half) = ((-log).ln(), self.z * self.variance.sqrt() / -log);
        Some(((-(centre + half).exp()).exp(), (-(centre - half).exp()).exp()))
    }
}

/// The curve without observations.
impl Default for Curve {
    fn default() -> Self {
        Curve { steps: Vec::new(), observed: 0, _claim: Claim::temporary() }
    }
}

impl Curve {
    /// The curve of settled durations, with bounds of a confidence between 0 and 1: a step at 0 and at every distinct
    /// duration.
    pub fn new(survival: &Survival, confidence: f64) -> Result<Self> {
        let z = two_sided("confidence", confidence)?;
        let observed = survival.observed();
        let mut claim = Claim::temporary();
        let mut steps = Vec::new();
        if observed > 0 {
            claim.reserve(&mut steps, survival.points().count() + 1)?;
        }
        let mut estimate = Estimate { z, base: 1.0, began: observed, left: observed, variance: 0.0 };
        for (i, point) in survival.points().enumerate() {
            if i % memory::POLL_EVERY == 0 {
                memory::poll();
            }
            if i == 0 && point.seconds > 0.0 {
                let at_risk = observed;
                steps.push(Step { seconds: 0.0, at_risk, events: 0, censored: 0, survival: Some(1.0), bounds: None });
            }
            let at_risk = estimate.left;
            estimate.pass(&point);
            let Point { seconds, events, censored } = point;
            let (survival, bounds) = (Some(estimate.share()), estimate.bounds());
            steps.push(Step { seconds, at_risk, events, censored, survival, bounds });
        }
        Ok(Curve { steps, observed, _claim: claim })
    }

    /// Its steps, by duration.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The number of durations.
    pub fn observed(&self) -> u64 {
        self.observed
    }

    /// The number of events.
    pub fn events(&self) -> u64 {
        self.steps.iter().map(|step| step.events).sum()
    }

    /// The curve at given durations, ascending: events since the previous one are counted together.
    pub fn at(&self, times: &[f64]) -> Result<Vec<Step>> {
        if !(times.is_sorted() && times.iter().all(|seconds| (0.0..f64::INFINITY).contains(seconds))) {
            let accepted = "numbers of seconds, none below 0, in ascending order".to_owned();
            return Err(Error::Argument { name: "at_seconds", given: format!("{times:?}"), accepted });
        }
        if self.steps.is_empty() {
            return Ok(Vec::new());
        }
        let mut passed = 0;
        let step = |&seconds: &f64| {
            let from = passed;
            passed += self.steps[from..].partition_point(|step| step.seconds <= seconds);
            let since = &self.steps[from..passed];
            // Those at risk have at least this duration, so they are those at risk at the next longer one.
            let next = self.steps.partition_point(|step| step.seconds < seconds);
            let at_risk = self.steps.get(next).map_or(0, |step| step.at_risk);
            let last = self.steps[..passed].last().filter(|step| at_risk > 0 || step.survival == Some(0.0));
            Step {
                seconds,
                at_risk,
                events: since.iter().map(|step| step.events).sum(),
                censored: since.iter().map(|step| step.censored).sum(),
                survival: last.and_then(|step| step.survival),
                bounds: last.and_then(|step| step.bounds),
            }
        };
        Ok(times.iter().map(step).collect())
    }

    /// The first time by which the given share has had the event; the share is the argument `name`.
    pub fn quantile(&self, name: &'static str, share: f64) -> Result<Quantile> {
        if !(share > 0.0 && share < 1.0) {
            let accepted = "a share between 0 and 1, such as 0.5".to_owned();
            return Err(Error::Argument { name, given: share.to_string(), accepted });
        }
        let rest = 1.0 - share;
        let first = |below: &dyn Fn(&Step) -> bool| self.steps.iter().find(|step| below(step)).map(|step| step.seconds);
        let reached = |value: f64| value <= rest + ROUNDING;
        Ok(Quantile {
            seconds: first(&|step| step.survival.is_some_and(reached)),
            // If none are left, the lower bound of the share is 0, and the upper one is unknown.
            low: first(&|step| step.bounds.map(|(low, _)| low).or(step.survival).is_some_and(reached)),
            high: first(&|step| step.bounds.is_some_and(|(_, high)| reached(high))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::state::State;

    fn survival(rows: &[(f64, bool)]) -> Survival {
        let mut survival = Survival::new();
        rows.iter().for_each(|&(seconds, happened)| survival.observe(seconds, happened).unwrap());
        survival.settle().unwrap();
        survival
    }

    #[test]
    fn events_come_before_censorings_at_ties() {
        let curve = Curve::new(&survival(&[(1.0, true), (2.0, true), (2.0, false), (3.0, true)]), 0.95).unwrap();
        let shares = curve.steps().iter().map(|step| (step.seconds, step.at_risk, step.survival));
        let expected = [(0.0, 4, Some(1.0)), (1.0, 4, Some(0.75)), (2.0, 3, Some(0.5)), (3.0, 1, Some(0.0))];
        assert_eq!(shares.collect::<Vec<_>>(), expected);
        assert_eq!(curve.quantile("quantile", 0.5).unwrap().seconds, Some(2.0));
    }

    #[test]
    fn the_median_is_met_exactly() {
        // Step by step, without rounding: half of ten is exactly five, which a running product would miss.
        let rows = (1..=10).map(|i| (f64::from(i), true)).collect::<Vec<_>>();
        let curve = Curve::new(&survival(&rows), 0.95).unwrap();
        assert_eq!(curve.quantile("quantile", 0.5).unwrap().seconds, Some(5.0));
        assert_eq!(curve.quantile("quantile", 0.9).unwrap().seconds, Some(9.0));
        assert_eq!(curve.steps()[5].survival, Some(0.5));
    }

    #[test]
    fn nothing_is_known_beyond_the_last_observation() {
        let curve = Curve::new(&survival(&[(1.0, true), (5.0, false)]), 0.95).unwrap();
        let at = |t| curve.at(&[t]).unwrap()[0];
        assert_eq!((at(5.0).survival, at(5.1).survival), (Some(0.5), None));
        assert_eq!((at(0.5).survival, at(0.5).at_risk), (Some(1.0), 2));
        let ended = Curve::new(&survival(&[(1.0, true)]), 0.95).unwrap();
        assert_eq!(ended.at(&[9.0]).unwrap()[0].survival, Some(0.0));
        let none = Curve::new(&Survival::new(), 0.95).unwrap();
        assert!(none.steps().is_empty() && none.quantile("quantile", 0.5).unwrap().seconds.is_none());
    }
}
