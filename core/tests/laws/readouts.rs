//! The readouts: as they are defined (see `naive`), and the laws their figures keep among each other.

use crate::activity::{NEW_YEAR_2024, Row};
use crate::naive::Log;
use crate::support::{Verdict, check, limited, ok, polls, stopped};
use crate::{Subject, bytes_of};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;
use user_metrics_core::activity::active_users::{ActiveUsers, active_users};
use user_metrics_core::activity::cohort_table::cohort_table;
use user_metrics_core::activity::engagement::{Engagement, engagement};
use user_metrics_core::activity::lifecycle::lifecycle;
use user_metrics_core::activity::retention::{Cell, Clock, Kind, Question};
use user_metrics_core::activity::retention_curve::curve;
use user_metrics_core::activity::retention_matrix::matrix;
use user_metrics_core::activity::stickiness::stickiness;
use user_metrics_core::activity::{Activity, View};
use user_metrics_core::base::calendar::{Calendar, Grain, Window};
use user_metrics_core::base::days::Day;
use user_metrics_core::base::memory;
use user_metrics_core::base::state::State;
use user_metrics_core::base::user_table::{UserKey, UserKind};
use user_metrics_core::{Error, Result};

const GRAINS: [Grain; 5] = [Grain::Day, Grain::Week, Grain::Month, Grain::Quarter, Grain::Year];
const KINDS: [Kind; 4] = [Kind::On, Kind::OnOrAfter, Kind::OnOrBefore, Kind::Streak];

fn calendar() -> impl Strategy<Value = Calendar> {
    (select(&GRAINS[..]), 0..7u8).prop_map(|(grain, week_start)| Calendar {
        grain,
        week_start,
        year_start: week_start * 2 % 12,
    })
}

/// Every clock there is.
fn clocks(week_start: u8) -> impl Iterator<Item = Clock> {
    let calendar = GRAINS.into_iter().map(move |grain| Clock::Calendar(Calendar { grain, week_start, year_start: 0 }));
    calendar.chain([1, 7, 30].map(Clock::Rolling))
}

/// Small logs of some days to some years, before and after day 0, looked at from before, within and after.
fn log() -> impl Strategy<Value = Log> {
    let span = prop_oneof![Just(8), Just(40), Just(200), Just(1200)];
    let begin = prop_oneof![NEW_YEAR_2024..NEW_YEAR_2024 + 366, -500..500];
    (span, begin).prop_flat_map(|(span, begin)| {
        let rows = btree_set((0..7u32, begin..begin + span), 0..50);
        let end = prop_oneof![begin - 2..begin + span + 3, begin + span / 2..begin + span + 60];
        let since = proptest::option::weighted(0.3, (begin - 3..begin + span + 3, any::<bool>()));
        // as_of lies within its day, or at its very start, or there after a day that the zone skipped.
        let before = prop_oneof![3 => Just(0), 3 => Just(1), 1 => Just(2)];
        (rows, end, before, any::<bool>(), since).prop_map(|(mut rows, elapsed, before, at_end, since)| {
            let begun = elapsed - before;
            rows.retain(|row| row.1 <= begun || row.1 >= elapsed);
            // since lies at the start of its day, or within.
            let whole_from = since.map(|(day, within)| day + Day::from(within));
            Log { rows, window: Window { since: since.map(|(day, _)| day), whole_from, elapsed, begun, at_end } }
        })
    })
}

fn value(log: &Log) -> Verdict<Vec<u8>> {
    let mut activity = Activity::new(UserKind::Bigint, "UTC");
    ok(log.rows.iter().try_for_each(|&(user, day)| activity.add(UserKey::bigint(user.into()), day)))?;
    ok(activity.encode())
}

fn question(cohort: Calendar, clock: Clock, kind: Kind) -> Question {
    Question::new(cohort, clock, kind)
}

#[test]
fn active_users_are_as_defined() {
    check(600, (log(), calendar()), |(log, calendar)| {
        let value = value(&log)?;
        let rows = ok(active_users(&ok(View::open(&value))?, calendar, &log.window))?;
        prop_assert_eq!(rows, log.active_users(calendar));
        Ok(())
    });
}

#[test]
fn engagement_is_as_defined() {
    check(300, log(), |log| {
        let value = value(&log)?;
        prop_assert_eq!(ok(engagement(&ok(View::open(&value))?, &log.window))?, log.engagement());
        Ok(())
    });
}

#[test]
fn lifecycle_is_as_defined() {
    check(600, (log(), calendar()), |(log, calendar)| {
        let value = value(&log)?;
        let rows = ok(lifecycle(&ok(View::open(&value))?, calendar, &log.window))?;
        prop_assert_eq!(rows, log.lifecycle(calendar));
        Ok(())
    });
}

