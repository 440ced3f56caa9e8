-- What goes with staying, and what with leaving: retention_drivers, churn_indicators.
-- Two forms each: over a source, and over a source by name.
--
-- Two passes: one for an activity, which says who is compared, when to look for behaviour and how it ended; one for what
-- those users did on those days.

ALTER FUNCTION user_metrics.deeds_text SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.deeds_uuid SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.deeds_bigint SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.deeds_combine SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.deeds_serialize SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.deeds_deserialize SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.deeds_finish SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.driver_subjects SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.own_behaviours SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.driver_figures SET SCHEMA user_metrics_internal;

CREATE AGGREGATE user_metrics_internal.deeds(
    user_id text, occurred_at timestamptz, feature text, model text, session_id text, succeeded boolean,
    rating double precision, marks integer, subjects bytea
) (
    SFUNC = user_metrics_internal.deeds_text, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.deeds_finish, COMBINEFUNC = user_metrics_internal.deeds_combine,
    SERIALFUNC = user_metrics_internal.deeds_serialize, DESERIALFUNC = user_metrics_internal.deeds_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics_internal.deeds(text, timestamptz, text, text, text, boolean, double precision, integer, bytea) IS
    'what the subjects did on the days that count for them';

CREATE AGGREGATE user_metrics_internal.deeds(
    user_id uuid, occurred_at timestamptz, feature text, model text, session_id text, succeeded boolean,
    rating double precision, marks integer, subjects bytea
) (
    SFUNC = user_metrics_internal.deeds_uuid, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.deeds_finish, COMBINEFUNC = user_metrics_internal.deeds_combine,
    SERIALFUNC = user_metrics_internal.deeds_serialize, DESERIALFUNC = user_metrics_internal.deeds_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics_internal.deeds(uuid, timestamptz, text, text, text, boolean, double precision, integer, bytea) IS
    'what the subjects did on the days that count for them';

CREATE AGGREGATE user_metrics_internal.deeds(
    user_id bigint, occurred_at timestamptz, feature text, model text, session_id text, succeeded boolean,
    rating double precision, marks integer, subjects bytea
) (
    SFUNC = user_metrics_internal.deeds_bigint, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.deeds_finish, COMBINEFUNC = user_metrics_internal.deeds_combine,
    SERIALFUNC = user_metrics_internal.deeds_serialize, DESERIALFUNC = user_metrics_internal.deeds_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics_internal.deeds(bigint, timestamptz, text, text, text, boolean, double precision, integer, bytea) IS
    'what the subjects did on the days that count for them';

-- The activity of every segment, of one without a name where none are asked for: (segment text, activity user_metrics.activity),
-- a type that is a shell still when this is created. The past before "since" is read too: it says who is new.
CREATE FUNCTION user_metrics_internal.activities(
    function text, relation text, until timestamptz, filter jsonb, by text, timezone text, as_of timestamptz
) RETURNS SETOF record
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY EXECUTE format($query$
        SELECT s.segment, user_metrics.without_users(s.value, ARRAY(
            SELECT a.user_id FROM user_metrics.anonymous_user AS a UNION ALL SELECT o.user_id FROM user_metrics.opt_out AS o
        ))
        FROM (
            SELECT %1$s AS segment, user_metrics.activity(q.user_id, q.occurred_at%2$s) AS value FROM (%3$s) AS q%4$s
        ) AS s
        WHERE s.value IS NOT NULL
        ORDER BY s.segment COLLATE "C"
    $query$,
        CASE WHEN by IS NULL THEN 'NULL::text' ELSE 'q.segment' END,
        CASE WHEN timezone <> current_setting('user_metrics.timezone') THEN ', $4' END,
        user_metrics_internal.requests_query(function, relation, ARRAY[]::text[], NULL, until, filter::text, by, identified => false),
        CASE WHEN by IS NOT NULL THEN ' GROUP BY q.segment' END
    ) USING NULL::timestamptz, until, LEAST(as_of, statement_timestamp()), timezone;
END
$$;
COMMENT ON FUNCTION user_metrics_internal.activities(text, text, timestamptz, jsonb, text, text, timestamptz) IS
    'the activity of every segment of a log';

-- What the users of a question did, in the bytes of the aggregate, by segment; churn_days is NULL where the question is
-- retention. A request has the bits of the filters it fulfils; only_marked leaves out those that fulfil none.
CREATE FUNCTION user_metrics_internal.deeds_of(
    function text, source regclass, columns text[], filters text[], filters_argument text, only_marked boolean,
    early_days integer, retained integer[], landmark date, window_days integer, gap_days integer, churn_days integer,
    since timestamptz, until timestamptz, filter jsonb, by text, timezone text, as_of timestamptz
) RETURNS TABLE (segment text, deeds bytea)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    relation text := user_metrics_internal.relation(source);
    zone text := user_metrics_internal.resolved_timezone(function, timezone);
    log record;
    subjects record;
    requests text;
    marks text;
BEGIN
    -- Nothing is read yet, but what is wrong is refused before the log is.
    PERFORM FROM user_metrics_internal.driver_subjects(
        function, NULL, early_days, retained, landmark, window_days, gap_days, churn_days, since, until, as_of
    );
    requests := user_metrics_internal.requests_query(
        function, relation, columns, '-infinity', 'infinity', filter::text, by, identified => false,
        marks => filters, marks_argument => filters_argument
    );
    SELECT COALESCE(string_agg(format('CASE WHEN r.mark_%s THEN %s ELSE 0 END', n, 1 << (n - 1)), ' | '), '0') INTO marks
    FROM generate_subscripts(filters, 1) AS n;

    SELECT array_agg(a.segment) FILTER (WHERE user_metrics.users(a.activity) > 0) AS segments,
        array_agg(a.activity) FILTER (WHERE user_metrics.users(a.activity) > 0) AS activities,
        LEAST(max(user_metrics_internal.last_request(a.activity)), statement_timestamp()) AS observed_until
    INTO log
    FROM user_metrics_internal.activities(function, relation, until, filter, by, zone, as_of)
        AS a(segment text, activity user_metrics.activity);
    IF as_of IS NOT NULL OR until IS NOT NULL OR filter IS NOT NULL THEN
        log.observed_until := user_metrics_internal.observed_until(relation, until, as_of);
    END IF;
    SELECT array_agg(v.segment) AS segments, array_agg(s.subjects) AS lists, min(s.read_from) AS read_from,
        max(s.read_until) AS read_until
    INTO subjects
    FROM unnest(log.segments, log.activities) AS v(segment, activity)
    CROSS JOIN LATERAL user_metrics_internal.driver_subjects(
        function, v.activity, early_days, retained, landmark, window_days, gap_days, churn_days, since, until,
        log.observed_until
    ) AS s;

    RETURN QUERY EXECUTE format(
        CASE WHEN by IS NULL THEN $query$
            SELECT NULL::text, user_metrics_internal.deeds(%1$s, r.occurred_at, %2$s, %3$s, $5[1])
            FROM (%4$s) AS r
        $query$ ELSE $query$
            WITH deeds AS MATERIALIZED (
                -- By the place of a list, not with the list, which is long and might be sorted along.
                SELECT s.place, user_metrics_internal.deeds(%1$s, r.occurred_at, %2$s, %3$s, $5[s.place]) AS deeds
                FROM (%4$s) AS r
                JOIN unnest($4) WITH ORDINALITY AS s(segment, place)
                    ON COALESCE(s.segment, '') = COALESCE(r.segment, '') AND (s.segment IS NULL) = (r.segment IS NULL)
                GROUP BY s.place
            )
            SELECT s.segment, d.deeds
            FROM unnest($4) WITH ORDINALITY AS s(segment, place) LEFT JOIN deeds AS d ON d.place = s.place
        $query$ END,
        CASE WHEN only_marked THEN format('CASE WHEN %s <> 0 THEN r.user_id END', marks) ELSE 'r.user_id' END,
        (
            SELECT string_agg(CASE WHEN c.name = ANY(columns) THEN 'r.' || c.name ELSE 'NULL' END, ', ' ORDER BY c.place)
            FROM unnest(ARRAY['feature', 'model', 'session_id', 'succeeded', 'rating']) WITH ORDINALITY AS c(name, place)
        ),
        marks, requests
    ) USING subjects.read_from, subjects.read_until, LEAST(as_of, statement_timestamp()), subjects.segments, subjects.lists;
END
$$;
COMMENT ON FUNCTION user_metrics_internal.deeds_of(text, regclass, text[], text[], text, boolean, integer, integer[], date, integer, integer, integer, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'what the users of a question did, by segment';

-- What retention_drivers and churn_indicators share.
CREATE FUNCTION user_metrics_internal.drivers(
    function text, source regclass, early_days integer, retained integer[], landmark date, window_days integer,
    gap_days integer, churn_days integer, behaviours jsonb, min_users integer, since timestamptz, until timestamptz,
    filter jsonb, by text, timezone text, as_of timestamptz
) RETURNS TABLE (
    segment text, driver text, users_with bigint, users_without bigint, rate_with double precision, rate_without double precision,
    difference double precision, difference_low double precision, difference_high double precision, ratio double precision,
    ratio_low double precision, ratio_high double precision, phi double precision, p_value double precision,
    q_value double precision, adjusted_difference double precision, adjusted_low double precision,
    adjusted_high double precision, evidence text
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    own record;
BEGIN
    PERFORM FROM user_metrics_internal.driver_figures(function, NULL, '{}', min_users);
    SELECT b.* INTO own FROM user_metrics_internal.own_behaviours(function, behaviours::text) AS b;
    RETURN QUERY
    SELECT d.segment, f.driver, f.users_with, f.users_without, f.rate_with, f.rate_without, f.difference, f.difference_low,
        f.difference_high, f.ratio, f.ratio_low, f.ratio_high, f.phi, f.p_value, f.q_value, f.adjusted_difference,
        f.adjusted_low, f.adjusted_high, f.evidence
    FROM user_metrics_internal.deeds_of(
        function, source, ARRAY['feature', 'model', 'session_id', 'succeeded', 'rating'], own.filters, 'behaviours', false,
        early_days, retained, landmark, window_days, gap_days, churn_days, since, until, filter, by, timezone, as_of
    ) AS d
    CROSS JOIN LATERAL user_metrics_internal.driver_figures(function, d.deeds, own.names, min_users) WITH ORDINALITY AS f(
        driver, users_with, users_without, rate_with, rate_without, difference, difference_low, difference_high, ratio,
        ratio_low, ratio_high, phi, p_value, q_value, adjusted_difference, adjusted_low, adjusted_high, evidence, place
    )
    ORDER BY d.segment COLLATE "C", f.place;
END
$$;
COMMENT ON FUNCTION user_metrics_internal.drivers(text, regclass, integer, integer[], date, integer, integer, integer, jsonb, integer, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'what retention_drivers and churn_indicators share';

CREATE FUNCTION user_metrics.retention_drivers(
    source regclass, early_days integer DEFAULT 7, retained integer[] DEFAULT '{21,27}', behaviours jsonb DEFAULT NULL,
    min_users integer DEFAULT 30, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, driver text, users_with bigint, users_without bigint, retention_with double precision,
    retention_without double precision, difference double precision, difference_low double precision,
    difference_high double precision, ratio double precision, ratio_low double precision, ratio_high double precision,
    phi double precision, p_value double precision, q_value double precision, adjusted_difference double precision,
    adjusted_low double precision, adjusted_high double precision, evidence text, note text
) LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
    SELECT r.segment, r.driver, r.users_with, r.users_without, r.rate_with, r.rate_without, r.difference, r.difference_low,
        r.difference_high, r.ratio, r.ratio_low, r.ratio_high, r.phi, r.p_value, r.q_value, r.adjusted_difference,
        r.adjusted_low, r.adjusted_high, r.evidence, 'association'
    FROM user_metrics_internal.drivers(
        'retention_drivers', source, early_days, retained, NULL, NULL, NULL, NULL, behaviours, min_users,
        since, until, filter, by, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.retention_drivers(regclass, integer, integer[], jsonb, integer, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'which features and behaviours of the first days go with being active later: retention with and without each, their difference, also at equal volume, and what it is worth; best supported first. Associations, not causes';

CREATE FUNCTION user_metrics.retention_drivers(
    source text, early_days integer DEFAULT 7, retained integer[] DEFAULT '{21,27}', behaviours jsonb DEFAULT NULL,
    min_users integer DEFAULT 30, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, driver text, users_with bigint, users_without bigint, retention_with double precision,
    retention_without double precision, difference double precision, difference_low double precision,
    difference_high double precision, ratio double precision, ratio_low double precision, ratio_high double precision,
    phi double precision, p_value double precision, q_value double precision, adjusted_difference double precision,
    adjusted_low double precision, adjusted_high double precision, evidence text, note text
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.retention_drivers(
        source::pg_catalog.regclass, early_days, retained, behaviours, min_users, since, until, filter, by, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.retention_drivers(text, integer, integer[], jsonb, integer, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'which features and behaviours of the first days go with being active later: retention with and without each, their difference, also at equal volume, and what it is worth; best supported first. Associations, not causes; the source by name, as in retention_drivers(''request_log'')';

CREATE FUNCTION user_metrics.churn_indicators(
    source regclass, landmark date DEFAULT NULL, window_days integer DEFAULT 28, gap_days integer DEFAULT 7,
    churn_days integer DEFAULT 28, behaviours jsonb DEFAULT NULL, min_users integer DEFAULT 30,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, indicator text, users_with bigint, users_without bigint, churn_with double precision,
    churn_without double precision, difference double precision, difference_low double precision,
    difference_high double precision, ratio double precision, ratio_low double precision, ratio_high double precision,
    phi double precision, p_value double precision, q_value double precision, adjusted_difference double precision,
    adjusted_low double precision, adjusted_high double precision, evidence text, note text
) LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
    SELECT r.segment, r.driver, r.users_with, r.users_without, r.rate_with, r.rate_without, r.difference, r.difference_low,
        r.difference_high, r.ratio, r.ratio_low, r.ratio_high, r.phi, r.p_value, r.q_value, r.adjusted_difference,
        r.adjusted_low, r.adjusted_high, r.evidence, 'association'
    FROM user_metrics_internal.drivers(
        'churn_indicators', source, NULL, NULL, landmark, window_days, gap_days, COALESCE(churn_days, 28), behaviours, min_users,
        since, until, filter, by, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.churn_indicators(regclass, date, integer, integer, integer, jsonb, integer, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'which features and behaviours before a landmark go with having left after it: churn with and without each, their difference, also at equal volume, and what it is worth; best supported first. Associations, not causes';

CREATE FUNCTION user_metrics.churn_indicators(
    source text, landmark date DEFAULT NULL, window_days integer DEFAULT 28, gap_days integer DEFAULT 7,
    churn_days integer DEFAULT 28, behaviours jsonb DEFAULT NULL, min_users integer DEFAULT 30,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, indicator text, users_with bigint, users_without bigint, churn_with double precision,
    churn_without double precision, difference double precision, difference_low double precision,
    difference_high double precision, ratio double precision, ratio_low double precision, ratio_high double precision,
    phi double precision, p_value double precision, q_value double precision, adjusted_difference double precision,
    adjusted_low double precision, adjusted_high double precision, evidence text, note text
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.churn_indicators(
        source::pg_catalog.regclass, landmark, window_days, gap_days, churn_days, behaviours, min_users, since, until, filter,
        by, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.churn_indicators(text, date, integer, integer, integer, jsonb, integer, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'which features and behaviours before a landmark go with having left after it: churn with and without each, their difference, also at equal volume, and what it is worth; best supported first. Associations, not causes; the source by name, as in churn_indicators(''request_log'')';
