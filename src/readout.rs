//! The table function behind every function that core declares: calls it with its arguments as the executor hands them
//! over, and makes rows of the cells it gives.
//!
//! Rows go into a tuplestore, which PostgreSQL writes to a file when it outgrows `work_mem`; none is kept here.
#![allow(unsafe_code)]

use crate::aggregate::{JsonText, set_limit};
use crate::error::{self, refused};
use crate::{settings, time};
use pgrx::pg_sys::panic::ErrorReportable;
use pgrx::prelude::*;
use pgrx::{PgMemoryContexts, direct_function_call_as_datum, is_a};
use std::ffi::{CStr, CString};
use user_metrics_core::calendar::Micros;
use user_metrics_core::function::{Call, Cell, Environment, Function, Given, Rows, Type};
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

/// One call: the arguments are the values, the function's own, and where the values have instants `since`, `until`, the time zone
/// if it takes one, and `as_of`.
///
/// # Safety
///
/// `fcinfo` must be that of a call of the SQL function which `function` declares.
pub unsafe fn call(fcinfo: pg_sys::FunctionCallInfo, function: &'static Function) -> pg_sys::Datum {
    set_limit();
    // SAFETY: as promised by the caller; what it points to lives as long as the call.
    let run = || unsafe {
        // Rows are refused where there can be none before anything is read.
        let mut output = Output::begin(fcinfo, function)?;
        let arguments = Arguments(fcinfo);
        let values = function.reads.values().len();
        let own = function.arguments.iter().zip(values..).map(|(argument, n)| arguments.given(argument.kind, n));
        let last = values + function.arguments.len();
        let zones = usize::from(function.zoned);
        let instant = |n| if function.reads.has_instants() { arguments.instant(n) } else { None };
        let call = Call {
            function,
            values: (0..values).map(|n| arguments.read::<&[u8]>(n)).collect(),
            history: None,
            left_out: Vec::new(),
            by: false,
            arguments: own.collect(),
            since: instant(last),
            until: instant(last + 1),
            timezone: if zones > 0 { arguments.read(last + 2) } else { None },
            as_of: instant(last + 2 + zones),
            environment: environment(),
        };
        (function.run)(&call, output.rows()).map_err(refused(function.name))?;
        output.finish()
    };
    let datum = run().unwrap_or_report();
    // SAFETY: fcinfo is that of the call.
    unsafe { returned(fcinfo, function, datum) }
}

/// What core does not know by itself.
pub fn environment() -> Environment<'static> {
    Environment {
        now: time::now(),
        week_start: settings::week_start(),
        min_group_size: settings::min_group_size(),
        parts: 1,
        session_gap: settings::session_gap(),
        timezone: settings::timezone(),
        segment: &time::segment,
        json: &written_json,
    }
}

/// A jsonb as it is written, of what lies behind its length.
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

/// What a call returns, of which rows are no part.
///
/// # Safety
///
/// `fcinfo` must be that of the call.
pub unsafe fn returned(
    fcinfo: pg_sys::FunctionCallInfo,
    function: &Function,
    datum: Option<pg_sys::Datum>,
) -> pg_sys::Datum {
    if function.scalar && datum.is_none() {
        // SAFETY: as promised by the caller.
        unsafe { (*fcinfo).isnull = true };
    }
    datum.unwrap_or(pg_sys::Datum::null())
}

/// Where the rows of a call go.
pub enum Output {
    /// Those of a set.
    Rows(Box<Store>),
    /// The only one of a function that returns a value.
    Value(Single),
}

impl Output {
    /// Prepares it, or refuses a call where there can be no rows.
    ///
    /// # Safety
    ///
    /// `fcinfo` must be that of a call of the function.
    pub unsafe fn begin(fcinfo: pg_sys::FunctionCallInfo, function: &'static Function) -> error::Result<Self> {
        if function.scalar {
            return Ok(Output::Value(Single { function, datum: None }));
        }
        // SAFETY: as promised by the caller.
        unsafe { Store::begin(fcinfo, function) }.map(Box::new).map(Output::Rows)
    }

