//! Retention from the requests of a log: from one event to another, by a clock of hours, of users who signed up, or of those
//! with enough requests. Definitions D53-D57.

use super::over_log::Segments;
use super::retention::{Clock, Cohorts, Question, Sight, Start};
use crate::base::calendar::{Micros, Window};
use crate::base::error::{Error, Result};
use crate::base::memory::Claim;
use crate::function::{Argument, BY_VALUE_FIRST, ByValue, Call, Clock as LocalClock, NO_DEFAULT, Role, Rows, Type};
use crate::history::{BySegment, Timeline};

/// The arguments that need the requests of a log.
pub(super) const START_EVENT: Argument = Argument {
    name: "start_event",
    kind: Type::Json,
    role: Role::Condition,
    default: NO_DEFAULT,
    about: "requests that make a user a member of a cohort, in the form of filter; by default every request",
};
pub(super) const RETURN_EVENT: Argument = Argument {
    name: "return_event",
    kind: Type::Json,
    role: Role::Condition,
    default: NO_DEFAULT,
    about: "requests that count as a return, in the form of filter; by default every request",
};
pub(super) const MIN_REQUESTS: Argument = Argument {
    name: "min_requests",
    kind: Type::Integer,
    role: Role::Value,
    default: "1",
    about: "the fewest returns in a period that make a user retained in it, from 1",
};
pub(super) const SIGNUPS: Argument = Argument {
    name: "signups",
    kind: Type::Relation,
    role: Role::Signups,
    default: NO_DEFAULT,
    about: "table or view of users and their signup times, with columns like those of a log: cohorts are those of the \
            signup, and users without a request are members too",
};
pub(super) const BY_VALUE: Argument = BY_VALUE_FIRST;

/// Reads the starts and the returns of users.
pub(super) struct Returns<'a> {
    call: &'a Call<'a>,
    clock: LocalClock<'a>,
    is_hours: bool,
    is_recurring: bool,
    end: Micros,
    window: Window,
    /// The columns of the segment and of the flags.
    segment: Option<usize>,
    start_event: Option<usize>,
    return_event: Option<usize>,
    signups: Option<usize>,
    starts: Vec<Start>,
    at: Vec<Micros>,
    points: Vec<i64>,
    claim: Claim,
}

/// The question of a call; an error if its arguments do not fit together.
pub(super) fn question(call: &Call<'_>) -> Result<Question> {
    let least = call.integer("min_requests").unwrap_or(1);
    let Some(least) = u64::try_from(least).ok().filter(|least| *least > 0) else {
        return call.refuse("min_requests", least, "a number of requests from 1");
    };
    let question = Question { least, ..Question::of(call)? };
    let (by_value, has_signups) = (call.by_value()?, call.is_given("signups"));
    if has_signups && call.is_given("start_event") {
        let accepted = "NULL with signups, which are the start".to_owned();
        return Err(Error::Argument { name: "start_event", given: "a condition".to_owned(), accepted });
    }
    if has_signups && call.by && by_value == ByValue::Each {
        return call.refuse("by_value", "each", "first or last with signups, which have no value of by");
    }
    Ok(question)
}

impl<'a> Returns<'a> {
    pub(super) fn of(call: &'a Call<'a>, question: &Question) -> Result<Self> {
        let last_at = call.history.and_then(crate::history::History::last_at);
        Ok(Returns {
            call,
            clock: call.clock()?,
            is_hours: matches!(question.clock, Clock::Hours(_)),
            is_recurring: question.recurring,
            end: call.end(),
            window: call.window(call.zone(), last_at)?,
            segment: call.column("segment"),
            start_event: call.column("start_event"),
            return_event: call.column("return_event"),
            signups: call.column("signups"),
            starts: Vec::new(),
            at: Vec::new(),
            points: Vec::new(),
            claim: Claim::temporary(),
        })
    }

    pub(super) fn columns(&self) -> [Option<usize>; 4] {
        [self.segment, self.start_event, self.return_event, self.signups]
    }

    pub(super) fn window(&self) -> &Window {
        &self.window
    }

    pub(super) fn sight(&self) -> Sight {
        match self.is_hours {
            true => Sight { elapsed: self.end, begun: self.end.saturating_sub(1) },
            false => Sight::of_days(&self.window),
        }
    }

    /// Adds a user's requests of a segment to its cohorts.
    pub(super) fn observe(&mut self, user: &Timeline<'_>, requests: &[u32], cohorts: &mut Cohorts<'_>) -> Result<()> {
        let Returns { clock, end, starts, at: returns, points, claim, .. } = self;
        let until = self.call.until.unwrap_or(Micros::MAX);
        let is_seen = |at: Micros| at <= *end && at < until;
        let is = |column: Option<usize>, row: usize| user.flag(column, row) == Some(true);
        starts.clear();
        returns.clear();
        points.clear();
        let mut reach = None::<(Micros, Micros)>;
        for row in requests.iter().map(|&row| row as usize).filter(|&row| is_seen(user.at[row])) {
            let at = user.at[row];
            reach = Some((reach.map_or(at, |(first, _)| first), at));
            if !is(self.signups, row) && (self.return_event.is_none() || is(self.return_event, row)) {
                claim.push(returns, at)?;
                claim.push(points, if self.is_hours { at } else { clock.day(at)?.into() })?;
            }
        }
        let Some((first, last)) = reach else { return Ok(()) };
        let last_point = if self.is_hours { last } else { clock.day(last)?.into() };
        let elapsed = if self.is_hours { *end } else { self.window.elapsed.into() };
        cohorts.saw(clock.day(first)?, last_point >= elapsed);
        for row in requests.iter().map(|&row| row as usize).filter(|&row| is_seen(user.at[row])) {
            let starts_here = match (self.signups, self.start_event) {
                (Some(_), _) => is(self.signups, row),
                (None, Some(_)) => is(self.start_event, row),
                (None, None) => true,
            };
            if !starts_here {
                continue;
            }
            let at = user.at[row];
            let day = clock.day(at)?;
            let point = if self.is_hours { at } else { day.into() };
            let from = returns.partition_point(|&back| back < at);
            claim.push(starts, Start { day, point, from, shown: self.call.since.is_none_or(|since| since <= at) })?;
            if !self.is_recurring || self.signups.is_some() {
                break;
            }
        }
        // If a clock is set back over midnight, a day recurs.
        if !points.is_sorted() || !starts.is_sorted_by_key(|start| start.point) {
            points.sort_unstable();
            starts.sort_unstable_by_key(|start| start.point);
            starts.iter_mut().for_each(|start| start.from = points.partition_point(|&point| point < start.point));
        }
        cohorts.observe(starts.iter().copied(), points)
    }
}

/// The rows of each segment's cohorts.
pub(super) fn run(
    call: &Call<'_>,
    rows: &mut dyn Rows,
    mut tell: impl FnMut(Cohorts<'_>, &Window, &mut dyn Rows) -> Result<()>,
) -> Result<()> {
    let question = question(call)?;
    if call.history.is_none() {
        return Ok(());
    }
    let mut returns = Returns::of(call, &question)?;
    let (columns, sight, window) = (returns.columns(), returns.sight(), *returns.window());
    let (mut by_segment, mut segments) = (BySegment::default(), Segments::default());
    call.each_user(&columns, |user| {
        by_segment.each(user, columns[0], |code, requests| {
            returns.observe(user, requests, segments.of(code, || Cohorts::new(&question, sight))?)
        })
    })?;
    segments.each(call, rows, |cohorts, rows| tell(cohorts, &window, rows))
}
