//! Exact medians, and other quantiles, of many groups of numbers in little memory: the numbers of large groups are first
//! counted by size, and only those near the quantile are kept in a second pass.
//!
//! A group keeps up to 1,024 numbers. A larger one counts its numbers in 2,048 buckets, each of a 32nd of an octave, and
//! needs a second pass over all numbers: [`Medians::is_complete`] tells whether any does.

use crate::base::error::{Error, Result};
use crate::base::memory::{self, Claim};

/// The most numbers that a group keeps before it counts them.
const FEW: usize = 1024;
/// Numbers near a quantile that are kept before equal ones are united.
const MANY: usize = 1 << 16;
/// Buckets of a counted group.
const BUCKETS: usize = 2048;
/// The bits of a double that determine its bucket: the exponent and five bits of the fraction.
const SHIFT: u32 = 47;
/// The bucket of 2⁻¹⁶; smaller numbers are in the first.
const FIRST: u64 = (1023 - 16) << 5;

#[inline]
fn bucket(number: f64) -> usize {
    ((number.to_bits() >> SHIFT).saturating_sub(FIRST) as usize).min(BUCKETS - 1)
}

/// The state of a group. In a log with many groups most are small, so the larger variants are boxed.
#[derive(Debug)]
enum Numbers {
    /// All of them.
    All(Vec<f64>),
    /// The number of values in each bucket.
    Counted(Box<Counted>),
    /// The numbers near each of the quantiles.
    Middle(Vec<Middle>),
}

/// The count of numbers, in total and by bucket.
#[derive(Debug)]
struct Counted {
    count: u64,
    buckets: Vec<u32>,
}

impl Counted {
    #[inline]
    fn add(&mut self, number: f64) -> Result<()> {
        self.count += 1;
        let count = &mut self.buckets[bucket(number)];
        *count = count.checked_add(1).ok_or(Error::TooLarge { bytes: usize::MAX })?;
        Ok(())
    }

    fn add_all(&mut self, numbers: &[f64]) -> Result<()> {
        numbers.iter().try_for_each(|&number| self.add(number))
    }
}

/// The numbers in the range of buckets that contains the one or two at a quantile, in the middle for a median.
#[derive(Debug)]
struct Middle {
    /// The total count.
    count: u64,
    first: usize,
    last: usize,
    /// The count of numbers before them.
    before: u64,
    /// Each with its frequency; those after `sorted` may repeat.
    numbers: Vec<(f64, u64)>,
    sorted: usize,
}

impl Default for Numbers {
    fn default() -> Self {
        Numbers::All(Vec::new())
    }
}

/// Groups of numbers, by their index from 0.
#[derive(Debug)]
pub struct Medians {
    /// The quantiles that will be asked for.
    shares: &'static [f64],
    groups: Vec<Numbers>,
}

/// The share below the median.
const HALF: f64 = 0.5;

impl Default for Medians {
    fn default() -> Self {
        Medians { shares: &[HALF], groups: Vec::new() }
    }
}

/// The ranks, from 0, of the numbers between which a quantile lies, and how far it is from the first to the second: linear
/// interpolation, as in SQL's `percentile_cont`.
fn ranks(count: u64, share: f64) -> (u64, u64, f64) {
    let place = count.saturating_sub(1) as f64 * share;
    (place.floor() as u64, place.ceil() as u64, place.fract())
}

impl Medians {
    /// For medians, and another quantile.
    pub fn and(shares: &'static [f64; 2]) -> Self {
        Medians { shares, groups: Vec::new() }
    }

    /// Adds a number of at least 0 to a group.
    #[inline]
    pub fn add(&mut self, group: usize, number: f64, claim: &mut Claim) -> Result<()> {
        match self.group(group, claim)? {
            Numbers::All(all) if all.len() < FEW => claim.push(all, number),
            Numbers::Counted(counted) => counted.add(number),
            _ => self.begin_counting(group, number, claim),
        }
    }

