-- Who used the product in one go: sessions, session_stats, session_time, session_hazard, session_list.
CREATE SCHEMA sessions;
SET search_path = sessions, user_metrics;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET extra_float_digits = 0;
\pset null '(null)'

-- ===== answers =====

-- Monday 4 March 2024, times in UTC, latencies in seconds. The log ends on Wednesday at noon with a request by nobody.
--  ann  09:00 (60 s, ok), 09:30 (60 s, ok), 10:01:00 (0, failed): one session, for the pauses count from the answers:
--       09:01 to 09:30 is 29 minutes, 09:31 to 10:01 exactly 30. It ends with a failure: abandoned at its 3rd request.
--       20:00 (ok): a session of one request, within a day of the first.
--  bob  chat a: 09:00 ok, 12:00 ok (3 hours later, but of the same chat); without a chat: 09:05 ok, 09:10 ok.
--       Tuesday 13:00 and 13:01, chat b: ok, ok. Its chat could go on until Wednesday 13:01, after the log ends: open.
--  cy   chats c1 and c2, one request each, 10 minutes apart: ids that tell nothing, so one session of two requests.
--  dee  Monday 23:50 and Tuesday 00:10: one session, of Monday. How her requests ended is not known.
CREATE TABLE log (user_id text, created_at timestamptz, chat_id text, latency_ms int, status_code int);
INSERT INTO log VALUES
    ('ann', '2024-03-04 09:00Z', NULL, 60000, 200), ('ann', '2024-03-04 09:30Z', '', 60000, 200),
    ('ann', '2024-03-04 10:01Z', NULL, NULL, 429), ('ann', '2024-03-04 20:00Z', NULL, 0, 201),
    ('bob', '2024-03-04 09:00Z', 'a', 0, 200), ('bob', '2024-03-04 12:00Z', 'a', 0, 200),
    ('bob', '2024-03-04 09:05Z', NULL, 0, 200), ('bob', '2024-03-04 09:10Z', ' ', 0, 200),
    ('bob', '2024-03-05 13:00Z', 'b', 0, 200), ('bob', '2024-03-05 13:01Z', 'b', 0, 200),
    ('cy', '2024-03-04 15:00Z', 'c1', 0, 200), ('cy', '2024-03-04 15:10Z', 'c2', 0, 500),
    ('dee', '2024-03-04 23:50Z', NULL, NULL, NULL), ('dee', '2024-03-05 00:10Z', NULL, NULL, NULL),
    (NULL, '2024-03-06 12:00Z', NULL, NULL, 200), ('anonymous', '2024-03-04 09:00Z', NULL, NULL, 200);
SELECT * FROM session_list('log');
-- 7 sessions, 14 requests. 6 are not open: 3660, 0, 10800, 300, 600 and 1200 seconds long, and bob was away for all of the 10800.
-- Active: 0, 0, 300, 600, 1200, 3660; their mean is 960, their median 450, and 90 % lies at 4.5, in the middle of 1200 and 3660.
-- Visits: ann to 10:01, and at 20:00; bob to 09:10, at 12:00, and on Tuesday; cy; dee. Back after 35940 and 10200 and 90000
-- seconds (bob's chat a at 12:00 goes on, but he was away); not yet after 144000 (ann), 82740 (bob), 161400 (cy), 129000 (dee).
-- Of seven 10200 leaves 6/7, 35940 5/7; 82740 is censored, so 90000 leaves 3/4 of that, .536, and half is never reached.
\x
SELECT * FROM session_stats('log');
\x
-- ann's 1st session is followed by her 2nd within a day, bob's chat a by his chat b 25 hours later: too late.
-- bob's session without a chat ends at 09:10, after chat a has begun: what follows is chat b, too late as well.
SELECT period_start, users, sessions, open_sessions, returned_24h_rate FROM session_stats('log', period => 'day');
-- Of 7 sessions all but dee's are known to go on or to end at their 1st request.
SELECT * FROM session_hazard('log');
SELECT * FROM session_hazard('log', max_requests => 1);
SELECT segment, users, sessions, requests FROM session_stats('log', by => 'chat_id');
-- The 6 sessions span 16260 seconds of their users' time (bob's without a chat lies within his chat a), and 5760 without pauses
-- above the gap. Of these ann waited 120 for answers.
SELECT * FROM session_time('log');
SELECT period_start, sessions, active_seconds, away_seconds, busy_seconds, think_seconds FROM session_time('log', period => 'day');
SELECT segment, sessions, busy_seconds, busy_share FROM session_time('log', by => 'status_code');

