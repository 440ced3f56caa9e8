-- One user's rows of benchmark_users.

CREATE FUNCTION user_metrics.benchmark_user(
    source regclass, user_id text, peers text DEFAULT NULL, min_peers integer DEFAULT 10, since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL, filter jsonb DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    peer_group text, metric text, value double precision, peer_median double precision, percentile double precision,
    peer_users bigint
) LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
    SELECT r.peer_group, r.metric, r.value, r.peer_median, r.percentile, r.peer_users
    FROM user_metrics.benchmark_users(source, peers, min_peers, since, until, filter, timezone, as_of) AS r
    WHERE r.user_id = benchmark_user.user_id COLLATE "C"
$$;
COMMENT ON FUNCTION user_metrics.benchmark_user(regclass, text, text, integer, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'one user''s rows of benchmark_users';
