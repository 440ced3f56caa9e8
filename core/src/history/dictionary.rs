//! Texts as codes: a small number for each distinct text of a column.

use crate::base::error::{Error, Result};
use crate::base::memory::Claim;
use crate::base::told::is_told;
use xxhash_rust::xxh3::xxh3_64;

/// The code for no text.
pub const NONE: u32 = 0;

/// A slot without a code.
const EMPTY: u32 = 0;

/// Recent short texts, by a few of their bits: most rows find their code here, without hashing the text.
const RECENT: usize = 256;

/// A text of 1 to 16 bytes as two words, with its length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Short {
    first: u64,
    last: u64,
    len: u32,
}

impl Short {
    #[inline(always)]
    fn of(text: &[u8]) -> Option<Self> {
        let len = text.len();
        let (first, last) = match len {
            9..=16 => (u64::from_le_bytes(*text.first_chunk()?), u64::from_le_bytes(*text.last_chunk()?)),
            8 => (u64::from_le_bytes(*text.first_chunk()?), 0),
            4..=7 => {
                let (first, last) = (u32::from_le_bytes(*text.first_chunk()?), u32::from_le_bytes(*text.last_chunk()?));
                (u64::from(first), u64::from(last))
            }
            // For up to three bytes, the first, the middle and the last are all of them.
            1..=3 => (u64::from_le_bytes([text[0], text[len / 2], text[len - 1], 0, 0, 0, 0, 0]), 0),
            _ => return None,
        };
        Some(Short { first, last, len: len as u32 })
    }

    #[inline(always)]
    fn place(self) -> usize {
        ((self.first ^ self.last.rotate_left(29)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize
    }
}

/// The texts of a column, numbered from 1 in order of arrival.
#[derive(Debug, Default)]
pub struct Dictionary {
    /// Where each text ends in `bytes`.
    ends: Vec<usize>,
    bytes: Vec<u8>,
    /// Open addressing over codes, at most half full.
    slots: Vec<u32>,
    recent: Vec<(Short, u32)>,
}

impl Dictionary {
    /// The number of texts.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The text of a code; `None` for the code for no text.
    #[inline]
    pub fn text(&self, code: u32) -> Option<&[u8]> {
        let n = (code as usize).checked_sub(1)?;
        let from = if n == 0 { 0 } else { *self.ends.get(n - 1)? };
        self.bytes.get(from..*self.ends.get(n)?)
    }

    /// The code of a text, which is added if it is new. A text that tells nothing has no code.
    #[inline]
    pub fn code(&mut self, text: &[u8], claim: &mut Claim) -> Result<u32> {
        let Some(short) = Short::of(text) else { return self.find_or_add(text, claim) };
        if let Some((known, code)) = self.recent.get(short.place())
            && *known == short
        {
            return Ok(*code);
        }
        let code = self.find_or_add(text, claim)?;
        if self.recent.is_empty() {
            self.recent = claim.filled((Short::default(), NONE), RECENT)?;
        }
        self.recent[short.place()] = (short, code);
        Ok(code)
    }

    #[inline(never)]
    fn find_or_add(&mut self, text: &[u8], claim: &mut Claim) -> Result<u32> {
        if !is_told(text) {
            return Ok(NONE);
        }
        if self.slots.len() < 2 * (self.len() + 1) {
            self.enlarge(claim)?;
        }
        let mask = self.slots.len() - 1;
        let mut at = xxh3_64(text) as usize & mask;
        loop {
            match self.slots[at] {
                EMPTY => break,
                code if self.text(code) == Some(text) => return Ok(code),
                _ => at = (at + 1) & mask,
            }
        }
        let code = u32::try_from(self.len() + 1).map_err(|_| Error::TooLarge { bytes: self.bytes.len() })?;
        claim.reserve_doubling(&mut self.bytes, text.len())?;
        claim.push(&mut self.ends, self.bytes.len() + text.len())?;
        self.bytes.extend_from_slice(text);
        self.slots[at] = code;
        Ok(code)
    }

    fn enlarge(&mut self, claim: &mut Claim) -> Result<()> {
        let length = (4 * (self.len() + 1)).next_power_of_two().max(64);
        let mut meanwhile = Claim::new();
        let mut slots = meanwhile.filled(EMPTY, length)?;
        for code in 1..=self.len() as u32 {
            let mut at = xxh3_64(self.text(code).unwrap_or_default()) as usize & (length - 1);
            while slots[at] != EMPTY {
                at = (at + 1) & (length - 1);
            }
            slots[at] = code;
        }
        claim.shrink(size_of_val(&self.slots[..]));
        self.slots = slots;
        claim.take_over(meanwhile);
        Ok(())
    }

    /// The texts in the order of their codes.
    pub fn texts(&self) -> impl Iterator<Item = &[u8]> {
        (1..=self.len() as u32).filter_map(|code| self.text(code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equal_texts_have_equal_codes_and_no_others(texts in proptest::collection::vec("[ab]{0,18}", 0..300)) {
            let (mut dictionary, mut claim) = (Dictionary::default(), Claim::new());
            let codes: Vec<u32> = texts.iter().map(|t| dictionary.code(t.as_bytes(), &mut claim).unwrap()).collect();
            for (text, &code) in texts.iter().zip(&codes) {
                prop_assert_eq!(dictionary.text(code), (!text.is_empty()).then_some(text.as_bytes()));
                let first = texts.iter().position(|other| other == text).unwrap();
                prop_assert_eq!(code, codes[first]);
            }
            prop_assert_eq!(dictionary.text(NONE), None);
            prop_assert_eq!(dictionary.texts().count(), dictionary.len());
        }
    }
}
