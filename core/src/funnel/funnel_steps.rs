//! `funnel_steps`: how many users reached each step, read from a value. Definition D47.

use super::View;
use super::way::COMPATIBILITY;
use super::{Compatibility, Mode, Step, names, steps};
use crate::base::calendar::Span;
use crate::base::error::Result;
use crate::function::{Argument, Call, Cell, Column, Function, NO_DEFAULT, Reads, Role, Rows, Stored, Type, column};

/// The columns of a step.
pub(super) const COLUMNS: &[Column] = &[
    column("step_number", Type::Integer, "number of the step, from 1"),
    column("step", Type::Text, "name of the step; of an unordered funnel, how many of the steps are done"),
    column("users", Type::Bigint, "users who reached the step so far, eligible or not"),
    column(
        "eligible_users",
        Type::Bigint,
        "users who entered, which is with the first step unless others are entries, and whose window has elapsed since they \
         first did",
    ),
    column("reached_users", Type::Bigint, "eligible users who reached the step"),
    column(
        "from_previous_rate",
        Type::Double,
        "reached_users / reached_users of the previous step, 0 to 1; NULL for the first step; where steps are optional or \
         entries, the share of the eligible users for whom it could come next",
    ),
    column("from_first_rate", Type::Double, "reached_users / eligible_users, 0 to 1"),
    column("dropped_users", Type::Bigint, "eligible users who reached the previous step and not this one"),
    column(
        "open_users",
        Type::Bigint,
        "users who reached the previous step, not yet this one, and are not eligible yet",
    ),
    column(
        "median_seconds",
        Type::Double,
        "median time from the previous step over eligible users; NULL for the first step",
    ),
    column(
        "p90_seconds",
        Type::Double,
        "90th percentile of the time from the previous step over eligible users; NULL for the first step",
    ),
    column("rate_low", Type::Double, "lower 95 % bound of from_first_rate"),
    column("rate_high", Type::Double, "its upper 95 % bound"),
];

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "funnel_steps",
    path: "funnel::funnel_steps",
    example: "",
    summary: "conversion funnel of a stored value: users who reached each step, their share of those who reached the \
              previous and the first step, users who dropped out before it, users who are not eligible yet, and \
              time between steps; steps may be named",
    arguments: &[
        Argument {
            name: "steps",
            kind: Type::Texts,
            role: Role::Value,
            default: NO_DEFAULT,
            about: "names of the steps, one each; steps with NULL, and by default all, are named by number",
        },
        COMPATIBILITY,
    ],
    columns: COLUMNS,
    reads: Reads::Value(Stored::Funnel),
    segmented: false,
    scalar: false,
    zoned: false,
    rows: 10,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let compatibility = Compatibility::given(call)?;
    let given = call.texts_and_nulls("steps");
    let (table, mode) = match call.value(0, View::open)? {
        // Without rows no user reached any step; the number of steps is that of the names given.
        // few: steps of an argument
        None => (vec![Step::default(); given.map_or(0, <[_]>::len)], Mode::Ordered),
        Some(view) => {
            let span = Span { since: call.since, until: call.until, end: call.end_of_following(view.last_at()) };
            (steps(&view, compatibility, &span)?, view.rules().mode)
        }
    };
    let names = names(table.len(), mode, given)?;
    let mut shown = true;
    (1i32..)
        .zip(&names)
        .zip(table)
        .try_for_each(|((number, name), step)| rows.row(&mut figures(call, &mut shown, number, name, step)))
}

/// The further counts that the values of a step reveal if steps have conditions of their own: users who entered with it, came
/// from an earlier one, or passed it by.
fn counts_of_terms(step: &Step) -> [u64; 7] {
    if !step.has_terms {
        return [0; 7];
    }
    let early = step.users - step.reached;
    let of = |reached: u64, previous: u64, entered: u64| {
        let arrived = reached.saturating_sub(entered);
        [arrived, entered, previous.saturating_sub(arrived)]
    };
    let [previous, entered] = step.early;
    let ([a, b, c], [d, e, f]) = (of(step.reached, step.reached_previous, step.entered), of(early, previous, entered));
    [a, b, c, d, e, f, step.eligible - step.reached]
}

/// The cells of a step. Values hidden in one step could be derived from those of the next: `shown` tells whether those of
/// the previous steps are shown.
pub(super) fn figures<'n>(
    call: &Call<'_>,
    shown: &mut bool,
    number: i32,
    name: &'n str,
    mut step: Step,
) -> [Cell<'n>; 13] {
    let early = step.users - step.reached;
    *shown &= ![step.users, step.eligible, step.reached, early, step.dropped, step.open]
        .into_iter()
        .chain(counts_of_terms(&step))
        .any(|users| call.hides(users));
    let shown = *shown;
    let count = |users: u64| Cell::from(Some(users).filter(|_| shown));
    let figure = |figure: Option<f64>| Cell::from(figure.filter(|_| shown));
    let [median, p90] = [0.5, 0.9].map(|share| step.quantile(share));
    let (low, high) = step.bounds().unzip();
    [
        number.into(),
        name.into(),
        count(step.users),
        count(step.eligible),
        count(step.reached),
        figure(step.from_previous_rate()),
        figure(step.from_first_rate()),
        count(step.dropped),
        count(step.open),
        figure(median),
        figure(p90),
        figure(low),
        figure(high),
    ]
}
