-- How long until something happens: survival, rollup, survival_curve, survival_summary, survival_median,
-- survival_quantile, survival_quantiles, survival_mean, logrank.
CREATE SCHEMA survival;
SET search_path = survival, user_metrics;
SET extra_float_digits = 0;
\pset null '(null)'

-- ===== answers =====

-- Weeks in remission of 42 children with leukaemia (Freireich et al. 1963, as printed in Cox 1972): 21 took
-- 6-mercaptopurine, 21 a placebo. The product of those who go on is 6/7 after 6 weeks (18 of 21), times 16/17 after 7.
CREATE TABLE trial (arm text, weeks int, relapsed boolean);
INSERT INTO trial
SELECT 'drug', abs(w), w > 0 FROM unnest('{6,6,6,-6,7,-9,10,-10,-11,13,16,-17,-19,-20,22,23,-25,-32,-32,-34,-35}'::int[]) AS w
UNION ALL
SELECT 'placebo', w, true FROM unnest('{1,1,2,2,3,4,4,5,5,8,8,8,8,11,11,12,12,15,17,22,23}'::int[]) AS w;
CREATE VIEW arms AS SELECT arm, survival(weeks, relapsed) AS value FROM trial GROUP BY arm;

-- R's survfit prints 0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448; the bounds of log(-log S) at 6 weeks are 0.620 and 0.952.
SELECT c.duration_seconds AS weeks, c.at_risk, c.events, c.censored, round(c.survival::numeric, 3) AS survival,
    round(c.survival_low::numeric, 3) AS low, round(c.survival_high::numeric, 3) AS high
FROM arms AS a, survival_curve(a.value) AS c WHERE a.arm = 'drug';
-- Medians 23 and 8 weeks.
SELECT a.arm, s.* FROM arms AS a, survival_summary(a.value) AS s ORDER BY 1;
SELECT arm, survival_median(value), survival_quantile(value, 0.25) AS p25, survival_quantile(value, 0.9) AS p90 FROM arms ORDER BY 1;
SELECT a.arm, q.* FROM arms AS a, survival_quantiles(a.value) AS q ORDER BY 1, 2;
-- The log-rank statistic of these data is 16.79 in every book.
SELECT groups, round(statistic::numeric, 4) AS statistic, degrees_of_freedom, p_value < 0.0001 AS clear FROM logrank(ARRAY(SELECT value FROM arms));
-- At times of one's own: what happened since the one before; nothing is known beyond the last observation, at 35 weeks.
SELECT c.duration_seconds AS weeks, c.at_risk, c.events, c.censored, round(c.survival::numeric, 3) AS survival
FROM arms AS a, survival_curve(a.value, at_seconds => '{0, 10, 20, 35, 36}') AS c WHERE a.arm = 'drug';
-- The area under the curve of the drug up to 35 weeks is 23.29, with a standard error of 2.83: 17.75 to 28.83. All of the
-- placebo relapsed, so theirs is the plain mean, 182 / 21, for any limit from 23 on. At 36 weeks nothing is known of the drug.
SELECT a.arm, u.until, round(m.mean_seconds::numeric, 2) AS mean, round(m.mean_low::numeric, 2) AS low, round(m.mean_high::numeric, 2) AS high
FROM arms AS a, (VALUES (10), (35), (36)) AS u(until), survival_mean(a.value, u.until) AS m ORDER BY 1, 2;
SELECT a.arm, m.until_seconds, round(m.mean_seconds::numeric, 2) AS mean FROM arms AS a, survival_mean(a.value) AS m ORDER BY 1;
-- R's survfit has bounds of .720 and 1.000 at 6 weeks by default, and .586 and .968 at 10.
SELECT c.duration_seconds AS weeks, round(c.survival_low::numeric, 3) AS low, round(c.survival_high::numeric, 3) AS high
FROM arms AS a, survival_curve(a.value, at_seconds => '{6, 10}', bounds => 'log') AS c WHERE a.arm = 'drug';
-- R: 16 weeks, and no upper bound.
SELECT a.arm, s.median_seconds, s.median_low, s.median_high FROM arms AS a, survival_summary(a.value, bounds => 'log') AS s ORDER BY 1;
SELECT a.arm, q.* FROM arms AS a, survival_quantiles(a.value, '{0.5}', bounds => 'log') AS q ORDER BY 1;
-- Weighted tests: Gehan's statistic of these data is 13.46.
SELECT w.weighting, round(l.statistic::numeric, 2) AS statistic, l.degrees_of_freedom
FROM unnest('{logrank,wilcoxon,tarone_ware,peto}'::text[]) AS w(weighting), logrank(ARRAY(SELECT value FROM arms), weighting => w.weighting) AS l;
-- Two strata of the same patients: the excess and its variance double, and so does the statistic. Without strata, values of one
-- name are one group: of the same patients twice.
SELECT s.strata, l.groups, round(l.statistic::numeric, 4) AS statistic, l.degrees_of_freedom
FROM (SELECT array_agg(value) AS v, array_agg(arm) AS g, array_agg(stratum) AS s FROM arms, (VALUES ('x'), ('y')) AS t(stratum)) AS given,
    (VALUES (true), (false)) AS s(strata), logrank(given.v, given.g, CASE WHEN s.strata THEN given.s END) AS l;
