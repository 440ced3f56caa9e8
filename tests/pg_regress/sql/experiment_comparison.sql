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
-- bob and gus have none. latency of what did not fail: A (100 + 200 + 900 + 700) / 4 = 475, B 800 / 5 = 160. score: A (1 + 2.5 + 4) / 3, B 1 / 1.
-- The median latency is that of 100 200 700 900, and of 100 100 100 100 400.
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
-- First exposure is that of the whole log, and since decides what counts: from Tuesday on ann has one request, bob none, cat two;
-- dan two before Thursday, gus one, and hal has not come before Thursday. until, as_of and filter decide what is read at all.
SELECT variant, users, mean FROM ab_compare('log', since => '2024-03-05', until => '2024-03-07');
SELECT variant, users, mean FROM ab_compare('log', as_of => '2024-03-04 12:00Z');
SELECT variant, users, mean FROM ab_compare('log', filter => '{"tier": "pro"}');
-- Days are those of the zone: in Tokyo dan's Tuesday 23:00 is Wednesday; cat's 20:00 too, which is one day after her exposure.
SELECT metric, variant, users, mean FROM ab_compare('log', metrics => '{active_days,retained_d1}', timezone => 'Asia/Tokyo');
-- Cut at what half of 1 1 1 2 3 4 do not exceed: 1.
SELECT variant, mean FROM ab_compare('log', winsorize => 0.5);
-- What each did in the day before: ann one request, the others none. The slope is 0.2 / (1/6) = 1.2: A 2 - 1.2 * (1/3 - 1/6), B 2 + 1.2 / 6.
SELECT variant, users, round(mean::numeric, 6) AS mean FROM ab_compare('log', cuped_days => 1);
-- A cut does not move towards the outlier: 99 % of 1 to 99 and 10^6 do not exceed 99. The mean is (4950 + 99) / 100.
CREATE TABLE outlier AS SELECT 'u' || n AS user_id, timestamptz '2024-03-04 09:00Z' AS created_at, 'a' AS variant, CASE WHEN n = 100 THEN 1e6 ELSE n END AS cost_usd
FROM generate_series(1, 100) AS n;
SELECT mean FROM ab_compare('outlier', metric => 'cost_usd', winsorize => 0.99);
-- Options that do not apply say so.
SELECT metric, verdict, reason FROM ab_compare('log', metrics => '{cost_usd,latency_ms,retained_d1,latency_ms_p50}', winsorize => 0.9, cuped_days => 1, window_days => 1) WHERE variant = 'A';
-- Exposed all along, with one request a day more in one arm: 27 in the 27 days of February that are logged. Nothing was logged before
-- the first exposure, so that there is no covariate.
CREATE TABLE inside AS SELECT 'u' || u AS user_id, d + r * interval '1 minute' AS created_at, CASE WHEN u % 2 = 0 THEN 'control' ELSE 'treatment' END AS variant
FROM generate_series(0, 79) u, generate_series(timestamptz '2024-01-01 09:00Z', '2024-02-28Z', '1 day') d, generate_series(1, 1 + u / 2 % 3 + u % 2) r;
SELECT users, difference, before_difference, verdict, reason FROM ab_compare('inside', since => '2024-02-01', until => '2024-03-01', cuped_days => 14) WHERE variant = 'treatment';
SELECT users, difference, before_difference, verdict, reason FROM ab_compare('inside', since => '2024-02-01', until => '2024-03-01') WHERE variant = 'treatment';
-- Users who no longer come have 0, and who met both variants before since is still mixed; nothing is observed after the end.
BEGIN;
INSERT INTO inside VALUES ('gone', '2024-01-05 09:00Z', 'control'), ('both', '2024-01-05 09:00Z', 'control'), ('both', '2024-01-06 09:00Z', 'treatment'), ('both', '2024-02-06 09:00Z', 'treatment');
SELECT variant, users, mixed_users FROM ab_compare('inside', since => '2024-02-01');
SELECT variant, users, mixed_users, reason FROM ab_compare('inside', since => '2024-02-01', mixed => 'first');
SELECT count(*) FROM ab_compare('inside', since => '2025-01-01');
ROLLBACK;
-- A window of two days from exposure, observed to Friday noon: ann 3 requests, bob 1, cat 2; dan 3 of his 4, gus 1, and hal's two days
-- end later. Who was exposed before since has no whole window: cat and gus have.
SELECT variant, users, missing_users, mean FROM ab_compare('log', window_days => 2, as_of => '2024-03-08 12:00Z');
SELECT variant, users, missing_users, mean FROM ab_compare('log', window_days => 2, since => '2024-03-05', as_of => '2024-03-08 12:00Z');
-- eve met A first.
SELECT variant, users, mean, mixed_users, reason FROM ab_compare('log', mixed => 'first');
-- Both arms answer in 900 to 1300 ms; the treatment fails every other time at once, which makes it no faster.
CREATE TABLE fast AS SELECT 'u' || u AS user_id, timestamptz '2024-03-04 09:00Z' + n * interval '1 minute' AS created_at,
    CASE WHEN u % 2 = 0 THEN 'control' ELSE 'treatment' END AS variant, CASE WHEN n > 5 THEN 10 ELSE 800 + 100 * n END AS latency_ms, CASE WHEN n > 5 THEN 429 ELSE 200 END AS status_code
