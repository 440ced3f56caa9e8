#!/usr/bin/env python3
"""Databases in other encodings than UTF8: the same log and the same calls, with letters beyond ASCII in every text.

    python3 tests/attack/encodings.py

The extension is created in databases of many encodings. In some of them a log has such letters in ids, features, models,
properties, and in the names of columns and of the table. Every public function is called over it, plainly, with arguments
that have the letters, and with arguments that are refused. Rows and messages must be those of a database in UTF8, and no
error may be of class XX. In two cases the log has bytes that are no text: any bytes in SQL_ASCII, and bytes that WIN1252
does not define. Statements and answers pass as hexadecimal digits, so that nothing but the extension converts them. Needs a
server with the extension installed, named by libpq's environment variables, and a user who may create databases. The last
line is `N passed, N failed`.
"""

import contextlib
import itertools
import json
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from functions import LOG, functions  # noqa: E402
from psql import ServerError, Session, administer  # noqa: E402

CREATED_ONLY = ["EUC_KR", "EUC_CN", "EUC_TW", "EUC_JIS_2004", "LATIN2", "LATIN9", "WIN1251", "ISO_8859_8"]
NOT_ENCODABLE = "22P05"
# Of the databases, for their names.
NUMBERS = itertools.count()


@dataclass(frozen=True)
class Case:
    """A database to be compared with one in UTF8 that has the same letters."""

    encoding: str
    codec: str
    letters: str

    def __str__(self):
        return f"{self.encoding} as {self.codec}"


CASES = [
    Case("LATIN1", "latin-1", "üÉñ"),
    Case("WIN1252", "cp1252", "€É™"),
    Case("WIN1252", "latin-1", "\x81\x8d\x9d"),
    Case("EUC_JP", "euc_jp", "あ語カ"),
    Case("KOI8R", "koi8-r", "жЩю"),
    Case("SQL_ASCII", "utf-8", "üÉñ"),
    Case("SQL_ASCII", "latin-1", "üÉñ"),
]

DONE = "CREATE FUNCTION done(statement text) RETURNS void LANGUAGE plpgsql AS $$BEGIN EXECUTE statement; END$$"
# The rows of a query, or its error as a row.
ASK = """
CREATE FUNCTION ask(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    RETURN QUERY EXECUTE statement;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN NEXT 'error ' || SQLSTATE || ' ' || SQLERRM || ' hint ' || hint;
END$$
"""

# Errors that are raised within the query over a log, and one that is caught there.
WITHIN = [
    """CREATE FUNCTION raised(t text) RETURNS text LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'no @ %', t USING HINT = '@'; END$$""",
    """CREATE FUNCTION caught(t text) RETURNS text LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'no @ %', t; EXCEPTION WHEN OTHERS THEN RETURN SQLERRM; END$$""",
    """CREATE VIEW raising AS SELECT raised('@') AS user_id, now() AS occurred_at, 'x' AS feature""",
    """CREATE VIEW catching AS SELECT 'x' AS user_id, now() AS occurred_at, caught('@') AS feature""",
]
# Valid values with the letters, for arguments of that name; @ stands for them, and `told` adds them to the words of LOG.
CHOSEN = {
    "filter": [
        """'{"feature": ["chat", "code"], "model": "m1"}'""", """'{"UserTier": "free"}'""", """'{"column@": "z@1"}'""",
    ],
    "by": ["'feature'", "'UserTier'", "'column@'"],
    "rules": ["""'[{"segment": "pro", "all": [{"property:UserTier": {"=": "pro"}}]}, {"segment": "chat"}]'"""],
    "weights": ["""'{"a": 1, "b": 2}'"""],
    "control": ["'b'"],
    "candidates": ["'{m1,m2}'"],
    "fallback": ["'{m9,m1}'"],
    "advanced_features": ["'{code}'"],
    "behaviours": ["""'[{"name": "code", "filter": {"feature": "code"}}]'"""],
    "plans": ["""'{"free": {"monthly_request_limit": 5, "features": ["chat"]}}'"""],
    "tiers": ["'{free,pro}'"],
    "source_value": ["'ads'"],
    "user_id": ["'u2'"],
    "variant": ["'variant'", "'column@'", "'experiment:e@'"],
    "columns": ["""'{"feature": "\\"column@\\""}'"""],
    **{name: ["'UserTier'"] for name in ("tier_property", "plan_property", "variant_property", "property", "peer_group")},
    "source_property": ["'Source'"],
    **{name: ["""'{"feature": "code"}'"""] for name in ("exclude", "converted", "premium", "action", "exposed", "start_event", "end_event")},
}
# Values that most arguments of a type refuse.
REFUSED = {"text": "'no @'", "jsonb": """'["@"]'""", "text[]": "'{@,\"\"}'", "regclass": "'\"no @\"'"}
# What depends on the hash of a user id, of its bytes in the log: halves of users, and values.
BY_HASH = ("activation_threshold", "without_users", "without_excluded_users")
# What depends on the hash of a text as applications see it in UTF-8, which bytes that are no text do not have.
BY_HASH_OF_UTF8 = ("experiment_variant", "experiment_payload", "assignment_audit")
AS_OF = "'2024-06-10 00:00Z'"


