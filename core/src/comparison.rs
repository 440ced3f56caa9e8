//! What an experiment tells: each variant against the control, in one row. Definitions D85 to D94.
//!
//! The unit is the user: figures are made per user first, and an [`Experiment`] holds their moments. Everything here is about
//! the difference of two means, `variant - control`, and its error: of figures, of figures from which what was known before
//! has been taken out (CUPED), or of ratios (delta method). Shares of users and ranks have tests of their own. Where a
//! figure cannot be known it is `None` and [`Row::reason`] says why; nothing is ever `NaN`, and no chance is 0.
//!
//! Sources: B. L. Welch, "The generalization of Student's problem when several different population variances are involved",
//! Biometrika 34 (1947); A. Deng, Y. Xu, R. Kohavi and T. Walker, "Improving the sensitivity of online controlled experiments
//! by utilizing pre-experiment data", WSDM (2013); A. Deng, U. Knoblich and J. Lu, "Applying the delta method in metric
//! analytics", KDD (2018); I. Waudby-Smith, D. Arbour, R. Sinha, E. H. Kennedy and A. Ramdas, "Time-uniform central limit
//! theory and asymptotic confidence sequences", Annals of Statistics 52 (2024); A. Fabijan and others, "Diagnosing sample
//! ratio mismatch in online controlled experiments", KDD (2019). GrowthBook's statistics engine uses the same sequence, prior
//! and thresholds.

use crate::error::{Error, Result};
use crate::experiment::{Arm, Experiment, Moments, Purpose};
use crate::interval::{Difference, rate_difference_at};
use xxhash_rust::xxh3::xxh3_64;

mod correction;
mod power;
mod proportions;
mod quantiles;
mod ranks;
pub(crate) mod tails;

pub use correction::{Correction, adjusted};
pub use power::{Figure, Plan, minimum_detectable_effect, sample_size};
use proportions::Share;
use tails::{chi_squared_above, normal_above, normal_density, normal_exceeded, probability};
use tails::{student_above, student_exceeded};

/// The chance of a sample ratio so far from the plan below which an experiment is not judged.
pub const SRM_THRESHOLD: f64 = 0.001;
/// Users each variant should have before the ratio is tested at all.
const SRM_LEAST: f64 = 8.0;
/// Users with a figure below which means are not near enough to normal for a verdict.
const FEW: u64 = 30;
/// The same for ranks, and for exact tests.
const FEW_RANKS: u64 = 8;
/// The users the always-valid interval is narrowest for.
const TUNED_FOR: f64 = 5000.0;
/// The standard deviation of lifts before anything is known: two of three experiments change less than this.
const PRIOR_SD: f64 = 0.3;
/// A share of a variance that rounding may leave of one that has been taken out.
const ROUNDING: f64 = 1e-12;
/// The fewest that a cell should be expected to hold for the normal distribution to serve.
const SMALL_CELL: f64 = 5.0;
/// The share of users seen in several variants from which on it is worth a word.
const MANY_MIXED: f64 = 0.01;

/// How two variants are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// Means, or ratios, by Welch's t.
    #[default]
    Welch,
    /// Shares of users whose figure is 1, by the pooled z and Newcombe's bounds; by Fisher's test where cells are small.
    Proportions,
    /// The same by Fisher's exact test always.
    Fisher,
    /// Ranks, by the test of Mann and Whitney.
    MannWhitney,
    /// Quantiles over all figures of users who have several, by a bootstrap over users.
    Quantile,
}

