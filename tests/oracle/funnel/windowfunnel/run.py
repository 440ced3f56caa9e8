"""Random users, a thousand at a time: their levels must be the same in ClickHouse and in the extension."""

import random
import tempfile

from chdb import session as clickhouse

from oracle.funnel.windowfunnel.cases import MODES, SHAPES, USERS, of_clickhouse, of_ours, random_events
from oracle.kit.server import Server, fresh_database


def known(server):
    """The known deviation of ClickHouse from its manual."""
    events = [(1, 1, "a"), (1, 2, "a"), (1, 2, "b")]
    return of_ours(server, events, 2, 10, "strict_increase") == {1: 2}


def compare_all(cases, seed):
    """Runs the cases, and the known one; returns (passed, failed)."""
    rng, passed, failed, levels = random.Random(seed), 0, 0, set()
    with fresh_database("windowfunnel") as database, Server(database) as server, tempfile.TemporaryDirectory() as directory:
        session = clickhouse.Session(directory)
        session.query("CREATE DATABASE IF NOT EXISTS oracle")
        session.query("USE oracle")
        while passed + failed < cases and failed < 10:
            number = (passed + failed) // USERS
            mode = list(MODES)[number % len(MODES)]
            steps, window = SHAPES[number // len(MODES) % len(SHAPES)]
            events = list(random_events(rng, mode, steps))
            theirs, ours = (f(which, events, steps, window, mode) for f, which in ((of_clickhouse, session), (of_ours, server)))
            levels |= {(mode, level) for level in theirs.values()}
            for user in sorted(theirs.keys() | ours.keys()):
                if theirs[user] == ours.get(user, 0):
                    passed += 1
                    continue
                failed += 1
                if failed < 10:
                    own = sorted((at, features) for whose, at, features in events if whose == user)
                    print(f"{mode}, {steps} steps within {window}: {theirs[user]} in ClickHouse, {ours.get(user, 0)} here, of {own}")
        session.close()
        correct = known(server)
    passed, failed = passed + correct, failed + (not correct)
    if failed == 0 and cases >= 6 * USERS and not all((mode, 3) in levels for mode in MODES):
        print("hardly anybody got anywhere")
        failed += 1
    return passed, failed
