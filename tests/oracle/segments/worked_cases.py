"""Segments worked out by hand, and wrong definitions that must fail: `python3 -m oracle segments --self-test` needs no
server.

Observation ends on Saturday 1 June 2024, 00:00 UTC. Recent are the 28 days from 4 May on, base the 28 from 6 April on, and
new are users who started after 2 May.
"""

import random
import unittest
from dataclasses import replace
from fractions import Fraction
from math import floor
from types import SimpleNamespace
from unittest import mock

from oracle.activity import cases as activity_cases
from oracle.kit.compare import differences
from oracle.kit.days import DAY, HOUR, instant_of, local_day_by_zoneinfo
from oracle.kit.runner import ExpectedError
from oracle.segments import cases
from oracle.segments import definitions as sd
from oracle.segments.cases import SegmentCase, expected_rows, random_segment_case
from oracle.segments.logs import random_segment_log

END = instant_of(2024, 6, 1)
RECENT, BASE, LONG_AGO = instant_of(2024, 5, 10), instant_of(2024, 4, 10), instant_of(2024, 1, 5)


def person(user, recent, base, first=LONG_AGO):
    """One request at `first`, and so many in each span, on a day each for twenty days, and then again."""
    return [(user, first), *((user, RECENT + i % 20 * DAY + i // 20 * HOUR) for i in range(recent)),
            *((user, BASE + i % 20 * DAY + i // 20 * HOUR) for i in range(base))]


def segmented(requests, end=END, since=None, until=None, **asked):
    return sd.segment_users(requests, end, utc_day, since=since, until=until, **asked)


def utc_day(instant):
    return instant // DAY


def segment_by_user(requests, **asked):
    return {row["user_id"]: row["segment"] for row in segmented(requests, **asked)}


# ten users of 1 to 10 recent requests, as many before
STEADY = [request for n in range(1, 11) for request in person(f"u{n:02}", n, n)]


class Spans(unittest.TestCase):
    def counts(self, instant):
        [row] = segmented([("a", instant)])
        return row["segment"], row["recent_requests"], row["base_requests"]

    def test_boundaries(self):
        recent, base, new = instant_of(2024, 5, 4), instant_of(2024, 4, 6), instant_of(2024, 5, 2)
        for instant, expected in ((END, ("new", 1, 0)), (recent + 1, ("new", 1, 0)), (recent, ("new", 0, 1)),
                                  (new + 1, ("new", 0, 1)), (new, ("dormant", 0, 1)), (base + 1, ("dormant", 0, 1)),
                                  (base, ("dormant", 0, 0))):
            self.assertEqual(self.counts(instant), expected)
        self.assertEqual(segmented([("a", END + 1)]), [])
        self.assertEqual(segmented([("a", END)], until=END), [])
        self.assertEqual(segmented([("a", END)], new_days=0)[0]["segment"], "casual")

    def test_since_limits_two_columns(self):
        whole, [cut] = segmented(person("a", 5, 20))[0], segmented(person("a", 5, 20), since=RECENT + 1)
        self.assertEqual((whole["requests"], whole["active_days"]), (26, 26))
        self.assertEqual((cut["requests"], cut["active_days"]), (4, 4))
        self.assertEqual(whole | {"requests": 4, "active_days": 4}, cut)
        [none] = segmented(person("a", 5, 20), since=END + 1)
        self.assertEqual((none["requests"], none["active_days"], none["segment"]), (0, 0, "at_risk"))


class Decline(unittest.TestCase):
    def test_probability(self):
        """A fair coin for each; then a die with three sides: recent is one week of three."""
        self.assertEqual(sd.decline_p(0, 5, 4, 4), Fraction(1, 32))
        self.assertEqual(sd.decline_p(1, 2, 4, 4), Fraction(1 + 3, 8))
        self.assertEqual(sd.decline_p(1, 1, 1, 2), Fraction(4 + 4, 9))
        self.assertEqual(sd.decline_p(3, 0, 1, 2), 1)
        self.assertIsNone(sd.decline_p(0, 0, 4, 4))

    def test_scipy(self):
        """scipy.stats.binom.cdf(recent, recent + base, share), scipy 1.17.1."""
        for asked, expected in (((3, 17, 4, 8), 0.060446460624165324), ((70, 930, 1, 9), 0.0005744958408378), (
                (9000, 11000, 4, 4), 9.770413852912744e-46)):
            self.assertAlmostEqual(float(sd.decline_p(*asked)) / expected, 1, delta=1e-9)

    def test_at_risk(self):
        """5 after 20: 68406 of 2^25. 6 after 12: 31180 of 2^18, nearly 12 %."""
        self.assertEqual(sd.decline_p(5, 20, 4, 4), Fraction(68406, 2**25))
        self.assertEqual(sd.decline_p(6, 12, 4, 4), Fraction(31180, 2**18))
        self.assertEqual(segment_by_user(person("falls", 5, 20) + person("slips", 6, 12) + person("gone", 0, 5)
                                         + person("few", 0, 4) + person("left", 0, 0)),
                         {"falls": "at_risk", "slips": "casual", "gone": "lapsed", "few": "dormant", "left": "dormant"})
        self.assertEqual(segment_by_user(person("falls", 5, 20), max_decline_ratio=0.25), {"falls": "at_risk"})
        self.assertEqual(segment_by_user(person("falls", 5, 20), max_decline_ratio=0.24), {"falls": "casual"})
        self.assertEqual(segment_by_user(person("falls", 5, 20), min_base_days=21), {"falls": "casual"})
        self.assertEqual(segment_by_user(person("gone", 0, 10), max_decline_p=0), {"gone": "dormant"})

    def test_bursts(self):
        """5 requests on one day after 20 on one day are one day after one."""
        burst = [("a", LONG_AGO)] + [("a", at + i) for at, n in ((RECENT, 5), (BASE, 20)) for i in range(n)]
        [row] = segmented(burst)
        self.assertEqual((row["segment"], row["recent_days"], row["base_days"], row["decline_p"]), ("casual", 1, 1, 0.75))

    def test_by_the_week(self):
        """1 in 4 weeks after 10 in 8: a fifth per week."""
        requests = [("a", LONG_AGO), ("a", RECENT)] + [("a", BASE + i * DAY) for i in range(10)]
        [row] = segmented(requests, base_weeks=8)
        self.assertEqual((row["recent_days"], row["base_days"], row["decline_ratio"]), (1, 10, 0.2))


class Power(unittest.TestCase):
    def power(self, requests, **asked):
        rows = segmented(requests, **asked)
        cutoffs = {row["power_cutoff"] for row in rows}
        return [row["user_id"] for row in rows if row["segment"] == "power"], *cutoffs

    def test_share(self):
        self.assertEqual(self.power(STEADY), (["u10"], 10))
        self.assertEqual(self.power(STEADY, power_share=0.11), (["u09", "u10"], 9))
        self.assertEqual(self.power(STEADY, power_share=0), ([], None))
        self.assertEqual(self.power(STEADY, power_share=1), ([f"u{n:02}" for n in range(2, 11)], 2))
        self.assertEqual(self.power(STEADY, min_users=11), ([], None))
        self.assertEqual(self.power(STEADY + person("left", 0, 5)), (["u10"], 10))

    def test_a_share_is_what_is_written(self):
        """7 of 25 are 0.28, although 0.28 * 25 is 7.000000000000001 in floating point."""
        self.assertEqual(sd.places(25, sd.DEFAULTS | {"power_share": 0.28}), 7)
        self.assertEqual(sd.places(10, sd.DEFAULTS), 1)

    def test_ties(self):
        tied = STEADY + person("also", 10, 10)
        self.assertEqual(self.power(tied), (["also", "u10"], 10))
        self.assertEqual(self.power(tied, power_share=0.05), (["also", "u10"], 10))
        self.assertEqual(self.power(tied, power_share=0.05, ties="exclude"), ([], None))
        self.assertEqual(self.power(tied, power_share=0.2, ties="exclude"), (["also", "u09", "u10"], 9))
        alike = [request for n in range(20) for request in person(f"u{n:02}", 3, 3)]
        self.assertEqual(self.power(alike), ([], None))
        self.assertEqual({row["usage_rank"] for row in segmented(alike)}, {1})

    def test_places_are_taken_by_others_too(self):
        """fresh has the highest usage, but is new; the cutoff depends on the share only."""
        self.assertEqual(self.power(STEADY + person("fresh", 40, 0, first=RECENT)), (["u10"], 10))
        self.assertEqual(self.power(STEADY + person("fresh", 40, 0, first=RECENT), power_share=0.05), ([], 41))

    def test_rank(self):
        rows = segmented(STEADY + person("also", 10, 10) + person("left", 0, 3))
        ranks = {row["user_id"]: row["usage_rank"] for row in rows}
        self.assertEqual((ranks["also"], ranks["u10"], ranks["u09"], ranks["left"]), (1, 1, 3, None))


class Readouts(unittest.TestCase):
    def test_summary(self):
        rows = segmented(STEADY + person("gone", 0, 10))
        self.assertEqual([tuple(row.values()) for row in sd.segment_summary(rows)], [
            ("new", 0, 0.0, 0, 0.0, None), ("at_risk", 0, 0.0, 0, 0.0, None), ("power", 1, 1 / 11, 21, 21 / 131, 21.0),
            ("casual", 9, 9 / 11, 99, 99 / 131, 11.0), ("lapsed", 1, 1 / 11, 11, 11 / 131, 11.0),
            ("dormant", 0, 0.0, 0, 0.0, None)])
        self.assertEqual([tuple(row.values()) for row in sd.segment_summary(rows, min_group_size=2)], [
            ("new", 0, None, 0, None, None), ("at_risk", 0, None, 0, None, None), ("power", None, None, None, None, None),
            ("casual", 9, None, 99, None, 11.0), ("lapsed", None, None, None, None, None), ("dormant", 0, None, 0, None, None)])
        self.assertEqual([tuple(row.values()) for row in sd.segment_summary([])],
                         [(segment, 0, None, 0, None, None) for segment in sd.SEGMENTS])

    def test_user(self):
        rows = segmented(STEADY)
        [row] = sd.segment_user(rows, "u03")
        self.assertEqual({"user_id": "u03", **row}, rows[2])
        self.assertEqual(sd.segment_user(rows, "u3"), [])

    def test_sql(self):
        log = SimpleNamespace()
        self.assertEqual(
            SegmentCase("segment_user", {"power_share": 0.2, "ties": "exclude", "min_users": None}, user="it's").sql(log),
            "SELECT r.* FROM user_metrics.segment_user('t', user_id => 'it''s', power_share => '0.2', ties => 'exclude', "
            "min_users => NULL) r")


# ------------------------------------------------------------------------------------- the definitions' own errors

def local_day(instant, zone):
    day = local_day_by_zoneinfo(instant, zone)
    return utc_day(instant) if day is None else day


FACTS = SimpleNamespace(now=instant_of(2026, 11, 24), of_log={}, local_day=local_day)


def answer(case, log):
    """The rows by the definitions; None if the call must fail, or if the result is undetermined."""
    try:
        return (expected_rows if isinstance(case, SegmentCase) else activity_cases.expected_rows)(case, log, FACTS)
    except ExpectedError:
        return None


def random_cases(count, seed):
    """(case, log), as in a run of the oracle."""
    rng = random.Random(seed)
    for _ in range(count // 8):
        log = random_segment_log(rng, FACTS.now // DAY * DAY)
        for _ in range(8):
            yield random_segment_case(rng, log), log


RIGHT = SimpleNamespace(**vars(sd), observed_until=cases.observed_until)


def power_of(change):
    """power_counts with other numbers, or another choice; change(counts, a)."""
    return lambda counts, a: RIGHT.power_counts(counts, a) if not counts else change(counts, a)


def the_first_by_id(counts, a):
    """Ties are cut wherever the share ends, which is the same as excluding all users at the edge."""
    return RIGHT.power_counts(counts, a | {"ties": "exclude"})


def least_too(counts, a):
    chosen = sorted(counts, reverse=True)[:RIGHT.places(len(counts), a)]
    return {count for count in chosen if a["ties"] == "include" or counts.count(count) == chosen.count(count)}


def order(*names):
    """segment_of with the same tests in another order."""
    def segment_of(person, end, power, a):
        declines = RIGHT.is_declining(person["recent_days"], person["base_days"], a)
        fits = {"new": RIGHT.is_new(person["first"], end, a["new_days"]),
                "at_risk": declines and person["recent"] > 0, "lapsed": declines and person["recent"] == 0, "declined": declines,
                "power": person["recent"] in power, "casual": person["recent"] > 0, "dormant": person["recent"] == 0}
        return next("at_risk" if name == "declined" else name for name in names if fits[name])
    return segment_of


def declining(ratio=lambda one, most: one <= most, base=lambda one, least: one >= least, p=RIGHT.decline_p):
    def is_declining(recent, before, a):
        return (base(before, a["min_base_days"]) and before > 0
                and ratio(RIGHT.decline_ratio(recent, before, a), RIGHT.exact(a["max_decline_ratio"]))
                and p(recent, before, a["recent_weeks"], a["base_weeks"]) < RIGHT.exact(a["max_decline_p"]))
    return is_declining


def less_than(recent, base, recent_weeks, base_weeks):
    """The probability of strictly fewer requests."""
    if recent == 0:
        return None if base == 0 else Fraction(0)
    return RIGHT.decline_p(recent - 1, base + 1, recent_weeks, base_weeks)


def people_changed(change):
    """people_of with each person changed; change(person, shown and hidden instants, end, a)."""
    def people_of(requests, end, since, a, local_day):
        instants = {}
        for user, instant in requests:
            instants.setdefault(user, []).append(instant)
        for user, known in RIGHT.people_of(requests, end, since, a, local_day):
            yield user, known | change(known, instants[user], end, a, local_day)
    return people_of


def only_shown(known, _instants, end, a, _local_day):
    shown = known["shown"] or [known["first"]]
    return {"first": min(shown), "last": max(shown)}


def of_requests(known, _instants, _end, _a, _local_day):
    """The decline of requests, not of days."""
    return {"recent_days": known["recent"], "base_days": known["base"]}


def days_of_24_hours(_known, instants, end, a, _local_day):
    return {f"{span}_days": len({(end - i) // DAY for i in instants if is_in(i, end, a)})
            for span, is_in in (("recent", RIGHT.is_recent), ("base", RIGHT.is_base))}


def shown_spans(known, _instants, end, a, _local_day):
    return {"recent": sum(RIGHT.is_recent(i, end, a) for i in known["shown"]),
            "base": sum(RIGHT.is_base(i, end, a) for i in known["shown"])}


def rows_changed(change):
    """segment_users with some columns of each row changed; change(row, rows)."""
    def segment_users(*args, **kwargs):
        rows = RIGHT.segment_users(*args, **kwargs)
        return [row | change(row, rows) for row in rows]
    return segment_users


def dense_rank(row, rows):
    better = {r["recent_requests"] for r in rows if r["recent_requests"] > row["recent_requests"]}
    return {"usage_rank": None if row["usage_rank"] is None else 1 + len(better)}


def last_rank(row, rows):
    return {"usage_rank": None if row["usage_rank"] is None else sum(
        r["recent_requests"] >= row["recent_requests"] for r in rows)}


def cutoff_of_segment(_row, rows):
    return {"power_cutoff": min((r["recent_requests"] for r in rows if r["segment"] == "power"), default=None)}


def end_of_users(case, log, now):
    """Observation ends with the last request of users who are not excluded."""
    return RIGHT.observed_until(case, replace(log, requests=cases.counted_requests(case, log)), now)


def end_at_as_of(case, log, now):
    return RIGHT.observed_until(replace(case, until=None) if case.as_of is not None else case, log, now)


def shares_of_the_shown(rows, min_group_size=1):
    right = RIGHT.segment_summary(rows)
    return [{name: None if 0 < row["users"] < min_group_size and name != "segment" else value
             for name, value in row.items()} for row in right]


# The functions replaced, by the name of the mistake.
MUTANTS = {
    "new for a moment more": ("is_new", lambda first, end, days: end - first <= days * DAY),
    "new by calendar days": ("is_new", lambda first, end, days: end // DAY - first // DAY < days),
    "who is not shown is not known": ("people_of", people_changed(only_shown)),
    "since cuts the spans": ("people_of", people_changed(shown_spans)),
    "recent begins a moment early": ("is_recent", lambda i, end, a: end - a["recent_weeks"] * sd.WEEK <= i <= end),
    "recent lacks its last moment": ("is_recent", lambda i, end, a: end - a["recent_weeks"] * sd.WEEK < i < end),
    "base lacks its last moment": ("is_base", lambda i, end, a: RIGHT.is_base(i, end, a) and RIGHT.is_base(i + 1, end, a)),
    "base begins a moment early": ("is_base", lambda i, end, a: RIGHT.is_base(i, end, a) or RIGHT.is_base(i + 1, end, a)
                                   and not RIGHT.is_recent(i, end, a)),
    "base overlaps recent": ("is_base", lambda i, end, a: RIGHT.is_base(i, end, a) or RIGHT.is_recent(i, end, a)),
    "the ratio is of counts, not of rates": ("decline_ratio", lambda r, b, a: Fraction(r, b) if b else None),
    "half is not enough": ("is_declining", declining(ratio=lambda one, most: one < most)),
    "the least base is not enough": ("is_declining", declining(base=lambda one, least: one > least)),
    "any base is enough": ("is_declining", declining(base=lambda one, least: True)),
    "no test of chance": ("is_declining", declining(p=lambda *_: Fraction(-1))),
    "no test of the ratio": ("is_declining", declining(ratio=lambda one, most: True)),
    "a test of both sides": ("is_declining", declining(p=lambda *args: 2 * RIGHT.decline_p(*args))),
    "fewer, not as many or fewer": ("decline_p", less_than),
    "both spans are as long": ("decline_p", lambda r, b, rw, bw: RIGHT.decline_p(r, b, 1, 1)),
    "spans the other way about": ("decline_p", lambda r, b, rw, bw: RIGHT.decline_p(r, b, bw, rw)),
    "the share is rounded down": ("places", lambda n, a: floor(
        RIGHT.exact(a["power_share"]) * n) if n >= a["min_users"] else 0),
    "the share is rounded to the nearest": ("places", lambda n, a: round(
        RIGHT.exact(a["power_share"]) * n) if n >= a["min_users"] else 0),
    "more than the least users": ("places", lambda n, a: RIGHT.places(n, a) if n > a["min_users"] else 0),
    "any number of users": ("places", lambda n, a: RIGHT.places(n, a | {"min_users": 1})),
    "ties are always in": ("power_counts", power_of(lambda counts, a: RIGHT.power_counts(counts, a | {"ties": "include"}))),
    "ties are always out": ("power_counts", power_of(the_first_by_id)),
    "who uses least may be in": ("power_counts", power_of(least_too)),
    "the share is of different numbers": ("power_counts", power_of(lambda counts, a: RIGHT.power_counts(list(set(counts)), a))),
    "power before at risk": ("segment_of", order("new", "power", "at_risk", "casual", "lapsed", "dormant")),
    "at risk before new": ("segment_of", order("at_risk", "new", "power", "casual", "lapsed", "dormant")),
    "lapsed before new": ("segment_of", order("lapsed", "new", "at_risk", "power", "casual", "dormant")),
    "power before new": ("segment_of", order("power", "new", "at_risk", "casual", "lapsed", "dormant")),
    "nobody lapsed": ("segment_of", order("new", "at_risk", "power", "casual", "dormant")),
    "at risk without a recent request": ("segment_of", order("new", "declined", "power", "casual", "dormant")),
    "requests decline": ("people_of", people_changed(of_requests)),
    "days have 24 hours": ("people_of", people_changed(days_of_24_hours)),
    "ranks without gaps": ("segment_users", rows_changed(dense_rank)),
    "the rank of the last": ("segment_users", rows_changed(last_rank)),
    "the cutoff is that of the segment": ("segment_users", rows_changed(cutoff_of_segment)),
    "until is inclusive": ("seen", lambda requests, end, until: RIGHT.seen(requests, end, None)),
    "what comes after the end is seen": ("seen", lambda requests, end, until: RIGHT.seen(requests, FACTS.now, until)),
    "shares of what is shown": ("segment_summary", shares_of_the_shown),
    "observation ends with the users": ("observed_until", end_of_users),
    "as_of may be after until": ("observed_until", end_at_as_of)}


class Teeth(unittest.TestCase):
    """Random cases distinguish each wrong definition from the right one, which also obeys the laws."""

    @classmethod
    def setUpClass(cls):
        every = [(case, log, answer(case, log)) for case, log in random_cases(1000, seed=1)]
        cls.asked = [(case, log, rows) for case, log, rows in every if rows is not None]
        cls.refused = sum(rows is None for _, _, rows in every)

    def test_laws(self):
        for case, log, rows in self.asked:
            # A call with an undetermined result has no rows to compare.
            broken = cases.broken_laws(case, log, rows, lambda other: answer(other, log) or []) if rows else []
            self.assertEqual(broken, [])

    def test_variety(self):
        """Every segment often, ties and cutoffs among them; few calls with undetermined results."""
        found = [row for case, _, rows in self.asked if case.readout == "segment_users" for row in rows]
        for segment in sd.SEGMENTS:
            # Few users left while declining.
            often = 60 if segment == "lapsed" else 200
            self.assertGreater(sum(row["segment"] == segment for row in found), often, segment)
        self.assertGreater(sum(row["segment"] == "at_risk" and row["recent_requests"] > 0 for row in found), 50)
        self.assertLess(self.refused, 40)

    def test_mutants(self):
        for what, (name, wrong) in MUTANTS.items():
            where = ("oracle.segments.cases." if name == "observed_until" else "oracle.segments.definitions.") + name
            with self.subTest(what), mock.patch(where, wrong):
                wrongly = ((rows, answer(case, log)) for case, log, rows in self.asked)
                self.assertTrue(any(rows != got and got is not None and differences(rows, got) for rows, got in wrongly))
