"""Users worked out by hand, and wrong definitions that must fail: `python3 -m oracle users --self-test` needs no server.

Clock times are of Monday 1 January 2024, UTC.
"""

import random
import unittest
from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace
from unittest import mock

from oracle.kit.compare import differences
from oracle.kit.days import DAY, HOUR
from oracle.sessions.definitions import Turn
from oracle.usage.definitions import Use
from oracle.usage.worked_cases import FACTS, at, utc
from oracle.users import cases
from oracle.users import definitions as d
from oracle.users.cases import expected_rows, random_user_case
from oracle.users.logs import random_user_log

GAP, IDLE = HOUR // 2, DAY
RIGHT = SimpleNamespace(**{name: value for name, value in vars(d).items() if not name.startswith("__")})


def request(user, clock, days=0, model="A", feature="chat", latency=None, succeeded=None, rating=None, peer=None):
    instant = at(clock, days)
    end = instant + round((latency or 0) * 1000)
    return d.Request(Use(user, instant, model=model, feature=feature, latency=latency, succeeded=succeeded),
                     Turn(user, instant, end, None, succeeded), rating, peer)


class Habits(unittest.TestCase):
    MINE = [request("ann", "09:00", succeeded=True), request("ann", "09:20", succeeded=False, feature="code", rating=1.0),
            request("ann", "14:00", days=2, succeeded=True, rating=4.0), request("ann", "23:50", days=3, model="B", feature=None)]

    def test_habits(self):
        """Sessions of 20, 0 and 0 minutes; the last is open at midnight; the first failed, the second was completed."""
        begun = [4] * 24
        row = d.habits(self.MINE, at("00:00", 4), begun, utc, GAP, IDLE)
        self.assertEqual(
            [row[name] for name in ("requests", "active_days", "requests_per_active_day", "requests_per_calendar_day",
                                    "sessions", "session_mean_seconds", "session_median_seconds", "completion_rate")],
            [4, 3, 4 / 3, 1.0, 3, 600.0, 600.0, 0.5])
        self.assertEqual((row["answered_rate"], row["mean_rating"], row["cost_usd"]), (2 / 3, 2.5, None))
        self.assertEqual((row["peak_hours"], row["favorite_features"], row["model_preferences"]),
                         ("9,14,23", "chat,code", "A,B"))

    def test_lift(self):
        others = [request("bob", "10:00", feature="chat") for _ in range(3)]
        [chat, code] = d.favorite_features(self.MINE, self.MINE + others, utc, 1)
        self.assertEqual((chat["share"], chat["population_share"], chat["lift"]), (2 / 3, 5 / 6, 0.8))
        self.assertEqual((code["requests"], code["lift"]), (1, 2.0))


class Properties(unittest.TestCase):
    def test_history(self):
        """a from day 0, b from day 2 (with a at the same instant), a again from day 4; what ended by `since` is not shown."""
        told = ((0, "a"), (1, "a"), (2, "b"), (2, "a"), (3, None), (4, "a"))
        requests = [request("ann", "09:00", day, peer=peer) for day, peer in told] + [request("bob", "09:00")]
        spans = [("a", 0, 2), ("b", 2, 4), ("a", 4, None)]
        rows = [{"user_id": "ann", "value": value, "valid_from": at("09:00", begin),
                 "valid_to": None if end is None else at("09:00", end)} for value, begin, end in spans]
        self.assertEqual(d.property_history(requests, None), rows)
        self.assertEqual(d.property_history(requests, at("09:00", 2) - 1), rows)
        self.assertEqual(d.property_history(requests, at("09:00", 2)), rows[1:])


def days_of(model, days, latency, right=9, wrong=1):
    """One request per day, with `right` successes and `wrong` failures in all."""
    answers = [True] * right + [False] * wrong
    return [request("ann", "09:00", day, model, latency=latency, succeeded=answers[n] if n < len(answers) else None)
            for n, day in enumerate(days)]


