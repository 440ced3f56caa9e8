//! Exact sums of floating-point numbers and of their products, whatever the sizes, signs and order.
//!
//! A double is an integer of up to 53 bits at one of some 2,000 positions. A sum is kept as one wide fixed-point number in
//! digits of 32 bits, each in a word of 64, so that a number is added to three digits (a product to five) and carries can
//! wait for billions of additions. So the sum does not depend on the order of additions, and values made of such sums merge
//! to the same bytes. Source of the idea: R. M. Neal, "Fast exact summation using small and large superaccumulators",
//! arXiv:1505.05571 (2015).

use crate::base::error::{Error, Result};
use crate::base::wire::{Reader, Writer};

/// Bits of a digit.
const BITS: usize = 32;
const MASK: i64 = (1 << BITS) - 1;
/// Additions until carries must be propagated: far fewer than fit a digit.
const MOST_PENDING: u32 = 1 << 30;

/// The exponent of the last bit of a sum of doubles; twice that for a sum of products.
const LAST_BIT: i32 = -1074;

/// Digits of a sum of doubles: 2098 bits, and 64 bits for the number of additions.
pub const SUM: usize = 68;
/// Digits of a sum of products, with room for expressions of such sums.
pub const PRODUCT: usize = 140;

/// A double as a sign, an integer and the position of its last bit, counted from the last bit of all doubles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    negative: bool,
    whole: u64,
    place: u32,
}

impl Parts {
    /// The parts of a finite number.
    #[inline]
    pub fn of(number: f64) -> Self {
        let bits = number.to_bits();
        let (exponent, fraction) = ((bits >> 52) as u32 & 0x7ff, bits & ((1 << 52) - 1));
        let normal = u32::from(exponent != 0);
        Parts { negative: bits >> 63 != 0, whole: fraction | u64::from(normal) << 52, place: exponent - normal }
    }
}

/// A sum of `N` digits; the last bit of the first digit is 2⁻¹⁰⁷⁴ for [`SUM`] and its square for [`PRODUCT`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exact<const N: usize> {
    digits: [i64; N],
    /// Additions since carries were last propagated.
    pending: u32,
}

impl<const N: usize> Default for Exact<N> {
    fn default() -> Self {
        Exact { digits: [0; N], pending: 0 }
    }
}

impl<const N: usize> Exact<N> {
    #[inline]
    fn about_to_add(&mut self) {
        if self.pending >= MOST_PENDING {
            self.carry();
        }
        self.pending += 1;
    }

    /// Adds `whole` at a position.
    #[inline]
    fn add_at(&mut self, negative: bool, whole: u128, place: usize) {
        self.about_to_add();
        let (digit, shift) = (place / BITS, place % BITS);
        // Bits shifted out at the top form the fifth digit.
        let (low, high) = (whole << shift, (whole >> 64) >> (64 - shift));
        let sign = if negative { -1 } else { 1 };
        let parts =
            [low as i64 & MASK, (low >> 32) as i64 & MASK, (low >> 64) as i64 & MASK, (low >> 96) as i64 & MASK];
        if let Some(digits) = self.digits.get_mut(digit..).and_then(|digits| digits.first_chunk_mut::<5>()) {
            for (digit, part) in digits.iter_mut().zip(parts) {
                *digit = digit.wrapping_add(sign * part);
            }
            digits[4] = digits[4].wrapping_add(sign * high as i64);
        }
    }

    /// Propagates carries: every digit except the last is then within 0..2³².
    fn carry(&mut self) {
        let mut carried = 0i64;
        let (last, digits) = match self.digits.split_last_mut() {
            Some(split) => split,
            None => return,
        };
        for digit in digits {
            let sum = digit.wrapping_add(carried);
            (*digit, carried) = (sum & MASK, sum >> BITS);
        }
        *last = last.wrapping_add(carried);
        self.pending = 0;
    }

    /// The sign and the digits of the absolute value, each within 0..2³² unless the last has overflowed.
    fn size(&self) -> (bool, [i64; N]) {
        let mut sum = self.clone();
        sum.carry();
        let negative = sum.digits.last().is_some_and(|last| *last < 0);
        if negative {
            sum.digits.iter_mut().for_each(|digit| *digit = digit.wrapping_neg());
            sum.carry();
        }
        (negative, sum.digits)
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: &Self) {
        if self.pending.saturating_add(other.pending) >= MOST_PENDING {
            self.carry();
        }
        self.digits.iter_mut().zip(&other.digits).for_each(|(ours, theirs)| *ours = ours.wrapping_add(*theirs));
        self.pending = self.pending.saturating_add(other.pending).saturating_add(1);
    }

