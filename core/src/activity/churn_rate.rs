//! `churn_rate`: of the users active in the period before, the share that is not active in this one. Definition D62.

use super::lifecycle::lifecycle;
use crate::error::Result;
use crate::function::{
    Argument, Call, Cell, Function, Past, Reads, Role, Rows, Type, column, column_about, with_bounds,
};

const BEFORE: &[&str] = &["previous_active_users"];
const CHURNED: &[&str] = &["previous_active_users", "churned_users"];

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "churn_rate",
    path: "activity::churn_rate",
    summary: "of the users active in the period before, how many are not active in this one, and the rate with its 95 % bounds; \
              NULL until the period is complete, and in the first",
    arguments: &[Argument {
        name: "period",
        kind: Type::Text,
        role: Role::Value,
        default: "'month'",
        about: "day, week, month, quarter or year",
    }],
    columns: &[
        column("period_start", Type::Date, "first local day of the period"),
        column_about(
            BEFORE,
            "previous_active_users",
            Type::Bigint,
            "users active in the period before; NULL in the log's first",
        ),
        column_about(
            CHURNED,
            "churned_users",
            Type::Bigint,
            "those of them not active in this one; NULL until complete",
        ),
        column_about(CHURNED, "churn_rate", Type::Double, "churned over previous active users, 0 to 1"),
        column_about(CHURNED, "rate_low", Type::Double, "lower 95 % bound of the rate (Wilson)"),
        column_about(CHURNED, "rate_high", Type::Double, "upper 95 % bound of the rate (Wilson)"),
        column("complete", Type::Boolean, "whether the period has elapsed and is shown in full"),
    ],
    reads: Reads::Activity(Past::All),
    segmented: true,
    scalar: false,
    zoned: false,
    rows: 24,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let calendar = call.calendar("period", "month")?;
    let Some(view) = call.activity()? else { return Ok(()) };
    let window = call.window(view.zone(), view.last_at())?;
    lifecycle(&view, calendar, &window)?.into_iter().try_for_each(|row| {
        let churned = row.churned.filter(|_| row.before.is_some());
        let [rate, low, high] = with_bounds(row.churn_rate());
        rows.row(&mut [Cell::Date(row.start), row.before.into(), churned.into(), rate, low, high, row.complete.into()])
    })
}