impl Method {
    const NAMES: [&str; 5] = ["welch", "proportions", "fisher", "mann_whitney", "quantile"];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// The method of a name.
    pub fn parse(name: &str) -> Result<Self> {
        match name {
            "welch" => Ok(Method::Welch),
            "proportions" => Ok(Method::Proportions),
            "fisher" => Ok(Method::Fisher),
            "mann_whitney" => Ok(Method::MannWhitney),
            "quantile" => Ok(Method::Quantile),
            _ => Err(Error::not_one_of("method", name, &Self::NAMES)),
        }
    }
}

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
    fn chance(self, statistic: f64, above: impl Fn(f64) -> f64) -> f64 {
        match self {
            Alternative::TwoSided => 2.0 * above(statistic.abs()),
            Alternative::Greater => above(statistic),
            Alternative::Less => above(-statistic),
        }
    }

    /// Bounds about an estimate, `half` away; a one-sided alternative has one.
    fn bounds(self, estimate: f64, half: f64) -> (Option<f64>, Option<f64>) {
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

/// What a row comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the control itself.
    Control,
    /// A difference in the good direction.
    Better,
    /// A difference in the bad direction.
    Worse,
    /// A difference upwards, of what is neither good nor bad.
    Higher,
    /// A difference downwards, likewise.
    Lower,
    /// Nothing that chance could not have done.
    NoEvidence,
    /// Too few users to say.
    TooSmall,
    /// Nothing to compare with.
    TooFewArms,
    /// Users are not spread as they should be: the comparison means nothing.
    InvalidSrm,
}

impl Verdict {
    /// As SQL shows it.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Control => "control",
            Verdict::Better => "better",
            Verdict::Worse => "worse",
            Verdict::Higher => "higher",
            Verdict::Lower => "lower",
            Verdict::NoEvidence => "no evidence",
            Verdict::TooSmall => "too small",
            Verdict::TooFewArms => "too few arms",
            Verdict::InvalidSrm => "invalid: SRM",
        }
    }
}

/// The share of users that each variant is meant to have: names and positive numbers, to any sum.
pub type Weights = Vec<(String, f64)>;

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

    fn hides(&self, users: u64) -> bool {
        users > 0 && users < self.min_group_size
    }

    fn chance(&self) -> f64 {
        1.0 - self.confidence
    }

    fn tail(&self) -> f64 {
        if self.alternative == Alternative::TwoSided { self.chance() / 2.0 } else { self.chance() }
    }
}

/// The weights of a JSON object of variants and numbers.
pub fn parse_weights(json: &str) -> Result<Weights> {
    let wrong = |given: String| Error::Argument {
        name: "weights",
        given,
        accepted: "a JSON object of variants and their shares of users, such as {\"control\": 0.5, \"treatment\": 0.5}"
            .to_owned(),
    };
    let object: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(json).map_err(|_| wrong(json.to_owned()))?;
    let weight = |(name, value): (String, serde_json::Value)| {
        let weight = value.as_f64().filter(|weight| *weight >= 0.0 && weight.is_finite());
        weight.map(|weight| (name.clone(), weight)).ok_or_else(|| wrong(format!("{name}: {value}")))
    };
    let weights = object.into_iter().map(weight).collect::<Result<Weights>>()?;
    match weights.iter().any(|(_, weight)| *weight > 0.0) {
        true => Ok(weights),
        false => Err(wrong(json.to_owned())),
    }
}

