"""The functions about usage patterns: random logs, compared with the definitions.

A case is one call of one function over a table. Its logs extend those of `sessions`.
"""

CASES = 500
