#!/usr/bin/env python3
"""Every public function and aggregate with hostile arguments, over hostile logs, relations of all kinds and forged values.

    python3 tests/attack/arguments.py [--seed N] [--cases N] [--all] [WORD]    only the part, or the functions, of that name

A statement may raise an error, but must not end with an internal error, a panic's message, a lost connection, a result that
comes later than 250 ms after its statement_timeout, or a state left in memory; nor may it reach its statement_timeout, since
all data are tiny, where it is not meant to. The resident memory of a session stays flat over all of them, and none may ask
for more memory than the server has, unless the argument itself is huge. A log with one extreme row gives a result like a
normal one. `--cases` is the number of random calls over each hostile log, and a quarter of the number of pairs of hostile
arguments. With `--all`, there are more logs, samples and forged values. The parts are those of PARTS.

Starts a server of its own whose processes have 3 GB of address space each (`ulimit -v`); a backend that ignores its timeouts
is killed. Needs scripts/cluster.sh, a built extension and postgres_fdw. The last line is `N passed, N failed`.
"""

import argparse
import contextlib
import itertools
import os
import random
import re
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]

from forged import HEADER, SHORTEST, damaged, forged, framed  # noqa: E402
from functions import STORED, functions  # noqa: E402
from hostile import (  # noqa: E402
    BY_NAME, BY_TYPE, COLUMNS, FLOATS, INSTANTS, NECESSARY, SETUP, TIMES, hostile, hostile_log,
)
from privileges import over_source, query_of  # noqa: E402
from psql import QUERY_CANCELED, Session, fresh_database  # noqa: E402
from server import Server  # noqa: E402
from shadow import DIVISION_BY_ZERO, FAILING, KINDS  # noqa: E402
from sweep import HUNG, LATE, LOST, MOST_GROWTH, OK, Case, Runner  # noqa: E402

ADDRESS_SPACE = 3 << 20
# What the whole sweep must have called, and the share of statements that must have reached a short timeout.
FEWEST_CALLS, LEAST_CANCELED = 3000, 0.2
# These have a row, or work, for every day since the first request: if that is in antiquity they may time out, but must be
# interruptible.
LONG = {"active_users", "engagement", "lifecycle", "lifecycle_stage", "lifecycle_transitions", "retention_curve",
        "retention_matrix", "churn_rate", "peak_hours", "session_stats", "session_time"}


class Subjects:
    """What is called, and how often: the functions and aggregates whose identities contain a word."""

    def __init__(self, session, word, seed, cases, everything):
        self.session, self.drawn, self.cases, self.everything = session, random.Random(seed), cases, everything
        self.functions = [function for function in functions(session) if word in function.identity]
        self.sources = [function for function in self.functions if function.is_over_source]
        self.aggregates = [aggregate for aggregate in aggregates(session) if word in aggregate.identity]
        # Those that make a value, by its type.
        self.makers = {}
        for aggregate in aggregates(session):
            if aggregate.name != "rollup":
                self.makers.setdefault(aggregate.returns, []).append(aggregate)

    def readers(self, kind):
        return [function for function in self.functions if any(argument.type == kind for argument in function.arguments)]


def call(function, given, source="log", **more):
    is_odd = source != "log" or any(" FROM odd" in value or " FROM x" in value for value in given.values())
    more.setdefault("may_time_out", function.name in LONG and is_odd)
    return Case(function.identity, function.query(dict(given), source), [f"{k} => {v}" for k, v in given.items()],
                rolled_back=function.volatile, **more)


# ------------------------------------------------------------------------------------------------ arguments

def singly(subjects):
    """Each argument hostile in turn."""
    for function in subjects.functions:
        for argument in function.arguments:
            for value in hostile(argument):
                yield call(function, {argument.name: value})


def zoned(subjects):
    """Limits at the ends of the calendar in zones whose days are not those of UTC."""
    for function in subjects.functions:
        given = {"timezone": "'Europe/Berlin'"} if function.takes("timezone") else {}
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


