#!/usr/bin/env python3
"""Dump and restore of the rows that users keep in tables of the extension, by pg_dump.

    python3 tests/dump.py

Needs a server with the extension installed, named by libpq's environment variables, and a user who may create databases;
PG_CONFIG names the pg_config whose pg_dump is used, by default the one in the path. The last line is `N passed, N failed`.
"""

import os
import subprocess
import sys

from psql import Session, administer, fresh_database

# Each table with rows of users: the statement that fills it, and its rows as text. A table of the extension that is missing
# here fails.
TABLES = {
    "anonymous_user": ["INSERT INTO user_metrics.anonymous_user VALUES ('gateway'), ('Bücher 😀')"],
    "privacy_policy": ["INSERT INTO user_metrics.privacy_policy (min_group_size, max_state_memory_kb) VALUES (7, 4096)"],
    "opt_out": ["SELECT user_metrics.opt_out('ann'), user_metrics.opt_out(E'o''brien \\\\ \\n')"],
    "experiment": [
        "SELECT user_metrics.define_experiment('new_chat_ui', '{\"control\": 0.5, \"treatment\": 0.5}')",
        """SELECT user_metrics.define_experiment('größe 😀', '[{"name": "b", "weight": 0.30000000000000004, "payload": {"k": [1]}},
            {"name": "a, {}", "weight": 0.7, "payload": "claude-3.5-sonnet-v2/anthropic,gpt-4o/openai"}]', hash => 'growthbook_v1',
            seed => 's', coverage => 0.1, namespace => '["n", 0, 0.25]')""",
        "SELECT user_metrics.define_experiment('thirds', '[\"x\", \"y\", \"z\"]', hash => 'eppo')",
    ],
}
CONFIGURATION = """SELECT c.relname FROM pg_extension AS e, pg_class AS c
    WHERE e.extname = 'user_metrics' AND c.oid = ANY (e.extconfig) ORDER BY 1"""


def rows(session, table):
    # As text, independent of the settings of the session: every digit of a number, every microsecond.
    return session.run(f"SELECT t::text FROM user_metrics.{table} AS t ORDER BY t::text COLLATE \"C\"")


def dumped(database):
    bindir = subprocess.run([os.environ.get("PG_CONFIG", "pg_config"), "--bindir"], check=True, capture_output=True, text=True)
    command = [f"{bindir.stdout.strip()}/pg_dump", "--dbname", database]
    return subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8").stdout


def main():
    passed = failed = 0

    def check(what, is_right):
        nonlocal passed, failed
        passed, failed = passed + bool(is_right), failed + (not is_right)
        print(f"{'ok' if is_right else 'FAILED'} {what}")

    restored = f"user_metrics_restored_{os.getpid()}"
    with fresh_database("dumped") as database, Session(database) as session:
        check("every table that is dumped is filled here", session.run(CONFIGURATION) == sorted(TABLES))
        for statement in (statement for statements in TABLES.values() for statement in statements):
            session.run(statement)
        before = {table: rows(session, table) for table in TABLES}
        variants = "SELECT i, e.name, user_metrics.experiment_variant(i, e) FROM generate_series(1, 300) AS i, user_metrics.experiment AS e ORDER BY 2, 1"
        assigned = session.run(variants)
        administer(f"CREATE DATABASE {restored} ENCODING 'UTF8' TEMPLATE template0")
        try:
            command = ["psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--output", os.devnull, "--dbname", restored]
            result = subprocess.run(command, input=dumped(database), text=True, encoding="utf-8", check=False)
            check("the dump is restored without an error", result.returncode == 0)
            with Session(restored) as other:
                for table, expected in before.items():
                    check(f"{table} holds what it held", expected and rows(other, table) == expected)
                check("users have the variants they had", len(set(assigned)) == 900 and other.run(variants) == assigned)
        finally:
            administer(f"DROP DATABASE IF EXISTS {restored} WITH (FORCE)")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
