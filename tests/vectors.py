#!/usr/bin/env python3
"""Runs the golden cases of tests/vectors in SQL; core/tests/vectors.rs runs the same files in core.

    python3 tests/vectors.py [WORD]         only the cases whose names contain the word

Needs a server with the extension installed, named by libpq's environment variables, and a user who may create a database. A
file has `cases` and, for core, the offsets of their `zones` from instants on (counted as PostgreSQL does). A case has
    name, origin    what it shows, and the source of its values
    requests        lines of a user and the UTC times of their requests; u{1..9} stands for the nine users u1 to u9
    users           the type of the ids: text (default), uuid, bigint
    timezone        default UTC
    week_start      default monday
    without_users   users removed from the value
    readout         the function called, with its `arguments` (times in UTC); or `value` for the content of the activity
    columns, rows   the result; numbers to 1e-12, or to `tolerance` if they are large or rounded

In sessions.json
    requests        each a user, a time, a session id, milliseconds and whether it succeeded; the last ones may be missing
    session_gap, max_idle    in seconds
    session_list    times in UTC, with names of users and ids also over a value, which then has a single user
    refused         is no function: the rows are bytes, and the error when they are read as a value

In funnel.json
    requests        each a user, a time and a letter for each step it matches; x is excluded between steps
    steps, window, mode, compatibility    the number of steps, the window in seconds, and the rest as in SQL
    funnel_users    times in UTC, without the steps' names

In assignment.json
    experiment      the arguments of experiment_variant
    rows            ids and their variants; null for none
    and a case is run with these arguments, with the experiment defined by them, and with its row

In survival.json
    groups          durations of each: seconds, whether the event occurred, and the late entry if any is; functions except
                    `logrank` read the first

Other cases are run over a value and, unless they are about the value itself, over the log. The last line is `N passed, N
failed`.
"""

import json
import re
import sys
from pathlib import Path

from psql import ServerError, ServerGone, Session, fresh_database

MANY = re.compile(r"(.*)\{1\.\.(\d+)\}")


def literal(value):
    return "NULL" if value is None else "'" + str(value).replace("'", "''") + "'"


def instant(text):
    """An instant, regardless of the session's time zone."""
    return f"timestamp {literal(text)} AT TIME ZONE 'UTC'"


def named(user):
    """The users that a name stands for."""
    many = MANY.fullmatch(user) if isinstance(user, str) else None
    return [f"{many[1]}{i}" for i in range(1, int(many[2]) + 1)] if many else [user]


def load(session, case, requests, further=""):
    """Loads the case's requests as a table, its settings, and its removed users."""
    users, rows = case.get("users", "text"), ", ".join(f"({', '.join(request)})" for request in requests)
    session.run_all([
        "DROP TABLE IF EXISTS log", "TRUNCATE user_metrics.opt_out",
        f"CREATE TABLE log (user_id {users}, occurred_at timestamptz{further})",
        *([f"INSERT INTO log VALUES {rows}"] if rows else []),
        *(f"SELECT user_metrics.opt_out({literal(user)})" for user in case.get("without_users", [])),
        f"SET user_metrics.week_start = {literal(case.get('week_start', 'monday'))}",
        f"SET user_metrics.timezone = {literal(case.get('timezone', 'UTC'))}",
    ])


def argument(name, value):
    if name in ("since", "until", "as_of"):
        return f"{name} => {instant(value)}"
    if isinstance(value, list):
        return f"{name} => {literal(json.dumps(value).replace('[', '{').replace(']', '}'))}"
    return f"{name} => {literal(value) if isinstance(value, str) else value}"


def arguments_of(case):
    return [argument(name, value) for name, value in case.get("arguments", {}).items()]


def left_out_of(case):
    return literal("{" + ",".join(case.get("without_users", [])) + "}")


def activity_requests(case):
    for name, *instants in case["requests"]:
        yield from ((literal(user), instant(at)) for user in named(name) for at in instants)


def activity_queries(case):
    """The queries of a case, all with the same result: pairs of a description and the query."""
    zone, left_out = literal(case.get("timezone", "UTC")), left_out_of(case)
    forms = {
        "value": f"occurred_at, {zone}",
        "value in the zone of the setting": "occurred_at",
        "value of UTC times": f"occurred_at AT TIME ZONE 'UTC', {zone}",
        "value of UTC times in the zone of the setting": "occurred_at AT TIME ZONE 'UTC'",
    }
    values = {form: f"(SELECT user_metrics.without_users(user_metrics.activity(user_id, {rest}), {left_out}) FROM log)"
              for form, rest in forms.items()}
    if case["readout"] == "value":
        values["value read back"] = f"(SELECT {literal(case['rows'][0][0])}::user_metrics.activity)"
        for form, value in values.items():
            yield form, ("SELECT v::text AS bytes, user_metrics.users(v), user_metrics.first_day(v), "
                         f"user_metrics.last_day(v) FROM {value} AS s(v)")
        return
    arguments = arguments_of(case)
    call = f"SELECT * FROM user_metrics.{case['readout']}"
    yield "value", f"{call}({', '.join([values['value'], *arguments])})"
    yield "source", f"{call}({', '.join([literal('log'), *arguments, f'timezone => {zone}'])})"


