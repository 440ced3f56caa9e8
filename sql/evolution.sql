-- Evolution of usage: usage_evolution, usage_evolution_json: how usage changes with the weeks since a user began.
-- Two forms each: over a source, and over a source by name.

ALTER FUNCTION user_metrics.check_evolution SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.satisfaction_score SET SCHEMA user_metrics_internal;

CREATE FUNCTION user_metrics.usage_evolution(
    source regclass, weeks integer[] DEFAULT '{1,4,12}', rating_scale double precision[] DEFAULT NULL, session_gap interval DEFAULT NULL,
    max_idle interval DEFAULT NULL, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, panel text, week integer, users bigint, active_users bigint, requests_per_day double precision,
    requests_per_active_user_day double precision, avg_session_seconds double precision, features_used double precision,
    satisfaction_score double precision
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    relation text := user_metrics_internal.relation(source);
    zone text := user_metrics_internal.resolved_timezone('usage_evolution', timezone);
    misfit double precision;
BEGIN
    PERFORM user_metrics_internal.check_evolution(weeks, rating_scale);
    PERFORM user_metrics_internal.session_reach('usage_evolution', since, session_gap, max_idle);
    IF rating_scale IS NOT NULL THEN
        -- A rating that is not on the scale, of any user.
        EXECUTE format(
            'SELECT min(q.rating) FROM (%s) AS q WHERE q.rating <> ''NaN'' AND NOT q.rating BETWEEN $4[1] AND $4[2]',
            user_metrics_internal.requests_query('usage_evolution', relation, ARRAY['rating'], NULL, until, filter::text, NULL)
        ) INTO misfit USING since, until, LEAST(as_of, statement_timestamp()), rating_scale;
        PERFORM user_metrics_internal.satisfaction_score(misfit, rating_scale);
    END IF;
    -- $1 since, $2 until, $3 the last instant that counts, $4 where observation ends, $5 the time zone, and own ones.
    -- Compiling the query would take longer than running it, hence jit = off.
    RETURN QUERY EXECUTE format($query$
        WITH requests AS NOT MATERIALIZED (%1$s),
        anybody AS MATERIALIZED (
            SELECT r.segment, r.user_id, (r.occurred_at AT TIME ZONE $5)::date AS day, min(r.occurred_at) AS first_at,
                count(*) AS requests, array_agg(DISTINCT r.feature COLLATE "C") FILTER (WHERE r.feature IS NOT NULL) AS features,
                sum(r.rating) FILTER (WHERE r.rating BETWEEN $9[1] AND $9[2]) AS ratings,
                count(*) FILTER (WHERE r.rating BETWEEN $9[1] AND $9[2]) AS rated
            FROM requests AS r
            GROUP BY r.segment, r.user_id, day
        ), days AS MATERIALIZED (
            SELECT p.*, (p.day - min(p.day) OVER of_user) / 7 + 1 AS week, min(p.day) OVER of_user AS first_day,
                min(p.first_at) OVER of_user AS began_at
            FROM anybody AS p
            WHERE %2$s
            WINDOW of_user AS (PARTITION BY p.segment, p.user_id)
        ), users AS MATERIALIZED (
            SELECT d.segment, d.user_id, min(d.first_day) AS first_day
            FROM days AS d
            GROUP BY d.segment, d.user_id
            HAVING $1 IS NULL OR min(d.began_at) >= $1
        ), panels AS MATERIALIZED (
            SELECT u.segment, u.user_id, u.first_day, w.week, n.panel, n.place
            FROM users AS u CROSS JOIN unnest($6) AS w(week) CROSS JOIN (VALUES ('all', 1), ('same_users', 2)) AS n(panel, place)
            WHERE u.first_day + 7 * CASE n.place WHEN 1 THEN w.week ELSE (SELECT max(m.week) FROM unnest($6) AS m(week)) END
                <= ($4 AT TIME ZONE $5)::date
        ), weekly AS MATERIALIZED (
            SELECT d.segment, d.user_id, d.week, sum(d.requests) AS requests, sum(d.ratings) AS ratings, sum(d.rated) AS rated
            FROM days AS d
            WHERE d.week = ANY ($6)
            GROUP BY d.segment, d.user_id, d.week
        ), variety AS (
            SELECT d.segment, d.user_id, d.week, count(DISTINCT f.feature) AS features
            FROM days AS d CROSS JOIN unnest(d.features) AS f(feature)
            WHERE d.week = ANY ($6)
            GROUP BY d.segment, d.user_id, d.week
        ), lengths AS (
            SELECT l.segment, l.user_id, l.week, sum(l.seconds) AS seconds, count(*) AS sessions
            FROM (
                SELECT u.segment, u.user_id, ((s.started_at AT TIME ZONE $5)::date - u.first_day) / 7 + 1 AS week,
                    s.duration_seconds AS seconds
                FROM (
                    SELECT r.segment, r.user_id,
                        user_metrics.sessions(r.user_id, r.occurred_at, r.session_id, r.latency_ms, r.succeeded, $7, $8) AS value
                    FROM requests AS r
                    GROUP BY r.segment, r.user_id
                ) AS v
                JOIN users AS u ON u.user_id = v.user_id AND (u.segment IS NULL) = (v.segment IS NULL) AND COALESCE(u.segment, '') = COALESCE(v.segment, '')
                CROSS JOIN LATERAL user_metrics.session_list(v.value, until => $2, as_of => $4) AS s
                WHERE s.outcome IS DISTINCT FROM 'open'
            ) AS l
            WHERE l.week = ANY ($6)
            GROUP BY l.segment, l.user_id, l.week
        ), counted AS (
            SELECT p.segment, p.panel, p.place, p.week, count(*) AS users, count(w.user_id) AS active,
                COALESCE(sum(w.requests), 0) AS requests, sum(l.seconds) AS seconds, sum(l.sessions) AS sessions,
                avg(COALESCE(v.features, 0)) FILTER (WHERE w.user_id IS NOT NULL) AS features, sum(w.ratings) AS ratings, sum(w.rated) AS rated
            FROM panels AS p
            LEFT JOIN weekly AS w ON w.user_id = p.user_id AND (w.segment IS NULL) = (p.segment IS NULL) AND COALESCE(w.segment, '') = COALESCE(p.segment, '') AND w.week = p.week
            LEFT JOIN variety AS v ON v.user_id = p.user_id AND (v.segment IS NULL) = (p.segment IS NULL) AND COALESCE(v.segment, '') = COALESCE(p.segment, '') AND v.week = p.week
            LEFT JOIN lengths AS l ON l.user_id = p.user_id AND (l.segment IS NULL) = (p.segment IS NULL) AND COALESCE(l.segment, '') = COALESCE(p.segment, '') AND l.week = p.week
            GROUP BY p.segment, p.panel, p.place, p.week
        ), shown AS (
            SELECT s.segment, n.panel, n.place, w.week
            FROM (SELECT DISTINCT u.segment FROM users AS u) AS s
            CROSS JOIN unnest($6) AS w(week) CROSS JOIN (VALUES ('all', 1), ('same_users', 2)) AS n(panel, place)
        ), tells AS (
            SELECT bool_or(d.features IS NOT NULL) AS features FROM days AS d
        )
        SELECT s.segment, s.panel, s.week, f.users, f.active, f.per_day, f.per_active_day, f.seconds, f.features, f.score
        FROM shown AS s
        CROSS JOIN tells AS t
        LEFT JOIN counted AS c ON c.place = s.place AND c.week = s.week AND (c.segment IS NULL) = (s.segment IS NULL) AND COALESCE(c.segment, '') = COALESCE(s.segment, '')
        LEFT JOIN LATERAL (
            SELECT COALESCE(c.users, 0) AS users, COALESCE(c.active, 0) AS active,
                (c.requests / (7 * c.users))::double precision AS per_day,
                (c.requests / (7 * NULLIF(c.active, 0)))::double precision AS per_active_day,
                c.seconds / c.sessions::double precision AS seconds,
                CASE WHEN t.features THEN c.features::double precision END AS features,
                -- A mean is within its ratings, also where floating point thinks otherwise.
                CASE WHEN c.rated > 0 THEN
                    user_metrics_internal.satisfaction_score(LEAST(GREATEST(c.ratings / c.rated, $9[1]), $9[2]), $9)
                END AS score
            WHERE NOT user_metrics_internal.hides(COALESCE(c.users, 0)) AND NOT user_metrics_internal.hides(COALESCE(c.active, 0))
        ) AS f ON true
        ORDER BY s.segment COLLATE "C", s.place, s.week
    $query$, user_metrics_internal.requests_query(
        'usage_evolution', relation, ARRAY['session_id', 'latency_ms', 'succeeded', 'feature', 'rating'],
        NULL, until, filter::text, by, identified => false
    ), user_metrics_internal.user_condition(relation, 'p.user_id'))
    USING since, until, LEAST(as_of, statement_timestamp()), user_metrics_internal.observed_until(relation, until, as_of), zone,
        ARRAY(SELECT DISTINCT w.week FROM unnest(weeks) AS w(week) WHERE w.week IS NOT NULL ORDER BY w.week),
        session_gap, max_idle, rating_scale;
END
$$;
COMMENT ON FUNCTION user_metrics.usage_evolution(regclass, integer[], double precision[], interval, interval, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'how usage changes with the weeks since users began: of all whose week has elapsed, and of the same users throughout, those whose last week asked for has';

CREATE FUNCTION user_metrics.usage_evolution(
    source text, weeks integer[] DEFAULT '{1,4,12}', rating_scale double precision[] DEFAULT NULL, session_gap interval DEFAULT NULL,
    max_idle interval DEFAULT NULL, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, panel text, week integer, users bigint, active_users bigint, requests_per_day double precision,
    requests_per_active_user_day double precision, avg_session_seconds double precision, features_used double precision,
    satisfaction_score double precision
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.usage_evolution(
        source::pg_catalog.regclass, weeks, rating_scale, session_gap, max_idle, since, until, filter, by, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.usage_evolution(text, integer[], double precision[], interval, interval, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'how usage changes with the weeks since users began: of all whose week has elapsed, and of the same users throughout, those whose last week asked for has; the source by name, as in usage_evolution(''request_log'')';

CREATE FUNCTION user_metrics.usage_evolution_json(
    source regclass, weeks integer[] DEFAULT '{1,4,12}', rating_scale double precision[] DEFAULT NULL, panel text DEFAULT 'all',
    session_gap interval DEFAULT NULL, max_idle interval DEFAULT NULL, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS jsonb LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    PERFORM user_metrics_internal.check_evolution(weeks, rating_scale, panel);
    RETURN jsonb_build_object('user_evolution', COALESCE((
        SELECT jsonb_object_agg('week_' || e.week, jsonb_build_object(
            'users', e.users, 'active_users', e.active_users, 'requests_per_day', e.requests_per_day,
            'requests_per_active_user_day', e.requests_per_active_user_day, 'avg_session_seconds', e.avg_session_seconds,
            'features_used', e.features_used, 'satisfaction_score', e.satisfaction_score
        ))
        FROM user_metrics.usage_evolution(
            source, weeks, rating_scale, session_gap, max_idle, since, until, filter, NULL, timezone, as_of
        ) AS e
        WHERE e.panel = panel
    ), '{}'));
END
$$;
COMMENT ON FUNCTION user_metrics.usage_evolution_json(regclass, integer[], double precision[], text, interval, interval, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'usage_evolution as one JSON object: user_evolution, in it week_1, week_4 and so on, each with its figures';

CREATE FUNCTION user_metrics.usage_evolution_json(
    source text, weeks integer[] DEFAULT '{1,4,12}', rating_scale double precision[] DEFAULT NULL, panel text DEFAULT 'all',
    session_gap interval DEFAULT NULL, max_idle interval DEFAULT NULL, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS jsonb LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT user_metrics.usage_evolution_json(source::pg_catalog.regclass, weeks, rating_scale, panel, session_gap, max_idle, since, until, filter, timezone, as_of)
$$;
COMMENT ON FUNCTION user_metrics.usage_evolution_json(text, integer[], double precision[], text, interval, interval, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'usage_evolution as one JSON object: user_evolution, in it week_1, week_4 and so on, each with its figures; the source by name, as in usage_evolution_json(''request_log'')';
