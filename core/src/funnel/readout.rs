//! Users who reach each step, who drop out, and whose result is still open.
//!
//! Rates, dropped users and times are over eligible users ([`Journey::eligible`]), whose window has elapsed since they entered.
//! If users were counted as soon as they convert, and others only when they can no longer, all rates would be too high.
//! Others who have not reached a step are open. Definition D47.

use super::{Compatibility, Event, Journey, Matcher, Mode, View};
use crate::base::calendar::Micros;
use crate::base::calendar::Span;
use crate::base::error::{Error, Result};
use crate::base::memory::Claim;
use crate::stats::interval::wilson;
use crate::stats::quantile::quantile;

/// One step of a funnel.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// Users who reached it so far.
    pub users: u64,
    /// Eligible users: of all who entered.
    pub eligible: u64,
    /// Eligible users who reached it.
    pub reached: u64,
    /// Eligible users who reached the previous step and not this one.
    pub dropped: u64,
    /// Users who reached the previous step, not yet this one, and are not eligible yet.
    pub open: u64,
    /// Eligible users who reached the previous step, or one from which this one could come next.
    pub(super) reached_previous: u64,
    /// Eligible users who entered with this step instead of the first.
    pub(super) entered: u64,
    /// The same of users who are not eligible yet, in funnels with conditions on single steps only: those counts that must
    /// not be too small either.
    pub(super) early: [u64; 2],
    /// Whether steps have conditions of their own.
    pub(super) has_terms: bool,
    /// Times of eligible users from the previous step, in microseconds.
    durations: Vec<Micros>,
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl Step {
    /// The share who reached this step among the eligible users who reached the previous one, or for whom it could come next.
    pub fn from_previous_rate(&self) -> Option<f64> {
        ratio(self.reached - self.entered, self.reached_previous)
    }

    /// The share who reached this step among all eligible users.
    pub fn from_first_rate(&self) -> Option<f64> {
        ratio(self.reached, self.eligible)
    }

    /// The bounds (95 %) of [`from_first_rate`](Step::from_first_rate).
    pub fn bounds(&self) -> Option<(f64, f64)> {
        wilson(self.reached, self.eligible)
    }

    /// A quantile of the time in seconds from the previous step, over eligible users who reached this one, by linear
    /// interpolation.
    pub fn quantile(&mut self, share: f64) -> Option<f64> {
        quantile(&mut self.durations, share)
    }
}

/// The events of a user from the start of the span on; its end limits who enters.
pub fn shown<'a>(events: &'a [Event], span: &Span) -> &'a [Event] {
    let from = span.since.map_or(0, |since| events.partition_point(|event| event.at < since));
    events.get(from..).unwrap_or(&[])
}

/// Every step, in order, of the users who enter from `since` to before `until`, as known at the end of observation.
pub fn steps(view: &View<'_>, compatibility: Compatibility, span: &Span) -> Result<Vec<Step>> {
    let (mut matcher, mut claim) =
        (Matcher::new(view.rules(), compatibility, span.end)?.until(span.until), Claim::temporary());
    let mut steps = vec![Step::default(); view.rules().steps];
    view.each(|_, events| count(&mut steps, matcher.journey(shown(events, span))?, &mut claim))?;
    finish(&mut steps);
    Ok(steps)
}

/// Counts the steps reached by a user.
pub(super) fn count(steps: &mut [Step], journey: &Journey, claim: &mut Claim) -> Result<()> {
    let level = journey.reached.len();
    for (i, step) in steps.iter_mut().take(level).enumerate() {
        step.users += 1;
        step.reached += u64::from(journey.eligible);
        if i > 0 && journey.eligible {
            claim.push(&mut step.durations, journey.reached[i].saturating_sub(journey.reached[i - 1]))?;
        }
    }
    if level > 0
        && let Some(next) = steps.get_mut(level)
    {
        *(if journey.eligible { &mut next.dropped } else { &mut next.open }) += 1;
    }
    Ok(())
}

