-- How usage changes with the weeks since users began: usage_evolution, usage_evolution_json.
CREATE SCHEMA evolution;
SET search_path = evolution, user_metrics;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET extra_float_digits = 0;
\pset null '(null)'

-- ===== answers =====

-- ann asks once a day in her first week, twice a day (ten minutes apart) in her second; bob once a day in his first week, and
-- leaves. cy began on 11 March and has had one week. The log ends on 18 March 2024 at noon. Stars from 1 to 5.
CREATE TABLE log (user_id text, created_at timestamptz, feature text, rating int, plan text);
INSERT INTO log
SELECT 'ann', timestamptz '2024-03-01 09:00Z' + d * interval '1 day' + n * interval '10 minutes',
    CASE WHEN d < 7 THEN 'chat' ELSE (ARRAY['chat', 'code'])[n + 1] END, CASE WHEN d < 7 THEN 3 ELSE 5 END, 'pro'
FROM generate_series(0, 13) AS d, generate_series(0, 1) AS n WHERE d >= 7 OR n = 0
UNION ALL SELECT 'bob', timestamptz '2024-03-01 12:00Z' + d * interval '1 day', 'chat', 1, 'free' FROM generate_series(0, 6) AS d
UNION ALL SELECT 'cy', timestamptz '2024-03-11 12:00Z' + d * interval '1 day', NULL, NULL, 'free' FROM generate_series(0, 6) AS d
UNION ALL SELECT NULL, '2024-03-18 12:00Z', NULL, NULL, NULL;

-- Week 1: three users, 21 requests in 21 days of users; sessions of one request; ann and bob one feature each, cy none; stars 7 times
-- 3 and 7 times 1, which are 5 and 0 of 10. Week 2: ann and bob; 14 requests in 14 days, of ann alone in 7; sessions of 600 s.
SELECT panel, week, users, active_users AS active, requests_per_day AS per_day, requests_per_active_user_day AS per_active_day, avg_session_seconds AS seconds,
    round(features_used::numeric, 3) AS features, satisfaction_score AS score
FROM usage_evolution('log', weeks => '{1,2}', rating_scale => '{1,5}');
SELECT jsonb_pretty(usage_evolution_json('log', weeks => '{1,2}', rating_scale => '{1,5}', panel => 'same_users'));
SELECT jsonb_pretty(usage_evolution_json('log', weeks => '{1,2}', rating_scale => '{1,5}', panel => 'same_users', detailed => true));
-- A feature of too few users is not listed, and without any in the log none is known.
SET user_metrics.min_group_size = 2;
SELECT usage_evolution_json('log', weeks => '{1}') #> '{user_evolution,week_1,features_used}' AS features;
RESET user_metrics.min_group_size;
SELECT usage_evolution_json('log', weeks => '{1}', filter => '{"user_id": "cy"}') #> '{user_evolution,week_1}' AS week_1;

-- ===== edges =====

-- A week counts when it has elapsed: ann's and bob's second on the 15th, at midnight.
SELECT a.as_of, e.users FROM unnest('{2024-03-14 23:59:59Z,2024-03-15 00:00Z}'::timestamptz[]) AS a(as_of), usage_evolution('log', weeks => '{2}', as_of => a.as_of) AS e WHERE panel = 'all';
SELECT users FROM usage_evolution('log', weeks => '{2}', as_of => '2024-03-15 00:00Z', timezone => 'Pacific/Honolulu') WHERE panel = 'all';
-- Weeks of nobody yet: zeros and NULL.
SELECT panel, week, users, active_users, requests_per_day, avg_session_seconds FROM usage_evolution('log');
SELECT usage_evolution_json('log', weeks => '{12}');
-- Repeated weeks are one; without a scale no score.
SELECT panel, week, users, satisfaction_score FROM usage_evolution('log', weeks => '{2,1,2}');
-- Groups, since.
SELECT segment, panel, week, users, requests_per_day FROM usage_evolution('log', weeks => '{1}', by => 'plan');
SELECT panel, week, users FROM usage_evolution('log', weeks => '{1}', since => '2024-03-02');
-- Weeks are of local days: the week in which New York lost an hour has seven.
SELECT users, active_users, round(requests_per_day::numeric, 3) AS per_day FROM usage_evolution('log', weeks => '{2}', timezone => 'America/New_York', filter => '{"user_id": "ann"}') WHERE panel = 'all';
-- No rows.
CREATE TABLE nothing (user_id bigint, ts timestamptz);
SELECT count(*) FROM usage_evolution('nothing');
SELECT usage_evolution_json('nothing');
-- Few are not shown.
SET user_metrics.min_group_size = 2;
SELECT panel, week, users, requests_per_day FROM usage_evolution('log', weeks => '{1,2}');
RESET user_metrics.min_group_size;

-- ===== errors =====

\set VERBOSITY verbose
\set SHOW_CONTEXT never
SELECT * FROM usage_evolution('log', weeks => '{0}');
SELECT * FROM usage_evolution('log', weeks => '{}');
SELECT * FROM usage_evolution('log', rating_scale => '{5,1}');
SELECT * FROM usage_evolution('log', rating_scale => '{0,1}');
SELECT * FROM usage_evolution('log', max_idle => '-1 day');
SELECT * FROM usage_evolution('log', timezone => 'Moon');
SELECT usage_evolution_json('log', panel => 'some');
SELECT usage_evolution_json('log', rating_scale => '{1,NULL}');
\set VERBOSITY default

-- ===== plan =====

-- What lies behind until is not read; what lies before since is, for it tells who is new.
CREATE TABLE parted (user_id int, created_at timestamptz, feature text) PARTITION BY RANGE (created_at);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
INSERT INTO parted SELECT n % 5, timestamptz '2024-01-01' + n * interval '1 hour', 'f' || n % 2 FROM generate_series(0, 1400) AS n;
VACUUM ANALYZE parted;
CREATE FUNCTION scans(query text) RETURNS TABLE (partition name, is_read boolean) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_stat_force_next_flush(); PERFORM pg_stat_clear_snapshot();
    CREATE TEMP TABLE before AS SELECT relname, seq_scan FROM pg_stat_xact_user_tables WHERE relname LIKE 'parted\__';
    EXECUTE query;
    RETURN QUERY SELECT s.relname, s.seq_scan > b.seq_scan FROM pg_stat_xact_user_tables AS s JOIN before AS b USING (relname) ORDER BY 1;
    DROP TABLE before;
END
$$;
SELECT * FROM scans($$SELECT * FROM usage_evolution('parted', until => '2024-02-01')$$);
SELECT * FROM scans($$SELECT * FROM usage_evolution('parted', since => '2024-02-10')$$);
CREATE VIEW over_name AS SELECT * FROM usage_evolution('evolution.log', weeks => '{1}');
CREATE VIEW over_oid AS SELECT * FROM usage_evolution('log'::regclass, weeks => '{1}');
SELECT n.panel, n.users AS over_name, o.users AS over_oid FROM over_name AS n JOIN over_oid AS o USING (panel) ORDER BY 1;

SET client_min_messages = warning;
DROP SCHEMA evolution CASCADE;
