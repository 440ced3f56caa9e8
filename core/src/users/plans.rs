//! Plans and their limits, as JSON, for `plan_usage`. Definition D36.
//!
//! ```json
//! {"free_tier": {"monthly_request_limit": 1000, "features": ["basic_chat"], "support_level": "community"},
//!  "team": {"limit": 50, "of": "cost_usd", "every": "month", "anchor": 15},
//!  "business": {"limit": "unlimited", "features": ["all"]}}
//! ```

use crate::base::calendar::{Anchor, Cycle, Grain};
use crate::base::error::{Error, Result};
use crate::base::json;
use crate::function::Function;
use serde_json::{Map, Value};

pub mod plan_usage;

/// The functions over plan limits.
pub const FUNCTIONS: &[&Function] = &[&plan_usage::FUNCTION];

/// What a limit is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Requests.
    Requests,
    /// Tokens, sent and received.
    Tokens,
    /// US dollars of cost.
    Cost,
}

impl Unit {
    const WORDS: [(&'static str, Unit); 3] =
        [("requests", Unit::Requests), ("tokens", Unit::Tokens), ("cost_usd", Unit::Cost)];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Requests => "requests",
            Unit::Tokens => "tokens",
            Unit::Cost => "cost_usd",
        }
    }

    /// The columns that hold it.
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            Unit::Requests => &[],
            Unit::Tokens => &["prompt_tokens", "completion_tokens"],
            Unit::Cost => &["cost_usd"],
        }
    }
}

/// A plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Its name, the value of the plan property in the log.
    pub name: String,
    /// The limit per period; `None` for unlimited.
    pub limit: Option<f64>,
    /// What the limit is of.
    pub unit: Unit,
    /// The periods of the limit. Weeks without an anchor begin as set for the database.
    pub cycle: Cycle,
    /// The features of the plan; `None` for all features.
    pub features: Option<Vec<String>>,
    /// Its other keys, as a JSON object; `None` without any.
    pub details: Option<String>,
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
            "a JSON object of plans, such as {\"free\": {\"limit\": 1000, \"every\": \"month\", \"features\": [\"chat\"]}}",
        ),
    }
}

/// The columns of the log in which the limits of plans are counted.
pub fn columns(given: &str) -> Result<Vec<&'static str>> {
    // few: the plans of an argument
    Ok(parse(given)?.iter().flat_map(|plan| plan.unit.columns()).copied().collect())
}

/// The keys of a plan that are not passed on.
const KEYS: [&str; 6] = ["monthly_request_limit", "limit", "of", "every", "anchor", "features"];

fn one(name: &str, plan: &Value) -> Result<Plan> {
    let quoted = || Value::Object(Map::from_iter([(name.to_owned(), plan.clone())]));
    let Value::Object(parts) = plan else { return wrong(quoted(), "a plan that is a JSON object") };
    let part = |key: &str| parts.get(key).filter(|value| !value.is_null());
    // A misspelled limit would make a plan unlimited.
    if parts.keys().any(|key| key.contains("limit") && !KEYS.contains(&key.as_str())) {
        return wrong(quoted(), "a plan with monthly_request_limit, or with limit, of, every and anchor");
    }
    if part("monthly_request_limit").is_some() && ["limit", "of", "every"].iter().any(|key| part(key).is_some()) {
        return wrong(quoted(), "a plan with either monthly_request_limit, or limit, of and every");
    }
    let word = |key: &str| part(key).map(|value| value.as_str().unwrap_or_default());
    let unit = word("of").unwrap_or("requests");
    let Some(&(_, unit)) = Unit::WORDS.iter().find(|(word, _)| *word == unit) else {
        return wrong(quoted(), "a limit of \"requests\", \"tokens\" or \"cost_usd\"");
    };
    let grain = match word("every").unwrap_or("month") {
        "day" => Grain::Day,
        "week" => Grain::Week,
        "month" => Grain::Month,
        _ => return wrong(quoted(), "a limit every \"day\", \"week\" or \"month\""),
    };
    let limit = match part("monthly_request_limit").or(part("limit")) {
        None => None,
        Some(Value::String(word)) if word == "unlimited" => None,
        Some(Value::Number(limit)) => {
            let whole = |limit: &f64| unit == Unit::Cost || limit.fract() == 0.0 && *limit <= MOST;
            match limit.as_f64().filter(|limit| limit.is_finite() && *limit >= 0.0).filter(whole) {
                Some(limit) => Some(limit),
                None => return wrong(quoted(), LIMIT),
            }
        }
        Some(_) => return wrong(quoted(), LIMIT),
    };
    let days = if grain == Grain::Month { 31 } else { 7 };
    let anchor = match part("anchor") {
        None => Anchor::Standard,
        Some(_) if grain == Grain::Day => return wrong(quoted(), "no anchor with a limit every \"day\""),
        Some(Value::String(word)) if word == "first_request" => Anchor::First,
        Some(Value::Number(day)) => match day.as_u64().filter(|day| (1..=days).contains(day)) {
            Some(day) => Anchor::Day(day as u8),
            None => return wrong(quoted(), ANCHOR),
        },
        Some(_) => return wrong(quoted(), ANCHOR),
    };
    let features = match part("features") {
        None => None,
        Some(Value::String(word)) if is_every(word) => None,
        Some(Value::Array(list)) if list.iter().all(Value::is_string) => {
            let names = || list.iter().filter_map(Value::as_str);
            (!names().any(is_every)).then(|| names().map(str::to_owned).collect())
        }
        Some(_) => {
            return wrong(quoted(), "features that are a list of names, of which \"all\" or \"*\" are all features");
        }
    };
    let details = parts.iter().filter(|(key, _)| !KEYS.contains(&key.as_str()));
    let details = details.map(|(key, value)| (key.clone(), value.clone())).collect::<Map<_, _>>(); // few: of a plan
    let details = (!details.is_empty()).then(|| Value::Object(details).to_string());
    Ok(Plan { name: name.to_owned(), limit, unit, cycle: Cycle { grain, anchor }, features, details })
}

