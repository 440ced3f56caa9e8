//! `ab_compare` and its kin: arguments in, rows out. The algorithms are in [`user_metrics_core::comparison`], the values in
//! [`crate::experiment`].

use crate::aggregate::{self, JsonText, Text, TextBytes};
use crate::error::{self, refused};
use crate::settings;
use pgrx::iter::TableIterator;
use pgrx::prelude::*;
use user_metrics_core::comparison::{
    self as readout, Alternative, Better, Correction, Entry, Figure, Method, Plan, Question, Row,
};
use user_metrics_core::experiment::Experiment;
use user_metrics_core::state::State;
use user_metrics_core::{Error, Result};

const NAME: &str = "ab_compare";

/// What the caller asks. NULL stands for the default, as if the argument were left out.
fn question(
    control: Option<TextBytes<'_>>,
    alternative: Option<&str>,
    confidence: Option<f64>,
    correction: Option<&str>,
    weights: Option<JsonText<'_>>,
) -> Result<Question> {
    let question = Question {
        control: control.map(|control| control.0.to_vec()),
        alternative: Alternative::parse(alternative.unwrap_or("two_sided"))?,
        confidence: confidence.unwrap_or(0.95),
        correction: Correction::parse(correction.unwrap_or("holm"))?,
        weights: weights.map(|weights| readout::parse_weights(&weights.0)).transpose()?,
        min_group_size: settings::min_group_size(),
        segments: 1,
    };
    question.check().map(|()| question)
}

fn count(figure: Option<u64>) -> Option<i64> {
    figure.map(|figure| i64::try_from(figure).unwrap_or(i64::MAX))
}

