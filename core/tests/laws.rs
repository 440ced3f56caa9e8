//! The laws every mergeable value keeps, whatever it counts. One generic function a law; a new state joins them by a
//! [`Subject`] and a line under [`laws!`].
//!
//! Cases are random and new in every run; a failure prints the smallest input found. `PROPTEST_RNG_SEED=N` repeats a run.

#[path = "laws/activity.rs"]
mod activity;
#[path = "laws/experiment.rs"]
mod experiment;
#[path = "laws/funnel.rs"]
mod funnel;
#[path = "laws/naive.rs"]
mod naive;
#[path = "laws/parts.rs"]
mod parts;
#[path = "laws/readouts.rs"]
mod readouts;
#[path = "laws/sessions.rs"]
mod sessions;
#[path = "laws/support.rs"]
mod support;
#[path = "laws/survival.rs"]
mod survival;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use std::fmt::Debug;
use support::{Verdict, check, limited, ok, polls, stopped};
use user_metrics_core::activity::Activity;
use user_metrics_core::base::memory;
use user_metrics_core::base::state::State;
use user_metrics_core::experiment::Experiment;
use user_metrics_core::funnel::Funnel;
use user_metrics_core::sessions::Sessions;
use user_metrics_core::survival::Survival;
use user_metrics_core::{Error, Result};
use xxhash_rust::xxh3::xxh3_64;

/// A state as the laws see it: rows that can be dealt out to several of them.
trait Subject: State {
    /// What states must have in common to be merged.
    type Options: Clone + Debug + 'static;
    type Row: Clone + Debug + 'static;

    fn options() -> BoxedStrategy<Self::Options>;
    /// Up to some hundred rows.
    fn few() -> BoxedStrategy<Vec<Self::Row>>;
    /// Enough rows for whatever the state does only when it is large.
    fn many() -> BoxedStrategy<Vec<Self::Row>>;
    fn new(options: &Self::Options) -> Self;
    fn observe(&mut self, row: &Self::Row) -> Result<()>;
}

macro_rules! tests {
    ($state:ty: $($law:ident)*) => {$(
        #[test]
        fn $law() {
            crate::$law::<$state>();
        }
    )*};
}

/// Every law as a test of one state. A state to which a row seen again means nothing is a `set` and keeps more of them.
macro_rules! laws {
    (any $state:ty) => {
        tests! { $state:
            merging_is_commutative
            merging_is_associative
            nothing_is_neutral
            the_order_of_rows_does_not_matter
            any_split_merges_to_the_whole
            settling_changes_nothing
            decode_reads_what_encode_wrote
            what_is_adopted_merges_like_what_is_decoded
            decode_answers_any_bytes
            damage_is_refused
            what_decodes_has_one_form_only
            the_memory_limit_holds
            a_stop_gives_everything_back
        }
    };
    (set $state:ty) => {
        laws!(any $state);
        tests! { $state:
            seeing_a_row_again_changes_nothing
            a_refusal_does_no_damage
            a_stop_does_no_damage
        }
    };
}

#[rustfmt::skip]
mod activity_keeps { laws!(set crate::Activity); }
#[rustfmt::skip]
mod funnel_keeps { laws!(any crate::Funnel); }
#[rustfmt::skip]
mod experiment_keeps { laws!(any crate::Experiment); }
#[rustfmt::skip]
mod sessions_keep { laws!(any crate::Sessions); }
#[rustfmt::skip]
mod survival_keeps { laws!(any crate::Survival); }

fn fed<'a, S: Subject>(options: &S::Options, rows: impl IntoIterator<Item = &'a S::Row>) -> Result<S> {
    let mut state = S::new(options);
    rows.into_iter().try_for_each(|row| state.observe(row))?;
    Ok(state)
}

fn bytes_of<'a, S: Subject>(options: &S::Options, rows: impl IntoIterator<Item = &'a S::Row>) -> Verdict<Vec<u8>> {
    ok(fed::<S>(options, rows).and_then(|state| state.encode()))
}

/// Runs a law over many small inputs and a few large ones.
fn law<S: Subject, T: Debug>(more: impl Fn() -> BoxedStrategy<T>, law: impl Fn(S::Options, Vec<S::Row>, T) -> Verdict) {
    let run = |(options, rows, rest)| law(options, rows, rest);
    check(200, (S::options(), S::few(), more()), run);
    check(2, (S::options(), S::many(), more()), run);
}

