//! The canonical columns, the names by which they are recognised, and presets for known software.

/// The type of a canonical column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// The user: text, uuid or bigint.
    User,
    /// The time: timestamptz, or timestamp taken as UTC.
    Instant,
    /// Text.
    Text,
    /// Whole numbers of at least 0.
    Count,
    /// Numbers of at least 0.
    Number,
    /// Numbers of either sign.
    Score,
    /// A boolean.
    Flag,
    /// A JSON object.
    Object,
}

/// A canonical column and the names by which it is recognised, in order.
#[derive(Debug)]
pub struct Canonical {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub holds: Holds,
    /// Recognised names, lower case.
    pub names: &'static [&'static str],
    /// Further names that mean it only beside a column of one of the others.
    pub beside: &'static [(&'static str, &'static [&'static str])],
    /// Its description, for comments.
    pub about: &'static str,
}

const fn canonical(name: &'static str, holds: Holds, names: &'static [&'static str], about: &'static str) -> Canonical {
    Canonical { name, holds, names, beside: &[], about }
}

/// A name of which only columns beside it tell whether it is a rating.
pub(super) const AMBIGUOUS: &str = "score";

/// The canonical columns.
pub const CANONICAL: &[Canonical] = &[
    canonical("user_id", Holds::User, &["user_id", "userid", "end_user", "end_user_id", "customer_id"], "the user"),
    canonical(
        "occurred_at",
        Holds::Instant,
        // The times of the event come before those of the row, which an import or a batch may have written.
        &[
            "occurred_at",
            "event_time",
            "request_time",
            "requested_at",
            "started_at",
            "start_time",
            "starttime",
            "timestamp",
            "ts",
            "request_created_at",
            "created_at",
        ],
        "time of the request",
    ),
    canonical("request_id", Holds::Text, &["request_id", "id"], "id of the request"),
    canonical(
        "session_id",
        Holds::Text,
        &["session_id", "conversation_id", "thread_id", "chat_id"],
        "id of the conversation",
    ),
    canonical("model", Holds::Text, &["model", "model_id"], "the model that answered"),
    canonical("provider", Holds::Text, &["provider", "custom_llm_provider"], "provider of the model"),
    canonical("feature", Holds::Text, &["feature", "feature_name", "request_path", "path"], "product feature used"),
    canonical("prompt_tokens", Holds::Count, &["prompt_tokens", "input_tokens"], "tokens sent"),
    canonical("completion_tokens", Holds::Count, &["completion_tokens", "output_tokens"], "tokens received"),
    canonical("cost_usd", Holds::Number, &["cost_usd", "cost", "spend"], "cost of the request in US dollars"),
    canonical(
        "revenue_usd",
        Holds::Score,
        &["revenue_usd", "revenue"],
        "revenue of the request in US dollars; negative for a refund",
    ),
    canonical(
        "latency_ms",
        Holds::Number,
        &["latency_ms", "request_duration_ms", "delay_ms", "duration_ms"],
        "milliseconds to the complete answer",
    ),
    canonical("status", Holds::Text, &["status", "status_code", "http_status"], "status of the request"),
    canonical("succeeded", Holds::Flag, &["succeeded", "success", "is_success"], "whether the request succeeded"),
    canonical("error", Holds::Text, &["error", "error_type", "error_code"], "error of the request"),
    canonical("rating", Holds::Score, &["rating", "feedback", "is_thumbs_up"], "the user's rating"),
    canonical("rated_at", Holds::Instant, &["rated_at", "feedback_at"], "time of the rating"),
    canonical("outcome", Holds::Text, &["outcome", "resolved", "goal_achieved"], "whether the user reached the goal"),
    // A score alone may be a user's or an evaluator's.
    Canonical {
        beside: &[(AMBIGUOUS, &["judge", "evaluator"])],
        ..canonical(
            "judge_score",
            Holds::Score,
            &["judge_score", "eval_score", "evaluation_score"],
            "score given by an evaluator, not by the user",
        )
    },
    canonical("finish_reason", Holds::Text, &["finish_reason", "stop_reason"], "why the answer ended"),
    canonical(
        "retry_of",
        Holds::Text,
        &["retry_of", "parent_request_id"],
        "request that a gateway repeated with this one",
    ),
    canonical("attempt", Holds::Count, &["attempt", "retry_count"], "number of the gateway's attempt"),
    canonical(
        "parent_id",
        Holds::Text,
        &["parent_id", "parent_span_id", "parent_run_id"],
        "request that caused this one",
    ),
    canonical("workflow_id", Holds::Text, &["workflow_id", "run_id", "task_id"], "run of a workflow"),
    canonical("ttft_ms", Holds::Number, &["ttft_ms", "time_to_first_token_ms"], "milliseconds to the first token"),
    canonical(
        "cached_tokens",
        Holds::Count,
        &["cached_tokens", "cache_read_input_tokens"],
        "tokens sent that were read from a cache",
    ),
    canonical("reasoning_tokens", Holds::Count, &["reasoning_tokens"], "tokens of reasoning, part of those received"),
    canonical("tool_calls", Holds::Count, &["tool_calls", "tool_call_count"], "number of tools called"),
    canonical(
        "account_id",
        Holds::Text,
        &["account_id", "organization_id", "team_id", "tenant_id"],
        "account or team that the user belongs to",
    ),
    canonical("prompt", Holds::Text, &["prompt", "query", "request_text"], "text of the request"),
    canonical("properties", Holds::Object, &["properties", "metadata"], "further properties of user and request"),
];

/// Known software, recognised by its columns.
pub(super) struct Preset {
    pub(super) name: &'static str,
    /// Columns whose combination is unique to this software.
    pub(super) signature: &'static [&'static str],
    /// The types required of columns for the expressions over them to be valid: names and types.
    pub(super) types: &'static [(&'static str, &'static str)],
    /// Canonical column, expression, type. Everything in an expression is schema-qualified, since a view of it may be
    /// created under any `search_path`.
    pub(super) columns: &'static [(&'static str, &'static str, &'static str)],
}