FROM generate_series(1, 80) AS u, generate_series(1, 10) AS n WHERE n <= 5 OR u % 2 = 1;
SELECT metric, control_mean, mean, verdict FROM ab_compare('fast', metrics => '{latency_ms,latency_ms_p50,sum(latency_ms),answered_rate}') WHERE variant = 'treatment';
-- The arms differed before exposure: in the day before, 3 or 4 requests of each user of treatment, and 2 or 3 of control.
CREATE TABLE unlike AS SELECT 'u' || u AS user_id, timestamptz '2024-03-04 09:00Z' + n * interval '1 hour' AS created_at,
    CASE WHEN n < 0 THEN NULL WHEN u % 2 = 0 THEN 'control' ELSE 'treatment' END AS variant
FROM generate_series(1, 100) AS u, generate_series(-4, 3) AS n WHERE n >= -2 - u % 2 - u / 2 % 2 AND n <= u % 2 + u / 2 % 3;
SELECT before_difference, before_p_value < 0.001 AS unlike, reason FROM ab_compare('unlike', cuped_days => 1) WHERE variant = 'treatment';
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
-- A segment without anybody in one of the variants: 50 and 50 are expected, chi-squared 100, and no row is one of a control's effect.
INSERT INTO uneven SELECT 'zuser' || n, '2024-03-04 09:00Z', 'z', 'treatment' FROM generate_series(1, 100) AS n;
SELECT segment, variant, verdict, reason, srm_p_value < 1e-9 AS imbalanced, interaction_verdict FROM ab_segments('uneven', 'tier') WHERE segment <> 'y';
SELECT variant, verdict FROM ab_compare('uneven', weights => '{"control": 1, "treatment": 1}', filter => '{"tier": "z"}');
-- chi-squared of 5012 and 4890: 122^2 / 9902 = 1.503131. A variant of no weight is not counted, and neither is its degree of freedom.
SELECT * FROM srm_check('{"control": 5012, "treatment": 4890}');
SELECT * FROM srm_check('{"control": 5012, "treatment": 4890, "off": 0}', weights => '{"control": 1, "treatment": 1, "off": 0}');
SELECT * FROM srm_check('{"control": 560, "treatment": 440}');
-- Weighted variants without anybody are missing users.
SELECT statistic, verdict FROM srm_check('{"control": 100}', weights => '{"control": 1, "treatment": 1}');
-- ClickHouse: minSampleSizeConversion(0.25, 0.03, 0.80, 0.05) = 3396.08. statsmodels: NormalIndPower().solve_power(1.5 / 12, alpha=0.05, power=0.8) = 1004.65.
SELECT sample_size(0.03, baseline => 0.25) AS rate, sample_size(1.5, sd => 12) AS mean, sample_size(1.5, sd => 12, power => 0.9) AS surer,
    sample_size(1.5, sd => 12, comparisons => 3) AS several, sample_size(1.5, sd => 12, alternative => 'greater') AS one_sided;
