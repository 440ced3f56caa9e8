-- How usage and its cost develop: usage_patterns, peak_hours, feature_usage and model_usage by period, and per value of a column.
CREATE SCHEMA usage_periods;
SET search_path = usage_periods, user_metrics;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET extra_float_digits = 0;
\pset null '(null)'

-- ===== answers =====

-- Six requests of two users, times in UTC. The log ends on 10 March at 06:00, with nobody's.
--  user  when          tier  feature  model  latency  first token  cached  reasoning  cost  status
--  ann   15 Jan 09:00  pro   chat     A      100      10           5       2          1     200
--  ann   1 Feb 09:00   pro   chat     A      200      20           7       3          2     200
--  ann   3 Feb 09:00   pro   code     B      300      30           ?       ?          ?     200
--  bob   2 Feb 12:00   free  chat     A      400      40           1       ?          0     200
--  bob   29 Feb 12:00  free  chat     A      10       1            1       ?          0     500: failed
--  bob   1 Mar 00:00   free  chat     A      ?        ?            ?       ?          0     200
CREATE TABLE log (
    user_id text, created_at timestamptz, tier text, feature text, model text, latency_ms int, ttft_ms int,
    cached_tokens int, reasoning_tokens int, cost_usd numeric, status int
);
INSERT INTO log VALUES
    ('ann', '2024-01-15 09:00Z', 'pro', 'chat', 'A', 100, 10, 5, 2, 1, 200),
    ('ann', '2024-02-01 09:00Z', 'pro', 'chat', 'A', 200, 20, 7, 3, 2, 200),
    ('ann', '2024-02-03 09:00Z', 'pro', 'code', 'B', 300, 30, NULL, NULL, NULL, 200),
    ('bob', '2024-02-02 12:00Z', 'free', 'chat', 'A', 400, 40, 1, NULL, 0, 200),
    ('bob', '2024-02-29 12:00Z', 'free', 'chat', 'A', 10, 1, 1, NULL, 0, 500),
    ('bob', '2024-03-01 00:00Z', 'free', 'chat', 'A', NULL, NULL, NULL, NULL, 0, 200),
    (NULL, '2024-03-10 06:00Z', 'free', 'chat', 'A', 1, 1, 1, 1, 1, 200);

-- January: 1 request on the 17 days from the 15th: 0.059 a calendar day. The log begins in it, so it is not complete.
-- February: 4 requests on 29 days of ann, who began before, and 28 of bob: 4/57 = 0.070. Pauses of 2 days and of 27: the median is
-- 14.5 days, 1252800 s. Of the intervals of 2 and 27 days the first that 80 % do not exceed is 27.
-- March: 1 request on 10 days, of which the last has begun. The pause before it belongs to neither month.
SELECT name, period_start, complete, users, requests, active_days, round(requests_per_calendar_day::numeric, 3) AS per_day,
    median_seconds_between_requests AS median_seconds, usage_interval_days AS interval_days
FROM usage_patterns('log', period => 'month');
SELECT period_start, cached_tokens, reasoning_tokens, cost_usd, requests_without_cost FROM usage_patterns('log', period => 'month');
-- Each tier is a log of its own: that of free begins on 2 February, so 3 requests on 38 days.
SELECT segment, name, users, requests, round(requests_per_calendar_day::numeric, 3) AS per_day, cost_usd FROM usage_patterns('log', per => 'tier');
SELECT segment, name, period_start, complete, requests, round(requests_per_calendar_day::numeric, 3) AS per_day
FROM usage_patterns('log', per => 'tier', period => 'month', by => 'feature');
-- February: chat is used by both of 2 users, in 3 of 4 requests. Its answers took 200 and 400 ms: the median is 300, and the 95th
-- percentile 200 + 0.95 · 200 = 390. First tokens of answers came after 20 and 40 ms. The failure took 10 ms.
SELECT name, period_start, complete, users, reach, requests, share, round(answered_rate::numeric, 3) AS answered_rate
FROM feature_usage('log', period => 'month');
SELECT name, period_start, cached_tokens AS cached, reasoning_tokens AS reasoning, cost_usd, requests_without_cost AS without, median_ttft_ms AS ttft,
    median_latency_ms AS median, p95_latency_ms AS p95, median_failed_latency_ms AS failed
FROM feature_usage('log', period => 'month');
-- Of all time: the 95th percentile of 100, 200 and 400 ms is 200 + 0.9 · 200 = 380.
SELECT name, period_start, complete, requests, cached_tokens, cost_usd, requests_without_cost, median_ttft_ms, median_latency_ms, p95_latency_ms
FROM model_usage('log');
-- January has 17 hours from 9 to 10, and 16 from 8 to 9; March 10 from 0 to 1, and 9 from 6 to 7. In February 9 and 12 are alike: the
-- earlier ranks higher.
SELECT period_start, complete, hour, requests, hour_occurrences AS occurrences, round(requests_per_hour_occurrence::numeric, 3) AS per_occurrence, rank, is_peak
FROM peak_hours('log', top => 1, period => 'month') WHERE hour IN (0, 6, 8, 9, 12) ORDER BY 1, 3;

