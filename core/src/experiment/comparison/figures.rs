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
use crate::source::{Measure, Metrics};
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

    /// The first exposure of a user; `None` without one.
    pub(super) fn exposure(&self, user: &Timeline<'_>) -> Option<Exposure> {
        let user = user.since(self.call.since);
        let codes = user.codes(self.variant)?;
        let is_variant = |code: u32| self.call.text_of(self.variant, code).is_some_and(|variant| !is_blank(variant));
        let first = codes.iter().position(|&code| is_variant(code))?;
        let (at, variant) = (user.at[first], codes[first]);
        let segment = user.codes(self.segment).map_or(0, |segments| {
            // Of several variants at the same instant, the first by its bytes.
            let then = (first..codes.len()).take_while(|&i| user.at[i] == at).filter(|&i| is_variant(codes[i]));
            let name = |segment: &u32| text_order(self.call.text_of(self.segment, *segment));
            then.map(|i| segments[i]).min_by(|a, b| name(a).cmp(&name(b))).unwrap_or(0)
        });
        let is_mixed = codes[first..].iter().any(|&code| code != variant && is_variant(code));
        Some(Exposure { at, variant, segment, is_mixed })
    }

    /// The known numbers of a metric.
    pub(super) fn numbers<'u>(&self, metric: usize, user: &Timeline<'u>) -> impl Iterator<Item = f64> + use<'u> {
        let numbers = user.numbers(self.numbers.get(metric).copied().flatten()).unwrap_or_default();
        numbers.iter().copied().filter(|number| !number.is_nan())
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
