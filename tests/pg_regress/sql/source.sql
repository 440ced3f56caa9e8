-- The doorway: how a log is found, described, attached and read, and who is left out.
CREATE SCHEMA source;
SET search_path = source, user_metrics;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
\pset null '(null)'

-- ===== answers =====
CREATE TABLE log (
    id bigint, user_id text, created_at timestamptz, model text, "Status_Code" int, properties jsonb
);
INSERT INTO log VALUES
    (1, 'ann', '2024-03-04 09:00+00', 'gpt-4o', 200, '{"tier": "pro", "beta": true}'),
    (2, 'bob', '2024-03-04 10:00+00', 'claude', 200, '{"tier": "free", "seats": 3}'),
    (2, 'bob', '2024-03-05 10:00+00', 'gpt-4o', 500, '{"tier": "free"}'),
    (4, 'anonymous', '2024-03-05 11:00+00', NULL, 200, NULL),
    (5, '', '2024-03-06 11:00+00', 'gpt-4o', 200, '{}'),
    (6, NULL, 'infinity', 'gpt-4o', NULL, '{}'),
    (7, 'cy', NULL, 'o''brien', 200, '{"tier": null}');
SELECT column_name, source_column, data_type, requests, missing_requests AS missing, left_out_requests AS left_out, remark, needed_by
FROM describe_source('log');

-- A view over columns of other names; expressions are the caller's SQL.
CREATE TABLE chat_turn (account int, "When" bigint, "model name" varchar(20), error_text text);
INSERT INTO chat_turn VALUES (1, 1709542800000, 'GPT-4O', NULL), (2, 1709629200000, 'claude', 'boom');
SELECT attach('chat_turn', columns => '{"user_id": "account", "occurred_at": "to_timestamp(\"When\" / 1000.0)",
    "model": "lower(\"model name\")", "succeeded": "error_text IS NULL"}');
SELECT reloptions FROM pg_class WHERE oid = 'chat_turn_requests'::regclass;
SELECT c.column_name, col_description('chat_turn_requests'::regclass, ordinal_position) AS comment
FROM information_schema.columns AS c WHERE table_schema = 'source' AND table_name = 'chat_turn_requests' ORDER BY ordinal_position;
SELECT * FROM active_users('chat_turn_requests', by => 'model');
SELECT attach('chat_turn', name => '"Chat ""turns"""', columns => '{"user_id": "account", "occurred_at": "to_timestamp(\"When\" / 1000.0)"}');
SELECT period_start, active_users FROM active_users('"Chat ""turns"""');
-- LiteLLM's table is known by its columns: https://docs.litellm.ai/docs/proxy/spend_logs
CREATE TABLE "LiteLLM_SpendLogs" (
    request_id text PRIMARY KEY, call_type text, api_key text, spend float8, total_tokens int, prompt_tokens int,
    completion_tokens int, "startTime" timestamp(3), "endTime" timestamp(3), request_duration_ms int, model text, model_id text,
    model_group text, custom_llm_provider text, "user" text, metadata jsonb, request_tags jsonb, end_user text, session_id text,
    status text, created_at timestamp(3)
);
INSERT INTO "LiteLLM_SpendLogs" (request_id, call_type, "startTime", model, model_group, custom_llm_provider, end_user, request_tags, metadata, spend)
VALUES ('r1', 'acompletion', '2024-03-04 23:30', 'openai/gpt-4o', 'gpt-4o', 'openai', 'ann', '["feature:chat", "x"]', '{"spend_logs_metadata": {"tier": "pro"}}', 0.1),
       ('r2', 'aembedding', '2024-03-05 00:30', 'claude', '', 'anthropic', 'default_user_id', '[]', '{"error_information": {"error_class": "Timeout"}}', 0);
SELECT column_name, source_column, left_out_requests AS left_out, remark FROM describe_source('"LiteLLM_SpendLogs"') WHERE column_name IN ('user_id', 'occurred_at', 'model');
SELECT * FROM active_users('"LiteLLM_SpendLogs"', by => 'tier');
SELECT attach('"LiteLLM_SpendLogs"');
SELECT user_id, occurred_at, model, provider, feature, error, properties FROM "LiteLLM_SpendLogs_requests" ORDER BY request_id;
-- filter: columns by canonical name or their own, else properties; lists, NULL, numbers, booleans.
SELECT f AS filter, sum(active_users) FROM unnest(ARRAY['{}', '{"model": "gpt-4o"}', '{"model": ["gpt-4o", "claude"]}', '{"model": []}',
    '{"status": 500}', '{"Status_Code": "500"}', '{"tier": "pro"}', '{"tier": null}', '{"beta": true}', '{"seats": [3, null]}', '{"tier": "free", "model": "claude"}',
    '{"model": "o''brien"}', '{"no such key": "x"}', '{"model": "x'') OR true --"}', '{"a\"b\\": "c"}']) AS f
    LEFT JOIN LATERAL (SELECT * FROM active_users('log', 'year', filter => f::jsonb)) AS r ON true GROUP BY f ORDER BY f COLLATE "C";
