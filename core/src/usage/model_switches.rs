//! `model_switches`: switches between models in successive requests. Definition D24.

use super::OF_TRANSITIONS;
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::function::{Call, Function, Reads, Rows, Type, column};
use crate::function::{named, text_order};
use crate::history::{BySegment, Fold, Table, Timeline};
use crate::stats::amount::amount;
use std::cmp::Reverse;

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "model_switches",
    path: "usage::model_switches",
    example: "",
    summary: "switches from one model to another between successive requests of a user, and how many of them follow a \
              failed request",
    arguments: &[],
    columns: &[
        column("from_model", Type::Text, "model of the earlier request"),
        column("to_model", Type::Text, "model of the user's next request"),
        column("switches", Type::Bigint, "number of switches"),
        column("after_error", Type::Bigint, "number of switches after a failed request; NULL if success is not known"),
    ],
    reads: Reads::Requests(&OF_TRANSITIONS),
    segmented: true,
    scalar: false,
    zoned: true,
    rows: 100,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    call.clock()?;
    let columns = ["request_id", "segment", "model", "succeeded"].map(|name| call.column(name));
    let [_, segment, model, succeeded] = columns;
    let make = || {
        let (by_segment, claim) = (BySegment::default(), Claim::temporary());
        Ok(Switches { segment, model, succeeded, pairs: Table::default(), users: 0, by_segment, claim })
    };
    let mut fold = call.fold(&columns, make)?;
    let mut pairs = named(call, [fold.segment, fold.model, fold.model], &fold.pairs, &mut fold.claim)?;
    let shown = |pair: &Pair| Some(pair.switches).filter(|_| !call.hides(pair.users));
    pairs.sort_by_key(|pair| {
        let ([segment, from, to], switches) = (pair.texts, shown(pair.value));
        (text_order(segment), switches.is_none(), Reverse(switches), from, to)
    });
    pairs.into_iter().try_for_each(|pair| {
        let [segment, from, to] = pair.texts;
        let (of, switches) = (pair.value, shown(pair.value));
        let after_error = switches.and((of.known > 0).then_some(of.after_error));
        rows.row(&mut [segment.into(), from.into(), to.into(), switches.into(), after_error.into()])
    })
}

/// The counts of a switch.
#[derive(Debug, Default)]
struct Pair {
    users: u64,
    switches: u64,
    after_error: u64,
    known: u64,
    last_user: u64,
}

amount!(Pair: users, switches, after_error, known);

/// The fold.
struct Switches {
    segment: Option<usize>,
    model: Option<usize>,
    succeeded: Option<usize>,
    /// By segment and the two models.
    pairs: Table<Pair>,
    /// The number of users so far, which is the number of the current one.
    users: u64,
    by_segment: BySegment,
    claim: Claim,
}

impl Fold for Switches {
    fn observe(&mut self, user: &Timeline<'_>) -> Result<()> {
        let Switches { segment, model, succeeded, pairs, users, by_segment, claim } = self;
        *users += 1;
        let Some(codes) = user.codes(*model) else { return Ok(()) };
        by_segment.each(user, *segment, |segment, requests| {
            let mut last: Option<u32> = None;
            for &request in requests.iter().filter(|&&request| codes[request as usize] != 0) {
                let to = codes[request as usize];
                if let Some(before) = last.replace(request)
                    && codes[before as usize] != to
                {
                    let (_, pair) = pairs.entry([segment, codes[before as usize], to], claim)?;
                    let outcome = user.flag(*succeeded, before as usize);
                    pair.switches += 1;
                    pair.users += u64::from(pair.last_user != *users);
                    pair.last_user = *users;
                    pair.known += u64::from(outcome.is_some());
                    pair.after_error += u64::from(outcome == Some(false));
                }
            }
            Ok(())
        })
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        self.users += other.users;
        self.pairs.add(other.pairs, &mut self.claim)
    }

    fn subtract(&mut self, gone: Self) -> Result<bool> {
        self.pairs.subtract(gone.pairs, &mut self.claim)?;
        Ok(true)
    }
}
