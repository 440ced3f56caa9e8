#!/usr/bin/env python3
"""Every aggregate of the extension in every kind of plan, and in plans that are interrupted.

    python3 tests/plans.py [WORD]         only the tests whose names contain the word

Needs a server with the extension installed, named by libpq's environment variables, and a superuser; works in a database of
its own and drops it. The aggregates are taken from the catalog; their arguments are in ARGUMENTS, and one that is missing
there fails. Every plan must give the same bytes as one plain pass; however a statement ends, no state may be left. The last
line is `N passed, N failed`.
"""

import re
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from psql import QUERY_CANCELED, SEPARATOR, ServerError, ServerGone, Session, fresh_database

# The arguments of each aggregate: columns of the table of requests, see DATA.
INSTANT, UTC = "timestamp with time zone", "timestamp without time zone"
ARGUMENTS = {
    f"user_metrics.activity({kind},{instant}{zone})": (f"user_{kind}", at, *(["zone"] if zone else []))
    for kind in ("text", "uuid", "bigint")
    for instant, at in ((INSTANT, "occurred_at"), (UTC, "occurred_utc"))
    for zone in ("", ",text")
} | {
    f"user_metrics.sessions({kind},{instant}{types})": (f"user_{kind}", at, *arguments)
    for kind in ("text", "uuid", "bigint")
    for instant, at in ((INSTANT, "occurred_at"), (UTC, "occurred_utc"))
    for types, arguments in (("", ()), (",text,double precision,boolean,interval,interval",
                                        ("chat", "latency", "answered", "interval '9 days'", "interval '40 days'")))
} | {
    f"user_metrics.funnel({kind},{instant},boolean[],interval{types})":
        (f"user_{kind}", at, "steps", "interval '30 days'", *arguments)
    for kind in ("text", "uuid", "bigint")
    for instant, at in ((INSTANT, "occurred_at"), (UTC, "occurred_utc"))
    for types, arguments in (("", ()), (",text", ("'strict_order'",)), (",text,boolean", ("'unordered'", "odd")))
} | {
    "user_metrics.rollup(user_metrics.activity)": ("one_activity",),
    "user_metrics.rollup(user_metrics.funnel)": ("one_funnel",),
    "user_metrics.rollup(user_metrics.sessions)": ("one_session",),
    "user_metrics.survival(double precision,boolean)": ("latency", "answered"),
    "user_metrics.survival(double precision,boolean,double precision)": ("latency", "answered", "latency / 2"),
    "user_metrics.rollup(user_metrics.survival)": ("one_survival",),
    "user_metrics.rollup(user_metrics.experiment_moments)": ("one_experiment",),
    "user_metrics.experiment(text,double precision)": ("arm", "latency"),
    "user_metrics.experiment(text,double precision,double precision)": ("arm", "latency", "user_bigint"),
    "user_metrics.experiment_ratio(text,double precision,double precision)": ("arm", "latency", "user_bigint"),
    "user_metrics.experiment_sample(text,double precision)": ("arm", "latency"),
    "user_metrics.experiment_lists(text,double precision[])": ("arm", "latencies"),
}

