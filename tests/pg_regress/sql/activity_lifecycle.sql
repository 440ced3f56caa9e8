-- New, retained, resurrected, churned: lifecycle, churn_rate.
CREATE SCHEMA lifecycle;
SET search_path = lifecycle, user_metrics;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET extra_float_digits = 0;
\pset null '(null)'

-- ===== answers =====

-- Weeks 1 to 5 from Monday 4 March 2024. ann: 1, 2, 4. bob: 1. cy: 2, 3, 4. dee: 4. eve: 5.
CREATE TABLE log (user_id bigint, created_at timestamptz);
INSERT INTO log SELECT u, timestamptz '2024-03-04 12:00+00' + (w - 1) * interval '7 days'
FROM (VALUES (1, 1), (1, 2), (1, 4), (2, 1), (3, 2), (3, 3), (3, 4), (4, 4), (5, 5)) AS v(u, w);

-- Week 2: cy is new, ann retained, bob churned. Week 3: cy retained, ann churned. Week 4: dee new, cy retained, ann resurrected.
-- Week 5 has not elapsed: who churned is not known.
SELECT * FROM lifecycle('log', period => 'week');
-- A week later it is: all three of week 4 churned.
SELECT * FROM lifecycle('log', period => 'week', as_of => '2024-04-08') WHERE period_start >= '2024-04-01';
-- Months: everybody but eve is of March, which is not complete, since the log begins on the 4th; so April's churn is not known.
SELECT * FROM lifecycle('log', period => 'month', as_of => '2024-05-01');
-- The same as rates of those active before. Week 2: bob of ann and bob; week 3: ann of ann and cy; week 4: nobody; week 5 runs.
SELECT * FROM churn_rate('log', period => 'week');
-- March is the first month, and nothing is known before it; of March only a part, so not how many of it left in April.
SELECT * FROM churn_rate('log', as_of => '2024-05-01');
-- Who they are: in week 3 cy (3) is retained and ann (1) has churned; in week 4 dee (4) is new, cy retained, ann resurrected.
SELECT w.period_start, r.user_id, r.state FROM unnest('{2024-03-18,2024-03-25}'::date[]) AS w(period_start),
    lifecycle_users('log', w.period_start) AS r ORDER BY 1, 2;
SELECT * FROM lifecycle_users('log', '2024-03-18', state => 'churned');
SELECT * FROM active_user_list('log', '2024-03-25', 'week') ORDER BY user_id;

-- ===== edges =====

-- A log that begins on 20 March and ends on 15 May, with a newcomer a day who never returns: of March it has 12 days, so March is
-- not complete, and how many left in April is not known. In May it is not known yet.
CREATE TABLE begins (user_id text, created_at timestamptz);
INSERT INTO begins SELECT 'u' || d, d + interval '10 hours' FROM generate_series(timestamptz '2024-03-20 00:00+00', '2024-05-15', '1 day') AS d;
SELECT period_start, active_users, new_users, churned_users, quick_ratio, complete FROM lifecycle('begins', period => 'month');
SELECT period_start, previous_active_users, churned_users, churn_rate, complete FROM churn_rate('begins', as_of => '2024-06-01');
SELECT period_start, active_users, complete FROM active_users('begins', period => 'month');
-- From its first day on every day is whole.
SELECT period_start, churned_users, complete FROM lifecycle('begins', period => 'day', until => '2024-03-23');

-- A property that changes. ann begins as free and pays from week 2 on; bob stays free, cy pays from the start, and of dee it is told in
-- week 2 only. By each value ann is lost among the free in week 2, and new among the paying.
CREATE TABLE tiers (user_id text, created_at timestamptz, tier text);
INSERT INTO tiers VALUES ('ann', '2024-03-04', 'free'), ('ann', '2024-03-11', 'pro'), ('ann', '2024-03-18', 'pro'),
    ('bob', '2024-03-04', 'free'), ('bob', '2024-03-11', 'free'), ('cy', '2024-03-04', 'pro'), ('cy', '2024-03-12', 'pro'),
    ('dee', '2024-03-05', NULL), ('dee', '2024-03-13', 'pro');
SELECT v.by_value, r.segment, r.period_start, r.active_users, r.new_users, r.retained_users, r.churned_users
FROM unnest('{each,first,last}'::text[]) WITH ORDINALITY AS v(by_value, place),
    LATERAL (SELECT * FROM lifecycle('tiers', by => 'tier', by_value => v.by_value)) AS r
