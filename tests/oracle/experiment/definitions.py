"""Random experiments, and the results of scipy, statsmodels and gbstats for their values; plans of experiments (D92, D95).

Where the packages have no result (nan, an error, a default), NULL is expected: for a variance of fewer than two values, no
variance, a control whose mean does not differ significantly from 0.
"""

import math
import sys
import warnings
from dataclasses import dataclass, replace

import numpy as np
from gbstats.bayesian.tests import EffectBayesianABTest, EffectBayesianConfig, GaussianPrior
from gbstats.frequentist.tests import FrequentistConfig, SequentialConfig, SequentialTwoSidedTTest, TwoSidedTTest
from gbstats.models.statistics import RatioStatistic, RegressionAdjustedStatistic, SampleMeanStatistic, compute_theta
from scipy import optimize, stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import normal_sample_size_one_tail
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest, samplesize_proportions_2indep_onetail

warnings.simplefilter("ignore")

VARIANTS = ["control", "treatment", "a", "b", "Ünïcode"]
CORRECTIONS = {"holm": "holm", "benjamini_hochberg": "fdr_bh", "none": None}
SIDES = {"two_sided": "two-sided", "greater": "larger", "less": "smaller"}
SCIPY_SIDES = {"two_sided": "two-sided", "greater": "greater", "less": "less"}


@dataclass
class Experiment:
    """Users with their variants and values, and a call of ab_compare."""

    kind: str                        # mean, share, adjusted, ratio, sample
    rows: list                       # (variant, figure, second)
    method: str
    alternative: str
    confidence: float
    correction: str
    better: str
    control: str | None
    weights: dict | None
    quantile: float = 0.5

    AGGREGATES = {"mean": "experiment(v, x)", "share": "experiment(v, x)", "adjusted": "experiment(v, x, y)",
                  "ratio": "experiment_ratio(v, x, y)", "sample": "experiment_sample(v, x)", "lists": "experiment_lists(v, x)"}

    def tolerance(self):
        # For values far from 0 the packages, which add up squares, lose digits.
        return 1e-5 if self.kind == "adjusted" else 1e-7

    def sql(self):
        def text(value):
            return "NULL" if value is None else "'" + value.replace("'", "''") + "'"

        def number(value):
            if isinstance(value, list):
                return "'{" + ",".join("NULL" if x is None else repr(x) for x in value) + "}'"
            return "NULL" if value is None else f"'{value!r}'"

        kind = "float8[]" if self.kind == "lists" else "float8"
        weights = "NULL" if self.weights is None else text(str(self.weights).replace("'", '"'))
        rows = ",".join(f"({text(v)}, {number(x)}::{kind}, {number(y)}::float8)" for v, x, y in self.rows)
        return (f"SELECT r.* FROM user_metrics.ab_compare((SELECT user_metrics.{self.AGGREGATES[self.kind]} "
                f"FROM (VALUES {rows}) AS u(v, x, y)), control => {text(self.control)}, method => '{self.method}', "
                f"alternative => '{self.alternative}', confidence => {self.confidence}, "
                f"correction => '{self.correction}', weights => {weights}, better => '{self.better}', "
                f"quantile => {self.quantile}) AS r")

    def script(self):
        return self.sql() + ";"


