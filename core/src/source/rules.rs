//! Custom rules for segments of users, in JSON.
//!
//! ```json
//! [{"segment": "whale", "all": [{"requests": {">=": 1000}}, {"property:UserTier": {"in": ["pro"]}}]},
//!  {"segment": "leaving", "any": [{"segment": {"=": "at_risk"}}, {"days_since_last": {">": 60}}]},
//!  {"segment": "the rest"}]
//! ```
//!
//! The first rule that fits decides. Its conditions are in the language of [`filter`](super::condition), over what is known
//! of a user.

use super::condition::{Condition, Key, Known, Operand, PROPERTY, Test};
use crate::base::error::{Error, Result};
use crate::base::json;
use serde_json::{Map, Value};
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
    ("answered_rate", &["succeeded"]),
];
/// The segment of users that no rule fits.
pub const OTHER: &str = "other";
/// The most properties: each is read as a column of the history.
const MOST_PROPERTIES: usize = 64;

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
    cases: Vec<(Compiled, usize)>,
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

/// A condition on a user, with the places of its values.
#[derive(Clone, Debug, PartialEq)]
enum Compiled {
    All(Vec<Compiled>),
    Any(Vec<Compiled>),
    Not(Box<Compiled>),
    Number(&'static str, Test),
    Segment(Test),
    Property(usize, Test),
}

impl Compiled {
    fn is_met(&self, facts: &impl Facts) -> bool {
        let of_text = |text: Option<&[u8]>, test: &Test| test.passes(text.map_or(Known::Nothing, Known::Text));
        match self {
            Compiled::All(conditions) => conditions.iter().all(|condition| condition.is_met(facts)),
            Compiled::Any(conditions) => conditions.iter().any(|condition| condition.is_met(facts)),
            Compiled::Not(condition) => !condition.is_met(facts),
            Compiled::Number(figure, test) => test.passes(facts.number(figure).map_or(Known::Nothing, Known::Number)),
            Compiled::Segment(test) => of_text(Some(facts.segment().as_bytes()), test),
            Compiled::Property(number, test) => of_text(facts.property(*number), test),
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
                let condition = rules.compiled(&Condition::of("rules", &conditions)?, rule)?;
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

    fn compiled(&mut self, condition: &Condition, rule: &Value) -> Result<Compiled> {
        let mut all = |conditions: &[Condition]| {
            // few: conditions of an argument
            conditions.iter().map(|condition| self.compiled(condition, rule)).collect::<Result<Vec<_>>>()
        };
        Ok(match condition {
            Condition::All(conditions) => Compiled::All(all(conditions)?),
            Condition::Any(conditions) => Compiled::Any(all(conditions)?),
            Condition::Not(condition) => Compiled::Not(Box::new(self.compiled(condition, rule)?)),
            Condition::Test(Key::Property(name), test) => {
                let number = self.property_numbers.of(name, &mut self.properties);
                Compiled::Property(number, test.clone()) // few: keys of an argument
            }
            Condition::Test(Key::Named(name), test) if name == "segment" => Compiled::Segment(test.clone()), // few
            Condition::Test(Key::Named(name), test) => {
                let Some((name, columns)) = NUMBERS.iter().find(|(known, _)| known == name) else {
                    return wrong(rule, figures_accepted());
                };
                if !is_of_numbers(test) {
                    return wrong(rule, format!("numbers to compare {name} with"));
                }
                self.counts_sessions |= matches!(*name, "sessions" | "session_mean_seconds");
                for column in *columns {
                    match column.strip_suffix('!') {
                        Some(column) => self.needed.push(column),
                        None => self.wanted.push(column),
                    }
                }
                Compiled::Number(name, test.clone()) // few: keys of an argument
            }
            Condition::Test(Key::Column(_), _) => return wrong(rule, figures_accepted()),
        })
    }
}

/// Whether a test compares with numbers only.
fn is_of_numbers(test: &Test) -> bool {
    let is_number = |operand: &Operand| matches!(operand, Operand::Nothing | Operand::Number(_));
    match test {
        Test::Is(operands) | Test::IsNot(operands) => operands.iter().all(is_number),
        Test::Compare(_, operand) => is_number(operand),
        Test::Exists(_) => true,
        Test::Contains(_) | Test::Like(_) => false,
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
            {"segment": "gone", "any": [{"segment": {"<>": "new"}}, {"not": {"answered_rate": {"exists": false}}}]}]"#;
        let rules = Rules::parse(rules).unwrap();
        assert_eq!(rules.segments, ["whale's", "gone", "other"]);
        assert_eq!((&rules.needed[..], &rules.wanted[..]), (&[][..], &["succeeded"][..]));
        assert_eq!((rules.properties.clone(), rules.counts_sessions), (vec!["Tier".to_owned()], false));
        let segment = |requests: f64, tier, segment, success: Option<f64>| {
            let mut user = User { numbers: vec![("requests", requests)], segment, properties: vec![tier] };
            user.numbers.extend(success.map(|success| ("answered_rate", success)));
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
            (r#"[{"segment": "a", "all": []}]"#, r#"{"all": []}"#),
            (r#"[{"segment": "a", "all": [{"age": {">": 5}}]}]"#, r#"{"segment":"a","all":[{"age":{">":5}}]}"#),
            (
                r#"[{"segment": "a", "all": [{"requests": {">": "5"}}]}]"#,
                r#"{"segment":"a","all":[{"requests":{">":"5"}}]}"#,
            ),
            (r#"[{"segment": "a", "all": [{"segment": {">": true}}]}]"#, r#"{"segment": {">":true}}"#),
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
