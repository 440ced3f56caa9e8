//! Segments: what `segment_users` shows, the keys that tie users' names to a value, and rules of one's own. The algorithm
//! is [`user_metrics_core::segments`].

use crate::aggregate::{self, Text, TextBytes, TextList};
use crate::error::{self, refused};
use crate::stored::Value;
use crate::users::{UserId, keys};
use pgrx::datum::Uuid;
use pgrx::iter::TableIterator;
use pgrx::prelude::*;
use user_metrics_core::Error;
use user_metrics_core::calendar::Micros;
use user_metrics_core::host::Claim;
use user_metrics_core::segments::{Segment, Terms, decline_p as chance, members};
use user_metrics_core::sessions::{Ending, Sessions, View};
use user_metrics_core::source::Rules;
use user_metrics_core::state::State;
use user_metrics_core::tally::Tally;

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

/// Every user of a tally in their segment, with the figures that say why, in the order of ids; without those of `left_out`.
#[pg_extern(stable, strict, parallel_safe)]
#[allow(clippy::too_many_arguments, clippy::type_complexity)]
fn tally_segments(
    tally: &[u8],
    left_out: TextList<'_>,
    power_share: f64,
    ties: &str,
    min_users: i32,
    new_days: i32,
    max_decline_ratio: f64,
    max_decline_p: f64,
    min_base_requests: i32,
) -> error::Result<
    TableIterator<
        'static,
        (
            name!(user_id, Text),
            name!(user_key, Uuid),
            name!(segment, &'static str),
            name!(requests, i64),
            name!(active_days, i64),
            name!(first_seen, Option<TimestampWithTimeZone>),
            name!(last_seen, Option<TimestampWithTimeZone>),
            name!(usage_rank, Option<i64>),
            name!(power_cutoff, Option<i64>),
            name!(recent_requests, i64),
            name!(base_requests, i64),
            name!(decline_ratio, Option<f64>),
            name!(decline_p, Option<f64>),
        ),
    >,
> {
    aggregate::set_limit();
    let count = |given: i32| u64::try_from(given).unwrap_or(0);
    let terms = Terms {
        power_share,
        ties_included: ties == "include",
        min_users: count(min_users),
        new_days: u32::try_from(new_days).unwrap_or(0),
        max_decline_ratio,
        max_decline_p,
        min_base_requests: count(min_base_requests),
    };
    let rows = || -> user_metrics_core::Result<_> {
        let tally = Tally::decode(tally)?;
        let (members, cutoff, _) = members(&tally, &keys(tally.kind(), &left_out)?, &terms)?;
        let (mut claim, mut rows) = (Claim::passing(), Vec::new());
        claim.reserve(&mut rows, members.len())?;
        for member in &members {
            let person = &member.person;
            // few: one id, entered below
            let id = person.key.written(tally.kind()).map_or_else(|| person.name.to_vec(), String::into_bytes);
            claim.grow(id.len())?;
            let instant = |at: Micros| TimestampWithTimeZone::try_from(at).ok();
            rows.push((
                Text(id),
                Uuid::from_bytes(person.key.to_bytes()),
                member.segment.name(),
                person.requests as i64,
                i64::from(person.active_days),
                instant(person.first),
                instant(person.last),
                member.usage_rank.map(|rank| rank as i64),
                cutoff.map(|cutoff| cutoff as i64),
                person.recent as i64,
                person.base as i64,
                member.decline_ratio,
                member.decline_p,
            ));
        }
        Ok(rows)
    };
    Ok(TableIterator::new(rows().map_err(refused("segment_users"))?))
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
        let (limits, end) = (view.rules(), observed_until.into_inner());
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
        segments: Segment::ALL.map(|segment| segment.name().to_owned()).to_vec(), // few: all there are
        ..Rules::default()
    };
    let rules = rules.map_or_else(|| Ok(standard()), Rules::parse).map_err(refused("segment_users"))?;
    let columns = rules.columns().into_iter().map(str::to_owned).collect(); // few: canonical columns
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
