-- Users' figures by variant as values: experiment, experiment_ratio, experiment_sample, rollup, and ab_compare over them.
CREATE SCHEMA experiment;
SET search_path = experiment, user_metrics;
SET extra_float_digits = 0;
\pset null '(null)'

-- ===== answers =====

-- Hours of sleep gained by two drugs (Student 1908). R's t.test(extra ~ group, data = sleep): t = -1.8608, df = 17.776,
-- p-value = 0.07939, 95 % from -3.3654832 to 0.2054832 for the first less the second; means 0.75 and 2.33.
CREATE TABLE sleep (drug text, extra float8);
INSERT INTO sleep SELECT 'first', unnest(ARRAY[0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]);
INSERT INTO sleep SELECT 'second', unnest(ARRAY[1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]);
\x
SELECT * FROM ab_compare((SELECT experiment(drug, extra) FROM sleep));
-- One-sided, half the chance: 0.0397. One bound.
SELECT variant, difference_low, difference_high, p_value FROM ab_compare((SELECT experiment(drug, extra) FROM sleep), alternative => 'greater') WHERE variant = 'second';
SELECT variant, difference_low, difference_high, p_value FROM ab_compare((SELECT experiment(drug, extra) FROM sleep), control => 'second', alternative => 'less') WHERE variant = 'first';
-- 43 of 100 against 31 of 100. Pooled: 0.12 / sqrt(0.37 * 0.63 * 2 / 100) = 1.7576, p = 0.0788.
-- The differences that the score test does not reject: -0.013849 to 0.249929 (brute force over the likelihood). The lift
-- (statsmodels, confint_proportions_2indep(43, 100, 31, 100, compare='ratio', method='score', correction=False)): -0.036510 to 1.014735.
CREATE TABLE shares AS
SELECT variant, (n <= successes)::int AS converted
FROM (VALUES ('control', 31), ('treatment', 43)) AS v(variant, successes), generate_series(1, 100) AS n;
SELECT * FROM ab_compare((SELECT experiment(variant, converted) FROM shares), method => 'proportions') WHERE variant = 'treatment';
\x
-- 10 and 30 of a million: p = 0.0016, and the bounds of the lift say the same. statsmodels' score bounds: 0.487945 to 5.048621.
CREATE TABLE rare AS SELECT variant, (n <= successes)::int AS converted FROM (VALUES ('control', 10), ('treatment', 30)) AS v(variant, successes), generate_series(1, 1000000) AS n;
SELECT p_value, relative_lift, lift_low, lift_high, verdict FROM ab_compare((SELECT experiment(variant, converted) FROM rare), method => 'proportions') WHERE variant = 'treatment';
DROP TABLE rare;
-- Fieller's bounds for the means of sleep. The control's are not clear of 0: 0.75 at an error of 0.5657. Five hours more are.
SELECT lift_low, lift_high, reason FROM ab_compare((SELECT experiment(drug, extra) FROM sleep)) WHERE variant = 'second';
SELECT difference_low < 0 AND difference_high > 0 AS unclear, lift_low, lift_high FROM ab_compare((SELECT experiment(drug, extra + 5) FROM sleep)) WHERE variant = 'second';
-- The lady tasting tea: 3 of 4 against 1 of 4, p = 34 / 70 = 0.485714; one-sided 17 / 70 = 0.242857. The odds ratio is 9.
CREATE TABLE tea AS SELECT * FROM (VALUES ('a', 1), ('a', 0), ('a', 0), ('a', 0), ('b', 1), ('b', 1), ('b', 1), ('b', 0)) AS v(variant, x);
SELECT a.alternative, c.statistic, c.p_value, c.verdict, c.reason
FROM unnest(ARRAY['two_sided', 'greater']) AS a(alternative),
    LATERAL ab_compare((SELECT experiment(variant, x) FROM tea), method => 'proportions', alternative => a.alternative) AS c
