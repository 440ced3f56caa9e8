#!/usr/bin/env python3
"""Killed processes, canceled statements and full disks.

    python3 tests/attack/crash.py [--minutes N] [--only kills|cancels|files|wal]

A server of its own is used. Backends, parallel workers and the postmaster are killed while functions read a log and values
are stored: what was committed must be there, and every function must give the rows of before. Statements are ended at random
moments by timeout, cancel and termination: they must end soon and leave nothing. Temporary files and the WAL meet a full
disk. With --minutes, kills and cancels go on for that long. Needs scripts/cluster.sh and a built extension; what needs a
small file system is left out where `mount` does not work. The last line is `N passed, N failed`.
"""

import argparse
import contextlib
import itertools
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from folds import FOLDS, GROWS, OF_ONE_USER  # noqa: E402
from plans import ARGUMENTS, DATA, PARALLEL, SERIAL, Aggregate  # noqa: E402
from psql import QUERY_CANCELED, ServerError, ServerGone, Session, administer  # noqa: E402

from functions import LOG, functions  # noqa: E402
from server import Server, process_memory, wait_for  # noqa: E402
from tally import Tally  # noqa: E402

BACKENDS, POSTMASTERS, STATEMENTS = 20, 3, 300
DISK_FULL = "53100"
# Runs of a statement until its workers have started.
ATTEMPTS = 5
# A leader may report the loss of its worker, or the end of all sessions, before it is ended itself.
OF_A_CRASH = ("55000", "57P01", "57P02")
# Seconds, kB, and more than PostgreSQL itself needs.
LATEST, MOST_GROWTH, MOST_SEGMENTS = 0.25, 30 * 1024, 20
# Memory that makes most folds of the large log use files even without workers, and that of functions that need more.
LITTLE = {"user_metrics.max_state_memory": "5MB"}
LITTLE_OF = GROWS | {name: {"user_metrics.max_state_memory": megabytes} for megabytes, names in {
    "8MB": ("feature_usage", "model_usage", "session_time", "usage_patterns", "user_properties"),
    "20MB": ("adoption_barriers", "first_session_list"), "40MB": ("session_list",)}.items() for name in names}

# 200,000 requests of 20,000 users with the columns of the small log, which is called few here; 100,000 rows for aggregates.
BIG_LOG = """
CREATE TABLE log AS
SELECT 'u' || abs(hashint4(i)) % 20000 AS user_id,
    timestamptz '2024-01-01 00:00Z' + abs(hashint4(i + 99)) % 7776000 * interval '1 s' AS created_at,
    'r' || i AS request_id, 's' || i / 3 AS session_id, 'm' || i % 3 AS model, 'p' || i % 2 AS provider,
    (ARRAY['chat', 'code', 'image'])[1 + i % 3] AS feature, 10 * i % 4000 AS prompt_tokens, i % 999 AS completion_tokens,
    i % 5000 * 0.01 AS cost_usd, i % 700 * 0.1 AS revenue_usd, 100.0 * (i % 9) AS latency_ms, i % 4 <> 0 AS succeeded,
    i % 5 AS rating, 'hello ' || i AS prompt,
    jsonb_build_object('UserTier', CASE WHEN i % 2 = 0 THEN 'free' ELSE 'pro' END, 'Source', 'ads') AS properties,
    CASE WHEN i % 7 < 3 THEN 'a' ELSE 'b' END AS variant
FROM generate_series(1, 200000) AS i;
CREATE TABLE many AS SELECT r.* FROM requests AS r, generate_series(1, 5);
CREATE TABLE parts AS SELECT *, substr(request_id, 2)::integer % 10 AS slice FROM log LIMIT 5000;
CREATE TABLE stored (number bigint PRIMARY KEY, activity user_metrics.activity, sessions user_metrics.sessions,
    funnel user_metrics.funnel, survival user_metrics.survival, experiment user_metrics.experiment_moments);
INSERT INTO user_metrics.anonymous_user VALUES ('u3');
SELECT user_metrics.opt_out('u4')
"""
SLICES = 10
SLICE = """SELECT user_metrics.activity(user_id, created_at),
    user_metrics.sessions(user_id, created_at, session_id, latency_ms::float8, succeeded, NULL, NULL),
    user_metrics.funnel(user_id, created_at, ARRAY[feature = 'chat', feature = 'code'], interval '7 days'),
    user_metrics.survival(latency_ms::float8, succeeded), user_metrics.experiment(variant, latency_ms::float8)
    FROM parts WHERE slice = {}"""


