"""The oracle for the readouts of `activity`: random logs through the extension and through the definitions.

    python3 tests/oracle/activity.py [--cases N] [--seed S] [--slow] [--self-test]

Needs a server with the extension installed, named by libpq's environment variables (PGHOST, PGPORT, PGUSER, ...),
and a user who may create a database; works in a database of its own and drops it. A case is one call of one readout,
over a table or over an activity value, compared in every row and column with `definitions` and with the laws every
answer obeys. A mismatch is shrunk and printed as a script to paste; ten are enough to stop. --slow runs ten times as
many cases. The seed printed first repeats a run of the same day (some logs lie around the present).

Files: definitions (what is right), logs (what is asked about), cases (what is asked), compare (whether it is right),
server (who answers), shrink (the smallest example), days (dates as numbers), worked_cases (the oracle's own test).
"""

import argparse
import random
import sys
import time
from dataclasses import replace

import worked_cases
from cases import ExpectedError, expected_rows, random_case
from compare import broken_laws, differences, matrix_sums, with_day_numbers
from days import DAY
from logs import random_log
from server import Server, ServerError, ServerGone, fresh_database
from shrink import smallest

CASES_PER_LOG = 16
ENOUGH_FAILURES = 10
MOST_LINES_OF_DIFF = 24


class Oracle:
    """Asks the server and the definitions the same questions."""

    def __init__(self, server):
        self.server = server
        self.loaded = None
        self.local_days = {}

    def load(self, log):
        if self.loaded is log:
            return
        self.server.run_all(log.statements())
        self.loaded, self.now, self.local_days = log, self.server.now(), {}

    def local_day(self, instant, zone):
        """PostgreSQL's local day of an instant; the rows' are fetched in one go."""
        days = self.local_days.get(zone)
        if days is None:
            instants = {i for r in self.loaded.requests if r.is_finite() for i in (r.instant, r.instant - 1)}
            days = self.local_days[zone] = self.server.local_days(sorted(instants), zone)
        if instant not in days:
            days.update(self.server.local_days([instant], zone))
        return days[instant]

    def answer(self, case, log):
        """The server's rows, dates as day numbers."""
        return [with_day_numbers(row) for row in self.server.rows(case.sql(log))]

    def complaints(self, case, log):
        """Lines saying what is wrong with the server's answer; empty when nothing is."""
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
            expected = expected_rows(case, log, self.now, self.local_day)
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
            yield from broken_laws(case.readout, got)
            if case.readout == "retention_curve":
                yield from self._not_the_sum(case, log, got)

    def _not_the_sum(self, case, log, curve):
        """D57: the curve is the matrix of the same call added up."""
        sums = matrix_sums(self.answer(replace(case, readout="retention_matrix"), log))
        for row in curve:
            sum_of = sums.get((row.get("segment"), row["period_number"]), [0, 0])
            if sum_of != [row["eligible_users"], row["retained_users"] or 0]:
                yield f"  broken law: the matrix adds up to {sum_of} for {row}"


def report(number, case, log, oracle):
    """Prints a mismatch as something to paste into psql, made as small as it gets."""
    case, log = smallest(case, log, lambda a_case, a_log: bool(oracle.complaints(a_case, a_log)))
    lines = oracle.complaints(case, log)
    print(f"\n-- mismatch {number} ------------------------------------------------------------")
    print(";\n".join([*log.script(), case.sql(log)]) + ";")
    print("\n".join(lines[:MOST_LINES_OF_DIFF]))
    if len(lines) > MOST_LINES_OF_DIFF:
        print(f"  ... and {len(lines) - MOST_LINES_OF_DIFF} lines more")
    sys.stdout.flush()


def compare_all(server, cases, seed):
    """Runs the cases; returns (passed, failed)."""
    rng = random.Random(seed)
    oracle = Oracle(server)
    passed = failed = 0
    while passed + failed < cases and failed < ENOUGH_FAILURES:
        log = random_log(rng, server.now() // DAY * DAY)      # to the day, so that a seed repeats all day
        for _ in range(min(CASES_PER_LOG, cases - passed - failed)):
            case = random_case(rng, log)
            if not oracle.complaints(case, log):
                passed += 1
            else:
                failed += 1
                report(failed, case, log, oracle)
                break                            # to another log: this one would repeat itself
    return passed, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", type=int, default=2000, help="how many calls to compare (default 2000)")
    parser.add_argument("--seed", type=int, default=None, help="repeats a run; default: another each time")
    parser.add_argument("--slow", action="store_true", help="ten times as many cases")
    parser.add_argument("--self-test", action="store_true", help="test the oracle itself on cases worked by hand")
    asked = parser.parse_args()
    if asked.self_test:
        passed, failed = worked_cases.run()
    else:
        seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(10**9)
        print(f"seed {seed}", flush=True)
        began = time.monotonic()
        with fresh_database("oracle") as database, Server(database) as server:
            passed, failed = compare_all(server, asked.cases * (10 if asked.slow else 1), seed)
        print(f"{time.monotonic() - began:.1f} s")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
