//! Functions of the queries over a log that need core once a row: what a text tells, and whether a request was answered.
#![allow(unsafe_code)]

use crate::arguments::TextBytes;
use crate::c_functions;
use pgrx::prelude::*;
use user_metrics_core::base::{outcome, told};

c_functions! {
    told, pg_finfo_told: text_told;
    number_told, pg_finfo_number_told: number;
    answered_by_code, pg_finfo_answered_by_code: by_code;
    answered_by_status, pg_finfo_answered_by_status: by_status;
    answered_by_error, pg_finfo_answered_by_error: by_error;
}

/// An argument, unless it is NULL.
unsafe fn argument(fcinfo: pg_sys::FunctionCallInfo, n: usize) -> Option<pg_sys::Datum> {
    // SAFETY: the executor hands over as many arguments as nargs says.
    let arguments = unsafe { (*fcinfo).args.as_slice(usize::try_from((*fcinfo).nargs).unwrap_or(0)) };
    arguments.get(n).filter(|argument| !argument.isnull).map(|argument| argument.value)
}

unsafe fn text<'a>(fcinfo: pg_sys::FunctionCallInfo, n: usize) -> Option<&'a [u8]> {
    // SAFETY: the argument is declared as a text, and lives as long as the call.
    unsafe { argument(fcinfo, n).map(|datum| TextBytes::read(datum).0) }
}

unsafe fn result<T: IntoDatum>(fcinfo: pg_sys::FunctionCallInfo, result: Option<T>) -> pg_sys::Datum {
    result.and_then(IntoDatum::into_datum).unwrap_or_else(|| {
        // SAFETY: fcinfo is that of the call.
        unsafe { (*fcinfo).isnull = true };
        pg_sys::Datum::null()
    })
}

unsafe fn text_told(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: as declared.
    unsafe {
        let told = text(fcinfo, 0).is_some_and(told::is_told);
        result(fcinfo, argument(fcinfo, 0).filter(|_| told))
    }
}

unsafe fn number(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: as declared.
    unsafe { result(fcinfo, text(fcinfo, 0).and_then(told::number)) }
}

unsafe fn by_code(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: as declared.
    unsafe {
        let status = argument(fcinfo, 0).and_then(|code| outcome::of_code(code.value() as i64));
        result(fcinfo, outcome::answered(Some(status), text(fcinfo, 1)))
    }
}

unsafe fn by_status(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: as declared.
    unsafe {
        let status = text(fcinfo, 0).and_then(outcome::of_status);
        result(fcinfo, outcome::answered(Some(status), text(fcinfo, 1)))
    }
}

unsafe fn by_error(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: as declared.
    unsafe { result(fcinfo, outcome::answered(None, text(fcinfo, 0))) }
}
