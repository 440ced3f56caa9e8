"""Sessions, and the definition of each function over `sessions`, in plain Python.

This is the reference: sessions are connected components, found by comparing every pair of a user's requests, and all values
are whole numbers and fractions until the end. It shares nothing with the extension. Times are instants and lengths whole
microseconds (see `days` of the kit).

A request lasts from its instant to its end, when the answer is complete. A user's requests with the same session id belong
together as long as pauses are at most `idle`; the others, and those alone with their id, belong together as long as pauses
are at most `gap`. In a longer pause the user is away, also within a session with an id. A visit is a run of a user's requests,
whatever their ids, with pauses of at most `gap`.
"""

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from oracle.kit.days import DAY, HOUR, SECOND
from oracle.kit.definitions import periods

DEFAULT_GAP = HOUR // 2
DEFAULT_IDLE = 24 * HOUR
LONGEST_REQUEST = 2 * DAY            # what lies further before `since` than this and both limits does not matter
BLANKS = " \t\n\r\v\f"
ANSWERED_WORDS = ("success", "succeeded", "successful", "ok", "normal", "completed", "complete", "done", "finished", "unset",
                  "status_code_ok", "status_code_unset", "true")
FAILED_WORDS = ("failure", "failed", "fail", "error", "errored", "exception", "status_code_error", "timeout", "timed_out",
                "rejected", "denied", "blocked", "rate_limited", "false")


@dataclass(frozen=True)
class Turn:
    """One request of a user, as the log is read."""

    user: str
    instant: int
    end: int
    session_id: str | None           # None for none, blank ids included
    succeeded: bool | None
    content: "Content | None" = None


@dataclass(frozen=True)
class Content:
    """What a request was about; None where it is not known. `matches` is whether it passes the condition asked for."""

    cost_usd: float | None = None
    prompt_tokens: float | None = None
    completion_tokens: float | None = None
    feature: str | None = None
    model: str | None = None
    matches: bool = True


@dataclass
class Session:
    user: str
    session_id: str | None           # None: formed by the gap
    limit: int                       # how long a pause may be: that of whichever formed it
    turns: list
    number: int = 0                  # 1, 2, ... among the user's

    @cached_property
    def start(self):
        return min(turn.instant for turn in self.turns)

    @cached_property
    def end(self):
        return max(turn.end for turn in self.turns)

    @property
    def span(self):
        return self.end - self.start

    def active(self, gap):
        """The span without pauses above the gap."""
        return sum(end - start for start, end in runs(self.turns, gap))

    @property
    def requests(self):
        return len(self.turns)

    @property
    def errors(self):
        return sum(turn.succeeded is False for turn in self.turns)

    def content(self):
        """The columns of session_list about what its requests were about."""
        contents = [turn.content or Content() for turn in self.turns]
        tokens = total([content.prompt_tokens for content in contents] + [content.completion_tokens for content in contents])
        return {"cost_usd": total(content.cost_usd for content in contents),
                "tokens": None if tokens is None else round(tokens),
                "features": names(content.feature for content in contents),
                "models": names(content.model for content in contents)}

    def outcome(self, observed_until):
        """'open' while another request could still belong to it; otherwise the last request's outcome; None if unknown."""
        if self.end + self.limit >= observed_until:
            return "open"
        return {True: "completed", False: "abandoned", None: None}[last_success(self.turns)]


# -------------------------------------------------------------------------------------------------- reading a row

def latency_micros(latency_ms):
    """Whole microseconds, halves up; an invalid latency (NULL, NaN, infinite, negative) is 0."""
    if latency_ms is None or not math.isfinite(latency_ms) or latency_ms < 0:
        return 0
    return math.floor(Fraction(latency_ms) * 1000 + Fraction(1, 2))


def session_name(session_id):
    """The id, or None if it is blank."""
    return None if session_id is None or session_id.strip(BLANKS) == "" else session_id


