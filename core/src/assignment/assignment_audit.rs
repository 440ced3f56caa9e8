//! `assignment_audit`: logged variants compared with those assigned by a defined experiment. Definition D83.

use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::function::text_order;
use crate::function::{
    Argument, Call, Column, Function, NO_DEFAULT, Past, REQUIRED, Reads, Requests, Role, Rows, Type, column,
    column_about,
};
use crate::history::{BySegment, Fold, Table, Timeline};

/// The number of example users of a pair.
const EXAMPLES: usize = 3;
/// About the memory of an example in addition to its text.
const EXAMPLE: usize = 32;

/// A column about the users counted in the column `users`.
const fn of_users(name: &'static str, kind: Type, about: &'static str) -> Column {
    column_about(&["users"], name, kind, about)
}

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "assignment_audit",
    path: "assignment::assignment_audit",
    example: "'new_chat_ui'",
    summary: "audit of the variants in a log against those that a defined experiment assigns: users and requests for \
              each pair of logged and expected variant, with example users where they differ",
    arguments: &[
        Argument {
            name: "experiment",
            kind: Type::Text,
            role: Role::Experiment,
            default: REQUIRED,
            about: "name of an experiment in the table user_metrics.experiment",
        },
        Argument {
            name: "variant_property",
            kind: Type::Text,
            role: Role::ColumnOr("experiment"),
            default: NO_DEFAULT,
            about: "column or property that holds the variant shown; by default the one named like the experiment",
        },
    ],
    columns: &[
        column("logged_variant", Type::Text, "variant that the requests carry"),
        column(
            "expected_variant",
            Type::Text,
            "variant that the experiment assigns; NULL for users who do not take part",
        ),
        column("agrees", Type::Boolean, "whether the two variants are the same"),
        of_users(
            "users",
            Type::Bigint,
            "users with requests that carry the logged variant, who are assigned the expected one",
        ),
        of_users("requests", Type::Bigint, "their requests with the logged variant"),
        column(
            "user_share",
            Type::Double,
            "users / all users with a logged variant, 0 to 1; NULL if any pair of the segment is hidden",
        ),
        of_users("example_users", Type::Text, "up to three users where the variants differ, separated by commas"),
    ],
    reads: Reads::Requests(&Requests { past: Past::Nothing, columns: &[], needed: &[], names: true }),
    segmented: true,
    scalar: false,
    zoned: true,
    rows: 10,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    call.clock()?;
    call.required(
        "experiment",
        call.text("experiment"),
        "Give the name of an experiment in the table user_metrics.experiment.",
    )?;
    let columns = ["segment", "variant_property", "experiment"].map(|name| call.column(name));
    let [segment, logged, expected] = columns;
    let Audit { pairs, users, mut claim, .. } = call.fold(&columns, || {
        Ok(Audit {
            call,
            segment,
            logged,
            expected,
            pairs: Table::default(),
            users: Table::default(),
            by_segment: BySegment::default(),
            own: Vec::new(),
            claim: Claim::temporary(),
        })
    })?;
    let named = pairs.iter().map(|([of, given, due], _, pair)| {
        (of, call.text_of(segment, of), call.text_of(logged, given), call.text_of(expected, due), pair)
    });
    let mut found = claim.collected(named)?;
    found.sort_by_key(|(_, segment, logged, expected, _)| {
        (text_order(*segment), text_order(*logged), text_order(*expected))
    });
    for pairs in found.chunk_by(|a, b| a.0 == b.0) {
        // Together with a share, users would reveal the total and so the hidden counts.
        let is_open = !pairs.iter().any(|(.., pair)| call.hides(pair.users));
        for (code, segment, logged, expected, pair) in pairs {
            let all = users.find([0, 0, *code]).copied().unwrap_or_default();
            let examples = pair.examples.join(&b", "[..]);
            rows.row(&mut [
                (*segment).into(),
                (*logged).into(),
                (*expected).into(),
                (logged == expected).into(),
                pair.users.into(),
                pair.requests.into(),
                (is_open && all > 0).then(|| pair.users as f64 / all as f64).into(),
                (!examples.is_empty()).then_some(&examples[..]).into(),
            ])?;
        }
    }
    Ok(())
}

/// Users of a pair of logged and assigned variant.
#[derive(Debug, Default)]
struct Pair {
    users: u64,
    requests: u64,
    /// The first of them by id, if the variants differ.
    examples: Vec<Vec<u8>>,
}

impl Pair {
    fn name(&mut self, id: Vec<u8>, claim: &mut Claim) -> Result<()> {
        let place = self.examples.partition_point(|example| *example < id);
        if place < EXAMPLES {
            claim.grow(EXAMPLE + id.len())?;
            self.examples.insert(place, id);
            self.examples.truncate(EXAMPLES);
        }
        Ok(())
    }
}

/// The fold.
struct Audit<'a> {
    call: &'a Call<'a>,
    segment: Option<usize>,
    logged: Option<usize>,
    expected: Option<usize>,
    /// By segment, logged and expected variant.
    pairs: Table<Pair>,
    /// Users with any variant, by segment.
    users: Table<u64>,
    by_segment: BySegment,
    /// The variants of one user's requests.
    own: Vec<u32>,
    claim: Claim,
}

impl Fold for Audit<'_> {
    fn observe(&mut self, user: &Timeline<'_>) -> Result<()> {
        let Some(codes) = user.codes(self.logged) else { return Ok(()) };
        let Audit { call, segment, logged, expected, pairs, users, by_segment, own, claim } = self;
        // It is the same for all requests of a user.
        let due = user.codes(*expected).and_then(|codes| codes.first().copied()).unwrap_or(0);
        by_segment.each(user, *segment, |segment, requests| {
            own.clear();
            for code in requests.iter().map(|&request| codes[request as usize]).filter(|&code| code != 0) {
                claim.push(own, code)?;
            }
            own.sort_unstable();
            for of_variant in own.chunk_by(|a, b| a == b) {
                let Some(&variant) = of_variant.first() else { continue };
                let (_, pair) = pairs.entry([segment, variant, due], claim)?;
                pair.users += 1;
                pair.requests += of_variant.len() as u64;
                if call.text_of(*logged, variant) != call.text_of(*expected, due) {
                    pair.name(call.user_id(user.user, user.name).into_owned(), claim)?;
                }
            }
            if !own.is_empty() {
                *users.entry([0, 0, segment], claim)?.1 += 1;
            }
            Ok(())
        })
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        self.users.add(other.users, &mut self.claim)?;
        let merged = self.pairs.merge(other.pairs, &mut self.claim, |ours, theirs, claim| {
            (ours.users, ours.requests) = (ours.users + theirs.users, ours.requests + theirs.requests);
            theirs.examples.into_iter().try_for_each(|id| ours.name(id, claim))
        });
        merged.map(drop)
    }
}
