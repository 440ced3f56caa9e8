-- The stages of a user's life with the product: lifecycle_stage, lifecycle_transitions, acquisition.
CREATE SCHEMA stages;
SET search_path = stages, user_metrics;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET extra_float_digits = 0;
\pset null '(null)'

-- ===== answers =====

-- From Monday 1 January 2024 on; the log ends on Wednesday 14 February, day 45. The weeks before end with the 14th, 7th, 31st, 24th.
--  ann    asked once, on 1 January
--  bob    1, 2 and 4 January, to chat and code: activated on the 2nd, with the second feature
--  cy     asked on 13 February, in vain
--  dot    every Wednesday from 3 January on, activated on the 17th, the third day
--  eve    the same, and went from free to pro on 7 February
--  fay    on 12 and 14 February, to chat and code: activated on the 14th
CREATE TABLE log (user_id text, created_at timestamptz, feature text, status int, properties jsonb);
INSERT INTO log VALUES
    ('ann', '2024-01-01 09:00Z', 'chat', 200, '{"Source": "ads", "UserTier": "free"}'),
    ('bob', '2024-01-01 09:00Z', 'chat', 500, '{"Source": "ads", "UserTier": "free"}'), ('bob', '2024-01-02 09:00Z', 'code', 200, NULL),
    ('bob', '2024-01-04 09:00Z', 'chat', 200, NULL), ('cy', '2024-02-13 09:00Z', 'chat', 500, '{"Source": "search"}'),
    ('fay', '2024-02-12 09:00Z', 'chat', 200, NULL), ('fay', '2024-02-14 09:00Z', 'code', 200, '{"Source": "search", "UserTier": "pro"}');
INSERT INTO log SELECT u, timestamptz '2024-01-03 10:00Z' + n * interval '7 days', 'chat', 200,
    jsonb_build_object('UserTier', CASE WHEN u = 'eve' AND n >= 5 THEN 'pro' ELSE 'free' END, 'Source', CASE n WHEN 0 THEN 'friends' ELSE 'mail' END)
FROM unnest('{dot,eve}'::text[]) AS u, generate_series(0, 6) AS n;
INSERT INTO log VALUES (NULL, '2024-02-14 12:00Z', NULL, NULL, NULL), ('anonymous', '2024-02-14', NULL, NULL, NULL), (' ', '2024-02-14', NULL, NULL, NULL);
-- dot was active in three of four weeks first on 17 January. eve was in growth on 7 February, the day she went up. ann was
-- dormant on 29 January, the 28th day without her.
SELECT user_id, stage, since_day, recent_requests, active_weeks, active_days, activated_on, upgraded_on FROM lifecycle_stage('log', tiers => '{free,pro}') ORDER BY user_id;
-- Without tiers nobody is known to go up.
SELECT user_id, stage, since_day, upgraded_on, usage_rank, power_cutoff FROM lifecycle_stage('log') WHERE user_id IN ('dot', 'eve');
-- January only: February is not over. At its end ann has been away for 30 days, bob for 27.
SELECT * FROM lifecycle_transitions('log', tiers => '{free,pro}');
SELECT * FROM lifecycle_transitions('log', tiers => '{free,pro}', as_of => '2024-03-01 00:00Z') WHERE period_start = '2024-02-01';
-- friends told first; bob's first request failed; cy's and fay's onboarding is not over on 14 February.
SELECT * FROM acquisition('log', premium => '{"UserTier": "pro"}');

-- ===== edges =====

CREATE TABLE plain (user_id uuid, created_at timestamp);
SELECT count(*) FROM lifecycle_stage('plain');
SELECT count(*) FROM lifecycle_transitions('plain');
ALTER TABLE plain ADD COLUMN properties jsonb;
SELECT count(*) FROM acquisition('plain');
-- A log that does not know success or features: three days are enough.
INSERT INTO plain SELECT '00000000-0000-0000-0000-000000000001', timestamp '2024-01-01' + n * interval '1 day' FROM generate_series(0, 2) AS n;
SELECT * FROM lifecycle_stage('plain');
SELECT * FROM lifecycle_stage(source => 'plain', tiers => NULL, tier_property => NULL, since => NULL, until => NULL, filter => NULL, timezone => NULL, as_of => NULL);
SELECT * FROM acquisition('plain');
-- The 28th day without a request makes dormant.
SELECT a AS as_of, stage, recent_requests, since_day FROM unnest('{2024-01-30 00:00Z, 2024-01-31 00:00Z}'::timestamptz[]) AS a, lifecycle_stage('plain', as_of => a + interval '1 day');
-- Whoever was active on five days of the 28 before is lapsed, until the first of these days is 56 days ago: 1 to 5 January,
-- lapsed from 2 February on and dormant from 26 February on. Four days are too few.
CREATE TABLE lapses AS SELECT u AS user_id, timestamptz '2024-01-01 09:00Z' + n * interval '1 day' AS created_at FROM (VALUES ('five', 4), ('four', 3)) AS v(u, most), generate_series(0, most) AS n;
SELECT a AS as_of, user_id, stage, since_day, segment FROM unnest('{2024-02-01 00:00Z, 2024-02-03 00:00Z, 2024-02-26 00:00Z, 2024-02-27 00:00Z}'::timestamptz[]) AS a, lifecycle_stage('lapses', as_of => a)
    JOIN LATERAL (SELECT s.user_id, s.segment FROM segment_users('lapses', as_of => a, new_days => 0) AS s) AS s USING (user_id) ORDER BY user_id, a;
