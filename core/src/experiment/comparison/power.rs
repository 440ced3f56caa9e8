//! How many users an experiment needs, and what it can find with those it has. Definition D95.

use super::Alternative;
use super::log::argument;
use crate::base::error::{Error, Result};
use crate::function::{Argument, Call, NO_DEFAULT, REQUIRED, Role, Type};
use crate::stats::tails::normal_exceeded;

pub mod minimum_detectable_effect;
pub mod sample_size;

/// The arguments of a plan, behind what is asked about it.
const PLAN: [Argument; 6] = [
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
];

/// An argument of a plan that must be given.
const fn asked(name: &'static str, kind: Type, about: &'static str) -> Argument {
    argument(name, kind, Role::Value, REQUIRED, about)
}

/// The plan of a call, or a refusal of the argument that is wrong.
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
    };
    Ok((figure, plan))
}

/// What is going to be compared.
#[derive(Clone, Copy, Debug)]
pub enum Figure {
    /// Means of figures with this standard deviation.
    Mean(f64),
    /// Shares of users, of which the control has this.
    Proportion(f64),
}

/// The certainty an experiment is planned with.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The chance to find the effect if it is there.
    pub power: f64,
    /// One less the chance to find one that is not.
    pub confidence: f64,
    /// In which direction it is looked for.
    pub alternative: Alternative,
    /// How many comparisons are made, over which the chance of a false finding is spread.
    pub comparisons: u32,
}

fn refused<T>(name: &'static str, given: f64, accepted: &str) -> Result<T> {
    Err(Error::Argument { name, given: given.to_string(), accepted: accepted.to_owned() })
}

impl Plan {
    /// Standard errors that the effect must be worth: those of no effect to be believed, and those of the effect not to be
    /// missed.
    fn errors(&self) -> Result<(f64, f64)> {
        for (name, share) in [("power", self.power), ("confidence", self.confidence)] {
            if !(share > 0.0 && share < 1.0) {
                return refused(name, share, "a number between 0 and 1");
            }
        }
        if self.comparisons == 0 {
            return refused("comparisons", 0.0, "a number of 1 or more");
        }
        let chance = (1.0 - self.confidence) / f64::from(self.comparisons);
        let sides = if self.alternative == Alternative::TwoSided { 2.0 } else { 1.0 };
        Ok((normal_exceeded(chance / sides), normal_exceeded(1.0 - self.power)))
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

    /// What the root of the number of users times the effect must be. The test of proportions knows one rate, that of both
    /// variants together; the truth has two.
    fn required(self, effect: f64, (believed, missed): (f64, f64)) -> f64 {
        let needed = match self {
            Figure::Mean(sd) => (believed + missed) * (2.0 * sd * sd).sqrt(),
            Figure::Proportion(rate) => {
                let (other, together) = (rate + effect, rate + effect / 2.0);
                believed * (2.0 * together * (1.0 - together)).sqrt()
                    + missed * (rate * (1.0 - rate) + other * (1.0 - other)).max(0.0).sqrt()
            }
        };
        needed.max(0.0)
    }
}

/// Users each variant needs so that an effect of this size (the difference of the means or of the rates) is found; by the
/// normal distribution, which for very few users is a little optimistic.
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
    let users = (figure.required(effect, errors) / effect).powi(2);
    // A hair above a whole number is rounding.
    Ok(((users * (1.0 - 1e-12)).ceil() as u64).max(2))
}

/// The smallest increase that an experiment with so many users in each variant finds; `None` for a proportion that cannot
/// rise by as much as would be needed.
pub fn minimum_detectable_effect(users: u64, figure: Figure, plan: Plan) -> Result<Option<f64>> {
    figure.check()?;
    let errors = plan.errors()?;
    if users < 2 {
        return refused("users", users as f64, "a number of 2 or more");
    }
    let found = |effect: f64| figure.required(effect, errors) / (users as f64).sqrt();
    let Figure::Proportion(rate) = figure else { return Ok(Some(found(0.0))) };
    let (mut low, mut high) = (0.0, 1.0 - rate);
    if found(high) > high {
        return Ok(None);
    }
    // What is found less what is looked for falls through 0 once.
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

    const PLAN: Plan = Plan { power: 0.8, confidence: 0.95, alternative: Alternative::TwoSided, comparisons: 1 };

    /// ClickHouse's documentation of `minSampleSizeConversion(0.25, 0.03, 0.80, 0.05)` has 3396.08 users; statsmodels'
    /// `NormalIndPower().solve_power(1.5 / 12, alpha=0.05, power=0.8)` 1004.65.
    #[test]
    fn sizes_are_those_of_others() {
        assert_eq!(sample_size(0.03, Figure::Proportion(0.25), PLAN), Ok(3397));
        assert_eq!(sample_size(1.5, Figure::Mean(12.0), PLAN), Ok(1005));
        assert_eq!(sample_size(-1.5, Figure::Mean(12.0), PLAN), Ok(1005));
    }

    #[test]
    fn what_cannot_be_planned_is_refused() {
        assert!(sample_size(0.0, Figure::Mean(1.0), PLAN).is_err());
        assert!(sample_size(f64::NAN, Figure::Mean(1.0), PLAN).is_err());
        assert!(sample_size(0.8, Figure::Proportion(0.25), PLAN).is_err());
        assert!(sample_size(0.1, Figure::Proportion(1.0), PLAN).is_err());
        assert!(sample_size(0.1, Figure::Mean(0.0), PLAN).is_err());
        assert!(sample_size(0.1, Figure::Mean(1.0), Plan { power: 1.0, ..PLAN }).is_err());
        assert!(minimum_detectable_effect(1, Figure::Mean(1.0), PLAN).is_err());
        assert_eq!(minimum_detectable_effect(5, Figure::Proportion(0.9), PLAN), Ok(None));
    }
}
