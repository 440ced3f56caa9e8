#!/usr/bin/env python3
"""Privileges: who may call which function, read or write which table, and whether calls show no more than SELECT does.

    python3 tests/attack/privileges.py

Every routine, relation and type of the extension must be listed below with the roles that may use it. Calls are made as
every role: over a log that the role may not read they are refused, and with row security or privileges on some columns they
give what they give over a table of the rows or columns that the role may see. Needs a server with the extension installed,
named by libpq's environment variables, and a superuser; works in a database and with roles of its own and drops them. The
last line is `N passed, N failed`.
"""

import contextlib
import os
import re
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

from functions import LOG, STORED, functions  # noqa: E402
from owner import comparable  # noqa: E402
from psql import ServerError, Session, administer, fresh_database  # noqa: E402

OK, INSUFFICIENT_PRIVILEGE = "00000", "42501"

SUPERUSER = "superuser"
# The owner of the database is no superuser. A clerk may read some columns of the log, a tenant some rows, nobody nothing.
ORDINARY = ("database_owner", "log_owner", "analyst", "tenant", "clerk", "nobody")
EVERYBODY = {SUPERUSER, *ORDINARY}

VALUES = r"(activity|sessions|funnel|survival|experiment_moments)"
SUPPORT = r"(in|out|receive|send|eq|ne|hash|hash_extended|combine|serialize|deserialize|finish|rollup|transition)"
# Who may execute what: by kind and signature, in which exactly one rule must match every routine.
ROUTINES = {
    r"f user_metrics\.(opt_out|opt_in|define_experiment)\(": {SUPERUSER},
    r"f user_metrics\.\w+\(source (regclass|text)\b": EVERYBODY,
    rf"f user_metrics\.\w+\(\w+ user_metrics\.{VALUES}\b": EVERYBODY,
    r"f user_metrics\.experiment_(variant|payload)\(user_id (text|uuid|bigint), ": EVERYBODY,
    r"f user_metrics\.(sample_size|minimum_detectable_effect|srm_check)\(": EVERYBODY,
    rf"a user_metrics\.(rollup|{VALUES[1:-1]}|experiment|experiment_(ratio|sample|lists))\(": EVERYBODY,
    r"a user_metrics_internal\.history\(": EVERYBODY,
    rf"f user_metrics_internal\.({VALUES[1:-1]}|experiment|history)_{SUPPORT}\(": EVERYBODY,
    r"f user_metrics_internal\.experiment_(mean|adjusted|of_ratio|of_sample|of_lists)\(state internal, ": EVERYBODY,
    r"f user_metrics_internal\.(relation|source_query|describe_query|attach_statements|day_start)\(": EVERYBODY,
    r"f user_metrics_internal\.(are_of_one_type|has_users|last_request|of_users)\(": EVERYBODY,
    # What a text tells, whoever gives it.
    r"f user_metrics_internal\.(told|number|answered)\(": EVERYBODY,
    r"f user_metrics_internal\.(active_users|engagement|stickiness|lifecycle|churn_rate|seasonality)\(": EVERYBODY,
    r"f user_metrics_internal\.retention_(matrix|curve)\(": EVERYBODY,
    r"f user_metrics_internal\.(session_key|session_reach|logrank_of_bytes)\(": EVERYBODY,
    # Whether a given user is excluded may be asked, and so may the definition of an experiment whose name is known.
    r"f user_metrics_internal\.(is_excluded|without_excluded_users)\(": EVERYBODY,
    r"f user_metrics_internal\.(defined_experiment|check_experiment|experiment_variants)\(": EVERYBODY,
    r"f user_metrics_internal\.(live_states|peak_state_memory)\(": EVERYBODY,
    # A trigger, which nobody can call.
    r"f user_metrics_internal\.restore_deletion\(": EVERYBODY,
}
# A call of the aggregate behind folds by hand has no plan that the extension wrote.
REFUSED = {'user_metrics_internal.history(text,"any")': "22023"}
# What everybody may do with relations; a superuser may do everything, and nobody else more.
RELATIONS = {"user_metrics.privacy_policy": {"SELECT"}, "user_metrics.functions": {"SELECT"},
             "user_metrics.anonymous_user": set(), "user_metrics.opt_out": set(), "user_metrics.experiment": set(),
             "user_metrics_internal.initial_anonymous_user": set()}
