"""What goes with staying and with leaving, stated as plainly as Python allows: D49, D58 and D59 of the definitions.

`Use` is a request as `usage_definitions` sees it, with a rating besides; `day` turns an instant into the local day. The
statistics of two groups are those of scipy and statsmodels; what neither has (the Mantel-Haenszel difference) is written out.
"""

import math
from dataclasses import dataclass

import numpy
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep

from usage_definitions import Use, by_user, hidden


@dataclass(frozen=True)
class RatedUse(Use):
    """A request."""

    rating: float | None = None
    marks: tuple = ()                            # the names of the caller's own behaviours it is one of


# ------------------------------------------------------------------------------------------------- who did what

def behaviours(uses, active_days, halfway):
    """The names of all a user did; `halfway` tells whether an instant lies in the second half of the days, None if no matter."""
    features = {use.feature for use in uses if use.feature is not None}
    yield from ("feature: " + feature for feature in features)
    if active_days >= 2:
        yield "active on 2+ days"
    if active_days >= 3:
        yield "active on 3+ days"
    if len(features) >= 2:
        yield "used 2+ features"
    if len({use.model for use in uses if use.model is not None}) >= 2:
        yield "used 2+ models"
    sessions = [use.session_id for use in uses if use.session_id is not None]
    if len(sessions) > len(set(sessions)):
        yield "session of 2+ requests"
    failed = [use.instant for use in uses if use.succeeded is False]
    if failed:
        yield "any failed request"
        if min(failed) < min([use.instant for use in uses if use.succeeded], default=math.inf):
            yield "first request failed"
    if any(use.rating is not None for use in uses):
        yield "rated an answer"
    if halfway is not None:
        late = sum(halfway(use.instant) for use in uses)
        if late < len(uses) - late:
            yield "fewer requests in the second half"
    yield from {name for use in uses for name in use.marks}


@dataclass(frozen=True)
class Person:
    """One who is compared: what they did, how much they asked, and whether the outcome happened."""

    did: frozenset
    requests: int
    outcome: bool


def new_users(uses, day, elapsed, shown_from, early_days, retained):
    for of_user in by_user(uses).values():
        days = {day(use.instant) for use in of_user}
        first = min(days)
        if first < shown_from or first + retained[1] >= elapsed:
            continue
        early = [use for use in of_user if day(use.instant) < first + early_days]
        active = sum(first <= d < first + early_days for d in days)
        outcome = any(first + retained[0] <= d <= first + retained[1] for d in days)
        yield Person(frozenset(behaviours(early, active, None)), len(early), outcome)


def users_before(uses, day, elapsed, shown_from, landmark, window_days, gap_days, churn_days):
    landmark = elapsed - gap_days - churn_days if landmark is None else landmark
    if landmark + gap_days + churn_days > elapsed:
        return
    begin, half = max(landmark - window_days, shown_from), None
    half = landmark - (landmark - begin) // 2
    for of_user in by_user(uses).values():
        days = {day(use.instant) for use in of_user}
        window = [use for use in of_user if begin <= day(use.instant) < landmark]
        if not window:
            continue
        active = sum(begin <= d < landmark for d in days)
        gone = not any(landmark + gap_days <= d < landmark + gap_days + churn_days for d in days)
        did = behaviours(window, active, lambda instant: day(instant) >= half)
        yield Person(frozenset(did), len(window), gone)


# ------------------------------------------------------------------------------------------------- the comparison

def p_value(a, n, b, m):
    """Of a of n against b of m: Pearson's test where all cells expect five or more, else Fisher's."""
    if not n or not m or not 0 < a + b < n + m:
        return None
    table = [[a, n - a], [b, m - b]]
    if stats.contingency.expected_freq(table).min() < 5:
        return float(stats.fisher_exact(table).pvalue)
    return float(stats.chi2_contingency(table, correction=False).pvalue)


def phi(a, n, b, m):
    if not n or not m or not 0 < a + b < n + m:
        return None
    did = numpy.repeat([1.0, 1.0, 0.0, 0.0], [a, n - a, b, m - b])
    outcome = numpy.repeat([1.0, 0.0, 1.0, 0.0], [a, n - a, b, m - b])
    return float(numpy.corrcoef(did, outcome)[0, 1])


