"""Random experiments, a tenth of them in a database of another encoding."""

import contextlib
import os
import random

from oracle.assignment.cases import audit_statements, audited, expected, expected_audit, query, random_experiment, random_users
from oracle.kit.server import ServerError, Session, administer, fresh_database


def written_in(encoding, thing):
    """An experiment or ids without characters that an encoding lacks; they must stay distinct."""
    if isinstance(thing, dict):
        return {name: written_in(encoding, value) for name, value in thing.items()}
    if isinstance(thing, list):
        return [written_in(encoding, item) for item in thing]
    if isinstance(thing, str) and encoding:
        return thing.encode(encoding, "xmlcharrefreplace").decode(encoding)
    return thing


@contextlib.contextmanager
def latin_database():
    """As fresh_database, in another encoding."""
    name = f"user_metrics_latin_{os.getpid()}"
    administer(f"CREATE DATABASE {name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    try:
        administer("CREATE EXTENSION user_metrics", name)
        yield name
    finally:
        administer(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def compare_all(cases, seed):
    """Runs the cases, a tenth of them in a database of another encoding; returns (passed, failed)."""
    rng, some, none = random.Random(seed), set(), 0
    with fresh_database("oracle") as database, Session(database) as session:
        passed, failed, none = compare(session, rng, cases - cases // 10, None, some)
    with latin_database() as database, Session(database) as session:
        further_passed, further_failed, _ = compare(session, rng, cases // 10, "latin-1", some)
    passed, failed = passed + further_passed, failed + further_failed
    # A run without any rows to compare would be no test.
    if cases >= 100 and (none < cases or len(some) < 40):
        print(f"FAILED the cases are too plain: {none} users without a variant, {len(some)} variants given")
        failed += 1
    return passed, failed


def compare(session, rng, cases, encoding, some):
    """Runs cases in one database; returns how many passed and failed, and users without a variant."""
    passed = failed = none = 0
    while passed + failed < cases and failed < 10:
        terms, (kind, users) = written_in(encoding, random_experiment(rng)), written_in(encoding, list(random_users(rng)))
        statement = query(terms, kind, users)
        right = [expected(terms, user) for user in users]
        try:
            got = [row["variant"] for row in session.rows(statement)]
        except ServerError as error:
            got = [str(error)]
        # Non-ASCII names are rejected in other encodings as arguments of any function over a log.
        if got == right and encoding is None and (passed + failed) % 8 == 0:
            log = audited(rng, terms, list(dict.fromkeys(users)))
            statements, statement = audit_statements(terms, kind, log)
            right_audit = expected_audit(terms, log)
            try:
                for preparation in statements:
                    session.run(preparation)
                got_audit = session.rows(statement)
            except ServerError as error:
                got_audit = [str(error)]
            if got_audit != right_audit:
                failed += 1
                print(f"\n-- mismatch {failed}: {got_audit}\ninstead of {right_audit}")
                print(";\n".join([*statements, statement]) + ";")
                continue
        none += right.count(None)
        some |= {(terms["hash"], variant) for variant in right if variant}
        if got == right:
            passed += 1
            continue
        failed += 1
        wrong = next((f"{user!r} has {theirs!r} instead of {ours!r}" for user, ours, theirs in zip(users, right, got) if ours != theirs), got)
        print(f"\n-- mismatch {failed}: {wrong}\n{statement};")
    return passed, failed, none
