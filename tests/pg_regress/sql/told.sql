-- What a log tells: blank values, outcomes, times that cannot be, columns that do not serve, users who are nobody.
CREATE SCHEMA told;
SET search_path = told, user_metrics;
SET TimeZone = 'UTC';
\pset null '(null)'

-- ===== answers =====
-- A blank value is not told: one user of source ads, everywhere.
CREATE TABLE blank AS SELECT 'a' AS user_id, timestamptz '2024-03-01 10:00Z' + i * interval '1 day' AS created_at,
    CASE WHEN i < 3 THEN '{"Source": "ads"}' WHEN i = 3 THEN '{"Source": "None"}' ELSE '{"Source": " "}' END::jsonb AS properties,
    CASE WHEN i < 2 THEN 'chat' WHEN i = 2 THEN 'undefined' ELSE E'\t' END AS feature
FROM generate_series(0, 5) AS i;
SELECT user_id, property, value FROM user_properties('blank');
SELECT segment, sum(active_users) AS days FROM active_users('blank', by => 'Source') GROUP BY 1 ORDER BY 1;
SELECT segment, requests FROM usage_patterns('blank', by => 'Source');
SELECT name, users, requests FROM feature_usage('blank');
SELECT * FROM acquisition('blank', 'Source');

-- Outcomes: an unset status is an answer, an unknown word does not tell, an error decides, a user who left is no failure.
CREATE TABLE outcomes (user_id text, created_at timestamptz, session_id text, feature text, status text, error text);
INSERT INTO outcomes SELECT 'u' || i, '2024-03-04 09:00Z', 's' || i, 'chat', s, e FROM (VALUES
    (1, 'UNSET', NULL), (2, 'OK', ''), (3, 'ERROR', NULL), (4, '200', 'boom'), (5, '200', 'client disconnected'), (6, 'pending', NULL), (7, '302', NULL), (8, '504', NULL)
) AS v(i, s, e);
SELECT segment, completed_sessions, abandoned_sessions, completion_rate FROM session_stats('outcomes', by => 'user_id', as_of => '2024-03-06') ORDER BY segment;
SELECT remark FROM describe_source('outcomes') WHERE column_name = 'status';
-- Without a status, an error is a failure and no error an answer.
ALTER TABLE outcomes DROP status;
SELECT segment, completed_sessions, abandoned_sessions, completion_rate FROM session_stats('outcomes', by => 'user_id', as_of => '2024-03-06') ORDER BY segment;

-- A request of 1970 does not make the log 54 years old; a first request far from the next is remarked.
CREATE TABLE old (user_id text, created_at timestamptz);
INSERT INTO old VALUES ('a', '1970-01-01'), ('a', '1999-12-31 23:59:59.999999Z'), ('b', '2000-01-01Z'), ('c', '2024-03-04');
SELECT min(period_start), max(period_start), sum(new_users) FROM active_users('old', 'year');
SELECT users, requests FROM usage_patterns('old');
SELECT left_out_requests, remark FROM describe_source('old') WHERE column_name = 'occurred_at';
-- The time of the event is taken, not that of the row.
CREATE TABLE imported AS SELECT 'a' AS user_id, timestamptz '2024-03-01 10:00Z' + i * interval '1 day' AS start_time, timestamptz '2024-04-01 10:00Z' AS created_at
FROM generate_series(0, 29) AS i;
SELECT sum(active_users) FROM active_users('imported');
SELECT source_column, remark FROM describe_source('imported') WHERE column_name = 'occurred_at';

-- A column that cannot serve is not read, and describe_source says so; money may be negative.
CREATE TABLE refunds (user_id text, created_at timestamptz, feedback text, revenue numeric, cost float8, latency_ms text, succeeded text, variant text);
INSERT INTO refunds VALUES ('a', '2024-03-04 09:00Z', 'nice', 10, 1, 'fast', 'yes', 'x'), ('a', '2024-03-04 10:00Z', 'bad', -10, -5, NULL, NULL, 'x'),
    ('b', '2024-03-04 10:00Z', NULL, 4, 2, NULL, NULL, 'y');
SELECT metric, variant, mean FROM ab_compare('refunds', metrics => '{revenue_usd}', control => 'x', cuped_days => NULL);
SELECT requests, mean_rating FROM user_metrics_row('refunds', user_id => 'a');
SELECT cost_usd FROM usage_patterns('refunds');
SELECT column_name, source_column, remark FROM describe_source('refunds') WHERE remark IS NOT NULL;
-- A score may be the user's or a judge's.
CREATE TABLE scored (user_id text, created_at timestamptz, score float8);
SELECT column_name, source_column, remark FROM describe_source('scored') WHERE column_name IN ('rating', 'judge_score');
ALTER TABLE scored ADD judge text;
SELECT column_name, source_column, remark FROM describe_source('scored') WHERE column_name IN ('rating', 'judge_score');

-- Ids that look like nobody, and a log of nobody.
CREATE TABLE nobody AS SELECT u AS user_id, timestamptz '2024-03-04' AS created_at FROM unnest('{undefined,null,ann,undefined,N/A,anonymous}'::text[]) AS u;
SELECT requests, left_out_requests, remark FROM describe_source('nobody') WHERE column_name = 'user_id';
CREATE TABLE staff AS SELECT ''::text AS end_user, 'ann' AS "user", timestamptz '2024-03-04' + i * interval '1 hour' AS created_at, 'm' AS model FROM generate_series(1, 3) AS i;
SELECT * FROM active_users('staff');
SELECT * FROM usage_patterns('staff');
SELECT count(*) FROM session_list('staff');
UPDATE staff SET end_user = 'default_user_id';
SELECT * FROM active_users('staff');
SELECT count(*) FROM usage_patterns('staff');

-- ===== edges =====
-- Nothing to say about a log without requests.
CREATE TABLE nothing (user_id text, created_at timestamptz, start_time timestamptz, status text, error text);
SELECT count(*) FROM active_users('nothing');
SELECT column_name, remark FROM describe_source('nothing') WHERE remark IS NOT NULL;
-- Small groups: words of few users are not shown.
SET user_metrics.min_group_size = 2;
CREATE TABLE few (user_id text, created_at timestamptz, status text);
INSERT INTO few VALUES ('a', '2024-03-04', 'ok'), ('b', '2024-03-04', 'ok'), ('b', '2024-03-04', 'secret');
SELECT remark FROM describe_source('few') WHERE column_name = 'status';
RESET user_metrics.min_group_size;

-- ===== plan =====
-- The tests of a row are the ones of core.
SELECT t, user_metrics_internal.told(t), user_metrics_internal.number(t), user_metrics_internal.answered(t, NULL) AS by_status, user_metrics_internal.answered(t) AS by_error
FROM unnest(ARRAY['', ' ', 'x', 'None', 'none', '1.50', '-2e3', '1e999', 'NaN', '200', '404', 'UNSET', 'Error', 'client disconnected', NULL]) AS t;

-- ===== errors =====
\set VERBOSITY verbose
\set SHOW_CONTEXT never
SELECT * FROM active_users('staff', by => 'plan');
SELECT * FROM active_users('staff', filter => '{"plan": "pro"}');
\set VERBOSITY default
DROP SCHEMA told CASCADE;