/// The users of a JSON object of variants and whole numbers.
pub fn parse_users(json: &str) -> Result<Vec<(String, u64)>> {
    let wrong = |given: String| Error::Argument {
        name: "users",
        given,
        accepted:
            "a JSON object of variants and how many users each has, such as {\"control\": 5012, \"treatment\": 4890}"
                .to_owned(),
    };
    let object: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(json).map_err(|_| wrong(json.to_owned()))?;
    let users = |(name, value): (String, serde_json::Value)| {
        value.as_u64().map(|users| (name.clone(), users)).ok_or_else(|| wrong(format!("{name}: {value}")))
    };
    object.into_iter().map(users).collect()
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

/// A variant against the control. Differences are `variant - control`; lifts are shares of the control's mean.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// The number of its entry.
    pub entry: usize,
    /// The variant.
    pub variant: Vec<u8>,
    /// Users with a figure.
    pub users: Option<u64>,
    /// Users without one.
    pub missing: Option<u64>,
    /// The mean of the figures; of ratios, the ratio of the sums.
    pub mean: Option<f64>,
    /// The standard deviation of users' figures; of ratios, of what each contributes.
    pub sd: Option<f64>,
    /// The control's mean.
    pub control_mean: Option<f64>,
    /// The difference of both.
    pub difference: Option<f64>,
    /// The error of that, one standard deviation.
    pub error: Option<f64>,
    /// Its low bound.
    pub low: Option<f64>,
    /// Its high bound.
    pub high: Option<f64>,
    /// The difference over the size of the control's mean.
    pub lift: Option<f64>,
    /// Its low bound.
    pub lift_low: Option<f64>,
    /// Its high bound.
    pub lift_high: Option<f64>,
    /// The test's statistic: t, z, the odds ratio, or U.
    pub statistic: Option<f64>,
    /// Degrees of freedom of t.
    pub df: Option<f64>,
    /// The chance of such a statistic under no effect.
    pub p_value: Option<f64>,
    /// The same for this one of all comparisons made.
    pub p_adjusted: Option<f64>,
    /// The low bound of a difference that may be looked at every day.
    pub always_low: Option<f64>,
    /// The high bound of the same.
    pub always_high: Option<f64>,
    /// The chance that the variant is better (of what is neither good nor bad: higher).
    pub probability_better: Option<f64>,
    /// The lift that is lost on average by choosing the variant, where it should be worse.
    pub expected_loss: Option<f64>,
    /// The chance of such a spread of users over the variants.
    pub srm_p_value: Option<f64>,
    /// What it comes to; `None` where it is not shown.
    pub verdict: Option<Verdict>,
    /// Why something is not known, or not judged.
    pub reason: Option<String>,
}

/// A number if it is one.
fn finite(number: f64) -> Option<f64> {
    number.is_finite().then_some(number)
}

/// The mean of a variant's figures and their variance, as the comparison takes them.
#[derive(Clone, Copy, Debug)]
struct Estimate {
    users: u64,
    mean: f64,
    variance: f64,
}

impl Estimate {
    /// The squared error of the mean.
    fn error(&self) -> f64 {
        self.variance / self.users as f64
    }
}

/// How estimates are made of moments.
#[derive(Clone, Copy, Debug)]
enum Maker {
    Plain,
    /// The quantile of this share of all figures.
    Quantile(f64),
    /// Less `slope` times what the second figure is off its mean over all variants.
    Adjusted {
        slope: f64,
        mean: f64,
    },
    Ratio,
}

impl Maker {
    fn of(entry: &Entry<'_>) -> Result<(Self, Option<&'static str>)> {
        let experiment = entry.experiment;
        if entry.method == Method::Quantile {
            return Ok((Maker::Quantile(entry.quantile), None));
        }
        Ok(match experiment.purpose() {
            Purpose::Mean | Purpose::Sample => (Maker::Plain, None),
            Purpose::Ratio | Purpose::Lists => (Maker::Ratio, None),
            Purpose::Adjusted => {
                let all = experiment.pooled()?.moments();
                let slope = all.covariance / all.second_variance;
                match finite(slope) {
                    Some(slope) => (Maker::Adjusted { slope, mean: all.second_mean }, None),
                    None => (Maker::Plain, Some("the covariate does not vary, so nothing is adjusted")),
                }
            }
        })
    }

    fn estimate(self, arm: &Arm) -> Result<Estimate> {
        let Moments { users, mean, variance, second_mean, second_variance, covariance } = arm.moments();
        // What rounding leaves of a variance that is explained in full is no variance.
        let rest = |variance: f64, of: f64| if variance <= of * ROUNDING { 0.0 } else { variance };
        Ok(match self {
            Maker::Plain => Estimate { users, mean, variance },
            Maker::Quantile(share) => {
                let found = quantiles::quantile(arm.lists(), share, xxh3_64(arm.name()))?;
                let (mean, error) = found.unwrap_or((f64::NAN, f64::NAN));
                Estimate { users, mean, variance: error * error * users as f64 }
            }
            Maker::Adjusted { slope, mean: centre } => {
                let explained = slope * slope * second_variance;
                let left = variance - 2.0 * slope * covariance + explained;
                Estimate {
                    users,
                    mean: mean - slope * (second_mean - centre),
                    variance: rest(left, variance + explained),
                }
            }
            Maker::Ratio => {
                let ratio = mean / second_mean;
                let explained = ratio * ratio * second_variance;
                let left = variance - 2.0 * ratio * covariance + explained;
                let variance = rest(left, variance + explained) / (second_mean * second_mean);
                Estimate { users, mean: ratio, variance }
            }
        })
    }
}

