//! `usage_evolution`: usage by week since users' first day. Definition D52.

use super::panels::Panels;
use super::{PANELS, Terms, WEEKS, weeks};
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::function::{
    BY_VALUE_FIRST, Call, Function, Past, Reads, Requests, Rows, SESSION_LIMITS, Type, column, column_about,
};
use crate::function::{named, text_order};
use crate::journey::rating::RATING_SCALE;

const ABOUT: &[&str] = &["users", "active_users"];

/// What is read of requests.
pub(super) static REQUESTS: Requests = Requests {
    past: Past::All,
    columns: &["session_id", "latency_ms", "succeeded", "feature", "rating"],
    needed: &[],
    names: false,
};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "usage_evolution",
    path: "journey::evolution::usage_evolution",
    example: "",
    summary: "change of usage over the weeks since users' first day, for two panels: all users whose week has elapsed, \
              and the same users throughout, whose last requested week has elapsed",
    arguments: &[WEEKS, RATING_SCALE, SESSION_LIMITS[0], SESSION_LIMITS[1], BY_VALUE_FIRST],
    columns: &[
        column(
            "panel",
            Type::Text,
            "all: users whose week has elapsed; same_users: in every row, users whose last week of weeks has elapsed",
        ),
        column("week", Type::Integer, "number of the week"),
        column_about(ABOUT, "users", Type::Bigint, "users of the panel"),
        column_about(ABOUT, "active_users", Type::Bigint, "those of them with a request in that week"),
        column_about(
            ABOUT,
            "requests_per_day",
            Type::Double,
            "requests per user and day, over all users of the panel; users who left count with no requests",
        ),
        column_about(
            ABOUT,
            "requests_per_active_user_day",
            Type::Double,
            "requests per user and day, over active users",
        ),
        column_about(
            ABOUT,
            "avg_session_seconds",
            Type::Double,
            "mean active time of closed sessions that started in that week",
        ),
        column_about(ABOUT, "features_used", Type::Double, "mean number of features used by an active user"),
        column_about(
            ABOUT,
            "satisfaction_score",
            Type::Double,
            "mean rating of that week, from 0 to 10; NULL without rating_scale",
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
    let mut claim = Claim::temporary();
    let terms = Terms::of(call, weeks(call, &mut claim)?)?;
    let panels = Panels::of(call, &terms, false)?;
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
