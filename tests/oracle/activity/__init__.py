"""The functions over `activity`: random logs, compared with the definitions.

A case is one call of one function, over a table or over an activity value. The logs are those of the kit. The worked cases
also test the parts of the kit that every topic uses.
"""

CASES = 2000
