"""Random experiments, users and logs of their variants, as SQL and as expected rows."""

import json
import uuid
from itertools import accumulate

from growthbook import Experiment, GrowthBook

from oracle.assignment import definitions

USERS = 40
ALPHABETS = ("abcdefghijklmnopqrstuvwxyz0123456789-_", "äöüßéèêñçøÅŁ€ Ωя", "東京日本語漢字", "😀🎉👩‍💻🇩🇪𝒳", "\u0301\u200d\uffff\u00ad~'\"\\%$")


def literal(value):
    """E'' so that a backslash in an id is literal under any settings."""
    return "NULL" if value is None else "E'" + str(value).replace("\\", "\\\\").replace("'", "''") + "'"


def random_text(rng, longest=16):
    alphabets = rng.choice([ALPHABETS[:1], ALPHABETS[:2], ALPHABETS])
    text = "".join(rng.choice(rng.choice(alphabets)) for _ in range(rng.randint(1, longest)))
    return text if text.strip() else "x" + text


def random_weights(rng, count):
    kind = rng.randrange(4)
    if kind == 0:
        return None
    if kind == 1:
        return [1 / count] * count
    # Whole parts, some of them 0: in percent, as usual, or in ten-thousandths.
    parts = rng.choice([100, 10_000])
    cuts = sorted(rng.randint(0, parts) for _ in range(count - 1))
    weights = [(b - a) / parts for a, b in zip([0, *cuts], [*cuts, parts])]
    if kind == 3:
        weights[rng.randrange(count)] *= 0.99          # a gap, still near enough to 1
    return weights


def ends_half_way(weights, parts):
    """Whether a variant's share ends about half way between two of so many parts."""
    bounds = accumulate(weights) if parts else []
    return any(abs(bound * parts % 1 - 0.5) < 1e-6 for bound in bounds)


def random_bounds(rng):
    low, high = sorted(rng.choice([rng.random(), rng.randint(0, 100) / 100]) for _ in range(2))
    return rng.choice([[low, high], [0, high], [low, 1]])


def random_namespace(rng, hash_name):
    seed = random_text(rng)
    if rng.random() < 0.5:
        return [seed, *random_bounds(rng)]
    namespace = {"seed": seed, "ranges": [random_bounds(rng) for _ in range(rng.randint(1, 3))]}
    if hash_name.startswith("growthbook") and rng.random() < 0.5:
        namespace["hashVersion"] = rng.choice([1, 2])
    return namespace


def random_experiment(rng):
    """The arguments of experiment_variant, by name."""
    hash_name = rng.choice([*["growthbook_v2", "growthbook_v1"] * 4, "statsig", "statsig_gate", "posthog", "eppo"])
    names = ["control", "treatment", "b", "c", "größe", "😀", "a,b", '"', "{}", "NULL"]
    count = rng.choice([2, 2, 2, 3, 4, 7, 10])
    terms = {"experiment": random_text(rng), "variants": rng.sample(names, count), "hash": hash_name}
    terms["weights"] = random_weights(rng, count)
    # A bound half way between two parts may be rounded either way.
    while ends_half_way(terms["weights"] or [], {"statsig": 1000, "statsig_gate": 10_000, "eppo": 10_000}.get(hash_name)):
        terms["weights"] = random_weights(rng, count)
    if rng.random() < 0.5:
        terms["seed"] = random_text(rng, 30)
    if rng.random() < 0.5 and hash_name.startswith(("growthbook", "posthog")):
        terms["coverage"] = rng.choice([0, 1, 0.5, rng.random(), rng.randint(0, 100) / 100])
    if rng.random() < 0.4 and hash_name != "posthog":
        terms["namespace"] = random_namespace(rng, hash_name)
    return terms


def random_users(rng):
    """The SQL name of a type, and ids of it."""
    kind = rng.choice(["text", "text", "text", "uuid", "bigint"])
    if kind == "uuid":
        return kind, [str(uuid.UUID(int=rng.getrandbits(128))) for _ in range(USERS)]
    if kind == "bigint":
        return kind, [str(rng.choice([rng.randint(-3, 3000), rng.randint(-2**63, 2**63 - 1)])) for _ in range(USERS)]
    return kind, [rng.choice([random_text(rng, 40), f"user-{rng.randrange(10**6)}"]) for _ in range(USERS - 2)] + ["", "x" * 300]


