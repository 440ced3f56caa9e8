//! What `segment_users` asks of Rust: the keys that tie users' names to an activity, their active days, and whether they
//! have declined. The segments are put together in `sql/segments.sql`.

use crate::activity::{self, ActivityValue};
use crate::aggregate::{self, TextBytes};
use crate::error::{self, refused};
use crate::stored::Value;
use crate::users::UserId;
use pgrx::datum::Uuid;
use pgrx::iter::TableIterator;
use pgrx::prelude::*;
use user_metrics_core::Error;
use user_metrics_core::host::Claim;
use user_metrics_core::segments::decline_p as chance;
use user_metrics_core::sessions::{Ending, Sessions, View};
use user_metrics_core::source::Rules;

/// Declares the function that gives the key a value knows a user by, for one type of id.
macro_rules! user_key {
    ($($function:ident: $id:ty;)*) => {$(
        #[pg_extern(immutable, strict, parallel_safe, name = "user_key")]
        fn $function(user_id: $id) -> Option<Uuid> {
            user_id.key().map(|key| Uuid::from_bytes(key.to_bytes()))
        }
    )*};
}

user_key! {
    user_key_text: TextBytes<'_>;
    user_key_uuid: Uuid;
    user_key_bigint: i64;
}

/// Every user of an activity with the number of days they were active on.
#[pg_extern(immutable, strict, parallel_safe)]
fn user_days(
    activity: ActivityValue<'_>,
) -> error::Result<TableIterator<'static, (name!(user_key, Uuid), name!(active_days, i64))>> {
    let (mut rows, mut claim) = (Vec::new(), Claim::passing());
    let view = activity::open("segment_users", &activity)?;
    let visited = claim.reserve(&mut rows, view.users()).and_then(|()| {
        view.each(|key, days| {
            rows.push((key.to_bytes(), days.len() as i64));
            Ok(())
        })
    });
    visited.map_err(refused("segment_users"))?;
    Ok(TableIterator::new(rows.into_iter().map(|(key, days)| (Uuid::from_bytes(key), days))))
}

/// Every user of sessions with how many they have, and what became by `observed_until` of those that are over then: their
/// requests, and how many of them were completed.
#[pg_extern(immutable, strict, parallel_safe)]
#[allow(clippy::type_complexity)]
fn user_sessions(
    sessions: Value<'_, Sessions>,
    observed_until: TimestampWithTimeZone,
) -> error::Result<
    TableIterator<
        'static,
        (name!(user_key, Uuid), name!(sessions, i64), name!(closed_requests, i64), name!(completed_sessions, i64)),
    >,
> {
    let (mut rows, mut claim) = (Vec::new(), Claim::passing());
    aggregate::set_limit();
    let visited = View::open(sessions.bytes()).and_then(|view| {
        let (limits, end) = (view.limits(), observed_until.into_inner());
        claim.reserve(&mut rows, view.users())?;
        view.each_session(|key, sessions| {
            let closed = || sessions.iter().filter(|session| !session.is_open(limits, end));
            let completed = closed().filter(|session| session.ending(limits, end) == Some(Ending::Completed)).count();
            let requests = closed().map(|session| i64::from(session.requests)).sum::<i64>();
            rows.push((key.to_bytes(), sessions.len() as i64, requests, completed as i64));
            Ok(())
        })
    });
    visited.map_err(refused("user_sessions"))?;
    Ok(TableIterator::new(
        rows.into_iter()
            .map(|(key, sessions, requests, completed)| (Uuid::from_bytes(key), sessions, requests, completed)),
    ))
}

/// What `segment_users` needs to know of rules: the SQL of a user's segment, the further figures of a user, the canonical
/// columns those need, whether sessions must be counted, and the segments in their order. Without rules the segments are
/// the standard ones.
#[pg_extern(immutable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn segment_rules(
    rules: Option<&str>,
) -> error::Result<
    TableIterator<
        'static,
        (
            name!(expression, String),
            name!(aggregates, String),
            name!(columns, Vec<String>),
            name!(counts_sessions, bool),
            name!(segments, Vec<String>),
        ),
    >,
> {
    let standard = || Rules {
        expression: "n.segment".to_owned(),
        segments: ["new", "at_risk", "power", "casual", "dormant"].map(str::to_owned).to_vec(),
        ..Rules::default()
    };
    let rules = rules.map_or_else(|| Ok(standard()), Rules::parse).map_err(refused("segment_users"))?;
    let columns = rules.columns().into_iter().map(str::to_owned).collect();
    let counts_sessions = rules.figures.contains("sessions");
    Ok(TableIterator::once((
        rules.expression.clone(),
        rules.aggregates("q.properties"),
        columns,
        counts_sessions,
        rules.segments,
    )))
}

#[pg_extern(immutable, strict, parallel_safe)]
fn decline_p(recent: i64, base: i64, recent_weeks: i32, base_weeks: i32) -> error::Result<Option<f64>> {
    let count = |figure: i64| u64::try_from(figure).unwrap_or(0);
    let share = f64::from(recent_weeks) / (f64::from(recent_weeks) + f64::from(base_weeks));
    chance(count(recent), count(base), share).map_err(refused("segment_users"))
}

#[pg_extern(immutable, parallel_safe)]
#[allow(clippy::too_many_arguments)]
fn check_segments(
    power_share: Option<f64>,
    ties: Option<&str>,
    min_users: Option<i32>,
    new_days: Option<i32>,
    recent_weeks: Option<i32>,
    base_weeks: Option<i32>,
    max_decline_ratio: Option<f64>,
    max_decline_p: Option<f64>,
    min_base_requests: Option<i32>,
) -> error::Result<()> {
    let refuse = |name, given: String, accepted: &str| {
        Err(refused("segment_users")(Error::Argument { name, given, accepted: accepted.to_owned() }))
    };
    let shown = |given: Option<f64>| given.map_or("NULL".to_owned(), |given| given.to_string());
    for (name, share) in
        [("power_share", power_share), ("max_decline_ratio", max_decline_ratio), ("max_decline_p", max_decline_p)]
    {
        if !share.is_some_and(|share| (0.0..=1.0).contains(&share)) {
            return refuse(name, shown(share), "a number from 0 to 1");
        }
    }
    let Some("include" | "exclude") = ties else {
        return Err(refused("segment_users")(Error::not_one_of(
            "ties",
            ties.unwrap_or("NULL"),
            &["include", "exclude"],
        )));
    };
    let weeks = "a number of weeks from 1 to 520";
    for (name, given, range, accepted) in [
        ("min_users", min_users, 1..=i32::MAX, "a number of 1 or more"),
        ("new_days", new_days, 0..=36_500, "a number of days from 0 to 36500"),
        ("recent_weeks", recent_weeks, 1..=520, weeks),
        ("base_weeks", base_weeks, 1..=520, weeks),
        ("min_base_requests", min_base_requests, 1..=i32::MAX, "a number of 1 or more"),
    ] {
        if !given.is_some_and(|given| range.contains(&given)) {
            return refuse(name, given.map_or("NULL".to_owned(), |given| given.to_string()), accepted);
        }
    }
    Ok(())
}
