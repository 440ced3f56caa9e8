-- sessions: who used the product in one go. The type, its aggregates and its readouts.

-- Machinery moves out of the users' sight (pgrx could declare its schema only with IF NOT EXISTS).
ALTER FUNCTION user_metrics.sessions_text_instant SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_text_instant_full SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_text_utc SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_text_utc_full SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_uuid_instant SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_uuid_instant_full SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_uuid_utc SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_uuid_utc_full SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_bigint_instant SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_bigint_instant_full SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_bigint_utc SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_bigint_utc_full SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_rollup SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_combine SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_serialize SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_deserialize SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_finish SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_in SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_out SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_receive SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_send SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.session_key SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.session_reach SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.last_request(user_metrics.sessions) SET SCHEMA user_metrics_internal;

CREATE TYPE user_metrics.sessions (
    INPUT = user_metrics_internal.sessions_in,
    OUTPUT = user_metrics_internal.sessions_out,
    RECEIVE = user_metrics_internal.sessions_receive,
    SEND = user_metrics_internal.sessions_send,
    INTERNALLENGTH = VARIABLE,
    STORAGE = extended
);
COMMENT ON TYPE user_metrics.sessions IS
    'per user the sessions, with their requests, errors and outcome; merges exactly with rollup(), read by session_stats() and the like';

-- SSPACE is what a group of some hundred users takes; a hash aggregate plans with it.