/// Runs a law over pairs of inputs: many of small ones, a few of which one or both are large.
fn law_of_two<S: Subject>(law: impl Fn(S::Options, Vec<S::Row>, Vec<S::Row>) -> Verdict) {
    let run = |(options, one, other)| law(options, one, other);
    check(200, (S::options(), S::few(), S::few()), run);
    check(1, (S::options(), S::many(), S::few()), run);
    check(1, (S::options(), S::few(), S::many()), run);
    check(1, (S::options(), S::many(), S::many()), run);
}

fn merging_is_commutative<S: Subject>() {
    law_of_two::<S>(|options, a, b| {
        let (mut ab, mut ba) = (ok(fed::<S>(&options, &a))?, ok(fed::<S>(&options, &b))?);
        ok(ab.merge(&ok(fed(&options, &b))?))?;
        ok(ba.merge(&ok(fed(&options, &a))?))?;
        prop_assert_eq!(ok(ab.encode())?, ok(ba.encode())?);
        Ok(())
    });
}

fn merging_is_associative<S: Subject>() {
    law::<S, _>(
        || (S::few(), S::few()).boxed(),
        |options, a, (b, c)| {
            let [mut left, mut right] = [ok(fed::<S>(&options, &a))?, ok(fed::<S>(&options, &a))?];
            let [mut b, c] = [ok(fed::<S>(&options, &b))?, ok(fed::<S>(&options, &c))?];
            ok(left.merge(&b).and_then(|()| left.merge(&c)))?;
            ok(b.merge(&c).and_then(|()| right.merge(&b)))?;
            prop_assert_eq!(ok(left.encode())?, ok(right.encode())?);
            Ok(())
        },
    );
}

fn nothing_is_neutral<S: Subject>() {
    law::<S, _>(
        || Just(()).boxed(),
        |options, rows, ()| {
            let mut state = ok(fed::<S>(&options, &rows))?;
            let alone = ok(state.encode())?;
            let mut empty = state.empty();
            ok(state.merge(&empty))?;
            ok(empty.merge(&state))?;
            prop_assert_eq!(&ok(state.encode())?, &alone);
            prop_assert_eq!(&ok(empty.encode())?, &alone);
            prop_assert_eq!(ok(state.empty().encode())?, bytes_of::<S>(&options, [])?);
            Ok(())
        },
    );
}

fn the_order_of_rows_does_not_matter<S: Subject>() {
    let shuffled = |rows: Vec<S::Row>| (Just(rows.clone()), Just(rows).prop_shuffle());
    for (cases, rows) in [(200, S::few()), (3, S::many())] {
        check(cases, (S::options(), rows.prop_flat_map(shuffled)), |(options, (rows, other))| {
            prop_assert_eq!(bytes_of::<S>(&options, &rows)?, bytes_of::<S>(&options, &other)?);
            Ok(())
        });
    }
}

/// What may happen to a part of the rows on its way into the whole.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Merged,
    Settled,
    Stored,
    Adopted,
}

fn any_split_merges_to_the_whole<S: Subject>() {
    const PARTS: usize = 6;
    let way = || prop_oneof![Just(Way::Merged), Just(Way::Settled), Just(Way::Stored), Just(Way::Adopted)];
    law::<S, _>(
        || (vec(0..PARTS, 1..40), vec((way(), any::<Index>()), PARTS)).boxed(),
        |options, rows, (deal, ways)| {
            let part = |n| rows.iter().zip(deal.iter().cycle()).filter(move |&(_, &to)| to == n).map(|(row, _)| row);
            let mut parts = ok((0..PARTS).map(|n| fed::<S>(&options, part(n))).collect::<Result<Vec<_>>>())?;
            let mut whole = S::new(&options);
            for (way, into) in ways {
                let Some(mut part) = parts.pop() else { break };
                match way {
                    Way::Merged => {}
                    Way::Settled => ok(part.settle())?,
                    Way::Stored => part = ok(part.encode().and_then(|bytes| S::decode(&bytes)))?,
                    Way::Adopted => part = ok(part.encode().and_then(|bytes| S::adopt(&bytes)))?,
                }
                // Merged into another part or into the whole: any tree of merges.
                let into = into.index(parts.len() + 1).checked_sub(1);
                let into = into.and_then(|n| parts.get_mut(n)).unwrap_or(&mut whole);
                ok(if way == Way::Merged { into.merge(&part) } else { into.absorb(part) })?;
            }
            prop_assert_eq!(ok(whole.encode())?, bytes_of::<S>(&options, &rows)?);
            Ok(())
        },
    );
}

