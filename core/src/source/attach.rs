//! Attaching a log: a view of it with canonical columns.

use super::canonical::{CANONICAL, PRESETS, canonical_named};
use super::{Relation, identifier, literal};
use crate::base::error::{Error, Result};
use crate::base::json;
use serde_json::{Map, Value};

/// The statements that attach a log: a view with canonical columns, and their comments.
pub fn attach(relation: &Relation, view: &str, columns: Option<&str>, preset: Option<&str>) -> Result<Vec<String>> {
    let mut mapped = Map::new();
    if let Some(columns) = columns {
        mapped = json::parse(columns).ok_or_else(|| Error::Argument {
            name: "columns",
            given: json::given(columns),
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
            literal(&format!("requests of {} in canonical columns, for the functions of user_metrics", relation.shown))
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
                let (purpose, lacking) = match preset {
                    Some(preset) => (format!(" with preset {}", preset.name), relation.lacking(preset, canonical)),
                    None => (String::new(), canonical.name),
                };
                return Err(relation.lacks(&purpose, lacking, canonical.name));
            }
            continue;
        };
        let name = identifier(canonical.name);
        selected.push(format!("{expression} AS {name}"));
        comments.push(format!("COMMENT ON COLUMN {view}.{name} IS {}", literal(canonical.about)));
    }
    let selected = selected.join(", ");
    let check = relation.check(&selected).map_or(String::new(), |check| format!(" WHERE {check}"));
    let create =
        format!("CREATE VIEW {view} WITH (security_invoker = true) AS SELECT {selected} FROM {}{check}", relation.name);
    Ok(std::iter::once(create).chain(comments).collect())
}
