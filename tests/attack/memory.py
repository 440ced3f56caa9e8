#!/usr/bin/env python3
"""Large values under memory limits: one session gets an error, and no other session is affected.

    python3 tests/attack/memory.py

A server of its own is started repeatedly, each time with less memory than before (`ulimit -v`), and every value is written,
sent, read back, merged and read by its functions. Each of these must succeed or raise an error; a failed allocation in Rust
would end the process, and PostgreSQL would end all others. Needs scripts/cluster.sh and a built extension. The last line is
`N passed, N failed`.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from psql import ServerError, ServerGone, Session  # noqa: E402

from server import Server, process_memory  # noqa: E402

# Memory of a backend beyond its size at rest, in MB: from enough for everything to not enough for anything.
LIMITS = (1500, 400, 200, 130, 90, 60, 40, 25, 15, 8)
OUT_OF_MEMORY, LIMIT_EXCEEDED = "53200", "54000"

# Values of 20 to 30 MB, of users with one day, session and event each, and of distinct durations.
DATA = """
CREATE EXTENSION user_metrics;
CREATE TABLE big (activity user_metrics.activity, sessions user_metrics.sessions, funnel user_metrics.funnel,
    survival user_metrics.survival, experiment user_metrics.experiment_moments);
ALTER TABLE big ALTER activity SET STORAGE EXTERNAL, ALTER sessions SET STORAGE EXTERNAL,
    ALTER funnel SET STORAGE EXTERNAL, ALTER survival SET STORAGE EXTERNAL, ALTER experiment SET STORAGE EXTERNAL;
INSERT INTO big
SELECT user_metrics.activity(i, t), user_metrics.sessions(i, t, 'chat', 5.0, true, NULL, NULL),
    user_metrics.funnel(i, t, ARRAY[true, i % 2 = 0], interval '7 days'), user_metrics.survival(i * 1.5, i % 3 = 0),
    user_metrics.experiment_sample('arm ' || i % 2, i * 0.25)
FROM (
    SELECT i, timestamptz '2024-01-01 00:00Z' + i % 90 * interval '1 day' FROM generate_series(1::bigint, 900000) AS i
) AS requests(i, t)
"""
VALUES = ("activity", "sessions", "funnel", "survival", "experiment")
LISTS = ("activity", "sessions", "funnel")
STATEMENTS = [
    *(f"SELECT length({name}::text) > 1000 FROM big" for name in VALUES),
    *(f"COPY (SELECT {name} FROM big) TO '{{scratch}}' (FORMAT binary)" for name in VALUES),
    *(f"BEGIN\\; COPY big ({name}) FROM '{{scratch}}-{name}' (FORMAT binary)\\; ROLLBACK" for name in VALUES),
    *(f"SELECT pg_column_size({name}::text::user_metrics.{'experiment_moments' if name == 'experiment' else name}) FROM big"
      for name in VALUES),
    *(f"SELECT pg_column_size(user_metrics.rollup(v)) FROM (SELECT {name} FROM big UNION ALL SELECT {name} FROM big) AS b(v)"
      for name in VALUES),
    *(f"SELECT user_metrics.users(user_metrics.without_users({name}, ARRAY(SELECT i::text FROM generate_series(1, 300000) AS i)))"
      " FROM big" for name in LISTS),
    *(f"SELECT count(*) FROM big, user_metrics.{call} AS r" for call in (
        "active_users(activity)", "engagement(activity)", "lifecycle(activity, 'day')", "churn_rate(activity, 'day')",
        "stickiness(activity)", "retention_matrix(activity, 'day', 'day')", "retention_curve(activity)", "cohort_table(activity)",
        "seasonality(activity)", "session_stats(sessions, 'day')", "session_hazard(sessions)", "session_list(sessions)",
        "funnel_steps(funnel)", "survival_curve(survival)", "survival_quantiles(survival)", "survival_summary(survival)",
        "logrank(ARRAY[survival, survival])", "ab_compare(experiment, method => 'mann_whitney')")),
]


def run(server, refused):
    """Runs every statement under every limit; returns how many passed, and complaints. `refused` counts errors by statement."""
    passed, failures, scratch = 0, [], server.data / "scratch"
    with Session("postgres", statement_timeout="300s", max_parallel_workers_per_gather=0) as session:
        session.run("; ".join(DATA.strip().split(";\n")))
        for name in VALUES:
            session.run(f"COPY (SELECT {name} FROM big) TO '{scratch}-{name}' (FORMAT binary)")
    with Session("postgres", max_parallel_workers_per_gather=0) as session:
        session.run("SELECT user_metrics.users(user_metrics.activity(1::bigint, now()))")
        at_rest = process_memory(session.value("SELECT pg_backend_pid()"), "VmSize")
    for megabytes in LIMITS:
        server.stop()
        server.start(at_rest + 1024 * megabytes)
        # Another session, at work when the first one runs out of memory.
        with Session("postgres") as other, Session("postgres", max_parallel_workers_per_gather=0) as session:
            other.run("BEGIN")
            backend = other.value("SELECT pg_backend_pid()")
            for statement in STATEMENTS:
                shown = f"{megabytes} MB: {statement}"
                try:
                    session.run(statement.format(scratch=scratch))
                except ServerError as error:
                    if error.sqlstate in (OUT_OF_MEMORY, LIMIT_EXCEEDED):
                        refused[statement] += 1
                    else:
                        failures.append(f"{shown}\n    {str(error)[:300]}")
                        continue
                    session.reset()
                except ServerGone:
                    failures.append(f"{shown}\n    the server was gone")
                    time.sleep(1)
                    session.restart()
                    other.restart()
                    other.run("BEGIN")
                    backend = other.value("SELECT pg_backend_pid()")
                    continue
                if other.value("SELECT pg_backend_pid()") != backend:
                    failures.append(f"{shown}\n    another session was ended")
                passed += 1
    return passed, failures


def main():
    refused = dict.fromkeys(STATEMENTS, 0)
    with Server("test-memory") as server:
        passed, failures = run(server, refused)
    # A value that never failed was not tested hard enough; one that always failed was not tested at all.
    for statement in STATEMENTS:
        if not 0 < refused[statement] < len(LIMITS):
            failures.append(f"refused {refused[statement]} times of {len(LIMITS)}: {statement}")
    for failure in failures[:40]:
        print(f"FAILED  {failure}")
    print(f"{passed} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
