//! The pairs of a JSON object in PostgreSQL's text form of `jsonb`: `{"a": "x", "b": [1, 2]}`.
//!
//! The text may be in any server encoding; in all of them an ASCII byte is that character only.

use crate::base::told::is_told;
use crate::base::user_table::is_blank;

/// A text within an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Text<'a> {
    written: &'a [u8],
    is_string: bool,
}

impl<'a> Text<'a> {
    /// Its text form; equal strings have the same one.
    pub(super) fn written(&self) -> &'a [u8] {
        self.written
    }

    /// Whether it tells anything: null does not, nor does a string that is blank or a placeholder.
    fn is_told(self) -> bool {
        match self.is_string {
            false => self.written != b"null",
            true if self.written.contains(&b'\\') => !self.bytes().all(|byte| is_blank(&[byte])),
            true => is_told(self.written),
        }
    }

    /// Its bytes, as `->>` gives them.
    pub(super) fn bytes(self) -> Bytes<'a> {
        Bytes { rest: self.written, is_string: self.is_string }
    }
}

/// The bytes of a text.
pub(super) struct Bytes<'a> {
    rest: &'a [u8],
    is_string: bool,
}

impl Iterator for Bytes<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        if !self.is_string || byte != b'\\' {
            return Some(byte);
        }
        let (&escape, rest) = rest.split_first()?;
        self.rest = rest;
        Some(match escape {
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let (digits, rest) = rest.split_first_chunk::<4>()?;
                self.rest = rest;
                u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?
            }
            itself => itself,
        })
    }
}

/// The pairs of an object whose value is told. Anything else has none.
pub(super) fn pairs(object: &[u8]) -> Pairs<'_> {
    Pairs { rest: object.strip_prefix(b"{").unwrap_or_default() }
}

/// The remaining pairs.
pub(super) struct Pairs<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (Text<'a>, Text<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (key, rest) = string(self.rest.strip_prefix(b", ").unwrap_or(self.rest))?;
            let rest = rest.strip_prefix(b": ")?;
            let (value, rest) = match rest.first()? {
                b'"' => string(rest)?,
                _ => other(rest)?,
            };
            self.rest = rest;
            if value.is_told() {
                return Some((key, value));
            }
        }
    }
}

/// A string at the beginning of a text, and the rest.
fn string(text: &[u8]) -> Option<(Text<'_>, &[u8])> {
    let text = text.strip_prefix(b"\"")?;
    let mut at = 0;
    loop {
        match text.get(at)? {
            b'"' => break,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    Some((Text { written: text.get(..at)?, is_string: true }, text.get(at + 1..)?))
}

/// A number, a word, an array or an object at the beginning of a text, and the rest.
fn other(text: &[u8]) -> Option<(Text<'_>, &[u8])> {
    let (mut at, mut depth) = (0, 0u32);
    loop {
        match text.get(at)? {
            b'"' => {
                let (_, rest) = string(text.get(at..)?)?;
                at = text.len() - rest.len();
                continue;
            }
            b'{' | b'[' => depth += 1,
            b',' | b'}' if depth == 0 => break,
            b'}' | b']' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        at += 1;
    }
    Some((Text { written: text.get(..at)?, is_string: false }, text.get(at..)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(object: &str) -> Vec<(String, String)> {
        let text = |text: Text<'_>| String::from_utf8(text.bytes().collect()).unwrap();
        pairs(object.as_bytes()).map(|(key, value)| (text(key), text(value))).collect()
    }

    fn of(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn pairs_are_those_of_the_object() {
        assert_eq!(read("{}"), []);
        assert_eq!(read("[1, 2]"), []);
        assert_eq!(read(r#"{"a": "", "b": " \t", "c": "N/A", "d": "null", "e": "\n."}"#), of(&[("e", "\n.")]));
        assert_eq!(read(r#""{\"a\": 1}""#), []);
        assert_eq!(
            read(r#"{"a": "x", "b": null, "c": -1.50, "dd": true, "ee": [1, {"f": "]}\""}], "ff": {}, "null": "nil"}"#),
            of(&[
                ("a", "x"),
                ("c", "-1.50"),
                ("dd", "true"),
                ("ee", r#"[1, {"f": "]}\""}]"#),
                ("ff", "{}"),
                ("null", "nil")
            ])
        );
        assert_eq!(
            read(r#"{"a \"b\"\\": "\b\f\n\r\t\u001f\u0001é, \\n"}"#),
            of(&[("a \"b\"\\", "\u{8}\u{c}\n\r\t\u{1f}\u{1}é, \\n")])
        );
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(text in r#"[{}\[\],:"\\au0 ]{0,40}"#) {
            for (key, value) in pairs(text.as_bytes()) {
                prop_assert!(key.bytes().count() <= text.len() && value.bytes().count() <= text.len());
            }
        }
    }
}
