"""Funnels in compatibility mode beside ClickHouse itself: windowFunnel of chdb, ClickHouse in this process.

A round is a thousand users with up to ten random events each, asked for their levels in one mode and one window, both of
windowFunnel and of funnel_users(…, compatibility => 'clickhouse'). A case is one user. ClickHouse's strict_increase loses
the first of two equal steps when the later one is at the instant of the next step (ClickHouse issue 52844): there, events
of a user are at different instants and one step each, and the known case is asked of the extension alone.
"""

from oracle.kit.packages import Packages

CASES = 48_000
PACKAGES = Packages("oracle-venv", ("chdb==4.4.0",), ("chdb",))
