//! Lengths of time as callers write them in JSON.

/// A length such as `14 days`, in seconds: a whole number above 0 of seconds, minutes, hours, days or weeks.
pub fn seconds(text: &str) -> Option<i64> {
    let (number, unit) = text.trim().split_once(' ')?;
    let number: i64 = number.parse().ok().filter(|number| *number > 0)?;
    let unit = match unit.trim().trim_end_matches('s') {
        "second" => 1,
        "minute" => 60,
        "hour" => 3600,
        "day" => 86_400,
        "week" => 604_800,
        _ => return None,
    };
    // At most a century, so that adding it to an instant cannot overflow.
    number.checked_mul(unit).filter(|seconds| *seconds <= 3_155_760_000)
}
