-- paths: what people do next.

ALTER FUNCTION user_metrics.check_depth SET SCHEMA user_metrics_internal;

CREATE FUNCTION user_metrics.paths(
    source regclass, start jsonb DEFAULT NULL, depth integer DEFAULT 5,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, step integer, from_feature text, to_feature text, users bigint
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    relation text := user_metrics_internal.relation(source);
BEGIN
    PERFORM user_metrics_internal.resolved_timezone('paths', timezone);
    PERFORM user_metrics_internal.check_depth(depth);
    RETURN QUERY EXECUTE format($query$
        WITH ordered AS (
            -- What comes after ids is for rows that have the same: so that any order of rows gives the same path. A shorter
            -- id first, so that 9 comes before 10. All over one sort.
            SELECT r.segment, r.user_id, r.feature COLLATE "C" AS feature, lag(r.feature COLLATE "C") OVER in_order AS feature_before,
                row_number() OVER in_order AS place,
                bool_or(r.mark_1) OVER (in_order ROWS UNBOUNDED PRECEDING) AS has_begun,
                bool_or(r.mark_1) OVER (in_order ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS had_begun
            FROM (%1$s) AS r
            WHERE btrim(r.feature, E' \t\n\x0b\x0c\r') <> ''
            WINDOW in_order AS (
                PARTITION BY r.segment, r.user_id
                ORDER BY r.occurred_at, length(r.request_id), r.request_id COLLATE "C", r.feature COLLATE "C", r.mark_1 DESC
            )
        ), anybody AS MATERIALIZED (
            -- A feature used several times in a row is one stage.
            SELECT o.segment, o.user_id, (array_agg(o.feature ORDER BY o.place))[:$5 + 1] AS features
            FROM ordered AS o
            WHERE o.has_begun AND (o.had_begun IS NOT TRUE OR o.feature <> o.feature_before)
            GROUP BY o.segment, o.user_id
        ), moves AS (
            SELECT p.segment, n.step, p.features[n.step] AS from_feature, p.features[n.step + 1] AS to_feature, count(*) AS users
            FROM anybody AS p
            -- To the end of the path, and from there to nothing where it ends before the depth.
            CROSS JOIN LATERAL generate_series(1, LEAST(cardinality(p.features), $5)) AS n(step)
            WHERE %2$s
            GROUP BY p.segment, n.step, p.features[n.step], p.features[n.step + 1]
        )
        SELECT m.segment, m.step, m.from_feature, m.to_feature,
            CASE WHEN NOT user_metrics_internal.hides(m.users) THEN m.users END
        FROM moves AS m
        ORDER BY m.segment COLLATE "C", m.step, 5 DESC NULLS LAST, m.from_feature, m.to_feature
    $query$, user_metrics_internal.requests_query(
        'paths', relation, ARRAY['feature!', 'request_id'], since, until, filter::text, by,
        identified => false, marks => ARRAY[COALESCE(start::text, '{}')], marks_argument => 'start'
    ), user_metrics_internal.user_condition(relation, 'p.user_id'))
    USING since, until, LEAST(as_of, statement_timestamp()), as_of, COALESCE(depth, 5);
END
$$;
COMMENT ON FUNCTION user_metrics.paths(regclass, jsonb, integer, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'what people do next: from each user''s first request that start lets through, how many go from which feature to which other at the 1st, 2nd, … move; to_feature is NULL for those who did nothing else';

CREATE FUNCTION user_metrics.paths(
    source text, start jsonb DEFAULT NULL, depth integer DEFAULT 5,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, step integer, from_feature text, to_feature text, users bigint
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.paths(
        source::pg_catalog.regclass, start, depth, since, until, filter, by, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.paths(text, jsonb, integer, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'what people do next: from each user''s first request that start lets through, how many go from which feature to which other at the 1st, 2nd, … move; to_feature is NULL for those who did nothing else; the source by name, as in paths(''request_log'')';
