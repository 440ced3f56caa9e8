//! What `paths` asks of Rust; it is put together in `sql/paths.sql`.

use crate::error::{self, refused};
use pgrx::prelude::*;
use user_metrics_core::Error;

/// How many moves of a path are followed.
#[pg_extern(immutable, parallel_safe)]
fn check_depth(depth: Option<i32>) -> error::Result<()> {
    match depth.unwrap_or(1) {
        1..=1000 => Ok(()),
        given => {
            let accepted = "a number of moves from 1 to 1000".to_owned();
            Err(refused("paths")(Error::Argument { name: "depth", given: given.to_string(), accepted }))
        }
    }
}