WHERE c.variant = 'b';
-- Ratios: 2 + 4 + 6 of 4 + 6 + 10 requests against 1 + 1 + 4 of 2 + 4 + 6: 0.6 and 0.5, not the mean of users' ratios.
CREATE TABLE ratios AS SELECT * FROM (VALUES ('a', 1, 2), ('a', 1, 4), ('a', 4, 6), ('b', 2, 4), ('b', 4, 6), ('b', 6, 10)) AS v(variant, x, y);
SELECT variant, users, mean, difference FROM ab_compare((SELECT experiment_ratio(variant, x, y) FROM ratios));
-- Ranks: of 1 2 2 5, 2 is above one and level with two (1 + 2/2), 6 and 7 above all four: U = 2 + 4 + 4 = 10.
-- scipy.stats.mannwhitneyu([2, 6, 7], [1, 2, 2, 5], method='asymptotic'): p = 0.19909.
CREATE TABLE ranks AS SELECT 'a' AS variant, unnest(ARRAY[1, 2, 2, 5]) AS x UNION ALL SELECT 'b', unnest(ARRAY[2, 6, 7]);
SELECT statistic, p_value, difference, difference_low, verdict FROM ab_compare((SELECT experiment_sample(variant, x) FROM ranks), method => 'mann_whitney') WHERE variant = 'b';
-- Lists: the median of 1 2 3 4 is 2.5 and of 7 9 it is 8, interpolated as percentile_cont does. The mean is 10 of 4 and 16 of 2.
CREATE TABLE lists AS SELECT * FROM (VALUES ('a', '{1,3,2}'::float8[]), ('a', '{4}'), ('b', '{7,NULL,NaN}'), ('b', '{9}'), ('b', '{}'), ('b', NULL)) AS v(variant, list);
SELECT q, r.variant, r.users, r.missing_users, r.mean, r.difference FROM unnest(ARRAY[0.5, 0.9]) AS q,
    LATERAL ab_compare((SELECT experiment_lists(variant, list) FROM lists), method => 'quantile', quantile => q) AS r;
SELECT variant, mean FROM ab_compare((SELECT experiment_lists(variant, list) FROM lists));
-- What was known before explains nearly all: the same figures, a tenth of the width.
CREATE TABLE before AS
SELECT CASE WHEN n % 2 = 0 THEN 'control' ELSE 'treatment' END AS variant, n % 37 AS earlier,
    n % 37 + 1.0 * (n % 2) + (n % 5) * 0.2 AS later
FROM generate_series(1, 740) AS n;
SELECT 'without' AS covariate, difference, difference_high - difference_low AS width, verdict FROM ab_compare((SELECT experiment(variant, later) FROM before)) WHERE variant = 'treatment'
UNION ALL
SELECT 'with', difference, difference_high - difference_low, verdict FROM ab_compare((SELECT experiment(variant, later, earlier) FROM before)) WHERE variant = 'treatment';
-- tea-tasting 1.14.0 over the same users, with use_t=True, equal_var=False: Mean("revenue") has a difference of 3.266667 from
-- -1.905442 to 8.438775, p = 0.211190; Mean("revenue", "before") means of 22.411185 and 24.488815, 2.077631 from 0.173079 to 3.982182,
-- p = 0.033049; RatioOfMeans("revenue", "orders") 3.462963 and 4.324713, 0.861750 from -0.453353 to 2.176852, p = 0.194610.
CREATE TABLE tea_tasting AS
SELECT n % 2 AS variant, (n * 7) % 23 AS before, (n * 5) % 11 + 1 AS orders, (n * 7) % 23 * 1.5 + n % 2 * 2 + (n * 3) % 13 AS revenue
FROM generate_series(0, 59) AS n;
SELECT m.metric, round(r.control_mean::numeric, 6) AS control, round(r.mean::numeric, 6) AS treatment, round(r.difference::numeric, 6) AS difference,
    round(r.difference_low::numeric, 6) AS low, round(r.difference_high::numeric, 6) AS high, round(r.p_value::numeric, 6) AS p
