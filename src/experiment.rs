//! `experiment`: its aggregates and its type. The algorithm is [`user_metrics_core::experiment`].

use crate::arguments::TextBytes;
use crate::bridge::{self, stored_value};
use crate::stored::Stored;
use pgrx::datum::Internal;
use pgrx::prelude::*;
use user_metrics_core::experiment::{Experiment, Purpose};

impl Stored for Experiment {
    const SQL_NAME: &'static str = "user_metrics.experiment_moments";
    const IDENTITY: &'static str = "user_metrics::experiment::Experiment";
}

/// Accumulates one user. A user without a variant is ignored.
#[inline]
fn observe(
    purpose: Purpose,
    state: Internal,
    variant: Option<TextBytes<'_>>,
    figure: Option<f64>,
    second: Option<f64>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Internal {
    let make = || Ok(Experiment::new(purpose));
    bridge::transition(purpose.made_by(), state, fcinfo, make, |experiment| match variant {
        Some(variant) => experiment.observe(variant.0, figure, second),
        None => Ok(()),
    })
}

#[pg_extern(immutable, parallel_safe)]
fn experiment_mean(
    state: Internal,
    variant: Option<TextBytes<'_>>,
    value: Option<f64>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Internal {
    observe(Purpose::Mean, state, variant, value, None, fcinfo)
}

#[pg_extern(immutable, parallel_safe)]
fn experiment_adjusted(
    state: Internal,
    variant: Option<TextBytes<'_>>,
    value: Option<f64>,
    covariate: Option<f64>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Internal {
    observe(Purpose::Adjusted, state, variant, value, covariate, fcinfo)
}

#[pg_extern(immutable, parallel_safe)]
fn experiment_of_ratio(
    state: Internal,
    variant: Option<TextBytes<'_>>,
    numerator: Option<f64>,
    denominator: Option<f64>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Internal {
    observe(Purpose::Ratio, state, variant, numerator, denominator, fcinfo)
}

#[pg_extern(immutable, parallel_safe)]
fn experiment_of_sample(
    state: Internal,
    variant: Option<TextBytes<'_>>,
    value: Option<f64>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Internal {
    observe(Purpose::Sample, state, variant, value, None, fcinfo)
}

#[pg_extern(immutable, parallel_safe)]
fn experiment_of_lists(
    state: Internal,
    variant: Option<TextBytes<'_>>,
    values: Option<pgrx::Array<'_, f64>>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Internal {
    let make = || Ok(Experiment::new(Purpose::Lists));
    bridge::transition(Purpose::Lists.made_by(), state, fcinfo, make, |experiment| match variant {
        Some(variant) => {
            let values = values.iter().flat_map(|values| values.iter().flatten());
            experiment.observe_list(variant.0, values)
        }
        None => Ok(()),
    })
}

stored_value! { Experiment, "experiment":
    experiment_rollup, experiment_combine, experiment_serialize, experiment_deserialize, experiment_finish,
    experiment_in, experiment_out, experiment_receive, experiment_send
}
