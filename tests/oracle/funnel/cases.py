"""One case about funnels or paths: one call over one log, as SQL and as expected rows; the laws of results."""

import json
from dataclasses import dataclass, replace

from oracle.funnel import definitions as fd
from oracle.funnel.logs import FEATURES
from oracle.kit.cases import Case, counted_requests, observed_until, random_filter, segments
from oracle.kit.compare import by_segment, shown
from oracle.kit.days import DAY, SECOND
from oracle.kit.definitions import first_day_of, index_of
from oracle.kit.logs import literal
from oracle.kit.runner import ExpectedError

WEIGHTS = {"funnel": 6, "funnel_users": 4, "funnel_steps": 5, "paths": 3}
MODES = ["ordered", "strict_order", "strict_dedup", "strict_increase", "once", "unordered"]
OF_CLICKHOUSE = ["ordered", "strict_order", "strict_dedup", "strict_increase", "once", "allow_reentry"]
VALUES = {
    "whole": "(SELECT {call} FROM t)",
    "by model": "(SELECT user_metrics.rollup(part) FROM (SELECT {call} AS part FROM t GROUP BY model) p)",
    "by row": "(SELECT user_metrics.rollup(part) FROM (SELECT {call} AS part FROM t GROUP BY {time}, feature) p)"}


@dataclass(frozen=True)
class FunnelCase(Case):
    """`steps` are the letters that each step accepts; `excluded` the features excluded between steps."""

    steps: tuple = ()
    window: int = 0
    mode: str = "ordered"
    excluded: tuple = ()
    compatibility: str = "standard"
    named: bool = True
    start: tuple | None = None
    ends: tuple | None = None
    terms: tuple = ()                            # conditions on single steps, one for each step, or none

    WRITERS = {"max_gap": lambda gap: f"interval '{gap} microseconds'"}

    def names(self):
        if self.mode == "unordered" and (self.value is None or not self.named):
            return [f"any {number} of {len(self.steps)}" for number, _ in enumerate(self.steps, 1)]
        return [f"{step}!" if self.named else f"step {number}" for number, step in enumerate(self.steps, 1)]

    def features(self, step):
        return [feature for feature in FEATURES if step in feature] if len(step) == 1 else [step]

    def interval(self):
        return f"interval '{self.window} microseconds'"

    def arguments(self):
        if self.readout in ("funnel", "funnel_users"):
            steps = [{"name": name} if self.named else {} for name in self.names()]
            for step, letter in zip(steps, self.steps):
                features = self.features(letter)
                step["filter"] = {"feature": features if len(features) > 1 else features[0]}
                if self.mode == "unordered" and self.named:
                    step["name"] = "not told"
            for step, term in zip(steps, self.terms):
                lengths = {"within": term.within, "after": term.after or None}
                step |= {name: f"{length // SECOND} seconds" for name, length in lengths.items() if length is not None}
                step |= {name: True for name in ("optional", "entry") if getattr(term, name)}
            yield "steps", literal(json.dumps(steps))
            yield "within", self.interval()
            yield "mode", literal(self.mode)
            if self.excluded:
                yield "exclude", literal(json.dumps({"feature": list(self.excluded)}))
            yield "compatibility", literal(self.compatibility)
        if self.readout == "funnel_steps":
            if self.named:
                yield "steps", "ARRAY[" + ", ".join(literal(name) for name in self.names()) + "]"
            yield "compatibility", literal(self.compatibility)
        if self.readout == "paths" and self.start is not None:
            yield "start_event", literal(json.dumps({"feature": list(self.start)}))
        if self.readout == "paths" and self.ends is not None:
            yield "end_event", literal(json.dumps({"feature": list(self.ends)}))
        yield from super().arguments()

    def value_sql(self, log):
        def is_one_of(features):
            return "feature IN (" + ", ".join(map(literal, features)) + ")"

        conditions = ", ".join(is_one_of(self.features(step)) for step in self.steps)
        arguments = [log.user_column, log.time_column, f"ARRAY[{conditions}]", self.interval()]
        if self.mode != "ordered" or self.excluded:
            arguments.append(literal(self.mode))
        if self.excluded:
            arguments.append(is_one_of(self.excluded))
        return VALUES[self.value].format(call=f"user_metrics.funnel({', '.join(arguments)})", time=log.time_column)

    def simpler(self):
        yield from super().simpler()
        if len(self.steps) > 1:
            yield replace(self, steps=self.steps[:-1], terms=self.terms[:-1])
        if self.terms:
            yield replace(self, terms=())
            for n in range(len(self.terms)):
                yield replace(self, terms=(*self.terms[:n], fd.Term(), *self.terms[n + 1:]))
        if self.excluded:
            yield replace(self, excluded=())
        if self.mode != "ordered":
            yield replace(self, mode="ordered")
        for name in ("start", "ends"):
            if getattr(self, name) is not None:
                yield replace(self, **{name: None})


