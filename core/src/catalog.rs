//! Every declared function and aggregate by topic, and what is generated from the declarations: SQL, the view
//! `user_metrics.functions`, the C symbols of the glue and docs/reference.md.

use crate::function::aggregate::Aggregate;
use crate::function::{Function, Reads};
use crate::source::{ALWAYS, columns_read};
use crate::{
    activity, assignment, experiment, funnel, journey, predictors, segments, sessions, stages, survival, usage, users,
};

pub mod aggregates;
pub mod entries;
pub mod reference;
pub mod sql;
pub mod stored;

const TOPICS: &[&[&[&Function]]] = &[
    &[activity::FUNCTIONS],
    &[sessions::FUNCTIONS],
    &[funnel::FUNCTIONS],
    &[survival::FUNCTIONS],
    &[usage::FUNCTIONS],
    &[segments::FUNCTIONS],
    users::FUNCTIONS,
    journey::FUNCTIONS,
    predictors::FUNCTIONS,
    &[stages::FUNCTIONS],
    &[assignment::FUNCTIONS],
    experiment::FUNCTIONS,
];

const OF_REQUESTS: &[&[&Function]] = &[activity::OF_REQUESTS, predictors::OF_REQUESTS];

/// Every function that a function over a value calls for what the value cannot tell.
pub fn all_of_requests() -> impl Iterator<Item = &'static Function> {
    OF_REQUESTS.iter().copied().flatten().copied()
}

/// The one that a function over a value calls.
pub fn of_requests(function: &Function) -> Option<&'static Function> {
    let is_its = |of: &&Function| of.name == function.name && matches!(function.reads, Reads::Activity(_));
    all_of_requests().find(is_its)
}

/// Every aggregate over requests.
pub const AGGREGATES: &[&Aggregate] = &[&activity::AGGREGATE, &sessions::AGGREGATE, &funnel::AGGREGATE];

/// Every function, by topic.
pub fn all() -> impl Iterator<Item = &'static Function> {
    TOPICS.iter().copied().flatten().copied().flatten().copied()
}

/// The functions with a form over a log.
pub fn over_logs() -> impl Iterator<Item = &'static Function> {
    all().filter(|function| function.reads.is_over_log())
}

/// The function over a log with a given name.
pub fn named(name: &str) -> Option<&'static Function> {
    over_logs().find(|function| function.name == name)
}

/// The functions that read a canonical column, as text; any column may also be named in `by` and `filter`.
pub fn readers(column: &str) -> String {
    if ALWAYS.contains(&column) {
        return "every function".to_owned();
    }
    let reads = over_logs().filter(|function| columns_read(function).any(|(read, _)| read == column));
    // few: functions
    reads.map(|function| function.name).chain(["by", "filter"]).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::Result;
    use crate::function::{Argument, Function, NO_DEFAULT, Role};
    use crate::source::{ALWAYS, Ask, CANONICAL, Column, Metrics, Relation, columns_read, source_query};

    /// The query of a function over a log with exactly these columns.
    fn query(function: &'static Function, columns: &[&str]) -> Result<String> {
        let base = |name: &str| match name {
            "occurred_at" => "timestamptz",
            "latency_ms" | "cost_usd" | "revenue_usd" | "rating" | "prompt_tokens" | "completion_tokens"
            | "cached_tokens" | "reasoning_tokens" | "ttft_ms" => "float8",
            "succeeded" => "bool",
            "properties" => "jsonb",
            _ => "text",
        };
        let column = |name: &&str| Column {
            name: (*name).to_owned(),
            base: Some(base(name).to_owned()),
            domain: false,
            shown: base(name).to_owned(),
        };
        let relation = Relation {
            name: "log".to_owned(),
            shown: "log".to_owned(),
            kind: "r".to_owned(),
            columns: columns.iter().map(column).collect(),
            may_be_another: false,
        };
        let arguments = function.arguments;
        let has_properties = columns.contains(&"properties");
        let property = |argument: &&Argument| match argument.role {
            Role::Property => true,
            Role::Column => has_properties && argument.default != NO_DEFAULT,
            _ => false,
        };
        let properties =
            arguments.iter().filter(property).map(|argument| (argument.name.to_owned(), "tier".to_owned()));
        // Metrics that need all of them.
        let metrics = ["session_id", "succeeded", "cost_usd", "revenue_usd", "latency_ms", "rating"];
        let metrics = metrics.iter().filter(|column| columns.contains(column)).map(|column| match *column {
            "session_id" => Some("sessions".to_owned()),
            "succeeded" => Some("answered_rate".to_owned()),
            column => Some(column.to_owned()),
        });
        let metrics = [Some("answered_rate".to_owned())].into_iter().chain(metrics).collect::<Vec<_>>();
        let of_metrics = arguments.iter().filter(|argument| matches!(argument.role, Role::Metrics));
        let of_metrics = of_metrics.map(|argument| (argument.name.to_owned(), Metrics::asked(&metrics)));
        // Plans whose limits are in every unit.
        let plans = r#"{"a": {"limit": 1, "of": "tokens"}, "b": {"limit": 1, "of": "cost_usd"}}"#;
        let of_plans = arguments.iter().filter(|argument| matches!(argument.role, Role::Wants(..)));
        let of_plans = of_plans.map(|argument| (argument.name.to_owned(), plans.to_owned()));
        let ask = Ask {
            timezone: "UTC".to_owned(),
            asked: properties.chain(of_metrics).chain(of_plans).collect(),
            ..Ask::of(function).unwrap()
        };
        source_query(&relation, &ask)
    }

    #[test]
    fn a_declared_function_needs_what_it_says_and_reads_the_rest() {
        for function in over_logs() {
            let name = function.name;
            let needed = columns_read(function).filter(|(_, must_be_there)| *must_be_there).map(|(column, _)| column);
            let needed = ALWAYS.into_iter().chain(needed).collect::<Vec<_>>();
            assert!(query(function, &needed).is_ok(), "{name} needs more than it says");
            for column in &needed {
                let others = needed.iter().filter(|other| *other != column).copied().collect::<Vec<_>>();
                assert!(query(function, &others).is_err(), "{name} does not need {column}");
            }
            for (column, _) in columns_read(function) {
                let read = query(function, &[&needed[..], &[column]].concat()).unwrap();
                assert!(read.contains(&format!("\"{column}\"")), "{name} does not read {column}");
            }
        }
    }

    #[test]
    fn what_is_read_is_a_canonical_column() {
        for function in over_logs() {
            for (column, _) in columns_read(function) {
                assert!(CANONICAL.iter().any(|canonical| canonical.name == column), "{column} of {function:?}");
            }
        }
        assert_eq!(readers("user_id"), "every function");
        assert_eq!(readers("prompt"), "adoption_barriers, by, filter");
    }
}
