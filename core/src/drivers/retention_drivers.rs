//! `retention_drivers`: what users do in their first days, and whether they stay. Definition D58.

use super::behaviour::{BEHAVIOURS, MIN_USERS, columns, compared};
use super::{OF_BEHAVIOUR, Question};
use crate::error::Result;
use crate::function::{Argument, Call, Column, Function, Reads, Role, Rows, Type, column};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "retention_drivers",
    path: "drivers::retention_drivers",
    summary: "which features and behaviours of the first days go with being active later: retention with and without each, their \
              difference, also at equal volume, and what it is worth; best supported first. Associations, not causes",
    arguments: &[
        Argument {
            name: "early_days",
            kind: Type::Integer,
            role: Role::Value,
            default: "7",
            about: "on how many local days from the first one on behaviour is looked for, 1 or more",
        },
        RETAINED,
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
    column("driver", Type::Text, "what was done: a behaviour, feature: and a feature, or a name of one's own"),
    ["retention_with", "share of the users who did it that were retained, 0 to 1"],
    ["retention_without", "share of the others that were retained, 0 to 1"],
);

/// The argument that says who is retained.
pub(crate) const RETAINED: Argument = Argument {
    name: "retained",
    kind: Type::Integers,
    role: Role::Value,
    default: "'{21,27}'",
    about: "who is retained: active on one of these days after the first, the first and the last of a span, which begins when the \
            first days are over",
};

/// The span of days of a caller who names none.
pub(crate) const SPAN: [Option<i32>; 2] = [Some(21), Some(27)];

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let (early_days, span) = (call.integer("early_days").unwrap_or(7), call.integers("retained").unwrap_or(&SPAN));
    compared(call, rows, |_| Question::retained(early_days, span))
}