/// Counts the steps reached by a user in a funnel with conditions on single steps, of which some may be skipped.
pub(super) fn count_course(steps: &mut [Step], journey: &Journey, optional: u64, claim: &mut Claim) -> Result<()> {
    let done = journey.done();
    if done == 0 {
        return Ok(());
    }
    if let Some(first) = steps.first_mut() {
        first.eligible += u64::from(journey.eligible);
    }
    let next = next_required(done, optional);
    let entered = done.trailing_zeros() as usize;
    let (mut times, mut before) = (journey.reached.iter(), None);
    for (i, step) in steps.iter_mut().enumerate().skip(entered) {
        let is_done = done >> i & 1 != 0;
        let came_by = if journey.eligible { &mut step.reached_previous } else { &mut step.early[0] };
        *came_by += u64::from(i > entered && i <= next);
        if is_done && let Some(&at) = times.next() {
            step.users += 1;
            step.reached += u64::from(journey.eligible);
            let entries = if journey.eligible { &mut step.entered } else { &mut step.early[1] };
            *entries += u64::from(i == entered && i > 0);
            if let Some(before) = before.replace(at).filter(|_| journey.eligible) {
                claim.push(&mut step.durations, at.saturating_sub(before))?;
            }
        } else if i == next {
            *(if journey.eligible { &mut step.dropped } else { &mut step.open }) += 1;
        }
    }
    Ok(())
}

/// The first step after those done that must not be skipped.
fn next_required(done: u64, optional: u64) -> usize {
    let last = 63 - done.leading_zeros();
    let later = u64::MAX.checked_shl(last + 1).unwrap_or(0);
    (later & !optional).trailing_zeros() as usize
}

/// Merges the steps of other users.
pub(super) fn merge(steps: &mut [Step], others: Vec<Step>, claim: &mut Claim) -> Result<()> {
    steps.iter_mut().zip(others).try_for_each(|(step, other)| {
        step.users += other.users;
        step.reached += other.reached;
        step.dropped += other.dropped;
        step.open += other.open;
        step.eligible += other.eligible;
        step.reached_previous += other.reached_previous;
        step.entered += other.entered;
        step.early.iter_mut().zip(other.early).for_each(|(ours, theirs)| *ours += theirs);
        claim.reserve_doubling(&mut step.durations, other.durations.len())?;
        step.durations.extend(other.durations);
        Ok(())
    })
}

/// Completes the steps when all users are counted.
pub(super) fn finish(steps: &mut [Step]) {
    let eligible = steps.first().map_or(0, |first| first.reached);
    let mut previous = 0;
    for step in steps {
        step.eligible = eligible;
        step.reached_previous = previous;
        previous = step.reached;
    }
}

/// The same in a funnel with conditions on single steps.
pub(super) fn finish_course(steps: &mut [Step]) {
    let eligible = steps.first().map_or(0, |first| first.eligible);
    steps.iter_mut().for_each(|step| (step.eligible, step.has_terms) = (eligible, true));
}

/// The standing of a user at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Reached.
    Completed,
    /// Not reached by an eligible user, unlike the previous step.
    Dropped,
    /// Not reached yet by a user who is not eligible yet, unlike the previous step.
    Open,
}

impl Standing {
    /// Its name in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Standing::Completed => "completed",
            Standing::Dropped => "dropped",
            Standing::Open => "open",
        }
    }
}

/// A step, and the standing of a user at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The step: 0 is the first.
    pub step: usize,
    /// When it was reached.
    pub reached: Option<Micros>,
    /// The standing.
    pub standing: Standing,
}

/// The steps a user reached, and the next one if there is one. A user who never began has none.
pub fn progress(journey: &Journey, steps: usize) -> impl Iterator<Item = Progress> {
    progress_of_course(journey, steps, 0)
}

/// The same where some steps may be skipped: the next one is the first that must not.
pub(super) fn progress_of_course(journey: &Journey, steps: usize, optional: u64) -> impl Iterator<Item = Progress> {
    let done = journey.done();
    let numbers = (0..steps).filter(move |step| done >> step & 1 != 0);
    let reached = numbers.zip(&journey.reached);
    let next = if done == 0 { steps } else { next_required(done, optional) };
    let standing = if journey.eligible { Standing::Dropped } else { Standing::Open };
    let next = (next < steps).then_some(Progress { step: next, reached: None, standing });
    reached.map(|(step, &at)| Progress { step, reached: Some(at), standing: Standing::Completed }).chain(next)
}

/// The names of the steps: as given by the caller, or by number; with mode unordered, the number of steps done.
pub fn names(steps: usize, mode: Mode, given: Option<&[Option<String>]>) -> Result<Vec<String>> {
    let numbered = |number: usize| match mode {
        Mode::Unordered => format!("any {number} of {steps}"),
        _ => format!("step {number}"),
    };
    match given {
        None => Ok((1..=steps).map(numbered).collect()),
        Some(names) if names.len() == steps => {
            Ok((1..).zip(names).map(|(number, name)| name.clone().unwrap_or_else(|| numbered(number))).collect())
        }
        Some(names) => {
            let (given, accepted) = (format!("{} names", names.len()), format!("{steps} names, one a step"));
            Err(Error::Argument { name: "steps", given, accepted })
        }
    }
}
