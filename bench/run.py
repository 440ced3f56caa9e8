#!/usr/bin/env python3
"""Measures user_metrics beside the scan itself, hand-written SQL, DuckDB and ClickHouse, on one generated log.

    make bench [N=10000000]        or     bench/run.py --rows N [--rounds 3] [--output FILE]

scripts/bench.sh starts the server that libpq's environment variables name and the Python that has duckdb and chdb. All
contestants answer first, and their answers must be equal; then they run in turn, round after round, so that whatever else
the machine does hits all alike. What counts is the median. README.md says what is compared with what, and why.
"""

import argparse
import datetime
import hashlib
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import aims
import engines
import functions
from engines import PSQL

ROOT = Path(__file__).resolve().parents[1]
SERIAL = {"max_parallel_workers_per_gather": 0}
WORKERS = {"max_parallel_workers_per_gather": 2}
# The log with the two columns that count and no others.
NARROW = {"search_path": "narrow"}
# What an analyst would set who waits for the answer.
GENEROUS = WORKERS | {"work_mem": "2GB", "hash_mem_multiplier": 2}
# What the best form of a question needs besides; the files in sql/ say why.
TWO_PROCESSES = GENEROUS | {"min_parallel_table_scan_size": "1TB", "enable_sort": "off"}
BEST = {"retention": GENEROUS, "engagement": TWO_PROCESSES, "sessions": TWO_PROCESSES,
        "funnel": GENEROUS | {"min_parallel_table_scan_size": "1TB"}}

SCAN = "SELECT max(created_at), count(user_id) FROM log"
ACTIVITY = "SELECT user_metrics.users(user_metrics.activity(user_id, created_at)) FROM log"
# By users and times alone, and by all the log tells: ids of sessions, latency, outcome.
SESSIONS = "SELECT user_metrics.users(user_metrics.sessions(user_id, created_at)) FROM log"
FULL_SESSIONS = """SELECT user_metrics.users(user_metrics.sessions(user_id, created_at, session_id, latency_ms,
    status_code BETWEEN 200 AND 299, NULL, NULL)) FROM log"""
SESSION_FIGURES = """SELECT users, sessions, requests, active_mean_seconds, active_median_seconds, single_request_share
    FROM user_metrics.session_stats({value})"""
OF_VALUE = SESSION_FIGURES.format(value="""user_metrics.without_users(
    (SELECT user_metrics.sessions(user_id, created_at) FROM log), '{anonymous,default_user_id}')""")
OF_SOURCE = SESSION_FIGURES.format(value="'log'")
VARIANTS = """SELECT count(user_metrics.experiment_variant(user_id, 'new_chat_ui', ARRAY['control', 'treatment'])), max(created_at)
    FROM log"""
SEGMENTS = "SELECT count(*) FROM user_metrics.segment_users('log')"
# One user's rows through an index, and that user's profile without their peers.
ONE_USER = """SELECT count(latency_ms), max(model), max(feature), max(session_id), max(status_code), max(rating), sum(cost_usd)
    FROM log WHERE user_id = '{user}'"""
PROFILE = "SELECT requests, sessions FROM user_metrics.user_metrics_row('log', '{user}', benchmark => false)"
BY_USER = """SELECT count(*) FROM (SELECT user_id, count(*), min(created_at), max(created_at) FROM log GROUP BY user_id
    OFFSET 0) AS person WHERE btrim(user_id) <> '' AND user_id <> 'anonymous'"""
# The steps of sql/funnel.*.sql.
FUNNEL = """SELECT step_number, users FROM user_metrics.funnel('log', '[{"filter": {"feature": "chat"}},
    {"filter": {"feature": "summarize"}}, {"filter": {"feature": "code"}}, {"filter": {"feature": "search"}}]')"""
