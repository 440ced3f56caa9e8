//! `paths`: transitions between successive features, by position.

use crate::base::calendar::{Micros, has_elapsed};
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::function::{
    Argument, Call, Function, NO_DEFAULT, Past, Reads, Requests, Role, Rows, Type, column, column_about,
};
use crate::history::{BySegment, Fold, Table, Timeline};
use std::cmp::Reverse;

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "paths",
    path: "funnel::paths",
    example: "",
    summary: "user paths: for each move after the user's first request that passes start_event, or back from the first \
              that passes end_event, the number of users who go from one feature to another",
    arguments: &[
        Argument {
            name: "start_event",
            kind: Type::Json,
            role: Role::Condition,
            default: NO_DEFAULT,
            about: "requests that may start a path, in the form of filter; by default any",
        },
        Argument {
            name: "depth",
            kind: Type::Integer,
            role: Role::Value,
            default: "5",
            about: "number of moves to follow, from 1 to 1000",
        },
        Argument {
            name: "end_event",
            kind: Type::Json,
            role: Role::Condition,
            default: NO_DEFAULT,
            about: "requests that end a path, in the form of filter: the moves are counted back from the first of them, \
                    and users without one have no path",
        },
        Argument {
            name: "max_gap",
            kind: Type::Interval,
            role: Role::Value,
            default: NO_DEFAULT,
            about: "longest pause between two requests of a path; by default any",
        },
    ],
    columns: &[
        column("step", Type::Integer, "number of the move, from 1; with end_event counted back from the end"),
        column(
            "from_feature",
            Type::Text,
            "feature before the move; NULL for users whose path begins with to_feature, with end_event only",
        ),
        column(
            "to_feature",
            Type::Text,
            "feature after the move; NULL for users who used no other feature until observation or the path ended",
        ),
        column(
            "complete",
            Type::Boolean,
            "false for users who have had no time to move on: observation ends with their last request, or no later than \
             max_gap after it",
        ),
        column_about(&["users"], "users", Type::Bigint, "number of users"),
    ],
    reads: Reads::Requests(&Requests {
        past: Past::Nothing,
        columns: &["request_id"],
        needed: &["feature"],
        names: false,
    }),
    segmented: true,
    scalar: false,
    zoned: true,
    rows: 100,
    run,
};

/// No feature.
const NOTHING: u32 = 0;
/// The same, of users who may still go on.
const NOT_YET: u32 = u32::MAX;

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    call.clock()?;
    let depth = match call.integer("depth").unwrap_or(5) {
        depth @ 1..=1000 => depth as usize,
        given => return call.refuse("depth", given, "a number of moves from 1 to 1000"),
    };
    let max_gap = call.length("max_gap")?;
    let columns = ["feature", "request_id", "segment", "start_event", "end_event"].map(|name| call.column(name));
    let [feature, _, segment, start, end] = columns;
    let make = || {
        let (by_segment, claim) = (BySegment::default(), Claim::temporary());
        Ok(Paths {
            path: Path { depth, max_gap, observed: call.end(), feature, start, end, stages: Vec::new() },
            segment,
            steps: Table::default(),
            moves: Table::default(),
            by_segment,
            claim,
        })
    };
    let Paths { steps, moves, mut claim, .. } = call.fold(&columns, make)?;
    let mut places = Vec::new();
    claim.reserve(&mut places, steps.len())?;
    places.extend(steps.iter().map(|([_, segment, step], ..)| (segment, step)));
    let mut found = claim.collected(moves.iter().map(|([place, from, to], _, users)| {
        let (of_segment, step) = places[place as usize];
        let text = |column, code| if code == NOT_YET { None } else { call.text_of(column, code) };
        (text(segment, of_segment), step, text(feature, from), text(feature, to), to != NOT_YET, *users)
    }))?;
    found.sort_unstable_by_key(|&(segment, step, from, to, complete, users)| {
        let is_hidden = call.hides(users);
        let shown = Reverse(if is_hidden { 0 } else { users });
        (segment.is_none(), segment, step, is_hidden, shown, (from.is_none(), from), (to.is_none(), to), !complete)
    });
    found.into_iter().try_for_each(|(segment, step, from, to, complete, users)| {
        let step = (step as i32).into();
        rows.row(&mut [segment.into(), step, from.into(), to.into(), complete.into(), users.into()])
    })
}

