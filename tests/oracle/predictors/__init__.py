"""Predictors of retention and churn: random logs, compared with the definitions.

A case is one call of one function over a table. It builds on `usage`. Expected statistics come from scipy and statsmodels.
"""

from oracle.kit.packages import Packages

CASES = 300
PACKAGES = Packages("statistics", ("numpy==1.26.4", "scipy==1.17.1", "statsmodels==0.15.0", "xxhash==3.6.0"),
                    ("scipy", "statsmodels", "xxhash"))
