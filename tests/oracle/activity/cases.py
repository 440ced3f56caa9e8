"""One case about activity: one call of a function over one log, as SQL and as expected rows; the laws of results."""

import json
from dataclasses import dataclass, replace

from oracle.activity import definitions as d
from oracle.kit.cases import (Case, counted_requests, is_seen, matches, observed_until, random_filter, random_moment,
                               segments_of_users)
from oracle.kit.compare import by_segment, shown
from oracle.kit.days import DAY, day_text
from oracle.kit.definitions import GRAINS, first_day_of, index_of
from oracle.kit.logs import ZONES, literal
from oracle.kit.runner import ExpectedError

READOUTS = {
    "active_users": d.active_users, "engagement": d.engagement, "lifecycle": d.lifecycle, "churn_rate": d.churn_rate, "seasonality": d.seasonality,
    "stickiness": d.stickiness, "retention_matrix": d.retention_matrix, "retention_curve": d.retention_curve,
    "cohort_table": d.cohort_table, "active_user_list": d.active_user_list, "lifecycle_users": d.lifecycle_users,
    "retention_users": d.retention_users}
WEIGHTS = {"active_users": 3, "engagement": 3, "lifecycle": 4, "churn_rate": 3, "seasonality": 3, "stickiness": 3, "retention_matrix": 9,
           "retention_curve": 4, "cohort_table": 2, "active_user_list": 2, "lifecycle_users": 3, "retention_users": 5}
# Lists of users, by the function that counts them; each needs the cell that it lists.
LISTS = {"active_user_list": "active_users", "lifecycle_users": "lifecycle", "retention_users": "retention_matrix"}
CELLS = ("period_start", "period_number")
USES_WEEKS = ("active_users", "lifecycle", "churn_rate", "retention_matrix", "retention_curve", *LISTS)
# Whose default is that a user belongs to the segment of their first value.
ONE_SEGMENT = ("lifecycle", "churn_rate", "seasonality", "retention_matrix", "retention_curve", "lifecycle_users",
               "retention_users")
EVENTS = ("start_event", "return_event", "min_requests")
# How an activity value is built: in one pass, or merged from parts that share users and days.
VALUES = {
    "whole": "(SELECT user_metrics.activity({row}) FROM t)",
    "by model": "(SELECT user_metrics.rollup(part) FROM (SELECT user_metrics.activity({row}) AS part FROM t "
                "GROUP BY model) p)",
    "by row": "(SELECT user_metrics.rollup(part) FROM (SELECT user_metrics.activity({row}) AS part FROM t "
              "GROUP BY {time}) p)"}


@dataclass(frozen=True)
class ActivityCase(Case):
    """`value` is None for a call over the table, or a key of VALUES for a call over an activity value."""

    WRITERS = dict.fromkeys(("period_start", "cohort_start"), lambda day: literal(day_text(day))) | {
               "start_event": lambda wanted: literal(json.dumps(wanted)),
               "return_event": lambda wanted: literal(json.dumps(wanted)),
               "brackets": lambda ranges: literal("{" + ",".join(f"{a}-{b}" if a < b else f"{a}" for a, b in ranges) + "}")}

    def value_sql(self, log):
        row = f"{log.user_column}, {log.time_column}" + (f", {literal(self.timezone)}" if self.timezone else "")
        return VALUES[self.value].format(row=row, time=log.time_column)

    def simpler(self):
        """A list is of a cell."""
        return (case for case in super().simpler() if all(name in case.args for name in CELLS if name in self.args))


# ------------------------------------------------------------------------------------------------- the expectation

