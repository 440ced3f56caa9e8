//! Any requests, parted between two states in any way: merged in either order, or after a stay in bytes, they give the same
//! bytes as one pass over all of them in another order.
//!
//! The first byte chooses the limits. Then come five bytes a request: its user; its time and its latency, in steps of five
//! minutes; and what is left. (So many users that rows are taken in by the batch are left to the laws of core/tests.)
#![no_main]

use libfuzzer_sys::fuzz_target;
use user_metrics_core::base::calendar::{DAY_MICROS, Micros};
use user_metrics_core::base::state::State;
use user_metrics_core::base::user_table::{UserKey, UserKind};
use user_metrics_core::sessions::{Limits, Session, SessionKey, Sessions};
use user_metrics_fuzz::held;

const MINUTE: Micros = 60_000_000;
/// 4 March 2024.
const MONDAY: Micros = 8829 * DAY_MICROS;

struct Row {
    user: Option<UserKey>,
    request: Session,
    /// Which state it goes to.
    other: bool,
}

fuzz_target!(|input: &[u8]| {
    let Some((&first, rest)) = input.split_first() else { return };
    let gap = [30 * MINUTE, 0, 60 * MINUTE, Micros::MAX][usize::from(first & 3)];
    let idle = [DAY_MICROS, 0, 60 * MINUTE, Micros::MAX][usize::from(first >> 2 & 3)];
    let limits = Limits { gap, idle };
    let rows: Vec<Row> = rest.as_chunks::<5>().0.iter().map(row).collect();
    held(|| {
        let (one, other) =
            (state(limits, rows.iter().filter(|r| !r.other)), state(limits, rows.iter().filter(|r| r.other)));
        let bytes = encoded(&state(limits, rows.iter().rev()));
        assert_eq!(encoded(&merged(&one, &other)), bytes, "merging is exact");
        assert_eq!(encoded(&merged(&other, &one)), bytes, "merging is commutative");
        let mut fed_on = Sessions::decode(&encoded(&one)).expect("what was encoded decodes");
        rows.iter().filter(|r| r.other).for_each(|r| observe(&mut fed_on, r));
        assert_eq!(encoded(&fed_on), bytes, "what was read back can be fed on");
        fed_on.settle().expect("room for a small value");
        assert_eq!(encoded(&fed_on), bytes, "settling shows nowhere");
        let read = Sessions::decode(&bytes).expect("what was encoded decodes");
        assert_eq!(encoded(&read), bytes);
    });
});

fn row(bytes: &[u8; 5]) -> Row {
    let &[user, high, low, latency, rest] = bytes;
    let at = MONDAY + i64::from(u16::from_be_bytes([high, low])) * 5 * MINUTE + i64::from(rest & 3) - 1;
    let latency = (latency > 0).then(|| f64::from(latency) * 300_000.0);
    let key = match rest >> 2 & 3 {
        0 => SessionKey::NONE,
        n => SessionKey::text(&[b'0' + n]),
    };
    let succeeded = [None, Some(true), Some(false), Some(true)][usize::from(rest >> 4 & 3)];
    let user = (user > 0).then(|| UserKey::bigint(i64::from(user)));
    Row { user, request: Session::request(at, latency, key, succeeded), other: rest & 64 != 0 }
}

fn observe(state: &mut Sessions, row: &Row) {
    state.observe(row.user, row.request).expect("room for a small state");
}

fn state<'a>(limits: Limits, rows: impl Iterator<Item = &'a Row>) -> Sessions {
    let mut state = Sessions::new(UserKind::Bigint, limits);
    rows.for_each(|row| observe(&mut state, row));
    state
}

fn merged(a: &Sessions, b: &Sessions) -> Sessions {
    let mut both = a.empty();
    both.merge(a).expect("states alike");
    both.merge(b).expect("states alike");
    both
}

fn encoded(state: &Sessions) -> Vec<u8> {
    state.encode().expect("room for a small value")
}
