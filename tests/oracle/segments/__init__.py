"""Segments: random logs through the extension and through the definitions.

A case is one call of one readout over a table; or the chance that nothing has declined, for numbers larger than those of a
log.
"""

CASES = 500
