//! Session metrics: number, duration, depth, completion, and return within a day.
//!
//! What is not known yet is left out: a session that may still go on when observation ends is *open* and in no rate or mean,
//! and return within a day is computed only over sessions that ended at least a day before. Other tools count both as lost.
//! Definitions D15-D20, D70.

use super::busy::BusyOfValue;
use super::{Limits, Outcome, Session, View};
use crate::base::calendar::Span;
use crate::base::calendar::{Calendar, DAY_MICROS, Micros};
use crate::base::days::Day;
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::base::series::Series;
use crate::stats::quantile::quantile;

impl Session {
    /// Whether it may still go on at `end`.
    pub fn is_open(&self, limits: Limits, end: Micros) -> bool {
        self.end.saturating_add(limits.of(self.key)) >= end
    }

    /// `completed`, `abandoned` or `open`; `None` if the outcome of the last request is unknown.
    pub fn ending(&self, limits: Limits, end: Micros) -> Option<Ending> {
        match self.outcome {
            _ if self.is_open(limits, end) => Some(Ending::Open),
            Outcome::Succeeded => Some(Ending::Completed),
            Outcome::Failed => Some(Ending::Abandoned),
            Outcome::Unknown => None,
        }
    }
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Its last request succeeded.
    Completed,
    /// Its last request failed.
    Abandoned,
    /// It may still go on.
    Open,
}

impl Ending {
    /// Its name in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Ending::Completed => "completed",
            Ending::Abandoned => "abandoned",
            Ending::Open => "open",
        }
    }
}

/// The sessions of one period, or of all time. Means and rates are over closed sessions.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// First day of the period; `None` for all time.
    pub start: Option<Day>,
    /// Users with at least one of the sessions.
    pub users: u64,
    /// Sessions that began in the period.
    pub sessions: u64,
    /// Their requests.
    pub requests: u64,
    /// Open sessions.
    pub open: u64,
    /// Sessions whose last request succeeded.
    pub completed: u64,
    /// Sessions whose last request failed.
    pub abandoned: u64,
    /// Requests of closed sessions.
    closed_requests: u64,
    single: u64,
    engaged: u64,
    asked_back: u64,
    back: u64,
    abandoned_requests: u64,
    /// How long the sessions that are not open took together.
    pub duration: i128,
    /// For how much of that an answer was awaited; found by [`times`] only.
    pub busy: i128,
    durations: Vec<Micros>,
}

pub(super) fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl Stats {
    /// The result without a value: no periods, or for all time a row of zeros.
    pub fn of_nothing(calendar: Option<Calendar>) -> Vec<Stats> {
        calendar.is_none().then(Stats::default).into_iter().collect() // few: one
    }

    /// Closed sessions.
    pub fn closed(&self) -> u64 {
        self.sessions - self.open
    }

    /// Requests per session.
    pub fn requests_per_session(&self) -> Option<f64> {
        ratio(self.closed_requests, self.closed())
    }

    /// The mean duration in seconds.
    pub fn duration_mean(&self) -> Option<f64> {
        (!self.durations.is_empty()).then(|| self.duration as f64 / self.durations.len() as f64 / 1e6)
    }

    /// A quantile of the duration in seconds, see [`quantile`].
    pub fn duration_quantile(&mut self, share: f64) -> Option<f64> {
        quantile(&mut self.durations, share)
    }

    /// The share with a single request.
    pub fn single_request_share(&self) -> Option<f64> {
        ratio(self.single, self.closed())
    }

    /// The share with two or more requests that did not fail.
    pub fn engaged_rate(&self) -> Option<f64> {
        ratio(self.engaged, self.closed())
    }

    /// The share followed by another session of the user within a day, among those that ended at least a day before
    /// observation.
    pub fn returned_24h_rate(&self) -> Option<f64> {
        ratio(self.back, self.asked_back)
    }

    /// Whether there are sessions of known outcome, or none of unknown outcome.
    pub fn endings_known(&self) -> bool {
        self.closed() == 0 || self.completed + self.abandoned > 0
    }

    /// Completed sessions divided by those completed or abandoned.
    pub fn completion_rate(&self) -> Option<f64> {
        ratio(self.completed, self.completed + self.abandoned)
    }

    /// The mean number of requests of abandoned sessions.
    pub fn abandonment_point(&self) -> Option<f64> {
        ratio(self.abandoned_requests, self.abandoned)
    }

    fn count(&mut self, session: &Session, place: &Place<'_>, ending: Option<Ending>, claim: &mut Claim) -> Result<()> {
        let requests = u64::from(session.requests);
        self.sessions += 1;
        self.requests += requests;
        if ending == Some(Ending::Open) {
            self.open += 1;
            return Ok(());
        }
        self.closed_requests += requests;
        self.single += u64::from(session.requests == 1);
        self.engaged += u64::from(session.requests - session.errors >= 2);
        self.duration += i128::from(session.duration());
        self.busy += i128::from(place.busy);
        self.completed += u64::from(ending == Some(Ending::Completed));
        if ending == Some(Ending::Abandoned) {
            self.abandoned += 1;
            self.abandoned_requests += requests;
        }
        claim.push(&mut self.durations, session.duration())
    }
}

/// The sessions of all time in one row, or with a calendar those of each period of the local day on which they began,
/// without gaps: from the period of `since`, or of the first session if that is later, to that of the moment before
/// observation ends. With a calendar and without sessions there are no rows.
pub fn stats(
    view: &View<'_>,
    calendar: Option<Calendar>,
    span: &Span,
    day: impl FnMut(Micros) -> Result<Day>,
) -> Result<Vec<Stats>> {
    series(view, None, calendar, span, day)
}