TYPES = {name + brackets for name in [*RELATIONS, *STORED] for brackets in ("", "[]")}
# Functions that run with their owner's privileges, or are trusted not to show their arguments.
# defined_experiment reads one row by its name, for callers who may not list the experiments.
DEFINERS, LEAKPROOF = {"user_metrics_internal.defined_experiment(text,text)"}, set()
# Functions in PL/pgSQL that do not pin search_path. The expressions that attach is given mean what its caller's path says.
UNPINNED = {"user_metrics.attach"}

STATEMENTS = {
    "SELECT": "SELECT count(*) FROM {}", "INSERT": "INSERT INTO {} SELECT * FROM {} WHERE false",
    "UPDATE": "UPDATE {} SET {} = DEFAULT WHERE false", "DELETE": "DELETE FROM {} WHERE false", "TRUNCATE": "TRUNCATE {}",
}
# What only the owner of an extension's objects may do, or of their schema.
OWNERS_RIGHTS = (
    "DROP EXTENSION user_metrics", "ALTER EXTENSION user_metrics UPDATE", "DROP TABLE user_metrics.opt_out CASCADE",
    "ALTER TABLE user_metrics.opt_out OWNER TO CURRENT_USER", "GRANT SELECT ON user_metrics.opt_out TO CURRENT_USER",
    "ALTER TABLE user_metrics.experiment DISABLE TRIGGER ALL", "CREATE INDEX ON user_metrics.opt_out (user_id)",
    "CREATE RULE r AS ON INSERT TO user_metrics.opt_out DO NOTHING", "LOCK TABLE user_metrics.opt_out",
    "ALTER FUNCTION user_metrics_internal.live_states() SECURITY DEFINER", "DROP FUNCTION user_metrics.opt_out(text)",
    "GRANT EXECUTE ON FUNCTION user_metrics.opt_out(text) TO CURRENT_USER", "ALTER SCHEMA user_metrics RENAME TO mine",
    "ALTER TYPE user_metrics.activity RENAME TO mine", "COMMENT ON FUNCTION user_metrics.opt_in(text) IS 'mine'",
    "COPY user_metrics.opt_out TO STDOUT", "COPY user_metrics.anonymous_user (user_id) TO STDOUT",
)

# Values for the arguments of aggregates, by name or by type. A value of a type of the extension comes from the table `made`.
SAMPLES = {
    "timezone": "'Europe/Berlin'", "mode": "'strict_order'", "plan": "'none'", "text": "'u1'", "bigint": "7",
    "uuid": "'00000000-0000-0000-0000-000000000007'", "timestamp with time zone": "'2024-03-01 10:00Z'",
    "timestamp without time zone": "'2024-03-01 10:00'", "double precision": "0.5", "double precision[]": "'{1,2}'",
    "boolean": "true", "boolean[]": "'{t,f}'", "interval": "'1 day'", "\"any\"": "1",
}
# An experiment as a value: the table of experiments cannot be read by all.
HELD = "CREATE TABLE held AS SELECT e AS experiment FROM user_metrics.experiment AS e WHERE e.name = 'e'"
EXPERIMENT = {"experiment": "SELECT h.experiment FROM public.held AS h"}

