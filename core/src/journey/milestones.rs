//! Custom milestones, defined in JSON. Definitions D42-D46.

use crate::base::error::{Error, Result};
use crate::base::json;
use crate::base::length::seconds;
use serde_json::{Map, Value};

/// The most milestones.
pub const MOST: usize = 64;

/// A milestone: a request that meets a condition, or the nth such request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Milestone {
    /// Its name.
    pub name: String,
    /// The JSON filter of the requests that count.
    pub filter: String,
    /// The JSON filter of first requests, if only users who began with it are counted.
    pub from: Option<String>,
    /// Its ordinal number among them, from 1.
    pub count: u32,
    /// The time limit in seconds from the user's start, if there is one.
    pub within_seconds: Option<i64>,
}

const NAME: &str = "milestones";

fn wrong<T>(given: &Value, accepted: impl Into<String>) -> Result<T> {
    Err(Error::Argument { name: NAME, given: given.to_string(), accepted: accepted.into() })
}

impl Milestone {
    fn parse(given: &Value) -> Result<Self> {
        let Value::Object(keys) = given else { return wrong(given, OBJECT) };
        let known = ["name", "filter", "from", "count", "within"];
        if let Some(key) = keys.keys().find(|key| !known.contains(&key.as_str())) {
            return wrong(given, format!("milestones with the keys {}; \"{key}\" is none of them", known.join(", ")));
        }
        let name = match keys.get("name") {
            Some(Value::String(name)) if !name.trim().is_empty() => name.clone(),
            _ => return wrong(given, "a \"name\" for each milestone"),
        };
        let filter = match keys.get("filter") {
            Some(filter @ Value::Object(_)) => filter.clone(),
            None => Value::Object(Map::new()),
            Some(_) => return wrong(given, "as \"filter\" an object such as {\"feature\": \"code\"}"),
        };
        let from = match keys.get("from") {
            Some(from @ Value::Object(keys)) if !keys.is_empty() => Some(from.to_string()),
            None | Some(Value::Null) => None,
            Some(_) => return wrong(given, "as \"from\" an object such as {\"UserTier\": \"free\"}"),
        };
        let count = match keys.get("count") {
            None => Some(1),
            Some(count) => {
                count.as_u64().and_then(|count| u32::try_from(count).ok()).filter(|n| (1..=10_000).contains(n))
            }
        };
        let Some(count) = count else { return wrong(given, "as \"count\" a whole number from 1 to 10000") };
        let within_seconds = match keys.get("within") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if seconds(text).is_some() => seconds(text),
            Some(_) => {
                return wrong(given, "as \"within\" a length of time such as \"24 hours\" or \"14 days\"");
            }
        };
        Ok(Milestone { name, filter: filter.to_string(), from, count, within_seconds })
    }

    /// The milestones in a JSON text.
    ///
    /// ```
    /// # use user_metrics_core::journey::milestones::Milestone;
    /// let told = r#"[{"name": "third search", "filter": {"feature": "search"}, "count": 3, "within": "14 days"}]"#;
    /// let told = Milestone::list(told).unwrap();
    /// assert_eq!((told[0].count, told[0].within_seconds), (3, Some(14 * 86_400)));
    /// assert!(Milestone::list(r#"[{"name": "x", "within": "soon"}]"#).is_err());
    /// ```
    pub fn list(given: &str) -> Result<Vec<Self>> {
        let given: Value = json::parse(given).unwrap_or(Value::Null);
        match &given {
            Value::Array(list) if (1..=MOST).contains(&list.len()) => {
                let milestones = list.iter().map(Self::parse).collect::<Result<Vec<_>>>()?;
                for (i, milestone) in milestones.iter().enumerate() {
                    if milestones[..i].iter().any(|other| other.name == milestone.name) {
                        return wrong(&list[i], "a \"name\" that no other milestone has");
                    }
                }
                Ok(milestones)
            }
            _ => wrong(&given, format!("a JSON array of 1 to {MOST} milestones. {OBJECT}")),
        }
    }
}

const OBJECT: &str = "A milestone is an object such as {\"name\": \"third search\", \"filter\": {\"feature\": \"search\"}, \"count\": 3, \
     \"within\": \"14 days\"}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_has_a_meaning() {
        let told = Milestone::list(r#"[{"name": "any"}]"#).unwrap();
        let any = Milestone { name: "any".into(), filter: "{}".into(), from: None, count: 1, within_seconds: None };
        assert_eq!(told, [any]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (json, names) in [
            ("5", "JSON array"),
            ("[]", "JSON array"),
            ("nonsense", "JSON array"),
            ("[5]", "object"),
            (r#"[{"filter": {}}]"#, "\"name\""),
            (r#"[{"name": " "}]"#, "\"name\""),
            (r#"[{"name": "a"}, {"name": "a"}]"#, "no other"),
            (r#"[{"name": "a", "filter": []}]"#, "\"filter\""),
            (r#"[{"name": "a", "from": "free"}]"#, "\"from\""),
            (r#"[{"name": "a", "from": {}}]"#, "\"from\""),
            (r#"[{"name": "a", "count": 0}]"#, "\"count\""),
            (r#"[{"name": "a", "count": 1.5}]"#, "\"count\""),
            (r#"[{"name": "a", "within": 5}]"#, "\"within\""),
            (r#"[{"name": "a", "within": "-1 days"}]"#, "\"within\""),
            (r#"[{"name": "a", "within": "99999999999999 weeks"}]"#, "\"within\""),
            (r#"[{"name": "a", "wihtin": "1 day"}]"#, "wihtin"),
        ] {
            match Milestone::list(json) {
                Err(Error::Argument { name: "milestones", accepted, .. }) => {
                    assert!(accepted.contains(names), "{accepted}")
                }
                other => panic!("{json}: {other:?}"),
            }
        }
    }
}