# ------------------------------------------------------------------------------------------------- the expectation

def requests_read(case, log, now):
    """The requests of users that pass the filter, from since to as_of; until limits those of paths, and who enters a funnel."""
    last = min(now, now if case.as_of is None else case.as_of)
    if case.value is None and None not in (case.since, case.until) and case.until <= case.since:
        return []
    return [r for r in counted_requests(case, log) if r.instant <= last
            and (case.since is None or r.instant >= case.since)
            and (case.readout != "paths" or case.until is None or r.instant < case.until)]


def entry_limit(case):
    return fd.FOREVER if case.until is None else case.until


def journeys_of(case, requests, end):
    """For each user the steps reached."""
    events = {}
    for r in requests:
        steps = frozenset(n for n, step in enumerate(case.steps, 1) if r.feature in case.features(step))
        events.setdefault(r.user, []).append(fd.Event(r.instant, steps, r.feature in case.excluded))
    return {user: fd.journey(own, len(case.steps), case.window, end, case.mode, case.compatibility, entry_limit(case),
                             case.terms) for user, own in events.items()}


def kept(case, requests):
    """Whether a funnel keeps any of these requests before until: a segment without any has no row."""
    requests = [r for r in requests if r.instant < entry_limit(case)]
    features = {feature for step in case.steps for feature in case.features(step)} | set(case.excluded)
    return bool(requests) and (case.mode in ("strict_order", "allow_reentry") or any(r.feature in features for r in requests))


def expected_rows(case, log, facts):
    """The rows by the definitions; `facts` has the server's `now`."""
    read, least = requests_read(case, log, facts.now), log.least or 1
    if case.readout == "paths":
        return expected_paths(case, log, read, least, observed_until(case, log, facts.now))
    if case.value is not None and not log.requests:
        return fd.funnel([], case.names() if case.named else [])
    if case.excluded and case.compatibility == "clickhouse" and case.value is None:
        raise ExpectedError("22023")
    if case.mode not in (OF_CLICKHOUSE if case.compatibility == "clickhouse" else MODES):
        raise ExpectedError("22023")
    if has_terms(case) and not are_possible(case):
        raise ExpectedError("22023")
    end = observed_until(replace(case, until=None), log, facts.now)
    if case.readout == "funnel_users":
        return fd.funnel_users(journeys_of(case, read, end), case.names(), case.terms)
    if case.value is not None:
        return fd.funnel(list(journeys_of(case, read, end).values()), case.names(), least)
    if case.args.get("by_value", "first").startswith("step ") and (
            case.mode == "unordered" or not 1 <= int(case.args["by_value"][5:]) <= len(case.steps)):
        raise ExpectedError("22023")
    return expected_funnel(case, log, read, least, end)


def has_terms(case):
    return any(term != fd.Term() for term in case.terms)


def are_possible(case):
    first = case.terms[0]
    return (case.mode == "ordered" and case.compatibility == "standard"
            and first.within is None and not first.after and not first.optional
            and all(term.after <= case.window and (term.within is None or term.after <= term.within) for term in case.terms))


