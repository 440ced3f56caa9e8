//! The queries over a log: the one that reads it for an analysis, and the one that describes it.

use super::canonical::{CANONICAL, Canonical, Holds};
use super::{Found, Relation, literal};
use crate::error::Result;

/// What a table function asks of the doorway.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// The table function.
    pub function: String,
    /// Its own arguments, in the order of the parameters from $5 on.
    pub arguments: Vec<String>,
    /// Whether rows before `since` are to be left unread. Otherwise the whole past is read, to know who is new.
    pub from_since: bool,
    /// Whether `since` lies within a local day, of which the part before it must not be counted.
    pub since_within_day: bool,
    /// Whether `until` is given.
    pub until: bool,
    /// Whether `as_of` is given.
    pub as_of: bool,
    /// The caller's `filter`, JSON.
    pub filter: Option<String>,
    /// The caller's `by`.
    pub by: Option<String>,
    /// The time zone, resolved.
    pub timezone: String,
    /// Whether that is the zone the aggregate takes when it is given none, which spares it an argument a row.
    pub timezone_is_default: bool,
    /// Whether the function's rows begin with a segment.
    pub segmented: bool,
}

impl Ask {
    /// The call of the function's form over a value.
    fn call(&self, value: &str, as_of: &str) -> String {
        let own = self.arguments.iter().zip(5..).map(|(name, n)| format!("{name} => ${n}, ")).collect::<String>();
        format!("user_metrics.{}({value}, {own}since => $1, until => $2, as_of => {as_of}) AS r", self.function)
    }

    /// The activity of the rows of a query `q`.
    fn activity(&self) -> String {
        let zone = if self.timezone_is_default { String::new() } else { format!(", {}", literal(&self.timezone)) };
        format!("user_metrics.activity(q.user_id, q.occurred_at{zone})")
    }
}

/// The ids that are nobody or do not want to be counted: read once a query, taken out once a value.
const LEFT_OUT: &str = "ARRAY(SELECT a.user_id FROM user_metrics.anonymous_user AS a \
                        UNION ALL SELECT o.user_id FROM user_metrics.opt_out AS o)";

/// The rows an analysis may see: users and instants, with the columns of `more`.
fn requests(relation: &Relation, ask: &Ask, more: &str) -> Result<String> {
    let (user, (instant, parameter)) = (relation.user()?, relation.instant()?);
    let mut conditions = vec![format!("{instant} <= {}", parameter("$3"))];
    if ask.until {
        conditions.push(format!("{instant} < {}", parameter("$2")));
    }
    if ask.from_since {
        conditions.push(format!("{instant} >= {}", parameter("$1")));
    }
    conditions.extend(relation.predicates(ask.filter.as_deref())?);
    // What lies before `since` is history, also on its local day: values know days, so those hours go to the day before.
    let shown = if ask.since_within_day {
        let day = parameter(&format!("(SELECT user_metrics_internal.day_start($1, {}))", literal(&ask.timezone)));
        let since = parameter("$1");
        format!(
            "CASE WHEN {instant} >= {day} AND {instant} < {since} THEN {day} - interval '1 microsecond' ELSE {instant} END"
        )
    } else {
        instant
    };
    Ok(format!(
        "SELECT {user} AS user_id, {shown} AS occurred_at{more} FROM {} WHERE {}",
        relation.name,
        conditions.join(" AND ")
    ))
}

/// When observation ends where the rows read cannot tell: with the log, not with what a filter leaves of it.
fn end_of_log(relation: &Relation, ask: &Ask) -> Result<Option<String>> {
    if ask.as_of || ask.until || !(ask.filter.is_some() || ask.since_within_day) {
        return Ok(None);
    }
    let (instant, parameter) = relation.instant()?;
    let end =
        format!("(SELECT pg_catalog.max({instant}) FROM {} WHERE {instant} <= {})", relation.name, parameter("$3"));
    // timezone('UTC', …) leads from timestamptz to timestamp and back.
    Ok(Some(parameter(&end)))
}

/// The one query that reads a log for a function over an activity.
pub fn activity_query(relation: &Relation, ask: &Ask) -> Result<String> {
    let end = end_of_log(relation, ask)?;
    match &ask.by {
        None => {
            let rows = requests(relation, ask, "")?;
            let value =
                format!("user_metrics.without_users((SELECT {} FROM ({rows}) AS q), {LEFT_OUT})", ask.activity());
            let first = if ask.segmented { "NULL::pg_catalog.text, " } else { "" };
            Ok(format!("SELECT {first}r.* FROM {}", ask.call(&value, end.as_deref().unwrap_or("$4"))))
        }
        Some(by) => {
            let segment = relation.named(&format!(" by {by}"), by)?.expression;
            let rows = requests(relation, ask, &format!(", ({segment})::pg_catalog.text COLLATE \"C\" AS segment"))?;
            // The end of what the segments together saw, so that a segment nobody uses any more is seen to be unused.
            let last = "(SELECT pg_catalog.max(user_metrics_internal.last_request(s.value)) FROM segments AS s)";
            let own_end = if ask.as_of || ask.until { "$4" } else { last };
            Ok(format!(
                "WITH segments AS MATERIALIZED (SELECT q.segment, user_metrics.without_users({}, {LEFT_OUT}) AS value \
                 FROM ({rows}) AS q GROUP BY q.segment ORDER BY q.segment) \
                 SELECT s.segment, r.* FROM segments AS s CROSS JOIN LATERAL {}",
                ask.activity(),
                ask.call("s.value", end.as_deref().unwrap_or(own_end))
            ))
        }
    }
}

