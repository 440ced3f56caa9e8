#!/usr/bin/env python3
"""Every public function and aggregate with arguments that are wrong, and over logs that are.

    python3 tests/attack/arguments.py [--seed N] [--cases N] [WORD]    only the part, or the functions, of that name

A statement may be refused; it may not end with an SQLSTATE of class XX, a panic's message, a lost connection, or its
statement_timeout (all data are tiny). And a log with one extreme row is answered as if it were sane. `--cases` is how
many calls are drawn over each hostile log, and a fourth of the pairs of hostile arguments. With `--all`, every hostile
value is tried on the arguments that all functions share, too, and there are more logs. The parts are those of PARTS.

Needs a server on this machine with the extension installed, named by libpq's environment variables, and a superuser; a
backend that ignores its timeouts is killed. The last line is `N passed, N failed`.
"""

import argparse
import contextlib
import os
import queue
import random
import re
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from functions import LOG, STORED, functions  # noqa: E402
from psql import QUERY_CANCELED, ServerError, ServerGone, Session, fresh_database  # noqa: E402

TIMEOUT, TOO_LONG, WATCHDOG, WORKERS = 2.0, 6.0, 10.0, 2
PANIC = re.compile(r"attempt to |called `|index out of bounds|out of range for slice|begin <= end|assertion|unreachable|"
                   r"not implemented|capacity overflow|RefCell|divide by zero|panicked|slice index|unwrap|overflow when ")
PARTS = ("singly", "zoned", "pairs", "aggregates", "hostile_logs", "values", "one_bad_row", "in_time")
# These have a row, or work, for every day since the first request: with one in antiquity they may run out of their
# time, but must notice.
LONG = {"active_users", "engagement", "lifecycle", "lifecycle_stage", "lifecycle_transitions", "retention_curve",
        "retention_matrix", "churn_rate", "peak_hours", "session_stats", "session_time"}
SHARED = {"source", "since", "until", "filter", "by", "timezone", "as_of"}


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def nested(depth, inside, left, right):
    return quoted(left * depth + inside + right * depth)


def series(count, each):
    """A list of JSON with so many items; `each` is SQL over i."""
    return f"SELECT jsonb_agg({each}) FROM generate_series(1, {count}) AS i"


NUMBERS = ["'NaN'", "'Infinity'", "'-Infinity'", "0", "'-0'", "1e308", "-1e308", "5e-324", "0.5", "1", "1.0000001",
    "-1",
           "0.9999999999999999", "1e-300", "9007199254740993", "4294967296", "1e19"]
INTEGERS = ["0", "-1", "1", "2", "7", "1000", "100000", "2147483647", "-2147483647", "-2147483648"]
BIGINTS = INTEGERS + ["9223372036854775807", "-9223372036854775808", "9007199254740993"]
TEXTS = [
    "''", "' '", "repeat('x', 300000)", "'a''b\"c'", "E'back\\\\slash'", "E'new\\nline'", "'ünïcödé ☃ 𝄞'", "'%s'",
    "'NULL'",
    "'day'", "'week'", "'month'", "'quarter'", "'year'", "'each'", "'feature'", "'properties'", "'created_at'",
    "'latency_ms'", "'rating'", "'prompt'", "'no_such'", "repeat('long_', 40)", "'\"log\"'", "'--'", "';'", "'{}'",
    "chr(1)",
    "'UTC+25'", "'Europe/Berlin'", "'Pacific/Apia'", "'<+99>-99'", "'UserTier'", "'a'", "'a.b.c.d.e'", "'.'", "'log'",
]
WORDS = """strict_order strict_dedup ordered unordered welch mann_whitney fisher proportions quantile power holm none
    benjamini_hochberg less greater two_sided lower higher rolling calendar choices share ratio clickhouse mixpanel
    include exclude first all neither cost_usd requests revenue_usd active_days sessions satisfaction error_rate
    growthbook_v1 growthbook_v2 statsig statsig_gate unleash bucketed litellm monday each on after bracket unbounded
    bounded standard quick segment tier"""
TEXTS_DRAWN = TEXTS + [quoted(word) for word in WORDS.split()]
INTERVALS = ["'0'", "'-1 day'", "'1 month'", "'178000000 years'", "'-178000000 years'", "'1 microsecond'",
             "'2147483647 days'", "'-2147483648 days'", "'2147483647 months 2147483647 days'", "'1 year -365 days'",
             "'9223372036854775807 microseconds'", "'-9223372036854775808 microseconds'", "'1 day'"]
INSTANTS = ["'infinity'", "'-infinity'", "'294276-12-31 23:59:59.999999+00'", "'4714-11-24 00:00:00+00 BC'",
            "'1970-01-01 00:00Z'", "'2000-01-01 00:00Z'", "now()", "'2024-03-20 12:00Z'", "'5000-01-01 00:00Z'",
            "'0001-01-01 00:00Z'", "'290000-01-01 00:00Z'"]
DATES = ["'infinity'", "'-infinity'", "'5874897-12-31'", "'4714-11-24 BC'", "'1970-01-01'", "'294276-12-31'",
         "'2024-03-20'", "'294277-01-01'", "current_date"]
