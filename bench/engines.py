"""The contestants' engines, alike to the outside: settings, a statement, its rows."""

import csv
import io
import os
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
from psql import SEPARATOR, Session  # noqa: E402

WORK = Path(os.environ.get("CARGO_TARGET_DIR", "target")) / "bench"


def psql(statements):
    """Runs statements in a connection of their own; gives the last line of what they print."""
    command = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", "--command"]
    parts = [word for statement in statements.split("; ") for word in ("--command", statement)][1:]
    printed = subprocess.run([*command, *parts], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return printed.strip().split("\n")[-1]


class PSQL:
    """One connection, which stays, so that no contestant pays for its start."""

    def __init__(self, schema):
        self._session = Session(os.environ["PGDATABASE"], statement_timeout=0, TimeZone="UTC", DateStyle="ISO", search_path=schema)

    def prepare(self, settings):
        self._session.run("RESET ALL")
        for name, value in settings.items():
            self._session.run(f"SET {name} = '{value}'")

    def run(self, sql):
        return [tuple(line.split(SEPARATOR)) for line in self._session.run(sql)]

    def version(self):
        return f"PostgreSQL {psql('SHOW server_version').split()[0]}"


class Columnar:
    """An engine of its own tables, in this process."""

    def prepare(self, settings):
        pass


class DuckDB(Columnar):
    """DuckDB with two threads, its table in a file."""

    def __init__(self, path, log):
        import duckdb
        fresh = not path.exists()
        self._connection = duckdb.connect(str(path), config={"threads": 2})
        self._connection.execute("SET TimeZone = 'UTC'")
        if fresh:
            self._connection.execute(
                "CREATE TABLE log AS SELECT user_id, make_timestamp(micros) AS created_at, feature FROM read_csv("
                f"'{log}', header = false, columns = {{'user_id': 'VARCHAR', 'micros': 'BIGINT', 'feature': 'VARCHAR'}})")
            self._connection.execute("CHECKPOINT")

    def run(self, sql):
        return [tuple(str(value) for value in row) for row in self._connection.execute(sql).fetchall()]

    def version(self):
        import duckdb
        return f"DuckDB {duckdb.__version__}"


class ClickHouse(Columnar):
    """ClickHouse with two threads, its table a MergeTree in time order."""

    def __init__(self, path, log):
        from chdb import session
        fresh = not path.exists()
        self._session = session.Session(str(path))
        if fresh:
            self._session.query("CREATE DATABASE bench")
            self._session.query("CREATE TABLE bench.log (user_id String, created_at DateTime64(6, 'UTC'), feature LowCardinality(String)) "
                                "ENGINE = MergeTree ORDER BY created_at")
            self._session.query("INSERT INTO bench.log SELECT user_id, fromUnixTimestamp64Micro(micros, 'UTC'), feature "
                                f"FROM file('{log}', CSV, 'user_id String, micros Int64, feature String')")
            self._session.query("OPTIMIZE TABLE bench.log FINAL")
        self._session.query("USE bench")

    def run(self, sql):
        text = str(self._session.query(f"{sql.rstrip()} SETTINGS max_threads = 2", "CSV"))
        return [tuple(row) for row in csv.reader(io.StringIO(text))]

    def version(self):
        return f"ClickHouse {self.run('SELECT version()')[0][0]} (chdb)"


def columnar(schema, rows):
    """DuckDB and ClickHouse with the log of a schema; tables that are there already stay."""
    WORK.mkdir(parents=True, exist_ok=True)
    stamp = psql(f"SELECT md5(obj_description('{schema}.log'::regclass, 'pg_class'))")[:8]
    duckdb, clickhouse = WORK / f"duckdb_{rows}_{stamp}_3", WORK / f"clickhouse_{rows}_{stamp}_3"
    log = WORK / "log.csv"
    if not (duckdb.exists() and clickhouse.exists()):
        columns = "user_id, (extract(epoch FROM created_at) * 1000000)::bigint, feature"
        psql(f"\\copy (SELECT {columns} FROM {schema}.log) TO '{log}' (FORMAT csv)")
    engines = {"duckdb": DuckDB(duckdb, log), "clickhouse": ClickHouse(clickhouse, log)}
    log.unlink(missing_ok=True)
    return engines
