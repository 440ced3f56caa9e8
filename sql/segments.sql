-- Segments: who is new, at risk, a power user, casual or dormant, and why: segment_users, segment_user, segment_summary.
-- Two forms each: over a source, and over a source by name.

ALTER FUNCTION user_metrics.user_key(text) SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.user_key(uuid) SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.user_key(bigint) SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.user_days SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics_internal.user_days ROWS 100000;
ALTER FUNCTION user_metrics.user_sessions SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics_internal.user_sessions ROWS 100000;
ALTER FUNCTION user_metrics.segment_rules SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.decline_p SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.check_segments SET SCHEMA user_metrics_internal;

CREATE FUNCTION user_metrics.segment_users(
    source regclass, power_share double precision DEFAULT 0.10, ties text DEFAULT 'include', min_users integer DEFAULT 10,
    new_days integer DEFAULT 30, recent_weeks integer DEFAULT 4, base_weeks integer DEFAULT 4,
    max_decline_ratio double precision DEFAULT 0.5, max_decline_p double precision DEFAULT 0.05,
    min_base_requests integer DEFAULT 10, rules jsonb DEFAULT NULL, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    user_id text, segment text, requests bigint, active_days bigint, first_seen timestamptz, last_seen timestamptz,
    usage_rank bigint, power_cutoff bigint, recent_requests bigint, base_requests bigint,
    decline_ratio double precision, decline_p double precision
)
-- The planner cannot know how many users there are, and would sort them for each join where a hash table does.
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp SET enable_mergejoin = off AS $$
DECLARE
    relation text := user_metrics_internal.relation(source);
    last_counted timestamptz := LEAST(as_of, statement_timestamp());
    zone text := user_metrics_internal.resolved_timezone('segment_users', timezone);
    everybody text;
    wanted record;
    days user_metrics.activity;
    sessions user_metrics.sessions;
    observed_until timestamptz;
BEGIN
    PERFORM user_metrics_internal.check_segments(
        power_share, ties, min_users, new_days, recent_weeks, base_weeks,
        max_decline_ratio, max_decline_p, min_base_requests
    );
    SELECT r.* INTO wanted FROM user_metrics_internal.segment_rules(rules::text) AS r;
    everybody := user_metrics_internal.requests_query(
        'segment_users', relation, wanted.columns, NULL, until, filter::text, NULL, identified => false
    );
    -- One pass for the days, which a value counts far faster than GROUP BY could, and one for the rest. Names and days meet
    -- by key.
    EXECUTE format(
        'SELECT user_metrics.activity(q.user_id, q.occurred_at%s) FROM (%s) AS q WHERE $1 IS NULL OR q.occurred_at >= $1',
        CASE WHEN zone <> current_setting('user_metrics.timezone') THEN ', $4' END, everybody
    ) INTO days USING since, until, last_counted, zone;
    IF wanted.counts_sessions THEN
        EXECUTE format(
            'SELECT user_metrics.sessions(q.user_id, q.occurred_at, q.session_id, q.latency_ms, q.succeeded, NULL, NULL)
             FROM (%s) AS q WHERE $1 IS NULL OR q.occurred_at >= $1',
            user_metrics_internal.requests_query(
                'segment_users', relation, ARRAY['session_id', 'latency_ms', 'succeeded'],
                NULL, until, filter::text, NULL, identified => false
            )
        ) INTO sessions USING since, until, last_counted;
    END IF;
    IF as_of IS NULL AND until IS NULL AND since IS NULL AND filter IS NULL THEN
        observed_until := LEAST(user_metrics_internal.last_request(days), statement_timestamp());
    ELSE
        observed_until := user_metrics_internal.observed_until(relation, until, as_of);
    END IF;

    RETURN QUERY EXECUTE format($query$
        -- Materialized, so that the rules about who is a user are not applied to rows.
        WITH people AS MATERIALIZED (
            SELECT q.user_id,
                count(*) FILTER (WHERE $1 IS NULL OR q.occurred_at >= $1) AS requests,
                min(q.occurred_at) AS first_seen,
                max(q.occurred_at) AS last_seen,
                count(*) FILTER (WHERE q.occurred_at > $5 AND q.occurred_at <= $4) AS recent,
                count(*) FILTER (WHERE q.occurred_at > $6 AND q.occurred_at <= $5) AS base%3$s
            FROM (%1$s) AS q
            GROUP BY q.user_id
        ), known AS MATERIALIZED (
            SELECT p.*, user_metrics_internal.user_key(p.user_id) AS user_key FROM people AS p WHERE %2$s
        ), usages AS (
            -- Few numbers of requests for many users. Rank 1 uses most; how many use as much or more; how many use anything.
            SELECT u.recent, 1 + sum(u.users) OVER by_usage - u.users AS place, sum(u.users) OVER by_usage AS as_much,
                sum(u.users) OVER () AS active, min(u.recent) OVER () AS least
            FROM (SELECT k.recent, count(*) AS users FROM known AS k WHERE k.recent > 0 GROUP BY k.recent) AS u
            WINDOW by_usage AS (ORDER BY u.recent DESC)
        ), marked AS MATERIALIZED (
            -- Shares and ratios as they are written, in decimals. Within the share, or with as much as the last who is. Where that is everybody, nobody stands out.
            SELECT u.recent, u.place::bigint AS place,
                u.active >= $10
                AND CASE $11 WHEN 'include' THEN u.place ELSE u.as_much END <= ceil($12::numeric * u.active)
                AND u.recent > u.least AS is_power
            FROM usages AS u
        ), told AS (
            SELECT k.*, m.place, m.is_power, COALESCE(d.active_days, 0) AS active_days, COALESCE(s.sessions, 0) AS sessions,
                k.recent::double precision / $7 / NULLIF(k.base::double precision / $8, 0) AS ratio,
                user_metrics_internal.decline_p(k.recent, k.base, $7, $8) AS chance
            FROM known AS k
            LEFT JOIN marked AS m ON m.recent = k.recent
            LEFT JOIN user_metrics_internal.user_days($9) AS d ON d.user_key = k.user_key
            LEFT JOIN user_metrics_internal.user_sessions($17, $4) AS s ON s.user_key = k.user_key
        ), named AS (
            SELECT t.*,
                CASE
                    WHEN t.first_seen > $13 THEN 'new'
                    WHEN t.base >= $14 AND t.recent * $8 <= $15::numeric * t.base * $7 AND t.chance < $16 THEN 'at_risk'
                    WHEN t.is_power THEN 'power'
                    WHEN t.recent > 0 THEN 'casual'
                    ELSE 'dormant'
                END AS segment,
                floor(extract(epoch FROM $4 - t.first_seen) / 86400) AS days_since_first,
                floor(extract(epoch FROM $4 - t.last_seen) / 86400) AS days_since_last
            FROM told AS t
        )
        SELECT n.user_id::text, %4$s, n.requests, n.active_days, n.first_seen, n.last_seen, n.place,
            (SELECT min(m.recent) FROM marked AS m WHERE m.is_power), n.recent, n.base, n.ratio, n.chance
        FROM named AS n
        ORDER BY n.user_id::text COLLATE "C"
    $query$, everybody, user_metrics_internal.user_condition(relation, 'p.user_id'), wanted.aggregates, wanted.expression)
    USING since, until, last_counted, observed_until,
        observed_until - recent_weeks * interval '168 hours',
        observed_until - (recent_weeks + base_weeks) * interval '168 hours', recent_weeks, base_weeks, days,
        min_users, ties, power_share, observed_until - new_days * interval '24 hours',
        min_base_requests, max_decline_ratio, max_decline_p, sessions;
