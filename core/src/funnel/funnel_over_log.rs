//! `funnel`: how many users reached each step. Definition D47.

use super::by_value::{at_step, step_given};
use super::funnel_steps::{COLUMNS, figures};
use super::readout::{count, count_course, finish, finish_course, merge};
use super::way::{ARGUMENTS, Way};
use super::{Event, Journey, Matcher, Step};
use crate::base::calendar::{Calendar, Micros, has_elapsed};
use crate::base::error::Result;
use crate::base::memory::{self, Claim};
use crate::function::{
    Argument, BY_VALUE_STEP, Call, Cell, Clock, Column, Function, NO_DEFAULT, Past, Reads, Requests, Role, Rows, Type,
    column,
};
use crate::history::{BySegment, Fold, History, Table, Timeline};

const PERIOD: Argument = Argument {
    name: "period",
    kind: Type::Text,
    role: Role::Value,
    default: NO_DEFAULT,
    about: "day, week, month, quarter or year: one funnel for the users who enter in each; by default one for all time",
};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "funnel",
    path: "funnel::funnel_over_log",
    example: "'[{\"filter\": {\"feature\": \"chat\"}}, {\"filter\": {\"feature\": \"code\"}}]'",
    summary: "conversion funnel: users who reached each step, their share of those who reached the previous and the \
              first step, users who dropped out before it, users who are not eligible because their window has not elapsed, \
              and time between steps",
    arguments: &[ARGUMENTS[0], ARGUMENTS[1], ARGUMENTS[2], ARGUMENTS[3], ARGUMENTS[4], PERIOD, BY_VALUE_STEP],
    columns: &OVER_LOG,
    reads: Reads::Requests(&Requests { past: Past::Nothing, columns: &[], needed: &[], names: false }),
    segmented: true,
    scalar: false,
    zoned: true,
    rows: 10,
    run,
};

const OF_PERIOD: [Column; 2] = [
    column("period_start", Type::Date, "first local day of the period in which users entered; NULL for all time"),
    column(
        "complete",
        Type::Boolean,
        "whether all who entered in the period are counted and eligible: it has elapsed, and a window after it, and is cut \
         neither by since or until nor by the beginning of the log; NULL for all time",
    ),
];

/// The columns of a period and of a step.
const OVER_LOG: [Column; COLUMNS.len() + OF_PERIOD.len()] = {
    let mut columns = [OF_PERIOD[0]; COLUMNS.len() + OF_PERIOD.len()];
    let mut n = 1;
    while n < columns.len() {
        columns[n] = if n < OF_PERIOD.len() { OF_PERIOD[n] } else { COLUMNS[n - OF_PERIOD.len()] };
        n += 1;
    }
    columns
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let segment = call.column("segment");
    let calendar = call.periods("period")?;
    let make = || {
        let way = Way::given(call)?;
        let step = step_given(call, &way)?;
        let (matcher, clock) = (way.matcher(call)?, call.clock()?);
        let end = call.end_of_following(call.history.and_then(History::last_at));
        let optional = way.has_terms().then(|| way.optional());
        Ok(Reached {
            call,
            way,
            step,
            steps: Steps {
                matcher,
                clock,
                calendar,
                until: call.until,
                optional,
                segments: Table::default(),
                claim: Claim::temporary(),
            },
            segment,
            began: None,
            end,
            by_segment: BySegment::default(),
        })
    };
    let columns = [make()?.way.columns(), vec![segment]].concat();
    let Reached { way, steps: Steps { segments, mut clock, mut claim, .. }, began, end, .. } =
        call.fold(&columns, make)?;
    let began = began.map(|began| clock.day(began)).transpose()?;
    let mut found = Vec::new();
    claim.reserve(&mut found, segments.len() + 1)?;
    found.extend(
        segments
            .into_values()
            .map(|([_, period, segment], steps)| (call.text_of(call.column("segment"), segment), period as i32, steps)),
    );
    found.sort_unstable_by_key(|&(segment, period, _)| (segment.is_none(), segment, period));
    if found.is_empty() && !call.by && calendar.is_none() {
        // few: steps of an argument
        found.push((None, 0, vec![Step::default(); way.names.len()]));
    }
    for (segment, period, mut steps) in found {
        if way.has_terms() {
            finish_course(&mut steps)
        } else {
            finish(&mut steps)
        }
        let (mut start, mut complete) = (Cell::Null, Cell::Null);
        if let Some(calendar) = calendar {
            let period = calendar.numbered(period)?;
            let [from, to] = [clock.midnight(period.start)?, clock.midnight(period.end)?];
            start = Cell::Date(period.start);
            complete = Cell::Boolean(
                call.since.is_none_or(|since| since <= from)
                    && call.until.is_none_or(|until| to <= until)
                    && began.is_some_and(|began| began <= period.start)
                    && has_elapsed(to.saturating_sub(1), way.rules.window, end),
            );
        }
        let mut shown = true;
        for ((number, name), step) in (1i32..).zip(&way.names).zip(steps) {
            let mut cells = [Cell::Null; 16];
            cells[..3].copy_from_slice(&[segment.into(), start, complete]);
            cells[3..].copy_from_slice(&figures(call, &mut shown, number, name, step));
            rows.row(&mut cells)?;
        }
    }
    Ok(())
}

