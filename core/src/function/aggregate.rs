//! An aggregate that makes a value of requests: one declaration for all types of user ids and of times.

use super::Type;

/// An aggregate over requests.
pub struct Aggregate {
    /// Its name.
    pub name: &'static str,
    /// The name of the value's type, which begins those of the functions that combine and finish its states.
    pub value: &'static str,
    /// The module of the glue that reads a row.
    pub module: &'static str,
    /// Whether it is machinery, which no caller sees.
    pub is_internal: bool,
    /// STABLE where it reads settings, IMMUTABLE where it does not.
    pub volatility: &'static str,
    /// What it can be given.
    pub forms: &'static [Form],
}

/// One set of arguments.
pub struct Form {
    /// Those behind user and time.
    pub arguments: &'static [(&'static str, Type)],
    /// What it gives.
    pub about: &'static str,
}

/// The types of user ids.
pub(crate) const USERS: [&str; 3] = ["text", "uuid", "bigint"];
/// The types of times, and what is to be said of them.
pub(crate) const TIMES: [(&str, &str); 2] =
    [("timestamptz", ""), ("timestamp", "; timestamps without time zone are read as UTC")];
