//! The steps of a funnel in the JSON form given by callers.

use super::{MOST_STEPS, Term};
use crate::base::calendar::Micros;
use crate::base::error::{Error, Result};
use crate::base::json;
use crate::base::length::seconds;
use serde_json::{Map, Value};

/// The steps of a funnel and the excluded events, as filters of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The steps' names.
    pub names: Vec<String>,
    /// The steps' filters, JSON.
    pub steps: Vec<String>,
    /// The conditions on single steps; none if no step has any.
    pub terms: Vec<Term>,
    /// Filters, JSON, of events excluded between two steps.
    pub excluded: Vec<String>,
}

fn wrong_steps(given: impl ToString) -> Error {
    Error::Argument {
        name: "steps",
        given: given.to_string(),
        accepted: format!(
            "a JSON array of 1 to {MOST_STEPS} steps, each an object of a filter and, if you like, a name, within, after, \
             optional and entry, such as \
             [{{\"name\": \"asked\", \"filter\": {{\"feature\": \"chat\"}}}}, {{\"name\": \"rated\", \"filter\": {{\"rating\": [1, 5]}}}}]"
        ),
    }
}

fn wrong_term<T>(step: &Value, accepted: &str) -> Result<T> {
    Err(Error::Argument { name: "steps", given: step.to_string(), accepted: accepted.to_owned() })
}

fn wrong_exclusion(given: impl ToString) -> Error {
    Error::Argument {
        name: "exclude",
        given: given.to_string(),
        accepted: "a filter or a JSON array of filters, such as {\"feature\": \"support\"}".to_owned(),
    }
}

impl Plan {
    /// Reads `steps` and `exclude`. The filters themselves are checked when they are translated to SQL.
    pub fn parse(steps: &str, exclude: Option<&str>) -> Result<Self> {
        let given: Value = json::parse(steps).ok_or_else(|| wrong_steps(json::given(steps)))?;
        let list = given.as_array().filter(|list| (1..=MOST_STEPS).contains(&list.len()));
        let mut plan = Plan { names: Vec::new(), steps: Vec::new(), terms: Vec::new(), excluded: Vec::new() };
        let mut has_terms = false;
        for (number, step) in (1..).zip(list.ok_or_else(|| wrong_steps(&given))?) {
            let (name, filter) = Self::step(step).ok_or_else(|| wrong_steps(step))?;
            plan.names.push(name.unwrap_or_else(|| format!("step {number}")));
            plan.steps.push(Value::Object(filter.clone()).to_string());
            has_terms |= TERMS.iter().any(|key| step.get(key).is_some());
            plan.terms.push(term(step, number == 1)?);
        }
        if !has_terms {
            plan.terms.clear();
        }
        plan.excluded = exclude.map_or(Ok(Vec::new()), excluded)?;
        Ok(plan)
    }

    /// Name and filter of a step; other keys are not accepted.
    fn step(step: &Value) -> Option<(Option<String>, &Map<String, Value>)> {
        let step = step.as_object()?;
        let filter = step.get("filter")?.as_object()?;
        let name = match step.get("name") {
            None => None,
            Some(name) => Some(name.as_str().filter(|name| !name.trim().is_empty())?.to_owned()),
        };
        let is_known = |key: &String| ["filter", "name"].contains(&key.as_str()) || TERMS.contains(&key.as_str());
        step.keys().all(is_known).then_some((name, filter))
    }
}

/// The keys of the conditions on a single step.
const TERMS: [&str; 4] = ["within", "after", "optional", "entry"];

/// The conditions on a single step.
fn term(step: &Value, is_first: bool) -> Result<Term> {
    let [within, after, optional, entry] = TERMS.map(|key| step.get(key));
    let length = |given: Option<&Value>| {
        let Some(given) = given else { return Ok(None) };
        match given.as_str().and_then(seconds) {
            Some(seconds) => Ok(Some(seconds * 1_000_000)),
            None => {
                wrong_term(step, "as within and after of a step a length of time such as \"10 minutes\" or \"3 days\"")
            }
        }
    };
    let flag = |given: Option<&Value>| match given.map_or(Some(false), Value::as_bool) {
        Some(flag) => Ok(flag),
        None => wrong_term(step, "as optional and entry of a step true or false"),
    };
    let (within, after) = (length(within)?, length(after)?);
    let term = Term {
        within: within.unwrap_or(Micros::MAX),
        after: after.unwrap_or(0),
        optional: flag(optional)?,
        entry: flag(entry)?,
    };
    if is_first && (within.or(after).is_some() || term.optional) {
        let accepted =
            "within, after and optional in later steps; if users may enter with step 2 too, give it \"entry\": true";
        return wrong_term(step, accepted);
    }
    if term.after > term.within {
        return wrong_term(step, "an after that is no longer than the within of the step");
    }
    Ok(term)
}

