//! Tails and quantiles of the distributions of test statistics, using `statrs`, extended to many degrees of freedom.

use statrs::function::beta::checked_beta_reg;
use statrs::function::erf::{erfc, erfc_inv};
use statrs::function::gamma::checked_gamma_ur;
use std::f64::consts::SQRT_2;

/// The smallest probability reported: smaller ones are not normal doubles, and no probability is 0.
const LEAST: f64 = f64::MIN_POSITIVE;

/// Degrees of freedom up to which the library's continued fraction converges; beyond, Hill's expansion is as accurate.
const MANY: f64 = 3000.0;

/// A rounded probability: never 0, never above 1, `None` for NaN.
pub fn probability(p: f64) -> Option<f64> {
    (!p.is_nan()).then(|| p.clamp(LEAST, 1.0))
}

/// The probability that a standard normal variable exceeds `z`.
pub fn normal_above(z: f64) -> f64 {
    0.5 * erfc(z / SQRT_2)
}

/// The number that a standard normal variable exceeds with probability `p`.
pub fn normal_exceeded(p: f64) -> f64 {
    SQRT_2 * erfc_inv(2.0 * p)
}

/// The density of the standard normal distribution.
pub fn normal_density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// The probability that Student's t with `df` degrees of freedom exceeds `t`.
///
/// For many degrees of freedom by an expansion about the normal distribution: G. W. Hill, "Algorithm 395: Student's
/// t-distribution", Communications of the ACM 13 (1970).
pub fn student_above(t: f64, df: f64) -> f64 {
    if t < 0.0 {
        return 1.0 - student_above(-t, df);
    }
    if df <= MANY {
        // If the share of squares is rounded to 1, it has no information about a small t.
        let share = df / (df + t * t);
        return checked_beta_reg(df / 2.0, 0.5, share).map_or(f64::NAN, |twice| 0.5 * twice);
    }
    let a = df - 0.5;
    let (b, y) = (48.0 * a * a, a * (t * t / df).ln_1p());
    let inner = (((-0.4 * y - 3.3) * y - 24.0) * y - 85.5) / (0.8 * y * y + 100.0 + b);
    normal_above(((inner + y + 3.0) / b + 1.0) * y.sqrt())
}

/// The number that Student's t exceeds with probability `p`, below one half; 0 above that.
pub fn student_exceeded(p: f64, df: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    while student_above(high, df) > p && high < 1e300 {
        (low, high) = (high, high * 2.0);
    }
    // By bisection to the last bit: a few dozen steps.
    loop {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            return middle;
        }
        if student_above(middle, df) > p { low = middle } else { high = middle }
    }
}

/// The probability that noncentral t with `df` degrees of freedom exceeds `t`, about which it would be `shift` if the
/// standard deviation were known: the mean of a normal tail over the distribution of the estimated standard deviation, by
/// Simpson's rule on both sides of where that tail rises and there, since it may be narrow.
pub fn noncentral_t_above(t: f64, df: f64, shift: f64) -> f64 {
    const STEPS: u32 = 600;
    // The ratio of the estimated standard deviation to the true one; its density is relative to that of its mode.
    let mode = ((df - 1.0) / df).max(0.0).sqrt();
    let spread = 10.0 / (2.0 * df).sqrt();
    let (low, high) = ((mode - spread).max(0.0), mode + spread);
    let density = |s: f64| {
        let power = if df == 1.0 { 0.0 } else { (df - 1.0) * (s / mode).ln() };
        (power - df * (s - mode) * (s + mode) / 2.0).exp()
    };
    let (rises, width) = if t == 0.0 { (mode, spread) } else { (shift / t, 10.0 / t.abs()) };
    let ends = [low, (rises - width).clamp(low, high), (rises + width).clamp(low, high), high];
    let (mut above, mut all) = (0.0, 0.0);
    for piece in ends.windows(2) {
        let step = (piece[1] - piece[0]) / f64::from(STEPS);
        for n in (0..=STEPS).take_while(|_| step > 0.0) {
            let s = piece[0] + step * f64::from(n);
            let simpson = if n == 0 || n == STEPS { 1.0 } else { 2.0 + 2.0 * f64::from(n % 2) };
            let weight = step * simpson * density(s);
            all += weight;
            above += weight * normal_above(t * s - shift);
        }
    }
    above / all
}

