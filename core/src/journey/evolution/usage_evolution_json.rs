//! `usage_evolution_json`: usage by week since users' first day, as JSON. Definition D52.
//!
//! ```json
//! {"user_evolution": {"week_1": {"users": 3, "active_users": 3, "requests_per_day": 0.38,
//!                                "requests_per_active_user_day": 0.38, "avg_session_seconds": 100,
//!                                "features_used": 1.33, "satisfaction_score": null}}}
//! ```

use super::panels::{Figures, Panels};
use super::usage_evolution::REQUESTS;
use super::{PANELS, Terms, WEEKS, weeks};
use crate::base::error::{Error, Result};
use crate::base::memory::Claim;
use crate::function::{Argument, Call, Cell, Function, Reads, Role, Rows, SESSION_LIMITS, Type, column};
use crate::journey::rating::RATING_SCALE;
use serde_json::{Map, Value, json};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "usage_evolution_json",
    path: "journey::evolution::usage_evolution_json",
    example: "",
    summary: "rows of usage_evolution as one JSON object: user_evolution, with week_1, week_4 and so on, each with its \
              metrics",
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
    let panels = Panels::of(call, &terms)?;
    let mut told = Map::new();
    for (n, week) in terms.weeks.iter().enumerate().filter(|_| !panels.segments.is_empty()) {
        told.insert(format!("week_{week}"), figures(call, &panels.figures(panel, n, 0)?));
    }
    let object = json!({ "user_evolution": told }).to_string();
    rows.row(&mut [Cell::Json(&object)])
}

/// The metrics of a week; all null if it has too few users.
fn figures(call: &Call<'_>, of: &Figures) -> Value {
    let is_shown = !call.hides(of.users) && !call.hides(of.active_users);
    let count = |users: u64| is_shown.then_some(users);
    let number = |figure: Option<f64>| figure.filter(|_| is_shown).map_or(Value::Null, number);
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

/// A number in PostgreSQL's text form: whole numbers without a decimal point.
fn number(figure: f64) -> Value {
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    if figure.fract() == 0.0 && figure.abs() < WHOLE { Value::from(figure as i64) } else { Value::from(figure) }
}
