"""The oracle for the functions about usage patterns: random logs through the extension and through the definitions.

    python3 tests/oracle/usage.py [--cases N] [--seed S] [--slow] [--self-test]

Needs a server with the extension installed, named by libpq's environment variables (PGHOST, PGPORT, PGUSER, ...),
and a superuser; works in a database of its own and drops it. A case is one call of one function over a table. How a
case is run and compared says `runner`.

Files: usage_definitions (what is right), usage_logs (what is asked about), usage_cases (what is asked, and the laws
of the answers), usage_worked_cases (the oracle's own test); the others are those of `activity` and `sessions`.
"""

import sys

import usage_worked_cases
from runner import Concept, main
from usage_cases import broken_laws, expected_rows, random_usage_case
from usage_logs import random_usage_log

CONCEPT = Concept(random_usage_log, random_usage_case, expected_rows, broken_laws, usage_worked_cases)

if __name__ == "__main__":
    sys.exit(main(__doc__, CONCEPT))
