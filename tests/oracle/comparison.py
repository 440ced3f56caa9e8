"""The oracle for experiments: random experiments through the extension and through packages that others rely on.

    python3 tests/oracle/comparison.py [--cases N] [--seed S] [--self-test]

Needs a server with the extension installed, named by libpq's environment variables (PGHOST, PGPORT, PGUSER, ...), and a
superuser; works in a database of its own and drops it. The packages (scipy, statsmodels, gbstats, which is GrowthBook's
statistics engine) are installed into target/statistics when they are not there yet.

Files: comparison_definitions (the packages' answers about figures of users), comparison_logs (random logs, and the figures
of their users by a second statement of what a metric is), comparison_worked_cases (the oracle's own test). A case is one
call of ab_compare over a value, or one over a log; the answer over a log must be the answer over the figures that the
definitions make of it. The last line is `N passed, N failed`.
"""

import argparse
import os
import random
import subprocess
import sys
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / "target" / "statistics"
PACKAGES = ("numpy==1.26.4", "scipy==1.17.1", "statsmodels==0.15.0", "gbstats==0.8.0")


def use_packages():
    """Goes on in a Python that has the packages; makes one where there is none."""
    python = VENV / "bin" / "python3"
    if Path(sys.prefix) == VENV:
        return
    have = "import scipy, statsmodels, gbstats"
    if not python.exists() or subprocess.run([python, "-c", have], capture_output=True).returncode != 0:
        print("Installing scipy, statsmodels and gbstats into target/statistics (about a minute, the first time)", flush=True)
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    os.execv(python, [python, *sys.argv])


if __name__ == "__main__":
    use_packages()

import comparison_worked_cases
from comparison_definitions import alike, cochran, differences, expected_rows, random_experiment, wrong_errors
from comparison_logs import random_log
from server import Server, fresh_database

ENOUGH_FAILURES = 10


def complaints_about_value(server, experiment):
    """What is wrong with the rows over a value."""
    found = server.rows(experiment.sql())
    wrong = differences(expected_rows(experiment), found, experiment.tolerance())
    return wrong + (wrong_errors(experiment, found) if experiment.method == "quantile" else [])


def complaints_about_log(server, log):
    """What is wrong with the rows over a log: they must be those over the figures of its users."""
    server.run_all(log.statements())
    found = server.rows(log.sql())
    figures = log.figures(server)
    expected = [row for metric in log.metrics for row in server.rows(log.sql_of_figures(metric, figures))]
    wrong = differences(expected, found, 1e-9, only=log.COMPARED)
    if log.by is None:
        return wrong
    segments = server.rows(log.sql_of_segments())
    shared = [column for column in found[0] if column in segments[0]] if found and segments else None
    return wrong + differences(found, segments, 1e-9, only=shared) + wrong_interactions(found, segments, log)


def wrong_interactions(compared, segments, log):
    """What is wrong with ab_segments' test of whether effects differ, of metrics whose t tells the error of the difference."""
    wrong = []
    for row in segments:
        group = [c for c in compared if (c["metric"], c["variant"]) == (row["metric"], row["variant"])
                 and c["verdict"] not in (None, "control")]
        if row["verdict"] in (None, "control"):
            expected = (None, None, None)
        elif log.method == "mann_whitney" or any(not c["df"] or not c["difference"] for c in group):
            continue
        else:
            expected = cochran([(c["difference"], c["difference"] / c["statistic"]) for c in group])
        found = tuple(row[f"interaction_{name}"] for name in ("statistic", "df", "p_value"))
        if not all(alike(want, have, 1e-6) for want, have in zip(expected, found, strict=True)):
            wrong.append(f"{row['segment']}, {row['metric']}, {row['variant']}: interaction {found} instead of {expected}")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    if arguments.self_test:
        tests = unittest.defaultTestLoader.loadTestsFromModule(comparison_worked_cases)
        result = unittest.TextTestRunner().run(tests)
        failed = len(result.failures) + len(result.errors)
        print(f"{result.testsRun - failed} passed, {failed} failed")
        return failed > 0
    seed = arguments.seed if arguments.seed is not None else int(time.time())
    print(f"--seed {seed}", flush=True)
    rng = random.Random(seed)
    passed = failed = 0
    with fresh_database("comparison") as database, Server(database) as server:
        for n in range(arguments.cases):
            # A fifth of the cases are logs: their statistics are those of values.
            if n % 5 == 4:
                case, complaints_about = random_log(rng), complaints_about_log
            else:
                case, complaints_about = random_experiment(rng), complaints_about_value
            complaints = complaints_about(server, case)
            passed, failed = passed + (not complaints), failed + bool(complaints)
            if complaints:
                print("\n".join([f"case {n}:", case.script(), *complaints]), flush=True)
            if failed == ENOUGH_FAILURES:
                break
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
