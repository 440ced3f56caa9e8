"""Lifecycle stages and acquisition: random logs, compared with the definitions.

A case is one call of one function over a table. Its logs are those of `predictors`.
"""

from oracle.predictors import PACKAGES

__all__ = ["CASES", "PACKAGES"]

CASES = 250
