//! Values of requests at both ends of the calendar, which is a little longer than a signed number of microseconds counts:
//! what is between them does not overflow, and what was written is read again.

use user_metrics_core::base::calendar::Span;
use user_metrics_core::base::state::State;
use user_metrics_core::base::user_lists::LAST_INSTANT;
use user_metrics_core::base::user_table::{UserKey, UserKind};
use user_metrics_core::funnel::{Compatibility, Event, Funnel, Mode, Rules, View as FunnelView, steps};
use user_metrics_core::sessions::{
    Limits, Session, SessionKey, Sessions, UNDER_WAY, View as SessionsView, list, stats, times,
};
use user_metrics_core::stats::quantile::quantile;

const FIRST_INSTANT: i64 = -211_813_488_000_000_000;
const SECONDS: f64 = i64::MAX as f64 / 1e6;

fn user() -> Option<UserKey> {
    Some(UserKey::bigint(7))
}

fn sessions(limits: Limits, requests: &[(i64, f64, &[u8])]) -> Vec<u8> {
    let mut state = Sessions::new(UserKind::Bigint, limits);
    for &(at, latency, id) in requests {
        state.observe(user(), Session::request(at, Some(latency), SessionKey::text(id), Some(true))).unwrap();
    }
    state.settle().unwrap();
    let bytes = state.encode().unwrap();
    assert_eq!(Sessions::decode(&bytes).unwrap().encode().unwrap(), bytes);
    bytes
}

#[test]
fn a_session_as_long_as_the_calendar() {
    let everything = Span { since: None, until: None, end: LAST_INSTANT };
    let endless = Limits { gap: i64::MAX, idle: i64::MAX };
    let short = Limits { gap: 1_800_000_000, idle: 86_400_000_000 };
    for (limits, requests, count) in [
        (endless, vec![(FIRST_INSTANT, 5.0, &b"a"[..]), (LAST_INSTANT, 5.0, b"a")], 1),
        (endless, vec![(LAST_INSTANT, 5.0, &b""[..]), (FIRST_INSTANT, f64::MAX, b"")], 1),
        (short, vec![(FIRST_INSTANT, 1e300, &b"a"[..]), (0, 5e15, b"b"), (0, 1.0, b"b")], 2),
        (short, vec![(FIRST_INSTANT, 0.0, &b"a"[..]), (LAST_INSTANT, 0.0, b"a"), (0, 0.0, b"")], 1),
    ] {
        let bytes = sessions(limits, &requests);
        let view = SessionsView::open(&bytes).unwrap();
        let listed = list(&view, &everything).unwrap();
        assert!(listed.iter().all(|(_, session)| (0..=i64::MAX).contains(&session.span())));
        assert!(listed.len() >= count, "{requests:?}: {listed:?}");
        let all = stats(&view, None, &everything, |_| Ok(0)).unwrap();
        assert_eq!(all[0].sessions, listed.len() as u64);
        let busy = sessions(UNDER_WAY, &requests);
        let busy = SessionsView::open(&busy).unwrap();
        assert_eq!(times(&view, Some(&busy), None, &everything, |_| Ok(0)).unwrap().len(), 1);
    }
    assert_eq!(quantile(&mut [i64::MAX, i64::MAX], 0.5), Some(SECONDS));
}

#[test]
fn a_funnel_as_long_as_the_calendar() {
    let rules = Rules::new(2, i64::MAX, Mode::Ordered).unwrap();
    let mut state = Funnel::new(UserKind::Bigint, rules);
    for (at, step) in [(FIRST_INSTANT, 1), (LAST_INSTANT, 2)] {
        state.observe(Event::new(at, step, false), user).unwrap();
    }
    state.settle().unwrap();
    let bytes = state.encode().unwrap();
    assert_eq!(Funnel::decode(&bytes).unwrap().encode().unwrap(), bytes);
    let view = FunnelView::open(&bytes).unwrap();
    let everything = Span { since: None, until: None, end: LAST_INSTANT };
    let steps = steps(&view, Compatibility::Standard, &everything).unwrap();
    assert_eq!(steps[0].users, 1);
}
