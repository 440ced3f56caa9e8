"""The functions about single users: random logs, compared with the definitions.

A case is one call of one function over a table. It builds on `usage`, `sessions` and `segments`.
"""

CASES = 400
