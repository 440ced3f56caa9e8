//! The language of conditions, in JSON: one for `filter`, the steps of funnels, milestones, behaviors, exclusions, and rules
//! about users.
//!
//! ```json
//! {"model": "gpt-4o", "UserTier": ["pro", "business"], "cost_usd": {">=": 0.1}, "error": null,
//!  "any": [{"feature": {"like": "chat%"}}, {"not": {"tags": {"contains": "beta"}}}]}
//! ```
//!
//! All keys of an object must hold. A key is a name, of which the reader of the condition decides what it means, with the
//! prefix `property:` or `column:` where a name could mean several things; or `all`, `any` or `not` of further conditions. Its
//! value is the value wanted, a list of which any is wanted, null for what is not told, or an object of operators.
//!
//! What is not told passes no test but null, `<>`, `not in` and `{"exists": false}`.

use crate::base::encoding;
use crate::base::error::{Error, Result};
use crate::base::json;
use crate::base::told::{is_told, number};
use serde_json::{Map, Number, Value};

/// The operators, for messages.
const OPERATORS: &str = "=, <>, <, <=, >, >=, in, not in, exists, contains, like";
/// The prefix of a property, where a column has its name too.
pub(super) const PROPERTY: &str = "property:";
/// The prefix of a column, where it is called like an operator.
const COLUMN: &str = "column:";
/// The most keys of an object: PostgreSQL's planner takes quadratic time for them and does not check for interrupts
/// meanwhile.
const MOST_KEYS: usize = 1000;
/// The maximum nesting depth.
const MOST_DEEP: usize = 16;

/// A parsed condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// All hold; none is true.
    All(Vec<Condition>),
    /// Any holds; none is false.
    Any(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// A value passes a test.
    Test(Key, Test),
}

/// What is tested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// A name that the reader resolves.
    Named(String),
    /// A property, whatever columns exist.
    Property(String),
    /// A column of the log, whatever is called like it.
    Column(String),
}

/// The test of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// One of these.
    Is(Vec<Operand>),
    /// None of these.
    IsNot(Vec<Operand>),
    /// Less or more than.
    Compare(Order, Operand),
    /// Whether it is told.
    Exists(bool),
    /// A list with this item, or a text with this part.
    Contains(Operand),
    /// A text of this pattern, as LIKE has it.
    Like(String),
}

/// A value to compare with.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// What is not told: null, and a text that tells nothing.
    Nothing,
    /// A text, also in the encoding of the log.
    Text(String, Vec<u8>),
    /// A number.
    Number(Number),
    /// A boolean.
    Boolean(bool),
}

/// An order of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
}

impl Order {
    /// Its operator in SQL.
    pub fn sql(self) -> &'static str {
        match self {
            Order::Less => "<",
            Order::AtMost => "<=",
            Order::More => ">",
            Order::AtLeast => ">=",
        }
    }

    fn holds<T: PartialOrd + ?Sized>(self, value: &T, to: &T) -> bool {
        match self {
            Order::Less => value < to,
            Order::AtMost => value <= to,
            Order::More => value > to,
            Order::AtLeast => value >= to,
        }
    }
}

impl Operand {
    /// Its text form.
    pub fn text(&self) -> Option<String> {
        match self {
            Operand::Nothing => None,
            Operand::Text(text, _) => Some(text.clone()),
            Operand::Number(number) => Some(number.to_string()),
            Operand::Boolean(boolean) => Some(boolean.to_string()),
        }
    }

    /// The number that it is, or that its text is.
    pub fn number(&self) -> Option<f64> {
        match self {
            Operand::Number(number) => number.as_f64().filter(|number| number.is_finite()),
            Operand::Text(text, _) => number(text.as_bytes()),
            Operand::Nothing | Operand::Boolean(_) => None,
        }
    }

    /// Its text form in the encoding of the log, unless it is a number.
    fn bytes(&self) -> Option<&[u8]> {
        match self {
            Operand::Text(_, bytes) => Some(bytes),
            Operand::Boolean(true) => Some(b"true"),
            Operand::Boolean(false) => Some(b"false"),
            Operand::Nothing | Operand::Number(_) => None,
        }
    }
}

