"""One case about sessions: one call of one function over one log, as SQL and as expected rows; the laws of results."""

import json
from dataclasses import dataclass, replace

from oracle.kit.cases import Case, counted_requests, matches, observed_until, random_filter, random_moment, segments
from oracle.kit.compare import by_segment, shown
from oracle.kit.days import DAY, HOUR, SECOND
from oracle.kit.definitions import GRAINS
from oracle.kit.logs import MODELS, ZONES, literal
from oracle.kit.runner import ExpectedError
from oracle.sessions import definitions as sd

WEIGHTS = {"session_stats": 6, "session_time": 4, "session_list": 5, "session_hazard": 3, "same_bytes": 2}
# How a value is built: in one pass, in another order, or merged from parts that share users and sessions.
VALUES = {
    "whole": "(SELECT user_metrics.sessions({row}) FROM t)",
    "shuffled": "(SELECT user_metrics.sessions({row} ORDER BY mix) FROM t)",
    "backwards": "(SELECT user_metrics.sessions({row} ORDER BY {time} DESC, mix) FROM t)",
    "by part": "(SELECT user_metrics.rollup(p ORDER BY part) FROM (SELECT part % 3 AS part, "
               "user_metrics.sessions({row}) AS p FROM t GROUP BY 1) q)",
    "by row": "(SELECT user_metrics.rollup(p) FROM (SELECT user_metrics.sessions({row}) AS p FROM t "
              "GROUP BY mix, {time}) q)",
    "in two steps": "(SELECT user_metrics.rollup(p) FROM (SELECT user_metrics.rollup(p) AS p FROM (SELECT part, "
                    "user_metrics.sessions({row}) AS p FROM t GROUP BY part) q GROUP BY part % 2) r)"}
TIMES = ("session_stats", "session_time")                     # which take a period
OF_LOGS = ("cost_usd", "tokens", "features", "models")        # what a value does not have
# The aggregate of users and times only.
BARE = "(SELECT user_metrics.sessions({user}, {time}) FROM t)"
BARE_UNDER_WAY = "(SELECT user_metrics.sessions({user}, {time}, NULL, NULL, NULL, '0', '0') FROM t)"


@dataclass(frozen=True)
class SessionCase(Case):
    """`value` may also be "bare". Over a value gap and idle are the value's."""

    WRITERS = {"containing": lambda condition: literal(json.dumps(condition))}

    gap: int | None = None
    idle: int | None = None

    def sql(self, log):
        if self.readout == "same_bytes":
            one, other = (replace(self, value=value).value_sql(log) for value in ("whole", self.value))
            return f"SELECT {one}::text = {other}::text AS same"
        return super().sql(log)

    def arguments(self):
        yield from super().arguments()
        if self.value is None:
            yield from ((name, interval_literal(limit)) for name, limit in
                        (("session_gap", self.gap), ("max_idle", self.idle)) if limit is not None)
        elif self.timezone is not None:
            yield "timezone", literal(self.timezone)

    def value_sql(self, log):
        if self.readout == "session_time":       # and a second value, of the same requests in no order in particular
            both = replace(self, readout="session_stats")
            if self.value == "bare":
                under_way = BARE_UNDER_WAY.format(user=log.user_column, time=log.time_column)
            else:
                under_way = replace(both, value="by part", gap=0, idle=0).value_sql(log)
            return f"{both.value_sql(log)}, {under_way}"
        if self.value == "bare":
            return BARE.format(user=log.user_column, time=log.time_column)
        row = f"{log.row_sql()}, {interval_literal(self.gap)}, {interval_literal(self.idle)}"
        return VALUES[self.value].format(row=row, time=log.time_column)

    def limits(self, log):
        """The gap and the idle limit in force."""
        default_gap = sd.DEFAULT_GAP if log.default_gap is None else log.default_gap
        return (default_gap if self.gap is None else self.gap, sd.DEFAULT_IDLE if self.idle is None else self.idle)

    def simpler(self):
        yield from super().simpler()
        yield from (replace(self, **{name: None}) for name in ("gap", "idle") if getattr(self, name) is not None)


def interval_literal(limit):
    """An interval, in the largest unit without a fraction."""
    if limit is None:
        return "NULL"
    for unit, micros in (("days", DAY), ("hours", HOUR), ("minutes", 60 * SECOND), ("seconds", SECOND)):
        if limit % micros == 0:
            return f"'{limit // micros} {unit}'"
    return f"'{limit} microseconds'"


# ------------------------------------------------------------------------------------------------- the expectation

def session_keys(log, facts):
    """The keys of ids, by (user, id), as computed by the server."""
    if "session_keys" not in facts.of_log:
        user, session_id = f"{log.user_column}::text", f"{log.session_column}::text"
        facts.of_log["session_keys"] = {} if log.session_column is None else {
            (row["of_user"], row["id"]): row["session_key"] for row in facts.server.rows(
                f"SELECT DISTINCT {user} AS of_user, {session_id} AS id, "
                f"user_metrics_internal.session_key({session_id}) AS session_key FROM t")}
    return facts.of_log["session_keys"]