-- A chat taken up again is one session, and its user was away in between: ann for 5 h 50 min of 6 hours, in the middle of which
-- she used another for 20 minutes. bob's three chats in a quarter of an hour are one visit, from which he never came back.
-- cy's two chats in turn are 31 minutes of her time, not 58. dee's visit of 10 minutes is followed by one after 50 minutes.
CREATE TABLE chats (user_id text, created_at timestamptz, chat_id text, latency_ms int);
INSERT INTO chats SELECT u, ('2024-03-04 ' || t || 'Z')::timestamptz, c FROM (VALUES
    ('ann', '09:00', 'a'), ('ann', '09:10', 'a'), ('ann', '15:00', 'a'), ('ann', '12:00', 'b'), ('ann', '12:20', 'b'),
    ('bob', '09:00', 'c1'), ('bob', '09:05', 'c1'), ('bob', '09:07', 'c2'), ('bob', '09:10', 'c2'), ('bob', '09:12', 'c3'), ('bob', '09:15', 'c3'),
    ('cy', '09:00', 'a'), ('cy', '09:02', 'b'), ('cy', '09:29', 'a'), ('cy', '09:31', 'b'),
    ('dee', '09:00', NULL), ('dee', '09:10', NULL), ('dee', '10:00', NULL)) AS v(u, t, c);
SELECT user_id, session_id, active_seconds, span_seconds FROM session_list('chats', as_of => '2024-03-08');
SELECT segment, sessions, active_median_seconds AS active, span_mean_seconds AS span, returned_24h_rate AS back, return_median_seconds AS after
FROM session_stats('chats', by => 'user_id', as_of => '2024-03-08');
SELECT segment, sessions, span_seconds, active_seconds, away_seconds FROM session_time('chats', by => 'user_id', as_of => '2024-03-08');
-- The value says the same, merged from a value of each request.
CREATE VIEW chat_values AS SELECT user_id, rollup(v) AS v, rollup(w) AS w FROM (
    SELECT user_id, sessions(user_id, created_at, chat_id, NULL, NULL, NULL, NULL) AS v, sessions(user_id, created_at, chat_id, NULL, NULL, '0', '0') AS w
    FROM chats GROUP BY user_id, created_at) AS q GROUP BY user_id;
SELECT c.user_id, s.returned_24h_rate AS back, s.return_median_seconds AS after, t.span_seconds, t.active_seconds, t.away_seconds, t.think_seconds
FROM chat_values AS c, session_stats(c.v, as_of => '2024-03-08') AS s, session_time(c.v, c.w, as_of => '2024-03-08') AS t ORDER BY 1;
-- A larger gap finds less absence, a smaller max_idle other sessions.
SELECT g AS session_gap, i AS max_idle, t.sessions, t.active_seconds, t.away_seconds
FROM (VALUES (interval '1 hour', interval '1 day'), ('6 hours', '1 day'), ('30 minutes', '10 minutes')) AS v(g, i), session_time('chats', session_gap => g, max_idle => i, filter => '{"user_id": "ann"}', as_of => '2024-03-08') AS t;
-- Two chats that share time and began in different periods count it in both.
SELECT period_start, sessions, span_seconds, active_seconds FROM session_time('chats', 'day', timezone => 'Etc/GMT+12', filter => '{"user_id": "ann"}', as_of => '2024-03-08') WHERE sessions > 0;

-- What sessions were about. ann's first costs 0.5 + 0.25 (and once nothing known) for 100 + 20 + 7 tokens, with two features and
-- models; her second and bob's tell nothing. `containing` lists the sessions in which something happened, whole, where `filter`
-- would cut them: of ann's first, 1 request of 0 seconds.
CREATE TABLE tasks (user_id text, created_at timestamptz, feature text, model text, prompt_tokens int, completion_tokens int, cost_usd numeric);
INSERT INTO tasks VALUES
    ('ann', '2024-03-04 09:00Z', 'chat', 'small', 100, 20, 0.5), ('ann', '2024-03-04 09:10Z', 'code', 'large', NULL, 7, 0.25),
    ('ann', '2024-03-04 09:20Z', 'chat', 'small', -1, NULL, 'NaN'), ('ann', '2024-03-04 20:00Z', ' ', NULL, NULL, NULL, NULL),
    ('bob', '2024-03-04 09:00Z', NULL, '', NULL, NULL, NULL);
