//! One user's profile, as a row and as JSON.

use crate::function::Function;

pub(crate) mod figures;
pub(crate) mod portrait;
pub mod user_metrics_row;
pub mod user_profile;

/// The functions that return it.
pub const FUNCTIONS: &[&Function] = &[&user_profile::FUNCTION, &user_metrics_row::FUNCTION];

/// A duration as text: whole seconds below a minute, whole minutes below an hour, then hours and minutes.
///
/// ```
/// # use user_metrics_core::users::profile::in_words;
/// assert_eq!(in_words(1.0), "1 second");
/// assert_eq!(in_words(59.6), "1 minute");
/// assert_eq!(in_words(720.0), "12 minutes");
/// assert_eq!(in_words(3600.0 + 300.0), "1 hour 5 minutes");
/// ```
pub fn in_words(seconds: f64) -> String {
    let count = |many: u64, unit: &str| format!("{many} {unit}{}", if many == 1 { "" } else { "s" });
    let seconds = seconds.max(0.0).round() as u64;
    if seconds < 60 {
        return count(seconds, "second");
    }
    let minutes = (seconds + 30) / 60;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => count(minutes, "minute"),
        (hours, 0) => count(hours, "hour"),
        (hours, minutes) => format!("{} {}", count(hours, "hour"), count(minutes, "minute")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_round_to_what_is_said() {
        for (seconds, words) in [
            (0.0, "0 seconds"),
            (59.4, "59 seconds"),
            (89.0, "1 minute"),
            (90.0, "2 minutes"),
            (3569.0, "59 minutes"),
            (3570.0, "1 hour"),
            (86_400.0, "24 hours"),
            (7260.0, "2 hours 1 minute"),
        ] {
            assert_eq!(in_words(seconds), words, "{seconds}");
        }
    }
}
