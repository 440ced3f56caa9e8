#!/usr/bin/env python3
"""Every function that folds requests: in plans that pass histories between processes, with little memory and temporary
files, and with interrupted queries.

    python3 tests/folds.py [WORD]         only the tests whose names contain the word

Needs a server with the extension installed, named by libpq's environment variables, and a superuser; works in a database of
its own and drops it. The functions are taken from the catalog. The rows must not depend on the plan and the memory; however
a statement ends, no state and no file may be left, and no warning may be raised. The last line is `N passed, N failed`.
"""

import sys
import time

from plans import (ADMIN_SHUTDOWN, OUT_OF_MEMORY, PARALLEL, PARTITIONWISE, SERIAL, Wrong, backend_memory, is_passed, require,
                   require_no_states, require_plan, until)
from psql import QUERY_CANCELED, ServerError, Session, fresh_database

CONFIGURATION_LIMIT_EXCEEDED, INVALID_PARAMETER = "53400", "22023"
# A hundredth of the memory for the large log, and less than its users take.
LITTLE = {"user_metrics.max_state_memory": "6MB"}

# 100,000 unordered requests of 35,000 users, some with many requests; partitions of it; one in order; a few hundred rows;
# signups.
DATA = """
CREATE TABLE log AS
SELECT id, CASE WHEN id % 89 = 0 THEN ' ' WHEN id % 97 = 0 THEN 'anonymous'
        WHEN id % 5 < 3 THEN 'user ' || abs(hashint4(id)) % 100 ELSE 'user ' || abs(hashint4(id)) % 60000 END AS user_id,
    timestamptz '2024-01-01 00:00+00' + abs(hashint4(id + 99)) % 15552000 * interval '1 s' AS created_at,
    CASE WHEN id % 7 > 0 THEN 'session ' || abs(hashint4(id)) % 100 || '.' || id % 3 END AS session_id,
    CASE WHEN id % 11 > 0 THEN 'feature ' || id % 40 END AS feature, 'model ' || id % 5 AS model,
    id % 999 AS prompt_tokens, id % 77 AS completion_tokens, (id % 1234) / 10000.0 AS cost_usd, (id % 5000)::float8 AS latency_ms,
    CASE WHEN id % 13 > 0 THEN 200 ELSE 500 END AS status_code, jsonb_build_object('tier', 'tier ' || id % 3) AS properties
FROM generate_series(1, 100000) AS id;
CREATE TABLE parts (LIKE log) PARTITION BY LIST (model);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES IN ('model 0', 'model 1');
CREATE TABLE parts_1 PARTITION OF parts DEFAULT;
INSERT INTO parts SELECT * FROM log;
CREATE TABLE in_order AS SELECT * FROM log ORDER BY created_at;
CREATE VIEW backwards AS SELECT * FROM log ORDER BY created_at DESC, id;
CREATE TABLE few AS SELECT * FROM log WHERE id < 300;
CREATE TABLE empty (LIKE log);
SELECT user_metrics.define_experiment('model', '{"model 0": 0.5, "model 1": 0.5}');
CREATE TABLE signups AS SELECT user_id, min(created_at) - interval '1 hour' AS created_at FROM log WHERE id % 3 > 0 GROUP BY user_id
UNION ALL SELECT 'waiting ' || n, timestamptz '2024-01-01 00:00+00' + n * interval '1 hour' FROM generate_series(1, 100) AS n;
VACUUM ANALYZE log, parts, in_order, few, signups
"""

# Arguments besides the log.
USER = ", 'user 1'"
MORE = dict.fromkeys(("preferred_models", "preferred_model_list", "favorite_features", "benchmark_user", "user_metrics_row",
                      "user_profile", "segment_user"), USER) | {
    "adoption_barriers": ", 'feature 1'", "feature_timing": ", 'feature 1'",
    "plan_usage": """, '{"tier 1": {"monthly_request_limit": 3}}', 'tier'""",
    "activation_milestones": ", advanced_features => '{feature 1}', signups => 'signups'",
    "property_history": ", 'tier'",
    "lifecycle_stage": ", '{tier 0,tier 1,tier 2}', 'tier'", "lifecycle_transitions": ", 'week', '{tier 0,tier 1,tier 2}', 'tier'",
    "ab_compare": ", variant => 'tier', metrics => '{active_days,sessions,latency_ms_p95}', cuped_days => 9, winsorize => 0.99",
    "ab_segments": ", 'model', metrics => '{cost_usd,answered_rate,retained_w2}', variant => 'tier'",
    "acquisition": """, 'tier', '{"model": "model 1"}'""", "paths": """, '{"model": "model 1"}', 3"""}