SELECT user_id, session_number AS n, active_seconds, requests, cost_usd, tokens, features, models FROM session_list('tasks', as_of => '2024-03-05');
SELECT user_id, session_number AS n, active_seconds, requests, cost_usd, features FROM session_list('tasks', containing => '{"feature": "code"}', as_of => '2024-03-05');
SELECT user_id, session_number AS n, active_seconds, requests, cost_usd, features FROM session_list('tasks', filter => '{"feature": "code"}', as_of => '2024-03-05');
SELECT count(*) FROM session_list('tasks', containing => '{"feature": "none such"}');
SELECT count(*) FROM session_list('tasks', containing => '{}');
SELECT DISTINCT cost_usd, tokens, features, models FROM session_list('log');

-- ===== edges =====

-- A microsecond more than the gap cuts; so does one more than the idle time in a chat.
SELECT session_gap, max_idle, count(*) AS sessions
FROM (VALUES (interval '30 minutes', interval '24 hours'), ('29:59.999999', '24 hours'), ('30 minutes', '3 hours'), ('30 minutes', '02:59:59.999999'), ('0', '0'), ('1000 days', '1000 days')) AS v(session_gap, max_idle),
    LATERAL session_list('log', session_gap, max_idle) GROUP BY 1, 2 ORDER BY 1, 2;
SET user_metrics.session_gap = '29min';
SELECT count(*) FROM session_list('log');
RESET user_metrics.session_gap;
-- Answers that overlap are awaited once, also those of a chat within a session without one: 00 to 20, 30 to 50 and 60 to 70.
CREATE TABLE at_once (user_id text, created_at timestamptz, chat_id text, latency_ms int);
INSERT INTO at_once SELECT 'eve', timestamptz '2024-03-04Z' + s * interval '1 second', c, 1000 * l
FROM (VALUES (0, 10, NULL), (5, 15, NULL), (10, 2, 'c1'), (30, 20, 'c2'), (35, 5, NULL), (60, 10, NULL), (0, 100, 'd'), (50, 60, 'd')) AS v(s, l, c);
INSERT INTO at_once VALUES (NULL, '2024-03-06', NULL, NULL);
SELECT s.session_id, s.requests, s.active_seconds FROM session_list('at_once') AS s;
SELECT sessions, active_seconds, busy_seconds, think_seconds FROM session_time('at_once');
-- The same of values, whatever they are merged from. A second value that is none is refused, and so is one of other requests.
SELECT t.sessions, t.active_seconds, t.busy_seconds FROM (
    SELECT sessions(user_id, created_at, chat_id, latency_ms, NULL, NULL, NULL) AS whole FROM at_once
) AS v, (
    SELECT rollup(p) AS under_way FROM (SELECT sessions(user_id, created_at, chat_id, latency_ms, NULL, '0', '0') AS p FROM at_once GROUP BY latency_ms) AS q
) AS w, session_time(v.whole, w.under_way) AS t;
SELECT session_time(sessions(user_id, created_at), sessions(user_id, created_at)) FROM at_once;
SELECT session_time(sessions(user_id, created_at), sessions(user_id, created_at, NULL, latency_ms, NULL, '0', '0')) FROM at_once;
SELECT session_time(sessions(user_id, created_at), sessions('zoe', created_at, NULL, NULL, NULL, '0', '0')) FROM at_once;
SELECT span_seconds, active_seconds, away_seconds, busy_seconds, think_seconds FROM session_time((SELECT sessions(user_id, created_at) FROM log), NULL);
-- since limits what is shown, not what is known: ann's session goes on being the one that began at 09:00, her next is the 2nd.
SELECT user_id, session_number, started_at FROM session_list('log', since => '2024-03-04 09:20Z', until => '2024-03-05Z');
SELECT sessions, requests FROM session_stats('log', since => '2024-03-04 09:20Z', until => '2024-03-05Z');
-- as_of: at 10:31 one may still go on, a microsecond later not.
SELECT a AS as_of, user_id, requests, outcome FROM unnest(ARRAY['2024-03-04 10:31Z', '2024-03-04 10:31:00.000001Z']::timestamptz[]) AS a,
    LATERAL session_list('log', as_of => a) WHERE user_id = 'ann';
