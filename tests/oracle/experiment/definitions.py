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
from gbstats.frequentist.tests import SequentialConfig, SequentialTwoSidedTTest
from gbstats.models.statistics import RatioStatistic, RegressionAdjustedStatistic, SampleMeanStatistic, compute_theta
from scipy import integrate, optimize, stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestIndPower, normal_sample_size_one_tail
from statsmodels.stats.proportion import proportions_ztest, samplesize_proportions_2indep_onetail

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
    margin: float | None = None
    sequential: bool = False

    AGGREGATES = {"mean": "experiment(v, x)", "share": "experiment(v, x)", "adjusted": "experiment(v, x, y)",
                  "ratio": "experiment_ratio(v, x, y)", "sample": "experiment_sample(v, x)", "lists": "experiment_lists(v, x)"}

    def tolerance(self):
        # For values far from 0 the packages, which add up squares, lose digits.
        return 1e-5 if self.kind == "adjusted" else max(1e-7, 2.3e-16 * self.cancellation())

    def cancellation(self):
        """How much larger the variances of numerator and denominator are than that of the ratio, which is their difference."""
        most = 0.0
        for name in {name for name, _, _ in self.rows} if self.kind in ("ratio", "lists") else ():
            arm = [(x, y) for variant, x, y in self.rows if variant == name]
            if self.kind == "lists":
                arm = [(math.fsum(known), float(len(known))) for x, _ in arm
                       if (known := [f for f in x or [] if f is not None and math.isfinite(f)])]
            arm = [(x, y) for x, y in arm if x is not None and y is not None and math.isfinite(x) and math.isfinite(y)]
            x, y = np.array([x for x, _ in arm]), np.array([y for _, y in arm])
            if len(arm) > 1 and y.sum() != 0:
                ratio = x.sum() / y.sum()
                rest = np.var(x - ratio * y)
                most = max(most, (np.var(x) + ratio ** 2 * np.var(y)) / rest if rest > 0 else 0.0)
        return most

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
                f"quantile => {self.quantile}, margin => {'NULL' if self.margin is None else self.margin}, "
                f"sequential => {self.sequential}) AS r")

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
        if kind == "adjusted":
            y = rng.choice([*40 * [y], None, math.nan, math.inf])
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
    if weights and rng.random() < 0.2:
        # A planned variant without users.
        weights |= {rng.choice(VARIANTS): 1}
    better, alternative, margin = rng.choice(["higher", "lower", "neither"]), rng.choice(list(SIDES)), None
    if better != "neither" and method in ("welch", "proportions", "quantile") and rng.random() < 0.3:
        margin = rng.choice([0.01, 0.1, 0.5])
        alternative = rng.choice(["two_sided", DIRECTIONS[better]])
    return Experiment(kind, rows, method, alternative, rng.choice([0.8, 0.9, 0.95, 0.99]),
                      rng.choice(list(CORRECTIONS)), better,
                      rng.choice([None, None, arms[0]]), weights, rng.choice([0.1, 0.5, 0.9, 0.95]),
                      margin, method != "mann_whitney" and rng.random() < 0.3)


DIRECTIONS = {"higher": "greater", "lower": "less"}


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
        if self.kind in ("adjusted", "ratio"):
            known = [(x, y) for _, x, y in rows if x is not None and y is not None and math.isfinite(y)]
        else:
            known = [(x, 0.0) for _, x, _ in rows if x is not None]
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
    if e.margin is not None:
        e = replace(e, alternative=DIRECTIONS[e.better])
    names = sorted({v for v, _, _ in e.rows}, key=lambda name: name.encode())
    arms = [Arm(name, [r for r in e.rows if r[0] == name], e.kind) for name in names]
    control_name = e.control or ("control" if "control" in names else names[0])
    control = next(a for a in arms if a.name == control_name)
    theta, centre = adjustment(arms) if e.kind == "adjusted" else (0.0, 0.0)
    srm = expected_srm(arms, e.weights, e.sequential)
    if e.kind == "lists":
        if e.method == "quantile":
            return [expected_quantile(e, a, control, srm) for a in sorted(arms, key=lambda a: a is not control)]
        e = replace(e, kind="ratio")
    rows = [expected_row(e, a, control, theta, centre, srm) for a in sorted(arms, key=lambda a: a is not control)]
    decides = "always_valid_p" if e.sequential else "p_value"
    known = [row for row in rows if row[decides] is not None]
    if known:
        p_values = [row[decides] for row in known]
        method = CORRECTIONS[e.correction]
        adjusted = multipletests(p_values, method=method)[1] if method else p_values
        for row, p in zip(known, adjusted, strict=True):
            row["p_adjusted"] = float(p)
    for row in rows:
        row["verdict"] = expected_verdict(e, row)
        del row["fewest"], row["upwards"]
    return rows


