//! Session metrics: number, duration, depth, completion, and return within a day.
//!
//! What is not known yet is left out: a session that may still go on when observation ends is *open* and in no rate or mean,
//! and return within a day is computed only over sessions that ended at least a day before. Other tools count both as lost.
//! Definitions D15-D20, D70.

use super::time::{Grouped, Time, Times, UnderWay, refuse_others};
use super::visits::visits;
use super::{Limits, Outcome, Session, View};
use crate::base::calendar::Span;
use crate::base::calendar::{Calendar, DAY_MICROS, Micros};
use crate::base::days::Day;
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::base::series::Series;
use crate::base::state::State;
use crate::stats::quantile::quantile;
use crate::survival::{Curve, Survival};

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
    /// How long the sessions that are not open took together; found by [`times`] only.
    pub time: Time,
    /// The active time of closed sessions.
    active: i128,
    actives: Vec<Micros>,
    span: i128,
    /// The time from the end of each closed visit to the next, and whether there was one.
    waits: Vec<(Micros, bool)>,
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

    fn mean_seconds(&self, sum: i128) -> Option<f64> {
        (!self.actives.is_empty()).then(|| sum as f64 / self.actives.len() as f64 / 1e6)
    }

    /// The mean active time in seconds.
    pub fn active_mean(&self) -> Option<f64> {
        self.mean_seconds(self.active)
    }

    /// A quantile of the active time in seconds, see [`quantile`].
    pub fn active_quantile(&mut self, share: f64) -> Option<f64> {
        quantile(&mut self.actives, share)
    }

    /// The mean time from start to end in seconds.
    pub fn span_mean(&self) -> Option<f64> {
        self.mean_seconds(self.span)
    }

    /// The times from the end of a visit within which the given shares of visits are followed by another, in seconds, by
    /// Kaplan-Meier: a visit not followed by another yet is censored. `None` where observation ends before.
    pub fn returns<const N: usize>(&self, shares: [f64; N]) -> Result<[Option<f64>; N]> {
        let mut survival = Survival::new();
        self.waits.iter().try_for_each(|&(wait, is_over)| survival.observe(wait as f64 / 1e6, is_over))?;
        survival.settle()?;
        let curve = Curve::new(&survival, 0.95)?;
        let mut found = [None; N];
        for (found, share) in found.iter_mut().zip(shares) {
            *found = curve.quantile("quantile", share)?.seconds;
        }
        Ok(found)
    }

    /// The share with a single request.
    pub fn single_request_share(&self) -> Option<f64> {
        ratio(self.single, self.closed())
    }

    /// The share with two or more requests that did not fail.
    pub fn engaged_rate(&self) -> Option<f64> {
        ratio(self.engaged, self.closed())
    }

    /// The share after which the user came back within a day, among sessions that ended at least a day before observation.
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

    fn count(&mut self, session: &Session, ending: Option<Ending>, claim: &mut Claim) -> Result<()> {
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
        self.active += i128::from(session.active());
        self.span += i128::from(session.span());
        self.completed += u64::from(ending == Some(Ending::Completed));
        if ending == Some(Ending::Abandoned) {
            self.abandoned += 1;
            self.abandoned_requests += requests;
        }
        claim.push(&mut self.actives, session.active())
    }

    /// Counts whether the user came back within a day after a session; `returns` are the starts of sessions that begin a
    /// visit.
    fn count_return(&mut self, returns: &[Micros], session: &Session, ending: Option<Ending>, span: &Span) {
        let day_later = session.end.saturating_add(DAY_MICROS);
        if ending == Some(Ending::Open) || day_later > span.end {
            return;
        }
        let next = returns.partition_point(|start| *start <= session.end);
        let is_back = |start: &Micros| *start <= day_later && span.until.is_none_or(|until| *start < until);
        self.asked_back += 1;
        self.back += u64::from(returns.get(next).is_some_and(is_back));
    }

    /// Counts the time from the end of a visit that is over to the start of the next, or to the end of observation.
    fn count_wait(&mut self, end: Micros, next: Option<Micros>, observed: Micros, claim: &mut Claim) -> Result<()> {
        claim.push(&mut self.waits, (next.unwrap_or(observed).saturating_sub(end), next.is_some()))
    }
}

/// The sessions of all time in one row, or with a calendar those of each period of the local day on which they began,
/// without gaps: from the period of `since`, or of the first session if that is later, to that of the moment before
/// observation ends. With a calendar and without sessions there are no rows.
pub fn stats(
    view: &View<'_>,
    calendar: Option<Calendar>,
    span: &Span,
    mut day: impl FnMut(Micros) -> Result<Day>,
) -> Result<Vec<Stats>> {
    let mut rows = Periods::of(view, calendar, span, &mut day)?;
    let (mut claim, mut all, mut returns) = (Claim::temporary(), Vec::new(), Vec::new());
    view.each_with_parts(|_, parts, sessions| {
        visits(parts, view.rules().gap, &mut all, &mut claim)?;
        returns.clear();
        if returns.capacity() < all.len() {
            claim.reserve(&mut returns, all.len().next_power_of_two())?;
        }
        // A visit that goes on with an earlier session begins none.
        let begins_one = |start: &Micros| sessions.binary_search_by_key(start, |session| session.start).is_ok();
        returns.extend(all.iter().map(|(start, _)| *start).filter(begins_one));
        rows.count(sessions, view.rules(), span, &mut day, |stats, session, ending| {
            stats.count_return(&returns, session, ending, span);
        })?;
        for (n, &(start, end)) in all.iter().enumerate() {
            if !span.shows(start) || end.saturating_add(view.rules().gap) >= span.end {
                continue;
            }
            let next = all.get(n + 1).map(|(start, _)| *start);
            let next = next.filter(|next| *next <= span.end && span.until.is_none_or(|until| *next < until));
            if let Some(stats) = rows.at(start, &mut day)?.1 {
                stats.count_wait(end, next, span.end, &mut claim)?;
            }
        }
        Ok(())
    })?;
    rows.into_rows()
}

