"""Cases worked out by hand, to test the oracle itself: `python3 -m oracle activity --self-test` needs no server.

The log, in January 2024 (the 1st was a Monday); weeks begin on Monday:

         Mon  1 | Mon  8 | Mon 15 | Mon 22
    ann  1 2    | 8      | 15     | 22        every week
    bob  3      |        | 16     |           away for a week, then gone
    cat         | 9 10   |        |           came once
    dan         |        | 15 21  | 23        late
"""

import unittest
from zoneinfo import ZoneInfo

from oracle.activity import definitions as d
from oracle.kit import compare
from oracle.kit.days import (DAY, HOUR, date_of, day_from_text, day_of, day_text, instant_from_text, instant_of, instant_text,
                             local_day_by_zoneinfo, local_midnight_by_zoneinfo)
from oracle.kit.definitions import first_day_of, index_of, is_user, observation_end, periods

JANUARY = {"ann": [1, 2, 8, 15, 22], "bob": [3, 16], "cat": [9, 10], "dan": [15, 21, 23]}


def jan(day):
    return day_of(2024, 1, day)


def utc_day(instant):
    return instant // DAY


def january(end=instant_of(2024, 1, 24), since=None, until=None):
    """The log above, each request at noon, observed up to `end`."""
    requests = [(user, jan(day) * DAY + 12 * HOUR) for user, days in JANUARY.items() for day in days]
    return d.observe(requests, end, utc_day, since=since, until=until)


def columns(rows, *names):
    return [tuple(row[name] for name in names) for row in rows]


class Calendar(unittest.TestCase):
    def test_days(self):
        self.assertEqual(day_of(2000), 0)
        self.assertEqual(day_of(2024, 3, 1) - day_of(2024, 2, 28), 2)
        self.assertEqual(day_of(1900, 3, 1) - day_of(1900, 2, 28), 1)
        self.assertEqual(day_of(1970), -10957)
        self.assertEqual(day_of(1) - day_of(0), 366)          # 1 BC was a leap year
        for day in range(-800_000, 800_000, 7919):
            self.assertEqual(day_of(*date_of(day)), day)
            self.assertEqual(day_from_text(day_text(day)), day)
        self.assertEqual(day_text(day_of(-43, 3, 15)), "0044-03-15 BC")
        self.assertEqual(instant_text(instant_of(2024, 1, 2, 3, 4, 5) + 6), "2024-01-02 03:04:05.000006+00")
        for instant in (0, -1, instant_of(2024, 1, 2, 3, 4, 5) + 60, instant_of(-44, 3, 15, 12)):
            self.assertEqual(instant_from_text(instant_text(instant)), instant)
        self.assertEqual(instant_from_text("2024-01-02T09:33:04.5+09:30"), instant_of(2024, 1, 2, 0, 3, 4) + 500_000)
        self.assertEqual(instant_from_text("1800-01-01T00:00:00-04:56:02"), instant_of(1800, 1, 1, 4, 56, 2))

    def test_periods(self):
        self.assertEqual(first_day_of(index_of(jan(7), "week", "monday"), "week", "monday"), jan(1))
        self.assertEqual(first_day_of(index_of(jan(7), "week", "sunday"), "week", "sunday"), jan(7))
        self.assertEqual(first_day_of(index_of(jan(7), "week", "saturday"), "week", "saturday"), jan(6))
        self.assertEqual(first_day_of(index_of(day_of(2024, 6, 30), "quarter"), "quarter"), day_of(2024, 4))
        self.assertEqual(first_day_of(index_of(day_of(0, 12, 31), "year"), "year"), day_of(0))
        self.assertEqual(list(periods(day_of(-1, 12, 5), day_of(0, 1, 2), "month", "monday")),
                         [(day_of(-1, 12), day_of(0, 1)), (day_of(0, 1), day_of(0, 2))])

    def test_zones(self):
        """Samoa went from the 29th of December 2011 to the 31st; New York's 10 March 2024 had 23 hours."""
        apia = [local_day_by_zoneinfo(instant_of(2011, 12, 30, 10) + i, "Pacific/Apia") for i in (-1, 0)]
        self.assertEqual(apia, [day_of(2011, 12, 29), day_of(2011, 12, 31)])
        midnights = [local_midnight_by_zoneinfo(day_of(2024, 3, day), "America/New_York") for day in (10, 11)]
        self.assertEqual(midnights[1] - midnights[0], 23 * HOUR)
        self.assertIsNotNone(ZoneInfo("Australia/Lord_Howe"))


class Users(unittest.TestCase):
    def test_nobodies(self):
        for nobody in (None, "", " ", "\t\n\r", "anonymous"):
            self.assertFalse(is_user(nobody, {"anonymous"}))
        for somebody in ("a", " anonymous", "Anonymous", "\u00a0", "0"):
            self.assertTrue(is_user(somebody, {"anonymous"}))


