"""ClickHouse on events worked out by hand, as a test of the queries; and whether random events reach every step.

`python3 -m oracle funnel.windowfunnel --self-test` needs no server.
"""

import random
import tempfile
import unittest

from chdb import session as clickhouse

from oracle.funnel.windowfunnel.cases import MODES, USERS, of_clickhouse, random_events


class Levels(unittest.TestCase):
    EVENTS = [(1, 1, "a"), (1, 5, "b"), (1, 11, "c"), (2, 1, "b"), (2, 2, "a"), (3, 1, "a"), (3, 3, "b"), (3, 4, "b"), (3, 5, "c")]

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        cls.session = clickhouse.Session(directory.name)
        cls.addClassCleanup(cls.session.close)
        cls.session.query("CREATE DATABASE IF NOT EXISTS oracle")
        cls.session.query("USE oracle")

    def test_windows(self):
        """User 1 reaches c after 10 seconds, user 2 has b before a, user 3 repeats b, which strict_dedup forbids."""
        self.assertEqual(of_clickhouse(self.session, self.EVENTS, 3, 10, "ordered"), {1: 3, 2: 1, 3: 3})
        self.assertEqual(of_clickhouse(self.session, self.EVENTS, 3, 9, "ordered"), {1: 2, 2: 1, 3: 3})
        self.assertEqual(of_clickhouse(self.session, self.EVENTS, 3, 10, "strict_dedup"), {1: 3, 2: 1, 3: 2})

    def test_random_events(self):
        for mode in MODES:
            events = list(random_events(random.Random(1), mode, 3))
            self.assertEqual({user for user, _, _ in events}, set(range(USERS)))
            self.assertEqual({letter for _, _, features in events for letter in features} - {"x"}, set("abc"))
