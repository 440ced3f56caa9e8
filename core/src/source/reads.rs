//! Which function reads which columns, beside users and times: what `describe_source` tells, and the names that messages use.

use crate::function::{self, AS_TEXT, Argument, NO_DEFAULT, REQUIRED, Reads, Role};

/// The canonical columns that every function needs.
pub const ALWAYS: [&str; 2] = ["user_id", "occurred_at"];

/// Functions over a log, and the canonical columns each of them reads; any may also be named in `filter` and `by`. With `!`
/// behind it the log must have the column, or the function is refused; who reads a log row by row says so in SQL. Functions
/// that fold requests declare their columns, and are listed for the order in which they are named; of those that metrics ask for
/// they are listed here.
const READS: &[(&str, &[&str])] = &[
    ("session_stats", &["session_id", "latency_ms", "status", "succeeded"]),
    ("session_time", &["session_id", "latency_ms!"]),
    ("session_hazard", &["session_id", "latency_ms", "status", "succeeded"]),
    ("session_list", &[]),
    ("usage_patterns", &[]),
    ("peak_hours", &[]),
    ("usage_heatmap", &[]),
    ("feature_usage", &[]),
    ("model_usage", &[]),
    ("model_stickiness", &[]),
    ("model_switches", &[]),
    ("request_complexity", &[]),
    ("segment_users", &[]),
    ("segment_user", &[]),
    ("segment_summary", &[]),
    ("user_profile", &[]),
    ("user_metrics_row", &[]),
    ("preferred_models", &[]),
    ("favorite_features", &[]),
    ("benchmark_users", &[]),
    ("user_properties", &[]),
    ("plan_usage", &[]),
    ("funnel", &[]),
    ("funnel_users", &[]),
    ("paths", &[]),
    ("first_sessions", &[]),
    ("first_session_list", &[]),
    ("activation_milestones", &[]),
    ("feature_adoption", &[]),
    ("adoption_barriers", &[]),
    ("feature_timing", &[]),
    ("usage_evolution", &[]),
    ("usage_evolution_json", &[]),
    ("retention_drivers", &[]),
    ("churn_indicators", &[]),
    ("activation_threshold", &[]),
    ("seasonality", &[]),
    ("lifecycle_stage", &[]),
    ("lifecycle_transitions", &[]),
    ("acquisition", &[]),
    ("ab_compare", &["session_id", "cost_usd", "revenue_usd", "latency_ms", "status", "succeeded", "rating"]),
    ("ab_segments", &["session_id", "cost_usd", "revenue_usd", "latency_ms", "status", "succeeded", "rating"]),
    ("assignment_audit", &[]),
];

/// The canonical columns that a function reads in addition to [`ALWAYS`], and whether the log must have each.
pub fn columns_read(function: &str) -> impl Iterator<Item = (&'static str, bool)> {
    let columns = READS.iter().filter(move |(reader, _)| *reader == function).flat_map(|(_, columns)| *columns);
    let listed = columns.map(|column| column.strip_suffix('!').map_or((*column, false), |column| (column, true)));
    let declared = function::named(function).and_then(|function| match function.reads {
        Reads::Requests(requests) => Some((function, requests)),
        _ => None,
    });
    listed.chain(declared.into_iter().flat_map(|(function, requests)| {
        let of_property = function.arguments.iter().any(|argument| matches!(argument.role, Role::Property));
        // A column that is read unless another is named is mostly one of them.
        let has_default = |argument: &Argument| ![NO_DEFAULT, REQUIRED].contains(&argument.default);
        let by_default = |argument: &Argument| matches!(argument.role, Role::Column) && has_default(argument);
        let may_be_property = function.arguments.iter().any(by_default);
        let properties = (of_property || may_be_property).then_some(("properties", of_property));
        // Where no column says whether a request succeeded, its status does.
        let instead = requests.columns.contains(&"succeeded").then_some(("status", false));
        let needed = requests.needed.iter().map(|column| (*column, true));
        // What is read as text, too, is one column.
        let used = requests.columns.iter().filter(|column| !column.ends_with(AS_TEXT));
        needed.chain(used.map(|column| (*column, false))).chain(instead).chain(properties)
    }))
}

