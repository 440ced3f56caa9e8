"""Functions over a log, each beside the scan of the columns it reads; and logs of odd shapes."""

# The function, what it is called with beside the log, the columns it reads beside user and time, and the most it may take of
# the scan of these.
OF_ACTIVITY = [(name, arguments, (), 2) for name, arguments in (
    ("active_users", ""), ("lifecycle", ""), ("stickiness", ""), ("churn_rate", ", period => 'month'"), ("retention_curve", ""),
    ("cohort_table", ""), ("seasonality", ""))]
OF_SESSIONS = [("session_time", "", ("session_id", "latency_ms"), 2.5),
               ("session_hazard", "", ("session_id", "latency_ms", "status_code"), 2.5)]
WAY = """'[{"filter": {"feature": "chat"}}, {"filter": {"feature": "summarize"}}, {"filter": {"feature": "code"}}]'"""
FOLDS = [
    ("usage_patterns", "", ("prompt_tokens", "completion_tokens", "cost_usd"), 3),
    ("peak_hours", "", (), 3),
    ("usage_heatmap", "", (), 3),
    ("feature_usage", "", ("feature", "cost_usd", "latency_ms", "status_code"), 3),
    ("model_usage", "", ("model", "cost_usd", "latency_ms", "status_code"), 3),
    ("model_stickiness", "", ("id", "model", "status_code"), 3),
    ("model_switches", "", ("id", "model", "status_code"), 3),
    ("request_complexity", "", ("id", "session_id", "model", "prompt_tokens", "completion_tokens"), 5),
    ("segment_users", "", (), 3),
    ("segment_user", ", 'nobody'", (), 3),
    ("segment_summary", "", (), 3),
    ("favorite_features", ", 'nobody'", ("feature",), 3),
    ("user_profile", ", 'nobody'",
     ("session_id", "model", "feature", "latency_ms", "status_code", "rating", "cost_usd"), 3),
    ("benchmark_users", "", ("session_id", "feature", "latency_ms", "status_code", "rating"), 5),
    ("benchmark_user", ", 'nobody'", ("session_id", "feature", "latency_ms", "status_code", "rating"), 3),
    ("plan_usage", """, '{"free": {"monthly_request_limit": 1000}}'""", ("properties", "feature"), 5),
    ("user_properties", "", ("properties",), 5),
    ("property_history", ", 'UserTier'", ("properties",), 5),
    ("session_list", "",
     ("session_id", "latency_ms", "status_code", "cost_usd", "prompt_tokens", "completion_tokens", "feature", "model"), 5),
    ("paths", "", ("id", "feature"), 3),
    ("first_sessions", "", ("id", "session_id", "feature", "latency_ms", "status_code"), 3),
    ("first_session_list", "", ("id", "session_id", "feature", "latency_ms", "status_code"), 5),
    ("activation_milestones", "", ("session_id", "feature", "latency_ms", "status_code"), 3),
    ("feature_adoption", "", ("feature",), 3),
    ("adoption_barriers", ", 'code'", ("id", "feature", "latency_ms", "status_code", "rating"), 3),
    ("feature_timing", ", 'code'", ("feature",), 3),
    ("usage_evolution", "", ("session_id", "feature", "latency_ms", "status_code", "rating"), 3),
    ("lifecycle_stage", "", ("feature", "status_code"), 5),
    ("lifecycle_transitions", "", ("feature", "status_code"), 5),
    ("acquisition", "", ("properties", "feature", "status_code"), 3),
    ("funnel", ", " + WAY, ("feature",), 2.5),
    ("funnel_users", ", " + WAY, ("feature",), 5),
    ("retention_drivers", "", ("session_id", "model", "feature", "status_code", "rating"), 3),
    ("churn_indicators", "", ("session_id", "model", "feature", "status_code", "rating"), 3),
    ("activation_threshold", "", (), 3),
    ("ab_compare", ", 'requests', 'new_chat_ui'", ("properties",), 3),
    ("ab_segments", ", 'UserTier', 'requests', 'new_chat_ui'", ("properties",), 3),
]
FUNCTIONS = [*OF_ACTIVITY, *OF_SESSIONS, *FOLDS]

# Logs that most are not like, by name: how many requests, and their users and features.
SHAPES = {
    "one request a user": (2_000_000, "'user ' || n", "'feature ' || n % 6"),
    "one user": (1_000_000, "'user'", "'feature ' || n % 6"),
    "200,000 features": (2_000_000, "'user ' || n % 40000", "'feature ' || hashint4(n) % 200000"),
    "5,000 segments": (2_000_000, "'user ' || n % 40000", "'feature ' || n % 6"),
}
# How many times as long as of the usual log a request of these may take.
MOST_OF_SHAPE = 2


def scan_of(columns):
    return f"SELECT max(created_at), {', '.join(f'count({column})' for column in ('user_id', *columns))} FROM log"


def call_of(function, arguments):
    return f"SELECT count(*) > 0 FROM user_metrics.{function}('log'{arguments})"


def names_of(function):
    """Of the two contestants: question and name of each."""
    return [(f"{what} {function}", f"{what} {function}") for what in ("scan of", "call of")]


def table_of(shape):
    return f"shape_{list(SHAPES).index(shape)}"


def make_shapes(psql, schema):
    for shape, (requests, user, feature) in SHAPES.items():
        psql(f"""DROP TABLE IF EXISTS {schema}.{table_of(shape)};
            CREATE UNLOGGED TABLE {schema}.{table_of(shape)} AS
            SELECT timestamptz '2026-01-01' + n * interval '5 s' AS created_at, {user} AS user_id, {feature} AS feature,
                'segment ' || n % 5000 AS part, n % 3000 AS latency_ms FROM generate_series(1, {requests}) AS n""")
        psql(f"VACUUM (FREEZE, ANALYZE) {schema}.{table_of(shape)}")


def call_of_shape(shape):
    by = ", by => 'part'" if "segments" in shape else ""
    return f"SELECT count(*) > 0 FROM user_metrics.feature_usage('{table_of(shape)}'{by})"


def usual_shape(schema):
    """The usual log with the columns that odd ones have, in `schema`."""
    return f"""CREATE OR REPLACE VIEW {schema}.usual_shape AS SELECT created_at, user_id, feature, latency_ms FROM {schema}.log"""