SESSION_COLUMNS = ", session_id text, latency_ms double precision, succeeded boolean"
TIMES = ["to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')".format(name) for name in ("started_at", "ended_at")]
# As times are written: without trailing zeros in the fraction.
LISTED = ", ".join(["user_id::text", "session_number", "session_id",
                    *(f"rtrim(rtrim({time}, '0'), '.') AS {name}" for time, name in zip(TIMES, ("started_at", "ended_at"))),
                    "active_seconds", "span_seconds", "requests", "errors", "outcome"])


def session_requests(case):
    for user, at, *rest in case["requests"]:
        yield literal(user), instant(at), *(literal(value) for value in [*rest, None, None, None][:3])


def session_queries(case):
    """As `activity_queries`."""
    arguments, limits = arguments_of(case), [case.get("session_gap"), case.get("max_idle")]
    limits = ["NULL" if limit is None else f"make_interval(secs => {limit})" for limit in limits]
    rest = f"session_id, latency_ms, succeeded, {', '.join(limits)}"
    whole, utc = (f"user_metrics.sessions(user_id, {at}, {rest})" for at in ("occurred_at", "occurred_at AT TIME ZONE 'UTC'"))
    merged = f"user_metrics.rollup(v) FROM (SELECT {whole} AS v FROM log GROUP BY ctid) AS rows"
    values = {form: f"(SELECT user_metrics.without_users(({value}), {left_out_of(case)}))" for form, value in {
        "value": f"SELECT {whole} FROM log", "value of UTC times": f"SELECT {utc} FROM log",
        "value of values of a row": f"SELECT {merged}",
    }.items()}
    if case["readout"] == "value":
        values["value read back"] = f"(SELECT {literal(case['rows'][0][0])}::user_metrics.sessions)"
        for form, value in values.items():
            yield form, f"SELECT v::text AS bytes, user_metrics.users(v) FROM {value} AS s(v)"
        return
    over_source = [literal("log"), *arguments, *(f"{name} => {limit}" for name, limit in zip(("session_gap", "max_idle"), limits))]
    if case["readout"] == "session_list":
        in_order = "ORDER BY user_id::text, session_number"
        yield "source", f"SELECT {LISTED} FROM user_metrics.session_list({', '.join(over_source)}) {in_order}"
        if not {"until", "as_of"} & case.get("arguments", {}).keys():
            arguments = [*arguments, "as_of => (SELECT max(occurred_at) FROM log)"]
        listed = f"user_metrics.session_list({', '.join(['u.v', *arguments])}) AS r"
        name = ("(SELECT min(l.session_id) FROM log AS l WHERE l.user_id = u.user_id "
                "AND user_metrics_internal.session_key(l.session_id) = r.session_key) AS session_id")
        yield "value of a user", (f"SELECT {LISTED} FROM (SELECT u.user_id, {name}, r.* FROM (SELECT user_id, {whole} AS v "
                                  f"FROM log GROUP BY user_id) AS u, {listed}) AS q {in_order}")
        return
    zone = [f"timezone => {literal(case.get('timezone', 'UTC'))}"]
    over_value = zone if case["readout"] == "session_stats" else []
    for form, value in values.items():
        yield form, f"SELECT * FROM user_metrics.{case['readout']}({', '.join([value, *arguments, *over_value])})"
    yield "source", f"SELECT * FROM user_metrics.{case['readout']}({', '.join([*over_source, *zone])})"


def load_durations(session, case):
    rows = ", ".join(f"({', '.join(map(str, (group, *duration, 0.0)[:4]))})" for group, durations in enumerate(case["groups"])
                     for duration in durations)
    session.run_all(["DROP TABLE IF EXISTS durations",
                     "CREATE TABLE durations (part int, seconds double precision, happened boolean, entry double precision)",
                     *([f"INSERT INTO durations VALUES {rows}"] if rows else [])])


