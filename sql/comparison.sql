-- What an experiment tells: ab_compare over a value and over a log, ab_segments, srm_check, sample_size,
-- minimum_detectable_effect. Over a log two forms each: over a source, and over a source by name.

ALTER FUNCTION user_metrics.exposure_transition SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.exposure_combine SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.exposure_serialize SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.exposure_deserialize SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.exposure_variant SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.exposure_first SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.exposure_is_mixed SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.exposures_text SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.exposures_uuid SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.exposures_bigint SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.exposures_combine SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.exposures_serialize SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.exposures_deserialize SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.exposures_finish SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.exposed_users SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics_internal.exposed_users ROWS 100000;
ALTER FUNCTION user_metrics.comparisons SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics_internal.comparisons ROWS 10;
ALTER FUNCTION user_metrics.experiment_metrics SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics_internal.experiment_metrics ROWS 1;
ALTER FUNCTION user_metrics.heterogeneity SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics_internal.heterogeneity ROWS 1;
ALTER FUNCTION user_metrics.adjusted_p_values SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.srm_check ROWS 1;

-- When each user first met an experiment, and in which variant: one state for all.

CREATE AGGREGATE user_metrics_internal.exposed_variant(variant text, occurred_at timestamptz) (
    SFUNC = user_metrics_internal.exposure_transition, STYPE = internal, SSPACE = 256,
    FINALFUNC = user_metrics_internal.exposure_variant, COMBINEFUNC = user_metrics_internal.exposure_combine,
    SERIALFUNC = user_metrics_internal.exposure_serialize, DESERIALFUNC = user_metrics_internal.exposure_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics_internal.exposed_variant(text, timestamptz) IS
    'the variant that a user''s requests bear; of several the least by its bytes';

CREATE AGGREGATE user_metrics_internal.exposed_at(variant text, occurred_at timestamptz) (
    SFUNC = user_metrics_internal.exposure_transition, STYPE = internal, SSPACE = 256,
    FINALFUNC = user_metrics_internal.exposure_first, COMBINEFUNC = user_metrics_internal.exposure_combine,
    SERIALFUNC = user_metrics_internal.exposure_serialize, DESERIALFUNC = user_metrics_internal.exposure_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics_internal.exposed_at(text, timestamptz) IS
    'when a user first bore a variant';

CREATE AGGREGATE user_metrics_internal.is_mixed(variant text, occurred_at timestamptz) (
    SFUNC = user_metrics_internal.exposure_transition, STYPE = internal, SSPACE = 256,
    FINALFUNC = user_metrics_internal.exposure_is_mixed, COMBINEFUNC = user_metrics_internal.exposure_combine,
    SERIALFUNC = user_metrics_internal.exposure_serialize, DESERIALFUNC = user_metrics_internal.exposure_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics_internal.is_mixed(text, timestamptz) IS
    'whether a user bore several variants';

CREATE AGGREGATE user_metrics_internal.exposures(user_id text, variant text, occurred_at timestamptz) (
    SFUNC = user_metrics_internal.exposures_text, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.exposures_finish, COMBINEFUNC = user_metrics_internal.exposures_combine,
    SERIALFUNC = user_metrics_internal.exposures_serialize, DESERIALFUNC = user_metrics_internal.exposures_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics_internal.exposures(text, text, timestamptz) IS
    'the same of all users of a log, by their keys: bytes for exposed_users()';

CREATE AGGREGATE user_metrics_internal.exposures(user_id uuid, variant text, occurred_at timestamptz) (
    SFUNC = user_metrics_internal.exposures_uuid, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.exposures_finish, COMBINEFUNC = user_metrics_internal.exposures_combine,
    SERIALFUNC = user_metrics_internal.exposures_serialize, DESERIALFUNC = user_metrics_internal.exposures_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics_internal.exposures(uuid, text, timestamptz) IS
    'the same of all users of a log, by their keys: bytes for exposed_users()';

CREATE AGGREGATE user_metrics_internal.exposures(user_id bigint, variant text, occurred_at timestamptz) (
    SFUNC = user_metrics_internal.exposures_bigint, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.exposures_finish, COMBINEFUNC = user_metrics_internal.exposures_combine,
    SERIALFUNC = user_metrics_internal.exposures_serialize, DESERIALFUNC = user_metrics_internal.exposures_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics_internal.exposures(bigint, text, timestamptz) IS
    'the same of all users of a log, by their keys: bytes for exposed_users()';

COMMENT ON FUNCTION user_metrics.srm_check(jsonb, jsonb) IS
    'whether users are spread over variants as planned (chi-squared, variants of positive weight): {"control": 5012, "treatment": 4890}; weights are equal unless given';
COMMENT ON FUNCTION user_metrics.sample_size(double precision, double precision, double precision, double precision, double precision, text, integer) IS
    'users each variant needs to find an effect (the difference of the means or rates) with the given power: give baseline for a rate, sd for a mean';
COMMENT ON FUNCTION user_metrics.minimum_detectable_effect(bigint, double precision, double precision, double precision, double precision, text, integer) IS
    'the smallest increase that an experiment with so many users in each variant finds with the given power: give baseline for a rate, sd for a mean';

CREATE FUNCTION user_metrics.ab_compare(
    value user_metrics.experiment_moments, control text DEFAULT NULL, method text DEFAULT 'welch',
    alternative text DEFAULT 'two_sided', confidence double precision DEFAULT 0.95, correction text DEFAULT 'holm',
    weights jsonb DEFAULT NULL, better text DEFAULT 'higher', quantile double precision DEFAULT 0.5
) RETURNS TABLE (
    variant text, users bigint, mean double precision, sd double precision, control_mean double precision,
    difference double precision, difference_low double precision, difference_high double precision,
    relative_lift double precision, lift_low double precision, lift_high double precision,
    statistic double precision, df double precision, p_value double precision, p_adjusted double precision,
    always_valid_low double precision, always_valid_high double precision, probability_better double precision,
    expected_loss double precision, srm_p_value double precision, verdict text, reason text, missing_users bigint
) LANGUAGE sql STABLE PARALLEL SAFE ROWS 10 SET search_path = pg_catalog, pg_temp AS $$
    SELECT
        r.variant, r.users, r.mean, r.sd, r.control_mean, r.difference, r.difference_low, r.difference_high,
        r.relative_lift, r.lift_low, r.lift_high, r.statistic, r.df, r.p_value, r.p_adjusted, r.always_valid_low,
        r.always_valid_high, r.probability_better, r.expected_loss, r.srm_p_value, r.verdict, r.reason,
        r.missing_users
    FROM user_metrics_internal.comparisons(
        'ab_compare', ARRAY[user_metrics_internal.experiment_send(value)], ARRAY[method], ARRAY[better], ARRAY[quantile], ARRAY[0],
        control, alternative, confidence, correction, weights
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.ab_compare(user_metrics.experiment_moments, text, text, text, double precision, text, jsonb, text, double precision) IS
    'every variant of an experiment against its control: difference and lift with their bounds, test, always-valid bounds, chance to be better, sample ratio, verdict and why';

-- The columns of the rows bear the names of two arguments, which PL/pgSQL does not allow in one function.
CREATE FUNCTION user_metrics_internal.compare_log(
    function_name text, source regclass, metric_name text, variant_name text, control text, metrics text[],
    converted jsonb, method text, alternative text, confidence double precision, correction text, weights jsonb,
    better text, cuped_days integer, winsorize double precision, since timestamptz, until timestamptz, filter jsonb,
    by text, timezone text, as_of timestamptz
) RETURNS TABLE (
    segment text, metric text, variant text, users bigint, mean double precision, sd double precision,
    control_mean double precision, difference double precision, difference_low double precision,
    difference_high double precision, relative_lift double precision, lift_low double precision,
    lift_high double precision, statistic double precision, df double precision, p_value double precision,
    p_adjusted double precision, always_valid_low double precision, always_valid_high double precision,
    probability_better double precision, expected_loss double precision, srm_p_value double precision, verdict text,
    reason text, missing_users bigint, mixed_users bigint, standard_error double precision
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
-- How many users a log has is known to nobody before it is read: a loop over them for every request takes hours, and to sort
-- them for each join takes longer than a hash table does.
SET enable_nestloop = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    relation text := user_metrics_internal.relation(source);
    zone text := user_metrics_internal.resolved_timezone(function_name, timezone);
    names text[] := COALESCE(metrics, ARRAY[COALESCE(metric_name, CASE WHEN converted IS NOT NULL THEN 'converted' ELSE 'requests' END)]);
    wanted record;
    requests text;
    -- Requests alone are counted in the pass that finds who met the experiment.
    only_requests boolean := names = ARRAY['requests'] AND cuped_days IS NULL AND by IS NULL;
BEGIN
    -- What cannot be asked is refused before the log is read.
    PERFORM user_metrics_internal.comparisons(
        function_name, '{}', '{}', ARRAY[better], '{}', '{}', control, alternative, confidence, correction, weights
    );
    SELECT m.* INTO wanted FROM user_metrics_internal.experiment_metrics(
        function_name, names, method, converted IS NOT NULL, cuped_days, winsorize
    ) AS m;
    requests := user_metrics_internal.requests_query(
        function_name, relation, wanted.columns, CASE WHEN cuped_days IS NULL THEN since END, until, filter::text, by,
        identified => false, marks => ARRAY[converted::text], marks_argument => 'converted',
        named => ARRAY[variant_name], numbers => wanted.numbers
    );
    RETURN QUERY EXECUTE format($query$
        WITH requests AS NOT MATERIALIZED (%1$s), %2$s, people AS MATERIALIZED (
            %3$s
        ), caps AS MATERIALIZED (
            %4$s
        ), mixed AS (
            SELECT e.segment, count(*) AS users FROM exposed AS e WHERE e.is_mixed GROUP BY e.segment
        ), entries AS MATERIALIZED (
            SELECT row_number() OVER (ORDER BY v.segment COLLATE "C" NULLS LAST, v.metric) AS place, v.segment, v.metric, v.value,
                COALESCE(m.users, 0) AS mixed_users
            FROM (%5$s) AS v LEFT JOIN mixed AS m
                ON (m.segment IS NULL) = (v.segment IS NULL) AND COALESCE(m.segment, '') = COALESCE(v.segment, '')
        ), listed AS (
            SELECT COALESCE(array_agg(user_metrics_internal.experiment_send(e.value) ORDER BY e.place), '{}') AS experiments,
                COALESCE(array_agg(($8)[e.metric] ORDER BY e.place), '{}') AS methods,
                COALESCE(array_agg(COALESCE($9, ($10)[e.metric]) ORDER BY e.place), '{}') AS better,
                COALESCE(array_agg(($18)[e.metric] ORDER BY e.place), '{}') AS quantiles,
                COALESCE(array_agg(e.mixed_users ORDER BY e.place), '{}') AS mixed,
                count(DISTINCT (e.segment IS NULL, e.segment))::integer AS segments
            FROM entries AS e
        )
        SELECT e.segment, ($11)[e.metric],
        r.variant, r.users, r.mean, r.sd, r.control_mean, r.difference, r.difference_low, r.difference_high,
        r.relative_lift, r.lift_low, r.lift_high, r.statistic, r.df, r.p_value, r.p_adjusted, r.always_valid_low,
        r.always_valid_high, r.probability_better, r.expected_loss, r.srm_p_value, r.verdict, r.reason,
        r.missing_users,
            CASE WHEN NOT user_metrics_internal.hides(e.mixed_users) THEN e.mixed_users END, r.standard_error
        FROM listed AS l CROSS JOIN LATERAL user_metrics_internal.comparisons(
            $17, l.experiments, l.methods, l.better, l.quantiles, l.mixed, $12, $13, $14, $15, $16, l.segments
        ) WITH ORDINALITY AS r JOIN entries AS e ON e.place = r.place
        ORDER BY r.ordinality
    $query$,
        requests,
        CASE WHEN only_requests THEN
            -- By their keys users are counted far faster than GROUP BY could.
            'exposed AS MATERIALIZED (
            SELECT u.*, NULL::text AS segment FROM user_metrics_internal.exposed_users(
                (SELECT user_metrics_internal.exposures(r.user_id, r.named_1, r.occurred_at) FROM requests AS r),
                ARRAY(SELECT a.user_id FROM user_metrics.anonymous_user AS a UNION ALL SELECT o.user_id FROM user_metrics.opt_out AS o)
            ) AS u
        )'
        ELSE
            format(
                -- Materialized, so that the rules about who is a user are not applied to rows.
                'exposures AS MATERIALIZED (
            SELECT r.user_id, user_metrics_internal.exposed_at(r.named_1, r.occurred_at) AS exposed_at,
                user_metrics_internal.exposed_variant(r.named_1, r.occurred_at) AS variant,
                user_metrics_internal.is_mixed(r.named_1, r.occurred_at) AS is_mixed, %s AS segment
            FROM requests AS r
            WHERE r.named_1 <> '''' AND ($1 IS NULL OR r.occurred_at >= $1)
            GROUP BY r.user_id
        ), exposed AS MATERIALIZED (
            SELECT p.* FROM exposures AS p WHERE p.variant IS NOT NULL AND %s
        )',
                -- A user is in the segment of their first request with a variant: what came later, the variant may have brought about.
                CASE WHEN by IS NULL THEN 'NULL::text'
                    ELSE '(array_agg(r.segment ORDER BY r.occurred_at, r.segment COLLATE "C"))[1]' END,
                user_metrics_internal.user_condition(relation, 'p.user_id')
            )
        END,
        CASE WHEN only_requests THEN
            -- Where no row is to be counted again, the log is not read again.
            'SELECT e.variant, e.segment, e.requests::float8 AS figure_1
            FROM exposed AS e
            WHERE e.requests IS NOT NULL AND NOT e.is_mixed
            UNION ALL
            SELECT e.variant, e.segment, count(*)
            FROM requests AS r JOIN exposed AS e ON e.user_key = user_metrics_internal.user_key(r.user_id) AND r.occurred_at >= e.exposed_at
            WHERE e.requests IS NULL AND NOT e.is_mixed
            GROUP BY e.user_key, e.variant, e.segment'
        ELSE
            format(
                'SELECT e.variant, e.segment, f.*
                FROM exposed AS e JOIN (
                    SELECT r.user_id%s
                    FROM requests AS r JOIN exposed AS e ON e.user_id = r.user_id AND r.occurred_at >= e.exposed_at%s
                    WHERE NOT e.is_mixed
                    GROUP BY r.user_id
                ) AS f ON f.user_id = e.user_id', wanted.figures, CASE WHEN cuped_days IS NOT NULL THEN ' - $6' END
            )
        END,
        CASE WHEN winsorize IS NULL THEN 'SELECT' ELSE format('SELECT count(*)%s FROM people AS p', wanted.caps) END, wanted.experiments
    ) USING since, until, LEAST(as_of, statement_timestamp()),
        CASE WHEN wanted.needs_end THEN user_metrics_internal.observed_until(relation, until, as_of) END, zone,
        cuped_days * interval '24 hours', winsorize, wanted.methods, better, wanted.better, names,
        control, alternative, confidence, correction, weights, function_name, wanted.quantiles;
    IF NOT FOUND THEN
        RAISE NOTICE '%: no user bears a variant under the name "%"', function_name, variant_name
            USING HINT = 'The argument variant names the column or property of the log that holds the variant.';
    END IF;
END
$$;
COMMENT ON FUNCTION user_metrics_internal.compare_log(text, regclass, text, text, text, text[], jsonb, text, text, double precision, text, jsonb, text, integer, double precision, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'ab_compare over a source, on behalf of the function named';

CREATE FUNCTION user_metrics.ab_compare(
    source regclass, metric text DEFAULT NULL, variant text DEFAULT 'variant', control text DEFAULT NULL,
    metrics text[] DEFAULT NULL, converted jsonb DEFAULT NULL, method text DEFAULT NULL,
    alternative text DEFAULT 'two_sided', confidence double precision DEFAULT 0.95, correction text DEFAULT 'holm',
    weights jsonb DEFAULT NULL, better text DEFAULT NULL, cuped_days integer DEFAULT NULL,
    winsorize double precision DEFAULT NULL, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, metric text, variant text, users bigint, mean double precision, sd double precision,
    control_mean double precision, difference double precision, difference_low double precision,
    difference_high double precision, relative_lift double precision, lift_low double precision,
    lift_high double precision, statistic double precision, df double precision, p_value double precision,
    p_adjusted double precision, always_valid_low double precision, always_valid_high double precision,
    probability_better double precision, expected_loss double precision, srm_p_value double precision, verdict text,
    reason text, missing_users bigint, mixed_users bigint
) LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
    SELECT r.segment, r.metric,
        r.variant, r.users, r.mean, r.sd, r.control_mean, r.difference, r.difference_low, r.difference_high,
        r.relative_lift, r.lift_low, r.lift_high, r.statistic, r.df, r.p_value, r.p_adjusted, r.always_valid_low,
        r.always_valid_high, r.probability_better, r.expected_loss, r.srm_p_value, r.verdict, r.reason,
        r.missing_users,
        r.mixed_users
    FROM user_metrics_internal.compare_log(
        'ab_compare', source, metric, variant, control, metrics, converted, method, alternative, confidence,
        correction, weights, better, cuped_days, winsorize, since, until, filter, by, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.ab_compare(regclass, text, text, text, text[], jsonb, text, text, double precision, text, jsonb, text, integer, double precision, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'every variant of an experiment in a log against its control, one row a variant, metric and segment: figures are made per user from the first request that bears a variant on; difference and lift with their bounds, test, always-valid bounds, chance to be better, sample ratio, verdict and why';

CREATE FUNCTION user_metrics.ab_compare(
    source text, metric text DEFAULT NULL, variant text DEFAULT 'variant', control text DEFAULT NULL,
    metrics text[] DEFAULT NULL, converted jsonb DEFAULT NULL, method text DEFAULT NULL,
    alternative text DEFAULT 'two_sided', confidence double precision DEFAULT 0.95, correction text DEFAULT 'holm',
    weights jsonb DEFAULT NULL, better text DEFAULT NULL, cuped_days integer DEFAULT NULL,
    winsorize double precision DEFAULT NULL, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, metric text, variant text, users bigint, mean double precision, sd double precision,
    control_mean double precision, difference double precision, difference_low double precision,
    difference_high double precision, relative_lift double precision, lift_low double precision,
    lift_high double precision, statistic double precision, df double precision, p_value double precision,
    p_adjusted double precision, always_valid_low double precision, always_valid_high double precision,
    probability_better double precision, expected_loss double precision, srm_p_value double precision, verdict text,
    reason text, missing_users bigint, mixed_users bigint
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.ab_compare(
        source::pg_catalog.regclass, metric, variant, control, metrics, converted, method, alternative, confidence,
        correction, weights, better, cuped_days, winsorize, since, until, filter, by, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.ab_compare(text, text, text, text, text[], jsonb, text, text, double precision, text, jsonb, text, integer, double precision, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'every variant of an experiment in a log against its control, one row a variant, metric and segment: figures are made per user from the first request that bears a variant on; difference and lift with their bounds, test, always-valid bounds, chance to be better, sample ratio, verdict and why; the source by name, as in ab_compare(''request_log'')';


CREATE FUNCTION user_metrics.ab_segments(
    source regclass, by text, metric text DEFAULT NULL, variant text DEFAULT 'variant', control text DEFAULT NULL,
    metrics text[] DEFAULT NULL, converted jsonb DEFAULT NULL, method text DEFAULT NULL,
    alternative text DEFAULT 'two_sided', confidence double precision DEFAULT 0.95, correction text DEFAULT 'holm',
    weights jsonb DEFAULT NULL, better text DEFAULT NULL, cuped_days integer DEFAULT NULL,
    winsorize double precision DEFAULT NULL, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, metric text, variant text, users bigint, mean double precision, control_mean double precision,
    difference double precision, difference_low double precision, difference_high double precision,
    relative_lift double precision, p_value double precision, p_adjusted double precision, verdict text, reason text,
    interaction_statistic double precision, interaction_df double precision, interaction_p_value double precision,
    interaction_p_adjusted double precision, interaction_verdict text
) LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
    WITH compared AS MATERIALIZED (
        SELECT row_number() OVER () AS place, r.*
        FROM user_metrics_internal.compare_log(
            'ab_segments', source, metric, variant, control, metrics, converted, method, alternative, confidence,
            correction, weights, better, cuped_days, winsorize, since, until, filter, by, timezone, as_of
        ) AS r
    ), effects AS (
        SELECT c.metric, c.variant, array_agg(c.difference ORDER BY c.place) AS differences,
            array_agg(c.standard_error ORDER BY c.place) AS errors
        FROM compared AS c
        WHERE c.verdict <> 'control'
        GROUP BY c.metric, c.variant
    ), tests AS (
        SELECT row_number() OVER (ORDER BY e.metric COLLATE "C", e.variant COLLATE "C") AS place, e.metric, e.variant, h.*
        FROM effects AS e CROSS JOIN LATERAL user_metrics_internal.heterogeneity(e.differences, e.errors) AS h
    ), adjusted AS (
        SELECT a.p_adjusted, a.place
        FROM unnest(user_metrics_internal.adjusted_p_values(
            (SELECT array_agg(t.p_value ORDER BY t.place) FROM tests AS t), correction
        )) WITH ORDINALITY AS a(p_adjusted, place)
    )
    SELECT c.segment, c.metric, c.variant, c.users, c.mean, c.control_mean, c.difference, c.difference_low, c.difference_high,
        c.relative_lift, c.p_value, c.p_adjusted, c.verdict, c.reason, t.statistic, t.df, t.p_value, a.p_adjusted,
        CASE
            WHEN t.metric IS NULL THEN NULL
            WHEN t.p_value IS NULL THEN 'too few segments'
            WHEN a.p_adjusted < 1 - COALESCE(confidence, 0.95) THEN 'differs'
            ELSE 'no evidence'
        END
    FROM compared AS c
    LEFT JOIN tests AS t ON t.metric = c.metric AND t.variant = c.variant AND c.verdict <> 'control'
    LEFT JOIN adjusted AS a ON a.place = t.place
    ORDER BY c.place
$$;
COMMENT ON FUNCTION user_metrics.ab_segments(regclass, text, text, text, text, text[], jsonb, text, text, double precision, text, jsonb, text, integer, double precision, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'every variant against its control within each segment of users, as ab_compare has it, and whether the effect differs from segment to segment by more than chance (Cochran''s Q, adjusted over metrics and variants); a user is in the segment of their first request with a variant';

CREATE FUNCTION user_metrics.ab_segments(
    source text, by text, metric text DEFAULT NULL, variant text DEFAULT 'variant', control text DEFAULT NULL,
    metrics text[] DEFAULT NULL, converted jsonb DEFAULT NULL, method text DEFAULT NULL,
    alternative text DEFAULT 'two_sided', confidence double precision DEFAULT 0.95, correction text DEFAULT 'holm',
    weights jsonb DEFAULT NULL, better text DEFAULT NULL, cuped_days integer DEFAULT NULL,
    winsorize double precision DEFAULT NULL, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, metric text, variant text, users bigint, mean double precision, control_mean double precision,
    difference double precision, difference_low double precision, difference_high double precision,
    relative_lift double precision, p_value double precision, p_adjusted double precision, verdict text, reason text,
    interaction_statistic double precision, interaction_df double precision, interaction_p_value double precision,
    interaction_p_adjusted double precision, interaction_verdict text
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.ab_segments(
        source::pg_catalog.regclass, by, metric, variant, control, metrics, converted, method, alternative,
        confidence, correction, weights, better, cuped_days, winsorize, since, until, filter, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.ab_segments(text, text, text, text, text, text[], jsonb, text, text, double precision, text, jsonb, text, integer, double precision, timestamptz, timestamptz, jsonb, text, timestamptz) IS
    'every variant against its control within each segment of users, as ab_compare has it, and whether the effect differs from segment to segment by more than chance (Cochran''s Q, adjusted over metrics and variants); a user is in the segment of their first request with a variant; the source by name, as in ab_segments(''request_log'', ''UserTier'')';
