//! The terms of a comparison: control, alternative, confidence and correction.

use super::{Correction, Method, Weights, finite, parse_weights};
use crate::base::encoding;
use crate::base::error::{Error, Result};
use crate::experiment::Experiment;
use crate::function::Call;
use crate::source::Better;
use std::borrow::Cow;

/// The alternative hypothesis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Alternative {
    /// A difference in either direction.
    #[default]
    TwoSided,
    /// The variant is above the control.
    Greater,
    /// The variant is below the control.
    Less,
}

impl Alternative {
    /// The alternative of the given name.
    pub fn parse(name: &str) -> Result<Self> {
        match name {
            "two_sided" => Ok(Alternative::TwoSided),
            "greater" => Ok(Alternative::Greater),
            "less" => Ok(Alternative::Less),
            _ => Err(Error::not_one_of("alternative", name, &["two_sided", "greater", "less"])),
        }
    }

    /// The p value of a statistic, given its upper tail function.
    pub(super) fn chance(self, statistic: f64, above: impl Fn(f64) -> f64) -> f64 {
        match self {
            Alternative::TwoSided => 2.0 * above(statistic.abs()),
            Alternative::Greater => above(statistic),
            Alternative::Less => above(-statistic),
        }
    }

    /// Bounds of an estimate with half width `half`; one-sided alternatives have one bound.
    pub(super) fn bounds(self, estimate: f64, half: f64) -> (Option<f64>, Option<f64>) {
        self.sides(estimate - half, estimate + half)
    }

    /// Those of two bounds that the alternative has.
    pub(super) fn sides(self, low: f64, high: f64) -> (Option<f64>, Option<f64>) {
        let (low, high) = (finite(low), finite(high));
        match self {
            Alternative::TwoSided => (low, high),
            Alternative::Greater => (low, None),
            Alternative::Less => (None, high),
        }
    }
}

/// The terms of a comparison.
#[derive(Clone, Debug)]
pub struct Question {
    /// The control; by default `control` if there is such a variant, otherwise the first by name.
    pub control: Option<Vec<u8>>,
    /// The alternative hypothesis.
    pub alternative: Alternative,
    /// The confidence of bounds; one minus the probability of a false positive.
    pub confidence: f64,
    /// The correction for multiple comparisons.
    pub correction: Correction,
    /// The planned weights; by default equal ones for the variants seen.
    pub weights: Option<Weights>,
    /// The fewest users whose values are shown.
    pub min_group_size: u64,
    /// Whether users seen in several variants count in the first of them.
    pub first_counts: bool,
    /// The number of segments, by which the threshold of the sample ratio test is divided.
    pub segments: u32,
    /// The margin of a test of non-inferiority.
    pub margin: Option<f64>,
    /// Whether verdicts go by the always-valid p value.
    pub sequential: bool,
}

impl Question {
    /// The terms of a call, or an error for an invalid argument.
    pub(super) fn of(call: &Call<'_>) -> Result<Self> {
        let question = Question {
            control: call.text("control").map(|control| encoding::encoded(control).map(Cow::into_owned)).transpose()?,
            alternative: Alternative::parse(call.text("alternative").unwrap_or("two_sided"))?,
            confidence: call.double("confidence").unwrap_or(0.95),
            correction: Correction::parse(call.text("correction").unwrap_or("holm"))?,
            weights: call.json("weights").map(parse_weights).transpose()?,
            min_group_size: call.environment.min_group_size,
            first_counts: call.text("mixed") == Some("first"),
            segments: 1,
            margin: call.double("margin"),
            sequential: call.boolean("sequential").unwrap_or(false),
        };
        question.check().map(|()| question)
    }

    /// Rejects invalid terms.
    pub fn check(&self) -> Result<()> {
        if let Some(margin) = self.margin.filter(|margin| !(*margin > 0.0 && margin.is_finite())) {
            let accepted = "a number above 0: the largest loss that is acceptable".to_owned();
            return Err(Error::Argument { name: "margin", given: margin.to_string(), accepted });
        }
        if self.confidence >= 0.5 && self.confidence < 1.0 {
            return Ok(());
        }
        let accepted = "a number from 0.5 to below 1, such as 0.95".to_owned();
        Err(Error::Argument { name: "confidence", given: self.confidence.to_string(), accepted })
    }

    /// The terms for an entry. A test of non-inferiority has the direction of the metric, and only means and proportions have
    /// differences that a margin can be measured in.
    pub(super) fn of_entry(&self, entry: &Entry<'_>) -> Result<Cow<'_, Question>> {
        let has_difference = entry.method != Method::MannWhitney;
        if self.sequential && !has_difference {
            let accepted = "false with the method mann_whitney: ranks have no always-valid bounds".to_owned();
            return Err(Error::Argument { name: "sequential", given: "true".to_owned(), accepted });
        }
        let Some(margin) = self.margin else { return Ok(Cow::Borrowed(self)) };
        let refuse = |accepted: &str| {
            Err(Error::Argument { name: "margin", given: margin.to_string(), accepted: accepted.to_owned() })
        };
        let alternative = match entry.better {
            Better::Higher => Alternative::Greater,
            Better::Lower => Alternative::Less,
            Better::Neither => {
                return refuse("better, higher or lower, beside it: the metric has no desired direction");
            }
        };
        match entry.method {
            Method::MannWhitney => refuse("another method: ranks have no difference"),
            Method::Fisher => refuse("another method: Fisher's test is of equality"),
            Method::Proportions if margin >= 1.0 => refuse("a difference of rates below 1"),
            _ if self.alternative != Alternative::TwoSided && self.alternative != alternative => {
                refuse("no alternative beside it: it has the direction of the metric")
            }
            _ => Ok(Cow::Owned(Question { alternative, ..self.clone() })),
        }
    }

    /// The difference of the null hypothesis: none, or a loss of the margin.
    pub(super) fn null(&self) -> f64 {
        match (self.margin, self.alternative) {
            (Some(margin), Alternative::Greater) => -margin,
            (Some(margin), Alternative::Less) => margin,
            _ => 0.0,
        }
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

/// One entry of a comparison: an experiment, its method, and the number of users excluded because they were in several
/// variants.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The users' values.
    pub experiment: &'a Experiment,
    /// The method.
    pub method: Method,
    /// The quantile, if quantiles are compared.
    pub quantile: f64,
    /// The desired direction.
    pub better: Better,
    /// Users excluded.
    pub mixed: u64,
    /// Remarks on all its rows, such as options that do not apply.
    pub remarks: [Option<&'static str>; 3],
}
