-- Who gets which variant: experiment_variant, define_experiment, experiment_payload, assignment_audit.
CREATE SCHEMA assignment;
SET search_path = assignment, user_metrics;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET extra_float_digits = 0;
\pset null '(null)'

-- ===== answers =====

-- The cases that every SDK of GrowthBook is tested by: my-test, hash version 1, users 1 to 9.
SELECT string_agg(experiment_variant(i::text, 'my-test', ARRAY['0', '1'], hash => 'growthbook_v1'), ' ' ORDER BY i) AS two,
    string_agg(experiment_variant(i::text, 'my-test', ARRAY['0', '1'], '{0.1, 0.9}', hash => 'growthbook_v1'), ' ' ORDER BY i) AS uneven,
    string_agg(COALESCE(experiment_variant(i::text, 'my-test', ARRAY['0', '1'], coverage => 0.4, hash => 'growthbook_v1'), '-'), ' ' ORDER BY i) AS coverage,
    string_agg(experiment_variant(i::text, 'my-test', ARRAY['0', '1', '2'], hash => 'growthbook_v1'), ' ' ORDER BY i) AS three_way
FROM generate_series(1, 9) AS i;
-- Eppo's test case integer-flag: subjects 1 to 14.
SELECT string_agg(experiment_variant(i::text, 'integer-flag', ARRAY['one', 'two'], hash => 'eppo', seed => 'split-numeric-flag-some-allocation'), ' ' ORDER BY i) AS eppo
FROM generate_series(1, 14) AS i;
-- GrowthBook hashes UTF-16 code units: by growthbook 4.0.0 the third and fourth have treatment as the first, the others control.
SELECT id, experiment_variant(id, 'new_chat_ui', ARRAY['control', 'treatment']) FROM unnest(ARRAY['zoë', 'Ωmega', '東京', '😀', 'a😀b']) WITH ORDINALITY AS u(id, n) ORDER BY n;
-- Ids of other types than text are hashed as text.
SELECT bool_and(experiment_variant(i, 'x', ARRAY['a', 'b', 'c', 'd']) = experiment_variant(i::text, 'x', ARRAY['a', 'b', 'c', 'd'])) AS bigint,
    bool_and(experiment_variant(md5(i::text)::uuid, 'x', ARRAY['a', 'b', 'c', 'd']) = experiment_variant(md5(i::text)::uuid::text, 'x', ARRAY['a', 'b', 'c', 'd'])) AS uuid
FROM generate_series(-50, 50) AS i;
-- Each vendor deals users out by the weights: 3,000 of 10,000, give or take 138 (three standard deviations).
SELECT hash, abs(count(*) FILTER (WHERE experiment_variant(i, 'x', ARRAY['a', 'b'], '{0.3, 0.7}', hash => hash) = 'a') - 3000) < 138 AS a, count(experiment_variant(i, 'x', ARRAY['a', 'b'], '{0.3, 0.7}', hash => hash)) AS all
FROM unnest(ARRAY['growthbook_v2', 'growthbook_v1', 'statsig', 'statsig_gate', 'posthog', 'eppo']) AS hash, generate_series(1, 10000) AS i GROUP BY hash ORDER BY hash COLLATE "C";

-- Experiments as data.
SELECT define_experiment('model_selection', '{"quality": {"weight": 0.25, "payload": "claude-3.5-sonnet-v2/anthropic,gpt-4o/openai"}, "cost": {"weight": 0.75, "payload": {"models": ["gpt-4o-mini"]}}}');
SELECT define_experiment('new_chat_ui', '["off", "on"]', seed => 's', hash => 'growthbook_v1', coverage => 0.5, namespace => '["ui", 0, 0.75]');
SELECT name, variants, weights, payloads, hash, seed, coverage, namespace, defined_at = now() AS now FROM user_metrics.experiment ORDER BY name;
SELECT id, experiment_variant(id, 'model_selection') AS variant, experiment_payload(id, 'model_selection') AS payload FROM unnest(ARRAY['ann', 'bob', 'cy', 'dee', ' ', NULL]) WITH ORDINALITY AS u(id, n) ORDER BY n;
-- By name, by the row and by the arguments alike, for ids of any type.
SELECT count(*), count(by_name), bool_and(by_name IS NOT DISTINCT FROM by_row AND by_name IS NOT DISTINCT FROM by_arguments) AS alike,
    bool_and(by_name IS NOT DISTINCT FROM of_text AND by_row IS NOT DISTINCT FROM row_of_text) AS as_text, bool_and(of_uuid IS NOT DISTINCT FROM row_of_uuid) AS uuids
