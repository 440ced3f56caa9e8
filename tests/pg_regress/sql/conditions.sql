-- The language of conditions: one row a user, and which users a condition finds.
CREATE SCHEMA conditions;
SET search_path = conditions, user_metrics;
SET TimeZone = 'Asia/Tokyo';
SET DateStyle = 'SQL, DMY';
\pset null '(null)'

-- ===== answers =====
CREATE TABLE log (
    user_id text, created_at timestamptz, model text, n int, big bigint, score real, cost_usd numeric(8, 3), rating float8, beta boolean,
    token uuid, day date, at timestamp, tags text[], extra json, properties jsonb, "any" text, kind "char"
);
INSERT INTO log VALUES
    ('a', '2024-03-04 09:00Z', 'gpt-4o', 1, 9007199254740993, 1.1, 1.0, 1, true, '11111111-1111-1111-1111-111111111111', '2024-03-01',
        '2024-03-01 12:00', '{x,y}', '{"deep": [1, 2]}', '{"tier": "pro", "seats": 5, "tags": ["x", "y"], "beta": true}', 'q', 'c'),
    ('b', '2024-03-05 09:00Z', 'claude', 2, 9007199254740992, 2.5, 2.5, 2.5, false, '22222222-2222-2222-2222-222222222222', '2024-03-02',
        '2024-03-02 12:00', '{y}', '[1, "x"]', '{"tier": "free", "seats": "5.0", "tags": "x", "beta": "true"}', 'r', 'd'),
    ('c', '2024-03-06 09:00Z', '', 3, 5, -1, 0.999, 'NaN', NULL, NULL, 'infinity', NULL, '{}', NULL,
        '{"tier": " ", "seats": 5.0, "tags": []}', 's', NULL),
    ('d', '2024-03-07 09:00Z', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{}', '{"tier": null, "seats": 1e1, "tags": {"x": 1}}', NULL, 'c');
CREATE FUNCTION found(condition text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(segment, ' ' ORDER BY segment) FROM active_users('conditions.log', 'year', by => 'user_id', filter => condition::jsonb)
$$;
SELECT c AS condition, found(c) FROM unnest(ARRAY[
    -- Values, lists, what is not told.
    '{}', '{"model": "gpt-4o"}', '{"model": ["gpt-4o", "claude"]}', '{"model": []}', '{"model": null}', '{"model": ""}', '{"model": ["claude", null]}',
    -- Numbers are numbers, in columns and in properties.
    '{"n": 2}', '{"n": 2.0}', '{"n": "2"}', '{"n": 2.5}', '{"n": {">": 1.5}}', '{"n": {"<": 2.5}}', '{"n": {">=": 1, "<=": "2"}}',
    '{"big": 9007199254740993}', '{"score": 1.1}', '{"cost_usd": 1}', '{"cost_usd": 1.00}', '{"cost_usd": {"<": 1}}', '{"rating": 1.0}', '{"rating": {">": 1}}',
    '{"seats": 5}', '{"seats": "5"}', '{"seats": {">=": 6}}', '{"seats": {"<": 6}}',
    -- Booleans, uuids, times.
    '{"beta": true}', '{"property:beta": true}', '{"beta": null}', '{"beta": {"<>": true}}', '{"token": "11111111-1111-1111-1111-111111111111"}', '{"token": "no uuid"}',
    '{"day": "2024-03-02"}', '{"day": {">": "2024-03-01"}}', '{"at": {">=": "2024-03-02T12:00"}}', '{"created_at": {"<": "2024-03-05T09:00:00Z"}}',
    '{"created_at": {"<": "2024-03-05 10:00:00+01:00"}}', '{"occurred_at": {"<=": "2024-03-05 18:00+09"}}',
    -- Lists in columns and properties; text within a text.
    '{"tags": "x"}', '{"property:tags": "x"}', '{"property:tags": ["x", "z"]}', '{"tags": {"contains": "y"}}', '{"property:tags": {"contains": "y"}}', '{"model": {"contains": "pt-"}}',
    '{"extra": {"contains": 1}}', '{"extra": "x"}',
    -- Operators.
    '{"model": {"<>": "claude"}}', '{"model": {"not in": ["claude", null]}}', '{"model": {"<>": null}}', '{"model": {"exists": true}}', '{"tier": {"exists": false}}',
    '{"model": {"like": "%4_"}}', '{"model": {">=": "d"}}', '{"property:tier": {"in": ["pro", "free"]}}', '{"kind": "c"}', '{"column:any": "q"}',
    -- all, any, not; all keys hold.
    '{"any": [{"model": "gpt-4o"}, {"n": 3}]}', '{"not": {"model": "gpt-4o"}}', '{"not": {"any": [{"n": 1}, {"n": {"exists": false}}]}}', '{"all": [{"n": {">": 1}}, {"n": {"<": 3}}]}',
    '{"n": {">": 1}, "not": {"beta": false}}'
]) WITH ORDINALITY AS t(c, n) ORDER BY t.n;
-- The outcome of a request can be asked for, whatever columns tell it.
CREATE TABLE outcomes (user_id text, created_at timestamptz, status int, error text);
INSERT INTO outcomes VALUES ('a', '2024-03-04', 200, NULL), ('b', '2024-03-04', 500, ''), ('c', '2024-03-04', 200, 'boom'), ('d', '2024-03-04', NULL, NULL);
SELECT f AS filter, (SELECT string_agg(segment, ' ' ORDER BY segment) FROM active_users('outcomes', 'year', by => 'user_id', filter => f::jsonb)) AS found
FROM unnest(ARRAY['{"succeeded": true}', '{"succeeded": false}', '{"succeeded": null}']) AS f;
-- Steps, milestones, behaviors and rules have the same language.
SELECT step, users FROM funnel('log', '[{"filter": {"n": {">=": 1}}}, {"filter": {"any": [{"n": 9}, {"model": {"like": "gpt%"}}]}}]', '1 day');
SELECT segment, users FROM segment_summary('log', rules => '[{"segment": "pro", "all": [{"property:tier": "pro"}, {"requests": [1, 2]}]}, {"segment": "told", "not": {"property:tier": null}}]')
WHERE users > 0 ORDER BY segment;

-- ===== plan =====
-- A condition on a column uses its index, and prunes partitions.
CREATE TABLE parted (user_id text, created_at timestamptz, model text, n int) PARTITION BY LIST (model);
CREATE TABLE parted_gpt PARTITION OF parted FOR VALUES IN ('gpt-4o');
CREATE TABLE parted_rest PARTITION OF parted DEFAULT;
INSERT INTO parted SELECT 'u' || i, '2024-03-04', 'gpt-4o', i FROM generate_series(1, 1000) AS i;
CREATE INDEX parted_n ON parted (n);
ANALYZE parted;
CREATE FUNCTION plan_of(condition text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS off) ' || regexp_replace(replace(replace(user_metrics_internal.source_query('active_users',
        user_metrics_internal.relation('conditions.parted'), ARRAY['period'], NULL, NULL, NULL, condition, NULL, NULL), '$3', 'now()'), '$5', $q$'day'$q$),
        '\$[124]', 'NULL::timestamptz', 'g')
    LOOP
        IF line ~ 'Scan|Cond' THEN RETURN NEXT ltrim(line, ' ->'); END IF;
    END LOOP;
END $$;
SELECT c, plan_of(c) FROM unnest(ARRAY['{"n": 5, "model": "gpt-4o"}', '{"n": {"<": 3}, "model": "gpt-4o"}']) AS c;

-- ===== errors =====
\set VERBOSITY verbose
\set SHOW_CONTEXT never
SELECT found('[]');
SELECT found('{"model": {"is": 1}}');
SELECT found('{"any": []}');
SELECT found('{"not": 1}');
SELECT found('{"model": {"in": "a"}}');
SELECT found('{"n": {">": "many"}}');
SELECT found('{"day": {">": "yesterday"}}');
SELECT found('{"tags": {"<": 1}}');
SELECT found('{"column:nosuch": 1}');
SELECT found('{"model": {"like": "a\\"}}');
\set VERBOSITY default
DROP SCHEMA conditions CASCADE;