# 20,000 requests of 6,000 users, more than a state adds row by row; a NULL and a blank user among them. One tenant has two
# thirds of the rows, four share the rest; chunks are small. Rows are not in time order.
DATA = """
CREATE TABLE requests AS
SELECT r.*, user_metrics.activity(user_text, occurred_at, zone) AS one_activity,
    user_metrics.sessions(user_text, occurred_at, chat, latency, answered, interval '9 days', NULL) AS one_session,
    user_metrics.survival(latency, answered) AS one_survival,
    user_metrics.funnel(user_text, occurred_at, steps, interval '30 days') AS one_funnel,
    user_metrics.experiment(arm, latency) AS one_experiment
FROM (
    SELECT id, CASE WHEN id % 3 < 2 THEN 0 ELSE 1 + id % 4 END AS tenant, abs(hashint4(id)) % 1000 AS chunk,
        CASE WHEN id % 89 = 0 THEN ' ' ELSE 'user ' || n END AS user_text, md5(n::text)::uuid AS user_uuid,
        n::bigint - 50 AS user_bigint, at AS occurred_at, at AT TIME ZONE 'UTC' AS occurred_utc,
        'Australia/Lord_Howe' AS zone,
        -- Hours of latency, so that requests overlap; few ids, so that they come again.
        CASE WHEN id % 5 < 3 THEN 'chat ' || id % 5 END AS chat,
        CASE WHEN id % 7 > 0 THEN abs(hashint4(id + 5)) % 40000000 + 0.25 END::float8 AS latency,
        CASE WHEN id % 11 > 0 THEN id % 11 < 9 END AS answered,
        ARRAY[id % 3 = 0, CASE WHEN id % 11 > 0 THEN id % 11 < 5 END, id % 7 = 2] AS steps,
        id % 13 = 0 AS odd, 'arm ' || id % 97 AS arm,
        ARRAY[id % 5, id % 7]::float8[] AS latencies
    FROM generate_series(1, 20000) AS id,
        LATERAL (SELECT CASE WHEN id % 97 > 0 THEN abs(hashint4(id + 7)) % 6000 END) AS u(n),
        LATERAL (SELECT timestamptz '2024-01-01 00:00+00' + abs(hashint4(id + 99)) % 15552000 * interval '1 s') AS t(at)
) AS r
GROUP BY id, tenant, chunk, user_text, user_uuid, user_bigint, occurred_at, occurred_utc, zone, chat, latency, answered, steps, odd, arm, latencies;
CREATE TABLE requests_by_tenant (LIKE requests) PARTITION BY LIST (tenant);
CREATE TABLE requests_of_0 PARTITION OF requests_by_tenant FOR VALUES IN (0);
CREATE TABLE requests_of_1_2 PARTITION OF requests_by_tenant FOR VALUES IN (1, 2);
CREATE TABLE requests_of_3_4 PARTITION OF requests_by_tenant FOR VALUES IN (3, 4);
INSERT INTO requests_by_tenant SELECT * FROM requests;
CREATE TABLE few AS SELECT * FROM requests ORDER BY id LIMIT 60;
CREATE VIEW log AS SELECT user_text AS user_id, occurred_at, latency AS latency_ms FROM requests;
CREATE TABLE million AS
SELECT (abs(hashint4(id)) % 300000)::bigint AS user_id, 'model ' || id % 3 AS model, id % 5 * 1000 AS latency_ms,
    timestamptz '2024-01-01 00:00+00' + id * interval '15 s' AS created_at
FROM generate_series(1, 1000000) AS id;
CREATE TABLE large (part int, activity user_metrics.activity, sessions user_metrics.sessions, survival user_metrics.survival,
    funnel user_metrics.funnel);
ALTER TABLE large ALTER COLUMN activity SET STORAGE EXTERNAL, ALTER COLUMN sessions SET STORAGE EXTERNAL,
    ALTER COLUMN survival SET STORAGE EXTERNAL, ALTER COLUMN funnel SET STORAGE EXTERNAL;
INSERT INTO large
SELECT part, user_metrics.activity(part * 300000 + n, timestamptz '2024-01-01 00:00+00' + day * interval '9 days'),
    user_metrics.sessions(part * 300000 + n, timestamptz '2024-01-01 00:00+00' + day * interval '9 days'),
    user_metrics.survival(part + n % 50000 + day / 100.0, day = 13),
    user_metrics.funnel(part * 300000 + n, timestamptz '2024-01-01 00:00+00' + day * interval '9 days',
        ARRAY[day = 0, day = 1, day = 13], interval '200 days')
FROM generate_series(0, 2) AS part, (SELECT generate_series(1, 400000)::bigint) AS users(n),
    (VALUES (0), (1), (13)) AS days(day)
GROUP BY part;
VACUUM ANALYZE requests, requests_by_tenant, million, large
"""

SERIAL = {"max_parallel_workers_per_gather": 0}
# Only workers read the table, so that the result went through combine, serialize and deserialize.
PARALLEL = {"max_parallel_workers_per_gather": 2, "parallel_setup_cost": 0, "parallel_tuple_cost": 0,
            "min_parallel_table_scan_size": 0, "parallel_leader_participation": "off"}
HASHED, SORTED = {"enable_sort": "off"}, {"enable_hashagg": "off"}
PARTITIONWISE = {"enable_partitionwise_aggregate": "on"}
SPILLING = {"work_mem": "64kB", "hash_mem_multiplier": 1}

# The functions and the values they read.
READOUTS = dict.fromkeys(("active_users", "engagement", "lifecycle", "churn_rate", "seasonality", "stickiness",
                          "retention_matrix", "retention_curve", "cohort_table"), "activity")
READOUTS |= dict.fromkeys(("session_stats", "session_hazard", "session_list"), "sessions")
# Functions with a form over a log only, or with two values.
OF_SOURCES = ("session_time",)
# Functions over a log that use both sessions and survival.
JOURNEY = ("first_sessions", "activation_milestones")
# Functions over values only.
SURVIVAL_READOUTS = ("user_metrics.survival_curve((SELECT survival", "user_metrics.survival_quantiles((SELECT survival",
                     "user_metrics.survival_summary((SELECT survival", "user_metrics.logrank((SELECT ARRAY[survival]")
READOUTS["funnel_steps"] = "funnel"
# Functions whose form over a log has another name, and which are called separately.
OVER_VALUES = {"funnel_steps"}
STEPS = """steps => '[{"filter": {"model": "model 0"}}, {"filter": {"model": "model 1"}}, {"filter": {}}, {"filter": {"model": "model 2"}}]'"""
# The arguments of an aggregate besides user and time.
FURTHER = {"funnel": ", ARRAY[model = 'model 0', model = 'model 1'], interval '7 days'"}
# Arguments that make a function return several rows for a log of a million.
SEVERAL_ROWS = {"churn_rate": ", period => 'week'", "session_stats": ", period => 'week'", "session_time": ", period => 'week'", "session_hazard": ", max_requests => 4, session_gap => '1 day'"}

OUT_OF_MEMORY, ADMIN_SHUTDOWN, FEATURE_NOT_SUPPORTED, UNDEFINED_FUNCTION = "53200", "57P01", "0A000", "42883"


class Wrong(Exception):
    """A failure of a test."""


def require(condition, complaint):
    if not condition:
        raise Wrong(complaint)


# ------------------------------------------------------------------------------------------------ results of every plan

@dataclass
class Aggregate:
    """One aggregate of the extension, and its results over the table of requests in one plain pass."""

    signature: str
    result_type: str
    rollup: str                                  # the aggregate that merges its results, '' where they are no values
    expected: dict = field(default_factory=dict)

    def call(self, arguments=None, after=""):
        name = self.signature.split("(")[0]
        return f"{name}({', '.join(arguments or ARGUMENTS[self.signature])}{after})"

    def fill(self, template):
        reversed_call = self.call(after=" ORDER BY id DESC")
        return template.format(call=self.call(), reversed=reversed_call, rollup=self.rollup, type=self.result_type)


