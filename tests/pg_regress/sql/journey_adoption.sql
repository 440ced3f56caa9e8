-- How far users come with features: feature_adoption, adoption_barriers, feature_timing.
CREATE SCHEMA adoption;
SET search_path = adoption, user_metrics;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET extra_float_digits = 0;
\pset null '(null)'

-- ===== answers =====

-- Local days since 1 March 2024 on which users used "code"; all asked "chat" on the 1st too. Adopted is: three days of the first 28.
--   ann 0 1 2 3    bob 0 5 27    cy 0 1 28 (the third is a day late)    dee 0 1    eve 60 61 (her 28 days still run)
-- The log ends on 9 May, day 69. Banners told of code: to ann, to fay and to gus, who did not try it.
CREATE TABLE log (user_id text, created_at timestamptz, feature text, event text, status_code int, latency_ms int, rating int, prompt text);
INSERT INTO log (user_id, created_at, feature, event, status_code, latency_ms, rating, prompt)
SELECT u.user_id, timestamptz '2024-03-01 09:00Z' + d * interval '1 day' + n * interval '1 minute', 'code', 'request',
    -- On their first days cy and dee met with errors and asked again; ann's and bob's went well.
    CASE WHEN u.user_id IN ('cy', 'dee') AND d = 0 AND n = 0 THEN 500 ELSE 200 END, 100 * u.slow + n,
    CASE WHEN n = 1 THEN u.rating END, CASE WHEN u.user_id = 'cy' THEN 'Why?' ELSE 'q' || n END
FROM (VALUES ('ann', '{0,1,2,3}'::int[], 1, 5), ('bob', '{0,5,27}', 2, 4), ('cy', '{0,1,28}', 9, 1), ('dee', '{0,1}', 8, 4), ('eve', '{60,61}', 1, 5))
    AS u(user_id, days, slow, rating), unnest(u.days) AS d, generate_series(0, 1) AS n;
INSERT INTO log (user_id, created_at, feature, event)
SELECT u, timestamptz '2024-03-01 08:00Z', 'chat', 'request' FROM unnest('{ann,bob,cy,dee,eve,fay,gus,hal}'::text[]) AS u
UNION ALL SELECT u, '2024-02-29 08:00Z', 'code', 'banner' FROM unnest('{ann,fay,gus}'::text[]) AS u
UNION ALL SELECT NULL, '2024-05-09 12:00Z', 'chat', 'request';

-- Of 8 users 5 tried code: 4 of them long enough ago, of whom ann and bob adopted it. Of chat nobody has it on three days. With ten
-- users at least, nobody is a power user; with one at least, of 5 the most one (a tenth, rounded up): ann, with 8 requests.
\x
SELECT * FROM feature_adoption('log', filter => '{"event": "request"}');
SELECT feature, users, aware_users, tried_users, reach, tried_rate, adopted_users, power_users, power_rate FROM feature_adoption('log', exposed => '{"event": "banner"}', min_users => 1);
-- cy and dee, who did not stay, against ann and bob: the first request failed for both and neither; cy asked "Why?" twice; cy's
-- rating of 1 is bad on a scale from 1 to 5, where 3 is the middle; latencies of answers 851 and 150.5 ms, give or take.
SELECT * FROM adoption_barriers('log', 'code', '{1,5}', filter => '{"event": "request"}');
\x
-- At day 1, ann, bob, cy and dee have used code, and eve, fay, gus and hal have not. Retained is who is active in the last of the 28
-- days from there on, 22 to 28: bob (27) and cy (28), none of the others. Nobody takes to it until day 3 or 7. In the week before
-- day 14 nobody was active; in that before day 28 bob was, who has known it from the beginning.
SELECT landmark_day AS day, introduced_users AS users, introduced_retained AS retained, round(introduced_retention::numeric, 2) AS retention, without_users AS without, without_retained AS wo_retained,
    round(difference::numeric, 3) AS difference, round(difference_low::numeric, 3) AS low, round(difference_high::numeric, 3) AS high
FROM feature_timing('log', 'code', filter => '{"event": "request"}');

-- ===== edges =====

-- On 29 March the 28 days since the first have elapsed; on the 28th they have not.
SELECT a.as_of, f.eligible_users, f.open_users, f.adopted_users FROM unnest('{2024-03-28 23:59Z,2024-03-29 00:00Z}'::timestamptz[]) AS a(as_of), feature_adoption('log', as_of => a.as_of, filter => '{"event": "request"}') AS f WHERE f.feature = 'code';
-- Two days of three.
SELECT adopted_users, adoption_rate FROM feature_adoption('log', min_days => 2, within_days => 3, filter => '{"feature": "code", "event": "request"}');
-- since: who first used it then.
SELECT feature, users, tried_users, open_users FROM feature_adoption('log', since => '2024-04-01', filter => '{"event": "request"}');
SELECT count(*) FROM adoption_barriers('log', 'code', since => '2024-04-01');
SELECT count(*) FROM adoption_barriers('log', 'no such feature');
SELECT landmark_day, introduced_users, without_users FROM feature_timing('log', 'no such feature', landmarks => '{1}');
-- Without a declared scale ratings say nothing.
SELECT barrier, not_adopted_users, adopted_users FROM adoption_barriers('log', 'code') WHERE barrier LIKE '%rated%';
-- What is equally clear, here that 1 of 1 and 1 of 2, or 0 of 1 and 1 of 2, differ, goes by the order of the list.
CREATE TABLE alike (user_id text, created_at timestamptz, feature text, succeeded boolean, rating double precision);
INSERT INTO alike VALUES ('goes', '2024-01-01 10:00Z', 'chat', false, 1), ('stays', '2024-01-01 10:00Z', 'chat', false, 0),
    ('stays', '2024-01-02 10:00Z', 'chat', NULL, NULL), ('stays too', '2024-01-01 10:00Z', 'chat', true, 1),
    ('stays too', '2024-01-02 10:00Z', 'chat', NULL, NULL);