JSON = [
    "'null'", "'{}'", "'[]'", "'5'", "'\"x\"'", "'true'", "'1e400'", "'-1e400'", "'[null]'", "'[[]]'", "'[{}]'",
    "'[1e400]'",
    "'\"\"'", "'{\"\": \"\"}'", "'{\"a\": 1, \"a\": 2}'",
    nested(128, "", "[", "]"), nested(128, "1", '{"a": ', "}"), nested(3000, "", "[", "]"),
    "SELECT jsonb_object_agg('k' || i, i) FROM generate_series(1, 2000) AS i", series(5000, "i"),
    series(5000, "'x' || i"),
    series(20000, "'{}'::jsonb"),
]
# What looks like what the argument wants.
BY_NAME = {
    "filter": [
        "'{\"feature\": {}}'", "'{\"feature\": []}'", "'{\"feature\": [null]}'", "'{\"feature\": [[\"chat\"]]}'",
        "'{\"latency_ms\": 1e400}'", "'{\"created_at\": \"infinity\"}'", "'{\"properties\": {}}'",
        "'{\"UserTier\": null}'",
        "SELECT jsonb_build_object('feature', jsonb_agg('x' || i)) FROM generate_series(1, 20000) AS i",
        "SELECT jsonb_object_agg(repeat('k', 1000) || i, i) FROM generate_series(1, 500) AS i",
        "SELECT jsonb_build_object(repeat('k', 300000), repeat('v', 300000))",
        "'{\"feature\": \"ünïcödé \\u2603 \\\\ \\\" %s $1\"}'",
    ],
    "steps": [
        series(5000, """jsonb_build_object('filter', jsonb_build_object('feature', 'x' || i))"""),
        series(64, """jsonb_build_object('filter', jsonb_build_object('feature', 'x' || i))"""),
        series(65, """jsonb_build_object('filter', jsonb_build_object('feature', 'x' || i))"""),
        "SELECT jsonb_build_array(jsonb_build_object('filter', jsonb_build_object('feature', jsonb_agg('x' || i)))) "
        "FROM generate_series(1, 20000) AS i",
        "SELECT jsonb_agg(f) FROM (SELECT jsonb_build_object('filter', jsonb_build_object('feature', jsonb_agg('x' || i))) "
        "AS f FROM generate_series(1, 4000) AS i, generate_series(1, 8) AS s GROUP BY s) AS q",
        "'[{\"filter\": {}}]'", "'[{}]'", "'[{\"filter\": null}]'",
        "'[{\"filter\": {\"feature\": \"chat\"}, \"name\": \"\"}]'",
        "SELECT jsonb_build_array(jsonb_build_object('name', repeat('n', 300000), 'filter', '{}'::jsonb))",
        "'[{\"filter\": {\"feature\": 1e400}}, {\"filter\": {\"feature\": null}}]'",
    ],
    "rules": [
        *(nested(depth, '{"segment": "x", "not": {"requests": {">": 1}}}' if depth == 0 else '{"requests": {">": 1}}',
                 '{"not": ', "}").replace("'{\"not\"", "'[{\"segment\": \"x\", \"not\"", 1)[:-1] + "]'"
                 for depth in (15, 16, 17, 128)),
        *(nested(depth, '{"requests": {">": 1}}', '{"all": [', "]}").replace("'{\"all\"",
        "'[{\"segment\": \"x\", \"all\"", 1)[:-1]
          + "]'" for depth in (16, 17, 128)),
        nested(128, '{"requests": {">": 1}}', '{"any": [', "]}"),
        nested(128, '{"requests": {">": 1}}', '{"not": ', "}"),
        "'[{\"segment\": \"x\", \"all\": [{\"requests\": {\">\": 1e400}}]}]'",
        "'[{\"segment\": \"x\", \"all\": [{\"requests\": {\">\": -1e400, \"<\": 5e-324}}]}]'",
        "'[{\"segment\": \"x\", \"all\": [{\"property:UserTier\": {\"=\": null}}]}]'",
        "'[{\"segment\": \"\"}]'", "'[{\"segment\": \"x\"}, {\"segment\": \"x\"}]'",
        series(5000,
        "jsonb_build_object('segment', 's' || i, 'all', jsonb_build_array('{\"requests\": {\">\": 100000}}'::jsonb))"),
        "SELECT jsonb_build_array(jsonb_build_object('segment', 'x', 'all', jsonb_agg('{\"requests\": {\">\": 1}}'::jsonb))) "
        "FROM generate_series(1, 5000) AS i",
    ],
    "weights": [f"'{{\"a\": {x}, \"b\": {y}}}'" for x in ("1e400", "0", "-1", "1e308", "5e-324", "null", "\"1\"",
    "-1e400")
                for y in ("1", "1e308", "0")] + ["'{\"a\": 1}'", "'{\"a\": 1, \"c\": 1}'", "'[1, 1]'", "'[1e400, 1]'",
                "'[0, 0]'"],
    "users": [f"'{{\"a\": {x}, \"b\": {y}}}'" for x in ("1e400", "0", "-1", "9223372036854775807", "1.5", "null", "[]",
    "1e308")
              for y in ("1", "9223372036854775807")] + ["'{\"a\": 1}'"],
    "plans": [f"'{{\"free\": {{\"monthly_request_limit\": {x}}}}}'" for x in
              ("1e400", "0", "-1", "null", "\"5\"", "9223372036854775807", "9223372036854775808", "0.5", "[]")] + [
        "'{\"free\": null}'", "'{\"free\": {}}'", "'{\"\": {\"monthly_request_limit\": 1}}'",
        "'{\"free\": {\"monthly_request_limit\": 5, \"features\": [null, 5, []]}}'",
        "'{\"free\": {\"monthly_request_limit\": 5, \"features\": null, \"monthly_token_limit\": 1e400}}'",
        "SELECT jsonb_object_agg('p' || i, '{\"monthly_request_limit\": 5}'::jsonb) FROM generate_series(1, 5000) AS i"],
    "variants": [
        "'[\"a\"]'", "'[\"a\", \"a\"]'", "'[\"\", \"b\"]'", "'[null, \"b\"]'",
        "'[{\"name\": \"a\", \"weight\": 1e400}, {\"name\": \"b\"}]'",
        "'[{\"name\": \"a\", \"weight\": 1e308}, {\"name\": \"b\", \"weight\": 1e308}]'",
        "'[{\"name\": \"a\", \"weight\": 0}, {\"name\": \"b\", \"weight\": 0}]'",
        "'[{\"name\": \"a\", \"weight\": -1}, {\"name\": \"b\", \"weight\": 2}]'",
        "'[{\"name\": \"a\", \"weight\": 5e-324, \"payload\": 1e400}, {\"name\": \"b\", \"weight\": 5e-324, \"payload\": null}]'",
    ],
    "namespace": ["'[\"p\", 0, 1]'", "'[\"p\", 1, 0]'", "'[\"p\", -1e400, 1e400]'", "'[\"\", 0, 0]'",
    "'[\"p\", null, 1]'",
                  "'{\"seed\": \"p\", \"ranges\": [[0, 1e400]], \"hashVersion\": 2}'",
                  "'{\"seed\": \"p\", \"ranges\": [], \"hashVersion\": 1e400}'",
                  "'{\"seed\": \"p\", \"ranges\": [[]], \"hashVersion\": 1}'",
                  "SELECT jsonb_build_object('seed', 'p', 'ranges', jsonb_agg('[0, 0.1]'::jsonb), 'hashVersion', 2) "
                  "FROM generate_series(1, 5000)"],
    "columns": ["'{\"user_id\": \"\"}'", "'{\"user_id\": \"(\"}'", "'{\"user_id\": \"1/0\"}'",
    "'{\"user_id\": \"user_id; --\"}'",
                "'{\"occurred_at\": \"1\"}'", "'{\"succeeded\": null}'", "'{\"succeeded\": 5}'",
                "'{\"nonsense\": \"user_id\"}'",
                "SELECT jsonb_build_object('user_id', repeat('(', 20000) || 'user_id' || repeat(')', 20000))",
                "SELECT jsonb_build_object('user_id', repeat('x', 300000))", "'{\"user_id\": \"count(*)\"}'",
                "'{\"user_id\": \"generate_series(1, 3)\"}'"],
}
NAMED = ["'[{\"name\": \"a\", \"filter\": {}}]'", "'[{\"name\": \"\", \"filter\": {\"feature\": \"chat\"}}]'",
    "'[{\"name\": null}]'",
         "'[{\"filter\": {\"feature\": \"chat\"}}]'",
         "'[{\"name\": \"a\", \"filter\": {\"feature\": \"chat\"}, \"within\": 1e400}]'",
         "'[{\"name\": \"a\", \"filter\": {\"feature\": \"chat\"}, \"within\": \"178000000 years\"}]'",
         "'[{\"name\": \"a\", \"filter\": {\"feature\": \"chat\"}, \"requests\": -1}]'",
         "'[{\"name\": \"a\", \"filter\": {\"feature\": \"chat\"}, \"times\": 1e400}]'",
         series(3000, "jsonb_build_object('name', 'n' || i, 'filter', jsonb_build_object('feature', 'x' || i))"),
         series(64, "jsonb_build_object('name', 'n' || i, 'filter', jsonb_build_object('feature', 'x' || i))"),
         "SELECT jsonb_build_array(jsonb_build_object('name', 'a', 'filter', jsonb_build_object('feature', jsonb_agg('x' || i)))) "
         "FROM generate_series(1, 20000) AS i"]