fn settling_changes_nothing<S: Subject>() {
    law::<S, _>(
        || any::<Index>().boxed(),
        |options, rows, pause| {
            let (before, after) = rows.split_at(pause.index(rows.len() + 1));
            let mut state = ok(fed::<S>(&options, before))?;
            let unsettled = ok(state.encode())?;
            ok(state.settle())?;
            prop_assert_eq!(ok(state.encode())?, unsettled);
            ok(after.iter().try_for_each(|row| state.observe(row)))?;
            prop_assert_eq!(ok(state.encode())?, bytes_of::<S>(&options, &rows)?);
            Ok(())
        },
    );
}

fn seeing_a_row_again_changes_nothing<S: Subject>() {
    law::<S, _>(
        || vec(any::<Index>(), 0..20).boxed(),
        |options, rows, again| {
            let mut state = ok(fed::<S>(&options, &rows))?;
            let once = ok(state.encode())?;
            let again = again.iter().filter(|_| !rows.is_empty());
            ok(again.map(|again| again.get(&rows)).try_for_each(|row| state.observe(row)))?;
            prop_assert_eq!(&ok(state.encode())?, &once);
            ok(state.merge(&ok(fed(&options, &rows))?))?;
            prop_assert_eq!(&ok(state.encode())?, &once);
            Ok(())
        },
    );
}

fn decode_reads_what_encode_wrote<S: Subject>() {
    law_of_two::<S>(|options, rows, more| {
        let bytes = bytes_of::<S>(&options, &rows)?;
        let mut state = ok(S::decode(&bytes))?;
        prop_assert_eq!(&ok(state.encode())?, &bytes);
        // What was read goes on like what was written.
        ok(more.iter().try_for_each(|row| state.observe(row)))?;
        prop_assert_eq!(ok(state.encode())?, bytes_of::<S>(&options, rows.iter().chain(&more))?);
        Ok(())
    });
}

/// Many little values, so that those kept as bytes are merged along the way; and damaged ones, which are refused at the
/// latest when the whole is read.
fn what_is_adopted_merges_like_what_is_decoded<S: Subject>() {
    law::<S, _>(
        || (1..80usize, vec(Damage::any(), 1..3)).boxed(),
        |options, rows, (parts, damages)| {
            let [mut adopted, mut decoded] = [S::new(&options), S::new(&options)];
            for rows in rows.chunks(rows.len().div_ceil(parts).max(1)) {
                let bytes = bytes_of::<S>(&options, rows)?;
                ok(S::adopt(&bytes).and_then(|state| adopted.absorb(state)))?;
                ok(S::decode(&bytes).and_then(|state| decoded.merge(&state)))?;
            }
            let whole = bytes_of::<S>(&options, &rows)?;
            prop_assert_eq!(&ok(adopted.encode())?, &whole);
            prop_assert_eq!(&ok(decoded.encode())?, &whole);

            let mut body = whole[HEADER..].to_vec();
            damages.iter().for_each(|damage| damage.harm(&mut body));
            let damaged = framed([&whole[..HEADER], &body].concat());
            // Alone it may leave as it came: then who reads it refuses it.
            let merged = S::adopt(&damaged).and_then(|state| adopted.absorb(state)).and_then(|()| adopted.encode());
            let merged = merged.and_then(|bytes| S::decode(&bytes).and(Ok(bytes)));
            let expected = S::decode(&damaged).and_then(|state| decoded.merge(&state)).and_then(|()| decoded.encode());
            prop_assert_eq!(merged.is_ok(), expected.is_ok());
            prop_assert!(merged.is_err() || merged == expected);
            Ok(())
        },
    );
}

/// Where the body of a stored value begins, see `wire`.
const HEADER: usize = 16;

/// The bytes with the length and the checksum that belong to their body, so that a reader goes on to look at it.
fn framed(mut bytes: Vec<u8>) -> Vec<u8> {
    if let Some((header, body)) = bytes.split_first_chunk_mut::<HEADER>() {
        header[4..8].copy_from_slice(&(body.len() as u32).to_le_bytes());
        header[8..].copy_from_slice(&xxh3_64(body).to_le_bytes());
    }
    bytes
}

/// Bytes decode to a value that has these very bytes, or are refused as what they are.
fn decodes_or_refuses<S: Subject>(bytes: &[u8]) -> Verdict<bool> {
    match S::decode(bytes) {
        Ok(state) => {
            prop_assert_eq!(&ok(state.encode())?, bytes);
            Ok(true)
        }
        Err(Error::Corrupt { .. } | Error::UnknownVersion { .. }) => Ok(false),
        Err(other) => Err(TestCaseError::fail(format!("refused as {other:?}"))),
    }
}

