//! Users' stages over successive days. Active users are processed on every day, dormant ones only when dormancy begins and
//! ends, so the work grows linearly with the users' active days.

use super::Stage;
use super::lives::{Life, Lives};
use crate::base::days::Day;
use crate::base::error::Result;
use crate::base::memory::{self, Claim};
use crate::function::Call;
use crate::segments::{Terms, power_cutoff, shown_cutoff};
use std::cmp::Reverse;

/// The number of days without a request after which a user is lapsed or dormant.
pub(super) const RECENT_DAYS: Day = 28;

/// Bits for the recent days.
const RECENT: u64 = (1 << RECENT_DAYS) - 1;

/// The number of recent days and of those before them, with which lapsed users are found: as `segment_users` does.
pub(super) const KNOWN_DAYS: Day = 2 * RECENT_DAYS;

/// The state of a user.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Standing {
    /// The stage; `None` before the first day.
    pub(super) stage: Option<Stage>,
    /// The index of the day from which on the stage has been the same.
    pub(super) since: usize,
    /// Requests in the last 28 days.
    pub(super) requests: u64,
    /// A bit for each of these days and of the 28 before with requests; the lowest is the current day.
    days: u64,
    /// Of the user's days, how many have left the window and how many have entered it.
    past: usize,
    come: usize,
    /// Whether the user is processed on every day.
    is_active: bool,
}

impl Standing {
    /// The number of active days among the last 28.
    pub(super) fn active_days(&self) -> u32 {
        (self.days & RECENT).count_ones()
    }

    /// The number of active days among the 28 before.
    fn base_days(&self) -> u64 {
        (self.days >> RECENT_DAYS).count_ones().into()
    }

    /// The number of active weeks among the last four.
    pub(super) fn active_weeks(&self) -> u32 {
        (0..RECENT_DAYS / 7).filter(|week| self.days >> (7 * week) & 0x7f != 0).count() as u32
    }

    /// Advances to the end of a day, the given number of days after the previous one.
    fn advance(&mut self, days: &[(Day, u32)], end: Day, passed: Day) {
        let recent = |age: Day| (0..RECENT_DAYS).contains(&age);
        let known = |age: Day| (0..KNOWN_DAYS).contains(&age);
        self.days = if known(passed) { self.days << passed & ((1 << KNOWN_DAYS) - 1) } else { 0 };
        while let Some(&(day, requests)) = days.get(self.come).filter(|(day, _)| *day <= end) {
            if known(end - day) {
                self.days |= 1 << (end - day);
            }
            self.requests += u64::from(requests);
            self.come += 1;
        }
        while let Some(&(_, requests)) = days.get(self.past).filter(|(day, _)| *day <= end && !recent(end - day)) {
            self.requests -= u64::from(requests);
            self.past += 1;
        }
    }

    fn judge(&self, lives: &Lives<'_>, life: &Life, end: Day, power_cutoff: Option<u64>, least_lapsed: u64) -> Stage {
        let upgraded = || lives.upgraded_on(life, end).is_some();
        let grows = || power_cutoff.is_some_and(|cutoff| self.requests >= cutoff) || upgraded();
        match self.active_weeks() {
            0 if self.base_days() >= least_lapsed => Stage::Lapsed,
            0 => Stage::Dormant,
            3.. if grows() => Stage::Growth,
            3.. => Stage::Retention,
            _ if life.activated_on.is_some_and(|day| day <= end) => Stage::Activation,
            _ => Stage::Acquisition,
        }
    }
}

/// A transition, or staying: the index of the user, the stage before, the stage after.
pub(super) type Move = (u32, Option<Stage>, Stage);

/// The state of all users on the last day.
pub(super) struct Judged {
    /// In the order of the lives.
    pub(super) standings: Vec<Standing>,
    /// The requests of users who are not dormant, in descending order.
    pub(super) usages: Vec<u64>,
    /// The cutoff of power users; `None` if there are none.
    power_cutoff: Option<u64>,
    _claim: Claim,
}

