//! Evaluation of an experiment: each variant compared with the control, one row per variant. Definitions D85 to D94.
//!
//! The user is the unit of analysis: each user has one value, and an [`Experiment`](crate::experiment::Experiment) holds the
//! moments of the values. All estimates are based on the difference of two means, `variant - control`, and its standard
//! error: of plain values, of values adjusted by a covariate (CUPED), or of ratios (delta method). Shares of users and ranks
//! have tests of their own. An unknown estimate is `None`, and [`Row::reason`] gives the reason; no result is `NaN`, and no
//! probability is 0.
//!
//! Sources: B. L. Welch, "The generalization of Student's problem when several different population variances are involved",
//! Biometrika 34 (1947); A. Deng, Y. Xu, R. Kohavi and T. Walker, "Improving the sensitivity of online controlled
//! experiments by utilizing pre-experiment data", WSDM (2013); A. Deng, U. Knoblich and J. Lu, "Applying the delta method in
//! metric analytics", KDD (2018); I. Waudby-Smith, D. Arbour, R. Sinha, E. H. Kennedy and A. Ramdas, "Time-uniform central
//! limit theory and asymptotic confidence sequences", Annals of Statistics 52 (2024); A. Fabijan and others, "Diagnosing
//! sample ratio mismatch in online controlled experiments", KDD (2019). GrowthBook's statistics engine uses the same
//! sequence, prior and thresholds.

use crate::base::encoding;
use crate::base::error::{Error, Result};
use crate::experiment::Arm;
use crate::function::Function;
use std::collections::BTreeSet;

pub mod ab_compare;
pub mod ab_segments;
mod correction;
mod estimate;
mod figures;
mod heterogeneity;
mod log;
mod method;
pub mod power;
mod proportions;
mod quantiles;
mod question;
mod ranks;
mod row;
mod row_builder;
pub mod srm;

pub use crate::source::Better;
pub use correction::Correction;
use correction::adjusted;
use estimate::Maker;
use heterogeneity::heterogeneity;
pub use method::Method;
use method::{serves, test};
pub use power::{Figure, Plan, Split, minimum_detectable_effect, sample_size};
pub use question::{Alternative, Entry, Question};
pub use row::{Row, Verdict};
use row_builder::{RowBuilder, judged};
pub use srm::{SRM_THRESHOLD, SrmCheck, Weights, parse_users, parse_weights, srm_check};

/// The functions that compare variants, and that plan and check an experiment.
pub const FUNCTIONS: &[&Function] = &[
    &ab_compare::FUNCTION,
    &ab_compare::of_value::FUNCTION,
    &ab_segments::FUNCTION,
    &srm::FUNCTION,
    &power::sample_size::FUNCTION,
    &power::minimum_detectable_effect::FUNCTION,
];

/// The share of users seen in several variants from which on a remark is given.
const MANY_MIXED: f64 = 0.01;

/// A number if it is finite.
fn finite(number: f64) -> Option<f64> {
    number.is_finite().then_some(number)
}

/// Every variant of every entry, the control's row first and then the others by name; p values are adjusted over all of
/// them.
pub fn compare(entries: &[Entry<'_>], question: &Question) -> Result<Vec<Row>> {
    question.check()?;
    let variants = variants_of(entries, question)?;
    let mut makings = Vec::new();
    for (number, entry) in entries.iter().enumerate() {
        makings
            .extend(compare_one(number, entry, question, &variants)?.into_iter().map(|making| (making, entry.better)));
    }
    let decides = |row: &Row| if question.sequential { row.always_p } else { row.p_value };
    let p_values = makings.iter().map(|(making, _)| decides(&making.row)).collect::<Vec<_>>();
    let adjusted = adjusted(&p_values, question.correction);
    Ok(makings.into_iter().zip(adjusted).map(|((making, better), p)| judged(making, better, p, question)).collect())
}

fn shown(name: &[u8]) -> std::borrow::Cow<'_, str> {
    encoding::decoded(name)
}

