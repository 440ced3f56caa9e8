//! The query that describes a log.

use super::canonical::{AMBIGUOUS, CANONICAL, Canonical, Holds, canonical_named};
use super::columns::{BEGINNING, LAST_DATE};
use super::{Found, Relation, literal};
use crate::base::error::Result;

/// Ids that programs write for a user whom they do not know, lower case.
const NOBODY: [&str; 8] =
    ["undefined", "null", "none", "nan", "n/a", "nil", "unknown", "00000000-0000-0000-0000-000000000000"];
/// The most words of a status that are shown.
const MOST_WORDS: usize = 12;
/// The days between the first request and the next from which on the first one is doubted.
const LONELY_DAYS: u32 = 365;

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
        Holds::Instant if canonical.name == "occurred_at" => {
            let (instant, parameter) = relation.instant()?;
            let now = parameter("pg_catalog.statement_timestamp()");
            let mut faults = vec![
                (format!("NOT pg_catalog.isfinite({x})"), "infinite", true),
                (format!("{instant} > {now} AND pg_catalog.isfinite({instant})"), "in the future", true),
                (format!("{x} < '{BEGINNING}' AND pg_catalog.isfinite({x})"), "before 2000", true),
            ];
            if found.base == "date" {
                faults.push((format!("{x} > '{LAST_DATE}' AND pg_catalog.isfinite({x})"), "out of range", true));
            }
            faults
        }
        Holds::Count | Holds::Number if is_number => vec![(format!("({x}) < 0"), "negative and not read", false)],
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
        let remark = match relation.is_ambiguous(canonical) {
            true => literal(&format!(
                "not read: \"{AMBIGUOUS}\" may be a rating or the score of a judge; say which with attach"
            )),
            false => "NULL".to_owned(),
        };
        return Ok(format!(
            "({i}, {name}, NULL, NULL, {requests}, {requests}, 0::pg_catalog.int8, {remark}, {needed})"
        ));
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
    remarks.extend(further_remarks(relation, canonical, &found, counts)?);
    let remark = match remarks.is_empty() {
        true => "NULL".to_owned(),
        false => format!("NULLIF(pg_catalog.concat_ws(', ', {}), '')", remarks.join(", ")),
    };
    let (source, shown, left_out) = (literal(&found.source), literal(&found.shown), left_out.join(" + "));
    Ok(format!("({i}, {name}, {source}, {shown}, {requests}, {missing}, {left_out}, {remark}, {needed})"))
}

/// Remarks that are more than a count of faults: expressions over the describing query, NULL where there is nothing to say.
fn further_remarks(
    relation: &Relation,
    canonical: &Canonical,
    found: &Found,
    counts: &mut Counts,
) -> Result<Vec<String>> {
    let x = &found.expression;
    let serves = match canonical.holds {
        Holds::Count | Holds::Number | Holds::Score => found.is_number(),
        Holds::Flag => matches!(found.base.as_str(), "bool" | "int2" | "int4" | "int8"),
        _ => true,
    };
    if !serves {
        let wanted = if canonical.holds == Holds::Flag { "a boolean" } else { "a number" };
        return Ok(vec![literal(&format!("not read: {wanted} is wanted"))]);
    }
    let mut remarks = Vec::new();
    match canonical.name {
        "user_id" if !matches!(found.base.as_str(), "int2" | "int4" | "int8") => {
            let words = NOBODY.map(literal).join(", ");
            let met = format!(
                "pg_catalog.lower(pg_catalog.btrim(({x})::pg_catalog.text)) IN ({words}) AND NOT {}",
                relation.is_excluded("anonymous", x)
            );
            let shown = counts.add("nobody", &met);
            counts.columns.push(format!(
                "pg_catalog.string_agg(DISTINCT pg_catalog.format('(%L)', {x}), ', ') FILTER (WHERE {met}) AS nobodies"
            ));
            remarks.push(format!(
                "CASE WHEN s.nobody > 0 THEN COALESCE(({shown})::pg_catalog.text, 'some') \
                 || ' of ids that look like nobody: INSERT INTO user_metrics.anonymous_user VALUES ' || s.nobodies END"
            ));
        }
        "occurred_at" => {
            remarks.push(lonely_first(relation)?);
            for (n, (column, other)) in relation.other_times(found).into_iter().enumerate() {
                let taken = relation.occurred_at()?;
                counts.columns.push(format!(
                    "pg_catalog.max(pg_catalog.abs(EXTRACT(epoch FROM ({other}) - ({taken}))) / 86400) \
                     FILTER (WHERE pg_catalog.isfinite({other}) AND pg_catalog.isfinite({taken})) AS apart_{n}"
                ));
                remarks.push(format!(
                    "CASE WHEN s.apart_{n} > 0 THEN {} || pg_catalog.round(s.apart_{n}, CASE WHEN s.apart_{n} < 1 THEN 3 ELSE 1 END) \
                     || ' days from it' END",
                    literal(&format!("{column} is not taken, and is up to "))
                ));
            }
        }
        "cost_usd" => {
            let (free, priced) =
                (counts.add("free", &format!("({x}) = 0")), counts.add("priced", &format!("({x}) > 0")));
            remarks.push(format!(
                "CASE WHEN s.free > 0 AND s.priced > 0 THEN COALESCE(({free})::pg_catalog.text, 'some') || ' of cost 0 beside ' \
                 || COALESCE(({priced})::pg_catalog.text, 'some') || ' with a price' END"
            ));
        }
        "status" => remarks.push(words_met(relation, found, counts)),
        _ => {}
    }
    Ok(remarks)
}