@dataclass
class Way:
    """A way to compute the results: a query of (what, which, result), under settings that lead to a certain plan."""

    name: str
    settings: dict
    query: str
    gives: tuple                                 # which of the expected results: "all", "tenant", "chunk"
    shows: tuple = ()                            # patterns the plan must show
    hides: tuple = ()
    explain: str = "COSTS OFF"


ALL = "SELECT 'all', 0, {call}::text FROM requests"
BY_TENANT = "SELECT 'tenant', tenant, {call}::text FROM requests GROUP BY tenant"
BY_CHUNK = "SELECT 'chunk', chunk, {call}::text FROM requests GROUP BY chunk"
GROUPING_SETS = ("SELECT CASE GROUPING(tenant, chunk) WHEN 1 THEN 'tenant' WHEN 2 THEN 'chunk' ELSE 'all' END, "
                 "coalesce(tenant, chunk, 0), {call}::text FROM requests "
                 "GROUP BY GROUPING SETS ((tenant), (chunk), ())")
FILTERED = ("SELECT 'tenant', n - 1, r FROM (SELECT "
            + ", ".join(f"{{call}} FILTER (WHERE tenant = {tenant})::text" for tenant in range(5))
            + " FROM requests) AS f(r0, r1, r2, r3, r4), unnest(ARRAY[r0, r1, r2, r3, r4]) WITH ORDINALITY AS u(r, n)")
SUBQUERIES = "SELECT 'tenant', t, (SELECT {call}::text FROM requests WHERE tenant = t) FROM generate_series(0, 4) AS t"
MERGED = "SELECT 'all', 0, {rollup}(value)::text FROM "
CHUNKS = "(SELECT chunk, {call} AS value FROM requests GROUP BY chunk) AS c"
PARTS = ("(SELECT {call} AS value FROM requests WHERE tenant < 2 UNION ALL SELECT NULL "
         "UNION ALL SELECT {call} FROM requests WHERE tenant >= 2) AS p")

PLAIN = [
    Way("one plain pass", SERIAL, ALL, ("all",), ("^Aggregate",), ("Gather", "Partial")),
    Way("one plain pass", SERIAL | SORTED, BY_TENANT, ("tenant",), ("GroupAggregate",), ("Gather", "Partial")),
    Way("one plain pass", SERIAL | SORTED, BY_CHUNK, ("chunk",), ("GroupAggregate",), ("Gather", "Partial")),
]
WAYS = [
    Way("parallel", PARALLEL, ALL, ("all",),
        ("Finalize Aggregate", "Gather", "Partial Aggregate", "Parallel Seq Scan")),
    Way("parallel, hashed groups", PARALLEL | HASHED, BY_TENANT, ("tenant",), ("Gather", "Partial HashAggregate")),
    Way("parallel, sorted groups", PARALLEL | SORTED, BY_CHUNK, ("chunk",), ("Gather Merge", "Partial GroupAggregate")),
    Way("hashed", SERIAL | HASHED, BY_TENANT, ("tenant",), ("HashAggregate",), ("Gather",)),
    Way("hashed, spilled to disk", SERIAL | HASHED | SPILLING, BY_CHUNK, ("chunk",),
        ("HashAggregate", r"Batches: ([2-9]|\d\d)"), explain="ANALYZE, COSTS OFF, TIMING OFF"),
    Way("sorted", SERIAL | SORTED, BY_TENANT, ("tenant",), ("GroupAggregate", "Sort"), ("HashAggregate",)),
    Way("partitionwise", SERIAL | PARTITIONWISE, BY_TENANT.replace("requests", "requests_by_tenant"), ("tenant",),
        (r"Append\n\s+-> +\w*Aggregate",), ("Partial", "Finalize")),
    Way("partitionwise, partial", SERIAL | PARTITIONWISE, ALL.replace("requests", "requests_by_tenant"), ("all",),
        (r"Finalize Aggregate\n\s+-> +Append\n\s+-> +Partial Aggregate",)),
    Way("partitionwise, partial groups", SERIAL | PARTITIONWISE | HASHED,
        BY_CHUNK.replace("requests", "requests_by_tenant"), ("chunk",), (r"Append\n\s+-> +Partial HashAggregate",)),
    Way("partitionwise, parallel", PARALLEL | PARTITIONWISE, ALL.replace("requests", "requests_by_tenant"), ("all",),
        ("Gather", r"Parallel Append\n\s+-> +Partial Aggregate")),
    Way("rows shuffled", SERIAL, ALL.replace("requests", "(SELECT * FROM requests ORDER BY md5(id::text)) AS r"),
        ("all",), (r"^Aggregate\n\s+-> +Sort",)),
    Way("rows reversed", SERIAL, ALL.replace("requests", "(SELECT * FROM requests ORDER BY occurred_at DESC) AS r"),
        ("all",), (r"^Aggregate\n\s+-> +Sort",)),
    Way("ORDER BY within", PARALLEL, ALL.replace("call", "reversed"), ("all",), ("Aggregate",), ("Partial",)),
    Way("grouping sets, hashed", SERIAL | HASHED, GROUPING_SETS, ("all", "tenant", "chunk"), ("MixedAggregate",)),
    Way("grouping sets, sorted", SERIAL | SORTED, GROUPING_SETS, ("all", "tenant", "chunk"),
        ("GroupAggregate", "Sort Key")),
    Way("FILTER", PARALLEL, FILTERED, ("tenant",), ("Gather", "Partial Aggregate")),
    Way("a subquery for each group", SERIAL, SUBQUERIES, ("tenant",), ("SubPlan",)),
    Way("chunks merged", SERIAL, MERGED + CHUNKS, ("all",)),
    Way("chunks merged in two steps", SERIAL,
        MERGED + "(SELECT {rollup}(value) AS value FROM " + CHUNKS + " GROUP BY chunk % 10) AS s", ("all",)),
    Way("chunks merged in any order", SERIAL,
        MERGED.replace("value", "value ORDER BY md5(chunk::text)") + CHUNKS, ("all",)),
    Way("chunks stored as text and merged", SERIAL, MERGED.replace("value", "value::text::{type}") + CHUNKS, ("all",)),
    Way("parts merged, one of them NULL", SERIAL, MERGED + PARTS, ("all",)),
]


