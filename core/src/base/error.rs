//! Every way an input can be refused, as data. The glue words it, gives it an SQLSTATE and a hint.

/// The result of everything here that can be refused.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an input was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The states of this backend together would outgrow `limit` bytes, or the allocator had no more to give.
    OutOfMemory {
        /// The bytes the states may hold together.
        limit: usize,
    },
    /// Bytes that are no value of the expected kind: cut short, damaged or made up.
    Corrupt {
        /// What was found wrong.
        what: &'static str,
    },
    /// Bytes of a value written by a release this one does not know.
    UnknownVersion {
        /// The version byte found.
        given: u8,
    },
    /// Two values cannot be merged because they count different things.
    Mixed {
        /// What differs, such as `time zones`.
        what: &'static str,
        /// The one side.
        ours: String,
        /// The other side.
        theirs: String,
    },
    /// An argument outside what is accepted.
    Argument {
        /// The argument's name as the caller writes it.
        name: &'static str,
        /// What was given.
        given: String,
        /// What is accepted, in words.
        accepted: String,
    },
    /// An argument that is NULL and must not be.
    Null {
        /// The argument's name as the caller writes it.
        name: &'static str,
        /// What to give, as a sentence.
        accepted: &'static str,
    },
    /// A log lacks a column that an analysis needs.
    NoColumn {
        /// What it is needed for beyond the function itself, such as ` by model`; may be empty.
        purpose: String,
        /// The canonical column or the name the caller gave.
        column: String,
        /// The canonical column that would have to be mapped.
        mapped: &'static str,
        /// The log, as SQL writes its name.
        source: String,
    },
    /// A column has a type that cannot serve.
    ColumnType {
        /// The column as the log names it.
        column: String,
        /// The log, as SQL writes its name.
        source: String,
        /// Its type.
        found: String,
        /// What to do instead, as a sentence.
        accepted: String,
    },
    /// A value larger than a PostgreSQL datum can be.
    TooLarge {
        /// The bytes it would take.
        bytes: usize,
    },
}

impl Error {
    /// An argument that is none of a list of words.
    pub fn not_one_of(name: &'static str, given: &str, accepted: &[&str]) -> Self {
        Error::Argument { name, given: given.to_owned(), accepted: format!("one of {}", accepted.join(", ")) }
    }
}
