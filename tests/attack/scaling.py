#!/usr/bin/env python3
"""The cost of every function and aggregate grows at most like n log n, whatever the log and the arguments.

    python3 tests/attack/scaling.py [--n 5000] [--log NAME] [WORD]

Every function and aggregate is run over logs that are extreme in one respect, of n, 4n and 16n requests, and with lists and
numbers of growing size as arguments. What is measured is the CPU time of the backend: where it is 50 ms or more, k times as
much may cost at most k to the power of 1.2 times as much. WORD restricts the run to functions whose signature contains it.
Needs a server on this machine with the extension installed, named by libpq's environment variables; works in a database
of its own and drops it. The last line is `N passed, N failed`.
"""

import argparse
import ctypes
import functools
import itertools
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from arguments import aggregates  # noqa: E402
from functions import LOG, STORED, functions  # noqa: E402
from hostile import series  # noqa: E402
from psql import ServerError, Session, fresh_database  # noqa: E402

MOST_EXPONENT = 1.2
# From it on a larger size is asked, too: the first one long enough to measure hides much behind what is linear.
SUSPICIOUS_EXPONENT = 1.1
# Below it, noise and what every call costs would decide.
LEAST_SECONDS = 0.05
# Shorter times count as this: they are what every call costs, and noise.
SHORTEST_SECONDS = 0.004
# Above it, a larger size is not worth its time.
ENOUGH_SECONDS = 1.5
TRIES = 5
# What a function, PostgreSQL's parser or its lists of arguments raise for too much or too little.
REFUSALS = {"22023", "54000", "54001", "54023", "53200"}

# A request by i, of n; what a log replaces of it makes the log extreme.
REQUEST = {
    "user_id": "'u' || i % 500",
    "created_at": "timestamptz '2024-03-01 00:00Z' + i * (interval '90 days' / {n})",
    "request_id": "'r' || i",
    "session_id": "'s' || i / 3",
    "model": "'m' || i % 3",
    "provider": "'p' || i % 2",
    "feature": "(ARRAY['chat', 'code', 'image'])[1 + i % 3]",
    "prompt_tokens": "i % 1000",
    "completion_tokens": "i % 777",
    "cost_usd": "i % 97 * 0.01",
    "revenue_usd": "i % 89 * 0.1",
    "latency_ms": "i * 0.25",
    "succeeded": "i % 4 <> 0",
    "rating": "i % 5",
    "prompt": "'hello ' || i",
    "properties": "jsonb_build_object('UserTier', CASE WHEN i % 2 = 0 THEN 'free' ELSE 'pro' END, 'Source', 'ads')",
    "variant": "CASE WHEN i % 500 < 250 THEN 'a' ELSE 'b' END",
}
LOGS = {
    "features": {
        "feature": "CASE i % 8 WHEN 0 THEN 'chat' WHEN 1 THEN 'code' ELSE 'f' || i END",
        "model": "'m' || i",
        "provider": "'p' || i",
    },
    "one_user": {"user_id": "'u1'"},
    "users": {"user_id": "'u' || i", "variant": "CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END"},
    "instant": {
        "user_id": "'u' || i % 20",
        "created_at": "timestamptz '2024-03-01 00:00Z'",
        "session_id": "'s'",
        "variant": "CASE WHEN i % 20 < 10 THEN 'a' ELSE 'b' END",
    },
    "properties": {
        "session_id": "repeat(md5((i / 3)::text), 10)",
        "prompt": "repeat(md5(i::text), 20)",
        "properties": "jsonb_build_object('UserTier', 't' || i % ({n} / 20), 'Source', 's' || i, 'k' || i, i)",
    },
}
# Values by type: made of a log, and of a part of it.
MADE = {
    "activity": "user_metrics.activity(user_id, created_at)",
    "sessions": "user_metrics.sessions(user_id, created_at, session_id, latency_ms::float8, succeeded, NULL, NULL)",
    "funnel": "user_metrics.funnel(user_id, created_at, ARRAY[feature = 'chat', feature = 'code'], '7 days')",
    "survival": "user_metrics.survival(latency_ms::float8, succeeded)",
    "experiment_moments": "user_metrics.experiment(variant, latency_ms::float8)",
}
BUSY = "user_metrics.sessions(user_id, created_at, session_id, latency_ms::float8, succeeded, '0', '0')"
# Requests are in no order of time: 7919 is a prime number that divides no size.
CREATE_LOG = """
CREATE SCHEMA {schema};
CREATE TABLE {schema}.log AS SELECT {columns}
    FROM (SELECT g * 7919::bigint % {n} AS i FROM generate_series(1, {n}) AS g) AS q;
CREATE TABLE {schema}.made AS SELECT {values} FROM {schema}.log;
ANALYZE {schema}.log
"""

