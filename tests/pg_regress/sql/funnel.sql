-- How far users get on a way of several steps: funnel, funnel_users, funnel_steps; and what they do next: paths.
CREATE SCHEMA funnels;
SET search_path = funnels, user_metrics;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET extra_float_digits = 0;
\pset null '(null)'

-- ===== answers =====

-- The way is chat, then code, then share, within 10 minutes. The log ends at 13:00 with a request by nobody.
--  ann  09:00 chat, 09:05 chat, 09:06 code, 09:12 share: all, by way of the second chat, for 09:12 is more than 10 minutes
--       after the first.
--  bob  09:00 chat, 09:10 code (10 minutes: just in time), 09:11 share (too late): two steps, and dropped.
--  cy   12:55 chat: open until 13:05.
--  dee  10:00 code, 10:01 chat: the order is wrong, so one step, and dropped.
--  eve  11:00 share, chat and code at one instant: all, for they may have come in that order.
--  fay  12:30 chat, 12:55 chat: her first window has elapsed without code, so she has dropped, whatever comes now.
CREATE TABLE log (user_id text, created_at timestamptz, feature text, model text);
INSERT INTO log VALUES
    ('ann', '2024-03-04 09:00Z', 'chat', 'm'), ('ann', '2024-03-04 09:05Z', 'chat', 'm'), ('ann', '2024-03-04 09:06Z', 'code', 'l'),
    ('ann', '2024-03-04 09:12Z', 'share', 'm'),
    ('bob', '2024-03-04 09:00Z', 'chat', 'm'), ('bob', '2024-03-04 09:10Z', 'code', 'm'), ('bob', '2024-03-04 09:11Z', 'share', 'm'),
    ('cy', '2024-03-04 12:55Z', 'chat', 'm'),
    ('dee', '2024-03-04 10:00Z', 'code', 'm'), ('dee', '2024-03-04 10:01Z', 'chat', 'm'),
    ('eve', '2024-03-04 11:00Z', 'share', 'm'), ('eve', '2024-03-04 11:00Z', 'chat', 'm'), ('eve', '2024-03-04 11:00Z', 'code', 'm'),
    ('fay', '2024-03-04 12:30Z', 'chat', 'l'), ('fay', '2024-03-04 12:55Z', 'chat', 'l'),
    (NULL, '2024-03-04 13:00Z', NULL, NULL), ('anonymous', '2024-03-04 09:00Z', 'chat', 'm');
CREATE FUNCTION way() RETURNS jsonb LANGUAGE sql AS
    $$SELECT '[{"name": "chatted", "filter": {"feature": "chat"}}, {"name": "coded", "filter": {"feature": "code"}}, {"filter": {"feature": "share"}}]'::jsonb$$;
-- Of 6 who chatted cy is not eligible; 3 of the 5 others coded and 2 of these 3 shared. 1, 10 and 0 minutes to code; 6 and 0 to share.
\x
SELECT * FROM funnel('log', way(), '10 minutes');
\x
SELECT * FROM funnel_users('log', way(), '10 minutes') ORDER BY user_id, step_number;
-- In any order dee gets to two of three, from 10:00 to 10:01.
SELECT user_id, step, reached_at, status FROM funnel_users('log', way(), '10 minutes', 'unordered') WHERE user_id IN ('dee', 'bob');
-- By the first model told, l for fay and m for the others; as funnels of the requests with each model: ann's code of l does not count.
SELECT segment, step_number, users, dropped_users, open_users FROM funnel('log', way(), '10 minutes', by => 'model');
SELECT segment, step_number, users, dropped_users, open_users FROM funnel('log', way(), '10 minutes', by => 'model', by_value => 'each');
-- By the model that coded: l for ann, m for bob and eve, and none for the three who did not.
SELECT segment, step_number, users, dropped_users, open_users FROM funnel('log', way(), '10 minutes', by => 'model', by_value => 'step 2');
-- A change of plan is no birth: who asks on free and rates on pro is one of free, of pro by the last value. Blank values tell nothing.
CREATE TABLE upgrade (user_id text, created_at timestamptz, feature text, plan text);
INSERT INTO upgrade VALUES ('a', '2024-05-01 09:00Z', NULL, ' '), ('a', '2024-05-01 10:00Z', 'ask', 'free'), ('a', '2024-05-01 11:00Z', 'rate', 'pro'), ('a', '2024-05-01 11:00Z', 'rate', 'plus'),
    ('b', '2024-05-01 10:00Z', 'ask', 'free'), ('c', '2024-05-01 10:00Z', 'ask', NULL), (NULL, '2024-05-03', NULL, NULL);
