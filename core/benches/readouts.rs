//! The readouts of an activity, from its bytes to the figures.

#[path = "support/log.rs"]
mod log;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use user_metrics_core::activity::View;
use user_metrics_core::activity::active_users::active_users;
use user_metrics_core::activity::cohort_table::cohort_table;
use user_metrics_core::activity::engagement::engagement;
use user_metrics_core::activity::lifecycle::lifecycle;
use user_metrics_core::activity::retention::{Clock, Kind, Question};
use user_metrics_core::activity::retention_matrix::matrix;
use user_metrics_core::activity::stickiness::stickiness;
use user_metrics_core::base::calendar::{Calendar, Grain, Window};
use user_metrics_core::base::state::State;

fn readouts(c: &mut Criterion) {
    let mut group = c.benchmark_group("readouts");
    group.sample_size(10);
    let week = Calendar { week_start: 1, ..Calendar::plain(Grain::Week) };
    let window = Window::up_to(log::FIRST_DAY + log::DAYS);
    for size in [1_000, 100_000, 10_000_000] {
        let bytes = log::activity(&log::requests(size)).encode().expect("room for the bytes");
        let view = View::open(&bytes).expect("a value just written");
        let view = black_box(&view);
        group.throughput(Throughput::Elements(size));
        group.bench_function(format!("active_users/{size}"), |b| b.iter(|| active_users(view, week, &window)));
        group.bench_function(format!("engagement/{size}"), |b| b.iter(|| engagement(view, &window)));
        group.bench_function(format!("stickiness/{size}"), |b| b.iter(|| stickiness(view, 28, &window)));
        group.bench_function(format!("lifecycle/{size}"), |b| b.iter(|| lifecycle(view, week, &window)));
        group.bench_function(format!("cohort_table/{size}"), |b| b.iter(|| cohort_table(view, &window)));
        for kind in [Kind::On, Kind::OnOrAfter, Kind::OnOrBefore, Kind::Streak] {
            let question = Question::new(week, Clock::Calendar(week), kind);
            group.bench_function(format!("retention_matrix, {kind:?}/{size}"), |b| {
                b.iter(|| matrix(view, &question, &window))
            });
        }
    }
    group.finish();
}

criterion_group!(benches, readouts);
criterion_main!(benches);
