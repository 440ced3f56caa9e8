//! SQL user ids as keys. The keys are [`user_metrics_core::base::user_table`].

use crate::arguments::TextList;
use user_metrics_core::Result;
use user_metrics_core::base::memory::{self, Claim};
use user_metrics_core::base::user_table::{UserKey, UserKind};

/// The keys of user ids given as text, for values of any id type: a text that is not a uuid or integer is no user of such a
/// value.
pub fn keys(kind: UserKind, ids: &TextList<'_>) -> Result<Vec<UserKey>> {
    let (mut claim, mut keys) = (Claim::temporary(), Vec::new());
    claim.reserve(&mut keys, ids.len())?;
    for (i, id) in ids.iter().enumerate() {
        if i % memory::POLL_EVERY == memory::POLL_EVERY - 1 {
            memory::poll();
        }
        keys.extend(kind.key(id));
    }
    Ok(keys)
}
