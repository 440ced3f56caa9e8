//! `retention_matrix`, `retention_curve` and `cohort_table` over an activity. The algorithm is
//! [`user_metrics_core::retention`].

use crate::activity::{self, ActivityValue};
use crate::error::{self, refused};
use crate::settings::{self, Privacy};
use crate::time;
use pgrx::iter::TableIterator;
use pgrx::prelude::*;
use user_metrics_core::Result;
use user_metrics_core::calendar::Grain;
use user_metrics_core::retention::{self, Cell, Clock, Kind, Question};

/// What the caller asks. NULL stands for the default, as if the argument were left out.
fn question(
    cohort: Option<&str>,
    period: Option<&str>,
    offsets: Option<Vec<Option<i32>>>,
    kind: Option<&str>,
    clock: Option<&str>,
) -> Result<Question> {
    let period = settings::calendar(Grain::parse("period", period.unwrap_or("week"))?);
    Ok(Question {
        cohort: settings::calendar(Grain::parse("cohort", cohort.unwrap_or("week"))?),
        clock: Clock::parse(clock.unwrap_or("calendar"), period)?,
        kind: Kind::parse(kind.unwrap_or("on"))?,
        offsets: offsets.map(|given| Question::offsets(given.into_iter().flatten().collect())).transpose()?,
    })
}

/// A cell's figures as columns: eligible, retained, rate and its bounds; all NULL where the group is too small to show.
type Figures = (Option<i64>, Option<i64>, Option<i64>, Option<f64>, Option<f64>, Option<f64>);

fn figures(cell: &Cell, privacy: Privacy) -> Figures {
    if privacy.hides(cell.users) {
        return (None, None, None, None, None, None);
    }
    let rate = cell.rate();
    // Of nobody eligible nothing is known, which is not the same as nobody retained.
    let retained = rate.map(|_| cell.retained as i64);
    let (rate, low, high) = rate.map_or((None, None, None), |(rate, low, high)| (Some(rate), Some(low), Some(high)));
    (Some(cell.users as i64), Some(cell.eligible as i64), retained, rate, low, high)
}

#[pg_extern(stable, parallel_safe)]
#[allow(clippy::too_many_arguments, clippy::type_complexity)]
fn retention_matrix(
    activity: Option<ActivityValue<'_>>,
    cohort: default!(Option<&str>, "'week'"),
    period: default!(Option<&str>, "'week'"),
    offsets: default!(Option<Vec<Option<i32>>>, "NULL"),
    kind: default!(Option<&str>, "'on'"),
    clock: default!(Option<&str>, "'calendar'"),
    since: default!(Option<TimestampWithTimeZone>, "NULL"),
    until: default!(Option<TimestampWithTimeZone>, "NULL"),
    as_of: default!(Option<TimestampWithTimeZone>, "NULL"),
) -> error::Result<
    TableIterator<
        'static,
        (
            name!(cohort_start, Option<Date>),
            name!(cohort_users, Option<i64>),
            name!(period_number, i32),
            name!(eligible_users, Option<i64>),
            name!(retained_users, Option<i64>),
            name!(retention_rate, Option<f64>),
            name!(rate_low, Option<f64>),
            name!(rate_high, Option<f64>),
            name!(complete, bool),
        ),
    >,
> {
    const NAME: &str = "retention_matrix";
    let question = question(cohort, period, offsets, kind, clock).map_err(refused(NAME))?;
    let Some(activity) = activity else { return Ok(TableIterator::new(std::iter::empty())) };
    let view = activity::open(NAME, &activity)?;
    let window = time::window(view.zone(), since, until, as_of, view.last_at()).map_err(refused(NAME))?;
    let cells = retention::matrix(&view, &question, &window).map_err(refused(NAME))?;
    let privacy = Privacy::current();
    Ok(TableIterator::new(cells.into_iter().map(move |cell| {
        let (users, eligible, retained, rate, low, high) = figures(&cell, privacy);
        let start = cell.cohort.and_then(time::date);
        (start, users, cell.number, eligible, retained, rate, low, high, cell.complete())
    })))
}

#[pg_extern(stable, parallel_safe)]
#[allow(clippy::too_many_arguments, clippy::type_complexity)]
fn retention_curve(
    activity: Option<ActivityValue<'_>>,
    cohort: default!(Option<&str>, "'week'"),
    period: default!(Option<&str>, "'week'"),
    offsets: default!(Option<Vec<Option<i32>>>, "NULL"),
    kind: default!(Option<&str>, "'on'"),
    clock: default!(Option<&str>, "'calendar'"),
    since: default!(Option<TimestampWithTimeZone>, "NULL"),
    until: default!(Option<TimestampWithTimeZone>, "NULL"),
    as_of: default!(Option<TimestampWithTimeZone>, "NULL"),
) -> error::Result<
    TableIterator<
        'static,
        (
            name!(period_number, i32),
            name!(cohort_users, Option<i64>),
            name!(eligible_users, Option<i64>),
            name!(retained_users, Option<i64>),
            name!(retention_rate, Option<f64>),
            name!(rate_low, Option<f64>),
            name!(rate_high, Option<f64>),
            name!(complete, bool),
        ),
    >,
> {
    const NAME: &str = "retention_curve";
    let question = question(cohort, period, offsets, kind, clock).map_err(refused(NAME))?;
    let Some(activity) = activity else { return Ok(TableIterator::new(std::iter::empty())) };
    let view = activity::open(NAME, &activity)?;
    let window = time::window(view.zone(), since, until, as_of, view.last_at()).map_err(refused(NAME))?;
    let cells = retention::curve(&view, &question, &window).map_err(refused(NAME))?;
    let privacy = Privacy::current();
    Ok(TableIterator::new(cells.into_iter().map(move |cell| {
        let (users, eligible, retained, rate, low, high) = figures(&cell, privacy);
        (cell.number, users, eligible, retained, rate, low, high, cell.complete())
    })))
}

#[pg_extern(stable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn cohort_table(
    activity: Option<ActivityValue<'_>>,
    since: default!(Option<TimestampWithTimeZone>, "NULL"),
    until: default!(Option<TimestampWithTimeZone>, "NULL"),
    as_of: default!(Option<TimestampWithTimeZone>, "NULL"),
) -> error::Result<
    TableIterator<
        'static,
        (
            name!(cohort, Option<Date>),
            name!(users, Option<i64>),
            name!(week_1, Option<f64>),
            name!(week_2, Option<f64>),
            name!(week_4, Option<f64>),
            name!(week_8, Option<f64>),
            name!(week_12, Option<f64>),
        ),
    >,
> {
    const NAME: &str = "cohort_table";
    let Some(activity) = activity else { return Ok(TableIterator::new(std::iter::empty())) };
    let view = activity::open(NAME, &activity)?;
    let window = time::window(view.zone(), since, until, as_of, view.last_at()).map_err(refused(NAME))?;
    let rows = retention::cohort_table(&view, &window).map_err(refused(NAME))?;
    let privacy = Privacy::current();
    Ok(TableIterator::new(rows.into_iter().map(move |row| {
        let hidden = privacy.hides(row.users);
        let [w1, w2, w4, w8, w12] = row.weeks.map(|rate| rate.filter(|_| !hidden));
        (time::date(row.cohort), (!hidden).then_some(row.users as i64), w1, w2, w4, w8, w12)
    })))
}
