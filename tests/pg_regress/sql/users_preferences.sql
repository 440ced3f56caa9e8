-- What one user favours: preferred_models, preferred_model_list, favorite_features.
CREATE SCHEMA preferences;
SET search_path = preferences, user_metrics;
SET TimeZone = 'UTC';
SET extra_float_digits = 0;
\pset format unaligned
\pset null '(null)'

-- ===== answers =====

-- ann had both models on day 0; then the quick one on 2 days and the good one on 14. bob had the other choice, cat only one.
CREATE TABLE log (user_id text, created_at timestamptz, model text, feature text, latency_ms float8, succeeded boolean, rating float8);
INSERT INTO log
SELECT u, timestamptz '2024-03-01 12:00Z' + day * interval '1 day', m, f, latency, day % 2 = 0 OR m = 'good', CASE WHEN day < 8 THEN quality END
FROM (VALUES
    ('ann', 'quick', 'chat', 300, 1, 3), ('ann', 'good', 'code', 900, 5, 15),
    ('bob', 'quick', 'chat', 300, 1, 15), ('bob', 'good', 'chat', 900, 5, 5),
    ('cat', 'quick', 'chat', 300, 1, 15)
) AS v(u, m, f, latency, quality, days), generate_series(0, days - 1) AS day;
INSERT INTO log VALUES ('dan', '2024-03-02', 'quick', 'chat', 300, true, NULL), (' ', '2024-03-02', 'good', 'spam', 1, true, 5), ('anonymous', '2024-03-02', 'good', 'spam', 1, true, 5);

SELECT * FROM preferred_models('log', 'ann');
SELECT * FROM preferred_models('log', 'bob');
SELECT * FROM preferred_models('log', 'cat');
-- Candidates bound the list, may name providers, and follow as given where they were never used.
SELECT place, model, requests, reason FROM preferred_models('log', 'ann', candidates => '{other/x,quick/y,good/z}');
SELECT preferred_model_list('log', 'ann', candidates => '{other/x,quick/y,good/z}'), preferred_model_list('log', 'bob');
-- Of whom too little is known gets what is given; without that, nothing.
SELECT place, model, requests, reason, prefers_speed FROM preferred_models('log', 'dan', candidates => '{quick,good}', fallback => '{a/b,c/d}');
SELECT place, model, requests, reason FROM preferred_models('log', 'dan', candidates => '{good,quick}');
SELECT count(*), preferred_model_list('log', 'dan') FROM preferred_models('log', 'dan');
SELECT preferred_model_list('log', 'nobody', fallback => '{a,b}'), preferred_model_list('log', ' ', fallback => '{a}'), preferred_model_list('log', 'nobody');

-- A model that fails fast is not fast: flaky answers after 3 s and refuses after 5 ms, steady answers after 1 s. Steady is the faster and
-- the better one, so there is nothing to trade off, and no preference.
CREATE TABLE refused (user_id text, created_at timestamptz, model text, latency_ms int, status int);
INSERT INTO refused SELECT 'ann', timestamptz '2024-03-01' + day * interval '1 day', 'steady', 1000, 200 FROM generate_series(0, 9) AS day;
INSERT INTO refused SELECT 'ann', timestamptz '2024-03-01' + day * interval '1 day', 'flaky', CASE WHEN day % 5 < 2 THEN 3000 ELSE 5 END, CASE WHEN day % 5 < 2 THEN 200 ELSE 429 END FROM generate_series(0, 29) AS day;
SELECT place, model, requests, median_latency_ms, median_failed_latency_ms, reason, prefers_speed, prefers_quality FROM preferred_models('refused', 'ann');

-- With a provider in the log, models are those of providers. A candidate without one is the model used most; one of another was not used.
CREATE TABLE offered (user_id text, created_at timestamptz, model text, provider text);
INSERT INTO offered SELECT 'ann', timestamptz '2024-03-01' + n * interval '1 day', CASE WHEN n < 15 THEN 'gpt-4o' ELSE 'local' END, CASE WHEN n < 9 THEN 'openai' WHEN n < 15 THEN 'azure' WHEN n < 17 THEN ' ' END FROM generate_series(0, 17) AS n;
SELECT place, model, requests, active_days, reason FROM preferred_models('offered', 'ann');
SELECT preferred_model_list('offered', 'ann', candidates => '{local/x,gpt-4o/x,gpt-4o}');
SELECT model_preferences, preferred_models FROM user_metrics_row('offered', 'ann', benchmark => false);
SELECT user_profile('offered', 'ann', benchmark => false) #> '{preferences,preferred_models}' AS preferred;