-- A cost of 0 is known, but may be that of a model whose price was not.
SELECT remark FROM describe_source('log') WHERE column_name = 'cost_usd';

-- ===== edges =====

-- What since or until cuts is not complete; as_of may make March so. A log of which since hides the beginning is that from since on.
SELECT period_start, complete, requests FROM usage_patterns('log', period => 'month', since => '2024-02-02');
SELECT period_start, complete, requests, round(requests_per_calendar_day::numeric, 3) AS per_day FROM usage_patterns('log', period => 'month', until => '2024-02-29');
SELECT period_start, complete, name, requests FROM model_usage('log', period => 'month', since => '2024-02-01', as_of => '2024-04-01');
SELECT period_start, complete, sum(requests) FROM peak_hours('log', period => 'quarter', since => '2024-01-01', as_of => '2024-04-01') GROUP BY 1, 2;
-- Periods of one time zone; weeks and years that begin otherwise. The 1st of March at 00:00 UTC is in February in New York.
SELECT period_start, complete, requests FROM usage_patterns('log', period => 'month', timezone => 'America/New_York');
SET user_metrics.week_start = 'sunday';
SET user_metrics.year_start = 2;
SELECT period_start, complete, requests FROM usage_patterns('log', period => 'WEEK');
SELECT period_start, complete, requests FROM usage_patterns('log', period => 'year');
RESET user_metrics.week_start;
RESET user_metrics.year_start;
-- A period without requests has no row, and a log without any has none at all.
SELECT count(*) FROM usage_patterns('log', period => 'day');
CREATE TABLE plain (user_id text, created_at timestamptz, feature text, model text);
SELECT count(*) FROM usage_patterns('plain', period => 'day');
SELECT count(*) FROM usage_patterns('plain', per => 'feature');
SELECT users, requests, requests_without_cost, name, period_start, complete FROM usage_patterns('plain', period => NULL, per => NULL);
SELECT (SELECT count(*) FROM peak_hours('plain', period => 'day')) AS hours, (SELECT count(*) FROM feature_usage('plain', period => 'day')) AS features;
-- Where the clock is set back from 00:01 to 23:01 of the day before, a user's requests of a day may lie apart: one user, on each day.
CREATE TABLE set_back (user_id text, created_at timestamptz, feature text);
INSERT INTO set_back SELECT 'ann', timestamptz '2008-11-02 02:30:30Z' + n * interval '1 minute', 'x' FROM generate_series(0, 90, 30) AS n;
SELECT created_at AT TIME ZONE 'America/St_Johns' AS local FROM set_back;
SELECT period_start, users, requests, active_days FROM usage_patterns('set_back', period => 'day', timezone => 'America/St_Johns');
SELECT period_start, users, requests FROM feature_usage('set_back', period => 'day', timezone => 'America/St_Johns');
SELECT period_start, sum(requests) FROM peak_hours('set_back', period => 'day', timezone => 'America/St_Johns') GROUP BY 1 ORDER BY 1;
-- Groups of one user are not shown, in a period as otherwise; nor is the share of the others of that period.
SET user_metrics.min_group_size = 2;
SELECT name, period_start, complete, users, requests, cost_usd, requests_without_cost FROM usage_patterns('log', period => 'month');
SELECT name, period_start, users, requests, share, p95_latency_ms FROM feature_usage('log', period => 'month');
SELECT remark FROM describe_source('log') WHERE column_name = 'cost_usd';
RESET user_metrics.min_group_size;
-- A percentile of many values is found in a second pass: of 0, 1, … 6000 ms it is 5700.
CREATE TABLE many (user_id text, created_at timestamptz, model text, latency_ms int, ttft_ms int);
INSERT INTO many SELECT 'u' || n % 7, timestamptz '2024-03-04' + n * interval '1 minute', 'm', n, n / 2 FROM generate_series(0, 6000) AS n;
SELECT name, requests, median_latency_ms, p95_latency_ms, median_ttft_ms FROM model_usage('many');
SELECT name, period_start, requests, median_latency_ms, p95_latency_ms FROM model_usage('many', period => 'week');

-- ===== errors =====

\set VERBOSITY verbose
\set SHOW_CONTEXT never
SELECT * FROM usage_patterns('log', period => 'decade');
SELECT * FROM peak_hours('log', period => '');
SELECT * FROM feature_usage('log', period => 'hour');
SELECT * FROM model_usage('log', period => 'hour');
SELECT * FROM usage_patterns('log', per => 'colour');
\set VERBOSITY default

-- ===== plan =====

-- Periods need no more of the log than the range asked for.
CREATE TABLE parted (LIKE log) PARTITION BY RANGE (created_at);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM ('2024-02-01') TO ('2024-04-01');
INSERT INTO parted SELECT * FROM log;
BEGIN;
SELECT name, period_start, requests FROM feature_usage('parted', period => 'month', since => '2024-02-01', until => '2024-03-01');
SELECT relname, seq_scan FROM pg_stat_xact_user_tables WHERE relname LIKE 'parted\__' ORDER BY 1;
COMMIT;

SET client_min_messages = warning;
DROP SCHEMA usage_periods CASCADE;
