-- Usage patterns: how much, when, which features and which models: usage_patterns, peak_hours, usage_heatmap,
-- feature_usage, model_usage, model_stickiness, model_switches, request_complexity.
-- Two forms each: over a source, and over a source by name.
--
-- Each function runs one query. Its parameters are $1 since, $2 until, $3 the last instant that counts, $4 as_of, and own
-- ones from $5 on. %1$s there is the query of the requests and %2$s what makes p.user_id a user who counts, both of the
-- doorway's making. Where a function groups by user, that is asked of groups and not of rows: the group is MATERIALIZED,
-- or PostgreSQL would ask it of rows all the same. Numbers that cannot be, below 0 or not finite, are taken as not known.

ALTER FUNCTION user_metrics.check_top SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.hour_begins SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics_internal.hour_begins ROWS 24;

CREATE FUNCTION user_metrics.usage_patterns(
    source regclass, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, users bigint, requests bigint, active_days bigint,
    requests_per_active_day double precision, requests_per_calendar_day double precision,
    median_seconds_between_requests double precision, usage_interval_days double precision,
    prompt_tokens bigint, completion_tokens bigint, cost_usd double precision
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    relation text := user_metrics_internal.relation(source);
    zone text := user_metrics_internal.resolved_timezone('usage_patterns', timezone);
BEGIN
    RETURN QUERY EXECUTE format($query$
        WITH requests AS NOT MATERIALIZED (%1$s),
        days AS (
            SELECT r.segment, r.user_id, (r.occurred_at AT TIME ZONE $5)::date AS day, count(*) AS requests,
                max(r.occurred_at) AS last_at,
                sum(r.prompt_tokens) FILTER (WHERE r.prompt_tokens >= 0 AND r.prompt_tokens < 'Infinity') AS prompt_tokens,
                sum(r.completion_tokens)
                    FILTER (WHERE r.completion_tokens >= 0 AND r.completion_tokens < 'Infinity') AS completion_tokens,
                sum(r.cost_usd) FILTER (WHERE r.cost_usd >= 0 AND r.cost_usd < 'Infinity') AS cost_usd
            FROM requests AS r
            GROUP BY r.segment, r.user_id, day
        ), anybody AS MATERIALIZED (
            SELECT d.segment, d.user_id, sum(d.requests) AS requests, count(*) AS active_days, min(d.day) AS first_day,
                max(d.last_at) AS last_at, percentile_cont(0.5) WITHIN GROUP (ORDER BY d.pause) AS interval_days,
                sum(d.prompt_tokens) AS prompt_tokens, sum(d.completion_tokens) AS completion_tokens,
                sum(d.cost_usd) AS cost_usd
            FROM (
                SELECT d.*, d.day - lag(d.day) OVER (PARTITION BY d.segment, d.user_id ORDER BY d.day) AS pause
                FROM days AS d
            ) AS d
            GROUP BY d.segment, d.user_id
        ), people AS MATERIALIZED (
            SELECT p.* FROM anybody AS p WHERE %2$s
        ), observed AS (
            -- The last day that had begun before observation ended, or on which somebody still came.
            SELECT (GREATEST(
                LEAST(COALESCE($4, $2, %3$s), $2, statement_timestamp()) - interval '1 microsecond', max(p.last_at)
            ) AT TIME ZONE $5)::date AS last_day
            FROM people AS p
        ), segments AS (
            SELECT p.segment, count(*) AS users, sum(p.requests)::bigint AS requests,
                sum(p.active_days)::bigint AS active_days, sum(GREATEST(o.last_day - p.first_day + 1, 1)) AS calendar_days,
                count(*) FILTER (WHERE p.requests > 1) AS users_again,
                count(p.interval_days) AS users_another_day,
                percentile_disc(0.8) WITHIN GROUP (ORDER BY p.interval_days) AS interval_days,
                -- Sums of doubles, of which the largest that a bigint holds stands for those beyond it.
                CASE WHEN sum(p.prompt_tokens) >= 0 THEN LEAST(sum(p.prompt_tokens), 9223372036854774784)::bigint END
                    AS prompt_tokens,
                CASE WHEN sum(p.completion_tokens) >= 0 THEN LEAST(sum(p.completion_tokens), 9223372036854774784)::bigint END
                    AS completion_tokens,
                sum(p.cost_usd) AS cost_usd
            FROM people AS p CROSS JOIN observed AS o
            GROUP BY p.segment
            UNION ALL
            SELECT NULL, 0, 0, 0, NULL, 0, 0, NULL, NULL, NULL, NULL
            WHERE $6 IS NULL AND NOT EXISTS (SELECT FROM people)
        ), pauses AS (
            SELECT r.segment, percentile_cont(0.5) WITHIN GROUP (ORDER BY r.pause) AS median
            FROM (
                SELECT r.segment, date_part('epoch', r.occurred_at - lag(r.occurred_at) OVER (
                    PARTITION BY r.segment, r.user_id ORDER BY r.occurred_at
                )) AS pause
                FROM requests AS r
                WHERE r.user_id IN (SELECT p.user_id FROM people AS p)
            ) AS r
            GROUP BY r.segment
        )
        SELECT s.segment, f.*
        FROM segments AS s
        LEFT JOIN pauses AS g ON (g.segment IS NULL) = (s.segment IS NULL) AND COALESCE(g.segment, '') = COALESCE(s.segment, '')
        LEFT JOIN LATERAL (
            SELECT s.users, s.requests, s.active_days,
                s.requests / NULLIF(s.active_days, 0)::double precision,
                s.requests / s.calendar_days::double precision,
                CASE WHEN NOT user_metrics_internal.hides(s.users_again) THEN g.median END,
                CASE WHEN NOT user_metrics_internal.hides(s.users_another_day) THEN s.interval_days END,
                s.prompt_tokens, s.completion_tokens, s.cost_usd
            WHERE NOT user_metrics_internal.hides(s.users)
        ) AS f ON true
        ORDER BY s.segment COLLATE "C"
    $query$, user_metrics_internal.requests_query(
        'usage_patterns', relation, ARRAY['prompt_tokens', 'completion_tokens', 'cost_usd'],
        since, until, filter::text, by, identified => false
    ), user_metrics_internal.user_condition(relation, 'p.user_id'), user_metrics_internal.last_request_query(relation))
    USING since, until, LEAST(as_of, statement_timestamp()), as_of, zone, by;
END
$$;
COMMENT ON FUNCTION user_metrics.usage_patterns(regclass, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'how much a log''s users ask and how regularly: requests per active day and per calendar day, the median pause between two requests, the days between active days that 80 % of users do not exceed, tokens and cost';

CREATE FUNCTION user_metrics.usage_patterns(
    source text, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, users bigint, requests bigint, active_days bigint,
    requests_per_active_day double precision, requests_per_calendar_day double precision,
    median_seconds_between_requests double precision, usage_interval_days double precision,
    prompt_tokens bigint, completion_tokens bigint, cost_usd double precision
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.usage_patterns(
        source::pg_catalog.regclass, since, until, filter, by, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.usage_patterns(text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'how much a log''s users ask and how regularly: requests per active day and per calendar day, the median pause between two requests, the days between active days that 80 % of users do not exceed, tokens and cost; the source by name, as in usage_patterns(''request_log'')';

CREATE FUNCTION user_metrics.peak_hours(
    source regclass, top integer DEFAULT 3, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, hour integer, requests bigint, hour_occurrences bigint, requests_per_hour_occurrence double precision,
    rank bigint, is_peak boolean
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    relation text := user_metrics_internal.relation(source);
    zone text := user_metrics_internal.resolved_timezone('peak_hours', timezone);
BEGIN
    PERFORM user_metrics_internal.check_top(top);
    RETURN QUERY EXECUTE format($query$
        WITH requests AS (%1$s),
        anybody AS MATERIALIZED (
            SELECT r.segment, r.user_id, date_part('hour', r.occurred_at AT TIME ZONE $5)::integer AS hour, count(*) AS requests,
                min(r.occurred_at) AS first_at, max(r.occurred_at) AS last_at
            FROM requests AS r
            GROUP BY r.segment, r.user_id, hour
        ), hours AS MATERIALIZED (
            SELECT p.segment, p.hour, count(*) AS users, sum(p.requests)::bigint AS requests,
                min(p.first_at) AS first_at, max(p.last_at) AS last_at
            FROM anybody AS p
            WHERE %2$s
            GROUP BY p.segment, p.hour
        ), observed AS (
            -- The last moment before observation ended, or at which somebody still came.
            SELECT GREATEST(
                LEAST(COALESCE($4, $2, %3$s), $2, statement_timestamp()) - interval '1 microsecond', max(h.last_at)
            ) AS last_at
            FROM hours AS h
        ), segments AS (
            SELECT h.segment, min(h.first_at) AS first_at FROM hours AS h GROUP BY h.segment
        ), rates AS (
            SELECT s.segment, b.hour, COALESCE(h.users, 0) AS users, COALESCE(h.requests, 0) AS requests, b.occurrences,
                COALESCE(h.requests, 0) / NULLIF(b.occurrences, 0)::double precision AS rate
            FROM segments AS s CROSS JOIN observed AS o
            CROSS JOIN LATERAL user_metrics_internal.hour_begins(s.first_at, o.last_at, $5) AS b
            LEFT JOIN hours AS h ON h.hour = b.hour
                AND (h.segment IS NULL) = (s.segment IS NULL) AND COALESCE(h.segment, '') = COALESCE(s.segment, '')
        ), ranked AS (
            SELECT r.*, CASE WHEN r.rate IS NOT NULL THEN
                rank() OVER (PARTITION BY r.segment ORDER BY r.rate DESC NULLS LAST, r.hour)
            END AS place
            FROM rates AS r
        )
        SELECT r.segment, r.hour, f.requests, r.occurrences, f.rate, f.place, f.is_peak
        FROM ranked AS r
        LEFT JOIN LATERAL (
            SELECT r.requests, r.rate, r.place, COALESCE(r.place <= $6, false) AND r.requests > 0 AS is_peak
            WHERE NOT user_metrics_internal.hides(r.users)
        ) AS f ON true
        ORDER BY r.segment COLLATE "C", r.hour
    $query$, user_metrics_internal.requests_query(
        'peak_hours', relation, ARRAY[]::text[], since, until, filter::text, by, identified => false
    ), user_metrics_internal.user_condition(relation, 'p.user_id'), user_metrics_internal.last_request_query(relation))
    USING since, until, LEAST(as_of, statement_timestamp()), as_of, zone, COALESCE(top, 3);
END
$$;
COMMENT ON FUNCTION user_metrics.peak_hours(regclass, integer, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'requests in each hour of the local clock, for every time that hour came round, and which hours are the peaks';

CREATE FUNCTION user_metrics.peak_hours(
    source text, top integer DEFAULT 3, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, hour integer, requests bigint, hour_occurrences bigint, requests_per_hour_occurrence double precision,
    rank bigint, is_peak boolean
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.peak_hours(
        source::pg_catalog.regclass, top, since, until, filter, by, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.peak_hours(text, integer, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'requests in each hour of the local clock, for every time that hour came round, and which hours are the peaks; the source by name, as in peak_hours(''request_log'')';

CREATE FUNCTION user_metrics.usage_heatmap(
    source regclass, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, weekday integer, hour integer, requests bigint, users bigint
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    relation text := user_metrics_internal.relation(source);
    zone text := user_metrics_internal.resolved_timezone('usage_heatmap', timezone);
BEGIN
    RETURN QUERY EXECUTE format($query$
        WITH requests AS (%1$s),
        anybody AS MATERIALIZED (
            SELECT r.segment, r.user_id, date_part('isodow', r.occurred_at AT TIME ZONE $5)::integer AS weekday,
                date_part('hour', r.occurred_at AT TIME ZONE $5)::integer AS hour, count(*) AS requests
            FROM requests AS r
            GROUP BY r.segment, r.user_id, weekday, hour
        ), cells AS MATERIALIZED (
            SELECT p.segment, p.weekday, p.hour, count(*) AS users, sum(p.requests)::bigint AS requests
            FROM anybody AS p
            WHERE %2$s
            GROUP BY p.segment, p.weekday, p.hour
        )
        SELECT s.segment, d.weekday, h.hour, f.requests, f.users
        FROM (SELECT DISTINCT c.segment FROM cells AS c) AS s
        CROSS JOIN generate_series(1, 7) AS d(weekday) CROSS JOIN generate_series(0, 23) AS h(hour)
        LEFT JOIN cells AS c ON c.weekday = d.weekday AND c.hour = h.hour
            AND (c.segment IS NULL) = (s.segment IS NULL) AND COALESCE(c.segment, '') = COALESCE(s.segment, '')
        LEFT JOIN LATERAL (
            SELECT COALESCE(c.requests, 0) AS requests, COALESCE(c.users, 0) AS users
            WHERE NOT user_metrics_internal.hides(COALESCE(c.users, 0))
        ) AS f ON true
        ORDER BY s.segment COLLATE "C", d.weekday, h.hour
    $query$, user_metrics_internal.requests_query(
        'usage_heatmap', relation, ARRAY[]::text[], since, until, filter::text, by, identified => false
    ), user_metrics_internal.user_condition(relation, 'p.user_id'))
    USING since, until, LEAST(as_of, statement_timestamp()), as_of, zone;
END
$$;
COMMENT ON FUNCTION user_metrics.usage_heatmap(regclass, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'requests and users in each hour of the local week: weekday 1 is Monday, 7 is Sunday';

CREATE FUNCTION user_metrics.usage_heatmap(
    source text, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, weekday integer, hour integer, requests bigint, users bigint
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.usage_heatmap(
        source::pg_catalog.regclass, since, until, filter, by, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.usage_heatmap(text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'requests and users in each hour of the local week: weekday 1 is Monday, 7 is Sunday; the source by name, as in usage_heatmap(''request_log'')';

-- What feature_usage and model_usage share; "counted" is the canonical column whose values they count.
CREATE FUNCTION user_metrics_internal.usage_of(
    function text, counted text, source regclass, since timestamptz, until timestamptz, filter jsonb, by text,
    timezone text, as_of timestamptz
) RETURNS TABLE (
    segment text, name text, users bigint, reach double precision, requests bigint, share double precision,
    requests_per_user double precision, success_rate double precision, cost_usd double precision,
    median_latency_ms double precision
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    relation text := user_metrics_internal.relation(source);
BEGIN
    PERFORM user_metrics_internal.resolved_timezone(function, timezone);
    RETURN QUERY EXECUTE format($query$
        WITH requests AS NOT MATERIALIZED (
            SELECT q.*, q.%3$I COLLATE "C" AS name FROM (%1$s) AS q
        ), anybody AS MATERIALIZED (
            SELECT r.segment, r.name, r.user_id, count(*) AS requests,
                count(*) FILTER (WHERE r.succeeded) AS succeeded, count(r.succeeded) AS known,
                sum(r.cost_usd) FILTER (WHERE r.cost_usd >= 0 AND r.cost_usd < 'Infinity') AS cost_usd
            FROM requests AS r
            GROUP BY r.segment, r.name, r.user_id
        ), people AS MATERIALIZED (
            SELECT p.* FROM anybody AS p WHERE %2$s
        ), segments AS (
            SELECT p.segment, count(DISTINCT p.user_id) AS users, sum(p.requests) AS requests FROM people AS p GROUP BY p.segment
        ), names AS (
            SELECT p.segment, p.name, count(*) AS users, sum(p.requests)::bigint AS requests,
                sum(p.succeeded) / NULLIF(sum(p.known), 0)::double precision AS success_rate, sum(p.cost_usd) AS cost_usd
            FROM people AS p
            GROUP BY p.segment, p.name
        ), latencies AS (
            SELECT r.segment, r.name, percentile_cont(0.5) WITHIN GROUP (ORDER BY r.latency_ms) AS median
            FROM requests AS r
            WHERE r.latency_ms >= 0 AND r.latency_ms < 'Infinity' AND r.user_id IN (SELECT p.user_id FROM people AS p)
            GROUP BY r.segment, r.name
        )
        SELECT n.segment, n.name, f.*
        FROM names AS n
        JOIN segments AS s ON (s.segment IS NULL) = (n.segment IS NULL) AND COALESCE(s.segment, '') = COALESCE(n.segment, '')
        LEFT JOIN latencies AS l
            ON (l.segment IS NULL) = (n.segment IS NULL) AND COALESCE(l.segment, '') = COALESCE(n.segment, '')
            AND (l.name IS NULL) = (n.name IS NULL) AND COALESCE(l.name, '') = COALESCE(n.name, '')
        LEFT JOIN LATERAL (
            SELECT n.users, n.users / s.users::double precision AS reach, n.requests,
                n.requests / s.requests::double precision AS share,
                n.requests / n.users::double precision AS requests_per_user, n.success_rate, n.cost_usd, l.median
            WHERE NOT user_metrics_internal.hides(n.users)
        ) AS f ON true
        ORDER BY n.segment COLLATE "C", n.name IS NULL, f.requests DESC NULLS LAST, n.name COLLATE "C"
    $query$, user_metrics_internal.requests_query(
        function, relation, ARRAY[counted || '!', 'succeeded', 'cost_usd', 'latency_ms'],
        since, until, filter::text, by, identified => false
    ), user_metrics_internal.user_condition(relation, 'p.user_id'), counted)
    USING since, until, LEAST(as_of, statement_timestamp()), as_of;
END
$$;
COMMENT ON FUNCTION user_metrics_internal.usage_of(text, text, regclass, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'what feature_usage and model_usage share';

CREATE FUNCTION user_metrics.feature_usage(
    source regclass, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, name text, users bigint, reach double precision, requests bigint, share double precision,
    requests_per_user double precision, success_rate double precision, cost_usd double precision,
    median_latency_ms double precision
) LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
    SELECT r.* FROM user_metrics_internal.usage_of(
        'feature_usage', 'feature', source, since, until, filter, by, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.feature_usage(regclass, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'who and how many use each feature, how much, with what success, at what cost and how fast';

CREATE FUNCTION user_metrics.feature_usage(
    source text, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, name text, users bigint, reach double precision, requests bigint, share double precision,
    requests_per_user double precision, success_rate double precision, cost_usd double precision,
    median_latency_ms double precision
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.feature_usage(
        source::pg_catalog.regclass, since, until, filter, by, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.feature_usage(text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'who and how many use each feature, how much, with what success, at what cost and how fast; the source by name, as in feature_usage(''request_log'')';

CREATE FUNCTION user_metrics.model_usage(
    source regclass, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, name text, users bigint, reach double precision, requests bigint, share double precision,
    requests_per_user double precision, success_rate double precision, cost_usd double precision,
    median_latency_ms double precision
) LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
    SELECT r.* FROM user_metrics_internal.usage_of(
        'model_usage', 'model', source, since, until, filter, by, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.model_usage(regclass, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'who and how many use each model, how much, with what success, at what cost and how fast';

CREATE FUNCTION user_metrics.model_usage(
    source text, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, name text, users bigint, reach double precision, requests bigint, share double precision,
    requests_per_user double precision, success_rate double precision, cost_usd double precision,
    median_latency_ms double precision
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.model_usage(
        source::pg_catalog.regclass, since, until, filter, by, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.model_usage(text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'who and how many use each model, how much, with what success, at what cost and how fast; the source by name, as in model_usage(''request_log'')';

CREATE FUNCTION user_metrics.model_stickiness(
    source regclass, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, model text, transitions bigint, stay_rate double precision, chance_rate double precision,
    excess double precision, switches_after_error bigint, concentration double precision
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    relation text := user_metrics_internal.relation(source);
BEGIN
    PERFORM user_metrics_internal.resolved_timezone('model_stickiness', timezone);
    RETURN QUERY EXECUTE format($query$
        WITH steps AS (
            SELECT r.segment, r.user_id, r.model COLLATE "C" AS model,
                lead(r.model COLLATE "C") OVER in_order AS next_model, r.succeeded
            FROM (%1$s) AS r
            WHERE r.model IS NOT NULL
            -- A shorter id first, so that 9 comes before 10. What comes after ids is for rows that have the same.
            WINDOW in_order AS (
                PARTITION BY r.segment, r.user_id
                ORDER BY r.occurred_at, length(r.request_id), r.request_id COLLATE "C", r.model COLLATE "C", r.succeeded
            )
        ), anybody AS MATERIALIZED (
            SELECT s.segment, s.user_id, s.model, count(*) AS requests, count(s.next_model) AS transitions,
                count(*) FILTER (WHERE s.next_model = s.model) AS stays,
                count(*) FILTER (WHERE s.next_model <> s.model AND NOT s.succeeded) AS after_error,
                count(s.succeeded) FILTER (WHERE s.next_model IS NOT NULL) AS known
            FROM steps AS s
            GROUP BY s.segment, s.user_id, s.model
        ), shares AS (
            SELECT p.*, p.requests / sum(p.requests) OVER (PARTITION BY p.segment, p.user_id)::double precision AS share
            FROM anybody AS p
            WHERE %2$s
        ), people AS (
            SELECT s.*, sum(s.share * s.share) OVER (PARTITION BY s.segment, s.user_id) AS concentration FROM shares AS s
        ), totals AS (
            SELECT p.segment, p.user_id, sum(p.transitions) AS transitions, sum(p.stays) AS stays,
                sum(p.after_error) AS after_error, sum(p.known) AS known, min(p.concentration) AS concentration
            FROM people AS p
            GROUP BY p.segment, p.user_id
        ), counted AS (
            SELECT t.segment, NULL AS model, count(*) AS users, count(*) FILTER (WHERE t.transitions > 0) AS users_again,
                sum(t.transitions) AS transitions, sum(t.stays) AS stays, sum(t.transitions * t.concentration) AS chance,
                sum(t.after_error) AS after_error, sum(t.known) AS known, avg(t.concentration) AS concentration
            FROM totals AS t
            GROUP BY t.segment
            UNION ALL
            SELECT p.segment, p.model, count(*), count(*) FILTER (WHERE p.transitions > 0), sum(p.transitions), sum(p.stays),
                sum(p.transitions * p.share), sum(p.after_error), sum(p.known), avg(p.concentration)
            FROM people AS p
            GROUP BY p.segment, p.model
            UNION ALL
            SELECT NULL, NULL, 0, 0, 0, 0, NULL, 0, 0, NULL
            WHERE $5 IS NULL AND NOT EXISTS (SELECT FROM totals)
        )
        SELECT c.segment, c.model, g.transitions, g.stay_rate, g.chance_rate, g.stay_rate - g.chance_rate, g.after_error,
            CASE WHEN NOT user_metrics_internal.hides(c.users) THEN c.concentration END
        FROM counted AS c
        LEFT JOIN LATERAL (
            SELECT c.transitions::bigint AS transitions,
                c.stays / NULLIF(c.transitions, 0)::double precision AS stay_rate,
                c.chance / NULLIF(c.transitions, 0)::double precision AS chance_rate,
                CASE WHEN c.known > 0 OR c.transitions = 0 THEN c.after_error::bigint END AS after_error
            WHERE NOT user_metrics_internal.hides(c.users_again) AND NOT user_metrics_internal.hides(c.users)
        ) AS g ON true
        ORDER BY c.segment COLLATE "C", c.model COLLATE "C" NULLS FIRST
    $query$, user_metrics_internal.requests_query(
        'model_stickiness', relation, ARRAY['model!', 'request_id', 'succeeded'],
        since, until, filter::text, by, identified => false
    ), user_metrics_internal.user_condition(relation, 'p.user_id'))
    USING since, until, LEAST(as_of, statement_timestamp()), as_of, by;
END
$$;
COMMENT ON FUNCTION user_metrics.model_stickiness(regclass, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'whether users stay with a model from one request to the next, beside what chance would make of their mix of models; the row whose model is NULL is about all of them';

CREATE FUNCTION user_metrics.model_stickiness(
    source text, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, model text, transitions bigint, stay_rate double precision, chance_rate double precision,
    excess double precision, switches_after_error bigint, concentration double precision
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.model_stickiness(
        source::pg_catalog.regclass, since, until, filter, by, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.model_stickiness(text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'whether users stay with a model from one request to the next, beside what chance would make of their mix of models; the row whose model is NULL is about all of them; the source by name, as in model_stickiness(''request_log'')';

CREATE FUNCTION user_metrics.model_switches(
    source regclass, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, from_model text, to_model text, switches bigint, after_error bigint
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    relation text := user_metrics_internal.relation(source);
BEGIN
    PERFORM user_metrics_internal.resolved_timezone('model_switches', timezone);
    RETURN QUERY EXECUTE format($query$
        WITH steps AS (
            SELECT r.segment, r.user_id, r.model COLLATE "C" AS model,
                lead(r.model COLLATE "C") OVER in_order AS next_model, r.succeeded
            FROM (%1$s) AS r
            WHERE r.model IS NOT NULL
            -- A shorter id first, so that 9 comes before 10. What comes after ids is for rows that have the same.
            WINDOW in_order AS (
                PARTITION BY r.segment, r.user_id
                ORDER BY r.occurred_at, length(r.request_id), r.request_id COLLATE "C", r.model COLLATE "C", r.succeeded
            )
        ), anybody AS MATERIALIZED (
            SELECT s.segment, s.user_id, s.model, s.next_model, count(*) AS switches,
                count(*) FILTER (WHERE NOT s.succeeded) AS after_error, count(s.succeeded) AS known
            FROM steps AS s
            WHERE s.next_model <> s.model
            GROUP BY s.segment, s.user_id, s.model, s.next_model
        ), pairs AS (
            SELECT p.segment, p.model, p.next_model, count(*) AS users, sum(p.switches)::bigint AS switches,
                CASE WHEN sum(p.known) > 0 THEN sum(p.after_error)::bigint END AS after_error
            FROM anybody AS p
            WHERE %2$s
            GROUP BY p.segment, p.model, p.next_model
        )
        SELECT p.segment, p.model, p.next_model, f.*
        FROM pairs AS p
        LEFT JOIN LATERAL (
            SELECT p.switches, p.after_error WHERE NOT user_metrics_internal.hides(p.users)
        ) AS f ON true
        ORDER BY p.segment COLLATE "C", f.switches DESC NULLS LAST, p.model COLLATE "C", p.next_model COLLATE "C"
    $query$, user_metrics_internal.requests_query(
        'model_switches', relation, ARRAY['model!', 'request_id', 'succeeded'],
        since, until, filter::text, by, identified => false
    ), user_metrics_internal.user_condition(relation, 'p.user_id'))
    USING since, until, LEAST(as_of, statement_timestamp()), as_of;
END
$$;
COMMENT ON FUNCTION user_metrics.model_switches(regclass, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'from which model to which other users go with their next request, and how often after a request that failed';

CREATE FUNCTION user_metrics.model_switches(
    source text, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, from_model text, to_model text, switches bigint, after_error bigint
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.model_switches(
        source::pg_catalog.regclass, since, until, filter, by, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.model_switches(text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'from which model to which other users go with their next request, and how often after a request that failed; the source by name, as in model_switches(''request_log'')';

CREATE FUNCTION user_metrics.request_complexity(
    source regclass, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    request_id text, user_id text, occurred_at timestamptz, complexity double precision,
    prompt_tokens_rank double precision, completion_tokens_rank double precision, turn_rank double precision
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    relation text := user_metrics_internal.relation(source);
    zone text := user_metrics_internal.resolved_timezone('request_complexity', timezone);
BEGIN
    RETURN QUERY EXECUTE format($query$
        WITH turns AS MATERIALIZED (
            SELECT r.request_id COLLATE "C" AS request_id, r.user_id, r.occurred_at,
                COALESCE(r.model, '') COLLATE "C" AS model, date_trunc('month', r.occurred_at AT TIME ZONE $5) AS month,
                CASE WHEN r.prompt_tokens >= 0 AND r.prompt_tokens < 'Infinity' THEN r.prompt_tokens END AS prompt,
                CASE WHEN r.completion_tokens >= 0 AND r.completion_tokens < 'Infinity' THEN r.completion_tokens END
                    AS completion,
                -- An id that is blank names no session.
                CASE WHEN btrim(r.session_id, E' \t\n\x0b\x0c\r') <> '' THEN count(*) OVER (
                    PARTITION BY r.user_id, r.session_id COLLATE "C"
                    ORDER BY r.occurred_at, length(r.request_id), r.request_id COLLATE "C"
                ) END AS turn
            FROM (%1$s) AS r
        ), prompts AS (
            -- The share of those below and half of those that are alike. There are fewer values than requests to sort.
            SELECT t.model, t.month, t.prompt,
                (sum(count(*)) OVER (PARTITION BY t.model, t.month ORDER BY t.prompt) - count(*) / 2.0)
                    / sum(count(*)) OVER (PARTITION BY t.model, t.month) AS place
            FROM turns AS t
            WHERE t.prompt IS NOT NULL
            GROUP BY t.model, t.month, t.prompt
        ), completions AS (
            SELECT t.model, t.month, t.completion,
                (sum(count(*)) OVER (PARTITION BY t.model, t.month ORDER BY t.completion) - count(*) / 2.0)
                    / sum(count(*)) OVER (PARTITION BY t.model, t.month) AS place
            FROM turns AS t
            WHERE t.completion IS NOT NULL
            GROUP BY t.model, t.month, t.completion
        ), depths AS (
            SELECT t.model, t.month, t.turn,
                (sum(count(*)) OVER (PARTITION BY t.model, t.month ORDER BY t.turn) - count(*) / 2.0)
                    / sum(count(*)) OVER (PARTITION BY t.model, t.month) AS place
            FROM turns AS t
            WHERE t.turn IS NOT NULL
            GROUP BY t.model, t.month, t.turn
        )
        SELECT t.request_id, t.user_id::text, t.occurred_at,
            ((COALESCE(p.place, 0) + COALESCE(c.place, 0) + COALESCE(d.place, 0))
                / NULLIF(num_nonnulls(p.place, c.place, d.place), 0))::double precision,
            p.place::double precision, c.place::double precision, d.place::double precision
        FROM turns AS t
        LEFT JOIN prompts AS p ON p.model = t.model AND p.month = t.month AND p.prompt = t.prompt
        LEFT JOIN completions AS c ON c.model = t.model AND c.month = t.month AND c.completion = t.completion
        LEFT JOIN depths AS d ON d.model = t.model AND d.month = t.month AND d.turn = t.turn
        ORDER BY t.occurred_at, length(t.request_id), t.request_id, t.user_id::text COLLATE "C"
    $query$, user_metrics_internal.requests_query(
        'request_complexity', relation, ARRAY['request_id', 'session_id', 'model', 'prompt_tokens', 'completion_tokens'],
        since, until, filter::text, NULL
    )) USING since, until, LEAST(as_of, statement_timestamp()), as_of, zone;
END
$$;
COMMENT ON FUNCTION user_metrics.request_complexity(regclass, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'a rough guess at how demanding each request is among those of its model and month: the mean of the percentile ranks of its tokens sent, its tokens received and its turn in the session, as far as they are known';

CREATE FUNCTION user_metrics.request_complexity(
    source text, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    request_id text, user_id text, occurred_at timestamptz, complexity double precision,
    prompt_tokens_rank double precision, completion_tokens_rank double precision, turn_rank double precision
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.request_complexity(
        source::pg_catalog.regclass, since, until, filter, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.request_complexity(text, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'a rough guess at how demanding each request is among those of its model and month: the mean of the percentile ranks of its tokens sent, its tokens received and its turn in the session, as far as they are known; the source by name, as in request_complexity(''request_log'')';
