//! `user_metrics_row`: one user's profile as one row of plain columns.

use super::portrait::{ARGUMENTS, Portrait, REQUESTS, portrait};
use crate::base::error::Result;
use crate::function::{Call, Cell, Function, Reads, Rows, Type, column};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "user_metrics_row",
    path: "users::profile::user_metrics_row",
    example: "",
    summary: "profile of one user as a row of plain columns: usage, sessions, habits, segment, preferences, and \
              comparison with peers; benchmark => false reads the user's own requests only",
    arguments: &ARGUMENTS,
    columns: &[
        column("segment", Type::Text, "segment as in segment_users; NULL without benchmark"),
        column("requests", Type::Bigint, "number of requests"),
        column("active_days", Type::Bigint, "local days with at least one request"),
        column("first_seen", Type::Instant, "time of the first request"),
        column("last_seen", Type::Instant, "time of the last request"),
        column("requests_per_active_day", Type::Double, "requests / active_days"),
        column(
            "requests_per_calendar_day",
            Type::Double,
            "requests over all days from the first request, or since if that is later, to the end of observation",
        ),
        column("sessions", Type::Bigint, "number of sessions"),
        column(
            "session_mean_seconds",
            Type::Double,
            "mean active time of closed sessions: without pauses above session_gap",
        ),
        column("session_median_seconds", Type::Double, "median active time of closed sessions"),
        column("completion_rate", Type::Double, "completed / (completed + abandoned)"),
        column("answered_rate", Type::Double, "share of answered requests among those whose outcome is known"),
        column("cost_usd", Type::Double, "cost in US dollars"),
        column("mean_rating", Type::Double, "mean rating"),
        column(
            "peak_hours",
            Type::Text,
            "up to three hours with the most requests per occurrence of the hour, separated by commas",
        ),
        column("favorite_features", Type::Text, "up to three most used features, separated by commas"),
        column(
            "model_preferences",
            Type::Text,
            "up to three most used models, with their providers if the log has them, separated by commas",
        ),
        column("preferred_models", Type::Text, "models to offer, in order, separated by commas"),
        column("prefers_speed", Type::Boolean, "whether the user prefers speed; NULL with too little evidence"),
        column("prefers_quality", Type::Boolean, "whether the user prefers quality; NULL with too little evidence"),
        column("requests_per_day", Type::Double, "requests per day, as in benchmark_users"),
        column("requests_per_day_peer_median", Type::Double, "median of the peers"),
        column("requests_per_day_percentile", Type::Double, "percentile rank among the peers"),
        column("requests_per_completed_session", Type::Double, "requests of closed sessions / completed sessions"),
        column("requests_per_completed_session_peer_median", Type::Double, "median of the peers"),
        column("requests_per_completed_session_percentile", Type::Double, "percentile rank among the peers"),
        column("features_used", Type::Double, "number of distinct features used"),
        column("features_used_peer_median", Type::Double, "median of the peers"),
        column("features_used_percentile", Type::Double, "percentile rank among the peers"),
        column("satisfaction", Type::Double, "mean rating, shrunk towards that of the peers"),
        column("satisfaction_peer_median", Type::Double, "median of the peers"),
        column("satisfaction_percentile", Type::Double, "percentile rank among the peers"),
        column("peer_users", Type::Bigint, "peers with a known requests_per_day"),
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
        figures.answered_rate.into(),
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
