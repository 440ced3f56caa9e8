//! `session_time`: the time of sessions, divided into active and away time, and active time into busy time, in which at least
//! one answer is awaited, and think time. Definition D16.

pub mod of_value;

use super::stats::days_shown;
use super::time::{Grouped, Time, Times as UserTimes};
use super::{Limits, Session, of_requests, request};
use crate::base::calendar::{Calendar, Micros, Periods, Span};
use crate::base::days::Day;
use crate::base::error::{Error, Result};
use crate::base::memory::{self, Claim};
use crate::function::{
    Argument, Call, Cell, Clock, Column, Function, PERIOD, Past, Reads, Requests, Rows, SESSION_LIMITS, Type, column,
    column_about, named, text_order,
};
use crate::history::{BySegment, Fold, History, Table, Timeline};

const ABOUT: &[&str] = &["users"];
const SUMMARY: &str = "breakdown of the time of closed sessions: away in pauses above session_gap, or active; and active time \
                       into busy time, in which at least one answer is awaited, and think time, which is the rest";
const ARGUMENTS: [Argument; 3] = [PERIOD, SESSION_LIMITS[0], SESSION_LIMITS[1]];
const COLUMNS: [Column; 11] = [
    column("period_start", Type::Date, "first local day of the period; NULL for all time"),
    column_about(ABOUT, "users", Type::Bigint, "users with at least one session that started in the period"),
    column_about(ABOUT, "sessions", Type::Bigint, "closed sessions that started in the period"),
    column_about(
        ABOUT,
        "span_seconds",
        Type::Double,
        "time from their first requests to the ends of their last answers; what sessions of a user share counts once, \
         here and in the following columns",
    ),
    column_about(ABOUT, "active_seconds", Type::Double, "the same without pauses above session_gap"),
    column_about(ABOUT, "away_seconds", Type::Double, "span_seconds less active_seconds"),
    column_about(ABOUT, "busy_seconds", Type::Double, "active time in which at least one answer was awaited"),
    column_about(ABOUT, "think_seconds", Type::Double, "active_seconds less busy_seconds"),
    column_about(ABOUT, "busy_share", Type::Double, "busy_seconds / active_seconds, 0 to 1"),
    column_about(ABOUT, "busy_mean_seconds", Type::Double, "mean busy time per session"),
    column_about(ABOUT, "think_mean_seconds", Type::Double, "mean think time per session"),
];

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "session_time",
    path: "sessions::session_time",
    example: "",
    summary: SUMMARY,
    arguments: &ARGUMENTS,
    columns: &COLUMNS,
    // Without latency no request would ever be in progress.
    reads: Reads::Requests(&Requests {
        past: Past::Lookback,
        columns: &["session_id"],
        needed: &["latency_ms"],
        names: false,
    }),
    segmented: true,
    scalar: false,
    zoned: true,
    rows: 60,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let terms = Terms::of(call)?;
    let columns = ["segment", "session_id", "latency_ms"].map(|name| call.column(name));
    call.fold(&columns, || Times::new(call, &terms, columns))?.rows(call, rows)
}

/// The times of the sessions of one period, or of all time.
#[derive(Clone, Debug, Default)]
struct Total {
    users: u64,
    /// Closed sessions, over which times are computed.
    closed: u64,
    time: Time,
}

impl Total {
    fn add(&mut self, other: &Total) {
        self.users += other.users;
        self.closed += other.closed;
        self.time.add(&other.time);
    }

    /// The cells of a row; busy time is NULL if it is unknown.
    fn cells(&self, start: Option<Day>, is_busy_known: bool) -> [Cell<'static>; 11] {
        let Time { span, active, busy } = self.time;
        let seconds = |micros: i128| micros as f64 / 1e6;
        let known = |value: f64| Cell::from(Some(value).filter(|_| is_busy_known));
        let mean = |sum: i128| (self.closed > 0).then(|| seconds(sum) / self.closed as f64).map_or(Cell::Null, known);
        let share = (active > 0).then(|| busy as f64 / active as f64);
        let think = active - busy;
        [
            start.map_or(Cell::Null, Cell::Date),
            self.users.into(),
            self.closed.into(),
            seconds(span).into(),
            seconds(active).into(),
            seconds(span - active).into(),
            known(seconds(busy)),
            known(seconds(think)),
            share.map_or(Cell::Null, known),
            mean(busy),
            mean(think),
        ]
    }
}

/// The parameters.
#[derive(Debug)]
struct Terms {
    limits: Limits,
    calendar: Option<Calendar>,
    span: Span,
}

impl Terms {
    /// The terms of a call, or an error for an invalid argument.
    fn of(call: &Call<'_>) -> Result<Self> {
        Ok(Terms {
            limits: Limits::given(call)?,
            calendar: call.periods("period")?,
            span: call.span(call.history.and_then(History::last_at)),
        })
    }
}

