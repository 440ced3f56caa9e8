"""The functions about usage patterns: random logs through the extension and through the definitions.

A case is one call of one function over a table. Its logs are those of `sessions`, whose requests say more.
"""

CASES = 500
