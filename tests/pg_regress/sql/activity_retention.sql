-- Do users come back: retention_matrix, retention_curve, cohort_table.
CREATE SCHEMA retention;
SET search_path = retention, user_metrics;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET extra_float_digits = -6;
\pset null '(null)'

-- ===== answers =====

-- Weeks 0 to 3 from Monday 4 March 2024, the last request on Wednesday of week 3. ann and bob join in week 0: ann comes in
-- weeks 0, 1 and 3, bob in 0 and 2. cy joins on Saturday of week 1 and comes in week 2 (its Friday). dee joins in week 3.
CREATE TABLE log (user_id text, created_at timestamptz, plan text);
INSERT INTO log VALUES
    ('ann', '2024-03-04 08:00+00', 'pro'), ('ann', '2024-03-12 08:00+00', 'pro'), ('ann', '2024-03-25 08:00+00', 'pro'),
    ('bob', '2024-03-06 08:00+00', 'free'), ('bob', '2024-03-20 08:00+00', 'free'),
    ('cy', '2024-03-16 08:00+00', 'free'), ('cy', '2024-03-22 08:00+00', 'free'), ('dee', '2024-03-27 08:00+00', 'free');

-- On: ann in week 1, bob in week 2; week 3 has not elapsed, so nobody is eligible. Wilson's bounds of 1 of 2: 0.0945, 0.9055.
SELECT * FROM retention_matrix('log');
-- on_or_after: in week 1 or later both. on_or_before: by week 2 both. streak: ann for one week, nobody for two.
SELECT cohort_start, period_number, kind, retained_users FROM (VALUES ('on'), ('on_or_after'), ('on_or_before'), ('streak')) AS k(kind),
    LATERAL (SELECT * FROM retention_matrix('log', kind => k.kind, offsets => '{0,1,2}')) AS r
WHERE cohort_start = '2024-03-04' ORDER BY kind, period_number;
-- By the rolling clock cy's week 1 is 23 to 29 March: Friday the 22nd is still week 0, and the week has not elapsed.
SELECT * FROM retention_matrix('log', clock => 'rolling') WHERE cohort_start = '2024-03-11';
-- Days: ann's 8th day, of monthly cohorts.
SELECT * FROM retention_matrix('log', cohort => 'month', period => 'day', clock => 'rolling', offsets => '{1,2,6,8}');
-- All cohorts together: sums over sums. Week 1: ann of ann, bob; cy in week 2. 2 of 3.
SELECT * FROM retention_curve('log');
SELECT * FROM retention_curve('log', by => 'plan', offsets => '{1,2}');
-- Rolling weeks 1, 2, 4 … counted from 1, so week_1 is the first of their own.
SELECT * FROM cohort_table('log');
SELECT * FROM cohort_table('log', as_of => '2024-07-01');

-- Brackets: the weeks 1 and 2 as one, in which ann and bob came; week 3 and the one after have not elapsed.
SELECT cohort_start, period_number, eligible_users, retained_users FROM retention_matrix('log', brackets => '{1-2,3-4}');
SELECT period_number, eligible_users, retained_users FROM retention_curve('log', brackets => '{0,1-2}');
-- Recurring cohorts: ann is of week 0, 1 and 3, bob of 0 and 2, cy of 1 and 2, dee of 3. Of week 1, ann did not come back in the week
-- after it, cy did. Pooled: of the memberships of weeks 0 and 1, four, ann's first and cy's were followed by a week with requests.
SELECT cohort_start, cohort_users, eligible_users, retained_users FROM retention_matrix('log', cohorts => 'recurring', offsets => '{1}');
SELECT cohort_users, eligible_users, retained_users FROM retention_curve('log', cohorts => 'recurring', offsets => '{1}');

-- From one event to another: visits on days 0 and 1, purchases. ann buys in the hour of her visit and again on day 1; bob bought an
-- hour before his first visit, which is no return, and on day 2; cy buys only.
CREATE TABLE shop (user_id text, created_at timestamptz, feature text);
INSERT INTO shop VALUES ('ann', '2024-03-04 08:00+00', 'visit'), ('ann', '2024-03-04 09:00+00', 'buy'), ('ann', '2024-03-05 07:00+00', 'buy'),
    ('bob', '2024-03-04 07:00+00', 'buy'), ('bob', '2024-03-04 08:00+00', 'visit'), ('bob', '2024-03-06 09:00+00', 'buy'),
    ('cy', '2024-03-04 10:00+00', 'buy');
