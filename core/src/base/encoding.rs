//! The encoding of the log's texts. A `str` is UTF-8: an argument, a name, a message. Text in a `[u8]` is a value of the
//! log, in the encoding of the database, and goes from the log to the answer unchanged. Only the functions below cross from
//! one to the other.

use super::error::{Error, Result};
use std::borrow::Cow;
use std::cell::Cell;

/// The conversions between UTF-8 and the encoding of the log. Decoding never fails and is undone by encoding, also for bytes
/// that are no text; `None` if the encoding lacks a character.
#[derive(Clone, Copy, Debug)]
pub struct Conversion {
    /// From the log's encoding.
    pub decode: for<'a> fn(&'a [u8]) -> Cow<'a, str>,
    /// To the log's encoding.
    pub encode: for<'a> fn(&'a str) -> Option<Cow<'a, [u8]>>,
}

thread_local! {
    static CONVERSION: Cell<Conversion> = const {
        Cell::new(Conversion { decode: String::from_utf8_lossy, encode: |text| Some(Cow::Borrowed(text.as_bytes())) })
    };
}

/// Sets the conversions of this thread. By default the log is UTF-8.
pub fn set(conversion: Conversion) {
    CONVERSION.set(conversion);
}

/// A text of the log in UTF-8.
pub fn decoded(text: &[u8]) -> Cow<'_, str> {
    (CONVERSION.get().decode)(text)
}

/// A text in the encoding of the log, or an error if that lacks one of its characters.
pub fn encoded(text: &str) -> Result<Cow<'_, [u8]>> {
    (CONVERSION.get().encode)(text).ok_or_else(|| Error::NotEncodable { text: text.to_owned() })
}

/// Whether a text is that text of the log.
pub fn is(text: &str, of_log: &[u8]) -> bool {
    (CONVERSION.get().encode)(text).is_some_and(|text| *text == *of_log)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_latin1(text: &[u8]) -> Cow<'_, str> {
        text.iter().copied().map(char::from).collect::<String>().into()
    }

    fn to_latin1(text: &str) -> Option<Cow<'_, [u8]>> {
        text.chars().map(|character| u8::try_from(character).ok()).collect::<Option<Vec<_>>>().map(Cow::Owned)
    }

    #[test]
    fn texts_are_compared_in_the_encoding_of_the_log() {
        assert!(is("ü", "ü".as_bytes()) && !is("ü", b"\xfc") && decoded("ü".as_bytes()) == "ü");
        set(Conversion { decode: of_latin1, encode: to_latin1 });
        assert!(is("ü", b"\xfc") && !is("ü", "ü".as_bytes()) && decoded(b"\xfc") == "ü");
        assert!(!is("☃", "☃".as_bytes()));
        assert_eq!(encoded("☃"), Err(Error::NotEncodable { text: "☃".to_owned() }));
    }
}
