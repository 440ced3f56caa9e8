-- Onboarding: how users begin, and what they come to: first_sessions, first_session_list, activation_milestones.
-- Two forms each: over a source, and over a source by name.
--
-- The parameters of their queries are $1 since, $2 until, $3 the last instant that counts, $4 where observation ends, and own
-- ones from $5 on. What the doorway writes is put in by format: %1$s the requests, %2$s what makes p.user_id a user who
-- counts, %3$s users with the moment they signed up.
-- Compiling these queries would take longer than running them, hence jit = off.

ALTER FUNCTION user_metrics.rate_with_bounds SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics_internal.rate_with_bounds ROWS 1;
ALTER FUNCTION user_metrics.milestones SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics_internal.milestones ROWS 5;

-- The query of users and when they signed up: the first row of each in a relation of signups; none for no relation.
CREATE FUNCTION user_metrics_internal.signups_query(function text, signups regclass) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    relation text;
BEGIN
    IF signups IS NULL THEN
        RETURN 'SELECT NULL::text COLLATE "C" AS user_id, NULL::timestamptz AS signed_up_at WHERE false';
    END IF;
    relation := user_metrics_internal.relation(signups);
    RETURN format(
        'SELECT p.user_id::text COLLATE "C" AS user_id, p.signed_up_at
         FROM (SELECT q.user_id, min(q.occurred_at) AS signed_up_at FROM (%s) AS q GROUP BY q.user_id OFFSET 0) AS p
         WHERE %s',
        user_metrics_internal.requests_query(
            function, relation, ARRAY[]::text[], NULL, NULL, NULL, NULL, identified => false
        ),
        user_metrics_internal.user_condition(relation, 'p.user_id')
    );
END
$$;
COMMENT ON FUNCTION user_metrics_internal.signups_query(text, regclass) IS
    'the query of users and when they signed up: the first row of each in a relation of signups';

