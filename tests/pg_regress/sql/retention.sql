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

-- ===== edges =====

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
-- NULL arguments mean the defaults.
SELECT count(*) = (SELECT count(*) FROM retention_matrix('log')) AS same
FROM retention_matrix('log', cohort => NULL, period => NULL, kind => NULL, clock => NULL);

-- ===== errors =====
\set VERBOSITY verbose
\set SHOW_CONTEXT never
SELECT * FROM retention_matrix('log', kind => 'bracket');
SELECT * FROM retention_matrix('log', clock => 'sundial');
SELECT * FROM retention_matrix('log', cohort => 'sprint');
SELECT * FROM retention_matrix('log', period => 'quarter', clock => 'rolling');
SELECT * FROM retention_matrix('log', offsets => '{-1}');
SELECT * FROM retention_matrix('log', offsets => '{100001}');
\set VERBOSITY default

-- ===== plan =====
-- One pass over the log, and the time ranges reach it: see source.sql.
SET client_min_messages = warning;
DROP SCHEMA retention CASCADE;
