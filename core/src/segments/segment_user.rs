//! `segment_user`: one user's segment, with the values that decided it. Definitions D30-D35.

use super::members::Members;
use super::segment_users::{FIGURES, REQUESTS, figures};
use super::{TERMS, Terms};
use crate::base::error::Result;
use crate::function::{Argument, Call, Function, NAME_ONE, NAMED_USER, Reads, Rows};
use crate::source::Rules;

const ARGUMENTS: [Argument; 11] = {
    let mut arguments = [NAMED_USER; 11];
    let mut n = 0;
    while n < TERMS.len() {
        arguments[n + 1] = TERMS[n];
        n += 1;
    }
    arguments
};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "segment_user",
    path: "segments::segment_user",
    example: "",
    summary: "row of segment_users for one user; reads the whole log, because power users are defined relative to all \
              other users",
    arguments: &ARGUMENTS,
    columns: &FIGURES,
    reads: Reads::Requests(&REQUESTS),
    segmented: false,
    scalar: false,
    zoned: true,
    rows: 1,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let user = call.required("user_id", call.text("user_id"), NAME_ONE)?;
    let (terms, rules) = (Terms::of(call)?, call.json("rules").map(Rules::parse).transpose()?);
    let members = Members::of(call, terms, rules.as_ref())?;
    let wanted = call.user_key(user);
    let member = members.members.iter().find(|member| Some(member.id.user) == wanted);
    member.map_or(Ok(()), |member| rows.row(&mut figures(&members, member)))
}
