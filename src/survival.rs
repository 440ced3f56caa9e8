//! `survival`: its aggregates, its type and its readouts. The algorithms are in [`user_metrics_core::survival`].

use crate::aggregate::{self, stored_value};
use crate::error::{self, refused};
use crate::settings::Privacy;
use crate::stored::{Stored, Value};
use pgrx::datum::Internal;
use pgrx::iter::TableIterator;
use pgrx::prelude::*;
use user_metrics_core::Result;
use user_metrics_core::state::State;
use user_metrics_core::survival::{Curve, Survival, logrank as compare};

impl Stored for Survival {
    const SQL_NAME: &'static str = "user_metrics.survival";
    const IDENTITY: &'static str = "user_metrics::survival::Survival";
}

/// Stored durations as SQL passes them.
type SurvivalValue<'a> = Value<'a, Survival>;

#[pg_extern(immutable, parallel_safe)]
fn survival_transition(
    state: Internal,
    duration_seconds: Option<f64>,
    happened: Option<bool>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Internal {
    aggregate::transition(
        "survival",
        state,
        fcinfo,
        || Ok(Survival::new()),
        |survival| match (duration_seconds, happened) {
            (Some(seconds), Some(happened)) => survival.observe(seconds, happened),
            _ => Ok(()),
        },
    )
}

stored_value! { Survival, "survival":
    survival_rollup, survival_combine, survival_serialize, survival_deserialize, survival_finish,
    survival_in, survival_out, survival_receive, survival_send
}

/// The curve of a value that may be shown: `None` for no value, and for one of too few.
fn curve(function: &'static str, value: Option<&[u8]>, confidence: Option<f64>) -> error::Result<Option<Curve>> {
    aggregate::set_limit();
    // As everywhere, NULL stands for the default.
    let confidence = confidence.unwrap_or(0.95);
    let read = |bytes| Survival::decode(bytes).and_then(|survival| Curve::new(&survival, confidence));
    // What is wrong with the confidence is wrong also where there is nothing to read.
    let curve =
        value.map_or_else(|| Curve::new(&Survival::new(), confidence).map(|_| None), |bytes| read(bytes).map(Some));
    let privacy = Privacy::current();
    Ok(curve.map_err(refused(function))?.filter(|curve| !privacy.hides(curve.observed())))
}

#[pg_extern(stable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn survival_curve(
    survival: Option<SurvivalValue<'_>>,
    confidence: default!(Option<f64>, 0.95),
    at_seconds: default!(Option<Vec<Option<f64>>>, "NULL"),
) -> error::Result<
    TableIterator<
        'static,
        (
            name!(duration_seconds, f64),
            name!(at_risk, i64),
            name!(events, i64),
            name!(censored, i64),
            name!(survival, Option<f64>),
            name!(survival_low, Option<f64>),
            name!(survival_high, Option<f64>),
        ),
    >,
> {
    const NAME: &str = "survival_curve";
    let curve = curve(NAME, survival.as_ref().map(Value::bytes), confidence)?;
    let steps = match (curve, at_seconds) {
        (None, _) => Vec::new(),
        (Some(curve), None) => curve.into_steps(),
        (Some(curve), Some(times)) => {
            curve.at(&times.into_iter().flatten().collect::<Vec<_>>()).map_err(refused(NAME))?
        }
    };
    Ok(TableIterator::new(steps.into_iter().map(|step| {
        let count = |figure: u64| i64::try_from(figure).unwrap_or(i64::MAX);
        let (low, high) = step.bounds.unzip();
        (step.seconds, count(step.at_risk), count(step.events), count(step.censored), step.survival, low, high)
    })))
}

#[pg_extern(stable, parallel_safe)]
fn survival_quantile(survival: Option<SurvivalValue<'_>>, quantile: Option<f64>) -> error::Result<Option<f64>> {
    const NAME: &str = "survival_quantile";
    let Some(quantile) = quantile else { return Ok(None) };
    let curve = curve(NAME, survival.as_ref().map(Value::bytes), None)?;
    let time = |curve: Curve| curve.quantile("quantile", quantile).map_err(refused(NAME));
    Ok(curve.map(time).transpose()?.and_then(|time| time.seconds))
}