def expected_rows(case, log, facts):
    """The rows by the definitions; `facts` has the server's `now` and local_day(instant, zone)."""
    if case.args.get("clock") in ("rolling", "24_hours") and case.args.get("period", "week") in ("quarter", "year"):
        raise ExpectedError("22023")
    if case.args.get("clock") == "24_hours" and case.value is not None:
        raise ExpectedError("22023")
    args = dict(case.args)
    by_value = args.pop("by_value", "first" if case.readout in ONE_SEGMENT else "each")
    events = [args.pop(name, None) for name in EVENTS[:2]]
    if case.readout in USES_WEEKS:
        args["week_start"] = (log.week_start or "monday", int(log.year_start or 1))
    for name, grain in (("period_start", "period"), ("cohort_start", "cohort")):
        if name in args and not is_first_day(args[name], args.get(grain, "day" if case.readout == "active_user_list" else "week"),
                                             args["week_start"]):
            raise ExpectedError("22023")
    if "period_number" in args and args["period_number"] not in dict(args.get("brackets", [(args["period_number"], 0)])):
        raise ExpectedError("22023")
    end = observed_until(case, log, facts.now)
    # In a log with future rows only, nothing has been observed.
    rows, groups = [], {} if end is None else segments_of_users(
        case, counted_requests(case, log), by_value, lambda request: is_seen(case, request, end))
    if case.readout == "seasonality" and not groups and case.by is None:
        rows += [{"segment": None, **row} if case.value is None else row for row in d.seasonality(d.Observation(), **args)]
    for segment, members in sorted(groups.items(), key=str):
        observation = d.observe(
            [(r.user, r.instant) for r in members], end, lambda i: facts.local_day(i, case.zone(log)),
            since=case.since, until=case.until, whole_days=case.value is not None)
        if case.readout == "seasonality" and case.by is not None and not observation.everything():
            continue                             # nothing of such a segment is read
        if case.readout.startswith("retention") and case.value is None:
            args["comings"] = [
                d.Coming(r.user, facts.local_day(r.instant, case.zone(log)), r.instant, *(
                    event is None or matches(r, event) for event in events))
                for r in members if is_seen(case, r, end)]
        answer = READOUTS[case.readout](observation, **args)
        has_segment = case.value is None and case.readout != "cohort_table"
        rows += [{"segment": segment, **row} if has_segment else row for row in answer]
    return rows


def is_first_day(day, grain, week_start):
    return first_day_of(index_of(day, grain, week_start), grain, week_start) == day


# -------------------------------------------------------------------------------------------------------- the laws

def broken_laws(case, _log, rows, answer):
    """What must hold for any result, whatever the log: a line for each violation."""
    if case.readout in LISTS:
        yield from not_the_count(case, rows, answer)
        return
    yield from laws(case.readout, rows, has_events=any(name in case.args for name in EVENTS))
    if case.readout == "retention_curve":
        yield from not_the_sum(rows, answer(replace(case, readout="retention_matrix")))


def not_the_count(case, rows, answer):
    """A list has as many users as the figure says, of each kind."""
    args = {k: v for k, v in case.args.items() if k not in (*CELLS, "cohort_start", "state")}
    if case.readout == "retention_users" and "brackets" not in args:
        args["offsets"] = [case.args["period_number"]]
    figures = answer(replace(case, readout=LISTS[case.readout], args=args))
    if case.readout == "retention_users":
        figures = [row for row in figures if row["period_number"] == case.args["period_number"]
                   and case.args.get("cohort_start") in (None, row["cohort_start"])]
        kinds = {"cohort_users": lambda _: True, "eligible_users": lambda row: row["eligible"], "retained_users": lambda row: row["retained"]}
        same = lambda row, figure: row["cohort_start"] == figure["cohort_start"]
    else:
        figures = [row for row in figures if row["period_start"] == case.args["period_start"]]
        kinds = {"active_users": lambda _: True, "new_users": lambda row: row["is_new"]} if case.readout == "active_user_list" else {
            f"{state}_users": lambda row, state=state: row["state"] == state for state in ("new", "retained", "resurrected", "churned")
            if case.args.get("state") in (None, state)}
        same = lambda row, figure: True
    for figure in figures:
        own = [row for row in rows if row["segment"] == figure["segment"] and same(row, figure)]
        for name, is_of in kinds.items():
            if sum(map(bool, map(is_of, own))) != (figure[name] or 0):
                yield f"  broken law: {name} are listed in {shown(figure)}"
    if rows and not figures:
        yield "  broken law: a list of the users of no cell"


