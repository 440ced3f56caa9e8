//! `feature_usage`: users and requests of each feature. Definition D23.

use super::names;
use crate::function::{Function, Past, Reads, Requests};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "feature_usage",
    path: "usage::feature_usage",
    example: "",
    summary: "users of each feature and their requests, with the share answered, tokens, cost and latency, of all time or of each \
              period",
    arguments: names::ARGUMENTS,
    columns: names::COLUMNS,
    reads: Reads::Requests(&Requests { past: Past::Nothing, columns: names::READ, needed: &["feature"], names: false }),
    segmented: true,
    scalar: false,
    zoned: true,
    rows: 100,
    run: |call, rows| names::run(call, "feature", rows),
};