def random_experiment(rng):
    kind = rng.choice(["mean", "mean", "share", "share", "adjusted", "ratio", "sample", "lists"])
    arms = rng.sample(VARIANTS, rng.choice([1, 2, 2, 2, 3, 4]))
    most = rng.choice([3, 12, 40, 150])
    offset, spread = rng.choice([0, 10, 10, -5, 1000]), rng.choice([1, 1, 10])
    whole = rng.random() < 0.3

    def figures(arm):
        lift = arms.index(arm) * rng.choice([0, 0.1, 0.5])
        if kind == "share":
            return float(rng.random() < rate + 0.3 * lift), None
        y = rng.gauss(offset, spread)
        x = (y if kind == "adjusted" else offset) + rng.gauss(lift, spread)
        if kind == "ratio":
            y = float(rng.randint(1, 20))
            x = float(sum(rng.random() < 0.6 + 0.1 * lift for _ in range(int(y))))
        x = float(round(x)) if whole else x
        if kind == "lists":
            usual = [x + rng.random() for _ in range(rng.randint(1, 9))]
            return rng.choice([None, [], [x], [x, x + 1, None, math.nan], *5 * [usual]]), None
        return (None if rng.random() < 0.03 else x), y

    rate = rng.choice([0.0, 0.02, 0.2, 0.5, 0.9, 1.0])
    rows = [(arm, *figures(arm)) for arm in arms for _ in range(rng.randint(1, most))]
    rng.shuffle(rows)
    method = {"share": rng.choice(["proportions", "fisher", "welch"]),
              "sample": rng.choice(["mann_whitney", "mann_whitney", "welch"]),
              "lists": rng.choice(["quantile", "quantile", "welch"])}.get(kind, "welch")
    weights = {arm: rng.choice([1, 1, 2]) for arm in arms} if rng.random() < 0.4 else None
    return Experiment(kind, rows, method, rng.choice(list(SIDES)), rng.choice([0.8, 0.9, 0.95, 0.99]),
                      rng.choice(list(CORRECTIONS)), rng.choice(["higher", "lower", "neither"]),
                      rng.choice([None, None, arms[0]]), weights, rng.choice([0.1, 0.5, 0.9, 0.95]))


class Arm:
    """The users of one variant."""

    def __init__(self, name, rows, kind):
        self.name, self.kind = name, kind
        self.assigned = len(rows)
        if kind == "lists":
            # Each user's sum and number of values: their mean is a ratio.
            lists = [[f for f in x or [] if f is not None and math.isfinite(f)] for _, x, _ in rows]
            self.lists = [np.array(x) for x in lists if x]
            rows = [(name, math.fsum(x) if x else None, float(len(x))) for x in lists]
            self.kind = "ratio"
        known = [(x, 0.0 if y is None else y) for _, x, y in rows if x is not None]
        self.x = np.array([x for x, _ in known], dtype=float)
        self.y = np.array([y for _, y in known], dtype=float)
        self.users = len(known)

    def statistic(self, theta=0.0, centre=0.0):
        """The arm in the form of gbstats. Covariates are about their common mean, so that adjusting keeps the scale."""
        n = self.users
        mean = SampleMeanStatistic(n=n, sum=float(self.x.sum()), sum_squares=float((self.x ** 2).sum()))
        if self.kind == "ratio":
            below = SampleMeanStatistic(n=n, sum=float(self.y.sum()), sum_squares=float((self.y ** 2).sum()))
            return RatioStatistic(n=n, m_statistic=mean, d_statistic=below, m_d_sum_of_products=float((self.x * self.y).sum()))
        if self.kind == "adjusted":
            y = self.y - centre
            before = SampleMeanStatistic(n=n, sum=float(y.sum()), sum_squares=float((y ** 2).sum()))
            return RegressionAdjustedStatistic(n=n, post_statistic=mean, pre_statistic=before,
                                               post_pre_sum_of_products=float((self.x * y).sum()), theta=theta)
        return mean


def finite(number):
    return float(number) if number is not None and math.isfinite(number) else None


def adjustment(arms):
    """The slope of values on covariates, and the covariates' mean, over all variants together."""
    x, y = np.concatenate([a.x for a in arms]), np.concatenate([a.y for a in arms])
    if len(y) < 2 or y.var() == 0:
        return 0.0, 0.0
    return float(np.cov(x, y)[0, 1] / np.var(y, ddof=1)), float(y.mean())


