//! The methods of comparison: the test, the values it uses, and the fewest users for a verdict.

use super::estimate::{Estimate, Maker};
use super::proportions::{self, Share};
use super::row_builder::RowBuilder;
use super::{Alternative, Better, Entry, Question, finite, ranks, shown};
use crate::base::error::{Error, Result};
use crate::experiment::{Arm, Moments, Purpose};
use crate::source::{Measure, Metric};
use crate::stats::interval::fieller;
use crate::stats::tails::{normal_above, normal_exceeded, probability, student_above, student_exceeded};

/// The fewest users with a value for a verdict on means, whose distribution is not close enough to normal below.
const FEW: u64 = 30;
/// The same for ranks and exact tests.
const FEW_RANKS: u64 = 8;
/// The p value below which a difference before exposure is remarked on.
const BEFORE_THRESHOLD: f64 = 0.001;
/// The fewest users expected in a cell for the normal approximation.
const SMALL_CELL: f64 = 5.0;

/// How two variants are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// Means, or ratios, by Welch's t.
    #[default]
    Welch,
    /// Shares of users with value 1, by the z test with pooled rate and Newcombe's bounds; by Fisher's exact test if cells
    /// are small.
    Proportions,
    /// Shares, always by Fisher's exact test.
    Fisher,
    /// Ranks, by the Mann-Whitney test.
    MannWhitney,
    /// Quantiles over all values of users who have several, by a bootstrap over users.
    Quantile,
}

impl Purpose {
    /// What is kept of a metric's values for the method chosen by the caller, if any, and whether values `before` exposure
    /// are used.
    pub fn of(metric: &Metric, named: Option<Method>, before: bool) -> Purpose {
        match named {
            _ if matches!(metric.measure, Measure::Quantile(..)) => Purpose::Lists,
            Some(Method::MannWhitney) => Purpose::Sample,
            _ if metric.is_ratio() => Purpose::Ratio,
            None | Some(Method::Welch) if before && metric.is_total() => Purpose::Adjusted,
            _ => Purpose::Mean,
        }
    }
}

impl Method {
    const NAMES: [&str; 5] = ["welch", "proportions", "fisher", "mann_whitney", "quantile"];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// The method of a metric: the one chosen by the caller, unless the metric is a quantile, otherwise the metric's own.
    pub fn of(metric: &Metric, named: Option<Method>) -> Method {
        match metric.measure {
            Measure::Quantile(..) => Method::Quantile,
            Measure::Converted | Measure::Return { .. } => named.unwrap_or(Method::Proportions),
            _ => named.unwrap_or(Method::Welch),
        }
    }

