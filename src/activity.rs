//! `activity`: its aggregates, its type and its accessors. The algorithm is [`user_metrics_core::activity`].

use crate::aggregate::{self, Instant, TextBytes, UtcInstant};
use crate::error::{self, refused};
use crate::stored::{self, Stored, Value};
use crate::{settings, time};
use pgrx::datum::{Internal, Uuid};
use pgrx::prelude::*;
use std::ffi::{CStr, CString};
use user_metrics_core::activity::{Activity, View};
use user_metrics_core::calendar::Micros;
use user_metrics_core::state::State;
use user_metrics_core::users::{UserKey, UserKind};
use user_metrics_core::{Error, Result};

impl Stored for Activity {
    const SQL_NAME: &'static str = "user_metrics.activity";
    const IDENTITY: &'static str = "user_metrics::activity::Activity";
}

/// A stored activity as SQL passes it.
pub type ActivityValue<'a> = Value<'a, Activity>;

/// A type of user id.
trait UserId {
    const KIND: UserKind;
    /// The key, or `None` for an id that names nobody.
    fn key(self) -> Option<UserKey>;
}

impl UserId for TextBytes<'_> {
    const KIND: UserKind = UserKind::Text;
    #[inline]
    fn key(self) -> Option<UserKey> {
        UserKey::text(self.0)
    }
}

impl UserId for Uuid {
    const KIND: UserKind = UserKind::Uuid;
    #[inline]
    fn key(self) -> Option<UserKey> {
        Some(UserKey::uuid(*self.as_bytes()))
    }
}

impl UserId for i64 {
    const KIND: UserKind = UserKind::Bigint;
    #[inline]
    fn key(self) -> Option<UserKey> {
        Some(UserKey::bigint(self))
    }
}

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

#[pg_extern(immutable, parallel_safe)]
fn activity_rollup(
    state: Internal,
    value: Option<ActivityValue<'_>>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Option<Internal> {
    let Some(value) = value else { return state.initialized().then_some(state) };
    let decode = || Activity::decode(value.bytes());
    let make = || View::open(value.bytes()).map(|view| Activity::new(view.kind(), view.zone()));
    Some(aggregate::transition("rollup", state, fcinfo, make, |activity| activity.merge(&decode()?)))
}

#[pg_extern(immutable, parallel_safe)]
fn activity_combine(
    into: Internal,
    from: Internal,
    fcinfo: pg_sys::FunctionCallInfo,
) -> error::Result<Option<Internal>> {
    aggregate::combine::<Activity>("activity", into, from, fcinfo)
}

#[pg_extern(immutable, strict, parallel_safe)]
fn activity_serialize(state: Internal) -> error::Result<Vec<u8>> {
    aggregate::serialize::<Activity>("activity", state)
}

#[pg_extern(immutable, strict, parallel_safe)]
fn activity_deserialize(bytes: &[u8], _unused: Internal, fcinfo: pg_sys::FunctionCallInfo) -> error::Result<Internal> {
    aggregate::deserialize::<Activity>("activity", bytes, fcinfo)
}

#[pg_extern(immutable, parallel_safe)]
fn activity_finish(state: Internal) -> error::Result<Option<ActivityValue<'static>>> {
    aggregate::finish::<Activity>("activity", state)
}

#[pg_extern(immutable, strict, parallel_safe)]
fn activity_in(text: &CStr) -> error::Result<ActivityValue<'static>> {
    stored::input("activity", text)
}

#[pg_extern(immutable, strict, parallel_safe)]
fn activity_out(value: ActivityValue<'_>) -> CString {
    stored::output(&value)
}

#[pg_extern(immutable, strict, parallel_safe)]
fn activity_receive(message: Internal) -> error::Result<ActivityValue<'static>> {
    stored::receive("activity", message)
}

#[pg_extern(immutable, strict, parallel_safe)]
fn activity_send(value: ActivityValue<'_>) -> Vec<u8> {
    value.bytes().to_vec()
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

/// The keys of user ids given as text, for values of any kind: what is no uuid or integer is no user of such a value.
fn keys(kind: UserKind, ids: Vec<Option<String>>) -> Vec<UserKey> {
    let key = |id: String| match kind {
        UserKind::Text => UserKey::text(id.as_bytes()),
        UserKind::Uuid => {
            let digits: String = id.trim().chars().filter(|c| !matches!(c, '-' | '{' | '}')).collect();
            (digits.len() == 32).then(|| u128::from_str_radix(&digits, 16).ok().map(UserKey::from)).flatten()
        }
        UserKind::Bigint => id.trim().parse().ok().map(UserKey::bigint),
    };
    ids.into_iter().flatten().filter_map(key).collect()
}

#[pg_extern(immutable, strict, parallel_safe)]
fn without_users<'a>(value: ActivityValue<'a>, user_ids: Vec<Option<String>>) -> error::Result<ActivityValue<'a>> {
    let rest = {
        let view = open("without_users", &value)?;
        view.without(&keys(view.kind(), user_ids)).map_err(refused("without_users"))?
    };
    Ok(rest.map_or(value, Value::from_bytes))
}
