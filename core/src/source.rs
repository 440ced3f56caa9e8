//! The doorway to the caller's log: which column means what, and the text of the one query that reads it.
//!
//! Nothing else composes identifiers or predicates into SQL. Names come from the catalogue, never from a caller, and are
//! always quoted; values are quoted literals; instants are parameters ($1 since, $2 until, $3 the last instant that counts,
//! $4 as_of, then the function's own arguments), so that partitions are pruned and plans stay PostgreSQL's.

use crate::error::{Error, Result};
use serde::Deserialize;
use serde_json::{Map, Value};

mod attach;
mod canonical;
mod columns;
mod describe;
mod metrics;
mod query;
mod reads;
mod rules;

pub use attach::attach;
pub use canonical::{CANONICAL, Canonical, Holds};
use canonical::{PRESETS, Preset, canonical_named};
pub use describe::describe;
pub use metrics::Metrics;
pub use query::{ANALYSES, Analysis, Ask, RowsAsk, last_request_query, requests_query, source_query, user_condition};
pub use reads::{reader, readers};
pub use rules::Rules;

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
    /// Whether texts of it are equal only if their bytes are: its collation is deterministic, or it has none.
    #[serde(default)]
    pub exact: bool,
}

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

/// A name as an SQL identifier, always quoted.
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as an SQL literal that reads the same under any setting of `standard_conforming_strings`.
pub fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if text.contains('\\') { format!(" E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

/// What a filter wants; nothing of what is none.
fn wanted(filter: &str) -> Map<String, Value> {
    serde_json::from_str(filter).unwrap_or_default()
}

/// The value or the list of values that a filter wants, as texts; `None` where NULL is among them.
fn texts(value: &Value) -> Option<Vec<String>> {
    let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    let text = |value: &Value| (!value.is_null()).then(|| value.as_str().map_or(value.to_string(), str::to_owned));
    values.iter().map(text).collect()
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

    /// The column of a preset's software that a canonical column needs and the relation has not.
    fn lacking<'a>(&self, preset: &'a Preset, canonical: &Canonical) -> &'a str {
        let of = preset.columns.iter().find(|(name, ..)| *name == canonical.name);
        let mut quoted = of.into_iter().flat_map(|(_, expression, _)| expression.split('"').skip(1).step_by(2));
        quoted.find(|name| self.column(name).is_none()).unwrap_or(preset.name)
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
        found.ok_or_else(|| self.lacks("", name, name))
    }

    fn lacks_column(&self, name: &str) -> bool {
        canonical_named(name).and_then(|canonical| self.find(canonical)).is_none()
    }

    fn lacks(&self, purpose: &str, column: &str, mapped: &'static str) -> Error {
        Error::NoColumn { purpose: purpose.to_owned(), column: column.to_owned(), mapped, source: self.shown.clone() }
    }

    fn cannot_serve(&self, found: &Found, accepted: String) -> Error {
        let (column, found) = (found.expression.replace('"', ""), found.shown.clone());
        Error::ColumnType { column, source: self.shown.clone(), found, accepted }
    }

    /// What a caller's name stands for: a canonical column, a column of the relation, or a property.
    fn named(&self, purpose: &str, name: &str) -> Result<Found> {
        if let Some(canonical) = canonical_named(name) {
            return self.find(canonical).ok_or_else(|| self.lacks(purpose, name, canonical.name));
        }
        if let Some(column) = self.column(name) {
            let (base, shown) = (column.base.clone(), column.shown.clone());
            return Ok(Found { expression: identifier(name), base, shown });
        }
        let properties = canonical_named("properties").and_then(|c| self.find(c));
        let properties = properties.ok_or_else(|| self.lacks(purpose, name, "properties"))?;
        let expression = format!("({} ->> {})", properties.expression, literal(name));
        Ok(Found { expression, base: "text".to_owned(), shown: "text".to_owned() })
    }

    /// Whether what a caller's name stands for is surely equal to one text only.
    fn is_exact(&self, name: &str) -> bool {
        let Ok(found) = self.named("", name) else { return false };
        let column = self.columns.iter().find(|column| identifier(&column.name) == found.expression);
        // What is no column is a property, whose collation is the database's, or an expression of a preset.
        column.map_or(canonical_named(name).is_none(), |column| column.exact)
    }

    /// Whether no request can pass two filters: they want other values of the same thing.
    fn are_exclusive(&self, one: &str, other: &str) -> bool {
        let other = wanted(other);
        wanted(one).iter().any(|(name, value)| {
            let pair = texts(value).zip(other.get(name).and_then(texts));
            pair.is_some_and(|(a, b)| !a.iter().any(|text| b.contains(text))) && self.is_exact(name)
        })
    }

    /// The expression that a filter compares with some texts byte by byte, and these, if that is all it does.
    fn compared(&self, filter: &str) -> Option<(String, Vec<String>)> {
        let filter = wanted(filter);
        let (name, value) = filter.iter().next().filter(|_| filter.len() == 1)?;
        let found = self.named("", name).ok().filter(|found| matches!(found.base.as_str(), "text" | "varchar"))?;
        if self.is_exact(name) { Some((found.expression, texts(value)?)) } else { None }
    }

    /// The predicates of a filter that the caller gave in an argument, `filter` or another.
    fn predicates(&self, argument: &'static str, filter: Option<&str>) -> Result<Vec<String>> {
        let Some(filter) = filter else { return Ok(Vec::new()) };
        let wrong = |given: String| Error::Argument {
            name: argument,
            given,
            accepted: "a JSON object of columns or properties and the value or list of values wanted, such as \
                       {\"model\": \"gpt-4o\", \"UserTier\": [\"pro\", \"business\"]}"
                .to_owned(),
        };
        let wanted: Map<String, Value> = serde_json::from_str(filter).map_err(|_| wrong(filter.to_owned()))?;
        let predicate = |(name, value): (&String, &Value)| {
            let column = self.named(&format!(" with {argument} on {name}"), name)?;
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
