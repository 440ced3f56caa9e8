"""One case about what goes with staying or leaving: one call over one log, as SQL and as an expectation; the laws of answers."""

import json
from dataclasses import dataclass, replace

import driver_definitions as dd
import stage_definitions as sd
from cases import Case, matches, observed_until, random_filter, random_moment, segments
from compare import by_segment, shown
from days import DAY, day_text
from logs import MODELS, TIERS, ZONES, literal
from runner import ExpectedError
from usage_cases import requests_read

WEIGHTS = {"retention_drivers": 3, "churn_indicators": 2, "activation_threshold": 3, "lifecycle_stage": 3,
           "lifecycle_transitions": 3, "acquisition": 2}
OF_STAGES = ("lifecycle_stage", "lifecycle_transitions", "acquisition")


@dataclass(frozen=True)
class DriverCase(Case):
    """`value` is None: such comparisons are made over logs only."""

    def arguments(self):
        writers = {"tiers": lambda tiers: literal("{" + ",".join(tiers) + "}"), "tier_property": literal, "period": literal,
                   "source_property": literal, "premium": lambda wanted: literal(json.dumps(wanted)), "retained": lambda days: literal("{" + ",".join(map(str, days)) + "}"),
                   "behaviours": lambda own: literal(json.dumps([{"name": n, "filter": f} for n, f in own])),
                   "action": lambda wanted: literal(json.dumps(wanted)), "landmark": lambda day: literal(day_text(day))}
        for name, value in self.args.items():
            yield name, writers[name](value) if name in writers else str(value)
        yield from replace(self, args={}).plain_arguments()

    def plain_arguments(self):
        return Case.arguments(self)


def expected_rows(case, log, facts):
    """What the definitions answer; `facts` has the server's `now` and local_day(instant, zone)."""
    args = dict(case.args)
    early, retained = args.get("early_days", args.get("max_days", 7)), args.get("retained", (21, 27))
    if case.readout not in ("churn_indicators", *OF_STAGES) and not early <= retained[0] <= retained[1]:
        raise ExpectedError("22023")
    end = observed_until(case, log, facts.now)
    zone, least = case.zone(log), log.least or 1
    # The past before `since` says who is new.
    read = requests_read(replace(case, since=None), log, facts.now)
    if not read or end is None:
        return [dd.nobody(args["min_users"])] if case.readout == "activation_threshold" and not case.by else []
    own = args.pop("behaviours", [])
    if case.readout in OF_STAGES:
        return stage_rows(case, log, read, lambda instant: facts.local_day(instant, zone), end, least)

    def day(instant):
        return facts.local_day(instant, zone)

    shown_from = -10**9
    if case.since is not None:
        shown_from = day(case.since) + (day(case.since - 1) == day(case.since))
    rows = []
    for segment, members in sorted(segments(case, read).items(), key=lambda s: (s[0] is None, (s[0] or "").encode())):
        uses = [replace(log.use(r), marks=tuple(n for n, wanted in own if matches(r, wanted))) for r in members]
        if case.readout == "activation_threshold":
            of_action = args.get("action")
            acts = {id(use) for use, r in zip(uses, members) if of_action is None or matches(r, of_action)}
            args["is_action"], args["key"] = (lambda use, acts=acts: id(use) in acts), log.key
            answer = dd.activation_threshold(uses, day, day(end), shown_from, least, **args)
        else:
            answer = getattr(dd, case.readout)(uses, day, day(end), shown_from, least, **args)
        rows += [{"segment": segment, **row} for row in answer]
    return rows


def stage_rows(case, log, read, day, end, least):
    """The same of the functions about stages."""
    args, uses = dict(case.args), [log.use(r) for r in read]
    value_of = {id(use): r.tier for use, r in zip(uses, read)}
    for name in ("tier_property", "source_property"):
        args.pop(name, None)
    if case.readout == "acquisition":
        wanted = args.get("premium")
        premium = {id(use) for use, r in zip(uses, read) if wanted is None or matches(r, wanted)}
        return sd.acquisition(uses, day, end, case.since, lambda use: value_of[id(use)], lambda use: id(use) in premium, least, **args)
    if case.readout == "lifecycle_transitions":
        return sd.lifecycle_transitions(uses, day, end, case.since, lambda use: value_of[id(use)], least,
                                        log.week_start or "monday", **args)
    return sd.lifecycle_stage(uses, day, end, case.since, lambda use: value_of[id(use)], **args)


