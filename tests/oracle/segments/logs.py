"""Random request logs for segments: ties, few and many requests, and moments on both sides of every boundary.

They contain everything that a log of the kit may have. A log is tuned to one end of observation and to one length of the
recent weeks, of those before and of being new, which most calls use: requests lie on these boundaries and a microsecond from
them. Users share a few numbers of requests, so that many tie with the last power user.
"""

from dataclasses import dataclass, field, replace

from oracle.kit.days import DAY
from oracle.kit.logs import MODELS, TIERS, Log, Request, moment_of, nasty_requests, random_log, user_ids
from oracle.segments.definitions import WEEK

MOST_REQUESTS = 350
# One user with recent and earlier active days as given by settings, for decline_p.
DECLINING = """CREATE VIEW declining AS
SELECT 'declining' AS user_id, timestamptz '2024-06-01 00:00Z' - n * interval '24 hours' + interval '1 us' AS created_at
FROM generate_series(1, current_setting('oracle.recent')::integer) AS n
UNION ALL
SELECT 'declining', timestamptz '2024-06-01 00:00Z' - current_setting('oracle.recent_weeks')::integer * interval '168 hours'
    - n * interval '24 hours' + interval '1 us'
FROM generate_series(1, current_setting('oracle.base')::integer) AS n"""


@dataclass
class SegmentLog(Log):
    """A table and its settings."""

    end: int = 0                                     # what the boundaries are counted from
    tuned: dict = field(default_factory=dict)        # the lengths they are at, as arguments
    min_group_size: int | None = None

    PLAINER = Log.PLAINER | {"min_group_size": None}

    def settings(self):
        return super().settings() | {"min_group_size": self.min_group_size}

    def statements(self):
        return [*super().statements(), DECLINING]


# --------------------------------------------------------------------------------------------------- random choices

def within(rng, after, upto):
    """A moment after the first and up to the second, often the first or last possible."""
    return rng.choice([after + 1, after + 2, upto - 1, upto, *(rng.randrange(after + 1, upto + 1) for _ in range(6))])


def moments(rng, after, upto, count):
    """So many moments: spread out, in one burst, or all at once."""
    way = rng.random()
    if way < 0.6:
        return [within(rng, after, upto) for _ in range(count)]
    first = within(rng, after, upto)
    step = 0 if way < 0.7 else rng.choice([1, 1_000_000])
    return [min(first + step * n, upto) for n in range(count)]


def begin(rng, log):
    """A moment long ago, or at the limit of being new, or at the start of the weeks compared."""
    weeks = log.tuned["recent_weeks"] + log.tuned["base_weeks"]
    boundary = log.end - rng.choice([log.tuned["new_days"] * DAY, weeks * WEEK])
    return rng.choice([boundary - 1, boundary, boundary + 1, log.end - weeks * WEEK - rng.randrange(1, 200 * DAY)])


def requests_of(rng, log, user, recent, base):
    """So many requests in the recent weeks and so many before; for most users one long ago."""
    middle = log.end - log.tuned["recent_weeks"] * WEEK
    instants = (moments(rng, middle, log.end, recent)
                + moments(rng, middle - log.tuned["base_weeks"] * WEEK, middle, base)
                + [begin(rng, log) for _ in range(rng.choice([0, 1, 1, 1, 2]))])
    tier = rng.choice(TIERS)
    models = MODELS[:1] if rng.random() < 0.6 else MODELS
    return [Request(user, min(instant, log.end), rng.choice(models), tier) for instant in instants]


def ladder(rng, log):
    """25 users with 1 to 25 recent requests and some earlier ones, so that every share ends at a user."""
    people = user_ids(rng, log.id_type, 25)
    return [request for recent, user in enumerate(people, 1)
            for request in requests_of(rng, log, user, recent, rng.choice([0, recent, recent * 2]))]


def tuned_requests(rng, log, now):
    if rng.random() < 0.1:
        return ladder(rng, log)
    people = user_ids(rng, log.id_type, rng.choice([1, 4, 9, 10, 11, 20, 25, 25, 40]))
    levels = rng.sample(range(1, 25), rng.choice([1, 2, 3, 6]))
    recent = rng.choice([levels, [*levels, 0], [*levels, 0, 0, 0]])
    base = rng.choice([levels, [*levels, 0], [10, 20, *levels], [20, 40]])
    requests = []
    for user in people:
        requests += requests_of(rng, log, user, rng.choice(recent), rng.choice(base))
        if len(requests) > MOST_REQUESTS:
            break
    requests += nasty_requests(rng, log.id_type, requests, rng.choice([0, len(requests) // 4]), now)
    if rng.random() < 0.85:
        # The last request, with or without a user; and requests after the end of observation.
        requests = [r for r in requests if not r.is_counted() or r.instant <= log.end or r.instant > now]
        requests.append(Request(rng.choice([None, *people]), log.end, MODELS[0], None))
    if rng.random() < 0.25:
        requests += [Request(rng.choice(people), log.end + late, MODELS[1], None) for late in (1, rng.randrange(DAY))]
    return requests


def random_segment_log(rng, now):
    """One log; `now` is the server's."""
    plain = random_log(rng, now)
    log = SegmentLog(**vars(plain), end=min(moment_of(rng, plain.last // DAY, plain.zone), now), tuned={
        "recent_weeks": rng.choice([4, 4, 4, 1, 2, 5]), "base_weeks": rng.choice([4, 4, 4, 1, 3, 8]),
        "new_days": rng.choice([30, 30, 30, 7, 1, 60])}, min_group_size=rng.choice([None, None, None, 2, 5]))
    if rng.random() < 0.15:
        return log
    requests = [r for r in tuned_requests(rng, log, now) if not r.is_counted() or not now < r.instant < now + 2 * DAY]
    rng.shuffle(requests)
    instants = [r.instant for r in requests if r.is_counted() and r.instant <= now] or [log.end]
    people = sorted({r.user for r in requests if r.user is not None})
    return replace(log, requests=requests, first=min(instants), last=max(instants),
                   opted_out=rng.sample(people, min(len(people), rng.choice([0, 0, 1, 2]))))
