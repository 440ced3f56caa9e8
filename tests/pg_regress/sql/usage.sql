-- How a product is used: usage_patterns, peak_hours, usage_heatmap, feature_usage, model_usage, model_stickiness,
-- model_switches, request_complexity.
CREATE SCHEMA usage;
SET search_path = usage, user_metrics;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET extra_float_digits = 0;
\pset null '(null)'

-- ===== answers =====

-- Eight requests of three users, from Monday 4 March 2024 on, times in UTC. The log ends a week later, at 06:00, with nobody's.
--  id  user  when       chat  feature  model  tokens    cost  latency  status
--   1  ann   Mon 09:00  c1    chat     A      10, 100   0.1   100      200
--   2  ann   Mon 09:10  c1    chat     A      20, 200   0.1   200      500: failed
--   3  ann   Mon 09:10  c1    chat     B      30, ?     0.2   300      200    at the same instant: ids tell the order
--   4  ann   Wed 09:00  c2    code     B      40, 400   0.2   400      200
--   5  ann   Sun 09:00  ''    chat     A      10, 100   0.1   ?        ?
--   6  bob   Mon 23:30        chat     A      50, 500   0.1   500      200
--   7  bob   Tue 00:30        ?        A      60, 600   ?     600      404: failed
--   8  cy    Sun 12:00  c1    code     ?      -5, ?     NaN   -1       200    no such numbers: not known
CREATE TABLE log (
    id int, user_id text, created_at timestamptz, chat_id text, feature text, model text,
    prompt_tokens int, completion_tokens int, cost_usd numeric, latency_ms int, status_code int
);
INSERT INTO log VALUES
    (8, 'cy', '2024-03-10 12:00Z', 'c1', 'code', NULL, -5, NULL, 'NaN', -1, 200),
    (7, 'bob', '2024-03-05 00:30Z', NULL, NULL, 'A', 60, 600, NULL, 600, 404),
    (6, 'bob', '2024-03-04 23:30Z', NULL, 'chat', 'A', 50, 500, 0.1, 500, 200),
    (5, 'ann', '2024-03-10 09:00Z', '', 'chat', 'A', 10, 100, 0.1, NULL, NULL),
    (4, 'ann', '2024-03-06 09:00Z', 'c2', 'code', 'B', 40, 400, 0.2, 400, 200),
    (3, 'ann', '2024-03-04 09:10Z', 'c1', 'chat', 'B', 30, NULL, 0.2, 300, 200),
    (2, 'ann', '2024-03-04 09:10Z', 'c1', 'chat', 'A', 20, 200, 0.1, 200, 500),
    (1, 'ann', '2024-03-04 09:00Z', 'c1', 'chat', 'A', 10, 100, 0.1, 100, 200),
    (0, NULL, '2024-03-11 06:00Z', NULL, 'chat', 'A', 1, 1, 1, 1, 200),
    (9, 'anonymous', '2024-03-04 09:00Z', NULL, 'voice', 'C', 1, 1, 1, 1, 200);

