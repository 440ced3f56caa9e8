//! Whether a request was answered, as far as its status and its error tell.

use super::told::is_told;

/// Words of a status for an answer, lower case. `unset` is what OpenTelemetry's instrumentation leaves on a span that went
/// well, <https://opentelemetry.io/docs/concepts/signals/traces/#span-status>; `normal` is Dify's word.
const ANSWERED: [&str; 13] = [
    "success",
    "succeeded",
    "successful",
    "ok",
    "normal",
    "completed",
    "complete",
    "done",
    "finished",
    "unset",
    "status_code_ok",
    "status_code_unset",
    "true",
];

/// Words of a status for a failure, lower case.
const FAILED: [&str; 14] = [
    "failure",
    "failed",
    "fail",
    "error",
    "errored",
    "exception",
    "status_code_error",
    "timeout",
    "timed_out",
    "rejected",
    "denied",
    "blocked",
    "rate_limited",
    "false",
];

/// Parts of an error that say that the user did not wait for the answer, lower case without spaces and underscores.
const LEFT: [&str; 6] = ["clientdisconnect", "clientclosed", "cancelled", "canceled", "abort", "hungup"];

/// Whether an HTTP status is an answer: 200 to 299 are, 400 to 599 are failures, and any other number does not tell.
///
/// ```
/// # use user_metrics_core::base::outcome::of_code;
/// assert_eq!((of_code(204), of_code(429), of_code(0), of_code(302)), (Some(true), Some(false), None, None));
/// ```
#[inline]
pub fn of_code(code: i64) -> Option<bool> {
    match code {
        200..=299 => Some(true),
        // The client closed the request.
        499 => None,
        400..=599 => Some(false),
        _ => None,
    }
}

/// Whether a status is an answer, as a code or a word, regardless of case. A word that is not known does not tell.
///
/// ```
/// # use user_metrics_core::base::outcome::of_status;
/// assert_eq!((of_status(b"204"), of_status(b"OK"), of_status(b"UNSET")), (Some(true), Some(true), Some(true)));
/// assert_eq!((of_status(b"500"), of_status(b"Failure"), of_status(b"STATUS_CODE_ERROR")), (Some(false), Some(false), Some(false)));
/// assert_eq!((of_status(b"cancelled"), of_status(b"2xx"), of_status(b""), of_status(b"pending")), (None, None, None, None));
/// ```
pub fn of_status(status: &[u8]) -> Option<bool> {
    let status = status.trim_ascii();
    if let Some(code) = std::str::from_utf8(status).ok().and_then(|digits| digits.parse().ok()) {
        return of_code(code);
    }
    let is = |words: &[&str]| words.iter().any(|word| status.eq_ignore_ascii_case(word.as_bytes()));
    if is(&ANSWERED) { Some(true) } else { is(&FAILED).then_some(false) }
}

/// Whether a request was answered, of which an error is reported. A user who did not wait for the answer is no failure.
///
/// ```
/// # use user_metrics_core::base::outcome::of_error;
/// assert_eq!((of_error(b"RateLimitError"), of_error(b"ClientDisconnected"), of_error(b"499")), (Some(false), None, None));
/// ```
pub fn of_error(error: &[u8]) -> Option<bool> {
    let letters = error.iter().take(200).filter(|byte| !matches!(byte, b' ' | b'_' | b'-'));
    let error: Vec<u8> = letters.map(u8::to_ascii_lowercase).collect(); // few: an error's first words
    let says = |part: &str| error.windows(part.len()).any(|window| window == part.as_bytes());
    (!LEFT.iter().any(|part| says(part)) && error != b"499").then_some(false)
}

/// Whether a request was answered, by what its status tells and by its error, if the log has one. An error that is told
/// decides. Without a status, a request without an error was answered.
pub fn answered(status: Option<Option<bool>>, error: Option<&[u8]>) -> Option<bool> {
    match (error.filter(|error| is_told(error)), status) {
        (Some(error), _) => of_error(error),
        (None, Some(status)) => status,
        (None, None) => Some(true),
    }
}