def in_pairs(subjects):
    drawn = subjects.drawn
    many = [function for function in subjects.functions if len(function.arguments) > 1]
    for _ in range(4 * subjects.cases if many else 0):
        function = drawn.choice(many)
        pair = drawn.sample(function.arguments, 2)
        yield call(function, {argument.name: drawn.choice(hostile(argument, drawn=True)) for argument in pair})


def huge_in_time(subjects):
    """Arguments so large that checking them takes time: they can be canceled."""
    for function in subjects.sources:
        for argument in function.arguments:
            values = BY_NAME.get(argument.name, []) if argument.type == "jsonb" else []
            if (function.name, argument.name) == ("feature_usage", "filter"):
                # PostgreSQL's planner takes quadratic time in the number of conditions.
                values = ["SELECT jsonb_object_agg('k' || i, i) FROM generate_series(1, 20000) AS i"]
            for value in values:
                if "generate_series" in value:
                    yield call(function, {argument.name: value}, "empty", limit=1.0, may_time_out=True)


def canceled(subjects):
    """Over a log so large that most statements reach their timeouts, at any moment of their work."""
    subjects.session.run("CREATE TABLE large AS SELECT l.user_id || '-' || i % 200 AS user_id,"
                         " created_at + i * interval '1 hour' AS created_at,"
                         " request_id || '-' || i AS request_id, session_id, model, provider, feature,"
                         " prompt_tokens, completion_tokens, cost_usd, revenue_usd, latency_ms, succeeded, rating, prompt,"
                         " properties, variant FROM log AS l, generate_series(1, 400) AS i")
    for function in subjects.sources:
        for seconds in (0.02, 0.04, subjects.drawn.uniform(0.02, 0.1)):
            yield call(function, {}, "large", limit=seconds, may_time_out=True)


# ------------------------------------------------------------------------------------------------ aggregates

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
        return RIGHT_ARGUMENTS.get(f"{name} {kind}", name)


RIGHT_ARGUMENTS = {
    "user_id text": "user_id", "user_id uuid": "md5(user_id)", "user_id bigint": "hashtext(user_id)",
    "occurred_at timestamp with time zone": "created_at",
    "occurred_at timestamp without time zone": "created_at AT TIME ZONE 'UTC'",
    "steps boolean[]": "ARRAY[feature = 'chat', feature = 'code', NULL]", "window_size interval": "'3 days'",
    "mode text": "'ordered'", "excluded boolean": "feature = 'image'", "timezone text": "'Europe/Berlin'",
    "list double precision[]": "ARRAY[latency_ms, cost_usd]", "session_gap interval": "'30 minutes'",
    "max_idle interval": "'1 hour'", "happened boolean": "succeeded", "duration_seconds double precision": "latency_ms",
    "entry_seconds double precision": "latency_ms / 2",
    "denominator double precision": "cost_usd", "covariate double precision": "cost_usd",
    "numerator double precision": "latency_ms", "value double precision": "latency_ms",
}


def aggregates(session):
    rows = session.rows("""
        SELECT p.oid::pg_catalog.regprocedure::text AS identity, p.proname AS name, p.prorettype::regtype::text AS returns,
            p.proargnames AS names, (SELECT json_agg(format_type(t, NULL) ORDER BY i)
            FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a(t, i)) AS types
        FROM pg_catalog.pg_proc AS p
        WHERE p.pronamespace = 'user_metrics'::pg_catalog.regnamespace AND p.prokind = 'a' ORDER BY 1""")
    return [Aggregate(row) for row in rows]


def again(aggregate, value):
    """A value can be written and read again."""
    same = f"(v::text::{aggregate.returns})::text IS NOT DISTINCT FROM v::text"
    return Case(aggregate.identity, f"SELECT {same} FROM {value} AS q", answer="t")


def aggregated(subjects):
    """Aggregates over the log with constants, and with one odd row, as arguments."""
    for aggregate in subjects.aggregates:
        for n, (name, kind) in enumerate(aggregate.arguments):
            for value in ["NULL", *BY_TYPE[kind]]:
                right = aggregate.right(name, kind)
                odd = f"CASE WHEN request_id = 'r7' THEN ({value})::{kind} ELSE ({right})::{kind} END"
                for shown in (value, odd):
                    yield again(aggregate, aggregate.over("log", {n: shown}))


