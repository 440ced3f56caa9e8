"""One case about segments: one call of one function over one log, as SQL and as expected rows; the laws of results."""

from dataclasses import dataclass, replace
from math import ceil

from oracle.kit.cases import Case, counted_requests, observed_until, random_filter, random_moment
from oracle.kit.compare import shown
from oracle.kit.days import HOUR
from oracle.kit.logs import ZONES, literal
from oracle.kit.runner import ExpectedError
from oracle.segments import definitions as sd

WEIGHTS = {"segment_users": 8, "segment_user": 3, "segment_summary": 4, "decline_p": 2}
# Frequent values besides the defaults; for each argument, invalid values. 0.28 of 25 users are 7, and 0.3 is 1 request in 5
# weeks divided by 2 in 3, but not in floating point.
CHOICES = {
    "power_share": [0, 0.1, 0.2, 0.25, 0.28, 0.33, 0.5, 0.56, 1], "ties": ["include", "exclude"], "min_users": [1, 2, 5, 10, 20],
    "max_decline_ratio": [0, 0.1, 0.25, 0.3, 0.5, 0.6, 0.75, 1], "max_decline_p": [0, 0.001, 0.05, 0.3, 1],
    "min_base_days": [1, 2, 5, 7, 10]}
LENGTHS = {"new_days": [0, 1, 7, 30, 90, 1000], "recent_weeks": [1, 2, 4, 5, 13],
           "base_weeks": [1, 2, 3, 4, 13]}
REFUSED = {
    "power_share": [-0.1, 1.1, "NaN", "Infinity", None], "ties": ["first", "", "Include", None], "min_users": [0, -1, None],
    "new_days": [-1, 36_501, None], "recent_weeks": [0, -1, 521, None], "base_weeks": [0, 521, None],
    "max_decline_ratio": [-1, 1.01, "NaN", None], "max_decline_p": [2, "-Infinity", None],
    "min_base_days": [0, None]}
# A probability this close to a limit may be on the other side of it in floating point.
TOO_NEAR = 1e-9


@dataclass(frozen=True)
class SegmentCase(Case):
    """`user` is the argument of segment_user; decline_p is that of the user of
    the view `declining`, whose numbers of requests are in `args`."""

    user: str | None = None

    def sql(self, log):
        if self.readout == "decline_p":
            told = ", ".join(f"set_config('oracle.{name}', '{value}', false)" for name, value in self.args.items())
            weeks = ", ".join(f"{name} => {self.args[name]}" for name in ("recent_weeks", "base_weeks"))
            return (f"SELECT s.decline_p FROM (SELECT {told} OFFSET 0) AS told LEFT JOIN LATERAL user_metrics.segment_users("
                    f"'declining', {weeks}, timezone => 'UTC', as_of => '2024-06-01 00:00Z') AS s ON true")
        return super().sql(log)

    def arguments(self):
        if self.readout == "segment_user":
            yield "user_id", literal(self.user)
        yield from super().arguments()

    def simpler(self):
        if self.readout != "decline_p":
            yield from super().simpler()

    def is_refused(self):
        """An argument is invalid."""
        return any(value in REFUSED.get(name, []) for name, value in self.args.items())


# ------------------------------------------------------------------------------------------------- the expectation

def expected_rows(case, log, facts):
    """The rows by the definitions; `facts` has the server's `now` and local_day(instant, zone)."""
    if case.readout == "decline_p":
        return [{"decline_p": sd.as_float(sd.decline_p(**case.args))}]
    if case.is_refused():
        raise ExpectedError("22023")
    end = observed_until(case, log, facts.now)
    requests = [(r.user, r.instant) for r in counted_requests(case, log)]
    rows = [] if end is None else sd.segment_users(
        requests, end, lambda i: facts.local_day(i, case.zone(log)), since=case.since, until=case.until, **case.args)
    limit = asked(case)["max_decline_p"]
    if any(row["decline_p"] and abs(row["decline_p"] - limit) < TOO_NEAR * limit and limit < 1 for row in rows):
        return None
    if case.readout == "segment_summary":
        return sd.segment_summary(rows, log.min_group_size or 1)
    rows = sd.without_cutoff_of_few(rows, log.min_group_size or 1)
    return sd.segment_user(rows, case.user) if case.readout == "segment_user" else rows


