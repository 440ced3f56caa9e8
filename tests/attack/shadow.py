#!/usr/bin/env python3
"""Names: objects that shadow others, names that need quoting, and logs of every kind of relation.

    python3 tests/attack/shadow.py

Every function is called while a hostile schema and pg_temp come first in search_path: each of their functions, operators,
types and relations is a trap, and none may be stepped on. Logs, columns and properties with hostile names give the same rows
as with plain ones, and so do partitioned, inherited, foreign, temporary and materialized logs; the error of a view is passed
on. Casts and operators of the types of a log are the subject of owner.py. Needs a server with the extension and postgres_fdw
installed, named by libpq's environment variables, and a superuser; works in a database and with a role of its own and drops
them. The last line is `N passed, N failed`.
"""

import contextlib
import json
import os
import re
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

from functions import LOG  # noqa: E402
from hostile import quoted as literal  # noqa: E402
from owner import pointing, qualified  # noqa: E402
from owner_fixtures import quoted as identifier  # noqa: E402
from privileges import (  # noqa: E402
    HELD, INSUFFICIENT_PRIVILEGE, OK, Checks, aggregates, answer, over_source, over_values, query_of, state,
)
from psql import Session, administer, fresh_database  # noqa: E402

TRAPPED, DIVISION_BY_ZERO = "CA001", "22012"
PATHS = ("shadow,public,pg_catalog", "shadow,public", "pg_temp,shadow,pg_catalog,public")

TYPES = ("text", "varchar", "name", "bool", "int2", "int4", "int8", "float8", "numeric", "timestamptz", "timestamp", "date",
         "interval", "bytea", "json", "jsonb", "uuid", "regclass", "oid")
OURS = ("activity", "sessions", "funnel", "survival", "experiment_moments")
RELATIONS = {
    "pg_catalog": ("pg_class", "pg_proc", "pg_attribute", "pg_namespace", "pg_type", "pg_constraint", "pg_roles"),
    "user_metrics": ("experiment", "opt_out", "anonymous_user", "privacy_policy", "functions"),
    "public": ("log", "made", "held", "request_log"),
}
# Every function and every operator of pg_catalog that a user can imitate, in the hostile schema. A trap leaves its trace in
# a sequence, which no rollback undoes, and raises an error.
SHADOWS = f"""
CREATE SCHEMA shadow;;
CREATE SEQUENCE shadow.stepped_on;;
CREATE FUNCTION shadow.trap(what text) RETURNS bool LANGUAGE plpgsql AS $trap$
BEGIN
    PERFORM pg_catalog.nextval('shadow.stepped_on'::pg_catalog.regclass);
    RAISE EXCEPTION 'trapped by %', what USING ERRCODE = '{TRAPPED}';
END $trap$;;
CREATE FUNCTION shadow.next(int8) RETURNS int8 LANGUAGE plpgsql AS
$trap$BEGIN PERFORM shadow.trap('count(*)'); RETURN 0; END$trap$;;
CREATE FUNCTION pg_temp.try(statement text) RETURNS void LANGUAGE plpgsql AS $try$
BEGIN EXECUTE statement; EXCEPTION WHEN OTHERS THEN NULL; END $try$;;
DO $do$
DECLARE
    body text := $trap$ LANGUAGE plpgsql AS $body$BEGIN PERFORM shadow.trap(%L); RETURN; END$body$ $trap$;
    f record;
BEGIN
    FOR f IN SELECT p.proname, pg_catalog.oidvectortypes(p.proargtypes) AS arguments, p.oid,
            CASE WHEN p.proretset THEN 'SETOF ' ELSE '' END || pg_catalog.format_type(p.prorettype, NULL) AS result
        FROM pg_catalog.pg_proc AS p
        WHERE p.pronamespace = 'pg_catalog'::regnamespace AND (p.prokind = 'f' OR p.prokind = 'a' AND p.pronargs > 0)
            AND 0 = ALL (SELECT 1 FROM pg_catalog.unnest(p.proargtypes) AS a
                WHERE a IN ('internal'::regtype, 'cstring'::regtype, '"any"'::regtype))
    LOOP
        PERFORM pg_temp.try(pg_catalog.format('CREATE FUNCTION shadow.%I(%s) RETURNS %s', f.proname, f.arguments, f.result)
            || pg_catalog.replace(pg_catalog.format(body, f.oid::regprocedure), 'RETURN;',
                CASE WHEN f.result LIKE 'SETOF %' OR f.result = 'void' THEN 'RETURN;' ELSE 'RETURN NULL;' END));
    END LOOP;
    FOR f IN SELECT o.oid, o.oprname, o.oprleft::regtype AS l, o.oprright::regtype AS r, o.oprresult::regtype AS result
        FROM pg_catalog.pg_operator AS o WHERE o.oprnamespace = 'pg_catalog'::regnamespace AND o.oprkind = 'b'
    LOOP
        PERFORM pg_temp.try(pg_catalog.format('CREATE FUNCTION shadow.operator_%s(%s, %s) RETURNS %s',
                f.oid, f.l, f.r, f.result)
            || pg_catalog.replace(pg_catalog.format(body, f.oid::regoperator), 'RETURN;', 'RETURN NULL;'));
        PERFORM pg_temp.try(pg_catalog.format('CREATE OPERATOR shadow.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = '
            'shadow.operator_%s)', f.oprname, f.l, f.r, f.oid));
    END LOOP;
END $do$;;
CREATE AGGREGATE shadow.count(*) (SFUNC = shadow.next, STYPE = int8, INITCOND = '0')
"""
# What has variadic or untyped arguments in pg_catalog, and operators of any types.
FURTHER = ["format(text, text)", "format(text, text, text)", "concat(text, text)", "count(text)", "count(anyelement)",
           "to_json(text)", "to_jsonb(text)", "json_build_object(text, text)", "jsonb_build_object(text, text)",
           "num_nulls(text)", "greatest(text, text)", "array_agg(text)", "jsonb_agg(text)",
           "active_users(text)", "active_users(regclass)", "activity(text, timestamptz)", "rollup(anyelement)",
           "is_excluded(text, text, text)", "source_query(text)", "relation(regclass)",
           "without_users(anyelement, anyarray)"]
