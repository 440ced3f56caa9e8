//! Sample size and minimum detectable effect of an experiment. Definition D95.

use super::Alternative;
use super::log::{WEIGHTS, argument};
use super::{Weights, parse_weights};
use crate::base::error::{Error, Result};
use crate::function::{Argument, Call, NO_DEFAULT, REQUIRED, Role, Type};
use crate::stats::tails::{noncentral_t_above, normal_exceeded, student_exceeded};

pub mod minimum_detectable_effect;
pub mod sample_size;

/// The arguments of a plan, after the first one.
const PLAN: [Argument; 7] = [
    argument(
        "baseline",
        Type::Double,
        Role::Value,
        NO_DEFAULT,
        "rate of the control, between 0 and 1; for a mean, sd instead",
    ),
    argument("sd", Type::Double, Role::Value, NO_DEFAULT, "standard deviation of the users' values"),
    argument("power", Type::Double, Role::Value, "0.8", "probability of detecting the effect if it exists"),
    argument(
        "confidence",
        Type::Double,
        Role::Value,
        "0.95",
        "1 minus the significance level, the probability of detecting an effect that does not exist",
    ),
    argument(
        "alternative",
        Type::Text,
        Role::Value,
        "'two_sided'",
        "alternative hypothesis: two_sided, greater or less",
    ),
    argument("comparisons", Type::Integer, Role::Value, "1", "number of comparisons"),
    WEIGHTS,
];

/// A required argument of a plan.
const fn asked(name: &'static str, kind: Type, about: &'static str) -> Argument {
    argument(name, kind, Role::Value, REQUIRED, about)
}

/// The plan of a call, or an error for an invalid argument.
fn planned(call: &Call<'_>) -> Result<(Figure, Plan)> {
    let sd = call.double("sd");
    let figure = match (call.double("baseline"), sd) {
        (Some(rate), None) => Figure::Proportion(rate),
        (None, Some(sd)) => Figure::Mean(sd),
        _ => {
            let given = if sd.is_some() { "given beside sd" } else { "NULL" };
            let accepted =
                "baseline, the rate of the control, or sd, the standard deviation of users' figures, and not both";
            return call.refuse("baseline", given, accepted);
        }
    };
    let plan = Plan {
        power: call.double("power").unwrap_or(0.8),
        confidence: call.double("confidence").unwrap_or(0.95),
        alternative: Alternative::parse(call.text("alternative").unwrap_or("two_sided"))?,
        comparisons: u32::try_from(call.integer("comparisons").unwrap_or(1)).unwrap_or(0),
        split: call.json("weights").map(|text| Split::of(&parse_weights(text)?)).transpose()?.unwrap_or_default(),
    };
    Ok((figure, plan))
}

/// What is compared.
#[derive(Clone, Copy, Debug)]
pub enum Figure {
    /// Means of values with this standard deviation.
    Mean(f64),
    /// Shares of users, with this share in the control.
    Proportion(f64),
}

/// The error probabilities for which an experiment is planned.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The probability of finding the effect if it exists.
    pub power: f64,
    /// One minus the probability of a false positive.
    pub confidence: f64,
    /// The direction of the effect.
    pub alternative: Alternative,
    /// The number of comparisons, which share the permitted probability of a false positive.
    pub comparisons: u32,
    /// How users are split.
    pub split: Split,
}

/// How users are split over the control and a variant: multiples of the users of the smaller one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Split {
    /// The users of the variant.
    pub variant: f64,
    /// The users of the control.
    pub control: f64,
}

/// Equal shares.
impl Default for Split {
    fn default() -> Self {
        Split { variant: 1.0, control: 1.0 }
    }
}

/// The most that the users of two variants may differ.
const MOST_UNEQUAL: f64 = 1e6;