def turns_read(case, log, facts):
    """The (request, turn) pairs of users. Of a log, requests after as_of or `until` are not read, nor those so long
    before `since` that their sessions cannot reach it; but to number sessions all of them are read."""
    gap, idle = case.limits(log)
    for request in counted_requests(case, log):
        if case.value is None:
            if request.instant > min(facts.now, facts.now if case.as_of is None else case.as_of):
                continue
            if case.until is not None and request.instant >= case.until:
                continue
            if case.since is not None and case.readout != "session_list":
                if request.instant < case.since - gap - idle - sd.LONGEST_REQUEST:
                    continue
        turn = log.turn(request)
        if case.value == "bare":
            turn = replace(turn, end=turn.instant, session_id=None, succeeded=None)
        if "containing" in case.args:
            turn = replace(turn, content=replace(turn.content, matches=matches(request, case.args["containing"])))
        yield request, turn


def observe(case, log, facts):
    """The observation of each segment."""
    gap, idle = case.limits(log)
    turns = list(turns_read(case, log, facts))
    # Keys are shown as bigint, and ordered as the unsigned numbers they are.
    keys = session_keys(log, facts) if case.readout == "session_list" else {}
    end = observed_until(case, log, facts.now)
    groups = segments(case, [request for request, _ in turns])
    turn_of = {id(request): turn for request, turn in turns}
    if not groups and case.by is None:
        groups = {None: []}
    for segment, members in groups.items():
        sessions = sd.sessions_of([turn_of[id(request)] for request in members], gap, idle,
                                  lambda user, session_id: keys.get((user, session_id), 0) % 2**64)
        yield segment, sd.Observation(sessions, end, case.since, case.until, gap)


def expected_rows(case, log, facts):
    """The rows by the definitions; `facts` has the server's `now`, local_day(instant, zone), and keys of ids."""
    if case.readout == "same_bytes":
        return [{"same": True}] if log.requests else None
    if case.readout == "session_time" and log.latency_column is None and case.value is None:
        raise ExpectedError("42703")
    rows = []
    for segment, observation in observe(case, log, facts):
        if case.readout == "session_list":
            rows += [row if case.value is None else as_of_value(row, session_keys(log, facts))
                     for row in sd.session_list(observation)]
            continue
        if case.readout in TIMES:
            answer = getattr(sd, case.readout)(observation, lambda i: facts.local_day(i, case.zone(log)),
                                               week_start=log.week_start or "monday", **case.args)
        else:
            answer = sd.session_hazard(observation, **case.args)
        rows += answer if case.value is not None else [{"segment": segment, **row} for row in answer]
    return rows


def as_of_value(row, keys):
    """A row of session_list over a value: without the user, with a key for the id."""
    key = row["session_id"] and keys.get((row["user_id"], row["session_id"]))
    return {"session_key" if name == "session_id" else name: key if name == "session_id" else value
            for name, value in row.items() if name not in ("user_id", *OF_LOGS)}


# -------------------------------------------------------------------------------------------------------- the laws

def broken_laws(case, log, rows, answer):
    """What must hold for any result, whatever the log: a line for each violation."""
    if case.readout == "session_list" and case.since is not None and log.has_answers_longer_than_a_day():
        return []                                # the others do not read back so far, as is documented
    check = {"session_stats": stats_laws, "session_time": time_laws, "session_list": list_laws, "session_hazard": hazard_laws,
             "same_bytes": lambda *_: ()}[case.readout]
    return [f"  broken law: {law}" for law in check(case, rows, answer)]


def only(case, readout):
    """The same arguments for a function that takes fewer."""
    return replace(case, readout=readout, args={}, by=None, timezone=None)


def stats_laws(case, rows, answer):
    for row in rows:
        known = (row["completed_sessions"] or 0) + (row["abandoned_sessions"] or 0) + row["open_sessions"]
        if not known <= row["sessions"] <= row["requests"] or row["users"] > row["sessions"]:
            yield f"users <= sessions <= requests, outcomes <= sessions in {shown(row)}"
        for name in ("single_request_share", "engaged_rate", "returned_24h_rate", "completion_rate"):
            if row[name] is not None and not 0 <= row[name] <= 1:
                yield f"0 <= {name} <= 1 in {shown(row)}"
        if (row["open_sessions"] == row["sessions"]) != (row["requests_per_session"] is None):
            yield f"a mean exactly where a session is closed in {shown(row)}"
    if case.args.get("period") is not None:
        wholes = {row.get("segment"): row for row in answer(replace(case, args={}))}
        for group in by_segment(rows):
            whole = wholes[group[0].get("segment")]
            for name in ("sessions", "requests", "completed_sessions", "abandoned_sessions", "open_sessions"):
                if sum(row[name] or 0 for row in group) != (whole[name] or 0):
                    yield f"{name} of the periods add up in {shown(whole)}"


