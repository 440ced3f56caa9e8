-- How much use in the first days tells who stays: activation_threshold.
CREATE SCHEMA threshold;
SET search_path = threshold, user_metrics;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET extra_float_digits = 0;
\pset null '(null)'

-- ===== answers =====

-- 400 users begin on 1 March 2024. User n makes n % 4 + 1 requests: one on each of the first days. Who makes three or four, so
-- by the third day has three, is back on the 25th, but for every tenth of all, who does what the others do not.
CREATE TABLE log (user_id text, created_at timestamptz, feature text);
INSERT INTO log
SELECT 'u' || n, timestamptz '2024-03-01 09:00Z' + d * interval '1 day', CASE d WHEN 0 THEN 'chat' ELSE 'code' END
FROM generate_series(1, 400) AS n CROSS JOIN generate_series(0, n % 4) AS d
UNION ALL
SELECT 'u' || n, '2024-03-25 09:00Z', 'chat' FROM generate_series(1, 400) AS n WHERE (n % 4 >= 2) <> (n % 10 = 0);
INSERT INTO log VALUES (NULL, '2024-03-29 00:00Z', NULL), ('anonymous', '2024-03-01', 'code'), (' ', '2024-03-01', 'code');
-- 200 ask three times, of whom 20 do not stay; of the others 20 do. So 200 stay.
\x
SELECT * FROM activation_threshold('log');
\x
-- Whatever the seed, the threshold is the same here, and so are the sums of both halves; who is in which half is not.
SELECT s AS seed, t.users, t.retained_users, t.days, t.requests, t.days_low, t.days_high, t.requests_low, t.requests_high, t.held_out_users <> f.held_out_users AS other_half
FROM activation_threshold('log') AS f, unnest('{1,2,3,-4,9223372036854775807}'::bigint[]) AS s, activation_threshold('log', seed => s) AS t;
-- Requests to code: two of them, by the third day, are the same.
SELECT days, requests, sentence FROM activation_threshold('log', action => '{"feature": "code"}');
-- In two days nobody has three requests: the best there is are two.
SELECT days, requests, sentence FROM activation_threshold('log', max_days => 2);
SELECT days, requests, sentence FROM activation_threshold('log', max_requests => 1, action => '{"feature": "code"}');

-- ===== edges =====

-- Why there is none.
CREATE TABLE plain (user_id text, created_at timestamptz);
SELECT users, retained_users, held_out_users, days, phi, sentence, reason FROM activation_threshold('plain');
SELECT count(*) FROM activation_threshold('log', by => 'feature', filter => '{"feature": "none such"}');
SELECT users, retained_users, days, reason FROM activation_threshold('log', min_users => 300);
SELECT users, retained_users, days, reason FROM activation_threshold('log', retained => '{22,23}');
SELECT users, days, reason FROM activation_threshold('log', action => '{"feature": "none such"}');
SELECT users, days, reason FROM activation_threshold('log', as_of => '2024-03-28 23:59:59Z');
SELECT users, days, reason FROM activation_threshold('log', since => '2024-03-02 00:00Z');
-- Segments; NULL for every argument means its default.
SELECT segment, users, days, requests, reason FROM activation_threshold('log', by => 'feature');
SELECT days, requests FROM activation_threshold(source => 'log', action => NULL, retained => NULL, max_days => NULL, max_requests => NULL, min_users => NULL, seed => NULL,
    since => NULL, until => NULL, filter => NULL, by => NULL, timezone => NULL, as_of => NULL);
-- Small groups are not shown.
SET user_metrics.min_group_size = 150;
SELECT users, retained_users, days, users_reaching, sentence, reason FROM activation_threshold('log');
SET user_metrics.min_group_size = 201;
SELECT users, retained_users, held_out_users, days, reason FROM activation_threshold('log');
RESET user_metrics.min_group_size;
-- The same in parallel.
CREATE TEMP TABLE serially AS SELECT * FROM activation_threshold('log');
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET parallel_leader_participation = off;
SELECT a = s AS alike FROM activation_threshold('log') AS a, serially AS s;
RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size; RESET parallel_leader_participation;

-- ===== errors =====

\set VERBOSITY verbose
\set SHOW_CONTEXT never
SELECT * FROM activation_threshold('log', max_days => 0);
SELECT * FROM activation_threshold('log', max_days => 16);
SELECT * FROM activation_threshold('log', max_requests => 11);
SELECT * FROM activation_threshold('log', min_users => 0);
SELECT * FROM activation_threshold('log', retained => '{14,20}');
SELECT * FROM activation_threshold('log', action => '[]');
SELECT * FROM activation_threshold('plain', action => '{"feature": "x"}');
SELECT * FROM activation_threshold('log', timezone => 'Moon');
\set VERBOSITY default

-- ===== plan =====

-- All is read once: who is new, and the first days of those whose outcome is known.
CREATE TABLE parted (user_id text, created_at timestamptz) PARTITION BY RANGE (created_at);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
CREATE TABLE parted_3 PARTITION OF parted FOR VALUES FROM ('2024-03-01') TO ('2024-04-01');
INSERT INTO parted SELECT 'u' || n % 5, timestamptz '2024-01-01' + n * interval '1 hour' FROM generate_series(0, 2000) AS n;
CREATE FUNCTION scans(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    seen text;
BEGIN
    PERFORM pg_stat_force_next_flush(); PERFORM pg_stat_clear_snapshot();
    CREATE TEMP TABLE before AS SELECT relname, seq_scan FROM pg_stat_xact_user_tables WHERE relname LIKE 'parted\__';
    EXECUTE query;
    SELECT string_agg(s.relname || ': ' || s.seq_scan - b.seq_scan, ', ' ORDER BY s.relname) INTO seen
    FROM pg_stat_xact_user_tables AS s JOIN before AS b USING (relname) WHERE s.seq_scan > b.seq_scan;
    DROP TABLE before;
    RETURN seen;
END
$$;
SELECT scans('SELECT FROM activation_threshold(''parted'')') AS scans;

SET client_min_messages = warning;
DROP SCHEMA threshold CASCADE;
