//! A quantile over the values of many users, and its standard error, with the values of a user correlated. Definition D96.

use crate::base::error::Result;
use crate::base::memory::{self, Claim};
use crate::base::random::Random;

/// The number of bootstrap samples.
const SAMPLES: usize = 500;
/// A sample's quantile is first searched within this many standard errors of the quantile of all values.
const WINDOW: f64 = 6.0;

/// How often a user occurs in a sample: a Poisson number with mean 1.
fn times(random: &mut Random) -> u8 {
    let mut rest = random.unit();
    let (mut times, mut chance) = (0u8, (-1.0f64).exp());
    while rest >= chance && times < 20 {
        rest -= chance;
        times += 1;
        chance /= f64::from(times);
    }
    times
}

/// The quantile of all values, by linear interpolation as in `percentile_cont`, and its standard error; `None` without
/// values, and no standard error for fewer than two users.
///
/// The standard error is that of a bootstrap over users: in each sample every user, with all their values, occurs a random
/// number of times. The samples depend on `seed` and the values only. Source: N. Chamandy, O. Muralidharan, A. Najmi and S.
/// Naidu, "Estimating uncertainty for massive data streams", Google (2012).
pub fn quantile<'a>(lists: impl Iterator<Item = &'a [f64]>, share: f64, seed: u64) -> Result<Option<(f64, f64)>> {
    let mut claim = Claim::temporary();
    let (mut figures, mut sizes) = (Vec::new(), Vec::new());
    for (user, list) in lists.enumerate() {
        claim.push(&mut sizes, list.len() as u64)?;
        for figure in list {
            claim.push(&mut figures, (*figure, user as u32))?;
        }
    }
    let mut compared = 0u32;
    figures.sort_unstable_by(|a: &(f64, u32), b| {
        compared = compared.wrapping_add(1);
        if compared.is_multiple_of(16 * memory::POLL_EVERY as u32) {
            memory::poll();
        }
        a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))
    });
    let (users, count) = (sizes.len(), figures.len());
    let Some(last) = count.checked_sub(1) else { return Ok(None) };
    let place = share * last as f64;
    let (below, above) = (figures[place.floor() as usize].0, figures[(place.ceil() as usize).min(last)].0);
    // Equal neighbours must not be changed by rounding.
    let value = if below == above { below } else { below + (above - below) * place.fract() };
    if users < 2 {
        return Ok(Some((value, f64::NAN)));
    }

    // The standard error of the share of values up to the quantile, by the delta method: it gives the window of the search.
    let mut under = claim.filled(0u64, users)?;
    figures.iter().take_while(|(figure, _)| *figure <= value).for_each(|(_, user)| under[*user as usize] += 1);
    let reached = under.iter().sum::<u64>() as f64 / count as f64;
    let off = |(under, size): (&u64, &u64)| (*under as f64 - reached * *size as f64).powi(2);
    let spread = under.iter().zip(&sizes).map(off).sum::<f64>().sqrt() / count as f64;
    let margin = (WINDOW * spread * count as f64).ceil() as usize + 1;
    let from = (place.floor() as usize).saturating_sub(margin);
    under.fill(0);
    figures[..from].iter().for_each(|(_, user)| under[*user as usize] += 1);

    let (mut random, mut copies) = (Random::new(seed), claim.filled(0u8, users)?);
    let (mut samples, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for _ in 0..SAMPLES {
        memory::poll();
        let (mut all, mut before) = (0u64, 0u64);
        for ((copies, size), under) in copies.iter_mut().zip(&sizes).zip(&under) {
            *copies = times(&mut random);
            all += u64::from(*copies) * size;
            before += u64::from(*copies) * under;
        }
        if all == 0 {
            continue;
        }
        let wanted = share * all as f64;
        // In rare cases the sample's quantile lies before the window.
        let (start, mut reached) = if before as f64 >= wanted { (0, 0) } else { (from, before) };
        let found = figures[start..].iter().find(|(_, user)| {
            reached += u64::from(copies[*user as usize]);
            reached as f64 >= wanted && copies[*user as usize] > 0
        });
        if let Some((figure, _)) = found {
            // Relative to the quantile, so that an offset costs no digits.
            let off = figure - value;
            (samples, sum, squares) = (samples + 1.0, sum + off, squares + off * off);
        }
    }
    let variance = (squares - sum * sum / samples) / (samples - 1.0);
    // NaN, from values too large to be squared, is kept.
    Ok(Some((value, if variance < 0.0 { 0.0 } else { variance.sqrt() })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lists: &[Vec<f64>], share: f64) -> Option<(f64, f64)> {
        quantile(lists.iter().map(Vec::as_slice), share, 1).unwrap()
    }

    #[test]
    fn the_quantile_is_that_of_all_figures() {
        let lists = [vec![1.0, 2.0], vec![3.0], vec![4.0, 10.0]];
        assert_eq!(of(&lists, 0.5).unwrap().0, 3.0);
        assert_eq!(of(&lists, 0.25).unwrap().0, 2.0);
        assert_eq!(of(&lists, 0.9).unwrap().0, 4.0 + 6.0 * 0.6000000000000001);
        assert_eq!(of(&[], 0.5), None);
        assert_eq!(of(&[vec![5.0, 5.0], vec![5.0]], 0.5), Some((5.0, 0.0)));
        assert!(of(&[vec![5.0, 6.0]], 0.5).unwrap().1.is_nan());
    }

    /// One value per user: the standard error of a median of n normal values is √(π/2n). The same value ten times per user:
    /// no less.
    #[test]
    fn the_error_is_that_of_users_and_not_of_figures() {
        let mut random = Random::new(2);
        let mut normal = || (0..12).map(|_| random.unit()).sum::<f64>() - 6.0;
        let figures = (0..4000).map(|_| normal()).collect::<Vec<_>>();
        let error = |times: usize| of(&figures.iter().map(|f| vec![*f; times]).collect::<Vec<_>>(), 0.5).unwrap().1;
        let expected = (std::f64::consts::PI / 8000.0).sqrt();
        assert!((error(1) / expected - 1.0).abs() < 0.15, "{} instead of {expected}", error(1));
        assert!((error(10) / error(1) - 1.0).abs() < 0.05, "{} instead of {}", error(10), error(1));
    }
}
