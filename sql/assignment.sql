-- Assignment of users to variants: experiment_variant, and stored experiments: the table experiment, define_experiment,
-- experiment_payload.

ALTER FUNCTION user_metrics.check_experiment SET SCHEMA user_metrics_internal;
ALTER FUNCTION user_metrics.experiment_variants SET SCHEMA user_metrics_internal;

COMMENT ON FUNCTION user_metrics.experiment_variant(text, text, text[], double precision[], double precision, text, text, jsonb) IS
    'variant of an experiment that the vendor''s SDK assigns to a user: hash is growthbook_v2, growthbook_v1, statsig, statsig_gate, posthog or eppo; NULL for unidentified users and for users who do not take part';
COMMENT ON FUNCTION user_metrics.experiment_variant(uuid, text, text[], double precision[], double precision, text, text, jsonb) IS
    'variant of an experiment that the vendor''s SDK assigns to a user with a uuid as id, which is hashed as text, in lower case with hyphens';
COMMENT ON FUNCTION user_metrics.experiment_variant(bigint, text, text[], double precision[], double precision, text, text, jsonb) IS
    'variant of an experiment that the vendor''s SDK assigns to a user with a number as id, which is hashed as text, in decimal digits';

CREATE TABLE user_metrics.experiment (
    name text PRIMARY KEY,
    variants text[] NOT NULL,
    weights double precision[] NOT NULL,
    payloads jsonb,
    hash text NOT NULL DEFAULT 'growthbook_v2',
    seed text NOT NULL,
    coverage double precision NOT NULL DEFAULT 1.0,
    namespace jsonb,
    defined_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CHECK (user_metrics_internal.check_experiment('experiment', name, variants, weights, coverage, hash, seed, namespace))
);
COMMENT ON TABLE user_metrics.experiment IS 'experiment definitions, which determine the assignment of users to variants. Maintained by define_experiment()';
COMMENT ON COLUMN user_metrics.experiment.name IS 'name of the experiment';
COMMENT ON COLUMN user_metrics.experiment.variants IS 'variants in order; the order determines the assignment';
COMMENT ON COLUMN user_metrics.experiment.weights IS 'share of users of each variant';
COMMENT ON COLUMN user_metrics.experiment.payloads IS 'payloads of the variants, by name of the variant';
COMMENT ON COLUMN user_metrics.experiment.hash IS 'hash algorithm, as in experiment_variant';
COMMENT ON COLUMN user_metrics.experiment.seed IS 'seed with which user ids are hashed';
COMMENT ON COLUMN user_metrics.experiment.coverage IS 'share of users who take part';
COMMENT ON COLUMN user_metrics.experiment.namespace IS 'namespace, a separate draw that limits the users who may take part';
COMMENT ON COLUMN user_metrics.experiment.defined_at IS 'time of the definition or of its last change';

-- Not readable by PUBLIC: whoever knows the name of an experiment gets its definition from defined_experiment(), and nobody
-- but the table's readers can list the experiments.
SELECT pg_catalog.pg_extension_config_dump('user_metrics.experiment', '');

CREATE FUNCTION user_metrics.define_experiment(
    name text, variants text, hash text DEFAULT 'growthbook_v2', seed text DEFAULT NULL,
    coverage double precision DEFAULT 1.0, namespace jsonb DEFAULT NULL, replace boolean DEFAULT false
) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    ours user_metrics.experiment;
    known user_metrics.experiment;
