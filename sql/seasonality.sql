-- Whether it matters when users begin: seasonality.
-- Three forms: over an activity (in Rust), over a source, and over a source by name.

CREATE FUNCTION user_metrics.seasonality(
    source regclass, retained integer[] DEFAULT '{21,27}', since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, pattern text, number integer, users bigint, retained_users bigint, retention_rate double precision,
    rate_low double precision, rate_high double precision, index double precision, index_low double precision,
    index_high double precision, q_value double precision, reason text
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Nothing is read, but what is wrong is refused before the log is.
    PERFORM FROM user_metrics.seasonality(NULL::user_metrics.activity, retained);
    RETURN QUERY EXECUTE user_metrics_internal.source_query(
        'seasonality', user_metrics_internal.relation(source), ARRAY['retained'],
        since, until, as_of, filter::text, by, timezone
    ) USING since, until, LEAST(as_of, statement_timestamp()), as_of, retained;
END
$$;
COMMENT ON FUNCTION user_metrics.seasonality(regclass, integer[], timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'retention by the month and the weekday of the first day, with 95 % bounds, and over the rate of all; the reason instead where less than two whole cycles have been seen';

CREATE FUNCTION user_metrics.seasonality(
    source text, retained integer[] DEFAULT '{21,27}', since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, pattern text, number integer, users bigint, retained_users bigint, retention_rate double precision,
    rate_low double precision, rate_high double precision, index double precision, index_low double precision,
    index_high double precision, q_value double precision, reason text
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.seasonality(
        source::pg_catalog.regclass, retained, since, until, filter, by, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.seasonality(text, integer[], timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'retention by the month and the weekday of the first day, with 95 % bounds, and over the rate of all; the reason instead where less than two whole cycles have been seen; the source by name, as in seasonality(''request_log'')';
COMMENT ON FUNCTION user_metrics.seasonality(user_metrics.activity, integer[], timestamptz, timestamptz, timestamptz) IS
    'retention by the month and the weekday of the first day, with 95 % bounds, and over the rate of all; the reason instead where less than two whole cycles have been seen; read from an activity';
