"""Days and instants as whole numbers, for any year.

A *day* is the number of days since 2000-01-01 in the proleptic Gregorian calendar, an *instant* the number of
microseconds since 2000-01-01 00:00 UTC. Python's `datetime` ends at the year 1; PostgreSQL's dates do not, and the
oracle has to follow them to the years BC. Years are astronomical: 1 BC is year 0, 2 BC is year -1.
"""

import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR

MONTH_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def is_leap(year):
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def days_before_year(year):
    """Days from the first day of year 0 to the first day of `year`."""
    return 365 * year + (year + 3) // 4 - (year + 99) // 100 + (year + 399) // 400


def month_length(year, month):
    return 29 if month == 2 and is_leap(year) else MONTH_LENGTHS[month - 1]


def day_of(year, month=1, day=1):
    """The day number of a calendar date."""
    months = sum(month_length(year, m) for m in range(1, month))
    return days_before_year(year) + months + day - 1 - days_before_year(2000)


@lru_cache(maxsize=None)
def date_of(day):
    """(year, month, day of the month) of a day number."""
    year = 2000 + day // 366
    while day_of(year + 1) <= day:
        year += 1
    while day_of(year) > day:
        year -= 1
    month = max(m for m in range(1, 13) if day_of(year, m) <= day)
    return year, month, day - day_of(year, month) + 1


def day_text(day):
    """The date as PostgreSQL writes it."""
    year, month, of_month = date_of(day)
    era = "" if year > 0 else " BC"
    return f"{year if year > 0 else 1 - year:04d}-{month:02d}-{of_month:02d}{era}"


def day_from_text(text):
    """The inverse of `day_text`."""
    year, month, of_month, era = re.fullmatch(r"(\d{4,})-(\d\d)-(\d\d)( BC)?", text).groups()
    return day_of(1 - int(year) if era else int(year), int(month), int(of_month))


def instant_of(year, month=1, day=1, hour=0, minute=0, second=0):
    """The instant of a UTC date and time."""
    return day_of(year, month, day) * DAY + hour * HOUR + (minute * 60 + second) * SECOND


def instant_text(instant, suffix="+00"):
    """The instant as a PostgreSQL literal, by default with its UTC offset."""
    day, of_day = divmod(instant, DAY)
    seconds, micros = divmod(of_day, SECOND)
    date, era = (day_text(day).split(" ") + [""])[:2]
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{micros:06d}"
    return f"{date} {clock}{suffix}{' ' + era if era else ''}"


def instant_from_text(text):
    """The inverse of `instant_text`, for any UTC offset and for ISO 8601's T, which JSON has."""
    date, clock, fraction, sign, offset, era = re.fullmatch(
        r"(\d+-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(\.\d+)?([+-])(\d\d(?::\d\d){0,2})( BC)?", text).groups()
    seconds, ahead = (sum(int(n) * weight for n, weight in zip(part.split(":"), (3600, 60, 1)))
                      for part in (clock, offset))
    micros = int(((fraction or ".") + "000000")[1:7])
    shift = ahead if sign == "-" else -ahead
    return day_from_text(date + (era or "")) * DAY + (seconds + shift) * SECOND + micros


def local_day_by_zoneinfo(instant, zone):
    """The local day by Python's own zone rules, or None where Python has no such year."""
    if not instant_of(2) < instant < instant_of(9998):
        return None
    utc = datetime(2000, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=instant)
    return utc.astimezone(ZoneInfo(zone)).date().toordinal() - datetime(2000, 1, 1).toordinal()


def local_midnight_by_zoneinfo(day, zone):
    """An instant at, or near, the local start of a day: for choosing interesting rows, never for an answer."""
    naive = day * DAY
    if not instant_of(2) < naive < instant_of(9998):
        return naive
    wall_clock = datetime(2000, 1, 1) + timedelta(days=day)
    offset = wall_clock.replace(tzinfo=ZoneInfo(zone)).utcoffset()
    return naive - int(offset.total_seconds()) * SECOND
