//! One user's profile as JSON. The figures are SQL's; here they get their shape and their words.
//!
//! ```json
//! {"user_behavior": {"avg_requests_per_day": 12.5, "peak_usage_hours": [9, 14, 16], "session_length_avg": "12 minutes",
//!                    "favorite_features": ["chat"], "model_preferences": ["gpt-4o"]},
//!  "segment": "power",
//!  "preferences": {"prefers_speed": true, "prefers_quality": false, "preferred_models": ["gpt-4o"]},
//!  "benchmark": {"requests_per_day": {"value": 3.2, "peer_median": 1.5, "percentile": 0.84, "peer_users": 402}}}
//! ```

use crate::error::{Error, Result};
use crate::function::Function;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub mod user_figures;

/// The functions that tell what it is made of.
pub const FUNCTIONS: &[&Function] = &[&user_figures::FUNCTION];

/// A user's figures, as SQL hands them over.
#[derive(Clone, Debug, Deserialize)]
pub struct Figures {
    /// Requests per day on which there were any.
    pub requests_per_active_day: Option<f64>,
    /// The hours of the local clock at which the user asks most, the busiest first.
    pub peak_hours: Option<Vec<i32>>,
    /// How long a session that is over took, on average, in seconds.
    pub session_mean_seconds: Option<f64>,
    /// The features used most, the most used first.
    pub favorite_features: Option<Vec<String>>,
    /// The models used most, the most used first.
    pub model_preferences: Option<Vec<String>>,
    /// The segment; `None` where the other users were not read.
    pub segment: Option<String>,
    /// Whether the user takes a faster model where a better one is to be had; `None` where too little shows it.
    pub prefers_speed: Option<bool>,
    /// Whether it is the other way round.
    pub prefers_quality: Option<bool>,
    /// The models to offer, in order.
    pub preferred_models: Option<Vec<String>>,
}

/// A figure beside those of the user's peers.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Metric {
    /// Its name.
    #[serde(skip_serializing)]
    pub metric: String,
    /// The user's own.
    pub value: Option<f64>,
    /// The median of the peers.
    pub peer_median: Option<f64>,
    /// The share of the peers who have less.
    pub percentile: Option<f64>,
    /// How many peers there are.
    pub peer_users: Option<u64>,
}

#[derive(Serialize)]
struct Profile {
    user_behavior: Behavior,
    segment: Option<String>,
    preferences: Preferences,
    benchmark: Option<Map<String, Value>>,
}

#[derive(Serialize)]
struct Behavior {
    avg_requests_per_day: Option<f64>,
    peak_usage_hours: Vec<i32>,
    session_length_avg: Option<String>,
    favorite_features: Vec<String>,
    model_preferences: Vec<String>,
}

#[derive(Serialize)]
struct Preferences {
    prefers_speed: Option<bool>,
    prefers_quality: Option<bool>,
    preferred_models: Vec<String>,
}

fn unreadable(name: &'static str) -> impl Fn(serde_json::Error) -> Error {
    move |error| Error::Argument {
        name,
        given: error.to_string(),
        accepted: "what the function behind user_profile writes".to_owned(),
    }
}

/// The profile, from a user's figures and their benchmark, both JSON. Without a benchmark that part is null.
pub fn profile(figures: &str, benchmark: Option<&str>) -> Result<String> {
    let figures: Figures = serde_json::from_str(figures).map_err(unreadable("figures"))?;
    let beside = |json| -> Result<Map<String, Value>> {
        let metrics: Vec<Metric> = serde_json::from_str(json).map_err(unreadable("benchmark"))?;
        let named = |metric: Metric| Ok((metric.metric.clone(), serde_json::to_value(metric)?));
        metrics.into_iter().map(named).collect::<serde_json::Result<_>>().map_err(unreadable("benchmark"))
    };
    let profile = Profile {
        user_behavior: Behavior {
            avg_requests_per_day: figures.requests_per_active_day,
            peak_usage_hours: figures.peak_hours.unwrap_or_default(),
            session_length_avg: figures.session_mean_seconds.map(in_words),
            favorite_features: figures.favorite_features.unwrap_or_default(),
            model_preferences: figures.model_preferences.unwrap_or_default(),
        },
        segment: figures.segment,
        preferences: Preferences {
            prefers_speed: figures.prefers_speed,
            prefers_quality: figures.prefers_quality,
            preferred_models: figures.preferred_models.unwrap_or_default(),
        },
        benchmark: benchmark.map(beside).transpose()?,
    };
    serde_json::to_string(&profile).map_err(unreadable("figures"))
}

/// A length of time as people say it: whole seconds below a minute, whole minutes below an hour, then hours and minutes.
///
/// ```
/// # use user_metrics_core::profile::in_words;
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
    fn a_profile_has_its_documented_shape() {
        let figures = r#"{"user_id": "ann", "requests_per_active_day": 2.5, "peak_hours": [9, 14], "session_mean_seconds": 720,
            "favorite_features": ["chat"], "model_preferences": null, "segment": "new", "prefers_speed": true,
            "prefers_quality": false, "preferred_models": ["a", "b"]}"#;
        let benchmark = r#"[{"metric": "usage", "value": 3, "peer_median": null, "percentile": 0.5, "peer_users": 7}]"#;
        let expected = concat!(
            r#"{"user_behavior":{"avg_requests_per_day":2.5,"peak_usage_hours":[9,14],"session_length_avg":"12 minutes","#,
            r#""favorite_features":["chat"],"model_preferences":[]},"segment":"new","#,
            r#""preferences":{"prefers_speed":true,"prefers_quality":false,"preferred_models":["a","b"]},"#,
            r#""benchmark":{"usage":{"value":3.0,"peer_median":null,"percentile":0.5,"peer_users":7}}}"#
        );
        assert_eq!(profile(figures, Some(benchmark)).unwrap(), expected);
        assert!(profile("{}", None).unwrap().ends_with(r#""benchmark":null}"#));
        assert!(matches!(profile("[", None), Err(Error::Argument { name: "figures", .. })));
        assert!(matches!(profile("{}", Some("{}")), Err(Error::Argument { name: "benchmark", .. })));
    }

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