@dataclass
class Statement:
    """A query over the large log and the same over a small one, with their results and the duration of the former."""

    name: str
    large: str
    small: str
    is_fold: bool = False
    over_source: bool = True
    rows: str = ""
    few_rows: str = ""
    seconds: float = 0.0

    def observe(self, session):
        self.few_rows = session.value(self.small)
        began = time.monotonic()
        self.rows = session.value(self.large)
        self.seconds = time.monotonic() - began

    @property
    def little(self):
        """A function that is no fold keeps its state in memory."""
        return LITTLE_OF.get(self.name, LITTLE) if self.is_fold else {}


def digest(query):
    return f"SELECT count(*) || ' rows ' || md5(string_agg(r::text, chr(10) ORDER BY r::text)) FROM ({query}) AS r"


def prepare(session):
    """Makes the tables; returns a statement for each function and each aggregate."""
    small, *made = LOG.split(";\n")
    session.run(DATA.split(";\n")[0])
    session.run(small)
    session.run("ALTER TABLE log RENAME TO few")
    for statement in [*BIG_LOG.split(";\n"), *made, "VACUUM ANALYZE"]:
        session.run(statement)
    folds = set(session.run(FOLDS))
    statements = [
        Statement(function.name, digest(function.query()), digest(function.query(source="few")),
                  function.is_over_source and function.name in folds, function.is_over_source)
        for function in functions(session) if not function.volatile
    ]
    for signature in ARGUMENTS:
        call = Aggregate(signature, "", "").call()
        query = f"SELECT {call}::text FROM "
        small = f"{query} (SELECT * FROM requests LIMIT 60) AS l"
        statements.append(Statement(signature, digest(f"{query} many"), digest(small)))
    for statement in statements:
        statement.observe(session)
    return statements


# ------------------------------------------------------------------------------------------------ stored values

class Ledger:
    """Transactions with a number each: five stored values, an experiment and two excluded users. All or nothing of one must
    be there, and all if it was committed."""

    def __init__(self, session):
        self._committed, self._in_doubt, self._next = set(), set(), itertools.count()
        self._slices = [session.value(f"SELECT md5(s::text) FROM ({SLICE.format(n)}) AS s") for n in range(SLICES)]

    def __len__(self):
        return len(self._committed)

    def write(self, session):
        number = next(self._next)
        self._in_doubt.add(number)
        session.run_all([
            f"INSERT INTO stored SELECT {number}, s.* FROM ({SLICE.format(number % SLICES)}) AS s",
            f"""SELECT user_metrics.define_experiment('e{number}', '["a", "b"]'::jsonb)""",
            f"INSERT INTO user_metrics.anonymous_user VALUES ('nobody {number}')",
            f"SELECT user_metrics.opt_out('gone {number}')"])
        self._in_doubt.remove(number)
        self._committed.add(number)

    def check(self, session, tally, when):
        stored = dict(line.split() for line in session.run(
            """SELECT number || ' ' || md5(s::text) FROM stored AS t,
               LATERAL (SELECT t.activity, t.sessions, t.funnel, t.survival, t.experiment) AS s"""))
        wrong = [number for number, text in stored.items() if text != self._slices[int(number) % SLICES]]
        tally.check(not wrong, f"{when}: stored values differ: {wrong[:9]}")
        present = {int(number) for number in stored}
        tally.check(self._committed <= present, f"{when}: committed values are missing: {self._committed - present}")
        unknown = present - self._committed - self._in_doubt
        tally.check(not unknown, f"{when}: values that nobody stored: {unknown}")
        for what, query in (
                ("experiments", r"""SELECT substr(name, 2) FROM user_metrics.experiment
                                    WHERE name <> 'e' AND variants = '{a,b}' AND weights = '{0.5,0.5}' AND seed = name"""),
                ("anonymous users",
                 "SELECT substr(user_id, 8) FROM user_metrics.anonymous_user WHERE user_id LIKE 'nobody %'"),
                ("opt-outs", "SELECT substr(user_id, 6) FROM user_metrics.opt_out WHERE user_id LIKE 'gone %'")):
            found = {int(number) for number in session.run(query)}
            tally.check(found == present, f"{when}: {what} differ from the values stored with them: {found ^ present}")
        # What has been seen once must stay, and what has not must not come.
        self._committed, self._in_doubt = present, set()


# ------------------------------------------------------------------------------------------------ kills

