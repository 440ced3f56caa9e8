#!/usr/bin/env python3
"""Whether the owner of a log can run code as whoever analyses it: hostile types, casts, domains, operators, relations.

    python3 tests/attack/owner.py [WORD]         only the fixtures whose names contain the word

Needs a server with the extension installed, named by libpq's environment variables, and a superuser; works in a
database of its own and drops it. Code of the owner may run only where a plain SELECT of the columns runs it too, and a
log of domains or enums answers like one of their base types or texts. The last line is `N passed, N failed`.
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
from psql import ServerError, Session, fresh_database  # noqa: E402

OWNER, READER, SUPERUSER = "mallory", "reader", "superuser"
THREADS = 4
# Seconds of renaming.
CHURN = 5

# Every function of the owner warns, once a call of ours, and works on as if nothing were.
PRELUDE = """
CREATE SCHEMA evil AUTHORIZATION mallory;;
CREATE SCHEMA attached;;
GRANT ALL ON SCHEMA attached TO reader, mallory;;
GRANT CREATE ON DATABASE {database} TO mallory;;
SET ROLE mallory;;
GRANT USAGE ON SCHEMA evil TO PUBLIC;;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC;;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO PUBLIC;;
CREATE FUNCTION evil.canary(name text) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF position('|' || name || '|' IN COALESCE(current_setting('canary.seen', true), '')) = 0 THEN
        RAISE WARNING 'canary % as %', name, current_user;
        PERFORM set_config('canary.seen', concat(current_setting('canary.seen', true), '|', name, '|'), false);
    END IF;
END $$;;
CREATE FUNCTION evil.truly(name text) RETURNS bool LANGUAGE plpgsql IMMUTABLE
AS 'BEGIN PERFORM evil.canary(name); RETURN true; END';;
CREATE FUNCTION evil.truly(name text, anything anyelement) RETURNS bool LANGUAGE plpgsql IMMUTABLE
AS 'BEGIN PERFORM evil.canary(name); RETURN true; END';;
CREATE FUNCTION evil.same(name text, anything anyelement) RETURNS anyelement LANGUAGE plpgsql IMMUTABLE
AS 'BEGIN PERFORM evil.canary(name); RETURN anything; END';;
"""

# The columns of LOG that are attacked, and the types they should have.
COLUMNS = {
    "user_id": "text", "created_at": "timestamptz", "request_id": "text", "session_id": "text", "model": "text",
    "feature": "text", "status": "text", "prompt_tokens": "int4", "cost_usd": "numeric", "latency_ms": "float8",
    "succeeded": "bool", "rating": "int4", "prompt": "text", "properties": "jsonb", "variant": "varchar",
}
WORDS = [name for name, kind in COLUMNS.items() if kind in ("text", "varchar")] + ["provider"]
MANY = ("text", "jsonb", "timestamptz", "float8", "bool", "uuid", "int8")

LITELLM = """
CREATE TABLE evil.litellm AS
SELECT user_id AS end_user, created_at::timestamp AS "startTime",
    created_at::timestamp + interval '1 second' AS "endTime",
    request_id, session_id, model AS model_group, 'x' || model AS model, provider AS custom_llm_provider,
    jsonb_build_array('feature:' || feature) AS request_tags, 'call ' || feature AS call_type, prompt_tokens,
    completion_tokens, cost_usd::float8 AS spend, latency_ms::int4 AS request_duration_ms,
    CASE WHEN succeeded THEN 'success' ELSE 'failure' END AS status,
    jsonb_build_object('spend_logs_metadata', properties - 'Source') AS metadata
