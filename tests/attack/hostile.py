"""Hostile values for arguments of every type and name, and logs whose rows are drawn from extreme values."""

from functions import LOG, STORED


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def nested(depth, inside, left, right):
    return quoted(left * depth + inside + right * depth)


def series(count, each):
    """A JSON list with so many items; `each` is SQL over i."""
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
# Values that look like what the argument expects.
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
        "SELECT jsonb_build_array(jsonb_build_object('segment', 'x', 'all', "
        "jsonb_agg('{\"requests\": {\">\": 1}}'::jsonb))) "
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
        "'[{\"name\": \"a\", \"weight\": 5e-324, \"payload\": 1e400}, "
        "{\"name\": \"b\", \"weight\": 5e-324, \"payload\": null}]'",
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
         "SELECT jsonb_build_array(jsonb_build_object('name', 'a', 'filter', "
         "jsonb_build_object('feature', jsonb_agg('x' || i)))) "
         "FROM generate_series(1, 20000) AS i"]
BY_NAME |= {"milestones": NAMED, "behaviours": NAMED}
BY_NAME |= {name: BY_NAME["filter"] + ["'[{\"feature\": \"chat\"}, {}]'",
    series(3000, "jsonb_build_object('feature', 'x' || i)")]
            for name in ("converted", "premium", "action", "exposed", "start_event", "end_event", "exclude")}

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
    '[5, {"a": []}, "feature:x"]'::jsonb AS request_tags,
    '{"spend_logs_metadata": [1], "error_information": 5}'::jsonb AS metadata
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
    # Neither lower bounds of 1 nor one dimension can be assumed.
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
    """CREATE and INSERT of a log with random column types and contents."""
    types = {}
    for column, (kinds, _) in COLUMNS.items():
        if column in NECESSARY or drawn.random() < 0.9:
            # The likely type comes first, and is used half of the time.
            types[column] = drawn.choice(list(kinds)) if drawn.random() < 0.5 else next(iter(kinds))
    lines = []
    calm = drawn.random() < 0.5
    for n in range(rows):
        odd = set(drawn.sample(list(types), drawn.randint(1, 4))) if drawn.random() < 0.4 else set()
        if calm:
            # If a log contains all the ends of the calendar, few functions give a result.
            odd.discard("occurred_at")
        values = []
        for column, kind in types.items():
            kinds, sane = COLUMNS[column]
            value = drawn.choice(kinds[kind]) if column in odd else sane(kind, n)
            values.append(f"({value})::{kind}")
        lines.append(f"SELECT {n} AS n, " + ", ".join(f"{v} AS {c}" for v, c in zip(values, types)))
    columns = ", ".join(f"{column} {kind}" for column, kind in types.items())
    return [f"CREATE TABLE {name} (n integer, {columns})", f"INSERT INTO {name} " + " UNION ALL\n".join(lines)]