# Calls over every log besides the one with defaults: arguments that choose another algorithm.
ALTERNATIVES = {
    "ab_compare": [{"method": "'mann_whitney'", "metric": "'latency_ms'"}, {"cuped_days": "7"},
                   {"metric": "'latency_ms_p95'"},
                   {"value": "SELECT user_metrics.experiment_sample(variant, latency_ms::float8) FROM log",
                    "method": "'mann_whitney'"}],
    "funnel": [*({"mode": f"'{mode}'"} for mode in ("strict_order", "strict_dedup", "unordered")),
               {"exclude": """'{"provider": "p1"}'"""}],
    "funnel_users": [{"mode": "'unordered'"}],
    "retention_matrix": [{"clock": "'rolling'"}],
    "retention_curve": [{"clock": "'rolling'"}],
}


def texts(k, prefix="x"):
    return f"ARRAY(SELECT '{prefix}' || i FROM generate_series(1, {k}) AS i)"


def integers(k):
    return f"ARRAY(SELECT i FROM generate_series(1, {k}) AS i)"


def shares(k):
    return f"ARRAY(SELECT i / ({k} + 1.0) FROM generate_series(1, {k}) AS i)"


def text(k):
    return f"repeat('x', 10 * {k})"


def of_items(item):
    return lambda k: series(k, item)


def of_members(value, key="'x' || i"):
    return lambda k: f"SELECT jsonb_object_agg({key}, {value}) FROM generate_series(1, {k}) AS i"


def filter_of_values(k):
    return f"SELECT jsonb_build_object('feature', jsonb_agg('x' || i)) FROM generate_series(1, {k}) AS i"


ALIKE = "jsonb_build_object('feature', 'chat')"
DISTINCT = "jsonb_build_object('feature', 'x' || i)"
HEAVY = "jsonb_build_object('requests', jsonb_build_object('>', i))"
FILTERS = [filter_of_values, of_members("'x'"), lambda k: f"SELECT jsonb_build_object({text(k)}, {text(k)})"]
# Ways in which an argument grows, SQL by size: by function and argument, by argument and type, or by argument.
GROWING = {
    **{name: FILTERS for name in ("filter", "converted", "premium", "action", "exposed", "start_event", "end_event", "return_event",
                               "containing")},
    "exclude": [*FILTERS, of_items(ALIKE), of_items(DISTINCT)],
    "steps jsonb": [*(of_items(f"jsonb_build_object('filter', {condition})") for condition in (ALIKE, DISTINCT)),
                    lambda k: f"SELECT jsonb_build_array(jsonb_build_object('filter', ({filter_of_values(k)})))"],
    **{name: [of_items(f"jsonb_build_object('name', 'n' || i, 'filter', {condition})") for condition in (ALIKE, DISTINCT)]
       for name in ("milestones", "behaviours")},
    "plans": [of_members("jsonb_build_object('monthly_request_limit', i)"),
              lambda k: "SELECT jsonb_build_object('free', jsonb_build_object('monthly_request_limit', 5, 'features', "
                        f"jsonb_agg('x' || i))) FROM generate_series(1, {k}) AS i"],
    "rules": [of_items(f"jsonb_build_object('segment', 's' || i, 'all', jsonb_build_array({HEAVY}))"),
              lambda k: f"SELECT jsonb_build_array(jsonb_build_object('segment', 'x', 'all', ({series(k, HEAVY)})))"],
    "weights jsonb": [lambda k: f"SELECT jsonb_object_agg(v, 1) FROM unnest({texts(k)} || '{{a,b}}'::text[]) AS v"],
    **{name: [texts] for name in
       ("user_ids", "tiers", "candidates", "fallback", "advanced_features", "variants text[]")},
    "metrics": [lambda k: texts(k, "retained_d")],
    **{name: [integers] for name in ("offsets", "landmarks", "weeks", "at_seconds")},
    "brackets": [lambda k: f"ARRAY(SELECT 2 * i - 1 || '-' || 2 * i FROM generate_series(1, {k}) AS i)"],
    "retained": [lambda k: f"ARRAY[{k}, 2 * {k}]"],
    "quantiles": [shares],
    "user_id text": [text],
    "feature": [text],
    "variants jsonb": [of_items("'v' || i")],
    "variants text": [lambda k: f"SELECT ({series(k, 'i::text')})::text"],
    "namespace": [lambda k: "SELECT jsonb_build_object('seed', 'p', 'hashVersion', 2, 'ranges', "
                            f"jsonb_agg('[0, 0.1]'::jsonb)) FROM generate_series(1, {k})"],
    "columns": [lambda k: f"SELECT jsonb_build_object('user_id', 'user_id' || repeat(' || ''x''', {k}))"],
}