BEGIN
    SELECT v.variants, v.weights, v.payloads::jsonb INTO ours.variants, ours.weights, ours.payloads
    FROM user_metrics_internal.experiment_variants(define_experiment.variants) AS v;
    PERFORM user_metrics_internal.check_experiment(
        'define_experiment', define_experiment.name, ours.variants, ours.weights, define_experiment.coverage,
        define_experiment.hash, define_experiment.seed, define_experiment.namespace
    );
    INSERT INTO user_metrics.experiment AS e (name, variants, weights, payloads, hash, seed, coverage, namespace)
    VALUES (
        define_experiment.name, ours.variants, ours.weights, ours.payloads,
        COALESCE(define_experiment.hash, 'growthbook_v2'), COALESCE(define_experiment.seed, define_experiment.name),
        COALESCE(define_experiment.coverage, 1.0), define_experiment.namespace
    )
    ON CONFLICT (name) DO UPDATE SET variants = excluded.variants, weights = excluded.weights, payloads = excluded.payloads,
        hash = excluded.hash, seed = excluded.seed, coverage = excluded.coverage, namespace = excluded.namespace,
        defined_at = now()
    WHERE define_experiment.replace
        AND (e.variants, e.weights, e.payloads, e.hash, e.seed, e.coverage, e.namespace) IS DISTINCT FROM
            (excluded.variants, excluded.weights, excluded.payloads, excluded.hash, excluded.seed, excluded.coverage, excluded.namespace);
    IF FOUND OR define_experiment.replace THEN
        RETURN;
    END IF;
    SELECT e.* INTO known FROM user_metrics.experiment AS e WHERE e.name = define_experiment.name;
    IF (known.variants, known.weights, known.payloads, known.hash, known.seed, known.coverage, known.namespace) IS DISTINCT FROM
        (ours.variants, ours.weights, ours.payloads, COALESCE(define_experiment.hash, 'growthbook_v2'),
            COALESCE(define_experiment.seed, define_experiment.name), COALESCE(define_experiment.coverage, 1.0),
            define_experiment.namespace)
    THEN
        RAISE EXCEPTION 'define_experiment: experiment "%" is defined otherwise already', define_experiment.name
            USING ERRCODE = 'duplicate_object',
            HINT = 'Another definition gives users other variants than they have seen. If that is meant, say replace => true.';
    END IF;
END
$$;
COMMENT ON FUNCTION user_metrics.define_experiment(text, text, text, text, double precision, jsonb, boolean) IS
    'store an experiment definition: variants in JSON with their weights and payloads, in order; a different definition of an existing experiment is an error without replace => true';
REVOKE ALL ON FUNCTION user_metrics.define_experiment(text, text, text, text, double precision, jsonb, boolean) FROM PUBLIC;

CREATE FUNCTION user_metrics.define_experiment(
    name text, variants jsonb, hash text DEFAULT 'growthbook_v2', seed text DEFAULT NULL,
    coverage double precision DEFAULT 1.0, namespace jsonb DEFAULT NULL, replace boolean DEFAULT false
) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM user_metrics.define_experiment(name, variants::text, hash, seed, coverage, namespace, replace);
    IF jsonb_typeof(variants) = 'object' THEN
        RAISE NOTICE 'define_experiment: the variants of "%" are in the order of jsonb: %', name,
            (SELECT string_agg(k.key, ', ' ORDER BY k.place) FROM jsonb_object_keys(variants) WITH ORDINALITY AS k(key, place))
            USING HINT = 'jsonb does not keep the order keys are written in. Give text, or a list, where it matters.';
    END IF;
END
$$;
COMMENT ON FUNCTION user_metrics.define_experiment(text, jsonb, text, text, double precision, jsonb, boolean) IS
    'store an experiment definition with variants as jsonb, which keeps the order of a list but not of an object''s keys';
REVOKE ALL ON FUNCTION user_metrics.define_experiment(text, jsonb, text, text, double precision, jsonb, boolean) FROM PUBLIC;

-- The definition of an experiment, or an error on behalf of a function. It reads the table as its owner, a single row whose
-- name the caller gives.
CREATE FUNCTION user_metrics_internal.defined_experiment(function text, experiment text) RETURNS user_metrics.experiment
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_one user_metrics.experiment;
BEGIN
    IF experiment IS NULL THEN
        RAISE EXCEPTION '%: argument "experiment" cannot be NULL', function
            USING ERRCODE = 'null_value_not_allowed', HINT = 'Give the name of an experiment in the table user_metrics.experiment.';
    END IF;
    SELECT e.* INTO found_one FROM user_metrics.experiment AS e WHERE e.name = defined_experiment.experiment;
    IF found_one.name IS NULL THEN
        RAISE EXCEPTION '%: experiment "%" is not defined', function, experiment
            USING ERRCODE = 'undefined_object',
            HINT = format('Define it: SELECT user_metrics.define_experiment(%L, ''{"control": 0.5, "treatment": 0.5}'').', experiment);
    END IF;
    RETURN found_one;