def results(lines):
    return {tuple(line.split(SEPARATOR)[:2]): line.split(SEPARATOR)[2] for line in lines}


def outcome(session, query):
    """The result of a query of one value, or its error."""
    try:
        return session.value(query)
    except ServerError as error:
        return f"SQLSTATE {error.sqlstate}"


def plan(session, query, options="COSTS OFF"):
    return "\n".join(session.run(f"EXPLAIN ({options}) {query}"))


def require_plan(text, shows=(), hides=()):
    for pattern in shows:
        require(re.search(pattern, text, re.MULTILINE), f"the plan does not show {pattern}:\n{text}")
    for pattern in hides:
        require(not re.search(pattern, text, re.MULTILINE), f"the plan shows {pattern}:\n{text}")


def by_way(session, aggregate, way):
    """The results of a way, after a check of its plan."""
    query = aggregate.fill(way.query)
    with session.setting(**way.settings):
        require_plan(plan(session, query, way.explain), way.shows, way.hides)
        return results(session.run(query))


def compare(got, expected):
    require(got.keys() == expected.keys(), f"groups {sorted(expected.keys() ^ got.keys())[:5]} are missing or too many")
    wrong = [key for key in expected if got[key] != expected[key]]
    require(not wrong, f"{len(wrong)} of {len(expected)} results differ, such as that of {wrong[:1]}")


def one_plain_pass(session, aggregate):
    for way in PLAIN:
        aggregate.expected |= by_way(session, aggregate, way)
    require(len(aggregate.expected) == 1 + 5 + 1000, f"{len(aggregate.expected)} groups")
    require(all(aggregate.expected.values()), "a group without a result")


def every_way_alike(session, aggregate, way):
    expected = {key: result for key, result in aggregate.expected.items() if key[0] in way.gives}
    compare(by_way(session, aggregate, way), expected)


def distinct_rows(session, aggregate):
    """An aggregate with DISTINCT equals one over distinct rows; it sorts, so it is refused for stored values."""
    arguments = ARGUMENTS[aggregate.signature]
    names, distinct = ", ".join(arguments), ("DISTINCT " + arguments[0], *arguments[1:])
    rows = "(SELECT * FROM requests UNION ALL SELECT * FROM requests WHERE tenant = 1) AS r"
    within = outcome(session, f"SELECT {aggregate.call(distinct)}::text FROM {rows}")
    before = outcome(session, f"SELECT {aggregate.call()}::text FROM (SELECT DISTINCT {names} FROM {rows}) AS d")
    if aggregate.signature.startswith("user_metrics.rollup("):
        require(within == f"SQLSTATE {UNDEFINED_FUNCTION}" and before.startswith("\\x"), f"{within[:60]}, {before[:60]}")
    else:
        require(within == before, f"{within[:60]} is not {before[:60]}")


def moving_frames(session, aggregate):
    """As a window function: the result of a subquery over the frame's rows, or a clear error."""
    for start, bound in (("UNBOUNDED", "true"), ("3", "r.id >= w.id - 3")):
        frame = f"SELECT {aggregate.call()} OVER (ORDER BY id ROWS BETWEEN {start} PRECEDING AND CURRENT ROW)"
        try:
            got = session.run(f"SELECT id, 0, v::text FROM ({frame} AS v, id FROM few) AS w")
        except ServerError as error:
            require(error.sqlstate == FEATURE_NOT_SUPPORTED, str(error))
            continue
        want = session.run(f"SELECT id, 0, (SELECT {aggregate.call()}::text FROM few AS r "
                           f"WHERE r.id <= w.id AND {bound}) FROM few AS w")
        require(len(want) == 60, f"{len(want)} rows")
        compare(results(got), results(want))


def without_rows(session, aggregate):
    for settings in (SERIAL, PARALLEL):
        with session.setting(**settings):
            got = session.run(f"SELECT {aggregate.call()} IS NULL FROM requests WHERE id < 0")
            require(got == ["t"], f"{got} of no rows")
            got = session.run(f"SELECT {aggregate.call()}::text FROM requests WHERE id < 0 GROUP BY tenant")
            require(got == [], f"{len(got)} groups of no rows")
            for groups, answer in (("", ["t"]), ("GROUP BY tenant", ["t"] * 5)):
                got = session.run(f"SELECT {aggregate.call()} FILTER (WHERE id < 0) IS NULL FROM requests {groups}")
                require(got == answer, f"{got} where FILTER leaves no rows")