END
$$;
COMMENT ON FUNCTION user_metrics.segment_users(regclass, double precision, text, integer, integer, integer, integer, double precision, double precision, integer, jsonb, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'every user in exactly one segment (the first of new, at_risk, power, casual, dormant that fits; or of rules of your own), with the figures that say why';

CREATE FUNCTION user_metrics.segment_users(
    source text, power_share double precision DEFAULT 0.10, ties text DEFAULT 'include', min_users integer DEFAULT 10,
    new_days integer DEFAULT 30, recent_weeks integer DEFAULT 4, base_weeks integer DEFAULT 4,
    max_decline_ratio double precision DEFAULT 0.5, max_decline_p double precision DEFAULT 0.05,
    min_base_requests integer DEFAULT 10, rules jsonb DEFAULT NULL, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    user_id text, segment text, requests bigint, active_days bigint, first_seen timestamptz, last_seen timestamptz,
    usage_rank bigint, power_cutoff bigint, recent_requests bigint, base_requests bigint,
    decline_ratio double precision, decline_p double precision
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.segment_users(
        source::pg_catalog.regclass, power_share, ties, min_users, new_days, recent_weeks, base_weeks, max_decline_ratio,
        max_decline_p, min_base_requests, rules, since, until, filter, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.segment_users(text, double precision, text, integer, integer, integer, integer, double precision, double precision, integer, jsonb, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'every user in exactly one segment (the first of new, at_risk, power, casual, dormant that fits; or of rules of your own), with the figures that say why; the source by name, as in segment_users(''request_log'')';

CREATE FUNCTION user_metrics.segment_user(
    source regclass, user_id text, power_share double precision DEFAULT 0.10, ties text DEFAULT 'include', min_users integer DEFAULT 10,
    new_days integer DEFAULT 30, recent_weeks integer DEFAULT 4, base_weeks integer DEFAULT 4,
    max_decline_ratio double precision DEFAULT 0.5, max_decline_p double precision DEFAULT 0.05,
    min_base_requests integer DEFAULT 10, rules jsonb DEFAULT NULL, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, requests bigint, active_days bigint, first_seen timestamptz, last_seen timestamptz,
    usage_rank bigint, power_cutoff bigint, recent_requests bigint, base_requests bigint,
    decline_ratio double precision, decline_p double precision
) LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
    SELECT r.segment, r.requests, r.active_days, r.first_seen, r.last_seen, r.usage_rank, r.power_cutoff,
        r.recent_requests, r.base_requests, r.decline_ratio, r.decline_p
    FROM user_metrics.segment_users(
        source, power_share, ties, min_users, new_days, recent_weeks, base_weeks, max_decline_ratio,
        max_decline_p, min_base_requests, rules, since, until, filter, timezone, as_of
    ) AS r
    WHERE r.user_id = segment_user.user_id
$$;
COMMENT ON FUNCTION user_metrics.segment_user(regclass, text, double precision, text, integer, integer, integer, integer, double precision, double precision, integer, jsonb, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'one user''s row of segment_users';

CREATE FUNCTION user_metrics.segment_summary(
    source regclass, power_share double precision DEFAULT 0.10, ties text DEFAULT 'include', min_users integer DEFAULT 10,
    new_days integer DEFAULT 30, recent_weeks integer DEFAULT 4, base_weeks integer DEFAULT 4,
    max_decline_ratio double precision DEFAULT 0.5, max_decline_p double precision DEFAULT 0.05,
    min_base_requests integer DEFAULT 10, rules jsonb DEFAULT NULL, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, users bigint, user_share double precision, requests bigint, request_share double precision,
    requests_per_user double precision
) LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
    WITH counted AS (
        SELECT n.place, n.segment, count(r.user_id) AS users, COALESCE(sum(r.requests), 0)::bigint AS requests,
            NOT user_metrics_internal.hides(count(r.user_id)) AS shown
        FROM user_metrics_internal.segment_rules(rules::text) AS w, unnest(w.segments) WITH ORDINALITY AS n(segment, place)
        LEFT JOIN user_metrics.segment_users(
            source, power_share, ties, min_users, new_days, recent_weeks, base_weeks, max_decline_ratio, max_decline_p,
            min_base_requests, rules, since, until, filter, timezone, as_of
        ) AS r ON r.segment = n.segment
        GROUP BY n.place, n.segment
    )
    SELECT c.segment,
        CASE WHEN c.shown THEN c.users END,
        CASE WHEN c.shown AND bool_and(c.shown) OVER () THEN c.users / NULLIF(sum(c.users) OVER (), 0)::double precision END,
        CASE WHEN c.shown THEN c.requests END,
        CASE WHEN c.shown AND bool_and(c.shown) OVER () THEN c.requests / NULLIF(sum(c.requests) OVER (), 0)::double precision END,
        CASE WHEN c.shown THEN c.requests / NULLIF(c.users, 0)::double precision END
    FROM counted AS c
    ORDER BY c.place
$$;
COMMENT ON FUNCTION user_metrics.segment_summary(regclass, double precision, text, integer, integer, integer, integer, double precision, double precision, integer, jsonb, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'users and requests of each segment of segment_users, in their order';

CREATE FUNCTION user_metrics.segment_user(
    source text, user_id text, power_share double precision DEFAULT 0.10, ties text DEFAULT 'include', min_users integer DEFAULT 10,
    new_days integer DEFAULT 30, recent_weeks integer DEFAULT 4, base_weeks integer DEFAULT 4,
    max_decline_ratio double precision DEFAULT 0.5, max_decline_p double precision DEFAULT 0.05,
    min_base_requests integer DEFAULT 10, rules jsonb DEFAULT NULL, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, requests bigint, active_days bigint, first_seen timestamptz, last_seen timestamptz,
    usage_rank bigint, power_cutoff bigint, recent_requests bigint, base_requests bigint,
    decline_ratio double precision, decline_p double precision
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.segment_user(
        source::pg_catalog.regclass, user_id, power_share, ties, min_users, new_days, recent_weeks, base_weeks, max_decline_ratio,
        max_decline_p, min_base_requests, rules, since, until, filter, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.segment_user(text, text, double precision, text, integer, integer, integer, integer, double precision, double precision, integer, jsonb, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'one user''s row of segment_users; the source by name, as in segment_user(''request_log'', ''ann'')';

CREATE FUNCTION user_metrics.segment_summary(
    source text, power_share double precision DEFAULT 0.10, ties text DEFAULT 'include', min_users integer DEFAULT 10,
    new_days integer DEFAULT 30, recent_weeks integer DEFAULT 4, base_weeks integer DEFAULT 4,
    max_decline_ratio double precision DEFAULT 0.5, max_decline_p double precision DEFAULT 0.05,
    min_base_requests integer DEFAULT 10, rules jsonb DEFAULT NULL, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, users bigint, user_share double precision, requests bigint, request_share double precision,
    requests_per_user double precision
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.segment_summary(
        source::pg_catalog.regclass, power_share, ties, min_users, new_days, recent_weeks, base_weeks, max_decline_ratio,
        max_decline_p, min_base_requests, rules, since, until, filter, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.segment_summary(text, double precision, text, integer, integer, integer, integer, double precision, double precision, integer, jsonb, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'users and requests of each segment of segment_users, in their order; the source by name, as in segment_summary(''request_log'')';
