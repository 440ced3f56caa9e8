//! The value of a stored `numeric` as a double, read in place.

/// What a stored `numeric` is as a double.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// The nearest double, the one that the cast to `double precision` gives.
    Double(f64),
    /// NaN, Infinity or -Infinity.
    NotFinite,
    /// Not determined: the nearest double takes more than one rounding, or the bytes are no `numeric`.
    Inexact,
}

/// The bits of the first 16 that distinguish the layouts; both are set for NaN and the infinities.
const KIND: u16 = 0xC000;
/// Weight and display scale are in the first 16 bits.
const SHORT: u16 = 0x8000;
/// A negative number in the long layout.
const NEGATIVE: u16 = 0x4000;
/// A negative number in the short layout.
const SHORT_NEGATIVE: u16 = 0x2000;
/// The weight in the short layout, a two's complement number of seven bits.
const SHORT_WEIGHT: u16 = 0x007F;

/// Integers up to here, and not all above, are doubles.
const EXACT: u64 = 1 << 53;

/// The powers of ten that are doubles.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// The `numeric` in `bytes`, which begin after the varlena header, as a double.
///
/// PostgreSQL's cast uses the decimal text, in which digits beyond the display scale would be missing. No stored `numeric`
/// has any, so the display scale is ignored.
#[inline]
pub fn to_double(bytes: &[u8]) -> Number {
    let Some((header, rest)) = bytes.split_first_chunk() else { return Number::Inexact };
    let header = u16::from_ne_bytes(*header);
    let (negative, weight, digits) = if header & KIND == KIND {
        return Number::NotFinite;
    } else if header & SHORT != 0 {
        let weight = i64::from(header & SHORT_WEIGHT);
        (header & SHORT_NEGATIVE != 0, if weight < 64 { weight } else { weight - 128 }, rest)
    } else {
        let Some((weight, digits)) = rest.split_first_chunk() else { return Number::Inexact };
        (header & NEGATIVE != 0, i64::from(i16::from_ne_bytes(*weight)), digits)
    };
    let (mut groups, odd) = digits.as_chunks::<2>();
    if !odd.is_empty() {
        return Number::Inexact;
    }
    // PostgreSQL stores no such groups; stripped here, they need no second thought below.
    while let [before @ .., [0, 0]] = groups {
        groups = before;
    }
    let mut mantissa = 0u64;
    for group in groups {
        let group = u64::from(u16::from_ne_bytes(*group));
        let folded = mantissa.checked_mul(10_000).and_then(|shifted| shifted.checked_add(group));
        match folded {
            Some(folded) if group < 10_000 => mantissa = folded,
            // No digits, or above 2⁶⁴ with at most three zeros at the end: without them, above 2⁵³ still.
            _ => return Number::Inexact,
        }
    }
    let exponent = 4 * (weight + 1 - groups.len() as i64);
    match one_rounding(mantissa, exponent).or_else(|| stripped(mantissa, exponent)) {
        Some(double) => Number::Double(if negative { -double } else { double }),
        None => Number::Inexact,
    }
}

/// `mantissa` times ten to the power of `exponent` if both are doubles: then the one operation rounds correctly.
#[inline]
fn one_rounding(mantissa: u64, exponent: i64) -> Option<f64> {
    let power = POWERS.get(usize::try_from(exponent.unsigned_abs()).ok()?)?;
    let double = mantissa as f64;
    (mantissa < EXACT).then(|| if exponent < 0 { double / power } else { double * power })
}