/// The probability that chi-squared with `df` degrees of freedom exceeds `statistic`.
pub fn chi_squared_above(statistic: f64, df: f64) -> f64 {
    if statistic <= 0.0 {
        return 1.0;
    }
    checked_gamma_ur(df / 2.0, statistic / 2.0).unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64, to: f64) {
        assert!((found / expected - 1.0).abs() < to, "{found} instead of {expected}");
    }

    /// `scipy.stats.t.sf(t, df)` and `scipy.stats.t.isf(p, df)`.
    #[test]
    fn student_agrees_with_scipy() {
        let cases = [
            (0.1, 1.0, 0.468_274_482_569_446_5),
            (2.5, 1.0, 0.121_118_941_590_843_41),
            (2.0, 9.3, 0.037_765_623_557_317_71),
            (30.0, 4.0, 3.676_428_048_830_659_5e-06),
            (1.96, 200.5, 0.025_690_685_261_085_12),
            (4.0, 2999.0, 3.243_634_199_267_953e-05),
            (4.0, 3001.0, 3.243_582_776_956_253_4e-05),
            (0.3, 3500.0, 0.382_097_485_599_667_44),
            (10.0, 5000.0, 1.260_437_355_822_007_6e-23),
            (37.0, 5000.0, 2.146_887_778_524_799_7e-265),
            (1.5, 1e6, 0.066_807_359_118_396_4),
            (8.0, 1e7, 6.221_617_401_403_415e-16),
            (20.0, 1e6, 2.866_543_523_695_134e-89),
        ];
        for (t, df, expected) in cases {
            close(student_above(t, df), expected, 1e-9);
            close(student_above(-t, df), 1.0 - expected, 1e-10);
        }
        let cases = [
            (0.025, 1.0, 12.706_204_736_174_705),
            (0.025, 7.7, 2.321_736_752_830_865_2),
            (0.05, 60.0, 1.670_648_864_904_636_7),
            (0.005, 5000.0, 2.576_812_966_556_280_7),
            (0.025, 1e8, 1.959_964_008_262_766_7),
        ];
        for (p, df, expected) in cases {
            close(student_exceeded(p, df), expected, 1e-10);
        }
        assert_eq!(student_above(0.0, 5.0), 0.5);
    }

    /// `scipy.stats.nct.sf(t, df, shift)`.
    #[test]
    fn noncentral_t_agrees_with_scipy() {
        let cases = [
            (2.2281388519649385, 10.0, 3.4641016151377544, 0.8764176368847238),
            (1.96, 2.0, 0.5, 0.18065604069876323),
            (12.7, 1.0, 3.0, 0.18619678199239592),
            (1.98, 118.0, 2.8, 0.7931645222888568),
            (1.96, 20000.0, 2.8, 0.7995413676089707),
            (-2.0, 30.0, 1.0, 0.9980855981660497),
            // By the midpoint rule with 400,000 steps: the tail rises within a hundredth of the range.
            (316.2253943026813, 2.0, 401.17776104279983, 0.8),
        ];
        for (t, df, shift, expected) in cases {
            close(noncentral_t_above(t, df, shift), expected, 1e-7);
        }
    }

    #[test]
    fn the_normal_distribution_agrees_with_scipy() {
        close(normal_exceeded(0.025), 1.959_963_984_540_054, 1e-12);
        let cases = [
            (0.5, 0.308_537_538_725_986_9),
            (1.96, 0.024_997_895_148_220_435),
            (5.0, 2.866_515_718_791_933e-07),
            (10.0, 7.619_853_024_160_47e-24),
            (37.0, 5.725_571_222_523_926_6e-300),
        ];
        for (z, expected) in cases {
            close(normal_above(z), expected, 1e-10);
            close(normal_above(-z), 1.0 - expected, 1e-10);
        }
        // A probability too small for a double is reported as the smallest one.
        assert_eq!(probability(normal_above(50.0)), Some(f64::MIN_POSITIVE));
        assert_eq!(probability(f64::NAN), None);
    }

    /// `scipy.stats.chi2.sf(statistic, df)`.
    #[test]
    fn chi_squared_agrees_with_scipy() {
        let cases = [
            (3.84, 1.0, 0.050_043_521_248_705_19),
            (10.0, 4.0, 0.040_427_681_994_512_79),
            (100.0, 3.0, 1.554_159_431_389_602_6e-21),
            (0.01, 2.0, 0.995_012_479_192_682_3),
        ];
        for (statistic, df, expected) in cases {
            close(chi_squared_above(statistic, df), expected, 1e-9);
        }
        assert_eq!(chi_squared_above(0.0, 3.0), 1.0);
    }
}
