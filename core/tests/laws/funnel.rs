//! Funnels as the laws see them, and what is true of funnels alone: how far somebody got, compared with a search that tries
//! every row for every step.

use crate::Subject;
use crate::activity::{NEW_YEAR_2024, key};
use crate::support::{Verdict, check, ok};
use proptest::collection::vec;
use proptest::prelude::*;
use user_metrics_core::Result;
use user_metrics_core::base::calendar::Span;
use user_metrics_core::base::calendar::{DAY_MICROS, Micros};
use user_metrics_core::base::memory;
use user_metrics_core::base::state::State;
use user_metrics_core::base::user_table::UserKind;
use user_metrics_core::funnel::{
    Compatibility, Event, Funnel, MOST_STEPS, Matcher, Mode, Rules, Standing, Term, View, progress, shown, steps,
};

const MONDAY: Micros = NEW_YEAR_2024 as Micros * DAY_MICROS;
const MODES: [Mode; 7] = [
    Mode::Ordered,
    Mode::StrictOrder,
    Mode::StrictDedup,
    Mode::StrictIncrease,
    Mode::Once,
    Mode::Unordered,
    Mode::AllowReentry,
];

/// A row: user number, instant, steps, whether it must not come in between.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    user: Option<u32>,
    at: Micros,
    steps: u64,
    excluded: bool,
}

fn bits() -> impl Strategy<Value = u64> {
    prop_oneof![
        3 => Just(0),
        8 => (0..3u32).prop_map(|n| 1 << n),
        2 => 0..8u64,
        1 => (0..64u32).prop_map(|n| 1 << n),
        1 => any::<u64>(),
    ]
}

fn row() -> impl Strategy<Value = Row> {
    let user = prop_oneof![1 => Just(None), 12 => (0..4u32).prop_map(Some), 2 => (0..5000u32).prop_map(Some)];
    let at = prop_oneof![
        12 => 0..40i64,
        4 => 0..60 * DAY_MICROS,
        1 => -400 * 365 * DAY_MICROS..0,
    ];
    (user, at, bits(), prop::bool::weighted(0.1)).prop_map(|(user, at, steps, excluded)| Row {
        user,
        at: MONDAY + at,
        steps,
        excluded,
    })
}

/// More users than are taken in row by row, in the order of time or not.
fn crowd((users, further, seed, in_order): (u32, u32, u64, bool)) -> Vec<Row> {
    let mut state = seed | 1;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut row = |user: Option<u32>| Row {
        user: Some(user.unwrap_or_else(|| random(u64::from(users)) as u32)),
        at: MONDAY + random(3 * DAY_MICROS as u64) as Micros,
        steps: random(8),
        excluded: random(20) == 0,
    };
    let mut rows: Vec<Row> = (0..users).map(Some).chain((0..further).map(|_| None)).map(&mut row).collect();
    if in_order {
        rows.sort_by_key(|row| row.at);
    }
    rows
}

impl Subject for Funnel {
    type Options = (UserKind, Rules);
    type Row = Row;

    fn options() -> BoxedStrategy<Self::Options> {
        let kind = prop::sample::select(vec![UserKind::Text, UserKind::Uuid, UserKind::Bigint]);
        let steps = prop_oneof![6 => 1..5usize, 1 => Just(MOST_STEPS), 1 => Just(33)];
        let window = prop::sample::select(vec![0, 10, DAY_MICROS, Micros::MAX]);
        let rules = (steps, window, prop::sample::select(MODES.to_vec())).prop_map(|(steps, window, mode)| Rules {
            steps,
            window,
            mode,
        });
        (kind, rules).boxed()
    }

    fn few() -> BoxedStrategy<Vec<Row>> {
        prop_oneof![vec(row(), 0..6), vec(row(), 0..250)].boxed()
    }