SELECT v AS by_value, segment, string_agg(reached_users || ' of ' || eligible_users, ', ' ORDER BY step_number) AS reached
FROM unnest('{first,last,each,step 1,step 2}'::text[]) WITH ORDINALITY AS u(v, n), LATERAL funnel('upgrade', '[{"filter": {"feature": "ask"}}, {"filter": {"feature": "rate"}}]', '1 day', by => 'plan', by_value => v)
GROUP BY n, v, segment ORDER BY n, segment;
SELECT step, users, open_users FROM funnel('log', way(), '10 minutes', filter => '{"model": "m"}');
-- From chat on: ann, bob and eve (whose ties go by name) go on to code; cy and fay stay with chat, which is one stage. dee's code
-- comes before.
SELECT * FROM paths('log', start_event => '{"feature": "chat"}');
SELECT * FROM paths('log', depth => 1);
SELECT * FROM paths('log', start_event => '{"feature": "chat"}', by => 'model', until => '2024-03-04 11:00Z');
-- Six ask, two of them rate half an hour later. As of 2 May no window of three days has elapsed: two have converted so far, which
-- is no rate, and four may still. As of 5 May all are eligible, and it is 2 of 6.
CREATE TABLE asked (user_id text, created_at timestamptz, feature text);
INSERT INTO asked SELECT 'u' || i, timestamptz '2024-05-01 10:00Z', 'ask' FROM generate_series(0, 5) AS i;
INSERT INTO asked SELECT 'u' || i, timestamptz '2024-05-01 10:30Z', 'rate' FROM generate_series(0, 1) AS i;
CREATE FUNCTION rating() RETURNS jsonb LANGUAGE sql AS $$SELECT '[{"filter": {"feature": "ask"}}, {"filter": {"feature": "rate"}}]'::jsonb$$;
SELECT a::date AS as_of, f.* FROM unnest('{2024-05-02 00:00Z,2024-05-05 00:00Z}'::timestamptz[]) AS a, LATERAL funnel('asked', rating(), '3 days', as_of => a) AS f;
SELECT a::date AS as_of, status, eligible, count(*) FROM unnest('{2024-05-02 00:00Z,2024-05-05 00:00Z}'::timestamptz[]) AS a,
    LATERAL funnel_users('asked', rating(), '3 days', as_of => a) WHERE step_number = 2 GROUP BY 1, 2, 3 ORDER BY 1, 2;
-- The value says the same.
SELECT a::date AS as_of, f.step_number, f.users, f.eligible_users, f.reached_users, f.open_users
FROM (SELECT funnel(user_id, created_at, ARRAY[feature = 'ask', feature = 'rate'], '3 days') AS f FROM asked) AS v, unnest('{2024-05-02 00:00Z,2024-05-05 00:00Z}'::timestamptz[]) AS a,
    LATERAL funnel_steps(v.f, as_of => a) AS f ORDER BY 1, 2;
