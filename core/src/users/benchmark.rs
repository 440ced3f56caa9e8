//! Users' metrics compared with those of their peers. Definitions D78 to D81.

use crate::base::error::Result;
use crate::base::memory::{self, Claim};
use crate::function::Function;

pub mod benchmark_user;
pub mod benchmark_users;
pub(crate) mod peers;

/// The functions that compare users.
pub const FUNCTIONS: &[&Function] = &[&benchmark_users::FUNCTION, &benchmark_user::FUNCTION];

/// The standing of a value among those of the peers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// The median of the peers; `None` without peers.
    pub median: Option<f64>,
    /// The share of peers with a lower value, those with an equal value counted half: 0 lowest, 1 highest.
    pub percentile: Option<f64>,
    /// The number of peers.
    pub peers: usize,
}

/// The standing of every value among all others, in the given order.
///
/// A user is not their own peer: the median and the share are those of the others. NaN ranks highest.
///
/// ```
/// # use user_metrics_core::users::benchmark::standings;
/// let found = standings(&[3.0, 1.0, 3.0, 8.0]).unwrap();
/// assert_eq!((found[0].median, found[0].percentile, found[0].peers), (Some(3.0), Some(0.5), 3));
/// ```
pub fn standings(figures: &[f64]) -> Result<Vec<Standing>> {
    let (mut claim, mut order, mut standings) = (Claim::temporary(), Vec::new(), Vec::new());
    claim.reserve(&mut order, figures.len())?;
    claim.reserve(&mut standings, figures.len())?;
    order.extend(0..figures.len());
    memory::poll();
    order.sort_unstable_by(|&a, &b| figures[a].total_cmp(&figures[b]));
    let nobody = Standing { median: None, percentile: None, peers: 0 };
    standings.resize(figures.len(), nobody);
    let peers = figures.len().saturating_sub(1);
    if peers == 0 {
        return Ok(standings);
    }
    // The n-th of the sorted values without the one at `place`.
    let without = |place: usize, n: usize| figures[order[if n < place { n } else { n + 1 }]];
    let mut place = 0;
    while place < order.len() {
        if place % memory::POLL_EVERY == 0 {
            memory::poll();
        }
        let figure = figures[order[place]];
        let alike = order[place..].iter().take_while(|&&i| figures[i].total_cmp(&figure).is_eq()).count();
        let percentile = (place as f64 + (alike - 1) as f64 / 2.0) / peers as f64;
        // Of equal values it does not matter which one is removed.
        let median = (without(place, (peers - 1) / 2) + without(place, peers / 2)) / 2.0;
        for &i in &order[place..place + alike] {
            standings[i] = Standing { median: Some(median), percentile: Some(percentile), peers };
        }
        place += alike;
    }
    Ok(standings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// One by one: remove a user, sort the rest.
        #[test]
        fn everybody_is_measured_by_the_others(whole in proptest::collection::vec(-4i8..4, 0..40)) {
            let figures: Vec<f64> = whole.iter().map(|&figure| f64::from(figure) / 2.0).collect();
            let found = standings(&figures).unwrap();
            for (i, standing) in found.iter().enumerate() {
                let mut others = figures.clone();
                let mine = others.remove(i);
                others.sort_by(f64::total_cmp);
                let n = others.len();
                prop_assert_eq!(standing.peers, n);
                if n == 0 {
                    prop_assert_eq!((standing.median, standing.percentile), (None, None));
                    continue;
                }
                let middle = if n % 2 == 1 { others[n / 2] } else { (others[n / 2 - 1] + others[n / 2]) / 2.0 };
                let share = others.iter().map(|&other| match other.total_cmp(&mine) {
                    std::cmp::Ordering::Less => 1.0,
                    std::cmp::Ordering::Equal => 0.5,
                    std::cmp::Ordering::Greater => 0.0,
                });
                let share = share.sum::<f64>() / n as f64;
                prop_assert_eq!(standing.median, Some(middle));
                prop_assert!((standing.percentile.unwrap() - share).abs() < 1e-12);
            }
        }
    }
}
