//! Any bytes as sessions that readouts look at: what decodes is answered by all of them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use user_metrics_core::base::calendar::Span;
use user_metrics_core::base::calendar::{Calendar, DAY_MICROS, Grain, Micros};
use user_metrics_core::base::days::Day;
use user_metrics_core::base::state::State;
use user_metrics_core::base::user_table::UserKey;
use user_metrics_core::base::wire;
use user_metrics_core::sessions::{Sessions, VERSION, View, hazard, list, stats, times};
use user_metrics_core::{Error, Result};
use user_metrics_fuzz::{framed, held};

fuzz_target!(|body: &[u8]| {
    let bytes = framed(wire::Kind::Sessions, VERSION, body);
    if held(|| Sessions::decode(&bytes).is_ok()) {
        held(|| read_out(&bytes));
    }
});

/// Absurd ages may be refused for the size of the answer; nothing else may.
fn read_out(bytes: &[u8]) {
    let view = View::open(bytes).expect("what decodes can be viewed");
    let day = |at: Micros| Ok(at.div_euclid(DAY_MICROS) as Day);
    for end in [Micros::MIN + 1, 0, 9000 * DAY_MICROS, Micros::MAX] {
        for since in [None, Some(8829 * DAY_MICROS)] {
            let span = Span { since, until: since.map(|since| since + 30 * DAY_MICROS), end };
            may_be_too_large(stats(&view, None, &span, day).map(|rows| rows.into_iter().for_each(figures)));
            let weeks = Calendar { week_start: 1, ..Calendar::plain(Grain::Week) };
            may_be_too_large(stats(&view, Some(weeks), &span, day).map(|rows| rows.into_iter().for_each(figures)));
            // A value whose limits are zero says when something was under way in itself: all the time.
            may_be_too_large(times(&view, Some(&view), None, &span, day).map(|rows| {
                for row in rows {
                    assert_eq!((row.time.busy, row.time.active), (row.time.active, row.time.span));
                }
            }));
            may_be_too_large(hazard(&view, &span, 50));
            may_be_too_large(list(&view, &span));
        }
    }
    may_be_too_large(view.without(&[UserKey::bigint(1), UserKey::bigint(2)]));
}

/// Shares are shares, and what is open is in no figure.
fn figures(mut row: user_metrics_core::sessions::Stats) {
    assert!(row.completed + row.abandoned <= row.closed() && row.sessions <= row.requests);
    for share in [row.single_request_share(), row.engaged_rate(), row.returned_24h_rate(), row.completion_rate()] {
        assert!(share.is_none_or(|share| (0.0..=1.0).contains(&share)), "a share of {share:?}");
    }
    let durations = [0.5, 0.9, 1.0].map(|share| row.active_quantile(share));
    assert!(durations.is_sorted(), "{durations:?}");
    assert_eq!(durations[0].is_some(), row.closed() > 0);
    assert_eq!(row.active_mean().is_some(), row.closed() > 0);
    assert!(row.active_mean() <= row.span_mean());
    let [median, p90] = row.returns([0.5, 0.9]).expect("few waits");
    assert!(p90.is_none_or(|p90| median.is_some_and(|median| median <= p90)));
    assert!(row.requests_per_session().is_none_or(|mean| mean >= 1.0));
    assert!(row.abandonment_point().is_none_or(|mean| mean >= 1.0));
}

fn may_be_too_large<T>(answer: Result<T>) {
    if let Err(error) = answer {
        let fits = matches!(
            error,
            Error::OutOfMemory { .. } | Error::Argument { .. } | Error::TooLarge { .. } | Error::Corrupt { .. }
        );
        assert!(fits, "refused as {error:?}");
    }
}