-- until limits who enters and not what follows: all ask before 10:15, and two rate after it. Those who enter from 10:15 on: none.
SELECT f.step_number, f.users, f.eligible_users, f.reached_users, f.from_first_rate FROM funnel('asked', rating(), '3 days', until => '2024-05-01 10:15Z', as_of => '2024-05-05') AS f;
SELECT f.step_number, f.users, f.eligible_users, f.open_users FROM funnel('asked', rating(), '3 days', until => '2024-05-01 10:15Z') AS f;
SELECT f.step_number, f.users FROM funnel('asked', rating(), '3 days', since => '2024-05-01 10:15Z', as_of => '2024-05-05') AS f;
SELECT f.step_number, f.users, f.eligible_users, f.reached_users FROM (SELECT funnel(user_id, created_at, ARRAY[feature = 'ask', feature = 'rate'], '3 days') AS f FROM asked) AS v,
    funnel_steps(v.f, until => '2024-05-01 10:15Z', as_of => '2024-05-05') AS f;
-- In any order, u0's and u1's first entry is the ask, until 10:15; later entries are not counted.
SELECT user_id, step, reached_at, status FROM funnel_users('asked', rating(), '3 days', 'unordered', until => '2024-05-01 10:15Z', as_of => '2024-05-05') WHERE user_id IN ('u0', 'u5');
-- Whoever has had a whole window since the first entry has dropped, though another attempt runs: a asks on 1 and 9 May, as of 10 May. b has
-- converted, is not eligible yet, and is in no rate.
CREATE TABLE again (user_id text, created_at timestamptz, feature text);
INSERT INTO again VALUES ('a', '2024-05-01', 'ask'), ('a', '2024-05-09', 'ask'), ('b', '2024-05-09', 'ask'), ('b', '2024-05-09 01:00Z', 'rate'), (NULL, '2024-05-10', NULL);
SELECT user_id, step_number, status, eligible FROM funnel_users('again', rating(), '3 days') ORDER BY 1, 2;
SELECT f.step_number, f.users, f.eligible_users, f.reached_users, f.from_first_rate, f.dropped_users, f.median_seconds FROM funnel('again', rating(), '3 days') AS f;
-- By day of entry: a had three days since the first, and neither a nor b since the ninth. Each row is what since and until of the day give.
SELECT f.period_start, f.complete, f.step_number, f.users, f.eligible_users, f.reached_users, f.open_users FROM funnel('again', rating(), '3 days', period => 'day') AS f;
SELECT f.step_number, f.users, f.eligible_users, f.reached_users, f.open_users FROM funnel('again', rating(), '3 days', since => '2024-05-09', until => '2024-05-10') AS f;
-- In New York both begin on the evening before. As of 12 May 04:00Z, three days have passed since the last instant of 8 May there; before, not.
SELECT a AS as_of, f.period_start, f.complete, f.users, f.eligible_users FROM unnest('{2024-05-12 04:00Z,2024-05-12 04:00:00.000001Z,2024-05-12 03:59:59.999999Z}'::timestamptz[]) AS a,
    LATERAL funnel('again', rating(), '3 days', period => 'day', timezone => 'America/New_York', as_of => a) AS f WHERE f.step_number = 1 ORDER BY 1, 2;