COMPARED = ("=", "<>", "<", "<=", ">", ">=", "||", "+", "-", "~", "@>", "->>")


def traps(schema):
    """Types and relations that are traps; in pg_temp PostgreSQL finds no functions and operators."""
    for home, names in RELATIONS.items():
        temporary = "TEMPORARY " if schema == "pg_temp" else ""
        for name in names:
            # A view cannot have a column of a pseudo-type.
            columns = "r.attrelid, r.attname, r.atttypid, r.attnum, r.attisdropped" if name == "pg_attribute" else "r.*"
            yield (f"CREATE {temporary}VIEW {schema}.{name} AS "
                   f"SELECT {columns} FROM {home}.{name} AS r WHERE shadow.trap('{name}')")
    for home, names in (("pg_catalog", TYPES), ("user_metrics", OURS)):
        for name in names:
            yield f"CREATE DOMAIN {schema}.{name} AS {home}.{name} CHECK (shadow.trap('type {name}'))"


def further_traps():
    for name in FURTHER:
        yield f"CREATE OR REPLACE FUNCTION shadow.{name} RETURNS text LANGUAGE sql AS 'SELECT shadow.trap(''{name}'')::text'"
    for n, sign in enumerate(COMPARED):
        yield (f"CREATE FUNCTION shadow.any_{n}(anyelement, anyelement) RETURNS bool LANGUAGE sql "
               f"AS 'SELECT shadow.trap(''{sign}'')'")
        yield f"CREATE OPERATOR shadow.{sign} (LEFTARG = anyelement, RIGHTARG = anyelement, FUNCTION = shadow.any_{n})"
    # A type to which and from which everything can be cast, so that operators of it are candidates everywhere.
    yield "CREATE TYPE shadow.anything AS ENUM ('x')"
    for n, other in enumerate(("text", "regclass", "int4", "timestamptz", "jsonb", "user_metrics.activity")):
        yield (f"CREATE FUNCTION shadow.into_{n}({other}) RETURNS shadow.anything LANGUAGE sql "
               "AS $$SELECT 'x'::shadow.anything WHERE shadow.trap('cast')$$")
        yield (f"CREATE FUNCTION shadow.of_{n}(shadow.anything) RETURNS {other} LANGUAGE sql "
               f"AS $$SELECT NULL::{other} WHERE shadow.trap('cast')$$")
        yield f"CREATE CAST ({other} AS shadow.anything) WITH FUNCTION shadow.into_{n}({other}) AS IMPLICIT"
        yield f"CREATE CAST (shadow.anything AS {other}) WITH FUNCTION shadow.of_{n}(shadow.anything) AS IMPLICIT"


