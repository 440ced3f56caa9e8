"""One case about a single user: one call of one function over one log, as SQL and as expected rows; the laws of results."""

import json
from dataclasses import dataclass, replace

from oracle.kit.cases import Case, counted_requests, observed_until, random_filter, random_moment
from oracle.kit.days import DAY, HOUR, instant_text
from oracle.kit.logs import ZONES, literal
from oracle.kit.runner import ExpectedError
from oracle.segments import definitions as segd
from oracle.sessions import definitions as sd
from oracle.usage import definitions as ud
from oracle.usage.cases import began as usage_began
from oracle.usage.cases import offsets, requests_read, stretches
from oracle.users import definitions as d

WEIGHTS = {"user_metrics_row": 6, "user_profile": 3, "preferred_models": 5, "preferred_model_list": 1, "favorite_features": 3,
           "benchmark_users": 4, "benchmark_user": 2, "plan_usage": 4,
           "user_properties": 2, "property_history": 2}
OF_ONE = ("user_metrics_row", "user_profile")                 # the same figures, as a row and as JSON
OF_ALL = ("benchmark_users", "plan_usage", "user_properties", "property_history")  # which name no user
CANDIDATES = [["gpt-4o", "claude"], ["o3/openai", "gpt-4o/openai", "nobody's"], ["none", "such"],
              ["gpt-4o", "gpt-4o/openai", "claude", "it's"], ["claude/azure", "gpt-4o/azure", "claude/openai", "o3/"]]
PLANS = [{"free": {"monthly_request_limit": 2, "features": ["chat"], "support_level": "community"},
          "pro": {"monthly_request_limit": "unlimited", "features": ["code", "all"]}},
         {"free": {"monthly_request_limit": 0}, "pro": {"monthly_request_limit": 5, "features": []}}, {"none such": {}},
         {"free": {"limit": 1, "every": "day"}, "pro": {"limit": 2, "every": "week", "features": "*"}},
         {"free": {"limit": 4, "of": "tokens", "every": "week", "anchor": 3}, "pro": {"limit": 100, "of": "tokens", "anchor": 31}},
         {"free": {"limit": 1.75, "of": "cost_usd", "anchor": "first_request"},
          "pro": {"limit": 3, "every": "week", "anchor": "first_request", "features": ["code"]}}]
PLAN_COLUMNS = ", ".join("r." + name for name in (
    "user_id", "plan", "period_start", "complete", "requests", "refused_requests", "unit", "used", "plan_limit", "used_share",
    "projected", "first_day_over_limit", "out_of_plan_requests", "reason"))


@dataclass(frozen=True)
class UserCase(Case):
    """`user` is the user of the call."""

    user: str | None = None

    def sql(self, log):
        call = super().sql(log)
        if self.readout == "preferred_model_list":
            return call.replace("SELECT r.* FROM", "SELECT r AS list FROM")
        if self.readout == "plan_usage":
            return call.replace("SELECT r.* FROM", f"SELECT {PLAN_COLUMNS}, r.details ->> 'support_level' AS details FROM")
        if self.readout == "user_profile":
            figures = ", ".join(f"{expression} AS {name}" for name, expression in d.PROFILE.items())
            return call.replace("SELECT r.* FROM", f"SELECT {figures} FROM")
        return call

    def simpler(self):
        needed = {"plans", "property"} & set(self.args)
        yield from (case for case in super().simpler() if needed <= set(case.args))

    def arguments(self):
        if self.readout not in OF_ALL:
            yield "user_id", literal(self.user)
        for name, value in self.args.items():
            if isinstance(value, bool):
                yield name, str(value).lower()
            elif isinstance(value, dict):
                yield name, literal(json.dumps(value))
            elif isinstance(value, list):
                yield name, "ARRAY[" + ", ".join(map(literal, value)) + "]::text[]"
            else:
                yield name, str(value) if isinstance(value, int) else literal(value)
        yield from ((name, text) for name, text in replace(self, args={}).plain_arguments()
                    if name != "timezone" or self.readout not in ("user_properties", "property_history"))

    def plain_arguments(self):
        yield from ((name, literal(instant_text(getattr(self, name)))) for name in ("since", "until", "as_of")
                    if getattr(self, name) is not None)
        yield from ((name, text) for name, text in super().arguments() if name in ("filter", "timezone"))


# ------------------------------------------------------------------------------------------------- the expectation

def read(case, log, now):
    """The requests of the case, as the definitions read them."""
    return [d.Request(log.use(r), log.turn(r), log.rating(r), r.tier, r.provider if log.provider_column else None)
            for r in requests_read(case, log, now)]


def expected_rows(case, log, facts):
    """The rows by the definitions; `facts` has the server's `now`, and the server for offsets of zones."""
    try:
        return known_rows(case, log, facts)
    except d.Doubtful:
        return None


