#!/usr/bin/env python3
"""Every public function and aggregate with invalid arguments, and over hostile logs.

    python3 tests/attack/arguments.py [--seed N] [--cases N] [WORD]    only the part, or the functions, of that name

A statement may raise an error, but must not end with an SQLSTATE of class XX, a panic's message, a lost connection, or its
statement_timeout (all data are tiny). A log with one extreme row must give a result like a normal one. `--cases` is the
number of random calls over each hostile log, and a quarter of the number of pairs of hostile arguments. With `--all`, every
hostile value is also tried for the arguments common to all functions, and there are more logs. The parts are those of PARTS.

Needs a server on this machine with the extension installed, named by libpq's environment variables, and a superuser; a
backend that ignores its timeouts is killed. The last line is `N passed, N failed`.
"""

import argparse
import contextlib
import os
import queue
import random
import re
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from functions import STORED, functions  # noqa: E402
from hostile import (  # noqa: E402
    BY_NAME, BY_TYPE, COLUMNS, FLOATS, INSTANTS, NECESSARY, SETUP, TIMES, hostile, hostile_log,
)
from psql import QUERY_CANCELED, ServerError, ServerGone, Session, fresh_database  # noqa: E402

TIMEOUT, TOO_LONG, WATCHDOG, WORKERS = 2.0, 6.0, 10.0, 2
PANIC = re.compile(r"attempt to |called `|index out of bounds|out of range for slice|begin <= end|assertion|unreachable|"
                   r"not implemented|capacity overflow|RefCell|divide by zero|panicked|slice index|unwrap|overflow when ")
PARTS = ("singly", "zoned", "pairs", "aggregates", "hostile_logs", "values", "one_bad_row", "in_time")
# These have a row, or work, for every day since the first request: if that is in antiquity they may time out, but must be
# interruptible.
LONG = {"active_users", "engagement", "lifecycle", "lifecycle_stage", "lifecycle_transitions", "retention_curve",
        "retention_matrix", "churn_rate", "peak_hours", "session_stats", "session_time"}
SHARED = {"source", "since", "until", "filter", "by", "timezone", "as_of"}


class Case:
    """A statement, its description in a failure, and its preparation."""

    def __init__(self, subject, sql, given=(), rolled_back=False, must_answer=False, prepare=(), limit=TIMEOUT,
        may_time_out=False,
                 group=None):
        self.subject, self.sql, self.given = subject, sql, tuple(given)
        self.rolled_back, self.must_answer, self.prepare = rolled_back, must_answer, prepare
        self.limit, self.may_time_out, self.group = limit, may_time_out, group


class Failure:
    def __init__(self, sqlstate, message, case):
        self.sqlstate, self.message, self.case = sqlstate, message, case

    @property
    def key(self):
        function = self.case.group or re.sub(r"^.*?([a-z_]+)\(.*$", r"\1", self.case.subject)
        message = re.sub(r"-?[\d.]+", "N", re.sub(r'"[^"]*"', '"…"', self.message))
        return function, self.sqlstate, message[:120]


