"""Survival results from the literature, and wrong results that must fail: `python3 -m oracle survival --self-test`."""

import unittest

from oracle.survival.cases import differing
from oracle.survival.definitions import crossing, expected_curve, expected_test

# The remission times of Freireich et al. (1963) as printed by D. R. Cox, "Regression models and life tables", JRSS B 34
# (1972), in weeks: 21 patients on 6-mercaptopurine, 21 on placebo. The log-rank statistic is 16.79 there and in later
# literature.
DRUG = [(6, 1), (6, 1), (6, 1), (6, 0), (7, 1), (9, 0), (10, 1), (10, 0), (11, 0), (13, 1), (16, 1), (17, 0), (19, 0), (20, 0),
        (22, 1), (23, 1), (25, 0), (32, 0), (32, 0), (34, 0), (35, 0)]
PLACEBO = [(t, 1) for t in (1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23)]
DRUG, PLACEBO = [[(float(s), bool(h)) for s, h in rows] for rows in (DRUG, PLACEBO)]


class Books(unittest.TestCase):
    def test_curve_of_the_drug(self):
        self.assertEqual([round(step[4], 3) for step in expected_curve(DRUG, 0.95) if step[2]],
                         [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448])

    def test_medians(self):
        self.assertEqual([crossing(expected_curve(rows, 0.95), "share", 0.5) for rows in (DRUG, PLACEBO)], [23, 8])

    def test_logrank(self):
        self.assertEqual(round(expected_test([DRUG, PLACEBO])[0], 2), 16.79)

    def test_one_group_alone(self):
        self.assertEqual(expected_test([DRUG]), (None, 0, None))

    def test_a_group_before_all_others(self):
        self.assertEqual(expected_test([DRUG, PLACEBO, [(0.5, False)]])[1], 1)

    def test_events_before_censorings(self):
        rows = [(1., True), (2., True), (2., False), (3., True)]
        self.assertEqual([round(step[4], 12) for step in expected_curve(rows, 0.95)], [1.0, 0.75, 0.5, 0.0])


class Differences(unittest.TestCase):
    def test_a_wrong_share_is_found(self):
        self.assertIsNotNone(differing([(1.0, 0.5)], [(1.0, 0.5001)]))

    def test_a_missing_row_is_found(self):
        self.assertIsNotNone(differing([(1.0, 0.5)], []))

    def test_an_unknown_is_no_zero(self):
        self.assertIsNotNone(differing([(1.0, None)], [(1.0, 0.0)]))
