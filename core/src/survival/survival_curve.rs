//! `survival_curve`: the share to whom it has not happened after each duration.

use super::Step;
use super::readout::{CONFIDENCE, shown};
use crate::error::Result;
use crate::function::{Argument, Call, Function, NO_DEFAULT, Reads, Role, Rows, Stored, Type, column};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "survival_curve",
    path: "survival::survival_curve",
    summary: "the share to whom it has not happened after each duration (Kaplan-Meier), with bounds of a confidence (Greenwood, on \
              the log-log scale); of durations of your own with at_seconds",
    arguments: &[
        CONFIDENCE,
        Argument {
            name: "at_seconds",
            kind: Type::Doubles,
            role: Role::Value,
            default: NO_DEFAULT,
            about: "durations of your own, ascending, in seconds; by default 0 and every duration there is",
        },
    ],
    columns: &[
        column("duration_seconds", Type::Double, "the duration"),
        column("at_risk", Type::Bigint, "how many were observed for so long and it had not happened to them before"),
        column("events", Type::Bigint, "to how many it happened after the row before and by then"),
        column(
            "censored",
            Type::Bigint,
            "how many were observed no longer than to somewhere after the row before and by then",
        ),
        column(
            "survival",
            Type::Double,
            "the share to whom it happens later than that, 0 to 1; NULL where nobody was observed for so long",
        ),
        column("survival_low", Type::Double, "its lower bound; NULL where all or none are left"),
        column("survival_high", Type::Double, "its upper bound; NULL where all or none are left"),
    ],
    reads: Reads::Value(Stored::Survival),
    segmented: false,
    scalar: false,
    zoned: false,
    rows: 100,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let Some(curve) = shown(call, call.survival()?.as_ref())? else { return Ok(()) };
    let mut row = |step: &Step| {
        let (low, high) = step.bounds.unzip();
        rows.row(&mut [
            step.seconds.into(),
            step.at_risk.into(),
            step.events.into(),
            step.censored.into(),
            step.survival.into(),
            low.into(),
            high.into(),
        ])
    };
    match call.doubles("at_seconds") {
        None => curve.steps().iter().try_for_each(row),
        Some(times) => {
            let times = times.iter().copied().flatten().collect::<Vec<_>>(); // few: of an argument
            curve.at(&times)?.iter().try_for_each(&mut row)
        }
    }
}
