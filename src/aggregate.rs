//! The one bridge from a [`State`] to CREATE AGGREGATE: transition, combine, serialize, deserialize and finish, and the
//! arguments as the executor hands them over. Also what a function may keep between two calls.
//!
//! A state lives on Rust's heap; the transition value is a pointer to it, made in the aggregate's memory context, which
//! drops it when it goes: at the end, after an error, after a cancel. No state is ever replaced. What a new aggregate adds
//! is `stored_value!`, or one-line `#[pg_extern]` functions over the generic ones here (`#[pg_aggregate]` cannot make a
//! parallel one: pgrx issue 2351).
#![allow(unsafe_code)]

use crate::error::{self, refused};
use crate::{settings, stored::Value};
use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::datum::Internal;
use pgrx::nullable::Nullable;
use pgrx::pg_sys::panic::{ErrorReport, ErrorReportable};
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::prelude::*;
use pgrx::varlena;
use pgrx::{PgMemoryContexts, direct_function_call_as_datum};
use std::borrow::Cow;
use user_metrics_core::state::State;
use user_metrics_core::{Error, Result, host};

/// Ties the ledger and the stop signal of core to this backend; called when the library is loaded.
pub fn connect_host() {
    host::set_poll(|| {
        pgrx::check_for_interrupts!();
    });
}

/// Enters the current limit in the ledger: done when a state is made and before one is read.
pub fn set_limit() {
    if host::claims() == 0 {
        host::reset_peak();
    }
    host::set_limit(settings::max_state_memory());
}

/// States alive in this backend: zero between statements.
#[pg_extern(volatile, parallel_restricted)]
fn live_states() -> i64 {
    host::claims() as i64
}

/// The most bytes that states held at one time since there were none.
#[pg_extern(volatile, parallel_restricted)]
fn peak_state_memory() -> i64 {
    host::peak() as i64
}

/// What a transition value points to.
struct Live<S> {
    state: S,
    /// Made by [`deserialize`], so it is seen by one combine call and no other, which may take it instead of copying it.
    passing: bool,
}

/// The memory that lives as long as the aggregate which a function is called for.
pub fn context(fcinfo: pg_sys::FunctionCallInfo) -> error::Result<pg_sys::MemoryContext> {
    let mut context = std::ptr::null_mut();
    // SAFETY: fcinfo is the one this call was made with.
    if unsafe { pg_sys::AggCheckCallContext(fcinfo, &mut context) } == 0 {
        let message = "this function is a part of an aggregate and cannot be called by itself";
        return Err(ErrorReport::new(PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED, message, "user_metrics"));
    }
    Ok(context)
}

/// Puts a new state where it outlives the row.
fn keep<S>(live: Live<S>, fcinfo: pg_sys::FunctionCallInfo) -> error::Result<Internal> {
    let state = PgMemoryContexts::For(context(fcinfo)?).leak_and_drop_on_delete(live);
    Ok(Internal::from(Some(pg_sys::Datum::from(state))))
}

#[inline]
fn live_mut<S>(state: &mut Internal) -> Option<&mut Live<S>> {
    // SAFETY: an `internal` argument of these functions is only ever what `keep` made: SQL cannot call them, and the
    // executor passes on what they returned. Each aggregate uses them with one S.
    unsafe { state.get_mut::<Live<S>>() }
}

/// The state of a group's first row. Apart from the rest, which runs for every row.
#[cold]
#[inline(never)]
fn begin<S: State>(
    aggregate: &'static str,
    fcinfo: pg_sys::FunctionCallInfo,
    make: impl FnOnce() -> Result<S>,
) -> Internal {
    set_limit();
    let state = make().unwrap_or_else(|error| raise(aggregate, error));
    keep(Live { state, passing: false }, fcinfo).unwrap_or_report()
}

/// Feeds one row: `make` gives the state of the first, `step` takes the row in.
///
/// A refusal is raised here and not returned: a report is so large that handing on the chance of one, through the frames
/// between here and the executor, takes as long as hashing the user's id.
#[inline]
pub fn transition<S: State>(
    aggregate: &'static str,
    mut state: Internal,
    fcinfo: pg_sys::FunctionCallInfo,
    make: impl FnOnce() -> Result<S>,
    step: impl FnOnce(&mut S) -> Result<()>,
) -> Internal {
    if !state.initialized() {
        state = begin(aggregate, fcinfo, make);
    }
    if let Some(live) = live_mut::<S>(&mut state) {
        step(&mut live.state).unwrap_or_else(|error| raise(aggregate, error));
    }
    state
}

