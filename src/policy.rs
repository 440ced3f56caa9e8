//! The administrator's `user_metrics.privacy_policy`, a table of at most one row: the smallest group whose metrics are
//! shown, and the most memory that states may hold.
//!
//! A setting alone cannot enforce that: a value sent by a client when it connects takes precedence over the administrator's
//! before this library is loaded and knows the setting. So the stricter of table and setting applies.
//!
//! The table is read as catalogs are, without SQL: privileges on it and `search_path` do not matter, and committed rows
//! count, whatever the age of the transaction's snapshot.
#![allow(unsafe_code)]

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
    // SAFETY: the table is opened, read and closed as PostgreSQL's own code does it; what an error in between leaves open
    // belongs to the transaction. A row has as many columns as its descriptor says.
    unsafe {
        let schema = pg_sys::get_namespace_oid(c"user_metrics".as_ptr(), true);
        let table = pg_sys::get_relname_relid(c"privacy_policy".as_ptr(), schema);
        if table == pg_sys::InvalidOid {
            return policy;
        }
        let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
        let relation = pg_sys::try_table_open(table, lock);
        if relation.is_null() {
            return policy;
        }
        let descriptor = (*relation).rd_att;
        let columns = usize::try_from((*descriptor).natts).unwrap_or(0);
        let (mut values, mut nulls) = (vec![pg_sys::Datum::null(); columns], vec![true; columns]);
        let places = [c"min_group_size", c"max_state_memory_kb"].map(|name| place(table, name));
        let scan = pg_sys::systable_beginscan(
            relation,
            pg_sys::InvalidOid,
            false,
            std::ptr::null_mut(),
            0,
            std::ptr::null_mut(),
        );
        loop {
            let row = pg_sys::systable_getnext(scan);
            if row.is_null() {
                break;
            }
            pg_sys::heap_deform_tuple(row, descriptor, values.as_mut_ptr(), nulls.as_mut_ptr());
            let [smallest, most] = places.map(|place| {
                let value = place.and_then(|place| Some((*values.get(place)?, *nulls.get(place)?)));
                value.and_then(|(value, is_null)| i32::from_datum(value, is_null))
            });
            policy.min_group_size = policy.min_group_size.max(smallest.unwrap_or(NONE.min_group_size));
            policy.max_state_memory = policy.max_state_memory.min(most.unwrap_or(NONE.max_state_memory));
        }
        pg_sys::systable_endscan(scan);
        pg_sys::table_close(relation, lock);
    }
    policy
}

/// Rejects unknown settings with this prefix from now on.
pub fn reserve_settings(prefix: &CStr) {
    // SAFETY: called while the library is loaded, with a text that ends with a zero.
    unsafe { pg_sys::MarkGUCPrefixReserved(prefix.as_ptr()) };
}

/// The position of a column in a row.
fn place(table: pg_sys::Oid, column: &CStr) -> Option<usize> {
    // SAFETY: asks the catalogue; 0 is no column.
    let number = unsafe { pg_sys::get_attnum(table, column.as_ptr()) };
    usize::try_from(number).ok()?.checked_sub(1)
}
