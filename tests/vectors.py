#!/usr/bin/env python3
"""The golden cases of tests/vectors through SQL; core/tests/vectors.rs runs the same files through core.

    python3 tests/vectors.py [WORD]         only the cases whose names contain the word

Needs a server with the extension installed, named by libpq's environment variables, and a user who may create a
database. A file has `cases` and, for core, the offsets of their `zones` from instants on (PostgreSQL's own count here).
A case has
    name, origin    what it shows, and where its figures come from
    requests        lines of a user and the UTC times of their requests; u{1..9} stands for the nine users u1 to u9
    users           the type of the ids: text (default), uuid, bigint
    timezone        default UTC
    week_start      default monday
    without_users   users left out
    readout         the function called, with its `arguments` (times in UTC); or `value` for what the activity is
    columns, rows   what it answers; numbers to 1e-12, or to `tolerance` where the origin has rounded them

Each case is asked of a value and, unless it is about the value itself, of the log. The last line is
`N passed, N failed`.
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
    """Without a look at the session's zone."""
    return f"timestamp {literal(text)} AT TIME ZONE 'UTC'"


def named(user):
    """The users a name stands for."""
    many = MANY.fullmatch(user) if isinstance(user, str) else None
    return [f"{many[1]}{i}" for i in range(1, int(many[2]) + 1)] if many else [user]


def load(session, case):
    """The case's requests as a table, its settings, its users left out."""
    rows = [f"({literal(user)}, {instant(at)})"
            for name, *instants in case["requests"] for user in named(name) for at in instants]
    users = case.get("users", "text")
    session.run_all([
        "DROP TABLE IF EXISTS log", "TRUNCATE user_metrics.opt_out",
        f"CREATE TABLE log (user_id {users}, occurred_at timestamptz)",
        *([f"INSERT INTO log SELECT u::{users}, at FROM (VALUES {', '.join(rows)}) AS r(u, at)"] if rows else []),
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


def queries(case):
    """The questions of a case, all with the same answer: pairs of what is asked and the query."""
    zone = literal(case.get("timezone", "UTC"))
    left_out = literal("{" + ",".join(case.get("without_users", [])) + "}")
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
    arguments = [argument(name, value) for name, value in case.get("arguments", {}).items()]
    call = f"SELECT * FROM user_metrics.{case['readout']}"
    yield "value", f"{call}({', '.join([values['value'], *arguments])})"
    yield "source", f"{call}({', '.join([literal('log'), *arguments, f'timezone => {zone}'])})"


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_same(expected, got, tolerance):
    if is_number(expected) and is_number(got):
        return abs(expected - got) <= tolerance
    return type(expected) is type(got) and expected == got


def complaint(case, rows):
    """What is wrong with the rows of an answer, or None."""
    for row in rows:
        row.pop("segment", None)
        if list(row) != case["columns"]:
            return f"columns {list(row)}"
    got = [list(row.values()) for row in rows]
    if len(got) != len(case["rows"]):
        return f"{len(got)} rows for {len(case['rows'])}: {got}"
    for expected, row in zip(case["rows"], got):
        if not all(is_same(e, g, case.get("tolerance", 1e-12)) for e, g in zip(expected, row, strict=True)):
            return f"{row} for {expected}"
    return None


def outcomes(session, case):
    """Pairs of a form of the case and what is wrong with it."""
    load(session, case)
    for form, query in queries(case):
        yield form, complaint(case, session.rows(query))


def main(word=""):
    passed = failed = 0
    # Neither the session's zone nor its style of dates may matter.
    strange = {"timezone": "Pacific/Apia", "datestyle": "German"}
    with fresh_database("vectors") as database, Session(database, **strange) as session:
        for file in sorted((Path(__file__).parent / "vectors").glob("*.json")):
            cases = json.loads(file.read_text(encoding="utf-8"))["cases"]
            for case in (case for case in cases if word in case["name"]):
                form = "the requests"
                try:
                    for form, wrong in outcomes(session, case):
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
