#!/usr/bin/env python3
"""Whether the owner of a log can run code as the user who analyses it: hostile types, casts, domains, operators, relations.

    python3 tests/attack/owner.py [WORD]         only the fixtures whose names contain the word

Needs a server with the extension installed, named by libpq's environment variables, and a superuser; works in a database of
its own and drops it. Code of the owner may run only where a plain SELECT of the columns would run it, too, and a log of
domains or enums must give the same as one of their base types or texts. The last line is `N passed, N failed`.
"""

import collections
import json
import queue
import re
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

from functions import LOG, functions  # noqa: E402
from owner_fixtures import (  # noqa: E402
    LITELLM, OWNER, PRELUDE, READER, SUPERUSER, Fixture, create, everything, hostile_type, plain_columns, schema_of,
)
from psql import ServerError, Session, fresh_database  # noqa: E402

THREADS = 4
# Seconds of concurrent renaming.
CHURN = 5


def qualified(call):
    """A call with types qualified for any search_path."""
    return re.sub(r"::(text|jsonb|regclass|date)\b", r"::pg_catalog.\1", call)


def pointing(function, column):
    """Arguments that name a column, by role."""
    one, none = json.dumps({column: "code"}), json.dumps({column: ["1", True, 2, None]})
    text = {"by": column, "metric": column, "variant": column, "tier_property": column, "plan_property": column,
            "source_property": column, "variant_property": column}
    objects = {"filter": none, "exposed": one, "action": one, "premium": one, "exclude": f"[{one}]"}
    steps = f'[{{"filter": {one}}}, {{"filter": {json.dumps({column: "chat"})}}}]'
    lists = {"steps": steps, "milestones": f'[{{"name": "m", "filter": {one}}}]', "start_event": one, "end_event": one,
             "behaviours": f'[{{"name": "b", "filter": {one}}}]'}
    for name, value in (text | objects | lists).items():
        if function.takes(name):
            yield name, {name: f"'{value}'"}
    if function.takes("converted"):
        yield "converted", {"converted": f"'{one}'", "metric": "'converted'"}
    if function.takes("metrics"):
        yield "metrics", {"metrics": f"ARRAY['sum({column})', 'mean({column})', '{column}_p90']"}


def calls(every, fixture):
    """The calls of a fixture: the function, which argument points at its column, and the query."""
    for function in every:
        if function.name == "attach":
            continue
        yield function, "", qualified(function.query({}, fixture.log))
        for name, given in pointing(function, fixture.column):
            # A filter is read in the same way by all functions, and so is the column of segments.
            if name in ("filter", "by") and not (fixture.deep and fixture.twin) and function.name not in SAMPLE:
                continue
            yield function, name, qualified(function.query(given, fixture.log))
        if function.takes("signups"):
            yield function, "signups", qualified(function.query({"signups": f"'{fixture.log}'"}, "evil.plain"))
        if fixture.path:
            named = function.query({}, fixture.log).replace("::regclass", "::text", 1)
            yield function, "source by name", qualified(named)


SAMPLE = ("active_users", "feature_usage", "funnel", "session_list", "user_profile", "ab_compare", "paths",
          "segment_users")