def began(case, log, now):
    """When each user began: the first request ever, or `since` if that is later."""
    return next(iter(usage_began(replace(case, by=None), log, now).values()), {})


def known_rows(case, log, facts):
    if case.readout == "favorite_features" and log.feature_column is None:
        raise ExpectedError("42703")
    if case.readout == "plan_usage":
        return plan_usage(case, log, facts)
    everybody = read(case, log, facts.now)
    if case.readout == "user_properties":
        return d.user_properties(everybody)
    if case.readout == "property_history":
        return d.property_history(read(replace(case, since=None), log, facts.now) if not is_empty(case) else [], case.since)
    mine = [r for r in everybody if r.use.user == case.user]
    least, zone = log.least or 1, case.zone(log)
    gap, idle = sd.DEFAULT_GAP if log.default_gap is None else log.default_gap, sd.DEFAULT_IDLE
    of_log = observed_until(case, log, facts.now)
    moments = [r.use.instant for r in everybody]
    if of_log is not None:
        moments += [max([of_log - 1, *moments])]
    known = offsets(moments, zone, facts)

    def local(instant):
        return instant + (known[instant] if instant in known else offsets([instant], zone, facts)[instant])

    if case.readout == "favorite_features":
        return d.favorite_features(mine, everybody, local, least, **case.args)
    if case.readout == "preferred_models":
        return d.preferred_models(mine, local, **case.args)
    if case.readout == "preferred_model_list":
        names = [row["model"] for row in d.preferred_models(mine, local, **case.args)]
        return [{"list": ",".join(names) if names else None}]
    if case.readout in ("benchmark_users", "benchmark_user"):
        return benchmark(case, everybody, of_log, local, gap, idle, least, **case.args, began=began(case, log, facts.now))
    rows = row(case, log, facts, everybody, mine, of_log, local, gap, idle, least)
    if case.readout == "user_profile":
        return [d.profile(rows[0], case.args.get("benchmark", True)) if rows else dict.fromkeys(d.PROFILE)]
    return rows


def plan_usage(case, log, facts):
    """Requests before `since` determine the plan, and count in a month that `since` cuts."""
    everybody = read(replace(case, since=None), log, facts.now) if not is_empty(case) else []
    zone, end = case.zone(log), observed_until(case, log, facts.now)
    if end is not None and end >= facts.now:
        raise d.Doubtful                         # what is projected from the present differs from call to call
    if "user_id" in case.args:
        if case.until is None and case.as_of is None:
            raise d.Doubtful                     # then the present is the end
        everybody = [r for r in everybody if r.use.user == case.args["user_id"]]
    known = offsets([r.use.instant for r in everybody], zone, facts)
    return d.plan_usage(everybody, end, case.since, lambda i: i + known[i], lambda day: midnight(day, zone, facts),
                        case.args["plans"], log.week_start or "monday")


def is_empty(case):
    return case.since is not None and case.until is not None and case.since >= case.until


