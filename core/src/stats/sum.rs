//! An exact sum of doubles in few bytes: most numbers of a log are decimals with few digits, which fit an integer.

use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::stats::exact::{Exact, Parts, SUM};

/// Units per one: ten to the eighth.
const POWER: f64 = 1e8;
/// A double as an integer in units of 1 / `power`, if it is a decimal with few enough digits.
#[inline]
pub fn decimal(number: f64, power: f64) -> Option<f64> {
    // Adding and subtracting 1.5 · 2⁵² rounds to a whole number.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    let scaled = number * power;
    let whole = (scaled + ROUND) - ROUND;
    // Below 2⁵⁰ the division is exact or correctly rounded, so equality proves that the decimal is the number.
    (scaled.abs() < 1e15 && whole / power == number).then_some(whole)
}

/// A sum that does not depend on the order of additions.
#[derive(Clone, Debug, Default)]
pub struct Sum {
    /// The numbers that are decimals with at most eight decimal places, in such units.
    decimals: i128,
    /// The others.
    others: Option<Box<Exact<SUM>>>,
    count: u64,
}

impl Sum {
    /// Adds a finite number.
    #[inline]
    pub fn add(&mut self, number: f64, claim: &mut Claim) -> Result<()> {
        self.count += 1;
        match decimal(number, POWER) {
            Some(whole) => {
                self.decimals += whole as i128;
                Ok(())
            }
            None => self.add_other(number, claim),
        }
    }

    #[cold]
    fn add_other(&mut self, number: f64, claim: &mut Claim) -> Result<()> {
        if self.others.is_none() {
            claim.grow(size_of::<Exact<SUM>>())?;
        }
        self.others.get_or_insert_default().add(Parts::of(number));
        Ok(())
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: Self, claim: &mut Claim) -> Result<()> {
        self.decimals += other.decimals;
        self.count += other.count;
        if let Some(others) = other.others {
            match &mut self.others {
                Some(ours) => {
                    ours.merge(&others);
                    claim.shrink(size_of::<Exact<SUM>>());
                }
                None => self.others = Some(others),
            }
        }
        Ok(())
    }

    /// Subtracts numbers that were added before.
    pub fn subtract(&mut self, other: Self, claim: &mut Claim) -> Result<()> {
        self.decimals -= other.decimals;
        self.count = self.count.saturating_sub(other.count);
        if let Some(others) = other.others {
            if self.others.is_none() {
                claim.grow(size_of::<Exact<SUM>>())?;
            }
            self.others.get_or_insert_default().subtract(&others);
            claim.shrink(size_of::<Exact<SUM>>());
        }
        Ok(())
    }

    /// The count of numbers added.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The sum; `None` without numbers.
    pub fn value(&self) -> Option<f64> {
        let decimals = self.decimals as f64 / POWER;
        let value = match &self.others {
            None => decimals,
            Some(others) => others.value() + decimals,
        };
        (self.count > 0).then_some(value)
    }

    /// The mean; `None` without numbers.
    pub fn mean(&self) -> Option<f64> {
        self.value().map(|value| value / self.count as f64)
    }
}

/// The sum of the known numbers of a column.
pub(crate) fn sum_of(numbers: Option<&[f64]>, claim: &mut Claim) -> Result<Sum> {
    let mut sum = Sum::default();
    let mut known = numbers.unwrap_or_default().iter().filter(|number| !number.is_nan());
    known.try_for_each(|number| sum.add(*number, claim))?;
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_order_does_not_matter(numbers in proptest::collection::vec(prop_oneof![
            (-10_000i32..10_000).prop_map(|n| f64::from(n) / 100.0), -1e9f64..1e9
        ], 0..40), at in any::<prop::sample::Index>()) {
            let mut claim = Claim::temporary();
            let mut sum_of = |numbers: &[f64]| {
                let mut sum = Sum::default();
                numbers.iter().for_each(|&number| sum.add(number, &mut claim).unwrap());
                sum
            };
            let whole = sum_of(&numbers);
            let mut backwards = numbers.clone();
            backwards.reverse();
            prop_assert_eq!(whole.value(), sum_of(&backwards).value());
            let (one, other) = numbers.split_at(at.index(numbers.len() + 1));
            let (mut one, other) = (sum_of(one), sum_of(other));
            one.merge(other, &mut claim).unwrap();
            prop_assert_eq!(one.value(), whole.value());
            prop_assert_eq!(whole.value().is_some(), !numbers.is_empty());
            let naive: f64 = numbers.iter().sum();
            let size: f64 = numbers.iter().map(|number| number.abs()).sum();
            prop_assert!((whole.value().unwrap_or(0.0) - naive).abs() <= 1e-14 * size);
        }
    }

    #[test]
    fn cents_add_up() {
        let (mut sum, mut claim) = (Sum::default(), Claim::temporary());
        (0..10).for_each(|_| sum.add(0.1, &mut claim).unwrap());
        assert_eq!((sum.value(), sum.mean()), (Some(1.0), Some(0.1)));
    }
}