-- By hand: the excess of a is 1/2 in each of x and y, where b has the event after it, and its variance 1/4: 1 / (1/2) = 2.
SELECT l.groups, l.statistic, l.degrees_of_freedom FROM (
    SELECT array_agg(value), array_agg(g), array_agg(s)
    FROM (SELECT g, s, survival(d, true) AS value FROM (VALUES ('a', 'x', 1), ('b', 'x', 2), ('a', 'y', 10), ('b', 'y', 20)) AS t(g, s, d) GROUP BY g, s) AS v
) AS given(v, g, s), logrank(given.v, given.g, given.s) AS l;
-- Late entries: the third enters at 2, when one of two has the event, and is at risk from then on: 1/2, 1/4, 0. Without
-- entries three are at risk at once: 2/3, 1/3, 0.
CREATE TABLE visits (seconds float8, happened boolean, entry float8);
INSERT INTO visits VALUES (2, true, 0), (3, true, 0), (6, true, 2);
SELECT c.duration_seconds, c.at_risk, c.survival, round(o.survival::numeric, 3) AS as_if_from_the_start
FROM (SELECT survival(seconds, happened, entry) AS late, survival(seconds, happened) AS early FROM visits) AS v,
    survival_curve(v.late) AS c JOIN survival_curve(v.early) AS o USING (duration_seconds) ORDER BY 1;
SELECT c.duration_seconds, c.at_risk, c.survival FROM (SELECT survival(seconds, happened, entry) AS value FROM visits) AS v,
    survival_curve(v.value, at_seconds => '{1, 2, 2.5, 4, 7}') AS c;
-- An entry at 0 is none, byte for byte; merged row by row it is the same value.
SELECT survival(seconds, happened, 0)::text = survival(seconds, happened)::text AS same FROM visits;
SELECT (SELECT rollup(v) FROM (SELECT survival(seconds, happened, entry) AS v FROM visits GROUP BY ctid) AS parts)::text = survival(seconds, happened, entry)::text AS same FROM visits;
-- By hand: of b one enters at 1, after the event of one of two of a, beside one of b: excess 1/3, variance 2/9. At 2 one of two
-- of b has the event, beside one of a: excess -1/3, variance 2/9. At 3 one of a, beside one of b: 1/2 and 1/4. At 4 only b is
-- at risk. In all (1/2)² / (25/36) = .36.
SELECT round(l.statistic::numeric, 12) AS statistic FROM (
    SELECT array_agg(value) FROM (SELECT survival(d, true, e) AS value
        FROM (VALUES ('a', 1, 0), ('a', 3, 0.5), ('b', 2, 0), ('b', 4, 1)) AS t(g, d, e) GROUP BY g ORDER BY g) AS v
) AS given(v), logrank(given.v) AS l;
-- Merged from a value a week it is the same value.
SELECT t.arm, rollup(t.value)::text = a.value::text AS same
FROM (SELECT arm, survival(weeks, relapsed) AS value FROM trial GROUP BY arm, weeks) AS t JOIN arms AS a USING (arm)
GROUP BY t.arm, a.value::text ORDER BY 1;