def expected_rows(e):
    names = sorted({v for v, _, _ in e.rows}, key=lambda name: name.encode())
    arms = [Arm(name, [r for r in e.rows if r[0] == name], e.kind) for name in names]
    control_name = e.control or ("control" if "control" in names else names[0])
    control = next(a for a in arms if a.name == control_name)
    theta, centre = adjustment(arms) if e.kind == "adjusted" else (0.0, 0.0)
    srm = expected_srm(arms, e.weights)
    if e.kind == "lists":
        if e.method == "quantile":
            return [expected_quantile(e, a, control, srm) for a in sorted(arms, key=lambda a: a is not control)]
        e = replace(e, kind="ratio")
    rows = [expected_row(e, a, control, theta, centre, srm) for a in sorted(arms, key=lambda a: a is not control)]
    known = [row for row in rows if row["p_value"] is not None]
    if known:
        p_values = [row["p_value"] for row in known]
        method = CORRECTIONS[e.correction]
        adjusted = multipletests(p_values, method=method)[1] if method else p_values
        for row, p in zip(known, adjusted, strict=True):
            row["p_adjusted"] = float(p)
    for row in rows:
        row["verdict"] = expected_verdict(e, row)
        del row["fewest"], row["upwards"]
    return rows


def expected_quantile(e, arm, control, srm):
    """The exact part of a quantile's result; for its standard error see `wrong_errors`."""

    def quantile(arm):
        return float(np.quantile(np.concatenate(arm.lists), e.quantile)) if arm.lists else None

    mine, base = quantile(arm), quantile(control)
    several = len({v for v, _, _ in e.rows}) > 1
    return {"variant": arm.name, "users": arm.users, "missing_users": arm.assigned - arm.users, "mean": mine, "sd": None,
            "control_mean": base if several else None, "srm_p_value": srm,
            "difference": None if arm is control or mine is None or base is None else mine - base}


def wrong_errors(e, rows):
    """A line for each bound of a quantile's difference that deviates from the width by a bootstrap of our own."""
    arms = {name: Arm(name, [r for r in e.rows if r[0] == name], e.kind) for name in {v for v, _, _ in e.rows}}
    rng, lines = np.random.default_rng(1), []

    def error(arm):
        picks = rng.integers(0, arm.users, (300, arm.users))
        return np.std([np.quantile(np.concatenate([arm.lists[n] for n in pick]), e.quantile) for pick in picks])

    for row in rows[1:]:
        arm, control = arms[row["variant"]], arms[rows[0]["variant"]]
        # For few users two bootstraps may differ arbitrarily.
        if min(arm.users, control.users) < 40 or not row["statistic"]:
            continue
        want, have = math.hypot(error(arm), error(control)), abs(row["difference"] / row["statistic"])
        if not 0.6 < have / want < 1.6:
            lines.append(f"{row['variant']}: an error of {have} instead of about {want}")
    return lines


def expected_srm(arms, weights):
    return srm({a.name: a.assigned for a in arms}, weights)["p_value"]


