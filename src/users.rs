//! User ids of SQL as keys. The keys are [`user_metrics_core::users`].

use crate::aggregate::TextList;
use user_metrics_core::Result;
use user_metrics_core::host::{self, Claim};
use user_metrics_core::users::{UserKey, UserKind};

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