def time_laws(case, rows, answer):
    for row in rows:
        if not 0 <= row["busy_seconds"] <= row["active_seconds"] <= row["span_seconds"]:
            yield f"0 <= busy <= active <= span in {shown(row)}"
        if (row["busy_share"] is None) != (row["active_seconds"] == 0):
            yield f"a share exactly where there is time in {shown(row)}"


def list_laws(case, rows, answer):
    [stats] = answer(only(case, "session_stats"))
    listed = (len(rows), sum(row["requests"] for row in rows))
    if "containing" not in case.args and (stats["sessions"], stats["requests"]) != listed:
        yield f"as many sessions and requests as session_stats has: {shown(stats)}"
    for row in rows:
        if row["errors"] > row["requests"] or row["started_at"] > row["ended_at"]:
            yield f"errors <= requests, start <= end in {shown(row)}"
        if not 0 <= row["active_seconds"] <= row["span_seconds"]:
            yield f"0 <= active <= span in {shown(row)}"
        if row.get("session_id", row.get("session_key")) is not None and row["requests"] < 2:
            yield f"a named session has two requests in {shown(row)}"
    numbers = [(row["user_id"], row["session_number"]) for row in rows if case.value is None]
    if len(numbers) != len(set(numbers)):
        yield "every number of a user once"


def hazard_laws(case, rows, answer):
    for group in by_segment(rows):
        group.sort(key=lambda row: row["request_number"])
        for row, following in zip(group, [*group[1:], None]):
            if not 0 <= row["abandoned_here"] <= row["sessions_reaching"]:
                yield f"abandoned <= reaching in {shown(row)}"
            if row["hazard"] is not None and not 0 <= row["hazard"] <= 1:
                yield f"0 <= hazard <= 1 in {shown(row)}"
            if following and following["sessions_reaching"] > row["sessions_reaching"] - row["abandoned_here"]:
                yield f"who was abandoned reaches no further in {shown(row)}"
    if case.by is None and rows:
        listed = answer(only(case, "session_list"))
        reaching = sum(row["requests"] > 1 or row["outcome"] in ("completed", "abandoned") for row in listed)
        if rows[0]["sessions_reaching"] != reaching:
            yield f"the first request is reached by all whose fate is known, {reaching}, in {shown(rows[0])}"


# --------------------------------------------------------------------------------------------------- random choices

def tuned_moment(rng, log):
    """A moment at which a session is no longer open, or a day after its end, or a microsecond away."""
    ends = [log.turn(r).end for r in log.requests if r.is_counted() and log.first <= r.instant <= log.last]
    if not ends:
        return None
    return rng.choice(ends) + rng.choice([0, log.gap, log.idle, DAY]) + rng.choice([-1, 0, 0, 1])


def random_session_case(rng, log):
    readout = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    limits = {"gap": rng.choice([log.gap, log.gap, log.gap, None, HOUR]),
              "idle": rng.choice([log.idle, log.idle, log.idle, None, 2 * HOUR])}
    if readout == "same_bytes":
        return SessionCase(readout, value=rng.choice([value for value in VALUES if value != "whole"]), **limits)
    args = {}
    if readout in TIMES and rng.random() < 0.75:
        args["period"] = rng.choice(GRAINS if log.last - log.first < 100 * DAY else GRAINS[1:])
    if readout == "session_hazard" and rng.random() < 0.6:
        args["max_requests"] = rng.choice([1, 2, 3, 5, 1000])
    if readout == "session_list" and rng.random() < 0.4:
        args["containing"] = ({"feature": rng.choice(["chat", ["code", "Chat"]])} if log.feature_column and rng.random() < 0.5
                              else {"model": rng.choice(MODELS[:2])})
    timezone = rng.choice([None, log.zone, log.zone, rng.choice(ZONES)]) if readout in TIMES else None
    near = timezone or log.default_zone or "UTC"

    def moment(chance, early=False):
        if rng.random() >= chance:
            return None
        return random_moment(rng, log, near, early) if early or rng.random() < 0.5 else tuned_moment(rng, log)

    since, until = moment(0.35, early=True), moment(0.25)
    if since is not None and until is not None:
        since, until = min(since, until), max(since, until)
    case = SessionCase(readout, args, timezone=timezone, since=since, until=until, as_of=moment(0.4), **limits)
    if rng.random() < 0.4:
        value, args = rng.choice([*VALUES, "whole", "bare"]), {k: v for k, v in args.items() if k != "containing"}
        case = replace(case, args=args)
        # The aggregate of users and times only takes no limits.
        return replace(case, value=value, **({"gap": None, "idle": None} if value == "bare" else {}))
    if case.since is not None and readout != "session_list" and log.has_answers_longer_than_a_day():
        # Requests long before `since` are not read, and such an answer may reach beyond it: this is documented.
        case = replace(case, since=None)
    return replace(
        case, filter=random_filter(rng) if rng.random() < 0.25 else {},
        by=rng.choice(["model", "tier"]) if rng.random() < 0.25 and readout != "session_list" else None)
