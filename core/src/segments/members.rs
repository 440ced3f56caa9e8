//! The input of segments: each user's requests, their times, and recent usage.

use super::power::{at_most, power_cutoff, shown_cutoff};
use super::{Segment, Terms, decline_p};
use crate::base::calendar::{DAY_MICROS, Micros};
use crate::base::days::Day;
use crate::base::error::Result;
use crate::base::memory::{self, Claim};
use crate::function::{Call, Clock};
use crate::history::{Fold, Id, Ids, Timeline};
use crate::sessions::{self, Limits, MAX_IDLE, Session};
use crate::source::{Facts, Rules};
use crate::stats::sum::sum_of;
use std::cmp::Reverse;

/// Seven times 24 hours, regardless of clock changes.
const WEEK: Micros = 7 * DAY_MICROS;

/// The values of a user.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) id: Id,
    pub(crate) first: Micros,
    pub(crate) last: Micros,
    /// Requests in the range shown.
    pub(crate) requests: u64,
    /// The number of local days with requests.
    pub(crate) active_days: u64,
    /// Requests of the recent weeks.
    pub(crate) recent: u64,
    /// Requests of the weeks before.
    pub(crate) base: u64,
    /// Local days of the recent requests.
    pub(crate) recent_days: u64,
    /// Local days of those of the weeks before.
    pub(crate) base_days: u64,
    sessions: u64,
    /// The mean duration of the closed ones.
    session_mean_seconds: Option<f64>,
    cost: Option<f64>,
    answered_rate: Option<f64>,
    /// The start of the codes of the user's properties in `told`.
    told: usize,
    /// The segment, set once all users are known.
    pub(crate) segment: Segment,
    /// The rank by recent requests, from 1; equal users share a rank. `None` without recent requests.
    pub(crate) usage_rank: Option<u64>,
    /// Recent active days per week divided by earlier ones; `None` without earlier ones.
    pub(crate) decline_ratio: Option<f64>,
    /// The probability of so few recent active days; see [`decline_p`].
    pub(crate) decline_p: Option<f64>,
}

/// The fold.
pub(crate) struct Members<'a> {
    call: &'a Call<'a>,
    terms: Terms,
    rules: Option<&'a Rules>,
    clock: Clock<'a>,
    /// Where observation ends.
    end: Micros,
    session: Option<usize>,
    latency: Option<usize>,
    succeeded: Option<usize>,
    cost: Option<usize>,
    /// The columns of the properties used by rules.
    properties: Vec<Option<usize>>,
    pub(crate) members: Vec<Member>,
    /// The cutoff of power users by recent requests; `None` if there are none.
    power_cutoff: Option<u64>,
    /// The same as shown in rows.
    pub(super) shown_cutoff: Option<u64>,
    ids: Ids,
    told: Vec<u32>,
    days: Vec<Day>,
    parts: Vec<Session>,
    sessions: Vec<Session>,
    claim: Claim,
}

impl<'a> Members<'a> {
    pub(crate) fn new(call: &'a Call<'_>, terms: Terms, rules: Option<&'a Rules>) -> Result<Self> {
        let column = |name: &str| call.column(name);
        let properties = rules.map_or(&[][..], |rules| &rules.properties);
        Ok(Members {
            call,
            terms,
            rules,
            clock: call.clock()?,
            end: call.end(),
            session: column("session_id"),
            latency: column("latency_ms"),
            succeeded: column("succeeded"),
            cost: column("cost_usd"),
            properties: properties.iter().map(|name| column(&Rules::property(name))).collect(), // few: of an argument
            members: Vec::new(),
            power_cutoff: None,
            shown_cutoff: None,
            ids: Ids::default(),
            told: Vec::new(),
            days: Vec::new(),
            parts: Vec::new(),
            sessions: Vec::new(),
            claim: Claim::temporary(),
        })
    }

    /// All users except excluded ones, each in their segment.
    pub(crate) fn of(call: &'a Call<'_>, terms: Terms, rules: Option<&'a Rules>) -> Result<Self> {
        let make = || Members::new(call, terms, rules);
        let columns = make()?.columns();
        let mut members = call.fold(&columns, make)?;
        members.settle()?;
        Ok(members)
    }