def told(sql, letters):
    """The SQL with the letters in every text of the log."""
    sql = re.sub(r"\b(chat|code|image|hello|free|pro|ads|UserTier|Source)\b", rf"\1{letters}", sql)
    sql = re.sub(r"(['\"])([a-z])\1", rf"\1\2{letters}\1", sql)
    sql = re.sub(r"\b([ump])(\d+)\b", rf"\g<1>{letters}\2", sql)
    return sql.replace("{a,b}", f"{{a{letters},b{letters}}}").replace("@", letters)


def log(letters):
    """The statements that create the log and the values made of it."""
    table = f'"log{letters}"'
    sql = LOG.replace("CREATE TABLE log AS", f"CREATE TABLE {table} AS").replace("FROM log;", f"FROM {table};")
    sql = sql.replace("AS variant\n", "AS variant,\n    'z@' || i % 2 AS \"column@\"\n")
    return [told(statement, letters) for statement in sql.strip().split(";\n")]


def queries(all_functions, letters):
    """The queries over the log, each as (what it asks, SQL)."""
    seen = {}
    for function in all_functions:
        plain = {"as_of": AS_OF} if function.takes("as_of") else {}
        source = f'"log{letters}"'
        ask = [("", plain)]
        for argument in function.arguments:
            for value in CHOSEN.get(argument.name, ()):
                ask.append((f"{argument.name} => {value}", plain | {argument.name: value}))
            # An argument that many functions have is refused by the same code.
            kind = (argument.name, argument.type)
            seen[kind] = seen.get(kind, 0) + 1
            if argument.type in REFUSED and seen[kind] <= 3:
                ask.append((f"refused {argument.name}", plain | {argument.name: REFUSED[argument.type]}))
        for what, given in ask:
            yield f"{function.identity} {what}", told(function.query(given, source), letters)


class Database:
    """A database of its own in some encoding, that takes and gives text as bytes."""

    def __init__(self, session, codec):
        self._session = session
        self._codec = codec

    def _literal(self, sql):
        return f"convert_from('\\x{sql.encode(self._codec).hex()}', getdatabaseencoding())"

    def do(self, statement):
        self._session.run(f"SELECT done({self._literal(statement)})")

    def ask(self, query):
        """The rows as JSON without order, or the error."""
        asked = self._literal(f"SELECT row_to_json(q)::text FROM ({query}) AS q")
        lines = self._session.run(f"SELECT encode(convert_to(a, getdatabaseencoding()), 'hex') FROM ask({asked}) AS a")
        return sorted(in_order(bytes.fromhex(line).decode(self._codec)) for line in lines)

    def ask_client(self, query):
        """The message of a query that fails, as a client in UTF8 sees it."""
        try:
            self._session.run(query)
        except ServerError as error:
            return str(error)
        return "no error"

    def functions(self):
        return functions(self._session)


def in_order(line):
    """A row whose objects do not depend on the order of keys in a jsonb, in which the number of bytes comes first."""
    if line.startswith("error "):
        return line
    return json.dumps(sorted_texts(json.loads(line)), sort_keys=True, ensure_ascii=False)


def sorted_texts(value):
    if isinstance(value, dict):
        return {name: sorted_texts(inner) for name, inner in value.items()}
    return [sorted_texts(inner) for inner in value] if isinstance(value, list) else value