impl Split {
    /// The split of planned weights: of the control, which is `control` or else the first by name, and the variant of the
    /// least weight, for which the effect is hardest to find.
    pub fn of(weights: &Weights) -> Result<Self> {
        let refuse = |accepted: &str| {
            let given = weights.iter().map(|(name, weight)| format!("{name}: {weight}")).collect::<Vec<_>>().join(", "); // few: of an error
            Err(Error::Argument { name: "weights", given, accepted: accepted.to_owned() })
        };
        let positive = || weights.iter().filter(|(_, weight)| *weight > 0.0);
        let control = positive().find(|(name, _)| name == "control").or(positive().min_by_key(|(name, _)| name));
        let variant = positive()
            .filter(|(name, _)| control.is_none_or(|(control, _)| control != name))
            .min_by(|(_, a), (_, b)| a.total_cmp(b));
        let Some(((_, control), (_, variant))) = control.zip(variant) else {
            return refuse("weights above 0 of two variants or more");
        };
        let least = variant.min(*control);
        let split = Split { variant: variant / least, control: control / least };
        match split.variant.max(split.control) <= MOST_UNEQUAL {
            true => Ok(split),
            false => refuse("weights of which none is more than a million times another"),
        }
    }

    /// The variance of the difference of two means, for a variance of 1 and one user in the smaller variant.
    fn spread(self) -> f64 {
        1.0 / self.variant + 1.0 / self.control
    }
}

fn refused<T>(name: &'static str, given: f64, accepted: &str) -> Result<T> {
    Err(Error::Argument { name, given: given.to_string(), accepted: accepted.to_owned() })
}

impl Plan {
    /// The probability of a false positive of one comparison, in the tail of the effect.
    fn tail(&self) -> f64 {
        let sides = if self.alternative == Alternative::TwoSided { 2.0 } else { 1.0 };
        (1.0 - self.confidence) / f64::from(self.comparisons) / sides
    }

    /// The effect in standard errors: the multiples required for significance and for power.
    fn errors(&self) -> Result<(f64, f64)> {
        for (name, share) in [("power", self.power), ("confidence", self.confidence)] {
            if !(share > 0.0 && share < 1.0) {
                return refused(name, share, "a number between 0 and 1");
            }
        }
        if self.comparisons == 0 {
            return refused("comparisons", 0.0, "a number of 1 or more");
        }
        Ok((normal_exceeded(self.tail()), normal_exceeded(1.0 - self.power)))
    }

    /// The power of the t test with the given users in the smaller variant, for an effect in standard deviations.
    fn power_of_t(&self, users: f64, effect: f64) -> f64 {
        let df = users * (self.split.variant + self.split.control) - 2.0;
        let shift = effect * (users / self.split.spread()).sqrt();
        // A confidence below one half, of one side, asks for less than the mean.
        let tail = self.tail();
        let critical = if tail > 0.5 { -student_exceeded(1.0 - tail, df) } else { student_exceeded(tail, df) };
        let opposite =
            if self.alternative == Alternative::TwoSided { noncentral_t_above(critical, df, -shift) } else { 0.0 };
        noncentral_t_above(critical, df, shift) + opposite
    }
}

impl Figure {
    fn check(self) -> Result<()> {
        match self {
            Figure::Mean(sd) if !(sd > 0.0 && sd.is_finite()) => refused("sd", sd, "a number above 0"),
            Figure::Proportion(rate) if !(rate > 0.0 && rate < 1.0) => {
                refused("baseline", rate, "a rate between 0 and 1, or sd for a mean")
            }
            _ => Ok(()),
        }
    }

    /// The required product of the effect and the square root of the number of users. The test of proportions assumes one
    /// pooled rate; under the alternative there are two.
    fn required(self, effect: f64, (believed, missed): (f64, f64), split: Split) -> f64 {
        let needed = match self {
            Figure::Mean(sd) => (believed + missed) * (split.spread() * sd * sd).sqrt(),
            Figure::Proportion(rate) => {
                let share = split.variant / (split.variant + split.control);
                let (other, together) = (rate + effect, rate + effect * share);
                let apart = rate * (1.0 - rate) / split.control + other * (1.0 - other) / split.variant;
                believed * (split.spread() * together * (1.0 - together)).sqrt() + missed * apart.max(0.0).sqrt()
            }
        };
        needed.max(0.0)
    }
}

