//! The latest value of something: of all texts seen, the one with the greatest instant. Definition D8.
//!
//! What a user's property is as of some moment is the last one that was told, not NULL. Of several told at the same
//! instant it is the one greatest by its bytes, so that the order of rows does not matter.

use crate::calendar::Micros;
use crate::error::Result;
use crate::host::Claim;
use crate::state::State;
use crate::wire::{Kind, Reader, Writer};

const VERSION: u8 = 1;

/// The state: the latest text and its instant.
#[derive(Debug, Default)]
pub struct Latest {
    seen: Option<(Micros, Vec<u8>)>,
    claim: Claim,
}

impl Latest {
    /// Nothing yet.
    pub fn new() -> Self {
        Latest::default()
    }

    /// Takes in a text told at an instant.
    #[inline]
    pub fn observe(&mut self, at: Micros, text: &[u8]) -> Result<()> {
        match &mut self.seen {
            Some((latest, kept)) if (*latest, &kept[..]) >= (at, text) => Ok(()),
            Some((latest, kept)) if kept[..] == *text => {
                *latest = at;
                Ok(())
            }
            _ => self.keep(at, text),
        }
    }

    #[cold]
    fn keep(&mut self, at: Micros, text: &[u8]) -> Result<()> {
        let mut kept = self.seen.take().map_or_else(Vec::new, |(_, kept)| kept);
        kept.clear();
        self.claim.reserve(&mut kept, text.len())?;
        kept.extend_from_slice(text);
        self.seen = Some((at, kept));
        Ok(())
    }

    /// The latest text; `None` if there was none.
    pub fn text(&self) -> Option<&[u8]> {
        self.seen.as_ref().map(|(_, text)| &text[..])
    }
}

impl State for Latest {
    fn empty(&self) -> Self {
        Latest::new()
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        other.seen.iter().try_for_each(|(at, text)| self.observe(*at, text))
    }

    fn settle(&mut self) -> Result<()> {
        Ok(())
    }

    fn encode(&self) -> Result<Vec<u8>> {
        let mut out = Writer::new(Kind::Latest, VERSION, 24 + self.text().map_or(0, <[u8]>::len))?;
        out.maybe_int(self.seen.as_ref().map(|(at, _)| *at))?;
        out.bytes(self.text().unwrap_or_default())?;
        Ok(out.finish())
    }

    fn decode(bytes: &[u8]) -> Result<Self> {
        let mut body = Reader::open(bytes, Kind::Latest, VERSION)?;
        let (at, text) = (body.maybe_int()?, body.bytes()?);
        let mut latest = Latest::new();
        match at {
            Some(at) => latest.keep(at, text)?,
            None if text.is_empty() => {}
            None => return Err(crate::Error::Corrupt { what: "a text of no time" }),
        }
        body.finish()?;
        Ok(latest)
    }
}
