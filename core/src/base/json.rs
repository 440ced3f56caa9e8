//! JSON given as an argument, and figures of JSON that is returned.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// The longest text that is parsed. Parsing takes many times the memory of the text, outside the memory accounting; steps
/// and filters with ten thousands of values are far shorter.
pub const MOST_BYTES: usize = 8 << 20;

/// Parses JSON; `None` if it is invalid, of another shape, or longer than [`MOST_BYTES`].
pub fn parse<T: DeserializeOwned>(text: &str) -> Option<T> {
    if text.len() > MOST_BYTES { None } else { serde_json::from_str(text).ok() }
}

/// The given text, for an error message.
pub fn given(text: &str) -> String {
    match text.len() {
        long if long > MOST_BYTES => format!("{long} bytes, of which at most {MOST_BYTES} are read"),
        _ => text.to_owned(),
    }
}

/// A figure of JSON that people read: with four significant digits, and if it is whole without a decimal point, as
/// PostgreSQL writes numbers.
pub fn figure(figure: f64) -> Value {
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    let rounded = if figure.abs() < WHOLE { format!("{figure:.3e}").parse().unwrap_or(figure) } else { figure };
    if rounded.fract() == 0.0 && rounded.abs() < WHOLE { Value::from(rounded as i64) } else { Value::from(rounded) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_four_significant_digits() {
        let told =
            [0.380_952_38, 12_345.6, 7.0, 0.0, -1.0 / 3.0, 1e300, 2.5e-7].map(|number| figure(number).to_string());
        assert_eq!(told, ["0.381", "12350", "7", "0", "-0.3333", "1e+300", "2.5e-7"]);
        assert_eq!(figure(f64::NAN), Value::Null);
    }

    #[test]
    fn what_is_too_long_is_not_read() {
        let list = |items: usize| format!("[{}]", vec!["1234567"; items].join(","));
        let (short, long) = (list(MOST_BYTES / 8 - 1), list(MOST_BYTES / 8 + 1));
        assert!(short.len() <= MOST_BYTES && parse::<Value>(&short).is_some() && given(&short) == short);
        assert!(long.len() > MOST_BYTES && parse::<Value>(&long).is_none());
        assert_eq!(given(&long), "8388617 bytes, of which at most 8388608 are read");
        assert_eq!(parse::<Vec<u8>>("{}"), None);
    }
}
