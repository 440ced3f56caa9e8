-- New, at risk, power, casual, lapsed or dormant, and why: segment_users, segment_user, segment_summary.
CREATE SCHEMA segments;
SET search_path = segments, user_metrics;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET extra_float_digits = 0;
\pset null '(null)'

-- ===== answers =====

-- Observation ends on Saturday 1 June 2024, 00:00. Recent are the 28 days from 4 May on, base the 28 before that.
-- u01 … u10: 10, 20, … 100 requests in base and as many in recent, 5 a day, begun in January with one more.
-- falls: 20 days with a request in base, 5 in recent: a quarter, by chance (25 over 5) in 0.2 % of cases: at risk.
-- slips: 12 days in base, 6 in recent: half, but by chance in 12 % of cases: casual.
-- burst: 20 requests on one day in base, 5 on one in recent: as many days, casual.
-- gone: 5 days in base, none since, by chance in 1 of 32 cases: lapsed. few: 4 days, 1 of 16: dormant.
-- left: one in January: dormant. fresh: 400 requests since 10 May: new, not power.
CREATE TABLE log (user_id text, created_at timestamptz, feature text);
CREATE FUNCTION log(id text, since timestamptz, requests int, a_day int DEFAULT 5) RETURNS void LANGUAGE sql AS
    $$INSERT INTO log SELECT id, since + i / a_day * interval '1 day' + i % a_day * interval '1 minute', 'chat' FROM generate_series(0, requests - 1) AS i$$;
SELECT count(log('u' || lpad(n::text, 2, '0'), '2024-04-10 12:00Z', 10 * n)) + count(log('u' || lpad(n::text, 2, '0'), '2024-05-10 12:00Z', 10 * n))
    + count(log('u' || lpad(n::text, 2, '0'), '2024-01-05 12:00Z', 1)) AS calls FROM generate_series(1, 10) AS n;
SELECT log('falls', '2024-01-05Z', 1), log('falls', '2024-04-10Z', 20, 1), log('falls', '2024-05-10Z', 5, 1);
SELECT log('slips', '2024-01-05Z', 1), log('slips', '2024-04-10Z', 12, 1), log('slips', '2024-05-10Z', 6, 1);
SELECT log('burst', '2024-01-05Z', 1), log('burst', '2024-04-10Z', 20, 20), log('burst', '2024-05-10Z', 5, 5);
SELECT log('gone', '2024-04-10Z', 5, 1), log('few', '2024-04-10Z', 4, 1), log('left', '2024-01-05Z', 1), log('fresh', '2024-05-10 12:00Z', 400, 100);
INSERT INTO log SELECT x, '2024-05-10' FROM unnest(ARRAY[NULL, '', ' ', 'anonymous']) AS x, generate_series(1, 1000);
SELECT * FROM segment_users('log', as_of => '2024-06-01') ORDER BY user_id;
-- 14 users asked anything recently, so the power users are the 2 (10 % of 14, rounded up) that asked most: fresh and u10.
SELECT * FROM segment_summary('log', as_of => '2024-06-01');
SELECT * FROM segment_user('log', 'falls', as_of => '2024-06-01');
SELECT count(*) FROM segment_user('log', 'nobody');

-- ===== edges =====

-- Thresholds are arguments.
SELECT v.what, string_agg(s.user_id, ' ' ORDER BY s.user_id COLLATE "C") FILTER (WHERE s.segment = 'power') AS power,
    string_agg(s.user_id, ' ' ORDER BY s.user_id COLLATE "C") FILTER (WHERE s.segment = 'at_risk') AS at_risk,
    string_agg(s.user_id, ' ' ORDER BY s.user_id COLLATE "C") FILTER (WHERE s.segment = 'lapsed') AS lapsed,
    string_agg(s.user_id, ' ' ORDER BY s.user_id COLLATE "C") FILTER (WHERE s.segment = 'new') AS new
FROM (VALUES ('as they are', 0.1, 10, 30, 0.5, 0.05, 5), ('a third', 0.33, 10, 30, 0.5, 0.05, 5), ('no share', 0, 10, 30, 0.5, 0.05, 5), ('all', 1, 10, 30, 0.5, 0.05, 5), ('too few users', 0.1, 15, 30, 0.5, 0.05, 5),
    ('nobody is new', 0.1, 10, 0, 0.5, 0.05, 5), ('a test that any decline passes', 0.1, 10, 30, 0.5, 1, 4), ('a steeper decline', 0.1, 10, 30, 0.2, 0.05, 5), ('more to go by', 0.1, 10, 30, 0.5, 0.05, 21)) AS v(what, share, users, days, ratio, p, base),
    LATERAL segment_users('log', power_share => share, min_users => users, new_days => days, max_decline_ratio => ratio, max_decline_p => p, min_base_days => base, as_of => '2024-06-01') AS s