# Columns that a clerk may read, and at least how many functions then answer or refuse.
VISIBLE_COLUMNS = (
    (("user_id", "created_at"), 5, 20), (("user_id", "created_at", "feature"), 8, 10),
    (("user_id", "created_at", "session_id", "latency_ms", "succeeded"), 8, 10),
    (("created_at", "feature", "model"), 0, 50), (("user_id", "feature", "model"), 0, 50),
)
COLUMNS_OF_LOG = ("user_id created_at request_id session_id model provider feature prompt_tokens completion_tokens cost_usd "
                  "revenue_usd latency_ms succeeded rating prompt properties variant").split()


class Checks:
    """Counts checks, and prints those that fail."""

    def __init__(self):
        self.passed, self.failed = 0, 0

    def check(self, what, is_right):
        self.passed, self.failed = self.passed + bool(is_right), self.failed + (not is_right)
        if not is_right and self.failed <= 40:
            print(f"FAILED  {what}")

    def equal(self, what, found, expected):
        self.check(f"{what}: {str(found)[:300]} instead of {str(expected)[:300]}", found == expected)

    def conclude(self):
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed else 0


def answer(session, query, function=None):
    """The SQLSTATE of a query and its rows as JSON, which need not come in order."""
    try:
        rows = session.run(f"SELECT pg_catalog.row_to_json(q) FROM ({query}) AS q")
    except ServerError as error:
        return error.sqlstate, []
    return OK, sorted(comparable(function, rows) if function else rows)


def state(session, statement):
    """The SQLSTATE of a statement, which is undone."""
    try:
        session.run(f"BEGIN\\; {statement}\\; ROLLBACK")
    except ServerError as error:
        session.reset()
        return error.sqlstate
    return OK


def over_source(session):
    """The functions over a log, each with the type of its first argument; attach, which makes something, is tested apart."""
    named = set(session.run("SELECT DISTINCT p.proname FROM pg_proc AS p "
                            "WHERE p.pronamespace = 'user_metrics'::regnamespace AND p.proargnames[1] = 'source' "
                            "AND p.proargtypes[0] = 'text'::regtype"))
    return [(function, kind) for function in functions(session) if function.is_over_source and function.name != "attach"
            for kind in ("regclass", *(("text",) if function.name in named else ()))]


def query_of(function, kind, given=None, source="public.log"):
    """A call over a log by regclass or by name."""
    return function.query(given, source).replace("::regclass", f"::{kind}", 1)


def over_values(session):
    """Queries of the functions that need no log, by signature. Administration is not among them."""
    for function in functions(session):
        if not function.is_over_source and not function.volatile:
            given = EXPERIMENT if any(a.type == "user_metrics.experiment" for a in function.arguments) else {}
            yield function.identity, function.query(given).replace(" FROM made", " FROM public.made")


def aggregates(session):
    """A query of every aggregate, by signature."""
    rows = session.rows("""
        SELECT p.oid::pg_catalog.regprocedure::text AS identity, p.oid::pg_catalog.regproc::text AS name,
            (SELECT pg_catalog.jsonb_agg(
                ARRAY[p.proargnames[i], pg_catalog.format_type(p.proargtypes[i - 1], NULL)] ORDER BY i)
             FROM pg_catalog.generate_series(1, p.pronargs) AS i) AS arguments
        FROM pg_catalog.pg_proc AS p
        WHERE p.prokind = 'a' AND p.pronamespace IN ('user_metrics'::regnamespace, 'user_metrics_internal'::regnamespace)
        ORDER BY p.oid::pg_catalog.regprocedure::text COLLATE "C" """)
    for row in rows:
        given = []
        for name, kind in row["arguments"]:
            value = f"m.{kind.split('.')[1]}" if kind in STORED else SAMPLES.get(name, SAMPLES.get(kind))
            given.append(value if kind == '"any"' else f"({value})::{kind}")
        yield row["identity"], f"SELECT {row['name']}({', '.join(given)}) AS result FROM public.made AS m"