-- A day is one of the zone: in Auckland all of this is on Monday night or Tuesday.
SELECT period_start, sessions FROM session_stats('log', period => 'day', timezone => 'Pacific/Auckland');
-- Requests at one instant: it was answered if any of them was, whatever order they come in. Latency that makes no sense is none.
CREATE TABLE ties (user_id uuid, at timestamp, latency_ms float8, succeeded bool);
INSERT INTO ties SELECT '00000000-0000-0000-0000-000000000001', '2024-03-04 09:00', l, s FROM unnest(ARRAY[-1, 'NaN', 'Infinity', NULL]::float8[]) AS l, unnest(ARRAY[NULL, false, true]) AS s;
CREATE VIEW tied AS SELECT user_id, at AS created_at, latency_ms, succeeded FROM ties;
SELECT session_number, active_seconds, requests, errors, outcome FROM session_list('tied', as_of => '2024-03-05');
SELECT session_number, active_seconds, requests, errors, outcome FROM session_list('tied', as_of => '2024-03-05', filter => '{"succeeded": [false, null]}');
SELECT session_number, active_seconds, requests, errors, outcome FROM session_list('tied', as_of => '2024-03-05', filter => '{"succeeded": null}');
-- How a status reads.
CREATE TABLE states (user_id bigint, created_at timestamptz, status text);
INSERT INTO states SELECT n, '2024-03-04', s FROM unnest(ARRAY['success', 'OK', 'normal', '200', '299', '300', '2000', '20', 'error', '', NULL]) WITH ORDINALITY AS v(s, n);
SELECT s.status, l.outcome FROM session_list('states', as_of => '2024-03-05') AS l JOIN states AS s ON s.user_id::text = l.user_id ORDER BY s.user_id;
-- A log that does not say how requests ended leaves that open, and not at zero.
CREATE TABLE plain (user_id text, created_at timestamptz);
SELECT users, sessions, requests, requests_per_session, completed_sessions, open_sessions, completion_rate FROM session_stats('plain');
SELECT * FROM session_stats('plain', 'day');
SELECT * FROM session_list('plain');
SELECT * FROM session_hazard('plain');
INSERT INTO plain VALUES ('ann', '2024-03-04 09:00Z'), ('ann', '2024-03-04 09:10Z'), ('ann', 'infinity'), ('ann', NULL), ('ann', 'infinity');
SELECT users, sessions, requests, requests_per_session, completed_sessions, open_sessions, completion_rate FROM session_stats('plain');
SELECT users, sessions, requests, requests_per_session, completed_sessions, open_sessions, completion_rate FROM session_stats('plain', as_of => '2024-03-05');
SELECT * FROM session_hazard('plain', as_of => '2024-03-05');
-- Who has opted out is gone from all of them.
SELECT opt_out('bob');
SELECT users, sessions, requests FROM session_stats('log');
SELECT DISTINCT user_id FROM session_list('log') ORDER BY 1;
SELECT opt_in('bob');
-- Small groups are not shown.
SET user_metrics.min_group_size = 3;
SELECT * FROM session_hazard('log');
SELECT period_start, users, sessions, active_mean_seconds, active_median_seconds, return_median_seconds, open_sessions, completion_rate FROM session_stats('log', 'day');
RESET user_metrics.min_group_size;
-- A value is the same bytes in one pass and merged from any parts; the readouts over it are those over the log.
CREATE VIEW request AS SELECT row_number() OVER (ORDER BY created_at, user_id, chat_id) AS n, user_id, created_at, chat_id, latency_ms::float8, status_code BETWEEN 200 AND 299 AS succeeded FROM log;
CREATE VIEW value AS SELECT sessions(user_id, created_at, chat_id, latency_ms, succeeded, NULL, NULL) AS s FROM request;
SELECT count(DISTINCT s::text) AS forms FROM (
    SELECT s FROM value
    UNION ALL SELECT rollup(p.s) FROM (SELECT sessions(user_id, created_at, chat_id, latency_ms, succeeded, NULL, NULL) AS s FROM request GROUP BY n % 3) AS p
    UNION ALL SELECT rollup(p.s) FROM (SELECT sessions(user_id, created_at, chat_id, latency_ms, succeeded, '30 min', '1 day') AS s FROM request GROUP BY n) AS p
    UNION ALL SELECT sessions(user_id, created_at, chat_id, latency_ms, succeeded, NULL, NULL ORDER BY n DESC) FROM request) AS v;