-- A month is not complete if since or until cuts it, or the log begins or ends in it.
SELECT s AS since, f.period_start, f.complete, f.users FROM unnest('{2024-04-30,2024-05-02}'::timestamptz[]) AS s, LATERAL funnel('again', rating(), '3 days', period => 'month', since => s, as_of => '2024-08-01') AS f WHERE f.step_number = 1;
SELECT f.period_start, f.complete, f.users FROM funnel('again', rating(), '3 days', period => 'month', until => '2024-05-20', as_of => '2024-08-01') AS f WHERE f.step_number = 1;
SELECT * FROM funnel('asked', rating(), '3 days', period => 'week', since => '2025-01-01');
-- Back from an end: the last moves of those who share. ann chats and codes; eve chats and codes at the same instant, in the order of names.
-- bob likewise. Within pauses of at most 5 minutes ann's path is nothing but her share, 6 minutes after the code, and bob's begins with code.
SELECT * FROM paths('log', end_event => '{"feature": "share"}');
SELECT * FROM paths('log', end_event => '{"feature": "share"}', max_gap => '5 minutes');
-- From chat to code, and within pauses of 2 minutes: eve only, for ann pauses for 5 minutes after her first chat, and bob for 10.
SELECT * FROM paths('log', start_event => '{"feature": "chat"}', end_event => '{"feature": "code"}');
SELECT * FROM paths('log', start_event => '{"feature": "chat"}', end_event => '{"feature": "code"}', max_gap => '2 minutes');
-- Pauses: ann's first chat and bob's are followed by longer ones, which ends their paths; cy may still go on until 13:05.
SELECT * FROM paths('log', start_event => '{"feature": "chat"}', max_gap => '4 minutes 59 seconds', depth => 1);
SELECT * FROM paths('log', start_event => '{"feature": "chat"}', max_gap => '10 minutes', depth => 1);
-- The very last request of a log is not followed by nothing: fay and cy, as of their own last requests.
SELECT * FROM paths('log', start_event => '{"feature": "chat"}', depth => 1, as_of => '2024-03-04 12:55Z');

-- Conditions on single steps: b within 5 minutes of the step before, which may be skipped, and with which users may enter. ann goes
-- a 0, b 2, c 5 and bob a 0, c 4. cy's b is 9 minutes after the a, so c at 10 follows either of them; from b it begins later. dee
-- enters with b at 0, c is at 3. eve stays at a. Of a, b: ann, bob and eve may come to b, ann does; to c all five may, eve does not.
-- Times from the step done before c: 3, 4, 1 and 3 minutes.
CREATE TABLE course (user_id text, created_at timestamptz, feature text);
INSERT INTO course SELECT u, timestamptz '2024-03-04 09:00+00' + m * interval '1 minute', f FROM (VALUES
    ('ann', 0, 'a'), ('ann', 2, 'b'), ('ann', 5, 'c'), ('bob', 0, 'a'), ('bob', 4, 'c'), ('cy', 0, 'a'), ('cy', 9, 'b'), ('cy', 10, 'c'),
    ('dee', 0, 'b'), ('dee', 3, 'c'), ('eve', 0, 'a')) AS v(u, m, f);
SELECT step_number AS step, users, eligible_users AS eligible, reached_users AS reached, from_previous_rate, from_first_rate,
    dropped_users AS dropped, open_users AS open, median_seconds
FROM funnel('course', '[{"filter": {"feature": "a"}}, {"filter": {"feature": "b"}, "within": "5 minutes", "optional": true, "entry": true},
    {"filter": {"feature": "c"}}]', '10 minutes', as_of => '2024-03-04 10:00+00');
SELECT user_id, step_number, reached_at, status
FROM funnel_users('course', '[{"filter": {"feature": "a"}}, {"filter": {"feature": "b"}, "within": "5 minutes", "optional": true, "entry": true},
    {"filter": {"feature": "c"}}]', '10 minutes', as_of => '2024-03-04 10:00+00') ORDER BY 1, 2;
-- At least 3 minutes from b to c: ann and dee; with 4, nobody.
SELECT v.after, r.step_number, r.users FROM unnest('{3,4}'::int[]) AS v(after), funnel('course', format('[{"filter": {"feature": "b"}},
    {"filter": {"feature": "c"}, "after": "%s minutes"}]', v.after)::jsonb) AS r ORDER BY 1, 2;
-- Under the value at step 2: ann, cy and dee, who enters there, under b; bob and eve did not reach it.
SELECT segment, step_number, users FROM funnel('course', '[{"filter": {"feature": "a"}}, {"filter": {"feature": "b"}, "entry": true}]',
    by => 'feature', by_value => 'step 2', as_of => '2024-03-04 10:00+00');
-- ann alone came to b from a, so b is hidden, and what follows.
SET user_metrics.min_group_size = 2;
SELECT step_number, users, eligible_users, dropped_users FROM funnel('course', '[{"filter": {"feature": "a"}},
    {"filter": {"feature": "b"}, "within": "5 minutes", "optional": true, "entry": true}, {"filter": {"feature": "c"}}]', '10 minutes',
    as_of => '2024-03-04 10:00+00');