def expected_row(e, arm, control, theta, centre, srm):
    alpha = 1 - e.confidence
    mine, theirs = arm.statistic(theta, centre), control.statistic(theta, centre)

    def moments(arm, statistic):
        if arm.users == 0 or (e.kind == "ratio" and arm.y.sum() == 0):
            return None, None
        mean = statistic.mean
        if arm.users < 2:
            return finite(mean), None
        # From the values themselves if possible: sums of squares lose digits.
        variance = float(np.var(arm.x, ddof=1)) if e.kind in ("mean", "share", "sample") else statistic.variance
        if e.kind == "adjusted":
            variance = float(np.var(arm.x - theta * arm.y, ddof=1))
        if e.kind == "ratio":
            contribution = (arm.x - mean * arm.y) / arm.y.mean()
            variance = float(np.var(contribution, ddof=1))
        return finite(mean), variance if variance > 1e-12 * (np.var(arm.x) + 1e-300) else 0.0

    mean, variance = moments(arm, mine)
    base, control_variance = moments(control, theirs)
    row = dict.fromkeys(
        ["variant", "users", "mean", "sd", "control_mean", "difference", "difference_low", "difference_high",
         "relative_lift", "lift_low", "lift_high", "statistic", "df", "p_value", "p_adjusted", "always_valid_low",
         "always_valid_high", "probability_better", "expected_loss", "srm_p_value", "verdict"])
    row |= {"variant": arm.name, "users": arm.users, "missing_users": arm.assigned - arm.users, "mean": mean,
            "sd": None if variance is None else math.sqrt(variance), "srm_p_value": srm, "fewest": None, "upwards": None}
    if arm is control:
        row["control_mean"] = base if len({v for v, _, _ in e.rows}) > 1 else None
        return row
    row["control_mean"] = base
    row["fewest"] = min(arm.users, control.users)
    if mean is None or base is None:
        return row
    row["difference"] = mean - base
    row["upwards"] = mean > base
    if variance is None or control_variance is None:
        return row
    n, m = arm.users, control.users
    error, control_error = variance / n, control_variance / m
    two_sided = e.alternative == "two_sided"
    tail = alpha / 2 if two_sided else alpha
    if e.method == "mann_whitney":
        u, p = stats.mannwhitneyu(arm.x, control.x, alternative=SCIPY_SIDES[e.alternative], method="asymptotic")
        row["statistic"] = float(u)
        row["upwards"] = u > n * m / 2
        # If all values are equal, scipy gives a p value of 1 or nan.
        row["p_value"] = finite(p) if len(set(arm.x) | set(control.x)) > 1 else None
        return row
    bounds_of_lift = False
    if e.method == "welch":
        if error + control_error == 0:
            return row
        t = stats.ttest_ind_from_stats(mean, math.sqrt(variance), n, base, math.sqrt(control_variance), m, equal_var=False)
        df = (error + control_error) ** 2 / (error ** 2 / (n - 1) + control_error ** 2 / (m - 1))
        row["statistic"], row["df"] = float(t.statistic), df
        row["p_value"] = float({"two_sided": 2 * stats.t.sf(abs(t.statistic), df), "greater": stats.t.sf(t.statistic, df),
                                "less": stats.t.cdf(t.statistic, df)}[e.alternative])
        critical = stats.t.isf(tail, df)
        half = critical * math.sqrt(error + control_error)
        low, high = mean - base - half, mean - base + half
    else:
        k, l = int(arm.x.sum()), int(control.x.sum())
        critical = stats.norm.isf(tail)
        low, high = confint_proportions_2indep(k, n, l, m, method="newcomb", compare="diff", alpha=2 * tail)
        expected = stats.contingency.expected_freq([[k, n - k], [l, m - l]]) if 0 < k + l < n + m else np.zeros((2, 2))
        if 0 < k + l < n + m:
            if e.method == "fisher" or expected.min() < 5:
                odds, p = stats.fisher_exact([[k, n - k], [l, m - l]], alternative=SCIPY_SIDES[e.alternative])
                row["statistic"], row["p_value"] = finite(odds), float(p)
            else:
                z, p = proportions_ztest([k, l], [n, m], alternative=SIDES[e.alternative])
                row["statistic"], row["p_value"] = float(z), float(p)
    row["difference_low"] = None if e.alternative == "less" else float(low)
    row["difference_high"] = None if e.alternative == "greater" else float(high)
    a, b = Given(base, control_variance, m), Given(mean, variance, n)
    if error + control_error > 0:
        sequential = SequentialTwoSidedTTest(a, b, SequentialConfig(alpha=alpha, difference_type="absolute"))
        row["always_valid_low"], row["always_valid_high"] = map(float, sequential.confidence_interval)
    if base == 0:
        return row
    row["relative_lift"] = (mean - base) / abs(base)
    bounds_of_lift = abs(base) > critical * math.sqrt(control_error)
    relative = TwoSidedTTest(a, b, FrequentistConfig(alpha=alpha, difference_type="relative"))
    if bounds_of_lift and relative.variance > 0:
        half = critical * math.sqrt(relative.variance)
        row["lift_low"] = None if e.alternative == "less" else row["relative_lift"] - half
        row["lift_high"] = None if e.alternative == "greater" else row["relative_lift"] + half
        # The lift over a negative control is positive for an increase here: gbstats divides by the signed mean.
        sign = (-1 if base < 0 else 1) * (-1 if e.better == "lower" else 1)
        posterior = precise_posterior(sign * relative.point_estimate, relative.variance)
        row["probability_better"], row["expected_loss"] = posterior
        if base > 0 and e.better != "lower" and variance > 0 and control_variance > 0:
            engine = EffectBayesianABTest(a, b, EffectBayesianConfig(
                difference_type="relative", prior_effect=GaussianPrior(0, 0.3 ** 2, True))).compute_result()
            assert math.isclose(engine.chance_to_win, posterior[0], rel_tol=1e-6, abs_tol=1e-12), (engine, posterior)
            if engine.chance_to_win < 0.9999:
                assert math.isclose(engine.risk[1], posterior[1], rel_tol=1e-4, abs_tol=1e-9), (engine, posterior)
    return row


