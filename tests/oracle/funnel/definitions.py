"""Funnels and paths by enumeration, from the definitions: every match of every user is tried.

The code is simple, so that its correctness is evident; it suits a handful of events per user. Instants are integers.
"""

from dataclasses import dataclass
from itertools import combinations, permutations
from math import floor, sqrt

Z = 1.959963984540054                            # 97.5 % of the standard normal distribution


@dataclass(frozen=True)
class Event:
    """A request as an event of a funnel; steps are numbered from 1."""

    at: int
    steps: frozenset
    excluded: bool = False


@dataclass(frozen=True)
class Journey:
    """When each step was reached, and whether another one may still be."""

    reached: tuple
    open: bool


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


def can_go_on(events, match, window, end, mode):
    """No event seen would break the match before an event at the end of observation."""
    last = events[match[-1]].at
    broken = any(other.at > last and forbids(other, len(match), mode) for other in events)
    return events[match[0]].at + window >= end and not broken


def ordered_journey(events, n, window, end, mode):
    matches = in_order(events, n, window, mode)
    if not matches:
        return Journey((), False)
    longest = max(map(len, matches))
    times = [tuple(events[i].at for i in match) for match in matches if len(match) == longest]
    told = min(times, key=lambda t: (t[-1], -t[0], t))
    running = told[0] + window >= end and any(can_go_on(events, match, window, end, mode) for match in matches)
    return Journey(told, longest < n and running)


def each_another_step(events):
    """Whether all the events can be assigned to different steps."""
    steps = sorted(set().union(*(event.steps for event in events)))
    return any(all(step in event.steps for step, event in zip(choice, events))
               for choice in permutations(steps, len(events)))


def unordered_journey(events, n, window, end):
    found = {}
    for size in range(1, n + 1):
        for chosen in combinations([event for event in events if event.steps], size):
            times = sorted(event.at for event in chosen)
            if times[-1] - times[0] > window or not each_another_step(chosen):
                continue
            if any(times[0] < event.at < times[-1] and event.excluded for event in events):
                continue
            found.setdefault(size, []).append(tuple(times))
    if not found:
        return Journey((), False)
    longest = max(found)
    told = min(found[longest], key=lambda t: (t[-1], tuple(-at for at in t)))
    running = any(event.steps and event.at + window >= end
                  and not any(other.excluded and other.at > event.at for other in events) for event in events)
    return Journey(told, longest < n and told[0] + window >= end and running)


def clickhouse_journey(events, n, window, end, mode):
    """windowFunnel by its manual: events sorted by instant and step, one for every condition that a row meets."""
    strict = mode in ("strict_order", "allow_reentry")
    expanded = sorted((e.at, step) for e in events for step in (e.steps or ({0} if strict else ())))
    chains, told, over = {}, (), False           # per level the times of the chain there is
    for at, step in expanded:
        if step == 0:
            over = bool(chains)
        elif step == 1:
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
    running = any(chain[0] + window >= end for chain in chains.values())
    return Journey(told, bool(told) and len(told) < n and not over and told[0] + window >= end and running)


def journey(events, n, window, end, mode="ordered", compatibility="standard"):
    """The steps reached by the user of these events, as known at `end`."""
    events = [event for event in events if event.at <= end]
    if compatibility == "clickhouse" and mode in ("ordered", "strict_order", "strict_dedup", "allow_reentry"):
        return clickhouse_journey(events, n, window, end, mode)
    if mode == "unordered":
        return unordered_journey(events, n, window, end)
    return ordered_journey(events, n, window, end, mode)


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


def funnel(journeys, names, least=1):
    """A row for each step."""
    rows, shown = [], True
    levels = [len(j.reached) for j in journeys]
    first = sum(level >= 1 for level in levels)
    waiting = 0
    for number, name in enumerate(names, 1):
        users = sum(level >= number for level in levels)
        before = [j for j, level in zip(journeys, levels) if number > 1 and level == number - 1]
        open_users = sum(j.open for j in before)
        dropped = len(before) - open_users
        waiting += open_users
        times = [(j.reached[number - 1] - j.reached[number - 2]) / 1e6
                 for j, level in zip(journeys, levels) if level >= number > 1]
        low, high = wilson(users, first - waiting)
        shown = shown and not any(hides(count, least) for count in (users, dropped, open_users))
        figures = {
            "users": users, "from_previous_rate": share_of(users, users + dropped) if number > 1 else None,
            "from_first_rate": share_of(users, first - waiting), "dropped_users": dropped, "open_users": open_users,
            "median_seconds": quantile(times, 0.5), "p90_seconds": quantile(times, 0.9),
            "rate_low": low, "rate_high": high}
        rows.append({"step_number": number, "step": name,
                     **(figures if shown else dict.fromkeys(figures))})
    return rows


def funnel_users(journeys, names):
    """For each user the steps completed and the next one; `journeys` by user."""
    rows = []
    for user, j in sorted(journeys.items(), key=lambda item: item[0].encode()):
        for number, name in enumerate(names, 1):
            if number <= len(j.reached):
                at, status = j.reached[number - 1], "completed"
            elif number == len(j.reached) + 1 > 1:
                at, status = None, "open" if j.open else "dropped"
            else:
                break
            rows.append({"user_id": user, "step_number": number, "step": name, "reached_at": at, "status": status})
    return rows


# ---------------------------------------------------------------------------------------------------------- paths

def paths(people, depth, least=1):
    """`people` are the ordered requests of each user: (feature, whether it may begin a path)."""
    moves = {}
    for requests in people:
        features, begun = [], False
        for feature, begins in requests:
            if feature is None or not feature.strip(" \t\n\x0b\x0c\r"):
                continue
            begun = begun or begins
            if begun and features[-1:] != [feature]:
                features.append(feature)
        for step in range(1, depth + 1):
            if step <= len(features):
                move = (step, features[step - 1], features[step] if step < len(features) else None)
                moves[move] = moves.get(move, 0) + 1
    rows = [{"step": step, "from_feature": before, "to_feature": after, "users": None if hides(users, least) else users}
            for (step, before, after), users in moves.items()]
    return sorted(rows, key=lambda row: (row["step"], row["users"] is None, -(row["users"] or 0),
                                         row["from_feature"].encode(), row["to_feature"] is None,
                                         (row["to_feature"] or "").encode()))
