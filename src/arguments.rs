//! Arguments and results as the executor passes them, read in place and in any encoding.
#![allow(unsafe_code)]

use crate::{encoding, time};
use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::direct_function_call_as_datum;
use pgrx::nullable::Nullable;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::prelude::*;
use pgrx::varlena;
use std::borrow::Cow;
use user_metrics_core::base::calendar::Micros;
use user_metrics_core::base::encoding::encoded;
use user_metrics_core::function::{Argument, Given, Type};
use user_metrics_core::{Error, Result};

/// Declares an argument type that is read in place, without the copies and checks of the general one.
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

/// A datum that has not been read yet.
struct Datum(pg_sys::Datum);

impl FromDatum for Datum {
    #[inline]
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, _: pg_sys::Oid) -> Option<Self> {
        (!is_null).then_some(Datum(datum))
    }
}

/// A `text` argument: its bytes, in any encoding, in place unless they are compressed or stored out of line.
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
    /// The text in UTF-8, as client applications see it. In a database without an encoding, the bytes unchanged.
    #[inline]
    pub fn utf8(self) -> Cow<'fcx, [u8]> {
        if self.0.is_ascii() || !encoding::converts() {
            return Cow::Borrowed(self.0);
        }
        Cow::Owned(encoding::decoded(self.0).into_owned().into_bytes())
    }
}

/// A `text` argument in UTF-8.
#[derive(Clone, Default)]
pub struct Text<'fcx>(pub Cow<'fcx, str>);

impl<'fcx> Text<'fcx> {
    /// The text of a datum.
    ///
    /// # Safety
    ///
    /// As of [`TextBytes::read`].
    pub unsafe fn read(datum: pg_sys::Datum) -> Self {
        // SAFETY: as promised by the caller.
        Text(encoding::decoded(unsafe { TextBytes::<'fcx>::read(datum) }.0))
    }
}

plain_argument!('fcx, Text<'fcx>, "text", |datum| Text::<'fcx>::read(datum));

/// A `text[]` argument, in any encoding and read in place: lists of users can have any length.
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

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, pgrx::Array::len)
    }

    /// The elements that are not NULL.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> + '_ {
        self.0.iter().flat_map(|texts| texts.iter()).flatten()
    }
}

plain_argument!('fcx, TextList<'fcx>, "text[]", |datum| TextList::<'fcx>::read(datum));

/// A `jsonb` argument as text: numbers beyond the range of a double, which a parsed form could not hold, can then be
/// rejected.
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
            JsonText(text.map_or(Cow::Borrowed("null"), |text| encoding::decoded(text.to_bytes())))
        }
    }
}

plain_argument!('fcx, JsonText<'fcx>, "jsonb", |datum| JsonText::<'fcx>::read(datum));

/// Declares an argument whose bytes are compared in every call, and which is read as a value only when they differ from
/// those of the previous call.
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

            /// Its bytes.
            #[inline]
            pub fn bytes(self) -> &'fcx [u8] {
                self.1
            }

            /// Its value.
            pub fn value(self) -> Option<$value> {
                // SAFETY: the datum is the argument of this call and of the type that is declared.
                self.0.and_then(|$datum| unsafe { $read })
            }
        }

        plain_argument!('fcx, $name<'fcx>, $sql, |datum| $name::<'fcx>::read_bytes(datum));
    };
}

seldom_read! {
    /// A `text[]` argument, in any encoding.
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
    /// A `jsonb` argument; its value is its text, in any encoding.
    Json, "jsonb", Vec<u8>, datum => {
        // few: a namespace
        pgrx::direct_function_call::<&std::ffi::CStr>(pg_sys::jsonb_out, &[Some(datum)]).map(|text| text.to_bytes().to_vec())
    }
}

/// A `text` result that is already in memory.
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

/// A `text` result in the encoding of the database.
pub struct ServerText(Vec<u8>);

impl ServerText {
    /// A text, or an error if the encoding lacks one of its characters.
    pub fn of(text: &str) -> Result<Self> {
        Ok(ServerText(encoded(text)?.into_owned()))
    }
}

impl IntoDatum for ServerText {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        // A text has the layout of the bytea that is made.
        self.0.into_datum()
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::TEXTOID
    }
}

