-- Experiments in a log: ab_compare over a source, ab_segments; and srm_check, sample_size, minimum_detectable_effect.
CREATE SCHEMA comparison;
SET search_path = comparison, user_metrics;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET extra_float_digits = 0;
\pset null '(null)'

-- ===== answers =====

-- Eight users. A user is exposed from their first request with a variant on; what they did before does not count, what they did
-- after without one does. eve bore both variants; fay none; joe has opted out; a blank id and 'anonymous' are nobody.
--   user  variant  exposed      requests since        of these     cost      ratings   came back on day 1
--   ann   A        Mon 09:00    Mon 09, 10; Tue 09    3, 2 days    1 + 2     1, -1     yes
--   bob   A        Mon 12:00    Mon 12                1, 1 day     ?         ?         no
--   cat   A        Tue 09:00    Tue 09, Tue 20        2, 1 day     5, ?      1         no
--   dan   B        Mon 09:00    Mon 09, Tue 09,       4, 3 days    1 each    -1        yes
--                               Tue 23, Thu 09
--   gus   B        Wed 09:00    Wed 09                1, 1 day     9         ?         no
--   hal   B        Thu 23:30    Thu 23:30             1, 1 day     ?         1         cannot be known: the log ends on Thursday
CREATE TABLE log (user_id text, created_at timestamptz, cost_usd numeric, rating int, status_code int, latency_ms int, tier text, properties jsonb);
INSERT INTO log VALUES
    ('ann', '2024-03-04 08:00Z', 100, -1, 200, 100, 'free', '{}'),
    ('ann', '2024-03-04 09:00Z', 1, 1, 200, 100, 'free', '{"variant": "A", "score": 1}'),
    ('ann', '2024-03-04 10:00Z', 2, -1, 500, 300, 'pro', '{"score": "x"}'),
    ('ann', '2024-03-05 09:00Z', NULL, NULL, 200, 200, 'pro', '{"variant": "A", "score": "2.5"}'),
    ('bob', '2024-03-04 12:00Z', NULL, NULL, 500, -1, 'free', '{"variant": "A"}'),
    ('cat', '2024-03-05 09:00Z', 5, 1, 200, 900, 'pro', '{"variant": "A"}'),
    ('cat', '2024-03-05 20:00Z', 'NaN', NULL, 200, 700, 'pro', '{"variant": "A", "score": 4}'),
    ('dan', '2024-03-04 09:00Z', 1, -1, 200, 400, 'free', '{"variant": "B"}'),
    ('dan', '2024-03-05 09:00Z', 1, NULL, 404, 400, 'free', '{"variant": "B"}'),
    ('dan', '2024-03-05 23:00Z', 1, NULL, 200, 100, 'free', '{"variant": ""}'),
    ('dan', '2024-03-07 09:00Z', 1, NULL, 200, 100, 'free', '{"variant": "B", "score": true}'),
    ('eve', '2024-03-04 09:00Z', 1, 1, 200, 100, 'free', '{"variant": "A"}'),
    ('eve', '2024-03-04 10:00Z', 1, 1, 200, 100, 'free', '{"variant": "B"}'),
    ('fay', '2024-03-04 10:00Z', 1, 1, 200, 100, 'free', '{}'),
    ('gus', '2024-03-06 09:00Z', 9, NULL, 200, 100, 'pro', '{"variant": "B"}'),
    ('hal', '2024-03-07 23:30Z', NULL, 1, 200, 100, 'pro', '{"variant": "B"}'),
    ('joe', '2024-03-04 09:00Z', 9, 1, 200, 100, 'pro', '{"variant": "B"}'),
    (' ', '2024-03-04 09:00Z', 9, 1, 200, 100, 'pro', '{"variant": "B"}'),
    ('anonymous', '2024-03-04 09:00Z', 9, 1, 200, 100, 'pro', '{"variant": "B"}');
INSERT INTO opt_out VALUES ('joe');

