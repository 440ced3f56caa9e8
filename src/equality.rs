//! Equality and hashes of stored values, for all types alike: the C functions behind the operators of
//! sql/generated_operators.sql. What equality means is in [`user_metrics_core::catalog::stored`].
//!
//! The header of a value contains a checksum of the rest. So a hash reads only the header, and two values are read completely
//! only if their headers are the same.
#![allow(unsafe_code)]

use crate::bridge::set_limit;
use crate::c_functions;
use crate::error::refused;
use pgrx::pg_sys::panic::ErrorReportable;
use pgrx::prelude::*;
use pgrx::varlena::varlena_to_byte_slice;
use user_metrics_core::base::memory;
use user_metrics_core::base::wire::HEADER;
use user_metrics_core::catalog::stored::{self, current, is_current};

c_functions! {
    stored_equal, pg_finfo_stored_equal: equal, &EQUAL;
    stored_unequal, pg_finfo_stored_unequal: equal, &UNEQUAL;
    stored_hash, pg_finfo_stored_hash: hash;
    stored_hash_extended, pg_finfo_stored_hash_extended: hash_extended;
}

const EQUAL: bool = true;
const UNEQUAL: bool = false;

/// An argument of a call; the functions are declared STRICT.
unsafe fn argument(fcinfo: pg_sys::FunctionCallInfo, n: usize) -> pg_sys::Datum {
    // SAFETY: the function has that many arguments.
    unsafe { (*fcinfo).args.as_slice((*fcinfo).nargs as usize)[n].value }
}

/// The first bytes of a stored value, without reading the rest.
unsafe fn start<'a>(value: pg_sys::Datum) -> &'a [u8] {
    // SAFETY: the datum is a varlena; what is made of it lives as long as the call.
    unsafe { varlena_to_byte_slice(pg_sys::pg_detoast_datum_slice(value.cast_mut_ptr(), 0, HEADER as i32)) }
}

/// All bytes of a stored value.
unsafe fn whole<'a>(value: pg_sys::Datum) -> &'a [u8] {
    // SAFETY: as above.
    unsafe { varlena_to_byte_slice(pg_sys::pg_detoast_datum_packed(value.cast_mut_ptr())) }
}

/// Whether the comparison of the two arguments gives what is expected.
unsafe fn equal(fcinfo: pg_sys::FunctionCallInfo, expected: &bool) -> pg_sys::Datum {
    set_limit();
    // SAFETY: the arguments are two stored values.
    let are_equal = unsafe {
        let (a, b) = (argument(fcinfo, 0), argument(fcinfo, 1));
        let (a_start, b_start) = (start(a), start(b));
        (|| match a_start == b_start {
            false if is_current(a_start)? && is_current(b_start)? => Ok(false),
            _ => Ok(same(&current(whole(a))?, &current(whole(b))?)),
        })()
    };
    pg_sys::Datum::from(are_equal.map_err(refused("=")).unwrap_or_report() == *expected)
}

fn same(a: &[u8], b: &[u8]) -> bool {
    let pieces = |bytes| <[u8]>::chunks(bytes, memory::POLL_EVERY);
    a.len() == b.len()
        && pieces(a).zip(pieces(b)).all(|(a, b)| {
            memory::poll();
            a == b
        })
}

/// The hash of the first argument.
unsafe fn hashed(fcinfo: pg_sys::FunctionCallInfo, seed: u64) -> u64 {
    set_limit();
    // SAFETY: the argument is a stored value.
    let hash = unsafe {
        let value = argument(fcinfo, 0);
        let start = start(value);
        is_current(start).and_then(|is_current| match is_current {
            true => Ok(stored::hash(start, seed)),
            false => current(whole(value)).map(|bytes| stored::hash(&bytes, seed)),
        })
    };
    hash.map_err(refused("hash")).unwrap_or_report()
}

unsafe fn hash(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: the argument is a stored value. The hash is that of `hash_extended` with seed 0, as PostgreSQL requires.
    pg_sys::Datum::from(unsafe { hashed(fcinfo, 0) } as u32)
}

unsafe fn hash_extended(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: the arguments are a stored value and a seed.
    pg_sys::Datum::from(unsafe { hashed(fcinfo, argument(fcinfo, 1).value() as u64) })
}
