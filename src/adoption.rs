//! What the functions about adoption of features ask of Rust: their arguments checked, and rates and differences with bounds.
//! The rest is `sql/adoption.sql`.

use crate::error::{self, refused};
use crate::source::row_function;
use pgrx::iter::TableIterator;
use pgrx::prelude::*;
use user_metrics_core::interval::{
    Difference, Moments, mean_difference as of_means, rate_difference as of_rates, wilson,
};
use user_metrics_core::rating::Scale;
use user_metrics_core::{Error, Result};

type Compared = (Option<f64>, Option<f64>, Option<f64>, Option<f64>);

fn figures(found: Option<Difference>) -> Compared {
    (found.map(|f| f.difference), found.map(|f| f.low), found.map(|f| f.high), found.map(|f| f.clearness()))
}

fn count(figure: Option<i64>) -> Option<u64> {
    figure.and_then(|figure| u64::try_from(figure).ok())
}

/// The share of successes in trials with its 95 % bounds: one row, of NULL for no trials.
#[pg_extern(immutable, parallel_safe)]
fn rate_with_bounds(
    successes: Option<i64>,
    trials: Option<i64>,
) -> TableIterator<'static, (name!(rate, Option<f64>), name!(low, Option<f64>), name!(high, Option<f64>))> {
    let figures = count(successes).zip(count(trials)).filter(|&(successes, trials)| successes <= trials && trials > 0);
    let rate = figures.map(|(successes, trials)| successes as f64 / trials as f64);
    let (low, high) = figures.and_then(|(successes, trials)| wilson(successes, trials)).unzip();
    TableIterator::once((rate, low, high))
}

/// Two shares and their difference: one row.
#[pg_extern(immutable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn rate_difference(
    first_successes: Option<i64>,
    first_trials: Option<i64>,
    second_successes: Option<i64>,
    second_trials: Option<i64>,
) -> TableIterator<
    'static,
    (
        name!(first_value, Option<f64>),
        name!(second_value, Option<f64>),
        name!(difference, Option<f64>),
        name!(low, Option<f64>),
        name!(high, Option<f64>),
        name!(clearness, Option<f64>),
    ),
> {
    let of = |successes, trials| {
        count(successes).zip(count(trials)).filter(|&(successes, trials)| trials > 0 && successes <= trials)
    };
    let (one, other) = (of(first_successes, first_trials), of(second_successes, second_trials));
    let rate = |of: Option<(u64, u64)>| of.map(|(successes, trials)| successes as f64 / trials as f64);
    let (difference, low, high, clearness) = figures(one.zip(other).and_then(|(one, other)| of_rates(one, other)));
    TableIterator::once((rate(one), rate(other), difference, low, high, clearness))
}

/// The difference of two means: one row.
#[pg_extern(immutable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn mean_difference(
    first_count: Option<i64>,
    first_mean: Option<f64>,
    first_variance: Option<f64>,
    second_count: Option<i64>,
    second_mean: Option<f64>,
    second_variance: Option<f64>,
) -> TableIterator<
    'static,
    (name!(difference, Option<f64>), name!(low, Option<f64>), name!(high, Option<f64>), name!(clearness, Option<f64>)),
> {
    let of = |n: Option<i64>, mean: Option<f64>, variance: Option<f64>| {
        Some(Moments { count: count(n)?, mean: mean?, variance: variance.unwrap_or(0.0) })
    };
    let groups = of(first_count, first_mean, first_variance).zip(of(second_count, second_mean, second_variance));
    let (difference, low, high, clearness) = figures(groups.and_then(|(one, other)| of_means(one, other)));
    // Without bounds there still is a difference.
    let difference = difference.or_else(|| first_mean.zip(second_mean).map(|(one, other)| one - other));
    TableIterator::once((difference, low, high, clearness))
}

fn whole(name: &'static str, given: Option<i32>, least: i32, most: i32) -> Result<()> {
    match given {
        Some(given) if (least..=most).contains(&given) => Ok(()),
        _ => Err(Error::Argument {
            name,
            given: given.map_or("NULL".to_owned(), |given| given.to_string()),
            accepted: format!("a whole number from {least} to {most}"),
        }),
    }
}

#[pg_extern(immutable, parallel_safe)]
#[allow(clippy::too_many_arguments)]
fn check_adoption(
    function: &str,
    min_days: Option<i32>,
    within_days: Option<i32>,
    power_share: Option<f64>,
    min_users: Option<i32>,
    feature: default!(Option<&str>, "''"),
    rating_scale: default!(Option<Vec<Option<f64>>>, "NULL"),
    landmarks: default!(Option<Vec<Option<i32>>>, "ARRAY[1]"),
    horizon_days: default!(Option<i32>, "7"),
) -> error::Result<()> {
    let check = || -> Result<()> {
        whole("min_days", min_days, 1, 3650)?;
        whole("within_days", within_days, 1, 3650)?;
        whole("min_users", min_users, 1, i32::MAX)?;
        whole("horizon_days", horizon_days, 7, 3650)?;
        if min_days > within_days {
            let accepted = "no more days than within_days".to_owned();
            return Err(Error::Argument { name: "min_days", given: min_days.unwrap_or(0).to_string(), accepted });
        }
        if !power_share.is_some_and(|share| (0.0..=1.0).contains(&share)) {
            let given = power_share.map_or("NULL".to_owned(), |share| share.to_string());
            return Err(Error::Argument { name: "power_share", given, accepted: "a number from 0 to 1".to_owned() });
        }
        if feature.is_none() {
            let accepted = "the name of a feature, as the log has it".to_owned();
            return Err(Error::Argument { name: "feature", given: "NULL".to_owned(), accepted });
        }
        if let Some(scale) = &rating_scale {
            Scale::new(&scale.iter().map(|end| end.unwrap_or(f64::NAN)).collect::<Vec<_>>())?;
        }
        let days = landmarks.unwrap_or_default();
        let ascending =
            days.is_sorted_by(|a, b| a < b) && days.iter().all(|day| day.is_some_and(|d| (1..=3650).contains(&d)));
        if !ascending || days.is_empty() {
            let given = format!("{:?}", days.iter().map(|day| day.unwrap_or(0)).collect::<Vec<_>>());
            let accepted = "days from 1 to 3650, ascending, such as '{1,3,7,14,28}'".to_owned();
            return Err(Error::Argument { name: "landmarks", given, accepted });
        }
        Ok(())
    };
    check().map_err(refused(row_function(function)))
}
