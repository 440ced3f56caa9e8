"""One case about user journeys: one call of one function over one log, as SQL and as expected rows; the laws of results."""

import json
import math
from dataclasses import dataclass, replace

from oracle.journey import definitions as jd
from oracle.kit.cases import Case, counted_requests, matches, observed_until, random_filter, random_moment, segments_of_users
from oracle.kit.days import DAY, HOUR, SECOND
from oracle.kit.definitions import is_user
from oracle.kit.logs import ZONES, literal
from oracle.kit.runner import ExpectedError
from oracle.sessions.cases import interval_literal, session_keys
from oracle.sessions.definitions import DEFAULT_GAP, DEFAULT_IDLE
from oracle.usage.logs import FEATURES

WEIGHTS = {"first_sessions": 4, "first_session_list": 4, "activation_milestones": 6, "feature_adoption": 5,
           "adoption_barriers": 5, "feature_timing": 3, "usage_evolution": 4, "usage_evolution_json": 2}
EVOLUTION = ("usage_evolution", "usage_evolution_json")                      # the same figures, as rows and as JSON
SESSIONS = ("first_sessions", "first_session_list", "activation_milestones", *EVOLUTION)
WITHOUT_SEGMENTS = ("first_session_list", "usage_evolution_json")
SIGNUPS = ("first_sessions", "first_session_list", "activation_milestones")
NEEDS_FEATURE = ("feature_adoption", "adoption_barriers", "feature_timing")


@dataclass(frozen=True)
class JourneyCase(Case):
    """`value` is None: these functions have forms over logs only."""

    gap: int | None = None
    idle: int | None = None
    signups: bool = False

    def sql(self, log):
        call = super().sql(log)
        if self.readout != "usage_evolution_json":
            return call
        if self.args.get("detailed"):
            figures = ", ".join(f"(w.value ->> '{name}')::{kind} AS {name}" for name, kind in jd.FIGURES_OF_A_WEEK.items())
        else:
            figures = ", ".join(f"{expression} AS {name}" for name, expression in jd.SHORT_OF_A_WEEK.items())
        call = call.replace("SELECT r.* FROM", f"SELECT substr(w.key, 6)::integer AS week, {figures} FROM")
        return f"{call}, LATERAL jsonb_each(r -> 'user_evolution') AS w"

    def limits(self, log):
        gap = self.gap if self.gap is not None else log.default_gap
        return DEFAULT_GAP if gap is None else gap, DEFAULT_IDLE if self.idle is None else self.idle

    def arguments(self):
        for name, value in super_arguments(self):
            yield name, value
        if self.signups:
            yield "signups", "'signups'"
        for name, value in (("session_gap", self.gap), ("max_idle", self.idle)):
            if value is not None:
                yield name, interval_literal(value)

    def simpler(self):
        yield from (case for case in super().simpler() if "feature" in case.args or "feature" not in self.args)
        for name, plain in (("gap", None), ("idle", None), ("signups", False)):
            if getattr(self, name) != plain:
                yield replace(self, **{name: plain})


def super_arguments(case):
    """The arguments of a case, its own ones as written in SQL."""
    for name, value in case.args.items():
        if name == "milestones":
            told = [{key: f"{of // SECOND} seconds" if key == "within" else of for key, of in milestone.items()}
                    for milestone in value]
            yield name, literal(json.dumps(told))
        elif name == "exposed":
            yield name, literal(json.dumps(value))
        elif isinstance(value, (list, tuple)):
            array = ",".join(json.dumps(one) if isinstance(one, str) else str(one) for one in value)
            yield name, literal("{" + array + "}")
        else:
            yield name, literal(value) if isinstance(value, str) else str(value)
    yield from replace(case, args={}).plain_arguments()


JourneyCase.plain_arguments = lambda case: Case.arguments(case)


# ----------------------------------------------------------------------------------------------------- the expectation

def day_starts(days, zone, facts):
    """The starts of local days, by PostgreSQL's zone data."""
    known = facts.of_log.setdefault(("starts", zone), {})
    missing = sorted(set(days) - known.keys())
    if missing:
        array = ",".join(map(str, missing))
        lines = facts.server.run(
            f"SELECT (extract(epoch FROM ((date '2000-01-01' + d)::timestamp AT TIME ZONE '{zone}') - timestamptz "
            f"'2000-01-01 00:00+00') * 1000000)::bigint FROM unnest('{{{array}}}'::int[]) WITH ORDINALITY AS u(d, n) ORDER BY n")
        known.update(zip(missing, map(int, lines), strict=True))
    return known