/// The chance that users spread so far from the weights; `None` where some variant should have too few.
fn srm(users: &[u64], weights: &[f64]) -> Option<(f64, f64, f64)> {
    let all = users.iter().map(|users| *users as f64).sum::<f64>();
    let weight = weights.iter().sum::<f64>();
    let expected = weights.iter().map(|share| all * (share / weight)).collect::<Vec<_>>();
    if users.len() < 2 || expected.iter().any(|expected| *expected < SRM_LEAST) {
        return None;
    }
    let off = |(users, expected): (&u64, &f64)| (*users as f64 - expected) * (*users as f64 - expected) / expected;
    let statistic = users.iter().zip(&expected).map(off).sum::<f64>();
    let df = (users.len() - 1) as f64;
    probability(chi_squared_above(statistic, df)).map(|p| (statistic, df, p))
}

/// Users and weights side by side, without the variants nobody is meant to be in; refuses users where none should be.
fn planned(seen: &[(&[u8], u64)], weights: Option<&Weights>) -> Result<(Vec<u64>, Vec<f64>)> {
    let Some(weights) = weights else {
        return Ok((seen.iter().map(|(_, users)| *users).collect(), vec![1.0; seen.len()]));
    };
    for (name, users) in seen.iter().filter(|(_, users)| *users > 0) {
        let shown = String::from_utf8_lossy(name);
        if !weights.iter().any(|(planned, weight)| planned.as_bytes() == *name && *weight > 0.0) {
            return Err(Error::Argument {
                name: "weights",
                given: format!("{shown}: 0"),
                accepted: format!("a weight above 0 for \"{shown}\", which has {users} users"),
            });
        }
    }
    let of = |name: &str| seen.iter().filter(|(seen, _)| *seen == name.as_bytes()).map(|(_, users)| users).sum::<u64>();
    let positive = weights.iter().filter(|(_, weight)| *weight > 0.0);
    Ok(positive.map(|(name, weight)| (of(name), *weight)).unzip())
}

/// A check of a sample ratio: the statistic, its degrees of freedom, the chance, and why there is none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SrmCheck {
    /// Users in all.
    pub users: u64,
    /// Chi-squared.
    pub statistic: Option<f64>,
    /// Variants of positive weight less one.
    pub df: Option<f64>,
    /// The chance of such a spread.
    pub p_value: Option<f64>,
    /// `ok`, `invalid: SRM` or `too small`.
    pub verdict: &'static str,
    /// Why nothing is said.
    pub reason: Option<String>,
}

/// Whether users are spread over variants as planned. Definition D92.
pub fn srm_check(seen: &[(&[u8], u64)], weights: Option<&Weights>) -> Result<SrmCheck> {
    let (users, weights) = planned(seen, weights)?;
    let all = users.iter().try_fold(0u64, |all, users| all.checked_add(*users)).unwrap_or(u64::MAX);
    let Some((statistic, df, p)) = srm(&users, &weights) else {
        let reason = match users.len() {
            _ if all == 0 => "nobody is in any variant",
            0 | 1 => "there is only one variant",
            _ => "a variant is expected to have fewer than 8 users",
        };
        return Ok(SrmCheck {
            users: all,
            verdict: "too small",
            reason: Some(reason.to_owned()),
            ..SrmCheck::default()
        });
    };
    let verdict = if p < SRM_THRESHOLD { Verdict::InvalidSrm.name() } else { "ok" };
    Ok(SrmCheck { users: all, statistic: Some(statistic), df: Some(df), p_value: Some(p), verdict, reason: None })
}

