"""Funnels and paths by enumeration, from the definitions: every match of every user is tried.

The code is simple, so that its correctness is evident; it suits a handful of events per user. Instants are integers.
"""

from dataclasses import dataclass
from itertools import combinations, permutations
from math import floor, sqrt

Z = 1.959963984540054                            # 97.5 % of the standard normal distribution
FOREVER = 2**63


@dataclass(frozen=True)
class Event:
    """A request as an event of a funnel; steps are numbered from 1."""

    at: int
    steps: frozenset
    excluded: bool = False


@dataclass(frozen=True)
class Term:
    """The conditions on a single step: the time from the step before, whether it may be skipped, and whether users enter there."""

    within: int | None = None
    after: int = 0
    optional: bool = False
    entry: bool = False


@dataclass(frozen=True)
class Journey:
    """When each step was reached, and whether the window since the first entry has elapsed. The steps are the first ones, unless
    they are named because some may be skipped."""

    reached: tuple
    eligible: bool
    steps: tuple | None = None

    def done(self):
        return tuple(range(1, len(self.reached) + 1)) if self.steps is None else self.steps

    def at(self, step):
        return dict(zip(self.done(), self.reached)).get(step)

    def next_required(self, terms):
        """The first step after those done that may not be skipped; None if there is none."""
        return next((n for n in range(self.done()[-1] + 1, len(terms) + 1) if not terms[n - 1].optional), None)


# ------------------------------------------------------------------------------------------------------ one user

def forbids(event, done, mode):
    """Whether an event strictly between step number `done` and the next breaks a match."""
    if event.excluded or mode == "strict_order":
        return True
    return mode == "strict_dedup" and any(2 <= step <= done + 1 for step in event.steps)


def in_order(events, n, window, mode):
    """Every match: the indexes of its events, of every length."""
    def lengthened(match):
        yield match
        done = len(match)
        if done == n:
            return
        for i, event in enumerate(events):
            if i in match or done + 1 not in event.steps:
                continue
            if match:
                last = events[match[-1]].at
                if event.at < last or (mode == "strict_increase" and event.at == last):
                    continue
                if event.at > events[match[0]].at + window:
                    continue
                if any(last < other.at < event.at and forbids(other, done, mode) for other in events):
                    continue
            yield from lengthened((*match, i))

    return [match for match in lengthened(()) if match]


def ordered_reached(events, n, window, mode, until):
    """The times of the match reported, of those that begin before `until`."""
    matches = [match for match in in_order(events, n, window, mode) if events[match[0]].at < until]
    if not matches:
        return ()
    longest = max(map(len, matches))
    times = [tuple(events[i].at for i in match) for match in matches if len(match) == longest]
    return min(times, key=lambda t: (t[-1], -t[0], t))


def with_terms(events, terms, window):
    """Every match in a funnel with conditions on single steps: the indexes of its events, each with its step."""
    def may_follow(before, i, step):
        (index, done), event = before[-1], events[i]
        last = events[index].at
        return (event.at >= last and step > done and all(terms[s - 1].optional for s in range(done + 1, step))
                and event.at - last >= terms[step - 1].after
                and (terms[step - 1].within is None or event.at - last <= terms[step - 1].within)
                and event.at - events[before[0][0]].at <= window
                and not any(last < other.at < event.at and other.excluded for other in events))

    def lengthened(match):
        yield match
        for i, event in enumerate(events):
            for step in event.steps if i not in [index for index, _ in match] else ():
                if may_follow(match, i, step) if match else step == 1 or terms[step - 1].entry:
                    yield from lengthened((*match, (i, step)))

    return [match for match in lengthened(()) if match]


def course(events, terms, window, until):
    """The times and steps of the match reported: that came furthest, with the most steps, completed first, begun last."""
    told = []
    for match in with_terms(events, terms, window):
        times, steps = tuple(events[i].at for i, _ in match), tuple(step for _, step in match)
        if times[0] < until:
            told.append((-steps[-1], -len(steps), times[-1], -times[0], times, steps))
    return min(told)[4:] if told else ((), ())


def each_another_step(events):
    """Whether all the events can be assigned to different steps."""
    steps = sorted(set().union(*(event.steps for event in events)))
    return any(all(step in event.steps for step, event in zip(choice, events))
               for choice in permutations(steps, len(events)))


def unordered_reached(events, n, window, until):
    found = {}
    for size in range(1, n + 1):
        for chosen in combinations([event for event in events if event.steps], size):
            times = sorted(event.at for event in chosen)
            if times[0] >= until or times[-1] - times[0] > window or not each_another_step(chosen):
                continue
            if any(times[0] < event.at < times[-1] and event.excluded for event in events):
                continue
            found.setdefault(size, []).append(tuple(times))
    if not found:
        return ()
    return min(found[max(found)], key=lambda t: (t[-1], tuple(-at for at in t)))