SELECT period_number, cohort_users, eligible_users, retained_users FROM retention_curve('shop', 'day', 'day', start_event => '{"feature": "visit"}',
    return_event => '{"feature": "buy"}', as_of => '2024-03-07');
-- Within the first 24 hours ann buys twice, and nobody else does; bob's second purchase is 49 hours after his visit.
SELECT period_number, eligible_users, retained_users FROM retention_curve('shop', 'day', 'day', start_event => '{"feature": "visit"}',
    return_event => '{"feature": "buy"}', clock => '24_hours', as_of => '2024-03-07 08:00+00');
-- A microsecond earlier the third day of 24 hours has not elapsed.
SELECT period_number, eligible_users, retained_users FROM retention_curve('shop', 'day', 'day', start_event => '{"feature": "visit"}',
    return_event => '{"feature": "buy"}', clock => '24_hours', offsets => '{2}', as_of => '2024-03-07 07:59:59.999999+00');
-- At least two requests: on day 0 all but cy.
SELECT period_number, eligible_users, retained_users FROM retention_curve('shop', 'day', 'day', min_requests => 2, as_of => '2024-03-07');
-- Of users who signed up: ann came on the day, dee never, and cy, who did not sign up, is no member.
CREATE TABLE signup (user_id text, created_at timestamptz);
INSERT INTO signup VALUES ('ann', '2024-03-04 00:30+00'), ('bob', '2024-03-03 10:00+00'), ('dee', '2024-03-03 11:00+00');
SELECT cohort_start, cohort_users, period_number, eligible_users, retained_users
FROM retention_matrix('shop', 'day', 'day', '{0,1,2}', signups => 'signup', as_of => '2024-03-07');
-- By the first value of a property that changes: ann is one user.
SELECT segment, period_number, eligible_users, retained_users FROM retention_curve('shop', 'day', 'day', '{0,1}', by => 'feature', as_of => '2024-03-07');
SELECT segment, period_number, eligible_users, retained_users FROM retention_curve('shop', 'day', 'day', '{0,1}', by => 'feature', by_value => 'each', as_of => '2024-03-07');

-- Who they are: of week 0 ann is retained in week 1 and bob is not; so is cy of week 1, and for dee it has not elapsed.
SELECT * FROM retention_users('log', 1) ORDER BY user_id;
SELECT * FROM retention_users('log', 1, '2024-03-04') ORDER BY user_id;
SELECT * FROM retention_users('log', 1, by => 'plan') ORDER BY user_id;
-- In weeks 1 and 2 as one, both of week 0. Of recurring cohorts that of week 1 has ann, who stays away in week 2, and cy.
SELECT * FROM retention_users('log', 1, '2024-03-04', brackets => '{1-2,3-4}') ORDER BY user_id;
SELECT * FROM retention_users('log', 1, '2024-03-11', cohorts => 'recurring') ORDER BY user_id;
-- Who visited and bought a day later: ann, and not bob.
SELECT user_id, cohort_start, retained FROM retention_users('shop', 1, cohort => 'day', period => 'day', start_event => '{"feature": "visit"}',
    return_event => '{"feature": "buy"}', as_of => '2024-03-07') ORDER BY user_id;
-- Of those who signed up, on the day: ann alone.
SELECT user_id, retained FROM retention_users('shop', 0, period => 'day', signups => 'signup', as_of => '2024-03-07') ORDER BY user_id;

-- ===== edges =====

-- A cohort that since cuts is not complete: on Wednesday the week of 4 March has bob alone.
SELECT cohort_start, cohort_users, period_number, eligible_users, complete FROM retention_matrix('log', since => '2024-03-06', offsets => '{0,1}') LIMIT 3;

-- On Monday after week 3 it has elapsed for everybody of week 0; one microsecond before it has not.
SELECT eligible_users, retained_users, complete FROM retention_matrix('log', offsets => '{3}', as_of => '2024-04-01')
WHERE cohort_start = '2024-03-04';
SELECT eligible_users, retained_users, complete FROM retention_matrix('log', offsets => '{3}', as_of => '2024-03-31 23:59:59.999999+00')
WHERE cohort_start = '2024-03-04';
-- By the rolling clock members become eligible one by one: ann's week 2 has elapsed on 25 March, bob's on the 27th.
SELECT as_of::date, eligible_users, retained_users, retention_rate, complete
FROM unnest(ARRAY['2024-03-24', '2024-03-25', '2024-03-26', '2024-03-27']::timestamptz[]) AS d(as_of),
    LATERAL (SELECT * FROM retention_matrix('log', clock => 'rolling', offsets => '{2}', as_of => d.as_of)) AS r
