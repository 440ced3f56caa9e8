-- Where active users come from and how many went: lifecycle, churn_rate.
-- Three forms each: over an activity (in Rust), over a source, and over a source by name. The last is for literals: of
-- regclass and activity PostgreSQL prefers neither for one, but text it does.

CREATE FUNCTION user_metrics.lifecycle(
    source regclass, period text DEFAULT 'week', since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, period_start date, active_users bigint, new_users bigint, retained_users bigint,
    resurrected_users bigint, churned_users bigint, quick_ratio double precision, complete boolean
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Nothing is read, but what is wrong is refused before the log is.
    PERFORM FROM user_metrics.lifecycle(NULL::user_metrics.activity, period);
    RETURN QUERY EXECUTE user_metrics_internal.source_query(
        'lifecycle', user_metrics_internal.relation(source), ARRAY['period'],
        since, until, as_of, filter::text, by, timezone
    ) USING since, until, LEAST(as_of, statement_timestamp()), as_of, period;
END
$$;
COMMENT ON FUNCTION user_metrics.lifecycle(regclass, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'growth accounting: active = new + retained + resurrected, retained + churned = active of the period before; churned and quick ratio are NULL until the period is complete';

CREATE FUNCTION user_metrics.lifecycle(
    source text, period text DEFAULT 'week', since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, period_start date, active_users bigint, new_users bigint, retained_users bigint,
    resurrected_users bigint, churned_users bigint, quick_ratio double precision, complete boolean
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.lifecycle(
        source::pg_catalog.regclass, period, since, until, filter, by, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.lifecycle(text, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'growth accounting: active = new + retained + resurrected, retained + churned = active of the period before; churned and quick ratio are NULL until the period is complete; the source by name, as in lifecycle(''request_log'')';
COMMENT ON FUNCTION user_metrics.lifecycle(user_metrics.activity, text, timestamptz, timestamptz, timestamptz) IS
    'growth accounting: active = new + retained + resurrected, retained + churned = active of the period before; churned and quick ratio are NULL until the period is complete; read from an activity';

CREATE FUNCTION user_metrics.churn_rate(
    source regclass, period text DEFAULT 'month', since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, period_start date, previous_active_users bigint, churned_users bigint, churn_rate double precision,
    rate_low double precision, rate_high double precision, complete boolean
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Nothing is read, but what is wrong is refused before the log is.
    PERFORM FROM user_metrics.churn_rate(NULL::user_metrics.activity, period);
    RETURN QUERY EXECUTE user_metrics_internal.source_query(
        'churn_rate', user_metrics_internal.relation(source), ARRAY['period'],
        since, until, as_of, filter::text, by, timezone
    ) USING since, until, LEAST(as_of, statement_timestamp()), as_of, period;
END
$$;
COMMENT ON FUNCTION user_metrics.churn_rate(regclass, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'of the users active in the period before, how many are not active in this one, and the rate with its 95 % bounds; NULL until the period is complete, and in the first';

CREATE FUNCTION user_metrics.churn_rate(
    source text, period text DEFAULT 'month', since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, period_start date, previous_active_users bigint, churned_users bigint, churn_rate double precision,
    rate_low double precision, rate_high double precision, complete boolean
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.churn_rate(
        source::pg_catalog.regclass, period, since, until, filter, by, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.churn_rate(text, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'of the users active in the period before, how many are not active in this one, and the rate with its 95 % bounds; NULL until the period is complete, and in the first; the source by name, as in churn_rate(''request_log'')';
COMMENT ON FUNCTION user_metrics.churn_rate(user_metrics.activity, text, timestamptz, timestamptz, timestamptz) IS
    'of the users active in the period before, how many are not active in this one, and the rate with its 95 % bounds; NULL until the period is complete, and in the first; read from an activity';