/// The functions that read a canonical column, in words.
pub fn readers(column: &str) -> String {
    if ALWAYS.contains(&column) {
        return "every function".to_owned();
    }
    let functions = READS.iter().map(|(function, _)| *function);
    let reads = functions.filter(|function| columns_read(function).any(|(read, _)| read == column));
    reads.chain(["by", "filter"]).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::{Analysis, Ask, CANONICAL, Column, Metrics, Relation, source_query};
    use super::*;
    use crate::error::Result;

    /// The query of a function over a log that has these columns and no others.
    fn query(function: &str, columns: &[&str]) -> Result<String> {
        let base = |name: &str| match name {
            "occurred_at" => "timestamptz",
            "latency_ms" | "cost_usd" | "revenue_usd" | "rating" | "prompt_tokens" | "completion_tokens" => "float8",
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
        let arguments = function::named(function).map_or(&[][..], |function| function.arguments);
        let has_properties = columns.contains(&"properties");
        let property = |argument: &&Argument| match argument.role {
            Role::Property => true,
            Role::Column => has_properties && argument.default != NO_DEFAULT,
            _ => false,
        };
        let properties =
            arguments.iter().filter(property).map(|argument| (argument.name.to_owned(), "tier".to_owned()));
        // Metrics that ask for all of them.
        let metrics = ["session_id", "succeeded", "cost_usd", "revenue_usd", "latency_ms", "rating"];
        let metrics = metrics.iter().filter(|column| columns.contains(column)).map(|column| match *column {
            "session_id" => Some("sessions".to_owned()),
            "succeeded" => Some("success_rate".to_owned()),
            column => Some(column.to_owned()),
        });
        let metrics = [Some("success_rate".to_owned())].into_iter().chain(metrics).collect::<Vec<_>>();
        let of_metrics = arguments.iter().filter(|argument| matches!(argument.role, Role::Metrics));
        let of_metrics = of_metrics.map(|argument| (argument.name.to_owned(), Metrics::asked(&metrics)));
        let ask = Ask {
            analysis: Analysis::named(function).unwrap(),
            arguments: Vec::new(),
            since: false,
            since_within_day: false,
            until: false,
            as_of: false,
            filter: None,
            by: None,
            timezone: "UTC".to_owned(),
            timezone_is_default: true,
            asked: properties.chain(of_metrics).collect(),
            area: None,
        };
        source_query(&relation, &ask)
    }

    #[test]
    fn a_declared_function_needs_what_it_says_and_reads_the_rest() {
        for function::Function { name, .. } in function::over_logs() {
            let needed = columns_read(name).filter(|(_, must_be_there)| *must_be_there).map(|(column, _)| column);
            let needed = ALWAYS.into_iter().chain(needed).collect::<Vec<_>>();
            assert!(query(name, &needed).is_ok(), "{name} needs more than it says");
            for column in &needed {
                let others = needed.iter().filter(|other| *other != column).copied().collect::<Vec<_>>();
                assert!(query(name, &others).is_err(), "{name} does not need {column}");
            }
            for (column, _) in columns_read(name) {
                let read = query(name, &[&needed[..], &[column]].concat()).unwrap();
                assert!(read.contains(&format!("\"{column}\"")), "{name} does not read {column}");
            }
        }
    }

    #[test]
    fn what_is_read_is_a_canonical_column() {
        for (function, _) in READS {
            for (column, _) in columns_read(function) {
                assert!(CANONICAL.iter().any(|canonical| canonical.name == column), "{column} of {function}");
            }
        }
        assert_eq!(readers("user_id"), "every function");
        assert_eq!(readers("prompt"), "adoption_barriers, by, filter");
    }
}
