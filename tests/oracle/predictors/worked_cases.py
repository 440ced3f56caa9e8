"""Predictors of retention worked out by hand, and wrong definitions that must fail.

`python3 -m oracle predictors --self-test` needs no server.
"""

import random
import unittest
from types import SimpleNamespace
from unittest import mock

from oracle.kit.compare import differences
from oracle.kit.days import DAY, local_day_by_zoneinfo
from oracle.predictors import cases
from oracle.predictors import definitions as d
from oracle.predictors.cases import expected_rows, random_predictor_case
from oracle.predictors.logs import random_predictor_log


def use(user, day, hour=9, **more):
    return d.RatedUse(user, day * DAY + hour * 3_600_000_000, **more)


def utc_day(instant):
    return instant // DAY


class Predictors(unittest.TestCase):
    # Four users who start on day 0 and whose days 3 to 4 have elapsed on day 5; eve's have not.
    USES = [
        use("ann", 0, feature="code", session_id="s"), use("ann", 1, feature="code", session_id="s"), use("ann", 3),
        use("bob", 0, feature="code"), use("bob", 4), use("bob", 4, 10),
        use("cy", 0, feature="chat", succeeded=False), use("cy", 0, 10, succeeded=True), use("cy", 5),
        use("dot", 0, feature="chat"), use("eve", 1, feature="code"),
    ]

    def rows(self, **more):
        rows = d.retention_drivers(self.USES, utc_day, 5, -1, 1, early_days=2, retained=(3, 4), min_users=1, **more)
        return {row["driver"]: row for row in rows}

    def test_rates(self):
        code = self.rows()["feature: code"]
        self.assertEqual((code["users_with"], code["users_without"], code["retention_with"], code["retention_without"]),
                         (2, 2, 1, 0))
        self.assertAlmostEqual(code["p_value"], 2 / 6)
        self.assertAlmostEqual(code["phi"], 1)
        self.assertEqual(code["evidence"], "unclear")

    def test_behaviours(self):
        rows = self.rows()
        self.assertEqual({name: row["users_with"] for name, row in rows.items()}, {
            "feature: code": 2, "feature: chat": 2, "active on 2+ days": 1, "session of 2+ requests": 1,
            "any failed request": 1, "first request failed": 1})

    def test_within_strata(self):
        """One request: bob against dot; two: ann against cy. Both differences are 1, so the average is 1."""
        self.assertAlmostEqual(self.rows()["feature: code"]["adjusted_difference"], 1)

    def test_least(self):
        with_least = d.retention_drivers(self.USES, utc_day, 5, -1, 1, early_days=2, retained=(3, 4), min_users=2)
        self.assertEqual({row["driver"] for row in with_least}, {"feature: code", "feature: chat"})

    def test_churn(self):
        """Before day 2 ann was active twice; on the days 4 and 5 she has churned, and so have dot and eve."""
        rows = d.churn_indicators(
            self.USES, utc_day, 6, -1, 1, landmark=2, window_days=2, gap_days=2, churn_days=2, min_users=1)
        row = {row["indicator"]: row for row in rows}["active on 2+ days"]
        self.assertEqual((row["users_with"], row["users_without"], row["churn_with"], row["churn_without"]), (1, 4, 1, 0.5))

    def test_literature(self):
        """The UGDP trial by age: metafor's rma.mh(measure = "RD") gives 0.0349, from -0.0276 to 0.0974."""
        found = d.mantel_haenszel([(8, 106, 5, 120), (22, 98, 16, 85)])
        for value, expected in zip(found, (0.0349, -0.0276, 0.0974)):
            self.assertAlmostEqual(value, expected, places=4)


class Thresholds(unittest.TestCase):
    def test_generator(self):
        """The values published with SplitMix64."""
        random = d.split_mix(1234567)
        self.assertEqual([next(random) for _ in range(3)], [6457827717110365317, 3203168211198807973, 9817491932198370423])

    def test_sharp(self):
        """Users with three requests in two days are retained."""
        people = [([n % 3, n % 4], n % 3 + n % 4 >= 3) for n in range(120)]
        grid = [(days, requests) for requests in range(1, 6) for days in (1, 2)]
        self.assertEqual(d.best(people, grid, 1), (2, 3))
        self.assertEqual(d.fast_best(people, grid, 1), (2, 3))
        self.assertEqual(d.bounds(people, grid, 1, 1), {"days_low": 2, "days_high": 2, "requests_low": 3, "requests_high": 3})

    def test_sentence(self):
        self.assertEqual(d.sentence((1, 1), 0.5, 0.25, False),
                         "Of the users with a request in their first day, 50 % stay, of the others 25 %.")


class WrongDefinitions(unittest.TestCase):
    """Each is an easy mistake, and must give a different result for some random log."""

    WRONG = {
        "outcome days counted from 1": (
            "new_users", lambda right: lambda *args: right(*args[:-1], (args[-1][0] - 1, args[-1][1] - 1))),
        "the last day of the span left out": (
            "new_users", lambda right: lambda *args: right(*args[:-1], (args[-1][0], max(args[-1][1] - 1, args[-1][0])))),
        "whose span has not elapsed": (
            "new_users", lambda right: lambda uses, day, elapsed, *args: right(uses, day, elapsed + 3, *args)),
        "one early day more": (
            "new_users", lambda right: lambda *args: right(*args[:-2], args[-2] + 1, args[-1])),
        "who came before since": (
            "new_users", lambda right: lambda uses, day, elapsed, since, *args: right(uses, day, elapsed, -10**9, *args)),
        "no gap": ("users_before", lambda right: lambda *args: right(*args[:-2], max(args[-2] - 1, 0), args[-1])),
        "a longer window": ("users_before", lambda right: lambda *args: right(*args[:-3], args[-3] + 1, *args[-2:])),
        "one stratum": ("mantel_haenszel", lambda right: lambda strata: right([tuple(map(sum, zip(*strata)))])),
        "chosen by the other half": ("chooses", lambda right: lambda key, seed: not right(key, seed)),
        "more than the requests": ("table", lambda right: lambda people, days, requests: right(people, days, requests + 1)),
        "other resamples": ("split_mix", lambda right: lambda seed: right(seed + 1)),
        "always Pearson's test": ("p_value", lambda right: lambda a, n, b, m: None if right(a, n, b, m) is None else float(
            d.stats.chi2_contingency([[a, n - a], [b, m - b]], correction=False).pvalue)),
    }

    def test_they_do_not_pass(self):
        for name, (function, wrong) in self.WRONG.items():
            with self.subTest(name):
                self.assertTrue(self.differs(function, wrong), "no random log tells it from the right one")

    # The function to call.
    ABOUT = {"users_before": "churn_indicators", "chooses": "activation_threshold", "table": "activation_threshold",
             "split_mix": "activation_threshold"}

    def differs(self, function, wrong):
        rng = random.Random(7)
        about = {self.ABOUT.get(function, "retention_drivers"): 1}
        for _ in range(300):
            log = random_predictor_log(rng, 9500 * DAY)
            facts = SimpleNamespace(now=9500 * DAY, local_day=lambda i, z: local_day_by_zoneinfo(i, z) or i // DAY, of_log={})
            for _ in range(8):
                with mock.patch.object(cases, "WEIGHTS", about):
                    case = random_predictor_case(rng, log)
                try:
                    right = expected_rows(case, log, facts)
                    with mock.patch.object(d, function, wrong(getattr(d, function))):
                        if differences(right, expected_rows(case, log, facts)):
                            return True
                except cases.ExpectedError:
                    pass
        return False