def clickhouse_reached(events, n, window, mode, until):
    """windowFunnel by its manual: events sorted by instant and step, one for every condition that a row meets."""
    strict = mode in ("strict_order", "allow_reentry")
    expanded = sorted((e.at, step) for e in events for step in (e.steps or ({0} if strict else ())))
    chains, told, over = {}, (), False           # per level the times of the chain there is
    for at, step in expanded:
        if step == 0:
            over = bool(chains)
        elif step == 1:
            if at < until:
                chains[1] = (at,)
        elif mode == "strict_dedup" and step in chains:
            over = True
        elif strict and chains and step - 1 not in chains:
            over = mode == "strict_order"
        elif step - 1 in chains and at <= chains[step - 1][0] + window:
            chains[step] = (*chains[step - 1], at)
        told = max(told, chains.get(step, ()), key=len)
        if over or len(told) == n:
            break
    return told


def journey(events, n, window, end, mode="ordered", compatibility="standard", until=FOREVER, terms=()):
    """The steps reached by the user of these events, who enters before `until`, as known at `end`."""
    events = [event for event in events if event.at <= end]
    if terms:
        entries = [event.at for event in events if event.at < until and any(s == 1 or terms[s - 1].entry for s in event.steps)]
        reached, steps = course(events, terms, window, until)
        return Journey(reached, bool(entries) and min(entries) + window < end, steps)
    entries = [event.at for event in events if event.at < until and (event.steps if mode == "unordered" else 1 in event.steps)]
    if compatibility == "clickhouse" and mode in ("ordered", "strict_order", "strict_dedup", "allow_reentry"):
        reached = clickhouse_reached(events, n, window, mode, until)
    elif mode == "unordered":
        reached = unordered_reached(events, n, window, until)
    else:
        reached = ordered_reached(events, n, window, mode, until)
    return Journey(reached, bool(entries) and min(entries) + window < end)


# ------------------------------------------------------------------------------------------------------ all users

def wilson(successes, trials):
    """The Wilson score bounds by Wilson's quadratic equation: the p for which |p̂ - p| = z √(p (1 - p) / n)."""
    if trials == 0:
        return None, None
    a, b, c = trials + Z * Z, -(2 * successes + Z * Z), successes * successes / trials
    root = sqrt(max(b * b - 4 * a * c, 0))
    low, high = (-b - root) / (2 * a), (-b + root) / (2 * a)
    return (0.0 if successes == 0 else low), (1.0 if successes == trials else high)


def quantile(values, share):
    """A quantile by linear interpolation."""
    if not values:
        return None
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = floor(place)
    above = min(below + 1, len(ordered) - 1)
    return float(ordered[below] + (place - below) * (ordered[above] - ordered[below]))


def share_of(part, whole):
    return part / whole if whole else None


def hides(count, least):
    return 0 < count < least


def funnel_with_terms(journeys, names, least, terms):
    """A row for each step of a funnel with conditions on single steps. The rate from the previous step is that of the eligible
    users for whom the step could come next: who were at an earlier one and went past it, or had only optional steps before it."""
    rows, shown = [], True
    entered = [j for j in journeys if j.reached]
    eligible = [j for j in entered if j.eligible]
    early = [j for j in entered if not j.eligible]

    def could_reach(number, of):
        return [j for j in of if j.done()[0] < number and (
            j.done()[-1] >= number or all(terms[s - 1].optional for s in range(j.done()[-1] + 1, number)))]

    for number, name in enumerate(names, 1):
        users = [j for j in entered if number in j.done()]
        reached = [j for j in users if j.eligible]
        could = could_reach(number, eligible)
        arrived = [j for j in could if number in j.done()]
        dropped, open_users = (sum(j.next_required(terms) == number for j in of) for of in (eligible, early))
        times = [(j.at(number) - max(at for at, step in zip(j.reached, j.done()) if step < number)) / 1e6 for j in arrived]
        low, high = wilson(len(reached), len(eligible))
        counts = [len(users), len(eligible), len(reached), len(users) - len(reached), dropped, open_users, len(eligible) - len(reached)]
        for of in (eligible, early):
            able, here = could_reach(number, of), sum(number in j.done() for j in of)
            came = sum(number in j.done() for j in able)
            counts += [came, here - came, len(able) - came]
        shown = shown and not any(hides(count, least) for count in counts)
        figures = {
            "users": len(users), "eligible_users": len(eligible), "reached_users": len(reached),
            "from_previous_rate": share_of(len(arrived), len(could)), "from_first_rate": share_of(len(reached), len(eligible)),
            "dropped_users": dropped, "open_users": open_users,
            "median_seconds": quantile(times, 0.5), "p90_seconds": quantile(times, 0.9), "rate_low": low, "rate_high": high}
        rows.append({"step_number": number, "step": name, **(figures if shown else dict.fromkeys(figures))})
    return rows