class Preferences(unittest.TestCase):
    def tradeoff(self, *requests):
        return d.tradeoff(d.models_of([r for some in requests for r in some], utc))

    def test_the_choice(self):
        """Fast on days 0 to 9 and good on 0 to 20: after day 0 nine against twenty; P(9 or fewer of 29) = 0.0307."""
        fast, good = days_of("fast", range(10), 100, 5, 5), days_of("good", range(21), 120, 10, 0)
        self.assertEqual(self.tradeoff(fast, good), (False, True))
        self.assertEqual(self.tradeoff(days_of("fast", range(21), 100, 5, 5), days_of("good", range(10), 120, 10, 0)),
                         (True, False))
        # Ten against twenty: 0.0494, still. Eleven against twenty: 0.0748.
        self.assertEqual(self.tradeoff(days_of("fast", range(11), 100, 5, 5), good), (False, True))
        self.assertEqual(self.tradeoff(days_of("fast", range(12), 100, 5, 5), good), (False, False))

    def test_nothing_to_choose(self):
        good = days_of("good", range(21), 119, 10, 0)
        self.assertEqual(self.tradeoff(days_of("fast", range(10), 100, 5, 5), good), (None, None))
        self.assertEqual(self.tradeoff(good), (None, None))

    def test_order(self):
        mine = days_of("fast", range(10), 100, 5, 5) + days_of("good", range(21), 120, 10, 0)
        self.assertEqual([(row["model"], row["reason"]) for row in d.preferred_models(mine, utc, ["x", "fast/y", "good"])],
                         [("good", "good"), ("fast/y", "good"), ("x", "not used")])
        self.assertEqual([row["model"] for row in d.preferred_models(mine[:9], utc, ["x", "fast"], ["z"])], ["z"])
        self.assertEqual([row["model"] for row in d.preferred_models(mine[:9], utc)], [])


class Peers(unittest.TestCase):
    def test_peers(self):
        """Four users with 7, 14, 14 and 21 requests in a week; the fourth has another tier, and a fifth began on its second day."""
        requests = [request(user, "09:00", peer=peer) for user, count, peer in
                    (("a", 7, "free"), ("b", 14, "free"), ("c", 14, "free"), ("e", 21, "pro")) for _ in range(count)]
        requests += [request("f", "09:00", 1, peer="free")]
        rows = d.benchmark(requests, at("00:00", 7), utc, GAP, IDLE, 1, min_peers=1, peers="tier")
        found = {row["user_id"]: (row["value"], row["peer_median"], row["percentile"], row["peer_users"])
                 for row in rows if row["metric"] == "requests_per_day"}
        self.assertEqual(found, {"a": (1, 2, 0, 2), "b": (2, 1.5, 0.75, 2), "c": (2, 1.5, 0.75, 2), "e": (3, None, None, 0),
                                 "f": (None, None, None, None)})


    def test_equal_age(self):
        """Of 1, 2, 4 … weeks the most that the user and two others have had: three have had four weeks, one has had three."""
        ages = {"a": 28, "b": 28, "c": 55, "d": 27, "e": 6}
        self.assertEqual([d.span_of(user, ages, 2) for user in ages], [28, 28, 28, 14, None])
        self.assertEqual([d.span_of(user, ages, 9) for user in ages], [7, 7, 7, 7, None])
        mine = [request("ann", "09:00", day) for day in (0, 0, 6, 7)]
        self.assertEqual((d.pace(mine, at("09:00"), 7, utc), d.pace(mine, at("09:00"), 14, utc)), (3 / 7, 4 / 14))


class Plans(unittest.TestCase):
    def rows(self, requests, plans, end=at("00:00", 16)):
        return d.plan_usage(requests, end, None, utc, lambda day: day * DAY, plans, "monday")

    def test_refused(self):
        """Four answers use up a limit of 4, and six refusals nothing of it."""
        [row] = self.rows([request("ann", "09:00", n, succeeded=n < 4, peer="free") for n in range(10)], {"free": {"limit": 4}})
        self.assertEqual([row[name] for name in ("requests", "refused_requests", "used", "used_share", "first_day_over_limit")],
                         [10, 6, 4.0, 1.0, None])

    def test_plans_held(self):
        """January: free until the 3rd, 09:00, then pro; at the end of the 15th, 12 days 15 hours of it and 16 days to go."""
        rows = self.rows([request("ann", "09:00", 0, peer="free"), request("ann", "09:00", 2, peer="pro"),
                          request("ann", "09:00", 3)], {"free": {"limit": 1}, "pro": {"limit": "unlimited"}},
                         at("00:00", 15))
        self.assertEqual([(r["plan"], r["used"], r["projected"], r["reason"]) for r in rows],
                         [("free", 1, 1, None), ("pro", 2, float(2 + Fraction(2 * 16 * 24, 12 * 24 + 15)), "unlimited")])

    def test_anchors(self):
        """28 February 2024 (a Wednesday) with a month from the 31st: from 31 January to 29 February."""
        day = at("00:00", 58) // DAY
        self.assertEqual(d.anchored(day, "month", 31, 0, "monday"), (day - 28, day + 1))
        self.assertEqual(d.anchored(day, "week", 3, 0, "monday"), (day, day + 7))
        self.assertEqual(d.anchored(day, "week", None, 0, "sunday"), (day - 3, day + 4))
        self.assertEqual(d.anchored(day, "day", None, 0, "monday"), (day, day + 1))