/// Users that each variant, or the smaller one, needs to find an effect of this size (the difference of the means or of the rates): for means by
/// the t test, for rates by the normal approximation.
///
/// Source: J. L. Fleiss, "Statistical Methods for Rates and Proportions", 2nd ed. (1981), equation 3.14, without correction
/// for continuity.
pub fn sample_size(effect: f64, figure: Figure, plan: Plan) -> Result<u64> {
    figure.check()?;
    let errors = plan.errors()?;
    if effect == 0.0 || !effect.is_finite() {
        return refused("effect", effect, "a difference other than 0");
    }
    if let Figure::Proportion(rate) = figure
        && !(0.0..=1.0).contains(&(rate + effect))
    {
        return refused("effect", effect, "a difference that leads to a rate from 0 to 1");
    }
    let users = (figure.required(effect, errors, plan.split) / effect).powi(2);
    if users > MOST_USERS {
        return refused("effect", effect, "a larger difference: this one takes more users than can be counted");
    }
    // A tiny excess over a whole number is a rounding error.
    let users = ((users * (1.0 - 1e-12)).ceil() as u64).max(2);
    match figure {
        Figure::Mean(sd) if users < MANY => Ok(plan.enough_for_t(effect.abs() / sd, users)),
        _ => Ok(users),
    }
}

/// The most users that a plan may ask for: as many as `bigint` counts.
const MOST_USERS: f64 = 9e18;
/// The users from which on t and the normal distribution need the same number, but for one or two.
const MANY: u64 = 1_000_000;

impl Plan {
    /// The fewest users with which the t test has the power, given those of the normal approximation, which are never more
    /// than a few too many, in steps that double.
    fn enough_for_t(&self, effect: f64, normal: u64) -> u64 {
        let is_enough = |users: u64| self.power_of_t(users as f64, effect) >= self.power;
        let (mut low, mut high, mut step) = (normal.saturating_sub(8).max(2), normal, 1);
        while !is_enough(high) {
            (low, high, step) = (high + 1, high + step, step * 2);
        }
        if low < high && is_enough(low) {
            high = low;
            low = 2;
        }
        while low < high {
            let middle = low + (high - low) / 2;
            if is_enough(middle) { high = middle } else { low = middle + 1 }
        }
        high
    }
}

