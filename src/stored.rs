//! A [`State`] as a column type: a varlena that holds its encoded bytes, with input, output, receive and send.
//!
//! The text form is that of `bytea` in hex. Input is decoded completely before it is accepted, so a value in a table can
//! always be read.
#![allow(unsafe_code)]

use crate::bridge::set_limit;
use crate::error::{self, refused, refused_input};
use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::datum::{Datum, Internal};
use pgrx::nullable::Nullable;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::prelude::*;
use std::borrow::Cow;
use std::ffi::CStr;
use std::marker::PhantomData;
use user_metrics_core::Error;
use user_metrics_core::base::memory;
use user_metrics_core::base::state::State;

/// A state with an SQL type.
pub trait Stored: State {
    /// The type's name in SQL.
    const SQL_NAME: &'static str;
    /// The same for pgrx, which requires it to be unique.
    const IDENTITY: &'static str;
}

/// A stored value as an argument or a result; its bytes are read in place.
pub struct Value<'a, S> {
    bytes: Cow<'a, [u8]>,
    of: PhantomData<S>,
}

impl<'a, S> Value<'a, S> {
    /// A value from the bytes of an encoded state.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Value { bytes: Cow::Owned(bytes), of: PhantomData }
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

// SAFETY: the SQL type is the one the extension creates under this name, over the functions below.
unsafe impl<S: Stored> SqlTranslatable for Value<'_, S> {
    const TYPE_IDENT: &'static str = S::IDENTITY;
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::As(S::SQL_NAME));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> = Ok(ReturnsRef::One(SqlMappingRef::As(S::SQL_NAME)));
}

impl<'a, S> Value<'a, S> {
    unsafe fn read(arg: Arg<'_, 'a>) -> Option<Self> {
        // SAFETY: the datum is a varlena; it, or its detoasted copy, lives as long as the call.
        let bytes = unsafe { arg.unbox_arg_using_from_datum::<&'a [u8]>() }?;
        Some(Value { bytes: Cow::Borrowed(bytes), of: PhantomData })
    }
}

// SAFETY: reads a varlena argument and borrows it for the call.
unsafe impl<'fcx, S> ArgAbi<'fcx> for Value<'fcx, S> {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: as promised by the caller; a NULL would be an empty value, which nothing accepts.
        unsafe { Self::read(arg) }.unwrap_or(Value { bytes: Cow::Borrowed(&[]), of: PhantomData })
    }

    unsafe fn unbox_nullable_arg(arg: Arg<'_, 'fcx>) -> Nullable<Self> {
        // SAFETY: as promised by the caller.
        unsafe { Self::read(arg) }.into()
    }
}

// SAFETY: returns a varlena in the caller's memory context, laid out as bytea.
unsafe impl<S> BoxRet for Value<'_, S> {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        // SAFETY: as promised by the caller.
        unsafe { (&*self.bytes).box_into(fcinfo) }
    }
}

/// Decodes a whole value to check that it is valid.
fn checked<S: Stored>(bytes: Vec<u8>) -> Result<Value<'static, S>, Error> {
    set_limit();
    S::decode(&bytes)?;
    Ok(Value::from_bytes(bytes))
}

/// The type's input function.
pub fn input<S: Stored>(name: &'static str, text: &CStr) -> error::Result<Value<'static, S>> {
    let digits =
        text.to_bytes().strip_prefix(b"\\x").ok_or(Error::Corrupt { what: "text that does not begin with \\x" });
    let bytes = digits.and_then(from_hex).and_then(checked);
    bytes.map_err(refused_input(name, PgSqlErrorCode::ERRCODE_INVALID_TEXT_REPRESENTATION))
}

/// A text for a client, written into PostgreSQL's memory: running out of memory there is an ERROR, whereas a failed
/// allocation in Rust aborts the process and with it every session.
pub struct Hex(pg_sys::Datum);

/// The largest allocation that PostgreSQL permits.
const MOST_ALLOCATED: usize = 0x3fff_ffff;

/// The type's output function.
pub fn output<S: Stored>(name: &'static str, value: &Value<'_, S>) -> error::Result<Hex> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let bytes = value.bytes();
    let length = 2 * bytes.len() + b"\\x\0".len();
    if length > MOST_ALLOCATED {
        return Err(refused(name)(Error::TooLarge { bytes: length }));
    }
    // SAFETY: the memory is ours, as long as it was asked for, and written to its last byte before it is read.
    unsafe {
        let text = pg_sys::palloc(length).cast::<u8>();
        text.copy_from(b"\\x".as_ptr(), 2);
        for (from, piece) in (0..).step_by(memory::POLL_EVERY).zip(bytes.chunks(memory::POLL_EVERY)) {
            memory::poll();
            let to = std::slice::from_raw_parts_mut(text.add(2 + 2 * from), 2 * piece.len());
            for (pair, byte) in to.as_chunks_mut::<2>().0.iter_mut().zip(piece) {
                *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
            }
        }
        text.add(length - 1).write(0);
        Ok(Hex(pg_sys::Datum::from(text)))
    }
}

