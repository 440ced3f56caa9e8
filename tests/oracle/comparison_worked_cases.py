"""The oracle's own test: what it takes for right, on cases worked by hand, and that it tells a wrong answer."""

import math
import unittest
from datetime import timedelta

import numpy as np

from comparison_definitions import Arm, Experiment, adjustment, differences, expected_rows, theta_of_gbstats
from comparison_logs import START, Request, count_sessions, figure_of, score_of


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
        self.assertEqual(figure_of("retained_d1", came, first, START + 2 * day - timedelta(microseconds=1), "UTC"), (None, None))
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