    /// The method of the given name.
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

/// Rejects a method that the value does not support.
pub(super) fn serves(entry: &Entry<'_>) -> Result<()> {
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
pub(super) fn test(
    making: &mut RowBuilder,
    (arm, ours): (&Arm, Estimate),
    (control, theirs): (&Arm, Estimate),
    maker: Maker,
    entry: &Entry<'_>,
    question: &Question,
) {
    if entry.experiment.purpose() == Purpose::Adjusted {
        before(making, arm.moments(), control.moments());
    }
    // Always-valid bounds are normal ones, of proportions too.
    let is_normal = question.sequential || matches!(entry.method, Method::Welch | Method::Quantile);
    let enough = if is_normal { FEW } else { FEW_RANKS };
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
                making.effect(ours, theirs, question);
                proportions(making, (one, other), theirs, entry, question);
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

fn welch(making: &mut RowBuilder, ours: Estimate, theirs: Estimate, better: Better, question: &Question) {
    let (error, control_error) = (ours.error(), theirs.error());
    let all = error + control_error;
    if !all.is_finite() {
        making.says("the figures are too large");
        return;
    }
    if all <= 0.0 {
        making.says(match ours.mean == theirs.mean {
            true => "no difference: every user has the same figure",
            false => "figures do not vary within the variants, so that the difference cannot be judged",
        });
        return;
    }
    let (part, rest) = (error / all, control_error / all);
    let df = 1.0 / (part * part / (ours.users - 1) as f64 + rest * rest / (theirs.users - 1) as f64);
    let statistic = (ours.mean - theirs.mean - question.null()) / all.sqrt();
    let critical = student_exceeded(question.tail(), df);
    making.row.statistic = finite(statistic);
    making.row.df = finite(df);
    let chance = question.alternative.chance(statistic, |t| student_above(t, df));
    making.row.p_value = probability(chance).filter(|_| statistic.is_finite());
    let half = critical * all.sqrt();
    (making.row.low, making.row.high) = question.alternative.bounds(ours.mean - theirs.mean, half);
    making.effect(ours, theirs, question);
    let bounds = fieller((ours.mean, error), (theirs.mean, control_error), critical);
    // As many standard errors of the normal distribution as the test asks of t.
    let scale = ratio_of(critical, normal_exceeded(question.tail()));
    making.judged_lift(bounds, (all.sqrt() * scale, theirs), better, question);
}

/// Compares the covariates of two variants: a difference before exposure is no effect.
fn before(making: &mut RowBuilder, ours: Moments, theirs: Moments) {
    let error = |moments: Moments| moments.second_variance / moments.users as f64;
    let (error, other_error) = (error(ours), error(theirs));
    let (all, difference) = (error + other_error, ours.second_mean - theirs.second_mean);
    making.row.before_difference = finite(difference);
    if !(all > 0.0 && all.is_finite()) {
        return;
    }
    let (part, rest) = (error / all, other_error / all);
    let df = 1.0 / (part * part / (ours.users - 1) as f64 + rest * rest / (theirs.users - 1) as f64);
    making.row.before_p_value = probability(2.0 * student_above((difference / all.sqrt()).abs(), df));
    if making.row.before_p_value.is_some_and(|p| p < BEFORE_THRESHOLD) {
        making.says("the variants differed before exposure already, so that a difference may come from who is where");
    }
}

fn proportions(
    making: &mut RowBuilder,
    (one, other): (Share, Share),
    control: Estimate,
    entry: &Entry<'_>,
    question: &Question,
) {
    let asked = normal_exceeded(question.tail());
    let mut critical = asked;
    let z = proportions::pooled_z(one, other);
    if question.margin.is_some() {
        // The score test, whose bounds are the same, and which knows a variance even if every user has the same figure.
        let z = proportions::z_of_difference(one, other, question.null());
        making.row.statistic = Some(z);
        making.row.p_value = probability(question.alternative.chance(z, normal_above));
    } else if let Some(z) = z {
        let small = proportions::least_expected(one, other) < SMALL_CELL;
        if entry.method == Method::Fisher || small {
            if small {
                making.says("Fisher's exact test, because fewer than 5 were to be expected in some cell");
            }
            making.row.statistic = proportions::odds_ratio(one, other);
            making.row.p_value = proportions::fisher(one, other, question.alternative);
            critical = making.row.p_value.map_or(asked, |p| agreeing(z, p, asked, question));
        } else {
            making.row.statistic = Some(z);
            making.row.p_value = probability(question.alternative.chance(z, normal_above));
        }
    } else {
        making.says("no difference: every user has the same figure");
    }
    let (low, high) = proportions::bounds_of_difference(one, other, critical);
    (making.row.low, making.row.high) = question.alternative.sides(low, high);
    if z.is_some() {
        let error = proportions::pooled_error(one, other);
        let bounds = proportions::bounds_of_lift(one, other, critical);
        making.judged_lift(bounds, (error * ratio_of(critical, asked), control), entry.better, question);
    }
}

/// The ratio of the quantile of a test to that of the normal distribution, which is 0 for a one-sided confidence of 0.5.
fn ratio_of(critical: f64, normal: f64) -> f64 {
    if normal > 0.0 { critical / normal } else { 1.0 }
}

/// The normal quantile with which bounds agree with an exact test: the one asked for, unless the bounds would exclude 0
/// although the test finds no difference, or include it although the test finds one. Then it is changed in proportion.
fn agreeing(z: f64, p: f64, asked: f64, question: &Question) -> f64 {
    let (z, exact) = match question.alternative {
        Alternative::TwoSided => (z.abs(), normal_exceeded(p / 2.0)),
        Alternative::Greater => (z, normal_exceeded(p)),
        Alternative::Less => (-z, normal_exceeded(p)),
    };
    match (z > asked, p < question.chance()) {
        (true, true) | (false, false) => asked,
        _ if exact > 0.0 => asked * z / exact,
        _ => f64::MAX,
    }
}
