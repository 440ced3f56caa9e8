"""The functions about users' first steps: random logs through the extension and through the definitions.

A case is one call of one function over a table. It builds on `sessions` and `usage`.
"""

CASES = 400