/// What is known of a value in memory.
#[derive(Clone, Copy, Debug)]
pub enum Known<'a> {
    /// Nothing.
    Nothing,
    /// A number.
    Number(f64),
    /// A text in the encoding of the log.
    Text(&'a [u8]),
}

impl Test {
    /// Whether a value passes.
    pub fn passes(&self, value: Known<'_>) -> bool {
        match self {
            Test::Is(operands) => operands.iter().any(|operand| is(value, operand)),
            Test::IsNot(operands) => !operands.iter().any(|operand| is(value, operand)),
            Test::Exists(exists) => !matches!(value, Known::Nothing) == *exists,
            Test::Compare(order, operand) => match (value, operand) {
                (Known::Nothing, _) => false,
                (Known::Number(value), operand) => operand.number().is_some_and(|to| order.holds(&value, &to)),
                (Known::Text(text), Operand::Number(_)) => {
                    number(text).zip(operand.number()).is_some_and(|(value, to)| order.holds(&value, &to))
                }
                (Known::Text(text), operand) => operand.bytes().is_some_and(|to| order.holds(text, to)),
            },
            Test::Contains(operand) => match value {
                Known::Text(text) => {
                    let digits = operand.text().filter(|_| operand.bytes().is_none()).unwrap_or_default();
                    let part = operand.bytes().unwrap_or(digits.as_bytes());
                    part.is_empty() || text.windows(part.len()).any(|window| window == part)
                }
                Known::Nothing | Known::Number(_) => false,
            },
            Test::Like(pattern) => match value {
                Known::Text(text) => like(&encoding::decoded(text), pattern),
                Known::Nothing | Known::Number(_) => false,
            },
        }
    }
}

/// Whether a value is an operand.
fn is(value: Known<'_>, operand: &Operand) -> bool {
    match (value, operand) {
        (Known::Nothing, operand) => *operand == Operand::Nothing,
        (_, Operand::Nothing) => false,
        (Known::Number(value), operand) => operand.number() == Some(value),
        (Known::Text(text), Operand::Number(_)) => number(text).is_some_and(|value| operand.number() == Some(value)),
        (Known::Text(text), operand) => operand.bytes() == Some(text),
    }
}

/// LIKE: `%` is any text, `_` any character, and a backslash takes the next one literally.
fn like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect()); // few: one value
    // The position of the last % and of the text that it has reached: a later mismatch lets it take one more character.
    let (mut at, mut of, mut retry) = (0, 0, None);
    while at < text.len() {
        let (wanted, next) = match pattern.get(of) {
            Some('\\') => (pattern.get(of + 1), of + 2),
            Some('%') => {
                retry = Some((of + 1, at));
                of += 1;
                continue;
            }
            Some('_') => (text.get(at), of + 1),
            other => (other, of + 1),
        };
        if wanted == text.get(at) {
            (at, of) = (at + 1, next);
            continue;
        }
        let Some((after, from)) = retry else { return false };
        (of, at) = (after, from + 1);
        retry = Some((after, from + 1));
    }
    pattern[of.min(pattern.len())..].iter().all(|rest| *rest == '%')
}

/// The form of conditions, for messages.
const ACCEPTED: &str = "a JSON object of columns or properties and what is wanted of them, such as {\"model\": \"gpt-4o\", \
                        \"UserTier\": [\"pro\", \"business\"], \"cost_usd\": {\">=\": 0.1}}";

impl Condition {
    /// Parses a condition given in an argument.
    pub fn parse(argument: &'static str, given: &str) -> Result<Self> {
        let wrong = || Error::Argument { name: argument, given: json::given(given), accepted: ACCEPTED.to_owned() };
        let condition: Map<String, Value> = json::parse(given).ok_or_else(wrong)?;
        Condition::of(argument, &condition)
    }

