//! What functions about one user's hours ask of Rust; it is called in `sql/preferences.sql`.

use crate::error::{self, refused};
use crate::time;
use pgrx::iter::TableIterator;
use pgrx::prelude::*;
use user_metrics_core::usage;

/// How often each hour of the local clock began between two instants, the hour of the first included.
#[pg_extern(stable, strict, parallel_safe)]
fn hour_begins(
    first: TimestampWithTimeZone,
    last: TimestampWithTimeZone,
    timezone: &str,
) -> error::Result<TableIterator<'static, (name!(hour, i32), name!(occurrences, i64))>> {
    let (first, last) = (first.into_inner(), last.into_inner());
    let begins = usage::hour_begins(first, last, |at| time::segment(timezone, at)).map_err(refused("peak_hours"))?;
    Ok(TableIterator::new((0..).zip(begins).map(|(hour, begun)| (hour, begun as i64))))
}
