//! `usage_heatmap`: requests and users in each hour of the local week. Definition D11.

use crate::base::calendar::DAY_MICROS;
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::function::{Call, Clock, Function, Past, Reads, Requests, Rows, Type, column, column_about};
use crate::function::{named, text_order};
use crate::history::{BySegment, Fold, Table, Timeline};
use crate::stats::amount::amount;

const ABOUT: &[&str] = &["users"];

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "usage_heatmap",
    path: "usage::usage_heatmap",
    example: "",
    summary: "requests and users in each hour of the local week: weekday 1 is Monday, 7 is Sunday",
    arguments: &[],
    columns: &[
        column("weekday", Type::Integer, "1 for Monday to 7 for Sunday"),
        column("hour", Type::Integer, "hour of the local clock, 0 to 23"),
        column_about(ABOUT, "requests", Type::Bigint, "requests in the hour"),
        column_about(ABOUT, "users", Type::Bigint, "distinct users of these requests"),
    ],
    reads: Reads::Requests(&Requests { past: Past::Nothing, columns: &[], needed: &[], names: false }),
    segmented: true,
    scalar: false,
    zoned: true,
    rows: 168,
    run,
};

/// Hours of a week.
const HOURS: usize = 168;

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let segment = call.column("segment");
    let make = || {
        let (segments, by_segment, claim) = (Table::default(), BySegment::default(), Claim::temporary());
        Ok(Week { clock: call.clock()?, segment, segments, by_segment, claim })
    };
    let mut week = call.fold(&[segment], make)?;
    let mut segments = named(call, [None, None, week.segment], &week.segments, &mut week.claim)?;
    segments.sort_by_key(|segment| text_order(segment.texts[2]));
    for segment in segments {
        for hour in 0..HOURS {
            rows.row(&mut [
                segment.texts[2].into(),
                (hour as i32 / 24 + 1).into(),
                (hour as i32 % 24).into(),
                segment.value.requests[hour].into(),
                segment.value.users[hour].into(),
            ])?;
        }
    }
    Ok(())
}

/// Users and requests by hour of the week.
#[derive(Debug)]
struct Segment {
    users: [u64; HOURS],
    requests: [u64; HOURS],
}

amount!(Segment: users, requests);

impl Default for Segment {
    fn default() -> Self {
        Segment { users: [0; HOURS], requests: [0; HOURS] }
    }
}

/// The fold.
struct Week<'a> {
    clock: Clock<'a>,
    segment: Option<usize>,
    segments: Table<Segment>,
    by_segment: BySegment,
    claim: Claim,
}

impl Fold for Week<'_> {
    fn observe(&mut self, user: &Timeline<'_>) -> Result<()> {
        let Week { clock, segment, segments, by_segment, claim } = self;
        by_segment.each(user, *segment, |code, requests| {
            let (_, found) = segments.entry([0, 0, code], claim)?;
            let mut seen = [false; HOURS];
            for &request in requests {
                let local = clock.local(user.at[request as usize])?;
                // 2000-01-01 was a Saturday.
                let weekday = (local.div_euclid(DAY_MICROS) + 5).rem_euclid(7);
                let hour = (weekday * 24 + local.rem_euclid(DAY_MICROS) / (DAY_MICROS / 24)) as usize;
                found.requests[hour] += 1;
                found.users[hour] += u64::from(!std::mem::replace(&mut seen[hour], true));
            }
            Ok(())
        })
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        self.segments.add(other.segments, &mut self.claim)
    }

    fn subtract(&mut self, gone: Self) -> Result<bool> {
        self.segments.subtract(gone.segments, &mut self.claim)?;
        Ok(true)
    }
}
