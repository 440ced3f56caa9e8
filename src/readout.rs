//! The table function behind every function that core declares: calls it with its arguments as the executor hands them
//! over, and makes rows of the cells it gives.
//!
//! Rows go into a tuplestore, which PostgreSQL writes to a file when it outgrows `work_mem`; none is kept here.
#![allow(unsafe_code)]

use crate::aggregate::{JsonText, TextList, set_limit};
use crate::error::{self, refused};
use crate::{history, scratch, settings, time, users};
use pgrx::pg_sys::panic::ErrorReportable;
use pgrx::prelude::*;
use pgrx::{PgMemoryContexts, direct_function_call_as_datum, is_a};
use std::ffi::CString;
use user_metrics_core::calendar::Micros;
use user_metrics_core::function::{Call, Cell, Environment, Function, Given, Rows, Type};
use user_metrics_core::history::History;
use user_metrics_core::users::{UserKey, UserKind};
use user_metrics_core::{Error, Result};

/// Declares the C functions of declared functions: a symbol, the symbol that says how it is called, and the declaration.
macro_rules! readout {
    ($($symbol:ident, $finfo:ident: $($path:ident)::+;)*) => {
        $crate::c_functions! {
            $($symbol, $finfo: $crate::readout::call, &user_metrics_core::$($path)::+::FUNCTION;)*
        }
    };
}
pub(crate) use readout;

/// One call: the arguments are the values, the function's own, `since`, `until`, the time zone if it takes one, and `as_of`;
/// of a fold also whether requests bear segments, who is left out, and the area of the query's files.
///
/// # Safety
///
/// `fcinfo` must be that of a call of the SQL function which `function` declares.
pub unsafe fn call(fcinfo: pg_sys::FunctionCallInfo, function: &'static Function) -> pg_sys::Datum {
    set_limit();
    // SAFETY: as promised by the caller; what it points to lives as long as the call.
    let run = || unsafe {
        // Rows are refused where there can be none before anything is read.
        let mut rows = if function.scalar { None } else { Some(Store::begin(fcinfo, function)?) };
        let arguments = Arguments(fcinfo);
        let values = function.reads.values().len();
        let own = function.arguments.iter().zip(values..).map(|(argument, n)| arguments.given(argument.kind, n));
        let last = values + function.arguments.len();
        let zones = usize::from(function.zoned || !function.reads.is_stored());
        let further = last + 3 + zones;
        let made = if function.reads.is_stored() { Made::default() } else { Made::take(&arguments, further) };
        let left_out = match &made.history {
            Some(history) => arguments.left_out(history.kind(), further + 1).map_err(refused(function.known_as()))?,
            None => Vec::new(),
        };
        let stored = if function.reads.is_stored() { values } else { 0 };
        let call = Call {
            function,
            values: (0..stored).map(|n| arguments.read::<&[u8]>(n)).collect(),
            history: made.history.as_ref(),
            left_out,
            by: !function.reads.is_stored() && arguments.read(further).unwrap_or(false),
            arguments: own.collect(),
            since: arguments.instant(last),
            until: arguments.instant(last + 1),
            timezone: if zones > 0 { arguments.read(last + 2) } else { None },
            as_of: arguments.instant(last + 2 + zones),
            environment: Environment {
                now: time::now(),
                week_start: settings::week_start(),
                min_group_size: settings::min_group_size(),
                parts: 1,
                session_gap: settings::session_gap(),
                timezone: settings::timezone(),
                segment: &time::segment,
            },
        };
        let run = |rows: &mut dyn Rows| (function.run)(&call, rows).map_err(refused(function.known_as()));
        match &mut rows {
            Some(rows) => run(rows).map(|()| None),
            None => {
                let mut value = Single { function, datum: None };
                run(&mut value).map(|()| value.datum)
            }
        }
    };
    let datum = run().unwrap_or_report();
    if function.scalar && datum.is_none() {
        // SAFETY: fcinfo is that of the call.
        unsafe { (*fcinfo).isnull = true };
    }
    datum.unwrap_or(pg_sys::Datum::null())
}

/// The value of a call that gives no rows.
struct Single {
    function: &'static Function,
    datum: Option<pg_sys::Datum>,
}

