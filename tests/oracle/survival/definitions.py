"""Results of lifelines: curves, quantiles, summaries and the log-rank test."""

import math

from lifelines import KaplanMeierFitter
from lifelines.statistics import multivariate_logrank_test
from lifelines.utils import qth_survival_times

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)


def counts(row):
    """Whether a row is valid."""
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
        # lifelines has bounds 1 and 1, or 0 and 0, where Greenwood's formula is undefined; here they are NULL.
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
    """(share, seconds, low, high), the time by lifelines' own function unless it depends on rounding."""
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
    """The row of survival_summary, followed by survival_median and survival_quantile of a quarter."""
    known = [row for row in rows if None not in row]
    counted = [row for row in known if counts(row)]
    events = sum(happened for _, happened in counted)
    times = {share: (seconds, low, high) for share, seconds, low, high in quantiles}
    return (len(counted), events, len(counted) - events, len(known) - len(counted), *times[0.5], times[0.5][0], times[0.25][0])


def expected_test(groups):
    """(statistic, df, p) by lifelines; None if it has no result or the groups cannot be compared."""
    groups = [[row for row in rows if counts(row)] for rows in groups]
    everyone = [(s, h, g) for g, rows in enumerate(groups) for s, h in rows]
    times = sorted({s for s, h, _ in everyone if h})
    # Two groups can be compared if both are at risk at a time at which not all have the event: these pairs connect them.
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
    # Times at which only groups left out are at risk change nothing.
    test = multivariate_logrank_test([s for s, _, _ in kept], [g for _, _, g in kept], [h for _, h, _ in kept])
    return float(test.test_statistic), freedom, float(test.p_value)
