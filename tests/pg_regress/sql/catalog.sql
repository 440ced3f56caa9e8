-- What the extension brings, as the catalogue shows it.
\pset format unaligned
\pset null '(null)'

-- Objects in the users' schema: this is the product.
SELECT * FROM (
    SELECT pg_describe_object(d.classid, d.objid, 0) AS object
    FROM pg_depend AS d, pg_identify_object(d.classid, d.objid, 0) AS o
    WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
      AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'user_metrics')
      AND (o.schema = 'user_metrics' OR o.type = 'schema')
) AS s ORDER BY object::text COLLATE "C";

-- Nobody else put anything there: none is listed.
SELECT pg_describe_object(d.classid, d.objid, 0) AS not_of_the_extension FROM pg_depend AS d
WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid IN ('user_metrics'::regnamespace, 'user_metrics_internal'::regnamespace)
  AND d.classid <> 'pg_extension'::regclass
  AND NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = d.classid AND e.objid = d.objid AND e.refclassid = 'pg_extension'::regclass)
  AND NOT (d.classid = 'pg_type'::regclass AND EXISTS (SELECT FROM pg_type AS t WHERE t.oid = d.objid AND (t.typelem <> 0 OR t.typrelid <> 0)));

-- Each has a comment: none is listed.
SELECT * FROM (
    SELECT pg_describe_object(d.classid, d.objid, 0) AS without_comment
    FROM pg_depend AS d, pg_identify_object(d.classid, d.objid, 0) AS o
    WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
      AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'user_metrics')
      AND (o.schema = 'user_metrics' OR o.type = 'schema')
      AND obj_description(d.objid, d.classid::regclass::name) IS NULL
      AND NOT (d.classid = 'pg_type'::regclass AND EXISTS (SELECT FROM pg_type AS t WHERE t.oid = d.objid AND (t.typelem <> 0 OR t.typrelid <> 0)))
) AS s ORDER BY without_comment::text COLLATE "C";
SELECT a.attrelid::regclass, a.attname AS without_comment
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
WHERE c.relnamespace = 'user_metrics'::regnamespace AND c.relkind IN ('r', 'v', 'm') AND a.attnum > 0 AND NOT a.attisdropped
  AND col_description(a.attrelid, a.attnum) IS NULL;

-- Each setting says what it is for: none is listed. The library, loaded with the first call, announces them.
SELECT user_metrics_internal.live_states();
SELECT name AS without_description FROM pg_settings WHERE name LIKE 'user\_metrics.%' AND short_desc = '';

-- Labels of every function that is no part of an aggregate or a type: volatility, parallel, strict, settings.
SELECT * FROM (
    SELECT p.oid::regprocedure::text AS function, p.provolatile AS volatile, p.proparallel AS parallel, p.proisstrict AS strict,
        p.prosecdef AS definer, p.proconfig AS settings
    FROM pg_proc AS p
    WHERE p.pronamespace = 'user_metrics'::regnamespace AND p.prokind = 'f'
) AS s ORDER BY function::text COLLATE "C";
SELECT * FROM (
    SELECT p.proname AS function, p.provolatile AS volatile, p.proparallel AS parallel, p.proisstrict AS strict, p.prosecdef AS definer,
        p.proconfig AS settings, pg_get_function_result(p.oid) AS result
    FROM pg_proc AS p WHERE p.pronamespace = 'user_metrics_internal'::regnamespace
) AS s ORDER BY function::text COLLATE "C", result COLLATE "C";

-- Aggregates are parallel and say how large they are.
SELECT * FROM (
    SELECT a.aggfnoid::regprocedure::text AS aggregate, p.proparallel AS parallel, a.aggcombinefn <> 0 AS combine,
        a.aggserialfn <> 0 AS serialize, a.aggdeserialfn <> 0 AS deserialize, a.aggtransspace AS space, a.aggfinalmodify AS final
    FROM pg_aggregate AS a JOIN pg_proc AS p ON p.oid = a.aggfnoid
    WHERE p.pronamespace = 'user_metrics'::regnamespace
) AS s ORDER BY aggregate::text COLLATE "C";

-- What not everybody may do.
SELECT * FROM (
    SELECT p.oid::regprocedure::text AS not_for_public FROM pg_proc AS p
    WHERE p.pronamespace IN ('user_metrics'::regnamespace, 'user_metrics_internal'::regnamespace)
      AND NOT has_function_privilege('public', p.oid, 'EXECUTE')
) AS s ORDER BY not_for_public::text COLLATE "C";
SELECT nspname, has_schema_privilege('public', oid, 'USAGE') AS usage, has_schema_privilege('public', oid, 'CREATE') AS "create"
FROM pg_namespace WHERE nspname LIKE 'user\_metrics%' ORDER BY 1;
SELECT c.relname, has_table_privilege('public', c.oid, 'SELECT') AS "select",
    has_table_privilege('public', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') AS change
FROM pg_class AS c WHERE c.relnamespace = 'user_metrics'::regnamespace AND c.relkind IN ('r', 'v') ORDER BY 1;

-- It goes as it came. (The empty schema stays: CREATE EXTENSION makes it before the extension's own script begins.)
BEGIN;
DROP EXTENSION user_metrics;
SELECT nspname, (SELECT count(*) FROM pg_depend WHERE refclassid = 'pg_namespace'::regclass AND refobjid = n.oid) AS objects
FROM pg_namespace AS n WHERE nspname LIKE 'user\_metrics%';
ROLLBACK;
