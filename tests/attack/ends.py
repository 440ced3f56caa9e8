#!/usr/bin/env python3
"""Every function with a time argument, at both ends of the calendar and in zones far from UTC.

    python3 tests/attack/ends.py [WORD]       only the functions whose names contain the word

Needs a server with the extension installed, named by libpq's environment variables, and a superuser; works in a database of
its own and drops it. Each call has two seconds. It must give a result or an error that names the invalid argument. Failures
are: a call that the watchdog must end, a lost connection, an internal error of PostgreSQL (XX000), and more memory than a
small log needs. The last line is `N passed, N failed`.
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from psql import QUERY_CANCELED, ServerError, ServerGone, Session, fresh_database  # noqa: E402

from functions import LOG, functions  # noqa: E402

ZONES = ("UTC", "Pacific/Apia", "Pacific/Kiritimati", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Monrovia",
         "America/New_York", "Europe/Berlin", "+15:59", "XYZ+167")
FIRST, LAST = "4714-11-24 00:00:00+00 BC", "294276-12-31 23:59:59.999999+00"
TIMES = ("-infinity", FIRST, "4714-12-01 12:00+00 BC", "4713-01-01 00:00+00 BC", "1970-01-01 00:00+00",
         "2024-04-01 00:00+00", "9999-12-31 00:00+00", "294276-12-24 00:00+00", "294276-12-31 23:00+00", LAST, "infinity")
EMPTY = (("infinity", "-infinity", None), ("2024-05-01 00:00+00", "2024-04-01 00:00+00", None),
         ("2024-04-01 00:00+00", "2024-04-01 00:00+00", None))
# since, until, as_of. The first two are those of an attack that was observed.
CALLS = (
    ("294276-12-31 23:00+00", None, None),
    (LAST, "9999-12-31 00:00+00", None),
    *((at, None, None) for at in TIMES),
    *((None, at, None) for at in TIMES),
    *((None, None, at) for at in TIMES),
    *EMPTY, ("-infinity", "infinity", "infinity"), (FIRST, LAST, LAST), ("2024-04-01 00:00+00", "infinity", FIRST),
)
TIMEOUT, PATIENCE = 2, 6
# More memory than a backend uses for a log of 300 requests, shared buffers included.
MOST_MEMORY, PAGE = 1 << 30, os.sysconf("SC_PAGE_SIZE")


class Watchdog(threading.Thread):
    """Kills a backend that does not end a statement long after its timeout, or that uses too much memory."""

    def __init__(self, session):
        super().__init__(daemon=True)
        self._pid = int(session.value("SELECT pg_backend_pid()"))
        self._began = None
        self.start()

    def __enter__(self):
        self._began = time.monotonic()

    def __exit__(self, *_):
        self._began = None

    def run(self):
        while True:
            time.sleep(0.05)
            try:
                pages = int(Path(f"/proc/{self._pid}/statm").read_text().split()[1])
                began = self._began
                if began and (time.monotonic() - began > PATIENCE or pages * PAGE > MOST_MEMORY):
                    os.kill(self._pid, signal.SIGKILL)
            except (FileNotFoundError, ProcessLookupError):
                return


def calls(function):
    """The arguments of each call of a function: every time as each argument that is a time, in the zones by turns, and the
    attack in all of them."""
    given = [name for name in ("since", "until", "as_of") if function.takes(name)]
    has_zone = function.takes("timezone")
    seen = set()
    for number, times in enumerate(CALLS):
        named = {name: at for name, at in zip(("since", "until", "as_of"), times) if at is not None}
        if not named or not set(named) <= set(given):
            continue
        zones = ZONES if number < 2 else (ZONES[number % len(ZONES)], ZONES[(number + 5) % len(ZONES)])
        for zone in zones if has_zone else (None,):
            arguments = {name: f"'{at}'" for name, at in named.items()}
            if zone:
                arguments["timezone"] = f"'{zone}'"
            if tuple(arguments.items()) not in seen:
                seen.add(tuple(arguments.items()))
                yield arguments


def is_empty(arguments):
    """Whether a call is for a range of time that is empty."""
    given = (arguments.get("since"), arguments.get("until"))
    return any(given == (f"'{since}'", f"'{until}'") for since, until, _ in EMPTY)


def main():
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    passed, failures = 0, []
    with fresh_database("ends") as database, Session(database, statement_timeout=f"{TIMEOUT}s") as session:
        session.run_all([*LOG.strip().split(";\n"), "CREATE TABLE nothing (LIKE log)"])
        watchdog = Watchdog(session)
        every = [function for function in functions(session) if word in function.name]
        for function in every:
            for arguments in calls(function):
                query = function.query(arguments)
                try:
                    with watchdog:
                        rows = session.run(query)
                    # A call for an empty range gives the same as an empty log.
                    if function.is_over_source and is_empty(arguments):
                        nothing = session.run(function.query(arguments, source="nothing"))
                        if rows != nothing:
                            failures.append(f"no time is not empty: {query}\n    {rows[:3]}\n    {nothing[:3]}")
                            continue
                    passed += 1
                except ServerError as error:
                    wrong = error.sqlstate.startswith("XX") or error.sqlstate in (QUERY_CANCELED, "53200")
                    failures += [f"{error.sqlstate}: {query}\n    {str(error)[:300]}"] if wrong else []
                    passed += not wrong
                    session.reset()
                except ServerGone:
                    failures.append(f"the server was gone or had to be killed: {query}")
                    session.restart()
                    watchdog = Watchdog(session)
        if not every:
            failures.append(f"no function is named like {word}")
    for failure in failures[:40]:
        print(f"FAILED  {failure}")
    print(f"{passed} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
