"""One case about usage patterns: one call of one function over one log, as SQL and as expected rows; the laws of results."""

import math
from dataclasses import dataclass, replace

from oracle.kit.cases import Case, counted_requests, observed_until, random_filter, random_moment, segments
from oracle.kit.compare import by_segment, shown
from oracle.kit.days import DAY, HOUR, instant_text
from oracle.kit.definitions import first_day_of, index_of
from oracle.kit.logs import ZONES
from oracle.kit.runner import ExpectedError
from oracle.usage import definitions as ud

WEIGHTS = {"usage_patterns": 4, "peak_hours": 4, "usage_heatmap": 2, "feature_usage": 3, "model_usage": 2,
           "model_stickiness": 4, "model_switches": 3, "request_complexity": 4}
SUMMARIES = ("usage_patterns", "model_stickiness")           # which have a row even if there is nothing to tell
UNSEGMENTED = ("request_complexity",)
PERIODICAL = ("usage_patterns", "peak_hours", "feature_usage", "model_usage")


@dataclass(frozen=True)
class UsageCase(Case):
    """`value` is None: these functions have forms over logs only."""


def offsets(instants, zone, facts):
    """Local time minus UTC at each of the instants, by PostgreSQL's zone data."""
    if hasattr(facts, "offset"):
        return {instant: facts.offset(instant, zone) for instant in instants}
    known = facts.of_log.setdefault(zone, {})
    missing = sorted(set(instants) - known.keys())
    for at in range(0, len(missing), 2000):
        array = ",".join(f'"{instant_text(instant)}"' for instant in missing[at:at + 2000])
        lines = facts.server.run(
            f"SELECT (extract(epoch FROM (i AT TIME ZONE '{zone}') - (i AT TIME ZONE 'UTC')) * 1000000)::bigint "
            f"FROM unnest('{{{array}}}'::timestamptz[]) WITH ORDINALITY AS u(i, n) ORDER BY n")
        known.update(zip(missing[at:at + 2000], map(int, lines), strict=True))
    return known


def stretches(first, last, zone, facts):
    """(from, offset) of the ranges of constant offset between two instants: hour by hour, then to the microsecond."""
    grid = [*range(first, last, HOUR), last]
    known = offsets(grid, zone, facts)
    found = [(first, known[first])]
    for before, after in zip(grid, grid[1:]):
        if known[before] != known[after]:
            low, high = before, after
            while high - low > 1:
                middle = (low + high) // 2
                if offsets([middle], zone, facts)[middle] == known[before]:
                    low = middle
                else:
                    high = middle
            found.append((high, known[after]))
    return found


# ------------------------------------------------------------------------------------------------- the expectation

def requests_read(case, log, now):
    """The requests of users that pass the filter, from since to as_of and before until."""
    last = min(now, now if case.as_of is None else case.as_of)
    return [r for r in counted_requests(case, log) if r.instant <= last
            and (case.since is None or r.instant >= case.since) and (case.until is None or r.instant < case.until)]


def named(case, users):
    """The requests of each value of `per`."""
    return segments(replace(case, by=case.args.get("per")), users)


def began(case, log, now):
    """When each user began, in each segment and name: the first request ever, or `since` if that is later."""
    return {(segment, name): {user: max(min(r.instant for r in of_user), -math.inf if case.since is None else case.since)
                              for user, of_user in ud.by_key(of_name, lambda r: r.user).items()}
            for segment, members in segments(case, requests_read(replace(case, since=None), log, now)).items()
            for name, of_name in named(case, members).items()}


