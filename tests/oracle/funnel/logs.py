"""Random request logs for funnels and paths: few requests per user, close together, so that ties and repeats occur."""

from dataclasses import dataclass, replace

from oracle.kit.days import DAY, HOUR, SECOND, instant_of
from oracle.kit.logs import ANONYMOUS, MODELS, TIERS, Log, Request, literal, nobody, told_literal, user_ids

# Features of requests; a step accepts the letters it names. Some match no step, some are missing.
FEATURES = ["a", "b", "c", "d", "ab", "bc", "abc", "x", "it's"]
IDS = ["9", "10", "a", "B", "", None]


@dataclass(frozen=True)
class FunnelRequest(Request):
    """One row."""

    feature: str | None
    request_id: str | None


@dataclass
class FunnelLog(Log):
    """A table and its settings; a column that is None does not exist."""

    unit: int = SECOND                           # times are whole multiples of it, or a microsecond beside
    id_column: str | None = "request_id"
    least: int | None = None                     # user_metrics.min_group_size

    PLAINER = Log.PLAINER | {"id_column": None, "least": None}

    def settings(self):
        return super().settings() | {"min_group_size": self.least}

    def columns(self):
        ids = [(self.id_column, "text", lambda r: literal(r.request_id))] if self.id_column else []
        return [*super().columns(), ("feature", "text", lambda r: told_literal(r.feature, r)), *ids]


def random_funnel_log(rng, now):
    """One log; `now` is the server's."""
    unit = rng.choice([1, SECOND, HOUR, DAY])
    first = instant_of(2024, 2, 28) if rng.random() < 0.8 else now - 20 * unit
    id_type = rng.choice(["text", "text", "varchar", "uuid", "bigint", "int"])
    users = user_ids(rng, id_type, rng.choice([1, 2, 4, 8]))
    features = rng.choice([FEATURES, FEATURES[:3], FEATURES[:4], FEATURES[:3] + ["x"], ["ab", "bc", "abc", "a"]])
    requests = []
    for user in users:
        tier = rng.choice(TIERS)
        length = rng.choice([3, 6, 12, 25])
        for _ in range(rng.choice([1, 2, 3, 4, 5, 6, 7, 8])):
            at = first + rng.randrange(length) * unit + (rng.choice([-1, 1]) if rng.random() < 0.05 else 0)
            feature = rng.choice(features) if rng.random() < 0.95 else None
            requests.append(FunnelRequest(user, at, rng.choice(MODELS), tier, feature, rng.choice(IDS)))
    if rng.random() < 0.3 and requests:
        for request in rng.choices(requests, k=3):
            requests.append(replace(request, **rng.choice([
                {}, {"user": nobody(rng, id_type)}, {"instant": rng.choice(["infinity", "-infinity", None])},
                {"instant": request.instant + 100 * unit, "user": nobody(rng, id_type)}, {"instant": now + 40 * DAY}])))
    rng.shuffle(requests)
    if rng.random() < 0.03:
        requests = []
    instants = [r.instant for r in requests if r.is_counted() and r.instant <= now] or [first]
    people = sorted({r.user for r in requests if r.user is not None})
    return FunnelLog(
        requests=requests, zone="UTC", first=min(instants), last=max(instants), id_type=id_type,
        time_type=rng.choice(["timestamptz", "timestamptz", "timestamp"]),
        user_column=rng.choice(["user_id", "end_user"]), time_column=rng.choice(["created_at", "ts"]),
        shape=rng.choice(["table", "table", "view", "partitioned"]),
        opted_out=rng.sample(people, min(len(people), rng.choice([0, 0, 1]))), anonymous=ANONYMOUS,
        session_zone=rng.choice(["UTC", "Asia/Tokyo"]), parallel=rng.random() < 0.05,
        unit=unit, id_column=rng.choice(["request_id", "id", None]), least=rng.choice([None, None, None, 2, 3]))