def always_valid_p(off, squared, users, e):
    """The level at which the sequence of D90, with the mixture for the confidence asked, just reaches an effect."""
    if e.alternative == "greater" and off <= 0 or e.alternative == "less" and off >= 0:
        return 1.0
    alpha = 1 - e.confidence
    rho2 = (-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / 5000
    # off**2 = 2 s**2 (n rho**2 + 1) / (n rho**2) ln(sqrt(n rho**2 + 1) / p), with the squared standard error s**2.
    log_p = 0.5 * math.log(users * rho2 + 1) - off**2 / (2 * squared) * users * rho2 / (users * rho2 + 1)
    return max(min(1.0, math.exp(log_p)), LEAST_P)


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
    null = 0.0 if e.margin is None else -e.margin if e.better == "higher" else e.margin

    def error(arm):
        picks = rng.integers(0, arm.users, (300, arm.users))
        return np.std([np.quantile(np.concatenate([arm.lists[n] for n in pick]), e.quantile) for pick in picks])

    for row in rows[1:]:
        arm, control = arms[row["variant"]], arms[rows[0]["variant"]]
        # For few users two bootstraps may differ arbitrarily.
        if min(arm.users, control.users) < 40 or not row["statistic"]:
            continue
        want, have = math.hypot(error(arm), error(control)), abs((row["difference"] - null) / row["statistic"])
        if not 0.6 < have / want < 1.6:
            lines.append(f"{row['variant']}: an error of {have} instead of about {want}")
    return lines


def expected_srm(arms, weights, sequential=False):
    return srm({a.name: a.assigned for a in arms}, weights, sequential)["p_value"]


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
         "always_valid_high", "always_valid_p", "probability_better", "expected_loss", "srm_p_value", "before_difference", "before_p_value", "verdict"])
    row |= {"variant": arm.name, "users": arm.users, "missing_users": arm.assigned - arm.users, "mean": mean,
            "sd": None if variance is None else math.sqrt(variance), "srm_p_value": srm, "fewest": None, "upwards": None}
    if arm is control:
        row["control_mean"] = base if len({v for v, _, _ in e.rows}) > 1 else None
        return row
    row["control_mean"] = base
    row["fewest"] = min(arm.users, control.users)
    if e.kind == "adjusted" and arm.users and control.users:
        row["before_difference"] = float(arm.y.mean() - control.y.mean())
        if min(arm.users, control.users) > 1 and arm.y.var() + control.y.var() > 0:
            row["before_p_value"] = float(stats.ttest_ind(arm.y, control.y, equal_var=False).pvalue)
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
    lift = None
    asked = stats.norm.isf(tail)
    # The difference of the null hypothesis.
    null = 0.0 if e.margin is None else -e.margin if e.better == "higher" else e.margin
    if e.method == "welch":
        if error + control_error == 0:
            return row
        t = stats.ttest_ind_from_stats(mean - null, math.sqrt(variance), n, base, math.sqrt(control_variance), m, equal_var=False)
        df = (error + control_error) ** 2 / (error ** 2 / (n - 1) + control_error ** 2 / (m - 1))
        row["statistic"], row["df"] = float(t.statistic), df
        row["p_value"] = float({"two_sided": 2 * stats.t.sf(abs(t.statistic), df), "greater": stats.t.sf(t.statistic, df),
                                "less": stats.t.cdf(t.statistic, df)}[e.alternative])
        critical = stats.t.isf(tail, df)
        half = critical * math.sqrt(error + control_error)
        low, high = mean - base - half, mean - base + half
        lift = fieller(mean, error, base, control_error, critical)
        test_error = half / asked
    else:
        k, l = int(arm.x.sum()), int(control.x.sum())
        critical = asked
        expected = stats.contingency.expected_freq([[k, n - k], [l, m - l]]) if 0 < k + l < n + m else np.zeros((2, 2))
        if e.margin is not None:
            z = score_of_difference(k, n, l, m, null)
            row["statistic"], row["p_value"] = z, float(stats.norm.sf(z if e.better == "higher" else -z))
        if 0 < k + l < n + m:
            if e.margin is not None:
                pass
            elif e.method == "fisher" or expected.min() < 5:
                odds, p = stats.fisher_exact([[k, n - k], [l, m - l]], alternative=SCIPY_SIDES[e.alternative])
                row["statistic"], row["p_value"] = finite(odds), float(p)
                critical = agreeing(proportions_ztest([k, l], [n, m])[0], float(p), asked, e)
            else:
                z, p = proportions_ztest([k, l], [n, m], alternative=SIDES[e.alternative])
                row["statistic"], row["p_value"] = float(z), float(p)
            lift = score_bounds_of_lift(k, n, l, m, critical)
            rate = (k + l) / (n + m)
            test_error = math.sqrt(rate * (1 - rate) * (1 / n + 1 / m)) * critical / asked
        low, high = score_bounds_of_difference(k, n, l, m, critical)
    row["difference_low"] = None if e.alternative == "less" else float(low)
    row["difference_high"] = None if e.alternative == "greater" else float(high)
    a, b = Given(base, control_variance, m), Given(mean, variance, n)
    if error + control_error > 0:
        sequential = SequentialTwoSidedTTest(a, b, SequentialConfig(alpha=alpha, difference_type="absolute"))
        row["always_valid_low"], row["always_valid_high"] = map(float, sequential.confidence_interval)
        row["always_valid_p"] = always_valid_p(mean - base - null, error + control_error, n + m, e)
    if base == 0:
        return row
    row["relative_lift"] = (mean - base) / abs(base)
    if lift is not None:
        row["lift_low"] = None if e.alternative == "less" else lift[0]
        row["lift_high"] = None if e.alternative == "greater" else lift[1]
        squared = (test_error / base) ** 2
        if squared > 0 and math.isfinite(squared):
            good = row["relative_lift"] * (-1 if e.better == "lower" else 1)
            posterior = precise_posterior(good, squared)
            row["probability_better"], row["expected_loss"] = posterior
            # GrowthBook's engine for the same lift and standard error.
            engine = EffectBayesianABTest(Given(1.0, squared * m, m), Given(1.0 + good, squared * n, n), EffectBayesianConfig(
                difference_type="absolute", prior_effect=GaussianPrior(0, 2 * 0.3 ** 2, True))).compute_result()
            halved = precise_posterior(good, 2 * squared, 2 * 0.3 ** 2)
            assert math.isclose(engine.chance_to_win, halved[0], rel_tol=1e-6, abs_tol=1e-12), (engine, halved)
    return row