/// Half the width of an interval that holds the truth at all times at once, given the squared error of an effect.
fn always_valid(error: f64, users: f64, chance: f64) -> f64 {
    let spent = -2.0 * chance.ln();
    let rho2 = (spent + (spent + 1.0).ln()) / TUNED_FOR;
    let grown = users * rho2 + 1.0;
    (error * users * 2.0 * grown / (users * users * rho2) * (grown.sqrt() / chance).ln()).sqrt()
}

/// The chance of a lift above 0 and the mean of what lies below, after the prior.
fn posterior(lift: f64, error: f64) -> Option<(f64, f64)> {
    let precision = 1.0 / (PRIOR_SD * PRIOR_SD) + 1.0 / error;
    let (mean, sd) = (lift / error / precision, (1.0 / precision).sqrt());
    let z = mean / sd;
    let loss = sd * normal_density(z) - mean * normal_above(z);
    Some((finite(normal_above(-z))?, finite(loss)?.max(0.0)))
}

/// A row in the making, with what is to be said of it.
struct Making {
    row: Row,
    reasons: Vec<String>,
    /// Users of the smaller of the two variants, and how many would do.
    fewest: Option<(u64, u64)>,
    upwards: bool,
}

impl Making {
    fn says(&mut self, reason: impl Into<String>) {
        let reason = reason.into();
        if !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
    }

    /// The effect, its intervals and what rests on its error: all that is the same for every test.
    fn effect(&mut self, variant: Estimate, control: Estimate, better: Better, question: &Question, critical: f64) {
        let (error, control_error) = (variant.error(), control.error());
        let size = control.mean.abs();
        let all = error + control_error;
        let row = &mut self.row;
        row.error = finite(all.sqrt());
        row.lift = finite((variant.mean - control.mean) / size).filter(|_| size > 0.0);
        if let Some(half) = finite(always_valid(all, variant.users as f64 + control.users as f64, question.chance()))
            && all > 0.0
        {
            let difference = variant.mean - control.mean;
            (row.always_low, row.always_high) = (finite(difference - half), finite(difference + half));
        }
        if size == 0.0 {
            self.says("the control's mean is 0, so that there is no lift");
            return;
        }
        if size <= critical * control_error.sqrt() {
            self.says("the control's mean is not clear of 0, so that the lift has no bounds");
            return;
        }
        let ratio = variant.mean / control.mean;
        let lift_error = (error + ratio * ratio * control_error) / (size * size);
        if let Some(lift) = row.lift
            && lift_error > 0.0
            && lift_error.is_finite()
        {
            (row.lift_low, row.lift_high) = question.alternative.bounds(lift, critical * lift_error.sqrt());
            let good = if better == Better::Lower { -lift } else { lift };
            (row.probability_better, row.expected_loss) = posterior(good, lift_error).unzip();
        }
    }
}

