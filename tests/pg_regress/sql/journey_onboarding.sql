-- How users begin and what they come to: first_sessions, first_session_list, activation_milestones.
CREATE SCHEMA onboarding;
SET search_path = onboarding, user_metrics;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET extra_float_digits = 0;
\pset null '(null)'

-- ===== answers =====

-- March 2024, times in UTC; the log ends on the 25th at midnight, with nobody's. Sessions end after half an hour of nothing.
-- ann signed up on the 4th at 8:00, asked from 9:00 to 9:10 (the second time in vain), and again on the 6th and the 8th.
-- bob signed up on the 4th at 9:00, asked on the 5th at 9:00, in vain, and at 12:00. cy asked on the 10th at 9:00, an hour
-- before signing up. dee signed up on the 20th at noon and has not asked. eve never signed up, and asked twice on the 24th.
CREATE TABLE log (id int, user_id text, created_at timestamptz, session_id text, feature text, status_code int, plan text);
INSERT INTO log VALUES
    (1, 'ann', '2024-03-04 09:00Z', 's1', 'chat', 200, 'pro'),
    (2, 'ann', '2024-03-04 09:05Z', 's1', 'chat', 500, 'pro'),
    (3, 'ann', '2024-03-04 09:10Z', 's1', 'code', 200, 'pro'),
    (4, 'ann', '2024-03-06 09:00Z', 's2', 'chat', 200, 'pro'),
    (5, 'ann', '2024-03-08 09:00Z', NULL, 'chat', 200, 'free'),
    (6, 'bob', '2024-03-05 09:00Z', NULL, 'chat', 500, 'free'),
    (7, 'bob', '2024-03-05 12:00Z', NULL, 'chat', 200, 'free'),
    (8, 'cy', '2024-03-10 09:00Z', NULL, 'chat', 200, 'free'),
    (9, 'eve', '2024-03-24 09:00Z', NULL, 'chat', 200, 'free'),
    (10, 'eve', '2024-03-24 09:05Z', NULL, 'chat', 200, 'free'),
    (11, NULL, '2024-03-25 00:00Z', NULL, 'chat', 200, 'free'),
    (12, 'anonymous', '2024-03-04 00:00Z', NULL, 'chat', 200, 'free');
CREATE TABLE accounts (user_id text, created_at timestamptz);
INSERT INTO accounts VALUES
    ('ann', '2024-03-04 08:00Z'), ('ann', '2024-03-09 08:00Z'), ('bob', '2024-03-04 09:00Z'), ('cy', '2024-03-10 10:00Z'),
    ('dee', '2024-03-20 12:00Z'), ('', '2024-03-20 12:00Z'), ('zoe', '2024-03-26 12:00Z');

SELECT * FROM first_session_list('log', signups => 'accounts') ORDER BY user_id;
-- To the first request: an hour, a day, and dee for four and a half days already: half of three are there after a day. cy's is
-- no time at all. First requests: 3 of 4 answered. Sessions: 2, 1, 1 and 1 features; 600, 0, 0 and 300 s; 3, 1, 1 and 2 requests.
\x
SELECT * FROM first_sessions('log', signups => 'accounts');
SELECT * FROM first_sessions('log');
\x
-- First success: at once for ann, cy and eve, after three hours for bob. A second turn: ann and eve after 300 s. Code: ann after
-- 600 s, so eve fell off. Again on day 1 to 7: ann after two days, of ann, bob and cy; eve's week still runs. On a third day of
-- the first 14: ann after four days.
SELECT milestone_number AS n, milestone, eligible_users AS eligible, reached_users AS reached, round(reached_rate::numeric, 3) AS rate,
    round(rate_low::numeric, 3) AS low, round(rate_high::numeric, 3) AS high, p25_seconds AS p25, median_seconds AS median,
    p75_seconds AS p75, p90_seconds AS p90, dropped_from_previous AS dropped
FROM activation_milestones('log', advanced_features => '{code,agents}');
-- From signing up: ann an hour more, bob a day; cy from the first request on; dee is there to come to something.
SELECT milestone, eligible_users AS eligible, reached_users AS reached, p25_seconds AS p25, median_seconds AS median, p75_seconds AS p75
FROM activation_milestones('log', signups => 'accounts');
-- Milestones of one's own: a second chat within two days, of ann (after 5 minutes), bob (3 hours), cy (never) and eve, whose two
-- days still run; anything in code; a third request on the plan pro.
SELECT milestone_number AS n, milestone, eligible_users AS eligible, reached_users AS reached, median_seconds AS median, dropped_from_previous AS dropped
FROM activation_milestones('log', '[{"name": "second chat", "filter": {"feature": "chat"}, "count": 2, "within": "2 days"},
    {"name": "code", "filter": {"feature": ["code"]}}, {"name": "pro", "filter": {"plan": "pro"}, "count": 3}]');

