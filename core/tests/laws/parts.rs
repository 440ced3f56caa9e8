//! What states are built from, each against the plainest thing that does the same.

use crate::activity::{FIRST_INSTANT, LAST_INSTANT, local_day, segment};
use crate::naive;
use crate::support::{Verdict, check, ok};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};
use user_metrics_core::base::calendar::{Calendar, DAY_MICROS, Grain, LocalDays, Segment};
use user_metrics_core::base::days::{Day, DayArena, DaySet};
use user_metrics_core::base::hours::hour_begins;
use user_metrics_core::base::memory::Claim;
use user_metrics_core::base::user_table::{UNKNOWN, UserKey, Users};
use user_metrics_core::base::wire::{Kind, Reader, Writer, uint_len};
use user_metrics_core::{Error, Result};

/// Days near each other, years apart, and ages apart: sets in the link, in blocks of every size, and in lists.
fn days() -> impl Strategy<Value = Day> {
    prop_oneof![
        4 => 0..35,
        4 => -200..200,
        2 => -4000..4000,
        1 => prop_oneof![-800_000..-790_000, 106_000_000..106_000_100],
    ]
}

fn same_days(arena: &DayArena, set: &DaySet, naive: &BTreeSet<Day>) -> Verdict {
    let mut days = Vec::new();
    arena.each(set, |day| days.push(day));
    prop_assert!(days.iter().eq(naive), "{:?} is not {:?}", days, naive);
    prop_assert_eq!(Some(&arena.first(set)), naive.first());
    prop_assert_eq!(Some(&arena.last(set)), naive.last());
    prop_assert_eq!(arena.count(set) as usize, naive.len());
    Ok(())
}

/// Several sets share an arena, so that one moves into blocks that another has outgrown.
#[test]
fn sets_of_days_are_sets_whatever_the_order_of_their_days() {
    check(600, (vec(days(), 6), vec((0..6usize, days()), 0..120)), |(firsts, days)| {
        let (mut arena, mut claim) = (DayArena::new(), Claim::new());
        let mut sets = firsts.iter().map(|&day| (DaySet::of(day), BTreeSet::from([day]))).collect::<Vec<_>>();
        for (n, day) in days {
            let (set, naive) = &mut sets[n];
            ok(arena.insert(set, day, &mut claim))?;
            naive.insert(day);
            same_days(&arena, set, naive)?;
        }
        sets.iter().try_for_each(|(set, naive)| same_days(&arena, set, naive))
    });
}

/// Every user in any batch is found under the number they got, or left to be asked for one by one; strangers never are.
#[test]
fn users_keep_their_numbers() {
    let ids = || prop_oneof![0..40u64, 0..4000u64, any::<u64>(), (0..50u64).prop_map(|n| n << 40)];
    check(100, (vec((0..3u64, ids()), 0..800), vec((0..3u64, ids()), 0..50)), |(keys, strangers)| {
        let key = |(high, low): (u64, u64)| UserKey::from(u128::from(high) << 64 | u128::from(low));
        let (mut users, mut claim, mut naive) = (Users::<u32>::new(), Claim::new(), HashMap::new());
        for &id in &keys {
            let expected = naive.len();
            let number = *naive.entry(id).or_insert(expected);
            let found = ok(users.number(key(id), number as u32, &mut claim))?;
            prop_assert_eq!(found, (number, number == expected));
        }
        prop_assert_eq!(users.len(), naive.len());
        let mut found = vec![0; keys.len()];
        users.find_all(keys.iter().map(|&id| key(id)), &mut found);
        let mut left = 0;
        for (id, &found) in keys.iter().zip(&found) {
            prop_assert!(found == UNKNOWN || found as usize == naive[id]);
            left += usize::from(found == UNKNOWN);
        }
        prop_assert!(left <= keys.len() / 100, "{} of {} left to be asked for one by one", left, keys.len());
        let mut found = vec![0; strangers.len()];
        users.find_all(strangers.iter().map(|&id| key(id)), &mut found);
        prop_assert!(strangers.iter().zip(&found).all(|(id, &n)| n == UNKNOWN || naive.get(id) == Some(&(n as usize))));
        Ok(())
    });
}

