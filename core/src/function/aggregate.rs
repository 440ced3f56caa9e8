//! Declaration of aggregates that build a value from requests: one for all types of user id and time.

use super::Type;

/// An aggregate over requests.
pub struct Aggregate {
    /// Its name.
    pub name: &'static str,
    /// The name of the value's type, with which the names of its combine and final functions begin.
    pub value: &'static str,
    /// The module of the glue that reads rows.
    pub module: &'static str,
    /// Whether it is internal and hidden from callers.
    pub is_internal: bool,
    /// STABLE if it reads settings, otherwise IMMUTABLE.
    pub volatility: &'static str,
    /// Its argument lists.
    pub forms: &'static [Form],
}

/// One argument list.
pub struct Form {
    /// The arguments after user and time.
    pub arguments: &'static [(&'static str, Type)],
    /// What it returns.
    pub about: &'static str,
}

/// The types of user ids.
pub(crate) const USERS: [&str; 3] = ["text", "uuid", "bigint"];
/// The types of times, and their descriptions.
pub(crate) const TIMES: [(&str, &str); 2] =
    [("timestamptz", ""), ("timestamp", "; timestamps without time zone are read as UTC")];
