#!/usr/bin/env python3
"""The administrator's privacy policy, against clients with other settings.

    python3 tests/attack/policy.py

A client's settings are sent with the connection, before the library is loaded: they must not override the table
privacy_policy in any function. Needs a server with the extension installed, named by libpq's environment variables, and a
superuser; works in a database and with a role of its own and drops them. The last line is `N passed, N failed`.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from psql import ServerError, Session, administer, fresh_database  # noqa: E402

from functions import LOG, functions  # noqa: E402

INSUFFICIENT_PRIVILEGE, OUT_OF_MEMORY, INVALID_NAME = "42501", "53200", "42602"
CHECK_VIOLATION, UNIQUE_VIOLATION = "23514", "23505"


def answer(session, query):
    try:
        return session.run(query)
    except ServerError as error:
        session.reset()
        return error.sqlstate


def refused_with(session, statement):
    try:
        session.run(statement)
    except ServerError as error:
        session.reset()
        return error.sqlstate
    return None


def main():
    passed = failed = 0

    def check(what, is_right):
        nonlocal passed, failed
        passed, failed = passed + bool(is_right), failed + (not is_right)
        if not is_right:
            print(f"FAILED  {what}")

    role = f"user_metrics_reader_{os.getpid()}"
    with fresh_database("policy") as database, Session(database) as owner:
        administer(f"CREATE ROLE {role}")
        try:
            owner.run_all(LOG.strip().split(";\n"))
            owner.run(f"GRANT SELECT ON log, made TO {role}")
            # Settings of the client, sent before the library is loaded and knows them.
            wish = {"user_metrics.min_group_size": 1, "user_metrics.max_state_memory": "8GB", "role": role}
            with Session(database, **wish) as client, Session(database, role=role) as plain:
                called = [f for f in functions(owner) if not f.volatile]
                free = {f.identity: answer(plain, f.query()) for f in called}
                owner.run("INSERT INTO user_metrics.privacy_policy (min_group_size) VALUES (1000)")
                hidden = {f.identity: answer(plain, f.query()) for f in called}
                changed = {identity for identity in free if free[identity] != hidden[identity]}
                check(f"only {len(changed)} functions hide anything", len(changed) > 40)
                for f in called:
                    check(f"{f.identity} tells more to a client with settings", answer(client, f.query()) == hidden[f.identity])
                days = "SELECT count(*), count(active_users) FROM user_metrics.active_users('log')"
                check("a client sees days with users", client.value(days) == "88\x1f0")
                owner.run("UPDATE user_metrics.privacy_policy SET min_group_size = 1")
                check("a client sees no day without a policy", client.value(days) == "88\x1f88")
                owner.run("SET user_metrics.min_group_size = 1000")
                check("a setting that is stricter does not count", owner.value(days) == "88\x1f0")
                owner.run("RESET user_metrics.min_group_size")

                for statement in ("UPDATE user_metrics.privacy_policy SET min_group_size = 1",
                                  "DELETE FROM user_metrics.privacy_policy",
                                  "INSERT INTO user_metrics.privacy_policy DEFAULT VALUES",
                                  "TRUNCATE user_metrics.privacy_policy",
                                  "SET user_metrics.min_group_size = 1", "SET user_metrics.max_state_memory = '1GB'"):
                    check(f"{statement} by anybody", refused_with(client, statement) == INSUFFICIENT_PRIVILEGE)
                for statement in ("SET user_metrics.min_grup_size = 5", "SET user_metrics.nonsense TO 'x'"):
                    check(f"{statement} is kept", refused_with(client, statement) == INVALID_NAME)

                many = "SELECT user_metrics.users(user_metrics.activity(i::bigint, now())) FROM generate_series(1, 20000) AS i"
                check("20,000 users need no gigabyte", answer(client, many) == ["20000"])
                owner.run("UPDATE user_metrics.privacy_policy SET min_group_size = 1, max_state_memory_kb = 64")
                for session in (client, owner):
                    check("memory is not limited by the policy", answer(session, many) == OUT_OF_MEMORY)
                owner.run("SET user_metrics.max_state_memory = '2GB'")
                check("a superuser's setting undoes the policy", answer(owner, many) == OUT_OF_MEMORY)

                owner.run("RESET user_metrics.max_state_memory")
                # A single row, changed only by its owner's UPDATE.
                check("there is a second row", refused_with(
                    owner, "INSERT INTO user_metrics.privacy_policy (min_group_size) VALUES (2)") == UNIQUE_VIOLATION)
                owner.run("INSERT INTO user_metrics.privacy_policy (min_group_size) VALUES (2) ON CONFLICT DO NOTHING")
                row = "SELECT min_group_size, max_state_memory_kb FROM user_metrics.privacy_policy"
                check("a row was replaced", owner.run(row) == ["1\x1f64"])
                owner.run("UPDATE user_metrics.privacy_policy SET min_group_size = 5, max_state_memory_kb = NULL")
                check("memory is still limited", answer(client, many) == ["20000"])
                for values in ("0, 64", "-1, NULL", "1, 63"):
                    check(f"{values} is accepted", CHECK_VIOLATION == refused_with(
                        owner, f"UPDATE user_metrics.privacy_policy SET (min_group_size, max_state_memory_kb) = ({values})"))
                # Within a transaction it applies from the next command on, and no longer after a rollback.
                shown = client.value(days)
                check("groups of five are told from smaller ones", shown == "88\x1f0")
                owner.run("BEGIN")
                before = owner.value(days)
                owner.run("UPDATE user_metrics.privacy_policy SET min_group_size = 1")
                after = owner.value(days)
                owner.run("ROLLBACK")
                check("the policy is not the transaction's own", (before, after) == (shown, "88\x1f88"))
                check("what was undone holds", owner.value(days) == before)
        finally:
            owner.reset()
            owner.run(f"DROP OWNED BY {role}")
            owner.run(f"DROP ROLE {role}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