-- ===== edges =====

-- Events come before censorings at the same time: .75, .5, 0.
SELECT c.duration_seconds, c.survival FROM (SELECT survival(d, h) FROM (VALUES (1, true), (2, true), (2, false), (3, true)) AS t(d, h)) AS v(value), survival_curve(v.value) AS c;
-- All censored: the median is not known, nor anything but that nobody went.
SELECT s.* FROM (SELECT survival(d, false) FROM generate_series(1, 5) AS d) AS v(value), survival_summary(v.value) AS s;
SELECT c.* FROM (SELECT survival(d, false) FROM generate_series(1, 2) AS d) AS v(value), survival_curve(v.value) AS c;
-- What cannot be is left out and counted; what is NULL is not counted.
SELECT s.* FROM (SELECT survival(d, h) FROM (VALUES (-1::float8, true), ('NaN', true), ('Infinity', false), (5, true), (NULL, true), (5, NULL)) AS t(d, h)) AS v(value), survival_summary(v.value) AS s;
-- So is what does not end after it began to be observed. Two are left: of an entry at 0, and of one at 4.
SELECT s.observed, s.left_out FROM (SELECT survival(5, true, e) FROM unnest('{0,4,5,6,-1,NaN,Infinity,NULL}'::float8[]) AS e) AS v(value), survival_summary(v.value) AS s;
-- Before the first entry nobody is at risk; the curve is of those who are not there yet.
SELECT c.* FROM (SELECT survival(d, true, 3) FROM generate_series(4, 5) AS d) AS v(value), survival_curve(v.value, at_seconds => '{0, 3, 4}') AS c;
-- Without an event before the limit the mean has no bounds; without durations it has no value.
SELECT m.* FROM (SELECT survival(d, false) FROM generate_series(1, 5) AS d) AS v(value), survival_mean(v.value, 4) AS m;
SELECT * FROM survival_mean(NULL), survival_mean(NULL, 5) AS given;
-- Everybody in strata of their own, a group without a name, and values without one: nobody can be compared; nor can NULLs.
SELECT * FROM logrank(ARRAY(SELECT value FROM arms), '{a,b}', '{x,y}');
SELECT * FROM logrank(ARRAY(SELECT value FROM arms), '{a,a}');
SELECT l.groups, round(l.statistic::numeric, 2) AS statistic FROM logrank(ARRAY(SELECT value FROM arms ORDER BY arm) || ARRAY[NULL::survival], '{a,NULL,b}', '{NULL,NULL,x}', NULL) AS l;
-- No rows.
SELECT survival(1, true) AS value FROM trial WHERE false;
SELECT s.* FROM survival_summary(NULL) AS s;
SELECT c.* FROM survival_curve(NULL) AS c;
SELECT q.* FROM survival_quantiles(NULL) AS q;
SELECT survival_median(NULL), survival_quantile(NULL, 0.5);
-- Ten one after the other: the half is five, whatever floating point makes of a product.
SELECT survival_median(survival(d, true)) FROM generate_series(1, 10) AS d;
-- Groups that cannot be compared: none, one, one beside nobody, none of whom it happened to, all at once.
SELECT * FROM logrank('{}');
SELECT * FROM logrank(ARRAY(SELECT value FROM arms WHERE arm = 'drug'));
SELECT * FROM logrank(ARRAY[(SELECT value FROM arms WHERE arm = 'drug'), NULL]);
SELECT * FROM logrank(ARRAY(SELECT survival(1, false) FROM trial GROUP BY arm));
SELECT * FROM logrank(ARRAY(SELECT survival(1, true) FROM trial GROUP BY arm));
-- Three groups.
SELECT groups, round(statistic::numeric, 6) AS statistic, degrees_of_freedom, round(p_value::numeric, 6) AS p_value
FROM logrank(ARRAY(SELECT survival(weeks, relapsed) FROM trial GROUP BY weeks % 3));
-- Small groups are not shown.
SET user_metrics.min_group_size = 22;
SELECT a.arm, s.* FROM arms AS a, survival_summary(a.value) AS s ORDER BY 1;
SELECT count(c.*), count(survival_median(a.value)), count(q.seconds) FROM arms AS a LEFT JOIN survival_curve(a.value) AS c ON true LEFT JOIN survival_quantiles(a.value) AS q ON true;
SELECT * FROM logrank(ARRAY(SELECT value FROM arms));
SELECT * FROM logrank(ARRAY(SELECT value FROM arms), '{a,b}', '{x,x}');
SELECT a.arm, m.* FROM arms AS a, survival_mean(a.value, 5) AS m;
RESET user_metrics.min_group_size;
-- In a window it may be read again and again.
SELECT weeks, survival_median(survival(weeks, relapsed) OVER (ORDER BY weeks)) AS so_far FROM trial WHERE arm = 'placebo' ORDER BY weeks LIMIT 5;

