"""The definition of each metric of a single user, in plain Python.

The reference, like activity's definitions. Numbers are those of the project's definitions:

    D10, D11, D13, D14  a user's habits     D77  preferred models     D78-D81  a user beside their peers
    D36  usage against the limits of plans

A `Request` is a row as the log is read. Numbers that may be on either side of a threshold by rounding are marked as
doubtful: the result is then not compared.
"""

import math
from collections import namedtuple
from fractions import Fraction
from statistics import fmean

from oracle.kit.days import DAY, date_of, month_length
from oracle.kit.definitions import A_WEEK_BEGINS_ON
from oracle.sessions import definitions as sd
from oracle.usage import definitions as ud

Request = namedtuple("Request", "use turn rating peer provider", defaults=(None,))
METRICS = ("requests_per_day", "requests_per_completed_session", "features_used", "satisfaction")


class Doubtful(Exception):
    """In floating point this may be on the other side of a limit."""


def beyond(number, limit):
    """number >= limit, unless that depends on rounding."""
    if number != limit and abs(number - limit) <= 1e-9 * abs(limit):
        raise Doubtful
    return number >= limit


def by_count(requests, name, local):
    """The names in use, ordered by requests, then by days, then by name."""
    groups = ud.by_key([r for r in requests if name(r) is not None], name)
    days = {value: len({local(r.use.instant) // DAY for r in of_name}) for value, of_name in groups.items()}
    return sorted(groups, key=lambda value: (-len(groups[value]), -days[value], value.encode()))


def sessions_of(requests, gap, idle):
    return sd.sessions_of([r.turn for r in requests], gap, idle, lambda user, session_id: 0)


def known_mean(numbers):
    numbers = [number for number in numbers if number is not None]
    return fmean(map(float, numbers)) if numbers else None


# --------------------------------------------------------------------------------------------------- a user's habits

def habits(mine, end, begun, local, gap, idle, began=None):
    """Metrics of one user's own requests; `begun` is how often each hour began, `began` the first request ever, or `since`
    if that is later."""
    instants = [r.use.instant for r in mine]
    days = {local(instant) // DAY for instant in instants}
    last_day = local(max(end - 1, max(instants))) // DAY
    sessions = sessions_of(mine, gap, idle)
    closed = [s for s in sessions if s.outcome(end) != "open"]
    fates = [s.outcome(end) for s in closed if s.outcome(end) is not None]
    lengths = [Fraction(s.active(gap), 1_000_000) for s in closed]
    hours = ud.by_key(mine, lambda r: ud.local_hour(r.use.instant, local))
    rates = {hour: Fraction(len(of_hour), begun[hour]) for hour, of_hour in hours.items() if begun[hour]}
    return {
        "requests": len(mine), "active_days": len(days), "first_seen": min(instants), "last_seen": max(instants),
        "requests_per_active_day": len(mine) / len(days),
        "requests_per_calendar_day": len(mine) / max(
            last_day - (min(days) if began is None else local(began) // DAY) + 1, 1),
        "sessions": len(sessions), "session_mean_seconds": sd.mean(lengths),
        "session_median_seconds": sd.percentile(lengths, Fraction(1, 2)),
        "completion_rate": sd.share(fates.count("completed"), len(fates)),
        "answered_rate": known_mean(r.use.succeeded for r in mine), "cost_usd": ud.total(r.use.cost for r in mine),
        "mean_rating": known_mean(r.rating for r in mine),
        "peak_hours": listed(sorted(rates, key=lambda hour: (-rates[hour], hour))),
        "favorite_features": listed(by_count(mine, lambda r: r.use.feature, local)),
        "model_preferences": listed(by_count(mine, model_name, local))}


def of_list(path):
    return f"NULLIF(array_to_string(ARRAY(SELECT jsonb_array_elements_text(r #> '{path}')), ','), '')"


def of_figure(path, kind="float8"):
    return f"(r #>> '{path}')::{kind}"


# What a profile says, and where in the JSON.
PROFILE = {
    "segment": of_figure("{segment}", "text"),
    "requests_per_active_day": of_figure("{user_behavior,avg_requests_per_day}"),
    "peak_hours": of_list("{user_behavior,peak_usage_hours}"),
    "session_length": of_figure("{user_behavior,session_length_avg}", "text"),
    "favorite_features": of_list("{user_behavior,favorite_features}"),
    "model_preferences": of_list("{user_behavior,model_preferences}"),
    "preferred_models": of_list("{preferences,preferred_models}"),
    "prefers_speed": of_figure("{preferences,prefers_speed}", "boolean"),
    "prefers_quality": of_figure("{preferences,prefers_quality}", "boolean"),
    "has_benchmark": "jsonb_typeof(r -> 'benchmark') = 'object'"} | {
    f"{metric}{ending}": of_figure(f"{{benchmark,{metric},{name}}}", kind) for metric in METRICS
    for ending, name, kind in (("", "value", "float8"), ("_peer_median", "peer_median", "float8"),
                               ("_percentile", "percentile", "float8"), ("_peer_users", "peer_users", "bigint"))}


def profile(row, is_compared):
    """The values of a profile from those of a row; the number of peers is in it for one metric only."""
    told = {name: row.get(name) for name in PROFILE if not name.endswith("_peer_users")}
    told = {name: float(f"{value:.4g}") if isinstance(value, float) else value for name, value in told.items()}
    return {name: told.get(name, row["peers"].get(name.removesuffix("_peer_users"))) for name in PROFILE} | {
        "session_length": None if row["session_median_seconds"] is None else length_in_words(row["session_median_seconds"]),
        "has_benchmark": is_compared}


def length_in_words(seconds):
    """Whole seconds below a minute, whole minutes below an hour, then hours and minutes; halves are rounded up."""
    def count(number, unit):
        return f"{number} {unit}" + ("" if number == 1 else "s")
    seconds = int(Fraction(seconds) + Fraction(1, 2))
    if seconds < 60:
        return count(seconds, "second")
    hours, minutes = divmod((seconds + 30) // 60, 60)
    if hours == 0:
        return count(minutes, "minute")
    return count(hours, "hour") + (" " + count(minutes, "minute") if minutes else "")


def listed(names):
    """The three first names as the SQL above shows them, which cannot tell an empty one from none."""
    return ",".join(map(str, names[:3])) or None


def favorite_features(mine, everybody, local, least, top=3):
    named = [r for r in everybody if r.use.feature is not None]
    own = [r for r in mine if r.use.feature is not None]
    rows = []
    for place, feature in enumerate(by_count(own, lambda r: r.use.feature, local)[:top], 1):
        of_feature = [r for r in own if r.use.feature == feature]
        of_all = [r for r in named if r.use.feature == feature]
        shown = not ud.hidden(len({r.use.user for r in of_all}), least)
        share, of_population = Fraction(len(of_feature), len(own)), Fraction(len(of_all), len(named))
        rows.append({"place": place, "feature": feature, "requests": len(of_feature),
                     "active_days": len({local(r.use.instant) // DAY for r in of_feature}), "share": float(share),
                     "population_share": float(of_population) if shown else None,
                     "lift": float(share / of_population) if shown else None})
    return rows


# ------------------------------------------------------------------------------------------------- preferred models

def model_name(request):
    """As gateways have it: the model, and after a slash the provider, if the log tells it."""
    if request.use.model is None or not (request.provider or "").strip():
        return request.use.model
    return f"{request.use.model}/{request.provider}"


class Model:
    """A user's experience with one model of one provider."""

    def __init__(self, name, requests, local):
        self.name, self.requests = name, len(requests)
        self.model, self.has_provider = requests[0].use.model, name != requests[0].use.model
        self.days = {local(r.use.instant) // DAY for r in requests}
        self.latency = ud.median(ud.answer_latencies([r.use for r in requests]))
        self.failed_latency = ud.median(ud.failure_latencies([r.use for r in requests]))
        self.ratings = [float(r.rating) for r in requests if r.rating is not None]
        self.answers = [float(r.use.succeeded) for r in requests if r.use.succeeded is not None]


def models_of(mine, local):
    named = ud.by_key([r for r in mine if r.use.model is not None], model_name)
    return {name: Model(name, requests, local) for name, requests in named.items()}


def shrunk(numbers, prior, weight):
    """Their mean as if `weight` more of them had the value `prior`."""
    return (math.fsum(numbers) + weight * prior) / (len(numbers) + weight)


def is_better(one, other):
    """By a fifth of a standard deviation, small samples shrunk."""
    for a, b, least in ((one.ratings, other.ratings, 3), (one.answers, other.answers, 5)):
        if min(len(a), len(b)) >= least:
            both = a + b
            common = fmean(both)
            spread = math.sqrt(math.fsum((number - common) ** 2 for number in both) / len(both))
            if len(set(both)) == 1:
                return False
            return beyond((shrunk(a, common, 10) - shrunk(b, common, 10)) / spread, 0.2)
    return False


def chance_of_so_few(few, days):
    return sum(math.comb(days, k) for k in range(few + 1)) / 2 ** days


def tradeoff(models):
    """(prefers_speed, prefers_quality), or (None, None) without enough evidence."""
    pairs = []
    for fast in models.values():
        for good in models.values():
            if None not in (fast.latency, good.latency) and beyond(good.latency, 1.2 * fast.latency) and is_better(good, fast):
                met = max(min(fast.days), min(good.days))
                taken = [sum(day > met for day in model.days) for model in (fast, good)]
                pairs.append((sum(taken), fast.requests + good.requests, taken))
    if not pairs:
        return None, None
    most = max(pair[:2] for pair in pairs)
    of_most = [pair[2] for pair in pairs if pair[:2] == most]
    if len({tuple(taken) for taken in of_most}) > 1:
        raise Doubtful                           # which of two pairs alike is a matter of the order of models
    [fast, good] = of_most[0]
    if fast + good < 10:
        return None, None
    shows = not beyond(chance_of_so_few(min(fast, good), fast + good), 0.05 + 1e-12)
    return shows and fast > good, shows and good > fast


def meant(candidate, models):
    """The model that a candidate names: of its provider, of the provider used most, or of an unknown one."""
    if candidate in models:
        return models[candidate]
    most_used = sorted(models.values(), key=lambda m: (-m.requests, -len(m.days), m.name.encode()))
    same = [m for m in most_used if m.model == candidate]
    unknown = [m for m in most_used if m.model == candidate.rpartition("/")[0] and "/" in candidate and not m.has_provider]
    return next(iter(same + unknown), None)


def preferred(models, candidates=None, fallback=None):
    """[(name, model, reason)] in order, and the preference."""
    preference = tradeoff(models)
    if candidates is None:
        known = {name: models[name] for name in models}
    else:
        known = {candidate: meant(candidate, models) for candidate in candidates}
    used, names = [], set()
    for name, model in known.items():
        if model is not None and model.name not in names:
            names.add(model.name)
            used.append((name, model))
    if sum(model.requests for _, model in used) < 10:
        lists = [(fallback, "fallback"), (candidates, "as given")]
        chosen, reason = next(((names, reason) for names, reason in lists if names is not None), ([], None))
        found = [(name, meant(name, models), reason) for name in chosen]
        return found, preference
    enough = [model for _, model in used if model.requests >= 5]
    pick = (lambda m: m.ratings) if all(len(m.ratings) >= 3 for m in enough) else (lambda m: m.answers)
    everything = [number for _, model in used for number in pick(model)]

    def place(entry):
        _, model = entry
        by_use = (-model.requests, -len(model.days), model.name.encode())
        if model.requests >= 5 and preference[0] and model.latency is not None:
            return (0, model.latency, by_use), "fast"
        if model.requests >= 5 and preference[1] and pick(model):
            return (0, -round(shrunk(pick(model), fmean(everything), 10), 9), by_use), "good"
        return (1, 0, by_use), "used"

    ranked = [(name, model, place((name, model))[1]) for name, model in sorted(used, key=lambda entry: place(entry)[0])]
    return ranked + [(name, None, "not used") for name, model in known.items() if model is None], preference


def preferred_models(mine, local, candidates=None, fallback=None):
    models = models_of(mine, local)
    places, (speed, quality) = preferred(models, candidates, fallback)
    return [{"place": n, "model": name, "requests": model.requests if model else 0,
             "active_days": len(model.days) if model else 0, "median_latency_ms": model.latency if model else None,
             "median_failed_latency_ms": model.failed_latency if model else None,
             "answered_rate": known_mean(model.answers) if model else None,
             "mean_rating": known_mean(model.ratings) if model else None, "reason": reason,
             "prefers_speed": speed, "prefers_quality": quality}
            for n, (name, model, reason) in enumerate(places, 1)]


# --------------------------------------------------------------------------------------------- beside their peers

def latest(told):
    """The most recent valid value; of several at the same instant the greatest by its bytes."""
    told = [(instant, value.encode(), value) for instant, value in told if value is not None]
    return max(told)[2] if told else None


def user_properties(requests):
    """The logs have one property; `peer` is its value."""
    people = ud.by_key(requests, lambda r: r.use.user)
    rows = []
    for user in sorted(people, key=str.encode):
        told = [(r.use.instant, r.peer) for r in people[user] if r.peer is not None]
        if told:
            rows.append({"user_id": user, "property": "tier", "value": latest(told), "told_at": max(told)[0]})
    return rows


SPANS = [7 * 2 ** n for n in range(10)]


def pace(mine, began, days, local):
    """Requests per day over as many days from the first request ever, or from `since` if that is later."""
    return sum(local(r.use.instant) // DAY < local(began) // DAY + days for r in mine) / days


def span_of(user, ages, enough):
    """The longest span that the user has had, and enough peers, too; the shortest one if there are never enough."""
    had = [days for days in SPANS if days <= ages[user]]
    return max((days for days in had if sum(age >= days for other, age in ages.items() if other != user) >= enough),
               default=had[0] if had else None)


def property_history(requests, since):
    """The value that holds after each instant with one; `peer` is the value of the only property."""
    people = ud.by_key(requests, lambda r: r.use.user)
    rows = []
    for user in sorted(people, key=str.encode):
        told = [(r.use.instant, r.peer) for r in people[user] if r.peer is not None]
        holds = [(at, latest([one for one in told if one[0] <= at])) for at in sorted({at for at, _ in told})]
        turns = [(at, value) for n, (at, value) in enumerate(holds) if n == 0 or holds[n - 1][1] != value]
        ends = [at for at, _ in turns[1:]] + [None]
        rows += [{"user_id": user, "value": value, "valid_from": at, "valid_to": end}
                 for (at, value), end in zip(turns, ends) if end is None or since is None or end > since]
    return rows


def benchmark(requests, end, local, gap, idle, least, min_peers=10, peers=None, began=None):
    """A row for every user and metric."""
    people = ud.by_key(requests, lambda r: r.use.user)
    group = {user: latest((r.use.instant, r.peer) for r in mine) if peers else None for user, mine in people.items()}
    starts = {user: min(r.use.instant for r in mine) if began is None else began[user] for user, mine in people.items()}
    ages = {user: local(end) // DAY - local(start) // DAY for user, start in starts.items()}
    ratings = ud.by_key(requests, lambda r: group[r.use.user])
    prior = {name: known_mean(r.rating for r in members) for name, members in ratings.items()}
    values = {}
    for user, mine in people.items():
        closed = [s for s in sessions_of(mine, gap, idle) if s.outcome(end) != "open"]
        completed = sum(s.outcome(end) == "completed" for s in closed)
        own = [float(r.rating) for r in mine if r.rating is not None]
        features = {r.use.feature for r in mine} - {None}
        values[user] = (
            None, sum(s.requests for s in closed) / completed if completed else None,
            float(len(features)) if features else None, shrunk(own, prior[group[user]], 5) if own else None)
    rows = []
    for user in sorted(people, key=str.encode):
        alike = {other: ages[other] for other in people if group[other] == group[user]}
        days = span_of(user, alike, max(min_peers, least))
        paces = {} if days is None else {other: pace(people[other], starts[other], days, local)
                                         for other, age in alike.items() if age >= days}
        for metric in range(len(METRICS)):
            of_metric = paces if metric == 0 else {other: values[other][metric] for other in alike}
            value = of_metric.get(user)
            others = sorted(number for other, number in of_metric.items() if other != user and number is not None)
            if value is not None and any(0 < abs(other - value) < 1e-9 for other in others):
                raise Doubtful
            row = {"user_id": user, "peer_group": group[user], "metric": METRICS[metric], "value": value,
                   "peer_median": None, "percentile": None, "peer_users": None}
            if value is not None and not ud.hidden(len(others), least):
                row["peer_users"] = len(others)
                if len(others) >= min_peers:
                    below, equal = sum(o < value for o in others), sum(o == value for o in others)
                    row |= {"peer_median": ud.median(others), "percentile": (below + equal / 2) / len(others)}
            rows.append(row)
    return rows


# ------------------------------------------------------------------------------------------------- the limits of plans

def anchored(day, every, anchor, first_day, week_start):
    """First days of the period of a day and of the next, by walking back and forth to the nearest day that begins one."""
    def begins(other):
        if every == "day":
            return True
        if every == "week":
            # Day 0, 2000-01-01, was a Saturday: the sixth day of a week from Monday to Sunday.
            weekday = {"first_request": (first_day + 5) % 7 + 1, None: (A_WEEK_BEGINS_ON[week_start] + 5) % 7 + 1}
            return (other + 5) % 7 + 1 == weekday.get(anchor, anchor)
        year, month, of_month = date_of(other)
        wanted = {"first_request": date_of(first_day)[2], None: 1}.get(anchor, anchor)
        return of_month == min(wanted, month_length(year, month))
    start, following = day, day + 1
    while not begins(start):
        start -= 1
    while not begins(following):
        following += 1
    return start, following


def plans_held(own):
    """(request, plan) of a user: the plan that the request tells, else the one told last; and the plan at the end, and since
    when, if another was held before."""
    held, plan, since = [], None, None
    for instant, at_once in sorted(ud.by_key(own, lambda r: r.use.instant).items()):
        told = [r.peer for r in at_once if r.peer is not None]
        now = max(told, key=str.encode) if told else plan
        if now != plan and plan is not None:
            since = instant
        plan = now
        held += [(r, plan if r.peer is None else r.peer) for r in at_once]
    return held, plan, since


def used_by(request, unit):
    """What a request uses up; None if that is not known."""
    if unit == "cost_usd":
        return request.use.cost
    if unit == "tokens":
        return ud.total([request.use.prompt, request.use.completion])
    return 1


def plan_usage(requests, end, since, local, midnight, plans, week_start):
    """Every user, plan and period; `midnight` gives the instant at which a local day begins."""
    rows = []
    for user, own in sorted(ud.by_key(requests, lambda r: r.use.user).items(), key=lambda group: group[0].encode()):
        held, last_plan, taken_up = plans_held(own)
        first_day, of_user = min(local(r.use.instant) // DAY for r in own), []
        for plan, under in ud.by_key(held, lambda pair: pair[1]).items():
            terms = plans.get(plan, {})
            monthly = terms.get("monthly_request_limit")
            limit = terms.get("limit") if monthly is None else monthly
            limit = None if limit == "unlimited" else limit
            unit, features = terms.get("of", "requests"), terms.get("features")
            if features is not None and {"all", "*"} & set([features] if isinstance(features, str) else features):
                features = None

            def period(pair):
                return anchored(local(pair[0].use.instant) // DAY, terms.get("every", "month"), terms.get("anchor"),
                                first_day, week_start)

            for (first, following), of_period in ud.by_key(under, period).items():
                begins, ends = midnight(first), midnight(following)
                if since is not None and ends <= since:
                    continue
                mine = [request for request, _ in of_period]
                counted = [r for r in mine if r.use.succeeded is not False]
                amounts = [(r, Fraction(used_by(r, unit))) for r in counted if used_by(r, unit) is not None]
                used = sum(amount for _, amount in amounts) if amounts or not counted else None
                by_day = sorted(local(r.use.instant) // DAY for r, _ in amounts)
                over = [day for day in by_day if limit is not None and sum(
                    amount for r, amount in amounts if local(r.use.instant) // DAY <= day) > limit]
                if used is None or ends <= end or plan != last_plan:
                    projected = used
                else:
                    pace_from = max(begins, taken_up) if taken_up is not None else begins
                    lately = sum(amount for r, amount in amounts if r.use.instant >= pace_from)
                    projected = used + lately * Fraction(ends - end, end - pace_from) if end > pace_from else None
                reason = ("no plan told" if plan is None else "plan not in plans" if plan not in plans
                          else "unlimited" if limit is None else "limit is 0" if limit == 0
                          else "use not known" if used is None else None)
                of_user.append({
                    "user_id": user, "plan": plan, "period_start": first, "complete": ends <= end, "requests": len(mine),
                    "refused_requests": len(mine) - len(counted), "unit": unit if plan in plans else None,
                    "used": None if used is None else float(used), "plan_limit": None if limit is None else float(limit),
                    "used_share": float(used / Fraction(limit)) if limit and used is not None else None,
                    "projected": None if projected is None else float(projected),
                    "first_day_over_limit": over[0] if over else None,
                    "out_of_plan_requests": None if features is None else sum(
                        r.use.feature is not None and r.use.feature not in features for r in mine),
                    "reason": reason, "details": terms.get("support_level")})
        rows += sorted(of_user, key=lambda row: (row["period_start"], row["plan"] is None, (row["plan"] or "").encode()))
    return rows