# Each is trapped if the traps are set.
BAITS = {
    "pg_catalog.length(lower(pg_catalog.current_database()::pg_catalog.text))": "function", "count(*)": "aggregate",
    "pg_catalog.current_database()::pg_catalog.text = ''::pg_catalog.text": "operator", "''::text": "type",
    "(SELECT r.relname FROM pg_class AS r LIMIT 1)": "relation", "pg_catalog.now() < pg_catalog.now()": "operator",
}


def stepped_on(session):
    """Whether a trap was stepped on since the last time this was asked."""
    was_called = session.value("SELECT s.is_called FROM shadow.stepped_on AS s") == "t"
    if was_called:
        session.run("ALTER SEQUENCE shadow.stepped_on RESTART")
    return was_called


def hostile_sessions(stack, database, reader):
    """Sessions of both roles with each path; all have traps in pg_temp."""
    for path in PATHS:
        for role in (None, reader):
            settings = {"search_path": path} | ({"role": role} if role else {})
            session = stack.enter_context(Session(database, **settings))
            session.run_all(list(traps("pg_temp")))
            yield f"{role and 'reader' or 'superuser'} with {path}", session


def safe(query):
    """A query that leaves nothing to search_path itself."""
    return qualified(query).replace("::uuid", "::pg_catalog.uuid")


def shadowed_calls(checks, session, sessions):
    """Every form of every function gives the same as without traps."""
    queries = [(function.identity, function, safe(query_of(function, kind, given)))
               for function, kind in over_source(session) for given in variants(function)]
    queries += [(identity, None, safe(query)) for identity, query in [*over_values(session), *aggregates(session)]]
    checks.check(f"only {len(queries)} queries", len(queries) > 200)
    for identity, function, query in queries:
        expected = answer(session, query, function)
        for name, hostile in sessions:
            checks.equal(f"{name}: {query}", answer(hostile, query, function), expected)
            checks.check(f"{name}: {identity} steps on a trap: {query}", not stepped_on(session))


def variants(function):
    """A call as it is, and one with all that names columns."""
    yield {}
    given = {"by": "'UserTier'", "filter": """'{"feature": ["chat", "code"], "Source": "ads", "succeeded": true}'""",
             "since": "'2024-03-05Z'", "timezone": "'Europe/Berlin'"}
    if any(function.takes(name) for name in given):
        yield {name: value for name, value in given.items() if function.takes(name)}


def shadowed_administration(checks, session, sessions):
    """Administration has the same effect with traps set, and so has attach."""
    statements = (
        "SELECT user_metrics.opt_out('u3')\\; TABLE user_metrics.anonymous_user",
        "SELECT user_metrics.opt_out('u3')\\; SELECT user_metrics.opt_in('u3')",
        """SELECT user_metrics.define_experiment('f', '["a", "b"]'::pg_catalog.jsonb)""",
        """SELECT user_metrics.define_experiment('f', '{"a": 0.5, "b": 0.5}'::pg_catalog.jsonb)""",
        """SELECT user_metrics.define_experiment('e', '["a", "c"]'::pg_catalog.jsonb, replace => true)""",
        "SELECT user_metrics.attach('public.log'::pg_catalog.regclass)",
        "INSERT INTO user_metrics.privacy_policy (min_group_size) VALUES (5)",
        "SELECT user_metrics.attach('public.log'::pg_catalog.regclass, 'public.attached')",
    )
    for name, hostile in sessions:
        for statement in statements if name.startswith("superuser") else ():
            checks.equal(f"{name}: {statement}", state(hostile, statement), OK)
            checks.check(f"{name}: steps on a trap: {statement}", not stepped_on(session))
    for number, by in enumerate((session, sessions[0][1])):
        answer(by, f"SELECT user_metrics.attach('public.log'::pg_catalog.regclass, 'public.attached_{number}')")
    views = session.run("SELECT md5(pg_get_viewdef(c.oid)) FROM pg_class AS c WHERE c.relname ~ '^attached_[01]$'")
    checks.check("attach makes another view, or none", len(views) == 2 and views[0] == views[1])
    session.run("DROP VIEW IF EXISTS public.attached_0, public.attached_1")
    stepped_on(session)


