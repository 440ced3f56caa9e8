-- activity: who was active on which local day. The type, rollup and its accessors; the other aggregates and the readouts
-- declare themselves.

-- Machinery moves out of the users' sight (pgrx could declare its schema only with IF NOT EXISTS).
ALTER FUNCTION user_metrics.activity_rollup SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.activity_combine SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.activity_serialize SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.activity_deserialize SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.activity_finish SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.activity_in SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.activity_out SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.activity_receive SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.activity_send SET SCHEMA user_metrics_internal;
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
    'per user the set of local days with at least one request; merges exactly with rollup(), read by retention_matrix() and the like';

CREATE AGGREGATE user_metrics.rollup(value user_metrics.activity) (
    SFUNC = user_metrics_internal.activity_rollup, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.activity_finish, COMBINEFUNC = user_metrics_internal.activity_combine,
    SERIALFUNC = user_metrics_internal.activity_serialize, DESERIALFUNC = user_metrics_internal.activity_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.rollup(user_metrics.activity) IS
    'merges stored activities of one time zone and one type of user id: the same bytes as one pass over all their rows';

COMMENT ON FUNCTION user_metrics.users(user_metrics.activity) IS 'how many distinct users an activity has';
COMMENT ON FUNCTION user_metrics.first_day(user_metrics.activity) IS 'the first local day anybody was active';
COMMENT ON FUNCTION user_metrics.last_day(user_metrics.activity) IS 'the last local day anybody was active';
COMMENT ON FUNCTION user_metrics.without_users(user_metrics.activity, text[]) IS
    'the same activity without the given users (their ids as text, whatever the type of the log''s ids)';