FROM evil.plain
"""
SIGNATURE = ("request_id", "startTime", "endTime", "spend", "end_user", "custom_llm_provider", "model_group")
LITELLM_TYPES = {
    "end_user": "text", "startTime": "timestamp", "endTime": "timestamp", "request_id": "text", "session_id": "text",
    "model_group": "text", "model": "text", "custom_llm_provider": "text", "request_tags": "jsonb", "call_type": "text",
    "prompt_tokens": "int4", "completion_tokens": "int4", "spend": "float8", "request_duration_ms": "int4",
    "status": "text", "metadata": "jsonb",
}

# Base types of columns beside those of LOG: what a log of them answers, one of domains over them answers too.
BASES = {
    "first": {},
    "second": {
        "user_id": ("int8", "substr(p.user_id, 2)::int8"), "created_at": ("timestamp", "p.created_at::timestamp"),
        "prompt_tokens": ("int8", "p.prompt_tokens"), "cost_usd": ("float8", "p.cost_usd"),
        "succeeded": ("int4", "p.succeeded::int4"), "properties": ("json", "p.properties::json"),
        "rating": ("bool", "p.rating > 2"), "model": ("varchar", "p.model"), "feature": ("varchar(9)", "p.feature"),
        "session_id": ("int4", "substr(p.session_id, 2)::int4"),
        "request_id": ("int8", "substr(p.request_id, 2)::int8"),
        "variant": ("varchar", "p.variant"), "latency_ms": ("numeric", "p.latency_ms"),
    },
    "third": {
        "user_id": ("uuid", "md5(p.user_id)::uuid"), "created_at": ("date", "p.created_at::date"),
        "prompt_tokens": ("int2", "p.prompt_tokens"), "cost_usd": ("float4", "p.cost_usd"),
        "succeeded": None, "status": ("int4", "CASE WHEN p.succeeded THEN 200 ELSE 500 END"),
        "rating": ("numeric(9,2)", "p.rating"), "model": ("name", "p.model"), "feature": ("bpchar", "p.feature"),
        "session_id": ("uuid", "md5(p.session_id)::uuid"), "request_id": ("uuid", "md5(p.request_id)::uuid"),
        "latency_ms": ("int8", "p.latency_ms"),
    },
    "fourth": {
        "user_id": ("int4", "substr(p.user_id, 2)::int4"), "succeeded": None,
        "status": ("varchar", "CASE WHEN p.succeeded THEN 'ok' ELSE 'no' END"),
        "prompt_tokens": ("numeric", "p.prompt_tokens"),
    },
}


@dataclass
class Fixture:
    """A log that the owner prepared."""

    name: str
    setup: list
    log: str
    # The column that is hostile; with none of one name, arguments point at `feature`.
    column: str = "feature"
    # The log whose answers it must give.
    twin: str = None
    roles: tuple = (SUPERUSER, READER, OWNER)
    # Whether arguments that name columns are given too.
    deep: bool = True
    path: str = None
    # What every query with a condition on the time wakes: PostgreSQL folds constants in CHECKs of children then.
    bounded: bool = False


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def plain_columns(status=False):
    """The columns of LOG with their types and expressions."""
    columns = {
        "user_id": "text", "created_at": "timestamptz", "request_id": "text", "session_id": "text", "model": "text",
        "provider": "text", "feature": "text", "prompt_tokens": "int4", "completion_tokens": "int4",
        "cost_usd": "numeric", "revenue_usd": "numeric", "latency_ms": "numeric", "succeeded": "bool", "rating": "int4",
        "prompt": "text", "properties": "jsonb", "variant": "text",
    }
    made = {name: (kind, f"p.{name}") for name, kind in columns.items()}
    if status:
        del made["succeeded"]
        made["status"] = ("text", "CASE WHEN p.succeeded THEN 'ok' ELSE 'no' END")
    return made


def create(log, columns, origin="evil.plain", rest=""):
    """Statements that make a table of columns, each a type and an expression over rows `p` of the origin."""
    listed = ", ".join(f"{quoted(name)} {kind}" for name, (kind, _) in columns.items())
    selected = ", ".join(expression for _, expression in columns.values())
    return [f"CREATE TABLE {log} ({listed}){rest}", f"INSERT INTO {log} SELECT {selected} FROM {origin} AS p"]


def hostile_type(schema, kind, base, expression, origin):
    """Statements that make a type that looks like a base type, its name, and the expression of a value of it."""
    looks, real = f"{schema}.{quoted(base)}", f"pg_catalog.{quoted(base)}"
    enum = looks if kind in ("enum", "assign", "explicit", "many", "array") else f"{schema}.base"
    literal = f"quote_literal(({expression})::{real}::text)"
    # In another order than that of texts.
    labels = (f"DO $do$ BEGIN EXECUTE (SELECT format('CREATE TYPE {enum} AS ENUM (%s)', string_agg(DISTINCT "
              f"{literal}, ', ' ORDER BY {literal} DESC)) FROM {origin} AS p); END $do$")
    value = f"({expression})::{real}::text::{enum}"
    if kind in ("enum", "assign", "explicit", "many"):
        made, column, source, inner = [labels], looks, looks, "pg_catalog.format('%s', $1)"
    elif kind == "domain":
        made = [labels, f"CREATE DOMAIN {looks} AS {enum} CHECK (evil.truly('{schema} check', VALUE))"]
        column, source, inner = looks, enum, "pg_catalog.format('%s', $1)"
    elif kind == "array":
        made, column, source = [labels], f"{looks}[]", f"{looks}[]"
        inner, value = "pg_catalog.format('%s', $1[1])", f"ARRAY[{value}]"
    elif kind == "composite":
        made, column, source = [f"CREATE TYPE {looks} AS (v {real})"], looks, looks
        inner, value = "($1).v", f"ROW({expression})::{looks}"
    elif kind == "rowtype":
        made, column, source = [f"CREATE TABLE {looks} (v {real})"], looks, looks
        inner, value = "($1).v", f"ROW({expression})::{looks}"
    elif kind == "multirange":
        made = [f"CREATE TYPE {schema}.one AS RANGE (subtype = {real}, multirange_type_name = {looks})"]
        column, source = looks, looks
        inner, value = "lower($1)", f"{looks}({schema}.one(({expression})::{real}, NULL))"
    elif kind == "range":
        made = [f"CREATE TYPE {looks} AS RANGE (subtype = {real}, multirange_type_name = {schema}.multi)"]
        column, source = looks, looks
        inner, value = "lower($1)", f"{looks}(({expression})::{real}, NULL)"
    targets = MANY if kind == "many" else dict.fromkeys((base, "text"))
    for target in targets:
        said = f"{kind} {base} of {schema.split('_', 2)[2]} to {target}"
        how = {"assign": " AS ASSIGNMENT", "explicit": ""}.get(kind, " AS IMPLICIT")
        body = (f"BEGIN PERFORM evil.canary({said!r}); RETURN ({inner})::pg_catalog.text::pg_catalog.{quoted(target)}; "
                "EXCEPTION WHEN data_exception THEN RETURN NULL; END")
        made += [f"CREATE FUNCTION {schema}.to_{target}({source}) RETURNS pg_catalog.{quoted(target)} LANGUAGE plpgsql "
                 f"IMMUTABLE SET search_path = pg_catalog, pg_temp AS $body${body}$body$",
                 f"CREATE CAST ({source} AS pg_catalog.{quoted(target)}) WITH FUNCTION "
                 f"{schema}.to_{target}({source}){how}"]
        # And into it, for what would be compared with it.
        if kind == "many":
            body = (f"BEGIN PERFORM evil.canary({(said + ' and back')!r}); "
                    f"RETURN (pg_catalog.enum_range(NULL::{source}))[1]; END")
            made += [f"CREATE FUNCTION {schema}.of_{target}(pg_catalog.{quoted(target)}) RETURNS {source} "
                     f"LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body${body}$body$",
                     f"CREATE CAST (pg_catalog.{quoted(target)} AS {source}) WITH FUNCTION "
                     f"{schema}.of_{target}(pg_catalog.{quoted(target)}) AS IMPLICIT"]
    return made, column, value


def schema_of(name):
    return [f"CREATE SCHEMA {name}", f"GRANT USAGE ON SCHEMA {name} TO PUBLIC"]


def hostile_columns():
    """One column of a look-alike type each, and the columns that tell LiteLLM's log."""
    kinds = ("enum", "composite", "range", "domain", "array")
    for column, base in COLUMNS.items():
        more = ("assign", "explicit", "many") if column in ("user_id", "feature", "status", "request_id") else ()
        more += ("rowtype", "multirange") if column == "created_at" else ()
        more += ("multirange",) if column in ("feature", "user_id") else ()
        for kind in kinds + more:
            if kind == "range" and base == "jsonb":
                continue
            schema = f"x_{kind}_{column}"
            columns = plain_columns(status=column == "status")
            made, named, value = hostile_type(schema, kind, base, columns[column][1], "evil.plain")
            log = f"{schema}.log"
            twin = None
            if kind in ("enum", "assign", "explicit", "many", "domain") and column in WORDS:
                twin = "evil.plain_status" if column == "status" else "evil.plain"
            table = create(log, columns | {column: (named, value)})
            # What makes the table must not pass through casts into the type.
            table += [statement for statement in made if f"{schema}.of_" in statement]
            made = [statement for statement in made if statement not in table]
            yield Fixture(f"{kind} {column}", schema_of(schema) + made + table, log, column, twin,
                          (SUPERUSER, READER) if kind == "enum" else (SUPERUSER,), deep=kind in ("enum", "composite"))
    for column, base in LITELLM_TYPES.items():
        for kind in ("enum", "composite"):
            schema = f"y_{kind}_{column.lower()}"
            columns = {name: (of, f"p.{quoted(name)}") for name, of in LITELLM_TYPES.items()}
            made, named, value = hostile_type(schema, kind, base, f"p.{quoted(column)}", "evil.litellm")
            table = create(f"{schema}.log", columns | {column: (named, value)}, "evil.litellm")
            # Columns of other types do not tell that a log is LiteLLM's.
            twin = "evil.litellm" if kind == "enum" and base == "text" and column not in SIGNATURE else None
            yield Fixture(f"litellm {kind} {column}", schema_of(schema) + made + table, f"{schema}.log", column, twin,
                          (SUPERUSER,), deep=False)


