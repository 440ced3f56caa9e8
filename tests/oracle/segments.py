"""The oracle for segments: random logs through the extension and through the definitions.

    python3 tests/oracle/segments.py [--cases N] [--seed S] [--slow] [--self-test]

Needs a server with the extension installed, named by libpq's environment variables (PGHOST, PGPORT, PGUSER, ...),
and a user who may create a database; works in a database of its own and drops it. A case is one call of one readout
over a table; or the chance that nothing has declined, for numbers larger than those of a log. How a case is run and
compared says `runner`.

Files: segment_definitions (what is right), segment_logs (what is asked about), segment_cases (what is asked, and the
laws of the answers), segment_worked_cases (the oracle's own test); the others are those of `activity`.
"""

import sys

import segment_worked_cases
from runner import Concept, main
from segment_cases import broken_laws, expected_rows, random_segment_case
from segment_logs import random_segment_log

CONCEPT = Concept(random_segment_log, random_segment_case, expected_rows, broken_laws, segment_worked_cases)

if __name__ == "__main__":
    sys.exit(main(__doc__, CONCEPT))
