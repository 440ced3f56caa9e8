#!/usr/bin/env python3
"""Calls over a log that other sessions alter at the same time.

    python3 tests/attack/ddl.py [WORD]         only the changes whose names contain the word

Two sessions call every function over a log in turn: in single statements, in prepared ones and in transactions with a
snapshot from before. A third one alters the log all the while, through states whose answers are known. Every call must give
the answer of one of these states, or fail as a SELECT from the log might. Enough calls must have met a change. Needs a
server with the extension installed, named by libpq's environment variables, and a superuser; works in a database and with
roles of its own and drops them. The last line is `N passed, N failed`.
"""

import bisect
import itertools
import os
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from functions import LOG, functions  # noqa: E402
from psql import ServerError, ServerGone, Session, administer, fresh_database  # noqa: E402
from tally import Tally  # noqa: E402

DEADLOCK, UNDEFINED_TABLE = "40P01", "42P01"
READER, OWNER = f"user_metrics_ddl_reader_{os.getpid()}", f"user_metrics_ddl_owner_{os.getpid()}"
# Cycles that add columns, of which a table has at most 1,600 in its life.
CYCLES, LEAST_MET, LEAST_MET_EACH = 300, 200, 3
ORIGINAL = "CREATE TABLE log AS SELECT * FROM original"
NEW_SCHEMAS = ("DROP SCHEMA IF EXISTS logs, elsewhere CASCADE", "CREATE SCHEMA logs", "CREATE SCHEMA elsewhere",
               f"GRANT USAGE ON SCHEMA logs, elsewhere TO {READER}", f"GRANT CREATE ON SCHEMA logs TO {OWNER}")
# A call that finds no log ends at once; others need time for the log while it is there.
CALM = "SELECT pg_sleep(0.02)"
HALF = "model <> 'm1'"


@dataclass(frozen=True)
class Change:
    """A log, and statements that lead from one state of it to the next and in the end back to the first.

    Statements that are one step are one transaction.
    """

    name: str
    steps: tuple
    setup: tuple = (ORIGINAL,)
    errors: tuple = ()
    # TRUNCATE and what rewrites a table are not MVCC-safe: a snapshot from before finds the table empty, as it finds a
    # new one.
    may_be_empty: bool = False


