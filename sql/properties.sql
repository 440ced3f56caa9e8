-- Properties of users as of a moment: user_properties, and the aggregate behind it.

ALTER FUNCTION user_metrics.latest_transition SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.latest_combine SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.latest_serialize SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.latest_deserialize SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.latest_finish SET SCHEMA user_metrics_internal;

CREATE AGGREGATE user_metrics_internal.latest(value text, told_at timestamptz) (
    SFUNC = user_metrics_internal.latest_transition, STYPE = internal, SSPACE = 256,
    FINALFUNC = user_metrics_internal.latest_finish, COMBINEFUNC = user_metrics_internal.latest_combine,
    SERIALFUNC = user_metrics_internal.latest_serialize, DESERIALFUNC = user_metrics_internal.latest_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics_internal.latest(text, timestamptz) IS
    'the value told last that is not NULL; of several at one instant the greatest by its bytes';

CREATE FUNCTION user_metrics.user_properties(
    source regclass, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (user_id text, property text, value text, told_at timestamptz)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    relation text := user_metrics_internal.relation(source);
BEGIN
    RETURN QUERY EXECUTE format($query$
        WITH told AS MATERIALIZED (
            -- A log repeats the same few objects over and over: they are taken apart once.
            SELECT q.user_id, q.properties, max(q.occurred_at) AS told_at
            FROM (%1$s) AS q
            GROUP BY q.user_id, q.properties
        )
        SELECT t.user_id::text, e.key, user_metrics_internal.latest(e.value, t.told_at),
            max(t.told_at) FILTER (WHERE e.value IS NOT NULL)
        FROM told AS t CROSS JOIN LATERAL jsonb_each_text(CASE jsonb_typeof(t.properties) WHEN 'object' THEN t.properties END) AS e
        WHERE %2$s
        GROUP BY t.user_id, e.key
        HAVING count(e.value) > 0
        ORDER BY t.user_id::text COLLATE "C", e.key COLLATE "C"
    $query$,
        user_metrics_internal.requests_query(
            'user_properties', relation, ARRAY['properties!'], since, until, filter::text, NULL, identified => false
        ),
        user_metrics_internal.user_condition(relation, 't.user_id')
    ) USING since, until, LEAST(as_of, statement_timestamp());
END
$$;
COMMENT ON FUNCTION user_metrics.user_properties(regclass, timestamptz, timestamptz, jsonb, timestamptz) IS
    'every property of every user with the value told last (not NULL) up to as_of, and when that was';

CREATE FUNCTION user_metrics.user_properties(
    source text, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL,
    as_of timestamptz DEFAULT NULL
) RETURNS TABLE (user_id text, property text, value text, told_at timestamptz)
LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.user_properties(source::pg_catalog.regclass, since, until, filter, as_of) AS r
$$;
COMMENT ON FUNCTION user_metrics.user_properties(text, timestamptz, timestamptz, jsonb, timestamptz) IS
    'every property of every user with the value told last (not NULL) up to as_of, and when that was; the source by name, as in user_properties(''request_log'')';