def midnight(day, zone, facts):
    """The first instant from which on local time is at that midnight or later."""
    near = range(day * DAY - 26 * HOUR, day * DAY + 27 * HOUR, HOUR // 4)
    known = offsets(list(near), zone, facts)
    found = {local: at for at in near for local in [at + known[at]]}
    if day * DAY in found:
        return found[day * DAY]                  # the later one where it comes twice
    raise d.Doubtful


def benchmark(case, everybody, end, local, gap, idle, least, **args):
    rows = d.benchmark(everybody, end, local, gap, idle, least, **args) if everybody else []
    if case.readout == "benchmark_user":
        return [{name: row[name] for name in row if name != "user_id"} for row in rows if row["user_id"] == case.user]
    return rows


def row(case, log, facts, everybody, mine, of_log, local, gap, idle, least):
    if not mine:
        return []
    whole = case.args.get("benchmark", True)
    ends = [moment for moment in (case.as_of, case.until) if moment is not None]
    # Results that depend on the present to the second are only compared in cases with an end of observation.
    end = of_log if whole else min([ends[0] if ends else facts.now, *([case.until] if case.until else []), facts.now])
    zone = case.zone(log)
    first, last = min(r.use.instant for r in mine), max([end - 1, *(r.use.instant for r in mine)])
    begun = ud.hours_begun(first, last, stretches(first, last, zone, facts))
    since = began(case, log, facts.now)
    habits = d.habits(mine, end, begun, local, gap, idle, since[case.user])
    lists = {name: case.args[name] for name in ("candidates", "fallback") if name in case.args}
    preferred = d.preferred_models(mine, local, **lists)
    speed, quality = d.tradeoff(d.models_of(mine, local))
    segment, beside = None, {}
    if whole:
        requests = [(r.user, r.instant) for r in counted_requests(case, log)]
        rows = segd.segment_users(requests, of_log, lambda i: local(i) // DAY, since=case.since, until=case.until)
        if any(r["decline_p"] and abs(r["decline_p"] - 0.05) < 1e-9 for r in rows):
            raise d.Doubtful
        segment = segd.segment_user(rows, case.user)[0]["segment"]
        peers = {name: case.args[name] for name in ("peers",) if name in case.args}
        beside = {r["metric"]: r for r in d.benchmark(everybody, of_log, local, gap, idle, least, **peers, began=since)
                  if r["user_id"] == case.user}
    figures = {}
    for metric in d.METRICS:
        of_metric = beside.get(metric, {})
        figures |= {metric: of_metric.get("value"), f"{metric}_peer_median": of_metric.get("peer_median"),
                    f"{metric}_percentile": of_metric.get("percentile")}
    return [{"segment": segment, **habits,
             "preferred_models": ",".join(r["model"] for r in preferred) if preferred else None,
             "prefers_speed": speed if preferred else None, "prefers_quality": quality if preferred else None,
             **figures, **({"peers": {metric: beside.get(metric, {}).get("peer_users") for metric in d.METRICS}}
                           if case.readout == "user_profile" else {}),
             "peer_users": beside.get(d.METRICS[0], {}).get("peer_users")}]


# -------------------------------------------------------------------------------------------------------- the laws

def broken_laws(case, log, rows, answer):
    """What must hold for any result, whatever the log: a line for each violation."""
    return [f"  broken law: {law}" for law in laws(case, log, rows, answer)]


def laws(case, log, rows, answer):
    if case.readout == "benchmark_users":
        figures = [(row["user_id"], row["metric"]) for row in rows]
        if len(figures) != len(set(figures)):
            yield "every figure of every user once"
        for row in rows:
            if row["percentile"] is not None and not 0 <= row["percentile"] <= 1:
                yield f"0 <= percentile <= 1 in {row}"
            if (row["percentile"] is None) != (row["peer_median"] is None):
                yield f"a median where there is a percentile in {row}"
    if case.readout in ("preferred_models", "favorite_features"):
        if [row["place"] for row in rows] != list(range(1, len(rows) + 1)):
            yield "places 1, 2, 3 ..."
    if case.readout == "user_metrics_row" and case.args.get("benchmark", True) and rows:
        [row] = rows
        listed = answer(UserCase("benchmark_user", {k: v for k, v in case.args.items() if k == "peers"}, user=case.user,
                                 timezone=case.timezone, since=case.since, until=case.until, as_of=case.as_of, filter=case.filter))
        for of_metric in listed:
            if row[of_metric["metric"]] != of_metric["value"]:
                yield f"the figures of benchmark_user: {of_metric}"


# --------------------------------------------------------------------------------------------------- random choices

def random_args(rng, readout, log):
    args = {}
    if readout in (*OF_ONE, "preferred_models", "preferred_model_list"):
        args |= {name: rng.choice(CANDIDATES) for name, chance in (("candidates", 0.4), ("fallback", 0.3))
                 if rng.random() < chance}
    if readout in (*OF_ONE, "benchmark_users", "benchmark_user") and rng.random() < 0.4:
        args["peers"] = "tier"
    if readout in OF_ONE and rng.random() < 0.5:
        args["benchmark"] = rng.random() < 0.3
    if readout.startswith("benchmark") and rng.random() < 0.8:
        args["min_peers"] = rng.choice([1, 1, 2, 3])
    if readout == "plan_usage":
        args |= {"plans": rng.choice(PLANS), "plan_property": "tier"}
        if rng.random() < 0.2:
            args["user_id"] = rng.choice([r.user for r in log.requests if r.user is not None] or ["nobody"])
    if readout == "property_history":
        args["property"] = "tier"
    if readout == "favorite_features" and rng.random() < 0.5:
        args["top"] = rng.choice([1, 2, 5])
    return args


def random_user_case(rng, log):
    readout = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    args = random_args(rng, readout, log)
    timezone = rng.choice([None, log.zone, log.zone, rng.choice(ZONES)])
    near = timezone or log.default_zone or "UTC"
    rare = 0.08 if readout == "preferred_models" else 0.25         # a choice takes long to show
    since = random_moment(rng, log, near, True) if rng.random() < rare else None
    until = random_moment(rng, log, near, False) if rng.random() < rare else None
    as_of = random_moment(rng, log, near, False) if rng.random() < rare or args.get("benchmark") is False else None
    if since is not None and until is not None:
        since, until = min(since, until), max(since, until)
    people = [r.user for r in log.requests if r.user is not None]
    return UserCase(
        readout, args, timezone=timezone, since=since, until=until, as_of=as_of,
        filter=random_filter(rng) if rng.random() < rare else {}, user=None if readout in OF_ALL else (
            rng.choice(log.choosers) if log.choosers and rng.random() < 0.6 else rng.choice([*people, *people, "none such", "5", " "])))