PARTITIONED = (
    "CREATE TABLE log (LIKE original) PARTITION BY RANGE (created_at)",
    "CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (MINVALUE) TO ('2024-04-10Z')",
    "CREATE TABLE log_2 PARTITION OF log FOR VALUES FROM ('2024-04-10Z') TO (MAXVALUE)",
    "INSERT INTO log SELECT * FROM original",
)
BOUNDS = "FOR VALUES FROM ('2024-04-10Z') TO (MAXVALUE)"
SECOND = "SELECT * FROM original WHERE created_at >= '2024-04-10Z'"
CHANGES = [
    Change("unused columns", ("ALTER TABLE log ADD extra integer", "ALTER TABLE log ADD more text DEFAULT 'more'",
                              "ALTER TABLE log DROP extra", "ALTER TABLE log DROP more")),
    Change("used columns", ("ALTER TABLE log DROP feature", "ALTER TABLE log DROP request_id, DROP latency_ms",
                            # What a snapshot from before the UPDATE sees once the feature has been dropped again.
                            "ALTER TABLE log ADD request_id text, ADD latency_ms numeric", "ALTER TABLE log ADD feature text",
                            "UPDATE log SET feature = o.feature, request_id = o.request_id, latency_ms = o.latency_ms "
                            "FROM original AS o WHERE log.prompt = o.prompt"), errors=("42703",)),
    Change("necessary columns", ("ALTER TABLE log RENAME user_id TO visitor", "ALTER TABLE log RENAME visitor TO user_id",
                                 "ALTER TABLE log RENAME created_at TO written",
                                 "ALTER TABLE log RENAME written TO created_at")),
    Change("renamed columns", ("ALTER TABLE log RENAME feature TO unknown", "ALTER TABLE log RENAME unknown TO feature",
                               "BEGIN; ALTER TABLE log RENAME model TO swap; ALTER TABLE log RENAME provider TO model; "
                               "ALTER TABLE log RENAME swap TO provider; COMMIT",
                               "BEGIN; ALTER TABLE log RENAME model TO swap; ALTER TABLE log RENAME provider TO model; "
                               "ALTER TABLE log RENAME swap TO provider; COMMIT")),
    Change("types", ("ALTER TABLE log ALTER user_id TYPE varchar(20)", "ALTER TABLE log ALTER cost_usd TYPE float8",
                     "ALTER TABLE log ALTER succeeded TYPE integer USING succeeded::integer",
                     "ALTER TABLE log ALTER properties TYPE json, ALTER rating TYPE text",
                     "ALTER TABLE log ALTER user_id TYPE integer USING right(user_id, 1)::integer",
                     "ALTER TABLE log ALTER user_id TYPE text USING 'u' || user_id, ALTER cost_usd TYPE numeric, "
                     "ALTER succeeded TYPE boolean USING succeeded = 1, ALTER properties TYPE jsonb, "
                     "ALTER rating TYPE integer USING rating::integer"), may_be_empty=True),
    Change("TRUNCATE", ("BEGIN; TRUNCATE log; INSERT INTO log SELECT * FROM original; COMMIT", "TRUNCATE log",
                        "INSERT INTO log SELECT * FROM original"), may_be_empty=True),
    Change("another table", ("DROP TABLE log", ORIGINAL, CALM, f"BEGIN; DROP TABLE log; {ORIGINAL}; COMMIT"),
           errors=(UNDEFINED_TABLE,), may_be_empty=True),
    Change("another name", ("ALTER TABLE log RENAME TO away", "ALTER TABLE away RENAME TO log",
                            f"BEGIN; ALTER TABLE log RENAME TO away; {ORIGINAL} WHERE {HALF}; COMMIT",
                            "BEGIN; DROP TABLE log; ALTER TABLE away RENAME TO log; COMMIT"), errors=(UNDEFINED_TABLE,),
           may_be_empty=True),
    Change("another schema", ("ALTER TABLE log SET SCHEMA elsewhere", "ALTER TABLE elsewhere.log SET SCHEMA logs", CALM)),
    Change("owners", (f"ALTER TABLE log OWNER TO {OWNER}", "ALTER TABLE log OWNER TO CURRENT_USER")),
    Change("privileges", (f"REVOKE SELECT ON log FROM {READER}", f"GRANT SELECT (user_id, created_at) ON log TO {READER}",
                          f"GRANT SELECT ON log TO {READER}")),
    Change("row security", ("ALTER TABLE log ENABLE ROW LEVEL SECURITY", f"CREATE POLICY half ON log USING ({HALF})",
                            "DROP POLICY half ON log", "ALTER TABLE log DISABLE ROW LEVEL SECURITY")),
    Change("indexes", ("CREATE INDEX log_by_time ON log (created_at)",
                       "CREATE INDEX CONCURRENTLY log_by_user ON log (user_id)",
                       "REINDEX TABLE log", "DROP INDEX log_by_time", "DROP INDEX CONCURRENTLY log_by_user")),
    Change("rewritten in place", ("VACUUM FULL log", "CLUSTER log USING log_by_time", "VACUUM (FREEZE, ANALYZE) log"),
           setup=(ORIGINAL, "CREATE INDEX log_by_time ON log (created_at)")),
    Change("statistics and constraints", (
        "ALTER TABLE log ADD CHECK (prompt_tokens > 0), ALTER user_id SET NOT NULL, ADD CONSTRAINT one UNIQUE (request_id)",
        "CREATE STATISTICS of_log ON user_id, model FROM log", "ANALYZE log",
        "ALTER TABLE log ALTER prompt SET STORAGE EXTERNAL",
        "DROP STATISTICS of_log", "ALTER TABLE log DROP CONSTRAINT log_prompt_tokens_check, DROP CONSTRAINT one")),
    Change("persistence", ("ALTER TABLE log SET UNLOGGED", "ALTER TABLE log SET LOGGED"), may_be_empty=True),
    Change("partitions", ("ALTER TABLE log DETACH PARTITION log_2", f"ALTER TABLE log ATTACH PARTITION log_2 {BOUNDS}",
                          "ALTER TABLE log DETACH PARTITION log_2 CONCURRENTLY",
                          f"ALTER TABLE log ATTACH PARTITION log_2 {BOUNDS}",
                          "DROP TABLE log_2", f"CREATE TABLE log_2 PARTITION OF log {BOUNDS}", f"INSERT INTO log {SECOND}"),
           setup=PARTITIONED),
    Change("children", ("ALTER TABLE child NO INHERIT log", "ALTER TABLE child INHERIT log"),
           setup=(f"{ORIGINAL} WHERE {HALF}", "CREATE TABLE child () INHERITS (log)",
                  f"INSERT INTO child SELECT * FROM original WHERE NOT {HALF}")),
    Change("materialized views", ("REFRESH MATERIALIZED VIEW log", "BEGIN; DELETE FROM base WHERE model = 'm1'; COMMIT",
                                  "REFRESH MATERIALIZED VIEW log", "REFRESH MATERIALIZED VIEW CONCURRENTLY log",
                                  "INSERT INTO base SELECT * FROM original WHERE model = 'm1'",
                                  "REFRESH MATERIALIZED VIEW log"),
           setup=("CREATE TABLE base AS SELECT * FROM original", "CREATE MATERIALIZED VIEW log AS SELECT * FROM base",
                  "CREATE UNIQUE INDEX ON log (request_id)")),
    Change("views", (f"CREATE OR REPLACE VIEW log AS SELECT * FROM original WHERE {HALF}",
                     "BEGIN; DROP VIEW log; CREATE VIEW log AS SELECT user_id, created_at, model FROM original; COMMIT",
                     "BEGIN; DROP VIEW log; CREATE VIEW log AS SELECT * FROM original; COMMIT"),
           setup=("CREATE VIEW log AS SELECT * FROM original",), errors=(UNDEFINED_TABLE,)),
    Change("overloads", ("CREATE FUNCTION user_metrics.usage_patterns(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
                         "CREATE FUNCTION public.active_users(regclass) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
                         "CREATE FUNCTION public.jsonb_agg(text) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
                         "DROP FUNCTION user_metrics.usage_patterns(integer)",
                         "DROP FUNCTION public.active_users(regclass), public.jsonb_agg(text)")),
]