FROM (
    SELECT 1, 'mean', experiment(variant::text, revenue) FROM tea_tasting
    UNION ALL SELECT 2, 'adjusted', experiment(variant::text, revenue, before) FROM tea_tasting
    UNION ALL SELECT 3, 'ratio', experiment_ratio(variant::text, revenue, orders) FROM tea_tasting
) AS m(place, metric, value), LATERAL ab_compare(m.value) AS r
WHERE r.variant = '1' ORDER BY m.place;
-- Three comparisons: Holm takes the least three times, the next twice; Benjamini and Hochberg 3/1, 3/2, 3/3.
CREATE TABLE many AS
SELECT v.variant, v.mean + (n % 10) AS x FROM (VALUES ('a', 0), ('b', 1.2), ('c', 0.9), ('d', 0.1)) AS v(variant, mean), generate_series(1, 100) AS n;
SELECT c.correction, r.variant, r.p_value, r.p_adjusted / r.p_value AS times, r.verdict
FROM unnest(ARRAY['holm', 'benjamini_hochberg', 'none']) WITH ORDINALITY AS c(correction, place),
    LATERAL ab_compare((SELECT experiment(variant, x) FROM many), correction => c.correction) AS r
WHERE r.variant <> 'a' ORDER BY c.place, r.variant;
-- Which direction is good.
SELECT b.better, r.verdict, r.probability_better FROM unnest(ARRAY['higher', 'lower', 'neither']) AS b(better),
    LATERAL ab_compare((SELECT experiment(variant, x) FROM many WHERE variant IN ('a', 'b')), better => b.better) AS r WHERE r.variant = 'b';
-- 560 and 440 users are not 500 and 500: chi-squared 14.4, p = 0.000148. They are 560 and 440, if that was the plan.
CREATE TABLE uneven AS SELECT CASE WHEN n <= 560 THEN 'control' ELSE 'treatment' END AS variant, n % 7 AS x FROM generate_series(1, 1000) AS n;
SELECT variant, srm_p_value, verdict FROM ab_compare((SELECT experiment(variant, x) FROM uneven));
SELECT variant, srm_p_value, verdict FROM ab_compare((SELECT experiment(variant, x) FROM uneven), weights => '{"control": 56, "treatment": 44}');

-- ===== edges =====

-- Nobody, one variant, one user, no variance: NULL and a reason.
SELECT * FROM ab_compare((SELECT experiment(drug, extra) FROM sleep WHERE false));
SELECT * FROM ab_compare((SELECT experiment(NULL, extra) FROM sleep));
CREATE FUNCTION told(value experiment_moments, method text DEFAULT 'welch') RETURNS SETOF text LANGUAGE sql AS $$
    SELECT format('%s: %s users, difference %s from %s to %s, p %s, always from %s, better %s, %s: %s', r.variant, r.users, r.difference, r.difference_low, r.difference_high,
        r.p_value, r.always_valid_low, r.probability_better, r.verdict, r.reason)
    FROM user_metrics.ab_compare(value, method => method) AS r