-- By the t test. TTestIndPower().solve_power(2) = 5.09, (0.5) = 63.77; the normal approximation says 4 and 63.
SELECT sample_size(2, sd => 1) AS few, sample_size(0.5, sd => 1) AS some, round(minimum_detectable_effect(6, sd => 1)::numeric, 3) AS of_few;
SELECT minimum_detectable_effect(3397, baseline => 0.25) AS rate, minimum_detectable_effect(1005, sd => 12) AS mean, minimum_detectable_effect(5, baseline => 0.9) AS none;
-- Unequal arms: the users of the smaller one. statsmodels: TTestIndPower().solve_power(1.5 / 12, alpha=0.05, power=0.8, ratio=9) =
-- 558.33; samplesize_proportions_2indep_onetail(0.03, 0.25, 0.8, ratio=9) = 1863.59. Equal weights change nothing. With two
-- variants besides the control the smaller one is planned: 3 to 1.
SELECT sample_size(1.5, sd => 12, weights => '{"control": 9, "treatment": 1}') AS mean, sample_size(0.03, baseline => 0.25, weights => '{"control": 0.9, "treatment": 0.1}') AS rate,
    sample_size(0.03, baseline => 0.25, weights => '{"a": 2, "b": 2, "off": 0}') AS equal,
    sample_size(1.5, sd => 12, weights => '{"control": 0.6, "a": 0.2, "b": 0.3}') = sample_size(1.5, sd => 12, weights => '{"x": 3, "y": 1}') AS smaller_one;
SELECT round(minimum_detectable_effect(559, sd => 12, weights => '{"control": 9, "treatment": 1}')::numeric, 4) AS mean,
    round(minimum_detectable_effect(1864, baseline => 0.25, weights => '{"control": 9, "treatment": 1}')::numeric, 5) AS rate;
-- Non-inferiority: 180 of 200 against 184 of 200 is 2 % less, not significantly. The score test of a loss of 10 %: z 2.62, one-sided;
-- of a loss of 5 % it finds nothing. The lower bound agrees.
CREATE TABLE cured AS SELECT v AS variant, (n <= CASE v WHEN 'control' THEN 184 ELSE 180 END)::int::float8 AS cured
FROM unnest(ARRAY['control', 'treatment']) AS v, generate_series(1, 200) AS n;
SELECT m.margin, r.difference, round(r.difference_low::numeric, 4) AS low, r.difference_high AS high, round(r.statistic::numeric, 4) AS z, round(r.p_value::numeric, 4) AS p, r.verdict
FROM (VALUES (0.1), (0.05), (NULL)) AS m(margin), ab_compare((SELECT experiment(variant, cured) FROM cured), method => 'proportions', margin => m.margin) AS r
WHERE r.variant = 'treatment';
-- Means: 1 less of 10, with a standard deviation of 1 and 100 users each: t of a loss of 2 is 7, of a loss of 1 it is 0. Where less is
-- better the variant is not inferior by any margin.
CREATE TABLE waits AS SELECT v AS variant, CASE v WHEN 'control' THEN 10 ELSE 9 END + CASE WHEN n % 2 = 0 THEN 1 ELSE -1 END * sqrt(0.99) AS wait
FROM unnest(ARRAY['control', 'treatment']) AS v, generate_series(1, 100) AS n;
SELECT m.better, m.margin, round(r.difference_low::numeric, 4) AS low, round(r.difference_high::numeric, 4) AS high, round(r.statistic::numeric, 4) AS t, round(r.p_value::numeric, 4) AS p, r.verdict
FROM (VALUES ('higher', 2), ('higher', 1), ('lower', 0.1)) AS m(better, margin), ab_compare((SELECT experiment(variant, wait) FROM waits), better => m.better, margin => m.margin) AS r
WHERE r.variant = 'treatment';
-- Sequential: 3.2 standard errors are significant in one look, and not in all. Both verdicts agree with their bounds.
CREATE TABLE peeked AS SELECT v AS variant, CASE v WHEN 'control' THEN 0 ELSE 0.32 END + CASE WHEN n % 2 = 0 THEN 1 ELSE -1 END * sqrt(0.995) AS x
FROM unnest(ARRAY['control', 'treatment']) AS v, generate_series(1, 200) AS n;
SELECT s.sequential, round(r.p_value::numeric, 4) AS p, round(r.always_valid_p::numeric, 4) AS always_p, round(r.p_adjusted::numeric, 4) AS p_adjusted, r.always_valid_low > 0 AS excluded, r.verdict
FROM (VALUES (false), (true)) AS s(sequential), ab_compare((SELECT experiment(variant, x) FROM peeked), sequential => s.sequential) AS r WHERE r.variant = 'treatment';
SELECT round(r.always_valid_p::numeric, 4) AS always_p, r.always_valid_low > 0 AS excluded, r.verdict
FROM ab_compare((SELECT experiment(variant, x) FROM peeked), sequential => true, confidence => 0.5) AS r WHERE r.variant = 'treatment';
SELECT r.alternative, round(c.always_valid_p::numeric, 4) AS always_p FROM unnest('{greater,less}'::text[]) AS r(alternative),
    ab_compare((SELECT experiment(variant, x) FROM peeked), sequential => true, alternative => r.alternative) AS c WHERE c.variant = 'treatment';
