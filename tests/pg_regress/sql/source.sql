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

-- What is wrong with the values of a log, and whether it keeps requests out.
CREATE TABLE faulty (user_id uuid, ts timestamptz, input_tokens int, output_tokens numeric, spend float8, duration_ms int, feedback int, metadata text);
INSERT INTO faulty VALUES ('00000000-0000-4000-8000-000000000001', '294000-01-01', -1, -1, -0.5, -5, -1, '{}'), (NULL, '-infinity', 1, NULL, 0, 0, 1, NULL),
    ('00000000-0000-4000-8000-000000000001', '2024-03-04', 1, 1, 1, 1, 1, NULL);
SELECT column_name, source_column, data_type, requests, missing_requests AS missing, left_out_requests AS left_out, remark
FROM describe_source('faulty') WHERE source_column IS NOT NULL;
-- One time that is out of range, infinite or in the future takes its own request out, and no other.
CREATE FUNCTION of_times(kind text, at text, OUT left_out bigint, OUT remark text, OUT users bigint, OUT requests bigint) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TEMP VIEW timed AS SELECT * FROM (VALUES (%L, %L::%s), (''ann'', ''2024-03-04'')) AS v(user_id, created_at)', 'bob', at, kind);
    SELECT d.left_out_requests, d.remark INTO left_out, of_times.remark FROM describe_source('timed') AS d WHERE d.column_name = 'occurred_at';
    SELECT sum(a.new_users) INTO users FROM active_users('timed', 'year') AS a;
    SELECT sum(s.requests) INTO requests FROM segment_users('timed') AS s;
    DROP VIEW timed;
END $$;
SELECT kind, at, r.* FROM unnest(ARRAY['date', 'timestamp', 'timestamptz']) WITH ORDINALITY AS k(kind, n),
    unnest(ARRAY['infinity', '-infinity', '4714-11-24 BC', '1999-12-31', '2000-01-01', '294276-12-31', '294277-01-01', '5874897-12-31']) WITH ORDINALITY AS t(at, m),
    LATERAL of_times(kind, at) AS r WHERE kind = 'date' OR m < 7 ORDER BY n, m;
CREATE TABLE nothing (user_id text, created_at timestamp);
SELECT column_name, source_column, data_type, requests, missing_requests AS missing, left_out_requests AS left_out, remark
FROM describe_source('nothing') LIMIT 3;

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
-- Names as long as PostgreSQL allows: the name of a view is shortened at a character.
SELECT repeat('t', 63) AS long, repeat('ü', 31) || 'x' AS wide, repeat('ü', 27) || 'x' AS between \gset
CREATE TABLE :"long" (user_id text, created_at timestamptz);
CREATE TABLE :"wide" (user_id text, created_at timestamptz);
CREATE TABLE :"between" (user_id text, created_at timestamptz);
SELECT attach(:'long');
SELECT attach(:'wide');
SELECT attach(:'between');
SELECT attach(:'long', name => repeat('v', 63));
SELECT attach(:'long', name => 'source.' || repeat('ü', 31));
CREATE TABLE long_names (user_id text, created_at timestamptz, :"long" text, :"wide" jsonb);
INSERT INTO long_names VALUES ('ann', '2024-03-04', 'a', '{"k": "b"}');
SELECT attach('long_names', columns => jsonb_build_object('model', :'long', 'properties', format('%I', :'wide')));
SELECT by, r.segment, r.active_users FROM unnest(ARRAY['model', 'k']) AS by, LATERAL (SELECT * FROM active_users('long_names_requests', 'year', by => by)) AS r;
SELECT segment, active_users FROM active_users('long_names', 'year', by => :'long');
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

-- A segment of nobody that counts has no rows. filter and by go together.
SELECT segment, active_users FROM active_users('log', 'year', by => 'model');
SELECT opt_out('ann');
SELECT segment, active_users FROM active_users('log', 'year', by => 'model');
SELECT segment, active_users FROM active_users('log', 'year', by => 'model', filter => '{"tier": "pro"}');
SELECT opt_in('ann');

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
-- until and since are instants also where the log's times have no zone: 23:30 is in UTC, not in the session's Tokyo.
SELECT count(*) FROM active_users('of_t', since => '2024-03-04 23:30+00', until => '2024-03-04 23:30:00.000001+00');
SELECT count(*) FROM active_users('of_t', until => '2024-03-04 23:30+00');
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
-- What is not in the properties is the segment NULL.
SELECT segment, active_users FROM active_users('log', 'year', by => 'beta');

