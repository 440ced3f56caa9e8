//! What the functions about a user's preferences ask of Rust; they are put together in `sql/preferences.sql`.

use crate::error::{self, refused};
use pgrx::iter::TableIterator;
use pgrx::prelude::*;
use user_metrics_core::preferences;

/// The models to offer a user, in order, from what they did with each (JSON), and whether they prefer speed or quality.
#[pg_extern(immutable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn preferred_order(
    facts: Option<&str>,
    candidates: Option<Vec<Option<String>>>,
    fallback: Option<Vec<Option<String>>>,
) -> error::Result<
    TableIterator<
        'static,
        (
            name!(place, i64),
            name!(model, String),
            name!(requests, i64),
            name!(active_days, i64),
            name!(median_latency_ms, Option<f64>),
            name!(success_rate, Option<f64>),
            name!(mean_rating, Option<f64>),
            name!(reason, &'static str),
            name!(prefers_speed, Option<bool>),
            name!(prefers_quality, Option<bool>),
        ),
    >,
> {
    // A name that is missing is as wrong as an empty one.
    let names = |list: Option<Vec<Option<String>>>| {
        list.map(|list| list.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>())
    };
    let (candidates, fallback) = (names(candidates), names(fallback));
    let found = preferences::parse(facts.unwrap_or("[]")).and_then(|models| {
        let preference = preferences::tradeoff(&models);
        let order = preferences::order(&models, preference, candidates.as_deref(), fallback.as_deref())?;
        Ok((models, preference, order))
    });
    let (models, preference, order) = found.map_err(refused("preferred_models"))?;
    Ok(TableIterator::new((1..).zip(order).map(move |(place, preferred)| {
        let used = preferred.used.and_then(|i| models.get(i));
        (
            place,
            preferred.name,
            used.map_or(0, |model| model.requests as i64),
            used.map_or(0, |model| model.days.len() as i64),
            used.and_then(|model| model.latency_ms),
            used.and_then(|model| model.answered.mean),
            used.and_then(|model| model.rated.mean),
            preferred.reason,
            preference.map(|preference| preference.speed),
            preference.map(|preference| preference.quality),
        )
    })))
}