SELECT * FROM favorite_features('log', 'ann');
SELECT * FROM favorite_features('log', 'ann', top => 1, filter => '{"model": "quick"}');
SELECT count(*) FROM favorite_features('log', 'nobody');

-- ===== edges =====

-- Each type of id; an id that none of the type is written as is nobody's.
CREATE TABLE of_uuid AS SELECT md5(user_id)::uuid AS user_id, created_at, model, feature FROM log;
CREATE TABLE of_int AS SELECT ascii(user_id) AS user_id, created_at, model, feature FROM log;
SELECT preferred_model_list('of_uuid', upper(md5('ann'))), preferred_model_list('of_uuid', 'ann'), preferred_model_list('of_uuid', '{' || md5('ann')::uuid || '}');
SELECT preferred_model_list('of_int', ' 97'), preferred_model_list('of_int', 'ann'), preferred_model_list('of_int', '99999999999999999999');
SELECT feature, lift FROM favorite_features('of_int', '97');
-- Ids are compared byte by byte, also where the column's collation knows no case.
CREATE COLLATION no_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE folded (user_id text COLLATE no_case, created_at timestamptz, model text);
INSERT INTO folded SELECT id, timestamptz '2024-03-01' + i * interval '1 hour', lower(id) FROM (VALUES ('Ann'), ('ANN')) AS v(id), generate_series(1, 10) AS i;
SELECT requests FROM preferred_models('folded', 'Ann');
-- Hostile ids, hostile names of models; a log without any.
INSERT INTO log SELECT $$o'b\"$1$$, timestamptz '2024-03-01' + i * interval '1 hour', $$m'",{}$$, 'f', 1, true, 'NaN' FROM generate_series(1, 12) AS i;
SELECT model, requests, mean_rating FROM preferred_models('log', $$o'b\"$1$$);
CREATE TABLE bare AS SELECT user_id, created_at FROM log;
SELECT count(*), preferred_model_list('bare', 'ann', fallback => '{x}') FROM preferred_models('bare', 'ann');
CREATE TABLE nothing (LIKE log);
SELECT preferred_model_list('nothing', 'ann', candidates => '{a,b}');
-- Who opted out is nobody.
SELECT opt_out('ann');
SELECT count(*), preferred_model_list('log', 'ann', fallback => '{x}') FROM favorite_features('log', 'ann');
SELECT opt_in('ann');
-- What few use is not told of everybody.
SET user_metrics.min_group_size = 2;
SELECT feature, requests, population_share, lift FROM favorite_features('log', 'ann');
RESET user_metrics.min_group_size;

-- ===== errors =====

\set VERBOSITY verbose
\set SHOW_CONTEXT never
SELECT * FROM preferred_models('log', NULL);
SELECT * FROM preferred_models('log', 'ann', candidates => '{}');
SELECT * FROM preferred_models('log', 'ann', candidates => '{a,NULL}');
SELECT * FROM preferred_models('log', 'ann', fallback => '{" "}');
SELECT * FROM preferred_models('log', 'ann', timezone => 'Moon');
SELECT * FROM favorite_features('log', NULL);
SELECT * FROM favorite_features('log', 'ann', top => 0);
SELECT * FROM favorite_features('bare', 'ann');
\set VERBOSITY default

-- ===== plan =====

-- One user's requests are found through an index, whatever the type of the ids.
CREATE TABLE big AS SELECT 'u' || i % 5000 AS user_id, (i % 5000) AS number, md5((i % 5000)::text)::uuid AS uuid, timestamptz '2024-03-01' + i * interval '1 minute' AS created_at, 'm' AS model FROM generate_series(1, 50000) AS i;
CREATE INDEX ON big (user_id, created_at);
CREATE INDEX ON big (number, created_at);
CREATE INDEX ON big (uuid, created_at);
ANALYZE big;
CREATE VIEW by_number AS SELECT number AS user_id, created_at, model FROM big;
CREATE VIEW by_uuid AS SELECT uuid AS user_id, created_at, model FROM big;
SELECT pg_stat_force_next_flush();
SELECT seq_scan AS whole_reads FROM pg_stat_user_tables WHERE relid = 'big'::regclass \gset before_
SELECT place, model, requests FROM preferred_models('big', 'u7');
SELECT place, model, requests FROM preferred_models('by_number', '7');
SELECT place, model, requests FROM preferred_models('by_uuid', md5('7'));
SELECT pg_stat_force_next_flush();
SELECT seq_scan - :before_whole_reads AS whole_reads FROM pg_stat_user_tables WHERE relid = 'big'::regclass;
SET client_min_messages = warning;
DROP SCHEMA preferences CASCADE;