/// The same without the trailing zeros of a last group of four digits, such as the 5000 of 0.5.
#[cold]
fn stripped(mut mantissa: u64, mut exponent: i64) -> Option<f64> {
    if mantissa == 0 {
        return Some(0.0);
    }
    // Before the zeros are gone: the conversion of an integer rounds correctly at any size.
    if exponent == 0 {
        return Some(mantissa as f64);
    }
    while mantissa.is_multiple_of(10) {
        mantissa /= 10;
        exponent += 1;
    }
    one_rounding(mantissa, exponent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The payload that PostgreSQL stores for a decimal such as -12.50, by the rules of its `set_var_from_str`,
    /// `strip_var` and `make_result`.
    fn encode(text: &str, long: bool) -> Vec<u8> {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let dscale = fraction.len();
        let whole = format!("{}{whole}", "0".repeat((4 - whole.len() % 4) % 4));
        let fraction = format!("{fraction}{}", "0".repeat((4 - fraction.len() % 4) % 4));
        let mut weight = whole.len() as i64 / 4 - 1;
        let digits = format!("{whole}{fraction}");
        let mut groups: Vec<u16> =
            digits.as_bytes().chunks(4).map(|group| std::str::from_utf8(group).unwrap().parse().unwrap()).collect();
        while groups.last() == Some(&0) {
            groups.pop();
        }
        while groups.first() == Some(&0) {
            groups.remove(0);
            weight -= 1;
        }
        let negative = negative && !groups.is_empty();
        if groups.is_empty() {
            weight = 0;
        }
        let mut bytes = Vec::new();
        if !long && dscale <= 63 && (-64..=63).contains(&weight) {
            let sign = if negative { SHORT_NEGATIVE } else { 0 };
            let header = SHORT | sign | (dscale as u16) << 7 | (weight as u16 & SHORT_WEIGHT);
            bytes.extend(header.to_ne_bytes());
        } else {
            bytes.extend((if negative { NEGATIVE } else { 0 } | dscale as u16).to_ne_bytes());
            bytes.extend((weight as i16).to_ne_bytes());
        }
        bytes.extend(groups.iter().flat_map(|group| group.to_ne_bytes()));
        bytes
    }

    /// Bytes of 16-bit units.
    fn units(units: &[u16]) -> Vec<u8> {
        units.iter().flat_map(|unit| unit.to_ne_bytes()).collect()
    }

    fn double(bytes: &[u8]) -> f64 {
        match to_double(bytes) {
            Number::Double(double) => double,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn layouts_made_by_hand() {
        assert_eq!(double(&units(&[0x8000])).to_bits(), 0.0f64.to_bits());
        // 0.00: a display scale of two
        assert_eq!(double(&units(&[0x8100])).to_bits(), 0.0f64.to_bits());
        assert_eq!(double(&units(&[0x8000, 1])), 1.0);
        assert_eq!(double(&units(&[0xA000, 1])), -1.0);
        // the weight of -1 is 0x7F in seven bits
        assert_eq!(double(&units(&[0x80FF, 5000])), 0.5);
        assert_eq!(double(&units(&[0x8181, 1, 2345, 6780])), 12345.678);
        assert_eq!(double(&units(&[0x847E, 1])), 1e-8);
        assert_eq!(double(&units(&[0x8201, 9999, 9999, 9999])), 99999999.9999);
        assert_eq!(double(&units(&[0x847F, 12, 3400])), 0.001234);
        // the long layout: 1, -1, 0.5, 12345.678
        assert_eq!(double(&units(&[0x0000, 0, 1])), 1.0);
        assert_eq!(double(&units(&[0x4000, 0, 1])), -1.0);
        assert_eq!(double(&units(&[0x0001, 0xFFFF, 5000])), 0.5);
        assert_eq!(double(&units(&[0x0003, 1, 1, 2345, 6780])), 12345.678);
        assert_eq!(double(&units(&[0x0000, 0])).to_bits(), 0.0f64.to_bits());
    }

    #[test]
    fn nan_and_the_infinities_are_not_finite() {
        for header in [0xC000, 0xD000, 0xF000] {
            assert_eq!(to_double(&units(&[header])), Number::NotFinite);
        }
    }

    #[test]
    fn zeros_of_the_last_group_cost_no_exactness() {
        // 1 2345 6789 0123 4510 is above 2⁵³, and 1234567890123451 is not
        assert_eq!(double(&encode("1234567890123.451", false)), 1234567890123.451);
        assert_eq!(double(&encode("99999999999999.9", false)), 99999999999999.9);
        assert_eq!(double(&encode("9007.199254740991", false)), 9007.199254740991);
        assert_eq!(double(&encode("0.0000000000000000000001", false)), 1e-22);
        assert_eq!(to_double(&encode("0.00000000000000000000001", false)), Number::Inexact);
        assert_eq!(double(&units(&[0x8000, 1, 0, 0, 0, 0, 0, 0])), 1.0);
        assert_eq!(double(&units(&[0x8000, 0, 0, 0, 0, 0, 0, 0])), 0.0);
        assert_eq!(double(&units(&[0x803F])), 0.0);
    }

    #[test]
    fn integers_of_64_bits_round_correctly() {
        for integer in [(1 << 53) - 1, 1 << 53, (1 << 53) + 1, (1 << 53) + 3, u64::MAX, u64::MAX - 1024, 1 << 63] {
            assert_eq!(double(&encode(&integer.to_string(), false)), integer as f64);
        }
    }

    #[test]
    fn long_numbers_are_left_to_postgresql() {
        assert_eq!(to_double(&encode(&"1234".repeat(100), false)), Number::Inexact);
        assert_eq!(to_double(&encode(&format!("0.{}", "1234".repeat(100)), false)), Number::Inexact);
        assert_eq!(to_double(&encode(&"9".repeat(131_072), false)), Number::Inexact);
        assert_eq!(to_double(&encode(&format!("0.{}1", "0".repeat(16_382)), false)), Number::Inexact);
        assert_eq!(to_double(&encode("0.33333333333333333333", false)), Number::Inexact);
        // many zeros at the end of many digits are stored as a display scale only
        assert_eq!(double(&encode(&format!("12.5{}", "0".repeat(1000)), false)), 12.5);
        // as are those of an integer, as a weight
        assert_eq!(double(&encode("12300000000000000000000", false)), 1.23e22);
    }

    #[test]
    fn what_is_no_numeric_is_not_told() {
        for bytes in [&[][..], &[0], &units(&[0x0000]), &units(&[0x8000, 10_000]), &units(&[0x8000, 0xFFFF])] {
            assert_eq!(to_double(bytes), Number::Inexact);
        }
        let mut odd = units(&[0x8000, 1]);
        odd.push(0);
        assert_eq!(to_double(&odd), Number::Inexact);
        assert_eq!(to_double(&units(&[0x0000, 0x7FFF, 1])), Number::Inexact);
        assert_eq!(to_double(&units(&[0x0000, 0x8000, 1])), Number::Inexact);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn a_double_is_the_one_that_the_text_has(text in "-?[0-9]{1,24}(\\.[0-9]{1,30})?", long in any::<bool>()) {
            if let Number::Double(double) = to_double(&encode(&text, long)) {
                let parsed: f64 = text.parse().unwrap();
                // a numeric has no -0
                prop_assert_eq!(double.to_bits(), (parsed + 0.0).to_bits());
            }
        }

        #[test]
        fn costs_are_always_told(text in "-?[0-9]{1,7}(\\.[0-9]{1,8})?", zeros in 0usize..30) {
            let point = if text.contains('.') { "" } else { "." };
            let text = format!("{text}{point}{}", "0".repeat(zeros));
            let parsed: f64 = text.parse().unwrap();
            prop_assert_eq!(double(&encode(text.trim_end_matches('.'), false)).to_bits(), (parsed + 0.0).to_bits());
        }

        #[test]
        fn fifteen_digits_are_always_told(digits in 0u64..1 << 53, scale in 0usize..=22) {
            let text = format!("{digits:0>24}");
            let (whole, fraction) = text.split_at(24 - scale);
            let text = if scale == 0 { text.clone() } else { format!("{whole}.{fraction}") };
            prop_assert_eq!(double(&encode(&text, false)), text.parse::<f64>().unwrap());
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            to_double(&bytes);
        }

        #[test]
        fn no_groups_panic(
            header in any::<u16>(),
            weight in any::<u16>(),
            groups in prop::collection::vec(0u16..10_000, 0..8),
        ) {
            let mut bytes = units(&[header, weight]);
            bytes.extend(units(&groups));
            to_double(&bytes);
        }
    }
}
