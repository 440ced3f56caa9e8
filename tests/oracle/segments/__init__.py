"""Segments: random logs, compared with the definitions.

A case is one call of one function over a table; or decline_p alone, for numbers larger than those of a log.
"""

CASES = 500
