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
    /// Its description, for comments.
    pub about: &'static str,
}

const fn canonical(name: &'static str, holds: Holds, names: &'static [&'static str], about: &'static str) -> Canonical {
    Canonical { name, holds, names, about }
}

/// The canonical columns.
pub const CANONICAL: &[Canonical] = &[
    canonical("user_id", Holds::User, &["user_id", "userid", "end_user", "end_user_id", "customer_id"], "the user"),
    canonical(
        "occurred_at",
        Holds::Instant,
        &["occurred_at", "created_at", "request_created_at", "starttime", "start_time", "timestamp", "ts"],
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
    canonical("revenue_usd", Holds::Number, &["revenue_usd", "revenue"], "revenue of the request in US dollars"),
    canonical(
        "latency_ms",
        Holds::Number,
        &["latency_ms", "request_duration_ms", "delay_ms", "duration_ms"],
        "milliseconds to the complete answer",
    ),
    canonical("status", Holds::Text, &["status", "status_code", "http_status"], "status of the request"),
    canonical("succeeded", Holds::Flag, &["succeeded", "success", "is_success"], "whether the request succeeded"),
    canonical("error", Holds::Text, &["error", "error_type", "error_code"], "error of the request"),
    canonical("rating", Holds::Score, &["rating", "score", "feedback", "is_thumbs_up"], "the user's rating"),
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
