//! `churn_rate`: the share of users active in the previous period who are not active in this one. Definition D62.

use crate::activity::View;
use crate::activity::lifecycle::lifecycle;
use crate::base::error::Result;
use crate::function::{
    Argument, Call, Cell, Function, Past, Reads, Role, Rows, Type, column, column_about, with_bounds,
};

const BEFORE: &[&str] = &["previous_active_users"];
const CHURNED: &[&str] = &["previous_active_users", "churned_users"];

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "churn_rate",
    path: "predictors::churn_rate",
    example: "",
    summary: "users active in the previous period who are not active in this one, and their share (churn rate) with \
              95 % bounds; NULL until the period is complete, and unless the previous period lies within the log",
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
            "users active in the previous period; NULL in the first period of the log",
        ),
        column_about(
            CHURNED,
            "churned_users",
            Type::Bigint,
            "those of them who are not active in this period; NULL until complete, and unless the previous period lies \
             within the log",
        ),
        column_about(CHURNED, "churn_rate", Type::Double, "churned_users / previous_active_users, 0 to 1"),
        column_about(CHURNED, "rate_low", Type::Double, "lower 95 % bound of the rate (Wilson)"),
        column_about(CHURNED, "rate_high", Type::Double, "upper 95 % bound of the rate (Wilson)"),
        column(
            "complete",
            Type::Boolean,
            "whether the period has elapsed, lies within the log and is not cut by since",
        ),
    ],
    reads: Reads::Activity(Past::All),
    segmented: true,
    scalar: false,
    zoned: false,
    rows: 24,
    run,
};

crate::activity::over_log::of_requests!(
    "predictors::churn_rate::of_requests",
    &[super::FUNCTION.arguments[0], crate::function::BY_VALUE_FIRST],
    |call, rows| crate::activity::over_log::run(call, rows, super::run)
);

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let calendar = call.calendar("period", "month")?;
    let Some(view) = call.value(0, View::open)? else { return Ok(()) };
    let window = call.window(view.zone(), view.last_at())?;
    lifecycle(&view, calendar, &window)?.into_iter().try_for_each(|row| {
        let [rate, low, high] = with_bounds(row.churn_rate());
        rows.row(&mut [
            Cell::Date(row.start),
            row.before.into(),
            row.churned.into(),
            rate,
            low,
            high,
            row.complete.into(),
        ])
    })
}
