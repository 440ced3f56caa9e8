"""Random request logs for the functions about usage patterns, which extend those of `sessions`.

Columns vary, as in applications; ids repeat, or are missing; some numbers are invalid.
"""

import math
from dataclasses import dataclass, replace

from oracle.kit.days import DAY
from oracle.kit.logs import literal, told_literal
from oracle.sessions.definitions import session_name
from oracle.sessions.logs import SessionLog, SessionRequest, latency_literal, random_session_log
from oracle.usage.definitions import Use, known_number

FEATURES = ["chat", "Chat", "it's", "code", None]
IDS = ["9", "10", "a", "B", "", "é", None]
COSTS = [0, 0.25, 1.5, 3.0625, 100, None, -1.5, math.nan, math.inf, -math.inf]
TOKENS = [0, 1, 2, 2, 7, 100, 100, 5000, None, None, -3]


@dataclass(frozen=True)
class UsageRequest(SessionRequest):
    """One row."""

    request_id: str | None
    feature: str | None
    prompt_tokens: float | int | None
    completion_tokens: float | int | None
    cost_usd: float | None
    cached_tokens: int | None
    reasoning_tokens: int | None
    ttft_ms: float | None


@dataclass
class UsageLog(SessionLog):
    """A table and its settings; a column that is None does not exist."""

    id_column: str | None = "request_id"
    feature_column: str | None = "feature"
    prompt_column: str | None = "prompt_tokens"
    completion_column: str | None = "completion_tokens"
    token_type: str = "integer"
    cost_column: str | None = "cost_usd"
    cached_column: str | None = "cached_tokens"
    reasoning_column: str | None = "reasoning_tokens"
    ttft_column: str | None = "ttft_ms"
    least: int | None = None                     # user_metrics.min_group_size

    PLAINER = SessionLog.PLAINER | {"id_column": None, "prompt_column": None, "completion_column": None,
                                    "cost_column": None, "cached_column": None, "reasoning_column": None,
                                    "ttft_column": None, "token_type": "double precision", "least": None}

    def settings(self):
        return super().settings() | {"min_group_size": self.least}

    def columns(self):
        optional = [
            (self.id_column, "text", lambda r: literal(r.request_id)),
            (self.feature_column, "text", lambda r: told_literal(r.feature, r)),
            (self.prompt_column, self.token_type, lambda r: latency_literal(r.prompt_tokens)),
            (self.completion_column, self.token_type, lambda r: latency_literal(r.completion_tokens)),
            (self.cost_column, "double precision", lambda r: latency_literal(r.cost_usd)),
            (self.cached_column, "integer", lambda r: literal(r.cached_tokens)),
            (self.reasoning_column, "integer", lambda r: literal(r.reasoning_tokens)),
            (self.ttft_column, "double precision", lambda r: latency_literal(r.ttft_ms))]
        return [*super().columns(), *(column for column in optional if column[0] is not None)]

    def use(self, r):
        """The request as the definitions read it, as far as the log has columns for it."""
        return Use(
            r.user, r.instant, r.request_id if self.id_column else None,
            session_name(r.session_id) if self.session_column else None, r.model,
            r.feature if self.feature_column else None,
            known_number(r.prompt_tokens) if self.prompt_column else None,
            known_number(r.completion_tokens) if self.completion_column else None,
            known_number(r.cost_usd) if self.cost_column else None,
            known_number(r.latency_ms) if self.latency_column else None,
            known_number(r.ttft_ms) if self.ttft_column else None,
            known_number(r.cached_tokens) if self.cached_column else None,
            known_number(r.reasoning_tokens) if self.reasoning_column else None, self.turn(r).succeeded)


def random_usage_log(rng, now):
    """One log; `now` is the server's."""
    base = random_session_log(rng, now)
    token_type = rng.choice(["integer", "integer", "bigint", "double precision", "numeric"])
    tokens = TOKENS + ([math.nan, math.inf, -math.inf] if token_type == "double precision" else [])
    ids = rng.choice(["numbers", "numbers", "few"])
    requests = [
        UsageRequest(
            **vars(request), request_id=str(rng.randrange(200)) if ids == "numbers" else rng.choice(IDS),
            feature=rng.choice(FEATURES[:3]) if rng.random() < 0.8 else rng.choice(FEATURES),
            prompt_tokens=rng.choice(tokens), completion_tokens=rng.choice(tokens), cost_usd=rng.choice(COSTS),
            cached_tokens=rng.choice(TOKENS), reasoning_tokens=rng.choice(TOKENS), ttft_ms=rng.choice(COSTS))
        for request in base.requests]
    # Requests at the same instant, ordered by ids and models.
    requests += [replace(r, request_id=rng.choice(IDS), model=rng.choice(["gpt-4o", "claude"]))
                 for r in requests if rng.random() < 0.1]
    requests += [replace(r, instant=r.instant + rng.choice([1, 7, 30]) * DAY, request_id=str(rng.randrange(200)))
                 for r in requests if r.is_counted() and r.instant < now - 40 * DAY and rng.random() < 0.1]
    rng.shuffle(requests)
    instants = [r.instant for r in requests if r.is_counted() and r.instant <= now] or [base.first]
    return UsageLog(
        **(vars(base) | {"requests": requests, "first": min(instants), "last": max(instants)}),
        id_column=rng.choice(["request_id", "id", None]), token_type=token_type,
        feature_column=rng.choice(["feature", "feature_name", "path", "feature", None]),
        prompt_column=rng.choice(["prompt_tokens", "input_tokens", None]),
        completion_column=rng.choice(["completion_tokens", "output_tokens", None]),
        cost_column=rng.choice(["cost_usd", "spend", None]),
        cached_column=rng.choice(["cached_tokens", "cache_read_input_tokens", None]),
        reasoning_column=rng.choice(["reasoning_tokens", None]),
        ttft_column=rng.choice(["ttft_ms", "time_to_first_token_ms", None]), least=rng.choice([None, None, None, 2, 3]))