    #[inline]
    fn group(&mut self, group: usize, claim: &mut Claim) -> Result<&mut Numbers> {
        while self.groups.len() <= group {
            claim.push(&mut self.groups, Numbers::default())?;
        }
        Ok(&mut self.groups[group])
    }

    #[cold]
    fn begin_counting(&mut self, group: usize, number: f64, claim: &mut Claim) -> Result<()> {
        let mut counted = Box::new(Counted { count: 0, buckets: claim.filled(0u32, BUCKETS)? });
        if let Numbers::All(all) = std::mem::take(&mut self.groups[group]) {
            counted.add_all(&all)?;
            claim.shrink(all.capacity() * size_of::<f64>());
        }
        counted.add(number)?;
        self.groups[group] = Numbers::Counted(counted);
        Ok(())
    }

    /// Merges others, whose groups have the indexes `numbers` here. None may be in its second pass.
    pub fn merge(&mut self, other: Self, numbers: &[usize], claim: &mut Claim) -> Result<()> {
        for (theirs, &group) in other.groups.into_iter().zip(numbers) {
            match theirs {
                Numbers::All(all) => {
                    all.iter().try_for_each(|&number| self.add(group, number, claim))?;
                    claim.shrink(all.capacity() * size_of::<f64>());
                }
                Numbers::Counted(mut counted) => {
                    let ours = self.group(group, claim)?;
                    match std::mem::take(ours) {
                        Numbers::All(all) => {
                            counted.add_all(&all)?;
                            claim.shrink(all.capacity() * size_of::<f64>());
                        }
                        Numbers::Counted(more) => {
                            counted.count += more.count;
                            for (count, more) in counted.buckets.iter_mut().zip(&more.buckets) {
                                *count = count.checked_add(*more).ok_or(Error::TooLarge { bytes: usize::MAX })?;
                            }
                            claim.shrink(more.buckets.capacity() * size_of::<u32>());
                        }
                        Numbers::Middle(_) => {}
                    }
                    *ours = Numbers::Counted(counted);
                }
                Numbers::Middle(_) => {}
            }
        }
        Ok(())
    }

    /// Whether no group needs a second pass over its numbers. If one does, [`look_again`](Medians::look_again) must be
    /// called once, and then [`again`](Medians::again) with every number.
    pub fn is_complete(&self) -> bool {
        !self.groups.iter().any(|numbers| matches!(numbers, Numbers::Counted(_)))
    }

    /// Determines the buckets of every large group that matter.
    pub fn look_again(&mut self, claim: &mut Claim) {
        for numbers in &mut self.groups {
            let Numbers::Counted(counted) = numbers else { continue };
            let Counted { count, buckets } = &**counted;
            let of = |rank: u64| {
                let mut before = 0;
                let found = buckets.iter().position(|&count| {
                    before += u64::from(count);
                    before > rank
                });
                let found = found.unwrap_or(BUCKETS - 1);
                (found, before - u64::from(buckets[found]))
            };
            let middle = |&share: &f64| {
                let (low, high, _) = ranks(*count, share);
                let ((first, before), (last, _)) = (of(low), of(high));
                Middle { count: *count, first, last, before, numbers: Vec::new(), sorted: 0 }
            };
            claim.shrink(buckets.capacity() * size_of::<u32>());
            *numbers = Numbers::Middle(self.shares.iter().map(middle).collect()); // few: quantiles
        }
    }

    /// Passes a number of a group a second time.
    #[inline]
    pub fn again(&mut self, group: usize, number: f64, claim: &mut Claim) -> Result<()> {
        let Some(Numbers::Middle(middles)) = self.groups.get_mut(group) else { return Ok(()) };
        let bucket = bucket(number);
        for Middle { first, last, numbers, sorted, .. } in middles {
            if !(*first..=*last).contains(&bucket) {
                continue;
            }
            // Repeated numbers are kept once.
            if numbers.len() >= 2 * *sorted + MANY {
                unite(numbers);
                *sorted = numbers.len();
            }
            claim.push(numbers, (number, 1))?;
        }
        Ok(())
    }