def spans(case, log, end, members, first, known):
    """The periods in which requests of a segment lie, with these, in order; all under ALL_TIME without `period`. `first` is
    the segment's first request."""
    if case.args.get("period") is None:
        return [(ud.ALL_TIME, members)]
    day = {instant: (instant + offset) // DAY for instant, offset in known.items()}
    settings = case.args["period"], log.week_start or "monday"
    whole_from = None if case.since is None else day[case.since] + (day[case.since - 1] == day[case.since])
    found = []
    for index, of_period in sorted(ud.by_key(members, lambda r: index_of(day[r.instant], *settings)).items()):
        start, after = first_day_of(index, *settings), first_day_of(index + 1, *settings)
        found.append((ud.Span(start, after, ud.is_complete(start, after, day[first], day[end], whole_from)), of_period))
    return found


def expected_rows(case, log, facts):
    """The rows by the definitions; `facts` has the server's `now`, and the server for offsets of zones."""
    if case.readout == "feature_usage" and log.feature_column is None:
        raise ExpectedError("42703")
    read = requests_read(case, log, facts.now)
    end = observed_until(case, log, facts.now)
    zone, least = case.zone(log), log.least or 1
    if case.readout == "model_stickiness":
        read = ud.with_model(read)               # a segment without any model is none
    groups = segments(case, read)
    if not groups and case.by is None and case.readout in SUMMARIES and not case.args:
        groups = {None: []}
    last = None if end is None else ud.last_moment(end, read)
    # How a log of all the past begins, and one that since cuts.
    past = replace(case, since=None) if case.readout == "usage_patterns" else case
    firsts = {segment: min(r.instant for r in members)
              for segment, members in segments(case, requests_read(past, log, facts.now)).items()}
    begins = began(case, log, facts.now) if case.readout == "usage_patterns" else {}
    known = dict(offsets([r.instant for r in read] + [last, end] * (last is not None) + list(firsts.values())
                         + [case.since, (case.since or 0) - 1] * (case.since is not None)
                         + [instant for of_users in begins.values() for instant in of_users.values()], zone, facts))
    rows = []
    for segment, members in sorted(groups.items(), key=lambda group: text_order(group[0])):
        for name, of_name in sorted(named(case, members).items(), key=lambda group: text_order(group[0])) or [(None, [])]:
            for span, of_span in spans(case, log, end, of_name, firsts.get(segment), known):
                uses = [log.use(r) for r in of_span]
                if case.readout == "peak_hours":
                    changes = stretches(firsts[segment], last, zone, facts)
                    begun = ud.hours_begun(firsts[segment], last, changes, span)
                    top = {"top": case.args["top"]} if "top" in case.args else {}
                    answer = ud.peak_hours(uses, begun, lambda i: i + known[i], least, **top)
                elif case.readout == "usage_patterns" and uses:
                    answer = ud.usage_patterns(uses, last, lambda i: i + known[i], least, begins[segment, name], span)
                else:
                    answer = READOUTS[case.readout](uses, last, lambda i: i + known[i], least)
                if case.readout in PERIODICAL:
                    of_period = ud.NO_PERIOD if span is ud.ALL_TIME else span.row()
                    first = {"usage_patterns": {"name": name}, "peak_hours": {}}.get(case.readout)
                    answer = [({"name": row["name"]} if first is None else first) | of_period | row for row in answer]
                rows += answer if case.readout in UNSEGMENTED else [{"segment": segment, **row} for row in answer]
    return rows


READOUTS = {
    "usage_patterns": lambda *args: ud.usage_patterns(*args),
    "usage_heatmap": lambda uses, last, local, least: ud.usage_heatmap(uses, local, least),
    "feature_usage": lambda uses, last, local, least: ud.usage_of(uses, lambda use: use.feature, least),
    "model_usage": lambda uses, last, local, least: ud.usage_of(uses, lambda use: use.model, least),
    "model_stickiness": lambda uses, last, local, least: ud.model_stickiness(uses, least),
    "model_switches": lambda uses, last, local, least: ud.model_switches(uses, least),
    "request_complexity": lambda uses, last, local, least: ud.request_complexity(uses, local)}


# -------------------------------------------------------------------------------------------------------- the laws

def text_order(text):
    return (text is None, (text or "").encode())


def by_requests(row):
    return (by_period(row), row["name"] is None, row["requests"] is None, -(row["requests"] or 0), text_order(row["name"]))


def by_period(row):
    return -math.inf if row["period_start"] is None else row["period_start"]


ORDERS = {
    "usage_patterns": lambda row: (text_order(row["name"]), by_period(row)),
    "peak_hours": lambda row: (by_period(row), row["hour"]),
    "usage_heatmap": lambda row: (row["weekday"], row["hour"]),
    "feature_usage": lambda row: by_requests(row),
    "model_usage": lambda row: by_requests(row),
    "model_stickiness": lambda row: (row["model"] is not None, text_order(row["model"])),
    "model_switches": lambda row: (row["switches"] is None, -(row["switches"] or 0), text_order(row["from_model"]),
                                   text_order(row["to_model"])),
    "request_complexity": lambda row: ()}


def broken_laws(case, log, rows, answer):
    """What must hold for any result, whatever the log: a line for each violation."""
    return [f"  broken law: {law}" for law in laws(case, log, rows, answer)]


def laws(case, log, rows, answer):
    in_order = sorted(rows, key=lambda row: (text_order(row.get("segment")), ORDERS[case.readout](row)))
    if [ORDERS[case.readout](row) for row in rows] != [ORDERS[case.readout](row) for row in in_order]:
        yield "rows in their order"
    if log.least is not None:
        return                                   # what is hidden does not add up

    def of(readout):
        """The rows of another function, by segment."""
        args = {name: value for name, value in case.args.items() if name == "period"}
        args = case.args if readout == case.readout else args if readout in PERIODICAL else {}
        return {group[0].get("segment"): group for group in by_segment(answer(replace(case, readout=readout, args=args)))}

    if case.readout in ("peak_hours", "usage_heatmap", "model_usage", "feature_usage"):
        patterns = of("usage_patterns")
        for group in (list(of_period) for of_segment in by_segment(rows) for of_period in ud.by_key(
                of_segment, lambda row: row.get("period_start")).values()):
            [whole] = [row for row in patterns[group[0]["segment"]] if row["period_start"] == group[0].get("period_start")]
            if sum(row["requests"] for row in group) != whole["requests"]:
                yield f"requests add up to those of usage_patterns: {shown(whole)}"
            if case.readout.startswith(("model", "feature")) and abs(sum(row["share"] for row in group) - 1) > 1e-9:
                yield "shares add up to 1"
    if case.readout == "usage_heatmap":
        hours = of("peak_hours")
        for group in by_segment(rows):
            for hour in hours[group[0]["segment"]]:
                if sum(row["requests"] for row in group if row["hour"] == hour["hour"]) != hour["requests"]:
                    yield f"the days' hours add up to those of peak_hours: {shown(hour)}"
    if case.readout == "model_stickiness":
        switches = of("model_switches")
        for group in by_segment(rows):
            away = sum(row["switches"] for row in switches.get(group[0]["segment"], []))
            if round(group[0]["transitions"] * (1 - (group[0]["stay_rate"] or 0))) != away:
                yield f"who does not stay, switches: {away} in {shown(group[0])}"
            if sum(row["transitions"] for row in group[1:]) != group[0]["transitions"]:
                yield f"transitions of the models add up in {shown(group[0])}"
    if case.readout == "request_complexity":
        for row in rows:
            if row["complexity"] is not None and not 0 < row["complexity"] < 1:
                yield f"0 < complexity < 1 in {shown(row)}"


# --------------------------------------------------------------------------------------------------- random choices

def random_usage_case(rng, log):
    readout = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    args = {"top": rng.choice([1, 2, 3, 5, 24])} if readout == "peak_hours" and rng.random() < 0.7 else {}
    if readout in PERIODICAL and rng.random() < 0.4:
        args["period"] = rng.choice(["day", "week", "month", "quarter"])
    if readout == "usage_patterns" and rng.random() < 0.3:
        args["per"] = rng.choice(["model", "tier"])
    timezone = rng.choice([None, log.zone, log.zone, rng.choice(ZONES)])
    near = timezone or log.default_zone or "UTC"

    def moment(chance, early=False):
        return random_moment(rng, log, near, early) if rng.random() < chance else None

    since, until = moment(0.35, early=True), moment(0.3)
    if since is not None and until is not None:
        since, until = min(since, until), max(since, until)
    return UsageCase(
        readout, args, timezone=timezone, since=since, until=until, as_of=moment(0.35),
        filter=random_filter(rng) if rng.random() < 0.25 else {},
        by=rng.choice(["model", "tier"]) if rng.random() < 0.3 and readout not in UNSEGMENTED else None)
