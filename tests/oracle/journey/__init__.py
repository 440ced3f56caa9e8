"""The functions about user journeys: random logs, compared with the definitions.

A case is one call of one function over a table. It builds on `sessions` and `usage`.
"""

CASES = 400
