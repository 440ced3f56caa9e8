"""The oracle for survival: random durations through the extension and through lifelines.

    python3 tests/oracle/survival.py [--cases N] [--seed S] [--self-test]

Needs a server with the extension installed, named by libpq's environment variables, and a superuser; works in a
database of its own and drops it. lifelines is Cameron Davidson-Pilon's package (https://lifelines.readthedocs.io); it
is installed into target/oracle-venv when it is not there, and this program goes on in it.

A case is a few groups of durations, ended or running, with ties, zeros and what cannot be. Compared are every step of
every group's curve with its bounds, its quantiles with theirs, its summary, and the log-rank test of all groups. Where the two may
differ is said at each.
"""

import argparse
import json
import math
import os
import random
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "oracle-venv"
PACKAGES = ("lifelines==0.30.3", "numpy==2.4.6", "pandas==2.3.3", "scipy==1.17.1")

try:
    import numpy
    from lifelines import KaplanMeierFitter
    from lifelines.statistics import multivariate_logrank_test
    from lifelines.utils import qth_survival_times
except ImportError:
    if Path(sys.prefix) == VENV:
        raise
    if not (VENV / "bin" / "python3").exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    subprocess.run([str(VENV / "bin" / "pip"), "install", "--quiet", *PACKAGES], check=True, stdin=subprocess.DEVNULL)
    os.execv(str(VENV / "bin" / "python3"), [str(VENV / "bin" / "python3"), *sys.argv])

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent)]

from psql import Session, fresh_database                       # noqa: E402

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
ENOUGH_FAILURES = 10


def counts(row):
    """Whether a row can be counted at all."""
    seconds, happened = row
    return seconds is not None and happened is not None and math.isfinite(seconds) and seconds >= 0


def expected_curve(rows, confidence):
    """(seconds, at_risk, events, censored, survival, low, high) of every step, by lifelines."""
    rows = [row for row in rows if counts(row)]
    if not rows:
        return []
    fitter = KaplanMeierFitter(alpha=1 - confidence).fit([s for s, _ in rows], [h for _, h in rows])
    table, shares = fitter.event_table, fitter.survival_function_.iloc[:, 0]
    bounds = fitter.confidence_interval_
    steps = []
    for seconds in table.index:
        share = shares.loc[seconds]
        # lifelines has 1 and 1, or 0 and 0, where Greenwood's formula knows nothing; here nothing is said.
        known = 1e-13 < share < 1 - 1e-13
        low, high = bounds.loc[seconds] if known else (None, None)
        at_risk = sum(s >= seconds for s, _ in rows)
        steps.append((seconds, at_risk, int(table.observed[seconds]), int(table.censored[seconds]), share, low, high))
    return steps


def crossing(steps, place, rest):
    """The first time a column of the curve is no more than the rest; steps without bounds are all or none left."""
    for seconds, _, _, _, share, low, high in steps:
        value = {"share": share, "low": share if low is None else low, "high": 1 if high is None else high}[place]
        if value <= rest + 1e-12:
            return seconds
    return None


def expected_quantiles(rows, steps):
    """(share, seconds, low, high), the time by lifelines' own function where it is not a question of rounding."""
    answers = []
    rows = [row for row in rows if counts(row)]
    fitter = KaplanMeierFitter().fit([s for s, _ in rows], [h for _, h in rows]) if rows else None
    for share in QUANTILES:
        rest = 1 - share
        seconds = crossing(steps, "share", rest)
        if fitter is not None and not any(abs(step[4] - rest) < 1e-9 for step in steps):
            theirs = qth_survival_times(rest, fitter.survival_function_)
            assert (None if math.isinf(theirs) else theirs) == seconds, (theirs, seconds)
        answers.append((share, seconds, crossing(steps, "low", rest), crossing(steps, "high", rest)))
    return answers


def expected_summary(rows, quantiles):
    """What survival_summary says, and behind it survival_median and survival_quantile of a quarter."""
    known = [row for row in rows if None not in row]
    counted = [row for row in known if counts(row)]
    events = sum(happened for _, happened in counted)
    times = {share: (seconds, low, high) for share, seconds, low, high in quantiles}
    return (len(counted), events, len(counted) - events, len(known) - len(counted), *times[0.5], times[0.5][0], times[0.25][0])


