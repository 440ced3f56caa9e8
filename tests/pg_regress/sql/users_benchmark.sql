-- Users beside their peers: benchmark_users, benchmark_user.
CREATE SCHEMA benchmark;
SET search_path = benchmark, user_metrics;
SET TimeZone = 'UTC';
SET extra_float_digits = 0;
\pset format unaligned
\pset null '(null)'

-- ===== answers =====

-- Over two days: u1 to u4 with 2, 4, 4 and 8 requests, an hour apart; u4 is of another tier. Every second request of u3 failed.
CREATE TABLE log (user_id text, created_at timestamptz, feature text, succeeded boolean, rating float8, tier text);
INSERT INTO log
SELECT u, timestamptz '2024-03-01 00:00Z' + i * interval '1 hour', CASE WHEN i % 2 = 0 THEN 'chat' ELSE 'code' END,
    u <> 'u3' OR i % 2 = 0, CASE WHEN i = 0 THEN r END, t
FROM (VALUES ('u1', 2, 5, 'free'), ('u2', 4, 1, 'free'), ('u3', 4, NULL, 'free'), ('u4', 8, 4, 'pro')) AS v(u, n, r, t), generate_series(0, n - 1) AS i;
INSERT INTO log VALUES ('', '2024-03-02', 'chat', true, 9, 'free'), ('anonymous', '2024-03-03', 'chat', true, 9, 'free');
SELECT * FROM benchmark_users('log', min_peers => 1);
SELECT * FROM benchmark_users('log', peers => 'tier', min_peers => 2) WHERE metric IN ('requests_per_day', 'satisfaction');
SELECT * FROM benchmark_user('log', 'u2', peers => 'tier', min_peers => 2);
SELECT count(*) FROM benchmark_user('log', 'nobody');
-- By default ten peers are wanted; the figure itself is known.
SELECT * FROM benchmark_user('log', 'u2');

-- A pace shows after a week. Both ask 20 on the first day and 2 on each further one; new began six days after old. After 7 days of old
-- and 1 of new there is no pace of new, after 13 and 7 there are two, of seven days each: (20 + 6 · 2) / 7 = 4.571. Whoever began before since has had all of the days since.
CREATE TABLE paces (user_id text, created_at timestamptz);
INSERT INTO paces SELECT u, timestamptz '2024-03-01 10:00Z' + (late + day) * interval '1 day' + n * interval '1 minute'
FROM (VALUES ('old', 0), ('new', 6)) AS v(u, late), generate_series(0, 30) AS day, generate_series(1, CASE WHEN day = 0 THEN 20 ELSE 2 END) AS n;
SELECT as_of, user_id, value, peer_users FROM unnest('{2024-03-08Z,2024-03-14Z}'::timestamptz[]) AS as_of, benchmark_users('paces', as_of => as_of) WHERE metric = 'requests_per_day' ORDER BY 1, 2;
SELECT user_id, value FROM benchmark_users('paces', since => '2024-03-25Z', until => '2024-04-01Z') WHERE metric = 'requests_per_day';
SELECT requests, requests_per_calendar_day FROM user_metrics_row('paces', 'old', since => '2024-03-31Z', until => '2024-04-05Z', benchmark => false);
-- Users are compared at the same age. Twelve more who began on the 1st ask as much, and so does late, who began on the 8th. After four
-- weeks, 28 days of the twelve and old are compared, (20 + 27 · 2) / 28 = 2.643, and of new and late the first 14 with the first 14 of
-- everybody: (20 + 13 · 2) / 14 = 3.286. All are alike. If more peers are wanted than there are, the first week is told.
INSERT INTO paces SELECT u || v.n, created_at + late * interval '1 day' FROM paces, (VALUES ('u', 0, 12), ('late', 7, 1)) AS w(u, late, users), generate_series(1, users) AS v(n) WHERE user_id = 'old';
SELECT left(user_id, 1) AS user, round(value::numeric, 3) AS value, round(peer_median::numeric, 3) AS median, percentile, peer_users, count(*) AS users
FROM benchmark_users('paces', as_of => '2024-03-29') WHERE metric = 'requests_per_day' GROUP BY 1, 2, 3, 4, 5 ORDER BY 1;
SELECT DISTINCT round(value::numeric, 3) AS value, peer_median, percentile, peer_users FROM benchmark_users('paces', min_peers => 15, as_of => '2024-03-29') WHERE metric = 'requests_per_day';

-- ===== edges =====

-- Somebody who changed tiers is of the last; who never told is with those who never told.
INSERT INTO log VALUES ('u1', '2024-03-03 10:00', 'chat', true, NULL, 'pro'), ('u5', '2024-03-03 10:00', 'chat', true, NULL, NULL);
SELECT user_id, peer_group, value, peer_users FROM benchmark_users('log', peers => 'tier', min_peers => 1) WHERE metric = 'features_used';
-- Observation ends before that.
SELECT user_id, peer_group FROM benchmark_users('log', peers => 'tier', as_of => '2024-03-02') WHERE metric = 'features_used';
-- One user; none; a log of users and times alone.
SELECT * FROM benchmark_users('log', filter => '{"tier": "pro"}', until => '2024-03-02', min_peers => 1);
CREATE TABLE nothing (LIKE log);
SELECT count(*) FROM benchmark_users('nothing');
CREATE TABLE bare AS SELECT user_id, created_at FROM log;
SELECT * FROM benchmark_user('bare', 'u2', min_peers => 1);
-- Ratings that are no numbers are none; negative ones are.
CREATE TABLE rated (user_id text, created_at timestamptz, rating float8);
INSERT INTO rated VALUES ('a', '2024-03-01', 'NaN'), ('a', '2024-03-01', -1), ('b', '2024-03-01', 1), ('c', '2024-03-01', 'Infinity');
SELECT user_id, value, peer_median, percentile, peer_users FROM benchmark_users('rated', min_peers => 1) WHERE metric = 'satisfaction';
-- Peers who are few are not told of.
SET user_metrics.min_group_size = 3;
SELECT user_id, peer_group, metric, value, peer_users FROM benchmark_users('log', peers => 'tier', min_peers => 1) WHERE metric = 'features_used';
RESET user_metrics.min_group_size;

-- ===== errors =====

\set VERBOSITY verbose
\set SHOW_CONTEXT never
SELECT * FROM benchmark_users('log', min_peers => 0);
SELECT * FROM benchmark_users('log', min_peers => NULL);
SELECT * FROM benchmark_users('bare', peers => 'UserTier');
SELECT * FROM benchmark_users('log', timezone => 'Moon');
\set VERBOSITY default

-- ===== plan =====

-- With workers or without, the same figures.
CREATE TABLE big AS SELECT 'u' || i % 1000 AS user_id, timestamptz '2024-03-01' + i * interval '1 minute' AS created_at, 'f' || i % 7 AS feature, i % 5 AS rating FROM generate_series(1, 100000) AS i WHERE i % 1000 > i % 777;
ANALYZE big;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT * FROM benchmark_users('big');
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SELECT metric, count(*), count(percentile), (SELECT count(*) FROM (SELECT * FROM benchmark_users('big') AS p WHERE p.metric = s.metric EXCEPT SELECT * FROM serial) AS d) AS differ FROM serial AS s GROUP BY metric ORDER BY metric;
RESET ALL;
SET client_min_messages = warning;
DROP SCHEMA benchmark CASCADE;