GROUP BY 1 ORDER BY 1;
-- Spans of unlike length are compared by the week: 10 days in 4 (25 to 29 April, 10 to 14 May) to 14 in the 2 before (11 to 24 April; the 10th at
-- 00:00 is at their very begin) is 0.36.
SELECT recent_days, base_days, decline_ratio, decline_p FROM segment_user('log', 'falls', recent_weeks => 4, base_weeks => 2, as_of => '2024-05-22 00:00Z');
-- The last of the recent span is the very moment of as_of; 28 days before begins the one before.
CREATE TABLE bounds (user_id uuid, created_at timestamp);
INSERT INTO bounds SELECT '00000000-0000-0000-0000-000000000001', t FROM unnest(ARRAY['2024-06-01 00:00:00.000001', '2024-06-01', '2024-05-04 00:00:00.000001', '2024-05-04', '2024-04-06 00:00:00.000001', '2024-04-06', '2024-01-01']::timestamp[]) AS t;
SELECT segment, requests, active_days, recent_requests, base_requests, recent_days, base_days FROM segment_users('bounds', as_of => '2024-06-01');
-- New is who began less than 30 days before.
SELECT new_days, segment FROM generate_series(151, 153) AS new_days, segment_users('bounds', new_days => new_days, as_of => '2024-06-01') ORDER BY 1;
-- Ties at the edge of the share: all of them, or none. Who uses least is never a power user.
CREATE TABLE tied (user_id int, created_at timestamptz);
INSERT INTO tied SELECT u, t FROM generate_series(1, 20) AS u, unnest(ARRAY['2024-01-01', '2024-05-20']::timestamptz[]) AS t;
INSERT INTO tied SELECT u, '2024-05-20' FROM generate_series(1, 5) AS u;
SELECT ties, string_agg(user_id, ' ' ORDER BY user_id) FILTER (WHERE segment = 'power') AS power, min(power_cutoff) AS cutoff, array_agg(DISTINCT usage_rank) AS ranks
FROM unnest(ARRAY['include', 'exclude']) AS ties, segment_users('tied', ties => ties, as_of => '2024-06-01') GROUP BY 1 ORDER BY 1;
DELETE FROM tied WHERE ctid IN (SELECT max(ctid) FROM tied WHERE user_id <= 5 GROUP BY user_id);
SELECT DISTINCT segment, power_cutoff FROM segment_users('tied', as_of => '2024-06-01');
-- since limits what is counted as requests and active days, not what is known; until and filter limit what is known.
SELECT segment, requests, active_days, first_seen, recent_requests, base_requests FROM segment_user('log', 'falls', since => '2024-05-01', as_of => '2024-06-01');
SELECT segment, requests, first_seen, recent_requests, base_requests FROM segment_user('log', 'falls', until => '2024-05-11');
SELECT count(*) FROM segment_users('log', filter => '{"feature": "search"}');
-- Where the log ends, observation does: with the last request of anybody, whatever a filter leaves.
SELECT DISTINCT segment FROM segment_users('log', filter => '{"user_id": "left"}');
-- Days are those of the zone: fresh asked on 4 days from 12:00 to 13:39, and at 13:00 it is midnight in Noumea.
SELECT z AS zone, active_days FROM unnest(ARRAY['UTC', 'Pacific/Noumea']) AS z, segment_user('log', 'fresh', timezone => z) ORDER BY 1;
CREATE TABLE empty (LIKE log);
SELECT * FROM segment_users('empty');
SELECT * FROM segment_summary('empty');
INSERT INTO empty VALUES ('ann', '2024-05-01');
SELECT * FROM segment_users('empty');
SELECT opt_out('falls');
SELECT count(*) FROM segment_users('log', as_of => '2024-06-01');
SELECT * FROM segment_user('log', 'falls');
SELECT opt_in('falls');
-- Rules of one's own (1 has a session of one request and one of 24 hours, on average 43200 seconds; the others have single requests): the first that fits decides, who none fits is other. They may ask for figures, properties as they were
-- told last, and the standard segment; what is not known fulfils nothing but <>.
CREATE TABLE told (user_id bigint, created_at timestamptz, session_id text, status_code int, cost_usd numeric, properties jsonb);
INSERT INTO told VALUES (1, '2024-05-01', 'a', 200, 1.5, '{"Tier": "free"}'), (1, '2024-05-02', 'b', 500, 1.5, '{"Tier": "pro"}'), (1, '2024-05-03', 'b', 200, 1.5, '{"Tier": null}'),
    (2, '2024-05-01', 'c', NULL, NULL, '{"Tier": "it''s \\ free"}'), (3, '2024-03-01', 'd', 200, 7, '{}'), (4, '2024-05-31', NULL, 500, 0, '{"Tier": "pro", "a\"b''": 5}');