def fieller(mean, error, base, base_error, t):
    """Bounds of (mean - base) / |base|: the ratios r for which (mean - r base)^2 <= t^2 (error + r^2 base_error)."""
    mean, error, base, base_error, t = map(np.longdouble, (mean, error, base, base_error, t))
    a, b, c = base ** 2 - t ** 2 * base_error, mean * base, mean ** 2 - t ** 2 * error
    if a <= 0:
        return None
    # b^2 - ac, in a form that does not cancel.
    root = np.sqrt(t ** 2 * (error * base ** 2 + mean ** 2 * base_error - t ** 2 * error * base_error))
    ratios = sorted([(b - root) / a, (b + root) / a])
    return tuple(sorted(float(np.sign(base) * (ratio - 1)) for ratio in ratios))


def falling_root(f, low, high):
    """Where a falling function changes sign, or the end that it does not reach."""
    for _ in range(90):
        middle = (low + high) / 2
        low, high = (middle, high) if f(middle) > 0 else (low, middle)
    return (low + high) / 2


def score(k, n, l, m, rate, base, ratio, off):
    variance = rate * (1 - rate) / n + ratio ** 2 * base * (1 - base) / m
    return off / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, off) if off else 0.0


def score_of_difference(k, n, l, m, d):
    """The score statistic of a difference d: rates are the likeliest that differ by d, by the derivative of the likelihood."""
    def derivative(b):
        r = b + d
        return (k * (1 - r) - (n - k) * r) * b * (1 - b) + (l * (1 - b) - (m - l) * b) * r * (1 - r)

    base = falling_root(derivative, max(0.0, -d), min(1.0, 1 - d))
    return score(k, n, l, m, min(max(base + d, 0.0), 1.0), base, 1.0, k / n - l / m - d)


def score_of_ratio(k, n, l, m, ratio):
    def derivative(b):
        return ((k + l) * (1 - ratio * b) - (n - k) * ratio * b) * (1 - b) - (m - l) * b * (1 - ratio * b)

    base = falling_root(derivative, 0.0, min(1.0, 1 / ratio) if ratio else 1.0)
    return score(k, n, l, m, min(ratio * base, 1.0), base, ratio, k / n - ratio * l / m)


