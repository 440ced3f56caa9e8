#!/usr/bin/env python3
"""Standbys, read-only transactions and logical replication.

    python3 tests/attack/replicas.py

On a hot standby, after its promotion, and in read-only transactions every function and aggregate must give the rows of the
primary, in one process, with workers and with temporary files; what writes must be refused. By logical replication, stored
values of every type must arrive as they are, in a table without a primary key, and so must experiments and excluded users.
Uses two servers of its own. Needs scripts/cluster.sh and a built extension. The last line is `N passed, N failed`.
"""

import contextlib
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from crash import BIG_LOG, LITTLE, LITTLE_OF, digest  # noqa: E402
from folds import FOLDS, OF_ONE_USER  # noqa: E402
from plans import ARGUMENTS, DATA, PARALLEL, SERIAL, Aggregate  # noqa: E402
from psql import ServerError, ServerGone, Session, administer  # noqa: E402

from functions import LOG, functions  # noqa: E402
from server import ROOT, Server, wait_for  # noqa: E402
from tally import Tally  # noqa: E402

SUCCESSFUL_COMPLETION, READ_ONLY_SQL_TRANSACTION = "00000", "25006"
READ_ONLY = {"default_transaction_read_only": "on"}
BIG_ROWS, LONG_ROWS, REPLICATION_PATIENCE = 40000, 20000, 30
# Changes on the primary that the standby follows.
LATER = ("SELECT user_metrics.opt_out('u5')", """SELECT user_metrics.define_experiment('late', '["a", "b"]'::jsonb)""",
         "DELETE FROM log WHERE user_id = 'u6'",
         "UPDATE made SET activity = user_metrics.without_users(activity, '{u1}')")
VALUES = ("activity", "sessions", "funnel", "survival", "experiment_moments")


@contextlib.contextmanager
def a_part(tally, name):
    """A part that ends at an error, which is a failure."""
    try:
        yield
    except (ServerError, ServerGone, TimeoutError, subprocess.CalledProcessError) as error:
        tally.check(False, f"{name}: {error!r:.600}")


class Standby(Server):
    """A server that follows another one; `start` leaves libpq's variables at this one."""

    def __init__(self, name, primary):
        super().__init__(name)
        self.primary = primary

    def __enter__(self):
        self.remove()
        try:
            self._copy()
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def _copy(self):
        """Copies the running primary, with the settings of a standby."""
        directory, data = shlex.quote(str(self.directory)), shlex.quote(str(self.data))
        subprocess.run(["bash", "-c", f"""
            source scripts/lib.sh
            if [ "$EUID" -eq 0 ]; then install -d -m 700 -o postgres {directory}; else install -d -m 700 {directory}; fi
            as_server "$("$PG_CONFIG" --bindir)/pg_basebackup" --pgdata={data} --checkpoint=fast --no-sync \\
                --write-recovery-conf --wal-method=stream --dbname={shlex.quote(conninfo(self.primary))}
            # cluster.sh starts what has been started before.
            as_server touch {data}/postmaster.opts
            echo "unix_socket_directories = '{self.directory}'" >>{data}/postgresql.auto.conf"""],
            cwd=ROOT, check=True, stdout=subprocess.DEVNULL)

    def catch_up(self, primary, standby):
        """Waits until the standby has what was committed on the primary."""
        position = primary.value("SELECT pg_current_wal_insert_lsn()")
        wait_for(lambda: standby.value(f"SELECT pg_last_wal_replay_lsn() >= '{position}'") == "t", "the standby")


def conninfo(server, database="postgres"):
    port = (server.data / "postmaster.pid").read_text().splitlines()[3].strip()
    return f"host={server.directory} port={port} user=postgres dbname={database}"


def last_error(server):
    lines = (server.directory / "log").read_text(errors="replace").splitlines()
    return next((line for line in reversed(lines) if "ERROR:" in line or "FATAL:" in line), "no error in the log")


# ------------------------------------------------------------------------------------------------ the same rows