RESET user_metrics.min_group_size;

-- ===== edges =====

-- The window is inclusive, to the microsecond.
SELECT w AS within, (SELECT string_agg(users::text, ' ' ORDER BY step_number) FROM funnel('log', way(), w)) AS users
FROM unnest(ARRAY['0', '00:09:59.999999', '00:10', '00:10:59.999999', '00:11', '1 day']::interval[]) AS w;
-- as_of: cy's window is open up to 13:05, its last instant; a microsecond later it is not.
SELECT a AS as_of, status FROM unnest(ARRAY['2024-03-04 13:05Z', '2024-03-04 13:05:00.000001Z']::timestamptz[]) AS a,
    LATERAL funnel_users('log', way(), '10 minutes', as_of => a) WHERE user_id = 'cy' AND step_number = 2;
-- since and until: whoever does not enter between them is not counted. bob has a chat at 09:00 sharp only; ann shares at 09:12.
SELECT user_id, string_agg(step, ' ' ORDER BY step_number) FROM funnel_users('log', way(), '10 minutes', since => '2024-03-04 09:00:00.000001Z', until => '2024-03-04 09:12Z')
WHERE status = 'completed' GROUP BY 1 ORDER BY 1;
-- Modes. One letter a feature, one row a minute; the level that each mode gives. - is none of the steps, two letters are two.
CREATE TABLE ways (user_id text, created_at timestamptz, feature text);
CREATE TABLE cases (events text);
INSERT INTO cases VALUES ('a b c'), ('a - b c'), ('a b - c'), ('a b a c'), ('a b b c'), ('a c b c'), ('c b a'), ('abc'), ('abc abc abc'), ('ab a c'), ('a ab c');
INSERT INTO ways SELECT events, timestamptz '2024-03-04' + n * interval '1 minute', f FROM cases, unnest(string_to_array(events, ' ')) WITH ORDINALITY AS u(f, n);
CREATE FUNCTION level(e text, m text, compatible text) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FILTER (WHERE users > 0) FROM funnel_steps((SELECT funnel(user_id, created_at, ARRAY[feature LIKE '%a%', feature LIKE '%b%', feature LIKE '%c%'], '1 hour', m)
        FROM ways WHERE user_id = e), compatibility => compatible)
$$;
SELECT events, level(events, 'ordered', 'standard') AS ordered, level(events, 'strict_order', 'standard') AS strict_order, level(events, 'strict_dedup', 'standard') AS strict_dedup,
    level(events, 'strict_increase', 'standard') AS strict_increase, level(events, 'once', 'standard') AS once, level(events, 'unordered', 'standard') AS unordered FROM cases;
SELECT events, level(events, 'ordered', 'clickhouse') AS ordered, level(events, 'strict_order', 'clickhouse') AS strict_order, level(events, 'strict_dedup', 'clickhouse') AS strict_dedup,
    level(events, 'strict_increase', 'clickhouse') AS strict_increase, level(events, 'once', 'clickhouse') AS once, level(events, 'allow_reentry', 'clickhouse') AS allow_reentry FROM cases;
-- What must not come in between: strictly between, so not at the instant of a step.
SELECT minute, (SELECT users FROM funnel_steps((SELECT funnel(user_id, at, ARRAY[n = 1, n = 2], '1 hour', 'ordered', n = 0)
    FROM (VALUES (7, 1, timestamptz '2024-03-04 00:01Z'), (7, 2, '2024-03-04 00:03Z'), (7, 0, timestamptz '2024-03-04' + minute * interval '1 minute')) AS v(user_id, n, at))) WHERE step_number = 2)
