//! The source layer: the meaning of columns, and the text of the query over the log.
//!
//! Nothing else composes identifiers or predicates into SQL. Names come from the catalog, never from a caller, and are
//! always quoted; values are quoted literals; instants are parameters ($1 since, $2 until, $3 the last instant that counts,
//! $4 as_of, then the function's own arguments), so that partitions are pruned and PostgreSQL plans as usual.

use crate::base::error::{Error, Result};
use serde::{Deserialize, Serialize};

mod attach;
mod canonical;
mod columns;
mod condition;
mod describe;
mod metrics;
mod predicate;
mod query;
mod reads;
mod rules;

pub use attach::attach;
pub use canonical::{CANONICAL, Canonical, Holds};
use canonical::{PRESETS, Preset, canonical_named};
pub use describe::describe;
pub use metrics::{Better, Measure, Metric, Metrics};
pub use query::{Ask, fold_query, is_assigned, source_query};
pub use reads::{ALWAYS, columns_read};
pub use rules::{Facts, Rules};

/// A relation as described by the catalog.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Relation {
    /// Schema and name, quoted.
    pub name: String,
    /// The name as PostgreSQL displays it.
    pub shown: String,
    /// `pg_class.relkind`.
    pub kind: String,
    /// Its columns in order.
    pub columns: Vec<Column>,
    /// Whether its name may mean another relation when the query is parsed, because its schema may be renamed.
    #[serde(default)]
    pub may_be_another: bool,
}

/// A column of a relation.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// The name of its type, or of the base type of its domain, if that is built in. Any other type, whatever its name, is
    /// unknown: `None`.
    #[serde(rename = "type")]
    pub base: Option<String>,
    /// Whether its type is a domain.
    #[serde(default)]
    pub domain: bool,
    /// The type as PostgreSQL displays it.
    pub shown: String,
}

/// A canonical column found in a relation.
#[derive(Clone, Debug)]
pub struct Found {
    /// The SQL expression over the relation's columns, of a built-in type.
    pub expression: String,
    /// The name of that type.
    pub base: String,
    /// The column or the expression for display.
    pub source: String,
    /// The type for display.
    pub shown: String,
    /// For a property, the JSON object's expression and the key, if it can be read in place.
    pub property: Option<(String, String)>,
}

/// The most columns that a message lists.
const MOST_NAMED: usize = 30;

