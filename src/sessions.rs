//! `sessions`: its aggregates, its type and its accessors. The algorithms are in [`user_metrics_core::sessions`].

use crate::arguments::{Text, TextBytes, TextList};
use crate::bridge::{self, stored_value};
use crate::error::{self, refused};
use crate::settings::{self, Privacy};
use crate::stored::{Stored, Value};
use crate::time;
use crate::transition::Row;
use crate::users::keys;
use pgrx::prelude::*;
use user_metrics_core::catalog;
use user_metrics_core::function::{session_limits, sessions_since};
use user_metrics_core::sessions::{Limits, Session, SessionKey, Sessions, View};
use user_metrics_core::{Error, Result};

impl Stored for Sessions {
    const SQL_NAME: &'static str = "user_metrics.sessions";
    const IDENTITY: &'static str = "user_metrics::sessions::Sessions";
}

/// Stored sessions as SQL passes them.
pub type SessionsValue<'a> = Value<'a, Sessions>;

fn limits(session_gap: Option<Interval>, max_idle: Option<Interval>) -> Result<Limits> {
    let [gap, idle] = [session_gap, max_idle].map(|given| given.map(time::interval));
    let (gap, idle) = session_limits(gap, idle, settings::session_gap())?;
    Ok(Limits { gap, idle })
}

/// The aggregate's name, for messages.
pub const NAME: &str = "sessions";

/// The state of a group's first row.
pub fn begin(row: Row<'_>) -> Result<Sessions> {
    Ok(Sessions::new(row.user_kind()?, limits(row.interval(3), row.interval(4))?))
}

/// Accumulates one row: user and time, and if given the session id, the latency, the outcome, and the limits.
#[inline]
pub fn step(sessions: &mut Sessions, row: Row<'_>) -> Result<()> {
    let Some(at) = row.instant().filter(|&at| time::is_counted(at)) else { return Ok(()) };
    let request = if row.has_further() {
        same_limits(sessions, limits(row.interval(3), row.interval(4))?)?;
        let key = row.text(0).map_or(SessionKey::NONE, SessionKey::text);
        Session::request(at, row.double(1), key, row.boolean(2))
    } else {
        Session::request(at, None, SessionKey::NONE, None)
    };
    sessions.observe(row.user(sessions.kind()), request)
}

fn same_limits(sessions: &Sessions, given: Limits) -> Result<()> {
    if sessions.limits() == given {
        return Ok(());
    }
    let (ours, theirs) = (sessions.limits().to_string(), given.to_string());
    Err(Error::Mixed { what: "session limits", ours, theirs })
}

stored_value! { Sessions, "sessions":
    sessions_rollup, sessions_combine, sessions_serialize, sessions_deserialize, sessions_finish,
    sessions_in, sessions_out, sessions_receive, sessions_send
}

/// Opens a value for reading, for a function.
pub fn open<'a>(function: &'static str, value: &'a SessionsValue<'_>) -> error::Result<View<'a>> {
    bridge::set_limit();
    View::open(value.bytes()).map_err(refused(function))
}

#[pg_extern(stable, strict, parallel_safe, name = "users")]
fn session_users(value: SessionsValue<'_>) -> error::Result<Option<i64>> {
    let users = open("users", &value)?.users();
    Ok(Privacy::current().shown(users, users as i64))
}

/// Whether a value has users, also if they are too few to be counted.
#[pg_extern(immutable, strict, parallel_safe, name = "has_users")]
fn sessions_have_users(value: SessionsValue<'_>) -> error::Result<bool> {
    Ok(open("has_users", &value)?.users() > 0)
}

#[pg_extern(immutable, strict, parallel_safe, name = "last_request")]
fn sessions_last_request(value: SessionsValue<'_>) -> error::Result<Option<TimestampWithTimeZone>> {
    Ok(open("last_request", &value)?.last_at().and_then(|at| TimestampWithTimeZone::try_from(at).ok()))
}

#[pg_extern(immutable, strict, parallel_safe, name = "without_users")]
fn sessions_without_users<'a>(value: SessionsValue<'a>, user_ids: TextList<'_>) -> error::Result<SessionsValue<'a>> {
    let rest = {
        let view = open("without_users", &value)?;
        keys(view.kind(), &user_ids).and_then(|keys| view.without(&keys)).map_err(refused("without_users"))?
    };
    Ok(rest.map_or(value, Value::from_bytes))
}

/// The key of a session id, NULL for none.
#[pg_extern(immutable, strict, parallel_safe)]
fn session_key(session_id: TextBytes<'_>) -> Option<i64> {
    SessionKey::text(session_id.0).bits()
}

/// From when the log must be read to know which sessions start at `since` or later; NULL for all of it.
#[pg_extern(stable, parallel_safe)]
fn session_reach(
    function: Text<'_>,
    since: Option<TimestampWithTimeZone>,
    session_gap: Option<Interval>,
    max_idle: Option<Interval>,
) -> error::Result<Option<TimestampWithTimeZone>> {
    let named = catalog::named(&function.0).map_or(NAME, |function| function.name);
    let limits = limits(session_gap, max_idle).map_err(refused(named))?;
    Ok(since.map(|since| time::in_range(sessions_since(since.into_inner(), limits.gap, limits.idle))))
}