/// The filters of `steps`.
pub(super) fn steps(steps: &str) -> Result<Vec<String>> {
    Plan::parse(steps, None).map(|plan| plan.steps)
}

/// The filters of `exclude`.
pub(super) fn excluded(exclude: &str) -> Result<Vec<String>> {
    let exclusion: Value = json::parse(exclude).ok_or_else(|| wrong_exclusion(json::given(exclude)))?;
    let filters = match &exclusion {
        Value::Array(filters) => &filters[..],
        filter => std::slice::from_ref(filter),
    };
    let is_filter = |filter: &Value| filter.as_object().is_some_and(|filter| !filter.is_empty());
    let text = |filter| if is_filter(filter) { Ok(filter.to_string()) } else { Err(wrong_exclusion(filter)) };
    filters.iter().map(text).collect() // few: of an argument
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_have_names_and_filters() {
        let plan = Plan::parse(
            r#"[{"name": "asked", "filter": {"feature": "chat"}}, {"filter": {}}]"#,
            Some(r#"[{"feature": "help"}, {"status": [500, 503]}]"#),
        );
        let plan = plan.expect("a good plan");
        assert_eq!(plan.names, ["asked", "step 2"]);
        assert_eq!(plan.steps, [r#"{"feature":"chat"}"#, "{}"]);
        assert_eq!(plan.excluded, [r#"{"feature":"help"}"#, r#"{"status":[500,503]}"#]);
        let one = Plan::parse(r#"[{"filter": {}}]"#, Some(r#"{"feature": "help"}"#));
        assert_eq!(one.map(|plan| plan.excluded), Ok(vec![r#"{"feature":"help"}"#.to_owned()]));
    }

    #[test]
    fn steps_have_terms() {
        let plan = Plan::parse(r#"[{"filter": {}}, {"filter": {}, "within": "10 minutes", "optional": true}]"#, None);
        let term = Term { within: 600_000_000, optional: true, ..Term::default() };
        assert_eq!(plan.map(|plan| plan.terms), Ok(vec![Term::default(), term]));
        for wrong in [
            r#"[{"filter": {}, "optional": true}]"#,
            r#"[{"filter": {}, "within": "1 day"}]"#,
            r#"[{"filter": {}}, {"filter": {}, "within": "soon"}]"#,
            r#"[{"filter": {}}, {"filter": {}, "within": "-1 day"}]"#,
            r#"[{"filter": {}}, {"filter": {}, "after": 5}]"#,
            r#"[{"filter": {}}, {"filter": {}, "optional": "yes"}]"#,
            r#"[{"filter": {}}, {"filter": {}, "within": "1 day", "after": "2 days"}]"#,
        ] {
            assert!(Plan::parse(wrong, None).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_wrong_is_quoted() {
        let many = format!("[{}]", [r#"{"filter":{}}"#; MOST_STEPS + 1].join(","));
        for (steps, given) in [
            ("[]", "[]"),
            ("{}", "{}"),
            ("5", "5"),
            (many.as_str(), many.as_str()),
            (r#"[{"name": "a"}]"#, r#"{"name":"a"}"#),
            (r#"[{"filter": {}, "name": " "}]"#, r#"{"filter":{},"name":" "}"#),
            (r#"[{"filter": {}, "name": 5}]"#, r#"{"filter":{},"name":5}"#),
            (r#"[{"filter": {}, "event": "a"}]"#, r#"{"filter":{},"event":"a"}"#),
            (r#"[{"filter": [1]}]"#, r#"{"filter":[1]}"#),
        ] {
            match Plan::parse(steps, None) {
                Err(Error::Argument { name: "steps", given: found, .. }) => assert_eq!(found, given),
                other => panic!("{steps}: {other:?}"),
            }
        }
        for (exclude, given) in [("5", "5"), ("{}", "{}"), ("[[]]", "[]")] {
            match Plan::parse(r#"[{"filter": {}}]"#, Some(exclude)) {
                Err(Error::Argument { name: "exclude", given: found, .. }) => assert_eq!(found, given),
                other => panic!("{exclude}: {other:?}"),
            }
        }
    }
}
