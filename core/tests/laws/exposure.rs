//! A first exposure as the laws see it, and what is true of it alone.

use crate::Subject;
use crate::support::{check, ok};
use proptest::collection::vec;
use proptest::prelude::*;
use user_metrics_core::Result;
use user_metrics_core::exposure::{Exposed, Exposure, Exposures};
use user_metrics_core::state::State;
use user_metrics_core::users::{UserKey, UserKind, is_blank};

type Row = (i64, Option<Vec<u8>>);

fn rows(most: usize) -> BoxedStrategy<Vec<Row>> {
    let variant = prop_oneof![
        3 => Just(Some(b"control".to_vec())),
        3 => Just(None),
        1 => Just(Some(b"b".to_vec())),
        1 => Just(Some(Vec::new())),
        1 => vec(any::<u8>(), 0..9).prop_map(Some),
    ];
    vec((prop_oneof![6 => 0..9i64, 1 => any::<i64>()], variant), 0..most).boxed()
}

impl Subject for Exposure {
    type Options = ();
    type Row = Row;

    fn options() -> BoxedStrategy<()> {
        Just(()).boxed()
    }

    fn few() -> BoxedStrategy<Vec<Row>> {
        rows(12)
    }

    fn many() -> BoxedStrategy<Vec<Row>> {
        rows(2000)
    }

    fn new((): &()) -> Self {
        Exposure::new()
    }

    fn observe(&mut self, (at, variant): &Row) -> Result<()> {
        Exposure::observe(self, *at, variant.as_deref())
    }
}

#[test]
fn the_first_exposure_is_the_first_request_that_bears_a_variant() {
    check(500, rows(12), |rows| {
        let mut exposure = Exposure::new();
        ok(rows.iter().try_for_each(|row| Subject::observe(&mut exposure, row)))?;
        let met = rows.iter().filter_map(|(at, variant)| Some((*at, variant.as_ref().filter(|v| !is_blank(v))?)));
        prop_assert_eq!(exposure.first_at(), met.clone().map(|(at, _)| at).min());
        let least = met.clone().map(|(_, variant)| variant).min();
        prop_assert_eq!(exposure.variant(), least.map(|variant| &variant[..]));
        prop_assert_eq!(exposure.is_mixed(), met.clone().any(|(_, variant)| Some(variant) != least));
        Ok(())
    });
}

type UserRow = (Option<UserKey>, i64, Option<Vec<u8>>);

fn user_rows(users: i64, least: usize, most: usize) -> BoxedStrategy<Vec<UserRow>> {
    let variant = prop_oneof![
        6 => Just(Some(b"control".to_vec())),
        3 => Just(None),
        1 => Just(Some(b" ".to_vec())),
        1 => (0..9u8).prop_map(|n| Some(vec![b'v', n])),
    ];
    let user = prop_oneof![20 => (0..users).prop_map(|id| Some(UserKey::bigint(id))), 1 => Just(None)];
    vec((user, 0..60i64, variant), least..most).boxed()
}

impl Subject for Exposures {
    type Options = UserKind;
    type Row = UserRow;

    fn options() -> BoxedStrategy<UserKind> {
        prop_oneof![Just(UserKind::Text), Just(UserKind::Bigint)].boxed()
    }

    fn few() -> BoxedStrategy<Vec<UserRow>> {
        user_rows(6, 0, 40)
    }

    fn many() -> BoxedStrategy<Vec<UserRow>> {
        // More users than are taken in row by row.
        user_rows(9000, 12_000, 14_000)
    }

    fn new(kind: &UserKind) -> Self {
        Exposures::new(*kind)
    }

    fn observe(&mut self, (user, at, variant): &UserRow) -> Result<()> {
        Exposures::observe(self, *user, *at, variant.as_deref())
    }
}

/// All users at once are each by themselves.
#[test]
fn exposures_are_those_of_each_user() {
    for (cases, rows) in [(300, user_rows(6, 0, 60)), (1, Exposures::many())] {
        check(cases, rows, |rows| {
            let mut all = Exposures::new(UserKind::Bigint);
            ok(rows.iter().try_for_each(|row| Subject::observe(&mut all, row)))?;
            ok(all.settle())?;
            let mut found = all.exposed().collect::<Vec<_>>();
            found.sort_by_key(|exposed| exposed.user);
            let mut users = rows.iter().filter_map(|(user, ..)| *user).collect::<Vec<_>>();
            users.sort();
            users.dedup();
            let mut expected = Vec::new();
            for user in users {
                let mut one = Exposure::new();
                let own = rows.iter().filter(|(of, ..)| *of == Some(user));
                own.clone().try_for_each(|(_, at, variant)| ok(one.observe(*at, variant.as_deref())))?;
                let Some(first) = one.first_at() else { continue };
                let variant = one.variant().filter(|_| !one.is_mixed()).map(<[u8]>::to_vec);
                let since = own.clone().filter(|(_, at, _)| *at >= first);
                let all_bear = since.clone().all(|(_, _, variant)| variant.as_ref().is_some_and(|v| !is_blank(v)));
                // Requests are told only where one pass can tell.
                expected.push((user, variant, first, all_bear.then(|| since.count() as u64)));
            }
            let told = |e: &Exposed<'_>| (e.user, e.variant.map(<[u8]>::to_vec), e.first_at, e.requests);
            prop_assert_eq!(found.iter().map(told).collect::<Vec<_>>(), expected);
            Ok(())
        });
    }
}
