//! `active_users`, `engagement` and `stickiness` over an activity. The algorithms are in
//! [`user_metrics_core::engagement`].

use crate::activity::{self, ActivityValue};
use crate::error::{self, refused};
use crate::settings::{self, Privacy};
use crate::time;
use pgrx::iter::TableIterator;
use pgrx::prelude::*;
use user_metrics_core::calendar::Grain;
use user_metrics_core::engagement as readout;

#[pg_extern(stable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn active_users(
    activity: Option<ActivityValue<'_>>,
    period: default!(Option<&str>, "'day'"),
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
            name!(returning_users, Option<i64>),
            name!(complete, bool),
        ),
    >,
> {
    const NAME: &str = "active_users";
    let calendar = settings::calendar(Grain::parse("period", period.unwrap_or("day")).map_err(refused(NAME))?);
    let Some(activity) = activity else { return Ok(TableIterator::new(std::iter::empty())) };
    let view = activity::open(NAME, &activity)?;
    let window = time::window(view.zone(), since, until, as_of, view.last_at()).map_err(refused(NAME))?;
    let rows = readout::active_users(&view, calendar, &window).map_err(refused(NAME))?;
    let privacy = Privacy::current();
    Ok(TableIterator::new(rows.into_iter().map(move |row| {
        let figure = |users: u64| (!privacy.hides(row.active)).then_some(users as i64);
        let returning = row.active - row.new;
        (time::date(row.start), figure(row.active), figure(row.new), figure(returning), row.complete)
    })))
}

#[pg_extern(stable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn engagement(
    activity: Option<ActivityValue<'_>>,
    since: default!(Option<TimestampWithTimeZone>, "NULL"),
    until: default!(Option<TimestampWithTimeZone>, "NULL"),
    as_of: default!(Option<TimestampWithTimeZone>, "NULL"),
) -> error::Result<
    TableIterator<
        'static,
        (
            name!(day, Option<Date>),
            name!(daily_users, Option<i64>),
            name!(weekly_users, Option<i64>),
            name!(monthly_users, Option<i64>),
            name!(stickiness, Option<f64>),
            name!(complete, bool),
        ),
    >,
> {
    const NAME: &str = "engagement";
    let Some(activity) = activity else { return Ok(TableIterator::new(std::iter::empty())) };
    let view = activity::open(NAME, &activity)?;
    let window = time::window(view.zone(), since, until, as_of, view.last_at()).map_err(refused(NAME))?;
    let rows = readout::engagement(&view, &window).map_err(refused(NAME))?;
    let privacy = Privacy::current();
    Ok(TableIterator::new(rows.into_iter().map(move |row| {
        let figure = |users: u64| (!privacy.hides(users)).then_some(users as i64);
        let ratio = row.stickiness().filter(|_| !privacy.hides(row.daily) && !privacy.hides(row.monthly));
        (time::date(row.day), figure(row.daily), figure(row.weekly), figure(row.monthly), ratio, row.complete)
    })))
}

#[pg_extern(stable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn stickiness(
    activity: Option<ActivityValue<'_>>,
    days: default!(Option<i32>, 28),
    since: default!(Option<TimestampWithTimeZone>, "NULL"),
    until: default!(Option<TimestampWithTimeZone>, "NULL"),
    as_of: default!(Option<TimestampWithTimeZone>, "NULL"),
) -> error::Result<
    TableIterator<
        'static,
        (
            name!(active_days, i32),
            name!(users, Option<i64>),
            name!(users_at_least, Option<i64>),
            name!(share, Option<f64>),
        ),
    >,
> {
    const NAME: &str = "stickiness";
    let days = readout::window_days(days.unwrap_or(28)).map_err(refused(NAME))?;
    let Some(activity) = activity else { return Ok(TableIterator::new(std::iter::empty())) };
    let view = activity::open(NAME, &activity)?;
    let window = time::window(view.zone(), since, until, as_of, view.last_at()).map_err(refused(NAME))?;
    let rows = readout::stickiness(&view, days, &window).map_err(refused(NAME))?;
    let privacy = Privacy::current();
    // A hidden row would follow from the sums and shares of the others.
    let all_shown = !rows.iter().any(|row| privacy.hides(row.users));
    Ok(TableIterator::new(rows.into_iter().map(move |row| {
        let users = (!privacy.hides(row.users)).then_some(row.users as i64);
        (row.active_days, users, all_shown.then_some(row.at_least as i64), row.share().filter(|_| all_shown))
    })))
}