def listed_routines(checks, session, role_of):
    """Every routine is listed in exactly one rule, and has_function_privilege agrees with it."""
    rows = session.rows("""
        SELECT p.oid, p.prokind::text || ' ' || n.nspname || '.' || p.proname || '(' ||
            pg_get_function_identity_arguments(p.oid) || ')' AS signature
        FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
        WHERE n.nspname IN ('user_metrics', 'user_metrics_internal')
            OR p.oid IN (SELECT objid FROM pg_depend WHERE classid = 'pg_proc'::regclass AND deptype = 'e' AND refobjid =
                (SELECT oid FROM pg_extension WHERE extname = 'user_metrics'))""")
    matched = set()
    for row in rows:
        rules = [rule for rule in ROUTINES if re.match(rule, row["signature"])]
        matched.update(rules)
        checks.check(f"unlisted: {row['signature']}" if not rules else f"listed twice: {row['signature']}", len(rules) == 1)
        for role in EVERYBODY if rules else ():
            may = session.value(f"SELECT has_function_privilege('{role_of[role]}', {row['oid']}, 'EXECUTE')") == "t"
            checks.equal(f"{role} may execute {row['signature']}", may, role in ROUTINES[rules[0]])
    for rule in ROUTINES:
        checks.check(f"a rule that matches nothing: {rule}", rule in matched)


def listed_relations(checks, session, role_of, sessions):
    """Every relation is listed; its privileges and the statements of every role agree with the list."""
    rows = session.rows("""
        SELECT c.oid, c.oid::regclass::text AS name, c.relkind AS kind,
            (SELECT a.attname FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum = 1) AS column
        FROM pg_class AS c WHERE c.relkind <> 'i'
            AND c.relnamespace IN ('user_metrics'::regnamespace, 'user_metrics_internal'::regnamespace)""")
    checks.equal("relations", {row["name"] for row in rows}, set(RELATIONS))
    for row in rows:
        name, expected = row["name"], RELATIONS.get(row["name"], set())
        for role in ORDINARY:
            for privilege in (*STATEMENTS, "REFERENCES", "TRIGGER"):
                may = session.value(f"SELECT has_table_privilege('{role_of[role]}', {row['oid']}, '{privilege}')") == "t"
                checks.equal(f"{role} has {privilege} on {name}", may, privilege in expected)
            for privilege in ("SELECT", "INSERT", "UPDATE", "REFERENCES"):
                asked = f"SELECT has_any_column_privilege('{role_of[role]}', {row['oid']}, '{privilege}')"
                may = session.value(asked) == "t"
                checks.equal(f"{role} has {privilege} on columns of {name}", may, privilege in expected)
        for privilege, statement in STATEMENTS.items() if row["kind"] == "r" else ():
            said = statement.replace("{}", name, 2 if privilege == "INSERT" else 1).format(row["column"])
            for role in EVERYBODY:
                allowed = role == SUPERUSER or privilege in expected
                checks.equal(f"{role}: {said}", state(sessions[role], said), OK if allowed else INSUFFICIENT_PRIVILEGE)
        checks.equal(f"{name} as seen by nobody", answer(sessions["nobody"], f"TABLE {name}")[0],
                     OK if "SELECT" in expected else INSUFFICIENT_PRIVILEGE)


def listed_types(checks, session, role_of):
    rows = session.rows("""SELECT t.oid, t.oid::regtype::text AS name FROM pg_type AS t
        WHERE t.typnamespace IN ('user_metrics'::regnamespace, 'user_metrics_internal'::regnamespace)""")
    checks.equal("types", {row["name"] for row in rows}, TYPES)
    for row in rows:
        for role in EVERYBODY:
            may = session.value(f"SELECT has_type_privilege('{role_of[role]}', {row['oid']}, 'USAGE')")
            checks.equal(f"{role} may use {row['name']}", may, "t")


