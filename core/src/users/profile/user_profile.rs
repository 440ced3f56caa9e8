//! `user_profile`: one user's profile as JSON.
//!
//! ```json
//! {"user_behavior": {"avg_requests_per_day": 12.5, "peak_usage_hours": [9, 14, 16], "session_length_avg": "12 minutes",
//!                    "favorite_features": ["chat"], "model_preferences": ["gpt-4o"]},
//!  "segment": "power",
//!  "preferences": {"prefers_speed": true, "prefers_quality": false, "preferred_models": ["gpt-4o"]},
//!  "benchmark": {"requests_per_day": {"value": 3.2, "peer_median": 1.5, "percentile": 0.84, "peer_users": 402}}}
//! ```

use super::in_words;
use super::portrait::{ARGUMENTS, Portrait, REQUESTS, portrait};
use crate::base::error::Result;
use crate::base::json::figure;
use crate::function::{Call, Cell, Function, Reads, Rows, Type, column};
use crate::users::benchmark::peers::METRICS;
use serde_json::{Map, Value, json};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "user_profile",
    path: "users::profile::user_profile",
    example: "",
    summary: "profile of one user as JSON: behaviour, segment, preferences, and comparison with peers; benchmark => \
              false reads the user's own requests only",
    arguments: &ARGUMENTS,
    columns: &[column(
        "profile",
        Type::Json,
        "object with user_behavior, segment, preferences and benchmark; NULL for a user without requests",
    )],
    reads: Reads::Requests(&REQUESTS),
    segmented: false,
    scalar: true,
    zoned: true,
    rows: 1,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let profile = portrait(call)?.map(|portrait| profile(&portrait).to_string());
    rows.row(&mut [profile.as_deref().map_or(Cell::Null, Cell::Json)])
}

fn profile(portrait: &Portrait) -> Value {
    let Portrait { figures, beside } = portrait;
    let benchmark = beside.as_ref().map(|beside| {
        let metrics = METRICS.iter().zip(&beside.measured).map(|(metric, measured)| {
            let measured = json!({
                "value": measured.value.map(figure),
                "peer_median": measured.median.map(figure),
                "percentile": measured.percentile.map(figure),
                "peer_users": measured.peers,
            });
            ((*metric).to_owned(), measured)
        });
        metrics.collect::<Map<_, _>>() // few: metrics
    });
    json!({
        "user_behavior": {
            "avg_requests_per_day": figure(figures.requests_per_active_day),
            "peak_usage_hours": figures.peak_hours,
            "session_length_avg": figures.session_median_seconds.map(in_words),
            "favorite_features": figures.favorite_features,
            "model_preferences": figures.model_preferences,
        },
        "segment": beside.as_ref().map(|beside| beside.segment),
        "preferences": {
            "prefers_speed": figures.prefers_speed,
            "prefers_quality": figures.prefers_quality,
            "preferred_models": figures.preferred_models,
        },
        "benchmark": benchmark,
    })
}

#[cfg(test)]
mod tests {
    use super::super::figures::Figures;
    use super::super::portrait::Beside;
    use super::*;
    use crate::users::benchmark::peers::Measured;

    #[test]
    fn a_profile_has_its_documented_shape() {
        let figures = Figures {
            requests_per_active_day: 2.5,
            peak_hours: vec![9, 14],
            session_median_seconds: Some(720.0),
            favorite_features: vec!["chat".to_owned()],
            prefers_speed: Some(true),
            prefers_quality: Some(false),
            preferred_models: vec!["a".to_owned(), "b".to_owned()],
            ..Figures::default()
        };
        let measured = Measured { value: Some(3.0), median: None, percentile: Some(0.5), peers: Some(7) };
        let beside = Beside { segment: "new", measured: [measured; 4] };
        let told = profile(&Portrait { figures: figures.clone(), beside: Some(beside) });
        let expected = json!({
            "user_behavior": {"avg_requests_per_day": 2.5, "peak_usage_hours": [9, 14], "session_length_avg": "12 minutes",
                "favorite_features": ["chat"], "model_preferences": []},
            "segment": "new",
            "preferences": {"prefers_speed": true, "prefers_quality": false, "preferred_models": ["a", "b"]},
            "benchmark": METRICS.map(|metric| (metric, json!({"value": 3, "peer_median": null, "percentile": 0.5,
                "peer_users": 7}))).into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        });
        assert_eq!(told, expected);
        let alone = profile(&Portrait { figures, beside: None });
        assert_eq!((&alone["segment"], &alone["benchmark"]), (&Value::Null, &Value::Null));
    }
}