    fn many() -> BoxedStrategy<Vec<Row>> {
        (4097..7_000u32, 0..20_000u32, any::<u64>(), any::<bool>()).prop_map(crowd).boxed()
    }

    fn new(&(kind, rules): &Self::Options) -> Self {
        Funnel::new(kind, rules)
    }

    fn observe(&mut self, row: &Row) -> Result<()> {
        let kind = self.kind();
        self.observe(Event::new(row.at, row.steps, row.excluded), || row.user.map(|n| key(kind, n)))
    }
}

/// How far one gets who has done `done` steps by the rows used, the first at `first` and the last at `last`: by trying.
fn furthest(rows: &[Row], rules: Rules, done: usize, first: Micros, last: Micros, used: &mut Vec<usize>) -> usize {
    let mut best = done;
    for (i, row) in rows.iter().enumerate() {
        if done == rules.steps || row.steps >> done & 1 == 0 || used.contains(&i) {
            continue;
        }
        let forbids = |other: &Row| {
            let repeated = (1..=done).any(|step| other.steps >> step & 1 != 0);
            other.excluded || rules.mode == Mode::StrictOrder || (rules.mode == Mode::StrictDedup && repeated)
        };
        let between = |other: &&Row| last < other.at && other.at < row.at;
        let follows = done == 0
            || (last <= row.at
                && (rules.mode != Mode::StrictIncrease || last < row.at)
                && row.at <= first.saturating_add(rules.window)
                && !rows.iter().filter(between).any(forbids));
        if follows {
            used.push(i);
            let first = if done == 0 { row.at } else { first };
            best = best.max(furthest(rows, rules, done + 1, first, row.at, used));
            used.pop();
        }
    }
    best
}

fn few_of_one() -> impl Strategy<Value = Vec<Row>> {
    let row = (0..8i64, prop_oneof![4 => (0..4u32).prop_map(|n| 1 << n), 3 => 0..16u64], prop::bool::weighted(0.08));
    let row = row.prop_map(|(at, steps, excluded)| Row { user: Some(1), at: MONDAY + at, steps, excluded });
    vec(row, 0..9)
}

fn value(options: &(UserKind, Rules), rows: &[Row]) -> Verdict<Vec<u8>> {
    let mut state = <Funnel as Subject>::new(options);
    ok(rows.iter().try_for_each(|row| Subject::observe(&mut state, row)))?;
    ok(state.encode())
}

fn is_as_found_by_trying((rows, rules): (Vec<Row>, Rules)) -> Verdict {
    let bytes = value(&(UserKind::Bigint, rules), &rows)?;
    let view = ok(View::open(&bytes))?;
    let mut matcher = ok(Matcher::new(rules, Compatibility::Standard, Micros::MAX))?;
    let mut level = 0;
    ok(view.each(|_, events| {
        level = matcher.journey(events)?.reached.len();
        Ok(())
    }))?;
    prop_assert_eq!(level, furthest(&rows, rules, 0, 0, 0, &mut Vec::new()));
    Ok(())
}

#[test]
fn nobody_gets_further_by_another_choice_of_rows() {
    let modes = vec![Mode::Ordered, Mode::StrictOrder, Mode::StrictDedup, Mode::StrictIncrease, Mode::Once];
    let rules = (1..5usize, 0..8i64, prop::sample::select(modes)).prop_map(|(steps, window, mode)| Rules {
        steps,
        window,
        mode,
    });
    check(4000, (few_of_one(), rules), is_as_found_by_trying);
}

/// A match where steps have conditions of their own: a row and its step, in order.
type Match = Vec<(usize, usize)>;