    /// The columns it reads.
    pub(crate) fn columns(&self) -> Vec<Option<usize>> {
        let own = [self.session, self.latency, self.succeeded, self.cost];
        own.into_iter().chain(self.properties.iter().copied()).collect() // few: columns
    }

    /// The id of a user as shown in rows.
    pub(crate) fn id<'m>(&'m self, member: &'m Member) -> std::borrow::Cow<'m, [u8]> {
        self.call.shown(&self.ids, &member.id)
    }

    /// The name of a user's segment, and its index among all segments.
    pub(crate) fn segment<'m>(&'m self, member: &'m Member) -> (usize, &'m str) {
        match self.rules {
            None => (member.segment as usize, member.segment.name()),
            Some(rules) => {
                let place = rules.segment(&Known { members: self, member });
                (place, rules.segments.get(place).map_or("", String::as_str))
            }
        }
    }

    fn begins(&self) -> (Micros, Micros) {
        let recent = self.end.saturating_sub(WEEK.saturating_mul(self.terms.recent_weeks.into()));
        (recent, recent.saturating_sub(WEEK.saturating_mul(self.terms.base_weeks.into())))
    }

    /// Assigns the segment of each user, which depends on all users.
    pub(crate) fn settle(&mut self) -> Result<()> {
        let Members { call, terms, members, end, claim, power_cutoff: cutoff, shown_cutoff: shown, .. } = self;
        let (recent_weeks, base_weeks) = (f64::from(terms.recent_weeks), f64::from(terms.base_weeks));
        let share = recent_weeks / (recent_weeks + base_weeks);
        let mut usages: Vec<u64> = Vec::new();
        claim.reserve(&mut usages, members.len())?;
        usages.extend(members.iter().map(|member| member.recent).filter(|&recent| recent > 0));
        memory::poll();
        usages.sort_unstable_by_key(|&recent| Reverse(recent));
        *cutoff = power_cutoff(&usages, &terms.power);
        *shown = shown_cutoff(call, &usages, *cutoff);
        let new_after = end.saturating_sub(DAY_MICROS.saturating_mul(Micros::from(terms.new_days)));
        for (i, member) in members.iter_mut().enumerate() {
            if i % memory::POLL_EVERY == 0 {
                memory::poll();
            }
            let above = usages.partition_point(|&usage| usage > member.recent);
            member.usage_rank = (member.recent > 0).then_some(above as u64 + 1);
            let (days, before) = (member.recent_days, member.base_days);
            member.decline_ratio = (before > 0).then(|| days as f64 / recent_weeks / (before as f64 / base_weeks));
            member.decline_p = decline_p(days, before, share)?;
            let declines = before >= terms.min_base_days
                && at_most(
                    u128::from(days) * u128::from(terms.base_weeks),
                    terms.max_decline_ratio,
                    u128::from(before) * u128::from(terms.recent_weeks),
                )
                && member.decline_p.is_some_and(|chance| chance < terms.max_decline_p);
            member.segment = match () {
                () if member.first > new_after => Segment::New,
                () if member.recent == 0 && declines => Segment::Lapsed,
                () if member.recent == 0 => Segment::Dormant,
                () if declines => Segment::AtRisk,
                () if cutoff.is_some_and(|cutoff| member.recent >= cutoff) => Segment::Power,
                () => Segment::Casual,
            };
        }
        Ok(())
    }
}

