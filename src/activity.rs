//! `activity`: its aggregates, its type and its accessors. The algorithm is [`user_metrics_core::activity`].

use crate::arguments::TextList;
use crate::bridge::{self, stored_value};
use crate::error::{self, refused};
use crate::settings::{self, Privacy};
use crate::stored::{Stored, Value};
use crate::time;
use crate::transition::Row;
use crate::users::keys;
use pgrx::prelude::*;
use user_metrics_core::activity::{Activity, View};
use user_metrics_core::base::encoding::decoded;
use user_metrics_core::{Error, Result};

impl Stored for Activity {
    const SQL_NAME: &'static str = "user_metrics.activity";
    const IDENTITY: &'static str = "user_metrics::activity::Activity";
}

/// A stored activity as SQL passes it.
pub type ActivityValue<'a> = Value<'a, Activity>;

/// The aggregate's name, for messages.
pub const NAME: &str = "activity";

/// The time zone given in a row: `None` for the form without one.
#[inline]
fn zone(row: Row<'_>) -> Option<Option<&[u8]>> {
    row.has_further().then(|| row.text(0))
}

/// The state of a group's first row.
pub fn begin(row: Row<'_>) -> Result<Activity> {
    let zone = zone(row).flatten().map(|zone| decoded(zone).into_owned());
    let zone = zone.unwrap_or_else(settings::timezone);
    time::check_zone(&zone)?;
    Ok(Activity::new(row.user_kind()?, &zone))
}

/// Accumulates one row.
#[inline]
pub fn step(activity: &mut Activity, row: Row<'_>) -> Result<()> {
    match zone(row) {
        None => {}
        Some(Some(given)) => same_zone(activity, given)?,
        Some(None) => same_zone(activity, settings::timezone().as_bytes())?,
    }
    match row.instant() {
        Some(at) if time::is_counted(at) => activity.observe(row.user(activity.kind()), at, time::segment),
        _ => Ok(()),
    }
}

#[inline]
fn same_zone(activity: &Activity, given: &[u8]) -> Result<()> {
    if activity.zone().as_bytes() == given {
        return Ok(());
    }
    let theirs = decoded(given).into_owned();
    Err(Error::Mixed { what: "time zones", ours: activity.zone().to_owned(), theirs })
}

stored_value! { Activity, "activity":
    activity_rollup, activity_combine, activity_serialize, activity_deserialize, activity_finish,
    activity_in, activity_out, activity_receive, activity_send
}

/// Opens a value for reading, for a function.
pub fn open<'a>(function: &'static str, value: &'a ActivityValue<'_>) -> error::Result<View<'a>> {
    bridge::set_limit();
    View::open(value.bytes()).map_err(refused(function))
}

#[pg_extern(stable, strict, parallel_safe)]
fn users(value: ActivityValue<'_>) -> error::Result<Option<i64>> {
    let users = open("users", &value)?.users();
    Ok(Privacy::current().shown(users, users as i64))
}

/// Whether a value has users, also if they are too few to be counted.
#[pg_extern(immutable, strict, parallel_safe)]
fn has_users(value: ActivityValue<'_>) -> error::Result<bool> {
    Ok(open("has_users", &value)?.users() > 0)
}

#[pg_extern(stable, strict, parallel_safe)]
fn first_day(value: ActivityValue<'_>) -> error::Result<Option<Date>> {
    let view = open("first_day", &value)?;
    let shown = Privacy::current().shown(view.users(), view.bounds()).flatten();
    Ok(shown.and_then(|(first, _)| time::date(first)))
}

#[pg_extern(stable, strict, parallel_safe)]
fn last_day(value: ActivityValue<'_>) -> error::Result<Option<Date>> {
    let view = open("last_day", &value)?;
    let shown = Privacy::current().shown(view.users(), view.bounds()).flatten();
    Ok(shown.and_then(|(_, last)| time::date(last)))
}

#[pg_extern(immutable, strict, parallel_safe)]
fn last_request(value: ActivityValue<'_>) -> error::Result<Option<TimestampWithTimeZone>> {
    Ok(open("last_request", &value)?.last_at().and_then(|at| TimestampWithTimeZone::try_from(at).ok()))
}

#[pg_extern(immutable, strict, parallel_safe)]
fn without_users<'a>(value: ActivityValue<'a>, user_ids: TextList<'_>) -> error::Result<ActivityValue<'a>> {
    let rest = {
        let view = open("without_users", &value)?;
        keys(view.kind(), &user_ids).and_then(|keys| view.without(&keys)).map_err(refused("without_users"))?
    };
    Ok(rest.map_or(value, Value::from_bytes))
}