    /// Subtracts another sum.
    pub fn subtract(&mut self, other: &Self) {
        if self.pending.saturating_add(other.pending) >= MOST_PENDING {
            self.carry();
        }
        self.digits.iter_mut().zip(&other.digits).for_each(|(ours, theirs)| *ours = ours.wrapping_sub(*theirs));
        self.pending = self.pending.saturating_add(other.pending).saturating_add(1);
    }

    /// The nearest double, given the exponent of the last bit.
    fn rounded(&self, last_bit: i32) -> f64 {
        let (negative, digits) = self.size();
        let Some(top) = digits.iter().rposition(|digit| *digit != 0) else { return 0.0 };
        let from = top.saturating_sub(3);
        let leading =
            digits[from..=top].iter().rev().fold(0u128, |sum, digit| sum << BITS | *digit as u128 & MASK as u128);
        // What is cut off only decides between two adjacent doubles, so one bit can represent it.
        let rest = u128::from(digits[..from].iter().any(|digit| *digit != 0));
        let (mut number, mut exponent) = ((leading | rest) as f64, last_bit + (from * BITS) as i32);
        // In steps whose powers of two are doubles.
        while exponent != 0 {
            let step = exponent.clamp(-500, 500);
            number *= 2f64.powi(step);
            exponent -= step;
        }
        if negative { -number } else { number }
    }

    /// Appends it to a value: sign, the index of the first digit that is not 0, the number of digits from there, and these.
    pub fn encode(&self, out: &mut Writer) -> Result<()> {
        let (negative, digits) = self.size();
        let used = |digit: &i64| *digit != 0;
        let (first, end) = match (digits.iter().position(used), digits.iter().rposition(used)) {
            (Some(first), Some(last)) => (first, last + 1),
            _ => (0, 0),
        };
        out.uint(u64::from(negative))?;
        out.uint(first as u64)?;
        out.uint((end - first) as u64)?;
        for digit in &digits[first..end] {
            let digit = u32::try_from(*digit).map_err(|_| Error::Corrupt { what: "a sum beyond all numbers" })?;
            out.raw(&digit.to_le_bytes())?;
        }
        Ok(())
    }

    /// Decodes what [`encode`](Exact::encode) wrote.
    pub fn decode(body: &mut Reader<'_>) -> Result<Self> {
        const WRONG: Error = Error::Corrupt { what: "a sum is not in its one form" };
        let negative = match body.uint()? {
            0 => false,
            1 => true,
            _ => return Err(WRONG),
        };
        let place = |number: u64| usize::try_from(number).ok().filter(|number| *number < N).ok_or(WRONG);
        let (first, len) = (place(body.uint()?)?, place(body.uint()?)?);
        let bytes = body.raw(len * 4)?;
        let mut sum = Exact::default();
        let digits = sum.digits.get_mut(first..first + len).ok_or(WRONG)?;
        for (digit, bytes) in digits.iter_mut().zip(bytes.as_chunks::<4>().0) {
            *digit = i64::from(u32::from_le_bytes(*bytes));
        }
        let shortest = match &*digits {
            [] => first == 0 && !negative,
            digits => digits.first() != Some(&0) && digits.last() != Some(&0),
        };
        if !shortest {
            return Err(WRONG);
        }
        if negative {
            sum.digits.iter_mut().for_each(|digit| *digit = -*digit);
            sum.carry();
        }
        Ok(sum)
    }
}

impl Exact<SUM> {
    /// Adds a number.
    #[inline]
    pub fn add(&mut self, number: Parts) {
        self.about_to_add();
        let (digit, shift) = (number.place as usize / BITS, number.place as usize % BITS);
        let (whole, sign) = (u128::from(number.whole) << shift, if number.negative { -1 } else { 1 });
        if let Some(digits) = self.digits.get_mut(digit..).and_then(|digits| digits.first_chunk_mut::<3>()) {
            digits[0] = digits[0].wrapping_add(sign * (whole as i64 & MASK));
            digits[1] = digits[1].wrapping_add(sign * ((whole >> 32) as i64 & MASK));
            digits[2] = digits[2].wrapping_add(sign * (whole >> 64) as i64);
        }
    }

