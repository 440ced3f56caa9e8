"""The definition of each function about user journeys, in plain Python: lists of requests, and loops.

Numbers are those of the project's definitions: D37-D41 first_sessions, D42-D46 activation_milestones, D48 feature_adoption,
D50 adoption_barriers, D51 feature_timing, D52 usage_evolution. A `Step` is a request as these functions read it. `local_day`
gives the local day of an instant, `end` is the end of observation; spans of days are of local days.
"""

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from statistics import fmean, variance

from oracle.kit.days import SECOND
from oracle.kit.definitions import Z95, wilson
from oracle.sessions.definitions import Turn, percentile, sessions_of


@dataclass(frozen=True)
class Step(Turn):
    """A request; unknown values are None."""

    request_id: str | None = None
    feature: str | None = None
    rating: float | None = None
    prompt: str | None = None
    latency: float | None = None
    marks: tuple = ()                # which milestones it counts for, or whether it tells what was shown


def by(steps, key):
    groups = {}
    for step in steps:
        groups.setdefault(key(step), []).append(step)
    return groups


def share(part, whole):
    return part / whole if whole else None


def mean(numbers):
    return fmean(numbers) if numbers else None


def bounded(part, whole):
    """A rate and its bounds."""
    return (part / whole, *map(float, wilson(part, whole))) if whole else (None, None, None)


def seconds(micros):
    return micros / SECOND


def tie(step):
    """The order of requests at one instant: by id, shorter ones first, none last; failures first, unknown outcomes last."""
    return (step.instant, step.request_id is None, len(step.request_id or ""), (step.request_id or "").encode(),
            {False: 0, True: 1, None: 2}[step.succeeded])


# ------------------------------------------------------------------------------------------------- time to something

def shares_left(durations):
    """(time, share, Greenwood's sum) after each time, from pairs of seconds and whether the event occurred then.
    Negative durations are invalid."""
    durations = [(s, h) for s, h in durations if s >= 0]
    left, spread = Fraction(1), Fraction(0)
    for time in sorted({s for s, _ in durations}):
        at_risk = sum(s >= time for s, _ in durations)
        fall = sum(h and s == time for s, h in durations)
        left *= Fraction(at_risk - fall, at_risk)
        spread = None if spread is None or at_risk == fall else spread + Fraction(fall, at_risk * (at_risk - fall))
        yield time, left, spread


def time_of(durations, part):
    """A quantile of the time to the event: (time, low, high)."""
    rest, found = Fraction(1) - Fraction(str(part)), [None, None, None]
    for time, left, spread in shares_left(durations):
        low, high = float(left), 1.0
        if 0 < left < 1:
            log = math.log(left)
            half = Z95 * math.sqrt(spread) / -log
            low, high = (math.exp(-math.exp(math.log(-log) + way * half)) for way in (1, -1))
        for place, value in enumerate((left, low, high)):
            if found[place] is None and value <= rest + Fraction(1, 10**12):
                found[place] = time
    return found


def share_by(durations, time):
    """The share with the event by a time; None if none has been observed for so long."""
    durations, left = [(s, h) for s, h in durations if s >= 0], Fraction(1)
    for at, after, _ in shares_left(durations):
        if at <= time:
            left = after
    is_known = durations and (left == 0 or any(s >= time for s, _ in durations))
    return float(1 - left) if is_known else None


# ------------------------------------------------------------------------------------------------------ first sessions

def first_session_rows(steps, signups, end, since, gap, idle, key_of):
    """One dict per user; a user who only signed up has no session."""
    rows = []
    sessions = sessions_of(steps, gap, idle, key_of)
    for session in sessions:
        if session.number == 1 and (since is None or session.start >= since):
            first = min((step for step in session.turns if step.instant == session.start), key=tie)
            rows.append({"user_id": session.user, "session_id": session.session_id, "started_at": session.start,
                         "ended_at": session.end, "active_seconds": seconds(session.active(gap)), "span_seconds": seconds(session.span),
                         "requests": session.requests, "errors": session.errors, "outcome": session.outcome(end),
                         "first_request_succeeded": first.succeeded,
                         "features_discovered": len({step.feature for step in session.turns} - {None}),
                         "signed_up_at": signups.get(session.user)})
    here = {session.user for session in sessions}
    rows += [{"user_id": user, "started_at": None, "signed_up_at": at} for user, at in signups.items()
             if user not in here and at <= end and (since is None or at >= since)]
    return rows


