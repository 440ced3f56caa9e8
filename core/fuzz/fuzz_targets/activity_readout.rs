//! Any bytes as an activity that readouts look at: what decodes is answered by all of them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use user_metrics_core::activity::active_users::active_users;
use user_metrics_core::activity::cohort_table::cohort_table;
use user_metrics_core::activity::engagement::engagement;
use user_metrics_core::activity::lifecycle::lifecycle;
use user_metrics_core::activity::retention::{Clock, Kind, Question};
use user_metrics_core::activity::retention_curve::curve;
use user_metrics_core::activity::retention_matrix::matrix;
use user_metrics_core::activity::stickiness::stickiness;
use user_metrics_core::activity::{Activity, VERSION, View};
use user_metrics_core::base::calendar::{Calendar, Grain, Window};
use user_metrics_core::base::state::State;
use user_metrics_core::base::wire;
use user_metrics_core::{Error, Result};
use user_metrics_fuzz::{framed, held};

fuzz_target!(|body: &[u8]| {
    let bytes = framed(wire::Kind::Activity, VERSION, body);
    if held(|| Activity::decode(&bytes).is_ok()) {
        held(|| read_out(&bytes));
    }
});

/// Absurd ages may be refused for the size of the answer; nothing else may.
fn read_out(bytes: &[u8]) {
    let view = View::open(bytes).expect("what decodes can be viewed");
    for end in [8000, 9000, 106_751_984] {
        let (window, calendar) = (Window::up_to(end), Calendar { week_start: 1, ..Calendar::plain(Grain::Week) });
        may_be_too_large(active_users(&view, calendar, &window));
        may_be_too_large(engagement(&view, &window));
        may_be_too_large(stickiness(&view, 28, &window));
        may_be_too_large(lifecycle(&view, calendar, &window));
        may_be_too_large(cohort_table(&view, &window));
        for (clock, kind) in [(Clock::Calendar(calendar), Kind::On), (Clock::Rolling(30), Kind::Streak)] {
            let question = Question::new(calendar, clock, kind);
            may_be_too_large(matrix(&view, &question, &window));
            may_be_too_large(curve(&view, &question, &window));
        }
    }
}

fn may_be_too_large<T>(answer: Result<T>) {
    if let Err(error) = answer {
        assert!(matches!(error, Error::OutOfMemory { .. } | Error::Argument { .. }), "refused as {error:?}");
    }
}