/// As [`stats`], with the time that sessions took, and without returns. Busy time is computed from a second value of the same
/// requests, whose limits are [`UNDER_WAY`](super::UNDER_WAY); without it, it is 0.
pub fn times(
    view: &View<'_>,
    busy: Option<&View<'_>>,
    calendar: Option<Calendar>,
    span: &Span,
    mut day: impl FnMut(Micros) -> Result<Day>,
) -> Result<Vec<Stats>> {
    let mut rows = Periods::of(view, calendar, span, &mut day)?;
    let mut under_way = busy.map(UnderWay::open).transpose()?;
    let (mut claim, mut groups, mut times) = (Claim::temporary(), Vec::new(), Times::default());
    view.each_with_parts(|user, parts, sessions| {
        rows.count(sessions, view.rules(), span, &mut day, |_, _, _| ())?;
        groups.clear();
        claim.reserve(&mut groups, sessions.len())?;
        for session in sessions {
            let is_counted = span.shows(session.start) && !session.is_open(view.rules(), span.end);
            groups.push(if is_counted { Some(rows.at(session.start, &mut day)?.0) } else { None });
        }
        let requests = under_way.as_mut().map(|busy| busy.of(user)).transpose()?;
        let of = Grouped { sessions, groups: &groups, parts };
        let are_theirs = times.of(of, requests.map(|parts| parts.iter().copied()), |index, time| {
            if let Some(stats) = rows.numbered(index) {
                stats.time.add(&time);
            }
            Ok(())
        })?;
        if are_theirs { Ok(()) } else { refuse_others() }
    })?;
    rows.into_rows()
}

/// The row of all time, or those of periods.
enum Periods {
    All(Box<Stats>, Claim),
    Each(Series<Stats>, Claim),
    None,
}

impl Periods {
    fn of(
        view: &View<'_>,
        calendar: Option<Calendar>,
        span: &Span,
        mut day: impl FnMut(Micros) -> Result<Day>,
    ) -> Result<Self> {
        let Some(calendar) = calendar else { return Ok(Periods::All(Box::default(), Claim::temporary())) };
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
        Ok(match days_shown(first, last, span, &mut day)? {
            Some(days) => Periods::Each(Series::new(calendar, days)?, Claim::temporary()),
            None => Periods::None,
        })
    }

    /// The row of an instant, and its index.
    fn at(&mut self, at: Micros, mut day: impl FnMut(Micros) -> Result<Day>) -> Result<(i32, Option<&mut Stats>)> {
        let index = match self {
            Periods::Each(series, _) => series.index(day(at)?)?,
            _ => 0,
        };
        Ok((index, self.numbered(index)))
    }

    fn numbered(&mut self, index: i32) -> Option<&mut Stats> {
        match self {
            Periods::All(all, _) => Some(all),
            Periods::Each(series, _) => series.at(index),
            Periods::None => None,
        }
    }

    /// Counts the sessions of a user that are shown.
    fn count(
        &mut self,
        sessions: &[Session],
        limits: Limits,
        span: &Span,
        mut day: impl FnMut(Micros) -> Result<Day>,
        mut also: impl FnMut(&mut Stats, &Session, Option<Ending>),
    ) -> Result<()> {
        let mut counted = None;
        for session in sessions.iter().filter(|session| span.shows(session.start)) {
            let index = match self {
                Periods::Each(series, _) => series.index(day(session.start)?)?,
                _ => 0,
            };
            let (stats, claim) = match self {
                Periods::All(all, claim) => (&mut **all, claim),
                Periods::Each(series, claim) => match series.at(index) {
                    Some(stats) => (stats, claim),
                    None => continue,
                },
                Periods::None => continue,
            };
            // A user's sessions come in order of their starts.
            stats.users += u64::from(counted.replace(index) != Some(index));
            let ending = session.ending(limits, span.end);
            stats.count(session, ending, claim)?;
            also(stats, session, ending);
        }
        Ok(())
    }

    fn into_rows(self) -> Result<Vec<Stats>> {
        match self {
            Periods::All(all, _) => Ok(vec![*all]),
            Periods::Each(series, _) => series.into_rows(|period, stats| Stats { start: Some(period.start), ..stats }),
            Periods::None => Ok(Vec::new()),
        }
    }
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

/// The sessions to show with their numbers among their user's, user by user.
pub fn list(view: &View<'_>, span: &Span) -> Result<Vec<(u64, Session)>> {
    let (mut claim, mut listed) = (Claim::temporary(), Vec::new());
    view.each_session(|_, sessions| {
        let mut numbered = (1..).zip(sessions).filter(|(_, session)| span.shows(session.start));
        numbered.try_for_each(|(number, session)| claim.push(&mut listed, (number, *session)))
    })?;
    Ok(listed)
}
