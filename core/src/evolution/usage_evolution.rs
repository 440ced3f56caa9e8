//! `usage_evolution`: how usage changes with the weeks since users began. Definition D52.

use super::panels::Panels;
use super::{OF_SESSIONS, PANELS, Terms, WEEKS, weeks};
use crate::error::Result;
use crate::function::{Call, Function, Past, Reads, Requests, Rows, Type, column, column_about};
use crate::host::Claim;
use crate::rating::RATING_SCALE;
use crate::usage::{named, text_order};

const ABOUT: &[&str] = &["users", "active_users"];

/// What is read of requests.
pub(super) static REQUESTS: Requests = Requests {
    past: Past::All,
    columns: &["session_id", "latency_ms", "succeeded", "feature", "rating"],
    needed: &[],
    names: false,
    order: &[],
};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "usage_evolution",
    path: "evolution::usage_evolution",
    summary: "how usage changes with the weeks since users began: of all whose week has elapsed, and of the same users \
              throughout, those whose last week asked for has",
    arguments: &[WEEKS, RATING_SCALE, OF_SESSIONS[0], OF_SESSIONS[1]],
    columns: &[
        column(
            "panel",
            Type::Text,
            "all: users whose week has elapsed; same_users: those whose last week of weeks has, in every row",
        ),
        column("week", Type::Integer, "the week"),
        column_about(ABOUT, "users", Type::Bigint, "users of the panel"),
        column_about(ABOUT, "active_users", Type::Bigint, "those of them who made a request in that week"),
        column_about(
            ABOUT,
            "requests_per_day",
            Type::Double,
            "requests over days of all its users, those who left counted with none",
        ),
        column_about(ABOUT, "requests_per_active_user_day", Type::Double, "requests over days of the active"),
        column_about(
            ABOUT,
            "avg_session_seconds",
            Type::Double,
            "mean length of sessions that began in that week and are over",
        ),
        column_about(ABOUT, "features_used", Type::Double, "features an active user used, on average"),
        column_about(
            ABOUT,
            "satisfaction_score",
            Type::Double,
            "the mean rating of that week, from 0 to 10; NULL without rating_scale",
        ),
    ],
    reads: Reads::Requests(&REQUESTS),
    segmented: true,
    scalar: false,
    zoned: true,
    rows: 10,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let mut claim = Claim::passing();
    let terms = Terms::of(call, weeks(call, &mut claim)?)?;
    let panels = Panels::of(call, &terms)?;
    let mut segments = named(call, [None, None, panels.segment], &panels.segments, &mut claim)?;
    segments.sort_by_key(|segment| text_order(segment.texts[2]));
    for segment in segments {
        for (number, panel) in (0..).zip(PANELS) {
            for (n, week) in terms.weeks.iter().enumerate() {
                let of = panels.figures(number, n, segment.codes[2])?;
                rows.row(&mut [
                    segment.texts[2].into(),
                    panel.into(),
                    (*week).into(),
                    of.users.into(),
                    of.active_users.into(),
                    of.requests_per_day.into(),
                    of.requests_per_active_user_day.into(),
                    of.avg_session_seconds.into(),
                    of.features_used.into(),
                    of.satisfaction_score.into(),
                ])?;
            }
        }
    }
    Ok(())
}
