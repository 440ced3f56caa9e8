//! `session_stats`: session metrics, over all time or by the period in which sessions began. Definitions D15-D20, D70; they
//! are computed in [`stats`](super::stats()).

use super::View;
use super::{Stats, stats};
use crate::base::error::Result;
use crate::function::{Call, Cell, Function, PERIOD, Reads, Rows, Type, column, column_about};

const ABOUT: &[&str] = &["users"];

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "session_stats",
    path: "sessions::session_stats",
    example: "",
    summary: "session metrics of the sessions that started in each period, or of all time: number, duration, depth, \
              return within a day and outcome; means and rates are over closed sessions, which are no longer open",
    arguments: &[PERIOD],
    columns: &[
        column("period_start", Type::Date, "first local day of the period; NULL for all time"),
        column_about(ABOUT, "users", Type::Bigint, "users with at least one of these sessions"),
        column_about(ABOUT, "sessions", Type::Bigint, "sessions that started in the period"),
        column_about(ABOUT, "requests", Type::Bigint, "their requests"),
        column_about(ABOUT, "requests_per_session", Type::Double, "mean number of requests"),
        column_about(
            ABOUT,
            "active_mean_seconds",
            Type::Double,
            "mean active time: from start to end without pauses above session_gap",
        ),
        column_about(ABOUT, "active_median_seconds", Type::Double, "median active time"),
        column_about(ABOUT, "active_p90_seconds", Type::Double, "90th percentile of the active time"),
        column_about(ABOUT, "span_mean_seconds", Type::Double, "mean time from start to end"),
        column_about(ABOUT, "single_request_share", Type::Double, "share with a single request, 0 to 1"),
        column_about(ABOUT, "engaged_rate", Type::Double, "share with two or more requests that did not fail, 0 to 1"),
        column_about(
            ABOUT,
            "returned_24h_rate",
            Type::Double,
            "share after which the user was back within a day, after an absence above session_gap, among sessions that \
             ended at least a day before observation did",
        ),
        column_about(
            ABOUT,
            "return_median_seconds",
            Type::Double,
            "median time from the end of a visit to the user's next, by Kaplan-Meier; NULL if observation ends before",
        ),
        column_about(ABOUT, "return_p90_seconds", Type::Double, "90th percentile of that time"),
        column_about(
            ABOUT,
            "completed_sessions",
            Type::Bigint,
            "sessions whose last request succeeded; NULL if the log does not show it",
        ),
        column_about(
            ABOUT,
            "abandoned_sessions",
            Type::Bigint,
            "sessions whose last request failed; NULL if the log does not show it",
        ),
        column_about(ABOUT, "open_sessions", Type::Bigint, "sessions that may still continue"),
        column_about(ABOUT, "completion_rate", Type::Double, "completed / (completed + abandoned), 0 to 1"),
        column_about(ABOUT, "abandonment_point_mean", Type::Double, "mean number of requests of abandoned sessions"),
    ],
    reads: Reads::Sessions,
    segmented: true,
    scalar: false,
    zoned: true,
    rows: 60,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let (calendar, days) = (call.periods("period")?, call.days()?);
    let told = match call.value(0, View::open)? {
        Some(view) => stats(&view, calendar, &call.span(view.last_at()), days)?,
        None => Stats::of_nothing(calendar),
    };
    told.into_iter().try_for_each(|mut row| {
        let known = |sessions: u64| Cell::from(Some(sessions).filter(|_| row.endings_known()));
        let (completed, abandoned) = (known(row.completed), known(row.abandoned));
        let [median, p90] = [0.5, 0.9].map(|share| row.active_quantile(share));
        let [return_median, return_p90] = row.returns([0.5, 0.9])?;
        rows.row(&mut [
            row.start.map_or(Cell::Null, Cell::Date),
            row.users.into(),
            row.sessions.into(),
            row.requests.into(),
            row.requests_per_session().into(),
            row.active_mean().into(),
            median.into(),
            p90.into(),
            row.span_mean().into(),
            row.single_request_share().into(),
            row.engaged_rate().into(),
            row.returned_24h_rate().into(),
            return_median.into(),
            return_p90.into(),
            completed,
            abandoned,
            row.open.into(),
            row.completion_rate().into(),
            row.abandonment_point().into(),
        ])
    })
}
