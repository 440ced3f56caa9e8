-- Made from core/src/catalog/stored.rs; do not edit: cargo run -p user_metrics_core --example generate.
-- Equality of stored values: for DISTINCT, GROUP BY, set operations and replication of tables without a key.

CREATE FUNCTION user_metrics_internal.activity_eq(user_metrics.activity, user_metrics.activity) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'stored_equal';
CREATE FUNCTION user_metrics_internal.activity_ne(user_metrics.activity, user_metrics.activity) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'stored_unequal';
CREATE FUNCTION user_metrics_internal.activity_hash(user_metrics.activity) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'stored_hash';
CREATE FUNCTION user_metrics_internal.activity_hash_extended(user_metrics.activity, bigint) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'stored_hash_extended';
CREATE OPERATOR user_metrics.= (
    LEFTARG = user_metrics.activity, RIGHTARG = user_metrics.activity, FUNCTION = user_metrics_internal.activity_eq,
    COMMUTATOR = OPERATOR(user_metrics.=), NEGATOR = OPERATOR(user_metrics.<>),
    RESTRICT = pg_catalog.eqsel, JOIN = pg_catalog.eqjoinsel, HASHES
);
COMMENT ON OPERATOR user_metrics.= (user_metrics.activity, user_metrics.activity) IS 'whether two values have the same content';
CREATE OPERATOR user_metrics.<> (
    LEFTARG = user_metrics.activity, RIGHTARG = user_metrics.activity, FUNCTION = user_metrics_internal.activity_ne,
    COMMUTATOR = OPERATOR(user_metrics.<>), NEGATOR = OPERATOR(user_metrics.=),
    RESTRICT = pg_catalog.neqsel, JOIN = pg_catalog.neqjoinsel
);
COMMENT ON OPERATOR user_metrics.<> (user_metrics.activity, user_metrics.activity) IS 'whether two values differ in content';
CREATE OPERATOR CLASS user_metrics.activity_ops DEFAULT FOR TYPE user_metrics.activity USING hash AS
    OPERATOR 1 user_metrics.=,
    FUNCTION 1 user_metrics_internal.activity_hash(user_metrics.activity),
    FUNCTION 2 user_metrics_internal.activity_hash_extended(user_metrics.activity, bigint);
COMMENT ON OPERATOR CLASS user_metrics.activity_ops USING hash IS 'equality of content';
COMMENT ON OPERATOR FAMILY user_metrics.activity_ops USING hash IS 'equality of content';

CREATE FUNCTION user_metrics_internal.sessions_eq(user_metrics.sessions, user_metrics.sessions) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'stored_equal';
CREATE FUNCTION user_metrics_internal.sessions_ne(user_metrics.sessions, user_metrics.sessions) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'stored_unequal';
CREATE FUNCTION user_metrics_internal.sessions_hash(user_metrics.sessions) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'stored_hash';
CREATE FUNCTION user_metrics_internal.sessions_hash_extended(user_metrics.sessions, bigint) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'stored_hash_extended';
CREATE OPERATOR user_metrics.= (
    LEFTARG = user_metrics.sessions, RIGHTARG = user_metrics.sessions, FUNCTION = user_metrics_internal.sessions_eq,
    COMMUTATOR = OPERATOR(user_metrics.=), NEGATOR = OPERATOR(user_metrics.<>),
    RESTRICT = pg_catalog.eqsel, JOIN = pg_catalog.eqjoinsel, HASHES
);
COMMENT ON OPERATOR user_metrics.= (user_metrics.sessions, user_metrics.sessions) IS 'whether two values have the same content';
CREATE OPERATOR user_metrics.<> (
    LEFTARG = user_metrics.sessions, RIGHTARG = user_metrics.sessions, FUNCTION = user_metrics_internal.sessions_ne,
    COMMUTATOR = OPERATOR(user_metrics.<>), NEGATOR = OPERATOR(user_metrics.=),
    RESTRICT = pg_catalog.neqsel, JOIN = pg_catalog.neqjoinsel
);
COMMENT ON OPERATOR user_metrics.<> (user_metrics.sessions, user_metrics.sessions) IS 'whether two values differ in content';
CREATE OPERATOR CLASS user_metrics.sessions_ops DEFAULT FOR TYPE user_metrics.sessions USING hash AS
    OPERATOR 1 user_metrics.=,
    FUNCTION 1 user_metrics_internal.sessions_hash(user_metrics.sessions),
    FUNCTION 2 user_metrics_internal.sessions_hash_extended(user_metrics.sessions, bigint);
