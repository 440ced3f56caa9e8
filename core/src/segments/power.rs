//! Power users: the cutoff by number of requests.

use crate::function::Call;

/// The terms of power users.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// The share of recently active users who are power users.
    pub power_share: f64,
    /// Whether users equal to the one in the last place are included; if not, all of these are excluded.
    pub ties_included: bool,
    /// The fewest recently active users for there to be power users.
    pub min_users: u64,
}

/// The cutoff of power users by recent requests, from the numbers of all users in descending order. Users with the lowest
/// usage are never power users, and there are none among too few users.
pub fn power_cutoff(usages: &[u64], terms: &Terms) -> Option<u64> {
    let places = ceil_of_share(terms.power_share, usages.len() as u64);
    let least = *usages.last()?;
    let last = usages.get(usize::try_from(places).ok()?.checked_sub(1)?.min(usages.len() - 1))?;
    let above = usages.partition_point(|usage| usage > last);
    let as_much = usages.partition_point(|usage| usage >= last);
    // Without ties: users above the one in the last place, if not all users equal to it fit.
    let chosen = if terms.ties_included || as_much as u64 <= places { as_much } else { above };
    let cutoff = *usages.get(chosen.checked_sub(1)?)?;
    let stands_out = |usage: &u64| *usage > least;
    let cutoff =
        if stands_out(&cutoff) { cutoff } else { *usages[..chosen].iter().rfind(|usage| stands_out(usage))? };
    (usages.len() as u64 >= terms.min_users).then_some(cutoff)
}

/// The cutoff as shown in rows. It is the usage of a user and hides if fewer users are power users than may be shown.
pub(crate) fn shown_cutoff(call: &Call<'_>, usages: &[u64], cutoff: Option<u64>) -> Option<u64> {
    cutoff.filter(|&cutoff| !call.hides(usages.partition_point(|&usage| usage >= cutoff) as u64))
}

/// A number in decimal: its digits and how many of them are decimals. 0.28 is 28 hundredths, which no floating-point number
/// is exactly. `None` if it is too long to compute with.
fn written(number: f64) -> Option<(u128, u32)> {
    let text = number.to_string();
    let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
    let digits = format!("{whole}{decimals}");
    (digits.len() <= 22).then(|| digits.parse().ok()).flatten().zip(u32::try_from(decimals.len()).ok())
}

/// A share of a number, rounded up.
pub(crate) fn ceil_of_share(share: f64, of: u64) -> u64 {
    match written(share) {
        Some((digits, decimals)) => {
            let parts = 10u128.pow(decimals);
            digits.checked_mul(of.into()).map_or(u64::MAX, |all| all.div_ceil(parts).try_into().unwrap_or(u64::MAX))
        }
        None => (share * of as f64).ceil() as u64,
    }
}

/// Whether one number is at most `ratio` times another.
pub(super) fn at_most(one: u128, ratio: f64, other: u128) -> bool {
    let exact = || {
        let (digits, decimals) = written(ratio)?;
        Some(one.checked_mul(10u128.checked_pow(decimals)?)? <= digits.checked_mul(other)?)
    };
    exact().unwrap_or(one as f64 <= ratio * other as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_they_are_written() {
        assert_eq!((written(0.28), written(1.0), written(0.0)), (Some((28, 2)), Some((1, 0)), Some((0, 0))));
        assert_eq!(written(1e-300), None);
        // In floating point 0.28 of 25 is slightly more than 7, and 0.1 + 0.2 is not 0.3 for 0.3 times 10.
        assert_eq!([0.28, 0.1, 0.0, 1.0, 1e-300].map(|share| ceil_of_share(share, 25)), [7, 3, 0, 25, 1]);
        assert!(at_most(3, 0.3, 10) && !at_most(4, 0.3, 10) && at_most(0, 0.0, 0) && at_most(0, 1e-300, 1));
    }

    /// Every cutoff by its definition: the lowest usage of the chosen users.
    #[test]
    fn the_cutoff_is_what_the_last_of_the_chosen_uses() {
        let lists: [&[u64]; 6] =
            [&[], &[5], &[9, 8, 7, 6, 5, 4, 3, 2, 1, 1], &[4, 4, 4, 4], &[9, 9, 5, 5, 5, 1], &[7, 7, 7, 1, 1, 1]];
        for usages in lists {
            for power_share in [0.0, 0.1, 0.2, 0.34, 0.5, 1.0] {
                for ties_included in [true, false] {
                    let terms = Terms { power_share, ties_included, min_users: 1 };
                    let most = ceil_of_share(power_share, usages.len() as u64) as usize;
                    let is_power = |usage: u64| {
                        let place = 1 + usages.iter().filter(|&&other| other > usage).count();
                        let as_much = usages.iter().filter(|&&other| other >= usage).count();
                        let within = if ties_included { place } else { as_much } <= most;
                        within && usages.last().is_some_and(|&least| usage > least)
                    };
                    let expected = usages.iter().copied().filter(|&usage| is_power(usage)).min();
                    assert_eq!(power_cutoff(usages, &terms), expected, "{usages:?} {terms:?}");
                    assert_eq!(power_cutoff(usages, &Terms { min_users: 11, ..terms }), None);
                }
            }
        }
    }
}
