"""The definition of each function over `activity`, in plain Python.

This is the reference: sets of (user, local day) and loops over every period and every user, without clever data structures.
It shares nothing with the extension. Numbers (D1, D5, ...) are those of the project's definitions:

    D1-D4    active users, trailing windows, stickiness     D5, D62   growth accounting, churn
    D53-D57  retention: cohorts, maturity, kinds, pooling   D61       seasonality

Days are numbers, a period is the half-open range of days [start, end): see `days` and `definitions` of the kit.
"""

from dataclasses import dataclass, field
from math import comb, erfc, sqrt

from oracle.kit.days import DAY, HOUR, date_of, day_of
from oracle.kit.definitions import first_day_of, index_of, periods, wilson

KINDS = ("on", "on_or_after", "on_or_before", "streak")
CLOCKS = ("calendar", "rolling", "24_hours")
ROLLING_LENGTH = {"day": 1, "week": 7, "month": 30}
SEASON_FIGURES = ("number", "users", "retained_users", "retention_rate", "rate_low", "rate_high", "index", "index_low",
                  "index_high", "q_value")


# ------------------------------------------------------------------------------------------------- the observation

@dataclass
class Observation:
    """One log, restricted to a call: who was active when, and how far it is observed."""

    shown: set = field(default_factory=set)      # (user, day) of the requests at or after `since`
    history: set = field(default_factory=set)    # (user, day) of the requests before `since`
    end_day: int = 0                             # local day of as_of: a period [a, b) has elapsed when b <= end_day
    last_day: int = 0                            # the last day shown
    end: int = 0                                 # the end of observation
    since: int | None = None
    since_day: int | None = None                 # local day of `since`
    first_whole_day: int | None = None           # the first day no part of which lies before `since`

    def everything(self):
        return self.shown | self.history

    def days_of(self):
        """Each user's days, including those before `since`."""
        days = {}
        for user, day in self.everything():
            days.setdefault(user, set()).add(day)
        return days

    def first_days(self):
        return {user: min(days) for user, days in self.days_of().items()}

    def is_complete(self, start, end):
        """The period has elapsed, and neither `until` nor `since` cuts it (D2, D54)."""
        cut_by_since = self.first_whole_day is not None and start < self.first_whole_day
        return end <= self.end_day and not cut_by_since

    def log_begins(self):
        """The first day of the log."""
        return min(day for _, day in self.everything())

    def is_whole(self, start, end):
        """The period is complete, and all of its days lie within the log (D2, D5)."""
        return self.log_begins() <= start and self.is_complete(start, end)

    def first_shown_day(self):
        """The start of a series: the first day of the log, but not before `since`."""
        first = min(day for _, day in self.everything())
        return first if self.since_day is None else max(first, self.since_day)


def day_before(instant, local_day):
    """The local day before that of an instant. In Samoa it was the 29th of December 2011 on the 31st."""
    day = local_day(instant)
    while local_day(instant) == day:
        instant -= HOUR
    return local_day(instant)


def observe(requests, end, local_day, since=None, until=None, whole_days=False):
    """The observation of (user, instant) requests up to `end`.

    `whole_days`: the requests come from an activity value, which knows only days: a day begun by `end`, or before
    `until`, counts in full, and so does the day of `since`. As nothing at or after `until` is seen and the end is
    never later (`observation_end`), no day after that of the microsecond before `until` is shown.

    Otherwise everything before `since` is history: the hours before a `since` within a local day count as the day before.
    """
    end_day = local_day(end)
    o = Observation(end_day=end_day, end=end, since=since)
    for user, instant in requests:
        day = local_day(instant)
        if whole_days:
            seen = day <= end_day and (until is None or day <= local_day(until - 1))
            earlier = since is not None and day < local_day(since)
        else:
            seen = instant <= end and (until is None or instant < until)
            earlier = since is not None and instant < since
            if earlier and day == local_day(since):
                day = day_before(instant, local_day)
        if seen:
            (o.history if earlier else o.shown).add((user, day))
    o.last_day = max([local_day(end - 1)] + [day for _, day in o.everything() if day <= end_day])
    if since is not None:
        o.since_day = local_day(since)
        cut = local_day(since - 1) == o.since_day
        o.first_whole_day = o.since_day + (1 if cut else 0)
    return o


# ---------------------------------------------------------------------------------------------------- the readouts

