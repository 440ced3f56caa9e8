-- What goes with staying, and what with leaving: retention_drivers, churn_indicators.
CREATE SCHEMA drivers;
SET search_path = drivers, user_metrics;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET extra_float_digits = 0;
\pset null '(null)'

-- ===== answers =====

-- Twelve users whose first day is 1 March 2024, and one more, late, whose outcome is not known yet. Odd ones use code on their
-- first day, users 1 to 6 make a second request, and 1, 3, 4, 5 and 7 are active on the 4th or 5th; the log ends on the 6th.
CREATE TABLE log (user_id text, created_at timestamptz, feature text, model text, session_id text, status int, rating int, properties jsonb);
INSERT INTO log
SELECT 'u' || n, timestamptz '2024-03-01 09:00Z', CASE WHEN n % 2 = 1 THEN 'code' ELSE 'chat' END, 'A', 's' || n, CASE n WHEN 2 THEN 500 ELSE 200 END, NULL::int, jsonb '{"Source": "search"}'
FROM generate_series(1, 12) AS n
UNION ALL SELECT 'u' || n, '2024-03-01 10:00Z', 'chat', 'B', 's' || n, 200, 1, NULL FROM generate_series(1, 6) AS n
UNION ALL SELECT 'u' || n, '2024-03-05 23:59:59Z', 'other', 'A', NULL, 200, NULL, NULL FROM unnest('{1,3,4,5,7}'::int[]) AS n
UNION ALL SELECT 'late', '2024-03-04 09:00Z', 'code', 'A', NULL, 200, NULL, NULL
UNION ALL SELECT 'u8', '2024-03-06 09:00Z', 'code', 'A', NULL, 200, NULL, NULL
UNION ALL SELECT 'anonymous', '2024-03-01 09:00Z', 'code', 'A', NULL, 200, NULL, NULL
UNION ALL SELECT ' ', '2024-03-01 09:00Z', 'code', 'A', NULL, 200, NULL, NULL;
-- Retained are 4 of the 6 odd ones and 1 of the 6 even ones: 4/6 - 1/6 = 0.5, ratio 4, phi (4·5 - 1·2) / √(6·6·5·7) = 0.5071.
-- Fisher: of 792 ways to choose 5 of 12, 2 · (15 · 6 + 6) = 192 are no likelier: 0.2424.
-- At equal volume: with two requests 3/3 - 1/3, with one 1/3 - 0/3, each with the weight 3·3/6: 0.5.
\x
SELECT * FROM retention_drivers('log', early_days => 2, retained => '{3,4}', min_users => 1) WHERE driver = 'feature: code';
\x
-- Two requests on one day make a session of 2+, of two models and a rated answer; user 2's first request failed.
SELECT driver, users_with, users_without, retention_with, retention_without, q_value, evidence, note
FROM retention_drivers('log', early_days => 2, retained => '{3,4}', min_users => 1) ORDER BY driver COLLATE "C";
-- Before the 4th the twelve were active, on the 5th and 6th the seven others were gone, but for u8, who came on the 6th.
SELECT indicator, users_with, users_without, churn_with, churn_without, difference, evidence
FROM churn_indicators('log', landmark => '2024-03-04', window_days => 4, gap_days => 1, churn_days => 2, min_users => 1, as_of => '2024-03-07 00:00Z')
ORDER BY indicator COLLATE "C";
-- Without a landmark the last one is taken whose outcome is known. In the second half of the 1st to the 3rd
-- nobody asked, so that all asked less, which is no difference.
SELECT indicator, users_with, churn_with FROM churn_indicators('log', window_days => 3, gap_days => 0, churn_days => 3, min_users => 1, as_of => '2024-03-07 00:00Z') ORDER BY 1;
-- At equal tier: 3 of 4 pro users stay and 1 of 4 free users, with code or without. Of 40 pro users and 8 free ones with code
-- 30 + 2 stay, of 8 and 40 without it 6 + 10: 32/48 - 16/48 = 0.3333, and 0 within each tier, and so it is of churn.
CREATE TABLE mixed AS
SELECT t || c || n AS user_id, timestamptz '2024-03-01 09:00Z' + d * interval '4 days' AS created_at, CASE WHEN c AND d = 0 THEN 'code' ELSE 'chat' END AS feature,
    CASE WHEN d = 0 THEN t ELSE 'later' END AS plan, jsonb_build_object('UserTier', t) AS properties
