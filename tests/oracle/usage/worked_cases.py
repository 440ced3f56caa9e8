"""Usage worked out by hand, and wrong definitions that must fail: `python3 -m oracle usage --self-test` needs no server.

Clock times are of Monday 1 January 2024, UTC.
"""

import math
import random
import unittest
from dataclasses import replace
from types import SimpleNamespace
from unittest import mock

from oracle.kit.compare import differences
from oracle.kit.days import DAY, HOUR, SECOND, instant_of, local_day_by_zoneinfo, local_midnight_by_zoneinfo
from oracle.usage import cases
from oracle.usage import definitions as ud
from oracle.usage.cases import expected_rows, random_usage_case
from oracle.usage.logs import random_usage_log

MIDNIGHT = instant_of(2024, 1, 1)


def at(clock, days=0):
    hours, minutes = map(int, clock.split(":"))
    return MIDNIGHT + days * DAY + hours * HOUR + minutes * 60 * SECOND


def use(user, clock, model="A", days=0, **more):
    return ud.Use(user, at(clock, days), model=model, **more)


def utc(instant):
    return instant


class Patterns(unittest.TestCase):
    USES = [use("ann", "09:00"), use("ann", "09:10"), use("ann", "09:10", days=2), use("ann", "09:10", days=6),
            use("bob", "09:00"), use("bob", "09:00", days=1), use("cy", "23:59", days=6)]

    def test_patterns(self):
        """ann: 4 requests on 3 days of 8, 2 and 4 days apart; bob: 2 on 2 of 8, 1 apart; cy: 1 on 1 of 2."""
        [row] = ud.usage_patterns(self.USES, at("00:00", 7), utc, 1)
        self.assertEqual(
            (row["users"], row["requests"], row["active_days"], row["requests_per_active_day"],
             row["requests_per_calendar_day"], row["median_seconds_between_requests"], row["usage_interval_days"]),
            (3, 7, 6, 7 / 6, 7 / 18, (86400 + 172800) / 2, 3))

    def test_numbers_that_are_none(self):
        self.assertEqual([ud.known_number(n) for n in (0, 3, -1, None, float("nan"), float("inf"), float("-inf"))],
                         [0, 3, None, None, None, None, None])
        self.assertEqual((ud.total([None]), ud.total([None, 2])), (None, 2))

    def test_percentiles(self):
        self.assertEqual((ud.median([]), ud.median([3, 1, 2]), ud.median([4, 1])), (None, 2, 2.5))
        # Of 21 numbers the 95th percentile is the 20th; of two 1/20 below the higher one.
        self.assertEqual([ud.percentile(0.95, n) for n in ([], [7], range(21), [20, 0])], [None, 7, 19, 19])
        self.assertEqual([ud.reached_by(0.8, range(1, n + 1)) for n in (1, 2, 4, 5, 10)], [1, 2, 4, 4, 8])

    def test_periods(self):
        """Of the days 1 to 3, ann, who began on day 0, has one request in three days, bob one, who began on day 2, in two."""
        uses = [use("ann", "09:00", days=2), use("bob", "09:00", days=2)]
        begins = {"ann": at("09:00"), "bob": at("09:00", 2)}
        first = MIDNIGHT // DAY
        [row] = ud.usage_patterns(uses, at("00:00", 7), utc, 1, begins, ud.Span(first + 1, first + 4, True))
        self.assertEqual((row["users"], row["requests"], row["requests_per_calendar_day"]), (2, 2, 2 / 5))
        self.assertEqual(ud.hours_begun(at("22:00"), at("01:00", 2), [(at("22:00"), 0)], ud.Span(first + 1, first + 2, True)),
                         [1] * 24)
        self.assertEqual([ud.is_complete(7, 14, *known) for known in (
            (7, 14, None), (8, 14, None), (7, 13, None), (7, 14, 7), (7, 14, 8))], [True, False, False, True, False])

    def test_small_groups(self):
        [row] = ud.usage_patterns(self.USES, at("00:00", 7), utc, 3)
        self.assertEqual((row["users"], row["median_seconds_between_requests"], row["usage_interval_days"]), (3, None, None))
        [row] = ud.usage_patterns(self.USES, at("00:00", 7), utc, 4)
        self.assertEqual(set(row.values()), {None})