#[cold]
#[inline(never)]
fn raise<T>(aggregate: &'static str, error: Error) -> T {
    Err(refused(aggregate)(error)).unwrap_or_report()
}

/// Takes `from` into `into`; either may be NULL.
pub fn combine<S: State>(
    aggregate: &'static str,
    mut into: Internal,
    mut from: Internal,
    fcinfo: pg_sys::FunctionCallInfo,
) -> error::Result<Option<Internal>> {
    let Some(theirs) = live_mut::<S>(&mut from) else { return Ok(into.initialized().then_some(into)) };
    set_limit();
    match live_mut::<S>(&mut into) {
        Some(ours) => {
            let merged = if theirs.passing {
                let empty = theirs.state.empty();
                ours.state.absorb(std::mem::replace(&mut theirs.state, empty))
            } else {
                ours.state.merge(&theirs.state)
            };
            merged.map_err(refused(aggregate))?;
            Ok(Some(into))
        }
        // `from` lives too short to be returned: a passing state is moved, any other copied.
        None => {
            let mut state = theirs.state.empty();
            if theirs.passing {
                std::mem::swap(&mut state, &mut theirs.state);
            } else {
                state.merge(&theirs.state).map_err(refused(aggregate))?;
            }
            keep(Live { state, passing: false }, fcinfo).map(Some)
        }
    }
}

/// A state as bytes for another process. Declared STRICT.
pub fn serialize<S: State>(aggregate: &'static str, state: Internal) -> error::Result<Vec<u8>> {
    Ok(encoded::<S>(aggregate, state)?.unwrap_or_default())
}

fn encoded<S: State>(aggregate: &'static str, mut state: Internal) -> error::Result<Option<Vec<u8>>> {
    let Some(live) = live_mut::<S>(&mut state) else { return Ok(None) };
    set_limit();
    live.state.settle().and_then(|()| live.state.encode()).map(Some).map_err(refused(aggregate))
}

/// A state from the bytes of another process. Declared STRICT.
pub fn deserialize<S: State>(
    aggregate: &'static str,
    bytes: &[u8],
    fcinfo: pg_sys::FunctionCallInfo,
) -> error::Result<Internal> {
    set_limit();
    let state = S::adopt(bytes).map_err(refused(aggregate))?;
    keep(Live { state, passing: true }, fcinfo)
}