impl Rows for Single {
    fn row(&mut self, cells: &mut [Cell<'_>]) -> Result<()> {
        self.function.hide(cells, settings::min_group_size());
        let [cell] = cells else { return Err(Error::Corrupt { what: "a row of other columns than declared" }) };
        self.datum = datum(*cell);
        Ok(())
    }
}

/// The history that a fold reads, and the area of its files: both end with the call.
#[derive(Default)]
struct Made {
    history: Option<History>,
    area: Option<u32>,
}

impl Made {
    /// Takes what the first argument tells; `further` is the place of the arguments that only folds have.
    unsafe fn take(arguments: &Arguments, further: usize) -> Self {
        // SAFETY: as of the arguments.
        unsafe {
            let area = arguments.read::<i64>(further + 2).and_then(|area| u32::try_from(area).ok());
            Made { history: arguments.read::<i64>(0).and_then(history::take), area }
        }
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        // Files are closed before their area goes. After an error it is the resource owner's to let go.
        drop(self.history.take());
        if let Some(area) = self.area
            && !std::thread::panicking()
        {
            scratch::leave_area(area);
        }
    }
}

/// The arguments of a call.
struct Arguments(pg_sys::FunctionCallInfo);

impl Arguments {
    unsafe fn read<'a, T: FromDatum + 'a>(&self, n: usize) -> Option<T> {
        // SAFETY: the executor hands over as many arguments as nargs says, of the types that are declared.
        unsafe {
            let call = self.0.as_ref()?;
            let argument = call.args.as_slice(usize::try_from(call.nargs).unwrap_or(0)).get(n)?;
            T::from_datum(argument.value, argument.isnull)
        }
    }

    unsafe fn instant(&self, n: usize) -> Option<Micros> {
        // SAFETY: as above.
        unsafe { self.read::<TimestampWithTimeZone>(n) }.map(TimestampWithTimeZone::into_inner)
    }

    /// The keys of the users who may not be counted, ascending.
    unsafe fn left_out(&self, kind: UserKind, n: usize) -> Result<Vec<UserKey>> {
        // SAFETY: the argument is a text[].
        let ids = unsafe { self.datum(n).map(|datum| TextList::read(datum)) }.unwrap_or_default();
        let mut keys = users::keys(kind, &ids)?;
        keys.sort_unstable();
        Ok(keys)
    }

    unsafe fn datum(&self, n: usize) -> Option<pg_sys::Datum> {
        // SAFETY: the executor hands over as many arguments as nargs says.
        let arguments = unsafe { self.0.as_ref()?.args.as_slice(usize::try_from((*self.0).nargs).unwrap_or(0)) };
        arguments.get(n).filter(|argument| !argument.isnull).map(|argument| argument.value)
    }