#[test]
fn stickiness_is_as_defined() {
    check(300, (log(), 1..80), |(log, days)| {
        let value = value(&log)?;
        let rows = ok(stickiness(&ok(View::open(&value))?, days, &log.window))?;
        prop_assert_eq!(rows, log.stickiness(days));
        Ok(())
    });
}

#[test]
fn retention_of_every_kind_clock_and_grain_is_as_defined() {
    let offsets = proptest::option::weighted(0.3, vec(0..40, 0..5));
    check(60, (log(), calendar(), offsets), |(log, cohort, offsets)| {
        let value = value(&log)?;
        let view = ok(View::open(&value))?;
        let offsets = ok(offsets.map(Question::offsets).transpose())?;
        for kind in KINDS {
            for clock in clocks(cohort.week_start) {
                let question = Question { offsets: offsets.clone(), ..question(cohort, clock, kind) };
                prop_assert_eq!(ok(matrix(&view, &question, &log.window))?, log.matrix(&question), "{:?}", question);
                prop_assert_eq!(ok(curve(&view, &question, &log.window))?, log.curve(&question), "{:?}", question);
            }
        }
        Ok(())
    });
}

#[test]
fn the_cohort_table_is_as_defined() {
    check(400, log(), |log| {
        let value = value(&log)?;
        prop_assert_eq!(ok(cohort_table(&ok(View::open(&value))?, &log.window))?, log.cohort_table());
        Ok(())
    });
}

#[test]
fn everyone_active_is_new_retained_or_resurrected() {
    check(400, (log(), calendar()), |(log, calendar)| {
        let value = value(&log)?;
        let view = ok(View::open(&value))?;
        let rows = ok(lifecycle(&view, calendar, &log.window))?;
        for row in &rows {
            prop_assert_eq!(row.active, row.new + row.retained + row.resurrected);
            prop_assert!(row.churned.is_none() || row.complete);
        }
        for pair in rows.windows(2) {
            let Some(churned) = pair[1].churned else { continue };
            // Of a period that `since` cuts only a part is shown; all of it is known.
            let cut = log.window.whole_from.is_some_and(|whole| pair[0].start < whole);
            prop_assert!(
                pair[0].active == pair[1].retained + churned || (cut && pair[0].active < pair[1].retained + churned)
            );
        }
        // Both readouts tell the same of who was active and who was new.
        let same = ok(active_users(&view, calendar, &log.window))?;
        let short = |start, active, new, complete| (start, active, new, complete);
        prop_assert_eq!(
            rows.iter().map(|r| short(r.start, r.active, r.new, r.complete)).collect::<Vec<_>>(),
            same.iter().map(|r| short(r.start, r.active, r.new, r.complete)).collect::<Vec<_>>()
        );
        Ok(())
    });
}

#[test]
fn everyone_is_new_exactly_once() {
    check(400, (log(), calendar()), |(mut log, calendar)| {
        (log.window.since, log.window.whole_from) = (None, None);
        let value = value(&log)?;
        let view = ok(View::open(&value))?;
        let rows = ok(active_users(&view, calendar, &log.window))?;
        let everyone = ok(curve(&view, &question(calendar, Clock::Rolling(1), Kind::On), &log.window))?;
        prop_assert_eq!(rows.iter().map(|row| row.new).sum::<u64>(), everyone.first().map_or(0, |cell| cell.users));
        prop_assert!(rows.iter().all(|row| row.new <= row.active));
        Ok(())
    });
}

/// What is asked for from some day on is what is told of it otherwise.
#[test]
fn since_leaves_out_earlier_rows_and_changes_no_other() {
    check(400, (log(), calendar()), |(log, calendar)| {
        let value = value(&log)?;
        let view = ok(View::open(&value))?;
        let (cut, from) = (log.window, log.window.whole_from.unwrap_or(Day::MIN));
        let whole = Window { since: None, whole_from: None, ..cut };
        let users = |window| ok(active_users(&view, calendar, window));
        let kept = |rows: Vec<_>| rows.into_iter().filter(|row: &ActiveUsers| row.start >= from).collect::<Vec<_>>();
        prop_assert_eq!(kept(users(&cut)?), kept(users(&whole)?));
        let days = |window| ok(engagement(&view, window));
        let kept = |rows: Vec<_>| rows.into_iter().filter(|row: &Engagement| row.day >= from).collect::<Vec<_>>();
        prop_assert_eq!(kept(days(&cut)?), kept(days(&whole)?));
        Ok(())
    });
}

