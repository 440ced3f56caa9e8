"""The definitions compared with the vendors' SDKs: `python3 -m oracle assignment --self-test` needs no server."""

import json
import random
import unittest
from pathlib import Path

from oracle.assignment import definitions
from oracle.assignment.cases import expected, random_experiment

VECTORS = Path(__file__).resolve().parents[2] / "vectors" / "assignment.json"


class Definitions(unittest.TestCase):
    """The definitions compared with results of the SDKs, and GrowthBook's SDK with its published test cases."""

    def test_golden_cases(self):
        cases = json.loads(VECTORS.read_text(encoding="utf-8"))["cases"]
        self.assertEqual({case["experiment"]["hash"] for case in cases}, {"growthbook_v1", "growthbook_v2", *definitions.VENDORS})
        for case in cases:
            for user, variant in case["rows"]:
                with self.subTest(case=case["name"], user=user):
                    self.assertEqual(expected(case["experiment"], user), variant)

    def test_the_cases_reach_everything(self):
        rng = random.Random(1)
        many = [random_experiment(rng) for _ in range(2000)]
        self.assertEqual({terms["hash"] for terms in many}, {"growthbook_v1", "growthbook_v2", *definitions.VENDORS})
        for name in ("weights", "seed", "coverage", "namespace"):
            self.assertGreater(sum(terms.get(name) is not None for terms in many), 200)