$$;
SELECT * FROM told((SELECT experiment('only', extra) FROM sleep));
SELECT * FROM told((SELECT experiment(v, x) FROM (VALUES ('a', 1.0::float8), ('b', 2), ('b', 3)) AS u(v, x)));
SELECT * FROM told((SELECT experiment(v, 5) FROM unnest(ARRAY['a', 'a', 'b', 'b']) AS v));
SELECT * FROM told((SELECT experiment(v, x) FROM (VALUES ('a', 5.0::float8), ('a', 5), ('b', 6), ('b', 6)) AS u(v, x)));
SELECT * FROM told((SELECT experiment(v, x) FROM (VALUES ('a', 5.0::float8), ('a', 5), ('b', 6), ('b', 7)) AS u(v, x)));
-- 0 of 10 and 0 of 10, and all of 10: no test, but bounds. Wilson's 0 of 10 reaches up to 0.27753.
SELECT * FROM told((SELECT experiment(v, 0) FROM unnest(ARRAY['a', 'b']) AS v, generate_series(1, 10)), 'proportions');
SELECT * FROM told((SELECT experiment(v, 1) FROM unnest(ARRAY['a', 'b']) AS v, generate_series(1, 10)), 'proportions');
SELECT * FROM told((SELECT experiment_sample(v, 1) FROM unnest(ARRAY['a', 'b']) AS v, generate_series(1, 10)), 'mann_whitney');
-- A figure that is none leaves a user who is counted; NULL, blank variants are none.
SELECT variant, users, missing_users, mean FROM ab_compare((SELECT experiment(v, x) FROM (VALUES ('a', 1.0::float8), ('a', 2), ('a', NULL), ('a', 'NaN'), ('a', 'Infinity'), ('b', 3), ('b', NULL), (NULL, 9), ('', 9), (' ', 9)) AS u(v, x)));
SELECT * FROM told((SELECT experiment(v, x) FROM (VALUES ('a', NULL::float8), ('a', NULL), ('b', 3), ('b', 4)) AS u(v, x)));
-- Denominators that sum to 0; covariates that do not vary.
SELECT * FROM told((SELECT experiment_ratio(v, 1, 0) FROM unnest(ARRAY['a', 'a', 'b', 'b']) AS v));
SELECT reason FROM ab_compare((SELECT experiment(variant, x, 1) FROM many WHERE variant IN ('a', 'b')));
-- A covariate that is none leaves a user without a figure.
SELECT variant, users, missing_users, mean FROM ab_compare((SELECT experiment(v, x, y) FROM (VALUES ('a', 1.0::float8, 1.0::float8), ('a', 2, 2), ('a', 9, NULL), ('a', 9, 'NaN'), ('a', 9, 'Infinity'), ('b', 3, 1), ('b', 5, 2)) AS u(v, x, y)));
-- A control at 0 has no lift; one about 0 has no bounds of it; below 0 upwards is upwards.
SELECT * FROM told((SELECT experiment(v, x) FROM (VALUES ('a', 0.0::float8), ('a', 0), ('b', 3), ('b', 4)) AS u(v, x)));
SELECT relative_lift, lift_low, reason FROM ab_compare((SELECT experiment(v, x) FROM (VALUES ('a', -1.0::float8), ('a', 1.5), ('b', 3), ('b', 4)) AS u(v, x))) WHERE variant = 'b';
SELECT difference, relative_lift, lift_low < lift_high AS in_order, probability_better > 0.5 AS upwards FROM ab_compare((SELECT experiment(variant, x - 20) FROM many WHERE variant IN ('a', 'b'))) WHERE variant = 'b';
-- An offset changes no variance; huge and tiny figures do not harm the others.
SELECT o AS offset, r.sd, r.p_value FROM unnest(ARRAY[0, 1e9, -1e9]) AS o, LATERAL ab_compare((SELECT experiment(variant, round(x * 10) + o) FROM many WHERE variant IN ('a', 'b'))) AS r WHERE r.variant = 'b';
SELECT variant, mean FROM ab_compare((SELECT experiment(v, x) FROM (VALUES ('a', 1e300::float8), ('a', 1), ('a', -1e300), ('a', 1e-300)) AS u(v, x)));
SELECT * FROM told((SELECT experiment(v, x) FROM (VALUES ('a', 1e300::float8), ('a', -1e300), ('b', 1e300), ('b', 2e300)) AS u(v, x)));
-- Nor do they pass for figures that do not vary, whose sd would be 0.
SELECT variant, users, sd IS NULL AS sd_unknown, p_value, verdict, reason FROM ab_compare((
    SELECT experiment(CASE WHEN n % 2 = 0 THEN 'control' ELSE 'treatment' END, 1e300 * (n % 7)) FROM generate_series(1, 1000) AS n));