def expected_test(groups):
    """(statistic, df, p) by lifelines; None where it has no answer or the groups cannot be compared with each other."""
    groups = [[row for row in rows if counts(row)] for rows in groups]
    everyone = [(s, h, g) for g, rows in enumerate(groups) for s, h in rows]
    times = sorted({s for s, h, _ in everyone if h})
    # Groups are compared where both have somebody at risk at a time at which not all fall: what connects them.
    group_of = list(range(len(groups)))
    for time in times:
        at_risk = [(g, h and s == time) for s, h, g in everyone if s >= time]
        if not all(falls for _, falls in at_risk):
            joined = {group_of[g] for g, _ in at_risk}
            group_of = [min(joined) if g in joined else g for g in group_of]
    compared = [g for g in range(len(groups)) if group_of.count(group_of[g]) > 1]
    freedom = len(compared) - len({group_of[g] for g in compared})
    if freedom == 0:
        return None, 0, None
    if len({group_of[g] for g in compared}) > 1:
        return "not asked", freedom, None
    kept = [(s, h, g) for s, h, g in everyone if g in compared]
    # Times at which groups left out are at risk alone change nothing.
    test = multivariate_logrank_test([s for s, _, _ in kept], [g for _, _, g in kept], [h for _, h, _ in kept])
    return float(test.test_statistic), freedom, float(test.p_value)


