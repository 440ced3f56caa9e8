-- The schema of internal objects, and shell types for those types that functions mention before CREATE TYPE defines them.

-- CREATE EXTENSION uses a schema user_metrics that exists already. Its owner could replace what the extension creates in it,
-- and what is in it may be meant to be called instead. A dump restores the empty schema before the extension. A schema
-- user_metrics_internal must not exist.
DO $$
DECLARE
    owner name;
    found text;
BEGIN
    SELECT r.rolname INTO owner
    FROM pg_catalog.pg_namespace AS n
    JOIN pg_catalog.pg_roles AS r ON r.oid OPERATOR(pg_catalog.=) n.nspowner
    WHERE n.nspname OPERATOR(pg_catalog.=) 'user_metrics' AND NOT r.rolsuper;
    IF owner IS NOT NULL THEN
        RAISE EXCEPTION 'schema "user_metrics" is owned by role "%", who is not a superuser and could replace the functions of the extension', owner
            USING ERRCODE = 'insufficient_privilege',
            HINT = 'Run DROP SCHEMA user_metrics CASCADE; or, to keep it, ALTER SCHEMA user_metrics OWNER TO CURRENT_USER;';
    END IF;
    SELECT pg_catalog.string_agg(pg_catalog.concat(o.type, ' ', o.identity), ', ' ORDER BY o.identity)
    INTO found
    FROM (
        SELECT i.type, i.identity
        FROM pg_catalog.pg_depend AS d,
            pg_catalog.pg_identify_object(d.classid, d.objid, d.objsubid) AS i
        WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass
            AND d.refobjid OPERATOR(pg_catalog.=) 'user_metrics'::pg_catalog.regnamespace
            AND d.deptype OPERATOR(pg_catalog.=) 'n'
            -- Extensions in the schema, this one among them, and what they have created.
            AND d.classid OPERATOR(pg_catalog.<>) 'pg_catalog.pg_extension'::pg_catalog.regclass
            AND NOT EXISTS (
                SELECT FROM pg_catalog.pg_depend AS e
                WHERE e.classid OPERATOR(pg_catalog.=) d.classid AND e.objid OPERATOR(pg_catalog.=) d.objid
                    AND e.deptype OPERATOR(pg_catalog.=) 'e'
            )
        LIMIT 10
    ) AS o;
    IF found IS NOT NULL THEN
        RAISE EXCEPTION 'schema "user_metrics" is not empty'
            USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = found,
            HINT = 'Run DROP SCHEMA user_metrics CASCADE; or, to keep what is in it, move it to another schema.';
    END IF;
END
$$;

CREATE SCHEMA user_metrics_internal;
COMMENT ON SCHEMA user_metrics_internal IS 'internal objects of user_metrics, not intended to be called by users';
GRANT USAGE ON SCHEMA user_metrics, user_metrics_internal TO PUBLIC;

CREATE TYPE user_metrics.activity;
CREATE TYPE user_metrics.sessions;
CREATE TYPE user_metrics.funnel;
CREATE TYPE user_metrics.survival;
CREATE TYPE user_metrics.experiment_moments;
