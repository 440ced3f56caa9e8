//! Every user in exactly one segment, with the figures that say why. Definitions D30-D35.

use crate::calendar::{DAY_MICROS, Micros};
use crate::error::{Error, Result};
use crate::host::{self, Claim};
use crate::tally::{Person, Tally};
use crate::users::{UserKey, UserKind};
use statrs::distribution::{Binomial, Discrete, DiscreteCDF};
use std::cmp::Reverse;

/// A segment; the first that fits is a user's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment {
    /// Came less than so many days ago.
    New,
    /// Half as active as before, and hardly by chance.
    AtRisk,
    /// Among those who use most.
    Power,
    /// Active lately, and none of these.
    Casual,
    /// Not active lately.
    Dormant,
}

impl Segment {
    /// All of them, in the order in which they are tried.
    pub const ALL: [Segment; 5] = [Segment::New, Segment::AtRisk, Segment::Power, Segment::Casual, Segment::Dormant];

    /// Its name in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Segment::New => "new",
            Segment::AtRisk => "at_risk",
            Segment::Power => "power",
            Segment::Casual => "casual",
            Segment::Dormant => "dormant",
        }
    }
}

/// Where the segments' bounds are. The lengths of the recent weeks and of those before are the tally's.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// The share of recently active users who are power users.
    pub power_share: f64,
    /// Whether those who use as much as the last of them are too; if not, none of these is.
    pub ties_included: bool,
    /// Recently active users below which nobody is a power user.
    pub min_users: u64,
    /// For how many times 24 hours a user is new.
    pub new_days: u32,
    /// The most that recent requests a week may be of those before, for a decline.
    pub max_decline_ratio: f64,
    /// The chance below which that is one.
    pub max_decline_p: f64,
    /// Requests before, below which there is nothing to decline from.
    pub min_base_requests: u64,
}

/// A user, their segment, and why.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// Who, and what they did.
    pub person: Person<'a>,
    /// Their segment.
    pub segment: Segment,
    /// Their place by recent requests, from 1; those alike share one. `None` without any.
    pub usage_rank: Option<u64>,
    /// Recent requests a week over those before; `None` where there were none before.
    pub decline_ratio: Option<f64>,
    /// The chance of so few recent ones; see [`decline_p`].
    pub decline_p: Option<f64>,
}

/// Users in the order of their ids, and the recent requests that make a power user; `None` if nothing does.
pub fn members<'a>(
    tally: &'a Tally,
    leaving: &[UserKey],
    terms: &Terms,
) -> Result<(Vec<Member<'a>>, Option<u64>, Claim)> {
    let mut claim = Claim::passing();
    let mut leaving = claim.collected(leaving.iter().copied())?;
    leaving.sort_unstable();
    let mut members: Vec<Member<'a>> = Vec::new();
    claim.reserve(&mut members, tally.users())?;
    let spans = tally.spans();
    let (recent_weeks, base_weeks) = (f64::from(spans.recent_weeks), f64::from(spans.base_weeks));
    let share = recent_weeks / (recent_weeks + base_weeks);
    for i in 0..tally.users() {
        if i % host::POLL_EVERY == 0 {
            host::poll();
        }
        let person = tally.person(i);
        if leaving.binary_search(&person.key).is_ok() {
            continue;
        }
        members.push(Member {
            person,
            segment: Segment::Dormant,
            usage_rank: None,
            decline_ratio: (person.base > 0)
                .then(|| person.recent as f64 / recent_weeks / (person.base as f64 / base_weeks)),
            decline_p: decline_p(person.recent, person.base, share)?,
        });
    }
    let mut usages: Vec<u64> = Vec::new();
    claim.reserve(&mut usages, members.len())?;
    usages.extend(members.iter().map(|member| member.person.recent).filter(|&recent| recent > 0));
    usages.sort_unstable_by_key(|&recent| Reverse(recent));
    let cutoff = power_cutoff(&usages, terms);
    let new_after = spans.end.saturating_sub(DAY_MICROS.saturating_mul(Micros::from(terms.new_days)));
    for member in &mut members {
        let person = &member.person;
        let above = usages.partition_point(|&usage| usage > person.recent);
        member.usage_rank = (person.recent > 0).then_some(above as u64 + 1);
        let declines = person.base >= terms.min_base_requests
            && at_most(
                u128::from(person.recent) * u128::from(spans.base_weeks),
                terms.max_decline_ratio,
                u128::from(person.base) * u128::from(spans.recent_weeks),
            )
            && member.decline_p.is_some_and(|chance| chance < terms.max_decline_p);
        member.segment = match () {
            () if person.first > new_after => Segment::New,
            () if declines => Segment::AtRisk,
            () if person.recent > 0 && cutoff.is_some_and(|cutoff| person.recent >= cutoff) => Segment::Power,
            () if person.recent > 0 => Segment::Casual,
            () => Segment::Dormant,
        };
    }
    host::poll();
    match tally.kind() {
        UserKind::Text => members.sort_unstable_by_key(|member| member.person.name),
        UserKind::Uuid => members.sort_unstable_by_key(|member| member.person.key),
        // As text, which is how they are told: 10 before 9.
        UserKind::Bigint => {
            claim.grow(members.len().saturating_mul(64))?;
            members.sort_by_cached_key(|member| member.person.key.to_bigint().to_string());
        }
    }
    Ok((members, cutoff, claim))
}

