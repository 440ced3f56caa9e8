"""Random request logs, small and with many edge cases.

A log is a table that an application might have: some of the recognised column names, some type of user id, rows in order of
arrival. It contains what goes wrong in practice: blank and anonymous ids, opted-out users, duplicates, gaps, requests a
microsecond before or after a local midnight, days of 23 and 25 hours, a skipped day, rows in the future and at infinity.
"""

import json
import uuid
from dataclasses import dataclass, field, replace

from oracle.kit.days import DAY, HOUR, instant_of, instant_text, local_midnight_by_zoneinfo

# Interesting days of each zone: changes of the clock, and ordinary dates.
TURNING_POINTS = {
    "America/New_York": [(2024, 3, 10), (2024, 11, 3), (2023, 12, 31)],
    "Australia/Lord_Howe": [(2024, 4, 7), (2024, 10, 6)],          # half an hour
    "Pacific/Apia": [(2011, 12, 30), (2011, 12, 31)],              # 2011-12-30 never was
    "Asia/Kathmandu": [(2023, 12, 31), (2024, 2, 29)],             # 5 hours and 45 minutes
    "Africa/Cairo": [(2023, 4, 28), (2023, 10, 27), (2024, 4, 26)],  # the clock skips, and repeats, at midnight
    "Europe/Berlin": [(2024, 3, 31), (2024, 10, 27)],
    "UTC": [(2024, 1, 1), (2001, 6, 30)],
}
ZONES = list(TURNING_POINTS)
ANONYMOUS = ("anonymous", "default_user_id")
TEXT_NOBODIES = [None, "", " ", "\t\n ", "   \r\f\v", *ANONYMOUS]
# Users with odd names: not blank, and distinct.
TEXT_SOMEBODIES = ["Anonymous", " anonymous", "anonymous ", "\u00a0", "Ünï\u200bcode", "a'b\\c", "0", "\U0001f642",
                   "x" * 300]
MODELS = ["gpt-4o", "claude", "it's", None]
TIERS = ["pro", "free", None]


@dataclass(frozen=True)
class Request:
    """One row. `instant` is None for NULL, or '-infinity' or 'infinity', or a number."""

    user: str | None
    instant: int | str | None
    model: str | None
    tier: str | None

    def is_finite(self):
        return isinstance(self.instant, int)

    def is_counted(self):
        """Requests before 2000 are left out, like those at infinity."""
        return isinstance(self.instant, int) and self.instant >= 0


