"""Runs the oracle of one topic: its random cases, or its cases worked out by hand."""

import random
import time
import unittest
from importlib import import_module

from oracle.kit.packages import use


def run(topic, asked):
    """Executes the command line; returns the exit code."""
    about = import_module(f"oracle.{topic}")
    if hasattr(about, "PACKAGES"):
        use(about.PACKAGES)
    if asked.self_test:
        passed, failed = run_worked_cases(import_module(f"oracle.{topic}.worked_cases"))
    else:
        cases = (about.CASES if asked.cases is None else asked.cases) * (10 if asked.slow else 1)
        seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(10**9)
        print(f"seed {seed}", flush=True)
        began = time.monotonic()
        passed, failed = import_module(f"oracle.{topic}.run").compare_all(cases, seed)
        print(f"{time.monotonic() - began:.1f} s")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def run_worked_cases(module):
    """Runs every test of the module; returns (passed, failed)."""
    result = unittest.TextTestRunner(verbosity=1).run(unittest.defaultTestLoader.loadTestsFromModule(module))
    failed = len(result.failures) + len(result.errors)
    # One test may fail several times, in its subtests.
    return max(result.testsRun - failed, 0), failed
