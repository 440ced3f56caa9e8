//! The doorway to the caller's log: which column means what, and the text of the one query that reads it.
//!
//! Nothing else composes identifiers or predicates into SQL. Names come from the catalogue, never from a caller, and are
//! always quoted; values are quoted literals; instants are parameters ($1 since, $2 until, $3 the last instant that counts,
//! $4 as_of, then the function's own arguments), so that partitions are pruned and plans stay PostgreSQL's.

use crate::error::{Error, Result};
use serde::Deserialize;
use serde_json::{Map, Value};

/// A relation as the catalogue describes it.
#[derive(Clone, Debug, Deserialize)]
pub struct Relation {
    /// Schema and name, quoted.
    pub name: String,
    /// The name as PostgreSQL shows it to people.
    pub shown: String,
    /// `pg_class.relkind`.
    pub kind: String,
    /// Its columns in their order.
    pub columns: Vec<Column>,
}

/// A column of a relation.
#[derive(Clone, Debug, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// The name of its type, or of the type under its domain.
    #[serde(rename = "type")]
    pub base: String,
    /// The type as PostgreSQL shows it.
    pub shown: String,
}

/// What a canonical column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Who: text, uuid or bigint.
    User,
    /// When: timestamptz, or timestamp read as UTC.
    Instant,
    /// Text.
    Text,
    /// Whole numbers.
    Count,
    /// Numbers.
    Number,
    /// Yes or no.
    Flag,
    /// A JSON object.
    Object,
}

/// A canonical column and the names it is recognised by, in order.
#[derive(Debug)]
pub struct Canonical {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub holds: Holds,
    /// Recognised names, lower case.
    pub names: &'static [&'static str],
    /// What it is, for comments.
    pub about: &'static str,
    /// Which functions read it.
    pub needed_by: &'static str,
}

const fn canonical(
    name: &'static str,
    holds: Holds,
    names: &'static [&'static str],
    about: &'static str,
    needed_by: &'static str,
) -> Canonical {
    Canonical { name, holds, names, about, needed_by }
}

const OPTIONAL: &str = "by, filter";

/// The canonical columns.
pub const CANONICAL: &[Canonical] = &[
    canonical(
        "user_id",
        Holds::User,
        &["user_id", "userid", "end_user", "end_user_id", "customer_id"],
        "who asked",
        "every function",
    ),
    canonical(
        "occurred_at",
        Holds::Instant,
        &["occurred_at", "created_at", "request_created_at", "starttime", "start_time", "timestamp", "ts"],
        "when the request was made",
        "every function",
    ),
    canonical("request_id", Holds::Text, &["request_id", "id"], "the request's own id", "describe_source"),
    canonical(
        "session_id",
        Holds::Text,
        &["session_id", "conversation_id", "thread_id", "chat_id"],
        "the conversation the request belongs to",
        OPTIONAL,
    ),
    canonical("model", Holds::Text, &["model", "model_id"], "the model that answered", OPTIONAL),
    canonical("provider", Holds::Text, &["provider", "custom_llm_provider"], "who runs the model", OPTIONAL),
    canonical(
        "feature",
        Holds::Text,
        &["feature", "feature_name", "request_path", "path"],
        "the part of the product used",
        OPTIONAL,
    ),
    canonical("prompt_tokens", Holds::Count, &["prompt_tokens", "input_tokens"], "tokens sent", OPTIONAL),
    canonical("completion_tokens", Holds::Count, &["completion_tokens", "output_tokens"], "tokens received", OPTIONAL),
    canonical(
        "cost_usd",
        Holds::Number,
        &["cost_usd", "cost", "spend"],
        "what the request cost, in US dollars",
        OPTIONAL,
    ),
    canonical(
        "revenue_usd",
        Holds::Number,
        &["revenue_usd", "revenue"],
        "what the request earned, in US dollars",
        OPTIONAL,
    ),
    canonical(
        "latency_ms",
        Holds::Number,
        &["latency_ms", "request_duration_ms", "delay_ms", "duration_ms"],
        "milliseconds until the answer was complete",
        OPTIONAL,
    ),
    canonical("status", Holds::Text, &["status", "status_code", "http_status"], "how the request ended", OPTIONAL),
    canonical("succeeded", Holds::Flag, &["succeeded", "success", "is_success"], "whether it was answered", OPTIONAL),
    canonical("error", Holds::Text, &["error", "error_type", "error_code"], "what went wrong", OPTIONAL),
    canonical(
        "rating",
        Holds::Number,
        &["rating", "score", "feedback", "is_thumbs_up"],
        "the user's judgement",
        OPTIONAL,
    ),
    canonical("prompt", Holds::Text, &["prompt", "query", "request_text"], "what was asked", OPTIONAL),
    canonical(
        "properties",
        Holds::Object,
        &["properties", "metadata"],
        "further properties of user and request",
        OPTIONAL,
    ),
];