def first_session_list(rows):
    tells = any(row["features_discovered"] for row in rows if row["started_at"] is not None)
    for row in sorted(rows, key=lambda row: row["user_id"].encode()):
        if row["started_at"] is None:
            yield {name: row.get(name) for name in (
                "user_id", "session_id", "started_at", "ended_at", "active_seconds", "span_seconds", "requests", "errors", "outcome",
                "first_request_succeeded", "features_discovered", "signed_up_at")} | {"seconds_to_first_request": None}
            continue
        waited = None if row["signed_up_at"] is None else seconds(row["started_at"] - row["signed_up_at"])
        yield row | {"features_discovered": row["features_discovered"] if tells else None,
                     "seconds_to_first_request": waited}


def first_sessions(rows, asks_signups, tells_features, end, least):
    """The row of a segment."""
    people = [row for row in rows if row["started_at"] is not None]
    closed = [row for row in people if row["outcome"] != "open"]
    waits = [(seconds((row["started_at"] if row["started_at"] is not None else end) - row["signed_up_at"]),
              row["started_at"] is not None) for row in rows if row["signed_up_at"] is not None]
    known = [row["first_request_succeeded"] for row in people if row["first_request_succeeded"] is not None]
    rate, low, high = bounded(sum(known), len(known))
    # The median of a small group is also hidden if others signed up after their first request.
    is_hidden = 0 < sum(wait >= 0 for wait, _ in waits) < least
    median, median_low, median_high = (None,) * 3 if is_hidden else time_of(waits, 0.5)
    within = [None if is_hidden else share_by(waits, days * 86400) for days in (1, 7)]
    lengths = [row["active_seconds"] for row in closed]
    answer = {
        "users": len(people), "signed_up_users": len(waits), "without_request_users": len(rows) - len(people),
        "requests_before_signup": sum(wait < 0 for wait, _ in waits), "seconds_to_first_request": median,
        "seconds_to_first_request_low": median_low, "seconds_to_first_request_high": median_high,
        "first_request_within_1_day": within[0], "first_request_within_7_days": within[1],
        "first_requests": len(known), "first_request_answered_rate": rate, "rate_low": low, "rate_high": high,
        "open_sessions": len(people) - len(closed),
        "features_discovered_mean": mean([row["features_discovered"] for row in closed]) if tells_features else None,
        "active_mean_seconds": mean(lengths), "active_median_seconds": percentile(lengths, Fraction(1, 2)),
        "requests_mean": mean([row["requests"] for row in closed]),
        "single_request_share": share(sum(row["requests"] == 1 for row in closed), len(closed))}
    if not asks_signups:
        answer |= dict.fromkeys(("signed_up_users", "without_request_users", "requests_before_signup"))
    return dict.fromkeys(answer) if 0 < len(rows) < least else answer


# ----------------------------------------------------------------------------------------------------------- milestones

STANDARD = ("first successful request", "first multi-turn conversation", "first use of an advanced feature",
            "active again in the first week", "regular use")


def standard_milestones(steps, sessions, began, advanced, local_day, day_start, end):
    """For each milestone of one user: (name, when it was reached, its deadline, whether the deadline has passed)."""
    first_day = local_day(began)
    days = {}
    for step in sorted(steps, key=lambda step: step.instant):
        days.setdefault(local_day(step.instant) - first_day, step.instant)
    talks = [session for session in sessions if session.requests > 1]
    second = None
    if talks:
        talk = min(talks, key=lambda session: session.number)
        second = sorted(step.instant for step in talk.turns)[1]
    success = [step.instant for step in steps if step.succeeded]
    uses = [step.instant for step in steps if step.feature is not None and step.feature in (advanced or ())]
    again = [at for day, at in days.items() if 1 <= day <= 7]
    regular = sorted(at for day, at in days.items() if 0 <= day <= 13)
    found = [(min(success, default=None), None), (second, None), (min(uses, default=None), None),
             (min(again, default=None), 8), (regular[2] if len(regular) > 2 else None, 14)]
    for name, (reached, length) in zip(STANDARD, found):
        if name != STANDARD[2] or advanced is not None:
            has_elapsed = length is None or local_day(end) >= first_day + length
            yield name, reached, None if length is None else day_start(first_day + length), has_elapsed