def traps_are_set(checks, session, sessions):
    for name, hostile in sessions:
        for bait, kind in BAITS.items():
            implicit = "pg_catalog" not in name
            if implicit and kind not in ("relation", "type"):
                continue
            checks.equal(f"{name}: {bait}", state(hostile, f"SELECT {bait} FROM (VALUES (1)) AS v"), TRAPPED)
            checks.check(f"{name}: {bait} leaves no trace", stepped_on(session))
    for catalog, namespace, least in (("pg_proc", "pronamespace", 2000), ("pg_operator", "oprnamespace", 500)):
        number = session.value(f"SELECT count(*) FROM {catalog} WHERE {namespace} = 'shadow'::regnamespace")
        checks.check(f"only {number} traps in {catalog}", int(number) > least)


def takeovers(checks, sessions):
    """Nobody can add to the schemas of the extension, where names would be found before or beside its own."""
    for schema in ("user_metrics", "user_metrics_internal"):
        for statement in (
            f"CREATE FUNCTION {schema}.active_users(varchar) RETURNS int LANGUAGE sql AS 'SELECT 1'",
            f"CREATE FUNCTION {schema}.relation(text) RETURNS text LANGUAGE sql AS 'SELECT 1'",
            f"CREATE AGGREGATE {schema}.activity(text, date) (SFUNC = array_append, STYPE = text[])",
            f"CREATE OPERATOR {schema}.= (LEFTARG = text, RIGHTARG = int, FUNCTION = text_larger)",
            f"CREATE TABLE {schema}.log ()", f"CREATE VIEW {schema}.request_log AS SELECT 1", f"CREATE SEQUENCE {schema}.s",
            f"CREATE TYPE {schema}.text AS ENUM ()", f"CREATE DOMAIN {schema}.regclass AS int",
            f"CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'\\; "
            f"ALTER FUNCTION public.mine() SET SCHEMA {schema}",
            f"CREATE TEMPORARY TABLE t ()\\; ALTER TABLE t SET SCHEMA {schema}",
            f"SET search_path = {schema}\\; CREATE TABLE log ()",
        ):
            for name, hostile in sessions:
                if name.startswith("reader"):
                    checks.equal(f"{name}: {statement}", state(hostile, statement), INSUFFICIENT_PRIVILEGE)


NAMES = (
    'a"b', "a'b", "a;b", "a\nb", "a\tb", "a--b", "a$$b", "$1", "$6", "100%s", "%I", "%", "x" * 63, "ünïcödé ☃", "select",
    "User", "a.b", "a\\b", "/*", "*/", " ", "'); DROP TABLE public.log; --", '"', "''", "{}", "a,b", "E'\\n'", ":name",
    "NULL", "source", "value", "q", "r", "true", "U&\"x\"", "\u00a0", "ﬀ", "𝄞" * 15,
)


def with_names(log, table, column, key):
    """A log in which another column and another property hold the feature, too."""
    return (f"CREATE TABLE {table} AS SELECT l.*, l.feature AS {identifier(column)}, l.properties || "
            f"jsonb_build_object({literal(key)}, l.feature) AS further FROM {log} AS l",
            f"ALTER TABLE {table} DROP COLUMN properties", f"ALTER TABLE {table} RENAME COLUMN further TO properties")


def naming(function, column, key):
    """Arguments that name a column and a property: as group and as filter, and in all other roles that they can have."""
    for group, condition in ((column, key), (key, column)):
        given = {"by": literal(group), "filter": literal(json.dumps({condition: ["chat", "code"]}))}
        yield {name: value for name, value in given.items() if function.takes(name)}
    for name in (column, key):
        for argument, given in pointing(function, name.replace("'", "''")):
            if argument not in ("by", "filter"):
                yield given