-- Names are names and values are values, whatever is in them.
SELECT segment, active_users FROM active_users('log', 'year', by => $$x'); DROP TABLE source.log; --$$);
SELECT segment, active_users FROM active_users('log', 'year', by => $$a\'b"c$$);
SET standard_conforming_strings = off;
SELECT sum(active_users) FROM active_users('log', filter => $${"model": "\\' OR true --"}$$);
RESET standard_conforming_strings;
CREATE TABLE "odd names" ("User_ID" text, "TS" timestamptz, "a""b'c\d; --" text, "%s %I $1" text);
INSERT INTO "odd names" VALUES ('ann', '2024-03-04', 'x', 'y');
SELECT n AS by, segment, active_users FROM unnest(ARRAY[$$a"b'c\d; --$$, '%s %I $1']) AS n,
    LATERAL (SELECT * FROM active_users('"odd names"', 'year', by => n, filter => jsonb_build_object(n, ARRAY['x', 'y']))) AS r ORDER BY n COLLATE "C";
SELECT attach('"odd names"', name => 'source."v; DROP TABLE source.log; --"');
SELECT active_users FROM active_users('"v; DROP TABLE source.log; --"');
SELECT count(*) FROM log;
-- Functions and operators of the caller's search_path do not stand in for PostgreSQL's.
CREATE SCHEMA trap;
CREATE FUNCTION trap.concat(text, text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE 'caught'; END $$;
CREATE FUNCTION trap.same(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'caught'; END $$;
CREATE FUNCTION trap.before(timestamptz, timestamptz) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'caught'; END $$;
CREATE FUNCTION trap.get(jsonb, text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE 'caught'; END $$;
CREATE FUNCTION trap.oid_same(oid, oid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'caught'; END $$;
CREATE FUNCTION trap.btrim(text, text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE 'caught'; END $$;
CREATE FUNCTION trap.quote_ident(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE 'caught'; END $$;
CREATE FUNCTION trap.activity(text, timestamptz) RETURNS user_metrics.activity LANGUAGE plpgsql AS $$ BEGIN RAISE 'caught'; END $$;
CREATE OPERATOR trap.|| (FUNCTION = trap.concat, LEFTARG = text, RIGHTARG = text);
CREATE OPERATOR trap.= (FUNCTION = trap.same, LEFTARG = text, RIGHTARG = text);
CREATE OPERATOR trap.= (FUNCTION = trap.oid_same, LEFTARG = oid, RIGHTARG = oid);
CREATE OPERATOR trap.<= (FUNCTION = trap.before, LEFTARG = timestamptz, RIGHTARG = timestamptz);
CREATE OPERATOR trap.->> (FUNCTION = trap.get, LEFTARG = jsonb, RIGHTARG = text);
SET search_path = trap, pg_catalog;
SELECT 'a'::text = 'a' AS in_the_trap;
SELECT user_metrics.opt_out('ann');
SELECT segment, active_users FROM user_metrics.active_users('source.log', 'year', by => 'tier', filter => '{"model": ["gpt-4o", "claude"]}');
SELECT count(*) FROM user_metrics.describe_source('source.log');
SELECT user_metrics.attach('source.log', name => 'source.untrapped');
SELECT user_metrics.opt_in('ann');
SET search_path = source, user_metrics;

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
SELECT attach('log', preset => 'litellm');
SELECT attach('no_user');
SELECT * FROM active_users('log', timezone => $$UTC'); DROP TABLE source.log; --$$);
SELECT * FROM active_users('log', filter => 'null');
SELECT attach('log', columns => '{"user_id": " "}');
SELECT attach('log', name => repeat('v', 64));
SELECT attach('log', name => format('%I.%I', 'source', repeat('ü', 32)));
\set VERBOSITY default
-- What PostgreSQL and PL/pgSQL refuse, where a LOCATION would be a line of theirs.
CREATE FUNCTION refused(statement text, OUT state text, OUT message text, OUT hint text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
EXCEPTION WHEN others THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
END $$;
SELECT s, r.* FROM unnest(ARRAY[
    'SELECT active_users(''no_such_table'')', 'SELECT active_users(NULL::regclass)', 'SELECT active_users(NULL::text)',
    'SELECT active_users('''')', 'SELECT describe_source(0)', 'SELECT describe_source(NULL)', 'SELECT attach(NULL)', 'SELECT attach(0)',
    'SELECT attach(''log'', name => ''log'')', 'SELECT attach(''log'', name => '''')', 'SELECT attach(''log'', name => ''no_such_schema.v'')',
    'SELECT attach(''log'', name => ''v"; DROP TABLE source.log; --'')',
    'SELECT attach(''log'', columns => ''{"model": "no_such_column"}'')',
    'SELECT attach(''log'', columns => ''{"model": "1); DROP TABLE source.log; --"}'')'
]) WITH ORDINALITY AS u(s, n), LATERAL refused(s) AS r ORDER BY n;
SELECT count(*) FROM log;
-- A function stopped by a timeout leaves no state behind.
CREATE VIEW endless AS SELECT i AS user_id, timestamptz '2024-03-01' + i * interval '1 s' AS created_at FROM (SELECT generate_series(1::bigint, 100000000)) AS s(i);
SET jit = off;
\set VERBOSITY sqlstate
BEGIN;
SET LOCAL statement_timeout = '200ms';
SELECT count(*) FROM retention_matrix('endless');
ROLLBACK;
SELECT user_metrics_internal.live_states(), user_metrics_internal.peak_state_memory() > 1000000 AS had_grown;
\set VERBOSITY default

-- An ordinary role reads what it may, sees who has opted out, and decides about nobody.
CREATE ROLE regress_user_metrics_reader;
GRANT USAGE ON SCHEMA source TO regress_user_metrics_reader;
GRANT SELECT ON a_view TO regress_user_metrics_reader;
SET ROLE regress_user_metrics_reader;
SELECT sum(active_users) FROM active_users('a_view');
SELECT s, r.* FROM unnest(ARRAY[
    'SELECT active_users(''log'')', 'SELECT active_users(''log'', by => ''model'')', 'SELECT describe_source(''log'')', 'SELECT attach(''log'')',
    'SELECT opt_out(''ann'')', 'SELECT opt_in(''ann'')', 'DELETE FROM user_metrics.opt_out', 'SELECT FROM user_metrics.opt_out', 'SELECT FROM user_metrics.anonymous_user', 'INSERT INTO user_metrics.anonymous_user VALUES (''ann'')'
]) WITH ORDINALITY AS u(s, n), LATERAL refused(s) AS r ORDER BY n;
RESET ROLE;
-- Nor does a view let anybody read what they may not: an attached view reads as its caller.
SELECT attach('log', name => 'attached');
GRANT SELECT ON attached TO regress_user_metrics_reader;
SET ROLE regress_user_metrics_reader;
SELECT * FROM refused('SELECT active_users(''attached'')');
RESET ROLE;
-- Who decides needs two grants.
CREATE ROLE regress_user_metrics_officer;
GRANT EXECUTE ON FUNCTION user_metrics.opt_out(text), user_metrics.opt_in(text) TO regress_user_metrics_officer;
GRANT SELECT, INSERT, DELETE ON user_metrics.opt_out TO regress_user_metrics_officer;
SET ROLE regress_user_metrics_officer;
SELECT user_metrics.opt_out('bob');
SELECT user_id FROM user_metrics.opt_out;
SELECT user_metrics.opt_in('bob');
RESET ROLE;
DROP OWNED BY regress_user_metrics_officer;
DROP ROLE regress_user_metrics_officer;
-- Row security is the reader's.
ALTER TABLE log ENABLE ROW LEVEL SECURITY;
CREATE POLICY only_ann ON log USING (user_id = 'ann');
GRANT SELECT ON log TO regress_user_metrics_reader;
SET ROLE regress_user_metrics_reader;
SELECT sum(active_users) FROM active_users('log');
RESET ROLE;
ALTER TABLE log DISABLE ROW LEVEL SECURITY;

-- What is given may be long, and is then not repeated to the last letter.
\set VERBOSITY verbose
SELECT * FROM active_users('log', filter => (SELECT jsonb_object_agg('k' || i, i) FROM generate_series(1, 1001) AS i));
SELECT * FROM active_users('log', timezone => repeat('Moon ', 1000));
-- Properties and metrics of which each would be a column: as many as are read, one more, and more than a query has columns.
CREATE FUNCTION rules(properties int) RETURNS jsonb RETURN (
    SELECT jsonb_agg(jsonb_build_object('segment', 'few', 'all', jsonb_build_array(jsonb_build_object('property:p' || i, '{"=": "a"}'::jsonb))))
    FROM generate_series(1, properties) AS i);
SELECT count(*) FROM segment_users('log', rules => rules(64));
SELECT count(*) FROM segment_users('log', rules => rules(65));
SELECT count(*) FROM segment_user('log', 'ann', rules => rules(2000));
SELECT count(*) FROM segment_summary('log', rules => rules(2000));
CREATE FUNCTION metrics(columns int) RETURNS text[] RETURN ARRAY(SELECT 'p' || i FROM generate_series(1, columns) AS i);
SELECT count(*) FROM ab_compare('log', variant => 'tier', metrics => metrics(64) || array_fill('requests'::text, ARRAY[2000]));
SELECT count(*) FROM ab_compare('log', variant => 'tier', metrics => metrics(65));
SELECT count(*) FROM ab_segments('log', 'model', variant => 'tier', metrics => metrics(2000));
SELECT count(*) FROM funnel('log', (SELECT jsonb_agg(jsonb_build_object('filter', jsonb_build_object('user_id', repeat('x', 1000000)))) FROM generate_series(1, 9)));
\set VERBOSITY default

-- ===== plan =====
-- The plan of the statement a function runs, of which only what reads the log is shown. tests/plans.py looks at it as it runs.
CREATE FUNCTION plan(function text, source regclass, since timestamptz, until timestamptz)
RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || user_metrics_internal.source_query(
        function, user_metrics_internal.relation(source), '{}', since, until, NULL, NULL, NULL, NULL
    ) USING since, until, timestamptz '2025-01-01', NULL::timestamptz LOOP
        EXIT WHEN line ~ 'InitPlan 2';
        RETURN NEXT regexp_replace(line, ' \(returns .*\)', '');    -- which 17 and later do not show
    END LOOP;
END $$;
-- until prunes partitions for every function, since where the past is not needed to know who is new.
SELECT plan('active_users', 'parted', NULL, '2024-03-05');
SELECT plan('stickiness', 'parted', '2024-04-01', '2024-05-01');
SELECT plan('retention_matrix', 'parted', '2024-04-01', NULL);
-- The same while it runs: the partitions each function reads. All but stickiness look at the past before since; nobody reads May.
CREATE TABLE parted_4 PARTITION OF parted FOR VALUES FROM ('2024-05-01') TO ('2024-06-01');
CREATE FUNCTION partitions_read(query text) RETURNS name[] LANGUAGE plpgsql AS $$
DECLARE
    before jsonb := (SELECT jsonb_object_agg(relname, seq_scan) FROM pg_stat_xact_user_tables WHERE relname LIKE 'parted\__');
BEGIN
    EXECUTE query;
    RETURN ARRAY(SELECT relname FROM pg_stat_xact_user_tables WHERE seq_scan > (before ->> relname)::bigint ORDER BY relname);
END $$;
SELECT f AS function, a AS arguments, partitions_read(format('SELECT count(*) FROM %s(''parted'', %s)', f, a))
FROM unnest(ARRAY['active_users', 'engagement', 'lifecycle', 'stickiness', 'retention_matrix', 'retention_curve', 'cohort_table']) WITH ORDINALITY AS u(f, n),
    unnest(ARRAY['until => ''2024-03-05''', 'since => ''2024-04-01'', until => ''2024-05-01''', 'as_of => ''2024-04-30''']) WITH ORDINALITY AS v(a, m) ORDER BY n, m;
SELECT partitions_read($$SELECT FROM stickiness('parted', since => '2024-04-15 12:00+00', until => '2024-05-01', by => 'tier', filter => '{"model": "gpt-4o"}')$$);
-- Who has opted out changes nothing about how the log is read: users are taken out of the value, not looked up row by row.
CREATE TABLE plan_before AS SELECT plan('active_users', 'parted', NULL, NULL);
SELECT opt_out('ann');
SELECT count(*) AS lines FROM plan_before;
SELECT plan('active_users', 'parted', NULL, NULL) EXCEPT ALL TABLE plan_before;
SELECT opt_in('ann');
-- An index serves where the range is small.
CREATE TABLE big AS SELECT i % 1000 AS user_id, timestamptz '2024-03-01' + i * interval '1 minute' AS created_at FROM generate_series(1, 30000) AS i;
CREATE INDEX ON big (created_at);
ANALYZE big;
SET enable_bitmapscan = off;
SELECT plan('stickiness', 'big', '2024-03-10', '2024-03-11');
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
DROP SCHEMA source, trap CASCADE;
