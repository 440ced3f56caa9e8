"""The definition of each function about usage patterns, in plain Python: lists of requests, and loops.

Numbers are those of the project's definitions: D10 and D21 usage_patterns, D11 peak_hours, D22 request_complexity, D23
feature_usage, D24 model_stickiness. A `Use` is a request as these functions read it; `local` converts an instant to local
time, as microseconds from 2000-01-01 00:00 on the local clock.
"""

import math
from dataclasses import dataclass
from statistics import mean

from oracle.kit.days import DAY, HOUR, SECOND, date_of


@dataclass(frozen=True)
class Use:
    """A request; unknown values are None."""

    user: str
    instant: int
    request_id: str | None = None
    session_id: str | None = None
    model: str | None = None
    feature: str | None = None
    prompt: float | None = None
    completion: float | None = None
    cost: float | None = None
    latency: float | None = None
    ttft: float | None = None
    cached: float | None = None
    reasoning: float | None = None
    succeeded: bool | None = None


def known_number(number):
    """Tokens, cost and latency are finite and not negative; anything else is unknown."""
    return None if number is None or not math.isfinite(number) or number < 0 else float(number)


def by_key(uses, key):
    groups = {}
    for use in uses:
        groups.setdefault(key(use), []).append(use)
    return groups


def by_user(uses):
    return by_key(uses, lambda use: use.user)


def users(uses):
    return len({use.user for use in uses})


def total(numbers):
    """The sum of the known values, None if there are none."""
    numbers = [number for number in numbers if number is not None]
    return math.fsum(numbers) if numbers else None


def whole(number):
    return None if number is None else round(number)


def median(numbers):
    """The middle one, or the mean of the two in the middle."""
    numbers = sorted(numbers)
    half = len(numbers) // 2
    if not numbers:
        return None
    if len(numbers) % 2:
        return float(numbers[half])
    return float(numbers[half - 1] + (numbers[half] - numbers[half - 1]) / 2)


def percentile(share, numbers):
    """By linear interpolation between the numbers in order, as `percentile_cont` has it."""
    numbers = sorted(numbers)
    if not numbers:
        return None
    place = share * (len(numbers) - 1)
    low, high = numbers[math.floor(place)], numbers[math.ceil(place)]
    return float(low + (place - math.floor(place)) * (high - low))


def reached_by(share, numbers):
    """The smallest of the numbers that at least that share of them do not exceed."""
    return float(sorted(numbers)[math.ceil(share * len(numbers)) - 1]) if numbers else None


def ratio(a, b):
    return a / b if b else None


def hidden(count, least):
    return 0 < count < least


# ---------------------------------------------------------------------------------------------------- how much, when

def last_moment(end, every_use):
    """Days and hours are counted up to here: the last moment before the end of observation, or that of a request at it."""
    return max([use.instant for use in every_use] + [end - 1])


def local_day(instant, local):
    return local(instant) // DAY


@dataclass(frozen=True)
class Span:
    """The local days [start, end) of a period, and whether they have elapsed, lie within the log and are not cut by since."""

    start: int
    end: int
    complete: bool

    def row(self):
        return {"period_start": self.start, "complete": self.complete}


ALL_TIME = Span(-math.inf, math.inf, None)
NO_PERIOD = {"period_start": None, "complete": None}


def is_complete(start, end, first_day, end_day, whole_from):
    """`first_day` is that of the log, `end_day` that of the end of observation, `whole_from` the first not cut by since."""
    return first_day <= start and end <= end_day and (whole_from is None or whole_from <= start)


def usage_patterns(uses, last, local, least, begins=None, span=ALL_TIME):
    """`begins` has the instant of each user's first request ever, or `since` if that is later."""
    people = by_user(uses)
    days = {user: sorted({local_day(use.instant, local) for use in of_user}) for user, of_user in people.items()}
    pauses, pausing = [], 0
    for of_user in people.values():
        instants = sorted(use.instant for use in of_user)
        pauses += [(b - a) / SECOND for a, b in zip(instants, instants[1:])]
        pausing += len(instants) > 1
    intervals = [median([b - a for a, b in zip(d, d[1:])]) for d in days.values() if len(d) > 1]
    active_days = sum(map(len, days.values()))
    begins = {user: min(use.instant for use in of_user) for user, of_user in people.items()} if begins is None else begins
    calendar_days = sum(max(min(local_day(last, local), span.end - 1)
                            - max(local_day(begins[user], local), span.start) + 1, 1) for user in people)
    row = {
        "users": len(people), "requests": len(uses), "active_days": active_days,
        "requests_per_active_day": ratio(len(uses), active_days),
        "requests_per_calendar_day": ratio(len(uses), calendar_days),
        "median_seconds_between_requests": None if hidden(pausing, least) else median(pauses),
        "usage_interval_days": None if hidden(len(intervals), least) else reached_by(0.8, intervals),
        "prompt_tokens": whole(total(use.prompt for use in uses)),
        "completion_tokens": whole(total(use.completion for use in uses)),
        "cached_tokens": whole(total(use.cached for use in uses)),
        "reasoning_tokens": whole(total(use.reasoning for use in uses)), "cost_usd": total(use.cost for use in uses),
        "requests_without_cost": sum(use.cost is None for use in uses)}
    return [dict.fromkeys(row) if hidden(len(people), least) else row]