def hostile_names(checks, session, owner):
    """Schemas, tables, columns and properties whose names need quoting make no difference."""
    session.run_all(with_names("log", "public.plain", "plain_column", "plain_key"))
    every, expected, answered = over_source(session), {}, 0
    for function, kind in every:
        for n, given in enumerate(naming(function, "plain_column", "plain_key")):
            expected[function, kind, n] = answer(session, query_of(function, kind, given, "public.plain"), function)
            answered += expected[function, kind, n][0] == OK
    checks.check(f"only {answered} of {len(expected)} calls with plain names answer", answered > 0.8 * len(expected))
    for name in NAMES:
        table, key = f"{identifier(name)}.{identifier(name)}", f"{name} key"
        # Of a schema that somebody else could rename, more is composed.
        session.run_all([f"CREATE SCHEMA {identifier(name)} AUTHORIZATION {owner}", *with_names("log", table, name, key)])
        source = literal(table)[1:-1]
        for function, kind in every:
            for n, given in enumerate(naming(function, name, key)):
                query = query_of(function, kind, given, source)
                checks.equal(query, named_plainly(answer(session, query, function), name, key), expected[function, kind, n])
        attached(checks, session, name, table)


def named_plainly(found, column, key):
    """The rows with the names of the plain log, where they tell the name of a column, a property or a metric of one."""
    rows = found[1]
    for name, plain in ((column, "plain_column"), (key, "plain_key")):
        quoted = re.escape(json.dumps(name, ensure_ascii=False)[1:-1])
        told = re.compile(rf'("(?:column_name|property|metric)":"(?:sum\(|mean\()?){quoted}((?:\)|_p90)?")')
        rows = [told.sub(rf"\g<1>{plain}\g<2>", row) for row in rows]
    return found[0], sorted(rows)


def attached(checks, session, name, table):
    """attach quotes the names of log and view, and takes an expression over a column with such a name."""
    view, columns = f"{identifier(name)}.{identifier(name[:-1] + 'v')}", json.dumps({"feature": identifier(name)})
    call = f"user_metrics.attach({literal(table)}, {literal(view)}, {literal(columns)}::jsonb)"
    checks.equal(call, answer(session, f"SELECT {call}")[0], OK)
    used = "SELECT * FROM user_metrics.feature_usage({})"
    expected = answer(session, used.format("'public.plain'"))
    checks.equal(f"{used} of {call}", answer(session, used.format(literal(view))), expected)