/// What can be wrong with a canonical column's values: the condition, the word for it, and whether such rows are left out.
fn faults(relation: &Relation, canonical: &Canonical, found: &Found) -> Result<Vec<(String, &'static str, bool)>> {
    let x = &found.expression;
    let is_number = matches!(found.base.as_str(), "int2" | "int4" | "int8" | "float4" | "float8" | "numeric");
    Ok(match canonical.holds {
        Holds::User => {
            let text = format!("({x})::pg_catalog.text");
            // Ids of other types than text are given as text, in any spelling the type has.
            let known = |table: &str| match found.base.as_str() {
                "uuid" => format!(
                    "pg_catalog.translate({text}, '-', '') IN (SELECT pg_catalog.translate(pg_catalog.lower(pg_catalog.btrim(u.user_id)), \
                     '-{{}}', '') FROM user_metrics.{table} AS u)"
                ),
                "int2" | "int4" | "int8" => {
                    format!("{text} IN (SELECT pg_catalog.btrim(u.user_id) FROM user_metrics.{table} AS u)")
                }
                _ => format!("{text} IN (SELECT u.user_id FROM user_metrics.{table} AS u)"),
            };
            vec![
                (format!("pg_catalog.btrim({text}, E' \\t\\n\\x0b\\x0c\\r') = ''"), "blank", true),
                (known("anonymous_user"), "anonymous", true),
                (known("opt_out"), "opted out", true),
            ]
        }
        Holds::Instant => {
            let (instant, parameter) = relation.instant()?;
            let now = parameter("pg_catalog.statement_timestamp()");
            vec![
                (format!("NOT pg_catalog.isfinite({instant})"), "infinite", true),
                (format!("{instant} > {now} AND pg_catalog.isfinite({instant})"), "in the future", true),
            ]
        }
        Holds::Count | Holds::Number if is_number => vec![(format!("({x}) < 0"), "negative", false)],
        _ => Vec::new(),
    })
}

/// Adds to the counts of the describing query those of one canonical column, and gives its row.
fn described(relation: &Relation, i: usize, canonical: &Canonical, counts: &mut Vec<String>) -> Result<String> {
    let (name, needed) = (literal(canonical.name), literal(canonical.needed_by));
    let Some(found) = relation.find(canonical) else {
        return Ok(format!("({i}, {name}, NULL, NULL, s.requests, s.requests, 0::pg_catalog.int8, NULL, {needed})"));
    };
    let x = &found.expression;
    counts.push(format!("pg_catalog.count(*) FILTER (WHERE ({x}) IS NULL) AS missing_{i}"));
    let (mut left_out, mut remarks) = (vec!["0::pg_catalog.int8".to_owned()], Vec::new());
    for (j, (condition, word, leaves_out)) in faults(relation, canonical, &found)?.into_iter().enumerate() {
        let count = format!("fault_{i}_{j}");
        counts.push(format!("pg_catalog.count(*) FILTER (WHERE {condition}) AS {count}"));
        remarks.push(format!("CASE WHEN s.{count} > 0 THEN s.{count} || {} END", literal(&format!(" {word}"))));
        if leaves_out {
            left_out.push(format!("s.{count}"));
        }
    }
    if canonical.name == "request_id" {
        counts.push(format!("pg_catalog.count({x}) - pg_catalog.count(DISTINCT {x}) AS repeated"));
        remarks.push("CASE WHEN s.repeated > 0 THEN s.repeated || ' repeated' END".to_owned());
    }
    let remark = match remarks.is_empty() {
        true => "NULL".to_owned(),
        false => format!("NULLIF(pg_catalog.concat_ws(', ', {}), '')", remarks.join(", ")),
    };
    let (source, shown, left_out) = (literal(x), literal(&found.shown), left_out.join(" + "));
    Ok(format!("({i}, {name}, {source}, {shown}, s.requests, s.missing_{i}, {left_out}, {remark}, {needed})"))
}

/// The query behind `describe_source`: a row per canonical column.
pub fn describe(relation: &Relation) -> Result<String> {
    let mut counts = vec!["pg_catalog.count(*) AS requests".to_owned()];
    let rows = CANONICAL.iter().enumerate().map(|(i, canonical)| described(relation, i, canonical, &mut counts));
    let rows = rows.collect::<Result<Vec<_>>>()?.join(", ");
    Ok(format!(
        "SELECT v.column_name::pg_catalog.text, v.source_column::pg_catalog.text, v.data_type::pg_catalog.text, v.requests, \
         v.missing_requests, v.left_out_requests, v.remark::pg_catalog.text, v.needed_by::pg_catalog.text \
         FROM (SELECT {} FROM {}) AS s CROSS JOIN LATERAL (VALUES {rows}) AS v(place, column_name, source_column, data_type, \
         requests, missing_requests, left_out_requests, remark, needed_by) ORDER BY v.place",
        counts.join(", "),
        relation.name
    ))
}
