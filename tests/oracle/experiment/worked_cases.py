"""Tests of the oracle itself: its expected results for cases worked out by hand, and its detection of wrong results."""

import math
import unittest
from datetime import timedelta

import numpy as np

from oracle.experiment.cases import Effect, Size, Split
from oracle.experiment.definitions import (
    Arm, Experiment, Plan, Refused, adjustment, always_valid_p, differences, expected_rows, minimum_detectable_effect, sample_size,
    srm,
    theta_of_gbstats)
from oracle.experiment.logs import START, Request, count_sessions, figure_of, score_of


def experiment(kind, rows, **changes):
    asked = {"method": "welch", "alternative": "two_sided", "confidence": 0.95, "correction": "holm", "better": "higher",
             "control": None, "weights": None}
    return Experiment(kind, rows, **(asked | changes))


def request(hours, **changes):
    columns = dict.fromkeys(["variant", "model", "cost", "latency", "status", "rating", "tokens", "score"]) | {"user": "u"}
    return Request(**(columns | changes | {"at": START + timedelta(hours=hours)}))


class Figures(unittest.TestCase):
    def test_sessions_break_after_more_than_thirty_minutes(self):
        self.assertEqual(count_sessions([request(0), request(0.5)]), 1)
        self.assertEqual(count_sessions([request(0), request(0.51)]), 2)
        self.assertEqual(count_sessions([request(0, latency=60_000), request(0.51)]), 1)

    def test_who_cannot_have_come_back_yet_has_no_figure(self):
        first = START + timedelta(hours=12)
        came = [request(12), request(36)]
        day = timedelta(days=1)
        self.assertEqual(figure_of("retained_d1", came, first, START + 2 * day, "UTC"), (1.0, None))
        too_early = START + 2 * day - timedelta(microseconds=1)
        self.assertEqual(figure_of("retained_d1", came, first, too_early, "UTC"), (None, None))
        self.assertEqual(figure_of("retained_d2", came, first, START + 3 * day, "UTC"), (0.0, None))

    def test_numbers_that_cannot_be(self):
        requests = [request(0, cost=1.0), request(1, cost=-1.0), request(2, cost=math.nan), request(3)]
        self.assertEqual(figure_of("cost_usd", requests, START, START, "UTC"), (1.0, None))
        self.assertEqual(figure_of("mean(cost_usd)", requests, START, START, "UTC"), (1.0, 1.0))
        self.assertEqual([score_of(s) for s in ("7", "x", True, "1e3", None)], [7.0, None, 1.0, 1000.0, None])


