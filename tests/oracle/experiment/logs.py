"""Random logs with an experiment in them, and their users' values by an independent definition of each metric."""

import json
import math
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from zoneinfo import ZoneInfo

START = datetime(2024, 3, 6, tzinfo=timezone.utc)
ZONES = ["UTC", "America/New_York", "Asia/Kathmandu"]
METRICS = ["requests", "active_days", "sessions", "answered_rate", "cost_usd", "rating", "latency_ms", "prompt_tokens",
           "retained_d1", "retained_d3", "retained_w2", "converted", "score", "sum(score)", "mean(cost_usd)", "sum(latency_ms)",
           "latency_ms_p50", "score_p90"]
# Metrics with one number per user: only these have a covariate and can be winsorized.
TOTALS = {"requests", "active_days", "sessions", "cost_usd", "prompt_tokens", "sum(score)", "sum(latency_ms)"}
QUANTILES = {"latency_ms_p50": 0.5, "score_p90": 0.9}
SHARES = {"retained_d1", "retained_d3", "retained_w2", "converted"}


@dataclass(frozen=True)
class Request:
    """One row."""

    user: str | None
    at: datetime
    variant: str | None
    model: str | None
    cost: float | None
    latency: float | None
    status: int | None
    rating: int | None
    tokens: int | None
    score: object                    # a property of any type


