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
-- which is not of her plan; 4 are to be expected. bob: free in March, pro from 10 April, which holds for all of April.
-- cy tells no plan, dee one that is not listed.
CREATE TABLE log (user_id text, created_at timestamptz, feature text, properties jsonb);
INSERT INTO log VALUES
    ('ann', '2024-03-01 10:00', 'chat', '{"UserTier": "free"}'), ('ann', '2024-03-02 10:00', 'chat', '{}'), ('ann', '2024-03-02 11:00', NULL, '{}'),
    ('ann', '2024-04-01 10:00', 'chat', NULL), ('ann', '2024-04-02 10:00', 'search', '{"UserTier": null}'),
    ('bob', '2024-03-31 10:00', 'search', '{"UserTier": "free"}'), ('bob', '2024-04-09 10:00', 'search', '{"UserTier": "free"}'), ('bob', '2024-04-10 10:00', 'search', '{"UserTier": "pro"}'),
    ('cy', '2024-03-15 10:00', 'chat', '{}'), ('dee', '2024-03-15 10:00', 'chat', '{"UserTier": "team"}'),
    ('', '2024-03-15 10:00', 'chat', '{"UserTier": "free"}'), ('anonymous', '2024-04-16 00:00', 'chat', '{"UserTier": "free"}');
\set plans '{"free": {"monthly_request_limit": 2, "features": ["chat"], "support_level": "community"}, "pro": {"monthly_request_limit": "unlimited"}}'
SELECT * FROM plan_usage('log', :'plans');

-- ===== edges =====

SELECT * FROM plan_usage('log', :'plans', since => '2024-04-01') WHERE user_id = 'ann';
SELECT * FROM plan_usage('log', :'plans', until => '2024-04-02') WHERE user_id = 'ann';
SELECT user_id, month, requests, projected_month_end FROM plan_usage('log', :'plans', as_of => '2024-04-01') WHERE user_id = 'ann';
-- Months are those of the zone: in Auckland bob's request of 31 March, 10:00 UTC, is still of March, at 11:00 it would not be.
SELECT timezone, month, requests FROM unnest(ARRAY['UTC', 'Pacific/Auckland', 'Pacific/Kiritimati']) AS timezone, plan_usage('log', :'plans', timezone => timezone) WHERE user_id = 'bob' ORDER BY 1, 2;
-- A limit of nothing; a plan with no features; another property.
SELECT user_id, request_limit, used_share, first_day_over_limit, out_of_plan_requests FROM plan_usage('log', '{"free": {"monthly_request_limit": 0, "features": []}}') WHERE user_id = 'ann';
SELECT DISTINCT plan FROM plan_usage('log', '{"x": {}}', plan_property => 'Other');
CREATE TABLE empty (LIKE log);
SELECT * FROM plan_usage('empty', :'plans');

-- ===== errors =====

\set VERBOSITY verbose
\set SHOW_CONTEXT never
SELECT * FROM plan_usage('log', '[]');
SELECT * FROM plan_usage('log', '{"free": {"limit": 5}}');
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