    /// Reads a condition from an object.
    pub fn of(argument: &'static str, condition: &Map<String, Value>) -> Result<Self> {
        object(argument, condition, 0)
    }

    /// Whether it holds, by what is known under each key.
    #[cfg(test)]
    fn holds<'a>(&self, known: &dyn Fn(&Key) -> Known<'a>) -> bool {
        match self {
            Condition::All(conditions) => conditions.iter().all(|condition| condition.holds(known)),
            Condition::Any(conditions) => conditions.iter().any(|condition| condition.holds(known)),
            Condition::Not(condition) => !condition.holds(known),
            Condition::Test(key, test) => test.passes(known(key)),
        }
    }
}

fn wrong<T>(argument: &'static str, given: impl ToString) -> Result<T> {
    Err(Error::Argument { name: argument, given: given.to_string(), accepted: ACCEPTED.to_owned() })
}

fn object(argument: &'static str, condition: &Map<String, Value>, depth: usize) -> Result<Condition> {
    let limited = |given: String, accepted: String| Err(Error::Argument { name: argument, given, accepted });
    if depth > MOST_DEEP {
        return limited(format!("conditions nested {depth} deep"), format!("at most {MOST_DEEP} levels"));
    }
    if condition.len() > MOST_KEYS {
        return limited(format!("{} keys", condition.len()), format!("an object of at most {MOST_KEYS} keys"));
    }
    let inner = |value: &Value| match value {
        Value::Object(condition) => object(argument, condition, depth + 1),
        other => wrong(argument, other),
    };
    let mut all = Vec::new();
    for (key, value) in condition {
        match (key.as_str(), value) {
            ("all" | "any", Value::Array(list)) if !list.is_empty() && list.len() <= MOST_KEYS => {
                let each = list.iter().map(inner).collect::<Result<Vec<_>>>()?; // few: conditions of an argument
                all.push(if key == "all" { Condition::All(each) } else { Condition::Any(each) });
            }
            ("all" | "any", _) => {
                let accepted =
                    format!("\"{key}\" with a list of conditions, or \"column:{key}\" for a column of that name");
                return limited(format!("{{\"{key}\": {value}}}"), accepted);
            }
            ("not", Value::Object(_)) => all.push(Condition::Not(Box::new(inner(value)?))),
            ("not", _) => {
                let accepted = "\"not\" with a condition, or \"column:not\" for a column of that name".to_owned();
                return limited(format!("{{\"not\": {value}}}"), accepted);
            }
            _ => tests(argument, key, value, &mut all)?,
        }
    }
    Ok(if all.len() == 1 { all.swap_remove(0) } else { Condition::All(all) })
}

