-- Users beside their peers: benchmark_users, benchmark_user. Two forms each: over a source, and over a source by name.

ALTER FUNCTION user_metrics.peer_standings SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics_internal.peer_standings ROWS 10000;
ALTER FUNCTION user_metrics.shrunk_mean SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.check_peers SET SCHEMA user_metrics_internal;

CREATE FUNCTION user_metrics.benchmark_users(
    source regclass, peers text DEFAULT NULL, min_peers integer DEFAULT 10, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    user_id text, peer_group text, metric text, value double precision, peer_median double precision,
    percentile double precision, peer_users bigint
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    relation text := user_metrics_internal.relation(source);
    last_counted timestamptz := LEAST(as_of, statement_timestamp());
    zone text := user_metrics_internal.resolved_timezone('benchmark_users', timezone);
    observed_until timestamptz;
    sessions user_metrics.sessions;
BEGIN
    PERFORM user_metrics_internal.check_peers(min_peers);
    observed_until := user_metrics_internal.observed_until(relation, until, as_of);
    EXECUTE format(
        'SELECT user_metrics.sessions(q.user_id, q.occurred_at, q.session_id, q.latency_ms, q.succeeded, NULL, NULL) FROM (%s) AS q',
        user_metrics_internal.requests_query(
            'benchmark_users', relation, ARRAY['session_id', 'latency_ms', 'succeeded'], since, until, filter::text, NULL,
            identified => false
        )
    ) INTO sessions USING since, until, last_counted;
    RETURN QUERY EXECUTE format($query$
        WITH cells AS (
            SELECT q.user_id, q.feature, count(*) AS requests, min(q.occurred_at) AS first_at, max(q.occurred_at) AS last_at,
                count(q.rating) FILTER (WHERE q.rating > '-Infinity' AND q.rating < 'Infinity') AS rated,
                sum(q.rating) FILTER (WHERE q.rating > '-Infinity' AND q.rating < 'Infinity') AS rating,
                user_metrics_internal.latest(q.segment, q.occurred_at) AS told,
                max(q.occurred_at) FILTER (WHERE q.segment IS NOT NULL) AS told_at
            FROM (%1$s) AS q
            GROUP BY q.user_id, q.feature
        ), anybody AS MATERIALIZED (
            SELECT c.user_id, sum(c.requests) AS requests, min(c.first_at) AS first_at, max(c.last_at) AS last_at,
                count(c.feature) AS features, sum(c.rated)::bigint AS rated, sum(c.rating) AS rating,
                user_metrics_internal.latest(c.told, c.told_at) AS peer_group
            FROM cells AS c
            GROUP BY c.user_id
        ), people AS MATERIALIZED (
            SELECT p.user_id::text COLLATE "C" AS user_id, p.peer_group, p.requests, p.features, p.rated, p.rating,
                -- The last day that had begun before observation ended, or on which somebody still came.
                (GREATEST($4 - interval '1 microsecond', max(p.last_at) OVER ()) AT TIME ZONE $5)::date
                    - (p.first_at AT TIME ZONE $5)::date + 1 AS days,
                sum(p.rating) OVER same_peers / NULLIF(sum(p.rated) OVER same_peers, 0)::double precision AS prior,
                s.closed_requests, s.completed_sessions
            FROM anybody AS p
            LEFT JOIN user_metrics_internal.user_sessions($6, $4) AS s
                ON s.user_key = user_metrics_internal.user_key(p.user_id)
            WHERE %2$s
            WINDOW same_peers AS (PARTITION BY p.peer_group)
        ), figures AS (
            SELECT p.user_id, p.peer_group, f.place, f.metric, f.value
            FROM people AS p
            CROSS JOIN LATERAL (VALUES
                (1, 'requests_per_day', p.requests / GREATEST(p.days, 1)::double precision),
                (2, 'requests_per_completed_session', p.closed_requests / NULLIF(p.completed_sessions, 0)::double precision),
                (3, 'features_used', NULLIF(p.features, 0)::double precision),
                -- Five ratings as the peers give them, and the user's own.
                (4, 'satisfaction', user_metrics_internal.shrunk_mean(p.rated, p.rating / NULLIF(p.rated, 0), p.prior, 5))
            ) AS f(place, metric, value)
        ), groups AS (
            SELECT f.peer_group, f.place, array_agg(f.user_id ORDER BY f.user_id) AS users,
                array_agg(f.value ORDER BY f.user_id) AS figures
            FROM figures AS f
            WHERE f.value IS NOT NULL
            GROUP BY f.peer_group, f.place
        ), standings AS (
            SELECT g.place, u.user_id, s.peer_median, s.percentile, s.peer_users
            FROM groups AS g
            CROSS JOIN LATERAL unnest(g.users) WITH ORDINALITY AS u(user_id, nth)
            JOIN LATERAL user_metrics_internal.peer_standings(g.figures) AS s ON s.place = u.nth
        )
        SELECT f.user_id, f.peer_group, f.metric, f.value, t.peer_median, t.percentile,
            CASE WHEN NOT user_metrics_internal.hides(s.peer_users) THEN s.peer_users END
        FROM figures AS f
        LEFT JOIN standings AS s ON s.place = f.place AND s.user_id = f.user_id
        LEFT JOIN LATERAL (
            SELECT s.peer_median, s.percentile
            WHERE s.peer_users >= $7 AND NOT user_metrics_internal.hides(s.peer_users)
        ) AS t ON true
        ORDER BY f.user_id, f.place
    $query$,
        user_metrics_internal.requests_query(
            'benchmark_users', relation, ARRAY['feature', 'rating'], since, until, filter::text, peers, identified => false
        ),
        user_metrics_internal.user_condition(relation, 'p.user_id')
    ) USING since, until, last_counted, observed_until, zone, sessions, min_peers;
END
$$;
COMMENT ON FUNCTION user_metrics.benchmark_users(regclass, text, integer, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'every user''s requests per day, requests per completed session, features used and satisfaction beside those of their peers: all others, or those with the same value of the property peers';

CREATE FUNCTION user_metrics.benchmark_users(
    source text, peers text DEFAULT NULL, min_peers integer DEFAULT 10, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    user_id text, peer_group text, metric text, value double precision, peer_median double precision,
    percentile double precision, peer_users bigint
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.benchmark_users(
        source::pg_catalog.regclass, peers, min_peers, since, until, filter, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.benchmark_users(text, text, integer, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'every user''s requests per day, requests per completed session, features used and satisfaction beside those of their peers: all others, or those with the same value of the property peers; the source by name, as in benchmark_users(''request_log'')';

CREATE FUNCTION user_metrics.benchmark_user(
    source regclass, user_id text, peers text DEFAULT NULL, min_peers integer DEFAULT 10, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    peer_group text, metric text, value double precision, peer_median double precision, percentile double precision,
    peer_users bigint
) LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
    SELECT r.peer_group, r.metric, r.value, r.peer_median, r.percentile, r.peer_users
    FROM user_metrics.benchmark_users(source, peers, min_peers, since, until, filter, timezone, as_of) AS r
    WHERE r.user_id = benchmark_user.user_id COLLATE "C"
$$;
COMMENT ON FUNCTION user_metrics.benchmark_user(regclass, text, text, integer, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'one user''s rows of benchmark_users';

CREATE FUNCTION user_metrics.benchmark_user(
    source text, user_id text, peers text DEFAULT NULL, min_peers integer DEFAULT 10, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    peer_group text, metric text, value double precision, peer_median double precision, percentile double precision,
    peer_users bigint
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.benchmark_user(
        source::pg_catalog.regclass, user_id, peers, min_peers, since, until, filter, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.benchmark_user(text, text, text, integer, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'one user''s rows of benchmark_users; the source by name, as in benchmark_user(''request_log'', ''ann'')';