-- Requests: A 3, 1, 2, mean 2, sd 1; B 4, 1, 1, mean 2, sd 1.7320508. One of seven users is mixed.
\x
SELECT * FROM ab_compare('log');
\x
-- All metrics. answered_rate A 4 of 6 (2 of 3, 0 of 1, 2 of 2), B 5 of 6. cost: A 3, 0, 5, B 4, 9, 0. rating: A 1 - 1 + 1 of 3, B 0 of 2;
-- bob and gus have none. latency A (100 + 300 + 200 + 900 + 700) / 5 = 440, B 1200 / 6 = 200. score: A (1 + 2.5 + 4) / 3, B 1 / 1.
-- The median latency is that of 100 200 300 700 900, and of 100 100 100 100 400 400.
-- Back on the next day: A 1 of 3, B 1 of 2, for Thursday has not elapsed for hal. Converted, to a request that cost 5: cat.
SELECT metric, variant, users, missing_users, round(mean::numeric, 4) AS mean, round(difference::numeric, 4) AS difference, verdict
FROM ab_compare('log', metrics => '{requests,active_days,answered_rate,cost_usd,rating,latency_ms,score,retained_d1,converted,sessions,sum(latency_ms),sum(score),mean(cost_usd),latency_ms_p50}',
    converted => '{"cost_usd": 5}');
-- A user is in the segment of their first exposure: ann was free then. dan and bob too; eve is a mixed one.
SELECT segment, variant, users, mean, mixed_users FROM ab_compare('log', by => 'tier');
-- The rows over a log are those over its users' figures.
SELECT count(*) AS rows, bool_and(l.mean = v.mean AND l.sd = v.sd AND (l.p_value = v.p_value OR l.variant = 'A')) AS alike
FROM ab_compare('log') AS l JOIN ab_compare((
    SELECT experiment(variant, requests) FROM (VALUES ('A', 3), ('A', 1), ('A', 2), ('B', 4), ('B', 1), ('B', 1)) AS u(variant, requests)
)) AS v USING (variant);
-- since, until, as_of and filter decide what is read: from Tuesday on ann is exposed on Tuesday; hal has not come before Thursday.
SELECT variant, users, mean FROM ab_compare('log', since => '2024-03-05', until => '2024-03-07');
SELECT variant, users, mean FROM ab_compare('log', as_of => '2024-03-04 12:00Z');
SELECT variant, users, mean FROM ab_compare('log', filter => '{"tier": "pro"}');
-- Days are those of the zone: in Tokyo dan's Tuesday 23:00 is Wednesday; cat's 20:00 too, which is one day after her exposure.
SELECT metric, variant, users, mean FROM ab_compare('log', metrics => '{active_days,retained_d1}', timezone => 'Asia/Tokyo');
-- Cut at the median of 1 1 1 2 3 4: 1.5.
SELECT variant, mean FROM ab_compare('log', winsorize => 0.5);
-- What each did in the day before: ann one request, the others none. The slope is 0.2 / (1/6) = 1.2: A 2 - 1.2 * (1/3 - 1/6), B 2 + 1.2 / 6.
SELECT variant, users, round(mean::numeric, 6) AS mean FROM ab_compare('log', cuped_days => 1);
-- Of 1 2 3 and 1 1 4: 4 is above all three, each 1 is level with one. U = 3 + 2 * 1/2 = 4.
SELECT statistic FROM ab_compare('log', method => 'mann_whitney') WHERE variant = 'B';

-- Two segments, with opposite effects: +2 and -2 at errors of sqrt(2 * 8.25 * 100 / 99 / 100) = 0.40825. Q = 2 * (2 / 0.40825)^2 = 48.
CREATE TABLE opposite AS
SELECT s.segment || v.variant || n AS user_id, timestamptz '2024-03-04 09:00Z' + r * interval '1 minute' AS created_at, s.segment AS tier, v.variant
FROM (VALUES ('x', 1), ('y', -1)) AS s(segment, sign), (VALUES ('control', 0), ('treatment', 1)) AS v(variant, treated),
    generate_series(1, 100) AS n, generate_series(1, 5 + n % 10 + 2 * sign * treated) AS r;
\x
SELECT * FROM ab_segments('opposite', 'tier') WHERE variant = 'treatment';
\x
SELECT difference, verdict FROM ab_compare('opposite') WHERE variant = 'treatment';

