//! User ids of SQL as keys. The keys are [`user_metrics_core::users`].

use crate::aggregate::{TextBytes, TextList};
use pgrx::datum::Uuid;
use pgrx::prelude::*;
use user_metrics_core::Result;
use user_metrics_core::host::{self, Claim};
use user_metrics_core::users::{UserKey, UserKind};

/// A type of user id.
pub trait UserId {
    /// Which type it is.
    const KIND: UserKind;
    /// The key, or `None` for an id that names nobody.
    fn key(self) -> Option<UserKey>;
}

impl UserId for TextBytes<'_> {
    const KIND: UserKind = UserKind::Text;
    #[inline]
    fn key(self) -> Option<UserKey> {
        UserKey::text(self.0)
    }
}

impl UserId for Uuid {
    const KIND: UserKind = UserKind::Uuid;
    #[inline]
    fn key(self) -> Option<UserKey> {
        Some(UserKey::uuid(*self.as_bytes()))
    }
}

impl UserId for i64 {
    const KIND: UserKind = UserKind::Bigint;
    #[inline]
    fn key(self) -> Option<UserKey> {
        Some(UserKey::bigint(self))
    }
}

/// The keys of user ids given as text, for values of any kind: what is no uuid or integer is no user of such a value.
pub fn keys(kind: UserKind, ids: &TextList<'_>) -> Result<Vec<UserKey>> {
    let (mut claim, mut keys) = (Claim::passing(), Vec::new());
    claim.reserve(&mut keys, ids.len())?;
    for (i, id) in ids.iter().enumerate() {
        if i % host::POLL_EVERY == host::POLL_EVERY - 1 {
            host::poll();
        }
        keys.extend(kind.key(id));
    }
    Ok(keys)
}

/// Declares the function that gives the key a value knows a user by, for one type of id.
macro_rules! user_key {
    ($($function:ident: $id:ty;)*) => {$(
        #[pg_extern(immutable, strict, parallel_safe, name = "user_key")]
        fn $function(user_id: $id) -> Option<Uuid> {
            user_id.key().map(|key| Uuid::from_bytes(key.to_bytes()))
        }
    )*};
}

user_key! {
    user_key_text: TextBytes<'_>;
    user_key_uuid: Uuid;
    user_key_bigint: i64;
}
