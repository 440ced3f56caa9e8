//! The plans of `plan_usage`. They are read in [`user_metrics_core::plans`].

use crate::error::{self, refused};
use pgrx::iter::TableIterator;
use pgrx::prelude::*;
use user_metrics_core::plans;

#[pg_extern(immutable, strict, parallel_safe)]
#[allow(clippy::type_complexity)]
fn plans(
    plans: &str,
) -> error::Result<
    TableIterator<
        'static,
        (name!(plan, String), name!(request_limit, Option<i64>), name!(features, Option<Vec<String>>)),
    >,
> {
    let plans = plans::parse(plans).map_err(refused("plan_usage"))?;
    Ok(TableIterator::new(plans.into_iter().map(|plan| (plan.name, plan.request_limit, plan.features))))
}