BY_NAME |= {"milestones": NAMED, "behaviours": NAMED}
BY_NAME |= {name: BY_NAME["filter"] + ["'[{\"feature\": \"chat\"}, {}]'",
    series(3000, "jsonb_build_object('feature', 'x' || i)")]
            for name in ("converted", "premium", "action", "exposed", "start", "exclude")}

RELATIONS = ["'empty'", "'no_columns'", "'useless'", "'log_view'", "'parted'", "'log_idx'", "'log_seq'", "0",
    "999999999",
             "'pg_class'", "'pg_stat_activity'", "'odd_names'", "'broken_view'", "'user_metrics.experiment'",
             "'litellm'", "'typed'"]
SETUP = LOG + """;
CREATE TABLE empty (LIKE log);
CREATE TABLE no_columns ();
INSERT INTO no_columns DEFAULT VALUES;
CREATE TABLE useless AS SELECT i, 'x' || i AS t FROM generate_series(1, 9) AS i;
CREATE VIEW log_view AS SELECT * FROM log;
CREATE TABLE parted (LIKE log) PARTITION BY RANGE (created_at);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (MINVALUE) TO ('2024-04-01');
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM ('2024-04-01') TO (MAXVALUE);
INSERT INTO parted SELECT * FROM log;
CREATE INDEX log_idx ON log (created_at);
CREATE SEQUENCE log_seq;
CREATE TABLE odd_names AS SELECT user_id AS "User_ID", created_at AS "TIMESTAMP", feature AS "Feat""ure\\",
    latency_ms AS "%s" FROM log;
CREATE VIEW broken_view AS SELECT (user_id || (1 / 0)) AS user_id, created_at FROM log;
CREATE TABLE litellm AS SELECT request_id, created_at AT TIME ZONE 'UTC' AS "startTime",
    created_at AT TIME ZONE 'UTC' AS "endTime",
    cost_usd AS spend, user_id AS end_user, provider AS custom_llm_provider, model AS model_group, model,
    'x' AS call_type,
    '[5, {"a": []}, "feature:x"]'::jsonb AS request_tags, '{"spend_logs_metadata": [1], "error_information": 5}'::jsonb AS metadata
FROM log;
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE DOMAIN whole AS bigint CHECK (VALUE > 0);
CREATE TABLE typed AS SELECT (right(user_id, 1)::int + 1)::whole AS user_id, created_at::date AS ts,
    (ARRAY['sad', 'happy']::mood[])[1 + right(user_id, 1)::int % 2] AS feature, (ARRAY['sad',
    'happy']::mood[])[1] AS model,
    ARRAY[1, 2] AS rating, 'x'::name AS provider, point(1, 2) AS error, 200 AS status FROM log;
CREATE TABLE ends AS SELECT u AS user_id, t AS occurred_at FROM unnest(ARRAY['a', 'b', '', ' ', NULL, repeat('l',
    300000)]) AS u,
    unnest(ARRAY['infinity', '-infinity', '294276-12-31 23:59:59.999999+00', '4714-11-24 00:00:00+00 BC', '1970-01-01Z',
        '2024-03-01Z', NULL]::timestamptz[]) AS t;
CREATE TABLE zoned_value AS SELECT user_metrics.activity(user_id, created_at, 'Europe/Berlin') AS activity FROM log;
CREATE TABLE odd AS
SELECT user_metrics.activity(user_id, created_at) FILTER (WHERE false) AS activity,
    user_metrics.sessions(user_id, created_at) FILTER (WHERE false) AS sessions,
    user_metrics.funnel(user_id, created_at, '{t}'::boolean[], '1 day') FILTER (WHERE false) AS funnel,
    user_metrics.survival(1, true) FILTER (WHERE false) AS survival,
    user_metrics.experiment(variant, 1) FILTER (WHERE false) AS experiment_moments FROM log
UNION ALL SELECT user_metrics.rollup(activity), user_metrics.rollup(sessions), user_metrics.rollup(funnel),
    user_metrics.rollup(survival), user_metrics.rollup(experiment_moments) FROM (SELECT *
    FROM made UNION ALL SELECT * FROM made) AS m
UNION ALL SELECT user_metrics.activity(user_id, occurred_at), user_metrics.sessions(user_id, occurred_at, 's', 1e300,
    true, NULL, NULL),
    user_metrics.funnel(user_id, occurred_at, ARRAY[true, NULL], '100000000 days'),
    user_metrics.survival(f, f > 1), user_metrics.experiment(left(user_id, 1), f) FROM ends
    JOIN (SELECT row_number() OVER () AS n, f FROM unnest('{1e308,-1e308,5e-324,0,0.5,1e300}'::float8[]) AS f) AS q ON true
UNION ALL SELECT user_metrics.activity(user_id, occurred_at), user_metrics.sessions(user_id, occurred_at, NULL,
    1e300, false, '0', '0'),
    user_metrics.funnel(user_id, occurred_at, ARRAY[NULL]::boolean[], '1 microsecond'),
    user_metrics.survival(NULL, true), user_metrics.experiment(NULL, 1)
    FROM ends WHERE occurred_at < '1970-01-01Z' AND occurred_at > '-infinity'
UNION ALL SELECT user_metrics.activity(i, created_at), user_metrics.sessions(i, created_at),
    user_metrics.funnel(i, created_at, '{t,f}'::boolean[], '1 day'),
    user_metrics.survival(0, false), user_metrics.experiment_sample('only', 'NaN') FROM (SELECT created_at,
    row_number() OVER () AS i FROM log) AS q
UNION ALL SELECT user_metrics.activity(i, created_at), user_metrics.sessions(i, created_at, NULL, 'NaN', NULL, NULL,
    NULL),
    user_metrics.funnel(i, created_at, '{t,f}'::boolean[], '1 day', 'unordered', true),
    user_metrics.survival(1, true), user_metrics.experiment_lists('v' || left(i::text, 1), '{1,NULL,2}')
    FROM (SELECT created_at, md5(created_at::text)::uuid AS i FROM log) AS q
"""

EXPERIMENT = "ROW('e', {variants}, {weights}, NULL, {hash}, {seed}, {coverage}, {namespace}, now())::user_metrics.experiment"
RIGHT = {"variants": "'{a,b}'", "weights": "'{0.5,0.5}'", "hash": "'growthbook_v2'", "seed": "'e'", "coverage": "1",
    "namespace": "NULL"}
WRONG = {"variants": ["NULL", "'{}'", "'{NULL}'", "'{{a,b}}'", "'{a}'", "'[-1:0]={a,b}'"],
         "weights": ["NULL", "'{}'", "'{NULL,NULL}'", "'{NaN,1}'", "'{1e308,1e308}'", "'{-1,2}'", "'{0,0}'",
         "'{Infinity,0}'", "'{{0.5,0.5}}'"],
         "hash": ["NULL", "''", "'nonsense'", "'statsig'", "'unleash'", "'statsig_gate'", "'growthbook_v1'"],
         "seed": ["NULL", "''"],
         "coverage": ["NULL", "'NaN'", "-1", "2", "5e-324"],
         "namespace": ["'5'", "'[]'", "'[\"p\", 1e400, 1]'", "'{}'"]}