/// Every variant of every entry, the control's row first and then the others by name; p values are adjusted over all of them.
pub fn compare(entries: &[Entry<'_>], question: &Question) -> Result<Vec<Row>> {
    question.check()?;
    let mut makings = Vec::new();
    for (number, entry) in entries.iter().enumerate() {
        makings.extend(compare_one(number, entry, question)?.into_iter().map(|making| (making, entry.better)));
    }
    let p_values = makings.iter().map(|(making, _)| making.row.p_value).collect::<Vec<_>>();
    let adjusted = adjusted(&p_values, question.correction);
    Ok(makings.into_iter().zip(adjusted).map(|((making, better), p)| judged(making, better, p, question)).collect())
}

fn judged(mut making: Making, better: Better, p_adjusted: Option<f64>, question: &Question) -> Row {
    making.row.p_adjusted = p_adjusted;
    if making.row.verdict.is_none() && making.row.users.is_some() {
        let few = making.fewest.is_some_and(|(fewest, enough)| fewest < enough);
        let verdict = match p_adjusted {
            _ if few => Verdict::TooSmall,
            Some(p) if p < question.chance() => match (better, making.upwards) {
                (Better::Higher, true) | (Better::Lower, false) => Verdict::Better,
                (Better::Higher, false) | (Better::Lower, true) => Verdict::Worse,
                (Better::Neither, true) => Verdict::Higher,
                (Better::Neither, false) => Verdict::Lower,
            },
            _ => Verdict::NoEvidence,
        };
        if let Some((fewest, enough)) = making.fewest.filter(|_| few) {
            making.says(format!("the smaller variant has the figures of {fewest}, and a verdict needs {enough}"));
        }
        making.row.verdict = Some(verdict);
    }
    making.row.reason = (!making.reasons.is_empty()).then(|| making.reasons.join("; "));
    making.row
}

fn shown(name: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(name)
}

fn control_of<'a>(arms: &'a [Arm], question: &Question) -> Option<&'a Arm> {
    let named = |name: &[u8]| arms.iter().find(|arm| arm.name() == name);
    match &question.control {
        Some(control) => named(control),
        None => named(b"control").or(arms.first()),
    }
}

fn compare_one(number: usize, entry: &Entry<'_>, question: &Question) -> Result<Vec<Making>> {
    let arms = entry.experiment.arms();
    let control = control_of(arms, question);
    serves(entry)?;
    let (maker, remark) = Maker::of(entry)?;
    let seen = arms.iter().map(|arm| (arm.name(), arm.users())).collect::<Vec<_>>();
    let spread = srm_check(&seen, question.weights.as_ref())?;
    let any_hidden = arms.iter().any(|arm| hidden(arm, question));
    let everybody = arms.iter().map(|arm| arm.users() as f64).sum::<f64>() + entry.mixed as f64;
    let mixed = entry.mixed as f64 / everybody;
    let is_control = |arm: &Arm| control.is_some_and(|control| control.name() == arm.name());
    let mut order = arms.iter().collect::<Vec<_>>();
    order.sort_by_key(|arm| !is_control(arm));
    let reference = control.map(|control| maker.estimate(control)).transpose()?;
    let mut makings = Vec::new();
    for arm in order {
        let row = Row { entry: number, variant: arm.name().to_owned(), ..Row::default() };
        let mut making = Making { row, reasons: Vec::new(), fewest: None, upwards: false };
        if hidden(arm, question) {
            making.says("fewer users than user_metrics.min_group_size");
            makings.push(making);
            continue;
        }
        let estimate = match reference {
            Some(reference) if is_control(arm) => reference,
            _ => maker.estimate(arm)?,
        };
        making.row.users = Some(estimate.users);
        making.row.missing = Some(arm.missing());
        making.row.mean = finite(estimate.mean);
        making.row.sd = finite(estimate.variance.sqrt()).filter(|_| entry.method != Method::Quantile);
        making.row.srm_p_value = spread.p_value.filter(|_| !any_hidden);
        if making.row.srm_p_value.is_some_and(|p| p < SRM_THRESHOLD / f64::from(question.segments.max(1))) {
            making.row.verdict = Some(Verdict::InvalidSrm);
            making.says(
                "users are not spread over the variants as planned, so that a difference may come from who is where",
            );
        }
        if mixed > MANY_MIXED && !question.hides(entry.mixed) {
            making.says(format!("{:.1} % of users were seen in several variants and are left out", 100.0 * mixed));
        }
        if let Some(remark) = remark {
            making.says(remark);
        }
        match control.zip(reference) {
            None => {
                let name = question.control.as_deref().unwrap_or_default();
                making.says(format!("nobody is in the control \"{}\"", shown(name)));
                making.row.verdict = Some(Verdict::TooFewArms);
            }
            Some(_) if arms.len() < 2 => {
                making.says("there is only one variant");
                making.row.verdict = Some(Verdict::TooFewArms);
            }
            Some((control, _)) if hidden(control, question) => {
                making.says("the control has fewer users than user_metrics.min_group_size");
                making.row.verdict.get_or_insert(Verdict::TooFewArms);
            }
            Some((_, reference)) if is_control(arm) => {
                making.row.control_mean = finite(reference.mean);
                making.row.verdict.get_or_insert(Verdict::Control);
            }
            Some((control, reference)) => {
                test(&mut making, (arm, estimate), (control, reference), maker, entry, question);
            }
        }
        makings.push(making);
    }
    Ok(makings)
}

