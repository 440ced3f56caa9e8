//! What `usage_evolution` asks of Rust: its arguments checked, and ratings on one scale. The rest is `sql/evolution.sql`.

use crate::error::{self, refused};
use pgrx::prelude::*;
use user_metrics_core::Error;
use user_metrics_core::rating::Scale;

const NAME: &str = "usage_evolution";

fn scale(given: &[Option<f64>]) -> user_metrics_core::Result<Scale> {
    Scale::new(&given.iter().map(|end| end.unwrap_or(f64::NAN)).collect::<Vec<_>>())
}

#[pg_extern(immutable, parallel_safe)]
fn check_evolution(
    weeks: Option<Vec<Option<i32>>>,
    rating_scale: Option<Vec<Option<f64>>>,
    panel: default!(Option<&str>, "'all'"),
) -> error::Result<()> {
    let weeks = weeks.unwrap_or_default();
    if weeks.is_empty() || !weeks.iter().all(|week| week.is_some_and(|week| (1..=520).contains(&week))) {
        let given = format!("{:?}", weeks.iter().map(|week| week.unwrap_or(0)).collect::<Vec<_>>());
        let accepted = "numbers of weeks from 1 to 520, such as '{1,4,12}'".to_owned();
        return Err(refused(NAME)(Error::Argument { name: "weeks", given, accepted }));
    }
    if !matches!(panel, Some("all" | "same_users")) {
        return Err(refused(NAME)(Error::not_one_of("panel", panel.unwrap_or("NULL"), &["all", "same_users"])));
    }
    rating_scale.map_or(Ok(()), |given| scale(&given).map(drop)).map_err(refused(NAME))
}

/// A rating from 0 to 10; NULL without a declared scale. One that is not on it is refused.
#[pg_extern(immutable, parallel_safe)]
fn satisfaction_score(rating: Option<f64>, rating_scale: Option<Vec<Option<f64>>>) -> error::Result<Option<f64>> {
    let Some(given) = rating_scale else { return Ok(None) };
    let scale = scale(&given).map_err(refused(NAME))?;
    rating.map(|rating| scale.score(rating)).transpose().map_err(refused(NAME))
}
