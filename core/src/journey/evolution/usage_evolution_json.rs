//! `usage_evolution_json`: usage by week since users' first day, as JSON. Definition D52.
//!
//! ```json
//! {"user_evolution": {"week_1": {"requests_per_day": 0.38, "avg_session_length": "5 min", "features_used": ["chat"],
//!                                "satisfaction_score": 7.5}}}
//! ```

use super::panels::{Figures, Panels};
use super::usage_evolution::REQUESTS;
use super::{PANELS, Terms, WEEKS, weeks};
use crate::base::encoding;
use crate::base::error::{Error, Result};
use crate::base::json;
use crate::base::memory::Claim;
use crate::function::{Argument, Call, Cell, Function, Reads, Role, Rows, SESSION_LIMITS, Type, column};
use crate::journey::rating::RATING_SCALE;
use serde_json::{Map, Value, json};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "usage_evolution_json",
    path: "journey::evolution::usage_evolution_json",
    example: "",
    summary: "usage_evolution as one JSON object: user_evolution, with week_1, week_4 and so on, each with requests per \
              day, session length in words, list of features, and satisfaction; detailed => true has all metrics as \
              numbers",
    arguments: &[
        WEEKS,
        RATING_SCALE,
        Argument {
            name: "panel",
            kind: Type::Text,
            role: Role::Value,
            default: "'all'",
            about: "all: users whose week has elapsed; same_users: in every week, users whose last week of weeks has \
                    elapsed",
        },
        Argument {
            name: "detailed",
            kind: Type::Boolean,
            role: Role::Value,
            default: "false",
            about: "whether each week has the columns of usage_evolution instead, under their names",
        },
        SESSION_LIMITS[0],
        SESSION_LIMITS[1],
    ],
    columns: &[column(
        "evolution",
        Type::Json,
        "object with user_evolution, which holds an object for each week; empty without users",
    )],
    reads: Reads::Requests(&REQUESTS),
    segmented: false,
    scalar: true,
    zoned: true,
    rows: 1,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let mut claim = Claim::temporary();
    let weeks = weeks(call, &mut claim)?;
    let panel = call.text("panel").unwrap_or("NULL");
    let panel = (0..).zip(PANELS).find(|(_, name)| *name == panel).map(|(number, _)| number);
    let Some(panel) = panel else {
        return Err(Error::not_one_of("panel", call.text("panel").unwrap_or("NULL"), &PANELS));
    };
    let terms = Terms::of(call, weeks)?;
    let is_detailed = call.boolean("detailed") == Some(true);
    let panels = Panels::of(call, &terms, !is_detailed)?;
    let mut told = Map::new();
    for (n, week) in terms.weeks.iter().enumerate().filter(|_| !panels.segments.is_empty()) {
        let of = panels.figures(panel, n, 0)?;
        let told_of_week = match is_detailed {
            true => figures(call, &of),
            false => in_short(call, &of, panels.features(panel, n)?),
        };
        told.insert(format!("week_{week}"), told_of_week);
    }
    let object = json!({ "user_evolution": told }).to_string();
    rows.row(&mut [Cell::Json(&object)])
}

/// The most features listed for a week.
const MOST_FEATURES: usize = 100;

/// A week as applications show it; all null if it has too few users.
fn in_short(call: &Call<'_>, of: &Figures, features: Option<Vec<&[u8]>>) -> Value {
    let is_shown = !call.hides(of.users) && !call.hides(of.active_users);
    let rounded = |figure: Option<f64>| figure.filter(|_| is_shown).map_or(Value::Null, json::figure);
    let name = |name: &[u8]| Value::from(encoding::decoded(name).into_owned());
    let names = |names: Vec<&[u8]>| names.into_iter().take(MOST_FEATURES).map(name).collect::<Vec<_>>(); // few: at most 100
    json!({
        "requests_per_day": rounded(of.requests_per_day),
        "avg_session_length": of.avg_session_seconds.filter(|_| is_shown).map(length),
        "features_used": features.filter(|_| is_shown).map(names),
        "satisfaction_score": rounded(of.satisfaction_score),
    })
}

/// A duration such as 40 s, 5 min or 1 h 5 min.
fn length(seconds: f64) -> String {
    let seconds = seconds.max(0.0).round() as u64;
    if seconds < 60 {
        return format!("{seconds} s");
    }
    let minutes = (seconds + 30) / 60;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// The metrics of a week; all null if it has too few users.
fn figures(call: &Call<'_>, of: &Figures) -> Value {
    let is_shown = !call.hides(of.users) && !call.hides(of.active_users);
    let count = |users: u64| is_shown.then_some(users);
    let number = |figure: Option<f64>| figure.filter(|_| is_shown).map_or(Value::Null, json::figure);
    json!({
        "users": count(of.users),
        "active_users": count(of.active_users),
        "requests_per_day": number(of.requests_per_day),
        "requests_per_active_user_day": number(of.requests_per_active_user_day),
        "avg_session_seconds": number(of.avg_session_seconds),
        "features_used": number(of.features_used),
        "satisfaction_score": number(of.satisfaction_score),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_told_in_words() {
        let told = [0.4, 59.4, 59.5, 89.0, 300.0, 3569.0, 3570.0, 3900.0].map(length);
        assert_eq!(told, ["0 s", "59 s", "1 min", "1 min", "5 min", "59 min", "1 h", "1 h 5 min"]);
    }
}
