//! `tally`: the aggregate behind functions that name users. The algorithm is [`user_metrics_core::tally`].

use crate::aggregate::{self, Instant, TextBytes};
use crate::users::UserId;
use crate::{error, settings, time};
use pgrx::datum::{Internal, Uuid};
use pgrx::prelude::*;
use user_metrics_core::Result;
use user_metrics_core::tally::{Spans, Tally};

const NAME: &str = "tally";

/// What the arguments of a group's first row say of all.
fn spans(
    zone: Option<TextBytes<'_>>,
    since: Option<Instant>,
    end: Option<Instant>,
    recent_weeks: Option<i32>,
    base_weeks: Option<i32>,
) -> Result<Spans> {
    let zone = zone.map_or_else(settings::timezone, |zone| String::from_utf8_lossy(zone.0).into_owned());
    time::check_zone(&zone)?;
    // Four, as segment_users has it.
    let weeks = |weeks: Option<i32>| u32::try_from(weeks.unwrap_or(4)).unwrap_or(0);
    Ok(Spans {
        zone,
        since: since.map(|at| at.0),
        end: end.map_or(i64::MAX, |at| at.0),
        recent_weeks: weeks(recent_weeks),
        base_weeks: weeks(base_weeks),
    })
}

/// Declares the transition function for one type of user id.
macro_rules! transitions {
    ($($function:ident: $user:ty;)*) => {$(
        #[pg_extern(stable, parallel_safe)]
        #[allow(clippy::too_many_arguments)]
        fn $function(
            state: Internal,
            user_id: Option<$user>,
            occurred_at: Option<Instant>,
            timezone: Option<TextBytes<'_>>,
            since: Option<Instant>,
            observed_until: Option<Instant>,
            recent_weeks: Option<i32>,
            base_weeks: Option<i32>,
            fcinfo: pg_sys::FunctionCallInfo,
        ) -> Internal {
            let make = || {
                let spans = spans(timezone, since, observed_until, recent_weeks, base_weeks)?;
                Ok(Tally::new(<$user as UserId>::KIND, spans))
            };
            aggregate::transition(NAME, state, fcinfo, make, |tally: &mut Tally| match (user_id, occurred_at) {
                (Some(user), Some(at)) if time::is_finite(at.0) => {
                    let name = user.name();
                    user.key().map_or(Ok(()), |key| tally.observe(key, name, at.0, time::segment))
                }
                _ => Ok(()),
            })
        }
    )*};
}

transitions! {
    tally_text: TextBytes<'_>;
    tally_uuid: Uuid;
    tally_bigint: i64;
}

#[pg_extern(immutable, parallel_safe)]
fn tally_combine(into: Internal, from: Internal, fcinfo: pg_sys::FunctionCallInfo) -> error::Result<Option<Internal>> {
    aggregate::combine::<Tally>(NAME, into, from, fcinfo)
}

#[pg_extern(immutable, strict, parallel_safe)]
fn tally_serialize(state: Internal) -> error::Result<Vec<u8>> {
    aggregate::serialize::<Tally>(NAME, state)
}

#[pg_extern(immutable, strict, parallel_safe)]
fn tally_deserialize(bytes: &[u8], _unused: Internal, fcinfo: pg_sys::FunctionCallInfo) -> error::Result<Internal> {
    aggregate::deserialize::<Tally>(NAME, bytes, fcinfo)
}

/// The bytes, for functions that read them: a tally is no value to keep.
#[pg_extern(immutable, strict, parallel_safe)]
fn tally_finish(state: Internal) -> error::Result<Vec<u8>> {
    aggregate::serialize::<Tally>(NAME, state)
}