def local_hour(instant, local):
    return local(instant) % DAY // HOUR


def hours_begun(first, last, stretches, span=ALL_TIME):
    """The number of times each local hour began on a day of the span, that of `first` included: one by one, through ranges
    of constant offset.

    `stretches` are (from, offset), in order, the first of them at or before `first`.
    """
    begun = [0] * 24

    def begin(time):
        begun[time % DAY // HOUR] += span.start <= time // DAY < span.end

    for (start, offset), (end, _) in zip(stretches, [*stretches[1:], (last + 1, 0)]):
        start = max(start, first)
        if start == first or (start + offset) // HOUR != before:
            if (start + offset) % HOUR or start == first:
                begin(start + offset)
        full = start + -(start + offset) % HOUR
        for instant in range(full, min(end, last + 1), HOUR):
            if instant != first:
                begin(instant + offset)
        before = (end - 1 + offset) // HOUR
    return begun


def peak_hours(uses, begun, local, least, top=3):
    hours = by_key(uses, lambda use: local_hour(use.instant, local))
    rows = []
    for hour in range(24):
        of_hour = hours.get(hour, [])
        rows.append({"hour": hour, "requests": len(of_hour), "hour_occurrences": begun[hour],
                     "requests_per_hour_occurrence": ratio(len(of_hour), begun[hour])})
    ranked = [row for row in rows if row["requests_per_hour_occurrence"] is not None]
    ranked.sort(key=lambda row: (-row["requests_per_hour_occurrence"], row["hour"]))
    for row in rows:
        row["rank"] = next((place for place, other in enumerate(ranked, 1) if other is row), None)
        row["is_peak"] = row["rank"] is not None and row["rank"] <= top and row["requests"] > 0
    for row in rows:
        if hidden(users(hours.get(row["hour"], [])), least):
            row |= dict.fromkeys(("requests", "requests_per_hour_occurrence", "rank", "is_peak"))
    return rows


def usage_heatmap(uses, local, least):
    # Day 0, 2000-01-01, was a Saturday: the sixth day.
    cells = by_key(uses, lambda use: ((local_day(use.instant, local) + 5) % 7 + 1, local_hour(use.instant, local)))
    rows = []
    for weekday in range(1, 8):
        for hour in range(24):
            cell = cells.get((weekday, hour), [])
            shown = not hidden(users(cell), least)
            rows.append({"weekday": weekday, "hour": hour, "requests": len(cell) if shown else None,
                         "users": users(cell) if shown else None})
    return rows


# ----------------------------------------------------------------------------------------------- features and models

def answer_latencies(uses):
    """Known latencies of answers. A failure has none: it may take no time, or all there is."""
    return [use.latency for use in uses if use.latency is not None and use.succeeded is not False]


def failure_latencies(uses):
    return [use.latency for use in uses if use.latency is not None and use.succeeded is False]


def answer_ttfts(uses):
    return [use.ttft for use in uses if use.ttft is not None and use.succeeded is not False]


def usage_of(uses, name, least):
    """A row a name. The shares of all but one would tell the last one."""
    rows, tells_shares = [], not any(hidden(users(named), least) for named in by_key(uses, name).values())
    for value, named in by_key(uses, name).items():
        known = [use.succeeded for use in named if use.succeeded is not None]
        row = {"users": users(named), "reach": users(named) / users(uses), "requests": len(named),
               "share": len(named) / len(uses) if tells_shares else None, "requests_per_user": len(named) / users(named),
               "answered_rate": ratio(sum(known), len(known)), "cached_tokens": whole(total(use.cached for use in named)),
               "reasoning_tokens": whole(total(use.reasoning for use in named)),
               "cost_usd": total(use.cost for use in named),
               "requests_without_cost": sum(use.cost is None for use in named),
               "median_ttft_ms": median(answer_ttfts(named)),
               "median_latency_ms": median(answer_latencies(named)),
               "p95_latency_ms": percentile(0.95, answer_latencies(named)),
               "median_failed_latency_ms": median(failure_latencies(named))}
        rows.append({"name": value} | (dict.fromkeys(row) if hidden(users(named), least) else row))
    return rows


def id_order(request_id):
    """Shorter ids first, so that 9 comes before 10; then by bytes; requests without an id last."""
    return (request_id is None, len(request_id or ""), (request_id or "").encode())


def in_order(uses):
    """A user's requests in order. With equal time and id: by model, failures first."""
    success = {False: 0, True: 1, None: 2}
    return sorted(uses, key=lambda use: (use.instant, id_order(use.request_id), use.model.encode(), success[use.succeeded]))


def with_model(uses):
    """Requests without a model are skipped."""
    return [use for use in uses if use.model is not None]


def transitions(uses):
    """(request, next request) of each user."""
    for of_user in by_user(with_model(uses)).values():
        ordered = in_order(of_user)
        yield from zip(ordered, ordered[1:])


def shares(of_user):
    models = by_key(of_user, lambda use: use.model)
    return {model: len(named) / len(of_user) for model, named in models.items()}


def concentration(of_user):
    """Herfindahl's index."""
    return sum(share * share for share in shares(of_user).values())


def after_error(switches):
    return sum(first.succeeded is False and first.model != second.model for first, second in switches)


def chance_to_stay(request, of_user, any_model):
    """The chance that two successive requests of the user name the same model if all their orders are equally likely.

    Counted over pairs: of all ordered pairs of different requests those of one model, or, if the model of the first is
    given, of the other requests those of its model.
    """
    counts = [len(named) for named in by_key(of_user, lambda use: use.model).values()]
    others = len(of_user) - 1
    if any_model:
        return sum(count * (count - 1) for count in counts) / (len(of_user) * others)
    return (sum(use.model == request.model for use in of_user) - 1) / others


def model_stickiness(uses, least):
    people = by_user(with_model(uses))
    rows = []
    for model in [None, *sorted({use.model for use in with_model(uses)})]:
        steps = [(a, b) for a, b in transitions(uses) if model in (None, a.model)]
        chances = [chance_to_stay(a, people[a.user], model is None) for a, _ in steps]
        theirs = [of_user for of_user in people.values() if model is None or model in shares(of_user)]
        stay = ratio(sum(a.model == b.model for a, b in steps), len(steps))
        chance = ratio(math.fsum(chances), len(steps))
        is_known = not steps or any(a.succeeded is not None for a, _ in steps)
        row = {"transitions": len(steps), "stay_rate": stay, "chance_rate": chance,
               "excess": None if stay is None else stay - chance,
               "switches_after_error": after_error(steps) if is_known else None}
        if hidden(users([a for a, _ in steps]), least) or hidden(len(theirs), least):
            row = dict.fromkeys(row)
        # A single request is always of a single model, which tells nothing.
        repeated = [of_user for of_user in theirs if len(of_user) > 1]
        row["concentration"] = None if hidden(len(repeated), least) or not repeated else mean(map(concentration, repeated))
        rows.append({"model": model} | row)
    return rows


def model_switches(uses, least):
    pairs = {}
    for a, b in transitions(uses):
        if a.model != b.model:
            pairs.setdefault((a.model, b.model), []).append((a, b))
    rows = []
    for (from_model, to_model), steps in pairs.items():
        shown = not hidden(users([a for a, _ in steps]), least)
        is_known = any(a.succeeded is not None for a, _ in steps)
        rows.append({"from_model": from_model, "to_model": to_model, "switches": len(steps) if shown else None,
                     "after_error": after_error(steps) if shown and is_known else None})
    return rows


# ------------------------------------------------------------------------------------------------------- complexity

def turn(use, uses):
    """The number of requests of its session so far, itself and those with the same time and id included."""
    if use.session_id is None:
        return None
    place = (use.instant, id_order(use.request_id))
    return sum((other.user, other.session_id) == (use.user, use.session_id)
               and (other.instant, id_order(other.request_id)) <= place for other in uses)


def mid_rank(value, values):
    """The share of lower values, and half the share of equal ones."""
    return (sum(v < value for v in values) + sum(v == value for v in values) / 2) / len(values)


def local_month(instant, local):
    return date_of(local_day(instant, local))[:2]


def request_complexity(uses, local):
    # Requests without a model form a group with those that have an empty one.
    peers = by_key(uses, lambda use: (use.model or "", local_month(use.instant, local)))
    turns = {id(use): turn(use, uses) for use in uses}
    rows = []
    for group in peers.values():
        for use in group:
            ranks = []
            for component in (lambda u: u.prompt, lambda u: u.completion, lambda u: turns[id(u)]):
                values = [component(other) for other in group if component(other) is not None]
                ranks.append(None if component(use) is None else mid_rank(component(use), values))
            known = [rank for rank in ranks if rank is not None]
            rows.append({"request_id": use.request_id, "user_id": use.user, "occurred_at": use.instant,
                         "complexity": ratio(math.fsum(known), len(known)), "prompt_tokens_rank": ranks[0],
                         "completion_tokens_rank": ranks[1], "turn_rank": ranks[2]})
    return rows