-- The first session of every user, and of users who only signed up that they did. A session is the one session_list shows:
-- what belongs to it is what bears its id, or, where it has none, what is in none that has one.
CREATE FUNCTION user_metrics_internal.first_session_rows(
    function text, source regclass, signups regclass, session_gap interval, max_idle interval,
    since timestamptz, until timestamptz, filter jsonb, by text, timezone text, as_of timestamptz
) RETURNS TABLE (
    segment text, user_id text, session_id text, started_at timestamptz, ended_at timestamptz,
    duration_seconds double precision, requests bigint, errors bigint, outcome text, first_request_succeeded boolean,
    features_discovered bigint, signed_up_at timestamptz, observed_until timestamptz
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    relation text := user_metrics_internal.relation(source);
BEGIN
    PERFORM user_metrics_internal.resolved_timezone(function, timezone);
    PERFORM user_metrics_internal.session_reach(function, since, session_gap, max_idle);
    RETURN QUERY EXECUTE format($query$
        WITH requests AS NOT MATERIALIZED (%1$s),
        people AS MATERIALIZED (
            SELECT r.segment, r.user_id,
                user_metrics.sessions(r.user_id, r.occurred_at, r.session_id, r.latency_ms, r.succeeded, $5, $6) AS value
            FROM requests AS r
            GROUP BY r.segment, r.user_id
        ), listed AS MATERIALIZED (
            SELECT p.segment, p.user_id, s.*
            FROM people AS p
            CROSS JOIN LATERAL user_metrics.session_list(p.value, until => $2, as_of => $4) AS s
            WHERE %2$s
        ), firsts AS MATERIALIZED (
            SELECT l.* FROM listed AS l WHERE l.session_number = 1 AND ($1 IS NULL OR l.started_at >= $1)
        ), named AS MATERIALIZED (
            SELECT l.segment, l.user_id, l.session_key, l.started_at, l.ended_at
            FROM firsts AS f
            JOIN listed AS l ON l.user_id = f.user_id AND (l.segment IS NULL) = (f.segment IS NULL) AND COALESCE(l.segment, '') = COALESCE(f.segment, '')
            WHERE f.session_key IS NULL AND l.session_key IS NOT NULL AND l.started_at <= f.ended_at
        ), members AS (
            SELECT r.*, f.session_key IS NOT NULL AS is_named
            FROM firsts AS f
            JOIN requests AS r ON r.user_id = f.user_id AND (r.segment IS NULL) = (f.segment IS NULL) AND COALESCE(r.segment, '') = COALESCE(f.segment, '')
                AND r.occurred_at >= f.started_at AND r.occurred_at <= f.ended_at
            WHERE CASE WHEN f.session_key IS NOT NULL THEN
                COALESCE(user_metrics_internal.session_key(r.session_id) = f.session_key, false)
            ELSE
                NOT EXISTS (
                    SELECT FROM named AS n
                    WHERE n.user_id = r.user_id AND (n.segment IS NULL) = (r.segment IS NULL) AND COALESCE(n.segment, '') = COALESCE(r.segment, '')
                        AND n.session_key = user_metrics_internal.session_key(r.session_id)
                        AND r.occurred_at >= n.started_at AND r.occurred_at <= n.ended_at
                )
            END
        ), found AS (
            SELECT m.segment, m.user_id, min(m.session_id COLLATE "C") FILTER (WHERE m.is_named) AS session_id,
                (array_agg(m.succeeded ORDER BY m.occurred_at, length(m.request_id), m.request_id COLLATE "C", m.succeeded))[1]
                    AS succeeded,
                count(DISTINCT m.feature COLLATE "C") AS features
            FROM members AS m
            GROUP BY m.segment, m.user_id
        ), known AS (
            SELECT f.*, d.session_id, d.succeeded,
                -- Where no first session bears a feature, the log does not tell.
                CASE WHEN bool_or(d.features > 0) OVER () THEN d.features END AS features
            FROM firsts AS f
            JOIN found AS d ON d.user_id = f.user_id AND (d.segment IS NULL) = (f.segment IS NULL) AND COALESCE(d.segment, '') = COALESCE(f.segment, '')
        )
        SELECT k.segment, COALESCE(k.user_id::text, s.user_id), k.session_id, k.started_at, k.ended_at, k.duration_seconds,
            k.requests, k.errors, k.outcome, k.succeeded, k.features, s.signed_up_at, $4
        FROM known AS k
        FULL JOIN (%3$s) AS s ON s.user_id = k.user_id::text COLLATE "C"
        -- Who signed up and has not come is of no segment, and has not begun before since: unless both are asked for.
        WHERE k.user_id IS NOT NULL OR ($7 IS NULL AND s.signed_up_at <= $4 AND ($1 IS NULL OR s.signed_up_at >= $1)
            AND NOT EXISTS (SELECT FROM listed AS l WHERE l.user_id::text COLLATE "C" = s.user_id))
    $query$, user_metrics_internal.requests_query(
        function, relation, ARRAY['session_id', 'latency_ms', 'succeeded', 'feature', 'request_id'],
        NULL, until, filter::text, by, identified => false
    ), user_metrics_internal.user_condition(relation, 'p.user_id'),
        user_metrics_internal.signups_query(function, signups))
    USING since, until, LEAST(as_of, statement_timestamp()),
        user_metrics_internal.observed_until(relation, until, as_of), session_gap, max_idle, by;
END
$$;
COMMENT ON FUNCTION user_metrics_internal.first_session_rows(text, regclass, regclass, interval, interval, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'the first session of every user, and users who only signed up';

CREATE FUNCTION user_metrics.first_session_list(
    source regclass, signups regclass DEFAULT NULL, session_gap interval DEFAULT NULL, max_idle interval DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    user_id text, session_id text, started_at timestamptz, ended_at timestamptz, duration_seconds double precision,
    requests bigint, errors bigint, outcome text, first_request_succeeded boolean, features_discovered bigint,
    signed_up_at timestamptz, seconds_to_first_request double precision
) LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
    SELECT r.user_id, r.session_id, r.started_at, r.ended_at, r.duration_seconds, r.requests, r.errors, r.outcome,
        r.first_request_succeeded, r.features_discovered, r.signed_up_at,
        date_part('epoch', r.started_at - r.signed_up_at)
    FROM user_metrics_internal.first_session_rows(
        'first_session_list', source, signups, session_gap, max_idle, since, until, filter, NULL, NULL, as_of
    ) AS r
    ORDER BY r.user_id COLLATE "C"
$$;
COMMENT ON FUNCTION user_metrics.first_session_list(regclass, regclass, interval, interval, timestamptz, timestamptz, jsonb, timestamptz) IS
    'the first session of every user: begin, end, requests, errors, outcome, whether the first request succeeded, how many features, and how long after signing up';

CREATE FUNCTION user_metrics.first_session_list(
    source text, signups regclass DEFAULT NULL, session_gap interval DEFAULT NULL, max_idle interval DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    user_id text, session_id text, started_at timestamptz, ended_at timestamptz, duration_seconds double precision,
    requests bigint, errors bigint, outcome text, first_request_succeeded boolean, features_discovered bigint,
    signed_up_at timestamptz, seconds_to_first_request double precision
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.first_session_list(
        source::pg_catalog.regclass, signups, session_gap, max_idle, since, until, filter, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.first_session_list(text, regclass, interval, interval, timestamptz, timestamptz, jsonb, timestamptz) IS
    'the first session of every user: begin, end, requests, errors, outcome, whether the first request succeeded, how many features, and how long after signing up; the source by name, as in first_session_list(''request_log'')';

CREATE FUNCTION user_metrics.first_sessions(
    source regclass, signups regclass DEFAULT NULL, session_gap interval DEFAULT NULL, max_idle interval DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, users bigint, signed_up_users bigint, without_request_users bigint, requests_before_signup bigint,
    seconds_to_first_request double precision, seconds_to_first_request_low double precision,
    seconds_to_first_request_high double precision, first_request_within_1_day double precision,
    first_request_within_7_days double precision, first_requests bigint, first_request_success_rate double precision,
    rate_low double precision, rate_high double precision, open_sessions bigint, features_discovered_mean double precision,
    duration_mean_seconds double precision, duration_median_seconds double precision, requests_mean double precision,
    single_request_share double precision
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp SET jit = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH people AS (
        SELECT r.*, r.started_at IS NOT NULL AND r.outcome IS DISTINCT FROM 'open' AS is_closed,
            date_part('epoch', COALESCE(r.started_at, r.observed_until) - r.signed_up_at) AS seconds
        FROM user_metrics_internal.first_session_rows(
            'first_sessions', source, signups, session_gap, max_idle, since, until, filter, by, timezone, as_of
        ) AS r
    ), segments AS (
        SELECT p.segment, count(*) AS people, count(p.started_at) AS users, count(p.signed_up_at) AS signed_up,
            count(*) FILTER (WHERE p.started_at IS NULL) AS waiting,
            count(*) FILTER (WHERE p.started_at < p.signed_up_at) AS early,
            user_metrics.survival(p.seconds, p.started_at IS NOT NULL) AS wait,
            count(p.first_request_succeeded) AS known,
            count(*) FILTER (WHERE p.first_request_succeeded) AS succeeded,
            count(*) FILTER (WHERE p.started_at IS NOT NULL AND NOT p.is_closed) AS open,
            count(*) FILTER (WHERE p.is_closed) AS closed,
            avg(p.features_discovered) FILTER (WHERE p.is_closed) AS features,
            avg(p.duration_seconds) FILTER (WHERE p.is_closed) AS duration,
            percentile_cont(0.5) WITHIN GROUP (ORDER BY p.duration_seconds) FILTER (WHERE p.is_closed) AS median,
            avg(p.requests) FILTER (WHERE p.is_closed) AS requests,
            count(*) FILTER (WHERE p.is_closed AND p.requests = 1) AS single
        FROM people AS p
        GROUP BY p.segment
        UNION ALL
        SELECT NULL, 0, 0, 0, 0, 0, NULL, 0, 0, 0, 0, NULL, NULL, NULL, NULL, 0
        WHERE by IS NULL AND NOT EXISTS (SELECT FROM people)
    )
    SELECT s.segment, f.users, f.signed_up, f.waiting, f.early, f.median_seconds, f.median_low, f.median_high,
        f.within_1_day, f.within_7_days, f.known,
        f.rate, f.low, f.high, f.open, f.features, f.duration, f.median, f.requests, f.single_share
    FROM segments AS s
    LEFT JOIN LATERAL (
        SELECT s.users, CASE WHEN signups IS NOT NULL THEN s.signed_up END AS signed_up,
            CASE WHEN signups IS NOT NULL THEN s.waiting END AS waiting,
            CASE WHEN signups IS NOT NULL THEN s.early END AS early,
            w.median_seconds, w.median_low, w.median_high, d.within_1_day, d.within_7_days, s.known, b.rate, b.low, b.high,
            s.open, s.features::double precision AS features, s.duration, s.median, s.requests::double precision AS requests,
            s.single / NULLIF(s.closed, 0)::double precision AS single_share
        FROM user_metrics.survival_summary(s.wait) AS w
        CROSS JOIN user_metrics_internal.rate_with_bounds(s.succeeded, s.known) AS b
        CROSS JOIN LATERAL (
            SELECT max(1 - c.survival) FILTER (WHERE c.duration_seconds = 86400) AS within_1_day,
                max(1 - c.survival) FILTER (WHERE c.duration_seconds = 604800) AS within_7_days
            FROM user_metrics.survival_curve(s.wait, at_seconds => ARRAY[86400, 604800]) AS c
        ) AS d
        WHERE NOT user_metrics_internal.hides(s.people)
    ) AS f ON true
    ORDER BY s.segment COLLATE "C";
END
$$;
COMMENT ON FUNCTION user_metrics.first_sessions(regclass, regclass, interval, interval, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'how users begin: how long it takes them from signing up to the first request (the median, those counted who have made none), whether that succeeds, and how long, deep and wide the first session is';

CREATE FUNCTION user_metrics.first_sessions(
    source text, signups regclass DEFAULT NULL, session_gap interval DEFAULT NULL, max_idle interval DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, users bigint, signed_up_users bigint, without_request_users bigint, requests_before_signup bigint,
    seconds_to_first_request double precision, seconds_to_first_request_low double precision,
    seconds_to_first_request_high double precision, first_request_within_1_day double precision,
    first_request_within_7_days double precision, first_requests bigint, first_request_success_rate double precision,
    rate_low double precision, rate_high double precision, open_sessions bigint, features_discovered_mean double precision,
    duration_mean_seconds double precision, duration_median_seconds double precision, requests_mean double precision,
    single_request_share double precision
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.first_sessions(
        source::pg_catalog.regclass, signups, session_gap, max_idle, since, until, filter, by, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.first_sessions(text, regclass, interval, interval, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'how users begin: how long it takes them from signing up to the first request (the median, those counted who have made none), whether that succeeds, and how long, deep and wide the first session is; the source by name, as in first_sessions(''request_log'')';

-- When each user began, and came to each of the milestones; and by when, where it must be within some time.
CREATE FUNCTION user_metrics_internal.standard_milestones(
    source regclass, advanced_features text[], signups regclass, session_gap interval, max_idle interval,
    until timestamptz, filter jsonb, by text, zone text, as_of timestamptz
) RETURNS TABLE (
    segment text, user_id text, began_at timestamptz, reached timestamptz[], deadlines timestamptz[], known boolean[]
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    relation text := user_metrics_internal.relation(source);
BEGIN
    PERFORM user_metrics_internal.session_reach('activation_milestones', NULL, session_gap, max_idle);
    RETURN QUERY EXECUTE format($query$
        WITH requests AS NOT MATERIALIZED (%1$s),
        days AS MATERIALIZED (
            SELECT r.segment, r.user_id, (r.occurred_at AT TIME ZONE $9)::date AS day, min(r.occurred_at) AS first_at,
                min(r.occurred_at) FILTER (WHERE r.succeeded) AS success_at,
                min(r.occurred_at) FILTER (WHERE r.feature = ANY ($8)) AS advanced_at,
                count(r.succeeded) AS known
            FROM requests AS r
            GROUP BY r.segment, r.user_id, day
        ), anybody AS MATERIALIZED (
            SELECT d.segment, d.user_id, min(d.first_at) AS first_at, min(d.success_at) AS success_at,
                min(d.advanced_at) AS advanced_at, sum(d.known) AS known
            FROM days AS d
            GROUP BY d.segment, d.user_id
        ), users AS MATERIALIZED (
            SELECT p.segment, p.user_id AS id, p.user_id::text COLLATE "C" AS user_id, p.first_at, p.success_at,
                p.advanced_at, p.known
            FROM anybody AS p
            WHERE %2$s
        ), people AS MATERIALIZED (
            SELECT u.segment, u.id, COALESCE(u.user_id, s.user_id) AS user_id, LEAST(u.first_at, s.signed_up_at) AS began_at,
                (LEAST(u.first_at, s.signed_up_at) AT TIME ZONE $9)::date AS first_day, u.success_at, u.advanced_at,
                sum(u.known) OVER (PARTITION BY u.segment) > 0 AS tells_success
            FROM users AS u
            FULL JOIN (%3$s) AS s ON s.user_id = u.user_id
            -- Who signed up and has not come is of no segment.
            WHERE u.id IS NOT NULL OR ($7 IS NULL AND s.signed_up_at <= $4)
        ), active AS (
            SELECT d.segment, p.user_id,
                min(d.first_at) FILTER (WHERE d.day - p.first_day BETWEEN 1 AND 7) AS again_at,
                (array_agg(d.first_at ORDER BY d.day) FILTER (WHERE d.day - p.first_day BETWEEN 0 AND 13))[3] AS regular_at
            FROM people AS p
            JOIN days AS d ON d.user_id = p.id AND (d.segment IS NULL) = (p.segment IS NULL) AND COALESCE(d.segment, '') = COALESCE(p.segment, '')
            GROUP BY d.segment, p.user_id
        ), values_of AS MATERIALIZED (
            SELECT r.segment, r.user_id,
                user_metrics.sessions(r.user_id, r.occurred_at, r.session_id, r.latency_ms, r.succeeded, $5, $6) AS value
            FROM requests AS r
            GROUP BY r.segment, r.user_id
        ), listed AS MATERIALIZED (
            SELECT v.segment, p.user_id AS name, v.user_id, s.*
            FROM people AS p
            JOIN values_of AS v ON v.user_id = p.id AND (v.segment IS NULL) = (p.segment IS NULL) AND COALESCE(v.segment, '') = COALESCE(p.segment, '')
            CROSS JOIN LATERAL user_metrics.session_list(v.value, until => $2, as_of => $4) AS s
        ), talks AS MATERIALIZED (
            SELECT DISTINCT ON (l.segment, l.user_id) l.*
            FROM listed AS l
            WHERE l.requests > 1
            ORDER BY l.segment, l.user_id, l.session_number
        ), named AS MATERIALIZED (
            SELECT l.segment, l.user_id, l.session_key, l.started_at, l.ended_at
            FROM talks AS t
            JOIN listed AS l ON l.user_id = t.user_id AND (l.segment IS NULL) = (t.segment IS NULL) AND COALESCE(l.segment, '') = COALESCE(t.segment, '')
            WHERE t.session_key IS NULL AND l.session_key IS NOT NULL
                AND l.started_at <= t.ended_at AND l.ended_at >= t.started_at
        ), turns AS (
            SELECT t.segment, t.name, (array_agg(r.occurred_at ORDER BY r.occurred_at))[2] AS second_at
            FROM talks AS t
            JOIN requests AS r ON r.user_id = t.user_id AND (r.segment IS NULL) = (t.segment IS NULL) AND COALESCE(r.segment, '') = COALESCE(t.segment, '')
                AND r.occurred_at >= t.started_at AND r.occurred_at <= t.ended_at
            WHERE CASE WHEN t.session_key IS NOT NULL THEN
                COALESCE(user_metrics_internal.session_key(r.session_id) = t.session_key, false)
            ELSE
                NOT EXISTS (
                    SELECT FROM named AS n
                    WHERE n.user_id = r.user_id AND (n.segment IS NULL) = (r.segment IS NULL) AND COALESCE(n.segment, '') = COALESCE(r.segment, '')
                        AND n.session_key = user_metrics_internal.session_key(r.session_id)
                        AND r.occurred_at >= n.started_at AND r.occurred_at <= n.ended_at
                )
            END
            GROUP BY t.segment, t.name
        )
        SELECT p.segment, p.user_id::text, p.began_at,
            CASE WHEN $8 IS NULL THEN ARRAY[p.success_at, t.second_at, a.again_at, a.regular_at]
                ELSE ARRAY[p.success_at, t.second_at, p.advanced_at, a.again_at, a.regular_at] END,
            array_fill(NULL::timestamptz, ARRAY[CASE WHEN $8 IS NULL THEN 2 ELSE 3 END])
                || ARRAY[(p.first_day + 8)::timestamp AT TIME ZONE $9, (p.first_day + 14)::timestamp AT TIME ZONE $9],
            CASE WHEN $8 IS NULL THEN ARRAY[p.tells_success, true, true, true]
                ELSE ARRAY[p.tells_success, true, true, true, true] END
        FROM people AS p
        LEFT JOIN active AS a ON a.user_id = p.user_id AND (a.segment IS NULL) = (p.segment IS NULL) AND COALESCE(a.segment, '') = COALESCE(p.segment, '')
        LEFT JOIN turns AS t ON t.name = p.user_id AND (t.segment IS NULL) = (p.segment IS NULL) AND COALESCE(t.segment, '') = COALESCE(p.segment, '')
    $query$, user_metrics_internal.requests_query(
        'activation_milestones', relation,
        ARRAY['session_id', 'latency_ms', 'succeeded', CASE WHEN advanced_features IS NULL THEN 'feature' ELSE 'feature!' END],
        NULL, until, filter::text, by, identified => false
    ), user_metrics_internal.user_condition(relation, 'p.user_id'),
        user_metrics_internal.signups_query('activation_milestones', signups))
    USING NULL::timestamptz, until, LEAST(as_of, statement_timestamp()),
        user_metrics_internal.observed_until(relation, until, as_of), session_gap, max_idle, by, advanced_features, zone;
END
$$;
COMMENT ON FUNCTION user_metrics_internal.standard_milestones(regclass, text[], regclass, interval, interval, timestamptz, jsonb, text, text, timestamptz) IS
    'when each user began and came to the standard milestones';

CREATE FUNCTION user_metrics_internal.told_milestones(
    source regclass, milestones jsonb, signups regclass, until timestamptz, filter jsonb, by text, as_of timestamptz
) RETURNS TABLE (
    segment text, user_id text, began_at timestamptz, reached timestamptz[], deadlines timestamptz[], known boolean[]
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    relation text := user_metrics_internal.relation(source);
    filters text[];
    within bigint[];
    times text;
BEGIN
    SELECT array_agg(m.filter ORDER BY m.number), array_agg(m.within_seconds ORDER BY m.number),
        string_agg(
            CASE WHEN m.count = 1 THEN format('min(r.occurred_at) FILTER (WHERE r.mark_%s)', m.number)
                ELSE format(
                    '(array_agg(r.occurred_at ORDER BY r.occurred_at) FILTER (WHERE r.mark_%s))[%s]', m.number, m.count
                ) END, ', ' ORDER BY m.number
        )
    INTO filters, within, times
    FROM user_metrics_internal.milestones(milestones::text) AS m;
    RETURN QUERY EXECUTE format($query$
        WITH anybody AS MATERIALIZED (
            SELECT r.segment, r.user_id, min(r.occurred_at) AS first_at, ARRAY[%4$s] AS reached
            FROM (%1$s) AS r
            GROUP BY r.segment, r.user_id
        ), users AS MATERIALIZED (
            SELECT p.segment, p.user_id::text COLLATE "C" AS user_id, p.first_at, p.reached FROM anybody AS p WHERE %2$s
        ), people AS (
            SELECT u.segment, COALESCE(u.user_id, s.user_id) AS user_id, LEAST(u.first_at, s.signed_up_at) AS began_at, u.reached
            FROM users AS u
            FULL JOIN (%3$s) AS s ON s.user_id = u.user_id
            WHERE u.user_id IS NOT NULL OR ($5 IS NULL AND s.signed_up_at <= $4)
        )
        SELECT p.segment, p.user_id::text, p.began_at,
            ARRAY(
                -- After the time for it has elapsed is not within it.
                SELECT CASE WHEN w.seconds IS NULL OR p.reached[w.place] <= p.began_at + w.seconds * interval '1 second'
                    THEN p.reached[w.place] END
                FROM unnest($6) WITH ORDINALITY AS w(seconds, place) ORDER BY w.place
            ),
            ARRAY(
                SELECT p.began_at + w.seconds * interval '1 second'
                FROM unnest($6) WITH ORDINALITY AS w(seconds, place) ORDER BY w.place
            ),
            array_fill(true, ARRAY[cardinality($6)])
        FROM people AS p
    $query$, user_metrics_internal.requests_query(
        'activation_milestones', relation, ARRAY[]::text[], NULL, until, filter::text, by,
        identified => false, marks => filters, marks_argument => 'milestones'
    ), user_metrics_internal.user_condition(relation, 'p.user_id'),
        user_metrics_internal.signups_query('activation_milestones', signups), times)
    USING NULL::timestamptz, until, LEAST(as_of, statement_timestamp()),
        user_metrics_internal.observed_until(relation, until, as_of), by, within;
END
$$;
COMMENT ON FUNCTION user_metrics_internal.told_milestones(regclass, jsonb, regclass, timestamptz, jsonb, text, timestamptz) IS
    'when each user began and came to milestones that were told';

CREATE FUNCTION user_metrics.activation_milestones(
    source regclass, milestones jsonb DEFAULT NULL, advanced_features text[] DEFAULT NULL, signups regclass DEFAULT NULL,
    session_gap interval DEFAULT NULL, max_idle interval DEFAULT NULL, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, milestone_number integer, milestone text, eligible_users bigint, reached_users bigint,
    reached_rate double precision, rate_low double precision, rate_high double precision, median_seconds double precision,
    p25_seconds double precision, p75_seconds double precision, p90_seconds double precision, dropped_from_previous bigint
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp SET jit = off AS $$
#variable_conflict use_column
DECLARE
    relation text := user_metrics_internal.relation(source);
    zone text := user_metrics_internal.resolved_timezone('activation_milestones', timezone);
    observed_until timestamptz := user_metrics_internal.observed_until(relation, until, as_of);
    names text[];
BEGIN
    IF milestones IS NULL THEN
        names := ARRAY['first successful request', 'first multi-turn conversation']
            || CASE WHEN advanced_features IS NULL THEN ARRAY[]::text[] ELSE ARRAY['first use of an advanced feature'] END
            || ARRAY['active again in the first week', 'regular use'];
    ELSE
        SELECT array_agg(m.name ORDER BY m.number) INTO names FROM user_metrics_internal.milestones(milestones::text) AS m;
    END IF;
    RETURN QUERY
    WITH people AS (
        SELECT p.*
        FROM user_metrics_internal.standard_milestones(
            source, advanced_features, signups, session_gap, max_idle, until, filter, by, zone, as_of
        ) AS p
        WHERE milestones IS NULL AND (since IS NULL OR p.began_at >= since)
        UNION ALL
        SELECT p.*
        FROM user_metrics_internal.told_milestones(source, milestones, signups, until, filter, by, as_of) AS p
        WHERE milestones IS NOT NULL AND (since IS NULL OR p.began_at >= since)
    ), ways AS (
        SELECT p.segment, n.number, n.name, p.reached[n.number] AS reached_at,
            n.number > 1 AND p.reached[n.number - 1] IS NOT NULL AS was_before,
            COALESCE(p.deadlines[n.number] <= observed_until, p.deadlines[n.number] IS NULL) AS has_elapsed,
            p.known[n.number] AS is_known,
            date_part('epoch', COALESCE(p.reached[n.number], LEAST(p.deadlines[n.number], observed_until)) - p.began_at) AS seconds
        FROM people AS p CROSS JOIN unnest(names) WITH ORDINALITY AS n(name, number)
    ), counted AS (
        SELECT w.segment, w.number, w.name, count(*) AS users, bool_or(w.is_known) AS is_known,
            count(*) FILTER (WHERE w.has_elapsed) AS eligible,
            count(*) FILTER (WHERE w.has_elapsed AND w.reached_at IS NOT NULL) AS reached,
            user_metrics.survival(w.seconds, w.reached_at IS NOT NULL) AS value,
            count(*) FILTER (WHERE w.has_elapsed AND w.was_before AND w.reached_at IS NULL) AS dropped
        FROM ways AS w
        GROUP BY w.segment, w.number, w.name
        UNION ALL
        SELECT NULL, n.number, n.name, 0, true, 0, 0, NULL, 0
        FROM unnest(names) WITH ORDINALITY AS n(name, number)
        WHERE by IS NULL AND NOT EXISTS (SELECT FROM people)
    )
    SELECT c.segment, c.number::integer, c.name, f.eligible, f.reached, f.rate, f.low, f.high,
        f.median, f.p25, f.p75, f.p90, f.dropped
    FROM counted AS c
    LEFT JOIN LATERAL (
        SELECT c.eligible, c.reached, b.rate, b.low, b.high,
            user_metrics.survival_quantile(c.value, 0.5) AS median, user_metrics.survival_quantile(c.value, 0.25) AS p25,
            user_metrics.survival_quantile(c.value, 0.75) AS p75, user_metrics.survival_quantile(c.value, 0.9) AS p90,
            CASE WHEN c.number > 1 THEN c.dropped END AS dropped
        FROM user_metrics_internal.rate_with_bounds(c.reached, c.eligible) AS b
        -- Users whose time has elapsed may be few where all of them are many.
        WHERE c.is_known AND NOT user_metrics_internal.hides(c.users) AND NOT user_metrics_internal.hides(c.eligible)
    ) AS f ON true
    ORDER BY c.segment COLLATE "C", c.number;
END
$$;
COMMENT ON FUNCTION user_metrics.activation_milestones(regclass, jsonb, text[], regclass, interval, interval, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'what users come to and how long it takes them: standard milestones, or of your own; a share of those whose time for it has elapsed, and times that count those who are not there yet';

CREATE FUNCTION user_metrics.activation_milestones(
    source text, milestones jsonb DEFAULT NULL, advanced_features text[] DEFAULT NULL, signups regclass DEFAULT NULL,
    session_gap interval DEFAULT NULL, max_idle interval DEFAULT NULL, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, milestone_number integer, milestone text, eligible_users bigint, reached_users bigint,
    reached_rate double precision, rate_low double precision, rate_high double precision, median_seconds double precision,
    p25_seconds double precision, p75_seconds double precision, p90_seconds double precision, dropped_from_previous bigint
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.activation_milestones(
        source::pg_catalog.regclass, milestones, advanced_features, signups, session_gap, max_idle, since, until, filter, by, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.activation_milestones(text, jsonb, text[], regclass, interval, interval, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'what users come to and how long it takes them: standard milestones, or of your own; a share of those whose time for it has elapsed, and times that count those who are not there yet; the source by name, as in activation_milestones(''request_log'')';