/// The tests of one key.
fn tests(argument: &'static str, name: &str, value: &Value, all: &mut Vec<Condition>) -> Result<()> {
    let key = match (name.strip_prefix(PROPERTY), name.strip_prefix(COLUMN)) {
        (Some(property), _) if !property.is_empty() => Key::Property(property.to_owned()),
        (_, Some(column)) if !column.is_empty() => Key::Column(column.to_owned()),
        _ => Key::Named(name.to_owned()),
    };
    let refused =
        |accepted: String| Error::Argument { name: argument, given: format!("{{\"{name}\": {value}}}"), accepted };
    let values = |given: &Value, operator: &str| match given {
        Value::Array(list) => list.iter().map(|item| operand(argument, name, item)).collect::<Result<Vec<_>>>(),
        _ => Err(refused(format!("\"{operator}\" with a list of values"))),
    };
    match value {
        Value::Object(operators) if !operators.is_empty() => {
            for (operator, to) in operators {
                let order = match operator.as_str() {
                    "<" => Order::Less,
                    "<=" => Order::AtMost,
                    ">" => Order::More,
                    ">=" => Order::AtLeast,
                    operator => {
                        let test = match operator {
                            "=" | "<>" => {
                                let to = match to {
                                    Value::Array(_) => values(to, operator)?,
                                    single => vec![operand(argument, name, single)?],
                                };
                                if operator == "=" { Test::Is(to) } else { Test::IsNot(to) }
                            }
                            "in" => Test::Is(values(to, operator)?),
                            "not in" => Test::IsNot(values(to, operator)?),
                            "exists" => match to {
                                Value::Bool(exists) => Test::Exists(*exists),
                                _ => return Err(refused("\"exists\" with true or false".to_owned())),
                            },
                            "contains" => match operand(argument, name, to)? {
                                Operand::Nothing => {
                                    return Err(refused("\"contains\" with a value that is not empty".to_owned()));
                                }
                                operand => Test::Contains(operand),
                            },
                            "like" => match to {
                                Value::String(pattern) if !ends_escaping(pattern) => Test::Like(pattern.clone()),
                                _ => {
                                    let accepted = "\"like\" with a pattern of LIKE, such as \"chat%\"".to_owned();
                                    return Err(refused(accepted));
                                }
                            },
                            _ => return Err(refused(format!("{name} with one of {OPERATORS}"))),
                        };
                        all.push(Condition::Test(key.clone(), test)); // few: keys of an argument
                        continue;
                    }
                };
                match operand(argument, name, to)? {
                    Operand::Nothing | Operand::Boolean(_) => {
                        return Err(refused(format!("\"{operator}\" with a number or a text")));
                    }
                    operand => all.push(Condition::Test(key.clone(), Test::Compare(order, operand))), // few
                }
            }
        }
        Value::Object(_) => return Err(refused(format!("{name} with one of {OPERATORS}"))),
        Value::Array(_) => all.push(Condition::Test(key, Test::Is(values(value, "in")?))),
        single => all.push(Condition::Test(key, Test::Is(vec![operand(argument, name, single)?]))),
    }
    Ok(())
}

