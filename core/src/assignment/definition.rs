//! The variants of a stored experiment: the JSON argument of `define_experiment`.

use super::{MOST_VARIANTS, refuse};
use crate::base::error::Result;
use crate::base::json;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// A variant given to `define_experiment`.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// Its name.
    pub name: String,
    /// Its share of users.
    pub weight: f64,
    /// The configuration it stands for, such as a list of models.
    pub payload: Option<Value>,
}

/// The members of a JSON object in their order, duplicates included.
struct Members(Vec<(String, Value)>);

impl<'de> serde::Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

/// Reads the variants of `define_experiment`, in the given order:
///
/// ```json
/// {"control": 0.5, "treatment": {"weight": 0.5, "payload": "gpt-4o/openai"}}
/// [{"name": "control", "weight": 0.5}, {"name": "treatment", "weight": 0.5, "payload": {"temperature": 0.2}}]
/// ["control", "treatment"]
/// ```
///
/// Without any weight all variants have the same. [`Assignment::new`](super::Assignment::new) checks that the weights add
/// up.
pub fn parse_variants(given: &str) -> Result<Vec<Variant>> {
    const ACCEPTED: &str = "a JSON object of variants and their weights, such as {\"control\": 0.5, \"treatment\": {\"weight\": 0.5, \
                            \"payload\": \"gpt-4o/openai\"}}, or a list of such as {\"name\": \"control\", \"weight\": 0.5}";
    let told = match (json::parse::<Members>(given), json::parse::<Vec<Value>>(given)) {
        (Some(Members(members)), _) => {
            members.into_iter().map(|(name, told)| one(Some(name), &told)).collect::<Option<Vec<_>>>()
        }
        (_, Some(list)) => list.iter().map(|told| one(None, told)).collect(),
        _ => None,
    };
    let Some(told) = told.filter(|told| told.len() <= MOST_VARIANTS) else {
        return refuse("variants", json::given(given), ACCEPTED);
    };
    let weighted = told.iter().filter(|(_, weight, _)| weight.is_some()).count();
    if weighted != 0 && weighted != told.len() {
        return refuse("variants", given, "a weight for every variant, or for none");
    }
    let equal = 1.0 / told.len() as f64;
    let variant =
        |(name, weight, payload): (String, Option<f64>, _)| Variant { name, weight: weight.unwrap_or(equal), payload };
    Ok(told.into_iter().map(variant).collect())
}

/// Name, weight and payload of a variant; the name is the key or a member.
fn one(name: Option<String>, told: &Value) -> Option<(String, Option<f64>, Option<Value>)> {
    match (name, told) {
        (Some(name), Value::Number(weight)) => Some((name, Some(weight.as_f64()?), None)),
        (Some(name), Value::Null) => Some((name, None, None)),
        (None, Value::String(name)) => Some((name.clone(), None, None)),
        (name, Value::Object(parts)) => {
            let known = |key: &String| matches!(key.as_str(), "weight" | "payload") || name.is_none() && key == "name";
            if !parts.keys().all(known) {
                return None;
            }
            let weight = match parts.get("weight") {
                None | Some(Value::Null) => None,
                Some(weight) => Some(weight.as_f64()?),
            };
            let payload = parts.get("payload").filter(|payload| !payload.is_null()).cloned();
            let name = name.or_else(|| parts.get("name").and_then(Value::as_str).map(str::to_owned))?;
            Some((name, weight, payload))
        }
        _ => None,
    }
}

/// The payloads of variants as one JSON object, `None` if there are none.
pub fn payloads(variants: &[Variant]) -> Option<String> {
    let told = variants.iter().filter_map(|v| v.payload.clone().map(|payload| (v.name.clone(), payload)));
    let told = Map::from_iter(told);
    (!told.is_empty()).then(|| Value::Object(told).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::Error;
    use serde_json::json;

    #[test]
    fn variants_are_read_in_the_order_they_are_written_in() {
        let read = |json: &str| {
            let list = parse_variants(json).unwrap();
            list.into_iter().map(|v| (v.name, v.weight, v.payload)).collect::<Vec<_>>()
        };
        let variant = |name: &str, weight, payload| (name.to_owned(), weight, payload);
        assert_eq!(read(r#"{"off": 0.2, "on": 0.8}"#), [variant("off", 0.2, None), variant("on", 0.8, None)]);
        assert_eq!(
            read(
                r#"{"b": {"weight": 0.25, "payload": "gpt-4o/openai"}, "a": {"weight": 0.75, "payload": {"k": [1]}}}"#
            ),
            [variant("b", 0.25, Some(json!("gpt-4o/openai"))), variant("a", 0.75, Some(json!({"k": [1]})))]
        );
        assert_eq!(
            read(r#"["b", {"name": "a", "payload": null}]"#),
            [variant("b", 0.5, None), variant("a", 0.5, None)]
        );
        assert_eq!(read(r#"{"b": null, "a": {}}"#), [variant("b", 0.5, None), variant("a", 0.5, None)]);
        // A repeated name is not merged: it is rejected as a duplicate.
        assert_eq!(read(r#"{"a": 0.5, "b": 0.5, "a": 0.5}"#).len(), 3);
        // All digits of a weight count.
        assert_eq!(read(r#"{"a": 0.30000000000000004, "b": 0.7}"#)[0].1, 0.1 + 0.2);
    }

    #[test]
    fn variants_that_make_no_sense_are_refused() {
        for json in [
            "",
            "null",
            "5",
            "\"a\"",
            "{\"a\": \"0.5\"}",
            "{\"a\": [0.5]}",
            "[5]",
            "[{\"weight\": 1}]",
            "{\"a\": {\"share\": 1}}",
            "{\"a\": {\"name\": \"b\"}}",
            "{\"a\": 0.5, \"b\": null}",
            "{\"a\": {\"weight\": \"all\"}, \"b\": 1}",
            "{\"a\": 0.5,",
        ] {
            assert!(matches!(parse_variants(json), Err(Error::Argument { name: "variants", .. })), "{json}");
        }
        // An empty list is rejected with the terms.
        assert_eq!(parse_variants("{}").unwrap(), []);
        assert_eq!(parse_variants("[]").unwrap(), []);
    }
}