def domains():
    """Logs of domains over every base type, over domains, of the information schema; and one of enums."""
    for name, changed in BASES.items():
        bases = {column: made for column, made in (plain_columns(status="status" in changed) | changed).items() if made}
        yield Fixture(f"plain {name}", schema_of(f"base_{name}") + create(f"base_{name}.log", bases),
                      f"base_{name}.log")
        for nested in (False, True):
            schema = f"domain_{name}{'_nested' if nested else ''}"
            setup, columns = schema_of(schema), {}
            for column, (base, expression) in bases.items():
                check = f"CHECK (VALUE IS NULL OR evil.truly('check of {column}', VALUE))"
                look = f"{schema}.of_{column}" if nested else f"{schema}.{re.sub('[(].*', '', base)}_{column}"
                setup.append(f"CREATE DOMAIN {look} AS {base} {check}")
                if nested:
                    setup.append(f"CREATE DOMAIN {schema}.outer_{column} AS {look} NOT NULL {check}")
                    look = f"{schema}.outer_{column}"
                columns[column] = (look, expression)
            yield Fixture(f"domains {name}{' nested' if nested else ''}", setup + create(f"{schema}.log", columns),
                          f"{schema}.log", twin=f"base_{name}.log")
    info = plain_columns() | {
        name: ("information_schema.character_data", f"p.{name}") for name in WORDS if name != "status"}
    info |= {"created_at": ("information_schema.time_stamp", "p.created_at"),
             "prompt_tokens": ("information_schema.cardinal_number", "p.prompt_tokens")}
    yield Fixture("domains information_schema", schema_of("info") + create("info.log", info), "info.log",
                  twin="evil.plain_seconds")
    litellm = {name: (of, f"p.{quoted(name)}") for name, of in LITELLM_TYPES.items()}
    setup = schema_of("domain_litellm")
    for name, (base, expression) in list(litellm.items()):
        check = f"CHECK (evil.truly('check of {name}', VALUE))"
        setup.append(f"CREATE DOMAIN domain_litellm.{quoted(name)} AS {base} {check}")
        litellm[name] = (f"domain_litellm.{quoted(name)}", expression)
    yield Fixture("domains litellm", setup + create("domain_litellm.log", litellm, "evil.litellm"),
                  "domain_litellm.log", twin="evil.litellm")
    for status in (False, True):
        schema, columns = f"enums{'_status' if status else ''}", plain_columns(status)
        setup = schema_of(schema)
        for name in WORDS:
            if name in columns and name != "prompt":
                made, named, value = hostile_type(f"x_{schema}_{name}", "enum", "text", columns[name][1], "evil.plain")
                setup += schema_of(f"x_{schema}_{name}") + made
                columns[name] = (named, value)
        yield Fixture(f"enums{' with status' if status else ''}", setup + create(f"{schema}.log", columns),
                      f"{schema}.log", twin="evil.plain_status" if status else "evil.plain")


