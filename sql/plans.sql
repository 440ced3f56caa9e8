-- Usage against the limits of plans: plan_usage. Two forms: over a source, and over a source by name.

ALTER FUNCTION user_metrics.plans SET SCHEMA user_metrics_internal;

CREATE FUNCTION user_metrics.plan_usage(
    source regclass, plans jsonb, plan_property text DEFAULT 'UserTier', since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    user_id text, plan text, month date, requests bigint, request_limit bigint, used_share double precision,
    projected_month_end double precision, first_day_over_limit date, out_of_plan_requests bigint
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    relation text := user_metrics_internal.relation(source);
    zone text := user_metrics_internal.resolved_timezone('plan_usage', timezone);
BEGIN
    IF plans IS NULL OR plan_property IS NULL THEN
        RAISE EXCEPTION 'plan_usage: argument "%" cannot be NULL', CASE WHEN plans IS NULL THEN 'plans' ELSE 'plan_property' END
            USING ERRCODE = 'null_value_not_allowed',
            HINT = 'Give plans such as {"free": {"monthly_request_limit": 1000}}, and the property that names a user''s plan.';
    END IF;
    PERFORM FROM user_metrics_internal.plans(plans::text);
    RETURN QUERY EXECUTE format($query$
        -- Materialized, so that the rules about who is a user are not applied to rows.
        WITH days AS MATERIALIZED (
            SELECT q.user_id, (q.occurred_at AT TIME ZONE $4)::date AS day, q.feature, count(*) AS requests,
                user_metrics_internal.latest(q.properties ->> $5, q.occurred_at) AS told,
                max(q.occurred_at) FILTER (WHERE q.properties ->> $5 IS NOT NULL) AS told_at
            FROM (%1$s) AS q
            GROUP BY q.user_id, (q.occurred_at AT TIME ZONE $4)::date, q.feature
        ), own AS MATERIALIZED (
            SELECT d.*, date_trunc('month', d.day::timestamp)::date AS month FROM days AS d WHERE %2$s
        ), months AS (
            SELECT o.user_id, o.month, sum(o.requests)::bigint AS requests,
                user_metrics_internal.latest(o.told, o.told_at) AS told, max(o.told_at) AS told_at
            FROM own AS o
            GROUP BY o.user_id, o.month
        ), planned AS (
            -- A plan holds until another is told: a month's is the one known at its end.
            SELECT m.user_id, m.month, m.requests,
                user_metrics_internal.latest(m.told, m.told_at) OVER (PARTITION BY m.user_id ORDER BY m.month) AS plan,
                m.month::timestamp AT TIME ZONE $4 AS begins, (m.month + interval '1 month') AT TIME ZONE $4 AS ends
            FROM months AS m
        ), limited AS MATERIALIZED (
            SELECT l.*, p.request_limit, p.features
            FROM planned AS l
            LEFT JOIN user_metrics_internal.plans($6) AS p ON p.plan = l.plan
        ), running AS (
            SELECT l.user_id, l.month, o.day, l.request_limit,
                sum(sum(o.requests)) OVER (PARTITION BY l.user_id, l.month ORDER BY o.day) AS so_far,
                sum(sum(o.requests) FILTER (WHERE o.feature IS NOT NULL AND o.feature <> ALL (l.features)))
                    OVER (PARTITION BY l.user_id, l.month) AS outside
            FROM limited AS l
            JOIN own AS o ON o.user_id = l.user_id AND o.month = l.month
            GROUP BY l.user_id, l.month, o.day, l.request_limit
        ), marks AS (
            SELECT r.user_id, r.month, min(r.day) FILTER (WHERE r.so_far > r.request_limit) AS over_on, max(r.outside) AS outside
            FROM running AS r
            GROUP BY r.user_id, r.month
        )
        SELECT l.user_id::text, l.plan, l.month, l.requests, l.request_limit,
            l.requests::double precision / NULLIF(l.request_limit, 0),
            l.requests * CASE
                WHEN l.ends <= $7 THEN 1
                ELSE extract(epoch FROM l.ends - l.begins)::double precision
                    / NULLIF(extract(epoch FROM $7 - l.begins), 0)::double precision
            END,
            k.over_on,
            CASE WHEN l.features IS NOT NULL THEN COALESCE(k.outside, 0)::bigint END
        FROM limited AS l
        JOIN marks AS k ON k.user_id = l.user_id AND k.month = l.month
        WHERE $1 IS NULL OR l.ends > $1
        ORDER BY l.user_id::text COLLATE "C", l.month
    $query$,
        user_metrics_internal.requests_query(
            'plan_usage', relation, ARRAY['properties!', 'feature'], NULL, until, filter::text, NULL, identified => false
        ),
        user_metrics_internal.user_condition(relation, 'd.user_id')
    ) USING since, until, LEAST(as_of, statement_timestamp()), zone, plan_property, plans::text,
        user_metrics_internal.observed_until(relation, until, as_of);
END
$$;
COMMENT ON FUNCTION user_metrics.plan_usage(regclass, jsonb, text, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'requests of every user and calendar month against the limit of their plan: share used, projection to the month''s end, first day over the limit, requests to features outside the plan';

CREATE FUNCTION user_metrics.plan_usage(
    source text, plans jsonb, plan_property text DEFAULT 'UserTier', since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    user_id text, plan text, month date, requests bigint, request_limit bigint, used_share double precision,
    projected_month_end double precision, first_day_over_limit date, out_of_plan_requests bigint
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.plan_usage(
        source::pg_catalog.regclass, plans, plan_property, since, until, filter, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.plan_usage(text, jsonb, text, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'requests of every user and calendar month against the limit of their plan: share used, projection to the month''s end, first day over the limit, requests to features outside the plan; the source by name, as in plan_usage(''request_log'', ''{…}'')';