#[test]
fn local_days_are_those_of_the_zone_whatever_the_order_of_instants() {
    let near = (-60..60i64, 0..DAY_MICROS).prop_map(|(shift, time)| shift * 85 * DAY_MICROS + time);
    let edges = (-30..30i64, -3..3i64).prop_map(|(n, off)| n * 170 * DAY_MICROS + 21 * DAY_MICROS / 96 + off);
    let instants = prop_oneof![3 => near, 3 => edges, 1 => FIRST_INSTANT..=LAST_INSTANT];
    let zones = select(&["UTC", "Asia/Kathmandu", "Nowhere/Shifting"][..]);
    check(500, (zones, vec(instants, 0..300)), |(zone, instants)| {
        let mut days = LocalDays::default();
        for at in instants {
            prop_assert_eq!(ok(days.day(at, |at| segment(zone, at)))?, local_day(zone, at), "{}", at);
        }
        Ok(())
    });
}

/// Hours begun, against a walk from quarter to quarter of an hour: they begin where the clock shows a full hour, or comes
/// into an hour from another one.
#[test]
fn hours_begin_where_the_local_clock_shows_them() {
    const QUARTER: i64 = DAY_MICROS / 96;
    let starts = prop_oneof![-12_000..12_000i64, (-30..30i64, -300..3i64).prop_map(|(n, off)| n * 170 * 96 + 21 + off)];
    let zones = select(&["UTC", "Asia/Kathmandu", "Nowhere/Shifting"][..]);
    check(300, (zones, starts, 0..1000i64), |(zone, start, quarters)| {
        let (first, last) = (start * QUARTER, (start + quarters) * QUARTER);
        let local = |at: i64| segment(zone, at).map(|here| at + here.offset);
        let mut naive = [0u64; 24];
        for at in (first..=last).step_by(QUARTER as usize) {
            let (now, before) = (ok(local(at))?, ok(local(at - 1))?);
            if at == first || now % (4 * QUARTER) == 0 || now.div_euclid(4 * QUARTER) != before.div_euclid(4 * QUARTER)
            {
                naive[now.div_euclid(4 * QUARTER).rem_euclid(24) as usize] += 1;
            }
        }
        prop_assert_eq!(ok(hour_begins(first, last, |at| segment(zone, at)))?, naive);
        Ok(())
    });
}

/// The zone is asked once for every UTC day met, and not again, in whatever order the days come.
#[test]
fn a_zone_is_asked_once_a_day() {
    check(200, vec((0..100i64, 0..DAY_MICROS), 1..200), |instants| {
        let (mut days, asked) = (LocalDays::default(), Cell::new(0));
        let find = |at| -> Result<Segment> {
            asked.set(asked.get() + 1);
            segment("Asia/Kathmandu", at)
        };
        for (day, time) in &instants {
            ok(days.day(day * DAY_MICROS + time, find))?;
        }
        let met = instants.iter().map(|(day, _)| day).collect::<BTreeSet<_>>();
        prop_assert_eq!(asked.get(), met.len());
        Ok(())
    });
}

fn calendar() -> impl Strategy<Value = Calendar> {
    let grains = select(&[Grain::Day, Grain::Week, Grain::Month, Grain::Quarter, Grain::Year][..]);
    (grains, 0..7u8).prop_map(|(grain, week_start)| Calendar { grain, week_start, year_start: week_start * 2 % 12 })
}