/// The result: the state's bytes as a value, NULL for no rows. What the state has seen stays, so it may run again.
pub fn finish<S: State>(aggregate: &'static str, state: Internal) -> error::Result<Option<Value<'static, S>>> {
    Ok(encoded::<S>(aggregate, state)?.map(Value::from_bytes))
}

/// Takes a stored value into a state: the transition of `rollup`.
pub fn roll_up<S: State>(
    mut state: Internal,
    value: Option<Value<'_, S>>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Option<Internal> {
    let Some(value) = value else { return state.initialized().then_some(state) };
    set_limit();
    let read = S::adopt(value.bytes()).unwrap_or_else(|error| raise("rollup", error));
    match live_mut::<S>(&mut state) {
        Some(live) => live.state.absorb(read).unwrap_or_else(|error| raise("rollup", error)),
        None => state = begin("rollup", fcinfo, || Ok(read)),
    }
    Some(state)
}

/// Declares the functions that every stored value has: those of its aggregates but for the transitions, and those of its
/// type. The names are written out because a macro cannot make them.
macro_rules! stored_value {
    ($state:ty, $name:literal:
        $rollup:ident, $combine:ident, $serialize:ident, $deserialize:ident, $finish:ident,
        $in:ident, $out:ident, $receive:ident, $send:ident
    ) => {
        #[pg_extern(immutable, parallel_safe)]
        fn $rollup(
            state: pgrx::datum::Internal,
            value: Option<$crate::stored::Value<'_, $state>>,
            fcinfo: pg_sys::FunctionCallInfo,
        ) -> Option<pgrx::datum::Internal> {
            $crate::aggregate::roll_up::<$state>(state, value, fcinfo)
        }

        #[pg_extern(immutable, parallel_safe)]
        fn $combine(
            into: pgrx::datum::Internal,
            from: pgrx::datum::Internal,
            fcinfo: pg_sys::FunctionCallInfo,
        ) -> $crate::error::Result<Option<pgrx::datum::Internal>> {
            $crate::aggregate::combine::<$state>($name, into, from, fcinfo)
        }

        #[pg_extern(immutable, strict, parallel_safe)]
        fn $serialize(state: pgrx::datum::Internal) -> $crate::error::Result<Vec<u8>> {
            $crate::aggregate::serialize::<$state>($name, state)
        }

        #[pg_extern(immutable, strict, parallel_safe)]
        fn $deserialize(
            bytes: &[u8],
            _unused: pgrx::datum::Internal,
            fcinfo: pg_sys::FunctionCallInfo,
        ) -> $crate::error::Result<pgrx::datum::Internal> {
            $crate::aggregate::deserialize::<$state>($name, bytes, fcinfo)
        }

        #[pg_extern(immutable, parallel_safe)]
        fn $finish(
            state: pgrx::datum::Internal,
        ) -> $crate::error::Result<Option<$crate::stored::Value<'static, $state>>> {
            $crate::aggregate::finish::<$state>($name, state)
        }

        #[pg_extern(immutable, strict, parallel_safe)]
        fn $in(text: &std::ffi::CStr) -> $crate::error::Result<$crate::stored::Value<'static, $state>> {
            $crate::stored::input($name, text)
        }

        #[pg_extern(immutable, strict, parallel_safe)]
        fn $out(value: $crate::stored::Value<'_, $state>) -> $crate::error::Result<$crate::stored::Hex> {
            $crate::stored::output($name, &value)
        }

        #[pg_extern(immutable, strict, parallel_safe)]
        fn $receive(message: pgrx::datum::Internal) -> $crate::error::Result<$crate::stored::Value<'static, $state>> {
            $crate::stored::receive($name, message)
        }

        #[pg_extern(immutable, strict, parallel_safe)]
        fn $send<'a>(value: $crate::stored::Value<'a, $state>) -> $crate::stored::Bytes<'a> {
            value.into()
        }
    };
}
pub(crate) use stored_value;

/// Declares an argument type that is read as it lies, without the copies and checks of the general one.
macro_rules! plain_argument {
    ($lifetime:lifetime, $type:ty, $sql:literal, $read:expr) => {
        // SAFETY: `$read` reads a datum of the SQL type that is declared below.
        unsafe impl<$lifetime> ArgAbi<$lifetime> for $type {
            #[inline]
            unsafe fn unbox_arg_unchecked(arg: Arg<'_, $lifetime>) -> Self {
                // SAFETY: pgrx calls this only for an argument that is not NULL.
                unsafe { arg.unbox_arg_using_from_datum::<Datum>().map_or_else(Default::default, |d| $read(d.0)) }
            }

            #[inline]
            unsafe fn unbox_nullable_arg(arg: Arg<'_, $lifetime>) -> Nullable<Self> {
                // SAFETY: NULL is told apart before the datum is read.
                unsafe { arg.unbox_arg_using_from_datum::<Datum>().map(|d| $read(d.0)).into() }
            }
        }

        // SAFETY: the type is an argument only, of exactly this SQL type.
        unsafe impl<$lifetime> SqlTranslatable for $type {
            const TYPE_IDENT: &'static str = concat!("user_metrics::", $sql);
            const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
            const ARGUMENT_SQL: std::result::Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal($sql));
            const RETURN_SQL: std::result::Result<ReturnsRef, ReturnsError> = Err(ReturnsError::Datum);
        }
    };
}

/// A datum not looked into yet.
struct Datum(pg_sys::Datum);

impl FromDatum for Datum {
    #[inline]
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, _: pg_sys::Oid) -> Option<Self> {
        (!is_null).then_some(Datum(datum))
    }
}

/// A `text` argument: its bytes, of whatever encoding, in place where they are neither compressed nor out of line.
#[derive(Clone, Copy, Default)]
pub struct TextBytes<'fcx>(pub &'fcx [u8]);

