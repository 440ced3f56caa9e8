-- New, retained, resurrected, churned: lifecycle.
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
-- Months: everybody but eve is of March.
SELECT * FROM lifecycle('log', period => 'month', as_of => '2024-05-01');

-- ===== edges =====

-- since: those active before it are not new, and the period before the first is known.
SELECT * FROM lifecycle('log', since => '2024-03-11');
-- A period that since or until cuts is not complete.
SELECT * FROM lifecycle('log', since => '2024-03-12', until => '2024-03-26');
-- A period of nobody: churned over new and resurrected.
SELECT * FROM lifecycle('log', period => 'week', filter => '{"user_id": [1, 2]}');
CREATE TABLE empty (LIKE log);
SELECT * FROM lifecycle('empty');
INSERT INTO empty VALUES (NULL, '2024-03-04'), (1, NULL);
SELECT * FROM lifecycle('empty');
INSERT INTO empty VALUES (0, '2024-03-04');
SELECT * FROM lifecycle('empty');
SELECT r.* FROM (SELECT activity(user_id, created_at, 'UTC') AS a FROM log) AS v, lifecycle(v.a) AS r;

-- ===== errors =====
\set VERBOSITY verbose
\set SHOW_CONTEXT never
SELECT * FROM lifecycle('log', period => 'decade');
SELECT * FROM lifecycle('log', by => 'tier');
\set VERBOSITY default

-- ===== plan =====
-- One pass over the log, and the time ranges reach it: see source.sql.
SET client_min_messages = warning;
DROP SCHEMA lifecycle CASCADE;
