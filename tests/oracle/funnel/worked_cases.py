"""Funnels and paths worked out by hand, and wrong definitions that must fail.

`python3 -m oracle funnel --self-test` needs no server.
"""

import random
import unittest
from dataclasses import replace
from types import SimpleNamespace
from unittest import mock

from oracle.funnel import definitions as fd
from oracle.funnel.cases import expected_rows, random_funnel_case
from oracle.funnel.logs import random_funnel_log
from oracle.kit.days import DAY, instant_of


def events(text):
    """'0a 5ab 6-' means step 1 at 0, steps 1 and 2 at 5, none at 6; x is excluded between steps."""
    def event(word):
        letters = word.lstrip("0123456789")
        steps = frozenset("abcdefgh".index(letter) + 1 for letter in letters if letter not in "-x")
        return fd.Event(int(word.rstrip("abcdefghx-")), steps, "x" in letters)

    return [event(word) for word in text.split()]


def reached(text, n=3, window=10, mode="ordered", compatibility="standard", end=10**6):
    return fd.journey(events(text), n, window, end, mode, compatibility).reached


class Journeys(unittest.TestCase):
    def test_the_best_start_counts(self):
        """The window of the first start closes before c; that of the second does not."""
        self.assertEqual(reached("0a 5a 6b 12c"), (5, 6, 12))
        self.assertEqual(reached("0a 6b 12c"), (0, 6))

    def test_the_window_is_inclusive(self):
        self.assertEqual((reached("0a 10b", 2), reached("0a 11b", 2)), ((0, 10), (0,)))

    def test_ties_come_in_any_order(self):
        self.assertEqual(reached("3c 3b 3a"), (3, 3, 3))
        self.assertEqual(reached("3c 3b 3a", mode="strict_increase"), (3,))

    def test_one_event_is_one_step(self):
        self.assertEqual((reached("1abc"), reached("1abc 1abc"), reached("1ab 1a")), ((1,), (1, 1), (1, 1)))
        self.assertEqual(reached("1abc", compatibility="clickhouse"), (1, 1, 1))
        self.assertEqual(reached("1abc", mode="once", compatibility="clickhouse"), (1,))

    def test_strict_order(self):
        self.assertEqual(reached("0a 1- 2b 3c", mode="strict_order"), (0,))
        self.assertEqual(reached("0a 1- 2a 2- 3b 4c", mode="strict_order"), (2, 3, 4))
        self.assertEqual(reached("0a 1- 2b 3c", mode="strict_order", compatibility="clickhouse"), (0,))
        self.assertEqual(reached("0a 1c 2b 3c", mode="allow_reentry", compatibility="clickhouse"), (0, 2, 3))

    def test_strict_dedup(self):
        self.assertEqual(reached("0a 1b 2a 3c", mode="strict_dedup"), (0, 1, 3))
        self.assertEqual(reached("0a 1b 2b 3c", mode="strict_dedup"), (0, 1))
        self.assertEqual(reached("0a 1b 2c 3b 4d", 4, mode="strict_dedup", compatibility="clickhouse"), (0, 1, 2))

    def test_exclusion_is_strictly_between(self):
        self.assertEqual((reached("0a 1x 2b", 2), reached("0a 0x 2b", 2), reached("0a 2x 2b", 2)), ((0,), (0, 2), (0, 2)))
        self.assertEqual((reached("0a 1x 2b", 2, mode="unordered"), reached("0a 0x 2b", 2, mode="unordered")), ((0,), (0, 2)))

    def test_any_order(self):
        self.assertEqual(reached("0c 1c 5a 9b 20b", mode="unordered"), (1, 5, 9))
        self.assertEqual(reached("0c 11a", mode="unordered"), (0,))
        self.assertEqual(reached("0ab 1a", 2, mode="unordered"), (0, 1))

    def test_the_match_that_is_told(self):
        """Completed first, begun last, earliest second step."""
        self.assertEqual(reached("0a 1a 2b 3b 4c 5c"), (1, 2, 4))

    def test_eligible(self):
        def is_eligible(text, end, mode="ordered", until=fd.FOREVER):
            return fd.journey(events(text), 2, 10, end, mode, until=until).eligible

        self.assertEqual([is_eligible("0a", end) for end in (0, 10, 11)], [False, False, True])
        self.assertTrue(is_eligible("0a 5a", 11))                 # since the first entry, whatever follows
        self.assertEqual([is_eligible("0a 1b", end) for end in (5, 11)], [False, True])    # converted or not
        self.assertFalse(is_eligible("0b", 15))                   # it has not begun
        self.assertTrue(is_eligible("0b", 15, "unordered"))
        self.assertFalse(is_eligible("0a 1-", 5, "strict_order"))
        self.assertFalse(is_eligible("3a", 15, until=3))

    def test_until_limits_who_enters(self):
        def reached(text, until, mode="ordered", compatibility="standard"):
            return fd.journey(events(text), 3, 10, 10**6, mode, compatibility, until).reached

        self.assertEqual((reached("0a 5b 6c", 1), reached("0a 5a 6b 11c", 5), reached("5a", 5)), ((0, 5, 6), (0, 6), ()))
        self.assertEqual(reached("0a 5a 6b 11c", 5, compatibility="clickhouse"), (0, 6))
        self.assertEqual(reached("0a 0b 5a 6c", 5, "unordered"), (0, 5, 6))
        self.assertEqual(reached("0a 5a 6b", 5, "unordered"), (0, 6))


