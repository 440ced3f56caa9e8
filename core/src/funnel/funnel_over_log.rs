//! `funnel`: how many users reached each step. Definition D47.

use super::funnel_steps::{COLUMNS, figures};
use super::readout::{count, finish, merge};
use super::way::{ARGUMENTS, Way};
use super::{Matcher, Step};
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::function::by_name;
use crate::function::{Call, Cell, Function, Past, Reads, Requests, Rows};
use crate::history::{BySegment, Fold, Table, Timeline};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "funnel",
    path: "funnel::funnel_over_log",
    example: "'[{\"filter\": {\"feature\": \"chat\"}}, {\"filter\": {\"feature\": \"code\"}}]'",
    summary: "conversion funnel: users who reached each step, their share of those who reached the previous and the \
              first step, users who dropped out before it, users who are not eligible because their window has not elapsed, \
              and time between steps",
    arguments: ARGUMENTS,
    columns: COLUMNS,
    reads: Reads::Requests(&Requests { past: Past::Nothing, columns: &[], needed: &[], names: false }),
    segmented: true,
    scalar: false,
    zoned: true,
    rows: 10,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let segment = call.column("segment");
    let make = || {
        let way = Way::given(call)?;
        let matcher = way.matcher(call)?;
        Ok(Reached {
            way,
            matcher,
            segment,
            segments: Table::default(),
            by_segment: BySegment::default(),
            claim: Claim::temporary(),
        })
    };
    let columns = [make()?.way.columns(), vec![segment]].concat();
    let Reached { way, segments, mut claim, .. } = call.fold(&columns, make)?;
    let mut segments = by_name(call, segments, &mut claim)?;
    if segments.is_empty() && !call.by {
        // few: steps of an argument
        claim.push(&mut segments, (None, vec![Step::default(); way.names.len()]))?;
    }
    segments.into_iter().try_for_each(|(segment, mut steps)| {
        finish(&mut steps);
        let mut shown = true;
        (1i32..).zip(&way.names).zip(steps).try_for_each(|((number, name), step)| {
            let mut cells = [Cell::Null; 14];
            cells[0] = segment.into();
            cells[1..].copy_from_slice(&figures(call, &mut shown, number, name, step));
            rows.row(&mut cells)
        })
    })
}

/// The fold.
struct Reached {
    way: Way,
    matcher: Matcher,
    segment: Option<usize>,
    /// The steps of each segment that has events.
    segments: Table<Vec<Step>>,
    by_segment: BySegment,
    claim: Claim,
}

impl Fold for Reached {
    fn observe(&mut self, user: &Timeline<'_>) -> Result<()> {
        let Reached { way, matcher, segment, segments, by_segment, claim } = self;
        way.look(user)?;
        by_segment.each(user, *segment, |segment, requests| {
            let events = way.events(user, requests.iter().map(|&request| request as usize))?;
            if !events.first().is_some_and(|first| matcher.enters(first.at)) {
                return Ok(());
            }
            let journey = matcher.journey(events)?;
            let (_, steps) = segments.entry([0, 0, segment], claim)?;
            claim.extend_to(steps, way.rules.steps)?;
            count(steps, journey, claim)
        })
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        let most = self.way.rules.steps;
        self.segments.merge(other.segments, &mut self.claim, |ours, theirs, claim| {
            claim.extend_to(ours, most)?;
            merge(ours, theirs, claim)
        })?;
        Ok(())
    }
}
