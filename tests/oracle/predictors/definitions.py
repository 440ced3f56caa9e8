"""Predictors of retention and churn, in plain Python: D49, D58 and D59 of the definitions.

`Use` is a request as the definitions of `usage` read it, plus a rating; `day` gives the local day of an instant. The
statistics of two groups are those of scipy and statsmodels; the Mantel-Haenszel difference, which neither has, is
implemented here.
"""

import json
import math
from dataclasses import dataclass

import numpy
import xxhash
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep

from oracle.usage.definitions import Use, by_user, hidden


@dataclass(frozen=True)
class RatedUse(Use):
    """A request."""

    rating: float | None = None
    marks: tuple = ()                            # the names of the caller's own behaviours it is one of
    adjust: tuple | None = None                  # the values to adjust for, if any is known


# ------------------------------------------------------------------------------------------------- who did what

def behaviours(uses, active_days, halfway):
    """The behaviours of a user; `halfway` tells whether an instant is in the second half of the days; None if not used."""
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
    """A user who is compared: behaviours, number of requests, outcome, and the first values to adjust for."""

    did: frozenset
    requests: int
    outcome: bool
    began: tuple | None

    @property
    def stratum(self):
        return self.requests.bit_length(), self.began is None, self.began


def began_with(uses):
    """The values of the first request that has any; of several at that instant, the greatest as text."""
    told = [(use.instant, use.adjust) for use in uses if use.adjust is not None]
    return max((values for at, values in told if at == min(at for at, _ in told)), key=as_text, default=None)


def as_text(values):
    return (values[0] if len(values) == 1 else json.dumps(values, ensure_ascii=False)).encode()


def new_users(uses, day, elapsed, shown_from, early_days, retained):
    for of_user in by_user(uses).values():
        days = {day(use.instant) for use in of_user}
        first = min(days)
        if first < shown_from or first + retained[1] >= elapsed:
            continue
        early = [use for use in of_user if day(use.instant) < first + early_days]
        active = sum(first <= d < first + early_days for d in days)
        outcome = any(first + retained[0] <= d <= first + retained[1] for d in days)
        yield Person(frozenset(behaviours(early, active, None)), len(early), outcome, began_with(early))


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
        yield Person(frozenset(did), len(window), gone, began_with(window))


# ------------------------------------------------------------------------------------------------- the comparison

def p_value(a, n, b, m):
    """The p value of a of n against b of m: Pearson's test if all cells expect five or more, otherwise Fisher's."""
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
    if variance <= 1e-15:
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
    """The rows of one segment. `rate` is the name of the outcome's rate."""
    names = sorted({name for person in people for name in person.did})
    strata = {person.stratum for person in people}
    rows = []
    for name in names:
        tables = []
        for stratum in strata:
            members = [person for person in people if person.stratum == stratum]
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
    """Hides small groups; `least` is the setting user_metrics.min_group_size."""
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


# ------------------------------------------------------------------------------------------------- how much use tells who stays

MOST_REQUESTS = 10
RESAMPLES, BEYOND = 200, 5
NO_THRESHOLD = dict.fromkeys((
    "days", "requests", "days_low", "days_high", "requests_low", "requests_high", "q_value"))
NO_FIGURES = dict.fromkeys((
    "users_reaching", "retention_reaching", "retention_others", "difference", "difference_low", "difference_high", "phi",
    "p_value", "recall", "youden_j", "lift", "sentence"))


def chooses(key, seed):
    """Whether a user belongs to the half that chooses the threshold."""
    return xxhash.xxh3_64_intdigest(key, seed=seed % 2**64) % 2 == 0


def split_mix(seed):
    """SplitMix64."""
    state = seed % 2**64
    while True:
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        z = state
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        yield z ^ (z >> 31)


def nobody(min_users):
    return {"segment": None, "users": 0, "retained_users": 0, **NO_THRESHOLD, "held_out_users": 0, **NO_FIGURES,
            "reason": f"fewer than {min_users} users in one of the halves whose outcome is known"}


def table(people, days, requests):
    """(retained, of those who reach it, retained, of the others) from a list of (requests of each first day, outcome)."""
    did = [outcome for counts, outcome in people if sum(counts[:days]) >= requests]
    rest = [outcome for counts, outcome in people if sum(counts[:days]) < requests]
    return sum(did), len(did), sum(rest), len(rest)


def exact_phi(a, n, b, m):
    return (a * (m - b) - b * (n - a)) / math.sqrt(n * m * (a + b) * (n + m - a - b)) if 0 < a + b < n + m and n and m else None


def best(people, grid, least):
    """The first threshold with the largest positive phi."""
    found, largest = None, 1e-12
    for days, requests in grid:
        a, n, b, m = table(people, days, requests)
        correlation = exact_phi(a, n, b, m)
        if n >= least and m >= least and correlation is not None and correlation > largest + 1e-12:
            found, largest = (days, requests), correlation
    return found


