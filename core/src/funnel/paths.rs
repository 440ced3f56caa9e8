//! `paths`: transitions between successive features, by position.

use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::base::user_table::is_blank;
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
    summary: "user paths: for each move after the user's first request that passes start, the number of users who go \
              from one feature to another",
    arguments: &[
        Argument {
            name: "start",
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
    ],
    columns: &[
        column("step", Type::Integer, "number of the move, from 1"),
        column("from_feature", Type::Text, "feature before the move"),
        column(
            "to_feature",
            Type::Text,
            "feature after the move; NULL for users who used no other feature until observation ended",
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

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    call.clock()?;
    let depth = match call.integer("depth").unwrap_or(5) {
        depth @ 1..=1000 => depth as u32,
        given => return call.refuse("depth", given, "a number of moves from 1 to 1000"),
    };
    let columns = ["feature", "request_id", "segment", "start"].map(|name| call.column(name));
    let [feature, _, segment, start] = columns;
    let make = || {
        let (by_segment, claim) = (BySegment::default(), Claim::temporary());
        Ok(Paths {
            call,
            depth,
            feature,
            segment,
            start,
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
        let text = |column, code| call.text_of(column, code);
        (text(segment, of_segment), step, text(feature, from), text(feature, to), *users)
    }))?;
    found.sort_unstable_by_key(|&(segment, step, from, to, users)| {
        let is_hidden = call.hides(users);
        (
            segment.is_none(),
            segment,
            step,
            is_hidden,
            Reverse(if is_hidden { 0 } else { users }),
            from,
            to.is_none(),
            to,
        )
    });
    found.into_iter().try_for_each(|(segment, step, from, to, users)| {
        rows.row(&mut [segment.into(), (step as i32).into(), from.into(), to.into(), users.into()])
    })
}

/// The fold.
struct Paths<'a> {
    call: &'a Call<'a>,
    depth: u32,
    feature: Option<usize>,
    segment: Option<usize>,
    start: Option<usize>,
    /// Segments and the positions of transitions.
    steps: Table<()>,
    /// Users by the index of a segment's position in `steps`, and the two features.
    moves: Table<u64>,
    by_segment: BySegment,
    claim: Claim,
}

impl Fold for Paths<'_> {
    fn observe(&mut self, user: &Timeline<'_>) -> Result<()> {
        let Paths { call, depth, feature, segment, start, steps, moves, by_segment, claim } = self;
        let Some(features) = user.codes(*feature) else { return Ok(()) };
        let is_one = |code| call.text_of(*feature, code).is_some_and(|text| !is_blank(text));
        by_segment.each(user, *segment, |segment, requests| {
            let mut take = |step: u32, from: u32, to: u32| {
                let (place, _) = steps.entry([0, segment, step], claim)?;
                *moves.entry([place as u32, from, to], claim)?.1 += 1;
                Ok(())
            };
            // The number of transitions so far, and the last feature of the path.
            let (mut step, mut last) = (0, None);
            for &request in requests {
                let (request, code) = (request as usize, features[request as usize]);
                let goes_on = last.is_some() || start.is_none() || user.flag(*start, request) == Some(true);
                // Successive requests with the same feature count once.
                if !goes_on || last == Some(code) || !is_one(code) {
                    continue;
                }
                if let Some(from) = last.replace(code) {
                    step += 1;
                    take(step, from, code)?;
                    if step == *depth {
                        return Ok(());
                    }
                }
            }
            // A path that ends before the depth gets a transition to no feature.
            last.map_or(Ok(()), |from| take(step + 1, from, 0))
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
