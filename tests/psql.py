"""Test databases and long-lived psql sessions: statements in, lines or rows of JSON out.

The server is named by libpq's environment variables; the user must be able to create databases.
"""

import contextlib
import json
import os
import subprocess
import time

SEPARATOR = "\x1f"
END = "@@end@@"
QUERY_CANCELED = "57014"


class ServerError(Exception):
    """A statement that failed: its SQLSTATE, and the complete message."""

    def __init__(self, sqlstate, message):
        super().__init__(f"{sqlstate}: {message}")
        self.sqlstate = sqlstate


class ServerGone(Exception):
    """The connection was lost during a statement."""


def administer(statement, *where):
    """Runs one statement in a connection of its own, by default to the database named by libpq's variables."""
    command = ["psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--command", statement, *where]
    subprocess.run(command, check=True)


@contextlib.contextmanager
def fresh_database(purpose):
    """A database with the extension in it, for the duration of the block; yields its name."""
    name = f"user_metrics_{purpose}_{os.getpid()}"
    administer(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")
    try:
        administer("CREATE EXTENSION user_metrics", name)
        yield name
    finally:
        administer(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


class Session:
    """One psql process, with its messages and its output in one stream in order.

    `settings` hold for the whole session: RESET goes back to them.
    """

    def __init__(self, database, **settings):
        self._database = database
        defaults = {"synchronous_commit": "off", "client_min_messages": "error", "statement_timeout": "60s"}
        self._options = " ".join(f"-c {name}={value}" for name, value in (defaults | settings).items())
        self._settings = {}
        self._start()

    def _start(self):
        self._psql = subprocess.Popen(
            ["psql", "--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=VERBOSITY=verbose",
             f"--field-separator={SEPARATOR}", "--dbname", self._database],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
            env={**os.environ, "PGCLIENTENCODING": "UTF8", "PGOPTIONS": self._options})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self._psql.stdin.close()
        self._psql.wait()
        self._psql.stdout.close()

    def restart(self):
        """After `ServerGone`: recovery from the crash of a backend takes a moment."""
        self._psql.kill()
        self.close()
        for _ in range(60):
            if subprocess.run(["pg_isready", "--quiet"]).returncode == 0:
                break
            time.sleep(0.5)
        self._start()

    def run_all(self, statements):
        """Runs statements together, all or none."""
        return self.run("\\;\n".join(statements))

    def run(self, statement):
        """Runs one statement; returns the lines of its output."""
        try:
            # \warn works in failed transactions, too, and its output is not buffered.
            self._psql.stdin.write(f"{statement}\n;\n\\warn {END} :SQLSTATE\n")
            self._psql.stdin.flush()
        except BrokenPipeError:
            raise ServerGone() from None
        lines = []
        while line := self._psql.stdout.readline():
            if line.startswith(END):
                sqlstate = line.split()[1]
                if sqlstate != "00000":
                    raise ServerError(sqlstate, "\n".join(lines))
                return lines
            lines.append(line.rstrip("\n"))
        raise ServerGone()

    def value(self, query):
        """The single value of a query with one row."""
        [line] = self.run(query)
        return line

    def rows(self, query):
        """The rows of a query, each a dict in column order."""
        return [json.loads(line) for line in self.run(f"SELECT pg_catalog.row_to_json(q) FROM ({query}) q")]

    @contextlib.contextmanager
    def setting(self, **settings):
        """Settings for the statements of a block, in addition to those of enclosing blocks."""
        outer = self._settings
        self._set(outer | settings)
        yield
        self._set(outer)

    def reset(self):
        """Ends what is open after a failure: the transaction, the settings of blocks, prepared statements."""
        self.run("ROLLBACK")
        self._set({})
        self.run("DEALLOCATE ALL")

    def _set(self, settings):
        statements = ["RESET ALL", *(f"SET {name} = {value!r}" for name, value in settings.items())]
        while True:
            try:
                self.run_all(statements)
                break
            except ServerError as error:
                # On a busy machine a short statement_timeout also cancels the statements that reset it.
                if error.sqlstate != QUERY_CANCELED:
                    raise
        self._settings = settings
