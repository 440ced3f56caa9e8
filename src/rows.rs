//! The result of a call: rows in a tuplestore, which PostgreSQL spills to disk when it outgrows `work_mem`, or a single
//! value. Rows are formed from the cells that core gives and not kept here.
#![allow(unsafe_code)]

use crate::encoding::c_string;
use crate::{error, settings, time};
use pgrx::prelude::*;
use pgrx::{PgMemoryContexts, direct_function_call_as_datum, is_a};
use user_metrics_core::base::encoding::encoded;
use user_metrics_core::function::{Cell, Function, Rows, Type};
use user_metrics_core::{Error, Result};

/// The return value of a call, apart from its rows.
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
    /// The rows of a set-returning function.
    Rows(Box<Store>),
    /// The single row of a function that returns a value.
    Value(Single),
}

impl Output {
    /// Prepares the output, or raises an error if the context accepts no rows.
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

    /// The sink for core's rows.
    pub fn rows(&mut self) -> &mut dyn Rows {
        match self {
            Output::Rows(store) => &mut **store,
            Output::Value(value) => value,
        }
    }

    /// The value of a scalar function.
    pub fn value(self) -> Option<pg_sys::Datum> {
        match self {
            Output::Rows(_) => None,
            Output::Value(value) => value.datum,
        }
    }
}

/// The value of a call that returns no rows.
pub struct Single {
    function: &'static Function,
    datum: Option<pg_sys::Datum>,
}

impl Rows for Single {
    fn notice(&mut self, message: &str, hint: &str) {
        error::notice(format!("{}: {message}", self.function.name), hint);
    }

    fn row(&mut self, cells: &mut [Cell<'_>]) -> Result<()> {
        self.function.hide(cells, settings::min_group_size());
        let [cell] = cells else { return Err(Error::Corrupt { what: "a row of other columns than declared" }) };
        self.datum = datum(*cell)?;
        Ok(())
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

/// A datum is smaller than 1 GB.
const MOST_OF_A_TEXT: usize = (1 << 30) - 1;

/// Values of variable length, in PostgreSQL's layout.
#[derive(Default)]
pub struct Varlena {
    words: Vec<u32>,
}

impl Varlena {
    /// Lays out bytes and returns their position.
    #[inline]
    pub fn put(&mut self, text: &[u8]) -> Result<pg_sys::Datum> {
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

    /// The datum at a position, valid until more is laid out.
    pub fn datum(&self, place: pg_sys::Datum) -> pg_sys::Datum {
        self.words.as_ptr().wrapping_add(place.value()).into()
    }
}

/// The rows of a call, in a tuplestore.
pub struct Store {
    function: &'static Function,
    store: *mut pg_sys::Tuplestorestate,
    descriptor: pg_sys::TupleDesc,
    min_group_size: u64,
    values: Vec<pg_sys::Datum>,
    nulls: Vec<bool>,
    /// The texts of a row until it is stored.
    texts: Varlena,
    /// Memory for the other values of a row that are passed by reference.
    memory: PgMemoryContexts,
}

impl Store {
    /// Creates the tuplestore and hands it to the executor before it is filled. The result type must be the declared one.
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
                texts: Varlena::default(),
                memory: PgMemoryContexts::new("values of a row"),
            })
        }
    }
}

/// A cell as a datum, in the current memory context.
fn datum(cell: Cell<'_>) -> Result<Option<pg_sys::Datum>> {
    Ok(match cell {
        Cell::Null => None,
        Cell::Boolean(value) => value.into_datum(),
        Cell::Integer(value) => value.into_datum(),
        Cell::Bigint(value) => value.into_datum(),
        Cell::Double(value) => value.into_datum(),
        Cell::Date(day) => time::date(day).and_then(IntoDatum::into_datum),
        Cell::Instant(at) => Some(pg_sys::Datum::from(at)),
        // A text has the layout of the bytea that is made.
        Cell::Bytes(text) => text.into_datum(),
        Cell::Text(text) => encoded(text)?.into_datum(),
        Cell::Json(json) => {
            let json = c_string(json)?;
            // SAFETY: PostgreSQL's own function, given a C string that lives as long as the call.
            unsafe { direct_function_call_as_datum(pg_sys::jsonb_in, &[json.as_c_str().into_datum()]) }
        }
    })
}

impl Rows for Store {
    fn notice(&mut self, message: &str, hint: &str) {
        error::notice(format!("{}: {message}", self.function.name), hint);
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
                Cell::Text(text) => Some(self.texts.put(&encoded(text)?)?),
                Cell::Bytes(text) => Some(self.texts.put(text)?),
                Cell::Json(_) => {
                    has_json = true;
                    // SAFETY: what is made in that memory is let go when the row has been stored.
                    unsafe { self.memory.switch_to(|_| datum(*cell)) }?
                }
                _ => datum(*cell)?,
            };
            self.nulls[n] = datum.is_none();
            self.values[n] = datum.unwrap_or(pg_sys::Datum::null());
        }
        // Texts do not move from here on.
        for (n, cell) in cells.iter().enumerate() {
            if let Cell::Text(_) | Cell::Bytes(_) = cell {
                self.values[n] = self.texts.datum(self.values[n]);
            }
        }
        // SAFETY: there are as many values as the descriptor has columns, of its types.
        unsafe {
            pg_sys::tuplestore_putvalues(
                self.store,
                self.descriptor,
                self.values.as_mut_ptr(),
                self.nulls.as_mut_ptr(),
            );
            if has_json {
                self.memory.reset();
            }
        }
        Ok(())
    }
}
