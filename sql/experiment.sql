-- experiment: the values of users by variant. The type and its aggregates; the functions that read it are generated.

-- Internal functions are moved to another schema (pgrx could declare it only with IF NOT EXISTS).
ALTER FUNCTION user_metrics.experiment_mean SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.experiment_adjusted SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.experiment_of_ratio SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.experiment_of_sample SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.experiment_of_lists SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.experiment_rollup SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.experiment_combine SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.experiment_serialize SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.experiment_deserialize SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.experiment_finish SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.experiment_in SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.experiment_out SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.experiment_receive SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.experiment_send SET SCHEMA user_metrics_internal;

CREATE TYPE user_metrics.experiment_moments (
    INPUT = user_metrics_internal.experiment_in,
    OUTPUT = user_metrics_internal.experiment_out,
    RECEIVE = user_metrics_internal.experiment_receive,
    SEND = user_metrics_internal.experiment_send,
    INTERNALLENGTH = VARIABLE,
    STORAGE = extended
);
COMMENT ON TYPE user_metrics.experiment_moments IS
    'number of users and exact sums of their values, for each variant of an experiment; merged exactly by rollup(), read by ab_compare()';

-- SSPACE is the size of a group of two or three variants; a hash aggregate plans with it.

CREATE AGGREGATE user_metrics.experiment(variant text, value double precision) (
    SFUNC = user_metrics_internal.experiment_mean, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.experiment_finish, COMBINEFUNC = user_metrics_internal.experiment_combine,
    SERIALFUNC = user_metrics_internal.experiment_serialize, DESERIALFUNC = user_metrics_internal.experiment_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.experiment(text, double precision) IS
    'number of users and moments of their values by variant, from one row per user; a user whose value is NULL or not finite is counted without a value';

CREATE AGGREGATE user_metrics.experiment(variant text, value double precision, covariate double precision) (
    SFUNC = user_metrics_internal.experiment_adjusted, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.experiment_finish, COMBINEFUNC = user_metrics_internal.experiment_combine,
    SERIALFUNC = user_metrics_internal.experiment_serialize, DESERIALFUNC = user_metrics_internal.experiment_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.experiment(text, double precision, double precision) IS
    'number of users and moments of their values by variant, with a covariate known before the experiment, from one row per user; the variance that the covariate explains is removed from the comparison (CUPED), and a user whose covariate is NULL, NaN or infinite has no value';

CREATE AGGREGATE user_metrics.experiment_ratio(variant text, numerator double precision, denominator double precision) (
    SFUNC = user_metrics_internal.experiment_of_ratio, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.experiment_finish, COMBINEFUNC = user_metrics_internal.experiment_combine,
    SERIALFUNC = user_metrics_internal.experiment_serialize, DESERIALFUNC = user_metrics_internal.experiment_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.experiment_ratio(text, double precision, double precision) IS
    'number of users and moments of two values by variant, whose sums form a ratio, such as successes over requests or cost over sessions; from one row per user';

CREATE AGGREGATE user_metrics.experiment_sample(variant text, value double precision) (
    SFUNC = user_metrics_internal.experiment_of_sample, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.experiment_finish, COMBINEFUNC = user_metrics_internal.experiment_combine,
    SERIALFUNC = user_metrics_internal.experiment_serialize, DESERIALFUNC = user_metrics_internal.experiment_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.experiment_sample(text, double precision) IS
    'values of all users by variant, 8 bytes each, for comparison of ranks (method => ''mann_whitney'') as well as means; from one row per user';

CREATE AGGREGATE user_metrics.experiment_lists(variant text, list double precision[]) (
    SFUNC = user_metrics_internal.experiment_of_lists, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.experiment_finish, COMBINEFUNC = user_metrics_internal.experiment_combine,
    SERIALFUNC = user_metrics_internal.experiment_serialize, DESERIALFUNC = user_metrics_internal.experiment_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.experiment_lists(text, double precision[]) IS
    'all values of all users by variant, 8 bytes each, for comparison of quantiles over all values (method => ''quantile''); from one row per user with an array of values';

CREATE AGGREGATE user_metrics.rollup(value user_metrics.experiment_moments) (
    SFUNC = user_metrics_internal.experiment_rollup, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.experiment_finish, COMBINEFUNC = user_metrics_internal.experiment_combine,
    SERIALFUNC = user_metrics_internal.experiment_serialize, DESERIALFUNC = user_metrics_internal.experiment_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.rollup(user_metrics.experiment_moments) IS
    'union of stored values of the same aggregate over different users; identical, byte for byte, to the value of all their rows';