FROM (SELECT experiment_variant(i, 'new_chat_ui') AS by_name, experiment_variant(i, e) AS by_row, experiment_variant(i::text, 'new_chat_ui') AS of_text, experiment_variant(i::text, e) AS row_of_text,
        experiment_variant(md5(i::text)::uuid, 'new_chat_ui') AS of_uuid, experiment_variant(md5(i::text)::uuid, e) AS row_of_uuid,
        experiment_variant(i, 'new_chat_ui', ARRAY['off', 'on'], coverage => 0.5, hash => 'growthbook_v1', seed => 's', namespace => '["ui", 0, 0.75]') AS by_arguments
    FROM generate_series(1::bigint, 1000) AS i, user_metrics.experiment AS e WHERE e.name = 'new_chat_ui') AS s;

-- Was the right variant shown? ann has quality, bob, cy and dee have cost. ann's log agrees, bob saw both, cy one that does not
-- exist, dee the other one. Rows without a variant, or of nobody, say nothing.
CREATE TABLE log (user_id text, created_at timestamptz, platform text, properties jsonb);
INSERT INTO log VALUES
    ('ann', '2024-03-04 09:00', 'web', '{"model_selection": "quality"}'), ('ann', '2024-03-04 10:00', 'web', '{"model_selection": "quality"}'),
    ('bob', '2024-03-04 09:00', 'web', '{"model_selection": "quality"}'), ('bob', '2024-03-05 09:00', 'ios', '{"model_selection": "cost"}'),
    ('cy', '2024-03-04 09:00', 'ios', '{"model_selection": "speed"}'), ('cy', '2024-03-04 09:00', 'ios', '{}'),
    ('dee', '2024-03-06 09:00', 'ios', '{"model_selection": "quality"}'), ('eve', '2024-03-06 09:00', 'ios', NULL),
    ('', '2024-03-04 09:00', 'web', '{"model_selection": "cost"}'), (NULL, '2024-03-04 09:00', 'web', '{"model_selection": "cost"}'),
    ('anonymous', '2024-03-04 09:00', 'web', '{"model_selection": "quality"}');
SELECT * FROM assignment_audit('log', 'model_selection');
SELECT * FROM assignment_audit('log', 'model_selection', by => 'platform');

-- ===== edges =====

-- Who is nobody has no variant; NULL for an argument means its default.
SELECT count(experiment_variant(id, 'x', ARRAY['a', 'b'])) AS of_nobody FROM unnest(ARRAY[NULL, '', ' ', E'\t\n']) AS id;
SELECT experiment_variant(NULL::uuid, 'x', ARRAY['a', 'b']), experiment_variant(NULL::bigint, 'x', ARRAY['a', 'b']);
SELECT experiment_variant('ann', 'x', ARRAY['a', 'b'], NULL, NULL, NULL, NULL, NULL) = experiment_variant('ann', 'x', ARRAY['a', 'b'], '{0.5, 0.5}', 1, 'growthbook_v2', 'x') AS defaults;
-- Blanks around an id belong to it, as they do for the SDKs.
SELECT count(DISTINCT experiment_variant(id, 'x', ARRAY['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'])) > 1 AS differ FROM unnest(ARRAY['ann', ' ann', 'ann ', 'ANN']) AS id;
-- Coverage: nobody, everybody, and who is in at a half stays where they are.
SELECT count(none), count(half) BETWEEN 450 AND 550 AS half, count(everybody), bool_and(half = everybody) AS the_same
FROM (SELECT experiment_variant(i, 'x', ARRAY['a', 'b'], coverage => 0) AS none, experiment_variant(i, 'x', ARRAY['a', 'b'], coverage => 0.5) AS half,
        experiment_variant(i, 'x', ARRAY['a', 'b']) AS everybody FROM generate_series(1, 1000) AS i) AS s;
