"""The oracle for funnels and paths: random logs through the extension and through the definitions, which try every match.

    python3 tests/oracle/funnel.py [--cases N] [--seed S] [--slow] [--self-test]

Needs a server with the extension installed, named by libpq's environment variables (PGHOST, PGPORT, PGUSER, ...),
and a superuser; works in a database of its own and drops it. A case is one call of one function over a table or over a
value. How a case is run and compared says `runner`.

Files: funnel_definitions (what is right), funnel_logs (what is asked about), funnel_cases (what is asked, and the laws
of the answers), funnel_worked_cases (the oracle's own test); the others are those of `activity`. What ClickHouse says is
asked by `windowfunnel`.
"""

import sys

import funnel_worked_cases
from funnel_cases import broken_laws, expected_rows, random_funnel_case
from funnel_logs import random_funnel_log
from runner import Concept, main

CONCEPT = Concept(random_funnel_log, random_funnel_case, expected_rows, broken_laws, funnel_worked_cases)

if __name__ == "__main__":
    sys.exit(main(__doc__, CONCEPT))