def expected_rows(case, log, facts):
    """The rows by the definitions; `facts` has the server's `now`, local_day(instant, zone), and keys of ids."""
    args, zone, least = dict(case.args), case.zone(log), log.least or 1
    if log.feature_column is None and (case.readout in NEEDS_FEATURE or args.get("advanced_features") is not None):
        raise ExpectedError("42703")
    last = min(facts.now, facts.now if case.as_of is None else case.as_of)
    told, exposed, by_value = args.pop("milestones", None), args.pop("exposed", None), args.pop("by_value", "first")
    filters = [milestone.get("filter", {}) for milestone in told or ()] + ([] if exposed is None else [exposed])
    filters += [milestone["from"] for milestone in told or () if "from" in milestone]
    read = [r for r in counted_requests(case, log) if r.instant <= last and (case.until is None or r.instant < case.until)]
    groups = {segment: [log.step(r, tuple(matches(r, wanted) for wanted in filters)) for r in members]
              for segment, members in segments_of_users(case, read, by_value).items()}
    end = observed_until(case, log, facts.now)
    end = facts.now if end is None else end      # a log without requests is seen until now
    gap, idle = case.limits(log)
    keys = session_keys(log, facts) if case.readout in SESSIONS else {}

    def key_of(user, session_id):
        return keys.get((user, session_id), 0) % 2**64

    def local_day(instant):
        return facts.local_day(instant, zone)

    signups = {}
    if case.signups:
        for user, at in log.signups:
            if not is_user(user, log.excluded()) or at > last:
                continue
            signups[user] = min(at, signups.get(user, at))
    waiting = signups if case.by is None else {}
    if case.readout in ("first_sessions", "first_session_list"):
        rows = {segment: jd.first_session_rows(steps, signups, end, case.since, gap, idle, key_of)
                for segment, steps in groups.items()}
        rows = {segment: [row for row in of if case.by is None or row["started_at"] is not None] for segment, of in rows.items()}
        if not rows and case.by is None:
            rows = {None: jd.first_session_rows([], waiting, end, case.since, gap, idle, key_of)}
        if case.readout == "first_session_list":
            return list(jd.first_session_list([row for of in rows.values() for row in of]))
        tells = any(row["features_discovered"] for of in rows.values() for row in of if row["started_at"] is not None)
        return [{"segment": segment, **jd.first_sessions(of, case.signups, tells, end, least)}
                for segment, of in rows.items() if of or case.by is None]
    if case.readout == "activation_milestones":
        return milestones(case, log, facts, groups, waiting, signups, told, end, gap, idle, key_of, local_day, least)
    scale = args.get("rating_scale")
    ratings = [s.rating for steps in groups.values() for s in steps if s.rating is not None and not math.isnan(s.rating)]
    panel, is_detailed = args.pop("panel", "all"), args.pop("detailed", False)
    if case.readout in EVOLUTION and scale and any(not scale[0] <= rating <= scale[1] for rating in ratings):
        raise ExpectedError("22023")
    answers = []
    for segment, steps in groups.items():
        if case.readout in EVOLUTION:
            tells = any(s.feature is not None for all_of in groups.values() for s in all_of)
            rows = jd.usage_evolution(steps, end, case.since, local_day, least, tells, gap, idle, key_of, **args)
        elif case.readout == "feature_adoption":
            rows = jd.feature_adoption(steps, end, case.since, local_day, least, exposed is not None, **args)
        else:
            rows = getattr(jd, case.readout)(steps, end, case.since, local_day, least, **args)
        if case.readout == "usage_evolution_json":
            return [{"week": row["week"]} | (jd.in_figures(row) if is_detailed
                                             else jd.in_short(row)) for row in rows if row["panel"] == panel]
        if case.readout == "usage_evolution":
            rows = [{name: row[name] for name in row if name != "names"} for row in rows]
        answers += [{"segment": segment, **row} for row in rows]
    return answers


def milestones(case, log, facts, groups, waiting, signups, told, end, gap, idle, key_of, local_day, least):
    advanced = case.args.get("advanced_features")
    zone, rows = case.zone(log), []
    names = [m["name"] for m in told] if told else [n for n in jd.STANDARD if advanced is not None or n != jd.STANDARD[2]]
    if not groups and case.by is None:
        groups = {None: []}
    for segment, steps in groups.items():
        of_users = jd.by(steps, lambda step: step.user)
        waits = {user for user, at in waiting.items() if user not in of_users and at <= end}
        people = []
        sessions = jd.by(jd.sessions_of(steps, gap, idle, key_of), lambda session: session.user)
        for user in [*of_users, *waits]:
            of_user = of_users.get(user, [])
            began = min([step.instant for step in of_user] + [signups[user] for _ in range(user in signups)])
            if case.since is not None and began < case.since:
                continue
            if told:
                people.append((began, list(jd.told_milestones(of_user, told, began, end))))
                continue
            first_day = local_day(began)
            starts = day_starts([first_day + 8, first_day + 14], zone, facts)
            people.append((began, list(jd.standard_milestones(
                of_user, sessions.get(user, []), began, advanced, local_day, starts.__getitem__, end))))
        unknown = () if told or not people or any(step.succeeded is not None for step in steps) else (jd.STANDARD[0],)
        if people or case.by is None:
            rows += [{"segment": segment, **row} for row in jd.milestone_rows(people, names, end, least, unknown)]
    return rows