# ------------------------------------------------------------------------------------------------ hostile logs

# What gets far enough to read the log, for arguments that would be refused otherwise.
FITTING = {
    "by": ["'feature'", "'UserTier'", "'rating'", "'prompt'", "'properties'", "'cost_usd'", "'occurred_at'", "'user_id'"],
    "filter": ["'{\"feature\": \"chat\"}'", "'{\"UserTier\": \"pro\"}'", "'{\"cost_usd\": [1, 0]}'",
               "'{\"UserTier\": null}'"],
    "timezone": ["'Europe/Berlin'", "'Pacific/Apia'", "'America/New_York'", "'Asia/Kathmandu'"],
    "period": ["'day'", "'week'", "'month'", "'quarter'", "'year'"],
    "since": INSTANTS, "until": INSTANTS, "as_of": INSTANTS,
}
METRICS = ["'cost_usd'", "'latency_ms'", "'rating'", "'revenue_usd'", "'requests'", "'1'", "'5'"]


def over_hostile_logs(subjects):
    for n in range(12 if subjects.everything else 4):
        for statement in hostile_log(f"hostile_{n}", subjects.drawn):
            subjects.session.run(statement)
        if subjects.sources:
            yield from over_hostile(f"hostile_{n}", subjects.sources, subjects.drawn, subjects.cases)


def over_hostile(name, sources, drawn, count):
    for function in sources:
        yield call(function, {}, name)
    for _ in range(count):
        function = drawn.choice(sources)
        given = {}
        for argument in drawn.sample(function.arguments, min(len(function.arguments), drawn.randint(1, 4))):
            if argument.name in FITTING:
                given[argument.name] = drawn.choice(FITTING[argument.name])
            elif argument.name in ("metric", "user_id") and argument.type == "text":
                given[argument.name] = drawn.choice(METRICS)
        yield call(function, given, name)


EXTREME_ROWS = [
    *(("latency_ms", v) for v in ("1e300", "1.7e308", "'NaN'", "'Infinity'", "-1", "'-Infinity'", "5e15")),
    *(("created_at", v) for v in ("'294276-12-31 23:59:59.999999+00'", "'4714-11-24 00:00:00+00 BC'", "'infinity'",
                                  "'-infinity'", "'1000-01-01Z'", "'1970-01-01Z'")),
    *((column, v) for column in ("cost_usd", "revenue_usd", "rating")
      for v in ("'NaN'", "1e400", "-1e400", "1e300", "1e100000", "1e-16000", "'Infinity'")),
    *((column, v) for column in ("prompt_tokens", "completion_tokens")
      for v in ("9223372036854775807", "-9223372036854775808")),
    *(("properties", v) for v in ("'[]'", "'5'", "'null'")),
    *((column, v) for column in ("user_id", "feature", "model", "session_id", "request_id", "variant", "prompt")
      for v in ("''", "repeat('x', 300000)")),
]
AMOUNTS, ONLY_NUMERIC = ("cost_usd", "revenue_usd", "rating"), ("1e400", "-1e400", "1e100000", "1e-16000")
WIDENED = {"prompt_tokens": "bigint", "completion_tokens": "bigint", "rating": "numeric", "cost_usd": "numeric",
           "revenue_usd": "numeric", "latency_ms": "double precision"}