def told_milestones(steps, told, began, end):
    """The same for custom milestones: the n-th request, within the time limit. Of users who must have begun with something
    else it is not known whether the deadline has passed: they are not counted."""
    firsts = [step for step in steps if step.instant == min(step.instant for step in steps)]
    origins = [place for place, milestone in enumerate(told) if milestone.get("from")]
    for place, milestone in enumerate(told):
        is_counted = place not in origins or any(step.marks[len(told) + origins.index(place)] for step in firsts)
        at = sorted(step.instant for step in steps if step.marks[place])
        count, within = milestone.get("count", 1), milestone.get("within")
        reached = at[count - 1] if len(at) >= count else None
        deadline = None if within is None else began + within
        if deadline is not None and reached is not None and reached > deadline:
            reached = None
        yield milestone["name"], reached, deadline, (deadline is None or deadline < end) if is_counted else None


def milestone_rows(people, names, end, least, unknown=()):
    """A row for each milestone of a segment. `people` has (began, [the above for each milestone]) of each user."""
    for number, name in enumerate(names, 1):
        of_all = [(began, *milestones[number - 1][1:], number > 1 and milestones[number - 2][1] is not None
                   and milestones[number - 2][3] is not None)
                  for began, milestones in people if milestones[number - 1][3] is not None]
        eligible = [(reached, before) for _, reached, _, has_elapsed, before in of_all if has_elapsed]
        got = sum(reached is not None for reached, _ in eligible)
        times = [(seconds((min(end, deadline or end) if reached is None else reached) - began), reached is not None)
                 for began, reached, deadline, _, _ in of_all]
        rate, low, high = bounded(got, len(eligible))
        row = {"eligible_users": len(eligible), "reached_users": got, "reached_rate": rate, "rate_low": low,
               "rate_high": high, "median_seconds": time_of(times, 0.5)[0], "p25_seconds": time_of(times, 0.25)[0],
               "p75_seconds": time_of(times, 0.75)[0], "p90_seconds": time_of(times, 0.9)[0],
               "dropped_from_previous": sum(before and reached is None for reached, before in eligible)
               if number > 1 else None}
        if name in unknown or 0 < len(people) < least or 0 < len(of_all) < least or 0 < len(eligible) < least:
            row = dict.fromkeys(row)
        yield {"milestone_number": number, "milestone": name, **row}


# ------------------------------------------------------------------------------------------------------------- adoption

def adoption_of(uses, local_day, last_day, min_days, within_days):
    """(first use, whether the period has elapsed, whether the feature was used on enough days in it)."""
    days = sorted({local_day(step.instant) for step in uses})
    return (min(step.instant for step in uses), days[0] + within_days <= last_day,
            sum(day < days[0] + within_days for day in days) >= min_days)


def feature_adoption(steps, end, since, local_day, least, asks_exposure=False, min_days=3, within_days=28,
                     power_share=0.10, min_users=10):
    last_day = local_day(end)
    users = len({step.user for step in steps if since is None or step.instant >= since})
    rows = []
    for feature, of_feature in by(steps, lambda step: step.feature).items():
        if feature is None:
            continue
        shown, tried, in_time = 0, [], {}
        for user, of_user in by(of_feature, lambda step: step.user).items():
            uses = [step for step in of_user if not (asks_exposure and step.marks[0])]
            from_then = min(step.instant for step in uses) if uses else max(step.instant for step in of_user)
            if since is not None and from_then < since:
                continue
            shown += 1
            if uses:
                tried.append((user, len(uses)))
                in_time[user] = adoption_of(uses, local_day, last_day, min_days, within_days)[1:]
        if not shown:
            continue
        eligible = [user for user, _ in tried if in_time[user][0]]
        adopted = [user for user in eligible if in_time[user][1]]
        cut = math.ceil(Fraction(str(power_share)) * len(tried))
        counts = sorted((n for _, n in tried), reverse=True)
        power = [user for user, n in tried if user in adopted and len(tried) >= min_users and n > min(counts)
                 and sum(other > n for other in counts) + 1 <= cut]
        rate, low, high = bounded(len(adopted), len(eligible))
        row = {"users": users, "aware_users": shown if asks_exposure else None, "tried_users": len(tried),
               "reach": share(len(tried), users), "tried_rate": share(len(tried), shown) if asks_exposure else None,
               "eligible_users": len(eligible), "open_users": len(tried) - len(eligible), "adopted_users": len(adopted),
               "adoption_rate": rate, "rate_low": low, "rate_high": high, "power_users": len(power),
               "power_rate": share(len(power), len(adopted))}
        if 0 < shown < least or 0 < len(tried) < least:
            row = dict.fromkeys(row) | {"users": users}
        elif 0 < len(eligible) < least:
            row |= dict.fromkeys(("eligible_users", "open_users", "adopted_users", "adoption_rate", "rate_low", "rate_high", "power_users", "power_rate"))
        if 0 < users < least:
            row |= {"users": None, "reach": None}
        rows.append({"feature": feature, **row})
    return rows


