-- One user: user_metrics_row and user_profile.

ALTER FUNCTION user_metrics.profile_json SET SCHEMA user_metrics_internal;

-- What both are made of. The figures come from one user's requests; segment and benchmark read those of all others as well.
CREATE FUNCTION user_metrics_internal.user_summary(
    function text, source regclass, user_id text, peers text, benchmark boolean, candidates text[], fallback text[],
    since timestamptz, until timestamptz, filter jsonb, timezone text, as_of timestamptz
) RETURNS TABLE (figures jsonb, benchmarked jsonb)
-- Numbers pass through JSON: to the last digit, whatever the session shows.
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp SET extra_float_digits = 1 AS $$
DECLARE
    own record;
    segment text;
BEGIN
    IF user_id IS NULL THEN
        RAISE EXCEPTION '%: argument "user_id" cannot be NULL', function
            USING ERRCODE = 'null_value_not_allowed', HINT = 'Name one user, by the id that the log has.';
    END IF;
    PERFORM user_metrics_internal.resolved_timezone(function, timezone);
    -- Compared with others, a user is observed as long as they are: up to the end of the log.
    SELECT f.* INTO own FROM user_metrics_internal.user_figures(
        source, user_id, candidates, fallback, since => since, until => until, filter => filter, timezone => timezone,
        as_of => CASE WHEN benchmark THEN user_metrics_internal.observed_until(user_metrics_internal.relation(source), until, as_of)
            ELSE as_of END
    ) AS f;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF benchmark THEN
        SELECT s.segment INTO segment FROM user_metrics.segment_user(
            source, user_id, since => since, until => until, filter => filter, timezone => timezone, as_of => as_of
        ) AS s;
        SELECT jsonb_agg(to_jsonb(b)) INTO benchmarked FROM user_metrics.benchmark_user(
            source, user_id, peers, since => since, until => until, filter => filter, timezone => timezone, as_of => as_of
        ) AS b;
    END IF;
    figures := to_jsonb(own) || jsonb_build_object('segment', segment);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION user_metrics_internal.user_summary(text, regclass, text, text, boolean, text[], text[], timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'what user_metrics_row and user_profile are made of';

CREATE FUNCTION user_metrics.user_metrics_row(
    source regclass, user_id text, peers text DEFAULT NULL, benchmark boolean DEFAULT true, candidates text[] DEFAULT NULL,
    fallback text[] DEFAULT NULL, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, requests bigint, active_days bigint, first_seen timestamptz, last_seen timestamptz,
    requests_per_active_day double precision, requests_per_calendar_day double precision,
    sessions bigint, session_mean_seconds double precision, session_median_seconds double precision,
    completion_rate double precision, success_rate double precision, cost_usd double precision, mean_rating double precision,
    peak_hours text, favorite_features text, model_preferences text, preferred_models text,
    prefers_speed boolean, prefers_quality boolean,
    requests_per_day double precision, requests_per_day_peer_median double precision,
    requests_per_day_percentile double precision,
    requests_per_completed_session double precision, requests_per_completed_session_peer_median double precision,
    requests_per_completed_session_percentile double precision,
    features_used double precision, features_used_peer_median double precision, features_used_percentile double precision,
    satisfaction double precision, satisfaction_peer_median double precision, satisfaction_percentile double precision,
    peer_users bigint
) LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
    SELECT f.segment, f.requests, f.active_days, f.first_seen, f.last_seen, f.requests_per_active_day,
        f.requests_per_calendar_day, f.sessions, f.session_mean_seconds, f.session_median_seconds, f.completion_rate,
        f.success_rate, f.cost_usd, f.mean_rating, array_to_string(f.peak_hours, ','), array_to_string(f.favorite_features, ','),
        array_to_string(f.model_preferences, ','), array_to_string(f.preferred_models, ','), f.prefers_speed,
        f.prefers_quality,
        b1.value, b1.peer_median, b1.percentile,
        b2.value,
        b2.peer_median,
        b2.percentile, b3.value, b3.peer_median, b3.percentile,
        b4.value,
        b4.peer_median,
        b4.percentile,
        b1.peer_users
    FROM user_metrics_internal.user_summary(
        'user_metrics_row', source, user_id, peers, benchmark, candidates, fallback, since, until, filter, timezone, as_of
    ) AS s
    CROSS JOIN LATERAL jsonb_to_record(s.figures) AS f(
        segment text, requests bigint, active_days bigint, first_seen timestamptz, last_seen timestamptz,
        requests_per_active_day double precision, requests_per_calendar_day double precision, sessions bigint,
        session_mean_seconds double precision, session_median_seconds double precision, completion_rate double precision,
        success_rate double precision, cost_usd double precision, mean_rating double precision, peak_hours integer[],
        favorite_features text[], model_preferences text[], preferred_models text[], prefers_speed boolean,
        prefers_quality boolean
    )
    LEFT JOIN LATERAL (
        SELECT b.* FROM jsonb_to_recordset(s.benchmarked) AS b(
            metric text, value double precision, peer_median double precision, percentile double precision, peer_users bigint
        ) WHERE b.metric = 'requests_per_day'
    ) AS b1 ON true
    LEFT JOIN LATERAL (
        SELECT b.* FROM jsonb_to_recordset(s.benchmarked) AS b(
            metric text, value double precision, peer_median double precision, percentile double precision, peer_users bigint
        ) WHERE b.metric = 'requests_per_completed_session'
    ) AS b2 ON true
    LEFT JOIN LATERAL (
        SELECT b.* FROM jsonb_to_recordset(s.benchmarked) AS b(
            metric text, value double precision, peer_median double precision, percentile double precision, peer_users bigint
        ) WHERE b.metric = 'features_used'
    ) AS b3 ON true
    LEFT JOIN LATERAL (
        SELECT b.* FROM jsonb_to_recordset(s.benchmarked) AS b(
            metric text, value double precision, peer_median double precision, percentile double precision, peer_users bigint
        ) WHERE b.metric = 'satisfaction'
    ) AS b4 ON true
$$;
COMMENT ON FUNCTION user_metrics.user_metrics_row(regclass, text, text, boolean, text[], text[], timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'one user''s profile as one row of plain columns: usage, sessions, habits, segment, preferences, and their figures beside those of their peers; benchmark => false reads the user''s own requests only';

CREATE FUNCTION user_metrics.user_profile(
    source regclass, user_id text, peers text DEFAULT NULL, benchmark boolean DEFAULT true, candidates text[] DEFAULT NULL,
    fallback text[] DEFAULT NULL, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
    SELECT user_metrics_internal.profile_json(s.figures::text, s.benchmarked::text)::jsonb
    FROM user_metrics_internal.user_summary(
        'user_profile', source, user_id, peers, benchmark, candidates, fallback, since, until, filter, timezone, as_of
    ) AS s
$$;
COMMENT ON FUNCTION user_metrics.user_profile(regclass, text, text, boolean, text[], text[], timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'one user''s profile as JSON: behaviour, segment, preferences, and their figures beside those of their peers; benchmark => false reads the user''s own requests only';