class Terms(unittest.TestCase):
    """Conditions on single steps."""

    def reached(self, text, *terms, window=10, until=fd.FOREVER):
        return fd.course(events(text), terms, window, until)

    def test_time_from_the_step_before(self):
        first = fd.Term()
        self.assertEqual(self.reached("0a 3b 4b", first, fd.Term(within=3)), ((0, 3), (1, 2)))
        self.assertEqual(self.reached("0a 4b", first, fd.Term(within=3)), ((0,), (1,)))
        self.assertEqual(self.reached("0a 1b 2b", first, fd.Term(after=2)), ((0, 2), (1, 2)))
        # The first b is too early for c, the second is not: which b counts depends on what follows.
        self.assertEqual(self.reached("0a 1b 4b 6c", first, first, fd.Term(within=2)), ((0, 4, 6), (1, 2, 3)))
        self.assertEqual(self.reached("0a 1b 4b 4c", first, first, fd.Term(after=2)), ((0, 1, 4), (1, 2, 3)))

    def test_optional(self):
        terms = (fd.Term(), fd.Term(optional=True), fd.Term(within=3))
        self.assertEqual(self.reached("0a 2c", *terms), ((0, 2), (1, 3)))
        self.assertEqual(self.reached("0a 1b 2c", *terms), ((0, 1, 2), (1, 2, 3)))
        # c must come 3 after the step before, whichever that is.
        self.assertEqual(self.reached("0a 3b 6c", *terms), ((0, 3, 6), (1, 2, 3)))
        self.assertEqual(self.reached("0a 6c", *terms), ((0,), (1,)))

    def test_entry(self):
        terms = (fd.Term(), fd.Term(entry=True), fd.Term())
        self.assertEqual(self.reached("0b 2c", *terms), ((0, 2), (2, 3)))
        self.assertEqual(self.reached("0a 1b 2c", *terms), ((0, 1, 2), (1, 2, 3)))
        # The window of the a is over: c is reached from b.
        self.assertEqual(self.reached("0a 8b 12c", *terms), ((8, 12), (2, 3)))
        self.assertEqual(self.reached("0a 8b 12c", *terms, until=8), ((0, 8), (1, 2)))

    def test_rows(self):
        terms = (fd.Term(), fd.Term(optional=True), fd.Term(entry=True))
        journeys = [fd.Journey((0, 10, 30), True, (1, 2, 3)), fd.Journey((0, 20), True, (1, 3)), fd.Journey((0,), True, (1,)),
                    fd.Journey((5,), True, (3,)), fd.Journey((0,), False, (1,))]
        rows = fd.funnel(journeys, "abc", terms=terms)
        told = [(r["users"], r["eligible_users"], r["reached_users"], r["dropped_users"], r["open_users"]) for r in rows]
        self.assertEqual(told, [(4, 4, 3, 0, 0), (1, 4, 1, 0, 0), (3, 4, 3, 1, 1)])
        self.assertEqual([r["from_previous_rate"] for r in rows], [None, 1 / 3, 2 / 3])
        self.assertEqual([r["median_seconds"] for r in rows], [None, 1e-5, 2e-5])