/// Computes stages at the ends of the given days, ascending, and calls `each` with the index of a day and the transitions of
/// all users except those who stay dormant. Days without such transitions may be skipped.
pub(super) fn judged(
    lives: &Lives<'_>,
    count: usize,
    day: impl Fn(usize) -> Day,
    mut each: impl FnMut(usize, &[Move]) -> Result<()>,
) -> Result<Judged> {
    let mut claim = Claim::temporary();
    let mut returns = returns(lives, &mut claim)?.into_iter().peekable();
    let mut standings = claim.filled(Standing::default(), lives.lives.len())?;
    let (mut active, mut moves, mut usages) = (Vec::new(), Vec::new(), Vec::new());
    let (mut cutoff, mut before, least_lapsed) = (None, 0, Terms::STANDARD.least_lapsed()?);
    let mut number = 0;
    while number < count {
        memory::poll();
        if active.is_empty() {
            // No transitions until a user arrives.
            let Some(&(next, _)) = returns.peek() else { break };
            let mut after = count;
            while number < after {
                let middle = number + (after - number) / 2;
                if day(middle) < next { number = middle + 1 } else { after = middle }
            }
            if number == count {
                break;
            }
        }
        let end = day(number);
        while let Some((_, user)) = returns.next_if(|(day, _)| *day <= end) {
            let Some(standing) = standings.get_mut(user as usize) else { continue };
            if !std::mem::replace(&mut standing.is_active, true) {
                claim.push(&mut active, user)?;
            }
        }
        usages.clear();
        claim.reserve(&mut usages, active.len())?;
        for (n, &user) in active.iter().enumerate() {
            if n % memory::POLL_EVERY == memory::POLL_EVERY - 1 {
                memory::poll();
            }
            let (standing, life) = (&mut standings[user as usize], &lives.lives[user as usize]);
            standing.advance(lives.days(life), end, end - before);
            if standing.requests > 0 {
                usages.push(standing.requests);
            }
        }
        usages.sort_unstable_by_key(|&usage| Reverse(usage));
        cutoff = power_cutoff(&usages, &Terms::STANDARD.power);
        moves.clear();
        claim.reserve(&mut moves, active.len())?;
        active.retain(|&user| {
            let standing = &mut standings[user as usize];
            let stage = standing.judge(lives, &lives.lives[user as usize], end, cutoff, least_lapsed);
            moves.push((user, standing.stage, stage));
            if standing.stage != Some(stage) {
                (standing.stage, standing.since) = (Some(stage), number);
            }
            standing.is_active = stage != Stage::Dormant;
            if !standing.is_active {
                // By the time the user can lapse again, these days lie too far back.
                standing.days = 0;
            }
            standing.is_active
        });
        each(number, &moves)?;
        before = end;
        number += 1;
    }
    Ok(Judged { standings, usages, power_cutoff: cutoff, _claim: claim })
}

impl Judged {
    /// The cutoff of power users as shown in rows.
    pub(super) fn shown_cutoff(&self, call: &Call<'_>) -> Option<u64> {
        shown_cutoff(call, &self.usages, self.power_cutoff)
    }
}

/// The days on which users start or return from dormancy, ascending, with the users' indexes.
fn returns(lives: &Lives<'_>, claim: &mut Claim) -> Result<Vec<(Day, u32)>> {
    let mut returns = Vec::new();
    for (user, life) in (0u32..).zip(&lives.lives) {
        if user as usize % memory::POLL_EVERY == memory::POLL_EVERY - 1 {
            memory::poll();
        }
        let mut last: Option<Day> = None;
        for &(day, _) in lives.days(life) {
            if last.replace(day).is_none_or(|last| day - last > RECENT_DAYS) {
                claim.push(&mut returns, (day, user))?;
            }
        }
    }
    memory::poll();
    returns.sort_unstable();
    Ok(returns)
}