-- NULL stands for the default; of a quantile that is not told nothing is known.
SELECT count(*) FILTER (WHERE s.* IS DISTINCT FROM d.*) AS other_summaries, count(*) AS summaries
FROM arms AS a, survival_summary(a.value, NULL) AS s, survival_summary(a.value) AS d;
SELECT count(*) AS other_quantiles FROM arms AS a, LATERAL (
    (SELECT q.* FROM survival_quantiles(a.value, NULL, NULL) AS q EXCEPT SELECT d.* FROM survival_quantiles(a.value) AS d)
    UNION ALL
    (SELECT d.* FROM survival_quantiles(a.value) AS d EXCEPT SELECT q.* FROM survival_quantiles(a.value, NULL, NULL) AS q)
) AS o;
SELECT count(survival_quantile(value, NULL)) AS quantiles, count(survival_quantile(value, 0.5)) AS medians FROM arms;

-- ===== errors =====

\set VERBOSITY verbose
\set SHOW_CONTEXT never
SELECT c.* FROM arms AS a, survival_curve(a.value, confidence => 95) AS c;
SELECT c.* FROM survival_curve(NULL, confidence => 'NaN') AS c;
SELECT c.* FROM arms AS a, survival_curve(a.value, at_seconds => '{2, 1}') AS c;
SELECT c.* FROM arms AS a, survival_curve(a.value, at_seconds => '{-1}') AS c;
SELECT survival_quantile(value, 50) FROM arms;
SELECT q.* FROM arms AS a, survival_quantiles(a.value, '{0.5, 1}') AS q;
SELECT '\x05'::survival;
SELECT (SELECT activity(arm, now()) FROM trial)::text::survival;
SELECT * FROM logrank(ARRAY(SELECT survival(n, true) FROM generate_series(1, 101) AS n GROUP BY n));
SELECT c.* FROM arms AS a, survival_curve(a.value, bounds => 'plain') AS c;
SELECT m.* FROM arms AS a, survival_mean(a.value, 0) AS m;
SELECT m.* FROM survival_mean(NULL, 'Infinity') AS m;
SELECT * FROM logrank(ARRAY(SELECT value FROM arms), '{a}');
SELECT * FROM logrank(ARRAY(SELECT value FROM arms), '{a,b}', '{x,y,z}');
SELECT * FROM logrank(ARRAY(SELECT value FROM arms), strata => '{x,y}');
SELECT * FROM logrank(ARRAY(SELECT value FROM arms), weighting => 'gehan');
\set VERBOSITY default

-- ===== plan =====

CREATE TABLE big AS SELECT (i * 7919) % 1000 / 4.0 AS seconds, i % 3 = 0 AS happened, i % 4 AS arm FROM generate_series(1, 100000) AS i;
ANALYZE big;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT survival(seconds, happened) FROM big;
EXPLAIN (COSTS OFF) SELECT survival(seconds, happened, seconds / 2) FROM big;
-- As many distinct durations as there are, whatever the rows.
SELECT count(*), sum(c.events), sum(c.censored) FROM (SELECT survival(seconds, happened) AS value FROM big) AS v, survival_curve(v.value) AS c;
SET max_parallel_workers_per_gather = 0;
SELECT pg_column_size(survival(seconds, happened)) < 12000 AS small FROM big;

SET client_min_messages = warning;
DROP SCHEMA survival CASCADE;
