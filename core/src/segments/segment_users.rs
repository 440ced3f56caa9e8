//! `segment_users`: every user in exactly one segment, with the values that decided it. Definitions D30-D35.

use super::members::{Member, Members};
use super::{TERMS, Terms};
use crate::base::error::Result;
use crate::function::{Call, Cell, Column, Function, Past, Reads, Requests, Rows, Type, column};
use crate::source::Rules;

/// The columns of a user after the id.
pub(super) const FIGURES: [Column; 13] = [
    column(
        "segment",
        Type::Text,
        "new, at_risk, power, casual, lapsed or dormant, the first that applies; or a custom segment of rules",
    ),
    column("requests", Type::Bigint, "requests at or after since"),
    column("active_days", Type::Bigint, "local days with at least one of these requests"),
    column("first_seen", Type::Instant, "time of the first request, regardless of since"),
    column("last_seen", Type::Instant, "time of the last request, regardless of since"),
    column(
        "usage_rank",
        Type::Bigint,
        "rank by recent_requests among the recently active users: 1 has the most, equal users share a rank; NULL \
         without recent requests",
    ),
    column(
        "power_cutoff",
        Type::Bigint,
        "fewest recent_requests of any user within power_share, the same in every row; NULL if there is no such user",
    ),
    column("recent_requests", Type::Bigint, "requests in the recent weeks"),
    column("base_requests", Type::Bigint, "requests in the base weeks before them"),
    column("recent_days", Type::Bigint, "local days of the recent requests"),
    column("base_days", Type::Bigint, "local days of the base requests"),
    column("decline_ratio", Type::Double, "active days per week, recent over base; NULL without base days"),
    column(
        "decline_p",
        Type::Double,
        "probability of as few recent days, or fewer, if the rate had not changed; NULL without active days in either \
         span",
    ),
];

const COLUMNS: [Column; 14] = {
    let mut columns = [column("user_id", Type::Text, "the user"); 14];
    let mut n = 0;
    while n < FIGURES.len() {
        columns[n + 1] = FIGURES[n];
        n += 1;
    }
    columns
};

/// What is read of requests.
pub(super) static REQUESTS: Requests = Requests { past: Past::All, columns: &[], needed: &[], names: false };

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "segment_users",
    path: "segments::segment_users",
    example: "",
    summary: "segment of every user, exactly one (the first of new, at_risk, power, casual, lapsed and dormant that \
              applies, or of custom rules), with the metrics that decide it",
    arguments: &TERMS,
    columns: &COLUMNS,
    reads: Reads::Requests(&Requests { past: Past::All, columns: &[], needed: &[], names: true }),
    segmented: false,
    scalar: false,
    zoned: true,
    rows: 1000,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let (terms, rules) = (Terms::of(call)?, call.json("rules").map(Rules::parse).transpose()?);
    let members = Members::of(call, terms, rules.as_ref())?;
    members.members.iter().try_for_each(|member| {
        let id = members.id(member);
        let figures = figures(&members, member);
        let mut cells = [Cell::Null; 14];
        cells[0] = Cell::Bytes(&id);
        cells[1..].copy_from_slice(&figures);
        rows.row(&mut cells)
    })
}

/// The cells of a user after the id.
pub(super) fn figures<'m>(members: &'m Members<'_>, member: &'m Member) -> [Cell<'m>; 13] {
    [
        members.segment(member).1.into(),
        member.requests.into(),
        member.active_days.into(),
        Cell::Instant(member.first),
        Cell::Instant(member.last),
        member.usage_rank.into(),
        members.shown_cutoff.into(),
        member.recent.into(),
        member.base.into(),
        member.recent_days.into(),
        member.base_days.into(),
        member.decline_ratio.into(),
        member.decline_p.into(),
    ]
}