class Given:
    """A mean with its variance, in the form that gbstats' tests expect."""

    _has_zero_variance = False

    def __init__(self, mean, variance, n):
        self.mean = self.unadjusted_mean = mean
        self.variance, self.n = variance, n


def precise_posterior(lift, variance):
    precision = 1 / 0.3 ** 2 + 1 / variance
    mean, sd = lift / variance / precision, math.sqrt(1 / precision)
    loss = sd * stats.norm.pdf(mean / sd) - mean * stats.norm.sf(mean / sd)
    return float(stats.norm.cdf(mean / sd)), max(float(loss), 0.0)


def expected_verdict(e, row):
    if len({v for v, _, _ in e.rows}) < 2:
        return "too few arms"
    if row["srm_p_value"] is not None and row["srm_p_value"] < 0.001:
        return "invalid: SRM"
    if row["fewest"] is None:
        return "control"
    if row["fewest"] < (30 if e.method == "welch" else 8):
        return "too small"
    if row["p_adjusted"] is None or row["p_adjusted"] >= 1 - e.confidence:
        return "no evidence"
    names = {"higher": ("worse", "better"), "lower": ("better", "worse"), "neither": ("lower", "higher")}
    return names[e.better][row["upwards"]]


def differences(expected, found, tolerance, only=None):
    """A line for each difference of two lists of rows."""
    if len(expected) != len(found):
        return [f"{len(found)} rows instead of {len(expected)}", str(found)]
    lines = []
    for want, have in zip(expected, found, strict=True):
        for column in only or want:
            if not alike(want[column], have[column], tolerance):
                lines.append(f"{want['variant']}.{column}: {have[column]!r} instead of {want[column]!r}")
    return lines


def cochran(effects):
    """Cochran's Q of effects and their standard errors, its degrees of freedom, and its p value."""
    if len(effects) < 2:
        return None, None, None
    weights = [1 / error ** 2 for _, error in effects]
    mean = sum(w * effect for w, (effect, _) in zip(weights, effects)) / sum(weights)
    q = sum(w * (effect - mean) ** 2 for w, (effect, _) in zip(weights, effects))
    return q, len(effects) - 1, stats.chi2.sf(q, len(effects) - 1)


def alike(want, have, tolerance):
    if isinstance(want, (int, float)) and isinstance(have, (int, float)) and not isinstance(want, bool):
        return math.isclose(want, have, rel_tol=tolerance, abs_tol=1e-10)
    return want == have


def theta_of_gbstats(arms):
    """The slope by gbstats, for two arms: the self-test compares it with `adjustment`."""
    return compute_theta(arms[0].statistic(), arms[1].statistic())