def null_arguments(session, aggregate):
    """With NULL for any argument or for all: the same in every plan, a value or a clear error."""
    arguments = ARGUMENTS[aggregate.signature]
    types = re.search(r"\((.*)\)", aggregate.signature)[1].split(",")
    nulls = [f"NULL::{type}" for type in types]
    cases = {tuple(null if i == j else name for j, (name, null) in enumerate(zip(arguments, nulls)))
             for i in range(len(nulls))} | {tuple(nulls)}
    for case in cases:
        outcomes = set()
        for settings in (SERIAL, PARALLEL):
            with session.setting(**settings):
                outcomes.add(outcome(session, f"SELECT {aggregate.call(case)}::text FROM requests"))
        require(len(outcomes) == 1, f"{aggregate.call(case)}: {[o[:60] for o in outcomes]}")
        answer = outcomes.pop()
        refused = answer.startswith("SQLSTATE")
        require(not refused or answer.startswith("SQLSTATE 22"), f"{aggregate.call(case)}: {answer}")
        of_one = outcome(session, f"SELECT {aggregate.call(case)}::text FROM requests WHERE id = 1")
        require(of_one.startswith("SQLSTATE") == refused, f"{aggregate.call(case)} of one row: {of_one}")


def single_row(session, aggregate):
    """In a parallel plan one worker has the only row and the others have none."""
    alone = session.value(f"SELECT {aggregate.call()}::text FROM requests WHERE id = 4711")
    require(alone, "no result")
    with session.setting(**PARALLEL):
        query = f"SELECT {aggregate.call()} FILTER (WHERE id = 4711)::text FROM requests"
        require_plan(plan(session, query), ("Finalize Aggregate", "Gather", "Partial Aggregate"))
        require(session.value(query) == alone, "differs")


def prepared(session, aggregate):
    with session.setting(plan_cache_mode="force_generic_plan"):
        session.run("PREPARE of_tenant(int) AS "
                    f"SELECT 'tenant', $1, {aggregate.call()}::text FROM requests WHERE tenant = $1")
        require_plan(plan(session, "EXECUTE of_tenant(1)"), (r"tenant = \$1",))
        for tenant in (1, 0, 1):
            got = results(session.run(f"EXECUTE of_tenant({tenant})"))
            compare(got, {("tenant", str(tenant)): aggregate.expected["tenant", str(tenant)]})


def cursor(session, aggregate):
    """A cursor fetched in part: states of the current groups are alive, and gone when the cursor is closed."""
    with session.setting(**SERIAL | SORTED):
        for end in ("CLOSE c", "ROLLBACK TO before", "COMMIT"):
            session.run_all(["BEGIN", "SAVEPOINT before", "DECLARE c CURSOR FOR " + aggregate.fill(BY_TENANT)])
            got = results([*session.run("FETCH 2 FROM c"), *session.run("FETCH 1 FROM c")])
            compare(got, {key: aggregate.expected[key] for key in got})
            require(len(got) == 3, f"{len(got)} rows fetched")
            require(int(session.value(STATES)) > 0, "no state of the group in work")
            session.run(end)
            require_no_states(session)
            session.run("ROLLBACK")


# ------------------------------------------------------------------------------------------------- stopped half way

STATES = "SELECT user_metrics_internal.live_states()"


def require_no_states(session):
    states = session.value(STATES)
    require(states == "0", f"{states} states left")


ENDLESS = "SELECT {call} FROM requests CROSS JOIN generate_series(1, 2000) AS again"


def is_canceled(session, statement, after):
    """Whether a statement is canceled by a timeout of so many seconds, within one more, without leaving a state."""
    began = time.monotonic()
    with session.setting(statement_timeout=f"{max(1, round(1000 * after))}ms"):
        try:
            session.run(statement)
            canceled = False
        except ServerError as error:
            require(error.sqlstate == QUERY_CANCELED, str(error))
            canceled = True
    took = time.monotonic() - began
    require(took < after + 1, f"answered {took - after:.1f} s after a timeout of {after:.2f} s")
    require_no_states(session)
    return canceled


def canceled_in_transition(session, aggregate):
    for settings, shows in ((SERIAL, ("Aggregate",)), (PARALLEL, ("Gather",))):
        with session.setting(**settings):
            statement = aggregate.fill(ENDLESS)
            require_plan(plan(session, statement), shows)
            require(is_canceled(session, statement, 0.1), "ended before its time")


