//! Conditions on requests as SQL predicates, such that PostgreSQL can use indexes on columns and prune partitions: a column is
//! compared in its own type, with literals of that type.

use super::condition::{Condition, Key, Operand, Order, Test};
use super::{Found, Relation, is_json, literal};
use crate::base::error::{Error, Result};
use crate::base::user_table::uuid_digits;
use chrono::{DateTime, NaiveDate, NaiveDateTime};

/// How a column or property is compared.
enum Class {
    Integer,
    /// With the name of the type.
    Fraction(&'static str),
    Boolean,
    Uuid,
    /// With the name of the type.
    Time(&'static str),
    /// Of a text type.
    Text,
    /// A property: the expression of the JSON value.
    Property(String),
    /// A column of JSON.
    Json(String),
    List,
    /// A type that is compared in its text form.
    Other,
}

impl Found {
    fn class(&self) -> Class {
        if let Some((object, key)) = &self.property {
            return Class::Property(format!("({object} -> {})", literal(key)));
        }
        match self.base.as_str() {
            "int2" | "int4" | "int8" => Class::Integer,
            "float4" => Class::Fraction("float4"),
            "float8" => Class::Fraction("float8"),
            "numeric" => Class::Fraction("numeric"),
            "bool" => Class::Boolean,
            "uuid" => Class::Uuid,
            "timestamptz" => Class::Time("timestamptz"),
            "timestamp" => Class::Time("timestamp"),
            "date" => Class::Time("date"),
            "text" | "varchar" => Class::Text,
            "jsonb" => Class::Json(self.expression.clone()),
            base if is_json(base) => Class::Json(format!("({})::pg_catalog.jsonb", self.expression)),
            base if base.starts_with('_') || self.shown.ends_with("[]") => Class::List,
            _ => Class::Other,
        }
    }

    /// Its text form.
    fn as_text(&self) -> String {
        match self.base.as_str() {
            "text" | "varchar" => self.expression.clone(),
            "json" | "jsonb" if self.property.is_none() => format!("({} #>> '{{}}')", self.expression),
            _ => format!("({})::pg_catalog.text", self.expression),
        }
    }
}

/// The number that a text is.
fn number_of(text: &str) -> String {
    format!("user_metrics_internal.number({text})")
}

/// A double as SQL.
fn double(number: f64) -> String {
    format!("'{number:?}'::pg_catalog.float8")
}

fn is_one_of(x: &str, values: &[String]) -> Option<String> {
    (!values.is_empty()).then(|| format!("{x} IN ({})", values.join(", ")))
}

/// An operand as JSON.
fn json_of(operand: &Operand) -> Option<String> {
    let json = match operand {
        Operand::Nothing => return None,
        Operand::Text(text, _) => serde_json::Value::String(text.clone()).to_string(), // few: a value of an argument
        Operand::Number(number) => number.to_string(),
        Operand::Boolean(boolean) => boolean.to_string(),
    };
    Some(format!("{}::pg_catalog.jsonb", literal(&json)))
}

/// The JSON values that an operand is: a text that spells a number or a boolean is also that.
fn jsons_of(operand: &Operand) -> Vec<String> {
    let mut all: Vec<String> = json_of(operand).into_iter().collect(); // few: at most two
    if let Operand::Text(text, _) = operand
        && matches!(serde_json::from_str(text), Ok(serde_json::Value::Number(_) | serde_json::Value::Bool(_)))
    {
        all.push(format!("{}::pg_catalog.jsonb", literal(text)));
    }
    all
}

/// JSON that is one of these values, or a list with one of them.
fn json_is(x: &str, values: &[String]) -> Option<String> {
    match values {
        [] => None,
        [one] => Some(format!("{x} @> {one}")),
        several => Some(format!("{x} @> ANY (ARRAY[{}])", several.join(", "))),
    }
}

/// A time of an argument, in a form that means the same in every session: without an offset it is UTC.
fn time_of(operand: &Operand) -> Option<DateTime<chrono::Utc>> {
    let Operand::Text(text, _) = operand else { return None };
    let text = text.trim();
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(date.and_time(chrono::NaiveTime::MIN).and_utc());
    }
    let zoned = ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z", "%Y-%m-%d %H:%M%#z"];
    let text = text.strip_suffix(['Z', 'z']).map_or(text.to_owned(), |rest| format!("{rest}+00"));
    if let Some(time) = zoned.iter().find_map(|form| DateTime::parse_from_str(&text, form).ok()) {
        return Some(time.to_utc());
    }
    let local = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];
    local.iter().find_map(|form| NaiveDateTime::parse_from_str(&text, form).ok()).map(|time| time.and_utc())
}

