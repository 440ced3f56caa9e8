-- How many are active and how often: active_users, engagement, stickiness.
-- Three forms each: over an activity (in Rust), over a source, and over a source by name. The last is for literals: of
-- regclass and activity PostgreSQL prefers neither for one, but text it does.

CREATE FUNCTION user_metrics.active_users(
    source regclass, period text DEFAULT 'day', since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, period_start date, active_users bigint, new_users bigint, returning_users bigint, complete boolean
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Nothing is read, but what is wrong is refused before the log is.
    PERFORM FROM user_metrics.active_users(NULL::user_metrics.activity, period);
    RETURN QUERY EXECUTE user_metrics_internal.source_query(
        'active_users', user_metrics_internal.relation(source), ARRAY['period'],
        since, until, as_of, filter::text, by, timezone
    ) USING since, until, LEAST(as_of, statement_timestamp()), as_of, period;
END
$$;
COMMENT ON FUNCTION user_metrics.active_users(regclass, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'distinct active users per day, week, month, quarter or year; new users made their first request ever in it; complete: the period has elapsed and is shown in full';

CREATE FUNCTION user_metrics.active_users(
    source text, period text DEFAULT 'day', since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, period_start date, active_users bigint, new_users bigint, returning_users bigint, complete boolean
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.active_users(
        source::pg_catalog.regclass, period, since, until, filter, by, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.active_users(text, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'distinct active users per day, week, month, quarter or year; new users made their first request ever in it; complete: the period has elapsed and is shown in full; the source by name, as in active_users(''request_log'')';
COMMENT ON FUNCTION user_metrics.active_users(user_metrics.activity, text, timestamptz, timestamptz, timestamptz) IS
    'distinct active users per day, week, month, quarter or year; new users made their first request ever in it; complete: the period has elapsed and is shown in full; read from an activity';

CREATE FUNCTION user_metrics.engagement(
    source regclass, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, day date, daily_users bigint, weekly_users bigint, monthly_users bigint,
    stickiness double precision, complete boolean
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY EXECUTE user_metrics_internal.source_query(
        'engagement', user_metrics_internal.relation(source), ARRAY[]::text[],
        since, until, as_of, filter::text, by, timezone
    ) USING since, until, LEAST(as_of, statement_timestamp()), as_of;
END
$$;
COMMENT ON FUNCTION user_metrics.engagement(regclass, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'per local day its distinct users, those of the 7 and of the 30 days ending with it, and daily over monthly users; complete: the day has elapsed and the 30 days lie within the log';

CREATE FUNCTION user_metrics.engagement(
    source text, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, day date, daily_users bigint, weekly_users bigint, monthly_users bigint,
    stickiness double precision, complete boolean
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.engagement(
        source::pg_catalog.regclass, since, until, filter, by, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.engagement(text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'per local day its distinct users, those of the 7 and of the 30 days ending with it, and daily over monthly users; complete: the day has elapsed and the 30 days lie within the log; the source by name, as in engagement(''request_log'')';
COMMENT ON FUNCTION user_metrics.engagement(user_metrics.activity, timestamptz, timestamptz, timestamptz) IS
    'per local day its distinct users, those of the 7 and of the 30 days ending with it, and daily over monthly users; complete: the day has elapsed and the 30 days lie within the log; read from an activity';

CREATE FUNCTION user_metrics.stickiness(
    source regclass, days integer DEFAULT 28, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, active_days integer, users bigint, users_at_least bigint, share double precision
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Nothing is read, but what is wrong is refused before the log is.
    PERFORM FROM user_metrics.stickiness(NULL::user_metrics.activity, days);
    RETURN QUERY EXECUTE user_metrics_internal.source_query(
        'stickiness', user_metrics_internal.relation(source), ARRAY['days'],
        since, until, as_of, filter::text, by, timezone
    ) USING since, until, LEAST(as_of, statement_timestamp()), as_of, days;
END
$$;
COMMENT ON FUNCTION user_metrics.stickiness(regclass, integer, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'how many users were active on exactly so many of the last days, on at least so many, and their share of all active';

CREATE FUNCTION user_metrics.stickiness(
    source text, days integer DEFAULT 28, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, active_days integer, users bigint, users_at_least bigint, share double precision
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.stickiness(
        source::pg_catalog.regclass, days, since, until, filter, by, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.stickiness(text, integer, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'how many users were active on exactly so many of the last days, on at least so many, and their share of all active; the source by name, as in stickiness(''request_log'')';
COMMENT ON FUNCTION user_metrics.stickiness(user_metrics.activity, integer, timestamptz, timestamptz, timestamptz) IS
    'how many users were active on exactly so many of the last days, on at least so many, and their share of all active; read from an activity';