/// A canonical column found in a relation.
#[derive(Clone, Debug)]
pub struct Found {
    /// The SQL expression over the relation's columns.
    pub expression: String,
    /// The name of its type, under any domain.
    pub base: String,
    /// The type as people read it.
    pub shown: String,
}

/// Known software, told by its columns.
struct Preset {
    name: &'static str,
    /// Columns that together only this software has.
    signature: &'static [&'static str],
    /// Canonical column, expression, type.
    columns: &'static [(&'static str, &'static str, &'static str)],
}

/// LiteLLM proxy's `"LiteLLM_SpendLogs"`: `created_at` there is when the row was written, and the model asked for is its
/// group. https://docs.litellm.ai/docs/proxy/spend_logs
const PRESETS: &[Preset] = &[Preset {
    name: "litellm",
    signature: &["request_id", "startTime", "endTime", "spend", "end_user", "custom_llm_provider", "model_group"],
    columns: &[
        ("user_id", "\"end_user\"", "text"),
        ("occurred_at", "\"startTime\"", "timestamp"),
        ("request_id", "\"request_id\"", "text"),
        ("session_id", "\"session_id\"", "text"),
        ("model", "COALESCE(NULLIF(\"model_group\", ''), \"model\")", "text"),
        ("provider", "\"custom_llm_provider\"", "text"),
        (
            "feature",
            "COALESCE((SELECT substr(tag, 9) FROM jsonb_array_elements_text(CASE WHEN jsonb_typeof(\"request_tags\") = 'array' \
             THEN \"request_tags\" ELSE '[]' END) AS tag WHERE tag LIKE 'feature:%' LIMIT 1), NULLIF(\"call_type\", ''))",
            "text",
        ),
        ("prompt_tokens", "\"prompt_tokens\"", "int4"),
        ("completion_tokens", "\"completion_tokens\"", "int4"),
        ("cost_usd", "\"spend\"", "float8"),
        ("latency_ms", "\"request_duration_ms\"", "int4"),
        ("status", "\"status\"", "text"),
        ("error", "\"metadata\" -> 'error_information' ->> 'error_class'", "text"),
        ("properties", "\"metadata\" -> 'spend_logs_metadata'", "jsonb"),
    ],
}];