def random_cases(count, seed):
    rng = random.Random(seed)
    while count > 0:
        log = random_user_log(rng, FACTS.now // DAY * DAY)
        log = replace(log, feature_column="feature")
        for _ in range(16):
            yield random_user_case(rng, log), log
            count -= 1


def benchmark_changed(**names):
    """The same definition with some arguments changed."""
    return lambda *args, **kwargs: RIGHT.benchmark(*args, **(kwargs | names))


MUTANTS = {
    "a preference shows on fewer days": ("oracle.users.definitions.chance_of_so_few", lambda few, days: 0.0),
    "a preference never shows": ("oracle.users.definitions.chance_of_so_few", lambda few, days: 1.0),
    "fewer, not as few or fewer": ("oracle.users.definitions.chance_of_so_few", lambda few, days: (
        RIGHT.chance_of_so_few(few - 1, days) if few else 0.0)),
    "few answers count like many": ("oracle.users.definitions.shrunk", lambda n, prior, w: sum(n) / len(n)),
    "any difference is better": ("oracle.users.definitions.is_better", lambda one, other: (
        sum(one.answers) * len(other.answers) > sum(other.answers) * len(one.answers))),
    "ties go by name": ("oracle.users.definitions.by_count", lambda requests, name, local: sorted(
        {name(r) for r in requests} - {None}, key=lambda n: (-sum(name(r) == n for r in requests), n.encode()))),
    "names go by days": ("oracle.users.definitions.by_count", lambda requests, name, local: sorted(
        {name(r) for r in requests} - {None}, key=lambda n: (
            -len({local(r.use.instant) // DAY for r in requests if name(r) == n}), n.encode()))),
    "the value told first": ("oracle.users.definitions.latest", lambda told: RIGHT.latest([(-i, v) for i, v in told])),
    "refusals use up the plan": ("oracle.users.definitions.plan_usage", lambda requests, *args: RIGHT.plan_usage(
        [r._replace(use=replace(r.use, succeeded=None)) for r in requests], *args)),
    "a plan holds for all of the period": ("oracle.users.definitions.plans_held", lambda own: (
        [(r, RIGHT.plans_held(own)[1]) for r in own], *RIGHT.plans_held(own)[1:])),
    "anchors are not heeded": ("oracle.users.definitions.anchored", lambda day, every, anchor, *more: RIGHT.anchored(
        day, every, None, *more)),
    "everybody is compared over a week": ("oracle.users.definitions.span_of", lambda user, ages, enough: (
        7 if ages[user] >= 7 else None)),
    "everybody is a peer": ("oracle.users.definitions.benchmark", benchmark_changed(peers=None)),
    "few peers are enough": ("oracle.users.definitions.benchmark", benchmark_changed(min_peers=1)),
    "sessions end after an hour": ("oracle.users.definitions.sessions_of", lambda requests, gap, idle: RIGHT.sessions_of(
        requests, 2 * gap, idle)),
    "open sessions count": ("oracle.sessions.definitions.Session.outcome", lambda s, end: {
        True: "completed", False: "abandoned", None: None}[d.sd.last_success(s.turns)]),
    "hours are of UTC": ("oracle.usage.definitions.local_hour", lambda instant, local: instant % DAY // HOUR),
    "small groups are shown": ("oracle.usage.definitions.hidden", lambda count, least: False),
    "observation ends with the users": ("oracle.users.cases.observed_until", lambda case, log, now: OBSERVED(
        case, replace(log, requests=cases.counted_requests(case, log)), now)),
    "what since leaves out is read": ("oracle.users.cases.requests_read", lambda case, log, now: READ(
        replace(case, since=None), log, now))}
OBSERVED, READ = cases.observed_until, cases.requests_read


class Teeth(unittest.TestCase):
    """Random cases distinguish each wrong definition from the right one, which also obeys the laws."""

    @classmethod
    def setUpClass(cls):
        every = [(case, log, expected_rows(case, log, FACTS)) for case, log in random_cases(1500, seed=1)]
        cls.asked = [(case, log, rows) for case, log, rows in every if rows is not None]
        cls.doubtful = len(every) - len(cls.asked)

    def test_laws(self):
        for case, log, rows in self.asked:
            broken = cases.broken_laws(case, log, rows, lambda other: expected_rows(other, log, FACTS) or [])
            self.assertEqual(broken, [])

    def test_variety(self):
        """Preferences of either kind, and none; few calls with undetermined results."""
        found = [(row["prefers_speed"], row["prefers_quality"]) for case, _, rows in self.asked
                 if case.readout == "preferred_models" for row in rows[:1]]
        for kind in ((True, False), (False, True), (False, False), (None, None)):
            self.assertGreater(found.count(kind), 3, kind)
        self.assertLess(self.doubtful, 40)

    def test_mutants(self):
        for what, (where, wrong) in MUTANTS.items():
            with self.subTest(what), mock.patch(where, wrong):
                wrongly = ((rows, expected_rows(case, log, FACTS)) for case, log, rows in self.asked)
                self.assertTrue(any(got is not None and differences(rows, got) for rows, got in wrongly))