    /// Where core puts them.
    pub fn rows(&mut self) -> &mut dyn Rows {
        match self {
            Output::Rows(store) => &mut **store,
            Output::Value(value) => value,
        }
    }

    /// Ends it when all rows are there. Gives the value of a function that returns one.
    pub fn finish(self) -> error::Result<Option<pg_sys::Datum>> {
        match self {
            Output::Rows(store) => store.finish().map(|()| None),
            Output::Value(value) => Ok(value.datum),
        }
    }
}

/// The value of a call that gives no rows.
pub struct Single {
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

/// The arguments of a call.
pub struct Arguments(pub pg_sys::FunctionCallInfo);

impl Arguments {
    /// An argument of a type that PostgreSQL has.
    ///
    /// # Safety
    ///
    /// There must be such an argument.
    pub unsafe fn read<'a, T: FromDatum + 'a>(&self, n: usize) -> Option<T> {
        // SAFETY: the executor hands over as many arguments as nargs says, of the types that are declared.
        unsafe {
            let call = self.0.as_ref()?;
            let argument = call.args.as_slice(usize::try_from(call.nargs).unwrap_or(0)).get(n)?;
            T::from_datum(argument.value, argument.isnull)
        }
    }

    /// An instant.
    ///
    /// # Safety
    ///
    /// There must be such an argument.
    pub unsafe fn instant(&self, n: usize) -> Option<Micros> {
        // SAFETY: as above.
        unsafe { self.read::<TimestampWithTimeZone>(n) }.map(TimestampWithTimeZone::into_inner)
    }

    /// An argument as it is passed; `None` for NULL.
    ///
    /// # Safety
    ///
    /// There must be such an argument.
    pub unsafe fn datum(&self, n: usize) -> Option<pg_sys::Datum> {
        // SAFETY: the executor hands over as many arguments as nargs says.
        let arguments = unsafe { self.0.as_ref()?.args.as_slice(usize::try_from((*self.0).nargs).unwrap_or(0)) };
        arguments.get(n).filter(|argument| !argument.isnull).map(|argument| argument.value)
    }

    /// A jsonb as text.
    ///
    /// # Safety
    ///
    /// There must be such an argument.
    pub unsafe fn json(&self, n: usize) -> Option<String> {
        // SAFETY: as above.
        unsafe { self.datum(n).map(|json| JsonText::read(json).0.into_owned()) }
    }

