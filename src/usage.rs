//! What the functions about usage patterns ask of Rust; they are put together in `sql/usage.sql`.

use crate::error::{self, refused};
use crate::time;
use pgrx::iter::TableIterator;
use pgrx::prelude::*;
use user_metrics_core::{Error, usage};

/// How many hours count as peaks.
#[pg_extern(immutable, parallel_safe)]
fn check_top(top: Option<i32>) -> error::Result<()> {
    match top.unwrap_or(1) {
        1..=24 => Ok(()),
        given => {
            let accepted = "a number of hours from 1 to 24".to_owned();
            Err(refused("peak_hours")(Error::Argument { name: "top", given: given.to_string(), accepted }))
        }
    }
}

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