/// A name as an SQL identifier, always quoted.
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as an SQL literal that reads the same under any setting of `standard_conforming_strings`.
pub fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if text.contains('\\') { format!(" E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

/// The canonical column of a name.
fn canonical_named(name: &str) -> Option<&'static Canonical> {
    CANONICAL.iter().find(|c| c.name == name)
}

fn is_json(base: &str) -> bool {
    matches!(base, "json" | "jsonb")
}

impl Relation {
    /// Reads the catalogue's description.
    pub fn parse(json: &str) -> Result<Self> {
        let relation: Relation = serde_json::from_str(json).map_err(|e| Error::Argument {
            name: "source",
            given: e.to_string(),
            accepted: "a table, view, materialised view or foreign table".to_owned(),
        })?;
        if matches!(relation.kind.as_str(), "r" | "p" | "v" | "m" | "f") {
            return Ok(relation);
        }
        let accepted = "a table, partitioned table, view, materialised view or foreign table".to_owned();
        Err(Error::Argument { name: "source", given: relation.shown, accepted })
    }

    fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }

    fn preset(&self) -> Option<&'static Preset> {
        PRESETS.iter().find(|p| p.signature.iter().all(|name| self.column(name).is_some()))
    }

    /// Where a canonical column comes from, if anywhere.
    pub fn find(&self, canonical: &Canonical) -> Option<Found> {
        if let Some(preset) = self.preset() {
            return self.find_preset(preset, canonical);
        }
        let named =
            |name: &&str| self.column(name).or_else(|| self.columns.iter().find(|c| c.name.to_lowercase() == **name));
        let fits = |column: &&Column| canonical.holds != Holds::Object || is_json(&column.base);
        let column = canonical.names.iter().filter_map(named).find(fits)?;
        Some(Found { expression: identifier(&column.name), base: column.base.clone(), shown: column.shown.clone() })
    }

    fn find_preset(&self, preset: &Preset, canonical: &Canonical) -> Option<Found> {
        let (_, expression, base) = preset.columns.iter().find(|(name, ..)| *name == canonical.name)?;
        // Columns that came with later versions of the software may be missing.
        let mut quoted = expression.split('"').skip(1).step_by(2);
        quoted.all(|name| self.column(name).is_some()).then(|| Found {
            expression: (*expression).to_owned(),
            base: (*base).to_owned(),
            shown: (*base).to_owned(),
        })
    }

    fn required(&self, name: &'static str) -> Result<Found> {
        let found = canonical_named(name).and_then(|c| self.find(c));
        found.ok_or_else(|| self.lacks(String::new(), name))
    }

    fn lacks(&self, purpose: String, column: &str) -> Error {
        Error::NoColumn { purpose, column: column.to_owned(), source: self.shown.clone() }
    }

    fn cannot_serve(&self, found: &Found, accepted: String) -> Error {
        let (column, found) = (found.expression.replace('"', ""), found.shown.clone());
        Error::ColumnType { column, source: self.shown.clone(), found, accepted }
    }

    /// The users' ids, in their own type or the nearest that has keys.
    fn user(&self) -> Result<String> {
        let found = self.required("user_id")?;
        let expression = &found.expression;
        match found.base.as_str() {
            "text" | "uuid" | "int8" => Ok(expression.clone()),
            "int2" | "int4" => Ok(format!("{expression}::pg_catalog.int8")),
            base if is_json(base)
                || base.starts_with('_')
                || matches!(base, "bytea" | "bool" | "float4" | "float8") =>
            {
                let hint = format!(
                    "map an expression of type text, uuid or bigint with user_metrics.attach({}, columns => '{{\"user_id\": \"…\"}}')",
                    literal(&self.shown)
                );
                Err(self.cannot_serve(&found, hint))
            }
            _ => Ok(format!("{expression}::pg_catalog.text")),
        }
    }

    /// The instants, and the form a timestamptz parameter must have to be compared with them.
    fn instant(&self) -> Result<(String, fn(&str) -> String)> {
        let found = self.required("occurred_at")?;
        // A timestamp without zone is read as UTC; the parameter moves, not the column, so that indexes serve.
        let as_utc: fn(&str) -> String = |parameter| format!("pg_catalog.timezone('UTC', {parameter})");
        match found.base.as_str() {
            "timestamptz" => Ok((found.expression, str::to_owned)),
            "timestamp" => Ok((found.expression, as_utc)),
            "date" => Ok((format!("{}::pg_catalog.timestamp", found.expression), as_utc)),
            _ => {
                let hint = format!(
                    "map it with user_metrics.attach({}, columns => {}), adding / 1000.0 if it counts milliseconds",
                    literal(&self.shown),
                    literal(&format!(
                        "{{\"occurred_at\": \"to_timestamp({})\"}}",
                        found.expression.replace('"', "\\\"")
                    ))
                );
                Err(self.cannot_serve(&found, hint))
            }
        }
    }

    /// What a caller's name stands for: a canonical column, a column of the relation, or a property.
    fn named(&self, purpose: &str, name: &str) -> Result<Found> {
        if let Some(canonical) = canonical_named(name) {
            return self.find(canonical).ok_or_else(|| self.lacks(purpose.to_owned(), name));
        }
        if let Some(column) = self.column(name) {
            let (base, shown) = (column.base.clone(), column.shown.clone());
            return Ok(Found { expression: identifier(name), base, shown });
        }
        let properties = canonical_named("properties").and_then(|c| self.find(c));
        let properties = properties.ok_or_else(|| self.lacks(purpose.to_owned(), name))?;
        let expression = format!("({} ->> {})", properties.expression, literal(name));
        Ok(Found { expression, base: "text".to_owned(), shown: "text".to_owned() })
    }

    /// The predicates of a `filter`.
    fn predicates(&self, filter: Option<&str>) -> Result<Vec<String>> {
        let Some(filter) = filter else { return Ok(Vec::new()) };
        let wrong = |given: String| Error::Argument {
            name: "filter",
            given,
            accepted: "a JSON object of columns or properties and the value or list of values wanted, such as \
                       {\"model\": \"gpt-4o\", \"UserTier\": [\"pro\", \"business\"]}"
                .to_owned(),
        };
        let wanted: Map<String, Value> = serde_json::from_str(filter).map_err(|_| wrong(filter.to_owned()))?;
        let predicate = |(name, value): (&String, &Value)| {
            let column = self.named(&format!(" with filter on {name}"), name)?;
            let values = match value {
                Value::Array(list) => list.iter().collect(),
                single => vec![single],
            };
            let mut wanted = Vec::new();
            for value in values.iter().filter(|v| !v.is_null()) {
                match value {
                    Value::String(text) => wanted.push(literal(text)),
                    Value::Bool(_) | Value::Number(_) => wanted.push(literal(&value.to_string())),
                    _ => return Err(wrong(format!("{name}: {value}"))),
                }
            }
            // Compared as text: a value the column's type cannot have is then simply not found.
            let expression = match column.base.as_str() {
                "text" | "varchar" => column.expression,
                _ => format!("({})::pg_catalog.text", column.expression),
            };
            let mut either = Vec::new();
            if !wanted.is_empty() {
                either.push(format!("{expression} IN ({})", wanted.join(", ")));
            }
            if values.iter().any(|v| v.is_null()) {
                either.push(format!("{expression} IS NULL"));
            }
            Ok(if either.is_empty() { "false".to_owned() } else { format!("({})", either.join(" OR ")) })
        };
        wanted.iter().map(predicate).collect()
    }
}

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
    /// Whether the function's rows begin with a segment.
    pub segmented: bool,
}

