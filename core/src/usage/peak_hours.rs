//! `peak_hours`: requests in each hour of the local clock, per occurrence of the hour. Definition D11.

use crate::base::calendar::{DAY_MICROS, Micros, Period};
use crate::base::error::Result;
use crate::base::hours::hour_begins;
use crate::base::memory::Claim;
use crate::function::{
    Argument, ByPeriod, COMPLETE, Call, Clock, Function, PERIOD, PERIOD_START, Past, Reads, Requests, Role, Rows, Type,
    column,
};
use crate::function::{named, text_order};
use crate::history::{BySegment, Fold, Table, Timeline};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "peak_hours",
    path: "usage::peak_hours",
    example: "",
    summary: "requests in each hour of the local clock, per occurrence of the hour, and the peak hours, of all time or of \
              each period",
    arguments: &[
        Argument {
            name: "top",
            kind: Type::Integer,
            role: Role::Value,
            default: "3",
            about: "number of peak hours, from 1 to 24",
        },
        PERIOD,
    ],
    columns: &[
        PERIOD_START,
        COMPLETE,
        column("hour", Type::Integer, "hour of the local clock, 0 to 23"),
        column("requests", Type::Bigint, "requests in the hour"),
        column(
            "hour_occurrences",
            Type::Bigint,
            "occurrences of the hour from the segment's first request to the end of observation, of the period only",
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
    users: [u64; HOURS],
    requests: [u64; HOURS],
}

/// The fold.
struct Hours<'a> {
    clock: Clock<'a>,
    by_period: ByPeriod,
    segment: Option<usize>,
    /// By period and segment.
    segments: Table<Segment>,
    last_at: Option<Micros>,
    by_segment: BySegment,
    claim: Claim,
}

impl<'a> Hours<'a> {
    fn new(call: &'a Call<'_>) -> Result<Self> {
        Ok(Hours {
            clock: call.clock()?,
            by_period: ByPeriod::of(call)?,
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
        let window = call.window_of_history()?;
        let mut segments = named(call, [None, None, self.segment], &self.segments, &mut self.claim)?;
        segments.sort_by_key(|segment| (text_order(segment.texts[2]), ByPeriod::order(segment.codes[1])));
        for segment in segments {
            let ([_, period, code], Segment { users, requests }) = (segment.codes, segment.value);
            let of_period = self.by_period.cells([period, code], &window, &mut self.clock)?;
            let first_at = self.by_period.first_at(code).unwrap_or(last_at);
            let (from, to) = match self.by_period.period(period)? {
                None => (first_at, last_at),
                Some(Period { start, end, .. }) => {
                    let (from, next) = (self.clock.midnight(start)?, self.clock.midnight(end)?);
                    (first_at.max(from), last_at.min(next.saturating_sub(1)))
                }
            };
            let begins = hour_begins(from.min(to), to, |at| self.clock.segment(at))?;
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
                    of_period[0],
                    of_period[1],
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
        let Hours { clock, by_period, segment, segments, last_at, by_segment, claim } = self;
        *last_at = (*last_at).max(user.at.last().copied());
        by_segment.each(user, *segment, |code, requests| {
            if let Some(&first) = requests.first() {
                by_period.begin(code, user.at[first as usize], claim)?;
            }
            for (period, requests) in by_period.parts(user, requests, clock)? {
                let (_, found) = segments.entry([0, period, code], claim)?;
                let mut seen = 0u32;
                for &request in requests {
                    let local = clock.local(user.at[request as usize])?;
                    let hour = (local.rem_euclid(DAY_MICROS) / (DAY_MICROS / 24)) as usize;
                    found.requests[hour] += 1;
                    seen |= 1 << hour;
                }
                found.users.iter_mut().enumerate().for_each(|(hour, users)| *users += u64::from(seen >> hour & 1));
            }
            Ok(())
        })
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        self.last_at = self.last_at.max(other.last_at);
        self.by_period.merge(other.by_period, &mut self.claim)?;
        let merged = self.segments.merge(other.segments, &mut self.claim, |ours, theirs, _| {
            ours.users.iter_mut().zip(theirs.users).for_each(|(ours, theirs)| *ours += theirs);
            ours.requests.iter_mut().zip(theirs.requests).for_each(|(ours, theirs)| *ours += theirs);
            Ok(())
        });
        merged.map(drop)
    }
}
