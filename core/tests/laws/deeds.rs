//! Deeds as the laws see them, and what is true of deeds alone: compared with lists of requests and nothing else.

use crate::Subject;
use crate::support::{check, ok};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use user_metrics_core::Result;
use user_metrics_core::calendar::{DAY_MICROS, Micros, Segment};
use user_metrics_core::deeds::{self, Deed, Deeds, Subjects};
use user_metrics_core::drivers;
use user_metrics_core::host::Claim;
use user_metrics_core::sessions::SessionKey;
use user_metrics_core::state::State;
use user_metrics_core::users::{UserKey, UserKind};

const SUBJECTS: u32 = 12;
const FEATURES: [&str; 4] = ["code", "chat", "", "Code"];

/// A request: user, instant, feature, model, session, success, rating, marks.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    user: u32,
    at: Micros,
    feature: Option<usize>,
    model: Option<u8>,
    session: Option<u32>,
    succeeded: Option<bool>,
    rated: bool,
    marks: u32,
}

fn key(user: u32) -> UserKey {
    UserKey::bigint(i64::from(user) * 7919)
}

/// Users 0 to 11; user u's days are the ones from `u % 5` on, `u % 4 + 1` of them.
fn subject(user: u32) -> drivers::Subject {
    let from = (user % 5) as i32;
    let (until, active_days) = (from + (user % 4) as i32 + 1, user % 3);
    drivers::Subject { user: key(user), from, until, active_days, outcome: user.is_multiple_of(2) }
}

fn subjects() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let list = (0..SUBJECTS).map(subject).collect();
        Subjects { kind: UserKind::Bigint, zone: "UTC".to_owned(), list }.encode().unwrap_or_default()
    })
}

fn row(users: u32) -> impl Strategy<Value = Row> {
    let text = (prop::option::of(0..FEATURES.len()), prop::option::of(0..3u8), prop::option::of(0..40u32));
    let rest = (prop::option::of(any::<bool>()), any::<bool>(), 0..8u32);
    (0..users, 0..9 * DAY_MICROS, text, rest).prop_map(
        |(user, at, (feature, model, session), (succeeded, rated, marks))| Row {
            user,
            at,
            feature,
            model,
            session,
            succeeded,
            rated: rated && marks > 5,
            marks,
        },
    )
}

impl Row {
    fn observe(&self, deeds: &mut Deeds) -> Result<()> {
        if !deeds.knows_subjects() {
            deeds.tell(subjects())?;
        }
        let (model, session) = (self.model.map(|model| [model]), self.session.map(|session| format!("chat {session}")));
        let deed = Deed {
            feature: self.feature.map(|feature| FEATURES[feature].as_bytes()),
            model: model.as_ref().map(|model| &model[..]),
            session: session.map_or(SessionKey::NONE, |session| SessionKey::text(session.as_bytes())),
            succeeded: self.succeeded,
            rated: self.rated,
            marks: self.marks,
        };
        deeds.observe(Some(key(self.user)), self.at, &deed, |_, _| {
            Ok(Segment { from: Micros::MIN, until: Micros::MAX, offset: 0 })
        })
    }
}

impl Subject for Deeds {
    type Options = ();
    type Row = Row;

    fn options() -> BoxedStrategy<()> {
        Just(()).boxed()
    }

    fn few() -> BoxedStrategy<Vec<Row>> {
        prop_oneof![vec(row(3), 0..8), vec(row(8), 0..60), vec(row(SUBJECTS + 4), 0..200)].boxed()
    }

    fn many() -> BoxedStrategy<Vec<Row>> {
        vec(row(SUBJECTS + 4), 3000..5000).boxed()
    }

    fn new((): &()) -> Self {
        Deeds::new()
    }

    fn observe(&mut self, row: &Row) -> Result<()> {
        row.observe(self)
    }
}

#[test]
fn subjects_are_read_as_they_were_told() {
    let mut claim = Claim::passing();
    let read = Subjects::decode(subjects(), &mut claim).unwrap();
    assert_eq!((read.kind, &read.zone[..]), (UserKind::Bigint, "UTC"));
    assert_eq!(read.list, (0..SUBJECTS).map(subject).collect::<Vec<_>>());
    assert_eq!(read.encode().as_deref(), Ok(subjects()));
}

/// What each did, by looking at all requests of a user at once.
#[test]
fn deeds_are_what_lists_say() {
    let rows = prop_oneof![vec(row(3), 0..40), vec(row(40), 0..400)];
    check(300, rows, |rows| {
        let mut state = Deeds::new();
        ok(rows.iter().try_for_each(|row| row.observe(&mut state)))?;
        let state = ok(Deeds::decode(&ok(state.encode())?))?;
        let mut of_user: BTreeMap<u32, Vec<&Row>> = BTreeMap::new();
        for row in &rows {
            let (whose, day) = (subject(row.user), row.at.div_euclid(DAY_MICROS) as i32);
            if row.user < SUBJECTS && whose.from <= day && day < whose.until {
                of_user.entry(row.user).or_default().push(row);
            }
        }
        let used: BTreeSet<(UserKey, &[u8])> = state
            .used()
            .map(|(subject, feature)| (state.subjects()[subject].user, &state.features()[feature][..]))
            .collect();
        let expected =
            of_user.values().flatten().filter_map(|row| Some((key(row.user), FEATURES[row.feature?].as_bytes())));
        prop_assert_eq!(used, expected.collect::<BTreeSet<_>>());
        for (subject, done) in state.subjects().iter().zip(state.done()) {
            let own = (0..SUBJECTS).find(|&user| key(user) == subject.user).and_then(|user| of_user.get(&user));
            let own = own.map_or(&[][..], |own| &own[..]);
            let late =
                |row: &&&Row| row.at >= i64::from(subject.until - (subject.until - subject.from) / 2) * DAY_MICROS;
            prop_assert_eq!(done.requests as usize, own.len());
            prop_assert_eq!(done.late as usize, own.iter().filter(late).count());
            let number = (0..state.subjects().len()).find(|&i| state.subjects()[i].user == subject.user).unwrap();
            for (nth, count) in state.daily()[number].iter().enumerate() {
                let on = |row: &&&Row| row.at.div_euclid(DAY_MICROS) as i32 == subject.from + nth as i32;
                prop_assert_eq!(usize::from(*count), own.iter().filter(on).count());
            }
            let first = |wanted| own.iter().filter(|row| row.succeeded == Some(wanted)).map(|row| row.at).min();
            prop_assert_eq!((done.succeeded_at, done.failed_at), (first(true), first(false)));
            prop_assert_eq!(done.marks, own.iter().fold(0, |marks, row| marks | row.marks));
            prop_assert_eq!(done.has(deeds::RATED), own.iter().any(|row| row.rated));
            let models: BTreeSet<u8> = own.iter().filter_map(|row| row.model).collect();
            prop_assert_eq!(
                (done.has(deeds::ONE_MODEL), done.has(deeds::SEVERAL_MODELS)),
                (models.len() == 1, models.len() > 1)
            );
            let sessions: Vec<u32> = own.iter().filter_map(|row| row.session).collect();
            let different: BTreeSet<&u32> = sessions.iter().collect();
            prop_assert_eq!(done.has(deeds::LONG_SESSION), different.len() < sessions.len());
        }
        Ok(())
    });
}
