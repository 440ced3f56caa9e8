//! `model_usage`: who and how many use each model. Definition D23.

use super::names;
use crate::function::{Function, Past, Reads, Requests};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "model_usage",
    path: "usage::model_usage",
    summary: "who and how many use each model, how much, with what success, at what cost and how fast",
    arguments: &[],
    columns: names::COLUMNS,
    reads: Reads::Requests(&Requests {
        past: Past::Nothing,
        columns: &["succeeded", "cost_usd", "latency_ms"],
        needed: &["model"],
        names: false,
        order: &[],
    }),
    segmented: true,
    scalar: false,
    zoned: true,
    rows: 100,
    run: |call, rows| names::run(call, "model", rows),
};
