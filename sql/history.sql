-- The aggregate behind folds: each user's requests in time order, handed to the function that runs the query; SQL gets
-- whether there are any. Its arguments are a plan, the user, the time and the columns of the plan, in the log's types.

CREATE FUNCTION user_metrics_internal.history_transition(state internal, plan text, VARIADIC requests "any") RETURNS internal
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'history_transition';
CREATE FUNCTION user_metrics_internal.history_combine(into_state internal, from_state internal) RETURNS internal
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'history_combine';
CREATE FUNCTION user_metrics_internal.history_serialize(state internal) RETURNS bytea
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'history_serialize';
CREATE FUNCTION user_metrics_internal.history_deserialize(bytes bytea, state internal) RETURNS internal
LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'history_deserialize';
CREATE FUNCTION user_metrics_internal.history_finish(state internal) RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'history_finish';
CREATE AGGREGATE user_metrics_internal.history(plan text, VARIADIC requests "any") (
    SFUNC = user_metrics_internal.history_transition, STYPE = internal, SSPACE = 1000000,
    FINALFUNC = user_metrics_internal.history_finish, FINALFUNC_MODIFY = READ_WRITE,
    COMBINEFUNC = user_metrics_internal.history_combine, SERIALFUNC = user_metrics_internal.history_serialize,
    DESERIALFUNC = user_metrics_internal.history_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE user_metrics_internal.history(text, VARIADIC "any") IS
    'requests of each user in order of time, for the function that runs the query; NULL for any other caller';
