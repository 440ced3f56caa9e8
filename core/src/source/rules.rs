//! Rules over per-user figures, as JSON: which segment a user is in. A rule becomes an SQL predicate over columns of ours;
//! nothing of the caller's stands in it outside of literals.
//!
//! ```json
//! [{"segment": "whale", "all": [{"requests": {">=": 1000}}, {"property:UserTier": {"in": ["pro"]}}]},
//!  {"segment": "leaving", "any": [{"segment": {"=": "at_risk"}}, {"days_since_last": {">": 60}}]},
//!  {"segment": "everybody else"}]
//! ```
//!
//! The first rule that fits decides. A condition names figures and what each must be; `all`, `any` and `not` put
//! conditions together. What is not known fulfils no comparison but `<>`.

use super::literal;
use crate::error::{Error, Result};
use crate::json;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Figures that are numbers; the row `n` of a user has a column of each name.
const NUMBERS: &[&str] = &[
    "requests",
    "active_days",
    "sessions",
    "days_since_first",
    "days_since_last",
    "recent_requests",
    "base_requests",
    "decline_ratio",
    "cost_usd",
    "success_rate",
];
/// What begins the name of a property.
const PROPERTY: &str = "property:";
/// The name of the segment of those that no rule fits.
pub const OTHER: &str = "other";
/// How deep conditions may nest.
const MOST_DEEP: usize = 16;

/// Rules that have been read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// The segments in their order, with that of those that no rule fits if there can be any.
    pub segments: Vec<String>,
    /// The SQL expression of a user's segment.
    pub expression: String,
    /// The figures the rules ask for.
    pub figures: BTreeSet<&'static str>,
    /// The properties the rules ask for, in the order of their columns `property_1`, `property_2`, …
    pub properties: Vec<String>,
}

fn wrong<T>(given: impl ToString, accepted: impl Into<String>) -> Result<T> {
    Err(Error::Argument { name: "rules", given: given.to_string(), accepted: accepted.into() })
}

fn figures_accepted() -> String {
    let names = NUMBERS.join(", ");
    format!(
        "a figure that is one of {names}, segment or property:… and what it must be, such as {{\"requests\": {{\">=\": 1000}}}}, or all, any or not of such"
    )
}

impl Rules {
    /// Reads rules, or says which is wrong and what is accepted.
    pub fn parse(given: &str) -> Result<Self> {
        let accepted =
            "a JSON array of rules, such as [{\"segment\": \"whale\", \"all\": [{\"requests\": {\">=\": 1000}}]}]";
        let Some(Value::Array(list)) = json::parse(given) else { return wrong(json::given(given), accepted) };
        if list.is_empty() {
            return wrong(given, accepted);
        }
        let (mut rules, mut cases, mut default) = (Rules::default(), String::new(), None);
        for rule in &list {
            let Value::Object(parts) = rule else { return wrong(rule, accepted) };
            if default.is_some() {
                return wrong(rule, "no rule after one without conditions, which fits everybody");
            }
            let segment = match parts.get("segment") {
                Some(Value::String(segment)) if !segment.trim().is_empty() => segment,
                _ => return wrong(rule, "a rule with the name of its segment: {\"segment\": \"whale\", \"all\": […]}"),
            };
            let conditions: Map<String, Value> = parts
                .iter()
                .filter(|(key, _)| *key != "segment")
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            if let Some(key) = conditions.keys().find(|key| !matches!(key.as_str(), "all" | "any" | "not")) {
                return wrong(rule, format!("a rule of segment and all, any or not, and no \"{key}\""));
            }
            if !rules.segments.contains(segment) {
                rules.segments.push(segment.clone());
            }
            if conditions.is_empty() {
                default = Some(literal(segment));
            } else {
                let condition = rules.condition(&Value::Object(conditions), rule, 0)?;
                cases.push_str(&format!(" WHEN {condition} THEN {}", literal(segment)));
            }
        }
        let otherwise = default.unwrap_or_else(|| {
            if !rules.segments.iter().any(|segment| segment == OTHER) {
                rules.segments.push(OTHER.to_owned());
            }
            literal(OTHER)
        });
        rules.expression = match cases.is_empty() {
            true => otherwise,
            false => format!("CASE{cases} ELSE {otherwise} END"),
        };
        Ok(rules)
    }

