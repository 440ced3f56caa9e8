//! `lifecycle` and `churn_rate` over an activity. The algorithm is [`user_metrics_core::lifecycle`].

use crate::activity::{self, ActivityValue};
use crate::error::{self, refused};
use crate::settings::{self, Privacy};
use crate::time;
use pgrx::iter::TableIterator;
use pgrx::prelude::*;
use user_metrics_core::calendar::Grain;
use user_metrics_core::lifecycle as readout;

#[pg_extern(stable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn lifecycle(
    activity: Option<ActivityValue<'_>>,
    period: default!(Option<&str>, "'week'"),
    since: default!(Option<TimestampWithTimeZone>, "NULL"),
    until: default!(Option<TimestampWithTimeZone>, "NULL"),
    as_of: default!(Option<TimestampWithTimeZone>, "NULL"),
) -> error::Result<
    TableIterator<
        'static,
        (
            name!(period_start, Option<Date>),
            name!(active_users, Option<i64>),
            name!(new_users, Option<i64>),
            name!(retained_users, Option<i64>),
            name!(resurrected_users, Option<i64>),
            name!(churned_users, Option<i64>),
            name!(quick_ratio, Option<f64>),
            name!(complete, bool),
        ),
    >,
> {
    const NAME: &str = "lifecycle";
    let calendar = settings::calendar(Grain::parse("period", period.unwrap_or("week")).map_err(refused(NAME))?);
    let Some(activity) = activity else { return Ok(TableIterator::new(std::iter::empty())) };
    let view = activity::open(NAME, &activity)?;
    let window = time::window(view.zone(), since, until, as_of, view.last_at()).map_err(refused(NAME))?;
    let rows = readout::lifecycle(&view, calendar, &window).map_err(refused(NAME))?;
    let privacy = Privacy::current();
    Ok(TableIterator::new(rows.into_iter().map(move |row| {
        let shown = !privacy.hides(row.active);
        let figure = |users: u64| shown.then_some(users as i64);
        (
            time::date(row.start),
            figure(row.active),
            figure(row.new),
            figure(row.retained),
            figure(row.resurrected),
            row.churned.filter(|&churned| !privacy.hides(churned)).and_then(figure),
            // With the figures beside it, the ratio would tell who churned.
            row.quick_ratio().filter(|_| shown && !row.churned.is_some_and(|churned| privacy.hides(churned))),
            row.complete,
        )
    })))
}

#[pg_extern(stable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn churn_rate(
    activity: Option<ActivityValue<'_>>,
    period: default!(Option<&str>, "'month'"),
    since: default!(Option<TimestampWithTimeZone>, "NULL"),
    until: default!(Option<TimestampWithTimeZone>, "NULL"),
    as_of: default!(Option<TimestampWithTimeZone>, "NULL"),
) -> error::Result<
    TableIterator<
        'static,
        (
            name!(period_start, Option<Date>),
            name!(previous_active_users, Option<i64>),
            name!(churned_users, Option<i64>),
            name!(churn_rate, Option<f64>),
            name!(rate_low, Option<f64>),
            name!(rate_high, Option<f64>),
            name!(complete, bool),
        ),
    >,
> {
    const NAME: &str = "churn_rate";
    let calendar = settings::calendar(Grain::parse("period", period.unwrap_or("month")).map_err(refused(NAME))?);
    let Some(activity) = activity else { return Ok(TableIterator::new(std::iter::empty())) };
    let view = activity::open(NAME, &activity)?;
    let window = time::window(view.zone(), since, until, as_of, view.last_at()).map_err(refused(NAME))?;
    let rows = readout::lifecycle(&view, calendar, &window).map_err(refused(NAME))?;
    let privacy = Privacy::current();
    Ok(TableIterator::new(rows.into_iter().map(move |row| {
        let before = row.before.filter(|&before| !privacy.hides(before));
        let churned = row.churned.filter(|&churned| before.is_some() && !privacy.hides(churned));
        let rate = row.churn_rate().filter(|_| churned.is_some());
        (
            time::date(row.start),
            before.map(|users| users as i64),
            churned.map(|users| users as i64),
            rate.map(|(rate, ..)| rate),
            rate.map(|(_, low, _)| low),
            rate.map(|(.., high)| high),
            row.complete,
        )
    })))
}