#[test]
fn daily_users_are_among_the_weekly_and_those_among_the_monthly() {
    check(300, log(), |log| {
        let value = value(&log)?;
        let view = ok(View::open(&value))?;
        let rows = ok(engagement(&view, &log.window))?;
        prop_assert!(rows.iter().all(|row| row.daily <= row.weekly && row.weekly <= row.monthly));
        prop_assert!(rows.windows(2).all(|pair| pair[0].day + 1 == pair[1].day));
        let daily = Calendar::plain(Grain::Day);
        let active = ok(active_users(&view, daily, &log.window))?;
        let both = rows.iter().map(|r| (r.day, r.daily)).eq(active.iter().map(|r| (r.start, r.active)));
        prop_assert!(both, "daily users are the active users of the day");
        Ok(())
    });
}

#[test]
fn users_by_active_days_add_up() {
    check(300, (log(), 1..400), |(log, days)| {
        let value = value(&log)?;
        let rows = ok(stickiness(&ok(View::open(&value))?, days, &log.window))?;
        let mut at_least = rows.first().map_or(0, |row| row.all);
        for row in &rows {
            prop_assert_eq!(row.at_least, at_least);
            at_least -= row.users;
        }
        prop_assert_eq!(at_least, 0);
        let shares = rows.iter().filter_map(|row| row.share()).sum::<f64>();
        prop_assert!(rows.first().is_none_or(|row| row.all == 0) || (shares - 1.0).abs() < 1e-9);
        Ok(())
    });
}

/// The matrix of a log in all four kinds.
fn matrices(log: &Log, cohort: Calendar, clock: Clock) -> Verdict<[Vec<Cell>; 4]> {
    let value = value(log)?;
    let view = ok(View::open(&value))?;
    let [on, after, before, streak] = KINDS.map(|kind| matrix(&view, &question(cohort, clock, kind), &log.window));
    Ok([ok(on)?, ok(after)?, ok(before)?, ok(streak)?])
}

#[test]
fn kinds_of_retention_include_each_other() {
    check(200, (log(), calendar(), 0..8usize), |(log, cohort, n)| {
        let [on, on_or_after, on_or_before, streak] = matrices(&log, cohort, nth_clock(cohort, n))?;
        for (i, on) in on.iter().enumerate() {
            let (after, before, streak) = (&on_or_after[i], &on_or_before[i], &streak[i]);
            for other in [after, before, streak] {
                let place = |c: &Cell| (c.cohort, c.users, c.number, c.eligible);
                prop_assert_eq!(place(on), place(other), "who is eligible does not depend on the kind");
            }
            prop_assert!(streak.retained <= on.retained);
            prop_assert!(on.retained <= after.retained && on.retained <= before.retained);
            prop_assert!(after.retained <= on.eligible && before.retained <= on.eligible && on.eligible <= on.users);
        }
        Ok(())
    });
}

fn nth_clock(calendar: Calendar, n: usize) -> Clock {
    clocks(calendar.week_start).nth(n).expect("as many clocks")
}

/// The cells of one cohort after the other, each cohort's in pairs of neighbours.
fn neighbours(cells: &[Cell]) -> impl Iterator<Item = &[Cell]> {
    cells.chunk_by(|a, b| a.cohort == b.cohort).flat_map(|cohort| cohort.windows(2))
}

#[test]
fn eligible_unbounded_and_streak_never_rise_with_the_period() {
    check(200, (log(), calendar(), 0..8usize), |(log, cohort, n)| {
        let [on, on_or_after, _, streak] = matrices(&log, cohort, nth_clock(cohort, n))?;
        prop_assert!(neighbours(&on).all(|pair| pair[0].number + 1 == pair[1].number));
        prop_assert!(neighbours(&on).all(|pair| pair[0].eligible >= pair[1].eligible));
        prop_assert!(neighbours(&on_or_after).all(|pair| pair[0].retained >= pair[1].retained));
        prop_assert!(neighbours(&streak).all(|pair| pair[0].retained >= pair[1].retained));
        Ok(())
    });
}

#[test]
fn in_period_0_everyone_eligible_is_retained() {
    check(200, (log(), calendar(), 0..8usize), |(log, cohort, n)| {
        for cells in matrices(&log, cohort, nth_clock(cohort, n))? {
            for cohort in cells.chunk_by(|a, b| a.cohort == b.cohort) {
                prop_assert_eq!((cohort[0].number, cohort[0].retained), (0, cohort[0].eligible));
            }
        }
        Ok(())
    });
}