/// Below this every whole number is a double.
const MOST: f64 = 9_007_199_254_740_992.0;
const LIMIT: &str = "a limit that is a number of 0 or more, whole unless it is of cost_usd, or \"unlimited\"";
const ANCHOR: &str = "an anchor that is a day of the month from 1 to 31, a day of the week from 1 (Monday) to 7, or \
                      \"first_request\"";

/// Whether a name in a list of features stands for all of them.
fn is_every(name: &str) -> bool {
    matches!(name, "all" | "*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_read_as_they_are_written() {
        let json = r#"{"free_tier": {"monthly_request_limit": 1000, "features": ["basic_chat"], "support_level": "community"},
            "business": {"monthly_request_limit": "unlimited", "features": ["all"]}, "bare": {},
            "team": {"limit": 2.5, "of": "cost_usd", "every": "week", "anchor": 7, "features": "*"},
            "own": {"limit": 9, "of": "tokens", "anchor": "first_request", "features": []}}"#;
        let plan = |name: &str, limit, unit, grain, anchor| Plan {
            name: name.to_owned(),
            limit,
            unit,
            cycle: Cycle { grain, anchor },
            features: None,
            details: None,
        };
        let free = plan("free_tier", Some(1000.0), Unit::Requests, Grain::Month, Anchor::Standard);
        let expected = [
            Plan {
                features: Some(vec!["basic_chat".to_owned()]),
                details: Some(r#"{"support_level":"community"}"#.to_owned()),
                ..free
            },
            plan("business", None, Unit::Requests, Grain::Month, Anchor::Standard),
            plan("bare", None, Unit::Requests, Grain::Month, Anchor::Standard),
            plan("team", Some(2.5), Unit::Cost, Grain::Week, Anchor::Day(7)),
            Plan { features: Some(vec![]), ..plan("own", Some(9.0), Unit::Tokens, Grain::Month, Anchor::First) },
        ];
        let read = parse(json).unwrap();
        assert_eq!(read.len(), expected.len());
        expected.iter().for_each(|plan| assert!(read.contains(plan), "{plan:?}"));
        assert_eq!(columns(r#"{"a": {"limit": 1}}"#).unwrap(), Vec::<&str>::new());
        assert_eq!(columns(r#"{"a": {"limit": 1, "of": "cost_usd"}}"#).unwrap(), ["cost_usd"]);
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
            (r#"{"a": {"daily_limit": 5}}"#, r#"{"a":{"daily_limit":5}}"#),
            (r#"{"a": {"limit": 5, "of": "words"}}"#, r#"{"a":{"limit":5,"of":"words"}}"#),
            (r#"{"a": {"limit": 5, "every": "year"}}"#, r#"{"a":{"every":"year","limit":5}}"#),
            (r#"{"a": {"limit": 5, "every": 7}}"#, r#"{"a":{"every":7,"limit":5}}"#),
            (r#"{"a": {"limit": 5, "every": "week", "anchor": 8}}"#, r#"{"a":{"anchor":8,"every":"week","limit":5}}"#),
            (r#"{"a": {"limit": 5, "every": "day", "anchor": 1}}"#, r#"{"a":{"anchor":1,"every":"day","limit":5}}"#),
            (r#"{"a": {"limit": 5, "anchor": 0}}"#, r#"{"a":{"anchor":0,"limit":5}}"#),
            (r#"{"a": {"limit": 5, "monthly_request_limit": 5}}"#, r#"{"a":{"limit":5,"monthly_request_limit":5}}"#),
        ] {
            let found = match parse(plans) {
                Err(Error::Argument { name: "plans", given, .. }) => given,
                other => panic!("{plans}: {other:?}"),
            };
            let same = serde_json::from_str::<Value>(&found).unwrap() == serde_json::from_str::<Value>(given).unwrap();
            assert!(same, "{found} for {plans}");
        }
    }
}