    /// An argument of a declared type.
    ///
    /// # Safety
    ///
    /// There must be such an argument.
    pub unsafe fn given<'a>(&self, kind: Type, n: usize) -> Option<Given<'a>> {
        // SAFETY: as above.
        unsafe {
            match kind {
                Type::Boolean => self.read(n).map(Given::Boolean),
                Type::Integer => self.read(n).map(Given::Integer),
                Type::Bigint => self.read(n).map(Given::Bigint),
                Type::Double => self.read(n).map(Given::Double),
                Type::Date => self.read::<Date>(n).map(|date| Given::Date(date.to_pg_epoch_days())),
                Type::Interval => self.read(n).map(time::interval).map(Given::Interval),
                Type::Doubles => self.read(n).map(Given::Doubles),
                Type::Text => self.read(n).map(Given::Text),
                Type::Integers => self.read(n).map(Given::Integers),
                Type::Texts => self.read(n).map(Given::Texts),
                Type::Json => self.json(n).map(Given::Json),
                Type::Relation => self.datum(n).map(|source| Given::Relation(source.value() as u32)),
                // No argument is of these.
                Type::Instant | Type::Booleans => None,
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

/// A datum is below 1 GB.
const MOST_OF_A_TEXT: usize = (1 << 30) - 1;

/// Values of variable length, as PostgreSQL lays them out.
#[derive(Default)]
struct Varlena {
    words: Vec<u32>,
}

impl Varlena {
    /// Lays bytes out. Gives their place.
    #[inline]
    fn put(&mut self, text: &[u8]) -> Result<pg_sys::Datum> {
        const HEADER: usize = size_of::<u32>();
        let size = text.len() + HEADER;
        let too_large = || Error::TooLarge { bytes: size };
        let whole = i32::try_from(size).ok().filter(|_| size < MOST_OF_A_TEXT).ok_or_else(too_large)?;
        let place = self.words.len();
        let words = size.div_ceil(HEADER);
        self.words.try_reserve(words).map_err(|_| too_large())?;
        self.words.resize(place + words, 0);
        // SAFETY: there is room for the header and the text.
        unsafe {
            let varlena = self.words.as_mut_ptr().add(place);
            pgrx::set_varsize_4b(varlena.cast(), whole);
            varlena.add(1).cast::<u8>().copy_from_nonoverlapping(text.as_ptr(), text.len());
        }
        Ok(pg_sys::Datum::from(place))
    }

    /// What was laid out at a place, until more is.
    fn datum(&self, place: pg_sys::Datum) -> pg_sys::Datum {
        self.words.as_ptr().wrapping_add(place.value()).into()
    }
}

/// The rows of a call, in a tuplestore; sorted before where an order is declared that core does not give.
pub struct Store {
    function: &'static Function,
    store: *mut pg_sys::Tuplestorestate,
    sort: Option<Sort>,
    descriptor: pg_sys::TupleDesc,
    min_group_size: u64,
    values: Vec<pg_sys::Datum>,
    nulls: Vec<bool>,
    /// Where texts of a row lie until it is stored.
    texts: Varlena,
    /// Where other values of a row lie that are not passed by themselves.
    memory: PgMemoryContexts,
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
            let order = function.order();
            let sort = (!order.is_empty()).then(|| Sort::begin(function, order, descriptor));
            Ok(Store {
                function,
                store,
                sort,
                descriptor,
                min_group_size: settings::min_group_size(),
                values: vec![pg_sys::Datum::null(); columns],
                nulls: vec![true; columns],
                texts: Varlena::default(),
                memory: PgMemoryContexts::new("values of a row"),
            })
        }
    }
}

impl Store {
    /// Brings the rows in order.
    fn finish(self) -> error::Result<()> {
        if let Some(sort) = self.sort {
            // SAFETY: the tuplestore takes rows of this kind.
            unsafe { sort.finish(self.store) };
        }
        Ok(())
    }
}

/// Rows that are put in order.
struct Sort {
    state: *mut pg_sys::Tuplesortstate,
    /// The row that is put in.
    row: *mut pg_sys::TupleTableSlot,
    /// The row that comes out.
    sorted: *mut pg_sys::TupleTableSlot,
}

impl Sort {
    /// Sorts by columns of a function, texts byte by byte, NULL last.
    unsafe fn begin(function: &Function, order: &[&str], descriptor: pg_sys::TupleDesc) -> Self {
        let keys = order.iter().filter_map(|name| function.given().position(|column| column.name == *name));
        let mut places = keys.map(|place| place as pg_sys::AttrNumber + 1).collect::<Vec<_>>();
        // SAFETY: the columns are those of the descriptor, and have types that can be ordered.
        unsafe {
            let kind = |place: &pg_sys::AttrNumber| {
                let attribute = (*descriptor).attrs.as_slice((*descriptor).natts as usize).get(*place as usize - 1);
                attribute.map_or(pg_sys::InvalidOid, |attribute| attribute.atttypid)
            };
            let kinds = places.iter().map(kind).collect::<Vec<_>>();
            let less = |kind: &pg_sys::Oid| (*pg_sys::lookup_type_cache(*kind, pg_sys::TYPECACHE_LT_OPR as i32)).lt_opr;
            let mut operators = kinds.iter().map(less).collect::<Vec<_>>();
            let collation = |kind: &pg_sys::Oid| match *kind {
                pg_sys::TEXTOID => pg_sys::C_COLLATION_OID,
                _ => pg_sys::InvalidOid,
            };
            let mut collations = kinds.iter().map(collation).collect::<Vec<_>>();
            let mut nulls_first = vec![false; places.len()];
            Sort {
                state: pg_sys::tuplesort_begin_heap(
                    descriptor,
                    places.len() as i32,
                    places.as_mut_ptr(),
                    operators.as_mut_ptr(),
                    collations.as_mut_ptr(),
                    nulls_first.as_mut_ptr(),
                    pg_sys::work_mem,
                    std::ptr::null_mut(),
                    0,
                ),
                row: pg_sys::MakeSingleTupleTableSlot(descriptor, &raw const pg_sys::TTSOpsVirtual),
                sorted: pg_sys::MakeSingleTupleTableSlot(descriptor, &raw const pg_sys::TTSOpsMinimalTuple),
            }
        }
    }

    unsafe fn put(&self, values: &[pg_sys::Datum], nulls: &[bool]) {
        // SAFETY: the slot has room for as many values as the descriptor has columns; they are copied before the slot is used again.
        unsafe {
            pg_sys::ExecClearTuple(self.row);
            (*self.row).tts_values.copy_from_nonoverlapping(values.as_ptr(), values.len());
            (*self.row).tts_isnull.copy_from_nonoverlapping(nulls.as_ptr(), nulls.len());
            pg_sys::ExecStoreVirtualTuple(self.row);
            pg_sys::tuplesort_puttupleslot(self.state, self.row);
        }
    }

    unsafe fn finish(self, store: *mut pg_sys::Tuplestorestate) {
        // SAFETY: the rows are of the kind that the slot is for.
        unsafe {
            pg_sys::tuplesort_performsort(self.state);
            while pg_sys::tuplesort_gettupleslot(self.state, true, false, self.sorted, std::ptr::null_mut()) {
                pgrx::check_for_interrupts!();
                pg_sys::tuplestore_puttupleslot(store, self.sorted);
            }
            pg_sys::ExecDropSingleTupleTableSlot(self.sorted);
            pg_sys::ExecDropSingleTupleTableSlot(self.row);
            pg_sys::tuplesort_end(self.state);
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
    fn notice(&mut self, message: &str, hint: &str) {
        let message = format!("{}: {message}", self.function.name);
        error::report(PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION, message, hint).report(PgLogLevel::NOTICE);
    }

    fn row(&mut self, cells: &mut [Cell<'_>]) -> Result<()> {
        if cells.len() != self.values.len() {
            return Err(Error::Corrupt { what: "a row of other columns than declared" });
        }
        self.function.hide(cells, self.min_group_size);
        let mut has_json = false;
        self.texts.words.clear();
        for (n, cell) in cells.iter().enumerate() {
            let datum = match cell {
                Cell::Text(text) => Some(self.texts.put(text.as_bytes())?),
                Cell::Bytes(text) => Some(self.texts.put(text)?),
                Cell::Json(_) => {
                    has_json = true;
                    // SAFETY: what is made in that memory is let go when the row has been stored.
                    unsafe { self.memory.switch_to(|_| datum(*cell)) }
                }
                _ => datum(*cell),
            };
            self.nulls[n] = datum.is_none();
            self.values[n] = datum.unwrap_or(pg_sys::Datum::null());
        }
        // Texts do not move any more.
        for (n, cell) in cells.iter().enumerate() {
            if let Cell::Text(_) | Cell::Bytes(_) = cell {
                self.values[n] = self.texts.datum(self.values[n]);
            }
        }
        // SAFETY: there are as many values as the descriptor has columns, of its types.
        unsafe {
            match &self.sort {
                Some(sort) => sort.put(&self.values, &self.nulls),
                None => pg_sys::tuplestore_putvalues(
                    self.store,
                    self.descriptor,
                    self.values.as_mut_ptr(),
                    self.nulls.as_mut_ptr(),
                ),
            }
            if has_json {
                self.memory.reset();
            }
        }
        Ok(())
    }
}
