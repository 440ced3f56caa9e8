//! The values of users that an experiment compares, computed from their requests. Definition D84.
//!
//! A user enters the experiment with the first request that carries a variant. Earlier requests are used only for the same
//! metric before exposure.

use crate::base::calendar::{DAY_MICROS, Micros};
use crate::base::days::Day;
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::base::user_table::is_blank;
use crate::function::text_order;
use crate::function::{Call, Clock};
use crate::history::Timeline;
use crate::sessions::{self, Limits, MAX_IDLE, Session};
use crate::source::{Measure, Metrics, is_assigned};
use crate::stats::sum::Sum;

/// The first exposure of a user.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exposure {
    /// The instant of the first request with a variant.
    pub(super) at: Micros,
    /// The code of the variant.
    pub(super) variant: u32,
    /// The code of the segment at that instant.
    pub(super) segment: u32,
    /// Whether the user was seen with another variant, too.
    pub(super) is_mixed: bool,
    /// Whether the user counts in the variant: not if users of several are left out.
    pub(super) counts: bool,
}

/// The value of a user, with the denominator as second value if it is a ratio.
pub(super) type Figure = (Option<f64>, Option<f64>);

/// Computes values of users from their requests.
pub(super) struct Figures<'a> {
    call: &'a Call<'a>,
    metrics: &'a Metrics,
    clock: Clock<'a>,
    /// The day on which observation ends, if a metric needs it.
    end: Day,
    limits: Limits,
    /// The length of the period from first exposure on that counts, if it is limited, and the end of observation.
    window: Option<(Micros, Micros)>,
    /// Whether users of several variants count in the first of them.
    first_counts: bool,
    /// Whether observation ended before `since`.
    is_over: bool,
    /// Whether a defined experiment assigns the variant, which every request then carries.
    is_assigned: bool,
    variant: Option<usize>,
    segment: Option<usize>,
    converted: Option<usize>,
    session: Option<usize>,
    latency: Option<usize>,
    succeeded: Option<usize>,
    /// The numeric column of each metric.
    numbers: Vec<Option<usize>>,
    days: Vec<Day>,
    parts: Vec<Session>,
    sessions: Vec<Session>,
    claim: Claim,
}

/// The flag of a request known to have failed.
const FAILED: u8 = 1;

fn count(of: usize) -> Figure {
    (Some(of as f64), None)
}

impl<'a> Figures<'a> {
    /// For a call, with the segment in the column of the given name.
    pub(super) fn of(call: &'a Call<'a>, metrics: &'a Metrics, segment: &str) -> Result<Self> {
        let mut clock = call.clock()?;
        let asks_for_end = metrics.list.iter().any(|metric| matches!(metric.measure, Measure::Return { .. }));
        let end = if asks_for_end { clock.day(call.end())? } else { 0 };
        let numbers = metrics.list.iter().map(|metric| metric.column().and_then(|column| call.column(column)));
        Ok(Figures {
            call,
            metrics,
            clock,
            end,
            limits: Limits { gap: call.environment.session_gap, idle: MAX_IDLE },
            window: call.integer("window_days").map(|days| (i64::from(days) * DAY_MICROS, call.end())),
            first_counts: call.text("mixed") == Some("first"),
            is_over: call.since.is_some_and(|since| since > call.end()),
            is_assigned: call.text("variant").is_some_and(is_assigned),
            variant: call.column("variant"),
            segment: call.column(segment),
            converted: call.column("converted"),
            session: call.column("session_id"),
            latency: call.column("latency_ms"),
            succeeded: call.column("succeeded"),
            // few: metrics of a call
            numbers: numbers.collect(),
            days: Vec::new(),
            parts: Vec::new(),
            sessions: Vec::new(),
            claim: Claim::temporary(),
        })
    }

    /// The columns that it reads.
    pub(super) fn columns(&self) -> Vec<Option<usize>> {
        let own = [self.variant, self.segment, self.converted, self.session, self.latency, self.succeeded];
        // few: columns of a call
        own.into_iter().chain(self.numbers.iter().copied()).collect()
    }