class Failures:
    """Failures, one entry per cause, with the SQL of the first."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.causes = collections.OrderedDict()
        self.lock = threading.Lock()

    def count(self, right):
        with self.lock:
            self.passed += right
            self.failed += not right

    def blame(self, cause, of, sql=None):
        with self.lock:
            self.causes.setdefault(cause, (set(), sql))[0].add(of)


CANARY = re.compile(r"WARNING:\s+\w*:?\s*canary (.*) as (\w+)$")


@dataclass
class Answer:
    """The result of a query, and which canaries it triggered."""

    rows: list
    sqlstate: str
    canaries: frozenset
    message: str = ""


def ask(session, query):
    """Runs a query; rows as JSON in order."""
    try:
        session.run("SET canary.seen = ''")
        lines = session.run(f"SELECT pg_catalog.row_to_json(q) FROM ({query}) AS q")
        sqlstate, message = "00000", ""
    except ServerError as error:
        lines, sqlstate, message = str(error).split("\n"), error.sqlstate, str(error).split("\nLOCATION")[0]
    found = frozenset(match.group(1) for line in lines if (match := CANARY.search(line)))
    rows = [line for line in lines if line.startswith("{")] if sqlstate == "00000" else []
    return Answer(rows, sqlstate, found, message)


def session_of(database, role, path=None):
    settings = {"client_min_messages": "warning", "jit": "off", "max_parallel_workers_per_gather": "0"}
    if role != SUPERUSER:
        settings["role"] = role
    if path:
        settings["search_path"] = path.replace(" ", "")
    return Session(database, **settings)


def comparable(function, rows):
    """Rows without the type names of columns, and without the last digits, which depend on the plan."""
    if function.name == "describe_source":
        rows = [re.sub(r'"(data_type|source_column)":(null|"(\\.|[^"\\])*"),', "", row) for row in rows]
    return [re.sub(r"\d+\.\d{8,}(e-?\d+)?", lambda match: f"{float(match[0]):.9g}", row) for row in rows]


def reproduced(fixture, role, query):
    if isinstance(query, list):
        return fixture, query
    said = [f"SET ROLE {role}"] if role != SUPERUSER else []
    said += [f"SET search_path = {fixture.path}"] if fixture.path else []
    return fixture, said + [query]


class Twins:
    """The results of the logs of plain types, computed once."""

    def __init__(self, database):
        self.database, self.known, self.lock = database, {}, threading.Lock()

    def answer(self, session, query):
        with self.lock:
            if query in self.known:
                return self.known[query]
        answer = ask(session, query)
        with self.lock:
            self.known[query] = answer
        return answer


def judge(failures, fixture, role, function, argument, query, answer, allowed, twin):
    """Evaluates one call: whose code it ran, whether it failed, whether its result equals that of the log's twin."""
    of = f"{function}{' ' + argument if argument else ''} ({fixture.name})"
    sql = reproduced(fixture, role, query)
    causes = [f"runs the owner's code: {re.sub(' of [a-z_A-Z]+ to ', ' to ', canary)}"
              for canary in answer.canaries - allowed]
    if causes and isinstance(query, list):
        causes = [f"runs the owner's code, who was quick: {fixture.name}"]
    said = next((line for line in answer.message.split("\n") if "ERROR:" in line), answer.message)
    said = re.sub(r"\b[a-z]+_[\w]+\.|\"", "", said.split("ERROR:")[-1]).strip()[:140]
    if answer.sqlstate.startswith(("XX", "58", "08")):
        causes.append(f"fails within: {said}")
    if twin is not None and (answer.sqlstate, answer.rows) != (twin.sqlstate, twin.rows):
        causes.append(f"is not like its twin: {said or 'other rows'}")
    for cause in sorted(causes):
        failures.blame(cause, of, sql)
    failures.count(not causes)


def run_fixture(database, failures, every, twins, fixture, role):
    with session_of(database, role, fixture.path) as session, session_of(database, SUPERUSER) as other:
        allowed = ask(session, f"SELECT p.* FROM {fixture.log} AS p").canaries
        if fixture.bounded:
            bound = "p.created_at <= pg_catalog.statement_timestamp()"
            allowed |= ask(session, f"SELECT p.* FROM {fixture.log} AS p WHERE {bound}").canaries
        for function, argument, query in calls(every, fixture):
            if role != SUPERUSER and argument not in ("", "by", "signups"):
                continue
            answer = ask(session, query)
            twin = None
            if fixture.twin:
                twin = twins.answer(other, query.replace(f"'{fixture.log}'", f"'{fixture.twin}'"))
                twin = Answer(comparable(function, twin.rows), twin.sqlstate, twin.canaries, twin.message)
                answer.rows = comparable(function, answer.rows)
            judge(failures, fixture, role, function.name, argument, query, answer, allowed, twin)
        attach(session, failures, every, fixture, role, allowed)


def attach(session, failures, every, fixture, role, allowed):
    """Attaches the log, also as the software it imitates, and reads the view."""
    for further in ("", ", preset => 'litellm'") if "litellm" in fixture.log + fixture.name else ("",):
        view = f"attached.v_{abs(hash((fixture.name, role, further)))}"
        query = f"SELECT user_metrics.attach('{fixture.log}'::pg_catalog.regclass, '{view}'{further})"
        made = ask(session, query)
        judge(failures, fixture, role, "attach", further[2:], query, made, allowed, None)
        if made.sqlstate != "00000":
            continue
        for function in every:
            if function.name in SAMPLE or function.name == "describe_source":
                query = qualified(function.query({}, view))
                answer = ask(session, query)
                judge(failures, fixture, role, function.name, "of the attached view", query, answer, allowed, None)
        session.run(f"DROP VIEW {view}")


