-- sessions: requests grouped into sessions. The type, rollup, its accessors and session_list; the other aggregates and readouts
-- declare themselves.

-- Machinery moves out of the users' sight (pgrx could declare its schema only with IF NOT EXISTS).
ALTER FUNCTION user_metrics.sessions_rollup SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_combine SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_serialize SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_deserialize SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_finish SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_in SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_out SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_receive SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_send SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.user_sessions SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics_internal.user_sessions ROWS 100000;
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
