-- survival: how long until something happens. The type, its aggregates and logrank; the other readouts declare themselves.

ALTER FUNCTION user_metrics.survival_transition SET SCHEMA user_metrics_internal;
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
    'how long it took until something happened, or how long it had not; merges exactly with rollup(), read by survival_curve() and the like';

-- SSPACE is what a group of some hundred distinct durations takes; a hash aggregate plans with it.

CREATE AGGREGATE user_metrics.survival(duration_seconds double precision, happened boolean) (
    SFUNC = user_metrics_internal.survival_transition, STYPE = internal, SSPACE = 4096,
    FINALFUNC = user_metrics_internal.survival_finish, COMBINEFUNC = user_metrics_internal.survival_combine,
    SERIALFUNC = user_metrics_internal.survival_serialize, DESERIALFUNC = user_metrics_internal.survival_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.survival(double precision, boolean) IS
    'how long it took until something happened (true), or how long it had been observed not to (false), in seconds; where either is NULL the row is not counted, and a duration below 0 or not finite is left out and counted as such';

CREATE AGGREGATE user_metrics.rollup(value user_metrics.survival) (
    SFUNC = user_metrics_internal.survival_rollup, STYPE = internal, SSPACE = 4096,
    FINALFUNC = user_metrics_internal.survival_finish, COMBINEFUNC = user_metrics_internal.survival_combine,
    SERIALFUNC = user_metrics_internal.survival_serialize, DESERIALFUNC = user_metrics_internal.survival_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.rollup(user_metrics.survival) IS 'merges stored durations into one value, exactly';

CREATE FUNCTION user_metrics.logrank(durations user_metrics.survival[]) RETURNS TABLE (
    groups bigint, statistic double precision, degrees_of_freedom bigint, p_value double precision
) LANGUAGE sql STABLE PARALLEL SAFE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
    SELECT r.*
    FROM user_metrics_internal.logrank_of_bytes(
        ARRAY(SELECT user_metrics_internal.survival_send(v.value) FROM unnest($1) AS v(value) WHERE v.value IS NOT NULL)
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.logrank(user_metrics.survival[]) IS
    'whether it happens equally soon in several groups (log-rank test), one value a group: the chance of groups at least so far apart if it did; NULL where they cannot be compared';
