"""One case: one call of one readout over one log, as SQL and as an expectation."""

import json
from dataclasses import dataclass, field, replace

import definitions as d
from days import DAY, instant_text, local_midnight_by_zoneinfo
from logs import MODELS, TIERS, ZONES, literal
from runner import ExpectedError

READOUTS = {
    "active_users": d.active_users, "engagement": d.engagement, "lifecycle": d.lifecycle, "churn_rate": d.churn_rate, "seasonality": d.seasonality,
    "stickiness": d.stickiness, "retention_matrix": d.retention_matrix, "retention_curve": d.retention_curve,
    "cohort_table": d.cohort_table}
WEIGHTS = {"active_users": 3, "engagement": 3, "lifecycle": 4, "churn_rate": 3, "seasonality": 3, "stickiness": 3, "retention_matrix": 9,
           "retention_curve": 4, "cohort_table": 2}
USES_WEEKS = ("active_users", "lifecycle", "churn_rate", "retention_matrix", "retention_curve")
# How an activity value is come by: in one go, or merged from parts that share users and days.
VALUES = {
    "whole": "(SELECT user_metrics.activity({row}) FROM t)",
    "by model": "(SELECT user_metrics.rollup(part) FROM (SELECT user_metrics.activity({row}) AS part FROM t "
                "GROUP BY model) p)",
    "by row": "(SELECT user_metrics.rollup(part) FROM (SELECT user_metrics.activity({row}) AS part FROM t "
              "GROUP BY {time}) p)"}


@dataclass(frozen=True)
class Case:
    """A readout with its own arguments, and the log it is to see.

    `value` is None for a call over the table, or a key of VALUES for a call over an activity value.
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

    def zone(self, log):
        return self.timezone or log.default_zone or "UTC"

    def sql(self, log):
        source = "'t'" if self.value is None else self.value_sql(log)
        args = [f"{name} => {text}" for name, text in self.arguments()]
        return f"SELECT r.* FROM user_metrics.{self.readout}({', '.join([source, *args])}) r"

    def arguments(self):
        """(name, literal) of what is asked; what an activity is asked for is all but what the source decides."""
        yield from ((name, sql_literal(name, value)) for name, value in self.args.items())
        for name in ("since", "until", "as_of"):
            if getattr(self, name) is not None:
                yield name, literal(instant_text(getattr(self, name)))
        if self.value is None:
            if self.filter:
                yield "filter", literal(json.dumps(self.filter))
            yield from ((name, literal(getattr(self, name))) for name in ("by", "timezone") if getattr(self, name))

    def value_sql(self, log):
        row = f"{log.user_column}, {log.time_column}" + (f", {literal(self.timezone)}" if self.timezone else "")
        return VALUES[self.value].format(row=row, time=log.time_column)

    def simpler(self):
        """The same case with one thing less asked, for finding the smallest that still fails."""
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


# ------------------------------------------------------------------------------------------------- the expectation

def matches(request, wanted):
    """The request has, for each key of the filter, the one value or any of the list."""
    for key, value in wanted.items():
        values = value if isinstance(value, list) else [value]
        if getattr(request, key) is None or getattr(request, key) not in values:
            return False
    return True


def counted_requests(case, log):
    """The requests of users, at a time, that pass the filter."""
    # The tables of anonymous and opted-out ids belong to the doorway: a value is what its rows say.
    excluded = log.excluded() if case.value is None else set()
    return [r for r in log.requests if r.is_finite() and matches(r, case.filter) and d.is_user(r.user, excluded)]


def observed_until(case, log, now):
    """Where observation ends; by default any request of the log tells: of nobody, of any segment, filtered out too."""
    # A source's future rows are left unread; a value has taken them in, and ends no later than now.
    instants = [r.instant for r in log.requests if r.is_finite() and (case.value is not None or r.instant <= now)]
    return d.observation_end(instants, case.until, case.as_of, now)


def expected_rows(case, log, facts):
    """What the definitions answer; `facts` has the server's `now` and local_day(instant, zone)."""
    if case.args.get("clock") == "rolling" and case.args.get("period", "week") in ("quarter", "year"):
        raise ExpectedError("22023")
    args = dict(case.args)
    if case.readout in USES_WEEKS:
        args["week_start"] = log.week_start or "monday"
    end = observed_until(case, log, facts.now)
    # Of a log that has only future rows nothing has been observed.
    rows, groups = [], {} if end is None else segments(case, counted_requests(case, log))
    if case.readout == "seasonality" and not groups and case.by is None:
        rows += [{"segment": None, **row} if case.value is None else row for row in d.seasonality(d.Observation(), **args)]
    for segment, members in sorted(groups.items(), key=str):
        observation = d.observe(
            [(r.user, r.instant) for r in members], end, lambda i: facts.local_day(i, case.zone(log)),
            since=case.since, until=case.until, whole_days=case.value is not None)
        if case.readout == "seasonality" and case.by is not None and not observation.everything():
            continue                             # nothing of such a segment is read
        answer = READOUTS[case.readout](observation, **args)
        has_segment = case.value is None and case.readout != "cohort_table"
        rows += [{"segment": segment, **row} if has_segment else row for row in answer]
    return rows