@dataclass
class Log:
    """A table, and a call of ab_compare over it."""

    requests: list
    metrics: list
    method: str | None
    zone: str
    since: datetime | None
    until: datetime | None
    as_of: datetime | None
    model: str | None                # the filter
    by: str | None
    cuped_days: int | None
    winsorize: float | None
    window_days: int | None
    mixed: str
    opted_out: str = "u3"
    seen: dict = field(default_factory=dict)

    COMPARED = ["segment", "metric", "variant", "users", "missing_users", "mixed_users", "mean", "sd", "control_mean",
                "difference", "difference_low", "difference_high", "relative_lift", "lift_low", "lift_high", "statistic", "df",
                "p_value", "before_difference", "before_p_value", "always_valid_low", "always_valid_high", "always_valid_p", "probability_better",
                "expected_loss", "srm_p_value"]

    def statements(self):
        rows = []
        for r in self.requests:
            properties = {"exp": r.variant} if r.variant is not None else {}
            if r.score is not None:
                properties["score"] = r.score
            values = [text(r.user), instant(r.at), text(r.model), number(r.cost), number(r.latency), number(r.status),
                      number(r.rating), number(r.tokens), text(json.dumps(properties))]
            rows.append(f"({', '.join(values)})")
        return ["DROP TABLE IF EXISTS public.log",
                "CREATE TABLE public.log (user_id text, created_at timestamptz, model text, cost_usd float8, "
                "latency_ms float8, status_code int, rating int, prompt_tokens int, properties jsonb)",
                *([f"INSERT INTO public.log VALUES {', '.join(rows)}"] if rows else []),
                "DELETE FROM user_metrics.opt_out", f"INSERT INTO user_metrics.opt_out VALUES ('{self.opted_out}')"]

    def sql(self):
        arguments = [f"metrics => ARRAY[{', '.join(map(text, self.metrics))}]", "variant => 'exp'",
                     f"timezone => '{self.zone}'", "converted => '{\"model\": \"m2\"}'"]
        optional = {"method": self.method, "by": self.by, "cuped_days": self.cuped_days, "winsorize": self.winsorize,
                    "window_days": self.window_days, "mixed": None if self.mixed == "exclude" else self.mixed,
                    "since": self.since, "until": self.until, "as_of": self.as_of}
        for name, value in optional.items():
            if value is not None:
                shown = instant(value) if isinstance(value, datetime) else text(value) if isinstance(value, str) else value
                arguments.append(f"{name} => {shown}")
        if self.model is not None:
            arguments.append("filter => " + text(json.dumps({"model": self.model})))
        return f"SELECT r.* FROM user_metrics.ab_compare('public.log', {', '.join(arguments)}) AS r"

    def sql_of_segments(self):
        return self.sql().replace("ab_compare(", "ab_segments(", 1)

    def script(self):
        return ";\n".join([*self.statements(), self.sql()]) + ";"

    def people(self):
        """For each user in the experiment: segment, variants from the first on, first exposure, and all requests."""
        if self.since is not None and self.since > self.observed():
            return
        by_user = defaultdict(list)
        ends = min(t for t in (self.as_of, datetime.now(timezone.utc)) if t is not None)
        for r in self.requests:
            counts = r.user is not None and r.user.strip() and r.user not in ("anonymous", self.opted_out)
            within = r.at <= ends and (self.until is None or r.at < self.until)
            if counts and within and (self.model is None or r.model == self.model):
                by_user[r.user].append(r)
        for requests in by_user.values():
            # Exposures are those of the whole log, whatever `since`.
            met = [r for r in requests if r.variant]
            if met:
                first = min(r.at for r in met)
                segments = sorted((r.model for r in met if r.at == first), key=lambda m: (m is None, m))
                variants = sorted({r.variant for r in met}, key=lambda v: (v not in {r.variant for r in met if r.at == first}, v))
                segment = segments[0] if self.by else None
                yield segment, variants, first, requests

    def observed(self):
        """The end of observation."""
        last = max((r.at for r in self.requests), default=None)
        if last is None and self.as_of is None and self.until is None:
            return datetime.now(timezone.utc)
        return min(t for t in (self.as_of or self.until or last, self.until, datetime.now(timezone.utc)) if t is not None)

    def figures(self, server):
        """For each metric and segment the users' (variant, value, second), and for each segment the users excluded."""
        people, found, mixed = list(self.people()), defaultdict(list), defaultdict(int)
        observed = self.observed()
        for segment, variants, first, requests in people:
            mixed[segment] += len(variants) > 1
            if len(variants) > 1 and self.mixed == "exclude":
                continue
            variant = variants[0]
            before = [r for r in requests if self.cuped_days and first - timedelta(days=self.cuped_days) <= r.at < first]
            begin = first if self.since is None else max(first, self.since)
            end = None if self.window_days is None else first + timedelta(days=self.window_days)
            elapsed = end is None or end <= observed and begin == first
            for metric in self.metrics:
                if metric.startswith("retained_"):
                    # Its days are counted from first exposure.
                    figure, second = figure_of(metric, [r for r in requests if r.at >= first], first, observed, self.zone)
                elif elapsed:
                    since = [r for r in requests if r.at >= begin and (end is None or r.at < end)]
                    figure, second = figure_of(metric, since, first, observed, self.zone)
                else:
                    found[metric, segment].append((variant, None, None))
                    continue
                if metric in TOTALS and self.cuped_days and self.method in (None, "welch"):
                    second = figure_of(metric, before, first, observed, self.zone)[0]
                found[metric, segment].append((variant, figure, second))
        if self.winsorize:
            self.cut(found)
        return found, mixed

    def cut(self, found):
        """Winsorizes totals at a percentile of those other than 0, over all variants and segments."""
        for metric in TOTALS & set(self.metrics):
            figures = sorted(x for (m, _), rows in found.items() if m == metric for _, x, _ in rows if x)
            if not figures:
                continue
            # The smallest that so many do not exceed.
            cap = figures[math.ceil(Fraction(str(self.winsorize)) * len(figures)) - 1]
            for key in [key for key in found if key[0] == metric]:
                found[key] = [(v, None if x is None else min(x, cap), y) for v, x, y in found[key]]

    def sql_of_figures(self, key, found):
        """The rows for the values of one metric and segment."""
        (figures, mixed), (metric, segment) = found, key
        ratio = metric not in TOTALS | SHARES
        if metric in QUANTILES:
            aggregate = "experiment_lists(v, x)"
        elif self.method == "mann_whitney":
            aggregate = "experiment_sample(v, x / NULLIF(y, 0))" if ratio else "experiment_sample(v, x)"
        elif ratio:
            aggregate = "experiment_ratio(v, x, y)"
        elif metric in TOTALS and self.cuped_days and self.method in (None, "welch"):
            aggregate = "experiment(v, x, y)"
        else:
            aggregate = "experiment(v, x)"
        method = "quantile" if metric in QUANTILES else self.method or ("proportions" if metric in SHARES else "welch")
        better = "lower" if metric in ("cost_usd", "latency_ms", "mean(cost_usd)", "sum(latency_ms)", "latency_ms_p50") else \
            "neither" if metric in ("prompt_tokens", "score", "sum(score)", "score_p90") else "higher"
        kind = "float8[]" if metric in QUANTILES else "float8"
        # A variant that only other segments have is planned here, too.
        variants = sorted({v for (m, _), users in figures.items() if m == metric for v, _, _ in users})
        weights, control = text(json.dumps(dict.fromkeys(variants, 1))), "control" if "control" in variants else variants[0]
        rows = ", ".join(f"({text(v)}, {number(x)}::{kind}, {number(y)}::float8)" for v, x, y in figures[key])
        return (f"SELECT {text(segment)} AS segment, {text(metric)} AS metric, {mixed[segment]} AS mixed_users, r.* "
                f"FROM user_metrics.ab_compare((SELECT user_metrics.{aggregate} FROM (VALUES {rows}) AS u(v, x, y)), "
                f"weights => {weights}, control => {text(control)}, method => '{method}', better => '{better}', quantile => {QUANTILES.get(metric, 0.5)}) AS r")


def text(value):
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'"


def number(value):
    if isinstance(value, list):
        return "'{" + ",".join(map(repr, value)) + "}'"
    return "NULL" if value is None else f"'{value!r}'"


def instant(at):
    return f"'{at.isoformat()}'"


def known(value, least=0.0):
    """A valid number."""
    return value is not None and math.isfinite(value) and value >= least


def score_of(value):
    """A property as a number, None if it is not a number."""
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, str):
        if value in ("true", "false"):
            return float(value == "true")
        try:
            return float(value) if value.strip() == value and "_" not in value else None
        except ValueError:
            return None
    return None


