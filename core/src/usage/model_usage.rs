//! `model_usage`: users and requests of each model. Definition D23.

use super::names;
use crate::function::{Function, Past, Reads, Requests};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "model_usage",
    path: "usage::model_usage",
    example: "",
    summary: "users of each model and their requests, with the share answered, tokens, cost and latency, of all time or of each \
              period",
    arguments: names::ARGUMENTS,
    columns: names::COLUMNS,
    reads: Reads::Requests(&Requests { past: Past::Nothing, columns: names::READ, needed: &["model"], names: false }),
    segmented: true,
    scalar: false,
    zoned: true,
    rows: 100,
    run: |call, rows| names::run(call, "model", rows),
};