COMMENT ON OPERATOR CLASS user_metrics.sessions_ops USING hash IS 'equality of content';
COMMENT ON OPERATOR FAMILY user_metrics.sessions_ops USING hash IS 'equality of content';

CREATE FUNCTION user_metrics_internal.funnel_eq(user_metrics.funnel, user_metrics.funnel) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'stored_equal';
CREATE FUNCTION user_metrics_internal.funnel_ne(user_metrics.funnel, user_metrics.funnel) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'stored_unequal';
CREATE FUNCTION user_metrics_internal.funnel_hash(user_metrics.funnel) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'stored_hash';
CREATE FUNCTION user_metrics_internal.funnel_hash_extended(user_metrics.funnel, bigint) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'stored_hash_extended';
CREATE OPERATOR user_metrics.= (
    LEFTARG = user_metrics.funnel, RIGHTARG = user_metrics.funnel, FUNCTION = user_metrics_internal.funnel_eq,
    COMMUTATOR = OPERATOR(user_metrics.=), NEGATOR = OPERATOR(user_metrics.<>),
    RESTRICT = pg_catalog.eqsel, JOIN = pg_catalog.eqjoinsel, HASHES
);
COMMENT ON OPERATOR user_metrics.= (user_metrics.funnel, user_metrics.funnel) IS 'whether two values have the same content';
CREATE OPERATOR user_metrics.<> (
    LEFTARG = user_metrics.funnel, RIGHTARG = user_metrics.funnel, FUNCTION = user_metrics_internal.funnel_ne,
    COMMUTATOR = OPERATOR(user_metrics.<>), NEGATOR = OPERATOR(user_metrics.=),
    RESTRICT = pg_catalog.neqsel, JOIN = pg_catalog.neqjoinsel
);
COMMENT ON OPERATOR user_metrics.<> (user_metrics.funnel, user_metrics.funnel) IS 'whether two values differ in content';
CREATE OPERATOR CLASS user_metrics.funnel_ops DEFAULT FOR TYPE user_metrics.funnel USING hash AS
    OPERATOR 1 user_metrics.=,
    FUNCTION 1 user_metrics_internal.funnel_hash(user_metrics.funnel),
    FUNCTION 2 user_metrics_internal.funnel_hash_extended(user_metrics.funnel, bigint);
COMMENT ON OPERATOR CLASS user_metrics.funnel_ops USING hash IS 'equality of content';
COMMENT ON OPERATOR FAMILY user_metrics.funnel_ops USING hash IS 'equality of content';

