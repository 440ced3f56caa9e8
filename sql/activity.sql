-- activity: the exact set of active days of each user. The type, rollup and its accessors; the other aggregates and
-- functions are generated.

-- Internal functions are moved to another schema (pgrx could declare it only with IF NOT EXISTS).
ALTER FUNCTION user_metrics.activity_rollup SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.activity_combine SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.activity_serialize SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.activity_deserialize SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.activity_finish SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.activity_in SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.activity_out SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.activity_receive SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.activity_send SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.has_users(user_metrics.activity) SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.last_request SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.live_states SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.peak_state_memory SET SCHEMA user_metrics_internal;

CREATE TYPE user_metrics.activity (
    INPUT = user_metrics_internal.activity_in,
    OUTPUT = user_metrics_internal.activity_out,
    RECEIVE = user_metrics_internal.activity_receive,
    SEND = user_metrics_internal.activity_send,
    INTERNALLENGTH = VARIABLE,
    STORAGE = extended
);
COMMENT ON TYPE user_metrics.activity IS
    'set of local days with at least one request, for each user; merged exactly by rollup(), read by retention_matrix() and related functions';

CREATE AGGREGATE user_metrics.rollup(value user_metrics.activity) (
    SFUNC = user_metrics_internal.activity_rollup, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.activity_finish, COMBINEFUNC = user_metrics_internal.activity_combine,
    SERIALFUNC = user_metrics_internal.activity_serialize, DESERIALFUNC = user_metrics_internal.activity_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.rollup(user_metrics.activity) IS
    'union of stored activities with the same time zone and type of user id; identical, byte for byte, to the activity of all their rows';

COMMENT ON FUNCTION user_metrics.users(user_metrics.activity) IS
    'number of distinct users in an activity; NULL if they are too few to show';
COMMENT ON FUNCTION user_metrics.first_day(user_metrics.activity) IS
    'first local day with an active user; NULL if the activity has too few users to show';
COMMENT ON FUNCTION user_metrics.last_day(user_metrics.activity) IS
    'last local day with an active user; NULL if the activity has too few users to show';
COMMENT ON FUNCTION user_metrics.without_users(user_metrics.activity, text[]) IS
    'activity without the given users; ids are given as text, whatever their type in the log';
ALTER FUNCTION user_metrics.of_users(user_metrics.activity, text, text) SET SCHEMA user_metrics_internal;
COMMENT ON FUNCTION user_metrics_internal.of_users(user_metrics.activity, text, text) IS
    'the value of a log without excluded users; a notice if it has no others';
COMMENT ON FUNCTION user_metrics.without_excluded_users(user_metrics.activity) IS
    'activity without anonymous and opted-out users, as functions over a log exclude them; for values that are stored';
