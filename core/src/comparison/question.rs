//! What is asked of a comparison: of which variants, in which direction, with what certainty.

use super::{Correction, Method, Weights, finite};
use crate::error::{Error, Result};
use crate::experiment::Experiment;

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

/// Which direction is good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Better {
    /// More is better.
    #[default]
    Higher,
    /// Less is better, as of cost and waiting.
    Lower,
    /// Neither: a verdict says only which way.
    Neither,
}

impl Better {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Better::Higher => "higher",
            Better::Lower => "lower",
            Better::Neither => "neither",
        }
    }

    /// The direction of a name.
    pub fn parse(name: &str) -> Result<Self> {
        match name {
            "higher" => Ok(Better::Higher),
            "lower" => Ok(Better::Lower),
            "neither" => Ok(Better::Neither),
            _ => Err(Error::not_one_of("better", name, &["higher", "lower", "neither"])),
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