RANKS = ("clear", "volume", "unclear", None)


def broken_laws(case, log, rows, answer):
    """What must hold of any answer, whatever the log: lines that say where it does not."""
    return [f"  broken law: {law}" for law in laws(rows)]


def laws(rows):
    for group in by_segment(rows if rows and "evidence" in rows[0] else []):
        if None not in [row["evidence"] for row in group]:
            order = [(RANKS.index(row["evidence"]), -abs(-1.0 if row["adjusted_difference"] is None
                                                         else round(row["adjusted_difference"], 9))) for row in group]
            if any(a[0] > b[0] for a, b in zip(order, order[1:])):
                yield "the best supported come first"
        for row in group:
            if row["difference"] is not None and not (
                    -1 <= row["difference_low"] <= row["difference"] + 1e-12
                    and row["difference"] - 1e-12 <= row["difference_high"] <= 1):
                yield f"-1 <= low <= difference <= high <= 1 in {shown(row)}"
            if row["q_value"] is not None and not row["p_value"] <= row["q_value"] + 1e-15 <= 1 + 1e-12:
                yield f"p <= q <= 1 in {shown(row)}"


def random_driver_case(rng, log):
    readout = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    args = {"min_users": rng.choice([1, 1, 1, 2, 3])}
    if readout == "retention_drivers":
        args["early_days"] = rng.choice([1, 2, 3, 5, 7])
        begin = args["early_days"] + rng.choice([0, 0, 1, 5, 20, -1 if rng.random() < 0.1 else 0])
        args["retained"] = (begin, begin + rng.choice([0, 2, 6, 30]))
    elif readout == "acquisition":
        args = {"source_property": "tier"} | ({"premium": {"model": MODELS[1]}} if rng.random() < 0.5 else {})
    elif readout in OF_STAGES:
        args = {"tiers": ["free", "pro"], "tier_property": "tier"} if rng.random() < 0.6 else {}
        if readout == "lifecycle_transitions":
            args["period"] = rng.choice(["week", "month", "month", "quarter"])
    elif readout == "activation_threshold":
        args |= {"min_users": rng.choice([1, 5, 20]), "max_days": rng.choice([1, 3, 5, 5, 5, 15]),
                 "max_requests": rng.choice([1, 4, 10, 10]), "seed": rng.choice([1, 1, -5, 2**62])}
        args["retained"] = rng.choice([(6, 8), (6, 8), (5, 30)]) if args["max_days"] <= 5 else (15, 21)
        if rng.random() < 0.3:
            args["action"] = rng.choice([{"model": MODELS[0]}, {"model": "none such"}, {}])
    else:
        args |= {"window_days": rng.choice([2, 5, 28, 90]), "gap_days": rng.choice([0, 1, 7]), "churn_days": rng.choice([1, 5, 28])}
        if rng.random() < 0.5:
            args["landmark"] = rng.randrange(log.first // DAY, log.last // DAY + 2)
    if rng.random() < 0.3 and readout in ("retention_drivers", "churn_indicators"):
        wanted = [("modern", {"model": MODELS[0]}), ("tiers", {"tier": list(TIERS[:2])}), ("any", {})]
        args["behaviours"] = rng.sample(wanted, rng.choice([1, 2, 3]))
    timezone = rng.choice([None, log.zone, log.zone, rng.choice(ZONES)])
    near = timezone or log.default_zone or "UTC"

    def moment(chance, early=False):
        return random_moment(rng, log, near, early) if rng.random() < chance else None

    since, until = moment(0.2, early=True), moment(0.2)
    if since is not None and until is not None:
        since, until = min(since, until), max(since, until)
    return DriverCase(
        readout, args, timezone=timezone, since=since, until=until, as_of=moment(0.25),
        filter=random_filter(rng) if rng.random() < 0.15 else {},
        by=rng.choice(["model", "tier"]) if rng.random() < 0.25 and readout not in OF_STAGES else None)
