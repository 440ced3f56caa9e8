"""Funnels and paths: random logs through the extension and through the definitions, which try every match.

A case is one call of one function over a table or over a value. What ClickHouse says is asked by `funnel.windowfunnel`.
"""

CASES = 2000
