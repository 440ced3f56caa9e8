"""Random request logs for the functions about single users: those of `usage` with ratings, and users with preferences.

Some users have two or three models that differ in speed and quality, and use one of them more often, so that a preference
can be found; the numbers of days are near the threshold of evidence.
"""

import math
from dataclasses import dataclass, replace

from oracle.kit.days import DAY, HOUR
from oracle.kit.logs import literal
from oracle.sessions.logs import latency_literal
from oracle.usage.logs import UsageLog, UsageRequest, random_usage_log

RATINGS = [0, 1, 1, 2.5, 4, 5, None, None, None, None, -1]


@dataclass(frozen=True)
class UserRequest(UsageRequest):
    """One row."""

    rating: float | int | bool | None
    provider: str | None = None


@dataclass
class UserLog(UsageLog):
    """A table and its settings; a column that is None does not exist."""

    rating_column: str | None = "rating"
    rating_type: str = "double precision"
    provider_column: str | None = "provider"
    choosers: tuple = ()                         # the users there is most to say of

    PLAINER = UsageLog.PLAINER | {"rating_column": None, "provider_column": None}

    def columns(self):
        own = [(self.rating_column, self.rating_type, lambda r: rating_literal(r.rating)),
               (self.provider_column, "text", lambda r: literal(r.provider))]
        return [*super().columns(), *(column for column in own if column[0] is not None)]

    def rating(self, request):
        """The rating as the definitions read it: finite, if the log has a column for it."""
        rating = request.rating if self.rating_column else None
        return None if rating is None or not math.isfinite(rating) else float(rating)


def rating_literal(rating):
    return literal(rating) if isinstance(rating, bool) else latency_literal(rating)


def chooser(rng, like, user, first, rate):
    """The requests of a user with a preference among several models."""
    models = rng.sample(["gpt-4o", "claude", "o3", "it's"], rng.choice([2, 2, 3]))
    quality = {model: rng.choice([0.3, 0.6, 0.95]) for model in models}
    speed = {model: rng.choice([100, 119, 120, 121, 400, 900]) for model in models}
    if rng.random() < 0.6:                       # there is something to choose between
        speed |= {models[0]: 100, models[1]: rng.choice([120, 121, 400])}
        quality |= {models[0]: 0.3, models[1]: 0.95}
    favourite, loyalty = rng.choice(models[:2]), rng.choice([0.5, 0.8, 0.9])
    requests = []
    for day in range(rng.choice([9, 12, 20, 30, 40, 40])):
        for _ in range(rng.choice([1, 1, 2, 4])):
            model = favourite if rng.random() < loyalty else rng.choice(models)
            good = rng.random() < quality[model]
            requests.append(replace(
                like, user=user, instant=first + day * DAY + rng.randrange(12) * HOUR, model=model, succeeded=good,
                status=None, latency_ms=speed[model], rating=rate(good) if rng.random() < 0.8 else None,
                session_id=None, feature=rng.choice(["chat", "code"])))
    return requests


def random_user_log(rng, now):
    """One log; `now` is the server's."""
    base = random_usage_log(rng, now)
    rating_type = rng.choice(["double precision", "double precision", "integer", "boolean", "numeric"])
    whole = rating_type == "integer"
    if rating_type == "boolean":
        rate, ratings = (lambda good: good), [True, False, None]
    elif whole:
        rate, ratings = (lambda good: 4 + good), [0, 1, 4, 5, None, -1]
    else:
        rate = lambda good: 5 if good else 2.5
        ratings = RATINGS + ([math.nan, math.inf] if rating_type == "double precision" else [])
    providers = rng.choice([["openai"], ["openai", "azure", None], [None, ""]])
    requests = [UserRequest(**vars(request), rating=rng.choice(ratings), provider=rng.choice(providers))
                for request in base.requests]
    choices, choosers = [], ()
    people = [r for r in requests if r.user is not None and r.is_counted() and r.instant < now - 50 * DAY]
    for like in rng.sample(people, min(len(people), rng.choice([0, 1, 1, 2]))):
        choices += chooser(rng, like, like.user, like.instant, rate)
        choosers += (like.user,)
    requests += choices
    rng.shuffle(requests)
    instants = [r.instant for r in requests if r.is_counted() and r.instant <= now] or [base.first]
    return UserLog(
        **(vars(base) | {"requests": requests, "first": min(instants), "last": max(instants)}),
        choosers=choosers, rating_type=rating_type, provider_column=rng.choice(["provider", None, None]),
        rating_column=rng.choice(["rating", "rating", "feedback", "is_thumbs_up", "rating", None]))
