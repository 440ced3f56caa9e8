"""Assignment of variants by Statsig, PostHog and Eppo, implemented from their documentation with hashlib. D82.

Statsig   https://docs.statsig.com/sdks/how-evaluation-works: SHA-256 of the salt and the unit's id, of which the first
          eight bytes count, modulo 1,000 for groups of an experiment and for layers, modulo 10,000 for a rule of a gate
PostHog   https://posthog.com/handbook/engineering/feature-flags-spec: SHA-1 of key and id, of which 15 hexadecimal digits count, over the largest
          such number; with the word "variant" behind the id for the variant, without for the rollout
Eppo      https://docs.rs/crate/eppo_core/latest/source/src/sharder.rs: MD5 of salt and id, of which eight hexadecimal digits
          count, modulo 10,000 shards
"""

import hashlib
from fractions import Fraction

VENDORS = ("statsig", "statsig_gate", "posthog", "eppo")


def statsig(salt, user, parts):
    return int.from_bytes(hashlib.sha256(f"{salt}.{user}".encode()).digest()[:8], "big") % parts


def eppo(salt, user):
    return int(hashlib.md5(f"{salt}-{user}".encode()).hexdigest()[:8], 16) % 10_000


def posthog(key, user, suffix):
    return int(hashlib.sha1(f"{key}.{user}{suffix}".encode()).hexdigest()[:15], 16) / float(0xFFFFFFFFFFFFFFF)


def nearest(share, parts):
    """A share as a whole number of parts; halves are rounded up."""
    return int(Fraction(share) * parts + Fraction(1, 2))


def in_namespace(namespace, user, draw, parts):
    if namespace is None:
        return True
    if isinstance(namespace, list):
        seed, ranges = namespace[0], [namespace[1:]]
    else:
        seed, ranges = namespace["seed"], namespace["ranges"]
    number = draw(seed, user)
    return any(nearest(low, parts) <= number < nearest(high, parts) for low, high in ranges)


def variant(terms, user):
    """The variant of a user, or None."""
    seed, variants = terms.get("seed", terms["experiment"]), terms["variants"]
    weights = terms.get("weights") or [1 / len(variants)] * len(variants)
    if terms["hash"] == "posthog":
        if posthog(seed, user, "") > terms.get("coverage", 1):
            return None
        number, reached = posthog(seed, user, "variant"), 0
        for name, weight in zip(variants, weights):
            if reached <= number < reached + weight:
                return name
            reached += weight
        return None
    if terms["hash"] == "eppo":
        parts, draw, before = 10_000, eppo, (eppo, 10_000)
    else:
        parts = 1000 if terms["hash"] == "statsig" else 10_000
        draw = lambda salt, user: statsig(salt, user, parts)
        before = (lambda salt, user: statsig(salt, user, 1000), 1000)
    if not in_namespace(terms.get("namespace"), user, *before):
        return None
    number, reached = draw(seed, user), 0.0
    for name, weight in zip(variants, weights):
        # The first whose upper bound is above: groups are tried in order.
        reached += weight
        if number < nearest(reached, parts):
            return name
    return None