-- Merged from parts: the same bytes as in one pass, in any order.
SELECT count(DISTINCT value::text) AS forms FROM (
    SELECT experiment(variant, x) AS value FROM many
    UNION ALL SELECT experiment(variant, x ORDER BY x DESC, variant) FROM many
    UNION ALL SELECT rollup(part) FROM (SELECT experiment(variant, x) AS part FROM many GROUP BY x::int % 3) AS parts
    UNION ALL SELECT (SELECT experiment(variant, x) FROM many)::text::experiment_moments
) AS ways;
-- Variants in any alphabet and of any length.
SELECT variant, users FROM ab_compare((SELECT experiment(v, 1) FROM unnest(ARRAY['Ä', 'z', '🙂', '"', repeat('x', 300)]) AS v)) ORDER BY users, left(variant, 10) COLLATE "C" LIMIT 4;
-- Small groups are hidden, and what would tell of them.
SET user_metrics.min_group_size = 3;
SELECT * FROM told((SELECT experiment(v, x) FROM (VALUES ('a', 1.0::float8), ('a', 2), ('a', 3), ('b', 3), ('b', 4), ('c', 1), ('c', 2), ('c', 3)) AS u(v, x)));
SELECT * FROM told((SELECT experiment(v, x) FROM (VALUES ('a', 1.0::float8), ('a', 2), ('b', 3), ('b', 4), ('b', 5)) AS u(v, x)));
RESET user_metrics.min_group_size;

-- ===== errors =====

\set VERBOSITY verbose
\set SHOW_CONTEXT never
SELECT * FROM ab_compare((SELECT experiment(drug, extra) FROM sleep), method => 'bayes');
SELECT * FROM ab_compare((SELECT experiment(drug, extra) FROM sleep), method => 'proportions');
SELECT * FROM ab_compare((SELECT experiment(drug, extra) FROM sleep), method => 'mann_whitney');
SELECT * FROM ab_compare((SELECT experiment_ratio(variant, x, y) FROM ratios), method => 'fisher');
SELECT * FROM ab_compare((SELECT experiment(drug, extra) FROM sleep), method => 'quantile');
SELECT * FROM ab_compare((SELECT experiment_lists(variant, list) FROM lists), method => 'quantile', quantile => 1);
SELECT experiment(n::text, 1) IS NULL FROM generate_series(1, 1001) AS n;
SELECT * FROM ab_compare((SELECT experiment(drug, extra) FROM sleep), alternative => 'up');
SELECT * FROM ab_compare((SELECT experiment(drug, extra) FROM sleep), control => 'frist');
SELECT * FROM ab_compare((SELECT experiment(drug, extra) FROM sleep), confidence => 95);
SELECT * FROM ab_compare((SELECT experiment(drug, extra) FROM sleep), confidence => 'NaN');
SELECT * FROM ab_compare((SELECT experiment(drug, extra) FROM sleep), correction => 'bonferroni');
SELECT * FROM ab_compare((SELECT experiment(drug, extra) FROM sleep), better => 'up');
SELECT * FROM ab_compare((SELECT experiment(drug, extra) FROM sleep), weights => '{"first": 1, "second": 0}');
SELECT * FROM ab_compare((SELECT experiment(drug, extra) FROM sleep), weights => '{"first": 1, "second": "half"}');
SELECT * FROM ab_compare((SELECT experiment(drug, extra) FROM sleep), weights => '[1, 2]');
SELECT rollup(value) FROM (SELECT experiment(drug, extra) AS value FROM sleep UNION ALL SELECT experiment_ratio(drug, extra, 1) FROM sleep) AS v;
SELECT 'x'::experiment_moments;
SELECT '\x00'::experiment_moments;
SET user_metrics.max_state_memory = '64kB';
SELECT experiment(n::text, 1) IS NULL FROM generate_series(1, 1000) AS n;
RESET user_metrics.max_state_memory;
\set VERBOSITY default

-- ===== plan =====

-- One pass, whatever the number of variants.
EXPLAIN (COSTS OFF) SELECT experiment(variant, x) FROM many;
SELECT user_metrics_internal.live_states();
SET client_min_messages = warning;
DROP SCHEMA experiment CASCADE;
