//! What a text tells: nothing if it is blank or a placeholder of a program, and sometimes a number.

use super::user_table::is_blank;

/// What programs write for a value that they do not have, in exactly this spelling: JavaScript's, JSON's, Python's, and a
/// spreadsheet's.
pub const PLACEHOLDERS: [&str; 5] = ["undefined", "null", "None", "NaN", "N/A"];

/// Whether a text tells anything. A blank one does not, nor does a placeholder.
///
/// ```
/// # use user_metrics_core::base::told::is_told;
/// assert!(is_told(b"none") && is_told(b" a"));
/// assert!(!is_told(b"") && !is_told(b" \t") && !is_told(b"None") && !is_told(b"undefined"));
/// ```
#[inline]
pub fn is_told(text: &[u8]) -> bool {
    !is_blank(text) && !PLACEHOLDERS.iter().any(|placeholder| placeholder.as_bytes() == text)
}

/// The number that a text is, in decimal notation with or without an exponent; `true` is 1 and `false` is 0. `None` for any
/// other text, and for numbers that are not finite.
///
/// ```
/// # use user_metrics_core::base::told::number;
/// assert_eq!((number(b"1.0"), number(b"-2.5e3"), number(b"true")), (Some(1.0), Some(-2500.0), Some(1.0)));
/// assert_eq!((number(b""), number(b" 1"), number(b"1 GB"), number(b"inf"), number(b"1e999")), (None, None, None, None, None));
/// ```
pub fn number(text: &[u8]) -> Option<f64> {
    match text {
        b"true" => Some(1.0),
        b"false" => Some(0.0),
        _ => {
            let is_numeric = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
            let text = std::str::from_utf8(text).ok().filter(|text| text.bytes().all(|byte| is_numeric(&byte)))?;
            text.parse::<f64>().ok().filter(|number| number.is_finite())
        }
    }
}