SELECT segment, period_start, active_users FROM active_users('log', by => 'tier');
SELECT segment, sum(active_users) FROM active_users('log', by => 'Status_Code') GROUP BY segment ORDER BY segment;

-- ===== edges =====
-- Every kind of relation.
CREATE VIEW a_view AS SELECT * FROM log;
CREATE MATERIALIZED VIEW a_matview AS SELECT * FROM log;
CREATE TEMP TABLE a_temp AS SELECT * FROM log;
CREATE TABLE parted (LIKE log) PARTITION BY RANGE (created_at);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2024-03-01') TO ('2024-03-05');
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM ('2024-03-05') TO ('2024-04-01');
CREATE TABLE parted_3 PARTITION OF parted FOR VALUES FROM ('2024-04-01') TO ('2024-05-01');
INSERT INTO parted SELECT * FROM log WHERE created_at < '2024-05-01';
CREATE EXTENSION postgres_fdw;
DO $$ BEGIN
    EXECUTE format('CREATE SERVER loopback FOREIGN DATA WRAPPER postgres_fdw OPTIONS (dbname %L, host %L, port %L)',
        current_database(), split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'));
END $$;
CREATE USER MAPPING FOR CURRENT_USER SERVER loopback OPTIONS (user 'postgres');
CREATE FOREIGN TABLE a_foreign (user_id text, created_at timestamptz) SERVER loopback OPTIONS (schema_name 'source', table_name 'log');
CREATE TABLE "Sch""ema; DROP" (user_id text, ts timestamptz);
CREATE TABLE "使用量" (user_id text, "timestamp" timestamptz);
INSERT INTO "Sch""ema; DROP" SELECT user_id, created_at FROM log;
INSERT INTO "使用量" SELECT user_id, created_at FROM log;
SELECT r, period_start, active_users, new_users
FROM unnest(ARRAY['log', 'a_view', 'a_matview', 'a_temp', 'parted', 'a_foreign', '"Sch""ema; DROP"', '使用量', 'source.log']) AS r,
    LATERAL (SELECT * FROM active_users(r)) AS a WHERE period_start = '2024-03-05' ORDER BY r COLLATE "C";
-- By oid and by regclass.
SELECT sum(active_users) FROM active_users('log'::regclass);
-- Types of ids and of times. A date is its midnight; a timestamp without zone is UTC whatever the session's zone.
SET TimeZone = 'Asia/Tokyo';
CREATE DOMAIN user_name AS varchar(20);
CREATE TABLE kinds (t text, v varchar(9), c char(9), d user_name, n name, i2 int2, i4 int4, i8 int8, num numeric, u uuid, at timestamp, on_day date);
INSERT INTO kinds SELECT i::text, i, i, i, i, i, i, i, i, md5(i::text)::uuid, timestamp '2024-03-04 23:30', date '2024-03-04' FROM generate_series(1, 3) AS i;
INSERT INTO kinds VALUES ('', '', '', '', '', NULL, NULL, NULL, NULL, NULL, '2024-03-04 23:30', '2024-03-04');
DO $$ DECLARE kind text; BEGIN
    FOREACH kind IN ARRAY ARRAY['t', 'v', 'c', 'd', 'n', 'i2', 'i4', 'i8', 'num', 'u'] LOOP
        EXECUTE format('CREATE VIEW of_%I AS SELECT %I AS user_id, at AS created_at FROM kinds', kind, kind);
    END LOOP;
END $$;
SELECT kind, a.* FROM unnest(ARRAY['t', 'v', 'c', 'd', 'n', 'i2', 'i4', 'i8', 'num', 'u']) AS kind,
    LATERAL (SELECT period_start, active_users FROM active_users('of_' || kind)) AS a;
CREATE VIEW of_date AS SELECT t AS user_id, on_day AS created_at FROM kinds;
SELECT period_start, active_users FROM active_users('of_date');
SELECT period_start, active_users FROM active_users('of_date', since => '2024-03-04 00:00+00', until => '2024-03-05 00:00+00');
SET TimeZone = 'UTC';
-- A property that looks like a column is the column; ids of other types are left out by their text.
SELECT opt_out('2');
SELECT kind, a.active_users FROM unnest(ARRAY['t', 'i4', 'num']) AS kind, LATERAL (SELECT * FROM active_users('of_' || kind)) AS a;
SELECT column_name, left_out_requests, remark FROM describe_source('of_i4') WHERE column_name = 'user_id';
SELECT opt_out('2');
SELECT user_id FROM user_metrics.opt_out;
SELECT opt_in('2');
SELECT count(*) FROM user_metrics.opt_out;
-- as_of: what came later is left out, the end of observation is known.
SELECT period_start, active_users, complete FROM active_users('log', as_of => '2024-03-05 00:00+00');
SELECT period_start, active_users, complete FROM active_users('log', as_of => '2024-03-07 00:00+00');
SELECT period_start, active_users, complete FROM active_users('log', since => '2024-03-05', until => '2024-03-06');
-- No segment of a name is NULL's.
SELECT segment, active_users FROM active_users('log', 'year', by => 'beta');

-- ===== errors =====
\set VERBOSITY verbose
\set SHOW_CONTEXT never
CREATE TABLE no_user (who text, created_at timestamptz);
SELECT * FROM active_users('no_user');
CREATE TABLE no_time (user_id text);
SELECT * FROM lifecycle('no_time');
SELECT * FROM active_users('parted', by => 'no such column');
SELECT * FROM active_users('no_user', filter => '{"model": "x"}');
SELECT * FROM active_users('a_foreign', filter => '{"model": "x"}');
SELECT * FROM active_users('a_foreign', by => 'model');
CREATE TABLE odd (user_id jsonb, created_at bigint);
SELECT * FROM active_users('odd');
ALTER TABLE odd ALTER user_id TYPE text;
SELECT * FROM active_users('odd');
SELECT * FROM active_users('log', filter => '"x"');
SELECT * FROM active_users('log', filter => '{"model": {"x": 1}}');
CREATE INDEX log_index ON log (id);
SELECT * FROM active_users('log_index');
SELECT attach('log', columns => '{"usr": "x"}');
SELECT attach('log', columns => '{"user_id": 5}');
SELECT attach('log', columns => '[]');
SELECT attach('log', preset => 'nosuch');
SELECT attach('no_user');
\set VERBOSITY default
SELECT * FROM active_users('no_such_table');
SELECT * FROM active_users(NULL::regclass);
SELECT * FROM active_users(NULL::text);
SELECT * FROM describe_source(0);
SELECT attach('log', name => 'log');
SELECT attach('log', columns => '{"model": "no_such_column"}');
SELECT attach('log', columns => '{"model": "1); DROP TABLE source.log; --"}');
SELECT count(*) FROM log;
-- An ordinary role reads what it may, sees who has opted out, and decides about nobody.
CREATE ROLE regress_user_metrics_reader;
GRANT USAGE ON SCHEMA source TO regress_user_metrics_reader;
GRANT SELECT ON a_view TO regress_user_metrics_reader;
SET ROLE regress_user_metrics_reader;
SELECT sum(active_users) FROM active_users('a_view');
SELECT * FROM active_users('log');
SELECT * FROM describe_source('log');
SELECT opt_out('ann');
SELECT opt_in('ann');
DELETE FROM user_metrics.opt_out;
DELETE FROM user_metrics.anonymous_user;
RESET ROLE;
-- Row security is the reader's.
ALTER TABLE log ENABLE ROW LEVEL SECURITY;
CREATE POLICY only_ann ON log USING (user_id = 'ann');
GRANT SELECT ON log TO regress_user_metrics_reader;
SET ROLE regress_user_metrics_reader;
SELECT sum(active_users) FROM active_users('log');
RESET ROLE;
ALTER TABLE log DISABLE ROW LEVEL SECURITY;

-- ===== plan =====
-- The plan of the statement a function runs, of which only what reads the log is shown. tests/plans.py looks at it as it runs.
CREATE FUNCTION plan(function text, source regclass, since timestamptz, until timestamptz, from_since boolean DEFAULT false)
RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || user_metrics_internal.activity_query(
        function, user_metrics_internal.relation(source), '{}', since, until, NULL, NULL, NULL, NULL, from_since => from_since
    ) USING since, until, timestamptz '2025-01-01', NULL::timestamptz LOOP
        EXIT WHEN line ~ 'InitPlan 2';
        RETURN NEXT line;
    END LOOP;
END $$;
-- until prunes partitions for every function, since where the past is not needed to know who is new.
SELECT plan('active_users', 'parted', NULL, '2024-03-05');
SELECT plan('stickiness', 'parted', '2024-04-01', '2024-05-01', from_since => true);
SELECT plan('retention_matrix', 'parted', '2024-04-01', NULL);
-- An index serves where the range is small.
CREATE TABLE big AS SELECT i % 1000 AS user_id, timestamptz '2024-03-01' + i * interval '1 minute' AS created_at FROM generate_series(1, 30000) AS i;
CREATE INDEX ON big (created_at);
ANALYZE big;
SET enable_bitmapscan = off;
SELECT plan('stickiness', 'big', '2024-03-10', '2024-03-11', from_since => true);
RESET enable_bitmapscan;
-- Workers.
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SELECT plan('retention_matrix', 'big', NULL, NULL);
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
DROP OWNED BY regress_user_metrics_reader;
DROP ROLE regress_user_metrics_reader;
SET client_min_messages = warning;
DROP SCHEMA source CASCADE;