-- 8 requests on 3 + 2 + 1 active days are 1.33 a day. From the first day to the 11th are 8 + 8 + 2 days: 0.44 a day.
-- Pauses: ann 600, 0, 172200 and 345600 seconds, bob 3600: the middle one is 3600.
-- Between active days: ann 2 and 4, so 3; bob 1. The first of these two that at least 80 % do not exceed is 3.
-- Tokens: 110 + 110, 800 + 1100. Cost: 0.7 + 0.1.
\x
SELECT * FROM usage_patterns('log');
\x
-- From Monday 09:00 until 06:00 a week later hours 6, 7 and 8 came round 6 times, all others 7 times. Five requests were made
-- at 9; one each at 0, at 12 and at 23, of which the earlier hours rank higher.
SELECT * FROM peak_hours('log');
SELECT hour, rank FROM peak_hours('log', top => 1) WHERE is_peak;
SELECT * FROM usage_heatmap('log') WHERE requests > 0;
-- chat: 5 of 8 requests, of 2 of 3 users; 3 of 4 were answered, as far as is known: after 100, 300 and 500 ms. The failure took 200.
\x
SELECT * FROM feature_usage('log');
-- A: 2 of 4 were answered, after 100 and 500 ms, so 300; the failures took 200 and 600 ms, so 400.
SELECT * FROM model_usage('log');
\x
-- ann goes A A B B A, bob A A: 5 transitions, 3 of them stay, so 0.6. By chance: ann (3 · 2 + 2 · 1) / (5 · 4) = 0.4, bob 1:
-- (4 · 0.4 + 1) / 5 = 0.52. From A: 2 of 3 stay, by chance (2 · 2/4 + 1) / 3 = 0.667. From B: 1 of 2, by chance 1/4.
-- Concentration: ann 0.6² + 0.4² = 0.52, bob 1.
-- ann's change from A to B followed request 2, which failed; her change back followed 4, which did not.
SELECT * FROM model_stickiness('log');
SELECT * FROM model_switches('log');
-- A in March has tokens 10 10 20 50 60: the two lowest have rank (0 + 2/2) / 5 = 0.2, then 0.5, 0.7, 0.9. The first turn of its
-- two with a session has 0.25, the second 0.75. In B 30 and 40 have 0.25 and 0.75, and the third turn ranks above the first.
SELECT * FROM request_complexity('log') ORDER BY occurred_at, request_id;

-- ===== edges =====

-- What a log does not have is not known. NULL for every argument means its default.
CREATE TABLE plain (user_id text, created_at timestamptz, model text, feature text);
\x
SELECT * FROM usage_patterns('plain');
SELECT * FROM usage_patterns('plain', by => 'model');
SELECT * FROM model_stickiness('plain');
SELECT * FROM model_stickiness('plain', by => 'model');
SELECT (SELECT count(*) FROM peak_hours('plain')) AS peak_hours, (SELECT count(*) FROM usage_heatmap('plain')) AS usage_heatmap,
    (SELECT count(*) FROM feature_usage('plain')) AS feature_usage, (SELECT count(*) FROM model_usage('plain')) AS model_usage,
    (SELECT count(*) FROM model_switches('plain')) AS model_switches, (SELECT count(*) FROM request_complexity('plain')) AS request_complexity;
-- Rows of nobody, at no time, or still to come are none.
INSERT INTO plain VALUES (NULL, '2024-03-04 10:00Z', 'A', 'x'), (' ', '2024-03-04 10:00Z', 'A', 'x'), ('ann', NULL, 'A', 'x'),
    ('ann', 'infinity', 'A', 'x'), ('ann', '-infinity', 'A', 'x'), ('ann', now() + interval '1 day', 'A', 'x');
SELECT users, requests, requests_per_active_day, requests_per_calendar_day FROM usage_patterns('plain');
SELECT count(*) FROM peak_hours('plain');
-- One request: its hour came round once, as the log ends there; no other did, and no hour that had no request is a peak.
INSERT INTO plain VALUES ('ann', '2024-03-04 09:30Z', 'A', NULL);
SELECT * FROM usage_patterns(source => 'plain', since => NULL, until => NULL, filter => NULL, by => NULL, timezone => NULL, as_of => NULL);
SELECT * FROM feature_usage('plain');
SELECT * FROM model_usage('plain');
SELECT * FROM model_stickiness('plain');
SELECT * FROM request_complexity('plain');
\x
SELECT hour, requests, hour_occurrences, requests_per_hour_occurrence, rank, is_peak FROM peak_hours('plain', top => NULL) WHERE hour_occurrences > 0 OR is_peak;
DELETE FROM plain WHERE user_id IS NULL OR user_id = ' ';
SELECT hour, requests, hour_occurrences, requests_per_hour_occurrence, rank, is_peak FROM peak_hours('plain', top => NULL) WHERE hour BETWEEN 8 AND 10;

