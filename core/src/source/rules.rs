//! Custom rules for segments of users, in JSON.
//!
//! ```json
//! [{"segment": "whale", "all": [{"requests": {">=": 1000}}, {"property:UserTier": {"in": ["pro"]}}]},
//!  {"segment": "leaving", "any": [{"segment": {"=": "at_risk"}}, {"days_since_last": {">": 60}}]},
//!  {"segment": "the rest"}]
//! ```
//!
//! The first rule that fits decides. A condition gives values and tests of them; `all`, `any` and `not` combine conditions.
//! An unknown value passes no test except `<>`.

use crate::base::encoding;
use crate::base::error::{Error, Result};
use crate::base::json;
use serde_json::{Map, Value};
use std::borrow::{Borrow, Cow};
use std::collections::HashMap;

/// The columns of sessions.
const SESSIONS: &[&str] = &["session_id", "latency_ms", "succeeded"];
/// Numeric values, with the canonical columns that they need besides user and time; `!` marks a column that the log must
/// have.
const NUMBERS: &[(&str, &[&str])] = &[
    ("requests", &[]),
    ("active_days", &[]),
    ("sessions", SESSIONS),
    ("session_mean_seconds", SESSIONS),
    ("days_since_first", &[]),
    ("days_since_last", &[]),
    ("recent_requests", &[]),
    ("base_requests", &[]),
    ("recent_days", &[]),
    ("base_days", &[]),
    ("decline_ratio", &[]),
    ("cost_usd", &["cost_usd!"]),
    ("success_rate", &["succeeded"]),
];
/// The prefix of a property.
const PROPERTY: &str = "property:";
/// The segment of users that no rule fits.
pub const OTHER: &str = "other";
/// The most properties: each is read as a column of the history.
const MOST_PROPERTIES: usize = 64;
/// The maximum nesting depth of conditions.
const MOST_DEEP: usize = 16;

/// The values of a user available to rules.
pub trait Facts {
    /// A numeric value, if it is known.
    fn number(&self, figure: &str) -> Option<f64>;

    /// The standard segment.
    fn segment(&self) -> &str;

    /// A property by its index in [`Rules::properties`], if it is known.
    fn property(&self, number: usize) -> Option<&[u8]>;
}

/// Parsed rules.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// The segments in order, with that of users whom no rule fits, if there can be any.
    pub segments: Vec<String>,
    /// Conditions with the index of the segment of users who pass them.
    cases: Vec<(Condition, usize)>,
    /// The index of the segment of all other users.
    otherwise: usize,
    segment_numbers: Numbers,
    property_numbers: Numbers,
    /// Whether the rules use sessions.
    pub counts_sessions: bool,
    /// The properties that the rules use, in order.
    pub properties: Vec<String>,
    /// The canonical columns that the log must have for them.
    pub needed: Vec<&'static str>,
    /// Canonical columns that are read if the log has them.
    pub wanted: Vec<&'static str>,
}

/// The indexes of names in a list.
#[derive(Clone, Debug, Default, PartialEq)]
struct Numbers(HashMap<String, usize>);