/// Calls `visit` with every match that begins with this one.
fn each_match(rows: &[Row], window: Micros, terms: &[Term], so_far: &mut Match, visit: &mut dyn FnMut(&Match)) {
    for (i, row) in rows.iter().enumerate() {
        if so_far.iter().any(|&(other, _)| other == i) {
            continue;
        }
        for step in (0..terms.len()).filter(|step| row.steps >> step & 1 != 0) {
            let fits = match (so_far.first(), so_far.last()) {
                (Some(&(first, _)), Some(&(last, done))) => {
                    let (first, last) = (rows[first].at, rows[last].at);
                    let pause = row.at - last;
                    done < step
                        && terms[done + 1..step].iter().all(|term| term.optional)
                        && pause >= terms[step].after
                        && pause <= terms[step].within
                        && row.at - first <= window
                        && !rows.iter().any(|other| other.excluded && last < other.at && other.at < row.at)
                }
                _ => step == 0 || terms[step].entry,
            };
            // Whoever fills a step at the same instant may come in any order, but no earlier.
            if fits && so_far.last().is_none_or(|&(last, _)| rows[last].at <= row.at) {
                so_far.push((i, step));
                visit(so_far);
                each_match(rows, window, terms, so_far, visit);
                so_far.pop();
            }
        }
    }
}

fn is_the_best_match((rows, terms, window, until): (Vec<Row>, Vec<Term>, Micros, Option<Micros>)) -> Verdict {
    let rules = Rules { steps: terms.len(), window, mode: Mode::Ordered };
    let bytes = value(&(UserKind::Bigint, rules), &rows)?;
    let until = until.map(|until| MONDAY + until);
    let mut matcher =
        ok(ok(Matcher::new(rules, Compatibility::Standard, Micros::MAX))?.until(until).with_terms(&terms))?;
    let mut found = (Vec::new(), 0);
    ok(ok(View::open(&bytes))?.each(|_, events| {
        let journey = matcher.journey(events)?;
        found = (journey.reached.clone(), journey.done());
        Ok(())
    }))?;
    let mut best = None;
    each_match(&rows, window, &terms, &mut Vec::new(), &mut |found| {
        let times = found.iter().map(|&(row, _)| rows[row].at).collect::<Vec<_>>();
        let steps = found.iter().map(|&(_, step)| step).collect::<Vec<_>>();
        let (start, end) = (times[0], times[times.len() - 1]);
        let order =
            (steps.last().copied().map(std::cmp::Reverse), std::cmp::Reverse(steps.len()), end, -start, times, steps);
        if until.is_none_or(|until| start < until) && best.as_ref().is_none_or(|best| order < *best) {
            best = Some(order);
        }
    });
    let best = best.map(|(.., times, steps)| (times, steps.iter().fold(0, |done, step| done | 1 << step)));
    prop_assert_eq!(found, best.unwrap_or_default());
    Ok(())
}

#[test]
fn with_conditions_on_steps_the_best_match_is_found() {
    let within = prop_oneof![2 => Just(Micros::MAX), 3 => 0..6i64];
    let after = prop_oneof![3 => Just(0), 2 => 0..4i64];
    let term = (within, after, any::<bool>(), prop::bool::weighted(0.3));
    let term = term.prop_map(|(within, after, optional, entry)| Term { within, after, optional, entry });
    let terms = vec(term, 1..6).prop_map(|mut terms| {
        terms[0] = Term { entry: terms[0].entry, ..Term::default() };
        terms
    });
    let until = prop_oneof![3 => Just(None), 1 => (0..8i64).prop_map(Some)];
    check(4000, (few_of_one(), terms, 0..9i64, until), is_the_best_match);
}