EXPERIMENTS = ["jsonb_populate_record(NULL::user_metrics.experiment, '{}')",
    "ROW(NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL)"] + [
    EXPERIMENT.format(**RIGHT | {name: value}) for name, values in WRONG.items() for value in values]


def arrays(elements, element):
    listed = ", ".join(f"({value})::{element}" for value in elements[:12])
    # Neither subscripts from 1 nor one dimension may be taken for granted.
    few = [f"ARRAY[({value})::{element}]" for value in elements[:10]]
    one = elements[4 if element != "text" else 9]
    return ["'{}'", "'{NULL}'", f"ARRAY[{listed}]", *few,
        f"ARRAY[ARRAY[({one})::{element}, NULL], ARRAY[NULL, ({one})::{element}]]",
            f"array_fill(({one})::{element}, ARRAY[5000])", f"array_fill(({one})::{element}, ARRAY[2], ARRAY[-5])"]


def stored(kind):
    return [f"SELECT m.{kind} FROM odd AS m OFFSET {n} LIMIT 1" for n in range(6)]


BY_TYPE = {
    "double precision": NUMBERS, "integer": INTEGERS, "bigint": BIGINTS, "text": TEXTS, "interval": INTERVALS,
    "boolean": ["true", "false"],
    "timestamp with time zone": INSTANTS, "timestamp without time zone": [i.replace("+00", "").replace("Z'", "'")
    for i in INSTANTS],
    "date": DATES, "jsonb": JSON, "regclass": RELATIONS, "user_metrics.experiment": EXPERIMENTS,
    "uuid": ["'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"],
    "text[]": arrays(TEXTS, "text"), "integer[]": arrays(INTEGERS,
    "integer") + ["SELECT array_agg(i) FROM generate_series(1, 5000) AS i"],
    "double precision[]": arrays(NUMBERS, "float8") + ["'{0.1,0.1}'", "'{1,5}'", "'{5,1}'", "'{0,1e308}'",
    "'{-1e308,1e308}'",
                                                     "SELECT array_agg(i / 5001.0) FROM generate_series(1, 5000) AS i"],
    "boolean[]": ["'{}'", "'{NULL}'", "'{t}'", "'{{t,f},{f,t}}'", "array_fill(true, ARRAY[5000])",
    "array_fill(true, ARRAY[64])",
                  "array_fill(true, ARRAY[63])", "'[-5:-4]={t,f}'"],
    "user_metrics.survival[]": ["'{}'", "'{NULL}'", "SELECT array_agg(survival) FROM odd",
    "SELECT ARRAY[survival, survival] FROM odd OFFSET 2 LIMIT 1",
                                "SELECT ARRAY[ARRAY[survival, survival], ARRAY[NULL, survival]] FROM made",
                                "SELECT array_fill(survival, ARRAY[500]) FROM made",
                                "SELECT ARRAY[survival] FROM made"],
} | {kind: stored(kind.removeprefix("user_metrics.")) for kind in STORED}


def hostile(argument, drawn=False):
    texts = TEXTS_DRAWN if drawn and argument.type == "text" else BY_TYPE[argument.type]
    specific = BY_NAME.get(argument.name, []) if argument.type == "jsonb" else []
    return ["NULL", *specific, *texts]


class Case:
    """A statement, what is said of it where it fails, and what makes it ready."""

    def __init__(self, subject, sql, given=(), rolled_back=False, must_answer=False, prepare=(), limit=TIMEOUT,
        may_time_out=False,
                 group=None):
        self.subject, self.sql, self.given = subject, sql, tuple(given)
        self.rolled_back, self.must_answer, self.prepare = rolled_back, must_answer, prepare
        self.limit, self.may_time_out, self.group = limit, may_time_out, group


class Failure:
    def __init__(self, sqlstate, message, case):
        self.sqlstate, self.message, self.case = sqlstate, message, case

    @property
    def key(self):
        function = self.case.group or re.sub(r"^.*?([a-z_]+)\(.*$", r"\1", self.case.subject)
        message = re.sub(r"-?[\d.]+", "N", re.sub(r'"[^"]*"', '"…"', self.message))
        return function, self.sqlstate, message[:120]


