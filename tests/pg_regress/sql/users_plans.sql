-- Usage against the limits of plans: plan_usage.
CREATE SCHEMA plans;
SET search_path = plans, user_metrics;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET extra_float_digits = 0;
\pset null '(null)'

-- ===== answers =====

-- The log ends on 16 April 2024, 00:00: half of April's 30 days have passed.
-- ann, free: 3 requests in March, on the 1st, 2nd and 2nd: over her limit of 2 on the 2nd. In April 2, one of them to search,
-- which is not of her plan; 4 are to be expected. bob: free in March and until 10 April, 10:00, of which nothing more is to come; then
-- pro, with 1 request in 134 hours and 360 to go: 1 + 360/134 = 3.687. cy tells no plan, dee one that is not listed: neither is
-- unlimited.
CREATE TABLE log (user_id text, created_at timestamptz, feature text, properties jsonb);
INSERT INTO log VALUES
    ('ann', '2024-03-01 10:00', 'chat', '{"UserTier": "free"}'), ('ann', '2024-03-02 10:00', 'chat', '{}'), ('ann', '2024-03-02 11:00', NULL, '{}'),
    ('ann', '2024-04-01 10:00', 'chat', NULL), ('ann', '2024-04-02 10:00', 'search', '{"UserTier": null}'),
    ('bob', '2024-03-31 10:00', 'search', '{"UserTier": "free"}'), ('bob', '2024-04-09 10:00', 'search', '{"UserTier": "free"}'), ('bob', '2024-04-10 10:00', 'search', '{"UserTier": "pro"}'),
    ('cy', '2024-03-15 10:00', 'chat', '{}'), ('dee', '2024-03-15 10:00', 'chat', '{"UserTier": "team"}'),
    ('', '2024-03-15 10:00', 'chat', '{"UserTier": "free"}'), ('anonymous', '2024-04-16 00:00', 'chat', '{"UserTier": "free"}');
\set plans '{"free": {"monthly_request_limit": 2, "features": ["chat"], "support_level": "community"}, "pro": {"monthly_request_limit": "unlimited"}}'
\x
SELECT * FROM plan_usage('log', :'plans');
\x
-- Of the user alone; then the log's end is not looked up.
SELECT user_id, plan, period_start, complete, used, projected FROM plan_usage('log', :'plans', user_id => 'bob', as_of => '2024-04-16');
SELECT count(*) FROM plan_usage('log', :'plans', user_id => 'nobody');

-- What was refused uses up nothing: of a limit of 4, the four that were answered are all, whatever is asked then.
CREATE TABLE refused (user_id text, created_at timestamptz, status int, prompt_tokens int, completion_tokens int, cost_usd numeric, feature text, properties jsonb);
INSERT INTO refused SELECT 'ann', timestamptz '2024-03-01' + n * interval '1 day', CASE WHEN n < 4 THEN 200 ELSE 429 END, 10, CASE WHEN n < 3 THEN n END, n * 0.5, 'chat', '{"UserTier": "free"}' FROM generate_series(0, 9) AS n;
SELECT requests, refused_requests, used, used_share, first_day_over_limit, reason FROM plan_usage('refused', '{"free": {"monthly_request_limit": 4}}');
-- In tokens: 10 + 0, 10 + 1, 10 + 2 and 10: 43, over 30 on the third day. In dollars: 0, 0.5, 1, 1.5. Of what a log does not have, none is known.
SELECT unit, used, plan_limit, used_share, first_day_over_limit FROM plan_usage('refused', '{"free": {"limit": 30, "of": "tokens"}}');
SELECT unit, used, plan_limit, used_share, first_day_over_limit FROM plan_usage('refused', '{"free": {"limit": 1.25, "of": "cost_usd"}}');
SELECT user_id, unit, used, plan_limit, projected, reason FROM plan_usage('log', '{"free": {"limit": 30, "of": "tokens"}}', until => '2024-03-03');
-- The words for all features; the other keys of a plan.
SELECT plans, out_of_plan_requests, details FROM (VALUES ('{"free": {"features": ["all"], "support_level": "community", "seats": 3}}'::jsonb), ('{"free": {"features": "*"}}'), ('{"free": {"features": ["code", "*"]}}'), ('{"free": {"features": ["code"]}}')) AS v(plans), plan_usage('refused', plans);

-- Days, weeks (from Monday, or Wednesday) and months with a day of their own: in February the 31st is the 29th, and begins there. Each on
-- the 28th and 29th of February, the 1st and 31st of March, and 1 April.
CREATE TABLE cycles (user_id text, created_at timestamptz, properties jsonb);
INSERT INTO cycles SELECT 'ann', d, '{"UserTier": "free"}' FROM unnest('{2024-02-28 10:00,2024-02-29 10:00,2024-03-01 10:00,2024-03-31 10:00,2024-04-01 10:00}'::timestamptz[]) AS d;
SELECT terms, string_agg(period_start || ': ' || requests, ', ' ORDER BY period_start) FROM unnest(ARRAY['{"every": "day"}', '{"every": "week"}', '{"every": "week", "anchor": 3}', '{"every": "week", "anchor": "first_request"}',
    '{}', '{"anchor": 29}', '{"anchor": 31}', '{"anchor": "first_request"}']) AS terms, plan_usage('cycles', format('{"free": %s}', terms)::jsonb) GROUP BY 1 ORDER BY 1;
