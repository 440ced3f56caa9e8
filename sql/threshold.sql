-- How much use in the first days tells who stays: activation_threshold.
-- Two forms: over a source, and over a source by name. What users did is counted as for retention_drivers.

ALTER FUNCTION user_metrics.threshold_figures SET SCHEMA user_metrics_internal;

CREATE FUNCTION user_metrics.activation_threshold(
    source regclass, action jsonb DEFAULT NULL, retained integer[] DEFAULT '{21,27}', max_days integer DEFAULT 15,
    max_requests integer DEFAULT 10, min_users integer DEFAULT 100, seed bigint DEFAULT 1, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, users bigint, retained_users bigint, days integer, requests integer, days_low integer, days_high integer,
    requests_low integer, requests_high integer, q_value double precision, held_out_users bigint, users_reaching bigint,
    retention_reaching double precision, retention_others double precision, difference double precision,
    difference_low double precision, difference_high double precision, phi double precision, p_value double precision,
    recall double precision, youden_j double precision, lift double precision, sentence text, reason text
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM user_metrics_internal.threshold_figures(NULL, false, max_days, max_requests, min_users, seed);
    RETURN QUERY
    WITH deeds AS (
        SELECT d.segment, d.deeds
        FROM user_metrics_internal.deeds_of(
            'activation_threshold', source, ARRAY[]::text[], ARRAY[COALESCE(action, '{}')::text], 'action', true,
            COALESCE(max_days, 15), retained, NULL, NULL, NULL, NULL, since, until, filter, by, timezone, as_of
        ) AS d
    )
    SELECT d.segment, f.*
    FROM deeds AS d
    CROSS JOIN LATERAL user_metrics_internal.threshold_figures(
        d.deeds, action IS NOT NULL, max_days, max_requests, min_users, seed
    ) AS f
    ORDER BY d.segment COLLATE "C";
END
$$;
COMMENT ON FUNCTION user_metrics.activation_threshold(regclass, jsonb, integer[], integer, integer, integer, bigint, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'how many requests, or requests of an action, within how many first days tell best who will be active later: chosen by one half of the users, with figures of the other, in a sentence; or the reason why there is none';

CREATE FUNCTION user_metrics.activation_threshold(
    source text, action jsonb DEFAULT NULL, retained integer[] DEFAULT '{21,27}', max_days integer DEFAULT 15,
    max_requests integer DEFAULT 10, min_users integer DEFAULT 100, seed bigint DEFAULT 1, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, users bigint, retained_users bigint, days integer, requests integer, days_low integer, days_high integer,
    requests_low integer, requests_high integer, q_value double precision, held_out_users bigint, users_reaching bigint,
    retention_reaching double precision, retention_others double precision, difference double precision,
    difference_low double precision, difference_high double precision, phi double precision, p_value double precision,
    recall double precision, youden_j double precision, lift double precision, sentence text, reason text
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.activation_threshold(
        source::pg_catalog.regclass, action, retained, max_days, max_requests, min_users, seed, since, until, filter, by,
        timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.activation_threshold(text, jsonb, integer[], integer, integer, integer, bigint, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'how many requests, or requests of an action, within how many first days tell best who will be active later: chosen by one half of the users, with figures of the other, in a sentence; or the reason why there is none; the source by name, as in activation_threshold(''request_log'')';
