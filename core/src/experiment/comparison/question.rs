//! What is asked of a comparison: of which variants, in which direction, with what certainty.

use super::{Correction, Method, Weights, finite, parse_weights};
use crate::base::error::{Error, Result};
use crate::experiment::Experiment;
use crate::function::Call;
use crate::source::Better;

/// What would be a finding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Alternative {
    /// A difference in either direction.
    #[default]
    TwoSided,
    /// The variant lies above the control.
    Greater,
    /// The variant lies below the control.
    Less,
}

impl Alternative {
    /// The alternative of a name.
    pub fn parse(name: &str) -> Result<Self> {
        match name {
            "two_sided" => Ok(Alternative::TwoSided),
            "greater" => Ok(Alternative::Greater),
            "less" => Ok(Alternative::Less),
            _ => Err(Error::not_one_of("alternative", name, &["two_sided", "greater", "less"])),
        }
    }

    /// The chance of a statistic so far out, given that of exceeding it.
    pub(super) fn chance(self, statistic: f64, above: impl Fn(f64) -> f64) -> f64 {
        match self {
            Alternative::TwoSided => 2.0 * above(statistic.abs()),
            Alternative::Greater => above(statistic),
            Alternative::Less => above(-statistic),
        }
    }

    /// Bounds about an estimate, `half` away; a one-sided alternative has one.
    pub(super) fn bounds(self, estimate: f64, half: f64) -> (Option<f64>, Option<f64>) {
        let (low, high) = (finite(estimate - half), finite(estimate + half));
        match self {
            Alternative::TwoSided => (low, high),
            Alternative::Greater => (low, None),
            Alternative::Less => (None, high),
        }
    }
}

/// What is asked of a comparison.
#[derive(Clone, Debug)]
pub struct Question {
    /// The variant that the others are compared with; if none is named, `control` if there is one, else the first by name.
    pub control: Option<Vec<u8>>,
    /// What would be a finding.
    pub alternative: Alternative,
    /// The share of intervals that hold the truth; one less the chance of a false finding.
    pub confidence: f64,
    /// How several comparisons are accounted for.
    pub correction: Correction,
    /// The shares of users that were planned; equal ones of what was seen if there are none.
    pub weights: Option<Weights>,
    /// The fewest users whose figures are shown.
    pub min_group_size: u64,
    /// How many segments of users are looked at, over which the chance of a false alarm about their spread is divided.
    pub segments: u32,
}

impl Question {
    /// What a call asks, or a refusal of the argument that is wrong.
    pub(super) fn of(call: &Call<'_>) -> Result<Self> {
        let question = Question {
            control: call.text("control").map(|control| control.as_bytes().to_owned()),
            alternative: Alternative::parse(call.text("alternative").unwrap_or("two_sided"))?,
            confidence: call.double("confidence").unwrap_or(0.95),
            correction: Correction::parse(call.text("correction").unwrap_or("holm"))?,
            weights: call.json("weights").map(parse_weights).transpose()?,
            min_group_size: call.environment.min_group_size,
            segments: 1,
        };
        question.check().map(|()| question)
    }

    /// Refuses what cannot be asked.
    pub fn check(&self) -> Result<()> {
        if self.confidence >= 0.5 && self.confidence < 1.0 {
            return Ok(());
        }
        let accepted = "a number from 0.5 to below 1, such as 0.95".to_owned();
        Err(Error::Argument { name: "confidence", given: self.confidence.to_string(), accepted })
    }

    pub(super) fn hides(&self, users: u64) -> bool {
        users > 0 && users < self.min_group_size
    }

    pub(super) fn chance(&self) -> f64 {
        1.0 - self.confidence
    }

    pub(super) fn tail(&self) -> f64 {
        if self.alternative == Alternative::TwoSided { self.chance() / 2.0 } else { self.chance() }
    }
}

/// What is compared: an experiment, how, and how many users were left out of it because they were in several variants.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The users' figures.
    pub experiment: &'a Experiment,
    /// How.
    pub method: Method,
    /// Which quantile, where quantiles are compared.
    pub quantile: f64,
    /// Which direction is good.
    pub better: Better,
    /// Users left out.
    pub mixed: u64,
}