OPERATORS = {
    "text, text": ("=", "<>", "<", "<=", ">", ">=", "||", "~", "~~"),
    "timestamptz, timestamptz": ("=", "<", "<=", ">", ">="),
    "timestamptz, interval": ("+", "-"), "int4, int4": ("=", "<", ">=", "+", "-"),
    "int8, int8": ("=", "<", ">=", "+", "-"),
    "int8, int4": ("=", "<", ">=", "+", "-"), "float8, float8": ("=", "<", ">=", "+", "-", "/"),
    "jsonb, text": ("->>", "->"),
    "varchar, varchar": ("=", "||"), "varchar, text": ("=", "||", "~~"), "numeric, numeric": ("=", "<", "+"),
}
FUNCTIONS = ("count(text)", "max(text)", "min(text)", "lower(text)", "lower(varchar)", "btrim(text, text)",
             "length(text)",
             "substr(text, int4)", "substr(varchar, int4)", "jsonb_typeof(jsonb)", "jsonb_array_elements_text(jsonb)",
             "to_jsonb(text)", "quote_ident(text)", "quote_ident(name)", "format(text, text)", "now()",
             "statement_timestamp()", "timezone(text, timestamptz)", "isfinite(timestamptz)", "concat(text, text)",
             "array_length(text[], int4)", "parse_ident(text)", "user_metrics_row(text, text)",
             "activity(text, timestamptz)")