-- A variant of weight 0 is nobody's. Of weights that come near 1 the rest is nobody's, as with GrowthBook.
SELECT count(*) FILTER (WHERE v = 'b') AS b, count(v) FROM (SELECT experiment_variant(i, 'x', ARRAY['a', 'b', 'c'], '{0.5, 0, 0.5}') AS v FROM generate_series(1, 1000) AS i) AS s;
SELECT count(*) - count(v) BETWEEN 60 AND 140 AS rest FROM (SELECT experiment_variant(i, 'x', ARRAY['a', 'b'], '{0.495, 0.495}') AS v FROM generate_series(1, 10000) AS i) AS s;
-- Two experiments of one namespace share no user; the newer form of one has several ranges.
SELECT count(*) FILTER (WHERE a IS NOT NULL AND b IS NOT NULL) AS both, count(*) FILTER (WHERE a IS NULL AND b IS NULL) AS neither, count(c) BETWEEN 450 AND 550 AS half
FROM (SELECT experiment_variant(i, 'x', ARRAY['a', 'b'], namespace => '["n", 0, 0.4]') AS a, experiment_variant(i, 'y', ARRAY['a', 'b'], namespace => '["n", 0.4, 1]') AS b,
        experiment_variant(i, 'x', ARRAY['a', 'b'], namespace => '{"seed": "n", "ranges": [[0, 0.2], [0.7, 1]]}') AS c FROM generate_series(1, 1000) AS i) AS s;
-- Another experiment in every row, and two in one: what is remembered from row to row is told apart.
SELECT count(DISTINCT n) FROM (SELECT i % 3 AS n, experiment_variant('ann', 'x' || i % 3, ARRAY['a' || i % 3, 'b' || i % 3]) AS v FROM generate_series(1, 300) AS i) AS s WHERE right(v, 1) = n::text;
SELECT string_agg(experiment_variant(id, 'x', variants) || experiment_variant(id, 'y', ARRAY['a', 'b']), ' ' ORDER BY n)
FROM (VALUES (1, 'ann', ARRAY['a', 'b']), (2, 'ann', ARRAY['c', 'd']), (3, NULL, ARRAY['e', 'f']), (4, 'bob', ARRAY['a', 'b'])) AS v(n, id, variants);
-- Long ids, compressed and out of line.
CREATE TABLE long (id text, variants text[]);
INSERT INTO long SELECT repeat('x', 20000), ARRAY['a', 'b', repeat('c', 1000)] UNION ALL SELECT string_agg(md5(i::text), ''), ARRAY['a', 'b'] FROM generate_series(1, 1000) AS i;
SELECT length(id), experiment_variant(id, 'x', variants) = experiment_variant(id || '', 'x', variants || '{}'::text[]) AS alike FROM long ORDER BY 1;

-- The same definition again is fine; another one has to be meant. defined_at says when it became what it is.
BEGIN;
UPDATE user_metrics.experiment SET defined_at = '2024-01-01' WHERE name = 'new_chat_ui';
SELECT define_experiment('new_chat_ui', '{"off": null, "on": null}', seed => 's', hash => 'growthbook_v1', coverage => 0.5, namespace => '["ui", 0, 0.75]');
SELECT define_experiment('new_chat_ui', '{"off": 0.5, "on": 0.5}', 'growthbook_v1', 's', 0.5, '["ui", 0, 0.75]', replace => true);
SELECT variants, weights, coverage, defined_at FROM user_metrics.experiment WHERE name = 'new_chat_ui';
SELECT define_experiment('new_chat_ui', '{"off": 0.5, "on": 0.5}', replace => true);
SELECT variants, weights, hash, seed, coverage, namespace, defined_at = now() AS now FROM user_metrics.experiment WHERE name = 'new_chat_ui';
ROLLBACK;
-- jsonb does not keep the order of keys, and says so; of a list it does, and text does.
SELECT define_experiment('of_jsonb', '{"off": 0.5, "on": 0.5}'::jsonb);
SELECT define_experiment('of_jsonb_list', '[{"name": "off", "weight": 0.5}, {"name": "on", "weight": 0.5}]'::jsonb);
SELECT define_experiment('of_text', '{"off": 0.5, "on": 0.5}'::text);
SELECT name, variants FROM user_metrics.experiment WHERE name LIKE 'of%' ORDER BY name;
-- A payload that is false or a number is one; null is none.
SELECT define_experiment('payloads', '{"a": {"payload": false}, "b": {"payload": 1.50}, "c": {"payload": null}}');
SELECT experiment_variant(i, 'payloads') AS variant, experiment_payload(i, 'payloads') AS payload FROM generate_series(1, 20) AS i GROUP BY 1, 2 ORDER BY 1;
SELECT experiment_payload('00000000-0000-0000-0000-000000000001'::uuid, 'model_selection') = experiment_payload('00000000-0000-0000-0000-000000000001'::text, 'model_selection') AS uuid;

