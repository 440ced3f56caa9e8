"""The oracle for the functions about single users: random logs through the extension and through the definitions.

    python3 tests/oracle/users.py [--cases N] [--seed S] [--slow] [--self-test]

Needs a server with the extension installed, named by libpq's environment variables (PGHOST, PGPORT, PGUSER, ...),
and a superuser; works in a database of its own and drops it. A case is one call of one function over a table. How a
case is run and compared says `runner`.

Files: user_definitions (what is right), user_logs (what is asked about), user_cases (what is asked, and the laws of the
answers), user_worked_cases (the oracle's own test); the others are those of `usage`, `sessions` and `segments`.
"""

import sys

import user_worked_cases
from runner import Concept, main
from user_cases import broken_laws, expected_rows, random_user_case
from user_logs import random_user_log

CONCEPT = Concept(random_user_log, random_user_case, expected_rows, broken_laws, user_worked_cases)

if __name__ == "__main__":
    sys.exit(main(__doc__, CONCEPT))
