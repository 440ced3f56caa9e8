//! Tables of the extension, read as catalogs are: without SQL, so that privileges on them and `search_path` do not matter.
//! What they contain can thus apply to every caller and need not be readable by any.
#![allow(unsafe_code)]

use crate::arguments::TextBytes;
use pgrx::prelude::*;
use std::ffi::CStr;

/// Which rows are visible.
#[derive(Clone, Copy)]
pub enum Visible {
    /// All that are committed by now.
    Committed,
    /// Those that the statement sees.
    ToStatement,
}

/// The columns of a row that were asked for, NULL where the table lacks one.
pub struct Row<const N: usize>([Option<pg_sys::Datum>; N]);

impl<const N: usize> Row<N> {
    /// A column of type text.
    pub fn text(&self, n: usize) -> Option<TextBytes<'_>> {
        // SAFETY: the column is a text; its row is there as long as this.
        self.0[n].map(|datum| unsafe { TextBytes::read(datum) })
    }

    /// A column of type integer.
    pub fn integer(&self, n: usize) -> Option<i32> {
        self.0[n].map(|datum| datum.value() as i32)
    }
}

/// Visits the rows of a table in the schema `user_metrics` with the given columns. Without the table there are no
/// rows.
pub fn each_row<const N: usize>(table: &CStr, columns: [&CStr; N], visible: Visible, mut visit: impl FnMut(&Row<N>)) {
    // SAFETY: the table is opened, read and closed as PostgreSQL's own code does it; what an error in between leaves open
    // belongs to the transaction. A row has as many columns as its descriptor says.
    unsafe {
        let schema = pg_sys::get_namespace_oid(c"user_metrics".as_ptr(), true);
        let table = pg_sys::get_relname_relid(table.as_ptr(), schema);
        if table == pg_sys::InvalidOid {
            return;
        }
        let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
        let relation = pg_sys::try_table_open(table, lock);
        if relation.is_null() {
            return;
        }
        let descriptor = (*relation).rd_att;
        let width = usize::try_from((*descriptor).natts).unwrap_or(0);
        let (mut values, mut nulls) = (vec![pg_sys::Datum::null(); width], vec![true; width]); // few: columns of a table
        let places = columns.map(|name| usize::try_from(pg_sys::get_attnum(table, name.as_ptr())).ok()?.checked_sub(1));
        let snapshot = match visible {
            Visible::Committed => std::ptr::null_mut(),
            Visible::ToStatement => pg_sys::GetActiveSnapshot(),
        };
        let scan = pg_sys::systable_beginscan(relation, pg_sys::InvalidOid, false, snapshot, 0, std::ptr::null_mut());
        loop {
            let row = pg_sys::systable_getnext(scan);
            if row.is_null() {
                break;
            }
            pg_sys::heap_deform_tuple(row, descriptor, values.as_mut_ptr(), nulls.as_mut_ptr());
            visit(&Row(places.map(|place| {
                let (value, is_null) = (values.get(place?)?, nulls.get(place?)?);
                (!is_null).then_some(*value)
            })));
        }
        pg_sys::systable_endscan(scan);
        pg_sys::table_close(relation, lock);
    }
}