def swapped(database, failures, every):
    """The owner changes the log between description and reading, while the reader waits for the owner's lock."""
    made, named, value = hostile_type("race_cast_created_at", "composite", "timestamptz", "p.created_at", "evil.plain")
    plain = plain_columns()
    hostile = plain | {"created_at": (named, value)}
    setup = ["SET ROLE mallory", *schema_of("race"), *schema_of("race_safe"), *schema_of("race_evil"),
             *schema_of("race_cast_created_at"), *made, *create("race.log", plain), *create("race.hostile", hostile),
             *create("race_safe.log", plain), *create("race_evil.log", hostile),
             # The planner inlines a cast that is plain SQL, and evaluates its constant parts.
             "CREATE FUNCTION evil.folded(integer) RETURNS pg_catalog.timestamptz LANGUAGE plpgsql IMMUTABLE AS "
             "$f$BEGIN PERFORM evil.canary('folded while planning'); RETURN pg_catalog.now(); END$f$",
             f"CREATE OR REPLACE FUNCTION race_cast_created_at.to_timestamptz({named}) RETURNS pg_catalog.timestamptz "
             "LANGUAGE sql IMMUTABLE AS 'SELECT evil.folded(1)'", "RESET ROLE"]
    drop = "ALTER TABLE race.log DROP COLUMN created_at"
    add = "ALTER TABLE race.log ADD COLUMN created_at {} DEFAULT {}"
    ways = {
        # A constant default rewrites nothing: rows stay visible to older snapshots.
        "column": ("race.log", [drop, add.format(named, "'(2024-03-01Z)'")],
                   [drop, add.format("timestamptz", "'2024-03-01Z'")]),
        "table's name": ("race.log", ["ALTER TABLE race.log RENAME TO kept", "ALTER TABLE race.hostile RENAME TO log"],
                         ["ALTER TABLE race.log RENAME TO hostile", "ALTER TABLE race.kept RENAME TO log"]),
        "schema's name": ("race_safe.log", ["ALTER SCHEMA race_safe RENAME TO race_kept",
                                            "ALTER SCHEMA race_evil RENAME TO race_safe"],
                          ["ALTER SCHEMA race_safe RENAME TO race_evil", "ALTER SCHEMA race_kept RENAME TO race_safe"]),
    }
    with session_of(database, SUPERUSER) as victim, session_of(database, OWNER) as mallory, \
            session_of(database, SUPERUSER) as watcher:
        for statement in setup:
            victim.run(statement)
        pid = victim.value("SELECT pg_backend_pid()")
        for way, (log, change, restore) in ways.items():
            for function in every:
                if way != "column" and function.name not in (*SAMPLE, "describe_source", "attach"):
                    continue
                query = function.query({}, log)
                if function.name == "attach":
                    query = f"SELECT user_metrics.attach('{log}', 'attached.swapped')"
                mallory.run("BEGIN")
                mallory.run(f"LOCK TABLE {log} IN ACCESS EXCLUSIVE MODE")
                got = []
                thread = threading.Thread(target=lambda: got.append(ask(victim, query)))
                thread.start()
                for _ in range(400):
                    waits = watcher.value(f"SELECT count(*) FROM pg_locks WHERE pid = {pid} AND NOT granted")
                    if waits != "0" or not thread.is_alive():
                        break
                    time.sleep(0.002)
                for statement in [*change, "COMMIT"]:
                    mallory.run(statement)
                thread.join()
                [answer] = got
                said = [f"-- session 1, owner: BEGIN; LOCK TABLE {log}", f"-- session 2, superuser: {query}",
                        f"-- session 1: {'; '.join(change)}; COMMIT"]
                judge(failures, Fixture(f"swap of {way}", setup, log), "both", function.name, "", said, answer,
                      frozenset(), None)
                victim.run("DROP VIEW IF EXISTS attached.swapped")
                mallory.run_all(["BEGIN", *restore, "COMMIT"])
        parsed_late(failures, victim, mallory, ways["schema's name"], setup)
        churned(failures, every, victim, mallory, ways["schema's name"], setup)


def parsed_late(failures, victim, mallory, way, setup):
    """The owner renames schemas between the description of the log and the parsing of the query."""
    log, change, restore = way
    described = (f"SELECT user_metrics_internal.source_query('active_users', user_metrics_internal.relation('{log}'), "
                 "ARRAY['period'], NULL, NULL, NULL, NULL, NULL, NULL)")
    query = victim.value(described)
    mallory.run_all(["BEGIN", *change, "COMMIT"])
    late = (f"DO $late$ BEGIN EXECUTE $query${query}$query$ "
            "USING NULL::timestamptz, NULL::timestamptz, now(), NULL::timestamptz, 'day'; END $late$")
    said = [f"-- session 2, superuser: {described}", f"-- session 1, owner: {'; '.join(change)}", f"-- session 2: {late}"]
    victim.run("SET canary.seen = ''")
    state, lines = "00000", []
    try:
        lines = victim.run(late)
    except ServerError as error:
        state, lines = error.sqlstate, str(error).split("\n")
        victim.reset()
    canaries = frozenset(found[1] for found in map(CANARY.search, lines) if found)
    answer = Answer([], state, canaries, "\n".join(lines))
    fixture = Fixture("schemas renamed before parsing", setup, log)
    judge(failures, fixture, "both", "active_users", "", said, answer, frozenset(), None)
    if state != "42883":
        failures.blame(f"{state} instead of 42883", f"active_users ({fixture.name})", reproduced(fixture, "both", said))
    failures.count(state == "42883")
    mallory.run_all(["BEGIN", *restore, "COMMIT"])