WHERE cohort_start = '2024-03-04';
-- since: cohorts from there on; ann and bob do not become members of week 1.
SELECT cohort_start, cohort_users, period_number FROM retention_matrix('log', since => '2024-03-11');
-- until leaves the rest out, dee too.
SELECT cohort_start, cohort_users, period_number, eligible_users, retained_users FROM retention_matrix('log', until => '2024-03-25');
-- Asked for beyond what has begun: rows of what is not known yet.
SELECT * FROM retention_matrix('log', offsets => '{500, 500}') LIMIT 1;
-- Repeated and unsorted offsets are sorted, each once; an empty list asks for nothing.
SELECT DISTINCT period_number FROM retention_matrix('log', offsets => '{2,0,2,1}') ORDER BY 1;
SELECT count(*) FROM retention_matrix('log', offsets => '{}');
SELECT DISTINCT period_number FROM retention_matrix('log', offsets => '{1,NULL}') ORDER BY 1;
CREATE TABLE empty (LIKE log);
SELECT * FROM retention_matrix('empty');
SELECT * FROM retention_curve('empty', by => 'plan');
SELECT * FROM cohort_table('empty');
INSERT INTO empty VALUES ('', '2024-03-04', 'free'), ('ann', '2024-03-04', NULL);
SELECT * FROM retention_matrix('empty');
SELECT * FROM retention_curve('empty', by => 'plan');
-- From a value.
SELECT r.* FROM (SELECT activity(user_id, created_at, 'UTC') AS a FROM log) AS v, retention_matrix(v.a, offsets => '{1}') AS r;
SELECT r.* FROM (SELECT activity(user_id, created_at, 'UTC') AS a FROM log) AS v, retention_curve(v.a, offsets => '{1}') AS r;
SELECT r.* FROM (SELECT activity(user_id, created_at, 'UTC') AS a FROM log) AS v, cohort_table(v.a) AS r;
-- Days are the calendar's: 40 minutes and a day of 25 hours after the first request are each one day later. The night of
-- 3 November 2024 in New York has the hour from 1 to 2 twice; day 1 of ann, the 3rd, has elapsed after all of its 25 hours.
CREATE TABLE clock (user_id text, created_at timestamptz);
INSERT INTO clock VALUES ('ann', '2024-11-02 23:30 America/New_York'), ('ann', '2024-11-03 00:10 America/New_York'),
    ('ann', '2024-11-04 00:00 America/New_York'), ('bob', '2024-11-02 23:30 America/New_York'), ('bob', '2024-11-03 23:59:59.999999 America/New_York');
SELECT as_of, period_number, eligible_users, retained_users
FROM unnest(ARRAY['2024-11-04 04:59:59.999999+00', '2024-11-04 05:00+00', '2024-11-05 05:00+00']::timestamptz[]) AS d(as_of),
    LATERAL (SELECT * FROM retention_matrix('clock', 'day', 'day', '{1,2}', timezone => 'America/New_York', as_of => d.as_of)) AS r
ORDER BY as_of, period_number;
-- Months: from 31 January 1 and 29 February (ann, bob) are of the next calendar month, 1 March (cy) is 30 days later. Grains differ.
CREATE TABLE months (user_id text, created_at timestamptz);
INSERT INTO months SELECT u, t FROM (VALUES ('ann', timestamptz '2024-02-01'), ('bob', '2024-02-29'), ('cy', '2024-03-01')) AS v(u, back),
    unnest(ARRAY['2024-01-31', back]) AS t;
SELECT clock, period_number, eligible_users, retained_users FROM unnest(ARRAY['calendar', 'rolling']) AS clock,
    LATERAL (SELECT * FROM retention_matrix('months', 'month', 'month', '{1}', clock => clock, as_of => '2024-04-01')) AS r ORDER BY clock;
