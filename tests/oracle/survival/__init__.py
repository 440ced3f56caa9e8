"""Survival: random durations, compared with lifelines.

lifelines is Cameron Davidson-Pilon's package (https://lifelines.readthedocs.io). A case is a few groups of durations, with
event or censored, including ties, zeros and invalid values, with late entries or without. Every step of every group's curve
with its bounds, the quantiles with theirs, the restricted mean, the summary, and the log-rank tests of all groups, weighted
and stratified, are compared. What lifelines lacks is computed from the textbooks' formulas, row by row. Permitted differences
are noted in the code.
"""

from oracle.kit.packages import Packages

CASES = 120
PACKAGES = Packages("oracle-venv", ("lifelines==0.30.3", "numpy==2.4.6", "pandas==2.3.3", "scipy==1.17.1"), ("lifelines",))
