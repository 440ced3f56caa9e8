"""Stages worked out by hand, and wrong definitions that must fail.

`python3 -m oracle stages --self-test` needs no server.
"""

import random
import unittest
from dataclasses import replace
from types import SimpleNamespace
from unittest import mock

from oracle.kit.compare import differences
from oracle.kit.days import DAY, HOUR, local_day_by_zoneinfo
from oracle.predictors.logs import random_predictor_log
from oracle.stages import cases
from oracle.stages import definitions as d
from oracle.stages.cases import expected_rows, laws_of_transitions, random_stage_case
from oracle.usage.definitions import Use


def use(user, day, **more):
    return Use(user, day * DAY + 9 * HOUR, **more)


def utc_day(instant):
    return instant // DAY


class Stages(unittest.TestCase):
    # ann is active every week, from the third day on with a second feature; bob once; cy returned in the last week.
    USES = [use("ann", day, feature="code" if day else "chat") for day in (0, 2, 8, 15, 22, 29, 36)] + [
        use("bob", 0, succeeded=True), use("cy", 0, succeeded=False), use("cy", 36, succeeded=False)]

    def stages(self):
        rows = d.lifecycle_stage(self.USES, utc_day, 37 * DAY, None, lambda use: None)
        return {row["user_id"]: (row["stage"], row["since_day"], row["active_weeks"], row["activated_on"]) for row in rows}

    def test_stages(self):
        """On day 36 the preceding weeks end with the days 36, 29, 22 and 15. ann first qualified on day 15 (8, 2 and 15)."""
        self.assertEqual(self.stages(), {"ann": ("retention", 15, 4, 2), "bob": ("dormant", 28, 0, None),
                                         "cy": ("acquisition", 36, 1, None)})

    def test_transitions(self):
        """In January 2000 all three start. ann qualifies at its end, the others have been inactive for four weeks."""
        rows = d.lifecycle_transitions(self.USES, utc_day, 31 * DAY, None, lambda use: None, 1, "monday")
        found = {(row["period_start"], row["from_stage"], row["to_stage"]): row["users"] for row in rows}
        self.assertEqual(found, {(0, None, "retention"): 1, (0, None, "dormant"): 2})

    def test_lapsed(self):
        """dan is active on the first five days: from day 32 on without a request, lapsed until one of them is too old."""
        uses = [use("dan", day) for day in range(5)] + [use("ed", 70)]
        for end, expected in ((32, ("acquisition", 0)), (33, ("lapsed", 32)), (56, ("lapsed", 32)), (57, ("dormant", 56))):
            [dan] = [row for row in d.lifecycle_stage([use for use in uses if use.instant < end * DAY], utc_day, end * DAY, None,
                     lambda use: None) if row["user_id"] == "dan"]
            stage = "activation" if expected[0] == "acquisition" else expected[0]
            self.assertEqual(dan["stage"], stage)
            if stage != "activation":
                self.assertEqual(dan["since_day"], expected[1])

    def test_upgrades(self):
        """Pro for two days, then free again: up on day 2 and no longer on day 4."""
        ranks = [(day * DAY, rank) for day, rank in ((0, 0), (2, 1), (3, 1), (4, 0), (9, 0))]
        self.assertEqual([d.upgraded_on(d.upgrades(ranks, utc_day), judged) for judged in (1, 2, 3, 4, 9)], [None, 2, 2, None, None])
        self.assertFalse(d.is_upgraded([(0, 0), (0, 1)]))
        self.assertTrue(d.is_upgraded([(0, 0), (1, 1)]))

    def test_acquisition(self):
        rows = d.acquisition(self.USES, utc_day, 20 * DAY, None, lambda use: "ads" if use.user == "ann" else None,
                             lambda use: False, 1)
        ads, none = rows
        self.assertEqual((ads["source_value"], ads["users"], ads["onboarding_completed_rate"], ads["week_2_retention"]),
                         ("ads", 1, 1, 1))
        self.assertEqual((none["users"], none["first_request_answered_rate"], none["week_2_retention"]), (2, 0.5, 0))

    def test_laws(self):
        rows = [{"period_start": 0, "from_stage": None, "to_stage": stage, "share": 0.5} for stage in ("dormant", "retention")]
        self.assertEqual(list(laws_of_transitions(rows)), [])
        self.assertEqual(len(list(laws_of_transitions(rows[:1]))), 1)


class WrongDefinitions(unittest.TestCase):
    """Each is an easy mistake, and must give a different result for some random log."""

    # The function that is wrong, the function that is called, and the mistake.
    WRONG = {
        "activated without success": ("activated_on", "acquisition", lambda right: lambda uses, day: right(
            [replace(u, succeeded=None) for u in uses], day)),
        "no upgrades": ("upgraded_on", "lifecycle_stage", lambda right: lambda states, judged: None),
        "once up, always up": ("upgraded_on", "lifecycle_stage", lambda right: lambda states, judged: min(
            (today for today, is_above in states if is_above and today <= judged), default=None)),
        "nobody lapses": ("has_lapsed", "lifecycle_stage", lambda right: lambda active_days, judged: False),
        "a day later": ("stages_on", "lifecycle_transitions", lambda right: lambda people, judged, day: right(
            people, judged + 1, day)),
    }

    def test_they_do_not_pass(self):
        for name, (function, readout, wrong) in self.WRONG.items():
            with self.subTest(name):
                self.assertTrue(self.differs(function, readout, wrong), "no random log tells it from the right one")

    def differs(self, function, readout, wrong):
        rng = random.Random(7)
        for _ in range(300):
            log = random_predictor_log(rng, 9500 * DAY)
            facts = SimpleNamespace(now=9500 * DAY, local_day=lambda i, z: local_day_by_zoneinfo(i, z) or i // DAY)
            for _ in range(8):
                with mock.patch.object(cases, "WEIGHTS", {readout: 1}):
                    case = random_stage_case(rng, log)
                right = expected_rows(case, log, facts)
                with mock.patch.object(d, function, wrong(getattr(d, function))):
                    if differences(right, expected_rows(case, log, facts)):
                        return True
        return False