def succeeded_by_status(status):
    """An HTTP status, or a status word; None for what is neither an answer nor a failure."""
    if status is None:
        return None
    text = str(status).strip()
    if re.fullmatch(r"[+-]?[0-9]+", text):
        code = int(text)
        return True if 200 <= code <= 299 else False if 400 <= code <= 599 and code != 499 else None
    return True if text.lower() in ANSWERED_WORDS else False if text.lower() in FAILED_WORDS else None


def succeeded_with_error(by_status, error, has_status):
    """An error that is told decides; one that says that the user left does not tell. Without a status, no error is an answer."""
    if error is not None:
        return None if "disconnect" in error.lower() else False
    return by_status if has_status else True


def known_number(number):
    """Tokens and cost are finite and not negative; anything else is unknown."""
    return None if number is None or not math.isfinite(number) or number < 0 else float(number)


def total(numbers):
    """The sum of the known values, None if there are none."""
    known = [number for number in numbers if number is not None]
    return math.fsum(known) if known else None


def names(values):
    """The distinct names that are not blank, by their bytes, separated by commas; None without any."""
    found = {value for value in values if value is not None and value.strip(BLANKS)}
    return ",".join(sorted(found, key=str.encode)) or None


# ------------------------------------------------------------------------------------------------ forming sessions

def are_linked(one, other, limit):
    """The pause between the earlier one's end and the later one's start is at most `limit`."""
    earlier, later = (one, other) if one.instant <= other.instant else (other, one)
    return later.instant <= earlier.end + limit


def components(turns, limit):
    """The turns in groups: linked ones, transitively."""
    groups, rest = [], list(turns)
    while rest:
        group = [rest.pop(0)]
        for member in group:                     # which grows as we go
            near = [turn for turn in rest if are_linked(member, turn, limit)]
            rest = [turn for turn in rest if not are_linked(member, turn, limit)]
            group += near
        groups.append(group)
    return groups


def runs(turns, gap):
    """When each run of turns with pauses of at most `gap` begins and ends, by begin."""
    return sorted((min(t.instant for t in run), max(t.end for t in run)) for run in components(turns, gap))


def sessions_of_user(user, turns, gap, idle):
    """Rules 1 to 3 of the definition."""
    loose = [turn for turn in turns if turn.session_id is None]
    sessions = []
    for session_id in {turn.session_id for turn in turns} - {None}:
        for piece in components([turn for turn in turns if turn.session_id == session_id], idle):
            if len(piece) == 1:
                loose += piece
            else:
                sessions.append(Session(user, session_id, idle, piece))
    return sessions + [Session(user, None, gap, group) for group in components(loose, gap)]


def sessions_of(turns, gap, idle, key_of):
    """All users' sessions, numbered. `key_of(user, session_id)` is the key of an id."""
    by_user = {}
    for turn in turns:
        by_user.setdefault(turn.user, []).append(turn)
    everybody = []
    for user, of_user in by_user.items():
        sessions = sessions_of_user(user, of_user, gap, idle)
        # Sessions that begin together: the one without id first, then by key.
        sessions.sort(key=lambda s: (s.start, s.session_id is not None, s.session_id and key_of(user, s.session_id)))
        for number, session in enumerate(sessions, 1):
            session.number = number
        everybody += sessions
    return everybody


def last_success(turns):
    """The outcome of the last request. Of several at the same instant one success is enough."""
    last = max(turn.instant for turn in turns)
    known = [turn.succeeded for turn in turns if turn.instant == last and turn.succeeded is not None]
    return any(known) if known else None


# ---------------------------------------------------------------------------------------------------- the readouts

