"""Random request logs for predictors of retention: those of `usage`, with ratings, and with users who are active in
their first days and return a few days later, or do not."""

import uuid
from dataclasses import dataclass, replace

import xxhash

from oracle.kit.days import DAY, HOUR
from oracle.kit.logs import literal
from oracle.predictors.definitions import RatedUse
from oracle.usage.logs import FEATURES, UsageLog, UsageRequest, random_usage_log


@dataclass(frozen=True)
class RatedRequest(UsageRequest):
    """One row."""

    rating: int | None


@dataclass
class PredictorLog(UsageLog):
    """A table and its settings; a column that is None does not exist."""

    rating_column: str | None = "rating"
    rating_type: str = "smallint"

    PLAINER = UsageLog.PLAINER | {"rating_column": None, "rating_type": "smallint"}

    def columns(self):
        rating = (self.rating_column, self.rating_type, lambda r: literal(self._rating(r)))
        return [*super().columns(), *([rating] if self.rating_column else [])]

    def _rating(self, r):
        return r.rating if r.rating is None or self.rating_type != "boolean" else r.rating > 0

    def key(self, user):
        """The 16 bytes of a user's key in the extension."""
        if self.id_type == "uuid":
            return uuid.UUID(user).bytes
        if self.id_type in ("bigint", "int"):
            return bytes(8) + (int(user) % 2**64).to_bytes(8, "big")
        return xxhash.xxh3_128_digest(user.encode())

    def use(self, r):
        rating = r.rating if self.rating_column else None
        return RatedUse(**vars(super().use(r)), rating=None if rating is None else float(rating))


def planted(rng, base, now):
    """Requests of users who are mostly retained if they make enough requests early enough."""
    days, count = rng.choice([1, 2, 3, 4]), rng.choice([1, 2, 3, 5])
    begin, requests = min(now - 60 * DAY, 9000 * DAY), []

    def request(user, day):
        instant = (begin // DAY + day) * DAY + 6 * HOUR + rng.randrange(12 * HOUR)
        return RatedRequest(
            user, instant, model=rng.choice(["gpt-4o", "claude", None]), tier=rng.choice(["pro", "free", None]),
            session_id=rng.choice(["s1", None]) if base.session_type == "text" else None, latency_ms=None,
            status=rng.choice([200, None]) if base.status_type == "integer" else None,
            succeeded=rng.choice([True, False, None]), part=0, mix=rng.randrange(100),
            request_id=str(rng.randrange(99)), feature=rng.choice(FEATURES), prompt_tokens=None, completion_tokens=None,
            cost_usd=None, cached_tokens=None, reasoning_tokens=None, ttft_ms=None, rating=rng.choice([None, None, 1]))

    for n in range(rng.choice([60, 120])):
        user = str(uuid.UUID(int=n)) if base.id_type == "uuid" else str(n) if base.id_type in ("bigint", "int") else f"u{n}"
        first, asked = rng.randrange(20), [rng.choice([0, 0, 1, 2]) + (day == 0) for day in range(5)]
        requests += [request(user, first + day) for day, times in enumerate(asked) for _ in range(max(times, day == 0))]
        if (sum(asked[:days]) >= count) != (rng.random() < 0.1):
            requests.append(request(user, first + rng.choice([6, 7, 8])))
    return requests


def random_predictor_log(rng, now):
    """One log; `now` is the server's."""
    base = random_usage_log(rng, now)
    requests = []
    for request in base.requests:
        requests.append(request)
        if request.is_counted() and request.instant < now - 30 * DAY:
            requests += [replace(request, instant=request.instant + rng.choice([0, HOUR, DAY, 3 * DAY, 5 * DAY, 9 * DAY]),
                                 feature=rng.choice(FEATURES), model=rng.choice(["gpt-4o", "claude", None]))
                         for _ in range(rng.choice([0, 0, 1, 3]))]
    rated = [RatedRequest(**vars(r), rating=rng.choice([None, None, None, None, 1, -1, 0])) for r in requests]
    rng.shuffle(rated)
    if rng.random() < 0.35:
        rated = planted(rng, base, now)
    instants = [r.instant for r in rated if r.is_counted() and r.instant <= now] or [base.first]
    return PredictorLog(**(vars(base) | {"requests": rated, "first": min(instants), "last": max(instants)}),
                     rating_column=rng.choice(["rating", "feedback", "is_thumbs_up", None]),
                     rating_type=rng.choice(["smallint", "double precision", "boolean"]))
