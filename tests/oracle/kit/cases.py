"""One case: one call of a function over one log, as SQL; the requests that count for it; random choices of arguments."""

import json
from dataclasses import dataclass, field, replace

from oracle.kit.days import DAY, instant_text, local_midnight_by_zoneinfo
from oracle.kit.definitions import is_user, observation_end
from oracle.kit.logs import MODELS, TIERS, ZONES, literal


@dataclass(frozen=True)
class Case:
    """A function with its own arguments, and its log.

    `value` is None for a call over the table. Topics whose functions are also called over values have value_sql(log), which
    builds the value of that name.
    """

    readout: str
    args: dict = field(default_factory=dict)
    value: str | None = None
    timezone: str | None = None
    since: int | None = None
    until: int | None = None
    as_of: int | None = None
    filter: dict = field(default_factory=dict)
    by: str | None = None

    WRITERS = {}                                 # how arguments are written that `sql_literal` does not know, by name

    def zone(self, log):
        return self.timezone or log.default_zone or "UTC"

    def sql(self, log):
        source = "'t'" if self.value is None else self.value_sql(log)
        args = [f"{name} => {text}" for name, text in self.arguments()]
        return f"SELECT r.* FROM user_metrics.{self.readout}({', '.join([source, *args])}) r"

    def arguments(self):
        """(name, literal) of the arguments; for a value all except those already applied in building it."""
        for name, value in self.args.items():
            yield name, self.WRITERS[name](value) if name in self.WRITERS else sql_literal(name, value)
        for name in ("since", "until", "as_of"):
            if getattr(self, name) is not None:
                yield name, literal(instant_text(getattr(self, name)))
        if self.value is None:
            if self.filter:
                yield "filter", literal(json.dumps(self.filter))
            yield from ((name, literal(getattr(self, name))) for name in ("by", "timezone") if getattr(self, name))

    def simpler(self):
        """The same case with one argument less, for finding the smallest that still fails."""
        for name in ("timezone", "since", "until", "as_of", "by"):
            if getattr(self, name) is not None:
                yield replace(self, **{name: None})
        if self.filter:
            yield replace(self, filter={})
        if self.value not in (None, "whole"):
            yield replace(self, value="whole")
        for name in self.args:
            yield replace(self, args={k: v for k, v in self.args.items() if k != name})


def sql_literal(name, value):
    if name in ("offsets", "retained"):
        return literal("{" + ",".join(map(str, value)) + "}")
    return str(value) if isinstance(value, int) else literal(value)


# --------------------------------------------------------------------------------------- the requests that count

def matches(request, wanted):
    """For each key of the filter, the request has the value or any of the list."""
    for key, value in wanted.items():
        values = value if isinstance(value, list) else [value]
        if getattr(request, key) is None or getattr(request, key) not in values:
            return False
    return True


def counted_requests(case, log):
    """The requests with a user and a time that pass the filter."""
    # The tables of anonymous and opted-out ids belong to the source layer: a value contains all its rows.
    excluded = log.excluded() if case.value is None else set()
    return [r for r in log.requests if r.is_counted() and matches(r, case.filter) and is_user(r.user, excluded)]


def observed_until(case, log, now):
    """The end of observation; by default the last request of the log, of any user or segment, filtered out or not."""
    # Future rows of a log are not read; a value contains them, and its observation ends no later than now.
    instants = [r.instant for r in log.requests if r.is_counted() and (case.value is not None or r.instant <= now)]
    return observation_end(instants, case.until, case.as_of, now)


def segments(case, users):
    """The requests of each segment: one log per value of the column or property, NULL too; or all under None."""
    logs = {}
    for request in users:
        logs.setdefault(getattr(request, case.by) if case.by else None, []).append(request)
    return logs


# --------------------------------------------------------------------------------------------------- random choices

def random_moment(rng, log, zone, early):
    """A random moment, mostly near the start or the end of the log: at a row, next to it, at a local midnight, anywhere."""
    span = max(log.last - log.first, DAY)
    instants = sorted(r.instant for r in log.requests if r.is_counted() and log.first <= r.instant <= log.last)
    if instants and rng.random() < 0.25:
        half = len(instants) // 2
        return rng.choice(instants[:half + 1] if early else instants[half:]) + rng.choice([-1, 0, 0, 1])
    likely = (-span // 8, span // 2) if early else (span // 3, span + span // 4 + 2)
    moment = log.first + rng.randrange(*(likely if rng.random() < 0.85 else (-span // 5, span + span // 4 + 2)))
    return local_midnight_by_zoneinfo(moment // DAY, zone) if rng.random() < 0.65 else moment


def random_filter(rng):
    chosen = {}
    if rng.random() < 0.7:
        chosen["model"] = rng.choice([MODELS[0], MODELS[2], list(MODELS[:2]), [MODELS[0], "none such"]])
    if not chosen or rng.random() < 0.4:
        chosen["tier"] = rng.choice([TIERS[0], TIERS[1], list(TIERS[:2])])
    return chosen


def random_times(rng, log):
    """The range of a case: since, until, as_of, zone, and filter."""
    timezone = rng.choice([None, log.zone, log.zone, rng.choice(ZONES)])
    near = timezone or log.default_zone or "UTC"

    def moment(chance, early=False):
        return random_moment(rng, log, near, early) if rng.random() < chance else None

    since, until = moment(0.2, early=True), moment(0.2)
    if since is not None and until is not None:
        since, until = min(since, until), max(since, until)
    return {"timezone": timezone, "since": since, "until": until, "as_of": moment(0.25),
            "filter": random_filter(rng) if rng.random() < 0.15 else {}}


def is_seen(case, request, end):
    return request.instant <= end and (case.until is None or request.instant < case.until)


def segments_of_users(case, requests, by_value, seen=lambda request: True):
    """The requests of each segment: each by its own value, or all of a user by the first or last value that is not NULL, of
    the requests that are seen; of several at one instant it is the greatest."""
    if by_value == "each" or case.by is None:
        return segments(case, requests)
    of_user = {}
    for request in requests:
        value = getattr(request, case.by)
        if value is not None and seen(request):
            of_user.setdefault(request.user, []).append((request.instant, value.encode()))
    pick = min if by_value == "first" else max
    chosen = {user: max(value for at, value in told if at == pick(told)[0]).decode() for user, told in of_user.items()}
    groups = {}
    for request in requests:
        groups.setdefault(chosen.get(request.user), []).append(request)
    return groups