def survival_queries(case):
    """As `activity_queries`."""
    is_late = any(len(duration) > 2 for durations in case["groups"] for duration in durations)
    whole = f"user_metrics.survival(seconds, happened{', entry' if is_late else ''})"
    arguments = arguments_of(case)
    forms = {
        "value": f"SELECT part, {whole} AS v FROM durations GROUP BY part",
        "value of values of a row": f"SELECT part, user_metrics.rollup(v) AS v FROM (SELECT part, {whole} AS v "
                                    "FROM durations GROUP BY part, ctid) AS rows GROUP BY part",
    }
    if case["readout"] == "value":
        forms["value read back"] = f"SELECT 0 AS part, {literal(case['rows'][0][0])}::user_metrics.survival AS v"
    for form, values in forms.items():
        if case["readout"] == "value":
            yield form, f"SELECT v::text AS bytes FROM ({values}) AS s"
        elif case["readout"] == "logrank":
            yield form, f"SELECT * FROM user_metrics.logrank({', '.join([f'ARRAY(SELECT v FROM ({values}) AS s ORDER BY part)', *arguments])})"
        else:
            first = f"(SELECT v FROM ({values}) AS s WHERE part = 0)"
            yield form, f"SELECT * FROM user_metrics.{case['readout']}({', '.join([first, *arguments])})"


LETTERS = "abcdefghijklmnopqrstuvwABCDEFGHIJKLMNOPQRSTUVWXYZ"


def funnel_requests(case):
    for user, at, letters in case["requests"]:
        yield literal(user), instant(at), literal(letters)


def funnel_queries(case):
    """As `activity_queries`."""
    arguments, letters = arguments_of(case), LETTERS[:case["steps"]]
    compatible = [f"compatibility => {literal(case.get('compatibility', 'standard'))}"]
    window, mode = f"make_interval(secs => {case['window']})", literal(case.get("mode", "ordered"))
    conditions = ", ".join(f"strpos(letters, '{letter}') > 0" for letter in letters)
    row = f"ARRAY[{conditions}], {window}, {mode}, strpos(letters, 'x') > 0"
    whole, utc = (f"user_metrics.funnel(user_id, {at}, {row})" for at in ("occurred_at", "occurred_at AT TIME ZONE 'UTC'"))
    merged = f"user_metrics.rollup(v) FROM (SELECT {whole} AS v FROM log GROUP BY ctid) AS rows"
    values = {form: f"(SELECT user_metrics.without_users(({value}), {left_out_of(case)}))" for form, value in {
        "value": f"SELECT {whole} FROM log", "value of UTC times": f"SELECT {utc} FROM log",
        "value of values of a row": f"SELECT {merged}",
    }.items()}
    if case["readout"] == "value":
        values["value read back"] = f"(SELECT {literal(case['rows'][0][0])}::user_metrics.funnel)"
        for form, value in values.items():
            yield form, f"SELECT v::text AS bytes, user_metrics.users(v) FROM {value} AS s(v)"
        return
    # Steps of a form over a log are filters of values: those that contain the letter.
    words = {word for _, _, word in case["requests"]}
    named = {letter: sorted(word for word in words if letter in word) for letter in [*letters, "x"]}
    steps = [{"filter": {"letters": named[letter]}} for letter in letters]
    excluded = [f"exclude => {literal(json.dumps({'letters': named['x']}))}"] if named["x"] else []
    source = [literal("log"), literal(json.dumps(steps)), window, mode, *excluded, *compatible, *arguments]
    if case["readout"] == "funnel_users":
        reached = "rtrim(rtrim(to_char(reached_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), '0'), '.') AS reached_at"
        yield "source", f"SELECT user_id, step_number, {reached}, status FROM user_metrics.funnel_users({', '.join(source)})"
        return
    for form, value in values.items():
        yield form, f"SELECT * FROM user_metrics.funnel_steps({', '.join([value, *compatible, *arguments])})"
    yield "source", f"SELECT * FROM user_metrics.funnel({', '.join(source)})"


def refusals(session, concept, case):
    """Pairs of the bytes of a case and what is wrong with the error they cause."""
    for number, (value, sqlstate, message) in enumerate(case["rows"], 1):
        wrong = "accepted"
        try:
            session.run(f"SELECT {literal(value)}::user_metrics.{concept}")
        except ServerError as error:
            wrong = None if error.sqlstate == sqlstate and message in str(error) else f"{error}"
        yield f"bytes {number}, {message}", wrong


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


EXPERIMENT_TYPES = {"experiment": "text", "variants": "text[]", "weights": "double precision[]", "coverage": "double precision",
                    "hash": "text", "seed": "text", "namespace": "jsonb"}


def experiment_argument(name, value):
    if name in ("variants", "weights"):
        return f"ARRAY[{', '.join(literal(item) for item in value)}]::{EXPERIMENT_TYPES[name]}"
    return f"{literal(json.dumps(value) if name == 'namespace' else value)}::{EXPERIMENT_TYPES[name]}"


