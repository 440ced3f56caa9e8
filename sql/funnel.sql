-- funnel: step events of each user. The type, rollup and its accessors; the other aggregates and functions are generated.

-- Internal functions are moved to another schema (pgrx could declare it only with IF NOT EXISTS).
ALTER FUNCTION user_metrics.funnel_rollup SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.funnel_combine SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.funnel_serialize SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.funnel_deserialize SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.funnel_finish SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.funnel_in SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.funnel_out SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.funnel_receive SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.funnel_send SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.last_request(user_metrics.funnel) SET SCHEMA user_metrics_internal;

CREATE TYPE user_metrics.funnel (
    INPUT = user_metrics_internal.funnel_in,
    OUTPUT = user_metrics_internal.funnel_out,
    RECEIVE = user_metrics_internal.funnel_receive,
    SEND = user_metrics_internal.funnel_send,
    INTERNALLENGTH = VARIABLE,
    STORAGE = extended
);
COMMENT ON TYPE user_metrics.funnel IS
    'funnel events of each user; merged exactly by rollup(), read by funnel_steps()';

CREATE AGGREGATE user_metrics.rollup(value user_metrics.funnel) (
    SFUNC = user_metrics_internal.funnel_rollup, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.funnel_finish, COMBINEFUNC = user_metrics_internal.funnel_combine,
    SERIALFUNC = user_metrics_internal.funnel_serialize, DESERIALFUNC = user_metrics_internal.funnel_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.rollup(user_metrics.funnel) IS
    'union of stored funnels with the same steps, window, mode and type of user id; identical, byte for byte, to the funnel of all their rows';

COMMENT ON FUNCTION user_metrics.users(user_metrics.funnel) IS
    'number of distinct users with events in the funnel, including those who never started it; NULL if they are too few to show';
COMMENT ON FUNCTION user_metrics.without_users(user_metrics.funnel, text[]) IS
    'funnel without the given users; ids are given as text, whatever their type in the log';
COMMENT ON FUNCTION user_metrics.without_excluded_users(user_metrics.funnel) IS
    'funnel without anonymous and opted-out users, as functions over a log exclude them; for values that are stored';