@dataclass(frozen=True)
class Query:
    """What is asked on the primary and elsewhere: of rows their number and a hash."""

    name: str
    sql: str
    settings: tuple = ()

    def answer(self, session):
        try:
            with session.setting(**dict(self.settings)):
                return session.value(self.sql)
        except ServerError as error:
            session.run("ROLLBACK")
            return str(error)


def big_log(rows):
    return BIG_LOG.split(";\n")[0].replace("TABLE log", "TABLE big").replace("200000", str(rows))


def make_data(session):
    for statement in ("CREATE EXTENSION user_metrics", DATA.split(";\n")[0], *LOG.split(";\n")):
        session.run(statement)
    for statement in (big_log(BIG_ROWS), *BIG_LOG.split(";\n")[-2:], "VACUUM ANALYZE"):
        session.run(statement)


def questions(session):
    """Every function over the small log and over values, every aggregate, and folds of the large log that need files."""
    folds = set(session.run(FOLDS)) - OF_ONE_USER
    for function in functions(session):
        if not function.volatile:
            yield Query(function.identity, digest(function.query()))
        if function.is_over_source and function.name in folds:
            little = LITTLE_OF.get(function.name, LITTLE)
            yield Query(function.identity, digest(function.query(source="big")), tuple((SERIAL | little).items()))
            yield Query(function.identity, digest(function.query(source="big")), tuple((PARALLEL | little).items()))
    for signature in ARGUMENTS:
        call = Aggregate(signature, "", "").call()
        yield Query(signature, digest(f"SELECT {call}::text FROM requests"), tuple(PARALLEL.items()))
    for value in VALUES:
        yield Query(f"stored {value}", digest(f"SELECT {value}::text FROM made"))


def compare(tally, where, session, expected):
    for query, answer in expected.items():
        got = query.answer(session)
        tally.check(got == answer, f"{where}: {query.name} {dict(query.settings)}: {got:.300} instead of {answer:.100}")


def require_sqlstate(tally, where, session, queries, expected):
    for query in queries:
        try:
            session.run(query)
            sqlstate = SUCCESSFUL_COMPLETION
        except ServerError as error:
            sqlstate = error.sqlstate
            session.run("ROLLBACK")
        tally.check(sqlstate == expected, f"{where}: {sqlstate} from {query}")


def temporary_files(session):
    session.run("SELECT pg_stat_force_next_flush()")
    return int(session.value("SELECT temp_files FROM pg_stat_database WHERE datname = current_database()"))


def uses_files(tally, where, session, ask):
    before = temporary_files(session)
    ask()
    tally.check(temporary_files(session) > before, f"{where}: no temporary files were used")


def read_only(tally, session, expected, writers):
    with session.setting(**READ_ONLY):
        require_sqlstate(tally, "default_transaction_read_only", session, writers, READ_ONLY_SQL_TRANSACTION)
    with Session("postgres", **READ_ONLY) as other:
        compare(tally, "default_transaction_read_only", other, expected)
    for query in writers:
        session.run("BEGIN READ ONLY")
        require_sqlstate(tally, "BEGIN READ ONLY", session, [query], READ_ONLY_SQL_TRANSACTION)
    session.run("BEGIN READ ONLY")
    compare(tally, "BEGIN READ ONLY", session, {query: answer for query, answer in expected.items() if not query.settings})
    session.run("ROLLBACK")


def physical(tally, server, session):
    """Compares the primary, read-only transactions on it, a standby, and the standby after its promotion."""
    make_data(session)
    expected = {}
    uses_files(tally, "primary", session, lambda: expected.update({q: q.answer(session) for q in questions(session)}))
    for query, answer in expected.items():
        tally.check(": " not in answer, f"primary: {query.name}: {answer:.300}")
    writers = [function.query() for function in functions(session) if function.volatile]
    read_only(tally, session, expected, writers)
    with Standby("test-standby", server) as standby, Session(conninfo(standby)) as follower:
        uses_files(tally, "standby", follower, lambda: compare(tally, "standby", follower, expected))
        require_sqlstate(tally, "standby", follower, writers, READ_ONLY_SQL_TRANSACTION)
        for change in LATER:
            session.run(change)
        standby.catch_up(session, follower)
        later = {query: query.answer(session) for query in expected if not query.settings}
        tally.check(later != {query: expected[query] for query in later}, "primary: the same rows after changes")
        compare(tally, "standby after changes", follower, later)
        follower.run("SELECT pg_promote()")
        compare(tally, "promoted, in the session of before", follower, later)
        with Session(conninfo(standby)) as promoted:
            compare(tally, "promoted", promoted, later)
            require_sqlstate(tally, "promoted", promoted, writers, SUCCESSFUL_COMPLETION)