KINDS = {
    "partitioned": (
        "CREATE TABLE partitioned (LIKE log) PARTITION BY RANGE (created_at)",
        "CREATE TABLE early PARTITION OF partitioned FOR VALUES FROM (MINVALUE) TO ('2024-04-01Z') "
        "PARTITION BY HASH (user_id)",
        "CREATE TABLE early_0 PARTITION OF early FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
        "CREATE TABLE early_1 PARTITION OF early FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
        "CREATE TABLE other PARTITION OF partitioned DEFAULT", "INSERT INTO partitioned SELECT * FROM log"),
    "parent": (
        "CREATE TABLE parent (LIKE log)", "CREATE TABLE child (added int) INHERITS (parent)",
        "CREATE TABLE grandchild () INHERITS (child)", "INSERT INTO parent SELECT * FROM log WHERE user_id < 'u2'",
        "INSERT INTO child SELECT * FROM log WHERE user_id BETWEEN 'u2' AND 'u3'",
        "INSERT INTO grandchild SELECT * FROM log WHERE user_id > 'u3'"),
    "temporary": ("CREATE TEMPORARY TABLE temporary AS TABLE log",),
    "unlogged": ("CREATE UNLOGGED TABLE unlogged AS TABLE log",),
    "materialized": ("CREATE MATERIALIZED VIEW materialized AS TABLE log",),
    "viewed": ("CREATE VIEW viewed AS SELECT * FROM (SELECT * FROM log ORDER BY request_id OFFSET 0) AS l",),
    "recursive": ("CREATE VIEW recursive AS WITH RECURSIVE w AS (SELECT * FROM log UNION SELECT * FROM w) SELECT * FROM w",),
    "barrier": ("CREATE VIEW barrier WITH (security_barrier, security_invoker) AS TABLE log",),
    "dropped": ("CREATE TABLE dropped AS SELECT 1 AS gone, l.*, 2 AS gone_too FROM log AS l",
                "ALTER TABLE dropped DROP COLUMN gone, DROP COLUMN gone_too"),
    "remote": (
        "CREATE EXTENSION postgres_fdw",
        "DO $do$ BEGIN EXECUTE format('CREATE SERVER loopback FOREIGN DATA WRAPPER postgres_fdw OPTIONS "
        "(host %L, port %L, dbname %L)', split_part(current_setting('unix_socket_directories'), ',', 1), "
        "current_setting('port'), current_database()); END $do$",
        "CREATE USER MAPPING FOR CURRENT_USER SERVER loopback", "CREATE SCHEMA imported",
        "IMPORT FOREIGN SCHEMA public LIMIT TO (log) FROM SERVER loopback INTO imported",
        "ALTER FOREIGN TABLE imported.log RENAME TO remote", "ALTER FOREIGN TABLE imported.remote SET SCHEMA public"),
}
# Views that fail at row 295 of 300, which is u1's, in columns that every function reads.
FAILING = {
    "no_user": "user_id || pg_catalog.left((1 / (prompt_tokens - 2950))::text, 0) AS user_id, created_at",
    "no_time": "user_id, created_at + (1 / (prompt_tokens - 2950)) * interval '0' AS created_at",
}


def kinds_of_relations(checks, session):
    for name, statements in KINDS.items():
        session.run_all(statements)
        for function, kind in over_source(session):
            for given in variants(function):
                query = query_of(function, kind, given, name)
                expected = answer(session, query_of(function, kind, given), function)
                checks.equal(query, answer(session, query, function), expected)
    rest = session.value("SELECT string_agg(quote_ident(a.attname), ', ') FROM pg_attribute AS a WHERE a.attrelid = "
                         "'log'::regclass AND a.attnum > 0 AND a.attname NOT IN ('user_id', 'created_at')")
    for name, columns in FAILING.items():
        session.run(f"CREATE VIEW {name} AS SELECT {columns}, {rest} FROM log")
        for function, kind in over_source(session):
            query = query_of(function, kind, source=name)
            checks.equal(query, answer(session, query), (DIVISION_BY_ZERO, []))
            checks.equal(f"states after {query}", session.value("SELECT user_metrics_internal.live_states()"), "0")


def set_up(session, reader):
    session.run_all([*LOG.strip().split(";\n"), HELD])
    session.run_all(["CREATE VIEW request_log AS TABLE log", f"GRANT SELECT ON log, made, held TO {reader}",
                     f"GRANT CREATE ON SCHEMA public TO {reader}"])
    for statement in SHADOWS.strip().split(";;\n"):
        session.run(statement)
    session.run_all(list(further_traps()))
    session.run_all(["GRANT USAGE ON SCHEMA shadow TO PUBLIC", "GRANT ALL ON SEQUENCE shadow.stepped_on TO PUBLIC"])
    session.run_all(list(traps("shadow")))
    session.run("GRANT SELECT ON ALL TABLES IN SCHEMA shadow TO PUBLIC")


def test(checks, database, reader):
    with contextlib.ExitStack() as stack:
        session = stack.enter_context(Session(database))
        set_up(session, reader)
        sessions = list(hostile_sessions(stack, database, reader))
        traps_are_set(checks, session, sessions)
        shadowed_calls(checks, session, sessions)
        shadowed_administration(checks, session, sessions)
        takeovers(checks, sessions)
        hostile_names(checks, session, reader)
        kinds_of_relations(checks, session)


def main():
    checks = Checks()
    reader = f"user_metrics_shadow_{os.getpid()}"
    administer(f"CREATE ROLE {reader}")
    try:
        with fresh_database("shadow") as database:
            test(checks, database, reader)
    finally:
        administer(f"DROP ROLE {reader}")
    return checks.conclude()


if __name__ == "__main__":
    sys.exit(main())