def not_the_sum(curve, matrix):
    """D57: the curve is the sum of the matrix of the same call."""
    sums = matrix_sums(matrix)
    for row in curve:
        sum_of = sums.get((row.get("segment"), row["period_number"]), [0, 0])
        if sum_of != [row["eligible_users"], row["retained_users"] or 0]:
            yield f"  broken law: the matrix adds up to {sum_of} for {row}"


def matrix_sums(rows):
    """D57: the curve by summation of a matrix: {(segment, number): [eligible, retained]}."""
    sums = {}
    for row in rows:
        sum_of = sums.setdefault((row.get("segment"), row["period_number"]), [0, 0])
        sum_of[0] += row["eligible_users"]
        sum_of[1] += row["retained_users"] or 0
    return sums


def laws(readout, rows, has_events=False):
    check = {"active_users": active_users_laws, "lifecycle": lifecycle_laws, "churn_rate": lambda rows: (), "seasonality": lambda rows: (), "engagement": engagement_laws,
             "stickiness": stickiness_laws, "retention_matrix": retention_laws, "retention_curve": retention_laws,
             "cohort_table": cohort_table_laws}[readout]
    if has_events and check is retention_laws:
        check = rate_laws
    return [f"  broken law: {law}" for group in by_segment(rows) for law in check(group)]


def active_users_laws(rows):
    for row in rows:
        if row["active_users"] != row["new_users"] + row["returning_users"]:
            yield f"active = new + returning in {shown(row)}"


def lifecycle_laws(rows):
    """D5."""
    previous = None
    for row in sorted(rows, key=lambda row: row["period_start"]):
        if row["active_users"] != row["new_users"] + row["retained_users"] + row["resurrected_users"]:
            yield f"active = new + retained + resurrected in {shown(row)}"
        # Of a period cut by `since` only a part is shown; all of it is known.
        if previous and previous["complete"] and row["churned_users"] is not None:
            if row["retained_users"] + row["churned_users"] != previous["active_users"]:
                yield f"retained + churned = previous active in {shown(row)}"
        if row["churned_users"] is not None and not row["complete"]:
            yield f"churn is known only in complete periods in {shown(row)}"
        if previous and previous["complete"] and row["complete"] and row["churned_users"] is None:
            yield f"churn is known after a complete period in {shown(row)}"
        previous = row


def engagement_laws(rows):
    for row in rows:
        if not row["daily_users"] <= row["weekly_users"] <= row["monthly_users"]:
            yield f"daily <= weekly <= monthly in {shown(row)}"


def stickiness_laws(rows):
    rows = sorted(rows, key=lambda row: row["active_days"])
    for row, following in zip(rows, [*rows[1:], {"users_at_least": 0}]):
        if row["users_at_least"] - following["users_at_least"] != row["users"]:
            yield f"users = users_at_least - the next users_at_least in {shown(row)}"
    if rows and rows[0]["share"] is not None and abs(sum(row["share"] for row in rows) - 1) > 1e-9:
        yield "shares sum to 1"


def rate_laws(rows):
    """D54, D55."""
    for row in rows:
        everybody = row["eligible_users"] == row["cohort_users"]
        # A cohort may have been cut; all of them together are not.
        if row["complete"] and not everybody or "cohort_start" not in row and everybody != row["complete"]:
            yield f"complete = everybody is eligible in {shown(row)}"
        if (row["eligible_users"] == 0) != (row["retention_rate"] is None):
            yield f"a rate exactly where somebody is eligible in {shown(row)}"
        if row["retention_rate"] is not None:
            if not 0 <= row["rate_low"] <= row["retention_rate"] <= row["rate_high"] <= 1:
                yield f"0 <= low <= rate <= high <= 1 in {shown(row)}"


def retention_laws(rows):
    """D55, without conditions on starts and returns."""
    yield from rate_laws(rows)
    for row in rows:
        if row["period_number"] == 0 and row["retention_rate"] not in (None, 1):
            yield f"in period 0 everybody is retained in {shown(row)}"


def cohort_table_laws(rows):
    for row in rows:
        if row["week_1"] not in (None, 1):
            yield f"week_1 = 1 in {shown(row)}"


# --------------------------------------------------------------------------------------------------- random choices

