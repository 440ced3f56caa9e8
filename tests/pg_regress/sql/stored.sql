-- Stored values as a type: equality is that of content, whatever the order of rows, and hashes agree with it.
CREATE SCHEMA stored;
SET search_path = stored, user_metrics, public;
SET TimeZone = 'UTC';
CREATE TABLE request AS
SELECT i, 'u' || i % 7 AS user_id, timestamptz '2024-03-01 10:00Z' + i * interval '7 hours' AS at, i % 3 = 0 AS yes, i::float8 AS x
FROM generate_series(1, 200) AS i;
-- Two groups, each aggregated in two orders, and a group of other rows.
CREATE TABLE value AS
SELECT g, activity(user_id, at ORDER BY i * way) AS a, sessions(user_id, at ORDER BY i * way) AS s,
    funnel(user_id, at, ARRAY[yes, NOT yes], '1 day' ORDER BY i * way) AS f, survival(x, yes ORDER BY i * way) AS d,
    experiment(CASE WHEN yes THEN 'a' ELSE 'b' END, x ORDER BY i * way) AS e
FROM request, generate_series(1, 3) AS g, unnest(ARRAY[1, -1]) AS w(way) WHERE i % 3 <> g % 3 OR g = 3 GROUP BY g, way;
SELECT count(*) AS rows, count(*) FILTER (WHERE a.g = b.g) AS of_a_group,
    count(*) FILTER (WHERE a.a = b.a) AS a, count(*) FILTER (WHERE a.s = b.s) AS s, count(*) FILTER (WHERE a.f = b.f) AS f,
    count(*) FILTER (WHERE a.d = b.d) AS d, count(*) FILTER (WHERE a.e = b.e) AS e,
    count(*) FILTER (WHERE a.a <> b.a) AS not_a, count(*) FILTER (WHERE a.e <> b.e) AS not_e
FROM value AS a, value AS b;
SELECT (SELECT count(*) FROM (SELECT DISTINCT a FROM value) AS v) AS a, (SELECT count(*) FROM (SELECT DISTINCT s FROM value) AS v) AS s,
    (SELECT count(*) FROM (SELECT f FROM value UNION SELECT f FROM value) AS v) AS f,
    (SELECT count(*) FROM (SELECT d FROM value INTERSECT SELECT d FROM value) AS v) AS d,
    (SELECT count(*) FROM (SELECT e FROM value EXCEPT SELECT e FROM value) AS v) AS no_e,
    (SELECT count(*) FROM (SELECT FROM value GROUP BY a, s, f, d, e) AS v) AS all_five;
-- The same where values are joined and indexed by their hash, and where they are not.
CREATE INDEX ON value USING hash (a);
SET enable_seqscan = off;
SELECT count(*) FROM value WHERE a = (SELECT v.a FROM value AS v WHERE v.g = 1 LIMIT 1);
SET enable_hashjoin = off;
SELECT count(*) FROM value AS a JOIN value AS b ON a.f = b.f;
RESET enable_seqscan;
RESET enable_hashjoin;
SELECT count(*) FROM value AS a JOIN value AS b ON a.f = b.f;
SELECT bool_and(user_metrics_internal.activity_hash(a)::bit(32) = user_metrics_internal.activity_hash_extended(a, 0)::bit(32)) AS as_expected,
    count(DISTINCT user_metrics_internal.activity_hash(a)) AS hashes, count(DISTINCT user_metrics_internal.activity_hash_extended(a, 1)) AS seeded
FROM value;
-- Also of values that are compressed, or stored out of line.
CREATE TABLE large (n int, a activity);
INSERT INTO large SELECT n, activity(i, timestamptz '2024-03-01 10:00Z') FROM generate_series(1, 2) AS n, generate_series(1::bigint, 20000) AS i GROUP BY n;
ALTER TABLE large ALTER a SET STORAGE EXTERNAL;
INSERT INTO large SELECT 2 + n, a FROM large;
INSERT INTO large SELECT 5, activity(i, timestamptz '2024-03-01 10:00Z') FROM generate_series(2::bigint, 20001) AS i;
SELECT count(*), count(*) FILTER (WHERE a.a = b.a) AS equal FROM large AS a, large AS b;
-- Rows without a key are found again by their content.
ALTER TABLE value REPLICA IDENTITY FULL;
-- Operators and classes belong to no name that other types have.
SELECT NULL::activity = NULL::activity IS NULL AS strict;
SELECT a = s FROM value;

-- ===== small groups of values =====

CREATE VIEW small AS SELECT activity(user_id, at) AS a, sessions(user_id, at) AS s, funnel(user_id, at, ARRAY[yes, NOT yes], '1 day') AS f FROM request WHERE i < 4;
SELECT users(a), first_day(a), last_day(a), users(s), users(f), (SELECT count(*) FROM session_list(s)) AS listed FROM small;
SET user_metrics.min_group_size = 4;
SELECT users(a), first_day(a), last_day(a), users(s), users(f) FROM small;
SELECT users(activity(user_id, at)), users(sessions(user_id, at)) FROM request;
\set VERBOSITY verbose
SELECT session_list(s) FROM small;
\set VERBOSITY default
-- The log of three users, and one of whom few opted out: neither tells how many requests they made.
CREATE VIEW three AS SELECT user_id, at AS created_at FROM request WHERE i % 7 < 3;
SELECT opt_out('u1');
SELECT column_name, requests, missing_requests, left_out_requests, remark FROM describe_source('three') WHERE column_name IN ('user_id', 'occurred_at');
CREATE VIEW all_of_them AS SELECT user_id, at AS created_at FROM request;
SELECT column_name, requests, missing_requests, left_out_requests, remark FROM describe_source('all_of_them') WHERE column_name IN ('user_id', 'occurred_at');
-- Segments of too few users keep their rows.
CREATE VIEW by_part AS SELECT user_id, at AS created_at, CASE WHEN i % 7 < 2 THEN 'few' ELSE 'many' END AS part FROM request;
SELECT DISTINCT segment, active_users FROM active_users('by_part', period => 'year', by => 'part', as_of => '2024-05-01') ORDER BY 1;
RESET user_metrics.min_group_size;
SELECT column_name, requests, missing_requests, left_out_requests, remark FROM describe_source('all_of_them') WHERE column_name IN ('user_id', 'occurred_at');
SELECT opt_in('u1');
-- Whoever may not read the lists gets values without those users all the same.
SELECT opt_out('u1'), opt_out('u2');
CREATE ROLE regress_user_metrics_stored;
GRANT USAGE ON SCHEMA stored TO regress_user_metrics_stored;
GRANT SELECT ON request TO regress_user_metrics_stored;
SET ROLE regress_user_metrics_stored;
SELECT users(a), users(without_excluded_users(a)) AS activity, users(without_excluded_users(s)) AS sessions, users(without_excluded_users(f)) AS funnel
FROM (SELECT activity(user_id, at) AS a, sessions(user_id, at) AS s, funnel(user_id, at, ARRAY[yes, NOT yes], '1 day') AS f FROM request) AS v;
RESET ROLE;
DROP OWNED BY regress_user_metrics_stored;
DROP ROLE regress_user_metrics_stored;
SELECT opt_in('u1'), opt_in('u2');
