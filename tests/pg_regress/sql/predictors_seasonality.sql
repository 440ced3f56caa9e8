-- Whether it matters when users begin: seasonality.
CREATE SCHEMA seasonality;
SET search_path = seasonality, user_metrics;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET extra_float_digits = 0;
\pset null '(null)'

-- ===== answers =====

-- Ten users begin on every day of two weeks from Monday 4 March 2024 on; who begins on a Saturday comes back on the second day
-- after, of the others every second one does. The outcome of those of the last day is known on the 20th.
CREATE TABLE log (user_id text, created_at timestamptz);
INSERT INTO log SELECT 'u' || d || '-' || n, timestamptz '2024-03-04 09:00Z' + d * interval '1 day' FROM generate_series(0, 13) AS d, generate_series(1, 10) AS n;
INSERT INTO log SELECT 'u' || d || '-' || n, timestamptz '2024-03-06 09:00Z' + d * interval '1 day' FROM generate_series(0, 13) AS d, generate_series(1, 10) AS n WHERE d % 7 = 5 OR n % 2 = 0;
INSERT INTO log VALUES (NULL, '2024-03-20 00:00Z');
-- Saturday: 20 of 20; all: 12 · 5 + 20 = 80 of 140, and 1 over that is 1.75. Fourteen days are two weeks, but no two years.
SELECT * FROM seasonality('log', retained => '{2,2}');

-- ===== edges =====

-- A day less is not enough.
SELECT pattern, number, reason FROM seasonality('log', retained => '{2,2}', as_of => '2024-03-19 23:59:59Z');
SELECT pattern, number, reason FROM seasonality('log', retained => '{2,3}');
-- since: who began before it is left out.
SELECT pattern, number, reason FROM seasonality('log', retained => '{2,2}', since => '2024-03-05 00:00Z');
-- Nobody.
CREATE TABLE plain (user_id text, created_at timestamptz);
SELECT * FROM seasonality('plain');
SELECT count(*) FROM seasonality('plain', by => 'user_id');
SELECT count(*) FROM seasonality(NULL::activity);
INSERT INTO plain VALUES (' ', '2024-03-04');
SELECT pattern, reason FROM seasonality('plain');
-- Two years of months, whole ones only; the fifteenth of each, and the last months for the outcome.
CREATE TABLE years (user_id bigint, created_at timestamp);
INSERT INTO years SELECT n, timestamp '2022-01-01' + n * interval '1 month' + (n > 0)::int * interval '14 days' FROM generate_series(0, 24) AS n;
INSERT INTO years SELECT n, timestamp '2022-01-16' + n * interval '1 month' FROM generate_series(0, 24) AS n WHERE n % 12 IN (0, 5);
SELECT pattern, number, users, retained_users, retention_rate, index FROM seasonality('years', retained => '{1,15}') WHERE pattern = 'month';
SELECT pattern, reason FROM seasonality('years', retained => '{1,15}', as_of => '2024-01-15 00:00Z') WHERE pattern = 'month';
-- NULL means the default. An activity answers like its log.
SELECT count(*) FROM seasonality(source => 'years', retained => NULL, since => NULL, until => NULL, filter => NULL, by => NULL, timezone => NULL, as_of => NULL);
SELECT count(*) AS alike FROM (SELECT r.* FROM seasonality((SELECT activity(user_id, created_at) FROM years), '{1,15}') AS r
    INTERSECT SELECT pattern, number, users, retained_users, retention_rate, rate_low, rate_high, index, index_low, index_high, q_value, reason FROM seasonality('years', '{1,15}')) AS in_both;
SET user_metrics.min_group_size = 21;
SELECT pattern, number, users, retention_rate, index, q_value FROM seasonality('log', retained => '{2,2}') WHERE number = 6;
RESET user_metrics.min_group_size;

-- ===== errors =====

\set VERBOSITY verbose
\set SHOW_CONTEXT never
SELECT * FROM seasonality('log', retained => '{0,1}');
SELECT * FROM seasonality('log', retained => '{7}');
SELECT * FROM seasonality('log', timezone => 'Moon');
\set VERBOSITY default

-- ===== plan =====

-- In parallel, like every readout of an activity.
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT r.* FROM seasonality((SELECT activity(user_id, created_at) FROM log), '{2,2}') AS r;

SET client_min_messages = warning;
DROP SCHEMA seasonality CASCADE;