CREATE FUNCTION user_metrics_internal.survival_eq(user_metrics.survival, user_metrics.survival) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'stored_equal';
CREATE FUNCTION user_metrics_internal.survival_ne(user_metrics.survival, user_metrics.survival) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'stored_unequal';
CREATE FUNCTION user_metrics_internal.survival_hash(user_metrics.survival) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'stored_hash';
CREATE FUNCTION user_metrics_internal.survival_hash_extended(user_metrics.survival, bigint) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'stored_hash_extended';
CREATE OPERATOR user_metrics.= (
    LEFTARG = user_metrics.survival, RIGHTARG = user_metrics.survival, FUNCTION = user_metrics_internal.survival_eq,
    COMMUTATOR = OPERATOR(user_metrics.=), NEGATOR = OPERATOR(user_metrics.<>),
    RESTRICT = pg_catalog.eqsel, JOIN = pg_catalog.eqjoinsel, HASHES
);
COMMENT ON OPERATOR user_metrics.= (user_metrics.survival, user_metrics.survival) IS 'whether two values have the same content';
CREATE OPERATOR user_metrics.<> (
    LEFTARG = user_metrics.survival, RIGHTARG = user_metrics.survival, FUNCTION = user_metrics_internal.survival_ne,
    COMMUTATOR = OPERATOR(user_metrics.<>), NEGATOR = OPERATOR(user_metrics.=),
    RESTRICT = pg_catalog.neqsel, JOIN = pg_catalog.neqjoinsel
);
COMMENT ON OPERATOR user_metrics.<> (user_metrics.survival, user_metrics.survival) IS 'whether two values differ in content';
CREATE OPERATOR CLASS user_metrics.survival_ops DEFAULT FOR TYPE user_metrics.survival USING hash AS
    OPERATOR 1 user_metrics.=,
    FUNCTION 1 user_metrics_internal.survival_hash(user_metrics.survival),
    FUNCTION 2 user_metrics_internal.survival_hash_extended(user_metrics.survival, bigint);
COMMENT ON OPERATOR CLASS user_metrics.survival_ops USING hash IS 'equality of content';
COMMENT ON OPERATOR FAMILY user_metrics.survival_ops USING hash IS 'equality of content';

CREATE FUNCTION user_metrics_internal.experiment_moments_eq(user_metrics.experiment_moments, user_metrics.experiment_moments) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'stored_equal';
CREATE FUNCTION user_metrics_internal.experiment_moments_ne(user_metrics.experiment_moments, user_metrics.experiment_moments) RETURNS boolean
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'stored_unequal';
CREATE FUNCTION user_metrics_internal.experiment_moments_hash(user_metrics.experiment_moments) RETURNS integer
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'stored_hash';
CREATE FUNCTION user_metrics_internal.experiment_moments_hash_extended(user_metrics.experiment_moments, bigint) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'stored_hash_extended';
CREATE OPERATOR user_metrics.= (
    LEFTARG = user_metrics.experiment_moments, RIGHTARG = user_metrics.experiment_moments, FUNCTION = user_metrics_internal.experiment_moments_eq,
    COMMUTATOR = OPERATOR(user_metrics.=), NEGATOR = OPERATOR(user_metrics.<>),
    RESTRICT = pg_catalog.eqsel, JOIN = pg_catalog.eqjoinsel, HASHES
);
COMMENT ON OPERATOR user_metrics.= (user_metrics.experiment_moments, user_metrics.experiment_moments) IS 'whether two values have the same content';
CREATE OPERATOR user_metrics.<> (
    LEFTARG = user_metrics.experiment_moments, RIGHTARG = user_metrics.experiment_moments, FUNCTION = user_metrics_internal.experiment_moments_ne,
    COMMUTATOR = OPERATOR(user_metrics.<>), NEGATOR = OPERATOR(user_metrics.=),
    RESTRICT = pg_catalog.neqsel, JOIN = pg_catalog.neqjoinsel
);
COMMENT ON OPERATOR user_metrics.<> (user_metrics.experiment_moments, user_metrics.experiment_moments) IS 'whether two values differ in content';
CREATE OPERATOR CLASS user_metrics.experiment_moments_ops DEFAULT FOR TYPE user_metrics.experiment_moments USING hash AS
    OPERATOR 1 user_metrics.=,
    FUNCTION 1 user_metrics_internal.experiment_moments_hash(user_metrics.experiment_moments),
    FUNCTION 2 user_metrics_internal.experiment_moments_hash_extended(user_metrics.experiment_moments, bigint);
COMMENT ON OPERATOR CLASS user_metrics.experiment_moments_ops USING hash IS 'equality of content';
COMMENT ON OPERATOR FAMILY user_metrics.experiment_moments_ops USING hash IS 'equality of content';
