"""The definition of each function about segments: new, at risk, power, casual, lapsed, dormant, and the values that decide.

The reference, like activity's definitions: lists of instants, whole numbers and exact fractions. Numbers (D30, ...) are
those of the project's definitions:

    D30  power users     D31  casual     D32  new     D33  at risk     D34  exactly one     D35  why

A given share, ratio or probability means the decimal number as written: 0.1 is a tenth, although no floating-point number
is. Spans of time are exact: a week has 7 * 24 hours, regardless of clock changes.
"""

from fractions import Fraction
from functools import lru_cache
from math import ceil, comb

from oracle.kit.days import DAY

WEEK = 7 * DAY
SEGMENTS = ("new", "at_risk", "power", "casual", "lapsed", "dormant")
DEFAULTS = {"power_share": 0.1, "ties": "include", "min_users": 10, "new_days": 30, "recent_weeks": 4, "base_weeks": 4,
            "max_decline_ratio": 0.5, "max_decline_p": 0.05, "min_base_days": 5}


def exact(written):
    """The decimal number as written, not the nearest floating-point number."""
    return Fraction(str(written))


def seen(requests, end, until):
    """The observed (user, instant) pairs."""
    return [(user, instant) for user, instant in requests if instant <= end and (until is None or instant < until)]


def is_recent(instant, end, a):
    """The recent weeks end with the end of observation, inclusive."""
    return end - a["recent_weeks"] * WEEK < instant <= end


def is_base(instant, end, a):
    """The weeks before the recent ones."""
    middle = end - a["recent_weeks"] * WEEK
    return middle - a["base_weeks"] * WEEK < instant <= middle


def is_new(first, end, new_days):
    """D32."""
    return end - first < new_days * DAY


def decline_ratio(recent, base, a):
    """Recent active days per week divided by earlier ones; None without earlier ones."""
    return Fraction(recent, a["recent_weeks"]) / Fraction(base, a["base_weeks"]) if base else None


@lru_cache(maxsize=None)
def decline_p(recent, base, recent_weeks, base_weeks):
    """D33: of all ways to distribute the active days over the weeks, the share with so few recent ones, or fewer."""
    days, weeks = recent + base, recent_weeks + base_weeks
    if days == 0:
        return None
    ways = sum(comb(days, k) * recent_weeks**k * base_weeks**(days - k) for k in range(recent + 1))
    return Fraction(ways, weeks**days)


def is_declining(recent, base, a):
    """D33: of active days."""
    return (base >= a["min_base_days"]
            and decline_ratio(recent, base, a) <= exact(a["max_decline_ratio"])
            and decline_p(recent, base, a["recent_weeks"], a["base_weeks"]) < exact(a["max_decline_p"]))


def places(users, a):
    """The number of power users among so many recently active users, before ties."""
    return ceil(exact(a["power_share"]) * users) if users >= a["min_users"] else 0


def power_counts(counts, a):
    """D30: the numbers of recent requests that make a power user, from those of all users who had any."""
    in_order = sorted(counts, reverse=True)
    within, beyond = in_order[:places(len(counts), a)], in_order[places(len(counts), a):]
    chosen = set(within)
    if a["ties"] == "exclude":
        chosen -= set(beyond)
    # Users with the lowest usage are never power users.
    return chosen - {min(counts, default=None)}


def segment_of(person, end, power, a):
    """D34: the first that fits."""
    if is_new(person["first"], end, a["new_days"]):
        return "new"
    declining = is_declining(person["recent_days"], person["base_days"], a)
    if person["recent"] == 0:
        return "lapsed" if declining else "dormant"
    if declining:
        return "at_risk"
    return "power" if person["recent"] in power else "casual"


def people_of(requests, end, since, a, local_day):
    """The values of each user: `all` is shown, the rest only decides."""
    instants = {}
    for user, instant in requests:
        instants.setdefault(user, []).append(instant)
    for user, all_of_user in instants.items():
        yield user, {
            "shown": [i for i in all_of_user if since is None or i >= since],
            "first": min(all_of_user), "last": max(all_of_user),
            "recent": sum(is_recent(i, end, a) for i in all_of_user),
            "base": sum(is_base(i, end, a) for i in all_of_user),
            "recent_days": len({local_day(i) for i in all_of_user if is_recent(i, end, a)}),
            "base_days": len({local_day(i) for i in all_of_user if is_base(i, end, a)})}


def segment_users(requests, end, local_day, since=None, until=None, **asked):
    """D35: a row for each user of the (user, instant) requests."""
    a = DEFAULTS | asked
    people = dict(people_of(seen(requests, end, until), end, since, a, local_day))
    counts = [person["recent"] for person in people.values() if person["recent"] > 0]
    power = power_counts(counts, a)
    rows = []
    for user, person in sorted(people.items(), key=lambda item: item[0].encode()):
        recent, days = person["recent"], (person["recent_days"], person["base_days"])
        rows.append({
            "user_id": user,
            "segment": segment_of(person, end, power, a),
            "requests": len(person["shown"]),
            "active_days": len({local_day(instant) for instant in person["shown"]}),
            "first_seen": person["first"],
            "last_seen": person["last"],
            "usage_rank": 1 + sum(count > recent for count in counts) if recent > 0 else None,
            "power_cutoff": min(power, default=None),
            "recent_requests": recent,
            "base_requests": person["base"],
            "recent_days": days[0],
            "base_days": days[1],
            "decline_ratio": as_float(decline_ratio(*days, a)),
            "decline_p": as_float(decline_p(*days, a["recent_weeks"], a["base_weeks"]))})
    return rows


def without_cutoff_of_few(rows, min_group_size):
    """The cutoff is what a power user used: it is hidden if they are too few."""
    power = sum(row["power_cutoff"] is not None and row["recent_requests"] >= row["power_cutoff"] for row in rows)
    return [row | {"power_cutoff": None} for row in rows] if 0 < power < min_group_size else rows


def as_float(fraction):
    return None if fraction is None else float(fraction)


def segment_user(rows, user):
    """The row of one user, without the id; no row for excluded users."""
    return [{name: value for name, value in row.items() if name != "user_id"} for row in rows if row["user_id"] == user]


def segment_summary(rows, min_group_size=1):
    """Users and requests of each segment. Hidden groups cannot be derived from the shares of the others."""
    groups = {segment: [row["requests"] for row in rows if row["segment"] == segment] for segment in SEGMENTS}
    small = [segment for segment, group in groups.items() if 0 < len(group) < min_group_size]
    all_requests = sum(row["requests"] for row in rows)
    answer = []
    for segment, group in groups.items():
        shares = (share(len(group), len(rows)), share(sum(group), all_requests))
        answer.append({
            "segment": segment,
            "users": None if segment in small else len(group),
            "user_share": None if small else shares[0],
            "requests": None if segment in small else sum(group),
            "request_share": None if small else shares[1],
            "requests_per_user": None if segment in small else share(sum(group), len(group))})
    return answer


def share(part, whole):
    return part / whole if whole else None