WHERE r.period_start <= '2024-03-11' ORDER BY v.place, r.segment, r.period_start;
-- The first is the default of what follows users, and each of who is active.
SELECT segment, period_start, previous_active_users, churned_users FROM churn_rate('tiers', period => 'week', by => 'tier');
SELECT segment, active_users FROM active_users('tiers', 'year', by => 'tier');
SELECT segment, active_users, new_users FROM active_users('tiers', 'year', by => 'tier', by_value => 'last');
SELECT segment, monthly_users FROM engagement('tiers', by => 'tier', by_value => 'first', since => '2024-03-18');
SELECT segment, users FROM stickiness('tiers', days => 30, by => 'tier', by_value => 'first') WHERE active_days = 3;
-- Of several at the same instant it is the greatest.
INSERT INTO tiers VALUES ('eve', '2024-03-18', 'free'), ('eve', '2024-03-18', 'pro');
SELECT segment, active_users FROM active_users('tiers', 'year', by => 'tier', by_value => 'first', filter => '{"user_id": "eve"}');
SELECT count(*) FROM lifecycle('tiers', by => 'tier', filter => '{"user_id": "nobody"}');
-- Who churned by each value, as counted above: ann among the free. By the first value she stays, as bob and cy do, and dee is known as pro.
SELECT v.by_value, r.segment, r.user_id, r.state
FROM unnest('{each,first}'::text[]) WITH ORDINALITY AS v(by_value, place),
    LATERAL (SELECT * FROM lifecycle_users('tiers', '2024-03-11', by => 'tier', by_value => v.by_value)) AS r
WHERE r.user_id <> 'eve' ORDER BY v.place, r.segment, r.user_id;

-- A year that begins in April, and its quarters.
SET user_metrics.year_start = 4;
SELECT period_start, active_users FROM active_users('begins', period => 'quarter');
SELECT period_start, active_users FROM active_users('begins', period => 'year');
SELECT period_start, active_users FROM active_users('begins', period => 'month') LIMIT 1;
RESET user_metrics.year_start;

-- churn_rate with since: the period before the first shown is known. An empty log has no periods, an activity is one's log.
SELECT period_start, previous_active_users, churned_users, churn_rate, complete FROM churn_rate('log', period => 'week', since => '2024-03-18');
SELECT count(*) FROM churn_rate('log', filter => '{"user_id": 0}');
SELECT r.period_start, r.churn_rate FROM churn_rate((SELECT activity(user_id, created_at) FROM log), 'week') AS r;
-- A period in which nobody was active: of nobody nobody churns, at no rate.
SELECT period_start, previous_active_users, churned_users, churn_rate FROM churn_rate('log', period => 'day', until => '2024-03-08');
SET user_metrics.min_group_size = 2;
SELECT period_start, previous_active_users, churned_users, churn_rate FROM churn_rate('log', period => 'week');
RESET user_metrics.min_group_size;
-- Lists: in week 5, which runs, none is known to have churned; nor in week 2 if the log of what passes begins within week 1 or later.
SELECT * FROM lifecycle_users('log', '2024-04-01') ORDER BY user_id;
SELECT * FROM lifecycle_users('log', '2024-03-11', filter => '{"user_id": [3, 4]}');
-- since is later than all requests of week 4, so nobody is shown in it, and cuts the week, so nobody is known to have churned. April has eve (5).
SELECT * FROM lifecycle_users('log', '2024-03-25', since => '2024-03-26');
SELECT * FROM active_user_list('log', '2024-04-01', 'month', since => '2024-03-26');
SELECT count(*) FROM active_user_list('log', '2023-01-01', 'year');

-- since: those active before it are not new, and the period before the first is known.
SELECT * FROM lifecycle('log', since => '2024-03-11');
-- A period that since or until cuts is not complete.
SELECT * FROM lifecycle('log', since => '2024-03-12', until => '2024-03-26');
-- A since within a day leaves that day's earlier rows out: 12:00 on the 25th is not shown for ann, cy and dee, who came just then.
SELECT * FROM lifecycle('log', period => 'day', since => '2024-03-25 12:00:00.000001+00', until => '2024-03-26');
-- Whatever is asked, active = new + retained + resurrected, and retained + churned = the active of the period before.
SELECT p AS period, count(*) AS periods, bool_and(active_users = new_users + retained_users + resurrected_users) AS active,
    bool_and(retained_users + churned_users = before) AS before
