//! The query that describes a log.

use super::canonical::{CANONICAL, Canonical, Holds, canonical_named};
use super::columns::{BEGINNING, LAST_DATE};
use super::{Found, Relation, literal};
use crate::base::error::Result;

/// Possible faults in a canonical column's values: the condition, its description, and whether such rows are left out.
fn faults(relation: &Relation, canonical: &Canonical, found: &Found) -> Result<Vec<(String, &'static str, bool)>> {
    let x = &found.expression;
    let is_number = matches!(found.base.as_str(), "int2" | "int4" | "int8" | "float4" | "float8" | "numeric");
    Ok(match canonical.holds {
        Holds::User => {
            let text = format!("({x})::pg_catalog.text");
            vec![
                (format!("pg_catalog.btrim({text}, E' \\t\\n\\x0b\\x0c\\r') = ''"), "blank", true),
                (relation.is_excluded("anonymous", x), "anonymous", true),
                (relation.is_excluded("opted out", x), "opted out", true),
            ]
        }
        Holds::Instant => {
            let (instant, parameter) = relation.instant()?;
            let now = parameter("pg_catalog.statement_timestamp()");
            let beyond = if found.base == "date" { format!(" OR {x} > '{LAST_DATE}'") } else { String::new() };
            vec![
                (format!("NOT pg_catalog.isfinite({x})"), "infinite", true),
                (format!("{instant} > {now} AND pg_catalog.isfinite({instant})"), "in the future", true),
                (format!("({x} < '{BEGINNING}'{beyond}) AND pg_catalog.isfinite({x})"), "out of range", true),
            ]
        }
        Holds::Count | Holds::Number if is_number => vec![(format!("({x}) < 0"), "negative", false)],
        _ => Vec::new(),
    })
}

/// The counts of the describing query. Counts of requests of too few users are NULL.
struct Counts {
    columns: Vec<String>,
    /// The user ids to be counted, if there is a smallest number of them.
    users: Option<(String, u64)>,
}

impl Counts {
    fn new(relation: &Relation, least: u64) -> Self {
        let users = canonical_named("user_id").and_then(|canonical| relation.find(canonical));
        let users = users.filter(|_| least > 1).map(|found| (found.expression, least));
        Counts { columns: Vec::new(), users }
    }

    /// Adds the number of requests for which a condition holds, and returns what stands for it in a row.
    fn add(&mut self, name: &str, condition: &str) -> String {
        let filter = format!("FILTER (WHERE {condition})");
        self.columns.push(format!("pg_catalog.count(*) {filter} AS {name}"));
        let Some((users, least)) = &self.users else { return format!("s.{name}") };
        self.columns.push(format!("pg_catalog.count(DISTINCT {users}) {filter} AS {name}_users"));
        format!("CASE WHEN s.{name}_users > 0 AND s.{name}_users < {least} THEN NULL ELSE s.{name} END")
    }
}

/// Adds the counts of one canonical column to the describing query, and returns its row.
fn described(
    relation: &Relation,
    (i, canonical): (usize, &Canonical),
    readers: &dyn Fn(&str) -> String,
    (counts, requests): (&mut Counts, &str),
) -> Result<String> {
    let (name, needed) = (literal(canonical.name), literal(&readers(canonical.name)));
    let Some(found) = relation.find(canonical) else {
        return Ok(format!("({i}, {name}, NULL, NULL, {requests}, {requests}, 0::pg_catalog.int8, NULL, {needed})"));
    };
    let x = &found.expression;
    let missing = counts.add(&format!("missing_{i}"), &format!("({x}) IS NULL"));
    let (mut left_out, mut remarks) = (vec!["0::pg_catalog.int8".to_owned()], Vec::new());
    for (j, (condition, word, leaves_out)) in faults(relation, canonical, &found)?.into_iter().enumerate() {
        let count = format!("fault_{i}_{j}");
        let shown = counts.add(&count, &condition);
        remarks.push(format!(
            "CASE WHEN s.{count} > 0 THEN COALESCE(({shown})::pg_catalog.text, 'some') || {} END",
            literal(&format!(" {word}"))
        ));
        if leaves_out {
            left_out.push(shown);
        }
    }
    if canonical.name == "request_id" {
        counts.columns.push(format!("pg_catalog.count({x}) - pg_catalog.count(DISTINCT {x}) AS repeated"));
        remarks.push("CASE WHEN s.repeated > 0 THEN s.repeated || ' repeated' END".to_owned());
    }
    let remark = match remarks.is_empty() {
        true => "NULL".to_owned(),
        false => format!("NULLIF(pg_catalog.concat_ws(', ', {}), '')", remarks.join(", ")),
    };
    let (source, shown, left_out) = (literal(&found.source), literal(&found.shown), left_out.join(" + "));
    Ok(format!("({i}, {name}, {source}, {shown}, {requests}, {missing}, {left_out}, {remark}, {needed})"))
}

/// The query behind `describe_source`: a row per canonical column, with the functions that read it. Counts of requests of
/// fewer than `least` users are hidden.
pub fn describe(relation: &Relation, readers: &dyn Fn(&str) -> String, least: u64) -> Result<String> {
    let mut counts = Counts::new(relation, least);
    let requests = counts.add("requests", "true");
    let rows = CANONICAL.iter().enumerate();
    let rows = rows.map(|canonical| described(relation, canonical, readers, (&mut counts, &requests)));
    let rows = rows.collect::<Result<Vec<_>>>()?.join(", ");
    let columns = counts.columns.join(", ");
    let check = relation.check(&columns).map_or(String::new(), |check| format!(" WHERE {check}"));
    Ok(format!(
        "SELECT v.column_name::pg_catalog.text, v.source_column::pg_catalog.text, v.data_type::pg_catalog.text, v.requests, \
         v.missing_requests, v.left_out_requests, v.remark::pg_catalog.text, v.needed_by::pg_catalog.text \
         FROM (SELECT {} FROM {}{check}) AS s CROSS JOIN LATERAL (VALUES {rows}) AS v(place, column_name, source_column, data_type, \
         requests, missing_requests, left_out_requests, remark, needed_by) ORDER BY v.place",
        columns, relation.name
    ))
}