#[pg_extern(stable, strict, parallel_safe)]
fn survival_median(survival: SurvivalValue<'_>) -> error::Result<Option<f64>> {
    survival_quantile(Some(survival), Some(0.5))
}

/// The quantiles told to a caller who names none.
const QUANTILES: [f64; 4] = [0.25, 0.5, 0.75, 0.9];

#[pg_extern(stable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn survival_quantiles(
    survival: Option<SurvivalValue<'_>>,
    quantiles: default!(Option<Vec<Option<f64>>>, "ARRAY[0.25, 0.5, 0.75, 0.9]::double precision[]"),
    confidence: default!(Option<f64>, 0.95),
) -> error::Result<
    TableIterator<
        'static,
        (
            name!(quantile, f64),
            name!(seconds, Option<f64>),
            name!(seconds_low, Option<f64>),
            name!(seconds_high, Option<f64>),
        ),
    >,
> {
    const NAME: &str = "survival_quantiles";
    let curve = curve(NAME, survival.as_ref().map(Value::bytes), confidence)?.unwrap_or_default();
    let row = |quantile: f64| {
        let time = curve.quantile("quantiles", quantile)?;
        Ok((quantile, time.seconds, time.low, time.high))
    };
    let quantiles = quantiles.unwrap_or_else(|| QUANTILES.map(Some).to_vec());
    let rows = quantiles.into_iter().flatten().map(row).collect::<Result<Vec<_>>>();
    Ok(TableIterator::new(rows.map_err(refused(NAME))?))
}

#[pg_extern(stable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn survival_summary(
    survival: Option<SurvivalValue<'_>>,
    confidence: default!(Option<f64>, 0.95),
) -> error::Result<
    TableIterator<
        'static,
        (
            name!(observed, Option<i64>),
            name!(events, Option<i64>),
            name!(censored, Option<i64>),
            name!(left_out, Option<i64>),
            name!(median_seconds, Option<f64>),
            name!(median_low, Option<f64>),
            name!(median_high, Option<f64>),
        ),
    >,
> {
    const NAME: &str = "survival_summary";
    let value = survival.as_ref().map(Value::bytes);
    let Some(curve) = curve(NAME, value, confidence)?.or_else(|| value.is_none().then(Curve::default)) else {
        return Ok(TableIterator::once((None, None, None, None, None, None, None)));
    };
    let left_out = value.map_or(Ok(0), |bytes| Survival::decode(bytes).map(|survival| survival.left_out()));
    let time = curve.quantile("quantile", 0.5).map_err(refused(NAME))?;
    let figure = |figure: u64| Some(i64::try_from(figure).unwrap_or(i64::MAX));
    Ok(TableIterator::once((
        figure(curve.observed()),
        figure(curve.events()),
        figure(curve.observed().saturating_sub(curve.events())),
        figure(left_out.map_err(refused(NAME))?),
        time.seconds,
        time.low,
        time.high,
    )))
}

/// The test over values as bytes: an array of a type that SQL is only about to make cannot be named here.
#[pg_extern(stable, strict, parallel_safe)]
#[allow(clippy::type_complexity)]
fn logrank_of_bytes(
    groups: Array<'_, &[u8]>,
) -> error::Result<
    TableIterator<
        'static,
        (
            name!(groups, i64),
            name!(statistic, Option<f64>),
            name!(degrees_of_freedom, i64),
            name!(p_value, Option<f64>),
        ),
    >,
> {
    aggregate::set_limit();
    let values = groups.iter().flatten().map(Survival::decode).collect::<Result<Vec<_>>>();
    let values = values.map_err(refused("logrank"))?;
    let test = compare(&values).map_err(refused("logrank"))?;
    let privacy = Privacy::current();
    let shown = !values.iter().any(|value| privacy.hides(value.observed()));
    let figure = |figure: Option<f64>| figure.filter(|_| shown);
    Ok(TableIterator::once((
        test.groups as i64,
        figure(test.statistic),
        test.degrees_of_freedom as i64,
        figure(test.p_value),
    )))
}
