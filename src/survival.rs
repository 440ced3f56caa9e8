//! `survival`: its aggregates, its type and the log-rank test of several values. The algorithms are in
//! [`user_metrics_core::survival`].

use crate::bridge::{self, stored_value};
use crate::error::{self, refused};
use crate::settings::Privacy;
use crate::stored::Stored;
use pgrx::datum::Internal;
use pgrx::iter::TableIterator;
use pgrx::prelude::*;
use user_metrics_core::Result;
use user_metrics_core::base::state::State;
use user_metrics_core::survival::{Survival, logrank as compare};

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

stored_value! { Survival, "survival":
    survival_rollup, survival_combine, survival_serialize, survival_deserialize, survival_finish,
    survival_in, survival_out, survival_receive, survival_send
}

/// The test over values as bytes: an array of a type that is not created yet cannot be named here.
#[pg_extern(stable, strict, parallel_safe)]
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
    bridge::set_limit();
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
