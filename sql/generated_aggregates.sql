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
    'who was active on which local day of the zone user_metrics.timezone';

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
    'who was active on which local day of the zone user_metrics.timezone; a timestamp without zone is read as UTC';

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
    'who was active on which local day of the zone user_metrics.timezone';

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
    'who was active on which local day of the zone user_metrics.timezone; a timestamp without zone is read as UTC';

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
    'who was active on which local day of the zone user_metrics.timezone';

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
    'who was active on which local day of the zone user_metrics.timezone; a timestamp without zone is read as UTC';

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
    'who was active on which local day of the given time zone';

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
    'who was active on which local day of the given time zone; a timestamp without zone is read as UTC';

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
    'who was active on which local day of the given time zone';

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
    'who was active on which local day of the given time zone; a timestamp without zone is read as UTC';

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
    'who was active on which local day of the given time zone';

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
    'who was active on which local day of the given time zone; a timestamp without zone is read as UTC';

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
    'the sessions of every user: requests with pauses of user_metrics.session_gap at most';

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
    'the sessions of every user: requests with pauses of user_metrics.session_gap at most; a timestamp without zone is read as UTC';

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
    'the sessions of every user: requests with pauses of user_metrics.session_gap at most';

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
    'the sessions of every user: requests with pauses of user_metrics.session_gap at most; a timestamp without zone is read as UTC';

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
    'the sessions of every user: requests with pauses of user_metrics.session_gap at most';

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
    'the sessions of every user: requests with pauses of user_metrics.session_gap at most; a timestamp without zone is read as UTC';

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
    'the sessions of every user: requests of one session id with pauses of max_idle at most, those without (or alone with theirs) with pauses of session_gap at most, counted from the end of the answer; whatever is not known may be NULL';

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
    'the sessions of every user: requests of one session id with pauses of max_idle at most, those without (or alone with theirs) with pauses of session_gap at most, counted from the end of the answer; whatever is not known may be NULL; a timestamp without zone is read as UTC';

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
    'the sessions of every user: requests of one session id with pauses of max_idle at most, those without (or alone with theirs) with pauses of session_gap at most, counted from the end of the answer; whatever is not known may be NULL';

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
    'the sessions of every user: requests of one session id with pauses of max_idle at most, those without (or alone with theirs) with pauses of session_gap at most, counted from the end of the answer; whatever is not known may be NULL; a timestamp without zone is read as UTC';

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
    'the sessions of every user: requests of one session id with pauses of max_idle at most, those without (or alone with theirs) with pauses of session_gap at most, counted from the end of the answer; whatever is not known may be NULL';

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
    'the sessions of every user: requests of one session id with pauses of max_idle at most, those without (or alone with theirs) with pauses of session_gap at most, counted from the end of the answer; whatever is not known may be NULL; a timestamp without zone is read as UTC';

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
    'the steps of every user: steps says of a row which steps it is, window_size how long the whole way may take';

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
    'the steps of every user: steps says of a row which steps it is, window_size how long the whole way may take; a timestamp without zone is read as UTC';

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
    'the steps of every user: steps says of a row which steps it is, window_size how long the whole way may take';

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
    'the steps of every user: steps says of a row which steps it is, window_size how long the whole way may take; a timestamp without zone is read as UTC';

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
    'the steps of every user: steps says of a row which steps it is, window_size how long the whole way may take';

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
    'the steps of every user: steps says of a row which steps it is, window_size how long the whole way may take; a timestamp without zone is read as UTC';

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
    'the steps of every user: steps says of a row which steps it is, window_size how long the whole way may take, mode what may come in between: ordered, strict_order, strict_dedup, strict_increase, once or unordered';

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
    'the steps of every user: steps says of a row which steps it is, window_size how long the whole way may take, mode what may come in between: ordered, strict_order, strict_dedup, strict_increase, once or unordered; a timestamp without zone is read as UTC';

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
    'the steps of every user: steps says of a row which steps it is, window_size how long the whole way may take, mode what may come in between: ordered, strict_order, strict_dedup, strict_increase, once or unordered';

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
    'the steps of every user: steps says of a row which steps it is, window_size how long the whole way may take, mode what may come in between: ordered, strict_order, strict_dedup, strict_increase, once or unordered; a timestamp without zone is read as UTC';

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
    'the steps of every user: steps says of a row which steps it is, window_size how long the whole way may take, mode what may come in between: ordered, strict_order, strict_dedup, strict_increase, once or unordered';

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
    'the steps of every user: steps says of a row which steps it is, window_size how long the whole way may take, mode what may come in between: ordered, strict_order, strict_dedup, strict_increase, once or unordered; a timestamp without zone is read as UTC';

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
    'the steps of every user: steps says of a row which steps it is, window_size how long the whole way may take, mode what may come in between, excluded whether the row itself must not';

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
    'the steps of every user: steps says of a row which steps it is, window_size how long the whole way may take, mode what may come in between, excluded whether the row itself must not; a timestamp without zone is read as UTC';

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
    'the steps of every user: steps says of a row which steps it is, window_size how long the whole way may take, mode what may come in between, excluded whether the row itself must not';

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
    'the steps of every user: steps says of a row which steps it is, window_size how long the whole way may take, mode what may come in between, excluded whether the row itself must not; a timestamp without zone is read as UTC';

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
    'the steps of every user: steps says of a row which steps it is, window_size how long the whole way may take, mode what may come in between, excluded whether the row itself must not';

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
    'the steps of every user: steps says of a row which steps it is, window_size how long the whole way may take, mode what may come in between, excluded whether the row itself must not; a timestamp without zone is read as UTC';