SELECT r.what, string_agg(user_id, ' ' ORDER BY user_id) AS users FROM (VALUES
    ('requests >= 3', '[{"segment": "x", "all": [{"requests": {">=": 3}}]}]'), ('active_days in (1, 3) and not 3', '[{"segment": "x", "all": [{"active_days": {"in": [1, 3], "<>": 3}}]}]'),
    ('sessions = 2', '[{"segment": "x", "all": [{"sessions": {"=": 2}}]}]'), ('session_mean_seconds = 43200', '[{"segment": "x", "all": [{"session_mean_seconds": {"=": 43200}}]}]'), ('session_mean_seconds = 0', '[{"segment": "x", "all": [{"session_mean_seconds": {"=": 0}}]}]'), ('cost_usd > 4', '[{"segment": "x", "all": [{"cost_usd": {">": 4}}]}]'),
    ('answered_rate < 1', '[{"segment": "x", "all": [{"answered_rate": {"<": 1}}]}]'), ('not answered_rate < 1', '[{"segment": "x", "not": {"answered_rate": {"<": 1}}}]'),
    ('answered_rate known', '[{"segment": "x", "all": [{"answered_rate": {"exists": true}}]}]'), ('days_since_last > 29', '[{"segment": "x", "all": [{"days_since_last": {">": 29}}]}]'),
    ('days_since_first = 30', '[{"segment": "x", "all": [{"days_since_first": {"=": 30}}]}]'), ('Tier = pro', '[{"segment": "x", "all": [{"property:Tier": {"=": "pro"}}]}]'),
    ('Tier <> pro', '[{"segment": "x", "all": [{"property:Tier": {"<>": "pro"}}]}]'), ('Tier not told', '[{"segment": "x", "all": [{"property:Tier": {"exists": false}}]}]'),
    ('Tier of odd letters', '[{"segment": "x", "all": [{"property:Tier": {"=": "it''s \\ free"}}]}]'), ('a property of odd letters', '[{"segment": "x", "all": [{"property:a\"b''": {"=": 5}}]}]'),
    ('new, or dormant', '[{"segment": "x", "any": [{"segment": {"=": "new"}}, {"all": [{"segment": {"=": "dormant"}}, {"requests": {"<": 9}}]}]}]'),
    ('recent_requests > 1', '[{"segment": "x", "all": [{"recent_requests": {">": 1}}]}]'), ('recent_days > 1', '[{"segment": "x", "all": [{"recent_days": {">": 1}}]}]'), ('base_days >= 1', '[{"segment": "x", "all": [{"base_days": {">=": 1}}]}]'),
    ('base_requests >= 1', '[{"segment": "x", "all": [{"base_requests": {">=": 1}}]}]'),
    ('decline_ratio known', '[{"segment": "x", "all": [{"decline_ratio": {"exists": true}}]}]'), ('decline_ratio < 1', '[{"segment": "x", "all": [{"decline_ratio": {"<": 1}}]}]'),
    ('all', '[{"segment": "x"}]'), ('the second rule', '[{"segment": "y", "all": [{"requests": {">": 0}}]}, {"segment": "x", "all": [{"requests": {">": 0}}]}]')
) AS r(what, rules), segment_users('told', rules => r.rules::jsonb, as_of => '2024-06-01') WHERE segment = 'x' GROUP BY r.what ORDER BY r.what COLLATE "C";
SELECT segment, users, requests FROM segment_summary('told', rules => '[{"segment": "pro", "all": [{"property:Tier": {"=": "pro"}}]}, {"segment": "nobody", "all": [{"requests": {">": 99}}]}]');
SELECT segment FROM segment_user('told', '4', rules => '[{"segment": "it''s \\ x"}]');
-- A summary does not show small segments, nor the shares from which they would follow.
SET user_metrics.min_group_size = 2;
SELECT * FROM segment_summary('log', as_of => '2024-06-01');
RESET user_metrics.min_group_size;

-- ===== errors =====

\set VERBOSITY verbose
\set SHOW_CONTEXT never
SELECT * FROM segment_users('log', power_share => 10);
SELECT * FROM segment_users('log', max_decline_p => 'NaN');
SELECT * FROM segment_users('log', ties => 'random');
SELECT * FROM segment_users('log', recent_weeks => 0);
SELECT * FROM segment_user('log', 'ann', new_days => NULL);
SELECT * FROM segment_summary('log', timezone => 'Moon');
SELECT * FROM segment_users('log', rules => '{"segment": "x"}');
SELECT * FROM segment_users('log', rules => '[{"segment": "x", "all": [{"age": {">": 5}}]}]');
SELECT * FROM segment_users('log', rules => '[{"segment": "x", "all": [{"requests": {"like": 5}}]}]');
SELECT * FROM segment_users('log', rules => '[{"segment": "x", "all": [{"requests": {">": "1) OR true --"}}]}]');
SELECT * FROM segment_users('log', rules => '[{"segment": "x"}, {"segment": "y"}]');
SELECT * FROM segment_users('log', rules => '[{"segment": "x", "all": [{"cost_usd": {">": 5}}]}]');
SELECT * FROM segment_users('log', rules => '[{"segment": "x", "all": [{"property:Tier": {"=": "pro"}}]}]');
\set VERBOSITY default

-- ===== plan =====

-- With workers; tests/folds.py looks at the plan.
CREATE TABLE big AS SELECT 'u' || i % 1000 AS user_id, timestamptz '2024-03-01' + i * interval '1 minute' AS created_at FROM generate_series(1, 100000) AS i;
ANALYZE big;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SELECT segment, count(*) FROM segment_users('big') GROUP BY 1;
RESET ALL;
SET client_min_messages = warning;
DROP SCHEMA segments CASCADE;