def durations(k):
    return f"SELECT array_agg(m.survival) FROM made AS m, generate_series(1, {k})"


# Arguments that are valid only together.
TOGETHER = [
    ("srm_check", {"users": of_members("i"), "weights": of_members("1")}),
    ("ab_compare", {
        "value": lambda k: f"SELECT user_metrics.experiment('x' || 1 + i % {k}, i) FROM generate_series(1, 10 * {k}) AS i",
        "weights": of_members("1"),
        "control": lambda k: "'x1'",
    }),
    ("logrank", {"durations": durations}),
    ("logrank", {
        "durations": durations,
        "group_names": lambda k: f"ARRAY(SELECT 'x' || i % 2 FROM generate_series(1, {k}) AS i)",
        "strata": lambda k: f"ARRAY(SELECT 's' || i / 4 FROM generate_series(1, {k}) AS i)",
    }),
    ("experiment_variant", {"variants": texts, "weights": lambda k: f"array_fill(1.0 / {k}, ARRAY[{k}])"}),
    ("funnel_steps", {
        "funnel": lambda k: "SELECT user_metrics.funnel(user_id, created_at, "
                            f"array_fill(true, ARRAY[{k}]), '7 days') FROM log",
        "steps": texts,
    }),
]
# Both ends of a scale, and at most eight columns.
FIXED = {"rating_scale", "adjust"}
NUMBERS = {"integer", "bigint"}


class Backend:
    """A session whose statements are timed by the CPU time of its backend."""

    def __init__(self, session):
        self._session = session
        clock = ctypes.c_int()
        pid = int(session.value("SELECT pg_backend_pid()"))
        # The same time as in /proc, in nanoseconds instead of hundredths of a second.
        if ctypes.CDLL(None).clock_getcpuclockid(pid, ctypes.byref(clock)) != 0:
            raise OSError(f"process {pid} has no CPU clock here")
        self._clock = clock.value

    def use(self, schema):
        self._session.run(f"SET search_path = {schema}, public")

    def seconds(self, statement):
        """What the statement creates is not in the way of the next one."""
        before = time.clock_gettime(self._clock)
        self._session.run("BEGIN")
        try:
            self._session.run(statement)
        finally:
            self._session.run("ROLLBACK")
        return time.clock_gettime(self._clock) - before

    def least_seconds(self, statement):
        return min(self.seconds(statement) for _ in range(2))


@dataclass(frozen=True)
class Case:
    """What grows; by size the statement, its schema and the seconds that it would take without the function."""

    what: str
    sizes: list
    statement: Callable
    schema: Callable
    rest: Callable

    def seconds(self, backend, size, measure):
        backend.use(self.schema(size))
        return measure(self.statement(size)) - self.rest(size)