def outcome(session, statement):
    """The rows in a fixed order, or the SQLSTATE and the message."""
    try:
        return "00000", tuple(sorted(session.run(statement)))
    except ServerError as error:
        return error.sqlstate, str(error)


def comparable(result):
    """An error's message may name an object's oid."""
    sqlstate, told = result
    return result if sqlstate == "00000" else sqlstate


def answers(session, queries):
    return {query: comparable(outcome(session, query)) for query in queries}


def known_answers(alterer, reader, change, queries):
    """What each query may answer during a change; the log must be as before at the end."""
    states, first = [], answers(reader, queries)
    for step in change.steps:
        alter(alterer, step)
        states.append(answers(reader, queries))
        if change.may_be_empty and alterer.value("SELECT to_regclass('log') IS NOT NULL") == "t":
            alterer.run_all(["DROP TABLE IF EXISTS nothing", "CREATE TABLE nothing (LIKE log)"])
            of_nothing = answers(reader, (query.replace("'log'", "'nothing'") for query in queries))
            states.append(dict(zip(queries, of_nothing.values())))
    if answers(reader, queries) != first:
        raise ValueError(f"the steps of {change.name} do not lead back to its first state")
    return {query: {state[query] for state in states} | {*change.errors, DEADLOCK} for query in queries}


def alter(session, step):
    """Takes a step, again if it was the victim of a deadlock. Each statement is sent alone, as some must be."""
    while True:
        try:
            for statement in step.split("; "):
                session.run(statement)
            return
        except ServerError as error:
            session.run("ROLLBACK")
            if error.sqlstate != DEADLOCK:
                raise


