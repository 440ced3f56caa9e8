//! `seasonality` over an activity. The algorithm is [`user_metrics_core::seasonality`].

use crate::activity::{self, ActivityValue};
use crate::error::{self, refused};
use crate::settings::Privacy;
use crate::time;
use pgrx::iter::TableIterator;
use pgrx::prelude::*;
use user_metrics_core::drivers::Question;
use user_metrics_core::seasonality as readout;

#[pg_extern(stable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn seasonality(
    activity: Option<ActivityValue<'_>>,
    retained: default!(Option<Vec<Option<i32>>>, "'{21,27}'"),
    since: default!(Option<TimestampWithTimeZone>, "NULL"),
    until: default!(Option<TimestampWithTimeZone>, "NULL"),
    as_of: default!(Option<TimestampWithTimeZone>, "NULL"),
) -> error::Result<
    TableIterator<
        'static,
        (
            name!(pattern, &'static str),
            name!(number, Option<i32>),
            name!(users, Option<i64>),
            name!(retained_users, Option<i64>),
            name!(retention_rate, Option<f64>),
            name!(rate_low, Option<f64>),
            name!(rate_high, Option<f64>),
            name!(index, Option<f64>),
            name!(index_low, Option<f64>),
            name!(index_high, Option<f64>),
            name!(q_value, Option<f64>),
            name!(reason, Option<String>),
        ),
    >,
> {
    const NAME: &str = "seasonality";
    let span = retained.unwrap_or_else(|| vec![Some(21), Some(27)]);
    Question::retained(1, &span).map_err(refused(NAME))?;
    let answers = match &activity {
        None => readout::nothing(),
        Some(activity) => {
            let view = activity::open(NAME, activity)?;
            let window = time::window(view.zone(), since, until, as_of, view.last_at()).map_err(refused(NAME))?;
            readout::seasonality(&view, &span, &window).map_err(refused(NAME))?
        }
    };
    let privacy = Privacy::current();
    let mut rows = Vec::new();
    for answer in &answers {
        let (pattern, reason) = (answer.pattern.name(), answer.reason());
        let Ok(parts) = &answer.parts else {
            rows.push((pattern, None, None, None, None, None, None, None, None, None, None, reason));
            continue;
        };
        for part in parts {
            let shown = !privacy.hides(part.comparison.with);
            let count = |users: u64| shown.then_some(users as i64);
            let (rate, index) = (part.rate().filter(|_| shown), part.index().filter(|_| shown));
            rows.push((
                pattern,
                Some(part.number),
                count(part.comparison.with),
                count(part.comparison.with_outcome),
                rate.map(|(rate, ..)| rate),
                rate.map(|(_, low, _)| low),
                rate.map(|(.., high)| high),
                index.map(|(index, ..)| index),
                index.map(|(_, low, _)| low),
                index.map(|(.., high)| high),
                part.q_value.filter(|_| shown),
                None,
            ));
        }
    }
    Ok(TableIterator::new(rows))
}