class Runner:
    """Runs cases in sessions of one database; a case that lost its connection is repeated alone."""

    def __init__(self, database, faults):
        self.database, self.failures, self.passed, self.faults = database, {}, 0, faults
        self.count, self.functions = {}, {}
        self.lock, self.volatile, self.busy = threading.Lock(), threading.Lock(), [threading.Lock()
            for _ in range(WORKERS)]
        self.hopeless, self.kills, self.refused = {}, 0, 0

    def session(self):
        return Session(self.database, statement_timeout=f"{int(TIMEOUT * 1000)}", timezone="UTC", jit="off",
                       max_parallel_workers_per_gather=0)

    def kill(self, pid, killed):
        """Kills a backend that does not react; the server then restarts, and so do all sessions."""
        if Path(f"/proc/{pid}/comm").exists() and Path(f"/proc/{pid}/comm").read_text().startswith("postgres"):
            killed.append(pid)
            self.kills += 1
            os.kill(pid, signal.SIGKILL)

    def attempt(self, session, case):
        """What is wrong with a case, or None."""
        begun, dog, killed = time.monotonic(), None, []
        try:
            session.run("ROLLBACK")
            pid = int(session.value("SELECT pg_backend_pid()"))
            if case.limit != TIMEOUT:
                session.run(f"SET statement_timeout = {int(case.limit * 1000)}")
            for statement in case.prepare:
                session.run(statement)
            if case.rolled_back:
                session.run("BEGIN")
            dog = threading.Timer(WATCHDOG, self.kill, [pid, killed])
            dog.start()
            begun = time.monotonic()
            session.run(case.sql)
            error = None
        except ServerError as raised:
            error = raised
            if dog is None:
                # No part of the case has run yet.
                return Failure(error.sqlstate, f"its preparation failed: {error}", case)
        except ServerGone:
            dog and dog.cancel()
            session.restart()
            if killed:
                return Failure("hang", f"ignored statement_timeout for {WATCHDOG:.0f} s, killed", case)
            return Failure("gone", "the connection was lost", case)
        dog.cancel()
        took = time.monotonic() - begun
        if case.rolled_back:
            session.run("ROLLBACK")
        if case.limit != TIMEOUT:
            session.run("RESET statement_timeout")
        if took > case.limit + TOO_LONG - TIMEOUT:
            return Failure("slow", f"took {took:.1f} s in spite of statement_timeout", case)
        if error is None:
            return None
        message = re.sub(r"^(\w+): *(ERROR|FATAL|PANIC): +", "", str(error).split(": ", 1)[1].split("\n")[0])
        message = re.sub(r"^(psql:\S+ )?(ERROR|FATAL): +\w+: +", "", message)
        if error.sqlstate == QUERY_CANCELED and not case.may_time_out:
            return Failure(error.sqlstate, f"timed out after {case.limit:g} s", case)
        if error.sqlstate.startswith("XX") or PANIC.search(message) or case.must_answer:
            return Failure(error.sqlstate, (message if len(message) < 300 else message[:60] + " … " + message[-200:]),
                case)
        self.refused += 1
        return None

    def attempt_alone(self, session, case):
        """Repeats a case without other sessions, so that neither load nor another's crash counts as a failure."""
        with contextlib.ExitStack() as others:
            for busy in self.busy:
                others.enter_context(busy)
            return self.attempt(session, case)

    def run(self, session, case, worker):
        if any(self.hopeless.get((g, case.subject)) or self.hopeless.get(g, 0) >= 3 for g in case.given):
            return
        if case.rolled_back:
            self.volatile.acquire()
        try:
            with self.busy[worker]:
                failure = self.attempt(session, case)
            if failure and failure.sqlstate in ("gone", "slow", QUERY_CANCELED):
                failure = self.attempt_alone(session, case)
        finally:
            if case.rolled_back:
                self.volatile.release()
        with self.lock:
            if failure is None:
                self.passed += 1
                return
            if failure.sqlstate in ("hang", "gone"):
                for given in case.given:
                    self.hopeless[given] = self.hopeless.get(given, 0) + 1
                    self.hopeless[given, case.subject] = True
            self.count[failure.key] = self.count.get(failure.key, 0) + 1
            self.functions.setdefault(failure.key, set()).add(case.subject.split("(")[0].removeprefix("user_metrics."))
            known = self.failures.get(failure.key)
            if known is None or len(failure.case.sql) < len(known.case.sql):
                self.failures[failure.key] = failure
            if known is None:
                self.faults.write(f"{failure.sqlstate}: {failure.message}\n    {case.subject}\n    {'; '.join([*case.prepare, case.sql])[:700]}\n")
                self.faults.flush()

    def run_all(self, cases, workers=WORKERS):
        waiting = queue.SimpleQueue()
        for case in cases:
            waiting.put(case)
        broken = []

        def work(worker):
            try:
                with self.session() as session:
                    while True:
                        try:
                            case = waiting.get_nowait()
                        except queue.Empty:
                            return
                        self.run(session, case, worker)
            except Exception as error:
                broken.append(error)
                raise
        threads = [threading.Thread(target=work, args=[n]) for n in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if broken:
            raise broken[0]


def singly(subjects, everything, drawn):
    """Each argument invalid in turn; for those common to all functions a random choice of invalid values."""
    for function in subjects:
        for argument in function.arguments:
            values = hostile(argument)
            if argument.name in SHARED and function.is_over_source and not everything:
                values = drawn.sample(values, 4)
            for value in values:
                yield call(function, {argument.name: value})


def zoned(subjects):
    """Limits at the ends of the calendar in zones whose days are not those of UTC."""
    for function in subjects:
        given = {}
        if function.takes("timezone"):
            given["timezone"] = "'Europe/Berlin'"
        for argument in function.arguments:
            if argument.type == "user_metrics.activity":
                given[argument.name] = "SELECT activity FROM zoned_value"
        if not given:
            continue
        for argument in function.arguments:
            for value in BY_TYPE[argument.type] if argument.type in ("timestamp with time zone", "date") else []:
                case = call(function, given | {argument.name: value})
                case.given = (f"{argument.name} => {value} in a zone",)
                yield case


def in_pairs(subjects, count, drawn):
    many = [function for function in subjects if len(function.arguments) > 1]
    for _ in range(count if many else 0):
        function = drawn.choice(many)
        pair = drawn.sample(function.arguments, 2)
        yield call(function, {argument.name: drawn.choice(hostile(argument, drawn=True)) for argument in pair})


def call(function, given, source="log", **more):
    if function.name in LONG and (source != "log" or any(" FROM odd" in value or " FROM x" in value
        for value in given.values())):
        more["may_time_out"] = True
    return Case(function.identity, function.query(dict(given), source), [f"{k} => {v}" for k, v in given.items()],
                rolled_back=function.volatile, **more)


class Aggregate:
    def __init__(self, row):
        self.identity, self.name = row["identity"], row["name"]
        self.arguments = list(zip(row["names"], row["types"]))
        self.returns = row["returns"]

    def over(self, table, given):
        """The call over a table of odd values; `given` replaces arguments by number."""
        listed = [given.get(n, self.right(name, kind)) for n, (name, kind) in enumerate(self.arguments)]
        listed = [f"({value})::{kind}" for value, (_, kind) in zip(listed, self.arguments)]
        return f"(SELECT user_metrics.{self.name}({', '.join(listed)}) AS v FROM {table})"

    @staticmethod
    def right(name, kind):
        if kind in STORED:
            return f"SELECT m.{kind.removeprefix('user_metrics.')} FROM made AS m"
        return {
            "user_id text": "user_id", "user_id uuid": "md5(user_id)", "user_id bigint": "hashtext(user_id)",
            "occurred_at timestamp with time zone": "created_at",
            "occurred_at timestamp without time zone": "created_at AT TIME ZONE 'UTC'",
            "steps boolean[]": "ARRAY[feature = 'chat', feature = 'code', NULL]", "window_size interval": "'3 days'",
            "mode text": "'ordered'",
            "excluded boolean": "feature = 'image'", "timezone text": "'Europe/Berlin'",
            "list double precision[]": "ARRAY[latency_ms, cost_usd]",
            "session_gap interval": "'30 minutes'", "max_idle interval": "'1 hour'", "happened boolean": "succeeded",
            "duration_seconds double precision": "latency_ms", "denominator double precision": "cost_usd",
            "covariate double precision": "cost_usd",
            "numerator double precision": "latency_ms", "value double precision": "latency_ms",
        }.get(f"{name} {kind}", name)


def aggregates(session):
    rows = session.rows("""
        SELECT p.oid::pg_catalog.regprocedure::text AS identity, p.proname AS name, p.prorettype::regtype::text AS returns,
            p.proargnames AS names, (SELECT json_agg(format_type(t, NULL) ORDER BY i)
            FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a(t, i)) AS types
        FROM pg_catalog.pg_proc AS p WHERE p.pronamespace = 'user_metrics'::pg_catalog.regnamespace AND p.prokind = 'a' ORDER BY 1""")
    return [Aggregate(row) for row in rows]


# What must be possible with any value: output and input, merging, and reading.
AGAIN = "SELECT length(v::text), (v::text::{type})::text = v::text FROM {value} AS q"


def over_log(list_of_aggregates, drawn, count):
    """Aggregates over the log with constants, and with one odd row, as arguments."""
    for aggregate in list_of_aggregates:
        for n, (name, kind) in enumerate(aggregate.arguments):
            values = ["NULL", *BY_TYPE[kind]]
            for value in values if len(values) <= count else drawn.sample(values, count):
                odd = f"CASE WHEN request_id = 'r7' THEN ({value})::{kind} ELSE ({aggregate.right(name, kind)})::{kind} END"
                for shown in (value, odd):
                    yield Case(aggregate.identity, AGAIN.format(type=aggregate.returns, value=aggregate.over("log",
                        {n: shown})), [])


# The columns of hostile logs: types, and possible contents: normal, extreme.
def over_hostile(name, sources, drawn, count):
    for function in sources:
        yield call(function, {}, name)
    for _ in range(count):
        function = drawn.choice(sources)
        given = {}
        for argument in drawn.sample(function.arguments, min(len(function.arguments), drawn.randint(1, 4))):
            if argument.name in ("since", "until", "as_of"):
                given[argument.name] = drawn.choice(INSTANTS)
            elif argument.name == "by":
                given["by"] = drawn.choice(["'feature'", "'UserTier'", "'rating'", "'prompt'", "'properties'",
                    "'cost_usd'", "'occurred_at'", "'user_id'"])
            elif argument.name == "filter":
                given["filter"] = drawn.choice(["'{\"feature\": \"chat\"}'", "'{\"UserTier\": \"pro\"}'",
                    "'{\"cost_usd\": [1, 0]}'", "'{\"UserTier\": null}'"])
            elif argument.name == "timezone":
                given["timezone"] = drawn.choice(["'Europe/Berlin'", "'Pacific/Apia'", "'America/New_York'",
                    "'Asia/Kathmandu'"])
            elif argument.name == "period":
                given["period"] = drawn.choice(["'day'", "'week'", "'month'", "'quarter'", "'year'"])
            elif argument.name in ("metric", "user_id") and argument.type == "text":
                given[argument.name] = drawn.choice(["'cost_usd'", "'latency_ms'", "'rating'", "'revenue_usd'",
                    "'requests'", "'1'", "'5'"])
        yield call(function, given, name)


SAMPLE = """
CREATE TABLE x AS SELECT n, 'u' || n % 9 AS user_id, 'v' || n % 3 AS variant, n % 5 <> 0 AS succeeded, 's' || n % 3 AS session_id,
    CASE WHEN {wild} THEN ({times})[1 + n % {ntimes}] ELSE timestamptz '2024-03-01Z' + n * interval '3 hours' END AS created_at,
    CASE WHEN n % 7 < {often} THEN ({floats})[1 + (n * 5 + {shift}) % {nfloats}] ELSE n * 1.5 END AS latency_ms,
    CASE WHEN n % 5 < {often} THEN ({floats})[1 + (n * 3 + {shift}) % {nfloats}] ELSE n * 0.5 END AS cost_usd,
    (ARRAY['chat', 'code', 'image'])[1 + n % 3] AS feature, 'r' || n AS request_id
FROM generate_series(1, 60) AS n"""


def sample(drawn):
    """A table for the aggregates, and the statement that drops it."""
    times = [t for t in TIMES if drawn.random() < 0.6] or ["NULL"]
    floats = drawn.sample(FLOATS, drawn.randint(1, 5))
    return SAMPLE.format(times="ARRAY[" + ", ".join(f"{t}::timestamptz" for t in times) + "]", ntimes=len(times),
                         floats="ARRAY[" + ", ".join(f"{f}::float8" for f in floats) + "]", nfloats=len(floats),
                         wild=drawn.choice(["false", "n % 4 = 0", "n % 20 = 0"]), often=drawn.randint(0, 3),
                         shift=drawn.randint(0, 9))


def asked(value_of, readouts, drawn, count):
    """Functions over values built from a sample."""
    for function in readouts:
        kinds = [argument for argument in function.arguments if argument.type in STORED]
        given = {argument.name: f"SELECT v FROM {value_of(argument.type)} AS q" for argument in kinds}
        if [argument.type for argument in function.arguments] == ["user_metrics.survival[]"]:
            given["durations"] = f"SELECT ARRAY[q.v, q.v, m.survival] FROM {value_of('user_metrics.survival')} AS q, made AS m"
        yield call(function, given)
        for _ in range(count):
            more = dict(given)
            for argument in drawn.sample(function.arguments, min(2, len(function.arguments))):
                if argument.name in ("since", "until", "as_of"):
                    more[argument.name] = drawn.choice(INSTANTS)
                elif argument.name not in more and argument.type not in ("text[]", "user_metrics.survival[]"):
                    more[argument.name] = drawn.choice(hostile(argument, drawn=True))
            yield call(function, more)


EXTREME_ROWS = [("latency_ms", v) for v in ("1e300", "1.7e308", "'NaN'", "'Infinity'", "-1", "'-Infinity'", "5e15")] + [
    ("created_at", v) for v in ("'294276-12-31 23:59:59.999999+00'", "'4714-11-24 00:00:00+00 BC'", "'infinity'",
    "'-infinity'",
                                "'1000-01-01Z'", "'1970-01-01Z'")] + [
    (column, v) for column in ("cost_usd", "revenue_usd", "rating")
    for v in ("'NaN'", "1e400", "-1e400", "1e300", "1e100000", "1e-16000", "'Infinity'")] + [
    (column, v) for column in ("prompt_tokens", "completion_tokens")
    for v in ("9223372036854775807", "-9223372036854775808")] + [
    ("properties", v) for v in ("'[]'", "'5'", "'null'")] + [
    (column, v) for column in ("user_id", "feature", "model", "session_id", "request_id", "variant", "prompt")
    for v in ("''", "repeat('x', 300000)")]
WIDENED = {"prompt_tokens": "bigint", "completion_tokens": "bigint", "rating": "numeric", "cost_usd": "numeric",
    "revenue_usd": "numeric",
           "latency_ms": "double precision"}


def one_bad_row(sources):
    """A normal log with one extreme row: all functions give a result."""
    setup = ["CREATE TABLE wide AS SELECT * FROM log", *(f"ALTER TABLE wide ALTER {c} TYPE {t}" for c,
        t in WIDENED.items()),
             "CREATE TABLE floating AS SELECT * FROM wide",
             *(f"ALTER TABLE floating ALTER {c} TYPE double precision" for c in ("cost_usd", "revenue_usd", "rating"))]
    cases = []
    for n, (column, value) in enumerate(EXTREME_ROWS):
        for kind in ("wide", "floating"):
            if kind == "floating" and (column not in ("cost_usd", "revenue_usd", "rating")
                or value in ("1e400", "-1e400", "1e100000", "1e-16000")):
                continue
            name = f"bad_{n}_{kind}"
            setup += [f"CREATE TABLE {name} AS SELECT * FROM {kind}",
                      f"INSERT INTO {name} SELECT (w).* FROM (SELECT * FROM {kind} WHERE request_id = 'r150') AS w",
                      f"UPDATE {name} SET {column} = {value} WHERE ctid = (SELECT max(ctid) FROM {name})"]
            for function in sources:
                # Functions with a row for every day since antiquity may be canceled.
                must_answer = not (function.name in LONG and " BC" in value)
                cases.append(call(function, {}, name, must_answer=must_answer,
                                  group=f"one row with {column} = {value} ({kind})"))
    return setup, cases


def shrunk(runner, session, failure):
    """The fewest rows and columns of a hostile log with the same failure."""
    found = re.search(r"'(hostile_\d+)'", failure.case.sql)
    if not found or failure.sqlstate in ("hang", "gone", "slow", QUERY_CANCELED):
        return None
    name = found[1]
    sql = failure.case.sql.replace(f"'{name}'", "'shrinking'")

    def fails(rows, without):
        listed = ", ".join(map(str, rows)) or "NULL"
        session.run("DROP TABLE IF EXISTS shrinking")
        session.run(f"CREATE TABLE shrinking AS SELECT * FROM {name} WHERE n IN ({listed})")
        for column in without:
            session.run(f"ALTER TABLE shrinking DROP {column}")
        again = runner.attempt(session, Case(failure.case.subject, sql, rolled_back=failure.case.rolled_back))
        return again is not None and again.sqlstate == failure.sqlstate
    rows = [int(n) for n in session.run(f"SELECT n FROM {name} ORDER BY n")]
    if not fails(rows, []):
        return None
    size = len(rows) // 2
    while size:
        at = 0
        while at < len(rows):
            fewer = rows[:at] + rows[at + size:]
            if fails(fewer, []):
                rows = fewer
            else:
                at += size
        size //= 2
    without = []
    for column in COLUMNS:
        if column not in NECESSARY and int(session.value(
                f"SELECT count(*) FROM pg_attribute WHERE attrelid = '{name}'::regclass AND attname = '{column}'")):
            if fails(rows, [*without, column]):
                without.append(column)
    fails(rows, without)
    types = session.run("SELECT attname || ' ' || format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'shrinking'::regclass "
                        "AND attnum > 0 AND NOT attisdropped ORDER BY attnum")
    lines = session.run("SELECT left(s::text, 400) FROM shrinking AS s")
    return f"shrinking ({', '.join(types)}): " + "; ".join(lines) + f"\n    {sql}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--faults", default=os.devnull, help="file to which faults are appended as they are found")
    parser.add_argument("word", nargs="?", default="")
    given = parser.parse_args()
    drawn = random.Random(given.seed)
    begun = time.monotonic()
    with open(given.faults, "a") as faults, fresh_database("arguments") as database:
        runner = Runner(database, faults)
        with runner.session() as session:
            session.run_all(statement for statement in SETUP.split(";\n") if statement.strip())
            session.run("CHECKPOINT")
            all_functions, all_aggregates = functions(session), aggregates(session)
            part = given.word if given.word in PARTS else None
            word = "" if part else given.word
            subjects = [function for function in all_functions if word in function.identity]
            sources = [function for function in subjects if function.is_over_source]
            aggregated = [aggregate for aggregate in all_aggregates if word in aggregate.identity]

            def run(name, cases, workers=WORKERS):
                if part not in (None, name):
                    return
                before, refused, started = runner.passed, runner.refused, time.monotonic()
                # Unflushed output would not survive the end of a backend that must be killed.
                session.run("CHECKPOINT")
                runner.run_all(cases, workers)
                revive(session)
                print(f"{name}: {runner.passed - before} passed in {time.monotonic() - started:.0f} s, "
                      f"{runner.refused - refused} of them refused", flush=True)

            run("singly", list(singly(subjects, given.all, drawn)))
            run("zoned", list(zoned(subjects)))
            run("pairs", list(in_pairs(subjects, given.cases * 4, drawn)))
            run("aggregates", list(over_log(aggregated, drawn, 30 if given.all else 4)))

            if part in (None, "hostile_logs"):
                cases = []
                for n in range(12 if given.all else 4):
                    for statement in hostile_log(f"hostile_{n}", drawn):
                        session.run(statement)
                    cases += over_hostile(f"hostile_{n}", sources, drawn, given.cases) if sources else []
                run("hostile_logs", cases)

            if part in (None, "values"):
                cases = []
                for n in range(8 if given.all else 3):
                    session.run("DROP TABLE IF EXISTS x")
                    session.run(sample(drawn))
                    session.run(f"CREATE TABLE x{n} AS SELECT * FROM x")
                    for aggregate in all_aggregates if not word else aggregated:
                        odd = {}
                        for index, (name, kind) in enumerate(aggregate.arguments):
                            if name in ("window_size", "session_gap", "max_idle", "mode") and drawn.random() < 0.4:
                                odd[index] = drawn.choice(BY_TYPE[kind] if kind != "text"
                                    else ["'strict_order'", "'unordered'"])
                        cases.append(Case(aggregate.identity,
                            AGAIN.format(type=aggregate.returns, value=aggregate.over(f"x{n}", odd))))
                    makers = {}
                    for aggregate in all_aggregates:
                        if aggregate.name != "rollup":
                            makers.setdefault(aggregate.returns, []).append(aggregate)

                    def value_of(kind, n=n, makers=makers):
                        return drawn.choice(makers[kind]).over(f"x{n}", {})
                    readouts = [function for function in subjects
                        if any(a.type in STORED or a.type == "user_metrics.survival[]"
                                                                        for a in function.arguments)]
                    cases += asked(value_of, readouts, drawn, 6 if given.all else 3)
                    with tempfile.TemporaryDirectory() as directory:
                        os.chmod(directory, 0o755)
                        for kind in makers:
                            binary(session, runner, value_of(kind), kind, Path(directory) / "value")
                run("values", cases)

            if part in (None, "one_bad_row"):
                setup, cases = one_bad_row(sources)
                for statement in setup:
                    session.run(statement)
                run("one_bad_row", cases)

            if part in (None, "in_time"):
                cases = []
                for function in all_functions:
                    if word not in function.identity or not function.is_over_source:
                        continue
                    for argument in function.arguments:
                        values = BY_NAME.get(argument.name, []) if argument.type == "jsonb" else []
                        if argument.name == "filter" and function.name == "feature_usage":
                            # PostgreSQL's planner takes quadratic time in the number of conditions.
                            values = ["SELECT jsonb_object_agg('k' || i, i) FROM generate_series(1, 20000) AS i"]
                        for value in values:
                            if "generate_series" in value:
                                cases.append(call(function, {argument.name: value}, "empty", limit=1.0,
                                    may_time_out=True))
                run("in_time", cases, 1)

            failures = sorted(runner.failures.values(), key=lambda f: (GRAVITY.get(f.sqlstate[:2], 5), f.sqlstate,
                f.message))
            for failure in failures:
                print(f"\nFAILED {failure.sqlstate} {failure.message}\n    {failure.case.subject} ({runner.count[failure.key]} times)")
                if failure.case.group:
                    print(f"    {failure.case.group}: {', '.join(sorted(runner.functions[failure.key]))}")
                small = shrunk(runner, session, failure)
                print("   ", small or "; ".join([*failure.case.prepare, failure.case.sql])[:1500])
    print(f"\n{time.monotonic() - begun:.0f} s, {sum(runner.count.values())} statements failed, seed {given.seed}")
    print(f"{runner.passed} passed, {len(runner.failures)} failed")
    return 1 if runner.failures else 0


