"""Random request logs for user journeys: those of `usage`, with ratings, prompts and a table of signups.

Some users are active on several days, for weeks.
"""

from dataclasses import dataclass, field, replace

from oracle.journey import definitions as jd
from oracle.kit.days import DAY, HOUR, SECOND, instant_text
from oracle.kit.logs import literal
from oracle.sessions.definitions import session_name
from oracle.usage.definitions import known_number
from oracle.usage.logs import FEATURES, UsageLog, UsageRequest, random_usage_log

PROMPTS = ["Why?", "why", " WHY  ", "Why.", "why not?", "", "", " ", None, "explain\tit", "explain it!"]
RATINGS = [0, 1, 1, 0.5, None, None, 1, 0]


@dataclass(frozen=True)
class JourneyRequest(UsageRequest):
    """One row."""

    rating: float | None
    prompt: str | None


@dataclass
class JourneyLog(UsageLog):
    """A table, its settings, and a table of signups: (user, instant); a column that is None does not exist."""

    rating_column: str | None = "rating"
    prompt_column_name: str | None = "prompt"
    signups: list = field(default_factory=list)

    def columns(self):
        optional = [(self.rating_column, "double precision", lambda r: literal(r.rating)),
                    (self.prompt_column_name, "text", lambda r: literal(r.prompt))]
        return [*super().columns(), *(column for column in optional if column[0] is not None)]

    def _rows_sql(self):
        yield from super()._rows_sql()
        yield f"CREATE TABLE signups (user_id {self.id_type}, created_at timestamptz)"
        if self.signups:
            rows = ", ".join(f"({literal(user)}, {literal(instant_text(at))})" for user, at in self.signups)
            yield f"INSERT INTO signups VALUES {rows}"

    def step(self, r, marks=()):
        """The request as the definitions read it, as far as the log has columns for it."""
        turn = self.turn(r)
        return jd.Step(
            **vars(turn), request_id=r.request_id if self.id_column else None, feature=r.feature if self.feature_column else None,
            rating=r.rating if self.rating_column else None, prompt=session_name(r.prompt) if self.prompt_column_name else None,
            latency=known_number(r.latency_ms) if self.latency_column else None, marks=marks)


def random_journey_log(rng, now):
    base = random_usage_log(rng, now)
    requests = [JourneyRequest(**vars(r), rating=rng.choice(RATINGS), prompt=rng.choice(PROMPTS)) for r in base.requests]
    # Users active on several days, for weeks.
    people = sorted({r.user for r in requests if r.user is not None and r.is_counted()})
    ordinary = [r for r in requests if r.is_counted() and r.instant < now - 60 * DAY]
    for r in rng.sample(ordinary, min(len(ordinary), 12)):
        for _ in range(rng.choice([1, 2, 4])):
            days = rng.choice([1, 1, 2, 3, 5, 7, 8, 13, 14, 20])
            requests.append(replace(r, instant=r.instant + days * DAY + rng.choice([0, 0, -1, HOUR, 5 * HOUR]),
                                    feature=rng.choice(FEATURES), rating=rng.choice(RATINGS)))
    for r in rng.sample(ordinary, min(len(ordinary), 12)):
        requests.append(replace(r, instant=r.instant + rng.choice([0, 1, 299, 300, 301]) * SECOND, prompt=rng.choice(PROMPTS)))
    rng.shuffle(requests)
    instants = [r.instant for r in requests if r.is_counted() and r.instant <= now] or [base.first]
    last = max(instants)
    firsts = {user: min(r.instant for r in requests if r.user == user and r.is_counted()) for user in people}
    signups = [(user, firsts[user] + rng.choice([-DAY, -3 * HOUR, -1, 0, 1, HOUR])) for user in people if rng.random() < 0.7]
    signups += [(user, at + rng.choice([1, DAY])) for user, at in signups if rng.random() < 0.1]
    if base.id_type in ("text", "varchar"):
        signups += [(user, last - rng.choice([-1, 0, 1, HOUR, 3 * DAY])) for user in ("waits", "waits too", "anonymous", " ")
                    if rng.random() < 0.5]
    return JourneyLog(**(vars(base) | {"requests": requests, "first": min(instants), "last": last}), signups=signups,
                      rating_column=rng.choice(["rating", "feedback", None]),
                      prompt_column_name=rng.choice(["prompt", "query", None]))
