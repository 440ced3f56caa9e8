"""The readouts of `activity`: random logs through the extension and through the definitions.

A case is one call of one readout, over a table or over an activity value. The logs are those of the kit. The worked cases
test the kit too, as far as every topic relies on it.
"""

CASES = 2000