# What a log tells about 20 features: those of the demonstration, and more made of them.
DRIVERS = "SELECT count(*) > 0 FROM user_metrics.retention_drivers('log')"
DRIVERS_OF_MANY = "SELECT count(*) > 0 FROM user_metrics.retention_drivers('many_features')"
ACTIVITY_AGAIN = "SELECT user_metrics.users(user_metrics.activity(user_id, created_at)) > 0 FROM log"
# The demo's experiment, and users' own requests; then sums by a column, with features in place of variants.
EXPERIMENT = "SELECT variant, users, mean FROM user_metrics.ab_compare('log', 'requests', 'new_chat_ui') ORDER BY variant"
REQUESTS_BY_USER = "SELECT count(*) FROM (SELECT user_id, count(*) FROM log GROUP BY user_id OFFSET 0) AS person"
MOMENTS = """SELECT variant, users, mean, sd FROM user_metrics.ab_compare(
    (SELECT user_metrics.experiment(feature, latency_ms) FROM log)) ORDER BY variant"""
MOMENTS_IN_SQL = """SELECT feature, count(*), avg(latency_ms::float8), sqrt(var_samp(latency_ms::float8)) FROM log
    GROUP BY feature ORDER BY feature"""
RETENTION = """SELECT cohort_start, cohort_users, period_number, retained_users
    FROM user_metrics.retention_matrix('log') WHERE eligible_users > 0 ORDER BY 1, 3"""
ENGAGEMENT = "SELECT day, daily_users, weekly_users, monthly_users FROM user_metrics.engagement('log') ORDER BY 1"


@dataclass
class Contestant:
    """One way to one of the answers."""

    name: str
    question: str                      # contestants of one question must agree
    engine: str
    sql: str
    settings: dict = field(default_factory=dict)
    once: bool = False                 # takes minutes, so that its answer is the only time it runs
    seconds: list = field(default_factory=list)

    @property
    def median(self):
        return statistics.median(self.seconds)


def sql_file(name):
    return (ROOT / "bench" / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def contestants():
    for name, settings in (("serial", SERIAL), ("2 workers", WORKERS)):
        yield Contestant(f"scan, {name}", "scan", "postgres", SCAN, settings)
        yield Contestant(f"activity, {name}", "users", "postgres", ACTIVITY, settings)
    yield Contestant("scan, 2 workers, narrow log", "scan", "postgres", SCAN, WORKERS | NARROW)
    yield Contestant("sessions of users and times, serial", "users", "postgres", SESSIONS, SERIAL)
    yield Contestant("sessions of all columns, serial", "users", "postgres", FULL_SESSIONS, SERIAL)
    yield from against_others("retention", "retention_matrix", RETENTION, RETENTION)
    yield from against_others("engagement", "engagement", ENGAGEMENT, ENGAGEMENT)
    yield from against_others("sessions", "session_stats", OF_VALUE, OF_SOURCE)
    yield from against_others("funnel", "funnel", FUNNEL)
    yield Contestant("session_stats of all columns, 2 workers", "sessions of all columns", "postgres", OF_SOURCE, WORKERS)
    yield Contestant("segment_users, 2 workers", "segments", "postgres", SEGMENTS, WORKERS | {"work_mem": "256MB"})
    for name, settings in (("serial", SERIAL), ("2 workers", WORKERS)):
        yield Contestant(f"experiment_variant, {name}", "variants", "postgres", VARIANTS, settings)
        yield Contestant(f"activity, {name}", "drivers", "postgres", ACTIVITY_AGAIN, settings)
        yield Contestant(f"retention_drivers, {name}", "drivers", "postgres", DRIVERS, settings)
        yield Contestant(f"retention_drivers of 20 features, {name}", "drivers", "postgres", DRIVERS_OF_MANY, settings)
    yield Contestant("GROUP BY user, 2 workers", "segments", "postgres", BY_USER, WORKERS | {"work_mem": "256MB"})
    yield Contestant("ab_compare of requests, 2 workers", "experiments", "postgres", EXPERIMENT, WORKERS | {"work_mem": "256MB"})
    yield Contestant("ab_compare of requests, serial", "experiments", "postgres", EXPERIMENT, SERIAL | {"work_mem": "256MB"})
    yield Contestant("requests GROUP BY user, serial", "experiments of users", "postgres", REQUESTS_BY_USER, SERIAL | {"work_mem": "256MB"})
    yield Contestant("experiment, serial", "experiments of moments", "postgres", MOMENTS, SERIAL)
    yield Contestant("avg and var_samp GROUP BY, serial", "experiments of moments", "postgres", MOMENTS_IN_SQL, SERIAL)


def of_functions():
    """Each function over a log, beside the scan of the columns it reads."""
    for function, arguments, columns, _ in functions.FUNCTIONS:
        [(scan, scan_name), (call, call_name)] = functions.names_of(function)
        yield Contestant(scan_name, scan, "postgres", functions.scan_of(columns), WORKERS)
        yield Contestant(call_name, call, "postgres", functions.call_of(function, arguments), WORKERS)
    usual = "SELECT count(*) > 0 FROM user_metrics.feature_usage('usual_shape')"
    yield Contestant("usual log", "usual log", "postgres", usual, WORKERS)
    for shape in functions.SHAPES:
        yield Contestant(shape, shape, "postgres", functions.call_of_shape(shape), WORKERS)


def against_others(question, function, ours, ours_of_narrow_log=None):
    """One function beside all other ways to its answer; over the narrow log as well where that has the columns."""
    best, textbook = sql_file(f"{question}.postgres"), sql_file(f"{question}_textbook.postgres")
    yield Contestant(f"{function}, serial", question, "postgres", ours, SERIAL)
    yield Contestant(f"{function}, 2 workers", question, "postgres", ours, WORKERS)
    yield Contestant("SQL, best form found, 2 workers", question, "postgres", best, BEST[question])
    yield Contestant("SQL, textbook form, 2 workers, run once", question, "postgres", textbook, GENEROUS, once=True)
    if ours_of_narrow_log is not None:
        yield Contestant(f"{function}, 2 workers, narrow log", question, "postgres", ours_of_narrow_log, WORKERS | NARROW)
        yield Contestant("SQL, best form found, 2 workers, narrow log", question, "postgres", best, BEST[question] | NARROW)
    yield Contestant("DuckDB, 2 threads", question, "duckdb", sql_file(f"{question}.duckdb"))
    yield Contestant("ClickHouse, 2 threads", question, "clickhouse", sql_file(f"{question}.clickhouse"))


def say(text):
    print(text, flush=True)


def generator_version():
    sources = sorted((ROOT / "demo").glob("src/*.rs")) + [ROOT / "demo" / "schema.sql"]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]