# ------------------------------------------------------------------------------------------------ logical replication

COLUMNS = ", ".join(f"{value} user_metrics.{value}" for value in VALUES)
REPLICATED = f"CREATE TABLE replicated (label text, {COLUMNS})"
# Some of them short, some long enough to be stored out of line and compressed; rows that occur twice; NULLs.
MADE = """INSERT INTO replicated
SELECT 'part ' || n % {parts}, user_metrics.activity(user_id, created_at), user_metrics.sessions(user_id, created_at),
    user_metrics.funnel(user_id, created_at, ARRAY[feature = 'chat', feature = 'code'], '7 days'),
    user_metrics.survival(latency_ms::float8 + n, succeeded), user_metrics.experiment_sample(variant, latency_ms::float8 + n)
FROM (SELECT *, substr(request_id, 2)::integer AS n FROM {log}) AS l GROUP BY 1"""
CHANGES = [
    ("short values", MADE.format(parts=10, log="log")),
    ("long values", MADE.format(parts=2, log="big")),
    ("NULLs", "INSERT INTO replicated VALUES ('none'), ('none')"),
    ("rows that occur twice", "INSERT INTO replicated SELECT * FROM replicated WHERE label IN ('part 1', 'part 3')"),
    ("UPDATE of a label", "UPDATE replicated SET label = label || ', again' WHERE label IN ('part 1', 'part 4', 'none')"),
    *((f"UPDATE of {value}",
       f"UPDATE replicated SET {value} = (SELECT o.{value} FROM replicated AS o WHERE label = 'part 6') "
       "WHERE label IN ('part 0', 'part 7', 'none, again')") for value in VALUES),
    ("UPDATE to a merged value", "UPDATE replicated SET activity = (SELECT user_metrics.rollup(activity) FROM replicated), "
     "survival = (SELECT user_metrics.rollup(survival) FROM replicated) WHERE label = 'part 8'"),
    ("UPDATE to NULL", f"UPDATE replicated SET {', '.join(f'{value} = NULL' for value in VALUES)} WHERE label = 'part 9'"),
    ("DELETE of one of two equal rows",
     "DELETE FROM replicated WHERE ctid = (SELECT min(ctid) FROM replicated WHERE label = 'part 3')"),
    ("DELETE of long values", "DELETE FROM replicated WHERE label = 'part 0'"),
    ("DELETE of NULLs", "DELETE FROM replicated WHERE activity IS NULL"),
    ("DELETE of all", "DELETE FROM replicated"),
]
SUPPORT = [
    ("user_metrics.experiment", "SELECT user_metrics.define_experiment('second', '{\"a\": 0.3, \"b\": 0.7}'::jsonb)"),
    ("user_metrics.experiment",
     "SELECT user_metrics.define_experiment('second', '{\"a\": 0.1, \"b\": 0.9}'::jsonb, replace => true)"),
    ("user_metrics.opt_out", "SELECT user_metrics.opt_out('u1')"),
    ("user_metrics.opt_out", "SELECT user_metrics.opt_out('u2')"),
    ("user_metrics.opt_out", "SELECT user_metrics.opt_in('u1')"),
    ("user_metrics.anonymous_user", "INSERT INTO user_metrics.anonymous_user VALUES ('nobody in particular')"),
    ("user_metrics.anonymous_user", "DELETE FROM user_metrics.anonymous_user WHERE user_id = 'anonymous'"),
    ("user_metrics.experiment", "DELETE FROM user_metrics.experiment WHERE name = 'second'"),
]
# Tables whose rows CREATE EXTENSION makes at both ends are not copied.
SUPPORT_TABLES = "user_metrics.experiment, user_metrics.anonymous_user, user_metrics.opt_out"
# The first one waits for the experiment.
READ_BACK = [
    "SELECT name FROM user_metrics.experiment",
    "SELECT user_metrics.experiment_variant('user ' || i, 'last') FROM generate_series(1, 50) AS i",
    "SELECT * FROM user_metrics.active_users('log')", "SELECT * FROM user_metrics.feature_usage('log')",
]


