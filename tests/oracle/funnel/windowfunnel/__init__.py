"""Funnels in compatibility mode compared with ClickHouse itself: windowFunnel of chdb, ClickHouse in this process.

A round is a thousand users with up to ten random events each, whose levels in one mode and one window are computed both by
windowFunnel and by funnel_users(…, compatibility => 'clickhouse'). A case is one user. ClickHouse's strict_increase loses
the first of two equal steps when the later one is at the instant of the next step (ClickHouse issue 52844): in that mode
events of a user are at different instants and match one step each, and the known case is tested for the extension alone.
"""

from oracle.kit.packages import Packages

CASES = 48_000
PACKAGES = Packages("oracle-venv", ("chdb==4.4.0",), ("chdb",))