/// The first and the last start among the sessions of a segment, which determine the periods with a row.
#[derive(Clone, Copy, Debug, Default)]
struct Reach {
    first: Option<Micros>,
    last: Option<Micros>,
}

/// The fold.
struct Times<'a> {
    terms: &'a Terms,
    clock: Clock<'a>,
    segment: Option<usize>,
    /// The columns of session id and latency.
    columns: [Option<usize>; 2],
    /// By segment.
    reaches: Table<Reach>,
    /// By segment and the index of the period, as its bits; 0 without periods.
    totals: Table<Total>,
    by_segment: BySegment,
    periods: Option<Periods>,
    times: UserTimes,
    groups: Vec<Option<i32>>,
    parts: Vec<Session>,
    sessions: Vec<Session>,
    claim: Claim,
}

impl<'a> Times<'a> {
    fn new(call: &'a Call<'_>, terms: &'a Terms, [segment, columns @ ..]: [Option<usize>; 3]) -> Result<Self> {
        Ok(Times {
            terms,
            clock: call.clock()?,
            segment,
            columns,
            reaches: Table::default(),
            totals: Table::default(),
            by_segment: BySegment::default(),
            periods: terms.calendar.map(Periods::new),
            times: UserTimes::default(),
            groups: Vec::new(),
            parts: Vec::new(),
            sessions: Vec::new(),
            claim: Claim::temporary(),
        })
    }

    fn rows(mut self, call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
        if !call.by {
            // Without segments there is always a row, even without users.
            self.reaches.entry([0, 0, 0], &mut self.claim)?;
        }
        let mut segments = named(call, [None, None, self.segment], &self.reaches, &mut self.claim)?;
        segments.sort_unstable_by(|a, b| text_order(a.texts[2]).cmp(&text_order(b.texts[2])));
        for segment in segments {
            let mut row = |start, period| {
                let total = self.totals.find([0, period, segment.codes[2]]).cloned().unwrap_or_default();
                let mut cells = [Cell::Null; 12];
                cells[0] = segment.texts[2].into();
                cells[1..].copy_from_slice(&total.cells(start, true));
                rows.row(&mut cells)
            };
            let Some(calendar) = self.terms.calendar else {
                row(None, 0)?;
                continue;
            };
            let Reach { first, last } = *segment.value;
            let days = days_shown(first, last, &self.terms.span, |at| self.clock.day(at))?;
            let Some((first, last)) = days else { continue };
            for period in calendar.period(first)?.index..=calendar.period(last)?.index {
                memory::poll();
                row(Some(calendar.numbered(period)?.start), period as u32)?;
            }
        }
        Ok(())
    }
}

impl Fold for Times<'_> {
    fn observe(&mut self, user: &Timeline<'_>) -> Result<()> {
        let Times { terms, clock, columns, reaches, totals, by_segment, periods, .. } = self;
        let (times, groups, parts) = (&mut self.times, &mut self.groups, &mut self.parts);
        let (sessions, claim) = (&mut self.sessions, &mut self.claim);
        let [session_id, latency] = *columns;
        let request = request(user, [session_id, latency, None]);
        by_segment.each(user, self.segment, |code, requests| {
            let requests = || requests.iter().map(|&number| request(number as usize));
            of_requests(requests(), terms.limits, parts, sessions, claim)?;
            let (_, reach) = reaches.entry([0, 0, code], claim)?;
            let mut counted = None;
            groups.clear();
            claim.reserve(groups, sessions.len())?;
            groups.resize(sessions.len(), None);
            for (session, group) in sessions.iter().zip(&mut *groups) {
                if session.start > terms.span.end {
                    continue;
                }
                reach.first = reach.first.into_iter().chain([session.start]).min();
                if !terms.span.shows(session.start) {
                    continue;
                }
                reach.last = reach.last.max(Some(session.start));
                let index = match periods {
                    None => 0,
                    Some(periods) => periods.of(clock.day(session.start)?)?.index,
                };
                let (_, total) = totals.entry([0, index as u32, code], claim)?;
                // Sessions come by start.
                total.users += u64::from(counted.replace(index) != Some(index));
                if !session.is_open(terms.limits, terms.span.end) {
                    total.closed += 1;
                    *group = Some(index);
                }
            }
            let of = Grouped { sessions, groups, parts };
            let are_theirs = times.of(of, Some(requests()), |index, time| {
                totals.entry([0, index as u32, code], claim)?.1.time.add(&time);
                Ok(())
            })?;
            if are_theirs { Ok(()) } else { Err(Error::Corrupt { what: "a request in none of its user's sessions" }) }
        })
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        self.reaches.merge(other.reaches, &mut self.claim, |ours, theirs, _| {
            ours.first = ours.first.into_iter().chain(theirs.first).min();
            ours.last = ours.last.max(theirs.last);
            Ok(())
        })?;
        self.totals.merge(other.totals, &mut self.claim, |ours, theirs, _| {
            ours.add(&theirs);
            Ok(())
        })?;
        Ok(())
    }
}