class Caller(threading.Thread):
    """A session that calls every function in every way, and notes the results and when they were asked for."""

    def __init__(self, database, queries):
        super().__init__()
        self.session = reader_of(database)
        self.queries, self.calls, self.trouble = queries, [], None
        for n, query in enumerate(queries):
            self.session.run(f"PREPARE asked_{n} AS {query}")

    def run(self):
        try:
            for way in (self.plainly, self.prepared, self.with_old_snapshot):
                for n, query in enumerate(self.queries):
                    began = time.monotonic()
                    result = way(n, query)
                    self.calls.append((way.__name__, query, result, began, time.monotonic()))
        except (ServerError, ServerGone) as trouble:
            self.trouble = trouble
        finally:
            self.session.close()

    def plainly(self, _, query):
        return outcome(self.session, query)

    def prepared(self, n, _):
        return outcome(self.session, f"EXECUTE asked_{n}")

    def with_old_snapshot(self, _, query):
        self.session.run("BEGIN ISOLATION LEVEL REPEATABLE READ")
        # It takes the snapshot, without rows of its own.
        self.session.run("DECLARE c CURSOR FOR SELECT 1")
        result = outcome(self.session, query)
        self.session.run("ROLLBACK")
        return result


class Alterer(threading.Thread):
    """A session that alters the log until it is told to stop, and notes when."""

    def __init__(self, session, steps):
        super().__init__()
        self.session, self.steps = session, steps
        self.times, self.trouble, self.stop = [], None, threading.Event()

    def run(self):
        try:
            adds = any(" ADD " in step for step in self.steps)
            for cycle in itertools.count():
                if self.stop.is_set() or adds and cycle == CYCLES:
                    break
                for step in self.steps:
                    alter(self.session, step)
                    self.times.append(time.monotonic())
        except (ServerError, ServerGone) as trouble:
            self.trouble = f"{step}: {trouble}"


def reader_of(database):
    return Session(database, role=READER)


def meet(tally, database, change, queries):
    with Session(database) as session, reader_of(database) as reader:
        for statement in (*NEW_SCHEMAS, *change.setup):
            session.run(statement)
        known = known_answers(session, reader, change, queries)
        alterer = Alterer(session, change.steps)
        callers = [Caller(database, queries), Caller(database, queries[::-1])]
        for thread in (alterer, *callers):
            thread.start()
        for caller in callers:
            caller.join()
        alterer.stop.set()
        alterer.join()
        judge(tally, change, known, alterer, callers)


def judge(tally, change, known, alterer, callers):
    met = 0
    for caller in callers:
        tally.check(caller.trouble is None, f"{change.name}: {caller.trouble}")
        for way, query, result, began, ended in caller.calls:
            tally.check(comparable(result) in known[query], f"{change.name}: {way}: {query}\n    {result!s:.400}")
            met += bisect.bisect(alterer.times, began) < bisect.bisect(alterer.times, ended)
    tally.check(alterer.trouble is None, f"{change.name}: {alterer.trouble}")
    tally.check(met >= LEAST_MET_EACH, f"{change.name}: only {met} calls have met it")
    tally.counts["met"] += met


def main(word=""):
    tally = Tally()
    chosen = [change for change in CHANGES if word in change.name]
    with fresh_database("ddl") as database:
        try:
            with Session(database) as session:
                original, *rest = LOG.replace("TABLE log", "TABLE original").split(";\n")
                session.run(original)
                session.run(rest[-1])
                for statement in (
                        f"CREATE ROLE {READER}", f"CREATE ROLE {OWNER}",
                        f"ALTER DATABASE {database} SET search_path = logs, public",
                        f"GRANT SELECT ON original TO {READER}",
                        f"ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {READER}"):
                    session.run(statement)
                queries = [f.query() for f in functions(session) if f.is_over_source and not f.volatile]
            for change in chosen:
                meet(tally, database, change, queries)
        finally:
            administer(f"DROP OWNED BY {READER}, {OWNER}", database)
            administer(f"DROP ROLE IF EXISTS {READER}, {OWNER}")
    if len(chosen) == len(CHANGES):
        tally.check(tally.counts["met"] >= LEAST_MET, f"only {tally.counts['met']} calls have met a change")
    return tally.close()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
