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

/// The scale on which the bounds of a share are symmetric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bounds {
    /// log(-log S), which keeps both bounds between 0 and 1.
    #[default]
    LogLog,
    /// log S, the default of R's survfit; an upper bound above 1 becomes 1.
    Log,
}

impl Bounds {
    /// The scale of the given name.
    pub fn parse(name: &str) -> Result<Self> {
        match name {
            "log_log" => Ok(Bounds::LogLog),
            "log" => Ok(Bounds::Log),
            _ => Err(Error::not_one_of("bounds", name, &["log_log", "log"])),
        }
    }
}

/// The restricted mean time to the event: of the shorter of the time and a limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mean {
    /// The limit, in seconds; `None` without durations.
    pub until: Option<f64>,
    /// The mean in seconds; `None` if observation ends before the limit.
    pub seconds: Option<f64>,
    /// Its confidence bounds; `None` also without events before the limit, where the variance is unknown.
    pub bounds: Option<(f64, f64)>,
}

/// Rounding tolerance for comparing shares.
const ROUNDING: f64 = 1e-12;

/// The Kaplan-Meier estimate with Greenwood's variance. An event at the same time as a censoring precedes it, and so it does
/// a late entry: who enters at an instant is at risk after it.
///
/// Sources: E. L. Kaplan and P. Meier, "Nonparametric Estimation from Incomplete Observations", JASA 53 (1958); bounds:
/// J. D. Kalbfleisch and R. L. Prentice, "The Statistical Analysis of Failure Time Data" (1980), p. 15; bounds of a
/// quantile: R. Brookmeyer and J. Crowley, "A Confidence Interval for the Median Survival Time", Biometrics 38 (1982);
/// late entries and the restricted mean: J. P. Klein and M. L. Moeschberger, "Survival Analysis", 2nd ed. (2003), sections
/// 4.6 and 4.5.
#[derive(Debug)]
pub struct Curve {
    steps: Vec<Step>,
    /// For each time of late entries, how many entered by then.
    entered: Vec<(f64, u64)>,
    observed: u64,
    z: f64,
    _claim: Claim,
}

/// The running estimate over the durations.
///
/// Between two censorings the product telescopes to the ratio of those left to those at risk after the first. So it is a
/// product over censorings, and exact without any.
struct Estimate {
    z: f64,
    scale: Bounds,
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

    fn enter(&mut self, subjects: u64) {
        if subjects > 0 {
            self.base = self.share();
            self.left = self.left.saturating_add(subjects);
            self.began = self.left;
        }
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
        if self.scale == Bounds::Log {
            let half = self.z * self.variance.sqrt();
            return Some(((log - half).exp(), (log + half).exp().min(1.0)));
        }
        let (centre, half) = ((-log).ln(), self.z * self.variance.sqrt() / -log);
        Some(((-(centre + half).exp()).exp(), (-(centre - half).exp()).exp()))
    }
}

/// The curve without observations.
impl Default for Curve {
    fn default() -> Self {
        Curve { steps: Vec::new(), entered: Vec::new(), observed: 0, z: f64::NAN, _claim: Claim::temporary() }
    }
}

impl Curve {
    /// The curve of settled durations, with bounds of a confidence between 0 and 1: a step at 0 and at every distinct
    /// duration.
    pub fn new(survival: &Survival, confidence: f64) -> Result<Self> {
        Curve::with_bounds(survival, confidence, Bounds::default())
    }