/// The ids that are nobody or do not want to be counted: read once a query, taken out once a value.
const LEFT_OUT: &str = "ARRAY(SELECT a.user_id FROM user_metrics.anonymous_user AS a \
                        UNION ALL SELECT o.user_id FROM user_metrics.opt_out AS o)";

/// The one query that reads a log for a function over an activity.
pub fn activity_query(relation: &Relation, ask: &Ask) -> Result<String> {
    let (user, (instant, parameter)) = (relation.user()?, relation.instant()?);
    let predicates = relation.predicates(ask.filter.as_deref())?;
    let mut conditions = vec![format!("{instant} <= {}", parameter("$3"))];
    if ask.until {
        conditions.push(format!("{instant} < {}", parameter("$2")));
    }
    if ask.from_since {
        conditions.push(format!("{instant} >= {}", parameter("$1")));
    }
    // What lies before `since` is history, also on its local day: values know days, so those hours go to the day before.
    let shown = if ask.since_within_day {
        let day = parameter(&format!("(SELECT user_metrics_internal.day_start($1, {}))", literal(&ask.timezone)));
        let since = parameter("$1");
        format!(
            "CASE WHEN {instant} >= {day} AND {instant} < {since} THEN {day} - interval '1 microsecond' ELSE {instant} END"
        )
    } else {
        instant.clone()
    };
    conditions.extend(predicates);
    let segment = match &ask.by {
        None => None,
        Some(by) => Some(relation.named(&format!(" by {by}"), by)?.expression),
    };
    let requests = |columns: &str| {
        format!(
            "SELECT {user} AS user_id, {shown} AS occurred_at{columns} FROM {} WHERE {}",
            relation.name,
            conditions.join(" AND ")
        )
    };
    // Observation ends with the log, not with what a filter leaves of it.
    let log_end =
        format!("(SELECT pg_catalog.max({instant}) FROM {} WHERE {instant} <= {})", relation.name, parameter("$3"));
    // timezone('UTC', …) also leads back from a timestamp to the timestamptz that as_of wants.
    let log_end = parameter(&log_end);
    let ends_itself = ask.as_of || ask.until;
    let log_end_needed = !ends_itself && (ask.filter.is_some() || ask.since_within_day);
    let activity = format!("user_metrics.activity(q.user_id, q.occurred_at, {})", literal(&ask.timezone));
    let call = |value: &str, as_of: &str| {
        let own = ask.arguments.iter().zip(5..).map(|(name, n)| format!("{name} => ${n}, ")).collect::<String>();
        format!("user_metrics.{}({value}, {own}since => $1, until => $2, as_of => {as_of}) AS r", ask.function)
    };
    match segment {
        None => {
            let value =
                format!("user_metrics.without_users((SELECT {activity} FROM ({}) AS q), {LEFT_OUT})", requests(""));
            let as_of = if log_end_needed { log_end } else { "$4".to_owned() };
            let first = if ask.segmented { "NULL::pg_catalog.text, " } else { "" };
            Ok(format!("SELECT {first}r.* FROM {}", call(&value, &as_of)))
        }
        Some(segment) => {
            let as_of = match (ends_itself, log_end_needed) {
                (true, _) => "$4".to_owned(),
                (false, true) => log_end,
                (false, false) => {
                    "(SELECT pg_catalog.max(user_metrics_internal.last_request(s.value)) FROM segments AS s)".to_owned()
                }
            };
            Ok(format!(
                "WITH segments AS MATERIALIZED (SELECT q.segment, user_metrics.without_users({activity}, {LEFT_OUT}) AS value \
                 FROM ({}) AS q GROUP BY q.segment ORDER BY q.segment) \
                 SELECT s.segment, r.* FROM segments AS s CROSS JOIN LATERAL {} \
                 UNION ALL SELECT NULL, r.* FROM {}",
                requests(&format!(", ({segment})::pg_catalog.text COLLATE \"C\" AS segment")),
                call("s.value", &as_of),
                // No rows, but wrong arguments are refused also where there is no segment.
                call("NULL::user_metrics.activity", "$4")
            ))
        }
    }
}

