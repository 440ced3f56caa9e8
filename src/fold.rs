//! Functions over a log that fold requests: a single query over the log builds the history, and the results of the fold in
//! core become the rows of the call, without further SQL.
//!
//! The query runs as one of the caller's own would, with the same snapshot, and in parallel where that pays off.
#![allow(unsafe_code)]

use crate::arguments::Arguments;
use crate::bridge::set_limit;
use crate::encoding::{c_string, with_messages};
use crate::error::{self, refused};
use crate::excluded::Keys;
use crate::readout::environment;
use crate::rows::{Output, returned};
use crate::{history, relation, scratch, time};
use pgrx::pg_sys::panic::ErrorReportable;
use pgrx::prelude::*;
use user_metrics_core::base::calendar::Micros;
use user_metrics_core::function::{Call, Cell, Function, Given, Role, Rows};
use user_metrics_core::history::History;
use user_metrics_core::source::{Ask, Metrics, Relation, fold_query};
use user_metrics_core::{Error, Result};

/// Declares the C functions of folds: a symbol, the symbol of its `pg_finfo` record, and the declaration.
macro_rules! folds {
    ($($symbol:ident, $finfo:ident: $($path:ident)::+;)*) => {
        $crate::c_functions! {
            $($symbol, $finfo: $crate::fold::call, &user_metrics_core::$($path)::+::FUNCTION;)*
        }
    };
}
pub(crate) use folds;

/// One call. The arguments are the log, the function's own, `since`, `until`, `filter`, `by` and the time zone if the
/// function takes them, and `as_of`.
///
/// # Safety
///
/// `fcinfo` must be that of a call of the SQL function which `function` declares.
pub unsafe fn call(fcinfo: pg_sys::FunctionCallInfo, function: &'static Function) -> pg_sys::Datum {
    set_limit();
    // SAFETY: as promised by the caller; what it points to lives as long as the call.
    let run = || {
        with_messages(|| unsafe {
            let mut output = Output::begin(fcinfo, function)?;
            let refuse = refused(function.name);
            let given = Over::read(&Arguments(fcinfo), function).map_err(&refuse)?;
            let mut call = given.call(function);
            // No data are read yet; invalid arguments are rejected before the log is read.
            (function.run)(&call, &mut Nowhere).map_err(&refuse)?;
            let relation = relation::of(given.source)?;
            let asked = given.asked(function)?;
            let area = scratch::make_area();
            let made = given.make(&relation, function, &call, asked, area).map_err(&refuse)?;
            call.history = made.history.as_ref();
            call.left_out = made.left_out.as_ref().map_or(&[], Keys::keys);
            call.as_of = made.end;
            (function.run)(&call, output.rows()).map_err(&refuse)?;
            if call.history.is_some_and(|history| !history.has_users()) && !function.names_a_user() {
                error::notice_of_nobody(function.name, &relation.shown);
            }
            drop(made);
            error::Result::Ok(output.value())
        })
    };
    let datum = run().unwrap_or_report();
    // SAFETY: fcinfo is that of the call.
    unsafe { returned(fcinfo, function, datum) }
}

/// Discards the rows of a call that is only checked.
struct Nowhere;

impl Rows for Nowhere {
    fn row(&mut self, _: &mut [Cell<'_>]) -> Result<()> {
        Ok(())
    }
}

/// The arguments of a call.
struct Over<'a> {
    source: Option<pg_sys::Oid>,
    own: Vec<Option<Given<'a>>>,
    since: Option<Micros>,
    until: Option<Micros>,
    filter: Option<String>,
    by: Option<&'a str>,
    timezone: Option<&'a str>,
    as_of: Option<Micros>,
}

impl<'a> Over<'a> {
    unsafe fn read(arguments: &Arguments, function: &Function) -> Result<Self> {
        let mut n = 0;
        let mut next = || {
            n += 1;
            n
        };
        // SAFETY: the arguments are those that the declaration has.
        unsafe {
            let own = function.arguments.iter();
            Ok(Over {
                source: arguments.datum(0).map(|datum| pg_sys::Oid::from(datum.value() as u32)),
                // few: arguments
                own: own.map(|argument| arguments.given(argument, next())).collect::<Result<_>>()?,
                since: arguments.instant(next()),
                until: arguments.instant(next()),
                filter: arguments.json(next()),
                by: if function.segmented { arguments.text(next()) } else { None },
                timezone: if function.zoned { arguments.text(next()) } else { None },
                as_of: arguments.instant(next()),
            })
        }
    }

    fn call<'c>(&'c self, function: &'static Function) -> Call<'c> {
        Call {
            function,
            values: Vec::new(),
            history: None,
            left_out: &[],
            by: self.by.is_some(),
            arguments: self.own.clone(),
            since: self.since,
            until: self.until,
            as_of: self.as_of,
            timezone: self.timezone,
            environment: environment(),
        }
    }

