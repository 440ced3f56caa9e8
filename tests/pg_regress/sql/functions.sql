-- The list of functions: user_metrics.functions, held to the catalogue.
CREATE SCHEMA functions;
SET search_path = functions, user_metrics;
SET TimeZone = 'UTC';
-- Defaults that are intervals are shown as they are declared.
SET IntervalStyle = 'postgres';
\pset null '(null)'

-- ===== answers =====
SELECT topic, kind, string_agg(name, ', ' ORDER BY name) AS names FROM user_metrics.functions GROUP BY 1, 2 ORDER BY 1, 2 DESC;
SELECT jsonb_pretty(arguments) AS arguments, jsonb_pretty(columns) AS columns FROM user_metrics.functions WHERE name = 'active_users';
SELECT name, summary, arguments -> -1 ->> 'name' AS last_argument, columns -> 0 ->> 'type' AS type, example
FROM user_metrics.functions WHERE kind = 'aggregate' ORDER BY name \gx
SELECT name, columns_needed, columns_used FROM user_metrics.functions
WHERE columns_used <> '{}' OR columns_needed <> '{user_id,occurred_at}' ORDER BY name, kind;

-- ===== edges =====
-- A name stands for one function or one aggregate: none is listed.
SELECT name, kind FROM user_metrics.functions GROUP BY 1, 2 HAVING count(*) > 1;

-- What is listed is in the catalogue with these names, types and defaults, in this order: none is listed.
CREATE VIEW listed AS
SELECT f.name, f.kind,
    (SELECT array_agg((a ->> 'name', (a ->> 'type')::regtype, coalesce(a ->> 'default', '(none)'))::text ORDER BY n)
        FROM jsonb_array_elements(f.arguments) WITH ORDINALITY AS e(a, n)) AS arguments,
    (SELECT array_agg((c ->> 'name', (c ->> 'type')::regtype)::text ORDER BY n)
        FROM jsonb_array_elements(f.columns) WITH ORDINALITY AS e(c, n)) AS columns
FROM user_metrics.functions AS f;
CREATE VIEW catalogued AS
SELECT p.proname AS name, CASE WHEN p.prokind = 'a' THEN 'aggregate' WHEN p.proretset THEN 'table function' ELSE 'function' END AS kind,
    -- A default is shown with its type behind it.
    (SELECT array_agg((p.proargnames[n], t::regtype, coalesce(regexp_replace(pg_get_function_arg_default(p.oid, n::integer), '::[a-z ]+(\[\])?$', ''), '(none)'))::text ORDER BY n)
        FROM unnest(p.proargtypes) WITH ORDINALITY AS e(t, n)) AS arguments,
    CASE WHEN p.proretset THEN
        (SELECT array_agg((p.proargnames[n], t::regtype)::text ORDER BY n)
            FROM unnest(p.proallargtypes) WITH ORDINALITY AS e(t, n) WHERE p.proargmodes[n] = 't')
    ELSE ARRAY[(p.proname, p.prorettype::regtype)::text] END AS columns
FROM pg_proc AS p WHERE p.pronamespace = 'user_metrics'::regnamespace;
SELECT l.* FROM listed AS l WHERE NOT EXISTS (
    SELECT FROM catalogued AS c WHERE (c.name, c.kind, c.arguments, c.columns) = (l.name, l.kind, l.arguments, l.columns)
);

-- The columns of a log are those that describe_source names: none is listed.
CREATE TABLE request_log (user_id text, created_at timestamptz, session_id text, feature text, model text, latency_ms integer, status_code integer, properties jsonb);
SELECT f.name, c FROM user_metrics.functions AS f, unnest(columns_needed || columns_used) AS c
WHERE NOT EXISTS (SELECT FROM describe_source('request_log') AS d WHERE d.column_name = c);

-- Every example runs and gives rows. It calls the function it is an example of: no other is listed.
SELECT user_metrics.define_experiment('new_chat_ui', '{"control": 0.5, "treatment": 0.5}');
INSERT INTO request_log
SELECT 'u' || u % 70, timestamptz '2024-03-01 08:00Z' + d * interval '31 hours' + u * interval '7 minutes', 's' || d, CASE u % 2 WHEN 0 THEN 'chat' ELSE 'code' END, CASE d % 3 WHEN 0 THEN 'large' ELSE 'small' END, 900, 200, '{"UserTier": "free", "new_chat_ui": "control"}'
FROM generate_series(0, 39) AS d, generate_series(1, 100) AS u;
CREATE TABLE ran (name text, kind text, rows bigint);
DO $$
DECLARE f record;
BEGIN
    FOR f IN SELECT name, kind, example FROM user_metrics.functions LOOP
        EXECUTE format('INSERT INTO ran SELECT %L, %L, count(*) FROM (%s) AS e', f.name, f.kind, f.example);
    END LOOP;
END
$$;
SELECT count(*) = (SELECT count(*) FROM user_metrics.functions) AS all_ran, min(rows) > 0 AS all_answered FROM ran;
SELECT name, example FROM user_metrics.functions WHERE strpos(example, 'user_metrics.' || name || '(') = 0;

-- Everybody may read it.
CREATE ROLE regress_user_metrics_functions;
SET ROLE regress_user_metrics_functions;
SELECT count(*) > 0 AS readable FROM user_metrics.functions;
RESET ROLE;
DROP ROLE regress_user_metrics_functions;