def one_bad_row(subjects):
    """A normal log with one extreme row: all functions give a result."""
    run = subjects.session.run
    run("CREATE TABLE wide AS SELECT * FROM log")
    for column, kind in WIDENED.items():
        run(f"ALTER TABLE wide ALTER {column} TYPE {kind}")
    run("CREATE TABLE floating AS SELECT * FROM wide")
    for column in AMOUNTS:
        run(f"ALTER TABLE floating ALTER {column} TYPE double precision")
    for (n, (column, value)), kind in itertools.product(enumerate(EXTREME_ROWS), ("wide", "floating")):
        if kind == "floating" and (column not in AMOUNTS or value in ONLY_NUMERIC):
            continue
        name = f"bad_{n}_{kind}"
        run(f"CREATE TABLE {name} AS SELECT * FROM {kind}")
        run(f"INSERT INTO {name} SELECT (w).* FROM (SELECT * FROM {kind} WHERE request_id = 'r150') AS w")
        run(f"UPDATE {name} SET {column} = {value} WHERE ctid = (SELECT max(ctid) FROM {name})")
        for function in subjects.sources:
            # Functions with a row for every day since antiquity may be canceled.
            may_time_out = function.name in LONG and " BC" in value
            yield call(function, {}, name, expected=(OK,), may_time_out=may_time_out,
                       group=f"one row with {column} = {value} ({kind})")


# ------------------------------------------------------------------------------------------------ relations

# A temporary table belongs to its session.
TEMPORARY = KINDS["temporary"]
# What is no log: how it is written as regclass and by name, and the errors that may say so; any but internal ones if None.
OTHER_RELATIONS = """
CREATE TABLE gone AS SELECT 'doomed'::regclass::oid AS oid FROM (SELECT) AS q;
DROP TABLE doomed;
CREATE TABLE pattern (LIKE log);
CREATE FOREIGN TABLE unreachable () INHERITS (pattern) SERVER nowhere
"""
NOWHERE = ("CREATE SERVER nowhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '/nowhere')",
           "CREATE USER MAPPING FOR CURRENT_USER SERVER nowhere")
NO_TABLE, UNREACHABLE = "42P01", "08001"
NOT_READABLE = ("22023", "42809")
NO_LOGS = {
    "'complete'": NOT_READABLE, "'composite'": NOT_READABLE, "'log_idx'": None, "0": None,
    "SELECT oid FROM gone": (NO_TABLE,),
    "'unreachable'": (UNREACHABLE,), "'log_seq'": None, "'pg_catalog.pg_class'": None, "'pg_catalog.pg_attribute'": None,
    "'pg_catalog.pg_stat_activity'": None, "'pg_catalog.pg_settings'": None, "'information_schema.columns'": None,
    "'information_schema.routines'": None, "'user_metrics.functions'": None, "'user_metrics.experiment'": None,
    "SELECT reltoastrelid FROM pg_class WHERE oid = 'log'::regclass": None, "'no_columns'": None, "'useless'": None,
    "NULL": None,
}
# For a form by name, what a name could be.
HOSTILE_NAMES = ("''", "' '", "'no_such'", "'no.such'", "'a.b.c.d.e'", "'.'", "'log; DROP TABLE log'", "'\"log'", "'LOG'",
                 "'log --'", "'(SELECT 1)'", "'pg_temp.temporary'", "repeat('x', 300000)", "repeat('x.', 30000)",
                 "E'l\\no\\tg'", "'ünïcödé ☃'", "'%s'", "'$1'")


def prepare_relations(session):
    for name, statements in KINDS.items():
        if name != "temporary":
            session.run_all(statements)
    rest = ", ".join(column for column in columns_of(session, "log") if column not in ("user_id", "created_at"))
    for name, columns in FAILING.items():
        session.run(f"CREATE VIEW {name} AS SELECT {columns}, {rest} FROM log")
    session.run("CREATE TABLE doomed (LIKE log)")
    # They have all the columns of a log.
    session.run(f"CREATE INDEX complete ON log ({', '.join(columns_of(session, 'log'))})")
    session.run(f"CREATE TYPE composite AS ({', '.join(columns_of(session, 'log', with_types=True))})")
    session.run_all([*NOWHERE, *(s for s in OTHER_RELATIONS.split(";\n") if s.strip())])