def shadows():
    """Functions and operators of the owner in the caller's search_path."""
    setup = schema_of("shadow")
    for n, (types, names) in enumerate(OPERATORS.items()):
        left, right = types.split(", ")
        for m, name in enumerate(names):
            result = {"||": "text", "+": left, "-": left, "/": left, "->>": "text", "->": "jsonb"}.get(name, "bool")
            body = f"BEGIN PERFORM evil.canary('operator {left} {name} {right}'); RETURN NULL; END"
            setup += [f"CREATE FUNCTION shadow.op_{n}_{m}({types}) RETURNS {result} LANGUAGE plpgsql "
                      f"AS $body${body}$body$",
                      f"CREATE OPERATOR shadow.{name} (LEFTARG = {left}, RIGHTARG = {right}, "
                      f"FUNCTION = shadow.op_{n}_{m})"]
    for name in FUNCTIONS:
        body = f"BEGIN PERFORM evil.canary('function {name}'); RETURN NULL; END"
        setup.append(f"CREATE FUNCTION shadow.{name} RETURNS text LANGUAGE plpgsql AS $body${body}$body$")
    setup += create("shadow.log", plain_columns() | {"model": ("varchar", "p.model")})
    litellm = {name: (of, f"p.{quoted(name)}") for name, of in LITELLM_TYPES.items()} | {
        name: ("varchar", f"p.{name}") for name in ("model_group", "model", "call_type")}
    setup += create("shadow.litellm", litellm, "evil.litellm")
    # Types of the names of built-in ones, in the path before them.
    for name in ("text", "timestamptz", "jsonb", "int4", "int8", "float8", "bool", "uuid", "regclass", "date", "name"):
        setup.append(f"CREATE TYPE shadow.{name} AS ENUM ('1')")
    for path in ("shadow, public", "shadow, pg_catalog, public"):
        for log, twin in (("log", "evil.plain_varchar"), ("litellm", "evil.litellm")):
            yield Fixture(f"search_path {path} {log}", setup, f"shadow.{log}", "model", twin, (SUPERUSER,), path=path)