fn hidden(arm: &Arm, question: &Question) -> bool {
    question.hides(arm.users()) || question.hides(arm.users() - arm.missing())
}

/// Refuses a method that the value cannot answer.
fn serves(entry: &Entry<'_>) -> Result<()> {
    let experiment = entry.experiment;
    let refuse =
        |given: &str, accepted: String| Err(Error::Argument { name: "method", given: given.to_owned(), accepted });
    let made = experiment.purpose().made_by();
    match entry.method {
        Method::Welch => Ok(()),
        Method::Quantile if experiment.purpose() != Purpose::Lists => refuse(
            "quantile",
            format!(
                "'welch', or a value of experiment_lists, which keeps all figures of a user; this one is of {made}"
            ),
        ),
        Method::Quantile if entry.quantile > 0.0 && entry.quantile < 1.0 => Ok(()),
        Method::Quantile => {
            let accepted = "a share between 0 and 1, such as 0.95".to_owned();
            Err(Error::Argument { name: "quantile", given: entry.quantile.to_string(), accepted })
        }
        Method::MannWhitney if experiment.purpose() == Purpose::Sample => Ok(()),
        Method::MannWhitney => refuse(
            "mann_whitney",
            format!(
                "'welch', or a value of experiment_sample, which keeps the figures that ranks need; this one is of {made}"
            ),
        ),
        Method::Proportions | Method::Fisher => {
            let given = if entry.method == Method::Fisher { "fisher" } else { "proportions" };
            let plain = matches!(experiment.purpose(), Purpose::Mean | Purpose::Sample);
            match plain && experiment.arms().iter().all(|arm| arm.successes().is_some()) {
                true => Ok(()),
                false => refuse(given, "'welch': proportions are of figures that are 0 or 1, one a user".to_owned()),
            }
        }
    }
}

/// Compares a variant with the control.
fn test(
    making: &mut Making,
    (arm, ours): (&Arm, Estimate),
    (control, theirs): (&Arm, Estimate),
    maker: Maker,
    entry: &Entry<'_>,
    question: &Question,
) {
    let enough = if matches!(entry.method, Method::Welch | Method::Quantile) { FEW } else { FEW_RANKS };
    making.fewest = Some((ours.users.min(theirs.users), enough));
    making.row.control_mean = finite(theirs.mean);
    making.row.difference = finite(ours.mean - theirs.mean);
    making.upwards = ours.mean > theirs.mean;
    for (arm, estimate) in [(arm, ours), (control, theirs)] {
        let name = shown(arm.name());
        if estimate.users == 0 {
            making.says(format!("nobody in \"{name}\" has a figure"));
        } else if !estimate.mean.is_finite() {
            let what = if matches!(maker, Maker::Ratio) { "denominators sum to 0" } else { "figures are too large" };
            making.says(format!("the {what} in \"{name}\""));
        } else if estimate.users == 1 {
            making.says(format!("one user in \"{name}\" has no variance"));
        } else if !estimate.variance.is_finite() {
            making.says(format!("the figures in \"{name}\" are too large"));
        } else {
            continue;
        }
        return;
    }
    let shares = || {
        let (successes, users) = arm.successes().map(|(users, successes)| (successes, users))?;
        let (other, all) = control.successes().map(|(users, successes)| (successes, users))?;
        Some((Share { successes, users }, Share { successes: other, users: all }))
    };
    match entry.method {
        Method::Welch | Method::Quantile => welch(making, ours, theirs, entry.better, question),
        Method::Proportions | Method::Fisher => {
            if let Some((one, other)) = shares() {
                let critical = normal_exceeded(question.tail());
                making.effect(ours, theirs, entry.better, question, critical);
                proportions(making, one, other, entry.method, question, critical);
            }
        }
        Method::MannWhitney => {
            let (statistic, p) = ranks::mann_whitney(arm.figures(), control.figures(), question.alternative);
            making.row.statistic = Some(statistic);
            making.row.p_value = p;
            making.upwards = statistic > arm.figures().len() as f64 * control.figures().len() as f64 / 2.0;
            if p.is_none() {
                making.says("every user has the same figure");
            }
        }
    }
}