class Client(threading.Thread):
    """A session at work until its connection is lost."""

    def __init__(self, work, **settings):
        super().__init__(daemon=True)
        self.complaints = []
        self._work = work
        self._session = Session("postgres", **settings)
        if self._session.value("SELECT user_metrics_internal.live_states()") != "0":
            self.complaints.append("a new session has states")
        self.start()

    def run(self):
        with self._session as session, contextlib.suppress(ServerGone):
            while True:
                try:
                    self._work(session)
                except ServerError as error:
                    if error.sqlstate not in OF_A_CRASH:
                        self.complaints.append(str(error)[:500])


def read(session, statements):
    """A function or an aggregate at random over the large log, with workers or files or both."""
    statement = random.choice(statements)
    with session.setting(**random.choice((PARALLEL, SERIAL | statement.little, PARALLEL | statement.little))):
        session.run(statement.large)


def store(session, ledger):
    ledger.write(session)
    time.sleep(0.01)


def kill_a_backend(server):
    """Kills a parallel worker or the backend of a client, whichever chance prefers and there is."""
    prefers_worker = random.random() < 0.6

    def killed():
        backends = server.backends()
        workers = [pid for pid, title in backends.items() if "parallel worker" in title]
        for pid in random.sample(workers if prefers_worker and workers else list(backends), 1) if backends else ():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                return True
        return False
    wait_for(killed, "a backend to kill")


def crash(server, tally, statements, ledger, kill):
    """Kills a process while three clients are at work, and waits for the recovery."""
    reading = [statement for statement in statements if statement.over_source]
    clients = [Client(lambda session: read(session, reading)), Client(lambda session: read(session, reading)),
               Client(lambda session: store(session, ledger), synchronous_commit="on")]
    time.sleep(random.uniform(0.05, 0.6))
    tally.check(all(client.is_alive() for client in clients), "a connection was lost before anything was killed")
    tally.counts["crashes with temporary files"] += bool(server.temporary_files())
    kill(server)
    for client in clients:
        client.join(60)
        tally.check(not client.is_alive(), "a connection survives a crash")
        tally.check(not client.complaints, f"before a crash: {client.complaints[:3]}")
    server.recover()


