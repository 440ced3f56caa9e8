//! The bridge from a [`State`] to CREATE AGGREGATE: transition, combine, serialize, deserialize and final functions. Also
//! what a function may keep between two calls.
//!
//! A state lives on Rust's heap; the transition value is a pointer to it, allocated in the aggregate's memory context, which
//! drops it when the context is reset: at the end, after an error, after a cancel. A state is never replaced. A new
//! aggregate adds `stored_value!`, or one-line `#[pg_extern]` functions over the generic ones here (`#[pg_aggregate]` cannot
//! make a parallel one: pgrx issue 2351).
#![allow(unsafe_code)]

use crate::error::{self, refused};
use crate::{settings, stored::Value};
use pgrx::PgMemoryContexts;
use pgrx::datum::Internal;
use pgrx::pg_sys::panic::{ErrorReport, ErrorReportable};
use pgrx::prelude::*;
use user_metrics_core::base::memory;
use user_metrics_core::base::state::State;
use user_metrics_core::{Error, Result};

/// Connects the memory accounting and the interrupt check of core to this backend; called when the library is loaded.
pub fn connect_memory() {
    memory::set_poll(|| {
        pgrx::check_for_interrupts!();
    });
}

/// Turns off backtraces of this library's panics, whatever RUST_BACKTRACE says in the environment of the server; called when
/// the library is loaded. pgrx raises an error of PostgreSQL within a call as a panic and sends its backtrace to the client, as
/// DETAIL, with paths of the machine that built the library.
pub fn turn_off_backtraces() {
    const SETTING: &str = "RUST_LIB_BACKTRACE";
    let set = std::env::var_os(SETTING);
    // SAFETY: a process of PostgreSQL has a single thread. The variable is read once, at the first backtrace, and has its
    // old value for other libraries.
    unsafe {
        std::env::set_var(SETTING, "0");
        drop(std::backtrace::Backtrace::capture());
        match set {
            Some(value) => std::env::set_var(SETTING, value),
            None => std::env::remove_var(SETTING),
        }
    }
}

/// Sets the current limit in the memory accounting: called when a state is created and before one is read.
pub fn set_limit() {
    if memory::claims() == 0 {
        memory::reset_peak();
    }
    memory::set_limit(settings::max_state_memory());
}

/// States alive in this backend: zero between statements.
#[pg_extern(volatile, parallel_restricted)]
fn live_states() -> i64 {
    memory::claims() as i64
}

/// The peak memory of states, in bytes, since there were last none.
#[pg_extern(volatile, parallel_restricted)]
fn peak_state_memory() -> i64 {
    memory::peak() as i64
}

/// What a transition value points to.
struct Live<S> {
    state: S,
    /// Made by [`deserialize`], so it is passed to exactly one combine call, which may move it instead of copying it.
    temporary: bool,
}

/// The memory context of the aggregate for which a function is called.
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

/// The state of a group's first row. Separate from the function that runs for every row.
#[cold]
#[inline(never)]
fn begin<S: State>(
    aggregate: &'static str,
    fcinfo: pg_sys::FunctionCallInfo,
    make: impl FnOnce() -> Result<S>,
) -> Internal {
    set_limit();
    let state = make().unwrap_or_else(|error| raise(aggregate, error));
    keep(Live { state, temporary: false }, fcinfo).unwrap_or_report()
}

/// Accumulates one row: `make` creates the state for the first, `step` adds the row.
///
/// An error is raised here and not returned: an `ErrorReport` is so large that returning a `Result` of it through the frames
/// up to the executor takes as long as hashing the user's id.
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

/// Merges `from` into `into`; either may be NULL.
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
            let merged = if theirs.temporary {
                let empty = theirs.state.empty();
                ours.state.absorb(std::mem::replace(&mut theirs.state, empty))
            } else {
                ours.state.merge(&theirs.state)
            };
            merged.map_err(refused(aggregate))?;
            Ok(Some(into))
        }
        // `from` does not live long enough to be returned: a temporary state is moved, any other is copied.
        None => {
            let mut state = theirs.state.empty();
            if theirs.temporary {
                std::mem::swap(&mut state, &mut theirs.state);
            } else {
                state.merge(&theirs.state).map_err(refused(aggregate))?;
            }
            keep(Live { state, temporary: false }, fcinfo).map(Some)
        }
    }
}

/// Serializes a state for another process. Declared STRICT.
pub fn serialize<S: State>(aggregate: &'static str, state: Internal) -> error::Result<Vec<u8>> {
    Ok(encoded::<S>(aggregate, state)?.unwrap_or_default())
}

fn encoded<S: State>(aggregate: &'static str, mut state: Internal) -> error::Result<Option<Vec<u8>>> {
    let Some(live) = live_mut::<S>(&mut state) else { return Ok(None) };
    set_limit();
    live.state.settle().and_then(|()| live.state.encode()).map(Some).map_err(refused(aggregate))
}

/// Deserializes a state from another process. Declared STRICT.
pub fn deserialize<S: State>(
    aggregate: &'static str,
    bytes: &[u8],
    fcinfo: pg_sys::FunctionCallInfo,
) -> error::Result<Internal> {
    set_limit();
    let state = S::adopt(bytes).map_err(refused(aggregate))?;
    keep(Live { state, temporary: true }, fcinfo)
}

/// The result: the state's bytes as a value, NULL for no rows. The state is kept, so this may run again.
pub fn finish<S: State>(aggregate: &'static str, state: Internal) -> error::Result<Option<Value<'static, S>>> {
    Ok(encoded::<S>(aggregate, state)?.map(Value::from_bytes))
}

/// Merges a stored value into a state: the transition function of `rollup`.
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

/// Declares the functions that every stored value has: those of its aggregates except the transitions, and those of its
/// type. The names are written out because a macro cannot generate them.
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
            $crate::bridge::roll_up::<$state>(state, value, fcinfo)
        }

        #[pg_extern(immutable, parallel_safe)]
        fn $combine(
            into: pgrx::datum::Internal,
            from: pgrx::datum::Internal,
            fcinfo: pg_sys::FunctionCallInfo,
        ) -> $crate::error::Result<Option<pgrx::datum::Internal>> {
            $crate::bridge::combine::<$state>($name, into, from, fcinfo)
        }

        #[pg_extern(immutable, strict, parallel_safe)]
        fn $serialize(state: pgrx::datum::Internal) -> $crate::error::Result<Vec<u8>> {
            $crate::bridge::serialize::<$state>($name, state)
        }

        #[pg_extern(immutable, strict, parallel_safe)]
        fn $deserialize(
            bytes: &[u8],
            _unused: pgrx::datum::Internal,
            fcinfo: pg_sys::FunctionCallInfo,
        ) -> $crate::error::Result<pgrx::datum::Internal> {
            $crate::bridge::deserialize::<$state>($name, bytes, fcinfo)
        }

        #[pg_extern(immutable, parallel_safe)]
        fn $finish(
            state: pgrx::datum::Internal,
        ) -> $crate::error::Result<Option<$crate::stored::Value<'static, $state>>> {
            $crate::bridge::finish::<$state>($name, state)
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

/// What a call site in a query keeps from call to call until the query ends; empty at first. A function keeps one type of
/// value.
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

/// C code may call a function without an `FmgrInfo`.
#[cold]
fn called_from_nowhere<T>() -> T {
    let message = "this function can be called from SQL only";
    Err(ErrorReport::new(PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED, message, "user_metrics")).unwrap_or_report()
}