    /// The same with bounds on a given scale.
    pub fn with_bounds(survival: &Survival, confidence: f64, scale: Bounds) -> Result<Self> {
        let z = two_sided("confidence", confidence)?;
        let observed = survival.observed();
        let mut claim = Claim::temporary();
        let mut steps = Vec::new();
        if observed > 0 {
            claim.reserve(&mut steps, survival.points().count() + 1)?;
        }
        let mut entered = Vec::new();
        claim.reserve(&mut entered, survival.late_entries().count())?;
        let mut late = survival.late_entries().peekable();
        let early = survival.early();
        let mut estimate = Estimate { z, scale, base: 1.0, began: early, left: early, variance: 0.0 };
        for (i, point) in survival.points().enumerate() {
            if i % memory::POLL_EVERY == 0 {
                memory::poll();
            }
            if i == 0 && point.seconds > 0.0 {
                let at_risk = early;
                steps.push(Step { seconds: 0.0, at_risk, events: 0, censored: 0, survival: Some(1.0), bounds: None });
            }
            while let Some(entry) = late.next_if(|entry| entry.seconds < point.seconds) {
                let before = entered.last().map_or(0, |&(_, before): &(f64, u64)| before);
                entered.push((entry.seconds, before.saturating_add(entry.subjects)));
                estimate.enter(entry.subjects);
            }
            // In forged bytes and in counts at their limit, more may leave than are there.
            estimate.enter((point.events + point.censored).saturating_sub(estimate.left));
            let at_risk = estimate.left;
            estimate.pass(&point);
            let Point { seconds, events, censored } = point;
            let (survival, bounds) = (Some(estimate.share()), estimate.bounds());
            steps.push(Step { seconds, at_risk, events, censored, survival, bounds });
        }
        Ok(Curve { steps, entered, observed, z, _claim: claim })
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
            // Those at risk have at least this duration, so they are those at risk at the next longer one, without those who
            // enter in between.
            let next = self.steps.partition_point(|step| step.seconds < seconds);
            let at_risk = self.steps.get(next).map_or(0, |step| {
                let enter = self.entered_before(step.seconds) - self.entered_before(seconds);
                step.at_risk.saturating_sub(enter)
            });
            let is_known = next < self.steps.len();
            let last = self.steps[..passed].last().filter(|step| is_known || step.survival == Some(0.0));
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

    /// The number of late entries before a time.
    fn entered_before(&self, seconds: f64) -> u64 {
        let count = self.entered.partition_point(|&(entry, _)| entry < seconds);
        self.entered[..count].last().map_or(0, |&(_, entered)| entered)
    }

    /// The restricted mean: the area under the curve up to a limit, which by default is the longest duration.
    pub fn mean(&self, until: Option<f64>) -> Result<Mean> {
        if let Some(seconds) = until.filter(|until| !(*until > 0.0 && until.is_finite())) {
            let accepted = "a number of seconds above 0".to_owned();
            return Err(Error::Argument { name: "until_seconds", given: seconds.to_string(), accepted });
        }
        let Some(last) = self.steps.last() else { return Ok(Mean { until, seconds: None, bounds: None }) };
        let limit = until.unwrap_or(last.seconds);
        if limit > last.seconds && last.survival != Some(0.0) {
            return Ok(Mean { until: Some(limit), seconds: None, bounds: None });
        }
        let (mut area, mut variance, mut end) = (0.0, 0.0, limit);
        for step in self.steps.iter().rev().skip_while(|step| step.seconds > limit) {
            area += step.survival.unwrap_or(0.0) * (end - step.seconds);
            end = step.seconds;
            let (n, d) = (step.at_risk as f64, step.events as f64);
            // Where all have the event, no area is left.
            if d > 0.0 && area > 0.0 && d < n {
                variance += area * area * (d / (n * (n - d)));
            }
        }
        let half = self.z * variance.sqrt();
        let bounds = (variance > 0.0).then(|| ((area - half).max(0.0), (area + half).min(limit)));
        Ok(Mean { until: Some(limit), seconds: Some(area), bounds })
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
    fn late_entries_are_at_risk_after_they_entered() {
        // Of two at risk one has the event at 2, when the third enters: 1/2. At 3 one of two: 1/4. At 6 the last one: 0.
        let mut survival = survival(&[(2.0, true), (3.0, true)]);
        survival.observe_from(2.0, 6.0, true).unwrap();
        let curve = Curve::new(&survival, 0.95).unwrap();
        let shares = curve.steps().iter().map(|step| (step.seconds, step.at_risk, step.survival));
        let expected = [(0.0, 2, Some(1.0)), (2.0, 2, Some(0.5)), (3.0, 2, Some(0.25)), (6.0, 1, Some(0.0))];
        assert_eq!(shares.collect::<Vec<_>>(), expected);
        let at = curve.at(&[1.0, 2.0, 2.5, 4.0, 7.0]).unwrap();
        assert_eq!(at.iter().map(|step| step.at_risk).collect::<Vec<_>>(), [2, 2, 2, 1, 0]);
    }

    #[test]
    fn the_restricted_mean_is_the_area() {
        // 1 until 1, 3/4 until 3, 3/8 from then on: up to 5 the area is 1 + 1.5 + .75. Beyond, it is not known.
        let curve = Curve::new(&survival(&[(1.0, true), (2.0, false), (3.0, true), (5.0, false)]), 0.95).unwrap();
        let mean = curve.mean(Some(5.0)).unwrap();
        assert_eq!(mean.seconds, Some(3.25));
        assert_eq!(curve.mean(None).unwrap(), mean);
        // (1.5 + .75)² / (4 · 3) + .75² / (2 · 1) = .421875 + .28125.
        let half = 1.959963984540054 * 0.703125f64.sqrt();
        let (low, high) = mean.bounds.unwrap();
        assert!((low - (3.25 - half)).abs() < 1e-12 && (high - (3.25 + half)).abs() < 1e-12);
        assert_eq!(curve.mean(Some(0.5)).unwrap().seconds, Some(0.5));
        assert_eq!(curve.mean(Some(0.5)).unwrap().bounds, None);
        assert_eq!(curve.mean(Some(5.5)).unwrap().seconds, None);
        assert!(curve.mean(Some(0.0)).is_err() && curve.mean(Some(f64::NAN)).is_err());
        let ended = Curve::new(&survival(&[(1.0, true), (2.0, true)]), 0.95).unwrap();
        assert_eq!(ended.mean(Some(9.0)).unwrap().seconds, Some(1.5));
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
