//! Amounts: counts, sums, and structures of them. What has been added can be subtracted again.

use super::sum::Sum;
use crate::base::error::Result;
use crate::base::memory::Claim;

/// An amount.
///
/// Adding is associative and commutative, and subtracting what was added restores the previous amount.
pub trait Amount: Sized {
    /// Adds another one.
    fn add(&mut self, other: Self, claim: &mut Claim) -> Result<()>;

    /// Subtracts one that was added.
    fn subtract(&mut self, other: Self, claim: &mut Claim) -> Result<()>;

    /// Whether it is zero.
    fn is_zero(&self) -> bool;
}

impl Amount for u64 {
    fn add(&mut self, other: Self, _: &mut Claim) -> Result<()> {
        *self = self.saturating_add(other);
        Ok(())
    }

    fn subtract(&mut self, other: Self, _: &mut Claim) -> Result<()> {
        *self = self.saturating_sub(other);
        Ok(())
    }

    fn is_zero(&self) -> bool {
        *self == 0
    }
}

impl<const N: usize> Amount for [u64; N] {
    fn add(&mut self, other: Self, claim: &mut Claim) -> Result<()> {
        self.iter_mut().zip(other).try_for_each(|(ours, theirs)| ours.add(theirs, claim))
    }

    fn subtract(&mut self, other: Self, claim: &mut Claim) -> Result<()> {
        self.iter_mut().zip(other).try_for_each(|(ours, theirs)| ours.subtract(theirs, claim))
    }

    fn is_zero(&self) -> bool {
        self.iter().all(Amount::is_zero)
    }
}

impl Amount for Sum {
    fn add(&mut self, other: Self, claim: &mut Claim) -> Result<()> {
        self.merge(other, claim)
    }

    fn subtract(&mut self, other: Self, claim: &mut Claim) -> Result<()> {
        Sum::subtract(self, other, claim)
    }

    fn is_zero(&self) -> bool {
        self.count() == 0
    }
}

/// Declares a structure to be an amount, by those of its fields that are amounts. Other fields keep the value of the left
/// operand.
macro_rules! amount {
    ($structure:ty: $($field:ident),+) => {
        impl $crate::stats::amount::Amount for $structure {
            fn add(&mut self, other: Self, claim: &mut $crate::base::memory::Claim) -> $crate::base::error::Result<()> {
                $($crate::stats::amount::Amount::add(&mut self.$field, other.$field, claim)?;)+
                Ok(())
            }

            fn subtract(&mut self, other: Self, claim: &mut $crate::base::memory::Claim) -> $crate::base::error::Result<()> {
                $($crate::stats::amount::Amount::subtract(&mut self.$field, other.$field, claim)?;)+
                Ok(())
            }

            fn is_zero(&self) -> bool {
                $($crate::stats::amount::Amount::is_zero(&self.$field))&&+
            }
        }
    };
}
pub(crate) use amount;

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Visits {
        users: u64,
        cost: Sum,
        last: u32,
    }
    amount!(Visits: users, cost);

    #[test]
    fn what_was_added_can_be_taken_out() {
        let mut claim = Claim::temporary();
        let of = |costs: &[f64], claim: &mut Claim| {
            let mut visits = Visits { users: 1, ..Visits::default() };
            costs.iter().for_each(|cost| visits.cost.add(*cost, claim).unwrap());
            visits
        };
        // Neither is a decimal with few digits, which sums keep separately.
        let (mut all, other) = (of(&[0.1, 1.0 / 3.0], &mut claim), of(&[1e300, 2.5, -1.0 / 7.0], &mut claim));
        all.last = 7;
        let other_again = of(&[1e300, 2.5, -1.0 / 7.0], &mut claim);
        all.add(other, &mut claim).unwrap();
        assert_eq!((all.users, all.cost.count()), (2, 5));
        all.subtract(other_again, &mut claim).unwrap();
        assert_eq!((all.users, all.cost.value(), all.last), (1, Some(0.1 + 1.0 / 3.0), 7));
        let first_again = of(&[0.1, 1.0 / 3.0], &mut claim);
        assert!(!all.is_zero());
        all.subtract(first_again, &mut claim).unwrap();
        assert!(all.is_zero() && all.cost.value().is_none());
    }
}