def expected_funnel(case, log, read, least, end):
    """A funnel for each segment and period. A period counts who enters in it, as `since` and `until` of the period would."""
    by_value, grain = case.args.get("by_value", "first"), case.args.get("period")
    began = min((r.instant for r in read), default=None)
    groups = {}
    for value, requests in (segments(case, read) if by_value == "each" else {None: read}).items():
        people = {}
        for r in requests:
            people.setdefault(r.user, []).append(r)
        for own in people.values():
            if not kept(case, own):
                continue
            limit, spans = entry_limit(case), {None: (-fd.FOREVER, fd.FOREVER)}
            if grain:
                spans = {}
                for r in own:
                    number = index_of(r.instant // DAY, grain)
                    start, stop = first_day_of(number, grain), first_day_of(number + 1, grain)
                    spans[start] = (start * DAY, stop * DAY)
            for period, (start, stop) in spans.items():
                shown = [r for r in own if r.instant >= start]
                enters = replace(case, until=min(stop, limit))
                journey = next(iter(journeys_of(enters, shown, end).values()))
                if period is None or journey.reached:
                    segment = value if case.by is None or by_value == "each" else told_value(case, own, journey)
                    groups.setdefault((segment, period), []).append(journey)
    if not groups and case.by is None and grain is None:
        groups = {(None, None): []}
    rows = []
    for (segment, period), journeys in sorted(groups.items(), key=lambda item: (*text_order(item[0]), item[0][1] or 0)):
        complete = None
        if period is not None:
            stop = first_day_of(index_of(period, grain) + 1, grain) * DAY
            complete = (case.since is None or case.since <= period * DAY) and stop <= entry_limit(case) \
                and began // DAY <= period and stop - 1 + case.window < end
        rows += [{"segment": segment, "period_start": period, "complete": complete, **row}
                 for row in fd.funnel(journeys, case.names(), least, case.terms)]
    return rows


def told_value(case, requests, journey):
    """The value of `by` that a user is counted under, of those told: of several at one instant the greatest."""
    def told(r):
        value = getattr(r, case.by)
        return value if value is not None and value.strip(" \t\n\x0b\x0c\r") else None

    def greatest(of):
        return max((told(r).encode() for r in of if told(r) is not None), default=b"").decode() or None

    known, by_value = [r for r in requests if told(r) is not None], case.args.get("by_value", "first")
    if by_value == "last":
        return max(((r.instant, told(r).encode()) for r in known), default=(0, b""))[1].decode() or None
    if by_value == "first":
        first = min((r.instant for r in known), default=None)
        return greatest(r for r in known if r.instant == first)
    number = int(by_value[5:])
    if journey.at(number) is None:
        return None
    return greatest(r for r in requests if r.instant == journey.at(number)
                 and r.feature in case.features(case.steps[number - 1]))


def text_order(item):
    return (item[0] is None, (item[0] or "").encode())


def with_segment(segment, rows):
    return [{"segment": segment, **row} for row in rows]


def expected_paths(case, log, read, least, end):
    rows = []
    for segment, requests in sorted(segments(case, read).items(), key=text_order):
        people = {}
        for r in requests:
            people.setdefault(r.user, []).append(r)

        def order(r):
            known = r.request_id if log.id_column else None
            return (r.instant, known is None, len(known or ""), (known or "").encode(), (r.feature or "").encode())

        ordered = [[(r.instant, r.feature, case.start is None or r.feature in case.start, r.feature in (case.ends or ()))
                    for r in sorted(own, key=order)] for own in people.values()]
        rows += with_segment(segment, fd.paths(ordered, case.args.get("depth", 5), end, least, case.start is not None,
                                               case.ends is not None, case.args.get("max_gap")))
    return rows


# -------------------------------------------------------------------------------------------------------- the laws

def broken_laws(case, log, rows, answer):
    """What must hold for any result, whatever the log: a line for each violation."""
    return [f"  broken law: {law}" for law in laws(case, log, rows, answer)]


def laws(case, log, rows, answer):
    if log.least is not None:
        return                                   # what is hidden does not add up
    if case.readout in ("funnel", "funnel_steps"):
        for group in by_segment(rows):
            for before, row in zip(group, group[1:]):
                if row["step_number"] == 1 or case.terms:
                    continue
                if before["users"] != row["users"] + row["dropped_users"] + row["open_users"]:
                    yield f"who reached a step reached the next, dropped or may still: {shown(row)}"
        if case.value is None and case.by is None and "period" not in case.args:
            people = answer(replace(case, readout="funnel_users"))
            for row in rows:
                told = [p["status"] for p in people if p["step_number"] == row["step_number"]]
                counts = tuple(told.count(status) for status in ("completed", "dropped", "open"))
                if counts != (row["users"], row["dropped_users"], row["open_users"]):
                    yield f"funnel counts whom funnel_users names: {counts} in {shown(row)}"
    if case.readout == "paths":
        for group in by_segment(rows):
            here = "to_feature" if case.ends is None else "from_feature"
            for step in range(1, max(row["step"] for row in group)):
                arrived = sum(row["users"] for row in group if row["step"] == step and row[here] is not None)
                went_on = sum(row["users"] for row in group if row["step"] == step + 1)
                if arrived != went_on:
                    yield f"who arrives at move {step + 1} is told there: {arrived}, {went_on}"


# --------------------------------------------------------------------------------------------------- random choices

def with_random_terms(rng, log, case):
    """The case with conditions on single steps, mostly possible ones. They are whole seconds."""
    def term(is_first):
        if is_first and rng.random() < 0.97:
            return fd.Term(entry=rng.random() < 0.1)
        within, after = (rng.choice(lengths) * log.unit if log.unit >= SECOND and rng.random() < chance else None
                         for lengths, chance in (([1, 2, 3, 5, 8], 0.5), ([1, 1, 2, 3], 0.35)))
        if after is not None and within is not None and rng.random() < 0.97:
            within = max(within, after)
        return fd.Term(within, after or 0, rng.random() < 0.4, rng.random() < 0.3)

    terms = tuple(term(n == 0) for n, _ in enumerate(case.steps))
    if all(term == fd.Term() for term in terms):
        return case
    window = case.window if rng.random() < 0.05 else max(case.window, *(term.after for term in terms), 0)
    usual = {"mode": "ordered", "compatibility": "standard"} if rng.random() < 0.96 else {}
    return replace(case, terms=terms, window=window, **usual)


def random_funnel_case(rng, log):
    readout = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    span = max(log.last - log.first, log.unit)

    def moment(chance):
        at = log.first + rng.randrange(-1, span // log.unit + 12) * log.unit + rng.choice([-1, 0, 0, 0, 1])
        return at if rng.random() < chance else None

    since, until = moment(0.2), moment(0.2)
    if since is not None and until is not None:
        since, until = min(since, until), max(since, until)
    times = {"since": since, "until": until, "as_of": moment(0.5)}
    by = rng.choice(["model", "tier"]) if rng.random() < 0.25 else None
    only = random_filter(rng) if rng.random() < 0.15 else {}
    if readout == "paths":
        start = rng.choice([None, None, ("a",), ("b", "bc"), ("nothing",)])
        args = {"depth": rng.choice([1, 2, 3, 9])} if rng.random() < 0.7 else {}
        if rng.random() < 0.4:
            args["max_gap"] = rng.choice([0, 1, 2, 5]) * log.unit
        ends = rng.choice([None, None, ("c",), ("a", "x"), ("nothing",)])
        return FunnelCase(readout, args, **times, filter=only, by=by, start=start, ends=ends)
    clickhouse = rng.random() < 0.3
    steps = rng.choice([("a",), ("a", "b"), ("a", "b", "c"), ("a", "b", "c"), ("a", "b", "c", "d"), ("a", "a"), ("a", "a", "b"),
                        ("b", "a", "b"), ("c", "b", "a"), ("a", "ab", "b")])
    case = FunnelCase(
        readout, {}, **times, steps=steps, window=max(rng.choice([0, 1, 2, 3, 5, 8, 30]) * log.unit + rng.choice([-1, 0, 0, 0, 1]), 0),
        mode=rng.choice(OF_CLICKHOUSE if clickhouse else MODES), named=rng.random() < 0.7,
        compatibility="clickhouse" if clickhouse else "standard",
        excluded=rng.choice([("x",), ("x", "c"), ("b",), ("abc",)]) if rng.random() < 0.3 and not clickhouse else ())
    if rng.random() < 0.02:
        case = replace(case, mode=rng.choice(["unordered", "allow_reentry"]), compatibility=rng.choice(["standard", "clickhouse"]))
    if readout != "funnel_steps" and rng.random() < 0.4:
        case = with_random_terms(rng, log, case)
    if readout == "funnel_steps":
        return replace(case, value=rng.choice(list(VALUES)))
    if readout == "funnel":
        if by is not None and rng.random() < 0.8:
            case.args["by_value"] = rng.choice(["first", "last", "each", "each", "step 1", "step 2", "step 3"])
        if rng.random() < 0.3:
            case.args["period"] = rng.choice(["day", "day", "week", "month"])
    return replace(case, filter=only, by=by if readout == "funnel" else None)