SELECT barrier_rank, barrier, difference FROM adoption_barriers('alike', 'chat', '{0,1}', min_days => 2, within_days => 3, as_of => '2024-02-01');
-- Latencies of 0.1 for all who went and of 0.2 for all who stayed do not vary: no bounds, and a rank behind all that have some.
CREATE TABLE steady (user_id text, created_at timestamptz, feature text, latency_ms float8, succeeded boolean);
INSERT INTO steady SELECT 'goes ' || n, '2024-01-01 10:00Z', 'chat', 0.1, n > 3 FROM generate_series(1, 6) AS n;
INSERT INTO steady SELECT 'stays ' || n, d, 'chat', 0.2, true FROM generate_series(1, 6) AS n, unnest('{2024-01-01 10:00Z,2024-01-02 10:00Z}'::timestamptz[]) AS d;
SELECT barrier_rank, barrier, difference, difference_low, difference_high FROM adoption_barriers('steady', 'chat', min_days => 2, within_days => 3, as_of => '2024-02-01');
-- Latency is of answers: three of those who went got none, and how fast it failed is no latency.
UPDATE steady SET latency_ms = 9000 WHERE NOT succeeded;
SELECT not_adopted_users, not_adopted_value, adopted_users, adopted_value FROM adoption_barriers('steady', 'chat', min_days => 2, within_days => 3, as_of => '2024-02-01') WHERE barrier LIKE 'latency%';
-- Groups.
SELECT segment, feature, tried_users, eligible_users, adopted_users FROM feature_adoption('log', by => 'event');
-- No rows.
CREATE TABLE nothing (user_id bigint, ts timestamptz, feature text);
SELECT count(*) FROM feature_adoption('nothing');
SELECT count(*) FROM adoption_barriers('nothing', 'x');
SELECT count(*) FROM feature_timing('nothing', 'x');
-- Few are not shown.
SET user_metrics.min_group_size = 5;
SELECT feature, users, tried_users, eligible_users, adopted_users, adoption_rate FROM feature_adoption('log', filter => '{"event": "request"}');
SELECT barrier_rank, not_adopted_users, adopted_value, difference FROM adoption_barriers('log', 'code') LIMIT 1;
SELECT landmark_day, introduced_users, without_users, difference FROM feature_timing('log', 'code', landmarks => '{1}', filter => '{"event": "request"}');
RESET user_metrics.min_group_size;

-- ===== errors =====

\set VERBOSITY verbose
\set SHOW_CONTEXT never
SELECT * FROM feature_adoption('log', min_days => 0);
SELECT * FROM feature_adoption('log', min_days => 8, within_days => 7);
SELECT * FROM feature_adoption('log', power_share => 10);
SELECT * FROM feature_adoption('log', exposed => '{"colour": "red"}');
SELECT * FROM feature_adoption('log', exposed => '[]');
SELECT * FROM adoption_barriers('log', NULL);
SELECT * FROM adoption_barriers('log', 'code', '{5,1}');
SELECT * FROM adoption_barriers('log', 'code', '{1,2,3}');
SELECT * FROM feature_timing('log', 'code', landmarks => '{3,1}');
SELECT * FROM feature_timing('log', 'code', landmarks => '{0}');
SELECT * FROM feature_timing('log', 'code', horizon_days => 6);
CREATE TABLE bare (user_id text, ts timestamptz);
SELECT * FROM feature_adoption('bare');
SELECT * FROM feature_timing('bare', 'x', timezone => 'Moon');
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
SELECT * FROM scans($$SELECT * FROM feature_adoption('parted', until => '2024-02-01')$$);
SELECT * FROM scans($$SELECT * FROM adoption_barriers('parted', 'f1', until => '2024-02-01')$$);
SELECT * FROM scans($$SELECT * FROM feature_timing('parted', 'f1', since => '2024-02-10')$$);
-- A query a call, in the caller's name: what row security hides is not counted.
CREATE ROLE adoption_reader;
GRANT USAGE ON SCHEMA adoption TO adoption_reader;
GRANT SELECT ON log TO adoption_reader;
ALTER TABLE log ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON log TO adoption_reader USING (user_id < 'c');
SET ROLE adoption_reader;
SELECT feature, users, tried_users FROM feature_adoption('log', filter => '{"event": "request"}');
RESET ROLE;

SET client_min_messages = warning;
DROP SCHEMA adoption CASCADE;
DROP ROLE adoption_reader;
