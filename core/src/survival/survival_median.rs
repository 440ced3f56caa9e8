//! `survival_median`: the median time to the event.

use super::survival_quantile::tell;
use crate::function::{Function, Reads, Stored, Type, column};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "survival_median",
    path: "survival::survival_median",
    example: "",
    summary: "median time to the event in seconds; NULL if observation ends before",
    arguments: &[],
    columns: &[column("seconds", Type::Double, "time in seconds; NULL if observation ends before")],
    reads: Reads::Value(Stored::Survival),
    segmented: false,
    scalar: true,
    zoned: false,
    rows: 1,
    run: |call, rows| tell(call, 0.5, rows),
};
