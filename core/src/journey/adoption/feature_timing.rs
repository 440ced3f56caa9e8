//! `feature_timing`: association of early first use of a feature with retention. Definition D51.

use super::{FEATURE, MOST_DAYS, code, feature, whole};
use crate::base::calendar::Micros;
use crate::base::days::Day;
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::function::{
    Argument, BY_VALUE_FIRST, Call, Clock, Function, Past, Reads, Requests, Role, Rows, Type, column, column_about,
    with_bounds,
};
use crate::function::{named, text_order};
use crate::history::{BySegment, Fold, Table, Timeline};
use crate::stats::amount::{Amount, amount};
use crate::stats::interval::{rate_difference, rate_with_bounds};

const INTRODUCED: &[&str] = &["introduced_users"];
const WITHOUT: &[&str] = &["without_users"];
const BOTH: &[&str] = &["introduced_users", "without_users"];

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "feature_timing",
    path: "journey::adoption::feature_timing",
    example: "'code'",
    summary: "timing of feature introduction: retention of users still active at each landmark, of those with first \
              use of the feature since the previous landmark compared with those without use by then; an association",
    arguments: &[
        FEATURE,
        Argument {
            name: "landmarks",
            kind: Type::Integers,
            role: Role::Value,
            default: "'{1,3,7,14,28}'",
            about: "landmarks in days after the user's first day, from 1 to 3650, ascending; users are grouped at the \
                    start of the landmark",
        },
        Argument {
            name: "horizon_days",
            kind: Type::Integer,
            role: Role::Value,
            default: "28",
            about: "number of days for which users are followed from the landmark on, from 7 to 3650",
        },
        BY_VALUE_FIRST,
    ],
    columns: &[
        column("landmark_day", Type::Integer, "the landmark"),
        column_about(
            INTRODUCED,
            "introduced_users",
            Type::Bigint,
            "users who first used the feature on a day from the previous landmark, or the start, to the day before \
             this one",
        ),
        column_about(
            INTRODUCED,
            "introduced_retained",
            Type::Bigint,
            "those of them who are active in the last seven of the horizon_days days",
        ),
        column_about(INTRODUCED, "introduced_retention", Type::Double, "introduced_retained / introduced_users"),
        column_about(INTRODUCED, "introduced_low", Type::Double, "its lower 95 % bound (Wilson)"),
        column_about(INTRODUCED, "introduced_high", Type::Double, "its upper 95 % bound"),
        column_about(WITHOUT, "without_users", Type::Bigint, "users who have not used the feature by then"),
        column_about(WITHOUT, "without_retained", Type::Bigint, "those of them who are active in these seven days"),
        column_about(WITHOUT, "without_retention", Type::Double, "without_retained / without_users"),
        column_about(WITHOUT, "without_low", Type::Double, "its lower 95 % bound (Wilson)"),
        column_about(WITHOUT, "without_high", Type::Double, "its upper 95 % bound"),
        column_about(BOTH, "difference", Type::Double, "introduced_retention - without_retention"),
        column_about(BOTH, "difference_low", Type::Double, "its lower 95 % bound (Newcombe)"),
        column_about(BOTH, "difference_high", Type::Double, "its upper 95 % bound"),
    ],
    reads: Reads::Requests(&Requests { past: Past::All, columns: &[], needed: &["feature"], names: false }),
    segmented: true,
    scalar: false,
    zoned: true,
    rows: 10,
    run,
};