    /// The nearest double; infinite outside their range.
    pub fn value(&self) -> f64 {
        self.rounded(LAST_BIT)
    }

    /// This sum minus `times` a number.
    pub fn less(&self, times: u64, number: f64) -> Self {
        let (mut sum, number) = (self.clone(), Parts::of(number));
        sum.carry();
        // 53 bits times 64 bits: the product fits the digits.
        sum.add_at(!number.negative, u128::from(number.whole) * u128::from(times), number.place as usize);
        sum
    }
}

impl Exact<PRODUCT> {
    /// Adds the product of two numbers.
    #[inline]
    pub fn add(&mut self, one: Parts, other: Parts) {
        let whole = u128::from(one.whole) * u128::from(other.whole);
        self.add_at(one.negative != other.negative, whole, (one.place + other.place) as usize);
    }

    /// The nearest double; infinite outside their range.
    pub fn value(&self) -> f64 {
        self.rounded(2 * LAST_BIT)
    }

    /// Subtracts a sum times a number.
    fn take(&mut self, sum: &Exact<SUM>, number: Parts) {
        let (negative, digits) = sum.size();
        for (n, digit) in digits.iter().enumerate().filter(|(_, digit)| **digit != 0) {
            let whole = u128::from(number.whole) * (*digit as u128 & MASK as u128);
            self.add_at(negative == number.negative, whole, n * BITS + number.place as usize);
        }
    }

    /// The sum of `(x - a) * (y - b)` over all pairs, where this is the sum of `x * y`: exact until it is rounded.
    pub fn about(&self, count: u64, (x, a): (&Exact<SUM>, f64), (y, b): (&Exact<SUM>, f64)) -> f64 {
        let (mut sum, a, b) = (self.clone(), Parts::of(a), Parts::of(b));
        sum.carry();
        sum.take(x, b);
        sum.take(y, a);
        let (whole, place) = (u128::from(a.whole) * u128::from(b.whole), (a.place + b.place) as usize);
        // 106 bits times 16 bits per step.
        for part in 0..4 {
            let times = u128::from(count >> (16 * part) & 0xffff);
            sum.add_at(a.negative != b.negative, whole * times, place + 16 * part);
        }
        sum.value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(numbers: &[f64]) -> Exact<SUM> {
        let mut sum = Exact::<SUM>::default();
        numbers.iter().for_each(|number| sum.add(Parts::of(*number)));
        sum
    }

    #[test]
    fn what_cancels_leaves_nothing() {
        assert_eq!(sum(&[1e300, 1.0, -1e300, 1e-300, -1.0]).value(), 1e-300);
        assert_eq!(sum(&[f64::MAX, f64::MIN, -5e-324]).value(), -5e-324);
        assert_eq!(sum(&[0.1; 10]).value(), 1.0);
        assert_eq!(sum(&[]).value(), 0.0);
        assert_eq!(sum(&[f64::MAX, f64::MAX]).value(), f64::INFINITY);
        for number in [1.0, -3.25, 1e-310, f64::MAX, f64::MIN_POSITIVE, 0.1, -0.0] {
            assert_eq!(sum(&[number]).value(), number);
        }
    }

    #[test]
    fn products_are_whole() {
        let mut squares = Exact::<PRODUCT>::default();
        let numbers = [1e9 + 1.0, 1e9 + 2.0, 1e9 + 3.0, -0.0];
        numbers.iter().for_each(|number| squares.add(Parts::of(*number), Parts::of(*number)));
        let three = sum(&numbers);
        // About 1e9 + 2: 1 + 0 + 1, and the square for the number 0.
        let about = squares.about(4, (&three, 1e9 + 2.0), (&three, 1e9 + 2.0));
        assert_eq!(about, 2.0 + (1e9 + 2.0) * (1e9 + 2.0));
        assert_eq!(three.less(3, 1e9 + 2.0).value(), 0.0);
    }

    #[test]
    fn the_largest_find_their_place() {
        let mut squares = Exact::<PRODUCT>::default();
        for _ in 0..1000 {
            squares.add(Parts::of(f64::MAX), Parts::of(f64::MIN));
        }
        let many = sum(&[f64::MAX; 1000]);
        let negated = sum(&[f64::MIN; 1000]);
        assert_eq!(squares.about(1000, (&many, f64::MAX), (&negated, f64::MIN)), 0.0);
        assert_eq!(squares.value(), f64::NEG_INFINITY);
    }
}
