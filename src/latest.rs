//! `latest`: the aggregate behind properties as of a moment. The algorithm is [`user_metrics_core::latest`].

use crate::aggregate::{self, Instant, Text, TextBytes};
use crate::{error, time};
use pgrx::datum::Internal;
use pgrx::prelude::*;
use user_metrics_core::latest::Latest;

const NAME: &str = "latest";

#[pg_extern(immutable, parallel_safe)]
fn latest_transition(
    state: Internal,
    value: Option<TextBytes<'_>>,
    told_at: Option<Instant>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Internal {
    aggregate::transition(
        NAME,
        state,
        fcinfo,
        || Ok(Latest::new()),
        |latest| match (value, told_at) {
            (Some(value), Some(at)) if time::is_finite(at.0) => latest.observe(at.0, value.0),
            _ => Ok(()),
        },
    )
}

#[pg_extern(immutable, parallel_safe)]
fn latest_combine(into: Internal, from: Internal, fcinfo: pg_sys::FunctionCallInfo) -> error::Result<Option<Internal>> {
    aggregate::combine::<Latest>(NAME, into, from, fcinfo)
}

#[pg_extern(immutable, strict, parallel_safe)]
fn latest_serialize(state: Internal) -> error::Result<Vec<u8>> {
    aggregate::serialize::<Latest>(NAME, state)
}

#[pg_extern(immutable, strict, parallel_safe)]
fn latest_deserialize(bytes: &[u8], _unused: Internal, fcinfo: pg_sys::FunctionCallInfo) -> error::Result<Internal> {
    aggregate::deserialize::<Latest>(NAME, bytes, fcinfo)
}

#[pg_extern(immutable, parallel_safe)]
fn latest_finish(state: Internal) -> Option<Text> {
    // few: one text
    aggregate::read(state, |latest: &Latest| latest.text().map(|text| Text(text.to_vec()))).flatten()
}