def operator_classes():
    """An enum and a composite type with operator classes by default, which a superuser made for the owner."""
    for kind, base, column in (("enum", "text", "user_id"), ("enum", "text", "request_id"), ("enum", "text", "feature"),
                               ("enum", "text", "session_id"), ("composite", "text", "user_id"),
                               ("composite", "text", "request_id"), ("composite", "timestamptz", "created_at"),
                               ("enum", "timestamptz", "created_at")):
        schema = f"c_{kind}_{column}"
        columns = plain_columns()
        made, named, value = hostile_type(schema, kind, base, columns[column][1], "evil.plain")
        say = lambda what: f"PERFORM evil.canary('opclass of {kind} {column}: {what}');"
        shown = "pg_catalog.format('%s', {})"
        a, b = shown.format("$1"), shown.format("$2")
        for n, sign in enumerate(("<", "<=", "=", ">=", ">"), 1):
            hashes = ", HASHES" if sign == "=" else ""
            made += [f"CREATE FUNCTION {schema}.cmp_{n}({named}, {named}) RETURNS bool LANGUAGE plpgsql IMMUTABLE "
                     f"SET search_path = pg_catalog AS $body$BEGIN {say(sign)} RETURN {a} {sign} {b}; END$body$",
                     f"CREATE OPERATOR {schema}.{sign} (LEFTARG = {named}, RIGHTARG = {named}, "
                     f"FUNCTION = {schema}.cmp_{n}{hashes})"]
        made += [f"CREATE FUNCTION {schema}.cmp({named}, {named}) RETURNS int4 LANGUAGE plpgsql IMMUTABLE "
                 f"SET search_path = pg_catalog AS $body$BEGIN {say('cmp')} RETURN CASE WHEN {a} < {b} THEN -1 "
                 f"WHEN {a} > {b} THEN 1 ELSE 0 END; END$body$",
                 f"CREATE FUNCTION {schema}.hash({named}) RETURNS int4 LANGUAGE plpgsql IMMUTABLE "
                 f"SET search_path = pg_catalog AS $body$BEGIN {say('hash')} RETURN hashtext({a}); END$body$",
                 "RESET ROLE",
                 f"CREATE OPERATOR CLASS {schema}.b DEFAULT FOR TYPE {named} USING btree AS "
                 + ", ".join(f"OPERATOR {n} {schema}.{sign}" for n, sign in enumerate(("<", "<=", "=", ">=", ">"), 1))
                 + f", FUNCTION 1 {schema}.cmp({named}, {named})",
                 f"CREATE OPERATOR CLASS {schema}.h DEFAULT FOR TYPE {named} USING hash AS OPERATOR 1 {schema}.=, "
                 f"FUNCTION 1 {schema}.hash({named})",
                 f"ALTER OPERATOR CLASS {schema}.b USING btree OWNER TO mallory",
                 f"ALTER OPERATOR CLASS {schema}.h USING hash OWNER TO mallory",
                 "SET ROLE mallory"]
        yield Fixture(f"operator class {kind} {column}",
                      schema_of(schema) + made + create(f"{schema}.log", columns | {column: (named, value)}),
                      f"{schema}.log", column, roles=(SUPERUSER,))