def relations(subjects):
    """For every argument that names a relation: logs of all kinds, views that fail half-way, and what is no log at all."""
    expected = {f"'{name}'": (OK,) for name in KINDS} | {f"'{name}'": (DIVISION_BY_ZERO,) for name in FAILING} | NO_LOGS
    names = {function.name for function in subjects.functions}
    for function, kind in over_source(subjects.session):
        if function.name not in names:
            continue
        for argument in (a for a in function.arguments if a.type == "regclass"):
            if kind == "text" and argument.name != "source":
                continue
            values = expected | (dict.fromkeys(HOSTILE_NAMES) if kind == "text" else {})
            for value, ends in values.items():
                given = {argument.name: value}
                yield Case(function.identity, query_of(function, kind, given), [f"{argument.name} => {value}"],
                           expected=ends, group=f"{argument.name} => {value}")


# ------------------------------------------------------------------------------------------------ stored values

SAMPLE = """
CREATE TABLE {name} AS SELECT n, 'u' || n % 9 AS user_id, 'v' || n % 3 AS variant, n % 5 <> 0 AS succeeded,
    's' || n % 3 AS session_id,
    CASE WHEN {wild} THEN ({times})[1 + n % {ntimes}]
        ELSE timestamptz '2024-03-01Z' + n * interval '3 hours' END AS created_at,
    CASE WHEN n % 7 < {often} THEN ({floats})[1 + (n * 5 + {shift}) % {nfloats}] ELSE n * 1.5 END AS latency_ms,
    CASE WHEN n % 5 < {often} THEN ({floats})[1 + (n * 3 + {shift}) % {nfloats}] ELSE n * 0.5 END AS cost_usd,
    (ARRAY['chat', 'code', 'image'])[1 + n % 3] AS feature, 'r' || n AS request_id
FROM generate_series(1, 60) AS n"""


def sample(name, drawn):
    """A table of odd values for the aggregates."""
    times = [t for t in TIMES if drawn.random() < 0.6] or ["NULL"]
    floats = drawn.sample(FLOATS, drawn.randint(1, 5))
    return SAMPLE.format(name=name, times="ARRAY[" + ", ".join(f"{t}::timestamptz" for t in times) + "]", ntimes=len(times),
                         floats="ARRAY[" + ", ".join(f"{f}::float8" for f in floats) + "]", nfloats=len(floats),
                         wild=drawn.choice(["false", "n % 4 = 0", "n % 20 = 0"]), often=drawn.randint(0, 3),
                         shift=drawn.randint(0, 9))


def values(subjects):
    """Aggregates over samples of odd values, and functions over what they give."""
    drawn = subjects.drawn
    for table in (f"x{n}" for n in range(8 if subjects.everything else 3)):
        subjects.session.run(sample(table, drawn))
        for aggregate in subjects.aggregates:
            odd = {}
            for index, (name, kind) in enumerate(aggregate.arguments):
                if name in ("window_size", "session_gap", "max_idle", "mode") and drawn.random() < 0.4:
                    odd[index] = drawn.choice(BY_TYPE[kind] if kind != "text" else ["'strict_order'", "'unordered'"])
            yield again(aggregate, aggregate.over(table, odd))
        yield from over_values(subjects, table)


def over_values(subjects, table):
    drawn = subjects.drawn

    def value_of(kind):
        return drawn.choice(subjects.makers[kind]).over(table, {})
    for function in subjects.functions:
        given = {a.name: f"SELECT v FROM {value_of(a.type)} AS q" for a in function.arguments if a.type in STORED}
        if function.arguments and function.arguments[0].type == "user_metrics.survival[]":
            value = value_of("user_metrics.survival")
            given["durations"] = f"SELECT ARRAY[q.v, q.v, m.survival] FROM {value} AS q, made AS m"
        if not given:
            continue
        yield call(function, given)
        for _ in range(6 if subjects.everything else 3):
            more = dict(given)
            for argument in drawn.sample(function.arguments, min(2, len(function.arguments))):
                if argument.name in FITTING:
                    more[argument.name] = drawn.choice(FITTING[argument.name])
                elif argument.name not in more and argument.type not in ("text[]", "user_metrics.survival[]"):
                    more[argument.name] = drawn.choice(hostile(argument, drawn=True))
            yield call(function, more)


