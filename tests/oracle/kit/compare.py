"""Comparison of the server's rows with those of the definitions."""

from oracle.kit.days import day_from_text, day_text, instant_from_text, instant_text

DATES = ("since_day", "activated_on", "upgraded_on", "period_start", "day", "cohort_start", "cohort", "month",
         "first_day_over_limit")
INSTANTS = ("started_at", "ended_at", "signed_up_at", "first_seen", "last_seen", "occurred_at", "reached_at",
            "told_at", "valid_from", "valid_to")
KEYS = ("segment", "feature", "barrier_rank", "landmark_day", "milestone_number", "panel", "week", "period_start", "day",
        "cohort_start", "cohort", "from_stage", "to_stage", "source_value", "active_days", "period_number", "user_id",
        "month", "session_number", "started_at", "request_number", "weekday", "hour", "name", "driver", "indicator",
        "pattern", "number", "model", "from_model", "to_model", "occurred_at", "request_id", "step_number", "step",
        "from_feature", "to_feature")
RELATIVE = 1e-12
NEARLY_ZERO = 1e-15                              # a bound that is 0 on paper is rounded to no particular side of it
# (relative, absolute) tolerances other than the default: a probability is a long sum, and may be tiny without being 0.
TOLERANCES = {"decline_p": (1e-9, 1e-300), "p_value": (1e-9, 1e-300), "q_value": (1e-9, 1e-300)} | dict.fromkeys(
    ("phi", "difference", "difference_low", "difference_high", "ratio_low", "ratio_high", "adjusted_difference",
     "adjusted_low", "adjusted_high"), (1e-9, 1e-9))


def same_value(expected, got, tolerance=(RELATIVE, NEARLY_ZERO)):
    if isinstance(expected, float) and isinstance(got, (int, float)) and not isinstance(got, bool):
        relative, nearly_zero = tolerance
        return abs(expected - got) <= max(relative * abs(expected), nearly_zero)
    return type(expected) is type(got) and expected == got


def same_row(expected, got):
    """Equal columns, in the same order, with equal values."""
    return list(expected) == list(got) and all(
        same_value(expected[name], got[name], TOLERANCES.get(name, (RELATIVE, NEARLY_ZERO))) for name in expected)


def with_numbers(row):
    """A row from the server, its dates as day numbers and its times as instants."""
    readers = dict.fromkeys(DATES, day_from_text) | dict.fromkeys(INSTANTS, instant_from_text)
    return {name: readers[name](value) if name in readers and value is not None else value
            for name, value in row.items()}


def key_of(row):
    return tuple((name, str(row[name])) for name in KEYS if name in row)


def differences(expected, got):
    """Lines of a diff, rows paired by key; empty if all are equal, in any order.

    If a key is not unique (sessions of a value, which has no user ids), an equal row is taken if there is one.
    """
    lines = []
    unmatched = {}
    for row in got:
        unmatched.setdefault(key_of(row), []).append(row)
    for row in expected:
        twins = unmatched.get(key_of(row), [])
        equal = (i for i, twin in enumerate(twins) if same_row(row, twin))
        twin = twins.pop(next(equal, 0)) if twins else None
        if twin is None or not same_row(row, twin):
            lines.append(f"  expected {shown(row)}")
            lines.append(f"  got      {shown(twin) if twin else 'no such row'}")
    lines += [f"  not expected {shown(row)}" for twins in unmatched.values() for row in twins]
    return lines


def shown(row):
    writers = dict.fromkeys(DATES, day_text) | dict.fromkeys(INSTANTS, instant_text)
    return ", ".join(f"{name}={writers[name](value) if name in writers and isinstance(value, int) else value}"
                     for name, value in row.items())


def by_segment(rows):
    groups = {}
    for row in rows:
        groups.setdefault(row.get("segment"), []).append(row)
    return groups.values()