def funnel(journeys, names, least=1, terms=()):
    """A row for each step. Rates and times are of eligible users, of all who entered whether they converted or not."""
    if terms:
        return funnel_with_terms(journeys, names, least, terms)
    rows, shown = [], True
    entered = [j for j in journeys if j.reached]
    eligible = [j for j in entered if j.eligible]
    for number, name in enumerate(names, 1):
        users = sum(len(j.reached) >= number for j in entered)
        reached = [j for j in eligible if len(j.reached) >= number]
        before = [j for j in eligible if number > 1 and len(j.reached) >= number - 1]
        dropped = len(before) - len(reached) if number > 1 else 0
        open_users = sum(not j.eligible and len(j.reached) == number - 1 for j in entered)
        times = [(j.reached[number - 1] - j.reached[number - 2]) / 1e6 for j in reached if number > 1]
        low, high = wilson(len(reached), len(eligible))
        shown = shown and not any(hides(count, least) for count in (
            users, len(eligible), len(reached), users - len(reached), dropped, open_users))
        figures = {
            "users": users, "eligible_users": len(eligible), "reached_users": len(reached),
            "from_previous_rate": share_of(len(reached), len(before)) if number > 1 else None,
            "from_first_rate": share_of(len(reached), len(eligible)), "dropped_users": dropped, "open_users": open_users,
            "median_seconds": quantile(times, 0.5), "p90_seconds": quantile(times, 0.9),
            "rate_low": low, "rate_high": high}
        rows.append({"step_number": number, "step": name,
                     **(figures if shown else dict.fromkeys(figures))})
    return rows


def funnel_users(journeys, names, terms=()):
    """For each user the steps completed and the next one; `journeys` by user."""
    rows = []
    terms = terms or [Term()] * len(names)
    for user, j in sorted(journeys.items(), key=lambda item: item[0].encode()):
        for number, name in enumerate(names, 1):
            if number in j.done():
                at, status = j.at(number), "completed"
            elif j.reached and number == j.next_required(terms):
                at, status = None, "dropped" if j.eligible else "open"
            else:
                continue
            rows.append({"user_id": user, "step_number": number, "step": name, "reached_at": at, "status": status,
                         "eligible": j.eligible})
    return rows


# ---------------------------------------------------------------------------------------------------------- paths

def path_of(requests, end, starts, ends, max_gap):
    """The features of a path, and whether it is over. `requests` are in order: (instant, feature, may start, ends)."""
    def is_told(feature):
        return feature is not None and bool(feature.strip(" \t\n\x0b\x0c\r"))

    def pause(i):
        return max_gap is not None and i > 0 and requests[i][0] - requests[i - 1][0] > max_gap

    told = [i for i, r in enumerate(requests) if is_told(r[1])]
    if starts or not ends:
        first = next((i for i in told if requests[i][2]), None)
        if first is None:
            return [], True
        stop = next((i for i in range(first + 1, len(requests)) if pause(i)), len(requests))
        over = stop < len(requests) or requests[-1][0] + (max_gap or 0) < end
        if ends:
            stop = next((i + 1 for i in told if first <= i < stop and requests[i][3]), None)
            if stop is None:
                return [], True
    else:
        stop = next((i + 1 for i in told if requests[i][3]), None)
        if stop is None:
            return [], True
        first, over = max(i for i in range(stop) if i == 0 or pause(i)), True
    features = []
    for i in told:
        if first <= i < stop and features[-1:] != [requests[i][1]]:
            features.append(requests[i][1])
    return features, over


def paths(people, depth, end, least=1, starts=False, ends=False, max_gap=None):
    """`people` are the ordered requests of each user, as `path_of` has them; whether a start and an end are asked for."""
    moves = {}
    for requests in people:
        features, over = path_of(requests, end, starts, ends, max_gap)
        for step in range(1, min(depth, len(features)) + 1):
            if ends:
                move = (step, features[-step - 1] if step < len(features) else None, features[-step], True)
            else:
                goes_on = step < len(features)
                move = (step, features[step - 1], features[step] if goes_on else None, goes_on or over)
            moves[move] = moves.get(move, 0) + 1
    rows = [{"step": step, "from_feature": before, "to_feature": after, "complete": complete,
             "users": None if hides(users, least) else users}
            for (step, before, after, complete), users in moves.items()]
    return sorted(rows, key=lambda row: (row["step"], row["users"] is None, -(row["users"] or 0),
                                         row["from_feature"] is None, (row["from_feature"] or "").encode(),
                                         row["to_feature"] is None, (row["to_feature"] or "").encode(), not row["complete"]))
