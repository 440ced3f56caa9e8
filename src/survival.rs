//! `survival`: its aggregates, its type and the log-rank test of several values. The algorithms are in
//! [`user_metrics_core::survival`].

use crate::arguments::Text;
use crate::bridge::{self, stored_value};
use crate::error::{self, refused};
use crate::settings::Privacy;
use crate::stored::Stored;
use pgrx::datum::Internal;
use pgrx::iter::TableIterator;
use pgrx::prelude::*;
use user_metrics_core::Result;
use user_metrics_core::base::state::State;
use user_metrics_core::survival::{Labels, Sample, Survival, Weighting, logrank_of};

impl Stored for Survival {
    const SQL_NAME: &'static str = "user_metrics.survival";
    const IDENTITY: &'static str = "user_metrics::survival::Survival";
}

#[pg_extern(immutable, parallel_safe)]
fn survival_transition(
    state: Internal,
    duration_seconds: Option<f64>,
    happened: Option<bool>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Internal {
    bridge::transition(
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

/// The transition of durations of which only the part after `entry_seconds` was observed.
#[pg_extern(immutable, parallel_safe, name = "survival_transition")]
fn survival_transition_from(
    state: Internal,
    duration_seconds: Option<f64>,
    happened: Option<bool>,
    entry_seconds: Option<f64>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Internal {
    bridge::transition(
        "survival",
        state,
        fcinfo,
        || Ok(Survival::new()),
        |survival| match (duration_seconds, happened, entry_seconds) {
            (Some(seconds), Some(happened), Some(entry)) => survival.observe_from(entry, seconds, happened),
            _ => Ok(()),
        },
    )
}

stored_value! { Survival, "survival":
    survival_rollup, survival_combine, survival_serialize, survival_deserialize, survival_finish,
    survival_in, survival_out, survival_receive, survival_send
}

/// The test over values as bytes: an array of a type that is not created yet cannot be named here. With each value come the
/// numbers of its group and its stratum, from 1 on; `labels` are the numbers of elements of durations, group_names and
/// strata, below 0 where there are none.
#[pg_extern(stable, strict, parallel_safe)]
fn logrank_of_bytes(
    durations: Array<'_, &[u8]>,
    group_numbers: Array<'_, i64>,
    stratum_numbers: Array<'_, i64>,
    labels: Array<'_, i32>,
    weighting: Text<'_>,
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
    bridge::set_limit();
    let weighting = Weighting::parse(&weighting.0).map_err(refused("logrank"))?;
    let mut labels = labels.iter().flatten().map(|count| usize::try_from(count).ok());
    let mut count = || labels.next().flatten();
    let labels = Labels { durations: count().unwrap_or(0), group_names: count(), strata: count() };
    labels.check().map_err(refused("logrank"))?;
    let values = durations.iter().flatten().map(Survival::decode).collect::<Result<Vec<_>>>();
    let values = values.map_err(refused("logrank"))?;
    let index = |number: i64| usize::try_from(number - 1).unwrap_or(0);
    let groups = group_numbers.iter().flatten().map(index);
    let strata = stratum_numbers.iter().flatten().map(index);
    let sample = |((durations, group), stratum)| Sample { durations, group, stratum };
    let mut samples = values.iter().zip(groups).zip(strata).map(sample).collect::<Vec<_>>();
    let count = samples.iter().map(|sample| sample.group + 1).max().unwrap_or(0);
    let test = logrank_of(&mut samples, count, weighting).map_err(refused("logrank"))?;
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
