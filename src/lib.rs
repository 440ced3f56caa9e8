//! `user_metrics`: user analytics for AI products inside PostgreSQL. This is the glue; the map of the house:
//!
//! - [`aggregate`]: the bridge from a state of core to CREATE AGGREGATE; [`stored`]: a state as a column type.
//! - [`error`], [`settings`], [`time`]: refusals, `user_metrics.*`, instants and zones.
//! - [`activity`], and its readouts [`engagement`], [`lifecycle`], [`retention`]: one file a concept, named as in core.
//! - [`source`]: the doorway to the caller's log; the SQL surface is in `sql/`, one file a concept.

use pgrx::prelude::*;

mod activity;
mod aggregate;
mod engagement;
mod error;
mod lifecycle;
mod retention;
mod settings;
mod source;
mod stored;
mod time;

pgrx::pg_module_magic!(name, version);

/// Runs when the library is loaded.
#[pg_guard]
extern "C-unwind" fn _PG_init() {
    settings::define();
    aggregate::connect_host();
}

extension_sql_file!("../sql/schema.sql", name = "schema", bootstrap);
extension_sql_file!(
    "../sql/source.sql",
    name = "source",
    requires = [source::activity_query, source::day_start, source::attach_statements, source::describe_query]
);
extension_sql_file!(
    "../sql/engagement.sql",
    name = "engagement",
    requires = ["source", engagement::active_users, engagement::engagement, engagement::stickiness]
);
extension_sql_file!("../sql/lifecycle.sql", name = "lifecycle", requires = ["source", lifecycle::lifecycle]);
extension_sql_file!(
    "../sql/retention.sql",
    name = "retention",
    requires = ["source", retention::retention_matrix, retention::retention_curve, retention::cohort_table]
);
// After every function of Rust: it moves the machinery out of sight and completes the type.
extension_sql_file!("../sql/activity.sql", name = "activity", finalize);
