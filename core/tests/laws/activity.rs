//! An activity as the laws see it, and what is true of activities alone.

use crate::Subject;
use crate::support::{Verdict, check, ok};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use user_metrics_core::activity::{Activity, View};
use user_metrics_core::base::calendar::{DAY_MICROS, Micros, Segment};
use user_metrics_core::base::days::Day;
use user_metrics_core::base::state::State;
use user_metrics_core::base::user_table::{UserKey, UserKind};
use user_metrics_core::{Error, Result};

/// 2024-01-01, a Monday.
pub const NEW_YEAR_2024: Day = 8766;
/// The first and the last finite instant of PostgreSQL: 4714-11-24 00:00 BC, 294276-12-31 24:00 less a microsecond.
pub const FIRST_INSTANT: Micros = -211_813_488_000_000_000;
pub const LAST_INSTANT: Micros = 9_223_371_331_199_999_999;
/// 0001-01-01.
const YEAR_1: Day = -730_119;

pub const KINDS: [UserKind; 3] = [UserKind::Text, UserKind::Uuid, UserKind::Bigint];
pub const ZONES: [&str; 3] = ["UTC", "Asia/Kathmandu", "Nowhere/Shifting"];

/// A request: user number, instant.
#[derive(Clone, Copy, Debug)]
pub struct Row(pub Option<u32>, pub Micros);

/// The key of user number `n`. Bigints and uuids are dense, as real ones are.
pub fn key(kind: UserKind, n: u32) -> UserKey {
    let key = match kind {
        UserKind::Text => UserKey::text(format!("user {n}").as_bytes()),
        UserKind::Uuid => Some(UserKey::uuid((u128::from(n) << 64 | 0x8000).to_be_bytes())),
        UserKind::Bigint => Some(UserKey::bigint(i64::from(n) - 3)),
    };
    key.expect("no blank name")
}

/// Zones for tests: one shifts by half an hour every 170 days, at a quarter past some hour. As in the glue, a stretch is
/// told no further than the UTC day.
pub fn segment(zone: &str, at: Micros) -> Result<Segment> {
    const HOUR: Micros = DAY_MICROS / 24;
    let (shift_every, first_shift) = (170 * DAY_MICROS, 5 * HOUR + HOUR / 4);
    let day = at - at.rem_euclid(DAY_MICROS);
    let whole = |offset| Segment { from: day, until: day.saturating_add(DAY_MICROS), offset };
    match zone {
        "UTC" => Ok(Segment { from: Micros::MIN, until: Micros::MAX, offset: 0 }),
        "Asia/Kathmandu" => Ok(whole(5 * HOUR + 3 * HOUR / 4)),
        _ => {
            let number = (at - first_shift).div_euclid(shift_every);
            let began = number * shift_every + first_shift;
            let ends = began.saturating_add(shift_every);
            let here = whole(if number % 2 == 0 { -3 * HOUR } else { -3 * HOUR + HOUR / 2 });
            Ok(Segment { from: here.from.max(began), until: here.until.min(ends), ..here })
        }
    }
}

/// The local day of an instant, without any memory.
pub fn local_day(zone: &str, at: Micros) -> Day {
    let offset = segment(zone, at).map_or(0, |s| s.offset);
    (i128::from(at) + i128::from(offset)).div_euclid(i128::from(DAY_MICROS)) as Day
}

/// Instants of half a year, of forty years, and from the ends of time.
pub fn instants() -> impl Strategy<Value = Micros> {
    let days = |first: Day, days: Day| {
        (first..first + days, 0..DAY_MICROS).prop_map(|(day, time)| Micros::from(day) * DAY_MICROS + time)
    };
    prop_oneof![
        12 => days(NEW_YEAR_2024, 182),
        4 => days(NEW_YEAR_2024 - 14_610, 14_610),
        1 => days(YEAR_1, 800),
        1 => FIRST_INSTANT..FIRST_INSTANT + 50 * DAY_MICROS,
        1 => LAST_INSTANT - 50 * DAY_MICROS..=LAST_INSTANT,
    ]
}

fn row() -> impl Strategy<Value = Row> {
    let user = prop_oneof![1 => Just(None), 12 => (0..6u32).prop_map(Some), 4 => (0..5000u32).prop_map(Some)];
    (user, instants()).prop_map(|(user, at)| Row(user, at))
}

/// More users than are taken in row by row, each with a request, and further requests of them and of some new ones. One
/// request of a thousand is from another age.
fn crowd((users, further, seed): (u32, u32, u64)) -> Vec<Row> {
    // SplitMix64, Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.
    let mut state = seed;
    let mut random = |below: u64| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    };
    let mut row = |user: Option<u32>| {
        let user = user.unwrap_or_else(|| random(u64::from(users + users / 10)) as u32);
        let first = if random(1000) == 0 { YEAR_1 } else { NEW_YEAR_2024 };
        Row(Some(user), Micros::from(first) * DAY_MICROS + random(182 * DAY_MICROS as u64) as Micros)
    };
    (0..users).map(Some).chain((0..further).map(|_| None)).map(&mut row).collect()
}