-- The audit: a time range, a filter, another column, ids of other types, nobody, small groups.
SELECT logged_variant, expected_variant, users FROM assignment_audit('log', 'model_selection', since => '2024-03-05', until => '2024-03-06');
SELECT logged_variant, expected_variant, users FROM assignment_audit('log', 'model_selection', as_of => '2024-03-04 09:30', filter => '{"platform": "web"}');
SELECT logged_variant, expected_variant, users, example_users FROM assignment_audit('log', 'model_selection', variant_property => 'platform');
SELECT count(*) FROM assignment_audit('log', 'model_selection', variant_property => 'no such property');
CREATE TABLE numbered AS SELECT i AS user_id, timestamp '2024-03-04' AS ts, CASE WHEN i % 100 = 0 THEN 'off' ELSE experiment_variant(i, e) END AS new_chat_ui FROM generate_series(1, 1000) AS i, user_metrics.experiment AS e WHERE e.name = 'new_chat_ui';
SELECT logged_variant, expected_variant, agrees, users, example_users FROM assignment_audit('numbered', 'new_chat_ui');
CREATE TABLE empty (LIKE log);
SELECT count(*) FROM assignment_audit('empty', 'model_selection');
SET user_metrics.min_group_size = 2;
SELECT * FROM assignment_audit('log', 'model_selection');
SELECT * FROM assignment_audit('numbered', 'new_chat_ui');
RESET user_metrics.min_group_size;
SELECT opt_out('dee');
SELECT logged_variant, expected_variant, users, user_share FROM assignment_audit('log', 'model_selection') WHERE logged_variant = 'quality';
SELECT opt_in('dee');

-- ===== errors =====