/// LiteLLM proxy's `"LiteLLM_SpendLogs"`: there `created_at` is the time at which the row was written, and the requested
/// model is the model group. <https://docs.litellm.ai/docs/proxy/spend_logs>
pub(super) const PRESETS: &[Preset] = &[Preset {
    name: "litellm",
    signature: &["request_id", "startTime", "endTime", "spend", "end_user", "custom_llm_provider", "model_group"],
    types: &[
        ("model_group", "text"),
        ("model", "text"),
        ("request_tags", "jsonb"),
        ("call_type", "text"),
        ("metadata", "jsonb"),
    ],
    columns: &[
        ("user_id", "\"end_user\"", "text"),
        ("occurred_at", "\"startTime\"", "timestamp"),
        ("request_id", "\"request_id\"", "text"),
        ("session_id", "\"session_id\"", "text"),
        (
            "model",
            "CASE WHEN \"model_group\" OPERATOR(pg_catalog.<>) ''::pg_catalog.text THEN \"model_group\" ELSE \"model\" END",
            "text",
        ),
        ("provider", "\"custom_llm_provider\"", "text"),
        (
            "feature",
            "COALESCE((SELECT pg_catalog.substr(tag, 9) FROM pg_catalog.jsonb_array_elements_text(\
             CASE WHEN pg_catalog.jsonb_typeof(\"request_tags\") OPERATOR(pg_catalog.=) 'array'::pg_catalog.text \
             THEN \"request_tags\" ELSE '[]' END) AS tag \
             WHERE tag OPERATOR(pg_catalog.~~) 'feature:%'::pg_catalog.text LIMIT 1), \
             CASE WHEN \"call_type\" OPERATOR(pg_catalog.<>) ''::pg_catalog.text THEN \"call_type\" END)",
            "text",
        ),
        ("prompt_tokens", "\"prompt_tokens\"", "int4"),
        ("completion_tokens", "\"completion_tokens\"", "int4"),
        ("cost_usd", "\"spend\"", "float8"),
        ("latency_ms", "\"request_duration_ms\"", "int4"),
        ("status", "\"status\"", "text"),
        (
            "error",
            "\"metadata\" OPERATOR(pg_catalog.->) 'error_information'::pg_catalog.text \
             OPERATOR(pg_catalog.->>) 'error_class'::pg_catalog.text",
            "text",
        ),
        ("properties", "\"metadata\" OPERATOR(pg_catalog.->) 'spend_logs_metadata'::pg_catalog.text", "jsonb"),
    ],
}];

/// The canonical column with the given name.
pub(super) fn canonical_named(name: &str) -> Option<&'static Canonical> {
    CANONICAL.iter().find(|c| c.name == name)
}