# -------------------------------------------------------------------------------------------------------- the laws

def broken_laws(case, log, rows, answer):
    """What must hold for any result, whatever the log: a line for each violation."""
    return [f"  broken law: {law}" for law in laws(case, log, rows, answer)]


def laws(case, log, rows, answer):
    if case.readout == "first_session_list" and log.id_type != "bigint":
        listed = answer(replace(case, readout="session_list", args={}, signups=False))
        firsts = {row["user_id"]: row for row in listed if row["session_number"] == 1}
        for row in rows:
            first = firsts.get(row["user_id"])
            if row["started_at"] is not None and (first is None or any(
                    row[name] != first[name] for name in ("session_id", "started_at", "ended_at", "requests", "errors", "outcome"))):
                yield f"the first session is the first of session_list: {row['user_id']}"
    if case.readout == "feature_adoption" and log.least is None:
        for row in rows:
            if not row["power_users"] <= row["adopted_users"] <= row["eligible_users"] <= row["tried_users"] <= row["users"]:
                yield f"stages are nested: {row['feature']}"
            if row["aware_users"] is not None and row["aware_users"] < row["tried_users"]:
                yield f"who tries it is aware of it: {row['feature']}"


# --------------------------------------------------------------------------------------------------- random choices

def random_args(rng, readout):
    feature = rng.choice([*FEATURES[:3], "none such"])
    if readout == "activation_milestones":
        if rng.random() < 0.5:
            told = [{"name": name, "filter": random_filter(rng), "count": rng.choice([1, 1, 2, 3]),
                     "within": rng.choice([SECOND, HOUR, DAY, 7 * DAY, 14 * DAY])} for name in rng.sample(["a", "it's", "c"], 2)]
            for milestone in told:
                for key in ("filter", "count", "within"):
                    if rng.random() < 0.4:
                        del milestone[key]
                if rng.random() < 0.3:
                    milestone["from"] = random_filter(rng)
            return {"milestones": told}
        return {"advanced_features": rng.sample(["chat", "it's", "none such"], 2)} if rng.random() < 0.5 else {}
    if readout == "feature_adoption":
        args = {"min_days": rng.choice([1, 2, 3]), "within_days": rng.choice([3, 5, 7, 28]),
                "power_share": rng.choice([0, 0.1, 0.3, 0.5, 1]), "min_users": rng.choice([1, 2, 3, 10])}
        return args | ({"exposed": random_filter(rng)} if rng.random() < 0.4 else {})
    if readout == "adoption_barriers":
        return {"feature": feature, "min_days": rng.choice([1, 2]), "within_days": rng.choice([2, 3, 7]),
                "rating_scale": rng.choice([(0, 1), (0, 1), (0.5, 1), (0, 4)])}
    if readout == "feature_timing":
        return {"feature": feature, "landmarks": rng.choice([(1,), (1, 3), (2, 5, 9), (1, 3, 7, 14, 28)]),
                "horizon_days": rng.choice([7, 7, 8, 14])}
    if readout in EVOLUTION:
        args = {}
        if readout == "usage_evolution_json":
            args = {"panel": rng.choice(["all", "same_users"])} | ({"detailed": True} if rng.random() < 0.5 else {})
        return args | {"weeks": rng.choice([(1,), (1, 2), (2, 1, 2), (1, 4, 12), (3,)])} | (
            {"rating_scale": rng.choice([(0, 1), (0, 1), (-1, 1), (0.5, 1)])} if rng.random() < 0.7 else {})
    return {}


def random_journey_case(rng, log):
    readout = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    timezone = rng.choice([None, log.zone, log.zone, rng.choice(ZONES)]) if readout != "first_session_list" else None
    near = timezone or log.default_zone or "UTC"

    def moment(chance, early=False):
        return random_moment(rng, log, near, early) if rng.random() < chance else None

    since, until = moment(0.25, early=True), moment(0.2)
    if since is not None and until is not None:
        since, until = min(since, until), max(since, until)
    as_of = log.last + rng.choice([7, 8, 30, 90]) * DAY if rng.random() < 0.4 else moment(0.3)
    case = JourneyCase(
        readout, random_args(rng, readout), timezone=timezone, since=since, until=until, as_of=as_of,
        filter=random_filter(rng) if rng.random() < 0.2 else {},
        by=rng.choice(["model", "tier"]) if rng.random() < 0.25 and readout not in WITHOUT_SEGMENTS else None)
    if case.by is not None and rng.random() < 0.6:
        case = replace(case, args=case.args | {"by_value": rng.choice(["each", "first", "last"])})
    if readout in SESSIONS:
        case = replace(case, gap=rng.choice([log.gap, log.gap, None]), idle=rng.choice([log.idle, log.idle, None]))
    return replace(case, signups=readout in SIGNUPS and rng.random() < 0.5)
