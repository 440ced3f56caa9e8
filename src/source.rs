//! The source layer: passes the catalog's description of a log and the caller's arguments to [`user_metrics_core::source`],
//! which writes the text of the query over the log.

use crate::arguments::{ServerText, Text, TextList};
use crate::error::{self, refused};
use crate::{settings, time};
use pgrx::prelude::*;
use user_metrics_core::base::encoding::decoded;
use user_metrics_core::catalog;
use user_metrics_core::source::{self, Ask, Relation};
use user_metrics_core::{Error, Result};

/// The query of a function over a log.
#[pg_extern(stable, parallel_restricted)]
fn source_query(
    function: Text<'_>,
    relation: Text<'_>,
    arguments: TextList<'_>,
    since: Option<TimestampWithTimeZone>,
    until: Option<TimestampWithTimeZone>,
    as_of: Option<TimestampWithTimeZone>,
    filter: Option<Text<'_>>,
    by: Option<Text<'_>>,
    timezone: Option<Text<'_>>,
) -> error::Result<ServerText> {
    let function = catalog::named(&function.0).ok_or_else(|| {
        let accepted = catalog::over_logs().map(|function| function.name).collect::<Vec<_>>();
        refused("source_query")(Error::not_one_of("function", &function.0, &accepted))
    })?;
    let compose = || -> Result<ServerText> {
        let default = settings::timezone();
        let timezone = timezone.map_or_else(|| default.clone(), |zone| zone.0.into_owned());
        time::check_zone(&timezone)?;
        let since_within_day = match since {
            Some(since) if function.reads.splits_days() => time::is_within_day(&timezone, since)?,
            _ => false,
        };
        let ask = Ask {
            function,
            arguments: arguments.iter().map(|text| decoded(text).into_owned()).collect(), // few: arguments
            since: since.is_some(),
            since_within_day,
            until: until.is_some(),
            as_of: as_of.is_some(),
            filter: filter.map(|filter| filter.0.into_owned()),
            by: by.map(|by| by.0.into_owned()),
            timezone_is_default: timezone == default,
            timezone,
            asked: Vec::new(),
            area: None,
        };
        ServerText::of(&source::source_query(&Relation::parse(&relation.0)?, &ask)?)
    };
    compose().map_err(refused(function.name))
}

#[pg_extern(stable, strict, parallel_safe)]
fn day_start(at: TimestampWithTimeZone, timezone: Text<'_>) -> error::Result<Option<TimestampWithTimeZone>> {
    let start = time::day_start(&timezone.0, at).map_err(refused("day_start"))?;
    Ok(TimestampWithTimeZone::try_from(start).ok())
}

#[pg_extern(stable, parallel_safe)]
fn attach_statements(
    relation: Text<'_>,
    view: Text<'_>,
    columns: Option<Text<'_>>,
    preset: Option<Text<'_>>,
) -> error::Result<Vec<ServerText>> {
    let [columns, preset] = [&columns, &preset].map(|text| text.as_ref().map(|text| &*text.0));
    let statements = Relation::parse(&relation.0).and_then(|r| source::attach(&r, &view.0, columns, preset));
    // few: the columns of a view
    let written = statements.and_then(|all| all.iter().map(|text| ServerText::of(text)).collect());
    written.map_err(refused("attach"))
}

#[pg_extern(stable, strict, parallel_safe)]
fn describe_query(relation: Text<'_>) -> error::Result<ServerText> {
    let query =
        Relation::parse(&relation.0).and_then(|r| source::describe(&r, &catalog::readers, settings::min_group_size()));
    query.and_then(|query| ServerText::of(&query)).map_err(refused("describe_source"))
}
