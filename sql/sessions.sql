-- sessions: requests grouped into sessions. The type, rollup and its accessors; the other aggregates and functions are
-- generated.

-- Internal functions are moved to another schema (pgrx could declare it only with IF NOT EXISTS).
ALTER FUNCTION user_metrics.sessions_rollup SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_combine SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_serialize SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_deserialize SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_finish SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_in SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_out SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_receive SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.sessions_send SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.has_users(user_metrics.sessions) SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.session_key SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.session_reach SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.last_request(user_metrics.sessions) SET SCHEMA user_metrics_internal;

CREATE TYPE user_metrics.sessions (
    INPUT = user_metrics_internal.sessions_in,
    OUTPUT = user_metrics_internal.sessions_out,
    RECEIVE = user_metrics_internal.sessions_receive,
    SEND = user_metrics_internal.sessions_send,
    INTERNALLENGTH = VARIABLE,
    STORAGE = extended
);
COMMENT ON TYPE user_metrics.sessions IS
    'sessions of each user with their requests, errors and outcome; merged exactly by rollup(), read by session_stats() and related functions';

CREATE AGGREGATE user_metrics.rollup(value user_metrics.sessions) (
    SFUNC = user_metrics_internal.sessions_rollup, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.sessions_finish, COMBINEFUNC = user_metrics_internal.sessions_combine,
    SERIALFUNC = user_metrics_internal.sessions_serialize, DESERIALFUNC = user_metrics_internal.sessions_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.rollup(user_metrics.sessions) IS
    'union of stored sessions with the same limits and type of user id; identical, byte for byte, to the sessions of all their rows';

COMMENT ON FUNCTION user_metrics.users(user_metrics.sessions) IS
    'number of distinct users with sessions; NULL if they are too few to show';
COMMENT ON FUNCTION user_metrics.without_users(user_metrics.sessions, text[]) IS
    'sessions without those of the given users; ids are given as text, whatever their type in the log';
ALTER FUNCTION user_metrics.of_users(user_metrics.sessions, text, text) SET SCHEMA user_metrics_internal;
COMMENT ON FUNCTION user_metrics_internal.of_users(user_metrics.sessions, text, text) IS
    'the value of a log without excluded users; a notice if it has no others';
COMMENT ON FUNCTION user_metrics.without_excluded_users(user_metrics.sessions) IS
    'sessions without anonymous and opted-out users, as functions over a log exclude them; for values that are stored';