-- 555 and 445 users: chi-squared 12.1, p = 0.000504. That is below 0.001, but not below the half of it, which is the threshold for
-- each of two segments. Both together are 1110 and 890: chi-squared 24.2, p = 0.00000087.
CREATE TABLE uneven AS
SELECT s || 'user' || n AS user_id, timestamptz '2024-03-04 09:00Z' AS created_at, s AS tier, CASE WHEN n <= 555 THEN 'control' ELSE 'treatment' END AS variant
FROM unnest(ARRAY['x', 'y']) AS s, generate_series(1, 1000) AS n;
SELECT segment, variant, srm_p_value, verdict FROM ab_compare('uneven', by => 'tier') WHERE variant = 'control';
SELECT segment, variant, srm_p_value, verdict FROM ab_compare('uneven', by => 'tier', filter => '{"tier": "x"}') WHERE variant = 'control';
SELECT variant, srm_p_value, verdict FROM ab_compare('uneven') WHERE variant = 'control';
-- chi-squared of 5012 and 4890: 122^2 / 9902 = 1.503131. A variant of no weight is not counted, and neither is its degree of freedom.
SELECT * FROM srm_check('{"control": 5012, "treatment": 4890}');
SELECT * FROM srm_check('{"control": 5012, "treatment": 4890, "off": 0}', weights => '{"control": 1, "treatment": 1, "off": 0}');
SELECT * FROM srm_check('{"control": 560, "treatment": 440}');
-- Weighted variants without anybody are missing users.
SELECT statistic, verdict FROM srm_check('{"control": 100}', weights => '{"control": 1, "treatment": 1}');
-- ClickHouse: minSampleSizeConversion(0.25, 0.03, 0.80, 0.05) = 3396.08. statsmodels: NormalIndPower().solve_power(1.5 / 12, alpha=0.05, power=0.8) = 1004.65.
SELECT sample_size(0.03, baseline => 0.25) AS rate, sample_size(1.5, sd => 12) AS mean, sample_size(1.5, sd => 12, power => 0.9) AS surer,
    sample_size(1.5, sd => 12, comparisons => 3) AS several, sample_size(1.5, sd => 12, alternative => 'greater') AS one_sided;
SELECT minimum_detectable_effect(3397, baseline => 0.25) AS rate, minimum_detectable_effect(1005, sd => 12) AS mean, minimum_detectable_effect(5, baseline => 0.9) AS none;

-- ===== edges =====

-- An empty log, a log without the experiment: no rows.
CREATE TABLE plain (user_id uuid, created_at timestamp, variant text);
SELECT count(*) FROM ab_compare('plain');
SELECT count(*) FROM ab_segments('plain', 'variant');
INSERT INTO plain VALUES ('00000000-0000-0000-0000-000000000001', '2024-03-04', NULL);
SELECT count(*) FROM ab_compare('plain');
-- NULL for every argument means its default.
INSERT INTO plain VALUES ('00000000-0000-0000-0000-000000000001', '2024-03-04', 'A'), ('00000000-0000-0000-0000-000000000002', '2024-03-04', 'B');
SELECT variant, users, mean, verdict FROM ab_compare(
    source => 'plain', metric => NULL, variant => 'variant', control => NULL, metrics => NULL, converted => NULL, method => NULL, alternative => NULL,
    confidence => NULL, correction => NULL, weights => NULL, better => NULL, cuped_days => NULL, winsorize => NULL, since => NULL, until => NULL,
    filter => NULL, by => NULL, timezone => NULL, as_of => NULL);
-- One variant only; a control nobody is in.
SELECT variant, verdict, reason FROM ab_compare('log', until => '2024-03-04 09:00Z', variant => 'tier');
SELECT variant, verdict, reason FROM ab_compare('log', control => 'C');
-- Columns the log has not; a property nobody has: no figures.
SELECT variant, users, missing_users, verdict, reason FROM ab_compare('log', metric => 'nothing');
-- Names with anything in them.
CREATE TABLE "odd ""names'; %s $1" ("User_ID" bigint, "TS" timestamptz, "%I; DROP TABLE comparison.log" text, "$1" int);
INSERT INTO "odd ""names'; %s $1" VALUES (1, '2024-03-04', '%s', 3), (2, '2024-03-04', '$q$ $query$', 4);
SELECT metric, variant, mean FROM ab_compare('"odd ""names''; %s $1"', variant => '%I; DROP TABLE comparison.log', metrics => '{requests,$1,"sum($1)"}');
-- Small groups are hidden, and so is how many were mixed.
SET user_metrics.min_group_size = 4;
SELECT variant, users, mean, difference, verdict, mixed_users FROM ab_compare('log');
RESET user_metrics.min_group_size;
-- Nobody is exposed twice: the first request of each decides, and requests without a variant between those with one count.
SELECT variant, mean FROM ab_compare('log', metrics => '{requests}') EXCEPT SELECT variant, mean FROM ab_compare('log', metrics => '{requests,requests}');
SELECT * FROM srm_check('{}');
SELECT * FROM srm_check('{"control": 3}');
SELECT * FROM srm_check('{"control": 3, "treatment": 4}');

