//! `ab_segments`: whether the effect of a variant differs between segments. Definition D94.

use super::log::{ARGUMENTS, Compared, REQUESTS, Terms, compared};
use super::{adjusted, heterogeneity};
use crate::base::error::Result;
use crate::function::{Argument, Call, Function, REQUIRED, Reads, Role, Rows, Type, column};
use std::collections::BTreeMap;

const BY: Argument = Argument {
    name: "by",
    kind: Type::Text,
    role: Role::Column,
    default: REQUIRED,
    about: "column or property that holds the segments",
};

const WITH_BY: [Argument; ARGUMENTS.len() + 1] = {
    let mut arguments = [BY; ARGUMENTS.len() + 1];
    let mut n = 0;
    while n < ARGUMENTS.len() {
        arguments[n + 1] = ARGUMENTS[n];
        n += 1;
    }
    arguments
};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "ab_segments",
    path: "experiment::comparison::ab_segments",
    example: "by => 'UserTier', variant => 'new_chat_ui'",
    summary: "comparison of every variant with its control within each segment of users, as by ab_compare, and a test \
              of whether the effect differs between segments (Cochran's Q, adjusted over metrics and variants); the \
              segment of a user is that of the first request that carries a variant",
    arguments: &WITH_BY,
    columns: &[
        column("segment", Type::Text, "value of the column or property named in by"),
        column("metric", Type::Text, "metric compared"),
        column("variant", Type::Text, "the variant"),
        column("users", Type::Bigint, "users with a value"),
        column(
            "mean",
            Type::Double,
            "mean of the users' values; for a mean over requests, the sum of all values over their number; for a \
             quantile, the quantile",
        ),
        column("control_mean", Type::Double, "mean of the control"),
        column("difference", Type::Double, "mean - control_mean"),
        column("difference_low", Type::Double, "its lower bound"),
        column("difference_high", Type::Double, "its upper bound"),
        column("relative_lift", Type::Double, "difference relative to the absolute value of the control's mean"),
        column("p_value", Type::Double, "probability of a difference at least as large if there were none"),
        column("p_adjusted", Type::Double, "p_value adjusted for multiple comparisons"),
        column(
            "srm_p_value",
            Type::Double,
            "p value of the test for sample ratio mismatch (SRM) within the segment; invalid below 0.001 divided by the \
             number of segments",
        ),
        column("verdict", Type::Text, "conclusion of the comparison within the segment"),
        column("reason", Type::Text, "why a value or a verdict is missing, or a remark"),
        column(
            "interaction_statistic",
            Type::Double,
            "Cochran's Q: dispersion of the segments' differences around their common one",
        ),
        column("interaction_df", Type::Double, "degrees of freedom of Q: number of segments minus 1"),
        column(
            "interaction_p_value",
            Type::Double,
            "probability of a Q at least as large if the effect were the same in all segments",
        ),
        column("interaction_p_adjusted", Type::Double, "the same, adjusted for the number of metrics and variants"),
        column(
            "interaction_verdict",
            Type::Text,
            "differs, no evidence or too few segments; NULL in the rows of the control",
        ),
    ],
    reads: Reads::Requests(&REQUESTS),
    segmented: false,
    scalar: false,
    zoned: true,
    rows: 10,
    run,
};

/// Whether the effect of one variant on one metric differs between segments.
#[derive(Default)]
struct Interaction {
    /// The differences of the segments and their standard errors.
    effects: Vec<(f64, f64)>,
    /// Q, its degrees of freedom, and its p value.
    found: Option<(f64, f64, f64)>,
    p_adjusted: Option<f64>,
}

/// The metric and the variant of a row that was compared with the control.
fn effect<'c>(of: &'c Compared<'_>) -> Option<(&'c [u8], &'c [u8])> {
    (of.row.verdict.is_some() && !of.row.is_control).then_some((of.metric.as_bytes(), of.row.variant.as_slice()))
}

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let terms = Terms::of(call)?;
    let compared = compared(call, &terms, "by", rows)?;
    let mut interactions = BTreeMap::<_, Interaction>::new();
    for (key, of) in compared.iter().filter_map(|of| effect(of).zip(Some(of))) {
        interactions.entry(key).or_default().effects.extend(of.row.difference.zip(of.row.error));
    }
    interactions.values_mut().for_each(|interaction| interaction.found = heterogeneity(&interaction.effects));
    // few: metrics and variants
    let p_values = interactions.values().map(|of| of.found.map(|(.., p)| p)).collect::<Vec<_>>();
    for (interaction, p) in interactions.values_mut().zip(adjusted(&p_values, terms.question.correction)) {
        interaction.p_adjusted = p;
    }
    for of in &compared {
        let row = &of.row;
        let interaction = effect(of).and_then(|key| interactions.get(&key));
        let found = interaction.and_then(|interaction| interaction.found);
        let p_adjusted = interaction.and_then(|interaction| interaction.p_adjusted);
        let verdict = interaction.map(|_| match p_adjusted {
            None => "too few segments",
            Some(p) if p < 1.0 - terms.question.confidence => "differs",
            Some(_) => "no evidence",
        });
        rows.row(&mut [
            of.segment.into(),
            of.metric.into(),
            row.variant.as_slice().into(),
            row.users.into(),
            row.mean.into(),
            row.control_mean.into(),
            row.difference.into(),
            row.low.into(),
            row.high.into(),
            row.lift.into(),
            row.p_value.into(),
            row.p_adjusted.into(),
            row.srm_p_value.into(),
            row.verdict.map(|verdict| verdict.name()).into(),
            row.reason.as_deref().into(),
            found.map(|(q, ..)| q).into(),
            found.map(|(_, df, _)| df).into(),
            found.map(|(.., p)| p).into(),
            p_adjusted.into(),
            verdict.into(),
        ])?;
    }
    Ok(())
}
