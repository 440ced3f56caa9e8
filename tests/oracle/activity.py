"""The oracle for the readouts of `activity`: random logs through the extension and through the definitions.

    python3 tests/oracle/activity.py [--cases N] [--seed S] [--slow] [--self-test]

Needs a server with the extension installed, named by libpq's environment variables (PGHOST, PGPORT, PGUSER, ...),
and a user who may create a database; works in a database of its own and drops it. A case is one call of one readout,
over a table or over an activity value; how it is run and compared says `runner`.

Files: definitions (what is right), logs (what is asked about), cases (what is asked), compare (whether it is right),
worked_cases (the oracle's own test); and for every oracle: runner, server (who answers), shrink (the smallest
example), days (dates as numbers).
"""

import sys
from dataclasses import replace

import worked_cases
from cases import expected_rows, random_case
from compare import broken_laws, matrix_sums
from logs import random_log
from runner import Concept, main


def laws(case, _log, rows, answer):
    yield from broken_laws(case.readout, rows)
    if case.readout == "retention_curve":
        yield from not_the_sum(rows, answer(replace(case, readout="retention_matrix")))


def not_the_sum(curve, matrix):
    """D57: the curve is the matrix of the same call added up."""
    sums = matrix_sums(matrix)
    for row in curve:
        sum_of = sums.get((row.get("segment"), row["period_number"]), [0, 0])
        if sum_of != [row["eligible_users"], row["retained_users"] or 0]:
            yield f"  broken law: the matrix adds up to {sum_of} for {row}"


if __name__ == "__main__":
    sys.exit(main(__doc__, Concept(random_log, random_case, expected_rows, laws, worked_cases)))