def load(rows):
    """The log of so many requests as table log in a schema of its own; one that is there already stays."""
    schema, users = f"log_{rows}", max(rows // 50, 1)
    stamp = f"{rows} requests of {users} users, generator {generator_version()}"
    if engines.psql(f"SELECT obj_description(to_regclass('{schema}.log'), 'pg_class')") != stamp:
        say(f"Generating and loading {rows:,} requests of {users:,} users (10 million take some 90 s)")
        engines.psql(f"DROP SCHEMA IF EXISTS {schema} CASCADE; DROP TABLE IF EXISTS log")
        started = time.monotonic()
        command = ["demo/load.sh", "--table", "log", "--no-indexes", "--unlogged", "--", "--users", users, "--requests", rows]
        subprocess.run([str(word) for word in command], cwd=ROOT, check=True)
        say(f"loaded in {time.monotonic() - started:.0f} s")
        engines.psql(f"CREATE SCHEMA {schema}; ALTER TABLE log SET SCHEMA {schema}; COMMENT ON TABLE {schema}.log IS '{stamp}'")
        engines.psql(f"VACUUM (FREEZE, ANALYZE) {schema}.log")
    engines.psql(f"SELECT pg_prewarm('{schema}.log')")
    return schema


def many_features(schema):
    """The log with 20 features or so instead of 6: each is several, told apart by the model."""
    engines.psql(f"""CREATE OR REPLACE VIEW {schema}.many_features AS SELECT user_id, created_at, feature || ' ' || model AS feature, model,
        session_id, status_code, rating FROM {schema}.log""")


def narrow(schema):
    """A copy of a log that has only its two columns that count, as table log in a schema narrow."""
    say("Copying the two columns to a narrow log (10 million requests take 15 s)")
    engines.psql("DROP SCHEMA IF EXISTS narrow CASCADE; CREATE SCHEMA narrow")
    engines.psql(f"CREATE UNLOGGED TABLE narrow.log AS SELECT user_id, created_at FROM {schema}.log")
    engines.psql("VACUUM (FREEZE, ANALYZE) narrow.log")
    engines.psql("SELECT pg_prewarm('narrow.log')")


def measure(all_contestants, backends, rounds):
    """Everybody answers, and all alike; then everybody is timed, once a round."""
    answers = {}
    for contestant in all_contestants:
        say(f"answer of {contestant.question}: {contestant.name}")
        answer = run(contestant, backends, keep_time=contestant.once)
        first = answers.setdefault(contestant.question, answer)
        if answer != first or not answer:
            raise SystemExit(f"{contestant.question}: {contestant.name} answers otherwise than the first:\n{difference(first, answer)}")
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}")
        for contestant in all_contestants:
            if not contestant.once:
                run(contestant, backends)