// SAFETY: the datum is a text that ends with a zero, as a cstring does.
unsafe impl SqlTranslatable for Hex {
    const TYPE_IDENT: &'static str = "user_metrics::Hex";
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Err(ArgumentError::Datum);
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> = Ok(ReturnsRef::One(SqlMappingRef::literal("cstring")));
}

// SAFETY: returns what `output` made in the caller's memory context.
unsafe impl BoxRet for Hex {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        // SAFETY: as promised by the caller.
        unsafe { fcinfo.return_raw_datum(self.0) }
    }
}

/// A value's bytes for a client: the result of the type's send function, copied once, into PostgreSQL's memory.
pub struct Bytes<'a>(Cow<'a, [u8]>);

impl<'a, S> From<Value<'a, S>> for Bytes<'a> {
    fn from(value: Value<'a, S>) -> Self {
        Bytes(value.bytes)
    }
}

// SAFETY: the datum is a varlena of bytes, as a bytea is.
unsafe impl SqlTranslatable for Bytes<'_> {
    const TYPE_IDENT: &'static str = "user_metrics::Bytes";
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Err(ArgumentError::Datum);
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> = Ok(ReturnsRef::One(SqlMappingRef::literal("bytea")));
}

// SAFETY: returns a varlena in the caller's memory context.
unsafe impl BoxRet for Bytes<'_> {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        // SAFETY: as promised by the caller.
        unsafe { (&*self.0).box_into(fcinfo) }
    }
}

/// The type's receive function: the value is the rest of the message.
pub fn receive<S: Stored>(name: &'static str, message: Internal) -> error::Result<Value<'static, S>> {
    // SAFETY: PostgreSQL calls receive functions with the message it reads from.
    let message = unsafe { message.unwrap().map(|d| &mut *d.cast_mut_ptr::<pg_sys::StringInfoData>()) };
    let bytes = message.and_then(|m| {
        let (from, until) = (usize::try_from(m.cursor).ok()?, usize::try_from(m.len).ok()?);
        m.cursor = m.len;
        // SAFETY: a message holds `len` bytes at `data`.
        unsafe { std::slice::from_raw_parts(m.data.cast::<u8>(), until) }.get(from..)
    });
    let value = bytes.ok_or(Error::Corrupt { what: "no bytes" }).and_then(copied).and_then(checked);
    value.map_err(refused_input(name, PgSqlErrorCode::ERRCODE_INVALID_BINARY_REPRESENTATION))
}

fn with_room(bytes: usize) -> Result<Vec<u8>, Error> {
    let mut vec = Vec::new();
    vec.try_reserve_exact(bytes).map_err(|_| memory::out_of_memory())?;
    Ok(vec)
}

fn copied(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut copy = with_room(bytes.len())?;
    copy.extend_from_slice(bytes);
    Ok(copy)
}

fn from_hex(digits: &[u8]) -> Result<Vec<u8>, Error> {
    let digit = |d: u8| char::from(d).to_digit(16).map(|d| d as u8).ok_or(Error::Corrupt { what: "not a hex digit" });
    let mut bytes = with_room(digits.len() / 2)?;
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(Error::Corrupt { what: "an odd number of hex digits" });
    }
    for [high, low] in pairs {
        bytes.push(digit(*high)? << 4 | digit(*low)?);
    }
    Ok(bytes)
}
