//! The result of a function: columns, and rows of cells.

use super::Type;
use crate::base::calendar::Micros;
use crate::base::days::Day;
use crate::base::error::Result;

/// A column of a function's result.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Type,
    /// Its description, unit, and when it is NULL.
    pub about: &'static str,
    /// The columns that count the users described by the value: if one of them is below the administrator's minimum, and not
    /// 0, the value is hidden.
    pub users: &'static [&'static str],
}

/// A column that does not describe users, or whose values may always be shown.
pub const fn column(name: &'static str, kind: Type, about: &'static str) -> Column {
    Column { name, kind, about, users: &[] }
}

/// A column whose values describe the users counted by other columns.
pub const fn column_about(
    users: &'static [&'static str],
    name: &'static str,
    kind: Type,
    about: &'static str,
) -> Column {
    Column { name, kind, about, users }
}

/// A value of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// NULL.
    Null,
    /// A boolean.
    Boolean(bool),
    /// An integer.
    Integer(i32),
    /// A bigint.
    Bigint(i64),
    /// A double.
    Double(f64),
    /// A text.
    Text(&'a str),
    /// A date.
    Date(Day),
    /// An instant.
    Instant(Micros),
    /// A text in the encoding of the log.
    Bytes(&'a [u8]),
    /// JSON as text.
    Json(&'a str),
}

impl From<bool> for Cell<'_> {
    fn from(value: bool) -> Self {
        Cell::Boolean(value)
    }
}

impl From<i32> for Cell<'_> {
    fn from(value: i32) -> Self {
        Cell::Integer(value)
    }
}

impl From<u64> for Cell<'_> {
    fn from(value: u64) -> Self {
        Cell::Bigint(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<f64> for Cell<'_> {
    fn from(value: f64) -> Self {
        Cell::Double(value)
    }
}

impl<'a> From<&'a [u8]> for Cell<'a> {
    fn from(value: &'a [u8]) -> Self {
        Cell::Bytes(value)
    }
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(value: &'a str) -> Self {
        Cell::Text(value)
    }
}

impl<'a, T: Into<Cell<'a>>> From<Option<T>> for Cell<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Cell::Null, Into::into)
    }
}

/// A rate or an estimate with its bounds, as three cells.
pub fn with_bounds<'a>(estimate: Option<(f64, f64, f64)>) -> [Cell<'a>; 3] {
    estimate.map_or([Cell::Null; 3], |(value, low, high)| [value.into(), low.into(), high.into()])
}

/// The output of rows.
pub trait Rows {
    /// Adds a row.
    fn row(&mut self, cells: &mut [Cell<'_>]) -> Result<()>;

    /// Sends the caller a notice with a hint.
    fn notice(&mut self, _message: &str, _hint: &str) {}
}
