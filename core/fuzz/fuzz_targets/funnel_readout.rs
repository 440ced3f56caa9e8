//! Any bytes as a funnel that readouts look at: what decodes is answered by all of them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use user_metrics_core::base::calendar::Span;
use user_metrics_core::base::calendar::{DAY_MICROS, Micros};
use user_metrics_core::base::state::State;
use user_metrics_core::base::user_table::UserKey;
use user_metrics_core::base::wire;
use user_metrics_core::funnel::{Compatibility, Funnel, Matcher, Standing, VERSION, View, progress, shown, steps};
use user_metrics_fuzz::{framed, held};

fuzz_target!(|body: &[u8]| {
    let bytes = framed(wire::Kind::Funnel, VERSION, body);
    if held(|| Funnel::decode(&bytes).is_ok()) {
        held(|| read_out(&bytes));
    }
});

fn read_out(bytes: &[u8]) {
    let view = View::open(bytes).expect("what decodes can be viewed");
    for compatibility in [Compatibility::Standard, Compatibility::ClickHouse] {
        if compatibility.check(view.rules().mode).is_err() {
            continue;
        }
        for end in [Micros::MIN + 1, 0, 9000 * DAY_MICROS, Micros::MAX] {
            for since in [None, Some(8829 * DAY_MICROS)] {
                let span = Span { since, until: since.map(|since| since + 30 * DAY_MICROS), end };
                figures(&view, compatibility, &span);
            }
        }
    }
    view.without(&[UserKey::bigint(1), UserKey::bigint(2)]).expect("room for a small value");
}

/// Counts add up, shares are shares, and the list says what the counts say.
fn figures(view: &View<'_>, compatibility: Compatibility, span: &Span) {
    let mut table = steps(view, compatibility, span).expect("room for a small value");
    let mut list = Vec::new();
    let mut matcher = Matcher::new(view.rules(), compatibility, span.end).expect("room for a matcher").until(span.until);
    let listed = view.each(|_, events| {
        list.extend(progress(matcher.journey(shown(events, span))?, view.rules().steps));
        Ok(())
    });
    listed.expect("room for a small value");
    let mut before = None;
    for (number, step) in table.iter_mut().enumerate() {
        assert!(before.is_none_or(|before| before == step.users + step.dropped + step.open));
        assert!(step.reached <= step.users.min(step.eligible));
        for share in [step.from_previous_rate(), step.from_first_rate()] {
            assert!(share.is_none_or(|share| (0.0..=1.0).contains(&share)), "a share of {share:?}");
        }
        let times = [0.0, 0.5, 0.9, 1.0].map(|share| step.quantile(share));
        assert!(times.is_sorted() && times[0].is_none_or(|time| time >= 0.0), "{times:?}");
        let done = list.iter().filter(|row| row.step == number && row.standing == Standing::Completed).count() as u64;
        assert_eq!(done, step.users);
        before = Some(step.users);
    }
}