def load_experiment(session, case):
    """Defines the case's experiment, and its users as a table."""
    terms = case["experiment"]
    variants = [{"name": name} for name in terms["variants"]]
    for variant, weight in zip(variants, terms.get("weights", [])):
        variant["weight"] = weight
    rest = "".join(f", {name} => {experiment_argument(name, value)}" for name, value in terms.items()
                   if name not in ("experiment", "variants", "weights"))
    users = ", ".join(f"({number}, {literal(user)})" for number, (user, _) in enumerate(case["rows"]))
    session.run_all([
        "TRUNCATE user_metrics.experiment", "DROP TABLE IF EXISTS log", "CREATE TABLE log (number integer, user_id text)",
        f"INSERT INTO log VALUES {users}",
        f"SELECT user_metrics.define_experiment({literal(terms['experiment'])}, {literal(json.dumps(variants))}{rest})"])


def experiment_queries(case):
    """As `activity_queries`."""
    arguments = ", ".join(f"{name} => {experiment_argument(name, value)}" for name, value in case["experiment"].items())
    for form, variant, source in (
            ("arguments", f"user_metrics.experiment_variant(user_id => user_id, {arguments})", "log"),
            ("name", f"user_metrics.experiment_variant(user_id, {literal(case['experiment']['experiment'])})", "log"),
            ("row", "user_metrics.experiment_variant(user_id, e)", "log CROSS JOIN user_metrics.experiment AS e")):
        yield form, f"SELECT user_id, {variant} AS variant FROM {source} ORDER BY number"


def is_same(expected, got, tolerance):
    if is_number(expected) and is_number(got):
        return abs(expected - got) <= tolerance
    return type(expected) is type(got) and expected == got


def complaint(case, rows):
    """What is wrong with the rows of a result, or None."""
    for row in rows:
        # Columns that a form over a source has besides: they are NULL without the argument that fills them.
        for name in ("segment", "period_start", "complete"):
            if name not in case["columns"] and row.get(name) is None:
                row.pop(name, None)
        if list(row) != case["columns"]:
            return f"columns {list(row)}"
    got = [list(row.values()) for row in rows]
    if len(got) != len(case["rows"]):
        return f"{len(got)} rows for {len(case['rows'])}: {got}"
    for expected, row in zip(case["rows"], got):
        if not all(is_same(e, g, case.get("tolerance", 1e-12)) for e, g in zip(expected, row, strict=True)):
            return f"{row} for {expected}"
    return None


def is_early(text):
    """Whether it is a time before 2000."""
    return isinstance(text, str) and (text.endswith(" BC") or re.match(r"[01]\d{3}-\d\d-\d\d", text) is not None)


def outcomes(session, concept, case):
    """Pairs of a form of the case and what is wrong with it."""
    if case.get("readout") == "refused":
        yield from refusals(session, concept, case)
        return
    if any(is_early(text) for request in case.get("requests", []) for text in request[1:]):
        # SQL leaves such requests out, and only core, which is tested with the same file, sees them.
        return
    if concept == "assignment":
        load_experiment(session, case)
        queries = experiment_queries(case)
    elif concept == "survival":
        load_durations(session, case)
        queries = survival_queries(case)
    elif concept == "sessions":
        load(session, case, session_requests(case), SESSION_COLUMNS)
        queries = session_queries(case)
    elif concept == "funnel":
        load(session, case, funnel_requests(case), ", letters text")
        queries = funnel_queries(case)
    else:
        load(session, case, activity_requests(case))
        queries = activity_queries(case)
    for form, query in queries:
        yield form, complaint(case, session.rows(query))


def main(word=""):
    passed = failed = 0
    # The result must not depend on the session's time zone or DateStyle.
    strange = {"timezone": "Pacific/Apia", "datestyle": "German"}
    with fresh_database("vectors") as database, Session(database, **strange) as session:
        for file in sorted((Path(__file__).parent / "vectors").glob("*.json")):
            cases = json.loads(file.read_text(encoding="utf-8"))["cases"]
            for case in (case for case in cases if word in case["name"]):
                form = "the requests"
                try:
                    for form, wrong in outcomes(session, file.stem, case):
                        passed, failed = passed + (not wrong), failed + bool(wrong)
                        print(f"FAILED {file.stem}, {case['name']}, {form}: {wrong}" if wrong
                              else f"ok {file.stem}, {case['name']}, {form}")
                except (ServerError, ServerGone) as error:
                    failed += 1
                    print(f"FAILED {file.stem}, {case['name']}, after {form}: {error}")
                    if isinstance(error, ServerGone):
                        session.restart()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
