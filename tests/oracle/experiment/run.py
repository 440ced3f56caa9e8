"""Random experiments, as users' values or as a log, and random plans of experiments, with checks of the results."""

import random

from oracle.experiment.cases import complaints_about_plan, random_plan_case
from oracle.experiment.definitions import alike, cochran, differences, expected_rows, random_experiment, wrong_errors
from oracle.experiment.logs import random_log
from oracle.kit.server import Server, fresh_database

ENOUGH_FAILURES = 10


def complaints_about_value(server, experiment):
    """What is wrong with the rows over a value."""
    found = server.rows(experiment.sql())
    wrong = differences(expected_rows(experiment), found, experiment.tolerance())
    return wrong + (wrong_errors(experiment, found) if experiment.method == "quantile" else [])


def complaints_about_log(server, log):
    """What is wrong with the rows over a log: they must be those over the values of its users."""
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
    """What is wrong with the test of ab_segments, for metrics whose t gives the standard error of the difference."""
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


def compare_all(cases, seed):
    """Runs the cases; returns (passed, failed)."""
    rng = random.Random(seed)
    passed = failed = 0
    with fresh_database("experiment") as database, Server(database) as server:
        for n in range(cases):
            # A fifth of the cases are logs: their statistics are the same as over values. Another fifth are plans.
            if n % 5 == 4:
                case, complaints_about = random_log(rng), complaints_about_log
            elif n % 5 == 3:
                case, complaints_about = random_plan_case(rng), complaints_about_plan
            else:
                case, complaints_about = random_experiment(rng), complaints_about_value
            complaints = complaints_about(server, case)
            passed, failed = passed + (not complaints), failed + bool(complaints)
            if complaints:
                print("\n".join([f"case {n}:", case.script(), *complaints]), flush=True)
            if failed == ENOUGH_FAILURES:
                break
    return passed, failed