def random_args(rng, readout, span):
    """The function's own arguments, some left at their defaults; small grains for short logs."""
    grains = GRAINS if span <= 70 else GRAINS[1:]
    args = {}
    if readout in ("active_users", "lifecycle", "churn_rate", "active_user_list", "lifecycle_users"):
        args["period"] = rng.choice(GRAINS if span <= 160 else grains)
    if readout == "seasonality":
        args["retained"] = rng.choice([(1, 1), (1, 7), (3, 40), (21, 27)])
    if readout == "stickiness":
        args["days"] = rng.choice([1, 2, 7, 28, 30, 90])
    if readout.startswith("retention"):
        args["cohort"] = rng.choice(GRAINS)
        args["period"] = rng.choice(grains)
        args["kind"] = rng.choice(d.KINDS)
        args["clock"] = rng.choice(d.CLOCKS)
        if rng.random() < 0.3:
            args["offsets"] = sorted(rng.sample([0, 1, 2, 3, 4, 5, 8, 12, 26, 1000], rng.randrange(1, 6)))
        args["cohorts"] = rng.choice(["first", "recurring"])
        if rng.random() < 0.25:
            bounds = sorted(rng.sample(range(40), 2 * rng.randrange(1, 4)))
            args = {k: v for k, v in args.items() if k not in ("kind", "offsets")}
            args["brackets"] = list(zip(bounds[::2], bounds[1::2])) + rng.choice([[], [(50, 50)]])
        if readout == "retention_users":
            args.pop("offsets", None)
        if args["clock"] != "calendar" and args["period"] in ("quarter", "year") and rng.random() < 0.95:
            args["period"] = rng.choice(["week", "month"])
    return {name: value for name, value in args.items() if rng.random() < 0.9}


def random_cell(rng, log, readout, args):
    """The cell of a list."""
    week_start = (log.week_start or "monday", int(log.year_start or 1))

    def random_start(grain):
        day = rng.randrange(log.first // DAY - 3, log.last // DAY + 9)
        return day if rng.random() < 0.05 else first_day_of(index_of(day, grain, week_start), grain, week_start)

    if readout != "retention_users":
        cell = {"period_start": random_start(args.get("period", "day" if readout == "active_user_list" else "week"))}
        if readout == "lifecycle_users" and rng.random() < 0.4:
            cell["state"] = rng.choice(["new", "retained", "resurrected", "churned"])
        return cell
    numbers = [first for first, _ in args["brackets"]] if "brackets" in args and rng.random() < 0.95 else [0, 1, 1, 2, 3, 5]
    cell = {"period_number": rng.choice(numbers)}
    if rng.random() < 0.4:
        cell["cohort_start"] = random_start(args.get("cohort", "week"))
    return cell


def random_case(rng, log):
    readout = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    args = random_args(rng, readout, (log.last - log.first) // DAY)
    if readout in LISTS:
        args |= random_cell(rng, log, readout, args)
    timezone = rng.choice([None, log.zone, log.zone, rng.choice(ZONES)])
    near = timezone or log.default_zone or "UTC"

    def moment(chance, early=False):
        return random_moment(rng, log, near, early) if rng.random() < chance else None

    since, until = moment(0.35, early=True), moment(0.3)
    if since is not None and until is not None:
        since, until = min(since, until), max(since, until)
    case = ActivityCase(readout, args, timezone=timezone, since=since, until=until, as_of=moment(0.3))
    if rng.random() < 0.35 and readout not in LISTS:
        return replace(case, value=rng.choice(list(VALUES)))
    args = dict(args)
    if readout.startswith("retention"):
        for event in EVENTS[:2]:
            if rng.random() < 0.25:
                args[event] = random_filter(rng)
        if rng.random() < 0.2:
            args["min_requests"] = rng.choice([1, 2, 3])
    by = rng.choice(["model", "tier"]) if rng.random() < 0.35 and readout != "cohort_table" else None
    if by and rng.random() < 0.7:
        args["by_value"] = rng.choice(["each", "first", "last"])
    return replace(case, args=args, filter=random_filter(rng) if rng.random() < 0.25 else {}, by=by)