def owners_rights(checks, session, role_of, sessions):
    """The schemas are nobody's but the superuser's, and so is everything in them."""
    for role in ORDINARY:
        for schema in ("user_metrics", "user_metrics_internal"):
            for privilege, expected in (("USAGE", "t"), ("CREATE", "f")):
                may = session.value(f"SELECT has_schema_privilege('{role_of[role]}', '{schema}', '{privilege}')")
                checks.equal(f"{role} has {privilege} on {schema}", may, expected)
        for statement in OWNERS_RIGHTS:
            checks.equal(f"{role}: {statement}", state(sessions[role], statement), INSUFFICIENT_PRIVILEGE)


# What may stand before a parenthesis without being a function, in the bodies of functions.
KEYWORDS = {"select", "values", "coalesce", "array", "operator", "in", "as", "from", "row", "and", "or", "using", "exists"}


def unqualified(body):
    """What a body leaves to search_path: functions, types, operators and relations without a schema."""
    body = re.sub(r"--[^\n]*|'(?:[^']|'')*'", " ", body)
    body = re.sub(r"OPERATOR\(pg_catalog\.[^)\s]+\)", " ", body)
    found = [name for name in re.findall(r"(?<![\w.])(\w+)\s*\(", body)
             if name.lower() not in KEYWORDS and not re.search(rf"\bAS\s+{name}\s*\(", body)]
    for declared in re.findall(r"\bDECLARE\b(.*?)\bBEGIN\b", body, re.DOTALL):
        found += re.findall(r"^\s*\w+\s+(\w+)\s*(?:;|:=)", declared, re.MULTILINE)
    found += re.findall(r"::\s*(?!pg_catalog\.|user_metrics(?:_internal)?\.)\w+", body)
    found += re.findall(r"\b(?:FROM|JOIN|INTO)\s+(?!pg_catalog\.|user_metrics(?:_internal)?\.|view_name)\w+", body)
    return found + re.findall(r"(?<![:=])[-+*/<>~!@#%^&|=]+(?!\w*\()", re.sub(r"::|:=|=>|\.\*|SELECT \*", " ", body))


def properties(checks, session):
    """What functions and views may do beyond their caller's privileges, and what they leave to the caller's search_path."""
    rows = session.rows("""
        SELECT p.oid::regproc::text AS name, p.oid::regprocedure::text AS identity, l.lanname AS language, p.prosrc AS body,
            p.prosecdef AS definer, p.proleakproof AS leakproof, p.proconfig::text AS settings
        FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang
        WHERE p.pronamespace IN ('user_metrics'::regnamespace, 'user_metrics_internal'::regnamespace)
            AND p.prokind <> 'a' """)
    checks.equal("functions that run as their owner", {r["identity"] for r in rows if r["definer"]}, DEFINERS)
    checks.equal("leakproof functions", {r["identity"] for r in rows if r["leakproof"]}, LEAKPROOF)
    for row in rows:
        if row["settings"]:
            checks.equal(f"search_path of {row['identity']}", row["settings"], '{"search_path=pg_catalog, pg_temp"}')
        elif row["language"] in ("sql", "plpgsql"):
            is_plain = row["language"] == "sql" or row["name"] in UNPINNED
            checks.check(f"{row['identity']} does not pin search_path", is_plain)
            checks.equal(f"{row['identity']} leaves to search_path", unqualified(row["body"]), [])
    for view in session.rows("""SELECT c.oid::regclass::text AS name, COALESCE(c.reloptions::text, '') AS options
            FROM pg_class AS c WHERE c.relkind = 'v'
                AND c.relnamespace IN ('user_metrics'::regnamespace, 'user_metrics_internal'::regnamespace)"""):
        checks.check(f"the view {view['name']} has no security_invoker", "security_invoker=true" in view["options"])