def activation_threshold(uses, day, elapsed, shown_from, least, is_action, key, action=None, retained=(21, 27), max_days=15,
                         max_requests=10, min_users=100, seed=1):
    halves = {True: [], False: []}
    for user, of_user in sorted(by_user(uses).items(), key=lambda item: key(item[0])):
        days = [day(use.instant) for use in of_user]
        first = min(days)
        if first < shown_from or first + retained[1] >= elapsed:
            continue
        counts = [sum(is_action(use) and d == first + n for use, d in zip(of_user, days)) for n in range(max_days)]
        outcome = any(first + retained[0] <= d <= first + retained[1] for d in days)
        halves[chooses(key(user), seed)].append((counts, outcome))
    training, held_out = halves[True], halves[False]
    everybody = training + held_out
    stayed = sum(outcome for _, outcome in everybody)
    shown = not any(hidden(count, least) for count in (len(everybody), stayed, len(everybody) - stayed))
    row = {"users": len(everybody), "retained_users": stayed, **NO_THRESHOLD, "held_out_users": len(held_out), **NO_FIGURES,
           "reason": None}
    if not shown:
        row |= {"users": None, "retained_users": None, "held_out_users": None}
    if min(map(len, halves.values())) < min_users:
        return [row | {"reason": f"fewer than {min_users} users in one of the halves whose outcome is known"}]
    if any(len({outcome for _, outcome in half}) < 2 for half in halves.values()):
        return [row | {"reason": "all users of one of the halves stay, or none of them"}]
    grid = [(days, requests) for requests in range(1, max_requests + 1) for days in range(1, max_days + 1)]
    fewest = -(-min_users // 10)
    chosen = best(training, grid, fewest)
    q = 1.0
    if chosen:
        p = [(cell, p_value(*table(training, *cell))) for cell in grid]
        known = [(cell, value) for cell, value in p if value is not None]
        q = float(dict(zip([cell for cell, _ in known],
                           multipletests([value for _, value in known], method="fdr_bh")[1]))[chosen])
    if not chosen or q >= 0.01:
        return [row | {"reason": "no number of requests in the first days goes with staying"}]
    a, n, b, m = table(held_out, *chosen)
    if not shown or hidden(n, least) or hidden(m, least):
        return [row | {"reason": "groups are too small to be shown"}]
    row |= {"days": chosen[0], "requests": chosen[1], "q_value": q, **bounds(training, grid, fewest, seed), "users_reaching": n,
            "retention_reaching": a / n if n else None, "retention_others": b / m if m else None,
            "phi": phi(a, n, b, m), "p_value": p_value(a, n, b, m), "recall": a / (a + b),
            "youden_j": a / (a + b) - (n - a) / (n + m - a - b), "lift": a / n / ((a + b) / (n + m)) if n else None}
    if n and m:
        low, high = (float(x) for x in confint_proportions_2indep(a, n, b, m, compare="diff", method="newcomb"))
        row |= {"difference": a / n - b / m, "difference_low": low, "difference_high": high,
                "sentence": sentence(chosen, a / n, b / m, action is not None)}
    return [row]


def bounds(training, grid, fewest, seed):
    random = split_mix(seed)
    again = []
    for _ in range(RESAMPLES):
        resample = [training[(next(random) * len(training)) >> 64] for _ in training]
        again.append(fast_best(resample, grid, fewest))
    again = [cell for cell in again if cell]
    if 2 * len(again) < RESAMPLES:
        return {}
    days, requests = sorted(cell[0] for cell in again), sorted(cell[1] for cell in again)
    return {"days_low": days[BEYOND], "days_high": days[-BEYOND - 1],
            "requests_low": requests[BEYOND], "requests_high": requests[-BEYOND - 1]}


def fast_best(people, grid, least):
    """As `best`, with numpy."""
    outcomes = numpy.array([outcome for _, outcome in people], dtype=float)
    sums = numpy.array([counts for counts, _ in people]).cumsum(axis=1)
    found, largest = None, 1e-12
    for days, requests in grid:
        did = sums[:, days - 1] >= requests
        n, a = int(did.sum()), int(outcomes[did].sum())
        m, b = len(people) - n, int(outcomes.sum()) - a
        correlation = exact_phi(a, n, b, m)
        if n >= least and m >= least and correlation is not None and correlation > largest + 1e-12:
            found, largest = (days, requests), correlation
    return found


def sentence(threshold, reaching, others, of_action):
    days, requests = threshold
    asked = "a request" if requests == 1 else f"{requests} requests"
    asked += " of the action" if of_action else ""
    asked += " or more" if requests > 1 else ""
    when = "first day" if days == 1 else f"first {days} days"
    return (f"Of the users with {asked} in their {when}, {math.floor(100 * reaching + 0.5)} % stay, "
            f"of the others {math.floor(100 * others + 0.5)} %.")