/// The smallest increase found with the given number of users in each variant, or the smaller one; `None` if a proportion cannot increase by as
/// much as needed.
pub fn minimum_detectable_effect(users: u64, figure: Figure, plan: Plan) -> Result<Option<f64>> {
    figure.check()?;
    let errors = plan.errors()?;
    if users < 2 {
        return refused("users", users as f64, "a number of 2 or more");
    }
    let found = |effect: f64| figure.required(effect, errors, plan.split) / (users as f64).sqrt();
    let rate = match figure {
        Figure::Proportion(rate) => rate,
        Figure::Mean(_) if users >= MANY => return Ok(Some(found(0.0))),
        Figure::Mean(sd) => {
            // The effect in standard deviations that has the power: it rises with the effect.
            let is_found = |effect: f64| plan.power_of_t(users as f64, effect) >= plan.power;
            if is_found(0.0) {
                return Ok(Some(0.0));
            }
            let mut high = 1e-9;
            while !is_found(high) && high < 1e9 {
                high *= 2.0;
            }
            let mut low = if high > 1e-9 { high / 2.0 } else { 0.0 };
            for _ in 0..60 {
                let middle = low + (high - low) / 2.0;
                if is_found(middle) { high = middle } else { low = middle }
            }
            return Ok(Some(sd * high));
        }
    };
    let (mut low, mut high) = (0.0, 1.0 - rate);
    if found(high) > high {
        return Ok(None);
    }
    // The difference between required and given product changes sign once.
    loop {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            return Ok(Some(high));
        }
        if found(middle) > middle { low = middle } else { high = middle }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: Plan =
        Plan { power: 0.8, confidence: 0.95, alternative: Alternative::TwoSided, comparisons: 1, split: EQUAL };
    const EQUAL: Split = Split { variant: 1.0, control: 1.0 };

    fn split(weights: &str) -> Result<Split> {
        Split::of(&parse_weights(weights)?)
    }

    /// statsmodels: `TTestIndPower().solve_power(1.5 / 12, alpha=0.05, power=0.8, ratio=9)` is 558.33;
    /// `samplesize_proportions_2indep_onetail(0.03, 0.25, 0.8, ratio=9, alternative="two-sided")` is 1863.59.
    #[test]
    fn sizes_of_unequal_variants_are_those_of_others() {
        let plan = Plan { split: split(r#"{"treatment": 1, "control": 9}"#).unwrap(), ..PLAN };
        assert_eq!(sample_size(1.5, Figure::Mean(12.0), plan), Ok(559));
        assert_eq!(sample_size(0.03, Figure::Proportion(0.25), plan), Ok(1864));
        let effect = minimum_detectable_effect(559, Figure::Mean(12.0), plan).unwrap().unwrap();
        assert!((1.499..1.5).contains(&effect), "{effect}");
    }

    #[test]
    fn the_hardest_comparison_is_planned() {
        assert_eq!(split(r#"{"a": 0.5, "b": 0.2, "c": 0.3}"#), Ok(Split { variant: 1.0, control: 2.5 }));
        assert_eq!(split(r#"{"a": 0.25, "b": 0.5, "control": 0.125}"#), Ok(Split { variant: 2.0, control: 1.0 }));
        assert_eq!(split(r#"{"a": 3, "b": 3, "off": 0}"#), Ok(EQUAL));
        assert!(split(r#"{"a": 1}"#).is_err() && split(r#"{"a": 1, "b": 0}"#).is_err());
        assert!(split(r#"{"a": 1, "b": 1e-9}"#).is_err());
    }

    /// The documentation of ClickHouse gives 3396.08 users for `minSampleSizeConversion(0.25, 0.03, 0.80, 0.05)`;
    /// statsmodels gives 1005.62 for `TTestIndPower().solve_power(1.5 / 12, alpha=0.05, power=0.8)`.
    #[test]
    fn sizes_are_those_of_others() {
        assert_eq!(sample_size(0.03, Figure::Proportion(0.25), PLAN), Ok(3397));
        assert_eq!(sample_size(1.5, Figure::Mean(12.0), PLAN), Ok(1006));
        assert_eq!(sample_size(-1.5, Figure::Mean(12.0), PLAN), Ok(1006));
        // 5.09 by `TTestIndPower().solve_power(2, alpha=0.05, power=0.8)`; the normal approximation says 4.
        assert_eq!(sample_size(2.0, Figure::Mean(1.0), PLAN), Ok(6));
    }

    #[test]
    fn what_cannot_be_planned_is_refused() {
        assert!(sample_size(0.0, Figure::Mean(1.0), PLAN).is_err());
        assert!(sample_size(1e-300, Figure::Mean(1.0), PLAN).is_err());
        assert!(sample_size(1e-12, Figure::Proportion(0.5), PLAN).is_err());
        assert!(sample_size(f64::NAN, Figure::Mean(1.0), PLAN).is_err());
        assert!(sample_size(0.8, Figure::Proportion(0.25), PLAN).is_err());
        assert!(sample_size(0.1, Figure::Proportion(1.0), PLAN).is_err());
        assert!(sample_size(0.1, Figure::Mean(0.0), PLAN).is_err());
        assert!(sample_size(0.1, Figure::Mean(1.0), Plan { power: 1.0, ..PLAN }).is_err());
        assert!(minimum_detectable_effect(1, Figure::Mean(1.0), PLAN).is_err());
        assert_eq!(minimum_detectable_effect(5, Figure::Proportion(0.9), PLAN), Ok(None));
    }
}