@dataclass
class Observation:
    """All sessions, the end of observation, and which of them are shown."""

    sessions: list
    end: int | None                  # None: there is nothing to see
    since: int | None = None
    until: int | None = None
    gap: int = DEFAULT_GAP

    def shows(self, instant):
        return (instant <= self.end and (self.since is None or instant >= self.since)
                and (self.until is None or instant < self.until))

    def counted(self):
        return [s for s in self.sessions if self.shows(s.start)]

    @cached_property
    def visits(self):
        """By user, when each visit begins and ends."""
        turns = {}
        for session in self.sessions:
            turns.setdefault(session.user, []).extend(session.turns)
        return {user: runs(of_user, self.gap) for user, of_user in turns.items()}

    def outcome(self, session):
        return session.outcome(self.end)

    def closed(self, sessions):
        return [s for s in sessions if self.outcome(s) != "open"]

    def came_back(self, session):
        """The user began another session within 24 hours after this one, after an absence above the gap, and before `until`."""
        begins_visit = {start for start, _ in self.visits[session.user]}
        return any(other.user == session.user and session.end < other.start <= session.end + DAY
                   and other.start in begins_visit and (self.until is None or other.start < self.until)
                   for other in self.sessions)

    def waits(self, of_period):
        """The time from the end of each visit that is over to the next, and whether there was one before observation ended;
        of visits that began in the period."""
        for visits in self.visits.values():
            for (start, end), (following, _) in zip(visits, [*visits[1:], (None, None)]):
                if not self.shows(start) or not of_period(start) or end + self.gap >= self.end:
                    continue
                is_seen = following is not None and following <= self.end and (
                    self.until is None or following < self.until)
                yield (following if is_seen else self.end) - end, is_seen


def share(part, whole):
    return float(Fraction(part, whole)) if whole else None


def mean(numbers):
    return share(sum(numbers), len(numbers))


def percentile(numbers, at):
    """SQL's percentile_cont: linear interpolation between the two nearest numbers."""
    if not numbers:
        return None
    numbers, position = sorted(numbers), at * (len(numbers) - 1)
    below, above = numbers[math.floor(position)], numbers[math.ceil(position)]
    return float(below + (above - below) * (position - math.floor(position)))


def time_within(waits, part):
    """The first time within which that part of the waits is over, by Kaplan-Meier; None if observation ends before."""
    left = Fraction(1)
    for time in sorted({time for time, is_over in waits if is_over}):
        at_risk = sum(wait >= time for wait, _ in waits)
        left *= 1 - Fraction(sum(is_over and wait == time for wait, is_over in waits), at_risk)
        if left <= 1 - part:
            return float(Fraction(time, SECOND))
    return None


def figures(o, sessions, of_period):
    """A row of session_stats for these sessions, which began in the period."""
    closed = o.closed(sessions)
    outcomes = [o.outcome(s) for s in sessions]
    completed, abandoned = outcomes.count("completed"), outcomes.count("abandoned")
    fates_known = not closed or completed + abandoned > 0
    active, waits = [Fraction(s.active(o.gap), SECOND) for s in closed], list(o.waits(of_period))
    seen_for_a_day = [s for s in closed if s.end + DAY <= o.end]
    return {
        "users": len({s.user for s in sessions}), "sessions": len(sessions),
        "requests": sum(s.requests for s in sessions), "requests_per_session": mean([s.requests for s in closed]),
        "active_mean_seconds": mean(active), "active_median_seconds": percentile(active, Fraction(1, 2)),
        "active_p90_seconds": percentile(active, Fraction(9, 10)),
        "span_mean_seconds": mean([Fraction(s.span, SECOND) for s in closed]),
        "single_request_share": share(sum(s.requests == 1 for s in closed), len(closed)),
        "engaged_rate": share(sum(s.requests - s.errors >= 2 for s in closed), len(closed)),
        "returned_24h_rate": share(sum(map(o.came_back, seen_for_a_day)), len(seen_for_a_day)),
        "return_median_seconds": time_within(waits, Fraction(1, 2)), "return_p90_seconds": time_within(waits, Fraction(9, 10)),
        "completed_sessions": completed if fates_known else None,
        "abandoned_sessions": abandoned if fates_known else None,
        "open_sessions": outcomes.count("open"), "completion_rate": share(completed, completed + abandoned),
        "abandonment_point_mean": mean([s.requests for s in sessions if o.outcome(s) == "abandoned"])}