def random_rows(rng):
    """Durations of a group: whole hours, so that they tie, or any; some of them impossible."""
    size = rng.choice([0, 1, 2, 5, 20, 60])
    scale = rng.choice([1, 5, 100, 1e6])
    event = rng.choice([0, 0.2, 0.6, 0.9, 1])
    rows = []
    for _ in range(size):
        seconds = rng.expovariate(1 / scale) if scale > 5 and rng.random() < 0.5 else float(rng.randrange(int(2 * scale) + 1))
        if rng.random() < 0.03:
            seconds = rng.choice([-1.0, -0.0, math.nan, math.inf, -math.inf, None])
        rows.append((seconds, None if rng.random() < 0.01 else rng.random() < event))
    return rows


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
        FROM user_metrics.survival_curve(g.value, confidence => {confidence}) AS s) ORDER BY g.arm),
    'quantiles', json_agg((SELECT json_agg(json_build_array(q.quantile, q.seconds, q.seconds_low, q.seconds_high)
        ORDER BY q.quantile)
        FROM user_metrics.survival_quantiles(g.value, '{{0.1,0.25,0.5,0.75,0.9}}', {confidence}) AS q) ORDER BY g.arm),
    'summaries', json_agg((SELECT json_build_array(s.observed, s.events, s.censored, s.left_out, s.median_seconds,
        s.median_low, s.median_high, user_metrics.survival_median(g.value), user_metrics.survival_quantile(g.value, 0.25))
        FROM user_metrics.survival_summary(g.value, {confidence}) AS s) ORDER BY g.arm),
    'test', (SELECT json_build_array(t.statistic, t.degrees_of_freedom, t.p_value)
        FROM user_metrics.logrank(array_agg(g.value)) AS t)
)
FROM groups AS g GROUP BY g.case_number ORDER BY g.case_number
"""
# In one go, and merged from parts.
VALUES = ("user_metrics.survival(d.seconds, d.happened)",
          "(SELECT user_metrics.rollup(p.value) FROM (SELECT user_metrics.survival(e.seconds, e.happened) AS value "
          "FROM durations AS e WHERE e.case_number = g.case_number AND e.arm = g.arm GROUP BY e.part) AS p)")


def complaints(groups, answer, confidence):
    for arm, rows in enumerate(groups):
        steps = expected_curve(rows, confidence)
        wrong = differing(steps, answer["curves"][arm] or [])
        if wrong:
            yield f"curve of {rows}: {wrong}"
            continue
        quantiles = expected_quantiles(rows, steps)
        wrong = differing(quantiles, answer["quantiles"][arm])
        if wrong:
            yield f"quantiles of {rows}: {wrong}"
        wrong = differing([expected_summary(rows, quantiles)], [answer["summaries"][arm]])
        if wrong:
            yield f"summary of {rows}: {wrong}"
    statistic, freedom, p = expected_test(groups)
    got = answer["test"]
    if freedom != got[1] or statistic != "not asked" and not (near(statistic, got[0], 1e-7) and near(p, got[2], 1e-7)):
        yield f"log-rank of {groups}: expected {(statistic, freedom, p)}, got {got}"


def compare(session, rng, cases):
    passed = failed = 0
    session.run("CREATE TABLE durations (case_number int, arm int, part int, seconds float8, happened boolean)")
    while passed + failed < cases and failed < ENOUGH_FAILURES:
        batch = [[random_rows(rng) for _ in range(5)] for _ in range(min(50, cases - passed - failed))]
        rows = [f"({n}, {arm}, {i % 3}, {literal(s)}, {literal(h)})" for n, groups in enumerate(batch)
                for arm, group in enumerate(groups) for i, (s, h) in enumerate(group)]
        session.run("TRUNCATE durations")
        if rows:
            session.run("INSERT INTO durations VALUES " + ", ".join(rows))
        confidence = rng.choice([0.5, 0.8, 0.95, 0.99])
        value = rng.choice(VALUES)
        query = QUERY.format(first=0, last=len(batch) - 1, value=value, confidence=confidence)
        answers = [json.loads(line) for line in session.run(query)]
        assert len(answers) == len(batch)
        for groups, answer in zip(batch, answers):
            wrong = list(complaints(groups, answer, confidence))
            passed, failed = passed + (not wrong), failed + bool(wrong)
            for line in wrong[:3]:
                print(f"\n-- confidence {confidence}, {value}\n{line}", flush=True)
    return passed, failed


# The remission times of Freireich et al. (1963) as D. R. Cox, "Regression models and life tables", JRSS B 34 (1972) prints
# them, in weeks: 21 patients on 6-mercaptopurine, 21 on placebo. The log-rank statistic is 16.79 there and everywhere since.
DRUG = [(6, 1), (6, 1), (6, 1), (6, 0), (7, 1), (9, 0), (10, 1), (10, 0), (11, 0), (13, 1), (16, 1), (17, 0), (19, 0), (20, 0),
        (22, 1), (23, 1), (25, 0), (32, 0), (32, 0), (34, 0), (35, 0)]
PLACEBO = [(t, 1) for t in (1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23)]


def self_test():
    """The oracle on what is in the books; and that wrong answers would not pass."""
    drug, placebo = [[(float(s), bool(h)) for s, h in rows] for rows in (DRUG, PLACEBO)]
    steps = expected_curve(drug, 0.95)
    checks = {
        "the curve of the drug": [round(step[4], 3) for step in steps if step[2]] ==
                                 [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448],
        "medians": (crossing(steps, "share", 0.5), crossing(expected_curve(placebo, 0.95), "share", 0.5)) == (23, 8),
        "the test": round(expected_test([drug, placebo])[0], 2) == 16.79,
        "one group alone": expected_test([drug]) == (None, 0, None),
        "a group before all others": expected_test([drug, placebo, [(0.5, False)]])[1] == 1,
        "events before censorings": [round(s[4], 12) for s in expected_curve([(1., True), (2., True), (2., False), (3., True)], 0.95)]
                                    == [1.0, 0.75, 0.5, 0.0],
        "a wrong share is found": differing([(1.0, 0.5)], [(1.0, 0.5001)]) is not None,
        "a missing row is found": differing([(1.0, 0.5)], []) is not None,
        "an unknown is no zero": differing([(1.0, None)], [(1.0, 0.0)]) is not None,
    }
    for name, holds in checks.items():
        print(f"{'ok' if holds else 'FAILED'} {name}")
    return sum(checks.values()), len(checks) - sum(checks.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--self-test", action="store_true")
    asked = parser.parse_args()
    if asked.self_test:
        passed, failed = self_test()
    else:
        seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(10**9)
        print(f"seed {seed}", flush=True)
        with fresh_database("oracle") as database, Session(database) as session:
            numpy.seterr(all="ignore")
            passed, failed = compare(session, random.Random(seed), asked.cases)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