fn decode_answers_any_bytes<S: Subject>() {
    let head = |bytes: &[u8]| bytes[..HEADER].to_vec();
    check(500, (S::options(), vec(any::<u8>(), 0..200)), |(options, noise)| {
        prop_assert!(!decodes_or_refuses::<S>(&noise)?);
        let head = head(&bytes_of::<S>(&options, [])?);
        decodes_or_refuses::<S>(&framed([head, noise].concat()))?;
        Ok(())
    });
}

/// One small harm to the bytes of a value.
#[derive(Clone, Debug)]
enum Damage {
    Flip(Index, u32),
    Set(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Swap(Index),
    Cut(Index),
}

impl Damage {
    fn any() -> impl Strategy<Value = Damage> {
        // Bytes that mean much to a decoder: none, one, ends of varints, all.
        let byte = || prop_oneof![Just(0), Just(1), Just(0x7f), Just(0x80), Just(0xff), any::<u8>()];
        prop_oneof![
            (any::<Index>(), 0..8u32).prop_map(|(at, bit)| Damage::Flip(at, bit)),
            (any::<Index>(), byte()).prop_map(|(at, to)| Damage::Set(at, to)),
            (any::<Index>(), byte()).prop_map(|(at, what)| Damage::Insert(at, what)),
            any::<Index>().prop_map(Damage::Remove),
            any::<Index>().prop_map(Damage::Swap),
            any::<Index>().prop_map(Damage::Cut),
        ]
    }

