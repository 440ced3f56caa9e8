#!/usr/bin/env python3
"""Every function over a log, and every aggregate, under other settings of the planner and of the session.

    python3 tests/attack/planner.py [WORD]         only the settings whose names contain the word

Rows are made under the settings and shown under the defaults: they must be those of the defaults. Functions are also called
with a segment, and with a filter and a segment whose names hold quotes and backslashes. That the settings have changed the
plans is seen in the plans of some calls. The plans of aggregates and the hand-over between processes are tests/plans.py and
tests/folds.py. Needs a server with the extension installed, named by libpq's environment variables, and a superuser; works
in a database of its own and drops it. A locale that the system lacks is left out. The last line is `N passed, N failed`.
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from functions import LOG, functions  # noqa: E402
from plans import ARGUMENTS, DATA, Aggregate  # noqa: E402
from psql import ServerError, Session, fresh_database  # noqa: E402
from tally import Tally  # noqa: E402

# Names that only correct quoting brings into a query, whatever standard_conforming_strings says.
ODD = "E'it''s \\\\ \\u00fc \\\\'''"
SETUP = f"""
UPDATE log SET model = {ODD}, properties = properties || jsonb_build_object({ODD}, request_id) WHERE model = 'm1';
ALTER TABLE log ALTER model SET NOT NULL;
CREATE INDEX ON log (created_at);
CREATE INDEX ON log (user_id);
CREATE TABLE log_utc AS SELECT * FROM log;
ALTER TABLE log_utc ALTER created_at TYPE timestamp USING created_at AT TIME ZONE 'UTC';
VACUUM ANALYZE
"""
REQUESTS = 2000
# Stored values are long.
SHOWN = "SELECT left(t::text, 2000) || CASE WHEN length(t::text) > 2000 THEN md5(t::text) ELSE '' END FROM answer_{} AS t"

PARALLEL_MODES = (160000, "debug_parallel_query", "force_parallel_mode")
ALWAYS_PARALLEL = {"max_parallel_workers_per_gather": 2, "parallel_setup_cost": 0, "parallel_tuple_cost": 0,
                   "min_parallel_table_scan_size": 0, "min_parallel_index_scan_size": 0}
NO_WORKERS = {"max_parallel_workers_per_gather": 0}
JIT = {"jit": "on", "jit_above_cost": 0, "jit_inline_above_cost": 0, "jit_optimize_above_cost": 0}
STYLES = (("Pacific/Auckland", "ISO, YMD", "sql_standard"), ("America/St_Johns", "SQL, DMY", "iso_8601"),
          ("Asia/Kathmandu", "Postgres, MDY", "postgres_verbose"), ("<-03:30>+03:30", "German, DMY", "postgres"))
CATEGORIES = ("lc_messages", "lc_numeric", "lc_monetary", "lc_time")
LOCALES = ("de_DE.utf8", "fr_FR.utf8", "tr_TR.utf8", "C")


@dataclass(frozen=True)
class Way:
    """Settings, and what the plans of the queries over a log then show."""

    name: str
    settings: dict
    shows: str = ""
    every: int = 0                               # if it is slow: one call of every so many functions
    without: str = ""                            # a function that shows what is set


def ways(session):
    since, new, old = PARALLEL_MODES
    forced = new if int(session.value("SHOW server_version_num")) >= since else old
    yield Way("simulated workers", {forced: "regress"}, "Aggregate", every=1)
    yield Way("forced workers", {forced: "on"} | ALWAYS_PARALLEL, "Gather", every=1)
    yield Way("workers without the leader", ALWAYS_PARALLEL | {"parallel_leader_participation": "off"}, "Gather", every=1)
    if session.value("SELECT pg_jit_available()") == "t":
        yield Way("just-in-time compilation", JIT | NO_WORKERS, "JIT:", every=5)
    yield Way("index scans", {"enable_seqscan": "off"}, "Index Scan")
    for names in (("hashagg",), ("sort", "incremental_sort"), ("hashjoin", "memoize"), ("nestloop", "material"),
                  ("mergejoin",), ("indexscan", "bitmapscan")):
        yield Way(f"without {', '.join(names)}", {f"enable_{name}": "off" for name in names})
    yield Way("little memory", {"work_mem": "64kB", "hash_mem_multiplier": 1})
    yield Way("genetic optimizer", {"geqo_threshold": 2, "join_collapse_limit": 1, "from_collapse_limit": 1})
    for zone, dates, intervals in STYLES:
        yield Way(f"{zone}, {dates}, {intervals}", {"TimeZone": zone, "DateStyle": dates, "IntervalStyle": intervals})
    yield Way("texts", {
        "extra_float_digits": 0, "bytea_output": "escape", "xmlbinary": "hex", "array_nulls": "off",
        "transform_null_equals": "on"})
    # The types that describe_source shows are quoted, too, as those of PostgreSQL are.
    yield Way("quoted names", {"quote_all_identifiers": "on"}, without="describe_source")
    yield Way("few digits", {"extra_float_digits": -15})
    yield Way("backslashes", {"standard_conforming_strings": "off", "escape_string_warning": "off"})
    for locale in LOCALES:
        categories = {category: locale for category in CATEGORIES if is_available(session, category, locale)}
        if categories:
            yield Way(f"locale {locale}", categories)
    yield Way("no search_path", {"search_path": ""})
    for level in ("serializable", "repeatable read"):
        yield Way(level, {"default_transaction_isolation": level})
    yield Way("LATIN1", {"client_encoding": "LATIN1"})
    yield Way("row_security off", {"row_security": "off"})
    yield Way("plpgsql.extra_errors", {"check_function_bodies": "off", "plpgsql.extra_errors": "all"})


def is_available(session, category, locale):
    try:
        session.run(f"BEGIN\\; SET LOCAL {category} = '{locale}'\\; COMMIT")
    except ServerError:
        session.run("ROLLBACK")
        return False
    return True


def calls(function):
    """Different calls of a function, the plain one first."""
    yield function.query(source="public.log")
    yield function.query(source="public.log_utc")
    if function.takes("by"):
        yield function.query({"by": ODD}, "public.log")
        if not next(a for a in function.arguments if a.name == "by").has_default:
            yield function.query({"by": "'model'"}, "public.log")
    if function.takes("filter"):
        given = {"filter": f"SELECT jsonb_build_object('model', {ODD})", "since": "'2024-03-10Z'"}
        yield function.query(given, "public.log")


def aggregate_queries():
    called = ", ".join(f"{Aggregate(signature, '', '').call()} AS a{n}" for n, signature in enumerate(ARGUMENTS))
    yield f"SELECT {called} FROM public.requests"
    yield f"SELECT tenant, {called} FROM public.requests GROUP BY tenant"


class Maker:
    """Makes rows under some settings and shows them under the defaults."""

    def __init__(self, session):
        self.session = session

    def answers(self, queries, settings):
        """For each query its rows as sorted texts, or its SQLSTATE and message."""
        with self.session.setting(**settings):
            errors = [self._made(n, query) for n, query in enumerate(queries)]
        answers = [error or sorted(self.session.run(SHOWN.format(n))) for n, error in enumerate(errors)]
        tables = [f"answer_{n}" for n, error in enumerate(errors) if not error]
        self.session.run(f"DROP TABLE {', '.join(tables)}")
        return answers

    def _made(self, n, query):
        try:
            self.session.run(f"CREATE TEMP TABLE answer_{n} AS {query}")
        except ServerError as error:
            return str(error)
        return None


# What is given to a prepared statement, of the arguments that a function takes.
GIVEN = {"since": ("timestamptz", "'2024-03-10Z'"), "filter": ("jsonb", f"jsonb_build_object('model', {ODD})"),
         "by": ("text", "'feature'"), "as_of": ("timestamptz", "'2024-06-01Z'"), "timezone": ("text", "'Asia/Kathmandu'")}


def prepared(session, function, mode):
    """A call with parameters in a prepared statement; returns its rows the third time, and those without parameters."""
    given = {name: GIVEN[name] for name in GIVEN if function.takes(name)}
    call = function.query({name: f"${n + 1}" for n, name in enumerate(given)})
    with session.setting(plan_cache_mode=mode):
        session.run(f"PREPARE asked({', '.join(kind for kind, _ in given.values())}) AS {call}")
        for _ in range(3):
            rows = session.run(f"EXECUTE asked({', '.join(value for _, value in given.values())})")
        session.run("DEALLOCATE asked")
    return sorted(rows), sorted(session.run(function.query({name: value for name, (_, value) in given.items()})))


def plans(session, settings, queries):
    """The plans of the queries that the calls run inside."""
    shown = {"auto_explain.log_min_duration": 0, "auto_explain.log_nested_statements": "on",
             "auto_explain.log_level": "notice", "client_min_messages": "notice"}
    with session.setting(**settings | shown):
        return ["\n".join(session.run(f"SELECT count(*) FROM ({query}) AS q")) for query in queries]


def difference(got, expected):
    """What differs, nothing if all is equal."""
    if got == expected:
        return ""
    if isinstance(got, str) or isinstance(expected, str):
        return f"{got!s:.300} instead of {expected!s:.300}"
    return f"{[r for r in got if r not in expected][:2]} instead of {[r for r in expected if r not in got][:2]}"


def compare(tally, session, way, expected, few):
    chosen = few[::way.every] if way.every else list(expected)
    if way.without:
        chosen = [query for query in chosen if way.without not in query]
    for query, got in zip(chosen, Maker(session).answers(chosen, way.settings)):
        tally.check(got == expected[query], f"{way.name}: {query:.400}\n    {difference(got, expected[query])}")
    if way.shows:
        # A fold, and a function that reads a value.
        seen = [f"SELECT * FROM user_metrics.{name}('log', since => '2024-05-20Z')"
                for name in ("usage_heatmap", "active_users")]
        for query, plan in zip(seen, plans(session, way.settings, seen)):
            tally.check(re.search(way.shows, plan), f"{way.name}: no {way.shows} in the plan of {query}\n{plan[:3000]}")


def run(tally, session, word):
    made = DATA.split(";\n")[0].replace("20000", str(REQUESTS))
    for statement in [made, *LOG.split(";\n"), *SETUP.strip().split(";\n"), "LOAD 'auto_explain'"]:
        session.run(statement)
    over_log = [function for function in functions(session) if function.is_over_source and not function.volatile]
    queries = [query for function in over_log for query in calls(function)] + list(aggregate_queries())
    expected = dict(zip(queries, Maker(session).answers(queries, NO_WORKERS)))
    for query, rows in expected.items():
        tally.check(isinstance(rows, list), f"defaults: {query:.400}\n    {rows!s:.300}")
    few = [next(calls(function)) for function in over_log] + list(aggregate_queries())
    for way in ways(session):
        if word in way.name:
            compare(tally, session, way, expected, few)
    for mode in ("force_generic_plan", "force_custom_plan"):
        for function in (f for f in over_log if word in mode and f.takes("as_of")):
            try:
                got, plain = prepared(session, function, mode)
                tally.check(got == plain, f"{mode}: {function.identity}: {difference(got, plain)}")
            except ServerError as error:
                tally.check(False, f"{mode}: {function.identity}: {error!s:.300}")
                session.reset()


def main(word=""):
    tally = Tally()
    with fresh_database("planner") as database, Session(database) as session:
        run(tally, session, word)
    return tally.close()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