-- Over a log, with segments.
SELECT segment, variant, verdict FROM ab_segments('uneven', 'tier', filter => '{"tier": "y"}', sequential => true, margin => 1000, better => 'higher');
-- The Bayes factor of the split by scipy.stats: dirichlet_multinomial.logpmf([560, 440], [5000, 5000], 1000) - multinomial.logpmf(
-- [560, 440], 1000, [.5, .5]) = 0.606961. What one look condemns may happen in one of many.
SELECT users, round(statistic::numeric, 6) AS log_factor, df, round(p_value::numeric, 6) AS p, verdict, reason FROM srm_check('{"control": 560, "treatment": 440}', sequential => true);
SELECT users, round(statistic::numeric, 3) AS log_factor, df, p_value < 1e-6 AS clear, verdict FROM srm_check('{"control": 56000, "treatment": 44000}', sequential => true);
SELECT verdict, reason FROM srm_check('{"control": 7}', sequential => true);
SELECT users, round(statistic::numeric, 6) AS log_factor, p_value, verdict, reason FROM srm_check('{"control": 3, "treatment": 4}', sequential => true);
SELECT verdict, reason FROM srm_check('{"control": 3000000000000, "treatment": 4}', sequential => true);

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
    confidence => NULL, correction => NULL, weights => NULL, better => NULL, cuped_days => NULL, winsorize => NULL, window_days => NULL, mixed => NULL, since => NULL, until => NULL,
    filter => NULL, by => NULL, timezone => NULL, as_of => NULL);
-- One variant only; a control nobody is in.
SELECT variant, verdict, reason FROM ab_compare('log', until => '2024-03-04 09:00Z', variant => 'tier');
SELECT variant, verdict, reason FROM ab_compare('log', control => 'C', weights => '{"A": 1, "B": 1, "C": 1}');
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
SELECT * FROM ab_compare('log', window_days => 0);
SELECT * FROM ab_compare('log', mixed => 'last');
SELECT * FROM ab_compare('log', control => 'contrl');
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
SELECT sample_size(1e-12, sd => 1);
SELECT sample_size(0.1, sd => 1, power => 1);
SELECT sample_size(0.1, sd => 1, comparisons => 0);
SELECT minimum_detectable_effect(1, sd => 1);
SELECT sample_size(0.1, sd => 1, weights => '{"control": 1}');
SELECT sample_size(0.1, sd => 1, weights => '{"control": 1, "treatment": 1e-9}');
SELECT sample_size(0.1, sd => 1, weights => '[1, 2]');
SELECT * FROM ab_compare((SELECT experiment(variant, cured) FROM cured), margin => 0);
SELECT * FROM ab_compare((SELECT experiment(variant, cured) FROM cured), margin => 0.1, better => 'neither');
SELECT * FROM ab_compare((SELECT experiment(variant, cured) FROM cured), margin => 0.1, alternative => 'less');
SELECT * FROM ab_compare((SELECT experiment(variant, cured) FROM cured), margin => 0.1, method => 'fisher');
SELECT * FROM ab_compare((SELECT experiment(variant, cured) FROM cured), margin => 1, method => 'proportions');
SELECT * FROM ab_compare((SELECT experiment_sample(variant, cured) FROM cured), margin => 0.1, method => 'mann_whitney');
SELECT * FROM ab_compare((SELECT experiment_sample(variant, cured) FROM cured), sequential => true, method => 'mann_whitney');
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