/// A remark on a first request long before the next one.
fn lonely_first(relation: &Relation) -> Result<String> {
    let ((instant, parameter), occurred_at) = (relation.instant()?, relation.occurred_at()?);
    let now = parameter("pg_catalog.statement_timestamp()");
    let counted = format!("{instant} BETWEEN '{BEGINNING}' AND {now}");
    let check = relation.check(&counted).map_or(String::new(), |check| format!(" AND {check}"));
    let name = &relation.name;
    Ok(format!(
        "(SELECT CASE WHEN f.next - f.first > interval '{LONELY_DAYS} days' THEN 'the first request is ' \
         || EXTRACT(day FROM f.next - f.first) || ' days before the next' END \
         FROM (SELECT a.at AS first, pg_catalog.lead(a.at) OVER (ORDER BY a.at) AS next \
         FROM (SELECT {occurred_at} AS at FROM {name} WHERE {counted}{check} ORDER BY 1 LIMIT 2) AS a LIMIT 1) AS f)"
    ))
}

/// A remark on the words of the status, how often each was met, and what it is taken for.
fn words_met(relation: &Relation, found: &Found, counts: &Counts) -> String {
    let x = format!("({})::pg_catalog.text", found.expression);
    let having = counts
        .users
        .as_ref()
        .map_or(String::new(), |(users, least)| format!(" HAVING pg_catalog.count(DISTINCT {users}) >= {least}"));
    let check = relation.check(&x).map_or(String::new(), |check| format!(" AND {check}"));
    let name = &relation.name;
    format!(
        "(SELECT pg_catalog.string_agg(pg_catalog.format('%s: %s (%s)', w.word, \
         CASE user_metrics_internal.answered(w.word, NULL) WHEN true THEN 'answered' WHEN false THEN 'failed' ELSE 'not known' END, \
         w.requests), ', ' ORDER BY w.requests DESC, w.word COLLATE \"C\") \
         FROM (SELECT {x} AS word, pg_catalog.count(*) AS requests FROM {name} WHERE {x} IS NOT NULL{check} \
         GROUP BY 1{having} ORDER BY 2 DESC, 1 LIMIT {MOST_WORDS}) AS w)"
    )
}

impl Relation {
    /// Whether the log has a column that may be this one, or another.
    fn is_ambiguous(&self, canonical: &Canonical) -> bool {
        matches!(canonical.name, "rating" | "judge_score")
            && self.preset().is_none()
            && self.columns.iter().any(|column| column.name.eq_ignore_ascii_case(AMBIGUOUS))
            && canonical_named("judge_score").is_none_or(|judge| self.find(judge).is_none())
    }

    /// The columns that could be the time of a request besides the one that is: their names, and their instants.
    fn other_times(&self, taken: &Found) -> Vec<(String, String)> {
        let Some(canonical) = canonical_named("occurred_at").filter(|_| self.preset().is_none()) else {
            return Vec::new();
        };
        let is_time = |name: &str| canonical.names.contains(&name.to_lowercase().as_str());
        let others = self.columns.iter().filter(|column| is_time(&column.name));
        let others =
            others.map(|column| column.found(self.may_be_another)).filter(|other| other.source != taken.source);
        let instant = |other: Found| match other.base.as_str() {
            "timestamptz" => Some((other.source, other.expression)),
            "timestamp" => Some((other.source, format!("pg_catalog.timezone('UTC', {})", other.expression))),
            _ => None,
        };
        others.filter_map(instant).collect() // few: columns
    }
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