def churned(failures, every, victim, mallory, way, setup):
    """The owner renames schemas continuously: whatever the name means meanwhile, the original table must be read."""
    log, change, restore = way
    meant = victim.value(f"SELECT '{log}'::regclass::oid")
    renames = f"{'; '.join(change)}; COMMIT; {'; '.join(restore)}; COMMIT;"
    began = "pg_catalog.clock_timestamp()"
    loop = f"DO $do$ DECLARE began timestamptz := {began}; BEGIN " \
           f"WHILE {began} < began + interval '{CHURN} s' LOOP {renames} END LOOP; END $do$"
    thread = threading.Thread(target=lambda: mallory.run(loop))
    thread.start()
    while thread.is_alive():
        for function in every:
            query = function.query({}, meant)
            if function.name == "attach":
                continue
            answer = ask(victim, query)
            judge(failures, Fixture("schemas renamed all the time", setup, log), "both", function.name, "",
                  [f"-- session 1, owner: {loop}", f"-- session 2, superuser, again and again: {query}"], answer,
                  frozenset(), None)
    thread.join()


def set_up(database, fixtures, failures):
    """Creates the fixtures as their owner; returns those that could be created."""
    with Session(database) as session:
        for statement in PRELUDE.format(database=database).strip().split(";;\n"):
            session.run(statement.rstrip(";"))
        session.run("RESET ROLE")
        for statement in [*LOG.strip().split(";\n"), "GRANT SELECT ON log, made TO PUBLIC", "SET ROLE mallory",
                          "CREATE TABLE evil.plain AS SELECT * FROM public.log", LITELLM.strip(),
                          *create("evil.plain_status", plain_columns(status=True)),
                          *create("evil.plain_varchar", plain_columns() | {"model": ("varchar", "p.model")}),
                          *create("evil.plain_seconds", plain_columns() | {
                              "created_at": ("timestamptz(2)", "p.created_at")})]:
            session.run(statement)
        made = []
        for fixture in fixtures:
            try:
                # Fixtures may share objects created by the first of them.
                if not any(other.setup is fixture.setup for other in made):
                    for statement in fixture.setup:
                        session.run(statement)
                made.append(fixture)
            except ServerError as error:
                session.run("SET ROLE mallory")
                failures.count(False)
                failures.blame(f"the fixture {fixture.name} cannot be made: {str(error)[:300]}", "set-up")
        return made


def main():
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    failures, started = Failures(), time.monotonic()
    fixtures = [fixture for fixture in everything() if word in fixture.name]
    with Session("postgres") as session:
        for role in (OWNER, READER):
            try:
                session.run(f"CREATE ROLE {role}")
            except ServerError as error:
                if error.sqlstate != "42710":
                    raise
    with fresh_database("owner") as database:
        with Session(database) as session:
            every = [function for function in functions(session) if function.is_over_source]
        fixtures = set_up(database, fixtures, failures)
        jobs, twins = queue.Queue(), Twins(database)
        for fixture in fixtures:
            for role in fixture.roles:
                jobs.put((fixture, role))

        def work():
            while True:
                try:
                    fixture, role = jobs.get_nowait()
                except queue.Empty:
                    return
                try:
                    run_fixture(database, failures, every, twins, fixture, role)
                except Exception as error:
                    failures.count(False)
                    failures.blame(f"{fixture.name} as {role}: {type(error).__name__} {error}", "harness")

        threads = [threading.Thread(target=work) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        quick = ("swap of column", "swap of table's name", "swap of schema's name", "schemas renamed")
        if any(word in name for name in quick):
            swapped(database, failures, every)
    with Session("postgres") as session:
        session.run(f"DROP ROLE {OWNER}, {READER}")
    report(failures, bool(word))
    print(f"{time.monotonic() - started:.0f} seconds", file=sys.stderr)
    print(f"{failures.passed} passed, {failures.failed} failed")
    sys.exit(failures.failed > 0)


def report(failures, whole):
    """Prints every cause once, with the fixtures affected and the statements that show it."""
    for number, (cause, (of, sql)) in enumerate(sorted(failures.causes.items()), 1):
        listed = sorted(of)
        print(f"{number}. {cause}\n   {len(listed)}: {', '.join(listed[:4])}{', …' if len(listed) > 4 else ''}")
        if sql:
            fixture, query = sql
            shown = [statement for statement in fixture.setup if not statement.startswith("GRANT")]
            if not whole and len(shown) > 7:
                shown = [f"-- {len(shown)} statements: owner.py '{fixture.name}' prints them"]
            for statement in shown + query:
                print(f"      {statement if whole or len(statement) < 500 else statement[:500] + ' …'};")


if __name__ == "__main__":
    main()