# Values with many items of each kind.
AMPLE = """
CREATE TABLE ample AS SELECT user_metrics.activity(i % 40, t) AS activity,
    user_metrics.sessions(i % 40, t, NULL, 5.0, true, NULL, NULL) AS sessions,
    user_metrics.funnel(i % 40, t, ARRAY[i % 2 = 0, i % 3 = 0], interval '7 days') AS funnel,
    user_metrics.survival(i * 1.37, i % 3 = 0) AS survival,
    user_metrics.experiment_sample('arm ' || i % 20, i * 0.25) AS experiment_moments
FROM (SELECT i, timestamptz '2024-01-01Z' + i * interval '7 hours' FROM generate_series(1, 300) AS i) AS requests(i, t)
"""
READING = [f"SELECT {{kind}} FROM {table}" for table in ("made", "odd", "ample")]
FORGED = "forged input of "
UNREADABLE, CORRUPTED, UNKNOWN_VERSION, MIXED = "22P02", "XX001", "0A000", "42804"


def bytes_of(session, kind):
    """Values of a stored type, as bytes, that are long enough for a checksum of our own."""
    for query in READING:
        for text in session.run(f"SELECT v::text FROM ({query.format(kind=kind)}) AS q(v) WHERE v IS NOT NULL"):
            value = bytes.fromhex(text.removeprefix("\\x"))
            if len(value) >= HEADER + SHORTEST:
                yield value


def stored_as(value):
    return f"'\\x{value.hex()}'"


def broken_values(subjects):
    """Damaged values are refused, whether a client sends them or they are stored; forged ones are read or refused."""
    session, drawn = subjects.session, subjects.drawn
    session.run(AMPLE)
    for stored in sorted(STORED):
        kind = stored.removeprefix("user_metrics.")
        # Without a check, as if the bytes came from a disk.
        session.run(f"CREATE CAST (bytea AS {stored}) WITHOUT FUNCTION")
        right = list(bytes_of(session, kind))
        for value in right:
            yield Case(f"input of {kind}", f"SELECT {stored_as(framed(value, value[HEADER:]))}::{stored}::text",
                       answer=stored_as(value).strip("'"), expected=(OK,))
        yield from damage(subjects, stored, drawn.choice(right))
        for value in right:
            for changed in forged(value, drawn, 200 if subjects.everything else 40):
                yield from forgery(subjects, stored, value, changed)
        yield copied(session, stored)
    both = "SELECT {0} FROM {1} UNION ALL SELECT {0} FROM {2}"
    yield Case("rollup of two time zones", "SELECT user_metrics.rollup(v) FROM ("
               + both.format("activity", "made", "zoned_value") + ") AS q(v)", expected=(MIXED,))


def damage(subjects, stored, value):
    for changed in damaged(value, subjects.drawn):
        written = stored_as(changed)
        yield Case(f"input of {stored}", f"SELECT {written}::{stored}", expected=(UNREADABLE, UNKNOWN_VERSION))
        on_disk = f"{written}::bytea"
        yield Case(f"rollup of {stored}", f"SELECT user_metrics.rollup(({on_disk})::{stored}) FROM generate_series(1, 2)",
                   expected=(CORRUPTED, UNKNOWN_VERSION))
        for function in subjects.readers(stored):
            given = {argument.name: on_disk for argument in function.arguments if argument.type == stored}
            yield call(function, given, expected=(CORRUPTED, UNKNOWN_VERSION))


def forgery(subjects, stored, value, changed):
    written = stored_as(changed)
    yield Case(FORGED + stored, f"SELECT {written}::{stored}::text", answer=written.strip("'"),
               expected=(OK, UNREADABLE, UNKNOWN_VERSION))
    yield Case(f"rollup of {stored}", f"SELECT user_metrics.rollup(v) FROM (VALUES ({written}::{stored}), "
               f"({stored_as(value)}::{stored})) AS q(v)")
    for function in subjects.readers(stored):
        given = {argument.name: written for argument in function.arguments if argument.type == stored}
        yield call(function, given, may_time_out=function.name in LONG)


