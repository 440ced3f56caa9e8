"""Survival results from the literature, and wrong results that must fail: `python3 -m oracle survival --self-test`."""

import unittest

from oracle.survival.cases import differing
from oracle.survival.definitions import crossing, expected_curve, expected_mean, expected_test

# The remission times of Freireich et al. (1963) as printed by D. R. Cox, "Regression models and life tables", JRSS B 34
# (1972), in weeks: 21 patients on 6-mercaptopurine, 21 on placebo. The log-rank statistic is 16.79 there and in later
# literature.
DRUG = [(6, 1), (6, 1), (6, 1), (6, 0), (7, 1), (9, 0), (10, 1), (10, 0), (11, 0), (13, 1), (16, 1), (17, 0), (19, 0), (20, 0),
        (22, 1), (23, 1), (25, 0), (32, 0), (32, 0), (34, 0), (35, 0)]
PLACEBO = [(t, 1) for t in (1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23)]
DRUG, PLACEBO = [[(float(s), bool(h), 0.0) for s, h in rows] for rows in (DRUG, PLACEBO)]

# Months until an infection with one of two kinds of catheter: Klein and Moeschberger (2003), section 1.4, table 1.2.
SURGICAL = [(t, True, 0.0) for t in (1.5, 3.5, 4.5, 4.5, 5.5, 8.5, 8.5, 9.5, 10.5, 11.5, 15.5, 16.5, 18.5, 23.5, 26.5)] + [
    (t, False, 0.0) for t in (2.5, 2.5, 3.5, 3.5, 3.5, 4.5, 5.5, 6.5, 6.5, 7.5, 7.5, 7.5, 7.5, 8.5, 9.5, 10.5, 11.5, 12.5, 12.5,
                              13.5, 14.5, 14.5, 21.5, 21.5, 22.5, 22.5, 25.5, 27.5)]
PERCUTANEOUS = [(t, True, 0.0) for t in (0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 2.5, 2.5, 3.5, 6.5, 15.5)] + [
    (t, False, 0.0) for t, n in ((0.5, 10), (1.5, 4), (2.5, 5), (3.5, 5), (4.5, 3), (5.5, 5), (6.5, 1), (7.5, 3), (8.5, 3), (9.5, 2),
                                 (10.5, 3), (11.5, 2), (12.5, 4), (14.5, 2), (16.5, 2), (18.5, 1), (19.5, 3), (20.5, 1), (22.5, 1),
                                 (24.5, 1), (25.5, 1), (26.5, 2), (28.5, 1)) for _ in range(n)]


class Books(unittest.TestCase):
    def test_curve_of_the_drug(self):
        self.assertEqual([round(step[4], 3) for step in expected_curve(DRUG, 0.95) if step[2]],
                         [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448])

    def test_medians(self):
        self.assertEqual([crossing(expected_curve(rows, 0.95), "share", 0.5) for rows in (DRUG, PLACEBO)], [23, 8])

    def test_logrank(self):
        self.assertEqual(round(expected_test([(0, 0, DRUG), (1, 0, PLACEBO)])[0], 2), 16.79)

    def test_weighted(self):
        # Klein and Moeschberger (2003), example 7.2.
        found = [expected_test([(0, 0, SURGICAL), (1, 0, PERCUTANEOUS)], weighting)
                 for weighting in ("logrank", "wilcoxon", "tarone_ware", "peto")]
        self.assertEqual([round(statistic, 3) for statistic, _, _ in found], [2.53, 0.002, 0.403, 1.399])
        self.assertEqual([round(p, 3) for _, _, p in found], [0.112, 0.964, 0.526, 0.237])

    def test_strata_add_up(self):
        # Twice the same stratum: twice the excess, and twice the variance.
        one = expected_test([(0, 0, DRUG), (1, 0, PLACEBO)])[0]
        both = expected_test([(0, 0, DRUG), (1, 0, PLACEBO), (0, 1, DRUG), (1, 1, PLACEBO)])[0]
        self.assertAlmostEqual(both, 2 * one, 9)

    def test_late_entry(self):
        rows = [(2.0, True, 0.0), (3.0, True, 0.0), (6.0, True, 2.0)]
        self.assertEqual([step[4] for step in expected_curve(rows, 0.95)], [1.0, 0.5, 0.25, 0.0])
        self.assertEqual(expected_mean(rows, 4.0, 0.95)[1], 2 + 0.5 + 0.25)

    def test_one_group_alone(self):
        self.assertEqual(expected_test([(0, 0, DRUG)]), (None, 0, None))

    def test_a_group_before_all_others(self):
        self.assertEqual(expected_test([(0, 0, DRUG), (1, 0, PLACEBO), (2, 0, [(0.5, False, 0.0)])])[1], 1)

    def test_events_before_censorings(self):
        rows = [(1., True, 0.), (2., True, 0.), (2., False, 0.), (3., True, 0.)]
        self.assertEqual([round(step[4], 12) for step in expected_curve(rows, 0.95)], [1.0, 0.75, 0.5, 0.0])


class Differences(unittest.TestCase):
    def test_a_wrong_share_is_found(self):
        self.assertIsNotNone(differing([(1.0, 0.5)], [(1.0, 0.5001)]))

    def test_a_missing_row_is_found(self):
        self.assertIsNotNone(differing([(1.0, 0.5)], []))

    def test_an_unknown_is_no_zero(self):
        self.assertIsNotNone(differing([(1.0, None)], [(1.0, 0.0)]))
