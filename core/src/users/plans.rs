//! Plans and their limits, as JSON, for `plan_usage`. Definition D36.
//!
//! ```json
//! {"free_tier": {"monthly_request_limit": 1000, "features": ["basic_chat"], "support_level": "community"},
//!  "business": {"monthly_request_limit": "unlimited"}}
//! ```

use crate::base::error::{Error, Result};
use crate::base::json;
use crate::function::Function;
use serde_json::{Map, Value};

pub mod plan_usage;

/// The functions over plan limits.
pub const FUNCTIONS: &[&Function] = &[&plan_usage::FUNCTION];

/// A plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its name, the value of the plan property in the log.
    pub name: String,
    /// The limit of requests per calendar month; `None` for unlimited.
    pub request_limit: Option<i64>,
    /// The features of the plan; `None` for all features.
    pub features: Option<Vec<String>>,
}

fn wrong<T>(given: impl ToString, accepted: &str) -> Result<T> {
    Err(Error::Argument { name: "plans", given: given.to_string(), accepted: accepted.to_owned() })
}

/// Reads plans, or raises an error with what is accepted.
pub fn parse(given: &str) -> Result<Vec<Plan>> {
    match json::parse(given) {
        Some(Value::Object(plans)) if !plans.is_empty() => plans.iter().map(|(name, plan)| one(name, plan)).collect(),
        _ => wrong(
            json::given(given),
            "a JSON object of plans, such as {\"free\": {\"monthly_request_limit\": 1000, \"features\": [\"chat\"]}}",
        ),
    }
}

fn one(name: &str, plan: &Value) -> Result<Plan> {
    let quoted = || Value::Object(Map::from_iter([(name.to_owned(), plan.clone())]));
    let Value::Object(parts) = plan else { return wrong(quoted(), "a plan that is a JSON object") };
    if parts.keys().any(|key| !matches!(key.as_str(), "monthly_request_limit" | "features" | "support_level")) {
        return wrong(quoted(), "a plan of monthly_request_limit, features and support_level");
    }
    let request_limit = match parts.get("monthly_request_limit") {
        None | Some(Value::Null) => None,
        Some(Value::String(word)) if word == "unlimited" => None,
        Some(Value::Number(limit)) if limit.as_i64().is_some_and(|limit| limit >= 0) => limit.as_i64(),
        Some(_) => {
            return wrong(quoted(), "a monthly_request_limit that is a whole number of 0 or more, or \"unlimited\"");
        }
    };
    let features = match parts.get("features") {
        None | Some(Value::Null) => None,
        Some(Value::Array(list)) if list.iter().all(Value::is_string) => {
            Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        }
        Some(_) => return wrong(quoted(), "features that are a list of names"),
    };
    Ok(Plan { name: name.to_owned(), request_limit, features })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_read_as_they_are_written() {
        let json = r#"{"free_tier": {"monthly_request_limit": 1000, "features": ["basic_chat"], "support_level": "community"},
            "business": {"monthly_request_limit": "unlimited"}, "bare": {}}"#;
        let plan = |name: &str, request_limit, features: Option<&[&str]>| Plan {
            name: name.to_owned(),
            request_limit,
            features: features.map(|list| list.iter().map(|&feature| feature.to_owned()).collect()),
        };
        let expected = [
            plan("free_tier", Some(1000), Some(&["basic_chat"])),
            plan("business", None, None),
            plan("bare", None, None),
        ];
        assert_eq!(parse(json).unwrap(), expected);
    }

    #[test]
    fn a_wrong_plan_is_quoted() {
        for (plans, given) in [
            ("[]", "[]"),
            ("{}", "{}"),
            (r#"{"a": 5}"#, r#"{"a":5}"#),
            (r#"{"a": {}, "b": {"monthly_request_limit": -1}}"#, r#"{"b":{"monthly_request_limit":-1}}"#),
            (r#"{"a": {"monthly_request_limit": 1.5}}"#, r#"{"a":{"monthly_request_limit":1.5}}"#),
            (r#"{"a": {"features": "chat"}}"#, r#"{"a":{"features":"chat"}}"#),
            (r#"{"a": {"limit": 5}}"#, r#"{"a":{"limit":5}}"#),
        ] {
            let given = given.to_owned();
            assert!(matches!(parse(plans), Err(Error::Argument { name: "plans", given: found, .. }) if found == given));
        }
    }
}
