//! `survival_median`: by when it has happened to half of them.

use super::survival_quantile::tell;
use crate::function::{Function, Reads, Stored, Type, column};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "survival_median",
    path: "survival::survival_median",
    summary: "the time in seconds by which it has happened to half of them; NULL where observation ends before",
    arguments: &[],
    columns: &[column("seconds", Type::Double, "the time in seconds; NULL where observation ends before")],
    reads: Reads::Value(Stored::Survival),
    segmented: false,
    scalar: true,
    zoned: false,
    rows: 1,
    run: |call, rows| tell(call, 0.5, rows),
};