@dataclass(frozen=True)
class Growth:
    """The times of two sizes."""

    sizes: tuple
    seconds: tuple

    @property
    def exponent(self):
        smaller, larger = (max(seconds, SHORTEST_SECONDS) for seconds in self.seconds)
        return math.log(larger / smaller) / math.log(self.sizes[1] / self.sizes[0])

    def __str__(self):
        shown = ", ".join(f"{1000 * seconds:.0f} ms at {size}" for size, seconds in zip(self.sizes, self.seconds))
        return f"n^{self.exponent:.2f}: {shown}"


def first_growth(backend, case):
    """The growth at the first size that takes long enough to tell; None if what is accepted never does.

    A list may have a least length, too; but some size must be accepted.
    """
    smaller = refusal = None
    for size in case.sizes:
        try:
            larger_seconds = case.seconds(backend, size, backend.seconds)
        except ServerError as error:
            if error.sqlstate not in REFUSALS:
                raise
            if smaller is not None:
                return None
            refusal = error
            continue
        if larger_seconds >= LEAST_SECONDS and smaller is not None:
            return Growth((smaller, size), (case.seconds(backend, smaller, backend.least_seconds), larger_seconds))
        smaller = size
    if smaller is None:
        raise refusal
    return None


def again(backend, case, growth, least):
    """Measures more exactly, and over three sizes; `least` keeps the times of all tries.

    The third one is larger, where what grows faster shows more, or else smaller. Over 16 times as much a jump, as where the
    data outgrow a cache, counts less than over four times as much.
    """
    first = case.sizes.index(growth.sizes[0])
    has_larger = growth.seconds[1] < ENOUGH_SECONDS and first + 2 < len(case.sizes)
    first = first if has_larger else max(first - 1, 0)
    for size in case.sizes[first:first + 3]:
        try:
            least[size] = min(case.seconds(backend, size, backend.least_seconds), least.get(size, math.inf))
        except ServerError as error:
            if error.sqlstate not in REFUSALS or size in growth.sizes:
                raise
    sizes = min(least), max(least)
    return Growth(sizes, (least[sizes[0]], least[sizes[1]]))


def fault(backend, case):
    """The description of a failure, or None."""
    try:
        growth = first_growth(backend, case)
        if growth is None or growth.exponent <= SUSPICIOUS_EXPONENT:
            return None
        first, least = growth, {}
        for _ in range(TRIES):
            growth = again(backend, case, first, least)
            if growth.exponent <= MOST_EXPONENT:
                return None
    except ServerError as error:
        return f"{case.what}: {str(error)[:300]}"
    return f"{case.what}: {growth}\n    {case.statement(growth.sizes[1])[:500]}"


def counted(query):
    """The result is not sent, which would cost more than to compute it."""
    return f"SELECT count(q) FROM ({query}) AS q"


def shown(subject):
    """The name of a function or aggregate, with the type of its first argument."""
    return subject.identity.split(",")[0].removesuffix(")") + (", …)" if "," in subject.identity else ")")


def names(function):
    return {argument.name for argument in function.arguments}


def reads_value(function):
    return any(argument.type.removesuffix("[]") in STORED for argument in function.arguments)


def over_log(log, subjects, aggregated):
    """The statements over a log, with what they are called."""
    for function in subjects:
        if function.volatile or not (function.is_over_source or reads_value(function)):
            continue
        calls = [{}, *(given for given in ALTERNATIVES.get(function.name, []) if given.keys() <= names(function))]
        if log == "properties" and function.takes("by"):
            calls.append({"by": "'UserTier'"})
        for given in calls:
            yield " ".join([shown(function), *given.values()]), counted(function.query(dict(given)))
    for aggregate in aggregated:
        if aggregate.name == "rollup":
            kind = aggregate.returns.removeprefix("user_metrics.")
            yield f"{aggregate.identity} of large values", counted(
                f"SELECT v FROM {aggregate.over('generate_series(1, 3)', {})} AS q")
            yield f"{aggregate.identity} of small values", counted(
                f"SELECT user_metrics.rollup(v) FROM (SELECT {MADE[kind]} AS v FROM log GROUP BY request_id) AS q")
        else:
            yield aggregate.identity, counted(f"SELECT v FROM {aggregate.over('log', {})} AS q")


