"""Funnels and paths: random logs, compared with the definitions, which try every match.

A case is one call of one function over a table or a value. ClickHouse is compared by `funnel.windowfunnel`.
"""

CASES = 2000
