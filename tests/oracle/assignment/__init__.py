"""Assignment: random experiments and users, through the extension and through the vendors' rules.

What GrowthBook gives is asked of its own SDK; what Statsig, PostHog and Eppo give, of `definitions`, which restates their
documentation over hashlib and is itself held against variants that their SDKs gave (--self-test). A case is one experiment
and the variants of 40 users by it; of every eighth a log is made in which some users were shown others, for
assignment_audit.
"""

from oracle.kit.packages import Packages

CASES = 1000
PACKAGES = Packages("assignment-venv", ("growthbook==4.0.0",), ("growthbook",))