FROM generate_series(0, 4) AS minute;
-- It is a step of hers as well, and does not come between what it is and another.
SELECT step, users, dropped_users FROM funnel('log', way(), '1 day', exclude => '{"feature": "code", "model": "l"}');
-- ann's code of model l lies between her chats and her share. No window of a day has elapsed, so all who have not shared are open.
SELECT step, users, dropped_users, open_users FROM funnel('log', '[{"filter": {"feature": "chat"}}, {"filter": {"feature": "share"}}]', '1 day', exclude => '[{"feature": "code", "model": "l"}, {"feature": "nothing"}]');
-- 64 steps; a condition that is NULL is not met; a row of no time or of infinity is none.
SELECT count(*) AS steps, min(users) FROM funnel_steps((SELECT funnel(1::bigint, timestamptz '2024-03-04' + n * interval '1 s', (SELECT array_agg(n = i ORDER BY i) FROM generate_series(1, 64) AS i), '64 s')
    FROM generate_series(1, 64) AS n));
SELECT users FROM funnel_steps((SELECT funnel(u, at, ARRAY[c], '1 s') FROM (VALUES (1::bigint, timestamptz '2024-03-04', NULL::boolean), (2, 'infinity', true), (3, NULL, true), (NULL, '2024-03-04', true), (4, '2024-03-04', true)) AS v(u, at, c)));
-- Under a collation that does not tell case apart, a request of 'Chat' is both steps.
CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE cases_alike (user_id text, created_at timestamptz, feature text COLLATE any_case);
INSERT INTO cases_alike VALUES ('ann', '2024-03-04 09:00Z', 'Chat'), ('ann', '2024-03-04 09:01Z', 'Chat');
SELECT step, users FROM funnel('cases_alike', '[{"filter": {"feature": "chat"}}, {"filter": {"feature": "CHAT"}}]');
-- Nothing: zeros where steps are named.
CREATE TABLE nothing (LIKE log);
SELECT * FROM funnel('nothing', '[{"filter": {"feature": "chat"}}]');
SELECT * FROM funnel('nothing', way(), by => 'model');
SELECT * FROM funnel_users('nothing', way());
SELECT * FROM paths('nothing');
SELECT count(*) FROM funnel_steps(NULL);
SELECT step, users FROM funnel_steps(NULL, ARRAY['asked', NULL]);
-- Who has opted out is gone from all of them.
SELECT opt_out('eve');
SELECT string_agg(users::text, ' ' ORDER BY step_number) FROM funnel('log', way(), '10 minutes');
SELECT DISTINCT user_id FROM funnel_users('log', way(), '10 minutes') ORDER BY 1;
SELECT opt_in('eve');
-- Small groups are not shown, nor what would give them away.
SET user_metrics.min_group_size = 2;
SELECT step, users, from_previous_rate, dropped_users, open_users, rate_low FROM funnel('log', way(), '10 minutes');
SELECT step, users, dropped_users, open_users FROM funnel('log', way(), '10 minutes', until => '2024-03-04 12:00Z');
SELECT * FROM paths('log', start_event => '{"feature": "chat"}');
RESET user_metrics.min_group_size;
-- A value is the same bytes in one pass and merged from any parts; the readout over it is that over the log.
CREATE VIEW event AS SELECT row_number() OVER (ORDER BY created_at, user_id, feature) AS n, user_id, created_at, ARRAY[feature = 'chat', feature = 'code', feature = 'share'] AS steps FROM log;
SELECT count(DISTINCT f::text) AS forms FROM (
    SELECT funnel(user_id, created_at, steps, '10 min') AS f FROM event
    UNION ALL SELECT rollup(p.f) FROM (SELECT funnel(user_id, created_at, steps, '10 min', 'ordered') AS f FROM event GROUP BY n % 3) AS p
    UNION ALL SELECT rollup(p.f) FROM (SELECT funnel(user_id, created_at AT TIME ZONE 'UTC', steps, '600 s', NULL, false) AS f FROM event GROUP BY n) AS p
    UNION ALL SELECT funnel(user_id, created_at, steps, '10 min' ORDER BY n DESC) FROM event) AS v;
