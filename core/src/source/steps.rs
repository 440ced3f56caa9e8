//! Which steps of a funnel a request is, as the bits of a number.

use super::query::condition;
use super::{Relation, literal};
use crate::error::Result;
use crate::funnel::MOST_STEPS;
use crate::{host, json};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};

/// What a filter wants, by the caller's names: the texts that one of must be found, `None` where NULL is among them. Nothing
/// of what is no filter.
type Wanted = BTreeMap<String, Option<Vec<String>>>;

fn wanted(filter: &str) -> Wanted {
    let filter: Map<String, Value> = json::parse(filter).unwrap_or_default();
    filter.into_iter().map(|(name, value)| (name, texts(value))).collect()
}

fn texts(value: Value) -> Option<Vec<String>> {
    let values = if let Value::Array(list) = value { list } else { vec![value] };
    let text = |value| match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    };
    values.into_iter().map(text).collect()
}

/// Which steps no request can be at once with each step: they want other values of the same thing. Every value is looked at
/// once, however many steps want it.
fn exclusive(relation: &Relation, steps: &[Wanted]) -> Vec<u64> {
    let mut names: BTreeMap<&str, Vec<(usize, &[String])>> = BTreeMap::new();
    for (n, step) in steps.iter().enumerate().take(MOST_STEPS) {
        for (name, texts) in step {
            if let Some(texts) = texts {
                names.entry(name).or_default().push((n, texts));
            }
        }
    }
    let mut exclusive = vec![0; steps.len()];
    for (name, wanting) in names {
        if wanting.len() < 2 || !relation.is_exact(name) {
            continue;
        }
        let mut by_text: HashMap<&str, u64> = HashMap::new();
        for (n, texts) in &wanting {
            host::poll();
            for text in *texts {
                *by_text.entry(text).or_default() |= 1 << n;
            }
        }
        let all = wanting.iter().fold(0, |all, (n, _)| all | 1 << n);
        for (n, texts) in wanting {
            let alike = texts.iter().fold(1 << n, |alike, text| alike | by_text[text.as_str()]);
            exclusive[n] |= all & !alike;
        }
    }
    exclusive
}

/// Which of some filters a row passes, as the bits of a number: bit 0 is the first. Those that exclude one another are one
/// CASE, which ends with the first that fits; or one call, where all compare the same column with some texts.
pub(super) fn step_bits(relation: &Relation, filters: &[String]) -> Result<String> {
    let steps = filters.iter().map(|filter| wanted(filter)).collect::<Vec<_>>();
    let exclusive = exclusive(relation, &steps);
    let mut cases: Vec<(u64, Vec<usize>)> = Vec::new();
    for (n, others) in exclusive.iter().enumerate() {
        let bit = 1u64.checked_shl(n as u32).unwrap_or(0);
        match cases.iter_mut().find(|(case, _)| *case & !others == 0) {
            Some((case, list)) => {
                *case |= bit;
                list.push(n);
            }
            None => cases.push((bit, vec![n])),
        }
    }
    let when = |&n: &usize| {
        host::poll();
        let bit = 1u64.checked_shl(n as u32).unwrap_or(0) as i64;
        Ok(format!("WHEN {} THEN '{bit}'::pg_catalog.int8 ", condition(relation, "steps", &filters[n])?))
    };
    let case = |(_, case): &(u64, Vec<usize>)| match steps_of_text(relation, &steps, case) {
        Some(call) => Ok(call),
        None => Ok(format!("CASE {}ELSE 0 END", case.iter().map(when).collect::<Result<String>>()?)),
    };
    Ok(cases.iter().map(case).collect::<Result<Vec<_>>>()?.join(" | "))
}

/// The call that tells which of several steps a row is by one text.
fn steps_of_text(relation: &Relation, steps: &[Wanted], case: &[usize]) -> Option<String> {
    let compared = case.iter().map(|&n| compared(relation, &steps[n]).map(|(column, texts)| (n, column, texts)));
    let compared = compared.collect::<Option<Vec<_>>>().filter(|compared| compared.len() > 1)?;
    let (_, column, _) = compared.first()?;
    if compared.iter().any(|(_, other, _)| other != column) {
        return None;
    }
    let pairs = || compared.iter().flat_map(|(n, _, texts)| texts.iter().map(move |text| (n, text)));
    let texts = pairs().map(|(_, text)| literal(text)).collect::<Vec<_>>().join(", ");
    let steps = pairs().map(|(n, _)| n.to_string()).collect::<Vec<_>>().join(", ");
    Some(format!(
        "user_metrics_internal.steps_of_text({column}, ARRAY[{texts}]::pg_catalog.text[], \
         ARRAY[{steps}]::pg_catalog.float8[])"
    ))
}

/// The expression that a step compares with some texts byte by byte, and these, if that is all it does.
fn compared<'a>(relation: &Relation, step: &'a Wanted) -> Option<(String, &'a [String])> {
    let (name, texts) = step.iter().next().filter(|_| step.len() == 1)?;
    let found = relation.named("", name).ok().filter(|found| matches!(found.base.as_str(), "text" | "varchar"))?;
    if relation.is_exact(name) { Some((found.expression, texts.as_deref()?)) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> Relation {
        let columns = r#"[{"name": "feature", "type": "text", "shown": "text", "exact": true},
            {"name": "model", "type": "text", "shown": "text", "exact": true},
            {"name": "loose", "type": "text", "shown": "text", "exact": false}]"#;
        Relation::parse(&format!(r#"{{"name": "log", "shown": "log", "kind": "r", "columns": {columns}}}"#)).unwrap()
    }

    #[test]
    fn steps_that_want_other_values_of_one_thing_exclude_each_other() {
        let steps = [
            r#"{"feature": "a"}"#,
            r#"{"feature": ["b", "c"], "model": "m"}"#,
            r#"{"feature": ["c", 5]}"#,
            r#"{"feature": null}"#,
            r#"{"model": ["x", null]}"#,
            r#"{"model": "y"}"#,
            r#"{"loose": "a"}"#,
            r#"{"loose": "b"}"#,
            "{}",
        ]
        .map(wanted);
        let bits = |steps: &[usize]| steps.iter().fold(0, |bits, n| bits | 1u64 << n);
        let expected = [bits(&[1, 2]), bits(&[0, 5]), bits(&[0]), 0, 0, bits(&[1]), 0, 0, 0];
        assert_eq!(exclusive(&log(), &steps), expected);
    }

    #[test]
    fn many_values_are_composed_in_proportion() {
        let list = |n: usize| (0..2_000).map(|i| format!("\"{n} {i}\"")).collect::<Vec<_>>().join(",");
        let steps = (0..MOST_STEPS).map(|n| format!(r#"{{"feature": [{}]}}"#, list(n))).collect::<Vec<_>>();
        let bits = step_bits(&log(), &steps).unwrap();
        assert!(bits.starts_with("user_metrics_internal.steps_of_text(\"feature\", ARRAY['0 0', "));
        assert_eq!(bits.matches("steps_of_text").count(), 1);
    }
}