def logs(session, backend, chosen, sizes, subjects, aggregated):
    """Cases over logs, which are created one after the other."""
    for log in chosen:
        scan = {}
        for n in sizes:
            columns = REQUEST | LOGS[log]
            values = MADE | {"busy": BUSY}
            session.run_all(statement for statement in CREATE_LOG.format(
                schema=f"{log}_{n}", n=n,
                columns=", ".join(f"{value.format(n=n)} AS {name}" for name, value in columns.items()),
                values=", ".join(f"{value} AS {name}" for name, value in values.items())).split(";\n"))
            scan[n] = backend.least_seconds(f"SELECT count(user_id) FROM {log}_{n}.log")
        for what, statement in over_log(log, subjects, aggregated):
            reads_log = "log" in statement
            yield Case(f"{what} over the log {log}", sizes, lambda n, statement=statement: statement,
                       lambda n, log=log: f"{log}_{n}", lambda n, scan=scan, part=reads_log: scan[n] if part else 0)
        for n in sizes:
            session.run(f"DROP SCHEMA {log}_{n} CASCADE")


def ways_to_grow(function):
    """Arguments of growing size, SQL by argument."""
    joined = [ways for name, ways in TOGETHER if name == function.name and ways.keys() <= names(function)]
    yield from joined
    for argument in function.arguments:
        keys = (f"{function.name}.{argument.name}", f"{argument.name} {argument.type}", argument.name)
        found = next((GROWING[key] for key in keys if key in GROWING), None)
        if any(argument.name in ways for ways in joined) or argument.name in FIXED:
            continue
        if found is None and argument.type in NUMBERS:
            found = [str]
        if found is None and (argument.type == "jsonb" or argument.type.endswith("[]")):
            raise KeyError(f"nothing grows argument {argument.name} {argument.type} of {function.identity}")
        for way in found or []:
            yield {argument.name: way}


def growing_arguments(backend, subjects, n):
    """Cases of growing arguments over the small log; the largest has more than n items."""
    sizes = list(itertools.takewhile(lambda size: size < 4 * n, (4 ** power for power in itertools.count())))
    backend.use("public")
    for function in subjects:
        def statement(given, function=function):
            return counted(function.query(given))

        rest = functools.cache(lambda statement=statement: backend.least_seconds(statement({})))
        for ways in ways_to_grow(function):
            yield Case(f"{shown(function)}, growing {' and '.join(ways)}", sizes,
                       lambda k, ways=ways, statement=statement: statement({name: way(k) for name, way in ways.items()}),
                       lambda k: "public", lambda k, rest=rest: rest())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--n", type=int, default=5000, help="requests of the smallest log")
    parser.add_argument("--log", choices=[*LOGS, "arguments"], help="only this log, or only growing arguments")
    parser.add_argument("word", nargs="?", default="")
    given = parser.parse_args()
    sizes = [given.n, 4 * given.n, 16 * given.n]
    passed, failures = 0, []
    settings = {"jit": "off", "max_parallel_workers_per_gather": 0, "statement_timeout": "20s"}
    with fresh_database("scaling") as database, Session(database, **settings) as session:
        session.run_all(LOG.strip().split(";\n"))
        backend = Backend(session)
        subjects = [function for function in functions(session) if given.word in function.identity]
        aggregated = [aggregate for aggregate in aggregates(session) if given.word in aggregate.identity]
        chosen = [log for log in LOGS if given.log in (None, log)]
        cases = logs(session, backend, chosen, sizes, subjects, aggregated)
        if given.log in (None, "arguments"):
            cases = itertools.chain(growing_arguments(backend, subjects, given.n), cases)
        for case in cases:
            found = fault(backend, case)
            if found:
                failures.append(found)
            else:
                passed += 1
    for failure in failures[:40]:
        print(f"FAILED  {failure}")
    print(f"{passed} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
