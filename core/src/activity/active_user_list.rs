//! `active_user_list`: the users whom `active_users` counts in a period. Definitions D1, D2.

use super::active_users;
use super::members::{PERIOD_START, UserDays, period_given, refuse_while_hidden};
use crate::base::error::Result;
use crate::function::{BY_VALUE_EACH, Call, Cell, Function, Past, Reads, Requests, Rows, Type, column};
use crate::history::History;

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "active_user_list",
    path: "activity::active_user_list",
    example: "'2024-03-04'",
    summary: "users that active_users counts in a period, and whether each is new; refused while small groups are hidden",
    arguments: &[PERIOD_START, active_users::FUNCTION.arguments[0], BY_VALUE_EACH],
    columns: &[
        column("user_id", Type::Text, "the user"),
        column("is_new", Type::Boolean, "whether the user's first request in the log lies in the period"),
    ],
    reads: Reads::Requests(&Requests { past: Past::All, columns: &[], needed: &[], names: true }),
    segmented: true,
    scalar: false,
    zoned: true,
    rows: 1000,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    refuse_while_hidden(call, "Use active_users, which counts them.")?;
    let period = period_given(call, call.calendar("period", "day")?)?;
    call.by_value()?;
    let window = call.window(call.zone(), call.history.and_then(History::last_at))?;
    let from = period.start.max(window.since.unwrap_or(period.start));
    let (segment, mut days) = (call.column("segment"), UserDays::of(call, &window)?);
    days.each(|user, code, days| {
        let first = days.partition_point(|&day| day < from);
        if days.get(first).is_none_or(|&day| day >= period.end) {
            return Ok(());
        }
        let user_id = call.user_id(user.user, user.name);
        rows.row(&mut [call.text_of(segment, code).into(), Cell::Bytes(&user_id), (first == 0).into()])
    })
}
