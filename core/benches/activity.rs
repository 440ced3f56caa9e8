//! The activity value: taking rows in, merging, writing and reading.

#[path = "support/log.rs"]
mod log;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use user_metrics_core::activity::Activity;
use user_metrics_core::base::state::State;

fn activity(c: &mut Criterion) {
    let mut group = c.benchmark_group("activity");
    group.sample_size(10);
    for size in [1_000, 100_000, 10_000_000] {
        let log = log::requests(size);
        let (early, late) = log.split_at(log.len() / 2);
        let (early, late) = (log::activity(early), log::activity(late));
        let whole = log::activity(&log);
        let bytes = whole.encode().expect("room for the bytes");
        group.throughput(Throughput::Elements(size));
        group.bench_function(format!("observe/{size}"), |b| b.iter(|| log::activity(black_box(&log))));
        group.bench_function(format!("merge/{size}"), |b| {
            b.iter(|| {
                let mut both = whole.empty();
                both.merge(black_box(&early)).and_then(|()| both.merge(&late)).expect("room for both");
                both
            })
        });
        group.bench_function(format!("encode/{size}"), |b| b.iter(|| black_box(&whole).encode()));
        group.bench_function(format!("decode/{size}"), |b| b.iter(|| Activity::decode(black_box(&bytes))));
    }
    group.finish();
}

criterion_group!(benches, activity);
criterion_main!(benches);
