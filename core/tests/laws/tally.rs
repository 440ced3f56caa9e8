//! A tally as the laws see it, and what is true of tallies alone.

use crate::Subject;
use crate::activity::{KINDS, ZONES, instants, key, local_day, many_rows, segment};
use crate::support::{check, ok};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use user_metrics_core::Result;
use user_metrics_core::calendar::{DAY_MICROS, Micros};
use user_metrics_core::state::State;
use user_metrics_core::tally::{Spans, Tally};
use user_metrics_core::users::UserKind;

/// A request: user number, instant.
type Row = (u32, Micros);

fn row() -> impl Strategy<Value = Row> {
    (prop_oneof![3 => 0..6u32, 1 => 0..3000u32], instants())
}

/// Where the spans' bounds are is among the instants, or anywhere.
fn spans() -> impl Strategy<Value = Spans> {
    let weeks = || prop_oneof![4 => 1..6u32, 1 => Just(520)];
    (prop::sample::select(&ZONES[..]), prop::option::of(instants()), instants(), weeks(), weeks()).prop_map(
        |(zone, since, end, recent_weeks, base_weeks)| Spans {
            zone: zone.to_owned(),
            since,
            end,
            recent_weeks,
            base_weeks,
        },
    )
}

impl Subject for Tally {
    type Options = (UserKind, Spans);
    type Row = Row;

    fn options() -> BoxedStrategy<Self::Options> {
        (prop::sample::select(&KINDS[..]), spans()).boxed()
    }

    fn few() -> BoxedStrategy<Vec<Row>> {
        prop_oneof![vec(row(), 0..6), vec(row(), 0..250)].boxed()
    }

    fn many() -> BoxedStrategy<Vec<Row>> {
        many_rows()
    }

    fn new((kind, spans): &Self::Options) -> Self {
        Tally::new(*kind, spans.clone())
    }

    fn observe(&mut self, &(user, at): &Row) -> Result<()> {
        let name = if self.kind() == UserKind::Text { format!("user {user}") } else { String::new() };
        self.observe(key(self.kind(), user), name.as_bytes(), at, segment)
    }
}

#[test]
fn a_tally_counts_what_there_is() {
    check(300, (Tally::options(), Tally::few()), |(options, rows)| {
        let mut tally = <Tally as Subject>::new(&options);
        ok(rows.iter().try_for_each(|row| Subject::observe(&mut tally, row)))?;
        let tally = ok(Tally::decode(&ok(tally.encode())?))?;
        let (kind, spans) = options;
        let mut of_user: BTreeMap<u128, Vec<Row>> = BTreeMap::new();
        rows.iter().for_each(|&row| of_user.entry(key(kind, row.0).into()).or_default().push(row));
        prop_assert_eq!(tally.users(), of_user.len());
        let ago = |weeks: u32| i128::from(spans.end) - i128::from(weeks) * 7 * i128::from(DAY_MICROS);
        let (recent, base) = (ago(spans.recent_weeks), ago(spans.recent_weeks + spans.base_weeks));
        for (i, (key, rows)) in of_user.into_iter().enumerate() {
            let person = tally.person(i);
            let shown = || rows.iter().filter(|row| spans.since.is_none_or(|since| row.1 >= since));
            let days: BTreeSet<_> = shown().map(|row| local_day(&spans.zone, row.1)).collect();
            let between = |after: i128, upto: i128| {
                rows.iter().filter(|row| after < row.1.into() && i128::from(row.1) <= upto).count() as u64
            };
            prop_assert_eq!(u128::from(person.key), key);
            let name = if kind == UserKind::Text { format!("user {}", rows[0].0) } else { String::new() };
            prop_assert_eq!(person.name, name.as_bytes());
            prop_assert_eq!(Some(person.first), rows.iter().map(|row| row.1).min());
            prop_assert_eq!(Some(person.last), rows.iter().map(|row| row.1).max());
            prop_assert_eq!((person.requests, person.active_days), (shown().count() as u64, days.len() as u32));
            prop_assert_eq!((person.recent, person.base), (between(recent, spans.end.into()), between(base, recent)));
        }
        Ok(())
    });
}