def normal(prompt):
    """A prompt in lower case, with single spaces, without final punctuation."""
    return re.sub(r"[ .!?]+$", "", re.sub(r"[ \t\n\r\f\v]+", " ", prompt.strip(" ")).lower())


def newcombe(one, other):
    """The difference of two rates and its bounds."""
    if not (one[1] and other[1]):
        return None, None, None
    (a, a_low, a_high), (b, b_low, b_high) = bounded(*one), bounded(*other)
    return (a - b, max(a - b - math.hypot(a - a_low, b_high - b), -1.0), min(a - b + math.hypot(a_high - a, b - b_low), 1.0))


def student_beyond(t, freedom):
    """The two-sided tail probability of Student's t at t: an incomplete beta function, by its series."""
    a, x = freedom / 2, freedom / (freedom + t * t)
    term, total, n = 1.0, 0.0, 0
    while term > total * 1e-17:
        total += term
        term *= x * (a + 0.5 + n) / (a + 1 + n)
        n += 1
    whole = math.lgamma(a) + math.lgamma(0.5) - math.lgamma(a + 0.5)
    return math.exp(a * math.log(x) + 0.5 * math.log1p(-x) - whole) / a * total


def student_point(freedom):
    """The 97.5 % point of Student's t, by bisection."""
    low, high = 0.5, 1e6
    while high - low > low * 1e-14:
        middle = (low + high) / 2
        low, high = (middle, high) if student_beyond(middle, freedom) > 0.05 else (low, middle)
    return low


def welch(one, other):
    if not (one and other):
        return None, None, None
    difference = fmean(one) - fmean(other)
    if min(len(one), len(other)) < 2 or variance(one) + variance(other) == 0:
        return difference, None, None
    a, b = variance(one) / len(one), variance(other) / len(other)
    freedom = (a + b) ** 2 / (a * a / (len(one) - 1) + b * b / (len(other) - 1))
    half = student_point(freedom) * math.sqrt(a + b)
    return difference, difference - half, difference + half


BARRIERS = ("the first request failed", "a request of the first day failed", "a prompt of the first day was repeated",
            "an answer of the first day was rated badly", "latency of the first day, in ms")


def first_day_of_use(uses, local_day, scale):
    """The barriers that one user met on the first day with the feature; None if unknown."""
    day = min(local_day(step.instant) for step in uses)
    uses = sorted((step for step in uses if local_day(step.instant) == day),
                  key=lambda step: (*tie(step)[:4], step.prompt is None, (step.prompt or "").encode()))
    known = [step.succeeded for step in uses if step.succeeded is not None]
    first = [step.succeeded for step in uses if step.instant == uses[0].instant and step.succeeded is not None]
    rated = [step.rating < sum(scale) / 2 for step in uses
             if scale and step.rating is not None and scale[0] <= step.rating <= scale[1]]
    latencies = [step.latency for step in uses if step.latency is not None and step.succeeded is not False]
    repeated = [after.instant - before.instant <= 300 * SECOND and normal(before.prompt) == normal(after.prompt) != ""
                for before, after in zip(uses, uses[1:]) if None not in (before.prompt, after.prompt)]
    return (not any(first) if first else None, not all(known) if known else None,
            any(repeated) if any(step.prompt is not None for step in uses) else None, any(rated) if rated else None,
            mean(latencies))