/// The fold.
struct Paths {
    path: Path,
    segment: Option<usize>,
    /// Segments and the positions of transitions.
    steps: Table<()>,
    /// Users by the index of a segment's position in `steps`, and the two features.
    moves: Table<u64>,
    by_segment: BySegment,
    claim: Claim,
}

/// What a path is, and the path of a user.
struct Path {
    depth: usize,
    max_gap: Option<Micros>,
    /// The end of observation.
    observed: Micros,
    feature: Option<usize>,
    start: Option<usize>,
    end: Option<usize>,
    /// Its features; successive requests with the same feature count once.
    stages: Vec<u32>,
}

/// Why a path has no further stage.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// It is as long as is asked, or ended by a pause.
    Over,
    /// With the request that ends it.
    AtEnd,
    /// The user makes no further request before observation ends.
    Observation,
}

impl Path {
    /// Collects the stages of a user's path.
    fn follow(&mut self, user: &Timeline<'_>, requests: &[u32], claim: &mut Claim) -> Result<Stop> {
        let Path { depth, max_gap, feature, start, end, stages, .. } = self;
        stages.clear();
        let Some(features) = user.codes(*feature) else { return Ok(Stop::Over) };
        // A text that is not told has no code.
        let is_one = |code| code != 0;
        let mut last_at: Option<Micros> = None;
        for &request in requests {
            let (request, code) = (request as usize, features[request as usize]);
            let at = user.at[request];
            let pauses = last_at.zip(*max_gap).is_some_and(|(last, gap)| at.saturating_sub(last) > gap);
            last_at = Some(at);
            if pauses && !stages.is_empty() {
                if start.is_some() || end.is_none() {
                    return Ok(Stop::Over);
                }
                // The way to an end begins after the last pause.
                stages.clear();
            }
            let goes_on = !stages.is_empty() || start.is_none() || user.flag(*start, request) == Some(true);
            if !goes_on || !is_one(code) {
                continue;
            }
            if stages.last() != Some(&code) {
                claim.push(stages, code)?;
            }
            if end.is_none() && stages.len() > *depth {
                return Ok(Stop::Over);
            }
            if user.flag(*end, request) == Some(true) {
                return Ok(Stop::AtEnd);
            }
        }
        Ok(Stop::Observation)
    }

    /// Calls `take` with each move of the path: its number, and the features before and after it.
    fn moves(
        &self,
        stop: Stop,
        last_at: Option<Micros>,
        mut take: impl FnMut(usize, u32, u32) -> Result<()>,
    ) -> Result<()> {
        let (stages, depth) = (&self.stages, self.depth);
        let Some(&last) = stages.last() else { return Ok(()) };
        if self.end.is_some() {
            if stop != Stop::AtEnd {
                return Ok(());
            }
            let before = stages.iter().rev().skip(1).copied().chain([NOTHING]);
            return (1..=depth).zip(stages.iter().rev().zip(before)).try_for_each(|(n, (&to, from))| take(n, from, to));
        }
        (1..).zip(stages.windows(2)).try_for_each(|(n, pair)| take(n, pair[0], pair[1]))?;
        // A path that ends before the depth gets a transition to no feature.
        if stages.len() > depth {
            return Ok(());
        }
        let gap = self.max_gap.unwrap_or(0);
        let is_known = stop == Stop::Over || last_at.is_none_or(|last| has_elapsed(last, gap, self.observed));
        take(stages.len(), last, if is_known { NOTHING } else { NOT_YET })
    }
}

impl Fold for Paths {
    fn observe(&mut self, user: &Timeline<'_>) -> Result<()> {
        let Paths { path, segment, steps, moves, by_segment, claim } = self;
        by_segment.each(user, *segment, |segment, requests| {
            let stop = path.follow(user, requests, claim)?;
            let last_at = requests.last().map(|&request| user.at[request as usize]);
            path.moves(stop, last_at, |step, from, to| {
                let (place, _) = steps.entry([0, segment, step as u32], claim)?;
                *moves.entry([place as u32, from, to], claim)?.1 += 1;
                Ok(())
            })
        })
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        let numbers = self.steps.merge(other.steps, &mut self.claim, |_, _, _| Ok(()))?;
        for ([place, from, to], users) in other.moves.into_values() {
            let place = numbers.get(place as usize).map_or(0, |&place| place as u32);
            *self.moves.entry([place, from, to], &mut self.claim)?.1 += users;
        }
        Ok(())
    }
}