-- A defined experiment says the variant of users whose log does not: the same as a view that asks for it.
SELECT define_experiment('halves', '{"control": 0.5, "other": 0.5}');
CREATE VIEW assigned AS SELECT l.user_id, l.created_at, l.cost_usd, experiment_variant(l.user_id, e) AS variant FROM log AS l, user_metrics.experiment AS e WHERE e.name = 'halves';
SELECT variant, users, mean FROM ab_compare('log', variant => 'experiment:halves', since => '2024-03-05Z');
SELECT count(*) AS differ FROM (SELECT * FROM ab_compare('log', variant => 'experiment:halves') EXCEPT SELECT * FROM ab_compare('assigned')) AS d;
DELETE FROM user_metrics.experiment WHERE name = 'halves';

-- ===== errors =====

\set VERBOSITY verbose
\set SHOW_CONTEXT never
SELECT * FROM ab_compare('log', variant => 'experiment:none');
SELECT * FROM ab_compare('log', metric => 'model');
SELECT * FROM ab_compare('log', metric => 'retained_d0');
SELECT * FROM ab_compare('log', metric => 'retained_x');
SELECT * FROM ab_compare('log', metric => 'converted');
SELECT * FROM ab_compare('log', metrics => '{}');
SELECT * FROM ab_compare('log', converted => '{"tier": {"x": 1}}');
SELECT * FROM ab_compare('log', cuped_days => 0);
SELECT * FROM ab_compare('log', winsorize => 1);
SELECT * FROM ab_compare('log', method => 'bayes');
SELECT * FROM ab_compare('log', method => 'proportions');
SELECT * FROM ab_compare('log', timezone => 'Nowhere');
SELECT * FROM ab_compare('plain', metric => 'cost_usd');
SELECT * FROM ab_compare('plain', variant => 'experiment');
SELECT * FROM ab_segments('log', 'tier', confidence => 2);
SELECT * FROM srm_check('{"control": -1}');
SELECT * FROM srm_check('[]');
SELECT * FROM srm_check('{"control": 10, "treatment": 10}', weights => '{"control": 1}');
SELECT sample_size(0.1);
SELECT sample_size(0.1, baseline => 0.5, sd => 1);
SELECT sample_size(0.6, baseline => 0.5);
SELECT sample_size(0, sd => 1);
SELECT sample_size(0.1, sd => 1, power => 1);
SELECT sample_size(0.1, sd => 1, comparisons => 0);
SELECT minimum_detectable_effect(1, sd => 1);
\set VERBOSITY default

\set VERBOSITY verbose
SELECT sample_size(NULL, baseline => 0.3);
SELECT minimum_detectable_effect(NULL, baseline => 0.3);
SELECT * FROM srm_check(NULL);
SELECT * FROM srm_check('{"a": 10, "b": 12}', '{"a": 1e400, "b": 1}');
\set VERBOSITY default

-- ===== plan =====

-- The log is read at most twice, however few users there seem to be: once to find who is in which variant, and once for requests
-- without a variant after the first with one.
BEGIN;
SELECT seq_tup_read AS before FROM pg_stat_xact_user_tables WHERE relid = 'opposite'::regclass \gset
SELECT count(*) FROM ab_compare('opposite');
SELECT seq_tup_read - :before <= 2 * 3801 AS at_most_twice FROM pg_stat_xact_user_tables WHERE relid = 'opposite'::regclass;
ROLLBACK;
DELETE FROM opposite WHERE user_id = 'xcontrol1' AND created_at < '2024-03-04 09:02Z';
INSERT INTO opposite VALUES ('xcontrol1', '2024-03-04 10:00Z', 'x', NULL);
BEGIN;
SELECT seq_tup_read AS before FROM pg_stat_xact_user_tables WHERE relid = 'opposite'::regclass \gset
SELECT count(*) FROM ab_compare('opposite');
SELECT seq_tup_read - :before <= 2 * 3801 AS at_most_twice FROM pg_stat_xact_user_tables WHERE relid = 'opposite'::regclass;
ROLLBACK;
SELECT user_metrics_internal.live_states();
DELETE FROM opt_out;
SET client_min_messages = warning;
DROP SCHEMA comparison CASCADE;