/// The control: that of all entries together, so that it is the same in each segment.
fn control_of<'a>(arms: &'a [Arm], question: &Question, variants: &BTreeSet<&[u8]>) -> Option<&'a Arm> {
    let by_default = variants.get(b"control".as_slice()).or(variants.first());
    let name = question.control.as_deref().or(by_default.copied())?;
    arms.iter().find(|arm| arm.name() == name)
}

/// The variants of all entries. A control that is none of them, and is not planned either, is mistyped.
fn variants_of<'a>(entries: &[Entry<'a>], question: &Question) -> Result<BTreeSet<&'a [u8]>> {
    let variants = entries.iter().flat_map(|entry| entry.experiment.arms()).map(Arm::name).collect::<BTreeSet<_>>();
    let is_planned = |name: &[u8]| {
        let mut planned = question.weights.iter().flatten();
        planned.any(|(planned, _)| encoding::encoded(planned).is_ok_and(|planned| *planned == *name))
    };
    match &question.control {
        Some(control) if !variants.is_empty() && !variants.contains(control.as_slice()) && !is_planned(control) => {
            // few: as many as an error can show
            let known = variants.iter().take(20).map(|name| shown(name)).collect::<Vec<_>>().join(", ");
            let given = shown(control).into_owned();
            Err(Error::Argument { name: "control", given, accepted: format!("one of the variants, which are {known}") })
        }
        _ => Ok(variants),
    }
}

fn compare_one(
    number: usize,
    entry: &Entry<'_>,
    question: &Question,
    variants: &BTreeSet<&[u8]>,
) -> Result<Vec<RowBuilder>> {
    let arms = entry.experiment.arms();
    let control = control_of(arms, question, variants);
    serves(entry)?;
    let question = &*question.of_entry(entry)?;
    let (maker, remark) = Maker::of(entry)?;
    // A variant that only other segments have is one without users here.
    let absent = variants
        .iter()
        .filter(|name| arms.binary_search_by(|arm| arm.name().cmp(name)).is_err())
        .map(|name| (*name, 0));
    let seen = arms.iter().map(|arm| (arm.name(), arm.users())).chain(absent).collect::<Vec<_>>();
    let spread = srm::checked(&seen, question.weights.as_ref(), question.sequential)?;
    let any_hidden = arms.iter().any(|arm| hidden(arm, question));
    let everybody = arms.iter().map(|arm| arm.users() as f64).sum::<f64>();
    let everybody = everybody + if question.first_counts { 0.0 } else { entry.mixed as f64 };
    let mixed = entry.mixed as f64 / everybody;
    let is_control = |arm: &Arm| control.is_some_and(|control| control.name() == arm.name());
    let mut order = arms.iter().collect::<Vec<_>>();
    order.sort_by_key(|arm| !is_control(arm));
    let reference = control.map(|control| maker.estimate(control)).transpose()?;
    let mut makings = Vec::new();
    for arm in order {
        let row = Row { entry: number, variant: arm.name().to_owned(), is_control: is_control(arm), ..Row::default() };
        let mut making = RowBuilder::new(row);
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
            let fate = if question.first_counts { "count in the first of them" } else { "are left out" };
            making.says(format!("{:.1} % of users were seen in several variants and {fate}", 100.0 * mixed));
        }
        remark.into_iter().chain(entry.remarks.into_iter().flatten()).for_each(|remark| making.says(remark));
        match control.zip(reference) {
            None => {
                making.says(match &question.control {
                    Some(name) => format!("nobody is in the control \"{}\"", shown(name)),
                    None => "nobody is in the control".to_owned(),
                });
                making.row.verdict.get_or_insert(Verdict::TooFewArms);
            }
            Some(_) if arms.len() < 2 => {
                making.says("there is only one variant");
                making.row.verdict.get_or_insert(Verdict::TooFewArms);
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
