//! `churn_indicators`: what users do before a landmark, and whether they are gone after it. Definition D59.

use super::behaviour::{BEHAVIOURS, MIN_USERS, columns, compared};
use super::{OF_BEHAVIOUR, Question};
use crate::error::Result;
use crate::function::{Argument, Call, Column, Function, NO_DEFAULT, Reads, Role, Rows, Type, column};

const fn days(name: &'static str, default: &'static str, about: &'static str) -> Argument {
    Argument { name, kind: Type::Integer, role: Role::Value, default, about }
}

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "churn_indicators",
    path: "drivers::churn_indicators",
    summary: "which features and behaviours before a landmark go with having left after it: churn with and without each, their \
              difference, also at equal volume, and what it is worth; best supported first. Associations, not causes",
    arguments: &[
        Argument {
            name: "landmark",
            kind: Type::Date,
            role: Role::Value,
            default: NO_DEFAULT,
            about: "the day before which behaviour is looked for; by default the last one for which the outcome is known",
        },
        days("window_days", "28", "on how many local days before the landmark behaviour is looked for, 2 or more"),
        days("gap_days", "7", "how many days from the landmark on are not looked at, 0 or more"),
        days("churn_days", "28", "who is active on none of so many days after the gap has churned, 1 or more"),
        BEHAVIOURS,
        MIN_USERS,
    ],
    columns: &COLUMNS,
    reads: Reads::Requests(&OF_BEHAVIOUR),
    segmented: true,
    scalar: false,
    zoned: true,
    rows: 30,
    run,
};

const COLUMNS: [Column; 19] = columns(
    column("indicator", Type::Text, "what was done: a behaviour, feature: and a feature, or a name of one's own"),
    ["churn_with", "share of the users who did it that churned, 0 to 1"],
    ["churn_without", "share of the others that churned, 0 to 1"],
);

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let (landmark, days) = (call.date("landmark"), |name, default| call.integer(name).unwrap_or(default));
    let (before, gap, churn) = (days("window_days", 28), days("gap_days", 7), days("churn_days", 28));
    compared(call, rows, |window| Question::churned(landmark, before, gap, churn, window))
}