impl<'fcx> TextBytes<'fcx> {
    /// The text of a datum.
    ///
    /// # Safety
    ///
    /// The datum must be a varlena that is there for as long as what is made of it.
    #[inline]
    pub unsafe fn read(datum: pg_sys::Datum) -> Self {
        // SAFETY: the datum is a varlena that lives as long as the call; a detoasted copy lives as long as the row. What
        // lies in place is read here and not by pg_detoast_datum_packed, whose guard costs more than the hash of the id.
        unsafe {
            let varlena = datum.cast_mut_ptr::<pg_sys::varlena>();
            let in_place = varlena::varatt_is_4b_u(varlena)
                || (varlena::varatt_is_1b(varlena) && !varlena::varatt_is_1b_e(varlena));
            if in_place {
                return TextBytes(varlena::varlena_to_byte_slice(varlena));
            }
            TextBytes(<&'fcx [u8]>::from_datum(datum, false).unwrap_or_default())
        }
    }
}

plain_argument!('fcx, TextBytes<'fcx>, "text", |datum| TextBytes::<'fcx>::read(datum));

impl<'fcx> TextBytes<'fcx> {
    /// The text in UTF-8, as an application outside knows it. Of a database without an encoding the bytes as they are.
    #[inline]
    pub fn utf8(self) -> &'fcx [u8] {
        // SAFETY: the encoding of a database does not change.
        let encoding = unsafe { pg_sys::GetDatabaseEncoding() } as u32;
        if matches!(encoding, pg_sys::pg_enc::PG_UTF8 | pg_sys::pg_enc::PG_SQL_ASCII) || self.0.is_ascii() {
            return self.0;
        }
        // SAFETY: the text is read, and what is made of it lives as long as the row.
        unsafe {
            let from = self.0.as_ptr().cast();
            let text = pg_sys::pg_server_to_any(from, self.0.len() as i32, pg_sys::pg_enc::PG_UTF8 as i32);
            if text.cast_const() == from { self.0 } else { std::ffi::CStr::from_ptr(text).to_bytes() }
        }
    }
}

/// A `text[]` argument, of whatever encoding and in place: lists of users are as long as they please.
#[derive(Default)]
pub struct TextList<'fcx>(Option<pgrx::Array<'fcx, &'fcx [u8]>>);

impl<'fcx> TextList<'fcx> {
    /// The list of a datum.
    ///
    /// # Safety
    ///
    /// The datum must be a text[] that is there for as long as what is made of it.
    pub unsafe fn read(datum: pg_sys::Datum) -> Self {
        // SAFETY: the datum is a text[], whose elements are laid out as bytea is.
        TextList(unsafe { pgrx::Array::from_datum(datum, false) })
    }

    /// How many elements it has.
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, pgrx::Array::len)
    }

    /// Its elements, without those that are NULL.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> + '_ {
        self.0.iter().flat_map(|texts| texts.iter()).flatten()
    }
}

plain_argument!('fcx, TextList<'fcx>, "text[]", |datum| TextList::<'fcx>::read(datum));

/// A `jsonb` argument as text: numbers beyond any double, which a parsed form could not hold, are there to be refused.
#[derive(Clone, Default)]
pub struct JsonText<'fcx>(pub Cow<'fcx, str>);

impl<'fcx> JsonText<'fcx> {
    /// The JSON of a datum.
    ///
    /// # Safety
    ///
    /// The datum must be a jsonb that is there for as long as what is made of it.
    pub unsafe fn read(datum: pg_sys::Datum) -> Self {
        // SAFETY: the datum is a jsonb; its text lies in the memory of the row.
        unsafe {
            let text = direct_function_call_as_datum(pg_sys::jsonb_out, &[Some(datum)]);
            let text = text.map(|text| std::ffi::CStr::from_ptr(text.cast_mut_ptr()));
            JsonText(text.map_or(Cow::Borrowed("null"), std::ffi::CStr::to_string_lossy))
        }
    }
}