END
$$;
COMMENT ON FUNCTION user_metrics_internal.defined_experiment(text, text) IS 'definition of an experiment, which must exist';

-- The form over a row of the table of experiments, for whole logs: it is inlined to the call itself, which is as fast.
CREATE FUNCTION user_metrics.experiment_variant(user_id text, experiment user_metrics.experiment) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT user_metrics.experiment_variant(
        user_id, (experiment).name, (experiment).variants, (experiment).weights, (experiment).coverage, (experiment).hash,
        (experiment).seed, (experiment).namespace
    )
$$;
COMMENT ON FUNCTION user_metrics.experiment_variant(text, user_metrics.experiment) IS
    'variant that a row of user_metrics.experiment assigns to a user, as in SELECT experiment_variant(user_id, e) FROM log, user_metrics.experiment AS e';

CREATE FUNCTION user_metrics.experiment_variant(user_id uuid, experiment user_metrics.experiment) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT user_metrics.experiment_variant(
        user_id, (experiment).name, (experiment).variants, (experiment).weights, (experiment).coverage, (experiment).hash,
        (experiment).seed, (experiment).namespace
    )
$$;
COMMENT ON FUNCTION user_metrics.experiment_variant(uuid, user_metrics.experiment) IS
    'variant that a row of user_metrics.experiment assigns to a user with a uuid as id';

CREATE FUNCTION user_metrics.experiment_variant(user_id bigint, experiment user_metrics.experiment) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT user_metrics.experiment_variant(
        user_id, (experiment).name, (experiment).variants, (experiment).weights, (experiment).coverage, (experiment).hash,
        (experiment).seed, (experiment).namespace
    )
$$;
COMMENT ON FUNCTION user_metrics.experiment_variant(bigint, user_metrics.experiment) IS
    'variant that a row of user_metrics.experiment assigns to a user with a number as id';

CREATE FUNCTION user_metrics.experiment_variant(user_id text, experiment text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e user_metrics.experiment := user_metrics_internal.defined_experiment('experiment_variant', experiment);
BEGIN
    RETURN user_metrics.experiment_variant(user_id, e.name, e.variants, e.weights, e.coverage, e.hash, e.seed, e.namespace);
END
$$;
COMMENT ON FUNCTION user_metrics.experiment_variant(text, text) IS 'variant that a defined experiment assigns to a user';

CREATE FUNCTION user_metrics.experiment_variant(user_id uuid, experiment text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT user_metrics.experiment_variant(user_id::pg_catalog.text, experiment)
$$;
COMMENT ON FUNCTION user_metrics.experiment_variant(uuid, text) IS
    'variant that a defined experiment assigns to a user with a uuid as id';

CREATE FUNCTION user_metrics.experiment_variant(user_id bigint, experiment text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT user_metrics.experiment_variant(user_id::pg_catalog.text, experiment)
$$;
COMMENT ON FUNCTION user_metrics.experiment_variant(bigint, text) IS
    'variant that a defined experiment assigns to a user with a number as id';

CREATE FUNCTION user_metrics.experiment_payload(user_id text, experiment text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e user_metrics.experiment := user_metrics_internal.defined_experiment('experiment_payload', experiment);
BEGIN
    RETURN e.payloads ->> user_metrics.experiment_variant(
        user_id, e.name, e.variants, e.weights, e.coverage, e.hash, e.seed, e.namespace
    );
END
$$;
COMMENT ON FUNCTION user_metrics.experiment_payload(text, text) IS
    'payload of a user''s variant of a defined experiment, such as a list of models: a string as is, anything else as JSON; NULL if there is none';

CREATE FUNCTION user_metrics.experiment_payload(user_id uuid, experiment text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT user_metrics.experiment_payload(user_id::pg_catalog.text, experiment)
$$;
COMMENT ON FUNCTION user_metrics.experiment_payload(uuid, text) IS
    'payload of the variant of a defined experiment of a user with a uuid as id';

CREATE FUNCTION user_metrics.experiment_payload(user_id bigint, experiment text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT user_metrics.experiment_payload(user_id::pg_catalog.text, experiment)
$$;
COMMENT ON FUNCTION user_metrics.experiment_payload(bigint, text) IS
    'payload of the variant of a defined experiment of a user with a number as id';