/// The statements that attach a log: a view with canonical columns, and their comments.
pub fn attach(relation: &Relation, view: &str, columns: Option<&str>, preset: Option<&str>) -> Result<Vec<String>> {
    let mut mapped = Map::new();
    if let Some(columns) = columns {
        mapped = serde_json::from_str(columns).map_err(|_| Error::Argument {
            name: "columns",
            given: columns.to_owned(),
            accepted: "a JSON object of canonical columns and SQL expressions, such as {\"user_id\": \"account_id\"}"
                .to_owned(),
        })?;
    }
    let names = || CANONICAL.iter().map(|c| c.name).collect::<Vec<_>>();
    if let Some(unknown) = mapped.keys().find(|key| canonical_named(key).is_none()) {
        return Err(Error::not_one_of("columns", unknown, &names()));
    }
    let preset = match preset {
        None => relation.preset(),
        Some(name) => {
            let known = PRESETS.iter().find(|p| p.name.eq_ignore_ascii_case(name));
            let accepted = PRESETS.iter().map(|p| p.name).collect::<Vec<_>>();
            Some(known.ok_or_else(|| Error::not_one_of("preset", name, &accepted))?)
        }
    };
    let (mut selected, mut comments) = (
        Vec::new(),
        vec![format!(
            "COMMENT ON VIEW {view} IS {}",
            literal(&format!(
                "requests of {} with canonical columns, for the functions of user_metrics",
                relation.shown
            ))
        )],
    );
    for canonical in CANONICAL {
        let expression = match (mapped.get(canonical.name), preset) {
            (Some(Value::String(expression)), _) if !expression.trim().is_empty() => Some(expression.clone()),
            (Some(other), _) => {
                let given = format!("{}: {other}", canonical.name);
                return Err(Error::Argument {
                    name: "columns",
                    given,
                    accepted: "an SQL expression as a JSON string".to_owned(),
                });
            }
            (None, Some(preset)) => relation.find_preset(preset, canonical).map(|f| f.expression),
            (None, None) => relation.find(canonical).map(|f| f.expression),
        };
        let Some(expression) = expression else {
            if matches!(canonical.name, "user_id" | "occurred_at") {
                return Err(relation.lacks(String::new(), canonical.name));
            }
            continue;
        };
        let name = identifier(canonical.name);
        selected.push(format!("{expression} AS {name}"));
        comments.push(format!("COMMENT ON COLUMN {view}.{name} IS {}", literal(canonical.about)));
    }
    let create = format!(
        "CREATE VIEW {view} WITH (security_invoker = true) AS SELECT {} FROM {}",
        selected.join(", "),
        relation.name
    );
    Ok(std::iter::once(create).chain(comments).collect())
}

