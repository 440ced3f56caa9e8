//! `segment_summary`: users and requests of each segment. Definitions D30-D35.

use super::members::Members;
use super::segment_users::REQUESTS;
use super::{Segment, TERMS, Terms};
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::function::{Call, Function, Reads, Rows, Type, column, column_about};
use crate::source::Rules;

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "segment_summary",
    path: "segments::segment_summary",
    example: "",
    summary: "users and requests of each segment of segment_users, in the order of the segments",
    arguments: &TERMS,
    columns: &[
        column("segment", Type::Text, "new, at_risk, power, casual, lapsed or dormant; or a custom segment of rules"),
        column_about(&["users"], "users", Type::Bigint, "users in the segment"),
        column(
            "user_share",
            Type::Double,
            "share of all users, 0 to 1; NULL if there are none, or if any segment is hidden",
        ),
        column_about(&["users"], "requests", Type::Bigint, "requests at or after since"),
        column(
            "request_share",
            Type::Double,
            "share of all requests at or after since, 0 to 1; NULL if there are none, or if any segment is hidden",
        ),
        column_about(&["users"], "requests_per_user", Type::Double, "requests / users; NULL without users"),
    ],
    reads: Reads::Requests(&REQUESTS),
    segmented: false,
    scalar: false,
    zoned: true,
    rows: 6,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let (terms, rules) = (Terms::of(call)?, call.json("rules").map(Rules::parse).transpose()?);
    let members = Members::of(call, terms, rules.as_ref())?;
    let mut claim = Claim::temporary();
    let names = match &rules {
        Some(rules) => claim.collected(rules.segments.iter().map(String::as_str))?,
        None => claim.collected(Segment::ALL.iter().map(|segment| segment.name()))?,
    };
    let mut counts = claim.filled((0u64, 0u64), names.len())?;
    for member in &members.members {
        if let Some((users, requests)) = counts.get_mut(members.segment(member).0) {
            *users += 1;
            *requests += member.requests;
        }
    }
    let (all_users, all_requests) = counts.iter().fold((0, 0), |all, of| (all.0 + of.0, all.1 + of.1));
    // Hidden counts could be derived from the shares of the others.
    let is_open = !counts.iter().any(|(users, _)| call.hides(*users));
    let share = |part: u64, all: u64| (is_open && all > 0).then(|| part as f64 / all as f64);
    names.iter().zip(counts).try_for_each(|(name, (users, requests))| {
        rows.row(&mut [
            (*name).into(),
            users.into(),
            share(users, all_users).into(),
            requests.into(),
            share(requests, all_requests).into(),
            (users > 0).then(|| requests as f64 / users as f64).into(),
        ])
    })
}
