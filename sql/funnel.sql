-- funnel: how far users get on a way of several steps. The type, rollup and its readouts; the other aggregates declare
-- themselves.

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
ALTER FUNCTION user_metrics.funnel_plan SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.steps_of_text SET SCHEMA user_metrics_internal;
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

-- The readouts over a source, and over a source by name. A literal is text first, so the name is found without a cast.

CREATE FUNCTION user_metrics.funnel(
    source regclass, steps jsonb, within interval DEFAULT '7 days', mode text DEFAULT 'ordered',
    exclude jsonb DEFAULT NULL, compatibility text DEFAULT 'standard',
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, step_number integer, step text, users bigint,
    from_previous_rate double precision, from_first_rate double precision, dropped_users bigint, open_users bigint,
    median_seconds double precision, p90_seconds double precision, rate_low double precision, rate_high double precision
) LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    plan record;
BEGIN
    -- What is wrong is refused before the log is read.
    SELECT p.* INTO plan
    FROM user_metrics_internal.funnel_plan('funnel', steps::text, exclude::text, within, mode, compatibility) AS p;
    RETURN QUERY EXECUTE user_metrics_internal.source_query(
        'funnel', user_metrics_internal.relation(source), ARRAY['steps', 'compatibility'],
        since, until, as_of, filter::text, by, timezone, plan.steps, plan.excluded
    ) USING since, until, LEAST(as_of, statement_timestamp()), as_of, plan.names, plan.compatibility, within, plan.mode;
END
$$;
COMMENT ON FUNCTION user_metrics.funnel(regclass, jsonb, interval, text, jsonb, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'how many users reached each step of a funnel, as shares of those who reached the step before and the first, how many dropped out before it, how many may still get there because their window has not elapsed, and how long the step took';

CREATE FUNCTION user_metrics.funnel(
    source text, steps jsonb, within interval DEFAULT '7 days', mode text DEFAULT 'ordered',
    exclude jsonb DEFAULT NULL, compatibility text DEFAULT 'standard',
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    filter jsonb DEFAULT NULL, by text DEFAULT NULL, timezone text DEFAULT NULL, as_of timestamptz DEFAULT NULL
) RETURNS TABLE (
    segment text, step_number integer, step text, users bigint,
    from_previous_rate double precision, from_first_rate double precision, dropped_users bigint, open_users bigint,
    median_seconds double precision, p90_seconds double precision, rate_low double precision, rate_high double precision
) LANGUAGE sql STABLE PARALLEL RESTRICTED
AS $$
    SELECT r.* FROM user_metrics.funnel(
        source::pg_catalog.regclass, steps, within, mode, exclude, compatibility, since, until, filter, by, timezone, as_of
    ) AS r
$$;
COMMENT ON FUNCTION user_metrics.funnel(text, jsonb, interval, text, jsonb, text, timestamptz, timestamptz, jsonb, text, text, timestamptz) IS
    'how many users reached each step of a funnel, as shares of those who reached the step before and the first, how many dropped out before it, how many may still get there because their window has not elapsed, and how long the step took; the source by name, as in funnel(''request_log'', …)';
