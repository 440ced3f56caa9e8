"""Logs with a hostile owner: types, casts, domains, operators and relations that run the owner's code, with canaries."""

import re
from dataclasses import dataclass

OWNER, READER, SUPERUSER = "mallory", "reader", "superuser"

# Every function of the owner raises a warning, once per call, and then works normally.
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

# The columns of LOG that are attacked, and their expected types.
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

# Base types besides those of LOG: a log of domains over them must give the same as a log of the base types.
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
    """A log prepared by the owner."""

    name: str
    setup: list
    log: str
    # The hostile column; if there is none of that name, arguments refer to `feature`.
    column: str = "feature"
    # The log with the same expected results.
    twin: str = None
    roles: tuple = (SUPERUSER, READER, OWNER)
    # Whether arguments that name columns are given, too.
    deep: bool = True
    path: str = None
    # Canaries triggered by every query with a time condition: PostgreSQL folds constants in CHECKs of children then.
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
    """Statements that create a table of columns, each a type and an expression over rows `p` of the original log."""
    listed = ", ".join(f"{quoted(name)} {kind}" for name, (kind, _) in columns.items())
    selected = ", ".join(expression for _, expression in columns.values())
    return [f"CREATE TABLE {log} ({listed}){rest}", f"INSERT INTO {log} SELECT {selected} FROM {origin} AS p"]


def hostile_type(schema, kind, base, expression, origin):
    """Statements that create a look-alike of a base type, its name, and the expression of a value of it."""
    looks, real = f"{schema}.{quoted(base)}", f"pg_catalog.{quoted(base)}"
    enum = looks if kind in ("enum", "assign", "explicit", "many", "array") else f"{schema}.base"
    literal = f"quote_literal(({expression})::{real}::text)"
    # In another order than that of text.
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
        # Also in the other direction, for comparisons with it.
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
    """One column of each look-alike type, and the columns by which LiteLLM's log is recognised."""
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
            # Creating the table must not use casts into the type.
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
            # Columns of other types do not identify a log as LiteLLM's.
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
    # Types with the names of built-in ones, in a schema before them in the path.
    for name in ("text", "timestamptz", "jsonb", "int4", "int8", "float8", "bool", "uuid", "regclass", "date", "name"):
        setup.append(f"CREATE TYPE shadow.{name} AS ENUM ('1')")
    for path in ("shadow, public", "shadow, pg_catalog, public"):
        for log, twin in (("log", "evil.plain_varchar"), ("litellm", "evil.litellm")):
            yield Fixture(f"search_path {path} {log}", setup, f"shadow.{log}", "model", twin, (SUPERUSER,), path=path)


def operator_classes():
    """An enum and a composite type with default operator classes, created by a superuser for the owner."""
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
    """Code of the owner attached to the relation and not to the types of its columns."""
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
