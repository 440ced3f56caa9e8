"""Random request logs for `sessions`: pauses of exactly the limit, blank ids, overlapping answers.

They contain everything that a log of the kit may have. A log is tuned to one gap and one idle limit, which most calls use:
its pauses are these limits and a microsecond more or less, measured from the end of the latest answer so far. Columns vary,
as in applications: some logs have session ids, some latencies, some outcomes.
"""

import math
import uuid
from dataclasses import dataclass, replace

from oracle.kit.days import DAY, HOUR, SECOND, local_midnight_by_zoneinfo
from oracle.kit.logs import (ANONYMOUS, MODELS, TIERS, ZONES, Log, Request, first_day_of_log, literal, moment_of, nasty_requests, told_literal,
                             user_ids)
from oracle.sessions.definitions import (ANSWERED_WORDS, FAILED_WORDS, Content, Turn, known_number, latency_micros, session_name,
                                         succeeded_by_status, succeeded_with_error)

GAPS = (HOUR // 2, HOUR // 2, HOUR // 2, 10 * 60 * SECOND, HOUR, 0, 1, 30 * HOUR)
IDLES = (24 * HOUR, 24 * HOUR, 24 * HOUR, HOUR, 20 * 60 * SECOND, 36 * HOUR, 0)
TEXT_NO_IDS = [None, "", " ", "\t\n ", "\r\f\v"]
FEATURES = ["chat", "Chat", "it's", "", " \t", "code", None]
COSTS = [0, 0.25, 1.5, 3.0625, 100, None, -1.5, math.nan, math.inf, -math.inf]
TOKENS = [0, 1, 2, 7, 100, 5000, None, -3]
# Similar ids, and one that only looks blank.
TEXT_IDS = ["s1", "s2", "S1", " s1", "\u00a0", "it's", "x" * 300]
STATUSES = {
    "integer": [200, 200, 200, 201, 299, 300, 199, 404, 500, 599, 600, 499, 0, -200, None],
    "text": ["success", "ok", "OK", "Normal", "UNSET", "completed", "200", "204", "299", "300", "2000", "20", "2x0", " 200",
             "error", "failure", "STATUS_CODE_ERROR", "cancelled", "500", "499", "", None]}
ERRORS = [None, None, None, None, "RateLimitError", "ClientDisconnected"]


@dataclass(frozen=True)
class SessionRequest(Request):
    """One row. `part` and `mix` are random numbers for splitting and shuffling the rows."""

    session_id: str | None
    latency_ms: float | int | None
    status: int | str | None
    succeeded: bool | None
    part: int
    mix: int


@dataclass
class SessionLog(Log):
    """A table and its settings; a column that is None does not exist."""

    gap: int = HOUR // 2                         # what the pauses are tuned to
    idle: int = DAY
    default_gap: int | None = None               # the setting
    session_column: str | None = "session_id"
    session_type: str = "text"
    latency_column: str | None = "latency_ms"
    latency_type: str = "double precision"
    status_column: str | None = "status"
    status_type: str = "integer"
    error_column: str | None = None
    succeeded_column: str | None = "succeeded"

    PLAINER = Log.PLAINER | {"default_gap": None, "session_column": None, "latency_column": None,
                             "status_column": None, "error_column": None, "succeeded_column": None, "session_type": "text",
                             "latency_type": "double precision"}

    def settings(self):
        gap = None if self.default_gap is None else f"{self.default_gap // SECOND}s"
        return super().settings() | {"session_gap": gap}

    def columns(self):
        optional = [
            (self.session_column, self.session_type, lambda r: literal(r.session_id)),
            (self.latency_column, self.latency_type, lambda r: latency_literal(r.latency_ms)),
            (self.status_column, self.status_type, lambda r: literal(r.status)),
            (self.error_column, "text", lambda r: told_literal(self.error(r), r)),
            (self.succeeded_column, "boolean", lambda r: literal(r.succeeded))]
        return [*super().columns(), *(column for column in optional if column[0] is not None),
                ("part", "integer", lambda r: str(r.part)), ("mix", "integer", lambda r: str(r.mix))]

    def turn(self, request):
        """The request as the definitions read it, as far as the log has columns for it."""
        latency = latency_micros(request.latency_ms) if self.latency_column else 0
        if self.succeeded_column:
            succeeded = request.succeeded
        else:
            succeeded = succeeded_by_status(request.status) if self.status_column else None
            if self.error_column:
                succeeded = succeeded_with_error(succeeded, self.error(request), self.status_column is not None)
        return Turn(request.user, request.instant, request.instant + latency,
                    session_name(request.session_id) if self.session_column else None, succeeded)

    def error(self, request):
        """The error of a request: failures have one more often, and no request has one for its own sake."""
        return ERRORS[(request.mix // 7) % len(ERRORS)]

    def has_answers_longer_than_a_day(self):
        return any(self.turn(r).end > r.instant + DAY for r in self.requests if r.is_counted())

    def row_sql(self):
        """The arguments of the aggregate for a row: user, time, session, latency, success."""
        return ", ".join([self.user_column, self.time_column, f"{self.session_column or 'NULL'}::text",
                          f"{self.latency_column or 'NULL'}::double precision", self._succeeded_sql()])

    def _succeeded_sql(self):
        if self.succeeded_column:
            return self.succeeded_column
        if self.status_column is None:
            return self._error_sql("true") if self.error_column else "NULL::boolean"
        code = self.status_column
        if self.status_type == "text":
            code = f"CASE WHEN btrim({self.status_column}) ~ '^-?[0-9]{{1,9}}$' THEN btrim({self.status_column})::integer END"
        words = [", ".join(map(literal, words)) for words in (ANSWERED_WORDS, FAILED_WORDS)]
        word = f"lower(btrim({self.status_column}::text))"
        told = (f"CASE WHEN ({code}) BETWEEN 200 AND 299 OR {word} IN ({words[0]}) THEN true "
                f"WHEN ({code}) BETWEEN 400 AND 599 AND ({code}) <> 499 OR {word} IN ({words[1]}) THEN false END")
        return self._error_sql(told) if self.error_column else told

    def _error_sql(self, otherwise):
        names = ", ".join(literal(error) for error in sorted({error for error in ERRORS if error}))
        error = f"CASE WHEN {self.error_column} IN ({names}) THEN {self.error_column} END"
        return f"CASE {error} WHEN 'ClientDisconnected' THEN NULL WHEN 'RateLimitError' THEN false ELSE {otherwise} END"


def latency_literal(latency_ms):
    if isinstance(latency_ms, float) and not math.isfinite(latency_ms):
        return "'NaN'" if math.isnan(latency_ms) else f"'{'-' if latency_ms < 0 else ''}Infinity'"
    return "NULL" if latency_ms is None else literal(latency_ms)


# --------------------------------------------------------------------------------------------------- random choices

def random_latency(rng, whole, gap):
    """None, some, or as long as a gap; rarely more than a day. Odd sixteenths end in half a microsecond."""
    kind = rng.random()
    if kind < 0.3:
        return rng.choice([None, None, 0, -1, -250])
    if kind < 0.4:
        return None if whole else rng.choice([math.nan, math.inf, -math.inf, -0.0625, 1e-9])
    if kind < 0.55:
        return rng.choice([1, 3]) if whole else rng.randrange(1, 64) / 16
    if kind < 0.7:
        return min(gap * rng.choice([1, 2, 3]) // 2000, 86_400_000)
    if kind < 0.73:
        return rng.choice([3_600_000, 86_400_000])
    if kind < 0.732:
        return rng.choice([86_400_001, 200_000_000, 2 * 10**9])
    return rng.randrange(50, 60_000)


class Naming:
    """How one user's requests name sessions."""

    def __init__(self, rng, session_type):
        self.rng, self.session_type = rng, session_type
        self.way = rng.choice(["few", "few", "few", "none", "fresh", "mixed", "mixed"])
        known = {"uuid": [str(uuid.UUID(int=n)) for n in range(4)], "bigint": ["0", "7", "-1"]}
        self.few = rng.sample(known.get(session_type, TEXT_IDS), rng.randrange(1, 4))       # the same as some other user's

    def next(self):
        kind = self.rng.choice(["few", "few", "none", "fresh"]) if self.way == "mixed" else self.way
        if kind == "none":
            return self.rng.choice(TEXT_NO_IDS) if self.session_type == "text" else None
        if kind == "few":
            return self.rng.choice(self.few)
        return str(uuid.UUID(int=self.rng.getrandbits(128)) if self.session_type != "bigint"
                   else self.rng.getrandbits(62))


def next_instant(rng, log, sent, session_id):
    """The next request of a user after these: mostly at the edge of a limit."""
    last = sent[-1]
    kind = rng.random()
    if kind < 0.3:
        ends = [turn.end for turn in sent if turn.session_id is None] or [last.end]
        return max(ends) + log.gap + rng.choice([-1, 0, 0, 1])
    if kind < 0.5:
        ends = [turn.end for turn in sent if turn.session_id == session_id] or [last.end]
        return max(ends) + log.idle + rng.choice([-1, 0, 0, 1])
    if kind < 0.6:
        return last.instant
    if kind < 0.8:
        return last.instant + rng.randrange(log.gap + 1)
    if kind < 0.85:
        return local_midnight_by_zoneinfo(last.instant // DAY + 1, log.zone) + rng.choice([-1, 0, 1])
    if kind < 0.9:
        return last.end + DAY + rng.choice([-1, 0, 1])
    return last.instant + rng.randrange(1, 3 * DAY)


def random_turns(rng, log, user, begin, count, known):
    """`count` requests of one user. `known`: how often the outcome is known."""
    naming, tier = Naming(rng, log.session_type), rng.choice(TIERS)
    whole = log.latency_type in ("integer", "bigint")
    requests, sent, instant = [], [], begin
    luck = rng.choice([0.3, 0.8, 1])
    for _ in range(count):
        session_id = naming.next()
        if sent:
            instant = next_instant(rng, log, sent, session_name(session_id))
        status = rng.choice(STATUSES[log.status_type])
        request = SessionRequest(
            user, instant, rng.choice(MODELS[:2]) if rng.random() < 0.9 else rng.choice(MODELS), tier,
            session_id, random_latency(rng, whole, log.gap), status if rng.random() < known else None,
            rng.random() < luck if rng.random() < known else None, rng.randrange(7), rng.randrange(10**6))
        requests.append(request)
        sent.append(log.turn(request))
    return requests


def random_session_log(rng, now):
    """One log; `now` is the server's."""
    zone = rng.choice(ZONES)
    span = rng.choice([1, 2, 5, 5, 20])
    id_type = rng.choice(["text", "text", "varchar", "uuid", "bigint", "int"])
    log = SessionLog(
        requests=[], zone=zone, first=0, last=0, id_type=id_type,
        time_type=rng.choice(["timestamptz", "timestamptz", "timestamp"]),
        user_column=rng.choice(["user_id", "userid", "end_user", "customer_id"]),
        time_column=rng.choice(["created_at", "occurred_at", "ts", '"timestamp"']),
        shape=rng.choice(["table", "table", "view", "partitioned"]),
        anonymous=ANONYMOUS + (("u1", "2") if rng.random() < 0.2 else ()),
        week_start=rng.choice([None, "monday", "sunday", "saturday"]), default_zone=rng.choice([None, None, zone]),
        session_zone=rng.choice(["UTC", "Asia/Tokyo", "America/New_York"]), parallel=rng.random() < 0.04,
        gap=rng.choice(GAPS), idle=rng.choice(IDLES),
        default_gap=rng.choice([None, None, None, HOUR // 4, 2 * HOUR]),
        session_column=rng.choice(["session_id", "session_id", "conversation_id", "thread_id", "chat_id", None]),
        session_type=rng.choice(["text", "text", "text", "varchar", "uuid", "bigint"]),
        latency_column=rng.choice(["latency_ms", "latency_ms", "request_duration_ms", "delay_ms", "duration_ms", None]),
        latency_type=rng.choice(["double precision", "double precision", "numeric", "integer", "bigint"]),
        status_column=rng.choice(["status", "status", "status_code", "http_status", None]),
        status_type=rng.choice(["integer", "text"]), error_column=rng.choice([None, None, "error", "error_type"]),
        succeeded_column=rng.choice(["succeeded", "success", "is_success", None, None, None]))
    first_day = first_day_of_log(rng, zone, span, now)
    size = rng.choice([0, 1, 2, 5, 10, 20, 40, 60, 90])
    known = rng.choice([0, 0.5, 0.9, 1, 1])
    users = user_ids(rng, id_type, rng.choice([1, 1, 3, 8]))
    requests = []
    while len(requests) < size:
        begin = moment_of(rng, first_day + rng.randrange(span), zone)
        requests += random_turns(rng, log, rng.choice(users), begin, rng.choice([1, 2, 5, 12]), known)
    requests += nasty_requests(rng, id_type, requests, size, now)
    # Repeated rows, the same instant with another outcome among them.
    requests += [replace(r, succeeded=rng.choice([True, False, None]), status=rng.choice(STATUSES[log.status_type]),
                         mix=rng.randrange(10**6)) for r in requests if rng.random() < 0.08]
    requests = [r for r in requests if not r.is_counted() or not now < r.instant < now + 2 * DAY]
    rng.shuffle(requests)
    instants = [r.instant for r in requests if r.is_counted() and r.instant <= now] or [first_day * DAY]
    people = sorted({r.user for r in requests if r.user is not None})
    return replace(log, requests=requests, first=min(instants), last=max(instants),
                   opted_out=rng.sample(people, min(len(people), rng.choice([0, 0, 0, 1]))))


# ----------------------------------------------------------------------------------------- what requests were about

@dataclass(frozen=True)
class ContentRequest(SessionRequest):
    """One row, with what it was about."""

    feature: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: float | None


@dataclass
class ContentLog(SessionLog):
    """A log of these; a column that is None does not exist."""

    feature_column: str | None = "feature"
    prompt_column: str | None = "prompt_tokens"
    completion_column: str | None = "completion_tokens"
    cost_column: str | None = "cost_usd"

    PLAINER = SessionLog.PLAINER | {"feature_column": None, "prompt_column": None, "completion_column": None, "cost_column": None}

    def columns(self):
        optional = [
            (self.feature_column, "text", lambda r: literal(r.feature)),
            (self.prompt_column, "integer", lambda r: literal(r.prompt_tokens)),
            (self.completion_column, "bigint", lambda r: literal(r.completion_tokens)),
            (self.cost_column, "double precision", lambda r: latency_literal(r.cost_usd))]
        return [*super().columns(), *(column for column in optional if column[0] is not None)]

    def turn(self, request):
        content = Content(
            known_number(request.cost_usd) if self.cost_column else None,
            known_number(request.prompt_tokens) if self.prompt_column else None,
            known_number(request.completion_tokens) if self.completion_column else None,
            request.feature if self.feature_column else None, request.model)
        return replace(super().turn(request), content=content)


def random_content_log(rng, now):
    """One log; `now` is the server's."""
    base = random_session_log(rng, now)
    requests = [
        ContentRequest(**vars(request), feature=rng.choice(FEATURES[:2]) if rng.random() < 0.7 else rng.choice(FEATURES),
                       prompt_tokens=rng.choice(TOKENS), completion_tokens=rng.choice(TOKENS), cost_usd=rng.choice(COSTS))
        for request in base.requests]
    return ContentLog(
        **(vars(base) | {"requests": requests}), feature_column=rng.choice(["feature", "feature_name", None]),
        prompt_column=rng.choice(["prompt_tokens", "input_tokens", None]),
        completion_column=rng.choice(["completion_tokens", None]), cost_column=rng.choice(["cost_usd", "spend", None]))
