//! Any rows, parted between two states in any way: merged in either order, or after a stay in bytes, they give the same
//! bytes as one pass over all of them in another order.
//!
//! The first byte chooses the mode and the number of steps. Then come four bytes a row: its user, its time in minutes, its
//! steps, and what is left.
#![no_main]

use libfuzzer_sys::fuzz_target;
use user_metrics_core::base::calendar::{DAY_MICROS, Micros};
use user_metrics_core::base::state::State;
use user_metrics_core::base::user_table::{UserKey, UserKind};
use user_metrics_core::funnel::{Event, Funnel, Mode, Rules};
use user_metrics_fuzz::held;

const MINUTE: Micros = 60_000_000;
/// 4 March 2024.
const MONDAY: Micros = 8829 * DAY_MICROS;

struct Row {
    user: Option<UserKey>,
    event: Event,
    /// Which state it goes to.
    other: bool,
}

fuzz_target!(|input: &[u8]| {
    let Some((&first, rest)) = input.split_first() else { return };
    let mode = [Mode::Ordered, Mode::StrictOrder, Mode::StrictDedup, Mode::Unordered][usize::from(first & 3)];
    let steps = [1, 3, 8, 64][usize::from(first >> 2 & 3)];
    let rules = Rules { steps, window: DAY_MICROS, mode };
    let rows: Vec<Row> = rest.as_chunks::<4>().0.iter().map(row).collect();
    held(|| {
        let (one, other) =
            (state(rules, rows.iter().filter(|r| !r.other)), state(rules, rows.iter().filter(|r| r.other)));
        let bytes = encoded(&state(rules, rows.iter().rev()));
        assert_eq!(encoded(&merged(&one, &other)), bytes, "merging is exact");
        assert_eq!(encoded(&merged(&other, &one)), bytes, "merging is commutative");
        let [read, read_too] =
            [&one, &other].map(|state| Funnel::decode(&encoded(state)).expect("what was encoded decodes"));
        assert_eq!(encoded(&merged(&read, &read_too)), bytes, "what was read back merges");
        assert_eq!(encoded(&merged(&read_too, &read)), bytes, "and in either order");
        let mut fed_on = Funnel::decode(&encoded(&one)).expect("what was encoded decodes");
        rows.iter().filter(|r| r.other).for_each(|r| observe(&mut fed_on, r));
        assert_eq!(encoded(&fed_on), bytes, "what was read back can be fed on");
        fed_on.settle().expect("room for a small value");
        assert_eq!(encoded(&fed_on), bytes, "settling shows nowhere");
    });
});

fn row(&[user, time, steps, rest]: &[u8; 4]) -> Row {
    let at = MONDAY + i64::from(time) * MINUTE + i64::from(rest & 3) - 1;
    let steps = if rest & 8 != 0 { u64::from(steps) } else { 1 << (steps & 63) };
    let user = (user > 0).then(|| UserKey::bigint(i64::from(user)));
    Row { user, event: Event::new(at, steps, rest & 16 != 0), other: rest & 64 != 0 }
}

fn observe(state: &mut Funnel, row: &Row) {
    state.observe(row.event, || row.user).expect("room for a small state");
}

fn state<'a>(rules: Rules, rows: impl Iterator<Item = &'a Row>) -> Funnel {
    let mut state = Funnel::new(UserKind::Bigint, rules);
    rows.for_each(|row| observe(&mut state, row));
    state
}

fn merged(a: &Funnel, b: &Funnel) -> Funnel {
    let mut both = a.empty();
    both.merge(a).expect("states alike");
    both.merge(b).expect("states alike");
    both
}

fn encoded(state: &Funnel) -> Vec<u8> {
    state.encode().expect("room for a small value")
}
