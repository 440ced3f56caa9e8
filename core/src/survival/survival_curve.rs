//! `survival_curve`: the share without the event after each duration.

use super::Step;
use super::Survival;
use super::readout::{BOUNDS, CONFIDENCE, shown};
use crate::base::error::Result;
use crate::base::state::State;
use crate::function::{Argument, Call, Function, NO_DEFAULT, Reads, Role, Rows, Stored, Type, column};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "survival_curve",
    path: "survival::survival_curve",
    example: "",
    summary: "Kaplan-Meier survival curve: share without the event after each duration, with confidence bounds \
              (Greenwood); at given durations with at_seconds",
    arguments: &[
        CONFIDENCE,
        Argument {
            name: "at_seconds",
            kind: Type::Doubles,
            role: Role::Value,
            default: NO_DEFAULT,
            about: "durations to report, ascending, in seconds; by default 0 and every distinct duration",
        },
        BOUNDS,
    ],
    columns: &[
        column("duration_seconds", Type::Double, "the duration"),
        column("at_risk", Type::Bigint, "number observed for this long without an earlier event"),
        column("events", Type::Bigint, "number of events after the previous row's duration and up to this one"),
        column(
            "censored",
            Type::Bigint,
            "number whose observation ended without the event after the previous row's duration and up to this one",
        ),
        column(
            "survival",
            Type::Double,
            "estimated share for whom the event happens later than this, 0 to 1; NULL if none was observed for this \
             long",
        ),
        column("survival_low", Type::Double, "its lower bound; NULL if the share is 0 or 1"),
        column("survival_high", Type::Double, "its upper bound; NULL if the share is 0 or 1"),
    ],
    reads: Reads::Value(Stored::Survival),
    segmented: false,
    scalar: false,
    zoned: false,
    rows: 100,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let Some(curve) = shown(call, call.value(0, Survival::decode)?.as_ref())? else { return Ok(()) };
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