/// A name as an SQL identifier, always quoted.
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as an SQL literal that reads the same under any setting of `standard_conforming_strings`.
pub fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if text.contains('\\') { format!(" E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

fn is_json(base: &str) -> bool {
    matches!(base, "json" | "jsonb")
}

impl Column {
    /// The expression by which the column is read.
    ///
    /// The owner of a table may also own the types of its columns, with casts, operators and constraints that run their code
    /// as the user who reads the log. So only built-in types are used directly. A domain is read as its base type, which
    /// checks nothing; a value of any other type becomes text by its output function.
    ///
    /// A cast of a domain to its base type does nothing, but on a type that may have been replaced it is an ordinary cast:
    /// in that case a domain is converted to text first.
    fn found(&self, may_be_another: bool) -> Found {
        let name = identifier(&self.name);
        let as_text = || format!("(CASE WHEN {name} IS DISTINCT FROM NULL THEN pg_catalog.format('%s', {name}) END)");
        let (expression, base) = match &self.base {
            Some(base) if self.domain && may_be_another => {
                (format!("({})::pg_catalog.{}", as_text(), identifier(base)), base.clone())
            }
            Some(base) if self.domain => (format!("({name})::pg_catalog.{}", identifier(base)), base.clone()),
            Some(base) => (name.clone(), base.clone()),
            None => (as_text(), "text".to_owned()),
        };
        Found { expression, base, source: name, shown: self.shown.clone(), property: None }
    }
}

/// An expression of a preset without schema names.
fn readable(expression: &str) -> String {
    let mut plain = expression.replace("::pg_catalog.text", "");
    while let Some((before, operator, after)) = plain
        .split_once("OPERATOR(pg_catalog.")
        .and_then(|(before, rest)| rest.split_once(')').map(|(operator, after)| (before, operator, after)))
    {
        plain = format!("{before}{operator}{after}");
    }
    plain.replace("pg_catalog.", "")
}

fn property_of(properties: &Found, name: &str) -> Found {
    let expression = format!("({} ->> {})", properties.expression, literal(name));
    let property = (properties.base == "jsonb").then(|| (properties.expression.clone(), name.to_owned()));
    Found { source: expression.clone(), expression, base: "text".to_owned(), shown: "text".to_owned(), property }
}

/// The double-quoted names in an expression of a preset.
fn quoted(expression: &str) -> impl Iterator<Item = &str> {
    expression.split('"').skip(1).step_by(2)
}

impl Relation {
    /// Reads the catalog's description.
    pub fn parse(json: &str) -> Result<Self> {
        let relation: Relation = serde_json::from_str(json).map_err(|e| Error::Argument {
            name: "source",
            given: e.to_string(),
            accepted: "a table, view, materialised view or foreign table".to_owned(),
        })?;
        relation.must_have_rows()?;
        Ok(relation)
    }

    /// An error for an index, a sequence or a composite type.
    fn must_have_rows(&self) -> Result<()> {
        if matches!(self.kind.as_str(), "r" | "p" | "v" | "m" | "f") {
            return Ok(());
        }
        let accepted = "a table, partitioned table, view, materialised view or foreign table".to_owned();
        Err(Error::Argument { name: "source", given: self.shown.clone(), accepted })
    }

    /// A further condition of a query: that the columns of built-in types that `sql` names still have these types. If one has
    /// not, the query fails at parsing, before any cast is planned; otherwise the condition is constant and removed. Other
    /// columns are not named, because the caller may lack the privilege to read them.
    fn check(&self, sql: &str) -> Option<String> {
        let same = |column: &Column| {
            let base = column.base.as_deref().filter(|base| !column.domain && *base != "unknown")?;
            let (name, kind) = (identifier(&column.name), identifier(base));
            sql.contains(&name).then_some(())?;
            Some(format!(" OR user_metrics_internal.are_of_one_type(NULL::pg_catalog.{kind}, {name})"))
        };
        let all = self.columns.iter().filter_map(same).collect::<String>();
        (self.may_be_another && !all.is_empty()).then(|| format!("(true{all})"))
    }

    /// The form that [`parse`](Relation::parse) reads.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }

    fn preset(&self) -> Option<&'static Preset> {
        PRESETS.iter().find(|preset| preset.signature.iter().all(|name| self.column(name).is_some()))
    }

    /// The source of a canonical column, if there is one.
    pub fn find(&self, canonical: &Canonical) -> Option<Found> {
        if let Some(preset) = self.preset() {
            return self.find_preset(preset, canonical);
        }
        let named =
            |name: &&str| self.column(name).or_else(|| self.columns.iter().find(|c| c.name.to_lowercase() == **name));
        let fits = |column: &&Column| canonical.holds != Holds::Object || column.base.as_deref().is_some_and(is_json);
        let beside = |others: &[&str]| others.iter().any(|name| named(name).is_some());
        let conditional = canonical.beside.iter().filter(|(_, others)| beside(others)).map(|(name, _)| name);
        let names = canonical.names.iter().chain(conditional);
        names.filter_map(named).find(fits).map(|column| column.found(self.may_be_another))
    }

    /// The column of a preset's software that a canonical column needs and the relation lacks.
    fn lacking<'a>(&self, preset: &'a Preset, canonical: &Canonical) -> &'a str {
        let of = preset.columns.iter().find(|(name, ..)| *name == canonical.name);
        let mut columns = of.into_iter().flat_map(|(_, expression, _)| quoted(expression));
        columns.find(|name| self.serving(preset, name).is_none()).unwrap_or(preset.name)
    }

    fn find_preset(&self, preset: &Preset, canonical: &Canonical) -> Option<Found> {
        let (_, source, base) = preset.columns.iter().find(|(name, ..)| *name == canonical.name)?;
        // Columns added by later versions of the software may be missing.
        let columns = quoted(source).map(|name| self.serving(preset, name)).collect::<Option<Vec<_>>>()?;
        if let [column] = &columns[..]
            && column.source == **source
        {
            return Some(column.clone());
        }
        let mut expression = (*source).to_owned();
        for column in columns {
            expression = expression.replace(&column.source, &column.expression);
        }
        let (base, shown) = ((*base).to_owned(), (*base).to_owned());
        Some(Found { expression, base, source: readable(source), shown, property: None })
    }

    /// A column of a preset's software, if it exists with the type that the preset's expressions need.
    fn serving(&self, preset: &Preset, name: &str) -> Option<Found> {
        let found = self.column(name)?.found(self.may_be_another);
        match preset.types.iter().find(|(column, _)| *column == name) {
            Some((_, "text")) if found.base == "varchar" => {
                Some(Found { expression: format!("({})::pg_catalog.text", found.expression), ..found })
            }
            Some((_, wanted)) if found.base != *wanted => None,
            _ => Some(found),
        }
    }

    fn required(&self, name: &'static str) -> Result<Found> {
        let found = canonical_named(name).and_then(|c| self.find(c));
        found.ok_or_else(|| self.lacks("", name, name))
    }

    fn lacks(&self, purpose: &str, column: &str, mapped: &'static str) -> Error {
        let (purpose, column, source) = (purpose.to_owned(), column.to_owned(), self.shown.clone());
        Error::NoColumn { purpose, column, mapped, source, instead: Vec::new() }
    }

    fn cannot_serve(&self, found: &Found, accepted: String) -> Error {
        let (column, found) = (found.source.replace('"', ""), found.shown.clone());
        Error::ColumnType { column, source: self.shown.clone(), found, accepted }
    }

    /// The meaning of a name given by the caller: a canonical column, a column of the relation, or a property.
    fn named(&self, purpose: &str, name: &str) -> Result<Found> {
        if let Some(canonical) = canonical_named(name) {
            let found = match name {
                "succeeded" => self.answered().map(|expression| Found {
                    source: expression.clone(), // few: one column
                    expression,
                    base: "bool".to_owned(),
                    shown: "boolean".to_owned(),
                    property: None,
                }),
                _ => self.find(canonical),
            };
            return found.ok_or_else(|| self.lacks(purpose, name, canonical.name));
        }
        if let Some(column) = self.column(name) {
            return Ok(column.found(self.may_be_another));
        }
        let properties = canonical_named("properties").and_then(|c| self.find(c));
        let properties = properties.ok_or_else(|| match self.lacks(purpose, name, "properties") {
            Error::NoColumn { purpose, column, mapped, source, .. } => {
                // few: columns
                let instead = self.columns.iter().map(|column| column.name.clone()).take(MOST_NAMED).collect();
                Error::NoColumn { purpose, column, mapped, source, instead }
            }
            other => other,
        })?;
        Ok(property_of(&properties, name))
    }

    /// A property as text, whatever columns exist.
    fn property(&self, name: &str) -> Result<Found> {
        self.required("properties").map(|properties| property_of(&properties, name))
    }
}