    /// A condition of a rule as a predicate that is true or false.
    fn condition(&mut self, condition: &Value, rule: &Value, depth: usize) -> Result<String> {
        if depth > MOST_DEEP {
            return wrong(rule, format!("conditions nested at most {MOST_DEEP} deep"));
        }
        let Value::Object(parts) = condition else { return wrong(rule, figures_accepted()) };
        if parts.is_empty() {
            return wrong(rule, figures_accepted());
        }
        let mut all = Vec::new();
        for (key, value) in parts {
            all.push(match (key.as_str(), value) {
                ("all" | "any", Value::Array(list)) if !list.is_empty() => {
                    let each = list.iter().map(|c| self.condition(c, rule, depth + 1)).collect::<Result<Vec<_>>>()?;
                    joined(each, if key == "all" { " AND " } else { " OR " })
                }
                ("all" | "any", _) => return wrong(rule, format!("\"{key}\" with a list of conditions")),
                ("not", _) => format!("NOT {}", self.condition(value, rule, depth + 1)?),
                (figure, Value::Object(tests)) if !tests.is_empty() => {
                    let each =
                        tests.iter().map(|(op, to)| self.test(figure, op, to, rule)).collect::<Result<Vec<_>>>()?;
                    joined(each, " AND ")
                }
                _ => return wrong(rule, figures_accepted()),
            });
        }
        Ok(joined(all, " AND "))
    }

    /// What one figure must be.
    fn test(&mut self, figure: &str, operator: &str, to: &Value, rule: &Value) -> Result<String> {
        if let Some(&name) = NUMBERS.iter().find(|name| **name == figure) {
            self.figures.insert(name);
            return compared(&format!("(n.{name})::pg_catalog.float8"), true, figure, operator, to, rule);
        }
        if figure == "segment" {
            return compared("n.segment", false, figure, operator, to, rule);
        }
        match figure.strip_prefix(PROPERTY) {
            Some(name) if !name.is_empty() => {
                let known = self.properties.iter().position(|known| known == name);
                let place = known.unwrap_or_else(|| {
                    self.properties.push(name.to_owned());
                    self.properties.len() - 1
                });
                compared(&format!("n.property_{}", place + 1), false, figure, operator, to, rule)
            }
            _ => wrong(rule, figures_accepted()),
        }
    }

    /// The columns that the rules ask of the rows `q` of a user, as a list that begins with a comma. Figures nobody asks
    /// for are NULL.
    pub fn aggregates(&self, properties: &str) -> String {
        let asked = |figure, aggregate: &'static str| {
            if self.figures.contains(figure) { aggregate } else { "NULL::pg_catalog.float8" }
        };
        let mut columns = format!(
            ", {} AS cost_usd, {} AS success_rate",
            asked("cost_usd", "pg_catalog.sum(q.cost_usd) FILTER (WHERE $1 IS NULL OR q.occurred_at >= $1)"),
            asked(
                "success_rate",
                "pg_catalog.count(*) FILTER (WHERE q.succeeded AND ($1 IS NULL OR q.occurred_at >= $1))::pg_catalog.float8 \
                 / NULLIF(pg_catalog.count(q.succeeded) FILTER (WHERE $1 IS NULL OR q.occurred_at >= $1), 0)"
            )
        );
        for (place, name) in self.properties.iter().enumerate() {
            columns.push_str(&format!(
                ", user_metrics_internal.latest({properties} ->> {}, q.occurred_at) AS property_{}",
                literal(name),
                place + 1
            ));
        }
        columns
    }

    /// The canonical columns those need.
    pub fn columns(&self) -> Vec<&'static str> {
        let of = [("cost_usd", "cost_usd!"), ("success_rate", "succeeded")];
        let figures = of.into_iter().filter(|(figure, _)| self.figures.contains(figure)).map(|(_, column)| column);
        figures.chain((!self.properties.is_empty()).then_some("properties!")).collect()
    }
}

/// Predicates as one; a single one needs no brackets, for all of them bind tighter than what joins or negates them.
fn joined(mut predicates: Vec<String>, by: &str) -> String {
    match predicates.len() {
        1 => predicates.remove(0),
        _ => format!("({})", predicates.join(by)),
    }
}