-- From free to paid, from the user's beginning: a and d begin with free and upgrade after 10 and 2 days, b and e have not so far, after 30
-- and 3 days; c begins with pro and is not counted, and f makes its first requests with both at once. 3 of 5. The share left falls to
-- 4/5 at once, to 3/5 after 2 days, and with two left to 3/10 after 10 days. Within 7 days, which have not elapsed for e, 2 of 4: a was
-- too late, and drops out. Nobody began with "none".
CREATE TABLE tiers (user_id text, created_at timestamptz, tier text);
INSERT INTO tiers VALUES ('a', '2024-05-01', 'free'), ('a', '2024-05-11', 'pro'), ('a', '2024-05-12', 'free'), ('b', '2024-05-01', 'free'), ('b', '2024-05-20', 'free'),
    ('c', '2024-05-01', 'pro'), ('c', '2024-05-03', 'free'), ('c', '2024-05-04', 'pro'), ('d', '2024-05-02', 'free'), ('d', '2024-05-03', 'free'), ('d', '2024-05-04', 'pro'),
    ('e', '2024-05-28', 'free'), ('e', '2024-05-31', 'free'), ('f', '2024-05-05', 'free'), ('f', '2024-05-05', 'pro');
SELECT milestone, eligible_users AS eligible, reached_users AS reached, reached_rate, p25_seconds / 86400 AS p25_days, median_seconds / 86400 AS median_days, dropped_from_previous AS dropped
FROM activation_milestones('tiers', '[{"name": "any"}, {"name": "upgraded", "from": {"tier": "free"}, "filter": {"tier": "pro"}},
    {"name": "in a week", "from": {"tier": "free"}, "filter": {"tier": "pro"}, "within": "7 days"}, {"name": "none", "from": {"tier": "none"}}]');

-- ===== edges =====

