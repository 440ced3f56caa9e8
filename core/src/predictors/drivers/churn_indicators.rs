//! `churn_indicators`: association of behaviour before a landmark with churn after it. Definition D59.

use super::behaviour::{ADJUST, BEHAVIOURS, MIN_USERS, columns, compared};
use super::{OF_BEHAVIOUR, Question};
use crate::base::error::Result;
use crate::function::{Argument, BY_VALUE_FIRST, Call, Column, Function, NO_DEFAULT, Reads, Role, Rows, Type, column};

const fn days(name: &'static str, default: &'static str, about: &'static str) -> Argument {
    Argument { name, kind: Type::Integer, role: Role::Value, default, about }
}

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "churn_indicators",
    path: "predictors::drivers::churn_indicators",
    example: "",
    summary: "predictors of churn: churn with and without each feature and behaviour before a landmark, their \
              difference, also adjusted for usage volume, and the strength of evidence; strongest first. Associations, \
              not causes",
    arguments: &[
        Argument {
            name: "landmark",
            kind: Type::Date,
            role: Role::Value,
            default: NO_DEFAULT,
            about: "day before which behaviour is observed; by default the last one for which the outcome is known",
        },
        days("window_days", "28", "number of local days before the landmark on which behaviour is observed, 2 or more"),
        days("gap_days", "7", "number of days from the landmark on that are ignored, 0 or more"),
        days("churn_days", "28", "number of days after the gap without activity that counts as churn, 1 or more"),
        BEHAVIOURS,
        MIN_USERS,
        ADJUST,
        BY_VALUE_FIRST,
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
    column(
        "indicator",
        Type::Text,
        "the behaviour: a standard one, feature: and the name of a feature, or the name of a custom one",
    ),
    ["churn_with", "share of the users with the behaviour who churned, 0 to 1"],
    ["churn_without", "share of the users without it who churned, 0 to 1"],
);

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let (landmark, days) = (call.date("landmark"), |name, default| call.integer(name).unwrap_or(default));
    let (before, gap, churn) = (days("window_days", 28), days("gap_days", 7), days("churn_days", 28));
    compared(call, rows, |window| Question::churned(landmark, before, gap, churn, window))
}
