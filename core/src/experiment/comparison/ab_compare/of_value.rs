//! `ab_compare` over a value. Definitions D85 to D94, D96.

use super::{OF_VARIANT, of_variant};
use crate::base::error::Result;
use crate::base::state::State;
use crate::experiment::Experiment;
use crate::experiment::comparison::log::{
    ALTERNATIVE, CONFIDENCE, CONTROL, CORRECTION, MARGIN, SEQUENTIAL, WEIGHTS, argument,
};
use crate::experiment::comparison::{Entry, Method, Question, compare};
use crate::function::{Call, Function, Reads, Role, Rows, Stored, Type};
use crate::source::Better;

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "ab_compare",
    path: "experiment::comparison::ab_compare::of_value",
    example: "",
    summary: "comparison of every variant of an experiment with its control: difference and lift with bounds, test, \
              always-valid bounds, probability of beating control, sample ratio, verdict and reason",
    arguments: &[
        CONTROL,
        argument(
            "method",
            Type::Text,
            Role::Value,
            "'welch'",
            "statistical test: welch, proportions, fisher, mann_whitney or quantile",
        ),
        ALTERNATIVE,
        CONFIDENCE,
        CORRECTION,
        WEIGHTS,
        argument("better", Type::Text, Role::Value, "'higher'", "desired direction: higher, lower or neither"),
        argument("quantile", Type::Double, Role::Value, "0.5", "quantile to compare with the method quantile"),
        MARGIN,
        SEQUENTIAL,
    ],
    columns: &OF_VARIANT,
    reads: Reads::Value(Stored::Experiment),
    segmented: false,
    scalar: false,
    zoned: false,
    rows: 10,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let question = Question::of(call)?;
    let better = Better::parse(call.text("better").unwrap_or("higher"))?;
    let method = Method::parse(call.text("method").unwrap_or("welch"))?;
    let Some(experiment) = call.value(0, Experiment::decode)? else { return Ok(()) };
    let quantile = call.double("quantile").unwrap_or(0.5);
    let entry = Entry { experiment: &experiment, method, quantile, better, mixed: 0, remarks: [None; 3] };
    compare(&[entry], &question)?.iter().try_for_each(|row| rows.row(&mut of_variant(row)))
}