def local_day(at, zone):
    return at.astimezone(ZoneInfo(zone)).date()


def figure_of(metric, requests, first, observed, zone):
    """A user's value, and for a mean over requests its denominator."""
    if metric == "requests":
        return float(len(requests)), None
    if metric == "active_days":
        return float(len({local_day(r.at, zone) for r in requests})), None
    if metric == "sessions":
        return float(count_sessions(requests)), None
    if metric == "answered_rate":
        outcomes = [200 <= r.status <= 299 for r in requests if r.status in range(200, 300) or r.status in range(400, 600)]
        return float(sum(outcomes)), float(len(outcomes))
    if metric == "converted":
        return float(any(r.model == "m2" for r in requests)), None
    if metric.startswith("retained_"):
        length = {"d": 1, "w": 7}[metric[len("retained_")]]
        # Days are counted from 0, weeks from 1.
        number = int(metric[len("retained_d"):]) - (length == 7)
        days = [local_day(first, zone) + timedelta(days=number * length + n) for n in range(length)]
        if local_day(observed, zone) <= days[-1]:
            return None, None
        return float(any(local_day(r.at, zone) in days for r in requests)), None
    values = {
        "cost_usd": [r.cost for r in requests if known(r.cost)],
        "rating": [r.rating for r in requests if known(r.rating, -math.inf)],
        # Of requests that were answered, or may have been.
        "latency_ms": [r.latency for r in requests if known(r.latency) and (r.status is None or 200 <= r.status <= 299)],
        "prompt_tokens": [r.tokens for r in requests if known(r.tokens)],
        "score": [s for r in requests if known(s := score_of(r.score), -math.inf)],
    }
    if metric in QUANTILES:
        return [float(x) for x in values[metric.rsplit("_p", 1)[0]]], None
    column = metric.removeprefix("sum(").removeprefix("mean(").removesuffix(")")
    if metric in TOTALS:
        return math.fsum(values[column]), None
    return (math.fsum(values[column]) if values[column] else None), float(len(values[column]))


def count_sessions(requests):
    """Sessions of requests without ids: a new one after a pause of more than 30 minutes from the end of the last answer."""
    count, ends = 0, None
    for r in sorted(requests, key=lambda r: r.at):
        if ends is None or r.at > ends + timedelta(minutes=30):
            count += 1
        lasts = r.latency if known(r.latency) else 0
        end = r.at + timedelta(microseconds=round(lasts * 1000))
        ends = end if ends is None else max(ends, end)
    return count


def random_log(rng):
    users = [f"u{n}" for n in range(rng.choice([2, 10, 60]))] + [None, "", " ", "anonymous"]
    variants = {user: rng.choice(["control", "treatment", "treatment", "b"][:rng.choice([2, 3, 4])]) for user in users}
    mixed = {user for user in users if rng.random() < 0.08}
    meets = {user: rng.randint(0, 5 * 144) for user in users}
    requests = []
    for user in users:
        for _ in range(rng.choice([1, 2, 5, 12])):
            slot = rng.randint(0, 9 * 144)
            # Times in steps of ten minutes, so that pauses of exactly 30 minutes occur.
            at = START + timedelta(minutes=10 * slot)
            bears = slot >= meets[user] and rng.random() < 0.8
            variant = rng.choice(["control", "treatment"]) if user in mixed else variants[user]
            requests.append(Request(
                user, at, variant if bears else rng.choice([None, None, ""]), rng.choice(["m1", "m1", "m2", None]),
                rng.choice([0.5, 0.25, 3.0, None, -1.0, math.nan]), rng.choice([100.0, 250.0, 4000.0, None, -5.0]),
                rng.choice([200, 204, 500, 429, None]), rng.choice([1, -1, None, None]), rng.choice([10, 20, 400, None]),
                rng.choice([None, 1, 2.5, "7", "x", True, "1e3", -4])))
    rng.shuffle(requests)

    def some_time():
        return START + timedelta(minutes=10 * rng.randint(0, 10 * 144)) if rng.random() < 0.25 else None

    metrics = rng.sample(METRICS, rng.choice([1, 2, 5]))
    by = rng.choice([None, None, "model"])
    method = rng.choice([None, None, None, "mann_whitney"])
    cuped = rng.choice([None, None, 2])
    log = Log(requests, metrics, method, rng.choice(ZONES), some_time(), some_time(), some_time(),
              rng.choice([None, None, None, "m1"]), by, cuped, rng.choice([None, None, 0.9, 0.5]),
              rng.choice([None, None, None, 1, 3]), rng.choice(["exclude", "exclude", "first"]))
    # Each metric is compared in each segment, in this order.
    segments = sorted({segment for segment, variants, _, _ in log.people() if len(variants) == 1 or log.mixed == "first"}, key=lambda s: (s is None, s))
    log.metric_names = metrics
    return Asked(log, [(metric, segment) for segment in segments for metric in metrics])


@dataclass
class Asked:
    """A log, and the metrics and segments of the result rows in order."""

    log: Log
    metrics: list
    COMPARED = Log.COMPARED

    def __getattr__(self, name):
        return getattr(self.log, name)
