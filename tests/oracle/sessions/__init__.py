"""The functions over `sessions`: random logs, compared with the definitions.

A case is one call of one function, over a table or over a value, built in one pass, out of order or merged from parts; or a
comparison of the bytes of two such values.
"""

CASES = 2000
