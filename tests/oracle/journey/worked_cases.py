"""User journeys worked out by hand, and wrong definitions that must fail: `python3 -m oracle journey --self-test` needs no
server.

Clock times are of Monday 1 January 2024, UTC.
"""

import random
import unittest
from types import SimpleNamespace
from unittest import mock

from oracle.journey import cases
from oracle.journey import definitions as jd
from oracle.journey.logs import random_journey_log
from oracle.kit.compare import differences
from oracle.kit.days import DAY, HOUR, instant_of, local_day_by_zoneinfo, local_midnight_by_zoneinfo
from oracle.kit.runner import ExpectedError

MIDNIGHT = instant_of(2024, 1, 1)


def step(user, days=0.0, succeeded=True, feature="chat", **more):
    at = MIDNIGHT + round(days * DAY)
    return jd.Step(user, at, at, None, succeeded, feature=feature, **more)


def utc_day(instant):
    return instant // DAY


class Times(unittest.TestCase):
    def test_half_of_them(self):
        """Of four, one at 1, one at 2 when another is censored, one at 3: 3/4, 1/2, 0."""
        durations = [(1, True), (2, True), (2, False), (3, True), (-1, True)]
        self.assertEqual([left for _, left, _ in jd.shares_left(durations)], [0.75, 0.5, 0])
        self.assertEqual(jd.time_of(durations, 0.5)[0], 2)
        self.assertIsNone(jd.time_of([(5, False)] * 4, 0.5)[0])


class Adoption(unittest.TestCase):
    STEPS = [step("ann", day) for day in (0, 1, 5)] + [step("bob", day) for day in (0, 0.5, 1)] + [step("cy", 20)]

    def test_stages(self):
        """In 7 days, of which cy's have not elapsed, ann uses it on three of them, bob on two."""
        [row] = jd.feature_adoption(self.STEPS, MIDNIGHT + 21 * DAY, None, utc_day, 1, min_days=3, within_days=7,
                                    power_share=0.1, min_users=2)
        self.assertEqual((row["tried_users"], row["eligible_users"], row["open_users"], row["adopted_users"]), (3, 2, 1, 1))
        self.assertEqual((row["adoption_rate"], row["power_users"]), (0.5, 1))

    def test_the_last_day_is_in(self):
        """Day 6 of 7 counts and day 7 does not; the period has elapsed when day 7 begins, not before."""
        self.assertEqual(jd.adoption_of([step("x", 0), step("x", 6.9)], utc_day, utc_day(MIDNIGHT) + 7, 2, 7)[1:], (True, True))
        self.assertEqual(jd.adoption_of([step("x", 0), step("x", 7)], utc_day, utc_day(MIDNIGHT) + 6, 2, 7)[1:], (False, False))

    def test_prompts(self):
        self.assertEqual(jd.normal("  Why  not?! "), jd.normal("why not"))
        self.assertNotEqual(jd.normal("why"), jd.normal("why not"))

    def test_student(self):
        for freedom, point in ((1, 12.7062), (2, 4.30265), (5, 2.57058), (30, 2.04227)):
            self.assertAlmostEqual(jd.student_point(freedom), point, places=4)


class Milestones(unittest.TestCase):
    def test_weeks_that_run_do_not_count(self):
        """ann returns on day 7, bob on day 8, cy began two days ago."""
        steps = {"ann": [step("ann"), step("ann", 7.9)], "bob": [step("bob"), step("bob", 8)], "cy": [step("cy", 8.5)]}
        end = MIDNIGHT + 10 * DAY
        people = [(of[0].instant, list(jd.standard_milestones(
            of, [], of[0].instant, None, utc_day, lambda day: day * DAY, end))) for of in steps.values()]
        rows = list(jd.milestone_rows(people, [n for n in jd.STANDARD if n != jd.STANDARD[2]], end, 1))
        self.assertEqual([(row["eligible_users"], row["reached_users"]) for row in rows], [(3, 3), (3, 0), (2, 1), (0, 0)])

    def test_in_time(self):
        told = [{"name": "second", "count": 2, "within": HOUR}]
        on_time = [step("a", marks=(True,)), step("a", 1 / 24, marks=(True,))]
        late = [step("a", marks=(True,)), step("a", 1.001 / 24, marks=(True,))]
        for steps, reached in ((on_time, MIDNIGHT + HOUR), (late, None)):
            self.assertEqual(next(jd.told_milestones(steps, told, MIDNIGHT, MIDNIGHT + DAY))[1], reached)
            self.assertEqual([next(jd.told_milestones(steps, told, MIDNIGHT, MIDNIGHT + at))[3] for at in (HOUR, HOUR + 1)],
                             [False, True])          # the last instant of the limit has to pass

    def test_who_began_with_something_else_is_not_counted(self):
        """ann begins with the first mark and reaches it on day 3, bob begins with it and does not, cy begins otherwise."""
        told = [{"name": "pro", "filter": {"tier": "pro"}, "from": {"tier": "free"}}]
        steps = {"ann": [step("ann", 0, marks=(False, True)), step("ann", 3, marks=(True, False))],
                 "bob": [step("bob", 0, marks=(False, True))],
                 "cy": [step("cy", 0, marks=(True, False)), step("cy", 1, marks=(True, True))]}
        end = MIDNIGHT + 10 * DAY
        people = [(MIDNIGHT, list(jd.told_milestones(of, told, MIDNIGHT, end))) for of in steps.values()]
        row = next(jd.milestone_rows(people, ["pro"], end, 1))
        self.assertEqual((row["eligible_users"], row["reached_users"], row["median_seconds"]), (2, 1, 3 * 86400))


