"""The oracle for assignment: thousands of random experiments and users, through the extension and through the vendors' rules.

    python3 tests/oracle/assignment.py [--cases N] [--seed S] [--self-test]

What GrowthBook gives is asked of its own SDK (growthbook, from PyPI, in a virtual environment under target/); what Statsig,
PostHog and Eppo give, of `assignment_definitions`, which restates their documentation over hashlib and is itself held
against variants that their SDKs gave (--self-test). A case is one experiment and the variants of 40 users by it; of every eighth a
log is made in which some users were shown others, for assignment_audit. Needs a
server with the extension installed, named by libpq's environment variables.
"""

import argparse
import contextlib
import json
import os
import random
import subprocess
import sys
import unittest
import uuid
import venv
from itertools import accumulate
from pathlib import Path

from server import ServerError, Session, fresh_database
from psql import administer

ROOT = Path(__file__).resolve().parents[2]
SDK = "growthbook==4.0.0"
VENV = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "assignment-venv"

if __name__ == "__main__" and Path(sys.prefix) != VENV:
    # Again, with the SDK at hand.
    python = VENV / "bin" / "python3"
    if subprocess.run([python, "-c", "import growthbook"], capture_output=True, check=False).returncode if python.exists() else True:
        print(f"Installing {SDK} from PyPI", flush=True)
        venv.create(VENV, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", SDK], check=True)
    sys.exit(subprocess.run([python, *sys.argv], check=False).returncode)

import assignment_definitions as definitions
from growthbook import Experiment, GrowthBook

USERS = 40
ALPHABETS = ("abcdefghijklmnopqrstuvwxyz0123456789-_", "äöüßéèêñçøÅŁ€ Ωя", "東京日本語漢字", "😀🎉👩‍💻🇩🇪𝒳", "\u0301\u200d\uffff\u00ad~'\"\\%$")


def literal(value):
    """E'' so that a backslash in an id is itself whatever the settings are."""
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
    # Whole parts, some of them none: of a hundred, as people write them, or of ten thousand.
    parts = rng.choice([100, 10_000])
    cuts = sorted(rng.randint(0, parts) for _ in range(count - 1))
    weights = [(b - a) / parts for a, b in zip([0, *cuts], [*cuts, parts])]
    if kind == 3:
        weights[rng.randrange(count)] *= 0.99          # a gap, still near enough to 1
    return weights


def ends_half_way(weights, parts):
    """Whether a variant's share of so many parts ends between two of them, as near as matters to the middle."""
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
    # A bound in the middle between two parts may be rounded to either.
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
    """How SQL calls a type, and ids of it."""
    kind = rng.choice(["text", "text", "text", "uuid", "bigint"])
    if kind == "uuid":
        return kind, [str(uuid.UUID(int=rng.getrandbits(128))) for _ in range(USERS)]
    if kind == "bigint":
        return kind, [str(rng.choice([rng.randint(-3, 3000), rng.randint(-2**63, 2**63 - 1)])) for _ in range(USERS)]
    return kind, [rng.choice([random_text(rng, 40), f"user-{rng.randrange(10**6)}"]) for _ in range(USERS - 2)] + ["", "x" * 300]


def by_growthbook(terms, user):
    """What GrowthBook's SDK gives, or None where the user does not take part."""
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
    """What a log says that users were shown: id and variant of each request, none of some."""
    shown = {user: rng.choice([*terms["variants"], "other", None]) for user in users if user.strip()}
    return [(user, rng.choice([variant, variant, variant, terms["variants"][0]]))
            for user, variant in shown.items() for _ in range(rng.choice([1, 1, 2, 5]))]


def audit_statements(terms, kind, log):
    """The experiment and the log as tables, and the question."""
    count = len(terms["variants"])
    defined = terms | {"weights": terms.get("weights") or [1 / count] * count, "seed": terms.get("seed") or terms["experiment"]}
    names = {"name" if name == "experiment" else name: argument(name, value) for name, value in defined.items()}
    rows = ", ".join(f"({literal(user)}, '2024-03-04', {literal(variant)})" for user, variant in log)
    return ["DELETE FROM user_metrics.experiment", "DROP TABLE IF EXISTS audited",
            f"CREATE TABLE audited (user_id {kind}, created_at timestamptz, shown text)", f"INSERT INTO audited VALUES {rows}",
            f"INSERT INTO user_metrics.experiment ({', '.join(names)}) VALUES ({', '.join(names.values())})"], (
        f"SELECT * FROM user_metrics.assignment_audit('audited', {literal(terms['experiment'])}, 'shown')")


def expected_audit(terms, log):
    """Users and requests of each pair of variants, and three users where they differ."""
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


def written_in(encoding, thing):
    """An experiment or ids with what an encoding lacks taken out; they are not to become the same by it."""
    if isinstance(thing, dict):
        return {name: written_in(encoding, value) for name, value in thing.items()}
    if isinstance(thing, list):
        return [written_in(encoding, item) for item in thing]
    if isinstance(thing, str) and encoding:
        return thing.encode(encoding, "xmlcharrefreplace").decode(encoding)
    return thing


@contextlib.contextmanager
def latin_database():
    """As fresh_database, in another encoding."""
    name = f"user_metrics_latin_{os.getpid()}"
    administer(f"CREATE DATABASE {name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    try:
        administer("CREATE EXTENSION user_metrics", name)
        yield name
    finally:
        administer(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def compare_all(cases, seed):
    """Runs the cases, a tenth of them in a database of another encoding; returns (passed, failed)."""
    rng, some, none = random.Random(seed), set(), 0
    with fresh_database("oracle") as database, Session(database) as session:
        passed, failed, none = compare(session, rng, cases - cases // 10, None, some)
    with latin_database() as database, Session(database) as session:
        further_passed, further_failed, _ = compare(session, rng, cases // 10, "latin-1", some)
    passed, failed = passed + further_passed, failed + further_failed
    # A comparison of nothing with nothing would be none.
    if cases >= 100 and (none < cases or len(some) < 40):
        print(f"FAILED the cases are too plain: {none} users without a variant, {len(some)} variants given")
        failed += 1
    return passed, failed


def compare(session, rng, cases, encoding, some):
    """Runs cases in one database; returns how many passed and failed, and users without a variant."""
    passed = failed = none = 0
    while passed + failed < cases and failed < 10:
        terms, (kind, users) = written_in(encoding, random_experiment(rng)), written_in(encoding, list(random_users(rng)))
        statement = query(terms, kind, users)
        right = [expected(terms, user) for user in users]
        try:
            got = [row["variant"] for row in session.rows(statement)]
        except ServerError as error:
            got = [str(error)]
        # Names that are no ASCII are refused in other encodings as arguments of any function over a log.
        if got == right and encoding is None and (passed + failed) % 8 == 0:
            log = audited(rng, terms, list(dict.fromkeys(users)))
            statements, statement = audit_statements(terms, kind, log)
            right_audit = expected_audit(terms, log)
            try:
                for preparation in statements:
                    session.run(preparation)
                got_audit = session.rows(statement)
            except ServerError as error:
                got_audit = [str(error)]
            if got_audit != right_audit:
                failed += 1
                print(f"\n-- mismatch {failed}: {got_audit}\ninstead of {right_audit}")
                print(";\n".join([*statements, statement]) + ";")
                continue
        none += right.count(None)
        some |= {(terms["hash"], variant) for variant in right if variant}
        if got == right:
            passed += 1
            continue
        failed += 1
        wrong = next((f"{user!r} has {theirs!r} instead of {ours!r}" for user, ours, theirs in zip(users, right, got) if ours != theirs), got)
        print(f"\n-- mismatch {failed}: {wrong}\n{statement};")
    return passed, failed, none


class Definitions(unittest.TestCase):
    """The definitions against what the SDKs gave, and the SDK against what its makers publish."""

    def test_golden_cases(self):
        cases = json.loads((ROOT / "tests/vectors/assignment.json").read_text(encoding="utf-8"))["cases"]
        self.assertEqual({case["experiment"]["hash"] for case in cases}, {"growthbook_v1", "growthbook_v2", *definitions.VENDORS})
        for case in cases:
            for user, variant in case["rows"]:
                with self.subTest(case=case["name"], user=user):
                    self.assertEqual(expected(case["experiment"], user), variant)

    def test_the_cases_reach_everything(self):
        rng = random.Random(1)
        many = [random_experiment(rng) for _ in range(2000)]
        self.assertEqual({terms["hash"] for terms in many}, {"growthbook_v1", "growthbook_v2", *definitions.VENDORS})
        for name in ("weights", "seed", "coverage", "namespace"):
            self.assertGreater(sum(terms.get(name) is not None for terms in many), 200)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", type=int, default=1000, help="how many experiments to compare (default 1000)")
    parser.add_argument("--seed", type=int, default=None, help="repeats a run; default: another each time")
    parser.add_argument("--self-test", action="store_true", help="test the oracle itself on cases of the vendors")
    asked = parser.parse_args()
    if asked.self_test:
        result = unittest.TextTestRunner(verbosity=1).run(unittest.defaultTestLoader.loadTestsFromTestCase(Definitions))
        failed = len(result.failures) + len(result.errors)
        passed = result.testsRun - min(failed, result.testsRun)
    else:
        seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(10**9)
        print(f"seed {seed}", flush=True)
        passed, failed = compare_all(asked.cases, seed)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
