-- The activity value: its aggregates, its type, its accessors. Every plan of the aggregates is in tests/plans.py.
CREATE SCHEMA activity;
SET search_path = activity, user_metrics;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
\pset null '(null)'

-- ===== answers =====
CREATE TABLE log (user_text text, user_uuid uuid, user_bigint bigint, at timestamptz, utc timestamp);
INSERT INTO log SELECT 'user ' || i % 3, ('00000000-0000-4000-8000-00000000000' || i % 3)::uuid, i % 3, t, t AT TIME ZONE 'UTC'
FROM generate_series(0, 9) AS i, LATERAL (SELECT timestamptz '2024-03-01 22:30+00' + i * interval '1 day') AS d(t);

-- Every signature: 3 users from 1 to 10 March, in Berlin too (23:30).
SELECT users(a), first_day(a), last_day(a) FROM (
    SELECT activity(user_text, at) FROM log UNION ALL SELECT activity(user_text, at, 'Europe/Berlin') FROM log
    UNION ALL SELECT activity(user_text, utc) FROM log UNION ALL SELECT activity(user_text, utc, 'Europe/Berlin') FROM log
    UNION ALL SELECT activity(user_uuid, at) FROM log UNION ALL SELECT activity(user_uuid, at, 'Europe/Berlin') FROM log
    UNION ALL SELECT activity(user_uuid, utc) FROM log UNION ALL SELECT activity(user_uuid, utc, 'Europe/Berlin') FROM log
    UNION ALL SELECT activity(user_bigint, at) FROM log UNION ALL SELECT activity(user_bigint, at, 'Europe/Berlin') FROM log
    UNION ALL SELECT activity(user_bigint, utc) FROM log UNION ALL SELECT activity(user_bigint, utc, 'Europe/Berlin') FROM log
) AS v(a);
-- 23:30 in UTC is the next day in Berlin.
SELECT first_day(activity(user_text, at + interval '1 hour')), first_day(activity(user_text, at + interval '1 hour', 'Europe/Berlin')) FROM log;
-- Whole or by the day, in any order: the same bytes.
CREATE TABLE by_day AS SELECT at::date AS day, activity(user_text, at) AS value FROM log GROUP BY 1;
SELECT (SELECT activity(user_text, at)::text FROM log) = rollup(value ORDER BY day)::text AS ascending,
       (SELECT activity(user_text, at)::text FROM log) = rollup(value ORDER BY day DESC)::text AS descending FROM by_day;