FROM unnest(ARRAY['day', 'week', 'month']) AS p,
    LATERAL (SELECT *, lag(active_users) OVER (ORDER BY period_start) AS before FROM lifecycle('log', p, as_of => '2024-05-01')) AS r GROUP BY p ORDER BY p;
-- The night the clocks go forward is one day of 23 hours, here between 9 and 11 March: no day is there twice, none is missing.
CREATE TABLE clock (user_id text, created_at timestamptz);
INSERT INTO clock VALUES ('ann', '2024-03-09 23:59:59 America/New_York'), ('ann', '2024-03-10 00:00 America/New_York'),
    ('bob', '2024-03-10 03:00 America/New_York'), ('bob', '2024-03-10 23:59:59.999999 America/New_York'), ('ann', '2024-03-11 00:00 America/New_York');
SELECT period_start, active_users, new_users, retained_users, resurrected_users, churned_users, complete
FROM lifecycle('clock', 'day', timezone => 'America/New_York', as_of => '2024-03-12 00:00 America/New_York');
-- A week in which none of them came is a row of zeros, and who comes back after it is resurrected.
SELECT * FROM lifecycle('log', period => 'week', filter => '{"user_id": [1, 2]}');
CREATE TABLE empty (LIKE log);
SELECT * FROM lifecycle('empty');
INSERT INTO empty VALUES (NULL, '2024-03-04'), (1, NULL);
SELECT * FROM lifecycle('empty');
INSERT INTO empty VALUES (0, '2024-03-04');
SELECT * FROM lifecycle('empty');
-- Read from a value: the same figures, without a segment; and all three forms in views.
SELECT r.* FROM (SELECT activity(user_id, created_at, 'UTC') AS a FROM log) AS v, lifecycle(v.a) AS r;
CREATE VIEW over_name AS SELECT * FROM lifecycle('lifecycle.log');
CREATE VIEW over_oid AS SELECT * FROM lifecycle('log'::regclass);
CREATE VIEW over_value AS SELECT r.* FROM lifecycle((SELECT activity(user_id, created_at, 'UTC') FROM log)) AS r;
SELECT period_start, n.active_users AS over_name, o.active_users AS over_oid, v.active_users AS over_value
FROM over_name AS n JOIN over_oid AS o USING (period_start) JOIN over_value AS v USING (period_start) ORDER BY 1;
SELECT * FROM lifecycle(NULL::activity);

-- ===== errors =====
\set VERBOSITY verbose
\set SHOW_CONTEXT never
SELECT * FROM lifecycle('log', period => 'decade');
SELECT * FROM churn_rate('log', period => 'decade');
SELECT * FROM lifecycle('log', by => 'tier');
SELECT * FROM lifecycle('tiers', by => 'tier', by_value => 'second');
SELECT * FROM lifecycle('tiers', by_value => 'second');
SELECT * FROM lifecycle_users('log', '2024-03-12');
SELECT * FROM lifecycle_users('log', NULL);
SELECT * FROM lifecycle_users('log', '2024-03-11', state => 'lost');
SELECT * FROM lifecycle_users('log', '2024-03-11', by_value => 'second');
SELECT * FROM active_user_list('log', '2024-03-12', 'month');
SELECT * FROM active_user_list('log', 'infinity', 'week');
-- While small groups are hidden, who they are is not told.
SET user_metrics.min_group_size = 2;
SELECT * FROM lifecycle_users('log', '2024-03-11');
SELECT * FROM active_user_list('log', '2024-03-11');
RESET user_metrics.min_group_size;
SET user_metrics.year_start = 13;
\set VERBOSITY default

-- ===== plan =====
-- Workers count the users, in one pass over the log. What since and until keep from being read is shown in source.sql.
CREATE TABLE big AS SELECT i AS user_id, timestamptz '2024-03-01' + i * interval '1 minute' AS created_at FROM generate_series(1::bigint, 30000) AS i;
ANALYZE big;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT FROM (SELECT activity(user_id, created_at) FROM big) AS v(a), lifecycle(v.a);
SELECT period_start, active_users, new_users FROM lifecycle('big');
SET client_min_messages = warning;
DROP SCHEMA lifecycle CASCADE;
