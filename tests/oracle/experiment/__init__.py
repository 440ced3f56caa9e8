"""Experiments: random experiments through the extension and through packages that others rely on.

`definitions` has the packages' answers about figures of users (scipy, statsmodels, and gbstats, which is GrowthBook's
statistics engine) and about plans of experiments, `logs` random logs and the figures of their users by a second statement of
what a metric is. A case is one call of ab_compare over a value, or one over a log, or one of srm_check, sample_size or
minimum_detectable_effect (`cases`). The answer over a log must be the answer over the figures that the definitions make of it.
"""

from oracle.kit.packages import Packages

CASES = 1000
PACKAGES = Packages("statistics", ("numpy==1.26.4", "scipy==1.17.1", "statsmodels==0.15.0", "gbstats==0.8.0"),
                    ("scipy", "statsmodels", "gbstats"))