def calls_without_log(checks, session, sessions):
    """Functions over values and aggregates give everybody the same, and administration is refused."""
    for identity, query in [*over_values(session), *aggregates(session)]:
        expected = answer(session, query)
        checks.equal(f"{identity} as superuser", expected[0], REFUSED.get(identity, OK))
        for role in ORDINARY:
            checks.equal(f"{identity} as {role}", answer(sessions[role], query), expected)
    administration = [f for f in functions(session) if f.volatile and f.name != "attach"]
    checks.equal("administration", {f.name for f in administration}, {"opt_out", "opt_in", "define_experiment"})
    for function in administration:
        checks.equal(f"{function.identity} as superuser", state(session, function.query()), OK)
        for role in ORDINARY:
            checks.equal(f"{function.identity} as {role}", state(sessions[role], function.query()), INSUFFICIENT_PRIVILEGE)


def calls_over_log(checks, session, sessions):
    """Every function over a log shows what SELECT on it shows."""
    refused = INSUFFICIENT_PRIVILEGE, []
    with_rows = 0
    for function, kind in over_source(session):
        query = query_of(function, kind)
        everything = answer(session, query, function)
        tenants = answer(session, query_of(function, kind, source="public.tenants_rows"), function)
        checks.equal(f"{query} as superuser", everything[0], OK)
        with_rows += tenants != everything and tenants[1] != []
        for role, expected in (("log_owner", everything), ("analyst", everything), ("tenant", tenants),
                               ("nobody", refused), ("database_owner", refused)):
            checks.equal(f"{query} as {role}", answer(sessions[role], query, function), expected)
        for name in ("opt_out", "anonymous_user", "experiment"):
            of_ours = query_of(function, kind, source=f"user_metrics.{name}")
            checks.equal(f"{of_ours} as analyst", answer(sessions["analyst"], of_ours), refused)
        if function.takes("signups"):
            for source, signups in (("made", "log"), ("log", "made")):
                query = query_of(function, kind, {"signups": f"'public.{signups}'"}, f"public.{source}")
                checks.equal(f"{query} as nobody", answer(sessions["nobody"], query), refused)
    checks.check(f"only {with_rows} functions tell a tenant from everybody", with_rows > 50)
    for role, expected in (("analyst", OK), ("tenant", OK), ("nobody", INSUFFICIENT_PRIVILEGE)):
        described = "SELECT user_metrics_internal.relation('public.log')"
        checks.equal(f"{described} as {role}", state(sessions[role], described), expected)


def calls_over_columns(checks, session, clerk, log):
    """With privileges on some columns a call is refused, or gives what it gives over a table that has only these."""
    for columns, answered, refused in VISIBLE_COLUMNS:
        listed = ", ".join(columns)
        session.run_all([f"CREATE TABLE seen AS SELECT {listed} FROM log",
                         f"GRANT SELECT ({listed}) ON {log} TO {clerk.role}"])
        states = [calls_by_clerk(checks, session, clerk, function, kind, log, listed)
                  for function, kind in over_source(session)]
        checks.check(f"with {listed} of {log}, {states.count(OK)} forms answer", states.count(OK) >= answered)
        checks.check(f"with {listed} of {log}, {states.count(INSUFFICIENT_PRIVILEGE)} forms are refused",
                     states.count(INSUFFICIENT_PRIVILEGE) >= refused)
        session.run_all(["DROP TABLE seen", f"REVOKE SELECT ({listed}) ON {log} FROM {clerk.role}"])


def calls_by_clerk(checks, session, clerk, function, kind, log, listed):
    """Returns how a call ended that needs no column but those that the function always needs."""
    refused = INSUFFICIENT_PRIVILEGE, []
    query = query_of(function, kind, source=log)
    found = answer(clerk.session, query, function)
    expected = answer(session, query_of(function, kind, source="public.seen"), function)
    checks.check(f"{query} with {listed}: {str(found)[:300]} instead of {str(expected)[:300]}", found in (expected, refused))
    for argument, given in (("by", "'rating'"), ("filter", """'{"rating": 1}'"""), ("filter", """'{"Source": "x"}'""")):
        if function.takes(argument):
            query = query_of(function, kind, {argument: given}, log)
            checks.equal(f"{query} with {listed}", answer(clerk.session, query), refused)
    return found[0]