def kills(server, tally, statements, ledger, seconds):
    until = time.monotonic() + seconds
    rotation = itertools.cycle(statements)
    each = 1 + len(statements) // (BACKENDS + POSTMASTERS)
    for number in itertools.count(1):
        if tally.counts["backends killed"] >= BACKENDS and time.monotonic() > until:
            break
        is_postmaster = number % ((BACKENDS + POSTMASTERS) // POSTMASTERS) == 0
        crash(server, tally, statements, ledger, Server.kill_postmaster if is_postmaster else kill_a_backend)
        tally.counts["postmasters killed" if is_postmaster else "backends killed"] += 1
        when = f"after crash {number}, of {'the postmaster' if is_postmaster else 'a backend'}"
        tally.check(not server.temporary_files(), f"{when}: files left: {server.temporary_files()}")
        with Session("postgres") as session:
            ledger.check(session, tally, when)
            for statement in itertools.islice(rotation, each):
                tally.check(session.value(statement.large) == statement.rows, f"{when}: other rows: {statement.large}")
            require_nothing_left(server, session, tally, when)
    tally.check(tally.counts["crashes with temporary files"] > 0, "there were no temporary files when processes were killed")


def require_nothing_left(server, session, tally, when):
    states, files = session.value("SELECT user_metrics_internal.live_states()"), server.temporary_files()
    tally.check(states == "0", f"{when}: {states} states left")
    tally.check(not files, f"{when}: files left: {files}")


# ------------------------------------------------------------------------------------------------ cancels

class Ender:
    """Ways to end a statement of a session at a given moment, from outside or by its own timeout. Each runs a statement and
    returns how many seconds after that moment it ended, and its SQLSTATE."""

    def __init__(self, other):
        self._other = other

    def by_timeout(self, session, query, settings, seconds):
        milliseconds = max(1, round(1000 * seconds))
        with session.setting(**settings, statement_timeout=f"{milliseconds}ms"):
            began = time.monotonic()
            sqlstate = sqlstate_of(session, query)
            return time.monotonic() - began - milliseconds / 1000, sqlstate

    def by_cancel(self, session, query, settings, seconds):
        with session.setting(**settings):
            return self._from_outside("pg_cancel_backend", session, query, seconds)

    def by_termination(self, session, query, settings, seconds):
        with session.setting(**settings):
            ended = self._from_outside("pg_terminate_backend", session, query, seconds)
            session.restart()
            return ended

    def _from_outside(self, function, session, query, seconds):
        pid, sent = session.value("SELECT pg_backend_pid()"), []

        def send():
            sent.append(time.monotonic())
            self._other.run(f"SELECT {function}({pid})")
        timer = threading.Timer(seconds, send)
        timer.start()
        sqlstate = sqlstate_of(session, query)
        ended = time.monotonic()
        timer.join()
        return ended - sent[0], sqlstate


def sqlstate_of(session, query):
    try:
        session.run(query)
    except ServerError as error:
        return error.sqlstate
    except ServerGone:
        return "gone"
    return "00000"


def end_in_time(end, session, statement, settings, tally):
    """Ends a statement at a random moment. One that is late is given other chances, since the machine may be busy. Returns
    whether it had not finished by then."""
    for _ in range(4):
        late, sqlstate = end(session, statement.large, settings, random.uniform(0.001, statement.seconds))
        if late <= LATEST:
            break
    shown = f"{end.__name__} with {settings}: {statement.large}"
    tally.check(late <= LATEST, f"{late:.2f} s late: {shown}")
    is_termination = end.__name__ == "by_termination"
    tally.check(sqlstate in ("00000", "gone" if is_termination else QUERY_CANCELED), f"{sqlstate}: {shown}")
    return sqlstate != "00000"


def cancels(server, tally, statements, _, seconds):
    until = time.monotonic() + seconds
    over_source = [statement for statement in statements if statement.over_source]
    turns = itertools.cycle((statement, settings) for settings in (SERIAL, PARALLEL) for statement in over_source)
    resident = []
    with Session("postgres") as other, Session("postgres") as session, Session("postgres") as victim:
        ender, outsider = Ender(other), other.value("SELECT pg_backend_pid()")
        pid = session.value("SELECT pg_backend_pid()")
        for number, (statement, settings) in enumerate(turns):
            # What has finished before its moment does not count, but there is an end to it.
            if time.monotonic() > until and (tally.counts["statements ended"] >= STATEMENTS or number > 4 * STATEMENTS):
                break
            asked, end = session, (ender.by_timeout, ender.by_cancel)[number % 2]
            if number % 20 == 19:
                asked, end = victim, ender.by_termination
            tally.counts["statements ended"] += end_in_time(end, asked, statement, settings | statement.little, tally)
            when = f"after {statement.large}"
            tally.check(asked.value(statement.small) == statement.few_rows, f"{when}: other rows: {statement.small}")
            require_nothing_left(server, asked, tally, when)
            resident.append(process_memory(pid, "RssAnon"))
        # Each fold has a segment of shared memory for its files.
        segments = Path(f"/proc/{pid}/maps").read_text().count("/dev/shm/PostgreSQL.")
        tally.check(segments < MOST_SEGMENTS, f"{segments} segments of shared memory are mapped between statements")
        tally.check(other.value("SELECT pg_backend_pid()") == outsider, "the server has restarted")
    tally.check(tally.counts["statements ended"] >= STATEMENTS, "too few statements were ended")
    third = len(resident) // 3
    grown = statistics.median(resident[-third // 2:]) - statistics.median(resident[third:third + third // 2])
    tally.check(grown < MOST_GROWTH, f"the resident memory has grown by {grown} kB: {resident[::20]}")


# ------------------------------------------------------------------------------------------------ full disks

@contextlib.contextmanager
def small_disk(server, size):
    """A file system of that size for the server; yields its directory, or None if it cannot be mounted."""
    owner = server.data.stat()
    directory = tempfile.mkdtemp()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700,uid={owner.st_uid},gid={owner.st_gid}", "none", directory]
    if subprocess.run(mount, stderr=subprocess.DEVNULL).returncode != 0:
        os.rmdir(directory)
        yield None
        return
    try:
        yield Path(directory)
    finally:
        subprocess.run(["umount", "--lazy", directory], check=True)
        os.rmdir(directory)


def make_room(directory):
    subprocess.run(["mount", "-o", "remount,size=1g", directory], check=True)


def full_disk(server, tally, statements, *_):
    folds = [statement for statement in statements if statement.is_fold]
    full_tablespace(server, tally, folds)
    limited_files(server, tally, folds)


def full_tablespace(server, tally, folds):
    with small_disk(server, "256k") as disk:
        if disk is None:
            print("mount does not work: no temporary files on a full disk")
            return
        with Session("postgres") as session:
            session.run(f"CREATE TABLESPACE small LOCATION '{disk}'")
        with Session("postgres", temp_tablespaces="small", work_mem="256MB") as session:
            tally.counts["statements on a full disk"] += fail_without_room(
                server, session, tally, folds, (PARALLEL, SERIAL), DISK_FULL)
            make_room(disk)
            succeed_with_room(server, session, tally, folds)
        with Session("postgres") as session:
            session.run("DROP TABLESPACE small")


def limited_files(server, tally, folds):
    """PostgreSQL does not know the error of a file that is too large for its process, so it is an internal one."""
    server.limit_files(256 * 1024)
    try:
        with Session("postgres", work_mem="256MB") as session:
            tally.counts["statements with limited files"] += fail_without_room(
                server, session, tally, folds, (PARALLEL,), "File too large")
    finally:
        server.limit_files("unlimited")
    with Session("postgres", work_mem="256MB") as session:
        succeed_with_room(server, session, tally, folds)


def fail_without_room(server, session, tally, folds, plans, expected):
    """Runs every fold where its files find no room; returns how many failed."""
    failed = 0
    for statement, settings in itertools.product(folds, plans):
        shown = f"without room, with {settings}: {statement.large}"
        # A serial plan may have memory enough; workers hand over all but small histories in files. PostgreSQL does not
        # promise that workers start, and a leader without any runs the plan as a serial one.
        may_succeed = settings is SERIAL or statement.name in OF_ONE_USER
        for attempt in range(1 if may_succeed else ATTEMPTS):
            with session.setting(**settings | statement.little):
                try:
                    rows = session.value(statement.large)
                except ServerError as error:
                    failed += 1
                    tally.check(expected in str(error), f"{str(error)[:500]}: {shown}")
                    break
                tally.check(rows == statement.rows, f"other rows: {shown}")
                tally.check(may_succeed or attempt < ATTEMPTS - 1, f"succeeded: {shown}")
        require_nothing_left(server, session, tally, shown)
    return failed


def succeed_with_room(server, session, tally, folds):
    for statement in folds:
        with session.setting(**PARALLEL | statement.little):
            tally.check(session.value(statement.large) == statement.rows, f"with room again: other rows: {statement.large}")
        require_nothing_left(server, session, tally, f"after {statement.large}")


def full_wal(server, tally, _, ledger, __):
    # From now on no checkpoint makes room.
    administer("ALTER SYSTEM SET max_wal_size = '4GB'")
    server.stop()
    wal = server.data / "pg_wal"
    segments = sum(path.stat().st_size for path in wal.iterdir() if path.is_file())
    with small_disk(server, segments + (24 << 20)) as disk:
        if disk is None:
            print("mount does not work: no WAL on a full disk")
            return
        subprocess.run(["cp", "--archive", f"{wal}/.", disk], check=True)
        subprocess.run(["rm", "-r", wal], check=True)
        wal.symlink_to(disk)
        server.start()
        before = len(ledger)
        is_full = fill(ledger)
        tally.check(is_full, f"{len(ledger) - before} values stored, and the disk is not full")
        make_room(disk)
        server.recover()
        with Session("postgres", synchronous_commit="on") as session:
            ledger.check(session, tally, "after the WAL was full")
            ledger.write(session)
            ledger.check(session, tally, "with room again")
            require_nothing_left(server, session, tally, "with room again")
        tally.counts["values stored until the WAL was full"] += len(ledger) - before
        server.stop()


def fill(ledger):
    """Stores values until there is no room; returns whether that happened."""
    with Session("postgres", synchronous_commit="on") as session:
        try:
            for _ in range(20_000):
                ledger.write(session)
        except ServerGone:
            return True
        except ServerError as error:
            return error.sqlstate in (DISK_FULL, *OF_A_CRASH)
    return False


# What there is to run, in this order: the last leaves a server that cannot go on.
PARTS = {"kills": kills, "cancels": cancels, "files": full_disk, "wal": full_wal}


def run(parts, seconds):
    tally = Tally()
    with Server("test-crash", autovacuum="off", min_wal_size="32MB", max_wal_size="32MB") as server:
        with Session("postgres", synchronous_commit="on") as session:
            session.run("CREATE EXTENSION user_metrics")
            statements, ledger = prepare(session), Ledger(session)
        for part in parts:
            try:
                PARTS[part](server, tally, statements, ledger, seconds)
            except (ServerError, ServerGone, TimeoutError) as error:
                tally.failures.append(f"{part} came to an end: {error!r}")
    return tally


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--minutes", type=float, default=0)
    arguments.add_argument("--only", choices=PARTS)
    given = arguments.parse_args()
    tally = run([given.only] if given.only else PARTS, 30 * given.minutes)
    return tally.close()


if __name__ == "__main__":
    sys.exit(main())
