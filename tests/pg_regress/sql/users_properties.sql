-- What users' properties were last, and from when to when: user_properties, property_history.
CREATE SCHEMA properties;
SET search_path = properties, user_metrics;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
\pset null '(null)'

-- ===== answers =====

-- ann went from free to pro and told her industry once; NULL is no news. bob told two tiers at one instant: the greater counts.
CREATE TABLE log (user_id text, created_at timestamptz, properties jsonb);
INSERT INTO log VALUES ('ann', '2024-03-01', '{"Tier": "free", "Industry": "law"}'), ('ann', '2024-03-02', '{"Tier": "pro"}'),
    ('ann', '2024-03-03', '{"Tier": null, "Industry": null}'), ('ann', '2024-03-04', NULL), ('ann', '2024-03-02 12:00', '[1]'),
    ('bob', '2024-03-01', '{"Tier": "free"}'), ('bob', '2024-03-01', '{"Tier": "pro", "Seats": 5, "Tags": ["a"], "On": true}'),
    ('', '2024-03-01', '{"Tier": "free"}'), ('anonymous', '2024-03-01', '{"Tier": "free"}'), ('cy', '2024-03-01', '{"Tier": null}');
SELECT * FROM user_properties('log');
-- ann was free from 1 to 2 March, and is pro since; bob is pro, and no row says what he told at the same instant.
SELECT * FROM property_history('log', 'Tier') ORDER BY user_id, valid_from;

-- ===== edges =====

SELECT * FROM user_properties('log', as_of => '2024-03-01 12:00') WHERE user_id = 'ann';
SELECT * FROM user_properties('log', until => '2024-03-02') WHERE user_id = 'ann';
SELECT * FROM user_properties('log', since => '2024-03-02');
SELECT * FROM user_properties('log', filter => '{"Tier": "free"}');
-- What was told before since holds, unless it had ceased to by then; until and as_of end what is known.
SELECT * FROM property_history('log', 'Tier', since => '2024-03-01 12:00') ORDER BY user_id, valid_from;
SELECT * FROM property_history('log', 'Tier', since => '2024-03-02') ORDER BY user_id, valid_from;
SELECT * FROM property_history('log', 'Tier', until => '2024-03-02') ORDER BY user_id, valid_from;
SELECT * FROM property_history('log', 'Tier', since => '2024-03-02', until => '2024-03-02');
SELECT * FROM property_history('log', 'Tier', as_of => '2024-03-02') ORDER BY user_id, valid_from;
SELECT * FROM property_history('log', 'Tier', filter => '{"Tier": "free"}') ORDER BY user_id, valid_from;
SELECT * FROM property_history('log', 'none such');
-- There and back again, with a value told twice: three spans. A column serves as well as a property.
CREATE TABLE turns AS SELECT 7 AS user_id, timestamp '2024-03-01' + n * interval '1 day' AS created_at, (ARRAY['a', 'a', NULL, 'b', 'a'])[n + 1] AS model FROM generate_series(0, 4) AS n;
SELECT * FROM property_history('turns', 'model') ORDER BY valid_from;
-- metadata as json, ids that are numbers, times without a zone.
CREATE TABLE meta (user_id int, ts timestamp, metadata json);
INSERT INTO meta VALUES (1, '2024-03-01 00:00', '{"a": "x"}'), (1, '2024-03-01 00:00:01', '{"a": "w"}');
SELECT * FROM user_properties('meta');
CREATE TABLE empty (LIKE log);
SELECT * FROM user_properties('empty');
SELECT * FROM property_history('empty', 'Tier');
SELECT opt_out('bob');
SELECT DISTINCT user_id FROM user_properties('log');
SELECT opt_in('bob');

-- ===== errors =====

\set VERBOSITY verbose
\set SHOW_CONTEXT never
CREATE TABLE bare (user_id text, created_at timestamptz);
SELECT * FROM user_properties('bare');
SELECT * FROM property_history('bare', 'Tier');
SELECT * FROM property_history('log', NULL);
\set VERBOSITY default

-- ===== plan =====

-- With workers or without, in groups hashed or sorted: the same.
INSERT INTO log SELECT 'u' || i % 100, timestamptz '2024-03-01' + i % 977 * interval '1 minute', jsonb_build_object('Tier', i % 7, 'n', i % 13) FROM generate_series(1, 20000) AS i;
ANALYZE log;
CREATE TABLE serial AS SELECT * FROM user_properties('log');
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT count(*) FROM user_properties('log') AS p JOIN serial AS s USING (user_id, property, value, told_at);
SET enable_hashagg = off;
SELECT count(*) FROM user_properties('log') AS p JOIN serial AS s USING (user_id, property, value, told_at);
SELECT count(*) FROM serial;
RESET ALL;
SET client_min_messages = warning;
DROP SCHEMA properties CASCADE;