-- Through text: still the same.
SELECT count(*) FILTER (WHERE value::text::activity::text = value::text) AS same FROM by_day;
-- Through a binary copy, which checks what it reads. (The server's programs work in its data directory.)
CREATE TABLE copied (day date, value activity);
COPY by_day TO PROGRAM 'cat > user_metrics_regress.copy' (FORMAT binary);
COPY copied FROM PROGRAM 'cat user_metrics_regress.copy && rm user_metrics_regress.copy' (FORMAT binary);
SELECT rollup(c.value)::text = (SELECT rollup(value)::text FROM by_day) AS same FROM copied AS c;
SELECT users(without_users(activity(user_text, at), '{user 1, nobody}')) FROM log;
SELECT users(without_users(activity(user_uuid, at), '{00000000-0000-4000-8000-000000000001,00000000000040008000000000000002,x}')) FROM log;
SELECT users(without_users(activity(user_bigint, at), '{1," 2 ",x,NULL}')) FROM log;

-- ===== edges =====
-- No rows and no readable row are told apart: nothing was observed, or nobody was there.
SELECT activity(user_text, at) IS NULL AS no_rows FROM log WHERE false;
SELECT users(a), first_day(a), last_day(a) FROM (SELECT activity(NULL::text, at) AS a FROM log) AS s;
SELECT users(a), first_day(a) FROM (SELECT activity(user_text, NULL::timestamptz) AS a FROM log) AS s;
SELECT users(activity(u, '2024-03-01'::timestamptz)) FROM unnest(ARRAY['', ' ', E'\t', E'\x0b', NULL, 'x', ' x', U&'\00A0', U&'\3000']) AS u;
SELECT rollup(value) IS NULL AS nothing FROM by_day WHERE false;
SELECT rollup(NULL::activity) IS NULL AS nothing;
SELECT users(rollup(value)) FROM (SELECT value FROM by_day UNION ALL SELECT NULL) AS s;
SELECT users(NULL::activity), first_day(NULL), last_day(NULL);
-- FILTER that leaves nothing is no rows; as a window function it answers row by row: users 0, 1, 2, 0 … on days 1, 2, 3, 4 ….
SELECT activity(user_text, at) FILTER (WHERE false) IS NULL AS no_rows FROM log;
SELECT users(activity(user_text, at) OVER (ORDER BY at)) FROM log ORDER BY at LIMIT 5;
SELECT users(activity(user_text, at) OVER (ORDER BY at ROWS 1 PRECEDING)) FROM log ORDER BY at LIMIT 3;
-- Other types of ids reach an aggregate by the casts PostgreSQL makes itself. The blanks of char(n) are padding.
CREATE DOMAIN user_name AS varchar(9);
SELECT users(activity(u::varchar, t)) AS varchar, users(activity(u::char(9), t)) AS char, users(activity(u::name, t)) AS name,
    users(activity(u::user_name, t)) AS domain, users(activity(length(u), t)) AS int, users(activity(length(u)::int2, t)) AS smallint
FROM (VALUES ('a', timestamptz '2024-03-01'), ('bb', '2024-03-01'), ('bb ', '2024-03-01')) AS v(u, t);
-- A NULL zone is the default zone.
SELECT activity(user_text, at, NULL)::text = activity(user_text, at, 'UTC')::text AS same FROM log;
-- Ids of any length and encoding, in line, compressed and out of line; byte by byte, so case and normal form count.
CREATE TABLE long_ids (user_id text, at timestamptz DEFAULT '2024-03-01');
INSERT INTO long_ids SELECT repeat(u, n) FROM unnest(ARRAY['a', 'Z', 'é', '用']) AS u, unnest(ARRAY[1, 100, 127, 128, 3000, 100000]) AS n;
INSERT INTO long_ids SELECT string_agg(md5(i::text), '') FROM generate_series(1, 2000) AS i;
INSERT INTO long_ids VALUES (U&'\00E9'), (U&'e\0301'), ('A'), (repeat(' ', 100000));
SELECT users(activity(user_id, at)), count(DISTINCT user_id) FILTER (WHERE btrim(user_id) <> '') AS expected FROM long_ids;
SELECT users(activity(u, '2024-03-01'::timestamptz)) FROM unnest(ARRAY[-9223372036854775808, -1, 0, 1, 9223372036854775807]) AS u;
SELECT users(activity(u::uuid, '2024-03-01'::timestamptz)) FROM unnest(ARRAY['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff']) AS u;

-- ===== errors =====
\set VERBOSITY verbose
\set SHOW_CONTEXT never
SELECT rollup(v) FROM (SELECT activity('a'::text, now(), 'UTC') UNION ALL SELECT activity('a'::text, now(), 'Asia/Tokyo')) AS s(v);
SELECT rollup(v) FROM (SELECT activity('a'::text, now()) UNION ALL SELECT activity(1::bigint, now())) AS s(v);
SELECT activity(user_text, at, CASE WHEN user_bigint = 2 THEN 'Asia/Tokyo' ELSE 'UTC' END) FROM log;
SELECT activity(user_text, at, '') FROM log;
-- Bytes that are no value.
SELECT ''::activity;
SELECT 'xyz'::activity;
SELECT '\x0'::activity;
SELECT '\x0g'::activity;
SELECT '\x'::activity;
SELECT overlay(value::text placing '02' from 3 for 2)::activity FROM by_day LIMIT 1;
SELECT overlay(value::text placing '09' from 5 for 2)::activity FROM by_day LIMIT 1;
SELECT overlay(value::text placing 'ff' from 7 for 2)::activity FROM by_day LIMIT 1;
SELECT overlay(value::text placing 'ff' from 40 for 2)::activity FROM by_day LIMIT 1;
SELECT (value::text || '00')::activity FROM by_day LIMIT 1;
SELECT left(value::text, -2)::activity FROM by_day LIMIT 1;
-- The same from a client that speaks binary: the copy's header, one column of 4 bytes, of none, and of 20 made up ones.
CREATE TABLE hostile (value activity);
COPY hostile FROM PROGRAM $$printf 'PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4evil\377\377'$$ (FORMAT binary);
COPY hostile FROM PROGRAM $$printf 'PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\377\377'$$ (FORMAT binary);
COPY hostile FROM PROGRAM $$printf 'PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0\0\1\0\0\0\24\1\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\377\377'$$ (FORMAT binary);
SELECT count(*) FROM hostile;
\set VERBOSITY default
-- Ids of a type that is none of a log's are refused by the parser.
SELECT activity(1.5, now());
-- The machinery cannot be called by hand.
SELECT user_metrics_internal.activity_finish(NULL::internal);
SELECT user_metrics_internal.activity_deserialize('\x00', NULL);

-- A timeout in the middle leaves no state behind. (SQLSTATE 57014. How far it came differs, but a state had grown.)
SET jit = off;
\set VERBOSITY sqlstate
BEGIN;
SET LOCAL statement_timeout = '200ms';
SELECT activity(i, timestamptz '2024-03-01' + i * interval '1 s') FROM (SELECT generate_series(1::bigint, 100000000)) AS s(i);
ROLLBACK;
\set VERBOSITY default
SELECT user_metrics_internal.live_states(), user_metrics_internal.peak_state_memory() > 1000000 AS had_grown;

-- ===== plan =====
-- The aggregate runs in parallel workers.
CREATE TABLE big AS SELECT i AS user_id, timestamptz '2024-03-01' + i * interval '1 s' AS at FROM generate_series(1::bigint, 30000) AS i;
ANALYZE big;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT activity(user_id, at) FROM big;
EXPLAIN (COSTS OFF) SELECT rollup(value) FROM by_day;
SELECT users(activity(user_id, at)) FROM big;
-- A value kept in a table, compressed or out of line, is the same bytes as before, and so is what merges it.
CREATE TABLE kept AS SELECT activity(user_id, at) AS value FROM big;
SELECT users(value), value::text = (SELECT activity(user_id, at)::text FROM big) AS same,
    value::text = (SELECT rollup(value)::text FROM kept) AS merged FROM kept;
SET client_min_messages = warning;
DROP SCHEMA activity CASCADE;
