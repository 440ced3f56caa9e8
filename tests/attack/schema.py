#!/usr/bin/env python3
"""CREATE EXTENSION in a database where a schema of the extension exists already.

    python3 tests/attack/schema.py

Needs a server with the extension installed, named by libpq's environment variables, and a superuser; works in a database and
with roles of its own and drops them. Whoever owns the schema could replace the extension's functions, and objects in it
could be called instead of them: the statement must be refused, name what is wrong, and work once its hint has been followed.
The last line is `N passed, N failed`.
"""

import os
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from psql import ServerError, Session, administer  # noqa: E402

PLANTER, SUPERUSER = f"regress_user_metrics_planter_{os.getpid()}", f"regress_user_metrics_super_{os.getpid()}"
FOREIGN, NOT_EMPTY, EXISTS = "42501", "55000", "42P06"
# What has been prepared, and the error; the last word of the message or detail names the culprit.
REFUSED = (
    ((f"CREATE SCHEMA user_metrics AUTHORIZATION {PLANTER}",), FOREIGN, PLANTER),
    ((f"CREATE SCHEMA user_metrics AUTHORIZATION {PLANTER}", "CREATE TABLE user_metrics.t ()"), FOREIGN, PLANTER),
    (("CREATE SCHEMA user_metrics AUTHORIZATION pg_database_owner",), FOREIGN, "pg_database_owner"),
    ((f"CREATE SCHEMA user_metrics_internal AUTHORIZATION {PLANTER}",), EXISTS, "user_metrics_internal"),
    (("CREATE SCHEMA user_metrics_internal",), EXISTS, "user_metrics_internal"),
    *((("CREATE SCHEMA user_metrics", statement), NOT_EMPTY, name) for statement, name in (
        ("CREATE TABLE user_metrics.planted ()", "table user_metrics.planted"),
        ("CREATE VIEW user_metrics.planted AS SELECT 1 AS a", "view user_metrics.planted"),
        ("CREATE SEQUENCE user_metrics.planted", "sequence user_metrics.planted"),
        ("CREATE TYPE user_metrics.planted AS ENUM ('a')", "type user_metrics.planted"),
        ("CREATE DOMAIN user_metrics.planted AS text", "type user_metrics.planted"),
        ("CREATE FUNCTION user_metrics.format(text, VARIADIC text[]) RETURNS text LANGUAGE sql AS 'SELECT 1::text'",
         "function user_metrics.format("),
        ("CREATE OPERATOR user_metrics.= (FUNCTION = pg_catalog.oideq, LEFTARG = oid, RIGHTARG = oid)",
         "operator user_metrics.="),
        ("CREATE COLLATION user_metrics.planted FROM \"C\"", "collation user_metrics.planted"),
        ("CREATE AGGREGATE user_metrics.planted(int) (SFUNC = pg_catalog.int4pl, STYPE = int)",
         "aggregate user_metrics.planted(integer)"),
    )),
)
# What must not keep anybody from installing.
ACCEPTED = (
    (),
    ("CREATE SCHEMA user_metrics",),
    (f"CREATE SCHEMA user_metrics AUTHORIZATION {SUPERUSER}",),
    ("CREATE SCHEMA user_metrics", f"GRANT USAGE ON SCHEMA user_metrics TO {PLANTER}"),
)
CREATE, CLEAN = "CREATE EXTENSION user_metrics", "DROP EXTENSION IF EXISTS user_metrics"
SCHEMAS = ("user_metrics", "user_metrics_internal")


def attempt(session, prepared):
    """The error of CREATE EXTENSION after some statements; None if it works."""
    session.run(CLEAN)
    for schema in SCHEMAS:
        session.run(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    for statement in prepared:
        session.run(statement)
    try:
        session.run(CREATE)
    except ServerError as error:
        return error
    return None


def works_as_hinted(session, error):
    """Whether the extension can be created after the statement that the hint gives first."""
    hint = re.search(r"HINT:  Run (DROP SCHEMA [^;]*;)", str(error))
    if not hint:
        return False
    session.run(hint.group(1))
    session.run(CREATE)
    return session.value("SELECT count(*) FROM pg_extension WHERE extname = 'user_metrics'") == "1"


def kept_as_hinted(session):
    """Whether the extension can be created in the planter's schema once it belongs to the administrator."""
    error = attempt(session, (f"CREATE SCHEMA user_metrics AUTHORIZATION {PLANTER}",))
    session.run(re.search(r"(ALTER SCHEMA [^;]*;)", str(error)).group(1))
    session.run(CREATE)
    owner = "SELECT count(*) FROM pg_namespace WHERE nspname = 'user_metrics' AND pg_get_userbyid(nspowner) = current_user"
    return session.value(owner) == "1"


def failures(session):
    """Yields what each check found wrong, None if nothing."""
    for prepared, sqlstate, culprit in REFUSED:
        error, what = attempt(session, prepared), "; ".join(prepared)
        if error is None:
            yield f"{what}: accepted"
        elif error.sqlstate != sqlstate or culprit not in str(error):
            yield f"{what}: {error}"
        else:
            yield None
            if sqlstate != EXISTS:
                yield None if works_as_hinted(session, error) else f"{what}: the hint does not help: {error}"
    for prepared in ACCEPTED:
        error = attempt(session, prepared)
        yield f"{'; '.join(prepared)}: {error}" if error else None
    yield None if kept_as_hinted(session) else "the schema given to the administrator is not theirs"


def main():
    database = f"user_metrics_schema_{os.getpid()}"
    administer(f"CREATE DATABASE {database} TEMPLATE template0")
    administer(f"CREATE ROLE {PLANTER}")
    administer(f"CREATE ROLE {SUPERUSER} SUPERUSER")
    try:
        with Session(database) as session:
            found = list(failures(session))
    finally:
        administer(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        administer(f"DROP ROLE {PLANTER}, {SUPERUSER}")
    failed = [what for what in found if what]
    for what in failed[:40]:
        print(f"FAILED  {what}")
    print(f"{len(found) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
