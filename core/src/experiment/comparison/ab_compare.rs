//! `ab_compare`: every variant of an experiment in a log against its control. Definitions D84 to D96.

pub mod of_value;

use super::Row;
use super::log::{ARGUMENTS, REQUESTS, Terms, compared};
use crate::base::error::Result;
use crate::function::{Call, Cell, Column, Function, Reads, Rows, Type, column, column_about};

const METRIC: Column = column("metric", Type::Text, "metric compared");
const MIXED: Column = column_about(
    &["mixed_users"],
    "mixed_users",
    Type::Bigint,
    "users seen in several variants; they are counted in none",
);

/// The columns about a variant, common to all comparisons.
pub(super) const OF_VARIANT: [Column; 26] = [
    column("variant", Type::Text, "the variant"),
    column("users", Type::Bigint, "users with a value"),
    column(
        "mean",
        Type::Double,
        "mean of the users' values; for a mean over requests, the sum of all values over their number; for a quantile, \
         the quantile",
    ),
    column(
        "sd",
        Type::Double,
        "standard deviation of the users' values; for a mean over requests, of each user's contribution; NULL for \
         quantiles",
    ),
    column("control_mean", Type::Double, "mean of the control"),
    column("difference", Type::Double, "mean - control_mean"),
    column("difference_low", Type::Double, "its lower bound, valid for a single look at the data"),
    column("difference_high", Type::Double, "its upper bound, valid for a single look at the data"),
    column("relative_lift", Type::Double, "difference relative to the absolute value of the control's mean"),
    column("lift_low", Type::Double, "its lower bound; NULL if the control's mean is not clear of 0"),
    column("lift_high", Type::Double, "its upper bound"),
    column("statistic", Type::Double, "test statistic: t, z, the odds ratio, or U"),
    column("df", Type::Double, "degrees of freedom of t"),
    column(
        "p_value",
        Type::Double,
        "probability of a difference at least as large if there were none; with margin, if the variant were worse by it",
    ),
    column("p_adjusted", Type::Double, "p_value, or always_valid_p with sequential, adjusted for multiple comparisons"),
    column(
        "always_valid_low",
        Type::Double,
        "always-valid lower bound of the difference, which holds at all times at once",
    ),
    column("always_valid_high", Type::Double, "always-valid upper bound of the difference"),
    column("probability_better", Type::Double, "probability of beating control, given a prior of small lifts"),
    column("expected_loss", Type::Double, "expected lift lost by choosing the variant"),
    column(
        "srm_p_value",
        Type::Double,
        "p value of the test for sample ratio mismatch (SRM): probability of so uneven a split of users; below 0.001 \
         the experiment is broken",
    ),
    column("verdict", Type::Text, "conclusion of the comparison"),
    column("reason", Type::Text, "why a value or a verdict is missing, or a remark"),
    column("missing_users", Type::Bigint, "users of the variant without a value"),
    column(
        "before_difference",
        Type::Double,
        "difference of the same metric before first exposure, over cuped_days, or of the covariate; NULL without them",
    ),
    column(
        "before_p_value",
        Type::Double,
        "probability of a before_difference at least as large by chance; below 0.001 the variants differed already",
    ),
    column(
        "always_valid_p",
        Type::Double,
        "p value that holds however often the data are looked at: of experiments without effect, at most this share ever \
         show one as small; decides with sequential",
    ),
];

/// All columns.
static COLUMNS: [Column; 28] = {
    let mut columns = [METRIC; 28];
    let mut n = 0;
    while n < OF_VARIANT.len() {
        columns[n + 1] = OF_VARIANT[n];
        n += 1;
    }
    columns[27] = MIXED;
    columns
};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "ab_compare",
    path: "experiment::comparison::ab_compare",
    example: "variant => 'new_chat_ui'",
    summary: "comparison of every variant of an experiment in a log with its control, one row per variant, metric and \
              segment, over users' values from their first exposure on: difference and lift with bounds, test, \
              always-valid bounds, probability of beating control, sample ratio, verdict and reason",
    arguments: &ARGUMENTS,
    columns: &COLUMNS,
    reads: Reads::Requests(&REQUESTS),
    segmented: true,
    scalar: false,
    zoned: true,
    rows: 10,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let terms = Terms::of(call)?;
    for of in compared(call, &terms, "segment", rows)? {
        // few: columns
        let cells =
            [of.segment.into(), of.metric.into()].into_iter().chain(of_variant(&of.row)).chain([of.mixed.into()]);
        rows.row(&mut cells.collect::<Vec<_>>())?;
    }
    Ok(())
}

/// The cells of [`OF_VARIANT`].
pub(super) fn of_variant(row: &Row) -> [Cell<'_>; OF_VARIANT.len()] {
    [
        row.variant.as_slice().into(),
        row.users.into(),
        row.mean.into(),
        row.sd.into(),
        row.control_mean.into(),
        row.difference.into(),
        row.low.into(),
        row.high.into(),
        row.lift.into(),
        row.lift_low.into(),
        row.lift_high.into(),
        row.statistic.into(),
        row.df.into(),
        row.p_value.into(),
        row.p_adjusted.into(),
        row.always_low.into(),
        row.always_high.into(),
        row.probability_better.into(),
        row.expected_loss.into(),
        row.srm_p_value.into(),
        row.verdict.map(|verdict| verdict.name()).into(),
        row.reason.as_deref().into(),
        row.missing.into(),
        row.before_difference.into(),
        row.before_p_value.into(),
        row.always_p.into(),
    ]
}