-- The clock was set back from 00:01 to 23:01 of the day before: a first request of the 2nd, and an end on the 1st, are one day.
-- Latencies of -0 are 0; requests of no model and of an empty one are compared with each other.
CREATE TABLE set_back (user_id text, created_at timestamptz, model text, latency_ms float8, prompt_tokens int);
INSERT INTO set_back SELECT 'ann', '2008-11-02 02:30:30Z', CASE n WHEN 1 THEN '' END, CASE WHEN n <= 2 THEN '-0' ELSE n END, n FROM generate_series(1, 5) AS n;
SELECT active_days, requests_per_calendar_day FROM usage_patterns('set_back', timezone => 'America/St_Johns', as_of => '2008-11-02 03:00Z');
SELECT requests_per_calendar_day FROM user_metrics_row('set_back', 'ann', timezone => 'America/St_Johns', as_of => '2008-11-02 03:00Z', benchmark => false);
SELECT name, requests, median_latency_ms FROM model_usage('set_back');
SELECT prompt_tokens_rank FROM request_complexity('set_back') ORDER BY 1;

-- A property is what ->> gives of it, whatever the JSON: of these requests two have 1.50, five tell nothing.
CREATE TABLE props (user_id text, created_at timestamptz, properties jsonb);
INSERT INTO props SELECT 'ann', timestamptz '2024-03-04 10:00Z', p::jsonb FROM (VALUES
    ('{"a": 1, "x": 1.50}'), ('{"x": "1.50"}'), ('{"x": true}'), ('{"x": {"b": [1, "c"]}}'), ('{"x": ""}'),
    ('{"x": null}'), ('{"xx": 1}'), ('["x"]'), ('"x"'), (NULL)) AS v(p);
SELECT segment, requests, (SELECT count(*) FROM props WHERE properties ->> 'x' IS NOT DISTINCT FROM segment) AS counted
FROM usage_patterns('props', by => 'x');

