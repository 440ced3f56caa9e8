//! `ab_compare`: every variant of an experiment in a log against its control. Definitions D84 to D96.

use super::log::{ARGUMENTS, REQUESTS, Terms, compared};
use crate::error::Result;
use crate::function::{Call, Function, Reads, Rows, Type, column, column_about};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "ab_compare",
    path: "comparison::ab_compare",
    summary: "every variant of an experiment in a log against its control, one row a variant, metric and segment: figures are made \
              per user from the first request that bears a variant on; difference and lift with their bounds, test, always-valid \
              bounds, chance to be better, sample ratio, verdict and why",
    arguments: &ARGUMENTS,
    columns: &[
        column("metric", Type::Text, "what is compared"),
        column("variant", Type::Text, "the variant"),
        column("users", Type::Bigint, "users who have a figure"),
        column(
            "mean",
            Type::Double,
            "the mean of their figures; of a mean over requests, the sum of all over the number of all; of a quantile, the quantile",
        ),
        column(
            "sd",
            Type::Double,
            "the standard deviation of users' figures; of a mean over requests, of what each user contributes; NULL for quantiles",
        ),
        column("control_mean", Type::Double, "the mean of the control"),
        column("difference", Type::Double, "mean - control_mean"),
        column("difference_low", Type::Double, "its lower bound, valid if looked at once"),
        column("difference_high", Type::Double, "its upper bound, valid if looked at once"),
        column("relative_lift", Type::Double, "the difference as a share of the size of the control's mean"),
        column("lift_low", Type::Double, "its lower bound; NULL where the control's mean is not clear of 0"),
        column("lift_high", Type::Double, "its upper bound"),
        column("statistic", Type::Double, "what the test computed: t, z, the odds ratio, or U"),
        column("df", Type::Double, "degrees of freedom of t"),
        column("p_value", Type::Double, "the chance of so large a difference if there were none"),
        column("p_adjusted", Type::Double, "the same, given that so many comparisons were made at once"),
        column("always_valid_low", Type::Double, "a lower bound of the difference that holds at all times at once"),
        column("always_valid_high", Type::Double, "an upper bound likewise"),
        column(
            "probability_better",
            Type::Double,
            "the chance that the variant is better, given a prior of small lifts",
        ),
        column("expected_loss", Type::Double, "the lift that is lost on average by choosing the variant"),
        column(
            "srm_p_value",
            Type::Double,
            "the chance of so uneven a spread of users; below 0.001 something is broken",
        ),
        column("verdict", Type::Text, "what it comes to"),
        column("reason", Type::Text, "why something is not known or not judged, or what to keep in mind"),
        column("missing_users", Type::Bigint, "users in the variant who have no figure"),
        column_about(
            &["mixed_users"],
            "mixed_users",
            Type::Bigint,
            "users who were seen in several variants; they are in none",
        ),
    ],
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
        let row = &of.row;
        rows.row(&mut [
            of.segment.into(),
            of.metric.into(),
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
            of.mixed.into(),
        ])?;
    }
    Ok(())
}