-- The first request is that of the log, also before since. Back in a plan that was left, its period goes on: 1 request before and 1 after
-- 10 hours of pro; 3 days have passed of the 13 from then to the end, so 1 + 1 + 1 · 10/3.
SELECT period_start, requests FROM plan_usage('cycles', '{"free": {"anchor": "first_request"}}', since => '2024-03-29');
CREATE TABLE back (user_id text, created_at timestamptz, properties jsonb);
INSERT INTO back VALUES ('ann', '2024-03-01', '{"UserTier": "free"}'), ('ann', '2024-03-18 14:00', '{"UserTier": "pro"}'), ('ann', '2024-03-19', '{"UserTier": "free"}'), ('nobody', '2024-03-22', NULL);
SELECT plan, requests, used, projected, complete FROM plan_usage('back', '{"free": {"limit": 5}, "pro": {"limit": 7}}', user_id => 'ann', as_of => '2024-03-22');
-- Before the first plan is told none is known. Of two told at one instant, each request has its own, and the greater holds from then on.
CREATE TABLE late (user_id text, created_at timestamptz, properties jsonb);
INSERT INTO late VALUES ('ann', '2024-03-01', '{}'), ('ann', '2024-03-02', '{"UserTier": "pro"}'), ('ann', '2024-03-02', '{"UserTier": "free"}'), ('ann', '2024-03-03', '{}');
SELECT plan, requests, projected, reason FROM plan_usage('late', '{"free": {"limit": 5}, "pro": {"limit": 7}}', as_of => '2024-04-01');

-- ===== edges =====

SELECT * FROM plan_usage('log', :'plans', since => '2024-04-01') WHERE user_id = 'ann';
SELECT * FROM plan_usage('log', :'plans', until => '2024-04-02') WHERE user_id = 'ann';
SELECT user_id, period_start, complete, requests, projected FROM plan_usage('log', :'plans', as_of => '2024-04-01') WHERE user_id = 'ann';
-- Months are those of the zone: in Auckland bob's request of 31 March, 10:00 UTC, is still of March, at 11:00 it would not be.
SELECT timezone, period_start, requests FROM unnest(ARRAY['UTC', 'Pacific/Auckland', 'Pacific/Kiritimati']) AS timezone, plan_usage('log', :'plans', timezone => timezone) WHERE user_id = 'bob' ORDER BY 1, 2, plan;
-- A limit of nothing; a plan with no features; another property.
SELECT user_id, plan_limit, used_share, first_day_over_limit, out_of_plan_requests, reason FROM plan_usage('log', '{"free": {"monthly_request_limit": 0, "features": []}}') WHERE user_id = 'ann';
SELECT DISTINCT plan FROM plan_usage('log', '{"x": {}}', plan_property => 'Other');
CREATE TABLE empty (LIKE log);
SELECT * FROM plan_usage('empty', :'plans');

-- ===== errors =====

\set VERBOSITY verbose
\set SHOW_CONTEXT never
SELECT * FROM plan_usage('log', '[]');
SELECT * FROM plan_usage('log', '{"free": {"daily_limit": 5}}');
SELECT * FROM plan_usage('log', '{"free": {"limit": 5, "monthly_request_limit": 5}}');
SELECT * FROM plan_usage('log', '{"free": {"limit": 5, "of": "words"}}');
SELECT * FROM plan_usage('log', '{"free": {"limit": 5, "every": "year"}}');
SELECT * FROM plan_usage('log', '{"free": {"limit": 5, "every": "week", "anchor": 8}}');
SELECT * FROM plan_usage('log', '{"free": {"limit": 5, "every": "day", "anchor": 1}}');
SELECT * FROM plan_usage('log', '{"free": {"features": "chat"}}');
SELECT * FROM plan_usage('log', '{"free": {"monthly_request_limit": "many"}}');
SELECT * FROM plan_usage('log', :'plans', timezone => 'Moon');
CREATE TABLE bare (user_id text, created_at timestamptz);
SELECT * FROM plan_usage('bare', :'plans');
\set VERBOSITY sqlstate
SELECT * FROM plan_usage('log', NULL);
\set VERBOSITY default

-- ===== plan =====

-- A million-row log would be read once, and by workers.
SET client_min_messages = warning;
CREATE TABLE big AS SELECT 'u' || i % 100 AS user_id, timestamptz '2024-03-01' + i * interval '1 minute' AS created_at, '{"UserTier": "free"}'::jsonb AS properties FROM generate_series(1, 50000) AS i;
ANALYZE big;
SELECT count(*), sum(requests) FROM plan_usage('big', :'plans');
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT count(*), sum(requests) FROM plan_usage('big', :'plans');
RESET ALL;
SET client_min_messages = warning;
DROP SCHEMA plans CASCADE;