impl Fold for Members<'_> {
    fn observe(&mut self, user: &Timeline<'_>) -> Result<()> {
        let (Some(&first), Some(&last)) = (user.at.first(), user.at.last()) else { return Ok(()) };
        let (recent_after, base_after) = self.begins();
        let up_to = |instant: Micros| user.at.partition_point(|at| *at <= instant);
        let (base, recent, seen) = (up_to(base_after), up_to(recent_after), up_to(self.end));
        let shown = user.since(self.call.since);
        let Members { call, rules, clock, end, session, latency, succeeded, cost, properties, .. } = self;
        let Members { ids, told, days, parts, sessions, claim, .. } = self;
        let mut days_of = |instants: Option<&[Micros]>| {
            clock.distinct_days(instants.unwrap_or_default().iter().copied(), days, claim)?;
            Result::Ok(days.len() as u64)
        };
        let (base_days, recent_days) = (days_of(user.at.get(base..recent))?, days_of(user.at.get(recent..seen))?);
        let active_days = days_of(Some(shown.at))?;
        let begin = told.len();
        for column in &*properties {
            let codes = user.codes(*column).unwrap_or_default();
            let last = call.told_last(*column, codes.iter().copied().zip(user.at.iter().copied()));
            claim.push(told, last)?;
        }
        let mut member = Member {
            id: ids.keep(user, claim)?,
            first,
            last,
            requests: shown.at.len() as u64,
            active_days,
            recent: seen.saturating_sub(recent) as u64,
            base: recent.saturating_sub(base) as u64,
            recent_days,
            base_days,
            sessions: 0,
            session_mean_seconds: None,
            cost: None,
            answered_rate: None,
            told: begin,
            segment: Segment::Dormant,
            usage_rank: None,
            decline_ratio: None,
            decline_p: None,
        };
        if let Some(rules) = rules {
            if rules.counts_sessions {
                let limits = Limits { gap: call.environment.session_gap, idle: MAX_IDLE };
                let requests = sessions::requests(&shown, *session, *latency, *succeeded);
                sessions::of_requests(requests, limits, parts, sessions, claim)?;
                member.sessions = sessions.len() as u64;
                let closed = || sessions.iter().filter(|session| !session.is_open(limits, *end));
                let (count, total) = (closed().count(), closed().map(|one| i128::from(one.active())).sum::<i128>());
                member.session_mean_seconds = (count > 0).then(|| total as f64 / 1e6 / count as f64);
            }
            member.cost = sum_of(shown.numbers(*cost), claim)?.value();
            let outcomes = || (0..shown.at.len()).filter_map(|request| shown.flag(*succeeded, request));
            let known = outcomes().count();
            member.answered_rate =
                (known > 0).then(|| outcomes().filter(|succeeded| *succeeded).count() as f64 / known as f64);
        }
        claim.push(&mut self.members, member)
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        let Members { members, ids, told, claim, .. } = self;
        let (told_from, ours) = (told.len(), ids.merge(other.ids, claim)?);
        claim.reserve_doubling(told, other.told.len())?;
        told.extend_from_slice(&other.told);
        for member in other.members {
            claim.push(members, Member { id: ours(member.id), told: told_from + member.told, ..member })?;
        }
        Ok(())
    }
}

/// The values of a user available to rules.
struct Known<'m> {
    members: &'m Members<'m>,
    member: &'m Member,
}

impl Facts for Known<'_> {
    fn number(&self, figure: &str) -> Option<f64> {
        let Member { requests, active_days, recent, base, recent_days, base_days, sessions, first, last, .. } =
            self.member;
        let days = |since: Micros| Some((self.members.end.saturating_sub(since)).div_euclid(DAY_MICROS) as f64);
        match figure {
            "requests" => Some(*requests as f64),
            "active_days" => Some(*active_days as f64),
            "sessions" => Some(*sessions as f64),
            "session_mean_seconds" => self.member.session_mean_seconds,
            "days_since_first" => days(*first),
            "days_since_last" => days(*last),
            "recent_requests" => Some(*recent as f64),
            "base_requests" => Some(*base as f64),
            "recent_days" => Some(*recent_days as f64),
            "base_days" => Some(*base_days as f64),
            "decline_ratio" => self.member.decline_ratio,
            "cost_usd" => self.member.cost,
            "answered_rate" => self.member.answered_rate,
            _ => None,
        }
    }

    fn segment(&self) -> &str {
        self.member.segment.name()
    }

    fn property(&self, number: usize) -> Option<&[u8]> {
        let code = *self.members.told.get(self.member.told + number)?;
        self.members.call.text_of(*self.members.properties.get(number)?, code)
    }
}