def attached_views(checks, session, sessions, role_of):
    """attach needs what CREATE VIEW and SELECT need, and its view shows no more than the log."""
    made = "SELECT user_metrics.attach('public.log', 'views.{}')"
    checks.equal("attach as nobody", state(sessions["nobody"], made.format("x")), INSUFFICIENT_PRIVILEGE)
    session.run(f"GRANT CREATE, USAGE ON SCHEMA views TO {role_of['nobody']}, {role_of['tenant']}")
    for role, expected in (("nobody", INSUFFICIENT_PRIVILEGE), ("tenant", OK), ("analyst", INSUFFICIENT_PRIVILEGE)):
        checks.equal(f"attach as {role}", state(sessions[role], made.format("x")), expected)
    session.run(made.format("log"))
    session.run("GRANT SELECT ON views.log TO PUBLIC")
    for function, kind in over_source(session):
        query = query_of(function, kind, source="views.log")
        expected = answer(session, query_of(function, kind, source="views.tenants_rows"), function)
        checks.equal(f"{query} as tenant", answer(sessions["tenant"], query, function), expected)
        checks.equal(f"{query} as nobody", answer(sessions["nobody"], query)[0], INSUFFICIENT_PRIVILEGE)


def excluded_users(checks, session, sessions):
    """The ids of excluded users are nobody's to list, although functions leave these users out for everybody."""
    session.run_all(["SELECT user_metrics.opt_out('u3')", "INSERT INTO user_metrics.anonymous_user VALUES ('u5')",
                     "ANALYZE user_metrics.opt_out, user_metrics.anonymous_user, user_metrics.experiment"])
    changed = 0
    for function, kind in over_source(session):
        query = query_of(function, kind)
        found = answer(sessions["analyst"], query, function)
        # It tells how many requests are left out.
        source = "public.log" if function.name == "describe_source" else "public.others"
        checks.equal(f"{query} without excluded users", found,
                     answer(session, query_of(function, kind, source=source), function))
        session.run("BEGIN")
        session.run_all(["DELETE FROM user_metrics.opt_out", "DELETE FROM user_metrics.anonymous_user"])
        changed += found != answer(session, query, function)
        session.run("ROLLBACK")
    checks.check(f"only {changed} functions leave out users", changed > 50)
    statistics = "SELECT tablename FROM pg_catalog.pg_stats WHERE schemaname = 'user_metrics' AND tablename = 'opt_out'"
    checks.check("there are no statistics", session.run(statistics))
    for role in ORDINARY:
        checks.equal(f"statistics as seen by {role}", sessions[role].run(statistics), [])
        for name in ("opt_out", "anonymous_user"):
            for listed in ("user_id", "count(*)", "t::text", "ctid"):
                query = f"SELECT {listed} FROM user_metrics.{name} AS t"
                checks.equal(f"{query} as {role}", answer(sessions[role], query), (INSUFFICIENT_PRIVILEGE, []))
        for user, expected in (("u3", "t"), ("u1", "f"), ("", "f"), ("%", "f")):
            query = f"SELECT user_metrics_internal.is_excluded('opted_out', '{user}', 'text')"
            checks.equal(f"{query} as {role}", sessions[role].value(query), expected)


def experiments(checks, session, sessions):
    """Whoever knows the name of an experiment may use it; nobody can list experiments."""
    known = "SELECT user_metrics.experiment_variant('u1', 'e')"
    expected = answer(session, known)
    for role in ORDINARY:
        checks.equal(f"{known} as {role}", answer(sessions[role], known), expected)
        for name in ("'no_such'", "'%'", "''", "NULL::text", "'E'"):
            for called in ("variant", "payload"):
                query = f"SELECT user_metrics.experiment_{called}('u1', {name})"
                checks.check(f"{query} as {role} lists experiments", names_none(sessions[role], query))
        query = "SELECT user_metrics_internal.defined_experiment('f', e.name) FROM user_metrics.experiment AS e"
        checks.equal(f"{query} as {role}", answer(sessions[role], query), (INSUFFICIENT_PRIVILEGE, []))


