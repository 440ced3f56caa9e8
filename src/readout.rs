//! The function behind every declared function that reads a value: calls it with the arguments that the executor passes.
#![allow(unsafe_code)]

use crate::arguments::Arguments;
use crate::bridge::set_limit;
use crate::error::{self, refused};
use crate::rows::{Output, Varlena, returned};
use crate::{settings, time};
use pgrx::direct_function_call_as_datum;
use pgrx::pg_sys::panic::ErrorReportable;
use pgrx::prelude::*;
use std::ffi::CStr;
use user_metrics_core::function::{Call, Environment, Function};
use user_metrics_core::{Error, Result};

/// Declares the C functions of declared functions: a symbol, the symbol of its `pg_finfo` record, and the declaration.
macro_rules! readout {
    ($($symbol:ident, $finfo:ident: $($path:ident)::+;)*) => {
        $crate::c_functions! {
            $($symbol, $finfo: $crate::readout::call, &user_metrics_core::$($path)::+::FUNCTION;)*
        }
    };
}
pub(crate) use readout;

/// One call. The arguments are the values, the function's own, and for values with instants `since`, `until`, the time zone
/// if the function takes one, and `as_of`.
///
/// # Safety
///
/// `fcinfo` must be that of a call of the SQL function which `function` declares.
pub unsafe fn call(fcinfo: pg_sys::FunctionCallInfo, function: &'static Function) -> pg_sys::Datum {
    set_limit();
    // SAFETY: as promised by the caller; what it points to lives as long as the call.
    let run = || unsafe {
        // A call in a context that accepts no rows is rejected before anything is read.
        let mut output = Output::begin(fcinfo, function)?;
        let arguments = Arguments(fcinfo);
        let values = function.reads.values().len();
        let own = function.arguments.iter().zip(values..).map(|(argument, n)| arguments.given(argument, n));
        let last = values + function.arguments.len();
        let zones = usize::from(function.zoned);
        let instant = |n| if function.reads.has_instants() { arguments.instant(n) } else { None };
        let call = Call {
            function,
            values: (0..values).map(|n| arguments.read::<&[u8]>(n)).collect(),
            history: None,
            left_out: &[],
            by: false,
            arguments: own.collect::<Result<_>>().map_err(refused(function.name))?,
            since: instant(last),
            until: instant(last + 1),
            timezone: if zones > 0 { arguments.text(last + 2) } else { None },
            as_of: instant(last + 2 + zones),
            environment: environment(),
        };
        (function.run)(&call, output.rows()).map_err(refused(function.name))?;
        error::Result::Ok(output.value())
    };
    let datum = run().unwrap_or_report();
    // SAFETY: fcinfo is that of the call.
    unsafe { returned(fcinfo, function, datum) }
}

/// What core needs from PostgreSQL.
pub fn environment() -> Environment<'static> {
    Environment {
        now: time::now(),
        week_start: settings::week_start(),
        year_start: settings::year_start(),
        min_group_size: settings::min_group_size(),
        parts: 1,
        session_gap: settings::session_gap(),
        timezone: settings::timezone(),
        segment: &time::segment,
        json: &written_json,
    }
}

/// The text of a jsonb, from its bytes after the length word.
fn written_json(stored: &[u8]) -> Result<Vec<u8>> {
    let mut varlena = Varlena::default();
    let datum = varlena.put(stored)?;
    let jsonb = varlena.datum(datum);
    // SAFETY: the bytes are those of a jsonb of the log, laid out as they were there.
    let written = unsafe {
        let text = direct_function_call_as_datum(pg_sys::jsonb_out, &[Some(jsonb)]);
        let text =
            text.ok_or(Error::Corrupt { what: "a jsonb that is not written" })?.cast_mut_ptr::<core::ffi::c_char>();
        let written = CStr::from_ptr(text).to_bytes().to_vec();
        pg_sys::pfree(text.cast());
        written
    };
    Ok(written)
}