/// Every variant of a value against its control. A value that is NULL is that of nobody and has no rows.
#[pg_extern(stable, parallel_safe)]
#[allow(clippy::too_many_arguments, clippy::type_complexity)]
fn comparisons(
    value: Option<&[u8]>,
    method: Option<&str>,
    better: Option<&str>,
    quantile: Option<f64>,
    control: Option<TextBytes<'_>>,
    alternative: Option<&str>,
    confidence: Option<f64>,
    correction: Option<&str>,
    weights: Option<JsonText<'_>>,
) -> error::Result<
    TableIterator<
        'static,
        (
            name!(variant, Text),
            name!(users, Option<i64>),
            name!(mean, Option<f64>),
            name!(sd, Option<f64>),
            name!(control_mean, Option<f64>),
            name!(difference, Option<f64>),
            name!(difference_low, Option<f64>),
            name!(difference_high, Option<f64>),
            name!(relative_lift, Option<f64>),
            name!(lift_low, Option<f64>),
            name!(lift_high, Option<f64>),
            name!(statistic, Option<f64>),
            name!(df, Option<f64>),
            name!(p_value, Option<f64>),
            name!(p_adjusted, Option<f64>),
            name!(always_valid_low, Option<f64>),
            name!(always_valid_high, Option<f64>),
            name!(probability_better, Option<f64>),
            name!(expected_loss, Option<f64>),
            name!(srm_p_value, Option<f64>),
            name!(verdict, Option<&'static str>),
            name!(reason, Option<String>),
            name!(missing_users, Option<i64>),
        ),
    >,
> {
    let compare = || -> Result<Vec<Row>> {
        let question = question(control, alternative, confidence, correction, weights)?;
        let better = Better::parse(better.unwrap_or("higher"))?;
        let method = Method::parse(method.unwrap_or("welch"))?;
        aggregate::set_limit();
        let Some(experiment) = value.map(Experiment::decode).transpose()? else { return Ok(Vec::new()) };
        let entry = Entry { experiment: &experiment, method, quantile: quantile.unwrap_or(0.5), better, mixed: 0 };
        readout::compare(&[entry], &question)
    };
    let rows = compare().map_err(refused(NAME))?;
    Ok(TableIterator::new(rows.into_iter().map(|row| {
        (
            Text(row.variant),
            count(row.users),
            row.mean,
            row.sd,
            row.control_mean,
            row.difference,
            row.low,
            row.high,
            row.lift,
            row.lift_low,
            row.lift_high,
            row.statistic,
            row.df,
            row.p_value,
            row.p_adjusted,
            row.always_low,
            row.always_high,
            row.probability_better,
            row.expected_loss,
            row.srm_p_value,
            row.verdict.map(|verdict| verdict.name()),
            row.reason,
            count(row.missing),
        )
    })))
}

/// Whether users are spread over variants as planned.
#[pg_extern(immutable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn srm_check(
    users: Option<JsonText<'_>>,
    weights: default!(Option<JsonText<'_>>, "NULL"),
) -> error::Result<
    TableIterator<
        'static,
        (
            name!(users, i64),
            name!(statistic, Option<f64>),
            name!(df, Option<f64>),
            name!(p_value, Option<f64>),
            name!(verdict, &'static str),
            name!(reason, Option<String>),
        ),
    >,
> {
    let check = || {
        let weights = weights.map(|weights| readout::parse_weights(&weights.0)).transpose()?;
        let seen = readout::parse_users(users.as_ref().map_or("NULL", |users| &users.0))?;
        let seen = seen.iter().map(|(name, users)| (name.as_bytes(), *users)).collect::<Vec<_>>();
        readout::srm_check(&seen, weights.as_ref())
    };
    let check = check().map_err(refused("srm_check"))?;
    let users = i64::try_from(check.users).unwrap_or(i64::MAX);
    Ok(TableIterator::once((users, check.statistic, check.df, check.p_value, check.verdict, check.reason)))
}

/// The plan of an experiment: its figure and its certainty.
fn plan(
    baseline: Option<f64>,
    sd: Option<f64>,
    power: Option<f64>,
    confidence: Option<f64>,
    alternative: Option<&str>,
    comparisons: Option<i32>,
) -> Result<(Figure, Plan)> {
    let figure = match (baseline, sd) {
        (Some(rate), None) => Figure::Proportion(rate),
        (None, Some(sd)) => Figure::Mean(sd),
        _ => {
            let given = if sd.is_some() { "given beside sd" } else { "NULL" };
            let accepted =
                "baseline, the rate of the control, or sd, the standard deviation of users' figures, and not both";
            return Err(Error::Argument { name: "baseline", given: given.to_owned(), accepted: accepted.to_owned() });
        }
    };
    let comparisons = comparisons.unwrap_or(1);
    let plan = Plan {
        power: power.unwrap_or(0.8),
        confidence: confidence.unwrap_or(0.95),
        alternative: Alternative::parse(alternative.unwrap_or("two_sided"))?,
        comparisons: u32::try_from(comparisons).unwrap_or(0),
    };
    Ok((figure, plan))
}

/// An argument without a default.
fn told<T>(name: &'static str, given: Option<T>) -> Result<T> {
    given.ok_or_else(|| Error::Argument { name, given: "NULL".to_owned(), accepted: "a number".to_owned() })
}

/// Users each variant needs.
#[pg_extern(immutable, parallel_safe)]
fn sample_size(
    effect: Option<f64>,
    baseline: default!(Option<f64>, "NULL"),
    sd: default!(Option<f64>, "NULL"),
    power: default!(Option<f64>, "0.8"),
    confidence: default!(Option<f64>, "0.95"),
    alternative: default!(Option<&str>, "'two_sided'"),
    comparisons: default!(Option<i32>, "1"),
) -> error::Result<i64> {
    let users = plan(baseline, sd, power, confidence, alternative, comparisons)
        .and_then(|(figure, plan)| readout::sample_size(told("effect", effect)?, figure, plan));
    users.map(|users| i64::try_from(users).unwrap_or(i64::MAX)).map_err(refused("sample_size"))
}

/// The smallest increase that so many users show.
#[pg_extern(immutable, parallel_safe)]
fn minimum_detectable_effect(
    users: Option<i64>,
    baseline: default!(Option<f64>, "NULL"),
    sd: default!(Option<f64>, "NULL"),
    power: default!(Option<f64>, "0.8"),
    confidence: default!(Option<f64>, "0.95"),
    alternative: default!(Option<&str>, "'two_sided'"),
    comparisons: default!(Option<i32>, "1"),
) -> error::Result<Option<f64>> {
    let effect = plan(baseline, sd, power, confidence, alternative, comparisons).and_then(|(figure, plan)| {
        let users = u64::try_from(told("users", users)?).unwrap_or(0);
        readout::minimum_detectable_effect(users, figure, plan)
    });
    effect.map_err(refused("minimum_detectable_effect"))
}
