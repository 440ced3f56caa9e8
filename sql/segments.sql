-- Segments: who is new, at risk, a power user, casual or dormant, and why: segment_users, segment_user, segment_summary.
-- Two forms each: over a source, and over a source by name.

ALTER FUNCTION user_metrics.user_key(text) SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.user_key(uuid) SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.user_key(bigint) SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.user_sessions SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics_internal.user_sessions ROWS 100000;
ALTER FUNCTION user_metrics.segment_rules SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.decline_p SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.check_segments SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.tally_segments SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics_internal.tally_segments ROWS 100000;
ALTER FUNCTION user_metrics.tally_text SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.tally_uuid SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.tally_bigint SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.tally_combine SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.tally_serialize SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.tally_deserialize SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.tally_finish SET SCHEMA user_metrics_internal;

CREATE AGGREGATE user_metrics_internal.tally(
    user_id text, occurred_at timestamptz, timezone text, since timestamptz, observed_until timestamptz, recent_weeks integer,
    base_weeks integer
) (
    SFUNC = user_metrics_internal.tally_text, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.tally_finish, COMBINEFUNC = user_metrics_internal.tally_combine,
    SERIALFUNC = user_metrics_internal.tally_serialize, DESERIALFUNC = user_metrics_internal.tally_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics_internal.tally(text, timestamptz, text, timestamptz, timestamptz, integer, integer) IS
    'what each user did, by name, as bytes for functions that list users';

CREATE AGGREGATE user_metrics_internal.tally(
    user_id uuid, occurred_at timestamptz, timezone text, since timestamptz, observed_until timestamptz, recent_weeks integer,
    base_weeks integer
) (
    SFUNC = user_metrics_internal.tally_uuid, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.tally_finish, COMBINEFUNC = user_metrics_internal.tally_combine,
    SERIALFUNC = user_metrics_internal.tally_serialize, DESERIALFUNC = user_metrics_internal.tally_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics_internal.tally(uuid, timestamptz, text, timestamptz, timestamptz, integer, integer) IS
    'what each user did, by name, as bytes for functions that list users';

CREATE AGGREGATE user_metrics_internal.tally(
    user_id bigint, occurred_at timestamptz, timezone text, since timestamptz, observed_until timestamptz, recent_weeks integer,
    base_weeks integer
) (
    SFUNC = user_metrics_internal.tally_bigint, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.tally_finish, COMBINEFUNC = user_metrics_internal.tally_combine,
    SERIALFUNC = user_metrics_internal.tally_serialize, DESERIALFUNC = user_metrics_internal.tally_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics_internal.tally(bigint, timestamptz, text, timestamptz, timestamptz, integer, integer) IS
    'what each user did, by name, as bytes for functions that list users';

CREATE FUNCTION user_metrics.segment_users(
    source regclass, power_share double precision DEFAULT 0.10, ties text DEFAULT 'include', min_users integer DEFAULT 10,
    new_days integer DEFAULT 30, recent_weeks integer DEFAULT 4, base_weeks integer DEFAULT 4,
    max_decline_ratio double precision DEFAULT 0.5, max_decline_p double precision DEFAULT 0.05,
    min_base_requests integer DEFAULT 10, rules jsonb DEFAULT NULL, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    user_id text, segment text, requests bigint, active_days bigint, first_seen timestamptz, last_seen timestamptz,
    usage_rank bigint, power_cutoff bigint, recent_requests bigint, base_requests bigint,
    decline_ratio double precision, decline_p double precision
)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    relation text := user_metrics_internal.relation(source);
    last_counted timestamptz := LEAST(as_of, statement_timestamp());
    zone text := user_metrics_internal.resolved_timezone('segment_users', timezone);
    wanted record;
    further record;
    observed_until timestamptz;
    tally bytea;
    sessions user_metrics.sessions;
BEGIN
    PERFORM user_metrics_internal.check_segments(
        power_share, ties, min_users, new_days, recent_weeks, base_weeks,
        max_decline_ratio, max_decline_p, min_base_requests
    );
    SELECT r.* INTO wanted FROM user_metrics_internal.segment_rules(rules::text) AS r;
    observed_until := user_metrics_internal.observed_until(relation, until, as_of);
    EXECUTE format(
        'SELECT user_metrics_internal.tally(q.user_id, q.occurred_at, $4, $1, $5, $6, $7) FROM (%s) AS q',
        user_metrics_internal.requests_query(
            'segment_users', relation, ARRAY[]::text[], NULL, until, filter::text, NULL, identified => false
        )
    ) INTO tally USING since, until, last_counted, zone, observed_until, recent_weeks, base_weeks;
    IF wanted.counts_sessions THEN
        EXECUTE format(
            'SELECT user_metrics.sessions(q.user_id, q.occurred_at, q.session_id, q.latency_ms, q.succeeded, NULL, NULL)
             FROM (%s) AS q WHERE $1 IS NULL OR q.occurred_at >= $1',
            user_metrics_internal.requests_query(
                'segment_users', relation, ARRAY['session_id', 'latency_ms', 'succeeded'],
                NULL, until, filter::text, NULL, identified => false
            )
        ) INTO sessions USING since, until, last_counted;
    END IF;

    -- What rules ask that a tally does not tell is read in a pass of its own.
    IF wanted.columns = '{}' THEN
        SELECT '' AS query, wanted.aggregates AS columns, '' AS clause INTO further;
    ELSE
        SELECT format(
                'further AS MATERIALIZED (SELECT q.user_id::text COLLATE "C" AS further_id%s FROM (%s) AS q GROUP BY q.user_id), ',
                wanted.aggregates, user_metrics_internal.requests_query(
                    'segment_users', relation, wanted.columns, NULL, until, filter::text, NULL, identified => false
                )
            ) AS query, ', f.*' AS columns, ' LEFT JOIN further AS f ON f.further_id = m.user_id COLLATE "C"' AS clause
        INTO further;
    END IF;
    RETURN QUERY EXECUTE format($query$
        WITH members AS (
            SELECT m.* FROM user_metrics_internal.tally_segments(
                $5, ARRAY(
                    SELECT a.user_id FROM user_metrics.anonymous_user AS a
                    UNION ALL SELECT o.user_id FROM user_metrics.opt_out AS o
                ), $6, $7, $8, $9, $10, $11, $12
            ) AS m
        )%1$s
        SELECT n.user_id, %2$s, n.requests, n.active_days, n.first_seen, n.last_seen, n.usage_rank, n.power_cutoff,
            n.recent_requests, n.base_requests, n.decline_ratio, n.decline_p
        FROM %3$s AS n
    $query$, CASE WHEN rules IS NOT NULL THEN format($known$, %1$sknown AS (
            SELECT m.*%2$s, COALESCE(s.sessions, 0) AS sessions,
                floor(extract(epoch FROM $4 - m.first_seen) / 86400) AS days_since_first,
                floor(extract(epoch FROM $4 - m.last_seen) / 86400) AS days_since_last
            FROM members AS m%3$s
            LEFT JOIN user_metrics_internal.user_sessions($13, $4) AS s ON s.user_key = m.user_key
            ORDER BY m.user_id COLLATE "C"
        )$known$, further.query, further.columns, further.clause) END,
        wanted.expression, CASE WHEN rules IS NULL THEN 'members' ELSE 'known' END
    ) USING since, until, last_counted, observed_until, tally, power_share, ties, min_users, new_days, max_decline_ratio,
        max_decline_p, min_base_requests, sessions;
END
$$;
COMMENT ON FUNCTION user_metrics.segment_users(regclass, double precision, text, integer, integer, integer, integer, double precision, double precision, integer, jsonb, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'every user in exactly one segment (the first of new, at_risk, power, casual, dormant that fits; or of rules of your own), with the figures that say why';

CREATE FUNCTION user_metrics.segment_users(
    source text, power_share double precision DEFAULT 0.10, ties text DEFAULT 'include', min_users integer DEFAULT 10,
    new_days integer DEFAULT 30, recent_weeks integer DEFAULT 4, base_weeks integer DEFAULT 4,
    max_decline_ratio double precision DEFAULT 0.5, max_decline_p double precision DEFAULT 0.05,
    min_base_requests integer DEFAULT 10, rules jsonb DEFAULT NULL, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    user_id text, segment text, requests bigint, active_days bigint, first_seen timestamptz, last_seen timestamptz,
    usage_rank bigint, power_cutoff bigint, recent_requests bigint, base_requests bigint,
    decline_ratio double precision, decline_p double precision
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.segment_users(
        source::pg_catalog.regclass, power_share, ties, min_users, new_days, recent_weeks, base_weeks, max_decline_ratio,
        max_decline_p, min_base_requests, rules, since, until, filter, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.segment_users(text, double precision, text, integer, integer, integer, integer, double precision, double precision, integer, jsonb, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'every user in exactly one segment (the first of new, at_risk, power, casual, dormant that fits; or of rules of your own), with the figures that say why; the source by name, as in segment_users(''request_log'')';

CREATE FUNCTION user_metrics.segment_user(
    source regclass, user_id text, power_share double precision DEFAULT 0.10, ties text DEFAULT 'include', min_users integer DEFAULT 10,
    new_days integer DEFAULT 30, recent_weeks integer DEFAULT 4, base_weeks integer DEFAULT 4,
    max_decline_ratio double precision DEFAULT 0.5, max_decline_p double precision DEFAULT 0.05,
    min_base_requests integer DEFAULT 10, rules jsonb DEFAULT NULL, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, requests bigint, active_days bigint, first_seen timestamptz, last_seen timestamptz,
    usage_rank bigint, power_cutoff bigint, recent_requests bigint, base_requests bigint,
    decline_ratio double precision, decline_p double precision
) LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
    SELECT r.segment, r.requests, r.active_days, r.first_seen, r.last_seen, r.usage_rank, r.power_cutoff,
        r.recent_requests, r.base_requests, r.decline_ratio, r.decline_p
    FROM user_metrics.segment_users(
        source, power_share, ties, min_users, new_days, recent_weeks, base_weeks, max_decline_ratio,
        max_decline_p, min_base_requests, rules, since, until, filter, timezone, as_of
    ) AS r
    WHERE r.user_id = segment_user.user_id
$$;
COMMENT ON FUNCTION user_metrics.segment_user(regclass, text, double precision, text, integer, integer, integer, integer, double precision, double precision, integer, jsonb, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'one user''s row of segment_users';

CREATE FUNCTION user_metrics.segment_summary(
    source regclass, power_share double precision DEFAULT 0.10, ties text DEFAULT 'include', min_users integer DEFAULT 10,
    new_days integer DEFAULT 30, recent_weeks integer DEFAULT 4, base_weeks integer DEFAULT 4,
    max_decline_ratio double precision DEFAULT 0.5, max_decline_p double precision DEFAULT 0.05,
    min_base_requests integer DEFAULT 10, rules jsonb DEFAULT NULL, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, users bigint, user_share double precision, requests bigint, request_share double precision,
    requests_per_user double precision
) LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
    WITH counted AS (
        SELECT n.place, n.segment, count(r.user_id) AS users, COALESCE(sum(r.requests), 0)::bigint AS requests,
            NOT user_metrics_internal.hides(count(r.user_id)) AS shown
        FROM user_metrics_internal.segment_rules(rules::text) AS w, unnest(w.segments) WITH ORDINALITY AS n(segment, place)
        LEFT JOIN user_metrics.segment_users(
            source, power_share, ties, min_users, new_days, recent_weeks, base_weeks, max_decline_ratio, max_decline_p,
            min_base_requests, rules, since, until, filter, timezone, as_of
        ) AS r ON r.segment = n.segment
        GROUP BY n.place, n.segment
    )
    SELECT c.segment,
        CASE WHEN c.shown THEN c.users END,
        CASE WHEN c.shown AND bool_and(c.shown) OVER () THEN c.users / NULLIF(sum(c.users) OVER (), 0)::double precision END,
        CASE WHEN c.shown THEN c.requests END,
        CASE WHEN c.shown AND bool_and(c.shown) OVER () THEN c.requests / NULLIF(sum(c.requests) OVER (), 0)::double precision END,
        CASE WHEN c.shown THEN c.requests / NULLIF(c.users, 0)::double precision END
    FROM counted AS c
    ORDER BY c.place
$$;
COMMENT ON FUNCTION user_metrics.segment_summary(regclass, double precision, text, integer, integer, integer, integer, double precision, double precision, integer, jsonb, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'users and requests of each segment of segment_users, in their order';

CREATE FUNCTION user_metrics.segment_user(
    source text, user_id text, power_share double precision DEFAULT 0.10, ties text DEFAULT 'include', min_users integer DEFAULT 10,
    new_days integer DEFAULT 30, recent_weeks integer DEFAULT 4, base_weeks integer DEFAULT 4,
    max_decline_ratio double precision DEFAULT 0.5, max_decline_p double precision DEFAULT 0.05,
    min_base_requests integer DEFAULT 10, rules jsonb DEFAULT NULL, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, requests bigint, active_days bigint, first_seen timestamptz, last_seen timestamptz,
    usage_rank bigint, power_cutoff bigint, recent_requests bigint, base_requests bigint,
    decline_ratio double precision, decline_p double precision
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.segment_user(
        source::pg_catalog.regclass, user_id, power_share, ties, min_users, new_days, recent_weeks, base_weeks, max_decline_ratio,
        max_decline_p, min_base_requests, rules, since, until, filter, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.segment_user(text, text, double precision, text, integer, integer, integer, integer, double precision, double precision, integer, jsonb, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'one user''s row of segment_users; the source by name, as in segment_user(''request_log'', ''ann'')';

CREATE FUNCTION user_metrics.segment_summary(
    source text, power_share double precision DEFAULT 0.10, ties text DEFAULT 'include', min_users integer DEFAULT 10,
    new_days integer DEFAULT 30, recent_weeks integer DEFAULT 4, base_weeks integer DEFAULT 4,
    max_decline_ratio double precision DEFAULT 0.5, max_decline_p double precision DEFAULT 0.05,
    min_base_requests integer DEFAULT 10, rules jsonb DEFAULT NULL, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, users bigint, user_share double precision, requests bigint, request_share double precision,
    requests_per_user double precision
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.segment_summary(
        source::pg_catalog.regclass, power_share, ties, min_users, new_days, recent_weeks, base_weeks, max_decline_ratio,
        max_decline_p, min_base_requests, rules, since, until, filter, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.segment_summary(text, double precision, text, integer, integer, integer, integer, double precision, double precision, integer, jsonb, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'users and requests of each segment of segment_users, in their order; the source by name, as in segment_summary(''request_log'')';
