"""The oracle for the readouts of `sessions`: random logs through the extension and through the definitions.

    python3 tests/oracle/sessions.py [--cases N] [--seed S] [--slow] [--self-test]

Needs a server with the extension installed, named by libpq's environment variables (PGHOST, PGPORT, PGUSER, ...),
and a user who may create a database; works in a database of its own and drops it. A case is one call of one readout,
over a table or over a value, made in one pass, out of order or merged from parts; or the question whether two such
values are the same bytes. How a case is run and compared says `runner`.

Files: session_definitions (what is right), session_logs (what is asked about), session_cases (what is asked, and the
laws of the answers), session_worked_cases (the oracle's own test); the others are those of `activity`.
"""

import sys

import session_worked_cases
from runner import Concept, main
from session_cases import broken_laws, expected_rows, random_session_case
from session_logs import random_session_log

CONCEPT = Concept(random_session_log, random_session_case, expected_rows, broken_laws, session_worked_cases)

if __name__ == "__main__":
    sys.exit(main(__doc__, CONCEPT))
