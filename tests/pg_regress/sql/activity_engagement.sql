-- How many are active and how often: active_users, engagement, stickiness.
CREATE SCHEMA engagement;
SET search_path = engagement, user_metrics;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET extra_float_digits = 0;
\pset null '(null)'

-- ===== answers =====

-- Three weeks, Monday 4 March 2024 to Sunday 24 March. ann comes on Monday, Tuesday and Thursday of the first week and on
-- Monday of the third; bob on Tuesday of the first (twice) and of the second; cy on Thursday of the third, its last request.
CREATE TABLE log (user_id text, created_at timestamptz, properties jsonb);
INSERT INTO log VALUES
    ('ann', '2024-03-04 09:00+00', '{"tier": "pro"}'), ('ann', '2024-03-05 09:00+00', '{"tier": "pro"}'),
    ('ann', '2024-03-07 09:00+00', '{"tier": "pro"}'), ('ann', '2024-03-18 09:00+00', '{"tier": "pro"}'),
    ('bob', '2024-03-05 10:00+00', '{"tier": "free"}'), ('bob', '2024-03-05 23:59:59.999999+00', '{"tier": "free"}'),
    ('bob', '2024-03-12 10:00+00', '{"tier": "free"}'), ('cy', '2024-03-21 12:00+00', '{"tier": "free"}');

-- Weeks: 2 users, both new; bob alone; ann again and cy new. The third week has not elapsed on its Thursday.
SELECT * FROM active_users('log', period => 'week');
-- Observed to its end it has.
SELECT * FROM active_users('log', period => 'week', as_of => '2024-03-25');
-- Days without anybody are there.
SELECT * FROM active_users('log') LIMIT 5;
SELECT * FROM active_users('log', 'month') UNION ALL SELECT * FROM active_users('log', 'quarter')
UNION ALL SELECT * FROM active_users('log', 'year');
-- Weeks from Sunday.
SET user_metrics.week_start = 'sunday';
SELECT * FROM active_users('log', period => 'week');
SET user_metrics.week_start = 'saturday';
SELECT period_start, active_users FROM active_users('log', period => 'week');
RESET user_metrics.week_start;

-- 7 days to the 12th: ann on the 7th, bob on the 12th. 30 days to the 21st hold everybody, 3 users.
SELECT * FROM engagement('log', since => '2024-03-05', until => '2024-03-08');
SELECT * FROM engagement('log') WHERE day IN ('2024-03-12', '2024-03-21');
-- A day is complete if it has elapsed and the 30 days to it lie within the log: from 2 April on.
SELECT day, monthly_users, complete FROM engagement('log', as_of => '2024-04-04') WHERE day >= '2024-04-01';

-- Of the 28 days to 21 March ann was active on 4, bob on 2, cy on 1.
SELECT * FROM stickiness('log') WHERE active_days <= 5;
-- Of the last 7: ann and cy on one each.
SELECT * FROM stickiness('log', days => 7) WHERE active_days <= 2;

-- by: each segment is a log of its own, and all end with the last request of any.
SELECT * FROM active_users('log', 'week', by => 'tier');
SELECT * FROM active_users('log', 'week', filter => '{"tier": "pro"}');

-- ===== edges =====

-- since: who is new is still decided by the whole log. In the middle of a day it leaves that day's earlier rows out.
SELECT * FROM active_users('log', 'week', since => '2024-03-11');
SELECT * FROM active_users('log', 'day', since => '2024-03-05 09:30+00', until => '2024-03-06');
SELECT * FROM engagement('log', since => '2024-03-05 09:30+00', until => '2024-03-06');
-- until is exclusive.
SELECT * FROM active_users('log', 'day', since => '2024-03-21', until => '2024-03-21 12:00+00');
SELECT * FROM active_users('log', 'day', since => '2024-03-21', until => '2024-03-21 12:00:00.000001+00');
-- The last microsecond of 5 March in UTC is 6 March in Berlin.
SELECT * FROM active_users('log', timezone => 'Europe/Berlin') WHERE period_start BETWEEN '2024-03-05' AND '2024-03-06';

-- Nobody: NULL, empty and blank ids, the anonymous. Not '0'.
CREATE TABLE nobody (user_id text, created_at timestamptz);
INSERT INTO nobody SELECT u, '2024-03-04' FROM unnest(ARRAY[NULL, '', ' ', E'\t\n\x0b\f\r ', 'anonymous', 'default_user_id']) AS u;
SELECT * FROM active_users('nobody');
INSERT INTO nobody VALUES ('0', '2024-03-04'), (' 0', '2024-03-04'), ('Anonymous', '2024-03-04');
SELECT * FROM active_users('nobody');