@dataclass
class Log:
    """A table, the settings of its session, and the users who opted out."""

    requests: list
    zone: str
    first: int                                   # the instants that bound the ordinary rows, for choosing questions
    last: int
    id_type: str = "text"
    time_type: str = "timestamptz"
    user_column: str = "user_id"
    time_column: str = "created_at"
    shape: str = "table"
    opted_out: list = field(default_factory=list)
    anonymous: tuple = ANONYMOUS
    week_start: str | None = None                # None: the setting's default
    default_zone: str | None = None
    year_start: str | None = None
    session_zone: str = "UTC"
    parallel: bool = False

    # The simplest values, for showing a failure.
    PLAINER = {"parallel": False, "shape": "table", "session_zone": "UTC", "opted_out": [], "time_type": "timestamptz",
               "week_start": None, "year_start": None, "default_zone": None, "user_column": "user_id", "time_column": "created_at"}

    def excluded(self):
        return set(self.opted_out) | set(self.anonymous)

    def without(self, dropped):
        return replace(self, requests=[r for i, r in enumerate(self.requests) if i not in dropped])

    def statements(self):
        """Creates the table `t` and sets the log's settings."""
        return [*self._settings_sql(), *self._registers_sql(), *self._table_sql(), *self._rows_sql()]

    def script(self):
        """The same for a new session and a newly created extension, without defaults."""
        for statement in self.statements():
            needless = ("anonymous_user" in statement and self.anonymous == ANONYMOUS
                        or "opt_out" in statement and not self.opted_out or statement.startswith("RESET"))
            if not needless:
                yield statement

    def settings(self):
        """The settings user_metrics.* and their values, None for the default."""
        return {"week_start": self.week_start, "year_start": self.year_start, "timezone": self.default_zone}

    def columns(self):
        """(name, type, how a request's value is written) of each column of the table."""
        return [(self.user_column, self.id_type, lambda request: literal(request.user)),
                (self.time_column, self.time_type, self._time_literal),
                ("model", "text", lambda request: told_literal(request.model, request)),
                ("properties", "jsonb", properties_literal)]

    def _time_literal(self, request):
        if request.is_finite():
            return literal(instant_text(request.instant, "+00" if self.time_type == "timestamptz" else ""))
        return literal(request.instant)

    def _settings_sql(self):
        yield "SET client_min_messages = warning"
        yield f"SET TimeZone = '{self.session_zone}'"
        for setting, value in self.settings().items():
            yield f"SET user_metrics.{setting} = {literal(value)}" if value else f"RESET user_metrics.{setting}"
        for setting in ("parallel_setup_cost = 0", "parallel_tuple_cost = 0", "min_parallel_table_scan_size = 0",
                        "parallel_leader_participation = off"):
            yield f"SET {setting}" if self.parallel else f"RESET {setting.split(' ')[0]}"

    def _registers_sql(self):
        yield "DELETE FROM user_metrics.opt_out"
        yield "DELETE FROM user_metrics.anonymous_user"
        for user in self.anonymous:
            yield f"INSERT INTO user_metrics.anonymous_user (user_id) VALUES ({literal(user)})"
        for user in self.opted_out:
            yield f"INSERT INTO user_metrics.opt_out (user_id, opted_out_at) VALUES ({literal(user)}, now())"

    def _table_sql(self):
        yield "DROP SCHEMA IF EXISTS oracle CASCADE"
        yield "CREATE SCHEMA oracle"
        yield "SET search_path = oracle, public"
        base = "t" if self.shape in ("table", "partitioned") else "base"
        columns = ", ".join(f"{name} {of_type}" for name, of_type, _ in self.columns())
        partition = " PARTITION BY LIST (model)" if self.shape == "partitioned" else ""
        yield f"CREATE TABLE {base} ({columns}){partition}"
        if self.shape == "partitioned":
            yield "CREATE TABLE t_gpt PARTITION OF t FOR VALUES IN ('gpt-4o')"
            yield "CREATE TABLE t_rest PARTITION OF t DEFAULT"
        if self.shape == "view":
            yield "CREATE VIEW t AS SELECT * FROM base"

    def _rows_sql(self):
        base = "base" if self.shape == "view" else "t"
        if self.requests:
            writers = [write for _, _, write in self.columns()]
            rows = ",\n".join(f"({', '.join(write(request) for write in writers)})" for request in self.requests)
            yield f"INSERT INTO {base} VALUES\n{rows}"


# What stands for a value that is not told.
NOT_TOLD = [None, None, "", " ", "\t\n ", "undefined", "null", "None", "NaN", "N/A"]


def not_told(request):
    """One of these, by the request: the same one whenever it is written."""
    return NOT_TOLD[(request.instant if request.is_finite() else len(request.user or "")) % len(NOT_TOLD)]


def told_literal(value, request):
    return literal(not_told(request) if value is None else value)


def properties_literal(request):
    tier = request.tier if request.tier is not None else not_told(request)
    return "'{}'" if tier is None and len(request.user or "") % 2 else literal(json.dumps({"tier": tier}))


def literal(value):
    """An SQL literal; invisible characters are escaped."""
    if value is None:
        return "NULL"
    text = str(value).replace("'", "''")
    if text.isprintable():
        return f"'{text}'"
    text = text.replace("\\", "\\\\")
    return "E'" + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text) + "'"


