-- Made from the declarations in core/src; do not edit: cargo run -p user_metrics_core --example generate.

CREATE FUNCTION user_metrics_internal.activity_transition(
    state internal, user_id text, occurred_at timestamptz
) RETURNS internal
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_transition';
CREATE AGGREGATE user_metrics.activity(
    user_id text, occurred_at timestamptz
) (
    SFUNC = user_metrics_internal.activity_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.activity_finish, COMBINEFUNC = user_metrics_internal.activity_combine,
    SERIALFUNC = user_metrics_internal.activity_serialize, DESERIALFUNC = user_metrics_internal.activity_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.activity(text, timestamptz) IS
    'active local days of each user, in the time zone of the setting user_metrics.timezone';

CREATE FUNCTION user_metrics_internal.activity_transition(
    state internal, user_id text, occurred_at timestamp
) RETURNS internal
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_transition';
CREATE AGGREGATE user_metrics.activity(
    user_id text, occurred_at timestamp
) (
    SFUNC = user_metrics_internal.activity_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.activity_finish, COMBINEFUNC = user_metrics_internal.activity_combine,
    SERIALFUNC = user_metrics_internal.activity_serialize, DESERIALFUNC = user_metrics_internal.activity_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.activity(text, timestamp) IS
    'active local days of each user, in the time zone of the setting user_metrics.timezone; timestamps without time zone are read as UTC';

CREATE FUNCTION user_metrics_internal.activity_transition(
    state internal, user_id uuid, occurred_at timestamptz
) RETURNS internal
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_transition';
CREATE AGGREGATE user_metrics.activity(
    user_id uuid, occurred_at timestamptz
) (
    SFUNC = user_metrics_internal.activity_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.activity_finish, COMBINEFUNC = user_metrics_internal.activity_combine,
    SERIALFUNC = user_metrics_internal.activity_serialize, DESERIALFUNC = user_metrics_internal.activity_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.activity(uuid, timestamptz) IS
    'active local days of each user, in the time zone of the setting user_metrics.timezone';

CREATE FUNCTION user_metrics_internal.activity_transition(
    state internal, user_id uuid, occurred_at timestamp
) RETURNS internal
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_transition';
CREATE AGGREGATE user_metrics.activity(
    user_id uuid, occurred_at timestamp
) (
    SFUNC = user_metrics_internal.activity_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.activity_finish, COMBINEFUNC = user_metrics_internal.activity_combine,
    SERIALFUNC = user_metrics_internal.activity_serialize, DESERIALFUNC = user_metrics_internal.activity_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.activity(uuid, timestamp) IS
    'active local days of each user, in the time zone of the setting user_metrics.timezone; timestamps without time zone are read as UTC';

CREATE FUNCTION user_metrics_internal.activity_transition(
    state internal, user_id bigint, occurred_at timestamptz
) RETURNS internal
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_transition';
CREATE AGGREGATE user_metrics.activity(
    user_id bigint, occurred_at timestamptz
) (
    SFUNC = user_metrics_internal.activity_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.activity_finish, COMBINEFUNC = user_metrics_internal.activity_combine,
    SERIALFUNC = user_metrics_internal.activity_serialize, DESERIALFUNC = user_metrics_internal.activity_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.activity(bigint, timestamptz) IS
    'active local days of each user, in the time zone of the setting user_metrics.timezone';

CREATE FUNCTION user_metrics_internal.activity_transition(
    state internal, user_id bigint, occurred_at timestamp
) RETURNS internal
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_transition';
CREATE AGGREGATE user_metrics.activity(
    user_id bigint, occurred_at timestamp
) (
    SFUNC = user_metrics_internal.activity_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.activity_finish, COMBINEFUNC = user_metrics_internal.activity_combine,
    SERIALFUNC = user_metrics_internal.activity_serialize, DESERIALFUNC = user_metrics_internal.activity_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.activity(bigint, timestamp) IS
    'active local days of each user, in the time zone of the setting user_metrics.timezone; timestamps without time zone are read as UTC';

CREATE FUNCTION user_metrics_internal.activity_transition(
    state internal, user_id text, occurred_at timestamptz, timezone text
) RETURNS internal
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_transition';
CREATE AGGREGATE user_metrics.activity(
    user_id text, occurred_at timestamptz, timezone text
) (
    SFUNC = user_metrics_internal.activity_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.activity_finish, COMBINEFUNC = user_metrics_internal.activity_combine,
    SERIALFUNC = user_metrics_internal.activity_serialize, DESERIALFUNC = user_metrics_internal.activity_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.activity(text, timestamptz, text) IS
    'active local days of each user, in the given time zone';

CREATE FUNCTION user_metrics_internal.activity_transition(
    state internal, user_id text, occurred_at timestamp, timezone text
) RETURNS internal
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_transition';
CREATE AGGREGATE user_metrics.activity(
    user_id text, occurred_at timestamp, timezone text
) (
    SFUNC = user_metrics_internal.activity_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.activity_finish, COMBINEFUNC = user_metrics_internal.activity_combine,
    SERIALFUNC = user_metrics_internal.activity_serialize, DESERIALFUNC = user_metrics_internal.activity_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.activity(text, timestamp, text) IS
    'active local days of each user, in the given time zone; timestamps without time zone are read as UTC';

CREATE FUNCTION user_metrics_internal.activity_transition(
    state internal, user_id uuid, occurred_at timestamptz, timezone text
) RETURNS internal
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_transition';
CREATE AGGREGATE user_metrics.activity(
    user_id uuid, occurred_at timestamptz, timezone text
) (
    SFUNC = user_metrics_internal.activity_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.activity_finish, COMBINEFUNC = user_metrics_internal.activity_combine,
    SERIALFUNC = user_metrics_internal.activity_serialize, DESERIALFUNC = user_metrics_internal.activity_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.activity(uuid, timestamptz, text) IS
    'active local days of each user, in the given time zone';

CREATE FUNCTION user_metrics_internal.activity_transition(
    state internal, user_id uuid, occurred_at timestamp, timezone text
) RETURNS internal
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_transition';
CREATE AGGREGATE user_metrics.activity(
    user_id uuid, occurred_at timestamp, timezone text
) (
    SFUNC = user_metrics_internal.activity_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.activity_finish, COMBINEFUNC = user_metrics_internal.activity_combine,
    SERIALFUNC = user_metrics_internal.activity_serialize, DESERIALFUNC = user_metrics_internal.activity_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.activity(uuid, timestamp, text) IS
    'active local days of each user, in the given time zone; timestamps without time zone are read as UTC';

CREATE FUNCTION user_metrics_internal.activity_transition(
    state internal, user_id bigint, occurred_at timestamptz, timezone text
) RETURNS internal
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_transition';
CREATE AGGREGATE user_metrics.activity(
    user_id bigint, occurred_at timestamptz, timezone text
) (
    SFUNC = user_metrics_internal.activity_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.activity_finish, COMBINEFUNC = user_metrics_internal.activity_combine,
    SERIALFUNC = user_metrics_internal.activity_serialize, DESERIALFUNC = user_metrics_internal.activity_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.activity(bigint, timestamptz, text) IS
    'active local days of each user, in the given time zone';

CREATE FUNCTION user_metrics_internal.activity_transition(
    state internal, user_id bigint, occurred_at timestamp, timezone text
) RETURNS internal
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'activity_transition';
CREATE AGGREGATE user_metrics.activity(
    user_id bigint, occurred_at timestamp, timezone text
) (
    SFUNC = user_metrics_internal.activity_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.activity_finish, COMBINEFUNC = user_metrics_internal.activity_combine,
    SERIALFUNC = user_metrics_internal.activity_serialize, DESERIALFUNC = user_metrics_internal.activity_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.activity(bigint, timestamp, text) IS
    'active local days of each user, in the given time zone; timestamps without time zone are read as UTC';

CREATE FUNCTION user_metrics_internal.sessions_transition(
    state internal, user_id text, occurred_at timestamptz
) RETURNS internal
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'sessions_transition';
CREATE AGGREGATE user_metrics.sessions(
    user_id text, occurred_at timestamptz
) (
    SFUNC = user_metrics_internal.sessions_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.sessions_finish, COMBINEFUNC = user_metrics_internal.sessions_combine,
    SERIALFUNC = user_metrics_internal.sessions_serialize, DESERIALFUNC = user_metrics_internal.sessions_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.sessions(text, timestamptz) IS
    'sessions of each user: requests with pauses of at most user_metrics.session_gap';

CREATE FUNCTION user_metrics_internal.sessions_transition(
    state internal, user_id text, occurred_at timestamp
) RETURNS internal
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'sessions_transition';
CREATE AGGREGATE user_metrics.sessions(
    user_id text, occurred_at timestamp
) (
    SFUNC = user_metrics_internal.sessions_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.sessions_finish, COMBINEFUNC = user_metrics_internal.sessions_combine,
    SERIALFUNC = user_metrics_internal.sessions_serialize, DESERIALFUNC = user_metrics_internal.sessions_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.sessions(text, timestamp) IS
    'sessions of each user: requests with pauses of at most user_metrics.session_gap; timestamps without time zone are read as UTC';

CREATE FUNCTION user_metrics_internal.sessions_transition(
    state internal, user_id uuid, occurred_at timestamptz
) RETURNS internal
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'sessions_transition';
CREATE AGGREGATE user_metrics.sessions(
    user_id uuid, occurred_at timestamptz
) (
    SFUNC = user_metrics_internal.sessions_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.sessions_finish, COMBINEFUNC = user_metrics_internal.sessions_combine,
    SERIALFUNC = user_metrics_internal.sessions_serialize, DESERIALFUNC = user_metrics_internal.sessions_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.sessions(uuid, timestamptz) IS
    'sessions of each user: requests with pauses of at most user_metrics.session_gap';

CREATE FUNCTION user_metrics_internal.sessions_transition(
    state internal, user_id uuid, occurred_at timestamp
) RETURNS internal
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'sessions_transition';
CREATE AGGREGATE user_metrics.sessions(
    user_id uuid, occurred_at timestamp
) (
    SFUNC = user_metrics_internal.sessions_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.sessions_finish, COMBINEFUNC = user_metrics_internal.sessions_combine,
    SERIALFUNC = user_metrics_internal.sessions_serialize, DESERIALFUNC = user_metrics_internal.sessions_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.sessions(uuid, timestamp) IS
    'sessions of each user: requests with pauses of at most user_metrics.session_gap; timestamps without time zone are read as UTC';

CREATE FUNCTION user_metrics_internal.sessions_transition(
    state internal, user_id bigint, occurred_at timestamptz
) RETURNS internal
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'sessions_transition';
CREATE AGGREGATE user_metrics.sessions(
    user_id bigint, occurred_at timestamptz
) (
    SFUNC = user_metrics_internal.sessions_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.sessions_finish, COMBINEFUNC = user_metrics_internal.sessions_combine,
    SERIALFUNC = user_metrics_internal.sessions_serialize, DESERIALFUNC = user_metrics_internal.sessions_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.sessions(bigint, timestamptz) IS
    'sessions of each user: requests with pauses of at most user_metrics.session_gap';

CREATE FUNCTION user_metrics_internal.sessions_transition(
    state internal, user_id bigint, occurred_at timestamp
) RETURNS internal
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'sessions_transition';
CREATE AGGREGATE user_metrics.sessions(
    user_id bigint, occurred_at timestamp
) (
    SFUNC = user_metrics_internal.sessions_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.sessions_finish, COMBINEFUNC = user_metrics_internal.sessions_combine,
    SERIALFUNC = user_metrics_internal.sessions_serialize, DESERIALFUNC = user_metrics_internal.sessions_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.sessions(bigint, timestamp) IS
    'sessions of each user: requests with pauses of at most user_metrics.session_gap; timestamps without time zone are read as UTC';

CREATE FUNCTION user_metrics_internal.sessions_transition(
    state internal, user_id text, occurred_at timestamptz, session_id text, latency_ms double precision, succeeded boolean, session_gap interval, max_idle interval
) RETURNS internal
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'sessions_transition';
CREATE AGGREGATE user_metrics.sessions(
    user_id text, occurred_at timestamptz, session_id text, latency_ms double precision, succeeded boolean, session_gap interval, max_idle interval
) (
    SFUNC = user_metrics_internal.sessions_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.sessions_finish, COMBINEFUNC = user_metrics_internal.sessions_combine,
    SERIALFUNC = user_metrics_internal.sessions_serialize, DESERIALFUNC = user_metrics_internal.sessions_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.sessions(text, timestamptz, text, double precision, boolean, interval, interval) IS
    'sessions of each user: requests with the same session id and pauses of at most max_idle, or without an id (or alone with theirs) and pauses of at most session_gap, measured from the end of the answer; values that are not known may be NULL';

CREATE FUNCTION user_metrics_internal.sessions_transition(
    state internal, user_id text, occurred_at timestamp, session_id text, latency_ms double precision, succeeded boolean, session_gap interval, max_idle interval
) RETURNS internal
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'sessions_transition';
CREATE AGGREGATE user_metrics.sessions(
    user_id text, occurred_at timestamp, session_id text, latency_ms double precision, succeeded boolean, session_gap interval, max_idle interval
) (
    SFUNC = user_metrics_internal.sessions_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.sessions_finish, COMBINEFUNC = user_metrics_internal.sessions_combine,
    SERIALFUNC = user_metrics_internal.sessions_serialize, DESERIALFUNC = user_metrics_internal.sessions_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.sessions(text, timestamp, text, double precision, boolean, interval, interval) IS
    'sessions of each user: requests with the same session id and pauses of at most max_idle, or without an id (or alone with theirs) and pauses of at most session_gap, measured from the end of the answer; values that are not known may be NULL; timestamps without time zone are read as UTC';

CREATE FUNCTION user_metrics_internal.sessions_transition(
    state internal, user_id uuid, occurred_at timestamptz, session_id text, latency_ms double precision, succeeded boolean, session_gap interval, max_idle interval
) RETURNS internal
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'sessions_transition';
CREATE AGGREGATE user_metrics.sessions(
    user_id uuid, occurred_at timestamptz, session_id text, latency_ms double precision, succeeded boolean, session_gap interval, max_idle interval
) (
    SFUNC = user_metrics_internal.sessions_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.sessions_finish, COMBINEFUNC = user_metrics_internal.sessions_combine,
    SERIALFUNC = user_metrics_internal.sessions_serialize, DESERIALFUNC = user_metrics_internal.sessions_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.sessions(uuid, timestamptz, text, double precision, boolean, interval, interval) IS
    'sessions of each user: requests with the same session id and pauses of at most max_idle, or without an id (or alone with theirs) and pauses of at most session_gap, measured from the end of the answer; values that are not known may be NULL';

CREATE FUNCTION user_metrics_internal.sessions_transition(
    state internal, user_id uuid, occurred_at timestamp, session_id text, latency_ms double precision, succeeded boolean, session_gap interval, max_idle interval
) RETURNS internal
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'sessions_transition';
CREATE AGGREGATE user_metrics.sessions(
    user_id uuid, occurred_at timestamp, session_id text, latency_ms double precision, succeeded boolean, session_gap interval, max_idle interval
) (
    SFUNC = user_metrics_internal.sessions_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.sessions_finish, COMBINEFUNC = user_metrics_internal.sessions_combine,
    SERIALFUNC = user_metrics_internal.sessions_serialize, DESERIALFUNC = user_metrics_internal.sessions_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.sessions(uuid, timestamp, text, double precision, boolean, interval, interval) IS
    'sessions of each user: requests with the same session id and pauses of at most max_idle, or without an id (or alone with theirs) and pauses of at most session_gap, measured from the end of the answer; values that are not known may be NULL; timestamps without time zone are read as UTC';

CREATE FUNCTION user_metrics_internal.sessions_transition(
    state internal, user_id bigint, occurred_at timestamptz, session_id text, latency_ms double precision, succeeded boolean, session_gap interval, max_idle interval
) RETURNS internal
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'sessions_transition';
CREATE AGGREGATE user_metrics.sessions(
    user_id bigint, occurred_at timestamptz, session_id text, latency_ms double precision, succeeded boolean, session_gap interval, max_idle interval
) (
    SFUNC = user_metrics_internal.sessions_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.sessions_finish, COMBINEFUNC = user_metrics_internal.sessions_combine,
    SERIALFUNC = user_metrics_internal.sessions_serialize, DESERIALFUNC = user_metrics_internal.sessions_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.sessions(bigint, timestamptz, text, double precision, boolean, interval, interval) IS
    'sessions of each user: requests with the same session id and pauses of at most max_idle, or without an id (or alone with theirs) and pauses of at most session_gap, measured from the end of the answer; values that are not known may be NULL';

CREATE FUNCTION user_metrics_internal.sessions_transition(
    state internal, user_id bigint, occurred_at timestamp, session_id text, latency_ms double precision, succeeded boolean, session_gap interval, max_idle interval
) RETURNS internal
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'sessions_transition';
CREATE AGGREGATE user_metrics.sessions(
    user_id bigint, occurred_at timestamp, session_id text, latency_ms double precision, succeeded boolean, session_gap interval, max_idle interval
) (
    SFUNC = user_metrics_internal.sessions_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.sessions_finish, COMBINEFUNC = user_metrics_internal.sessions_combine,
    SERIALFUNC = user_metrics_internal.sessions_serialize, DESERIALFUNC = user_metrics_internal.sessions_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.sessions(bigint, timestamp, text, double precision, boolean, interval, interval) IS
    'sessions of each user: requests with the same session id and pauses of at most max_idle, or without an id (or alone with theirs) and pauses of at most session_gap, measured from the end of the answer; values that are not known may be NULL; timestamps without time zone are read as UTC';

CREATE FUNCTION user_metrics_internal.funnel_transition(
    state internal, user_id text, occurred_at timestamptz, steps boolean[], window_size interval
) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'funnel_transition';
CREATE AGGREGATE user_metrics.funnel(
    user_id text, occurred_at timestamptz, steps boolean[], window_size interval
) (
    SFUNC = user_metrics_internal.funnel_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.funnel_finish, COMBINEFUNC = user_metrics_internal.funnel_combine,
    SERIALFUNC = user_metrics_internal.funnel_serialize, DESERIALFUNC = user_metrics_internal.funnel_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.funnel(text, timestamptz, boolean[], interval) IS
    'funnel events of each user: steps holds the conditions of the steps, one each, and window_size is the longest time from the first step to the last';

CREATE FUNCTION user_metrics_internal.funnel_transition(
    state internal, user_id text, occurred_at timestamp, steps boolean[], window_size interval
) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'funnel_transition';
CREATE AGGREGATE user_metrics.funnel(
    user_id text, occurred_at timestamp, steps boolean[], window_size interval
) (
    SFUNC = user_metrics_internal.funnel_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.funnel_finish, COMBINEFUNC = user_metrics_internal.funnel_combine,
    SERIALFUNC = user_metrics_internal.funnel_serialize, DESERIALFUNC = user_metrics_internal.funnel_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.funnel(text, timestamp, boolean[], interval) IS
    'funnel events of each user: steps holds the conditions of the steps, one each, and window_size is the longest time from the first step to the last; timestamps without time zone are read as UTC';

CREATE FUNCTION user_metrics_internal.funnel_transition(
    state internal, user_id uuid, occurred_at timestamptz, steps boolean[], window_size interval
) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'funnel_transition';
CREATE AGGREGATE user_metrics.funnel(
    user_id uuid, occurred_at timestamptz, steps boolean[], window_size interval
) (
    SFUNC = user_metrics_internal.funnel_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.funnel_finish, COMBINEFUNC = user_metrics_internal.funnel_combine,
    SERIALFUNC = user_metrics_internal.funnel_serialize, DESERIALFUNC = user_metrics_internal.funnel_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.funnel(uuid, timestamptz, boolean[], interval) IS
    'funnel events of each user: steps holds the conditions of the steps, one each, and window_size is the longest time from the first step to the last';

CREATE FUNCTION user_metrics_internal.funnel_transition(
    state internal, user_id uuid, occurred_at timestamp, steps boolean[], window_size interval
) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'funnel_transition';
CREATE AGGREGATE user_metrics.funnel(
    user_id uuid, occurred_at timestamp, steps boolean[], window_size interval
) (
    SFUNC = user_metrics_internal.funnel_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.funnel_finish, COMBINEFUNC = user_metrics_internal.funnel_combine,
    SERIALFUNC = user_metrics_internal.funnel_serialize, DESERIALFUNC = user_metrics_internal.funnel_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.funnel(uuid, timestamp, boolean[], interval) IS
    'funnel events of each user: steps holds the conditions of the steps, one each, and window_size is the longest time from the first step to the last; timestamps without time zone are read as UTC';

CREATE FUNCTION user_metrics_internal.funnel_transition(
    state internal, user_id bigint, occurred_at timestamptz, steps boolean[], window_size interval
) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'funnel_transition';
CREATE AGGREGATE user_metrics.funnel(
    user_id bigint, occurred_at timestamptz, steps boolean[], window_size interval
) (
    SFUNC = user_metrics_internal.funnel_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.funnel_finish, COMBINEFUNC = user_metrics_internal.funnel_combine,
    SERIALFUNC = user_metrics_internal.funnel_serialize, DESERIALFUNC = user_metrics_internal.funnel_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.funnel(bigint, timestamptz, boolean[], interval) IS
    'funnel events of each user: steps holds the conditions of the steps, one each, and window_size is the longest time from the first step to the last';

CREATE FUNCTION user_metrics_internal.funnel_transition(
    state internal, user_id bigint, occurred_at timestamp, steps boolean[], window_size interval
) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'funnel_transition';
CREATE AGGREGATE user_metrics.funnel(
    user_id bigint, occurred_at timestamp, steps boolean[], window_size interval
) (
    SFUNC = user_metrics_internal.funnel_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.funnel_finish, COMBINEFUNC = user_metrics_internal.funnel_combine,
    SERIALFUNC = user_metrics_internal.funnel_serialize, DESERIALFUNC = user_metrics_internal.funnel_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.funnel(bigint, timestamp, boolean[], interval) IS
    'funnel events of each user: steps holds the conditions of the steps, one each, and window_size is the longest time from the first step to the last; timestamps without time zone are read as UTC';

CREATE FUNCTION user_metrics_internal.funnel_transition(
    state internal, user_id text, occurred_at timestamptz, steps boolean[], window_size interval, mode text
) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'funnel_transition';
CREATE AGGREGATE user_metrics.funnel(
    user_id text, occurred_at timestamptz, steps boolean[], window_size interval, mode text
) (
    SFUNC = user_metrics_internal.funnel_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.funnel_finish, COMBINEFUNC = user_metrics_internal.funnel_combine,
    SERIALFUNC = user_metrics_internal.funnel_serialize, DESERIALFUNC = user_metrics_internal.funnel_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.funnel(text, timestamptz, boolean[], interval, text) IS
    'funnel events of each user: steps holds the conditions of the steps, one each, window_size is the longest time from the first step to the last, and mode is the condition between steps: ordered, strict_order, strict_dedup, strict_increase, once or unordered';

CREATE FUNCTION user_metrics_internal.funnel_transition(
    state internal, user_id text, occurred_at timestamp, steps boolean[], window_size interval, mode text
) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'funnel_transition';
CREATE AGGREGATE user_metrics.funnel(
    user_id text, occurred_at timestamp, steps boolean[], window_size interval, mode text
) (
    SFUNC = user_metrics_internal.funnel_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.funnel_finish, COMBINEFUNC = user_metrics_internal.funnel_combine,
    SERIALFUNC = user_metrics_internal.funnel_serialize, DESERIALFUNC = user_metrics_internal.funnel_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.funnel(text, timestamp, boolean[], interval, text) IS
    'funnel events of each user: steps holds the conditions of the steps, one each, window_size is the longest time from the first step to the last, and mode is the condition between steps: ordered, strict_order, strict_dedup, strict_increase, once or unordered; timestamps without time zone are read as UTC';

CREATE FUNCTION user_metrics_internal.funnel_transition(
    state internal, user_id uuid, occurred_at timestamptz, steps boolean[], window_size interval, mode text
) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'funnel_transition';
CREATE AGGREGATE user_metrics.funnel(
    user_id uuid, occurred_at timestamptz, steps boolean[], window_size interval, mode text
) (
    SFUNC = user_metrics_internal.funnel_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.funnel_finish, COMBINEFUNC = user_metrics_internal.funnel_combine,
    SERIALFUNC = user_metrics_internal.funnel_serialize, DESERIALFUNC = user_metrics_internal.funnel_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.funnel(uuid, timestamptz, boolean[], interval, text) IS
    'funnel events of each user: steps holds the conditions of the steps, one each, window_size is the longest time from the first step to the last, and mode is the condition between steps: ordered, strict_order, strict_dedup, strict_increase, once or unordered';

CREATE FUNCTION user_metrics_internal.funnel_transition(
    state internal, user_id uuid, occurred_at timestamp, steps boolean[], window_size interval, mode text
) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'funnel_transition';
CREATE AGGREGATE user_metrics.funnel(
    user_id uuid, occurred_at timestamp, steps boolean[], window_size interval, mode text
) (
    SFUNC = user_metrics_internal.funnel_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.funnel_finish, COMBINEFUNC = user_metrics_internal.funnel_combine,
    SERIALFUNC = user_metrics_internal.funnel_serialize, DESERIALFUNC = user_metrics_internal.funnel_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.funnel(uuid, timestamp, boolean[], interval, text) IS
    'funnel events of each user: steps holds the conditions of the steps, one each, window_size is the longest time from the first step to the last, and mode is the condition between steps: ordered, strict_order, strict_dedup, strict_increase, once or unordered; timestamps without time zone are read as UTC';

CREATE FUNCTION user_metrics_internal.funnel_transition(
    state internal, user_id bigint, occurred_at timestamptz, steps boolean[], window_size interval, mode text
) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'funnel_transition';
CREATE AGGREGATE user_metrics.funnel(
    user_id bigint, occurred_at timestamptz, steps boolean[], window_size interval, mode text
) (
    SFUNC = user_metrics_internal.funnel_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.funnel_finish, COMBINEFUNC = user_metrics_internal.funnel_combine,
    SERIALFUNC = user_metrics_internal.funnel_serialize, DESERIALFUNC = user_metrics_internal.funnel_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.funnel(bigint, timestamptz, boolean[], interval, text) IS
    'funnel events of each user: steps holds the conditions of the steps, one each, window_size is the longest time from the first step to the last, and mode is the condition between steps: ordered, strict_order, strict_dedup, strict_increase, once or unordered';

CREATE FUNCTION user_metrics_internal.funnel_transition(
    state internal, user_id bigint, occurred_at timestamp, steps boolean[], window_size interval, mode text
) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'funnel_transition';
CREATE AGGREGATE user_metrics.funnel(
    user_id bigint, occurred_at timestamp, steps boolean[], window_size interval, mode text
) (
    SFUNC = user_metrics_internal.funnel_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.funnel_finish, COMBINEFUNC = user_metrics_internal.funnel_combine,
    SERIALFUNC = user_metrics_internal.funnel_serialize, DESERIALFUNC = user_metrics_internal.funnel_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.funnel(bigint, timestamp, boolean[], interval, text) IS
    'funnel events of each user: steps holds the conditions of the steps, one each, window_size is the longest time from the first step to the last, and mode is the condition between steps: ordered, strict_order, strict_dedup, strict_increase, once or unordered; timestamps without time zone are read as UTC';

CREATE FUNCTION user_metrics_internal.funnel_transition(
    state internal, user_id text, occurred_at timestamptz, steps boolean[], window_size interval, mode text, excluded boolean
) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'funnel_transition';
CREATE AGGREGATE user_metrics.funnel(
    user_id text, occurred_at timestamptz, steps boolean[], window_size interval, mode text, excluded boolean
) (
    SFUNC = user_metrics_internal.funnel_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.funnel_finish, COMBINEFUNC = user_metrics_internal.funnel_combine,
    SERIALFUNC = user_metrics_internal.funnel_serialize, DESERIALFUNC = user_metrics_internal.funnel_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.funnel(text, timestamptz, boolean[], interval, text, boolean) IS
    'funnel events of each user: steps holds the conditions of the steps, one each, window_size is the longest time from the first step to the last, mode is the condition between steps, and excluded is whether the row must not occur between them';

CREATE FUNCTION user_metrics_internal.funnel_transition(
    state internal, user_id text, occurred_at timestamp, steps boolean[], window_size interval, mode text, excluded boolean
) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'funnel_transition';
CREATE AGGREGATE user_metrics.funnel(
    user_id text, occurred_at timestamp, steps boolean[], window_size interval, mode text, excluded boolean
) (
    SFUNC = user_metrics_internal.funnel_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.funnel_finish, COMBINEFUNC = user_metrics_internal.funnel_combine,
    SERIALFUNC = user_metrics_internal.funnel_serialize, DESERIALFUNC = user_metrics_internal.funnel_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.funnel(text, timestamp, boolean[], interval, text, boolean) IS
    'funnel events of each user: steps holds the conditions of the steps, one each, window_size is the longest time from the first step to the last, mode is the condition between steps, and excluded is whether the row must not occur between them; timestamps without time zone are read as UTC';

CREATE FUNCTION user_metrics_internal.funnel_transition(
    state internal, user_id uuid, occurred_at timestamptz, steps boolean[], window_size interval, mode text, excluded boolean
) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'funnel_transition';
CREATE AGGREGATE user_metrics.funnel(
    user_id uuid, occurred_at timestamptz, steps boolean[], window_size interval, mode text, excluded boolean
) (
    SFUNC = user_metrics_internal.funnel_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.funnel_finish, COMBINEFUNC = user_metrics_internal.funnel_combine,
    SERIALFUNC = user_metrics_internal.funnel_serialize, DESERIALFUNC = user_metrics_internal.funnel_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.funnel(uuid, timestamptz, boolean[], interval, text, boolean) IS
    'funnel events of each user: steps holds the conditions of the steps, one each, window_size is the longest time from the first step to the last, mode is the condition between steps, and excluded is whether the row must not occur between them';

CREATE FUNCTION user_metrics_internal.funnel_transition(
    state internal, user_id uuid, occurred_at timestamp, steps boolean[], window_size interval, mode text, excluded boolean
) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'funnel_transition';
CREATE AGGREGATE user_metrics.funnel(
    user_id uuid, occurred_at timestamp, steps boolean[], window_size interval, mode text, excluded boolean
) (
    SFUNC = user_metrics_internal.funnel_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.funnel_finish, COMBINEFUNC = user_metrics_internal.funnel_combine,
    SERIALFUNC = user_metrics_internal.funnel_serialize, DESERIALFUNC = user_metrics_internal.funnel_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.funnel(uuid, timestamp, boolean[], interval, text, boolean) IS
    'funnel events of each user: steps holds the conditions of the steps, one each, window_size is the longest time from the first step to the last, mode is the condition between steps, and excluded is whether the row must not occur between them; timestamps without time zone are read as UTC';

CREATE FUNCTION user_metrics_internal.funnel_transition(
    state internal, user_id bigint, occurred_at timestamptz, steps boolean[], window_size interval, mode text, excluded boolean
) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'funnel_transition';
CREATE AGGREGATE user_metrics.funnel(
    user_id bigint, occurred_at timestamptz, steps boolean[], window_size interval, mode text, excluded boolean
) (
    SFUNC = user_metrics_internal.funnel_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.funnel_finish, COMBINEFUNC = user_metrics_internal.funnel_combine,
    SERIALFUNC = user_metrics_internal.funnel_serialize, DESERIALFUNC = user_metrics_internal.funnel_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.funnel(bigint, timestamptz, boolean[], interval, text, boolean) IS
    'funnel events of each user: steps holds the conditions of the steps, one each, window_size is the longest time from the first step to the last, mode is the condition between steps, and excluded is whether the row must not occur between them';

CREATE FUNCTION user_metrics_internal.funnel_transition(
    state internal, user_id bigint, occurred_at timestamp, steps boolean[], window_size interval, mode text, excluded boolean
) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'funnel_transition';
CREATE AGGREGATE user_metrics.funnel(
    user_id bigint, occurred_at timestamp, steps boolean[], window_size interval, mode text, excluded boolean
) (
    SFUNC = user_metrics_internal.funnel_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.funnel_finish, COMBINEFUNC = user_metrics_internal.funnel_combine,
    SERIALFUNC = user_metrics_internal.funnel_serialize, DESERIALFUNC = user_metrics_internal.funnel_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.funnel(bigint, timestamp, boolean[], interval, text, boolean) IS
    'funnel events of each user: steps holds the conditions of the steps, one each, window_size is the longest time from the first step to the last, mode is the condition between steps, and excluded is whether the row must not occur between them; timestamps without time zone are read as UTC';
