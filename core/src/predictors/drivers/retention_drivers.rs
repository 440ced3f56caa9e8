//! `retention_drivers`: association of behaviour in the first days with retention. Definition D58.

use super::behaviour::{ADJUST, BEHAVIOURS, MIN_USERS, columns, compared};
use super::{OF_BEHAVIOUR, Question};
use crate::base::error::Result;
use crate::function::{Argument, BY_VALUE_FIRST, Call, Column, Function, Reads, Role, Rows, Type, column};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "retention_drivers",
    path: "predictors::drivers::retention_drivers",
    example: "",
    summary: "predictors of retention: retention with and without each feature and behaviour of the first days, their \
              difference, also adjusted for usage volume, and the strength of evidence; strongest first. Associations, \
              not causes",
    arguments: &[
        Argument {
            name: "early_days",
            kind: Type::Integer,
            role: Role::Value,
            default: "7",
            about: "number of local days on which behaviour is observed, counted from the first, 1 or more",
        },
        RETAINED,
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
        "driver",
        Type::Text,
        "the behaviour: a standard one, feature: and the name of a feature, or the name of a custom one",
    ),
    ["retention_with", "share of the users with the behaviour who were retained, 0 to 1"],
    ["retention_without", "share of the users without it who were retained, 0 to 1"],
);

/// The argument that defines retention.
pub(crate) const RETAINED: Argument = Argument {
    name: "retained",
    kind: Type::Integers,
    role: Role::Value,
    default: "'{21,27}'",
    about: "first and last day of the outcome, counted from the user's first day; users active on at least one of \
            these days are retained; it must not start before the first days are over",
};

/// The default span of days.
pub(crate) const SPAN: [Option<i32>; 2] = [Some(21), Some(27)];

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let (early_days, span) = (call.integer("early_days").unwrap_or(7), call.integers("retained").unwrap_or(&SPAN));
    compared(call, rows, |_| Question::retained(early_days, span))
}