/// As [`stats`], with busy time. It is computed from a second value of the same requests, whose limits are
/// [`UNDER_WAY`](super::UNDER_WAY).
pub fn times(
    view: &View<'_>,
    busy: &View<'_>,
    calendar: Option<Calendar>,
    span: &Span,
    day: impl FnMut(Micros) -> Result<Day>,
) -> Result<Vec<Stats>> {
    series(view, Some(busy), calendar, span, day)
}

fn series(
    view: &View<'_>,
    busy: Option<&View<'_>>,
    calendar: Option<Calendar>,
    span: &Span,
    mut day: impl FnMut(Micros) -> Result<Day>,
) -> Result<Vec<Stats>> {
    let mut claim = Claim::temporary();
    let Some(calendar) = calendar else {
        let mut all = Stats::default();
        each_shown(view, busy, span, |session, place| {
            all.users += u64::from(place.is_first);
            let ending = session.ending(view.rules(), span.end);
            all.count(session, place, ending, &mut claim)?;
            place.count_return(&mut all, session, ending, span);
            Ok(())
        })?;
        return Ok(vec![all]);
    };
    let (mut first, mut last) = (None, None);
    view.each_session(|_, sessions| {
        let begun = sessions.iter().take_while(|session| session.start <= span.end);
        first = first.into_iter().chain(begun.clone().map(|session| session.start)).min();
        last = last
            .into_iter()
            .chain(begun.filter(|session| span.shows(session.start)).map(|session| session.start))
            .max();
        Ok(())
    })?;
    let Some(days) = days_shown(first, last, span, &mut day)? else { return Ok(Vec::new()) };
    let mut series = Series::<Stats>::new(calendar, days)?;
    let mut counted = None;
    each_shown(view, busy, span, |session, place| {
        let index = series.index(day(session.start)?)?;
        let Some(stats) = series.at(index) else { return Ok(()) };
        // A user's sessions come in order of their starts.
        stats.users += u64::from(place.is_first || counted != Some(index));
        counted = Some(index);
        let ending = session.ending(view.rules(), span.end);
        stats.count(session, place, ending, &mut claim)?;
        place.count_return(stats, session, ending, span);
        Ok(())
    })?;
    series.into_rows(|period, stats| Stats { start: Some(period.start), ..stats })
}

/// The first and the last local day to report, given the start of the first session and that of the last one shown: from
/// `since` if a session began before it, otherwise from the first session, to the moment before observation ends, or the last
/// session shown.
pub(super) fn days_shown(
    first: Option<Micros>,
    last: Option<Micros>,
    span: &Span,
    mut day: impl FnMut(Micros) -> Result<Day>,
) -> Result<Option<(Day, Day)>> {
    let first = first.map(|first| first.max(span.since.unwrap_or(first)));
    let Some(first) = first.filter(|&first| first <= span.end) else { return Ok(None) };
    let end = span.end.saturating_sub(1);
    let (first, last) = (day(first)?, day(last.map_or(end, |last| last.max(end)))?);
    Ok((first <= last).then_some((first, last)))
}

/// A session in the context of its user's sessions.
struct Place<'a> {
    /// Whether it is the user's first one shown.
    is_first: bool,
    /// The user's sessions from this one on.
    from_here: &'a [Session],
    /// Its busy time; 0 if it is not computed.
    busy: Micros,
}

impl Place<'_> {
    fn count_return(&self, stats: &mut Stats, session: &Session, ending: Option<Ending>, span: &Span) {
        let day_later = session.end.saturating_add(DAY_MICROS);
        if ending == Some(Ending::Open) || day_later > span.end {
            return;
        }
        let next = self.from_here.partition_point(|other| other.start <= session.end);
        stats.asked_back += 1;
        let is_back = |other: &Session| other.start <= day_later && span.until.is_none_or(|until| other.start < until);
        stats.back += u64::from(self.from_here.get(next).is_some_and(is_back));
    }
}

fn each_shown(
    view: &View<'_>,
    busy: Option<&View<'_>>,
    span: &Span,
    mut visit: impl FnMut(&Session, &Place<'_>) -> Result<()>,
) -> Result<()> {
    let mut busy = busy.map(BusyOfValue::open).transpose()?;
    view.each_session(|user, sessions| {
        let mut is_first = true;
        let busy = busy.as_mut().map(|busy| busy.of(user, sessions)).transpose()?;
        for (i, session) in sessions.iter().enumerate().filter(|(_, session)| span.shows(session.start)) {
            let busy = busy.and_then(|busy| busy.get(i)).copied().unwrap_or(0);
            visit(session, &Place { is_first, from_here: &sessions[i..], busy })?;
            is_first = false;
        }
        Ok(())
    })
}

/// The sessions to show with their numbers among their user's, user by user.
pub fn list(view: &View<'_>, span: &Span) -> Result<Vec<(u64, Session)>> {
    let (mut claim, mut listed) = (Claim::temporary(), Vec::new());
    view.each_session(|_, sessions| {
        let mut numbered = (1..).zip(sessions).filter(|(_, session)| span.shows(session.start));
        numbered.try_for_each(|(number, session)| claim.push(&mut listed, (number, *session)))
    })?;
    Ok(listed)
}