/// A time as a literal of a type of times.
fn time_literal(time: DateTime<chrono::Utc>, kind: &str) -> String {
    let shown = match kind {
        "timestamptz" => time.format("%Y-%m-%d %H:%M:%S%.6f+00").to_string(),
        "timestamp" => time.format("%Y-%m-%d %H:%M:%S%.6f").to_string(),
        _ => time.format("%Y-%m-%d").to_string(),
    };
    format!("'{shown}'::pg_catalog.{kind}")
}

/// Where a comparison with a fraction is one with a whole number: `< 1.5` is `<= 1`.
fn whole(order: Order, to: f64) -> (Order, i64) {
    match order {
        _ if to.fract() == 0.0 => (order, to as i64),
        Order::Less | Order::AtMost => (Order::AtMost, to.floor() as i64),
        Order::More | Order::AtLeast => (Order::AtLeast, to.ceil() as i64),
    }
}

impl Relation {
    /// The predicates of a condition given in an argument, all of which must hold.
    pub(super) fn predicates(&self, argument: &'static str, condition: Option<&str>) -> Result<Vec<String>> {
        let Some(condition) = condition else { return Ok(Vec::new()) };
        match Condition::parse(argument, condition)? {
            // few: keys of an argument
            Condition::All(all) => all.iter().map(|one| self.predicate(argument, one)).collect(),
            one => Ok(vec![self.predicate(argument, &one)?]),
        }
    }

    fn predicate(&self, argument: &'static str, condition: &Condition) -> Result<String> {
        let all = |conditions: &[Condition], word: &str, none: &str| -> Result<String> {
            let each = conditions.iter().map(|one| self.predicate(argument, one));
            let each = each.collect::<Result<Vec<_>>>()?; // few: keys of an argument
            Ok(if each.is_empty() { none.to_owned() } else { format!("({})", each.join(word)) })
        };
        match condition {
            Condition::All(conditions) => all(conditions, " AND ", "true"),
            Condition::Any(conditions) => all(conditions, " OR ", "false"),
            Condition::Not(one) => Ok(format!("({} IS NOT TRUE)", self.predicate(argument, one)?)),
            Condition::Test(key, test) => {
                let found = match key {
                    Key::Named(name) => self.named(&format!(" with {argument} on {name}"), name)?,
                    Key::Property(name) => self.property(name)?,
                    Key::Column(name) => self.own_column(argument, name)?,
                };
                passes(&found, argument, key, test)
            }
        }
    }

    fn own_column(&self, argument: &'static str, name: &str) -> Result<Found> {
        let column = self.column(name).map(|column| column.found(self.may_be_another));
        column.ok_or_else(|| {
            let columns = self.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(); // few: columns
            Error::not_one_of(argument, &format!("column:{name}"), &columns)
        })
    }
}

/// That a value passes a test.
fn passes(found: &Found, argument: &'static str, key: &Key, test: &Test) -> Result<String> {
    let (x, text) = (&found.expression, found.as_text());
    let refused = |order: Order, operand: &Operand, accepted: &str| {
        let (Key::Named(name) | Key::Property(name) | Key::Column(name)) = key;
        let given = format!("{name} {} {}", order.sql(), operand.text().unwrap_or_default());
        let accepted = format!("{accepted} for {name}, which is of type {}", found.shown);
        Err(Error::Argument { name: argument, given, accepted })
    };
    Ok(match test {
        Test::Is(operands) => is(found, operands),
        Test::IsNot(operands) => format!("({} IS NOT TRUE)", is(found, operands)),
        Test::Exists(true) => format!("({} IS NOT NULL)", told(found)),
        Test::Exists(false) => format!("({} IS NULL)", told(found)),
        Test::Like(pattern) => format!("(({text}) COLLATE \"C\" LIKE {})", literal(pattern)),
        Test::Contains(operand) => {
            let part = literal(&operand.text().unwrap_or_default());
            let json = json_of(operand).unwrap_or_default();
            let in_text = |text: &str| format!("pg_catalog.strpos({text} COLLATE \"C\", {part} COLLATE \"C\") > 0");
            match found.class() {
                Class::List => format!("({part} = ANY (({x})::pg_catalog.text[]))"),
                Class::Property(value) | Class::Json(value) => format!(
                    "(CASE pg_catalog.jsonb_typeof({value}) WHEN 'array' THEN {value} @> {json} \
                     WHEN 'object' THEN false ELSE {} END)",
                    in_text(&text)
                ),
                _ => format!("({})", in_text(&text)),
            }
        }
        Test::Compare(order, operand) => {
            let (sql, number) = (order.sql(), operand.number());
            match (found.class(), number) {
                (Class::Integer, Some(to)) => {
                    let (order, to) = whole(*order, to);
                    format!("({x} {} {to})", order.sql())
                }
                // PostgreSQL sorts NaN above all numbers.
                (Class::Fraction(kind), Some(to)) if matches!(order, Order::More | Order::AtLeast) => {
                    format!("({x} {sql} '{to:?}'::pg_catalog.{kind} AND {x} <> 'NaN')")
                }
                (Class::Fraction(kind), Some(to)) => format!("({x} {sql} '{to:?}'::pg_catalog.{kind})"),
                (Class::Integer | Class::Fraction(_), None) => {
                    return refused(*order, operand, "a number");
                }
                (Class::Time(kind), _) => match time_of(operand) {
                    Some(time) => format!("({x} {sql} {})", time_literal(time, kind)),
                    None => {
                        return refused(*order, operand, "a time such as \"2024-03-01\" or \"2024-03-01T12:00:00Z\"");
                    }
                },
                (Class::Boolean | Class::List | Class::Uuid, _) => {
                    return refused(*order, operand, "=, <>, in, not in, exists or contains");
                }
                (Class::Text | Class::Property(_) | Class::Json(_) | Class::Other, _) => match operand {
                    Operand::Number(_) => {
                        format!("({} {sql} {})", number_of(&text), double(number.unwrap_or(f64::NAN)))
                    }
                    operand => {
                        let to = literal(&operand.text().unwrap_or_default());
                        format!("({text} COLLATE \"C\" {sql} {to})")
                    }
                },
            }
        }
    })
}