    unsafe fn given<'a>(&self, kind: Type, n: usize) -> Option<Given<'a>> {
        // SAFETY: as above.
        unsafe {
            match kind {
                Type::Boolean => self.read(n).map(Given::Boolean),
                Type::Integer => self.read(n).map(Given::Integer),
                Type::Double => self.read(n).map(Given::Double),
                Type::Date => self.read::<Date>(n).map(|date| Given::Date(date.to_pg_epoch_days())),
                Type::Interval => self.read(n).map(time::interval).map(Given::Interval),
                Type::Doubles => self.read(n).map(Given::Doubles),
                Type::Text => self.read(n).map(Given::Text),
                Type::Integers => self.read(n).map(Given::Integers),
                Type::Texts => self.read(n).map(Given::Texts),
                Type::Json => self.datum(n).map(|json| Given::Json(JsonText::read(json).0.into_owned())),
                Type::Relation => self.datum(n).map(|_| Given::Relation),
                // No argument is of these.
                Type::Bigint | Type::Instant | Type::Booleans => None,
            }
        }
    }
}

fn oid(kind: Type) -> pg_sys::Oid {
    match kind {
        Type::Boolean => pg_sys::BOOLOID,
        Type::Integer => pg_sys::INT4OID,
        Type::Bigint => pg_sys::INT8OID,
        Type::Double => pg_sys::FLOAT8OID,
        Type::Text => pg_sys::TEXTOID,
        Type::Date => pg_sys::DATEOID,
        Type::Instant => pg_sys::TIMESTAMPTZOID,
        Type::Integers => pg_sys::INT4ARRAYOID,
        Type::Texts => pg_sys::TEXTARRAYOID,
        Type::Json => pg_sys::JSONBOID,
        Type::Doubles => pg_sys::FLOAT8ARRAYOID,
        Type::Booleans => pg_sys::BOOLARRAYOID,
        Type::Interval => pg_sys::INTERVALOID,
        Type::Relation => pg_sys::REGCLASSOID,
    }
}

/// The rows of a call, in a tuplestore.
struct Store {
    function: &'static Function,
    store: *mut pg_sys::Tuplestorestate,
    descriptor: pg_sys::TupleDesc,
    min_group_size: u64,
    values: Vec<pg_sys::Datum>,
    nulls: Vec<bool>,
    /// Where texts of a row lie until it is stored.
    texts: PgMemoryContexts,
}

impl Store {
    /// Makes the tuplestore and hands it to the executor, which sees it fill. The result type must be the declared one.
    unsafe fn begin(fcinfo: pg_sys::FunctionCallInfo, function: &'static Function) -> error::Result<Self> {
        let not_here = || {
            error::report(
                PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
                format!("{} gives rows and cannot be called where there can be none", function.name),
                format!("Call it in FROM: SELECT * FROM user_metrics.{}(…).", function.name),
            )
        };
        // SAFETY: this is how PostgreSQL's own functions give a set of rows as a whole; what is made lives as long as the query.
        unsafe {
            let result = (*fcinfo).resultinfo.cast::<pg_sys::ReturnSetInfo>();
            let modes = pg_sys::SetFunctionReturnMode::SFRM_Materialize;
            if result.is_null()
                || !is_a(result.cast(), pg_sys::NodeTag::T_ReturnSetInfo)
                || (*result).allowedModes & modes as i32 == 0
            {
                return Err(not_here());
            }
            let at_random = (*result).allowedModes & pg_sys::SetFunctionReturnMode::SFRM_Materialize_Random as i32 != 0;
            let mut kept = PgMemoryContexts::For((*(*result).econtext).ecxt_per_query_memory);
            let (store, descriptor) = kept.switch_to(|_| {
                let mut descriptor = std::ptr::null_mut();
                if pg_sys::get_call_result_type(fcinfo, std::ptr::null_mut(), &mut descriptor)
                    != pg_sys::TypeFuncClass::TYPEFUNC_COMPOSITE
                {
                    return Err(not_here());
                }
                Ok((pg_sys::tuplestore_begin_heap(at_random, false, pg_sys::work_mem), descriptor))
            })?;
            let types = pgrx::PgTupleDesc::from_pg_unchecked(descriptor);
            let declared = function.given().map(|column| oid(column.kind));
            if !types.iter().map(|attribute| attribute.atttypid).eq(declared) {
                return Err(error::report(
                    PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                    format!("{}: the columns of the SQL function are not those of this library", function.name),
                    "Run ALTER EXTENSION user_metrics UPDATE.",
                ));
            }
            (*result).returnMode = modes;
            (*result).setResult = store;
            (*result).setDesc = descriptor;
            let columns = function.given().count();
            Ok(Store {
                function,
                store,
                descriptor,
                min_group_size: settings::min_group_size(),
                values: vec![pg_sys::Datum::null(); columns],
                nulls: vec![true; columns],
                texts: PgMemoryContexts::new("texts of a row"),
            })
        }
    }
}

/// A cell as PostgreSQL passes it, in the current memory.
fn datum(cell: Cell<'_>) -> Option<pg_sys::Datum> {
    match cell {
        Cell::Null => None,
        Cell::Boolean(value) => value.into_datum(),
        Cell::Integer(value) => value.into_datum(),
        Cell::Bigint(value) => value.into_datum(),
        Cell::Double(value) => value.into_datum(),
        Cell::Date(day) => time::date(day)?.into_datum(),
        Cell::Instant(at) => Some(pg_sys::Datum::from(at)),
        // A text is laid out as the bytea that is made.
        Cell::Bytes(text) => text.into_datum(),
        Cell::Text(text) => text.into_datum(),
        Cell::Json(json) => {
            let json = CString::new(json).ok()?;
            // SAFETY: PostgreSQL's own function, given a C string that lives as long as the call.
            unsafe { direct_function_call_as_datum(pg_sys::jsonb_in, &[json.as_c_str().into_datum()]) }
        }
    }
}

impl Rows for Store {
    fn row(&mut self, cells: &mut [Cell<'_>]) -> Result<()> {
        if cells.len() != self.values.len() {
            return Err(Error::Corrupt { what: "a row of other columns than declared" });
        }
        self.function.hide(cells, self.min_group_size);
        let mut has_text = false;
        for (n, cell) in cells.iter().enumerate() {
            let is_text = matches!(cell, Cell::Text(_) | Cell::Bytes(_) | Cell::Json(_));
            has_text |= is_text;
            // SAFETY: what is made in that memory is let go when the row has been stored.
            let datum = if is_text { unsafe { self.texts.switch_to(|_| datum(*cell)) } } else { datum(*cell) };
            self.nulls[n] = datum.is_none();
            self.values[n] = datum.unwrap_or(pg_sys::Datum::null());
        }
        // SAFETY: there are as many values as the descriptor has columns, of its types.
        unsafe {
            pg_sys::tuplestore_putvalues(
                self.store,
                self.descriptor,
                self.values.as_mut_ptr(),
                self.nulls.as_mut_ptr(),
            );
            if has_text {
                self.texts.reset();
            }
        }
        Ok(())
    }
}