class Evolution(unittest.TestCase):
    def test_who_left_is_not_forgotten(self):
        """ann makes 7 requests in week 1 and 14 in week 2; bob 7 in week 1 and leaves. Together 1 per day in both weeks."""
        steps = [step("ann", d / 2) for d in range(0, 14, 2)] + [step("ann", 7 + d / 2) for d in range(14)]
        steps += [step("bob", day) for day in range(7)]
        rows = jd.usage_evolution(steps, MIDNIGHT + 20 * DAY, None, utc_day, 1, True, HOUR, HOUR, lambda u, s: 0, weeks=(1, 2))
        self.assertEqual([(r["panel"], r["requests_per_day"], r["requests_per_active_user_day"]) for r in rows][:2],
                         [("all", 1, 1), ("all", 1, 2)])


# ------------------------------------------------------------------------------------------------- wrong definitions

NOW = instant_of(2025, 6, 1)
RIGHT = SimpleNamespace(**vars(jd))


def day_starts(days, zone, facts):
    return {day: local_midnight_by_zoneinfo(day, zone) for day in days}


def local_day(instant, zone):
    day = local_day_by_zoneinfo(instant, zone)
    return instant // DAY if day is None else day


def answer(case, log):
    facts = SimpleNamespace(now=NOW, local_day=local_day, of_log={"session_keys": {}}, server=None)
    try:
        return cases.expected_rows(case, log, facts)
    except ExpectedError as error:
        return [{"error": str(error)}]


def random_cases(count, seed):
    rng = random.Random(seed)
    while count > 0:
        log = random_journey_log(rng, NOW)
        for _ in range(12):
            yield cases.random_journey_case(rng, log), log
            count -= 1


def with_elapsed(milestones):
    """As if the period of all users had elapsed."""
    return [(name, reached, deadline, True) for name, reached, deadline, _ in milestones]


MUTANTS = {
    "who has not yet is not counted": ("time_of", lambda durations, part: RIGHT.time_of([d for d in durations if d[1]], part)),
    "who has not yet has": ("time_of", lambda durations, part: RIGHT.time_of([(s, True) for s, _ in durations], part)),
    "signing up afterwards is signing up at once": ("time_of", lambda durations, part: RIGHT.time_of(
        [(max(s, 0), h) for s, h in durations], part)),
    "ids tell no order": ("tie", lambda step: (step.instant, 0, 0, b"", {True: 0, False: 1, None: 2}[step.succeeded])),
    "weeks that run count": ("standard_milestones", lambda *args: with_elapsed(RIGHT.standard_milestones(*args))),
    "times that run count": ("told_milestones", lambda *args: with_elapsed(RIGHT.told_milestones(*args))),
    "late is reached": ("told_milestones", lambda steps, told, began, end: [
        (name, again[1], deadline, elapsed) for (name, _, deadline, elapsed), again in zip(
            RIGHT.told_milestones(steps, told, began, end),
            RIGHT.told_milestones(steps, [{**m, "within": None} for m in told], began, end))]),
    "the first is enough": ("told_milestones", lambda steps, told, began, end: RIGHT.told_milestones(
        steps, [{**m, "count": 1} for m in told], began, end)),
    "nobody is open": ("adoption_of", lambda *args: (lambda a, b, c: (a, True, c))(*RIGHT.adoption_of(*args))),
    "uses count and not days": ("adoption_of", lambda uses, day, last, least, within: (
        *RIGHT.adoption_of(uses, day, last, least, within)[:2], len(uses) >= least)),
    "a day more is in time": ("adoption_of", lambda uses, day, last, least, within: (
        *RIGHT.adoption_of(uses, day, last, least, within)[:2], RIGHT.adoption_of(uses, day, last, least, within + 1)[2])),
    "capitals matter": ("normal", lambda prompt: prompt.strip()),
    "the other way round": ("newcombe", lambda one, other: RIGHT.newcombe(other, one)),
    "a day later is as good": ("feature_timing", lambda steps, *args, **more: RIGHT.feature_timing(
        steps, *args, **{**more, "horizon_days": more["horizon_days"] + 1})),
    "who left is forgotten": ("usage_evolution", lambda *args, **more: [
        {**row, "requests_per_day": row["requests_per_active_user_day"]} for row in RIGHT.usage_evolution(*args, **more)]),
    "the same users are all": ("usage_evolution", lambda *args, **more: [
        {**row, "panel": "same_users" if second else "all"} for second in (0, 1)
        for row in RIGHT.usage_evolution(*args, **more) if row["panel"] == "all"]),
}


class Teeth(unittest.TestCase):
    """Random cases distinguish each wrong definition from the right one."""

    @classmethod
    def setUpClass(cls):
        patched = [mock.patch("oracle.journey.cases.day_starts", day_starts)]
        for patch in patched:
            patch.start()
            cls.addClassCleanup(patch.stop)
        cls.asked = [(case, log, answer(case, log)) for case, log in random_cases(1200, seed=3)]

    def test_mutants(self):
        for what, (name, wrong) in MUTANTS.items():
            with self.subTest(what), mock.patch(f"oracle.journey.definitions.{name}", wrong):
                self.assertTrue(any(differences(rows, answer(case, log)) for case, log, rows in self.asked))