/// A value, NULL if it tells nothing.
fn told(found: &Found) -> String {
    match found.class() {
        Class::Text | Class::Property(_) | Class::Json(_) | Class::Other => {
            format!("user_metrics_internal.told({})", found.as_text())
        }
        _ => found.expression.clone(),
    }
}

/// That a value is one of these operands.
fn is(found: &Found, operands: &[Operand]) -> String {
    let x = &found.expression;
    let each = |write: &dyn Fn(&Operand) -> Option<String>| -> Vec<String> {
        operands.iter().filter_map(write).collect() // few: values of an argument
    };
    let texts = || each(&|operand| operand.text().map(|text| literal(&text)));
    let mut either: Vec<Option<String>> = vec![match found.class() {
        Class::Integer => {
            let whole = |number: &f64| number.fract() == 0.0 && number.abs() < 9.2e18;
            let numbers = each(&|operand| match operand {
                Operand::Number(number) if number.is_i64() => Some(number.to_string()),
                other => other.number().filter(whole).map(|number| (number as i64).to_string()),
            });
            is_one_of(x, &numbers)
        }
        Class::Fraction("numeric") => is_one_of(
            x,
            &each(&|operand| match operand {
                Operand::Number(number) => Some(format!("'{number}'::pg_catalog.numeric")),
                other => other.number().map(|number| format!("'{number:?}'::pg_catalog.numeric")),
            }),
        ),
        Class::Fraction(kind) => {
            is_one_of(x, &each(&|operand| operand.number().map(|number| format!("'{number:?}'::pg_catalog.{kind}"))))
        }
        Class::Boolean => is_one_of(
            x,
            &each(&|operand| match operand.text()?.as_str() {
                "true" | "t" => Some("true".to_owned()),
                "false" | "f" => Some("false".to_owned()),
                _ => None,
            }),
        ),
        Class::Uuid => is_one_of(
            x,
            &each(&|operand| {
                uuid_digits(&operand.text()?).map(|digits| format!("{}::pg_catalog.uuid", literal(&digits)))
            }),
        ),
        Class::Time(kind) => is_one_of(x, &each(&|operand| time_of(operand).map(|time| time_literal(time, kind)))),
        Class::Property(value) | Class::Json(value) => {
            json_is(&value, &operands.iter().flat_map(jsons_of).collect::<Vec<_>>()) // few: values of an argument
        }
        Class::List => {
            let texts = texts();
            (!texts.is_empty())
                .then(|| format!("({x})::pg_catalog.text[] && ARRAY[{}]::pg_catalog.text[]", texts.join(", ")))
        }
        Class::Text | Class::Other => {
            let texts = each(&|operand| match operand {
                Operand::Number(_) => None,
                other => other.text().map(|text| literal(&text)),
            });
            is_one_of(&found.as_text(), &texts)
        }
    }];
    // A text that is a number.
    if matches!(found.class(), Class::Text | Class::Property(_) | Class::Json(_) | Class::Other) {
        let numbers = each(&|operand| match operand {
            Operand::Number(_) => operand.number().map(double),
            _ => None,
        });
        either.push(is_one_of(&number_of(&found.as_text()), &numbers));
    }
    if operands.contains(&Operand::Nothing) {
        either.push(Some(format!("{} IS NULL", told(found))));
    }
    let either = either.into_iter().flatten().collect::<Vec<_>>(); // few: at most three
    if either.is_empty() { "false".to_owned() } else { format!("({})", either.join(" OR ")) }
}
