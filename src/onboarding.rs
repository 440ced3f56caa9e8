//! What the functions about users' first steps ask of Rust: milestones as they are told, and bounds of a rate. The rest is
//! `sql/onboarding.sql`.

use crate::error::{self, refused};
use pgrx::iter::TableIterator;
use pgrx::prelude::*;
use user_metrics_core::interval::wilson;
use user_metrics_core::milestones::Milestone;

/// The share of successes in trials with its 95 % bounds: one row, of NULL for no trials.
#[pg_extern(immutable, parallel_safe)]
fn rate_with_bounds(
    successes: Option<i64>,
    trials: Option<i64>,
) -> TableIterator<'static, (name!(rate, Option<f64>), name!(low, Option<f64>), name!(high, Option<f64>))> {
    let count = |figure: Option<i64>| figure.and_then(|figure| u64::try_from(figure).ok());
    let figures = count(successes).zip(count(trials)).filter(|&(successes, trials)| successes <= trials && trials > 0);
    let rate = figures.map(|(successes, trials)| successes as f64 / trials as f64);
    let (low, high) = figures.and_then(|(successes, trials)| wilson(successes, trials)).unzip();
    TableIterator::once((rate, low, high))
}

/// Milestones as rows.
#[pg_extern(immutable, strict, parallel_safe)]
#[allow(clippy::type_complexity)]
fn milestones(
    milestones: &str,
) -> error::Result<
    TableIterator<
        'static,
        (
            name!(number, i32),
            name!(name, String),
            name!(filter, String),
            name!(count, i32),
            name!(within_seconds, Option<i64>),
        ),
    >,
> {
    let list = Milestone::list(milestones).map_err(refused("activation_milestones"))?;
    Ok(TableIterator::new((1..).zip(list).map(|(number, told)| {
        (number, told.name, told.filter, i32::try_from(told.count).unwrap_or(i32::MAX), told.within_seconds)
    })))
}