fn welch(making: &mut Making, ours: Estimate, theirs: Estimate, better: Better, question: &Question) {
    let (error, control_error) = (ours.error(), theirs.error());
    let all = error + control_error;
    if all <= 0.0 {
        making.says(match ours.mean == theirs.mean {
            true => "no difference: every user has the same figure",
            false => "figures do not vary within the variants, so that the difference cannot be judged",
        });
        return;
    }
    let (part, rest) = (error / all, control_error / all);
    let df = 1.0 / (part * part / (ours.users - 1) as f64 + rest * rest / (theirs.users - 1) as f64);
    let statistic = (ours.mean - theirs.mean) / all.sqrt();
    let critical = student_exceeded(question.tail(), df);
    making.row.statistic = finite(statistic);
    making.row.df = finite(df);
    let chance = question.alternative.chance(statistic, |t| student_above(t, df));
    making.row.p_value = probability(chance).filter(|_| statistic.is_finite());
    let half = critical * all.sqrt();
    (making.row.low, making.row.high) = question.alternative.bounds(ours.mean - theirs.mean, half);
    making.effect(ours, theirs, better, question, critical);
}

fn proportions(making: &mut Making, one: Share, other: Share, method: Method, question: &Question, critical: f64) {
    let pair = |share: Share| (share.successes, share.users);
    if let Some(Difference { low, high, .. }) = rate_difference_at(pair(one), pair(other), critical) {
        making.row.low = finite(low).filter(|_| question.alternative != Alternative::Less);
        making.row.high = finite(high).filter(|_| question.alternative != Alternative::Greater);
    }
    let Some(z) = proportions::pooled_z(one, other) else {
        making.says("no difference: every user has the same figure");
        return;
    };
    let small = proportions::least_expected(one, other) < SMALL_CELL;
    if method == Method::Fisher || small {
        if small {
            making.says("Fisher's exact test, because fewer than 5 were to be expected in some cell");
        }
        making.row.statistic = proportions::odds_ratio(one, other);
        making.row.p_value = proportions::fisher(one, other, question.alternative);
    } else {
        making.row.statistic = Some(z);
        making.row.p_value = probability(question.alternative.chance(z, normal_above));
    }
}

/// Whether effects differ from segment to segment by more than chance: the statistic Q, its degrees of freedom and the
/// chance of such a Q if there is one effect; `None` of fewer than two effects whose error is known. Definition D94.
///
/// `effects` are differences and their errors, as [`Row::error`]. Source: W. G. Cochran, "The combination of estimates from different
/// experiments", Biometrics 10 (1954).
pub fn heterogeneity(effects: &[(f64, f64)]) -> Option<(f64, f64, f64)> {
    let known = effects.iter().filter(|(effect, error)| effect.is_finite() && *error > 0.0 && error.is_finite());
    let known = known.map(|(effect, error)| (*effect, 1.0 / (error * error))).collect::<Vec<_>>();
    if known.len() < 2 {
        return None;
    }
    let weight = known.iter().map(|(_, weight)| weight).sum::<f64>();
    let mean = known.iter().map(|(effect, share)| effect * (share / weight)).sum::<f64>();
    let statistic = known.iter().map(|(effect, weight)| weight * (effect - mean) * (effect - mean)).sum::<f64>();
    let df = (known.len() - 1) as f64;
    let p = probability(chi_squared_above(statistic, df))?;
    finite(statistic).map(|statistic| (statistic, df, p))
}