SELECT users(f), users(without_users(f, '{ann,nobody}')) FROM (SELECT funnel(user_id, created_at, steps, '10 min') AS f FROM event) AS v;
SELECT (SELECT jsonb_agg(s) FROM (SELECT without_users(funnel(user_id, created_at, steps, '10 min'), '{anonymous}') AS f FROM event) AS v, funnel_steps(f, ARRAY['chatted', 'coded', 'step 3']) AS s)
    = (SELECT jsonb_agg(to_jsonb(s) - '{segment,period_start,complete}'::text[]) FROM funnel('log', way(), '10 min') AS s) AS alike;
CREATE VIEW over_name AS SELECT * FROM funnel('funnels.log', way());
CREATE VIEW over_oid AS SELECT * FROM funnel('log'::regclass, way());
SELECT n.step, n.users AS over_name, o.users AS over_oid FROM over_name AS n JOIN over_oid AS o USING (step_number) ORDER BY step_number;

-- ===== errors =====

\set VERBOSITY verbose
\set SHOW_CONTEXT never
SELECT * FROM funnel('log', '[]');
SELECT * FROM funnel('log', NULL);
SELECT * FROM funnel('log', '[{"name": "asked"}]');
SELECT * FROM funnel('log', '[{"filter": {"feature": {"like": "chat"}}}]');
SELECT * FROM funnel('log', '[{"filter": {"plan": "pro"}}]');
SELECT * FROM funnel('log', way(), mode => 'sideways');
SELECT * FROM funnel('log', way(), mode => 'allow_reentry');
SELECT * FROM funnel('log', way(), mode => 'unordered', compatibility => 'clickhouse');
SELECT * FROM funnel('log', way(), exclude => '{"feature": "code"}', compatibility => 'clickhouse');
SELECT * FROM funnel('log', way(), exclude => '{}');
SELECT * FROM funnel('log', way(), exclude => '{"plan": "pro"}');
SELECT * FROM funnel('log', way(), compatibility => 'duckdb');
SELECT * FROM funnel('log', way(), within => '1 month');
SELECT * FROM funnel('log', way(), within => NULL);
SELECT * FROM funnel('log', way(), timezone => 'Moon');
SELECT * FROM funnel('log', way(), period => 'hour');
SELECT * FROM funnel('log', way(), by => 'model', by_value => 'step 4');
SELECT * FROM funnel('log', way(), by => 'model', by_value => 'now and then');
SELECT * FROM funnel('log', way(), mode => 'unordered', by => 'model', by_value => 'step 1');
SELECT * FROM funnel('log', '[{"filter": {}}, {"filter": {}, "optional": true}]', mode => 'once');
SELECT * FROM funnel('log', '[{"filter": {}}, {"filter": {}, "entry": true}]', compatibility => 'clickhouse');
SELECT * FROM funnel_users('log', '[{"filter": {}}, {"filter": {}, "after": "2 days"}]', within => '1 day');
SELECT * FROM funnel('log', '[{"filter": {}}, {"filter": {}, "after": "2 days", "within": "1 day"}]');
SELECT * FROM funnel('log', '[{"filter": {}, "optional": true}, {"filter": {}}]');
SELECT * FROM funnel('log', '[{"filter": {}}, {"filter": {}, "within": "soon"}]');
SELECT * FROM funnel('log', '[{"filter": {}}, {"filter": {}, "entry": "yes"}]');
SELECT * FROM funnel_users('log', way(), within => '-1 day');
SELECT * FROM paths('log', depth => 0);
SELECT * FROM paths('log', max_gap => '1 month');
SELECT * FROM paths('log', max_gap => '-1 day');
SELECT * FROM paths('log', end_event => '5');
SELECT * FROM paths('log', start_event => '[]');
SELECT * FROM paths('log', start_event => '{"plan": "pro"}');
SELECT * FROM funnel_steps((SELECT funnel(user_id, created_at, steps, '10 min') FROM event), ARRAY['one']);
SELECT funnel(user_id, created_at, ARRAY[]::boolean[], '10 min') FROM event;
SELECT funnel(user_id, created_at, NULL, '10 min') FROM event;
SELECT funnel(user_id, created_at, (SELECT array_agg(true) FROM generate_series(1, 65)), '10 min') FROM event;
SELECT funnel(user_id, created_at, steps, '1 month') FROM event;
SELECT funnel(user_id, created_at, steps, NULL) FROM event;
SELECT funnel(user_id, created_at, steps, '10 min', 'any') FROM event;
SELECT funnel(user_id, created_at, steps, n * interval '1 min') FROM event;
SELECT rollup(v.f) FROM (SELECT funnel(user_id, created_at, steps, '10 min') AS f FROM event UNION ALL SELECT funnel(user_id, created_at, steps[:2], '10 min') FROM event) AS v;
SELECT rollup(v.f) FROM (SELECT funnel(user_id, created_at, steps, '10 min') AS f FROM event UNION ALL SELECT funnel(1, created_at, steps, '10 min') FROM event) AS v;
SELECT '\x01'::funnel;
SELECT (SELECT activity(user_id, created_at) FROM log)::text::funnel;
CREATE TABLE odd (user_id text, created_at timestamptz);
SELECT * FROM paths('odd');
SELECT * FROM funnel('odd', way());
\set VERBOSITY default

