"""Sessions worked out by hand, and wrong definitions that must fail: `python3 -m oracle sessions --self-test` needs no
server.

Clock times are of 1 January 2024, UTC; the gap is half an hour and the idle limit 24 hours unless said.
"""

import math
import random
import unittest
from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace
from unittest import mock

from oracle.kit.compare import differences
from oracle.kit.days import DAY, HOUR, SECOND, day_of, instant_of, local_day_by_zoneinfo
from oracle.sessions import cases
from oracle.sessions import definitions as sd
from oracle.sessions.cases import expected_rows, interval_literal, random_session_case
from oracle.sessions.logs import random_content_log

MINUTE = 60 * SECOND
MIDNIGHT = instant_of(2024, 1, 1)


def at(clock, micros=0):
    """'10:30' as an instant; hours beyond 23 are on the following days."""
    hours, minutes = map(int, clock.split(":"))
    return MIDNIGHT + hours * HOUR + minutes * MINUTE + micros


def turn(clock, session_id=None, succeeded=True, user="ann", minutes=0, micros=0):
    """A request whose answer took so many minutes."""
    instant = at(clock, micros)
    return sd.Turn(user, instant, instant + minutes * MINUTE, session_id, succeeded)


def sessions(turns, gap=HOUR // 2, idle=DAY):
    """(id, requests, start, end) of each session, by user and number."""
    found = sd.sessions_of(turns, gap, idle, lambda _user, session_id: session_id)
    return [(s.session_id, s.requests, s.start, s.end) for s in sorted(found, key=lambda s: (s.user, s.number))]


def observed(turns, end, since=None, until=None):
    found = sd.sessions_of(turns, HOUR // 2, DAY, lambda _user, session_id: session_id)
    return sd.Observation(found, end, since, until)


def utc_day(instant):
    return instant // DAY


class Reading(unittest.TestCase):
    def test_latency(self):
        for latency_ms, micros in ((None, 0), (math.nan, 0), (math.inf, 0), (-math.inf, 0), (-5, 0), (0, 0), (1e-9, 0),
                                   (0.0625, 63), (0.1875, 188), (1500, 1_500_000), (12.345, 12_345)):
            self.assertEqual(sd.latency_micros(latency_ms), micros)

    def test_session_names(self):
        for session_id in (None, "", " ", "\t\n\r\v\f"):
            self.assertIsNone(sd.session_name(session_id))
        for session_id in ("0", " a", "\u00a0"):
            self.assertEqual(sd.session_name(session_id), session_id)

    def test_status(self):
        for status in (200, 299, "success", "OK", "Normal", "200", "299", " 200", "UNSET", "completed"):
            self.assertIs(sd.succeeded_by_status(status), True)
        for status in (400, 429, 500, "404", "error", "Failure", "STATUS_CODE_ERROR", "timeout"):
            self.assertIs(sd.succeeded_by_status(status), False)
        for status in (None, 199, 300, 0, -200, 499, 600, "", "2000", "20", "2x0", "300", "okay", "cancelled", "pending"):
            self.assertIsNone(sd.succeeded_by_status(status))

    def test_error(self):
        for by_status, error, has_status, answered in (
                (True, None, True, True), (True, "Timeout", True, False), (None, "Timeout", False, False),
                (True, "ClientDisconnected", True, None), (None, None, False, True), (None, None, True, None)):
            self.assertIs(sd.succeeded_with_error(by_status, error, has_status), answered)

    def test_intervals(self):
        self.assertEqual([interval_literal(i) for i in (None, 0, DAY, HOUR // 2, 36 * HOUR, 90 * SECOND, 1)],
                         ["NULL", "'0 days'", "'1 days'", "'30 minutes'", "'36 hours'", "'90 seconds'",
                          "'1 microseconds'"])


class Forming(unittest.TestCase):
    def test_gap(self):
        """A pause of half an hour does not cut, a microsecond more does; the answer's time is no pause."""
        self.assertEqual(sessions([turn("10:00"), turn("10:30")]), [(None, 2, at("10:00"), at("10:30"))])
        self.assertEqual(sessions([turn("10:00"), turn("10:30", micros=1)]),
                         [(None, 1, at("10:00"), at("10:00")), (None, 1, at("10:30", 1), at("10:30", 1))])
        self.assertEqual(sessions([turn("10:00", minutes=5), turn("10:35")]), [(None, 2, at("10:00"), at("10:35"))])

    def test_longest_answer_counts(self):
        """The first answer takes until 11:00, so 11:30 does not cut, though the second ended at 10:11."""
        turns = [turn("10:00", minutes=60), turn("10:10", minutes=1), turn("11:30")]
        self.assertEqual(sessions(turns), [(None, 3, at("10:00"), at("11:30"))])
        self.assertEqual(sessions(turns[:2]), [(None, 2, at("10:00"), at("11:00"))])

    def test_nothing_is_cut_at_midnight(self):
        self.assertEqual(sessions([turn("23:50"), turn("24:10")]), [(None, 2, at("23:50"), at("24:10"))])

    def test_ids(self):
        """s spans a day to the microsecond; requests without id form a session beside it."""
        turns = [turn("10:00", "s"), turn("34:00", "s"), turn("10:05"), turn("10:20")]
        self.assertEqual(sessions(turns), [("s", 2, at("10:00"), at("34:00")), (None, 2, at("10:05"), at("10:20"))])

    def test_reused_id(self):
        """A microsecond later there are two parts: one of two requests, and a single one, treated as without id."""
        turns = [turn("10:00", "s"), turn("11:00", "s"), turn("35:00", "s", micros=1)]
        self.assertEqual(sessions(turns), [("s", 2, at("10:00"), at("11:00")),
                                           (None, 1, at("35:00", 1), at("35:00", 1))])

    def test_fresh_ids(self):
        """An id for each request counts as no id; they are joined with requests without one."""
        turns = [turn("10:00", "a"), turn("10:10", "b"), turn("10:20"), turn("11:00", "c")]
        self.assertEqual(sessions(turns), [(None, 3, at("10:00"), at("10:20")), (None, 1, at("11:00"), at("11:00"))])

    def test_named_turns_are_no_bridge(self):
        """10:00 and 10:50 are too far apart; s at 10:25 is a session of its own and does not join them."""
        turns = [turn("10:00"), turn("10:25", "s"), turn("10:26", "s"), turn("10:50")]
        self.assertEqual(sessions(turns), [(None, 1, at("10:00"), at("10:00")), ("s", 2, at("10:25"), at("10:26")),
                                           (None, 1, at("10:50"), at("10:50"))])

    def test_users_share_nothing(self):
        turns = [turn("10:00", "s"), turn("10:01", "s", user="bob")]
        self.assertEqual([row[:2] for row in sessions(turns)], [(None, 1), (None, 1)])

    def test_same_start(self):
        """The session without id first, then by key."""
        turns = [turn("10:00", "s"), turn("10:01", "s"), turn("10:00", "r"), turn("10:02", "r"), turn("10:00")]
        self.assertEqual([row[0] for row in sessions(turns)], [None, "r", "s"])


class Outcomes(unittest.TestCase):
    def outcome(self, turns, end):
        [session] = observed(turns, end).sessions
        return session.outcome(end)

    def test_open(self):
        self.assertEqual(self.outcome([turn("10:00", minutes=1)], at("10:31")), "open")
        self.assertEqual(self.outcome([turn("10:00", minutes=1)], at("10:31", 1)), "completed")
        self.assertEqual(self.outcome([turn("10:00", "s"), turn("10:01", "s")], at("34:01")), "open")
        self.assertEqual(self.outcome([turn("10:00", "s"), turn("10:01", "s")], at("34:01", 1)), "completed")

    def test_last_request(self):
        """The last request is the one made last, not the one answered last; of several then, one success is enough."""
        end = at("20:00")
        self.assertEqual(self.outcome([turn("10:00", minutes=9), turn("10:01", succeeded=False)], end), "abandoned")
        for at_once, outcome in (((True, False), "completed"), ((None, False), "abandoned"), ((None, None), None),
                                 ((True, None), "completed")):
            turns = [turn("09:59", succeeded=False), *(turn("10:00", succeeded=s) for s in at_once)]
            self.assertEqual(self.outcome(turns, end), outcome)


# ann   10:00 failed, 10:10 answered after 20 minutes: 2 requests, 30 minutes, 1 error, completed
#       33:00 (the 2nd at 9:00, within 24 h of 10:30), failed: 1 request, abandoned
# bob   23:40, 24:00, 24:10 with id s, the last failed: 3 requests, 30 minutes, abandoned (on the 1st, as it began)
# cat   58:00 (the 3rd at 10:00), open until 58:30 has passed
LOG = [turn("10:00", succeeded=False), turn("10:10", minutes=20), turn("33:00", succeeded=False),
       turn("23:40", "s", user="bob"), turn("24:00", "s", user="bob"), turn("24:10", "s", False, "bob"),
       turn("58:00", user="cat")]
END = at("58:30")


class Readouts(unittest.TestCase):
    def test_stats(self):
        """Active for 1800, 0, 1800 of the closed: the 90 % point is at 0.9 * 2 = 1.8, between 1800 and 1800. bob has no
        pause above the gap, so all of that is also what they span.

        A day has passed since ann's first and second and bob's: only ann's first was followed by another within it. She
        was back after 22.5 hours (10:30 to 33:00), and then was not for 25.5; bob was not for 34:20. So of three one is over,
        2/3 are left, and half is never reached.
        """
        self.assertEqual(sd.session_stats(observed(LOG, END), utc_day), [{
            "period_start": None, "users": 3, "sessions": 4, "requests": 7, "requests_per_session": 2.0,
            "active_mean_seconds": 1200.0, "active_median_seconds": 1800.0, "active_p90_seconds": 1800.0,
            "span_mean_seconds": 1200.0, "return_median_seconds": None, "return_p90_seconds": None,
            "single_request_share": 1 / 3, "engaged_rate": 1 / 3, "returned_24h_rate": 1 / 3, "completed_sessions": 1,
            "abandoned_sessions": 2, "open_sessions": 1, "completion_rate": 1 / 3, "abandonment_point_mean": 2.0}])

    def test_engaged(self):
        """ann's first has one success, bob's has two."""
        o = observed(LOG, END)
        self.assertEqual([s.requests - s.errors for s in sorted(o.sessions, key=lambda s: s.start)], [1, 2, 0, 1])

    def test_periods(self):
        rows = sd.session_stats(observed(LOG, END), utc_day, "day")
        first = day_of(2024, 1, 1)
        self.assertEqual(
            [(row["period_start"] - first, row["users"], row["sessions"], row["requests"], row["abandoned_sessions"])
             for row in rows], [(0, 2, 2, 5, 1), (1, 1, 1, 1, 1), (2, 1, 1, 1, 0)])
        rows = sd.session_stats(observed(LOG, at("100:00"), since=at("34:00")), utc_day, "day")
        self.assertEqual([(row["period_start"] - first, row["sessions"]) for row in rows],
                         [(1, 0), (2, 1), (3, 0), (4, 0)])

    def test_since_limits_what_is_shown(self):
        """bob's session began before; ann's second is shown, and that she returned is known of no session shown."""
        [row] = sd.session_stats(observed(LOG, END, since=at("23:41")), utc_day)
        self.assertEqual((row["sessions"], row["requests"], row["returned_24h_rate"]), (2, 2, 0.0))

    def test_returned_at_until(self):
        """A return after exactly a day counts, but not at the first instant that is no longer observed."""
        turns = [turn("10:00"), turn("34:00")]
        [row] = sd.session_stats(observed(turns, at("34:00")), utc_day)
        self.assertEqual((row["sessions"], row["returned_24h_rate"]), (2, 1.0))
        o = observed(turns, at("34:00"))
        o.until = at("34:00")
        [row] = sd.session_stats(o, utc_day)
        self.assertEqual((row["sessions"], row["returned_24h_rate"]), (1, 0.0))

    def test_unknown_outcomes(self):
        [row] = sd.session_stats(observed([turn("10:00", succeeded=None)], END), utc_day)
        self.assertEqual([row[name] for name in ("completed_sessions", "abandoned_sessions", "open_sessions",
                                                 "completion_rate", "abandonment_point_mean")],
                         [None, None, 0, None, None])
        [row] = sd.session_stats(observed([turn("10:00", succeeded=None)], at("10:00")), utc_day)
        self.assertEqual([row["completed_sessions"], row["abandoned_sessions"], row["open_sessions"]], [0, 0, 1])

    def test_empty(self):
        empty = sd.Observation([], None)
        [row] = sd.session_stats(empty, utc_day)
        self.assertEqual({value for value in row.values()}, {0, None})
        self.assertEqual([name for name, value in row.items() if value == 0],
                         ["users", "sessions", "requests", "completed_sessions", "abandoned_sessions", "open_sessions"])
        self.assertEqual([sd.session_stats(empty, utc_day, "day"), sd.session_list(empty), sd.session_hazard(empty)],
                         [[], [], []])

    def test_percentile(self):
        """As PostgreSQL: percentile_cont(0.9) of 1, 2, 3, 4 is 3.7."""
        numbers = [Fraction(n) for n in (4, 2, 3, 1)]
        self.assertEqual([sd.percentile(numbers, at) for at in (Fraction(1, 2), Fraction(9, 10))], [2.5, 3.7])

    def test_list(self):
        rows = sd.session_list(observed(LOG, END, since=at("23:00")))
        self.assertEqual(rows[0], {
            "user_id": "ann", "session_number": 2, "session_id": None, "started_at": at("33:00"),
            "ended_at": at("33:00"), "active_seconds": 0.0, "span_seconds": 0.0, "requests": 1, "errors": 1,
            "outcome": "abandoned", "cost_usd": None, "tokens": None, "features": None, "models": None})
        self.assertEqual([(row["user_id"], row["session_number"], row["session_id"], row["span_seconds"],
                           row["outcome"]) for row in rows[1:]],
                         [("bob", 1, "s", 1800.0, "abandoned"), ("cat", 1, None, 0.0, "open")])

    def test_content(self):
        """A session costs .75 and has 7 tokens; a request in it asked for shows all of it, one elsewhere nothing."""
        contents = [sd.Content(0.5, 3, None, "chat", "b"), sd.Content(0.25, None, 4, " ", "a", False), sd.Content(matches=False)]
        turns = [replace(turn(clock), content=content) for clock, content in zip(("10:00", "10:10", "12:00"), contents)]
        self.assertEqual([(row["session_number"], row["cost_usd"], row["tokens"], row["features"], row["models"])
                          for row in sd.session_list(observed(turns, END))], [(1, 0.75, 7, "chat", "a,b")])

    def test_hazard(self):
        """The first is reached by all but cat's, which may go on; the second and third as their lengths say."""
        figures = [tuple(row.values()) for row in sd.session_hazard(observed(LOG, END))]
        self.assertEqual(figures, [(1, 3, 1, 1 / 3), (2, 2, 0, 0.0), (3, 1, 1, 1.0)])
        self.assertEqual(len(sd.session_hazard(observed(LOG, END), 2)), 2)
        self.assertEqual([tuple(row.values()) for row in sd.session_hazard(observed(LOG[-1:], END))], [(1, 0, 0, None)])


# ------------------------------------------------------------------------------------- the definitions' own errors

class Ids(dict):
    """Without a server, an id's key is a number made from its bytes."""

    def get(self, key, _default=None):
        return int.from_bytes(key[1].encode()[:8].ljust(8), "big", signed=True)


def local_day(instant, zone):
    day = local_day_by_zoneinfo(instant, zone)
    return utc_day(instant) if day is None else day


FACTS = SimpleNamespace(now=instant_of(2026, 11, 24), of_log={"session_keys": Ids()}, local_day=local_day)


def random_cases(count, seed):
    """(case, log), as in a run of the oracle."""
    rng = random.Random(seed)
    while count > 0:
        log = random_content_log(rng, FACTS.now // DAY * DAY)
        for _ in range(min(8, count)):
            yield random_session_case(rng, log), log
        count -= 8


def linked_by(pause):
    """are_linked with another rule; pause(earlier, later, limit)."""
    def are_linked(one, other, limit):
        return pause(*((one, other) if one.instant <= other.instant else (other, one)), limit)
    return are_linked


RIGHT = SimpleNamespace(
    latency_micros=sd.latency_micros, sessions_of_user=sd.sessions_of_user, components=sd.components,
    last_success=sd.last_success, outcome=sd.Session.outcome, runs=sd.runs, active=sd.Session.active,
    time_figures=sd.time_figures, covered=sd.covered, waits=sd.Observation.waits, counted=sd.Observation.counted,
    observed_until=cases.observed_until)


def cut_after_the_last(turns, limit):
    groups = []
    for each in sorted(turns, key=lambda t: t.instant):
        if groups and each.instant <= groups[-1][-1].end + limit:
            groups[-1].append(each)
        else:
            groups.append([each])
    return groups


def single_ids_are_sessions(user, turns, gap, idle):
    named = [t for t in turns if t.session_id is not None]
    pieces = [sd.Session(user, name, idle, piece) for name in {t.session_id for t in named}
              for piece in RIGHT.components([t for t in named if t.session_id == name], idle)]
    return pieces + RIGHT.sessions_of_user(user, [t for t in turns if t.session_id is None], gap, idle)


def singles_stay_apart(user, turns, gap, idle):
    unnamed = RIGHT.sessions_of_user(user, [t for t in turns if t.session_id is None], gap, idle)
    return unnamed + RIGHT.sessions_of_user(user, [t for t in turns if t.session_id is not None], gap, idle)


def ids_never_end(user, turns, gap, idle):
    """As if there were no idle limit, except for open sessions."""
    sessions = RIGHT.sessions_of_user(user, turns, gap, 10**6 * DAY)
    for session in sessions:
        session.limit = min(session.limit, idle) if session.session_id else gap
    return sessions


def limit_is_always_the_gap(user, turns, gap, idle):
    sessions = RIGHT.sessions_of_user(user, turns, gap, idle)
    for session in sessions:
        session.limit = gap
    return sessions


def cut_at_midnight(turns, limit):
    days = {}
    for each in turns:
        days.setdefault(each.instant // DAY, []).append(each)
    return [group for of_day in days.values() for group in RIGHT.components(of_day, limit)]


def success_of_last_answered(turns):
    return max(turns, key=lambda t: (t.end, t.instant)).succeeded


def worst_of_the_last(turns):
    last = max(t.instant for t in turns)
    known = [t.succeeded for t in turns if t.instant == last and t.succeeded is not None]
    return all(known) if known else None


def half_to_even(latency_ms):
    return 0 if RIGHT.latency_micros(latency_ms) == 0 else round(Fraction(latency_ms) * 1000)


def signed_latency(latency_ms):
    return RIGHT.latency_micros(latency_ms) or (-RIGHT.latency_micros(-latency_ms) if latency_ms else 0)


def closed_at_the_limit(session, observed_until):
    return RIGHT.outcome(session, observed_until + (session.end + session.limit == observed_until))


def back(within):
    """Observation.came_back with another rule."""
    return lambda o, s: any(t.user == s.user and within(s, t) for t in o.sessions)


def visits_by_session(o):
    visits = {}
    for session in o.sessions:
        visits.setdefault(session.user, []).append((session.start, session.end))
    return {user: sorted(of_user) for user, of_user in visits.items()}


def nearest_rank(numbers, at):
    return float(sorted(numbers)[math.ceil(at * len(numbers)) - 1]) if numbers else None


def until_is_inclusive(o):
    return RIGHT.counted(sd.Observation(o.sessions, o.end, o.since, None if o.until is None else o.until + 1))


def since_is_exclusive(o):
    return RIGHT.counted(sd.Observation(o.sessions, o.end, None if o.since is None else o.since + 1, o.until))


def end_of_users(case, log, now):
    """Observation ends with the last request of users who are not excluded."""
    return RIGHT.observed_until(case, replace(log, requests=cases.counted_requests(case, log)), now)


# The functions replaced, by the name of the mistake.
DEFINITIONS, LOGS, CASES = (f"oracle.sessions.{module}." for module in ("definitions", "logs", "cases"))
MUTANTS = {
    "a pause of exactly the limit cuts": (DEFINITIONS + "are_linked", linked_by(
        lambda a, b, limit: b.instant < a.end + limit or b.instant == a.instant)),
    "pauses are counted from the question": (DEFINITIONS + "are_linked", linked_by(
        lambda a, b, limit: b.instant <= a.instant + limit)),
    "pauses are counted from the last answer": (DEFINITIONS + "components", cut_after_the_last),
    "a day ends a session": (DEFINITIONS + "components", cut_at_midnight),
    "an id is a session, alone or not": (DEFINITIONS + "sessions_of_user", single_ids_are_sessions),
    "a single id goes with single ids": (DEFINITIONS + "sessions_of_user", singles_stay_apart),
    "an id is for good": (DEFINITIONS + "sessions_of_user", ids_never_end),
    "all sessions are open for the gap": (DEFINITIONS + "sessions_of_user", limit_is_always_the_gap),
    "what overlaps counts twice": (DEFINITIONS + "covered", lambda intervals: sum(end - start for start, end in intervals)),
    "all between the first and the last is covered": (DEFINITIONS + "covered", lambda intervals: (
        max(end for _, end in intervals) - min(start for start, _ in intervals) if intervals else 0)),
    "all of a session is active": (DEFINITIONS + "Session.active", lambda session, gap: session.span),
    "only answers are active": (DEFINITIONS + "Session.active", lambda session, gap: RIGHT.active(session, 0)),
    "active as the session's limit has it": (DEFINITIONS + "Session.active", lambda session, gap: (
        RIGHT.active(session, session.limit))),
    "a visit ends with its session": (DEFINITIONS + "Observation.visits", property(visits_by_session)),
    "who is not back yet is left out": (DEFINITIONS + "Observation.waits", lambda o, of_period: [
        wait for wait in RIGHT.waits(o, of_period) if wait[1]]),
    "who is not back yet is back": (DEFINITIONS + "Observation.waits", lambda o, of_period: [
        (time, True) for time, _ in RIGHT.waits(o, of_period)]),
    "a blank id is an id": (LOGS + "session_name", lambda session_id: session_id),
    "latency is nothing": (LOGS + "latency_micros", lambda latency_ms: 0),
    "halves go to the even": (LOGS + "latency_micros", half_to_even),
    "a negative latency counts": (LOGS + "latency_micros", signed_latency),
    "a success is 200": (LOGS + "succeeded_by_status", lambda status: None if status is None else str(status) == "200"),
    "unknown is an error": (DEFINITIONS + "Session.errors", property(
        lambda session: sum(not t.succeeded for t in session.turns))),
    "the last is the last answered": (DEFINITIONS + "last_success", success_of_last_answered),
    "one failure of the last is enough": (DEFINITIONS + "last_success", worst_of_the_last),
    "unknown is a failure": (DEFINITIONS + "last_success", lambda turns: bool(RIGHT.last_success(turns))),
    "no longer open at the limit": (DEFINITIONS + "Session.outcome", closed_at_the_limit),
    "observation ends with the users": (CASES + "observed_until", end_of_users),
    "back within a day of the start": (DEFINITIONS + "Observation.came_back", back(
        lambda s, t: s.end < t.start <= s.start + DAY)),
    "back at the very end": (DEFINITIONS + "Observation.came_back", back(
        lambda s, t: s is not t and s.end <= t.start <= s.end + DAY)),
    "back after less than a day": (DEFINITIONS + "Observation.came_back", back(
        lambda s, t: s.end < t.start < s.end + DAY)),
    "until is inclusive": (DEFINITIONS + "Observation.counted", until_is_inclusive),
    "since is exclusive": (DEFINITIONS + "Observation.counted", since_is_exclusive),
    "open sessions are known to end": (DEFINITIONS + "is_fate_known", lambda o, s, k: s.requests >= k),
    "only known outcomes reach anything": (DEFINITIONS + "is_fate_known", lambda o, s, k: (
        s.requests >= k and o.outcome(s) in ("completed", "abandoned"))),
    "the 90 % point is a value that occurs": (DEFINITIONS + "percentile", nearest_rank)}


class Waiting(unittest.TestCase):
    def test_what_overlaps_is_awaited_once(self):
        """From 0 to 10, from 5 to 12, at 20 for no time, from 20 to 21."""
        intervals = [(5, 12), (0, 10), (20, 20), (20, 21)]
        self.assertEqual((sd.covered(intervals), sd.covered(intervals[2:3]), sd.covered([])), (13, 0, 0))

    def test_two_chats_used_in_turn(self):
        """09:00 to 09:29 and 09:02 to 09:31: 31 minutes of ann's time, not 58."""
        turns = [turn("09:00", "a"), turn("09:02", "b"), turn("09:29", "a"), turn("09:31", "b")]
        [row] = sd.session_time(observed(turns, at("60:00")), utc_day)
        self.assertEqual([row[name] for name in ("sessions", "span_seconds", "active_seconds", "away_seconds")],
                         [2, 1860.0, 1860.0, 0.0])

    def test_away(self):
        """One chat at 09:00, 09:10 and 15:00, another at 12:00 and 12:20 in its pause: 10 and 20 minutes of 360."""
        turns = [turn("09:00", "a"), turn("09:10", "a"), turn("15:00", "a"), turn("12:00", "b"), turn("12:20", "b")]
        [row] = sd.session_time(observed(turns, at("60:00")), utc_day)
        self.assertEqual([row[name] for name in ("span_seconds", "active_seconds", "away_seconds")], [21600.0, 1800.0, 19800.0])
        self.assertEqual([s["active_seconds"] for s in sd.session_list(observed(turns, at("60:00")))], [600.0, 1200.0])

    def test_waits(self):
        """Over after 1, 3 and 3, still running at 2 and 5: of five 4/5 are left, of three a third of that, never a tenth."""
        waits = [(n * SECOND, is_over) for n, is_over in ((3, True), (1, True), (2, False), (3, True), (5, False))]
        self.assertEqual([sd.time_within(waits, Fraction(n, 10)) for n in (2, 5, 7, 9)], [1.0, 3.0, 3.0, None])

    def test_a_new_chat_is_no_return(self):
        """Three chats within a quarter of an hour are one visit."""
        turns = [turn(clock, name) for name, clocks in (("c1", ("09:00", "09:05")), ("c2", ("09:07", "09:10")),
                                                       ("c3", ("09:12", "09:15"))) for clock in clocks]
        [row] = sd.session_stats(observed(turns, at("60:00")), utc_day)
        self.assertEqual([row[name] for name in ("sessions", "returned_24h_rate", "return_median_seconds")], [3, 0.0, None])


class Teeth(unittest.TestCase):
    """Random cases distinguish each wrong definition from the right one, which also obeys the laws."""

    @classmethod
    def setUpClass(cls):
        cls.asked = [(case, log, expected_rows(case, log, FACTS)) for case, log in random_cases(1200, seed=1)
                     if case.readout != "same_bytes" and (case.readout != "session_time" or log.latency_column)]

    def test_laws(self):
        for case, log, rows in self.asked:
            broken = cases.broken_laws(case, log, rows, lambda other: expected_rows(other, log, FACTS))
            self.assertEqual(broken, [])

    def test_mutants(self):
        for what, (where, wrong) in MUTANTS.items():
            with self.subTest(what), mock.patch(where, wrong):
                self.assertTrue(any(differences(rows, expected_rows(case, log, FACTS))
                                    for case, log, rows in self.asked))
