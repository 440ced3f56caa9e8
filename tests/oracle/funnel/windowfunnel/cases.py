"""Random events of users, and their levels by ClickHouse and by the extension."""

USERS = 1000
# Names of modes here, and in ClickHouse.
MODES = {"ordered": "", "strict_order": ", 'strict_order'", "strict_dedup": ", 'strict_deduplication'",
         "strict_increase": ", 'strict_increase'", "once": ", 'strict_once'",
         "allow_reentry": ", 'strict_order', 'allow_reentry'"}
LETTERS = "abcdefgh"
# Numbers of steps, and windows.
SHAPES = [(3, 10), (4, 5), (2, 3), (8, 100), (3, 0), (1, 3), (3, 1), (5, 30)]


def random_events(rng, mode, steps):
    """(user, second, features) of each event; features are the steps it matches, as letters, or none."""
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