def names_none(session, query):
    """Whether neither the answer to a query nor its error tells the name of the experiment that only its users know."""
    try:
        said = " ".join(session.run(query))
    except ServerError as error:
        said = str(error)
    return "secret_name" not in said


class Clerk:
    """The role with privileges on some columns, and its session."""

    def __init__(self, role, session):
        self.role, self.session = role, session


def set_up(session, role_of):
    session.run_all([*LOG.strip().split(";\n"), HELD])
    session.run("SELECT user_metrics.define_experiment('secret_name', '[\"a\", \"b\"]'::jsonb)")
    session.run_all([
        f"ALTER DATABASE {session.value('SELECT current_database()')} OWNER TO {role_of['database_owner']}",
        "GRANT SELECT ON made, held TO PUBLIC", f"ALTER TABLE log OWNER TO {role_of['log_owner']}",
        f"GRANT SELECT ON log TO {role_of['analyst']}, {role_of['tenant']}",
        "CREATE TABLE tenancy (role name, user_id text)", "GRANT SELECT ON tenancy TO PUBLIC",
        *(f"INSERT INTO tenancy VALUES ('{role_of['tenant']}', '{user}')" for user in ("u1", "u3", "u6")),
        "ALTER TABLE log ENABLE ROW LEVEL SECURITY",
        f"CREATE POLICY everything ON log TO {role_of['analyst']}, {role_of['clerk']} USING (true)",
        f"CREATE POLICY tenants ON log TO {role_of['tenant']} USING (user_id IN "
        "(SELECT t.user_id FROM public.tenancy AS t WHERE t.role = CURRENT_USER))",
        "CREATE TABLE tenants_rows AS SELECT * FROM log WHERE user_id IN ('u1', 'u3', 'u6')",
        "CREATE TABLE others AS SELECT * FROM log WHERE user_id NOT IN ('u3', 'u5')",
        "CREATE SCHEMA views", "CREATE SCHEMA kept", "GRANT USAGE ON SCHEMA views, kept TO PUBLIC",
        # Nobody but a superuser can rename this schema, while that of `log` belongs to the owner of the database.
        "CREATE TABLE kept.log AS TABLE log",
    ])
    session.run("SELECT user_metrics.attach('public.tenants_rows', 'views.tenants_rows')")


def test(checks, database, role_of):
    with contextlib.ExitStack() as stack:
        session = stack.enter_context(Session(database))
        set_up(session, role_of)
        sessions = {role: stack.enter_context(Session(database, role=name)) for role, name in role_of.items()
                    if role != SUPERUSER} | {SUPERUSER: session}
        listed_routines(checks, session, role_of)
        listed_relations(checks, session, role_of, sessions)
        listed_types(checks, session, role_of)
        owners_rights(checks, session, role_of, sessions)
        properties(checks, session)
        calls_without_log(checks, session, sessions)
        calls_over_log(checks, session, sessions)
        for log in ("public.log", "kept.log"):
            calls_over_columns(checks, session, Clerk(role_of["clerk"], sessions["clerk"]), log)
        attached_views(checks, session, sessions, role_of)
        experiments(checks, session, sessions)
        excluded_users(checks, session, sessions)


def main():
    checks = Checks()
    role_of = {role: f"user_metrics_{role}_{os.getpid()}" for role in ORDINARY}
    for name in role_of.values():
        administer(f"CREATE ROLE {name}")
    try:
        with fresh_database("privileges") as database, Session("postgres") as session:
            test(checks, database, role_of | {SUPERUSER: session.value("SELECT current_user")})
    finally:
        for name in role_of.values():
            administer(f"DROP ROLE {name}")
    return checks.conclude()


if __name__ == "__main__":
    sys.exit(main())
