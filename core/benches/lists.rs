//! Values that hold a list for every user: how long rows, bytes, merging and reading take.

#[path = "support/log.rs"]
#[allow(dead_code, reason = "its activity is for the others")]
mod log;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use user_metrics_core::base::calendar::Span;
use user_metrics_core::base::calendar::{DAY_MICROS, Micros};
use user_metrics_core::base::state::State;
use user_metrics_core::base::user_table::{UserKey, UserKind};
use user_metrics_core::funnel::{self, Compatibility, Event, Funnel, Mode, Rules};
use user_metrics_core::sessions::{self, Limits, Session, SessionKey, Sessions};

const ROWS: u64 = 3_000_000;
/// Rows that go to one worker before the next gets some.
const RUN: usize = 1000;
const EVERYTHING: Span = Span { since: None, until: None, end: Micros::MAX };

/// The states of three workers who had their turns at the log.
fn of_workers<S: State>(
    new: impl Fn() -> S,
    rows: &[(UserKey, Micros)],
    observe: impl Fn(&mut S, usize, UserKey, Micros),
) -> Vec<S> {
    let mut states = vec![new(), new(), new()];
    for (i, &(user, at)) in rows.iter().enumerate() {
        observe(&mut states[i / RUN % 3], i, user, at);
    }
    states
}

fn measure<S: State>(
    c: &mut Criterion,
    name: &str,
    new: impl Fn() -> S,
    observe: impl Fn(&mut S, usize, UserKey, Micros),
    read: impl Fn(&[u8]),
) {
    let rows = log::requests(ROWS);
    let mut group = c.benchmark_group(name);
    group.sample_size(10).throughput(Throughput::Elements(ROWS));
    let fed = || {
        let mut state = new();
        rows.iter().enumerate().for_each(|(i, &(user, at))| observe(&mut state, i, user, at));
        state
    };
    group.bench_function("rows", |b| b.iter(fed));
    group.bench_function("settle", |b| {
        b.iter_batched(fed, |mut state| state.settle().map(|()| state).expect("room"), BatchSize::PerIteration)
    });
    let mut whole = fed();
    whole.settle().expect("room");
    group.bench_function("encode", |b| b.iter(|| whole.encode()));
    let bytes = whole.encode().expect("room");
    group.bench_function("decode", |b| b.iter(|| S::decode(&bytes).is_ok()));
    group.bench_function("read", |b| b.iter(|| read(black_box(&bytes))));
    let parts: Vec<Vec<u8>> = of_workers(&new, &rows, &observe)
        .into_iter()
        .map(|mut state| state.settle().and_then(|()| state.encode()).expect("room"))
        .collect();
    group.bench_function("merge three", |b| {
        b.iter(|| {
            let mut state = new();
            parts.iter().for_each(|part| state.merge(&S::adopt(part).expect("bytes")).expect("room"));
            state.encode().expect("room")
        })
    });
    group.finish();
}

fn lists(c: &mut Criterion) {
    let limits = Limits { gap: 1_800_000_000, idle: DAY_MICROS };
    measure(
        c,
        "sessions",
        || Sessions::new(UserKind::Text, limits),
        |sessions, _, user, at| {
            sessions.observe(Some(user), Session::request(at, None, SessionKey::NONE, None)).expect("room")
        },
        |bytes| drop(sessions::stats(&sessions::View::open(bytes).expect("bytes"), None, &EVERYTHING, |_| Ok(0))),
    );
    let rules = Rules::new(4, 7 * DAY_MICROS, Mode::Ordered).expect("four steps");
    measure(
        c,
        "funnel",
        || Funnel::new(UserKind::Text, rules),
        |funnel, i, user, at| funnel.observe(Event::new(at, 1 << (i * 7 % 6), false), || Some(user)).expect("room"),
        |bytes| {
            let view = funnel::View::open(bytes).expect("bytes");
            drop(funnel::steps(&view, Compatibility::Standard, &EVERYTHING))
        },
    );
}

criterion_group!(benches, lists);
criterion_main!(benches);