CREATE AGGREGATE user_metrics.sessions(user_id text, occurred_at timestamptz) (
    SFUNC = user_metrics_internal.sessions_text_instant, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.sessions_finish, COMBINEFUNC = user_metrics_internal.sessions_combine,
    SERIALFUNC = user_metrics_internal.sessions_serialize, DESERIALFUNC = user_metrics_internal.sessions_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.sessions(text, timestamptz) IS
    'the sessions of every user: requests with pauses of user_metrics.session_gap at most';

CREATE AGGREGATE user_metrics.sessions(
    user_id text, occurred_at timestamptz, session_id text, latency_ms double precision, succeeded boolean,
    session_gap interval, max_idle interval
) (
    SFUNC = user_metrics_internal.sessions_text_instant_full, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.sessions_finish, COMBINEFUNC = user_metrics_internal.sessions_combine,
    SERIALFUNC = user_metrics_internal.sessions_serialize, DESERIALFUNC = user_metrics_internal.sessions_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.sessions(text, timestamptz, text, double precision, boolean, interval, interval) IS
    'the sessions of every user: requests of one session id with pauses of max_idle at most, those without (or alone with theirs) with pauses of session_gap at most, counted from the end of the answer; whatever is not known may be NULL';

CREATE AGGREGATE user_metrics.sessions(user_id text, occurred_at timestamp) (
    SFUNC = user_metrics_internal.sessions_text_utc, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.sessions_finish, COMBINEFUNC = user_metrics_internal.sessions_combine,
    SERIALFUNC = user_metrics_internal.sessions_serialize, DESERIALFUNC = user_metrics_internal.sessions_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.sessions(text, timestamp) IS
    'the sessions of every user: requests with pauses of user_metrics.session_gap at most; a timestamp without zone is read as UTC';

CREATE AGGREGATE user_metrics.sessions(
    user_id text, occurred_at timestamp, session_id text, latency_ms double precision, succeeded boolean,
    session_gap interval, max_idle interval
) (
    SFUNC = user_metrics_internal.sessions_text_utc_full, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.sessions_finish, COMBINEFUNC = user_metrics_internal.sessions_combine,
    SERIALFUNC = user_metrics_internal.sessions_serialize, DESERIALFUNC = user_metrics_internal.sessions_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.sessions(text, timestamp, text, double precision, boolean, interval, interval) IS
    'the sessions of every user: requests of one session id with pauses of max_idle at most, those without (or alone with theirs) with pauses of session_gap at most, counted from the end of the answer; whatever is not known may be NULL; a timestamp without zone is read as UTC';

CREATE AGGREGATE user_metrics.sessions(user_id uuid, occurred_at timestamptz) (
    SFUNC = user_metrics_internal.sessions_uuid_instant, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.sessions_finish, COMBINEFUNC = user_metrics_internal.sessions_combine,
    SERIALFUNC = user_metrics_internal.sessions_serialize, DESERIALFUNC = user_metrics_internal.sessions_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.sessions(uuid, timestamptz) IS
    'the sessions of every user: requests with pauses of user_metrics.session_gap at most';

CREATE AGGREGATE user_metrics.sessions(
    user_id uuid, occurred_at timestamptz, session_id text, latency_ms double precision, succeeded boolean,
    session_gap interval, max_idle interval
) (
    SFUNC = user_metrics_internal.sessions_uuid_instant_full, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.sessions_finish, COMBINEFUNC = user_metrics_internal.sessions_combine,
    SERIALFUNC = user_metrics_internal.sessions_serialize, DESERIALFUNC = user_metrics_internal.sessions_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.sessions(uuid, timestamptz, text, double precision, boolean, interval, interval) IS
    'the sessions of every user: requests of one session id with pauses of max_idle at most, those without (or alone with theirs) with pauses of session_gap at most, counted from the end of the answer; whatever is not known may be NULL';

CREATE AGGREGATE user_metrics.sessions(user_id uuid, occurred_at timestamp) (
    SFUNC = user_metrics_internal.sessions_uuid_utc, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.sessions_finish, COMBINEFUNC = user_metrics_internal.sessions_combine,
    SERIALFUNC = user_metrics_internal.sessions_serialize, DESERIALFUNC = user_metrics_internal.sessions_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.sessions(uuid, timestamp) IS
    'the sessions of every user: requests with pauses of user_metrics.session_gap at most; a timestamp without zone is read as UTC';

CREATE AGGREGATE user_metrics.sessions(
    user_id uuid, occurred_at timestamp, session_id text, latency_ms double precision, succeeded boolean,
    session_gap interval, max_idle interval
) (
    SFUNC = user_metrics_internal.sessions_uuid_utc_full, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.sessions_finish, COMBINEFUNC = user_metrics_internal.sessions_combine,
    SERIALFUNC = user_metrics_internal.sessions_serialize, DESERIALFUNC = user_metrics_internal.sessions_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.sessions(uuid, timestamp, text, double precision, boolean, interval, interval) IS
    'the sessions of every user: requests of one session id with pauses of max_idle at most, those without (or alone with theirs) with pauses of session_gap at most, counted from the end of the answer; whatever is not known may be NULL; a timestamp without zone is read as UTC';

CREATE AGGREGATE user_metrics.sessions(user_id bigint, occurred_at timestamptz) (
    SFUNC = user_metrics_internal.sessions_bigint_instant, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.sessions_finish, COMBINEFUNC = user_metrics_internal.sessions_combine,
    SERIALFUNC = user_metrics_internal.sessions_serialize, DESERIALFUNC = user_metrics_internal.sessions_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.sessions(bigint, timestamptz) IS
    'the sessions of every user: requests with pauses of user_metrics.session_gap at most';

CREATE AGGREGATE user_metrics.sessions(
    user_id bigint, occurred_at timestamptz, session_id text, latency_ms double precision, succeeded boolean,
    session_gap interval, max_idle interval
) (
    SFUNC = user_metrics_internal.sessions_bigint_instant_full, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.sessions_finish, COMBINEFUNC = user_metrics_internal.sessions_combine,
    SERIALFUNC = user_metrics_internal.sessions_serialize, DESERIALFUNC = user_metrics_internal.sessions_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.sessions(bigint, timestamptz, text, double precision, boolean, interval, interval) IS
    'the sessions of every user: requests of one session id with pauses of max_idle at most, those without (or alone with theirs) with pauses of session_gap at most, counted from the end of the answer; whatever is not known may be NULL';

CREATE AGGREGATE user_metrics.sessions(user_id bigint, occurred_at timestamp) (
    SFUNC = user_metrics_internal.sessions_bigint_utc, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.sessions_finish, COMBINEFUNC = user_metrics_internal.sessions_combine,
    SERIALFUNC = user_metrics_internal.sessions_serialize, DESERIALFUNC = user_metrics_internal.sessions_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.sessions(bigint, timestamp) IS
    'the sessions of every user: requests with pauses of user_metrics.session_gap at most; a timestamp without zone is read as UTC';

CREATE AGGREGATE user_metrics.sessions(
    user_id bigint, occurred_at timestamp, session_id text, latency_ms double precision, succeeded boolean,
    session_gap interval, max_idle interval
) (
    SFUNC = user_metrics_internal.sessions_bigint_utc_full, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.sessions_finish, COMBINEFUNC = user_metrics_internal.sessions_combine,
    SERIALFUNC = user_metrics_internal.sessions_serialize, DESERIALFUNC = user_metrics_internal.sessions_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.sessions(bigint, timestamp, text, double precision, boolean, interval, interval) IS
    'the sessions of every user: requests of one session id with pauses of max_idle at most, those without (or alone with theirs) with pauses of session_gap at most, counted from the end of the answer; whatever is not known may be NULL; a timestamp without zone is read as UTC';

CREATE AGGREGATE user_metrics.rollup(value user_metrics.sessions) (
    SFUNC = user_metrics_internal.sessions_rollup, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.sessions_finish, COMBINEFUNC = user_metrics_internal.sessions_combine,
    SERIALFUNC = user_metrics_internal.sessions_serialize, DESERIALFUNC = user_metrics_internal.sessions_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.rollup(user_metrics.sessions) IS
    'merges stored sessions of the same limits and one type of user id: the same bytes as one pass over all their rows';

COMMENT ON FUNCTION user_metrics.users(user_metrics.sessions) IS 'how many distinct users have sessions';
COMMENT ON FUNCTION user_metrics.without_users(user_metrics.sessions, text[]) IS
    'the same sessions without those of the given users (their ids as text, whatever the type of the log''s ids)';

-- session_list in three forms: over sessions (in Rust), over a source, and over a source by name. The last is for literals: of
-- regclass and sessions PostgreSQL prefers neither for one, but text it does.

CREATE FUNCTION user_metrics.session_list(
    source regclass, session_gap interval DEFAULT NULL, max_idle interval DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    user_id text, session_number bigint, session_id text, started_at timestamptz, ended_at timestamptz,
    duration_seconds double precision, requests bigint, errors bigint, outcome text
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Nothing is read, but what is wrong is refused before the log is.
    PERFORM user_metrics_internal.session_reach('session_list', since, session_gap, max_idle);
    RETURN QUERY EXECUTE user_metrics_internal.source_query(
        'session_list', user_metrics_internal.relation(source), ARRAY[]::text[],
        since, until, as_of, filter::text, NULL, NULL
    ) USING since, until, LEAST(as_of, statement_timestamp()), as_of, session_gap, max_idle;
END
$$;
COMMENT ON FUNCTION user_metrics.session_list(regclass, interval, interval, timestamptz, timestamptz, jsonb, timestamptz) IS
    'every session with its user: begin, end, requests, errors and outcome (completed, abandoned, open, or NULL where the log does not tell)';

CREATE FUNCTION user_metrics.session_list(
    source text, session_gap interval DEFAULT NULL, max_idle interval DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    user_id text, session_number bigint, session_id text, started_at timestamptz, ended_at timestamptz,
    duration_seconds double precision, requests bigint, errors bigint, outcome text
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.session_list(
        source::pg_catalog.regclass, session_gap, max_idle, since, until, filter, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.session_list(text, interval, interval, timestamptz, timestamptz, jsonb, timestamptz) IS
    'every session with its user: begin, end, requests, errors and outcome (completed, abandoned, open, or NULL where the log does not tell); the source by name, as in session_list(''request_log'')';
COMMENT ON FUNCTION user_metrics.session_list(user_metrics.sessions, timestamptz, timestamptz, timestamptz) IS
    'every session with its user: begin, end, requests, errors and outcome (completed, abandoned, open, or NULL where the log does not tell); read from sessions';
