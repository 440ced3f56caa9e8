//! What the functions that compare users with their peers ask of Rust; they are put together in `sql/benchmark.sql`.

use crate::error::{self, refused};
use pgrx::iter::TableIterator;
use pgrx::prelude::*;
use user_metrics_core::{Error, benchmark, preferences};

/// How each of the figures stands among the others: see `core::benchmark::standings`.
#[pg_extern(immutable, strict, parallel_safe)]
#[allow(clippy::type_complexity)]
fn peer_standings(
    figures: Vec<f64>,
) -> error::Result<
    TableIterator<
        'static,
        (name!(place, i64), name!(peer_median, Option<f64>), name!(percentile, Option<f64>), name!(peer_users, i64)),
    >,
> {
    let standings = benchmark::standings(&figures).map_err(refused("benchmark_users"))?;
    Ok(TableIterator::new(
        (1..)
            .zip(standings)
            .map(|(place, standing)| (place, standing.median, standing.percentile, standing.peers as i64)),
    ))
}

/// A mean moved towards that of the peers, by as much as few answers say little.
#[pg_extern(immutable, strict, parallel_safe)]
fn shrunk_mean(count: i64, mean: f64, prior: f64, weight: f64) -> f64 {
    preferences::shrunk_mean(count as f64, mean, prior, weight)
}

/// Refuses a number of peers that is none.
#[pg_extern(immutable, parallel_safe)]
fn check_peers(min_peers: Option<i32>) -> error::Result<()> {
    match min_peers {
        Some(1..) => Ok(()),
        given => {
            let given = given.map_or("NULL".to_owned(), |given| given.to_string());
            let accepted = "a number of users of 1 or more".to_owned();
            Err(refused("benchmark_users")(Error::Argument { name: "min_peers", given, accepted }))
        }
    }
}