def relations():
    """Code of the owner that hangs on the relation and not on its columns' types."""
    plain = plain_columns()
    listed = ", ".join(plain)
    call = "evil.same('view', p.feature) AS feature"
    viewed = ", ".join(call if name == "feature" else f"p.{name}" for name in plain)
    table = lambda rest="", name="r.log": create(name, plain, rest=rest)

    def fixture(name, *statements, log=None, twin="evil.plain"):
        schema = "r_" + name.replace(" ", "_")
        setup = schema_of(schema) + [s.replace("r.", f"{schema}.") for s in statements]
        return Fixture(name, setup, f"{schema}.{log or 'log'}", twin=twin, deep=False, bounded=True)

    yield fixture("view",
                  f"CREATE VIEW r.log AS SELECT {viewed} FROM evil.plain AS p WHERE evil.truly('where of view')")
    yield fixture("view over view", f"CREATE VIEW r.inner AS SELECT {viewed} FROM evil.plain AS p",
                  f"CREATE VIEW r.log AS SELECT {listed} FROM r.inner WHERE evil.truly('where of outer', user_id)")
    yield fixture("materialized view", f"CREATE MATERIALIZED VIEW r.log AS SELECT {viewed} FROM evil.plain AS p",
                  "CREATE INDEX ON r.log (evil.same('index of matview', feature))")
    yield fixture("row security", *table(), "CREATE POLICY p ON r.log USING (evil.truly('policy', user_id))",
                  "ALTER TABLE r.log ENABLE ROW LEVEL SECURITY", "ALTER TABLE r.log FORCE ROW LEVEL SECURITY")
    yield fixture("generated column", *table(), "ALTER TABLE r.log DROP COLUMN feature",
                  "ALTER TABLE r.log ADD COLUMN feature text GENERATED ALWAYS AS (evil.same('generated', "
                  "(ARRAY['chat', 'code', 'image'])[1 + (prompt_tokens / 10) % 3])) STORED")
    yield fixture("indexes", *table(), "CREATE INDEX ON r.log (evil.same('index', created_at))",
                  "CREATE INDEX ON r.log (created_at) WHERE evil.truly('predicate', user_id)",
                  "CREATE INDEX ON r.log (created_at) WHERE evil.truly('constant predicate')",
                  "CREATE INDEX ON r.log (user_id) WHERE feature = 'chat' AND evil.truly('further predicate', user_id)",
                  "CREATE INDEX ON r.log ((user_id || evil.same('constant index', 'x'::text)))",
                  "CREATE INDEX ON r.log ((created_at <= evil.same('constant bound', timestamptz '2024-03-05Z')))",
                  "ANALYZE r.log")
    yield fixture("defaults and triggers", *table(),
                  "ALTER TABLE r.log ALTER feature SET DEFAULT evil.same('default', 'x'::text)",
                  "CREATE FUNCTION r.fire() RETURNS trigger LANGUAGE plpgsql AS $t$BEGIN "
                  "PERFORM evil.canary('trigger'); RETURN NULL; END$t$",
                  "CREATE TRIGGER s AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON r.log FOR EACH STATEMENT "
                  "EXECUTE FUNCTION r.fire()",
                  "CREATE TRIGGER w AFTER INSERT OR UPDATE OR DELETE ON r.log FOR EACH ROW EXECUTE FUNCTION r.fire()",
                  "CREATE RULE r AS ON UPDATE TO r.log DO ALSO SELECT evil.canary('rule')",
                  "ALTER TABLE r.log ADD COLUMN added text DEFAULT evil.same('default of new', 'x'::text)")
    yield fixture("partitions", *create("r.log", plain, rest=" PARTITION BY RANGE (evil.same('key', created_at))")[:1],
                  "CREATE TABLE r.a PARTITION OF r.log FOR VALUES FROM (MINVALUE) TO ('2024-03-20Z')",
                  "CREATE TABLE r.b PARTITION OF r.log FOR VALUES FROM ('2024-03-20Z') TO (MAXVALUE)",
                  "INSERT INTO r.log SELECT * FROM evil.plain")
    yield fixture("statistics", *table(),
                  "CREATE STATISTICS r.s ON (evil.same('statistics', user_id)), (lower(feature)) FROM r.log",
                  "CREATE STATISTICS r.t ON (user_id || evil.same('constant statistics', 'x'::text)) FROM r.log",
                  "ANALYZE r.log")
    yield fixture("children", *table(), "CREATE TABLE r.child (CHECK (evil.truly('check', user_id))) INHERITS (r.log)",
                  "INSERT INTO r.child SELECT * FROM ONLY r.log", "TRUNCATE ONLY r.log")
    yield fixture("constraints", *table(), "ALTER TABLE r.log ADD CHECK (evil.truly('check', user_id))",
                  "ALTER TABLE r.log ADD CHECK (evil.truly('constant check'))",
                  "ALTER TABLE r.log ADD CHECK (created_at >= evil.same('constant bound', timestamptz '2000-01-01Z'))")
    yield fixture("constraints of children", *table(),
                  "CREATE TABLE r.child (CHECK (created_at >= evil.same('constant of child', timestamptz "
                  "'2000-01-01Z'))) INHERITS (r.log)",
                  "INSERT INTO r.child SELECT * FROM ONLY r.log", "TRUNCATE ONLY r.log")


