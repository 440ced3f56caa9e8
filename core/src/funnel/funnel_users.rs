//! `funnel_users`: the steps of each user in a funnel, reached, dropped or open. Definition D47.

use super::readout::progress_of_course;
use super::way::{ARGUMENTS, Way};
use crate::base::error::Result;
use crate::function::{Call, Cell, Function, Past, Reads, Requests, Rows, Type, column};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "funnel_users",
    path: "funnel::funnel_users",
    example: "'[{\"filter\": {\"feature\": \"chat\"}}, {\"filter\": {\"feature\": \"code\"}}]'",
    summary: "progress of each user in a funnel: completed steps and their times, and the next step, before which the \
              user dropped or which is still open; only eligible users are in the rates of funnel",
    arguments: ARGUMENTS,
    columns: &[
        column("user_id", Type::Text, "the user"),
        column("step_number", Type::Integer, "number of the step, from 1"),
        column("step", Type::Text, "name of the step; of an unordered funnel, how many of the steps are done"),
        column("reached_at", Type::Instant, "time of completion; NULL if not completed"),
        column("status", Type::Text, "completed, dropped or open"),
        column("eligible", Type::Boolean, "whether the window has elapsed since the user first entered"),
    ],
    reads: Reads::Requests(&Requests { past: Past::Nothing, columns: &[], needed: &[], names: true }),
    segmented: false,
    scalar: false,
    zoned: false,
    rows: 1000,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let mut way = Way::given(call)?;
    let mut matcher = way.matcher(call)?;
    let (steps, optional) = (way.rules.steps, way.optional());
    call.each_user(&way.columns(), |user| {
        way.look(user)?;
        way.gather(user, 0..user.at.len())?;
        let journey = matcher.journey(&way.events)?;
        let user_id = call.user_id(user.user, user.name);
        progress_of_course(journey, steps, optional).try_for_each(|row| {
            rows.row(&mut [
                Cell::Bytes(&user_id),
                Cell::Integer(row.step as i32 + 1),
                way.names.get(row.step).map_or(Cell::Null, |name| Cell::Text(name)),
                row.reached.map_or(Cell::Null, Cell::Instant),
                row.standing.name().into(),
                journey.eligible.into(),
            ])
        })
    })
}