/// The query behind `describe_source`: a row per canonical column.
pub fn describe(relation: &Relation) -> Result<String> {
    let (mut counts, mut rows) = (vec!["pg_catalog.count(*) AS requests".to_owned()], Vec::new());
    for (i, canonical) in CANONICAL.iter().enumerate() {
        let (name, needed) = (literal(canonical.name), literal(canonical.needed_by));
        let Some(found) = relation.find(canonical) else {
            rows.push(format!("({i}, {name}, NULL, NULL, s.requests, s.requests, 0::pg_catalog.int8, NULL, {needed})"));
            continue;
        };
        let x = &found.expression;
        counts.push(format!("pg_catalog.count(*) FILTER (WHERE ({x}) IS NULL) AS missing_{i}"));
        let mut faults: Vec<(String, &str, bool)> = Vec::new();
        match canonical.holds {
            Holds::User => {
                let text = format!("({x})::pg_catalog.text");
                let blank = format!("pg_catalog.btrim({text}, E' \\t\\n\\x0c\\r') = ''");
                let known = |table: &str| format!("{text} IN (SELECT u.user_id FROM user_metrics.{table} AS u)");
                faults.push((blank, "blank", true));
                faults.push((known("anonymous_user"), "anonymous", true));
                faults.push((known("opt_out"), "opted out", true));
            }
            Holds::Instant => {
                let (_, parameter) = relation.instant()?;
                faults.push((format!("NOT pg_catalog.isfinite({x})"), "infinite", true));
                let now = parameter("pg_catalog.statement_timestamp()");
                faults.push((format!("{x} > {now} AND pg_catalog.isfinite({x})"), "in the future", true));
            }
            Holds::Count | Holds::Number if is_number(&found.base) => {
                faults.push((format!("({x}) < 0"), "negative", false));
            }
            _ => {}
        }
        let (mut left_out, mut remarks) = (vec!["0::pg_catalog.int8".to_owned()], Vec::new());
        for (j, (condition, word, leaves_out)) in faults.iter().enumerate() {
            let count = format!("fault_{i}_{j}");
            counts.push(format!("pg_catalog.count(*) FILTER (WHERE {condition}) AS {count}"));
            remarks.push(format!("CASE WHEN s.{count} > 0 THEN s.{count} || {} END", literal(&format!(" {word}"))));
            if *leaves_out {
                left_out.push(format!("s.{count}"));
            }
        }
        if canonical.name == "request_id" {
            counts.push(format!("pg_catalog.count({x}) - pg_catalog.count(DISTINCT {x}) AS repeated"));
            remarks.push("CASE WHEN s.repeated > 0 THEN s.repeated || ' repeated' END".to_owned());
        }
        let remark = if remarks.is_empty() {
            "NULL".to_owned()
        } else {
            format!("NULLIF(pg_catalog.concat_ws(', ', {}), '')", remarks.join(", "))
        };
        rows.push(format!(
            "({i}, {name}, {}, {}, s.requests, s.missing_{i}, {}, {remark}, {needed})",
            literal(x),
            literal(&found.shown),
            left_out.join(" + ")
        ));
    }
    Ok(format!(
        "SELECT v.column_name::pg_catalog.text, v.source_column::pg_catalog.text, v.data_type::pg_catalog.text, v.requests, \
         v.missing_requests, v.left_out_requests, v.remark::pg_catalog.text, v.needed_by::pg_catalog.text \
         FROM (SELECT {} FROM {}) AS s CROSS JOIN LATERAL (VALUES {}) AS v(place, column_name, source_column, data_type, \
         requests, missing_requests, left_out_requests, remark, needed_by) ORDER BY v.place",
        counts.join(", "),
        relation.name,
        rows.join(", ")
    ))
}

fn is_number(base: &str) -> bool {
    matches!(base, "int2" | "int4" | "int8" | "float4" | "float8" | "numeric")
}