def active_users(o, period="day", week_start="monday"):
    """D1: distinct users per calendar period; new = the first day ever lies in the shown part of the period."""
    rows = []
    if not o.everything():
        return rows
    first_day = o.first_days()
    for start, end in periods(o.first_shown_day(), o.last_day, period, week_start):
        active = {user for user, day in o.shown if start <= day < end}
        new = {user for user in active if is_new(o, first_day[user], start, end)}
        rows.append({
            "period_start": start, "active_users": len(active), "new_users": len(new),
            "returning_users": len(active - new), "complete": o.is_whole(start, end)})
    return rows


def is_new(o, first_day, start, end):
    """The user's first day ever lies in the shown part of the period."""
    return start <= first_day < end and (o.since_day is None or first_day >= o.since_day)


def engagement(o):
    """D2, D3: for each day, distinct users of the day, of the 7 and of the 30 days that end with it."""
    rows = []
    everything = o.everything()
    if not everything:
        return rows
    for today in range(o.first_shown_day(), o.last_day + 1):
        daily = len({user for user, day in o.shown if day == today})
        weekly = len({user for user, day in everything if today - 7 < day <= today})
        monthly = len({user for user, day in everything if today - 30 < day <= today})
        rows.append({
            "day": today, "daily_users": daily, "weekly_users": weekly, "monthly_users": monthly,
            "stickiness": daily / monthly if monthly else None,
            "complete": o.is_complete(today, today + 1) and o.log_begins() <= today - 29})
    return rows


def lifecycle(o, period="week", week_start="monday"):
    """D5, D62: active = new + retained + resurrected; active before = retained + churned."""
    rows = []
    if not o.everything():
        return rows
    first_day = o.first_days()
    first_index = index_of(o.first_shown_day(), period, week_start)
    before_first, first_start = (first_day_of(i, period, week_start) for i in (first_index - 1, first_index))
    previous = {user for user, day in o.everything() if before_first <= day < first_start}
    for start, end in periods(o.first_shown_day(), o.last_day, period, week_start):
        active = {user for user, day in o.shown if start <= day < end}
        new = {user for user in active if is_new(o, first_day[user], start, end)}
        retained = {user for user in active - new if user in previous}
        resurrected = active - new - retained
        churned = previous - active
        complete = o.is_whole(start, end)
        # Who had been active before can be known only if all of the period before lies within the log.
        before_start = first_day_of(index_of(start, period, week_start) - 1, period, week_start)
        known = complete and o.log_begins() <= before_start
        rows.append({
            "period_start": start, "active_users": len(active), "new_users": len(new),
            "retained_users": len(retained), "resurrected_users": len(resurrected),
            "churned_users": len(churned) if known else None,
            "quick_ratio": (len(new) + len(resurrected)) / len(churned) if known and churned else None,
            "complete": complete})
        # Including periods not shown because of `since`, which limits what is shown, not what is known.
        previous = {user for user, day in o.everything() if start <= day < end}
    return rows


def active_user_list(o, period_start, period="day", week_start="monday"):
    """D1: the users whom active_users counts in a period."""
    end = first_day_of(index_of(period_start, period, week_start) + 1, period, week_start)
    first_day = o.first_days()
    active = {user for user, day in o.shown if period_start <= day < end}
    return [{"user_id": user, "is_new": is_new(o, first_day[user], period_start, end)} for user in sorted(active)]


def lifecycle_users(o, period_start, state=None, period="week", week_start="monday"):
    """D5: the users whom lifecycle counts in a period, and as what."""
    if not o.everything():
        return []
    index = index_of(period_start, period, week_start)
    before, end = first_day_of(index - 1, period, week_start), first_day_of(index + 1, period, week_start)
    previous = {user for user, day in o.everything() if before <= day < period_start}
    active = {user for user, day in o.shown if period_start <= day < end}
    first_day = o.first_days()
    told = {}
    for user in active:
        told[user] = "retained" if user in previous else "resurrected"
        if is_new(o, first_day[user], period_start, end):
            told[user] = "new"
    if o.is_whole(period_start, end) and o.log_begins() <= before:
        told |= dict.fromkeys(previous - active, "churned")
    return [{"user_id": user, "state": of_user} for user, of_user in sorted(told.items()) if state in (None, of_user)]