#[test]
fn periods_are_those_of_the_calendar_and_leave_no_gap() {
    // From 4714 BC to 294276 AD as far as there are months, and densely about the present.
    let days = prop_oneof![-2_451_546..95_000_000, -20_000..20_000];
    check(4000, (calendar(), days), |(calendar, day)| {
        let period = ok(calendar.period(day))?;
        prop_assert_eq!(period.start, naive::start_of(calendar, day));
        prop_assert_eq!(period.end, naive::next(calendar, period.start));
        prop_assert_eq!(ok(calendar.period(period.start))?, period);
        prop_assert_eq!(ok(calendar.numbered(period.index))?, period);
        let (before, after) = (ok(calendar.period(period.start - 1))?, ok(calendar.period(period.end))?);
        prop_assert_eq!((before.index + 1, after.index - 1), (period.index, period.index));
        prop_assert_eq!((before.end, after.start), (period.start, period.end));
        Ok(())
    });
}

#[test]
fn periods_of_any_day_are_answered_or_refused() {
    check(2000, (calendar(), any::<Day>()), |(calendar, day)| {
        match calendar.period(day) {
            Ok(period) => prop_assert!(period.start <= day && (day < period.end || period.end == Day::MAX)),
            Err(error) => prop_assert!(matches!(error, Error::Argument { .. }), "{:?}", error),
        }
        let numbered = calendar.numbered(day);
        prop_assert!(matches!(numbered, Ok(_) | Err(Error::Argument { .. })), "{:?}", numbered);
        Ok(())
    });
}

/// A framed value with the body that `write` makes.
fn framed(write: impl FnOnce(&mut Writer) -> Result<()>) -> Result<Vec<u8>> {
    let mut writer = Writer::new(Kind::Activity, 1, 0)?;
    write(&mut writer)?;
    Ok(writer.finish())
}

/// Numbers of every length.
fn numbers() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0..64u32).prop_map(|(number, shift)| number >> shift)
}

#[test]
fn what_is_written_is_read_back_in_its_order() {
    check(500, vec((numbers(), any::<i64>(), vec(any::<u8>(), 0..20)), 0..20), |items| {
        let bytes = ok(framed(|writer| {
            items.iter().try_for_each(|(uint, int, bytes)| {
                writer.uint(*uint).and_then(|()| writer.int(*int)).and_then(|()| writer.bytes(bytes))
            })
        }))?;
        let mut reader = ok(Reader::open(&bytes, Kind::Activity, 1))?;
        for (uint, int, bytes) in &items {
            let left = reader.left();
            prop_assert_eq!(ok(reader.uint())?, *uint);
            prop_assert_eq!(left - reader.left(), uint_len(*uint));
            prop_assert_eq!(ok(reader.int())?, *int);
            prop_assert_eq!(ok(reader.bytes())?, bytes);
        }
        prop_assert_eq!(reader.left(), 0);
        ok(reader.finish())
    });
}

#[test]
fn a_number_longer_than_it_needs_to_be_is_refused() {
    check(500, (numbers(), 1..9usize), |(number, padding)| {
        let mut padded = ok(framed(|writer| writer.uint(number)))?.split_off(16);
        *padded.last_mut().expect("at least a byte") |= 0x80;
        padded.extend(vec![0x80; padding - 1]);
        padded.push(0);
        let bytes = ok(framed(|writer| writer.raw(&padded)))?;
        let read = ok(Reader::open(&bytes, Kind::Activity, 1))?.uint();
        prop_assert!(matches!(read, Err(Error::Corrupt { .. })), "{:?} read from {:?}", read, padded);
        Ok(())
    });
}

#[test]
fn numbers_of_any_bytes_are_read_in_one_form_or_refused() {
    check(3000, vec(prop_oneof![any::<u8>(), 0x80..=0xffu8], 0..12), |body| {
        let bytes = ok(framed(|writer| writer.raw(&body)))?;
        let mut reader = ok(Reader::open(&bytes, Kind::Activity, 1))?;
        match reader.uint() {
            Ok(number) => {
                let again = ok(framed(|writer| writer.uint(number)))?;
                prop_assert_eq!(&again[16..], &body[..body.len() - reader.left()]);
            }
            Err(error) => {
                prop_assert!(matches!(error, Error::Corrupt { .. }), "{:?}", error);
                prop_assert_eq!(reader.left(), body.len(), "nothing is used up");
            }
        }
        Ok(())
    });
}
