"""Random groups of durations, the queries over them, and checks of the results."""

import math
from dataclasses import dataclass

from oracle.survival.definitions import (
    expected_curve, expected_mean, expected_quantiles, expected_summary, expected_test)


def random_rows(rng, late):
    """Durations of a group: whole hours, so that there are ties, or any; some of them invalid, and some entered late."""
    size = rng.choice([0, 1, 2, 5, 20, 60])
    scale = rng.choice([1, 5, 100, 1e6])
    event = rng.choice([0, 0.2, 0.6, 0.9, 1])
    rows = []
    for _ in range(size):
        seconds = rng.expovariate(1 / scale) if scale > 5 and rng.random() < 0.5 else float(rng.randrange(int(2 * scale) + 1))
        if rng.random() < 0.03:
            seconds = rng.choice([-1.0, -0.0, math.nan, math.inf, -math.inf, None])
        entry = 0.0
        if late and rng.random() < 0.6:
            entry = rng.choice([0.0, 1.0, float(rng.randrange(int(scale) + 1)), rng.random() * scale, -1.0, math.nan])
            if rng.random() < 0.7 and seconds is not None and math.isfinite(seconds):
                seconds += max(entry, 0.0) if math.isfinite(entry) else 0.0
            entry = None if rng.random() < 0.01 else entry
        rows.append((seconds, None if rng.random() < 0.01 else rng.random() < event, entry))
    return rows


@dataclass
class Terms:
    """The arguments of the calls of a batch."""

    confidence: float
    bounds: str
    until: float | None
    weighting: str


def literal(value):
    return "NULL" if value is None else f"'{value}'"


def near(one, other, tolerance=1e-9):
    if one is None or other is None or isinstance(one, str):
        return one == other
    return abs(one - other) <= tolerance * max(1.0, abs(one), abs(other))


def differing(expected, got):
    if len(expected) != len(got):
        return f"{len(expected)} rows expected, got {len(got)}"
    for one, other in zip(expected, got):
        if len(one) != len(other) or not all(map(near, one, other)):
            return f"expected {one}\n  got      {other}"
    return None


QUERY = """
WITH groups AS MATERIALIZED (
    SELECT g.case_number, g.arm, {value} AS value FROM (
        SELECT c.n AS case_number, a.n AS arm FROM generate_series({first}, {last}) AS c(n), generate_series(0, 4) AS a(n)
    ) AS g LEFT JOIN durations AS d USING (case_number, arm)
    GROUP BY g.case_number, g.arm
)
SELECT json_build_object(
    'case', g.case_number,
    'curves', json_agg((SELECT json_agg(json_build_array(s.duration_seconds, s.at_risk, s.events, s.censored,
        s.survival, s.survival_low, s.survival_high) ORDER BY s.duration_seconds)
        FROM user_metrics.survival_curve(g.value, confidence => {confidence}, bounds => '{bounds}') AS s) ORDER BY g.arm),
    'means', json_agg((SELECT json_build_array(m.until_seconds, m.mean_seconds, m.mean_low, m.mean_high)
        FROM user_metrics.survival_mean(g.value, {until}, {confidence}) AS m) ORDER BY g.arm),
    'quantiles', json_agg((SELECT json_agg(json_build_array(q.quantile, q.seconds, q.seconds_low, q.seconds_high)
        ORDER BY q.quantile)
        FROM user_metrics.survival_quantiles(g.value, '{{0.1,0.25,0.5,0.75,0.9}}', {confidence}, '{bounds}') AS q) ORDER BY g.arm),
    'summaries', json_agg((SELECT json_build_array(s.observed, s.events, s.censored, s.left_out, s.median_seconds,
        s.median_low, s.median_high, user_metrics.survival_median(g.value), user_metrics.survival_quantile(g.value, 0.25))
        FROM user_metrics.survival_summary(g.value, {confidence}, '{bounds}') AS s) ORDER BY g.arm),
    'test', (SELECT json_build_array(t.statistic, t.degrees_of_freedom, t.p_value)
        FROM user_metrics.logrank(array_agg(g.value)) AS t),
    'stratified', (SELECT json_build_array(t.statistic, t.degrees_of_freedom, t.p_value)
        FROM user_metrics.logrank(array_agg(g.value), array_agg('g' || g.arm % 2), array_agg('s' || g.arm / 2), '{weighting}') AS t)
)
FROM groups AS g GROUP BY g.case_number ORDER BY g.case_number
"""


def values(late):
    """In one pass, and merged from parts."""
    entry = ", {}.entry" if late else ""
    return (f"user_metrics.survival(d.seconds, d.happened{entry.format('d')})",
            f"(SELECT user_metrics.rollup(p.value) FROM (SELECT user_metrics.survival(e.seconds, e.happened{entry.format('e')}) "
            "AS value FROM durations AS e WHERE e.case_number = g.case_number AND e.arm = g.arm GROUP BY e.part) AS p)")


def complaints(groups, answer, terms):
    for arm, rows in enumerate(groups):
        steps = expected_curve(rows, terms.confidence, terms.bounds)
        wrong = differing(steps, answer["curves"][arm] or [])
        if wrong:
            yield f"curve of {rows}: {wrong}"
            continue
        wrong = differing([expected_mean(rows, terms.until, terms.confidence)], [answer["means"][arm]])
        if wrong:
            yield f"mean of {rows}: {wrong}"
        quantiles = expected_quantiles(rows, steps)
        wrong = differing(quantiles, answer["quantiles"][arm])
        if wrong:
            yield f"quantiles of {rows}: {wrong}"
        wrong = differing([expected_summary(rows, quantiles)], [answer["summaries"][arm]])
        if wrong:
            yield f"summary of {rows}: {wrong}"
    tests = {"test": ([(arm, 0, rows) for arm, rows in enumerate(groups)], "logrank"),
             "stratified": ([(arm % 2, arm // 2, rows) for arm, rows in enumerate(groups)], terms.weighting)}
    for name, (samples, weighting) in tests.items():
        statistic, freedom, p = expected_test(samples, weighting)
        got = answer[name]
        if freedom != got[1] or not (near(statistic, got[0], 1e-7) and near(p, got[2], 1e-7)):
            yield f"{name} of {groups}: expected {(statistic, freedom, p)}, got {got}"