GRAVITY = {"go": 0, "ha": 0, "sl": 1, "XX": 2, "57": 3}


def revive(session):
    """An idle session may be gone with another one that was killed."""
    try:
        session.run("SELECT 1")
    except ServerError:
        session.run("SELECT 1")
    except ServerGone:
        session.restart()


def binary(session, runner, value, kind, path):
    """A value through binary COPY out and in."""
    try:
        session.run("DROP TABLE IF EXISTS taken")
        session.run(f"CREATE TABLE taken AS SELECT v FROM {value} AS q")
        session.run("DROP TABLE IF EXISTS back")
        session.run(f"CREATE TABLE back (v {kind})")
    except ServerError as error:
        if not error.sqlstate.startswith("XX"):
            return
    case = Case(f"binary COPY of {kind}",
        f"COPY taken TO '{path}' (FORMAT binary); COPY back FROM '{path}' (FORMAT binary) -- {value}")
    try:
        session.run(f"\\copy taken TO '{path}' (FORMAT binary)")
        session.run(f"\\copy back FROM '{path}' (FORMAT binary)")
        same = session.value("SELECT count(*) FILTER (WHERE t.v::text IS NOT DISTINCT FROM b.v::text) FROM taken AS t, back AS b")
        failure = None if same == "1" else Failure("differs", "what comes back differs", case)
    except ServerError as error:
        failure = Failure(error.sqlstate, str(error).split("\n")[0][:200], case)
    if failure:
        runner.failures[failure.key] = failure
        runner.count[failure.key] = runner.count.get(failure.key, 0) + 1
    else:
        runner.passed += 1


if __name__ == "__main__":
    sys.exit(main())
