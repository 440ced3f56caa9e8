"""The readouts of `sessions`: random logs through the extension and through the definitions.

A case is one call of one readout, over a table or over a value, made in one pass, out of order or merged from parts; or the
question whether two such values are the same bytes.
"""

CASES = 2000