/// Whether a pattern ends with a backslash that escapes nothing.
fn ends_escaping(pattern: &str) -> bool {
    pattern.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

fn operand(argument: &'static str, name: &str, value: &Value) -> Result<Operand> {
    Ok(match value {
        Value::Null => Operand::Nothing,
        Value::Bool(boolean) => Operand::Boolean(*boolean),
        Value::Number(number) => Operand::Number(number.clone()), // few: a value of an argument
        Value::String(text) if is_told(text.as_bytes()) => {
            let bytes = encoding::encoded(text)?.into_owned(); // few: a text of an argument
            Operand::Text(text.clone(), bytes) // few: likewise
        }
        Value::String(_) => Operand::Nothing,
        Value::Array(_) | Value::Object(_) => return wrong(argument, format!("{name}: {value}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn holds(condition: &str, value: Known<'_>) -> bool {
        Condition::parse("filter", condition).unwrap().holds(&|_| value)
    }

    #[test]
    fn values_pass_by_type_and_not_by_spelling() {
        let (text, five, nothing) = (Known::Text(b"pro"), Known::Number(5.0), Known::Nothing);
        for (condition, of_text, of_five, of_nothing) in [
            (r#"{"a": "pro"}"#, true, false, false),
            (r#"{"a": ["x", "pro", 5.0]}"#, true, true, false),
            (r#"{"a": null}"#, false, false, true),
            (r#"{"a": ""}"#, false, false, true),
            (r#"{"a": ["pro", null]}"#, true, false, true),
            (r#"{"a": []}"#, false, false, false),
            (r#"{"a": {"<>": "pro"}}"#, false, true, true),
            (r#"{"a": {"not in": ["pro", 5]}}"#, false, false, true),
            (r#"{"a": {"<>": null}}"#, true, true, false),
            (r#"{"a": {"exists": true}}"#, true, true, false),
            (r#"{"a": {">": 4, "<=": "5.00"}}"#, false, true, false),
            (r#"{"a": {">=": "pre", "<": "prp"}}"#, true, false, false),
            (r#"{"a": {"contains": "ro"}}"#, true, false, false),
            (r#"{"a": {"like": "p_%"}}"#, true, false, false),
            (r#"{"not": {"a": "pro"}}"#, false, true, true),
            (r#"{"any": [{"a": 5}, {"a": "pro"}]}"#, true, true, false),
            (r#"{"all": [{"a": 5}, {"a": "pro"}]}"#, false, false, false),
            ("{}", true, true, true),
        ] {
            let found = (holds(condition, text), holds(condition, five), holds(condition, nothing));
            assert_eq!(found, (of_text, of_five, of_nothing), "{condition}");
        }
        assert!(holds(r#"{"a": 5}"#, Known::Text(b"5.0")) && !holds(r#"{"a": "5"}"#, Known::Text(b"5.0")));
        assert!(holds(r#"{"a": true}"#, Known::Text(b"true")));
    }

    #[test]
    fn keys_say_what_they_are() {
        let condition = Condition::parse("filter", r#"{"a": 1, "property:b": 1, "column:any": 1}"#).unwrap();
        let keys = std::cell::RefCell::new(Vec::new());
        assert!(condition.holds(&|key| {
            keys.borrow_mut().push(key.clone());
            Known::Number(1.0)
        }));
        let keys = keys.into_inner();
        let of = |name: &str| name.to_owned();
        assert_eq!(keys, [Key::Named(of("a")), Key::Property(of("b")), Key::Column(of("any"))]);
    }

    #[test]
    fn what_is_wrong_is_quoted() {
        for (condition, given) in [
            ("[]", "[]"),
            (r#""a""#, r#""a""#),
            (r#"{"a": {"is": 1}}"#, r#"{"a": {"is":1}}"#),
            (r#"{"a": {}}"#, r#"{"a": {}}"#),
            (r#"{"a": [[1]]}"#, "a: [1]"),
            (r#"{"any": 1}"#, r#"{"any": 1}"#),
            (r#"{"not": []}"#, r#"{"not": []}"#),
            (r#"{"all": []}"#, r#"{"all": []}"#),
            (r#"{"any": [1]}"#, "1"),
            (r#"{"a": {"in": 1}}"#, r#"{"a": {"in":1}}"#),
            (r#"{"a": {"<": true}}"#, r#"{"a": {"<":true}}"#),
            (r#"{"a": {"like": "a\\"}}"#, r#"{"a": {"like":"a\\"}}"#),
            (r#"{"a": {"exists": 1}}"#, r#"{"a": {"exists":1}}"#),
        ] {
            match Condition::parse("filter", condition) {
                Err(Error::Argument { name: "filter", given: found, .. }) => assert_eq!(found, given),
                other => panic!("{condition}: {other:?}"),
            }
        }
        let deep = (0..20).fold(r#"{"a": 1}"#.to_owned(), |inner, _| format!(r#"{{"not": {inner}}}"#));
        assert!(Condition::parse("filter", &deep).is_err());
    }

    /// LIKE by its definition, letter by letter.
    fn like_slowly(text: &[char], pattern: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['%', rest @ ..] => (0..=text.len()).any(|taken| like_slowly(&text[taken..], rest)),
            ['\\', wanted, rest @ ..] => text.first() == Some(wanted) && like_slowly(&text[1..], rest),
            ['_', rest @ ..] => !text.is_empty() && like_slowly(&text[1..], rest),
            [wanted, rest @ ..] => text.first() == Some(wanted) && like_slowly(&text[1..], rest),
        }
    }

    proptest! {
        #[test]
        fn like_is_sqls(text in "[ab%_]{0,8}", pattern in r"([ab]|%|_|\\[ab%_\\]){0,6}") {
            let (characters, of_pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
            prop_assert_eq!(like(&text, &pattern), like_slowly(&characters, &of_pattern));
        }

        #[test]
        fn any_json_is_a_condition_or_an_error(text in r#"(\{|\}|\[|\]|"a"|"any"|"not"|"<"|:|,|1|null|true| ){0,14}"#) {
            let _ = Condition::parse("filter", &text).map(|condition| condition.holds(&|_| Known::Number(1.0)));
        }
    }
}