MORE |= dict.fromkeys(("retention_drivers", "churn_indicators"),
                      """, behaviours => '[{"name": "asked model 1", "filter": {"model": "model 1"}}]', adjust => '{tier,model}'""")
MORE["activation_threshold"] = """, '{"model": "model 1"}'"""
MORE |= dict.fromkeys(("funnel", "funnel_users"), """, '[{"filter": {"feature": "feature 1"}}, {"filter": {"model": "model 1"}}]'""")
MORE |= dict.fromkeys(("first_sessions", "first_session_list"), ", signups => 'signups'")
MORE |= {"active_user_list": ", '2024-03-04'", "lifecycle_users": ", '2024-03-04'", "retention_users": ", 1"}
MORE["assignment_audit"] = ", 'model', 'model'"
# Functions that read one user's requests only, too few for partial aggregation; and those that keep every user.
OF_ONE_USER = {"preferred_models", "preferred_model_list"}
GROWS = dict.fromkeys(("benchmark_users", "benchmark_user", "user_metrics_row", "user_profile", "segment_users", "segment_user",
                       "segment_summary", "activation_milestones", "lifecycle_stage", "lifecycle_transitions"),
                      {"user_metrics.max_state_memory": "32MB"})

FOLDS = r"""SELECT p.proname FROM pg_proc AS p WHERE p.pronamespace = 'user_metrics'::regnamespace
    AND p.prosrc LIKE '%\_over\_log' ORDER BY 1"""


def call(function, log):
    return f"user_metrics.{function}({log}{MORE.get(function, '')})"


def rows(session, function, log="log"):
    """The result of a function, as a hash and a count if it is large; no notice or warning may be raised."""
    lines = session.run(f"SELECT count(*), md5(string_agg(r::text, chr(10) ORDER BY r::text)) "
                        f"FROM {call(function, repr(log))} AS r")
    require(len(lines) == 1, f"more than rows: {lines}")
    return lines[0]


def require_no_files(session):
    left = session.run("SELECT name FROM pg_ls_tmpdir()")
    require(not left, f"files left: {left}")


def in_every_plan(session, function):
    with session.setting(client_min_messages="warning", **SERIAL):
        expected = rows(session, function)
    require(not expected.startswith("0"), "no rows")
    for settings in (SERIAL, PARALLEL, PARALLEL | {"parallel_leader_participation": "on"}):
        for memory in ({}, GROWS.get(function, LITTLE)):
            with session.setting(client_min_messages="warning", **settings | memory):
                for log in ("log", "in_order", "backwards"):
                    require(rows(session, function, log) == expected, f"other rows of {log} with {settings | memory}")
            require_no_states(session)
            require_no_files(session)
    with session.setting(client_min_messages="warning", **PARALLEL | PARTITIONWISE | GROWS.get(function, LITTLE)):
        require(rows(session, function, "parts") == expected, "other rows of partitions")
    require_no_files(session)


def little_or_nothing(session, function):
    with session.setting(client_min_messages="warning", **PARALLEL):
        for log in ("few", "empty"):
            rows(session, function, log)
        session.run(f"SELECT * FROM {call(function, repr('few'))} LIMIT 1")
    with session.setting(client_min_messages="warning", **SERIAL):
        # Each call has an area of its own and releases it: shared memory suffices for some hundred.
        either = call(function, "CASE WHEN n % 2 = 0 THEN 'few' ELSE 'empty' END::regclass")
        session.run(f"SELECT count(*) FROM generate_series(1, 1000) AS n, LATERAL {either} AS r")
    require_no_files(session)


def has_a_gather(session, function):
    session.run("LOAD 'auto_explain'")
    with session.setting(**PARALLEL | {
            "auto_explain.log_min_duration": 0, "auto_explain.log_nested_statements": "on",
            "auto_explain.log_level": "notice", "client_min_messages": "notice"}):
        told = "\n".join(session.run(f"SELECT count(*) FROM {call(function, repr('log'))}"))
    partial = () if function in OF_ONE_USER else ("Finalize Aggregate", "Partial Aggregate")
    require_plan(told, ("Gather", "Parallel Seq Scan on log", *partial), ())


