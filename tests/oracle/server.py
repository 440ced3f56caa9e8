"""One long-lived psql process: statements in, rows of JSON out.

The server is whatever libpq's environment variables name. The oracle works in a database of its own, so that it may
empty the tables of opted-out and anonymous users.
"""

import json
import os
import subprocess

from days import day_text, instant_text, local_day_by_zoneinfo

DATABASE = f"user_metrics_oracle_{os.getpid()}"
END = "@@end@@"
# Asks psql for the outcome of the statement before; being a query, it also makes psql flush its output.
MARKER = ("\\set sent :SQLSTATE\n\\set said :LAST_ERROR_MESSAGE\n"
          f"SELECT '{END}', :'sent', translate(:'said', E'\\n', ' ');\n")


class ServerError(Exception):
    """A statement that failed, with its SQLSTATE."""

    def __init__(self, sqlstate, message):
        super().__init__(f"{sqlstate}: {message}")
        self.sqlstate = sqlstate


class ServerGone(Exception):
    """The connection broke in the middle of a statement."""


class Server:
    """The oracle's database and a psql session in it."""

    def __init__(self):
        self._maintenance(f"CREATE DATABASE {DATABASE} ENCODING 'UTF8' TEMPLATE template0")
        self.doubtful_zones = set()
        self._start()
        try:
            self.run("CREATE EXTENSION user_metrics")
        except (ServerError, ServerGone):
            self.close()
            raise

    def _start(self):
        self._psql = subprocess.Popen(
            ["psql", "--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--field-separator=\x1f",
             "--dbname", DATABASE],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**os.environ, "PGCLIENTENCODING": "UTF8"}, encoding="utf-8")
        self.run_all(["SET synchronous_commit = off", "SET client_min_messages = warning",
                      "SET statement_timeout = '60s'"])

    def _maintenance(self, statement):
        command = ["psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--command", statement]
        subprocess.run(command, check=True)

    def close(self):
        self._psql.stdin.close()
        self._psql.wait()
        self._maintenance(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")

    def restart(self):
        """After `ServerGone`: a crash of one backend takes a moment to recover from."""
        self._psql.kill()
        self._psql.wait()
        subprocess.run(["sh", "-c", "for i in $(seq 60); do pg_isready -q && exit; sleep 0.5; done"], check=True)
        self._start()

    def run_all(self, statements):
        """Runs statements in one go, all or none."""
        self.run("\\;\n".join(statements))

    def run(self, statement):
        """Runs one statement; returns the lines of its output."""
        try:
            self._psql.stdin.write(f"{statement}\n;\n{MARKER}")
            self._psql.stdin.flush()
        except BrokenPipeError:
            raise ServerGone() from None
        lines = []
        while line := self._psql.stdout.readline():
            if line.startswith(END):
                _, sqlstate, message = line.rstrip("\n").split("\x1f")
                if sqlstate != "00000":
                    raise ServerError(sqlstate, message)
                return lines
            lines.append(line.rstrip("\n"))
        raise ServerGone()

    def rows(self, query):
        """The rows of a query, each a dict in the order of the columns."""
        return [json.loads(line) for line in self.run(f"SELECT pg_catalog.row_to_json(q) FROM ({query}) q")]

    def now(self):
        """The server's clock, as an instant."""
        since_2000 = "extract(epoch FROM clock_timestamp() - timestamptz '2000-01-01 00:00+00')"
        return int(self.run(f"SELECT ({since_2000} * 1000000)::bigint")[0])

    def local_days(self, instants, zone):
        """Each instant's local day by PostgreSQL's own rules: (instant AT TIME ZONE zone)::date."""
        if not instants:
            return {}
        array = ",".join(f'"{instant_text(instant)}"' for instant in instants)
        lines = self.run(
            f"SELECT (i AT TIME ZONE '{zone}')::date - date '2000-01-01' "
            f"FROM unnest('{{{array}}}'::timestamptz[]) WITH ORDINALITY AS u(i, n) ORDER BY n")
        days = dict(zip(instants, map(int, lines), strict=True))
        self._cross_check(days, zone)
        return days

    def _cross_check(self, days, zone):
        """Python's zone rules are a second opinion; they may be of another release of the tz database."""
        for instant, day in days.items():
            second_opinion = local_day_by_zoneinfo(instant, zone)
            if second_opinion not in (None, day) and zone not in self.doubtful_zones:
                self.doubtful_zones.add(zone)
                print(f"note: {instant_text(instant)} in {zone} is {day_text(day)} by PostgreSQL's zone data and "
                      f"{day_text(second_opinion)} by Python's; PostgreSQL's counts")