@contextlib.contextmanager
def database(encoding, codec, letters):
    name = f"user_metrics_encoding_{os.getpid()}_{next(NUMBERS)}"
    administer(f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    try:
        with Session(name) as session:
            session.run("CREATE EXTENSION user_metrics")
            session.run(DONE)
            session.run(ASK)
            yield Database(session, codec)
    finally:
        administer(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def answers(encoding, codec, letters):
    """What the database says: each question with its answer."""
    with database(encoding, codec, letters) as opened:
        for statement in log(letters):
            opened.do(statement)
        for statement in WITHIN:
            opened.do(told(statement, letters))
        said = {what: opened.ask(query) for what, query in queries(opened.functions(), letters)}
        for view in ("raising", "catching"):
            said[view] = opened.ask(f"SELECT * FROM user_metrics.feature_usage('{view}')")
        if codec != "latin-1" or encoding == "LATIN1":
            message = opened.ask_client(f"SELECT * FROM user_metrics.active_users('log', period => 'no {letters}')")
            said["message"] = [message.split("\nLOCATION")[0].replace('"log"', "")]
        return said


def written(answer, encoding):
    """The answer of a database in UTF8 as one of another encoding gives it, which may have no ellipsis."""
    try:
        "…".encode({"LATIN1": "latin-1", "KOI8R": "koi8-r", "EUC_JP": "euc_jp"}.get(encoding, "utf-8"))
    except UnicodeEncodeError:
        return [line.replace("…", "...") for line in answer]
    return answer


def by_hash(case, what):
    """Whether the answer to a question must differ from that of a database in UTF8."""
    no_text = case.codec == "latin-1" and case.encoding != "LATIN1"
    names = BY_HASH + (BY_HASH_OF_UTF8 if no_text else ())
    if case.codec == "utf-8":
        return False
    return any(f"user_metrics.{name}(" in what for name in names) or (no_text and "experiment:" in what)


class Results:
    """What passed and what failed."""

    def __init__(self):
        self.passed = 0
        self.failures = []

    def check(self, holds, failure):
        if holds:
            self.passed += 1
        else:
            self.failures.append(failure)

    def compare(self, case, ours, expected):
        """The answers of a database against those of one in UTF8."""
        for what, answer in ours.items():
            fault = next((line for line in answer if line.startswith("error XX")), None)
            self.check(fault is None, f"{case}: {what}\n    {fault}")
            if by_hash(case, what):
                continue
            right = written(expected[what], case.encoding)
            first = next(((a, b) for a, b in zip(answer + [None], right + [None]) if a != b), None)
            self.check(first is None, f"{case}: {what}\n    {str(first)[:600]}")
        refused = sum(answer[:1] != [] and answer[0].startswith("error ") for answer in expected.values())
        self.check(refused * 2 < len(expected), f"{case}: {refused} of {len(expected)} questions are errors in UTF8, too")


def not_encodable(results):
    """Text that only an escape in JSON can give is refused by name."""
    with database("LATIN1", "latin-1", "") as opened:
        said = opened.ask("SELECT user_metrics.define_experiment('e', '[\"a\", \"\\u2603\"]'::text)")
        right = said[0].startswith(f"error {NOT_ENCODABLE} define_experiment: ") and "LATIN1" in said[0]
        results.check(right, f"a variant that LATIN1 cannot write: {said}")


def created(results):
    for encoding in CREATED_ONLY:
        try:
            with database(encoding, "ascii", "") as opened:
                said = opened.ask("SELECT user_metrics.users(user_metrics.activity('ann', now()))")
            results.check(said == ['{"users": 1}'], f"{encoding}: {said}")
        except ServerError as error:
            results.check(False, f"{encoding}: {error}")


def main():
    results = Results()
    letters = dict.fromkeys(case.letters for case in CASES)
    with ThreadPoolExecutor(2) as pool:
        expected = {of: pool.submit(answers, "UTF8", "utf-8", of) for of in letters}
        ours = {case: pool.submit(answers, case.encoding, case.codec, case.letters) for case in CASES}
        for case, said in ours.items():
            results.compare(case, said.result(), expected[case.letters].result())
    created(results)
    not_encodable(results)
    for failure in results.failures[:40]:
        print(f"FAILED  {failure}")
    print(f"{results.passed} passed, {len(results.failures)} failed")
    return 1 if results.failures else 0


if __name__ == "__main__":
    sys.exit(main())
