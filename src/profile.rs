//! One user's profile: see [`user_metrics_core::profile`]. It is put together in `sql/profile.sql`.

use crate::error::{self, refused};
use pgrx::prelude::*;
use user_metrics_core::profile;

#[pg_extern(immutable, parallel_safe)]
fn profile_json(figures: &str, benchmark: Option<&str>) -> error::Result<String> {
    profile::profile(figures, benchmark).map_err(refused("user_profile"))
}
