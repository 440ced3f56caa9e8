#!/usr/bin/env python3
"""Dump and restore of the rows that users keep in tables of the extension, by pg_dump.

    python3 tests/dump.py

Needs a server with the extension installed, named by libpq's environment variables, and a superuser; PG_CONFIG names the
pg_config whose pg_dump and pg_restore are used, by default the one in the path. Dumps in plain and in custom format are
restored by the same superuser and by another one. The last line is `N passed, N failed`.
"""

import contextlib
import os
import subprocess
import sys
import tempfile

from psql import Session, administer, fresh_database

# Each table with rows of users, and the statements that fill it. A table of the extension that is missing here fails.
TABLES = {
    "user_metrics.anonymous_user": [
        "INSERT INTO user_metrics.anonymous_user VALUES ('gateway'), ('Bücher 😀')",
        "DELETE FROM user_metrics.anonymous_user WHERE user_id = 'anonymous'",
    ],
    "user_metrics_internal.initial_anonymous_user": [],
    "user_metrics.privacy_policy": [
        "INSERT INTO user_metrics.privacy_policy (min_group_size, max_state_memory_kb) VALUES (7, 4096)",
    ],
    "user_metrics.opt_out": ["SELECT user_metrics.opt_out('ann'), user_metrics.opt_out(E'o''brien \\\\ \\n')"],
    "user_metrics.experiment": [
        "SELECT user_metrics.define_experiment('new_chat_ui', '{\"control\": 0.5, \"treatment\": 0.5}')",
        """SELECT user_metrics.define_experiment('größe 😀', '[
            {"name": "b", "weight": 0.30000000000000004, "payload": {"k": [1]}},
            {"name": "a, {}", "weight": 0.7, "payload": "claude-3.5-sonnet-v2/anthropic,gpt-4o/openai"}]',
            hash => 'growthbook_v1', seed => 's', coverage => 0.1, namespace => '["n", 0, 0.25]')""",
        "SELECT user_metrics.define_experiment('thirds', '[\"x\", \"y\", \"z\"]', hash => 'eppo')",
    ],
}
CONFIGURATION = """SELECT n.nspname || '.' || c.relname
    FROM pg_extension AS e, pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE e.extname = 'user_metrics' AND c.oid = ANY (e.extconfig) ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C" """
VARIANTS = """SELECT i, e.name, user_metrics.experiment_variant(i, e)
    FROM generate_series(1, 300) AS i, user_metrics.experiment AS e ORDER BY 2, 1"""
# What is left of the ids that the extension comes with.
ANONYMOUS = "user_metrics.anonymous_user"
INITIAL = {
    "none deleted": ([], ["anonymous", "default_user_id"]),
    "one renamed": ([f"UPDATE {ANONYMOUS} SET user_id = 'guest' WHERE user_id = 'anonymous'"], ["default_user_id", "guest"]),
    "all deleted": ([f"DELETE FROM {ANONYMOUS}"], []),
    "truncated": ([f"TRUNCATE {ANONYMOUS}"], []),
    "deleted and inserted again": (
        [f"DELETE FROM {ANONYMOUS}", f"INSERT INTO {ANONYMOUS} VALUES ('anonymous')"], ["anonymous"],
    ),
}


def rows(session, table):
    # As text, independent of the settings of the session: every digit of a number, every microsecond.
    return session.run(f"SELECT t::text FROM {table} AS t ORDER BY t::text COLLATE \"C\"")


def program(name):
    command = [os.environ.get("PG_CONFIG", "pg_config"), "--bindir"]
    bindir = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    return f"{bindir}/{name}"


def dump(database, form, file):
    subprocess.run([program("pg_dump"), f"--format={form}", "--file", file, "--dbname", database], check=True)


def restore(file, form, database, role):
    """Restores a dump as a role; whether that worked without an error."""
    if form == "plain":
        command = ["psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--output", os.devnull, "--file", file]
    else:
        command = [program("pg_restore"), "--exit-on-error", file]
    environment = os.environ | ({"PGUSER": role} if role else {})
    return subprocess.run([*command, "--dbname", database], env=environment, check=False).returncode == 0


@contextlib.contextmanager
def empty_database():
    name = f"user_metrics_restored_{os.getpid()}"
    administer(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")
    try:
        yield name
    finally:
        administer(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextlib.contextmanager
def another_superuser():
    role = f"regress_user_metrics_restorer_{os.getpid()}"
    administer(f"CREATE ROLE {role} LOGIN SUPERUSER")
    try:
        yield role
    finally:
        administer(f"DROP ROLE {role}")


def main():
    passed = failed = 0

    def check(what, is_right):
        nonlocal passed, failed
        passed, failed = passed + bool(is_right), failed + (not is_right)
        print(f"{'ok' if is_right else 'FAILED'} {what}")

    def restored_as(what, database, file, forms, role=None):
        """Dumps and restores the database in each format; yields a session of each copy."""
        for form in forms:
            dump(database, form, file)
            with empty_database() as copy:
                check(f"{what}, {form} format: restored without an error", restore(file, form, copy, role))
                with Session(copy) as other:
                    yield f"{what}, {form} format", other

    with (tempfile.TemporaryDirectory() as directory, fresh_database("dumped") as database, Session(database) as session,
          another_superuser() as restorer):
        file = os.path.join(directory, "dump")
        check("every table that is dumped is filled here", session.run(CONFIGURATION) == sorted(TABLES))
        for what, (statements, expected) in INITIAL.items():
            for statement in statements:
                session.run(statement)
            for of_copy, other in restored_as(what, database, file, ["plain"]):
                check(f"{of_copy}: the same ids", other.run(f"SELECT user_id FROM {ANONYMOUS} ORDER BY 1") == expected)
            session.run(f"TRUNCATE {ANONYMOUS}")
            session.run(f"INSERT INTO {ANONYMOUS} VALUES ('anonymous'), ('default_user_id')")
        for statement in (statement for statements in TABLES.values() for statement in statements):
            session.run(statement)
        before, assigned = {table: rows(session, table) for table in TABLES}, session.run(VARIANTS)
        for role in (None, restorer):
            what = "by another superuser" if role else "by the same user"
            for of_copy, other in restored_as(what, database, file, ["plain", "custom"], role):
                for table, expected in before.items():
                    check(f"{of_copy}: {table} holds what it held", expected and rows(other, table) == expected)
                same = len(set(assigned)) == 900 and other.run(VARIANTS) == assigned
                check(f"{of_copy}: users have the variants they had", same)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
