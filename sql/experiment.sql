-- experiment: the figures of users by variant. The type and its aggregates; what is made of it is in comparison.sql.

-- Machinery moves out of the users' sight (pgrx could declare its schema only with IF NOT EXISTS).
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
    'per variant of an experiment the number of users and the exact sums of their figures; merges exactly with rollup(), read by ab_compare()';

-- SSPACE is what a group of two or three variants takes; a hash aggregate plans with it.

CREATE AGGREGATE user_metrics.experiment(variant text, value double precision) (
    SFUNC = user_metrics_internal.experiment_mean, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.experiment_finish, COMBINEFUNC = user_metrics_internal.experiment_combine,
    SERIALFUNC = user_metrics_internal.experiment_serialize, DESERIALFUNC = user_metrics_internal.experiment_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.experiment(text, double precision) IS
    'users by variant and the moments of their figures, one row a user; a user whose figure is NULL or not finite is counted and has none';

CREATE AGGREGATE user_metrics.experiment(variant text, value double precision, covariate double precision) (
    SFUNC = user_metrics_internal.experiment_adjusted, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.experiment_finish, COMBINEFUNC = user_metrics_internal.experiment_combine,
    SERIALFUNC = user_metrics_internal.experiment_serialize, DESERIALFUNC = user_metrics_internal.experiment_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.experiment(text, double precision, double precision) IS
    'the same with what was known of each user before the experiment: variance that this explains is taken out of the comparison (CUPED); NULL is 0';

CREATE AGGREGATE user_metrics.experiment_ratio(variant text, numerator double precision, denominator double precision) (
    SFUNC = user_metrics_internal.experiment_of_ratio, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.experiment_finish, COMBINEFUNC = user_metrics_internal.experiment_combine,
    SERIALFUNC = user_metrics_internal.experiment_serialize, DESERIALFUNC = user_metrics_internal.experiment_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.experiment_ratio(text, double precision, double precision) IS
    'users by variant and the moments of two figures, whose sums are divided: successes over requests, cost over sessions; one row a user';

CREATE AGGREGATE user_metrics.experiment_sample(variant text, value double precision) (
    SFUNC = user_metrics_internal.experiment_of_sample, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.experiment_finish, COMBINEFUNC = user_metrics_internal.experiment_combine,
    SERIALFUNC = user_metrics_internal.experiment_serialize, DESERIALFUNC = user_metrics_internal.experiment_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.experiment_sample(text, double precision) IS
    'users by variant with every figure kept, 8 bytes each, so that ranks can be compared (method => ''mann_whitney'') beside means; one row a user';

CREATE AGGREGATE user_metrics.experiment_lists(variant text, list double precision[]) (
    SFUNC = user_metrics_internal.experiment_of_lists, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.experiment_finish, COMBINEFUNC = user_metrics_internal.experiment_combine,
    SERIALFUNC = user_metrics_internal.experiment_serialize, DESERIALFUNC = user_metrics_internal.experiment_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.experiment_lists(text, double precision[]) IS
    'users by variant with all their figures kept, 8 bytes each, so that quantiles over all of them can be compared (method => ''quantile''); one row a user with the array of their figures';

CREATE AGGREGATE user_metrics.rollup(value user_metrics.experiment_moments) (
    SFUNC = user_metrics_internal.experiment_rollup, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.experiment_finish, COMBINEFUNC = user_metrics_internal.experiment_combine,
    SERIALFUNC = user_metrics_internal.experiment_serialize, DESERIALFUNC = user_metrics_internal.experiment_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.rollup(user_metrics.experiment_moments) IS
    'merges stored values of the same aggregate over different users: the same bytes as one pass over all their rows';
