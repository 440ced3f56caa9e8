//! `user_metrics_row`: one user's profile as one row of plain columns.

use super::portrait::{ARGUMENTS, Portrait, REQUESTS, portrait};
use crate::error::Result;
use crate::function::{Call, Cell, Function, Reads, Rows, Type, column};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "user_metrics_row",
    path: "profile::user_metrics_row",
    summary: "one user's profile as one row of plain columns: usage, sessions, habits, segment, preferences, and their figures \
              beside those of their peers; benchmark => false reads the user's own requests only",
    arguments: &ARGUMENTS,
    columns: &[
        column("segment", Type::Text, "the segment of segment_users; NULL without benchmark"),
        column("requests", Type::Bigint, "requests"),
        column("active_days", Type::Bigint, "local days with at least one"),
        column("first_seen", Type::Instant, "the first request"),
        column("last_seen", Type::Instant, "the last request"),
        column("requests_per_active_day", Type::Double, "requests over active days"),
        column(
            "requests_per_calendar_day",
            Type::Double,
            "requests over the days from the first to the last that is observed",
        ),
        column("sessions", Type::Bigint, "sessions"),
        column("session_mean_seconds", Type::Double, "mean duration of those that are not open"),
        column("session_median_seconds", Type::Double, "median duration of those that are not open"),
        column("completion_rate", Type::Double, "completed of those known to be completed or abandoned"),
        column("success_rate", Type::Double, "share of requests that succeeded, of those of which it is known"),
        column("cost_usd", Type::Double, "cost in US dollars"),
        column("mean_rating", Type::Double, "mean rating"),
        column("peak_hours", Type::Text, "up to three hours of most requests per occurrence of the hour, with commas"),
        column("favorite_features", Type::Text, "up to three features used most, with commas"),
        column("model_preferences", Type::Text, "up to three models used most, with commas"),
        column("preferred_models", Type::Text, "the models to offer, in order, with commas"),
        column("prefers_speed", Type::Boolean, "whether the user prefers speed; NULL where too little shows it"),
        column("prefers_quality", Type::Boolean, "whether the user prefers quality; NULL where too little shows it"),
        column("requests_per_day", Type::Double, "requests a day, as benchmark_user has it"),
        column("requests_per_day_peer_median", Type::Double, "median of the peers"),
        column("requests_per_day_percentile", Type::Double, "share of the peers who have less"),
        column(
            "requests_per_completed_session",
            Type::Double,
            "requests of sessions that are over, per completed session",
        ),
        column("requests_per_completed_session_peer_median", Type::Double, "median of the peers"),
        column("requests_per_completed_session_percentile", Type::Double, "share of the peers who have less"),
        column("features_used", Type::Double, "distinct features"),
        column("features_used_peer_median", Type::Double, "median of the peers"),
        column("features_used_percentile", Type::Double, "share of the peers who have less"),
        column("satisfaction", Type::Double, "mean rating, drawn towards that of the peers"),
        column("satisfaction_peer_median", Type::Double, "median of the peers"),
        column("satisfaction_percentile", Type::Double, "share of the peers who have less"),
        column("peer_users", Type::Bigint, "peers of whom requests_per_day is known"),
    ],
    reads: Reads::Requests(&REQUESTS),
    segmented: false,
    scalar: false,
    zoned: true,
    rows: 1,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let Some(Portrait { figures, beside }) = portrait(call)? else { return Ok(()) };
    let list = |names: &[String]| (!names.is_empty()).then(|| names.join(","));
    let hours = figures.peak_hours.iter().map(usize::to_string).collect::<Vec<_>>(); // few: three
    let lists = [&hours, &figures.favorite_features, &figures.model_preferences, &figures.preferred_models];
    let lists = lists.map(|names| list(names));
    let [hours, features, used, preferred] =
        lists.each_ref().map(|list| list.as_deref().map_or(Cell::Null, Cell::Text));
    let mut cells = vec![
        beside.as_ref().map(|beside| beside.segment).into(),
        figures.requests.into(),
        figures.active_days.into(),
        Cell::Instant(figures.first_seen),
        Cell::Instant(figures.last_seen),
        figures.requests_per_active_day.into(),
        figures.requests_per_calendar_day.into(),
        figures.sessions.into(),
        figures.session_mean_seconds.into(),
        figures.session_median_seconds.into(),
        figures.completion_rate.into(),
        figures.success_rate.into(),
        figures.cost_usd.into(),
        figures.mean_rating.into(),
        hours,
        features,
        used,
        preferred,
        figures.prefers_speed.into(),
        figures.prefers_quality.into(),
    ];
    let measured = beside.map_or_else(Default::default, |beside| beside.measured);
    for measured in &measured {
        cells.extend([measured.value, measured.median, measured.percentile].map(Cell::from));
    }
    cells.push(measured[0].peers.into());
    rows.row(&mut cells)
}
