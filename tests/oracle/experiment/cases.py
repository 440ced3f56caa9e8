"""Random calls of srm_check, sample_size and minimum_detectable_effect, and checks of their results."""

import json
import math
from dataclasses import dataclass, fields

from oracle.experiment.definitions import VARIANTS, Plan, Refused, minimum_detectable_effect, sample_size, srm
from oracle.kit.logs import literal
from oracle.kit.server import ServerError

REFUSED = "22023"


class Question:
    """A call, its expected result, which may be Refused, and a check of the actual one."""

    def script(self):
        return self.sql() + ";"


@dataclass(frozen=True)
class Split(Question):
    """A call of srm_check."""

    users: dict
    weights: dict | None
    sequential: bool = False

    def sql(self):
        sequential = ", sequential => true" if self.sequential else ""
        weights = "" if self.weights is None else f", weights => {literal(json.dumps(self.weights))}"
        return f"SELECT r.* FROM user_metrics.srm_check({literal(json.dumps(self.users))}{weights}{sequential}) AS r"

    def expected(self):
        return srm(self.users, self.weights, self.sequential)

    def wrong(self, expected, answer):
        row = dict(answer)
        reason = row.pop("reason")
        if (reason is None) == (row["p_value"] is None):
            yield f"reason: {reason!r} beside a p_value of {row['p_value']!r}"
        if list(row) != list(expected):
            yield f"columns {list(row)} instead of {list(expected)}"
        # The difference of large logarithms.
        relative, absolute = (1e-5, 1e-9) if self.sequential else (1e-9, 1e-300)
        yield from (f"{name}: {row.get(name)!r} instead of {want!r}" for name, want in expected.items()
                    if not near(want, row.get(name), relative, absolute))


@dataclass(frozen=True)
class Size(Question):
    """A call of sample_size."""

    effect: float
    plan: Plan

    def sql(self):
        return f"SELECT user_metrics.sample_size({number(self.effect)}{written(self.plan)}) AS answer"

    def expected(self):
        return sample_size(self.effect, self.plan)

    def wrong(self, expected, answer):
        fewest, most = expected
        if not isinstance(answer["answer"], int) or not fewest <= answer["answer"] <= most:
            yield f"{answer['answer']} users instead of {fewest}" + (f" to {most}" if most > fewest else "")


@dataclass(frozen=True)
class Effect(Question):
    """A call of minimum_detectable_effect."""

    users: int
    plan: Plan

    def sql(self):
        return f"SELECT user_metrics.minimum_detectable_effect({self.users}{written(self.plan)}) AS answer"

    def expected(self):
        return minimum_detectable_effect(self.users, self.plan)

    def wrong(self, expected, answer):
        if not near(expected, answer["answer"], 1e-6):
            yield f"an effect of {answer['answer']!r} instead of {expected!r}"


def near(want, have, relative=1e-9, absolute=1e-300):
    """Equal up to rounding. A p value may be tiny without being 0."""
    if isinstance(want, (int, float)) and isinstance(have, (int, float)):
        return math.isclose(want, have, rel_tol=relative, abs_tol=absolute)
    return want == have


def number(value):
    return f"'{value!r}'"


def shown(value):
    if isinstance(value, dict):
        return literal(json.dumps(value))
    return literal(value) if isinstance(value, str) else repr(value)


def written(plan):
    """The arguments that differ from the defaults."""
    given = [(field.name, getattr(plan, field.name)) for field in fields(plan) if getattr(plan, field.name) != field.default]
    return "".join(f", {name} => {shown(value)}" for name, value in given)


def complaints_about_plan(server, case):
    """What is wrong with the result. A call to be refused must fail with SQLSTATE 22023."""
    try:
        expected = case.expected()
    except Refused:
        expected = Refused
    try:
        [answer] = server.rows(case.sql())
    except ServerError as error:
        return [] if expected is Refused and error.sqlstate == REFUSED else [str(error)]
    return [f"{answer} instead of SQLSTATE {REFUSED}"] if expected is Refused else list(case.wrong(expected, answer))


# --------------------------------------------------------------------------------------------------- random choices

def random_plan_case(rng):
    return rng.choice([random_split, random_size, random_size, random_effect])(rng)


def random_split(rng):
    planned = rng.sample(VARIANTS, rng.choice([0, 1, 2, 2, 2, 3, 4, 5]))
    weights = {variant: rng.choice([1, 1, 1, 2, 0.5, 9, 0.1, 0]) for variant in planned} if rng.random() < 0.6 else None
    size = rng.choice([3, 9, 20, 20, 300, 5000, 10**7])
    off = rng.choice([0, 0.02, 0.1, 0.5])
    users = {}
    for variant in planned:
        mean = size * (weights or {}).get(variant, 1) * rng.choice([1, 1, 1 + off])
        count = max(round(rng.gauss(mean, math.sqrt(mean))), 0)
        if count > 0 or rng.random() < 0.5:
            users[variant] = count
    if rng.random() < 0.05:
        # An unplanned variant.
        users["another"] = rng.choice([0, 5])
    return Split(users, weights, rng.random() < 0.3)


def random_plan(rng):
    baseline = rng.choice([0.5, 0.25, 0.125, round(rng.uniform(0.001, 0.999), 3), round(rng.uniform(0.001, 0.05), 4)])
    sd = rng.choice([1, 12, 0.25, round(rng.uniform(0.01, 100), 2), 1e6])
    both = rng.random()
    return Plan(
        baseline if both < 0.52 else None, sd if both >= 0.5 and both < 0.98 else None,
        rng.choice([0.8, 0.8, 0.9, 0.95, 0.5, round(rng.uniform(0.5, 0.999), 3), round(rng.uniform(0.001, 0.999), 3)]),
        rng.choice([0.95, 0.95, 0.9, 0.99, 0.8, 0.999, round(rng.uniform(0.01, 0.99), 2)]),
        rng.choice(["two_sided", "two_sided", "greater", "less"]), rng.choice([1, 1, 2, 3, 10, 1000]),
        rng.choice([None, None, {"control": 9, "treatment": 1}, {"a": 1, "b": 1}, {"a": 0.2, "b": 0.5, "off": 0}, {"b": 1, "control": 0.25, "a": 3},
                    {"a": 1}]))


def random_size(rng):
    plan = random_plan(rng)
    if plan.baseline is None:
        effect = (plan.sd or 1) * rng.choice([1, 1, -1]) * rng.choice([0.01, 0.125, 0.5, 5, 10 ** rng.uniform(-12, 1)])
    else:
        # To a rate within bounds, or well beyond them: exact bounds are met only by fractions that doubles represent.
        rate = rng.choice([rng.uniform(0.0005, 0.9995), plan.baseline * 1.05, rng.choice([-0.1, 1.1])])
        if plan.baseline in (0.5, 0.25, 0.125):
            rate = rng.choice([rate, 0.0, 1.0])
        effect = rate - plan.baseline
    return Size(effect if rng.random() < 0.98 else 0.0, plan)


def random_effect(rng):
    return Effect(rng.choice([1, 2, 5, 30, 500, 5000, 10**6, 10**12, rng.randrange(2, 20000)]), random_plan(rng))
