//! The source layer: passes the catalog's description of a log and the caller's arguments to [`user_metrics_core::source`],
//! which writes the text of the query over the log.

use crate::error::{self, refused};
use crate::{settings, time};
use pgrx::prelude::*;
use user_metrics_core::catalog;
use user_metrics_core::source::{self, Ask, Relation};
use user_metrics_core::{Error, Result};

/// The query of a function over a log.
#[pg_extern(stable, parallel_restricted)]
fn source_query(
    function: &str,
    relation: &str,
    arguments: Vec<Option<String>>,
    since: Option<TimestampWithTimeZone>,
    until: Option<TimestampWithTimeZone>,
    as_of: Option<TimestampWithTimeZone>,
    filter: Option<&str>,
    by: Option<&str>,
    timezone: Option<&str>,
) -> error::Result<String> {
    let function = catalog::named(function).ok_or_else(|| {
        let accepted = catalog::over_logs().map(|function| function.name).collect::<Vec<_>>();
        refused("source_query")(Error::not_one_of("function", function, &accepted))
    })?;
    let compose = || -> Result<String> {
        let default = settings::timezone();
        let timezone = timezone.map_or_else(|| default.clone(), str::to_owned);
        time::check_zone(&timezone)?;
        let since_within_day = match since {
            Some(since) if function.reads.splits_days() => time::is_within_day(&timezone, since)?,
            _ => false,
        };
        let ask = Ask {
            function,
            arguments: arguments.into_iter().flatten().collect(),
            since: since.is_some(),
            since_within_day,
            until: until.is_some(),
            as_of: as_of.is_some(),
            filter: filter.map(str::to_owned),
            by: by.map(str::to_owned),
            timezone_is_default: timezone == default,
            timezone,
            asked: Vec::new(),
            area: None,
        };
        source::source_query(&Relation::parse(relation)?, &ask)
    };
    compose().map_err(refused(function.name))
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
    Relation::parse(relation)
        .and_then(|r| source::describe(&r, &catalog::readers, settings::min_group_size()))
        .map_err(refused("describe_source"))
}
