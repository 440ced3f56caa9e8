//! A log for the benchmarks: requests in time order over 26 weeks, fifty a user, the same in every run.

use user_metrics_core::Result;
use user_metrics_core::activity::Activity;
use user_metrics_core::base::calendar::{DAY_MICROS, Micros, Segment};
use user_metrics_core::base::days::Day;
use user_metrics_core::base::state::State;
use user_metrics_core::base::user_table::{UserKey, UserKind};

/// 2024-01-01, a Monday.
pub const FIRST_DAY: Day = 8766;
/// Days of the log.
pub const DAYS: Day = 182;

/// `requests` instants and who asked, in time order.
pub fn requests(requests: u64) -> Vec<(UserKey, Micros)> {
    // SplitMix64, Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.
    let mut state = 42u64;
    let mut random = move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    let users = (requests / 50).max(1);
    let first = Micros::from(FIRST_DAY) * DAY_MICROS;
    let step = Micros::from(DAYS) * DAY_MICROS / requests as Micros;
    // Users sign up evenly over the log; afterwards each asks as often as any other.
    let user = |i: u64, random: u64| random % (1 + i * users / requests);
    let key = |user: u64| UserKey::text(format!("user-{user:08}").as_bytes()).expect("no blank id");
    (0..requests).map(|i| (key(user(i, random())), first + i as Micros * step)).collect()
}

fn utc(_: &str, _: Micros) -> Result<Segment> {
    Ok(Segment { from: Micros::MIN, until: Micros::MAX, offset: 0 })
}

/// The activity of a log.
pub fn activity(log: &[(UserKey, Micros)]) -> Activity {
    let mut activity = Activity::new(UserKind::Text, "UTC");
    for &(user, at) in log {
        activity.observe(Some(user), at, utc).expect("room for the log");
    }
    activity.settle().expect("room for the log");
    activity
}