/// The days in which activity is determined, before a landmark and at the end of the horizon.
const WEEK: Day = 7;

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let horizon = whole(call, "horizon_days", WEEK, MOST_DAYS)?;
    let feature = feature(call)?;
    let mut claim = Claim::temporary();
    let given = call.integers("landmarks").unwrap_or_default();
    let landmarks = claim.collected(given.iter().map(|day| day.unwrap_or(0)))?;
    let is_ascending =
        landmarks.is_sorted_by(|a, b| a < b) && landmarks.iter().all(|day| (1..=MOST_DAYS).contains(day));
    if !is_ascending || landmarks.is_empty() {
        let accepted = "days from 1 to 3650, ascending, such as '{1,3,7,14,28}'";
        return call.refuse("landmarks", format!("{landmarks:?}"), accepted);
    }
    let columns = ["segment", "feature"].map(|name| call.column(name));
    let [segment, column] = columns;
    let feature = code(call, column, feature);
    let timing = call.fold(&columns, || {
        let mut clock = call.clock()?;
        Ok(Timing {
            end: clock.day(call.end())?,
            clock,
            since: call.since,
            landmarks: &landmarks,
            horizon,
            segment,
            column,
            feature,
            found: Table::default(),
            days: Vec::new(),
            by_segment: BySegment::default(),
            claim: Claim::temporary(),
        })
    })?;
    let mut found = named(call, [None, None, segment], &timing.found, &mut claim)?;
    found.sort_by_key(|found| (text_order(found.texts[2]), found.codes[1]));
    found.into_iter().try_for_each(|found| {
        let Landmark { introduced, without } = found.value;
        let [rate, low, high] = with_bounds(rate_with_bounds(introduced.retained, introduced.users));
        let [other_rate, other_low, other_high] = with_bounds(rate_with_bounds(without.retained, without.users));
        let compared = rate_difference((introduced.retained, introduced.users), (without.retained, without.users));
        let [difference, difference_low, difference_high] =
            with_bounds(compared.map(|compared| (compared.difference, compared.low, compared.high)));
        rows.row(&mut [
            found.texts[2].into(),
            landmarks.get(found.codes[1] as usize).copied().into(),
            introduced.users.into(),
            introduced.retained.into(),
            rate,
            low,
            high,
            without.users.into(),
            without.retained.into(),
            other_rate,
            other_low,
            other_high,
            difference,
            difference_low,
            difference_high,
        ])
    })
}

/// Users, and how many of them are retained.
#[derive(Clone, Copy, Debug, Default)]
struct Followed {
    users: u64,
    retained: u64,
}

amount!(Followed: users, retained);

/// Users active before a landmark; those who first used the feature before the previous one are in neither group.
#[derive(Debug, Default)]
struct Landmark {
    introduced: Followed,
    without: Followed,
}

amount!(Landmark: introduced, without);

/// The fold.
struct Timing<'a> {
    clock: Clock<'a>,
    since: Option<Micros>,
    /// The day on which observation ends.
    end: Day,
    landmarks: &'a [i32],
    horizon: i32,
    segment: Option<usize>,
    column: Option<usize>,
    /// The feature; `None` if the log does not contain it.
    feature: Option<u32>,
    /// By the index of the landmark and the segment.
    found: Table<Landmark>,
    /// Days, and whether the feature was used; of the same day, those with the feature first.
    days: Vec<(Day, bool)>,
    by_segment: BySegment,
    claim: Claim,
}

impl Fold for Timing<'_> {
    fn observe(&mut self, user: &Timeline<'_>) -> Result<()> {
        let Timing { clock, since, end, landmarks, horizon, segment, column, feature, .. } = self;
        let Timing { found, days, by_segment, claim, .. } = self;
        let Some(codes) = user.codes(*column) else { return Ok(()) };
        by_segment.each(user, *segment, |segment, requests| {
            let began = requests.first().map(|&request| user.at[request as usize]);
            if since.is_some_and(|since| began < Some(since)) {
                return Ok(());
            }
            days.clear();
            for &request in requests {
                let day = (clock.day(user.at[request as usize])?, *feature != Some(codes[request as usize]));
                if days.last() != Some(&day) {
                    claim.push(days, day)?;
                }
            }
            days.sort_unstable();
            let Some(&(first_day, _)) = days.first() else { return Ok(()) };
            let used = days.iter().find(|(_, is_other)| !is_other).map(|(day, _)| day - first_day);
            let is_active = |from: Day, until: Day| {
                let next = days.partition_point(|(day, _)| day - first_day < from);
                days.get(next).is_some_and(|(day, _)| day - first_day < until)
            };
            let mut before = 0;
            for (number, &landmark) in (0..).zip(*landmarks) {
                let since_before = std::mem::replace(&mut before, landmark);
                let until = landmark + *horizon;
                if first_day.saturating_add(until) > *end {
                    break;
                }
                if !is_active(landmark - WEEK, landmark) {
                    continue;
                }
                // What is known at the landmark, the start of that day, lies before it.
                let (_, of) = found.entry([0, number, segment], claim)?;
                let one = Followed { users: 1, retained: u64::from(is_active(until - WEEK, until)) };
                match used.filter(|used| *used < landmark) {
                    None => of.without.add(one, claim)?,
                    Some(used) if used >= since_before => of.introduced.add(one, claim)?,
                    Some(_) => {}
                }
            }
            Ok(())
        })
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        self.found.add(other.found, &mut self.claim)
    }
}
