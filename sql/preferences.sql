-- The models of preferred_models as gateways take them.

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
