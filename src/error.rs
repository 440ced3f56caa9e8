//! Errors of core with their SQLSTATE, message and hint. No other module words them.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use user_metrics_core::{Error, source::literal};

/// What functions called from SQL return.
pub type Result<T> = std::result::Result<T, ErrorReport>;

/// An error with the given wording, for cases unknown to core.
pub fn report(code: PgSqlErrorCode, message: String, hint: impl Into<String>) -> ErrorReport {
    let report = ErrorReport::new(code, message, "user_metrics").set_hint(hint.into());
    crate::encoding::begin_message(report.message(), report.hint().unwrap_or_default());
    report
}

/// Tells the caller that a log has requests, but none of a user who counts.
pub fn notice_of_nobody(function: &str, source: &str) {
    notice(
        format!("{function}: every request read from {source} is left out because of its user or its time"),
        &format!(
            "SELECT * FROM user_metrics.describe_source({0}) tells which; if another column has the users, map it with \
             user_metrics.attach({0}, columns => '{{\"user_id\": \"…\"}}').",
            literal(source)
        ),
    );
}

/// Sends the caller a notice.
pub fn notice(message: String, hint: &str) {
    report(PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION, message, hint).report(PgLogLevel::NOTICE);
    crate::encoding::end_message();
}

/// The beginning of an argument that is too long for a message.
fn shortened(given: &str) -> std::borrow::Cow<'_, str> {
    match given.char_indices().nth(LONGEST_SHOWN) {
        Some((end, _)) => format!("{}…", &given[..end]).into(),
        None => given.into(),
    }
}

/// The number of characters of an argument shown in a message.
const LONGEST_SHOWN: usize = 400;

/// Words an error on behalf of the SQL function `function`.
pub fn refused(function: &'static str) -> impl Fn(Error) -> ErrorReport {
    refused_input(function, PgSqlErrorCode::ERRCODE_DATA_CORRUPTED)
}

/// As [`refused`], for bytes sent by a client: invalid ones do not mean that the database is damaged.
pub fn refused_input(function: &'static str, unreadable: PgSqlErrorCode) -> impl Fn(Error) -> ErrorReport {
    move |error| match error {
        Error::OutOfMemory { limit } => report(
            PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY,
            format!("{function}: states would outgrow user_metrics.max_state_memory ({} kB)", limit / 1024),
            "Raise user_metrics.max_state_memory, or count fewer users or groups at a time (since, until, filter).",
        ),
        Error::Corrupt { what } => report(
            unreadable,
            format!("{function}: these bytes are no valid value: {what}"),
            "Pass a value that an aggregate of user_metrics made; rebuild a damaged one from the log.",
        ),
        Error::UnknownVersion { given } => report(
            PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            format!("{function}: a value of layout version {given} is not known to this release"),
            "It was written by a newer release of user_metrics: install that release and run ALTER EXTENSION user_metrics UPDATE.",
        ),
        Error::Mixed { what, ours, theirs } => report(
            PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
            format!("{function}: cannot merge values of different {what}: \"{ours}\" and \"{theirs}\""),
            match what {
                "funnels" => {
                    "Give every row, and every value that is merged, the same number of steps, window and mode."
                }
                _ => {
                    "Merge only values built with the same time zone or session limits, over user ids of the same type."
                }
            },
        ),
        Error::Argument { name, given, accepted } => report(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("{function}: argument \"{name}\" cannot be \"{}\"", shortened(&given)),
            format!("Give {accepted}."),
        ),
        Error::Null { name, accepted } => report(
            PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            format!("{function}: argument \"{name}\" cannot be NULL"),
            accepted,
        ),
        Error::SingleUsers { instead } => report(
            PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            format!("{function}: rows about single users are not shown while user_metrics.min_group_size is above 1"),
            instead,
        ),
        Error::NotEncodable { text } => report(
            PgSqlErrorCode::ERRCODE_UNTRANSLATABLE_CHARACTER,
            format!("{function}: \"{}\" cannot be written in {}", shortened(&text), crate::encoding::name()),
            "Use characters that the encoding of this database has, or a database in UTF8.",
        ),
        Error::TooLarge { bytes } => report(
            PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
            format!("{function}: the value would take {bytes} bytes, and PostgreSQL holds values below 1 GB"),
            "Split the users, for example with \"by\" or a filter, and read each part's value.",
        ),
        Error::NoColumn { purpose, column, mapped, source, instead } => {
            let map = format!(
                "map one with user_metrics.attach({}, columns => {})",
                literal(&source),
                literal(&format!("{{\"{mapped}\": \"…\"}}"))
            );
            let hint = match instead.is_empty() {
                true => map,
                false => format!("give a column of {source}, which are {}; or {map}", instead.join(", ")),
            };
            report(
                PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN,
                format!("{function}{purpose} needs a column \"{column}\", and {source} has none"),
                hint,
            )
        }
        Error::ColumnType { column, source, found, accepted } => report(
            PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
            format!("{function}: column \"{column}\" of {source} is of type {found}, which cannot serve"),
            accepted,
        ),
    }
}