    /// The arguments of the query as text; a relation is described as the log is, and locked.
    fn asked(&self, function: &Function) -> error::Result<Vec<(String, String)>> {
        let text = |given: &Given<'_>| match given {
            Given::Text(text) => Ok((*text).to_owned()),
            Given::Json(json) => Ok(json.clone()),
            Given::Boolean(value) => Ok(value.to_string()),
            Given::Texts(names) => Ok(Metrics::asked(names)),
            Given::Relation(oid) => relation::of(Some(pg_sys::Oid::from(*oid))).map(|relation| relation.to_json()),
            // For an argument of another type it matters only that it is given.
            _ => Ok(String::new()),
        };
        let is_given = |name: &str| {
            let mut given = function.arguments.iter().zip(&self.own);
            given.any(|(argument, given)| argument.name == name && given.is_some())
        };
        let mut asked = Vec::new();
        for (argument, given) in function.arguments.iter().zip(&self.own) {
            let asks = match argument.role {
                Role::Value | Role::Following => false,
                Role::ColumnFor(other) => is_given(other),
                _ => true,
            };
            let default = match argument.role {
                Role::ColumnOr(other) => self.text_of(function, other).map(Given::Text),
                _ => argument.text_default(),
            };
            let given = given.as_ref().or(default.as_ref()).map(text).transpose()?;
            asked.extend(given.filter(|_| asks).map(|given| (argument.name.to_owned(), given)));
        }
        Ok(asked)
    }

    fn text_of(&self, function: &Function, name: &str) -> Option<&'a str> {
        let mut given = function.arguments.iter().zip(&self.own);
        given.find(|(argument, _)| argument.name == name).and_then(|(_, given)| match given {
            Some(Given::Text(text)) => Some(*text),
            _ => None,
        })
    }

    /// Builds the history of a log, in the files of an area when it outgrows its memory.
    unsafe fn make(
        &self,
        relation: &Relation,
        function: &'static Function,
        call: &Call<'_>,
        asked: Vec<(String, String)>,
        area: u32,
    ) -> Result<Made> {
        let timezone = call.zone().to_owned();
        time::check_zone(&timezone)?;
        let ask = Ask {
            since: self.since.is_some(),
            until: self.until.is_some(),
            as_of: self.as_of.is_some(),
            filter: self.filter.clone(),
            by: self.by.map(str::to_owned),
            timezone,
            asked,
            area: Some(area),
            ..Ask::of(function)?
        };
        let query = fold_query(relation, &ask)?;
        let now = time::now();
        let last = self.as_of.map_or(now, |as_of| as_of.min(now));
        let from = call.reads_from()?.map(|from| time::in_range(from).into_inner());
        // SAFETY: the query takes these instants, and gives one row of the columns that are read.
        unsafe { run_query(&query, [self.since, self.until, Some(last), self.as_of, from], area) }
    }
}

/// The result of the query over the log: the history, the excluded users, and the end of observation. It lives as long as
/// the call.
struct Made {
    history: Option<History>,
    left_out: Option<Keys>,
    end: Option<Micros>,
    area: u32,
}

impl Drop for Made {
    fn drop(&mut self) {
        // Files are closed before their area is released. After an error the resource owner releases it.
        drop(self.history.take());
        if !std::thread::panicking() {
            scratch::leave_area(self.area);
        }
    }
}

unsafe fn run_query(query: &str, instants: [Option<Micros>; 5], area: u32) -> Result<Made> {
    let parameters = instants.map(|instant| (pg_sys::TIMESTAMPTZOID, instant.map(pg_sys::Datum::from)));
    // SAFETY: the query takes instants, and gives the columns that are read.
    unsafe {
        // What outlives the query is allocated in the memory context of the call.
        let delivery = history::Delivery::begin(area, pg_sys::CurrentMemoryContext);
        select(query, &parameters, |column| {
            let history = delivery.end();
            let left_out = history.as_ref().map(|history| Keys::excluded(history.kind())).transpose()?;
            let end = column(2).map(|datum| datum.value() as Micros);
            Ok(Made { history, left_out, end, area })
        })
    }
}

/// Runs a query of one row with the caller's snapshot and reads its columns, which are freed afterwards.
unsafe fn select<T>(
    query: &str,
    parameters: &[(pg_sys::Oid, Option<pg_sys::Datum>)],
    read: impl FnOnce(&dyn Fn(i32) -> Option<pg_sys::Datum>) -> Result<T>,
) -> Result<T> {
    const WRONG: Error = Error::Corrupt { what: "a query that gives no row" };
    let query = c_string(query)?;
    // few: parameters
    let mut types = parameters.iter().map(|(kind, _)| *kind).collect::<Vec<_>>();
    // few: parameters
    let mut values = parameters.iter().map(|(_, value)| value.unwrap_or(pg_sys::Datum::null())).collect::<Vec<_>>();
    let null = |value: &Option<pg_sys::Datum>| (if value.is_some() { b' ' } else { b'n' }) as core::ffi::c_char;
    let nulls = parameters.iter().map(|(_, value)| null(value)).collect::<Vec<_>>(); // few: parameters
    // SAFETY: as PostgreSQL's own procedural languages run a query; what is read of its row is copied before it goes.
    unsafe {
        if pg_sys::SPI_connect() != pg_sys::SPI_OK_CONNECT as i32 {
            return Err(WRONG);
        }
        let done = pg_sys::SPI_execute_with_args(
            query.as_ptr(),
            types.len() as i32,
            types.as_mut_ptr(),
            values.as_mut_ptr(),
            nulls.as_ptr(),
            true,
            0,
        );
        let table = pg_sys::SPI_tuptable.as_ref();
        let table = table.filter(|table| done == pg_sys::SPI_OK_SELECT as i32 && table.numvals == 1).ok_or(WRONG)?;
        let column = |n: i32| {
            let mut is_null = false;
            let datum = pg_sys::SPI_getbinval(*table.vals, table.tupdesc, n, &mut is_null);
            (!is_null).then_some(datum)
        };
        let found = read(&column)?;
        pg_sys::SPI_finish();
        Ok(found)
    }
}
