//! Whether two prompts are equal except for letter case, spaces and final punctuation.

use crate::base::encoding;
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::history::Dictionary;

/// Spaces and punctuation that may end a prompt.
const ENDS: &[u8] = b" .!?";

/// Normalized prompts, each kept once: their codes are those of a text column.
#[derive(Debug, Default)]
pub(super) struct Prompts {
    /// By code: 0 for a prompt not normalized yet, 1 for an empty one, otherwise the code in `forms` plus 1.
    known: Vec<u32>,
    forms: Dictionary,
    room: Vec<u8>,
}

impl Prompts {
    /// Whether one prompt repeats the other. An empty prompt repeats none.
    pub(super) fn are_alike<'t>(
        &mut self,
        [one, other]: [u32; 2],
        text: impl Fn(u32) -> Option<&'t [u8]>,
        claim: &mut Claim,
    ) -> Result<bool> {
        let one = self.form(one, &text, claim)?;
        Ok(one > 1 && one == self.form(other, &text, claim)?)
    }

    fn form<'t>(&mut self, code: u32, text: impl Fn(u32) -> Option<&'t [u8]>, claim: &mut Claim) -> Result<u32> {
        let place = code as usize;
        claim.extend_to(&mut self.known, place + 1)?;
        if self.known[place] == 0 {
            bring_to_form(text(code).unwrap_or_default(), &mut self.room, claim)?;
            self.known[place] = if self.room.is_empty() { 1 } else { self.forms.code(&self.room, claim)? + 1 };
        }
        Ok(self.known[place])
    }
}

/// Whether a character is a space at which a line may be broken.
fn is_space(character: char) -> bool {
    character.is_whitespace() && !matches!(character, '\u{85}' | '\u{a0}' | '\u{2007}' | '\u{202f}')
}

/// Normalizes a text: lower case, single spaces, no leading spaces and no trailing spaces or punctuation.
fn bring_to_form(text: &[u8], into: &mut Vec<u8>, claim: &mut Claim) -> Result<()> {
    into.clear();
    let text = encoding::decoded(text);
    let text = text.trim_start_matches(' ');
    // No lower-case letter takes more than one and a half times the bytes of its upper case.
    claim.reserve(into, 2 * text.len())?;
    let mut after_space = false;
    let mut add = |is_space: bool, bytes: &[u8]| {
        match is_space {
            true if after_space => {}
            true => into.push(b' '),
            false => into.extend_from_slice(bytes),
        }
        after_space = is_space;
    };
    for character in text.chars() {
        for small in character.to_lowercase() {
            add(is_space(character), small.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    let end = into.iter().rposition(|byte| !ENDS.contains(byte)).map_or(0, |last| last + 1);
    into.truncate(end);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &[u8]) -> Vec<u8> {
        let (mut into, mut claim) = (Vec::new(), Claim::temporary());
        bring_to_form(text, &mut into, &mut claim).unwrap();
        into
    }

    #[test]
    fn prompts_have_one_form() {
        for alike in ["what now", "What  NOW?", "  what\tnow ?! ", "what\u{3000}\nnow..."] {
            assert_eq!(form(alike.as_bytes()), b"what now", "{alike}");
        }
        assert_eq!(form("ÄRGER. Nun.".as_bytes()), "ärger. nun".as_bytes());
        // A leading tab is kept, as only the space character is stripped.
        assert_eq!(form(b" \tso"), b" so");
        assert_eq!(form(" ?\u{a0}!".as_bytes()), "?\u{a0}".as_bytes());
        assert_eq!((form(b" ?! "), form(b"")), (Vec::new(), Vec::new()));
        assert_eq!(form(b"\xc4RGER \x0b Now!"), "\u{fffd}rger now".as_bytes());
    }

    #[test]
    fn an_empty_prompt_is_like_none() {
        let texts: [&[u8]; 4] = [b"So?", b"so", b"?", b"!"];
        let (mut prompts, mut claim) = (Prompts::default(), Claim::temporary());
        let mut alike = |one, other| {
            let text = |code: u32| texts.get(code as usize - 1).copied();
            prompts.are_alike([one, other], text, &mut claim).unwrap()
        };
        assert!(alike(1, 2) && alike(2, 2) && !alike(2, 3) && !alike(3, 4) && !alike(3, 3));
    }
}