def copied(session, stored):
    """Values survive binary COPY."""
    kind = stored.removeprefix("user_metrics.")
    path, query = f"{session.value('SHOW data_directory')}/{kind}", " UNION ALL ".join(READING).format(kind=kind)
    return Case(f"binary COPY of {stored}", f"SELECT count(*) = 8 AND bool_and(b.v::text IS NOT DISTINCT FROM o.v::text) "
                f"FROM (SELECT v, row_number() OVER () AS n FROM back) AS b "
                f"FULL JOIN (SELECT v, row_number() OVER () AS n FROM ({query}) AS q(v)) AS o USING (n)",
                prepare=[f"CREATE TEMPORARY TABLE back (v {stored})", f"COPY ({query}) TO '{path}' (FORMAT binary)",
                         f"COPY back FROM '{path}' (FORMAT binary)"], rolled_back=True, answer="t", expected=(OK,))


# ------------------------------------------------------------------------------------------------ the whole

PARTS = {
    "singly": singly, "zoned": zoned, "pairs": in_pairs, "aggregates": aggregated, "hostile_logs": over_hostile_logs,
    "relations": relations, "values": values, "broken_values": broken_values, "one_bad_row": one_bad_row,
    "in_time": huge_in_time, "canceled": canceled,
}
TIMED = ("in_time", "canceled")
GRAVITY = {LOST: 0, HUNG: 0, "states": 1, LATE: 1, QUERY_CANCELED: 3}


def shrunk(runner, session, failure):
    """The fewest rows and columns of a hostile log with the same failure."""
    found = re.search(r"'(hostile_\d+)'", failure.case.sql)
    if not found or failure.sqlstate in (HUNG, LOST, LATE, QUERY_CANCELED):
        return None
    name = found[1]
    sql = failure.case.sql.replace(f"'{name}'", "'shrinking'")

    def fails(rows, without):
        listed = ", ".join(map(str, rows)) or "NULL"
        session.run("DROP TABLE IF EXISTS shrinking")
        session.run(f"CREATE TABLE shrinking AS SELECT * FROM {name} WHERE n IN ({listed})")
        for column in without:
            session.run(f"ALTER TABLE shrinking DROP {column}")
        again = runner.attempt(runner.backends[0], Case(failure.case.subject, sql, rolled_back=failure.case.rolled_back))
        return again is not None and again.sqlstate == failure.sqlstate
    rows = [int(n) for n in session.run(f"SELECT n FROM {name} ORDER BY n")]
    if not fails(rows, []):
        return None
    rows = fewest(rows, lambda fewer: fails(fewer, []))
    without = []
    for column in columns_of(session, name):
        if column in COLUMNS and column not in NECESSARY and fails(rows, [*without, column]):
            without.append(column)
    fails(rows, without)
    lines = session.run("SELECT left(s::text, 400) FROM shrinking AS s")
    return f"shrinking ({', '.join(columns_of(session, 'shrinking', with_types=True))}): {'; '.join(lines)}\n    {sql}"


def columns_of(session, table, with_types=False):
    shown = "attname || ' ' || format_type(atttypid, atttypmod)" if with_types else "attname"
    return session.run(f"SELECT {shown} FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0 "
                       "AND NOT attisdropped ORDER BY attnum")


def fewest(rows, fail):
    """Leaves out rows, many at a time first, as long as the rest still fails."""
    size = len(rows) // 2
    while size:
        at = 0
        while at < len(rows):
            fewer = rows[:at] + rows[at + size:]
            if fail(fewer):
                rows = fewer
            else:
                at += size
        size //= 2
    return rows


def run_parts(names, runner, subjects):
    """Runs what is not about time in random order, so that whatever needs most memory comes soon, and growth shows."""
    mixed = []
    for name in names:
        if name not in TIMED:
            mixed += cases_of(name, subjects)
    subjects.drawn.shuffle(mixed)
    # Unflushed output would not survive the end of a backend that must be killed.
    subjects.session.run("CHECKPOINT")
    runner.run_all(mixed)
    for name in names:
        if name in TIMED:
            run_in_time(name, runner, cases_of(name, subjects))


