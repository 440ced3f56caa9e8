"""Random request logs for what goes with staying: those of `usage_logs`, whose answers may be rated, and whose users do
much in their first days and come back a few days later, or do not."""

from dataclasses import dataclass, replace

from days import DAY, HOUR
from logs import literal
from usage_logs import FEATURES, UsageLog, UsageRequest, random_usage_log
from driver_definitions import RatedUse


@dataclass(frozen=True)
class RatedRequest(UsageRequest):
    """One row."""

    rating: int | None


@dataclass
class DriverLog(UsageLog):
    """A table and its settings; a column that is None is not there."""

    rating_column: str | None = "rating"
    rating_type: str = "smallint"

    PLAINER = UsageLog.PLAINER | {"rating_column": None, "rating_type": "smallint"}

    def columns(self):
        rating = (self.rating_column, self.rating_type, lambda r: literal(self._rating(r)))
        return [*super().columns(), *([rating] if self.rating_column else [])]

    def _rating(self, r):
        return r.rating if r.rating is None or self.rating_type != "boolean" else r.rating > 0

    def use(self, r):
        rating = r.rating if self.rating_column else None
        return RatedUse(**vars(super().use(r)), rating=None if rating is None else float(rating))


def random_driver_log(rng, now):
    """One log; `now` is the server's."""
    base = random_usage_log(rng, now)
    requests = []
    for request in base.requests:
        requests.append(request)
        if request.is_finite() and request.instant < now - 30 * DAY:
            requests += [replace(request, instant=request.instant + rng.choice([0, HOUR, DAY, 3 * DAY, 5 * DAY, 9 * DAY]),
                                 feature=rng.choice(FEATURES), model=rng.choice(["gpt-4o", "claude", None]))
                         for _ in range(rng.choice([0, 0, 1, 3]))]
    rated = [RatedRequest(**vars(r), rating=rng.choice([None, None, None, None, 1, -1, 0])) for r in requests]
    rng.shuffle(rated)
    instants = [r.instant for r in rated if r.is_finite() and r.instant <= now] or [base.first]
    return DriverLog(**(vars(base) | {"requests": rated, "first": min(instants), "last": max(instants)}),
                     rating_column=rng.choice(["rating", "score", "is_thumbs_up", None]),
                     rating_type=rng.choice(["smallint", "double precision", "boolean"]))