def churn_rate(o, period="month", week_start="monday"):
    """D62: the share of the users active in the previous period who are not active in this one."""
    rows = []
    began = min((day for _, day in o.everything()), default=None)
    for row in lifecycle(o, period, week_start):
        index = index_of(row["period_start"], period, week_start)
        before_start = first_day_of(index - 1, period, week_start)
        before = len({user for user, day in o.everything() if before_start <= day < row["period_start"]})
        first = began >= row["period_start"]     # nothing is known before the log
        churned = row["churned_users"]
        low, high = wilson(churned, before) if churned is not None and before else (None, None)
        rows.append({"period_start": row["period_start"], "previous_active_users": None if first else before,
                     "churned_users": churned, "churn_rate": churned / before if low is not None else None,
                     "rate_low": low, "rate_high": high, "complete": row["complete"]})
    return rows


def seasonality(o, retained=(21, 27)):
    """D61: retention by the month and the weekday of the first day, if two whole years or weeks of such days have been seen."""
    first_day = o.first_days()
    begins = min(first_day.values(), default=0) if o.everything() else None
    people, rows = [], []
    if begins is not None:
        begins = max(begins, begins if o.first_whole_day is None else o.first_whole_day)
        for user, first in first_day.items():
            if first >= begins and first + retained[1] < o.end_day:
                days = {day for who, day in o.everything() if who == user}
                people.append((first, any(first + retained[0] <= day <= first + retained[1] for day in days)))
    for pattern, size, words, part in (("month", 12, ("years", "months"), lambda day: date_of(day)[1]),
                                       ("weekday", 7, ("weeks", "days"), lambda day: (day + 5) % 7 + 1)):
        until = 0 if begins is None else o.end_day - retained[1]
        seen = 0
        if begins is not None and begins < until:
            seen = until - begins if size == 7 else sum(
                begins <= day_of(*month) and day_of(*following) <= until
                for month, following in months_between(begins, until))
        if seen < 2 * size:
            rows.append({"pattern": pattern, **dict.fromkeys(SEASON_FIGURES), "reason":
                         f"needs two whole {words[0]} of users whose outcome is known: {seen} of {2 * size} {words[1]} so far"})
            continue
        of_all = sum(outcome for _, outcome in people) / len(people) if people else 0
        for number in range(1, size + 1):
            outcomes = [outcome for first, outcome in people if part(first) == number]
            low, high = wilson(sum(outcomes), len(outcomes)) if outcomes else (None, None)
            rate = sum(outcomes) / len(outcomes) if outcomes else None
            index = [None if value is None or not of_all else value / of_all for value in (rate, low, high)]
            rows.append({"pattern": pattern, "number": number, "users": len(outcomes), "retained_users": sum(outcomes),
                         "retention_rate": rate, "rate_low": low, "rate_high": high, "index": index[0], "index_low": index[1],
                         "index_high": index[2], "q_value": None, "reason": None})
        stayed = sum(outcome for _, outcome in people)
        p_values = [two_proportions(row["retained_users"], row["users"], stayed - row["retained_users"],
                                    len(people) - row["users"]) for row in rows[-size:]]
        for row, q in zip(rows[-size:], false_discovery(p_values)):
            row["q_value"] = q
    return rows


def two_proportions(a, n, b, m):
    """D86: the p value of a of n against b of m: Pearson's test, or Fisher's if a cell expects fewer than five."""
    k, total = a + b, n + m
    if not n or not m or not 0 < k < total:
        return None
    if min(n, m) * min(k, total - k) / total >= 5:
        return erfc(sqrt(total * (a * (m - b) - b * (n - a)) ** 2 / (n * m * k * (total - k)) / 2))
    ways = {i: comb(n, i) * comb(m, k - i) for i in range(max(0, k - m), min(n, k) + 1)}
    return sum(way for way in ways.values() if way <= ways[a]) / sum(ways.values())


def false_discovery(p_values):
    """Benjamini and Hochberg: the minimum of p * tests / rank over this and all larger p values."""
    known = sorted(p for p in p_values if p is not None)
    return [None if p is None else min(1.0, *(known[i] * len(known) / (i + 1) for i in range(len(known)) if known[i] >= p))
            for p in p_values]


