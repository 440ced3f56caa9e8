//! JSON given as an argument.

use serde::de::DeserializeOwned;

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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

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
