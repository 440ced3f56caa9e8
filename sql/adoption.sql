-- Adoption of features: feature_adoption, adoption_barriers, feature_timing.
-- Two forms each: over a source, and over a source by name.
--
-- The parameters of their queries are $1 since, $2 until, $3 the last instant that counts, $4 the local day on which
-- observation ends, $5 the time zone, and own ones from $6 on. %1$s is the query of the requests, %2$s what makes p.user_id a
-- user who counts. Compiling these queries would take longer than running them, hence jit = off.

ALTER FUNCTION user_metrics.check_adoption SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.rate_with_bounds SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics_internal.rate_with_bounds ROWS 1;
ALTER FUNCTION user_metrics.rate_difference SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics_internal.rate_difference ROWS 1;
ALTER FUNCTION user_metrics.mean_difference SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics_internal.mean_difference ROWS 1;

CREATE FUNCTION user_metrics.feature_adoption(
    source regclass, exposed jsonb DEFAULT NULL, min_days integer DEFAULT 3, within_days integer DEFAULT 28,
    power_share double precision DEFAULT 0.10, min_users integer DEFAULT 10, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, feature text, users bigint, aware_users bigint, tried_users bigint, reach double precision,
    tried_rate double precision, eligible_users bigint, open_users bigint, adopted_users bigint,
    adoption_rate double precision, rate_low double precision, rate_high double precision, power_users bigint,
    power_rate double precision
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    relation text := user_metrics_internal.relation(source);
    zone text := user_metrics_internal.resolved_timezone('feature_adoption', timezone);
BEGIN
    PERFORM user_metrics_internal.check_adoption('feature_adoption', min_days, within_days, power_share, min_users);
    RETURN QUERY EXECUTE format($query$
        WITH days AS (
            -- Rows that tell what was shown are no use of it.
            SELECT r.segment, r.feature COLLATE "C" AS feature, r.user_id, (r.occurred_at AT TIME ZONE $5)::date AS day,
                count(*) FILTER (WHERE NOT (r.mark_1 AND $10)) AS requests,
                min(r.occurred_at) FILTER (WHERE NOT (r.mark_1 AND $10)) AS first_at,
                max(r.occurred_at) AS last_at
            FROM (%1$s) AS r
            GROUP BY r.segment, r.feature, r.user_id, day
        ), anybody AS MATERIALIZED (
            SELECT d.segment, d.feature, d.user_id, sum(d.requests) AS requests, min(d.first_at) AS first_at,
                max(d.last_at) AS last_at, min(d.day) FILTER (WHERE d.requests > 0) AS first_day,
                (array_agg(d.day ORDER BY d.day) FILTER (WHERE d.requests > 0))[$6] AS enough_day
            FROM days AS d
            GROUP BY d.segment, d.feature, d.user_id
        ), people AS MATERIALIZED (
            SELECT p.*, p.first_day + $7 <= $4 AS has_elapsed, COALESCE(p.enough_day < p.first_day + $7, false) AS is_adopted
            FROM anybody AS p
            WHERE %2$s
        ), users AS (
            SELECT u.segment, count(*) AS users
            FROM (
                SELECT p.segment, p.user_id FROM people AS p
                GROUP BY p.segment, p.user_id HAVING $1 IS NULL OR max(p.last_at) >= $1
            ) AS u
            GROUP BY u.segment
        ), ranked AS (
            SELECT u.*, u.first_at IS NOT NULL AS is_tried,
                rank() OVER (of_feature ORDER BY u.requests DESC) AS place,
                count(*) FILTER (WHERE u.requests > 0) OVER of_feature AS active,
                min(u.requests) FILTER (WHERE u.requests > 0) OVER of_feature AS least
            FROM people AS u
            -- Who began before since is none of those asked about, nor is one who was last shown it before.
            WHERE u.feature IS NOT NULL AND ($1 IS NULL OR COALESCE(u.first_at, u.last_at) >= $1)
            WINDOW of_feature AS (PARTITION BY u.segment, u.feature)
        ), counted AS (
            SELECT r.segment, r.feature, count(*) AS aware, count(*) FILTER (WHERE r.is_tried) AS tried,
                count(*) FILTER (WHERE r.is_tried AND r.has_elapsed) AS eligible,
                count(*) FILTER (WHERE r.is_tried AND NOT r.has_elapsed) AS open,
                count(*) FILTER (WHERE r.has_elapsed AND r.is_adopted) AS adopted,
                count(*) FILTER (
                    WHERE r.has_elapsed AND r.is_adopted AND r.active >= $9 AND r.requests > r.least
                    AND r.place <= ceil($8::numeric * r.active)
                ) AS power
            FROM ranked AS r
            GROUP BY r.segment, r.feature
        )
        SELECT c.segment, c.feature, u.users, f.aware, f.tried, f.reach, f.tried_rate, g.eligible, g.open, g.adopted,
            g.rate, g.low, g.high, g.power, g.power_rate
        FROM counted AS c
        JOIN users AS u ON (u.segment IS NULL) = (c.segment IS NULL) AND COALESCE(u.segment, '') = COALESCE(c.segment, '')
        LEFT JOIN LATERAL (
            SELECT CASE WHEN $10 THEN c.aware END AS aware, c.tried, c.tried / u.users::double precision AS reach,
                CASE WHEN $10 THEN c.tried / NULLIF(c.aware, 0)::double precision END AS tried_rate
            WHERE NOT user_metrics_internal.hides(c.aware) AND NOT user_metrics_internal.hides(c.tried)
        ) AS f ON true
        LEFT JOIN LATERAL (
            SELECT c.eligible, c.open, c.adopted, b.rate, b.low, b.high, c.power, c.power / NULLIF(c.adopted, 0)::double precision AS power_rate
            FROM user_metrics_internal.rate_with_bounds(c.adopted, c.eligible) AS b
            WHERE NOT user_metrics_internal.hides(c.aware) AND NOT user_metrics_internal.hides(c.tried)
                AND NOT user_metrics_internal.hides(c.eligible)
        ) AS g ON true
        ORDER BY c.segment COLLATE "C", f.tried DESC NULLS LAST, c.feature COLLATE "C"
    $query$, user_metrics_internal.requests_query(
        'feature_adoption', relation, ARRAY['feature!'], NULL, until, filter::text, by,
        identified => false, marks => ARRAY[COALESCE(exposed::text, '{}')], marks_argument => 'exposed'
    ), user_metrics_internal.user_condition(relation, 'p.user_id'))
    USING since, until, LEAST(as_of, statement_timestamp()),
        (user_metrics_internal.observed_until(relation, until, as_of) AT TIME ZONE zone)::date, zone,
        min_days, within_days, power_share, min_users, exposed IS NOT NULL;
END
$$;
COMMENT ON FUNCTION user_metrics.feature_adoption(regclass, jsonb, integer, integer, double precision, integer, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'how far users come with each feature: know of it (where the log says what was shown to whom), try it, use it on several days, use it most; a share of those whose time for it has elapsed';

CREATE FUNCTION user_metrics.feature_adoption(
    source text, exposed jsonb DEFAULT NULL, min_days integer DEFAULT 3, within_days integer DEFAULT 28,
    power_share double precision DEFAULT 0.10, min_users integer DEFAULT 10, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, feature text, users bigint, aware_users bigint, tried_users bigint, reach double precision,
    tried_rate double precision, eligible_users bigint, open_users bigint, adopted_users bigint,
    adoption_rate double precision, rate_low double precision, rate_high double precision, power_users bigint,
    power_rate double precision
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.feature_adoption(
        source::pg_catalog.regclass, exposed, min_days, within_days, power_share, min_users, since, until, filter, by, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.feature_adoption(text, jsonb, integer, integer, double precision, integer, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'how far users come with each feature: know of it (where the log says what was shown to whom), try it, use it on several days, use it most; a share of those whose time for it has elapsed; the source by name, as in feature_adoption(''request_log'')';

CREATE FUNCTION user_metrics.adoption_barriers(
    source regclass, feature text, rating_scale double precision[] DEFAULT NULL, min_days integer DEFAULT 3, within_days integer DEFAULT 28,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, barrier_rank bigint, barrier text, not_adopted_users bigint, not_adopted_value double precision,
    adopted_users bigint, adopted_value double precision, difference double precision, difference_low double precision,
    difference_high double precision
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    relation text := user_metrics_internal.relation(source);
    zone text := user_metrics_internal.resolved_timezone('adoption_barriers', timezone);
BEGIN
    PERFORM user_metrics_internal.check_adoption('adoption_barriers', min_days, within_days, 0, 1, feature, rating_scale);
    RETURN QUERY EXECUTE format($query$
        WITH requests AS NOT MATERIALIZED (
            SELECT q.*, (q.occurred_at AT TIME ZONE $5)::date AS day FROM (%1$s) AS q WHERE q.feature = $8
        ), anybody AS MATERIALIZED (
            SELECT r.segment, r.user_id, r.day, min(r.occurred_at) AS first_at
            FROM requests AS r
            GROUP BY r.segment, r.user_id, r.day
        ), days AS (
            SELECT p.*, row_number() OVER used AS place, min(p.day) OVER used AS first_day
            FROM anybody AS p
            WHERE %2$s
            WINDOW used AS (PARTITION BY p.segment, p.user_id ORDER BY p.day)
        ), triers AS MATERIALIZED (
            SELECT d.segment, d.user_id, min(d.first_day) AS day, min(d.first_at) AS first_at,
                bool_or(d.place = $6 AND d.day < d.first_day + $7) AS is_adopted
            FROM days AS d
            GROUP BY d.segment, d.user_id
            HAVING min(d.first_day) + $7 <= $4 AND ($1 IS NULL OR min(d.first_at) >= $1)
        ), firsts AS (
            SELECT t.segment, t.user_id, t.is_adopted, r.occurred_at = t.first_at AS is_first, r.succeeded,
                CASE WHEN r.latency_ms >= 0 AND r.latency_ms < 'Infinity' THEN r.latency_ms END AS latency_ms,
                CASE WHEN r.rating BETWEEN $9[1] AND $9[2] THEN r.rating < ($9[1] + $9[2]) / 2 END AS is_bad,
                -- Prompts alike but for capitals, spaces and marks at the end; an empty one is like none.
                lead(r.occurred_at) OVER asked - r.occurred_at <= interval '5 minutes'
                    AND rtrim(lower(regexp_replace(btrim(r.prompt), '\s+', ' ', 'g')), ' .!?')
                    = NULLIF(rtrim(lower(regexp_replace(btrim(lead(r.prompt) OVER asked), '\s+', ' ', 'g')), ' .!?'), '')
                    AS is_repeated, r.prompt IS NOT NULL AS tells_prompt
            FROM triers AS t
            JOIN requests AS r ON r.user_id = t.user_id AND (r.segment IS NULL) = (t.segment IS NULL) AND COALESCE(r.segment, '') = COALESCE(t.segment, '') AND r.day = t.day
            WINDOW asked AS (
                PARTITION BY t.segment, t.user_id
                ORDER BY r.occurred_at, length(r.request_id), r.request_id COLLATE "C", r.prompt COLLATE "C"
            )
        ), people AS (
            SELECT f.segment, f.user_id, f.is_adopted,
                -- Of several at the first moment one that succeeded is enough.
                NOT bool_or(f.succeeded) FILTER (WHERE f.is_first) AS failed_first,
                NOT bool_and(f.succeeded) AS failed_any,
                bool_or(f.is_bad) AS rated_badly,
                CASE WHEN bool_or(f.tells_prompt) THEN COALESCE(bool_or(f.is_repeated), false) END AS asked_again,
                avg(f.latency_ms) AS latency_ms
            FROM firsts AS f
            GROUP BY f.segment, f.user_id, f.is_adopted
        ), marks AS (
            SELECT p.segment, p.is_adopted, b.barrier, b.place, b.holds, b.figure
            FROM people AS p CROSS JOIN LATERAL (VALUES
                (1, 'the first request failed', p.failed_first, NULL::double precision),
                (2, 'a request of the first day failed', p.failed_any, NULL),
                (3, 'a prompt of the first day was repeated', p.asked_again, NULL),
                (4, 'an answer of the first day was rated badly', p.rated_badly, NULL),
                (5, 'latency of the first day, in ms', NULL, p.latency_ms)
            ) AS b(place, barrier, holds, figure)
        ), counted AS (
            SELECT m.segment, m.barrier, m.place,
                count(COALESCE(m.holds::text, m.figure::text)) FILTER (WHERE NOT m.is_adopted) AS gone,
                count(COALESCE(m.holds::text, m.figure::text)) FILTER (WHERE m.is_adopted) AS stayed,
                count(*) FILTER (WHERE m.holds AND NOT m.is_adopted) AS gone_with,
                count(*) FILTER (WHERE m.holds AND m.is_adopted) AS stayed_with,
                avg(m.figure) FILTER (WHERE NOT m.is_adopted) AS gone_mean, avg(m.figure) FILTER (WHERE m.is_adopted) AS stayed_mean,
                var_samp(m.figure) FILTER (WHERE NOT m.is_adopted) AS gone_variance,
                var_samp(m.figure) FILTER (WHERE m.is_adopted) AS stayed_variance
            FROM marks AS m
            GROUP BY m.segment, m.barrier, m.place
        ), compared AS (
            SELECT c.segment, c.barrier, c.place, c.gone, c.stayed, f.*
            FROM counted AS c
            LEFT JOIN LATERAL (
                SELECT d.first_value, d.second_value, d.difference, d.low, d.high, d.clearness
                FROM user_metrics_internal.rate_difference(c.gone_with, c.gone, c.stayed_with, c.stayed) AS d
                WHERE c.gone_mean IS NULL AND c.stayed_mean IS NULL AND c.gone + c.stayed > 0
                UNION ALL
                SELECT c.gone_mean, c.stayed_mean, d.difference, d.low, d.high, d.clearness
                FROM user_metrics_internal.mean_difference(
                    c.gone, c.gone_mean, c.gone_variance, c.stayed, c.stayed_mean, c.stayed_variance
                ) AS d
                WHERE c.gone_mean IS NOT NULL OR c.stayed_mean IS NOT NULL
            ) AS f ON NOT user_metrics_internal.hides(c.gone) AND NOT user_metrics_internal.hides(c.stayed)
        )
        SELECT c.segment, rank() OVER (PARTITION BY c.segment ORDER BY c.clearness DESC NULLS LAST, c.place), c.barrier,
            CASE WHEN NOT user_metrics_internal.hides(c.gone) THEN c.gone END, c.first_value,
            CASE WHEN NOT user_metrics_internal.hides(c.stayed) THEN c.stayed END, c.second_value, c.difference, c.low, c.high
        FROM compared AS c
        ORDER BY c.segment COLLATE "C", 2
    $query$, user_metrics_internal.requests_query(
        'adoption_barriers', relation, ARRAY['feature!', 'succeeded', 'latency_ms', 'rating', 'prompt', 'request_id'],
        NULL, until, filter::text, by, identified => false
    ), user_metrics_internal.user_condition(relation, 'p.user_id'))
    USING since, until, LEAST(as_of, statement_timestamp()),
        (user_metrics_internal.observed_until(relation, until, as_of) AT TIME ZONE zone)::date, zone,
        min_days, within_days, feature, rating_scale;
END
$$;
COMMENT ON FUNCTION user_metrics.adoption_barriers(regclass, text, double precision[], integer, integer, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'how the first day with a feature went for those who tried it and did not stay, against those who did: errors, answers asked for again, bad ratings, latency; the clearest difference first';

CREATE FUNCTION user_metrics.adoption_barriers(
    source text, feature text, rating_scale double precision[] DEFAULT NULL, min_days integer DEFAULT 3, within_days integer DEFAULT 28,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, barrier_rank bigint, barrier text, not_adopted_users bigint, not_adopted_value double precision,
    adopted_users bigint, adopted_value double precision, difference double precision, difference_low double precision,
    difference_high double precision
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.adoption_barriers(
        source::pg_catalog.regclass, feature, rating_scale, min_days, within_days, since, until, filter, by, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.adoption_barriers(text, text, double precision[], integer, integer, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'how the first day with a feature went for those who tried it and did not stay, against those who did: errors, answers asked for again, bad ratings, latency; the clearest difference first; the source by name, as in adoption_barriers(''request_log'', ''code'')';

CREATE FUNCTION user_metrics.feature_timing(
    source regclass, feature text, landmarks integer[] DEFAULT '{1,3,7,14,28}', horizon_days integer DEFAULT 28,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, landmark_day integer, introduced_users bigint, introduced_retained bigint,
    introduced_retention double precision, introduced_low double precision, introduced_high double precision,
    without_users bigint, without_retained bigint, without_retention double precision, without_low double precision,
    without_high double precision, difference double precision, difference_low double precision,
    difference_high double precision
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    relation text := user_metrics_internal.relation(source);
    zone text := user_metrics_internal.resolved_timezone('feature_timing', timezone);
BEGIN
    PERFORM user_metrics_internal.check_adoption(
        'feature_timing', 1, 1, 0, 1, feature, NULL, landmarks, horizon_days
    );
    RETURN QUERY EXECUTE format($query$
        WITH anybody AS MATERIALIZED (
            SELECT r.segment, r.user_id, (r.occurred_at AT TIME ZONE $5)::date AS day, min(r.occurred_at) AS first_at,
                COALESCE(bool_or(r.feature = $6), false) AS uses_it
            FROM (%1$s) AS r
            GROUP BY r.segment, r.user_id, day
        ), days AS (
            SELECT p.*, p.day - min(p.day) OVER of_user AS age, min(p.day) OVER of_user AS first_day,
                min(p.first_at) OVER of_user AS began_at
            FROM anybody AS p
            WHERE %2$s
            WINDOW of_user AS (PARTITION BY p.segment, p.user_id)
        ), landmarks AS (
            SELECT l.day, COALESCE(lag(l.day) OVER (ORDER BY l.day), 0) AS before FROM unnest($7) AS l(day)
        ), people AS (
            -- What is known at the landmark, the beginning of that day, is what lies before it.
            SELECT d.segment, d.user_id, l.day AS landmark, l.before,
                min(d.age) FILTER (WHERE d.uses_it AND d.age < l.day) AS used_at,
                bool_or(d.age < l.day AND d.age >= l.day - 7) AS is_active,
                bool_or(d.age >= l.day + $8 - 7 AND d.age < l.day + $8) AS is_retained
            FROM days AS d CROSS JOIN landmarks AS l
            WHERE ($1 IS NULL OR d.began_at >= $1) AND d.first_day + l.day + $8 <= $4
            GROUP BY d.segment, d.user_id, l.day, l.before
        ), counted AS (
            SELECT p.segment, p.landmark,
                count(*) FILTER (WHERE p.used_at >= p.before) AS introduced,
                count(*) FILTER (WHERE p.used_at >= p.before AND p.is_retained) AS introduced_retained,
                count(*) FILTER (WHERE p.used_at IS NULL) AS without,
                count(*) FILTER (WHERE p.used_at IS NULL AND p.is_retained) AS without_retained
            FROM people AS p
            WHERE p.is_active
            GROUP BY p.segment, p.landmark
        )
        SELECT c.segment, c.landmark, f.introduced, f.introduced_retained, f.rate, f.low, f.high,
            g.without, g.without_retained, g.rate, g.low, g.high, d.difference, d.low, d.high
        FROM counted AS c
        LEFT JOIN LATERAL (
            SELECT c.introduced, c.introduced_retained, b.*
            FROM user_metrics_internal.rate_with_bounds(c.introduced_retained, c.introduced) AS b
            WHERE NOT user_metrics_internal.hides(c.introduced)
        ) AS f ON true
        LEFT JOIN LATERAL (
            SELECT c.without, c.without_retained, b.*
            FROM user_metrics_internal.rate_with_bounds(c.without_retained, c.without) AS b
            WHERE NOT user_metrics_internal.hides(c.without)
        ) AS g ON true
        LEFT JOIN LATERAL user_metrics_internal.rate_difference(
            f.introduced_retained, f.introduced, g.without_retained, g.without
        ) AS d ON true
        ORDER BY c.segment COLLATE "C", c.landmark
    $query$, user_metrics_internal.requests_query(
        'feature_timing', relation, ARRAY['feature!'], NULL, until, filter::text, by, identified => false
    ), user_metrics_internal.user_condition(relation, 'p.user_id'))
    USING since, until, LEAST(as_of, statement_timestamp()),
        (user_metrics_internal.observed_until(relation, until, as_of) AT TIME ZONE zone)::date, zone,
        feature, landmarks, horizon_days;
END
$$;
COMMENT ON FUNCTION user_metrics.feature_timing(regclass, text, integer[], integer, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'whether users who first use a feature early stay more often than those who have not used it by then: of users still active at each landmark, those introduced since the landmark before against those without; an association';

CREATE FUNCTION user_metrics.feature_timing(
    source text, feature text, landmarks integer[] DEFAULT '{1,3,7,14,28}', horizon_days integer DEFAULT 28,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, landmark_day integer, introduced_users bigint, introduced_retained bigint,
    introduced_retention double precision, introduced_low double precision, introduced_high double precision,
    without_users bigint, without_retained bigint, without_retention double precision, without_low double precision,
    without_high double precision, difference double precision, difference_low double precision,
    difference_high double precision
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.feature_timing(
        source::pg_catalog.regclass, feature, landmarks, horizon_days, since, until, filter, by, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.feature_timing(text, text, integer[], integer, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'whether users who first use a feature early stay more often than those who have not used it by then: of users still active at each landmark, those introduced since the landmark before against those without; an association; the source by name, as in feature_timing(''request_log'', ''code'')';