def adoption_barriers(steps, end, since, local_day, least, feature, rating_scale=None, min_days=3, within_days=28):
    groups = {True: [], False: []}
    for of_user in by([step for step in steps if step.feature == feature], lambda step: step.user).values():
        began, has_elapsed, is_adopted = adoption_of(of_user, local_day, local_day(end), min_days, within_days)
        if has_elapsed and (since is None or began >= since):
            groups[is_adopted].append(first_day_of_use(of_user, local_day, rating_scale))
    if not (groups[True] or groups[False]):
        return []
    rows = []
    for place, barrier in enumerate(BARRIERS):
        gone, stayed = ([user[place] for user in groups[is_adopted] if user[place] is not None] for is_adopted in (False, True))
        compared = welch(gone, stayed) if place == 4 else newcombe((sum(gone), len(gone)), (sum(stayed), len(stayed)))
        values = (mean(gone), mean(stayed))
        if 0 < len(gone) < least or 0 < len(stayed) < least:
            compared, values = (None, None, None), (None, None)
        difference, low, high = compared
        clear = None if low is None else abs(difference) / ((high - low) / 2)
        shown = [None if 0 < len(group) < least else len(group) for group in (gone, stayed)]
        rows.append((clear is None, -(clear or 0), place, {
            "barrier": barrier, "not_adopted_users": shown[0], "not_adopted_value": values[0], "adopted_users": shown[1],
            "adopted_value": values[1], "difference": difference, "difference_low": low, "difference_high": high}))
    # Results that are equal to the twelfth digit are ordered by position.
    rows.sort(key=lambda row: (row[0], round(row[1], 12), row[2]))
    return [{"barrier_rank": rank, **row[3]} for rank, row in enumerate(rows, 1)]


def feature_timing(steps, end, since, local_day, least, feature, landmarks=(1, 3, 7, 14, 28), horizon_days=28):
    rows, last_day = [], local_day(end)
    for before, landmark in zip((0, *landmarks), landmarks):
        introduced, without = [], []
        for of_user in by(steps, lambda step: step.user).values():
            first_day = min(local_day(step.instant) for step in of_user)
            ages = {local_day(step.instant) - first_day for step in of_user}
            uses = [local_day(step.instant) - first_day for step in of_user if step.feature == feature]
            began = min(step.instant for step in of_user)
            if since is not None and began < since or first_day + landmark + horizon_days > last_day:
                continue
            if not any(landmark - 7 <= age < landmark for age in ages):
                continue                         # gone before the landmark
            stays = any(landmark + horizon_days - 7 <= age < landmark + horizon_days for age in ages)
            used = [age for age in uses if age < landmark]
            if not used:
                without.append(stays)
            elif min(used) >= before:
                introduced.append(stays)         # who was introduced earlier has been counted at that landmark
        if not introduced and not without and not any_active(steps, since, local_day, last_day, landmark, horizon_days):
            continue
        one, other = (sum(introduced), len(introduced)), (sum(without), len(without))
        hidden = [0 < n < least for _, n in (one, other)]
        difference, low, high = (None,) * 3 if any(hidden) else newcombe(one, other)
        figures = [(None,) * 5 if hide else (group[1], group[0], *bounded(*group)) for hide, group in zip(hidden, (one, other))]
        names = [f"{who}_{what}" for who in ("introduced", "without")
                 for what in ("users", "retained", "retention", "low", "high")]
        rows.append({"landmark_day": landmark, **dict(zip(names, figures[0] + figures[1])), "difference": difference,
                     "difference_low": low, "difference_high": high})
    return rows


def any_active(steps, since, local_day, last_day, landmark, horizon_days):
    """Whether any user compared was active before the landmark: then there is a row, possibly of zeros."""
    for of_user in by(steps, lambda step: step.user).values():
        first_day = min(local_day(step.instant) for step in of_user)
        if since is not None and min(step.instant for step in of_user) < since:
            continue
        if first_day + landmark + horizon_days <= last_day and any(
                landmark - 7 <= local_day(step.instant) - first_day < landmark for step in of_user):
            return True
    return False


# ------------------------------------------------------------------------------------------------------------ evolution