\set VERBOSITY verbose
\set SHOW_CONTEXT never
CREATE FUNCTION refused(statement text, OUT state text, OUT message text, OUT hint text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
EXCEPTION WHEN others THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
END $$;
\x
SELECT a AS arguments, r.* FROM unnest(ARRAY[
    'NULL, ARRAY[''a'', ''b'']', ''' '', ARRAY[''a'', ''b'']', '''x'', NULL::text[]', '''x'', ARRAY[''a'']', '''x'', ARRAY[''a'', ''a'']', '''x'', ARRAY[''a'', NULL]',
    '''x'', ARRAY[''a'', ''b''], ''{0.4, 0.1}''', '''x'', ARRAY[''a'', ''b''], ''{0.4, 0.4, 0.2}''', '''x'', ARRAY[''a'', ''b''], ''{1.2, -0.2}''', '''x'', ARRAY[''a'', ''b''], ''{NaN, 1}''',
    '''x'', ARRAY[''a'', ''b''], coverage => 1.5', '''x'', ARRAY[''a'', ''b''], coverage => ''NaN''', '''x'', ARRAY[''a'', ''b''], coverage => 0.5, hash => ''statsig''',
    '''x'', ARRAY[''a'', ''b''], hash => ''growthbook_v3''', '''x'', ARRAY[''a'', ''b''], seed => ''''', '''x'', ARRAY[''a'', ''b''], namespace => ''["n", 0.5]''',
    '''x'', ARRAY[''a'', ''b''], namespace => ''{"seed": "n", "ranges": [[0, 2]]}''', '''x'', ARRAY[''a'', ''b''], namespace => ''["n", 0, 1]'', hash => ''posthog'''
]) WITH ORDINALITY AS u(a, n), LATERAL refused(format('SELECT user_metrics.experiment_variant(1, %s)', a)) AS r ORDER BY n;
-- Also where the user is nobody.
SELECT experiment_variant(NULL::text, 'x', ARRAY['a']);
SELECT a AS arguments, r.* FROM unnest(ARRAY[
    'NULL, ''["a", "b"]''', '''x'', NULL::text', '''x'', ''[]''', '''x'', ''{"a": 0.5}''', '''x'', ''{"a": 0.5, "b": "half"}''', '''x'', ''{"a": 0.5, "b": 0.6}''', '''x'', ''{"a": 0.5, "b": {}}''',
    '''x'', ''{"a": 0.5, "b": 0.25, "a": 0.25}''', '''x'', ''{"a": {"share": 1}, "b": 0}''', '''x'', ''["a", "b"]'', hash => ''md5''', '''new_chat_ui'', ''["off", "on"]'''
]) WITH ORDINALITY AS u(a, n), LATERAL refused(format('SELECT user_metrics.define_experiment(%s)', a)) AS r ORDER BY n;
SELECT s AS statement, r.* FROM unnest(ARRAY[
    'SELECT experiment_variant(1, ''nope'')', 'SELECT experiment_variant(''ann'', NULL::text)', 'SELECT experiment_payload(''ann'', ''nope'')', 'SELECT assignment_audit(''log'', ''nope'')',
    'SELECT assignment_audit(''log'', NULL)', 'SELECT assignment_audit(''log'', ''of_text'', timezone => ''Moon'')',
    'SELECT assignment_audit(''long'', ''of_text'')', 'SELECT assignment_audit(''nope'', ''of_text'')',
    'INSERT INTO user_metrics.experiment (name, variants, weights, seed) VALUES (''x'', ''{a,b}'', ''{0.5,0.4}'', ''x'')', 'UPDATE user_metrics.experiment SET hash = ''md5'' WHERE name = ''of_text'''
]) WITH ORDINALITY AS u(s, n), LATERAL refused(s) AS r ORDER BY n;
CREATE TABLE bare (user_id text, created_at timestamptz);
SELECT * FROM assignment_audit('bare', 'of_text');
\x
\set VERBOSITY default
-- Everybody may ask, and only who is allowed to define.
CREATE ROLE regress_user_metrics_reader;
GRANT USAGE ON SCHEMA assignment TO regress_user_metrics_reader;
GRANT EXECUTE ON FUNCTION refused(text) TO regress_user_metrics_reader;
SET ROLE regress_user_metrics_reader;
SELECT experiment_variant('ann', 'model_selection'), length(experiment_payload('ann', 'model_selection'));
SELECT s, r.state, r.message FROM unnest(ARRAY[
    'SELECT define_experiment(''x'', ''["a", "b"]'')', 'SELECT define_experiment(''x'', ''["a", "b"]''::jsonb)', 'DELETE FROM user_metrics.experiment', 'SELECT FROM user_metrics.experiment', 'SELECT assignment_audit(''assignment.log'', ''of_text'')'
]) WITH ORDINALITY AS u(s, n), LATERAL refused(s) AS r ORDER BY n;
RESET ROLE;
CREATE ROLE regress_user_metrics_experimenter;
GRANT EXECUTE ON FUNCTION define_experiment(text, text, text, text, double precision, jsonb, boolean) TO regress_user_metrics_experimenter;
GRANT SELECT, INSERT, UPDATE ON user_metrics.experiment TO regress_user_metrics_experimenter;
SET ROLE regress_user_metrics_experimenter;
SELECT user_metrics.define_experiment('theirs', '["a", "b"]'), user_metrics.define_experiment('theirs', '["a", "b", "c"]', replace => true);
RESET ROLE;
DROP OWNED BY regress_user_metrics_experimenter;
DROP ROLE regress_user_metrics_experimenter;
DROP OWNED BY regress_user_metrics_reader;
DROP ROLE regress_user_metrics_reader;

-- ===== plan =====

-- A constant experiment and user are one constant; over the row of a definition the call becomes that of its arguments.
EXPLAIN (VERBOSE, COSTS OFF) SELECT experiment_variant('ann', 'x', ARRAY['a', 'b']);
EXPLAIN (VERBOSE, COSTS OFF) SELECT experiment_variant(l.user_id, e) FROM log AS l, user_metrics.experiment AS e WHERE e.name = 'new_chat_ui';
-- In an index, a generated column and workers, as a function of its arguments alone may be.
CREATE TABLE big (user_id text, variant text GENERATED ALWAYS AS (user_metrics.experiment_variant(user_id, 'x', ARRAY['a', 'b'])) STORED);
INSERT INTO big SELECT 'u' || i FROM generate_series(1, 20000) AS i;
CREATE INDEX ON big (experiment_variant(user_id, 'y', ARRAY['a', 'b']));
ANALYZE big;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT count(*) FROM big WHERE experiment_variant(user_id, 'x', ARRAY['a', 'b']) = 'a';
SELECT count(*) = (SELECT count(*) FROM big WHERE variant = 'a') AS alike FROM big WHERE experiment_variant(user_id, 'x', ARRAY['a', 'b']) = 'a';
SELECT count(*) FILTER (WHERE experiment_variant(user_id, 'of_text') = 'on') BETWEEN 9500 AND 10500 AS half FROM big;
RESET ALL;
SET client_min_messages = warning;
DELETE FROM user_metrics.experiment;
DROP SCHEMA assignment CASCADE;
