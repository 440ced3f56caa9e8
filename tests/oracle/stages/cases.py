"""One case about lifecycle stages: one call over one log, its SQL, its expected rows, the laws of results."""

import json
from dataclasses import dataclass, replace

from oracle.kit.cases import Case, matches, observed_until, random_times
from oracle.kit.compare import shown
from oracle.kit.logs import MODELS, literal
from oracle.stages import definitions as d
from oracle.usage.cases import requests_read

WEIGHTS = {"lifecycle_stage": 3, "lifecycle_transitions": 3, "acquisition": 2}


@dataclass(frozen=True)
class StageCase(Case):
    """`value` is None: these functions have forms over logs only."""

    WRITERS = {"tiers": lambda tiers: literal("{" + ",".join(tiers) + "}"),
               "premium": lambda wanted: literal(json.dumps(wanted))}


def expected_rows(case, log, facts):
    """The rows by the definitions; `facts` has the server's `now` and local_day(instant, zone)."""
    end = observed_until(case, log, facts.now)
    # Requests before `since` tell which users are new.
    read = requests_read(replace(case, since=None), log, facts.now)
    if not read or end is None:
        return []
    zone, least = case.zone(log), log.least or 1
    args, uses = dict(case.args), [log.use(r) for r in read]
    # The log has the property `tier` only, not the default properties.
    asked = args.pop("tier_property", None) or args.pop("source_property", None)
    value_of = {id(use): r.tier if asked == "tier" else None for use, r in zip(uses, read)}

    def day(instant):
        return facts.local_day(instant, zone)

    def tier_of(use):
        return value_of[id(use)]

    if case.readout == "acquisition":
        wanted = args.get("premium")
        premium = {id(use) for use, r in zip(uses, read) if wanted is None or matches(r, wanted)}
        return d.acquisition(uses, day, end, case.since, tier_of, lambda use: id(use) in premium, least, **args)
    if case.readout == "lifecycle_transitions":
        return d.lifecycle_transitions(uses, day, end, case.since, tier_of, least, log.week_start or "monday", **args)
    return d.lifecycle_stage(uses, day, end, case.since, tier_of, **args)


def broken_laws(case, log, rows, answer):
    """What must hold for any result, whatever the log: a line for each violation."""
    return [f"  broken law: {law}" for law in LAWS[case.readout](rows)]


def laws_of_stages(rows):
    if len({row["user_id"] for row in rows}) < len(rows):
        yield "one row a user"
    for row in rows:
        if row["stage"] not in d.STAGES:
            yield f"no such stage in {shown(row)}"
        if (row["stage"] in ("lapsed", "dormant")) != (row["recent_requests"] == 0):
            yield f"lapsed or dormant is who has no recent request in {shown(row)}"
        if row["first_seen"] > row["last_seen"]:
            yield f"first seen before last seen in {shown(row)}"


def laws_of_transitions(rows):
    shares = {}
    for row in rows:
        shares.setdefault((row["period_start"], row["from_stage"]), []).append(row["share"])
    for left, of_stage in shares.items():
        if None not in of_stage and abs(sum(of_stage) - 1) > 1e-9:
            yield f"the shares of {left} add up to 1"


def laws_of_sources(rows):
    users = [row["users"] for row in rows if row["source_value"] is not None]
    if None not in users and users != sorted(users, reverse=True):
        yield "the largest source first"
    if None in [row["source_value"] for row in rows[:-1]]:
        yield "those of no known source last"


LAWS = {"lifecycle_stage": laws_of_stages, "lifecycle_transitions": laws_of_transitions, "acquisition": laws_of_sources}


def random_stage_case(rng, log):
    readout = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    if readout == "acquisition":
        args = {"source_property": "tier"} | ({"premium": {"model": MODELS[1]}} if rng.random() < 0.7 else {})
        if rng.random() < 0.4:
            args["premium_days"] = rng.choice([1, 2, 7, 14, 60])
    else:
        args = {"tiers": ["free", "pro"], "tier_property": "tier"} if rng.random() < 0.6 else {}
    if readout == "lifecycle_transitions":
        args["period"] = rng.choice(["week", "month", "month", "quarter"])
    return StageCase(readout, args, **random_times(rng, log))