FROM (VALUES ('pro', true, 40, 30), ('pro', false, 8, 6), ('free', true, 8, 2), ('free', false, 40, 10)) AS v(t, c, users, stay), generate_series(1, users) AS n, generate_series(0, (n <= stay)::int) AS d
UNION ALL SELECT 'end', '2024-04-01', NULL, NULL, NULL;
SELECT a AS adjust, users_with, users_without, round(difference::numeric, 4) AS difference, round(adjusted_difference::numeric, 4) AS adjusted, evidence
FROM (VALUES (NULL), ('{}'), ('{UserTier}'), ('{plan}'), ('{UserTier,plan}')) AS v(a), retention_drivers('mixed', early_days => 2, retained => '{3,4}', adjust => a::text[]) WHERE driver = 'feature: code' ORDER BY 1;
SELECT a AS adjust, users_with, users_without, round(difference::numeric, 4) AS difference, round(adjusted_difference::numeric, 4) AS adjusted, evidence
FROM (VALUES (NULL), ('{UserTier}')) AS v(a), churn_indicators('mixed', landmark => '2024-03-03', gap_days => 1, churn_days => 3, adjust => a::text[]) WHERE indicator = 'feature: code' ORDER BY 1;

-- ===== edges =====

-- What a log does not have is not asked about. An empty one has no rows, nor has one in which nobody's outcome is known.
CREATE TABLE plain (user_id text, created_at timestamptz);
SELECT count(*) FROM retention_drivers('plain');
SELECT count(*) FROM churn_indicators('plain');
INSERT INTO plain VALUES ('ann', '2024-03-01'), ('bob', '2024-03-01'), ('bob', '2024-03-02');
SELECT count(*) FROM retention_drivers('plain', min_users => 1);
INSERT INTO plain VALUES (NULL, '2024-03-29');
SELECT driver, users_with, users_without, retention_with, phi, p_value, adjusted_difference, adjusted_low, evidence FROM retention_drivers('plain', min_users => 1);
-- NULL means the default, whoever gives it.
SELECT count(*) FROM retention_drivers(source => 'plain', early_days => NULL, retained => NULL, behaviours => NULL, min_users => NULL,
    since => NULL, until => NULL, filter => NULL, by => NULL, timezone => NULL, as_of => NULL);
SELECT count(*) FROM churn_indicators(source => 'plain', landmark => NULL, window_days => NULL, gap_days => NULL, churn_days => NULL, behaviours => NULL,
    min_users => NULL, since => NULL, until => NULL, filter => NULL, by => NULL, timezone => NULL, as_of => NULL);
-- The last day of the outcome has to be over: on the 6th, days 3 and 4 after the 1st are; a microsecond earlier they are not.
SELECT (SELECT count(*) FROM retention_drivers('log', 2, '{3,4}', min_users => 1, as_of => '2024-03-06 00:00Z')) AS over,
    (SELECT count(*) FROM retention_drivers('log', 2, '{3,4}', min_users => 1, as_of => '2024-03-05 23:59:59.999999Z')) AS not_over,
    (SELECT count(*) FROM retention_drivers('log', 2, '{3,4}', min_users => 1, until => '2024-03-06 00:00Z')) AS until;
-- Days are those of the zone: in Auckland the last second of the 5th, UTC, is the 6th, day 5.
SELECT driver, retention_with FROM retention_drivers('log', 2, '{3,4}', min_users => 1, timezone => 'Pacific/Auckland', as_of => '2024-03-07 12:00Z') WHERE driver = 'feature: code';
-- since leaves out who began before it, and nothing of what the others did.
SELECT count(*) FROM retention_drivers('log', 1, '{1,1}', min_users => 1, since => '2024-03-02 00:00Z');
SELECT count(*) > 0 AS some FROM retention_drivers('log', 2, '{3,4}', min_users => 1, since => '2024-03-01 00:00Z');
-- Own behaviours: filters like any other.
SELECT driver, users_with, retention_with, retention_without
FROM retention_drivers('log', 2, '{3,4}', min_users => 1, behaviours => '[{"name": "asked B", "filter": {"model": "B"}}, {"name": "code by A", "filter": {"feature": "code", "model": "A"}}]')
WHERE driver IN ('asked B', 'code by A', 'used 2+ models') ORDER BY driver COLLATE "C";
-- A user is in one segment. min_users holds in each.
SELECT segment, driver, users_with, users_without FROM retention_drivers('log', 2, '{3,4}', min_users => 1, by => 'model');
SELECT driver, users_with, users_without FROM retention_drivers('log', 2, '{3,4}', min_users => 6);
-- Small groups are not shown.
SET user_metrics.min_group_size = 6;
SELECT driver, users_with, difference, p_value, evidence, note FROM retention_drivers('log', 2, '{3,4}', min_users => 1) ORDER BY driver COLLATE "C";
RESET user_metrics.min_group_size;
-- Who has opted out is on neither side.
SELECT opt_out('u1');
SELECT users_with, users_without FROM retention_drivers('log', 2, '{3,4}', min_users => 1) WHERE driver = 'feature: code';
SELECT opt_in('u1');
-- Ids of other types, a time without zone, the oid, the parallel plan: alike.
CREATE VIEW as_uuid AS SELECT CASE WHEN user_id ~ '^u|late' THEN md5(user_id)::uuid END AS user_id, created_at, feature, model, session_id, status, rating FROM log;
CREATE VIEW as_bigint AS SELECT CASE WHEN user_id ~ '^u|late' THEN hashtext(user_id)::bigint END AS user_id, created_at AT TIME ZONE 'UTC' AS created_at, feature, model, session_id, status, rating FROM log;
CREATE FUNCTION digest(source regclass) RETURNS text LANGUAGE sql AS $$
    SELECT md5(string_agg(r::text, E'\n' ORDER BY r.driver COLLATE "C")) FROM user_metrics.retention_drivers(source, 2, '{3,4}', min_users => 1) AS r
