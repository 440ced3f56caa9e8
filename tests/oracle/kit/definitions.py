"""Definitions common to all topics, in plain Python.

Users (D7 of the project's definitions), calendar periods, the end of observation, and the interval of a proportion. It
shares nothing with the extension. Days are numbers (see `days`); a period is the half-open range of days [start, end).
"""

from functools import lru_cache
from math import sqrt

from oracle.kit.days import date_of, day_of

GRAINS = ("day", "week", "month", "quarter", "year")
Z95 = 1.959963984540054

# Day 0, 2000-01-01, was a Saturday.
A_WEEK_BEGINS_ON = {"saturday": 0, "sunday": 1, "monday": 2, "tuesday": 3, "wednesday": 4, "thursday": 5, "friday": 6}


def is_user(user_id, excluded):
    """D7: NULL, empty and blank (ASCII white space) ids are no users; nor are anonymous and opted-out ids."""
    return user_id is not None and user_id.strip(" \t\n\r\v\f") != "" and user_id not in excluded


def observation_end(instants, until, as_of, now):
    """as_of, otherwise the last request of the log; never later than `until` or now. None if there is none.

    No return can be observed at or after `until`, whatever as_of is.
    Without as_of, `until` itself is the end.
    """
    ends = [moment for moment in (as_of, until) if moment is not None] or ([max(instants)] if instants else [])
    return min([*ends, now]) if ends else None


def wilson(retained, eligible):
    """The Wilson score interval of a proportion at 95 % (Wilson 1927); exactly 0 or 1 at the ends."""
    p, n, z = retained / eligible, eligible, Z95
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return (0.0 if retained == 0 else centre - half), (1.0 if retained == eligible else centre + half)


# ---------------------------------------------------------------------------------------------------- the calendar

@lru_cache(maxsize=None)
def index_of(day, grain, week_start="monday"):
    """The index of the calendar period that contains the day; adjacent periods differ by one.

    `week_start` is the day weeks begin on, or that and the month years and quarters begin with, 1 to 12.
    """
    week_start, year_start = week_start if isinstance(week_start, tuple) else (week_start, 1)
    if grain == "day":
        return day
    if grain == "week":
        return (day - A_WEEK_BEGINS_ON[week_start]) // 7
    year, month, _ = date_of(day)
    months = year * 12 + month - 1
    return {"month": months, "quarter": (months - (year_start - 1)) // 3, "year": (months - (year_start - 1)) // 12}[grain]


@lru_cache(maxsize=None)
def first_day_of(index, grain, week_start="monday"):
    """The first day of the calendar period with this index."""
    week_start, year_start = week_start if isinstance(week_start, tuple) else (week_start, 1)
    if grain == "day":
        return index
    if grain == "week":
        return 7 * index + A_WEEK_BEGINS_ON[week_start]
    length = {"month": 1, "quarter": 3, "year": 12}[grain]
    months = index * length + (year_start - 1 if grain != "month" else 0)
    return day_of(months // 12, months % 12 + 1)


def periods(first, last, grain, week_start):
    """Every calendar period from the one of `first` to the one of `last`, as [start, end)."""
    if first > last:
        return
    for index in range(index_of(first, grain, week_start), index_of(last, grain, week_start) + 1):
        yield first_day_of(index, grain, week_start), first_day_of(index + 1, grain, week_start)