SELECT cohort_start, period_number, eligible_users, retained_users FROM retention_matrix('months', 'year', 'quarter', as_of => '2024-07-01');
-- Weeks from Saturday: 16 March, when cy joins, begins one, and Friday the 22nd ends it.
SET user_metrics.week_start = 'saturday';
SELECT cohort_start, cohort_users, period_number, eligible_users, retained_users FROM retention_matrix('log') WHERE cohort_start >= '2024-03-09';
RESET user_metrics.week_start;
-- A since within a day: who came earlier that day was a user before it. bob is no member, cy and dee are.
SELECT cohort_start, cohort_users FROM retention_matrix('log', since => '2024-03-06 08:00+00', offsets => '{0}');
SELECT cohort_start, cohort_users FROM retention_matrix('log', since => '2024-03-06 08:00:00.000001+00', offsets => '{0}');
-- All three forms in views.
CREATE VIEW over_name AS SELECT * FROM retention_curve('retention.log');
CREATE VIEW over_oid AS SELECT * FROM retention_curve('log'::regclass);
CREATE VIEW over_value AS SELECT r.* FROM retention_curve((SELECT activity(user_id, created_at, 'UTC') FROM log)) AS r;
SELECT period_number, n.retained_users AS over_name, o.retained_users AS over_oid, v.retained_users AS over_value
FROM over_name AS n JOIN over_oid AS o USING (period_number) JOIN over_value AS v USING (period_number) ORDER BY 1;
-- Words are read in any case. NULL arguments mean the defaults.
SELECT count(*) FROM retention_curve('log', 'WEEK', 'Week', kind => 'ON', clock => 'Calendar');
SELECT count(*) = (SELECT count(*) FROM retention_matrix('log')) AS same
FROM retention_matrix('log', cohort => NULL, period => NULL, kind => NULL, clock => NULL);
-- A cohort without users, and one before since, are empty lists.
SELECT count(*) FROM retention_users('log', 0, '2024-01-01');
SELECT count(*) FROM retention_users('log', 0, '2024-03-04', since => '2024-03-11');

-- ===== errors =====
\set VERBOSITY verbose
\set SHOW_CONTEXT never
SELECT * FROM retention_users('log', -1);
SELECT * FROM retention_users('log', NULL);
SELECT * FROM retention_users('log', 1, '2024-03-05');
SELECT * FROM retention_users('log', 2, brackets => '{1-2,3-4}');
SET user_metrics.min_group_size = 2;
SELECT * FROM retention_users('log', 1);
RESET user_metrics.min_group_size;
SELECT * FROM retention_matrix('log', kind => 'bracket');
SELECT * FROM retention_matrix('log', clock => 'sundial');
SELECT * FROM retention_matrix('log', cohort => 'sprint');
SELECT * FROM retention_matrix('log', period => 'quarter', clock => 'rolling');
SELECT * FROM retention_matrix('log', offsets => '{-1}');
SELECT * FROM retention_matrix('log', offsets => '{100001}');
SELECT * FROM retention_curve('log', kind => 'n_day');
SELECT * FROM retention_curve('log', offsets => '{{1,3},{4,7}}');
SELECT * FROM retention_curve('log', brackets => '{{1-3},{4-7}}');
SELECT * FROM retention_curve('log', brackets => '{1-3,3-7}');
SELECT * FROM retention_curve('log', brackets => '{3-1}');
SELECT * FROM retention_curve('log', brackets => '{1-3}', offsets => '{1}');
SELECT * FROM retention_curve('log', brackets => '{1-3}', kind => 'streak');
SELECT * FROM retention_curve('log', cohorts => 'each');
SELECT * FROM retention_curve('log', min_requests => 0);
SELECT * FROM retention_curve('log', by => 'plan', by_value => 'all');
SELECT * FROM retention_curve('shop', signups => 'signup', start_event => '{"feature": "visit"}');
SELECT * FROM retention_curve('shop', signups => 'signup', by => 'feature', by_value => 'each');
SELECT r.* FROM (SELECT activity(user_id, created_at, 'UTC') AS a FROM log) AS v, retention_curve(v.a, 'day', 'day', clock => '24_hours') AS r;
SELECT * FROM cohort_table('log', timezone => 'Mars/Olympus');
\set VERBOSITY default
-- The cohorts of cohort_table are its segments: it has no by.
SELECT * FROM cohort_table('log', by => 'plan');

-- ===== plan =====
-- Workers count the users, in one pass over the log. What since and until keep from being read is shown in source.sql.
CREATE TABLE big AS SELECT i AS user_id, timestamptz '2024-03-01' + i * interval '1 minute' AS created_at FROM generate_series(1::bigint, 30000) AS i;
ANALYZE big;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT FROM (SELECT activity(user_id, created_at) FROM big) AS v(a), retention_matrix(v.a), retention_curve(v.a), cohort_table(v.a);
SELECT cohort_start, cohort_users FROM retention_matrix('big', offsets => '{0}');
SET client_min_messages = warning;
DROP SCHEMA retention CASCADE;
