-- funnel: how far users get on a way of several steps. The type, rollup and its accessors; the other aggregates and the readouts
-- declare themselves.

-- Machinery moves out of the users' sight (pgrx could declare its schema only with IF NOT EXISTS).
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
    'per user the events that are steps of a funnel; merges exactly with rollup(), read by funnel_steps()';

CREATE AGGREGATE user_metrics.rollup(value user_metrics.funnel) (
    SFUNC = user_metrics_internal.funnel_rollup, STYPE = internal, SSPACE = 8192,
    FINALFUNC = user_metrics_internal.funnel_finish, COMBINEFUNC = user_metrics_internal.funnel_combine,
    SERIALFUNC = user_metrics_internal.funnel_serialize, DESERIALFUNC = user_metrics_internal.funnel_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics.rollup(user_metrics.funnel) IS
    'merges stored funnels of the same steps, window and mode and one type of user id: the same bytes as one pass over all their rows';

COMMENT ON FUNCTION user_metrics.users(user_metrics.funnel) IS
    'how many distinct users have events in the funnel, also of those who never began it';
COMMENT ON FUNCTION user_metrics.without_users(user_metrics.funnel, text[]) IS
    'the same funnel without the given users (their ids as text, whatever the type of the log''s ids)';
