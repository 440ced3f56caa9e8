"""Curves, quantiles, means, summaries and log-rank tests, by lifelines where it has them."""

import math
from statistics import NormalDist

import numpy
from lifelines import KaplanMeierFitter
from lifelines.exceptions import StatError
from lifelines.statistics import multivariate_logrank_test
from lifelines.utils import qth_survival_times
from scipy.stats import chi2

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)


def counts(row):
    """Whether a row is valid."""
    seconds, happened, entry = row
    if None in row or not math.isfinite(seconds) or seconds < 0:
        return False
    return entry == 0 or 0 < entry < seconds


def is_at_risk(row, time):
    """Who entered late is at risk after the entry."""
    seconds, _, entry = row
    return seconds >= time and (entry == 0 or entry < time)


def curve_by_hand(rows, confidence, bounds):
    """The definition, row by row, at 0 and at each duration; Klein and Moeschberger (2003), equations 4.2.1, 4.3.2, 4.6.1."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, variance, steps = 1.0, 0.0, []
    for time in sorted({0.0} | {abs(row[0]) for row in rows}):
        n = sum(is_at_risk(row, time) for row in rows)
        d = sum(row[0] == time and row[1] for row in rows)
        censored = sum(row[0] == time and not row[1] for row in rows)
        if d:
            share *= 1 - d / n
            variance += d / (n * (n - d)) if n > d else math.inf
        low = high = None
        if 1e-13 < share < 1 - 1e-13:
            error = math.sqrt(variance)
            if bounds == "log":
                low, high = share * math.exp(-z * error), min(1.0, share * math.exp(z * error))
            else:
                low, high = (share ** math.exp(side * z * error / math.log(share)) for side in (-1, 1))
        steps.append((time, n, d, censored, share, low, high))
    return steps


def expected_curve(rows, confidence, bounds="log_log"):
    """(seconds, at_risk, events, censored, survival, low, high) of every step, which must agree with lifelines."""
    rows = [row for row in rows if counts(row)]
    if not rows:
        return []
    steps = curve_by_hand(rows, confidence, bounds)
    late = any(entry for _, _, entry in rows)
    try:
        entries = [entry for *_, entry in rows] if late else None
        fitter = KaplanMeierFitter(alpha=1 - confidence).fit([s for s, *_ in rows], [h for _, h, _ in rows], entry=entries)
    except StatError:
        # lifelines gives up where nobody is at risk early.
        return steps
    shares, theirs = fitter.survival_function_.iloc[:, 0], fitter.confidence_interval_
    for seconds, _, _, _, share, low, high in steps:
        if late and seconds == 0 and 0 not in shares.index:
            continue
        assert abs(shares.loc[seconds] - share) < 1e-9, (seconds, share, shares.loc[seconds])
        # lifelines has bounds 1 and 1, or 0 and 0, where Greenwood's formula is undefined; here they are NULL.
        if low is not None and bounds == "log_log":
            assert max(abs(theirs.loc[seconds] - (low, high))) < 1e-8, (seconds, low, high, theirs.loc[seconds])
    return steps


def expected_mean(rows, until, confidence):
    """(until, mean, low, high): the area under the curve, with the variance of Klein and Moeschberger, equation 4.5.3."""
    rows = [row for row in rows if counts(row)]
    if not rows:
        return until, None, None, None
    steps = curve_by_hand(rows, confidence, "log_log")
    limit = steps[-1][0] if until is None else until
    if limit > steps[-1][0] and steps[-1][4] > 1e-13:
        return limit, None, None, None

    def area(start):
        times = [start] + [step[0] for step in steps if start < step[0] < limit] + [limit]
        return math.fsum(max(step[4] for step in steps if step[0] == max(s[0] for s in steps if s[0] <= one)) * (other - one)
                         for one, other in zip(times, times[1:]))
    mean = area(0.0)
    variance = math.fsum(area(t) ** 2 * d / (n * (n - d)) for t, n, d, *_ in steps if d and n > d and t < limit)
    if variance <= 0:
        return limit, mean, None, None
    half = NormalDist().inv_cdf((1 + confidence) / 2) * math.sqrt(variance)
    return limit, mean, max(0.0, mean - half), min(limit, mean + half)


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
    early = rows and not any(entry for *_, entry in rows)
    fitter = KaplanMeierFitter().fit([s for s, *_ in rows], [h for _, h, _ in rows]) if early else None
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
    events = sum(happened for _, happened, _ in counted)
    times = {share: (seconds, low, high) for share, seconds, low, high in quantiles}
    return (len(counted), events, len(counted) - events, len(known) - len(counted), *times[0.5], times[0.5][0], times[0.25][0])


def expected_test(samples, weighting="logrank"):
    """(statistic, df, p) over (group, stratum, rows); None if the groups cannot be compared."""
    everyone = [(row, group, stratum) for group, stratum, rows in samples for row in rows if counts(row)]
    groups = sorted({group for group, *_ in samples})
    excess, covariance = numpy.zeros(len(groups)), numpy.zeros((len(groups), len(groups)))
    # Two groups can be compared if both are at risk at a time at which not all have the event: these pairs connect them.
    group_of = list(range(len(groups)))
    for stratum in sorted({stratum for *_, stratum in everyone}):
        here = [(row, groups.index(group)) for row, group, s in everyone if s == stratum]
        left = 1.0
        for time in sorted({row[0] for row, _ in here if row[1]}):
            at_risk = [(group, row[1] and row[0] == time) for row, group in here if is_at_risk(row, time)]
            n, d = len(at_risk), sum(falls for _, falls in at_risk)
            left *= 1 - d / (n + 1)
            weight = {"logrank": 1, "wilcoxon": n, "tarone_ware": math.sqrt(n), "peto": left}[weighting]
            shares = numpy.array([sum(g == group for g, _ in at_risk) / n for group in range(len(groups))])
            seen = numpy.array([sum(g == group and falls for g, falls in at_risk) for group in range(len(groups))])
            excess += weight * (seen - d * shares)
            if d < n:
                covariance += weight**2 * d * (n - d) / (n - 1) * (numpy.diag(shares) - numpy.outer(shares, shares))
                joined = {group_of[g] for g, _ in at_risk}
                group_of = [min(joined) if g in joined else g for g in group_of]
    compared = [g for g in range(len(groups)) if group_of.count(group_of[g]) > 1]
    freedom = len(compared) - len({group_of[g] for g in compared})
    if freedom == 0:
        return None, 0, None
    statistic = float(excess @ numpy.linalg.pinv(covariance, rcond=1e-9, hermitian=True) @ excess)
    answer = statistic, freedom, float(chi2.sf(statistic, freedom))
    kept = [(*row, group) for row, group, _ in everyone if groups.index(group) in compared]
    is_plain = len({stratum for *_, stratum in everyone}) == 1 and not any(entry for _, _, entry, _ in kept)
    if is_plain and freedom == len(compared) - 1:
        # lifelines knows neither strata nor entries. Times at which only groups left out are at risk change nothing.
        named = None if weighting == "logrank" else weighting.replace("_", "-")
        test = multivariate_logrank_test([s for s, *_ in kept], [g for *_, g in kept], [h for _, h, *_ in kept], weightings=named)
        if weighting != "peto":     # whose weights are of all groups, also of those left out
            assert abs(test.test_statistic - statistic) < 1e-6 * max(1, statistic), (test.test_statistic, answer)
    return answer