class Hours(unittest.TestCase):
    def test_a_day_of_the_year_is_whole(self):
        self.assertEqual(ud.hours_begun(at("00:00"), at("23:59"), [(at("00:00"), 0)]), [1] * 24)

    def test_ends(self):
        begun = ud.hours_begun(at("09:30"), at("11:00"), [(at("09:30"), 0)])
        self.assertEqual([hour for hour in range(24) if begun[hour]], [9, 10, 11])

    def test_clock_put_forward_and_back(self):
        for moved, odd in ((HOUR, {2: 0}), (-HOUR, {1: 2}), (HOUR // 2, {}), (-HOUR // 2, {})):
            begun = ud.hours_begun(at("00:00"), at("23:59") - moved, [(at("00:00"), 0), (at("02:00"), moved)])
            self.assertEqual({hour: n for hour, n in enumerate(begun) if n != 1}, odd)

    def test_peaks(self):
        """Two requests at 9, of which there were two, and one at 10, of which there was one: the earlier comes first."""
        begun = [0] * 9 + [2, 1, 1] + [0] * 12
        rows = ud.peak_hours([use("ann", "09:00"), use("bob", "09:00"), use("ann", "10:00")], begun, utc, 1, top=3)
        self.assertEqual([(row["hour"], row["rank"], row["is_peak"]) for row in rows if row["rank"]],
                         [(9, 1, True), (10, 2, True), (11, 3, False)])

    def test_weekday(self):
        [cell] = [row for row in ud.usage_heatmap([use("ann", "09:00")], utc, 1) if row["requests"]]
        self.assertEqual((cell["weekday"], cell["hour"], cell["users"]), (1, 9, 1))


class Models(unittest.TestCase):
    USES = [use("ann", "09:00"), use("ann", "09:10", succeeded=False, request_id="2"),
            use("ann", "09:10", "B", request_id="10"), use("ann", "10:00", None), use("ann", "11:00", "B"),
            use("ann", "12:00"), use("bob", "09:00"), use("bob", "10:00")]

    def test_stickiness(self):
        """ann: A A B B A, of which 2 of 4 stay and (3 · 2 + 2 · 1) / (5 · 4) = 0.4 would by chance; bob: A A."""
        rows = {row["model"]: row for row in ud.model_stickiness(self.USES, 1)}
        self.assertEqual([rows[m]["transitions"] for m in (None, "A", "B")], [5, 3, 2])
        self.assertAlmostEqual(rows[None]["stay_rate"], 3 / 5)
        self.assertAlmostEqual(rows[None]["chance_rate"], (4 * 0.4 + 1) / 5)
        self.assertAlmostEqual(rows["A"]["chance_rate"], (2 * 0.5 + 1) / 3)
        self.assertAlmostEqual(rows["B"]["concentration"], 0.52)
        self.assertEqual([rows[m]["switches_after_error"] for m in (None, "A", "B")], [1, 1, None])

    def test_random_order(self):
        """xx, xy, yx and yy are the four orders of two requests: half of them stay, as chance has it."""
        [all_models, *_] = ud.model_stickiness([use(user, at, model) for user in ("xx", "xy", "yx", "yy")
                                                for at, model in zip(("09:00", "10:00"), user)], 1)
        self.assertEqual((all_models["stay_rate"], all_models["chance_rate"], all_models["excess"]), (0.5, 0.5, 0))

    def test_one_request(self):
        [all_models, a] = ud.model_stickiness([use("ann", "09:00")], 1)
        self.assertEqual((all_models["concentration"], a["concentration"]), (None, None))

    def test_switches(self):
        rows = [(row["from_model"], row["to_model"], row["switches"], row["after_error"])
                for row in ud.model_switches(self.USES, 1)]
        self.assertEqual(sorted(rows, key=str), [("A", "B", 1, 1), ("B", "A", 1, None)])

    def test_usage(self):
        [a, b, none] = ud.usage_of(self.USES, lambda u: u.model, 1)
        self.assertEqual((a["users"], a["reach"], a["requests"], a["share"], a["answered_rate"]), (2, 1, 5, 5 / 8, 0))
        self.assertEqual((b["users"], b["reach"], none["name"], none["answered_rate"]), (1, 0.5, None, None))


class Complexity(unittest.TestCase):
    def test_ranks(self):
        self.assertEqual([ud.mid_rank(v, [10, 10, 20, 50, 60]) for v in (10, 20, 50, 60)], [0.2, 0.5, 0.7, 0.9])

    def test_turns(self):
        uses = [use("ann", "09:00", session_id="s", request_id="9"), use("ann", "09:00", session_id="s", request_id="10"),
                use("ann", "08:00", session_id="s"), use("bob", "08:00", session_id="s"), use("ann", "08:00")]
        self.assertEqual([ud.turn(u, uses) for u in uses], [2, 3, 1, 1, None])


# ------------------------------------------------------------------------------------------- definitions with a fault

RIGHT = SimpleNamespace(**vars(ud), observed_until=cases.observed_until)
READ = cases.requests_read


def zone_offset(instant, zone):
    """By Python's rules, without a server; 0 for years that Python lacks."""
    day = local_day_by_zoneinfo(instant, zone)
    if day is None:
        return 0
    # A local midnight near it and its offset; the hours around a clock change do not matter here.
    return day * DAY - local_midnight_by_zoneinfo(day, zone)


FACTS = SimpleNamespace(now=instant_of(2026, 7, 1, 12), of_log={}, offset=zone_offset)


def random_cases(count, seed):
    rng = random.Random(seed)
    while count > 0:
        log = random_usage_log(rng, FACTS.now // DAY * DAY)
        log = replace(log, feature_column="feature")
        for _ in range(16):
            yield random_usage_case(rng, log), log
            count -= 1


def renamed(name, wrong):
    return "oracle.usage.definitions." + name, wrong


MUTANTS = {
    "the middle is the lower of two": renamed("median", lambda n: (
        float(sorted(n)[(len(n) - 1) // 2]) if n else None)),
    "the 80 % point is the one after": renamed("reached_by", lambda share, n: (
        float(sorted(n)[min(int(share * len(n)), len(n) - 1)]) if n else None)),
    "a percentile is not interpolated": renamed("percentile", lambda share, n: (
        float(sorted(n)[math.floor(share * (len(n) - 1))]) if n else None)),
    "the first token of failures counts": renamed("answer_ttfts", lambda uses: [u.ttft for u in uses if u.ttft is not None]),
    "numbers below zero count": ("oracle.usage.logs.known_number", lambda n: (
        None if n is None or not math.isfinite(n) else float(n))),
    "days end with the last request": renamed("last_moment", lambda end, uses: max(
        [u.instant for u in uses] or [end])),
    "days go on at the end": renamed("last_moment", lambda end, uses: end),
    "days are of UTC": renamed("local_day", lambda instant, local: instant // DAY),
    "hours are of UTC": renamed("local_hour", lambda instant, local: instant % DAY // HOUR),
    "months are of UTC": renamed("local_month", lambda instant, local: RIGHT.local_month(instant, utc)),
    "an hour counts when it is over": renamed("hours_begun", lambda first, last, s, span: RIGHT.hours_begun(
        first, last - HOUR, s, span)),
    "hours of all periods count in each": renamed("hours_begun", lambda first, last, s, span: RIGHT.hours_begun(
        first, last, s)),
    "a period is whole that since cuts": renamed("is_complete", lambda start, end, first, end_day, whole_from: (
        RIGHT.is_complete(start, end, first, end_day, None))),
    "a period is whole in which the log begins": renamed("is_complete", lambda start, end, first, end_day, whole_from: (
        RIGHT.is_complete(start, end, start, end_day, whole_from))),
    "a period is whole that has begun": renamed("is_complete", lambda start, end, first, end_day, whole_from: (
        RIGHT.is_complete(start, end, first, end, whole_from))),
    "small groups are shown": renamed("hidden", lambda count, least: False),
    "small is one less": renamed("hidden", lambda count, least: 0 < count < least - 1),
    "nobody is few": renamed("hidden", lambda count, least: count < least),
    "requests without a model part the others": renamed("with_model", lambda uses: [
        replace(u, model=u.model or "?") for u in uses]),
    "ids go by their text": renamed("id_order", lambda i: (i is None, (i or "").encode())),
    "ids tell no order": renamed("id_order", lambda i: 0),
    "a request may follow itself": renamed("chance_to_stay", lambda request, of_user, any_model: (
        RIGHT.concentration(of_user) if any_model else RIGHT.shares(of_user)[request.model])),
    "all models of a user are alike": renamed("shares", lambda of_user: dict.fromkeys(
        {u.model for u in of_user}, 1 / len({u.model for u in of_user}))),
    "unknown is a failure": renamed("after_error", lambda steps: sum(
        not a.succeeded and a.model != b.model for a, b in steps)),
    "staying after a failure is switching": renamed("after_error", lambda steps: sum(
        a.succeeded is False for a, b in steps)),
    "sessions are of anybody": renamed("turn", lambda u, uses: None if u.session_id is None else RIGHT.turn(
        replace(u, user=""), [replace(o, user="") for o in uses])),
    "ranks count those below": renamed("mid_rank", lambda v, values: sum(o < v for o in values) / len(values)),
    "ranks count those not above": renamed("mid_rank", lambda v, values: sum(o <= v for o in values) / len(values)),
    "observation ends with the users": ("oracle.usage.cases.observed_until", lambda case, log, now: RIGHT.observed_until(
        case, replace(log, requests=cases.counted_requests(case, log)), now)),
    "what since leaves out is read": ("oracle.usage.cases.requests_read", lambda case, log, now: READ(
        replace(case, since=None), log, now)),
    "until is inclusive": ("oracle.usage.cases.requests_read", lambda case, log, now: READ(
        replace(case, until=None if case.until is None else case.until + 1), log, now))}


class Teeth(unittest.TestCase):
    """Random cases distinguish each wrong definition from the right one, which also obeys the laws."""

    @classmethod
    def setUpClass(cls):
        cls.asked = [(case, log, expected_rows(case, log, FACTS)) for case, log in random_cases(1200, seed=1)]

    def test_laws(self):
        for case, log, rows in self.asked:
            rows = self.ordered(case, rows)
            broken = cases.broken_laws(case, log, rows, lambda other: expected_rows(other, log, FACTS))
            self.assertEqual(broken, [])

    @staticmethod
    def ordered(case, rows):
        """The definitions return rows in any order."""
        order = cases.ORDERS[case.readout]
        return sorted(rows, key=lambda row: (cases.text_order(row.get("segment")), order(row)))

    def test_mutants(self):
        for what, (where, wrong) in MUTANTS.items():
            with self.subTest(what), mock.patch(where, wrong):
                self.assertTrue(any(differences(rows, expected_rows(case, log, FACTS))
                                    for case, log, rows in self.asked))
