//! User ids kept by a fold until they are shown in rows.

use super::Timeline;
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::base::user_table::{UserKey, UserKind};
use std::borrow::Cow;

/// A user among [`Ids`].
#[derive(Clone, Copy, Debug)]
pub struct Id {
    /// The key.
    pub user: UserKey,
    /// The position of the text.
    place: (usize, usize),
}

/// The texts of ids that cannot be derived from their keys.
#[derive(Debug, Default)]
pub struct Ids {
    texts: Vec<u8>,
}

impl Ids {
    /// Keeps the id of a user, with its text if the history has it.
    pub fn keep(&mut self, user: &Timeline<'_>, claim: &mut Claim) -> Result<Id> {
        let (from, text) = (self.texts.len(), user.name.unwrap_or_default());
        claim.reserve_doubling(&mut self.texts, text.len())?;
        self.texts.extend_from_slice(text);
        Ok(Id { user: user.user, place: (from, self.texts.len()) })
    }

    /// Merges others. Returns a function that converts their ids to ids of this one.
    pub fn merge(&mut self, other: Self, claim: &mut Claim) -> Result<impl Fn(Id) -> Id + use<>> {
        let before = self.texts.len();
        claim.reserve_doubling(&mut self.texts, other.texts.len())?;
        self.texts.extend_from_slice(&other.texts);
        Ok(move |id: Id| Id { place: (id.place.0 + before, id.place.1 + before), ..id })
    }

    /// The text of an id; empty if none was kept.
    pub fn text(&self, id: &Id) -> &[u8] {
        self.texts.get(id.place.0..id.place.1).unwrap_or_default()
    }

    /// An id as shown in rows.
    pub fn shown(&self, id: &Id, kind: UserKind) -> Cow<'_, [u8]> {
        id.user.written(kind).map_or(Cow::Borrowed(self.text(id)), |id| Cow::Owned(id.into_bytes()))
    }
}