class Observing(unittest.TestCase):
    def test_end(self):
        self.assertEqual(observation_end([5, 9], None, None, 100), 9)
        self.assertEqual(observation_end([5, 900], None, None, 100), 100)
        self.assertEqual(observation_end([5], 50, None, 100), 50)
        self.assertEqual(observation_end([5], 50, 40, 100), 40)
        self.assertEqual(observation_end([5], 50, 70, 100), 50)
        self.assertEqual(observation_end([5], None, 70, 60), 60)
        self.assertIsNone(observation_end([], None, None, 100))

    def test_last_day(self):
        """At midnight the day before has just ended; a request at that very moment opens the new day."""
        midnight = jan(2) * DAY
        self.assertEqual(d.observe([("a", midnight - 1)], midnight, utc_day).last_day, jan(1))
        self.assertEqual(d.observe([("a", midnight)], midnight, utc_day).last_day, jan(2))
        self.assertEqual(d.observe([("a", midnight)], midnight, utc_day, until=midnight).shown, set())
        self.assertEqual(d.observe([("a", midnight)], midnight, utc_day, until=midnight).last_day, jan(1))

    def test_whole_days(self):
        noon = jan(2) * DAY + 12 * HOUR
        self.assertEqual(d.observe([("a", noon + 1)], noon, utc_day).shown, set())
        self.assertEqual(d.observe([("a", noon + 1)], noon, utc_day, whole_days=True).shown, {("a", jan(2))})


class Series(unittest.TestCase):
    def test_active_users(self):
        self.assertEqual(
            columns(d.active_users(january(), "week"),
                    "period_start", "active_users", "new_users", "returning_users", "complete"),
            [(jan(1), 2, 2, 0, True), (jan(8), 2, 1, 1, True), (jan(15), 3, 1, 2, True), (jan(22), 2, 0, 2, False)])

    def test_who_is_counted(self):
        """In the week of the 15th bob comes back, dan is new and ann retained; cat, of the week before, has churned."""
        def states(*args, **more):
            return [tuple(row.values()) for row in d.lifecycle_users(january(), jan(15), *args, **more)]

        self.assertEqual(states(), [("ann", "retained"), ("bob", "resurrected"), ("cat", "churned"), ("dan", "new")])
        self.assertEqual(states("churned"), [("cat", "churned")])
        self.assertEqual(d.lifecycle_users(january(), jan(22), "churned"), [])     # it has not elapsed
        self.assertEqual([tuple(row.values()) for row in d.active_user_list(january(), jan(15), "week")],
                         [("ann", False), ("bob", False), ("dan", True)])
        self.assertEqual(sorted(tuple(row.values()) for row in d.retention_users(january(), 2, cohort="month")),
                         [(user, jan(1), True, True) for user in ("ann", "bob")]
                         + [("cat", jan(1), False, None), ("dan", jan(1), False, None)])

    def test_since_does_not_make_anyone_new(self):
        """From Wednesday the 10th: cat began on the 9th, so nobody of that week is new; the week is cut."""
        rows = d.active_users(january(since=jan(10) * DAY), "week")
        self.assertEqual(columns(rows, "period_start", "active_users", "new_users", "complete"),
                         [(jan(8), 1, 0, False), (jan(15), 3, 1, True), (jan(22), 2, 0, False)])

    def test_until_cuts(self):
        until = jan(10) * DAY
        rows = d.active_users(january(end=until, until=until), "week")
        self.assertEqual(columns(rows, "period_start", "active_users", "complete"),
                         [(jan(1), 2, True), (jan(8), 2, False)])

    def test_engagement(self):
        rows = {row["day"]: row for row in d.engagement(january(end=day_of(2024, 2, 1) * DAY))}
        self.assertEqual(len(rows), 31)
        self.assertEqual(columns([rows[jan(10)]], "daily_users", "weekly_users", "monthly_users", "stickiness"),
                         [(1, 2, 3, 1 / 3)])
        self.assertEqual(columns([rows[jan(9)]], "weekly_users"), [(3,)])       # bob's 3rd is 6 days back
        self.assertEqual(columns([rows[jan(30)], rows[jan(31)]], "monthly_users"), [(4,), (4,)])
        self.assertEqual([rows[jan(29)]["complete"], rows[jan(30)]["complete"]], [False, True])

    def test_lifecycle(self):
        rows = d.lifecycle(january(end=jan(29) * DAY), "week")
        self.assertEqual(
            columns(rows, "active_users", "new_users", "retained_users", "resurrected_users", "churned_users",
                    "quick_ratio"),
            [(2, 2, 0, 0, None, None), (2, 1, 1, 0, 1, 1.0), (3, 1, 1, 1, 1, 2.0), (2, 0, 2, 0, 1, 0.0)])
        self.assertIsNone(d.lifecycle(january(), "week")[-1]["churned_users"])

    def test_lifecycle_since_looks_back(self):
        """The week before `since` says who is retained: bob of the 16th is resurrected, ann retained."""
        rows = d.lifecycle(january(since=jan(15) * DAY), "week")
        self.assertEqual(columns(rows[:1], "new_users", "retained_users", "resurrected_users", "churned_users"),
                         [(1, 1, 1, 1)])

    def test_stickiness(self):
        """The 7 days to the 22nd: ann 1 (22nd), bob 1 (16th), dan 1 (21st); the 28 days: 5, 2, 2, 2."""
        rows = d.stickiness(january(end=jan(23) * DAY), 7)
        self.assertEqual(columns(rows[:2], "users", "users_at_least", "share"), [(3, 3, 1.0), (0, 0, 0.0)])
        rows = d.stickiness(january(end=jan(23) * DAY), 28)
        self.assertEqual(columns(rows[1:5], "users", "users_at_least", "share"),
                         [(3, 4, 0.75), (0, 1, 0.0), (0, 1, 0.0), (1, 1, 0.25)])
        self.assertEqual(len(rows), 28)

    def test_empty(self):
        empty = d.Observation()
        for readout in (d.active_users, d.engagement, d.lifecycle, d.stickiness, d.retention_matrix,
                        d.retention_curve, d.cohort_table):
            self.assertEqual(readout(empty), [])