def segments(case, users):
    """The requests of each segment: one log per value of the column or property, NULL too; or all under None."""
    logs = {}
    for request in users:
        logs.setdefault(getattr(request, case.by) if case.by else None, []).append(request)
    return logs


# --------------------------------------------------------------------------------------------------- random choices

def random_moment(rng, log, zone, early):
    """A moment about the log, mostly early or late in it: on a row, beside it, at a local midnight, anywhere."""
    span = max(log.last - log.first, DAY)
    instants = sorted(r.instant for r in log.requests if r.is_finite() and log.first <= r.instant <= log.last)
    if instants and rng.random() < 0.25:
        half = len(instants) // 2
        return rng.choice(instants[:half + 1] if early else instants[half:]) + rng.choice([-1, 0, 0, 1])
    likely = (-span // 8, span // 2) if early else (span // 3, span + span // 4 + 2)
    moment = log.first + rng.randrange(*(likely if rng.random() < 0.85 else (-span // 5, span + span // 4 + 2)))
    return local_midnight_by_zoneinfo(moment // DAY, zone) if rng.random() < 0.65 else moment


def random_args(rng, readout, span):
    """The readout's own arguments, some left to their defaults; small grains for short logs."""
    grains = d.GRAINS if span <= 70 else d.GRAINS[1:]
    args = {}
    if readout in ("active_users", "lifecycle", "churn_rate"):
        args["period"] = rng.choice(d.GRAINS if span <= 160 else grains)
    if readout == "seasonality":
        args["retained"] = rng.choice([(1, 1), (1, 7), (3, 40), (21, 27)])
    if readout == "stickiness":
        args["days"] = rng.choice([1, 2, 7, 28, 30, 90])
    if readout.startswith("retention"):
        args["cohort"] = rng.choice(d.GRAINS)
        args["period"] = rng.choice(grains)
        args["kind"] = rng.choice(d.KINDS)
        args["clock"] = rng.choice(d.CLOCKS)
        if rng.random() < 0.3:
            args["offsets"] = sorted(rng.sample([0, 1, 2, 3, 4, 5, 8, 12, 26, 1000], rng.randrange(1, 6)))
        if args["clock"] == "rolling" and args["period"] in ("quarter", "year") and rng.random() < 0.95:
            args["period"] = rng.choice(["week", "month"])
    return {name: value for name, value in args.items() if rng.random() < 0.9}


def random_filter(rng):
    chosen = {}
    if rng.random() < 0.7:
        chosen["model"] = rng.choice([MODELS[0], MODELS[2], list(MODELS[:2]), [MODELS[0], "none such"]])
    if not chosen or rng.random() < 0.4:
        chosen["tier"] = rng.choice([TIERS[0], TIERS[1], list(TIERS[:2])])
    return chosen


def random_case(rng, log):
    readout = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    args = random_args(rng, readout, (log.last - log.first) // DAY)
    timezone = rng.choice([None, log.zone, log.zone, rng.choice(ZONES)])
    near = timezone or log.default_zone or "UTC"

    def moment(chance, early=False):
        return random_moment(rng, log, near, early) if rng.random() < chance else None

    since, until = moment(0.35, early=True), moment(0.3)
    if since is not None and until is not None:
        since, until = min(since, until), max(since, until)
    case = Case(readout, args, timezone=timezone, since=since, until=until, as_of=moment(0.3))
    if rng.random() < 0.35:
        return replace(case, value=rng.choice(list(VALUES)))
    return replace(
        case, filter=random_filter(rng) if rng.random() < 0.25 else {},
        by=rng.choice(["model", "tier"]) if rng.random() < 0.25 and readout != "cohort_table" else None)
