//! Which function reads which columns, beside users and times: what `describe_source` tells, and the names that messages use.

/// Functions over a log, and the canonical columns each of them reads; any may also be named in `filter` and `by`.
const READS: &[(&str, &[&str])] = &[
    ("session_stats", &["session_id", "latency_ms", "status", "succeeded"]),
    ("session_time", &["session_id", "latency_ms"]),
    ("session_hazard", &["session_id", "latency_ms", "status", "succeeded"]),
    ("session_list", &["session_id", "latency_ms", "status", "succeeded"]),
    ("usage_patterns", &["prompt_tokens", "completion_tokens", "cost_usd"]),
    ("peak_hours", &[]),
    ("usage_heatmap", &[]),
    ("feature_usage", &["feature", "cost_usd", "latency_ms", "status", "succeeded"]),
    ("model_usage", &["model", "cost_usd", "latency_ms", "status", "succeeded"]),
    ("model_stickiness", &["request_id", "model", "status", "succeeded"]),
    ("model_switches", &["request_id", "model", "status", "succeeded"]),
    ("request_complexity", &["request_id", "session_id", "model", "prompt_tokens", "completion_tokens"]),
    ("segment_users", &[]),
    ("segment_user", &[]),
    ("segment_summary", &[]),
    ("user_profile", &["session_id", "model", "feature", "cost_usd", "latency_ms", "status", "succeeded", "rating"]),
    (
        "user_metrics_row",
        &["session_id", "model", "feature", "cost_usd", "latency_ms", "status", "succeeded", "rating"],
    ),
    ("preferred_models", &["model", "latency_ms", "status", "succeeded", "rating"]),
    ("favorite_features", &["feature"]),
    ("benchmark_users", &["session_id", "feature", "latency_ms", "status", "succeeded", "rating"]),
    ("user_properties", &["properties"]),
    ("plan_usage", &["feature", "properties"]),
    ("funnel", &[]),
    ("funnel_users", &[]),
    ("paths", &["request_id", "feature"]),
    ("first_sessions", &["request_id", "session_id", "feature", "latency_ms", "status", "succeeded"]),
    ("first_session_list", &["request_id", "session_id", "feature", "latency_ms", "status", "succeeded"]),
    ("activation_milestones", &["session_id", "feature", "latency_ms", "status", "succeeded"]),
    ("feature_adoption", &["feature"]),
    ("adoption_barriers", &["request_id", "feature", "latency_ms", "status", "succeeded", "rating", "prompt"]),
    ("feature_timing", &["feature"]),
    ("usage_evolution", &["session_id", "feature", "latency_ms", "status", "succeeded", "rating"]),
    ("usage_evolution_json", &["session_id", "feature", "latency_ms", "status", "succeeded", "rating"]),
    ("retention_drivers", &["session_id", "model", "feature", "status", "succeeded"]),
    ("churn_indicators", &["session_id", "model", "feature", "status", "succeeded"]),
    ("activation_threshold", &[]),
    ("seasonality", &[]),
    ("lifecycle_stage", &["feature", "status", "succeeded"]),
    ("lifecycle_transitions", &["feature", "status", "succeeded"]),
    ("acquisition", &["feature", "status", "succeeded", "properties"]),
    ("ab_compare", &["session_id", "cost_usd", "revenue_usd", "latency_ms", "status", "succeeded", "rating"]),
    ("ab_segments", &["session_id", "cost_usd", "revenue_usd", "latency_ms", "status", "succeeded", "rating"]),
    ("assignment_audit", &[]),
];

/// The function of a name, if it is one that reads requests row by row.
pub fn reader(name: &str) -> Option<&'static str> {
    READS.iter().map(|(function, _)| *function).find(|function| *function == name)
}

/// The functions that read a canonical column, in words.
pub fn readers(column: &str) -> String {
    if matches!(column, "user_id" | "occurred_at") {
        return "every function".to_owned();
    }
    let reads = READS.iter().filter(|(_, columns)| columns.contains(&column)).map(|(function, _)| *function);
    reads.chain(["by", "filter"]).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::CANONICAL;
    use super::*;

    #[test]
    fn what_is_read_is_a_canonical_column() {
        for (function, columns) in READS {
            for column in *columns {
                assert!(CANONICAL.iter().any(|canonical| canonical.name == *column), "{column} of {function}");
            }
        }
        assert_eq!(readers("user_id"), "every function");
        assert_eq!(readers("prompt"), "adoption_barriers, by, filter");
        assert_eq!((reader("paths"), reader("pg_sleep")), (Some("paths"), None));
    }
}