plain_argument!('fcx, JsonText<'fcx>, "jsonb", |datum| JsonText::<'fcx>::read(datum));

/// Declares an argument that is looked at as bytes in every call, and read as a value only when they are not those of the
/// call before.
macro_rules! seldom_read {
    ($(#[$doc:meta])* $name:ident, $sql:literal, $value:ty, $datum:ident => $read:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default)]
        pub struct $name<'fcx>(Option<pg_sys::Datum>, &'fcx [u8]);

        impl<'fcx> $name<'fcx> {
            #[inline]
            unsafe fn read_bytes(datum: pg_sys::Datum) -> Self {
                // SAFETY: whatever its type is, the datum is a varlena.
                $name(Some(datum), unsafe { TextBytes::<'fcx>::read(datum) }.0)
            }

            /// The bytes it is made of.
            #[inline]
            pub fn bytes(self) -> &'fcx [u8] {
                self.1
            }

            /// What it is.
            pub fn value(self) -> Option<$value> {
                // SAFETY: the datum is the argument of this call and of the type that is declared.
                self.0.and_then(|$datum| unsafe { $read })
            }
        }

        plain_argument!('fcx, $name<'fcx>, $sql, |datum| $name::<'fcx>::read_bytes(datum));
    };
}

seldom_read! {
    /// A `text[]` argument, of whatever encoding.
    Texts, "text[]", Vec<Option<Vec<u8>>>, datum => {
        let texts = pgrx::Array::<&[u8]>::from_datum(datum, false);
        // few: names of variants
        texts.map(|texts| texts.iter().map(|text| text.map(<[u8]>::to_vec)).collect())
    }
}
seldom_read! {
    /// A `double precision[]` argument.
    Numbers, "double precision[]", Vec<Option<f64>>, datum => FromDatum::from_datum(datum, false)
}
seldom_read! {
    /// A `jsonb` argument; its value is the text of it, of whatever encoding.
    Json, "jsonb", Vec<u8>, datum => {
        // few: a namespace
        pgrx::direct_function_call::<&std::ffi::CStr>(pg_sys::jsonb_out, &[Some(datum)]).map(|text| text.to_bytes().to_vec())
    }
}

/// A `text` result that lies somewhere already.
pub struct TextSlice<'a>(pub &'a [u8]);

// SAFETY: a text is laid out as the bytea that is returned.
unsafe impl BoxRet for TextSlice<'_> {
    #[inline]
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> pgrx::datum::Datum<'fcx> {
        // SAFETY: as promised by the caller.
        unsafe { self.0.box_into(fcinfo) }
    }
}

// SAFETY: the type is a result only, of exactly this SQL type.
unsafe impl SqlTranslatable for TextSlice<'_> {
    const TYPE_IDENT: &'static str = "user_metrics::TextSlice";
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: std::result::Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("text"));
    const RETURN_SQL: std::result::Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("text")));
}

/// What a place in a query that calls a function keeps from call to call, until the query ends: nothing at first. A function
/// keeps one type of thing.
#[inline]
pub fn kept<'fcx, T>(fcinfo: pg_sys::FunctionCallInfo) -> &'fcx mut Option<T> {
    // SAFETY: fcinfo is the one this call was made with; what it keeps was put there below, and nobody else looks at it
    // during the call.
    unsafe {
        let kept = fcinfo.as_ref().and_then(|call| call.flinfo.as_mut()).and_then(|place| {
            if place.fn_extra.is_null() {
                place.fn_extra = PgMemoryContexts::For(place.fn_mcxt).leak_and_drop_on_delete(None::<T>).cast();
            }
            place.fn_extra.cast::<Option<T>>().as_mut()
        });
        kept.unwrap_or_else(called_from_nowhere)
    }
}

/// Some C code may call a function without saying from where.
#[cold]
fn called_from_nowhere<T>() -> T {
    let message = "this function can be called from SQL only";
    Err(ErrorReport::new(PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED, message, "user_metrics")).unwrap_or_report()
}
/// A `regclass` argument.
#[derive(Clone, Copy)]
pub struct RelationOid(pub pg_sys::Oid);

impl Default for RelationOid {
    fn default() -> Self {
        RelationOid(pg_sys::InvalidOid)
    }
}

plain_argument!('fcx, RelationOid, "regclass", |datum: pg_sys::Datum| RelationOid(pg_sys::Oid::from(datum.value() as u32)));

/// A `text` result, of whatever encoding its bytes were when they came.
pub struct Text(pub Vec<u8>);

// SAFETY: a text is laid out as the bytea that is returned.
unsafe impl BoxRet for Text {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> pgrx::datum::Datum<'fcx> {
        // SAFETY: as promised by the caller.
        unsafe { (&*self.0).box_into(fcinfo) }
    }
}

impl IntoDatum for Text {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        (&*self.0).into_datum()
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::TEXTOID
    }
}

// SAFETY: the type is a result only, of exactly this SQL type.
unsafe impl SqlTranslatable for Text {
    const TYPE_IDENT: &'static str = "user_metrics::Text";
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: std::result::Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("text"));
    const RETURN_SQL: std::result::Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("text")));
}
