-- One user: user_profile, user_metrics_row.
CREATE SCHEMA profile;
SET search_path = profile, user_metrics;
SET TimeZone = 'UTC';
SET extra_float_digits = 0;
\pset format unaligned
\pset null '(null)'

-- ===== answers =====

-- ann: two sessions of 12 and 24 minutes on two days of three; ten others, with one request each.
CREATE TABLE log (user_id text, created_at timestamptz, model text, feature text, succeeded boolean, cost_usd float8, rating float8, tier text);
INSERT INTO log VALUES
    ('ann', '2024-03-01 09:00Z', 'a', 'chat', true, 0.5, 1, 'pro'), ('ann', '2024-03-01 09:12Z', 'b', 'chat', true, 0.25, NULL, 'pro'),
    ('ann', '2024-03-03 14:00Z', 'a', 'code', true, 0.5, 0, 'pro'), ('ann', '2024-03-03 14:24Z', 'a', 'chat', false, NULL, NULL, 'pro');
INSERT INTO log SELECT 'u' || i, timestamptz '2024-03-01 12:00Z' + i * interval '1 hour', 'b', 'chat', true, 1, NULL, CASE WHEN i < 4 THEN 'pro' ELSE 'free' END FROM generate_series(1, 10) AS i;
INSERT INTO log VALUES ('u1', '2024-03-03 23:00Z', 'b', 'chat', true, 1, NULL, 'pro'), (NULL, '2024-03-04 00:00Z', 'b', 'chat', true, 1, NULL, NULL);
SELECT jsonb_pretty(user_profile('log', 'ann'));
\x
SELECT * FROM user_metrics_row('log', 'ann');
SELECT * FROM user_metrics_row('log', 'ann', peers => 'tier', candidates => '{b,c}', fallback => '{c,d}', timezone => 'Asia/Tokyo');
\x
-- Without a benchmark nothing of others is read, nor told; observation ends now, or at as_of.
SELECT user_profile('log', 'ann', benchmark => false) - 'user_behavior';
SELECT segment, requests, requests_per_calendar_day, sessions, session_mean_seconds, peer_users FROM user_metrics_row('log', 'ann', benchmark => false, as_of => '2024-03-04');
SELECT requests, requests_per_calendar_day, session_mean_seconds FROM user_metrics_row('log', 'ann', benchmark => false, as_of => '2024-03-01 09:30');
SELECT requests, first_seen, last_seen FROM user_metrics_row('log', 'ann', since => '2024-03-02', until => '2024-03-03 14:10');
-- Who is not in the log has none.
SELECT user_profile('log', 'nobody') IS NULL AS none, (SELECT count(*) FROM user_metrics_row('log', 'nobody')) AS rows;

-- ===== edges =====

CREATE TABLE bare AS SELECT user_id, created_at FROM log;
SELECT user_profile('bare', 'ann') - 'benchmark';
CREATE TABLE nothing (LIKE log);
SELECT user_profile('nothing', 'ann') IS NULL AS none;
-- Numbers are whole, whatever the session shows.
CREATE TABLE kept AS SELECT user_profile('log', 'ann') AS profile, r.* FROM user_metrics_row('log', 'ann') AS r;
SET extra_float_digits = -10;
SELECT k.profile = user_profile('log', 'ann') AS same, k.requests_per_day = r.requests_per_day AS same FROM kept AS k, user_metrics_row('log', 'ann') AS r;
SET extra_float_digits = 0;
SET timezone = 'Asia/Kolkata';
SET datestyle = 'German, DMY';
SELECT first_seen = '2024-03-01T09:00:00Z' AS same FROM user_metrics_row('log', 'ann');
RESET datestyle;
SET TimeZone = 'UTC';
-- One request, a hostile id.
INSERT INTO log (user_id, created_at, feature) VALUES ($$"o'x\$$, '2024-03-02', $$a,"b$$);
SELECT user_profile('log', $$"o'x\$$, benchmark => false, as_of => '2024-03-04');
SELECT opt_out('ann');
SELECT user_profile('log', 'ann') IS NULL AS none;
SELECT opt_in('ann');

-- ===== errors =====

\set VERBOSITY verbose
\set SHOW_CONTEXT never
SELECT user_profile('log', NULL);
SELECT user_profile('log', 'ann', peers => 'UserTier');
SELECT user_profile('log', 'ann', timezone => 'Moon');
SELECT * FROM user_metrics_row('log', 'ann', candidates => '{}');
SELECT * FROM user_metrics_row('nothing_such', 'ann');
\set VERBOSITY default

-- ===== plan =====

-- With an index one user's profile reads that user's requests and no others.
CREATE TABLE big AS SELECT 'u' || i % 5000 AS user_id, timestamptz '2024-03-01' + i * interval '1 minute' AS created_at, 'm' AS model FROM generate_series(1, 50000) AS i;
CREATE INDEX ON big (user_id, created_at);
ANALYZE big;
SELECT pg_stat_force_next_flush();
SELECT seq_scan AS whole_reads, seq_tup_read AS rows FROM pg_stat_user_tables WHERE relid = 'big'::regclass \gset before_
SELECT requests, sessions FROM user_metrics_row('big', 'u7', benchmark => false);
SELECT pg_stat_force_next_flush();
SELECT seq_scan - :before_whole_reads AS whole_reads, seq_tup_read - :before_rows AS rows_read_in_passing FROM pg_stat_user_tables WHERE relid = 'big'::regclass;
SET client_min_messages = warning;
DROP SCHEMA profile CASCADE;