class Runner:
    """Runs cases in sessions of one database; a lost connection is tried again while the others wait."""

    def __init__(self, database, faults):
        self.database, self.failures, self.passed, self.faults = database, {}, 0, faults
        self.count, self.functions = {}, {}
        self.lock, self.volatile, self.busy = threading.Lock(), threading.Lock(), [threading.Lock()
            for _ in range(WORKERS)]
        self.hopeless, self.kills, self.refused = {}, 0, 0

    def session(self):
        return Session(self.database, statement_timeout=f"{int(TIMEOUT * 1000)}", timezone="UTC", jit="off",
                       max_parallel_workers_per_gather=0)

    def kill(self, pid, killed):
        """Ends a backend that does not listen; the server starts anew after it, and so do all its sessions."""
        if Path(f"/proc/{pid}/comm").exists() and Path(f"/proc/{pid}/comm").read_text().startswith("postgres"):
            killed.append(pid)
            self.kills += 1
            os.kill(pid, signal.SIGKILL)

    def attempt(self, session, case):
        """What is wrong with a case, or None."""
        begun, dog, killed = time.monotonic(), None, []
        try:
            session.run("ROLLBACK")
            pid = int(session.value("SELECT pg_backend_pid()"))
            if case.limit != TIMEOUT:
                session.run(f"SET statement_timeout = {int(case.limit * 1000)}")
            for statement in case.prepare:
                session.run(statement)
            if case.rolled_back:
                session.run("BEGIN")
            dog = threading.Timer(WATCHDOG, self.kill, [pid, killed])
            dog.start()
            begun = time.monotonic()
            session.run(case.sql)
            error = None
        except ServerError as raised:
            error = raised
        except ServerGone:
            dog and dog.cancel()
            session.restart()
            if killed:
                return Failure("hang", f"ignored statement_timeout for {WATCHDOG:.0f} s, killed", case)
            return Failure("gone", "the connection was lost", case)
        dog.cancel()
        took = time.monotonic() - begun
        if case.rolled_back:
            session.run("ROLLBACK")
        if case.limit != TIMEOUT:
            session.run("RESET statement_timeout")
        if took > case.limit + TOO_LONG - TIMEOUT:
            return Failure("slow", f"took {took:.1f} s in spite of statement_timeout", case)
        if error is None:
            return None
        message = re.sub(r"^(\w+): *(ERROR|FATAL|PANIC): +", "", str(error).split(": ", 1)[1].split("\n")[0])
        message = re.sub(r"^(psql:\S+ )?(ERROR|FATAL): +\w+: +", "", message)
        if error.sqlstate == QUERY_CANCELED and not case.may_time_out:
            return Failure(error.sqlstate, f"timed out after {case.limit:g} s", case)
        if error.sqlstate.startswith("XX") or PANIC.search(message) or case.must_answer:
            return Failure(error.sqlstate, (message if len(message) < 300 else message[:60] + " … " + message[-200:]),
                case)
        self.refused += 1
        return None

    def attempt_alone(self, session, case):
        """Once more, while no other session works: neither load nor another's crash may be taken for a fault."""
        with contextlib.ExitStack() as others:
            for busy in self.busy:
                others.enter_context(busy)
            return self.attempt(session, case)

    def run(self, session, case, worker):
        if any(self.hopeless.get((g, case.subject)) or self.hopeless.get(g, 0) >= 3 for g in case.given):
            return
        if case.rolled_back:
            self.volatile.acquire()
        try:
            with self.busy[worker]:
                failure = self.attempt(session, case)
            if failure and failure.sqlstate in ("gone", "slow", QUERY_CANCELED):
                failure = self.attempt_alone(session, case)
        finally:
            if case.rolled_back:
                self.volatile.release()
        with self.lock:
            if failure is None:
                self.passed += 1
                return
            if failure.sqlstate in ("hang", "gone"):
                for given in case.given:
                    self.hopeless[given] = self.hopeless.get(given, 0) + 1
                    self.hopeless[given, case.subject] = True
            self.count[failure.key] = self.count.get(failure.key, 0) + 1
            self.functions.setdefault(failure.key, set()).add(case.subject.split("(")[0].removeprefix("user_metrics."))
            known = self.failures.get(failure.key)
            if known is None or len(failure.case.sql) < len(known.case.sql):
                self.failures[failure.key] = failure
            if known is None:
                self.faults.write(f"{failure.sqlstate}: {failure.message}\n    {case.subject}\n    {'; '.join([*case.prepare, case.sql])[:700]}\n")
                self.faults.flush()

    def run_all(self, cases, workers=WORKERS):
        waiting = queue.SimpleQueue()
        for case in cases:
            waiting.put(case)
        broken = []

        def work(worker):
            try:
                with self.session() as session:
                    while True:
                        try:
                            case = waiting.get_nowait()
                        except queue.Empty:
                            return
                        self.run(session, case, worker)
            except Exception as error:
                broken.append(error)
                raise
        threads = [threading.Thread(target=work, args=[n]) for n in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if broken:
            raise broken[0]


def singly(subjects, everything, drawn):
    """Each argument wrong in turn. What all functions share is wrong in some, drawn, of its ways."""
    for function in subjects:
        for argument in function.arguments:
            values = hostile(argument)
            if argument.name in SHARED and function.is_over_source and not everything:
                values = drawn.sample(values, 4)
            for value in values:
                yield call(function, {argument.name: value})


def zoned(subjects):
    """Limits at the ends of the calendar where days are not those of UTC."""
    for function in subjects:
        given = {}
        if function.takes("timezone"):
            given["timezone"] = "'Europe/Berlin'"
        for argument in function.arguments:
            if argument.type == "user_metrics.activity":
                given[argument.name] = "SELECT activity FROM zoned_value"
        if not given:
            continue
        for argument in function.arguments:
            for value in BY_TYPE[argument.type] if argument.type in ("timestamp with time zone", "date") else []:
                case = call(function, given | {argument.name: value})
                case.given = (f"{argument.name} => {value} in a zone",)
                yield case


def in_pairs(subjects, count, drawn):
    many = [function for function in subjects if len(function.arguments) > 1]
    for _ in range(count if many else 0):
        function = drawn.choice(many)
        pair = drawn.sample(function.arguments, 2)
        yield call(function, {argument.name: drawn.choice(hostile(argument, drawn=True)) for argument in pair})


def call(function, given, source="log", **more):
    if function.name in LONG and (source != "log" or any(" FROM odd" in value or " FROM x" in value
        for value in given.values())):
        more["may_time_out"] = True
    return Case(function.identity, function.query(dict(given), source), [f"{k} => {v}" for k, v in given.items()],
                rolled_back=function.volatile, **more)


class Aggregate:
    def __init__(self, row):
        self.identity, self.name = row["identity"], row["name"]
        self.arguments = list(zip(row["names"], row["types"]))
        self.returns = row["returns"]

    def over(self, table, given):
        """The call over a table of odd values, `given` by the number of the argument."""
        listed = [given.get(n, self.right(name, kind)) for n, (name, kind) in enumerate(self.arguments)]
        listed = [f"({value})::{kind}" for value, (_, kind) in zip(listed, self.arguments)]
        return f"(SELECT user_metrics.{self.name}({', '.join(listed)}) AS v FROM {table})"

    @staticmethod
    def right(name, kind):
        if kind in STORED:
            return f"SELECT m.{kind.removeprefix('user_metrics.')} FROM made AS m"
        return {
            "user_id text": "user_id", "user_id uuid": "md5(user_id)", "user_id bigint": "hashtext(user_id)",
            "occurred_at timestamp with time zone": "created_at",
            "occurred_at timestamp without time zone": "created_at AT TIME ZONE 'UTC'",
            "steps boolean[]": "ARRAY[feature = 'chat', feature = 'code', NULL]", "window_size interval": "'3 days'",
            "mode text": "'ordered'",
            "excluded boolean": "feature = 'image'", "timezone text": "'Europe/Berlin'",
            "list double precision[]": "ARRAY[latency_ms, cost_usd]",
            "session_gap interval": "'30 minutes'", "max_idle interval": "'1 hour'", "happened boolean": "succeeded",
            "duration_seconds double precision": "latency_ms", "denominator double precision": "cost_usd",
            "covariate double precision": "cost_usd",
            "numerator double precision": "latency_ms", "value double precision": "latency_ms",
        }.get(f"{name} {kind}", name)


def aggregates(session):
    rows = session.rows("""
        SELECT p.oid::pg_catalog.regprocedure::text AS identity, p.proname AS name, p.prorettype::regtype::text AS returns,
            p.proargnames AS names, (SELECT json_agg(format_type(t, NULL) ORDER BY i)
            FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a(t, i)) AS types
        FROM pg_catalog.pg_proc AS p WHERE p.pronamespace = 'user_metrics'::pg_catalog.regnamespace AND p.prokind = 'a' ORDER BY 1""")
    return [Aggregate(row) for row in rows]


# What must be possible with any value: to be written and read again, merged, and asked.
AGAIN = "SELECT length(v::text), (v::text::{type})::text = v::text FROM {value} AS q"


def over_log(list_of_aggregates, drawn, count):
    """Aggregates over the log with constants, and with one odd row, among the arguments."""
    for aggregate in list_of_aggregates:
        for n, (name, kind) in enumerate(aggregate.arguments):
            values = ["NULL", *BY_TYPE[kind]]
            for value in values if len(values) <= count else drawn.sample(values, count):
                odd = f"CASE WHEN request_id = 'r7' THEN ({value})::{kind} ELSE ({aggregate.right(name, kind)})::{kind} END"
                for shown in (value, odd):
                    yield Case(aggregate.identity, AGAIN.format(type=aggregate.returns, value=aggregate.over("log",
                        {n: shown})), [])


# The columns of hostile logs: types, and what may be in them: sane, extreme.
TIMES_SANE = ["timestamptz '2024-03-01Z' + {n} * interval '5 hours'"]
TIMES = ["'infinity'", "'-infinity'", "'294276-12-31 23:59:59.999999'", "'4714-11-24 00:00:00 BC'", "'1970-01-01'",
    "'294276-12-31'",
         "now()", "'0044-03-15 BC'", "'2000-01-01'", "'9999-12-31'", "NULL"]
FLOATS = ["0", "-1", "5e15", "1e300", "1.7e308", "-1.7e308", "'NaN'", "'Infinity'", "'-Infinity'", "NULL", "5e-324",
    "'-0'"]
NUMERICS = ["0", "-1", "1e100", "-1e100", "1e400", "-1e400", "'NaN'", "'Infinity'", "'-Infinity'", "NULL", "1e-400",
    "1e-16000", "1e100000"]
EXTREME_TEXTS = ["''", "' '", "NULL", "repeat('x', 300000)", "E'\\n\\t'", "'ünïcödé ☃'", "'a''b\"\\c'", "'anonymous'"]
EXTREME_INTEGERS = {"bigint": ["9223372036854775807", "-9223372036854775808", "0", "-1", "NULL"],
                    "integer": ["2147483647", "-2147483648", "0", "NULL"], "smallint": ["32767", "-32768", "NULL"]}
NUMERIC_TYPES = {"double precision": FLOATS, "numeric": NUMERICS, **EXTREME_INTEGERS,
    "real": ["'NaN'", "3e38", "-3e38", "'Infinity'", "NULL"]}
DOCUMENTS = ["'[]'", "'[1, [2]]'", "'5'", "'\"x\"'", "'null'", "NULL", "'{\"UserTier\": {\"a\": [1e400]}}'",
    "'{\"UserTier\": 1e400}'",
             "'{\"\": null}'", "repeat('[', 1000) || repeat(']', 1000)",
             "repeat('{\"UserTier\":', 1000) || '1' || repeat('}', 1000)",
             "'{\"UserTier\": null, \"variant\": []}'", "'{\"UserTier\": \"a\", \"UserTier\": \"b\"}'",
             "'{\"' || repeat('k', 300000) || '\": \"' || repeat('v', 300000) || '\"}'"]
COLUMNS = {
    "user_id": ({"text": EXTREME_TEXTS, "uuid": ["NULL", "'ffffffff-ffff-ffff-ffff-ffffffffffff'",
    "'00000000-0000-0000-0000-000000000000'"],
                 **EXTREME_INTEGERS, "numeric": NUMERICS, "bytea": ["''", "'\\xff'"], "varchar(20)": ["''", "NULL"],
                 "name": ["''"],
                 "char(5)": ["''"]},
                lambda kind, n: f"md5('{n % 9}')" if kind == "uuid" else quoted(str(n % 9))),
    "occurred_at": ({"timestamp with time zone": TIMES, "timestamp without time zone": TIMES,
                     "date": [*TIMES[:2], "'5874897-12-31'", "'4714-11-24 BC'", "NULL", "'294276-12-31'"]},
                    lambda _, n: f"timestamptz '2024-03-01Z' + {n} * interval '5 hours'"),
    "request_id": ({"text": EXTREME_TEXTS, "bigint": EXTREME_INTEGERS["bigint"], "uuid": ["NULL"]},
                   lambda kind, n: f"md5('{n}')" if kind == "uuid" else quoted(str(n))),
    "session_id": ({"text": EXTREME_TEXTS, "bigint": EXTREME_INTEGERS["bigint"]}, lambda _, n: quoted(str(n // 3))),
    "model": ({"text": EXTREME_TEXTS, "integer": EXTREME_INTEGERS["integer"]}, lambda _, n: quoted(str(n % 3))),
    "feature": ({"text": EXTREME_TEXTS}, lambda _, n: quoted(["chat", "code", "image"][n % 3])),
    "prompt_tokens": (NUMERIC_TYPES, lambda _, n: str(10 * n)),
    "completion_tokens": (NUMERIC_TYPES, lambda _, n: str(n)),
    "cost_usd": (NUMERIC_TYPES, lambda _, n: str(n % 5)),
    "revenue_usd": (NUMERIC_TYPES, lambda _, n: str(n % 4)),
    "latency_ms": (NUMERIC_TYPES, lambda _, n: str(100 * (n % 9))),
    "succeeded": ({"boolean": ["NULL"], **EXTREME_INTEGERS}, lambda _, n: quoted(str(int(n % 4 != 0)))),
    "status": ({"text": EXTREME_TEXTS, "integer": EXTREME_INTEGERS["integer"]}, lambda _,
    n: quoted(str(200 if n % 4 else 500))),
    "rating": (NUMERIC_TYPES | {"text": EXTREME_TEXTS, "boolean": ["NULL"]}, lambda _, n: quoted(str(n % 2))),
    "prompt": ({"text": EXTREME_TEXTS}, lambda _, n: quoted(f"hello {n}")),
    "properties": ({"json": DOCUMENTS, "jsonb": DOCUMENTS},
                   lambda _, n: "'{\"UserTier\": \"" + ("free", "pro")[n % 2] + "\", \"Source\": \"ads\"}'"),
    "variant": ({"text": EXTREME_TEXTS}, lambda _, n: quoted("ab"[n % 9 // 5])),
}
NECESSARY = ("user_id", "occurred_at")


def hostile_log(name, drawn, rows=60):
    """CREATE and INSERT of a log whose columns' types and contents are drawn."""
    types = {}
    for column, (kinds, _) in COLUMNS.items():
        if column in NECESSARY or drawn.random() < 0.9:
            # The type that is likely comes first, and half of the time.
            types[column] = drawn.choice(list(kinds)) if drawn.random() < 0.5 else next(iter(kinds))
    lines = []
    calm = drawn.random() < 0.5
    for n in range(rows):
        odd = set(drawn.sample(list(types), drawn.randint(1, 4))) if drawn.random() < 0.4 else set()
        if calm:
            # Where all the ends of the calendar are in a log, little of it is answered.
            odd.discard("occurred_at")
        values = []
        for column, kind in types.items():
            kinds, sane = COLUMNS[column]
            value = drawn.choice(kinds[kind]) if column in odd else sane(kind, n)
            values.append(f"({value})::{kind}")
        lines.append(f"SELECT {n} AS n, " + ", ".join(f"{v} AS {c}" for v, c in zip(values, types)))
    columns = ", ".join(f"{column} {kind}" for column, kind in types.items())
    return [f"CREATE TABLE {name} (n integer, {columns})", f"INSERT INTO {name} " + " UNION ALL\n".join(lines)]


def over_hostile(name, sources, drawn, count):
    for function in sources:
        yield call(function, {}, name)
    for _ in range(count):
        function = drawn.choice(sources)
        given = {}
        for argument in drawn.sample(function.arguments, min(len(function.arguments), drawn.randint(1, 4))):
            if argument.name in ("since", "until", "as_of"):
                given[argument.name] = drawn.choice(INSTANTS)
            elif argument.name == "by":
                given["by"] = drawn.choice(["'feature'", "'UserTier'", "'rating'", "'prompt'", "'properties'",
                    "'cost_usd'", "'occurred_at'", "'user_id'"])
            elif argument.name == "filter":
                given["filter"] = drawn.choice(["'{\"feature\": \"chat\"}'", "'{\"UserTier\": \"pro\"}'",
                    "'{\"cost_usd\": [1, 0]}'", "'{\"UserTier\": null}'"])
            elif argument.name == "timezone":
                given["timezone"] = drawn.choice(["'Europe/Berlin'", "'Pacific/Apia'", "'America/New_York'",
                    "'Asia/Kathmandu'"])
            elif argument.name == "period":
                given["period"] = drawn.choice(["'day'", "'week'", "'month'", "'quarter'", "'year'"])
            elif argument.name in ("metric", "user_id") and argument.type == "text":
                given[argument.name] = drawn.choice(["'cost_usd'", "'latency_ms'", "'rating'", "'revenue_usd'",
                    "'requests'", "'1'", "'5'"])
        yield call(function, given, name)


SAMPLE = """
CREATE TABLE x AS SELECT n, 'u' || n % 9 AS user_id, 'v' || n % 3 AS variant, n % 5 <> 0 AS succeeded, 's' || n % 3 AS session_id,
    CASE WHEN {wild} THEN ({times})[1 + n % {ntimes}] ELSE timestamptz '2024-03-01Z' + n * interval '3 hours' END AS created_at,
    CASE WHEN n % 7 < {often} THEN ({floats})[1 + (n * 5 + {shift}) % {nfloats}] ELSE n * 1.5 END AS latency_ms,
    CASE WHEN n % 5 < {often} THEN ({floats})[1 + (n * 3 + {shift}) % {nfloats}] ELSE n * 0.5 END AS cost_usd,
    (ARRAY['chat', 'code', 'image'])[1 + n % 3] AS feature, 'r' || n AS request_id
FROM generate_series(1, 60) AS n"""


def sample(drawn):
    """A table for the aggregates, and what drops it."""
    times = [t for t in TIMES if drawn.random() < 0.6] or ["NULL"]
    floats = drawn.sample(FLOATS, drawn.randint(1, 5))
    return SAMPLE.format(times="ARRAY[" + ", ".join(f"{t}::timestamptz" for t in times) + "]", ntimes=len(times),
                         floats="ARRAY[" + ", ".join(f"{f}::float8" for f in floats) + "]", nfloats=len(floats),
                         wild=drawn.choice(["false", "n % 4 = 0", "n % 20 = 0"]), often=drawn.randint(0, 3),
                         shift=drawn.randint(0, 9))


def asked(value_of, readouts, drawn, count):
    """Readouts over values made of a sample."""
    for function in readouts:
        kinds = [argument for argument in function.arguments if argument.type in STORED]
        given = {argument.name: f"SELECT v FROM {value_of(argument.type)} AS q" for argument in kinds}
        if [argument.type for argument in function.arguments] == ["user_metrics.survival[]"]:
            given["durations"] = f"SELECT ARRAY[q.v, q.v, m.survival] FROM {value_of('user_metrics.survival')} AS q, made AS m"
        yield call(function, given)
        for _ in range(count):
            more = dict(given)
            for argument in drawn.sample(function.arguments, min(2, len(function.arguments))):
                if argument.name in ("since", "until", "as_of"):
                    more[argument.name] = drawn.choice(INSTANTS)
                elif argument.name not in more and argument.type not in ("text[]", "user_metrics.survival[]"):
                    more[argument.name] = drawn.choice(hostile(argument, drawn=True))
            yield call(function, more)


EXTREME_ROWS = [("latency_ms", v) for v in ("1e300", "1.7e308", "'NaN'", "'Infinity'", "-1", "'-Infinity'", "5e15")] + [
    ("created_at", v) for v in ("'294276-12-31 23:59:59.999999+00'", "'4714-11-24 00:00:00+00 BC'", "'infinity'",
    "'-infinity'",
                                "'1000-01-01Z'", "'1970-01-01Z'")] + [
    (column, v) for column in ("cost_usd", "revenue_usd", "rating")
    for v in ("'NaN'", "1e400", "-1e400", "1e300", "1e100000", "1e-16000", "'Infinity'")] + [
    (column, v) for column in ("prompt_tokens", "completion_tokens")
    for v in ("9223372036854775807", "-9223372036854775808")] + [
    ("properties", v) for v in ("'[]'", "'5'", "'null'")] + [
    (column, v) for column in ("user_id", "feature", "model", "session_id", "request_id", "variant", "prompt")
    for v in ("''", "repeat('x', 300000)")]
WIDENED = {"prompt_tokens": "bigint", "completion_tokens": "bigint", "rating": "numeric", "cost_usd": "numeric",
    "revenue_usd": "numeric",
           "latency_ms": "double precision"}


def one_bad_row(sources):
    """A sane log and one extreme row: all is answered."""
    setup = ["CREATE TABLE wide AS SELECT * FROM log", *(f"ALTER TABLE wide ALTER {c} TYPE {t}" for c,
        t in WIDENED.items()),
             "CREATE TABLE floating AS SELECT * FROM wide",
             *(f"ALTER TABLE floating ALTER {c} TYPE double precision" for c in ("cost_usd", "revenue_usd", "rating"))]
    cases = []
    for n, (column, value) in enumerate(EXTREME_ROWS):
        for kind in ("wide", "floating"):
            if kind == "floating" and (column not in ("cost_usd", "revenue_usd", "rating")
                or value in ("1e400", "-1e400", "1e100000", "1e-16000")):
                continue
            name = f"bad_{n}_{kind}"
            setup += [f"CREATE TABLE {name} AS SELECT * FROM {kind}",
                      f"INSERT INTO {name} SELECT (w).* FROM (SELECT * FROM {kind} WHERE request_id = 'r150') AS w",
                      f"UPDATE {name} SET {column} = {value} WHERE ctid = (SELECT max(ctid) FROM {name})"]
            for function in sources:
                # What has a row for every day since antiquity may be stopped before the last.
                must_answer = not (function.name in LONG and " BC" in value)
                cases.append(call(function, {}, name, must_answer=must_answer,
                                  group=f"one row with {column} = {value} ({kind})"))
    return setup, cases


def shrunk(runner, session, failure):
    """The fewest rows and columns of a hostile log that still fail so."""
    found = re.search(r"'(hostile_\d+)'", failure.case.sql)
    if not found or failure.sqlstate in ("hang", "gone", "slow", QUERY_CANCELED):
        return None
    name = found[1]
    sql = failure.case.sql.replace(f"'{name}'", "'shrinking'")

    def fails(rows, without):
        listed = ", ".join(map(str, rows)) or "NULL"
        session.run("DROP TABLE IF EXISTS shrinking")
        session.run(f"CREATE TABLE shrinking AS SELECT * FROM {name} WHERE n IN ({listed})")
        for column in without:
            session.run(f"ALTER TABLE shrinking DROP {column}")
        again = runner.attempt(session, Case(failure.case.subject, sql, rolled_back=failure.case.rolled_back))
        return again is not None and again.sqlstate == failure.sqlstate
    rows = [int(n) for n in session.run(f"SELECT n FROM {name} ORDER BY n")]
    if not fails(rows, []):
        return None
    size = len(rows) // 2
    while size:
        at = 0
        while at < len(rows):
            fewer = rows[:at] + rows[at + size:]
            if fails(fewer, []):
                rows = fewer
            else:
                at += size
        size //= 2
    without = []
    for column in COLUMNS:
        if column not in NECESSARY and int(session.value(
                f"SELECT count(*) FROM pg_attribute WHERE attrelid = '{name}'::regclass AND attname = '{column}'")):
            if fails(rows, [*without, column]):
                without.append(column)
    fails(rows, without)
    types = session.run("SELECT attname || ' ' || format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'shrinking'::regclass "
                        "AND attnum > 0 AND NOT attisdropped ORDER BY attnum")
    lines = session.run("SELECT left(s::text, 400) FROM shrinking AS s")
    return f"shrinking ({', '.join(types)}): " + "; ".join(lines) + f"\n    {sql}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--faults", default=os.devnull, help="file to which faults are appended as they are found")
    parser.add_argument("word", nargs="?", default="")
    given = parser.parse_args()
    drawn = random.Random(given.seed)
    begun = time.monotonic()
    with open(given.faults, "a") as faults, fresh_database("arguments") as database:
        runner = Runner(database, faults)
        with runner.session() as session:
            session.run_all(statement for statement in SETUP.split(";\n") if statement.strip())
            session.run("CHECKPOINT")
            all_functions, all_aggregates = functions(session), aggregates(session)
            part = given.word if given.word in PARTS else None
            word = "" if part else given.word
            subjects = [function for function in all_functions if word in function.identity]
            sources = [function for function in subjects if function.is_over_source]
            aggregated = [aggregate for aggregate in all_aggregates if word in aggregate.identity]

            def run(name, cases, workers=WORKERS):
                if part not in (None, name):
                    return
                before, refused, started = runner.passed, runner.refused, time.monotonic()
                # What is not yet written would not survive the end of a backend that must be killed.
                session.run("CHECKPOINT")
                runner.run_all(cases, workers)
                revive(session)
                print(f"{name}: {runner.passed - before} passed in {time.monotonic() - started:.0f} s, "
                      f"{runner.refused - refused} of them refused", flush=True)

            run("singly", list(singly(subjects, given.all, drawn)))
            run("zoned", list(zoned(subjects)))
            run("pairs", list(in_pairs(subjects, given.cases * 4, drawn)))
            run("aggregates", list(over_log(aggregated, drawn, 30 if given.all else 4)))

            if part in (None, "hostile_logs"):
                cases = []
                for n in range(12 if given.all else 4):
                    for statement in hostile_log(f"hostile_{n}", drawn):
                        session.run(statement)
                    cases += over_hostile(f"hostile_{n}", sources, drawn, given.cases) if sources else []
                run("hostile_logs", cases)

            if part in (None, "values"):
                cases = []
                for n in range(8 if given.all else 3):
                    session.run("DROP TABLE IF EXISTS x")
                    session.run(sample(drawn))
                    session.run(f"CREATE TABLE x{n} AS SELECT * FROM x")
                    for aggregate in all_aggregates if not word else aggregated:
                        odd = {}
                        for index, (name, kind) in enumerate(aggregate.arguments):
                            if name in ("window_size", "session_gap", "max_idle", "mode") and drawn.random() < 0.4:
                                odd[index] = drawn.choice(BY_TYPE[kind] if kind != "text"
                                    else ["'strict_order'", "'unordered'"])
                        cases.append(Case(aggregate.identity,
                            AGAIN.format(type=aggregate.returns, value=aggregate.over(f"x{n}", odd))))
                    makers = {}
                    for aggregate in all_aggregates:
                        if aggregate.name != "rollup":
                            makers.setdefault(aggregate.returns, []).append(aggregate)

                    def value_of(kind, n=n, makers=makers):
                        return drawn.choice(makers[kind]).over(f"x{n}", {})
                    readouts = [function for function in subjects
                        if any(a.type in STORED or a.type == "user_metrics.survival[]"
                                                                        for a in function.arguments)]
                    cases += asked(value_of, readouts, drawn, 6 if given.all else 3)
                    with tempfile.TemporaryDirectory() as directory:
                        os.chmod(directory, 0o755)
                        for kind in makers:
                            binary(session, runner, value_of(kind), kind, Path(directory) / "value")
                run("values", cases)

            if part in (None, "one_bad_row"):
                setup, cases = one_bad_row(sources)
                for statement in setup:
                    session.run(statement)
                run("one_bad_row", cases)

            if part in (None, "in_time"):
                cases = []
                for function in all_functions:
                    if word not in function.identity or not function.is_over_source:
                        continue
                    for argument in function.arguments:
                        values = BY_NAME.get(argument.name, []) if argument.type == "jsonb" else []
                        if argument.name == "filter" and function.name == "feature_usage":
                            # PostgreSQL's planner takes a time that is quadratic in the number of conditions.
                            values = ["SELECT jsonb_object_agg('k' || i, i) FROM generate_series(1, 20000) AS i"]
                        for value in values:
                            if "generate_series" in value:
                                cases.append(call(function, {argument.name: value}, "empty", limit=1.0,
                                    may_time_out=True))
                run("in_time", cases, 1)

            failures = sorted(runner.failures.values(), key=lambda f: (GRAVITY.get(f.sqlstate[:2], 5), f.sqlstate,
                f.message))
            for failure in failures:
                print(f"\nFAILED {failure.sqlstate} {failure.message}\n    {failure.case.subject} ({runner.count[failure.key]} times)")
                if failure.case.group:
                    print(f"    {failure.case.group}: {', '.join(sorted(runner.functions[failure.key]))}")
                small = shrunk(runner, session, failure)
                print("   ", small or "; ".join([*failure.case.prepare, failure.case.sql])[:1500])
    print(f"\n{time.monotonic() - begun:.0f} s, {sum(runner.count.values())} statements failed, seed {given.seed}")
    print(f"{runner.passed} passed, {len(runner.failures)} failed")
    return 1 if runner.failures else 0


GRAVITY = {"go": 0, "ha": 0, "sl": 1, "XX": 2, "57": 3}


def revive(session):
    """A session that has been idle may be gone with another that was killed."""
    try:
        session.run("SELECT 1")
    except ServerError:
        session.run("SELECT 1")
    except ServerGone:
        session.restart()


def binary(session, runner, value, kind, path):
    """A value out of a binary COPY and in again."""
    try:
        session.run("DROP TABLE IF EXISTS taken")
        session.run(f"CREATE TABLE taken AS SELECT v FROM {value} AS q")
        session.run("DROP TABLE IF EXISTS back")
        session.run(f"CREATE TABLE back (v {kind})")
    except ServerError as error:
        if not error.sqlstate.startswith("XX"):
            return
    case = Case(f"binary COPY of {kind}",
        f"COPY taken TO '{path}' (FORMAT binary); COPY back FROM '{path}' (FORMAT binary) -- {value}")
    try:
        session.run(f"\\copy taken TO '{path}' (FORMAT binary)")
        session.run(f"\\copy back FROM '{path}' (FORMAT binary)")
        same = session.value("SELECT count(*) FILTER (WHERE t.v::text IS NOT DISTINCT FROM b.v::text) FROM taken AS t, back AS b")
        failure = None if same == "1" else Failure("differs", "what comes back differs", case)
    except ServerError as error:
        failure = Failure(error.sqlstate, str(error).split("\n")[0][:200], case)
    if failure:
        runner.failures[failure.key] = failure
        runner.count[failure.key] = runner.count.get(failure.key, 0) + 1
    else:
        runner.passed += 1


if __name__ == "__main__":
    sys.exit(main())