/// A comparison that is true or false, also where the left side is NULL.
fn compared(left: &str, is_number: bool, figure: &str, operator: &str, to: &Value, rule: &Value) -> Result<String> {
    let right = |value: &Value| match value {
        Value::Number(number) if is_number => Ok(format!("{}::pg_catalog.float8", literal(&number.to_string()))),
        Value::String(text) if !is_number => Ok(literal(text)),
        Value::Number(_) | Value::Bool(_) if !is_number => Ok(literal(&value.to_string())),
        _ => wrong(rule, format!("{} to compare {figure} with", if is_number { "numbers" } else { "texts" })),
    };
    let known = |test: String| format!("COALESCE({test}, false)");
    match (operator, to) {
        ("in", Value::Array(list)) if !list.is_empty() => {
            let list = list.iter().map(right).collect::<Result<Vec<_>>>()?.join(", ");
            Ok(known(format!("{left} IN ({list})")))
        }
        ("in", _) => wrong(rule, "\"in\" with a list of values"),
        ("exists", Value::Bool(exists)) => Ok(format!("{left} IS {}NULL", if *exists { "NOT " } else { "" })),
        ("=", value) => Ok(known(format!("{left} = {}", right(value)?))),
        ("<>", value) => Ok(format!("NOT {}", known(format!("{left} = {}", right(value)?)))),
        ("<" | "<=" | ">" | ">=", value) if is_number => Ok(known(format!("{left} {operator} {}", right(value)?))),
        _ => {
            let operators = if is_number { "=, <>, <, <=, >, >=, in, exists" } else { "=, <>, in, exists" };
            wrong(rule, format!("{figure} with one of {operators}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_fits_decides() {
        let rules = r#"[{"segment": "whale's", "all": [{"requests": {">=": 1000, "<": 1e6}}, {"property:Tier": {"in": ["pro", 5]}}]},
            {"segment": "gone", "any": [{"segment": {"<>": "new"}}, {"not": {"success_rate": {"exists": false}}}]}]"#;
        let rules = Rules::parse(rules).unwrap();
        assert_eq!(
            rules.expression,
            "CASE WHEN ((COALESCE((n.requests)::pg_catalog.float8 >= '1000'::pg_catalog.float8, false) AND \
             COALESCE((n.requests)::pg_catalog.float8 < '1000000.0'::pg_catalog.float8, false)) AND \
             COALESCE(n.property_1 IN ('pro', '5'), false)) THEN 'whale''s' \
             WHEN (NOT COALESCE(n.segment = 'new', false) OR NOT (n.success_rate)::pg_catalog.float8 IS NULL) THEN 'gone' \
             ELSE 'other' END"
        );
        assert_eq!(rules.segments, ["whale's", "gone", "other"]);
        assert_eq!(rules.figures, BTreeSet::from(["requests", "success_rate"]));
        assert_eq!(
            (&rules.properties[..], rules.columns()),
            (&["Tier".to_owned()][..], vec!["succeeded", "properties!"])
        );
    }

    #[test]
    fn a_wrong_rule_is_quoted() {
        for (rules, given) in [
            ("{}", "{}"),
            ("[]", "[]"),
            ("[5]", "5"),
            (r#"[{"all": []}]"#, r#"{"all":[]}"#),
            (r#"[{"segment": "a", "all": []}]"#, r#"{"segment":"a","all":[]}"#),
            (r#"[{"segment": "a", "all": [{"age": {">": 5}}]}]"#, r#"{"segment":"a","all":[{"age":{">":5}}]}"#),
            (
                r#"[{"segment": "a", "all": [{"requests": {">": "5"}}]}]"#,
                r#"{"segment":"a","all":[{"requests":{">":"5"}}]}"#,
            ),
            (r#"[{"segment": "a", "requests": 5}]"#, r#"{"segment":"a","requests":5}"#),
            (r#"[{"segment": "a"}, {"segment": "b"}]"#, r#"{"segment":"b"}"#),
        ] {
            match Rules::parse(rules) {
                Err(Error::Argument { name: "rules", given: found, .. }) => assert_eq!(found, given),
                other => panic!("{rules}: {other:?}"),
            }
        }
        let deep = (0..20).fold(r#"{"requests": {">": 1}}"#.to_owned(), |inner, _| format!(r#"{{"not": {inner}}}"#));
        assert!(Rules::parse(&format!(r#"[{{"segment": "a", "all": [{deep}]}}]"#)).is_err());
    }
}