class Rows(unittest.TestCase):
    JOURNEYS = [fd.Journey(times, is_eligible) for times, is_eligible in
                (((0, 10, 40), True), ((0, 20), True), ((0, 40), False), ((0,), True), ((0,), False), ((), False))]

    def test_funnel(self):
        rows = [{k: v for k, v in row.items() if "rate_" not in k or "from" in k} for row in fd.funnel(self.JOURNEYS, "abc")]
        self.assertEqual([(r["users"], r["dropped_users"], r["open_users"]) for r in rows], [(5, 0, 0), (3, 1, 1), (1, 1, 1)])
        self.assertEqual([(r["eligible_users"], r["reached_users"]) for r in rows], [(3, 3), (3, 2), (3, 1)])
        self.assertEqual([r["from_previous_rate"] for r in rows], [None, 2 / 3, 1 / 2])
        self.assertEqual([r["from_first_rate"] for r in rows], [1, 2 / 3, 1 / 3])
        self.assertEqual([r["median_seconds"] and round(r["median_seconds"], 9) for r in rows], [None, 1.5e-5, 3e-5])

    def test_bounds(self):
        low, high = fd.wilson(0, 10)
        self.assertEqual(low, 0)
        self.assertAlmostEqual(high, 0.277532799862889, 12)
        self.assertEqual(fd.wilson(0, 0), (None, None))

    def test_small_groups_hide_what_follows(self):
        self.assertEqual([r["users"] for r in fd.funnel(self.JOURNEYS, "abc", 2)], [5, None, None])

    def test_paths(self):
        def requests(text):
            return [(int(word[:-1]), word[-1].lower().replace("-", " "), word[-1].isupper(), word[-1] == "e") for word in text.split()]

        people = [requests(text) for text in ("0x 1A 2a 3b 4a", "5A 6-", "1b")]

        def told(people, *args, **more):
            return [tuple(row.values()) for row in fd.paths(people, *args, **more)]

        self.assertEqual(told(people, 2, 7, starts=True), [(1, "a", "b", True, 1), (1, "a", None, True, 1), (2, "b", "a", True, 1)])
        # As of 6 the second has had no time to go on.
        self.assertEqual(told(people, 2, 6, starts=True)[1], (1, "a", None, False, 1))
        self.assertEqual(told(people, 2, 8, starts=True, max_gap=2)[1], (1, "a", None, False, 1))
        ways = [requests(text) for text in ("0a 1b 3e 4b", "0b 1e", "0e", "0a 1b")]
        self.assertEqual(told(ways, 2, 9, ends=True), [
            (1, "b", "e", True, 2), (1, None, "e", True, 1), (2, "a", "b", True, 1), (2, None, "b", True, 1)])
        # 2 between b and e is more than 1, so the first way begins with e.
        self.assertEqual(told(ways[:1], 2, 9, ends=True, max_gap=1), [(1, None, "e", True, 1)])


class WrongDefinitions(unittest.TestCase):
    """Each gives a different result for some of the cases."""

    NOW = instant_of(2026, 11, 25)

    def answers(self, questions):
        found = []
        for case, log in questions:
            try:
                found.append(expected_rows(case, log, SimpleNamespace(now=self.NOW)))
            except Exception as error:           # a refusal is an answer
                found.append(str(error))
        return found

    def test_they_are_told_apart(self):
        rng, questions = random.Random(7), []
        for _ in range(400):
            log = random_funnel_log(rng, self.NOW // DAY * DAY)
            questions += [(random_funnel_case(rng, log), log) for _ in range(8)]
        # Repeats that matter are rare.
        questions += [(replace(case, mode="strict_dedup"), log) for case, log in questions if case.compatibility == "standard"]
        right = self.answers(questions)
        right_journey, right_course = fd.journey, fd.course
        told = lambda key: mock.patch.object(fd, "min", lambda found, key=None: min(found, key=WRONG_KEYS[which]), create=True)
        wrong = {
            "nothing is forbidden": mock.patch.object(fd, "forbids", lambda event, done, mode: False),
            "the first step may not be repeated": mock.patch.object(
                fd, "forbids", lambda e, done, mode: e.excluded or mode == "strict_order"
                or mode == "strict_dedup" and any(s <= done + 1 for s in e.steps)),
            "only steps done may not be repeated": mock.patch.object(
                fd, "forbids", lambda e, done, mode: e.excluded or mode == "strict_order"
                or mode == "strict_dedup" and any(2 <= s <= done for s in e.steps)),
            "who converts is eligible": mock.patch.object(
                fd, "journey", lambda e, n, *args, **more: (lambda j: replace(j, eligible=j.eligible or len(j.reached) == n))(
                    right_journey(e, n, *args, **more))),
            "until limits what is seen": mock.patch.object(
                fd, "journey", lambda e, n, w, end, mode, compatibility, until, terms: right_journey(
                    [event for event in e if event.at < until], n, w, end, mode, compatibility, until, terms)),
            "who can begin with the first step does not enter later": mock.patch.object(
                fd, "course", lambda e, terms, *args: right_course(e, [replace(term, entry=False) for term in terms], *args)
                if any(1 in event.steps for event in e) else right_course(e, terms, *args)),
            "a set of rows may share a step": mock.patch.object(fd, "each_another_step", lambda events: True),
            "ClickHouse's answers are ours": mock.patch.object(
                fd, "clickhouse_reached", lambda e, n, w, mode, until: fd.ordered_reached(e, n, w, mode, until)),
            "nobody is hidden": mock.patch.object(fd, "hides", lambda count, least: False)}
        for which in WRONG_KEYS:
            wrong[which] = told(which)
        for words, patch in wrong.items():
            with self.subTest(words), patch:
                self.assertFalse(self.answers(questions) == right)


# Other choices among the longest matches.
WRONG_KEYS = {
    "the match that begins first": lambda t: t,
    "the match that begins last": lambda t: (-t[0], t),
    "the match that is complete first and began first": lambda t: (t[-1], t)}
