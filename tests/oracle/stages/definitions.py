"""Lifecycle stages and acquisition in plain Python: D97 to D103 of the definitions.

`day` gives the local day of an instant. The requests are those of `usage`.
"""

import math

from oracle.kit.definitions import first_day_of, index_of
from oracle.usage.definitions import by_user, hidden, ratio

STAGES = ("acquisition", "activation", "retention", "growth", "lapsed", "dormant")


def activated_on(uses, day):
    """The first day by which there was a success, and three active days or two features."""
    known = any(use.succeeded is not None for use in uses)
    for today in sorted({day(use.instant) for use in uses}):
        so_far = [use for use in uses if day(use.instant) <= today]
        success = any(use.succeeded for use in so_far) or not known
        days, features = {day(use.instant) for use in so_far}, {use.feature for use in so_far} - {None}
        if success and (len(days) >= 3 or len(features) >= 2):
            return today
    return None


def is_upgraded(ranks):
    """Whether the last of (instant, rank) is above the first; of several at one instant, whatever their order is."""
    if not ranks:
        return False
    first, last = min(ranks)[0], max(ranks)[0]
    return min(rank for at, rank in ranks if at == last) > max(rank for at, rank in ranks if at == first)


def upgrades(ranks, day):
    """Whether the tier is above the first one, at the end of each day with a tier."""
    return [(today, is_upgraded([(at, rank) for at, rank in ranks if day(at) <= today]))
            for today in sorted({day(at) for at, _ in ranks})]


def upgraded_on(states, judged):
    """The first of the days up to `judged` at whose ends the tier has been above the first one ever since."""
    answer = None
    for today, is_above in states:
        if today <= judged:
            answer = (today if answer is None else answer) if is_above else None
    return answer


def has_lapsed(active_days, judged):
    """Without a request in 28 days, after active days that a coin would put into both halves of 56 days in 95 % of cases."""
    before = sum(judged - 56 < day <= judged - 28 for day in active_days)
    return before >= 5 and 20 < 2**before and not any(judged - 28 < day <= judged for day in active_days)


