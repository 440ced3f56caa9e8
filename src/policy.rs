//! The administrator's `user_metrics.privacy_policy`, a table of at most one row: the smallest group whose metrics are
//! shown, and the most memory that states may hold.
//!
//! A setting alone cannot enforce that: a value sent by a client when it connects takes precedence over the administrator's
//! before this library is loaded and knows the setting. So the stricter of table and setting applies.
//!
//! Committed rows count, whatever the age of the transaction's snapshot.
#![allow(unsafe_code)]

use crate::own_table::{Visible, each_row};
use pgrx::prelude::*;
use std::cell::Cell;
use std::ffi::CStr;

/// What the policy says.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// The fewest users of a group whose metrics are shown.
    pub min_group_size: i32,
    /// The most memory that states may hold, in kB.
    pub max_state_memory: i32,
}

/// No policy: everything is shown, and memory is limited by the setting alone.
const NONE: Policy = Policy { min_group_size: 1, max_state_memory: i32::MAX };

/// A command of a transaction of this backend; the policy is constant within it.
type Command = (pg_sys::TimestampTz, pg_sys::TimestampTz, pg_sys::SubTransactionId, pg_sys::CommandId);

thread_local! {
    static KNOWN: Cell<Option<(Command, Policy)>> = const { Cell::new(None) };
}

/// The policy in force; read once per command, because an aggregate needs it for every group.
pub fn current() -> Policy {
    // SAFETY: plain readings of where the transaction is.
    let command = unsafe {
        (
            pg_sys::GetCurrentTransactionStartTimestamp(),
            pg_sys::GetCurrentStatementStartTimestamp(),
            pg_sys::GetCurrentSubTransactionId(),
            pg_sys::GetCurrentCommandId(false),
        )
    };
    match KNOWN.get() {
        Some((known, policy)) if known == command => policy,
        _ => {
            let policy = read();
            KNOWN.set(Some((command, policy)));
            policy
        }
    }
}

/// If there are several rows, which the table does not allow, the strictest values apply.
fn read() -> Policy {
    let mut policy = NONE;
    each_row(c"privacy_policy", [c"min_group_size", c"max_state_memory_kb"], Visible::Committed, |row| {
        let [smallest, most] = [row.integer(0), row.integer(1)];
        policy.min_group_size = policy.min_group_size.max(smallest.unwrap_or(NONE.min_group_size));
        policy.max_state_memory = policy.max_state_memory.min(most.unwrap_or(NONE.max_state_memory));
    });
    policy
}

/// Rejects unknown settings with this prefix from now on.
pub fn reserve_settings(prefix: &CStr) {
    // SAFETY: called while the library is loaded, with a text that ends with a zero.
    unsafe { pg_sys::MarkGUCPrefixReserved(prefix.as_ptr()) };
}
