//! All declared functions in a uniform form, and the view `user_metrics.functions` generated from it.

use super::sql::{self, Listed};
use super::{AGGREGATES, all, named, of_requests};
use crate::function::aggregate::{Aggregate, Form, TIMES, USERS};
use crate::function::{Function, NAMED_USER, Reads, Type};
use crate::source::{ALWAYS, CANONICAL, columns_read, literal};
use serde_json::json;

/// The kind of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Returns rows, and is called in FROM.
    TableFunction,
    /// Returns a value.
    Function,
    /// Builds a value from requests.
    Aggregate,
}

impl Kind {
    /// Its name as text.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::TableFunction => "table function",
            Kind::Function => "function",
            Kind::Aggregate => "aggregate",
        }
    }
}

/// A function as a caller sees it.
pub struct Entry {
    /// The page of docs/ that describes it.
    pub topic: &'static str,
    /// The anchor on that page.
    pub anchor: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// What it returns.
    pub summary: &'static str,
    /// The argument lists of its forms: for a function the form over a log, for an aggregate all forms.
    pub signatures: Vec<String>,
    /// The arguments of the first form: name, type, default, description.
    pub arguments: Vec<Listed>,
    /// The columns of the result: name, type, description.
    pub columns: Vec<(&'static str, String, &'static str)>,
    /// The canonical columns that the log must have.
    pub needed: Vec<&'static str>,
    /// Canonical columns that are read if the log has them.
    pub used: Vec<&'static str>,
    /// A statement over a table `request_log`.
    pub example: String,
}

/// The section of a page that describes the aggregates.
const THE_VALUE: &str = "the-value";

/// Descriptions of those arguments of aggregates that are no columns of a log.
const ABOUT: &[(&str, &str)] = &[
    ("steps", "conditions of the steps, one each; NULL is not met"),
    ("window_size", "longest time from the first step to the last; the same in every row"),
];

