-- The stages of a user's life with the product, and how they follow one another: lifecycle_stage, lifecycle_transitions,
-- acquisition. Two forms each: over a source, and over a source by name.

ALTER FUNCTION user_metrics.stage_periods SET SCHEMA user_metrics_internal;

CREATE FUNCTION user_metrics_internal.stage_names() RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT '{acquisition,activation,retention,growth,dormant}'::text[]
$$;
COMMENT ON FUNCTION user_metrics_internal.stage_names() IS 'the stages in the order of a life';

-- Every user's stage on every day that is asked about: the last of each period, or, where period is NULL, the last observed
-- and the same weekday of all weeks before.
CREATE FUNCTION user_metrics_internal.stages(
    function text, source regclass, period text, tiers text[], tier_property text, since timestamptz, until timestamptz,
    filter jsonb, timezone text, as_of timestamptz
) RETURNS TABLE (
    user_id text, first_day date, last_day date, first_seen timestamptz, last_seen timestamptz, period_start date, judged date,
    stage text, recent_requests bigint, active_weeks integer, active_days bigint, usage_rank bigint, power_cutoff bigint,
    activated_on date, upgraded_on date
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    relation text := user_metrics_internal.relation(source);
    zone text := user_metrics_internal.resolved_timezone(function, timezone);
    observed_until timestamptz;
BEGIN
    observed_until := user_metrics_internal.observed_until(relation, until, as_of);
    RETURN QUERY EXECUTE format($query$
        WITH daily AS MATERIALIZED (
            SELECT q.user_id, (q.occurred_at AT TIME ZONE $4)::date AS day, count(*) AS requests, min(q.occurred_at) AS first_at,
                max(q.occurred_at) AS last_at, bool_or(q.succeeded) AS succeeded,
                min(q.feature COLLATE "C") AS least_feature, max(q.feature COLLATE "C") AS greatest_feature,
                min(array_position($5, q.segment)) AS least_tier, max(array_position($5, q.segment)) AS greatest_tier
            FROM (%1$s) AS q
            GROUP BY q.user_id, day
        ), steps AS (
            -- What a user had done by the end of each of their days.
            SELECT d.*, min(d.day) OVER whole AS first_day, row_number() OVER so_far AS active_days,
                min(d.least_feature) OVER so_far < max(d.greatest_feature) OVER so_far AS features,
                bool_or(d.succeeded) OVER so_far AS success, bool_or(d.succeeded IS NOT NULL) OVER whole AS known,
                d.greatest_tier > min(d.least_tier) OVER (so_far ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS upgraded
            FROM daily AS d
            WINDOW whole AS (PARTITION BY d.user_id), so_far AS (PARTITION BY d.user_id ORDER BY d.day)
        ), anybody AS MATERIALIZED (
            SELECT s.user_id, min(s.first_day) AS first_day, max(s.day) AS last_day, min(s.first_at) AS first_at,
                max(s.last_at) AS last_at, min(s.day) FILTER (
                    WHERE (s.success OR NOT s.known) AND (s.active_days >= 3 OR s.features)
                ) AS activated_on, min(s.day) FILTER (WHERE s.upgraded) AS upgraded_on
            FROM steps AS s
            GROUP BY s.user_id
        ), people AS MATERIALIZED (
            SELECT p.* FROM anybody AS p WHERE %2$s
        ), bounds AS (
            SELECT min(p.first_day) AS first_day, GREATEST(max(p.last_day), $6) AS last_day FROM people AS p
        ), ends AS (
            SELECT e.period_start, e.last_day AS day
            FROM bounds AS b CROSS JOIN LATERAL user_metrics_internal.stage_periods($8, b.first_day, $7) AS e
            WHERE $8 IS NOT NULL
            UNION ALL
            SELECT NULL, b.last_day - 7 * w.week
            FROM bounds AS b CROSS JOIN LATERAL generate_series(0, (b.last_day - b.first_day) / 7) AS w(week)
            WHERE $8 IS NULL
        ), recent AS (
            SELECT d.user_id, e.day AS judged, sum(d.requests)::bigint AS requests, count(*) AS active_days,
                bool_or(e.day - d.day < 7)::integer + bool_or(e.day - d.day BETWEEN 7 AND 13)::integer
                    + bool_or(e.day - d.day BETWEEN 14 AND 20)::integer + bool_or(e.day - d.day > 20)::integer AS active_weeks
            FROM daily AS d
            CROSS JOIN LATERAL unnest(ARRAY(SELECT ends.day FROM ends)) AS e(day)
            WHERE e.day >= d.day AND e.day < d.day + 28 AND d.user_id IN (SELECT p.user_id FROM people AS p)
            GROUP BY d.user_id, e.day
        ), ranked AS (
            SELECT r.*, rank() OVER by_usage AS place, count(*) OVER (PARTITION BY r.judged) AS users,
                min(r.requests) OVER (PARTITION BY r.judged) AS least
            FROM recent AS r
            WINDOW by_usage AS (PARTITION BY r.judged ORDER BY r.requests DESC)
        ), marked AS (
            -- The tenth who ask most, as segment_users has it: those who ask as much as the last of them too, and nobody where all
            -- ask alike or are few.
            SELECT r.*, r.users >= 10 AND r.place <= ceil(0.1 * r.users) AND r.requests > r.least AS is_power FROM ranked AS r
        ), cut AS (
            SELECT m.*, min(m.requests) FILTER (WHERE m.is_power) OVER (PARTITION BY m.judged) AS cutoff FROM marked AS m
        )
        SELECT p.user_id::text, p.first_day, p.last_day, p.first_at, p.last_at, e.period_start, e.day,
            CASE
                WHEN c.requests IS NULL THEN 'dormant'
                WHEN c.active_weeks >= 3 AND (c.is_power OR COALESCE(p.upgraded_on <= e.day, false)) THEN 'growth'
                WHEN c.active_weeks >= 3 THEN 'retention'
                WHEN p.activated_on <= e.day THEN 'activation'
                ELSE 'acquisition'
            END, COALESCE(c.requests, 0), COALESCE(c.active_weeks, 0), COALESCE(c.active_days, 0), c.place, c.cutoff,
            p.activated_on, p.upgraded_on
        FROM people AS p
        JOIN ends AS e ON e.day >= p.first_day
        LEFT JOIN cut AS c ON c.user_id = p.user_id AND c.judged = e.day
        WHERE $9 IS NULL OR p.first_at >= $9
    $query$, user_metrics_internal.requests_query(
        function, relation, ARRAY['feature', 'succeeded'], NULL, until, filter::text,
        CASE WHEN tiers IS NOT NULL THEN COALESCE(tier_property, 'UserTier') END, identified => false
    ), user_metrics_internal.user_condition(relation, 'p.user_id'))
    USING NULL::timestamptz, until, LEAST(as_of, statement_timestamp()), zone, tiers,
        ((observed_until - interval '1 microsecond') AT TIME ZONE zone)::date, (observed_until AT TIME ZONE zone)::date, period, since;
END
$$;
COMMENT ON FUNCTION user_metrics_internal.stages(text, regclass, text, text[], text, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'every user''s stage at the end of every period, or of every week before the end of observation';

CREATE FUNCTION user_metrics.lifecycle_stage(
    source regclass, tiers text[] DEFAULT NULL, tier_property text DEFAULT 'UserTier', since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    user_id text, stage text, since_day date, first_seen timestamptz, last_seen timestamptz, recent_requests bigint,
    active_weeks integer, active_days bigint, usage_rank bigint, power_cutoff bigint, activated_on date, upgraded_on date
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    WITH judged AS MATERIALIZED (
        SELECT j.*, dense_rank() OVER (ORDER BY j.judged DESC) - 1 AS weeks_ago
        FROM user_metrics_internal.stages(
            'lifecycle_stage', source, NULL, tiers, tier_property, since, until, filter, timezone, as_of
        ) AS j
    ), changes AS (
        -- The latest of the earlier weeks in which the stage was another one.
        SELECT j.user_id, min(j.weeks_ago) AS weeks_ago
        FROM judged AS j
        JOIN judged AS now ON now.weeks_ago = 0 AND now.user_id = j.user_id AND now.stage <> j.stage
        GROUP BY j.user_id
    ), runs AS (
        -- The first of the judged days from which on the stage has been the same.
        SELECT j.user_id, c.user_id IS NOT NULL AS changed,
            j.judged - 7 * COALESCE(c.weeks_ago::integer - 1, (j.judged - j.first_day) / 7) AS begins
        FROM judged AS j LEFT JOIN changes AS c ON c.user_id = j.user_id
        WHERE j.weeks_ago = 0
    )
    SELECT j.user_id, j.stage,
        CASE
            WHEN j.stage = 'dormant' THEN j.last_day + 28
            WHEN j.stage = 'activation' AND j.activated_on BETWEEN r.begins - 6 AND r.begins THEN j.activated_on
            WHEN j.stage = 'growth' AND j.upgraded_on BETWEEN r.begins - 6 AND r.begins THEN j.upgraded_on
            WHEN r.changed THEN r.begins
            ELSE j.first_day
        END,
        j.first_seen, j.last_seen, j.recent_requests, j.active_weeks, j.active_days, j.usage_rank, j.power_cutoff,
        CASE WHEN j.activated_on <= j.judged THEN j.activated_on END, CASE WHEN j.upgraded_on <= j.judged THEN j.upgraded_on END
    FROM judged AS j
    JOIN runs AS r ON r.user_id = j.user_id
    WHERE j.weeks_ago = 0
    ORDER BY j.user_id COLLATE "C";
END
$$;
COMMENT ON FUNCTION user_metrics.lifecycle_stage(regclass, text[], text, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'every user in exactly one stage of their life with the product (the first that fits of dormant, growth, retention, activation, acquisition), since when, and the figures that say why';

CREATE FUNCTION user_metrics.lifecycle_stage(
    source text, tiers text[] DEFAULT NULL, tier_property text DEFAULT 'UserTier', since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    user_id text, stage text, since_day date, first_seen timestamptz, last_seen timestamptz, recent_requests bigint,
    active_weeks integer, active_days bigint, usage_rank bigint, power_cutoff bigint, activated_on date, upgraded_on date
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.lifecycle_stage(
        source::pg_catalog.regclass, tiers, tier_property, since, until, filter, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.lifecycle_stage(text, text[], text, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'every user in exactly one stage of their life with the product (the first that fits of dormant, growth, retention, activation, acquisition), since when, and the figures that say why; the source by name, as in lifecycle_stage(''request_log'')';

CREATE FUNCTION user_metrics.lifecycle_transitions(
    source regclass, period text DEFAULT 'month', tiers text[] DEFAULT NULL, tier_property text DEFAULT 'UserTier', since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    period_start date, from_stage text, to_stage text, users bigint, share double precision
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM user_metrics_internal.stage_periods(period, NULL, NULL);
    RETURN QUERY
    WITH judged AS MATERIALIZED (
        SELECT j.user_id, j.period_start, j.judged, j.stage,
            lag(j.stage) OVER (PARTITION BY j.user_id ORDER BY j.judged) AS before
        FROM user_metrics_internal.stages(
            'lifecycle_transitions', source, COALESCE(period, 'month'), tiers, tier_property, since, until, filter, timezone, as_of
        ) AS j
    ), counted AS (
        SELECT j.period_start, j.before, j.stage, count(*) AS users
        FROM judged AS j
        GROUP BY j.period_start, j.before, j.stage
    ), shared AS (
        SELECT c.*, sum(c.users) OVER (PARTITION BY c.period_start, c.before) AS of_stage,
            bool_or(user_metrics_internal.hides(c.users)) OVER (PARTITION BY c.period_start, c.before) AS hidden
        FROM counted AS c
    )
    SELECT s.period_start, s.before, s.stage,
        CASE WHEN NOT user_metrics_internal.hides(s.users) THEN s.users END,
        CASE WHEN NOT s.hidden THEN s.users / s.of_stage::double precision END
    FROM shared AS s
    ORDER BY s.period_start, array_position(user_metrics_internal.stage_names(), s.before) NULLS FIRST,
        array_position(user_metrics_internal.stage_names(), s.stage);
END
$$;
COMMENT ON FUNCTION user_metrics.lifecycle_transitions(regclass, text, text[], text, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'from which stage of lifecycle_stage to which users went in each period that is over; from_stage is NULL for those who came in it';

CREATE FUNCTION user_metrics.lifecycle_transitions(
    source text, period text DEFAULT 'month', tiers text[] DEFAULT NULL, tier_property text DEFAULT 'UserTier', since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    period_start date, from_stage text, to_stage text, users bigint, share double precision
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.lifecycle_transitions(
        source::pg_catalog.regclass, period, tiers, tier_property, since, until, filter, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.lifecycle_transitions(text, text, text[], text, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'from which stage of lifecycle_stage to which users went in each period that is over; from_stage is NULL for those who came in it; the source by name, as in lifecycle_transitions(''request_log'')';

CREATE FUNCTION user_metrics.acquisition(
    source regclass, source_property text DEFAULT 'Source', premium jsonb DEFAULT NULL, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    source_value text, users bigint, first_request_known_users bigint, first_request_success_rate double precision,
    onboarding_eligible_users bigint, onboarding_completed_rate double precision, week_1_eligible_users bigint,
    week_1_retention double precision, premium_users bigint, premium_rate double precision
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    relation text := user_metrics_internal.relation(source);
    zone text := user_metrics_internal.resolved_timezone('acquisition', timezone);
    observed_until timestamptz;
BEGIN
    observed_until := user_metrics_internal.observed_until(relation, until, as_of);
    RETURN QUERY EXECUTE format($query$
        WITH daily AS MATERIALIZED (
            SELECT q.user_id, (q.occurred_at AT TIME ZONE $4)::date AS day, min(q.occurred_at) AS first_at,
                min(q.occurred_at) FILTER (WHERE q.succeeded) AS succeeded_at,
                min(q.occurred_at) FILTER (WHERE NOT q.succeeded) AS failed_at,
                min(q.feature COLLATE "C") AS least_feature, max(q.feature COLLATE "C") AS greatest_feature,
                -- The value told first is the one told last on a clock that runs backwards.
                user_metrics_internal.latest(q.segment, to_timestamp(-date_part('epoch', q.occurred_at))) AS touch,
                min(q.occurred_at) FILTER (WHERE q.segment IS NOT NULL) AS touched_at, bool_or(q.mark_1) AS premium
            FROM (%1$s) AS q
            GROUP BY q.user_id, day
        ), steps AS (
            SELECT d.*, min(d.day) OVER whole AS first_day, row_number() OVER so_far AS active_days,
                min(d.least_feature) OVER so_far < max(d.greatest_feature) OVER so_far AS features,
                min(d.succeeded_at) OVER so_far IS NOT NULL AS success,
                bool_or(d.succeeded_at IS NOT NULL OR d.failed_at IS NOT NULL) OVER whole AS known
            FROM daily AS d
            WINDOW whole AS (PARTITION BY d.user_id), so_far AS (PARTITION BY d.user_id ORDER BY d.day)
        ), anybody AS MATERIALIZED (
            SELECT s.user_id, min(s.first_day) AS first_day, min(s.first_at) AS first_at, min(s.succeeded_at) AS succeeded_at,
                min(s.failed_at) AS failed_at, bool_or(s.premium) AS premium,
                user_metrics_internal.latest(s.touch, to_timestamp(-date_part('epoch', s.touched_at))) AS touch,
                bool_or(s.day < s.first_day + 14 AND (s.success OR NOT s.known) AND (s.active_days >= 3 OR s.features))
                    AS onboarded,
                bool_or(s.day >= s.first_day + 7 AND s.day < s.first_day + 14) AS back
            FROM steps AS s
            GROUP BY s.user_id
        ), people AS (
            SELECT p.*, p.first_day + 14 <= $5 AS eligible,
                CASE WHEN p.succeeded_at = p.first_at THEN true WHEN p.failed_at = p.first_at THEN false END AS succeeded
            FROM anybody AS p
            WHERE %2$s AND ($6 IS NULL OR p.first_at >= $6)
        ), sources AS (
            SELECT p.touch COLLATE "C" AS touch, count(*) AS users, count(p.succeeded) AS known,
                count(*) FILTER (WHERE p.succeeded) AS succeeded, count(*) FILTER (WHERE p.eligible) AS eligible,
                count(*) FILTER (WHERE p.eligible AND p.onboarded) AS onboarded,
                count(*) FILTER (WHERE p.eligible AND p.back) AS back, count(*) FILTER (WHERE p.premium) AS premium
            FROM people AS p
            GROUP BY 1
        )
        SELECT s.touch, f.*
        FROM sources AS s
        LEFT JOIN LATERAL (
            SELECT s.users, s.known, s.succeeded / NULLIF(s.known, 0)::double precision, s.eligible,
                s.onboarded / NULLIF(s.eligible, 0)::double precision, s.eligible,
                s.back / NULLIF(s.eligible, 0)::double precision, CASE WHEN $7 THEN s.premium END,
                CASE WHEN $7 THEN s.premium / s.users::double precision END
            WHERE NOT user_metrics_internal.hides(s.users)
        ) AS f ON true
        ORDER BY s.touch IS NULL, s.users DESC, s.touch
    $query$, user_metrics_internal.requests_query(
        'acquisition', relation, ARRAY['feature', 'succeeded'], NULL, until, filter::text, COALESCE(source_property, 'Source'),
        identified => false, marks => ARRAY[COALESCE(premium, '{}')::text], marks_argument => 'premium'
    ), user_metrics_internal.user_condition(relation, 'p.user_id'))
    USING NULL::timestamptz, until, LEAST(as_of, statement_timestamp()), zone, (observed_until AT TIME ZONE zone)::date, since,
        premium IS NOT NULL;
END
$$;
COMMENT ON FUNCTION user_metrics.acquisition(regclass, text, jsonb, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'where users come from and how they begin: by the first value of a property, whether the first request succeeded, onboarding was completed, users came back in the second week and became premium, each beside the users it is known of';

CREATE FUNCTION user_metrics.acquisition(
    source text, source_property text DEFAULT 'Source', premium jsonb DEFAULT NULL, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    source_value text, users bigint, first_request_known_users bigint, first_request_success_rate double precision,
    onboarding_eligible_users bigint, onboarding_completed_rate double precision, week_1_eligible_users bigint,
    week_1_retention double precision, premium_users bigint, premium_rate double precision
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.acquisition(
        source::pg_catalog.regclass, source_property, premium, since, until, filter, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.acquisition(text, text, jsonb, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'where users come from and how they begin: by the first value of a property, whether the first request succeeded, onboarding was completed, users came back in the second week and became premium, each beside the users it is known of; the source by name, as in acquisition(''request_log'')';
