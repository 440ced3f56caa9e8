"""Experiments: random experiments, compared with established packages.

`definitions` gives the packages' results for users' values (scipy, statsmodels, and gbstats, which is GrowthBook's
statistics engine) and for plans of experiments; `logs` gives random logs and their users' values by an independent
definition of the metrics. A case is one call of ab_compare over a value, or over a log, or of srm_check, sample_size or
minimum_detectable_effect (`cases`). The result over a log must equal that over the values computed by the definitions.
"""

from oracle.kit.packages import Packages

CASES = 1000
PACKAGES = Packages("statistics", ("numpy==1.26.4", "scipy==1.17.1", "statsmodels==0.15.0", "gbstats==0.8.0"),
                    ("scipy", "statsmodels", "gbstats"))