class Retention(unittest.TestCase):
    def figures(self, rows):
        return columns(rows, "cohort_start", "period_number", "eligible_users", "retained_users")

    def test_calendar_weeks(self):
        """Seen to the 24th: the week of the 22nd has begun and not elapsed."""
        rows = d.retention_matrix(january())
        self.assertEqual(self.figures(rows), [
            (jan(1), 0, 2, 2), (jan(1), 1, 2, 1), (jan(1), 2, 2, 2), (jan(1), 3, 0, None),
            (jan(8), 0, 1, 1), (jan(8), 1, 1, 0), (jan(8), 2, 0, None),
            (jan(15), 0, 1, 1), (jan(15), 1, 0, None)])
        low, high = rows[1]["rate_low"], rows[1]["rate_high"]
        self.assertAlmostEqual(low, 0.0945312057, places=9)              # Wilson for 1 of 2, by its quadratic
        self.assertAlmostEqual(high, 1 - low, places=12)

    def test_kinds(self):
        def retained(kind, end=jan(29) * DAY):
            rows = d.retention_matrix(january(end=end), kind=kind)
            return [n for cohort, k, _, n in self.figures(rows) if cohort == jan(1)]
        self.assertEqual(retained("on"), [2, 1, 2, 1])
        self.assertEqual(retained("on_or_after"), [2, 2, 2, 1])
        self.assertEqual(retained("on_or_before"), [2, 1, 2, 2])
        self.assertEqual(retained("streak"), [2, 1, 1, 1])
        # Counted although that week has not elapsed: the activity has already occurred.
        self.assertEqual(retained("on_or_after", end=jan(24) * DAY), [2, 2, 2, None])

    def test_rolling(self):
        """ann's own weeks begin on the 1st, 8th, 15th, 22nd; bob's on the 3rd, 10th, 17th: the 16th is his week 1.

        By the 24th week 1 has elapsed for all but dan, week 2 for ann and bob, week 3 for nobody.
        """
        rows = d.retention_matrix(january(), clock="rolling", cohort="month")
        self.assertEqual(self.figures(rows),
                         [(jan(1), 0, 4, 4), (jan(1), 1, 3, 2), (jan(1), 2, 2, 1), (jan(1), 3, 0, None)])

    def test_offsets_and_curve(self):
        rows = d.retention_curve(january(), offsets=[1, 30])
        self.assertEqual(columns(rows, "period_number", "cohort_users", "eligible_users", "retained_users",
                                 "complete"),
                         [(1, 4, 3, 1, False), (30, 4, 0, None, False)])

    def test_since_excludes_earlier_users(self):
        rows = d.retention_matrix(january(since=jan(9) * DAY), cohort="day")
        self.assertEqual(sorted({row["cohort_start"] for row in rows}), [jan(9), jan(15)])

    def test_cohort_table(self):
        """Seen to the 29th: everyone's second week is over, dan's only just; cat missed hers; bob's fourth is not."""
        rows = d.cohort_table(january(end=jan(29) * DAY))
        self.assertEqual(rows, [{"cohort": jan(1), "users": 4, "week_1": 1.0, "week_2": 0.75, "week_4": None,
                                 "week_8": None, "week_12": None}])


class Comparing(unittest.TestCase):
    def test_values(self):
        for expected, got in ((1.0, 1), (0.1, 0.1 * (1 + 1e-13)), (0.0, 1e-17), (None, None), ("a", "a")):
            self.assertTrue(compare.same_value(expected, got))
        for expected, got in ((0.1, 0.1 * (1 + 1e-11)), (1, True), (1, 1.0), (None, 0), (0.0, None), (1, 2)):
            self.assertFalse(compare.same_value(expected, got))

    def test_rows(self):
        row = {"segment": None, "active_days": 1, "users": 2}
        self.assertEqual(compare.differences([row], [dict(row)]), [])
        self.assertEqual(len(compare.differences([row], [])), 2)
        self.assertEqual(len(compare.differences([], [row])), 1)
        self.assertEqual(len(compare.differences([row], [dict(reversed(row.items()))])), 2)
        self.assertEqual(len(compare.differences([row], [row, row])), 1)