    fn harm(&self, bytes: &mut Vec<u8>) {
        let len = bytes.len();
        if len < 2 {
            return;
        }
        match *self {
            Damage::Flip(at, bit) => bytes[at.index(len)] ^= 1 << bit,
            Damage::Set(at, to) => bytes[at.index(len)] = to,
            Damage::Insert(at, what) => bytes.insert(at.index(len + 1), what),
            Damage::Remove(at) => drop(bytes.remove(at.index(len))),
            Damage::Swap(at) => bytes.swap(at.index(len - 1), at.index(len - 1) + 1),
            Damage::Cut(at) => bytes.truncate(at.index(len)),
        }
    }
}

fn damage_is_refused<S: Subject>() {
    law::<S, _>(
        || vec(Damage::any(), 1..4).boxed(),
        |options, rows, damages| {
            let valid = bytes_of::<S>(&options, &rows)?;
            let mut bytes = valid.clone();
            damages.iter().for_each(|damage| damage.harm(&mut bytes));
            prop_assert_eq!(decodes_or_refuses::<S>(&bytes)?, bytes == valid);
            Ok(())
        },
    );
}

/// With the checksum of what they have become, damaged bytes may be another value; then they are its only form.
fn what_decodes_has_one_form_only<S: Subject>() {
    let accepted = std::cell::Cell::new(0);
    for times in [1, 4] {
        law::<S, _>(
            || vec(vec(Damage::any(), 1..=times), 10).boxed(),
            |options, rows, attempts| {
                let valid = bytes_of::<S>(&options, &rows)?;
                for damages in attempts {
                    let mut body = valid[HEADER..].to_vec();
                    damages.iter().for_each(|damage| damage.harm(&mut body));
                    let bytes = framed([&valid[..HEADER], &body].concat());
                    accepted.set(accepted.get() + u32::from(decodes_or_refuses::<S>(&bytes)? && bytes != valid));
                }
                Ok(())
            },
        );
    }
    assert!(accepted.get() > 100, "hardly any damaged value was accepted, so that nothing was compared");
}

/// All that happens to a state: fed, settled, encoded, decoded, fed on, merged, encoded.
fn life<S: Subject>(options: &S::Options, one: &[S::Row], other: &[S::Row]) -> Result<Vec<u8>> {
    let mut first = fed::<S>(options, one)?;
    first.settle()?;
    let mut read = S::decode(&first.encode()?)?;
    other.iter().try_for_each(|row| read.observe(row))?;
    let mut last = fed::<S>(options, other)?;
    last.merge(&first)?;
    last.merge(&read)?;
    last.encode()
}

fn the_memory_limit_holds<S: Subject>() {
    law::<S, _>(
        || (S::few(), any::<Index>()).boxed(),
        |options, one, (other, share)| {
            memory::reset_peak();
            let unlimited = ok(life::<S>(&options, &one, &other))?;
            // What the states take; what is needed in passing comes on top, and counts under the limit too.
            let of_states = memory::peak();
            let limit = share.index(4 * of_states + 10_000);
            memory::reset_peak();
            let result = limited(limit, || life::<S>(&options, &one, &other));
            prop_assert!(memory::peak() <= limit, "{} bytes held under a limit of {}", memory::peak(), limit);
            match result {
                Ok(bytes) => prop_assert!(bytes == unlimited && of_states <= limit),
                Err(error) => prop_assert_eq!(error, Error::OutOfMemory { limit }),
            }
            Ok(())
        },
    );
}

fn is_fine_but_for_memory<T>(result: &Result<T>) -> bool {
    matches!(result, Ok(_) | Err(Error::OutOfMemory { .. }))
}

/// After a refusal for memory a state can be read, and trying again gives the whole.
fn a_refusal_does_no_damage<S: Subject>() {
    law_of_two::<S>(|options, one, other| {
        let whole = bytes_of::<S>(&options, one.iter().chain(&other))?;
        let mut state = ok(fed::<S>(&options, &one))?;
        let before = ok(state.encode())?;
        let more = ok(fed::<S>(&options, &other))?;
        for room in [0, 64, 1000, 8000, 60_000] {
            let encoded = limited(memory::used() + room, || state.encode());
            prop_assert!(encoded.is_err() || encoded == Ok(before.clone()));
            prop_assert!(is_fine_but_for_memory(&encoded));
        }
        for room in [0, 64, 1000, 8000, 60_000] {
            let merged = limited(memory::used() + room, || state.merge(&more));
            prop_assert!(is_fine_but_for_memory(&merged));
            ok(state.encode().and_then(|bytes| S::decode(&bytes)))?;
        }
        ok(state.merge(&more))?;
        prop_assert_eq!(&ok(state.encode())?, &whole);

        let mut state = ok(fed::<S>(&options, &one))?;
        let limit = memory::used() + 1000;
        let observed = limited(limit, || other.iter().try_for_each(|row| state.observe(row)));
        prop_assert!(is_fine_but_for_memory(&observed));
        ok(state.encode().and_then(|bytes| S::decode(&bytes)))?;
        ok(one.iter().chain(&other).try_for_each(|row| state.observe(row)))?;
        prop_assert_eq!(&ok(state.encode())?, &whole);
        Ok(())
    });
}

/// Runs a law that goes through a whole life once for every moment to stop it: fewer cases.
fn law_of_stops<S: Subject>(law: impl Fn(S::Options, Vec<S::Row>, Vec<S::Row>) -> Verdict) {
    let run = |(options, one, other)| law(options, one, other);
    check(60, (S::options(), S::few(), S::few()), run);
    check(1, (S::options(), S::many(), S::many()), run);
}

fn a_stop_gives_everything_back<S: Subject>() {
    law_of_stops::<S>(|options, one, other| {
        let times = polls(|| life::<S>(&options, &one, &other));
        // A few rows may all be of nobody.
        prop_assert!(times > 0 || one.len() + other.len() < 100, "nothing of all this can be stopped");
        for at in 1..=times {
            prop_assert!(stopped(at, || life::<S>(&options, &one, &other)).is_none(), "not stopped at poll {}", at);
            prop_assert_eq!((memory::claims(), memory::used()), (0, 0));
        }
        Ok(())
    });
}

/// A state that was merged into or encoded when the stop came goes on as if nothing had happened.
fn a_stop_does_no_damage<S: Subject>() {
    law_of_stops::<S>(|options, one, other| {
        let whole = bytes_of::<S>(&options, one.iter().chain(&other))?;
        let one = bytes_of::<S>(&options, &one)?;
        let more = ok(fed::<S>(&options, &other))?;
        let times = polls(|| ok(S::decode(&one))?.merge(&more).map_err(|e| TestCaseError::fail(format!("{e:?}"))));
        for at in 1..=times {
            let mut state = ok(S::decode(&one))?;
            prop_assert!(stopped(at, || state.merge(&more)).is_none_or(|merged| merged.is_ok()));
            ok(state.merge(&more))?;
            prop_assert_eq!(&ok(state.encode())?, &whole);
            prop_assert!(stopped(1, || state.encode()).is_none_or(|encoded| encoded.as_ref() == Ok(&whole)));
            prop_assert_eq!(&ok(state.encode())?, &whole);
        }
        Ok(())
    });
}
