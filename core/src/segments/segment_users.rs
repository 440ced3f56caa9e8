//! `segment_users`: every user in exactly one segment, with the figures that say why. Definitions D30-D35.

use super::members::{Member, Members};
use super::{TERMS, Terms};
use crate::error::Result;
use crate::function::{Call, Cell, Column, Function, Past, Reads, Requests, Rows, Type, column};
use crate::source::Rules;

/// The columns of a user beside the id.
pub(super) const FIGURES: [Column; 11] = [
    column("segment", Type::Text, "new, at_risk, power, casual or dormant, the first that fits; or a segment of rules"),
    column("requests", Type::Bigint, "their requests since since"),
    column("active_days", Type::Bigint, "local days with at least one of these"),
    column("first_seen", Type::Instant, "their first request, whatever since says"),
    column("last_seen", Type::Instant, "their last request, whatever since says"),
    column(
        "usage_rank",
        Type::Bigint,
        "place by recent_requests among the recently active: 1 made most, equals share a place; NULL without recent requests",
    ),
    column(
        "power_cutoff",
        Type::Bigint,
        "fewest recent_requests of anyone within power_share, the same in every row; NULL if nobody is",
    ),
    column("recent_requests", Type::Bigint, "requests of the recent weeks"),
    column("base_requests", Type::Bigint, "requests of the weeks before"),
    column("decline_ratio", Type::Double, "requests a week, recent over base; NULL without base requests"),
    column(
        "decline_p",
        Type::Double,
        "probability of so few recent requests, or fewer, if nothing had changed; NULL without requests in either",
    ),
];

const COLUMNS: [Column; 12] = {
    let mut columns = [column("user_id", Type::Text, "the user"); 12];
    let mut n = 0;
    while n < FIGURES.len() {
        columns[n + 1] = FIGURES[n];
        n += 1;
    }
    columns
};

/// What is read of requests.
pub(super) static REQUESTS: Requests =
    Requests { past: Past::All, columns: &[], needed: &[], names: false, order: &[] };

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "segment_users",
    path: "segments::segment_users",
    summary: "every user in exactly one segment (the first of new, at_risk, power, casual, dormant that fits; or of rules of \
              your own), with the figures that say why",
    arguments: &TERMS,
    columns: &COLUMNS,
    reads: Reads::Requests(&Requests { past: Past::All, columns: &[], needed: &[], names: true, order: &["user_id"] }),
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
        let mut cells = [Cell::Null; 12];
        cells[0] = Cell::Bytes(&id);
        cells[1..].copy_from_slice(&figures);
        rows.row(&mut cells)
    })
}

/// The cells of a user beside the id.
pub(super) fn figures<'m>(members: &'m Members<'_>, member: &'m Member) -> [Cell<'m>; 11] {
    [
        members.segment(member).1.into(),
        member.requests.into(),
        member.active_days.into(),
        Cell::Instant(member.first),
        Cell::Instant(member.last),
        member.usage_rank.into(),
        members.power_cutoff.into(),
        member.recent.into(),
        member.base.into(),
        member.decline_ratio.into(),
        member.decline_p.into(),
    ]
}