-- Empty logs, logs of NULL times, infinite times and times to come.
CREATE TABLE empty (user_id text, created_at timestamptz);
SELECT * FROM active_users('empty');
SELECT * FROM engagement('empty');
SELECT * FROM stickiness('empty');
SELECT * FROM active_users('empty', by => 'user_id');
INSERT INTO empty VALUES ('ann', NULL), ('ann', 'infinity'), ('ann', '-infinity'), ('ann', now() + interval '1 day'), (NULL, NULL);
SELECT * FROM active_users('empty');
INSERT INTO empty VALUES ('ann', '2024-03-04');
SELECT * FROM active_users('empty');
SELECT * FROM engagement('empty');
SELECT * FROM stickiness('empty', days => 1);

-- A day of 23 hours, one of 25, one of 24½ after one of 23½, and none at all: Berlin, Lord Howe, Apia skipped 30 December 2011.
SELECT t, last_day(activity('ann'::text, t, 'Europe/Berlin')) FROM (VALUES
    (timestamptz '2024-03-30 22:59:59.999999+00'), ('2024-03-30 23:00+00'), ('2024-03-31 21:59:59.999999+00'), ('2024-03-31 22:00+00'),
    ('2024-10-26 21:59:59.999999+00'), ('2024-10-26 22:00+00'), ('2024-10-27 22:59:59.999999+00'), ('2024-10-27 23:00+00')) AS v(t)
GROUP BY t ORDER BY t;
SELECT t, last_day(activity('ann'::text, t, 'Australia/Lord_Howe')) FROM (VALUES
    (timestamptz '2024-04-06 12:59:59.999999+00'), ('2024-04-06 13:00+00'), ('2024-04-07 13:29:59.999999+00'),
    ('2024-04-07 13:30+00'), ('2024-10-06 12:59:59.999999+00'), ('2024-10-06 13:00+00')) AS v(t) GROUP BY t ORDER BY t;
SELECT t, last_day(activity('ann'::text, t, 'Pacific/Apia')) FROM (VALUES
    (timestamptz '2011-12-30 09:59:59.999999+00'), ('2011-12-30 10:00+00')) AS v(t) GROUP BY t ORDER BY t;
CREATE TABLE clock (user_id text, created_at timestamptz);
INSERT INTO clock VALUES ('ann', '2011-12-30 09:00+00'), ('ann', '2011-12-30 11:00+00');
SELECT period_start, active_users FROM active_users('clock', timezone => 'Pacific/Apia');

-- The ends of time: what is counted begins with the year 2000, UTC.
SELECT first_day(a), last_day(a), users(a) FROM (
    SELECT activity(u, t, 'UTC') AS a FROM (VALUES ('ann', timestamptz '0044-03-15 12:00+00 BC'), ('bob', '2000-01-01 00:00:00+00'),
        ('dan', '1999-12-31 23:59:59.999999+00'), ('cy', '294276-12-31 23:59:59.999999+00'), ('cy', 'infinity')) AS v(u, t)) AS s;

-- Days end at local midnight also 5:45 h east and 11 h west of Greenwich.
SELECT t, last_day(activity('ann'::text, t, 'Asia/Kathmandu')) AS kathmandu, last_day(activity('ann'::text, t, 'Pacific/Pago_Pago')) AS pago_pago
FROM (VALUES (timestamptz '2024-03-04 10:59:59.999999+00'), ('2024-03-04 11:00+00'), ('2024-03-04 18:14:59.999999+00'), ('2024-03-04 18:15+00')) AS v(t)
GROUP BY t ORDER BY t;
-- 31 March in Berlin has elapsed after its 23 hours, 27 October after its 25, and not a microsecond before.
SELECT as_of, period_start, complete
FROM unnest(ARRAY['2024-03-31 21:59:59.999999+00', '2024-03-31 22:00+00', '2024-10-27 22:59:59.999999+00', '2024-10-27 23:00+00']::timestamptz[]) AS d(as_of),
    LATERAL (SELECT * FROM active_users('log', timezone => 'Europe/Berlin', as_of => d.as_of)) AS r
WHERE period_start IN ('2024-03-31', '2024-10-27') AND period_start >= as_of::date ORDER BY as_of;

