//! Test whether a user's active days have declined by more than chance.

use crate::base::error::{Error, Result};
use statrs::distribution::{Binomial, Discrete, DiscreteCDF};

/// The probability of `recent` or fewer active days out of `recent + base`, if the rate is the same in the recent span as in
/// the one before; `recent_share` is the recent span divided by both. `None` without any.
///
/// Two Poisson counts given their sum: the first is binomial. Source: J. Przyborowski and H. Wilenski, "Homogeneity of
/// results in testing samples from Poisson series", Biometrika 31 (1940). Days are counted and not requests, which come
/// in bursts.
///
/// ```
/// # use user_metrics_core::segments::decline_p;
/// let none_after_five = decline_p(0, 5, 0.5).unwrap().unwrap();
/// assert!((none_after_five - 1.0 / 32.0).abs() < 1e-12);
/// assert_eq!(decline_p(0, 0, 0.5).unwrap(), None);
/// ```
pub fn decline_p(recent: u64, base: u64, recent_share: f64) -> Result<Option<f64>> {
    let all = recent.checked_add(base).filter(|&all| all > 0);
    let Some(all) = all else { return Ok(None) };
    let binomial = Binomial::new(recent_share, all).map_err(|_| Error::Argument {
        name: "recent_weeks",
        given: recent_share.to_string(),
        accepted: "spans of time longer than nothing".to_owned(),
    })?;
    // The whole distribution sums to 1, whatever the rounding.
    if recent >= all {
        return Ok(Some(1.0));
    }
    // The continued fraction of the library does not converge for very large numbers.
    let chance = if all <= MANY { binomial.cdf(recent) } else { summed(&binomial, recent, all, recent_share) };
    Ok(Some(chance.clamp(0.0, 1.0)))
}

/// Up to this number of requests, the library's distribution function is accurate to 10⁻¹¹.
const MANY: u64 = 10_000;

/// The same probability for very many requests: its terms are added from the nearest to the mean outwards until they are
/// negligible. The relative error is about 10⁻¹⁶ times the requests, the number of terms a multiple of their square root.
fn summed(binomial: &Binomial, recent: u64, all: u64, share: f64) -> f64 {
    let below = (recent as f64) < share * all as f64;
    let (mut at, mut sum) = (if below { recent } else { recent + 1 }, 0.0);
    let mut term = binomial.pmf(at);
    let odds = share / (1.0 - share);
    while term > sum * 1e-17 {
        sum += term;
        if below {
            if at == 0 {
                break;
            }
            term *= at as f64 / ((all - at + 1) as f64 * odds);
            at -= 1;
        } else {
            if at == all {
                break;
            }
            term *= (all - at) as f64 * odds / (at + 1) as f64;
            at += 1;
        }
    }
    if below { sum } else { 1.0 - sum }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By adding up the terms, in exact integers if both spans are equally long.
    #[test]
    fn the_chance_is_the_sum_of_its_terms() {
        for all in 1..60u64 {
            let (mut term, mut sum) = (1u128, 0u128);
            for recent in 0..=all {
                sum += term;
                let found = decline_p(recent, all - recent, 0.5).unwrap().unwrap();
                let expected = sum as f64 / 2f64.powi(all as i32);
                assert!((found - expected).abs() < 1e-12, "{recent} of {all}: {found} instead of {expected}");
                term = term * u128::from(all - recent) / u128::from(recent + 1);
            }
        }
    }

    /// `scipy.stats.binom.cdf(recent, recent + base, share)`, scipy 1.17.1.
    #[test]
    fn it_agrees_with_scipy() {
        let cases = [
            (3, 17, 4.0 / 12.0, 0.060_446_460_624_165_324),
            (5, 1, 0.25, 0.999_755_859_375),
            (70, 930, 0.1, 0.000_574_495_840_837_968_9),
            (9000, 11_000, 0.5, 9.770_413_852_912_744e-46),
        ];
        for (recent, base, share, expected) in cases {
            let found = decline_p(recent, base, share).unwrap().unwrap();
            assert!((found / expected - 1.0).abs() < 1e-9, "{found} instead of {expected}");
        }
    }

    /// The same for very large numbers, for which sums of logarithms are less accurate.
    #[test]
    fn it_agrees_with_scipy_for_very_many() {
        let cases = [
            (100_000, 100_000, 0.5, 0.500_892_060_942_998_1),
            (10_000_000, 10_000_000, 0.5, 0.500_089_206_204_692_8),
            (4990, 5020, 0.5, 0.385_964_388_659_473_97),
            (499_000, 501_000, 0.5, 0.022_804_149_932_694_8),
            (30_000, 61_000, 1.0 / 3.0, 0.009_583_068_604_572_69),
            (31_000, 60_000, 1.0 / 3.0, 0.999_998_589_965_257_7),
            (5000, 20_000, 0.25, 2.379_527_874_403_287e-78),
            (20_000, 0, 0.5, 1.0),
        ];
        for (recent, base, share, expected) in cases {
            let found = decline_p(recent, base, share).unwrap().unwrap();
            assert!((found / expected - 1.0).abs() < 1e-6, "{found} instead of {expected}");
        }
        assert_eq!(decline_p(0, 20_000, 0.5).unwrap(), Some(0.0));
    }
}