def months_between(first, last):
    """((year, month), the next one) of every month that contains one of the days."""
    (year, month, _), end = date_of(first), date_of(last)[:2]
    while (year, month) <= end:
        following = (year + month // 12, month % 12 + 1)
        yield (year, month), following
        year, month = following


def stickiness(o, days=28):
    """D3, D4: the window's users active on exactly k, and on at least k, of its days."""
    if not o.shown:
        return []
    active_days = {}
    for user, day in o.shown:
        if o.last_day - days < day <= o.last_day:
            active_days.setdefault(user, set()).add(day)
    rows = []
    for k in range(1, days + 1):
        exactly = sum(1 for of_user in active_days.values() if len(of_user) == k)
        at_least = sum(1 for of_user in active_days.values() if len(of_user) >= k)
        rows.append({"active_days": k, "users": exactly, "users_at_least": at_least,
                     "share": exactly / len(active_days) if active_days else None})
    return rows


# ------------------------------------------------------------------------------------------------------- retention

@dataclass
class Coming:
    """A moment of one user: an event that may start a membership or be a return. A value knows only its day."""

    user: str
    day: int
    instant: int
    starts: bool = True
    returns: bool = True


@dataclass
class Member:
    """One user of a cohort: the start, the returns from then on, and the clock that numbers the user's periods."""

    start: Coming
    returns: list
    grain: str
    clock: str
    week_start: str

    def number_of(self, coming):
        """The number of the user's period that contains a moment (D55)."""
        if self.clock == "24_hours":
            return (coming.instant - self.start.instant) // (ROLLING_LENGTH[self.grain] * DAY)
        if self.clock == "rolling":
            return (coming.day - self.start.day) // ROLLING_LENGTH[self.grain]
        return index_of(coming.day, self.grain, self.week_start) - index_of(self.start.day, self.grain, self.week_start)

    def begins(self, k):
        """The start of the user's period k: a day, or an instant with the clock of hours."""
        if self.clock == "24_hours":
            return self.start.instant + k * ROLLING_LENGTH[self.grain] * DAY
        if self.clock == "rolling":
            return self.start.day + k * ROLLING_LENGTH[self.grain]
        first = index_of(self.start.day, self.grain, self.week_start)
        return first_day_of(first + k, self.grain, self.week_start)

    def is_eligible(self, k, o):
        """D54: the user's own period k has completely elapsed."""
        return self.begins(k + 1) <= (o.end if self.clock == "24_hours" else o.end_day)

    def is_active(self, first, last, least):
        """At least that many returns in the periods first to last."""
        return sum(first <= self.number_of(coming) <= last for coming in self.returns) >= least

    def is_retained(self, k, kind, least):
        """D55; period 0 is one like others, in which users without conditions always are."""
        numbers = {self.number_of(coming) for coming in self.returns}
        active = {n for n in numbers if self.is_active(n, n, least)}
        if kind == "on_or_after":
            return any(n >= k for n in active)
        if kind == "on" or k == 0:
            return k in active
        if kind == "on_or_before":
            return any(1 <= n <= k for n in active)
        return all(n in active for n in range(1, k + 1))


def comings_of(o, comings):
    """Each user's moments in order; of a value, or without conditions by days, the active days."""
    by_user = {}
    if comings is None:
        comings = [Coming(user, day, None) for user, day in o.everything()]
    for coming in sorted(comings, key=lambda c: (c.day, 0) if c.instant is None else (c.instant, 0)):
        by_user.setdefault(coming.user, []).append(coming)
    return by_user


def members_by_cohort(o, cohort, period, clock, week_start, comings=None, recurring=False):
    """D53, D56: each user in the cohort of the first start ever, unless that was before `since`; or in one for each period
    with a start that is not before `since`, by the first such start in it."""
    cohorts = {}

    def is_shown(coming):
        if coming.instant is None:
            return o.since_day is None or coming.day >= o.since_day
        return o.since is None or coming.instant >= o.since

    for user, moments in comings_of(o, comings).items():
        starts = [coming for coming in moments if coming.starts]
        chosen = starts[:1] if not recurring else list({
            index_of(coming.day, cohort, week_start): coming for coming in reversed(starts) if is_shown(coming)}.values())
        for start in filter(is_shown, chosen):
            began = first_day_of(index_of(start.day, cohort, week_start), cohort, week_start)
            returns = [c for c in moments if c.returns and (c.day >= start.day if c.instant is None else c.instant >= start.instant)]
            cohorts.setdefault(began, []).append(Member(start, returns, period, clock, week_start))
    return cohorts


def numbers_shown(o, members, offsets, comings=None):
    """The given numbers, or all from 0 to the last period that has begun for any member."""
    if offsets is not None:
        return sorted(set(offsets))
    k = 0
    # A day skipped by the zone (Apia, 2011-12-30) has elapsed without ever being the last day.
    last = max(o.last_day, o.end_day - 1)
    if members and members[0].clock == "24_hours":
        last = o.end if any(coming.instant == o.end for coming in comings) else o.end - 1
    while any(member.begins(k + 1) <= last for member in members):
        k += 1
    return range(k + 1)


def cell(o, members, k, kind, is_whole=True, least=1, last=None):
    """One cell: the number of retained users among the eligible members (D54, D57), in the period k or the bracket k to last. It
    is complete if all are eligible, and if the cohort's own period, if it has one, lies within the log and what is shown."""
    eligible = [member for member in members if member.is_eligible(k if last is None else last, o)]
    retained = sum(1 for member in eligible if (
        member.is_retained(k, kind, least) if last is None else member.is_active(k, last, least)))
    low, high = wilson(retained, len(eligible)) if eligible else (None, None)
    return {
        "eligible_users": len(eligible), "retained_users": retained if eligible else None,
        "retention_rate": retained / len(eligible) if eligible else None,
        "rate_low": low, "rate_high": high, "complete": is_whole and len(eligible) == len(members)}


def cells(o, members, kind, offsets, brackets, least, comings, is_whole=True):
    """(number, cell) of every period or bracket shown."""
    if brackets is not None:
        return [(first, cell(o, members, first, "on", is_whole, least, last)) for first, last in brackets]
    return [(k, cell(o, members, k, kind, is_whole, least)) for k in numbers_shown(o, members, offsets, comings)]


def retention_matrix(o, cohort="week", period="week", offsets=None, kind="on", clock="calendar", week_start="monday",
                     cohorts="first", brackets=None, min_requests=1, comings=None):
    """D53-D56: one row per cohort that has members and period number."""
    rows = []
    by_cohort = members_by_cohort(o, cohort, period, clock, week_start, comings, cohorts == "recurring")
    begins = min([day for _, day in o.everything()] + [coming.day for coming in comings or []], default=None)
    for start, members in sorted(by_cohort.items()):
        end = first_day_of(index_of(start, cohort, week_start) + 1, cohort, week_start)
        is_whole = begins <= start and o.is_complete(start, end)
        for k, figures in cells(o, members, kind, offsets, brackets, min_requests, comings, is_whole):
            rows.append({"cohort_start": start, "cohort_users": len(members), "period_number": k, **figures})
    return rows


def retention_curve(o, cohort="week", period="week", offsets=None, kind="on", clock="calendar", week_start="monday",
                    cohorts="first", brackets=None, min_requests=1, comings=None):
    """D57: all cohorts pooled, sums of retained over sums of eligible."""
    by_cohort = members_by_cohort(o, cohort, period, clock, week_start, comings, cohorts == "recurring")
    everyone = [member for members in by_cohort.values() for member in members]
    if not everyone:
        return []
    return [{"period_number": k, "cohort_users": len(everyone), **figures}
            for k, figures in cells(o, everyone, kind, offsets, brackets, min_requests, comings)]


def retention_users(o, period_number, cohort_start=None, cohort="week", period="week", kind="on", clock="calendar",
                    week_start="monday", cohorts="first", brackets=None, min_requests=1, comings=None):
    """D53-D57: the members of a cohort, or of all; whether each is eligible, and if so retained."""
    last = dict(brackets)[period_number] if brackets is not None else period_number
    rows = []
    for start, members in members_by_cohort(o, cohort, period, clock, week_start, comings, cohorts == "recurring").items():
        for member in members if cohort_start in (None, start) else []:
            eligible = member.is_eligible(last, o)
            retained = member.is_retained(period_number, kind, min_requests) if brackets is None else (
                member.is_active(period_number, last, min_requests))
            rows.append({"user_id": member.start.user, "cohort_start": start, "eligible": eligible,
                         "retained": retained if eligible else None})
    return rows


def cohort_table(o, week_start="monday"):
    """D53, D54: monthly cohorts; week n = the member's own days 7(n-1) .. 7n-1; NULL until it has elapsed for all."""
    rows = []
    for start, members in sorted(members_by_cohort(o, "month", "week", "rolling", week_start).items()):
        row = {"cohort": start, "users": len(members)}
        for week in (1, 2, 4, 8, 12):
            figure = cell(o, members, week - 1, "on")
            row[f"week_{week}"] = figure["retention_rate"] if figure["complete"] else None
        rows.append(row)
    return rows
