-- Do users come back: retention_matrix, retention_curve, cohort_table.
-- Three forms each: over an activity (in Rust), over a source, and over a source by name. The last is for literals: of
-- regclass and activity PostgreSQL prefers neither for one, but text it does.

CREATE FUNCTION user_metrics.retention_matrix(
    source regclass, cohort text DEFAULT 'week', period text DEFAULT 'week', offsets integer[] DEFAULT NULL,
    kind text DEFAULT 'on', clock text DEFAULT 'calendar', since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, cohort_start date, cohort_users bigint, period_number integer, eligible_users bigint,
    retained_users bigint, retention_rate double precision, rate_low double precision, rate_high double precision,
    complete boolean
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Nothing is read, but what is wrong is refused before the log is.
    PERFORM FROM user_metrics.retention_matrix(NULL::user_metrics.activity, cohort, period, offsets, kind, clock);
    RETURN QUERY EXECUTE user_metrics_internal.source_query(
        'retention_matrix', user_metrics_internal.relation(source), ARRAY['cohort', 'period', 'offsets', 'kind', 'clock'],
        since, until, as_of, filter::text, by, timezone
    ) USING since, until, LEAST(as_of, statement_timestamp()), as_of, cohort, period, offsets, kind, clock;
END
$$;
COMMENT ON FUNCTION user_metrics.retention_matrix(regclass, text, text, integer[], text, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'per cohort and period how many members came back, among those whose period has elapsed, with Wilson 95 % bounds; kind: on, on_or_after, on_or_before, streak; clock: calendar, rolling';

CREATE FUNCTION user_metrics.retention_matrix(
    source text, cohort text DEFAULT 'week', period text DEFAULT 'week', offsets integer[] DEFAULT NULL,
    kind text DEFAULT 'on', clock text DEFAULT 'calendar', since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, cohort_start date, cohort_users bigint, period_number integer, eligible_users bigint,
    retained_users bigint, retention_rate double precision, rate_low double precision, rate_high double precision,
    complete boolean
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.retention_matrix(
        source::pg_catalog.regclass, cohort, period, offsets, kind, clock, since, until, filter, by, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.retention_matrix(text, text, text, integer[], text, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'per cohort and period how many members came back, among those whose period has elapsed, with Wilson 95 % bounds; kind: on, on_or_after, on_or_before, streak; clock: calendar, rolling; the source by name, as in retention_matrix(''request_log'')';
COMMENT ON FUNCTION user_metrics.retention_matrix(user_metrics.activity, text, text, integer[], text, text, timestamptz, timestamptz, timestamptz) IS
    'per cohort and period how many members came back, among those whose period has elapsed, with Wilson 95 % bounds; kind: on, on_or_after, on_or_before, streak; clock: calendar, rolling; read from an activity';

CREATE FUNCTION user_metrics.retention_curve(
    source regclass, cohort text DEFAULT 'week', period text DEFAULT 'week', offsets integer[] DEFAULT NULL,
    kind text DEFAULT 'on', clock text DEFAULT 'calendar', since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, period_number integer, cohort_users bigint, eligible_users bigint, retained_users bigint,
    retention_rate double precision, rate_low double precision, rate_high double precision, complete boolean
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Nothing is read, but what is wrong is refused before the log is.
    PERFORM FROM user_metrics.retention_curve(NULL::user_metrics.activity, cohort, period, offsets, kind, clock);
    RETURN QUERY EXECUTE user_metrics_internal.source_query(
        'retention_curve', user_metrics_internal.relation(source), ARRAY['cohort', 'period', 'offsets', 'kind', 'clock'],
        since, until, as_of, filter::text, by, timezone
    ) USING since, until, LEAST(as_of, statement_timestamp()), as_of, cohort, period, offsets, kind, clock;
END
$$;
COMMENT ON FUNCTION user_metrics.retention_curve(regclass, text, text, integer[], text, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'retention pooled over all cohorts: sums of retained over sums of eligible members, with Wilson 95 % bounds';

CREATE FUNCTION user_metrics.retention_curve(
    source text, cohort text DEFAULT 'week', period text DEFAULT 'week', offsets integer[] DEFAULT NULL,
    kind text DEFAULT 'on', clock text DEFAULT 'calendar', since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, period_number integer, cohort_users bigint, eligible_users bigint, retained_users bigint,
    retention_rate double precision, rate_low double precision, rate_high double precision, complete boolean
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.retention_curve(
        source::pg_catalog.regclass, cohort, period, offsets, kind, clock, since, until, filter, by, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.retention_curve(text, text, text, integer[], text, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'retention pooled over all cohorts: sums of retained over sums of eligible members, with Wilson 95 % bounds; the source by name, as in retention_curve(''request_log'')';
COMMENT ON FUNCTION user_metrics.retention_curve(user_metrics.activity, text, text, integer[], text, text, timestamptz, timestamptz, timestamptz) IS
    'retention pooled over all cohorts: sums of retained over sums of eligible members, with Wilson 95 % bounds; read from an activity';

CREATE FUNCTION user_metrics.cohort_table(
    source regclass, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    cohort date, users bigint, week_1 double precision, week_2 double precision, week_4 double precision,
    week_8 double precision, week_12 double precision
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY EXECUTE user_metrics_internal.source_query(
        'cohort_table', user_metrics_internal.relation(source), ARRAY[]::text[],
        since, until, as_of, filter::text, NULL, timezone
    ) USING since, until, LEAST(as_of, statement_timestamp()), as_of;
END
$$;
COMMENT ON FUNCTION user_metrics.cohort_table(regclass, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'monthly cohorts and the share of them active in the 1st, 2nd, 4th, 8th and 12th seven days from each member''s first day; NULL until every member''s week has elapsed';

CREATE FUNCTION user_metrics.cohort_table(
    source text, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    cohort date, users bigint, week_1 double precision, week_2 double precision, week_4 double precision,
    week_8 double precision, week_12 double precision
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.cohort_table(
        source::pg_catalog.regclass, since, until, filter, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.cohort_table(text, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'monthly cohorts and the share of them active in the 1st, 2nd, 4th, 8th and 12th seven days from each member''s first day; NULL until every member''s week has elapsed; the source by name, as in cohort_table(''request_log'')';
COMMENT ON FUNCTION user_metrics.cohort_table(user_metrics.activity, timestamptz, timestamptz, timestamptz) IS
    'monthly cohorts and the share of them active in the 1st, 2nd, 4th, 8th and 12th seven days from each member''s first day; NULL until every member''s week has elapsed; read from an activity';