# The columns of a week in the JSON form, and their keys.
FIGURES_OF_A_WEEK = {"users": "bigint", "active_users": "bigint"} | dict.fromkeys(
    ("requests_per_day", "requests_per_active_user_day", "avg_session_seconds", "features_used", "satisfaction_score"),
    "double precision")
SHORT_OF_A_WEEK = {
    "requests_per_day": "(w.value ->> 'requests_per_day')::double precision",
    "avg_session_length": "w.value ->> 'avg_session_length'",
    "features_used": "(SELECT string_agg(f, '|' ORDER BY n) FROM jsonb_array_elements_text(CASE WHEN jsonb_typeof("
                     "w.value -> 'features_used') = 'array' THEN w.value -> 'features_used' END) WITH ORDINALITY AS u(f, n))",
    "satisfaction_score": "(w.value ->> 'satisfaction_score')::double precision"}


def in_four_digits(number):
    return None if number is None else float(f"{number:.4g}")


def length(seconds):
    """In seconds below a minute, in minutes below an hour, then in hours and minutes; halves are rounded up."""
    seconds = int(Fraction(seconds) + Fraction(1, 2))
    if seconds < 60:
        return f"{seconds} s"
    hours, minutes = divmod((seconds + 30) // 60, 60)
    return " ".join([f"{hours} h"] * (hours > 0) + [f"{minutes} min"] * (minutes > 0 or hours == 0))


def in_figures(row):
    """A week in the JSON form if it is to be detailed."""
    return {name: in_four_digits(row[name]) if kind != "bigint" else row[name] for name, kind in FIGURES_OF_A_WEEK.items()}


def in_short(row):
    """A week in the JSON form, unless it is to be detailed."""
    return {"requests_per_day": in_four_digits(row["requests_per_day"]),
            "avg_session_length": None if row["avg_session_seconds"] is None else length(row["avg_session_seconds"]),
            "features_used": "|".join(row["names"]) if row["names"] else None,
            "satisfaction_score": in_four_digits(row["satisfaction_score"])}


def usage_evolution(steps, end, since, local_day, least, tells_features, gap, idle, key_of, weeks=(1, 4, 12), rating_scale=None):
    people = {user: (min(local_day(step.instant) for step in of_user), min(step.instant for step in of_user), of_user)
              for user, of_user in by(steps, lambda step: step.user).items()}
    people = {user: known for user, known in people.items() if since is None or known[1] >= since}
    sessions = [session for session in sessions_of(steps, gap, idle, key_of) if session.outcome(end) != "open"]
    rows = []
    for panel in ("all", "same_users") if people else ():
        for week in sorted(set(weeks)):
            seen = week if panel == "all" else max(weeks)
            members = {user: known for user, known in people.items() if known[0] + 7 * seen <= local_day(end)}
            of_week = {user: [step for step in of_user if (local_day(step.instant) - first_day) // 7 + 1 == week]
                       for user, (first_day, _, of_user) in members.items()}
            active = [of_user for of_user in of_week.values() if of_user]
            lengths = [seconds(session.active(gap)) for session in sessions if session.user in members
                       and (local_day(session.start) - members[session.user][0]) // 7 + 1 == week]
            requests = sum(map(len, active))
            ratings = [step.rating for of_user in active for step in of_user
                       if rating_scale and step.rating is not None and not math.isnan(step.rating)]
            score = (fmean(ratings) - rating_scale[0]) / (rating_scale[1] - rating_scale[0]) * 10 if ratings else None
            used = [feature for of_user in active for feature in {step.feature for step in of_user} - {None}]
            names = sorted((name for name in set(used) if used.count(name) >= least),
                           key=lambda name: (-used.count(name), name.encode()))
            row = {"users": len(members), "active_users": len(active), "names": names if tells_features else None,
                   "requests_per_day": share(requests, 7 * len(members)),
                   "requests_per_active_user_day": share(requests, 7 * len(active)), "avg_session_seconds": mean(lengths),
                   "features_used": mean([len({step.feature for step in of_user} - {None}) for of_user in active])
                   if tells_features else None, "satisfaction_score": score}
            if 0 < len(members) < least or 0 < len(active) < least:
                row = dict.fromkeys(row)
            rows.append({"panel": panel, "week": week, **row})
    return rows