SELECT users(s), users(without_users(s, '{ann,nobody}')) FROM value;
SELECT (SELECT to_jsonb(v) FROM value, session_stats(without_users(s, '{anonymous}')) AS v) = (SELECT to_jsonb(v) - 'segment' FROM session_stats('log') AS v) AS stats,
    (SELECT jsonb_agg(v) FROM value, session_hazard(without_users(s, '{anonymous}')) AS v) = (SELECT jsonb_agg(to_jsonb(v) - 'segment') FROM session_hazard('log') AS v) AS hazard;
SELECT user_id, l.* FROM (SELECT user_id, sessions(user_id, created_at) AS s FROM log GROUP BY user_id) AS v, session_list(v.s, as_of => '2024-03-06') AS l WHERE user_id = 'bob' ORDER BY 1, 2;
SELECT to_jsonb(s) FROM session_stats(NULL::sessions) AS s;
SELECT * FROM session_stats(NULL::sessions, 'day');
CREATE VIEW over_name AS SELECT * FROM session_stats('sessions.log');
CREATE VIEW over_oid AS SELECT * FROM session_stats('log'::regclass);
SELECT n.sessions AS over_name, o.sessions AS over_oid FROM over_name AS n, over_oid AS o;

-- ===== errors =====

\set VERBOSITY verbose
\set SHOW_CONTEXT never
SELECT * FROM session_stats('log', period => 'moon');
SELECT * FROM session_stats('log', timezone => 'Moon');
SELECT * FROM session_stats('log', session_gap => '1 month');
SELECT * FROM session_list('log', max_idle => '-1 minute');
SELECT * FROM session_list('log', containing => '{"moon": 1}');
SELECT * FROM session_list('log', containing => '[1]');
SELECT * FROM session_hazard('log', max_requests => 0);
SELECT sessions(user_id, created_at, NULL, NULL, NULL, CASE user_id WHEN 'ann' THEN '1 hour' ELSE '2 hours' END::interval, NULL) FROM log;
SELECT rollup(v.s) FROM (SELECT sessions(user_id, created_at, NULL, NULL, NULL, '1 hour', NULL) AS s FROM log UNION ALL SELECT sessions(user_id, created_at) FROM log) AS v;
SELECT rollup(v.s) FROM (SELECT sessions(user_id, created_at) AS s FROM log UNION ALL SELECT sessions(1, created_at) FROM log) AS v;
SELECT '\x01'::sessions;
SELECT (SELECT activity(user_id, created_at) FROM log)::text::sessions;
CREATE TABLE odd (user_id text, created_at timestamptz, latency_ms interval, succeeded text);
SELECT * FROM session_stats('odd');
ALTER TABLE odd DROP COLUMN latency_ms;
SELECT * FROM session_stats('odd');
SELECT * FROM session_time('odd');
\set VERBOSITY default

-- ===== plan =====

-- since prunes: what can reach beyond it is read, and not the past before. session_list numbers sessions and reads it all.
CREATE TABLE parted (user_id text, created_at timestamptz, session_id text) PARTITION BY RANGE (created_at);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
CREATE TABLE parted_3 PARTITION OF parted FOR VALUES FROM ('2024-03-01') TO ('2024-04-01');
INSERT INTO parted SELECT 'u' || n % 5, timestamptz '2024-01-01' + n * interval '1 hour', 's' || n / 10 FROM generate_series(0, 2000) AS n;
VACUUM ANALYZE parted;
CREATE FUNCTION scans(query text) RETURNS TABLE (partition name, scans bigint) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_stat_force_next_flush(); PERFORM pg_stat_clear_snapshot();
    CREATE TEMP TABLE before AS SELECT relname, seq_scan FROM pg_stat_xact_user_tables WHERE relname LIKE 'parted\__';
    EXECUTE query;
    RETURN QUERY SELECT s.relname, s.seq_scan - b.seq_scan FROM pg_stat_xact_user_tables AS s JOIN before AS b USING (relname) ORDER BY 1;
    DROP TABLE before;
END
$$;
SELECT * FROM scans($$SELECT * FROM session_stats('parted', since => '2024-03-10')$$);
SELECT * FROM scans($$SELECT * FROM session_hazard('parted', since => '2024-03-10', until => '2024-03-20')$$);
SELECT * FROM scans($$SELECT * FROM session_list('parted', since => '2024-03-10')$$);
-- What since leaves is what the whole log says of it.
SELECT (SELECT count(*) FROM session_list('parted', since => '2024-03-10')) = (SELECT sessions FROM session_stats('parted', since => '2024-03-10')) AS alike;

SET client_min_messages = warning;
DROP SCHEMA sessions CASCADE;