-- Users count where they began, ann on pro. With each, groups are logs of their own: on free she began on the 8th.
SELECT segment, users, signed_up_users, without_request_users, seconds_to_first_request, requests_mean FROM first_sessions('log', by => 'plan', by_value => 'each', signups => 'accounts');
SELECT segment, milestone_number AS n, eligible_users AS eligible, reached_users AS reached FROM activation_milestones('log', by => 'plan');
-- since shows those who began then; what came before still says that ann and bob did not.
SELECT users, signed_up_users, without_request_users FROM first_sessions('log', since => '2024-03-06', signups => 'accounts');
SELECT user_id, started_at, outcome FROM first_session_list('log', since => '2024-03-06') ORDER BY user_id;
SELECT eligible_users, reached_users FROM activation_milestones('log', since => '2024-03-06') WHERE milestone_number = 1;
-- On the 12th at midnight ann's days 1 to 7 are over and bob's are not; a microsecond earlier neither.
SELECT a.as_of, m.eligible_users, m.reached_users FROM unnest('{2024-03-12 00:00Z,2024-03-11 23:59:59.999999Z}'::timestamptz[]) AS a(as_of), activation_milestones('log', as_of => a.as_of) AS m WHERE m.milestone_number = 3;
-- In Honolulu it is still the day before, and so was it when ann began.
SELECT eligible_users FROM activation_milestones('log', as_of => '2024-03-12 00:00Z', timezone => 'Pacific/Honolulu') WHERE milestone_number = 3;
-- Days of 23 hours are days. New York lost an hour on 10 March: x is back late on day 7, y at the first moment of day 8.
CREATE TABLE dst (user_id text, created_at timestamptz);
INSERT INTO dst VALUES ('x', '2024-03-09 12:00-05'), ('x', '2024-03-16 23:59:59-04'), ('y', '2024-03-09 12:00-05'), ('y', '2024-03-17 00:00-04');
SELECT eligible_users, reached_users, median_seconds FROM activation_milestones('dst', timezone => 'America/New_York', as_of => '2024-03-17 00:00-04') WHERE milestone_number = 3;
-- A session that may go on is in no mean.
SELECT users, open_sessions, requests_mean FROM first_sessions('log', as_of => '2024-03-24 09:10Z', since => '2024-03-24');
-- What is asked within a session without id belongs to it, unless it is part of a session with one.
CREATE TABLE mixed (user_id text, created_at timestamptz, session_id text, feature text);
INSERT INTO mixed VALUES ('ann', '2024-03-04 09:00Z', NULL, 'a'), ('ann', '2024-03-04 09:10Z', 'x', 'b'), ('ann', '2024-03-04 09:12Z', 'alone', 'c'), ('ann', '2024-03-04 09:20Z', 'x', 'b'), ('ann', '2024-03-04 09:25Z', NULL, 'a');
SELECT session_id, requests, features_discovered, first_request_succeeded FROM first_session_list('mixed', as_of => '2024-03-10');
-- Ids tell which of two at the same moment was first: 9 before 10.
CREATE TABLE tied (id text, user_id int, created_at timestamptz, success boolean);
INSERT INTO tied VALUES ('10', 1, '2024-03-04', false), ('9', 1, '2024-03-04', true);
SELECT first_request_succeeded FROM first_session_list('tied', as_of => '2024-03-10');
-- Where nothing tells success or features, they are not known.
CREATE TABLE bare (user_id uuid, ts timestamp);
INSERT INTO bare VALUES ('00000000-0000-0000-0000-000000000001', '2024-03-04 09:00'), ('00000000-0000-0000-0000-000000000001', '2024-03-14 09:00');
SELECT users, first_requests, first_request_answered_rate, features_discovered_mean FROM first_sessions('bare');
SELECT milestone, eligible_users, reached_users FROM activation_milestones('bare');
-- No rows: zeros; for groups nothing.
TRUNCATE bare;
SELECT users, open_sessions, requests_mean, seconds_to_first_request FROM first_sessions('bare');
SELECT milestone_number, eligible_users, reached_users, reached_rate, median_seconds, dropped_from_previous FROM activation_milestones('bare');
SELECT count(*) FROM first_sessions('bare', by => 'user_id');
SELECT count(*) FROM first_session_list('bare');
-- Opted out.
BEGIN;
SELECT opt_out('ann'), opt_out('dee');
SELECT users, signed_up_users, without_request_users FROM first_sessions('log', signups => 'accounts');
ROLLBACK;
-- Few are not shown: three have had the time to come back, four are there.
SET user_metrics.min_group_size = 4;
SELECT milestone_number, eligible_users, reached_users, median_seconds FROM activation_milestones('log');
SELECT segment, users, requests_mean FROM first_sessions('log', by => 'plan');
RESET user_metrics.min_group_size;

-- ===== errors =====

\set VERBOSITY verbose
\set SHOW_CONTEXT never
SELECT * FROM first_sessions('log', session_gap => '1 month');
SELECT * FROM first_sessions('log', timezone => 'Moon');
SELECT * FROM first_sessions('log', by => 'colour');
SELECT * FROM first_session_list('log', filter => '{"feature": {}}');
SELECT * FROM first_sessions('log', signups => 'pg_class');
SELECT * FROM activation_milestones('bare', advanced_features => '{code}');
SELECT * FROM activation_milestones('log', '{"name": "x"}');
SELECT * FROM activation_milestones('log', '[{"name": "x", "wihtin": "1 day"}]');
SELECT * FROM activation_milestones('log', '[{"name": "x", "within": "1 month"}]');
SELECT * FROM activation_milestones('log', '[{"name": "x", "from": "free"}]');
SELECT * FROM activation_milestones('log', '[{"name": "x", "count": 0}]');
SELECT * FROM activation_milestones('log', '[{"filter": {}}]');
SELECT * FROM activation_milestones('log', '[{"name": "x", "filter": {"colour": "red"}}]');
SELECT * FROM activation_milestones('log', '[{"name": "x", "filter": {"feature": {"in": 1}}}]');
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
SELECT * FROM scans($$SELECT * FROM first_sessions('parted', until => '2024-02-01')$$);
SELECT * FROM scans($$SELECT * FROM first_session_list('parted', since => '2024-02-10')$$);
SELECT * FROM scans($$SELECT * FROM activation_milestones('parted', until => '2024-02-01')$$);
SELECT * FROM scans($$SELECT * FROM activation_milestones('parted', '[{"name": "x"}]', until => '2024-02-01')$$);
CREATE VIEW over_name AS SELECT * FROM first_sessions('onboarding.log');
CREATE VIEW over_oid AS SELECT * FROM first_sessions('log'::regclass);
SELECT n.users AS over_name, o.users AS over_oid FROM over_name AS n, over_oid AS o;

SET client_min_messages = warning;
DROP SCHEMA onboarding CASCADE;