#[test]
fn the_curve_is_the_matrix_summed_over_its_cohorts() {
    let offsets = proptest::option::weighted(0.5, vec(0..40, 0..5));
    check(300, (log(), calendar(), 0..8usize, select(&KINDS[..]), offsets), |(log, cohort, n, kind, offsets)| {
        let value = value(&log)?;
        let view = ok(View::open(&value))?;
        let offsets = ok(offsets.map(Question::offsets).transpose())?;
        let question = Question { offsets, ..question(cohort, nth_clock(cohort, n), kind) };
        let cells = ok(matrix(&view, &question, &log.window))?;
        // A cohort has a cell of every period asked for, so its members are counted in any one of them.
        let members = cells.chunk_by(|a, b| a.cohort == b.cohort).map(|cohort| cohort[0].users).sum::<u64>();
        for pooled in ok(curve(&view, &question, &log.window))? {
            let of_number = || cells.iter().filter(|cell| cell.number == pooled.number);
            prop_assert_eq!(pooled.users, members);
            prop_assert_eq!(pooled.eligible, of_number().map(|cell| cell.eligible).sum::<u64>());
            prop_assert_eq!(pooled.retained, of_number().map(|cell| cell.retained).sum::<u64>());
        }
        Ok(())
    });
}

#[test]
fn rates_lie_between_their_bounds_and_bounds_between_0_and_1() {
    let counts = prop_oneof![0..20u64, 0..100_000u64, any::<u32>().prop_map(u64::from)];
    check(2000, counts.prop_flat_map(|n| (0..=n, Just(n))), |(retained, eligible)| {
        let cell = Cell { cohort: None, users: eligible, number: 1, eligible, retained, whole: true };
        let Some((rate, low, high)) = cell.rate() else {
            prop_assert_eq!(eligible, 0);
            return Ok(());
        };
        prop_assert!(0.0 <= low && low <= rate && rate <= high && high <= 1.0, "{} {} {}", low, rate, high);
        prop_assert_eq!((low == 0.0, high == 1.0), (retained == 0, retained == eligible));
        // Who was lost is estimated as well as who was retained.
        let lost = Cell { retained: eligible - retained, ..cell };
        let Some((_, other_low, other_high)) = lost.rate() else { return Err(TestCaseError::fail("no rate")) };
        prop_assert!((low + other_high - 1.0).abs() < 1e-12 && (high + other_low - 1.0).abs() < 1e-12);
        Ok(())
    });
}

type Readout = fn(&View<'_>, Calendar, &Window) -> Result<()>;

/// Every readout, with some question.
const READOUTS: [Readout; 7] = [
    |view, calendar, window| active_users(view, calendar, window).map(drop),
    |view, _, window| engagement(view, window).map(drop),
    |view, calendar, window| lifecycle(view, calendar, window).map(drop),
    |view, _, window| stickiness(view, 28, window).map(drop),
    |view, calendar, window| matrix(view, &question(calendar, Clock::Calendar(calendar), Kind::On), window).map(drop),
    |view, calendar, window| curve(view, &question(calendar, Clock::Rolling(7), Kind::OnOrBefore), window).map(drop),
    |view, _, window| cohort_table(view, window).map(drop),
];

/// Whatever days a log has and wherever observation ends: an answer or a refusal, and never more memory than allowed.
#[test]
fn readouts_of_any_log_answer_within_the_memory_limit() {
    const LIMIT: usize = 1 << 20;
    let end = || prop_oneof![NEW_YEAR_2024..NEW_YEAR_2024 + 200, -2_451_546..106_751_984];
    let since = || proptest::option::of(end());
    let inputs = (Activity::options(), Activity::few(), calendar(), end(), since(), 0..=1);
    check(100, inputs, |(options, rows, calendar, elapsed, since, before): (_, Vec<Row>, _, _, _, _)| {
        let bytes = bytes_of::<Activity>(&options, &rows)?;
        let view = ok(View::open(&bytes))?;
        let window = Window { since, whole_from: since, elapsed, begun: elapsed - before, at_end: true };
        for readout in READOUTS {
            memory::reset_peak();
            match limited(LIMIT, || readout(&view, calendar, &window)) {
                Ok(()) | Err(Error::OutOfMemory { .. } | Error::Argument { .. }) => {}
                Err(other) => return Err(TestCaseError::fail(format!("refused as {other:?}"))),
            }
            prop_assert!(memory::peak() <= LIMIT);
        }
        Ok(())
    });
}

#[test]
fn a_stopped_readout_gives_everything_back() {
    let calendar = Calendar::plain(Grain::Month);
    check(1, (Activity::options(), Activity::many()), |(options, rows)| {
        let bytes = bytes_of::<Activity>(&options, &rows)?;
        let (view, window) = (ok(View::open(&bytes))?, Window::up_to(NEW_YEAR_2024 + 182));
        for readout in READOUTS {
            let times = polls(|| readout(&view, calendar, &window));
            prop_assert!(times >= 2, "asked {} times whether to go on, over more than 4096 users", times);
            for at in 1..=times {
                prop_assert!(stopped(at, || readout(&view, calendar, &window)).is_none());
                prop_assert_eq!((memory::claims(), memory::used()), (0, 0));
            }
        }
        Ok(())
    });
}