def score_bounds_of_difference(k, n, l, m, critical):
    """The differences that the score test does not reject (Miettinen and Nurminen, without their correction)."""
    found = k / n - l / m
    return (falling_root(lambda d: score_of_difference(k, n, l, m, d) - critical, -1.0, found),
            falling_root(lambda d: score_of_difference(k, n, l, m, d) + critical, found, 1.0))


def score_bounds_of_lift(k, n, l, m, critical):
    """The same for the ratio, minus 1 (Koopman)."""
    if l == 0:
        return None
    found, most = (k / n) / (l / m), 1.0
    while score_of_ratio(k, n, l, m, most) > -critical and most < 1e100:
        most *= 2
    return (falling_root(lambda r: score_of_ratio(k, n, l, m, r) - critical, 0.0, found) - 1,
            falling_root(lambda r: score_of_ratio(k, n, l, m, r) + critical, min(found, most), most) - 1 if most < 1e100 else None)


def agreeing(z, p, asked, e):
    """The quantile of bounds beside Fisher's test: the one asked for, unless the bounds would contradict the test."""
    z, exact = {"two_sided": (abs(z), stats.norm.isf(p / 2)), "greater": (z, stats.norm.isf(p)),
                "less": (-z, stats.norm.isf(p))}[e.alternative]
    if (z > asked) == (p < 1 - e.confidence):
        return asked
    return asked * z / exact if exact > 1e-12 else math.inf      # with a p of one half or more nothing is excluded


class Given:
    """A mean with its variance, in the form that gbstats' tests expect."""

    _has_zero_variance = False

    def __init__(self, mean, variance, n):
        self.mean = self.unadjusted_mean = mean
        self.variance, self.n = variance, n


def precise_posterior(lift, variance, prior=0.3 ** 2):
    precision = 1 / prior + 1 / variance
    mean, sd = lift / variance / precision, math.sqrt(1 / precision)
    loss = sd * stats.norm.pdf(mean / sd) - mean * stats.norm.sf(mean / sd)
    return float(stats.norm.cdf(mean / sd)), max(float(loss), 0.0)


def expected_verdict(e, row):
    if row["srm_p_value"] is not None and row["srm_p_value"] < 0.001:
        return "invalid: SRM"
    if len({v for v, _, _ in e.rows}) < 2:
        return "too few arms"
    if row["fewest"] is None:
        return "control"
    if row["fewest"] < (30 if e.method == "welch" or e.sequential else 8):
        return "too small"
    if row["p_adjusted"] is None or row["p_adjusted"] >= 1 - e.confidence:
        return "no evidence"
    if e.margin is not None:
        return "not inferior"
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


def srm(users, weights=None, sequential=False):
    """The row of srm_check without its reason (D92): `users` and `weights` by variant. The tests are scipy's."""
    planned = {v: weight for v, weight in (dict.fromkeys(users, 1) if weights is None else weights).items() if weight > 0}
    if weights is not None and not planned or any(count > 0 and v not in planned for v, count in users.items()):
        raise Refused
    row = {"users": sum(users.values()), "statistic": None, "df": None, "p_value": None, "verdict": "too small"}
    counts = np.array([users.get(v, 0) for v in planned], dtype=float)
    share = np.array(list(planned.values()), dtype=float)
    if sequential:
        total = int(counts.sum())
        if len(planned) < 2 or total == 0:
            return row
        # The likelihood of the counts, given a split near the planned one, and given that split.
        about = stats.dirichlet_multinomial.logpmf(counts.astype(int), 10_000 * share / share.sum(), total)
        factor = float(about - stats.multinomial.logpmf(counts, total, share / share.sum()))
        p = max(min(1.0, math.exp(-factor)), LEAST_P)
        return row | {"statistic": factor, "p_value": p, "verdict": "invalid: SRM" if p < SRM_THRESHOLD else "ok"}
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
    weights: dict | None = None

    def arms(self):
        """Users of the variant and of the control in multiples of the smaller: the variant of the least weight is planned."""
        positive = {name: weight for name, weight in (self.weights or {"control": 1, "treatment": 1}).items() if weight > 0}
        control = "control" if "control" in positive else min(positive, key=lambda name: name.encode())
        variant = min(weight for name, weight in positive.items() if name != control)
        least = min(variant, positive[control])
        return variant / least, positive[control] / least

    def checked(self):
        """The plan, if it is of either a rate or a mean."""
        if (self.baseline is None) == (self.sd is None):
            raise Refused
        if self.sd is not None and self.sd <= 0 or self.baseline is not None and not 0 < self.baseline < 1:
            raise Refused
        if not 0 < self.power < 1 or not 0 < self.confidence < 1 or self.comparisons < 1:
            raise Refused
        if self.weights is not None and sum(weight > 0 for weight in self.weights.values()) < 2:
            raise Refused
        return self

    def users(self, effect):
        """Users needed in the smaller variant, before rounding; 0 if any number suffices (D95). By statsmodels."""
        variant, control = self.arms()
        alpha = (1 - self.confidence) / self.comparisons
        if self.baseline is not None:
            side = "two-sided" if self.alternative == "two_sided" else "larger"
            return float(samplesize_proportions_2indep_onetail(
                effect, self.baseline, self.power, ratio=control / variant, alpha=alpha, alternative=side)) / variant
        tail = alpha / 2 if self.alternative == "two_sided" else alpha
        return float(normal_sample_size_one_tail(effect, self.power, tail, std_null=math.sqrt(1 / variant + 1 / control) * self.sd))


