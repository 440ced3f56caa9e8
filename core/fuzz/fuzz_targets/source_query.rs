//! Any `filter`, `by` and column name: a refusal, or a query in which nothing of the caller's stands outside of quotes.
//! The input is the filter, the segment and the name of a column, a line each.
#![no_main]

use libfuzzer_sys::fuzz_target;
use user_metrics_core::Error;
use user_metrics_core::catalog;
use user_metrics_core::function::Type;
use user_metrics_core::source::{Ask, Column, Relation, describe, source_query};

/// The types of the named column.
const TYPES: [Option<&str>; 11] = [
    Some("int4"),
    Some("text"),
    Some("numeric"),
    Some("float4"),
    Some("bool"),
    Some("timestamptz"),
    Some("date"),
    Some("uuid"),
    Some("_text"),
    Some("jsonb"),
    None,
];

fuzz_target!(|input: &str| {
    let mut lines = input.splitn(3, '\n');
    let (filter, by, name) = (lines.next(), lines.next(), lines.next().unwrap_or("model"));
    let column = |name: &str, base: Option<&str>| Column {
        name: name.to_owned(),
        base: base.map(str::to_owned),
        domain: input.len() % 7 == 0,
        shown: base.unwrap_or("other.type").to_owned(),
    };
    let relation = Relation {
        name: "\"public\".\"request_log\"".to_owned(),
        shown: "public.request_log".to_owned(),
        kind: "r".to_owned(),
        columns: vec![
            column("user_id", Some("text")),
            column("created_at", Some("timestamptz")),
            column("properties", Some("jsonb")),
            column(name, TYPES[input.len() % TYPES.len()]),
        ],
        may_be_another: input.len() % 13 == 0,
    };
    let owned = |text: &str| text.to_owned();
    let function = catalog::over_logs().collect::<Vec<_>>()[input.len() % catalog::over_logs().count()];
    let asked = function.arguments.iter().map(|argument| {
        let text = match argument.kind {
            Type::Relation => relation.to_json(),
            Type::Text => by.unwrap_or_default().to_owned(),
            _ => filter.unwrap_or_default().to_owned(),
        };
        (argument.name.to_owned(), text)
    });
    let ask = Ask {
        function,
        arguments: vec!["period".to_owned()],
        since: input.len() % 2 == 0,
        since_within_day: false,
        until: input.len() % 3 == 0,
        as_of: input.len() % 5 == 0,
        filter: filter.filter(|f| !f.is_empty()).map(owned),
        by: by.filter(|b| !b.is_empty()).map(owned),
        timezone: "UTC".to_owned(),
        timezone_is_default: true,
        asked: asked.collect(),
        area: None,
    };
    match source_query(&relation, &ask) {
        Ok(query) => only_ours(&query),
        Err(error) => assert!(
            matches!(error, Error::Argument { .. } | Error::NoColumn { .. } | Error::ColumnType { .. }),
            "refused as {error:?}"
        ),
    }
    if let Ok(query) = describe(&relation, &catalog::readers, 5) {
        only_ours(&query);
    }
});

/// Reads a query as PostgreSQL's scanner would and looks at what lies outside of literals and quoted names.
fn only_ours(query: &str) {
    let mut rest = query.chars().peekable();
    let (mut bare, mut depth) = (String::new(), 0i32);
    while let Some(c) = rest.next() {
        match c {
            '\'' | '"' => {
                let escapes = c == '\'' && bare.ends_with(" E");
                loop {
                    match rest.next().expect("every quote is closed") {
                        '\\' if escapes => drop(rest.next()),
                        end if end == c && rest.peek() == Some(&c) => drop(rest.next()),
                        end if end == c => break,
                        _ => {}
                    }
                }
                // So that words on both sides do not become one.
                bare.push('\'');
            }
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            _ => bare.push(c),
        }
        assert!(depth >= 0, "a bracket too many in {query}");
    }
    assert_eq!(depth, 0, "a bracket not closed in {query}");
    let ours = |c: char| c.is_ascii_alphanumeric() || " _$.,*:<>=|+-'@&#".contains(c);
    assert!(bare.chars().all(ours), "not ours: {bare}");
    assert!(!bare.contains("--"), "a comment in {query}");
}
