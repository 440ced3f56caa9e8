//! The doorway: hands the catalogue's description of a log and the caller's arguments to [`user_metrics_core::source`],
//! which writes the text of the query that PL/pgSQL then runs.

use crate::error::{self, refused};
use crate::{settings, time};
use pgrx::prelude::*;
use user_metrics_core::Result;
use user_metrics_core::source::{self, Ask, Relation};

/// The name of a table function, for messages.
fn known(function: &str) -> &'static str {
    const FUNCTIONS: [&str; 7] = [
        "active_users",
        "engagement",
        "lifecycle",
        "stickiness",
        "retention_matrix",
        "retention_curve",
        "cohort_table",
    ];
    FUNCTIONS.into_iter().find(|name| *name == function).unwrap_or("user_metrics")
}

#[pg_extern(stable, parallel_safe)]
#[allow(clippy::too_many_arguments)]
fn activity_query(
    function: &str,
    relation: &str,
    arguments: Vec<Option<String>>,
    since: Option<TimestampWithTimeZone>,
    until: Option<TimestampWithTimeZone>,
    as_of: Option<TimestampWithTimeZone>,
    filter: Option<&str>,
    by: Option<&str>,
    timezone: Option<&str>,
    segmented: default!(bool, true),
    from_since: default!(bool, false),
) -> error::Result<String> {
    let compose = || -> Result<String> {
        let default = settings::timezone();
        let timezone = timezone.map_or_else(|| default.clone(), str::to_owned);
        time::check_zone(&timezone)?;
        let within_day = match since {
            Some(since) if !from_since => time::is_within_day(&timezone, since)?,
            _ => false,
        };
        let ask = Ask {
            function: function.to_owned(),
            arguments: arguments.into_iter().flatten().collect(),
            from_since: from_since && since.is_some(),
            since_within_day: within_day,
            until: until.is_some(),
            as_of: as_of.is_some(),
            filter: filter.map(str::to_owned),
            by: by.map(str::to_owned),
            timezone_is_default: timezone == default,
            timezone,
            segmented,
        };
        source::activity_query(&Relation::parse(relation)?, &ask)
    };
    compose().map_err(refused(known(function)))
}

#[pg_extern(stable, strict, parallel_safe)]
fn day_start(at: TimestampWithTimeZone, timezone: &str) -> error::Result<Option<TimestampWithTimeZone>> {
    let start = time::day_start(timezone, at).map_err(refused("day_start"))?;
    Ok(TimestampWithTimeZone::try_from(start).ok())
}

#[pg_extern(stable, parallel_safe)]
fn attach_statements(
    relation: &str,
    view: &str,
    columns: Option<&str>,
    preset: Option<&str>,
) -> error::Result<Vec<String>> {
    let statements = Relation::parse(relation).and_then(|r| source::attach(&r, view, columns, preset));
    statements.map_err(refused("attach"))
}

#[pg_extern(stable, strict, parallel_safe)]
fn describe_query(relation: &str) -> error::Result<String> {
    Relation::parse(relation).and_then(|r| source::describe(&r)).map_err(refused("describe_source"))
}
