//! `property_history`: the spans of time in which a property of a user had a value. Definition D8.

use crate::base::calendar::Micros;
use crate::base::error::Result;
use crate::base::memory;
use crate::function::{Argument, Call, Cell, Function, Past, REQUIRED, Reads, Requests, Role, Rows, Type, column};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "property_history",
    path: "users::properties::property_history",
    example: "'UserTier'",
    summary: "values of a property of every user, one after the other, with the times from which and until which each \
              was valid; also what was logged before since, if it still holds",
    arguments: &[Argument {
        name: "property",
        kind: Type::Text,
        role: Role::Column,
        default: REQUIRED,
        about: "column or property whose values are listed",
    }],
    columns: &[
        column("user_id", Type::Text, "the user"),
        column("value", Type::Text, "the value"),
        column("valid_from", Type::Instant, "time of the request with which it was first logged, regardless of since"),
        column(
            "valid_to",
            Type::Instant,
            "time of the request with which another value was logged; NULL if it holds at the end of observation",
        ),
    ],
    reads: Reads::Requests(&Requests { past: Past::All, columns: &[], needed: &[], names: true }),
    segmented: false,
    scalar: false,
    zoned: false,
    rows: 1000,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    call.required("property", call.text("property"), "Name a column or a property.")?;
    let property = call.column("property");
    call.each_user(&[property], |user| {
        let Some(codes) = user.codes(property) else { return Ok(()) };
        let id = call.user_id(user.user, user.name);
        let mut row = |(code, from): (u32, Micros), to: Option<Micros>| {
            // A value that ceased to hold before the range shown, or when it begins.
            if to.zip(call.since).is_some_and(|(to, since)| to <= since) {
                return Ok(());
            }
            let to = to.map_or(Cell::Null, Cell::Instant);
            rows.row(&mut [Cell::Bytes(&id), call.text_of(property, code).into(), Cell::Instant(from), to])
        };
        let (mut held, mut request) = (None, 0);
        for (n, together) in user.at.chunk_by(|a, b| a == b).enumerate() {
            if n % memory::POLL_EVERY == memory::POLL_EVERY - 1 {
                memory::poll();
            }
            let (at, from) = (together[0], request);
            request += together.len();
            let told = call.told_last(property, codes[from..request].iter().map(|&code| (code, at)));
            match held {
                _ if told == 0 => {}
                Some((code, _)) if code == told => {}
                _ => {
                    if let Some(ended) = held.replace((told, at)) {
                        row(ended, Some(at))?;
                    }
                }
            }
        }
        held.map_or(Ok(()), |holds| row(holds, None))
    })
}