SELECT * FROM lifecycle_transitions('lapses', period => 'week', as_of => '2024-05-01 00:00Z') WHERE from_stage IS DISTINCT FROM to_stage;
-- Up and down again: free but for four days of pro, a request a day: early from 5 to 8 January, before three of four weeks were
-- active, later from 1 to 4 February. later is in growth while pro, and both are in retention afterwards.
CREATE TABLE tiers AS SELECT u AS user_id, timestamptz '2024-01-01 09:00Z' + n * interval '1 day' AS created_at,
    jsonb_build_object('UserTier', CASE WHEN n BETWEEN since AND since + 3 THEN 'pro' ELSE 'free' END) AS properties
FROM (VALUES ('early', 4), ('later', 31)) AS v(u, since), generate_series(0, 120) AS n;
SELECT a AS as_of, user_id, stage, since_day, upgraded_on FROM unnest('{2024-01-07 00:00Z, 2024-02-03 00:00Z, 2024-02-05 00:00Z, 2024-04-01 00:00Z}'::timestamptz[]) AS a, lifecycle_stage('tiers', tiers => '{free,pro}', as_of => a) ORDER BY user_id, a;
-- Of several tiers at one instant none is the later: no upgrade.
INSERT INTO tiers SELECT 'both', '2024-01-01 09:00Z', jsonb_build_object('UserTier', t) FROM unnest('{free,pro}'::text[]) AS t;
SELECT upgraded_on FROM lifecycle_stage('tiers', tiers => '{free,pro}') WHERE user_id = 'both';
-- Of each source half go up on their day 20: known 30 days after they began, or 21 if one asks for 21.
CREATE TABLE ups AS SELECT s || u AS user_id, d + n * interval '20 days' AS created_at, jsonb_build_object('Source', s, 'UserTier', CASE WHEN n = 1 THEN 'pro' ELSE 'free' END) AS properties
FROM (VALUES ('old', timestamptz '2024-01-01 09:00Z'), ('young', '2024-02-20 09:00Z')) AS v(s, d), generate_series(1, 4) AS u, generate_series(0, u % 2) AS n;
SELECT d AS premium_days, source_value, users, premium_eligible_users, premium_users, premium_rate FROM unnest('{10,20,21,30}'::int[]) AS d,
    acquisition('ups', premium => '{"UserTier": "pro"}', premium_days => d, as_of => '2024-03-01 00:00Z') ORDER BY 1, 2;
-- Who asks most, of ten or more: one of ten; of eleven two. All alike: nobody.
CREATE TABLE power AS SELECT 'u' || n AS user_id, timestamptz '2024-01-01' + w * interval '7 days' AS created_at FROM generate_series(1, 10) AS n, generate_series(0, 3) AS w, generate_series(1, n) AS r;
SELECT user_id, stage, usage_rank, power_cutoff FROM lifecycle_stage('power') WHERE stage = 'growth';
INSERT INTO power SELECT 'u0', timestamptz '2024-01-22';
SELECT user_id, stage, usage_rank, power_cutoff FROM lifecycle_stage('power') WHERE stage = 'growth' ORDER BY usage_rank;
SELECT count(*) FILTER (WHERE stage = 'growth') AS growth, min(usage_rank), max(power_cutoff) FROM lifecycle_stage('power', since => '2024-01-22');
-- since leaves out who began before it; until and as_of end observation; days are those of the zone.
SELECT user_id FROM lifecycle_stage('log', since => '2024-02-12 09:00Z');
SELECT user_id, stage FROM lifecycle_stage('log', until => '2024-01-03 00:00Z');
SELECT activated_on FROM lifecycle_stage('log', timezone => 'Pacific/Auckland') WHERE user_id = 'dot';
SET user_metrics.week_start = 'sunday';
SELECT DISTINCT period_start FROM lifecycle_transitions('log', period => 'week', until => '2024-01-22 00:00Z') ORDER BY 1;
RESET user_metrics.week_start;
-- Small groups are not shown; a list of users hides none.
SET user_metrics.min_group_size = 2;
SELECT * FROM lifecycle_transitions('log', tiers => '{free,pro}');
SELECT source_value, users, premium_users FROM acquisition('log', premium => '{"UserTier": "pro"}');
RESET user_metrics.min_group_size;
SELECT opt_out('ann');
SELECT count(*) FROM lifecycle_stage('log');
SELECT users FROM acquisition('log') WHERE source_value = 'ads';
SELECT opt_in('ann');

-- ===== errors =====

\set VERBOSITY verbose
\set SHOW_CONTEXT never
SELECT * FROM lifecycle_transitions('log', period => 'fortnight');
SELECT * FROM lifecycle_stage('log', timezone => 'Moon');
SELECT * FROM lifecycle_transitions('log', timezone => 'Moon');
SELECT * FROM acquisition('log', timezone => 'Moon');
ALTER TABLE plain DROP COLUMN properties;
SELECT * FROM lifecycle_stage('plain', tiers => '{free,pro}');
SELECT * FROM acquisition('plain');
SELECT * FROM acquisition('log', premium => '[]');
SELECT * FROM acquisition('log', premium_days => 0);
SELECT * FROM acquisition('log', premium_days => NULL);
SELECT * FROM lifecycle_stage('log', filter => '[]');
\set VERBOSITY default

-- ===== plan =====

-- What lies after as_of is not read.
CREATE TABLE parted (user_id text, created_at timestamptz, properties jsonb) PARTITION BY RANGE (created_at);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
INSERT INTO parted SELECT 'u' || n % 5, timestamptz '2024-01-01' + n * interval '1 hour' FROM generate_series(0, 1000) AS n;
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
SELECT f AS function, scans(format('SELECT FROM %s(''parted'', as_of => ''2024-01-20'')', f)) AS scans
FROM unnest(ARRAY['lifecycle_stage', 'lifecycle_transitions', 'acquisition']) AS f;

SET client_min_messages = warning;
DROP SCHEMA stages CASCADE;