impl Numbers {
    /// The index of a name, which is added to the list if it is new.
    fn of(&mut self, name: &str, names: &mut Vec<String>) -> usize {
        match self.0.get(name) {
            Some(number) => *number,
            None => {
                self.0.insert(name.to_owned(), names.len());
                names.push(name.to_owned());
                names.len() - 1
            }
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Number(&'static str, Test<f64>),
    Segment(Test<Vec<u8>>),
    Property(usize, Test<Vec<u8>>),
}

/// The test of a value.
#[derive(Clone, Debug, PartialEq)]
enum Test<T> {
    In(Vec<T>),
    Exists(bool),
    Equal(T),
    NotEqual(T),
    Less(T),
    AtMost(T),
    More(T),
    AtLeast(T),
}

impl<T> Test<T> {
    /// Whether a value passes; an unknown value is `None`.
    fn passes<V: PartialOrd + ?Sized>(&self, figure: Option<&V>) -> bool
    where
        T: Borrow<V>,
    {
        match self {
            Test::In(values) => figure.is_some_and(|figure| values.iter().any(|value| figure == value.borrow())),
            Test::Exists(exists) => figure.is_some() == *exists,
            Test::Equal(value) => figure == Some(value.borrow()),
            Test::NotEqual(value) => figure != Some(value.borrow()),
            Test::Less(value) => figure.is_some_and(|figure| figure < value.borrow()),
            Test::AtMost(value) => figure.is_some_and(|figure| figure <= value.borrow()),
            Test::More(value) => figure.is_some_and(|figure| figure > value.borrow()),
            Test::AtLeast(value) => figure.is_some_and(|figure| figure >= value.borrow()),
        }
    }
}

impl Condition {
    fn is_met(&self, facts: &impl Facts) -> bool {
        match self {
            Condition::All(conditions) => conditions.iter().all(|condition| condition.is_met(facts)),
            Condition::Any(conditions) => conditions.iter().any(|condition| condition.is_met(facts)),
            Condition::Not(condition) => !condition.is_met(facts),
            Condition::Number(figure, test) => test.passes(facts.number(figure).as_ref()),
            Condition::Segment(test) => test.passes(Some(facts.segment().as_bytes())),
            Condition::Property(number, test) => test.passes(facts.property(*number)),
        }
    }
}

fn wrong<T>(given: impl ToString, accepted: impl Into<String>) -> Result<T> {
    Err(Error::Argument { name: "rules", given: given.to_string(), accepted: accepted.into() })
}

fn figures_accepted() -> String {
    let names = NUMBERS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    format!(
        "a figure that is one of {names}, segment or property:… and what it must be, such as {{\"requests\": {{\">=\": 1000}}}}, or all, any or not of such"
    )
}

impl Rules {
    /// Parses rules, or raises an error with what is accepted.
    pub fn parse(given: &str) -> Result<Self> {
        let accepted =
            "a JSON array of rules, such as [{\"segment\": \"whale\", \"all\": [{\"requests\": {\">=\": 1000}}]}]";
        let Some(Value::Array(list)) = json::parse(given) else { return wrong(json::given(given), accepted) };
        if list.is_empty() {
            return wrong(given, accepted);
        }
        let (mut rules, mut default) = (Rules::default(), None);
        for rule in &list {
            let Value::Object(parts) = rule else { return wrong(rule, accepted) };
            if default.is_some() {
                return wrong(rule, "no rule after one without conditions, which fits everyone");
            }
            let segment = match parts.get("segment") {
                Some(Value::String(segment)) if !segment.trim().is_empty() => segment,
                _ => return wrong(rule, "a rule with the name of its segment: {\"segment\": \"whale\", \"all\": […]}"),
            };
            let conditions: Map<String, Value> = parts
                .iter()
                .filter(|(key, _)| *key != "segment")
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(); // few: all, any and not
            if let Some(key) = conditions.keys().find(|key| !matches!(key.as_str(), "all" | "any" | "not")) {
                return wrong(rule, format!("a rule of segment and all, any or not, and no \"{key}\""));
            }
            let segment = rules.segment_number(segment);
            if conditions.is_empty() {
                default = Some(segment);
            } else {
                let condition = rules.condition(&Value::Object(conditions), rule, 0)?;
                rules.cases.push((condition, segment));
            }
        }
        if rules.properties.len() > MOST_PROPERTIES {
            let given = format!("rules about {} properties", rules.properties.len());
            return wrong(given, format!("rules about at most {MOST_PROPERTIES} properties"));
        }
        rules.otherwise = default.unwrap_or_else(|| rules.segment_number(OTHER));
        Ok(rules)
    }

    /// The name under which a property is read.
    pub fn property(name: &str) -> String {
        format!("{PROPERTY}{name}")
    }

    /// The index of a user's segment.
    pub fn segment(&self, facts: &impl Facts) -> usize {
        let case = self.cases.iter().find(|(condition, _)| condition.is_met(facts));
        case.map_or(self.otherwise, |(_, segment)| *segment)
    }

    fn segment_number(&mut self, name: &str) -> usize {
        self.segment_numbers.of(name, &mut self.segments)
    }

    fn condition(&mut self, condition: &Value, rule: &Value, depth: usize) -> Result<Condition> {
        if depth > MOST_DEEP {
            return wrong(rule, format!("conditions nested at most {MOST_DEEP} deep"));
        }
        let Value::Object(parts) = condition else { return wrong(rule, figures_accepted()) };
        if parts.is_empty() {
            return wrong(rule, figures_accepted());
        }
        let mut all = Vec::new();
        for (key, value) in parts {
            match (key.as_str(), value) {
                ("all" | "any", Value::Array(list)) if !list.is_empty() => {
                    // few: conditions of an argument
                    let each = list.iter().map(|c| self.condition(c, rule, depth + 1)).collect::<Result<Vec<_>>>()?;
                    all.push(if key == "all" { Condition::All(each) } else { Condition::Any(each) });
                }
                ("all" | "any", _) => return wrong(rule, format!("\"{key}\" with a list of conditions")),
                ("not", _) => all.push(Condition::Not(Box::new(self.condition(value, rule, depth + 1)?))),
                (figure, Value::Object(tests)) if !tests.is_empty() => {
                    for (operator, to) in tests {
                        all.push(self.test(figure, operator, to, rule)?);
                    }
                }
                _ => return wrong(rule, figures_accepted()),
            }
        }
        Ok(Condition::All(all))
    }

    /// Parses the test of one value.
    fn test(&mut self, figure: &str, operator: &str, to: &Value, rule: &Value) -> Result<Condition> {
        if let Some((name, columns)) = NUMBERS.iter().find(|(name, _)| *name == figure) {
            self.counts_sessions |= matches!(*name, "sessions" | "session_mean_seconds");
            for column in *columns {
                match column.strip_suffix('!') {
                    Some(column) => self.needed.push(column),
                    None => self.wanted.push(column),
                }
            }
            return Ok(Condition::Number(name, number_test(figure, operator, to, rule)?));
        }
        if figure == "segment" {
            return text_test(figure, operator, to, rule).map(Condition::Segment);
        }
        match figure.strip_prefix(PROPERTY) {
            Some(name) if !name.is_empty() => {
                let number = self.property_numbers.of(name, &mut self.properties);
                Ok(Condition::Property(number, text_test(figure, operator, to, rule)?))
            }
            _ => wrong(rule, figures_accepted()),
        }
    }
}

fn number_test(figure: &str, operator: &str, to: &Value, rule: &Value) -> Result<Test<f64>> {
    let number = |value: &Value| match value.as_f64().filter(|number| number.is_finite()) {
        Some(number) if value.is_number() => Ok(number),
        _ => wrong(rule, format!("numbers to compare {figure} with")),
    };
    Ok(match operator {
        "<" => Test::Less(number(to)?),
        "<=" => Test::AtMost(number(to)?),
        ">" => Test::More(number(to)?),
        ">=" => Test::AtLeast(number(to)?),
        _ => return test(figure, operator, to, rule, number, "=, <>, <, <=, >, >=, in, exists"),
    })
}

fn text_test(figure: &str, operator: &str, to: &Value, rule: &Value) -> Result<Test<Vec<u8>>> {
    let text = |value: &Value| match value {
        Value::String(text) => encoding::encoded(text).map(Cow::into_owned), // few: a text of an argument
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string().into_bytes()),
        _ => wrong(rule, format!("texts to compare {figure} with")),
    };
    test(figure, operator, to, rule, text, "=, <>, in, exists")
}

/// The tests common to all types of value.
fn test<T>(
    figure: &str,
    operator: &str,
    to: &Value,
    rule: &Value,
    read: impl Fn(&Value) -> Result<T>,
    operators: &str,
) -> Result<Test<T>> {
    match (operator, to) {
        // few: values of an argument
        ("in", Value::Array(list)) if !list.is_empty() => Ok(Test::In(list.iter().map(read).collect::<Result<_>>()?)),
        ("in", _) => wrong(rule, "\"in\" with a list of values"),
        ("exists", Value::Bool(exists)) => Ok(Test::Exists(*exists)),
        ("=", value) => read(value).map(Test::Equal),
        ("<>", value) => read(value).map(Test::NotEqual),
        _ => wrong(rule, format!("{figure} with one of {operators}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct User {
        numbers: Vec<(&'static str, f64)>,
        segment: &'static str,
        properties: Vec<Option<&'static str>>,
    }

    impl Facts for User {
        fn number(&self, figure: &str) -> Option<f64> {
            self.numbers.iter().find(|(name, _)| *name == figure).map(|(_, number)| *number)
        }

        fn segment(&self) -> &str {
            self.segment
        }

        fn property(&self, number: usize) -> Option<&[u8]> {
            self.properties.get(number).copied().flatten().map(str::as_bytes)
        }
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let rules = r#"[{"segment": "whale's", "all": [{"requests": {">=": 1000, "<": 1e6}}, {"property:Tier": {"in": ["pro", 5]}}]},
            {"segment": "gone", "any": [{"segment": {"<>": "new"}}, {"not": {"success_rate": {"exists": false}}}]}]"#;
        let rules = Rules::parse(rules).unwrap();
        assert_eq!(rules.segments, ["whale's", "gone", "other"]);
        assert_eq!((&rules.needed[..], &rules.wanted[..]), (&[][..], &["succeeded"][..]));
        assert_eq!((rules.properties.clone(), rules.counts_sessions), (vec!["Tier".to_owned()], false));
        let segment = |requests: f64, tier, segment, success: Option<f64>| {
            let mut user = User { numbers: vec![("requests", requests)], segment, properties: vec![tier] };
            user.numbers.extend(success.map(|success| ("success_rate", success)));
            rules.segments[rules.segment(&user)].as_str()
        };
        assert_eq!(segment(1000.0, Some("pro"), "new", None), "whale's");
        assert_eq!(segment(1e6, Some("pro"), "new", None), "other");
        assert_eq!(segment(5000.0, Some("5"), "new", None), "whale's");
        assert_eq!(segment(5000.0, Some("free"), "new", Some(0.0)), "gone");
        assert_eq!(segment(5000.0, None, "casual", None), "gone");
    }

    #[test]
    fn what_is_not_known_fulfils_only_the_opposite() {
        let fits = |test: &str, user: &User| {
            let rules = Rules::parse(&format!(r#"[{{"segment": "yes", "all": [{test}]}}]"#)).unwrap();
            rules.segment(user) == 0
        };
        let known = User { numbers: vec![("cost_usd", 5.0)], segment: "new", properties: vec![Some("a")] };
        let unknown = User { segment: "new", ..User::default() };
        for (test, of_known, of_unknown) in [
            (r#"{"cost_usd": {"=": 5}}"#, true, false),
            (r#"{"cost_usd": {"<>": 5}}"#, false, true),
            (r#"{"cost_usd": {"<": 5}}"#, false, false),
            (r#"{"cost_usd": {"<=": 5}}"#, true, false),
            (r#"{"cost_usd": {">": 4.5}}"#, true, false),
            (r#"{"cost_usd": {"in": [1, 5]}}"#, true, false),
            (r#"{"cost_usd": {"exists": false}}"#, false, true),
            (r#"{"not": {"cost_usd": {"=": 5}}}"#, false, true),
            (r#"{"property:P": {"<>": "a"}}"#, false, true),
            (r#"{"property:P": {"in": ["a", "b"]}}"#, true, false),
            (r#"{"segment": {"=": "new"}}"#, true, true),
        ] {
            assert_eq!((fits(test, &known), fits(test, &unknown)), (of_known, of_unknown), "{test}");
        }
        assert_eq!(
            Rules::parse(r#"[{"segment": "a", "all": [{"cost_usd": {">": 1}}]}]"#).unwrap().needed,
            ["cost_usd"]
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
            (
                r#"[{"segment": "a", "all": [{"segment": {">": "5"}}]}]"#,
                r#"{"segment":"a","all":[{"segment":{">":"5"}}]}"#,
            ),
            (r#"[{"segment": "a", "requests": 5}]"#, r#"{"segment":"a","requests":5}"#),
            (r#"[{"segment": "a"}, {"segment": "b"}]"#, r#"{"segment":"b"}"#),
        ] {
            match Rules::parse(rules) {
                Err(Error::Argument { name: "rules", given: found, .. }) => assert_eq!(found, given),
                other => panic!("{rules}: {other:?}"),
            }
        }
        let many = |properties: usize| {
            let rule = |n| format!(r#"{{"segment": "a", "all": [{{"property:p{n}": {{"=": 1}}}}]}}"#);
            Rules::parse(&format!("[{}]", (0..properties).map(rule).collect::<Vec<_>>().join(",")))
        };
        assert!(many(MOST_PROPERTIES).is_ok());
        assert!(matches!(many(MOST_PROPERTIES + 1), Err(Error::Argument { name: "rules", .. })));
        let deep = (0..20).fold(r#"{"requests": {">": 1}}"#.to_owned(), |inner, _| format!(r#"{{"not": {inner}}}"#));
        assert!(Rules::parse(&format!(r#"[{{"segment": "a", "all": [{deep}]}}]"#)).is_err());
    }
}
