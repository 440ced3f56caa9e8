//! `deeds`: the aggregate behind what goes with staying and with leaving. The algorithm is [`user_metrics_core::deeds`].

use crate::aggregate::{self, Bytes, Instant, TextBytes};
use crate::users::UserId;
use crate::{error, time};
use pgrx::datum::{Internal, Uuid};
use pgrx::prelude::*;
use user_metrics_core::deeds::{Deed, Deeds};
use user_metrics_core::sessions::SessionKey;
use user_metrics_core::state::State;

const NAME: &str = "deeds";

/// Feeds one row. The subjects are the same in all of them, and read once.
#[inline]
fn observe<U: UserId>(
    state: Internal,
    user: Option<U>,
    at: Option<Instant>,
    deed: Deed<'_>,
    subjects: Option<Bytes<'_>>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Internal {
    let make = || Ok(Deeds::new());
    aggregate::transition(NAME, state, fcinfo, make, |deeds| {
        let (Some(at), Some(subjects)) = (at.filter(|at| time::is_finite(at.0)), subjects) else { return Ok(()) };
        if !deeds.knows_subjects() {
            deeds.tell(subjects.0)?;
        }
        deeds.observe(user.and_then(U::key), at.0, &deed, time::segment)
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
            feature: Option<TextBytes<'_>>,
            model: Option<TextBytes<'_>>,
            session_id: Option<TextBytes<'_>>,
            succeeded: Option<bool>,
            rating: Option<f64>,
            marks: Option<i32>,
            subjects: Option<Bytes<'_>>,
            fcinfo: pg_sys::FunctionCallInfo,
        ) -> Internal {
            let deed = Deed {
                feature: feature.map(|feature| feature.0),
                model: model.map(|model| model.0),
                session: session_id.map_or(SessionKey::NONE, |id| SessionKey::text(id.0)),
                succeeded,
                rated: rating.is_some(),
                marks: marks.unwrap_or(0) as u32,
            };
            observe(state, user_id, occurred_at, deed, subjects, fcinfo)
        }
    )*};
}

transitions! {
    deeds_text: TextBytes<'_>;
    deeds_uuid: Uuid;
    deeds_bigint: i64;
}

#[pg_extern(immutable, parallel_safe)]
fn deeds_combine(into: Internal, from: Internal, fcinfo: pg_sys::FunctionCallInfo) -> error::Result<Option<Internal>> {
    aggregate::combine::<Deeds>(NAME, into, from, fcinfo)
}

#[pg_extern(immutable, strict, parallel_safe)]
fn deeds_serialize(state: Internal) -> error::Result<Vec<u8>> {
    aggregate::serialize::<Deeds>(NAME, state)
}

#[pg_extern(immutable, strict, parallel_safe)]
fn deeds_deserialize(bytes: &[u8], _unused: Internal, fcinfo: pg_sys::FunctionCallInfo) -> error::Result<Internal> {
    aggregate::deserialize::<Deeds>(NAME, bytes, fcinfo)
}

#[pg_extern(immutable, parallel_safe)]
fn deeds_finish(state: Internal) -> error::Result<Option<Vec<u8>>> {
    let encoded = aggregate::read(state, |deeds: &Deeds| deeds.encode());
    encoded.transpose().map_err(error::refused(NAME))
}
