-- What one user favours: user_figures, which reads one user's requests, preferred_models, preferred_model_list and
-- favorite_features. Two forms each of what users call: over a source, and over a source by name.

ALTER FUNCTION user_metrics.hour_begins SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics_internal.hour_begins ROWS 24;
ALTER FUNCTION user_metrics.preferred_order SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics_internal.preferred_order ROWS 10;

-- Everything that one user's own requests tell, in one pass over these and no others. No row for a user who has none.
CREATE FUNCTION user_metrics_internal.user_figures(
    function text, relation text, user_id text, observed_until timestamptz, since timestamptz, until timestamptz,
    filter jsonb, timezone text, as_of timestamptz
) RETURNS TABLE (
    requests bigint, active_days bigint, first_seen timestamptz, last_seen timestamptz,
    requests_per_active_day double precision, requests_per_calendar_day double precision,
    sessions bigint, session_mean_seconds double precision, session_median_seconds double precision,
    completion_rate double precision, success_rate double precision, cost_usd double precision,
    mean_rating double precision, peak_hours integer[], favorite_features text[], model_preferences text[], models text
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    zone text := user_metrics_internal.resolved_timezone(function, timezone);
BEGIN
    IF user_id IS NULL THEN
        RAISE EXCEPTION '%: argument "user_id" cannot be NULL', function
            USING ERRCODE = 'null_value_not_allowed', HINT = 'Name one user, by the id that the log has.';
    END IF;
    RETURN QUERY EXECUTE format($query$
        WITH mine AS MATERIALIZED (
            SELECT q.*, q.occurred_at AT TIME ZONE $5 AS local_at FROM (%1$s) AS q
        ), totals AS (
            SELECT count(*) AS requests, count(DISTINCT m.local_at::date) AS active_days,
                min(m.occurred_at) AS first_seen, max(m.occurred_at) AS last_seen,
                (GREATEST($4 - interval '1 microsecond', max(m.occurred_at)) AT TIME ZONE $5)::date
                    - min(m.local_at)::date + 1 AS calendar_days,
                avg(m.succeeded::integer)::double precision AS success_rate,
                sum(m.cost_usd) FILTER (WHERE m.cost_usd >= 0 AND m.cost_usd < 'Infinity') AS cost_usd,
                avg(m.rating) FILTER (WHERE m.rating > '-Infinity' AND m.rating < 'Infinity') AS mean_rating,
                user_metrics.sessions(m.user_id, m.occurred_at, m.session_id, m.latency_ms, m.succeeded, NULL, NULL) AS sessions
            FROM mine AS m
        ), visits AS (
            SELECT count(*) AS sessions, avg(v.duration_seconds) FILTER (WHERE v.outcome IS DISTINCT FROM 'open') AS mean,
                percentile_cont(0.5) WITHIN GROUP (ORDER BY v.duration_seconds)
                    FILTER (WHERE v.outcome IS DISTINCT FROM 'open') AS median,
                avg((v.outcome = 'completed')::integer)
                    FILTER (WHERE v.outcome IN ('completed', 'abandoned'))::double precision AS completion_rate
            FROM totals AS t CROSS JOIN LATERAL user_metrics.session_list(t.sessions, as_of => $4) AS v
        ), hours AS (
            SELECT date_part('hour', m.local_at)::integer AS hour, count(*) AS requests FROM mine AS m GROUP BY 1
        ), peaks AS (
            SELECT h.hour, rank() OVER (ORDER BY h.requests / b.occurrences::double precision DESC, h.hour) AS place
            FROM totals AS t
            CROSS JOIN LATERAL user_metrics_internal.hour_begins(
                t.first_seen, GREATEST($4 - interval '1 microsecond', t.last_seen), $5
            ) AS b
            JOIN hours AS h ON h.hour = b.hour
            WHERE b.occurrences > 0
        ), features AS (
            SELECT m.feature COLLATE "C" AS feature, row_number() OVER (
                ORDER BY count(*) DESC, count(DISTINCT m.local_at::date) DESC, m.feature COLLATE "C"
            ) AS place
            FROM mine AS m
            WHERE m.feature IS NOT NULL
            GROUP BY m.feature COLLATE "C"
        ), models AS (
            SELECT m.model COLLATE "C" AS model, count(*) AS requests,
                array_agg(DISTINCT m.local_at::date - date '2000-01-01' ORDER BY m.local_at::date - date '2000-01-01') AS days,
                percentile_cont(0.5) WITHIN GROUP (ORDER BY m.latency_ms)
                    FILTER (WHERE m.latency_ms >= 0 AND m.latency_ms < 'Infinity') AS latency_ms,
                count(m.rating) FILTER (WHERE m.rating > '-Infinity' AND m.rating < 'Infinity') AS rated,
                avg(m.rating) FILTER (WHERE m.rating > '-Infinity' AND m.rating < 'Infinity') AS rating,
                var_pop(m.rating) FILTER (WHERE m.rating > '-Infinity' AND m.rating < 'Infinity') AS rating_variance,
                count(m.succeeded) AS answered, avg(m.succeeded::integer)::double precision AS success,
                var_pop(m.succeeded::integer)::double precision AS success_variance,
                row_number() OVER (
                    ORDER BY count(*) DESC, count(DISTINCT m.local_at::date) DESC, m.model COLLATE "C"
                ) AS place
            FROM mine AS m
            WHERE m.model IS NOT NULL
            GROUP BY m.model COLLATE "C"
        )
        SELECT t.requests, t.active_days, t.first_seen, t.last_seen,
            t.requests / t.active_days::double precision, t.requests / GREATEST(t.calendar_days, 1)::double precision,
            v.sessions, v.mean, v.median, v.completion_rate, t.success_rate, t.cost_usd, t.mean_rating,
            (SELECT array_agg(p.hour ORDER BY p.place) FROM peaks AS p WHERE p.place <= 3),
            (SELECT array_agg(f.feature ORDER BY f.place) FROM features AS f WHERE f.place <= 3),
            (SELECT array_agg(m.model ORDER BY m.place) FROM models AS m WHERE m.place <= 3),
            COALESCE((
                SELECT jsonb_agg(jsonb_build_object(
                    'model', m.model, 'requests', m.requests, 'days', m.days, 'latency_ms', m.latency_ms,
                    'rated', jsonb_build_object('count', m.rated, 'mean', m.rating, 'variance', m.rating_variance),
                    'answered', jsonb_build_object('count', m.answered, 'mean', m.success, 'variance', m.success_variance)
                ) ORDER BY m.place) FROM models AS m
            ), '[]')::text
        FROM totals AS t CROSS JOIN visits AS v
        WHERE t.requests > 0
    $query$, user_metrics_internal.requests_query(
        function, relation,
        ARRAY['session_id', 'model', 'feature', 'latency_ms', 'succeeded', 'rating', 'cost_usd'],
        since, until, filter::text, NULL, identified => true, of_user => user_id
    )) USING since, until, LEAST(as_of, statement_timestamp()), observed_until, zone;
END
$$;
COMMENT ON FUNCTION user_metrics_internal.user_figures(text, text, text, timestamptz, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'what one user''s own requests tell';

-- Where observation ends for functions that read one user's requests only: the end of the log is not looked up.
CREATE FUNCTION user_metrics_internal.observed_until_now(until timestamptz, as_of timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT LEAST(COALESCE(as_of, until), until, statement_timestamp())
$$;
COMMENT ON FUNCTION user_metrics_internal.observed_until_now(timestamptz, timestamptz) IS
    'where observation ends where the log''s end is not read: at as_of, else at until, else now';

CREATE FUNCTION user_metrics.preferred_models(
    source regclass, user_id text, candidates text[] DEFAULT NULL, fallback text[] DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    place bigint, model text, requests bigint, active_days bigint, median_latency_ms double precision,
    success_rate double precision, mean_rating double precision, reason text, prefers_speed boolean, prefers_quality boolean
) LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.*
    FROM (
        -- For somebody who is not in the log as well there is something to offer.
        SELECT max(f.models) AS models
        FROM user_metrics_internal.user_figures(
            'preferred_models', user_metrics_internal.relation(source), user_id,
            user_metrics_internal.observed_until_now(until, as_of), since, until, filter, timezone, as_of
        ) AS f
    ) AS u
    CROSS JOIN LATERAL user_metrics_internal.preferred_order(u.models, candidates, fallback) AS p
    ORDER BY p.place
$$;
COMMENT ON FUNCTION user_metrics.preferred_models(regclass, text, text[], text[], timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'the models to offer one user, in order, by what they chose and found where there was a choice; candidates bounds the list, fallback is offered to those of whom too little is known';

CREATE FUNCTION user_metrics.preferred_models(
    source text, user_id text, candidates text[] DEFAULT NULL, fallback text[] DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    place bigint, model text, requests bigint, active_days bigint, median_latency_ms double precision,
    success_rate double precision, mean_rating double precision, reason text, prefers_speed boolean, prefers_quality boolean
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.preferred_models(
        source::pg_catalog.regclass, user_id, candidates, fallback, since, until, filter, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.preferred_models(text, text, text[], text[], timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'the models to offer one user, in order, by what they chose and found where there was a choice; candidates bounds the list, fallback is offered to those of whom too little is known; the source by name, as in preferred_models(''request_log'', ''ann'')';

CREATE FUNCTION user_metrics.preferred_model_list(
    source regclass, user_id text, candidates text[] DEFAULT NULL, fallback text[] DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS text
LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
    SELECT string_agg(p.model, ',' ORDER BY p.place)
    FROM user_metrics.preferred_models(source, user_id, candidates, fallback, since, until, filter, timezone, as_of) AS p
$$;
COMMENT ON FUNCTION user_metrics.preferred_model_list(regclass, text, text[], text[], timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'the models of preferred_models with commas between them, as gateways take them';

CREATE FUNCTION user_metrics.preferred_model_list(
    source text, user_id text, candidates text[] DEFAULT NULL, fallback text[] DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS text
LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT user_metrics.preferred_model_list(
        source::pg_catalog.regclass, user_id, candidates, fallback, since, until, filter, timezone, as_of
    )
$$;
COMMENT ON FUNCTION user_metrics.preferred_model_list(text, text, text[], text[], timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'the models of preferred_models with commas between them, as gateways take them; the source by name, as in preferred_model_list(''request_log'', ''ann'')';

CREATE FUNCTION user_metrics.favorite_features(
    source regclass, user_id text, top integer DEFAULT 3, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    place bigint, feature text, requests bigint, active_days bigint, share double precision,
    population_share double precision, lift double precision
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    relation text := user_metrics_internal.relation(source);
    zone text := user_metrics_internal.resolved_timezone('favorite_features', timezone);
BEGIN
    IF user_id IS NULL THEN
        RAISE EXCEPTION 'favorite_features: argument "user_id" cannot be NULL'
            USING ERRCODE = 'null_value_not_allowed', HINT = 'Name one user, by the id that the log has.';
    ELSIF top IS NULL OR top < 1 THEN
        RAISE EXCEPTION 'favorite_features: argument "top" cannot be "%"', COALESCE(top::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give a number of features of 1 or more.';
    END IF;
    RETURN QUERY EXECUTE format($query$
        WITH anybody AS MATERIALIZED (
            SELECT q.feature, q.user_id, count(*) AS requests FROM (%1$s) AS q WHERE q.feature IS NOT NULL
            GROUP BY q.feature, q.user_id
        ), people AS MATERIALIZED (
            SELECT p.* FROM anybody AS p WHERE %2$s
        ), population AS (
            SELECT p.feature, count(*) AS users, sum(p.requests) / sum(sum(p.requests)) OVER ()::double precision AS share
            FROM people AS p
            GROUP BY p.feature
        ), mine AS (
            SELECT q.feature COLLATE "C" AS feature, count(*) AS requests,
                count(DISTINCT (q.occurred_at AT TIME ZONE $4)::date) AS active_days,
                count(*) / sum(count(*)) OVER ()::double precision AS share
            FROM (%3$s) AS q
            WHERE q.feature IS NOT NULL
            GROUP BY q.feature COLLATE "C"
        )
        SELECT row_number() OVER in_order, m.feature, m.requests, m.active_days, m.share, o.share, m.share / o.share
        FROM mine AS m
        LEFT JOIN population AS o ON o.feature = m.feature AND NOT user_metrics_internal.hides(o.users)
        WINDOW in_order AS (ORDER BY m.requests DESC, m.active_days DESC, m.feature)
        ORDER BY row_number() OVER in_order
        LIMIT $5
    $query$,
        user_metrics_internal.requests_query(
            'favorite_features', relation, ARRAY['feature!'], since, until, filter::text, NULL, identified => false
        ),
        user_metrics_internal.user_condition(relation, 'p.user_id'),
        user_metrics_internal.requests_query(
            'favorite_features', relation, ARRAY['feature!'], since, until, filter::text, NULL, of_user => user_id
        )
    ) USING since, until, LEAST(as_of, statement_timestamp()), zone, top;
END
$$;
COMMENT ON FUNCTION user_metrics.favorite_features(regclass, text, integer, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'the features one user uses most, and how much more than everybody: lift is their share over that of all users'' requests';

CREATE FUNCTION user_metrics.favorite_features(
    source text, user_id text, top integer DEFAULT 3, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    place bigint, feature text, requests bigint, active_days bigint, share double precision,
    population_share double precision, lift double precision
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.favorite_features(
        source::pg_catalog.regclass, user_id, top, since, until, filter, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.favorite_features(text, text, integer, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'the features one user uses most, and how much more than everybody: lift is their share over that of all users'' requests; the source by name, as in favorite_features(''request_log'', ''ann'')';