/// The topic of a module, which is a page of docs/.
fn topic(path: &'static str) -> &'static str {
    path.split("::").next().unwrap_or(path)
}

fn of_function(function: &'static Function) -> Entry {
    let name = function.name;
    let is_over_log = function.reads.is_over_log();
    let arguments = if is_over_log { sql::over_source(function, "regclass") } else { sql::over_value(function) };
    let own = of_requests(function).unwrap_or(function).arguments;
    let is_own = |name: &str| own.iter().any(|argument| argument.name == name);
    let shown = |(name, kind, default, _): &Listed| match default {
        Some(default) if is_own(name) => format!("{name} {kind} => {default}"),
        _ => name.clone(),
    };
    let read = |must: bool| columns_read(function).filter(move |(_, needed)| *needed == must).map(|(column, _)| column);
    let of_user = function.arguments.iter().any(|argument| argument.name == NAMED_USER.name).then_some("'u1'");
    let kind = if function.scalar { Kind::Function } else { Kind::TableFunction };
    let read_from = match function.reads {
        Reads::Nothing => None,
        _ if is_over_log => Some("'request_log'".to_owned()),
        reads => Some(format!("(SELECT user_metrics.{})", reads.made_of())),
    };
    let given = Some(function.example).filter(|given| !given.is_empty()).or(of_user).map(str::to_owned);
    let given = read_from.into_iter().chain(given).collect::<Vec<_>>().join(", ");
    let call = format!("user_metrics.{name}({given})");
    Entry {
        topic: topic(function.path),
        anchor: name,
        name,
        kind,
        summary: function.summary,
        signatures: vec![arguments.iter().map(shown).collect::<Vec<_>>().join(", ")],
        columns: sql::columns(function, is_over_log)
            .into_iter()
            // A selected value has the name of its function.
            .map(|(n, kind, about)| (if function.scalar { name } else { n }, kind.sql().to_owned(), about))
            .collect(),
        arguments,
        needed: if is_over_log { ALWAYS.into_iter().chain(read(true)).collect() } else { Vec::new() },
        used: read(false).collect(),
        example: if function.scalar { format!("SELECT {call}") } else { format!("SELECT * FROM {call}") },
    }
}

fn of_aggregate(aggregate: &'static Aggregate) -> Entry {
    let Aggregate { name, value, .. } = *aggregate;
    let canonical = |name: &str| CANONICAL.iter().find(|column| column.name == name);
    let about = |name: &str| {
        let of_column = canonical(name).map(|column| column.about);
        of_column.or_else(|| ABOUT.iter().find(|(n, _)| *n == name).map(|(_, about)| *about)).unwrap_or_default()
    };
    let ([user, instant], [of_user, others @ ..], [(of_instant, _), (_, remark)]) = (ALWAYS, USERS, TIMES);
    let first = aggregate.forms.first();
    let own = first.map_or(&[][..], |form| form.arguments);
    let listed =
        |name: &str, kind: &str, also: String| (name.to_owned(), kind.to_owned(), None, about(name).to_owned() + &also);
    let further = own.iter().map(|(name, kind)| listed(name, kind.sql(), String::new()));
    let arguments = [
        listed(user, of_user, format!("; also {}", others.join(" or "))),
        listed(instant, of_instant, remark.to_owned()),
    ];
    let signature = |form: &Form| {
        let one = |(name, kind): &(&str, Type)| format!(", {name} {}", kind.sql());
        format!("{user}, {instant}{}", form.arguments.iter().map(one).collect::<String>())
    };
    let mut used = Vec::new();
    for (name, _) in aggregate.forms.iter().flat_map(|form| form.arguments) {
        if canonical(name).is_some() && !used.contains(name) {
            used.push(*name);
        }
    }
    let made_of = all().find(|function| function.reads.value() == name).map_or("", |function| function.reads.made_of());
    let (made, from) = made_of.split_once(" FROM ").unwrap_or_default();
    let about = first.map_or("", |form| form.about);
    Entry {
        topic: topic(aggregate.module),
        anchor: THE_VALUE,
        name,
        kind: Kind::Aggregate,
        summary: about,
        signatures: aggregate.forms.iter().map(signature).collect(),
        arguments: arguments.into_iter().chain(further).collect(),
        columns: vec![(name, format!("user_metrics.{value}"), about)],
        needed: ALWAYS.to_vec(),
        used,
        example: format!("SELECT user_metrics.users(user_metrics.{made}) FROM {from}"),
    }
}

/// All entries, by topic.
pub fn entries() -> Vec<Entry> {
    let aggregates = AGGREGATES.iter().copied().filter(|aggregate| !aggregate.is_internal).map(of_aggregate);
    // If a function also has a form over a log, that form is listed.
    let is_told = |function: &&Function| function.reads.is_over_log() || named(function.name).is_none();
    let mut entries = all().filter(is_told).map(of_function).chain(aggregates).collect::<Vec<_>>();
    let mut topics = Vec::new();
    for entry in &entries {
        if !topics.contains(&entry.topic) {
            topics.push(entry.topic);
        }
    }
    entries.sort_by_key(|entry| topics.iter().position(|topic| *topic == entry.topic));
    entries
}

/// A list of JSON objects, one per line.
fn objects(objects: impl Iterator<Item = serde_json::Value>) -> String {
    let text = objects.map(|object| object.to_string()).collect::<Vec<_>>().join(",\n         ");
    format!("{}::pg_catalog.jsonb", literal(&format!("[{text}]")).trim_start())
}

fn names(names: &[&str]) -> String {
    format!("'{{{}}}'::pg_catalog.text[]", names.join(","))
}

fn row(entry: &Entry) -> String {
    let arguments = entry.arguments.iter().map(
        |(name, kind, default, about)| json!({ "name": name, "type": kind, "default": default, "meaning": about }),
    );
    let columns =
        entry.columns.iter().map(|(name, kind, about)| json!({ "name": name, "type": kind, "meaning": about }));
    format!(
        "    (\n        '{}', '{}', '{}',\n        {},\n        {},\n        {},\n        {}, {},\n        {}\n    )",
        entry.topic,
        entry.name,
        entry.kind.name(),
        literal(entry.summary).trim_start(),
        objects(arguments),
        objects(columns),
        names(&entry.needed),
        names(&entry.used),
        literal(&entry.example).trim_start()
    )
}

/// The columns of the view, and their descriptions.
const COLUMNS: [(&str, &str); 9] = [
    ("topic", "page of the documentation that describes the function"),
    ("name", "name of the function in the schema user_metrics"),
    ("kind", "table function, function or aggregate"),
    ("summary", "description of the function"),
    (
        "arguments",
        "arguments, for a function of its form over a log, or over a value if it has no other, for an aggregate of its \
         shortest form: an array of objects with name, type, default and meaning; default is SQL, and null for a \
         required argument",
    ),
    (
        "columns",
        "columns of the result, or its single value: an array of objects with name, type and meaning; for an aggregate \
         its result",
    ),
    ("columns_needed", "canonical columns that the log must have, see describe_source"),
    ("columns_used", "canonical columns that are used if present; for an aggregate those that its longer forms take"),
    ("example", "example statement for a table request_log"),
];

/// The script that creates the view.
pub fn script() -> String {
    let names = COLUMNS.map(|(name, _)| name);
    let rows = entries().iter().map(row).collect::<Vec<_>>().join(",\n");
    let comment = |(name, about): (&str, &str)| {
        format!("COMMENT ON COLUMN user_metrics.functions.{name} IS{};\n", spaced(&literal(about)))
    };
    format!(
        "-- Made from the declarations in core/src; do not edit: cargo run -p user_metrics_core --example generate.\n\n\
         CREATE VIEW user_metrics.functions WITH (security_invoker = true) AS\nSELECT {}\nFROM (VALUES\n{rows}\n) AS f ({});\n\
         COMMENT ON VIEW user_metrics.functions IS{};\n{}GRANT SELECT ON user_metrics.functions TO PUBLIC;\n",
        names.map(|name| format!("f.{name}")).join(", "),
        names.join(", "),
        spaced(&literal("functions of user_metrics, with their arguments, their columns and an example")),
        COLUMNS.map(comment).concat()
    )
}

/// A literal after a word.
fn spaced(literal: &str) -> String {
    format!(" {}", literal.trim_start())
}
