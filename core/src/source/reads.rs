//! The columns that each function reads, besides user and time.

use super::metrics::METRICS_READ;
use crate::function::{AS_TEXT, Argument, Function, NO_DEFAULT, REQUIRED, Reads, Role};

/// The canonical columns that every function needs.
pub const ALWAYS: [&str; 2] = ["user_id", "occurred_at"];

/// The canonical columns that a function reads in addition to [`ALWAYS`], and whether the log must have each.
pub fn columns_read(function: &'static Function) -> impl Iterator<Item = (&'static str, bool)> {
    let of_arguments = function.arguments.iter().any(|argument| matches!(argument.role, Role::Metrics));
    let of_metrics = if of_arguments { METRICS_READ } else { &[] }.iter().map(|column| (*column, false));
    let of_value: &[(&str, bool)] = match function.reads {
        Reads::Sessions => {
            &[("session_id", false), ("latency_ms", false), ("status", false), ("error", false), ("succeeded", false)]
        }
        Reads::Activity(_) | Reads::Requests(_) | Reads::Value(_) | Reads::Nothing => &[],
    };
    let requests = if let Reads::Requests(requests) = function.reads { Some(requests) } else { None };
    let of_requests = requests.into_iter().flat_map(move |requests| {
        let of_property = function.arguments.iter().any(|argument| matches!(argument.role, Role::Property));
        // A column that is read by default is mostly a canonical one.
        let has_default = |argument: &Argument| ![NO_DEFAULT, REQUIRED].contains(&argument.default);
        let by_default = |argument: &Argument| matches!(argument.role, Role::Column) && has_default(argument);
        let may_be_property = function.arguments.iter().any(by_default);
        let properties = (of_property || may_be_property).then_some(("properties", of_property));
        // If no column tells whether a request was answered, its error and its status do.
        let instead = requests.columns.contains(&"succeeded").then_some([("status", false), ("error", false)]);
        let needed = requests.needed.iter().map(|column| (*column, true));
        // A column that is also read as text is listed once.
        let used = requests.columns.iter().filter(|column| !column.ends_with(AS_TEXT));
        let wanted = function.arguments.iter().flat_map(|argument| match argument.role {
            Role::Wants(columns, _) => columns,
            _ => &[],
        });
        let used = used.chain(wanted).map(|column| (*column, false));
        needed.chain(used).chain(instead.into_iter().flatten()).chain(properties)
    });
    of_metrics.chain(of_value.iter().copied()).chain(of_requests)
}