impl Subject for Activity {
    type Options = (UserKind, &'static str);
    type Row = Row;

    fn options() -> BoxedStrategy<Self::Options> {
        (prop::sample::select(&KINDS[..]), prop::sample::select(&ZONES[..])).boxed()
    }

    fn few() -> BoxedStrategy<Vec<Row>> {
        prop_oneof![vec(row(), 0..6), vec(row(), 0..250)].boxed()
    }

    fn many() -> BoxedStrategy<Vec<Row>> {
        (4097..10_000u32, 0..4000u32, any::<u64>()).prop_map(crowd).boxed()
    }

    fn new(&(kind, zone): &Self::Options) -> Self {
        Activity::new(kind, zone)
    }

    fn observe(&mut self, &Row(user, at): &Row) -> Result<()> {
        let user = user.map(|n| key(self.kind(), n));
        self.observe(user, at, segment)
    }
}

/// What an activity is said to be: per user the days.
type Naive = BTreeMap<UserKey, BTreeSet<Day>>;

fn naive(kind: UserKind, zone: &str, rows: &[Row]) -> Naive {
    let mut naive = Naive::new();
    for &Row(user, at) in rows {
        if let Some(n) = user {
            naive.entry(key(kind, n)).or_default().insert(local_day(zone, at));
        }
    }
    naive
}

fn seen(view: &View<'_>) -> Verdict<Naive> {
    let mut seen = Naive::new();
    ok(view.each(|user, days| {
        seen.insert(user, days.iter().copied().collect());
        Ok(())
    }))?;
    Ok(seen)
}

fn holds_exactly(kind: UserKind, zone: &str, rows: &[Row]) -> Verdict {
    let mut activity = Activity::new(kind, zone);
    ok(rows.iter().try_for_each(|row| Subject::observe(&mut activity, row)))?;
    let bytes = ok(activity.encode())?;
    let view = ok(View::open(&bytes))?;
    let expected = naive(kind, zone, rows);
    let days = || expected.values().flatten().copied();
    prop_assert_eq!((view.kind(), view.zone(), view.users()), (kind, zone, expected.len()));
    prop_assert_eq!(view.last_at(), rows.iter().map(|row| row.1).max());
    prop_assert_eq!(view.bounds(), days().min().zip(days().max()));
    prop_assert_eq!(seen(&view)?, expected);
    Ok(())
}

#[test]
fn an_activity_holds_every_user_and_day_and_no_other() {
    let holds = |((kind, zone), rows): (_, Vec<Row>)| holds_exactly(kind, zone, &rows);
    check(300, (Activity::options(), Activity::few()), holds);
    check(5, (Activity::options(), Activity::many()), holds);
}

/// From 4096 users on, rows are put off by batches: none is lost where the last is full, nearly so, or just begun.
#[test]
fn no_row_that_was_put_off_is_lost() {
    for further in [0, 1, 255, 256, 257, 511, 512, 513, 1023, 1024, 1025] {
        let rows = crowd((4096, further, u64::from(further)));
        holds_exactly(UserKind::Text, "UTC", &rows).expect("as many as were put in");
    }
}

#[test]
fn activities_of_other_users_or_zones_are_refused_and_change_nothing() {
    check(100, (Activity::options(), Activity::options(), Activity::few(), Activity::few()), |(a, b, one, other)| {
        let (mut ours, mut theirs) = (<Activity as Subject>::new(&a), <Activity as Subject>::new(&b));
        ok(one.iter().try_for_each(|row| Subject::observe(&mut ours, row)))?;
        ok(other.iter().try_for_each(|row| Subject::observe(&mut theirs, row)))?;
        let before = ok(ours.encode())?;
        let merged = ours.merge(&theirs);
        if a == b {
            return ok(merged);
        }
        let (what, ours_is, theirs_is) = match (a, b) {
            ((a, _), (b, _)) if a != b => ("types of user ids", a.name(), b.name()),
            ((_, a), (_, b)) => ("time zones", a, b),
        };
        let mixed = Error::Mixed { what, ours: ours_is.to_owned(), theirs: theirs_is.to_owned() };
        prop_assert_eq!(merged, Err(mixed));
        prop_assert_eq!(ok(ours.encode())?, before);
        Ok(())
    });
}

#[test]
fn an_activity_without_users_is_that_of_the_rows_of_others() {
    let inputs = (Activity::options(), Activity::few(), vec(0..5000u32, 0..4), vec(0..6u32, 0..4));
    check(300, inputs, |((kind, zone), rows, strangers, known)| {
        let left_out = [strangers, known].concat();
        let stays = |row: &Row| row.0.is_none_or(|user| !left_out.contains(&user));
        let activity = |stays: &dyn Fn(&Row) -> bool| {
            let mut activity = Activity::new(kind, zone);
            // A request by nobody: the last instant observed stays, whoever made it.
            let rest = rows.iter().map(|row| if stays(row) { *row } else { Row(None, row.1) });
            ok(rest.clone().try_for_each(|row| Subject::observe(&mut activity, &row)).and_then(|()| activity.encode()))
        };
        let (all, others) = (activity(&|_| true)?, activity(&stays)?);
        let keys = left_out.iter().map(|&n| key(kind, n)).collect::<Vec<_>>();
        let rest = ok(ok(View::open(&all))?.without(&keys))?;
        prop_assert_eq!(rest.is_some(), all != others, "bytes are made only where somebody is taken out");
        prop_assert_eq!(rest.unwrap_or(all), others);
        Ok(())
    });
}

#[test]
fn blank_ids_name_nobody_and_all_others_somebody() {
    check(500, vec(any::<u8>(), 0..40), |id| {
        let blank = id.iter().all(|byte| b" \t\n\x0b\x0c\r".contains(byte));
        prop_assert_eq!(UserKey::text(&id).is_none(), blank);
        Ok(())
    });
    check(100, vec(prop::sample::select(&b" \t\n\x0b\x0c\r"[..]), 0..40), |id| {
        prop_assert_eq!(UserKey::text(&id), None);
        Ok(())
    });
}
