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
use user_metrics_core::source::Metrics;
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
    segments: i32,
) -> Result<Question> {
    let question = Question {
        control: control.map(|control| control.0.to_vec()),
        alternative: Alternative::parse(alternative.unwrap_or("two_sided"))?,
        confidence: confidence.unwrap_or(0.95),
        correction: Correction::parse(correction.unwrap_or("holm"))?,
        weights: weights.map(|weights| readout::parse_weights(&weights.0)).transpose()?,
        min_group_size: settings::min_group_size(),
        segments: u32::try_from(segments).unwrap_or(1),
    };
    question.check().map(|()| question)
}

fn count(figure: Option<u64>) -> Option<i64> {
    figure.map(|figure| i64::try_from(figure).unwrap_or(i64::MAX))
}

/// The function on whose behalf, for messages.
fn named(function: &str) -> &'static str {
    if function == "ab_segments" { "ab_segments" } else { NAME }
}

/// Every variant of every value against its control; `place` is the value's number in the list, from 1 on.
#[pg_extern(stable, parallel_safe)]
#[allow(clippy::too_many_arguments, clippy::type_complexity)]
fn comparisons(
    function: &str,
    values: pgrx::Array<'_, &[u8]>,
    methods: Vec<Option<String>>,
    better: Vec<Option<String>>,
    quantiles: Vec<Option<f64>>,
    mixed: Vec<Option<i64>>,
    control: Option<TextBytes<'_>>,
    alternative: Option<&str>,
    confidence: Option<f64>,
    correction: Option<&str>,
    weights: Option<JsonText<'_>>,
    segments: default!(i32, "1"),
) -> error::Result<
    TableIterator<
        'static,
        (
            name!(place, i32),
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
            name!(standard_error, Option<f64>),
        ),
    >,
> {
    let compare = || -> Result<Vec<Row>> {
        let question = question(control, alternative, confidence, correction, weights, segments)?;
        better.iter().flatten().try_for_each(|word| Better::parse(word).map(drop))?;
        aggregate::set_limit();
        let decode = |value: Option<&[u8]>| value.map(Experiment::decode).transpose();
        let experiments = values.iter().map(decode).collect::<Result<Vec<_>>>()?;
        let mut entries = Vec::new();
        let word = |words: &[Option<String>], n: usize| words.get(n).cloned().flatten();
        for (n, experiment) in experiments.iter().enumerate() {
            let method = Method::parse(word(&methods, n).as_deref().unwrap_or("welch"))?;
            let better = Better::parse(word(&better, n).as_deref().unwrap_or("higher"))?;
            let quantile = quantiles.get(n).copied().flatten().unwrap_or(0.5);
            let mixed = mixed.get(n).copied().flatten().and_then(|mixed| u64::try_from(mixed).ok()).unwrap_or(0);
            // A value of nobody has no rows, but keeps its place.
            if let Some(experiment) = experiment {
                entries.push((n, Entry { experiment, method, quantile, better, mixed }));
            }
        }
        let (places, entries): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
        let mut rows = readout::compare(&entries, &question)?;
        rows.iter_mut().for_each(|row| row.entry = places.get(row.entry).copied().unwrap_or(0));
        Ok(rows)
    };
    let rows = compare().map_err(refused(named(function)))?;
    Ok(TableIterator::new(rows.into_iter().map(|row| {
        (
            row.entry as i32 + 1,
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
            row.error,
        )
    })))
}

/// What the query of a comparison over a log needs to know of its metrics: the columns they read, those read as numbers,
/// whether it matters where observation ends, the figures of a user, what they are cut at, the query of the values, and per metric the
/// method which direction is good, and which quantile it is.
#[pg_extern(immutable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn experiment_metrics(
    function: &str,
    metrics: Vec<Option<String>>,
    method: Option<&str>,
    has_conversion: bool,
    cuped_days: Option<i32>,
    winsorize: Option<f64>,
) -> error::Result<
    TableIterator<
        'static,
        (
            name!(columns, Vec<String>),
            name!(numbers, Vec<String>),
            name!(needs_end, bool),
            name!(figures, String),
            name!(caps, String),
            name!(experiments, String),
            name!(methods, Vec<&'static str>),
            name!(better, Vec<&'static str>),
            name!(quantiles, Vec<Option<f64>>),
        ),
    >,
> {
    let read = || -> Result<_> {
        let method = method.map(Method::parse).transpose()?;
        let metrics = Metrics::parse(&metrics.into_iter().flatten().collect::<Vec<_>>())?;
        let refuse =
            |name, given: String, accepted: &str| Err(Error::Argument { name, given, accepted: accepted.to_owned() });
        if metrics.needs_mark && !has_conversion {
            let accepted = "a filter that the converting request fulfils, such as {\"feature\": \"checkout\"}";
            return refuse("converted", "NULL".to_owned(), accepted);
        }
        if let Some(days) = cuped_days.filter(|days| !(1..=365).contains(days)) {
            return refuse("cuped_days", days.to_string(), "a number of days from 1 to 365, such as 14");
        }
        if let Some(share) = winsorize.filter(|share| !(0.5..1.0).contains(share)) {
            return refuse("winsorize", share.to_string(), "a share from 0.5 to below 1, such as 0.999");
        }
        let (before, capped) = (cuped_days.is_some(), winsorize.is_some());
        let methods = metrics.methods(method).into_iter().map(Method::name).collect();
        let quantiles = metrics.quantiles();
        let better = metrics.better().into_iter().map(Better::name).collect();
        let (figures, caps, values) = (metrics.figures(before), metrics.caps(), metrics.values(before, capped, method));
        Ok((metrics.columns, metrics.numbers, metrics.needs_end, figures, caps, values, methods, better, quantiles))
    };
    Ok(TableIterator::once(read().map_err(refused(named(function)))?))
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

/// Whether differences vary from segment to segment: the statistic, its degrees of freedom and the chance, of differences
/// and their errors.
#[pg_extern(immutable, parallel_safe)]
fn heterogeneity(
    differences: Vec<Option<f64>>,
    errors: Vec<Option<f64>>,
) -> TableIterator<'static, (name!(statistic, Option<f64>), name!(df, Option<f64>), name!(p_value, Option<f64>))> {
    let effects = differences.into_iter().zip(errors).filter_map(|(difference, error)| difference.zip(error));
    let found = readout::heterogeneity(&effects.collect::<Vec<_>>());
    TableIterator::once(match found {
        Some((statistic, df, p)) => (Some(statistic), Some(df), Some(p)),
        None => (None, None, None),
    })
}

/// P values adjusted for their number.
#[pg_extern(immutable, parallel_safe)]
fn adjusted_p_values(p_values: Vec<Option<f64>>, correction: Option<&str>) -> error::Result<Vec<Option<f64>>> {
    let correction = Correction::parse(correction.unwrap_or("holm")).map_err(refused(NAME))?;
    Ok(readout::adjusted(&p_values, correction))
}