    /// The variant of an exposure.
    pub(super) fn variant_of(&self, exposure: Exposure) -> Option<&'a [u8]> {
        self.call.text_of(self.variant, exposure.variant)
    }

    /// The column of segments.
    pub(super) fn segment(&self) -> Option<usize> {
        self.segment
    }

    /// The first exposure of a user; `None` without one. It may precede `since`, unless the variant is assigned: such an
    /// experiment begins with `since`.
    pub(super) fn exposure(&self, user: &Timeline<'_>) -> Option<Exposure> {
        if self.is_over {
            return None;
        }
        let user = if self.is_assigned { user.since(self.call.since) } else { *user };
        let codes = user.codes(self.variant)?;
        let is_variant = |code: u32| self.call.text_of(self.variant, code).is_some_and(|variant| !is_blank(variant));
        let first = codes.iter().position(|&code| is_variant(code))?;
        let at = user.at[first];
        // Of several variants at the same instant, the first by its bytes.
        let met = (first..codes.len()).take_while(|&i| user.at[i] == at).filter(|&i| is_variant(codes[i]));
        let named = |code: &u32| text_order(self.call.text_of(self.variant, *code));
        let variant = met.map(|i| codes[i]).min_by(|a, b| named(a).cmp(&named(b))).unwrap_or(codes[first]);
        let segment = user.codes(self.segment).map_or(0, |segments| {
            // Of several variants at the same instant, the first by its bytes.
            let then = (first..codes.len()).take_while(|&i| user.at[i] == at).filter(|&i| is_variant(codes[i]));
            let name = |segment: &u32| text_order(self.call.text_of(self.segment, *segment));
            then.map(|i| segments[i]).min_by(|a, b| name(a).cmp(&name(b))).unwrap_or(0)
        });
        let is_mixed = codes[first..].iter().any(|&code| code != variant && is_variant(code));
        Some(Exposure { at, variant, segment, is_mixed, counts: !is_mixed || self.first_counts })
    }

    /// Whether a metric asks for return, on days of its own.
    fn returns(&self, metric: usize) -> bool {
        self.metrics.list.get(metric).is_some_and(|metric| matches!(metric.measure, Measure::Return { .. }))
    }

    /// The requests that count for a metric: from first exposure on, and not before `since`. Whether a user returned is
    /// asked of days counted from first exposure, wherever `since` is.
    pub(super) fn counted<'u>(&self, metric: usize, user: &Timeline<'u>, exposure: Exposure) -> Timeline<'u> {
        let since = self.call.since.filter(|_| !self.returns(metric));
        let user = user.since(Some(since.map_or(exposure.at, |since| since.max(exposure.at))));
        match self.window {
            Some((length, _)) if !self.returns(metric) => user.before(exposure.at.saturating_add(length)),
            _ => user,
        }
    }

    /// Whether a user has a value: if a window after first exposure is compared, all of it must have been observed.
    pub(super) fn is_eligible(&self, metric: usize, exposure: Exposure) -> bool {
        let Some((length, end)) = self.window.filter(|_| !self.returns(metric)) else { return true };
        exposure.at.saturating_add(length) <= end && self.call.since.is_none_or(|since| since <= exposure.at)
    }

    /// The known numbers of a metric. Latency is that of requests that were answered, or may have been: those that failed
    /// fast would make a variant look fast.
    pub(super) fn numbers<'u>(&self, metric: usize, user: &Timeline<'u>) -> impl Iterator<Item = f64> + use<'u> {
        let numbers = user.numbers(self.numbers.get(metric).copied().flatten()).unwrap_or_default();
        let is_latency = self.metrics.list.get(metric).is_some_and(|metric| metric.column() == Some("latency_ms"));
        let flags = user.flags(self.succeeded.filter(|_| is_latency)).unwrap_or_default();
        let has_failed = |i: usize| flags.get(i) == Some(&FAILED);
        numbers
            .iter()
            .copied()
            .enumerate()
            .filter(move |(i, number)| !number.is_nan() && !has_failed(*i))
            .map(|(_, n)| n)
    }

    /// The value of a metric for a user, from the given requests.
    pub(super) fn figure(&mut self, metric: usize, user: &Timeline<'_>, exposed_at: Micros) -> Result<Figure> {
        let Some(of) = self.metrics.list.get(metric) else { return Ok((None, None)) };
        match of.measure {
            Measure::Requests => Ok(count(user.at.len())),
            Measure::ActiveDays => {
                self.clock.distinct_days(user.at.iter().copied(), &mut self.days, &mut self.claim)?;
                Ok(count(self.days.len()))
            }
            Measure::Sessions => {
                let requests = sessions::requests(user, self.session, self.latency, self.succeeded);
                let (parts, sessions) = (&mut self.parts, &mut self.sessions);
                sessions::of_requests(requests, self.limits, parts, sessions, &mut self.claim)?;
                Ok(count(sessions.len()))
            }
            Measure::Successes => {
                let outcomes = (0..user.at.len()).filter_map(|i| user.flag(self.succeeded, i));
                let (succeeded, known) = outcomes.fold((0, 0), |(s, k), yes| (s + usize::from(yes), k + 1));
                Ok((Some(succeeded as f64), Some(f64::from(known))))
            }
            Measure::Converted => {
                let converted = (0..user.at.len()).any(|i| user.flag(self.converted, i) == Some(true));
                Ok(count(usize::from(converted)))
            }
            Measure::Return { from, last } => self.returned(user, exposed_at, i64::from(from)..=i64::from(last)),
            Measure::Sum(_) => Ok((Some(self.sum(metric, user)?.value().unwrap_or(0.0)), None)),
            Measure::Mean(_) => {
                let sum = self.sum(metric, user)?;
                Ok((sum.value(), Some(sum.count() as f64)))
            }
            // All numbers are used.
            Measure::Quantile(..) => Ok((None, None)),
        }
    }

    fn sum(&self, metric: usize, user: &Timeline<'_>) -> Result<Sum> {
        // In memory of its own, freed with the sum.
        let (mut sum, mut claim) = (Sum::default(), Claim::temporary());
        self.numbers(metric, user).try_for_each(|number| sum.add(number, &mut claim))?;
        Ok(sum)
    }

    /// Whether a user returned on one of the days in a range after the day of exposure; unknown until these days have
    /// elapsed.
    fn returned(
        &mut self,
        user: &Timeline<'_>,
        exposed_at: Micros,
        days: std::ops::RangeInclusive<i64>,
    ) -> Result<Figure> {
        let exposed = i64::from(self.clock.day(exposed_at)?);
        if i64::from(self.end) <= exposed + days.end() {
            return Ok((None, None));
        }
        // No clock shows a local day more than two days of time before or after the day's nominal start.
        let near = |days: i64| exposed_at.saturating_add(days.saturating_mul(DAY_MICROS));
        let window = user.since(Some(near(days.start() - 3))).before(near(days.end() + 4));
        for &at in window.at {
            if days.contains(&(i64::from(self.clock.day(at)?) - exposed)) {
                return Ok(count(1));
            }
        }
        Ok(count(0))
    }
}