class Statistics(unittest.TestCase):
    def test_student_1908(self):
        """Hours of sleep gained: R's t.test(extra ~ group, data = sleep) gives t = -1.8608, df = 17.776, p = 0.07939."""
        one, two = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0], [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
        row = expected_rows(experiment("mean", [("1", x, None) for x in one] + [("2", x, None) for x in two]))[1]
        self.assertAlmostEqual(row["statistic"], 1.8608, 4)
        self.assertAlmostEqual(row["df"], 17.776, 3)
        self.assertAlmostEqual(row["p_value"], 0.07939, 5)
        self.assertAlmostEqual(row["difference_low"], -0.2054832, 6)
        self.assertAlmostEqual(row["difference_high"], 3.3654832, 6)

    def test_tea(self):
        """Fisher's tea: 3 of 4 against 1 of 4 has p = 0.4857."""
        rows = [("a", 1.0, None)] + [("a", 0.0, None)] * 3 + [("b", 1.0, None)] * 3 + [("b", 0.0, None)]
        self.assertAlmostEqual(expected_rows(experiment("share", rows, method="proportions"))[1]["p_value"], 0.4857, 4)

    def test_slope_is_that_of_gbstats(self):
        rng = np.random.default_rng(1)
        rows = [("ab"[n % 2], float(x := rng.normal(5, 2)), float(x + rng.normal())) for n in range(100)]
        arms = [Arm(name, [r for r in rows if r[0] == name], "adjusted") for name in "ab"]
        self.assertAlmostEqual(adjustment(arms)[0], theta_of_gbstats(arms), 10)

    def test_a_wrong_answer_is_told(self):
        rows = expected_rows(experiment("mean", [("a", 1.0, None), ("a", 2.0, None), ("b", 4.0, None), ("b", 3.5, None)]))
        self.assertEqual(differences(rows, rows, 1e-9), [])
        for column in ("p_value", "df", "difference_low", "users"):
            wrong = [rows[0], rows[1] | {column: rows[1][column] * (1 + 1e-6)}]
            self.assertEqual(len(differences(rows, wrong, 1e-9)), 1)
        self.assertEqual(len(differences(rows, [rows[0], rows[1] | {"p_value": None}], 1e-9)), 1)


class Plans(unittest.TestCase):
    def test_split_of_two(self):
        """60 off in both of two variants: 2 * 60^2 / 500 = 14.4, and p = erfc(sqrt(14.4 / 2))."""
        row = srm({"control": 560, "treatment": 440})
        self.assertEqual((row["users"], row["df"], row["verdict"]), (1000, 1, "invalid: SRM"))
        self.assertAlmostEqual(row["statistic"], 14.4, 12)
        self.assertAlmostEqual(row["p_value"], math.erfc(math.sqrt(7.2)), 12)

    def test_split_of_three(self):
        """With two degrees of freedom p is exp(-statistic / 2): here (0 + 25 + 25) / 25 = 2, as 50, 25 and 25 are planned."""
        row = srm({"a": 50, "b": 30, "c": 20, "off": 0}, {"a": 2, "b": 1, "c": 1, "off": 0})
        self.assertEqual((row["df"], row["verdict"]), (2, "ok"))
        self.assertAlmostEqual(row["statistic"], 2, 12)
        self.assertAlmostEqual(row["p_value"], math.exp(-1), 12)

    def test_split_that_is_not_tested(self):
        """7.5 users are expected in each of two variants, 8 in the next; one variant has nothing to compare it with."""
        self.assertEqual([srm(users)["verdict"] for users in ({"a": 9, "b": 6}, {"a": 9, "b": 7}, {"a": 100}, {})],
                         ["too small", "ok", "too small", "too small"])
        # A planned variant has no users: 8 + 8.
        self.assertEqual(srm({"a": 16}, {"a": 1, "b": 1})["statistic"], 16)
        for weights in ({"a": 1}, {"a": 1, "b": 0}, {"a": 0, "b": 0}):
            self.assertRaises(Refused, srm, {"a": 9, "b": 7}, weights)

    def test_size_for_a_mean(self):
        """2 * (1.959964 + 0.841621)^2 * 12^2 / 1.5^2 = 1004.7. One-sided, with 1.644854, 791.3."""
        # By the t test one more, about a quarter of 1.96^2.
        self.assertEqual(sample_size(1.5, Plan(sd=12)), (1006, 1006))
        self.assertEqual(sample_size(-1.5, Plan(sd=12, alternative="less")), (793, 793))
        # Two standard deviations: the normal approximation says 4.
        self.assertEqual(sample_size(2, Plan(sd=1)), (6, 6))
        # Five comparisons at 0.95 have the error probability of one at 0.99.
        self.assertEqual(sample_size(1.5, Plan(sd=12, comparisons=5)), sample_size(1.5, Plan(sd=12, confidence=0.99)))

    def test_size_for_a_rate(self):
        """(1.959964 * sqrt(2 * 0.265 * 0.735) + 0.841621 * sqrt(0.25 * 0.75 + 0.28 * 0.72))^2 / 0.03^2 = 3396.1."""
        self.assertEqual(sample_size(0.03, Plan(0.25)), (3397, 3397))
        # From a half to 1: (1.959964 * sqrt(2 * 3/4 * 1/4) + 0.841621 * sqrt(1/4))^2 / (1/4) = 10.5.
        self.assertEqual(sample_size(0.5, Plan(0.5)), (11, 11))

    def test_size_of_unequal_variants(self):
        """(1.959964 + 0.841621)^2 * 12^2 / 1.5^2 * (1 + 1/9) = 558.1, and by the t test a little more."""
        uneven = {"control": 9, "treatment": 1}
        self.assertEqual(sample_size(1.5, Plan(sd=12, weights=uneven)), (559, 559))
        self.assertEqual(sample_size(1.5, Plan(sd=12, weights={"a": 1, "b": 1})), (1006, 1006))
        # In the control, 9 users for each of the treatment: the pooled rate is 0.253.
        missed = 0.841621 * math.sqrt(0.25 * 0.75 / 9 + 0.28 * 0.72)
        users = (1.959964 * math.sqrt(0.253 * 0.747 * 10 / 9) + missed) ** 2 / 0.03 ** 2
        self.assertEqual(sample_size(0.03, Plan(0.25, weights=uneven))[0], math.ceil(users))

    def test_looks_do_not_add_up(self):
        """Of 1,000 experiments without effect, looked at after every 20 users, at most 5 % are ever significant; by the usual
        test far more are."""
        rng = np.random.default_rng(3)
        e = Experiment("mean", [], "welch", "two_sided", 0.95, "none", "higher", None, None)
        ever = at_once = 0
        for _ in range(1000):
            means = rng.normal(size=(2, 2000)).cumsum(axis=1)[:, 29::10] / np.arange(30, 2001, 10)
            users = np.arange(30, 2001, 10)
            off, squared = means[1] - means[0], 2 / users
            ever += any(always_valid_p(o, s, 2 * n, e) < 0.05 for o, s, n in zip(off, squared, users))
            at_once += bool((abs(off) / np.sqrt(squared) > 1.96).any())
        self.assertLessEqual(ever, 50)
        self.assertGreater(at_once, 200)

    def test_size_that_is_refused(self):
        for effect, plan in ((0.1, Plan()), (0.1, Plan(0.5, sd=1)), (0, Plan(sd=1)), (0.6, Plan(0.5)), (-0.6, Plan(0.5)),
                             (1, Plan(sd=1, comparisons=0))):
            self.assertRaises(Refused, sample_size, effect, plan)

    def test_effect_on_a_mean(self):
        """A million users a variant: 2.801585 * sqrt(2 / 10^6) standard deviations. 5000: by t, 0.01 % more than 2.801585 * 12 *
        sqrt(2 / 5000) = 0.672380. Two: far more than the 2.8 of the normal approximation."""
        self.assertAlmostEqual(minimum_detectable_effect(10**6, Plan(sd=1)), 0.002801585 * math.sqrt(2), 9)
        self.assertAlmostEqual(minimum_detectable_effect(5000, Plan(sd=12)), 0.672380 * 1.0001, 5)
        self.assertAlmostEqual(minimum_detectable_effect(2, Plan(sd=1)), 5.653, 3)

    def test_effect_on_a_rate(self):
        """What 3397 users find lies a little below 0.03, for which 3396.1 are needed. From 0.9 to 1, 73.4 are."""
        self.assertAlmostEqual(minimum_detectable_effect(3397, Plan(0.25)), 0.03 * math.sqrt(3396.1 / 3397), 5)
        self.assertEqual([minimum_detectable_effect(users, Plan(0.9)) is None for users in (5, 73, 74)], [True, True, False])

    def test_a_wrong_plan_is_told(self):
        for question, right, wrong in (
                (Split({"a": 560, "b": 440}, None), srm({"a": 560, "b": 440}) | {"reason": None}, {"statistic": 14.401}),
                (Split({"a": 1, "b": 1}, None), srm({"a": 1, "b": 1}) | {"reason": "few"}, {"reason": None}),
                (Size(1.5, Plan(sd=12)), {"answer": 1006}, {"answer": 1005}),
                (Effect(5, Plan(0.9)), {"answer": None}, {"answer": 0.1})):
            self.assertEqual(list(question.wrong(question.expected(), right)), [])
            self.assertEqual(len(list(question.wrong(question.expected(), right | wrong))), 1)