    /// The median of a group, for an even count the mean of the middle two; `None` without numbers.
    pub fn median(&mut self, group: usize) -> Option<f64> {
        self.quantile(group, HALF)
    }

    /// The number that the share of a group's numbers does not exceed, interpolated: one of those that were announced; `None`
    /// without numbers.
    pub fn quantile(&mut self, group: usize, share: f64) -> Option<f64> {
        memory::poll();
        let place = self.shares.iter().position(|announced| *announced == share)?;
        match self.groups.get_mut(group)? {
            Numbers::All(all) => quantile(all, share),
            Numbers::Middle(middles) => {
                let Middle { count, numbers, before, .. } = middles.get_mut(place)?;
                unite(numbers);
                let of = |rank: u64| {
                    let mut so_far = *before;
                    let found = numbers.iter().find(|(_, count)| {
                        so_far += count;
                        so_far > rank
                    });
                    found.map(|(number, _)| *number)
                };
                let (low, high, between) = ranks(*count, share);
                let (low, high) = (of(low)?, of(high)?);
                Some(low + between * (high - low))
            }
            Numbers::Counted(_) => None,
        }
    }
}

/// Sorts numbers and unites equal ones with their frequencies.
fn unite(numbers: &mut Vec<(f64, u64)>) {
    memory::poll();
    numbers.sort_unstable_by(|(a, _), (b, _)| a.total_cmp(b));
    numbers.dedup_by(|next, first| {
        let is_same = next.0.total_cmp(&first.0).is_eq();
        first.1 += if is_same { next.1 } else { 0 };
        is_same
    });
}

/// The median of a few numbers, for an even count the mean of the middle two; the order of the numbers is lost.
pub fn median(numbers: &mut [f64]) -> Option<f64> {
    quantile(numbers, HALF)
}

/// A quantile of a few numbers, likewise.
fn quantile(numbers: &mut [f64], share: f64) -> Option<f64> {
    numbers.first()?;
    let (low, _, between) = ranks(numbers.len() as u64, share);
    let (_, &mut low, above) = numbers.select_nth_unstable_by(low as usize, f64::total_cmp);
    let high = if between > 0.0 { above.iter().copied().min_by(f64::total_cmp)? } else { low };
    Some(low + between * (high - low))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn medians_are_those_of_sorted_numbers(
            groups in proptest::collection::vec((0usize..3000, 0.0f64..1e7, any::<bool>()), 0..5), seed in any::<u64>()
        ) {
            let (mut medians, mut claim) = (Medians::and(&[0.5, 0.95]), Claim::temporary());
            let numbers: Vec<Vec<f64>> = groups.iter().map(|&(count, scale, coarse)| {
                (0..count as u64).map(|i| {
                    let share = (seed.wrapping_add(i).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64 / (1 << 24) as f64;
                    if coarse { (share * 10.0).floor() } else { share * scale }
                }).collect()
            }).collect();
            let each = |f: &mut dyn FnMut(usize, f64)| {
                numbers.iter().enumerate().for_each(|(group, all)| all.iter().for_each(|&number| f(group, number)));
            };
            each(&mut |group, number| medians.add(group, number, &mut claim).unwrap());
            if !medians.is_complete() {
                medians.look_again(&mut claim);
                each(&mut |group, number| medians.again(group, number, &mut claim).unwrap());
            }
            for (group, all) in numbers.iter().enumerate() {
                let mut sorted = all.clone();
                sorted.sort_by(f64::total_cmp);
                let expected = (!sorted.is_empty()).then(|| {
                    let (low, high) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
                    low + 0.5 * (high - low)
                });
                prop_assert_eq!(medians.median(group), expected);
                prop_assert_eq!(median(&mut all.clone()), expected);
                let expected = (!sorted.is_empty()).then(|| {
                    let place = (sorted.len() - 1) as f64 * 0.95;
                    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
                    low + place.fract() * (high - low)
                });
                prop_assert_eq!(medians.quantile(group, 0.95), expected);
                prop_assert_eq!(medians.quantile(group, 0.9), None);
            }
        }
    }
}