-- Where observation ends: as_of, else until, else the last request of anybody. Midnight itself belongs to the day before, unless
-- a request was made at that very moment.
CREATE TABLE ending (user_id text, created_at timestamptz);
INSERT INTO ending VALUES ('ann', '2024-03-04 12:00Z'), ('bob', '2024-03-04 13:00Z'), (NULL, '2024-03-07 00:00Z');
CREATE FUNCTION ends(since timestamptz, until timestamptz, as_of timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT format('%s requests, %s days, hour 0 %s times, hour 12 %s times', u.requests, u.requests / u.requests_per_calendar_day, h.zero, h.twelve)
    FROM user_metrics.usage_patterns('usage.ending', since => $1, until => $2, as_of => $3) AS u, (
        SELECT max(p.hour_occurrences) FILTER (WHERE p.hour = 0) AS zero, max(p.hour_occurrences) FILTER (WHERE p.hour = 12) AS twelve
        FROM user_metrics.peak_hours('usage.ending', since => $1, until => $2, as_of => $3) AS p) AS h
$$;
-- Two users: 3 days each up to the end of the 6th, when hour 0 has come twice and hour 12 three times.
SELECT 'the log' AS ends_with, ends(NULL, NULL, NULL)
UNION ALL SELECT 'as_of', ends(NULL, NULL, '2024-03-07 00:00Z')
UNION ALL SELECT 'until', ends(NULL, '2024-03-07 00:00Z', NULL)
UNION ALL SELECT 'a microsecond later', ends(NULL, NULL, '2024-03-07 00:00:00.000002Z')
UNION ALL SELECT 'the earlier of both', ends(NULL, '2024-03-06 00:00Z', '2024-03-07 00:00Z')
UNION ALL SELECT 'as_of on a request', ends(NULL, NULL, '2024-03-04 13:00Z')
UNION ALL SELECT 'until before a request', ends(NULL, '2024-03-04 13:00Z', NULL)
UNION ALL SELECT 'since', ends('2024-03-04 13:00Z', '2024-03-05 00:00Z', NULL);
INSERT INTO ending VALUES ('ann', '2024-03-07 00:00Z');
SELECT ends(NULL, NULL, NULL), ends(NULL, '2024-03-07 00:00Z', NULL) AS until;
-- In the future nothing has been observed yet.
SELECT ends(NULL, 'infinity', 'infinity') = ends(NULL, NULL, now()) AS now_is_the_end;

-- Hours of the local clock. On a local day that is observed whole, all come round once, but for these:
CREATE TABLE clock (user_id uuid, created_at timestamp);
CREATE FUNCTION odd_hours(zone text, day date) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    odd text;
BEGIN
    DELETE FROM usage.clock;
    INSERT INTO usage.clock VALUES ('00000000-0000-0000-0000-000000000001', day::timestamp AT TIME ZONE zone AT TIME ZONE 'UTC');
    SELECT COALESCE(string_agg(format('%s: %s', p.hour, p.hour_occurrences), ', ' ORDER BY p.hour), 'none') INTO odd
    FROM user_metrics.peak_hours('usage.clock', timezone => zone, until => (day + 1)::timestamp AT TIME ZONE zone) AS p
    WHERE p.hour_occurrences <> 1;
    RETURN odd;
END $$;
SELECT zone, day, odd_hours(zone, day) FROM (VALUES
    ('America/New_York', date '2024-03-09'), ('America/New_York', '2024-03-10'), ('America/New_York', '2024-11-03'),
    ('Europe/Berlin', '2024-03-31'), ('Europe/Berlin', '2024-10-27'),
    ('Australia/Lord_Howe', '2024-04-07'), ('Australia/Lord_Howe', '2024-10-06'),   -- half an hour: back into hour 1, on into hour 2
    ('Asia/Kathmandu', '2024-03-10'), ('Asia/Pyongyang', '2015-08-14'),             -- 24:00 was 23:30 that day
    ('Africa/Cairo', '2024-04-26'), ('Pacific/Apia', '2011-12-29'),                 -- 00:00 was 01:00; the 30th never was
    ('America/St_Johns', '2010-11-06'), ('Antarctica/Casey', '2020-10-04'),         -- at 00:01 back to 23:01, or on to 03:01
    ('<+03>-03:00:30', '2024-03-10')) AS v(zone, day);
-- Rows are in these hours too: 01:30 twice in autumn, 03:00 right after 01:59:59.999999 in spring; 18:14:59 and 18:15 in Kathmandu.
CREATE TABLE local (user_id bigint, created_at timestamptz, zone text);
INSERT INTO local SELECT 1, i::timestamptz, z FROM (VALUES
    ('2024-11-03 05:30Z', 'America/New_York'), ('2024-11-03 06:30Z', 'America/New_York'),
    ('2024-03-10 06:59:59.999999Z', 'America/New_York'), ('2024-03-10 07:00Z', 'America/New_York'),
    ('2024-03-10 18:14:59.999999Z', 'Asia/Kathmandu'), ('2024-03-10 18:15Z', 'Asia/Kathmandu'),
    ('2020-10-03 16:00:59.999999Z', 'Antarctica/Casey'), ('2020-10-03 16:01Z', 'Antarctica/Casey')) AS v(i, z);
SELECT z, weekday, hour, requests FROM (SELECT DISTINCT zone FROM local) AS v(z), usage_heatmap('local', filter => jsonb_build_object('zone', z), timezone => z) WHERE requests > 0 ORDER BY z COLLATE "C", weekday, hour;
-- Sunday the 10th has 23 hours in New York: two active days, one day apart.
INSERT INTO local VALUES (2, '2024-03-10 04:30Z', 'x'), (2, '2024-03-11 04:30Z', 'x');
SELECT timezone, active_days, usage_interval_days, median_seconds_between_requests
FROM unnest(ARRAY['UTC', 'America/New_York']) AS timezone, LATERAL usage_patterns('local', filter => '{"zone": "x"}', timezone => timezone);
-- A row of the year 1 is no reason to count for minutes: 738885 days.
INSERT INTO local VALUES (3, '2000-01-01 00:00Z', 'y');
SELECT min(hour_occurrences), max(hour_occurrences), date '2024-01-01' - date '2000-01-01' AS days
FROM peak_hours('local', filter => '{"zone": "y"}', until => '2024-01-01 00:00Z');
SELECT min(hour_occurrences), max(hour_occurrences)
FROM peak_hours('local', filter => '{"zone": "y"}', timezone => 'Asia/Kathmandu', until => '2024-01-01 00:00Z');

-- by: every segment is a log of its own, but all end together.
SELECT segment, users, requests, active_days, requests / requests_per_calendar_day AS calendar_days FROM usage_patterns('log', by => 'model');
SELECT segment, name, users, reach, requests, share FROM feature_usage('log', by => 'model');
SELECT segment, model, transitions, stay_rate, chance_rate FROM model_stickiness('log', by => 'feature');
SELECT segment, sum(hour_occurrences) AS hours FROM peak_hours('log', by => 'model') GROUP BY 1 ORDER BY 1;
SELECT segment, count(*), sum(requests) FROM usage_heatmap('log', by => 'model') GROUP BY 1 ORDER BY 1;
SELECT * FROM model_switches('log', by => 'status');
-- A value that looks like none is one, and is told apart from it.
CREATE TABLE blanks (user_id text, created_at timestamptz, model text, feature text, latency_ms int);
INSERT INTO blanks VALUES ('ann', '2024-03-04 09:00Z', '', '', 1), ('ann', '2024-03-04 09:01Z', NULL, NULL, 2), ('ann', '2024-03-04 09:02Z', '', '', 3);
SELECT segment, name, requests, median_latency_ms FROM feature_usage('blanks', by => 'model');
SELECT segment, median_seconds_between_requests FROM usage_patterns('blanks', by => 'model');
-- Requests without a model are passed over: '' stays with ''.
SELECT * FROM model_stickiness('blanks');
SELECT request_id, prompt_tokens_rank, complexity FROM request_complexity('blanks') ORDER BY request_id;
-- Requests of one instant go by their ids, the shorter before the longer: 9 before 10. Without ids by model, failures first.
CREATE TABLE ties (id text, user_id text, created_at timestamptz, model text, succeeded boolean);
INSERT INTO ties VALUES ('10', 'ann', '2024-03-04', 'A', true), ('9', 'ann', '2024-03-04', 'B', false), ('8', 'ann', '2024-03-04', 'B', true);
SELECT from_model, to_model, switches, after_error FROM model_switches('ties');
UPDATE ties SET id = NULL;
SELECT from_model, to_model, switches, after_error FROM model_switches('ties');
-- Who began before since has had all of its days: of March one request on its last day, in 31 days. ben began on the 30th: 1 in 2 days.
CREATE TABLE january (user_id text, created_at timestamptz);
INSERT INTO january VALUES ('ann', '2024-01-10 10:00Z'), ('ann', '2024-03-31 10:00Z'), ('gone', '2024-01-10 10:00Z');
SELECT users, requests, active_days, requests_per_calendar_day FROM usage_patterns('january', since => '2024-03-01', until => '2024-04-01');
INSERT INTO january VALUES ('ben', '2024-03-30 10:00Z');
SELECT users, requests, active_days, requests / requests_per_calendar_day AS calendar_days FROM usage_patterns('january', since => '2024-03-01', until => '2024-04-01');
-- Failing fast is not being fast. Answers took 900 to 1300 ms, five refusals 10 ms each; what is not known to have failed (950) is an
-- answer. A model with nothing but failures has no latency. The second pass over many numbers sees the same.
CREATE TABLE refusals (user_id text, created_at timestamptz, model text, latency_ms int, status int);
INSERT INTO refusals SELECT 'ann', timestamptz '2024-03-04' + n * interval '1 hour', 'm', CASE WHEN n <= 5 THEN 800 + n * 100 ELSE 10 END, CASE WHEN n <= 5 THEN 200 ELSE 429 END FROM generate_series(1, 10) AS n;
SELECT name, requests, median_latency_ms, median_failed_latency_ms FROM model_usage('refusals');
INSERT INTO refusals VALUES ('ann', '2024-03-05', 'm', 950, NULL), ('ann', '2024-03-05', 'dead', 5, 500);
SELECT name, requests, median_latency_ms, median_failed_latency_ms FROM model_usage('refusals');
INSERT INTO refusals SELECT 'bob', timestamptz '2024-03-04' + n * interval '1 minute', 'many', CASE WHEN n % 2 = 0 THEN 1000 + n ELSE n END, CASE WHEN n % 2 = 0 THEN 200 ELSE 500 END FROM generate_series(1, 6001) AS n;
SELECT name, requests, median_latency_ms, median_failed_latency_ms FROM model_usage('refusals', filter => '{"model": "many"}');
-- Two requests in each of their four orders: half of them stay, as chance has it. From each model too: 1 of 2, and (1 + 0) / 2.
-- A single request stays nowhere, and its concentration is not known: zoe's changes nothing.
CREATE TABLE orders (user_id text, created_at timestamptz, model text);
INSERT INTO orders SELECT u, timestamptz '2024-03-04' + i * interval '1 hour', substr(u, i, 1) FROM unnest(ARRAY['xx', 'xy', 'yx', 'yy']) AS u, generate_series(1, 2) AS i;
SELECT model, transitions, stay_rate, chance_rate, excess, concentration FROM model_stickiness('orders');
INSERT INTO orders VALUES ('zoe', '2024-03-04', 'x'), ('zoe again', '2024-03-04', 'z');
SELECT model, transitions, stay_rate, chance_rate, excess, concentration FROM model_stickiness('orders');
-- since and filter decide what is read: ann's second request is then her first.
SELECT request_id, turn_rank FROM request_complexity('log', since => '2024-03-04 09:05Z', filter => '{"chat_id": "c1"}', as_of => '2024-03-05');
SELECT transitions FROM model_stickiness('log', since => '2024-03-04 09:10Z', until => '2024-03-10 09:00Z') WHERE model IS NULL;
-- Numbers that cannot be are not known, wherever they stand.
CREATE TABLE odd_numbers (user_id text, created_at timestamptz, feature text, prompt_tokens float8, completion_tokens float8, cost_usd float8, latency_ms float8);
INSERT INTO odd_numbers SELECT 'ann', '2024-03-04', 'x', n, n, n, n FROM unnest(ARRAY['NaN', '-Infinity', 'Infinity', -1, NULL, 0, 8]::float8[]) AS n;
SELECT prompt_tokens, completion_tokens, cost_usd FROM usage_patterns('odd_numbers');
SELECT cost_usd, median_latency_ms FROM feature_usage('odd_numbers');
SELECT complexity, count(*) FROM request_complexity('odd_numbers') GROUP BY 1 ORDER BY 1;
-- Ids and names with anything in them.
CREATE TABLE "odd ""names'; %s $1" ("User_ID" varchar(20), "TS" timestamp, "Feature" varchar(20), "Model" name, "%I; DROP TABLE usage.log" text);
INSERT INTO "odd ""names'; %s $1" VALUES ('a''b', '2024-03-04', '%s', '$1', '"'), ('A''b', '2024-03-04', '$q$ $query$', '%1$s', '\');
SELECT name, users, requests FROM feature_usage('"odd ""names''; %s $1"');
SELECT name, users, requests FROM model_usage('"odd ""names''; %s $1"');
SELECT segment, users FROM usage_patterns('"odd ""names''; %s $1"', by => '%I; DROP TABLE usage.log');
SELECT segment, model, concentration FROM model_stickiness('"odd ""names''; %s $1"', by => '%I; DROP TABLE usage.log', filter => '{"%I; DROP TABLE usage.log": ["\\", "''"]}');
SELECT user_id, complexity FROM request_complexity('"odd ""names''; %s $1"');
-- Ids are compared byte by byte, also where the log's collation takes Ann for ann. Not every server has such collations.
CREATE TABLE any_case (user_id text, created_at timestamptz, feature text);
DO $$ BEGIN
    CREATE COLLATION usage.any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    ALTER TABLE usage.any_case ALTER user_id TYPE text COLLATE usage.any_case, ALTER feature TYPE text COLLATE usage.any_case;
EXCEPTION WHEN feature_not_supported OR invalid_parameter_value THEN NULL;
END $$;
INSERT INTO any_case VALUES ('ann', '2024-03-04', 'x'), ('Ann', '2024-03-04', 'X');
SELECT name, users FROM feature_usage('any_case');
SELECT opt_out('ANN');
SELECT (SELECT users FROM usage_patterns('any_case')), (SELECT count(*) FROM request_complexity('any_case')) AS listed;
SELECT opt_in('ANN');
-- Ids of other types.
CREATE VIEW as_uuid AS SELECT CASE WHEN user_id IN ('ann', 'bob', 'cy') THEN md5(user_id)::uuid END AS user_id, created_at, model, feature FROM log;
CREATE VIEW as_bigint AS SELECT CASE WHEN user_id IN ('ann', 'bob', 'cy') THEN ascii(user_id)::bigint END AS user_id, created_at AT TIME ZONE 'UTC' AS created_at, model, feature FROM log;
SET TimeZone = 'Asia/Tokyo';
SELECT s, users, requests, active_days, (SELECT count(*) FROM peak_hours(s) WHERE is_peak), (SELECT sum(users) FROM usage_heatmap(s)) AS cells,
    (SELECT sum(users) FROM feature_usage(s)) AS features, (SELECT transitions FROM model_stickiness(s) WHERE model IS NULL), (SELECT sum(switches) FROM model_switches(s)) AS switches,
    (SELECT count(*) FROM request_complexity(s)) AS listed
FROM unnest(ARRAY['log', 'as_uuid', 'as_bigint']) AS s, LATERAL usage_patterns(s);
SET TimeZone = 'UTC';
-- Who has opted out is gone from all of them.
SELECT opt_out('ann');
SELECT users, requests, median_seconds_between_requests FROM usage_patterns('log');
SELECT name, users, reach, requests, median_latency_ms FROM feature_usage('log');
SELECT model, transitions, concentration FROM model_stickiness('log');
SELECT (SELECT sum(requests) FROM peak_hours('log')) AS hours, (SELECT sum(requests) FROM usage_heatmap('log')) AS cells, (SELECT count(*) FROM model_switches('log')) AS switches,
    (SELECT count(*) FROM request_complexity('log')) AS listed;
SELECT opt_in('ann');
-- Small groups are not shown, nor what is known of fewer; request_complexity lists requests, and hides none.
SET user_metrics.min_group_size = 2;
SELECT * FROM feature_usage('log');
SELECT hour, requests, hour_occurrences, rank, is_peak FROM peak_hours('log') WHERE requests IS NULL OR hour = 1;
SELECT count(*), count(requests), sum(requests) FROM usage_heatmap('log');
SELECT * FROM model_stickiness('log');
SELECT * FROM model_switches('log');
SET user_metrics.min_group_size = 3;
\x
SELECT * FROM usage_patterns('log');
SELECT * FROM usage_patterns('log', filter => '{"model": "A"}');
\x
SELECT count(complexity) FROM request_complexity('log');
RESET user_metrics.min_group_size;
-- The setting for the zone; the oid; a view.
SET user_metrics.timezone = 'Pacific/Auckland';
SELECT hour, requests FROM peak_hours('log'::regclass) WHERE requests > 1;
RESET user_metrics.timezone;
CREATE VIEW over_name AS SELECT * FROM usage_patterns('usage.log');
CREATE VIEW over_oid AS SELECT * FROM usage_patterns('usage.log'::regclass);
SELECT n.users, n = o AS alike FROM over_name AS n, over_oid AS o;
-- Functions and operators of the caller's search_path do not stand in for PostgreSQL's.
CREATE SCHEMA usage_trap;
CREATE FUNCTION usage_trap.same(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'caught'; END $$;
CREATE FUNCTION usage_trap.count(text) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RAISE 'caught'; END $$;
CREATE OPERATOR usage_trap.= (FUNCTION = usage_trap.same, LEFTARG = text, RIGHTARG = text);
SET search_path = usage_trap, pg_catalog;
SELECT (SELECT count(*) FROM user_metrics.usage_patterns('usage.log')) AS patterns, (SELECT count(*) FROM user_metrics.peak_hours('usage.log')) AS hours,
    (SELECT count(*) FROM user_metrics.usage_heatmap('usage.log')) AS cells, (SELECT count(*) FROM user_metrics.feature_usage('usage.log')) AS features,
    (SELECT count(*) FROM user_metrics.model_usage('usage.log')) AS models, (SELECT count(*) FROM user_metrics.model_stickiness('usage.log')) AS stickiness,
    (SELECT count(*) FROM user_metrics.model_switches('usage.log')) AS switches, (SELECT count(*) FROM user_metrics.request_complexity('usage.log')) AS complexity;
SET search_path = usage, user_metrics;
-- Which functions read which columns.
SELECT column_name, needed_by FROM describe_source('log') WHERE needed_by ~ 'usage|model_|complexity';

-- One row of as many tokens as a bigint holds, of a latency and a cost beyond a double, and at the beginning of time: the
-- others are told as if it were not there, and its tokens as the most there can be.
CREATE TABLE odd (user_id text, created_at timestamptz, prompt_tokens bigint, completion_tokens numeric, cost numeric, latency_ms numeric);
INSERT INTO odd VALUES ('a', '2024-03-01 10:00Z', 10, 5, 0.5, 100), ('b', '2024-03-01 11:00Z', 20, 6, 0.25, 200),
    ('b', '2024-03-01 12:00Z', 9223372036854775807, '1e400', '-1e400', '1e-400'), ('c', '4714-11-24 00:00Z BC', 1, 1, 1, 1);
SELECT users, requests, prompt_tokens, completion_tokens, cost_usd FROM usage_patterns('odd');
SELECT count(*), sum(sessions) FROM session_stats('odd');

-- ===== errors =====

\set VERBOSITY verbose
\set SHOW_CONTEXT never
SELECT * FROM peak_hours('log', top => 0);
SELECT * FROM peak_hours('log', top => 25);
SELECT * FROM usage_patterns('log', timezone => 'Moon');
SELECT * FROM peak_hours('log', timezone => '');
SELECT * FROM usage_heatmap('log', timezone => 'Moon');
SELECT * FROM feature_usage('log', timezone => 'Moon');
SELECT * FROM model_usage('log', timezone => 'Moon');
SELECT * FROM model_stickiness('log', timezone => 'Moon');
SELECT * FROM model_switches('log', timezone => 'Moon');
SELECT * FROM request_complexity('log', timezone => 'Moon');
SELECT * FROM usage_patterns('ending', by => 'model');
SELECT * FROM usage_patterns('log', filter => '[]');
SELECT * FROM feature_usage('ending');
SELECT * FROM model_usage('ending');
SELECT * FROM model_stickiness('ending');
SELECT * FROM model_switches('ending');
CREATE TABLE text_tokens (user_id text, created_at timestamptz, prompt_tokens text);
SELECT * FROM usage_patterns('text_tokens');
SELECT * FROM request_complexity('text_tokens');
\set VERBOSITY default

-- ===== plan =====

-- since and until prune, in every function; but usage_patterns reads also before since when users began.
CREATE TABLE parted (user_id text, created_at timestamptz, session_id text, model text, feature text, latency_ms int) PARTITION BY RANGE (created_at);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
CREATE TABLE parted_3 PARTITION OF parted FOR VALUES FROM ('2024-03-01') TO ('2024-04-01');
INSERT INTO parted SELECT 'u' || n % 5, timestamptz '2024-01-01' + n * interval '1 hour', 's' || n / 10, 'm' || n % 3, 'f' || n % 2, n FROM generate_series(0, 2000) AS n;
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
SELECT f AS function, scans(format('SELECT FROM %s(''parted'', since => ''2024-02-10'', until => ''2024-02-20'')', f)) AS scans
FROM unnest(ARRAY['usage_patterns', 'peak_hours', 'usage_heatmap', 'feature_usage', 'model_usage', 'model_stickiness', 'model_switches', 'request_complexity']) WITH ORDINALITY AS u(f, n) ORDER BY n;
-- Without until the end of the log is looked up once more, where the days or hours up to it matter.
SELECT f AS function, scans(format('SELECT FROM %s(''parted'', since => ''2024-03-10'')', f)) AS scans
FROM unnest(ARRAY['usage_patterns', 'peak_hours', 'usage_heatmap', 'model_usage']) WITH ORDINALITY AS u(f, n) ORDER BY n;

SET client_min_messages = warning;
DROP SCHEMA usage, usage_trap CASCADE;