/// The fewest recent requests that make a power user, from all users' numbers, the largest first. Who uses least does not
/// stand out, nor does anybody among too few.
fn power_cutoff(usages: &[u64], terms: &Terms) -> Option<u64> {
    let places = ceil_of_share(terms.power_share, usages.len() as u64);
    let least = *usages.last()?;
    let last = usages.get(usize::try_from(places).ok()?.checked_sub(1)?.min(usages.len() - 1))?;
    let above = usages.partition_point(|usage| usage > last);
    let as_much = usages.partition_point(|usage| usage >= last);
    // Without ties, those who use more than the last who would be among them, if not all of these fit.
    let chosen = if terms.ties_included || as_much as u64 <= places { as_much } else { above };
    let cutoff = *usages.get(chosen.checked_sub(1)?)?;
    let stands_out = |usage: &u64| *usage > least;
    let cutoff =
        if stands_out(&cutoff) { cutoff } else { *usages[..chosen].iter().rfind(|usage| stands_out(usage))? };
    (usages.len() as u64 >= terms.min_users).then_some(cutoff)
}

/// A number as it is written: digits and how many of them are decimals. 0.28 is 28 hundredths, which no floating-point
/// number is. `None` for one too long to reckon with.
fn written(number: f64) -> Option<(u128, u32)> {
    let text = number.to_string();
    let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
    let digits = format!("{whole}{decimals}");
    (digits.len() <= 22).then(|| digits.parse().ok()).flatten().zip(u32::try_from(decimals.len()).ok())
}

/// The share of so many, rounded up.
fn ceil_of_share(share: f64, of: u64) -> u64 {
    match written(share) {
        Some((digits, decimals)) => {
            let parts = 10u128.pow(decimals);
            digits.checked_mul(of.into()).map_or(u64::MAX, |all| all.div_ceil(parts).try_into().unwrap_or(u64::MAX))
        }
        None => (share * of as f64).ceil() as u64,
    }
}

/// Whether one number is at most `ratio` times another.
fn at_most(one: u128, ratio: f64, other: u128) -> bool {
    let exact = || {
        let (digits, decimals) = written(ratio)?;
        Some(one.checked_mul(10u128.checked_pow(decimals)?)? <= digits.checked_mul(other)?)
    };
    exact().unwrap_or(one as f64 <= ratio * other as f64)
}

/// The chance of `recent` requests or fewer, of `recent + base` in all, if the user were as active in the recent span of
/// time as in the one before; `recent_share` is the recent span over both. `None` without requests.
///
/// Two Poisson counts given their sum: the first is binomial. Source: J. Przyborowski and H. Wilenski, "Homogeneity of
/// results in testing samples from Poisson series", Biometrika 31 (1940). Requests come in bursts, so the chance is too
/// small where a session has many; over active days it is nearer the truth.
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
    // The whole of the distribution is 1, and rounding must not say otherwise.
    if recent >= all {
        return Ok(Some(1.0));
    }
    // The library's continued fraction does not converge for very many.
    let chance = if all <= MANY { binomial.cdf(recent) } else { summed(&binomial, recent, all, recent_share) };
    Ok(Some(chance.clamp(0.0, 1.0)))
}

/// Requests up to which the library's distribution function is right to 10⁻¹¹.
const MANY: u64 = 10_000;

/// The same chance for very many requests: its terms from the nearest on, away from the mean, until they do not matter.
/// Right to about 10⁻¹⁶ times the requests, after some multiples of the square root of them.
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

    const TERMS: Terms = Terms {
        power_share: 0.1,
        ties_included: true,
        min_users: 10,
        new_days: 30,
        max_decline_ratio: 0.5,
        max_decline_p: 0.05,
        min_base_requests: 10,
    };

    #[test]
    fn numbers_are_as_they_are_written() {
        assert_eq!((written(0.28), written(1.0), written(0.0)), (Some((28, 2)), Some((1, 0)), Some((0, 0))));
        assert_eq!(written(1e-300), None);
        // In floating point 0.28 of 25 are a little more than 7, and 0.3 times 10 is not quite 3 for 0.1 + 0.2.
        assert_eq!([0.28, 0.1, 0.0, 1.0, 1e-300].map(|share| ceil_of_share(share, 25)), [7, 3, 0, 25, 1]);
        assert!(at_most(3, 0.3, 10) && !at_most(4, 0.3, 10) && at_most(0, 0.0, 0) && at_most(0, 1e-300, 1));
    }

    /// Every cutoff by its definition: the least that somebody who is chosen uses.
    #[test]
    fn the_cutoff_is_what_the_last_of_the_chosen_uses() {
        let lists: [&[u64]; 6] =
            [&[], &[5], &[9, 8, 7, 6, 5, 4, 3, 2, 1, 1], &[4, 4, 4, 4], &[9, 9, 5, 5, 5, 1], &[7, 7, 7, 1, 1, 1]];
        for usages in lists {
            for power_share in [0.0, 0.1, 0.2, 0.34, 0.5, 1.0] {
                for ties_included in [true, false] {
                    let terms = Terms { power_share, ties_included, min_users: 1, ..TERMS };
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

    /// By adding up the terms, in exact whole numbers where both spans are alike.
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

    /// The same of very many, for which sums of logarithms leave fewer digits.
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
