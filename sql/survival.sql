-- survival: durations, with event or censored. The type, its aggregates and logrank; the other functions are generated.

ALTER FUNCTION user_metrics.survival_transition(internal, double precision, boolean) SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.survival_transition(internal, double precision, boolean, double precision)
    SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.survival_rollup SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.survival_combine SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.survival_serialize SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.survival_deserialize SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.survival_finish SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.survival_in SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.survival_out SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.survival_receive SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.survival_send SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.logrank_of_bytes SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics_internal.logrank_of_bytes ROWS 1;

CREATE TYPE user_metrics.survival (
    INPUT = user_metrics_internal.survival_in,
    OUTPUT = user_metrics_internal.survival_out,
    RECEIVE = user_metrics_internal.survival_receive,
    SEND = user_metrics_internal.survival_send,
    INTERNALLENGTH = VARIABLE,
    STORAGE = extended
);
COMMENT ON TYPE user_metrics.survival IS
    'times to an event, with right-censored times of subjects without the event; merged exactly by rollup(), read by survival_curve() and related functions';

-- SSPACE is the size of a group of some hundred distinct durations; a hash aggregate plans with it.

CREATE AGGREGATE user_metrics.survival(duration_seconds double precision, happened boolean) (
    SFUNC = user_metrics_internal.survival_transition, STYPE = internal, SSPACE = 4096,
    FINALFUNC = user_metrics_internal.survival_finish, COMBINEFUNC = user_metrics_internal.survival_combine,
    SERIALFUNC = user_metrics_internal.survival_serialize, DESERIALFUNC = user_metrics_internal.survival_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.survival(double precision, boolean) IS
    'times to an event (true) and right-censored times without the event (false), in seconds; a row with a NULL is not counted, and a duration below 0 or not finite is left out and counted as left out';

CREATE AGGREGATE user_metrics.survival(duration_seconds double precision, happened boolean, entry_seconds double precision) (
    SFUNC = user_metrics_internal.survival_transition, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.survival_finish, COMBINEFUNC = user_metrics_internal.survival_combine,
    SERIALFUNC = user_metrics_internal.survival_serialize, DESERIALFUNC = user_metrics_internal.survival_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.survival(double precision, boolean, double precision) IS
    'the same for subjects who came under observation only entry_seconds after the start (left truncation): they are at risk after that; a duration that does not end after it is left out and counted as left out';

CREATE AGGREGATE user_metrics.rollup(value user_metrics.survival) (
    SFUNC = user_metrics_internal.survival_rollup, STYPE = internal, SSPACE = 4096,
    FINALFUNC = user_metrics_internal.survival_finish, COMBINEFUNC = user_metrics_internal.survival_combine,
    SERIALFUNC = user_metrics_internal.survival_serialize, DESERIALFUNC = user_metrics_internal.survival_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.rollup(user_metrics.survival) IS 'exact union of stored durations';

-- Groups and strata are numbered here, so that their names stay in the encoding of the database. A value without names is a
-- group of its own.
CREATE FUNCTION user_metrics.logrank(
    durations user_metrics.survival[], group_names text[] DEFAULT NULL, strata text[] DEFAULT NULL,
    weighting text DEFAULT 'logrank'
) RETURNS TABLE (
    groups bigint, statistic double precision, degrees_of_freedom bigint, p_value double precision
) LANGUAGE sql STABLE PARALLEL SAFE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
    WITH given AS (
        SELECT v.value, v.n, CASE WHEN $2 IS NULL THEN row_number() OVER (ORDER BY v.n)
            ELSE dense_rank() OVER (ORDER BY v.name COLLATE "C") END AS group_number,
            dense_rank() OVER (ORDER BY v.stratum COLLATE "C") AS stratum_number
        FROM unnest($1, $2, $3) WITH ORDINALITY AS v(value, name, stratum, n) WHERE v.value IS NOT NULL
    )
    SELECT r.*
    FROM user_metrics_internal.logrank_of_bytes(
        ARRAY(SELECT user_metrics_internal.survival_send(g.value) FROM given AS g ORDER BY g.n),
        ARRAY(SELECT g.group_number FROM given AS g ORDER BY g.n),
        ARRAY(SELECT g.stratum_number FROM given AS g ORDER BY g.n),
        ARRAY[COALESCE(cardinality($1), 0), COALESCE(cardinality($2), -1), COALESCE(cardinality($3), -1)],
        COALESCE($4, 'logrank')
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.logrank(user_metrics.survival[], text[], text[], text) IS
    'log-rank test of whether the event happens equally soon in several groups, given one value per group, or with group_names and strata one per group and stratum: p_value is the probability of a difference at least as large if it does; NULL if the groups cannot be compared; weighting is logrank, wilcoxon, tarone_ware or peto';