def run(contestant, backends, keep_time=True):
    backend = backends[contestant.engine]
    backend.prepare(contestant.settings)
    started = time.perf_counter()
    answer = backend.run(contestant.sql)
    if keep_time:
        contestant.seconds.append(time.perf_counter() - started)
    return [tuple(map(written_alike, row)) for row in answer]


def written_alike(value):
    """A number as every engine would write it; floats to the digits that do not depend on the order of a sum."""
    try:
        return f"{float(value):.12g}"
    except ValueError:
        return value


def difference(ours, theirs):
    pairs = [(a, b) for a, b in zip(ours, theirs) if a != b][:5]
    return f"{len(ours)} and {len(theirs)} rows; " + "; ".join(f"{a} / {b}" for a, b in pairs)


def one_user(schema):
    """A user as busy as the middle one: the scan of their rows through an index, and their profile."""
    say("one user, through an index (10 million requests take 20 s to index)")
    engines.psql(f"CREATE INDEX IF NOT EXISTS log_user ON {schema}.log (user_id, created_at)")
    engines.psql(f"ANALYZE {schema}.log")
    user = engines.psql(f"""SELECT user_id FROM (SELECT user_id, count(*) AS requests FROM {schema}.log
        WHERE btrim(user_id) <> '' GROUP BY user_id) AS u ORDER BY requests, user_id
        OFFSET (SELECT count(DISTINCT user_id) / 2 FROM {schema}.log) LIMIT 1""")
    pair = [Contestant("the user's rows, index scan", "rows of a user", "postgres", ONE_USER.format(user=user)),
            Contestant("user_metrics_row without peers", "profile", "postgres", PROFILE.format(user=user))]
    measure(pair, {"postgres": PSQL(schema)}, 25)
    engines.psql(f"DROP INDEX {schema}.log_user")
    return pair


def bytes_per_user():
    """The most memory the state of 200,000 users took who came every week for 26 weeks, by the user."""
    users, session = 200_000, PSQL("public")
    session.prepare(SERIAL)
    session.run(f"""SELECT user_metrics.users(user_metrics.activity('user-' || u, timestamptz '2026-01-05' + w * interval '7 days'))
        FROM generate_series(0, 25) AS w, generate_series(1, {users}) AS u""")
    return int(session.run("SELECT user_metrics_internal.peak_state_memory()")[0][0]) / users


def machine():
    def read(path, key):
        return next((line.split(":", 1)[1].strip() for line in Path(path).read_text().splitlines() if line.startswith(key)), "?")

    memory = int(read("/proc/meminfo", "MemTotal").split()[0]) / 2**20
    return (f"{os.cpu_count()} processors ({read('/proc/cpuinfo', 'model name')}), {memory:.0f} GB of memory, "
            f"Linux {os.uname().release.split('-')[0]}")