def cases_of(name, subjects):
    cases = list(PARTS[name](subjects))
    print(f"{name}: {len(cases)} calls", flush=True)
    return cases


def run_in_time(name, runner, cases):
    """One after the other: nothing else competes for time."""
    calls, timed_out = runner.calls, runner.timed_out
    runner.run_all(cases, 1)
    if name == "canceled" and cases:
        share = (runner.timed_out - timed_out) / (runner.calls - calls)
        runner.check(share >= LEAST_CANCELED, "canceled", f"only {share:.0%} of the statements reached their timeouts")


def address_space(pid):
    """The limit of a process, in bytes."""
    return int(re.search(r"^Max address space +(\d+)", Path(f"/proc/{pid}/limits").read_text(), re.MULTILINE)[1])


def check_the_whole(runner, server, is_whole):
    """What no single statement shows."""
    limits = {address_space(backend.pid) for backend in runner.backends}
    runner.check(limits == {1024 * ADDRESS_SPACE}, "ulimit", f"the sessions have address spaces of {limits} bytes")
    growths = [growth for backend in runner.backends for growth in backend.growth()]
    for growth in growths:
        runner.check(growth <= MOST_GROWTH, "memory", f"the resident memory of a session has grown by {growth:.0f} kB")
    log = (server.directory / "log").read_text(errors="replace")
    crashes = log.count("was terminated by signal")
    runner.check(crashes == runner.kills, "crashes", f"{crashes} processes were ended by a signal, {runner.kills} by us")
    if is_whole:
        runner.check(len(growths) >= len(runner.backends), "memory", "no session lived long enough")
        for stored in sorted(STORED):
            # Otherwise no function has read one.
            runner.check(runner.answered[FORGED + stored] > 0, FORGED + stored, "all were refused")
        runner.check(runner.calls >= FEWEST_CALLS, "calls", f"only {runner.calls} calls")
    print(f"{runner.refused} calls refused, {runner.timed_out} canceled; growth of the sessions' memory: "
          f"{', '.join(f'{growth:.0f} kB' for growth in growths)}")


def report(runner, session):
    failures = sorted(runner.failures.values(), key=lambda f: (GRAVITY.get(f.sqlstate, 2), f.sqlstate, f.message))
    for failure in failures[:40]:
        print(f"FAILED  {failure.sqlstate} {failure.message}")
        print(f"    {failure.case.subject} ({runner.count[failure.key]} times)")
        if failure.case.group:
            print(f"    {failure.case.group}: {', '.join(sorted(runner.subjects[failure.key]))}")
        print("   ", shrunk(runner, session, failure) or failure.case.shown[:1500])


def sweep(server, given):
    """Runs the parts; returns the runner with what it found."""
    part = given.word if given.word in PARTS else None
    with fresh_database("arguments") as database, Session(database) as session:
        session.run_all(statement for statement in SETUP.split(";\n") if statement.strip())
        prepare_relations(session)
        subjects = Subjects(session, "" if part else given.word, given.seed, given.cases, given.all)
        with contextlib.closing(Runner(database, TEMPORARY)) as runner:
            runner.check(bool(subjects.functions or subjects.aggregates), "WORD", f"nothing is named like {given.word}")
            run_parts([part] if part else list(PARTS), runner, subjects)
            check_the_whole(runner, server, not given.word)
            report(runner, session)
    return runner


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("word", nargs="?", default="")
    given = parser.parse_args()
    begun = time.monotonic()
    with Server("test-arguments") as server:
        server.stop()
        # The allocator returns large blocks at once: what it would keep for later looks like a leak.
        os.environ["MALLOC_MMAP_THRESHOLD_"] = "65536"
        server.start(ADDRESS_SPACE)
        runner = sweep(server, given)
    print(f"{time.monotonic() - begun:.0f} s, {sum(runner.count.values())} statements failed, seed {given.seed}")
    print(f"count: calls of the sweep {runner.calls}")
    print(f"{runner.passed} passed, {len(runner.failures)} failed")
    return 1 if runner.failures else 0


if __name__ == "__main__":
    sys.exit(main())