def covered(intervals):
    """The length of the union: each interval between successive ends is covered or not."""
    edges = sorted({edge for interval in intervals for edge in interval})
    return sum(end - start for start, end in zip(edges, edges[1:])
               if any(begin <= start and end <= over for begin, over in intervals))


def time_figures(o, sessions, of_period):
    """A row of session_time for these sessions. What several sessions of a user share counts once."""
    closed = o.closed(sessions)

    def total(intervals):
        return sum(covered([i for s in closed if s.user == user for i in intervals(s)]) for user in {s.user for s in closed})

    span = total(lambda s: [(s.start, s.end)])
    active = total(lambda s: runs(s.turns, o.gap))
    busy = total(lambda s: [(turn.instant, turn.end) for turn in s.turns])
    seconds = lambda micros: float(Fraction(micros, SECOND))
    return {
        "users": len({s.user for s in sessions}), "sessions": len(closed), "span_seconds": seconds(span),
        "active_seconds": seconds(active), "away_seconds": seconds(span - active), "busy_seconds": seconds(busy),
        "think_seconds": seconds(active - busy), "busy_share": share(busy, active),
        "busy_mean_seconds": share(Fraction(busy, SECOND), len(closed)),
        "think_mean_seconds": share(Fraction(active - busy, SECOND), len(closed))}


def session_time(o, local_day, period=None, week_start="monday"):
    """As session_stats, for session_time."""
    return session_stats(o, local_day, period, week_start, figures=time_figures)


def session_stats(o, local_day, period=None, week_start="monday", figures=figures):
    """One row, or one for each calendar period, by the local day on which a session begins."""
    if period is None:
        return [{"period_start": None, **figures(o, o.counted(), lambda instant: True)}]
    # From `since` if a session began before it, otherwise from the first session.
    begun = [s.start for s in o.sessions if s.start <= o.end]
    if not begun or (o.since is not None and o.since > o.end):
        return []
    rows, counted = [], o.counted()
    first = min(begun) if o.since is None else max(min(begun), o.since)
    # A period that would begin at the end of observation has no row, unless a session begins at that instant.
    last = max(local_day(o.end - 1), max((local_day(s.start) for s in counted), default=local_day(o.end - 1)))
    for start, end in periods(local_day(first), last, period, week_start):
        of_period = lambda instant: start <= local_day(instant) < end
        rows.append({"period_start": start, **figures(o, [s for s in counted if of_period(s.start)], of_period)})
    return rows


def session_list(o):
    """One row for each session that contains a request asked for, by user and number."""
    return [{"user_id": s.user, "session_number": s.number, "session_id": s.session_id, "started_at": s.start,
             "ended_at": s.end, "active_seconds": float(Fraction(s.active(o.gap), SECOND)),
             "span_seconds": float(Fraction(s.span, SECOND)), "requests": s.requests, "errors": s.errors,
             "outcome": o.outcome(s), **s.content()}
            for s in sorted(o.counted(), key=lambda s: (s.user.encode(), s.number))
            if any(turn.content is None or turn.content.matches for turn in s.turns)]


def is_fate_known(o, session, k):
    """Whether it is known if the session ended with its k-th request: longer ones did not; open ones may not have."""
    return session.requests > k or session.requests == k and o.outcome(session) in ("completed", "abandoned")


def session_hazard(o, max_requests=50):
    """Of the sessions that reach request k and are known to go on or to end there, those abandoned there."""
    sessions = o.counted()
    rows = []
    for k in range(1, min(max_requests, max((s.requests for s in sessions), default=0)) + 1):
        reaching = sum(is_fate_known(o, s, k) for s in sessions)
        here = sum(o.outcome(s) == "abandoned" and s.requests == k for s in sessions)
        rows.append({"request_number": k, "sessions_reaching": reaching, "abandoned_here": here,
                     "hazard": share(here, reaching)})
    return rows
