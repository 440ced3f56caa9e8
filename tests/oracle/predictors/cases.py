"""One case about predictors: one call over one log, its SQL, its expected rows, the laws of results."""

import json
from dataclasses import dataclass, replace

from oracle.kit.cases import Case, matches, observed_until, random_times, segments_of_users
from oracle.kit.compare import by_segment, shown
from oracle.kit.days import DAY, day_text
from oracle.kit.logs import MODELS, TIERS, literal
from oracle.kit.runner import ExpectedError
from oracle.predictors import definitions as d
from oracle.usage.cases import requests_read

WEIGHTS = {"retention_drivers": 3, "churn_indicators": 2, "activation_threshold": 3}


@dataclass(frozen=True)
class PredictorCase(Case):
    """`value` is None: these functions have forms over logs only."""

    WRITERS = {"behaviours": lambda own: literal(json.dumps([{"name": n, "filter": f} for n, f in own])),
               "action": lambda wanted: literal(json.dumps(wanted)), "landmark": lambda day: literal(day_text(day)),
               "adjust": lambda names: literal("{" + ",".join(names) + "}")}


def expected_rows(case, log, facts):
    """The rows by the definitions; `facts` has the server's `now` and local_day(instant, zone)."""
    args = dict(case.args)
    early, retained = args.get("early_days", args.get("max_days", 7)), args.get("retained", (21, 27))
    if case.readout != "churn_indicators" and not early <= retained[0] <= retained[1]:
        raise ExpectedError("22023")
    end = observed_until(case, log, facts.now)
    zone, least = case.zone(log), log.least or 1
    # Requests before `since` tell which users are new.
    read = requests_read(replace(case, since=None), log, facts.now)
    if not read or end is None:
        return [d.nobody(args["min_users"])] if case.readout == "activation_threshold" and not case.by else []
    own, adjust, by_value = args.pop("behaviours", []), args.pop("adjust", []), args.pop("by_value", "first")

    def day(instant):
        return facts.local_day(instant, zone)

    shown_from = -10**9
    if case.since is not None:
        shown_from = day(case.since) + (day(case.since - 1) == day(case.since))
    rows = []
    groups = segments_of_users(case, read, by_value)
    for segment, members in sorted(groups.items(), key=lambda s: (s[0] is None, (s[0] or "").encode())):
        uses = [replace(log.use(r), marks=tuple(n for n, wanted in own if matches(r, wanted)), adjust=values_of(r, adjust))
                for r in members]
        if case.readout == "activation_threshold":
            of_action = args.get("action")
            acts = {id(use) for use, r in zip(uses, members) if of_action is None or matches(r, of_action)}
            args["is_action"], args["key"] = (lambda use, acts=acts: id(use) in acts), log.key
            answer = d.activation_threshold(uses, day, day(end), shown_from, least, **args)
        else:
            answer = getattr(d, case.readout)(uses, day, day(end), shown_from, least, **args)
        rows += [{"segment": segment, **row} for row in answer]
    return rows


def values_of(request, names):
    values = tuple(getattr(request, name) for name in names)
    return None if all(value is None for value in values) else values


RANKS = ("clear", "volume", "unclear", None)


def broken_laws(case, log, rows, answer):
    """What must hold for any result, whatever the log: a line for each violation."""
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


def random_predictor_case(rng, log):
    readout = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    args = {"min_users": rng.choice([1, 1, 1, 2, 3])}
    if readout == "retention_drivers":
        args["early_days"] = rng.choice([1, 2, 3, 5, 7])
        begin = args["early_days"] + rng.choice([0, 0, 1, 5, 20, -1 if rng.random() < 0.1 else 0])
        args["retained"] = (begin, begin + rng.choice([0, 2, 6, 30]))
    elif readout == "activation_threshold":
        args |= {"min_users": rng.choice([1, 5, 20]), "max_days": rng.choice([1, 3, 5, 5, 5, 15]),
                 "max_requests": rng.choice([1, 4, 10, 10]), "seed": rng.choice([1, 1, -5, 2**62])}
        args["retained"] = rng.choice([(6, 8), (6, 8), (5, 30)]) if args["max_days"] <= 5 else (15, 21)
        if rng.random() < 0.3:
            args["action"] = rng.choice([{"model": MODELS[0]}, {"model": "none such"}, {}])
    else:
        args |= {"window_days": rng.choice([2, 5, 28, 90]), "gap_days": rng.choice([0, 1, 7]),
                 "churn_days": rng.choice([1, 5, 28])}
        if rng.random() < 0.5:
            args["landmark"] = rng.randrange(log.first // DAY, log.last // DAY + 2)
    if rng.random() < 0.3 and readout != "activation_threshold":
        wanted = [("modern", {"model": MODELS[0]}), ("tiers", {"tier": list(TIERS[:2])}), ("any", {})]
        args["behaviours"] = rng.sample(wanted, rng.choice([1, 2, 3]))
    if rng.random() < 0.4 and readout != "activation_threshold":
        args["adjust"] = rng.choice([["tier"], ["model"], ["tier", "model"]])
    by = rng.choice(["model", "tier"]) if rng.random() < 0.25 else None
    if by is not None and rng.random() < 0.6:
        args["by_value"] = rng.choice(["each", "first", "last"])
    return PredictorCase(readout, args, by=by, **random_times(rng, log))