def user_ids(rng, id_type, count):
    if id_type in ("int", "bigint"):
        top = 2**31 - 1 if id_type == "int" else 2**63 - 1
        return [str(rng.choice([n, -n, top - n])) for n in range(1, count + 1)]
    if id_type == "uuid":
        return [str(uuid.UUID(int=rng.getrandbits(128))) for _ in range(count)]
    return rng.sample(TEXT_SOMEBODIES, min(count // 3, len(TEXT_SOMEBODIES))) + [f"u{n}" for n in range(count)]


def nobody(rng, id_type):
    return rng.choice(TEXT_NOBODIES) if id_type in ("text", "varchar") else None


def first_day_of_log(rng, zone, span, now):
    """A day near a clock change of the zone; sometimes now."""
    if rng.random() < 0.12:
        return now // DAY - span
    return instant_of(*rng.choice(TURNING_POINTS[zone])) // DAY - rng.randrange(span + 1)


def moment_of(rng, day, zone):
    """A moment on a local day, mostly near its start or end."""
    midnight = local_midnight_by_zoneinfo(day, zone)
    if rng.random() < 0.3:
        return midnight + rng.choice([-1, 0, 0, 1, HOUR - 1, HOUR, -HOUR])
    return midnight + rng.randrange(DAY)


def habit(rng, span):
    """The active days of a user: daily, weekly, in bursts, or once."""
    begins = rng.randrange(span)
    kind = rng.randrange(4)
    if kind == 0:
        return [begins]
    if kind == 1:
        chance = rng.choice([0.2, 0.6, 0.95])
        return [day for day in range(begins, span) if rng.random() < chance]
    step = rng.choice([7, 7, 30, 14]) if kind == 2 else rng.randrange(1, 40)
    return [day + rng.choice([0, 0, 0, 1]) for day in range(begins, span, step)]


def random_requests(rng, id_type, zone, first_day, span, size):
    requests = []
    for user in user_ids(rng, id_type, rng.choice([1, 3, 8, 25])):
        tier = rng.choice(TIERS)
        for day in habit(rng, span):
            model = rng.choice(MODELS[:2]) if rng.random() < 0.8 else rng.choice(MODELS)
            requests.append(Request(user, moment_of(rng, first_day + day, zone), model, tier))
    rng.shuffle(requests)
    return requests[:size]


def nasty_requests(rng, id_type, ordinary, size, now):
    """Rows that a log should not have but often has, made from existing rows."""
    made = []
    for request in rng.choices(ordinary, k=size // 6) if ordinary else []:
        kind = rng.randrange(6)
        if kind == 0:
            made.append(request)
        elif kind <= 2:
            made.append(replace(request, user=nobody(rng, id_type)))
        elif kind == 3:
            made.append(replace(request, instant=rng.choice(["infinity", "-infinity", None])))
        elif request.instant > now - 400 * DAY and kind == 4:
            made.append(replace(request, instant=now + rng.randrange(2 * DAY, 90 * DAY)))
        else:
            made.append(replace(request, instant=request.instant + rng.choice([-1, 1, HOUR, DAY])))
    return made


def random_log(rng, now):
    """One log; `now` is the server's."""
    zone = rng.choice(ZONES)
    span = rng.choice([1, 5, 20, 20, 60, 60, 150, 400])
    size = rng.choice([0, 1, 2, 10, 20, 40, 40, 100, 100, 100, 200, 200, 200])
    id_type = rng.choice(["text", "text", "varchar", "uuid", "bigint", "int"])
    first_day = first_day_of_log(rng, zone, span, now)
    requests = random_requests(rng, id_type, zone, first_day, span, size * 5 // 6 + 1 if size else 0)
    requests += nasty_requests(rng, id_type, requests, size, now)
    requests = [r for r in requests if not r.is_counted() or not now < r.instant < now + 2 * DAY]
    rng.shuffle(requests)
    instants = [r.instant for r in requests if r.is_counted() and r.instant <= now] or [first_day * DAY]
    people = sorted({r.user for r in requests if r.user is not None})
    return Log(
        requests=requests, zone=zone, first=min(instants), last=max(instants), id_type=id_type,
        time_type=rng.choice(["timestamptz", "timestamptz", "timestamp"]),
        user_column=rng.choice(["user_id", "userid", "end_user", "customer_id"]),
        time_column=rng.choice(["created_at", "occurred_at", "ts", '"timestamp"']),
        shape=rng.choice(["table", "table", "view", "partitioned"]),
        opted_out=rng.sample(people, min(len(people), rng.choice([0, 0, 1, 2]))),
        anonymous=ANONYMOUS + (("u1", "2") if rng.random() < 0.2 else ()),
        week_start=rng.choice([None, "monday", "sunday", "saturday"]),
        default_zone=rng.choice([None, None, zone]),
        session_zone=rng.choice(["UTC", "Asia/Tokyo", "America/New_York"]),
        parallel=rng.random() < 0.04)
