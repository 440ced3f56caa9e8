#!/usr/bin/env python3
"""Random queries of sqlsmith that call the functions of the extension.

    python3 tests/attack/sqlsmith.py [--queries 300] [--seed 1]

sqlsmith is an unprivileged role of a server of the test's own. No query may cost the connection, raise an error of class XX
or leave memory behind, and many must call the extension. Needs scripts/cluster.sh, a built extension, and sqlsmith, which
`scripts/setup.sh tests` installs. The last line is `N passed, N failed`.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from functions import LOG  # noqa: E402
from psql import Session  # noqa: E402
from server import Server  # noqa: E402

ROLE = "user_metrics_smith"
# Of the queries at least so many must call the extension.
LEAST_SHARE = 0.3
# A line of the log begins with the SQLSTATE; those written before the settings applied do not.
SETTINGS = {"log_line_prefix": "%e ", "log_min_messages": "error", "log_statement": "none"}
INTERNAL = re.compile(r"^XX[0-9A-Z]{3} ERROR: .*")
# Raised by functions of PostgreSQL itself, which sqlsmith calls as well: intervaltypmodout and interval(interval, integer).
OF_POSTGRESQL = re.compile(r"^XX000 ERROR:  (invalid INTERVAL typmod: 0x[0-9a-f]+|unrecognized interval typmod: -?\d+)$")
CALL = re.compile(r"\buser_metrics(_internal)?\.\w+\s*\(")
CRASHED = re.compile(
    r"^[0-9A-Z]{5} .*(was terminated by signal|exited with exit code|terminating any other active|PANIC:).*")
OPTIONS = "-c statement_timeout=1s -c jit=off -c client_min_messages=error"


def prepare():
    with Session("postgres") as session:
        session.run("CREATE EXTENSION user_metrics")
        session.run_all(LOG.strip().split(";\n"))
        session.run(f"CREATE ROLE {ROLE} LOGIN")
        session.run(f"GRANT SELECT ON log, made TO {ROLE}")


def smith(queries, seed):
    """What sqlsmith printed: the queries, its messages, and its exit status."""
    target = (f"host={os.environ['PGHOST']} port={os.environ['PGPORT']} dbname=postgres user={ROLE} "
              f"options='{OPTIONS}'")
    done = subprocess.run(["sqlsmith", f"--target={target}", f"--seed={seed}", f"--max-queries={queries}",
                           "--exclude-catalog", "--dump-all-queries", "--verbose"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=60 + queries)
    return [query for query in re.split(r";\n", done.stdout) if query.strip()], done.stderr, done.returncode


def internal_errors(log):
    """Errors of class XX, each with its statement, if that calls the extension: PostgreSQL has such errors of its own."""
    found = []
    for n, line in enumerate(log):
        if INTERNAL.match(line) and not OF_POSTGRESQL.match(line):
            # The lines of a statement after its first begin with a tab.
            end = next((m for m in range(n + 2, len(log)) if not log[m].startswith("\t")), len(log))
            found += [text for text in [" ".join(log[n:end])] if CALL.search(text)]
    return found


def faults(queries, messages, status, log):
    """What each check found, an empty list if nothing."""
    calling = sum("user_metrics." in query for query in queries)
    print(f"{calling} of {len(queries)} queries mention the extension")
    return {
        "sqlsmith ended by itself": [f"exit status {status}: {messages[-500:]}"] if status else [],
        "the connection was kept": [line for line in messages.splitlines() if "broken connection" in line.lower()],
        "no process was lost": [line for line in log if CRASHED.match(line)],
        "no error of class XX": internal_errors(log),
        "many queries call the extension": [] if calling >= LEAST_SHARE * max(len(queries), 1) else [f"only {calling}"],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(f"seed {given.seed}")
    if shutil.which("sqlsmith") is None:
        print("FAILED  there is no sqlsmith: scripts/setup.sh tests")
        print("0 passed, 1 failed")
        return 1
    with Server("test-sqlsmith", **SETTINGS) as server:
        prepare()
        queries, messages, status = smith(given.queries, given.seed)
        log = (server.directory / "log").read_text(errors="replace").splitlines()
        found = faults(queries, messages, status, log)
        found["all queries were made"] = [] if len(queries) >= given.queries else [f"{len(queries)} of {given.queries}"]
        with Session("postgres") as session:
            live = session.value("SELECT user_metrics_internal.live_states()")
        found["no state is left in a new session"] = [] if live == "0" else [f"{live} states"]
    failed = {what: lines for what, lines in found.items() if lines}
    for what, lines in failed.items():
        for line in sorted(set(lines))[:5]:
            print(f"FAILED  not true that {what}: {line[:1500]}")
    print(f"count: random queries {len(queries)}")
    print(f"{len(found) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
