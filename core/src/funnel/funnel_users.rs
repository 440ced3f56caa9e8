//! `funnel_users`: who stands where in a funnel. Definitions D46 and D47.

use super::way::{ARGUMENTS, Way};
use super::{Matcher, progress};
use crate::error::Result;
use crate::function::{Call, Cell, Function, Past, Reads, Requests, Rows, Type, column};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "funnel_users",
    path: "funnel::funnel_users",
    summary: "who stands where in a funnel: per user the steps they completed, and when, and the one after these, which they \
              dropped or which is still open to them",
    arguments: ARGUMENTS,
    columns: &[
        column("user_id", Type::Text, "the user"),
        column("step_number", Type::Integer, "the step's place, from 1"),
        column("step", Type::Text, "its name; in any order how many of the steps are done"),
        column("reached_at", Type::Instant, "when they completed it; NULL where they did not"),
        column("status", Type::Text, "completed, dropped or open"),
    ],
    reads: Reads::Requests(&Requests {
        past: Past::Nothing,
        columns: &[],
        needed: &[],
        names: true,
        order: &["user_id", "step_number"],
    }),
    segmented: false,
    scalar: false,
    zoned: false,
    rows: 1000,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let mut way = Way::given(call)?;
    let mut matcher = Matcher::new(way.rules, way.compatibility, call.end())?;
    let steps = way.rules.steps;
    call.each_user(&way.columns(), |user| {
        way.look(user)?;
        let journey = matcher.journey(way.events(user, 0..user.at.len())?)?;
        let user_id = call.user_id(user.user, user.name);
        progress(journey, steps).try_for_each(|row| {
            rows.row(&mut [
                Cell::Bytes(&user_id),
                Cell::Integer(row.step as i32 + 1),
                way.names.get(row.step).map_or(Cell::Null, |name| Cell::Text(name)),
                row.reached.map_or(Cell::Null, Cell::Instant),
                row.standing.name().into(),
            ])
        })
    })
}