def everything():
    return [*domains(), *hostile_columns(), *shadows(), *operator_classes(), *relations()]


def qualified(call):
    """A call whose types mean what they mean under any search_path."""
    return re.sub(r"::(text|jsonb|regclass|date)\b", r"::pg_catalog.\1", call)


def pointing(function, column):
    """Arguments that name a column, by what they are for."""
    one, none = json.dumps({column: "code"}), json.dumps({column: ["1", True, 2, None]})
    text = {"by": column, "metric": column, "variant": column, "tier_property": column, "plan_property": column,
            "source_property": column, "variant_property": column}
    objects = {"filter": none, "exposed": one, "action": one, "premium": one, "exclude": f"[{one}]"}
    steps = f'[{{"filter": {one}}}, {{"filter": {json.dumps({column: "chat"})}}}]'
    lists = {"steps": steps, "milestones": f'[{{"name": "m", "filter": {one}}}]', "start": one,
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
            # A filter is read alike by all, and so is what segments are by.
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
    """What went wrong, one entry a cause, with the SQL of the first."""

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
    """What a query said, and which canaries it woke."""

    rows: list
    sqlstate: str
    canaries: frozenset
    message: str = ""


def ask(session, query):
    """Runs a query; rows as JSON in the order they came."""
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
    """Rows without what tells the type of a column, and without the last digits, which depend on the plan."""
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
    """What the logs of plain types answer, asked once."""

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
    """Counts one call: whose code it ran, whether it broke, whether it answers like the log's twin."""
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
    """Attaches the log, also as what it looks like, and reads the view."""
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
    """The owner changes the log between its description and its reading, which waits for a lock of theirs."""
    made, named, value = hostile_type("race_cast_created_at", "composite", "timestamptz", "p.created_at", "evil.plain")
    plain = plain_columns()
    hostile = plain | {"created_at": (named, value)}
    setup = ["SET ROLE mallory", *schema_of("race"), *schema_of("race_safe"), *schema_of("race_evil"),
             *schema_of("race_cast_created_at"), *made, *create("race.log", plain), *create("race.hostile", hostile),
             *create("race_safe.log", plain), *create("race_evil.log", hostile), "RESET ROLE"]
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
        churned(failures, every, victim, mallory, ways["schema's name"], setup)


def churned(failures, every, victim, mallory, way, setup):
    """The owner renames schemas all the time: whatever the name stands for meanwhile, the table is meant."""
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
    """Makes the fixtures as their owner; returns those that could be made."""
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
                # Fixtures may share what the first of them makes.
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
    """Prints every cause once, with what it was seen in and the statements that show it."""
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