def canceled_anywhere(session, function):
    """Cancels the statement after various fractions of its run time: during scan, hand-over and reading."""
    for settings in (SERIAL | LITTLE, PARALLEL, PARALLEL | LITTLE):
        with session.setting(client_min_messages="warning", **settings):
            began = time.monotonic()
            expected = rows(session, function)
            whole, canceled = time.monotonic() - began, 0
        for part in range(1, 8):
            limit = {"statement_timeout": f"{max(1, round(1000 * whole * part / 8))}ms"}
            with session.setting(client_min_messages="warning", **settings | limit):
                try:
                    rows(session, function)
                except ServerError as error:
                    require(error.sqlstate == QUERY_CANCELED and "WARNING" not in str(error), str(error))
                    canceled += 1
            require_no_states(session)
            require_no_files(session)
        require(canceled > 1, f"canceled {canceled} times, although it took {whole:.2f} s")
        with session.setting(client_min_messages="warning", **settings):
            require(rows(session, function) == expected, "other rows afterwards")


def files_are_limited(session, function):
    with session.setting(client_min_messages="warning", **PARALLEL | LITTLE | {"temp_file_limit": "1MB"}):
        for _ in range(3):
            try:
                rows(session, function)
            except ServerError as error:
                require(error.sqlstate == CONFIGURATION_LIMIT_EXCEEDED and "WARNING" not in str(error), str(error))
            else:
                raise Wrong("not refused")
            require_no_states(session)
            require_no_files(session)
        caught = session.run(f"""DO $$ BEGIN PERFORM count(*) FROM user_metrics.{function}('log');
            RAISE EXCEPTION 'not refused'; EXCEPTION WHEN configuration_limit_exceeded THEN NULL; END $$""")
        require(not caught, f"{caught}")
        require_no_files(session)


def a_worker_dies(session, database, function):
    slow = PARALLEL | {"client_min_messages": "warning"}
    with Session(database, **slow) as busy:
        leader = busy.value("SELECT pg_backend_pid()")
        session.run("CREATE FUNCTION slowly(text) RETURNS text LANGUAGE plpgsql PARALLEL SAFE AS "
                    "'BEGIN PERFORM pg_sleep(0.01); RETURN $1; END'")
        session.run("CREATE VIEW slow AS SELECT slowly(user_id) AS user_id, created_at, model, feature FROM log")
        busy._psql.stdin.write(f"SELECT count(*) FROM user_metrics.{function}('slow')\n;\n")
        busy._psql.stdin.flush()
        workers = until(lambda: session.run(f"SELECT pid FROM pg_stat_activity WHERE leader_pid = {leader}"), "workers")
        session.run(f"SELECT pg_terminate_backend({workers[0]})")
        try:
            busy.run("SELECT 1")
        except ServerError as error:
            require(error.sqlstate == ADMIN_SHUTDOWN, str(error))
        require_no_states(busy)
        session.run("DROP VIEW slow")
        session.run("DROP FUNCTION slowly(text)")
    require_no_files(session)


def sessions_end(session, database, function):
    """Files deleted at the very end of a backend would crash it and with it all others."""
    before = session.value("SELECT pg_postmaster_start_time()")
    for settings in (SERIAL | LITTLE, PARALLEL | LITTLE):
        with Session(database, **settings) as other:
            rows(other, function)
        with Session(database, **settings) as other:
            other.run(f"BEGIN; DECLARE c CURSOR FOR SELECT * FROM {call(function, repr('log'))}; FETCH 1 FROM c")
    require(session.value("SELECT pg_postmaster_start_time()") == before, "the server has restarted")
    until(lambda: not session.run("SELECT name FROM pg_ls_tmpdir()"), "the end of the files")


def memory_comes_back(session, function):
    for settings in (SERIAL, PARALLEL | LITTLE):
        with session.setting(**settings):
            for times in (10, 60):
                for _ in range(times):
                    rows(session, function, "few")
                before, after = (after, backend_memory(session)) if times == 60 else (None, backend_memory(session))
        require(after[0] - before[0] < 500_000 and after[1] - before[1] < 2_000_000, f"grew from {before} to {after}")


