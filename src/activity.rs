//! `activity`: its aggregates, its type and its accessors. The algorithm is [`user_metrics_core::activity`].

use crate::aggregate::{self, Instant, TextBytes, TextList, UtcInstant, stored_value};
use crate::error::{self, refused};
use crate::stored::{Stored, Value};
use crate::users::{UserId, keys};
use crate::{settings, time};
use pgrx::datum::{Internal, Uuid};
use pgrx::prelude::*;
use user_metrics_core::activity::{Activity, View};
use user_metrics_core::calendar::Micros;
use user_metrics_core::{Error, Result};

impl Stored for Activity {
    const SQL_NAME: &'static str = "user_metrics.activity";
    const IDENTITY: &'static str = "user_metrics::activity::Activity";
}

/// A stored activity as SQL passes it.
pub type ActivityValue<'a> = Value<'a, Activity>;

/// Feeds one row. `zone` is the aggregate's third argument: absent for the two-argument form.
#[inline]
fn observe<U: UserId>(
    state: Internal,
    user: Option<U>,
    at: Option<Micros>,
    zone: Option<Option<TextBytes<'_>>>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Internal {
    let make = || {
        let zone = match zone {
            Some(Some(given)) => String::from_utf8_lossy(given.0).into_owned(),
            Some(None) | None => settings::timezone(),
        };
        time::check_zone(&zone)?;
        Ok(Activity::new(U::KIND, &zone))
    };
    aggregate::transition("activity", state, fcinfo, make, |activity| {
        match zone {
            None => {}
            Some(Some(given)) => same_zone(activity, given.0)?,
            Some(None) => same_zone(activity, settings::timezone().as_bytes())?,
        }
        match at {
            Some(at) if time::is_finite(at) => activity.observe(user.and_then(U::key), at, time::segment),
            _ => Ok(()),
        }
    })
}

#[inline]
fn same_zone(activity: &Activity, given: &[u8]) -> Result<()> {
    if activity.zone().as_bytes() == given {
        return Ok(());
    }
    let theirs = String::from_utf8_lossy(given).into_owned();
    Err(Error::Mixed { what: "time zones", ours: activity.zone().to_owned(), theirs })
}

/// Declares the two transition functions, without and with a zone, for one type of user id and of time.
macro_rules! transitions {
    ($($plain:ident, $zoned:ident: $user:ty, $at:ty;)*) => {$(
        #[pg_extern(stable, parallel_safe)]
        fn $plain(
            state: Internal,
            user_id: Option<$user>,
            occurred_at: Option<$at>,
            fcinfo: pg_sys::FunctionCallInfo,
        ) -> Internal {
            observe(state, user_id, occurred_at.map(|at| at.0), None, fcinfo)
        }

        #[pg_extern(stable, parallel_safe)]
        fn $zoned(
            state: Internal,
            user_id: Option<$user>,
            occurred_at: Option<$at>,
            timezone: Option<TextBytes<'_>>,
            fcinfo: pg_sys::FunctionCallInfo,
        ) -> Internal {
            observe(state, user_id, occurred_at.map(|at| at.0), Some(timezone), fcinfo)
        }
    )*};
}

transitions! {
    activity_text_instant, activity_text_instant_zone: TextBytes<'_>, Instant;
    activity_text_utc, activity_text_utc_zone: TextBytes<'_>, UtcInstant;
    activity_uuid_instant, activity_uuid_instant_zone: Uuid, Instant;
    activity_uuid_utc, activity_uuid_utc_zone: Uuid, UtcInstant;
    activity_bigint_instant, activity_bigint_instant_zone: i64, Instant;
    activity_bigint_utc, activity_bigint_utc_zone: i64, UtcInstant;
}

stored_value! { Activity, "activity":
    activity_rollup, activity_combine, activity_serialize, activity_deserialize, activity_finish,
    activity_in, activity_out, activity_receive, activity_send
}

/// Opens a value for reading on behalf of a function.
pub fn open<'a>(function: &'static str, value: &'a ActivityValue<'_>) -> error::Result<View<'a>> {
    aggregate::set_limit();
    View::open(value.bytes()).map_err(refused(function))
}

#[pg_extern(immutable, strict, parallel_safe)]
fn users(value: ActivityValue<'_>) -> error::Result<i64> {
    Ok(open("users", &value)?.users() as i64)
}

#[pg_extern(immutable, strict, parallel_safe)]
fn first_day(value: ActivityValue<'_>) -> error::Result<Option<Date>> {
    Ok(open("first_day", &value)?.bounds().and_then(|(first, _)| time::date(first)))
}

#[pg_extern(immutable, strict, parallel_safe)]
fn last_day(value: ActivityValue<'_>) -> error::Result<Option<Date>> {
    Ok(open("last_day", &value)?.bounds().and_then(|(_, last)| time::date(last)))
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