def report(arguments, found, backends, load_average):
    revision = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False)
    shown = ("shared_buffers", "huge_pages", "jit", "max_parallel_workers")
    settings = ", ".join(f"{name} = {engines.psql(f'SHOW {name}')}" for name in shown)
    lines = [
        "# Benchmarks", "",
        "Written by `make bench`; [bench/README.md](../bench/README.md) says what is measured and how. A time is the median of",
        f"{arguments.rounds} rounds in seconds, with the fastest and the slowest beside it; all contestants of a question gave the same answer.", "",
        f"- Log: {arguments.rows:,} requests of {max(arguments.rows // 50, 1):,} users over 26 weeks, generated, in time order, cached.",
        f"- Machine: {machine()}; load {load_average:.1f} when the run began.",
        f"- {'; '.join(backend.version() for backend in backends.values())}.",
        f"- PostgreSQL's settings: {settings}; for hand-written SQL also work_mem = 2GB, hash_mem_multiplier = 2,",
        "  and for the best forms of engagement and sessions min_parallel_table_scan_size = 1TB, enable_sort = off.",
        f"- {datetime.date.today()}, revision {revision.stdout.strip() or 'unknown'}.", "",
    ]
    of_functions = {question for function, *_ in functions.FUNCTIONS for question, _ in functions.names_of(function)}
    for question, title in (("scan", "Reading the log"), ("retention", "Weekly retention"), ("engagement", "Daily, weekly and monthly users of every day"),
                            ("sessions", "Sessions"), ("funnel", "A funnel of 4 steps"), ("segments", "Segments"),
                            ("variants", "Variants of an experiment"), ("drivers", "Drivers of retention"),
                            ("experiments", "Experiments")):
        group = [c for c in found if c.question in ((question, "users") if question == "scan" else (question,))]
        group += [c for c in found if c.question.startswith(f"{question} of ") and c.question not in of_functions]
        basis = next(c.median for c in group if c.name.endswith("serial" if question == "scan" else "2 workers"))
        lines += [f"## {title}", "", f"| | seconds | from–to | times {'the serial scan' if question == 'scan' else 'ours with 2 workers'} |", "|---|--:|--:|--:|"]
        lines += [f"| {c.name} | {c.median:.2f} | {min(c.seconds):.2f}–{max(c.seconds):.2f} | {c.median / basis:.2f} |" for c in group]
        lines.append("")
    lines += ["## Functions over a log", "", "With 2 workers, beside the scan of the columns that the function reads.", "",
              "| | seconds | from–to | seconds of the scan | times the scan |", "|---|--:|--:|--:|--:|"]
    timed = {c.question: c for c in found}
    for function, *_ in functions.FUNCTIONS:
        scan, call = (timed[question] for question, _ in functions.names_of(function))
        lines.append(f"| {function} | {call.median:.2f} | {min(call.seconds):.2f}–{max(call.seconds):.2f} | {scan.median:.2f} "
                     f"| {call.median / scan.median:.2f} |")
    lines += ["", "`feature_usage` of logs of odd shapes, beside the usual one:", "",
              "| | requests | seconds | nanoseconds a request |", "|---|--:|--:|--:|"]
    for shape, requests in (("usual log", arguments.rows), *((shape, what[0]) for shape, what in functions.SHAPES.items())):
        lines.append(f"| {shape} | {requests:,} | {timed[shape].median:.2f} | {1e9 * timed[shape].median / requests:.0f} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description="Measures user_metrics beside its alternatives.")
    parser.add_argument("--rows", type=int, default=10_000_000, help="requests in the log (default 10 million)")
    parser.add_argument("--rounds", type=int, default=3, help="how often everybody is timed (default 3)")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmarks.md", help="where the report goes")
    arguments = parser.parse_args()
    load_average = os.getloadavg()[0]

    for extension in ("user_metrics", "pg_prewarm"):
        engines.psql(f"DROP EXTENSION IF EXISTS {extension} CASCADE; CREATE EXTENSION {extension}")
    tenth, schema = load(max(arguments.rows // 10, 1)), load(arguments.rows)
    narrow(schema)
    many_features(schema)
    functions.make_shapes(engines.psql, schema)
    engines.psql(functions.usual_shape(schema))
    say("Copying the log to DuckDB and ClickHouse (10 million requests take a minute)")
    backends = {"postgres": PSQL(schema), **engines.columnar(schema, arguments.rows)}
    found = [*contestants(), *of_functions()]
    measure(found, backends, arguments.rounds)
    say("a tenth of the log, and the memory of a state")
    small = {question: Contestant(f"{question} of a tenth", question, "postgres", sql, SERIAL)
             for question, sql in (("scan", SCAN), ("retention", RETENTION), ("funnel", FUNNEL))}
    measure(small.values(), {"postgres": PSQL(tenth)}, max(arguments.rounds, 5))
    pair = one_user(schema)
    text = report(arguments, found, backends, load_average)
    say("\n" + text)
    arguments.output.write_text(text, encoding="utf-8")
    say(f"written to {arguments.output}")
    say("\n".join(aims.shortfalls(found, small, bytes_per_user(), pair, arguments.rows)))


if __name__ == "__main__":
    sys.exit(main())