def by_growthbook(terms, user):
    """The assignment by GrowthBook's SDK, or None if the user does not take part."""
    namespace = terms.get("namespace")
    further = {"namespace": tuple(namespace)} if isinstance(namespace, list) else {"filters": [namespace]} if namespace else {}
    experiment = Experiment(
        key=terms["experiment"], variations=terms["variants"], weights=terms.get("weights"), coverage=terms.get("coverage", 1),
        seed=terms.get("seed"), hashVersion=int(terms["hash"][-1]), **further)
    result = GrowthBook(attributes={"id": user}).run(experiment)
    return result.value if result.inExperiment else None


def expected(terms, user):
    if not user.strip():
        return None
    return by_growthbook(terms, user) if terms["hash"].startswith("growthbook") else definitions.variant(terms, user)


def argument(name, value):
    if name in ("variants", "weights"):
        kind = "text[]" if name == "variants" else "double precision[]"
        return "NULL" if value is None else f"ARRAY[{', '.join(literal(item) if name == 'variants' else repr(float(item)) for item in value)}]::{kind}"
    if name == "coverage":
        return repr(float(value))
    return literal(json.dumps(value) if name == "namespace" else value)


def query(terms, kind, users):
    arguments = ", ".join(f"{name} => {argument(name, value)}" for name, value in terms.items())
    array = ", ".join(map(literal, users))
    return (f"SELECT user_metrics.experiment_variant(id::{kind}, {arguments}) AS variant "
            f"FROM unnest(ARRAY[{array}]::text[]) WITH ORDINALITY AS u(id, n) ORDER BY n")


def audited(rng, terms, users):
    """The logged variants: id and variant of each request, some without one."""
    shown = {user: rng.choice([*terms["variants"], "other", None]) for user in users if user.strip()}
    return [(user, rng.choice([variant, variant, variant, terms["variants"][0]]))
            for user, variant in shown.items() for _ in range(rng.choice([1, 1, 2, 5]))]


def audit_statements(terms, kind, log):
    """The experiment and the log as tables, and the query."""
    count = len(terms["variants"])
    defined = terms | {"weights": terms.get("weights") or [1 / count] * count, "seed": terms.get("seed") or terms["experiment"]}
    names = {"name" if name == "experiment" else name: argument(name, value) for name, value in defined.items()}
    rows = ", ".join(f"({literal(user)}, '2024-03-04', {literal(variant)})" for user, variant in log)
    return ["DELETE FROM user_metrics.experiment", "DROP TABLE IF EXISTS audited",
            f"CREATE TABLE audited (user_id {kind}, created_at timestamptz, shown text)", f"INSERT INTO audited VALUES {rows}",
            f"INSERT INTO user_metrics.experiment ({', '.join(names)}) VALUES ({', '.join(names.values())})"], (
        f"SELECT * FROM user_metrics.assignment_audit('audited', {literal(terms['experiment'])}, 'shown')")


def expected_audit(terms, log):
    """Users and requests of each pair of variants, and three example users if they differ."""
    pairs = {}
    for user, variant in log:
        if variant is not None:
            pairs.setdefault((variant, expected(terms, user)), []).append(user)
    everyone = {user for users in pairs.values() for user in users}
    rows = []
    for (variant, due), users in sorted(pairs.items(), key=lambda pair: (pair[0][0].encode(), pair[0][1] is None, (pair[0][1] or "").encode())):
        examples = sorted(set(users), key=str.encode)[:3] if variant != due else []
        rows.append({"segment": None, "logged_variant": variant, "expected_variant": due, "agrees": variant == due,
                     "users": len(set(users)), "requests": len(users), "user_share": len(set(users)) / len(everyone),
                     "example_users": ", ".join(examples) or None})
    return rows