def asked(case):
    return sd.DEFAULTS | case.args


# -------------------------------------------------------------------------------------------------------- the laws

def broken_laws(case, log, rows, answer):
    """What must hold for any result, whatever the log: a line for each violation."""
    check = {"segment_users": users_laws, "segment_user": user_laws, "segment_summary": summary_laws,
             "decline_p": chance_laws}[case.readout]
    return [f"  broken law: {law}" for law in check(case, log, rows, answer)]


def only(case, readout):
    """The same arguments for another function."""
    return replace(case, readout=readout, user=None)


def users_laws(case, log, rows, answer):
    users = [row["user_id"] for row in rows]
    if len(users) != len(set(users)):
        yield "every user once"
    for row in rows:
        yield from row_laws(case, row)
    if not log.min_group_size:
        yield from power_laws(case, rows)
        # A user is new once, and in one segment.
        periods = answer(Case("active_users", {"period": "year"}, timezone=case.timezone, until=case.until,
                              as_of=case.as_of, filter=case.filter))
        if sum(row["new_users"] for row in periods) != len(rows):
            yield f"as many users as active_users ever has: {len(rows)}"
    if "ties" not in case.args and all(row["segment"] != "power" for row in rows):
        stricter = answer(replace(case, args=case.args | {"ties": "exclude"}))
        if any(row["segment"] == "power" for row in stricter):
            yield "no power user without ties who is none with them"


def row_laws(case, row):
    if row["segment"] not in sd.SEGMENTS:
        yield f"one of the six segments in {shown(row)}"
    if (row["recent_requests"] == 0) != (row["usage_rank"] is None):
        yield f"a rank exactly where somebody was active recently in {shown(row)}"
    if row["segment"] != "new" and (row["segment"] in ("lapsed", "dormant")) != (row["recent_requests"] == 0):
        yield f"the lapsed and dormant are not active recently, and the others are, in {shown(row)}"
    cutoff = row["power_cutoff"]
    if row["segment"] == "power" and cutoff is not None and row["recent_requests"] < cutoff:
        yield f"a power user reaches the cutoff in {shown(row)}"
    for span in ("recent", "base"):
        if not (row[f"{span}_requests"] > 0) <= row[f"{span}_days"] <= row[f"{span}_requests"]:
            yield f"a day has a request in {shown(row)}"
    if (row["base_days"] == 0) != (row["decline_ratio"] is None):
        yield f"a ratio exactly where there is something to decline from in {shown(row)}"
    if (row["recent_days"] + row["base_days"] == 0) != (row["decline_p"] is None):
        yield f"a probability exactly where there are days in {shown(row)}"
    if row["decline_p"] is not None and not 0 < row["decline_p"] <= 1:
        yield f"0 < decline_p <= 1 in {shown(row)}"
    if not row["active_days"] <= row["requests"] or (row["active_days"] == 0) != (row["requests"] == 0):
        yield f"no more active days than requests in {shown(row)}"
    if row["first_seen"] > row["last_seen"]:
        yield f"first seen before last seen in {shown(row)}"
    if case.since is None and row["recent_requests"] + row["base_requests"] > row["requests"]:
        yield f"the recent and the base requests are among all in {shown(row)}"


def power_laws(case, rows):
    """D30: the bounds of the number of power users."""
    active = [row for row in rows if row["usage_rank"] is not None]
    cutoffs = {row["power_cutoff"] for row in rows}
    if len(cutoffs) > 1:
        yield f"one cutoff for all, not {cutoffs}"
    if not rows or cutoffs == {None}:
        if any(row["segment"] == "power" for row in rows):
            yield "no power users without a cutoff"
        return
    [cutoff] = cutoffs
    most = ceil(sd.exact(asked(case)["power_share"]) * len(active))
    above = sum(row["recent_requests"] > cutoff for row in active)
    within = sum(row["recent_requests"] >= cutoff for row in active)
    if not above < most or asked(case)["ties"] == "exclude" and within > most:
        yield f"{above} above the cutoff and {within} with it, where {most} may be"
    if len(active) < asked(case)["min_users"] or within == len(active):
        yield "who uses least is no power user, nor is anybody among too few"
    for row in active:
        if row["segment"] == "casual" and row["recent_requests"] >= cutoff:
            yield f"who reaches the cutoff is not casual in {shown(row)}"