/// Steps only get fewer; who is at one went on, dropped out or may go on; the list says the same as the counts.
fn figures_fit((options, rows, end): ((UserKind, Rules), Vec<Row>, Micros)) -> Verdict {
    let bytes = value(&options, &rows)?;
    let view = ok(View::open(&bytes))?;
    for compatibility in [Compatibility::Standard, Compatibility::ClickHouse] {
        if compatibility.check(options.1.mode).is_err() {
            continue;
        }
        for (since, until) in [(None, None), (Some(MONDAY + 3), Some(MONDAY + 30))] {
            let span = Span { since, until, end: MONDAY + end };
            let mut table = ok(steps(&view, compatibility, &span))?;
            prop_assert_eq!(table.len(), options.1.steps);
            let mut list = Vec::new();
            let mut matcher = ok(Matcher::new(view.rules(), compatibility, span.end))?.until(span.until);
            ok(view.each(|_, events| {
                list.extend(progress(matcher.journey(shown(events, &span))?, options.1.steps));
                Ok(())
            }))?;
            let mut before = None;
            for (number, step) in table.iter_mut().enumerate() {
                let of =
                    |standing| list.iter().filter(|row| row.step == number && row.standing == standing).count() as u64;
                prop_assert_eq!(
                    (of(Standing::Completed), of(Standing::Dropped), of(Standing::Open)),
                    (step.users, step.dropped, step.open)
                );
                prop_assert!(before.is_none_or(|before| before == step.users + step.dropped + step.open));
                for rate in [step.from_previous_rate(), step.from_first_rate()] {
                    prop_assert!(rate.is_none_or(|rate| (0.0..=1.0).contains(&rate)));
                }
                let quantiles = [0.0, 0.5, 0.9, 1.0].map(|share| step.quantile(share));
                prop_assert!(quantiles.is_sorted() && quantiles[0].is_none_or(|least| least >= 0.0));
                prop_assert_eq!(quantiles[0].is_some(), number > 0 && step.reached > 0);
                prop_assert!(step.reached <= step.users.min(step.eligible));
                before = Some(step.users);
            }
        }
    }
    Ok(())
}

#[test]
fn steps_add_up() {
    let few = <Funnel as Subject>::few;
    check(500, (<Funnel as Subject>::options(), few(), prop_oneof![0..60i64, Just(90 * DAY_MICROS)]), figures_fit);
    check(2, (<Funnel as Subject>::options(), <Funnel as Subject>::many(), 0..3 * DAY_MICROS), figures_fit);
}

/// What is taken out is as if it had never been there.
#[test]
fn without_users_is_a_funnel_of_the_others() {
    let law = |(options, rows): ((UserKind, Rules), Vec<Row>)| {
        let bytes = value(&options, &rows)?;
        let gone = |n: u32| n.is_multiple_of(2);
        let keys = (0..5000).filter(|&n| gone(n)).map(|n| key(options.0, n)).collect::<Vec<_>>();
        let found = ok(ok(View::open(&bytes))?.without(&keys))?.unwrap_or(bytes);
        // Their rows still tell how long the log was observed.
        let others = rows.iter().map(|row| Row { user: row.user.filter(|&n| !gone(n)), ..*row }).collect::<Vec<_>>();
        prop_assert_eq!(found, value(&options, &others)?);
        Ok(())
    };
    check(300, (<Funnel as Subject>::options(), <Funnel as Subject>::few()), law);
}

/// A state holds step events and nothing else: rows that are no step take no memory, whoever's they are.
#[test]
fn what_is_no_step_takes_no_memory() {
    let held = |others: usize| -> Verdict<usize> {
        let rules = Rules { steps: 2, window: DAY_MICROS, mode: Mode::Ordered };
        let mut state = Funnel::new(UserKind::Bigint, rules);
        for n in 0..20_000u32 {
            let at = MONDAY + i64::from(n);
            ok(state.observe(Event::new(at, 1, false), || Some(key(UserKind::Bigint, n % 6000))))?;
            for other in 0..others {
                let stranger = key(UserKind::Bigint, n + 6000 * other as u32);
                ok(state.observe(Event::new(at, 0, false), || Some(stranger)))?;
            }
        }
        ok(state.settle())?;
        Ok(memory::used())
    };
    let steps = held(0).expect("room for the steps");
    assert!(steps > 20_000 * 16, "{steps} bytes cannot hold the events");
    assert_eq!(held(10).expect("room for the steps"), steps);
}
