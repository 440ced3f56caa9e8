"""Assignment: random experiments and users, compared with the vendors' rules.

GrowthBook's assignments come from its own SDK; those of Statsig, PostHog and Eppo from `definitions`, which implements their
documentation with hashlib and is itself tested with variants assigned by their SDKs (--self-test). A case is one experiment
and its variants for 40 users; for every eighth case there is a log in which some users have other variants, for
assignment_audit.
"""

from oracle.kit.packages import Packages

CASES = 1000
PACKAGES = Packages("assignment-venv", ("growthbook==4.0.0",), ("growthbook",))