def sample_size(effect, plan):
    """(fewest, most) acceptable users: they differ if the number before rounding is almost whole."""
    plan = plan.checked()
    if effect == 0 or plan.baseline is not None and not 0 <= plan.baseline + effect <= 1:
        raise Refused
    users = plan.users(effect)
    if users > MOST_USERS:
        raise Refused
    if plan.sd is not None and math.ceil(users) < MANY:
        users = users_of_t(plan, abs(effect) / plan.sd)
        slack = max(users * 1e-6, 1e-6)
    else:
        slack = max(users * 1e-9, 1e-9)
    return tuple(min(max(math.ceil(bound), LEAST_USERS), MOST_USERS) for bound in (users - slack, users + slack))


# From here on the t test needs as many users as the normal approximation says, but for one or two.
MANY = 1_000_000


def power_of_t(plan, users, effect):
    """The power of the t test, by statsmodels, for an effect in standard deviations."""
    alpha = (1 - plan.confidence) / plan.comparisons
    side = "two-sided" if plan.alternative == "two_sided" else "larger"
    variant, control = plan.arms()
    power = TTestIndPower().power(effect, users * variant, alpha, ratio=control / variant, alternative=side)
    if not math.isnan(power):
        return power
    # scipy's noncentral t gives up far out: the mean of the normal tails over the estimated standard deviation.
    df, shift = users * (variant + control) - 2, effect * math.sqrt(users / (1 / variant + 1 / control))
    t = stats.t.isf(alpha / 2 if side == "two-sided" else alpha, df)
    spread, root = 12 / math.sqrt(2 * df), math.sqrt(df)

    def density(s):
        tails = stats.norm.sf(t * s - shift) + (stats.norm.cdf(-t * s - shift) if side == "two-sided" else 0)
        return tails * stats.chi.pdf(s * root, df) * root

    return integrate.quad(density, max(0, 1 - spread), 1 + spread, epsabs=1e-13, epsrel=1e-11, limit=200)[0]


def users_of_t(plan, effect):
    most = 2.0
    while power_of_t(plan, most, effect) < plan.power:
        most *= 2
    return LEAST_USERS if most == 2 else optimize.brentq(
        lambda users: power_of_t(plan, users, effect) - plan.power, most / 2, most, xtol=1e-9, rtol=1e-12)


def minimum_detectable_effect(users, plan):
    """The smallest increase for which so many users suffice; None if no rate is high enough."""
    plan = plan.checked()
    if users < LEAST_USERS:
        raise Refused
    if plan.baseline is None and users >= MANY:
        return math.sqrt(plan.users(1.0) / users)
    if plan.baseline is None:
        if power_of_t(plan, users, 0.0) >= plan.power:
            return 0.0
        most = 1e-9
        while power_of_t(plan, users, most) < plan.power:
            most *= 2
        least = most / 2 if most > 1e-9 else 0.0
        return plan.sd * optimize.brentq(lambda d: power_of_t(plan, users, d) - plan.power, least, most, xtol=1e-15, rtol=1e-12)

    def missing(effect):
        return math.sqrt(plan.users(effect) / users) - 1

    most = 1 - plan.baseline
    if missing(most) > 0:
        return None
    # The larger the effect, the fewer the users; the smallest effect is none.
    least = most * 1e-12
    return float(optimize.brentq(missing, least, most, xtol=1e-30, rtol=1e-12)) if missing(least) > 0 else 0.0