// SAFETY: returns what `into_datum` makes.
unsafe impl BoxRet for ServerText {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> pgrx::datum::Datum<'fcx> {
        // SAFETY: as promised by the caller.
        unsafe { TextSlice(&self.0).box_into(fcinfo) }
    }
}

// SAFETY: the type is a result only, of exactly this SQL type.
unsafe impl SqlTranslatable for ServerText {
    const TYPE_IDENT: &'static str = "user_metrics::ServerText";
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: std::result::Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("text"));
    const RETURN_SQL: std::result::Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("text")));
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

/// The arguments of a call.
pub struct Arguments(pub pg_sys::FunctionCallInfo);

impl Arguments {
    /// An argument of a built-in type.
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

    /// An argument as passed; `None` for NULL.
    ///
    /// # Safety
    ///
    /// There must be such an argument.
    pub unsafe fn datum(&self, n: usize) -> Option<pg_sys::Datum> {
        // SAFETY: the executor hands over as many arguments as nargs says.
        let arguments = unsafe { self.0.as_ref()?.args.as_slice(usize::try_from((*self.0).nargs).unwrap_or(0)) };
        arguments.get(n).filter(|argument| !argument.isnull).map(|argument| argument.value)
    }

    /// A text in UTF-8, for as long as the memory context lives.
    ///
    /// # Safety
    ///
    /// There must be such an argument.
    pub unsafe fn text<'a>(&self, n: usize) -> Option<&'a str> {
        // SAFETY: as above.
        unsafe {
            self.datum(n).map(|datum| match Text::<'a>::read(datum).0 {
                Cow::Borrowed(text) => text,
                Cow::Owned(text) => encoding::kept(&text),
            })
        }
    }

    /// A list of texts in UTF-8.
    ///
    /// # Safety
    ///
    /// There must be such an argument.
    unsafe fn texts(&self, n: usize) -> Option<Vec<Option<String>>> {
        // SAFETY: as above.
        let texts = unsafe { self.read::<pgrx::Array<'_, &[u8]>>(n) }?;
        // few: texts of an argument
        Some(texts.iter().map(|text| text.map(|text| encoding::decoded(text).into_owned())).collect())
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

    /// An array of more than one dimension is rejected: its elements in a row would mean something else.
    ///
    /// # Safety
    ///
    /// There must be such an argument, and it must be an array.
    unsafe fn must_be_a_list(&self, name: &'static str, n: usize) -> Result<()> {
        // SAFETY: as above; the header of an array has the number of its dimensions.
        let dimensions = unsafe {
            self.datum(n)
                .map_or(0, |datum| (*pg_sys::pg_detoast_datum(datum.cast_mut_ptr()).cast::<pg_sys::ArrayType>()).ndim)
        };
        if dimensions <= 1 {
            return Ok(());
        }
        let given = format!("an array of {dimensions} dimensions");
        Err(Error::Argument { name, given, accepted: "an array of one dimension, such as {…,…}".to_owned() })
    }

    /// An argument as declared.
    ///
    /// # Safety
    ///
    /// There must be such an argument.
    pub unsafe fn given<'a>(&self, argument: &Argument, n: usize) -> Result<Option<Given<'a>>> {
        // SAFETY: as above.
        unsafe {
            if matches!(argument.kind, Type::Doubles | Type::Integers | Type::Texts) {
                self.must_be_a_list(argument.name, n)?;
            }
            Ok(match argument.kind {
                Type::Boolean => self.read(n).map(Given::Boolean),
                Type::Integer => self.read(n).map(Given::Integer),
                Type::Bigint => self.read(n).map(Given::Bigint),
                Type::Double => self.read(n).map(Given::Double),
                Type::Date => self.read::<Date>(n).map(|date| Given::Date(date.to_pg_epoch_days())),
                Type::Interval => self.read(n).map(time::interval).map(Given::Interval),
                Type::Doubles => self.read(n).map(Given::Doubles),
                Type::Text => self.text(n).map(Given::Text),
                Type::Integers => self.read(n).map(Given::Integers),
                Type::Texts => self.texts(n).map(Given::Texts),
                Type::Json => self.json(n).map(Given::Json),
                Type::Relation => self.datum(n).map(|source| Given::Relation(source.value() as u32)),
                // No argument has one of these types.
                Type::Instant | Type::Booleans => None,
            })
        }
    }
}