class Replica:
    """Two databases of one server; what one publishes the other subscribes to."""

    def __init__(self, server, binary):
        self.server, self.binary = server, binary
        kind = "binary" if binary else "text"
        self.names = f"publisher_{kind}", f"subscriber_{kind}"

    def __enter__(self):
        for name in self.names:
            administer(f"CREATE DATABASE {name}", conninfo(self.server))
        self.publisher, self.subscriber = (Session(conninfo(self.server, name)) for name in self.names)
        for session in (self.publisher, self.subscriber):
            for statement in ("CREATE EXTENSION user_metrics", *LOG.split(";\n")[:1], REPLICATED):
                session.run(statement)
        # PostgreSQL 17 and later find the rows to change by it.
        self.subscriber.run("CREATE INDEX ON replicated USING hash (activity)")
        self.publisher.run("ALTER TABLE replicated REPLICA IDENTITY FULL")
        self.publisher.run(f"CREATE PUBLICATION stored FOR TABLE replicated, {SUPPORT_TABLES}")
        # A subscription to another database of the same server cannot create its slot itself.
        self.publisher.run(f"SELECT pg_create_logical_replication_slot('{self.names[1]}', 'pgoutput')")
        self.subscriber.run(f"CREATE SUBSCRIPTION {self.names[1]} CONNECTION '{conninfo(self.server, self.names[0])}' "
                            f"PUBLICATION stored WITH (create_slot = false, copy_data = false, binary = {self.binary})")
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ServerError):
            self.subscriber.run(f"DROP SUBSCRIPTION IF EXISTS {self.names[1]}")
        for session in (self.publisher, self.subscriber):
            session.close()
        for name in self.names:
            administer(f"DROP DATABASE {name} WITH (FORCE)", conninfo(self.server))

    def are_equal(self, query):
        """Whether both ends give the same rows, as soon as what was committed has arrived; if not, what they give."""
        until, expected = time.monotonic() + REPLICATION_PATIENCE, sorted(self.publisher.run(query))
        while (got := sorted(self.subscriber.run(query))) != expected:
            if time.monotonic() > until:
                return False, f"{len(got)} rows instead of {len(expected)}: {last_error(self.server)}"
            time.sleep(0.02)
        return True, ""


def replicate(tally, replica, changes, query_of):
    """Makes changes and compares the ends after each. After one that never arrives nothing else does."""
    for name, change in changes:
        query = query_of(name)
        before = replica.publisher.run(query)
        replica.publisher.run(change)
        after = replica.publisher.run(query)
        arrived, told = replica.are_equal(query)
        tally.check(before != after, f"logical: {name} changes nothing")
        tally.check(arrived, f"logical, binary {replica.binary}: {name}: {told:.400}")
        if not arrived:
            break


def logical(tally, server, binary):
    with Replica(server, binary) as replica:
        replica.publisher.run(big_log(LONG_ROWS))
        replicate(tally, replica, CHANGES, lambda _: "SELECT md5(r::text) FROM replicated AS r")
        replicate(tally, replica, SUPPORT, lambda table: f"SELECT * FROM {table}")
        replica.publisher.run("SELECT user_metrics.define_experiment('last', '[\"a\", \"b\"]'::jsonb)")
        for query in READ_BACK:
            arrived, told = replica.are_equal(query)
            tally.check(arrived, f"logical, binary {replica.binary}: {query}: {told:.400}")


def run(tally):
    with Server("test-primary", wal_level="logical") as server:
        with a_part(tally, "physical"), Session(conninfo(server)) as session:
            physical(tally, server, session)
        for binary in (False, True):
            with a_part(tally, "logical"):
                logical(tally, server, binary)


def main():
    tally = Tally()
    run(tally)
    return tally.close()


if __name__ == "__main__":
    sys.exit(main())
