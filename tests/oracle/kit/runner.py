"""Random logs of a topic, run in the extension and compared with its definitions: the common part of most oracles.

A `Concept` gives calls and expected results. A case is one call of a function over one log, compared in every row and column
with the definitions and with the laws of results. A mismatch is shrunk and printed as a script to paste; the run stops after
ten.
"""

import random
import sys
from dataclasses import dataclass, replace
from typing import Callable

from oracle.kit.compare import differences, with_numbers
from oracle.kit.days import DAY
from oracle.kit.server import Server, ServerError, ServerGone, fresh_database
from oracle.kit.shrink import smallest

CASES_PER_LOG = 16
ENOUGH_FAILURES = 10
MOST_LINES_OF_DIFF = 24


class ExpectedError(Exception):
    """The call must fail with this SQLSTATE."""


@dataclass(frozen=True)
class Concept:
    """The input of a run for one topic.

    A log has `requests`, `statements()`, `script()`, `without()` and PLAINER, a case `sql(log)` and `simpler()`.
    """

    random_log: Callable             # (rng, now) -> log
    random_case: Callable            # (rng, log) -> case
    expected_rows: Callable          # (case, log, facts) -> rows, None if any will do; may raise ExpectedError
    broken_laws: Callable            # (case, log, rows, answer) -> lines; answer(case) asks the server more

    def compare_all(self, cases, seed):
        """Runs the cases in a database of its own; returns (passed, failed)."""
        with fresh_database("oracle") as database, Server(database) as server:
            return compare_all(server, self, cases, seed)


class Oracle:
    """Runs the same calls in the server and in the definitions.

    It also provides the definitions with facts from the server: the time, and local days of zones.
    """

    def __init__(self, server, concept):
        self.server = server
        self.concept = concept
        self.loaded = None
        self.local_days = {}
        self.of_log = {}             # what a concept wants to remember of the loaded log

    def load(self, log):
        if self.loaded is log:
            return
        self.server.run_all(log.statements())
        self.loaded, self.now, self.local_days, self.of_log = log, self.server.now(), {}, {}

    def local_day(self, instant, zone):
        """PostgreSQL's local day of an instant; those of rows are fetched together."""
        days = self.local_days.get(zone)
        if days is None:
            instants = {i for r in self.loaded.requests if r.is_counted() for i in (r.instant, r.instant - 1)}
            days = self.local_days[zone] = self.server.local_days(sorted(instants), zone)
        if instant not in days:
            days.update(self.server.local_days([instant], zone))
        return days[instant]

    def answer(self, case, log):
        """The server's rows, dates as day numbers and times as instants."""
        return [with_numbers(row) for row in self.server.rows(case.sql(log))]

    def complaints(self, case, log):
        """What is wrong with the server's result; empty if nothing is."""
        try:
            self.load(log)
            return list(self._compared(case, log))
        except ServerGone:
            self.server.restart()
            self.loaded = None
            return ["  the server closed the connection"]

    def _compared(self, case, log):
        expected, expected_state = None, "00000"
        try:
            expected = self.concept.expected_rows(case, replace(log, requests=[]) if asks_for_no_time(case) else log, self)
        except ExpectedError as error:
            expected_state = str(error)
        try:
            got, state, message = self.answer(case, log), "00000", "no error"
        except ServerError as error:
            state, message = error.sqlstate, str(error)
        if state != expected_state:
            yield f"  expected SQLSTATE {expected_state}, got {message}"
        elif expected is not None:
            yield from differences(expected, got)
            # Laws refer to columns by name.
            if expected and got and list(expected[0]) == list(got[0]):
                yield from self.concept.broken_laws(case, log, got, lambda other: self.answer(other, log))


def asks_for_no_time(case):
    """Whether a call over a log has an empty range of time: its result is that of an empty log."""
    since, until = getattr(case, "since", None), getattr(case, "until", None)
    return getattr(case, "value", None) is None and since is not None and until is not None and since >= until


def report(number, case, log, oracle):
    """Prints a mismatch as a script for psql, reduced as far as possible."""
    case, log = smallest(case, log, lambda a_case, a_log: bool(oracle.complaints(a_case, a_log)))
    lines = oracle.complaints(case, log)
    print(f"\n-- mismatch {number} ------------------------------------------------------------")
    print(";\n".join([*log.script(), case.sql(log)]) + ";")
    print("\n".join(lines[:MOST_LINES_OF_DIFF]))
    if len(lines) > MOST_LINES_OF_DIFF:
        print(f"  ... and {len(lines) - MOST_LINES_OF_DIFF} lines more")
    sys.stdout.flush()


def compare_all(server, concept, cases, seed):
    """Runs the cases; returns (passed, failed)."""
    rng = random.Random(seed)
    oracle = Oracle(server, concept)
    passed = failed = 0
    while passed + failed < cases and failed < ENOUGH_FAILURES:
        log = concept.random_log(rng, server.now() // DAY * DAY)      # to the day, so that a seed repeats all day
        for _ in range(min(CASES_PER_LOG, cases - passed - failed)):
            case = concept.random_case(rng, log)
            if not oracle.complaints(case, log):
                passed += 1
            else:
                failed += 1
                report(failed, case, log, oracle)
                break                            # to another log: this one would repeat itself
    return passed, failed