-- Windows without an end, that end before they begin, or lie where no log is. What lies ahead of now is not observed yet.
SELECT w, r.period_start, r.active_users, r.complete FROM (VALUES
    ('all of time', timestamptz '-infinity', timestamptz 'infinity', NULL::timestamptz), ('until the far future', NULL, '294000-01-01', NULL),
    ('as of forever', NULL, NULL, 'infinity'), ('as of never', NULL, NULL, '-infinity'), ('until never', NULL, '-infinity', NULL),
    ('since forever', 'infinity', NULL, NULL), ('since the far future', '294000-01-01', NULL, NULL), ('backwards', '2024-03-06', '2024-03-05', NULL),
    ('before the log', NULL, '2024-03-01', NULL), ('as of before the log', NULL, NULL, '2024-03-01')) AS v(w, since, until, as_of)
    LEFT JOIN LATERAL (SELECT * FROM active_users('log', 'year', since => v.since, until => v.until, as_of => v.as_of) WHERE period_start <= '2025-01-01')
        AS r ON true ORDER BY w COLLATE "C", period_start;
-- since cuts the window of stickiness: from 10 March on bob, ann and cy came once each; bob's request of the 12th can be cut off too.
SELECT * FROM stickiness('log', days => 14, since => '2024-03-10') WHERE active_days <= 2;
SELECT * FROM stickiness('log', days => 14, since => '2024-03-12 10:00:00.000001+00') WHERE active_days <= 2;
-- NULL arguments mean the defaults.
SELECT (SELECT count(*) FROM active_users('log', NULL)) = (SELECT count(*) FROM active_users('log', 'day')) AS days,
    (SELECT count(*) FROM stickiness('log', NULL)) AS rows;

-- All three forms in views, which stay right when the search_path is another.
CREATE VIEW over_name AS SELECT * FROM active_users('engagement.log', 'week');
CREATE VIEW over_oid AS SELECT * FROM active_users('log'::regclass, 'week');
CREATE VIEW over_value AS SELECT r.* FROM active_users((SELECT activity(user_id, created_at, 'UTC') FROM log), 'week') AS r;
SET search_path = pg_catalog;
SELECT period_start, n.active_users AS over_name, o.active_users AS over_oid, v.active_users AS over_value
FROM engagement.over_name AS n JOIN engagement.over_oid AS o USING (period_start) JOIN engagement.over_value AS v USING (period_start) ORDER BY 1;
SET search_path = engagement, user_metrics;

-- Read from a value: the same figures, without a segment.
SELECT r.* FROM (SELECT activity(user_id, created_at, 'UTC') AS a FROM log) AS v, active_users(v.a, 'week') AS r;
SELECT r.* FROM (SELECT activity(user_id, created_at, 'UTC') AS a FROM log) AS v,
    engagement(v.a, since => '2024-03-05', until => '2024-03-08') AS r;
SELECT r.* FROM (SELECT activity(user_id, created_at, 'UTC') AS a FROM log) AS v, stickiness(v.a, days => 7) AS r WHERE active_days <= 2;
SELECT * FROM active_users(NULL::activity);

-- ===== errors =====
\set VERBOSITY verbose
\set SHOW_CONTEXT never
SELECT * FROM active_users('log', period => 'fortnight');
SELECT * FROM active_users('empty', by => 'user_id', period => '');
SELECT * FROM stickiness('log', days => 0);
SELECT * FROM stickiness('log', days => 100000);
SELECT * FROM active_users('log', timezone => 'Mars/Olympus');
-- A log that spans all of time has too many days to list.
INSERT INTO empty VALUES ('ann', '2000-01-01');
SET user_metrics.max_state_memory = '1MB';
SELECT count(*) FROM engagement('empty');
RESET user_metrics.max_state_memory;
\set VERBOSITY default

-- ===== plan =====
-- Workers count the users, in one pass over the log. What since and until keep from being read is shown in source.sql.
CREATE TABLE big AS SELECT i AS user_id, timestamptz '2024-03-01' + i * interval '1 minute' AS created_at FROM generate_series(1::bigint, 30000) AS i;
ANALYZE big;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT FROM (SELECT activity(user_id, created_at) FROM big) AS v(a), active_users(v.a), engagement(v.a), stickiness(v.a);
SELECT * FROM active_users('big', 'month');
SET client_min_messages = warning;
DROP SCHEMA engagement CASCADE;
