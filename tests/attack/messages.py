#!/usr/bin/env python3
"""Errors do not tell a client about the machine that built or runs the extension.

    python3 tests/attack/messages.py

A server of its own runs with RUST_BACKTRACE=full, as an administrator's environment may have it. Errors of PostgreSQL and of
the extension must come without a backtrace or a path. Needs scripts/cluster.sh and a built extension. The last line is
`N passed, N failed`.
"""

import os
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from psql import ServerError, Session  # noqa: E402
from server import Server  # noqa: E402

SETUP = """CREATE EXTENSION user_metrics;
CREATE TABLE log AS SELECT 'u' AS user_id, now() AS created_at, 'chat' AS feature;
CREATE VIEW failing AS SELECT 'u' || 1 / (i - 500) AS user_id, now() - i * interval '1 hour' AS created_at, 'chat' AS feature
FROM generate_series(1, 1000) AS i;
CREATE ROLE other"""
# Errors of PostgreSQL within the library's calls, errors of the library, and errors of its parts.
STATEMENTS = {
    "22012": ("SELECT * FROM user_metrics.usage_patterns('failing')", "SELECT * FROM user_metrics.active_users('failing')",
              "SELECT user_metrics.activity(user_id, created_at) FROM failing"),
    "22023": ("SELECT * FROM user_metrics.active_users('log', period => 'x')", "SELECT user_metrics_internal.history('x', 1)",
              "SELECT * FROM user_metrics.usage_patterns('log', timezone => 'x')"),
    "42703": ("SELECT * FROM user_metrics.usage_patterns('log', by => 'x')",),
    "42501": ("SET ROLE other; SELECT * FROM user_metrics.usage_patterns('log')",
              "SET ROLE other; SELECT * FROM user_metrics.active_users('log')"),
    "22P02": ("SELECT '\\x00'::user_metrics.activity",),
}
# A file with its line is told by PostgreSQL's own LOCATION, without its directory.
REVEALING = re.compile(r"/\w+/|\bat \S+\.rs:\d|stack backtrace|panicked|^ +\d+: ", re.MULTILINE)


def main():
    passed, failures = 0, []
    os.environ["RUST_BACKTRACE"] = "full"
    with Server("test-messages"), Session("postgres") as session:
        session.run_all(SETUP.split(";\n"))
        for sqlstate, statements in STATEMENTS.items():
            for statement in statements:
                message = "no error"
                try:
                    session.run(statement.replace("; ", "\\;"))
                except ServerError as error:
                    message = str(error)
                session.run("RESET ROLE")
                if message.startswith(f"{sqlstate}:") and not REVEALING.search(message):
                    passed += 1
                else:
                    failures.append(f"{statement}\n{message[:1000]}")
    for failure in failures:
        print(f"FAILED  {failure}")
    print(f"{passed} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