# ------------------------------------------------------------------------------ how users are split, and how many are needed

class Refused(Exception):
    """The arguments are an error of SQLSTATE 22023."""


FEWEST_EXPECTED = 8
SRM_THRESHOLD = 0.001
LEAST_P = sys.float_info.min
LEAST_USERS = 2
MOST_USERS = 2**63 - 1


def srm(users, weights=None):
    """The row of srm_check without its reason (D92): `users` and `weights` by variant. The test is scipy's."""
    planned = {v: weight for v, weight in (dict.fromkeys(users, 1) if weights is None else weights).items() if weight > 0}
    if weights is not None and not planned or any(count > 0 and v not in planned for v, count in users.items()):
        raise Refused
    row = {"users": sum(users.values()), "statistic": None, "df": None, "p_value": None, "verdict": "too small"}
    counts = np.array([users.get(v, 0) for v in planned], dtype=float)
    share = np.array(list(planned.values()), dtype=float)
    if len(planned) < 2 or min(expected := counts.sum() * share / share.sum()) < FEWEST_EXPECTED:
        return row
    test = stats.chisquare(counts, expected)
    p = max(float(test.pvalue), LEAST_P)
    return row | {"statistic": float(test.statistic), "df": len(planned) - 1, "p_value": p,
                  "verdict": "invalid: SRM" if p < SRM_THRESHOLD else "ok"}


@dataclass(frozen=True)
class Plan:
    """The common arguments of sample_size and minimum_detectable_effect."""

    baseline: float | None = None
    sd: float | None = None
    power: float = 0.8
    confidence: float = 0.95
    alternative: str = "two_sided"
    comparisons: int = 1

    def checked(self):
        """The plan, if it is of either a rate or a mean."""
        if (self.baseline is None) == (self.sd is None):
            raise Refused
        if self.sd is not None and self.sd <= 0 or self.baseline is not None and not 0 < self.baseline < 1:
            raise Refused
        if not 0 < self.power < 1 or not 0 < self.confidence < 1 or self.comparisons < 1:
            raise Refused
        return self

    def users(self, effect):
        """Users needed in each variant, before rounding; 0 if any number suffices (D95). By statsmodels."""
        alpha = (1 - self.confidence) / self.comparisons
        if self.baseline is not None:
            side = "two-sided" if self.alternative == "two_sided" else "larger"
            return float(samplesize_proportions_2indep_onetail(
                effect, self.baseline, self.power, alpha=alpha, alternative=side))
        tail = alpha / 2 if self.alternative == "two_sided" else alpha
        return float(normal_sample_size_one_tail(effect, self.power, tail, std_null=math.sqrt(2) * self.sd))


def sample_size(effect, plan):
    """(fewest, most) acceptable users: they differ if the number before rounding is almost whole."""
    plan = plan.checked()
    if effect == 0 or plan.baseline is not None and not 0 <= plan.baseline + effect <= 1:
        raise Refused
    users = plan.users(effect)
    slack = max(users * 1e-9, 1e-9)
    return tuple(min(max(math.ceil(bound), LEAST_USERS), MOST_USERS) for bound in (users - slack, users + slack))


def minimum_detectable_effect(users, plan):
    """The smallest increase for which so many users suffice; None if no rate is high enough."""
    plan = plan.checked()
    if users < LEAST_USERS:
        raise Refused
    if plan.baseline is None:
        return math.sqrt(plan.users(1.0) / users)

    def missing(effect):
        return math.sqrt(plan.users(effect) / users) - 1

    most = 1 - plan.baseline
    if missing(most) > 0:
        return None
    # The larger the effect, the fewer the users; the smallest effect is none.
    least = most * 1e-12
    return float(optimize.brentq(missing, least, most, xtol=1e-30, rtol=1e-12)) if missing(least) > 0 else 0.0