def canceled_anywhere(session, statement, times, settings):
    """Canceled after various fractions of the run time: in transition, serialize, combine, final function or readout."""
    with session.setting(**settings):
        began = time.monotonic()
        session.run(statement)
        whole = time.monotonic() - began
        canceled = sum(is_canceled(session, statement, whole * i / (times + 1)) for i in range(1, times + 1))
    require(canceled >= max(1, times // 3), f"canceled {canceled} times of {times}, although it took {whole:.2f} s")


def refused_for_memory(session, statement):
    try:
        session.run(statement)
    except ServerError as error:
        require(error.sqlstate == OUT_OF_MEMORY, str(error))
        require("max_state_memory" in str(error) and "HINT:" in str(error), f"no hint in {error}")
    else:
        raise Wrong("not refused")


def limited_memory(session, aggregate):
    statement = aggregate.fill(ALL)
    for settings in (SERIAL, PARALLEL):
        with session.setting(**settings | {"user_metrics.max_state_memory": "64kB"}):
            refused_for_memory(session, statement)
            require_no_states(session)
            peak = int(session.value("SELECT user_metrics_internal.peak_state_memory()"))
            require(peak <= 64 * 1024, f"{peak} bytes held")
            require(settings is PARALLEL or peak > 16 * 1024, f"refused with {peak} bytes held")
    compare(results(session.run(statement)), {("all", "0"): aggregate.expected["all", "0"]})


def limited_memory_otherwise(session):
    """Memory limits while merging large values, and in a function over a log."""
    for value in ("activity", "sessions", "funnel"):
        merged = f"SELECT user_metrics.users(user_metrics.rollup({value})) FROM large"
        with session.setting(**{"user_metrics.max_state_memory": "30MB"}):
            refused_for_memory(session, merged)
            require_no_states(session)
        require(session.value(merged) == "1000000", "another answer")
    with session.setting(**{"user_metrics.max_state_memory": "1MB"}):
        for readout in ("retention_matrix", "session_stats"):
            refused_for_memory(session, f"SELECT * FROM user_metrics.{readout}('million')")


def rolled_back_to_savepoint(session, aggregate):
    statement = aggregate.fill(ALL)
    session.run_all(["BEGIN", "SAVEPOINT before", "SET LOCAL user_metrics.max_state_memory = '64kB'"])
    refused_for_memory(session, statement)
    session.run("ROLLBACK TO before")
    require_no_states(session)
    session.run("SET LOCAL statement_timeout = '50ms'")
    require(outcome(session, aggregate.fill(ENDLESS)) == f"SQLSTATE {QUERY_CANCELED}", "not canceled")
    session.run("ROLLBACK TO before")
    require_no_states(session)
    compare(results(session.run(statement)), {("all", "0"): aggregate.expected["all", "0"]})
    session.run("COMMIT")


def caught_in_plpgsql(session, aggregate):
    session.run("DO $$ BEGIN PERFORM set_config('user_metrics.max_state_memory', '64kB', true); "
                f"PERFORM {aggregate.call()} FROM requests; RAISE EXCEPTION 'not refused'; "
                "EXCEPTION WHEN out_of_memory THEN NULL; END $$")


@contextmanager
def endless_parallel(database, session, aggregate):
    """A session in an endless parallel statement, the ids of its leader and workers, and how it ended."""
    with Session(database, **PARALLEL) as busy:
        leader, ended = busy.value("SELECT pg_backend_pid()"), []

        def work():
            try:
                ended.append(outcome(busy, aggregate.fill(ENDLESS)))
            except ServerGone:
                ended.append("connection lost")

        thread = threading.Thread(target=work)
        thread.start()
        try:
            at_work = f"SELECT pid FROM pg_stat_activity WHERE leader_pid = {leader}"
            workers = until(lambda: session.run(at_work), "workers")
            yield busy, leader, workers, ended
            thread.join(5)
            require(ended, "the statement goes on")
        finally:
            session.run(f"SELECT pg_cancel_backend({leader})")
            thread.join()


def until(condition, what):
    for _ in range(200):
        if found := condition():
            return found
        time.sleep(0.02)
    raise Wrong(f"waited in vain for {what}")


def terminated_worker(session, database, aggregate):
    with endless_parallel(database, session, aggregate) as (busy, _, workers, ended):
        session.run(f"SELECT pg_terminate_backend({workers[0]})")
        until(lambda: ended, "the end of the statement")
        require(ended == [f"SQLSTATE {ADMIN_SHUTDOWN}"], f"{ended}")
        require_no_states(busy)
        compare(results(busy.run(aggregate.fill(ALL))), {("all", "0"): aggregate.expected["all", "0"]})


def terminated_leader(session, database, aggregate):
    """The observing session is still served: the server has not restarted."""
    with endless_parallel(database, session, aggregate) as (_, leader, workers, ended):
        session.run(f"SELECT pg_terminate_backend({leader})")
        until(lambda: ended, "the end of the statement")
    left = f"SELECT 'none' WHERE NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid IN ({', '.join(workers)}))"
    until(lambda: session.run(left), "the end of the workers")


# ------------------------------------------------------------------------------------------------- the log as a source

def readout_of_source(session, readout, arguments=""):
    """With and without workers: the rows, and the plans of the inner statements shown by auto_explain."""
    session.run("LOAD 'auto_explain'")
    answers = []
    for workers in (2, 0):
        with session.setting(**{"auto_explain.log_min_duration": 0, "auto_explain.log_nested_statements": "on",
                                "auto_explain.log_level": "notice", "client_min_messages": "notice",
                                "max_parallel_workers_per_gather": workers}):
            lines = session.run(f"SELECT '@row', r::text FROM user_metrics.{readout}('million'{arguments}) AS r")
        rows = [line for line in lines if line.startswith("@row")]
        told = "\n".join(line for line in lines if not line.startswith("@row"))
        require_plan(told, ("Function Scan", "Query Text"))
        gather = (r"Gather", r"Partial \w*Aggregate", "Parallel Seq Scan on million")
        require_plan(told, *((gather, ()) if workers else ((), gather)))
        answers.append(rows)
    require(answers[0] == answers[1], "other rows without workers")
    require(len(answers[0]) > 3, f"{len(answers[0])} rows")


# Invalid labels of a function are a row.
MEMBERS = """FROM pg_proc AS p
    JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'user_metrics'"""
# The input of folds is no value: it is tested by tests/folds.py.
AGGREGATES = f"{MEMBERS} AND p.oid::regproc <> 'user_metrics_internal.history'::regproc JOIN pg_aggregate AS a ON a.aggfnoid = p.oid"
LABELS = {
    "aggregates are parallel safe, with combine, serialize, deserialize and an honest size": f"""
        SELECT p.oid::regprocedure {AGGREGATES} WHERE p.proparallel <> 's'
        OR a.aggtransspace < CASE WHEN p.prorettype IN ('text'::regtype, 'timestamptz'::regtype, 'boolean'::regtype) THEN 256 ELSE 1024 END
        OR 0 IN (a.aggcombinefn::oid, a.aggserialfn::oid, a.aggdeserialfn::oid, a.aggfinalfn::oid)""",
    "finishing an aggregate leaves its state as it is": f"""
        SELECT p.oid::regprocedure {AGGREGATES} WHERE a.aggfinalmodify <> 'r'""",
    "combine takes NULL, serialize and deserialize do not": f"""
        SELECT s.oid::regprocedure {AGGREGATES}
        JOIN pg_proc AS s ON s.oid IN (a.aggcombinefn, a.aggserialfn, a.aggdeserialfn)
        WHERE s.proisstrict = (s.oid = a.aggcombinefn)""",
    "every part of an aggregate is parallel safe": f"""
        SELECT s.oid::regprocedure {AGGREGATES}
        JOIN pg_proc AS s ON s.oid IN (a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn)
        WHERE s.proparallel <> 's'""",
    "readouts of a value are parallel safe, those of a source stable and no hindrance to workers": f"""
        SELECT p.oid::regprocedure {MEMBERS} JOIN pg_type AS t ON t.oid = p.proargtypes[0] WHERE p.proretset
        AND p.pronamespace = 'user_metrics'::regnamespace
        AND (p.proargnames[1] = 'source' OR t.typnamespace = 'user_metrics'::regnamespace) AND (p.provolatile <> 's'
        OR p.proparallel <> CASE WHEN p.proargnames[1] = 'source' THEN 'r' ELSE 's' END)""",
}


def labels(session, query):
    wrong = session.run(query)
    require(not wrong, ", ".join(wrong))


# ------------------------------------------------------------------------------------------------- memory comes back

def backend_memory(session):
    """Bytes held by PostgreSQL's memory contexts, and by the process; the latter is 0 for a server on another machine."""
    contexts = int(session.value("SELECT sum(total_bytes) FROM pg_backend_memory_contexts"))
    status = Path(f"/proc/{session.value('SELECT pg_backend_pid()')}/status")
    told = status.read_text() if status.exists() else ""
    anonymous = re.search(r"^Name:\s+postgres\n(?:.*\n)*RssAnon:\s+(\d+) kB", told)
    return contexts, 1024 * int(anonymous[1]) if anonymous else 0


def memory_comes_back(session, statement, settings, sqlstate="00000"):
    """A leak of a hundredth of what fifty statements take would be noticed."""
    def once():
        try:
            session.run(statement)
            require(sqlstate == "00000", "not refused")
        except ServerError as error:
            require(error.sqlstate == sqlstate, str(error))

    def memory_after(times):
        with session.setting(**settings):
            for _ in range(times):
                once()
        return backend_memory(session)

    before, after = memory_after(8), memory_after(50)
    for _ in range(2):
        # A heap may reach its size late; a leak keeps growing.
        if after[1] - before[1] >= 1_000_000:
            before, after = after, memory_after(50)
    for what, first, last in zip(("contexts", "process"), before, after):
        require(last - first < 1_000_000, f"the {what} grew from {first} to {last} bytes")


# ------------------------------------------------------------------------------------------------- running

def the_aggregates(session):
    lines = session.run(f"""
        SELECT p.oid::regprocedure, p.prorettype::regtype,
            (SELECT min(r.oid::regproc::text) FROM pg_proc AS r WHERE r.prokind = 'a' AND r.proname = 'rollup'
             AND r.proargtypes[0] = p.prorettype AND r.prorettype = p.prorettype)
        {AGGREGATES} ORDER BY p.oid::regprocedure::text""")
    return [Aggregate(*line.split(SEPARATOR)) for line in lines]


def every_aggregate_is_here(session, aggregates):
    there = {aggregate.signature for aggregate in aggregates}
    odd = sorted(there ^ ARGUMENTS.keys())
    require(not odd, f"not both in the catalogue and in ARGUMENTS: {odd}")
    require(all(aggregate.rollup for aggregate in aggregates if aggregate.result_type.startswith("user_metrics.")),
            "an aggregate whose values no rollup merges")


FOR_EVERY_AGGREGATE = [
    one_plain_pass, distinct_rows, moving_frames, without_rows, null_arguments, single_row, prepared, cursor,
    canceled_in_transition,
]
# Further forms of an aggregate differ only in how a row is read: plans that pass states between processes suffice.
BRIEFLY = re.compile(r"user_metrics[.]funnel[(](?!text,timestamp with time)")
IN_BRIEF = ("parallel", "hashed")
# A state that holds a single text never grows so large.
FOR_EVERY_VALUE = [limited_memory, rolled_back_to_savepoint, caught_in_plpgsql]


def tests(database, aggregates):
    """Pairs of a name and a function of the session."""
    yield "every aggregate has its arguments here", lambda s: every_aggregate_is_here(s, aggregates)
    for name, query in LABELS.items():
        yield name, lambda s, query=query: labels(s, query)
    called = [aggregate for aggregate in aggregates if aggregate.signature in ARGUMENTS]
    for aggregate in called:
        briefly = BRIEFLY.match(aggregate.signature)
        whole = FOR_EVERY_AGGREGATE + (FOR_EVERY_VALUE if aggregate.rollup else [])
        for test in [one_plain_pass, null_arguments] if briefly else whole:
            name = f"{test.__name__.replace('_', ' ')}: {aggregate.signature}"
            yield name, lambda s, test=test, aggregate=aggregate: test(s, aggregate)
        for way in (way for way in WAYS if (aggregate.rollup or "{rollup}" not in way.query)
                    and (not briefly or way.name in IN_BRIEF)):
            yield f"{way.name}: {aggregate.signature}", lambda s, way=way, a=aggregate: every_way_alike(s, a, way)
    yield "a worker terminated", lambda s: terminated_worker(s, database, called[0])
    yield "a leader terminated", lambda s: terminated_leader(s, database, called[0])
    for value in ("activity", "sessions", "funnel"):
        row = "user_id, created_at" + FURTHER.get(value, "")
        whole = f"SELECT user_metrics.users(user_metrics.{value}({row})) FROM million"
        yield f"canceled anywhere in {value}, serial", lambda s, whole=whole: canceled_anywhere(s, whole, 7, SERIAL)
        yield f"canceled anywhere in {value}, parallel", lambda s, w=whole: canceled_anywhere(s, w, 7, PARALLEL)
        merged = f"SELECT user_metrics.users(user_metrics.rollup({value})) FROM large"
        yield f"canceled anywhere in merging {value}", lambda s, merged=merged: canceled_anywhere(s, merged, 7, SERIAL)
    merged = "SELECT user_metrics.survival_median(user_metrics.rollup(survival)) FROM large"
    yield "canceled anywhere in merging survival", lambda s, merged=merged: canceled_anywhere(s, merged, 7, SERIAL)
    for readout in SURVIVAL_READOUTS:
        read = f"SELECT count(*) FROM {readout} FROM large WHERE part = 1))"
        yield f"canceled anywhere in {readout}", lambda s, read=read: canceled_anywhere(s, read, 3, SERIAL)
    yield "limited memory in merging and in a source", limited_memory_otherwise
    for function in ("retention_matrix", "session_list", "session_time", "segment_users", "usage_patterns"):
        source = f"SELECT count(*) FROM user_metrics.{function}('million')"
        yield f"canceled anywhere in {function} of a source", lambda s, w=source: canceled_anywhere(s, w, 4, {})
    compared = "SELECT count(*) FROM user_metrics.ab_compare('million', 'active_days', 'model')"
    yield "canceled anywhere in ab_compare of a source", lambda s: canceled_anywhere(s, compared, 4, {})
    for readout, value in READOUTS.items():
        read = f"SELECT count(*) FROM user_metrics.{readout}((SELECT {value} FROM large WHERE part = 1))"
        yield f"canceled anywhere in {readout}", lambda s, read=read: canceled_anywhere(s, read, 3, SERIAL)
    for function in ("funnel", "funnel_users"):
        source = f"SELECT count(*) FROM user_metrics.{function}('million', {STEPS})"
        yield f"canceled anywhere in {function} of a source", lambda s, w=source: canceled_anywhere(s, w, 4, {})
    yield "a Gather under funnel of a source", lambda s: readout_of_source(s, "funnel", ", " + STEPS)
    for readout in (READOUTS.keys() | set(OF_SOURCES)) - OVER_VALUES - {"session_list"}:
        more = SEVERAL_ROWS.get(readout, "")
        yield f"a Gather under {readout} of a source", lambda s, r=readout, m=more: readout_of_source(s, r, m)
    yield "a Gather under a source by segment", lambda s: readout_of_source(s, "retention_matrix", ", by => 'model'")
    every = f"SELECT ROW({', '.join(a.call() for a in called)}) IS NULL FROM requests WHERE tenant = 1"
    little = SERIAL | {"user_metrics.max_state_memory": "256kB"}
    short, endless = SERIAL | {"statement_timeout": "10ms"}, called[0].fill(ENDLESS)
    yield "memory comes back after aggregates", lambda s: memory_comes_back(s, every, SERIAL)
    yield "memory comes back after parallel aggregates", lambda s: memory_comes_back(s, every, PARALLEL)
    yield "memory comes back after refusals", lambda s: memory_comes_back(s, every, little, OUT_OF_MEMORY)
    yield "memory comes back after cancels", lambda s: memory_comes_back(s, endless, short, QUERY_CANCELED)
    for readout in (*(READOUTS.keys() - OVER_VALUES), *OF_SOURCES, *JOURNEY):
        read = f"SELECT count(*) FROM user_metrics.{readout}('log')"
        yield f"memory comes back after {readout}", lambda s, read=read: memory_comes_back(s, read, SERIAL)


def is_passed(session, name, test):
    complaint = None
    try:
        test(session)
        require_no_states(session)
    except (Wrong, ServerError) as wrong:
        complaint = wrong
    except ServerGone:
        complaint = "the server closed the connection"
        session.restart()
    session.reset()
    print(f"FAILED {name}: {complaint}" if complaint else f"ok {name}", flush=True)
    return not complaint


def main(word=""):
    passed = failed = 0
    with fresh_database("plans") as database, Session(database) as session:
        # In a process of its own, so that its heap is not the one being measured.
        with Session(database) as maker:
            for statement in DATA.split(";\n"):
                maker.run(statement)
        for name, test in tests(database, the_aggregates(session)):
            # The result of one plain pass, with which all others are compared.
            if word in name or name.startswith("one plain pass"):
                if is_passed(session, name, test):
                    passed += 1
                else:
                    failed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