def made_up(session, _):
    """Functions reachable from SQL although only the source layer calls them."""
    plan = '{"columns": [{"name": "segment", "kind": "text"}]}'
    for log in ("few", "empty"):
        require(session.run(f"SELECT user_metrics_internal.history('{plan}', user_id, created_at, model) FROM {log}") == [""], "something")
    wrong = ["'x', user_id, created_at", "'{\"columns\": []}', user_id, created_at, model", f"'{plan}', user_id, created_at",
             f"'{plan}', user_id, created_at, prompt_tokens", f"'{plan}', latency_ms, created_at, model",
             f"'{plan}', user_id, model, model", f"NULL, user_id, created_at, model",
             "'" + plan.replace('"text"', '"id"') + "', user_id, created_at, latency_ms"]
    for arguments in wrong:
        try:
            session.run(f"SELECT user_metrics_internal.history({arguments}) FROM few")
        except ServerError as error:
            require(error.sqlstate == INVALID_PARAMETER, str(error))
        else:
            raise Wrong(f"not refused: {arguments}")
    with session.setting(**SERIAL | {"user_metrics.max_state_memory": "1536kB"}):
        nowhere = plan.replace("}]", '}], "area": 4242')
        try:
            session.run(f"SELECT user_metrics_internal.history('{nowhere}', user_id, created_at, model) FROM log")
        except ServerError as error:
            require(error.sqlstate == INVALID_PARAMETER, str(error))
        else:
            raise Wrong("an area that nobody made")
    require_no_states(session)
    require_no_files(session)


def users_alone_are_too_many(session, function):
    """Refused with a hint if not even a part of the users fits in memory."""
    with session.setting(**SERIAL | {"user_metrics.max_state_memory": "512kB"}):
        try:
            rows(session, function)
        except ServerError as error:
            require(error.sqlstate == OUT_OF_MEMORY and "HINT:" in str(error), str(error))
        else:
            raise Wrong("not refused")
    require_no_states(session)
    require_no_files(session)


def within_each_other(session):
    """A log may be a view that reads another log, with the same aggregate in the same process."""
    session.run("""CREATE VIEW asking AS SELECT l.user_id, l.created_at, l.feature FROM few AS l
        WHERE l.feature IN (SELECT u.name FROM user_metrics.feature_usage('log') AS u)""")
    for settings in (SERIAL | LITTLE, PARALLEL):
        with session.setting(client_min_messages="warning", **settings):
            counts = "SELECT name, users, requests FROM user_metrics.feature_usage"
            expected = session.run(f"{counts}('few', filter => (SELECT jsonb_build_object('feature', jsonb_agg(DISTINCT feature)) FROM few WHERE feature IS NOT NULL))")
            require(session.run(f"{counts}('asking')") == expected, "other rows")
            try:
                session.run("SELECT * FROM user_metrics.feature_usage('asking', by => 'nothing')")
            except ServerError as error:
                require(error.sqlstate == "42703", str(error))
            require(session.run(f"{counts}('asking')") == expected, "other rows after an error")
    session.run("DROP VIEW asking")
    require_no_states(session)
    require_no_files(session)


def tests(database, functions):
    yield "made up", lambda s: made_up(s, None)
    yield "within each other", within_each_other
    for function in functions:
        for test in (in_every_plan, little_or_nothing, has_a_gather):
            yield f"{test.__name__.replace('_', ' ')}: {function}", lambda s, t=test, f=function: t(s, f)
    # Communication between processes is the same for all of them.
    for function in ("usage_patterns", "request_complexity"):
        for test in (canceled_anywhere, memory_comes_back, users_alone_are_too_many):
            yield f"{test.__name__.replace('_', ' ')}: {function}", lambda s, t=test, f=function: t(s, f)
    yield "files are limited", lambda s: files_are_limited(s, "request_complexity")
    yield "sessions end", lambda s: sessions_end(s, database, "request_complexity")
    yield "a worker dies", lambda s: a_worker_dies(s, database, "usage_heatmap")


def main(word=""):
    passed = failed = 0
    with fresh_database("folds") as database, Session(database) as session:
        for statement in DATA.split(";\n"):
            session.run(statement)
        functions = session.run(FOLDS)
        require(len(functions) >= 8, f"{functions}")
        for name, test in tests(database, functions):
            if word in name:
                if is_passed(session, name, test):
                    passed += 1
                else:
                    failed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