/// The fold.
struct Reached<'a> {
    call: &'a Call<'a>,
    way: Way,
    /// The step whose value of `by` counts, if it is that of a step.
    step: Option<usize>,
    steps: Steps<'a>,
    segment: Option<usize>,
    /// The first request of any user.
    began: Option<Micros>,
    /// The end of observation.
    end: Micros,
    by_segment: BySegment,
}

/// The steps of each period and segment in which users entered.
struct Steps<'a> {
    matcher: Matcher,
    clock: Clock<'a>,
    calendar: Option<Calendar>,
    until: Option<Micros>,
    /// The steps that may be skipped, if steps have conditions of their own.
    optional: Option<u64>,
    segments: Table<Vec<Step>>,
    claim: Claim,
}

impl Steps<'_> {
    /// Counts a user under the segment of each of their journeys: one, or one for each period in which they enter.
    fn observe(&mut self, events: &[Event], steps: usize, segment: impl Fn(&Journey) -> u32) -> Result<()> {
        let Steps { matcher, clock, calendar, until, optional, segments, claim } = self;
        let mut add = |period: i32, journey: &Journey| {
            let (_, counts) = segments.entry([0, period as u32, segment(journey)], claim)?;
            claim.extend_to(counts, steps)?;
            match *optional {
                None => count(counts, journey, claim),
                Some(optional) => count_course(counts, journey, optional, claim),
            }
        };
        let until = until.unwrap_or(Micros::MAX);
        matcher.enter_until(until);
        if !events.first().is_some_and(|first| matcher.enters(first.at)) {
            return Ok(());
        }
        let Some(calendar) = calendar else { return add(0, matcher.journey(events)?) };
        let mut rest = events;
        while let Some(entry) = matcher.entry(rest) {
            memory::poll();
            let period = calendar.period(clock.day(entry)?)?;
            let [start, end] = [clock.midnight(period.start)?, clock.midnight(period.end)?];
            // Where clocks are set back over midnight, a day has begun before it.
            let (start, end) = (start.min(entry), end.max(entry.saturating_add(1)));
            let from = events.partition_point(|event| event.at < start);
            matcher.enter_until(until.min(end));
            add(period.index, matcher.journey(&events[from..])?)?;
            rest = &events[events.partition_point(|event| event.at < end)..];
            matcher.enter_until(until);
        }
        Ok(())
    }
}

impl Fold for Reached<'_> {
    fn observe(&mut self, user: &Timeline<'_>) -> Result<()> {
        let Reached { call, way, step, steps, segment, began, by_segment, .. } = self;
        let first = user.at.first().copied();
        *began = began.map_or(first, |began| Some(first.map_or(began, |first| began.min(first))));
        way.look(user)?;
        let n = way.rules.steps;
        let Some(step) = step.filter(|_| segment.is_some()) else {
            return by_segment.each(user, *segment, |segment, requests| {
                way.gather(user, requests.iter().map(|&request| request as usize))?;
                steps.observe(&way.events, n, |_| segment)
            });
        };
        way.gather(user, 0..user.at.len())?;
        steps.observe(&way.events, n, |journey| at_step(call, user, *segment, &way.marks, journey, step))
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        let most = self.way.rules.steps;
        self.began = [self.began, other.began].into_iter().flatten().min();
        self.steps.segments.merge(other.steps.segments, &mut self.steps.claim, |ours, theirs, claim| {
            claim.extend_to(ours, most)?;
            merge(ours, theirs, claim)
        })?;
        Ok(())
    }
}