def user_laws(case, _log, rows, answer):
    listed = [row for row in answer(only(case, "segment_users")) if row["user_id"] == case.user]
    if [{name: row[name] for name in row if name != "user_id"} for row in listed] != rows:
        yield f"the row of segment_users: {listed}"


def summary_laws(case, log, rows, answer):
    listed = answer(only(case, "segment_users"))
    for row in rows:
        members = [user["requests"] for user in listed if user["segment"] == row["segment"]]
        hidden = 0 < len(members) < (log.min_group_size or 1)
        if (row["users"], row["requests"]) != ((None, None) if hidden else (len(members), sum(members))):
            yield f"the users and requests of segment_users in {shown(row)}"
        if row["users"] is not None and (row["users"] == 0) != (row["requests_per_user"] is None):
            yield f"a mean exactly where there are users in {shown(row)}"
    for name in ("user_share", "request_share"):
        shares = [row[name] for row in rows]
        if None not in shares and abs(sum(shares) - 1) > 1e-9:
            yield f"{name} sums to 1"


def chance_laws(case, _log, rows, answer):
    """With one more recent day, the p value of a decline is larger."""
    [row] = rows
    [other] = answer(replace(case, args=case.args | {"recent": case.args["recent"] + 1}))
    if row["decline_p"] is not None and other["decline_p"] is not None:
        if not row["decline_p"] <= other["decline_p"] * (1 + TOO_NEAR):
            yield f"the probability grows with the recent days: {row}, {other}"


# --------------------------------------------------------------------------------------------------- random choices

def random_args(rng, log):
    """Mostly the values the log is tuned to, some left at the defaults."""
    args = {name: rng.choice(values) for name, values in CHOICES.items() if rng.random() < 0.4}
    for name, values in LENGTHS.items():
        if rng.random() < 0.15:
            args[name] = rng.choice(values)
        elif log.tuned[name] != sd.DEFAULTS[name] or rng.random() < 0.3:
            args[name] = log.tuned[name]
    if rng.random() < 0.03:
        name = rng.choice(list(REFUSED))
        args[name] = rng.choice(REFUSED[name])
    return args


def random_chance(rng):
    weeks = [1, 2, 3, 4, 8, 13, 52, 520]
    spans = {"recent_weeks": rng.choice(weeks), "base_weeks": rng.choice(weeks)}
    # A day less than the span has, as one more is asked too.
    recent, base = (rng.randrange(min(rng.choice([3, 30, 30, 300, 2000]), 7 * most)) for most in spans.values())
    return {"recent": recent, "base": base} | spans


def tuned_moment(rng, log):
    return log.end + rng.choice([-1, 0, 0, 0, 0, 1, rng.randrange(-HOUR, HOUR)])


def random_segment_case(rng, log):
    readout = rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    if readout == "decline_p":
        return SegmentCase(readout, random_chance(rng))
    timezone = rng.choice([None, log.zone, log.zone, rng.choice(ZONES)])
    near = timezone or log.default_zone or "UTC"
    since = random_moment(rng, log, near, True) if rng.random() < 0.4 else None
    until = rng.choice([random_moment(rng, log, near, False), tuned_moment(rng, log)]) if rng.random() < 0.3 else None
    as_of = rng.choice([random_moment(rng, log, near, False), *[tuned_moment(rng, log)] * 4]) if rng.random() < 0.5 else None
    people = sorted({r.user for r in log.requests if r.user is not None})
    return SegmentCase(
        readout, random_args(rng, log), timezone=timezone, since=since, until=until, as_of=as_of,
        filter=random_filter(rng) if rng.random() < 0.2 else {},
        user=rng.choice([*people, *people, "none such"]) if readout == "segment_user" else None)
