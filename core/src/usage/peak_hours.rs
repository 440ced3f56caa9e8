//! `peak_hours`: requests in each hour of the local clock, per occurrence of the hour. Definition D11.

use crate::base::calendar::{DAY_MICROS, Micros};
use crate::base::error::Result;
use crate::base::hours::hour_begins;
use crate::base::memory::Claim;
use crate::function::{Argument, Call, Clock, Function, Past, Reads, Requests, Role, Rows, Type, column};
use crate::function::{named, text_order};
use crate::history::{BySegment, Fold, Table, Timeline};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "peak_hours",
    path: "usage::peak_hours",
    example: "",
    summary: "requests in each hour of the local clock, per occurrence of the hour, and the peak hours",
    arguments: &[Argument {
        name: "top",
        kind: Type::Integer,
        role: Role::Value,
        default: "3",
        about: "number of peak hours, from 1 to 24",
    }],
    columns: &[
        column("hour", Type::Integer, "hour of the local clock, 0 to 23"),
        column("requests", Type::Bigint, "requests in the hour"),
        column(
            "hour_occurrences",
            Type::Bigint,
            "occurrences of the hour from the segment's first request to the end of observation",
        ),
        column("requests_per_hour_occurrence", Type::Double, "requests / hour_occurrences"),
        column(
            "rank",
            Type::Bigint,
            "rank by requests per occurrence: 1 has the most, ties are broken by the earlier hour",
        ),
        column("is_peak", Type::Boolean, "whether rank is at most top and the hour has requests"),
    ],
    reads: Reads::Requests(&Requests { past: Past::Nothing, columns: &[], needed: &[], names: false }),
    segmented: true,
    scalar: false,
    zoned: true,
    rows: 24,
    run,
};

const HOURS: usize = 24;

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let top = call.integer("top").unwrap_or(3);
    if !(1..=24).contains(&top) {
        return call.refuse("top", top, "a number of hours from 1 to 24");
    }
    call.fold(&[call.column("segment")], || Hours::new(call))?.rows(call, top as u64, rows)
}

/// Users and requests by hour.
#[derive(Debug, Default)]
struct Segment {
    first_at: Option<Micros>,
    users: [u64; HOURS],
    requests: [u64; HOURS],
}

/// The fold.
struct Hours<'a> {
    clock: Clock<'a>,
    segment: Option<usize>,
    segments: Table<Segment>,
    last_at: Option<Micros>,
    by_segment: BySegment,
    claim: Claim,
}

impl<'a> Hours<'a> {
    fn new(call: &'a Call<'_>) -> Result<Self> {
        Ok(Hours {
            clock: call.clock()?,
            segment: call.column("segment"),
            segments: Table::default(),
            last_at: None,
            by_segment: BySegment::default(),
            claim: Claim::temporary(),
        })
    }

    fn rows(mut self, call: &Call<'_>, top: u64, rows: &mut dyn Rows) -> Result<()> {
        let Some(last_at) = self.last_at else { return Ok(()) };
        let last_at = last_at.max(call.end().saturating_sub(1));
        let mut segments = named(call, [None, None, self.segment], &self.segments, &mut self.claim)?;
        segments.sort_by_key(|segment| text_order(segment.texts[2]));
        for segment in segments {
            let Segment { first_at, users, requests } = segment.value;
            let begins = hour_begins(first_at.unwrap_or(last_at), last_at, |at| self.clock.segment(at))?;
            let rate = |hour: usize| (begins[hour] > 0).then(|| requests[hour] as f64 / begins[hour] as f64);
            for hour in 0..HOURS {
                let before = |&other: &usize| match (rate(other), rate(hour)) {
                    (Some(theirs), Some(ours)) => theirs > ours || theirs == ours && other < hour,
                    _ => false,
                };
                let rank = rate(hour).map(|_| 1 + (0..HOURS).filter(before).count() as u64);
                let is_peak = requests[hour] > 0 && rank.is_some_and(|rank| rank <= top);
                let shown = !call.hides(users[hour]);
                rows.row(&mut [
                    segment.texts[2].into(),
                    (hour as i32).into(),
                    shown.then_some(requests[hour]).into(),
                    begins[hour].into(),
                    rate(hour).filter(|_| shown).into(),
                    rank.filter(|_| shown).into(),
                    shown.then_some(is_peak).into(),
                ])?;
            }
        }
        Ok(())
    }
}

impl Fold for Hours<'_> {
    fn observe(&mut self, user: &Timeline<'_>) -> Result<()> {
        let Hours { clock, segment, segments, last_at, by_segment, claim } = self;
        *last_at = (*last_at).max(user.at.last().copied());
        by_segment.each(user, *segment, |code, requests| {
            let (_, found) = segments.entry([0, 0, code], claim)?;
            let first = requests.first().map(|&request| user.at[request as usize]);
            found.first_at = found.first_at.into_iter().chain(first).min();
            let mut seen = 0u32;
            for &request in requests {
                let local = clock.local(user.at[request as usize])?;
                let hour = (local.rem_euclid(DAY_MICROS) / (DAY_MICROS / 24)) as usize;
                found.requests[hour] += 1;
                seen |= 1 << hour;
            }
            found.users.iter_mut().enumerate().for_each(|(hour, users)| *users += u64::from(seen >> hour & 1));
            Ok(())
        })
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        self.last_at = self.last_at.max(other.last_at);
        let merged = self.segments.merge(other.segments, &mut self.claim, |ours, theirs, _| {
            ours.first_at = ours.first_at.into_iter().chain(theirs.first_at).min();
            ours.users.iter_mut().zip(theirs.users).for_each(|(ours, theirs)| *ours += theirs);
            ours.requests.iter_mut().zip(theirs.requests).for_each(|(ours, theirs)| *ours += theirs);
            Ok(())
        });
        merged.map(drop)
    }
}
