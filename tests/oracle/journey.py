"""The oracle for the functions about users' first steps: random logs through the extension and through the definitions.

    python3 tests/oracle/journey.py [--cases N] [--seed S] [--slow] [--self-test]

Needs a server with the extension installed, named by libpq's environment variables (PGHOST, PGPORT, PGUSER, ...),
and a superuser; works in a database of its own and drops it. A case is one call of one function over a table. How a
case is run and compared says `runner`.

Files: journey_definitions (what is right), journey_cases (what is asked, and about what), journey_worked_cases (the
oracle's own test); the others are those of `activity`, `sessions` and `usage`.
"""

import sys

import journey_worked_cases
from journey_cases import broken_laws, expected_rows, random_journey_case, random_journey_log
from runner import Concept, main

CONCEPT = Concept(random_journey_log, random_journey_case, expected_rows, broken_laws, journey_worked_cases)

if __name__ == "__main__":
    sys.exit(main(__doc__, CONCEPT))