def stages_on(people, judged, day):
    """{user: (stage, requests, weeks, days, rank, cutoff)} at the end of a day; `people` has (uses, activated, states)."""
    recent = {user: [use for use in uses if judged - 28 < day(use.instant) <= judged] for user, (uses, _, _) in people.items()}
    counts = {user: len(uses) for user, uses in recent.items() if uses}
    rank = {user: 1 + sum(other > count for other in counts.values()) for user, count in counts.items()}
    power = {user for user, count in counts.items() if len(counts) >= 10
             and rank[user] <= math.ceil(len(counts) / 10) and count > min(counts.values())}
    cutoff = min((counts[user] for user in power), default=None)
    answer = {}
    for user, (uses, activated, states) in people.items():
        if min(day(use.instant) for use in uses) > judged:
            continue
        days = {day(use.instant) for use in recent[user]}
        weeks = len({(judged - d) // 7 for d in days})
        if not days:
            stage = "lapsed" if has_lapsed({day(use.instant) for use in uses}, judged) else "dormant"
        elif weeks >= 3 and (user in power or upgraded_on(states, judged) is not None):
            stage = "growth"
        elif weeks >= 3:
            stage = "retention"
        else:
            stage = "activation" if activated is not None and activated <= judged else "acquisition"
        answer[user] = (stage, len(recent[user]), weeks, len(days), rank.get(user), cutoff if days else None)
    return answer


def known_of(uses, day, tiers, tier_of):
    ranked = {user: [(use.instant, (tiers or []).index(tier_of(use))) for use in of_user if tier_of(use) in (tiers or [])]
              for user, of_user in by_user(uses).items()}
    return {user: (of_user, activated_on(of_user, day), upgrades(ranked[user], day)) for user, of_user in by_user(uses).items()}


def lifecycle_stage(uses, day, end, since, tier_of, tiers=None):
    """`end` is the end of observation."""
    people = known_of(uses, day, tiers, tier_of)
    first = {user: min(day(use.instant) for use in of_user) for user, (of_user, _, _) in people.items()}
    if not people:
        return []
    judged = max([day(end - 1)] + [day(use.instant) for use in uses])
    weeks = [stages_on(people, week, day) for week in range(judged, min(first.values()) - 1, -7)]
    rows = []
    for user, (stage, requests, active_weeks, active_days, rank, cutoff) in weeks[0].items():
        of_user, activated, states = people[user]
        upgraded, active = upgraded_on(states, judged), {day(use.instant) for use in of_user}
        if since is not None and min(use.instant for use in of_user) < since:
            continue
        change = next((n for n, week in enumerate(weeks) if user in week and week[user][0] != stage), None)
        begins = judged - 7 * ((judged - first[user]) // 7 if change is None else change - 1)
        since_day = first[user] if change is None else begins
        exact = {"activation": activated, "growth": upgraded}.get(stage)
        if exact is not None and begins - 7 < exact <= begins:
            since_day = exact
        if stage == "lapsed":
            since_day = max(active) + 28
        if stage == "dormant":
            since_day = next(d for d in range(max(active) + 28, judged + 1) if not has_lapsed(active, d))
        rows.append({
            "user_id": user, "stage": stage, "since_day": since_day, "first_seen": min(use.instant for use in of_user),
            "last_seen": max(use.instant for use in of_user), "recent_requests": requests, "active_weeks": active_weeks,
            "active_days": active_days, "usage_rank": rank, "power_cutoff": cutoff, "activated_on": activated,
            "upgraded_on": upgraded})
    return rows


def lifecycle_transitions(uses, day, end, since, tier_of, least, week_start, tiers=None, period="month"):
    people = known_of(uses, day, tiers, tier_of)
    if not people:
        return []
    shown = {user for user, (of_user, _, _) in people.items() if since is None or min(use.instant for use in of_user) >= since}
    index, counts, before = index_of(min(day(use.instant) for use in uses), period, week_start), {}, {}
    while first_day_of(index + 1, period, week_start) <= day(end):
        start, last = first_day_of(index, period, week_start), first_day_of(index + 1, period, week_start) - 1
        now = stages_on(people, last, day)
        for user in shown & set(now):
            key = (start, before[user][0] if user in before else None, now[user][0])
            counts[key] = counts.get(key, 0) + 1
        before, index = now, index + 1
    rows = []
    for (start, from_stage, to_stage), users in counts.items():
        of_stage = {key: n for key, n in counts.items() if key[:2] == (start, from_stage)}
        rows.append({"period_start": start, "from_stage": from_stage, "to_stage": to_stage,
                     "users": None if hidden(users, least) else users,
                     "share": None if any(hidden(n, least) for n in of_stage.values()) else users / sum(of_stage.values())})
    return rows


def acquisition(uses, day, end, since, source_of, is_premium, least, premium=None, premium_days=30):
    groups = {}
    for user, of_user in by_user(uses).items():
        first_at = min(use.instant for use in of_user)
        if since is not None and first_at < since:
            continue
        told = [(use.instant, source_of(use)) for use in of_user if source_of(use) is not None]
        earliest = min((instant for instant, _ in told), default=None)
        touch = max((value for instant, value in told if instant == earliest), key=str.encode, default=None)
        groups.setdefault(touch, []).append((of_user, first_at))
    rows = []
    for touch, members in groups.items():
        row = {"source_value": touch, "users": len(members)}
        outcomes = [[use.succeeded for use in of_user if use.instant == first_at] for of_user, first_at in members]
        known = [True in outcome for outcome in outcomes if any(result is not None for result in outcome)]
        eligible = [of_user for of_user, first_at in members if day(first_at) + 14 <= day(end)]
        back = [of_user for of_user in eligible
                if any(7 <= day(use.instant) - min(day(u.instant) for u in of_user) < 14 for use in of_user)]
        within = [(activated_on(of_user, day), min(day(use.instant) for use in of_user)) for of_user in eligible]
        onboarded = [activated for activated, first in within if activated is not None and activated < first + 14]
        mature = [(of_user, day(first_at)) for of_user, first_at in members if day(first_at) + premium_days <= day(end)]
        premiums = sum(any(is_premium(use) and day(use.instant) < first + premium_days for use in of_user)
                       for of_user, first in mature)
        row |= {
            "first_request_known_users": len(known), "first_request_answered_rate": ratio(sum(known), len(known)),
            "onboarding_eligible_users": len(eligible), "onboarding_completed_rate": ratio(len(onboarded), len(eligible)),
            "week_2_eligible_users": len(eligible), "week_2_retention": ratio(len(back), len(eligible)),
            "premium_eligible_users": len(mature) if premium is not None else None,
            "premium_users": premiums if premium is not None else None,
            "premium_rate": ratio(premiums, len(mature)) if premium is not None else None}
        if hidden(len(members), least):
            row = {name: value if name == "source_value" else None for name, value in row.items()}
        rows.append(row)
    return rows