-- ===== plan =====

-- since and as_of prune partitions, and for paths until does: what lies outside is not looked at. Users are followed beyond until.
CREATE TABLE stretch (user_id text, created_at timestamptz, feature text) PARTITION BY RANGE (created_at);
CREATE TABLE stretch_1 PARTITION OF stretch FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE stretch_2 PARTITION OF stretch FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
CREATE TABLE stretch_3 PARTITION OF stretch FOR VALUES FROM ('2024-03-01') TO ('2024-04-01');
INSERT INTO stretch SELECT 'u' || n % 5, timestamptz '2024-01-01' + n * interval '1 hour', (ARRAY['chat', 'code', 'share'])[1 + n % 3] FROM generate_series(0, 2000) AS n;
VACUUM ANALYZE stretch;
CREATE FUNCTION scans(query text) RETURNS TABLE (partition name, scans bigint) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_stat_force_next_flush(); PERFORM pg_stat_clear_snapshot();
    CREATE TEMP TABLE before AS SELECT relname, seq_scan FROM pg_stat_xact_user_tables WHERE relname LIKE 'stretch\__';
    EXECUTE query;
    RETURN QUERY SELECT s.relname, s.seq_scan - b.seq_scan FROM pg_stat_xact_user_tables AS s JOIN before AS b USING (relname) ORDER BY 1;
    DROP TABLE before;
END
$$;
SELECT * FROM scans($$SELECT * FROM funnel('stretch', way(), since => '2024-02-10', until => '2024-02-20')$$);
SELECT * FROM scans($$SELECT * FROM funnel('stretch', way(), since => '2024-02-10', until => '2024-02-20', as_of => '2024-02-27')$$);
SELECT * FROM scans($$SELECT * FROM funnel_users('stretch', way(), since => '2024-03-10', as_of => '2024-03-20')$$);
SELECT * FROM scans($$SELECT * FROM paths('stretch', since => '2024-03-10', as_of => '2024-03-20')$$);
