//! The row of an aggregate's transition function as the executor passes it, read in place whatever the types of user id and
//! time. The types are determined from the call, once, when the state is created.
#![allow(unsafe_code)]

use crate::arguments::TextBytes;
use crate::bridge;
use pgrx::datum::Internal;
use pgrx::prelude::*;
use user_metrics_core::base::calendar::Micros;
use user_metrics_core::base::state::State;
use user_metrics_core::base::user_table::{UserKey, UserKind};
use user_metrics_core::{Error, Result};

/// Declares the C functions of transitions: a symbol, the symbol of its `pg_finfo` record, and the module that accumulates
/// rows.
macro_rules! transitions {
    ($($symbol:ident, $finfo:ident: $($module:ident)::+;)*) => {
        $crate::c_functions! {
            $($symbol, $finfo: $crate::transition::call, $crate::$($module)::+::NAME, $crate::$($module)::+::begin,
                $crate::$($module)::+::step;)*
        }
    };
}
pub(crate) use transitions;

/// The arguments of a transition: the state, the user, the time, and the aggregate's further ones.
#[derive(Clone, Copy)]
pub struct Row<'fcx> {
    call: &'fcx pg_sys::FunctionCallInfoBaseData,
}

/// The position of the user id among the arguments.
const USER: usize = 1;
/// The position of the time.
const TIME: usize = 2;
/// The position of the first further argument.
const FURTHER: usize = 3;

impl<'fcx> Row<'fcx> {
    #[inline]
    fn datum(self, n: usize) -> Option<pg_sys::Datum> {
        // SAFETY: the executor hands over as many arguments as nargs says.
        let arguments = unsafe { self.call.args.as_slice(usize::try_from(self.call.nargs).unwrap_or(0)) };
        arguments.get(n).filter(|argument| !argument.isnull).map(|argument| argument.value)
    }

    /// Whether there are arguments after user and time.
    #[inline]
    pub fn has_further(self) -> bool {
        self.call.nargs > FURTHER as i16
    }

    /// The type of the user id in this call.
    pub fn user_kind(self) -> Result<UserKind> {
        // SAFETY: asks for the type of an argument of this call.
        match unsafe { pg_sys::get_fn_expr_argtype(self.call.flinfo, USER as i32) } {
            pg_sys::TEXTOID => Ok(UserKind::Text),
            pg_sys::UUIDOID => Ok(UserKind::Uuid),
            pg_sys::INT8OID => Ok(UserKind::Bigint),
            _ => Err(Error::Corrupt { what: "a type of user ids that has no keys" }),
        }
    }

    /// The user; `None` for NULL and for a blank id.
    #[inline]
    pub fn user(self, kind: UserKind) -> Option<UserKey> {
        let datum = self.datum(USER)?;
        match kind {
            // SAFETY: the argument is a text, as user_kind saw.
            UserKind::Text => UserKey::text(unsafe { TextBytes::<'fcx>::read(datum) }.0),
            // SAFETY: the argument is a uuid, which is 16 bytes.
            UserKind::Uuid => Some(UserKey::uuid(unsafe { datum.cast_mut_ptr::<[u8; 16]>().read_unaligned() })),
            UserKind::Bigint => Some(UserKey::bigint(datum.value() as i64)),
        }
    }

    /// The time, infinities included; a timestamp without time zone is taken as UTC.
    #[inline]
    pub fn instant(self) -> Option<Micros> {
        self.datum(TIME).map(|datum| datum.value() as Micros)
    }

    /// A text argument after user and time, numbered from 0.
    #[inline]
    pub fn text(self, n: usize) -> Option<&'fcx [u8]> {
        // SAFETY: the declaration of the aggregate has a text there.
        self.datum(FURTHER + n).map(|datum| unsafe { TextBytes::<'fcx>::read(datum) }.0)
    }

    /// A double after user and time.
    #[inline]
    pub fn double(self, n: usize) -> Option<f64> {
        self.datum(FURTHER + n).map(|datum| f64::from_bits(datum.value() as u64))
    }

    /// A boolean after user and time.
    #[inline]
    pub fn boolean(self, n: usize) -> Option<bool> {
        self.datum(FURTHER + n).map(|datum| datum.value() as u8 != 0)
    }

    /// A list of booleans after user and time.
    #[inline]
    pub fn booleans(self, n: usize) -> Option<pgrx::Array<'fcx, bool>> {
        // SAFETY: the declaration of the aggregate has a boolean[] there.
        self.datum(FURTHER + n).and_then(|datum| unsafe { pgrx::Array::from_datum(datum, false) })
    }

    /// An interval after user and time.
    #[inline]
    pub fn interval(self, n: usize) -> Option<Interval> {
        // SAFETY: the declaration of the aggregate has an interval there.
        self.datum(FURTHER + n).and_then(|datum| unsafe { Interval::from_datum(datum, false) })
    }
}

/// One call: `begin` creates the state for a group's first row, `step` adds a row.
///
/// # Safety
///
/// `fcinfo` must be that of a call of a transition function of the aggregate `name`, whose state is `S`.
#[inline]
pub unsafe fn call<S: State>(
    fcinfo: pg_sys::FunctionCallInfo,
    name: &'static str,
    begin: impl FnOnce(Row<'_>) -> Result<S>,
    step: impl FnOnce(&mut S, Row<'_>) -> Result<()>,
) -> pg_sys::Datum {
    // SAFETY: as promised by the caller; what it points to lives as long as the call.
    let row = Row { call: unsafe { &*fcinfo } };
    let state = Internal::from(row.datum(0));
    let state = bridge::transition(name, state, fcinfo, || begin(row), |state| step(state, row));
    state.unwrap().unwrap_or(pg_sys::Datum::null())
}
