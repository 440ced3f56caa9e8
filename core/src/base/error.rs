//! Every error of core, as data. The glue adds message, SQLSTATE and hint.

/// The result of functions that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// The reason of an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The states of this backend together would exceed `limit` bytes, or the allocator failed.
    OutOfMemory {
        /// The most bytes that the states may hold together.
        limit: usize,
    },
    /// Bytes that are not a value of the expected kind: truncated, damaged or forged.
    Corrupt {
        /// What is invalid.
        what: &'static str,
    },
    /// A value written by an unknown version.
    UnknownVersion {
        /// The version byte found.
        given: u8,
    },
    /// Two values cannot be merged because they have different definitions.
    Mixed {
        /// What differs, such as `time zones`.
        what: &'static str,
        /// One side.
        ours: String,
        /// The other side.
        theirs: String,
    },
    /// An invalid argument.
    Argument {
        /// The name of the argument.
        name: &'static str,
        /// The value given.
        given: String,
        /// The accepted values, as text.
        accepted: String,
    },
    /// A required argument that is NULL.
    Null {
        /// The name of the argument.
        name: &'static str,
        /// What to pass, as a sentence.
        accepted: &'static str,
    },
    /// The log lacks a required column.
    NoColumn {
        /// What needs it besides the function itself, such as ` by model`; may be empty.
        purpose: String,
        /// The canonical column or the name given by the caller.
        column: String,
        /// The canonical column to be mapped.
        mapped: &'static str,
        /// The log, by its SQL name.
        source: String,
        /// Columns of the log that the caller could name instead; empty if the name is not the caller's.
        instead: Vec<String>,
    },
    /// A column has an unsuitable type.
    ColumnType {
        /// The name of the column in the log.
        column: String,
        /// The log, by its SQL name.
        source: String,
        /// Its type.
        found: String,
        /// What to do instead, as a sentence.
        accepted: String,
    },
    /// Rows about single users, where groups as small must not be shown.
    SingleUsers {
        /// What to do instead, as a sentence.
        instead: &'static str,
    },
    /// A text with a character that the encoding of the log lacks.
    NotEncodable {
        /// The text.
        text: String,
    },
    /// A value larger than a PostgreSQL datum can be.
    TooLarge {
        /// Its size in bytes.
        bytes: usize,
    },
}

impl Error {
    /// An argument that is not in a list of keywords.
    pub fn not_one_of(name: &'static str, given: &str, accepted: &[&str]) -> Self {
        Error::Argument { name, given: given.to_owned(), accepted: format!("one of {}", accepted.join(", ")) }
    }
}
