//! `exposure`: the aggregates behind who met an experiment when. The algorithm is [`user_metrics_core::exposure`].
//!
//! Those of one user differ in their final functions only, so that PostgreSQL feeds one state for all of them. `exposures` is
//! of all users at once, which is faster than GROUP BY where their names are not needed.

use crate::aggregate::{self, Instant, Text, TextBytes, TextList};
use crate::error::refused;
use crate::users::{UserId, keys};
use crate::{error, time};
use pgrx::datum::{Internal, Uuid};
use pgrx::iter::TableIterator;
use pgrx::prelude::*;
use user_metrics_core::exposure::{Exposure, Exposures};
use user_metrics_core::host::Claim;
use user_metrics_core::state::State;

const NAME: &str = "ab_compare";

#[pg_extern(immutable, parallel_safe)]
fn exposure_transition(
    state: Internal,
    variant: Option<TextBytes<'_>>,
    occurred_at: Option<Instant>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Internal {
    let make = || Ok(Exposure::new());
    aggregate::transition(NAME, state, fcinfo, make, |exposure| match occurred_at {
        Some(at) if time::is_finite(at.0) => exposure.observe(at.0, variant.as_ref().map(|variant| variant.0)),
        _ => Ok(()),
    })
}

#[pg_extern(immutable, parallel_safe)]
fn exposure_combine(
    into: Internal,
    from: Internal,
    fcinfo: pg_sys::FunctionCallInfo,
) -> error::Result<Option<Internal>> {
    aggregate::combine::<Exposure>(NAME, into, from, fcinfo)
}

#[pg_extern(immutable, strict, parallel_safe)]
fn exposure_serialize(state: Internal) -> error::Result<Vec<u8>> {
    aggregate::serialize::<Exposure>(NAME, state)
}

#[pg_extern(immutable, strict, parallel_safe)]
fn exposure_deserialize(bytes: &[u8], _unused: Internal, fcinfo: pg_sys::FunctionCallInfo) -> error::Result<Internal> {
    aggregate::deserialize::<Exposure>(NAME, bytes, fcinfo)
}

#[pg_extern(immutable, parallel_safe)]
fn exposure_variant(state: Internal) -> Option<Text> {
    // few: the name of one variant
    aggregate::read(state, |exposure: &Exposure| exposure.variant().map(|variant| Text(variant.to_vec()))).flatten()
}

#[pg_extern(immutable, parallel_safe)]
fn exposure_first(state: Internal) -> Option<TimestampWithTimeZone> {
    let first = aggregate::read(state, |exposure: &Exposure| exposure.first_at()).flatten();
    first.and_then(|at| TimestampWithTimeZone::try_from(at).ok())
}

#[pg_extern(immutable, parallel_safe)]
fn exposure_is_mixed(state: Internal) -> Option<bool> {
    aggregate::read(state, |exposure: &Exposure| exposure.is_mixed())
}

/// Declares the transition of `exposures` for one type of user id.
macro_rules! transitions {
    ($($transition:ident: $user:ty;)*) => {$(
        #[pg_extern(immutable, parallel_safe)]
        fn $transition(
            state: Internal,
            user_id: Option<$user>,
            variant: Option<TextBytes<'_>>,
            occurred_at: Option<Instant>,
            fcinfo: pg_sys::FunctionCallInfo,
        ) -> Internal {
            let make = || Ok(Exposures::new(<$user>::KIND));
            aggregate::transition(NAME, state, fcinfo, make, |exposures| match occurred_at {
                Some(at) if time::is_finite(at.0) => {
                    exposures.observe(user_id.and_then(<$user>::key), at.0, variant.as_ref().map(|variant| variant.0))
                }
                _ => Ok(()),
            })
        }
    )*};
}

transitions! {
    exposures_text: TextBytes<'_>;
    exposures_uuid: Uuid;
    exposures_bigint: i64;
}

#[pg_extern(immutable, parallel_safe)]
fn exposures_combine(
    into: Internal,
    from: Internal,
    fcinfo: pg_sys::FunctionCallInfo,
) -> error::Result<Option<Internal>> {
    aggregate::combine::<Exposures>(NAME, into, from, fcinfo)
}

#[pg_extern(immutable, strict, parallel_safe)]
fn exposures_serialize(state: Internal) -> error::Result<Vec<u8>> {
    aggregate::serialize::<Exposures>(NAME, state)
}

#[pg_extern(immutable, strict, parallel_safe)]
fn exposures_deserialize(bytes: &[u8], _unused: Internal, fcinfo: pg_sys::FunctionCallInfo) -> error::Result<Internal> {
    aggregate::deserialize::<Exposures>(NAME, bytes, fcinfo)
}

#[pg_extern(immutable, strict, parallel_safe)]
fn exposures_finish(state: Internal) -> error::Result<Vec<u8>> {
    aggregate::serialize::<Exposures>(NAME, state)
}

/// Everybody who met the experiment, but for the users left out.
#[pg_extern(immutable, strict, parallel_safe)]
#[allow(clippy::type_complexity)]
fn exposed_users(
    exposures: &[u8],
    left_out: TextList<'_>,
) -> error::Result<
    TableIterator<
        'static,
        (
            name!(user_key, Uuid),
            name!(exposed_at, Option<TimestampWithTimeZone>),
            name!(variant, Option<Text>),
            name!(is_mixed, bool),
            name!(requests, Option<i64>),
        ),
    >,
> {
    aggregate::set_limit();
    let (mut rows, mut claim) = (Vec::new(), Claim::passing());
    let listed = Exposures::decode(exposures).and_then(|exposures| {
        let mut left_out = keys(exposures.kind(), &left_out)?;
        left_out.sort_unstable();
        for exposed in exposures.exposed().filter(|exposed| left_out.binary_search(&exposed.user).is_err()) {
            // Few variants, whose names are short.
            let variant = exposed.variant.map(<[u8]>::to_vec); // few: variants have short names
            claim.push(&mut rows, (exposed.user.to_bytes(), exposed.first_at, variant, exposed.requests))?;
        }
        Ok(())
    });
    listed.map_err(refused(NAME))?;
    Ok(TableIterator::new(rows.into_iter().map(|(user, first, variant, requests)| {
        let first = TimestampWithTimeZone::try_from(first).ok();
        let requests = requests.map(|requests| i64::try_from(requests).unwrap_or(i64::MAX));
        (Uuid::from_bytes(user), first, variant.clone().map(Text), variant.is_none(), requests)
    })))
}
