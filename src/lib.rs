//! `user_metrics`: user analytics for AI products inside PostgreSQL. This crate connects [`user_metrics_core`] to
//! PostgreSQL; the SQL surface is in `sql/`, one file per topic. The modules:
//!
//! - [`bridge`], [`stored`], [`equality`]: a state of core as an aggregate and as a column type, and its operators. [`transition`]: the rows of its
//!   aggregates.
//! - [`arguments`], [`rows`]: arguments read in place; results as rows or a value.
//! - [`readout`], [`fold`]: the functions that read a value, and the functions that fold the requests of a log. [`history`],
//!   [`scratch`]: the requests that are folded, and their temporary files.
//! - [`generated`], [`mod@c_functions`]: the C symbols of all declared functions and aggregates.
//! - [`source`], [`relation`], [`told`]: the query over the log, the catalog's description of the log, and what the query
//!   needs of core for each row.
//! - [`mod@error`], [`encoding`], [`settings`], [`policy`], [`excluded`], [`own_table`], [`time`], [`users`]: error messages,
//!   texts of the server, the settings `user_metrics.*`, the privacy policy, excluded users, how the tables of both are read,
//!   instants and time zones, user ids.
//! - [`activity`], [`sessions`], [`funnel`], [`survival`], [`experiment`], [`assignment`]: the types, aggregates and
//!   functions of a topic, named as in core.

use pgrx::prelude::*;

mod activity;
mod arguments;
mod assignment;
mod bridge;
mod c_functions;
mod encoding;
mod equality;
mod error;
mod excluded;
mod experiment;
mod fold;
mod funnel;
mod generated;
mod history;
mod own_table;
mod policy;
mod readout;
mod relation;
mod rows;
mod scratch;
mod sessions;
mod settings;
mod source;
mod stored;
mod survival;
mod time;
mod told;
mod transition;
mod users;

pgrx::pg_module_magic!(name, version);

/// Runs when the library is loaded.
#[pg_guard]
extern "C-unwind" fn _PG_init() {
    bridge::turn_off_backtraces();
    settings::define();
    bridge::connect_memory();
    encoding::connect();
}

extension_sql_file!("../sql/schema.sql", name = "schema", bootstrap);
extension_sql_file!("../sql/privacy.sql", name = "privacy");
extension_sql_file!(
    "../sql/source.sql",
    name = "source",
    requires = [
        source::source_query,
        source::day_start,
        source::attach_statements,
        source::describe_query,
        relation::relation,
        excluded::is_excluded
    ]
);
extension_sql_file!(
    "../sql/funnel.sql",
    name = "funnel",
    requires = [
        "source",
        funnel::funnel_rollup,
        funnel::funnel_combine,
        funnel::funnel_serialize,
        funnel::funnel_deserialize,
        funnel::funnel_finish,
        funnel::funnel_in,
        funnel::funnel_out,
        funnel::funnel_receive,
        funnel::funnel_send,
        funnel::funnel_value_users,
        funnel::funnel_last_request,
        funnel::funnel_without_users,
        excluded::funnel_without_excluded
    ]
);
extension_sql_file!(
    "../sql/generated.sql",
    name = "generated",
    requires = ["source", "activity", "sessions", "funnel", "survival", "experiment", "history"]
);
extension_sql_file!(
    "../sql/sessions.sql",
    name = "sessions",
    requires = [
        "source",
        sessions::sessions_rollup,
        sessions::sessions_combine,
        sessions::sessions_serialize,
        sessions::sessions_deserialize,
        sessions::sessions_finish,
        sessions::sessions_in,
        sessions::sessions_out,
        sessions::sessions_receive,
        sessions::sessions_send,
        sessions::session_key,
        sessions::session_reach,
        sessions::session_users,
        sessions::sessions_have_users,
        sessions::sessions_last_request,
        sessions::sessions_without_users,
        excluded::sessions_without_excluded,
        excluded::sessions_of_users
    ]
);
extension_sql_file!("../sql/history.sql", name = "history", requires = ["source"]);
extension_sql_file!(
    "../sql/assignment.sql",
    name = "assignment",
    requires = [
        "source",
        assignment::experiment_variant_text,
        assignment::experiment_variant_uuid,
        assignment::experiment_variant_bigint,
        assignment::check_experiment,
        assignment::experiment_variants
    ]
);
extension_sql_file!(
    "../sql/survival.sql",
    name = "survival",
    requires = [
        "source",
        survival::survival_transition,
        survival::survival_transition_from,
        survival::survival_rollup,
        survival::survival_combine,
        survival::survival_serialize,
        survival::survival_deserialize,
        survival::survival_finish,
        survival::survival_in,
        survival::survival_out,
        survival::survival_receive,
        survival::survival_send,
        survival::logrank_of_bytes
    ]
);
extension_sql_file!(
    "../sql/experiment.sql",
    name = "experiment",
    requires = [
        "source",
        experiment::experiment_mean,
        experiment::experiment_adjusted,
        experiment::experiment_of_ratio,
        experiment::experiment_of_sample,
        experiment::experiment_of_lists,
        experiment::experiment_rollup,
        experiment::experiment_combine,
        experiment::experiment_serialize,
        experiment::experiment_deserialize,
        experiment::experiment_finish,
        experiment::experiment_in,
        experiment::experiment_out,
        experiment::experiment_receive,
        experiment::experiment_send
    ]
);
extension_sql_file!(
    "../sql/activity.sql",
    name = "activity",
    requires = [
        "source",
        activity::activity_rollup,
        activity::activity_combine,
        activity::activity_serialize,
        activity::activity_deserialize,
        activity::activity_finish,
        activity::activity_in,
        activity::activity_out,
        activity::activity_receive,
        activity::activity_send,
        activity::users,
        activity::has_users,
        activity::first_day,
        activity::last_day,
        activity::last_request,
        activity::without_users,
        excluded::activity_without_excluded,
        excluded::activity_of_users,
        bridge::live_states,
        bridge::peak_state_memory
    ]
);
extension_sql_file!(
    "../sql/generated_aggregates.sql",
    name = "generated_aggregates",
    requires = ["activity", "sessions", "funnel"]
);
extension_sql_file!(
    "../sql/generated_operators.sql",
    name = "generated_operators",
    requires = ["activity", "sessions", "funnel", "survival", "experiment"]
);
extension_sql_file!(
    "../sql/generated_functions.sql",
    name = "generated_functions",
    requires = ["generated", "generated_aggregates"]
);