$$;
SELECT digest('log') = digest('as_uuid') AS uuid, digest('log') = digest('as_bigint') AS bigint;
SET TimeZone = 'Asia/Tokyo';
CREATE TEMP TABLE serially AS SELECT digest('log') AS digest;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET parallel_leader_participation = off;
SELECT digest('log') = digest AS parallel FROM serially;
RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size; RESET parallel_leader_participation;
SET TimeZone = 'UTC';
SELECT user_metrics_internal.live_states();

-- ===== errors =====

\set VERBOSITY verbose
\set SHOW_CONTEXT never
SELECT * FROM retention_drivers('log', early_days => 0);
SELECT * FROM retention_drivers('log', early_days => 7, retained => '{6,13}');
SELECT * FROM retention_drivers('log', retained => '{27}');
SELECT * FROM retention_drivers('log', retained => '{27,21}');
SELECT * FROM retention_drivers('log', retained => '{21,NULL}');
SELECT * FROM retention_drivers('log', min_users => 0);
SELECT * FROM retention_drivers('log', adjust => '{a,NULL}');
SELECT * FROM churn_indicators('plain', adjust => '{Tier}');
SELECT * FROM retention_drivers('log', behaviours => '{}');
SELECT * FROM retention_drivers('log', behaviours => '[{"name": "any failed request", "filter": {}}]');
SELECT * FROM retention_drivers('log', behaviours => '[{"name": "a", "filter": {"model": {}}}]');
SELECT * FROM retention_drivers('plain', behaviours => '[{"name": "a", "filter": {"model": "A"}}]');
SELECT * FROM retention_drivers('log', timezone => 'Moon');
SELECT * FROM retention_drivers('log', filter => '[]');
SELECT * FROM retention_drivers('plain', by => 'model');
SELECT * FROM churn_indicators('log', window_days => 1);
SELECT * FROM churn_indicators('log', gap_days => -1);
SELECT * FROM churn_indicators('log', churn_days => 0);
SELECT * FROM churn_indicators('log', timezone => 'Moon');
\set VERBOSITY default

-- ===== plan =====

-- All is read once: it says who was active, and what they had done.
CREATE TABLE parted (user_id text, created_at timestamptz, feature text) PARTITION BY RANGE (created_at);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
CREATE TABLE parted_3 PARTITION OF parted FOR VALUES FROM ('2024-03-01') TO ('2024-04-01');
INSERT INTO parted SELECT 'u' || n % 5, timestamptz '2024-01-01' + n * interval '1 hour', 'f' || n % 2 FROM generate_series(0, 2000) AS n;
VACUUM ANALYZE parted;
CREATE FUNCTION scans(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    seen text;
BEGIN
    PERFORM pg_stat_force_next_flush(); PERFORM pg_stat_clear_snapshot();
    CREATE TEMP TABLE before AS SELECT relname, seq_scan FROM pg_stat_xact_user_tables WHERE relname LIKE 'parted\__';
    EXECUTE query;
    SELECT string_agg(s.relname || ': ' || s.seq_scan - b.seq_scan, ', ' ORDER BY s.relname) INTO seen
    FROM pg_stat_xact_user_tables AS s JOIN before AS b USING (relname) WHERE s.seq_scan > b.seq_scan;
    DROP TABLE before;
    RETURN seen;
END
$$;
SELECT scans('SELECT FROM churn_indicators(''parted'', landmark => ''2024-02-20'', window_days => 10, churn_days => 10)') AS churn_indicators;

SET client_min_messages = warning;
DROP SCHEMA drivers CASCADE;