def mantel_haenszel(strata):
    """(difference, low, high) by the weights of Mantel and Haenszel and the variance of Sato."""
    strata = [(a, n, b, m) for a, n, b, m in strata if n and m]
    if not strata:
        return None, None, None
    weight = sum(n * m / (n + m) for _, n, _, m in strata)
    difference = sum((a / n - b / m) * (n * m / (n + m)) for a, n, b, m in strata) / weight
    p = sum((n / (n + m)) ** 2 * b - (m / (n + m)) ** 2 * a + n * m * (m - n) / 2 / (n + m) ** 2 for a, n, b, m in strata)
    q = sum((a * (m - b) + b * (n - a)) / 2 / (n + m) for a, n, b, m in strata)
    variance = (difference * p + q) / weight ** 2
    if variance <= 1e-18:
        return difference, None, None
    half = stats.norm.ppf(0.975) * math.sqrt(variance)
    return difference, max(difference - half, -1.0), min(difference + half, 1.0)


def ratio_bounds(a, n, b, m):
    if not a or not b:
        return None, None
    if a == n and b == m:
        return 1.0, 1.0                          # statsmodels has no spread to work with here
    low, high = confint_proportions_2indep(a, n, b, m, compare="ratio", method="log", correction=False)
    return float(low), float(high)


def compared(people, least, rate):
    """The rows of one segment. `rate` is what the outcome's rate is called."""
    names = sorted({name for person in people for name in person.did})
    strata = sorted({person.requests.bit_length() for person in people})
    rows = []
    for name in names:
        tables = []
        for stratum in strata:
            members = [person for person in people if person.requests.bit_length() == stratum]
            did = [person.outcome for person in members if name in person.did]
            rest = [person.outcome for person in members if name not in person.did]
            tables.append((sum(did), len(did), sum(rest), len(rest)))
        a, n, b, m = (sum(column) for column in zip(*tables))
        if n < least or m < least:
            continue
        low, high = (float(x) for x in confint_proportions_2indep(a, n, b, m, compare="diff", method="newcomb"))
        adjusted, adjusted_low, adjusted_high = mantel_haenszel(tables)
        ratio_low, ratio_high = ratio_bounds(a, n, b, m)
        rows.append({
            "name": name, "users_with": n, "users_without": m, f"{rate}_with": a / n, f"{rate}_without": b / m,
            "difference": a / n - b / m, "difference_low": low, "difference_high": high,
            "ratio": (a / n) / (b / m) if b else None, "ratio_low": ratio_low, "ratio_high": ratio_high,
            "phi": phi(a, n, b, m), "p_value": p_value(a, n, b, m), "q_value": None, "adjusted_difference": adjusted,
            "adjusted_low": adjusted_low, "adjusted_high": adjusted_high, "evidence": None, "note": "association"})
    known = [row for row in rows if row["p_value"] is not None]
    if known:
        for row, q in zip(known, multipletests([row["p_value"] for row in known], method="fdr_bh")[1]):
            row["q_value"] = float(q)
    for row in rows:
        row["evidence"] = evidence(row)
    return rows


def evidence(row):
    if row["q_value"] is None or row["q_value"] >= 0.01:
        return "unclear"
    same = (row["adjusted_low"] is not None
            and (row["difference"] > 0 < row["adjusted_low"] or row["difference"] < 0 > row["adjusted_high"]))
    return "clear" if same else "volume"


SHOWN_ALWAYS = ("name", "note")


def without_small_groups(row, least):
    """`least` is the setting user_metrics.min_group_size."""
    if hidden(row["users_with"], least) or hidden(row["users_without"], least):
        return {name: value if name in SHOWN_ALWAYS else None for name, value in row.items()}
    return row


def retention_drivers(uses, day, elapsed, shown_from, least, early_days=7, retained=(21, 27), min_users=30):
    people = list(new_users(uses, day, elapsed, shown_from, early_days, retained))
    return [{"driver": row.pop("name"), **row}
            for row in (without_small_groups(row, least) for row in compared(people, min_users, "retention"))]


def churn_indicators(uses, day, elapsed, shown_from, least, landmark=None, window_days=28, gap_days=7, churn_days=28,
                     min_users=30):
    people = list(users_before(uses, day, elapsed, shown_from, landmark, window_days, gap_days, churn_days))
    return [{"indicator": row.pop("name"), **row}
            for row in (without_small_groups(row, least) for row in compared(people, min_users, "churn"))]
