"""Survival: random durations through the extension and through lifelines.

lifelines is Cameron Davidson-Pilon's package (https://lifelines.readthedocs.io). A case is a few groups of durations, ended
or running, with ties, zeros and what cannot be. Compared are every step of every group's curve with its bounds, its
quantiles with theirs, its summary, and the log-rank test of all groups. Where the two may differ is said at each.
"""

from oracle.kit.packages import Packages

CASES = 120
PACKAGES = Packages("oracle-venv", ("lifelines==0.30.3", "numpy==2.4.6", "pandas==2.3.3", "scipy==1.17.1"), ("lifelines",))
